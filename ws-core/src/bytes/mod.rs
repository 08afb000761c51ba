//! Bytes without a protocol: what was read ([`Input`]), what is to be written ([`Output`]), UTF-8 checked while
//! it is unmasked, and the ASCII grammar that fields of HTTP are made of ([`ascii`]).

pub mod ascii;
mod input;
mod output;
pub(crate) mod utf8;

pub use input::Input;
pub use output::Output;

/// Copies as much of `src` as fits and says how much. The compiler makes a block copy of it at every level, and unlike
/// [`copy_from_slice`](slice::copy_from_slice) it cannot panic.
#[inline]
pub(crate) fn copy(dst: &mut [u8], src: &[u8]) -> usize {
    for (to, from) in dst.iter_mut().zip(src) {
        *to = *from;
    }
    dst.len().min(src.len())
}
