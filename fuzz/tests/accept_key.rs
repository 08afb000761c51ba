//! Keys of every length up to 64 bytes, and every byte in every place of one of them: what the fuzzer is not left to find.

use ws_core::handshake::OriginPolicy;
use ws_core::handshake::server::Handshake;
use ws_core::{Input, Instant};
use ws_fuzz::accept_key::check;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of `bytes`, with its padding (RFC 4648 4).
fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= three.len() { digit } else { b'=' });
        }
    }
    text
}

fn is_taken(key: &[u8]) -> bool {
    let mut head = [
        b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
        key,
        b"\r\n\r\n",
    ]
    .concat();
    let mut store = [0; 512];
    let mut handshake = Handshake::new(&mut store, &[], Instant::from_millis(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut head)), Ok(true));
    handshake.accept(OriginPolicy::Any).is_ok()
}

#[test]
fn keys_of_sixteen_bytes_are_taken_and_no_others() {
    for len in 0..=64 {
        let counted: Vec<u8> = (0..len).map(|at| (at as u8).wrapping_mul(37)).collect();
        for bytes in [counted, vec![0; len], vec![0xff; len], vec![0xfb; len]] {
            let text = base64(&bytes);
            assert_eq!(is_taken(&text), len == 16, "{len} bytes");
            check(&text);
            // Less, and more.
            for cut in 0..text.len() {
                assert!(
                    !is_taken(&text[..cut]) || (cut == 24 && text[..cut].ends_with(b"==")),
                    "{len} bytes, cut"
                );
                check(&text[..cut]);
            }
            check(&[&text[..], b"="].concat());
        }
    }
}

/// Also as what a client draws: the first 16 bytes.
#[test]
fn every_byte_in_every_place_is_judged_as_base64_has_it() {
    let sample = b"dGhlIHNhbXBsZSBub25jZQ==";
    for at in 0..sample.len() {
        for byte in 0..=255 {
            let mut text = *sample;
            text[at] = byte;
            check(&text);
        }
    }
}

/// Each bit of what is hashed matters.
#[test]
fn every_bit_of_a_key_leads_to_the_value_of_others() {
    for bit in 0..128 {
        let mut bytes = *b"the sample nonce";
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(is_taken(&base64(&bytes)));
        check(&base64(&bytes));
        check(&bytes);
    }
}
