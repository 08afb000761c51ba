//! How deep the stack was, at most. It is painted before `main` runs, and what was used is no longer of that colour.

#![expect(unsafe_code, reason = "memory that the linker knows")]

use core::ptr::{addr_of, read_volatile};
use cortex_m_rt::STACK_PAINT_VALUE;

/// Bytes of the stack that were used, since the start.
pub(crate) fn used() -> usize {
    let (end, start) = bounds();
    let painted = (end..start).step_by(4).take_while(|word| {
        // SAFETY: the linker gives the words between the two to the stack, and no reference to them is held here.
        (unsafe { read_volatile(*word as *const u32) }) == STACK_PAINT_VALUE
    });
    start - end - 4 * painted.count()
}

/// Bytes that the stack may use: all that no static takes.
pub(crate) fn size() -> usize {
    let (end, start) = bounds();
    start - end
}

/// The lowest address of the stack, and the one above its highest.
fn bounds() -> (usize, usize) {
    unsafe extern "C" {
        static _stack_end: u32;
        static _stack_start: u32;
    }
    (addr_of!(_stack_end) as usize, addr_of!(_stack_start) as usize)
}
