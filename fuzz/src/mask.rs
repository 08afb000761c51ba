//! Payload is unmasked as byte by byte (RFC 6455 5.3), at whatever alignment it is lent, wherever reads and fragments cut it;
//! and nothing is written to but that payload.
//!
//! There is a body for words of 64 bits, and for less one with the feature `words` of the core and one without. The fuzzer runs on
//! 64 bits, where the feature changes nothing: the other two meet what it has found, the seeds, in CI's job `narrow`, and the tests
//! beside them.

use ws_core::{Connection, Event, Input, Instant, Kind, PeerError};

use crate::common::{Cuts, FREE, Rng};

/// Bytes around what is lent, which stay as they are: more than are unmasked in one turn of any loop.
const MARGIN: usize = 80;
const CANARY: u8 = 0xc5;

/// The first four bytes are the key, the others the payload as it is on the wire.
pub fn check(data: &[u8]) {
    let (key, payload) = data.split_at(data.len().min(4));
    let key = core::array::from_fn(|i| key.get(i).copied().unwrap_or(0));
    let mut rng = Rng::of(data);
    // Text is unmasked in blocks of 4 KiB: once in a while there is more than one.
    let is_long = rng.next() >> 32 & 63 == 0;
    let repeats = if is_long { 1 + 5000 / (1 + payload.len()) } else { 1 };
    let mut wire = Wire::new(&payload.repeat(repeats), key, &mut rng);
    for kind in [Kind::Binary, Kind::Text] {
        wire.check(kind, Cuts::of(data), rng.clone());
    }
}

/// A message, in a frame or two.
struct Wire {
    bytes: Vec<u8>,
    /// The same with its payload unmasked, as it is to be found where it was read to.
    unmasked: Vec<u8>,
    /// The payload alone, unmasked.
    clear: Vec<u8>,
}

impl Wire {
    fn new(payload: &[u8], key: [u8; 4], rng: &mut Rng) -> Self {
        let len = payload.len();
        let mut wire = Self {
            bytes: Vec::with_capacity(len + 16),
            unmasked: Vec::with_capacity(len + 16),
            clear: Vec::with_capacity(len),
        };
        // Mostly one frame, for there is a quick way for that if it comes whole.
        let cut = if rng.next() >> 32 & 3 == 0 { rng.below(len + 1) } else { len };
        let (a, b) = payload.split_at(cut);
        wire.frame(if b.is_empty() { 0x80 } else { 0 }, a, key);
        if !b.is_empty() {
            wire.frame(0x80, b, [key[3], key[0] ^ 0x55, key[2], !key[1]]);
        }
        wire
    }

    fn frame(&mut self, b0: u8, payload: &[u8], key: [u8; 4]) {
        self.bytes.push(b0);
        match payload.len() {
            n @ 0..=125 => self.bytes.push(0x80 | n as u8),
            n => {
                self.bytes.push(0x80 | 126);
                self.bytes.extend(u16::try_from(n).expect("no more than that").to_be_bytes());
            }
        }
        self.bytes.extend(key);
        self.unmasked.extend_from_slice(&self.bytes[self.unmasked.len()..]);
        self.bytes.extend_from_slice(payload);
        let start = self.clear.len();
        self.clear.extend_from_slice(payload);
        let keys = key.repeat(payload.len() / 4 + 1);
        self.clear[start..].iter_mut().zip(keys).for_each(|(byte, key)| *byte ^= key);
        self.unmasked.extend_from_slice(&self.clear[start..]);
    }

    fn check(&mut self, kind: Kind, mut cuts: Cuts, mut rng: Rng) {
        self.bytes[0] = self.bytes[0] & 0x80 | if kind == Kind::Text { 1 } else { 2 };
        self.unmasked[0] = self.bytes[0];
        let mut ws = Connection::server(FREE, Instant::from_millis(0));
        let mut room = vec![CANARY; self.bytes.len() + 2 * MARGIN + 32];
        let (mut delivered, mut is_first, mut is_whole, mut error) = (0, true, false, None);
        let mut rest = &self.bytes[..];
        while !rest.is_empty() && error.is_none() {
            let at = self.bytes.len() - rest.len();
            let piece = cuts.next(&mut rest);
            let start = MARGIN + rng.below(32); // every alignment of words, and of what is larger
            let end = start + piece.len();
            room[start..end].copy_from_slice(piece);
            let mut input = Input::new(&mut room[start..end]);
            loop {
                match ws.receive(&mut input) {
                    Ok(None) => break,
                    Ok(Some(Event::Data(data))) => {
                        let now = delivered + data.payload.len();
                        assert_eq!(data.payload, &self.clear[delivered..now], "{kind:?} from {delivered} on");
                        assert_eq!((data.kind, data.first), (kind, is_first));
                        assert!(!is_whole, "more than the whole");
                        (delivered, is_first, is_whole) = (now, false, data.last);
                    }
                    Ok(Some(event)) => panic!("{event:?}"),
                    Err(why) => {
                        error = Some(why);
                        break;
                    }
                }
            }
            // Behind the byte at which a text went wrong, it may have been unmasked, or not.
            if error.is_none() {
                assert!(input.is_empty(), "all is consumed");
                let unmasked = &self.unmasked[at..at + piece.len()];
                assert_eq!(&room[start..end], unmasked, "{kind:?}: at {at}");
            }
            assert_eq!(room[start - MARGIN..start], [CANARY; MARGIN], "{kind:?}: before what is lent");
            assert_eq!(room[end..end + MARGIN], [CANARY; MARGIN], "{kind:?}: behind what is lent");
            room[start..end].fill(CANARY);
        }
        let is_valid = kind == Kind::Binary || core::str::from_utf8(&self.clear).is_ok();
        assert_eq!(error, (!is_valid).then_some(PeerError::InvalidUtf8), "{kind:?}");
        assert_eq!(is_whole, is_valid, "{kind:?}");
        assert!(!is_valid || delivered == self.clear.len(), "{kind:?}: {delivered} bytes came");
    }
}
