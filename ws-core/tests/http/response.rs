//! Responses of known length.

use crate::at_every_size;
use ws_core::UsageError;
use ws_core::http::{Response, Version};

fn text(response: &Response<'_>) -> String {
    at_every_size(1, || response.clone(), |response, out| response.transmit(out))
}

#[test]
fn a_response_closes_unless_it_persists() {
    let response = Response::new(200, &[("X-A", "b")], b"hello").unwrap();
    assert!(response.closes());
    let (line, rest) = ("HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\nX-A: b\r\n\r\nhello");
    assert_eq!(text(&response), format!("{line}Connection: close\r\n{rest}"));
    let persistent = response.clone().persistent(Version::Http11);
    assert!(!persistent.closes());
    assert_eq!(text(&persistent), format!("{line}{rest}"));
    let old = response.persistent(Version::Http10);
    assert!(!old.closes());
    let rest = rest.replace("X-A", "Connection: keep-alive\r\nX-A");
    assert_eq!(text(&old), format!("{line}{rest}"));
}

#[test]
fn what_has_no_body_has_no_length() {
    for status in [204, 304] {
        let response = Response::new(status, &[], b"unsent").unwrap().persistent(Version::Http11);
        let text = text(&response);
        assert!(!text.contains("Content-Length") && text.ends_with("\r\n\r\n"), "{text:?}");
    }
    let head = Response::new(200, &[], b"hello").unwrap().for_head().persistent(Version::Http11);
    assert_eq!(text(&head), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
}

#[test]
fn refusals_close_whatever_is_asked() {
    let refusal = Response::internal_server_error().persistent(Version::Http10);
    assert!(refusal.closes());
    assert!(text(&refusal).contains("\r\nConnection: close\r\n"));
    assert!(!text(&refusal).contains("keep-alive"));
}

#[test]
fn fields_come_in_two_lists() {
    let response = Response::new(200, &[("A", "1")], b"").unwrap();
    let both = response.clone().with_fields(&[("B", "2"), ("C", "3")]).unwrap();
    assert!(text(&both).ends_with("\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"));
    for bad in [
        ("B", "2\r\nX: y"),
        ("B", "2\nX: y"),
        ("B", "2\rX"),
        ("B", "\0"),
        ("B", " 2"),
        ("B\r\nX", "y"),
        ("B:", "y"),
        ("", "y"),
        ("CONNECTION", "close"),
        ("content-Length", "0"),
        ("Transfer-encoding", "chunked"),
    ] {
        assert_eq!(response.clone().with_fields(&[bad]).err(), Some(UsageError::BadField), "{bad:?}");
        assert_eq!(Response::new(200, &[bad], b"").err(), Some(UsageError::BadField), "{bad:?}");
    }
    for status in [0, 100, 101, 199, 600, u16::MAX] {
        assert_eq!(Response::new(status, &[], b"").err(), Some(UsageError::BadField), "{status}");
    }
}
