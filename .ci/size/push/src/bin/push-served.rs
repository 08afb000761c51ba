//! All of them, told apart and answered by the core: an exchange, an endpoint, visits and a hub.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    push::serve_visits();
}
