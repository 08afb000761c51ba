//! An open connection over a stream: [`WebSocket`].

use crate::buffers::{Inbox, Outbox};
use crate::clock::{Clock, Deadline};
use crate::incoming::{Assembly, Chunk, Found, decode};
use crate::split::{self, Reader, Writer};
use crate::transport::linger;
use crate::{Error, Options, Transport};
use std::io;
use std::time::Duration;
use ws_core::{CloseCode, Connection, Kind, Message, ReadyState, Role};

/// An open WebSocket over `S`, as `R`: [`Client`](crate::Client) or [`Server`](crate::Server).
///
/// Reading answers Pings, sends the heartbeat and closes as the protocol asks, so keep reading. A call that ends with
/// [`Error::WouldBlock`] has lost nothing; call it again. After any other error but [`Error::Usage`] the connection is
/// of no more use. Dropping it closes the stream.
///
/// # Memory
///
/// See [`Options`]; beside its buffers, some 300 bytes.
#[derive(Debug)]
pub struct WebSocket<S, R: Role> {
    pub(crate) stream: S,
    pub(crate) ws: Connection<R>,
    pub(crate) clock: Clock,
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    pub(crate) assembly: Assembly,
    pub(crate) protocol: Option<String>,
    pub(crate) is_shut: bool,
}

impl<S: Transport, R: Role> WebSocket<S, R> {
    pub(crate) fn new(
        stream: S,
        ws: Connection<R>,
        clock: Clock,
        inbox: Inbox,
        options: &Options,
        protocol: Option<String>,
    ) -> Result<Self, Error> {
        stream.set_write_timeout(Some(options.send_timeout))?;
        let outbox = Outbox::new(options.write_buffer);
        let assembly = Assembly::up_to(options.config.limits.message);
        Ok(Self { stream, ws, clock, inbox, outbox, assembly, protocol, is_shut: false })
    }

    /// Waits for the next whole message, and lends it until the next call. `None`: the closing handshake is done; see
    /// [`close_received`](Self::close_received).
    ///
    /// # Errors
    ///
    /// [`Error::Peer`] with 1009 for a message above the limit; [`Error::Lost`] at an end without closing;
    /// [`Error::TimedOut`]; [`Error::Io`].
    pub fn read(&mut self) -> Result<Option<Message<'_>>, Error> {
        loop {
            let Some(found) = self.find_chunk()? else { return Ok(None) };
            if self.assembly.add(&mut self.inbox, &found) {
                return Ok(Some(self.assembly.lend(&mut self.inbox, found)));
            }
        }
    }

    /// Waits for the next piece of a message, of any length, and lends it until the next call: for messages that need
    /// not fit into memory. `None`: the closing handshake is done.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_chunk(&mut self) -> Result<Option<Chunk<'_>>, Error> {
        Ok(self.find_chunk()?.map(|found| found.lend(&mut self.inbox)))
    }

    /// Sends a whole text message.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] once closing; [`Error::WouldBlock`] if the peer took nothing for
    /// [`Options::send_timeout`](crate::Options::send_timeout): part of the message may be out, so drop the connection,
    /// or use [`send`](Self::send) over streams that do not block.
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send(Kind::Text, &mut text.as_bytes(), true)
    }

    /// Sends a whole binary message.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(Kind::Binary, &mut &*bytes, true)
    }

    /// Sends a piece of a message, the last one if `last` is set, and moves `payload` past what was taken. Text may be
    /// cut anywhere, but has to be UTF-8 as a whole.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`]: `payload` holds what was not taken yet; call again with the same arguments. Else as
    /// [`send_text`](Self::send_text).
    pub fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.feed(kind, payload, last)?;
        match self.flush() {
            Err(Error::WouldBlock) => Ok(()), // all is taken; it goes out with the next call
            result => result,
        }
    }

    /// As [`send`](Self::send), but leaves what fits in the buffer: for several messages in one write. Follow with
    /// [`flush`](Self::flush), or read, which flushes before it waits.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        loop {
            if !self.outbox.has_room() {
                self.outbox.flush(&mut self.stream)?;
            }
            if self.outbox.encode(|out| self.ws.send(kind, payload, last, out))? {
                return Ok(());
            }
            self.outbox.flush(&mut self.stream)?;
        }
    }

    /// Writes all that waits to be written.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`]: call again; [`Error::Io`].
    pub fn flush(&mut self) -> Result<(), Error> {
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

    /// A writer for one message of unknown length: what is written to it goes out in frames as the buffer fills.
    pub fn message_writer(&mut self, kind: Kind) -> MessageWriter<'_, S, R> {
        MessageWriter { socket: self, kind }
    }

    /// Sends a Ping with up to 125 bytes of payload. The heartbeat sends its own.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.control(|ws, out| ws.ping(payload, out))
    }

    /// Closes in peace: sends a Close with `code` and `reason` (at most 123 bytes), then reads and forgets until the
    /// peer has closed too, for as long as [`Timeouts::close`](crate::Timeouts::close). To go on receiving meanwhile, use
    /// [`begin_close`](Self::begin_close) and [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] or [`Error::Lost`] if the peer does not close; it is over all the same.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        match self.begin_close(Some(code), reason) {
            Ok(()) | Err(Error::Usage(ws_core::UsageError::Closing)) => {}
            Err(error) => return Err(error),
        }
        while self.find_chunk()?.is_some() {}
        Ok(())
    }

    /// Sends a Close and returns. Nothing can be sent after it; go on reading until `None`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the closing handshake has begun already; else as [`send`](Self::send).
    pub fn begin_close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        self.control(|ws, out| ws.close(code, reason, out))
    }

    /// Refuses what the peer sent, with `code`; the next read ends the connection with
    /// [`PeerError::Refused`](crate::PeerError::Refused).
    pub fn fail(&mut self, code: CloseCode) {
        self.ws.fail(code);
    }

    /// The subprotocol agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The extensions agreed on: none yet.
    pub fn extensions(&self) -> &str {
        ""
    }

    /// How far the connection is.
    pub fn ready_state(&self) -> ReadyState {
        self.ws.ready_state()
    }

    /// Bytes encoded or owed, and not yet taken by the stream.
    pub fn buffered_amount(&self) -> u64 {
        self.ws.buffered_amount().saturating_add(self.outbox.len() as u64)
    }

    /// Both Close frames have gone over.
    pub fn was_clean(&self) -> bool {
        self.ws.was_clean()
    }

    /// The code of the peer's Close: `None` before it came, `Some(None)` if it had none.
    pub fn close_received(&self) -> Option<Option<CloseCode>> {
        self.ws.close_received()
    }

    /// The reason in the peer's Close; empty before it came.
    pub fn close_reason(&self) -> &str {
        self.ws.close_reason()
    }

    /// How long the latest heartbeat took to come back.
    pub fn round_trip(&self) -> Option<Duration> {
        self.ws.round_trip().map(|time| Duration::from_millis(time.millis().into()))
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    fn control(
        &mut self,
        encode: impl Fn(&mut Connection<R>, &mut ws_core::Output<'_>) -> Result<bool, ws_core::UsageError>,
    ) -> Result<(), Error> {
        loop {
            if !self.outbox.has_room() {
                self.outbox.flush(&mut self.stream)?;
            }
            if self.outbox.encode(|out| encode(&mut self.ws, out))? {
                return match self.flush() {
                    Err(Error::WouldBlock) => Ok(()),
                    result => result,
                };
            }
            self.outbox.flush(&mut self.stream)?;
        }
    }

    /// Waits for the next piece of a message; `None`: it is over.
    fn find_chunk(&mut self) -> Result<Option<Found>, Error> {
        loop {
            match decode(&mut self.ws, &mut self.inbox) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) => {
                    self.end()?;
                    return Err(Error::Peer(error));
                }
            }
            self.flush()?;
            if self.ws.wants_shutdown() {
                self.end()?;
                return self.over();
            }
            if self.inbox.is_empty() {
                self.wait()?;
            }
        }
    }

    /// Waits until something was read or is due.
    fn wait(&mut self) -> Result<(), Error> {
        let deadline = self.ws.poll_timeout();
        self.stream.set_read_timeout(deadline.map(|deadline| self.clock.until(deadline)))?;
        let read = self.inbox.fill(&mut self.stream);
        self.ws.handle_timeout(self.clock.now());
        if let Some(which) = self.ws.timed_out() {
            return Err(which.into());
        }
        match read {
            Ok(0) => self.ws.receive_eof(),
            Ok(_) => {}
            Err(error) => match Error::from(error) {
                Error::WouldBlock if self.ws.wants_transmit() => {}
                Error::Io(error) if self.ws.was_clean() && is_end(&error) => self.ws.receive_eof(),
                error => return Err(error),
            },
        }
        Ok(())
    }

    /// Ends our direction, then reads and forgets until the peer's end: closing with unread input would reset the
    /// connection, and may take our Close frame along.
    fn end(&mut self) -> Result<(), Error> {
        if self.is_shut {
            return Ok(());
        }
        self.flush()?;
        self.is_shut = true;
        if self.ws.ready_state() == ReadyState::Closed {
            let _ = self.stream.shutdown_write();
            return Ok(());
        }
        let time = Duration::from_millis(self.ws.config().timeouts.close.millis().into());
        linger(&mut self.stream, &mut self.inbox, Deadline::within(time));
        self.ws.receive_eof();
        Ok(())
    }

    fn over(&self) -> Result<Option<Found>, Error> {
        if self.ws.was_clean() { Ok(None) } else { Err(Error::Lost) }
    }
}

impl<S: Transport, R: Role> WebSocket<S, R> {
    /// Takes the connection apart into a reader and a writer for two threads. `other` is another handle of the same
    /// stream, as [`TcpStream::try_clone`](std::net::TcpStream::try_clone) makes one; the writer gets it.
    ///
    /// The reader goes on answering Pings and sending the heartbeat while the writer is idle.
    pub fn split(self, other: S) -> (Reader<S, R>, Writer<S, R>) {
        split::split(self, other)
    }
}

/// Writes one message of unknown length; see [`WebSocket::message_writer`]. Call [`finish`](Self::finish): a message
/// that is only dropped stays open, and no other can be sent.
#[derive(Debug)]
#[must_use = "a message ends with `finish`"]
pub struct MessageWriter<'a, S, R: Role> {
    socket: &'a mut WebSocket<S, R>,
    kind: Kind,
}

impl<S: Transport, R: Role> MessageWriter<'_, S, R> {
    /// Ends the message.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`].
    pub fn finish(self) -> Result<(), Error> {
        self.socket.send(self.kind, &mut &[][..], true)
    }
}

impl<S: Transport, R: Role> io::Write for MessageWriter<'_, S, R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        match self.socket.feed(self.kind, &mut rest, false) {
            Err(error) if rest.len() == bytes.len() => Err(io_error(error)),
            _ => Ok(bytes.len().saturating_sub(rest.len())),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush().map_err(io_error)
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::WouldBlock => io::ErrorKind::WouldBlock.into(),
        error => io::Error::other(error),
    }
}

/// The ways in which a peer that has closed in peace may leave.
pub(crate) fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
    )
}
