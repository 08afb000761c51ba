//! Codes that zlib never makes: at the edge of what is allowed, and beyond it. [`Stream`] writes them bit by bit.

use super::{Pieces, Rng, Whole, few, inflate, inflate_alone, thin};
use ws_core::deflate::{Fast, InflateError, Inflater, Layout, Small};

/// Bits, the lowest first (RFC 1951 3.1.1).
#[derive(Clone)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    count: usize,
}

/// The lengths of the codes of a dynamic block.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) literals: Vec<u8>,
    pub(crate) distances: Vec<u8>,
}

impl Code {
    /// Literals 0 and 1, and the end of the block; one code for a distance of 1.
    pub(crate) fn sample() -> Self {
        let mut literals = vec![0; 257];
        (literals[0], literals[1], literals[256]) = (1, 2, 2);
        Self { literals, distances: vec![1] }
    }
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), count: 0 }
    }

    pub(crate) fn bits(mut self, value: u32, n: u32) -> Self {
        for i in 0..n {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().expect("a byte") |= ((value >> i & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
        self
    }

    /// A code, which begins with its highest bit.
    pub(crate) fn code(self, code: u32, n: u32) -> Self {
        self.bits(code.reverse_bits() >> (32 - n), n)
    }

    pub(crate) fn align(mut self) -> Self {
        self.count = self.bytes.len() * 8;
        self
    }

    pub(crate) fn stored(self, text: &[u8]) -> Self {
        let len = text.len() as u32;
        let mut this = self.bits(0, 3).align().bits(len | !len << 16, 32);
        this.bytes.extend_from_slice(text);
        this.align()
    }

    pub(crate) fn fixed(self, text: &[u8], matches: &[(u32, u32)]) -> Self {
        self.bits(2, 3).fixed_block(text, matches)
    }

    /// A final block, and what follows begins with a byte.
    pub(crate) fn last_fixed(self, text: &[u8]) -> Self {
        self.bits(3, 3).fixed_block(text, &[]).align()
    }

    /// Text of ASCII, matches by length and distance: of each what is needed here.
    fn fixed_block(self, text: &[u8], matches: &[(u32, u32)]) -> Self {
        let this = text.iter().fold(self, |this, byte| this.code(0x30 + u32::from(*byte), 8));
        let this = matches.iter().fold(this, |this, (length, distance)| {
            let this = match length {
                3..=10 => this.code(length - 2, 7),
                258 => this.code(0xc5, 8),
                _ => panic!("length {length}"),
            };
            match distance {
                1..=4 => this.code(distance - 1, 5),
                5..=6 => this.code(4, 5).bits(distance - 5, 1),
                7..=8 => this.code(5, 5).bits(distance - 7, 1),
                17..=24 => this.code(8, 5).bits(distance - 17, 3),
                _ => panic!("distance {distance}"),
            }
        });
        this.code(0, 7)
    }

    /// A dynamic block up to its symbols. Each length is sent by its own code, of 5 bits for each symbol.
    pub(crate) fn header(self, code: &Code) -> Self {
        let (literals, distances) = (code.literals.len() as u32, code.distances.len() as u32);
        let this = self.bits(4, 3).bits(literals - 257, 5).bits(distances - 1, 5).bits(15, 4);
        // 13 codes of 4 bits and 6 of 5: complete. In the order of RFC 1951 3.2.7.
        let of_five = [16, 17, 18, 13, 14, 15];
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let this = order
            .iter()
            .fold(this, |this, symbol| this.bits(if of_five.contains(symbol) { 5 } else { 4 }, 3));
        let lengths = code.literals.iter().chain(&code.distances);
        lengths.fold(this, |this, length| match length {
            0..13 => this.code((*length).into(), 4),
            _ => this.code(26 + u32::from(*length) - 13, 5),
        })
    }

    /// A dynamic block with these literals.
    pub(crate) fn dynamic(self, code: &Code, literals: &[u16]) -> Self {
        let this = self.header(code);
        literals.iter().chain(&[256]).fold(this, |this, symbol| this.symbol(&code.literals, *symbol))
    }

    /// The code of `symbol` (RFC 1951 3.2.2).
    pub(crate) fn symbol(self, lengths: &[u8], symbol: u16) -> Self {
        let own = lengths[usize::from(symbol)];
        let (mut code, mut last) = (0u32, 0);
        for length in 1..=15 {
            for (other, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
                code = if last == 0 { 0 } else { (code + 1) << (length - last) };
                last = length;
                if other == usize::from(symbol) {
                    return self.code(code, own.into());
                }
            }
        }
        panic!("symbol {symbol} has no code")
    }

    /// The end of a message: an empty stored block without its tail.
    pub(crate) fn end(self) -> Vec<u8> {
        self.bits(0, 3).bytes
    }
}

/// In the quick loop, for which there is enough behind it, and in careful ways. Who took it for the end of a block would go on
/// with the next one.
fn refused(stream: Stream, what: &str) {
    let expected = (vec![], Err(InflateError::Data));
    assert_eq!(inflate_alone(&stream.clone().bits(0, 30).end(), || Whole), expected, "{what}");
    let message = stream.stored(&[0; 400]).end();
    assert_eq!(inflate_alone(&message, || Whole), expected, "{what}, more behind it");
    assert_eq!(inflate_alone(&message, || Pieces(1, 1)), expected, "{what}, byte by byte");
}

#[test]
fn codes_as_long_as_they_may_be() {
    // One of each length up to 15, and two of 15.
    let mut literals = vec![0; 257];
    for (symbol, length) in (0..15).chain([256]).zip((1..=15).chain([15])) {
        literals[symbol] = length;
    }
    let code = Code { literals, distances: vec![0] };
    let symbols: Vec<u16> = (0..15).chain([14, 0, 14, 14, 3]).collect();
    let expected: Vec<u8> = symbols.iter().map(|symbol| *symbol as u8).collect();
    for n in thin(1..50, 25) {
        // So that it is found in quick and in careful ways, and at each bit of a byte.
        let stream = (0..n).fold(Stream::new(), |stream, _| stream.dynamic(&code, &symbols));
        assert_eq!(inflate_alone(&stream.end(), || Whole), (expected.repeat(n), Ok(())));
    }
}

#[test]
fn all_symbols_have_codes() {
    // 226 codes of 8 bits and 60 of 9: complete.
    let literals: Vec<u8> = (0..286).map(|symbol| if symbol < 226 { 8 } else { 9 }).collect();
    // 2 codes of 4 bits and 28 of 5: complete.
    let distances: Vec<u8> = (0..30).map(|symbol| if symbol < 2 { 4 } else { 5 }).collect();
    let code = Code { literals, distances };
    let bytes: Vec<u8> = thin(0..=255, 2).collect();
    let all: Vec<u16> = bytes.iter().copied().map(u16::from).collect();
    let stream = Stream::new().dynamic(&code, &all);
    assert_eq!(inflate_alone(&stream.clone().end(), || Whole), (bytes.clone(), Ok(())));
    // The longest length by 284 and all extra bits, which is 258 as well.
    let long = stream.header(&code).symbol(&code.literals, 284).bits(31, 5).symbol(&code.distances, 0);
    let long = long.symbol(&code.literals, 256).end();
    assert_eq!(
        inflate_alone(&long, || Whole),
        ([&bytes[..], &vec![bytes[bytes.len() - 1]; 258]].concat(), Ok(()))
    );
}

#[test]
fn a_block_may_have_one_distance_or_none() {
    let mut literals = vec![0; 258];
    (literals[7], literals[256], literals[257]) = (1, 2, 2);
    for (distances, symbol, text) in [(vec![1], 0, &[7; 5][..]), (vec![0, 1], 1, &[7, 7, 7, 7, 7])] {
        let code = Code { literals: literals.clone(), distances };
        let stream = Stream::new().header(&code);
        let stream = stream.symbol(&code.literals, 7).symbol(&code.literals, 7).symbol(&code.literals, 257);
        let good = stream.clone().symbol(&code.distances, symbol).symbol(&code.literals, 256).end();
        assert_eq!(inflate_alone(&good, || Whole), (text.to_vec(), Ok(())));
        // The other bit is no code.
        let bad = stream.bits(1, 1).end();
        assert_eq!(inflate_alone(&bad, || Whole), (vec![7, 7], Err(InflateError::Data)));
    }
    let code = Code { literals, distances: vec![0] };
    let good = Stream::new().dynamic(&code, &[7, 7]).end();
    assert_eq!(inflate_alone(&good, || Whole), (vec![7, 7], Ok(())));
    for bit in 0..2 {
        let stream = Stream::new().header(&code).symbol(&code.literals, 7).symbol(&code.literals, 257);
        assert_eq!(inflate_alone(&stream.bits(bit, 1).end(), || Whole), (vec![7], Err(InflateError::Data)));
    }
}

/// As zlib has it; such a block is empty.
#[test]
fn a_block_may_have_its_end_alone() {
    let mut literals = vec![0; 257];
    literals[256] = 1;
    let code = Code { literals, distances: vec![0] };
    assert_eq!(inflate_alone(&Stream::new().dynamic(&code, &[]).end(), || Whole), (vec![], Ok(())));
    refused(Stream::new().header(&code).bits(1, 1), "the bit that is no code");
}

#[test]
fn codes_with_too_many_or_too_few_symbols_are_refused() {
    let with = |change: &[(usize, u8)], distances: &[u8]| {
        let mut code = Code::sample();
        for (symbol, length) in change {
            code.literals[*symbol] = *length;
        }
        code.distances = distances.to_vec();
        Stream::new().header(&code)
    };
    refused(with(&[(2, 2)], &[1]), "too many literals");
    refused(with(&[(2, 15)], &[1]), "too many literals, by a little");
    refused(with(&[(1, 3)], &[1]), "too few literals");
    refused(with(&[(0, 0), (1, 0)], &[1]), "one literal, of two bits");
    refused(with(&[(256, 0), (1, 1)], &[1]), "no end of the block");
    refused(with(&[], &[1, 1, 1]), "too many distances");
    refused(with(&[], &[1, 2]), "too few distances");
    refused(with(&[], &[2]), "one distance, of two bits");
    refused(with(&[], &[15, 15]), "two distances, of fifteen");
}

#[test]
fn headers_of_dynamic_blocks_are_checked() {
    let counts = |literals, distances, lengths| {
        Stream::new().bits(4, 3).bits(literals, 5).bits(distances, 5).bits(lengths, 4)
    };
    refused(counts(30, 0, 0), "287 literals and lengths");
    refused(counts(31, 0, 0), "288 literals and lengths");
    refused(counts(0, 30, 0), "31 distances");
    refused(counts(0, 0, 0), "a code-length code without a code");
    refused(counts(0, 0, 0).bits(1, 3), "a code-length code with one code");
    refused(counts(0, 0, 0).bits(0o1111, 12), "a code-length code with too many codes");
    // 16 and 18 have codes of one bit.
    refused(counts(0, 0, 0).bits(0o0101, 12).bits(0, 1), "a repetition of nothing");
    refused(
        counts(0, 0, 0).bits(0o0101, 12).bits(0xff, 8).bits(0xff, 8),
        "a repetition beyond the last length",
    );
}

#[test]
fn symbols_and_blocks_that_do_not_exist_are_refused() {
    refused(Stream::new().bits(6, 3), "a block of type 3");
    refused(Stream::new().bits(7, 3), "a final block of type 3");
    refused(Stream::new().bits(2, 3).code(0xc6, 8), "length 286");
    refused(Stream::new().bits(2, 3).code(0xc7, 8), "length 287");
    for symbol in [30, 31] {
        let stream = Stream::new().bits(2, 3).code(0x30, 8).code(1, 7).code(symbol, 5).bits(0, 30).end();
        assert_eq!(inflate_alone(&stream, || Whole), (vec![0], Err(InflateError::Data)), "distance {symbol}");
    }
    for lengths in [0x0000_0000, 0xffff_ffff, 0xfffe_0000, 0x7fff_0000, 0x0000_ffff ^ 1] {
        refused(Stream::new().bits(0, 3).align().bits(lengths, 32), "lengths of a stored block");
    }
}

#[test]
fn distances_before_the_start_are_refused() {
    for (text, distance) in [(0, 1), (1, 2), (3, 4), (6, 7), (16, 17), (23, 24)] {
        let text = &b"abcdefghijklmnopqrstuvwx"[..text];
        for more in [0, 400] {
            // With more behind it, it is found in the quick loop.
            let stream = Stream::new().fixed(text, &[(3, distance)]).stored(&vec![0; more]);
            let expected = (text.to_vec(), Err(InflateError::Distance));
            assert_eq!(inflate_alone(&stream.end(), || Whole), expected, "{distance}");
        }
        let text = &[text, b"!"].concat();
        let (out, result) = inflate_alone(&Stream::new().fixed(text, &[(3, distance)]).end(), || Whole);
        assert_eq!((out.len(), result), (text.len() + 3, Ok(())));
    }
}

/// The window serves its whole size and no more, however much was there, and wherever in the ring the match begins.
#[test]
fn distances_out_of_the_window_are_refused() {
    fn with_history<L: Layout>(tables: &mut L, history: usize, stream: &[u8]) -> Result<(), InflateError> {
        let mut window = vec![0; 256 + L::SLACK];
        let mut inflater = Inflater::new(&mut window, tables).expect("a window");
        let text = Stream::new().stored(&vec![b'!'; history]).end();
        assert_eq!(inflate(&mut inflater, &text, &mut Whole).1, Ok(()));
        inflate(&mut inflater, stream, &mut Whole).1
    }
    // Symbol 15 and six bits go up to 256, symbol 16 and seven up from 257; with more behind it, in the quick loop too.
    let begin = Stream::new().bits(2, 3).code(1, 7);
    for more in [0, 400] {
        let end = |stream: Stream| stream.code(0, 7).stored(&vec![0; more]).end();
        let inside = end(begin.clone().code(15, 5).bits(63, 6));
        let outside = [0, 31, 32, 127].map(|extra| end(begin.clone().code(16, 5).bits(extra, 7)));
        for history in thin(256..900, 200) {
            assert_eq!(with_history(&mut Small::new(), history, &inside), Ok(()), "{history}");
            assert_eq!(with_history(&mut Fast::new(), history, &inside), Ok(()), "{history}");
            for stream in &outside {
                let expected = Err(InflateError::Distance);
                assert_eq!(with_history(&mut Small::new(), history, stream), expected, "{history}");
                assert_eq!(with_history(&mut Fast::new(), history, stream), expected, "{history}");
            }
        }
    }
}

/// More symbols than there are (RFC 1951 3.2.7), of either code: refused before a single length of theirs comes.
#[test]
fn too_many_symbols_are_refused_at_once() {
    for (literals, distances) in [(30, 0), (31, 0), (0, 30), (0, 31)] {
        let head = Stream::new().bits(0b101, 3).bits(literals, 5).bits(distances, 5).bits(0, 4);
        let (mut window, mut tables) = ([0; 512], Small::new());
        let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
        assert_eq!(inflater.inflate(&mut &head.bytes[..], 1), Err(InflateError::Data));
    }
}

/// Long codes with many extra bits, one right behind the other, in every place of what is read at once; and the end of a piece
/// anywhere in them.
#[test]
fn long_codes_are_found_wherever_they_begin() {
    // One of each length, and two of 15: some literals, the end, and lengths of no extra bits, of two and of five.
    let mut literals = vec![0; 286];
    for (symbol, length) in (0..12).chain([256, 257, 269, 284]).zip((1..=15).chain([15])) {
        literals[symbol] = length;
    }
    let mut distances = vec![0; 30];
    for (symbol, length) in
        [0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 22, 24, 26, 28, 29].into_iter().zip((1..=15).chain([15]))
    {
        distances[symbol] = length;
    }
    let code = Code { literals, distances };
    let rng = &mut Rng(12);
    let mut out: Vec<u8> = (0..few(32_768, 128)).map(|_| rng.next() as u8).collect();
    let mut stream = Stream::new().stored(&out).header(&code);
    for _ in 0..few(600, 8) {
        for _ in 0..rng.below(4) {
            let literal = rng.pick(&[0, 7, 8, 8, 8, 11]);
            stream = stream.symbol(&code.literals, literal);
            out.push(literal as u8);
        }
        let (symbol, base, extra) = rng.pick(&[(257, 3, 0), (269, 19, 2), (284, 227, 5)]);
        let more = rng.below(1 << extra);
        stream = stream.symbol(&code.literals, symbol).bits(more as u32, extra);
        let length = base + more;
        let symbol = rng.pick(&[0, 1, 3, 6, 8, 10, 12, 20, 26, 28, 29, 29][..few(12, 7)]);
        let extra = (symbol / 2u32).saturating_sub(1);
        let more = rng.below(1 << extra);
        let distance = 1 + more + if symbol < 4 { symbol } else { (2 + symbol % 2) << extra } as usize;
        stream = stream.symbol(&code.distances, symbol as u16).bits(more as u32, extra);
        (0..length).for_each(|_| out.push(out[out.len() - distance]));
    }
    let message = stream.symbol(&code.literals, 256).end();
    assert!(inflate_alone(&message, || Whole) == (out.clone(), Ok(())), "at once");
    for piece in thin(8..48, 20) {
        assert!(
            inflate_alone(&message, || Pieces(piece, usize::MAX)) == (out.clone(), Ok(())),
            "by {piece} bytes"
        );
    }
}

/// Many further tables, one of them as large as they may be: each is no larger than its own codes need it.
#[test]
fn further_tables_fit_in() {
    // 491 of the 512 places of the first table, 20 times two codes behind it, and those up to the longest.
    let lengths = [1, 2, 3, 4, 6, 8, 9].into_iter().chain([10; 40]).chain([10, 11, 12, 13, 14, 15]);
    let mut literals: Vec<u8> = lengths.collect();
    let bytes: Vec<u8> = (0..literals.len() as u8).collect();
    literals.resize(256, 0);
    literals.push(15);
    let code = Code { literals, distances: vec![0] };
    let symbols: Vec<u16> = bytes.iter().map(|byte| (*byte).into()).collect();
    let message = Stream::new().dynamic(&code, &symbols).end();
    assert_eq!(inflate_alone(&message, || Whole), (bytes, Ok(())));
}
