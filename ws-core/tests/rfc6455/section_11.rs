//! RFC 6455 11.3: which fields of the handshake may stand once, and which on several lines.

use crate::common::at;
use crate::opening::{REQUEST, RESPONSE, ask, hear, hear_to, plain, refused, serve, serve_as, values, with};
use ws_core::Input;
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::client::{Error, Request};
use ws_core::handshake::extensions;
use ws_core::handshake::server::Handshake;
use ws_core::http::HeadError;

const TWICE: Error = Error::Head(HeadError::DuplicateField);

#[test]
fn a_second_key_is_refused() {
    refused(&with(REQUEST, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400);
    refused(&with(REQUEST, "SEC-WEBSOCKET-KEY: x"), 400);
}

#[test]
fn extensions_may_stand_on_several_lines_of_a_request() {
    let head = with(&with(REQUEST, "Sec-WebSocket-Extensions: a, b"), "Sec-WebSocket-Extensions: c; d=1");
    assert!(serve(&head).is_ok());
    let (mut store, mut bytes) = ([0; 1024], head);
    let mut handshake = Handshake::new(&mut store, &[], at(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    let request = handshake.request();
    let names: Vec<_> =
        request.extensions().flat_map(extensions::offers).map(|offer| offer.unwrap().name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn extensions_on_two_lines_of_a_response_fail() {
    let one = with(RESPONSE, "Sec-WebSocket-Extensions: a");
    assert!(hear(&with(&one, "Sec-WebSocket-Extensions: b")).is_err());
}

#[test]
fn a_second_accept_value_fails() {
    for value in ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "x"] {
        assert_eq!(hear(&with(RESPONSE, format!("Sec-WebSocket-Accept: {value}"))), Err(TWICE));
    }
}

#[test]
fn subprotocols_may_stand_on_several_lines_of_a_request() {
    let head = with(&with(REQUEST, "Sec-WebSocket-Protocol: a, b"), "Sec-WebSocket-Protocol: c");
    for name in ["a", "b", "c"] {
        let response = serve_as(&head, OriginPolicy::Any, Some(name)).unwrap();
        assert_eq!(values(&response, "Sec-WebSocket-Protocol"), [name]);
    }
    let (mut store, mut bytes) = ([0; 1024], head);
    let mut handshake = Handshake::new(&mut store, &[], at(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    assert_eq!(handshake.request().subprotocols().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn a_second_subprotocol_in_a_response_fails() {
    let request = Request { subprotocols: &["a", "b"], ..plain() };
    let one = with(RESPONSE, "Sec-WebSocket-Protocol: a");
    assert_eq!(hear_to(request, &one), Ok(Some("a".into())));
    for name in ["a", "b"] {
        let two = with(&one, format!("Sec-WebSocket-Protocol: {name}"));
        assert_eq!(hear_to(request, &two), Err(TWICE));
    }
}

#[test]
fn a_second_version_is_refused() {
    for version in ["13", "8"] {
        refused(&with(REQUEST, format!("Sec-WebSocket-Version: {version}")), 400);
    }
}

#[test]
fn no_field_is_sent_twice() {
    let protocols = ["a", "b"];
    let request = ask(Request { subprotocols: &protocols, ..plain() }).unwrap();
    let offer = with(REQUEST, "Sec-WebSocket-Protocol: a");
    let response = serve_as(&offer, OriginPolicy::Any, Some("a")).unwrap();
    for head in [request, response] {
        for line in head.lines().skip(1).filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap();
            assert_eq!(values(&head, name).len(), 1, "{name}");
        }
    }
}
