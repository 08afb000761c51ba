//! Clients that wait to be told that their body is wanted, by `100 Continue` (RFC 9110 10.1.1).

use crate::at;
use crate::cases::thin;
use crate::exchange::{ok, serve};
use ws_core::http::BodyError;
use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::{Input, Output};

/// A client that waits to be told is told once its body is wanted, and not before.
#[test]
fn a_client_is_told_to_go_on() {
    let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n";
    for size in thin(1..30, 25) {
        let mut store = [0; 256];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
        let mut bytes = head.as_bytes().to_vec();
        assert_eq!(exchange.receive(&mut Input::new(&mut bytes)), Ok(true));
        assert!(!exchange.wants_transmit(), "nobody wants the body yet");
        assert!(!exchange.persists(), "who is not told may send it or not");
        for _ in 0..2 {
            assert_eq!(exchange.receive_body(&mut Input::new(&mut [])), Ok(None));
            assert!(exchange.wants_transmit());
        }
        let told = crate::written(size, |out| exchange.transmit(out));
        assert_eq!(told, b"HTTP/1.1 100 Continue\r\n\r\n");
        assert!(!exchange.wants_transmit());
        assert_eq!(exchange.receive_body(&mut Input::new(&mut [])), Ok(None));
        assert!(!exchange.wants_transmit(), "once is enough");
        let mut body = *b"helloGET";
        let mut input = Input::new(&mut body);
        assert_eq!(exchange.receive_body(&mut input), Ok(Some(&mut *b"hello".to_vec())));
        assert!(exchange.is_body_done() && exchange.persists() && input.rest() == b"GET");
    }
    // Who does not wait is not told; nor who has nothing to send, nor who speaks HTTP/1.0.
    let served = serve(&Settings::DEFAULT, &[format!("{head}hello").as_bytes()], 512, false);
    assert_eq!(served.said, ok("", "hello"));
    for head in [head.replace(": 5", ": 0"), head.replace("1.1", "1.0"), head.replace("Expect", "X")] {
        let mut store = [0; 256];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
        assert_eq!(exchange.receive(&mut Input::new(&mut head.into_bytes())), Ok(true));
        assert_eq!(exchange.receive_body(&mut Input::new(&mut [])), Ok(None));
        assert!(!exchange.wants_transmit());
    }
    // Who did not wait after all need not be told any more, if that has not begun.
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    assert_eq!(exchange.receive(&mut Input::new(&mut head.as_bytes().to_vec())), Ok(true));
    assert_eq!(exchange.receive_body(&mut Input::new(&mut [])), Ok(None));
    assert!(exchange.wants_transmit());
    assert!(exchange.receive_body(&mut Input::new(&mut b"he".to_vec())).unwrap().is_some());
    assert!(!exchange.wants_transmit());
    // What is begun is ended, also if the client did not wait for it.
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    assert_eq!(exchange.receive(&mut Input::new(&mut head.as_bytes().to_vec())), Ok(true));
    assert_eq!(exchange.receive_body(&mut Input::new(&mut [])), Ok(None));
    assert!(!exchange.transmit(&mut Output::new(&mut [0; 3])));
    assert!(exchange.receive_body(&mut Input::new(&mut b"hello".to_vec())).unwrap().is_some());
    assert!(exchange.wants_transmit());
    assert_eq!(crate::written(64, |out| exchange.transmit(out)), b"P/1.1 100 Continue\r\n\r\n");
}

#[test]
fn each_request_is_told_to_go_on_for_itself() {
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    for _ in 0..3 {
        assert_eq!(exchange.receive(&mut Input::new(&mut head.to_vec())), Ok(true));
        assert_eq!(exchange.receive_body(&mut Input::new(&mut [])), Ok(None));
        assert_eq!(crate::written(7, |out| exchange.transmit(out)), b"HTTP/1.1 100 Continue\r\n\r\n");
        assert!(exchange.receive_body(&mut Input::new(&mut b"hi".to_vec())).unwrap().is_some());
        assert!(exchange.next(false, at(0)));
    }
    // One that is refused without its body is told nothing else.
    assert_eq!(exchange.receive(&mut Input::new(&mut head.to_vec())), Ok(true));
    assert_eq!(exchange.limit_body(1), Err(Refusal::Body(BodyError::TooLong)));
    assert!(!exchange.wants_transmit());
}
