//! The sending half of a connection, and its end: [`Link`], everything but what was read. [`Sender`] lends it to the
//! caller while a piece of a message is held, and [`MessageWriter`] writes one message through it.

use crate::buffers::{Inbox, Outbox};
use crate::clock::{Clock, Deadline};
use crate::waiting::{Got, ReadTimer, is_end, linger};
use crate::{Error, Options, Transport};
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
    pub(crate) timer: ReadTimer,
    pub(crate) is_shut: bool,
}

impl<S: Transport, R: Role> Link<S, R> {
    pub(crate) fn new(stream: S, ws: Connection<R>, clock: Clock, options: &Options) -> Result<Self, Error> {
        stream.set_write_timeout((!options.send_timeout.is_zero()).then_some(options.send_timeout))?;
        let outbox = Outbox::new(options.write_buffer, options.send_timeout);
        Ok(Self { stream, ws, clock, outbox, timer: ReadTimer::new(), is_shut: false })
    }

    /// Sends and writes; what the stream does not take at once goes out with the next call.
    pub(crate) fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.feed(kind, payload, last)?;
        taken(self.flush())
    }

    pub(crate) fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.encode(|ws, out| ws.send(kind, payload, last, out))
    }

    /// Sends a control frame of the caller's.
    pub(crate) fn control(
        &mut self,
        encode: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), Error> {
        self.encode(encode)?;
        taken(self.flush())
    }

    /// Repeats `encode` until it is done, and writes out what is in its way.
    fn encode(
        &mut self,
        mut encode: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), Error> {
        loop {
            if !self.outbox.has_room() {
                self.outbox.flush(&mut self.stream)?;
            }
            if self.outbox.encode(|out| encode(&mut self.ws, out))? {
                return Ok(());
            }
            self.outbox.flush(&mut self.stream)?;
        }
    }

    /// Writes all that is encoded or owed.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        loop {
            if self.outbox.has_room() {
                self.outbox.encode(|out| self.ws.transmit(out));
            }
            self.outbox.flush(&mut self.stream)?;
            if !self.ws.wants_transmit() {
                return Ok(());
            }
        }
    }

    /// Writes all that there is to write for a reader who is about to wait. A peer that has closed may be gone, and one
    /// that is given up is not written to.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        if self.ws.timed_out().is_some() {
            return Ok(());
        }
        match self.flush() {
            Err(error) if self.ws.close_received().is_some() && is_end(&error) => {
                self.outbox.clear();
                self.ws.receive_eof();
                Ok(())
            }
            result => result,
        }
    }

    /// Waits until something was read or is due.
    pub(crate) fn wait(&mut self, inbox: &mut Inbox) -> Result<(), Error> {
        let wait = self.ws.poll_timeout().map(|moment| self.clock.until(moment));
        let got = self.timer.read(&mut self.stream, inbox, wait);
        note(&mut self.ws, self.clock.now(), got)
    }

    /// All that was read has been received: does what is due.
    pub(crate) fn judge(&mut self) {
        if self.timer.is_drained() {
            self.ws.handle_timeout(self.clock.now());
        }
    }

    /// The connection is over for us: ends our direction once all is written, and lets the peer end its own.
    pub(crate) fn end(&mut self, inbox: &mut Inbox) -> Result<(), Error> {
        if self.is_shut {
            return Ok(());
        }
        self.settle()?;
        self.is_shut = true;
        if self.ws.ready_state() == ReadyState::Closed {
            let _ = self.stream.shutdown_write(); // the peer is gone: there is nobody to tell
            return Ok(());
        }
        let time = Duration::from_millis(self.ws.config().timeouts.close.millis().into());
        linger(&mut self.stream, inbox, Deadline::within(time));
        self.ws.receive_eof();
        Ok(())
    }

    pub(crate) fn buffered_amount(&self) -> u64 {
        self.ws.buffered_amount().saturating_add(self.outbox.len() as u64)
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
) -> Result<(), Error> {
    match got {
        Ok(Got::Bytes) => ws.set_time(now),
        Ok(Got::End) => ws.receive_eof(),
        // Both Close frames have gone over, and only the end of the transport was missing: nothing is lost.
        Err(error) if ws.was_clean() && is_end(&error) => ws.receive_eof(),
        Ok(Got::Nothing) | Err(Error::WouldBlock) => {
            ws.handle_timeout(now);
            // What is due goes out first.
            if got.is_err() && !ws.wants_transmit() && ws.timed_out().is_none() {
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
        self.0.ws.fail(code);
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

    /// Ends the message. A further call does nothing; a further write begins another message.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`](crate::WebSocket::send); after [`Error::WouldBlock`], call again.
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.is_open {
            self.link.send(self.kind, &mut &[][..], true)?;
            self.is_open = false;
        }
        Ok(())
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
