//! Control frames, the closing handshake, and time.

use crate::wire::{Bytes, FREE, From, START, Tape, TestKeys, client, frame, pattern, push_frame, server};
use crate::{Outcome, check};
use ws_core::{
    CloseCode, Connection, Duration, Event, Input, Instant, Kind, Output, PeerError, ReadyState, TimedOut,
    Timeouts, UsageError,
};

pub(crate) fn pings() -> Outcome {
    for len in [0, 1, 4, 124, 125] {
        let payload = pattern(len);
        let script = frame(From::Client, 0x89, &payload);
        let pong = frame(From::Server, 0x8a, &payload);
        for cut in 0..=script.len() {
            for size in [1, 2, 3, 64] {
                let (mut ws, mut tape) = (server(), Tape::default());
                let (a, b) = script.split_at(cut);
                tape.feed(&mut ws, a, size);
                tape.feed(&mut ws, b, size);
                check!(tape.seen.strip_prefix(b"p") == Some(&payload[..]));
                check!(tape.sent == pong);
            }
        }
    }
    Ok(())
}

/// There is one place for a reply: so a flood of pings costs no memory.
pub(crate) fn flood() -> Outcome {
    let mut script = Bytes::new();
    push_frame(&mut script, From::Client, 0x89, b"1");
    push_frame(&mut script, From::Client, 0x81, b"between");
    push_frame(&mut script, From::Client, 0x89, b"2");
    let mut ws = server();
    let mut input = Input::new(&mut script);
    check!(ws.receive(&mut input) == Ok(Some(Event::Ping)));
    check!(matches!(ws.receive(&mut input), Ok(Some(Event::Data(data))) if data.payload == b"between"));
    check!(ws.receive(&mut input) == Ok(None) && !input.is_empty() && ws.wants_transmit());
    let mut buf = [0; 64];
    let mut out = Output::new(&mut buf);
    check!(ws.transmit(&mut out) == 3);
    check!(ws.receive(&mut input) == Ok(Some(Event::Ping)) && input.is_empty());
    check!(ws.transmit(&mut out) == 3);
    check!(out.filled() == b"\x8a\x011\x8a\x012");
    Ok(())
}

/// Those that may be sent (RFC 6455 7.4) are sent back; the others are violations.
pub(crate) fn codes() -> Outcome {
    for code in (0..5100).chain([u16::MAX]) {
        let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        check!(CloseCode::new(code).is_some() == may_be_sent);
        let [hi, lo] = code.to_be_bytes();
        let (mut ws, mut tape) = (server(), Tape::default());
        tape.feed(&mut ws, &frame(From::Client, 0x88, &[hi, lo, b'!']), 64);
        if may_be_sent {
            check!(tape.failed.is_none() && tape.seen == [b'c', hi, lo, b'!']);
            check!(tape.sent == [0x88, 2, hi, lo]);
            check!(ws.close_received() == Some(CloseCode::new(code)) && ws.close_reason() == "!");
            check!(ws.was_clean());
        } else {
            check!(tape.failed == Some(PeerError::BadClose) && tape.seen.is_empty());
            check!(tape.sent == b"\x88\x02\x03\xea");
            check!(!ws.was_clean());
        }
        check!(ws.wants_shutdown());
    }
    Ok(())
}

pub(crate) fn handshake() -> Outcome {
    for client_first in [true, false] {
        for size in [1, 3, 64] {
            let (mut server, mut client) = (server(), client());
            let (mut from_client, mut from_server) = (Tape::default(), Tape::default());
            let mut buf = [0; 64];
            let mut out = Output::new(&mut buf);
            let going = CloseCode::GOING_AWAY;
            if client_first {
                check!(client.close(Some(going), "bye", &mut out) == Ok(true));
                check!(client.ready_state() == ReadyState::Closing);
                from_client.feed(&mut server, out.filled(), size);
                check!(from_client.seen == b"c\x03\xe9bye");
                from_server.feed(&mut client, &from_client.sent, size);
            } else {
                check!(server.close(Some(going), "bye", &mut out) == Ok(true));
                check!(server.ready_state() == ReadyState::Closing);
                from_server.feed(&mut client, out.filled(), size);
                check!(from_server.seen == b"c\x03\xe9bye");
                from_client.feed(&mut server, &from_server.sent, size);
            }
            check!(server.was_clean() && client.was_clean());
            check!(server.wants_shutdown() && !client.wants_shutdown()); // the server closes TCP first
            let mut out = Output::new(&mut buf);
            check!(server.send(Kind::Text, &mut &b"late"[..], true, &mut out) == Err(UsageError::Closing));
            check!(client.send(Kind::Text, &mut &b"late"[..], true, &mut out) == Err(UsageError::Closing));
            client.receive_eof();
            check!(client.ready_state() == ReadyState::Closed);
        }
    }
    Ok(())
}

pub(crate) fn eof() -> Outcome {
    let (mut ws, mut tape) = (server(), Tape::default());
    tape.feed(&mut ws, &frame(From::Client, 0x01, b"and the"), 64);
    ws.receive_eof();
    check!(tape.seen == b"tand the");
    check!(ws.ready_state() == ReadyState::Closed && !ws.was_clean() && ws.wants_shutdown());
    Ok(())
}

pub(crate) fn deadlines() -> Outcome {
    let timeouts = Timeouts {
        ping: Duration::from_millis(100),
        pong: Duration::from_millis(50),
        close: Duration::from_millis(70),
        ..Timeouts::OFF
    };
    let at = Instant::from_millis;
    let mut ws = Connection::client(FREE.with_timeouts(timeouts), TestKeys(3), START);
    let mut tape = Tape::default();
    check!(ws.poll_timeout() == Some(at(100)));
    ws.handle_timeout(at(99));
    check!(!ws.wants_transmit());
    ws.handle_timeout(at(100));
    check!(ws.wants_transmit());
    tape.feed(&mut ws, &[], 64);
    check!(tape.sent[0] == 0x89);
    // The payload, without its mask.
    let (key, masked) = tape.sent[2..].split_at(4);
    let ping: Bytes = masked.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    ws.set_time(at(120));
    tape.feed(&mut ws, &frame(From::Server, 0x8a, &ping), 64);
    check!(ws.round_trip() == Some(Duration::from_millis(20)));
    ws.handle_timeout(at(220));
    tape.feed(&mut ws, &[], 64);
    ws.handle_timeout(at(269));
    check!(ws.timed_out().is_none());
    ws.handle_timeout(at(270));
    check!(ws.timed_out() == Some(TimedOut::Pong) && ws.ready_state() == ReadyState::Closed);

    let mut ws = Connection::server(FREE.with_timeouts(timeouts), START);
    let mut buf = [0; 64];
    check!(ws.close(None, "", &mut Output::new(&mut buf)) == Ok(true));
    check!(ws.poll_timeout() == Some(at(70)));
    ws.handle_timeout(at(70));
    check!(ws.timed_out() == Some(TimedOut::Close));
    Ok(())
}
