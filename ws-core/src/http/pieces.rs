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

    pub(crate) fn put(&mut self, piece: impl AsRef<[u8]>) -> &mut Self {
        let piece = piece.as_ref();
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

    pub(crate) fn put_field(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.put(name).put(": ").put(value).put("\r\n")
    }

    pub(crate) fn put_fields(&mut self, fields: &[(&str, &str)]) -> &mut Self {
        for (name, value) in fields {
            self.put_field(name, value);
        }
        self
    }

    pub(crate) fn put_decimal(&mut self, mut n: u64) -> &mut Self {
        let mut digits = [b'0'; 20];
        let mut len = 0usize;
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add((n % 10) as u8);
            n /= 10;
            len = len.saturating_add(1);
            if n == 0 {
                break;
            }
        }
        self.put(digits.get(digits.len().saturating_sub(len)..).unwrap_or(&[]))
    }

    /// Every piece is out.
    pub(crate) fn is_done(&self) -> bool {
        !self.full
    }
}
