//! What may not come: bits where none may be, streams that are none, and messages that inflate to more than there may be.

use super::{Room, START, Seen, agree, frame, receive};
use crate::cases::{few, thin};
use ws_core::deflate::negotiate::Terms;
use ws_core::{CloseCode, Config, Connection, Input, Kind, Limits, Output, PeerError, Server};

/// What a server sees of a client's `bytes`, given in pieces of `size`, and the code of the Close that it owes.
fn seen(bytes: &[u8], size: usize, limit: u32) -> (Seen, Option<CloseCode>) {
    let config = Config::DEFAULT.with_limits(Limits { message: limit, ..Limits::DEFAULT });
    let (agreement, _) = agree(Terms::new(9, 9), Terms::new(15, 15));
    let mut room = Room::new();
    let mut compression = room.small(&agreement);
    let mut ws = Connection::<Server>::server(config, START);
    let mut seen = Seen::default();
    for piece in bytes.chunks(size) {
        receive(&mut ws, &mut compression, &mut piece.to_vec(), &mut seen);
    }
    let mut buf = [0; 256];
    let mut out = Output::new(&mut buf);
    ws.transmit(&mut out);
    (seen, ws.close_sent().flatten())
}

fn refused(frames: &[Vec<u8>], why: PeerError, code: CloseCode) -> Vec<(Kind, Vec<u8>)> {
    let bytes = frames.concat();
    let mut before = None;
    for size in [1, 2, 3, 7, 64, bytes.len()].into_iter().take(few(6, 2)) {
        let (seen, sent) = seen(&bytes, size, 16 << 10);
        assert_eq!((seen.error, sent), (Some(why), Some(code)), "in pieces of {size}");
        let valid = (seen.messages, seen.begun.map_or(vec![], |(_, bytes)| bytes));
        assert_eq!(*before.get_or_insert(valid.clone()), valid, "in pieces of {size}");
    }
    before.unwrap().0
}

#[test]
fn the_bit_stands_where_a_message_begins_and_nowhere_else() {
    for frames in [
        &[frame(0x41, b"\xf2\x48\xcd"), frame(0xc0, b"\xc9\xc9\x07\x00")][..], // a continuation
        &[frame(0xc9, b"")],                                                   // control frames
        &[frame(0xca, b"")],
        &[frame(0xc8, b"")],
        &[frame(0xa1, b"x")], // the other two mean nothing
        &[frame(0x91, b"x")],
        &[frame(0xe1, b"\xf2\x48\xcd\xc9\xc9\x07\x00")],
    ] {
        refused(frames, PeerError::ReservedBits, CloseCode::PROTOCOL_ERROR);
    }
    // And without an agreement not even there.
    let mut ws = Connection::<Server>::server(Config::DEFAULT, START);
    let mut bytes = frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    assert_eq!(ws.receive(&mut Input::new(&mut bytes)), Err(PeerError::ReservedBits));
}

#[test]
fn what_cannot_be_inflated_is_1007() {
    for payload in [
        &b"\x06"[..],                        // a block of the kind that there is not
        b"\x00\x05\x00\x00\x00Hello",        // lengths that contradict each other
        b"\xf2\x48\xcd\xc9\xc9",             // no end
        b"\x02\x07\x00",                     // a distance before the start
        b"\x00\x05\x00\xfa\xffHel",          // a stored block that is cut
        b"\xf2\x48\xcd\xc9\xc9\x07\x00\xff", // something behind it
    ] {
        let messages = refused(
            &[frame(0x81, b"before"), frame(0xc2, payload), frame(0x81, b"behind")],
            PeerError::BadCompression,
            CloseCode::INVALID_PAYLOAD,
        );
        assert_eq!(messages, [(Kind::Text, b"before".to_vec())], "{payload:x?}");
    }
}

/// Though what is right before it in the same frame is lent first, and the message does not end with that frame.
#[test]
fn nothing_comes_behind_what_cannot_be_inflated() {
    let bad = frame(0x42, b"\x00\x01\x00\xfe\xffa\x06");
    for behind in [frame(0x89, b"x"), frame(0x00, b""), frame(0x80, b""), frame(0x88, b"\x03\xe8")] {
        let frames = [bad.clone(), behind, frame(0x88, b"\x03\xe8")];
        assert!(refused(&frames, PeerError::BadCompression, CloseCode::INVALID_PAYLOAD).is_empty());
        for size in thin(1..30, 3) {
            let (seen, _) = seen(&frames.concat(), size, 16 << 10);
            assert_eq!(
                (seen.begun, seen.pings, seen.closed),
                (Some((Kind::Binary, b"a".to_vec())), 0, false)
            );
        }
    }
}

#[test]
fn text_is_checked_behind_the_inflater() {
    for text in [&b"ab\xff"[..], b"ab\xc3", b"\xed\xa0\x80"] {
        let mut stored = vec![0, text.len() as u8, 0, !(text.len() as u8), 0xff];
        stored.extend(text);
        stored.push(0);
        refused(&[frame(0xc1, &stored)], PeerError::InvalidUtf8, CloseCode::INVALID_PAYLOAD);
        let (seen, _) = seen(&frame(0xc2, &stored), 3, 16 << 10);
        assert_eq!(seen.messages, [(Kind::Binary, text.to_vec())], "any bytes are binary");
    }
}

/// That it is too long is the first that is wrong with it, though it is cut inside a character by that.
#[test]
fn text_above_the_limit_is_too_long_and_not_broken() {
    for (text, taken) in [("abcd", "abc"), ("abé", "ab"), ("aé€", "aé"), ("€€", "€")] {
        let mut stored = vec![0, text.len() as u8, 0, !(text.len() as u8), 0xff];
        stored.extend(text.bytes());
        stored.push(0);
        for size in thin(1..20, 1) {
            let (seen, sent) = seen(&frame(0xc1, &stored), size, 3);
            assert_eq!(
                (seen.error, sent),
                (Some(PeerError::MessageTooBig), Some(CloseCode::MESSAGE_TOO_BIG)),
                "{text} in pieces of {size}"
            );
            let (_, begun) = seen.begun.expect("what is within the limit");
            assert!(begun.starts_with(taken.as_bytes()) && begun.len() <= 3);
        }
    }
}

/// As many times the same byte as `times` matches of 258 are.
fn bomb(times: usize) -> Vec<u8> {
    // A fixed block: a literal, then matches of length 258 at distance 1, each 8 bits and 5.
    let (mut bytes, mut hold, mut count) = (Vec::new(), 0u64, 0);
    let mut put = |value: u64, bits: u32| {
        hold |= value << count;
        count += bits;
        while count >= 8 {
            bytes.push(hold as u8);
            hold >>= 8;
            count -= 8;
        }
    };
    put(0b010, 3);
    put(u64::from(0x91u8.reverse_bits()), 8); // the literal 'a'
    for _ in 0..times {
        put(0b1010_0011, 8);
        put(0, 5);
    }
    put(0, 7);
    put(0, 3);
    put(0, 8);
    bytes
}

#[test]
fn a_bomb_ends_in_1009_before_its_bytes_exist() {
    let payload = bomb(few(20_000, 100));
    assert!(payload.len() < 40_000);
    for limit in [0, 1, 258, 1000, 16 << 10].into_iter().take(few(5, 4)) {
        for size in [1, 100, payload.len() + 20] {
            let (seen, sent) = seen(&frame(0xc2, &payload), size, limit);
            assert_eq!(
                (seen.error, sent),
                (Some(PeerError::MessageTooBig), Some(CloseCode::MESSAGE_TOO_BIG))
            );
            assert_eq!(seen.begun.map_or(0, |(_, bytes)| bytes.len()), limit as usize);
        }
    }
}

#[test]
fn a_message_of_the_limit_is_taken_and_streams_have_none() {
    let payload = bomb(10);
    let whole = vec![b'a'; 1 + 10 * 258];
    for limit in [whole.len() as u32, u32::MAX] {
        let (seen, _) = seen(&frame(0xc2, &payload), 5, limit);
        assert_eq!((seen.messages, seen.error), (vec![(Kind::Binary, whole.clone())], None));
    }
    let (seen, _) = seen(&frame(0xc2, &payload), 5, whole.len() as u32 - 1);
    assert_eq!(seen.error, Some(PeerError::MessageTooBig));
}

/// Though there is more of the message to lend.
#[test]
fn a_message_that_is_refused_midway_ends_there() {
    let (agreement, _) = agree(Terms::new(9, 9), Terms::new(15, 15));
    let mut room = Room::new();
    let mut compression = room.small(&agreement);
    let mut ws = Connection::<Server>::server(Config::DEFAULT, START);
    let mut bytes = frame(0xc2, &bomb(10));
    let mut input = Input::new(&mut bytes);
    let lent = match compression.receive(&mut ws, &mut input) {
        Ok(Some(ws_core::Event::Data(data))) => data.payload.to_vec(),
        other => panic!("{other:?}"),
    };
    let (receiver, sender) = compression.split();
    assert_eq!(receiver.lent(), lent, "it is lent until the next call");
    // And sent on meanwhile.
    let (mut buf, mut piece) = ([0; 1024], receiver.lent());
    assert_eq!(sender.send(&mut ws, Kind::Binary, &mut piece, false, &mut Output::new(&mut buf)), Ok(true));
    ws.fail(CloseCode::UNSUPPORTED_DATA);
    for _ in 0..2 {
        assert_eq!(compression.receive(&mut ws, &mut input), Err(PeerError::Refused));
        assert!(!compression.wants_receive());
    }
}
