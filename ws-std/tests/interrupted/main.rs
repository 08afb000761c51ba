//! Every call, interrupted at every byte: nothing is lost, nothing comes twice, and no frame is torn.
//!
//! What uses the calls runs over a scripted stream: once smoothly, then with each interruption there is, at each place
//! there is. Whoever is told to call again calls again. What was read, and what was said, has to be the same.
//!
//! | file | what |
//! | --- | --- |
//! | `conversation.rs` | sending and receiving messages, up to the closing handshake |
//! | `dying.rs` | the same, over a stream that does not recover |
//! | `events.rs` | events, echoes by a piece's sender, a writer that closes |
//! | `failing.rs` | refusing what the peer sent |
//! | `answers.rs` | a server that answers without opening |
//! | `refused.rs` | a client that is refused |
//! | `signals.rs` | deadlines, among signals without an end |
//! | here | what they share |

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod conversation;
mod dying;
mod events;
mod failing;
mod refused;
mod signals;

use common::frames::{BINARY, Frame, TEXT};
use common::script::{Fault, Plan, Script};
use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::time::Duration;
use ws_std::{
    Answer, CloseCode, Connect, Error, Kind, Message, Options, OriginPolicy, WebSocket, accept_with,
};

/// Buffers so small that every message takes several writes and some several reads; and time for all of them, on whatever machine.
const OPTIONS: Options = Options {
    read_buffer: 200,
    write_buffer: 256,
    handshake_timeout: Duration::from_secs(600),
    ..Options::DEFAULT
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

const ENDS: [End; 2] = [End::Client, End::Server];

/// What `run` comes to with each interruption, at each place there is, which has to be what it comes to smoothly; it
/// returns the stream beside it. Both go back as they were smoothly.
pub(crate) fn everywhere<T: Debug + PartialEq>(
    what: impl Debug,
    run: impl Fn(Plan) -> (T, Script),
) -> (T, Script) {
    let (expected, smooth) = run(Plan::SMOOTH);
    let mut plans = Vec::new();
    for (read, write) in [(1, usize::MAX), (usize::MAX, 1), (1, 1), (3, 7)] {
        plans.push(Plan { read, write, fault: Fault::None });
    }
    for kind in [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted] {
        plans.extend([1, 5, usize::MAX].map(|n| Plan { read: n, write: n, fault: Fault::Each(kind) }));
    }
    for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
        let reads = (0..=smooth.consumed()).map(|k| Fault::Read(k, kind));
        let writes = (0..smooth.output().len()).map(|k| Fault::Write(k, kind));
        let flushes = (0..smooth.flushes()).map(|k| Fault::Flush(k, kind));
        plans.extend(reads.chain(writes).chain(flushes).map(|fault| Plan::SMOOTH.with(fault)));
    }
    for plan in plans {
        assert_eq!(run(plan).0, expected, "{what:?} {plan:?}");
    }
    (expected, smooth)
}

pub(crate) fn connect(
    script: &Script,
    options: Options,
) -> Result<WebSocket<Script, ws_std::Client<ws_std::OsSeeded>>, Error> {
    let ws = Connect::new("ws://h/chat").further(&["set-cookie"]).options(options).over(script.clone())?;
    assert_eq!(ws.fields(), [("set-cookie".into(), "a=b".into())]);
    Ok(ws)
}

pub(crate) fn accept(script: &Script, options: Options) -> Result<WebSocket<Script, ws_std::Server>, Error> {
    let opened = accept_with(script.clone(), &options, &[], |request| {
        assert_eq!(request.target().path, "/chat");
        Answer::accept(OriginPolicy::SameOrigin)
    })?;
    Ok(opened.expect("it was accepted"))
}

/// Calls again as long as it is told to.
pub(crate) fn again<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    loop {
        match call() {
            Err(Error::WouldBlock) => {}
            result => return result,
        }
    }
}

pub(crate) fn again_io<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

pub(crate) fn kept(message: Message<'_>) -> Frame {
    let b0 = if message.kind() == Kind::Text { TEXT } else { BINARY };
    (b0, message.as_bytes().to_vec())
}

pub(crate) const NORMAL: CloseCode = CloseCode::NORMAL;
