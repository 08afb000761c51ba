//! Compressed messages (RFC 7692). What is judged is judged by zlib: see `../../common/deflate.rs`.
//!
//! | file | what |
//! | --- | --- |
//! | `talking.rs` | messages of all kinds between two ends of ours, however they are sent, read and delayed |
//! | `cancel.rs` | futures that are dropped, at every await point |
//! | `lending.rs` | a few bytes that become many: all is lent, in order, and others have their turn |
//! | `refused.rs` | what may not come, bombs |
//! | `agreeing.rs` | accept and connect: what is offered, agreed on and declined |
//! | here | what they share |

mod agreeing;
mod cancel;
mod lending;
mod refused;
mod talking;

use ws_core::connection::{Compression, CompressionBuffers};
use ws_core::deflate::negotiate::Value;
use ws_core::deflate::{Effort, Small};

use crate::common::deflate::Inflater;
use crate::common::frames::Frame;
use crate::common::random::Random;
use crate::side::Side;

/// What a microcontroller has, each way 512 bytes of window.
struct Memory(CompressionBuffers<512, 512, 128, 512, 1024>);

type Codec<'m> = Compression<'m, Small>;

impl Memory {
    fn new() -> Self {
        Self(CompressionBuffers::new())
    }

    /// Ready for messages of an `S` whose peer keeps to that window, and may take its context over.
    fn begun<S: Side>(&mut self) -> Codec<'_> {
        begun::<S>(self.0.compression(Effort::QUICK))
    }

    /// The same, whose own messages may refer to those before them too.
    fn begun_with_takeover<S: Side>(&mut self) -> Codec<'_> {
        begun::<S>(self.0.compression(Effort::QUICK).with_takeover())
    }
}

fn begun<S: Side>(mut codec: Codec<'_>) -> Codec<'_> {
    let agreement = if S::IS_CLIENT {
        codec.terms().confirm(params("server_max_window_bits=9"))
    } else {
        codec.terms().accept(params("client_max_window_bits"))
    };
    codec.begin(&agreement.expect("terms that will do")).expect("a window that is long enough");
    codec
}

/// `a; b=9` as the handshake hands it over.
fn params(text: &str) -> impl Iterator<Item = (&str, Option<Value>)> {
    text.split("; ").map(|param| match param.split_once('=') {
        Some((name, value)) => (name, Some(value.parse().ok())),
        None => (param, None),
    })
}

/// A message among frames.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    opcode: u8,
    message: Vec<u8>,
    /// The octets of its payloads, if it was compressed.
    compressed: Option<usize>,
}

impl Sent {
    fn is(&self) -> (u8, Vec<u8>) {
        (self.opcode, self.message.clone())
    }
}

/// The messages among frames, inflated. `takeover`: a message may refer to those before it.
///
/// # Panics
///
/// As [`crate::side::messages`]; if one is no compressed message, or RSV1 is set where none begins.
fn inflated(mut frames: Vec<Frame>, takeover: bool) -> Vec<Sent> {
    let mut rsv1 = Vec::new();
    for frame in &mut frames {
        assert!(!frame.rsv1 || matches!(frame.opcode, 1 | 2), "RSV1 where no message begins: {frame:?}");
        if matches!(frame.opcode, 1 | 2) {
            rsv1.push(std::mem::take(&mut frame.rsv1));
        }
    }
    let mut inflater = Inflater::new(takeover);
    let read = |((opcode, payload), is_compressed): ((u8, Vec<u8>), bool)| {
        let len = payload.len();
        let message = if is_compressed { inflater.inflate(&payload) } else { payload };
        Sent { opcode, message, compressed: is_compressed.then_some(len) }
    };
    crate::side::messages(&frames).into_iter().zip(rsv1).map(read).collect()
}

/// Octets that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut random = Random::new(len as u64);
    (0..len).map(|_| random.next() as u8).collect()
}

/// Text that does.
fn prose(len: usize) -> String {
    let words = ["temperature", "humidity", "{\"id\":", "},", "12", "3", " ", "true", "null", "\u{b0}C"];
    let mut random = Random::new(len as u64);
    let mut text = String::new();
    while text.len() < len {
        text += words[random.below(words.len() as u64) as usize];
    }
    text
}
