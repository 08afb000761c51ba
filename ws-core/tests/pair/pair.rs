//! [`Pair`]: a client and a server, joined by two [`Pipe`]s and a virtual clock. Each end is an application that says
//! what its script holds, and does for its connection what a program has to do. What the ends heard is in `log.rs`;
//! what must hold of it is checked in `main.rs`, and what must hold at every step is checked here.

use std::collections::VecDeque;

use super::common::{End, Rng, Ws, at};
use super::log::Log;
use super::pipe::{Pipe, Read, Weather};
use ws_core::{CloseCode, Config, Input, Kind, Output, UsageError};

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

/// One end: a connection and its application.
pub(crate) struct Peer {
    pub(crate) ws: Ws,
    config: Config,
    pub(crate) log: Log,
    /// Sizes of the buffers that are lent.
    pub(crate) rx_size: usize,
    pub(crate) tx_size: usize,
    /// Encoded, and not taken by the pipe yet.
    pub(crate) tx: Vec<u8>,
    /// Read, and not decoded yet: a reply is in the way.
    held: Vec<u8>,
    /// What is to be said, and when at the earliest.
    script: VecDeque<(u64, Say)>,
    /// How much of the front of the script was said: whole pieces, and bytes of the next.
    said: (usize, usize),
    begun: bool,
    /// From this moment on the application reads nothing.
    pub(crate) deaf_from: Option<u64>,
    has_shut_down: bool,
    has_ended: bool,
    /// The transport was given up, or both of its directions have ended.
    pub(crate) is_done: bool,
}

impl Peer {
    fn new(end: End, config: Config, now: u64) -> Self {
        Self {
            ws: Ws::new(end, config, at(now)),
            config,
            log: Log::default(),
            rx_size: 1 << 16,
            tx_size: 1 << 12,
            tx: Vec::new(),
            held: Vec::new(),
            script: VecDeque::new(),
            said: (0, 0),
            begun: false,
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
    pub(crate) fn opened(&mut self, end: End, now: u64, held: Vec<u8>, tx: Vec<u8>) {
        self.ws = Ws::new(end, self.config, at(now));
        (self.held, self.tx) = (held, tx);
    }

    /// Does what there is to do now, and tells if that was anything.
    fn turn(&mut self, now: u64, rng: &mut Rng, inbound: &mut Pipe, outbound: &mut Pipe) -> bool {
        if self.is_done {
            return false;
        }
        self.ws.set_time(at(now));
        let mut any = false;
        if self.deaf_from.is_none_or(|from| now < from) {
            if self.held.is_empty() && !self.has_ended {
                match inbound.read(self.rx_size, now, rng) {
                    Read::Bytes(bytes) => self.held = bytes,
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
        if self.ws.timed_out().is_some() {
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
        match outbound.write(&self.tx, now, rng) {
            Ok(n) => {
                any |= n != 0;
                self.tx.drain(..n);
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
            outbound.shut_down(now, rng);
        }
        self.is_done = self.has_shut_down && self.has_ended && self.held.is_empty();
        any
    }

    /// Decodes what is held; stops where a reply is in the way and the output is full. Tells if anything happened.
    fn receive(&mut self) -> bool {
        let mut bytes = std::mem::take(&mut self.held);
        let len = bytes.len();
        let mut input = Input::new(&mut bytes);
        for _ in 0..2 * len + 4 {
            match self.ws.receive(&mut input) {
                Ok(None) if input.is_empty() => return len != 0,
                Ok(None) => {
                    // Inside a frame of `begin`, replies wait for its end, and control frames for them.
                    let is_begun = matches!(self.script.front(), Some((_, Say::Frame(..)))) && self.begun;
                    assert!(
                        self.ws.wants_transmit() || is_begun,
                        "stuck with input, and nothing to transmit"
                    );
                    if self.with_output(|peer, out| peer.ws.transmit(out)) == 0 {
                        self.held = input.rest().to_vec();
                        return input.consumed() != 0;
                    }
                }
                Ok(Some(event)) => self.log.note(event, self.ws.control(), self.ws.close_reason()),
                Err(error) => {
                    self.log.fail(error);
                    if input.is_empty() {
                        return len != 0;
                    }
                }
            }
        }
        panic!("more than 2 * {len} + 4 steps");
    }

    /// Lends the output, with what the pipe has not taken yet at its front.
    fn with_output<T>(&mut self, call: impl FnOnce(&mut Self, &mut Output<'_>) -> T) -> T {
        let mut buf = vec![0; self.tx_size.max(self.tx.len())];
        let mut out = Output::new(&mut buf);
        out.put(&self.tx);
        let result = call(self, &mut out);
        assert!(out.filled().starts_with(&self.tx), "what was encoded before has changed");
        self.tx = out.filled().to_vec();
        result
    }

    /// Says what there is to say now, as far as the output goes. Tells if anything happened.
    fn speak(&mut self, now: u64) -> bool {
        let mut any = false;
        while let Some((when, say)) = self.script.pop_front() {
            if when > now {
                self.script.push_front((when, say));
                break;
            }
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
                    let done = ws.send(*kind, &mut rest, self.said.0 + 1 == pieces.len(), out)?;
                    self.said.1 = piece.len() - rest.len();
                    if !done {
                        self.begun |= self.said != (0, 0);
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
        timer.into_iter().chain(script).min()
    }
}

pub(crate) const SERVER: usize = 0;
pub(crate) const CLIENT: usize = 1;

pub(crate) struct Pair {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    /// The server and the client.
    pub(crate) ends: [Peer; 2],
    /// What each of them writes into.
    pub(crate) pipes: [Pipe; 2],
}

impl Pair {
    /// Server and client, each with its configuration and the weather on the way from it.
    pub(crate) fn new(seed: u64, start: u64, configs: [Config; 2], weather: [Weather; 2]) -> Self {
        Self {
            now: start,
            rng: Rng(seed),
            ends: [Peer::new(End::Server, configs[0], start), Peer::new(End::Client, configs[1], start)],
            pipes: weather.map(Pipe::new),
        }
    }

    /// Lets one end do what it can now.
    pub(crate) fn turn(&mut self, end: usize) -> bool {
        let [from_server, from_client] = &mut self.pipes;
        let (inbound, outbound) =
            if end == SERVER { (from_client, from_server) } else { (from_server, from_client) };
        self.ends[end].turn(self.now, &mut self.rng, inbound, outbound)
    }

    /// Runs until both ends are done, or until that moment.
    pub(crate) fn run_until(&mut self, until: u64) {
        for _ in 0..1_000_000 {
            let first = self.rng.below(2);
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

    pub(crate) fn next_moment(&self) -> Option<u64> {
        let arrivals = self.pipes.iter().filter_map(|pipe| pipe.next_arrival(self.now));
        arrivals.chain(self.ends.iter().filter_map(|end| end.next_moment(self.now))).min()
    }
}
