//! Accept and connect: what is offered, agreed on and declined, to the letter; and that messages are what was agreed on.

use embedded_io_async::ErrorKind;
use ws_core::Role;
use ws_core::deflate::Effort;
use ws_core::deflate::negotiate::Declined;
use ws_core::handshake::client::{Error as ClientError, Request};
use ws_core::handshake::server::Refusal;
use ws_embassy::compression::CodecFor;
use ws_embassy::transport::{ReadHalf, WriteHalf};
use ws_embassy::{
    Client, Error, Kind, Options, OriginPolicy, PeerError, Plain, Server, WebSocket, accept, connect, io,
};

use super::{Codec, Memory, Sent, inflated};
use crate::common::deflate::{ANSWER, bomb, deflated, reference};
use crate::common::frames::{self, BINARY, Frame, TEXT, header};
use crate::pipe::{Pace, Pipe};
use crate::side::{Seeded, Side, encode, frames_any, run};

/// Of either side; long enough to be compressed.
const SAID: &str = "spam, spam, spam, spam, spam, spam, spam, spam, spam, spam, spam, spam, spam, spam, spam";

type Failure = Error<ErrorKind>;

/// What was agreed on, and what a session behind it came to.
#[derive(Debug, PartialEq)]
struct Opened {
    field: Option<String>,
    is_compressed: bool,
    heard: (Vec<u8>, Failure),
    sent: Vec<Sent>,
}

impl Opened {
    /// Compressed both ways, by this agreement; or plain ones, so that the peer's compressed message is a fault.
    fn is(&self, agreement: Option<&str>, offer: &str) {
        assert_eq!(self.field.as_deref(), agreement, "{offer}");
        assert_eq!(self.is_compressed, agreement.is_some(), "{offer}");
        let [sent] = &self.sent[..] else { panic!("one message, not {:?}", self.sent) };
        assert_eq!(sent.is(), (TEXT, SAID.into()));
        assert_eq!(sent.compressed.is_some(), agreement.is_some(), "{offer}");
        let heard = match agreement {
            Some(_) => (SAID.into(), Error::Lost),
            None => (Vec::new(), Error::Peer(PeerError::ReservedBits)),
        };
        assert_eq!(self.heard, heard, "{offer}");
    }
}

/// Says what it has to say, and reads until that fails.
async fn talk<Rd, Wr, R>(mut ws: WebSocket<'_, Rd, Wr, R>) -> (Vec<u8>, Error<Rd::Error>)
where
    Rd: ReadHalf,
    Wr: WriteHalf<Error = Rd::Error>,
    R: Role,
{
    if let Err(error) = ws.send_text(SAID).await {
        return (Vec::new(), error);
    }
    let (mut message, mut buf) = (Vec::new(), [0; 50]);
    loop {
        match ws.read(&mut buf).await {
            Ok(chunk) => message.extend_from_slice(chunk.expect("no Close").payload),
            Err(error) => return (message, error),
        }
    }
}

fn peers_message() -> Frame {
    Frame::new(TEXT, deflated(SAID)).compressed()
}

/// A client that asks with these fields, and sends a compressed message at once.
fn accepted<'c>(fields: &str, size: usize, codec: impl CodecFor<'c>) -> Result<Opened, Failure> {
    let (rx, tx) = (Pipe::new(usize::MAX), Pipe::new(usize::MAX));
    rx.put(frames::request("host", "/", fields).as_bytes());
    rx.put(&encode(peers_message(), true));
    rx.end();
    let (mut read, mut write, mut store) = (vec![0; size], vec![0; 16], [0; 512]);
    let (mut source, mut sink) = (rx.source(Pace::Ready), tx.sink(Pace::Ready));
    let (reader, writer) = (io::Reader::new(&mut source, &mut read), io::Writer::new(&mut sink, &mut write));
    let origin = OriginPolicy::SameOrigin;
    let heard = run(async {
        let ws = accept(reader, writer, &Options::DEFAULT, origin, &mut store, codec).await?;
        Ok((ws.is_compressed(), talk(ws).await))
    });
    let (head, _) = head_of(&tx.log());
    assert!(heard.is_ok() || header(&head, "Sec-WebSocket-Extensions").is_none(), "{head}");
    opened::<Server>(&tx.log(), heard)
}

const REQUEST: Request<'_> = Request::new("host:8080", "/path?query");

/// What a client says, and what comes of it if the answer is `response` and a compressed message behind it.
fn connected<'c>(response: &str, size: usize, codec: impl CodecFor<'c>) -> (String, Result<Opened, Failure>) {
    let (rx, tx) = (Pipe::new(usize::MAX), Pipe::new(usize::MAX));
    rx.put(response.as_bytes());
    rx.put(&encode(peers_message(), false));
    rx.end();
    let (mut read, mut write, mut store) = (vec![0; size], vec![0; 16], [0; 512]);
    let (mut source, mut sink) = (rx.source(Pace::Ready), tx.sink(Pace::Ready));
    let (reader, writer) = (io::Reader::new(&mut source, &mut read), io::Writer::new(&mut sink, &mut write));
    let heard = run(async {
        let options = &Options::DEFAULT;
        let (ws, _) = connect(reader, writer, options, REQUEST, Seeded::new(), &mut store, codec).await?;
        Ok((ws.is_compressed(), talk(ws).await))
    });
    let (request, _) = head_of(&tx.log());
    (request, opened::<Client<Seeded>>(&tx.log(), heard))
}

/// The head, and what is behind it.
fn head_of(log: &[u8]) -> (String, Vec<u8>) {
    let end = log.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    (String::from_utf8(log[..end].to_vec()).expect("text"), log[end..].to_vec())
}

type Heard = (bool, (Vec<u8>, Failure));

fn opened<S: Side>(log: &[u8], heard: Result<Heard, Failure>) -> Result<Opened, Failure> {
    let (is_compressed, heard) = heard?;
    let (head, behind) = head_of(log);
    let field = header(&head, "Sec-WebSocket-Extensions").map(str::to_owned);
    let mut frames = frames_any::<S>(&behind);
    frames.retain(|frame| frame.opcode < 8);
    Ok(Opened { field, is_compressed, heard, sent: inflated(frames, false) })
}

fn offering(offer: &str) -> String {
    format!("Sec-WebSocket-Extensions: {offer}\r\n")
}

#[test]
fn a_server_agrees_to_what_its_memory_is_good_for() {
    let cases = [
        ("permessage-deflate; client_max_window_bits", ANSWER),
        ("permessage-deflate; client_max_window_bits=15", ANSWER),
        ("permessage-deflate; client_max_window_bits=\"10\"", ANSWER),
        ("permessage-deflate, permessage-deflate; client_max_window_bits", ANSWER),
        ("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits", ANSWER),
        (
            "permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            ANSWER,
        ),
        (
            "permessage-deflate; client_max_window_bits=10; server_max_window_bits=12",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9",
        ),
    ];
    let mut memory = Memory::new();
    let mut codec = memory.0.compression(Effort::QUICK);
    for (offer, answer) in cases {
        for size in [1, 7, 2048] {
            let opened = accepted(&offering(offer), size, &mut codec).expect("a request");
            opened.is(Some(answer), offer);
        }
    }
    // Takeover is for who was told to.
    let mut codec = memory.0.compression(Effort::QUICK).with_takeover();
    let offer = "permessage-deflate; client_max_window_bits";
    let answer = "permessage-deflate; client_max_window_bits=9";
    accepted(&offering(offer), 2048, &mut codec).expect("a request").is(Some(answer), offer);
}

#[test]
fn a_server_declines_what_it_is_not_good_for_and_messages_are_plain() {
    let mut memory = Memory::new();
    let mut codec = memory.0.compression(Effort::QUICK);
    for offer in [
        // These clients may use a window of 32 KiB, and cannot be held to less.
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=9; client_no_context_takeover",
        // These do not know what they ask for.
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=09",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; client_max_window_bits; server_max_window_bits",
        "permessage-deflate; client_max_window_bits; client_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits; mux",
        "x-webkit-deflate-frame",
        "permessage-bzip2; client_max_window_bits",
    ] {
        accepted(&offering(offer), 64, &mut codec).expect("a request").is(None, offer);
    }
    accepted("", 64, &mut codec).expect("a request").is(None, "nothing");
    let offer = "permessage-deflate; client_max_window_bits";
    accepted(&offering(offer), 64, Plain).expect("a request").is(None, "to who does not compress");
}

#[test]
fn a_request_that_is_refused_agrees_to_nothing() {
    let mut memory = Memory::new();
    let mut codec = memory.0.compression(Effort::QUICK);
    let fields = offering("permessage-deflate; client_max_window_bits") + "Origin: http://evil.example\r\n";
    let refused = accepted(&fields, 64, &mut codec);
    assert_eq!(refused, Err(Error::Refusal(Refusal::Origin)));
}

#[test]
fn a_client_offers_what_its_memory_is_good_for() {
    let mut memory = Memory::new();
    let asked = |codec: &mut Codec<'_>| {
        let (request, _) = connected("HTTP/1.1 404 Not Found\r\n\r\n", 64, codec);
        header(&request, "Sec-WebSocket-Extensions").map(str::to_owned)
    };
    let offer =
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits";
    let mut codec = memory.0.compression(Effort::QUICK);
    assert_eq!(asked(&mut codec).as_deref(), Some(offer));
    assert_eq!(asked(&mut codec).as_deref(), Some(offer), "and so the next time");
    let offer = "permessage-deflate; server_max_window_bits=9; client_max_window_bits";
    let mut codec = memory.0.compression(Effort::QUICK).with_takeover();
    assert_eq!(asked(&mut codec).as_deref(), Some(offer));
    let (request, _) = connected("HTTP/1.1 404 Not Found\r\n\r\n", 64, Plain);
    assert_eq!(header(&request, "Sec-WebSocket-Extensions"), None);
}

#[test]
fn a_client_goes_by_the_answer() {
    let mut memory = Memory::new();
    let mut codec = memory.0.compression(Effort::QUICK);
    // The key is the same each time, as the chance is.
    let (request, _) = connected("HTTP/1.1 404 Not Found\r\n\r\n", 64, &mut codec);
    let offer = header(&request, "Sec-WebSocket-Extensions").map(str::to_owned);
    for answer in [
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=12; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; server_no_context_takeover",
    ] {
        for size in [1, 7, 2048] {
            let response = frames::response(&request, &offering(answer));
            let opened = connected(&response, size, &mut codec).1.expect("a WebSocket");
            opened.is(offer.as_deref(), answer); // the field is what was offered
        }
    }
    // Declined: what was offered is not done.
    let response = frames::response(&request, "");
    let opened = connected(&response, 64, &mut codec).1.expect("a WebSocket");
    Opened { field: None, ..opened }.is(None, "declined");
}

#[test]
fn a_client_fails_if_the_server_does_not_keep_to_the_offer() {
    let mut memory = Memory::new();
    let mut codec = memory.0.compression(Effort::QUICK);
    let (request, _) = connected("HTTP/1.1 404 Not Found\r\n\r\n", 64, &mut codec);
    for (answer, error) in [
        ("permessage-deflate", ClientError::Compression(Declined::Window)),
        ("permessage-deflate; server_max_window_bits=10", ClientError::Compression(Declined::Window)),
        ("permessage-deflate; server_max_window_bits=15", ClientError::Compression(Declined::Window)),
        ("permessage-deflate; server_max_window_bits", ClientError::Compression(Declined::Value)),
        ("permessage-deflate; server_max_window_bits=9; mux", ClientError::Compression(Declined::Unknown)),
        ("permessage-bzip2", ClientError::Extension),
    ] {
        let response = frames::response(&request, &offering(answer));
        let result = connected(&response, 64, &mut codec).1;
        assert_eq!(result, Err(Error::Handshake(error)), "{answer}");
    }
    // Who has not offered it does not want it.
    let response = frames::response(&request, &offering("permessage-deflate; server_max_window_bits=9"));
    assert_eq!(connected(&response, 64, Plain).1, Err(Error::Handshake(ClientError::Extension)));
}

/// The memory of a WebSocket that ended in the middle of a message each way holds nothing for the next one.
#[test]
fn memory_that_is_lent_again_is_clean() {
    let mut memory = Memory::new();
    let mut codec = memory.0.compression(Effort::QUICK).with_takeover();
    let mut logs = Vec::new();
    for n in 0..4 {
        let (rx, tx) = (Pipe::new(usize::MAX), Pipe::new(usize::MAX));
        rx.put(frames::request("host", "/", crate::common::deflate::OFFER).as_bytes());
        rx.put(&encode(dangling(n), true));
        let (mut read, mut write, mut store) = ([0; 300], [0; 64], [0; 512]);
        let (source, sink) = (rx.source(Pace::Ready), tx.sink(Pace::Ready));
        let (reader, writer) = (io::Reader::new(source, &mut read), io::Writer::new(sink, &mut write));
        run(async {
            let (options, origin) = (&Options::DEFAULT, OriginPolicy::Any);
            let ws = accept(reader, writer, options, origin, &mut store, &mut codec).await;
            leave_in_the_middle(ws.expect("a request"), n).await;
        });
        logs.push(said_by::<Server>(&tx.log()));
    }
    assert!(logs.iter().all(|log| *log == logs[0]), "what was sent is shorter by what another was sent");
}

#[test]
fn memory_that_is_lent_to_a_client_again_is_clean_too() {
    let mut memory = Memory::new();
    let mut codec = memory.0.compression(Effort::QUICK).with_takeover();
    let (request, _) = connected("HTTP/1.1 404 Not Found\r\n\r\n", 64, &mut codec);
    let response = frames::response(&request, &offering("permessage-deflate; server_max_window_bits=9"));
    let mut logs = Vec::new();
    for n in 0..4 {
        let (rx, tx) = (Pipe::new(usize::MAX), Pipe::new(usize::MAX));
        rx.put(response.as_bytes());
        rx.put(&encode(dangling(n), false));
        let (mut read, mut write, mut store) = ([0; 300], [0; 64], [0; 512]);
        let (source, sink) = (rx.source(Pace::Ready), tx.sink(Pace::Ready));
        let (reader, writer) = (io::Reader::new(source, &mut read), io::Writer::new(sink, &mut write));
        run(async {
            let (options, entropy) = (&Options::DEFAULT, Seeded::new());
            let connected = connect(reader, writer, options, REQUEST, entropy, &mut store, &mut codec).await;
            leave_in_the_middle(connected.expect("a WebSocket").0, n).await;
        });
        logs.push(said_by::<Client<Seeded>>(&tx.log()));
    }
    assert!(logs.iter().all(|log| *log == logs[0]), "what was sent is shorter by what another was sent");
}

/// A message that does not end; every second one refers to what its peer has not sent.
fn dangling(n: usize) -> Frame {
    Frame::new(BINARY, if n.is_multiple_of(2) { bomb(20) } else { reference(1) }).more().compressed()
}

/// Says something twice, begins it a third time, and reads a part of what has come.
async fn leave_in_the_middle<Rd, Wr, R>(mut ws: WebSocket<'_, Rd, Wr, R>, n: usize)
where
    Rd: ReadHalf<Error = ErrorKind>,
    Wr: WriteHalf<Error = ErrorKind>,
    R: Role,
{
    ws.send_text(SAID).await.expect("open");
    ws.send_text(SAID).await.expect("open");
    ws.send(Kind::Text, &mut SAID.as_bytes(), false).await.expect("open");
    ws.flush().await.expect("open");
    let mut buf = [0; 7];
    match ws.read(&mut buf).await {
        Ok(chunk) => assert_eq!((n % 2, &*chunk.expect("no Close").payload), (0, &b"aaaaaaa"[..])),
        Err(error) => assert_eq!((n % 2, error), (1, Error::Peer(PeerError::BadCompression))),
    }
}

/// The two messages that it said.
fn said_by<S: Side>(log: &[u8]) -> [Frame; 2] {
    let mut frames = frames_any::<S>(&head_of(log).1);
    frames.retain(|frame| frame.opcode < 8 && frame.fin);
    let said: [Frame; 2] = frames.try_into().expect("two messages of one frame each");
    assert!(said.iter().all(|frame| frame.rsv1));
    assert!(said[1].payload.len() < said[0].payload.len(), "it refers to the first");
    said
}
