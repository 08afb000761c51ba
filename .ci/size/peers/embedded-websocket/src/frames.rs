//! Frames only.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    peer_embedded_websocket::frames();
}
