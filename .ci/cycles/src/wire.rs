//! What is received: payload of three contents, masked frames around it, and the reads they come in. Nothing here is
//! measured.

/// The most that one read returns: the payload of a full TCP segment on Ethernet.
pub const READ: usize = 1460;

/// A payload's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Binary,
    Ascii,
    /// Characters of four bytes.
    Wide,
}

/// Memory that begins at a whole word.
#[repr(align(4))]
pub struct Aligned<const N: usize>(pub [u8; N]);

/// Frames written one behind the other.
pub struct Wire<'a> {
    bytes: &'a mut [u8],
    len: usize,
    random: Random,
}

impl<'a> Wire<'a> {
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, len: 0, random: Random(0x9e37_79b9) }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// A masked frame with the first byte `b0` and `payload`.
    pub fn put_frame(&mut self, b0: u8, payload: &[u8]) {
        let len = payload.len();
        self.put(&[b0]);
        match len {
            0..=125 => self.put(&[0x80 | len as u8]),
            126..=0xffff => {
                self.put(&[0x80 | 126]);
                self.put(&(len as u16).to_be_bytes());
            }
            _ => {
                self.put(&[0x80 | 127]);
                self.put(&(len as u64).to_be_bytes());
            }
        }
        let key = self.random.next().to_le_bytes();
        self.put(&key);
        let begin = self.len;
        self.put(payload);
        for (byte, key) in self.bytes[begin..self.len].iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
    }
}

/// Fills `payload` with repeatable noise.
pub fn fill(payload: &mut [u8], content: Content) {
    let mut random = Random(0x1234_5679);
    match content {
        Content::Binary => payload.fill_with(|| random.next() as u8),
        Content::Ascii => payload.fill_with(|| b' ' + (random.next() % 95) as u8),
        Content::Wide => payload.chunks_mut(4).for_each(|place| {
            let wide = char::from_u32(0x1_f300 + random.next() % 0x300).unwrap_or('\u{1f600}');
            place.copy_from_slice(&wide.encode_utf8(&mut [0; 4]).as_bytes()[..place.len()]);
        }),
    }
}

/// xorshift32
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
