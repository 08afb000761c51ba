//! The messages that `inflate.rs` inflates, deflated with context takeover, in the memory of three settings.

use core::hint::black_box;

use ws_core::deflate::{Buffers, Deflater, Effort};

use crate::host::{fail, label, measured};

/// Each with its length before it.
static MESSAGES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plain"));

pub fn run() {
    let mut buffers = Buffers::<512, 128, 512, 1024>::new();
    messages("window 512, 128 heads", &mut buffers.deflater(Effort::QUICK));
    let mut buffers = Buffers::<1024, 256, 1024, 1024>::new();
    messages("window 1024, 256 heads", &mut buffers.deflater(Effort::QUICK));
    let mut buffers = Buffers::<512, 0, 0, 736>::new();
    messages("window 512, no heads", &mut buffers.deflater(Effort::SMALL));
}

fn messages(setting: &str, deflater: &mut Deflater<'_>) {
    let (mut rest, mut nth) = (MESSAGES, 0);
    while let [a, b, behind @ ..] = rest {
        let len = u16::from_le_bytes([*a, *b]);
        let (message, behind) = behind.split_at(len.into());
        label(format_args!("deflate|{setting}|{nth}|{len}"));
        let written = measured(|| deflate(deflater, message));
        if written == 0 || written >= message.len() {
            label(format_args!("a message is not deflated"));
            fail();
        }
        (rest, nth) = (behind, nth + 1);
    }
}

/// Tells how many bytes came out; they are there to be used, and nobody does.
#[inline(never)]
fn deflate(deflater: &mut Deflater<'_>, mut message: &[u8]) -> usize {
    let (mut out, mut len) = ([0; 512], 0);
    loop {
        let progress = deflater.deflate(&mut message, &mut out, true);
        len += black_box(out.get(..progress.written).unwrap_or_default()).len();
        if progress.done {
            return len;
        }
    }
}
