//! What every measured image shares: a transport, random bytes and buffers out of functions that exist nowhere, and
//! the panic handler. No WebSocket.

#![no_std]

#[cfg(feature = "async")]
pub mod futures;

unsafe extern "C" {
    fn transport_read(buf: *mut u8, len: usize) -> usize;
    fn transport_write(buf: *const u8, len: usize);
    fn transport_random(buf: *mut u8, len: usize);
    fn transport_memory() -> &'static mut [u8; 1024];
}

/// A buffer of its own for each call: where it lies is no matter of the crate that is measured.
pub fn memory() -> &'static mut [u8; 1024] {
    // SAFETY: the image is linked and measured, never run.
    unsafe { transport_memory() }
}

/// Reads what has come; 0 at the end.
pub fn read(buf: &mut [u8]) -> usize {
    // SAFETY: as above.
    let n = unsafe { transport_read(buf.as_mut_ptr(), buf.len()) };
    n.min(buf.len())
}

/// Writes all of `buf`.
pub fn write(buf: &[u8]) {
    // SAFETY: as above.
    unsafe { transport_write(buf.as_ptr(), buf.len()) }
}

/// Fills `buf` with random bytes.
pub fn random(buf: &mut [u8]) {
    // SAFETY: as above.
    unsafe { transport_random(buf.as_mut_ptr(), buf.len()) }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
