//! The sending half of a connection, and its end: [`Link`], everything but what was read. [`Sender`] lends it to the
//! caller while a piece of a message is held, and [`MessageWriter`] writes one message through it.

use crate::buffers::{Inbox, Outbox, Patience};
use crate::clock::{Clock, Deadline};
use crate::compression::{self, Deflating};
use crate::incoming::{Decoded, Decoder, decode};
use crate::waiting::{Got, ReadTimer, SHORT_NAP, is_end, linger};
use crate::{Error, Transport};
use std::io;
use std::time::Duration;
use ws_core::{CloseCode, Connection, Kind, Output, ReadyState, Role, UsageError};

/// A stream, the state of the protocol over it, and what waits to be written.
#[derive(Debug)]
pub(crate) struct Link<S, R: Role> {
    pub(crate) stream: S,
    pub(crate) ws: Connection<R>,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    /// What messages are compressed with, if that was agreed on.
    pub(crate) deflating: Option<Deflating>,
    pub(crate) timer: ReadTimer,
    pub(crate) is_shut: bool,
    /// The stream takes no more, and why; what it brought before may still be read.
    pub(crate) broken: Option<io::Error>,
}

impl<S: Transport, R: Role> Link<S, R> {
    pub(crate) fn new(
        stream: S,
        ws: Connection<R>,
        clock: Clock,
        outbox: Outbox,
        deflating: Option<Deflating>,
    ) -> Self {
        let timer = ReadTimer::new();
        Self { stream, ws, clock, outbox, deflating, timer, is_shut: false, broken: None }
    }

    /// Sends and writes; what the stream does not take at once goes out with the next call.
    pub(crate) fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.feed(kind, payload, last)?;
        taken(self.flush())
    }

    /// Sends a whole message and writes it, however often a stream that does not wait has to be asked: who called again
    /// would begin the message anew, inside itself.
    pub(crate) fn send_whole(&mut self, kind: Kind, mut payload: &[u8]) -> Result<(), Error> {
        self.encode_data(Patience::Insist, kind, &mut payload, true)?;
        self.write(Patience::Insist)?;
        taken(self.flush())
    }

    pub(crate) fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.encode_data(Patience::Send, kind, payload, last)
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.encode(Patience::Send, |ws, _, out| ws.ping(payload, out))?;
        taken(self.flush())
    }

    /// Sends a Close. A peer that takes nothing gets no more time for it than for all of the closing handshake, which
    /// begins now.
    pub(crate) fn close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        self.ws.set_time(self.clock.now());
        self.encode(closing(&self.ws), |ws, _, out| ws.close(code, reason, out))?;
        taken(self.flush())
    }

    pub(crate) fn fail(&mut self, code: CloseCode) {
        self.ws.set_time(self.clock.now());
        self.ws.fail(code);
    }

    fn encode_data(
        &mut self,
        patience: Patience,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
    ) -> Result<(), Error> {
        self.encode(patience, |ws, deflating, out| compression::send(ws, deflating, kind, payload, last, out))
    }

    /// Repeats `encode` until it is done, and writes out what is in its way.
    fn encode(
        &mut self,
        patience: Patience,
        mut encode: impl FnMut(
            &mut Connection<R>,
            &mut Option<Deflating>,
            &mut Output<'_>,
        ) -> Result<bool, UsageError>,
    ) -> Result<(), Error> {
        loop {
            if !self.outbox.has_room() {
                self.write(patience)?;
            }
            match self.outbox.encode(|out| encode(&mut self.ws, &mut self.deflating, out)) {
                Ok(true) => return Ok(()),
                Ok(false) => self.write(patience)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all that is encoded.
    fn write(&mut self, patience: Patience) -> Result<(), Error> {
        match self.broken {
            Some(_) => Err(Error::Io(io::ErrorKind::BrokenPipe.into())),
            None => note_broken(self.outbox.flush(&mut self.stream, patience), &mut self.broken),
        }
    }

    /// Writes all that is encoded or owed.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        loop {
            if self.outbox.has_room() {
                self.outbox.encode(|out| self.ws.transmit(out));
            }
            self.write(patience(&self.ws, self.clock))?;
            if !self.ws.wants_transmit() {
                return Ok(());
            }
        }
    }

    /// Writes all that there is to write for a reader who is about to wait; `false`: the stream does not take it now. A
    /// peer that is given up is not written to. One that is gone may have said something before, which is read first.
    pub(crate) fn settle(&mut self) -> Result<bool, Error> {
        if self.ws.timed_out().is_some() {
            return Ok(true);
        }
        if self.broken.is_none() {
            match self.flush() {
                Err(error) if is_end(&error) => {}
                Err(Error::WouldBlock) => return Ok(false),
                result => return result.map(|()| true),
            }
        }
        forget(&mut self.outbox, &mut self.ws);
        Ok(true)
    }

    /// Waits for the next piece of a message, Ping or Pong; `None`: it is over.
    pub(crate) fn find(&mut self, decoder: &mut Decoder) -> Result<Option<Decoded>, Error> {
        loop {
            let decoded = decode(&mut self.ws, decoder);
            let inbox = &mut decoder.inbox;
            match decoded {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) => {
                    return Err(match self.end(inbox) {
                        Err(Error::WouldBlock) => Error::WouldBlock,
                        _ => Error::Peer(error), // it broke the rule, whether it can be told or not
                    });
                }
            }
            if inbox.is_empty() {
                self.judge();
            }
            let is_settled = self.settle()?;
            if self.ws.wants_shutdown() || self.ws.timed_out().is_some() {
                self.end(inbox)?;
                return self.ending().map(|()| None);
            }
            if inbox.is_empty() {
                // What is not written is no reason not to read: the peer may do the same.
                self.wait(inbox, is_settled)?;
            } else if !is_settled {
                return Err(Error::WouldBlock); // a reply is in the way
            }
        }
    }

    /// Waits until something was read or is due. `is_settled`: nothing waits to be written; else that is tried again soon.
    fn wait(&mut self, inbox: &mut Inbox, is_settled: bool) -> Result<(), Error> {
        if self.ws.ready_state() == ReadyState::Closed {
            // Behind its end the peer may still read what it is owed; but a read would bring that end again, at once.
            return Err(Error::WouldBlock);
        }
        let due = self.ws.poll_timeout().map(|moment| self.clock.until(moment));
        let wait = if is_settled { due } else { Some(due.map_or(SHORT_NAP, |due| due.min(SHORT_NAP))) };
        let got = self.timer.read(&mut self.stream, inbox, wait, self.clock);
        note(&mut self.ws, self.clock.now(), got, is_settled)
    }

    /// All that was read has been received: does what was due by then.
    fn judge(&mut self) {
        if let Some(then) = self.timer.drained() {
            self.ws.handle_timeout(then);
        }
    }

    /// The connection is over for us: ends our direction once all is written, and lets the peer end its own.
    pub(crate) fn end(&mut self, inbox: &mut Inbox) -> Result<(), Error> {
        if !self.is_shut {
            if !self.settle()? {
                return Err(Error::WouldBlock);
            }
            self.is_shut = true;
            if self.stream.shutdown_write().is_err() {
                self.ws.receive_eof(); // the peer is gone, or sees our end only when the stream is dropped
            }
        }
        linger(&mut self.ws, &mut self.stream, inbox, &mut self.timer, self.clock)
    }

    /// How the connection ended, once it has.
    pub(crate) fn ending(&self) -> Result<(), Error> {
        ending(&self.ws).map_err(|error| why(error, self.broken.as_ref()))
    }

    pub(crate) fn buffered_amount(&self) -> u64 {
        self.ws.buffered_amount().saturating_add(self.outbox.len() as u64)
    }
}

/// How long the peer may take nothing of what is written now.
pub(crate) fn patience<R: Role>(ws: &Connection<R>, clock: Clock) -> Patience {
    match (ws.close_sent(), ws.poll_timeout()) {
        (Some(_), Some(end)) => Patience::Close(Deadline::within(clock.until(end))),
        _ => Patience::Send,
    }
}

/// The same for a Close that begins the closing handshake.
pub(crate) fn closing<R: Role>(ws: &Connection<R>) -> Patience {
    let time = ws.config().timeouts.close.millis();
    Patience::Close(Deadline::within(Duration::from_millis(time.into())))
}

/// Nobody is there to be written to. A peer that has closed has said all it had to say.
pub(crate) fn forget<R: Role>(outbox: &mut Outbox, ws: &mut Connection<R>) {
    outbox.clear();
    outbox.encode(|out| ws.transmit(out));
    outbox.clear();
    if ws.close_received().is_some() {
        ws.receive_eof();
    }
}

/// A write that finds the peer gone is the last one.
pub(crate) fn note_broken(flushed: Result<(), Error>, broken: &mut Option<io::Error>) -> Result<(), Error> {
    if let Err(error) = &flushed
        && is_end(error)
        && let Error::Io(error) = error
    {
        *broken = Some(copy(error));
    }
    flushed
}

fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or(error.kind().into(), io::Error::from_raw_os_error)
}

/// A connection that is lost because it broke: says how.
pub(crate) fn why(error: Error, broken: Option<&io::Error>) -> Error {
    match (error, broken) {
        (Error::Lost, Some(broken)) => Error::Io(copy(broken)),
        (error, _) => error,
    }
}

/// All is encoded: what the stream has not taken goes out with the next call.
pub(crate) fn taken(flushed: Result<(), Error>) -> Result<(), Error> {
    match flushed {
        Err(Error::WouldBlock) => Ok(()),
        result => result,
    }
}

/// Tells the connection what a read brought, and when.
pub(crate) fn note<R: Role>(
    ws: &mut Connection<R>,
    now: ws_core::Instant,
    got: Result<Got, Error>,
    is_settled: bool,
) -> Result<(), Error> {
    match got {
        Ok(Got::Bytes) => ws.set_time(now),
        Ok(Got::End) => ws.receive_eof(),
        // Both Close frames have gone over, and only the end of the transport was missing: nothing is lost.
        Err(error) if ws.was_clean() && is_end(&error) => ws.receive_eof(),
        Ok(Got::Nothing) | Err(Error::WouldBlock) => {
            ws.handle_timeout(now);
            // What is due goes out first, if the stream takes it.
            if got.is_err() && !(is_settled && ws.wants_transmit()) && ws.timed_out().is_none() {
                return Err(Error::WouldBlock);
            }
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// How the connection ended, once it has: in peace, with its deadline passed, or without closing.
pub(crate) fn ending<R: Role>(ws: &Connection<R>) -> Result<(), Error> {
    match ws.timed_out() {
        _ if ws.was_clean() => Ok(()),
        Some(which) => Err(which.into()),
        None => Err(Error::Lost),
    }
}

/// Sends while a piece of a message is held; lent by [`WebSocket::receive`](crate::WebSocket::receive).
#[derive(Debug)]
pub struct Sender<'a, S, R: Role>(pub(crate) &'a mut Link<S, R>);

impl<S: Transport, R: Role> Sender<'_, S, R> {
    /// As [`WebSocket::send`](crate::WebSocket::send).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.0.send(kind, payload, last)
    }

    /// As [`WebSocket::feed`](crate::WebSocket::feed).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.0.feed(kind, payload, last)
    }

    /// As [`WebSocket::fail`](crate::WebSocket::fail).
    pub fn fail(&mut self, code: CloseCode) {
        self.0.fail(code);
    }
}

/// Writes one message of unknown length; see [`WebSocket::message_writer`](crate::WebSocket::message_writer). Call
/// [`finish`](Self::finish): a message that is only dropped stays open, and no other can be sent.
#[derive(Debug)]
#[must_use = "a message ends with `finish`"]
pub struct MessageWriter<'a, S, R: Role> {
    link: &'a mut Link<S, R>,
    kind: Kind,
    is_open: bool,
}

impl<'a, S: Transport, R: Role> MessageWriter<'a, S, R> {
    pub(crate) fn new(link: &'a mut Link<S, R>, kind: Kind) -> Self {
        Self { link, kind, is_open: true }
    }

    /// Ends the message and writes it out. A further call does nothing but that; a further write begins another message.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`](crate::WebSocket::send); after [`Error::WouldBlock`], call again.
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.is_open {
            self.link.feed(self.kind, &mut &[][..], true)?;
            self.is_open = false;
        }
        taken(self.link.flush())
    }
}

impl<S: Transport, R: Role> io::Write for MessageWriter<'_, S, R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        self.is_open = true;
        match self.link.feed(self.kind, &mut rest, false) {
            Err(error) if rest.len() == bytes.len() => Err(io_error(error)),
            _ => Ok(bytes.len().saturating_sub(rest.len())),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.link.flush().map_err(io_error)
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::WouldBlock => io::ErrorKind::WouldBlock.into(),
        Error::TimedOut(_) => io::Error::new(io::ErrorKind::TimedOut, error),
        error => io::Error::other(error),
    }
}
