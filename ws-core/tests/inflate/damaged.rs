//! Streams that are damaged: what zlib accepts is accepted and is the same, what it refuses is refused, behind the same
//! bytes.

use super::differential::Peer;
use super::{Rng, content, inflate_alone, runs, thin};
use flate2::{Decompress, FlushDecompress, Status};
use ws_core::deflate::{InflateError, TAIL};

/// What zlib says of a message and the tail that belongs to it.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Refused,
    /// It takes what comes, and would take more.
    Fine,
    /// A final block came, behind which zlib looks at nothing.
    Ended,
}

fn zlib(message: &[u8]) -> (Vec<u8>, Verdict, Decompress) {
    let mut zlib = Decompress::new(false);
    let mut out = Vec::with_capacity(1 << 20);
    let result = zlib.decompress_vec(&[message, &TAIL].concat(), &mut out, FlushDecompress::Sync);
    let verdict = match result {
        Err(_) => Verdict::Refused,
        Ok(Status::StreamEnd) => Verdict::Ended,
        Ok(_) => Verdict::Fine,
    };
    (out, verdict, zlib)
}

/// Both layouts and zlib agree on a message. What is different, and meant to be:
///
/// - A message has to end where a block does, and a byte (RFC 7692 7.2.2): else it is truncated. zlib would take more.
/// - Behind a final block the message goes on with the next one (RFC 7692 7.2.3.5). zlib is at its end.
/// - A code-length code without a single code is refused at once. zlib waits until a code length should come.
fn agree(message: &[u8], seed: u64) -> (Verdict, Result<(), InflateError>) {
    let (out, result) = inflate_alone(message, || Rng(seed));
    let (expected, verdict, mut zlib) = zlib(message);
    let say = format!("run {seed}, {message:02x?}");
    match verdict {
        Verdict::Ended => assert!(out.starts_with(&expected), "{say}"),
        _ => assert!(out == expected, "{say}"),
    }
    match (&verdict, result) {
        (Verdict::Refused, _) => assert!(result.is_err(), "zlib refuses it, {say}"),
        (Verdict::Fine, Err(InflateError::Data | InflateError::Distance)) => {
            let more = zlib.decompress_vec(&[0; 64], &mut Vec::with_capacity(1000), FlushDecompress::Sync);
            assert!(more.is_err(), "zlib accepts it, {say}");
        }
        _ => {}
    }
    (verdict, result)
}

#[test]
fn damaged_streams_are_judged_as_zlib_judges_them() {
    let (mut refused, mut fine, mut ended, mut truncated) = (0, 0, 0, 0);
    for seed in 0..runs(20_000) {
        let rng = &mut Rng(seed);
        let mut message = some_message(rng);
        damage(&mut message, rng);
        match agree(&message, seed) {
            (Verdict::Refused, _) => refused += 1,
            (Verdict::Fine, Ok(())) => fine += 1,
            (Verdict::Fine, Err(_)) => truncated += 1,
            (Verdict::Ended, _) => ended += 1,
        }
    }
    println!("refused {refused}, fine {fine}, truncated {truncated}, with a final block {ended}");
    let is_mixed = refused > 1000 && fine > 1000 && truncated > 100 && ended > 20;
    assert!(cfg!(miri) || is_mixed, "what is the damage?");
}

/// A message cut off is refused, whatever the tail behind it is taken for; unless that ends a block, as it once in a while does:
/// nobody can tell such a message from a whole one.
#[test]
fn messages_cut_short_are_refused() {
    let rng = &mut Rng(3);
    for _ in 0..runs(20) {
        let message = Peer::with_level(1 + rng.below(9) as u32, 15).plain(&content::json(rng, 600));
        for len in thin(1..message.len() - 1, 50) {
            let (out, result) = inflate_alone(&message[..len], || super::Whole);
            let (expected, verdict, mut zlib) = zlib(&message[..len]);
            assert_eq!(out, expected);
            let ends = verdict == Verdict::Fine && {
                // Behind a block, and at a byte's beginning, an empty one can follow.
                let (begun, empty) = (zlib.total_in(), [1, 0, 0, 0xff, 0xff]);
                let last = zlib.decompress_vec(&empty, &mut Vec::new(), FlushDecompress::Sync);
                matches!(last, Ok(Status::StreamEnd)) && zlib.total_in() - begun == empty.len() as u64
            };
            match verdict {
                Verdict::Fine if ends => assert_eq!(result, Ok(()), "{len} of {} bytes", message.len()),
                Verdict::Fine => {
                    assert_eq!(result, Err(InflateError::Truncated), "{len} of {} bytes", message.len())
                }
                _ => assert!(result.is_err(), "{len} of {} bytes", message.len()),
            }
        }
    }
}

/// Any bytes at all.
#[test]
fn noise_is_judged_as_zlib_judges_it() {
    let mut fine = 0;
    for seed in 0..runs(20_000) {
        let rng = &mut Rng(!seed);
        let len = 1 + rng.below(80);
        let noise: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        fine += u32::from(agree(&noise, seed).1.is_ok());
    }
    assert!(cfg!(miri) || fine > 0, "even noise is DEFLATE at times");
}

fn some_message(rng: &mut Rng) -> Vec<u8> {
    let len = rng.below(400);
    let plain = match rng.below(4) {
        0 => content::any(rng).into_iter().take(len).collect(),
        1 => content::prose(rng, len),
        _ => content::json(rng, len),
    };
    Peer::new(rng, 15).plain(&[&plain[..], b"."].concat())
}

/// Flips some bits, mostly where a block begins, or loses bytes, or repeats some.
fn damage(message: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.below(4) {
        let below = rng.pick(&[8, 60, 1000]).min(message.len());
        let at = rng.below(below);
        message[at] ^= 1 << rng.below(8);
    }
    match rng.below(10) {
        0 => message.truncate(1 + rng.below(message.len())),
        1 => drop(message.remove(rng.below(message.len()))),
        2 => {
            let from = rng.below(message.len());
            message.extend_from_within(from..);
        }
        _ => {}
    }
}
