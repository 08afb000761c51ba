//! Short messages, given and taken in every way there is.

use super::peer::Windows;
use super::{Cut, Lent, Pieces, Rng, Whole, content, deflate, few, thin};
use ws_core::deflate::Effort;

/// Window, heads, tokens.
const SIZES: [(usize, usize, usize); 5] =
    [(256, 0, 64), (512, 0, 704), (256, 16, 64), (1024, 256, 1024), (4096, 4096, 4096)];

/// Each of another kind of block, and one of many blocks.
fn messages() -> Vec<Vec<u8>> {
    let rng = &mut Rng(11);
    let all = [
        b"Hello".to_vec(),
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec(),
        content::json(rng, few(500, 50)),
        (0..few(200, 40)).map(|_| rng.next() as u8).collect(),
        [
            content::json(rng, few(300, 40)),
            (0..few(200, 40)).map(|_| rng.next() as u8).collect(),
            content::prose(rng, few(200, 40)),
        ]
        .concat(),
    ];
    all.into_iter().step_by(if cfg!(miri) { 2 } else { 1 }).collect()
}

/// Two messages by a fresh deflater, the second with history of the first.
fn two(sizes: (usize, usize, usize), plain: &[u8], mut cut: impl Cut) -> [Vec<u8>; 2] {
    let mut lent = Lent::new(sizes.0, sizes.1, sizes.2);
    let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
    [(); 2].map(|()| deflate(&mut deflater, plain, &mut cut))
}

#[test]
fn the_size_of_the_output_changes_nothing() {
    for plain in messages() {
        for sizes in thin(SIZES, 3) {
            let whole = two(sizes, &plain, Whole);
            for room in thin((1..=9).chain([13, 31, 64]), 6) {
                assert_eq!(
                    two(sizes, &plain, Pieces(usize::MAX, room)),
                    whole,
                    "{sizes:?}, outputs of {room}"
                );
            }
            for room in thin(whole[0].len().saturating_sub(4)..whole[0].len() + 9, 7) {
                assert_eq!(two(sizes, &plain, Pieces(usize::MAX, room.max(1))), whole, "{sizes:?}, {room}");
            }
        }
    }
}

#[test]
fn pieces_of_every_size_are_read_back() {
    for plain in messages() {
        for sizes in thin(SIZES, 3) {
            for piece in thin((1..20).chain([100, 255, 258, 259]), 12) {
                let (mut windows, what) = (Windows::new(sizes.0), format!("{sizes:?}, pieces of {piece}"));
                let mut readers = windows.readers();
                for message in two(sizes, &plain, Pieces(piece, 7)) {
                    readers.check(&message, &plain, &what);
                }
            }
        }
    }
}

#[test]
fn every_split_in_two_is_read_back() {
    for plain in messages() {
        for sizes in thin(SIZES, 3) {
            let (mut lent, mut windows) = (Lent::new(sizes.0, sizes.1, sizes.2), Windows::new(sizes.0));
            let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
            let mut readers = windows.readers();
            for at in thin(0..=plain.len(), 200) {
                deflater.reset();
                readers.reset();
                let (mut out, mut written) = ([0; 2000], 0);
                let (mut first, mut second) = plain.split_at(at);
                for (piece, end) in [(&mut first, false), (&mut second, true)] {
                    let progress = deflater.deflate(piece, &mut out[written..], end);
                    assert!(progress.done);
                    written += progress.written;
                }
                let what = format!("{sizes:?}, split at {at}");
                readers.check(&out[..written], &plain, &what);
            }
        }
    }
}

/// No match is to be had, so nothing ends at the end of a piece.
#[test]
fn where_nothing_matches_the_split_of_the_input_changes_nothing() {
    let plain: Vec<u8> = (0..=255).collect();
    for sizes in thin(SIZES, 3) {
        let mut lent = Lent::new(sizes.0, sizes.1, sizes.2);
        let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
        let whole = deflate(&mut deflater, &plain, &mut Whole);
        for piece in thin(1..plain.len(), 100) {
            deflater.reset();
            assert_eq!(
                deflate(&mut deflater, &plain, &mut Pieces(piece, 9)),
                whole,
                "{sizes:?}, pieces of {piece}"
            );
        }
    }
}

/// All of the input once, and then a few bytes at a time, whatever is still to be written.
struct Withdrawn(bool);

impl Cut for Withdrawn {
    fn input(&mut self, left: usize) -> usize {
        if std::mem::replace(&mut self.0, true) { left.min(3) } else { left }
    }

    fn output(&mut self) -> usize {
        1
    }
}

/// A match was found in input that is not there any more when a block has room for it.
#[test]
fn input_may_be_taken_back_from_a_match() {
    for literals in thin(0..70, 22) {
        let plain: Vec<u8> = (0..10).chain(10..10 + literals).chain(0..10).collect();
        for sizes in thin(SIZES, 3) {
            let mut lent = Lent::new(sizes.0, sizes.1, sizes.2);
            let mut deflater = lent.deflater(Effort::SMALL).expect("sizes that fit");
            let message = deflate(&mut deflater, &plain, &mut Withdrawn(false));
            let what = format!("{sizes:?}, {literals} literals");
            Windows::new(sizes.0).readers().check(&message, &plain, &what);
        }
    }
}
