//! Conversations over a [`Wire`](crate::wire::Wire): what our end does, and what the peer does.

use embassy_futures::join::join;
use ws_core::Role;
use ws_embassy::{CloseCode, Error, Kind, MessageBuffer};

use crate::common::frames::{CLOSE, PING, PONG};
use crate::stage::{Failure, Heard, Scene, Shape, Ws, as_client, as_server};
use crate::wire::{Act, Turn, Until};

/// Sends in every way there is, then reads whole messages to the end.
async fn talk<R: Role>(ws: &mut Ws<'_, R>, heard: &mut Heard) -> Result<(), Failure> {
    ws.send_text("whole").await?;
    ws.send_binary(&[5; 150]).await?;
    ws.send(Kind::Text, &mut &[b'l'; 100][..], false).await?;
    ws.ping(b"mine").await?;
    ws.send(Kind::Text, &mut &b"end"[..], true).await?;
    ws.flush().await?;
    let mut room = [0; 400];
    let mut buffer = MessageBuffer::new(&mut room);
    while let Some(message) = ws.read_message(&mut buffer).await? {
        heard.piece(message.kind(), message.as_bytes(), true, true);
    }
    Ok(())
}

/// Sends back what comes, piece by piece.
async fn echo<R: Role>(ws: &mut Ws<'_, R>, heard: &mut Heard) -> Result<(), Failure> {
    let mut buf = [0; 64];
    while let Some(chunk) = ws.read(&mut buf).await? {
        heard.piece(chunk.kind, chunk.payload, chunk.first, chunk.last);
        ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
        ws.flush().await?;
    }
    Ok(())
}

/// Takes a message where it lies, then closes.
async fn close<R: Role>(ws: &mut Ws<'_, R>, heard: &mut Heard) -> Result<(), Failure> {
    let mut is_whole = false;
    while !is_whole {
        let taken = ws.receive(|data| (data.kind, data.payload.to_vec(), data.first, data.last)).await?;
        let Some((kind, payload, first, last)) = taken else { return Ok(()) };
        heard.piece(kind, &payload, first, last);
        is_whole = last;
    }
    ws.close(CloseCode::NORMAL, "bye").await
}

/// Reads in one task and writes in another.
async fn both<R: Role>(ws: &mut Ws<'_, R>, heard: &mut Heard) -> Result<(), Failure> {
    let (mut reader, mut writer) = ws.split();
    let read = async {
        let mut buf = [0; 64];
        while let Some(chunk) = reader.read(&mut buf).await? {
            heard.piece(chunk.kind, chunk.payload, chunk.first, chunk.last);
        }
        Ok(())
    };
    let write = async {
        writer.send_text("whole").await?;
        writer.send_binary(&[5; 150]).await?;
        writer.ping(b"mine").await?;
        writer.send_text("end").await?;
        writer.close(CloseCode::NORMAL, "done").await
    };
    let (read, written) = join(read, write).await;
    read.and(written)
}

/// A peer that breaks a rule is told so.
async fn judge<R: Role>(ws: &mut Ws<'_, R>, heard: &mut Heard) -> Result<(), Failure> {
    match echo(ws, heard).await {
        Err(Error::Peer(_)) => Ok(()),
        result => result,
    }
}

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const OFFER: &str = "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
const AGREED: &str = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
    server_max_window_bits=9; client_max_window_bits=9\r\n";

use Act::{Accept, Frame, Say};
use Until::{Control, Head, Messages, Now};

/// Messages in one piece, in three with a Ping between, longer than the buffers; a Pong that nobody asked for; a Close.
macro_rules! whole {
    ($opening:expr) => {
        &[
            $opening,
            (Messages(3), Frame(0x81, b"hello")),
            (Now, Frame(0x01, b"h\xc3")),
            (Now, Frame(0x89, b"there?")),
            (Now, Frame(0x00, b"\xa9 and")),
            (Now, Frame(0x80, b" so on")),
            (Now, Frame(0x8a, b"")),
            (Now, Frame(0x82, &[7; 130])),
            (Now, Frame(0x88, &[3, 232, b'b', b'y', b'e'])),
            (Control(CLOSE), Act::End),
        ]
    };
}

/// One message after the other is sent back, with Pings between.
macro_rules! echoed {
    ($opening:expr) => {
        &[
            $opening,
            (Head, Frame(0x81, b"hello")),
            (Messages(1), Frame(0x89, b"1")),
            (Control(PONG), Frame(0x02, &[1; 60])),
            (Now, Frame(0x89, b"2")),
            (Now, Frame(0x80, &[2; 70])),
            (Messages(2), Frame(0x81, b"")),
            (Messages(3), Frame(0x88, &[])),
            (Control(CLOSE), Act::End),
        ]
    };
}

/// "hello, hello, hello, and hello again", as zlib compresses it.
const MANY: &[u8] = &[
    0xca, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa1, 0x12, 0xf3, 0x52, 0x20, 0x4c, 0x85, 0xc4,
    0xf4, 0xc4, 0xcc, 0x3c, 0x00, 0x00,
];
const PIECES: (&[u8], &[u8]) = MANY.split_at(9);

macro_rules! deflated {
    ($opening:expr) => {
        &[
            $opening,
            (Head, Frame(0xc1, MANY)),
            (Messages(1), Frame(0x41, PIECES.0)),
            (Now, Frame(0x89, b"between")),
            (Now, Frame(0x80, PIECES.1)),
            (Messages(2), Frame(0x82, &[9; 70])),
            (Messages(3), Frame(0x88, &[3, 232])),
            (Control(CLOSE), Act::End),
        ]
    };
}

/// A message; the peer still talks when it is told to close.
macro_rules! closed {
    ($opening:expr) => {
        &[
            $opening,
            (Head, Frame(0x82, &[3; 80])),
            (Now, Frame(0x81, b"never heard")),
            (Now, Frame(0x89, b"?")),
            (Control(CLOSE), Frame(0x81, b"too late")),
            (Now, Frame(0x88, &[3, 232])),
            (Now, Act::End),
        ]
    };
}

/// Both talk at once.
macro_rules! crossed {
    ($opening:expr) => {
        &[
            $opening,
            (Head, Frame(0x02, &[1; 100])),
            (Messages(1), Frame(0x89, b"1")),
            (Now, Frame(0x80, &[2; 100])),
            (Control(PING), Frame(0x8a, b"mine")),
            (Control(CLOSE), Frame(0x81, b"last")),
            (Now, Frame(0x88, &[3, 232])),
            (Now, Act::End),
        ]
    };
}

macro_rules! broken {
    ($opening:expr) => {
        &[
            $opening,
            (Head, Frame(0x81, b"hello")),
            (Messages(1), Frame(0x83, b"reserved")),
            (Control(CLOSE), Act::End),
        ]
    };
}

const ASKED: Turn = (Now, Say(REQUEST));
const OFFERED: Turn = (Now, Say(OFFER));
const ACCEPTED: Turn = (Head, Accept(""));
const AGREED_ON: Turn = (Head, Accept(AGREED));

macro_rules! server {
    ($name:literal, $turns:expr, $shape:ident, $talk:ident) => {
        Scene {
            name: concat!($name, ", server"),
            turns: $turns,
            is_client: false,
            play: |wire, heard| {
                Box::pin(as_server(wire, heard, Shape::$shape, async |ws, heard| $talk(ws, heard).await))
            },
        }
    };
}

macro_rules! client {
    ($name:literal, $turns:expr, $shape:ident, $talk:ident) => {
        Scene {
            name: concat!($name, ", client"),
            turns: $turns,
            is_client: true,
            play: |wire, heard| {
                Box::pin(as_client(wire, heard, Shape::$shape, async |ws, heard| $talk(ws, heard).await))
            },
        }
    };
}

pub(crate) const SCENES: &[Scene] = &[
    server!("whole messages", whole!(ASKED), Plain, talk),
    client!("whole messages", whole!(ACCEPTED), Plain, talk),
    server!("echo", echoed!(ASKED), Plain, echo),
    client!("echo", echoed!(ACCEPTED), Plain, echo),
    server!("compressed", deflated!(OFFERED), Deflated, echo),
    client!("compressed", deflated!(AGREED_ON), Deflated, echo),
    server!("closing first", closed!(ASKED), Plain, close),
    client!("closing first", closed!(ACCEPTED), Plain, close),
    server!("split", crossed!(ASKED), Plain, both),
    client!("split", crossed!(ACCEPTED), Plain, both),
    server!("of one piece", echoed!(ASKED), Duplex, echo),
    client!("of one piece", echoed!(ACCEPTED), Duplex, echo),
    server!("a broken rule", broken!(ASKED), Plain, judge),
    client!("a broken rule", broken!(ACCEPTED), Plain, judge),
    Scene {
        name: "refusing, server",
        turns: &[(Now, Say("GET /chat HTTP/1.1\r\nHost: h\r\n\r\n")), (Head, Act::End)],
        is_client: false,
        play: |wire, heard| {
            Box::pin(async move {
                match as_server(wire, heard, Shape::Plain, async |_, _| panic!("it was accepted")).await {
                    Err(Error::Refusal(_)) => Ok(()),
                    result => result,
                }
            })
        },
    },
    Scene {
        name: "refused, client",
        turns: &[
            (Head, Say("HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nnot today\n")),
            (Now, Act::End),
        ],
        is_client: true,
        play: |wire, heard| {
            Box::pin(async move {
                match as_client(wire, heard, Shape::Plain, async |_, _| panic!("it was accepted")).await {
                    Err(Error::Handshake(ws_core::handshake::client::Error::Refused { .. })) => Ok(()),
                    result => result,
                }
            })
        },
    },
];
