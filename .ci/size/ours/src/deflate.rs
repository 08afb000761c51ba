//! As `inflate`, and messages are deflated, too.

#![no_std]
#![no_main]

use ws_core::{Config, Connection, Instant, Output};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut out = Output::new(transport::memory());
    let mut ws = Connection::server(Config::DEFAULT, Instant::from_millis(0));
    ours::echo(&mut ws, transport::memory(), &mut out, 0..0);
    ours::inflate();
    ours::deflate();
}
