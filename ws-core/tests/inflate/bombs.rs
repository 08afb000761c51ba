//! A few bytes that stand for very many: no call lends more than it may, and none works for longer than what it takes and
//! lends explains.

use super::codes::{Code, Stream};
use super::differential::Peer;
use super::{Rng, Whole, few, inflate, thin};
use ws_core::deflate::{Fast, Inflater, Layout, Small};

/// The bytes that come out, and the most that a call lent.
fn explode<L: Layout + Default>(message: &[u8], most: usize) -> usize {
    let (mut window, mut tables) = (vec![0; 512 + L::SLACK], L::default());
    let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
    let (mut rest, mut total, mut calls) = (message, 0, 0);
    while !rest.is_empty() {
        let lent = inflater.inflate(&mut rest, most).expect("it is no bad stream").len();
        assert!(lent <= most);
        (total, calls) = (total + lent, calls + 1);
    }
    while let Some(bytes) = inflater.finish(most).expect("it is no bad stream") {
        assert!(bytes.len() <= most);
        (total, calls) = (total + bytes.len(), calls + 1);
    }
    assert!(calls <= total / most.min(512) * 2 + message.len(), "{calls} calls for {total} bytes");
    total
}

#[test]
fn a_bomb_comes_out_in_pieces_no_larger_than_asked_for() {
    // With a small window zlib moves all of its hashes again and again, which takes Miri for ever.
    const BITS: u8 = if cfg!(miri) { 15 } else { 9 };
    const SINGLE: usize = few(40_000, 300);
    let plain = vec![0; few(1 << 20, 3000)];
    let message = Peer::new(&mut Rng(4), BITS).plain(&plain);
    assert!(message.len() < plain.len() / few(200, 50));
    for most in [1000, 100, 1] {
        let message =
            if most == 1 { &Peer::new(&mut Rng(4), BITS).plain(&plain[..SINGLE]) } else { &message };
        let expected = if most == 1 { SINGLE } else { plain.len() };
        assert_eq!(explode::<Small>(message, most), expected);
        assert_eq!(explode::<Fast>(message, most), expected);
    }
}

/// The cap holds to the byte, wherever it lies: in a match, in a run of literals, in a stored block.
#[test]
fn a_message_ends_at_its_limit() {
    fn limited<L: Layout + Default>(message: &[u8], plain: &[u8]) {
        for limit in thin(0..plain.len(), 50) {
            let (mut window, mut tables) = (vec![0; 512 + L::SLACK], L::default());
            let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
            let (mut rest, mut out) = (message, Vec::new());
            while out.len() <= limit {
                let left = limit - out.len();
                let bytes = if rest.is_empty() {
                    inflater.finish(left + 1).expect("no bad stream").expect("more is to come")
                } else {
                    inflater.inflate(&mut rest, left + 1).expect("no bad stream")
                };
                out.extend_from_slice(bytes);
            }
            assert_eq!(out, plain[..limit + 1], "the first byte above {limit} is the last that exists");
        }
    }
    let code = Code::sample();
    let stream =
        Stream::new().fixed(b"abc", &[(258, 3), (5, 2)]).stored(&[9; 50]).dynamic(&code, &[0, 1, 0, 1]).end();
    let plain = super::inflate_alone(&stream, || Whole).0;
    assert_eq!(plain.len(), 3 + 258 + 5 + 50 + 4);
    limited::<Small>(&stream, &plain);
    limited::<Fast>(&stream, &plain);
}

/// A flood of blocks that say nothing but need tables: one call builds those of one.
#[test]
fn a_call_builds_the_tables_of_one_block() {
    fn calls<L: Layout + Default>(message: &[u8]) -> usize {
        let (mut window, mut tables) = (vec![0; 512 + L::SLACK], L::default());
        let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
        let (mut rest, mut calls) = (message, 0);
        while !rest.is_empty() {
            assert_eq!(inflater.inflate(&mut rest, usize::MAX), Ok(&[][..]));
            calls += 1;
        }
        while inflater.finish(usize::MAX).expect("no bad stream").is_some() {
            calls += 1;
        }
        calls
    }
    let code = Code::sample();
    const MANY: usize = few(100, 8);
    let message = (0..MANY).fold(Stream::new(), |stream, _| stream.dynamic(&code, &[])).end();
    assert!(calls::<Small>(&message) >= MANY - 1);
    assert!(calls::<Fast>(&message) >= MANY - 1);
    // Those of the fixed code are built again each time; where they need not be, it is as if they were not there.
    let message = (0..MANY).fold(Stream::new(), |stream, _| stream.fixed(b"", &[]).dynamic(&code, &[])).end();
    assert!(calls::<Small>(&message) >= 2 * MANY - 1);
    assert!(calls::<Fast>(&message) >= MANY - 1);
}

/// Blocks without bytes, for as long as the peer likes.
#[test]
fn a_flood_of_empty_blocks_is_an_empty_message() {
    const MANY: usize = few(10_000, 100);
    let stored = [0, 0, 0, 0xff, 0xff].repeat(MANY);
    let fixed = (0..MANY).fold(Stream::new(), |stream, _| stream.fixed(b"", &[])).end();
    for message in [stored, fixed] {
        let (mut window, mut tables) = ([0; 1], Small::new());
        let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
        assert_eq!(inflate(&mut inflater, &message, &mut Whole), (vec![], Ok(())));
        let (mut window, mut tables) = ([0; 1 + Fast::SLACK], Fast::new());
        let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
        assert_eq!(inflate(&mut inflater, &message, &mut Whole), (vec![], Ok(())));
    }
}

/// A call that had no input, and lends nothing, says so: whatever is held behind blocks that need tables was lent before.
#[test]
fn a_call_without_input_that_lends_nothing_holds_nothing() {
    fn lent<L: Layout + Default>(message: &[u8]) -> Vec<u8> {
        let (mut window, mut tables) = (vec![0; 512 + L::SLACK], L::default());
        let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
        let (mut rest, mut out) = (message, Vec::new());
        loop {
            let had_input = !rest.is_empty();
            let bytes = inflater.inflate(&mut rest, usize::MAX).expect("it is no bad stream");
            if bytes.is_empty() && !had_input {
                return out;
            }
            out.extend_from_slice(bytes);
        }
    }
    for symbols in 0..8 {
        let stream = Stream::new().dynamic(&Code::sample(), &[0; 8][..symbols]);
        let message = stream.fixed(b"", &[]).fixed(b"a", &[]).end();
        let expected = [&[0; 8][..symbols], b"a"].concat();
        assert_eq!(lent::<Small>(&message), expected);
        assert_eq!(lent::<Fast>(&message), expected);
    }
}
