//! What tells of Pings and Pongs too, what is sent while a piece of a message is held, and a writer that closes.

use crate::common::REQUEST;
use crate::common::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT, close_body, decode, frame, said};
use crate::common::script::{Plan, Script};
use crate::{ENDS, End, NORMAL, OPTIONS, accept, again, connect, everywhere, kept};
use ws_core::Role;
use ws_std::{Error, Event, Kind, WebSocket};

/// What was read, and what was said.
type Seen = (Vec<Frame>, Vec<Frame>);

#[test]
fn every_event_comes_once_and_every_piece_is_echoed() {
    for end in ENDS {
        let (seen, _) = everywhere(end, |plan| run(end, plan, false));
        let close = (CLOSE, close_body(1000, "done"));
        assert_eq!(seen, (heard(), [pongs(), vec![(BINARY, long()), close]].concat()), "{end:?}");
    }
}

#[test]
fn every_event_comes_once_to_a_reader_and_the_writer_closes() {
    for end in ENDS {
        let (seen, _) = everywhere(end, |plan| run(end, plan, true));
        let read = [heard(), vec![(PING, b"mid".to_vec()), (BINARY, long())]].concat();
        let said = [pongs(), vec![(TEXT, FED.to_vec()), (CLOSE, vec![])]].concat();
        assert_eq!(seen, (read, said), "{end:?}");
    }
}

/// Leaves no room for a Close in the buffer.
const FED: [u8; 200] = [b'f'; 200];

fn long() -> Vec<u8> {
    (0..710).map(|i| (i % 251) as u8).collect()
}

/// What comes before the long message.
fn heard() -> Vec<Frame> {
    vec![
        (PING, b"p1".to_vec()),
        (TEXT, "h\u{e9}".into()),
        (BINARY, vec![7; 130]),
        (PONG, b"nobody asked".to_vec()),
        (PING, b"p2".to_vec()),
        (PING, vec![3; 125]),
        (TEXT, b"third".to_vec()),
    ]
}

fn pongs() -> Vec<Frame> {
    [b"p1".to_vec(), b"p2".to_vec(), vec![3; 125], b"mid".to_vec()].map(|payload| (PONG, payload)).into()
}

fn incoming(end: End) -> Vec<u8> {
    let long = long();
    let frames: [(u8, &[u8]); 12] = [
        (0x01, b"h\xc3"),
        (PING, b"p1"),
        (0x80, b"\xa9"),
        (BINARY, &[7; 130]),
        (PONG, b"nobody asked"),
        (PING, b"p2"),
        (PING, &[3; 125]), // its Pong has to wait for the other
        (TEXT, b"third"),
        (0x02, &long[..210]),
        (PING, b"mid"),
        (0x80, &long[210..]),
        (CLOSE, &[3, 232]),
    ];
    frames.iter().flat_map(|(b0, payload)| frame(end == End::Server, *b0, payload)).collect()
}

fn run(end: End, plan: Plan, is_split: bool) -> (Seen, Script) {
    let mut read = Vec::new();
    let script = match end {
        End::Client => Script::server(plan, incoming(end)),
        End::Server => Script::new(plan, [REQUEST, &incoming(end)].concat()),
    };
    let result = match end {
        End::Client => talk(connect(&script, OPTIONS).unwrap(), &script, is_split, &mut read),
        End::Server => talk(accept(&script, OPTIONS).unwrap(), &script, is_split, &mut read),
    };
    result.unwrap_or_else(|error| panic!("{end:?} {plan:?}: {error}"));
    let (frames, torn) = decode(end == End::Client, &script.frames());
    assert_eq!((torn, script.shutdowns()), (0, 1), "{end:?} {plan:?}");
    assert!(script.is_drained(), "{end:?} {plan:?}");
    ((read, said(frames)), script)
}

fn talk<R: Role>(
    ws: WebSocket<Script, R>,
    script: &Script,
    is_split: bool,
    read: &mut Vec<Frame>,
) -> Result<(), Error> {
    if is_split { talk_split(ws, script, read) } else { talk_whole(ws, read) }
}

fn talk_whole<R: Role>(mut ws: WebSocket<Script, R>, read: &mut Vec<Frame>) -> Result<(), Error> {
    while read.last() != Some(&(TEXT, b"third".to_vec())) {
        let event = again(|| Ok(ws.read_event()?.map(Heard::from)))?.expect("it goes on");
        read.push(event.with(|| ws.control().to_vec()));
    }
    loop {
        let mut last = false;
        again(|| {
            let (chunk, mut sender) = ws.receive()?.expect("it goes on");
            let mut rest: &[u8] = chunk.payload;
            again(|| sender.feed(chunk.kind, &mut rest, chunk.last))?;
            assert!(rest.is_empty());
            last = chunk.last;
            Ok(())
        })?;
        if last {
            break;
        }
    }
    again(|| ws.begin_close(Some(NORMAL), "done"))?;
    assert!(again(|| Ok(ws.read_event()?.is_none()))?, "the peer said no more than that");
    assert!(ws.was_clean());
    assert!(ws.read_event()?.is_none(), "the end stays the end");
    Ok(())
}

fn talk_split<R: Role>(
    ws: WebSocket<Script, R>,
    script: &Script,
    read: &mut Vec<Frame>,
) -> Result<(), Error> {
    let (mut reader, mut writer) = ws.split(script.clone());
    while read.last() != Some(&(BINARY, long())) {
        let event = again(|| Ok(reader.read_event()?.map(Heard::from)))?.expect("it goes on");
        read.push(event.with(|| reader.control()));
    }
    again(|| writer.feed(Kind::Text, &mut &FED[..], true))?;
    again(|| writer.begin_close(None, ""))?;
    assert!(again(|| Ok(reader.read_event()?.is_none()))?, "the peer said no more than that");
    assert!(reader.was_clean());
    assert!(reader.read_event()?.is_none(), "the end stays the end");
    assert_eq!(writer.buffered_amount(), 0);
    Ok(())
}

/// An event that borrows nothing.
enum Heard {
    Message(Frame),
    Ping,
    Pong,
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Message(message) => Self::Message(kept(message)),
            Event::Ping => Self::Ping,
            Event::Pong => Self::Pong,
            other => panic!("not known here: {other:?}"),
        }
    }
}

impl Heard {
    fn with(self, control: impl FnOnce() -> Vec<u8>) -> Frame {
        match self {
            Self::Message(frame) => frame,
            Self::Ping => (PING, control()),
            Self::Pong => (PONG, control()),
        }
    }
}
