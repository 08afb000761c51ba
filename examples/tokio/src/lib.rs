//! A [`WebSocket`] over tokio, on `ws-core` alone: the code to copy into a program, and to change.
//!
//! Every call may be dropped at any await, in `select!` or otherwise, and made again: nothing is lost, because nothing is
//! in the futures. What was read and not decoded, what was encoded and not written, lies in the struct. tokio's `read` and
//! `write`, when dropped, have done nothing; what they did otherwise is noted before anything else is awaited. Deadlines are
//! kept as moments, which calls made again do not put off. [`accept`] alone takes the stream: to drop it is to hang up.
//!
//! It writes, then reads: a peer that does not read while it writes is given up. `ws-std` does both side by side.

#![forbid(unsafe_code)]

mod opening;
pub use opening::accept;

use std::io::{self, ErrorKind};
use std::ops::Range;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, Instant, timeout, timeout_at};
use ws_core::{CloseCode, Connection, Data, Event, Input, Kind, Output, ReadyState, Role, UsageError};

/// A peer that has not taken what is to be written by then is given up.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// An open WebSocket over `S`. Keep receiving: that answers Pings, sends the heartbeat, and writes what was sent.
///
/// Errors are those of the stream, and: `InvalidData`, the peer broke a rule (a `PeerError` is inside, the peer was
/// told); `TimedOut`; `UnexpectedEof`, the peer left without closing; `InvalidInput`, the call is not possible now.
#[derive(Debug)]
pub struct WebSocket<S, R: Role> {
    rx: Box<[u8]>,
    unread: Range<usize>, // what of `rx` is not decoded
    read_at: ws_core::Instant,
    /// Sends while no chunk is held.
    pub sender: Sender<S, R>,
}

/// What lent chunks do not borrow: sends beside them.
#[derive(Debug)]
pub struct Sender<S, R: Role> {
    stream: S,
    /// The state of the protocol: codes, reasons, round trip.
    pub ws: Connection<R>,
    start: Instant, // when the connection's clock stood at 0
    tx: Box<[u8]>,
    unsent: Range<usize>,      // what of `tx` is not written
    write_by: Option<Instant>, // while a write is begun and not flushed
    is_shut: bool,
}

/// A piece of a message, lent until the next call.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Text or binary; the same for all pieces of a message.
    pub kind: Kind,
    /// The bytes of this piece; text may be cut inside a character.
    pub payload: &'a mut [u8],
    /// No piece of the message follows.
    pub last: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> WebSocket<S, R> {
    /// A WebSocket behind its opening handshake. `rx`: memory to read into, where `unread` came behind that handshake; as
    /// much, but at least a control frame, is made to write from.
    pub fn new(stream: S, ws: Connection<R>, rx: Box<[u8]>, unread: Range<usize>) -> Self {
        let (tx, start) = (vec![0; rx.len().max(131)].into(), Instant::now());
        let sender = Sender { stream, ws, start, tx, unsent: 0..0, write_by: None, is_shut: false };
        Self { rx, unread, read_at: sender.now(), sender }
    }

    /// Waits for the next piece of a message, and lends it, with the sender beside it. `None`: both ends have closed.
    pub async fn receive(&mut self) -> io::Result<Option<(Chunk<'_>, &mut Sender<S, R>)>> {
        let Self { rx, unread, read_at, sender } = self;
        loop {
            let mut input = Input::new(rx.get_mut(unread.clone()).unwrap_or_default());
            let event = sender.ws.receive(&mut input);
            let is_decoded = input.is_empty();
            unread.start += input.consumed();
            let fault = match event {
                Ok(Some(Event::Data(Data { kind, payload, last, .. }))) => {
                    // It ends where the decoder stands; borrowed anew, for the loop's next round to borrow too.
                    let place = unread.start.saturating_sub(payload.len())..unread.start;
                    let payload = rx.get_mut(place).unwrap_or_default();
                    return Ok(Some((Chunk { kind, payload, last }, sender)));
                }
                Ok(Some(_)) => continue, // a control frame: what it asks for is owed already
                Ok(None) => None,
                Err(error) => Some(io::Error::new(ErrorKind::InvalidData, error)), // the Close is owed already
            };
            // A read that filled the buffer may have left a Pong in the stream that came in time.
            if is_decoded && (unread.end < rx.len() || sender.ws.close_expected()) {
                sender.ws.handle_timeout(*read_at);
            }
            sender.flush().await?;
            if sender.ws.ready_state() == ReadyState::Closed {
                let why = sender.ws.timed_out().map_or(ErrorKind::UnexpectedEof, |_| ErrorKind::TimedOut);
                return if sender.ws.was_clean() { Ok(None) } else { Err(fault.unwrap_or(why.into())) };
            }
            if !is_decoded {
                continue; // a reply was in the way
            }
            let wait = sender.ws.poll_timeout().map_or(ws_core::Duration::MAX, |due| due.since(sender.now()));
            let read = timeout(Duration::from_millis(wait.millis().into()), sender.stream.read(rx)).await;
            *read_at = sender.now();
            sender.ws.set_time(*read_at);
            match read {
                Err(_) => *unread = 0..0, // something is due, and nothing has come
                Ok(Ok(n)) if n > 0 => *unread = 0..n,
                Ok(Err(error)) if sender.ws.ready_state() == ReadyState::Open => return Err(error),
                Ok(_) => sender.ws.receive_eof(), // once closing, a reset is an end too
            }
        }
    }

    /// Closes, forgets what still comes, and waits until the peer has closed too.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> io::Result<()> {
        if self.sender.ws.ready_state() == ReadyState::Open {
            self.read_at = self.sender.now();
            self.sender.ws.set_time(self.read_at); // the closing handshake has all its time from now on
            self.sender.encode(|ws, out| ws.close(Some(code), reason, out)).await?;
        }
        while self.receive().await?.is_some() {}
        Ok(())
    }
}

impl<S: AsyncWrite + Unpin, R: Role> Sender<S, R> {
    /// Sends a piece of a message, the last one if `last` is set: moves `payload` past what was taken, and waits only while
    /// there is no room for the rest. A call that was dropped is made again, with what is left of `payload`. What was taken
    /// goes out with the next [`flush`](Self::flush) or [`receive`](WebSocket::receive).
    pub async fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> io::Result<()> {
        self.encode(|ws, out| ws.send(kind, payload, last, out)).await
    }

    /// Waits until all that was sent is written, and what is owed with it.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.encode(|ws, out| {
            ws.transmit(out);
            Ok(!ws.wants_transmit())
        })
        .await?;
        self.write().await
    }

    /// Repeats `encode` behind what is unsent until it is done.
    async fn encode(
        &mut self,
        mut encode: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> io::Result<()> {
        loop {
            let mut out = Output::new(self.tx.get_mut(self.unsent.end..).unwrap_or_default());
            let result = encode(&mut self.ws, &mut out);
            self.unsent.end += out.filled().len();
            match result {
                Ok(true) => return Ok(()),
                Ok(false) | Err(UsageError::OutputTooSmall) => self.write().await?, // makes room
                Err(error) => return Err(io::Error::new(ErrorKind::InvalidInput, error)),
            }
        }
    }

    /// Writes what is unsent, and flushes; or shuts our direction down, if that is due. Each is done once: else calls that are
    /// dropped in it would never come to read.
    async fn write(&mut self) -> io::Result<()> {
        let is_last = self.ws.wants_shutdown() && !self.is_shut;
        if self.unsent.is_empty() && self.write_by.is_none() && !is_last {
            return Ok(());
        }
        let by = *self.write_by.get_or_insert_with(|| Instant::now() + SEND_TIMEOUT);
        while !self.unsent.is_empty() {
            let bytes = self.tx.get(self.unsent.clone()).unwrap_or_default();
            match timeout_at(by, self.stream.write(bytes)).await?? {
                0 => return Err(ErrorKind::WriteZero.into()),
                n => self.unsent.start += n,
            }
        }
        if is_last {
            let _ = timeout_at(by, self.stream.shutdown()).await?; // flushes; if it fails, reading will tell
            self.is_shut = true;
        } else {
            timeout_at(by, self.stream.flush()).await??;
        }
        (self.unsent, self.write_by) = (0..0, None);
        Ok(())
    }

    fn now(&self) -> ws_core::Instant {
        ws_core::Instant::from_millis(self.start.elapsed().as_millis() as u64)
    }
}
