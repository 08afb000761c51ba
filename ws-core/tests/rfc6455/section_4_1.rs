//! RFC 6455 4.1: what a client asks, and what it makes of the answer.

use crate::common::{TestKeys, at, few};
use crate::opening::{
    NONCE, Nonce, REQUEST, RESPONSE, ask, begun, hear, hear_to, instead, plain, reversed, values, with,
    without, written,
};
use ws_core::handshake::client::{Error, Handshake, Request};
use ws_core::http::HeadError;
use ws_core::{Input, UsageError};

#[test]
fn a_host_or_target_that_no_uri_holds_is_refused() {
    let bad_hosts = ["", "a b", "a/b", "a?b", "a#b", "a@b", "a\r\nb: c", "\u{e9}", "a\0", "a,b"];
    for host in bad_hosts {
        assert_eq!(ask(Request::new(host, "/")), Err(UsageError::BadField), "{host:?}");
    }
    for target in ["", "room", "?a", "*", "/a b", "/a\r\nb: c", "/\u{e9}", "/\0", "//h#", "http://h/"] {
        assert_eq!(ask(Request::new("h", target)), Err(UsageError::BadField), "{target:?}");
    }
    for host in ["h", "h:8080", "[::1]:80", "127.0.0.1", "xn--bcher-kva.example"] {
        assert!(ask(Request::new(host, "/a%20b?c=%C3%A9")).is_ok(), "{host}");
    }
}

#[test]
fn the_request_is_a_valid_http_request() {
    let request = ask(Request { fields: &[("Cookie", "a=b; c")], ..plain() }).unwrap();
    let head = request.strip_suffix("\r\n\r\n").expect("an empty line ends it");
    assert!(!head.contains("\r\n\r\n") && !head.replace("\r\n", "").contains(['\r', '\n']));
    for line in head.split("\r\n").skip(1) {
        let (name, value) = line.split_once(": ").expect(line);
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{line}");
        assert!(!value.is_empty() && value.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
    }
    for line in head.split("\r\n").skip(1) {
        let name = line.split(':').next().unwrap();
        assert_eq!(values(&request, name).len(), 1, "{name} stands once");
    }
}

#[test]
fn the_request_is_a_get_of_http_1_1() {
    let request = ask(plain()).unwrap();
    let line: Vec<_> = request.split("\r\n").next().unwrap().split(' ').collect();
    assert_eq!((line.len(), line[0], line[2]), (3, "GET", "HTTP/1.1"));
}

#[test]
fn the_request_target_is_the_resource_name() {
    for target in ["/", "/a/b", "/a?b=c&d", "/?", "//", "/%23"] {
        let request = ask(Request::new("h", target)).unwrap();
        assert_eq!(request.split(' ').nth(1), Some(target));
    }
}

#[test]
fn the_request_names_host_and_port() {
    for host in ["ws.example", "ws.example:8080", "[2001:db8::1]:81"] {
        assert_eq!(values(&ask(Request::new(host, "/")).unwrap(), "Host"), [host]);
    }
}

#[test]
fn the_request_asks_to_upgrade_to_websocket() {
    assert_eq!(values(&ask(plain()).unwrap(), "Upgrade"), ["websocket"]);
}

#[test]
fn the_request_asks_to_upgrade_the_connection() {
    assert_eq!(values(&ask(plain()).unwrap(), "Connection"), ["Upgrade"]);
}

#[test]
fn the_key_is_sixteen_bytes_in_base64() {
    for (nonce, key) in [
        (*NONCE, "dGhlIHNhbXBsZSBub25jZQ=="),
        ([0; 16], "AAAAAAAAAAAAAAAAAAAAAA=="),
        ([0xff; 16], "/////////////////////w=="),
    ] {
        let mut store = [0; 16];
        let mut handshake = Handshake::new(plain(), &mut Nonce(nonce), &mut store, &[], at(0)).unwrap();
        let request = written(|out| handshake.transmit(out));
        assert_eq!(values(&request, "Sec-WebSocket-Key"), [key]);
    }
}

#[test]
fn the_key_is_drawn_anew_for_each_connection() {
    let mut keys = TestKeys::default();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..few(100, 6) {
        let mut store = [0; 16];
        let mut handshake = Handshake::new(plain(), &mut keys, &mut store, &[], at(0)).unwrap();
        let request = written(|out| handshake.transmit(out));
        assert!(seen.insert(values(&request, "Sec-WebSocket-Key")[0].to_owned()), "a key came twice");
    }
}

#[test]
fn the_origin_is_sent_if_there_is_one() {
    let request = Request { origin: Some("https://page.example"), ..plain() };
    assert_eq!(values(&ask(request).unwrap(), "Origin"), ["https://page.example"]);
    assert_eq!(values(&ask(plain()).unwrap(), "Origin"), [""; 0]);
    for bad in ["", "a b", "a\r\nb: c"] {
        assert_eq!(ask(Request { origin: Some(bad), ..plain() }), Err(UsageError::BadField));
    }
}

#[test]
fn the_version_asked_for_is_13() {
    assert_eq!(values(&ask(plain()).unwrap(), "Sec-WebSocket-Version"), ["13"]);
}

#[test]
fn subprotocols_go_out_in_order_of_preference() {
    let request = ask(Request { subprotocols: &["v2.chat", "v1.chat", "x"], ..plain() }).unwrap();
    assert_eq!(values(&request, "Sec-WebSocket-Protocol"), ["v2.chat, v1.chat, x"]);
    assert_eq!(values(&ask(plain()).unwrap(), "Sec-WebSocket-Protocol"), [""; 0]);
}

#[test]
fn subprotocols_offered_are_tokens_and_unique() {
    for separator in "()<>@,;:\\\"/[]?={} \t\r\n\0\u{7f}\u{e9}".chars() {
        let name = format!("a{separator}b");
        let result = ask(Request { subprotocols: &["x", &name], ..plain() });
        assert_eq!(result, Err(UsageError::BadField), "{name:?}");
    }
    assert_eq!(ask(Request { subprotocols: &[""], ..plain() }), Err(UsageError::BadField));
    assert_eq!(ask(Request { subprotocols: &["a", "b", "a"], ..plain() }), Err(UsageError::BadField));
    assert!(ask(Request { subprotocols: &["a", "A", "!#$%&'*+-.^_`|~09"], ..plain() }).is_ok());
}

#[test]
fn no_extension_is_offered() {
    assert_eq!(values(&ask(plain()).unwrap(), "Sec-WebSocket-Extensions"), [""; 0]);
    let fields = &[("Sec-WebSocket-Extensions", "x")];
    assert_eq!(ask(Request { fields, ..plain() }), Err(UsageError::BadField), "nor by the back door");
}

#[test]
fn further_fields_go_out_but_none_of_the_handshakes_own() {
    let fields = &[("Authorization", "Basic YTpi"), ("Cookie", "a=b")];
    let request = ask(Request { fields, ..plain() }).unwrap();
    assert_eq!(values(&request, "Authorization"), ["Basic YTpi"]);
    assert_eq!(values(&request, "Cookie"), ["a=b"]);
    for name in [
        "host",
        "UPGRADE",
        "Connection",
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Accept",
        "Origin",
        "Content-Length",
        "Transfer-Encoding",
        "a b",
        "",
    ] {
        assert_eq!(ask(Request { fields: &[(name, "x")], ..plain() }), Err(UsageError::BadField), "{name}");
    }
    for value in ["a\r\nb: c", "a\nb", "a\rb", "\0"] {
        assert_eq!(ask(Request { fields: &[("X", value)], ..plain() }), Err(UsageError::BadField));
    }
}

#[test]
fn nothing_goes_out_behind_the_request() {
    let mut store = [0; 256];
    let mut handshake = Handshake::new(plain(), &mut Nonce(*NONCE), &mut store, &[], at(0)).unwrap();
    let request = written(|out| handshake.transmit(out));
    assert!(request.ends_with("\r\n\r\n"));
    assert_eq!(written(|out| handshake.transmit(out)), "");
    assert_eq!(handshake.receive(&mut Input::new(&mut RESPONSE.to_vec())), Ok(true));
    assert_eq!(written(|out| handshake.transmit(out)), "");
}

#[test]
fn another_status_than_101_is_handed_on_as_http() {
    for status in [200, 204, 301, 302, 307, 400, 401, 403, 404, 407, 426, 500, 503] {
        let response = format!(
            "HTTP/1.1 {status} Whatever\r\nLocation: /b\r\nWWW-Authenticate: Basic\r\n\
             Content-Length: 4\r\n\r\nbody"
        );
        let (mut store, mut bytes) = ([0; 256], response.into_bytes());
        let mut input = Input::new(&mut bytes);
        let mut handshake = Handshake::new(plain(), &mut Nonce(*NONCE), &mut store, &[], at(0)).unwrap();
        assert_eq!(handshake.receive(&mut input), Err(Error::Refused { status }));
        assert_eq!(input.rest(), b"body", "the body is the caller's to read");
        assert_eq!(handshake.response().status(), status);
        assert_eq!(handshake.response().field("location"), Some("/b"));
        assert_eq!(handshake.response().field("www-authenticate"), Some("Basic"));
    }
    let late =
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", RESPONSE].concat();
    assert_eq!(hear(&late), Ok(None), "interim responses come before the one that counts");
}

#[test]
fn a_response_must_upgrade_to_websocket() {
    assert_eq!(hear(&without(RESPONSE, "Upgrade")), Err(Error::Upgrade));
    for bad in ["", "web socket", "websockets", "h2c", "websocket/13", "websocket, h2c", "h2c, websocket"] {
        assert_eq!(hear(&instead(RESPONSE, format!("Upgrade: {bad}"))), Err(Error::Upgrade), "{bad}");
    }
    assert_eq!(hear(&with(RESPONSE, "Upgrade: h2c")), Err(Error::Upgrade));
    for good in ["websocket", "WebSocket", "WEBSOCKET", " websocket\t"] {
        assert_eq!(hear(&instead(RESPONSE, format!("Upgrade:{good}"))), Ok(None), "{good}");
    }
}

#[test]
fn a_response_must_upgrade_the_connection() {
    assert_eq!(hear(&without(RESPONSE, "Connection")), Err(Error::Connection));
    for bad in ["", "close", "keep-alive", "Upgrades", "Upgrade keep-alive", "\"Upgrade\""] {
        assert_eq!(hear(&instead(RESPONSE, format!("Connection: {bad}"))), Err(Error::Connection), "{bad}");
    }
    for good in ["Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "x,upgrade ,y"] {
        assert_eq!(hear(&instead(RESPONSE, format!("Connection: {good}"))), Ok(None), "{good}");
    }
    assert_eq!(hear(&with(&instead(RESPONSE, "Connection: keep-alive"), "Connection: upgrade")), Ok(None));
}

#[test]
fn a_response_must_prove_that_it_read_the_key() {
    assert_eq!(hear(&without(RESPONSE, "Sec-WebSocket-Accept")), Err(Error::Accept));
    for bad in [
        "",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=x",
        "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=",
        "s3pPLMBiTxaQ 9kYGzzhZRbK+xOo=",
        "dGhlIHNhbXBsZSBub25jZQ==",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ] {
        let response = instead(RESPONSE, format!("Sec-WebSocket-Accept: {bad}"));
        assert_eq!(hear(&response), Err(Error::Accept), "{bad}");
    }
    let spaces = "Sec-WebSocket-Accept:  \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t ";
    assert_eq!(hear(&instead(RESPONSE, spaces)), Ok(None));
}

#[test]
fn a_response_must_not_use_an_extension_that_was_not_offered() {
    for line in ["permessage-deflate", "x", "x; y=1, z", "", ","] {
        let response = with(RESPONSE, format!("Sec-WebSocket-Extensions: {line}"));
        assert_eq!(hear(&response), Err(Error::Extension), "{line}");
    }
}

#[test]
fn a_response_must_not_use_a_subprotocol_that_was_not_offered() {
    let request = Request { subprotocols: &["chat", "superchat"], ..plain() };
    let response = |name: &str| with(RESPONSE, format!("Sec-WebSocket-Protocol: {name}"));
    for bad in ["", "x", "Chat", "cha", "chatt", "chat, superchat", "chat,", "\"chat\""] {
        assert_eq!(hear_to(request, &response(bad)), Err(Error::Subprotocol), "{bad}");
    }
    assert_eq!(hear(&response("chat")), Err(Error::Subprotocol), "nothing was offered");
    assert_eq!(hear_to(request, &with(RESPONSE, b"Sec-WebSocket-Protocol: \xff")), Err(Error::Subprotocol));
}

#[test]
fn a_response_that_breaks_http_fails() {
    let head = |line| begun(line, RESPONSE);
    assert_eq!(hear(&head("HTTP/1.0 101 Switching Protocols")), Err(Error::Upgrade));
    assert_eq!(hear(&head("HTTP/2.0 101 x")), Err(Error::Head(HeadError::BadVersion)));
    for line in ["101 x", "HTTP/1.1", "HTTP/1.1 1O1 x", "HTTP/1.1 0101 x", "ICY 101 x", "http/1.1 101 x", " "]
    {
        assert_eq!(hear(&head(line)), Err(Error::Head(HeadError::BadLine)), "{line}");
    }
    assert_eq!(hear(&with(RESPONSE, "A B: x")), Err(Error::Head(HeadError::BadName)));
    assert_eq!(hear(&with(RESPONSE, "A: \0")), Err(Error::Head(HeadError::ControlByte)));
    assert_eq!(hear(&with(RESPONSE, "A: x\ny")), Err(Error::Head(HeadError::BareLineBreak)));
    assert_eq!(hear(&with(RESPONSE, " A: x")), Err(Error::Head(HeadError::FoldedLine)));
    assert_eq!(hear(&with(RESPONSE, "Content-Length: 5")), Err(Error::Body));
    assert_eq!(hear(&with(RESPONSE, "Transfer-Encoding: chunked")), Err(Error::Body));
}

#[test]
fn the_response_in_any_order_and_case() {
    assert_eq!(hear(&reversed(RESPONSE)), Ok(None));
    let upper = String::from_utf8(RESPONSE.to_vec()).unwrap();
    let upper = upper.replace("Upgrade", "UPGRADE").replace("Sec-WebSocket-Accept", "SEC-WEBSOCKET-ACCEPT");
    assert_eq!(hear(upper.as_bytes()), Ok(None));
    assert_eq!(hear(upper.to_ascii_lowercase().replace("http", "HTTP").as_bytes()), Err(Error::Accept));
    assert_eq!(hear(&begun("HTTP/1.1 101 ", RESPONSE)), Ok(None), "the phrase means nothing");
    assert_eq!(hear(&begun("HTTP/1.1 101 \u{dc}bergang", RESPONSE)), Ok(None));
}

#[test]
fn the_subprotocol_in_use_is_what_the_server_chose() {
    let request = Request { subprotocols: &["chat", "superchat"], ..plain() };
    let response = with(RESPONSE, "Sec-WebSocket-Protocol: superchat");
    assert_eq!(hear_to(request, &response), Ok(Some("superchat".into())));
    assert_eq!(hear_to(request, RESPONSE), Ok(None), "none, if the server names none");
}

#[test]
fn cookies_of_the_response_can_be_read() {
    let response = with(&with(RESPONSE, "Set-Cookie: a=b"), "Set-Cookie: c=d; Path=/");
    let (mut store, mut bytes) = ([0; 512], response);
    let further = ["set-cookie"];
    let mut handshake = Handshake::new(plain(), &mut Nonce(*NONCE), &mut store, &further, at(0)).unwrap();
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    let cookies: Vec<_> = handshake.response().fields().all("set-cookie").collect();
    assert_eq!(cookies, ["a=b", "c=d; Path=/"]);
}

#[test]
fn bytes_behind_the_response_are_frames() {
    let (mut store, mut bytes) = ([0; 256], [RESPONSE, b"\x81\x02hi"].concat());
    let mut handshake = Handshake::new(plain(), &mut Nonce(*NONCE), &mut store, &[], at(0)).unwrap();
    let mut input = Input::new(&mut bytes);
    assert_eq!(handshake.receive(&mut input), Ok(true));
    assert_eq!(input.rest(), b"\x81\x02hi");
    assert_eq!(ask(plain()).unwrap().len(), REQUEST.len(), "and the request has nothing behind it");
}
