//! What the ends of a connection are made with: [`Keys`], [`FREE`].

use ws_core::{Config, Entropy, Limits, Timeouts};

/// No limits and no timers: what is checked is something else.
pub(crate) const FREE: Config = Config {
    limits: Limits { message: u32::MAX, fragments: u32::MAX, empty_fragments: u8::MAX },
    timeouts: Timeouts::OFF,
};

/// Masking keys that follow from a number, and that no check needs to be hard to guess. No two of the first 2³² are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys(pub(crate) u32);

impl Keys {
    /// The next one.
    pub(crate) fn next(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_add(1);
        self.0.wrapping_mul(0x9e37_79b1).to_be_bytes()
    }
}

impl Entropy for Keys {
    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(4) {
            part.copy_from_slice(&self.next()[..part.len()]);
        }
    }
}
