//! The push transports: what they write at every size of output, what they read at every split of input, and random
//! sessions beside a plain model of the same.

#[path = "../common/cases.rs"]
mod cases;
mod codings;
mod event_stream;
mod flash;
mod polling;
mod ring;
mod sessions;
mod streams;
mod upstream;
mod websocket;

use ws_core::Entropy;

/// Bytes for tests, and for nothing else: anybody can predict them.
struct Dice(u64);

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            *byte = (self.0 >> 56) as u8;
        }
    }
}
