//! With the opening handshake before the frames.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    peer_websocketz::server();
}
