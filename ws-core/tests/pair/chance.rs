//! [`Chance`]: where all that a run decides comes from: a number, or bytes of a fuzzer's choice.

use super::Rng;

/// A source of decisions. The same one decides the same.
#[derive(Debug)]
pub(crate) struct Chance {
    /// What decides first. Behind the last of them `rng` does.
    bytes: std::vec::IntoIter<u8>,
    rng: Rng,
}

impl Chance {
    /// All from one number.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { bytes: Vec::new().into_iter(), rng: Rng(seed) }
    }

    /// From these bytes, and then from their hash (FNV-1a): every input comes to an end, and to one of its own.
    #[allow(dead_code, reason = "only the fuzzer has bytes")]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { bytes: Vec::from(bytes).into_iter(), rng: Rng(hash) }
    }

    /// 0 to `n` - 1: by as few bytes as can tell it.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let count = match n {
            0..=1 => return 0,
            2..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 3,
        };
        let Some(number) = self.number(count) else { return self.rng.below(n) };
        number % n
    }

    fn number(&mut self, count: usize) -> Option<usize> {
        let front = self.bytes.as_slice().get(..count)?;
        let number = front.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        self.bytes.nth(count - 1);
        Some(number)
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A number below one of these, so that both small and large ones come.
    pub(crate) fn below_one_of(&mut self, bounds: &[usize]) -> usize {
        let bound = self.pick(bounds);
        self.below(bound)
    }

    /// What follows from a decision: what messages hold, of which no byte matters by itself.
    pub(crate) fn filler(&mut self) -> Rng {
        match self.number(1) {
            Some(number) => Rng(number as u64),
            None => Rng(self.rng.next()),
        }
    }
}
