//! Ends: the closing handshake against peers that will not have it, and time.

use super::common::{self, Driver, ENDS, End, FREE, Seen, at, few, incoming, ms, text};
use ws_core::handshake::{client, server};
use ws_core::{CloseCode, Input, Kind, Output, PeerError, ReadyState, TimedOut, Timeouts, UsageError};

const TIMES: Timeouts = Timeouts { close: ms(5000), ..Timeouts::OFF };

#[test]
fn nothing_is_sent_behind_a_close() {
    for end in ENDS {
        // Ours, the peer's, and both at once.
        let begun: [fn(&mut Driver); 3] = [
            |driver| driver.close(1000, ""),
            |driver| driver.receive(&incoming(driver.end, 0x88, b"\x03\xe8")),
            |driver| {
                driver.close(1000, "");
                driver.receive(&incoming(driver.end, 0x88, b"\x03\xe8"));
            },
        ];
        for begin in begun {
            let mut driver = Driver::new(end);
            begin(&mut driver);
            let mut buf = [0; 64];
            let mut out = Output::new(&mut buf);
            for last in [false, true] {
                let result = driver.ws.send(Kind::Text, &mut &b"late"[..], last, &mut out);
                assert_eq!(result, Err(UsageError::Closing));
            }
            assert_eq!(driver.ws.begin(Kind::Text, 4, true, &mut out), Err(UsageError::Closing));
            assert_eq!(driver.ws.ping(b"late", &mut out), Err(UsageError::Closing));
            assert_eq!(driver.ws.close(None, "", &mut out), Err(UsageError::Closing));
            assert!(out.is_empty());
            driver.flush();
            assert_eq!(driver.replies(), [(0x88, b"\x03\xe8".to_vec())], "one Close, and nothing else");
        }
    }
}

/// Nor is anything received: whatever comes behind the first error, or behind the peer's Close, is of no interest.
#[test]
fn nothing_is_delivered_behind_an_error_or_a_close() {
    let ends: [(u8, &[u8]); 6] =
        [(0xff, b""), (0x83, b"x"), (0x81, b"\xff"), (0x88, b"\x03"), (0x88, b""), (0x88, b"\x03\xe8bye")];
    for end in ENDS {
        for (b0, payload) in ends {
            for size in [1, 7, 1000] {
                let mut driver = Driver::new(end);
                driver.frame(0x82, b"before").frame(b0, payload);
                let behind =
                    common::script(end, &[(0x82, b"data"), (0x89, b"ping"), (0x88, b""), (0x0f, b"")]);
                behind.chunks(size).for_each(|piece| _ = driver.feed(piece));
                assert_eq!((driver.seen.len(), driver.replies().len()), (2, 1), "{b0:02x} {payload:x?}");
            }
        }
    }
}

/// RFC 6455 5.5.1, 7.4: nor can one be sent.
#[test]
fn a_close_that_may_not_be_is_refused() {
    for end in ENDS {
        let error = |payload: &[u8]| common::run(end, FREE, &incoming(end, 0x88, payload)).failed();
        assert_eq!(error(b"\x03"), Some(PeerError::BadClose));
        for code in [0u16, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
            assert_eq!(error(&code.to_be_bytes()), Some(PeerError::BadClose), "{code}");
            assert_eq!(CloseCode::new(code), None);
        }
        for reason in [&b"\xff"[..], b"\xc3", b"ok\xed\xa0\x80"] {
            assert_eq!(error(&[b"\x03\xe8", reason].concat()), Some(PeerError::InvalidUtf8));
        }
        let mut driver = Driver::new(end);
        let mut buf = [0; 256];
        let mut out = Output::new(&mut buf);
        let long = "r".repeat(124);
        assert_eq!(driver.ws.close(Some(CloseCode::NORMAL), &long, &mut out), Err(UsageError::LongControl));
        assert_eq!(driver.ws.close(None, "a reason without a code", &mut out), Err(UsageError::LongControl));
        assert!(out.is_empty() && driver.ws.is_sendable());
    }
}

/// The peer goes on as if nothing had happened; behind its own Close, not even that is looked at.
#[test]
fn a_peer_that_ignores_the_close_is_dropped() {
    for end in ENDS {
        for closes_first in [false, true] {
            let mut driver = Driver::with(end, FREE.with_timeouts(TIMES));
            if closes_first {
                driver.frame(0x88, b"");
            } else {
                driver.close(1001, "");
            }
            let events = driver.seen.len();
            for second in 1..=5u64 {
                assert_eq!(driver.ws.timed_out(), None);
                assert_eq!(driver.ws.poll_timeout(), Some(at(5000)), "traffic does not put it off");
                driver.ws.set_time(at(second * 1000));
                driver.frame(0x81, b"ignored?").frame(0x89, b"and this?");
                driver.ws.handle_timeout(at(second * 1000));
            }
            assert_eq!(driver.ws.timed_out(), Some(TimedOut::Close));
            assert_eq!(driver.ws.ready_state(), ReadyState::Closed);
            assert_eq!(driver.seen.len() - events, if closes_first { 0 } else { 10 });
        }
    }
}

#[test]
fn the_closing_handshake_ends_whatever_the_peer_does() {
    for end in ENDS {
        let closing = || {
            let mut driver = Driver::with(end, FREE.with_timeouts(TIMES));
            driver.close(1000, "");
            assert!(driver.ws.close_expected());
            driver
        };
        // It says nothing.
        let mut driver = closing();
        driver.ws.handle_timeout(at(4999));
        assert_eq!(driver.ws.timed_out(), None);
        driver.ws.handle_timeout(at(5000));
        assert_eq!((driver.ws.timed_out(), driver.ws.was_clean()), (Some(TimedOut::Close), false));
        // It ends its direction.
        let mut driver = closing();
        driver.ws.receive_eof();
        assert!(driver.ws.wants_shutdown() && !driver.ws.close_expected() && !driver.ws.was_clean());
        assert_eq!(driver.ws.ready_state(), ReadyState::Closed);
        // It answers with nonsense.
        let mut driver = closing();
        driver.feed(&[0xff]);
        assert!(driver.ws.wants_shutdown() && !driver.ws.was_clean());
        driver.ws.handle_timeout(at(5000));
        assert_eq!(driver.ws.timed_out(), Some(TimedOut::Close));
        // Both Closes cross.
        let mut driver = closing();
        driver.frame(0x88, b"\x03\xe9");
        assert!(driver.ws.was_clean());
        assert_eq!(driver.ws.wants_shutdown(), end == End::Server, "a server ends first (RFC 6455 7.1.1)");
        driver.ws.handle_timeout(at(5000));
        assert_eq!(driver.ws.timed_out(), Some(TimedOut::Close), "and waits for the other end no longer");
        // It breaks a rule first, and then stays.
        let mut driver = Driver::with(end, FREE.with_timeouts(TIMES));
        driver.feed(&[0xff]);
        driver.ws.handle_timeout(at(5000));
        assert_eq!(driver.ws.timed_out(), Some(TimedOut::Close));
    }
}

#[test]
fn the_peers_end_is_answered_by_ours() {
    for end in ENDS {
        // In the middle of a message, with a Pong owed: that leaves, and then so do we.
        let mut driver = Driver::with(end, FREE.with_timeouts(TIMES));
        driver.receive(&[incoming(end, 0x01, b"half"), incoming(end, 0x89, b"?")].concat());
        driver.ws.receive_eof();
        assert!(!driver.ws.wants_shutdown());
        driver.flush();
        assert!(driver.ws.wants_shutdown() && !driver.ws.was_clean());
        assert_eq!((driver.ws.ready_state(), driver.ws.poll_timeout()), (ReadyState::Closed, None));
    }
}

#[test]
fn one_deadline_for_the_whole_handshake() {
    for start in [0, (1 << 32) - 4000] {
        // One byte a second, for ever.
        let mut store = [0; 256];
        let mut handshake = server::Handshake::new(&mut store, &[], at(start));
        let request = b"GET /a-long-path HTTP/1.1\r\nHost: h\r\n";
        for (second, byte) in (1..).zip(request) {
            handshake.handle_timeout(at(start + second * 1000));
            let mut read = [*byte];
            let result = handshake.receive(&mut Input::new(&mut read));
            let expected = if second < 10 { Ok(false) } else { Err(server::Refusal::TimedOut) };
            assert_eq!(result, expected, "second {second}");
        }
        let mut store = [0; 256];
        let request = client::Request::new("h", "/");
        let mut keys = common::TestKeys::default();
        let mut handshake = client::Handshake::new(request, &mut keys, &mut store, &[], at(start)).unwrap();
        assert_eq!(handshake.poll_timeout(), Some(at(start + 10_000)));
        for (second, byte) in (1..).zip(b"HTTP/1.1 101 Switching Protocols\r\n") {
            handshake.handle_timeout(at(start + second * 1000));
            let mut read = [*byte];
            let result = handshake.receive(&mut Input::new(&mut read));
            let expected = if second < 10 { Ok(false) } else { Err(client::Error::TimedOut) };
            assert_eq!(result, expected, "second {second}");
        }
    }
}

/// Only deadlines and limits close a connection, never how small its pieces are.
#[test]
fn single_bytes_are_no_attack() {
    for end in ENDS {
        let mut driver = Driver::with(end, FREE.with_timeouts(Timeouts::DEFAULT));
        let message = "z".repeat(few(3000, 200));
        for byte in incoming(end, 0x81, message.as_bytes()) {
            driver.receive(&[byte]);
        }
        assert_eq!(driver.seen, [text(&message)]);
        driver.receive(&incoming(end, 0x89, b"fine"));
        assert_eq!(driver.seen[1], Seen::Ping(b"fine".to_vec()));
        assert_eq!(driver.ws.ready_state(), ReadyState::Open);
    }
}
