//! Requests to an endpoint, from the first byte of a head to the last of an answer: byte for byte, at every split of what comes and every
//! size of what goes out; sessions over several connections; and clients that are cut off anywhere. No socket, no clock: [`server`]
//! drives the core as an adapter does.

mod answers;
mod budget;
#[path = "../common/cases.rs"]
mod cases;
mod client;
mod jsonp;
mod lossless;
mod refused;
mod server;
mod sessions;
mod splits;

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
