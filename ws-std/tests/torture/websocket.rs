//! Conversations of WebSockets: server and client, whole and split, compressed.

use crate::common::REQUEST;
use crate::stage::{Scene, Stage};
use crate::wire::Act::{self, Accept, End, Frame, Say};
use crate::wire::{Turn, Wire};
use std::io::Write;
use std::thread;
use std::time::Duration;
use ws_std::{
    Answer, Compression, Connect, Error, Event, Kind, Options, OriginPolicy, Reader, Role, Transport,
    WebSocket, Writer, accept_with,
};

const ASKED: Act = match std::str::from_utf8(REQUEST) {
    Ok(text) => Say(text),
    Err(_) => panic!("text"),
};
const OFFERED: Act = Say(
    "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
);

/// Messages in one piece and in two, a Ping between; what is larger than the buffers; a Close.
const FRAMES: &[(u8, &[u8])] = &[
    (0x81, b"hello"),
    (0x01, b"h\xc3"),
    (0x89, b"there?"),
    (0x80, b"\xa9"),
    (0x82, &[7; 300]),
    (0x88, &[3, 232, b'b', b'y', b'e']),
];

const FROM_CLIENT: &[Turn] = &[
    ("", ASKED),
    ("\r\n\r\n", Frame(FRAMES[0].0, FRAMES[0].1)),
    ("", Frame(FRAMES[1].0, FRAMES[1].1)),
    ("", Frame(FRAMES[2].0, FRAMES[2].1)),
    ("", Frame(FRAMES[3].0, FRAMES[3].1)),
    ("", Frame(FRAMES[4].0, FRAMES[4].1)),
    ("", Frame(FRAMES[5].0, FRAMES[5].1)),
];

/// "hello, hello, hello, and hello again", as zlib compresses it; then in two pieces.
const MANY: &[u8] = &[
    0xca, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa1, 0x12, 0xf3, 0x52, 0x20, 0x4c, 0x85, 0xc4,
    0xf4, 0xc4, 0xcc, 0x3c, 0x00, 0x00,
];
const PIECES: (&[u8], &[u8]) = MANY.split_at(9);

const DEFLATED_FROM_CLIENT: &[Turn] = &[
    ("", OFFERED),
    ("\r\n\r\n", Frame(0xc1, MANY)),
    ("", Frame(0x41, PIECES.0)),
    ("", Frame(0x80, PIECES.1)),
    ("", Frame(0x88, &[3, 232])),
];

const FROM_SERVER: &[Turn] = &[("\r\n\r\n", Accept(FRAMES)), ("", End)];
const DEFLATED_FROM_SERVER: &[Turn] = &[
    ("\r\n\r\n", Accept(&[(0xc1, MANY), (0x41, PIECES.0), (0x80, PIECES.1), (0x88, &[3, 232])])),
    ("", End),
];

const REFUSED: &[Turn] = &[
    (
        "\r\n\r\n",
        Say("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nnot today\n"),
    ),
    ("", End),
];

const WRONG: &[Turn] =
    &[("", ASKED), ("\r\n\r\n", Frame(0x81, b"hello")), ("hello", Frame(0x83, b"reserved"))];

pub(crate) const SCENES: &[Scene] = &[
    Scene {
        name: "server",
        turns: FROM_CLIENT,
        play: |w, s, h| talk(server(w, s.options())?, h),
        is_client: false,
    },
    Scene {
        name: "client",
        turns: FROM_SERVER,
        play: |w, s, h| talk(client(w, s.options())?, h),
        is_client: true,
    },
    Scene {
        name: "split server",
        turns: FROM_CLIENT,
        play: |w, s, h| talk_split(w.another(), server(w, s.options())?, h),
        is_client: false,
    },
    Scene {
        name: "split client",
        turns: FROM_SERVER,
        play: |w, s, h| talk_split(w.another(), client(w, s.options())?, h),
        is_client: true,
    },
    Scene {
        name: "compressed server",
        turns: DEFLATED_FROM_CLIENT,
        play: |w, s, h| talk(server(w, deflated(s))?, h),
        is_client: false,
    },
    Scene {
        name: "compressed client",
        turns: DEFLATED_FROM_SERVER,
        play: |w, s, h| talk(client(w, deflated(s))?, h),
        is_client: true,
    },
    Scene { name: "refused client", turns: REFUSED, play: refused, is_client: true },
    Scene { name: "a peer that breaks a rule", turns: WRONG, play: wrong, is_client: false },
];

fn deflated(stage: &Stage<'_, '_>) -> Options {
    stage.options().with_compression(Compression::new(9, 9))
}

fn server(wire: Wire<'_>, options: Options) -> Result<WebSocket<Wire<'_>, ws_std::Server>, Error> {
    let opened = accept_with(wire, &options, &[], |_| Answer::accept(OriginPolicy::SameOrigin))?;
    Ok(opened.expect("it was accepted"))
}

fn client(
    wire: Wire<'_>,
    options: Options,
) -> Result<WebSocket<Wire<'_>, ws_std::Client<ws_std::OsSeeded>>, Error> {
    Connect::new("ws://h/chat").options(options).over(wire)
}

/// Calls again as long as it is told to.
fn again<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    loop {
        match call() {
            Err(Error::WouldBlock) => thread::sleep(Duration::from_millis(1)),
            result => return result,
        }
    }
}

/// Who sends to a peer that is gone is told so; whatever was found out by whom.
fn talk<R: Role>(mut ws: WebSocket<Wire<'_>, R>, heard: &mut Vec<String>) -> Result<(), Error> {
    let result = talk_on(&mut ws, heard);
    if ws.stream().is_broken() {
        assert!(ws.send_text("later").is_err(), "behind {result:?}");
        assert!(ws.ping(b"later").is_err(), "behind {result:?}");
    }
    result
}

/// Sends in every way there is, then reads to the end.
fn talk_on<R: Role>(ws: &mut WebSocket<Wire<'_>, R>, heard: &mut Vec<String>) -> Result<(), Error> {
    ws.send_text("whole")?;
    ws.send_binary(&[5; 600])?;
    let mut rest: &[u8] = &[b'l'; 300];
    again(|| ws.send(Kind::Text, &mut rest, true))?;
    again(|| ws.ping(b"mine"))?;
    let mut writer = ws.message_writer(Kind::Binary);
    again(|| match writer.write(&[4; 90]) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(Error::WouldBlock),
        result => result.map(drop).map_err(Error::Io),
    })?;
    again(|| writer.finish())?;
    while let Some(event) = again(|| Ok(ws.read_event()?.map(|event| keep(&event))))? {
        heard.extend(event);
    }
    assert!(ws.was_clean());
    Ok(())
}

fn keep(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Message(message) => Some(format!("{message:?}")),
        _ => None,
    }
}

fn talk_split<'w, R: Role>(
    other: Wire<'w>,
    ws: WebSocket<Wire<'w>, R>,
    heard: &mut Vec<String>,
) -> Result<(), Error> {
    let (mut reader, mut writer) = ws.split(other);
    let result = talk_by_halves(&mut reader, &mut writer, heard);
    if reader.stream().is_broken() {
        assert!(writer.send_text("later").is_err(), "behind {result:?}");
        assert!(writer.ping(b"later").is_err(), "behind {result:?}");
    }
    result
}

fn talk_by_halves<'w, R: Role>(
    reader: &mut Reader<Wire<'w>, R>,
    writer: &mut Writer<Wire<'w>, R>,
    heard: &mut Vec<String>,
) -> Result<(), Error> {
    writer.send_text("whole")?;
    writer.send_binary(&[5; 600])?;
    let mut rest: &[u8] = &[b'l'; 300];
    again(|| writer.feed(Kind::Text, &mut rest, true))?;
    again(|| writer.flush())?;
    again(|| writer.ping(b"mine"))?;
    let read = |reader: &mut Reader<Wire<'w>, R>| again(|| Ok(reader.read()?.map(|m| format!("{m:?}"))));
    while let Some(message) = read(reader)? {
        heard.push(message);
    }
    assert!(reader.was_clean());
    Ok(())
}

/// Sends back what comes, message by message, while the last piece is held.
pub(crate) fn echo<S: Transport>(
    mut ws: WebSocket<S, ws_std::Server>,
    heard: &mut Vec<String>,
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while again(|| {
        let Some((chunk, mut sender)) = ws.receive()? else { return Ok(false) };
        bytes.extend_from_slice(chunk.payload);
        if chunk.last {
            let mut rest = bytes.as_slice();
            again(|| sender.feed(chunk.kind, &mut rest, true))?;
            heard.push(format!("{bytes:?}"));
            bytes.clear();
        }
        Ok(true)
    })? {}
    Ok(())
}

fn refused(wire: Wire<'_>, stage: &Stage<'_, '_>, heard: &mut Vec<String>) -> Result<(), Error> {
    match client(wire, stage.options()) {
        Err(Error::Refused(refused)) => {
            heard.push(refused.status.to_string());
            // As far as it came.
            if refused.body == b"not today\n" {
                heard.push("the body".into());
            }
            Ok(())
        }
        Err(error) => Err(error),
        Ok(_) => panic!("it opened"),
    }
}

fn wrong(wire: Wire<'_>, stage: &Stage<'_, '_>, heard: &mut Vec<String>) -> Result<(), Error> {
    let ws = server(wire, stage.options())?;
    match echo(ws, heard) {
        Err(Error::Peer(error)) => {
            heard.push(format!("{error:?}"));
            Ok(())
        }
        result => result,
    }
}
