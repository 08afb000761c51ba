//! [`read`]: what a client makes of an answer (RFC 9112), or of the front of one.

use crate::common::event_source::EventSource;
use crate::common::head::{is_control, is_token_byte};

/// An answer, without its chunks.
#[derive(PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    body: String,
    /// The connection ends behind it.
    pub(super) closes: bool,
    pub(super) is_whole: bool,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({:?}, {:?}, whole: {})", self.head, self.body, self.is_whole)
    }
}

impl Answer {
    /// As it would be if the connection ended behind it.
    pub(super) fn close(&mut self) {
        self.closes = true;
        self.head = self.head.replace("\r\nConnection: close", "");
    }
}

/// The answer that is all of `bytes`. `is_head`: nothing but the head was asked for.
pub(super) fn read(bytes: &[u8], is_head: bool) -> Answer {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    let (head, rest) = (std::str::from_utf8(&bytes[..end]).expect("text"), &bytes[end + 4..]);
    let mut lines = head.split("\r\n");
    let status: u16 = match lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap().split_once(' ') {
        Some((status, phrase)) if status.len() == 3 && !phrase.bytes().any(is_control) => {
            status.parse().expect("a status")
        }
        _ => panic!("{head:?}"),
    };
    let fields: Vec<_> = lines.map(field).collect();
    let value = |name: &str| {
        let mut all =
            fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let value = all.next();
        assert!(all.next().is_none(), "{name} twice: {head:?}");
        value
    };
    let is_chunked = value("transfer-encoding").inspect(|coding| assert_eq!(*coding, "chunked")).is_some();
    let length = value("content-length").map(|length| length.parse::<usize>().expect("a length"));
    let closes = value("connection") == Some("close");
    assert!(!is_chunked || length.is_none(), "two ways to tell the end: {head:?}");
    let (body, is_whole) = if is_head || status == 204 {
        assert!(status != 204 || (!is_chunked && length.is_none()), "{head:?}");
        (rest.to_vec(), rest.is_empty())
    } else if is_chunked {
        unchunked(rest)
    } else {
        assert!(length.is_some() || closes, "no way to tell the end: {head:?}");
        (rest.to_vec(), length.is_none_or(|length| length == rest.len()))
    };
    let body = String::from_utf8(body).expect("text");
    if is_whole && !body.is_empty() {
        judge(value("content-type").unwrap_or_else(|| panic!("no type: {head:?}")), &body);
    }
    Answer { status, head: head.to_owned(), body, closes, is_whole }
}

fn field(line: &str) -> (&str, &str) {
    let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line:?}"));
    assert!(!name.is_empty() && name.bytes().all(is_token_byte), "{line:?}");
    assert!(!value.bytes().any(is_control) && value.trim() == value, "{line:?}");
    (name, value)
}

/// What is in the chunks, and whether the last one has come.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\r').expect("a size");
        let digits = std::str::from_utf8(&rest[..end]).unwrap();
        let len = usize::from_str_radix(digits, 16).expect("hexadecimal");
        let (piece, behind) = rest[end + 2..].split_at(len);
        body.extend_from_slice(piece);
        rest = behind.strip_prefix(b"\r\n").expect("the end of a chunk");
        if len == 0 {
            assert_eq!(rest, b"", "behind the last chunk");
            return (body, true);
        }
    }
    (body, false)
}

/// It is of its type, whatever the events say.
fn judge(content_type: &str, body: &str) {
    match content_type {
        "application/json" => assert!(is_object(body), "{body:?}"),
        "text/javascript; charset=utf-8" => {
            let call = body.strip_prefix("/**/").and_then(|body| body.strip_suffix(");"));
            let (name, argument) = call.and_then(|call| call.split_once('(')).expect("a call");
            let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.');
            assert!(name.bytes().all(is_name) && is_object(argument), "{body:?}");
        }
        "text/event-stream" => {
            for event in EventSource::default().read(body.as_bytes(), usize::MAX) {
                let data = std::str::from_utf8(&event.data).unwrap();
                let is_ours = match &event.kind[..] {
                    b"message" => is_object(data) || matches!(data, "news" | "own" | "</script>\n\u{2028}\0"),
                    b"control" => is_object(data),
                    _ => false,
                };
                assert!(is_ours && !event.id.is_empty(), "{event:?}");
            }
        }
        "text/html; charset=utf-8" => {
            let scripts = body.lines().filter_map(|line| line.strip_prefix("<script>parent."));
            for script in scripts {
                let call = script.strip_suffix(")</script>").expect("an end");
                let (name, argument) = call.split_once('(').expect("a call");
                // Of the page around it: no method of anything.
                let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$');
                assert!(name.bytes().all(is_name) && is_object(argument), "{script:?}");
            }
        }
        "text/plain; charset=utf-8" => {
            let lines = body.split('\n').map(str::trim_ascii).filter(|line| !line.is_empty());
            lines.for_each(|line| assert!(is_object(line), "{line:?}"));
        }
        "multipart/x-mixed-replace; boundary=frame" | "text/plain" => {}
        other => panic!("{other:?}"),
    }
}

/// An object on one line, which ends no script either.
fn is_object(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && !text.contains("</") && !text.contains(char::is_control)
}
