//! Compressed messages over a stream that stutters: whoever is told to call again calls again, and nothing is lost.

use crate::common::frames::{CLOSE, close_body, frame};
use crate::common::script::{Fault, Plan, Script};
use crate::common::{OFFER, request};
use crate::{Chance, OPTIONS, said, serve};
use std::io::ErrorKind;
use ws_std::{Compression, Connect, Error, Kind, Options};

/// Buffers so small that every message takes several reads and several writes.
const SMALL: Options = Options { read_buffer: 100, write_buffer: 256, ..OPTIONS };

fn again<T>(mut call: impl FnMut() -> Result<T, Error>) -> T {
    loop {
        match call() {
            Err(Error::WouldBlock) => {}
            result => return result.unwrap(),
        }
    }
}

/// What a client says that sends `messages`.
fn frames(messages: &[Vec<u8>]) -> Vec<u8> {
    let script = Script::server(Plan::SMOOTH, Vec::new());
    let options = SMALL.with_compression(Compression::DEFAULT.with_takeover());
    let mut ws = Connect::new("ws://h/").options(options).over(script.clone()).unwrap();
    assert!(ws.extensions().starts_with("permessage-deflate"));
    for message in messages {
        ws.send_binary(message).unwrap();
        ws.ping(b"p").unwrap();
    }
    script.frames()
}

fn messages() -> Vec<Vec<u8>> {
    let chance = &mut Chance(4);
    let mut messages = Vec::new();
    for size in [0, 1, 64, 300, 5000] {
        messages.extend([chance.text(size).into_bytes(), chance.noise(size / 4), vec![7; size]]);
    }
    messages
}

/// A server that echoes by pieces, or by whole messages.
fn echo(incoming: &[u8], by_pieces: bool, plan: Plan) -> Script {
    let script = Script::new(plan, [&request(OFFER), incoming].concat());
    let mut ws = serve(script.clone(), &SMALL).unwrap();
    if by_pieces {
        loop {
            let (chunk, mut sender) = match ws.receive() {
                Ok(Some(received)) => received,
                Ok(None) => break,
                Err(Error::WouldBlock) => continue,
                Err(error) => panic!("{error}"),
            };
            let mut rest = chunk.payload;
            again(|| sender.feed(chunk.kind, &mut rest, chunk.last));
        }
    } else {
        while let Some(message) = again(|| ws.read().map(|message| message.map(|m| m.as_bytes().to_vec()))) {
            let mut rest = message.as_slice();
            again(|| ws.send(Kind::Binary, &mut rest, true));
        }
    }
    assert!(ws.was_clean());
    script
}

#[test]
fn nothing_is_lost_wherever_the_stream_stops() {
    let messages = messages();
    let mut incoming = frames(&messages);
    incoming.extend(frame(true, CLOSE, &close_body(1000, "")));
    for by_pieces in [false, true] {
        let smooth = echo(&incoming, by_pieces, Plan::SMOOTH);
        let mut plans = vec![Plan::SMOOTH];
        for (read, write) in [(1, usize::MAX), (usize::MAX, 1), (1, 1), (3, 7)] {
            plans.push(Plan { read, write, fault: Fault::None });
        }
        for kind in [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted] {
            plans.extend([1, 50, usize::MAX].map(|n| Plan { read: n, write: n, fault: Fault::Each(kind) }));
        }
        for k in (0..smooth.consumed()).step_by(37) {
            plans.push(Plan::SMOOTH.with(Fault::Read(k, ErrorKind::WouldBlock)));
        }
        for k in (0..smooth.output().len()).step_by(37) {
            plans.push(Plan::SMOOTH.with(Fault::Write(k, ErrorKind::WouldBlock)));
        }
        for plan in plans {
            let (said, close) = said(&echo(&incoming, by_pieces, plan), false);
            let said: Vec<_> = said.into_iter().map(|(bytes, _)| bytes).collect();
            assert!(said == messages, "{plan:?}, by pieces: {by_pieces}");
            assert_eq!(close, Some(close_body(1000, "")), "{plan:?}");
        }
    }
}
