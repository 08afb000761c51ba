//! Bytes as a connection of requests, one behind the other: which they are, what is in their bodies, where each ends and why there is
//! no further one, against RFC 9112 said straight. A head that two servers might read in two ways is refused, and so is nobody's
//! request smuggled behind another's. The cuts do not matter, nor does the size of the outputs that the answers are written to.

mod framing;

use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::http::{BodyError, HeadLimits, Response, Version};
use ws_core::{Input, Instant, Output};

use crate::common::fields::SINGLE_OF_PAGES;
use crate::common::head::{Head, Rules, Verdict};
use crate::common::io::written;
use crate::common::{Cuts, Rng};
use framing::{End, Framing, framing, of_chunks, of_length};

const START: Instant = Instant::from_millis(0);

/// The bytes are what a client sends.
pub fn check(data: &[u8]) {
    let mut rng = Rng::of(data);
    let settings = Settings {
        body: [64 * 1024, 20][rng.below(2)],
        requests: [100, 2][rng.below(2)],
        ..Settings::DEFAULT
    };
    let eof = rng.below(2) == 0;
    let size = 1 + rng.below(200);
    let expected = expected(data, &settings, eof);
    let served = serve(data, &settings, eof, size);
    assert_eq!(served, expected);
}

/// What a server saw.
#[derive(Debug, PartialEq, Eq)]
struct Served {
    asked: Vec<Asked>,
    /// The body of a request that is not whole, or was refused.
    part: Vec<u8>,
    /// Why it ended; `None`: it would read on.
    end: Option<Refusal>,
    /// Bytes that were looked at, unless it ended with what is wrong with a body.
    taken: Option<usize>,
}

/// A request that was answered.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    method: Vec<u8>,
    target: Vec<u8>,
    /// `None`: nobody wanted it.
    body: Option<Vec<u8>>,
    /// There may be another one behind it.
    persists: bool,
}

/// What the server of this check does with a request, by its path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    /// Sends the body back.
    Echo,
    /// The same, without saying how long it is.
    Stream,
    /// The same, of a body of at most four bytes.
    Short,
    /// Answers without the body.
    Skip,
}

fn route(target: &[u8]) -> Route {
    match target {
        [b'/', b's', ..] => Route::Stream,
        [b'/', b'4', ..] => Route::Short,
        [b'/', b'-', ..] => Route::Skip,
        _ => Route::Echo,
    }
}

fn expected(data: &[u8], settings: &Settings, eof: bool) -> Served {
    let rules = Rules { is_request: true, single: &SINGLE_OF_PAGES, limits: HeadLimits::DEFAULT };
    let mut served = Served { asked: Vec::new(), part: Vec::new(), end: None, taken: None };
    let mut at = 0;
    loop {
        let head = match rules.read(&data[at..]) {
            Verdict::Head(head) => head,
            Verdict::Refused { error, len, .. } => {
                return Served { end: Some(Refusal::Head(error)), taken: Some(at + len), ..served };
            }
            Verdict::More => {
                return Served { end: eof.then_some(Refusal::Over), taken: Some(data.len()), ..served };
            }
        };
        at += head.len;
        let (framing, limit) = match begin(&head, settings) {
            Ok(framing) => framing,
            Err(refusal) => {
                let taken = (!is_about_body(Some(refusal))).then_some(at);
                return Served { end: Some(refusal), taken, ..served };
            }
        };
        let (mut body, mut len) = (None, 0);
        if route(head.target()) != Route::Skip {
            let (came, end) = match framing {
                Framing::Length(length) => {
                    let (body, end) = of_length(length, &data[at..]);
                    (body.to_vec(), end)
                }
                Framing::Chunked => of_chunks(limit, &data[at..]),
            };
            len = match end {
                End::Done(len) => len,
                End::Bad(error) => return Served { end: Some(Refusal::Body(error)), part: came, ..served },
                End::More => {
                    let end = eof.then_some(Refusal::Body(BodyError::Incomplete));
                    return Served { end, part: came, taken: Some(data.len()), ..served };
                }
            };
            body = Some(came);
        }
        at += len;
        let is_read = body.is_some() || framing == Framing::Length(0);
        // Without a length, the answer ends with the connection.
        let is_endless = route(head.target()) == Route::Stream && head.version() == Version::Http10;
        let persists = !is_endless
            && is_read
            && served.asked.len() + 1 < usize::from(settings.requests)
            && wants_more(&head);
        let method = head.method().to_vec();
        let target = if head.authority().is_none() { head.target().to_vec() } else { Vec::new() };
        served.asked.push(Asked { method, target, body, persists });
        if !persists {
            return Served { end: Some(Refusal::Over), taken: Some(at), ..served };
        }
    }
}

fn is_about_body(end: Option<Refusal>) -> bool {
    matches!(end, Some(Refusal::Body(error)) if error != BodyError::Incomplete)
}

/// How long the body is, and may be; or why there is none to wait for.
fn begin(head: &Head<'_>, settings: &Settings) -> Result<(Framing, u64), Refusal> {
    if !head.has_host() {
        return Err(Refusal::NoHost);
    }
    let framing = framing(head).map_err(Refusal::Body)?;
    let is_new = head.version() == Version::Http11;
    if is_new && head.elements("expect").any(|expected| !expected.eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::Expectation);
    }
    let limit = if route(head.target()) == Route::Short { 4.min(settings.body) } else { settings.body };
    match framing {
        Framing::Length(length) if length > limit => Err(Refusal::Body(BodyError::TooLong)),
        framing => Ok((framing, limit)),
    }
}

/// RFC 9112 9.3.
fn wants_more(head: &Head<'_>) -> bool {
    let is_new = head.version() == Version::Http11;
    !head.has_word("connection", "close") && (is_new || head.has_word("connection", "keep-alive"))
}

fn serve(data: &[u8], settings: &Settings, eof: bool, size: usize) -> Served {
    let mut copy = data.to_vec();
    let (mut rest, mut cuts, mut lent) = (data, Cuts::of(data), 0);
    let mut store = [0xaa; 4096];
    let mut server = Server {
        exchange: Exchange::new(&mut store, &[], settings, START),
        served: Served { asked: Vec::new(), part: Vec::new(), end: None, taken: None },
        size,
        calls: 0,
        told: false,
    };
    let mut taken = 0;
    while !rest.is_empty() && server.served.end.is_none() {
        let len = cuts.next(&mut rest).len();
        // What was not taken lies in front of what comes.
        let mut input = Input::new(&mut copy[taken..lent + len]);
        server.read(&mut input);
        taken += input.consumed();
        lent += len;
        assert!(taken == lent || server.served.end.is_some(), "asks for more while there is some");
    }
    if eof && server.served.end.is_none() {
        server.served.end = server.exchange.receive_eof().err();
    }
    let Server { mut exchange, mut served, calls, .. } = server;
    assert!(calls <= 4 * data.len() + 8, "{calls} calls");
    if let Some(refusal) = served.end {
        assert_eq!(exchange.receive(&mut Input::new(&mut [b'x'])), Err(refusal), "it stands");
        assert_eq!(exchange.receive_body(&mut Input::new(&mut [b'x'])), Err(refusal), "it stands");
        assert!(!exchange.persists() && !exchange.next(false, START));
        refused(refusal, size);
    }
    served.taken = (!is_about_body(served.end)).then_some(taken);
    assert!(copy == data, "the bytes lent were changed");
    served
}

struct Server<'s> {
    exchange: Exchange<'s>,
    served: Served,
    /// Of the outputs.
    size: usize,
    calls: usize,
    /// The client was told to go on with its body.
    told: bool,
}

impl Server<'_> {
    fn read(&mut self, input: &mut Input<'_>) {
        while self.served.end.is_none() {
            match self.step(input) {
                Ok(true) => {}
                Ok(false) => return,
                Err(refusal) => self.served.end = Some(refusal),
            }
        }
    }

    /// `false`: it takes more.
    fn step(&mut self, input: &mut Input<'_>) -> Result<bool, Refusal> {
        self.calls += 1;
        let before = input.consumed();
        if !self.exchange.receive(input)? {
            return Ok(false);
        }
        let is_new = input.consumed() != before;
        let after = input.consumed();
        assert_eq!(self.exchange.receive(input), Ok(true), "the head stands");
        assert_eq!(input.consumed(), after, "and nothing is taken behind it");
        let request = self.exchange.request();
        let target = request.target();
        let route = if target.authority.is_none() { route(target.path.as_bytes()) } else { Route::Echo };
        if is_new {
            self.told = false;
            if route == Route::Short {
                self.exchange.limit_body(4)?;
            }
        }
        if route != Route::Skip {
            self.calls += 1;
            let piece = self.exchange.receive_body(input)?;
            if let Some(piece) = piece {
                assert!(!piece.is_empty());
                self.served.part.extend_from_slice(piece);
                return Ok(true);
            }
            if !self.exchange.is_body_done() {
                self.tell();
                return Ok(false);
            }
        }
        self.answer(route);
        Ok(true)
    }

    fn tell(&mut self) {
        if self.exchange.wants_transmit() {
            assert!(!std::mem::replace(&mut self.told, true), "told twice");
            let request = self.exchange.request();
            assert!(self.served.part.is_empty() && request.version() == Version::Http11);
            assert!(request.fields().any(|(name, _)| name == "expect"));
            let text = written(self.size, |out| self.exchange.transmit(out));
            assert_eq!(text, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    fn answer(&mut self, route: Route) {
        let body = std::mem::take(&mut self.served.part);
        let request = self.exchange.request();
        let persists = self.exchange.persists();
        let is_head = request.method() == "HEAD";
        let is_old = request.version() == Version::Http10;
        let line = match (persists, is_old) {
            (false, _) => "Connection: close\r\n",
            (true, true) => "Connection: keep-alive\r\n",
            (true, false) => "",
        };
        let closes = match route {
            Route::Stream => self.stream(&body, line, is_head, is_old),
            _ => {
                let mut response = self.exchange.respond(Response::new(200, &[("X", "y")], &body).unwrap());
                let text = written(self.size, |out| response.transmit(out));
                let length = format!("Content-Length: {}\r\n", body.len());
                let (before, behind) =
                    if is_old && persists { (length.as_str(), line) } else { (line, length.as_str()) };
                let sent: &[u8] = if is_head { b"" } else { &body };
                let head = format!("HTTP/1.1 200 OK\r\n{before}{behind}X: y\r\n\r\n");
                assert!(text == [head.as_bytes(), sent].concat(), "{}", String::from_utf8_lossy(&text));
                assert_eq!(response.closes(), !persists);
                response.closes()
            }
        };
        let target = request.target();
        let target = match (target.authority, target.query) {
            // What stands between is seen by another target.
            (Some(_), _) => Vec::new(),
            (None, None) => target.path.as_bytes().to_vec(),
            (None, Some(query)) => format!("{}?{query}", target.path).into_bytes(),
        };
        let method = request.method().as_bytes().to_vec();
        let body = (route != Route::Skip).then_some(body);
        let goes_on = self.exchange.next(closes, START);
        assert_eq!(goes_on, !closes);
        self.served.asked.push(Asked { method, target, body, persists: goes_on });
        if goes_on {
            assert_eq!(self.exchange.request().method(), "", "a request is over with its answer");
        } else {
            self.served.end = Some(Refusal::Over);
        }
    }

    /// Sends the body without its length. Says whether the connection closes behind it.
    fn stream(&self, body: &[u8], line: &str, is_head: bool, is_old: bool) -> bool {
        let mut head = self.exchange.stream(200, &[("X", "y")]).unwrap();
        let mut chunks = head.chunks();
        let mut rest = body;
        // In pieces, and none of them in less than a chunk needs.
        let size = self.size.max(9);
        let text = written(self.size, |out| head.transmit(out));
        let closes = head.closes();
        let (line, coding) = match (is_old, closes) {
            (true, _) => ("Connection: close\r\n", ""),
            (false, _) => (line, "Transfer-Encoding: chunked\r\n"),
        };
        let expected = format!("HTTP/1.1 200 OK\r\n{line}{coding}X: y\r\n\r\n");
        assert!(text == expected.as_bytes(), "{}", String::from_utf8_lossy(&text));
        let mut buf = vec![0xee; size];
        let mut out = Output::new(&mut buf);
        let mut text = Vec::new();
        while !chunks.send(&mut rest, &mut out).unwrap() {
            assert!(!out.is_empty(), "an output that is large enough stays empty");
            text.extend_from_slice(out.filled());
            out.clear();
        }
        text.extend_from_slice(out.filled());
        text.extend_from_slice(&written(self.size, |out| chunks.finish(out)));
        match (is_head, is_old) {
            (true, _) => assert!(text.is_empty()),
            (false, true) => assert!(text == body),
            (false, false) => {
                let (came, end) = of_chunks(u64::MAX, &text);
                assert!(came == body && end == End::Done(text.len()));
            }
        }
        closes
    }
}

/// A refusal is a whole response that says the connection ends, or nothing.
fn refused(refusal: Refusal, size: usize) {
    let Some(mut response) = refusal.response() else { return assert_eq!(refusal, Refusal::Over) };
    assert!(response.closes());
    let text = String::from_utf8(written(size, |out| response.transmit(out))).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {} ", refusal.status().unwrap())), "{head}");
    let length = format!("\r\nContent-Length: {}", body.len());
    assert!(head.contains("\r\nConnection: close\r\n") && head.contains(&length), "{head}");
}
