//! The work for a byte is bounded by the effort, whatever the bytes are.

use super::peer::Windows;
use super::{Lent, Rng, Whole, deflate, thin};
use ws_core::deflate::{Effort, InflateError, Inflater, Small};

/// The size of a text in which four places are worth going back to, each behind `decoys` others, which begin as it does.
fn size(decoys: usize, heads: usize, chain: usize) -> usize {
    let places = [0, 36, 72, 108].map(|first| Vec::from_iter(first..first + 36));
    let mut plain = places.concat();
    for nth in 0..decoys {
        for place in &places {
            // A different end every time.
            plain.extend_from_slice(&place[..5]);
            plain.extend_from_slice(&[200, nth as u8 | 0x80]);
        }
    }
    for place in places.iter().rev() {
        plain.extend_from_slice(place);
    }
    let mut lent = Lent::new(4096, heads, 8192);
    let effort = Effort { chain: chain as u16, lazy: 0, nice: 258 };
    let mut deflater = lent.deflater(effort).expect("sizes that fit");
    let message = deflate(&mut deflater, &plain, &mut Whole);
    Windows::new(4096).readers().check(&message, &plain, "decoys");
    message.len()
}

#[test]
fn no_more_places_are_compared_than_the_effort_allows() {
    for heads in thin([0, 1024, 4096], 2) {
        for chain in thin([8, 64], 2) {
            let (before, behind) = (chain / 2, chain + 1);
            assert_eq!(
                size(before, heads, chain),
                size(before, heads, 1000),
                "{heads} heads, within {chain}"
            );
            assert!(size(behind, heads, chain) > size(behind, heads, 1000), "{heads} heads, behind {chain}");
        }
    }
}

/// Less effort is spent on what does not compress, but all of it on what comes behind that.
#[test]
#[cfg_attr(miri, ignore = "it is about what much noise does")]
fn behind_noise_the_effort_is_the_whole_one_again() {
    let rng = &mut Rng(6);
    let mut plain: Vec<u8> = (0..20_000).map(|_| rng.next() as u8).collect();
    for _ in 0..2000 {
        plain.extend(format!("{{\"x\":{},\"y\":{}}},", rng.below(100), rng.below(100)).bytes());
    }
    for heads in [1024, 4096] {
        let mut lent = Lent::new(32_768, heads, 65_536);
        let [whole, sixteenth] = [64, 4].map(|chain| {
            let mut deflater = lent.deflater(Effort { chain, ..Effort::NORMAL }).expect("sizes that fit");
            let message = deflate(&mut deflater, &plain, &mut Whole);
            Windows::new(32_768).readers().check(&message, &plain, "noise and text");
            message.len()
        });
        assert!(whole + 500 < sixteenth, "{heads} heads: {whole}, with a 16th of the effort {sixteenth}");
    }
}

/// A 16th of the effort, on hosts.
#[test]
#[cfg(target_pointer_width = "64")]
fn behind_literals_fewer_places_are_compared() {
    let places = [0, 36, 72, 108].map(|first| Vec::from_iter(first..first + 36));
    let rng = &mut Rng(9);
    let mut plain = places.concat();
    for nth in 0..20 {
        for place in &places {
            plain.extend_from_slice(&place[..5]);
            plain.extend_from_slice(&[200, nth | 0x80]);
        }
    }
    for place in &places {
        plain.extend((0..300).map(|_| rng.next() as u8));
        plain.extend_from_slice(place);
    }
    for heads in thin([4096, 1024, 0], 2) {
        let [found, missed] = [64 * 16, 64].map(|chain| {
            let mut lent = Lent::new(4096, heads, 8192);
            let effort = Effort { chain, lazy: 0, nice: 258 };
            let message = deflate(&mut lent.deflater(effort).expect("sizes that fit"), &plain, &mut Whole);
            Windows::new(4096).readers().check(&message, &plain, "behind literals");
            message.len()
        });
        assert!(found < missed, "{heads} heads: {found} and {missed}");
    }
}

/// The place of three bytes is looked at only for want of three: for more than that all comparisons are left to longer ones. On
/// hosts, where both are looked up.
#[test]
#[cfg(target_pointer_width = "64")]
fn what_is_worth_no_more_than_the_match_at_hand_is_not_compared() {
    let mut plain = Vec::new();
    for first in (0..200).step_by(20) {
        let text = Vec::from_iter(first..first + 12);
        // From the second byte on; its first three with something else behind them; and three from the first one on.
        plain.extend_from_slice(&text[1..]);
        plain.extend_from_slice(&[first + 13]);
        plain.extend_from_slice(&text[1..4]);
        plain.extend_from_slice(&[first + 14]);
        plain.extend_from_slice(&text[..3]);
        plain.extend_from_slice(&[first + 15]);
        plain.extend_from_slice(&text);
    }
    let [one, many] = [1, 100].map(|chain| {
        let mut lent = Lent::new(4096, 4096, 8192);
        let effort = Effort { chain, ..Effort::NORMAL };
        deflate(&mut lent.deflater(effort).expect("sizes that fit"), &plain, &mut Whole).len()
    });
    assert_eq!(one, many);
}

/// Three bytes are taken from up to 4,096 bytes away: who has only a smaller window sees that.
#[test]
fn three_bytes_from_farther_away_are_literals() {
    for (distance, is_match) in thin([(4096, true), (4095, true), (4097, false), (5000, false)], 2) {
        for heads in thin([1024, 0, 32_768], 2) {
            let rng = &mut Rng(3);
            let mut plain: Vec<u8> = (0..distance).map(|_| rng.below(128) as u8).collect();
            plain.extend_from_within(..3);
            let mut lent = Lent::new(8192, heads, 16_384);
            let effort = Effort { chain: 1000, ..Effort::NORMAL };
            let message = deflate(&mut lent.deflater(effort).expect("sizes that fit"), &plain, &mut Whole);
            Windows::new(8192).readers().check(&message, &plain, "three bytes");
            let (mut window, mut tables) = (vec![0; distance - 1], Small::new());
            let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
            let mut rest = &message[..];
            let result = loop {
                let more = match rest {
                    [] => inflater.finish(usize::MAX).map(|bytes| bytes.is_some()),
                    _ => inflater.inflate(&mut rest, usize::MAX).map(|_| true),
                };
                if more != Ok(true) {
                    break more.map(drop);
                }
            };
            let expected = if is_match { Err(InflateError::Distance) } else { Ok(()) };
            assert_eq!(result, expected, "{distance} away, {heads} heads");
        }
    }
}
