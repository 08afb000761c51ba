//! What stands in a log: no key, no password, no payload.

use ws_core::bytes::Input;
use ws_core::connection::CompressionBuffers;
use ws_core::deflate::{Buffers, Effort};
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::http::{Content, Response, Stream, Version};
use ws_core::transport::{
    self, Callback, Cursor, EventRing, EventStream, Images, News, PollBody, Seq, Session, Sid, XhrStream,
};
use ws_core::{
    CloseCode, Config, Connection, Duration, Entropy, Instant, Kind, Message, MessageBuffer, Output,
};

const NOW: Instant = Instant::from_millis(0);

struct SampleNonce;

impl Entropy for SampleNonce {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&b"the sample nonce"[..bytes.len()]);
    }
}

fn is_silent(shown: &dyn std::fmt::Debug) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("dGhlIHNhb"), "{shown}");
    // Nor as numbers.
    assert!(!shown.contains("115, 51, 99") && !shown.contains("100, 71, 104"), "{shown}");
}

#[test]
fn a_client_shows_neither_its_key_nor_its_password() {
    let fields = [("Authorization", "Basic s3cret")];
    let mut request = client::Request::new("example.com", "/chat");
    request.fields = &fields;
    is_silent(&request);
    assert!(format!("{request:?}").contains("Authorization"));
    let mut store = [0; 512];
    let mut handshake =
        client::Handshake::new(request, &mut SampleNonce, &mut store, &["set-cookie"], NOW).unwrap();
    is_silent(&handshake);
    let mut bytes = *b"HTTP/1.1 403 No\r\nSet-Cookie: s3cret\r\n\r\n";
    handshake.receive(&mut Input::new(&mut bytes)).unwrap_err();
    is_silent(&handshake);
    is_silent(&handshake.response());
    assert_eq!(handshake.response().field("set-cookie"), Some("s3cret"));
}

#[test]
fn a_server_shows_neither_cookie_nor_key() {
    let mut store = [0; 512];
    let mut handshake = server::Handshake::new(&mut store, &["cookie"], NOW);
    let mut bytes =
        *b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: s3cret\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert!(handshake.receive(&mut Input::new(&mut bytes)).unwrap());
    is_silent(&handshake);
    is_silent(&handshake.request());
    is_silent(&handshake.request().fields());
    let fields = [("Set-Cookie", "s3cret")];
    is_silent(&handshake.accept(OriginPolicy::Any).unwrap().fields(&fields).unwrap());
    is_silent(&Response::new(403, &fields, b"s3cret").unwrap());
}

#[test]
fn a_message_buffer_shows_no_payload() {
    let mut memory = *b"s3cret";
    is_silent(&MessageBuffer::new(&mut memory));
}

#[test]
fn an_answer_shows_the_names_of_its_fields() {
    let fields = [("Set-Cookie", "s3cret")];
    let stream = Stream::new(200, &fields, Version::Http11).unwrap();
    is_silent(&stream);
    assert_eq!(format!("{stream:?}"), r#"Stream { status: 200, fields: ["Set-Cookie"], .. }"#);
    is_silent(&Content::plain("text/plain", "\"1\"", b"s3cret"));
    is_silent(&Content::gzip("text/plain", "\"1\"", b"s3cret"));
}

#[test]
fn a_connection_shows_its_state() {
    let mut ws = Connection::client(Config::DEFAULT, SampleNonce, NOW);
    assert_eq!(ws.config(), &Config::DEFAULT);
    assert_eq!(format!("{ws:?}"), "Connection { ready_state: Open, buffered_amount: 0, .. }");
    // It keeps the payload of a Ping until the Pong is out.
    assert!(ws.receive(&mut Input::new(&mut b"\x89\x06s3cret".to_vec())).unwrap().is_some());
    is_silent(&ws);
    assert_eq!(format!("{ws:?}"), "Connection { ready_state: Open, buffered_amount: 12, .. }");
    assert_eq!(CloseCode::GOING_AWAY.to_string(), "1001");
}

#[test]
fn compression_shows_how_full_its_windows_are() {
    let mut buffers = CompressionBuffers::<512, 256, 0, 0, 512>::new();
    assert_eq!(format!("{buffers:?}"), "CompressionBuffers<512, 256, 0, 0, 512>");
    assert_eq!(format!("{:?}", Buffers::<256, 16, 256, 512>::new()), "Buffers<256, 16, 256, 512>");
    let mut compression = buffers.compression(Effort::SMALL);
    let mut ws = Connection::server(Config::DEFAULT, NOW);
    let mut tx = [0; 128];
    let mut secret = &b"s3cret and s3cret"[..];
    let sent = compression.send(&mut ws, Kind::Binary, &mut secret, false, &mut Output::new(&mut tx));
    assert_eq!(sent, Ok(true));
    is_silent(&compression);
    let (receiver, sender) = compression.split();
    assert_eq!(format!("{receiver:?}"), "Inflater(0 of 512 B)");
    assert_eq!(format!("{sender:?}"), "Deflater(17 of 256 B)");
}

#[test]
fn events_and_sessions_show_no_payload() {
    let (mut shared, mut own) = ([0; 64], [0; 64]);
    let mut ring = EventRing::new(&mut shared, Seq::new(16));
    ring.publish(Message::Text("s3cret")).unwrap();
    is_silent(&ring);
    assert_eq!(format!("{ring:?}"), "EventRing(1 up to 17, in 64 B)");
    assert_eq!(format!("{:?}", ring.view()), format!("{ring:?}"));
    let mut session = Session::new(Sid::parse("s3cretAAAAAAAAAAAAAAAAAA").unwrap(), &mut own, NOW);
    session.send(Message::Text("s3cret")).unwrap();
    is_silent(&session);
    assert!(format!("{session:?}").contains("EventRing(1 up to 1, in 64 B)"));
    let news = News::new(&ring, Some(&session));
    is_silent(&news);
    let body = PollBody::new(&news, Cursor::parse("16").unwrap(), 500);
    is_silent(&body);
    assert!(format!("{body:?}").starts_with("PollBody { from: "));
    // Half of an event is out.
    let mut stream =
        transport::Stream::new(XhrStream::default(), Cursor::parse("16").unwrap(), Duration::ZERO, NOW);
    let mut tx = [0; 50];
    assert_eq!(stream.transmit(&news, NOW, &mut Output::new(&mut tx)), Ok(transport::Progress::Full));
    is_silent(&stream);
    assert!(format!("{stream:?}").starts_with("Stream { format: XhrStream"));
}

#[test]
fn what_reads_events_shows_the_id_that_it_would_ask_with() {
    let mut memory = [0; 64];
    let mut events = EventStream::new(&mut memory);
    let mut bytes = *b"id: 17\ndata: s3cret\n";
    assert_eq!(events.receive(&mut Input::new(&mut bytes)).unwrap(), None);
    is_silent(&events);
    let shown = format!("{events:?}");
    assert!(shown.starts_with("EventStream(") && shown.contains(" of 64 B, id "), "{shown}");
}

#[test]
fn a_page_shows_what_it_is_called_by() {
    assert_eq!(format!("{:?}", Callback::parse("p.on").unwrap()), "Callback(p.on)");
    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }
    let images = Images::new(&mut Zeros);
    let shown = format!("{images:?}");
    assert!(shown.starts_with("Images { content_type: \"multipart/x-mixed-replace"), "{shown}");
}
