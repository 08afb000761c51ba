//! Server and client, each with its opening handshake.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    ours::serve();
    ours::connect();
}
