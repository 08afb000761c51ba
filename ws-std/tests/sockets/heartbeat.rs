//! Heartbeat and idle deadlines.

use crate::common::frames::{CLOSE, PING, PONG, TEXT, close_body};
use crate::peer::{Raw, ms, options, soon};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use ws_std::{Error, Message, ReadyState, Waited};

#[test]
fn a_silent_peer_is_noticed() {
    let (mut raw, mut ws) = Raw::with_server(&options(|timeouts| {
        timeouts.ping = ms(40);
        timeouts.pong = ms(40);
    }));
    let error = soon(|| ws.read().map(drop).unwrap_err());
    assert!(matches!(error, Error::TimedOut(Waited::Pong)), "{error:?}");
    assert_eq!(ws.ready_state(), ReadyState::Closed);
    assert!(ws.read().is_err(), "it stays given up");
    assert_eq!(raw.next().map(|(b0, _)| b0), Some(PING));
    assert_eq!(raw.next(), None);
}

#[test]
fn a_pong_keeps_a_connection() {
    let (mut raw, mut ws) = Raw::with_client(&options(|timeouts| timeouts.ping = ms(20)));
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(soon(|| ws.read().unwrap()), None);
            assert!(ws.round_trip().is_some());
        });
        for _ in 0..5 {
            let (b0, payload) = raw.next().unwrap();
            assert_eq!(b0, PING);
            raw.send(PONG, &payload);
        }
        raw.send(CLOSE, &close_body(1000, ""));
        while raw.next().is_some_and(|(b0, _)| b0 == PING) {} // then the Close
        drop(raw);
    });
}

#[test]
fn a_pong_to_something_else_does_not() {
    let (mut raw, mut ws) = Raw::with_server(&options(|timeouts| {
        timeouts.ping = ms(30);
        timeouts.pong = ms(60);
    }));
    thread::scope(|scope| {
        scope.spawn(|| {
            let error = soon(|| ws.read().map(drop).unwrap_err());
            assert!(matches!(error, Error::TimedOut(Waited::Pong)), "{error:?}");
        });
        assert_eq!(raw.next().map(|(b0, _)| b0), Some(PING));
        raw.send(PONG, b"something else");
        assert_eq!(raw.next(), None);
    });
}

#[test]
fn an_idle_peer_is_left() {
    let (mut raw, mut ws) = Raw::with_server(&options(|timeouts| {
        timeouts.ping = ws_core::Duration::ZERO;
        timeouts.idle = ms(60);
    }));
    raw.send(TEXT, b"not yet");
    assert_eq!(ws.read().unwrap(), Some(Message::Text("not yet")));
    let error = soon(|| ws.read().map(drop).unwrap_err());
    assert!(matches!(error, Error::TimedOut(Waited::Idle)), "{error:?}");
}

/// What came while the application was busy counts, though its deadline passed unseen.
#[test]
fn a_busy_application_does_not_lose_its_peer() {
    let (mut raw, mut ws) = Raw::with_server(&options(|timeouts| {
        timeouts.ping = ms(20);
        timeouts.pong = ms(300);
    }));
    let (pinged, stop) = mpsc::channel::<()>();
    let (busy, is_busy) = mpsc::channel::<()>();
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            ws.stream().set_nonblocking(true).unwrap();
            while stop.try_recv().is_err() {
                assert!(matches!(ws.read(), Err(Error::WouldBlock)));
            }
            ws.stream().set_nonblocking(false).unwrap();
            busy.send(()).unwrap();
            is_done.recv().unwrap();
            assert_eq!(soon(|| ws.read().unwrap()), Some(Message::Text("done")));
            assert!(ws.round_trip().is_some());
        });
        let (b0, payload) = raw.next().unwrap();
        assert_eq!(b0, PING);
        pinged.send(()).unwrap();
        is_busy.recv().unwrap();
        raw.send(PONG, &payload);
        // A read in vain takes longer than the Pong may.
        raw.stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        assert!(raw.read_some().is_err());
        raw.send(TEXT, b"done");
        done.send(()).unwrap();
    });
}
