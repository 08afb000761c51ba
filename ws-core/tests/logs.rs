//! What stands in a log: no key, no password, no payload.

use ws_core::bytes::Input;
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::http::Response;
use ws_core::{Entropy, Instant, MessageBuffer};

const NOW: Instant = Instant::from_millis(0);

struct SampleNonce;

impl Entropy for SampleNonce {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&b"the sample nonce"[..bytes.len()]);
    }
}

fn is_silent(shown: &dyn std::fmt::Debug) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("dGhlIHNhb"), "{shown}");
    // Nor as numbers.
    assert!(!shown.contains("115, 51, 99") && !shown.contains("100, 71, 104"), "{shown}");
}

#[test]
fn a_client_shows_neither_its_key_nor_its_password() {
    let fields = [("Authorization", "Basic s3cret")];
    let mut request = client::Request::new("example.com", "/chat");
    request.fields = &fields;
    is_silent(&request);
    assert!(format!("{request:?}").contains("Authorization"));
    let mut store = [0; 512];
    let mut handshake =
        client::Handshake::new(request, &mut SampleNonce, &mut store, &["set-cookie"], NOW).unwrap();
    is_silent(&handshake);
    let mut bytes = *b"HTTP/1.1 403 No\r\nSet-Cookie: s3cret\r\n\r\n";
    handshake.receive(&mut Input::new(&mut bytes)).unwrap_err();
    is_silent(&handshake);
    is_silent(&handshake.response());
    assert_eq!(handshake.response().field("set-cookie"), Some("s3cret"));
}

#[test]
fn a_server_shows_neither_cookie_nor_key() {
    let mut store = [0; 512];
    let mut handshake = server::Handshake::new(&mut store, &["cookie"], NOW);
    let mut bytes =
        *b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: s3cret\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert!(handshake.receive(&mut Input::new(&mut bytes)).unwrap());
    is_silent(&handshake);
    is_silent(&handshake.request());
    is_silent(&handshake.request().fields());
    let fields = [("Set-Cookie", "s3cret")];
    is_silent(&handshake.accept(OriginPolicy::Any).unwrap().fields(&fields).unwrap());
    is_silent(&Response::new(403, &fields, b"s3cret").unwrap());
}

#[test]
fn a_message_buffer_shows_no_payload() {
    let mut memory = *b"s3cret";
    is_silent(&MessageBuffer::new(&mut memory));
}
