//! Heartbeat and deadlines, by the caller's clock: [`Connection::poll_timeout`], [`Connection::handle_timeout`].

use super::{Connection, Engine, Role};
use crate::time::{Duration, Instant};

/// Which deadline passed. The peer is gone, or behaves as if it were: drop the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TimedOut {
    /// No Pong within [`Timeouts::pong`](crate::Timeouts::pong).
    Pong,
    /// Nothing came for [`Timeouts::idle`](crate::Timeouts::idle).
    Idle,
    /// The peer did not finish the closing handshake, or not its end of the transport, within
    /// [`Timeouts::close`](crate::Timeouts::close).
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(super) struct State {
    awaiting_pong: bool,
    measured: bool,
    timed_out: Option<TimedOut>,
}

impl State {
    pub(super) const START: Self = Self { awaiting_pong: false, measured: false, timed_out: None };
}

impl<R: Role> Connection<R> {
    /// When [`handle_timeout`](Self::handle_timeout) has to be called at the latest; `None`: no timer runs. Ask again
    /// after each other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.engine.poll_timeout()
    }

    /// Says what time it is, and judges no deadline: after each read, before its input is received. What has come counts,
    /// even if a deadline passed while it waited to be read.
    pub fn set_time(&mut self, now: Instant) {
        self.engine.now = now;
    }

    /// Says what time it is, and does what is due: when [`poll_timeout`](Self::poll_timeout) asks for it, once all that
    /// came before is received. Calls at any other time do no harm. Look at [`timed_out`](Self::timed_out) and
    /// [`transmit`](Self::transmit) after it.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.engine.handle_timeout(now);
    }

    /// The deadline that passed, if one did: drop the transport. Who goes on receiving all the same gets what comes.
    pub fn timed_out(&self) -> Option<TimedOut> {
        self.engine.timed_out()
    }

    /// How long the latest heartbeat took to come back; `None` before the first one did.
    pub fn round_trip(&self) -> Option<Duration> {
        self.engine.heartbeat.measured.then_some(self.engine.round_trip)
    }
}

impl Engine {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        // Moments of a tick that wraps compare by how far they are from now, of which some may have passed.
        let ahead = |moment: &Instant| moment.millis().wrapping_sub(self.now.millis()).cast_signed();
        self.deadlines().into_iter().flatten().map(|(moment, _)| moment).min_by_key(ahead)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        for (moment, action) in self.deadlines().into_iter().flatten() {
            if now.has_reached(moment) && self.timed_out().is_none() {
                match action {
                    Action::Ping => {
                        self.beat = now;
                        self.ping_owed = true;
                        self.heartbeat.awaiting_pong = true;
                    }
                    Action::GiveUp(why) => self.heartbeat.timed_out = Some(why),
                }
            }
        }
    }

    pub(super) fn timed_out(&self) -> Option<TimedOut> {
        self.heartbeat.timed_out
    }

    /// Which moments matter now, and what is due at each.
    fn deadlines(&self) -> [Option<(Instant, Action)>; 2] {
        let timeouts = &self.config.timeouts;
        let due = |from: Instant, delay: Duration, action| {
            (delay != Duration::ZERO).then_some((from.after(delay), action))
        };
        if self.heartbeat.timed_out.is_some() || self.eof {
            return [None, None];
        }
        if !self.may_send() {
            return [due(self.heard, timeouts.close, Action::GiveUp(TimedOut::Close)), None];
        }
        let idle = due(self.heard, timeouts.idle, Action::GiveUp(TimedOut::Idle));
        if timeouts.ping == Duration::ZERO {
            return [None, idle];
        }
        // The Pong may lie behind a Ping of the peer's, which is answered when the frame that was begun is done.
        let is_held = self.frame_left != 0 && self.pong_owed;
        let beat = if self.heartbeat.awaiting_pong && timeouts.pong != Duration::ZERO && !is_held {
            due(self.beat, timeouts.pong, Action::GiveUp(TimedOut::Pong))
        } else if self.ping_owed || self.frame_left != 0 {
            None // nothing can go out inside a frame: the Ping is due when that is done
        } else {
            due(self.beat, timeouts.ping, Action::Ping)
        };
        [beat, idle]
    }

    /// A heartbeat's payload is the tick at which it was due: the Pong shows which Ping it answers, and how long that
    /// took.
    pub(super) fn ping_body(&self) -> [u8; 4] {
        self.beat.millis().to_be_bytes()
    }

    pub(super) fn receive_pong(&mut self) {
        if self.heartbeat.awaiting_pong && !self.ping_owed && self.control() == self.ping_body() {
            self.heartbeat.awaiting_pong = false;
            self.heartbeat.measured = true;
            self.round_trip = self.now.since(self.beat);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Ping,
    GiveUp(TimedOut),
}
