//! The work for a byte is bounded by the effort, whatever the bytes are.

use super::peer::Windows;
use super::{Lent, Rng, Whole, deflate, thin};
use ws_core::deflate::Effort;

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
