//! [`Pair`]: a client and a server, joined by two [`Pipe`]s and a virtual clock. Each end is an application that says
//! what its script holds, and does for its connection what a program has to do. What the ends heard is in `log.rs`;
//! what must hold of it is checked in `main.rs`, and what must hold at every step is checked here.

use std::collections::VecDeque;

use super::Chance;
use super::codec::Codec;
use super::common::{End, Ws, at};
use super::log::Log;
use super::pipe::{Pipe, Read, Weather};
use ws_core::deflate::negotiate::Agreement;
use ws_core::{CloseCode, Config, Event, Input, Kind, Output, UsageError};

/// What an application says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    /// A message, each piece in a call of `send`.
    Message(Kind, Vec<Vec<u8>>),
    /// A message in a single frame, by `begin`.
    Frame(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

/// How long an application waits for a transport that takes nothing of a frame before it gives it up: no heartbeat can go out
/// inside a frame, so that nobody else would.
const STUCK: u64 = 100_000;

/// One end: a connection and its application.
pub(crate) struct Peer<'m> {
    pub(crate) ws: Ws,
    pub(crate) config: Config,
    /// What goes between it and the application: memory for what may be agreed on; later, what was agreed on.
    pub(crate) codec: Option<Codec<'m>>,
    pub(crate) log: Log,
    /// Sizes of the buffers that are lent.
    pub(crate) rx_size: usize,
    pub(crate) tx_size: usize,
    /// Bytes of a message it says, fewer than that.
    pub(crate) longest: usize,
    /// Whether it says pings.
    pub(crate) pings: bool,
    /// Encoded, and not taken by the pipe yet.
    pub(crate) tx: Vec<u8>,
    /// The output that is lent.
    lent: Vec<u8>,
    /// Read, and not decoded yet: a reply is in the way.
    held: Vec<u8>,
    /// What is to be said, and when at the earliest.
    script: VecDeque<(u64, Say)>,
    /// How much of the front of the script was said: whole pieces, and bytes of the next.
    said: (usize, usize),
    begun: bool,
    /// Since when the pipe takes nothing of a frame that was begun.
    stuck: Option<u64>,
    /// From this moment on the application reads nothing.
    pub(crate) deaf_from: Option<u64>,
    has_shut_down: bool,
    has_ended: bool,
    /// The transport was given up, or both of its directions have ended.
    pub(crate) is_done: bool,
}

impl<'m> Peer<'m> {
    fn new(end: End, config: Config, now: u64) -> Self {
        Self {
            ws: Ws::new(end, config, at(now)),
            config,
            codec: None,
            log: Log::default(),
            rx_size: 1 << 16,
            tx_size: 1 << 12,
            longest: 700,
            pings: true,
            tx: Vec::new(),
            lent: Vec::new(),
            held: Vec::new(),
            script: VecDeque::new(),
            said: (0, 0),
            begun: false,
            stuck: None,
            deaf_from: None,
            has_shut_down: false,
            has_ended: false,
            is_done: false,
        }
    }

    pub(crate) fn say(&mut self, when: u64, say: Say) {
        self.script.push_back((when, say));
    }

    /// The opening handshake is over. `held` was read behind it; `tx` is what is left to write of it.
    pub(crate) fn opened(
        &mut self,
        end: End,
        now: u64,
        agreement: Option<Agreement>,
        held: Vec<u8>,
        tx: Vec<u8>,
    ) {
        self.ws = Ws::new(end, self.config, at(now));
        match agreement {
            Some(agreement) => self.codec.as_mut().expect("it was offered").begin(&agreement),
            None => self.codec = None,
        }
        (self.held, self.tx) = (held, tx);
    }

    /// Does what there is to do now, and tells if that was anything.
    fn turn(&mut self, now: u64, chance: &mut Chance, inbound: &mut Pipe, outbound: &mut Pipe) -> bool {
        if self.is_done {
            return false;
        }
        self.ws.set_time(at(now));
        let mut any = false;
        if self.deaf_from.is_none_or(|from| now < from) {
            if self.held.is_empty() && !self.has_ended {
                match inbound.read(&mut self.held, self.rx_size, now, chance) {
                    Read::Bytes => assert!(self.held.len() <= self.rx_size),
                    Read::End => {
                        self.has_ended = true;
                        self.ws.receive_eof();
                        any = true;
                    }
                    Read::Nothing => {}
                }
            }
            any |= self.receive();
        }
        self.ws.handle_timeout(at(now));
        let is_stuck = self.stuck.is_some_and(|since| now >= since + STUCK);
        if is_stuck {
            self.ws.receive_eof();
        }
        if self.ws.timed_out().is_some() || is_stuck {
            self.is_done = true;
            if let Some((_, say)) = self.script.front().filter(|_| self.begun) {
                self.log.said(say);
            }
            inbound.abandon();
            outbound.reset(now);
            return true;
        }
        any |= self.speak(now);
        any |= self.ws.wants_transmit() && self.with_output(|peer, out| peer.ws.transmit(out)) != 0;
        match outbound.write(&self.tx, now, chance) {
            Ok(n) => {
                any |= n != 0;
                self.tx.drain(..n);
                let is_stuck = self.begun && n == 0 && !self.tx.is_empty();
                self.stuck = if is_stuck { self.stuck.or(Some(now)) } else { None };
            }
            Err(()) => {
                any = true;
                self.tx.clear();
                inbound.reset(now);
                outbound.reset(now);
            }
        }
        if self.ws.wants_shutdown() && self.tx.is_empty() && !self.has_shut_down {
            self.has_shut_down = true;
            any = true;
            if let Some((_, say)) = self.script.front().filter(|_| self.begun) {
                self.log.said(say); // a part of it: the peer has ended inside a frame that was begun
            }
            self.log.was_cut_short |= !self.script.is_empty();
            self.script.clear();
            outbound.shut_down(now, chance);
        }
        self.is_done = self.has_shut_down && self.has_ended && self.held.is_empty();
        any
    }

    /// Decodes what is held; stops where a reply is in the way and the output is full. Tells if anything happened.
    fn receive(&mut self) -> bool {
        let mut bytes = std::mem::take(&mut self.held);
        let len = bytes.len();
        let mut input = Input::new(&mut bytes);
        // What is inflated costs steps beside what it is inflated from.
        let (mut steps, mut most) = (0, 2 * len + 4);
        while steps < most {
            steps += 1;
            let Self { ws, codec, log, .. } = self;
            let is_inflated = codec.is_some();
            let result = match codec {
                Some(codec) => codec.receive(ws, &mut input),
                None => ws.receive(&mut input),
            };
            match result {
                Ok(None) if input.is_empty() => {
                    assert!(self.codec.as_ref().is_none_or(|codec| !codec.wants_receive()));
                    bytes.clear();
                    self.held = bytes;
                    return len != 0;
                }
                Ok(None) => {
                    // Inside a frame of `begin`, replies wait for its end, and control frames for them.
                    let is_begun = matches!(self.script.front(), Some((_, Say::Frame(..)))) && self.begun;
                    assert!(
                        self.ws.wants_transmit() || is_begun,
                        "stuck with input, and nothing to transmit"
                    );
                    if self.with_output(|peer, out| peer.ws.transmit(out)) == 0 {
                        let consumed = input.consumed();
                        bytes.drain(..consumed);
                        self.held = bytes;
                        return consumed != 0;
                    }
                }
                Ok(Some(event)) => {
                    let (mut control, mut reason) = (ws.control(), ws.close_reason());
                    if let Event::Data(data) = &event {
                        (control, reason) = (&[], "");
                        most += if is_inflated { data.payload.len() } else { 0 };
                    }
                    log.note(event, control, reason);
                }
                Err(error) => {
                    log.fail(error);
                    if input.is_empty() {
                        bytes.clear();
                        self.held = bytes;
                        return len != 0;
                    }
                }
            }
        }
        panic!("more than {most} steps for {len} bytes");
    }

    /// Lends the output, with what the pipe has not taken yet at its front.
    fn with_output<T>(&mut self, call: impl FnOnce(&mut Self, &mut Output<'_>) -> T) -> T {
        let mut buf = std::mem::take(&mut self.lent);
        buf.resize(self.tx_size.max(self.tx.len()), 0);
        let mut out = Output::new(&mut buf);
        out.put(&self.tx);
        let result = call(self, &mut out);
        assert!(out.filled().starts_with(&self.tx), "what was encoded before has changed");
        self.tx.clear();
        self.tx.extend_from_slice(out.filled());
        self.lent = buf;
        result
    }

    /// Says what there is to say now, as far as the output goes. Tells if anything happened.
    fn speak(&mut self, now: u64) -> bool {
        let mut any = false;
        while self.script.front().is_some_and(|(when, _)| *when <= now) {
            let Some((when, say)) = self.script.pop_front() else { break };
            let before = (self.tx.len(), self.said, self.begun);
            match self.with_output(|peer, out| peer.say_on(&say, out)) {
                Ok(true) => {
                    self.log.said(&say);
                    (self.said, self.begun) = ((0, 0), false);
                    any = true;
                }
                Ok(false) => {
                    self.script.push_front((when, say));
                    return any || (self.tx.len(), self.said, self.begun) != before;
                }
                Err(UsageError::Closing) => {
                    if self.begun {
                        self.log.said(&say); // a part of it
                    }
                    self.log.was_cut_short = true;
                    self.script.clear();
                }
                Err(error) => panic!("{error}: {say:?}"),
            }
        }
        any
    }

    fn say_on(&mut self, say: &Say, out: &mut Output<'_>) -> Result<bool, UsageError> {
        let ws = &mut self.ws;
        match say {
            Say::Message(kind, pieces) => {
                while let Some(piece) = pieces.get(self.said.0) {
                    let mut rest = &piece[self.said.1..];
                    let (last, before) = (self.said.0 + 1 == pieces.len(), out.filled().len());
                    let done = match &mut self.codec {
                        Some(codec) => codec.send(ws, *kind, &mut rest, last, out)?,
                        None => ws.send(*kind, &mut rest, last, out)?,
                    };
                    self.said.1 = piece.len() - rest.len();
                    if !done {
                        self.begun |= self.said != (0, 0) || out.filled().len() != before;
                        return Ok(false);
                    }
                    self.said = (self.said.0 + 1, 0);
                    self.begun = true;
                }
                Ok(true)
            }
            Say::Frame(kind, payload) => {
                if !self.begun && !ws.begin(*kind, payload.len() as u64, true, out)? {
                    return Ok(false);
                }
                self.begun = true;
                let mut rest = &payload[self.said.1..];
                let done = ws.payload(&mut rest, out)?;
                self.said.1 = payload.len() - rest.len();
                Ok(done)
            }
            Say::Ping(body) => ws.ping(body, out),
            Say::Pong(body) => ws.pong(body, out),
            Say::Close(code, reason) => ws.close(code.map(|code| CloseCode::new(code).unwrap()), reason, out),
        }
    }

    /// When it has to be woken though nothing has arrived.
    fn next_moment(&self, now: u64) -> Option<u64> {
        if self.is_done {
            return None;
        }
        let timer = self.ws.poll_timeout().map(|moment| {
            let delay = u64::from(moment.since(at(now)).millis());
            assert_ne!(delay, 0, "asks for a moment that has passed, again and again");
            now + delay
        });
        let script = self.script.front().map(|(when, _)| *when).filter(|when| *when > now);
        let stuck = self.stuck.map(|since| since + STUCK);
        timer.into_iter().chain(script).chain(stuck).min()
    }
}

pub(crate) const SERVER: usize = 0;
pub(crate) const CLIENT: usize = 1;

pub(crate) struct Pair<'m> {
    pub(crate) now: u64,
    pub(crate) chance: Chance,
    /// The server and the client.
    pub(crate) ends: [Peer<'m>; 2],
    /// What each of them writes into.
    pub(crate) pipes: [Pipe; 2],
}

impl Pair<'_> {
    /// Server and client, each with its configuration and the weather on the way from it.
    pub(crate) fn new(chance: Chance, start: u64, configs: [Config; 2], weather: [Weather; 2]) -> Self {
        Self {
            now: start,
            chance,
            ends: [Peer::new(End::Server, configs[0], start), Peer::new(End::Client, configs[1], start)],
            pipes: weather.map(Pipe::new),
        }
    }

    /// Lets one end do what it can now.
    pub(crate) fn turn(&mut self, end: usize) -> bool {
        let [from_server, from_client] = &mut self.pipes;
        let (inbound, outbound) =
            if end == SERVER { (from_client, from_server) } else { (from_server, from_client) };
        self.ends[end].turn(self.now, &mut self.chance, inbound, outbound)
    }

    /// Runs until both ends are done, or until that moment.
    pub(crate) fn run_until(&mut self, until: u64) {
        for _ in 0..1_000_000 {
            let first = self.chance.below(2);
            if self.turn(first) | self.turn(1 - first) {
                continue;
            }
            if self.is_done() {
                return;
            }
            match self.next_moment() {
                Some(moment) if moment <= until => self.now = moment,
                Some(_) => return self.now = until,
                None => panic!("both ends wait for each other"),
            }
        }
        panic!("does not end");
    }

    pub(crate) fn is_done(&self) -> bool {
        self.ends.iter().all(|end| end.is_done)
    }

    fn next_moment(&self) -> Option<u64> {
        let ends = [SERVER, CLIENT].map(|end| self.next_moment_of(end));
        ends.into_iter().flatten().chain(self.next_arrival()).min()
    }

    pub(crate) fn next_moment_of(&self, end: usize) -> Option<u64> {
        self.ends[end].next_moment(self.now)
    }

    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.pipes.iter().filter_map(|pipe| pipe.next_arrival(self.now)).min()
    }
}
