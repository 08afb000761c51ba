//! An open connection over a stream: [`WebSocket`].

use crate::buffers::{Inbox, Outbox};
use crate::clock::Clock;
use crate::compression::{Deflating, Inflating};
use crate::incoming::{Chunk, Event, Incoming};
use crate::link::{Link, MessageWriter, Sender};
use crate::split::{self, Halves};
use crate::waiting::is_end;
use crate::{Error, Transport};
use std::net::TcpStream;
use std::time::Duration;
use ws_core::{CloseCode, Connection, Kind, Message, ReadyState, Role, UsageError};

/// An open WebSocket over `S`, as `R`: [`Client`](crate::Client) or [`Server`](crate::Server).
///
/// Reading answers Pings, sends the heartbeat and closes as the protocol asks, so keep reading. A call that ends with
/// [`Error::WouldBlock`] has lost nothing; call it again. After any other error but [`Error::Usage`] the connection is
/// of no more use, except that what the peer said before it left can still be read. Dropping it closes the stream.
///
/// A call that writes does not read. Two ends that both send much at once, and wait until it is taken, wait for each
/// other: use [`split`](Self::split), so that one thread reads while another writes. For the same reason the peer's
/// silence ([`Timeouts::pong`](crate::Timeouts::pong), `idle`) is judged by calls that read; a call that writes ends
/// when the peer takes nothing for [`Options::send_timeout`](crate::Options::send_timeout).
///
/// # Memory
///
/// See [`Options`](crate::Options); beside its buffers and what compression takes, some 600 bytes, and 320 more for a client's generator.
#[derive(Debug)]
pub struct WebSocket<S, R: Role> {
    pub(crate) link: Link<S, R>,
    pub(crate) incoming: Incoming,
    pub(crate) agreed: Agreed,
}

/// What is left of the opening handshake.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    pub(crate) protocol: Option<String>,
    pub(crate) extensions: String,
    /// Of a client: the fields of the response that it wanted.
    pub(crate) fields: Vec<(String, String)>,
}

/// What [`WebSocket::receive`] lends.
pub type Received<'a, S, R> = (Chunk<'a>, Sender<'a, S, R>);

impl<S: Transport, R: Role> WebSocket<S, R> {
    pub(crate) fn new(
        stream: S,
        ws: Connection<R>,
        clock: Clock,
        (inbox, outbox): (Inbox, Outbox),
        compression: Option<(Inflating, Deflating)>,
        agreed: Agreed,
    ) -> Self {
        let (inflating, deflating) = compression.unzip();
        let incoming = Incoming::new(inbox, inflating, ws.config().limits.message);
        Self { link: Link::new(stream, ws, clock, outbox, deflating), incoming, agreed }
    }

    /// Waits for the next whole message, and lends it until the next call. `None`: the closing handshake is done; see
    /// [`close_received`](Self::close_received). What is left of a message of which [`read_chunk`](Self::read_chunk) or
    /// [`receive`](Self::receive) has lent a piece is passed over.
    ///
    /// # Errors
    ///
    /// [`Error::Peer`] with 1009 for a message above the limit; [`Error::Lost`] at an end without closing;
    /// [`Error::TimedOut`]; [`Error::Io`].
    pub fn read(&mut self) -> Result<Option<Message<'_>>, Error> {
        self.incoming.read(|decoder| self.link.find(decoder))
    }

    /// As [`read`](Self::read), and returns for Pings and Pongs too; [`control`](Self::control) is what is in them.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.incoming.read_event(|decoder| self.link.find(decoder))
    }

    /// Waits for the next piece of a message, of any length, and lends it until the next call: for messages that need
    /// not fit into memory. `None`: the closing handshake is done.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_chunk(&mut self) -> Result<Option<Chunk<'_>>, Error> {
        self.incoming.read_chunk(|decoder| self.link.find(decoder))
    }

    /// As [`read_chunk`](Self::read_chunk), with a [`Sender`] beside the piece: what came can be sent on without a copy.
    ///
    /// ```no_run
    /// # fn echo(mut ws: ws_std::WebSocket<std::net::TcpStream, ws_std::Server>) -> Result<(), ws_std::Error> {
    /// while let Some((chunk, mut sender)) = ws.receive()? {
    ///     sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?; // goes out before the next read waits
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn receive(&mut self) -> Result<Option<Received<'_, S, R>>, Error> {
        let chunk = self.incoming.read_chunk(|decoder| self.link.find(decoder))?;
        Ok(chunk.map(|chunk| (chunk, Sender(&mut self.link))))
    }

    /// Sends a whole text message, and returns when the stream has taken it. A stream that does not wait is asked again
    /// and again until then, so this never ends with [`Error::WouldBlock`]; to do something else meanwhile, use
    /// [`send`](Self::send), which says how far it came.
    ///
    /// Nothing is read meanwhile: no Ping is answered, and no silence of the peer judged. It ends when the peer takes
    /// nothing for `send_timeout`, not if it takes a little now and then.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] once closing; [`Error::TimedOut`] if the peer took nothing for
    /// [`Options::send_timeout`](crate::Options::send_timeout); [`Error::Io`].
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.link.send_whole(Kind::Text, text.as_bytes())
    }

    /// Sends a whole binary message, as [`send_text`](Self::send_text) does.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.link.send_whole(Kind::Binary, bytes)
    }

    /// Sends a piece of a message, the last one if `last` is set, and moves `payload` past what was taken. Text may be
    /// cut anywhere, but has to be UTF-8 as a whole. Where [compression](crate::Compression) was agreed on, what was taken may
    /// go out only with the end of the message.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`]: `payload` holds what was not taken yet, and may be empty if it was compressed; call again with
    /// the same arguments. Else as [`send_text`](Self::send_text).
    pub fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.link.send(kind, payload, last)
    }

    /// As [`send`](Self::send), but leaves what fits in the buffer: for several messages in one write. Follow with
    /// [`flush`](Self::flush), or read, which flushes before it waits.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.link.feed(kind, payload, last)
    }

    /// Writes all that waits to be written. What was compressed of a message whose end was not sent may wait for more of it.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`]: call again; [`Error::Io`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.link.flush()
    }

    /// A writer for one message of unknown length: what is written to it goes out in frames as the buffer fills, or, where it
    /// is compressed, as there is a block of it.
    pub fn message_writer(&mut self, kind: Kind) -> MessageWriter<'_, S, R> {
        MessageWriter::new(&mut self.link, kind)
    }

    /// Sends a Ping with up to 125 bytes of payload. The heartbeat sends its own.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.link.ping(payload)
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
            Ok(()) | Err(Error::Usage(UsageError::Closing)) => {}
            // The peer is gone. Perhaps it has closed before: that is yet to be read.
            Err(error) if is_end(&error) => {}
            Err(error) => return Err(error),
        }
        while self.read_chunk()?.is_some() {}
        Ok(())
    }

    /// Sends a Close and returns. Nothing can be sent after it; go on reading until `None`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the closing handshake has begun already; else as [`send`](Self::send).
    pub fn begin_close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        self.link.close(code, reason)
    }

    /// Refuses what the peer sent, with `code`; the next read ends the connection with
    /// [`PeerError::Refused`](crate::PeerError::Refused).
    pub fn fail(&mut self, code: CloseCode) {
        self.link.fail(code);
    }

    /// The subprotocol agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.agreed.protocol.as_deref()
    }

    /// Of a client: the fields of the server's response that [`Connect::further`](crate::Connect::further) asked for,
    /// names in lower case. Of a server: none.
    pub fn fields(&self) -> &[(String, String)] {
        &self.agreed.fields
    }

    /// The extensions agreed on, as the server's response names them, with their parameters: empty, or
    /// `permessage-deflate; server_no_context_takeover` and the like.
    pub fn extensions(&self) -> &str {
        &self.agreed.extensions
    }

    /// How far the connection is.
    pub fn ready_state(&self) -> ReadyState {
        self.link.ws.ready_state()
    }

    /// Bytes encoded or owed, and not yet taken by the stream.
    pub fn buffered_amount(&self) -> u64 {
        self.link.buffered_amount()
    }

    /// Both Close frames have gone over.
    pub fn was_clean(&self) -> bool {
        self.link.ws.was_clean()
    }

    /// The code of the peer's Close: `None` before it came, `Some(None)` if it had none.
    pub fn close_received(&self) -> Option<Option<CloseCode>> {
        self.link.ws.close_received()
    }

    /// The code of our Close: `None` before it was sent or owed, `Some(None)` if it has none. Once the peer broke a rule,
    /// it tells which.
    pub fn close_sent(&self) -> Option<Option<CloseCode>> {
        self.link.ws.close_sent()
    }

    /// The reason in the peer's Close; empty before it came.
    pub fn close_reason(&self) -> &str {
        self.link.ws.close_reason()
    }

    /// The payload of the latest Ping, Pong or Close, 0 to 125 bytes; valid until the next call that reads.
    pub fn control(&self) -> &[u8] {
        self.link.ws.control()
    }

    /// How long the latest heartbeat took to come back.
    pub fn round_trip(&self) -> Option<Duration> {
        self.link.ws.round_trip().map(|time| Duration::from_millis(time.millis().into()))
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.link.stream
    }
}

impl<S: Transport, R: Role> WebSocket<S, R> {
    /// Takes the connection apart into a reader and a writer for two threads. `other` is another handle of the same
    /// stream, as [`TcpStream::try_clone`](std::net::TcpStream::try_clone) makes one; the writer gets it. TLS
    /// has no such thing: both handles would have to share its state.
    ///
    /// The reader goes on answering Pings and sending the heartbeat while the writer is idle. The stream is closed when
    /// both are dropped; see [`Reader`](crate::Reader) for what one of them does alone.
    pub fn split(self, other: S) -> Halves<S, R> {
        split::split(self, other)
    }
}

impl<R: Role> WebSocket<TcpStream, R> {
    /// [`split`](Self::split), with another handle of the socket.
    ///
    /// # Errors
    ///
    /// The system gives no other handle.
    pub fn try_split(self) -> Result<Halves<TcpStream, R>, Error> {
        let other = self.link.stream.try_clone()?;
        Ok(self.split(other))
    }
}
