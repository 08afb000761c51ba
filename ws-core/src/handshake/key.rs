//! The key that a client sends and the accept value that a server makes of it (RFC 6455 4.1, 4.2.2): they prove that the
//! server has read this very request, as a WebSocket handshake.

#[cfg(feature = "small")]
use super::sha1::digest;
use crate::bytes::base64::encode;
#[cfg(not(feature = "small"))]
use crate::bytes::copy;
use crate::entropy::Entropy;

/// Bytes of a key's text.
pub(crate) const KEY_LEN: usize = 24;
/// Bytes of an accept value's text.
pub(crate) const ACCEPT_LEN: usize = 28;

const GUID_LEN: usize = 36;
const GUID: &[u8; GUID_LEN] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The text of a key, if that is 16 bytes in Base64. Bits beyond them are not looked at: RFC 4648 3.5 leaves that to the
/// decoder, and there are clients that draw 22 characters.
pub(crate) fn check_key(key: &[u8]) -> Option<&[u8; KEY_LEN]> {
    let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || *b == b'+' || *b == b'/';
    match key {
        [digits @ .., b'=', b'='] if digits.iter().all(is_base64) => key.try_into().ok(),
        _ => None,
    }
}

/// The text of a key of 16 random bytes (RFC 6455 4.1).
pub(crate) fn new_key(entropy: &mut impl Entropy) -> [u8; KEY_LEN] {
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce);
    encode_key(&nonce)
}

/// The text of a key, of 16 random bytes.
fn encode_key(nonce: &[u8; 16]) -> [u8; KEY_LEN] {
    let mut key = [0; KEY_LEN];
    encode(nonce, &mut key);
    key
}

/// The value that proves to have read `key`.
pub(crate) fn accept(key: &[u8; KEY_LEN]) -> [u8; ACCEPT_LEN] {
    let mut accept = [0; ACCEPT_LEN];
    encode(&digest(key, GUID), &mut accept);
    accept
}

#[cfg(not(feature = "small"))]
fn digest(key: &[u8; KEY_LEN], guid: &[u8; GUID_LEN]) -> [u8; 20] {
    // In one piece of known length: then no bounds check is left of the hash function's.
    let mut text = [0; KEY_LEN + GUID_LEN];
    copy(&mut text, key);
    copy(text.get_mut(KEY_LEN..).unwrap_or_default(), guid);
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(&text);
    sha1.digest().bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::thin;

    /// RFC 6455 1.3: the example.
    #[test]
    fn the_accept_value_of_the_sample_nonce() {
        assert!(check_key(b"dGhlIHNhbXBsZSBub25jZQ==").is_some());
        assert_eq!(encode_key(b"the sample nonce"), *b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    /// The same text as `base64ct`'s, for nonces in which each bit matters once.
    #[test]
    fn the_text_of_a_key_is_its_base64() {
        for bit in thin(0..128, 8) {
            let mut nonce = *b"the sample nonce";
            nonce[bit / 8] ^= 1 << (bit % 8);
            let mut text = [0; KEY_LEN];
            <base64ct::Base64 as base64ct::Encoding>::encode(&nonce, &mut text).expect("it fits");
            assert_eq!(encode_key(&nonce), text);
        }
    }

    fn is_key(text: &[u8]) -> bool {
        check_key(text).is_some()
    }

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        for bad in
            ["", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ==="]
        {
            assert!(!is_key(bad.as_bytes()), "{bad}");
        }
        assert!(!is_key(b"dGhlIHNhbXBsZSBub25jZWVl"), "18 bytes");
        assert!(!is_key(b"dGhlIHNhbXBsZSBub25jZWU="), "17 bytes");
        assert!(!is_key(b"dGhlIHNhbXBsZSBub25jZ==="), "15 bytes and a half");
        assert!(!is_key(b"dGhlIHNhbXBsZSBub25_ZQ=="), "another alphabet");
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZR=="), "bits behind the last byte");
        assert!(!is_key(b"dGhlIHNhbXBsZSBub25jZQ= "));
        assert!(!is_key(&[b'd'; 4000]));
    }
}
