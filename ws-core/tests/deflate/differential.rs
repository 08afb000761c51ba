//! Whatever is compressed, in whatever memory and pieces: everybody reads it back.

use super::peer::Windows;
use super::{Lent, Pieces, Rng, Whole, content, deflate, few, runs, thin};
use ws_core::deflate::Effort;

#[test]
fn what_is_written_is_read_back() {
    for seed in 0..runs(200) {
        let rng = &mut Rng(seed);
        let bits = 8 + rng.below(8) as u32;
        // Of any size, as buffers happen to be, and of those that have a name.
        let window = if rng.one_in(3) { 256 + rng.below((1 << bits) - 255) } else { 1 << bits };
        let heads = if rng.one_in(4) && window <= 2048 { 0 } else { 16 << rng.below(12) };
        let tokens = 64 + rng.below(40_000).min(rng.below(40_000));
        let chain = rng.pick(&[0, 1, 8, 64, 200]);
        let efforts = [
            Effort::SMALL,
            Effort::NORMAL,
            Effort { chain, lazy: rng.below(300) as u16, nice: rng.below(300) as u16 },
        ];
        let mut lent = Lent::new(window, heads, tokens);
        let mut deflater = lent.deflater(rng.pick(&efforts)).expect("sizes that fit");
        let mut windows = Windows::new(window);
        let mut readers = windows.readers();
        let takes_over = rng.one_in(2);
        let messages = 1 + rng.below(8);
        for nth in 0..few(messages, 2) {
            if !takes_over {
                deflater.reset();
                readers.reset();
            }
            let mut plain = content::any(rng);
            plain.truncate(few(plain.len(), 150));
            let message = deflate(&mut deflater, &plain, rng);
            readers.check(&message, &plain, &format!("message {nth} of run {seed}"));
        }
    }
}

/// A reset on one side alone: without takeover, nothing of an earlier message is needed, though the reader still has it.
#[test]
fn each_message_stands_alone_after_a_reset() {
    let rng = &mut Rng(3);
    let (mut lent, mut windows) = (Lent::new(1024, 256, 1024), Windows::new(1024));
    let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
    let mut readers = windows.readers();
    let plain = content::json(rng, few(600, 150));
    let first = deflate(&mut deflater, &plain, &mut Whole);
    deflater.reset();
    let again = deflate(&mut deflater, &plain, &mut Whole);
    assert_eq!(first, again, "nothing is left of the first");
    let with_history = deflate(&mut deflater, &plain, &mut Whole);
    assert!(with_history.len() * 4 < first.len(), "{} and {} bytes", with_history.len(), first.len());
    for message in [&first, &again, &with_history] {
        readers.check(message, &plain, "one of three");
    }
    readers.reset();
    readers.check(&again, &plain, "alone");
}

/// Streams that go round all positions and windows several times, in reads and outputs as they are in use.
#[test]
fn streams_longer_than_all_that_wraps_are_read_back() {
    for seed in 0..runs(2) {
        let rng = &mut Rng(seed);
        let mut plain: Vec<u8> = (0..few(80, 0)).flat_map(|_| content::any(rng)).collect();
        plain.extend(content::json(rng, 1000));
        assert!(plain.len() > few(150_000, 600), "{}", plain.len());
        for (window, heads, tokens) in
            [(256, 64, 300), (1000, 512, 5000), (4096, 4096, 65_536), (32_768, 32_768, 49_152)]
                .into_iter()
                .take(few(4, 1))
        {
            let (mut lent, mut windows) = (Lent::new(window, heads, tokens), Windows::new(window));
            let mut deflater = lent.deflater(Effort::NORMAL).expect("sizes that fit");
            let message = deflate(&mut deflater, &plain, &mut Pieces(1400, 4096));
            windows.readers().check(&message, &plain, &format!("window of {window}, run {seed}"));
        }
    }
}

/// Every byte of a window of 256 is used, which zlib cannot (8 bits are 9 to it, and of those it uses 250 bytes).
#[test]
fn the_farthest_distance_is_the_window() {
    for window in thin([256, 257, 300, 512, 1024, 32_768], 6) {
        for heads in [if window > 1024 { 64 } else { 0 }, 16, 4096].into_iter().take(few(3, 1)) {
            let rng = &mut Rng(1);
            // Of 7 bits, so that no block is stored.
            let noise: Vec<u8> = (0..window).map(|_| rng.below(128) as u8).collect();
            let mut lent = Lent::new(window, heads, 65_536);
            let effort = Effort { chain: u16::MAX, ..Effort::NORMAL };
            let mut deflater = lent.deflater(effort).expect("sizes that fit");
            let mut sizes = [0, 1].map(|more| {
                // 40 bytes again, from just as far as the window reaches, or one byte farther.
                let plain = [&noise[..40], &noise[..more], &noise[40..], &noise[..40]].concat();
                let message = deflate(&mut deflater, &plain, &mut Whole);
                Windows::new(window).readers().check(&message, &plain, "noise");
                deflater.reset();
                message.len()
            });
            sizes[1] -= 1;
            assert!(sizes[0] + 20 < sizes[1], "window {window}, {heads} heads: {sizes:?}");
        }
    }
}

/// More of one symbol than a code is made for.
#[test]
fn a_symbol_can_be_all_there_is_or_nearly() {
    const LEN: usize = few(100_000, 1000);
    let rng = &mut Rng(4);
    let plain: Vec<u8> = (0..LEN).map(|_| if rng.one_in(50) { rng.next() as u8 } else { b'x' }).collect();
    let (mut lent, mut windows) = (Lent::new(32_768, 16, 65_536), Windows::new(32_768));
    // Literals alone.
    let mut deflater = lent.deflater(Effort { chain: 0, lazy: 0, nice: 0 }).expect("sizes that fit");
    let mut readers = windows.readers();
    for plain in [plain, vec![b'x'; LEN]] {
        let message = deflate(&mut deflater, &plain, &mut Whole);
        readers.check(&message, &plain, "nearly all the same");
        assert!(message.len() * 5 < plain.len(), "a bit for most: {} bytes", message.len());
    }
}

#[test]
fn an_empty_message_is_one_byte() {
    let mut lent = Lent::new(256, 0, 64);
    let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
    for _ in 0..3 {
        assert_eq!(deflate(&mut deflater, b"", &mut Whole), [0], "RFC 7692 7.2.3.6");
    }
}

#[test]
fn the_examples_of_the_rfc_come_out() {
    let mut lent = Lent::new(512, 16, 64);
    let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
    let hello = |deflater: &mut _| deflate(deflater, b"Hello", &mut Whole);
    assert_eq!(hello(&mut deflater), [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], "RFC 7692 7.2.3.1");
    // RFC 7692 7.2.3.2 has f2 00 11 00 00, a literal and a match of four; this is one of five.
    assert_eq!(hello(&mut deflater), [0x02, 0x13, 0x00, 0x00]);
    deflater.reset();
    assert_eq!(hello(&mut deflater), [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], "without context takeover");
}
