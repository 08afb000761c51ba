//! Randomness: a cryptographic generator, seeded by the operating system.

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};
use std::io;
use ws_core::Entropy;

/// ChaCha, seeded once by the operating system: unpredictable, and without a system call for each frame.
#[derive(Debug)]
pub struct OsSeeded(StdRng);

impl OsSeeded {
    /// A generator of its own.
    ///
    /// # Errors
    ///
    /// The operating system has no randomness to give.
    pub fn new() -> io::Result<Self> {
        StdRng::try_from_rng(&mut SysRng).map(Self).map_err(io::Error::other)
    }
}

impl Entropy for OsSeeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}
