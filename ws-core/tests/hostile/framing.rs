//! Frames that are wrong, or right and cut where it hurts.

use super::common::{
    self, Driver, ENDS, End, FREE, Last, Rng, Seen, TestKeys, at, binary, few, incoming, part_of_text,
    script, text, thin,
};
use ws_core::handshake::client::{self, Request};
use ws_core::handshake::{OriginPolicy, server};
use ws_core::{Input, Kind, Limits, Output, PeerError};

#[test]
fn an_unmasked_frame_is_not_delivered() {
    for frame in [&b"\x81\x05hello"[..], b"\x82\x00", b"\x88\x00", b"\x89\x01p", b"\x82\x7e\x01\x00"] {
        for n in 2..=frame.len() {
            let mut driver = Driver::new(End::Server);
            driver.feed(&frame[..n]).feed(&frame[n..]).frame(0x81, b"masked, and too late");
            assert_eq!(driver.seen, [Seen::Failed(PeerError::UnmaskedFrame)]);
            assert_eq!(driver.replies(), [(0x88, b"\x03\xea".to_vec())]);
        }
    }
    let mut driver = Driver::new(End::Client);
    driver.feed(&incoming(End::Server, 0x81, b"masked, by a server"));
    assert_eq!(driver.seen, [Seen::Failed(PeerError::MaskedFrame)]);
}

#[test]
fn a_header_in_two_reads_before_a_large_payload() {
    for end in ENDS {
        for len in thin([126, 0xffff, 0x1_0000, 100_000], 2) {
            let bytes = incoming(end, 0x82, &vec![3; len]);
            for cut in thin(1..16, 7) {
                let mut driver = Driver::new(end);
                driver.feed(&bytes[..cut]).feed(&bytes[cut..]);
                assert!(driver.seen == [binary(&vec![3; len])]);
            }
        }
    }
}

#[test]
fn a_header_in_single_bytes() {
    for end in ENDS {
        for len in thin([0, 5, 126, 0x1_0000], 2) {
            let bytes = [incoming(end, 0x82, &vec![3; len]), incoming(end, 0x89, b"x")].concat();
            let mut driver = Driver::new(end);
            bytes.iter().for_each(|byte| driver.receive(&[*byte]));
            assert!(driver.seen == [binary(&vec![3; len]), Seen::Ping(b"x".to_vec())]);
        }
    }
}

/// What follows a request or a response in the same read belongs to the connection, at every cut.
#[test]
fn frames_behind_the_handshake_are_not_lost() {
    let (mut request, mut response) = (Vec::new(), Vec::new());
    let mut buf = [0; 1024];
    let mut store = [0; 512];
    let keys = || TestKeys::default();
    let asked = client::Handshake::new(Request::new("h", "/"), &mut keys(), &mut store, &[], at(0));
    let mut out = Output::new(&mut buf);
    assert!(asked.unwrap().transmit(&mut out));
    request.extend_from_slice(out.filled());
    let frames = script(End::Server, &[(0x81, b"first"), (0x89, b"second")]);
    let whole = [&request[..], &frames].concat();
    for cut in thin(0..=whole.len(), 50) {
        let mut store = [0; 512];
        let mut handshake = server::Handshake::new(&mut store, &[], at(0));
        let mut driver = Driver::new(End::Server);
        let mut is_open = false;
        for piece in [&whole[..cut], &whole[cut..]] {
            let mut bytes = piece.to_vec();
            let mut input = Input::new(&mut bytes);
            if !is_open {
                is_open = handshake.receive(&mut input).unwrap();
            }
            if is_open {
                driver.receive(input.take_rest());
            }
        }
        let mut accept = handshake.accept(OriginPolicy::Any).unwrap();
        let mut out = Output::new(&mut buf);
        assert!(accept.transmit(&mut out));
        response = out.filled().to_vec();
        assert_eq!(driver.seen, [text("first"), Seen::Ping(b"second".to_vec())], "cut at {cut}");
    }
    let whole = [&response[..], &script(End::Client, &[(0x81, b"first"), (0x88, b"")])].concat();
    for cut in thin(0..=whole.len(), 50) {
        let mut store = [0; 512];
        let mut handshake =
            client::Handshake::new(Request::new("h", "/"), &mut keys(), &mut store, &[], at(0)).unwrap();
        let mut driver = Driver::new(End::Client);
        let mut is_open = false;
        for piece in [&whole[..cut], &whole[cut..]] {
            let mut bytes = piece.to_vec();
            let mut input = Input::new(&mut bytes);
            if !is_open {
                is_open = handshake.receive(&mut input).unwrap();
            }
            if is_open {
                driver.receive(input.take_rest());
            }
        }
        assert_eq!(driver.seen, [text("first"), Seen::Close(None, String::new())], "cut at {cut}");
    }
}

#[test]
fn a_long_stream_keeps_its_place() {
    const MANY: usize = few(20_000, 100);
    for end in ENDS {
        let mut rng = Rng(39);
        let mut driver = Driver::new(end);
        let mut sent = Vec::new();
        for n in 0..MANY as u32 {
            let body = n.to_be_bytes().repeat(rng.below(12));
            sent.extend(incoming(end, if rng.one_in(9) { 0x89 } else { 0x82 }, &body));
            while sent.len() > 3000 {
                let read: Vec<u8> = sent.drain(..1 + rng.below(2000)).collect();
                driver.feed(&read);
            }
        }
        sent.extend(incoming(end, 0x88, b"\x03\xe8that was all"));
        driver.feed(&sent);
        assert_eq!(driver.seen.len(), MANY + 1);
        let mut last = None;
        for seen in &driver.seen[..MANY] {
            let (Seen::Data(Kind::Binary, body, Last::Yes) | Seen::Ping(body)) = seen else {
                panic!("{seen:?}")
            };
            for n in body.chunks(4).map(|n| u32::from_be_bytes(n.try_into().unwrap())) {
                assert!(last <= Some(n), "out of order");
                last = Some(n);
            }
        }
        assert_eq!(driver.seen[MANY], Seen::Close(Some(1000), "that was all".into()));
    }
}

#[test]
fn an_empty_close() {
    for end in ENDS {
        let bytes = incoming(end, 0x88, b"");
        for cut in thin(0..=bytes.len(), 10) {
            let mut driver = Driver::new(end);
            driver.feed(&bytes[..cut]).feed(&bytes[cut..]);
            assert_eq!(driver.seen, [Seen::Close(None, String::new())]);
            assert_eq!(driver.replies(), [(0x88, vec![])]);
        }
        let mut driver = Driver::new(end);
        driver.close(0, "");
        driver.feed(&bytes);
        assert_eq!(driver.replies(), [(0x88, vec![])]);
        assert!(driver.ws.was_clean());
    }
}

#[test]
fn empty_control_frames() {
    for end in ENDS {
        let bytes =
            script(end, &[(0x89, b""), (0x8a, b""), (0x01, b""), (0x89, b""), (0x80, b""), (0x88, b"")]);
        for size in thin(1..=bytes.len(), 20) {
            let mut driver = Driver::new(end);
            bytes.chunks(size).for_each(|piece| _ = driver.feed(piece));
            assert_eq!(
                driver.seen,
                [
                    Seen::Ping(vec![]),
                    Seen::Pong(vec![]),
                    part_of_text(b""),
                    Seen::Ping(vec![]),
                    text(""),
                    Seen::Close(None, String::new())
                ]
            );
            assert_eq!(driver.replies(), [(0x8a, vec![]), (0x8a, vec![]), (0x88, vec![])]);
        }
    }
}

/// There is no call that looks without taking: a call that finds nothing leaves everything as it was.
#[test]
fn asking_again_changes_nothing() {
    for end in ENDS {
        let bytes = script(end, &[(0x01, b"ab"), (0x89, b"p"), (0x80, b"c"), (0x82, &[1; 300])]);
        let expected = common::run(end, FREE, &bytes);
        let mut driver = Driver::new(end);
        for byte in &bytes {
            (0..3).for_each(|_| driver.receive(&[]));
            driver.feed(&[*byte]);
        }
        assert_eq!((driver.seen, driver.sent), (expected.seen, expected.sent));
    }
}

#[test]
fn reserved_bits_are_an_error_like_any_other() {
    for end in ENDS {
        for b0 in [0xc1, 0xa1, 0x91, 0xf1, 0xd2, 0xa0, 0xc8, 0xa9, 0x9a, 0x41, 0x30] {
            let mut driver = Driver::new(end);
            driver.feed(&[b0]);
            assert_eq!(driver.seen, [Seen::Failed(PeerError::ReservedBits)]);
            assert_eq!(driver.replies(), [(0x88, b"\x03\xea".to_vec())]);
            assert!(driver.ws.wants_shutdown());
        }
    }
}

/// A call takes a byte, or finds an event, or asks for more; the `Driver` counts at most `2 * len + 4` of them.
#[test]
fn every_call_makes_progress() {
    let mut rng = Rng(45);
    for end in ENDS {
        let tight = FREE.with_limits(Limits { message: 50, fragments: 9, empty_fragments: 4 });
        let large = [incoming(end, 0x02, &[0; 40]), incoming(end, 0x00, &[0; 40]).repeat(9)].concat();
        for config in [FREE, tight] {
            for size in thin(1..100, 40) {
                let mut driver = Driver::with(end, config);
                large.chunks(size).for_each(|piece| _ = driver.feed(piece));
                assert_eq!(driver.failed(), (config == tight).then_some(PeerError::MessageTooBig));
            }
            for _ in 0..few(3000, 50) {
                let len = rng.below(80);
                let bytes: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
                common::run(end, config, &bytes).feed(&bytes);
            }
        }
    }
}

#[test]
fn a_ping_in_pieces_is_answered() {
    for end in ENDS {
        let bytes = script(end, &[(0x01, b"a"), (0x89, b"hello?"), (0x80, b"b")]);
        for size in thin(1..=bytes.len(), 20) {
            let mut driver = Driver::new(end);
            bytes.chunks(size).for_each(|piece| _ = driver.feed(piece));
            assert_eq!(driver.replies(), [(0x8a, b"hello?".to_vec())]);
        }
    }
}

#[test]
fn text_that_ends_inside_a_character_is_refused() {
    for end in ENDS {
        for character in ["é", "你", "😀"] {
            for cut in 1..character.len() {
                let part = &character.as_bytes()[..cut];
                for frames in
                    [&[(0x81, part)][..], &[(0x01, part), (0x80, b"")], &[(0x01, b""), (0x80, part)]]
                {
                    let run = common::run(end, FREE, &script(end, frames));
                    assert_eq!(run.failed(), Some(PeerError::InvalidUtf8), "{frames:x?}");
                    assert_eq!(run.replies(), [(0x88, b"\x03\xef".to_vec())]);
                }
            }
        }
    }
}

#[test]
fn a_session_at_every_size_of_every_buffer() {
    for end in ENDS {
        let long = "é".repeat(80);
        let frames: [(u8, &[u8]); 6] = [
            (0x01, &long.as_bytes()[..3]),
            (0x89, &[7; 125]),
            (0x80, &long.as_bytes()[3..]),
            (0x82, &[8; 200]),
            (0x8a, b"?"),
            (0x88, b"\x03\xe9gone"),
        ];
        let bytes = script(end, &frames);
        let whole = common::run(end, FREE, &bytes);
        assert_eq!(whole.seen.len(), 6);
        for read in thin((1..40).chain([131, 500]), 20) {
            for out in thin((1..20).chain([130, 131, 132]), 11) {
                let mut driver = Driver::new(end);
                driver.out = out;
                bytes.chunks(read).for_each(|piece| _ = driver.feed(piece));
                assert_eq!((&driver.seen, &driver.sent), (&whole.seen, &whole.sent), "{read} {out}");
            }
        }
    }
}

/// There is one decoder. Whichever end it serves, and whatever adapter drives it, it refuses the same.
#[test]
fn both_roles_check_the_same() {
    let scripts: [&[(u8, &[u8])]; 9] = [
        &[(0x80, b"orphan")],
        &[(0x00, b"")],
        &[(0x01, b"a"), (0x81, b"b")],
        &[(0x02, b"a"), (0x02, b"b")],
        &[(0x09, b"fragmented")],
        &[(0x83, b"reserved")],
        &[(0xc1, b"reserved")],
        &[(0x81, b"\xff")],
        &[(0x88, b"\x03\xed")],
    ];
    for frames in scripts {
        let [server, client] = ENDS.map(|end| common::run(end, FREE, &script(end, frames)));
        assert!(server.failed().is_some());
        assert_eq!((server.seen, server.sent.len()), (client.seen, client.sent.len() - 4));
    }
}
