//! What the tests share: frames as bytes ([`frames`]), a stream that does as it is told ([`script`]).

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod frames;
pub(crate) mod script;

/// A request for a WebSocket on `/chat`.
pub(crate) const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
