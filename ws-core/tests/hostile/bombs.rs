//! A few bytes that stand for very many. What a message may have is counted as it comes out, and not a byte more exists.

use super::common::{FREE, Rng, Seen, binary, few, thin};
use super::lent::{Room, Setup, Stream, lengths, setups};
use flate2::{Compress, Compression, FlushCompress};
use ws_core::{CloseCode, Config, Limits, PeerError};

/// At and around the edges: nothing at all, one byte, a match, the window.
const LIMITS: [u32; 11] = [0, 1, 2, 255, 256, 257, 258, 511, 512, 513, 5000];

fn limited(message: u32) -> Config {
    FREE.with_limits(Limits { message, ..FREE.limits })
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(plain.len() + 100);
    // With a small window it moves all of its hashes again and again, which takes Miri for ever.
    let mut zlib =
        Compress::new_with_window_bits(Compression::best(), false, if cfg!(miri) { 15 } else { 9 });
    zlib.compress_vec(plain, &mut bytes, FlushCompress::Sync).expect("it compresses anything");
    bytes.truncate(bytes.len() - 4);
    bytes
}

/// A literal, and matches with it without an end: 258 bytes of zero by each 2 bits, of which there are `len` bytes.
fn densest(len: usize) -> Vec<u8> {
    let literals = lengths(286, &[(0, 2), (256, 2), (285, 1)]);
    let mut bytes = Stream::new().dynamic(&literals, &[1]).code(0b10, 2).bytes;
    bytes.resize(bytes.len() + len, 0);
    bytes
}

/// A quarter of a mebibyte.
const QUARTER: usize = few(1 << 18, 1 << 10);

/// As many matches are that.
const MANY: usize = few(1000, 4);

/// Each inflates to a quarter of a mebibyte or more.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let near = (0..MANY).fold(Stream::new().fixed(b"a"), |stream, _| stream.matched(258, 1));
    let text: Vec<u8> = (0..512u32).map(|i| b'a' + (i * i % 23) as u8).collect();
    let far = (0..MANY).fold(Stream::new().fixed(&text), |stream, _| stream.matched(258, 512));
    let blocks = (0..MANY)
        .fold(Stream::new().stored(b"z"), |stream, _| stream.stored(b"").fixed(b"").matched(258, 1).closed());
    vec![
        ("zeros, by zlib", zlib(&vec![0; QUARTER])),
        ("zeros, by 2 bits for 258", densest(few(1 << 10, 2))),
        ("matches of 258 at distance 1", near.closed().end()),
        ("matches of 258 at the farthest distance", far.closed().end()),
        ("a block for each match, and an empty one", blocks.end()),
    ]
}

/// Receives until there is an error. What came of it: all that may come and no more, and why it ended.
fn explode(setup: Setup, wire: &[u8], limit: u32, read: usize, most: usize) {
    let mut room = Room::new(setup);
    let mut talk = room.talk(limited(limit));
    talk.limit = most;
    let mut reads = 0;
    for piece in wire.chunks(read) {
        talk.receive(piece);
        reads += 1;
        if talk.failed().is_some() {
            break;
        }
    }
    talk.assert_failed(PeerError::MessageTooBig, CloseCode::MESSAGE_TOO_BIG);
    assert_eq!(talk.lent, limit as usize, "all that is right, and nothing more");
    // Pieces end where they are full, where the window does, and where 1,024 bytes were looked at, or as many as there may be.
    let most = most.min(setup.window());
    let calls = 2 * (talk.lent / most) + talk.taken / 1024 + 2 * reads + 40;
    assert!(talk.calls <= calls, "{} calls for {} bytes, {setup:?}", talk.calls, talk.lent);
    let exists = (limit as usize + 1).min(setup.window()) + setup.slack();
    drop(talk);
    assert!(room.written() <= exists, "{} bytes for {limit}, {setup:?}", room.written());
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let bombs = bombs();
    for setup in setups(9, true) {
        for (what, bomb) in bombs.iter().take(few(5, 3)) {
            let wire = setup.frame(0xc2, bomb);
            assert!(wire.len() < 10_000, "{what}");
            for limit in thin(LIMITS, 1) {
                explode(setup, &wire, limit, wire.len(), usize::MAX);
                explode(setup, &wire, limit, 7, 100);
                if limit < few(600, 10) as u32 {
                    explode(setup, &wire, limit, 1, 1);
                }
            }
        }
    }
}

/// A gibibyte by a mebibyte, and as much as that again: it is a matter of the first few bytes.
#[test]
fn a_gibibyte_in_a_mebibyte_costs_what_is_lent() {
    const ZEROS: usize = few(1 << 20, 1 << 10);
    for setup in setups(few(15, 9) as u8, true) {
        let wire = setup.frame(0xc2, &densest(ZEROS));
        let first = few(512, wire.len() - ZEROS + 20);
        explode(setup, &wire, few(Limits::DEFAULT.message as usize, 5000) as u32, 16 << 10, usize::MAX);
        explode(setup, &wire, few(100_000, 5000) as u32, 16 << 10, 4096);
        // As a stream without a limit it comes in pieces, which are no longer than asked for.
        let mut room = Room::new(setup);
        let mut talk = room.talk(FREE);
        talk.limit = 4096;
        talk.receive(&wire[..first]);
        assert!(talk.lent > few(250_000, 10_000) && talk.part().iter().all(|byte| *byte == 0));
        let most = talk.limit.min(setup.window());
        assert!(talk.calls <= 2 * (talk.lent / most) + 3, "{} calls for {} bytes", talk.calls, talk.lent);
        talk.ws.fail(CloseCode::UNSUPPORTED_DATA);
        talk.receive(&wire[first..1024]);
        talk.assert_failed(PeerError::Refused, CloseCode::UNSUPPORTED_DATA);
    }
}

/// What is declared is compared with nothing: neither does a small frame pass, nor is a large one refused that inflates to
/// what may be.
#[test]
fn the_length_declared_says_nothing_of_what_comes_out() {
    for setup in setups(9, true) {
        let bomb = (0..8).fold(Stream::new().fixed(b"a"), |stream, _| stream.matched(258, 1)).closed().end();
        let whole = vec![b'a'; 1 + 8 * 258];
        let wire = setup.frame(0xc2, &bomb);
        assert!(bomb.len() <= 17);
        for limit in thin(bomb.len() as u32..100, 50) {
            explode(setup, &wire, limit, wire.len(), usize::MAX);
        }
        explode(setup, &wire, whole.len() as u32 - 1, 3, usize::MAX);
        assert_eq!(setup.seen(limited(whole.len() as u32), &wire, 3), [binary(&whole)]);
        // The other way round: noise by stored blocks is longer than itself.
        let rng = &mut Rng(59);
        let noise: Vec<u8> = (0..few(1000, 60)).map(|_| rng.next() as u8).collect();
        let stored = noise.iter().fold(Stream::new(), |stream, byte| stream.stored(&[*byte])).end();
        let wire = setup.frame(0xc2, &stored);
        assert!(wire.len() > 6 * noise.len());
        let len = noise.len() as u32;
        assert_eq!(setup.seen(limited(len), &wire, 700), [binary(&noise)]);
        explode(setup, &wire, len - 1, 700, usize::MAX);
    }
}

/// The limit is that of the message, however many frames it has, and whatever stands between them.
#[test]
fn a_bomb_in_many_fragments_ends_at_the_limit() {
    for setup in setups(9, true) {
        let bomb = densest(few(500, 20));
        for &size in if cfg!(miri) { &[25][..] } else { &[1, 2, 50] } {
            let mut wire = setup.frame(0x42, b"");
            for piece in bomb.chunks(size) {
                wire.extend(setup.frame(0x00, piece));
                wire.extend(setup.frame(0x8a, b""));
            }
            wire.extend(setup.frame(0x80, b""));
            for limit in [0, 1, 258, 512, 5000, 16 << 10].into_iter().take(few(6, 4)) {
                let mut room = Room::new(setup);
                let mut talk = room.talk(limited(limit));
                wire.chunks(999).for_each(|piece| talk.receive(piece));
                talk.assert_failed(PeerError::MessageTooBig, CloseCode::MESSAGE_TOO_BIG);
                assert_eq!(talk.lent, limit as usize, "{setup:?}");
            }
        }
        // Messages of the limit, each the bomb's echo in the window: each is counted anew, none may have more.
        let again = |length| Stream::new().fixed(b"").matched(length, 1).closed().end();
        let first = Stream::new().fixed(b"a").matched(258, 1).closed().end();
        let mut wire = setup.frame(0xc2, &first);
        wire.extend(setup.frame(0xc2, &again(258)).repeat(few(100, 4)));
        let many = setup.seen(limited(259), &wire, 400);
        assert_eq!(many.len(), 1 + few(100, 4));
        assert_eq!(many[few(100, 4)], binary(&[b'a'; 258]));
        let last = setup.seen(limited(258), &wire, 400).pop();
        assert_eq!(last, Some(Seen::Failed(PeerError::MessageTooBig)));
    }
}

/// What was compressed twice is inflated once.
#[test]
fn a_bomb_in_a_bomb_is_inflated_once() {
    let inner = zlib(&vec![0; QUARTER]);
    let outer = zlib(&inner);
    assert!(cfg!(miri) || outer.len() * 3 < inner.len());
    for setup in setups(9, false) {
        let wire = setup.frame(0xc2, &outer);
        assert_eq!(setup.seen(limited(inner.len() as u32), &wire, 100), [binary(&inner)]);
        explode(setup, &wire, inner.len() as u32 - 1, 100, usize::MAX);
    }
}

/// Blocks that say nothing are passed over, as far as they have come: no call works on what has not.
#[test]
fn blocks_without_bytes_cost_what_they_are_long() {
    let stored = (0..few(2000, 16)).fold(Stream::new(), |stream, _| stream.stored(b""));
    let fixed = (0..few(2000, 16)).fold(Stream::new(), |stream, _| stream.fixed(b"").closed());
    let tables = lengths(257, &[(0, 1), (1, 2), (256, 2)]);
    let dynamic = (0..few(50, 2)).fold(Stream::new(), |stream, _| stream.dynamic(&tables, &[1]).code(3, 2));
    for setup in setups(9, true) {
        for blocks in [&stored, &fixed, &dynamic] {
            let wire = setup.frame(0xc2, &blocks.clone().end());
            for read in [1, 100, wire.len()] {
                let mut room = Room::new(setup);
                let mut talk = room.talk(limited(0));
                wire.chunks(read).for_each(|piece| talk.receive(piece));
                assert_eq!(talk.seen, [binary(b"")]);
                assert!(talk.calls <= 2 * wire.len().div_ceil(read), "{} calls", talk.calls);
                drop(talk);
                assert_eq!(room.written(), 0);
            }
            // And one byte behind them is one byte.
            let wire = setup.frame(0xc2, &blocks.clone().fixed(b"a").closed().end());
            assert_eq!(setup.seen(limited(1), &wire, 64), [binary(b"a")]);
            explode(setup, &wire, 0, 64, usize::MAX);
        }
    }
}
