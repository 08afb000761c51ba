//! A conversation that uses the calls that send and receive messages, interrupted. That it dies is in `dying.rs`.

use crate::common::REQUEST;
use crate::common::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT, close_body, decode, frame, said};
use crate::common::script::{Fault, Plan, Script};
use crate::{ENDS, End, NORMAL, OPTIONS, accept, again, again_io, connect, kept};
use std::io::{ErrorKind, Write};
use ws_std::{Error, Kind, ReadyState, WebSocket};

/// How the conversation is led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By one thread, ended by `begin_close` and reading on.
    Whole,
    /// The same, ended by `close`, which forgets what still comes.
    Close,
    /// By a reader and a writer.
    Split,
}

const WAYS: [Way; 3] = [Way::Whole, Way::Close, Way::Split];

/// What a conversation came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) read: Vec<Frame>,
    pub(crate) said: Vec<Frame>,
    pub(crate) clean: bool,
}

#[test]
fn short_reads_and_writes_change_nothing() {
    each(|end, way, smooth| {
        for (read, write) in [(1, usize::MAX), (usize::MAX, 1), (1, 1), (3, 7)] {
            let plan = Plan { read, write, fault: Fault::None };
            assert_eq!(finish(end, way, plan), *smooth, "{end:?} {way:?} {plan:?}");
        }
    });
}

#[test]
pub(crate) fn each_call_may_fail_before_it_succeeds() {
    each(|end, way, smooth| {
        for kind in [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted] {
            for size in [1, 5, usize::MAX] {
                let plan = Plan { read: size, write: size, fault: Fault::Each(kind) };
                assert_eq!(finish(end, way, plan), *smooth, "{end:?} {way:?} {plan:?}");
            }
        }
    });
}

#[test]
fn a_read_may_stop_before_any_byte() {
    each(|end, way, smooth| {
        let script = script(end, Plan::SMOOTH);
        talk(end, way, &script, &mut Vec::new()).unwrap();
        for k in 0..=script.consumed() {
            for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
                let plan = Plan::SMOOTH.with(Fault::Read(k, kind));
                assert_eq!(finish(end, way, plan), *smooth, "{end:?} {way:?} {plan:?}");
            }
        }
    });
}

#[test]
fn a_write_may_stop_before_any_byte() {
    each(|end, way, smooth| {
        let script = script(end, Plan::SMOOTH);
        talk(end, way, &script, &mut Vec::new()).unwrap();
        for k in 0..script.output().len() {
            for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
                let plan = Plan::SMOOTH.with(Fault::Write(k, kind));
                assert_eq!(finish(end, way, plan), *smooth, "{end:?} {way:?} {plan:?}");
            }
        }
    });
}

#[test]
fn any_flush_may_stop() {
    each(|end, way, smooth| {
        let script = script(end, Plan::SMOOTH);
        talk(end, way, &script, &mut Vec::new()).unwrap();
        assert!(script.flushes() > 5);
        for k in 0..script.flushes() {
            for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
                let plan = Plan::SMOOTH.with(Fault::Flush(k, kind));
                assert_eq!(finish(end, way, plan), *smooth, "{end:?} {way:?} {plan:?}");
            }
        }
    });
}

pub(crate) fn each(mut test: impl FnMut(End, Way, &Seen)) {
    for end in ENDS {
        for way in WAYS {
            let smooth = finish(end, way, Plan::SMOOTH);
            assert_eq!(smooth, expected(way), "{end:?} {way:?}");
            test(end, way, &smooth);
        }
    }
}

/// What the peer says: all kinds of frames, in all kinds of pieces.
pub(crate) fn incoming(end: End) -> Vec<u8> {
    let frames: [(u8, &[u8]); 12] = [
        (0x01, b"h\xc3"),
        (PING, b"p1"),
        (0x80, b"\xa9"),
        (BINARY, &[7; 130]),
        (PING, b"p2"),
        (PING, &[3; 125]), // its Pong has to wait for the other
        (TEXT, b"third"),
        (0x02, &[8; 210]),
        (PONG, b"nobody asked"),
        (0x00, b""),
        (0x80, &[9; 10]),
        (CLOSE, &[3, 232, b'b', b'y', b'e']),
    ];
    frames.iter().flat_map(|(b0, payload)| frame(end == End::Server, *b0, payload)).collect()
}

pub(crate) fn script(end: End, plan: Plan) -> Script {
    match end {
        End::Client => Script::server(plan, incoming(end)),
        End::Server => Script::new(plan, [REQUEST, &incoming(end)].concat()),
    }
}

pub(crate) fn expected(way: Way) -> Seen {
    let kept = |frames: &[(u8, &[u8])]| frames.iter().map(|(b0, bytes)| (*b0, bytes.to_vec())).collect();
    let mut read: Vec<Frame> = kept(&[
        (TEXT, "h\u{e9}".as_bytes()),
        (BINARY, &[7; 130]),
        (TEXT, b"third"),
        (BINARY, &[[8; 210].as_slice(), &[9; 10]].concat()),
    ]);
    if way == Way::Close {
        read.truncate(2);
    }
    let echo = if way == Way::Split { vec![] } else { vec![(BINARY, vec![7; 130])] };
    let mut said: Vec<Frame> = kept(&[(PONG, b"p1"), (TEXT, &LONG)]);
    said.extend(echo);
    said.extend::<Vec<Frame>>(kept(&[(TEXT, b"fed"), (BINARY, b""), (BINARY, &[4; 300])]));
    // Calls that are not made again.
    said.extend::<Vec<Frame>>(kept(&[(TEXT, b"whole"), (BINARY, &WHOLE), (PING, b"mine")]));
    let pongs: Vec<Frame> = kept(&[(PONG, b"p2"), (PONG, &[3; 125])]);
    let close: Vec<Frame> = vec![(CLOSE, close_body(1000, "done"))];
    // What comes behind our Close is answered behind it.
    said.extend(if way == Way::Close { [close, pongs].concat() } else { [pongs, close].concat() });
    Seen { read, said, clean: true }
}

pub(crate) const LONG: [u8; 300] = [b'l'; 300];
pub(crate) const WHOLE: [u8; 600] = [5; 600];

/// Runs a conversation to its end, which has to be a good one.
fn finish(end: End, way: Way, plan: Plan) -> Seen {
    let script = script(end, plan);
    let mut read = Vec::new();
    let result = talk(end, way, &script, &mut read);
    result.unwrap_or_else(|error| panic!("{end:?} {way:?} {plan:?}: {error}"));
    let (frames, torn) = decode(end == End::Client, &script.frames());
    assert_eq!(torn, 0, "{end:?} {way:?} {plan:?}");
    assert_eq!(script.shutdowns(), 1, "{end:?} {way:?} {plan:?}");
    Seen { read, said: said(frames), clean: true }
}

pub(crate) fn talk(end: End, way: Way, script: &Script, read: &mut Vec<Frame>) -> Result<(), Error> {
    match end {
        End::Client => converse(connect(script, OPTIONS)?, way, script, read),
        End::Server => converse(accept(script, OPTIONS)?, way, script, read),
    }
}

fn converse<R: ws_core::Role>(
    mut ws: WebSocket<Script, R>,
    way: Way,
    script: &Script,
    read: &mut Vec<Frame>,
) -> Result<(), Error> {
    if way == Way::Split {
        return converse_split(ws, script, read);
    }
    read.push(again(|| Ok(kept(ws.read()?.unwrap())))?);
    let mut rest: &[u8] = &LONG;
    again(|| ws.send(Kind::Text, &mut rest, true))?;

    read.push((BINARY, Vec::new()));
    loop {
        let mut last = false;
        let mut unsent = Vec::new();
        again(|| {
            let (chunk, mut sender) = ws.receive()?.unwrap();
            read.last_mut().unwrap().1.extend_from_slice(chunk.payload);
            last = chunk.last;
            let mut rest: &[u8] = chunk.payload;
            again(|| sender.send(chunk.kind, &mut rest, chunk.last))?;
            unsent.extend_from_slice(rest);
            Ok(())
        })?;
        assert!(unsent.is_empty());
        if last {
            break;
        }
    }

    let mut rest: &[u8] = b"fed";
    again(|| ws.feed(Kind::Text, &mut rest, true))?;
    again(|| ws.feed(Kind::Binary, &mut &b""[..], true))?;
    again(|| ws.flush())?;

    let mut writer = ws.message_writer(Kind::Binary);
    let mut rest: &[u8] = &[4; 300];
    while !rest.is_empty() {
        let piece = &rest[..rest.len().min(90)];
        let n = again_io(|| writer.write(piece))?;
        rest = &rest[n..];
    }
    again_io(|| writer.flush())?;
    again(|| writer.finish())?;

    ws.send_text("whole")?;
    ws.send_binary(&WHOLE)?;

    again(|| ws.ping(b"mine"))?;
    if way == Way::Close {
        again(|| ws.close(NORMAL, "done"))?;
    } else {
        read.push(again(|| Ok(kept(ws.read()?.unwrap())))?);
        read.push((BINARY, Vec::new()));
        while !again(|| {
            let chunk = ws.read_chunk()?.unwrap();
            read.last_mut().unwrap().1.extend_from_slice(chunk.payload);
            Ok(chunk.last)
        })? {}
        again(|| ws.begin_close(Some(NORMAL), "done"))?;
        assert!(again(|| Ok(ws.read()?.is_none()))?, "the peer said no more than that");
    }
    assert!(ws.was_clean());
    assert_eq!(ws.close_received(), Some(Some(NORMAL)));
    assert_eq!(ws.close_reason(), "bye");
    assert_eq!(ws.close_sent(), Some(Some(NORMAL)));
    assert_eq!(ws.ready_state(), ReadyState::Closed);
    assert_eq!(ws.buffered_amount(), 0);
    assert!(ws.read()?.is_none(), "the end stays the end");
    Ok(())
}

fn converse_split<R: ws_core::Role>(
    ws: WebSocket<Script, R>,
    script: &Script,
    read: &mut Vec<Frame>,
) -> Result<(), Error> {
    let (mut reader, mut writer) = ws.split(script.clone());
    read.push(again(|| Ok(kept(reader.read()?.unwrap())))?);
    let mut rest: &[u8] = &LONG;
    again(|| writer.send(Kind::Text, &mut rest, true))?;
    read.push(again(|| Ok(kept(reader.read()?.unwrap())))?);
    let mut rest: &[u8] = b"fed";
    again(|| writer.feed(Kind::Text, &mut rest, true))?;
    again(|| writer.feed(Kind::Binary, &mut &b""[..], true))?;
    again(|| writer.flush())?;
    let mut rest: &[u8] = &[4; 300];
    again(|| writer.send(Kind::Binary, &mut rest, false))?;
    again(|| writer.send(Kind::Binary, &mut rest, true))?;
    writer.send_text("whole")?;
    writer.send_binary(&WHOLE)?;
    again(|| writer.ping(b"mine"))?;
    read.push(again(|| Ok(kept(reader.read()?.unwrap())))?);
    read.push((BINARY, Vec::new()));
    while !again(|| {
        let chunk = reader.read_chunk()?.unwrap();
        read.last_mut().unwrap().1.extend_from_slice(chunk.payload);
        Ok(chunk.last)
    })? {}
    again(|| writer.close(NORMAL, "done"))?;
    assert!(again(|| Ok(reader.read()?.is_none()))?, "the peer said no more than that");
    assert!(reader.was_clean());
    assert_eq!(reader.close_received(), Some(Some(NORMAL)));
    assert_eq!(reader.close_reason(), "bye");
    assert_eq!(reader.ready_state(), ReadyState::Closed);
    assert_eq!(writer.buffered_amount(), 0);
    Ok(())
}
