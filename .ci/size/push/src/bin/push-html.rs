//! HTML streaming.

#![no_std]
#![no_main]

use ws_core::transport::{Callback, HtmlStream};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |mut connection| match connection.parameter("callback").and_then(Callback::parse) {
        Some(callback) => push::stream(connection, &mut events, HtmlStream { callback, padding: 1024 }),
        None => connection.refuse(400),
    });
}
