//! [`Cuts`]: input comes in pieces of any size, and no read may matter.

use super::Rng;

/// The sizes of pieces, one after the other.
#[derive(Clone, Debug)]
pub(crate) enum Cuts {
    /// All at once.
    Whole,
    /// A byte at a time.
    Bytes,
    /// As chance has it, up to so many bytes at a time.
    Random(Rng, usize),
}

impl Cuts {
    /// How these bytes come: one of all ways, so that a check is quick; the fuzzer brings the others with other bytes.
    pub(crate) fn of(data: &[u8]) -> Self {
        let mut rng = Rng::of(data);
        match rng.below(8) {
            0 => Self::Whole,
            1 => Self::Bytes,
            2..=4 => Self::Random(rng, 5),
            _ => Self::Random(rng, 200),
        }
    }

    /// Takes the next piece off the front of `data`: at least a byte, if there is one.
    pub(crate) fn next<'d>(&mut self, data: &mut &'d [u8]) -> &'d [u8] {
        let size = match self {
            Self::Whole => data.len(),
            Self::Bytes => 1,
            Self::Random(rng, most) => 1 + rng.below(*most),
        };
        let (piece, rest) = data.split_at(size.min(data.len()));
        *data = rest;
        piece
    }
}
