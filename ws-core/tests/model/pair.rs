//! Both ends and what lies between them: [`Pair`], the state that is explored; and two ways for it to go on to its end, one in
//! which nothing is heard any more, and one in which all arrives.

use super::end::{End, Facts, STALL, Setup};
use crate::connection::{Client, Connection, Server};
use crate::{Config, Duration, Entropy, Instant, Limits, Timeouts};
use std::collections::VecDeque;
use std::vec::Vec;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Server,
    Client,
}

/// What can happen to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// A message, or the last fragment of one that was begun.
    Say,
    Fragment,
    /// A frame, as far as its header.
    Begin,
    Payload,
    Ping,
    Close,
    Fail,
    Lie,
    TransmitAll,
    TransmitSome,
    Flush,
    ReceiveAll,
    ReceiveByte,
    ReadEnd,
    ShutDown,
    Timer,
    Cut(Cut),
}

/// How the transport breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cut {
    /// The way to this end ends, without what was on it; the other one stays.
    End,
    /// Both ways end, without what was on them.
    Reset,
    /// The same, and nobody is told.
    Silence,
    /// The way from this end takes nothing any more.
    Stall,
}

impl Action {
    pub(super) const ALL: [Self; 20] = [
        Self::Say,
        Self::Fragment,
        Self::Begin,
        Self::Payload,
        Self::Ping,
        Self::Close,
        Self::Fail,
        Self::Lie,
        Self::TransmitAll,
        Self::TransmitSome,
        Self::Flush,
        Self::ReceiveAll,
        Self::ReceiveByte,
        Self::ReadEnd,
        Self::ShutDown,
        Self::Timer,
        Self::Cut(Cut::End),
        Self::Cut(Cut::Reset),
        Self::Cut(Cut::Silence),
        Self::Cut(Cut::Stall),
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    server: End<Server>,
    client: End<Client<Constant>>,
    to_server: Pipe,
    to_client: Pipe,
    may_cut: bool,
    pub(super) cut: Option<Cut>,
    setup: Setup,
}

const CLOSE: u32 = 5;
const PING: u32 = 30;
const PONG: u32 = 10;
/// So that a Pong may be missed before anything else is, and behind something else too.
const IDLE: u32 = 35;

impl Pair {
    pub(super) fn new(setup: Setup) -> Self {
        let timer = |is_on, seconds| if is_on { Duration::from_secs(seconds) } else { Duration::ZERO };
        let pipe = Pipe { room: if setup.stalls { 1 } else { PIECES_MAX }, ..Pipe::default() };
        let config = Config {
            limits: Limits::DEFAULT,
            timeouts: Timeouts {
                ping: timer(setup.beats > 0, PING),
                pong: timer(setup.beats > 0, PONG),
                idle: timer(setup.idles, IDLE),
                close: Duration::from_secs(CLOSE),
            },
        };
        let start = Instant::from_millis(0);
        Self {
            server: End::new(Connection::server(config, start), false, setup),
            client: End::new(Connection::client(config, Constant, start), true, setup),
            to_server: pipe.clone(),
            to_client: pipe,
            may_cut: setup.cuts || setup.stalls,
            cut: None,
            setup,
        }
    }

    /// Does it if it can be done now; `false`: it cannot, and nothing that was done counts.
    pub(super) fn act(&mut self, who: Who, action: Action) -> bool {
        if let Action::Cut(cut) = action {
            let may_be = if cut == Cut::Stall { self.setup.stalls } else { self.setup.cuts };
            return may_be && core::mem::take(&mut self.may_cut) && self.cut(who, cut);
        }
        match who {
            Who::Server => self.server.act(action, &mut self.to_server, &mut self.to_client),
            Who::Client => self.client.act(action, &mut self.to_client, &mut self.to_server),
        }
    }

    fn cut(&mut self, who: Who, cut: Cut) -> bool {
        self.cut = Some(cut);
        match (who, cut) {
            (Who::Server, Cut::End) => self.to_server.cut(true),
            (Who::Client, Cut::End) => self.to_client.cut(true),
            (Who::Server, Cut::Reset | Cut::Silence) => {
                self.to_server.cut(cut == Cut::Reset);
                self.to_client.cut(cut == Cut::Reset);
            }
            (Who::Server, Cut::Stall) => self.to_client.room = 0,
            (Who::Client, Cut::Stall) => self.to_server.room = 0,
            (Who::Client, _) => return false, // it is the same for both
        }
        true
    }

    /// What holds of each end, and of the other as its peer.
    pub(super) fn each(&self, holds: impl Fn(&Facts, &Facts) -> bool) -> bool {
        let [server, client] = [self.server.facts(&self.to_server), self.client.facts(&self.to_client)];
        holds(&server, &client) && holds(&client, &server)
    }

    pub(super) fn broken(&self) -> Option<&'static str> {
        self.server.broken.or(self.client.broken)
    }

    fn is_done(&self) -> bool {
        self.server.is_done() && self.client.is_done()
    }

    /// From here on nothing that is sent arrives, and nothing is said: each end does what it has to, and its timers fire. It is
    /// to come to its end within the time for closing; if it is open, once it closes, or by a timer alone. So it is if the
    /// transport takes what is sent all the same, and if it does not.
    pub(super) fn ends_in_silence(&self) -> bool {
        self.ends_in(Cut::Silence) && (!self.setup.stalls || self.ends_in(Cut::Stall))
    }

    fn ends_in(&self, cut: Cut) -> bool {
        let mut pair = self.clone();
        pair.to_server.cut(false);
        pair.to_client.cut(false);
        if cut == Cut::Stall {
            pair.cut(Who::Server, cut);
            pair.cut(Who::Client, cut);
        }
        pair.never_tire();
        let begun = [pair.server.now(), pair.client.now()];
        let Setup { beats, idles, stalls, .. } = self.setup;
        let open = match (beats, idles) {
            (0, false) => 0,
            (0, true) => IDLE,
            _ => PING + PONG,
        };
        let limit = 1000 * (open + CLOSE) + if stalls { STALL } else { 0 };
        if open == 0 {
            pair.close();
        }
        while !pair.is_done() {
            if !(pair.settle(&Action::OWN) || pair.settle(&[Action::Timer])) {
                return false;
            }
        }
        let took = [pair.server.now() - begun[0], pair.client.now() - begun[1]];
        pair.broken().is_none() && took.iter().all(|took| *took <= limit)
    }

    /// From here on all arrives, and then both close. No timer has to fire for that, unless bytes were lost without a word, or
    /// one has given up before.
    pub(super) fn ends_well(&self) -> bool {
        let mut pair = self.clone();
        pair.never_tire();
        let may_need_timer =
            matches!(self.cut, Some(Cut::Silence | Cut::Stall)) || !self.each(|facts, _| !facts.has_given_up);
        pair.settle(&Action::FAIR);
        pair.close();
        while !pair.is_done() {
            let needs_timer = !pair.settle(&Action::FAIR);
            if needs_timer && (!may_need_timer || !pair.settle(&[Action::Timer])) {
                return false;
            }
        }
        let nothing_lost = || {
            pair.each(|facts, _| facts.was_clean && !facts.has_given_up)
                && (pair.server.heard, pair.client.heard) == (pair.client.said, pair.server.said)
        };
        pair.broken().is_none() && (!self.is_in_peace() || nothing_lost())
    }

    /// Nobody broke a rule, nothing was refused, the transport is whole, and nobody has given up.
    fn is_in_peace(&self) -> bool {
        let all_left = !self.setup.lies && !self.setup.fails;
        all_left && self.cut.is_none() && self.each(|facts, _| !facts.has_given_up)
    }

    fn close(&mut self) {
        for _ in 0..2 {
            if self.server.is_open() {
                self.server.close();
            }
            if self.client.is_open() {
                self.client.close();
            }
            self.settle(&Action::OWN); // makes room
        }
    }

    fn never_tire(&mut self) {
        self.server.never_tire();
        self.client.never_tire();
    }

    /// Does these actions for as long as one can be done; tells if any was.
    fn settle(&mut self, actions: &[Action]) -> bool {
        let mut any = false;
        for _ in 0..1000 {
            let mut was_done = false;
            for who in [Who::Server, Who::Client] {
                for action in actions {
                    was_done |= self.act(who, *action);
                }
            }
            any |= was_done;
            if !was_done || actions == [Action::Timer] {
                return any;
            }
        }
        self.server.broken = Some("no end");
        any
    }
}

impl Action {
    /// What an end does without its peer.
    const OWN: [Self; 5] = [Self::Payload, Self::TransmitAll, Self::Flush, Self::ReadEnd, Self::ShutDown];
    /// What it does with it.
    const FAIR: [Self; 6] =
        [Self::ReceiveAll, Self::Payload, Self::TransmitAll, Self::Flush, Self::ReadEnd, Self::ShutDown];
}

/// Masking keys that are no secret, and all the same: two states are not to differ by them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Constant;

impl Entropy for Constant {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x55);
    }
}

/// Pieces on one way, at most.
const PIECES_MAX: usize = 3;

/// One direction of the transport.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pipe {
    pieces: VecDeque<Vec<u8>>,
    /// Pieces that it takes.
    room: usize,
    has_end: bool,
    /// What is written goes nowhere.
    leaks: bool,
}

impl Pipe {
    /// Takes all of it; `false`: it is full.
    pub(super) fn write(&mut self, bytes: &mut Vec<u8>) -> bool {
        let is_taken = !self.is_full();
        if is_taken {
            let piece = core::mem::take(bytes);
            if !self.leaks {
                self.pieces.push_back(piece);
            }
        }
        is_taken
    }

    /// No more than one piece, and no more of it than that.
    pub(super) fn read(&mut self, most: usize) -> Vec<u8> {
        let Some(mut piece) = self.pieces.pop_front() else { return Vec::new() };
        if piece.len() > most {
            let rest = piece.split_off(most);
            self.pieces.push_front(rest);
        }
        piece
    }

    /// The writer ends it, behind what it wrote.
    pub(super) fn shut_down(&mut self) {
        self.has_end |= !self.leaks;
    }

    /// Its reader is gone.
    pub(super) fn abandon(&mut self) {
        self.cut(false);
    }

    fn cut(&mut self, tells: bool) {
        self.pieces.clear();
        self.leaks = true;
        self.has_end |= tells;
    }

    pub(super) fn is_full(&self) -> bool {
        self.pieces.len() >= self.room && (!self.leaks || self.room == 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.pieces.is_empty() && self.has_end
    }
}
