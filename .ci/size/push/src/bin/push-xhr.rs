//! XHR streaming.

#![no_std]
#![no_main]

use ws_core::transport::XhrStream;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |connection| push::stream(connection, &mut events, XhrStream { padding: 1024 }));
}
