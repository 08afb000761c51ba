//! What an adapter is, without its sockets: a [`Server`] with its hub, and [`Link`], one connection to it.

use crate::Dice;
use ws_core::http::OriginPolicy;
use ws_core::http::exchange::{Exchange, Settings};
use ws_core::transport::{Asked, Endpoint, EventRing, Hub, Lost, Progress, Seq, SessionKey, Sessions, Visit};
use ws_core::{Data, Duration, Input, Instant, Message, MessageBuffer, Output};

pub(crate) const LIFETIME: Duration = Duration::from_secs(30);

pub(crate) fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// The endpoint of most tests: its own pages may ask, scripts too.
pub(crate) const OPEN: Endpoint<'static> =
    Endpoint { jsonp: true, ..Endpoint::new(OriginPolicy::SameOrigin) };

/// Memory for as long as the test runs.
fn memory(len: usize) -> &'static mut [u8] {
    Box::leak(vec![0xaa; len].into_boxed_slice())
}

/// What all connections share: two sessions at most.
pub(crate) struct Server {
    pub(crate) endpoint: Endpoint<'static>,
    pub(crate) hub: Hub<'static, 2>,
    pub(crate) dice: Dice,
    pub(crate) millis: u64,
    /// The messages that came, whole.
    pub(crate) got: Vec<(SessionKey, String)>,
}

impl Server {
    /// The last event had the number 16.
    pub(crate) fn new(endpoint: Endpoint<'static>) -> Self {
        Self::with_memory(endpoint, 4096, 2048)
    }

    pub(crate) fn with_memory(endpoint: Endpoint<'static>, shared: usize, own: usize) -> Self {
        let ring = EventRing::new(memory(shared), Seq::new(16));
        let hub = Hub::new(ring, Sessions::new(memory(own), LIFETIME));
        Self { endpoint, hub, dice: Dice(1), millis: 0, got: Vec::new() }
    }

    pub(crate) fn now(&self) -> Instant {
        at(self.millis)
    }

    pub(crate) fn publish(&mut self, text: &str) {
        self.hub.publish(Message::Text(text)).expect("it fits");
    }

    /// A session, to which nobody is attached; and its name.
    pub(crate) fn session(&mut self) -> (SessionKey, String) {
        let key = self.hub.sessions_mut().open(at(self.millis), &mut self.dice).expect("room");
        (key, self.sid(key))
    }

    pub(crate) fn sid(&self, key: SessionKey) -> String {
        let sid = self.hub.sessions().get(key).expect("open").sid();
        String::from_utf8(sid.as_bytes().to_vec()).expect("ASCII")
    }

    /// The only session that there is.
    pub(crate) fn only(&self) -> SessionKey {
        let mut keys = self.hub.sessions().keys();
        let key = keys.next().expect("a session");
        assert!(keys.next().is_none(), "two sessions");
        key
    }

    pub(crate) fn count(&self) -> usize {
        self.hub.sessions().keys().count()
    }

    /// Whether somebody is attached.
    pub(crate) fn is_attached(&self, key: SessionKey) -> bool {
        self.hub.sessions().get(key).expect("open").left().is_none()
    }

    /// The texts that came.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.got.iter().map(|(_, text)| text.as_str()).collect()
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        self.millis += millis;
        let now = self.now();
        self.hub.sessions_mut().handle_timeout(now);
    }
}

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It would read.
    Open,
    /// The answer waits for something to happen.
    Idle,
    /// It is to be closed behind what was said.
    Closed,
    /// It is to be reset.
    Reset,
}

/// A connection.
pub(crate) struct Link {
    exchange: Exchange<'static>,
    visit: Option<Visit>,
    /// The request was read whole.
    is_read: bool,
    /// What came and was not looked at.
    waiting: Vec<u8>,
    /// What was said.
    pub(crate) said: Vec<u8>,
    /// Bytes of output at once.
    size: usize,
    buffer: MessageBuffer<'static>,
    pub(crate) state: State,
    /// The session that its visit is attached to.
    pub(crate) attached: Option<SessionKey>,
}

impl Link {
    pub(crate) fn new(size: usize) -> Self {
        const SETTINGS: Settings = Settings::DEFAULT;
        Self {
            exchange: Exchange::new(memory(2048), &[], &SETTINGS, at(0)),
            visit: None,
            is_read: false,
            waiting: Vec::new(),
            said: Vec::new(),
            size,
            buffer: MessageBuffer::new(memory(2048)),
            state: State::Open,
            attached: None,
        }
    }

    /// What comes from the client; then as [`turn`](Self::turn).
    pub(crate) fn feed(&mut self, server: &mut Server, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if !bytes.is_empty()
            && let Some(visit) = &mut self.visit
            && self.is_read
        {
            visit.hurry();
        }
        self.turn(server);
    }

    /// Does all that can be done.
    pub(crate) fn turn(&mut self, server: &mut Server) {
        while matches!(self.state, State::Open | State::Idle) && self.step(server) {}
    }

    /// The client is gone.
    pub(crate) fn cut(&mut self, server: &mut Server) {
        self.end(server);
        self.state = State::Reset;
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.said).expect("text")
    }

    /// What was said since the last time.
    pub(crate) fn take(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.said)).expect("text")
    }

    /// What a log says of its visit.
    pub(crate) fn shown(&self) -> String {
        format!("{:?}", self.visit.as_ref().expect("one"))
    }

    /// When something is to be done without anything happening.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.visit.as_ref().and_then(Visit::poll_timeout)
    }

    /// Goes on by one; `false`: there is nothing to be done.
    fn step(&mut self, server: &mut Server) -> bool {
        let now = server.now();
        let mut bytes = std::mem::take(&mut self.waiting);
        let mut input = Input::new(&mut bytes);
        self.exchange.set_time(now);
        let mut goes_on = true;
        if self.visit.is_none() {
            match self.exchange.receive(&mut input) {
                Ok(true) => self.begin(server),
                Ok(false) => goes_on = false,
                Err(refusal) => self.refuse(server, refusal.response()),
            }
        } else if !self.is_read {
            goes_on = self.read(server, &mut input);
        } else {
            goes_on = self.answer(server, !input.is_empty());
        }
        self.waiting = input.rest().to_vec();
        goes_on
    }

    fn begin(&mut self, server: &mut Server) {
        let asked = server.endpoint.asked(&self.exchange.request());
        let now = server.now();
        let sender = match &asked {
            Asked::Send(sending) => server.hub.sessions().find(&sending.sid),
            _ => None,
        };
        let visit = Visit::new(&server.endpoint, asked, &mut server.hub, now, &mut server.dice);
        self.attached = visit.session().or(sender);
        self.is_read = false;
        self.visit = Some(visit);
    }

    fn read(&mut self, server: &mut Server, input: &mut Input<'_>) -> bool {
        let Some(visit) = &mut self.visit else { return false };
        let (buffer, got) = (&mut self.buffer, &mut server.got);
        let mut deliver = |_: &mut Hub<'static, 2>, from: SessionKey, data: Data<'_>| {
            if buffer.store(data) == Ok(true)
                && let Some(Message::Text(text)) = buffer.message()
            {
                got.push((from, text.to_owned()));
            }
        };
        match visit.receive(&mut self.exchange, input, &mut server.hub, &mut deliver) {
            Ok(true) => {
                self.is_read = true;
                if visit.session().is_none() {
                    self.attached = None; // what was sent is in
                }
                true
            }
            Ok(false) => {
                assert!(input.is_empty(), "asks for more with input left");
                let mut tx = [0; 64];
                let mut out = Output::new(&mut tx);
                assert_eq!(
                    visit.transmit(&server.endpoint, &self.exchange, &mut server.hub, at(0), &mut out),
                    Ok(Progress::Idle),
                    "no answer before the request is read"
                );
                while !self.exchange.transmit(&mut out) {}
                self.said.extend_from_slice(out.filled());
                false
            }
            Err(refusal) => {
                self.refuse(server, refusal.response());
                false
            }
        }
    }

    fn answer(&mut self, server: &mut Server, has_more: bool) -> bool {
        let Some(visit) = &mut self.visit else { return false };
        let now = server.now();
        visit.handle_timeout(now);
        if has_more {
            visit.hurry();
        }
        let mut tx = vec![0; self.size];
        let mut out = Output::new(&mut tx);
        let progress = visit.transmit(&server.endpoint, &self.exchange, &mut server.hub, now, &mut out);
        self.said.extend_from_slice(out.filled());
        match progress {
            Ok(Progress::Full) => {
                assert!(!out.is_empty(), "full without a byte: who calls would do so for ever");
                true
            }
            Ok(Progress::Idle) => {
                self.state = State::Idle;
                false
            }
            Ok(Progress::Ended) => {
                let mut again = Output::new(&mut []);
                let progress =
                    visit.transmit(&server.endpoint, &self.exchange, &mut server.hub, now, &mut again);
                assert_eq!(progress, Ok(Progress::Ended), "it has ended");
                let closes = visit.closes();
                self.end(server);
                self.state = if self.exchange.next(closes, now) { State::Open } else { State::Closed };
                true
            }
            Err(Lost) => {
                self.cut(server);
                false
            }
        }
    }

    fn refuse(&mut self, server: &mut Server, response: Option<ws_core::http::Response<'_>>) {
        let mut tx = [0; 512];
        let mut out = Output::new(&mut tx);
        if let Some(mut response) = response {
            assert!(response.transmit(&mut out) && response.closes());
        }
        self.said.extend_from_slice(out.filled());
        self.end(server);
        self.state = State::Closed;
    }

    fn end(&mut self, server: &mut Server) {
        let now = server.now();
        if let Some(mut visit) = self.visit.take() {
            visit.end(&mut server.hub, now);
            visit.end(&mut server.hub, now); // twice does no harm
        }
        self.attached = None;
    }
}

/// What a new connection is told on `request`, and the connection.
pub(crate) fn ask(server: &mut Server, request: &str) -> (String, Link) {
    let mut link = Link::new(4096);
    link.feed(server, request.as_bytes());
    (link.take(), link)
}

/// A GET of the endpoint with this query.
pub(crate) fn get(query: &str) -> String {
    format!("GET /events?{query} HTTP/1.1\r\nHost: h\r\n\r\n")
}

/// A GET as a script on a page of the same host does it.
pub(crate) fn script(query: &str) -> String {
    format!("GET /events?{query} HTTP/1.1\r\nHost: h\r\nReferer: http://h/page\r\n\r\n")
}

/// A POST of `body`.
pub(crate) fn post(query: &str, body: &str) -> String {
    format!("POST /events?{query} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
