//! HTTP, and the ring, the hub and sessions; no technique.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |connection| push::has_news(connection, &mut events));
}
