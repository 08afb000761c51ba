//! JSONP, as short polling.

#![no_std]
#![no_main]

use ws_core::transport::Callback;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |mut connection| match connection.parameter("callback").and_then(Callback::parse) {
        Some(callback) => push::poll(connection, &mut events, Some(callback)),
        None => connection.refuse(400),
    });
}
