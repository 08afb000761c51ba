//! What is decoded: a stream of masked frames in memory, and the reads it is handed out in. Nothing here decodes.

use std::cell::Cell;
use std::rc::Rc;

/// The most that one read returns, as a socket's would.
pub const READ: usize = 16 * 1024;

/// A payload's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Binary,
    Ascii,
    Cjk,
}

/// Masked frames as a client sends them, one for each message.
pub struct Stream {
    pub wire: Vec<u8>,
    pub plain: Vec<u8>,
    pub messages: u64,
}

impl Stream {
    /// Messages of `size` bytes, at least 256 KiB of them: more than a first-level cache, less than a second-level one.
    pub fn new(content: Content, size: usize) -> Self {
        let mut stream = Self { wire: Vec::new(), plain: Vec::new(), messages: 0 };
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        while stream.plain.len() < 256 * 1024 {
            stream.push(content, size, &mut random);
        }
        stream
    }

    fn push(&mut self, content: Content, size: usize, random: &mut Random) {
        let key = (random.next() as u32).to_le_bytes();
        self.wire.push(if content == Content::Binary { 0x82 } else { 0x81 });
        match size {
            0..=125 => self.wire.push(0x80 | size as u8),
            126..=0xffff => {
                self.wire.push(0x80 | 126);
                self.wire.extend((size as u16).to_be_bytes());
            }
            _ => {
                self.wire.push(0x80 | 127);
                self.wire.extend((size as u64).to_be_bytes());
            }
        }
        self.wire.extend(key);
        let begin = self.plain.len();
        while self.plain.len() < begin + size {
            let room = begin + size - self.plain.len();
            let r = random.next();
            match content {
                Content::Binary => self.plain.push(r as u8),
                Content::Cjk if room >= 3 => {
                    let ideograph = char::from_u32(0x4e00 + r as u32 % 0x5000).unwrap_or('一');
                    self.plain.extend(ideograph.encode_utf8(&mut [0; 4]).bytes());
                }
                Content::Ascii | Content::Cjk => self.plain.push(b' ' + (r % 95) as u8),
            }
        }
        self.wire.extend(self.plain[begin..].iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
        self.messages += 1;
    }
}

/// Repeatable noise (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The stream, over and over; a read ends where the stream does. Clones share the position.
#[derive(Clone)]
pub struct Reads {
    stream: Rc<Stream>,
    at: Rc<Cell<usize>>,
}

impl Reads {
    pub fn new(stream: Rc<Stream>) -> Self {
        Self { stream, at: Rc::default() }
    }

    /// The next bytes, copied into `buf`: at most [`READ`].
    #[inline]
    pub fn read(&self, buf: &mut [u8]) -> usize {
        let rest = self.next(buf.len());
        buf[..rest.len()].copy_from_slice(rest);
        rest.len()
    }

    /// The next bytes, to be copied: at most `room` and [`READ`].
    #[inline]
    pub fn next(&self, room: usize) -> &[u8] {
        let at = self.at.get();
        let rest = &self.stream.wire[at..];
        let rest = &rest[..rest.len().min(READ).min(room)];
        let at = at + rest.len();
        self.at.set(if at == self.stream.wire.len() { 0 } else { at });
        rest
    }

    /// The stream was read to its end.
    #[inline]
    pub fn at_end(&self) -> bool {
        self.at.get() == 0
    }
}

/// A buffer to read into. All start on a page, so that no row has better luck with it than another.
#[repr(align(4096))]
pub struct Buffer(pub [u8; READ]);

impl Buffer {
    pub fn new() -> Box<Self> {
        Box::new(Self([0; READ]))
    }
}
