//! A client of events, written without the library: [`Listener`] listens by one technique after the other, and goes on where it was;
//! [`post`] sends messages. What is read of JSON is no more than what a server of these tests writes.

use base64ct::{Base64, Encoding as _};

use crate::common::frames;
use crate::{Bench, Ended, Frame, Peer, Timer, end, status};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    Sse,
    Events,
    Xhr,
    Html,
    Multipart,
    Poll,
    LongPoll,
    Jsonp,
    WebSocket,
}

pub(crate) const ALL: [As; 9] =
    [As::Sse, As::Events, As::Xhr, As::Html, As::Multipart, As::Poll, As::LongPoll, As::Jsonp, As::WebSocket];

impl As {
    /// What asks for it in the query.
    pub(crate) const fn query(self) -> &'static str {
        match self {
            Self::Sse => "as=sse",
            Self::Events => "as=events",
            Self::Xhr => "as=xhr",
            Self::Html => "as=html&callback=fn",
            Self::Multipart => "as=multipart",
            Self::Poll | Self::WebSocket => "q=0",
            Self::LongPoll => "wait=20000",
            Self::Jsonp => "wait=20000&callback=fn",
        }
    }

    pub(crate) const fn is_poll(self) -> bool {
        matches!(self, Self::Poll | Self::LongPoll | Self::Jsonp)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// With the session's name, if there is one.
    Open(Option<String>),
    Message(Vec<u8>),
    Ack(u64),
    Reset,
    Ping,
    Close,
}

/// The client of one session, whichever connection it has just now.
pub(crate) struct Listener {
    by: As,
    pub(crate) peer: Option<Peer>,
    pub(crate) sid: Option<String>,
    pub(crate) since: Option<String>,
    /// The number of the next message, over a WebSocket.
    pub(crate) n: u64,
    /// Of the body, and not understood yet.
    text: Vec<u8>,
    /// Understood, and not yet asked for.
    events: std::collections::VecDeque<(Option<String>, Event)>,
}

impl Listener {
    /// Nobody yet; `sid` empty: it wants a session.
    pub(crate) fn new(by: As, sid: Option<&str>) -> Self {
        let (peer, sid) = (None, sid.map(String::from));
        Self { by, peer, sid, since: None, n: 1, text: Vec::new(), events: Default::default() }
    }

    fn path(&self) -> String {
        let mut path = format!("/events?{}", self.by.query());
        if let Some(sid) = &self.sid {
            path += &format!("&s={sid}");
        }
        if let Some(since) = &self.since {
            path += &format!("&since={since}");
        }
        path
    }

    /// Asks. Who is told to come back does.
    pub(crate) async fn connect(&mut self, bench: &Bench) -> Result<(), Ended> {
        loop {
            self.text.clear();
            self.events.clear();
            let mut peer = bench.connect().await;
            let head = if self.by == As::WebSocket {
                let path = format!("{}&n={}", self.path(), self.n);
                peer.request(&path, "Sec-WebSocket-Protocol: push.v1\r\n").await?
            } else {
                let referer = "Referer: http://10.0.0.2/\r\n";
                peer.write_all(format!("GET {} HTTP/1.1\r\nHost: 10.0.0.2\r\n{referer}\r\n", self.path()))
                    .await?;
                peer.read_head().await?
            };
            match status(&head) {
                503 => {
                    assert!(frames::header(&head, "Retry-After").is_some(), "{head}");
                    peer.abort().await;
                    Timer::after_millis(500).await;
                }
                204 => {
                    self.peer = Some(peer);
                    return Ok(());
                }
                200 if self.by.is_poll() => {
                    let length = frames::header(&head, "Content-Length").expect("a length");
                    let body = peer.read_exact(length.parse().expect("a number")).await?;
                    self.understand_poll(&String::from_utf8(body).expect("text"));
                    self.peer = Some(peer);
                    return Ok(());
                }
                200 | 101 => {
                    assert!(status(&head) == 101 || frames::header(&head, "Transfer-Encoding").is_some());
                    self.peer = Some(peer);
                    return Ok(());
                }
                _ => panic!("{:?}: {head}", self.by),
            }
        }
    }

    /// The next event; `Closed`: the answer is at its end. Polls ask as often as they have to.
    pub(crate) async fn next(&mut self, bench: &Bench) -> Result<Event, Ended> {
        loop {
            if let Some((id, event)) = self.events.pop_front() {
                if let Some(id) = id {
                    self.since = Some(id);
                }
                if let Event::Open(Some(sid)) = &event {
                    self.sid = Some(sid.clone());
                }
                return Ok(event);
            }
            match (self.by, &mut self.peer) {
                (_, None) => self.connect(bench).await?,
                (As::Poll | As::LongPoll | As::Jsonp, peer) => {
                    if let Some(peer) = peer.take() {
                        end(peer).await?;
                    }
                    if self.by == As::Poll {
                        Timer::after_millis(200).await;
                    }
                    self.connect(bench).await?;
                }
                (As::WebSocket, Some(peer)) => {
                    let frame = peer.receive().await?;
                    if frame.opcode == frames::PING {
                        peer.send(&Frame::new(frames::PONG, frame.payload.clone()).masked()).await?;
                    }
                    self.understand_frame(frame)?;
                }
                (_, Some(peer)) => {
                    let piece = chunk(peer).await?;
                    if piece.is_empty() {
                        return Err(Ended::Closed);
                    }
                    self.text.extend(piece);
                    self.understand();
                }
            }
        }
    }

    /// The next one that is not there for the connection's sake.
    pub(crate) async fn message(&mut self, bench: &Bench) -> Result<Vec<u8>, Ended> {
        loop {
            match self.next(bench).await? {
                Event::Message(bytes) => return Ok(bytes),
                Event::Reset => panic!("events are missing"),
                Event::Open(_) | Event::Ack(_) | Event::Ping => {}
                Event::Close => return Err(Ended::Closed),
            }
        }
    }

    fn understand_frame(&mut self, frame: Frame) -> Result<(), Ended> {
        match frame.opcode {
            frames::TEXT => self.json(std::str::from_utf8(&frame.payload).expect("text")),
            frames::BINARY => {
                let nul = frame.payload.iter().position(|b| *b == 0).expect("an id and a NUL");
                let id = String::from_utf8(frame.payload[..nul].to_vec()).expect("an id");
                self.events.push_back((Some(id), Event::Message(frame.payload[nul + 1..].to_vec())));
            }
            frames::CLOSE => return Err(Ended::Closed),
            frames::PING => {}
            _ => panic!("{frame:?}"),
        }
        Ok(())
    }

    fn understand_poll(&mut self, body: &str) {
        let body = match self.by {
            As::Jsonp => {
                body.strip_prefix("/**/fn(").and_then(|rest| rest.strip_suffix(");")).expect("a call")
            }
            _ => body,
        };
        let (next, list) = body
            .strip_prefix("{\"next\":\"")
            .and_then(|rest| rest.strip_suffix("]}"))
            .and_then(|rest| rest.split_once("\",\"events\":["))
            .expect("an answer to a poll");
        for event in list.replace("},{", "}\n{").lines() {
            self.json(event);
        }
        if let Some((last, _)) = self.events.back_mut() {
            *last = Some(String::from(next));
        }
    }

    /// Takes all whole events out of the text.
    fn understand(&mut self) {
        let (begin, stop) = match self.by {
            As::Sse | As::Events => ("", "\n\n"),
            As::Xhr => ("", "\n"),
            As::Html => ("<script>parent.fn(", ")</script>"),
            As::Multipart => ("\r\n\r\n", "\r\n--frame\r\n"),
            As::Poll | As::LongPoll | As::Jsonp | As::WebSocket => unreachable!("no stream"),
        };
        let text = String::from_utf8(self.text.clone()).expect("text");
        let (mut rest, mut taken) = (text.as_str(), 0);
        while let Some(length) = rest.find(stop) {
            let item = &rest[..length];
            let item = item.find(begin).map_or("", |at| &item[at + begin.len()..]);
            match self.by {
                As::Sse => match item.split_once("\ndata: ") {
                    Some((id, json)) => {
                        let at = self.events.len();
                        self.json(json);
                        self.events[at].0 = id.strip_prefix("id: ").map(String::from);
                    }
                    None => assert!(item.starts_with("retry: ") || item.starts_with(':'), "{item:?}"),
                },
                As::Events => self.plain(item),
                _ if item.is_empty() => {}
                _ => self.json(item),
            }
            taken += length + stop.len();
            rest = &text[taken..];
        }
        self.text.drain(..taken);
    }

    fn plain(&mut self, item: &str) {
        let mut lines = item.lines();
        let Some(id) = lines.next().and_then(|line| line.strip_prefix("id: ")) else {
            assert!(item.starts_with("retry: ") || item.starts_with(':'), "{item:?}");
            return;
        };
        let lines: Vec<_> = lines.collect();
        match lines[..] {
            ["event: control", json] => {
                let at = self.events.len();
                self.json(json.strip_prefix("data: ").expect("data"));
                self.events[at].0 = Some(String::from(id));
            }
            ["event: b64", data] => {
                let bytes = Base64::decode_vec(data.strip_prefix("data: ").expect("data")).expect("Base64");
                self.events.push_back((Some(String::from(id)), Event::Message(bytes)));
            }
            [data] => {
                let text = data.strip_prefix("data: ").expect("data").as_bytes().to_vec();
                self.events.push_back((Some(String::from(id)), Event::Message(text)));
            }
            _ => panic!("{item:?}"),
        }
    }

    fn json(&mut self, json: &str) {
        if json.is_empty() {
            return;
        }
        let text = |name: &str| {
            let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
            rest.split_once('"').map(|(value, _)| String::from(value))
        };
        let has = |name: &str| json.contains(&format!("\"{name}\":"));
        let event = if let Some(data) = text("data") {
            Event::Message(data.into_bytes())
        } else if let Some(data) = text("b64") {
            Event::Message(Base64::decode_vec(&data).expect("Base64"))
        } else if has("open") {
            Event::Open(text("sid"))
        } else if has("reset") {
            Event::Reset
        } else if has("close") {
            Event::Close
        } else if let Some(ack) = json.strip_prefix("{\"ack\":").and_then(|rest| rest.strip_suffix('}')) {
            Event::Ack(ack.parse().expect("a number"))
        } else {
            assert_eq!(json, "{\"ping\":1}");
            Event::Ping
        };
        self.events.push_back((text("id"), event));
    }
}

/// A chunk of a body; an empty one is its end.
pub(crate) async fn chunk(peer: &mut Peer) -> Result<Vec<u8>, Ended> {
    let line = peer.read_until(b"\r\n").await?;
    let digits = std::str::from_utf8(&line[..line.len() - 2]).expect("text");
    let length =
        usize::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("no length of a chunk: {digits:?}"));
    let mut piece = peer.read_exact(length + 2).await?;
    assert_eq!(piece.split_off(length), b"\r\n");
    Ok(piece)
}

/// Bytes of a body, however they are cut into chunks.
pub(crate) async fn body(peer: &mut Peer, length: usize) -> String {
    let mut all = Vec::new();
    while all.len() < length {
        let piece = chunk(peer).await.expect("more of the body");
        assert!(!piece.is_empty(), "the body ends behind {}", String::from_utf8_lossy(&all));
        all.extend(piece);
    }
    String::from_utf8(all).expect("text")
}

/// What asks to take `records`, on a connection that ends behind the answer.
pub(crate) fn post(sid: &str, n: u64, records: &str, further: &str) -> String {
    format!(
        "POST /events?s={sid}&n={n}{further} HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{records}",
        records.len()
    )
}
