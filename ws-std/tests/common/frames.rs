//! Frames as bytes, written and read without the library.

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// Of the first frame of a compressed message (RFC 7692 6).
pub(crate) const RSV1: u8 = 0x40;

/// First byte and payload.
pub(crate) type Frame = (u8, Vec<u8>);

/// A frame, as a client (`masked`) or a server writes it.
pub(crate) fn frame(masked: bool, b0: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(masked, b0, payload.len() as u64);
    if masked {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        bytes.extend(key);
        bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    } else {
        bytes.extend(payload);
    }
    bytes
}

/// What stands before the masking key.
pub(crate) fn header(masked: bool, b0: u8, len: u64) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![b0];
    match len {
        0..=125 => bytes.push(mask | len as u8),
        126..=0xffff => {
            bytes.push(mask | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend(len.to_be_bytes());
        }
    }
    bytes
}

/// Takes the first frame off `bytes`, if all of it is there.
pub(crate) fn take(masked: bool, bytes: &mut &[u8]) -> Option<Frame> {
    let (&b0, &b1) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(b0 & 0x30, 0, "a reserved bit");
    assert!(
        b0 & RSV1 == 0 || matches!(b0 & 0x0f, 1 | 2),
        "only a message's first frame says that it is compressed"
    );
    assert_eq!(b1 & 0x80 != 0, masked, "a client masks, a server does not");
    let (len, head) = match b1 & 0x7f {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()), 10),
        n => (u64::from(n), 2),
    };
    let start = head + if masked { 4 } else { 0 };
    let key: [u8; 4] = if masked { bytes.get(head..start)?.try_into().unwrap() } else { [0; 4] };
    let end = start + len as usize;
    let payload = bytes.get(start..end)?.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k).collect();
    *bytes = &bytes[end..];
    Some((b0, payload))
}

/// All whole frames, and how many bytes are left behind them.
pub(crate) fn decode(masked: bool, mut bytes: &[u8]) -> (Vec<Frame>, usize) {
    let frames = std::iter::from_fn(|| take(masked, &mut bytes)).collect();
    (frames, bytes.len())
}

/// Puts messages together: what was said, however it was cut into frames. A message stands where its last frame does.
pub(crate) fn said(frames: Vec<Frame>) -> Vec<Frame> {
    let mut said = Vec::new();
    let mut open: Option<Frame> = None;
    for (b0, payload) in frames {
        if b0 & 0x0f >= 8 {
            said.push((b0, payload));
            continue;
        }
        assert_eq!(open.is_some(), b0 & 0x0f == 0, "a message inside another, or a piece without one");
        let message = open.get_or_insert((0x80 | b0, Vec::new()));
        message.1.extend(payload);
        if b0 & 0x80 != 0 {
            said.extend(open.take());
        }
    }
    said
}

/// The payload of a Close.
pub(crate) fn close_body(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}
