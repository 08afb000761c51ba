//! RFC 6455 4.2 to 4.4: what a server takes, what it answers, and how the two agree on a version.

use crate::common::{at, thin};
use crate::opening::{
    NONCE, Nonce, REQUEST, begun, instead, plain, refused, refused_for, reversed, serve, serve_as, values,
    with, without, written,
};
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::client;
use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::http::{HeadError, Response};
use ws_core::{Connection, Entropy, Event, Input, UsageError};

#[test]
fn nothing_is_read_behind_a_request_that_is_malformed() {
    let bad = with(REQUEST, "A B: x");
    let mut bytes = [&bad[..], REQUEST].concat();
    let at_error = bad.len() - b" B: x\r\n\r\n".len();
    let mut store = [0; 1024];
    let mut handshake = Handshake::new(&mut store, &[], at(0));
    let mut input = Input::new(&mut bytes);
    let refusal = Refusal::Head(HeadError::BadName);
    assert_eq!(handshake.receive(&mut input), Err(refusal));
    assert_eq!(input.consumed(), at_error + 1, "stops at the byte that is wrong");
    assert_eq!(handshake.receive(&mut input), Err(refusal), "and does not go on");
    assert_eq!(input.consumed(), at_error + 1);
    assert!(handshake.accept(OriginPolicy::Any).is_err());
    for (line, status) in [
        ("A : x", 400),
        (": x", 400),
        ("A", 400),
        (" A: x", 400),
        ("A: \0", 400),
        ("A: x\ny: z", 400),
        ("A: x\ry: z", 400),
        ("A\u{e9}: x", 400),
        ("Content-Length: 5", 400),
        ("Transfer-Encoding: chunked", 400),
    ] {
        refused(&with(REQUEST, line), status);
    }
}

#[test]
fn a_request_must_be_a_get_of_http_1_1() {
    for (line, status) in [
        ("POST / HTTP/1.1", 405),
        ("HEAD / HTTP/1.1", 405),
        ("get / HTTP/1.1", 405),
        ("GETX / HTTP/1.1", 405),
        ("GET / HTTP/1.0", 505),
        ("GET / HTTP/0.9", 505),
        ("GET / HTTP/2.0", 505),
        ("GET / http/1.1", 400),
        ("GET /", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET", 400),
        ("GET * HTTP/1.1", 400),
        ("GET room HTTP/1.1", 400),
        ("GET /\u{e9} HTTP/1.1", 400),
    ] {
        refused(&begun(line, REQUEST), status);
    }
}

#[test]
fn the_request_target_is_the_resource_asked_for() {
    for (target, path, query) in [
        ("/room?n=1", "/room", Some("n=1")),
        ("/", "/", None),
        ("http://ws.example/a", "/a", None),
        ("https://ws.example?q", "/", Some("q")),
    ] {
        let mut bytes = begun(&format!("GET {target} HTTP/1.1"), REQUEST);
        let mut store = [0; 1024];
        let mut handshake = Handshake::new(&mut store, &[], at(0));
        assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
        let asked = handshake.request().target();
        assert_eq!((asked.path, asked.query), (path, query));
        assert!(handshake.accept(OriginPolicy::SameOrigin).is_ok());
    }
}

#[test]
fn a_request_must_name_its_host() {
    refused(&without(REQUEST, "Host"), 400);
    refused(&instead(REQUEST, b"Host: \xff"), 400);
    refused(&with(REQUEST, "Host: other.example"), 400);
}

#[test]
fn a_request_must_ask_to_upgrade_to_websocket() {
    refused(&without(REQUEST, "Upgrade"), 426);
    for bad in ["", "h2c", "websockets", "web socket", "websocket/13"] {
        refused(&instead(REQUEST, format!("Upgrade: {bad}")), 426);
    }
    for good in ["websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket,h2c"] {
        assert!(serve(&instead(REQUEST, format!("Upgrade: {good}"))).is_ok(), "{good}");
    }
}

#[test]
fn a_request_must_ask_to_upgrade_the_connection() {
    refused(&without(REQUEST, "Connection"), 426);
    for bad in ["", "close", "keep-alive", "Upgrades", "up grade"] {
        refused(&instead(REQUEST, format!("Connection: {bad}")), 426);
    }
    for good in ["upgrade", "UPGRADE", "keep-alive, Upgrade", ",,Upgrade,", "keep-alive,upgrade\t, x"] {
        assert!(serve(&instead(REQUEST, format!("Connection: {good}"))).is_ok(), "{good}");
    }
}

#[test]
fn a_request_must_have_a_key_of_sixteen_bytes_in_base64() {
    refused(&without(REQUEST, "Sec-WebSocket-Key"), 400);
    let bad = [
        "",
        "abc",
        "AAAA",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25j",         // 15 bytes
        "dGhlIHNhbXBsZSBub25jZWU=",     // 17 bytes
        "dGhlIHNhbXBsZSBub25jZWVl",     // 18 bytes
        "dGhlIHNhbXBsZSBub25jZQ==AAAA", // something behind the padding
        "dGhlIHNhbXBs ZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZ-==",
        "dGhlIHNhbXBsZSBub25j\u{e9}==",
    ];
    for bad in thin(bad, 1) {
        refused(&instead(REQUEST, format!("Sec-WebSocket-Key: {bad}")), 400);
    }
}

#[test]
fn a_request_must_ask_for_version_13() {
    refused(&without(REQUEST, "Sec-WebSocket-Version"), 426);
    let bad =
        ["", "0", "7", "8", "12", "14", "013", "13.0", "+13", "13, 8", "1 3", "255", "256", "4294967309"];
    for bad in thin(bad, 1) {
        refused(&instead(REQUEST, format!("Sec-WebSocket-Version: {bad}")), 426);
    }
}

#[test]
fn a_request_without_an_origin_is_not_taken_for_a_browsers() {
    for policy in [OriginPolicy::SameOrigin, OriginPolicy::List(&["https://page.example"]), OriginPolicy::Any]
    {
        assert!(serve_as(REQUEST, policy, None).is_ok(), "{policy:?}");
    }
    let mut store = [0; 1024];
    let mut handshake = Handshake::new(&mut store, &[], at(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut REQUEST.to_vec())), Ok(true));
    assert_eq!(handshake.request().origin(), None);
}

#[test]
fn subprotocols_that_break_the_grammar_are_refused() {
    let with_offer = |bytes: &[u8]| with(REQUEST, [b"Sec-WebSocket-Protocol: ", bytes].concat());
    let bad = [&b""[..], b",", b"a b", b"a, b c", b"a;b", b"\"a\"", b"a/b", b"\xc3\xa9", b"\xff", b"a, \xff"];
    for bad in thin(bad, 1) {
        refused(&with_offer(bad), 400);
    }
    for good in ["a", "a,b", " a , b ", ",a,,b,", "!#$%&'*+-.^_`|~"] {
        assert!(serve(&with_offer(good.as_bytes())).is_ok(), "{good}");
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let mut head = REQUEST.to_vec();
    for line in ["X-Anything: \"at, all\"", "Sec-WebSocket-Draft: 7", "constructor: 1", "Empty:", "B: \u{e9}"]
    {
        head = with(&head, line);
    }
    let long = with(&head, format!("{}: {}", "N".repeat(200), "v".repeat(2000)));
    assert_eq!(serve(&long), serve(REQUEST));
}

#[test]
fn the_request_in_any_order_and_case() {
    assert_eq!(serve(&reversed(REQUEST)), serve(REQUEST));
    let mut head = REQUEST.to_vec();
    for name in ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
        let old = values(core::str::from_utf8(REQUEST).unwrap(), name)[0];
        head = instead(&head, format!("{}:{old}", name.to_ascii_uppercase()));
    }
    assert_eq!(serve(&head), serve(REQUEST));
    assert_eq!(serve(&[b"\r\n", REQUEST].concat()), serve(REQUEST), "an empty line in front (RFC 9112 2.2)");
}

#[test]
fn an_origin_not_let_in_is_answered_with_403() {
    let from = |origin: &str| with(REQUEST, format!("Origin: {origin}"));
    let list = OriginPolicy::List(&["https://page.example"]);
    for policy in [list, OriginPolicy::SameOrigin] {
        for evil in
            ["https://evil.example", "null", "", "https://evil-page.example", "https://page.example.evil"]
        {
            refused_for(&from(evil), policy, 403);
        }
        refused_for(&with(REQUEST, b"Origin: \xff"), policy, 403);
    }
    assert!(serve_as(&from("https://page.example"), list, None).is_ok());
    assert!(serve_as(&from("http://ws.example"), OriginPolicy::SameOrigin, None).is_ok());
}

#[test]
fn a_version_not_spoken_is_told_those_that_are() {
    for bad in ["8", "14", "25, 8, 7"] {
        let response = refused(&instead(REQUEST, format!("Sec-WebSocket-Version: {bad}")), 426);
        assert_eq!(values(&response, "Sec-WebSocket-Version"), ["13"]);
        assert_eq!(values(&response, "Upgrade"), ["websocket"]);
    }
}

#[test]
fn a_service_not_there_is_answered_with_an_http_error() {
    for (status, line) in [
        (404, "HTTP/1.1 404 Not Found"),
        (401, "HTTP/1.1 401 Unauthorized"),
        (503, "HTTP/1.1 503 Service Unavailable"),
        (302, "HTTP/1.1 302 Found"),
    ] {
        let mut response = Response::new(status, &[("Location", "/other")], b"no").unwrap();
        let text = written(|out| response.transmit(out));
        assert!(text.starts_with(line) && text.ends_with("\r\n\r\nno"), "{text}");
        assert_eq!(values(&text, "Content-Length"), ["2"]);
        assert_eq!(values(&text, "Connection"), ["close"]);
    }
}

#[test]
fn the_subprotocol_chosen_is_one_of_those_offered() {
    let offer = with(REQUEST, "Sec-WebSocket-Protocol: chat, superchat");
    for name in ["chat", "superchat"] {
        let response = serve_as(&offer, OriginPolicy::Any, Some(name)).unwrap();
        assert_eq!(values(&response, "Sec-WebSocket-Protocol"), [name]);
    }
    let (mut store, mut bytes) = ([0; 1024], offer);
    let mut handshake = Handshake::new(&mut store, &[], at(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    for bad in ["", "Chat", "cha", "chat, superchat", "x"] {
        let accept = handshake.accept(OriginPolicy::Any).unwrap();
        assert_eq!(accept.subprotocol(bad).err(), Some(UsageError::NotOffered), "{bad}");
    }
    let fields = [("Sec-WebSocket-Protocol", "x")];
    let accept = handshake.accept(OriginPolicy::Any).unwrap();
    assert_eq!(accept.fields(&fields).err(), Some(UsageError::BadField), "nor by the back door");
}

#[test]
fn without_a_subprotocol_agreed_on_there_is_no_such_field() {
    let offer = with(REQUEST, "Sec-WebSocket-Protocol: chat");
    for head in [REQUEST, &offer] {
        assert_eq!(values(&serve(head).unwrap(), "Sec-WebSocket-Protocol"), [""; 0]);
    }
}

#[test]
fn no_extension_is_agreed_on() {
    let offer = with(REQUEST, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x");
    for head in [REQUEST, &offer] {
        assert_eq!(values(&serve(head).unwrap(), "Sec-WebSocket-Extensions"), [""; 0]);
    }
}

#[test]
fn the_response_is_a_101_with_all_its_fields() {
    let response = serve(REQUEST).unwrap();
    assert!(response.starts_with("HTTP/1.1 101 ") && response.ends_with("\r\n\r\n"));
    assert_eq!(response.matches("\r\n\r\n").count(), 1, "it has no body");
    assert_eq!(values(&response, "Upgrade"), ["websocket"]);
    assert_eq!(values(&response, "Connection"), ["Upgrade"]);
    assert_eq!(values(&response, "Content-Length"), [""; 0]);
}

#[test]
fn the_accept_value_is_made_of_the_key_as_it_came() {
    // Accept values made with another implementation of SHA-1 and Base64.
    for (key, accept) in [
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
    ] {
        let response = serve(&instead(REQUEST, format!("Sec-WebSocket-Key: \t{key} "))).unwrap();
        assert_eq!(values(&response, "Sec-WebSocket-Accept"), [accept], "{key}");
    }
}

#[test]
fn bytes_behind_the_request_are_frames() {
    let mut bytes = [REQUEST, b"\x81\x82\0\0\0\0hi"].concat();
    let mut input = Input::new(&mut bytes);
    let mut store = [0; 1024];
    let mut handshake = Handshake::new(&mut store, &[], at(0));
    assert_eq!(handshake.receive(&mut input), Ok(true));
    assert!(handshake.accept(OriginPolicy::Any).is_ok());
    let mut ws = Connection::server(ws_core::Config::DEFAULT, at(0));
    match ws.receive(&mut input) {
        Ok(Some(Event::Data(data))) => assert_eq!(data.payload, b"hi"),
        other => panic!("{other:?}"),
    }
}

/// Counts what it is asked for.
struct Counted(usize);

impl Entropy for Counted {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 += bytes.len();
        Nonce(*NONCE).fill(bytes);
    }
}

#[test]
fn a_client_told_another_version_can_read_which() {
    let mut bytes =
        b"HTTP/1.1 426 x\r\nSec-WebSocket-Version: 25, 8\r\nSec-WebSocket-Version: 7\r\n\r\n".to_vec();
    let (mut store, further) = ([0; 256], ["sec-websocket-version"]);
    let mut entropy = Counted(0);
    let mut handshake = client::Handshake::new(plain(), &mut entropy, &mut store, &further, at(0)).unwrap();
    let refused = client::Error::Refused { status: 426 };
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Err(refused));
    let versions: Vec<_> = handshake.response().fields().all("sec-websocket-version").collect();
    assert_eq!(versions, ["25, 8", "7"]);
    assert_eq!(entropy.0, 16, "a nonce and nothing else");
}
