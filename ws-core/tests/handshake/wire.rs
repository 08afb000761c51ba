//! No string of the caller's reaches the wire unchecked: what would break a head is refused before a byte is written, and
//! what is not refused makes a head with the lines it should have.

use crate::cases::thin;
use crate::{SAMPLE_KEY, START, SampleNonce, written};
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::client::{Handshake, Request};
use ws_core::handshake::server;
use ws_core::http::Response;
use ws_core::{Input, UsageError};

/// The request as it goes out, or the refusal.
fn ask(request: Request<'_>) -> Result<String, UsageError> {
    let mut store = [0; 64];
    let mut handshake = Handshake::new(request, &mut SampleNonce, &mut store, &[], START)?;
    Ok(String::from_utf8(written(4096, |out| handshake.transmit(out))).expect("text"))
}

const GOOD: Request<'static> = Request::new("example.com", "/chat");

/// A head of so many lines, none of which holds a control byte other than the tab.
fn assert_head(head: &str, lines: usize) {
    let head = head.strip_suffix("\r\n\r\n").expect("a head ends with an empty line");
    assert_eq!(head.split("\r\n").count(), lines, "{head:?}");
    let is_text = |b: u8| b == b'\t' || (b >= b' ' && b != 0x7f);
    assert!(head.split("\r\n").all(|line| !line.is_empty() && line.bytes().all(is_text)), "{head:?}");
}

/// Every character of ASCII, and some beyond it.
fn characters() -> impl Iterator<Item = char> {
    let beyond = ['\u{80}', '\u{85}', '\u{a0}', '\u{e9}', '\u{2028}', '\u{ff1a}'];
    thin((0u8..=0x7f).map(char::from).chain(beyond), 2)
}

/// `good` with the character at its begin, in it and at its end.
fn with(c: char) -> [String; 3] {
    [format!("{c}ab"), format!("a{c}b"), format!("ab{c}")]
}

/// A byte that is told apart from delimiters (RFC 9110 5.6.2).
fn is_tchar(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// RFC 3986 3.2.2, without the comma, which in a field would part two hosts.
#[test]
fn a_host_is_a_host() {
    for c in characters() {
        for host in with(c) {
            let is_good = c.is_ascii_alphanumeric() || "-._~%!$&'()*+;=".contains(c) || host == "ab:";
            match ask(Request { host: &host, ..GOOD }) {
                Ok(head) => {
                    assert!(is_good, "{host:?}");
                    assert_head(&head, 6);
                    assert!(head.contains(&format!("\r\nHost: {host}\r\n")));
                }
                Err(error) => assert!(!is_good && error == UsageError::BadField, "{host:?}"),
            }
        }
    }
    for host in ["example.com:8080", "[::1]", "[::1]:80", "127.0.0.1"] {
        assert!(ask(Request { host, ..GOOD }).is_ok(), "{host}");
    }
    for host in ["", "h\r\nX: y", "h:80\r\n", "h:80 ", "user@h", "h/path", "http://h", "h:x", "a, b", "[::1"]
    {
        assert_eq!(ask(Request { host, ..GOOD }), Err(UsageError::BadField), "{host:?}");
    }
}

#[test]
fn a_target_is_visible_and_begins_with_a_slash() {
    for c in characters() {
        for end in with(c) {
            let target = format!("/{end}");
            let is_good = c.is_ascii_graphic() && c != '#';
            match ask(Request { target: &target, ..GOOD }) {
                Ok(head) => {
                    assert!(is_good, "{target:?}");
                    assert_head(&head, 6);
                    assert!(head.starts_with(&format!("GET {target} HTTP/1.1\r\n")));
                }
                Err(error) => assert!(!is_good && error == UsageError::BadField, "{target:?}"),
            }
        }
    }
    for target in ["", "chat", "*", "?q", "http://h/", " /", "/ HTTP/1.1\r\nX: y\r\n\r\nGET /"] {
        assert_eq!(ask(Request { target, ..GOOD }), Err(UsageError::BadField), "{target:?}");
    }
}

#[test]
fn an_origin_is_visible() {
    for c in characters() {
        for origin in with(c) {
            match ask(Request { origin: Some(&origin), ..GOOD }) {
                Ok(head) => {
                    assert!(c.is_ascii_graphic(), "{origin:?}");
                    assert_head(&head, 7);
                }
                Err(error) => assert!(!c.is_ascii_graphic() && error == UsageError::BadField, "{origin:?}"),
            }
        }
    }
    assert_eq!(ask(Request { origin: Some(""), ..GOOD }), Err(UsageError::BadField));
    assert_eq!(ask(Request { origin: Some("a\r\nX: y"), ..GOOD }), Err(UsageError::BadField));
}

/// RFC 6455 4.1: each is a token, and no two are the same.
#[test]
fn a_subprotocol_is_a_token() {
    for c in characters() {
        for name in with(c) {
            match ask(Request { subprotocols: &["chat", &name], ..GOOD }) {
                Ok(head) => {
                    assert!(is_tchar(c), "{name:?}");
                    assert_head(&head, 7);
                    assert!(head.contains(&format!("\r\nSec-WebSocket-Protocol: chat, {name}\r\n")));
                }
                Err(error) => assert!(!is_tchar(c) && error == UsageError::BadField, "{name:?}"),
            }
        }
    }
    for names in [&[""][..], &["a", ""], &["a", "a"], &["a", "b", "a"], &["a\r\nX: y"]] {
        assert_eq!(ask(Request { subprotocols: names, ..GOOD }), Err(UsageError::BadField), "{names:?}");
    }
    assert!(ask(Request { subprotocols: &["a", "A"], ..GOOD }).is_ok(), "case counts");
}

/// Each place that takes a caller's fields, asked to write these: the head, and how many lines it has without them.
fn places(fields: &[(&str, &str)]) -> [(Result<String, UsageError>, usize); 3] {
    let mut bytes = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {SAMPLE_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes();
    let mut store = [0; 512];
    let mut handshake = server::Handshake::new(&mut store, &[], START);
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    let accept = handshake.accept(OriginPolicy::Any).expect("a good request");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let accepted = accept.fields(fields).map(|mut accept| text(written(4096, |out| accept.transmit(out))));
    let refused =
        Response::new(403, fields, b"").map(|mut response| text(written(4096, |out| response.transmit(out))));
    [(ask(Request { fields, ..GOOD }), 6), (accepted, 4), (refused, 3)]
}

#[test]
fn the_name_of_a_field_is_a_token() {
    for c in characters() {
        for name in with(c) {
            for (given, lines) in places(&[("X-First", "1"), (&name, "value")]) {
                match given {
                    Ok(head) => {
                        assert!(is_tchar(c), "{name:?}");
                        assert_head(&head, lines + 2);
                        assert!(head.contains(&format!("\r\n{name}: value\r\n")));
                    }
                    Err(error) => assert!(!is_tchar(c) && error == UsageError::BadField, "{name:?}"),
                }
            }
        }
    }
    for name in ["", " ", "X-A:", "X-A: b\r\nX-B", ":"] {
        for (given, _) in places(&[(name, "value")]) {
            assert_eq!(given, Err(UsageError::BadField), "{name:?}");
        }
    }
}

#[test]
fn the_value_of_a_field_holds_no_line_break() {
    for c in characters() {
        for value in with(c) {
            let is_control = (u32::from(c) < 0x20 && c != '\t') || c == '\u{7f}';
            let is_edge = matches!(c, ' ' | '\t') && !value.starts_with('a');
            let is_edge = is_edge || value.ends_with([' ', '\t']);
            for (given, lines) in places(&[("X-A", &value)]) {
                match given {
                    Ok(head) => {
                        assert!(!is_control && !is_edge, "{value:?}");
                        assert_head(&head, lines + 1);
                        assert!(head.contains(&format!("\r\nX-A: {value}\r\n")));
                    }
                    Err(error) => {
                        assert!((is_control || is_edge) && error == UsageError::BadField, "{value:?}");
                    }
                }
            }
        }
    }
    for value in ["a\r\nX-B: c", "a\r\n\r\nbody", "a\n", "\r", "a\r\n b", "\0"] {
        for (given, _) in places(&[("X-Good", "1"), ("X-A", value)]) {
            assert_eq!(given, Err(UsageError::BadField), "{value:?}");
        }
    }
    for (given, lines) in places(&[("X-Empty", "")]) {
        assert_head(&given.expect("a value may be empty"), lines + 1);
    }
}

/// A second field of a name that is written anyway would leave it to the peer which one counts.
#[test]
fn fields_of_the_handshake_are_not_the_callers() {
    let names = [
        "Connection",
        "Content-Length",
        "Host",
        "Origin",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Version",
        "Transfer-Encoding",
        "Upgrade",
    ];
    for name in names {
        for name in [name.to_string(), name.to_lowercase(), name.to_uppercase()] {
            let [request, accept, response] = places(&[(&name, "x")]);
            assert_eq!(request.0, Err(UsageError::BadField), "{name}");
            assert_eq!(accept.0, Err(UsageError::BadField), "{name}");
            let is_of_framing =
                ["connection", "content-length", "transfer-encoding"].contains(&&*name.to_lowercase());
            assert_eq!(response.0.is_err(), is_of_framing, "{name}");
        }
    }
    for (given, lines) in places(&[("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")]) {
        assert_head(&given.expect("a field may stand twice"), lines + 2);
    }
}

/// RFC 9110 15: a status has three digits, and one below 200 would not end the exchange.
#[test]
fn a_response_has_a_final_status() {
    for status in thin(0..=u16::MAX, 25) {
        let given = Response::new(status, &[], b"").map(|response| response.status());
        let expected = if (200..=599).contains(&status) { Ok(status) } else { Err(UsageError::BadField) };
        assert_eq!(given, expected);
    }
}

/// RFC 9110 6.4.1, 8.6.
#[test]
fn a_response_without_a_body_has_none() {
    let text = |status, body: &'static [u8], is_head: bool| {
        let response = Response::new(status, &[], body).expect("a status");
        let mut response = if is_head { response.for_head() } else { response };
        String::from_utf8(written(3, |out| response.transmit(out))).expect("text")
    };
    assert_eq!(
        text(404, b"no", false),
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
    );
    assert_eq!(
        text(404, b"no", true),
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    );
    for (status, reason) in [(204, "No Content"), (304, "Not Modified")] {
        assert_eq!(
            text(status, b"no", false),
            format!("HTTP/1.1 {status} {reason}\r\nConnection: close\r\n\r\n")
        );
    }
}
