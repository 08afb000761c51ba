//! Multipart streaming of events.

#![no_std]
#![no_main]

use ws_core::transport::Multipart;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |connection| push::stream(connection, &mut events, Multipart));
}
