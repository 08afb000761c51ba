//! The compressor of `ws_core::deflate`: all that it writes is read back by zlib (its Rust port, by flate2) and by both
//! layouts of our own decompressor; and what it promises of sizes, memory and work.
//!
//! `DEFLATE_RUNS=100` makes a hundred times as many random runs. `UPDATE_TABLES=1` writes the table of settings into the
//! documentation instead of comparing it.

#[path = "../common/mod.rs"]
mod common;
#[path = "../inflate/content.rs"]
mod content;
mod differential;
mod growth;
mod peer;
mod settings;
mod splits;
#[cfg(target_pointer_width = "64")]
mod table;
#[cfg(target_pointer_width = "64")]
#[path = "../../../.ci/bench/src/telemetry.rs"]
#[expect(unreachable_pub, reason = "the benchmarks share it")]
mod telemetry;
mod work;

use common::{Rng, few, thin};
use ws_core::deflate::{Deflater, Effort, Memory, SizeError, Work};

/// Memory of sizes that are chosen while the test runs.
struct Lent {
    window: Vec<u8>,
    heads: Vec<u16>,
    links: Vec<u16>,
    work: Work,
    tokens: Vec<u8>,
}

impl Lent {
    /// What is in it does not matter.
    fn new(window: usize, heads: usize, tokens: usize) -> Self {
        let links = if heads == 0 { 0 } else { window };
        let (heads, links) = (vec![0xabab; heads], vec![0xabab; links]);
        Self { window: vec![0xab; window], heads, links, work: Work::new(), tokens: vec![0xab; tokens] }
    }

    fn memory(&mut self) -> Memory<'_> {
        let Self { window, heads, links, work, tokens } = self;
        Memory { window, heads, links, work, tokens }
    }

    fn deflater(&mut self, effort: Effort) -> Result<Deflater<'_>, SizeError> {
        Deflater::new(self.memory(), effort)
    }
}

/// How a message is given, and how much room there is for its output.
trait Cut {
    /// How many of the `left` bytes of input are given next.
    fn input(&mut self, left: usize) -> usize;

    /// The size of the next output.
    fn output(&mut self) -> usize;
}

/// Input in pieces of one size, output too.
struct Pieces(usize, usize);

impl Cut for Pieces {
    fn input(&mut self, left: usize) -> usize {
        left.min(self.0)
    }

    fn output(&mut self) -> usize {
        self.1
    }
}

/// All at once.
struct Whole;

impl Cut for Whole {
    fn input(&mut self, left: usize) -> usize {
        left
    }

    fn output(&mut self) -> usize {
        70_000
    }
}

/// At random, and now and then byte by byte, or with no byte at all.
impl Cut for Rng {
    fn input(&mut self, left: usize) -> usize {
        if self.one_in(4) { left.min(1) } else { self.below(left + 1) }
    }

    fn output(&mut self) -> usize {
        let most = self.pick(&[2, 20, 400, 5000]);
        self.below(most)
    }
}

/// Deflates one message, and checks the bounds that hold for every call.
fn deflate(deflater: &mut Deflater<'_>, message: &[u8], cut: &mut impl Cut) -> Vec<u8> {
    let (mut written, mut rest) = (Vec::new(), message);
    loop {
        // Not always what was left of the piece before.
        let before = cut.input(rest.len());
        let (mut piece, mut out) = (&rest[..before], vec![0; cut.output()]);
        let end = before == rest.len();
        let progress = deflater.deflate(&mut piece, &mut out, end);
        written.extend_from_slice(&out[..progress.written]);
        let taken = before - piece.len();
        rest = &rest[taken..];
        if progress.done {
            assert!(piece.is_empty(), "all of the input was taken");
        } else {
            let moved = progress.written > 0 || taken > 0 || out.is_empty();
            assert!(moved, "a call that is not done takes a byte, or writes one, or has no room");
        }
        if progress.done && end {
            return written;
        }
    }
}

/// How often a random test runs: `count` times, or a multiple of it.
fn runs(count: u64) -> u64 {
    let times = std::env::var("DEFLATE_RUNS").map_or(1, |text| text.parse().expect("a number"));
    few(count as usize, 2) as u64 * times
}
