//! Events over a WebSocket, and random lives of a client over all techniques: nothing lost, nothing twice, in order.

use crate::cases::thin;
use crate::codings::{plain_base64, unescaped};
use crate::streams::{at, cursor, drain, sid};
use proptest::prelude::*;
use ws_core::transport::{
    AnyFormat, Callback, Cursor, EventRing, HtmlStream, Hub, Multipart, News, PollBody, Progress, Seq,
    Session, SessionKey, Sessions, Sse, Stream, WebSocketError, WebSocketStream, XhrStream,
};
use ws_core::{
    Client, CloseCode, Config, Connection, Duration, Input, Instant, Message, MessageBuffer, Output, Server,
    UsageError,
};

fn server() -> Connection<Server> {
    Connection::server(Config::DEFAULT, at(0))
}

/// The messages in `bytes`, as a client reads them: text as text, binary after a `b`.
fn messages(bytes: &mut [u8]) -> Vec<String> {
    let mut client: Connection<Client<crate::Dice>> =
        Connection::client(Config::DEFAULT, crate::Dice(1), at(0));
    let (mut memory, mut seen) = (vec![0; 4096], Vec::new());
    let mut buffer = MessageBuffer::new(&mut memory);
    let mut input = Input::new(bytes);
    while let Some(event) = client.receive(&mut input).expect("valid frames") {
        let ws_core::Event::Data(data) = event else { panic!("{event:?}") };
        match buffer.push(data).expect("it fits") {
            Some(Message::Text(text)) => seen.push(text.to_owned()),
            Some(Message::Binary(bytes)) => seen.push(format!("b{}", plain_base64(bytes))),
            None => {}
        }
    }
    assert!(input.is_empty());
    seen
}

fn drain_ws(
    stream: &mut WebSocketStream,
    ws: &mut Connection<Server>,
    news: &News<'_>,
    size: usize,
) -> Result<Vec<u8>, WebSocketError> {
    let (mut buf, mut written) = (vec![0; size], Vec::new());
    let mut out = Output::new(&mut buf);
    loop {
        let progress = stream.transmit(ws, news, at(0), &mut out)?;
        written.extend_from_slice(out.filled());
        if progress == Progress::Idle {
            return Ok(written);
        }
        assert_eq!(progress, Progress::Full);
        out.clear();
    }
}

#[test]
fn each_event_is_a_message_at_every_size_of_output() {
    let (mut shared, mut own) = ([0; 512], [0; 256]);
    let mut ring = EventRing::new(&mut shared, Seq::new(16));
    let long = "long ".repeat(40);
    ring.publish(Message::Text("a\"")).expect("it fits");
    ring.publish(Message::Text(&long)).expect("it fits");
    let mut session = Session::new(sid(), &mut own, at(0));
    session.send(Message::Binary(b"\xff\0")).expect("it fits");
    let news = News::new(&ring, Some(&session));
    for size in thin(10..300, 60) {
        let mut ws = server();
        let mut stream =
            WebSocketStream::new(cursor("16"), Duration::from_secs(25), at(0)).with_session(sid());
        assert!(stream.wants_transmit(&news));
        stream.acknowledge(Seq::new(4));
        let mut written = drain_ws(&mut stream, &mut ws, &news, size).expect("open");
        assert_eq!((stream.cursor(), stream.wants_transmit(&news)), (cursor("18.1"), false));
        stream.handle_timeout(stream.poll_timeout().expect("pings"));
        written.extend(drain_ws(&mut stream, &mut ws, &news, size).expect("open"));
        assert!(ws.is_sendable(), "no frame is left open");
        let expected = [
            r#"{"id":"16","open":{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA","ping":25000}}"#.to_owned(),
            r#"{"ack":4}"#.to_owned(),
            format!("b{}", plain_base64(b"16.1\0\xff\0")),
            r#"{"id":"17.1","data":"a\""}"#.to_owned(),
            format!(r#"{{"id":"18.1","data":"{long}"}}"#),
            r#"{"ping":1}"#.to_owned(),
        ];
        assert_eq!(messages(&mut written), expected, "in {size} bytes");
    }
}

/// Each reason to write counts by itself.
#[test]
fn it_wants_to_write_what_it_owes_and_what_it_has_begun() {
    let (mut shared, mut own) = ([0; 64], [0; 64]);
    let ring = EventRing::new(&mut shared, Seq::new(0));
    let mut session = Session::new(sid(), &mut own, at(0));
    let (mut ws, mut stream) = (server(), WebSocketStream::new(cursor("0"), Duration::ZERO, at(0)));
    assert!(stream.wants_transmit(&News::new(&ring, None)), "to say who it is");
    drain_ws(&mut stream, &mut ws, &News::new(&ring, Some(&session)), 64).expect("open");
    assert!(!stream.wants_transmit(&News::new(&ring, None)));
    stream.acknowledge(Seq::new(1));
    assert!(stream.wants_transmit(&News::new(&ring, None)), "to acknowledge");
    drain_ws(&mut stream, &mut ws, &News::new(&ring, Some(&session)), 64).expect("open");
    session.send(Message::Text(&"x".repeat(40))).expect("it fits");
    let mut buf = [0; 20];
    let progress =
        stream.transmit(&mut ws, &News::new(&ring, Some(&session)), at(0), &mut Output::new(&mut buf));
    assert_eq!(progress, Ok(Progress::Full));
    assert!(stream.wants_transmit(&News::new(&ring, None)), "its session has ended: the frame has not");
    let lost = drain_ws(&mut stream, &mut ws, &News::new(&ring, None), 64);
    assert_eq!(lost, Err(WebSocketError::Lost));
}

#[test]
fn what_a_connection_refuses_is_said() {
    let mut memory = [0; 64];
    let ring = EventRing::new(&mut memory, Seq::new(0));
    let news = News::new(&ring, None);
    let mut stream = WebSocketStream::new(cursor("0"), Duration::ZERO, at(0));
    let mut ws = server();
    let refused = drain_ws(&mut stream, &mut ws, &news, 9);
    assert_eq!(refused, Err(WebSocketError::Usage(UsageError::OutputTooSmall)));
    let mut buf = [0; 64];
    assert_eq!(ws.close(Some(CloseCode::NORMAL), "", &mut Output::new(&mut buf)), Ok(true));
    assert_eq!(drain_ws(&mut stream, &mut ws, &news, 64), Err(WebSocketError::Usage(UsageError::Closing)));
}

#[test]
fn an_event_that_leaves_inside_its_frame_ends_the_connection() {
    let mut memory = [0; 64];
    let mut ring = EventRing::new(&mut memory, Seq::new(0));
    let mut ws = server();
    let mut stream = WebSocketStream::new(cursor("0"), Duration::ZERO, at(0));
    drain_ws(&mut stream, &mut ws, &News::new(&ring, None), 64).expect("open");
    ring.publish(Message::Text(&"x".repeat(40))).expect("it fits");
    let mut buf = [0; 20];
    let mut out = Output::new(&mut buf);
    let progress = stream.transmit(&mut ws, &News::new(&ring, None), at(0), &mut out);
    assert_eq!(progress, Ok(Progress::Full));
    assert!(stream.wants_transmit(&News::new(&ring, None)));
    ring.publish(Message::Text(&"y".repeat(40))).expect("it fits");
    let lost = drain_ws(&mut stream, &mut ws, &News::new(&ring, None), 64);
    assert_eq!(lost, Err(WebSocketError::Lost));
}

/// What a client sees of an event: its id, and what it holds.
#[derive(Debug, PartialEq)]
enum Seen {
    Message(Cursor, String),
    Reset(Cursor),
    Other,
}

/// Reads an event in JSON, in the very form in which it is written.
fn event(text: &str) -> Seen {
    let Some(rest) = text.strip_prefix("{\"id\":\"") else { return Seen::Other };
    let (id, rest) = rest.split_once("\",").expect("an id");
    let id = cursor(id);
    let end = "\"}";
    if let Some(data) = rest.strip_prefix("\"data\":\"") {
        Seen::Message(id, unescaped(data.strip_suffix(end).expect("an end")))
    } else if let Some(data) = rest.strip_prefix("\"b64\":\"") {
        Seen::Message(id, format!("b{}", data.strip_suffix(end).expect("an end")))
    } else if rest == "\"reset\":1}" {
        Seen::Reset(id)
    } else {
        Seen::Other
    }
}

/// The events in as much of a stream as came: an unfinished one is none.
fn events(format: &AnyFormat, body: &[u8]) -> Vec<Seen> {
    let (before, behind) = match format {
        AnyFormat::Sse(_) => ("data: ", "\n\n"),
        AnyFormat::Xhr(_) => ("", "\n"),
        AnyFormat::Html(_) => ("<script>parent.f(", ")</script>\n"),
        AnyFormat::Multipart(_) => ("\r\n\r\n", "\r\n--frame\r\n"),
    };
    let mut seen = Vec::new();
    let mut rest = String::from_utf8_lossy(body).into_owned();
    while let Some((part, later)) = rest.split_once(behind) {
        if let Some((_, json)) = part.split_once(before) {
            seen.push(event(json));
        }
        rest = later.to_owned();
    }
    seen
}

#[derive(Clone, Debug)]
enum Act {
    Publish(bool, String),
    Send(bool, String),
    /// Opens a connection of this technique, and reads so many bytes of it, through an output of this size.
    Connect(u8, usize, usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let text = "[a<!/\"\\\\\n\u{2028}é]{0,20}";
    prop::collection::vec(
        prop_oneof![
            2 => (any::<bool>(), text).prop_map(|(kind, text)| Act::Publish(kind, text)),
            1 => (any::<bool>(), text).prop_map(|(kind, text)| Act::Send(kind, text)),
            2 => (0..7u8, 0..600usize, 10..80usize).prop_map(|(t, n, size)| Act::Connect(t, n, size)),
        ],
        0..crate::cases::few(60, 10),
    )
}

fn message(is_text: bool, text: &str) -> Message<'_> {
    if is_text { Message::Text(text) } else { Message::Binary(text.as_bytes()) }
}

/// A client that is cut off at any byte, and comes back over any technique.
struct Peer {
    key: Option<SessionKey>,
    cursor: Cursor,
    shared: Vec<String>,
    own: Vec<String>,
    resets: usize,
}

impl Peer {
    fn see(&mut self, seen: Vec<Seen>) {
        for seen in seen {
            match seen {
                Seen::Message(id, text) => {
                    if id.own == self.cursor.own {
                        self.shared.push(text);
                    } else {
                        self.own.push(text);
                    }
                    self.cursor = id;
                }
                Seen::Reset(id) => {
                    self.resets += 1;
                    self.cursor = id;
                }
                Seen::Other => {}
            }
        }
    }

    fn connect<const N: usize>(&mut self, hub: &Hub<'_, N>, technique: u8, bytes: usize, size: usize) {
        let news = hub.news(self.key);
        let callback = Callback::parse("f").expect("a name");
        let format = match technique {
            0 => AnyFormat::Sse(Sse::JSON),
            1 => AnyFormat::Xhr(XhrStream::default()),
            2 => AnyFormat::Html(HtmlStream { callback, padding: 3 }),
            3 => AnyFormat::Multipart(Multipart),
            4 | 5 => {
                let mut body = PollBody::new(&news, self.cursor, bytes);
                if technique == 5 {
                    body = body.with_callback(&news, callback);
                }
                let (mut buf, mut text) = (vec![0; size], Vec::new());
                let mut out = Output::new(&mut buf);
                while !body.transmit(&news, &mut out).expect("nothing leaves") {
                    text.extend_from_slice(out.filled());
                    out.clear();
                }
                text.extend_from_slice(out.filled());
                assert_eq!(text.len(), body.len());
                let text = String::from_utf8(text).expect("UTF-8");
                let text = text
                    .strip_prefix("/**/f(")
                    .map_or(&text[..], |text| text.strip_suffix(");").expect("an end"));
                let (_, list) = text.split_once("\"events\":[").expect("a list");
                let list = list.strip_suffix("]}").expect("an end");
                let list = list.replace("},{\"id\"", "}\n{\"id\"");
                self.see(list.lines().filter(|line| !line.is_empty()).map(event).collect());
                assert_eq!(self.cursor, body.next());
                return;
            }
            _ => {
                let mut stream = WebSocketStream::new(self.cursor, Duration::ZERO, at(0));
                let mut written = drain_ws(&mut stream, &mut server(), &news, size).expect("open");
                let texts = messages(&mut written).into_iter().map(|text| match text.strip_prefix('b') {
                    None => event(&text),
                    Some(base64) => binary(base64),
                });
                // Cut off between two messages: what is in half a frame is never seen.
                self.see(texts.take(bytes / 40).collect());
                return;
            }
        };
        let mut stream = Stream::new(format, self.cursor, Duration::ZERO, at(0));
        let (body, _) = drain(&mut stream, &news, size).expect("nothing leaves");
        let is_whole = bytes >= body.len();
        self.see(events(&format, &body[..bytes.min(body.len())]));
        assert!(!is_whole || self.cursor == stream.cursor());
    }
}

/// A binary message of the subprotocol, taken apart.
fn binary(base64: &str) -> Seen {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = base64
        .bytes()
        .filter_map(|b| digits.iter().position(|d| *d == b))
        .map(|six| format!("{six:06b}"))
        .collect();
    let bytes: Vec<u8> =
        (0..bits.len() / 8).map(|i| u8::from_str_radix(&bits[i * 8..i * 8 + 8], 2).expect("bits")).collect();
    let nul = bytes.iter().position(|b| *b == 0).expect("a NUL");
    let id = std::str::from_utf8(&bytes[..nul]).expect("ASCII");
    Seen::Message(cursor(id), format!("b{}", plain_base64(&bytes[nul + 1..])))
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn whatever_breaks_nothing_is_lost_and_nothing_comes_twice(acts in acts(), first: u32) {
        let (mut shared, mut own) = (vec![0; 8192], vec![0; 8192]);
        let ring = EventRing::new(&mut shared, Seq::new(first));
        let mut hub = Hub::new(ring, Sessions::<2>::new(&mut own, Duration::from_secs(30)));
        let key = hub.sessions_mut().open(Instant::from_millis(0), &mut crate::Dice(7)).expect("room");
        let new = |key| Peer { key, cursor: hub.now(), shared: vec![], own: vec![], resets: 0 };
        let mut peers = [new(Some(key)), new(None)];
        let (mut all, mut to_one) = (Vec::new(), Vec::new());
        let shown = |is_text: bool, text: &str| {
            if is_text { text.to_owned() } else { format!("b{}", plain_base64(text.as_bytes())) }
        };
        for act in acts.into_iter().chain([Act::Connect(1, usize::MAX, 64)]) {
            match act {
                Act::Publish(is_text, text) => {
                    hub.publish(message(is_text, &text)).expect("it fits");
                    all.push(shown(is_text, &text));
                }
                Act::Send(is_text, text) => {
                    hub.send(key, message(is_text, &text)).expect("it fits");
                    to_one.push(shown(is_text, &text));
                }
                Act::Connect(technique, bytes, size) => {
                    for peer in &mut peers {
                        peer.connect(&hub, technique, bytes, size);
                    }
                    let taken = peers[0].cursor.own;
                    hub.sessions_mut().get_mut(key).expect("open").take(taken);
                }
            }
        }
        for (peer, own) in peers.iter().zip([&to_one, &vec![]]) {
            prop_assert_eq!(&peer.shared, &all);
            prop_assert_eq!(&peer.own, own);
            prop_assert_eq!(peer.resets, 0);
        }
    }

    /// With too little memory, what a client missed is said by a reset, and what it sees is in order all the same.
    #[test]
    fn what_is_missed_is_said(acts in acts(), size in 40..120usize) {
        let mut memory = vec![0; size];
        let ring = EventRing::new(&mut memory, Seq::new(0));
        let mut hub = Hub::new(ring, Sessions::<0>::new(&mut [], Duration::ZERO));
        let mut peer = Peer { key: None, cursor: hub.now(), shared: vec![], own: vec![], resets: 0 };
        let mut count = 0usize;
        for act in acts.into_iter().chain([Act::Connect(0, usize::MAX, 64)]) {
            match act {
                Act::Publish(..) | Act::Send(..) => {
                    // 27 bytes at most with its head: so one fits always.
                    hub.publish(Message::Text(&format!("number {count}"))).expect("it fits");
                    count += 1;
                }
                Act::Connect(technique, bytes, size) => peer.connect(&hub, technique, bytes, size),
            }
        }
        let numbers: Vec<usize> = peer
            .shared
            .iter()
            .map(|text| text.strip_prefix("number ").expect("that").parse().expect("a number"))
            .collect();
        prop_assert!(numbers.windows(2).all(|two| two[0] < two[1]), "{numbers:?}");
        let gaps = numbers.windows(2).filter(|two| two[0] + 1 != two[1]).count();
        let is_late = numbers.first().is_some_and(|first| *first != 0);
        prop_assert!(peer.resets >= gaps + usize::from(is_late));
        prop_assert_eq!(numbers.last().copied(), count.checked_sub(1));
    }
}
