//! The body of a refusal, as it comes: [`Body`] takes it out of its framing (RFC 9112 6). How long it is waited for is in
//! `client.rs`.

use ws_core::handshake::client::Response;

/// A body being read, of which so much is kept as there is room.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    room: usize,
    framing: Framing,
}

/// What tells where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// So many bytes, at most.
    Length(usize),
    Chunked(Chunk),
}

/// A place in a body in chunks (RFC 9112 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// In the size, behind so many digits.
    Size(u32, u8),
    /// Behind the size of so many bytes, in what nobody needs.
    Extension(u32),
    /// Between CR and LF behind the size.
    SizeEnd(u32),
    /// So many bytes are still to come.
    Data(u32),
    /// Before the CR behind the data.
    DataEnd,
    /// Before its LF.
    LineEnd,
    /// Behind the last chunk, or where this is no chunk any more.
    Over,
}

impl Body {
    /// The body of `response`, cut to `room`.
    pub(crate) fn new(response: Response<'_>, room: usize) -> Self {
        let framing = if matches!(response.status(), 204 | 304) {
            Framing::Length(0) // these have none, whatever the fields say (RFC 9112 6.3)
        } else if let Some(codings) = response.fields().all("transfer-encoding").last() {
            let last = codings.rsplit(',').next().unwrap_or_default();
            let is_chunked = last.trim().eq_ignore_ascii_case("chunked");
            if is_chunked { Framing::Chunked(Chunk::Size(0, 0)) } else { Framing::Length(usize::MAX) }
        } else {
            let length = response.field("content-length").and_then(|length| length.parse().ok());
            Framing::Length(length.unwrap_or(usize::MAX))
        };
        Self { bytes: Vec::new(), room, framing }
    }

    /// Takes what came.
    pub(crate) fn take(&mut self, came: &[u8]) {
        for byte in came {
            if self.is_done() {
                break;
            }
            let is_data = match &mut self.framing {
                Framing::Length(left) => {
                    *left = left.saturating_sub(1);
                    true
                }
                Framing::Chunked(chunk) => {
                    let is_data = matches!(chunk, Chunk::Data(_));
                    *chunk = chunk.behind(*byte);
                    is_data
                }
            };
            if is_data {
                self.bytes.push(*byte);
            }
        }
    }

    /// All has come, or all that there is room for.
    pub(crate) fn is_done(&self) -> bool {
        let is_over = matches!(self.framing, Framing::Length(0) | Framing::Chunked(Chunk::Over));
        is_over || self.bytes.len() >= self.room
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Chunk {
    /// A size of more digits is none that fits.
    const DIGITS_MAX: u8 = 8;

    /// The place behind `byte`. Trailers are not waited for.
    fn behind(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Size(size, digits), byte) if byte.is_ascii_hexdigit() && digits < Self::DIGITS_MAX => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Self::Size(size.wrapping_mul(16).wrapping_add(digit), digits.saturating_add(1))
            }
            (Self::Size(size, 1..) | Self::Extension(size), b'\r') => Self::SizeEnd(size),
            // White space is bad, but has to be taken (RFC 9112 7.1.1).
            (Self::Size(size, 1..), b';' | b' ' | b'\t') => Self::Extension(size),
            (Self::Extension(size), b'\t' | b' '..=b'~' | 0x80..) => Self::Extension(size),
            (Self::SizeEnd(0), b'\n') => Self::Over,
            (Self::SizeEnd(size), b'\n') => Self::Data(size),
            (Self::Data(left @ 2..), _) => Self::Data(left.saturating_sub(1)),
            (Self::Data(_), _) => Self::DataEnd,
            (Self::DataEnd, b'\r') => Self::LineEnd,
            (Self::LineEnd, b'\n') => Self::Size(0, 0),
            _ => Self::Over,
        }
    }
}
