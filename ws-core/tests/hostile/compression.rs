//! Compressed messages over a connection: where the bit may stand, what lies beside and behind a message, and what nobody is to
//! learn. Streams made to harm are in `streams` and `bombs`, the handshake is in `terms`.

use super::common::{Driver, ENDS, FREE, Last, Seen, binary, few, incoming, text, thin};
use super::lent::{Room, Setup, Stream, lengths, setups};
use ws_core::deflate::TAIL;
use ws_core::{CloseCode, PeerError};

/// "Hello" (RFC 7692 7.2.3.1).
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// Every first byte of a frame, between messages and inside of them. Judged by the header alone.
#[test]
fn the_bit_stands_nowhere_but_at_the_front_of_a_message() {
    for setup in setups(9, true) {
        let states = [vec![], setup.frame(0x01, b"plain"), setup.frame(0x41, &HELLO[..3])];
        for (n, before) in states.iter().enumerate() {
            for b0 in thin((0..=255u8).filter(|b0| b0 & 0x70 != 0), 37) {
                let mut room = Room::new(setup);
                let mut talk = room.talk(FREE);
                talk.receive(before);
                let seen = talk.seen.len();
                let frame = setup.frame(b0, b"x");
                talk.receive(&frame[..frame.len() - 1]);
                let is_message = matches!(b0 & 0x7f, 0x41 | 0x42);
                if n == 0 && is_message {
                    assert_eq!(talk.failed(), None, "{b0:02x}");
                    continue;
                }
                let error = if is_message { PeerError::MessageInMessage } else { PeerError::ReservedBits };
                talk.assert_failed(error, CloseCode::PROTOCOL_ERROR);
                assert_eq!(talk.seen.len(), seen + 1, "{b0:02x}, and nothing of it is delivered");
            }
        }
    }
    // Without an agreement it stands nowhere.
    for end in ENDS {
        for before in [vec![], incoming(end, 0x01, b"plain")] {
            for b0 in thin((0..=255u8).filter(|b0| b0 & 0x70 != 0), 37) {
                let mut driver = Driver::new(end);
                driver.feed(&before);
                let frame = incoming(end, b0, HELLO);
                driver.feed(&frame[..2 + end.peer().key_len()]);
                assert_eq!(driver.failed(), Some(PeerError::ReservedBits), "{b0:02x}");
                assert_eq!(driver.replies(), [(0x88, b"\x03\xea".to_vec())]);
            }
        }
    }
}

/// Messages one behind the other in one read, of every length and each followed by something else: the tail that belongs to a
/// message is in nobody's buffer. After each call, what was not taken is compared with what was read.
#[test]
fn inflating_a_frame_leaves_the_one_behind_as_it_came() {
    for setup in setups(9, true) {
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for len in thin(0..80, 20) {
            let body: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
            let twice = [&body[..], &body].concat();
            wire.extend(setup.frame(0xc2, &Stream::new().stored(&body).stored(&body).end()));
            wire.extend(setup.frame(0x89, &TAIL));
            wire.extend(setup.frame(0xc1, HELLO));
            wire.extend(setup.frame(0x82, &[0xff; 4][..len % 5]));
            expected.extend([binary(&twice), Seen::Ping(TAIL.to_vec())]);
            expected.extend([text("Hello"), binary(&[0xff; 4][..len % 5])]);
        }
        for (size, limit) in [(wire.len(), usize::MAX), (wire.len(), 1), (wire.len(), 7), (1, 1), (97, 50)] {
            let mut room = Room::new(setup);
            let mut talk = room.talk(FREE);
            talk.limit = limit;
            wire.chunks(size).for_each(|piece| talk.receive(piece));
            assert!(talk.seen == expected, "in reads of {size}, pieces of {limit}, {setup:?}");
        }
    }
}

/// The end of the message, and a tail that its sender did not remove: whole, in part, doubled, in two frames and in two reads.
#[test]
fn the_tail_may_be_cut_anywhere() {
    const LONG: usize = few(8189, 30);
    let noise: Vec<u8> = (0..LONG as u32 - 6).map(|i| (i * i % 251) as u8).collect();
    let long = Stream::new().stored(&noise).end();
    assert_eq!(long.len(), LONG);
    let codes = lengths(257, &[(0, 1), (1, 2), (256, 2)]);
    let dynamic = Stream::new().dynamic(&codes, &[1]).code(2, 2).code(3, 2).end();
    let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00";
    let messages: [(&[u8], &[u8]); 6] = [
        (HELLO, b"Hello"),
        (last, b"Hello"),
        (&dynamic, b"\x01"),
        (&long, &noise),
        (b"\x00", b""),
        (b"", b""),
    ];
    for (message, plain) in messages {
        // Behind a final block, and where nothing was sent, no header of an empty one waits for its tail.
        let is_open = !message.is_empty() && message != last;
        let tails: [(&[u8], bool); 8] = [
            (&[], true),
            (&TAIL, is_open),
            (&TAIL[..1], !is_open), // the header of an empty block, as one more
            (&TAIL[..2], false),
            (&TAIL[..3], false),
            (&[TAIL, TAIL].concat(), false),
            (&[&TAIL[..], &[0], &TAIL].concat(), is_open),
            (&[&TAIL[..], &[0]].concat(), is_open),
        ];
        for (tail, is_right) in tails {
            let payload = [message, tail].concat();
            for setup in setups(15, false).take(few(4, 1)) {
                let mut room = Room::new(setup);
                let mut talk = room.talk(FREE);
                for cut in thin(payload.len().saturating_sub(14)..=payload.len(), 8) {
                    let frames =
                        [setup.frame(0x42, &payload[..cut]), setup.frame(0x80, &payload[cut..])].concat();
                    let one = setup.frame(0xc2, &payload);
                    let at = one.len() - (payload.len() - cut);
                    for (wire, at) in [(&frames, 0), (&frames, at), (&one, at)] {
                        talk.next_connection(FREE);
                        talk.receive(&wire[..at]);
                        talk.receive(&wire[at..]);
                        let case = (message.len(), tail, cut, setup);
                        if is_right {
                            assert!(talk.seen == [binary(plain)], "{case:02x?}");
                        } else {
                            assert_eq!(talk.failed(), Some(PeerError::BadCompression), "{case:02x?}");
                            // Behind it, the tail may be taken for what a block holds.
                            assert!(talk.part().starts_with(plain), "{case:02x?}");
                        }
                    }
                }
            }
        }
    }
}

/// One connection leaves a secret in the window, and codes in the tables; the next one, over the same memory, asks for them.
#[test]
fn nothing_of_one_connection_is_seen_by_the_next() {
    let secret: Vec<u8> = (0..700).map(|i| b"TOP SECRET "[i % 11]).collect();
    let secret = Stream::new().stored(&secret).end();
    for setup in setups(9, true) {
        let mut room = Room::new(setup);
        for is_new in [false, true] {
            let mut talk = room.talk(FREE);
            for distance in thin(1..=setup.window() as u32, 171) {
                talk.receive(&setup.frame(0xc2, &secret));
                assert_eq!(talk.failed(), None);
                if is_new {
                    drop(talk);
                    talk = room.talk(FREE);
                } else {
                    talk.next_connection(FREE);
                }
                // With nothing before it, and with a little.
                talk.receive(
                    &setup.frame(0xc2, &Stream::new().fixed(b"").matched(258, distance).closed().end()),
                );
                assert_eq!(talk.seen, [Seen::Failed(PeerError::BadCompression)], "{distance}, {setup:?}");
                talk.next_connection(FREE);
                talk.receive(
                    &setup.frame(0xc2, &Stream::new().fixed(b"ab").matched(258, distance).closed().end()),
                );
                let own = talk.seen.iter().all(|seen| match seen {
                    Seen::Data(_, bytes, Last::Yes) => {
                        distance <= 2 && bytes.iter().all(|b| b"ab".contains(b))
                    }
                    Seen::Data(_, bytes, Last::No) => distance > 2 && bytes == b"ab",
                    other => *other == Seen::Failed(PeerError::BadCompression),
                });
                assert!(own, "{distance}, {setup:?}, {:?}", talk.seen);
                talk.next_connection(FREE);
            }
        }
    }
}

/// A message that ends inside the codes of a block, wherever that is, and whether it has failed or the peer just went away.
#[test]
fn unfinished_codes_are_not_those_of_the_next_connection() {
    let codes = Stream::new().dynamic(&lengths(258, &[(0, 2), (1, 2), (256, 2), (257, 2)]), &[1, 1]);
    let unfinished = codes.code(1, 2).code(3, 2).bits(0, 1).bytes;
    let fixed = Stream::new().fixed(b"the fixed codes").matched(10, 15).closed().end();
    for setup in setups(9, true) {
        for b0 in [0x42, 0xc2] {
            let mut room = Room::new(setup);
            let mut talk = room.talk(FREE);
            for len in thin(0..=unfinished.len(), 2) {
                talk.receive(&setup.frame(0xc2, &fixed));
                assert_eq!(
                    talk.seen,
                    [binary(b"the fixed codesthe fixed ")],
                    "behind {len} bytes, {setup:?}"
                );
                talk.receive(&setup.frame(b0, &unfinished[..len]));
                talk.next_connection(FREE);
            }
        }
    }
}

/// The lengths of three messages that an end sends: a secret, a guess that is wrong, a guess that is right. If they are not sent
/// over one connection, each is sent alone.
fn sent(setup: Setup, takeover: bool, is_granted: bool, over_one: bool) -> [usize; 3] {
    let secret = b"Cookie: session=4711-0815-1234-5678; Path=/; Secure; HttpOnly; SameSite=Strict";
    let wrong = b"Cookie: session=9090-3141-8642-7777; Path=/; Secure; HttpOnly; SameSite=Strict";
    let mut room = Room::new(setup);
    let mut talk = room.talk_sending(takeover, is_granted);
    [&secret[..], wrong, secret].map(|message| {
        if !over_one {
            talk.next_connection_sending(takeover, is_granted);
        }
        let frames = talk.send(message);
        assert!(frames.iter().all(|(b0, _)| *b0 == 0xc2 || *b0 & 0x70 == 0), "it is compressed");
        frames.iter().map(|(_, payload)| payload.len()).sum()
    })
}

/// By default the length of a message tells nothing of those before it. That it may is asked for by the application, and granted
/// by the peer.
#[test]
fn equal_messages_are_equally_long_unless_takeover_is_asked_for() {
    for setup in setups(9, true) {
        for (takeover, is_granted) in
            [(false, true), (false, false), (true, false)].into_iter().take(few(3, 1))
        {
            let lengths = sent(setup, takeover, is_granted, true);
            assert_eq!(lengths[0], lengths[2], "{takeover}, {is_granted}, {setup:?}");
            assert_eq!(
                lengths,
                sent(setup, takeover, is_granted, false),
                "each is as long as if it stood alone"
            );
        }
        let [secret, wrong, right] = sent(setup, true, true, true);
        assert!(right < wrong && wrong < secret, "{right}, {wrong}, {secret}: so they would be told apart");
        // Nor is one connection's message told by the length of the next one's.
        let mut room = Room::new(setup);
        let mut talk = room.talk_sending(true, true);
        let message = b"{\"user\": \"alice\", \"balance\": 1024, \"currency\": \"EUR\"}";
        let first = talk.send(message);
        assert!(talk.send(message)[0].1.len() < first[0].1.len());
        talk.next_connection_sending(true, true);
        assert_eq!(talk.send(message), first, "{setup:?}");
    }
}

/// What the peer sent is not in the window that is deflated in, nor the other way round.
#[test]
fn each_direction_has_a_history_of_its_own() {
    let message: Vec<u8> = (0..100).map(|i| (i * i % 251) as u8).collect();
    for setup in setups(9, true) {
        let mut room = Room::new(setup);
        let mut talk = room.talk_sending(true, true);
        talk.receive(&setup.frame(0xc2, &Stream::new().stored(&message).end()));
        assert!(talk.send(&message)[0].1.len() > 100);
        let mut room = Room::new(setup);
        let mut talk = room.talk_sending(true, true);
        talk.send(&message);
        talk.receive(&setup.frame(0xc2, &Stream::new().fixed(b"").matched(258, 100).closed().end()));
        assert_eq!(talk.seen, [Seen::Failed(PeerError::BadCompression)]);
    }
}
