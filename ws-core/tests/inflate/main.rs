//! The decompressor of `ws_core::deflate`, in both layouts: against the examples of RFC 7692, against zlib (its Rust
//! port, by flate2) both where it accepts and where it refuses, and at every split of input and output.
//!
//! `INFLATE_RUNS=100` makes a hundred times as many random runs.

mod bombs;
mod codes;
mod content;
mod damaged;
mod differential;
mod examples;
mod memory;
mod splits;

#[path = "../common/mod.rs"]
mod common;

use common::{Rng, few, thin};
use ws_core::deflate::{Fast, InflateError, Inflater, Layout, Small};

/// What came out of a message, and why it ended too early.
type Inflated = (Vec<u8>, Result<(), InflateError>);

/// How a message is given, and how its output is taken.
trait Cut {
    /// How many of the `left` bytes of input are given next, at least 1.
    fn input(&mut self, left: usize) -> usize;

    /// The most output that the next call may lend, at least 1.
    fn output(&mut self) -> usize;
}

/// All at once.
struct Whole;

impl Cut for Whole {
    fn input(&mut self, left: usize) -> usize {
        left
    }

    fn output(&mut self) -> usize {
        usize::MAX
    }
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

/// At random, and now and then byte by byte.
impl Cut for Rng {
    fn input(&mut self, left: usize) -> usize {
        if self.one_in(4) { 1 } else { 1 + self.below(left) }
    }

    fn output(&mut self) -> usize {
        let most = self.pick(&[1, 20, 400, 5000]);
        1 + self.below(most)
    }
}

/// Inflates one message, and checks the bounds that hold for every call.
fn inflate<L: Layout>(inflater: &mut Inflater<'_, L>, message: &[u8], cut: &mut impl Cut) -> Inflated {
    let (mut out, mut rest) = (Vec::new(), message);
    while !rest.is_empty() {
        let (mut piece, behind) = rest.split_at(cut.input(rest.len()));
        let mut idle = 0;
        while !piece.is_empty() {
            let (before, most) = (piece.len(), cut.output());
            match inflater.inflate(&mut piece, most) {
                Ok(bytes) => {
                    assert!(bytes.len() <= most, "{} bytes are more than {most}", bytes.len());
                    idle = if bytes.is_empty() && piece.len() == before { idle + 1 } else { 0 };
                    assert!(idle < 2, "a call takes a byte, or lends one, or the one behind it does");
                    out.extend_from_slice(bytes);
                }
                Err(error) => {
                    assert_eq!(inflater.inflate(&mut piece, most), Err(error), "once is for all");
                    assert_eq!(inflater.finish(most), Err(error), "once is for all");
                    return (out, Err(error));
                }
            }
        }
        rest = behind;
    }
    let mut idle = 0;
    loop {
        let most = cut.output();
        match inflater.finish(most) {
            Ok(Some(bytes)) => {
                assert!(bytes.len() <= most, "{} bytes are more than {most}", bytes.len());
                idle = if bytes.is_empty() { idle + 1 } else { 0 };
                assert!(idle < 4, "the end of a message comes");
                out.extend_from_slice(bytes);
            }
            Ok(None) => return (out, Ok(())),
            Err(error) => {
                assert_eq!(inflater.finish(most), Err(error), "once is for all");
                return (out, Err(error));
            }
        }
    }
}

/// One message by fresh inflaters of both layouts, cut alike, which must agree.
fn inflate_alone<C: Cut>(message: &[u8], cut: impl Fn() -> C) -> Inflated {
    let (mut window, mut tables) = (vec![0; 32_768], Small::new());
    let small = inflate(&mut Inflater::new(&mut window, &mut tables).expect("a window"), message, &mut cut());
    let (mut window, mut tables) = (vec![0; 32_768 + Fast::SLACK], Fast::new());
    let fast = inflate(&mut Inflater::new(&mut window, &mut tables).expect("a window"), message, &mut cut());
    assert_eq!(small, fast, "small and fast, {message:02x?}");
    small
}

/// How often a random test runs: `count` times, or a multiple of it.
fn runs(count: u64) -> u64 {
    let times = std::env::var("INFLATE_RUNS").map_or(1, |text| text.parse().expect("a number"));
    few(count as usize, 1 + count as usize / 4000) as u64 * times
}
