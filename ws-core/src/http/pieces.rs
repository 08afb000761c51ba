//! Text written as a list of pieces into any room, and resumed where the room ended.

use crate::bytes::{Output, base64, json::Escaped};

/// Bytes that are put into Base64 at once: a multiple of three.
const BLOCK: usize = 24;

/// What holds both a length and a number of 32 bits: the machine's own word, but on the smallest.
#[cfg(not(target_pointer_width = "16"))]
type Number = usize;
#[cfg(target_pointer_width = "16")]
type Number = u32;

/// The digits of the largest number.
const DIGITS: usize = Number::MAX.ilog10() as usize + 1;

/// The powers of ten, the greatest first. Worked out for each number anew, they took most of the time in which an event's id is written.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static POWERS: [Number; DIGITS] = {
    let mut powers = [1; DIGITS];
    let mut at = DIGITS - 1;
    while at > 0 {
        powers[at - 1] = powers[at] * 10;
        at -= 1;
    }
    powers
};

/// Writes pieces, leaving out the first `skip` bytes of them all: those that went out before.
pub struct Pieces<'p, 'o> {
    out: &'p mut Output<'o>,
    at: &'p mut usize,
    skip: usize,
    full: bool,
}

impl<'p, 'o> Pieces<'p, 'o> {
    /// `at`: how many bytes went out before; it is moved on.
    pub(crate) fn new(at: &'p mut usize, out: &'p mut Output<'o>) -> Self {
        let skip = *at;
        Self { out, at, skip, full: false }
    }

    pub(crate) fn put(&mut self, piece: &[u8]) -> &mut Self {
        if let Some(skip) = self.skip.checked_sub(piece.len()) {
            self.skip = skip;
        } else if !self.full {
            let rest = piece.get(self.skip..).unwrap_or(&[]);
            self.skip = 0;
            let n = self.out.put(rest);
            *self.at = self.at.saturating_add(n);
            self.full = n < rest.len();
        }
        self
    }

    pub(crate) fn put_field(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.put(name.as_bytes()).put(b": ").put(value).put(b"\r\n")
    }

    pub(crate) fn put_fields(&mut self, fields: &[(&str, &str)]) -> &mut Self {
        for (name, value) in fields {
            self.put_field(name, value.as_bytes());
        }
        self
    }

    /// A number that is as wide as the machine's.
    pub(crate) fn put_decimal(&mut self, n: usize) -> &mut Self {
        self.put_digits(n as Number)
    }

    /// A number that is as wide on each machine.
    pub(crate) fn put_number(&mut self, n: u32) -> &mut Self {
        self.put_digits(n as Number)
    }

    /// By subtraction: small cores have no division, and the routine for it is longer than all this.
    fn put_digits(&mut self, mut n: Number) -> &mut Self {
        let mut begun = false;
        for &power in &POWERS {
            let mut digit = b'0';
            while let Some(rest) = n.checked_sub(power) {
                n = rest;
                digit = digit.wrapping_add(1);
            }
            begun |= digit != b'0';
            if begun || power == 1 {
                self.put(&[digit]);
            }
        }
        self
    }

    /// `n` spaces.
    pub(crate) fn put_spaces(&mut self, mut n: usize) -> &mut Self {
        const SPACES: &[u8; 32] = &[b' '; 32];
        while n > 0 && !self.full {
            let piece = SPACES.get(..n).unwrap_or(SPACES);
            self.put(piece);
            n = n.saturating_sub(piece.len());
        }
        self
    }

    /// `text` as the inside of a JSON string.
    pub(crate) fn put_json(&mut self, text: &[u8]) -> &mut Self {
        for piece in Escaped::new(text) {
            if self.full {
                break;
            }
            self.put(piece);
        }
        self
    }

    /// `bytes` in Base64, with padding. What went out before is not encoded again.
    pub(crate) fn put_base64(&mut self, mut bytes: &[u8]) -> &mut Self {
        let past = bytes.len().div_ceil(3).min(self.skip >> 2);
        self.skip = self.skip.saturating_sub(past << 2);
        bytes = bytes.get(past.saturating_mul(3)..).unwrap_or(&[]);
        while !bytes.is_empty() && !self.full {
            let (now, later) = bytes.split_at_checked(BLOCK).unwrap_or((bytes, &[]));
            bytes = later;
            let mut text = [0; BLOCK / 3 * 4];
            let text = text.get_mut(..now.len().div_ceil(3) << 2).unwrap_or_default();
            base64::encode(now, text);
            self.put(text);
        }
        self
    }

    /// How many bytes `write` writes.
    pub(crate) fn measure(write: impl FnOnce(&mut Pieces<'_, '_>)) -> usize {
        // All of it went out before, and more than that: so it is counted, and nothing else is done.
        let (mut at, mut out) = (usize::MAX, Output::new(&mut []));
        let mut pieces = Pieces::new(&mut at, &mut out);
        write(&mut pieces);
        usize::MAX.saturating_sub(pieces.skip)
    }

    /// Every piece is out.
    pub(crate) fn is_done(&self) -> bool {
        !self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_everybody_writes_them() {
        let around = |power: Number| [power - 1, power, power + 1, power.wrapping_mul(9)];
        let powers = (0..Number::MAX.ilog10()).map(|exponent| Number::pow(10, exponent));
        for number in powers.flat_map(around).chain([Number::MAX, Number::MAX - 1, Number::MAX / 10 + 1]) {
            let (mut at, mut buf) = (0, [0; DIGITS]);
            let mut out = Output::new(&mut buf);
            assert!(Pieces::new(&mut at, &mut out).put_digits(number).is_done());
            assert_eq!(out.filled(), number.to_string().as_bytes());
        }
    }
}
