//! RFC 6455 5.1 to 5.4: frames, masking and fragments. Control frames are next door.

use crate::common::{
    Driver, ENDS, End, FREE, Last, Seen, binary, decode, few, incoming, key_of, run, script, text, thin,
};
use crate::frames::{everything, fails, fails_behind};
use std::cell::RefCell;
use std::collections::BTreeSet;
use ws_core::frame::encode_header;
use ws_core::{Connection, Entropy, Kind, Output, PeerError, UsageError};

/// The second byte of each frame in `bytes`, which `end` sent.
fn second_bytes(end: End, bytes: &[u8]) -> Vec<u8> {
    let mut at = 0;
    let frames = decode(end, bytes);
    frames
        .iter()
        .map(|frame| {
            at += frame.size;
            bytes[at - frame.size + 1]
        })
        .collect()
}

#[test]
fn a_client_masks_every_frame() {
    let seconds = second_bytes(End::Client, &everything(End::Client).sent);
    assert_eq!(seconds.len(), 11);
    assert!(seconds.iter().all(|b| b & 0x80 != 0));
}

#[test]
fn a_server_closes_on_an_unmasked_frame() {
    for b0 in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8a] {
        for payload in [&b""[..], b"hi"] {
            fails(End::Server, &incoming(End::Client, b0, payload), PeerError::UnmaskedFrame, 1002);
        }
    }
    let mut driver = Driver::new(End::Server);
    driver.frame(0x01, b"x");
    fails_behind(driver, &incoming(End::Client, 0x80, b"y"), PeerError::UnmaskedFrame, 1002);
}

#[test]
fn a_server_masks_no_frame() {
    let seconds = second_bytes(End::Server, &everything(End::Server).sent);
    assert_eq!(seconds.len(), 11);
    assert!(seconds.iter().all(|b| b & 0x80 == 0));
    assert!(encode_header(Kind::Text, 5).unwrap().as_bytes()[1] & 0x80 == 0);
}

#[test]
fn a_client_closes_on_a_masked_frame() {
    for b0 in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8a] {
        for payload in [&b""[..], b"hi"] {
            fails(End::Client, &incoming(End::Server, b0, payload), PeerError::MaskedFrame, 1002);
        }
    }
}

#[test]
fn no_reserved_bit_is_sent() {
    for end in ENDS {
        assert!(everything(end).frames().iter().all(|frame| frame.b0 & 0x70 == 0));
    }
}

#[test]
fn a_reserved_bit_fails_the_connection() {
    for end in ENDS {
        for bits in 1..8u8 {
            for b0 in [0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8a] {
                fails(end, &incoming(end, b0 | bits << 4, b""), PeerError::ReservedBits, 1002);
            }
            let mut driver = Driver::new(end);
            driver.frame(0x02, b"x");
            fails_behind(driver, &incoming(end, 0x80 | bits << 4, b"y"), PeerError::ReservedBits, 1002);
        }
    }
}

#[test]
fn an_unknown_opcode_fails_the_connection() {
    for end in ENDS {
        for opcode in (3..8).chain(11..16) {
            for fin in [0, 0x80] {
                fails(end, &incoming(end, fin | opcode, b"x"), PeerError::ReservedOpcode, 1002);
                let mut driver = Driver::new(end);
                driver.frame(0x01, b"x");
                fails_behind(driver, &[fin | opcode], PeerError::ReservedOpcode, 1002);
            }
        }
    }
}

#[test]
fn lengths_go_out_in_their_shortest_form() {
    for (len, head) in [(0, 2), (125, 2), (126, 4), (127, 4), (65535, 4), (65536, 10), (1 << 40, 10)] {
        assert_eq!(encode_header(Kind::Binary, len).unwrap().as_bytes().len(), head, "{len}");
    }
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.out = 70_000;
        for len in thin([0, 1, 125, 126, 127, 65535, 65536], 2) {
            driver.send(Kind::Binary, &vec![0; len], true);
            // The decoder of the tests takes no other form.
            assert_eq!(driver.frames().pop().unwrap().payload.len(), len);
        }
    }
}

#[test]
fn a_length_not_in_its_shortest_form_fails_the_connection() {
    for end in ENDS {
        let mask = if end == End::Server { 0x80 } else { 0 };
        for len in [0u16, 1, 124, 125] {
            let bytes = [&[0x82, mask | 126][..], &len.to_be_bytes()].concat();
            fails(end, &bytes, PeerError::BadLength, 1002);
        }
        for len in [0u64, 1, 125, 126, 127, 65534, 65535] {
            let bytes = [&[0x82, mask | 127][..], &len.to_be_bytes()].concat();
            fails(end, &bytes, PeerError::BadLength, 1002);
        }
    }
}

#[test]
fn a_length_with_its_top_bit_set_is_neither_taken_nor_sent() {
    for end in ENDS {
        let mask = if end == End::Server { 0x80 } else { 0 };
        for top in [0x80, 0xff] {
            fails(end, &[0x82, mask | 127, top], PeerError::BadLength, 1002);
        }
        let mut driver = Driver::new(end);
        let mut buf = [0; 64];
        for len in [1 << 63, u64::MAX] {
            let result = driver.ws.begin(Kind::Binary, len, true, &mut Output::new(&mut buf));
            assert_eq!(result, Err(UsageError::TooMuchPayload));
        }
        assert_eq!(driver.ws.begin(Kind::Binary, (1 << 63) - 1, true, &mut Output::new(&mut buf)), Ok(true));
        driver = Driver::new(end);
        let top = [&[0x82, mask | 127, 0x7f][..], &[0xff; 7], &vec![0; end.peer().key_len()]].concat();
        driver.feed(&top);
        assert_eq!(driver.failed(), None, "the longest frame there can be");
    }
}

#[test]
fn lengths_are_in_network_byte_order() {
    assert_eq!(encode_header(Kind::Binary, 0x0102).unwrap().as_bytes(), [0x82, 126, 1, 2]);
    let long = [0x82, 127, 1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(encode_header(Kind::Binary, 0x0102_0304_0506_0708).unwrap().as_bytes(), long);
    let mut driver = Driver::new(End::Client);
    driver.feed(&[0x82, 126, 1, 2]).feed(&[5; 0x102]);
    assert_eq!(driver.seen, [binary(&[5; 0x102])]);
}

#[test]
fn the_length_does_not_count_the_masking_key() {
    let mut driver = Driver::new(End::Client);
    driver.send(Kind::Text, b"hello", true);
    assert_eq!((driver.sent[1], driver.sent.len()), (0x80 | 5, 2 + 4 + 5));
    let run = run(End::Server, FREE, &script(End::Server, &[(0x82, b"hello"), (0x82, b"!")]));
    assert_eq!(run.seen, [binary(b"hello"), binary(b"!")]);
}

#[test]
fn without_extensions_all_payload_is_the_applications() {
    for end in ENDS {
        assert_eq!(run(end, FREE, &incoming(end, 0x82, b"\0\x01ab")).seen, [binary(b"\0\x01ab")]);
        let mut driver = Driver::new(end);
        driver.send(Kind::Binary, b"\0\x01ab", true);
        assert_eq!(driver.replies(), [(0x82, b"\0\x01ab".to_vec())]);
    }
}

/// Random bytes of the test, and what was drawn of them.
struct Drawn<'a>(u64, &'a RefCell<Vec<[u8; 4]>>);

impl Entropy for Drawn<'_> {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let key = (self.0 >> 32) as u32;
        bytes.copy_from_slice(&key.to_be_bytes());
        self.1.borrow_mut().push(key.to_be_bytes());
    }
}

#[test]
fn each_frame_has_a_fresh_masking_key() {
    let frames = everything(End::Client).frames();
    let keys: BTreeSet<_> = frames.iter().map(|frame| frame.key).collect();
    assert_eq!(keys.len(), frames.len());
    let mut driver = Driver::new(End::Client);
    driver.out = 9;
    driver.send(Kind::Binary, &[0; 3 * few(1000, 50)], true);
    let frames = driver.frames();
    let keys: BTreeSet<_> = frames.iter().map(|frame| frame.key).collect();
    assert_eq!((keys.len(), frames.len()), (few(1000, 50), few(1000, 50)), "each fragment too");
}

#[test]
fn masking_keys_are_what_the_entropy_gave() {
    let drawn = RefCell::default();
    let mut ws = Connection::client(FREE, Drawn(1, &drawn), ws_core::Instant::from_millis(0));
    let mut buf = [0; 1000];
    let mut out = Output::new(&mut buf);
    for n in 0..50 {
        assert_eq!(drawn.borrow().len(), n, "a key is drawn when its frame is made, and not before");
        assert_eq!(ws.send(Kind::Text, &mut &b"abc"[..], true, &mut out), Ok(true));
    }
    let keys: Vec<_> = decode(End::Client, out.filled()).iter().map(|frame| frame.key).collect();
    assert_eq!(keys, *drawn.borrow(), "and goes out as it was drawn");
}

#[test]
fn masking_is_an_exclusive_or_with_the_key_over_and_over() {
    let payload: Vec<u8> = (0..=255).collect();
    let mut driver = Driver::new(End::Client);
    driver.out = 1000;
    driver.send(Kind::Binary, &payload, true);
    let (head, body) = driver.sent.split_at(8);
    assert!(payload.iter().enumerate().all(|(i, b)| body[i] == b ^ head[4 + i % 4]));
    assert_eq!(run(End::Server, FREE, &incoming(End::Server, 0x82, &payload)).seen, [binary(&payload)]);
    let keys: BTreeSet<_> = [0x81, 0x82].map(key_of).into();
    assert_eq!(keys.len(), 2, "the tests' peer does not use one key for all");
}

#[test]
fn fragments_are_delivered_in_order() {
    for end in ENDS {
        let script = script(end, &[(0x02, b"a"), (0x00, b"b"), (0x00, b""), (0x00, b"c"), (0x80, b"d")]);
        assert_eq!(run(end, FREE, &script).seen, [binary(b"abcd")]);
    }
}

#[test]
fn fragments_go_out_in_order() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.out = 8;
        let payload: Vec<u8> = (0..=255).collect();
        driver.send(Kind::Binary, &payload, true);
        let frames = driver.replies();
        assert!(frames.len() > 2);
        assert_eq!(frames.iter().flat_map(|(_, payload)| payload.clone()).collect::<Vec<_>>(), payload);
    }
}

#[test]
fn a_message_inside_another_is_neither_taken_nor_sent() {
    for end in ENDS {
        for b0 in [0x01, 0x02, 0x81, 0x82] {
            for first in [0x01, 0x02] {
                let mut driver = Driver::new(end);
                driver.frame(first, b"x");
                fails_behind(driver, &incoming(end, b0, b"y"), PeerError::MessageInMessage, 1002);
            }
        }
        let mut driver = Driver::new(end);
        driver.send(Kind::Text, b"x", false);
        let mut buf = [0; 64];
        let mut out = Output::new(&mut buf);
        let unfinished = Err(UsageError::UnfinishedMessage);
        assert_eq!(driver.ws.send(Kind::Binary, &mut &b"y"[..], true, &mut out), unfinished);
        assert_eq!(driver.ws.begin(Kind::Binary, 1, true, &mut out), unfinished);
        assert!(!driver.ws.is_sendable());
        assert_eq!(out.filled(), b"");
    }
}

#[test]
fn a_fragment_without_a_message_fails_the_connection() {
    for end in ENDS {
        for b0 in [0x00, 0x80] {
            fails(end, &incoming(end, b0, b"x"), PeerError::NothingToContinue, 1002);
            let mut driver = Driver::new(end);
            driver.frame(0x01, b"x").frame(0x80, b"y");
            fails_behind(driver, &incoming(end, b0, b"z"), PeerError::NothingToContinue, 1002);
        }
    }
}

#[test]
fn control_frames_between_fragments_are_handled() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.frame(0x01, b"a").frame(0x89, b"ping");
        assert_eq!(driver.replies(), [(0x8a, b"ping".to_vec())], "at once, not behind the message");
        driver.frame(0x8a, b"pong").frame(0x80, b"b");
        let piece = |b: &[u8], last| Seen::Data(Kind::Text, b.to_vec(), last);
        let (ping, pong) = (Seen::Ping(b"ping".to_vec()), Seen::Pong(b"pong".to_vec()));
        assert_eq!(driver.seen, [piece(b"a", Last::No), ping, pong, piece(b"b", Last::Yes)]);
        let mut driver = Driver::new(end);
        driver.frame(0x01, b"a").frame(0x88, b"\x03\xe8");
        assert_eq!(driver.replies(), [(0x88, b"\x03\xe8".to_vec())]);
        assert!(driver.ws.was_clean());
    }
}

#[test]
fn control_frames_can_go_out_between_fragments() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.send(Kind::Text, b"a", false);
        driver.frame(0x89, b"x");
        driver.drain(|ws, out| ws.ping(b"y", out).unwrap());
        driver.send(Kind::Text, b"b", true);
        let opcodes: Vec<_> = driver.replies().iter().map(|(b0, _)| *b0).collect();
        assert_eq!(opcodes, [0x01, 0x8a, 0x89, 0x80]);
    }
}

#[test]
fn fragments_of_any_size_are_taken() {
    for end in ENDS {
        let whole = "fragment ".repeat(20);
        for size in thin(1..=whole.len(), 7) {
            let mut driver = Driver::new(end);
            let pieces: Vec<_> = whole.as_bytes().chunks(size).collect();
            for (n, piece) in pieces.iter().enumerate() {
                let fin = if n + 1 == pieces.len() { 0x80 } else { 0 };
                driver.frame(fin | u8::from(n == 0), piece);
            }
            assert_eq!(driver.seen, [text(&whole)], "{size}");
        }
        assert_eq!(
            run(end, FREE, &script(end, &[(0x02, b""), (0x00, b""), (0x80, b"")])).seen,
            [binary(b"")]
        );
    }
}

#[test]
fn all_fragments_are_of_the_kind_of_the_first() {
    for end in ENDS {
        // What is not text passes as a binary message's continuation, and not as a text's.
        let script = |b0| script(end, &[(b0, b"a"), (0x80, b"\xff")]);
        assert_eq!(run(end, FREE, &script(0x02)).seen, [binary(b"a\xff")]);
        assert_eq!(run(end, FREE, &script(0x01)).failed(), Some(PeerError::InvalidUtf8));
    }
}
