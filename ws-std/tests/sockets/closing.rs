//! Closing handshakes, good and bad, and peers that leave without one.

use crate::common::frames::{BINARY, CLOSE, PING, PONG, TEXT, close_body, frame};
use crate::peer::{Raw, fill, ms, options, pair, soon};
use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};
use ws_core::Role;
use ws_std::{CloseCode, Error, Options, PeerError, ReadyState, Transport, Waited, WebSocket};

fn code(code: u16) -> CloseCode {
    CloseCode::new(code).unwrap()
}

/// One end closes, the other reads on; both know all about it.
fn close<S: Transport + Send, A: Role + Send, B: Role + Send>(
    mut a: WebSocket<S, A>,
    mut b: WebSocket<S, B>,
    with: Option<u16>,
    reason: &str,
) {
    let code = with.map(code);
    thread::scope(|scope| {
        scope.spawn(|| {
            a.begin_close(code, reason).unwrap();
            assert_eq!(a.ready_state(), ReadyState::Closing);
            assert!(matches!(a.send_text("late"), Err(Error::Usage(ws_std::UsageError::Closing))));
            assert_eq!(a.read().unwrap(), None);
            assert!(a.was_clean());
            assert_eq!(a.close_sent(), Some(code));
            assert_eq!(a.close_received(), Some(code), "it is answered with the same code");
            assert_eq!(a.ready_state(), ReadyState::Closed);
        });
        assert_eq!(b.read().unwrap(), None);
        assert!(b.was_clean());
        assert_eq!(b.close_received(), Some(code));
        assert_eq!(b.close_reason(), reason);
        assert_eq!(b.close_sent(), Some(code));
        assert_eq!(b.ready_state(), ReadyState::Closed);
    });
}

#[test]
fn codes_and_reasons_arrive_each_way() {
    let longest = "r".repeat(123);
    for (with, reason) in [(Some(1000), "bye"), (Some(1001), ""), (Some(4999), &*longest), (None, "")] {
        let (client, server) = pair(&Options::DEFAULT, &Options::DEFAULT);
        soon(|| close(client, server, with, reason));
        let (client, server) = pair(&Options::DEFAULT, &Options::DEFAULT);
        soon(|| close(server, client, with, reason));
    }
}

#[test]
fn both_may_close_at_once() {
    let (mut client, mut server) = pair(&Options::DEFAULT, &Options::DEFAULT);
    client.begin_close(Some(code(1000)), "mine").unwrap();
    server.begin_close(Some(code(1001)), "yours").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| soon(|| client.close(code(1002), "is too late").unwrap()));
        soon(|| server.close(code(1002), "is too late").unwrap());
    });
    assert_eq!((client.close_received(), client.close_reason()), (Some(Some(code(1001))), "yours"));
    assert_eq!((server.close_received(), server.close_reason()), (Some(Some(code(1000))), "mine"));
    assert!(client.was_clean() && server.was_clean());
}

/// The server ends TCP first (RFC 6455 7.1.1), whoever began.
#[test]
fn a_server_ends_the_stream_first() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(ws.read().unwrap(), None));
        raw.send(CLOSE, &close_body(1000, ""));
        assert_eq!(raw.next(), Some((CLOSE, close_body(1000, ""))));
        assert_eq!(soon(|| raw.next()), None, "its end comes while ours is open");
        drop(raw);
    });
}

#[test]
fn a_client_waits_for_the_server_to_end_the_stream() {
    let (mut raw, mut ws) = Raw::with_client(&Options::DEFAULT);
    thread::scope(|scope| {
        scope.spawn(|| soon(|| ws.close(code(1000), "").unwrap()));
        assert_eq!(raw.next(), Some((CLOSE, close_body(1000, ""))));
        raw.send(CLOSE, &close_body(1000, ""));
        raw.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let waiting = raw.read_some().unwrap_err();
        assert_eq!(waiting.kind(), ErrorKind::WouldBlock, "it waits for the server");
        raw.stream.shutdown(Shutdown::Write).unwrap();
        raw.stream.set_read_timeout(Some(crate::peer::TOO_LONG)).unwrap();
        assert_eq!(raw.read_some().unwrap(), 0);
    });
}

/// The peer has closed, and what is missing is only the end of TCP.
#[test]
fn a_server_that_never_ends_the_stream_is_left() {
    let (mut raw, mut ws) = Raw::with_client(&options(|timeouts| timeouts.close = ms(100)));
    thread::scope(|scope| {
        scope.spawn(|| soon(|| ws.close(code(1000), "").unwrap()));
        raw.next();
        raw.send(CLOSE, &close_body(1000, ""));
        assert_eq!(soon(|| raw.next()), None);
    });
}

#[test]
fn a_peer_may_leave_right_behind_its_close() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    raw.send(TEXT, b"last");
    raw.send(CLOSE, &close_body(1001, "gone"));
    drop(raw);
    assert_eq!(ws.read().unwrap(), Some(ws_std::Message::Text("last")));
    assert_eq!(soon(|| ws.read().unwrap()), None);
    assert_eq!((ws.close_received(), ws.close_reason()), (Some(Some(code(1001))), "gone"));
}

#[test]
fn a_peer_that_leaves_without_closing_is_lost() {
    let (raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    drop(raw);
    assert!(matches!(ws.read(), Err(Error::Lost)));
    assert!(!ws.was_clean());
    assert_eq!(ws.close_received(), None);
    assert!(matches!(ws.read(), Err(Error::Lost)), "it stays lost");
}

#[test]
fn a_peer_that_leaves_inside_a_message_is_lost() {
    let (mut raw, mut ws) = Raw::with_client(&Options::DEFAULT);
    raw.send(0x01, b"beginning");
    drop(raw);
    assert!(matches!(ws.read(), Err(Error::Lost)));
}

#[test]
fn a_peer_that_resets_is_an_error_of_the_transport() {
    let (raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    ws.send_text("never read").unwrap();
    raw.stream.set_nonblocking(true).unwrap();
    while raw.stream.peek(&mut [0; 1]).is_err() {}
    drop(raw);
    let error = soon(|| ws.read().map(drop).unwrap_err());
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset), "{error:?}");
}

#[test]
fn a_peer_that_never_answers_a_close_is_left() {
    let (raw, mut ws) = Raw::with_server(&options(|timeouts| timeouts.close = ms(100)));
    let error = soon(|| ws.close(code(1000), "").unwrap_err());
    assert!(matches!(error, Error::TimedOut(Waited::Close)), "{error:?}");
    assert_eq!(ws.ready_state(), ReadyState::Closed);
    drop(raw);
}

/// Not even the Close can be written.
#[test]
fn a_peer_that_takes_nothing_is_left_as_soon() {
    let (raw, mut ws) = Raw::with_server(&options(|timeouts| timeouts.close = ms(100)));
    fill(&mut ws);
    let begun = Instant::now();
    let error = ws.close(code(1000), "").unwrap_err();
    assert!(matches!(error, Error::TimedOut(Waited::Close)), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "the time to send is longer, and does not count");
    drop(raw);
}

#[test]
fn a_peer_that_answers_a_close_with_data_for_ever_is_left() {
    let (mut raw, mut ws) = Raw::with_server(&options(|timeouts| timeouts.close = ms(100)));
    thread::scope(|scope| {
        scope.spawn(move || {
            let frame = frame(true, BINARY, &[1; 5000]);
            while raw.stream.write_all(&frame).is_ok() {}
        });
        let error = soon(|| ws.close(code(1000), "").unwrap_err());
        assert!(matches!(error, Error::TimedOut(Waited::Close)), "{error:?}");
        drop(ws); // this ends the flood
    });
}

#[test]
fn what_comes_behind_our_close_is_still_received() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    ws.begin_close(Some(code(1000)), "").unwrap();
    assert_eq!(raw.next(), Some((CLOSE, close_body(1000, ""))));
    raw.send(TEXT, b"one more");
    raw.send(PING, b"still there?");
    raw.send(CLOSE, &close_body(1000, ""));
    assert_eq!(ws.read().unwrap(), Some(ws_std::Message::Text("one more")));
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(ws.read().unwrap(), None));
        assert_eq!(raw.next(), Some((PONG, b"still there?".to_vec())));
        assert_eq!(raw.next(), None);
        drop(raw);
    });
}

/// The time for closing begins when closing does, not when something was read last.
#[test]
fn a_close_after_a_long_silence_has_all_its_time() {
    let close = 300;
    let (mut raw, mut ws) = Raw::with_server(&options(|timeouts| timeouts.close = ms(close)));
    // A read in vain takes longer than a close may.
    raw.stream.set_read_timeout(Some(Duration::from_millis(u64::from(close) + 100))).unwrap();
    assert!(raw.read_some().is_err());
    raw.stream.set_read_timeout(Some(crate::peer::TOO_LONG)).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| ws.close(code(1000), "").unwrap());
        assert_eq!(raw.next(), Some((CLOSE, close_body(1000, ""))));
        raw.send(CLOSE, &close_body(1000, ""));
        assert_eq!(raw.next(), None);
        drop(raw);
    });
}

/// The Close that says why arrives, however much of what the peer sent is not looked at.
#[test]
fn a_peer_that_breaks_a_rule_is_told() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(ws.read().unwrap(), Some(ws_std::Message::Text("good")));
            for _ in 0..2 {
                let error = ws.read().map(drop).unwrap_err();
                assert!(matches!(error, Error::Peer(PeerError::ReservedOpcode)), "{error:?}");
            }
            assert_eq!(ws.close_sent(), Some(Some(code(1002))));
            assert_eq!(ws.ready_state(), ReadyState::Closed);
        });
        raw.send(TEXT, b"good");
        raw.send(0x83, b"bad");
        raw.send(BINARY, &[0; 60_000]);
        assert_eq!(raw.next(), Some((CLOSE, close_body(1002, ""))));
        assert_eq!(raw.next(), None);
        drop(raw);
    });
}

/// What came before the offending byte is lent first, and can be sent on; then the peer is told.
#[test]
fn a_broken_rule_behind_the_piece_that_is_held_is_the_next_error() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    thread::scope(|scope| {
        scope.spawn(move || {
            let (chunk, mut sender) = ws.receive().unwrap().unwrap();
            assert_eq!((chunk.payload, chunk.last), (b"good".as_slice(), false));
            sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last).unwrap();
            let error = ws.receive().unwrap_err();
            assert!(matches!(error, Error::Peer(PeerError::InvalidUtf8)), "{error:?}");
        });
        let bytes = [frame(true, TEXT, b"good\xff"), frame(true, BINARY, &[0; 50_000])].concat();
        raw.write(&bytes);
        assert_eq!(raw.next(), Some((TEXT & 0x7f, b"good".to_vec()))); // a fragment
        assert_eq!(raw.next(), Some((CLOSE, close_body(1007, ""))));
        assert_eq!(raw.next(), None);
        drop(raw);
    });
}

#[test]
fn a_broken_rule_is_reported_though_the_peer_is_gone() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    raw.send(0x83, b"bad");
    drop(raw);
    let error = ws.read().map(drop).unwrap_err();
    assert!(matches!(error, Error::Peer(PeerError::ReservedOpcode)), "{error:?}");
}

#[test]
fn the_application_may_refuse() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    raw.send(TEXT, b"something");
    assert!(ws.read().unwrap().is_some());
    ws.fail(CloseCode::UNSUPPORTED_DATA);
    thread::scope(|scope| {
        scope.spawn(|| {
            let error = ws.read().map(drop).unwrap_err();
            assert!(matches!(error, Error::Peer(PeerError::Refused)), "{error:?}");
        });
        assert_eq!(raw.next(), Some((CLOSE, close_body(1003, ""))));
        assert_eq!(raw.next(), None);
        drop(raw);
    });
}

/// Without a Close, but TCP ends, whichever end it is and whatever it was in the middle of: a peer that waits is told.
#[test]
fn a_socket_that_is_dropped_ends_its_connection() {
    let (raw, ws) = Raw::with_server(&Options::DEFAULT);
    is_told(raw, || drop(ws));
    let (raw, ws) = Raw::with_client(&Options::DEFAULT);
    is_told(raw, || drop(ws));
    let (raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    ws.send(ws_std::Kind::Binary, &mut &b"the beginning"[..], false).unwrap();
    is_told(raw, || drop(ws));
    let (raw, ws) = Raw::with_server(&Options::DEFAULT);
    let (reader, writer) = ws.try_split().unwrap();
    is_told(raw, || drop((reader, writer)));
}

fn is_told(mut raw: Raw, dropping: impl FnOnce()) {
    dropping();
    // Within the time that it waits at most, or this fails.
    soon(|| while raw.read_some().unwrap() != 0 {});
}
