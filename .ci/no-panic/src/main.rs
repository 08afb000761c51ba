//! Calls every public entry of `ws-core` with arguments that the compiler knows nothing of. Linked, looked at, never run.
//!
//! Its panic handler calls a function that exists nowhere: if the linked image asks for that function, a panic is in it.

#![no_std]
#![no_main]

mod compression;
mod connection;
mod deflate;
mod handshake;
mod http;
mod inflate;
mod traits;
mod transport;
mod visits;

use core::hint::black_box;

unsafe extern "C" {
    fn a_panic_is_linked() -> !;
    fn probe_read(buf: *mut u8, len: usize);
    fn probe_write(buf: *const u8, len: usize);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: never run.
    unsafe { a_panic_is_linked() }
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    compression::probe();
    connection::probe();
    deflate::probe();
    handshake::probe();
    http::probe();
    inflate::probe();
    traits::probe();
    transport::probe();
    visits::probe();
    #[cfg(feature = "planted")]
    {
        let numbers = [1u8, 2, 3];
        write(&[numbers[any()]]);
    }
}

/// Bytes that nobody foresees.
fn read(buf: &mut [u8]) -> &mut [u8] {
    // SAFETY: never run.
    unsafe { probe_read(buf.as_mut_ptr(), buf.len()) };
    buf.get_mut(..any()).unwrap_or_default()
}

fn write(buf: &[u8]) {
    // SAFETY: never run.
    unsafe { probe_write(buf.as_ptr(), buf.len()) }
}

/// A number that nobody foresees.
fn any() -> usize {
    black_box(0)
}

/// A choice that nobody foresees.
fn maybe() -> bool {
    black_box(false)
}

/// The compiler takes it to be used.
fn keep<T>(value: T) {
    black_box(value);
}

/// Text that nobody foresees.
fn text(buf: &mut [u8]) -> &str {
    core::str::from_utf8(read(buf)).unwrap_or_default()
}

/// A place for `Display` and `Debug` to write to.
struct Sink;

impl core::fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        write(text.as_bytes());
        Ok(())
    }
}

/// Writes an error in words.
fn say(error: impl core::fmt::Display) {
    use core::fmt::Write;
    keep(write!(Sink, "{error}"));
}

/// Writes a value as `Debug` does. Not one that shows a `str`: how `core` does that holds panics.
fn show(value: impl core::fmt::Debug) {
    use core::fmt::Write;
    keep(write!(Sink, "{value:?}"));
}

struct Random;

impl ws_core::Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        read(bytes);
    }
}
