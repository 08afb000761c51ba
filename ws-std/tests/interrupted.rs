//! Every call, interrupted at every byte: nothing is lost, nothing comes twice, and no frame is torn.
//!
//! A conversation that uses every call runs over a scripted stream: once smoothly, then with each interruption there is,
//! at each place there is. Whoever is told to call again calls again. What was read, and what was said, has to be the
//! same.

mod common;

use common::REQUEST;
use common::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT, close_body, decode, frame, said};
use common::script::{Fault, Plan, Script};
use std::io::{self, ErrorKind, Write};
use std::time::Duration;
use ws_std::{
    Answer, CloseCode, Connect, Error, Event, Kind, Message, Options, OriginPolicy, ReadyState, Transport,
    Waited, WebSocket, accept_with,
};

/// Buffers so small that every message takes several writes and some several reads.
const OPTIONS: Options = Options { read_buffer: 200, write_buffer: 256, ..Options::DEFAULT };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

/// How the conversation is led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By one thread, ended by `begin_close` and reading on.
    Whole,
    /// The same, ended by `close`, which forgets what still comes.
    Close,
    /// By a reader and a writer.
    Split,
}

const ENDS: [End; 2] = [End::Client, End::Server];
const WAYS: [Way; 3] = [Way::Whole, Way::Close, Way::Split];

/// What a conversation came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    read: Vec<Frame>,
    said: Vec<Frame>,
    clean: bool,
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
fn each_call_may_fail_before_it_succeeds() {
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

/// What was read before is right, what was said before is right up to the frame that was cut, and the call that could
/// not be done says so.
#[test]
fn a_stream_may_die_at_any_call() {
    each(|end, way, smooth| {
        let script = script(end, Plan::SMOOTH);
        talk(end, way, &script, &mut Vec::new()).unwrap();
        let last = script.calls();
        for k in 0..last {
            let faults = [
                Fault::Dead(k, ErrorKind::ConnectionReset),
                Fault::Dead(k, ErrorKind::BrokenPipe),
                Fault::Dead(k, ErrorKind::PermissionDenied),
                Fault::Empty(k),
            ];
            for fault in faults {
                let (result, seen) = run(end, way, Plan::SMOOTH.with(fault));
                let at = format!("{end:?} {way:?} {fault:?} of {last}: {result:?}");
                assert!(is_beginning(&seen.read, &smooth.read), "{at}");
                assert!(smooth.said.starts_with(&seen.said), "{at}");
                match result {
                    Ok(()) => assert_eq!(seen, *smooth, "{at}"),
                    Err(Error::Io(_) | Error::Lost) => {}
                    Err(error) => panic!("{at}: {error}"),
                }
            }
        }
    });
}

#[test]
fn what_came_before_the_stream_broke_is_read() {
    for end in ENDS {
        let smooth = script(end, Plan::SMOOTH);
        listen(end, &smooth, &mut Vec::new()).unwrap();
        let all = smooth.output().len();
        for k in (all - smooth.frames().len())..all {
            let script = script(end, Plan::SMOOTH.with(Fault::NoWrites(k, ErrorKind::BrokenPipe)));
            let mut read = Vec::new();
            let result = listen(end, &script, &mut read);
            assert!(matches!(result, Ok(())), "the peer has closed: {end:?} {k}: {result:?}");
            assert_eq!(read, expected(Way::Whole).read, "{end:?} {k}");
        }
    }
}

#[test]
fn a_stream_that_broke_without_a_close_says_how() {
    for end in ENDS {
        let mut input = vec![];
        for (b0, payload) in [(TEXT, b"one".as_slice()), (PING, b"?"), (TEXT, b"two")] {
            input.extend(frame(end == End::Server, b0, payload));
        }
        let smooth = script(end, Plan::SMOOTH);
        listen(end, &smooth, &mut Vec::new()).unwrap();
        let head = smooth.output().len() - smooth.frames().len();
        let plan = Plan::SMOOTH.with(Fault::NoWrites(head, ErrorKind::BrokenPipe));
        let script = match end {
            End::Client => Script::server(plan, input),
            End::Server => Script::new(plan, [REQUEST, &input].concat()),
        };
        let mut read = Vec::new();
        let result = listen(end, &script, &mut read);
        assert_eq!(read, [(TEXT, b"one".to_vec()), (TEXT, b"two".to_vec())], "{end:?}");
        assert!(
            matches!(&result, Err(Error::Io(error)) if error.kind() == ErrorKind::BrokenPipe),
            "{end:?}: {result:?}"
        );
    }
}

/// A call that sends a whole message does not say how far it came, so it may not end half-way and be made again. A peer
/// that takes nothing ends it all the same.
#[test]
fn a_whole_message_is_sent_or_the_peer_is_given_up() {
    let options = Options { send_timeout: Duration::from_millis(100), ..OPTIONS };
    for end in ENDS {
        let smooth = script(end, Plan::SMOOTH);
        listen(end, &smooth, &mut Vec::new()).unwrap();
        let head = smooth.output().len() - smooth.frames().len();
        for is_split in [false, true] {
            let script = script(end, Plan::SMOOTH.with(Fault::NoWrites(head + 300, ErrorKind::WouldBlock)));
            let result = match end {
                End::Client => insist(connect(&script, options).unwrap(), is_split, &script),
                End::Server => insist(accept(&script, options).unwrap(), is_split, &script),
            };
            assert!(matches!(result, Err(Error::TimedOut(Waited::Send))), "{end:?} {is_split}: {result:?}");
            assert_eq!(script.frames().len(), 300, "what the peer took");
        }
    }
}

fn insist<R: ws_core::Role>(
    mut ws: WebSocket<Script, R>,
    is_split: bool,
    script: &Script,
) -> Result<(), Error> {
    match is_split {
        false => ws.send_binary(&WHOLE),
        true => ws.split(script.clone()).1.send_binary(&WHOLE),
    }
}

/// `some` messages are the first of `all`; the last one may be cut.
fn is_beginning(some: &[Frame], all: &[Frame]) -> bool {
    let Some(((b0, cut), whole)) = some.split_last() else { return true };
    all.starts_with(whole)
        && all.get(whole.len()).is_some_and(|(all_b0, all)| b0 == all_b0 && all.starts_with(cut))
}

fn each(mut test: impl FnMut(End, Way, &Seen)) {
    for end in ENDS {
        for way in WAYS {
            let smooth = finish(end, way, Plan::SMOOTH);
            assert_eq!(smooth, expected(way), "{end:?} {way:?}");
            test(end, way, &smooth);
        }
    }
}

/// What the peer says: all kinds of frames, in all kinds of pieces.
fn incoming(end: End) -> Vec<u8> {
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

fn script(end: End, plan: Plan) -> Script {
    match end {
        End::Client => Script::server(plan, incoming(end)),
        End::Server => Script::new(plan, [REQUEST, &incoming(end)].concat()),
    }
}

fn expected(way: Way) -> Seen {
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

const LONG: [u8; 300] = [b'l'; 300];
const WHOLE: [u8; 600] = [5; 600];

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

/// Runs a conversation that may be cut.
fn run(end: End, way: Way, plan: Plan) -> (Result<(), Error>, Seen) {
    let script = script(end, plan);
    let mut read = Vec::new();
    let result = talk(end, way, &script, &mut read);
    let (frames, _) = decode(end == End::Client, &script.frames());
    let clean = result.is_ok();
    (result, Seen { read, said: said(frames), clean })
}

fn talk(end: End, way: Way, script: &Script, read: &mut Vec<Frame>) -> Result<(), Error> {
    match end {
        End::Client => converse(connect(script, OPTIONS)?, way, script, read),
        End::Server => converse(accept(script, OPTIONS)?, way, script, read),
    }
}

fn connect(
    script: &Script,
    options: Options,
) -> Result<WebSocket<Script, ws_std::Client<ws_std::OsSeeded>>, Error> {
    let ws = Connect::new("ws://h/chat").further(&["set-cookie"]).options(options).over(script.clone())?;
    assert_eq!(ws.fields(), [("set-cookie".into(), "a=b".into())]);
    Ok(ws)
}

fn accept(script: &Script, options: Options) -> Result<WebSocket<Script, ws_std::Server>, Error> {
    let opened = accept_with(script.clone(), &options, &[], |request| {
        assert_eq!(request.target().path, "/chat");
        Answer::accept(OriginPolicy::SameOrigin)
    })?;
    Ok(opened.expect("it was accepted"))
}

/// Calls again as long as it is told to.
fn again<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    loop {
        match call() {
            Err(Error::WouldBlock) => {}
            result => return result,
        }
    }
}

fn again_io<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

fn kept(message: Message<'_>) -> Frame {
    let b0 = if message.kind() == Kind::Text { TEXT } else { BINARY };
    (b0, message.as_bytes().to_vec())
}

const NORMAL: CloseCode = CloseCode::NORMAL;

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

/// Only reads; leaves as soon as the peer has closed or gone.
fn listen(end: End, script: &Script, read: &mut Vec<Frame>) -> Result<(), Error> {
    fn all<S: Transport, R: ws_core::Role>(
        mut ws: WebSocket<S, R>,
        read: &mut Vec<Frame>,
    ) -> Result<(), Error> {
        while let Some(event) = ws.read_event()? {
            if let Event::Message(message) = event {
                read.push(kept(message));
            }
        }
        assert!(ws.was_clean());
        Ok(())
    }
    match end {
        End::Client => all(connect(script, OPTIONS)?, read),
        End::Server => all(accept(script, OPTIONS)?, read),
    }
}
