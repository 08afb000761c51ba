//! How long each part of a request may take.

use crate::at;
use crate::cases::thin;
use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::{Duration, Input};

/// The deadlines, each counted from where its part begins, whatever trickles in meanwhile.
#[test]
fn each_part_has_its_deadline() {
    const SETTINGS: Settings = Settings {
        first_timeout: Duration::from_millis(1000),
        head_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(30),
        idle_timeout: Duration::from_millis(4),
        ..Settings::DEFAULT
    };
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &SETTINGS, at(100));
    let feed = |exchange: &mut Exchange<'_>, now, bytes: &[u8]| {
        exchange.set_time(at(now));
        exchange.receive(&mut Input::new(&mut bytes.to_vec()))
    };
    assert_eq!(exchange.poll_timeout(), Some(at(1100)));
    // Empty lines are no beginning.
    assert_eq!(feed(&mut exchange, 1050, b"\r\n\r\n"), Ok(false));
    assert_eq!(exchange.poll_timeout(), Some(at(1100)));
    assert_eq!(feed(&mut exchange, 1090, b"P"), Ok(false));
    assert_eq!(exchange.poll_timeout(), Some(at(1290)));
    assert_eq!(feed(&mut exchange, 1280, b"OST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"), Ok(false));
    exchange.handle_timeout(at(1289));
    assert_eq!(exchange.poll_timeout(), Some(at(1290)), "one for all of the head");
    assert_eq!(feed(&mut exchange, 1289, b"\r\n"), Ok(true));
    assert_eq!(exchange.poll_timeout(), Some(at(1319)));
    exchange.set_time(at(1318));
    assert!(exchange.receive_body(&mut Input::new(&mut b"hell".to_vec())).unwrap().is_some());
    assert_eq!(exchange.poll_timeout(), Some(at(1319)), "one for all of the body");
    assert!(exchange.receive_body(&mut Input::new(&mut b"o".to_vec())).unwrap().is_some());
    assert_eq!(exchange.poll_timeout(), None, "an answer may take its time");
    exchange.handle_timeout(at(1_000_000));
    assert!(exchange.next(false, at(1_000_000)));
    assert_eq!(exchange.poll_timeout(), Some(at(1_000_004)));
    exchange.handle_timeout(at(1_000_003));
    assert_eq!(feed(&mut exchange, 1_000_003, b""), Ok(false));
    exchange.handle_timeout(at(1_000_004));
    assert_eq!(
        feed(&mut exchange, 1_000_004, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Err(Refusal::Over),
        "too late"
    );
}

#[test]
fn who_is_too_late_is_told_if_there_is_something_to_tell() {
    let script = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let head = script.len() - 5;
    for cut in thin(0..script.len(), 20) {
        let mut store = [0; 256];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
        let mut bytes = script.as_bytes()[..cut].to_vec();
        let mut input = Input::new(&mut bytes);
        if exchange.receive(&mut input) == Ok(true) {
            while exchange.receive_body(&mut input).unwrap().is_some() {}
        }
        exchange.handle_timeout(at(29_999));
        if cut < head {
            assert_eq!(exchange.poll_timeout(), None);
        }
        exchange.handle_timeout(at(30_000));
        let refusal = exchange.receive(&mut Input::new(&mut [])).unwrap_err();
        assert_eq!(refusal.status(), (cut > 0).then_some(408), "at {cut}");
        assert_eq!(refusal.response().is_some(), cut > 0);
    }
    // No deadlines at all.
    let settings = Settings {
        first_timeout: Duration::ZERO,
        head_timeout: Duration::ZERO,
        body_timeout: Duration::ZERO,
        idle_timeout: Duration::ZERO,
        ..Settings::DEFAULT
    };
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &settings, at(0));
    for byte in script.bytes() {
        assert_eq!(exchange.poll_timeout(), None);
        exchange.handle_timeout(at(1 << 30));
        let mut byte = [byte];
        let mut input = Input::new(&mut byte);
        assert!(exchange.receive(&mut input).is_ok() && exchange.receive_body(&mut input).is_ok());
    }
    assert!(exchange.is_body_done());
}
