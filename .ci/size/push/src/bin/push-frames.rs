//! HTTP and a WebSocket; no event.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    push::serve(&mut push::echo_frames);
}
