//! HTTP for servers, a module a part: every script of bytes at every split, every encoder at every size of output, and what hostile
//! peers send as tables.

mod body;
#[path = "../common/cases.rs"]
mod cases;
mod content;
mod cors;
mod deadlines;
mod exchange;
mod expect;
mod response;
mod stream;

use cases::thin;
use ws_core::handshake::server::Handshake;
use ws_core::http::Request;
use ws_core::{Input, Instant, Output};

const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Gives `run` each way to cut `script` in pieces: whole, a byte each, at every place, and at every two places if it is
/// short. All must say the same, which is returned.
fn at_every_split<T: PartialEq + std::fmt::Debug>(script: &[u8], run: impl Fn(&[&[u8]]) -> T) -> T {
    let expected = run(&[script]);
    let bytes: Vec<&[u8]> = script.chunks(1).collect();
    let check = |pieces: &[&[u8]]| {
        let came = run(pieces);
        assert!(
            came == expected,
            "{:?}\n in pieces of {:?}\n gives {came:?}\n but as a whole {expected:?}",
            String::from_utf8_lossy(script),
            pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>()
        );
    };
    check(&bytes);
    for cut in thin(0..=script.len(), 30) {
        let (head, tail) = script.split_at(cut);
        check(&[head, tail]);
        if script.len() <= 100 {
            for cut in thin(1..tail.len(), 30) {
                let (middle, end) = tail.split_at(cut);
                check(&[head, middle, end]);
            }
        }
    }
    expected
}

/// Collects what `transmit` writes into outputs of `size` bytes. Each call but the last must fill the output.
fn written(size: usize, mut transmit: impl FnMut(&mut Output<'_>) -> bool) -> Vec<u8> {
    let mut buf = vec![0xee; size];
    let mut out = Output::new(&mut buf);
    let mut all = Vec::new();
    loop {
        let done = transmit(&mut out);
        all.extend_from_slice(out.filled());
        if done {
            return all;
        }
        assert_eq!(out.space(), 0, "an output is not full, and yet not everything is out");
        out.clear();
        assert!(all.len() < 1 << 20, "writes for ever");
    }
}

/// Shows a request to `look`: its line, and fields besides `Host: h`.
fn asked<T>(line: &str, fields: &str, look: impl FnOnce(Request<'_>) -> T) -> T {
    let mut head = format!("{line}\r\nHost: h\r\n{fields}\r\n").into_bytes();
    let mut store = [0; 1024];
    let further = ["if-none-match", "accept-encoding", "access-control-request-method"];
    let mut handshake = Handshake::new(&mut store, &further, at(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut head)), Ok(true), "{fields:?}");
    look(handshake.request())
}

/// What `transmit` writes, which is the same in outputs of every size from `least` on. `begin` makes it anew.
fn at_every_size<E>(
    least: usize,
    begin: impl Fn() -> E,
    mut transmit: impl FnMut(&mut E, &mut Output<'_>) -> bool,
) -> String {
    let mut whole = begin();
    let expected = written(4096, |out| transmit(&mut whole, out));
    let least = if cfg!(miri) { least.max(7) } else { least };
    for size in thin(least..=expected.len() + 1, 100) {
        let mut encoder = begin();
        let came = written(size, |out| transmit(&mut encoder, out));
        assert!(came == expected, "in outputs of {size}: {:?}", String::from_utf8_lossy(&came));
    }
    String::from_utf8(expected).expect("text")
}
