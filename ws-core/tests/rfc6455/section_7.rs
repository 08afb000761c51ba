//! RFC 6455 7: closing. The whole table of states is walked in `tests/closing.rs`.

use crate::common::{Driver, ENDS, End, FREE, Seen, at, few, incoming, ms, run, script};
use crate::frames::{fails, fails_behind};
use crate::opening::{values, written};
use ws_core::handshake::server::Refusal;
use ws_core::http::HeadError;
use ws_core::{CloseCode, Kind, Limits, PeerError, ReadyState, Timeouts};

#[test]
fn bytes_behind_the_peers_close_are_discarded() {
    for end in ENDS {
        let behind = script(end, &[(0x81, b"x"), (0x89, b"y"), (0x83, b"z"), (0x88, b"")]);
        let driver = run(end, FREE, &[incoming(end, 0x88, b"\x03\xe8"), behind].concat());
        assert_eq!(driver.seen, [Seen::Close(Some(1000), String::new())]);
        assert_eq!(driver.replies(), [(0x88, b"\x03\xe8".to_vec())]);
    }
}

#[test]
fn a_closing_handshake_begins_with_our_code_and_reason() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.close(4000, "done \u{e9}");
        assert_eq!(driver.replies(), [(0x88, b"\x0f\xa0done \xc3\xa9".to_vec())]);
        assert_eq!(driver.ws.close_sent(), Some(CloseCode::new(4000)));
    }
}

#[test]
fn either_close_makes_the_state_closing() {
    for end in ENDS {
        let (mut first, mut second) = (Driver::new(end), Driver::new(end));
        assert_eq!(first.ws.ready_state(), ReadyState::Open);
        first.close(1000, "");
        second.receive(&incoming(end, 0x88, b""));
        for driver in [first, second] {
            assert_eq!(driver.ws.ready_state(), ReadyState::Closing);
        }
    }
}

#[test]
fn the_end_of_the_transport_makes_the_state_closed() {
    for end in ENDS {
        let mut lost = Driver::new(end);
        lost.ws.receive_eof();
        assert_eq!((lost.ws.ready_state(), lost.ws.was_clean()), (ReadyState::Closed, false));
        let mut half = Driver::new(end);
        half.close(1000, "");
        half.ws.receive_eof();
        assert_eq!((half.ws.ready_state(), half.ws.was_clean()), (ReadyState::Closed, false));
        let mut clean = Driver::new(end);
        clean.close(1000, "");
        clean.frame(0x88, b"\x03\xe8");
        clean.ws.receive_eof();
        assert_eq!((clean.ws.ready_state(), clean.ws.was_clean()), (ReadyState::Closed, true));
    }
}

#[test]
fn the_code_is_that_of_the_peers_close() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        assert_eq!(driver.ws.close_received(), None, "none came: 1006");
        driver.close(1001, "ours");
        assert_eq!(driver.ws.close_received(), None);
        driver.frame(0x88, b"\x0f\xa0");
        assert_eq!(driver.ws.close_received(), Some(CloseCode::new(4000)), "theirs may differ from ours");
        assert_eq!(run(end, FREE, &incoming(end, 0x88, b"")).ws.close_received(), Some(None), "1005");
        let twice = script(end, &[(0x88, b"\x03\xe8"), (0x88, b"\x03\xe9")]);
        assert_eq!(run(end, FREE, &twice).ws.close_received(), Some(CloseCode::new(1000)), "the first");
    }
}

#[test]
fn the_reason_is_that_of_the_peers_close() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.close(1000, "ours");
        assert_eq!(driver.ws.close_reason(), "");
        driver.frame(0x88, b"\x03\xe9theirs");
        assert_eq!(driver.ws.close_reason(), "theirs");
        for (payload, reason) in [(&b""[..], ""), (b"\x03\xe8", ""), (b"\x03\xe8why \xc3\xa9", "why \u{e9}")]
        {
            assert_eq!(run(end, FREE, &incoming(end, 0x88, payload)).ws.close_reason(), reason);
        }
    }
}

#[test]
fn a_failure_sends_a_close_and_shuts_down() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.receive(&incoming(end, 0x83, b""));
        assert!(!driver.ws.wants_shutdown(), "not before the Close is out");
        assert_eq!(driver.ws.ready_state(), ReadyState::Closing);
        driver.flush();
        assert_eq!(driver.replies(), [(0x88, b"\x03\xea".to_vec())]);
        assert!(driver.ws.wants_shutdown() && !driver.ws.was_clean());
        let mut driver = Driver::new(end);
        driver.ws.fail(CloseCode::UNSUPPORTED_DATA);
        driver.flush();
        assert_eq!(driver.replies(), [(0x88, b"\x03\xeb".to_vec())]);
        assert!(driver.ws.wants_shutdown(), "whoever found the fault");
        // Behind our own Close the failure has no frame to send any more.
        let mut driver = Driver::new(end);
        driver.close(1000, "");
        driver.frame(0x83, b"");
        assert_eq!(driver.replies(), [(0x88, b"\x03\xe8".to_vec())]);
        assert!(driver.ws.wants_shutdown());
    }
}

#[test]
fn nothing_is_processed_behind_a_failure() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.frame(0x83, b"");
        let rest = script(end, &[(0x81, b"x"), (0x89, b"y"), (0x88, b"\x03\xe8")]);
        driver.feed(&rest);
        assert_eq!(driver.seen, [Seen::Failed(PeerError::ReservedOpcode)]);
        assert_eq!(driver.replies().len(), 1);
        assert_eq!(driver.ws.close_received(), None, "not even the Close that answers");
        let mut driver = Driver::new(end);
        driver.ws.fail(CloseCode::INTERNAL_ERROR);
        driver.feed(&rest);
        assert_eq!(driver.seen, [Seen::Failed(PeerError::Refused)]);
    }
}

#[test]
fn a_transport_lost_ends_the_connection() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.frame(0x01, b"half a mess");
        driver.ws.receive_eof();
        assert_eq!(driver.ws.ready_state(), ReadyState::Closed);
        assert!(driver.ws.wants_shutdown() && !driver.ws.was_clean());
        assert_eq!(driver.ws.poll_timeout(), None);
    }
}

#[test]
fn a_handshake_refused_closes_the_connection() {
    for refusal in [
        Refusal::Head(HeadError::BadLine),
        Refusal::NoHost,
        Refusal::Method,
        Refusal::NoUpgrade,
        Refusal::WebSocketVersion,
        Refusal::Key,
        Refusal::Body,
        Refusal::Grammar,
        Refusal::Origin,
        Refusal::TimedOut,
    ] {
        let mut response = refusal.response();
        let text = written(|out| response.transmit(out));
        assert!(values(&text, "Connection").contains(&"close"), "{text}");
    }
}

#[test]
fn nothing_is_closed_without_a_reason() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        for hour in 0..few(100, 8) as u64 {
            driver.ws.handle_timeout(at(hour * 3_600_000));
            driver.frame(0x89, b"x").frame(0x82, b"y").frame(0x8a, b"z");
            assert_eq!(driver.ws.ready_state(), ReadyState::Open);
            assert!(!driver.ws.wants_shutdown() && !driver.ws.close_expected());
        }
        assert!(driver.replies().iter().all(|(b0, _)| *b0 == 0x8a));
    }
}

#[test]
fn codes_that_are_never_on_the_wire_cannot_be_sent() {
    for code in [1004, 1005, 1006, 1015] {
        assert_eq!(CloseCode::new(code), None, "{code}");
        for end in ENDS {
            fails(end, &incoming(end, 0x88, &code.to_be_bytes()), PeerError::BadClose, 1002);
        }
    }
}

#[test]
fn each_failure_has_its_code() {
    let config = FREE.with_limits(Limits { message: 3, fragments: 1, empty_fragments: 1 });
    for end in ENDS {
        fails(end, &incoming(end, 0x80, b""), PeerError::NothingToContinue, 1002);
        fails(end, &incoming(end, 0x81, b"\xff"), PeerError::InvalidUtf8, 1007);
        let limited = || Driver::with(end, config);
        fails_behind(limited(), &incoming(end, 0x82, b"abcd"), PeerError::MessageTooBig, 1009);
        let mut driver = limited();
        driver.frame(0x02, b"a");
        fails_behind(driver, &incoming(end, 0x80, b"b"), PeerError::TooManyFragments, 1008);
        for (code, number) in [
            (CloseCode::NORMAL, 1000u16),
            (CloseCode::GOING_AWAY, 1001),
            (CloseCode::PROTOCOL_ERROR, 1002),
            (CloseCode::UNSUPPORTED_DATA, 1003),
            (CloseCode::INVALID_PAYLOAD, 1007),
            (CloseCode::POLICY_VIOLATION, 1008),
            (CloseCode::MESSAGE_TOO_BIG, 1009),
            (CloseCode::MANDATORY_EXTENSION, 1010),
            (CloseCode::INTERNAL_ERROR, 1011),
        ] {
            let mut driver = Driver::new(end);
            driver.ws.fail(code);
            driver.flush();
            assert_eq!(driver.replies(), [(0x88, number.to_be_bytes().to_vec())]);
        }
    }
}

#[test]
fn codes_out_of_the_ranges_are_neither_sent_nor_taken() {
    for code in [0, 1, 999, 1016, 1100, 2000, 2999, 5000, 65535u16] {
        assert_eq!(CloseCode::new(code), None, "{code}");
        for end in ENDS {
            fails(end, &incoming(end, 0x88, &code.to_be_bytes()), PeerError::BadClose, 1002);
        }
    }
    for code in [1000, 3000, 3999, 4000, 4999u16] {
        for end in ENDS {
            let seen = run(end, FREE, &incoming(end, 0x88, &code.to_be_bytes())).seen;
            assert_eq!(seen, [Seen::Close(Some(code), String::new())]);
        }
    }
}

#[test]
fn a_client_gives_up_a_server_that_does_not_close() {
    let timeouts = Timeouts { close: ms(5000), ..Timeouts::OFF };
    let mut client = Driver::with(End::Client, FREE.with_timeouts(timeouts));
    client.send(Kind::Text, b"bye", true);
    client.close(1000, "");
    client.frame(0x88, b"\x03\xe8");
    assert!(!client.ws.wants_shutdown());
    assert_eq!(client.ws.poll_timeout(), Some(at(5000)));
    client.ws.handle_timeout(at(5000));
    assert!(client.ws.timed_out().is_some());
    assert_eq!(client.ws.ready_state(), ReadyState::Closed);
}
