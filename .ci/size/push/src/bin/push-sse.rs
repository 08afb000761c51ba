//! Server-Sent Events, in both styles.

#![no_std]
#![no_main]

use ws_core::transport::Sse;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut events = push::Events::new();
    push::serve(&mut |connection| {
        let style = connection.parameter("as").map_or(Sse::JSON, |_| Sse::PLAIN);
        push::stream(connection, &mut events, style)
    });
}
