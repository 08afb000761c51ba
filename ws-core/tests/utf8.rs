//! Text against `core::str::from_utf8`, by exhaustion: every string that is short enough, as the payload of a message, to
//! both roles. What is delivered is the valid prefix up to the offending byte, and the verdict is the same.
//!
//! Strings of up to two bytes in every run; all 4,311,810,305 of up to four bytes, which is as long as a character gets, with
//! `UTF8_BYTES=4 cargo test --release -p ws-core --test utf8 -- --nocapture`, in some minutes. Longer strings are the
//! decoder's business alone, each of whose states is tried with each byte where it stands, in `src/bytes/utf8.rs`.

mod common;

use common::{FREE, TestKeys, at};
use std::ops::Range;
use ws_core::{Connection, Event, Input, PeerError, Role};

#[test]
fn every_short_string() {
    let longest = std::env::var("UTF8_BYTES")
        .map_or(if cfg!(miri) { 1 } else { 2 }, |text| text.parse().expect("a number of bytes"));
    assert!((1..=4).contains(&longest), "no more than a character has");
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(256);
    let mut strings = 1;
    agree(&[], &mut Vec::new());
    for len in 1..=longest {
        strings += std::thread::scope(|scope| {
            let share = |nth: usize| (nth * 256 / threads)..((nth + 1) * 256 / threads);
            let workers: Vec<_> =
                (0..threads).map(|nth| scope.spawn(move || strings_of(len, share(nth)))).collect();
            workers.into_iter().map(|worker| worker.join().expect("they agree")).sum::<u64>()
        });
    }
    println!("{strings} strings of up to {longest} bytes: as from_utf8 says, to both roles");
    assert_eq!(strings, (0..=longest as u32).map(|len| 256u64.pow(len)).sum());
}

/// Compares all strings of so many bytes whose first byte is in this range; returns how many there were.
fn strings_of(len: usize, first: Range<usize>) -> u64 {
    let (mut text, mut frame) = (vec![0; len], Vec::new());
    let mut strings = 0;
    for byte in first {
        text.fill(0);
        text[0] = byte as u8;
        loop {
            agree(&text, &mut frame);
            strings += 1;
            // The next one: the bytes behind the first count as digits.
            let Some(digit) = text[1..].iter().rposition(|byte| *byte != 0xff) else { break };
            text[1 + digit] += 1;
            text[digit + 2..].fill(0);
        }
    }
    strings
}

/// `frame` is memory to build a frame in.
fn agree(text: &[u8], frame: &mut Vec<u8>) {
    let (server, client) =
        (Connection::server(FREE, at(0)), Connection::client(FREE, TestKeys::default(), at(0)));
    frame.clear();
    frame.extend([0x81, 0x80 | text.len() as u8]);
    frame.extend(KEY);
    frame.extend(text.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    assert_eq!(valid(server, frame, text), expected(text), "to a server: {text:x?}");
    frame.clear();
    frame.extend([0x81, text.len() as u8]);
    frame.extend(text);
    assert_eq!(valid(client, frame, text), expected(text), "to a client: {text:x?}");
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// How many bytes are to be delivered, and whether that is the whole text.
fn expected(text: &[u8]) -> (usize, bool) {
    let Err(error) = core::str::from_utf8(text) else { return (text.len(), true) };
    let at = match error.error_len() {
        None => text.len() - 1, // a text ends inside a character: its last byte is one that cannot be the last
        // What offends is the first byte if it begins nothing, else the one that does not go on with it.
        Some(len) if matches!(text[error.valid_up_to()], 0xc2..=0xf4) => error.valid_up_to() + len,
        Some(_) => error.valid_up_to(),
    };
    (at, false)
}

/// How many bytes of the text in `frame` are delivered, and whether it ends well.
fn valid<R: Role>(mut ws: Connection<R>, frame: &mut [u8], text: &[u8]) -> (usize, bool) {
    let mut input = Input::new(frame);
    let mut delivered = 0;
    for _ in 0..3 {
        match ws.receive(&mut input) {
            Ok(Some(Event::Data(data))) => {
                assert_eq!(data.payload, &text[delivered..][..data.payload.len()]);
                delivered += data.payload.len();
                if data.last {
                    return (delivered, true);
                }
            }
            Ok(event) => panic!("{event:?} of {text:x?}"),
            Err(error) => {
                assert_eq!(error, PeerError::InvalidUtf8);
                return (delivered, false);
            }
        }
    }
    panic!("no end of {text:x?}");
}
