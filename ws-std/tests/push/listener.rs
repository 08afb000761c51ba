//! A listener of any technique, by hand: [`Listener`]. It reads a response, takes the framing off, and finds the events in it.

use super::flash::UPGRADE;
use super::host::Host;
use super::raw::{Raw, has_status, length};
use crate::common::frames::{self, CLOSE, TEXT, frame};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Technique {
    Sse,
    Xhr,
    Html,
    Multipart,
    LongPoll,
    ShortPoll,
    Jsonp,
    WebSocket,
}

pub(crate) const ALL: [Technique; 8] = [
    Technique::Sse,
    Technique::Xhr,
    Technique::Html,
    Technique::Multipart,
    Technique::LongPoll,
    Technique::ShortPoll,
    Technique::Jsonp,
    Technique::WebSocket,
];

impl Technique {
    /// What asks for it, behind the path.
    pub(crate) const fn target(self) -> &'static str {
        match self {
            Self::Sse => "/events?as=sse",
            Self::Xhr => "/events?as=xhr",
            Self::Html => "/events?as=html&callback=f",
            Self::Multipart => "/events?as=multipart",
            Self::LongPoll => "/events?wait=20000",
            Self::ShortPoll => "/events?",
            Self::Jsonp => "/scripts?wait=20000&callback=f",
            Self::WebSocket => "/events?",
        }
    }

    pub(crate) const fn is_poll(self) -> bool {
        matches!(self, Self::LongPoll | Self::ShortPoll | Self::Jsonp)
    }
}

/// Where a page stands, whichever connections it had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Empty: it wants a session.
    pub(crate) sid: String,
    /// Empty: it has heard nothing.
    pub(crate) since: String,
    /// The number of the first message that got no ack.
    pub(crate) n: u32,
}

pub(crate) struct Listener {
    pub(crate) raw: Raw,
    technique: Technique,
    framing: Framing,
    /// The body, as far as it came and is not yet events.
    body: Vec<u8>,
    is_cut: bool,
}

enum Framing {
    /// The head of a response comes next.
    Head,
    Length(usize),
    Chunk,
    Frames,
}

impl Listener {
    pub(crate) fn begin(host: &Host, technique: Technique, place: &Place) -> Self {
        let mut raw = Raw::connect(host);
        if technique == Technique::WebSocket {
            raw.ask(&line(technique, place), &format!("{UPGRADE}Sec-WebSocket-Protocol: push.v1\r\n"), "");
        } else {
            raw.ask(&line(technique, place), "Referer: http://localhost/page\r\n", "");
        }
        Self { raw, technique, framing: Framing::Head, body: Vec::new(), is_cut: false }
    }

    /// The next event, in JSON; a poll that is answered is asked again. `None`: it is over.
    pub(crate) fn next(&mut self, place: &mut Place) -> Option<String> {
        loop {
            if let Some(event) = self.cut() {
                if let Some(id) = value(&event, "id") {
                    place.since = id;
                }
                if let Some(sid) = value(&event, "sid") {
                    place.sid = sid;
                }
                return Some(event);
            }
            if !self.read_on(place) {
                return None;
            }
        }
    }

    /// The data of the next message.
    pub(crate) fn data(&mut self, place: &mut Place) -> Option<String> {
        loop {
            let event = self.next(place)?;
            if let Some(data) = value(&event, "data") {
                return Some(data);
            }
        }
    }

    /// Cuts the connection behind at most `len` bytes of what comes at once. What of it is whole still counts.
    pub(crate) fn cut_behind(&mut self, len: usize) {
        self.raw.stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut buf = vec![0; len];
        let mut at = 0;
        // Wherever it is cut: the result is the same.
        while let Ok(n) = self.raw.stream.read(&mut buf[at..])
            && n > 0
        {
            at += n;
        }
        self.raw.read.extend_from_slice(&buf[..at]);
        let _ = self.raw.stream.shutdown(Shutdown::Both);
        self.is_cut = true;
    }

    /// Takes what can be taken off what was read, or reads. `false`: it is over.
    fn read_on(&mut self, place: &Place) -> bool {
        let read = String::from_utf8_lossy(&self.raw.read).into_owned();
        match self.framing {
            Framing::Head if read.contains("\r\n\r\n") => {
                let head = self.raw.head();
                self.framing = match length(&head) {
                    _ if self.technique == Technique::WebSocket => {
                        has_status(&head, 101);
                        assert!(head.contains("Sec-WebSocket-Protocol: push.v1\r\n"), "{head}");
                        Framing::Frames
                    }
                    Some(length) => {
                        has_status(&head, 200);
                        Framing::Length(length)
                    }
                    None if head.starts_with("HTTP/1.1 204 ") => Framing::Length(0),
                    None => {
                        has_status(&head, 200);
                        assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
                        Framing::Chunk
                    }
                };
                return true;
            }
            Framing::Length(length) if self.raw.read.len() >= length => {
                self.body = self.raw.take(length);
                self.framing = Framing::Head;
                // The events that it brought have not been seen yet.
                let mut place = place.clone();
                if let Some(at) = String::from_utf8_lossy(&self.body).rfind("\"id\":\"") {
                    let text = String::from_utf8_lossy(&self.body)[at..].to_owned();
                    place.since = value(&text, "id").unwrap();
                }
                if let Some(sid) = value(&String::from_utf8_lossy(&self.body), "sid") {
                    place.sid = sid;
                }
                if !self.is_cut {
                    self.raw.ask(&line(self.technique, &place), "Referer: http://localhost/page\r\n", "");
                }
                return true;
            }
            Framing::Chunk => {
                if let Some((size, _)) = read.split_once("\r\n") {
                    let size = usize::from_str_radix(size, 16).unwrap();
                    if self.raw.read.len() >= 4 + 2 + size + 2 || (size == 0 && read.contains("\r\n\r\n")) {
                        self.body.extend(self.raw.chunk().into_bytes());
                        return size > 0;
                    }
                }
            }
            Framing::Frames => {
                let mut rest = &self.raw.read[..];
                if let Some((b0, payload)) = frames::take(false, &mut rest) {
                    let left = rest.len();
                    self.raw.read.drain(..self.raw.read.len() - left);
                    if b0 == TEXT {
                        self.body.extend(payload);
                    }
                    return b0 != CLOSE;
                }
            }
            Framing::Head | Framing::Length(_) => {}
        }
        !self.is_cut && self.raw.fill()
    }

    /// Takes the first object off the body that is an event and whole.
    fn cut(&mut self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let begins = ["{\"id\"", "{\"ack\"", "{\"ping\"", "{\"close\""];
        let begin = begins.iter().filter_map(|begin| text.find(begin)).min()?;
        let (mut depth, mut in_string, mut escaped) = (0, false, false);
        for (at, c) in text[begin..].char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = !in_string,
                '{' if !in_string => depth += 1,
                '}' if !in_string => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let end = begin + at + 1;
                self.body.drain(..end);
                return Some(text[begin..end].to_owned());
            }
        }
        None
    }

    /// Says a message over a WebSocket.
    pub(crate) fn say(&mut self, text: &str) {
        // It may have been cut.
        let _ = self.raw.stream.write_all(&frame(true, TEXT, text.as_bytes()));
    }
}

fn line(technique: Technique, place: &Place) -> String {
    let mut line = format!("GET {}&s={}", technique.target(), place.sid);
    if !place.since.is_empty() {
        line += &format!("&since={}", place.since);
    }
    if technique == Technique::WebSocket {
        line += &format!("&n={}", place.n.max(1));
    }
    line
}

/// The text of a member; nothing in the tests is escaped.
pub(crate) fn value(event: &str, name: &str) -> Option<String> {
    let (_, rest) = event.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next().map(str::to_owned)
}
