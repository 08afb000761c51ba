//! Base64 (RFC 4648): written with padding ([`encode`]), and as it may stand in a URL ([`encode_url`]), by `base64ct`, or by a table
//! of our own with the feature `small`; and read where it lies ([`decode`]).

use super::copy_short;
#[cfg(not(feature = "small"))]
use base64ct::{Base64, Encoding};
use core::cell::Cell;

/// How long the text of `len` bytes is, padding included; `None`: longer than can be counted.
pub const fn encoded_len(len: usize) -> Option<usize> {
    len.div_ceil(3).checked_mul(4)
}

/// Writes the text of `bytes` into `text`, which is as long as [`encoded_len`] says; into a shorter one, as many digits as
/// make whole groups of four; of a longer one, what lies behind is no part of it.
///
/// ```
/// use ws_core::bytes::base64::{encode, encoded_len};
/// let mut text = [0; 8];
/// encode(b"hello", &mut text);
/// assert_eq!((&text, encoded_len(5)), (b"aGVsbG8=", Some(8)));
/// ```
pub fn encode(mut bytes: &[u8], text: &mut [u8]) {
    // Three bytes at a time: with lengths that are not known in advance, the encoder needs a division.
    for four in text.as_chunks_mut::<4>().0 {
        let mut three = [0; 3];
        let n = copy_short(&mut three, bytes);
        bytes = bytes.get(n..).unwrap_or(&[]);
        encode_three(three, four);
        for padding in four.get_mut(n.saturating_add(1)..).unwrap_or_default() {
            *padding = b'=';
        }
    }
}

/// The same with `-` and `_` for `+` and `/` (RFC 4648 5): for bytes whose count is a multiple of three, which have no
/// padding.
pub fn encode_url(bytes: &[u8], text: &mut [u8]) {
    encode(bytes, text);
    for digit in text {
        match digit {
            b'+' => *digit = b'-',
            b'/' => *digit = b'_',
            _ => {}
        }
    }
}

/// Reads `text` in place, and returns the bytes, at the front of the same memory: such as the data of an event of the type `b64`.
/// `None`: it is no Base64, which has whole groups of four digits, padding where the last one is short, and zeros in the bits that
/// are left over (RFC 4648 3.5).
///
/// ```
/// use ws_core::bytes::base64::decode;
/// let mut text = *b"aGVsbG8=";
/// assert_eq!(decode(&mut text).as_deref(), Some(&b"hello"[..]));
/// ```
pub fn decode(text: &mut [u8]) -> Option<&mut [u8]> {
    let padding = match text {
        [.., b'=', b'='] => 2usize,
        [.., b'='] => 1,
        _ => 0,
    };
    let digits = text.len().saturating_sub(padding);
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let cells = Cell::from_mut(&mut *text).as_slice_of_cells();
    let (mut bits, mut count, mut len) = (0u32, 0u32, 0usize);
    for cell in cells.get(..digits)? {
        bits = bits << 6 | value(cell.get())?;
        count = count.saturating_add(6);
        if let Some(left) = count.checked_sub(8) {
            cells.get(len)?.set(bits.wrapping_shr(left) as u8);
            bits &= 1u32.wrapping_shl(left).wrapping_sub(1);
            (count, len) = (left, len.saturating_add(1));
        }
    }
    (bits == 0).then(|| text.get_mut(..len)).flatten()
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit.wrapping_sub(b'A'),
        b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(not(feature = "small"))]
fn encode_three(three: [u8; 3], four: &mut [u8; 4]) {
    // The lengths fit, so this does not fail; a key of zeros would be refused by the peer.
    let _ = Base64::encode(&three, four);
}

/// By a table: `base64ct` takes the same time for every byte, which nothing needs that is encoded here, and its sums keep
/// overflow checks.
#[cfg(feature = "small")]
fn encode_three([a, b, c]: [u8; 3], four: &mut [u8; 4]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = u32::from_be_bytes([a, b, c, 0]);
    for digit in four {
        *digit = DIGITS.get((bits >> 26) as usize).copied().unwrap_or_default();
        bits <<= 6;
    }
}
