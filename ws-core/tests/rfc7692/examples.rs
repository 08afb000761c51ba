//! The examples of RFC 7692 7.2.3, and messages of every shape: each at every split.

use super::{CONFIG, Room, START, Seen, agree, frame, receive};
use crate::cases::thin;
use ws_core::connection::DeflatingSender;
use ws_core::deflate::negotiate::Terms;
use ws_core::deflate::{Buffers, Effort};
use ws_core::{Connection, Kind, Output, Server, UsageError};

/// What a server sees of a client's `bytes`, cut in three at every pair of places if there are few, with both layouts.
fn at_every_split(bytes: &[u8], terms: Terms) -> Seen {
    let (agreement, _) = agree(terms, Terms::new(15, 15).with_takeover());
    let (mut room, mut whole): (_, Option<Seen>) = (Room::new(), None);
    let step = 1 + bytes.len() / 60;
    for a in thin((0..=bytes.len()).step_by(step), 6) {
        for b in thin((a..=bytes.len()).step_by(step), 6) {
            for is_fast in [false, true] {
                let mut ws = Connection::<Server>::server(CONFIG, START);
                let mut seen = Seen::default();
                let pieces = {
                    let mut cut = bytes.to_vec();
                    let tail = cut.split_off(b);
                    let middle = cut.split_off(a);
                    [cut, middle, tail]
                };
                if is_fast {
                    let mut fast = room.fast(&agreement);
                    for mut piece in pieces {
                        receive(&mut ws, &mut fast, &mut piece, &mut seen);
                    }
                } else {
                    let mut small = room.small(&agreement);
                    for mut piece in pieces {
                        receive(&mut ws, &mut small, &mut piece, &mut seen);
                    }
                }
                let whole = whole.get_or_insert_with(|| seen.clone());
                assert_eq!(*whole, seen, "cut at {a} and {b}, fast: {is_fast}");
            }
        }
    }
    whole.expect("a run")
}

fn hello(frames: &[&[u8]]) {
    let seen = at_every_split(&frames.concat(), Terms::new(9, 9));
    assert_eq!(seen.messages, [(Kind::Text, b"Hello".to_vec())]);
    assert_eq!(seen.error, None);
}

#[test]
fn a_message_in_one_frame_or_two() {
    hello(&[&frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00")]); // 7.2.3.1
    hello(&[&frame(0x41, b"\xf2\x48\xcd"), &frame(0x80, b"\xc9\xc9\x07\x00")]);
    hello(&[&frame(0x41, b""), &frame(0x00, b"\xf2\x48\xcd\xc9\xc9\x07\x00"), &frame(0x80, b"")]);
}

#[test]
fn stored_final_and_several_blocks() {
    hello(&[&frame(0xc1, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")]); // 7.2.3.3
    hello(&[&frame(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")]); // 7.2.3.4
    hello(&[&frame(0xc1, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")]); // 7.2.3.5
}

#[test]
fn context_is_taken_over_and_plain_messages_stand_between() {
    let frames = [
        frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        frame(0x81, b"plain"),
        frame(0xc1, b"\xf2\x00\x11\x00\x00"), // 7.2.3.2
    ];
    let seen = at_every_split(&frames.concat(), Terms::new(9, 9));
    let text = |text: &str| (Kind::Text, text.as_bytes().to_vec());
    assert_eq!(seen.messages, [text("Hello"), text("plain"), text("Hello")]);
    assert_eq!(seen.error, None);
}

#[test]
fn control_frames_stand_between_fragments_and_empty_messages_are_messages() {
    let frames = [
        frame(0x42, b"\xf2\x48\xcd"),
        frame(0x89, b"a"),
        frame(0x8a, b"b"),
        frame(0x80, b"\xc9\xc9\x07\x00"),
        frame(0xc1, b"\x00"),
        frame(0xc2, b""),
        frame(0xc1, b"\x02\x00"),
        frame(0x88, b"\x03\xe8"),
    ];
    let seen = at_every_split(&frames.concat(), Terms::new(9, 9));
    let binary = (Kind::Binary, b"Hello".to_vec());
    assert_eq!(seen.messages, [binary, (Kind::Text, vec![]), (Kind::Binary, vec![]), (Kind::Text, vec![])]);
    assert_eq!((seen.pings, seen.pongs, seen.closed, seen.error), (1, 1, true, None));
}

#[test]
fn outputs_of_every_size_hold_the_same_message() {
    let text: String = (0..40).map(|i| format!("{{\"n\":{i},\"t\":{}}}", i * 7919 % 1000)).collect();
    let (server, client) = agree(Terms::new(15, 9), Terms::new(15, 15));
    for size in thin((5..80).chain([125, 126, 127, 128, 129, 130, 131, 200, 1000]), 29) {
        let (mut here, mut there) = (Room::new(), Room::new());
        let mut sender = here.small(&server);
        let mut ws = Connection::<Server>::server(CONFIG, START);
        let (mut buf, mut wire, mut rest) = (vec![0; size], Vec::new(), text.as_bytes());
        let mut out = Output::new(&mut buf);
        while !sender.send(&mut ws, Kind::Text, &mut rest, true, &mut out).unwrap() {
            wire.extend_from_slice(out.filled());
            out.clear();
        }
        wire.extend_from_slice(out.filled());
        assert!(wire.len() < text.len() || size < 12, "{} of {} bytes", wire.len(), text.len());
        let mut reader = there.fast(&client);
        let mut ws = Connection::client(CONFIG, super::sessions::Keys(1), START);
        let mut seen = Seen::default();
        receive(&mut ws, &mut reader, &mut wire, &mut seen);
        assert_eq!(seen.messages, [(Kind::Text, text.clone().into_bytes())], "{size}");
    }
}

#[test]
fn an_output_holds_a_header_and_a_byte_at_least() {
    let (agreement, _) = agree(Terms::new(15, 9), Terms::new(15, 15));
    let mut room = Room::new();
    let mut sender = room.small(&agreement);
    for (size, sent) in [(4, Err(UsageError::OutputTooSmall)), (5, Ok(false))] {
        let mut ws = Connection::<Server>::server(CONFIG, START);
        let mut buf = vec![0; size];
        let mut rest = &[b'a'; 100][..];
        let mut out = Output::new(&mut buf);
        assert_eq!(sender.send(&mut ws, Kind::Text, &mut rest, true, &mut out), sent);
        assert_eq!(out.is_empty(), sent.is_err());
        let mut ws = Connection::client(CONFIG, super::sessions::Keys(1), START);
        let mut buf = vec![0; size + 4];
        let mut rest = &[b'a'; 100][..];
        let sent_by_client = sender.send(&mut ws, Kind::Text, &mut rest, true, &mut Output::new(&mut buf));
        assert_eq!(sent_by_client, sent, "with a key of 4 bytes");
    }
}

/// A message in one call is compressed if it is as long as the threshold.
#[test]
fn short_messages_are_sent_as_they_are() {
    let (agreement, _) = agree(Terms::new(15, 9), Terms::new(15, 15));
    let bytes = [b'a'; 100];
    for threshold in [0, 1, 2, 64, 99, 100] {
        let mut buffers = Buffers::<512, 0, 0, 736>::new();
        let mut sender = DeflatingSender::new(buffers.deflater(Effort::SMALL)).with_threshold(threshold);
        sender.begin(&agreement);
        for len in thin(0..100, 2) {
            let mut ws = Connection::<Server>::server(CONFIG, START);
            let mut buf = [0; 256];
            let mut out = Output::new(&mut buf);
            assert_eq!(sender.send(&mut ws, Kind::Text, &mut &bytes[..len], true, &mut out), Ok(true));
            let is_compressed = out.filled()[0] & 0x40 != 0;
            assert_eq!(is_compressed, len >= threshold, "{len} bytes, from {threshold} on");
        }
    }
}

#[test]
fn it_serves_one_connection_after_the_other_whatever_was_left_unfinished() {
    let text = "a text with a text in it, and a text behind that text";
    let (server, client) = agree(Terms::new(10, 10).with_takeover(), Terms::new(10, 10).with_takeover());
    let narrow = agree(Terms::new(8, 8), Terms::new(8, 8)).0;
    let (mut here, mut there) = (Room::new(), Room::new());
    let (mut sender, mut reader) = (here.small(&server), there.small(&client));
    let mut wires = Vec::new();
    for agreement in [&server, &narrow, &server] {
        sender.begin(agreement).unwrap();
        reader.begin(&client).unwrap();
        let mut ws = Connection::<Server>::server(CONFIG, START);
        let mut peer = Connection::client(CONFIG, super::sessions::Keys(1), START);
        let mut buf = [0; 256];
        let mut out = Output::new(&mut buf);
        assert_eq!(sender.send(&mut ws, Kind::Text, &mut text.as_bytes(), true, &mut out), Ok(true));
        let (mut wire, mut seen) = (out.filled().to_vec(), Seen::default());
        wires.push(wire.clone());
        receive(&mut peer, &mut reader, &mut wire, &mut seen);
        assert_eq!(seen.messages, [(Kind::Text, text.as_bytes().to_vec())]);
        // Both are left in the middle of a message.
        out.clear();
        assert_eq!(sender.send(&mut ws, Kind::Text, &mut text.as_bytes(), false, &mut out), Ok(true));
        receive(&mut peer, &mut reader, &mut [0x41, 3, 0xf2, 0x48, 0xcd], &mut seen);
        assert!(seen.in_message && seen.error.is_none());
    }
    assert_eq!(wires[0], wires[2], "nothing is known of the connections before");
}

#[test]
fn all_that_was_taken_of_a_message_is_lent_before_more_of_it_comes() {
    // 1,000 zeros in the fixed code, flushed; it expands to twice the window.
    let zeros = b"\x62\x60\x18\x05\xa3\x60\x14\x0c\x77\x00\x00\x00\x00\xff\xff";
    let (agreement, _) = agree(Terms::new(9, 9), Terms::new(15, 15));
    for limit in thin([0, 1, 2, 7, 255, 256, 257, 511, 512, 513, usize::MAX], 5) {
        let mut room = Room::new();
        let mut compression = room.small(&agreement);
        let mut ws = Connection::<Server>::server(CONFIG, START);
        let mut whole = 0;
        for mut wire in [frame(0x42, zeros), frame(0x89, b""), frame(0x00, b""), frame(0x80, b"")] {
            let mut input = ws_core::Input::new(&mut wire);
            while let Some(event) = compression.receive_up_to(&mut ws, &mut input, limit).unwrap() {
                let ws_core::Event::Data(data) = event else { continue };
                assert!(data.payload.len() <= limit.max(1) && data.payload.iter().all(|byte| *byte == 0));
                whole += data.payload.len();
            }
            assert!(input.is_empty() && !compression.wants_receive());
            assert_eq!(whole, 1000, "in pieces of {limit}");
        }
    }
}

/// A call builds the tables of one block. Of a block behind it that lies in the same byte, what it comes to is not left for later.
#[test]
fn blocks_that_were_taken_are_lent_before_more_comes() {
    let (agreement, _) = agree(Terms::new(9, 9), Terms::new(15, 15));
    let mut room = Room::new();
    let mut compression = room.small(&agreement);
    let mut ws = Connection::<Server>::server(CONFIG, START);
    let mut seen = Seen::default();
    // "a" and "b", each in a block of the fixed code, and the header of a stored one.
    receive(&mut ws, &mut compression, &mut frame(0x42, b"\x4a\x04\x28\x09\x00"), &mut seen);
    assert_eq!(seen.begun, Some((Kind::Binary, b"ab".to_vec())));
}

/// What was begun compressed is not gone on with by other means, and the other way round as it was begun.
#[test]
fn a_message_is_sent_by_one_means() {
    let (server, client) = agree(Terms::new(10, 10), Terms::new(15, 15));
    let (mut here, mut there) = (Room::new(), Room::new());
    let (mut sender, mut reader) = (here.small(&server), there.small(&client));
    let mut ws = Connection::<Server>::server(CONFIG, START);
    let mut buf = [0; 256];
    let mut out = Output::new(&mut buf);
    let unfinished = Err(UsageError::UnfinishedMessage);
    let text = [b'a'; 100];
    assert_eq!(sender.send(&mut ws, Kind::Text, &mut &text[..], false, &mut out), Ok(true));
    assert!(!sender.split().1.sends_plain(&ws, 1), "it goes on");
    assert_eq!(ws.send(Kind::Text, &mut &b"x"[..], true, &mut out), unfinished);
    assert_eq!(ws.begin(Kind::Text, 1, true, &mut out), unfinished);
    assert_eq!(sender.send(&mut ws, Kind::Text, &mut &b"b"[..], true, &mut out), Ok(true));
    // Begun as it is, whatever came before.
    assert_eq!(ws.send(Kind::Binary, &mut &b"c"[..], false, &mut out), Ok(true));
    assert_eq!(sender.send(&mut ws, Kind::Binary, &mut &text[..], true, &mut out), Ok(true));
    // Nothing begins a message, too.
    assert_eq!(sender.send(&mut ws, Kind::Text, &mut &b""[..], false, &mut out), Ok(true));
    assert_eq!(ws.send(Kind::Text, &mut &b""[..], true, &mut out), unfinished);
    assert_eq!(sender.send(&mut ws, Kind::Text, &mut &b""[..], true, &mut out), Ok(true));
    let (mut wire, mut seen) = (out.filled().to_vec(), Seen::default());
    let mut peer = Connection::client(CONFIG, super::sessions::Keys(1), START);
    receive(&mut peer, &mut reader, &mut wire, &mut seen);
    let messages = [
        (Kind::Text, [&text[..], b"b"].concat()),
        (Kind::Binary, [b"c", &text[..]].concat()),
        (Kind::Text, vec![]),
    ];
    assert_eq!((seen.messages.as_slice(), seen.error), (&messages[..], None));
}
