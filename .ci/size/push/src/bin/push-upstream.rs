//! Messages of a client, by POST.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |connection| push::acknowledge(connection, &mut events, None));
}
