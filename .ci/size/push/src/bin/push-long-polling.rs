//! Long polling.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |connection| push::long_poll(connection, &mut events, None));
}
