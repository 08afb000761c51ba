//! Cycles a byte of receiving and sending, ours beside others, and the longest calls: what `run` has the emulator count.
//!
//! This file goes through the rows. `wire.rs` makes what is received, `receivers.rs` and `senders.rs` are the ways to do the
//! work, `limit.rs` is the least there is to do, `segments.rs` and `heads.rs` make calls long, `linear.rs` makes many, `inflate.rs`
//! inflates, `deflate.rs` deflates, `host.rs` talks to the emulator.

#![no_std]
#![no_main]

mod deflate;
mod heads;
mod host;
mod inflate;
mod limit;
mod linear;
mod receivers;
mod segments;
mod senders;
mod wire;

use core::hint::black_box;

use host::{fail, label, measured};
use receivers::{Receiver, Seen, Sink};
use senders::Sender;
use wire::{Aligned, Content, READ, Wire};

/// Bytes of payload in a message; at least [`TOTAL`] bytes of them are measured.
const SIZES: [usize; 3] = [64, 1460, 16384];
const LARGEST: usize = 16384;
const TOTAL: usize = 2 * LARGEST;
const WIRE: usize = TOTAL + TOTAL / 8;
/// The beginning of a header that a read may leave over.
const KEPT: usize = 16;
/// The largest frame, anywhere in a word.
const OUT: usize = LARGEST + 4 + 3;

#[cortex_m_rt::entry]
fn main() -> ! {
    label(format_args!("nothing"));
    measured(|| ());
    let (mut payload, mut wire) = (Aligned([0; LARGEST]), [0; WIRE]);
    for (content, name, b0) in [(Content::Binary, "binary", 0x82), (Content::Ascii, "text", 0x81)] {
        wire::fill(&mut payload.0, content);
        for size in SIZES {
            let payload = &payload.0[..size];
            let mut wire = Wire::new(&mut wire);
            for _ in 0..TOTAL.div_ceil(size) {
                wire.put_frame(b0, payload);
            }
            receive::<receivers::Ours>(name, "ours", payload, wire.bytes());
            receive::<receivers::EmbeddedWebsocket>(name, "embedded-websocket", payload, wire.bytes());
            receive::<receivers::EdgeWs>(name, "edge-ws", payload, wire.bytes());
        }
    }
    for size in SIZES {
        limit("XOR, plain", size, limit::plain);
        limit("XOR, 8 words a turn", size, limit::eight_a_turn);
        let payload = &payload.0[..size];
        let mut out = Aligned([0; OUT]);
        let frames = send::<senders::Ours>("ours", payload, &mut out);
        if frames != send::<senders::EmbeddedWebsocket>("embedded-websocket", payload, &mut out)
            || frames != send::<senders::EdgeWs>("edge-ws", payload, &mut out)
        {
            label(format_args!("the frames sent are not the same"));
            fail();
        }
        send::<senders::BareCopy>("copy", payload, &mut out);
    }
    segments::run();
    heads::run();
    linear::run();
    inflate::run();
    deflate::run();
    host::succeed()
}

/// Receives `wire` in reads, in each of the four positions that a read can have in memory.
fn receive<R: Receiver>(content: &str, name: &str, payload: &[u8], wire: &[u8]) {
    let mut rx = Aligned([0; 3 + KEPT + READ]);
    for offset in 0..4 {
        let rx = &mut rx.0[offset..];
        let mut expected = Expected { payload, at: 0, messages: 0 };
        let mut kept = 0;
        let mut receiver = R::new();
        for read in wire.chunks(READ) {
            rx[kept..][..read.len()].copy_from_slice(read);
            kept = receiver.receive(&mut rx[..kept + read.len()], &mut expected);
        }
        if kept != 0 || expected.at != 0 || expected.messages != TOTAL.div_ceil(payload.len()) {
            label(format_args!("{name} loses {content}"));
            fail();
        }
        let total = expected.messages * payload.len();
        label(format_args!("row|receive {content}|{}|{name}|{offset}|{total}", payload.len()));
        receiver = R::new();
        for read in wire.chunks(READ) {
            rx[kept..][..read.len()].copy_from_slice(read);
            kept = measured(|| receiver.receive(&mut rx[..kept + read.len()], &mut Seen));
        }
    }
}

/// Payload is what was sent, message after message.
struct Expected<'a> {
    payload: &'a [u8],
    at: usize,
    messages: usize,
}

impl Sink for Expected<'_> {
    fn piece(&mut self, payload: &[u8], last: bool) {
        let end = self.at + payload.len();
        if self.payload.get(self.at..end) != Some(payload) || last != (end == self.payload.len()) {
            label(format_args!("wrong payload"));
            fail();
        }
        (self.at, self.messages) = if last { (0, self.messages + 1) } else { (end, self.messages) };
    }
}

/// XORs as many bytes as a message has, in pieces as the reads have them.
fn limit(name: &str, size: usize, xor: fn(&mut [u32], u32)) {
    let mut words = [0; READ / 4];
    label(format_args!("row|receive binary|{size}|{name}|0|{size}"));
    let mut left = size / 4;
    while left != 0 {
        let n = left.min(words.len());
        measured(|| xor(&mut words[..n], black_box(0x37fa_213d)));
        left -= n;
    }
}

/// Sends `payload` to each of the four positions that an output can have in memory; tells what the frame was, in one number.
fn send<S: Sender>(name: &str, payload: &[u8], out: &mut Aligned<OUT>) -> u32 {
    let mut sum = 0x811c_9dc5u32;
    for offset in 0..4 {
        let out = &mut out.0[offset..];
        let mut sender = S::new();
        label(format_args!("row|send|{}|{name}|{offset}|{}", payload.len(), payload.len()));
        let n = measured(|| sender.send(payload, out));
        for byte in &out[..n] {
            sum = (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
    sum
}
