//! RFC 6455 3: WebSocket URIs. What the core sees of one is host and target; the rest is the adapter's.

use crate::opening::{REQUEST, ask, begun, refused, serve, values};
use ws_core::UsageError;
use ws_core::handshake::client::Request;

#[test]
fn a_target_with_a_fragment_is_neither_sent_nor_taken() {
    for target in ["/room#1", "/#", "/room?a#b"] {
        assert_eq!(ask(Request::new("ws.example", target)), Err(UsageError::BadField), "{target}");
        refused(&begun(&format!("GET {target} HTTP/1.1"), REQUEST), 400);
    }
}

#[test]
fn an_escaped_number_sign_is_a_part_of_the_path() {
    let request = ask(Request::new("ws.example", "/room%231")).unwrap();
    assert!(request.starts_with("GET /room%231 HTTP/1.1\r\n"));
    let response = serve(&begun("GET /room%231 HTTP/1.1", REQUEST)).unwrap();
    assert_eq!(values(&response, "Upgrade"), ["websocket"]);
}
