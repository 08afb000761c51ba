//! The same comes out however a message is cut and its output is taken.

use super::codes::{Code, Stream};
use super::differential::Peer;
use super::{Inflated, Pieces, Rng, Whole, content, few, inflate, inflate_alone, thin};
use ws_core::deflate::{Fast, InflateError, Inflater, Layout, Small};

/// Short streams with all kinds of blocks, good ones and bad ones.
fn streams() -> Vec<Vec<u8>> {
    let rng = &mut Rng(11);
    let json = content::json(rng, few(250, 60));
    let mut zlib = |plain: &[u8]| Peer::new(rng, 15).plain(plain);
    let code = Code::sample();
    let fixed = Stream::new().fixed(b"fixed, fixed, ", &[(5, 7), (258, 1), (3, 21)]);
    let mixed = fixed.stored(b"stored").dynamic(&code, &[0, 1, 1, 0]).stored(b"").dynamic(&code, &[1]);
    let all = [
        zlib(b"Hello, hello, hello, hello."),
        zlib(&json),
        zlib(&[5; few(700, 300)]),
        Stream::new().stored(b"stored alone").end(),
        mixed.clone().end(),
        mixed.clone().last_fixed(b"the last").fixed(b"another", &[]).end(),
        // Bad: no such block; lengths that are not each other's inverse; a distance too far; a symbol that is none.
        mixed.clone().bits(6, 3).end(),
        mixed.clone().bits(0, 3).align().bits(0x1234_5678, 32).end(),
        Stream::new().fixed(b"far", &[(4, 4)]).end(),
        Stream::new().bits(2, 3).code(0xc6, 8).end(),
        mixed.end()[..12].to_vec(),
    ];
    thin(all, 1).collect()
}

#[test]
fn every_split_of_the_input_gives_the_same() {
    for stream in streams() {
        let whole = inflate_alone(&stream, || Whole);
        for given in thin(1..=stream.len(), 60) {
            assert_eq!(
                inflate_alone(&stream, || Pieces(given, usize::MAX)),
                whole,
                "{given} of {stream:02x?}"
            );
        }
        for at in thin(1..stream.len(), 60) {
            assert_eq!(inflate_alone(&stream, || Two(at)), whole, "cut at {at}, {stream:02x?}");
        }
    }
}

#[test]
fn every_size_of_the_output_gives_the_same() {
    for stream in streams() {
        let whole = inflate_alone(&stream, || Whole);
        for lent in thin(1..=whole.0.len(), 300) {
            for given in [1, 3, usize::MAX] {
                assert_eq!(inflate_alone(&stream, || Pieces(given, lent)), whole, "{lent}, {stream:02x?}");
            }
        }
    }
}

/// Every place in the window that a message can begin at.
#[test]
fn every_place_in_the_window_gives_the_same() {
    fn from_each_place<L: Layout>(tables: &mut L, stream: &[u8], whole: &Inflated) {
        let mut window = vec![0; 256 + L::SLACK];
        for place in thin(0..window.len(), 200) {
            let mut inflater = Inflater::new(&mut window, tables).expect("a window");
            for _ in 0..place {
                // A byte of history more, and none that the stream can mean.
                assert_eq!(inflate(&mut inflater, &Stream::new().stored(b"!").end(), &mut Whole).1, Ok(()));
            }
            assert_eq!(&inflate(&mut inflater, stream, &mut Whole), whole, "from {place}");
        }
    }
    for stream in streams() {
        let whole = inflate_alone(&stream, || Whole);
        if whole.1 != Err(InflateError::Distance) {
            from_each_place(&mut Small::new(), &stream, &whole);
            from_each_place(&mut Fast::new(), &stream, &whole);
        }
    }
}

/// A cap of 0 is one of 1: else a caller would wait for ever.
#[test]
fn no_output_is_taken_for_one_byte() {
    let (mut window, mut tables) = ([0; 256], Small::new());
    let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
    let stream = Stream::new().stored(b"ab").end();
    let (mut rest, mut out) = (&stream[..], Vec::new());
    while !rest.is_empty() {
        let bytes = inflater.inflate(&mut rest, 0).expect("no bad stream");
        assert!(bytes.len() <= 1);
        out.extend_from_slice(bytes);
    }
    while let Some(bytes) = inflater.finish(0).expect("no bad stream") {
        assert_eq!(bytes.len(), 1);
        out.extend_from_slice(bytes);
    }
    assert_eq!(out, b"ab");
}

/// In two pieces.
struct Two(usize);

impl super::Cut for Two {
    fn input(&mut self, left: usize) -> usize {
        if self.0 == 0 { left } else { std::mem::take(&mut self.0) }
    }

    fn output(&mut self) -> usize {
        usize::MAX
    }
}
