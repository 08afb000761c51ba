//! What is sent, through outputs of every size: frames that fit, masks that go on behind a short write, control frames
//! between them, and what `buffered_amount` and `is_sendable` say meanwhile. Calls that are refused are in `refused.rs`.

mod common;

use common::{
    Driver, ENDS, End, FREE, Frame, Last, Seen, TestKeys, at, binary, decode, few, incoming, ms, text, thin,
};
use ws_core::frame::encode_header;
use ws_core::{CloseCode, Connection, Kind, Output, Timeouts};

fn body(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n ^ (n >> 8)) as u8).collect()
}

/// The smallest output that `send` takes.
fn least(end: End) -> usize {
    3 + end.key_len()
}

/// One message in these frames: its kind in the first, its end in the last, `payload` in all.
fn is_one_message(frames: &[Frame], kind: u8, payload: &[u8]) {
    for (n, frame) in frames.iter().enumerate() {
        let opcode = if n == 0 { kind } else { 0 };
        let fin = if n + 1 == frames.len() { 0x80 } else { 0 };
        assert_eq!(frame.b0, fin | opcode, "frame {n} of {}", frames.len());
    }
    let all: Vec<&[u8]> = frames.iter().map(|frame| &frame.payload[..]).collect();
    assert!(all.concat() == payload, "the payload has changed");
}

#[test]
fn a_message_goes_out_in_frames_that_fill_outputs_of_every_size() {
    for end in ENDS {
        let lens = [0, 1, 2, 124, 125, 126, 127, 200, 300].into_iter();
        let sizes = lens.flat_map(|len| (least(end)..=320).map(move |out| (len, out)));
        for (len, out) in thin(sizes, 47) {
            let mut driver = Driver::new(end);
            driver.out = out;
            driver.send(Kind::Binary, &body(len), true);
            let frames = driver.frames();
            is_one_message(&frames, 2, &body(len));
            for (n, frame) in frames.iter().enumerate() {
                assert!(frame.size <= out);
                // Two bytes may be left where one more would take the longer form of the length.
                assert!(n + 1 == frames.len() || frame.size + 2 >= out, "{end:?} {len} {out}: {frames:?}");
            }
        }
    }
}

#[test]
fn large_messages_around_the_eight_byte_length() {
    let sizes = [
        (65_535, 65_539),
        (65_535, 65_538),
        (65_536, 65_540),
        (65_536, 65_546),
        (65_536, 65_550),
        (70_000, 65_545),
        (70_000, 100_000),
    ];
    for (end, (len, out)) in thin(sizes.into_iter().flat_map(|size| ENDS.map(|end| (end, size))), 1) {
        let mut driver = Driver::new(end);
        driver.out = out;
        driver.send(Kind::Text, &vec![b'a'; len], true);
        let frames = driver.frames();
        is_one_message(&frames, 1, &vec![b'a'; len]);
        assert!(frames.len() <= 2 && frames[0].size + 6 >= out.min(len));
    }
}

#[test]
fn a_message_in_many_calls_is_one_message() {
    for end in ENDS {
        for out in thin(least(end)..40, 2) {
            let mut driver = Driver::new(end);
            driver.out = out;
            for (piece, last) in [(&b"first"[..], false), (b"", false), (b"second piece", false), (b"", true)]
            {
                driver.send(Kind::Text, piece, last);
            }
            driver.send(Kind::Binary, b"next", true);
            let frames = driver.frames();
            let end_of_first = frames.iter().position(|frame| frame.b0 & 0x80 != 0).unwrap() + 1;
            is_one_message(&frames[..end_of_first], 1, b"firstsecond piece");
            is_one_message(&frames[end_of_first..], 2, b"next");
        }
    }
}

#[test]
fn several_messages_share_an_output() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        let mut buf = [0; 64];
        let mut out = Output::new(&mut buf);
        for message in [&b"one"[..], b"two", b""] {
            let mut rest = message;
            assert_eq!(driver.ws.send(Kind::Binary, &mut rest, true, &mut out), Ok(true));
        }
        assert_eq!(driver.ws.ping(b"three", &mut out), Ok(true));
        let frames = decode(end, out.filled());
        assert_eq!(frames.iter().map(|frame| frame.payload.len()).collect::<Vec<_>>(), [3, 3, 0, 5]);
        // The rest takes what fits of a longer one, and not a byte more.
        let mut rest = &body(100)[..];
        assert_eq!(driver.ws.send(Kind::Binary, &mut rest, true, &mut out), Ok(false));
        assert_eq!(out.space(), 0);
        assert_eq!(decode(end, out.filled()).last().unwrap().payload, body(100 - rest.len()));
    }
}

/// The key of a frame goes on where a short write left it.
#[test]
fn begin_and_payload_in_pieces_of_every_size() {
    for end in ENDS {
        for len in [0, 1, 5, 125, 126, 300].into_iter().filter(|len| *len <= few(300, 126)) {
            for size in thin(1..40, 3) {
                let mut driver = Driver::new(end);
                driver.out = 10 + end.key_len();
                driver.drain(|ws, out| ws.begin(Kind::Binary, len as u64, true, out).unwrap());
                assert_eq!(driver.ws.buffered_amount(), len as u64);
                driver.out = size;
                let body = body(len);
                let mut left = len;
                for piece in body.chunks(7) {
                    let mut rest = piece;
                    driver.drain(|ws, out| {
                        let before = rest.len();
                        let done = ws.payload(&mut rest, out).unwrap();
                        left -= before - rest.len();
                        assert_eq!(ws.buffered_amount(), left as u64);
                        done
                    });
                }
                assert_eq!(driver.replies(), [(0x82, body)], "{end:?} {len} {size}");
                assert!(driver.ws.is_sendable());
            }
        }
    }
}

#[test]
fn a_frame_of_begin_may_be_a_fragment() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.send(Kind::Text, b"a", false);
        driver.drain(|ws, out| ws.begin(Kind::Text, 1, false, out).unwrap());
        driver.drain(|ws, out| ws.payload(&mut &b"b"[..], out).unwrap());
        driver.drain(|ws, out| ws.begin(Kind::Text, 0, false, out).unwrap());
        driver.send(Kind::Text, b"c", true);
        let frames: Vec<_> = driver.replies();
        assert_eq!(
            frames,
            [(0x01, b"a".to_vec()), (0x00, b"b".to_vec()), (0x00, vec![]), (0x80, b"c".to_vec())]
        );
    }
}

/// Inside a frame nothing else can be sent; behind it, what is owed goes first.
#[test]
fn replies_wait_for_the_end_of_a_frame() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.drain(|ws, out| ws.begin(Kind::Binary, 4, true, out).unwrap());
        driver.receive(&incoming(end, 0x89, b"ping"));
        assert!(!driver.ws.wants_transmit() && !driver.ws.is_sendable());
        assert_eq!(driver.ws.buffered_amount(), 4 + 6 + end.key_len() as u64);
        driver.drain(|ws, out| {
            assert_eq!(ws.transmit(out), 0);
            ws.payload(&mut &b"data"[..], out).unwrap()
        });
        assert!(driver.ws.wants_transmit() && !driver.ws.is_sendable());
        driver.send(Kind::Binary, b"next", true);
        assert_eq!(
            driver.replies(),
            [(0x82, b"data".to_vec()), (0x8a, b"ping".to_vec()), (0x82, b"next".to_vec())]
        );
    }
}

/// RFC 6455 5.4: control frames between the fragments of a long message, none of which waits for its end.
#[test]
fn a_pong_leaves_between_the_fragments_of_a_long_message() {
    for end in ENDS {
        for out in thin(least(end)..60, 20) {
            let mut driver = Driver::new(end);
            driver.out = out;
            let body = body(few(200, 60));
            let mut rest = &body[..];
            let mut buf = vec![0; out];
            let mut pings = 0;
            loop {
                let mut output = Output::new(&mut buf);
                let done = driver.ws.send(Kind::Binary, &mut rest, true, &mut output).unwrap();
                driver.sent.extend_from_slice(output.filled());
                if done {
                    break;
                }
                if driver.ws.buffered_amount() == 0 && pings < 3 {
                    pings += 1;
                    driver.receive(&incoming(end, 0x89, b"now?"));
                }
            }
            driver.flush();
            let (pongs, data): (Vec<_>, Vec<_>) = driver.frames().into_iter().partition(|f| f.b0 == 0x8a);
            assert!(pings > 0 && pongs.len() == pings && pongs.iter().all(|pong| pong.payload == b"now?"));
            is_one_message(&data, 2, &body);
            assert_ne!(driver.replies().last().unwrap().0, 0x8a, "the first ping came with data to follow");
        }
    }
}

#[test]
fn one_header_and_one_payload_for_many_peers() {
    for len in [0, 1, 125, 126, 65_535, 65_536].into_iter().filter(|len| !cfg!(miri) || *len != 65_535) {
        let body = vec![b'b'; len];
        let written = [encode_header(Kind::Text, len as u64).unwrap().as_bytes(), &body].concat();
        let mut alone = Driver::new(End::Server);
        alone.out = len + 10;
        alone.send(Kind::Text, &body, true);
        assert!(alone.sent == written, "as `send` would have written it");
        for _ in 0..few(3, 1) {
            let peer = common::run(End::Client, FREE, &written);
            assert!(peer.seen == [Seen::Data(Kind::Text, body.clone(), Last::Yes)]);
        }
    }
    assert_eq!(
        encode_header(Kind::Binary, u64::from(u32::MAX)).unwrap().as_bytes(),
        b"\x82\x7f\0\0\0\0\xff\xff\xff\xff"
    );
}

/// A payload that the caller writes to the transport itself.
#[test]
fn a_payload_written_by_the_caller() {
    let mut ws = Connection::server(FREE, at(0));
    let mut buf = [0; 32];
    let mut out = Output::new(&mut buf);
    assert_eq!(ws.begin(Kind::Binary, 1 << 40, true, &mut out), Ok(true));
    assert_eq!(out.filled(), b"\x82\x7f\0\0\x01\0\0\0\0\0");
    assert_eq!(ws.payload_written(1 << 39), Ok(()));
    assert_eq!(ws.buffered_amount(), 1 << 39);
    assert!(!ws.is_sendable());
    assert_eq!(ws.payload_written((1 << 39) + 1), Err(ws_core::UsageError::TooMuchPayload));
    assert_eq!(ws.buffered_amount(), 1 << 39);
    assert_eq!(ws.payload_written(1 << 39), Ok(()));
    assert!(ws.is_sendable());
}

/// A ping, a pong and a close of the caller's: whole or not at all.
#[test]
fn control_frames_at_every_output_size() {
    type Call = fn(&mut common::Ws, &mut Output<'_>) -> Result<bool, ws_core::UsageError>;
    let calls: [(Call, u8, &[u8]); 6] = [
        (|ws, out| ws.ping(b"ping", out), 0x89, b"ping"),
        (|ws, out| ws.pong(&[7; 125], out), 0x8a, &[7; 125]),
        (|ws, out| ws.ping(b"", out), 0x89, b""),
        (|ws, out| ws.close(None, "", out), 0x88, b""),
        (|ws, out| ws.close(Some(CloseCode::GOING_AWAY), "", out), 0x88, b"\x03\xe9"),
        (|ws, out| ws.close(Some(CloseCode::NORMAL), "bye", out), 0x88, b"\x03\xe8bye"),
    ];
    for end in ENDS {
        for (call, b0, payload) in calls {
            let size = 2 + end.key_len() + payload.len();
            for capacity in thin(0..size + 4, 5) {
                for before in thin(0..=capacity, 5) {
                    let mut driver = Driver::new(end);
                    let mut buf = vec![0; capacity];
                    let mut out = Output::new(&mut buf);
                    out.put(&vec![0xca; before]);
                    let result = call(&mut driver.ws, &mut out);
                    if capacity < size {
                        assert_eq!(result, Err(ws_core::UsageError::OutputTooSmall));
                    } else {
                        assert_eq!(result, Ok(capacity - before >= size), "{end:?} {capacity} {before}");
                    }
                    let frames = decode(end, &out.filled()[before..]);
                    let frames: Vec<_> = frames.into_iter().map(|frame| (frame.b0, frame.payload)).collect();
                    let expected = (result == Ok(true)).then(|| (b0, payload.to_vec()));
                    assert_eq!(frames, expected.into_iter().collect::<Vec<_>>());
                    let closed = b0 == 0x88 && result == Ok(true);
                    assert_eq!(driver.ws.is_sendable(), !closed);
                }
            }
        }
    }
}

/// A Pong that is owed goes before a Close of the caller's, in outputs of every size.
#[test]
fn a_close_does_not_overtake_a_pong() {
    for end in ENDS {
        for out in thin(7 + end.key_len()..40, 1) {
            let mut driver = Driver::new(end);
            driver.out = out;
            driver.receive(&incoming(end, 0x89, b"ping me"));
            driver.close(1000, "bye");
            assert_eq!(driver.replies(), [(0x8a, b"ping me".to_vec()), (0x88, b"\x03\xe8bye".to_vec())]);
        }
    }
}

/// All that `transmit` owes leaves byte by byte, each counted.
#[test]
fn what_is_buffered_is_counted_to_the_byte() {
    for end in ENDS {
        let head = 2 + end.key_len();
        let config = FREE.with_timeouts(Timeouts { ping: ms(1000), ..Timeouts::OFF });
        let mut driver = Driver::with(end, config);
        assert_eq!((driver.ws.buffered_amount(), driver.ws.is_sendable()), (0, true));
        driver.receive(&incoming(end, 0x89, b"seven b"));
        assert_eq!(driver.ws.buffered_amount() as usize, head + 7);
        driver.ws.handle_timeout(at(1000));
        let both = head + 7 + head + 4;
        assert_eq!(driver.ws.buffered_amount() as usize, both);
        let mut buf = [0; 1];
        for left in (0..both).rev() {
            assert!(driver.ws.wants_transmit() && !driver.ws.is_sendable());
            let mut out = Output::new(&mut buf);
            assert_eq!(driver.ws.transmit(&mut out), 1);
            assert_eq!(driver.ws.buffered_amount() as usize, left);
            driver.sent.extend_from_slice(out.filled());
        }
        assert!(!driver.ws.wants_transmit() && driver.ws.is_sendable());
        let tick = 1000u32.to_be_bytes().to_vec();
        assert_eq!(driver.replies(), [(0x8a, b"seven b".to_vec()), (0x89, tick)]);

        // A Close that answers one without a code, one with, and one that fails.
        for (frame, len) in
            [(incoming(end, 0x88, b""), 0), (incoming(end, 0x88, b"\x03\xe8ok"), 2), (vec![0xff], 2)]
        {
            let mut driver = Driver::with(end, config);
            driver.receive(&frame);
            assert_eq!(driver.ws.buffered_amount() as usize, head + len);
            driver.flush();
            assert_eq!(driver.ws.buffered_amount(), 0);
            assert!(!driver.ws.is_sendable());
        }
    }
}

#[test]
fn a_message_begun_is_not_sendable_and_owes_nothing() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.send(Kind::Text, b"be", false);
        assert_eq!((driver.ws.is_sendable(), driver.ws.buffered_amount()), (false, 0));
        driver.send(Kind::Text, b"gun", true);
        assert!(driver.ws.is_sendable());
        driver.ws.receive_eof();
        assert!(!driver.ws.is_sendable());
    }
}

/// What one end sends, the other receives: for all kinds of calls at once, in outputs of every size.
#[test]
fn the_peer_receives_what_was_sent() {
    for end in ENDS {
        for out in thin(16..60, 20) {
            let mut driver = Driver::new(end);
            driver.out = out;
            driver.send(Kind::Text, "κόσμε".as_bytes(), true);
            driver.drain(|ws, out| ws.ping(b"p", out).unwrap());
            let mut rest = &body(90)[..];
            driver.drain(|ws, out| ws.begin(Kind::Binary, 90, true, out).unwrap());
            driver.drain(|ws, out| ws.payload(&mut rest, out).unwrap());
            driver.drain(|ws, out| ws.pong(b"", out).unwrap());
            driver.close(3000, "done");
            let peer = common::run(end.peer(), FREE, &driver.sent);
            assert_eq!(
                peer.seen,
                [
                    text("κόσμε"),
                    Seen::Ping(b"p".to_vec()),
                    binary(&body(90)),
                    Seen::Pong(vec![]),
                    Seen::Close(Some(3000), "done".into())
                ]
            );
        }
    }
}

/// The bytes lent are the caller's: an output is written from its front, and no further than it says.
#[test]
fn outputs_are_not_written_beyond_what_they_say() {
    let mut ws = Connection::client(FREE, TestKeys::default(), at(0));
    let mut buf = [0xca; 64];
    let mut out = Output::new(&mut buf[8..56]);
    let mut rest = &b"some payload"[..];
    assert_eq!(ws.send(Kind::Text, &mut rest, true, &mut out), Ok(true));
    let n = out.filled().len();
    assert!(buf[..8].iter().chain(&buf[8 + n..]).all(|byte| *byte == 0xca));
}
