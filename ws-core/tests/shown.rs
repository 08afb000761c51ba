//! What stands in a log: what a thing is, and how it is with it. That no secret does is looked after in `logs`.

use std::fmt::{Debug, Display};

use ws_core::bytes::percent::BadPercent;
use ws_core::connection::{Compression, CompressionBuffers};
use ws_core::deflate::negotiate::Declined;
use ws_core::deflate::{Buffers, Effort, InflateError, Inflater, Small};
use ws_core::handshake::extensions::GrammarError;
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::http::exchange::Refusal;
use ws_core::http::{BodyError, Content, Response, Stream, Version};
use ws_core::transport as push;
use ws_core::{
    CapacityError, CloseCode, Config, Connection, Duration, Entropy, Input, Instant, Message, MessageBuffer,
    Output, PeerError, Server, UsageError,
};

const NOW: Instant = Instant::from_millis(0);
const SID: &str = "AAAAAAAAAAAAAAAAAAAAAAAA";

struct Sevens;

impl Entropy for Sevens {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[test]
fn errors_and_codes_say_what_they_are() {
    assert_eq!(CloseCode::NORMAL.to_string(), "1000");
    let errors: [&dyn Display; 15] = [
        &BadPercent,
        &GrammarError,
        &InflateError::Truncated,
        &Declined::Unknown,
        &PeerError::MaskedFrame,
        &UsageError::Closing,
        &CapacityError,
        &BodyError::TooLong,
        &Refusal::Over,
        &push::Lost,
        &push::EventStreamError::TooLong,
        &push::SendError::Full,
        &push::UpstreamError::Gap,
        &push::WebSocketError::Lost,
        &push::WebSocketError::Usage(UsageError::Closing),
    ];
    for error in errors {
        assert_ne!(error.to_string(), "");
    }
}

/// That all of this is shown, the first of it at the start.
fn shows(thing: &dyn Debug, parts: &[&str]) {
    let shown = format!("{thing:?}");
    assert!(shown.starts_with(parts[0]), "{shown}");
    for part in parts {
        assert!(shown.contains(part), "{shown}: {part}");
    }
}

#[test]
fn connections() {
    let mut ws = Connection::<Server>::server(Config::DEFAULT, NOW);
    shows(&ws, &["Connection", "Open", "buffered_amount: 0"]);
    ws.close(None, "", &mut Output::new(&mut [0; 16])).unwrap();
    shows(&ws, &["Connection", "Closing"]);
    shows(&MessageBuffer::new(&mut [0; 6]), &["MessageBuffer(0 of 6 B)"]);
}

#[test]
fn compression() {
    let mut tables = Small::new();
    shows(&Inflater::new(&mut [0; 512], &mut tables).unwrap(), &["Inflater(0 of 512 B)"]);
    let mut buffers = Buffers::<512, 0, 0, 736>::new();
    shows(&buffers, &["Buffers<512, 0, 0, 736>"]);
    shows(&buffers.deflater(Effort::SMALL), &["Deflater(0 of 512 B)"]);
    let mut buffers = CompressionBuffers::<1024, 512, 0, 0, 736>::new();
    shows(&buffers, &["CompressionBuffers<1024, 512, 0, 0, 736>"]);
    let mut both: Compression<'_, Small> = buffers.compression(Effort::SMALL);
    shows(&both, &["Compression(Inflater(0 of 1024 B), Deflater(0 of 512 B))"]);
    let (receiver, sender) = both.split();
    shows(receiver, &["Inflater(0 of 1024 B)"]);
    shows(sender, &["Deflater(0 of 512 B)"]);
}

#[test]
fn openings() {
    let fields = [("Authorization", "secret")];
    let mut request = client::Request::new("example.com", "/chat");
    request.fields = &fields;
    shows(&request, &["Request", "example.com", "/chat", "Authorization"]);
    let mut store = [0; 512];
    let handshake = client::Handshake::new(request, &mut Sevens, &mut store, &[], NOW).unwrap();
    shows(&handshake, &["Handshake", "example.com", "HeadReader(0 B, 0 fields read)"]);
    let mut store = [0; 512];
    let mut handshake = server::Handshake::new(&mut store, &[], NOW);
    let mut head = *b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert!(handshake.receive(&mut Input::new(&mut head)).unwrap());
    shows(&handshake.request().fields(), &["[", "\"host\""]);
    let fields = [("Server", "ours")];
    let accept = handshake.accept(OriginPolicy::Any).unwrap().fields(&fields).unwrap();
    shows(&accept, &["Accept", "subprotocol: None", "\"Server\""]);
}

#[test]
fn responses() {
    let fields = [("Server", "ours")];
    shows(&Response::new(404, &fields, b"").unwrap(), &["Response", "404", "\"Server\""]);
    shows(&Stream::new(200, &fields, Version::Http11).unwrap(), &["Stream", "200", "\"Server\""]);
    shows(&Content::plain("text/plain", "\"1\"", b"hi"), &["Content", "text/plain"]);
}

#[test]
fn events() {
    let mut memory = [0; 64];
    let mut ring = push::EventRing::new(&mut memory, push::Seq::new(7));
    ring.publish(Message::Text("hi")).unwrap();
    shows(&ring, &["EventRing(1 up to 8, in 64 B)"]);
    let mut memory = [0; 64];
    let session = push::Session::new(push::Sid::parse(SID).unwrap(), &mut memory, NOW);
    shows(session.sid(), &["Sid(..)"]);
    shows(&session, &["Session", "EventRing(0 up to 0, in 64 B)", "attached: 0"]);
    let news = push::News::new(&ring, Some(&session));
    let cursor = push::Cursor::parse("7").unwrap();
    shows(&push::PollBody::new(&news, cursor, 100), &["PollBody", "from: ", "to: ", "len: "]);
    let stream = push::Stream::new(push::XhrStream::default(), cursor, Duration::from_secs(25), NOW);
    shows(&stream, &["Stream", "XhrStream", "Feed { cursor: "]);
    shows(&push::EventStream::new(&mut [0; 300]), &["EventStream(0 of 300 B"]);
    shows(&push::Callback::parse("f").unwrap(), &["Callback(f)"]);
    shows(&push::Images::new(&mut Sevens), &["Images", "multipart/"]);
    shows(&push::Visit::full(), &["Visit", "is_begun: false"]);
}
