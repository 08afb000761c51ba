//! The header of a frame (RFC 6455 5.2), read and written.

use crate::error::{PeerError, UsageError};
use crate::frame::{CONTROL_MAX, Kind, opcode};

/// The longest header: two bytes, eight of length, four of masking key.
pub(crate) const HEADER_MAX: usize = 14;

/// The reserved bit that permessage-deflate gives a meaning (RFC 7692 6).
pub(crate) const RSV1: u8 = 0x40;

/// A decoded header.
pub(crate) struct Header {
    /// How many bytes it took.
    pub(crate) used: usize,
    pub(crate) fin: bool,
    /// RSV1: the message is compressed (RFC 7692 6).
    pub(crate) compressed: bool,
    pub(crate) opcode: u8,
    /// Bytes of payload.
    pub(crate) len: u64,
    /// The masking key; its low byte is the first payload byte's. Zero in an unmasked frame.
    pub(crate) key: u32,
}

/// Decodes the header at the front of `bytes`, checking as far as the bytes go; `None`: more are needed.
///
/// `masked`: the peer must mask, else it must not (RFC 6455 5.1). `in_message`: a fragmented message is open (5.4).
/// `compression` was agreed on: then RSV1 may be set where a message begins, and nowhere else (RFC 7692 6.1).
#[inline]
pub(crate) fn parse(
    bytes: &[u8],
    masked: bool,
    in_message: bool,
    compression: bool,
) -> Result<Option<Header>, PeerError> {
    let [b0, rest @ ..] = bytes else { return Ok(None) };
    let (fin, opcode, compressed) = (b0 & 0x80 != 0, b0 & 0x0f, b0 & RSV1 != 0);
    let may_set = compression && matches!(opcode, opcode::TEXT | opcode::BINARY);
    if b0 & 0x30 != 0 || (compressed && !may_set) {
        return Err(PeerError::ReservedBits);
    }
    match opcode {
        opcode::CONTINUATION if !in_message => return Err(PeerError::NothingToContinue),
        opcode::TEXT | opcode::BINARY if in_message => return Err(PeerError::MessageInMessage),
        opcode::CONTINUATION..=opcode::BINARY => {}
        opcode::CLOSE..=opcode::PONG if !fin => return Err(PeerError::FragmentedControl),
        opcode::CLOSE..=opcode::PONG => {}
        _ => return Err(PeerError::ReservedOpcode),
    }
    let [b1, rest @ ..] = rest else { return Ok(None) };
    if (b1 & 0x80 != 0) != masked {
        return Err(if masked { PeerError::UnmaskedFrame } else { PeerError::MaskedFrame });
    }
    let len7 = b1 & 0x7f;
    if opcode >= opcode::CLOSE && usize::from(len7) > CONTROL_MAX {
        return Err(PeerError::LongControl);
    }
    let (unmasked, len, rest) = match (len7, rest) {
        (126, [a, b, rest @ ..]) => (4usize, u64::from(u16::from_be_bytes([*a, *b])), rest),
        (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
            (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
        }
        // The top bit is known to be wrong from the first byte of the length on.
        (127, [top, ..]) if top & 0x80 != 0 => return Err(PeerError::BadLength),
        (126.., _) => return Ok(None),
        (n, rest) => (2, u64::from(n), rest),
    };
    if len >> 63 != 0 || (len7 == 126 && len < 126) || (len7 == 127 && len <= 0xffff) {
        return Err(PeerError::BadLength);
    }
    if !masked {
        return Ok(Some(Header { used: unmasked, fin, compressed, opcode, len, key: 0 }));
    }
    let Some(key) = rest.first_chunk::<4>() else { return Ok(None) };
    let (used, key) = (unmasked.wrapping_add(4), u32::from_le_bytes(*key));
    Ok(Some(Header { used, fin, compressed, opcode, len, key }))
}

/// A header ready for the wire, without a masking key: what a server sends.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EncodedHeader {
    bytes: [u8; 10],
    len: u8,
}

impl EncodedHeader {
    /// The 2, 4 or 10 bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// Encodes the header of one whole, unmasked data frame with `len` bytes of payload: one header and one payload,
/// written to many peers of a server without encoding either again.
///
/// Each of those peers' connections must be between two messages and allowed to send; see
/// [`Connection::is_sendable`](crate::Connection::is_sendable).
///
/// ```
/// use ws_core::{Kind, frame::encode_header};
/// assert_eq!(encode_header(Kind::Text, 5)?.as_bytes(), [0x81, 5]);
/// # Ok::<_, ws_core::UsageError>(())
/// ```
///
/// # Errors
///
/// [`UsageError::TooMuchPayload`]: `len` is not below 2⁶³.
pub fn encode_header(kind: Kind, len: u64) -> Result<EncodedHeader, UsageError> {
    if len >> 63 != 0 {
        return Err(UsageError::TooMuchPayload);
    }
    Ok(encode(0x80 | opcode_of(kind), len, 0))
}

pub(crate) const fn opcode_of(kind: Kind) -> u8 {
    match kind {
        Kind::Text => opcode::TEXT,
        Kind::Binary => opcode::BINARY,
    }
}

/// `mask`: 0x80 if a masking key follows, else 0.
#[inline]
pub(crate) fn encode(b0: u8, len: u64, mask: u8) -> EncodedHeader {
    let [a, b, c, d, e, f, g, h] = len.to_be_bytes();
    match len {
        0..=125 => EncodedHeader { bytes: [b0, mask | h, 0, 0, 0, 0, 0, 0, 0, 0], len: 2 },
        126..=0xffff => EncodedHeader { bytes: [b0, mask | 126, g, h, 0, 0, 0, 0, 0, 0], len: 4 },
        _ => EncodedHeader { bytes: [b0, mask | 127, a, b, c, d, e, f, g, h], len: 10 },
    }
}
