//! Bytes without a protocol: what was read ([`Input`]), what is to be written ([`Output`]), UTF-8 checked while
//! it is unmasked, and the ASCII grammar that fields of HTTP are made of ([`ascii`]).

pub mod ascii;
mod input;
mod output;
pub(crate) mod utf8;

pub use input::Input;
pub use output::Output;

/// Copies as much of `src` as fits and says how much. Slices of equal length are what lets the compiler see that
/// the copy cannot panic.
#[inline]
pub(crate) fn copy(dst: &mut [u8], src: &[u8]) -> usize {
    let n = dst.len().min(src.len());
    if let (Some(d), Some(s)) = (dst.get_mut(..n), src.get(..n)) {
        d.copy_from_slice(s);
    }
    n
}
