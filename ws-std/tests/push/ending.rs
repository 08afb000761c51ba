//! How listeners end: another takes their place, the session is over, they read too slowly, they are gone, the application fails.

use super::flash::UPGRADE;
use super::host::{Host, options};
use super::listener::{Listener, Place, Technique, value};
use super::raw::{Raw, has_status};
use crate::common::frames::{self, CLOSE, Frame, TEXT, close_body, frame};
use std::net::Shutdown;
use ws_core::transport::Sid;
use ws_std::{Error, Message, Options};

/// All that is left of a WebSocket.
fn frames_of(listener: &mut Listener) -> Vec<Frame> {
    while listener.raw.fill() {}
    frames::decode(false, &listener.raw.read).0
}

const LONG: [Technique; 7] = [
    Technique::Sse,
    Technique::Xhr,
    Technique::Html,
    Technique::Multipart,
    Technique::LongPoll,
    Technique::Jsonp,
    Technique::WebSocket,
];

#[test]
fn of_two_listeners_of_a_session_the_later_wins() {
    for technique in LONG {
        let host = Host::start();
        let mut place = Place::default();
        let mut first = Listener::begin(&host, technique, &place);
        first.next(&mut place).unwrap();
        if technique.is_poll() {
            // The first answer has come at once; now one waits.
            drop(first);
            host.ended().0.unwrap();
            first = Listener::begin(&host, technique, &place);
        }
        host.wait_for_listener();
        let mut second = Listener::begin(&host, technique, &place);
        match technique {
            Technique::WebSocket => {
                let frames = frames_of(&mut first);
                assert!(
                    frames.contains(&(CLOSE, close_body(4000, "another connection took over"))),
                    "{frames:?}"
                );
            }
            Technique::LongPoll => has_status(&first.raw.response().0, 204),
            Technique::Jsonp => assert!(first.raw.response().1.contains("\"events\":[]")),
            _ => assert_eq!(first.next(&mut place), None, "{technique:?}"),
        }
        host.publish("one");
        assert_eq!(second.data(&mut place).as_deref(), Some("one"), "{technique:?}");
    }
}

#[test]
fn a_session_that_is_over_ends_its_listeners() {
    for technique in LONG {
        let host = Host::start();
        let mut place = Place::default();
        let mut listener = Listener::begin(&host, technique, &place);
        listener.next(&mut place).unwrap();
        if technique.is_poll() {
            drop(listener);
            host.ended().0.unwrap();
            listener = Listener::begin(&host, technique, &place);
        }
        host.wait_for_listener();
        let mut raw = Raw::connect(&host);
        raw.ask(&format!("POST /events?s={}&n=1&close=1", place.sid), "", "t3:bye");
        assert_eq!(raw.response().1, "{\"ack\":1}");
        if technique == Technique::WebSocket {
            let frames = frames_of(&mut listener);
            assert!(frames.contains(&(CLOSE, close_body(1000, ""))), "{frames:?}");
        } else {
            let event = listener.next(&mut place).unwrap();
            assert_eq!(event, "{\"close\":[1000,\"\"]}", "{technique:?}");
        }
        let sid = Sid::parse(&place.sid).unwrap();
        assert_eq!(host.push.with(|hub| hub.sessions().find(&sid)), None);
        assert_eq!(host.texts(), ["bye"]);
    }
}

#[test]
fn a_close_of_1000_ends_the_session_and_no_other_does() {
    for (code, sessions) in [(1000, 0), (1001, 1), (4001, 1)] {
        let host = Host::start();
        let mut place = Place::default();
        let mut listener = Listener::begin(&host, Technique::WebSocket, &place);
        listener.next(&mut place).unwrap();
        listener.raw.write(&frame(true, CLOSE, &close_body(code, "")));
        frames_of(&mut listener);
        host.ended().0.unwrap();
        assert_eq!((host.push.with(|hub| hub.sessions().keys().count()), host.attached()), (sessions, 0));
    }
}

#[test]
fn messages_that_are_missing_end_a_websocket() {
    let host = Host::start();
    let mut place = Place::default();
    let mut listener = Listener::begin(&host, Technique::WebSocket, &place);
    listener.next(&mut place).unwrap();
    place.n = 5;
    let mut listener = Listener::begin(&host, Technique::WebSocket, &place);
    listener.next(&mut place).unwrap();
    listener.say("too far");
    let frames = frames_of(&mut listener);
    let is_refused = |frame: &Frame| frame.0 == CLOSE && frame.1.starts_with(&1008u16.to_be_bytes());
    assert!(frames.iter().any(is_refused), "{frames:?}");
    assert!(host.texts().is_empty());
}

/// The session ended in good order, whatever the client said before it could know.
#[test]
fn messages_behind_the_end_of_a_session_are_no_gap() {
    let host = Host::start();
    for round in 0..10 {
        let mut place = Place::default();
        let mut listener = Listener::begin(&host, Technique::WebSocket, &place);
        listener.next(&mut place).unwrap();
        let said = [&b"enough"[..], b"one more", b"and another"].map(|text| frame(true, TEXT, text));
        listener.raw.write(&said.concat());
        let (_, body) = loop {
            let frames = frames::decode(false, &listener.raw.read).0;
            if let Some(close) = frames.into_iter().find(|(b0, _)| *b0 == CLOSE) {
                break close;
            }
            assert!(listener.raw.fill());
        };
        assert_eq!(body, close_body(1000, ""), "{round}");
        listener.raw.write(&frame(true, CLOSE, &body));
        listener.raw.stream.shutdown(Shutdown::Write).unwrap();
        host.ended().0.unwrap();
    }
    assert_eq!(host.texts(), ["enough"; 10]);
}

#[test]
fn who_is_gone_is_missed_within_a_moment() {
    for technique in LONG {
        let host = Host::start();
        let mut place = Place::default();
        let mut listener = Listener::begin(&host, technique, &place);
        listener.next(&mut place).unwrap();
        if technique.is_poll() {
            drop(listener);
            host.ended().0.unwrap();
            listener = Listener::begin(&host, technique, &place);
        }
        drop(listener);
        // Nothing is published that could tell.
        let _ = host.ended();
        assert_eq!(host.attached(), 0, "{technique:?}");
    }
}

#[test]
fn a_poll_of_who_has_said_all_is_answered() {
    let host = Host::start();
    let mut place = Place::default();
    Listener::begin(&host, Technique::LongPoll, &place).next(&mut place).unwrap();
    let mut listener = Listener::begin(&host, Technique::LongPoll, &place);
    listener.raw.stream.shutdown(Shutdown::Write).unwrap();
    assert!(listener.raw.rest().starts_with("HTTP/1.1 204 "));
}

#[test]
fn who_loses_an_event_in_the_middle_sees_no_end_of_the_body() {
    for technique in [Technique::Sse, Technique::WebSocket] {
        let mut options = options();
        // Never for taking nothing.
        options.socket = Options { send_timeout: std::time::Duration::ZERO, ..options.socket };
        let host = Host::over(options, 64 << 10);
        let mut place = Place::default();
        let mut listener = Listener::begin(&host, technique, &place);
        listener.next(&mut place).unwrap();
        let news = "x".repeat(15 << 10);
        // It does not read: once its sockets are full, an event is out in part, and then gone from the ring.
        for _ in 0..2000 {
            host.push.publish(Message::Text(&news)).unwrap();
        }
        let mut body = Vec::new();
        while listener.raw.fill() {
            body.append(&mut listener.raw.read);
            host.push.publish(Message::Text(&news)).unwrap();
        }
        assert!(matches!(host.ended().0, Err(Error::Lost)));
        assert!(!body.ends_with(b"0\r\n\r\n"));
        assert_eq!(host.attached(), 0);
        // It comes back, and is told that something is missing.
        let mut listener = Listener::begin(&host, technique, &place);
        assert!(listener.next(&mut place).unwrap().contains("\"open\""));
        assert!(listener.next(&mut place).unwrap().contains("\"reset\":1"));
    }
}

#[test]
fn an_application_that_fails_leaves_nobody_attached() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events?s=", "", "");
    let sid = value(&raw.response().1, "sid").unwrap();
    drop(raw);
    host.ended().0.unwrap();
    let mut raw = Raw::connect(&host);
    raw.ask(&format!("POST /broken?s={sid}&n=1"), "", "t2:hi");
    raw.rest();
    assert!(matches!(host.ended().0, Err(Error::Io(_))));
    assert_eq!(host.attached(), 0);
    let mut raw = Raw::connect(&host);
    let upgrade = format!("{UPGRADE}Sec-WebSocket-Protocol: push.v1\r\n");
    raw.ask(&format!("GET /broken?s={sid}&n=2"), &upgrade, "");
    has_status(&raw.head(), 101);
    raw.write(&frame(true, TEXT, b"hi"));
    while raw.fill() {}
    assert!(matches!(host.ended().0, Err(Error::Io(_))));
    assert_eq!(host.attached(), 0);
    // The others go on.
    let mut raw = Raw::connect(&host);
    raw.ask(&format!("POST /events?s={sid}&n=3"), "", "t2:hi");
    has_status(&raw.response().0, 200);
}

#[test]
fn when_all_sessions_are_taken_the_next_is_told_to_come_back() {
    let host = Host::start();
    let mut listeners = Vec::new();
    for _ in 0..super::host::SESSIONS {
        let mut listener = Listener::begin(&host, Technique::Sse, &Place::default());
        listener.next(&mut Place::default()).unwrap();
        listeners.push(listener);
    }
    for further in [String::new(), format!("{UPGRADE}Sec-WebSocket-Protocol: push.v1\r\n")] {
        let mut raw = Raw::connect(&host);
        raw.ask("GET /events?s=", &further, "");
        let (head, _) = raw.response();
        has_status(&head, 503);
        assert!(head.contains("Retry-After: 2\r\n"), "{head}");
    }
}
