//! Compressed messages (RFC 7692 7.2), made and read by zlib instead of the library, with windows of 512 bytes.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

const WINDOW_BITS: u8 = 9;

/// The octets that the sender of a message removes (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What clients ask with who can be held to such a window, and what a server with 512 bytes answers that does not take its
/// context over.
pub(crate) const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
pub(crate) const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_max_window_bits=9";

/// The payload of a message that stands alone.
pub(crate) fn deflated(message: impl AsRef<[u8]>) -> Vec<u8> {
    let (message, mut payload) = (message.as_ref(), Vec::new());
    let mut zlib = Compress::new_with_window_bits(Compression::default(), false, WINDOW_BITS);
    while !payload.ends_with(&TAIL) || zlib.total_in() < message.len() as u64 {
        payload.reserve(message.len() + 64);
        let rest = &message[zlib.total_in() as usize..];
        zlib.compress_vec(rest, &mut payload, FlushCompress::Sync).expect("zlib takes anything");
    }
    payload.truncate(payload.len() - TAIL.len());
    payload
}

/// Reads the messages of one direction.
pub(crate) struct Inflater {
    zlib: Decompress,
    takeover: bool,
}

impl Inflater {
    /// `takeover`: a message may refer to those before it.
    pub(crate) fn new(takeover: bool) -> Self {
        Self { zlib: Decompress::new_with_window_bits(false, WINDOW_BITS), takeover }
    }

    /// What a payload stands for.
    ///
    /// # Panics
    ///
    /// If it is no compressed message, or refers to what is farther back than the window.
    pub(crate) fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.zlib = Decompress::new_with_window_bits(false, WINDOW_BITS);
        }
        let (payload, mut message) = ([payload, &TAIL].concat(), Vec::new());
        let begun = self.zlib.total_in();
        loop {
            message.reserve(4096);
            let rest = &payload[(self.zlib.total_in() - begun) as usize..];
            self.zlib
                .decompress_vec(rest, &mut message, FlushDecompress::Sync)
                .expect("a compressed message");
            if self.zlib.total_in() - begun == payload.len() as u64 && message.len() < message.capacity() {
                return message;
            }
        }
    }
}

/// What the beginning of a payload stands for: each byte that can be told from it.
pub(crate) fn inflated_so_far(beginning: &[u8]) -> Vec<u8> {
    let mut zlib = Decompress::new_with_window_bits(false, WINDOW_BITS);
    let mut message = Vec::new();
    loop {
        message.reserve(4096);
        let (rest, len) = (&beginning[zlib.total_in() as usize..], message.len());
        // An error that says that there is no progress is the end.
        let _ = zlib.decompress_vec(rest, &mut message, FlushDecompress::Sync);
        if message.len() == len {
            return message;
        }
    }
}

/// The payload of a message of the letter `a`, `1 + 258 * matches` times.
pub(crate) fn bomb(matches: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b010, 3); // a block with the fixed codes (RFC 1951 3.2.6)
    bits.put(u32::from(0x91u8.reverse_bits()), 8);
    for _ in 0..matches {
        bits.put(0b1010_0011, 8); // length 258
        bits.put(0, 5); // distance 1
    }
    bits.end()
}

/// The payload of a message that begins with a match of 258 bytes, so many bytes back; that is legal only behind others. The
/// distance is 1, 2, 3 or 4.
pub(crate) fn reference(distance: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b010, 3);
    bits.put(0b1010_0011, 8);
    bits.put(u32::from(((distance - 1) as u8).reverse_bits() >> 3), 5);
    bits.end()
}

/// Bits, the lowest first (RFC 1951 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    hold: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.hold |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.hold as u8);
            self.hold >>= 8;
            self.count -= 8;
        }
    }

    /// The end of the block, and an empty stored one without its lengths.
    fn end(mut self) -> Vec<u8> {
        self.put(0, 7 + 3 + 7); // up to the end of the byte
        self.bytes
    }
}
