//! RFC 6455 5.5 to 5.8: control frames, data frames, and the examples of the document.

use crate::common::{Driver, ENDS, End, FREE, Seen, at, binary, few, incoming, ms, run, script, text};
use crate::frames::{everything, fails, fails_behind};
use ws_core::frame::encode_header;
use ws_core::{CloseCode, Connection, Entropy, Kind, Output, PeerError, ReadyState, Timeouts, UsageError};

#[test]
fn a_control_frame_has_at_most_125_bytes() {
    for end in ENDS {
        for opcode in [0x88, 0x89, 0x8a] {
            for len in [126, 127, 200, 65536].into_iter().take(few(4, 2)) {
                fails(end, &incoming(end, opcode, &vec![b'x'; len]), PeerError::LongControl, 1002);
            }
        }
        let mut driver = Driver::new(end);
        driver.frame(0x89, &[b'x'; 125]).frame(0x8a, &[b'y'; 125]);
        assert_eq!(driver.seen, [Seen::Ping(vec![b'x'; 125]), Seen::Pong(vec![b'y'; 125])]);
        let mut buf = [0; 256];
        let mut out = Output::new(&mut buf);
        assert_eq!(driver.ws.ping(&[0; 126], &mut out), Err(UsageError::LongControl));
        assert_eq!(driver.ws.pong(&[0; 126], &mut out), Err(UsageError::LongControl));
        let reason = "x".repeat(124);
        let close = driver.ws.close(Some(CloseCode::NORMAL), &reason, &mut out);
        assert_eq!((close, out.filled()), (Err(UsageError::LongControl), &b""[..]));
        assert_eq!(driver.ws.close(Some(CloseCode::NORMAL), &reason[1..], &mut out), Ok(true));
    }
}

#[test]
fn control_frames_are_not_fragmented() {
    for end in ENDS {
        for opcode in [0x08, 0x09, 0x0a] {
            fails(end, &incoming(end, opcode, b""), PeerError::FragmentedControl, 1002);
            let mut driver = Driver::new(end);
            driver.frame(0x01, b"x");
            fails_behind(driver, &incoming(end, opcode, b""), PeerError::FragmentedControl, 1002);
        }
        let frames = everything(end).frames();
        assert!(frames.iter().all(|frame| frame.b0 & 0x08 == 0 || frame.b0 & 0x80 != 0));
        // However small the outputs: a control frame goes out in pieces of bytes, not of frames.
        let mut driver = Driver::new(end);
        driver.out = 1;
        driver.frame(0x89, b"hello");
        assert_eq!(driver.replies(), [(0x8a, b"hello".to_vec())]);
    }
}

#[test]
fn a_close_begins_with_a_code_of_two_bytes() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.close(0x0bb9, "why");
        assert_eq!(driver.replies(), [(0x88, b"\x0b\xb9why".to_vec())]);
        assert_eq!(
            run(end, FREE, &incoming(end, 0x88, b"\x0b\xb9why")).seen,
            [Seen::Close(Some(3001), "why".into())]
        );
        fails(end, &incoming(end, 0x88, b"\x03"), PeerError::BadClose, 1002);
        let mut buf = [0; 64];
        let result = Driver::new(end).ws.close(None, "why", &mut Output::new(&mut buf));
        assert_eq!(result, Err(UsageError::LongControl), "no reason without a code");
        let mut driver = Driver::new(end);
        driver.close(0, "");
        assert_eq!(driver.replies(), [(0x88, vec![])], "an empty one is right");
    }
}

#[test]
fn a_reason_that_is_not_utf_8_fails_the_connection() {
    for end in ENDS {
        for bad in [&b"\x03\xe8\xff"[..], b"\x03\xe8ok\xc3", b"\x03\xe8\xed\xa0\x80", b"\x03\xe8\xc0\x80"] {
            fails(end, &incoming(end, 0x88, bad), PeerError::InvalidUtf8, 1007);
        }
    }
}

#[test]
fn no_data_goes_out_behind_a_close() {
    for end in ENDS {
        for begin in [0, 1] {
            let mut driver = Driver::new(end);
            if begin == 1 {
                driver.send(Kind::Text, b"half a mess", false);
            }
            driver.close(1000, "");
            let sent = driver.sent.len();
            let mut buf = [0; 64];
            let mut out = Output::new(&mut buf);
            for kind in [Kind::Text, Kind::Binary] {
                let closing = Err(UsageError::Closing);
                assert_eq!(driver.ws.send(kind, &mut &b"age"[..], true, &mut out), closing);
                assert_eq!(driver.ws.begin(kind, 1, true, &mut out), closing);
            }
            assert!(!driver.ws.is_sendable());
            driver.flush();
            assert_eq!((out.filled(), driver.sent.len()), (&b""[..], sent));
        }
        let mut driver = Driver::new(end);
        driver.frame(0x88, b"");
        let mut buf = [0; 64];
        let result = driver.ws.send(Kind::Text, &mut &b"x"[..], true, &mut Output::new(&mut buf));
        assert_eq!(result, Err(UsageError::Closing), "nor behind the answer to one");
    }
}

#[test]
fn a_close_is_answered_with_a_close() {
    for end in ENDS {
        for payload in [&b""[..], b"\x03\xe8", b"\x0b\xb8", b"\x03\xe9going"] {
            let driver = run(end, FREE, &incoming(end, 0x88, payload));
            let code = payload.get(..2).unwrap_or_default().to_vec();
            assert_eq!(driver.replies(), [(0x88, code)], "with its own code");
        }
        let mut driver = Driver::new(end);
        driver.close(1000, "");
        driver.frame(0x88, b"\x03\xe8");
        assert_eq!(driver.replies().len(), 1, "but once only");
    }
}

#[test]
fn a_close_is_answered_before_anything_else_is_read() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.send(Kind::Text, b"half a mess", false);
        driver.receive(&script(end, &[(0x88, b""), (0x81, b"x"), (0x89, b"y")]));
        assert!(driver.ws.wants_transmit());
        driver.flush();
        assert_eq!(driver.seen, [Seen::Close(None, String::new())]);
        assert_eq!(driver.replies()[1..], [(0x88, vec![])]);
    }
}

#[test]
fn behind_both_closes_the_server_shuts_down_and_the_client_waits() {
    for end in ENDS {
        let (mut first, mut second) = (Driver::new(end), Driver::new(end));
        first.close(1000, "");
        assert!(!first.ws.wants_shutdown(), "the peer's Close is still to come");
        first.frame(0x88, b"\x03\xe8");
        second.frame(0x88, b"\x03\xe8");
        for driver in [first, second] {
            assert_eq!(driver.ws.wants_shutdown(), end == End::Server);
            assert!(driver.ws.close_expected(), "within the time for it");
            assert_eq!(driver.ws.ready_state(), ReadyState::Closing);
        }
    }
}

#[test]
fn closes_that_cross_close_both_ends() {
    let (mut client, mut server) = (Driver::new(End::Client), Driver::new(End::Server));
    client.close(1000, "client");
    server.close(1001, "server");
    let (from_client, from_server) = (client.sent.clone(), server.sent.clone());
    client.feed(&from_server);
    server.feed(&from_client);
    assert_eq!((&client.sent, &server.sent), (&from_client, &from_server), "neither answers");
    assert!(client.ws.was_clean() && server.ws.was_clean());
    assert!(server.ws.wants_shutdown() && !client.ws.wants_shutdown());
    client.ws.receive_eof();
    assert!(client.ws.wants_shutdown());
}

#[test]
fn a_ping_is_answered_with_a_pong() {
    for end in ENDS {
        let driver = run(end, FREE, &script(end, &[(0x89, b""), (0x89, b"abc"), (0x89, &[0xff; 125])]));
        let bodies = [&b""[..], b"abc", &[0xff; 125]];
        assert_eq!(driver.replies(), bodies.map(|body| (0x8a, body.to_vec())), "with the same payload");
        // Behind our Close too, but not behind the peer's.
        let mut driver = Driver::new(end);
        driver.close(1000, "");
        driver.frame(0x89, b"still there?");
        assert_eq!(driver.replies()[1..], [(0x8a, b"still there?".to_vec())]);
        driver.frame(0x88, b"\x03\xe8").frame(0x89, b"and now?");
        assert_eq!(driver.replies().len(), 2);
        let mut driver = Driver::new(end);
        driver.frame(0x88, b"").frame(0x89, b"hello?");
        assert_eq!(driver.replies(), [(0x88, vec![])]);
    }
}

#[test]
fn a_pong_goes_out_before_other_frames() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.send(Kind::Text, b"a", false);
        driver.receive(&incoming(end, 0x89, b"now"));
        driver.send(Kind::Text, b"b", true);
        let opcodes: Vec<_> = driver.replies().iter().map(|(b0, _)| *b0).collect();
        assert_eq!(opcodes, [0x01, 0x8a, 0x80]);
    }
}

#[test]
fn a_ping_can_go_out_while_the_connection_is_open() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.drain(|ws, out| ws.ping(b"", out).unwrap());
        driver.send(Kind::Text, b"a", false);
        driver.drain(|ws, out| ws.ping(b"x", out).unwrap());
        assert_eq!(driver.replies(), [(0x89, vec![]), (0x01, b"a".to_vec()), (0x89, b"x".to_vec())]);
        driver.close(1000, "");
        let mut buf = [0; 64];
        assert_eq!(driver.ws.ping(b"", &mut Output::new(&mut buf)), Err(UsageError::Closing));
        let timeouts = Timeouts { ping: ms(10), ..Timeouts::OFF };
        let mut driver = Driver::with(end, FREE.with_timeouts(timeouts));
        driver.frame(0x88, b"");
        driver.ws.handle_timeout(at(100));
        driver.flush();
        assert_eq!(driver.replies(), [(0x88, vec![])], "no heartbeat behind a Close");
    }
}

#[test]
fn a_pong_is_not_answered() {
    for end in ENDS {
        let driver = run(end, FREE, &script(end, &[(0x8a, b""), (0x8a, b"unasked"), (0x82, b"x")]));
        assert_eq!(driver.seen[2], binary(b"x"));
        assert_eq!(driver.sent, b"");
        let mut driver = Driver::new(end);
        driver.drain(|ws, out| ws.pong(b"unasked", out).unwrap());
        assert_eq!(driver.replies(), [(0x8a, b"unasked".to_vec())], "and may be sent unasked");
    }
}

#[test]
fn a_text_may_be_cut_inside_a_character() {
    for end in ENDS {
        let whole = "κόσμε 你好 😀";
        for cut in 0..=whole.len() {
            let (a, b) = whole.as_bytes().split_at(cut);
            assert_eq!(run(end, FREE, &script(end, &[(0x01, a), (0x80, b)])).seen, [text(whole)], "{cut}");
            let mut driver = Driver::new(end);
            driver.send(Kind::Text, a, false);
            driver.send(Kind::Text, b, true);
            let sent: Vec<u8> = driver.replies().into_iter().flat_map(|(_, payload)| payload).collect();
            assert_eq!(sent, whole.as_bytes());
        }
    }
}

#[test]
fn a_binary_message_may_hold_any_bytes() {
    for end in ENDS {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(run(end, FREE, &incoming(end, 0x82, &all)).seen, [binary(&all)]);
    }
}

/// The key of the examples.
struct ExampleKey;

impl Entropy for ExampleKey {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(b"\x37\xfa\x21\x3d");
    }
}

#[test]
fn the_examples_of_the_document() {
    let unmasked = b"\x81\x05\x48\x65\x6c\x6c\x6f";
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let fragments = b"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f";
    let (ping, pong) = (b"\x89\x05\x48\x65\x6c\x6c\x6f", b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(run(End::Client, FREE, unmasked).seen, [text("Hello")]);
    assert_eq!(run(End::Server, FREE, masked).seen, [text("Hello")]);
    assert_eq!(run(End::Client, FREE, fragments).seen, [text("Hello")]);
    assert_eq!(run(End::Client, FREE, ping).seen, [Seen::Ping(b"Hello".to_vec())]);
    assert_eq!(run(End::Server, FREE, pong).seen, [Seen::Pong(b"Hello".to_vec())]);

    let mut server = Driver::new(End::Server);
    server.send(Kind::Text, b"Hello", true);
    assert_eq!(server.sent, unmasked);
    let mut server = Driver::new(End::Server);
    server.send(Kind::Text, b"Hel", false);
    server.send(Kind::Text, b"lo", true);
    assert_eq!(server.sent, fragments);

    let mut ws = Connection::client(FREE, ExampleKey, at(0));
    let mut buf = [0; 64];
    let mut out = Output::new(&mut buf);
    assert_eq!(ws.send(Kind::Text, &mut &b"Hello"[..], true, &mut out), Ok(true));
    assert_eq!(out.filled(), masked);
    out.clear();
    let mut bytes = ping.to_vec();
    assert!(ws.receive(&mut ws_core::Input::new(&mut bytes)).is_ok());
    ws.transmit(&mut out);
    assert_eq!(out.filled(), pong);

    assert_eq!(encode_header(Kind::Binary, 256).unwrap().as_bytes(), b"\x82\x7e\x01\x00");
    assert_eq!(encode_header(Kind::Binary, 65536).unwrap().as_bytes(), b"\x82\x7f\0\0\0\0\0\x01\0\0");
}
