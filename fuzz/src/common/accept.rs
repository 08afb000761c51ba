//! The key of an opening handshake and its accept value (RFC 6455 1.3), by hashes and a Base64 of others.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};

/// With its padding. Bits behind the last byte are not looked at (RFC 4648 3.5): some clients draw the characters.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// It is 16 bytes in Base64.
pub(crate) fn is_key(text: &[u8]) -> bool {
    // Room for more, so that it is not the room that tells.
    text.len() <= 80 && BASE64.decode_slice(text, &mut [0; 64]) == Ok(16)
}

/// The text of `bytes`.
pub(crate) fn base64<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    assert_eq!(BASE64.encode_slice(bytes, &mut text), Ok(N));
    text
}

/// What a server answers to the key.
pub(crate) fn accept(key: &[u8]) -> [u8; 28] {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64(&hash.finalize())
}
