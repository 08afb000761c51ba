//! What is compressed: text such as messages are made of, and what compresses too well or not at all.

use super::{Rng, few};

const WORDS: [&str; 24] = [
    "the ",
    "of ",
    "and ",
    "a window ",
    "history, ",
    "length ",
    "distance. ",
    "is ",
    "every ",
    "message ",
    "peer ",
    "in ",
    "which ",
    "no ",
    "byte ",
    "before ",
    "\n",
    "code ",
    "\u{2013} ",
    "symbols ",
    "to ",
    "that ",
    "block; ",
    "it ",
];

/// Any of the below, mostly short.
pub(crate) fn any(rng: &mut Rng) -> Vec<u8> {
    let below = rng.pick(&[4, 300, 3000, 3000, 40_000][..few(5, 3)]);
    let len = rng.below(below);
    match rng.below(6) {
        0 => (0..len).map(|_| rng.next() as u8).collect(),
        1 => vec![rng.next() as u8; len],
        2 => (0..len).map(|_| rng.pick(b"abc")).collect(),
        3 => repeat(rng, len),
        4 => prose(rng, len),
        _ => json(rng, len),
    }
}

/// Readings of sensors, about `len` bytes of them.
pub(crate) fn json(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut text = format!("{{\"type\":\"telemetry\",\"seq\":{},\"readings\":[", rng.below(100_000));
    while text.len() < len {
        let state = rng.pick(&["ok", "ok", "ok", "warn", "maintenance"]);
        text += &format!(
            "{{\"device\":\"pump-{:03}\",\"temperature\":{}.{:02},\"pressure\":{}.{:03},\"status\":\"{state}\"}},",
            rng.below(40),
            15 + rng.below(65),
            rng.below(100),
            rng.below(9),
            rng.below(1000),
        );
    }
    text.into_bytes()
}

pub(crate) fn prose(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < len {
        text += rng.pick(&WORDS);
    }
    text.into_bytes()
}

/// Runs of bytes that come again from any distance, and single new ones between them.
fn repeat(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![rng.next() as u8];
    while bytes.len() < len {
        let (distance, n) = (1 + rng.below(bytes.len()), rng.below(300));
        for _ in 0..n {
            bytes.push(bytes[bytes.len() - distance]);
        }
        bytes.push(rng.next() as u8);
    }
    bytes
}
