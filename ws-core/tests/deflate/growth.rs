//! What cannot be compressed grows by little.

use super::peer::Windows;
use super::{Lent, Pieces, Rng, deflate, few, thin};
use ws_core::deflate::Effort;

/// What the documentation says of a stored block: it has nine tenths of the window or of the tokens, the less of both, and
/// takes 5 bytes; and what is around them.
fn bound(len: usize, window: usize, tokens: usize) -> usize {
    let block = (window.min(tokens) - 8) * 22 / 25;
    len + len.div_ceil(block) * 5 + 3
}

/// Windows and tokens; also those of which one is much smaller.
const SIZES: [(usize, usize); 8] = [
    (256, 64),
    (256, 300),
    (256, 65_536),
    (512, 704),
    (1024, 1024),
    (1000, 20_000),
    (32_768, 16_384),
    (32_768, 65_536),
];

/// As long as shows what is to be shown.
const LONG: usize = few(8000, 100);

fn check(plain: &[u8], piece: usize, what: &str) {
    for (window, tokens) in thin(SIZES, 3) {
        for heads in [0, 256, 4096].into_iter().take(few(3, 2)) {
            if heads == 0 && window > 1024 {
                continue; // too slow for what it is to show
            }
            let mut lent = Lent::new(window, heads, tokens);
            let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
            let message = deflate(&mut deflater, plain, &mut Pieces(piece, 70_000));
            let most = bound(plain.len(), window, tokens);
            let sizes =
                format!("{what}: {} bytes, window {window}, {heads} heads, tokens {tokens}", plain.len());
            assert!(message.len() <= most, "{sizes}: {} bytes, {most} are allowed", message.len());
            Windows::new(window).readers().check(&message, plain, &sizes);
        }
    }
}

#[test]
fn noise_grows_by_stored_blocks() {
    let rng = &mut Rng(5);
    for len in thin((0..4).chain([63, 64, 65, 255, 256, 257, 1000, 40_000]), 3) {
        let plain: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        check(&plain, usize::MAX, "noise");
        if len < 2000 {
            check(&plain, 16, "noise in pieces");
        }
    }
}

/// Bytes above 143 have nine bits in the fixed code, and three bytes from far away more than three literals.
#[test]
fn what_the_fixed_code_makes_longest_grows_no_more() {
    let rng = &mut Rng(6);
    let high: Vec<u8> = (0..LONG).map(|_| 144 + rng.below(112) as u8).collect();
    check(&high, usize::MAX, "high bytes");
    // Short matches at random distances between high bytes.
    let mut mixed = high[..100].to_vec();
    while mixed.len() < LONG {
        let from = mixed.len() - 1 - rng.below(mixed.len().min(400) - 4);
        let n = rng.below(5).min(mixed.len() - from);
        mixed.extend_from_within(from..from + n);
        for _ in 0..rng.below(3) {
            mixed.push(144 + rng.below(112) as u8);
        }
    }
    check(&mixed, usize::MAX, "high bytes and short matches");
    // Noise, and then one long match that would make a block longer than the window.
    let mut late = Vec::new();
    while late.len() < LONG {
        late.extend((0..rng.below(250)).map(|_| 144 + rng.below(112) as u8));
        let n = late.len().min(rng.below(259));
        late.extend_from_within(late.len() - n..);
    }
    check(&late, usize::MAX, "high bytes and long matches");
}

/// One block of each kind after the other: an open fixed block has to be ended before another one.
#[test]
fn changes_of_kind_cost_nothing_that_is_not_in_the_bound() {
    let rng = &mut Rng(8);
    let mut plain = Vec::new();
    for _ in 0..few(40, 2) {
        plain.extend((0..rng.below(few(900, 100))).map(|_| rng.next() as u8));
        plain.extend(b"aaaaaaaaaaaaaaabbbbbbb");
    }
    check(&plain, usize::MAX, "noise and runs");
}

/// Bytes of nine bits each in the fixed code: as long as that is shorter, and be it by a byte, they are not stored.
#[test]
fn nothing_is_stored_that_is_shorter_otherwise() {
    for count in thin((1..=27).rev(), 9) {
        let plain: Vec<u8> = (200..).take(count).collect();
        let mut lent = Lent::new(512, 0, 736);
        let message = deflate(
            &mut lent.deflater(Effort::SMALL).expect("sizes that fit"),
            &plain,
            &mut Pieces(usize::MAX, 100),
        );
        // Header and end of the fixed block, and the header of the empty one that is the end.
        assert_eq!(message.len(), (3 + 9 * count + 7 + 3).div_ceil(8), "{count} bytes");
        Windows::new(512).readers().check(&message, &plain, "high bytes");
    }
}
