//! What zlib (its port to Rust) makes of a stream of DEFLATE blocks: the other opinion on ours. It reads streams that end with a final
//! block; here the next stream begins behind one, and knows what came before, as in the messages of RFC 7692 7.2.3.4.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::distances::first_beyond;

/// The farthest that a stream refers back.
const HISTORY: usize = 32_768;

/// How a stream ends, as far as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// More may come.
    Pending,
    /// With a final block, and at its last byte.
    Final,
    /// It is not DEFLATE data.
    Data,
    /// A distance reaches before the first byte, or out of the window.
    Distance,
    /// One of the two.
    Refused,
    /// There is as much output as was asked for, or more.
    Full,
}

/// An inflater, and what came of the latest stream.
#[derive(Debug)]
pub(crate) struct Zlib {
    inflater: Decompress,
    out: Vec<u8>,
    len: usize,
}

impl Zlib {
    /// For outputs of up to `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { inflater: Decompress::new(false), out: vec![0; most], len: 0 }
    }

    /// What the latest stream came to.
    pub(crate) fn out(&self) -> &[u8] {
        &self.out[..self.len]
    }

    /// Inflates the stream, up to `most` bytes of output, in a window of `2^bits`.
    pub(crate) fn inflate(&mut self, stream: &[u8], most: usize, bits: u8) -> End {
        let end = self.inflate_in_any_window(stream, most);
        let window = 1 << bits;
        // It has but one window.
        if self.len > window
            && window < HISTORY
            && let Some(at) = first_beyond(stream, window, self.len)
        {
            self.len = at;
            return End::Distance;
        }
        end
    }

    fn inflate_in_any_window(&mut self, stream: &[u8], most: usize) -> End {
        self.inflater.reset(false);
        let (len, end) = run(&mut self.inflater, stream, &mut self.out[..most]);
        self.len = len;
        end
    }

    /// The latest stream, which has inflated to less than `most` bytes, ends where a block does, and a byte: there another stored block, of
    /// bytes that no accident brings about, is read as what it is, and not as what is missing of a stored block.
    pub(crate) fn is_between_blocks(&mut self, stream: &[u8], most: usize) -> bool {
        const PROBE: &[u8] = b"\x01\x10\x00\xef\xff\x1f\xd3 a block of it";
        let (all, before) = ([stream, PROBE].concat(), self.len);
        let end = self.inflate_in_any_window(&all, most + 17);
        end == End::Final && self.out().get(before..) == Some(&PROBE[5..])
    }
}

fn run(inflater: &mut Decompress, mut stream: &[u8], out: &mut [u8]) -> (usize, End) {
    let mut at = 0;
    loop {
        let (taken, given) = (inflater.total_in(), inflater.total_out());
        let result = inflater.decompress(stream, &mut out[at..], FlushDecompress::Sync);
        let (taken, given) = (inflater.total_in() - taken, inflater.total_out() - given);
        at += given as usize;
        stream = &stream[taken as usize..];
        if at == out.len() {
            return (at, End::Full); // whatever comes behind that
        }
        match result {
            Err(error) => {
                let message = error.message().unwrap_or_default();
                let end = match message {
                    "invalid distance too far back" => End::Distance,
                    // What its quick loop has found, it forgets.
                    "repeated call with bad state" => End::Refused,
                    _ => End::Data,
                };
                return (at, end);
            }
            Ok(Status::StreamEnd) if stream.is_empty() => return (at, End::Final),
            Ok(Status::StreamEnd) => {
                inflater.reset(false);
                inflater.set_dictionary(&out[at.saturating_sub(HISTORY)..at]).expect("any will do");
            }
            Ok(_) if given == 0 && stream.is_empty() => return (at, End::Pending),
            Ok(_) => {}
        }
    }
}

/// A deflater for each way that zlib goes about it, made once: making one takes longer than deflating a little.
#[derive(Debug)]
pub(crate) struct Deflaters([Compress; 4]);

impl Deflaters {
    pub(crate) fn new() -> Self {
        Self([0, 1, 5, 9].map(|level| Compress::new(Compression::new(level), false)))
    }

    /// A stream of these pieces, each with what is flushed behind it, up to the end of a block, and without the tail that a message
    /// leaves away.
    pub(crate) fn deflate(
        &mut self,
        level: u8,
        pieces: impl Iterator<Item = (Vec<u8>, FlushCompress)>,
    ) -> Vec<u8> {
        let deflater = &mut self.0[usize::from(level) % 4];
        deflater.reset();
        let mut stream = Vec::with_capacity(8192);
        for (piece, flush) in pieces.chain([(Vec::new(), FlushCompress::Sync)]) {
            deflater.compress_vec(&piece, &mut stream, flush).expect("room");
        }
        if stream.ends_with(&[0, 0, 0xff, 0xff]) {
            stream.truncate(stream.len() - 4);
        }
        stream
    }
}
