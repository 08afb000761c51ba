//! One connection in two threads: [`Reader`] and [`Writer`].
//!
//! Two locks: what is written (the outbox and the stream), and the state of the connection. Who takes both takes them in
//! this order; nobody holds the second while the stream is waited for, and the reader holds neither while it reads.
//! A reply that the reader cannot write, because the writer is at it, is written by the writer when it is done.

use crate::buffers::{Inbox, Outbox};
use crate::clock::{Clock, Deadline};
use crate::incoming::{Assembly, Chunk, Found, decode};
use crate::link::{Link, ending, note, taken};
use crate::waiting::{ReadTimer, is_end, linger};
use crate::{Error, Transport, WebSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;
use ws_core::{CloseCode, Connection, Kind, Message, Output, ReadyState, Role, UsageError};

/// The longest wait of a reader, so that a closing handshake begun by the writer is noticed.
const NAP: Duration = Duration::from_secs(1);

/// The half that reads; see [`WebSocket::split`]. It has to go on reading for Pings to be answered.
#[derive(Debug)]
pub struct Reader<S, R: Role> {
    stream: S,
    inbox: Inbox,
    assembly: Assembly,
    clock: Clock,
    protocol: Option<String>,
    timer: ReadTimer,
    is_shut: bool,
    shared: Arc<Shared<S, R>>,
}

/// The half that writes; see [`WebSocket::split`].
#[derive(Debug)]
pub struct Writer<S, R: Role> {
    shared: Arc<Shared<S, R>>,
}

#[derive(Debug)]
struct Shared<S, R: Role> {
    outgoing: Mutex<Outgoing<S>>,
    ws: Mutex<Connection<R>>,
}

#[derive(Debug)]
struct Outgoing<S> {
    stream: S,
    outbox: Outbox,
}

/// What [`WebSocket::split`] makes.
pub type Halves<S, R> = (Reader<S, R>, Writer<S, R>);

pub(crate) fn split<S: Transport, R: Role>(socket: WebSocket<S, R>, other: S) -> Halves<S, R> {
    let WebSocket { link, inbox, assembly, protocol } = socket;
    let Link { stream, ws, clock, outbox, timer, is_shut } = link;
    let outgoing = Mutex::new(Outgoing { stream: other, outbox });
    let shared = Arc::new(Shared { outgoing, ws: Mutex::new(ws) });
    let reader = Reader { stream, inbox, assembly, clock, protocol, timer, is_shut, shared: shared.clone() };
    (reader, Writer { shared })
}

impl<S: Transport, R: Role> Reader<S, R> {
    /// As [`WebSocket::read`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn read(&mut self) -> Result<Option<Message<'_>>, Error> {
        loop {
            let Some(found) = self.find_chunk()? else { return Ok(None) };
            if self.assembly.add(&mut self.inbox, &found) {
                return Ok(Some(self.assembly.lend(&mut self.inbox, found)));
            }
        }
    }

    /// As [`WebSocket::read_chunk`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn read_chunk(&mut self) -> Result<Option<Chunk<'_>>, Error> {
        Ok(self.find_chunk()?.map(|found| found.lend(&mut self.inbox)))
    }

    /// The subprotocol agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The code of the peer's Close: `None` before it came, `Some(None)` if it had none.
    pub fn close_received(&self) -> Option<Option<CloseCode>> {
        self.shared.ws().close_received()
    }

    /// The reason in the peer's Close; empty before it came.
    pub fn close_reason(&self) -> String {
        self.shared.ws().close_reason().to_owned()
    }

    /// Both Close frames have gone over.
    pub fn was_clean(&self) -> bool {
        self.shared.ws().was_clean()
    }

    /// How long the latest heartbeat took to come back.
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.ws().round_trip().map(|time| Duration::from_millis(time.millis().into()))
    }

    fn find_chunk(&mut self) -> Result<Option<Found>, Error> {
        loop {
            let found = decode(&mut self.shared.ws(), &mut self.inbox);
            match found {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) => {
                    self.end()?;
                    return Err(Error::Peer(error));
                }
            }
            if self.inbox.is_empty() {
                if self.timer.is_drained() {
                    self.shared.ws().handle_timeout(self.clock.now());
                }
                self.shared.settle()?;
            } else {
                self.shared.reply(&mut self.shared.outgoing())?; // one is in the way
            }
            let is_over = {
                let ws = self.shared.ws();
                ws.wants_shutdown() || ws.timed_out().is_some()
            };
            if is_over {
                self.end()?;
                return ending(&self.shared.ws()).map(|()| None);
            }
            if self.inbox.is_empty() {
                self.wait()?;
            }
        }
    }

    fn wait(&mut self) -> Result<(), Error> {
        let due = self.shared.ws().poll_timeout().map(|due| self.clock.until(due));
        let wait = due.unwrap_or(NAP).min(NAP);
        let got = self.timer.read(&mut self.stream, &mut self.inbox, Some(wait));
        note(&mut self.shared.ws(), self.clock.now(), got)
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.is_shut {
            return Ok(());
        }
        if self.shared.ws().timed_out().is_none() {
            self.shared.reply(&mut self.shared.outgoing())?;
        }
        self.is_shut = true;
        let (state, time) = {
            let ws = self.shared.ws();
            (ws.ready_state(), ws.config().timeouts.close.millis())
        };
        if state == ReadyState::Closed {
            let _ = self.stream.shutdown_write(); // the peer is gone: there is nobody to tell
        } else {
            let time = Duration::from_millis(time.into());
            linger(&mut self.stream, &mut self.inbox, Deadline::within(time));
            self.shared.ws().receive_eof();
        }
        Ok(())
    }
}

impl<S: Transport, R: Role> Writer<S, R> {
    /// As [`WebSocket::send_text`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send(Kind::Text, &mut text.as_bytes(), true)
    }

    /// As [`WebSocket::send_binary`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(Kind::Binary, &mut &*bytes, true)
    }

    /// As [`WebSocket::send`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.shared.encode(true, |ws, out| ws.send(kind, payload, last, out))
    }

    /// As [`WebSocket::feed`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.shared.encode(false, |ws, out| ws.send(kind, payload, last, out))
    }

    /// As [`WebSocket::flush`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.shared.transmit(&mut self.shared.outgoing())?;
        self.shared.settle()
    }

    /// As [`WebSocket::ping`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.shared.encode(true, |ws, out| ws.ping(payload, out))
    }

    /// Sends a Close and returns. The reader goes on until its `None`.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::begin_close`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.shared.encode(true, |ws, out| ws.close(Some(code), reason, out))
    }

    /// How far the connection is.
    pub fn ready_state(&self) -> ReadyState {
        self.shared.ws().ready_state()
    }

    /// Bytes encoded or owed, and not yet taken by the stream.
    pub fn buffered_amount(&self) -> u64 {
        let encoded = self.shared.outgoing().outbox.len() as u64;
        self.shared.ws().buffered_amount().saturating_add(encoded)
    }
}

impl<S: Transport, R: Role> Shared<S, R> {
    fn ws(&self) -> MutexGuard<'_, Connection<R>> {
        self.ws.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing<S>> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Repeats `encode` until it is done, and writes out what is in its way; with `flush`, all of it.
    fn encode(
        &self,
        flush: bool,
        mut encode: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), Error> {
        let mut outgoing = self.outgoing();
        let result = loop {
            if !outgoing.outbox.has_room()
                && let Err(error) = outgoing.flush()
            {
                break Err(error);
            }
            match outgoing.outbox.encode(|out| encode(&mut self.ws(), out)) {
                Ok(false) => {
                    if let Err(error) = outgoing.flush() {
                        break Err(error);
                    }
                }
                Ok(true) if flush => {
                    break taken(self.transmit(&mut outgoing));
                }
                Ok(true) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        drop(outgoing);
        result.and_then(|()| self.settle())
    }

    /// Writes what is owed, unless the other half is writing: then that half does it, once it is done.
    fn settle(&self) -> Result<(), Error> {
        while self.ws().wants_transmit() {
            let mut outgoing = match self.outgoing.try_lock() {
                Ok(outgoing) => outgoing,
                Err(TryLockError::Poisoned(error)) => error.into_inner(),
                Err(TryLockError::WouldBlock) => break,
            };
            match self.reply(&mut outgoing) {
                Err(Error::WouldBlock) => break,
                result => result?,
            }
        }
        Ok(())
    }

    /// Writes what is owed, to a peer that may be gone if it has closed.
    fn reply(&self, outgoing: &mut Outgoing<S>) -> Result<(), Error> {
        match self.transmit(outgoing) {
            Err(error) if is_end(&error) && self.ws().close_received().is_some() => {
                outgoing.outbox.clear();
                self.ws().receive_eof();
                Ok(())
            }
            result => result,
        }
    }

    /// Writes all that is encoded or owed.
    fn transmit(&self, outgoing: &mut Outgoing<S>) -> Result<(), Error> {
        loop {
            if outgoing.outbox.has_room() {
                outgoing.outbox.encode(|out| self.ws().transmit(out));
            }
            outgoing.flush()?;
            if !self.ws().wants_transmit() {
                return Ok(());
            }
        }
    }
}

impl<S: Transport> Outgoing<S> {
    fn flush(&mut self) -> Result<(), Error> {
        self.outbox.flush(&mut self.stream)
    }
}
