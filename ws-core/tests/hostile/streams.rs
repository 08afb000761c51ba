//! Streams made by hand, and streams that were damaged: what is right before the mistake is lent, then the error comes, and nothing
//! behind it. How each mistake is found is shown in `../inflate`; here it comes over a connection, as a peer would send it.

use super::common::{FREE, Last, Rng, Seen, few, thin};
use super::lent::{Room, Setup, Stream, lengths, setups};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use ws_core::deflate::TAIL;
use ws_core::{CloseCode, Limits, PeerError};

/// In reads of many sizes, in one frame, and in two at every cut if there are few.
fn every_way(setup: Setup, payload: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let whole = setup.frame(0xc2, payload);
    let sizes = [1, 2, 3, 7, 30, whole.len() - 1, whole.len()];
    let mut ways: Vec<_> = thin(sizes, 1).map(|size| (whole.clone(), size)).collect();
    for cut in (0..=payload.len()).step_by(1 + payload.len() / few(40, 1)) {
        let (first, second) = payload.split_at(cut);
        let two = [setup.frame(0x42, first), setup.frame(0x80, second)].concat();
        ways.push((two, if cut % 2 == 0 { usize::MAX } else { 1 }));
    }
    ways
}

/// `right` is lent of it, and then it has failed, for good: what comes behind is not looked at.
fn refused(payload: &[u8], right: &[u8], what: &str) {
    // Under Miri one of both, and now this, now that.
    let skipped = if cfg!(miri) { payload.len() % 2 } else { 0 };
    for setup in setups(9, true).skip(skipped).take(few(4, 1)) {
        let mut room = Room::new(setup);
        let mut talk = room.talk(FREE);
        for (n, (wire, size)) in every_way(setup, payload).into_iter().enumerate() {
            talk.next_connection(FREE);
            talk.limit = if n % 3 == 0 { 1 } else { usize::MAX };
            wire.chunks(size.min(wire.len())).for_each(|piece| talk.receive(piece));
            talk.assert_failed(PeerError::BadCompression, CloseCode::INVALID_PAYLOAD);
            assert_eq!(talk.part(), right, "{what}, {setup:?}");
            talk.receive(&setup.frame(0x82, b"behind"));
            assert_eq!(talk.seen.len(), 1 + usize::from(!right.is_empty()), "{what}, {setup:?}");
        }
    }
}

/// Literals 0 and 1, length 3 and the end of the block, each of two bits; what distances there are is to be added.
fn open(distances: &[u32]) -> Stream {
    Stream::new().dynamic(&lengths(258, &[(0, 2), (1, 2), (256, 2), (257, 2)]), distances)
}

#[test]
fn symbols_that_do_not_exist_are_refused() {
    let ok = || Stream::new().fixed(b"ok");
    refused(&ok().code(0xc6, 8).bits(0, 20).end(), b"ok", "length 286");
    refused(&ok().code(0xc7, 8).bits(0, 20).end(), b"ok", "length 287");
    refused(&ok().code(1, 7).code(30, 5).bits(0, 20).end(), b"ok", "distance 30");
    refused(&ok().code(1, 7).code(31, 5).bits(0, 20).end(), b"ok", "distance 31");
    refused(&ok().closed().bits(6, 3).end(), b"ok", "a block of type 3");
    refused(&ok().closed().counts(287, 1).end(), b"ok", "287 literals and lengths");
    refused(&ok().closed().counts(288, 1).end(), b"ok", "288 literals and lengths");
    refused(&ok().closed().counts(257, 31).end(), b"ok", "31 distances");
    refused(&ok().closed().counts(257, 32).end(), b"ok", "32 distances");
    refused(&open(&[1]).code(1, 2).code(3, 2).bits(1, 1).end(), b"\x01", "a distance without a code");
    refused(&open(&[0]).code(1, 2).code(3, 2).bits(0, 1).end(), b"\x01", "a distance where there is none");
}

#[test]
fn sets_of_codes_that_do_not_fit_are_refused() {
    let with = |literals: &[(usize, u32)], distances: &[u32]| {
        let stream = Stream::new().fixed(b"ok").closed();
        stream.dynamic(&lengths(258, literals), distances).bits(0, 30).end()
    };
    refused(&with(&[(0, 1), (1, 1), (256, 1)], &[1]), b"ok", "too many literals");
    refused(&with(&[(0, 1), (1, 2), (2, 15), (256, 2)], &[1]), b"ok", "too many literals, by one of 15 bits");
    refused(&with(&[(0, 1), (1, 3), (256, 3)], &[1]), b"ok", "too few literals");
    refused(&with(&[(256, 15)], &[1]), b"ok", "an end of 15 bits, and nothing else");
    refused(&with(&[(0, 1), (1, 1)], &[1]), b"ok", "no end of the block");
    refused(&with(&[], &[1]), b"ok", "no code at all");
    refused(&with(&[(0, 1), (256, 1)], &[1, 1, 1]), b"ok", "too many distances");
    refused(&with(&[(0, 1), (256, 1)], &[1, 2]), b"ok", "too few distances");
    refused(&with(&[(0, 1), (256, 1)], &[15]), b"ok", "one distance of 15 bits");
    // The code of the lengths itself: as many codes as there are given lengths of three bits.
    let own = |first: u32| {
        Stream::new().fixed(b"ok").closed().bits(4, 3).bits(0, 14).bits(first, 12).bits(0, 30).end()
    };
    refused(&own(0), b"ok", "no length has a code");
    refused(&own(0o1111), b"ok", "too many lengths have one");
    refused(&own(0o0001), b"ok", "one length has one");
    refused(&own(0o7777), b"ok", "lengths of seven bits, and too few of them");
}

#[test]
fn repetitions_of_lengths_end_where_the_lengths_do() {
    let counts = |literals, distances| Stream::new().fixed(b"ok").closed().counts(literals, distances);
    let end = |stream: Stream| stream.bits(0, 30).end();
    for times in 0..4 {
        refused(&end(counts(257, 1).length(16).bits(times, 2)), b"ok", "a repetition of nothing");
    }
    // 257 lengths and 1: up to the last but `left` there are 2, 255 - left zeros and others.
    let up_to = |left: usize| {
        let stream = counts(257, 1).length(2).length(2);
        (2..258 - left).fold(stream, |stream, _| stream.length(0))
    };
    for (left, symbol, bits, least) in
        [(1, 16, 2, 3), (2, 16, 2, 3), (2, 17, 3, 3), (10, 18, 7, 11), (9, 17, 3, 3)]
    {
        for times in thin(0..1u32 << bits, 30) {
            if least + times as usize > left {
                let what =
                    format!("{left} lengths left, and {symbol} for {} of them", least + times as usize);
                if bits == 7 && !matches!(times, 0 | 1 | 127) {
                    continue;
                }
                refused(&end(up_to(left).length(symbol).bits(times, bits)), b"ok", &what);
            }
        }
    }
}

#[test]
fn stored_blocks_whose_lengths_disagree_are_refused() {
    for bit in thin(0..32, 8) {
        let lengths = (3u32 | !3 << 16) ^ 1 << bit;
        let mut stream = Stream::new().fixed(b"ok").closed().stored_head(lengths & 0xffff, lengths >> 16);
        stream.bytes.extend(b"abc\0");
        refused(&stream.bytes, b"ok", &format!("bit {bit}"));
    }
    refused(&Stream::new().stored(b"ok").stored_head(0, 0).end(), b"ok", "zero and zero");
    refused(&Stream::new().stored(b"ok").stored_head(0xffff, 0xffff).end(), b"ok", "ones and ones");
    // The lengths agree, and the message ends before its bytes do: what it has is lent, and the tail is taken for some of it.
    let mut short = Stream::new().stored_head(0x7fff, 0x8000);
    short.bytes.extend(b"ok");
    refused(&short.bytes, b"ok\0\0\xff\xff", "32,767 bytes declared");
}

/// At every distance, with messages before that may be referred to, and with those that may not.
#[test]
fn nothing_before_the_start_is_reached() {
    let (first, text) = (b"first of all", b"ab");
    let opening = Stream::new().stored(first).end();
    let reaching = |distance| Stream::new().fixed(text).matched(3, distance).closed().end();
    for takeover in [false, true] {
        for setup in setups(9, takeover) {
            let mut room = Room::new(setup);
            let mut talk = room.talk(FREE);
            let there = if takeover { [&first[..], text].concat() } else { text.to_vec() };
            for distance in thin(1..=512, 73) {
                talk.next_connection(FREE);
                talk.receive(&setup.frame(0xc2, &opening));
                talk.receive(&setup.frame(0xc2, &reaching(distance as u32)));
                if distance <= there.len() {
                    let start = there.len() - distance;
                    let mut whole = there.clone();
                    (0..3).for_each(|i| whole.push(whole[start + i]));
                    let whole = whole.split_off(there.len() - text.len());
                    let Some(Seen::Data(_, seen, _)) = talk.seen.last() else { panic!("{:?}", talk.seen) };
                    assert_eq!(*seen, whole, "{distance}, {setup:?}");
                } else {
                    talk.assert_failed(PeerError::BadCompression, CloseCode::INVALID_PAYLOAD);
                    assert_eq!(talk.part(), text, "{distance}, {setup:?}");
                }
            }
        }
    }
}

/// Nor is anything farther back than the window is long, once it is full.
#[test]
fn nothing_outside_of_the_window_is_reached() {
    for bits in [8, 9] {
        for setup in setups(bits, true) {
            let window = setup.window();
            let before: Vec<u8> = (0..1000u32).map(|i| (i * i % 251) as u8).collect();
            let opening = Stream::new().stored(&before).end();
            let reaching = |distance| Stream::new().fixed(b"").matched(3, distance as u32).closed().end();
            let mut room = Room::new(setup);
            let mut talk = room.talk(FREE);
            for distance in thin((1..=window).chain(window + 1..window + 300).chain([1001, 4096, 32_768]), 73)
            {
                talk.next_connection(FREE);
                talk.receive(&setup.frame(0xc2, &opening));
                talk.receive(&setup.frame(0xc2, &reaching(distance)));
                if distance <= window {
                    let start = before.len() - distance;
                    let expected: Vec<u8> = (0..3).map(|i| before[start + i % distance]).collect();
                    let Some(Seen::Data(_, seen, _)) = talk.seen.last() else { panic!("{:?}", talk.seen) };
                    assert_eq!(*seen, expected, "{distance}, {setup:?}");
                } else {
                    talk.assert_failed(PeerError::BadCompression, CloseCode::INVALID_PAYLOAD);
                    assert_eq!(talk.seen.len(), 2, "{distance}, {setup:?}");
                }
            }
        }
    }
}

/// What zlib makes of a message and the tail that belongs to it; `None`: it refuses it, or would take more.
fn by_zlib(payload: &[u8]) -> (Vec<u8>, Option<Status>) {
    let mut out = Vec::with_capacity(200_000);
    let mut zlib = Decompress::new(false);
    let status = zlib.decompress_vec(&[payload, &TAIL].concat(), &mut out, FlushDecompress::Sync);
    (out, status.ok())
}

/// A session with blocks of all types, with matches near and far.
fn all_kinds() -> Stream {
    let dynamic = Stream::new().stored(b"stored").fixed(b"fixed, ").matched(7, 7).matched(3, 13).closed();
    let dynamic = dynamic.dynamic(&lengths(258, &[(0, 2), (1, 2), (256, 2), (257, 2)]), &[1, 1]);
    let dynamic = dynamic.code(1, 2).code(0, 2).code(3, 2).bits(1, 1).code(2, 2);
    dynamic.stored(b"").fixed(b"last").matched(258, 4).closed()
}

#[test]
fn a_message_cut_anywhere_is_an_error_or_all_of_it() {
    let whole = all_kinds().end();
    let text = by_zlib(&whole).0;
    assert_eq!(text.len(), 6 + 17 + 5 + 4 + 258);
    for setup in setups(9, true) {
        let (mut fine, mut room) = (0, Room::new(setup));
        let mut talk = room.talk(FREE);
        for len in thin(0..=whole.len(), 9) {
            // The tail may be just what the block lacks: then it is all of some message, as zlib has it too.
            let cut = &whole[..len];
            for (size, limit) in [(1, 1), (5, 100), (1000, usize::MAX)] {
                // The message ends here.
                talk.next_connection(FREE);
                talk.limit = limit;
                setup.frame(0xc2, cut).chunks(size).for_each(|piece| talk.receive(piece));
                let (expected, status) = by_zlib(cut);
                match &talk.seen[..] {
                    [Seen::Data(_, seen, Last::Yes)] => {
                        assert_eq!((seen, status), (&expected, Some(Status::Ok)), "{len}");
                        fine += 1;
                    }
                    _ => {
                        talk.assert_failed(PeerError::BadCompression, CloseCode::INVALID_PAYLOAD);
                        assert_eq!(talk.part(), expected, "{len}, {setup:?}");
                    }
                }
                // It does not, and the peer is gone.
                talk.next_connection(FREE);
                setup.frame(0x42, cut).chunks(size).for_each(|piece| talk.receive(piece));
                assert_eq!(
                    talk.failed(),
                    None,
                    "{len} of {whole:02x?}, {size}, {limit}, {setup:?} {:?}",
                    talk.seen
                );
                assert!(text.starts_with(talk.part()), "{len}");
                talk.ws.receive_eof();
                assert!(!talk.ws.was_clean());
            }
        }
        assert!(fine > few(3, 0) && fine < 3 * whole.len() / 4, "{fine}");
    }
}

/// At random, against zlib, in memory that is looked at; each call takes a byte or lends one, so that each input ends.
#[test]
fn damaged_streams_write_nothing_beside_what_is_lent() {
    let mut good = vec![all_kinds().end()];
    for level in [1, 6, 9] {
        let plain: String =
            (0..few(60, 8)).map(|i| format!("{{\"n\":{i},\"t\":{}}}", i * 7919 % 1000)).collect();
        let mut bytes = Vec::with_capacity(2000);
        let mut zlib = Compress::new_with_window_bits(Compression::new(level), false, 9);
        zlib.compress_vec(plain.as_bytes(), &mut bytes, FlushCompress::Sync).expect("it compresses anything");
        bytes.truncate(bytes.len() - TAIL.len());
        good.push(bytes);
    }
    let rng = &mut Rng(66);
    let (mut fine, mut refused) = (0, 0);
    for setup in setups(15, false) {
        let mut room = Room::new(setup);
        let mut talk = room.talk(FREE);
        for run in 0..few(1500, 3) {
            let mut stream = good[run % good.len()].clone();
            if rng.one_in(8) {
                stream = (0..rng.below(90)).map(|_| rng.next() as u8).collect();
            }
            for _ in 0..1 + rng.below(3) {
                let most = rng.pick(&[4, 60, 1000]).min(stream.len());
                if most != 0 {
                    let at = rng.below(most);
                    stream[at] ^= 1 << rng.below(8);
                }
            }
            talk.next_connection(FREE);
            (talk.calls, talk.taken, talk.lent) = (0, 0, 0);
            talk.limit = rng.pick(&[1, 10, 300, usize::MAX]);
            let wire = setup.frame(0xc2, &stream);
            let mut rest = &wire[..];
            while !rest.is_empty() {
                let most = rng.pick(&[1, 9, 2000]);
                let (piece, behind) = rest.split_at((1 + rng.below(most)).min(rest.len()));
                talk.receive(piece);
                rest = behind;
            }
            assert!(talk.calls <= 2 * wire.len() + talk.lent + 4, "{} calls", talk.calls);
            let (expected, status) = by_zlib(&stream);
            match (&talk.seen[..], status) {
                // Behind a final block zlib looks at nothing, and a message goes on.
                ([.., Seen::Data(_, seen, _)] | [Seen::Data(_, seen, _), _], Some(Status::StreamEnd)) => {
                    assert!(seen.starts_with(&expected), "{stream:02x?}");
                }
                ([Seen::Data(_, seen, Last::Yes)], status) => {
                    assert_eq!((seen, status), (&expected, Some(Status::Ok)), "{stream:02x?}");
                    fine += 1;
                }
                _ => {
                    talk.assert_failed(PeerError::BadCompression, CloseCode::INVALID_PAYLOAD);
                    assert_eq!(talk.part(), expected, "{stream:02x?}");
                    refused += 1;
                }
            }
        }
    }
    let is_mixed = cfg!(miri) || (fine > 300 && refused > 300);
    assert!(is_mixed, "{fine} are fine, {refused} are refused: what is the damage?");
}

/// Up to three messages of small blocks, many with a flaw: a tail that is left, or a part of one, a bit, a cut.
fn some_messages(rng: &mut Rng) -> Vec<Vec<u8>> {
    let codes = lengths(258, &[(0, 2), (1, 2), (256, 2), (257, 2)]);
    let message = |rng: &mut Rng| {
        let mut stream = Stream::new();
        for _ in 0..rng.below(7) {
            stream = match rng.below(6) {
                0 => stream.stored(&b"stored"[..rng.below(7)]),
                1 => stream.fixed(&b"fixed"[..rng.below(6)]).closed(),
                2 => stream.fixed(b"m").matched(3 + rng.below(8) as u32, 1 + rng.below(9) as u32).closed(),
                3 => stream.dynamic(&codes, &[1]).code(2, 2),
                4 => stream.dynamic(&codes, &[1]).code(1, 2).code(3, 2).bits(0, 1).code(2, 2),
                _ => stream.fixed(b"z").matched(258, 1).closed(),
            };
        }
        let mut bytes = if rng.one_in(4) { stream.bytes } else { stream.end() };
        match rng.below(8) {
            0 => bytes.extend(TAIL),
            1 => bytes.extend(&TAIL[..rng.below(4)]),
            2 => bytes.extend([&TAIL[..], &[0]].concat()),
            3 if !bytes.is_empty() => {
                let at = rng.below(bytes.len());
                bytes[at] ^= 1 << rng.below(8);
            }
            4 => bytes.truncate(rng.below(bytes.len() + 1)),
            _ => {}
        }
        bytes
    };
    (0..1 + rng.below(3)).map(|_| message(rng)).collect()
}

/// The same messages in whole frames and one read, and in fragments, reads and pieces of any size, to either role and in both layouts:
/// the same is seen of them, with the same error at the same place.
#[test]
fn the_same_is_seen_however_a_stream_is_cut() {
    let rng = &mut Rng(65);
    let (mut fine, mut refused) = (0, 0);
    for takeover in [false, true] {
        let all: Vec<Setup> = setups(9, takeover).collect();
        let mut rooms: Vec<Room> = all.iter().map(|setup| Room::new(*setup)).collect();
        let mut talks: Vec<_> = rooms.iter_mut().map(|room| room.talk(FREE)).collect();
        for _ in 0..few(600, 2) {
            let messages = some_messages(rng);
            let message = rng.pick(&[u32::MAX, u32::MAX, 0, 1, 20, 300]);
            let config = FREE.with_limits(Limits { message, ..FREE.limits });
            let b0 = rng.pick(&[0x41, 0x42]);
            let mut expected: Option<Vec<Seen>> = None;
            for talk in &mut talks {
                for whole in [true, false, false] {
                    talk.next_connection(config);
                    talk.limit = rng.pick(&[1, 2, 5, 100, usize::MAX]);
                    let mut wire = Vec::new();
                    for message in &messages {
                        let (mut rest, mut bits) = (&message[..], b0);
                        while bits & 0x80 == 0 {
                            let n =
                                if whole || rng.one_in(2) { rest.len() } else { rng.below(rest.len() + 1) };
                            let (piece, behind) = rest.split_at(n);
                            let fin = if behind.is_empty() && (whole || !rng.one_in(3)) { 0x80 } else { 0 };
                            wire.extend(talk.setup.frame(bits | fin, piece));
                            (rest, bits) = (behind, fin);
                        }
                    }
                    let mut rest = &wire[..];
                    while !rest.is_empty() {
                        let most = rng.pick(&[1, 9, 2000]);
                        let n = if whole { rest.len() } else { 1 + rng.below(most) };
                        let (piece, behind) = rest.split_at(n.min(rest.len()));
                        talk.receive(piece);
                        rest = behind;
                    }
                    let expected = expected.get_or_insert_with(|| talk.seen.clone());
                    assert_eq!(*expected, talk.seen, "{:?}, at most {message}: {messages:02x?}", talk.setup);
                }
            }
            let is_failed = talks[0].failed().is_some();
            (fine, refused) = (fine + u32::from(!is_failed), refused + u32::from(is_failed));
        }
    }
    let is_mixed = cfg!(miri) || (fine > 100 && refused > 100);
    assert!(is_mixed, "{fine} are fine, {refused} are refused: what is the damage?");
}
