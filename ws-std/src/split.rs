//! One connection in two threads: [`Reader`] and [`Writer`].
//!
//! Two locks: what is written (the outbox and the stream), and the state of the connection. Who takes both takes them in
//! this order; nobody holds the second while the stream is waited for, and the reader holds neither while it reads.
//!
//! The reader never waits long to write, nor for the writer to have written: the peer may be writing too, and read only
//! once it is rid of that. A reply that the reader cannot write, because the writer is at it, is written by the
//! writer when it is done; what the stream does not take at once, the reader tries again after each read.

use crate::buffers::{Inbox, Outbox, Patience};
use crate::clock::Clock;
use crate::incoming::{Assembly, Chunk, Found, decode};
use crate::link::{Link, broken, closing, ending, forget, note, patience, taken, why};
use crate::socket::Agreed;
use crate::waiting::{Access, ReadTimer, is_end, linger};
use crate::{Error, Transport, WebSocket};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;
use ws_core::{CloseCode, Connection, Kind, Message, Output, ReadyState, Role, UsageError};

/// The longest wait of a reader, so that a closing handshake begun by the writer is noticed.
const NAP: Duration = Duration::from_secs(1);

/// The same while something waits to be written, and for the writer.
const SHORT_NAP: Duration = Duration::from_millis(20);

/// The half that reads; see [`WebSocket::split`]. It has to go on reading for Pings to be answered.
#[derive(Debug)]
pub struct Reader<S, R: Role> {
    stream: S,
    inbox: Inbox,
    assembly: Assembly,
    agreed: Agreed,
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
    /// The writer has encoded something, and with it what was owed; goes with `ws`.
    encoded: Condvar,
    clock: Clock,
}

#[derive(Debug)]
struct Outgoing<S> {
    stream: S,
    outbox: Outbox,
    /// The stream takes no more, and why.
    broken: Option<io::Error>,
}

/// How much of what is to be written has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    All,
    /// The stream does not take it now.
    NotYet,
    /// The writer is at it.
    ByWriter,
}

/// What [`WebSocket::split`] makes.
pub type Halves<S, R> = (Reader<S, R>, Writer<S, R>);

pub(crate) fn split<S: Transport, R: Role>(socket: WebSocket<S, R>, other: S) -> Halves<S, R> {
    let WebSocket { link, inbox, assembly, agreed } = socket;
    let Link { stream, ws, clock, outbox, timer, is_shut, broken } = link;
    let outgoing = Mutex::new(Outgoing { stream: other, outbox, broken });
    let shared = Arc::new(Shared { outgoing, ws: Mutex::new(ws), encoded: Condvar::new(), clock });
    let reader = Reader { stream, inbox, assembly, agreed, timer, is_shut, shared: shared.clone() };
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

    /// Refuses what the peer sent; as [`WebSocket::fail`].
    pub fn fail(&mut self, code: CloseCode) {
        let mut ws = self.shared.ws();
        ws.set_time(self.shared.clock.now());
        ws.fail(code);
    }

    /// How far the connection is.
    pub fn ready_state(&self) -> ReadyState {
        self.shared.ws().ready_state()
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The subprotocol agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.agreed.protocol.as_deref()
    }

    /// The code of the peer's Close: `None` before it came, `Some(None)` if it had none.
    pub fn close_received(&self) -> Option<Option<CloseCode>> {
        self.shared.ws().close_received()
    }

    /// The code of our Close: as [`WebSocket::close_sent`].
    pub fn close_sent(&self) -> Option<Option<CloseCode>> {
        self.shared.ws().close_sent()
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
                    return Err(match self.end() {
                        Err(Error::WouldBlock) => Error::WouldBlock,
                        _ => Error::Peer(error), // it broke the rule, whether it can be told or not
                    });
                }
            }
            if self.inbox.is_empty()
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
                self.end()?;
                return self.shared.ending().map(|()| None);
            }
            if self.inbox.is_empty() {
                self.wait(settled)?;
            } else {
                self.make_way(settled)?;
            }
        }
    }

    fn wait(&mut self, settled: Settled) -> Result<(), Error> {
        let longest = if settled == Settled::NotYet { SHORT_NAP } else { NAP };
        let due = self.shared.ws().poll_timeout().map(|due| self.shared.clock.until(due));
        let wait = due.map_or(longest, |due| due.min(longest));
        let clock = self.shared.clock;
        let got = self.timer.read(&mut self.stream, &mut self.inbox, Some(wait), clock);
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

    /// Writes what is left, ends our direction, and lets the peer end its own.
    fn end(&mut self) -> Result<(), Error> {
        if !self.is_shut {
            let written = self.write_last();
            if matches!(written, Err(Error::WouldBlock)) {
                return written;
            }
            self.is_shut = true;
            // This ends a write that the writer waits in, too.
            if self.stream.shutdown_write().is_err() {
                self.shared.ws().receive_eof(); // the peer is gone: there is nobody to tell
            }
            written?;
        }
        let clock = self.shared.clock;
        linger(&*self.shared, &mut self.stream, &mut self.inbox, &mut self.timer, clock)
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
        self.shared.encode(Patience::Send, |ws, out| ws.send(kind, payload, last, out))?;
        taken(self.flush())
    }

    /// As [`WebSocket::feed`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.shared.encode(Patience::Send, |ws, out| ws.send(kind, payload, last, out))
    }

    /// As [`WebSocket::flush`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn flush(&mut self) -> Result<(), Error> {
        let patience = self.shared.patience();
        self.shared.transmit(&mut self.shared.outgoing(), patience)?;
        self.shared.write_owed()
    }

    /// As [`WebSocket::ping`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.shared.encode(Patience::Send, |ws, out| ws.ping(payload, out))?;
        taken(self.flush())
    }

    /// Sends a Close and returns; the reader goes on until its `None`.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::begin_close`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.begin_close(Some(code), reason)
    }

    /// As [`close`](Self::close); the code may be missing.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::begin_close`].
    pub fn begin_close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        let patience = {
            let mut ws = self.shared.ws();
            ws.set_time(self.shared.clock.now());
            closing(&ws)
        };
        self.shared.encode(patience, |ws, out| ws.close(code, reason, out))?;
        taken(self.flush())
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

    fn handle_timeout(&self) {
        self.ws().handle_timeout(self.clock.now());
    }

    fn patience(&self) -> Patience {
        patience(&self.ws(), self.clock)
    }

    /// How the connection ended, once it has.
    fn ending(&self) -> Result<(), Error> {
        let result = ending(&self.ws());
        result.map_err(|error| match self.outgoing.try_lock() {
            Ok(mut outgoing) => why(error, &mut outgoing.broken),
            Err(_) => error,
        })
    }

    /// For the writer: repeats `encode` until it is done, and writes out what is in its way.
    fn encode(
        &self,
        patience: Patience,
        mut encode: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), Error> {
        let mut outgoing = self.outgoing();
        let result = loop {
            if !outgoing.outbox.has_room()
                && let Err(error) = outgoing.flush(patience)
            {
                break Err(error);
            }
            let done = outgoing.outbox.encode(|out| encode(&mut self.ws(), out));
            self.encoded.notify_one();
            match done {
                Ok(true) => break Ok(()),
                Ok(false) => {
                    if let Err(error) = outgoing.flush(patience) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error.into()),
            }
        };
        drop(outgoing);
        if let Ok(()) | Err(Error::Usage(_)) = result {
            self.write_owed()?;
        }
        result
    }

    /// For the writer, done with its own: writes what the reader left to it meanwhile.
    fn write_owed(&self) -> Result<(), Error> {
        self.encoded.notify_one();
        while self.ws().wants_transmit() {
            match self.settle(self.patience()) {
                Ok(Settled::All) => {}
                Ok(Settled::NotYet | Settled::ByWriter) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn settle_patiently(&self) -> Result<Settled, Error> {
        self.settle(self.patience())
    }

    /// Writes what is encoded or owed, unless the other half is writing: then that half does it, once it is done.
    fn settle(&self, patience: Patience) -> Result<Settled, Error> {
        loop {
            let mut outgoing = match self.outgoing.try_lock() {
                Ok(outgoing) => outgoing,
                Err(TryLockError::Poisoned(error)) => error.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(Settled::ByWriter),
            };
            match self.transmit(&mut outgoing, patience) {
                Ok(()) => {}
                Err(Error::WouldBlock) => return Ok(Settled::NotYet),
                // The peer is gone. It may have said something before, which is read first.
                Err(error) if is_end(&error) => {
                    if outgoing.broken.is_none() {
                        outgoing.broken = broken(error);
                    }
                    forget(&mut outgoing.outbox, &mut self.ws());
                }
                Err(error) => return Err(error),
            }
            drop(outgoing);
            if !self.ws().wants_transmit() {
                return Ok(Settled::All);
            }
        }
    }

    /// Writes all that is encoded or owed.
    fn transmit(&self, outgoing: &mut Outgoing<S>, patience: Patience) -> Result<(), Error> {
        loop {
            if outgoing.outbox.has_room() {
                outgoing.outbox.encode(|out| self.ws().transmit(out));
            }
            outgoing.flush(patience)?;
            if !self.ws().wants_transmit() {
                return Ok(());
            }
        }
    }

    /// Waits until the writer has encoded something or is done, for a while, if it `is_needed`.
    fn wait_for_writer(&self, is_needed: impl FnOnce(&Connection<R>) -> bool) {
        let ws = self.ws();
        if is_needed(&ws) {
            drop(self.encoded.wait_timeout(ws, SHORT_NAP));
        }
    }
}

impl<S: Transport, R: Role> Access<R> for &Shared<S, R> {
    fn with<T>(&mut self, look: impl FnOnce(&mut Connection<R>) -> T) -> T {
        look(&mut self.ws())
    }
}

impl<S: Transport> Outgoing<S> {
    fn flush(&mut self, patience: Patience) -> Result<(), Error> {
        match self.broken {
            Some(_) if !self.outbox.is_settled() => Err(Error::Io(io::ErrorKind::BrokenPipe.into())),
            Some(_) => Ok(()),
            None => self.outbox.flush(&mut self.stream, patience),
        }
    }
}
