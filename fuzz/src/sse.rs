//! What is published and sent to a session, any text and any bytes, as an event stream in either style, to outputs of any size: whoever
//! reads it by the rules of WHATWG HTML 9.2.6 gets for each message one event, and no other. No CR, LF or NUL in a message makes a
//! field or an event. Our own reader gets the same, however what comes is cut.

use std::cell::RefCell;

use arbitrary::{Arbitrary, Unstructured};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ws_core::transport::{
    Cursor, EventRing, EventStream, Hub, Progress, Seq, SessionKey, Sessions, Sse, SseStyle, Stream,
};
use ws_core::{CloseCode, Duration, Input, Instant, Message, Output};

use crate::common::event_source::{Dispatched, EventSource};
use crate::common::{Cuts, Keys, Rng};

/// Bytes of all messages, so that none leaves its ring.
const MOST: usize = 600;
const ACTS: usize = 40;
const PING: Duration = Duration::from_millis(10);
/// What a session may be told at its end.
const REASONS: [&str; 4] = ["", "\r\n\r\ndata: spoof\n\n", "a\0\u{2028}\"", "done"];

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    plain: bool,
    retry: u32,
    padding: u8,
    /// The number of the last event before.
    last: u32,
    session: bool,
    acts: Vec<Act<'a>>,
    /// The end, if there is one.
    reason: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum Act<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    /// The same to the session alone.
    OwnText(&'a str),
    OwnBinary(&'a [u8]),
    Ack(u32),
    /// So many milliseconds pass.
    Wait(u8),
    /// What there is goes out, in so many outputs at most.
    Transmit(u8),
}

/// What a client may read.
#[derive(Default)]
struct Said {
    shared: Vec<Vec<u8>>,
    own: Vec<Vec<u8>>,
    acks: Vec<u32>,
    pings: usize,
}

struct Memory {
    shared: Vec<u8>,
    own: Vec<u8>,
    read: Vec<u8>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::new(Memory {
        shared: vec![0xaa; 4096],
        own: vec![0xaa; 4096],
        read: vec![0xaa; 8192],
    });
}

/// The bytes are what is said to a client, and when it goes out.
pub fn check(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else { return };
    MEMORY.with_borrow_mut(|memory| case.check(Rng::of(data), memory));
}

impl Case<'_> {
    fn check(&self, mut rng: Rng, memory: &mut Memory) {
        let Memory { shared, own, read } = memory;
        let now = Instant::from_millis(0);
        let mut hub = Hub::new(
            EventRing::new(shared, Seq::new(self.last)),
            Sessions::<1>::new(own, Duration::from_secs(1)),
        );
        let session = self.session.then(|| hub.sessions_mut().open(now, &mut Keys(self.last)).expect("room"));
        let mut out = Vec::new();
        let said = self.talk(&mut hub, session, 1 + rng.below(60), &mut out);

        let mut source = EventSource::default();
        let events = source.read(&out, usize::MAX);
        let retry = Duration::from_millis(self.retry);
        let told = source.retry_millis().map(Duration::from_millis);
        assert_eq!(told, (retry != Duration::ZERO).then_some(retry), "{self:?}");
        self.judge(&events, &said, session.is_some());
        read_as_device(&out, &events, read, &mut Cuts::Random(rng, 30));
    }

    /// Says all, and transmits it.
    fn talk(
        &self,
        hub: &mut Hub<'_, 1>,
        session: Option<SessionKey>,
        size: usize,
        text: &mut Vec<u8>,
    ) -> Said {
        let style = if self.plain { SseStyle::Plain } else { SseStyle::Json };
        let format =
            Sse { style, retry: Duration::from_millis(self.retry), padding: u16::from(self.padding) };
        let (mut said, mut millis, mut left) = (Said::default(), 0, MOST);
        let mut stream = Stream::new(format, hub.now(), PING, Instant::from_millis(millis));
        if let Some(session) = session.and_then(|key| hub.sessions().get(key)) {
            stream = stream.with_session(*session.sid());
        }
        let mut buf = vec![0xee; size];
        let mut transmit = |stream: &mut Stream<Sse>, hub: &Hub<'_, 1>, millis: u64, times: usize| {
            for _ in 0..times {
                let mut out = Output::new(&mut buf);
                let progress =
                    stream.transmit(&hub.news(session), Instant::from_millis(millis), &mut out).unwrap();
                text.extend_from_slice(out.filled());
                match progress {
                    Progress::Full => assert_eq!(out.space(), 0, "not full, and yet not all is out"),
                    progress => return progress,
                }
            }
            Progress::Full
        };
        for act in self.acts.iter().take(ACTS) {
            let message = match *act {
                Act::Text(text) | Act::OwnText(text) => {
                    let end = (0..=left.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
                    Message::Text(&text[..end.unwrap()])
                }
                Act::Binary(bytes) | Act::OwnBinary(bytes) => {
                    Message::Binary(&bytes[..bytes.len().min(left)])
                }
                Act::Ack(n) => {
                    stream.acknowledge(Seq::new(n));
                    said.acks.push(n);
                    continue;
                }
                Act::Wait(more) => {
                    millis += u64::from(more);
                    stream.handle_timeout(Instant::from_millis(millis));
                    said.pings += 1;
                    continue;
                }
                Act::Transmit(times) => {
                    let _ = transmit(&mut stream, hub, millis, times.into());
                    continue;
                }
            };
            left -= message.as_bytes().len();
            let bytes = match message {
                Message::Text(text) if self.plain => text.replace("\r\n", "\n").replace('\r', "\n").into(),
                message => message.as_bytes().to_vec(),
            };
            match session {
                Some(key) if matches!(act, Act::OwnText(_) | Act::OwnBinary(_)) => {
                    hub.send(key, message).expect("room");
                    said.own.push(bytes);
                }
                _ => {
                    hub.publish(message).expect("room");
                    said.shared.push(bytes);
                }
            }
        }
        let expected = match self.reason() {
            Some(reason) => {
                stream.close(CloseCode::GOING_AWAY, reason);
                Progress::Ended
            }
            None => Progress::Idle,
        };
        assert_eq!(transmit(&mut stream, hub, millis, 1 << 14), expected, "{self:?}");
        said
    }

    fn reason(&self) -> Option<&'static str> {
        self.reason.map(|reason| REASONS[usize::from(reason) % REASONS.len()])
    }

    /// One event for each thing said, in order.
    fn judge(&self, events: &[Dispatched], said: &Said, has_session: bool) {
        let (mut at, mut acks, mut pings) =
            (Cursor { shared: Seq::new(self.last), own: Seq::new(0) }, said.acks.iter(), 0);
        let (mut shared, mut own) = (said.shared.iter(), said.own.iter());
        let [open, events @ ..] = events else { panic!("no event, {self:?}") };
        let (end, events) = match self.reason() {
            Some(_) => events.split_last().map(|(end, events)| (Some(end), events)).expect("an end"),
            None => (None, events),
        };
        let object = self.control(open);
        assert!(object.starts_with(&format!("{{\"id\":\"{at}\",\"open\":{{")) && open.id == text_of(at));
        assert_eq!(object.contains("\"sid\":\""), has_session, "{object}");
        for event in events {
            let id = Cursor::parse(std::str::from_utf8(&event.id).unwrap()).expect("a cursor");
            if id == at {
                let object = self.control(event);
                if object == "{\"ping\":1}" {
                    pings += 1;
                } else {
                    let told = |n: &u32| object == format!("{{\"ack\":{n}}}");
                    assert!(acks.any(told), "{object} was never said, {self:?}");
                }
                continue;
            }
            let message = if id.own == at.own {
                at.shared = at.shared.next();
                shared.next()
            } else {
                at.own = at.own.next();
                own.next()
            };
            assert_eq!(id, at, "one more than before, {self:?}");
            let expected = message.expect("a message that was said");
            let bytes = self.message(event, at);
            assert!(bytes == *expected, "{bytes:?} was {expected:?}, {self:?}");
        }
        assert!(shared.next().is_none() && own.next().is_none(), "not all has come, {self:?}");
        assert!(pings <= if self.plain { 0 } else { said.pings });
        if let (Some(end), Some(reason)) = (end, self.reason()) {
            let object = self.control(end);
            let object =
                object.strip_prefix("{\"close\":[1001,\"").and_then(|text| text.strip_suffix("\"]}"));
            assert_eq!(unescaped(object.expect("a close")), reason.as_bytes());
        }
    }

    /// The object of what is no message.
    fn control<'e>(&self, event: &'e Dispatched) -> &'e str {
        assert_eq!(event.kind, if self.plain { &b"control"[..] } else { b"message" }, "{self:?}");
        std::str::from_utf8(&event.data).unwrap()
    }

    fn message(&self, event: &Dispatched, id: Cursor) -> Vec<u8> {
        let data = std::str::from_utf8(&event.data).unwrap();
        if self.plain {
            return match &event.kind[..] {
                b"message" => event.data.clone(),
                b"b64" => from_base64(data),
                kind => panic!("{kind:?} is none of ours, {self:?}"),
            };
        }
        assert_eq!(event.kind, b"message", "{self:?}");
        let inside =
            data.strip_prefix(&format!("{{\"id\":\"{id}\",\"")).and_then(|rest| rest.strip_suffix("\"}"));
        match inside.and_then(|inside| inside.split_once("\":\"")).expect("a member") {
            ("data", text) => unescaped(text),
            ("b64", text) => from_base64(text),
            (name, _) => panic!("{name:?} is none of ours, {self:?}"),
        }
    }
}

fn text_of(cursor: Cursor) -> Vec<u8> {
    cursor.to_string().into_bytes()
}

fn from_base64(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; text.len()];
    let len = STANDARD.decode_slice(text, &mut bytes).expect("Base64");
    bytes.truncate(len);
    bytes
}

/// What the inside of a string means (RFC 8259 7).
fn unescaped(text: &str) -> Vec<u8> {
    let (mut means, mut chars) = (String::new(), text.chars());
    while let Some(char) = chars.next() {
        assert!(char >= ' ' && char != '"', "{char:?} stands in a string");
        means.push(match char {
            '\\' => match chars.next().expect("an escape") {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let number = u32::from_str_radix(&digits, 16).expect("four digits");
                    char::from_u32(number).expect("a character")
                }
                itself => {
                    assert!(matches!(itself, '"' | '\\' | '/'), "\\{itself} is no escape");
                    itself
                }
            },
            char => char,
        });
    }
    means.into_bytes()
}

/// The same events, read by ours in pieces.
fn read_as_device(text: &[u8], events: &[Dispatched], memory: &mut [u8], cuts: &mut Cuts) {
    let mut stream = EventStream::new(memory);
    let (mut rest, mut events) = (text, events.iter());
    while !rest.is_empty() {
        let mut piece = cuts.next(&mut rest).to_vec();
        let mut input = Input::new(&mut piece);
        while let Some(event) = stream.receive(&mut input).expect("an event that fits") {
            let Dispatched { kind, data, id, .. } = events.next().expect("an event more");
            let seen = (event.event.as_bytes(), event.data.as_bytes(), event.id.as_bytes());
            assert!(seen == (kind, data, id), "{event:?}");
        }
    }
    assert!(events.next().is_none(), "an event less");
}
