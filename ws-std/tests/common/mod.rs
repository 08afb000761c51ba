//! What the tests share: frames as bytes ([`frames`]), a stream that does as it is told ([`script`]), messages that inflate
//! to much ([`bomb`]).

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod frames;
pub(crate) mod script;

/// A request for a WebSocket on `/chat`.
pub(crate) const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// The same request with an offer of extensions.
pub(crate) fn request(extensions: &str) -> Vec<u8> {
    let head = REQUEST.strip_suffix(b"\r\n").unwrap();
    [head, b"Sec-WebSocket-Extensions: ", extensions.as_bytes(), b"\r\n\r\n"].concat()
}

/// What most clients offer.
pub(crate) const OFFER: &str = "permessage-deflate; client_max_window_bits";

/// The payload of a compressed message: the letter `a`, `1 + 258 * matches` times.
pub(crate) fn bomb(matches: usize) -> Vec<u8> {
    let (mut bytes, mut hold, mut count) = (Vec::new(), 0u64, 0);
    let mut put = |value: u64, bits: u32| {
        hold |= value << count;
        count += bits;
        while count >= 8 {
            bytes.push(hold as u8);
            hold >>= 8;
            count -= 8;
        }
    };
    put(0b010, 3); // a block with the fixed codes (RFC 1951 3.2.6)
    put(u64::from(0x91u8.reverse_bits()), 8);
    for _ in 0..matches {
        put(0b1010_0011, 8); // length 258
        put(0, 5); // distance 1
    }
    put(0, 7 + 3 + 8); // the end, an empty stored block, and the rest of its byte
    bytes
}
