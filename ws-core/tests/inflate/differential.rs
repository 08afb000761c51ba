//! What zlib compresses comes out as it was, in whatever way the messages were made and are cut.

use super::{Cut, Inflated, Rng, Whole, content, few, inflate, runs, thin};
use flate2::{Compress, Compression, FlushCompress};
use ws_core::deflate::{Fast, Inflater, Layout, Small, TAIL};

#[test]
fn what_zlib_compresses_comes_out_again() {
    for seed in 0..runs(200) {
        let rng = &mut Rng(seed);
        let bits = 8 + rng.below(few(8, 2)) as u8;
        let takes_over = rng.one_in(2);
        // Windows of any size from the one agreed on, as buffers happen to be.
        let more = rng.below(2) * rng.below(3 << bits);
        let (mut window, mut tables) = (vec![0xaa; (1 << bits) + more], Small::new());
        let mut small = Inflater::new(&mut window, &mut tables).expect("a window");
        let (mut window, mut tables) = (vec![0xaa; (1 << bits) + more + Fast::SLACK], Fast::new());
        let mut fast = Inflater::new(&mut window, &mut tables).expect("a window");
        let mut peer = Peer::new(rng, bits);
        for nth in 0..few(1 + rng.below(8), 2) {
            if !takes_over {
                peer.reset();
                small.reset();
                fast.reset();
            }
            let plain = content::any(rng);
            let message = peer.message(&plain, rng);
            let say = format!("message {nth} of run {seed}");
            check(&plain, inflate(&mut small, &message, rng), &format!("small, {say}"));
            check(&plain, inflate(&mut fast, &message, rng), &format!("fast, {say}"));
        }
    }
}

/// Long enough for the history to go round many times, with reads and outputs as they are in use.
#[test]
fn streams_longer_than_the_window_come_out_again() {
    for seed in 0..runs(1) {
        let rng = &mut Rng(seed);
        let mut plain: Vec<u8> = (0..few(40, 0)).flat_map(|_| content::any(rng)).collect();
        plain.extend(content::json(rng, 1000));
        for bits in thin([8, 9, 12, 15], 2) {
            let mut peer = Peer::new(rng, bits);
            let message = peer.plain(&plain);
            for (given, lent) in [(1400, 4096), (usize::MAX, usize::MAX), (65_536, 1000)] {
                let cut = &mut super::Pieces(given, lent);
                check(
                    &plain,
                    alone::<Small>(&message, 1 << bits, cut),
                    &format!("small, {bits} bits, run {seed}"),
                );
                check(
                    &plain,
                    alone::<Fast>(&message, 1 << bits, cut),
                    &format!("fast, {bits} bits, run {seed}"),
                );
            }
        }
    }
}

/// A ring that is much larger than the window is no other than one that has just its size.
#[test]
fn every_size_of_window_will_do() {
    let rng = &mut Rng(7);
    let plain = content::json(rng, few(3000, 400));
    let mut peer = Peer::new(rng, 8);
    let message = peer.plain(&plain);
    for more in thin(0..600, 200) {
        check(&plain, alone::<Small>(&message, 256 + more, &mut Whole), &format!("small, {more} bytes more"));
        check(&plain, alone::<Fast>(&message, 256 + more, &mut Whole), &format!("fast, {more} bytes more"));
    }
}

/// Without history, nothing but literals can be understood: one byte is enough for them.
#[test]
fn a_window_of_one_byte_inflates_literals_and_runs() {
    let plain = [&[7; 1000][..], b"abcdefghijklmnop"].concat();
    let message = Peer::new(&mut Rng(0), 15).plain(&plain);
    check(&plain, alone::<Small>(&message, 1, &mut Whole), "small");
    check(&plain, alone::<Fast>(&message, 1, &mut Whole), "fast");
}

fn alone<L: Layout + Default>(message: &[u8], window: usize, cut: &mut impl Cut) -> Inflated {
    let (mut window, mut tables) = (vec![0; window + L::SLACK], L::default());
    inflate(&mut Inflater::new(&mut window, &mut tables).expect("a window"), message, cut)
}

fn check(plain: &[u8], (out, result): Inflated, what: &str) {
    let same = out.iter().zip(plain).take_while(|(a, b)| a == b).count();
    assert!(
        out == plain,
        "{what}: {} of {} bytes, the first {same} right, {result:?}",
        out.len(),
        plain.len()
    );
    assert_eq!(result, Ok(()), "{what}");
}

/// The end that compresses: zlib, as the servers and browsers use it, and in the other ways that RFC 7692 7.2.3 shows.
pub(crate) struct Peer {
    zlib: Compress,
    level: Compression,
    bits: u8,
}

impl Peer {
    /// With 8 bits it is zlib of 9, which uses no distance above 250, and at which nobody but zlib has to know that.
    pub(crate) fn new(rng: &mut Rng, bits: u8) -> Self {
        Self::with_level(rng.below(10) as u32, bits)
    }

    pub(crate) fn with_level(level: u32, bits: u8) -> Self {
        let (level, bits) = (Compression::new(level), bits.max(9));
        Self { zlib: Compress::new_with_window_bits(level, false, bits), level, bits }
    }

    fn reset(&mut self) {
        self.zlib.reset();
    }

    /// As everybody does it: one flush, and its tail taken off.
    pub(crate) fn plain(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut message = flushed(&mut self.zlib, plain, FlushCompress::Sync);
        assert!(message.ends_with(&TAIL));
        message.truncate(message.len() - TAIL.len());
        message
    }

    fn message(&mut self, plain: &[u8], rng: &mut Rng) -> Vec<u8> {
        match rng.below(6) {
            // zlib does not flush twice.
            _ if plain.is_empty() => rng.pick(&[&[0][..], &[2, 0], &[]]).to_vec(),
            // Final blocks, with the empty block of 7.2.3.4 behind them or without; such a peer forgets its history.
            0 => {
                self.zlib.reset();
                let mut alone = Compress::new_with_window_bits(self.level, false, self.bits);
                let mut message = flushed(&mut alone, plain, FlushCompress::Finish);
                message.extend_from_slice(&[0][rng.below(2)..]);
                message
            }
            // Several flushes in one message (7.2.3.5), and one that keeps its tail.
            1 => {
                let (one, other) = plain.split_at(rng.below(plain.len()));
                let mut message = Vec::new();
                if !one.is_empty() {
                    let flush = rng.pick(&[FlushCompress::Sync, FlushCompress::Partial, FlushCompress::Full]);
                    message = flushed(&mut self.zlib, one, flush);
                }
                message.extend_from_slice(&flushed(&mut self.zlib, other, FlushCompress::Sync));
                message
            }
            _ => self.plain(plain),
        }
    }
}

fn flushed(zlib: &mut Compress, plain: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut message = Vec::with_capacity(plain.len() * 2 + 100);
    zlib.compress_vec(plain, &mut message, flush).expect("it compresses anything");
    message
}
