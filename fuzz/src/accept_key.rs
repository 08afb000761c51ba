//! The key of the opening handshake and its accept value, against the hash of `sha1` and the Base64 of `base64`: a server takes a
//! key of 16 bytes and no other, and both ends come to the same value. What is fuzzed is the core's own hash and Base64 (its feature `small`); with those that it has
//! of other crates, the seeds are replayed.

use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::handshake::{OriginPolicy, client};
use ws_core::{Entropy, Input, Instant};

use crate::common::accept::{accept, base64, is_key};
use crate::common::io::written;

const START: Instant = Instant::from_millis(0);

/// The bytes are the text of a key and, the first 16, those that a client makes one of.
pub fn check(data: &[u8]) {
    as_text(data);
    if let Some(nonce) = data.first_chunk() {
        as_nonce(nonce);
    }
}

/// A server's answer to a client that sends this key.
fn as_text(text: &[u8]) {
    let is_value = !text.iter().any(|b| b.is_ascii_control());
    if !is_value {
        return; // the line would end, or not be one
    }
    let trimmed = text.trim_ascii();
    let mut head = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key:"
        .to_vec();
    head.extend_from_slice(text);
    head.extend_from_slice(b"\r\n\r\n");
    let mut store = [0; 2048];
    let mut handshake = Handshake::new(&mut store, &[], START);
    assert_eq!(handshake.receive(&mut Input::new(&mut head)), Ok(true));
    match handshake.accept(OriginPolicy::Any) {
        Ok(mut answer) => {
            assert!(is_key(trimmed));
            let answer = written(256, |out| answer.transmit(out));
            let (_, value) = answer.split_at(answer.len() - 32);
            assert_eq!(value[..28], accept(trimmed));
        }
        Err(refusal) => {
            assert!(!is_key(trimmed));
            assert_eq!(refusal, Refusal::Key);
        }
    }
}

/// A client that draws these bytes sends their text, and takes the one value that belongs to it.
fn as_nonce(nonce: &[u8; 16]) {
    let mut store = [0; 256];
    let request = client::Request::new("h", "/");
    let mut answer =
        b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ".to_vec();
    let key: [u8; 24] = base64(nonce);
    answer.extend_from_slice(&accept(&key));
    let at = answer.len() - 1 - usize::from(nonce[0]) % 28;
    answer.extend_from_slice(b"\r\n\r\n");
    for is_right in [true, false] {
        let mut drawn = Drawn(*nonce);
        let mut handshake = client::Handshake::new(request, &mut drawn, &mut store, &[], START).unwrap();
        let asked = written(256, |out| handshake.transmit(out));
        let line = [b"\r\nSec-WebSocket-Key: ", &key[..], b"\r\n"].concat();
        assert!(asked.windows(line.len()).any(|window| window == line), "{asked:?}");
        let came = handshake.receive(&mut Input::new(&mut answer));
        assert_eq!(came, if is_right { Ok(true) } else { Err(client::Error::Accept) });
        // Any other letter in any place is the value of another key.
        answer[at] = if answer[at] == b'x' { b'X' } else { b'x' };
    }
}

struct Drawn([u8; 16]);

impl Entropy for Drawn {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0);
    }
}
