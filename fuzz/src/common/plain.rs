//! [`Part`]s: what messages are made of, so that a few bytes of the fuzzer's make text that compresses, noise that does not, and matches
//! of every length and distance.

use arbitrary::Arbitrary;

use super::Rng;

const WORDS: [&str; 16] = [
    "{\"id\":",
    "\"status\":\"ok\"",
    "},",
    "pump-",
    "temperature",
    "the ",
    "of ",
    "é",
    "\u{1f980}",
    "\n",
    ", ",
    "true",
    "0.5",
    "message ",
    "[",
    "]",
];

/// How some bytes come about.
#[derive(Arbitrary, Debug)]
pub(crate) enum Part<'a> {
    /// As they are.
    Bytes(&'a [u8]),
    /// What stands so far back, so long; over and over if it is longer.
    Again { back: u16, len: u16 },
    /// One byte.
    Run { byte: u8, len: u16 },
    /// Nothing comes twice; in so many values from `first` on.
    Noise { seed: u8, first: u8, values: u8, len: u16 },
    /// Text.
    Words { seed: u8, len: u8 },
    /// All values in turn.
    Count { first: u8, step: u8, len: u8 },
}

impl Part<'_> {
    /// Puts the part down, which comes to `most` bytes at most.
    pub(crate) fn put(&self, plain: &mut Vec<u8>, most: usize) {
        let short = |len: u16| usize::from(len).min(most);
        match *self {
            Part::Bytes(bytes) => plain.extend_from_slice(&bytes[..bytes.len().min(most)]),
            Part::Again { back, len } => {
                let Some(last) = plain.len().checked_sub(1) else { return };
                let from = last - usize::from(back) % plain.len();
                for i in 0..short(len) {
                    plain.push(plain[from + i]);
                }
            }
            Part::Run { byte, len } => plain.resize(plain.len() + short(len), byte),
            Part::Noise { seed, first, values, len } => {
                let (mut rng, values) = (Rng::of(&[seed]), usize::from(values) + 1);
                plain.extend((0..short(len)).map(|_| first.wrapping_add(rng.below(values) as u8)));
            }
            Part::Words { seed, len } => {
                let (mut rng, end) = (Rng::of(&[seed]), plain.len() + most.min(len.into()));
                while plain.len() < end {
                    let word = WORDS[rng.below(WORDS.len())].as_bytes();
                    plain.extend_from_slice(&word[..word.len().min(end - plain.len())]);
                }
            }
            Part::Count { first, step, len } => {
                let bytes = (0..len).map(|i| first.wrapping_add(step.wrapping_mul(i)));
                plain.extend(bytes.take(most));
            }
        }
    }

    /// A message of these parts, of `most` bytes at most.
    pub(crate) fn message(parts: &[Part<'_>], most: usize) -> Vec<u8> {
        let mut plain = Vec::new();
        for part in parts {
            let room = most - plain.len();
            part.put(&mut plain, room);
        }
        plain
    }
}
