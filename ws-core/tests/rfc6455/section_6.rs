//! RFC 6455 6: sending and receiving messages.

use crate::common::{Driver, ENDS, FREE, Last, Seen, at, binary, few, incoming, ms, run, script, text};
use crate::frames::everything;
use ws_core::{CloseCode, Event, Input, Kind, Output, ReadyState, Timeouts, UsageError};

#[test]
fn nothing_is_sent_unless_the_connection_is_open() {
    for end in ENDS {
        let timeouts = Timeouts { idle: ms(10), ..Timeouts::OFF };
        let new = || Driver::with(end, FREE.with_timeouts(timeouts));
        let (mut eof, mut gone, mut failed, mut closed) = (new(), new(), new(), new());
        eof.ws.receive_eof();
        gone.ws.handle_timeout(at(10));
        failed.ws.fail(CloseCode::POLICY_VIOLATION);
        closed.close(1000, "");
        for mut driver in [eof, gone, failed, closed] {
            assert_ne!(driver.ws.ready_state(), ReadyState::Open);
            assert!(!driver.ws.is_sendable());
            let mut buf = [0; 64];
            let mut out = Output::new(&mut buf);
            let closing = Err(UsageError::Closing);
            assert_eq!(driver.ws.send(Kind::Text, &mut &b"x"[..], true, &mut out), closing);
            assert_eq!(driver.ws.begin(Kind::Text, 1, true, &mut out), closing);
            assert_eq!(driver.ws.ping(b"", &mut out), closing);
            assert_eq!(driver.ws.pong(b"", &mut out), closing);
            assert_eq!(driver.ws.close(None, "", &mut out), closing);
            assert_eq!(out.filled(), b"");
        }
    }
}

#[test]
fn a_message_is_broken_off_when_the_state_changes() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        let mut rest = &[b'x'; 100][..];
        let mut buf = [0; 20];
        let mut out = Output::new(&mut buf);
        assert_eq!(driver.ws.send(Kind::Text, &mut rest, true, &mut out), Ok(false));
        driver.sent.extend(out.filled());
        driver.frame(0x88, b"\x03\xe8");
        out.clear();
        let left = rest.len();
        assert_eq!(driver.ws.send(Kind::Text, &mut rest, true, &mut out), Err(UsageError::Closing));
        assert_eq!((out.filled(), rest.len()), (&b""[..], left));
        let opcodes: Vec<_> = driver.replies().iter().map(|(b0, _)| *b0).collect();
        assert_eq!(opcodes, [0x01, 0x88]);
    }
}

#[test]
fn a_message_goes_out_as_a_frame_or_several() {
    for end in ENDS {
        let payload: Vec<u8> = (0..1000).map(|i| i as u8).collect();
        let mut whole = Driver::new(end);
        whole.out = 2000;
        whole.send(Kind::Binary, &payload, true);
        assert_eq!(whole.replies(), [(0x82, payload.clone())]);
        let mut cut = Driver::new(end);
        cut.out = 100;
        cut.send(Kind::Binary, &payload, true);
        let frames = cut.replies();
        assert_eq!(frames.iter().flat_map(|(_, payload)| payload.clone()).collect::<Vec<_>>(), payload);
        let (first, others) = frames.split_first().unwrap();
        assert!(first.0 == 0x02 && others.iter().rev().skip(1).all(|(b0, _)| *b0 == 0));
    }
}

#[test]
fn the_first_frame_says_what_the_message_is() {
    for end in ENDS {
        for (kind, opcode) in [(Kind::Text, 1), (Kind::Binary, 2)] {
            let mut driver = Driver::new(end);
            driver.send(kind, b"a", true);
            driver.send(kind, b"b", false);
            driver.drain(|ws, out| ws.begin(kind, 0, false, out).unwrap());
            driver.send(kind, b"c", true);
            driver.drain(|ws, out| ws.begin(kind, 0, true, out).unwrap());
            let opcodes: Vec<_> = driver.replies().iter().map(|(b0, _)| *b0).collect();
            assert_eq!(opcodes, [0x80 | opcode, opcode, 0x00, 0x80, 0x80 | opcode]);
        }
    }
}

#[test]
fn the_last_frame_and_no_other_has_fin_set() {
    for end in ENDS {
        for out in [8, 9, 100, 1000] {
            let mut driver = Driver::new(end);
            driver.out = out;
            driver.send(Kind::Text, &[b'x'; few(300, 60)], false);
            assert!(driver.replies().iter().all(|(b0, _)| b0 & 0x80 == 0), "there is more to come");
            driver.send(Kind::Text, &[b'y'; few(300, 60)], true);
            let fins = driver.replies().iter().filter(|(b0, _)| b0 & 0x80 != 0).count();
            assert_eq!((fins, driver.replies().last().unwrap().0), (1, 0x80));
        }
    }
}

#[test]
fn all_that_is_sent_is_in_the_output() {
    for end in ENDS {
        let driver = everything(end);
        assert_eq!(driver.ws.buffered_amount(), 0);
        let data: Vec<u8> = driver
            .replies()
            .into_iter()
            .filter(|(b0, _)| b0 & 8 == 0)
            .flat_map(|(_, payload)| payload)
            .collect();
        let expected = ["h\u{e9}llo".as_bytes(), &[7; 200], b"one two", &[9; 300]].concat();
        assert_eq!(data, expected);
    }
}

#[test]
fn the_kind_is_noted_with_each_piece() {
    for end in ENDS {
        for (b0, kind) in [(0x01, Kind::Text), (0x02, Kind::Binary)] {
            let mut driver = Driver::new(end);
            for byte in script(end, &[(b0, b"ab"), (0x89, b""), (0x00, b"cd"), (0x80, b"ef")]) {
                let mut byte = [byte];
                let mut input = Input::new(&mut byte);
                if let Ok(Some(Event::Data(data))) = driver.ws.receive(&mut input) {
                    assert_eq!(data.kind, kind);
                }
                driver.flush();
            }
        }
    }
}

#[test]
fn a_message_is_the_payload_of_all_its_fragments() {
    for end in ENDS {
        let script = script(end, &[(0x01, "κό".as_bytes()), (0x00, b""), (0x80, "σμε".as_bytes())]);
        assert_eq!(run(end, FREE, &script).seen, [text("κόσμε")]);
    }
}

#[test]
fn behind_the_last_fragment_a_new_message_begins() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.feed(&script(end, &[(0x01, b"a"), (0x80, b"b"), (0x02, b"c"), (0x80, b"d"), (0x81, b"e")]));
        assert_eq!(driver.seen, [text("ab"), binary(b"cd"), text("e")]);
        let open = Seen::Data(Kind::Text, b"f".to_vec(), Last::No);
        driver.frame(0x01, b"f");
        assert_eq!(driver.seen.last(), Some(&open), "and is not over before its own last one");
    }
}

#[test]
fn a_server_removes_the_masking() {
    let end = crate::common::End::Server;
    for n in 0..70 {
        let payload = vec![b'm'; n];
        let bytes = incoming(end, 0x81, &payload);
        assert!(n == 0 || !bytes.ends_with(&payload), "it is masked on the wire");
        assert_eq!(run(end, FREE, &bytes).seen, [text(&"m".repeat(n))]);
    }
}
