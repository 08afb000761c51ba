//! Frames as bytes, written and read without the library.

use super::End;

/// Lengths at and around every edge: of the three forms, of 32 bits, of the top bit, of what a header adds.
pub(crate) const LENGTHS: [u64; 16] = [
    0,
    1,
    125,
    126,
    127,
    0xffff,
    0x1_0000,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 13,
    u64::MAX - 1,
    u64::MAX,
];

/// A frame that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub(crate) b0: u8,
    pub(crate) key: [u8; 4],
    pub(crate) payload: Vec<u8>,
    /// Bytes on the wire.
    pub(crate) size: usize,
}

/// The masking key that the peer uses for a frame: any will do, not always the same, all its bytes different.
pub(crate) fn key_of(b0: u8) -> [u8; 4] {
    [0x37, 0xfa, 0x21, 0x3d ^ b0]
}

/// A frame as the peer of `end` sends it: masked towards a server, bare towards a client.
pub(crate) fn incoming(end: End, b0: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![b0];
    let mask = if end == End::Server { 0x80 } else { 0 };
    match payload.len() {
        n @ 0..=125 => bytes.push(mask | n as u8),
        n @ 126..=0xffff => {
            bytes.push(mask | 126);
            bytes.extend((n as u16).to_be_bytes());
        }
        n => {
            bytes.push(mask | 127);
            bytes.extend((n as u64).to_be_bytes());
        }
    }
    if mask == 0 {
        bytes.extend(payload);
    } else {
        let key = key_of(b0);
        bytes.extend(key);
        bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    }
    bytes
}

/// Frames of the peer's, one behind the other.
pub(crate) fn script(end: End, frames: &[(u8, &[u8])]) -> Vec<u8> {
    frames.iter().flat_map(|(b0, payload)| incoming(end, *b0, payload)).collect()
}

/// Decodes all that `end` has sent, which has to be whole frames.
pub(crate) fn decode(end: End, mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let frame = decode_one(end, bytes).expect("a frame was cut short");
        bytes = &bytes[frame.size..];
        frames.push(frame);
    }
    frames
}

/// Decodes the first frame that `end` has sent, if all of it is there; checks that its length has the shortest form
/// and that it is masked if and only if a client sent it.
pub(crate) fn decode_one(end: End, bytes: &[u8]) -> Option<Frame> {
    let (&b0, &b1) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(b1 & 0x80 != 0, end == End::Client, "a client masks, a server does not");
    let (len, head) = match b1 & 0x7f {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()), 10),
        n => (u64::from(n), 2),
    };
    let shortest = match len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    };
    assert_eq!(head, shortest, "the length is not minimal");
    let start = head + end.key_len();
    let key = if end == End::Client { bytes.get(head..start)?.try_into().unwrap() } else { [0; 4] };
    let size = start + len as usize;
    let mut payload = bytes.get(start..size)?.to_vec();
    if end == End::Client {
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    Some(Frame { b0, key, payload, size })
}
