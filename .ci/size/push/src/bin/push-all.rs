//! All of them on one port.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::policy();
    push::listen_to_events();
    push::serve(&mut |connection| match connection.parameter("as") {
        Some("ws") => push::push_frames(connection, &mut events),
        _ => push::any(connection, &mut events),
    });
}
