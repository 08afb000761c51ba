//! [`Server`]: what an adapter is, without its sockets; and what was seen of it, its [`Talk`].

use std::slice::ChunksMut;

use ws_core::http::exchange::{Exchange, Settings};
use ws_core::transport::{Asked, Endpoint, EventRing, Hub, Lost, Progress, Seq, SessionKey, Sessions, Visit};
use ws_core::{Data, Duration, Input, Instant, Kind, Message, Output};

use super::answers::{Answer, read};

const LIFETIME: Duration = Duration::from_secs(30);
const SESSIONS: usize = 2;
const SOCKETS: usize = 3;

/// What was said over each connection and how it ended, and what came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Talk {
    links: Vec<(Vec<Answer>, End)>,
    came: Vec<Came>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It would go on.
    Open,
    /// The server closed it, or reset it.
    Closed,
    /// The client did.
    Cut,
}

/// A message, or what has come of it.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    from: SessionKey,
    kind: Kind,
    bytes: Vec<u8>,
    is_whole: bool,
}

/// Names of sessions that can be known beforehand.
struct Names(u8);

impl ws_core::Entropy for Names {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
        self.0 += 1;
    }
}

pub(super) struct Server<'m> {
    shared: Shared<'m>,
    stores: ChunksMut<'m, u8>,
    links: [Option<Link<'m>>; SOCKETS],
    size: usize,
    talk: Talk,
}

/// What all connections share.
struct Shared<'m> {
    endpoint: Endpoint<'m>,
    hub: Hub<'m, SESSIONS>,
    names: Names,
    millis: u64,
    came: Vec<Came>,
}

impl<'m> Server<'m> {
    pub(super) fn new(
        endpoint: Endpoint<'m>,
        shared: &'m mut [u8],
        own: &'m mut [u8],
        stores: ChunksMut<'m, u8>,
        size: usize,
    ) -> Self {
        let hub = Hub::new(EventRing::new(shared, Seq::new(16)), Sessions::new(own, LIFETIME));
        let shared = Shared { endpoint, hub, names: Names(0), millis: 0, came: Vec::new() };
        Self { shared, stores, links: [const { None }; SOCKETS], size, talk: Talk::default() }
    }

    pub(super) fn publish(&mut self, text: &str) {
        self.shared.hub.publish(Message::Text(text)).expect("it fits");
        self.turn();
    }

    /// To all sessions, if they have room.
    pub(super) fn send(&mut self, text: &str) {
        let keys: Vec<_> = self.shared.hub.sessions().keys().collect();
        for key in keys {
            let _ = self.shared.hub.send(key, Message::Text(text));
        }
        self.turn();
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.shared.millis += millis;
        let now = self.shared.now();
        self.shared.hub.sessions_mut().handle_timeout(now);
        for link in self.links.iter_mut().flatten() {
            link.exchange.handle_timeout(now);
            if let Some(visit) = &mut link.visit {
                visit.handle_timeout(now);
            }
        }
        self.turn();
    }

    /// The first of the sessions is over.
    pub(super) fn close(&mut self) {
        let first = self.shared.hub.sessions().keys().next();
        if let Some(key) = first {
            self.shared.hub.sessions_mut().close(key);
        }
        self.turn();
    }

    /// The client at the socket is gone.
    pub(super) fn cut(&mut self, socket: usize) {
        if let Some(mut link) = self.links[socket].take() {
            link.end(&mut self.shared, End::Cut);
            self.talk.links.push(link.seen());
        }
    }

    /// There is a client at the socket: a new one if there is none yet, or the last one was sent away.
    pub(super) fn connect(&mut self, socket: usize) {
        let link = &mut self.links[socket];
        if link.as_ref().is_none_or(|link| link.end != End::Open) {
            let store = self.stores.next().expect("one for each part");
            let before = link.replace(Link::new(store, self.shared.now(), self.size));
            self.talk.links.extend(before.map(Link::seen));
        }
    }

    /// Bytes come from the client at the socket. Once it was sent away, nobody reads them.
    pub(super) fn feed(&mut self, socket: usize, bytes: &[u8]) {
        if let Some(link) = self.links[socket].as_mut().filter(|link| link.end == End::Open) {
            link.feed(&mut self.shared, bytes);
        }
        self.turn();
    }

    /// All do what can be done.
    fn turn(&mut self) {
        for link in self.links.iter_mut().flatten() {
            link.turn(&mut self.shared);
        }
        assert!(self.shared.hub.sessions().keys().count() <= SESSIONS);
    }

    /// All clients go, and nothing is left of them.
    pub(super) fn end(mut self) -> Talk {
        for link in self.links.iter_mut().filter_map(Option::take) {
            self.talk.links.push(link.ended(&mut self.shared));
        }
        let hub = &mut self.shared.hub;
        for key in hub.sessions().keys() {
            let session = hub.sessions().get(key).expect("open");
            assert!(session.left().is_some(), "nobody is there, and somebody is attached");
        }
        let end = Instant::from_millis(self.shared.millis).after(LIFETIME);
        hub.sessions_mut().handle_timeout(end);
        assert_eq!(hub.sessions().keys().count(), 0, "a session outlives its time");
        Talk { came: self.shared.came, ..self.talk }
    }
}

impl Shared<'_> {
    fn now(&self) -> Instant {
        Instant::from_millis(self.millis)
    }
}

/// A connection.
struct Link<'m> {
    exchange: Exchange<'m>,
    visit: Option<Visit>,
    /// The request was read whole.
    is_read: bool,
    /// What came and was not looked at.
    waiting: Vec<u8>,
    /// What was said since the last answer was over.
    said: Vec<u8>,
    answers: Vec<Answer>,
    /// The request that is answered asks for the head alone; or it brings messages.
    is_head: bool,
    is_send: bool,
    /// Of the outputs.
    size: usize,
    end: End,
    /// Steps, of which each takes or says a byte, or ends something.
    steps: usize,
    taken: usize,
    written: usize,
}

static SETTINGS: Settings = Settings { requests: 10, body: 2000, ..Settings::DEFAULT };

impl<'m> Link<'m> {
    fn new(store: &'m mut [u8], now: Instant, size: usize) -> Self {
        Self {
            exchange: Exchange::new(store, &[], &SETTINGS, now),
            visit: None,
            is_read: false,
            waiting: Vec::new(),
            said: Vec::new(),
            answers: Vec::new(),
            is_head: false,
            is_send: false,
            size,
            end: End::Open,
            steps: 0,
            taken: 0,
            written: 0,
        }
    }

    fn feed(&mut self, shared: &mut Shared<'m>, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.is_read
            && let Some(visit) = &mut self.visit
        {
            visit.hurry();
        }
        self.turn(shared);
    }

    /// Does all that can be done.
    fn turn(&mut self, shared: &mut Shared<'m>) {
        let (steps, moved, answers) = (self.steps, self.taken + self.written, self.answers.len());
        while self.end == End::Open {
            self.steps += 1;
            if !self.step(shared) {
                break;
            }
        }
        let most = 2 * (self.taken + self.written - moved) + 4 * (self.answers.len() - answers) + 4;
        assert!(self.steps - steps <= most, "{} steps, {most} at most", self.steps - steps);
    }

    /// Goes on by one; `false`: there is nothing to be done.
    fn step(&mut self, shared: &mut Shared<'m>) -> bool {
        let now = shared.now();
        let mut bytes = std::mem::take(&mut self.waiting);
        let mut input = Input::new(&mut bytes);
        self.exchange.set_time(now);
        let goes_on = if self.visit.is_none() {
            match self.exchange.receive(&mut input) {
                Ok(true) => {
                    self.begin(shared, now);
                    true
                }
                Ok(false) => false,
                Err(refusal) => self.refuse(shared, refusal.response()),
            }
        } else if !self.is_read {
            self.read(shared, &mut input)
        } else {
            self.answer(shared, now, !input.is_empty())
        };
        self.taken += input.consumed();
        self.waiting = input.rest().to_vec();
        assert!(goes_on || self.is_read || self.waiting.is_empty() || self.end != End::Open, "stuck");
        goes_on
    }

    fn begin(&mut self, shared: &mut Shared<'m>, now: Instant) {
        let request = self.exchange.request();
        self.is_head = request.method() == "HEAD";
        let asked = shared.endpoint.asked(&request);
        self.is_send = matches!(asked, Asked::Send(_));
        let visit = Visit::new(&shared.endpoint, asked, &mut shared.hub, now, &mut shared.names);
        assert!(!self.is_send || visit.session().is_none(), "who sends does not listen");
        (self.visit, self.is_read) = (Some(visit), false);
    }

    fn read(&mut self, shared: &mut Shared<'m>, input: &mut Input<'_>) -> bool {
        let Some(visit) = &mut self.visit else { return false };
        let Shared { endpoint, hub, came, .. } = shared;
        let mut deliver = |_: &mut Hub<'m, SESSIONS>, from: SessionKey, data: Data<'_>| {
            take(came, from, &data, endpoint.message as usize);
        };
        match visit.receive(&mut self.exchange, input, hub, &mut deliver) {
            Ok(true) => {
                self.is_read = true;
                true
            }
            Ok(false) => {
                let mut tx = [0; 64];
                let mut out = Output::new(&mut tx);
                let now = self.exchange.now();
                let progress = visit.transmit(endpoint, &self.exchange, hub, now, &mut out);
                assert_eq!(progress, Ok(Progress::Idle), "an answer before the request is read");
                assert!(out.is_empty() && self.exchange.transmit(&mut out));
                // It depends on how the bytes came whether it had to be told to go on.
                assert!(out.is_empty() || out.filled() == b"HTTP/1.1 100 Continue\r\n\r\n");
                false
            }
            Err(refusal) => self.refuse(shared, refusal.response()),
        }
    }

    fn answer(&mut self, shared: &mut Shared<'m>, now: Instant, has_more: bool) -> bool {
        let Some(visit) = &mut self.visit else { return false };
        if has_more {
            visit.hurry();
        }
        let mut tx = vec![0xee; self.size];
        let mut out = Output::new(&mut tx);
        let progress = visit.transmit(&shared.endpoint, &self.exchange, &mut shared.hub, now, &mut out);
        self.said.extend_from_slice(out.filled());
        self.written += out.filled().len();
        match progress {
            Ok(Progress::Full) => {
                assert!(!out.is_empty(), "full without a byte");
                true
            }
            Ok(Progress::Idle) => false,
            Ok(Progress::Ended) => {
                let closes = visit.closes();
                visit.end(&mut shared.hub, now);
                self.visit = None;
                let goes_on = self.over(closes);
                if !self.exchange.next(closes, now) || !goes_on {
                    self.end(shared, End::Closed);
                }
                true
            }
            Err(Lost) => {
                self.end(shared, End::Closed);
                false
            }
        }
    }

    fn refuse(&mut self, shared: &mut Shared<'m>, response: Option<ws_core::http::Response<'_>>) -> bool {
        if let Some(mut response) = response {
            let mut tx = [0; 512];
            let mut out = Output::new(&mut tx);
            assert!(response.transmit(&mut out) && response.closes());
            self.said.extend_from_slice(out.filled());
            self.is_head = false;
            let _ = self.over(true);
        }
        self.end(shared, End::Closed);
        false
    }

    /// An answer is over, and whole. `false`: whether the connection goes on depends on whether the rest of a body that was refused
    /// had come, so here it does not.
    fn over(&mut self, closes: bool) -> bool {
        let mut answer = read(&std::mem::take(&mut self.said), self.is_head);
        assert!(answer.is_whole, "{answer:?}");
        assert_eq!(answer.closes, closes, "{answer:?}");
        let is_refused = self.is_send && answer.status != 200;
        if is_refused {
            answer.close();
        }
        self.answers.push(answer);
        !is_refused
    }

    fn end(&mut self, shared: &mut Shared<'m>, end: End) {
        let now = shared.now();
        if let Some(mut visit) = self.visit.take() {
            visit.end(&mut shared.hub, now);
            visit.end(&mut shared.hub, now); // twice does no harm
        }
        self.end = end;
    }

    fn ended(mut self, shared: &mut Shared<'m>) -> (Vec<Answer>, End) {
        let end = self.end;
        self.end(shared, end);
        self.seen()
    }

    fn seen(mut self) -> (Vec<Answer>, End) {
        if !self.said.is_empty() {
            self.answers.push(read(&self.said, self.is_head));
        }
        (self.answers, self.end)
    }
}

/// A piece of a message comes: it goes on with the one before of its session, if that is not whole.
fn take(came: &mut Vec<Came>, from: SessionKey, data: &Data<'_>, most: usize) {
    if data.first {
        came.push(Came { from, kind: data.kind, bytes: Vec::new(), is_whole: false });
    }
    let message = came.iter_mut().rev().find(|message| message.from == from).expect("a first piece");
    assert!(!message.is_whole && message.kind == data.kind, "a piece of nothing");
    message.bytes.extend_from_slice(data.payload);
    message.is_whole = data.last;
    assert!(message.bytes.len() <= most, "{} bytes, of {most}", message.bytes.len());
    assert!(!data.last || data.kind == Kind::Binary || std::str::from_utf8(&message.bytes).is_ok());
}
