//! Every script at every split of its input, in pieces of every size, through outputs of every size, for both roles:
//! the same events, the same bytes sent (RFC 6455 says nothing of reads, so no read may matter).

mod common;

use common::{
    Driver, ENDS, End, FREE, Last, Seen, Ws, at, binary, decode, few, incoming, part_of_text, script, text,
    thin,
};
use ws_core::{Config, Event, Input, Kind, Limits, Output, PeerError, ReadyState};

/// The size of the smallest pieces.
const LEAST: usize = if cfg!(miri) { 5 } else { 1 };

/// Runs the script in all ways, expects the same of each, and returns what that is.
fn every_way(end: End, config: Config, script: &[u8]) -> Driver {
    let whole = common::run(end, config, script);
    let check = |driver: &Driver, how: &str, n: usize| {
        assert_eq!(driver.seen, whole.seen, "{end:?}: {how} {n} of {script:x?}");
        assert_eq!(driver.sent, whole.sent, "{end:?}: {how} {n} of {script:x?}");
    };
    for cut in thin(0..=script.len(), 100) {
        let mut driver = Driver::with(end, config);
        let (a, b) = script.split_at(cut);
        driver.feed(a).feed(b);
        check(&driver, "cut at", cut);
        let mut driver = Driver::with(end, config);
        driver.receive(a); // here, replies wait until they are in the way
        driver.feed(b);
        check(&driver, "cut without a flush at", cut);
    }
    for size in thin(LEAST..script.len(), 150) {
        let mut driver = Driver::with(end, config);
        for piece in script.chunks(size) {
            driver.receive(piece);
            driver.receive(&[]); // a read of nothing changes nothing
        }
        driver.flush();
        check(&driver, "pieces of", size);
    }
    for out in thin(1..=whole.sent.len(), 100) {
        let mut driver = Driver::with(end, config);
        driver.out = out;
        driver.feed(script);
        check(&driver, "outputs of", out);
        let mut driver = Driver::with(end, config);
        driver.out = out;
        script.chunks(LEAST).for_each(|piece| _ = driver.feed(piece));
        check(&driver, "the smallest pieces, outputs of", out);
    }
    whole
}

const TEXT: &str =
    "κόσμε, 你好 😀 and then plain ASCII, for long enough to fill a block or two of it, quite sure, yes";

#[test]
fn a_session_of_everything() {
    let long = TEXT.repeat(6);
    let t = TEXT.as_bytes();
    let frames: [(u8, &[u8]); 16] = [
        (0x81, t),
        (0x01, &t[..3]), // ends inside a character
        (0x89, b"are you there?"),
        (0x00, &t[3..4]),
        (0x8a, b""),
        (0x89, b""),
        (0x00, b""),
        (0x80, &t[4..]),
        (0x02, &[7; 300]),
        (0x89, &[9; 125]),
        (0x80, &[0xff; 9]),
        (0x82, b""),
        (0x8a, b"unasked"),
        (0x81, long.as_bytes()),
        (0x88, b"\x03\xe8bye \xc3\xa9"),
        (0x82, b"behind the Close"),
    ];
    for end in ENDS {
        let run = every_way(end, FREE, &script(end, &frames));
        let piece = |kind, bytes: &[u8], last| Seen::Data(kind, bytes.to_vec(), last);
        assert_eq!(
            run.seen,
            [
                text(TEXT),
                part_of_text(&t[..3]),
                Seen::Ping(b"are you there?".to_vec()),
                part_of_text(&t[3..4]),
                Seen::Pong(vec![]),
                Seen::Ping(vec![]),
                piece(Kind::Text, &t[4..], Last::Yes),
                piece(Kind::Binary, &[7; 300], Last::No),
                Seen::Ping(vec![9; 125]),
                piece(Kind::Binary, &[0xff; 9], Last::Yes),
                binary(b""),
                Seen::Pong(b"unasked".to_vec()),
                text(&long),
                Seen::Close(Some(1000), "bye é".into()),
            ]
        );
        assert_eq!(
            run.replies(),
            [
                (0x8a, b"are you there?".to_vec()),
                (0x8a, vec![]),
                (0x8a, vec![9; 125]),
                (0x88, b"\x03\xe8".to_vec())
            ]
        );
    }
}

#[test]
fn three_pieces_cut_anywhere() {
    for end in ENDS {
        let frames: [(u8, &[u8]); 6] = [
            (0x01, b"\xe4"),
            (0x89, b"p"),
            (0x89, b"qr"),
            (0x80, b"\xbd\xa0"),
            (0x82, b"xyz"),
            (0x88, b"\x03\xe9"),
        ];
        let script = script(end, &frames);
        let whole = common::run(end, FREE, &script);
        assert_eq!(whole.seen.len(), 6);
        for a in thin(0..=script.len(), 10) {
            for b in thin(a..=script.len(), 10) {
                let mut driver = Driver::new(end);
                driver.receive(&script[..a]);
                driver.receive(&script[a..b]);
                driver.feed(&script[b..]);
                assert_eq!(
                    (&driver.seen, &driver.sent),
                    (&whole.seen, &whole.sent),
                    "{end:?} cut at {a} and {b}"
                );
            }
        }
    }
}

#[test]
fn pings_back_to_back_are_each_answered_with_their_own_payload() {
    for end in ENDS {
        let frames: [(u8, &[u8]); 4] = [(0x89, b"abc"), (0x89, b""), (0x89, b"de"), (0x89, &[1; 125])];
        let run = every_way(end, FREE, &script(end, &frames));
        let bodies: Vec<_> = frames.iter().map(|(_, body)| body.to_vec()).collect();
        assert_eq!(run.seen, bodies.iter().cloned().map(Seen::Ping).collect::<Vec<_>>());
        assert_eq!(run.replies(), bodies.into_iter().map(|body| (0x8a, body)).collect::<Vec<_>>());
    }
}

#[test]
fn the_long_forms_of_the_length() {
    for end in ENDS {
        for len in [125, 126, 127, 0xffff, 0x1_0000, 0x1_0001].into_iter().take(few(6, 3)) {
            let body: Vec<u8> = (0..len).map(|i: usize| (i ^ (i >> 8)) as u8).collect();
            let bytes = script(end, &[(0x82, &body), (0x89, b"!")]);
            let whole = common::run(end, FREE, &bytes);
            assert_eq!(whole.seen, [binary(&body), Seen::Ping(b"!".to_vec())]);
            // Cuts in and around both headers; elsewhere one place of the payload is as the next.
            for cut in thin((0..40).chain(bytes.len() - 40..bytes.len()), 40) {
                let mut driver = Driver::new(end);
                driver.feed(&bytes[..cut]).feed(&bytes[cut..]);
                assert_eq!(
                    (&driver.seen, &driver.sent),
                    (&whole.seen, &whole.sent),
                    "{end:?} {len} at {cut}"
                );
            }
        }
    }
}

/// The bytes before the one at which a text went wrong are delivered, however it was cut.
#[test]
fn invalid_text_is_delivered_up_to_the_offending_byte() {
    let tails: [&[u8]; 14] = [
        b"\xff",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xc3(",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xe4\xbd(",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5",
        b"\x80",
        b"\xf0\x9f\x98(",
        b"\xe4\xbd",     // cut short by the end of the message
        b"\xf0\x9f\x98", // likewise
    ];
    let prefixes = ["", "plain", "κόσμε 你好 😀", &"x".repeat(126), &"你".repeat(45)];
    for end in ENDS {
        let bodies = prefixes.iter().flat_map(|p| tails.iter().map(move |t| (p, t)));
        for (prefix, tail) in thin(bodies, 3) {
            let cut_short = matches!(*tail, b"\xe4\xbd" | b"\xf0\x9f\x98");
            let rest: &[u8] = if cut_short { b"" } else { b"rest" };
            let body = [prefix.as_bytes(), tail, rest].concat();
            let valid = (0..=body.len())
                .rev()
                .find(|n| !core::str::from_utf8(&body[..*n]).is_err_and(|e| e.error_len().is_some()))
                .unwrap();
            let valid = if cut_short { valid - 1 } else { valid }; // the last byte is the one that may not be the last
            let run = every_way(end, FREE, &script(end, &[(0x81, &body), (0x81, b"never")]));
            let mut expected = vec![Seen::Failed(PeerError::InvalidUtf8)];
            if valid != 0 {
                expected.insert(0, part_of_text(&body[..valid]));
            }
            assert_eq!(run.seen, expected, "{end:?} {body:x?}");
            assert_eq!(run.replies(), [(0x88, b"\x03\xef".to_vec())]);
        }
    }
}

#[test]
fn text_cut_short_by_the_end_of_its_last_fragment() {
    for end in ENDS {
        for last in [&b""[..], b"\xbd"] {
            let run = every_way(end, FREE, &script(end, &[(0x01, b"a\xe4"), (0x80, last)]));
            assert_eq!(run.seen, [part_of_text(b"a\xe4"), Seen::Failed(PeerError::InvalidUtf8)], "{end:?}");
        }
    }
}

/// What is valid of a text can be answered before the connection fails at the rest, which waits in the input.
#[test]
fn the_valid_beginning_of_a_bad_text_can_be_answered() {
    for end in ENDS {
        for body in [&b"good\xff and more"[..], b"good\xff", b"goo\xc3"] {
            let mut ws = Ws::new(end, FREE, at(0));
            let mut bytes = incoming(end, 0x81, body);
            let mut input = Input::new(&mut bytes);
            let Ok(Some(Event::Data(data))) = ws.receive(&mut input) else { panic!("{end:?}: no data") };
            assert!(!data.last);
            assert!(!input.is_empty(), "{end:?}: nothing left to fail at");
            assert_eq!(ws.ready_state(), ReadyState::Open);
            let mut room = [0; 64];
            let mut out = Output::new(&mut room);
            assert_eq!(ws.send(data.kind, &mut &*data.payload, data.last, &mut out), Ok(true));
            assert_eq!(ws.receive(&mut input), Err(PeerError::InvalidUtf8));
            assert!(input.is_empty());
            ws.transmit(&mut out);
            let sent: Vec<_> = decode(end, out.filled()).into_iter().map(|f| (f.b0, f.payload)).collect();
            assert_eq!(sent, [(0x01, data.payload.to_vec()), (0x88, b"\x03\xef".to_vec())], "{end:?}");
        }
    }
}

#[test]
fn every_violation_is_the_same_at_every_split() {
    use PeerError::*;
    let limits = Limits { message: 4, fragments: 3, empty_fragments: 1 };
    let config = FREE.with_limits(limits);
    for end in ENDS {
        let mask = if end == End::Server { 0x80 } else { 0 };
        let raw = |bytes: &[u8]| bytes.to_vec();
        let frames = |frames: &[(u8, &[u8])]| script(end, frames);
        let wrong_mask = if end == End::Server { UnmaskedFrame } else { MaskedFrame };
        let cases = [
            (frames(&[(0xc1, b"x")]), ReservedBits, 1002u16),
            (frames(&[(0x83, b"x")]), ReservedOpcode, 1002),
            (frames(&[(0x8b, b"x")]), ReservedOpcode, 1002),
            (incoming(end.peer(), 0x81, b"x"), wrong_mask, 1002),
            (frames(&[(0x09, b"x")]), FragmentedControl, 1002),
            (frames(&[(0x89, &[0; 126])]), LongControl, 1002),
            (frames(&[(0x80, b"x")]), NothingToContinue, 1002),
            (frames(&[(0x01, b"x"), (0x81, b"y")]), MessageInMessage, 1002),
            (raw(&[0x82, mask | 126, 0, 125]), BadLength, 1002),
            (raw(&[0x82, mask | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), BadLength, 1002),
            (raw(&[0x82, mask | 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), BadLength, 1002),
            (frames(&[(0x88, b"\x03")]), BadClose, 1002),
            (frames(&[(0x88, b"\x03\xe7")]), BadClose, 1002),
            (frames(&[(0x88, b"\x03\xe8\xff")]), InvalidUtf8, 1007),
            (frames(&[(0x88, b"\x03\xe8\xc3")]), InvalidUtf8, 1007),
            (frames(&[(0x82, b"abcde")]), MessageTooBig, 1009),
            (frames(&[(0x02, b"abc"), (0x80, b"de")]), MessageTooBig, 1009),
            (frames(&[(2, b"a"), (0, b"b"), (0, b"c"), (0x80, b"d")]), TooManyFragments, 1008),
            (frames(&[(2, b"a"), (0, b""), (0, b"")]), TooManyFragments, 1008),
        ];
        for (violation, error, code) in cases {
            // With a Ping before it, whose Pong goes out first, and frames behind it, which nobody looks at.
            let bytes = [
                script(end, &[(0x81, b"ok"), (0x89, b"hi")]),
                violation,
                script(end, &[(0x81, b"x"), (0x89, b"")]),
            ];
            let run = every_way(end, config, &bytes.concat());
            assert_eq!(run.seen.last(), Some(&Seen::Failed(error)), "{end:?}");
            let close = (0x88, code.to_be_bytes().to_vec());
            assert_eq!(run.replies(), [(0x8a, b"hi".to_vec()), close], "{end:?} {error:?}");
        }
    }
}
