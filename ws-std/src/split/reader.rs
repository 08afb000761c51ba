//! The half that reads: [`Reader`].

use super::{Settled, Shared};
use crate::buffers::{Inbox, Patience};
use crate::incoming::{Chunk, Decoded, Decoder, Event, Incoming, decode};
use crate::link::note;
use crate::socket::Agreed;
use crate::waiting::{ReadTimer, SHORT_NAP, linger};
use crate::{Error, Transport};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ws_core::{CloseCode, Message, ReadyState, Role, Timeouts};

/// The longest wait of a reader, so that a closing handshake begun by the writer is noticed.
const NAP: Duration = Duration::from_secs(1);

/// The half that reads; see [`WebSocket::split`](crate::WebSocket::split). Keep reading, or drop both halves.
///
/// It alone answers Pings and the peer's Close, sends the heartbeat and judges deadlines. If it is dropped, the
/// [`Writer`] still sends, but to a peer that finds its Pings and its Close unanswered, and it never learns that the
/// peer has closed. If the writer is dropped, reading goes on as before, up to its `None`. The stream is closed when
/// both are gone.
///
/// [`Writer`]: crate::Writer
#[derive(Debug)]
pub struct Reader<S, R: Role> {
    pub(super) incoming: Incoming,
    pub(super) agreed: Agreed,
    pub(super) hearing: Hearing<S, R>,
}

/// Everything but what was read.
#[derive(Debug)]
pub(super) struct Hearing<S, R: Role> {
    pub(super) stream: S,
    pub(super) timer: ReadTimer,
    pub(super) is_shut: bool,
    /// Since when a reply that only the writer can write has been in the way of reading on.
    pub(super) held_since: Option<Instant>,
    pub(super) shared: Arc<Shared<S, R>>,
}

impl<S: Transport, R: Role> Reader<S, R> {
    /// As [`WebSocket::read`](crate::WebSocket::read).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn read(&mut self) -> Result<Option<Message<'_>>, Error> {
        self.incoming.read(|decoder| self.hearing.find(decoder))
    }

    /// As [`WebSocket::read_event`](crate::WebSocket::read_event).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn read_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.incoming.read_event(|decoder| self.hearing.find(decoder))
    }

    /// As [`WebSocket::read_chunk`](crate::WebSocket::read_chunk).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn read_chunk(&mut self) -> Result<Option<Chunk<'_>>, Error> {
        self.incoming.read_chunk(|decoder| self.hearing.find(decoder))
    }

    /// Refuses what the peer sent; as [`WebSocket::fail`](crate::WebSocket::fail).
    pub fn fail(&mut self, code: CloseCode) {
        let mut ws = self.hearing.shared.ws();
        ws.set_time(self.hearing.shared.clock.now());
        ws.fail(code);
    }

    /// How far the connection is.
    pub fn ready_state(&self) -> ReadyState {
        self.hearing.shared.ws().ready_state()
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.hearing.stream
    }

    /// The subprotocol agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.agreed.protocol.as_deref()
    }

    /// The extensions agreed on; as [`WebSocket::extensions`](crate::WebSocket::extensions).
    pub fn extensions(&self) -> &str {
        &self.agreed.extensions
    }

    /// The code of the peer's Close: `None` before it came, `Some(None)` if it had none.
    pub fn close_received(&self) -> Option<Option<CloseCode>> {
        self.hearing.shared.ws().close_received()
    }

    /// The code of our Close: as [`WebSocket::close_sent`](crate::WebSocket::close_sent).
    pub fn close_sent(&self) -> Option<Option<CloseCode>> {
        self.hearing.shared.ws().close_sent()
    }

    /// The reason in the peer's Close; empty before it came.
    pub fn close_reason(&self) -> String {
        self.hearing.shared.ws().close_reason().to_owned()
    }

    /// Both Close frames have gone over.
    pub fn was_clean(&self) -> bool {
        self.hearing.shared.ws().was_clean()
    }

    /// The payload of the latest Ping, Pong or Close.
    pub fn control(&self) -> Vec<u8> {
        self.hearing.shared.ws().control().to_vec()
    }

    /// How long the latest heartbeat took to come back.
    pub fn round_trip(&self) -> Option<Duration> {
        self.hearing.shared.ws().round_trip().map(|time| Duration::from_millis(time.millis().into()))
    }
}

impl<S: Transport, R: Role> Hearing<S, R> {
    fn find(&mut self, decoder: &mut Decoder) -> Result<Option<Decoded>, Error> {
        loop {
            let found = decode(&mut self.shared.ws(), decoder);
            let inbox = &mut decoder.inbox;
            match found {
                Ok(Some(found)) => {
                    self.held_since = None;
                    return Ok(Some(found));
                }
                Ok(None) => {}
                Err(error) => {
                    return Err(match self.end(inbox) {
                        Err(Error::WouldBlock) => Error::WouldBlock,
                        _ => Error::Peer(error), // it broke the rule, whether it can be told or not
                    });
                }
            }
            if inbox.is_empty()
                && let Some(then) = self.timer.drained()
            {
                self.shared.ws().handle_timeout(then);
            }
            let settled = self.shared.settle(Patience::Little)?;
            let is_over = {
                let ws = self.shared.ws();
                ws.wants_shutdown() || ws.timed_out().is_some()
            };
            if is_over {
                self.end(inbox)?;
                return self.shared.ending().map(|()| None);
            }
            if inbox.is_empty() {
                self.wait(inbox, settled)?;
            } else {
                self.make_way(settled)?;
                self.judge_held(settled);
            }
        }
    }

    fn wait(&mut self, inbox: &mut Inbox, settled: Settled) -> Result<(), Error> {
        let (due, state) = {
            let ws = self.shared.ws();
            (ws.poll_timeout().map(|due| self.shared.clock.until(due)), ws.ready_state())
        };
        if state == ReadyState::Closed {
            // Behind its end the peer may still read what it is owed; but a read would bring that end again, at once.
            return self.make_way(settled);
        }
        // A Close that was left to the writer may be the last: then it is ours to end the stream.
        let is_left = settled == Settled::ByWriter && state != ReadyState::Open;
        let longest = if settled == Settled::NotYet || is_left { SHORT_NAP } else { NAP };
        let wait = due.map_or(longest, |due| due.min(longest));
        let clock = self.shared.clock;
        let got = self.timer.read(&mut self.stream, inbox, Some(wait), clock);
        note(&mut self.shared.ws(), self.shared.clock.now(), got, settled != Settled::NotYet)
    }

    /// A reply is in the way of reading on: nothing is left to do but to wait until it is written.
    fn make_way(&mut self, settled: Settled) -> Result<(), Error> {
        match settled {
            Settled::All => Ok(()),
            Settled::NotYet if self.shared.settle_patiently()? == Settled::NotYet => Err(Error::WouldBlock),
            Settled::NotYet => Ok(()),
            Settled::ByWriter => {
                self.shared.wait_for_writer(|ws| ws.wants_transmit());
                Ok(())
            }
        }
    }

    /// A peer that takes no Pong keeps us from reading on. When that has lasted longer than it could be silent, it is judged as
    /// one that was: what it said meanwhile is not looked for.
    fn judge_held(&mut self, settled: Settled) {
        if settled != Settled::ByWriter {
            self.held_since = None;
            return;
        }
        let Timeouts { ping, pong, idle, .. } = self.shared.ws().config().timeouts;
        let longest = ping.millis().saturating_add(pong.millis()).max(idle.millis());
        let held_since = *self.held_since.get_or_insert_with(Instant::now);
        if held_since.elapsed() > Duration::from_millis(longest.into()) {
            self.shared.handle_timeout();
        }
    }

    /// Writes what is left, ends our direction, and lets the peer end its own.
    fn end(&mut self, inbox: &mut Inbox) -> Result<(), Error> {
        if !self.is_shut {
            let written = self.write_last();
            if matches!(written, Err(Error::WouldBlock)) {
                return written;
            }
            self.is_shut = true;
            // This ends a write that the writer waits in, too.
            if self.stream.shutdown_write().is_err() {
                self.shared.ws().receive_eof(); // the peer is gone, or sees our end only when the stream is dropped
            }
            written?;
        }
        let clock = self.shared.clock;
        linger(&*self.shared, &mut self.stream, inbox, &mut self.timer, clock)
    }

    fn write_last(&self) -> Result<(), Error> {
        while self.shared.ws().timed_out().is_none() {
            match self.shared.settle_patiently()? {
                Settled::All => break,
                Settled::NotYet => return Err(Error::WouldBlock),
                Settled::ByWriter => {
                    self.shared.wait_for_writer(|_| true);
                    self.shared.handle_timeout();
                }
            }
        }
        Ok(())
    }
}
