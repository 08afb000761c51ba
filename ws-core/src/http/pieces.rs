//! Text written as a list of pieces into any room, and resumed where the room ended.

use crate::bytes::Output;

/// Writes pieces, leaving out the first `skip` bytes of them all: those that went out before.
pub(crate) struct Pieces<'p, 'o> {
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

    /// By subtraction: small cores have no division, and the routine for it is longer than all this.
    pub(crate) fn put_decimal(&mut self, mut n: usize) -> &mut Self {
        let mut begun = false;
        for exponent in (0..=usize::MAX.ilog10()).rev() {
            let power = 10usize.wrapping_pow(exponent);
            let mut digit = b'0';
            while let Some(rest) = n.checked_sub(power) {
                n = rest;
                digit = digit.wrapping_add(1);
            }
            begun |= digit != b'0';
            if begun || exponent == 0 {
                self.put(&[digit]);
            }
        }
        self
    }

    /// Every piece is out.
    pub(crate) fn is_done(&self) -> bool {
        !self.full
    }
}
