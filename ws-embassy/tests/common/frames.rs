//! WebSocket frames as bytes (RFC 6455 5.2), and the two opening handshakes. Written without the library: what it sends
//! is judged here, and what it receives comes from here.

use base64ct::{Base64, Encoding as _};

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A frame; its payload is unmasked whatever `mask` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    /// The message that begins here is compressed (RFC 7692 6).
    pub(crate) rsv1: bool,
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// A whole message, or a control frame, as a server sends it.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { fin: true, rsv1: false, opcode, mask: None, payload: payload.into() }
    }

    pub(crate) fn text(payload: &str) -> Self {
        Self::new(TEXT, payload)
    }

    pub(crate) fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(BINARY, payload)
    }

    pub(crate) fn close(code: u16, reason: &str) -> Self {
        Self::new(CLOSE, [&code.to_be_bytes()[..], reason.as_bytes()].concat())
    }

    /// As a client sends it.
    pub(crate) const fn masked(mut self) -> Self {
        self.mask = Some([0x37, 0xfa, 0x21, 0x3d]);
        self
    }

    /// A fragment that is not the last.
    pub(crate) const fn more(mut self) -> Self {
        self.fin = false;
        self
    }

    /// The first one, or the only one, of a compressed message.
    pub(crate) const fn compressed(mut self) -> Self {
        self.rsv1 = true;
        self
    }

    /// The status code, if this is a close frame with one.
    pub(crate) fn close_code(&self) -> Option<u16> {
        let code = self.payload.first_chunk().filter(|_| self.opcode == CLOSE)?;
        Some(u16::from_be_bytes(*code))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        let mut bytes = vec![bit(self.fin, 0x80) | bit(self.rsv1, 0x40) | self.opcode];
        match self.payload.len() {
            length @ ..126 => bytes.push(mask_bit | length as u8),
            length @ ..65_536 => {
                bytes.push(mask_bit | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(mask_bit | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(self.mask.iter().flatten());
        bytes.extend(xor(&self.payload, self.mask.unwrap_or_default()));
        bytes
    }

    /// The frame at the start of `bytes` and its length; `None` until it is whole.
    ///
    /// # Panics
    ///
    /// On reserved bits and on a length that is not the shortest: none of the peers here may send them.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        assert_eq!(bytes.first().unwrap_or(&0) & 0x40, 0, "no extension was agreed on");
        Self::decode_any(bytes)
    }

    /// The same of a peer who may compress.
    ///
    /// # Panics
    ///
    /// On other reserved bits, and on such a length.
    pub(crate) fn decode_any(bytes: &[u8]) -> Option<(Self, usize)> {
        let [first, second, ..] = *bytes else { return None };
        assert_eq!(first & 0x30, 0, "no extension has these bits");
        let (length, at) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            length => (u64::from(length), 2),
        };
        assert!(
            at == 2 || length > if at == 4 { 125 } else { 65_535 },
            "{length} octets fit a shorter length"
        );
        let (mask, at) = match second & 0x80 {
            0 => (None, at),
            _ => (Some(*bytes.get(at..)?.first_chunk()?), at + 4),
        };
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        let payload = xor(bytes.get(at..end)?, mask.unwrap_or_default());
        let (fin, rsv1, opcode) = (first & 0x80 != 0, first & 0x40 != 0, first & 0x0f);
        Some((Self { fin, rsv1, opcode, mask, payload }, end))
    }
}

fn xor(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    payload.iter().zip(mask.iter().cycle()).map(|(octet, key)| octet ^ key).collect()
}

/// The key of every handshake that [`request`] asks for, and the answer to it: both from RFC 6455 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A client's opening handshake; `headers` are whole lines with their ends.
pub(crate) fn request(host: &str, path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

/// A server's answer to the opening handshake `request`; `headers` are whole lines with their ends.
///
/// # Panics
///
/// If the request has no key.
pub(crate) fn response(request: &str, headers: &str) -> String {
    let accept = accept(header(request, "Sec-WebSocket-Key").expect("a key"));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    )
}

/// The value of a header field in a request or response.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// RFC 6455 4.2.2, step 5.4.
pub(crate) fn accept(key: &str) -> String {
    let hash = sha1_smol::Sha1::from(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")).digest();
    Base64::encode_string(&hash.bytes())
}
