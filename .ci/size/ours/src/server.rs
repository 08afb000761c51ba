//! A whole server: the opening handshake and its refusals, then the frames.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    ours::serve();
}
