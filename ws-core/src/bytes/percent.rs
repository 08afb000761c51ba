//! Percent-encoding (RFC 3986 2.1): [`PercentDecoder`], and [`parameter`], which finds one in a query.

use super::ascii;
use core::cell::Cell;
use core::fmt;

/// A `%` without two hexadecimal digits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BadPercent;

impl fmt::Display for BadPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a percent sign without two hexadecimal digits behind it")
    }
}

impl core::error::Error for BadPercent {}

/// Decodes percent-encoded bytes where they lie, in any pieces: a piece may end inside an escape.
///
/// # Memory
///
/// 3 bytes.
///
/// ```
/// use ws_core::bytes::percent::PercentDecoder;
/// let mut decoder = PercentDecoder::new();
/// let (mut first, mut second) = (*b"a%20b%4", *b"1");
/// assert_eq!(decoder.decode(&mut first)?, b"a b");
/// assert_eq!(decoder.decode(&mut second)?, b"A");
/// assert!(decoder.is_complete());
/// # Ok::<_, ws_core::bytes::percent::BadPercent>(())
/// ```
#[derive(Clone, Debug)]
pub struct PercentDecoder {
    plus: bool,
    pending: Pending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Nothing,
    /// Two digits.
    Digits,
    /// One, behind this one.
    Digit(u8),
    /// An error came: nothing is decoded any more.
    Bad,
}

impl PercentDecoder {
    /// For paths and queries: a `+` is a plus.
    pub const fn new() -> Self {
        Self { plus: false, pending: Pending::Nothing }
    }

    /// For forms (`application/x-www-form-urlencoded`): a `+` is a space.
    pub const fn form() -> Self {
        Self { plus: true, pending: Pending::Nothing }
    }

    /// Decodes the next `piece` in place, and returns what it came to: never more bytes than it had.
    ///
    /// # Errors
    ///
    /// A bad escape, in this call and each further one.
    pub fn decode<'b>(&mut self, piece: &'b mut [u8]) -> Result<&'b mut [u8], BadPercent> {
        let mut len = 0usize;
        let cells = Cell::from_mut(&mut *piece).as_slice_of_cells();
        for from in cells {
            let byte = from.get();
            let decoded = match self.pending {
                Pending::Nothing if byte == b'%' => {
                    self.pending = Pending::Digits;
                    continue;
                }
                Pending::Nothing if byte == b'+' && self.plus => b' ',
                Pending::Nothing => byte,
                Pending::Digits => {
                    self.pending = digit(byte).map_or(Pending::Bad, Pending::Digit);
                    continue;
                }
                Pending::Digit(high) => {
                    let Some(low) = digit(byte) else {
                        self.pending = Pending::Bad;
                        break;
                    };
                    self.pending = Pending::Nothing;
                    high << 4 | low
                }
                Pending::Bad => break,
            };
            if let Some(to) = cells.get(len) {
                to.set(decoded);
            }
            len = len.saturating_add(1);
        }
        if self.pending == Pending::Bad {
            return Err(BadPercent);
        }
        Ok(piece.get_mut(..len).unwrap_or_default())
    }

    /// The text may end here: no escape is begun, and none was bad.
    pub const fn is_complete(&self) -> bool {
        matches!(self.pending, Pending::Nothing)
    }
}

impl Default for PercentDecoder {
    fn default() -> Self {
        Self::new()
    }
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// The value of the parameter `name` in a query `a=b&c=d`, as it came: percent-encoded. Empty for one without `=`; of
/// several with the same name, the first. Names are compared as they stand, so an encoded one is not found.
///
/// ```
/// use ws_core::bytes::percent::parameter;
/// assert_eq!(parameter("since=17.4&wait=9000", "wait"), Some("9000"));
/// assert_eq!(parameter("since=17.4", "since=1"), None);
/// ```
pub fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut rest = query;
    loop {
        let (pair, behind) = ascii::split_text_once(rest, b'&').unwrap_or((rest, ""));
        match ascii::split_text_once(pair, b'=') {
            Some((found, value)) if found == name => return Some(value),
            None if pair == name && !pair.is_empty() => return pair.get(pair.len()..),
            _ if behind.is_empty() => return None,
            _ => rest = behind,
        }
    }
}
