//! A stream, the state of the protocol over it, and what was encoded and not written: [`Link`].

use crate::BUFFER;
use crate::inbox::Inbox;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use ws_core::{Connection, Input, Kind, Output, PeerError, ReadyState, Role, UsageError};

/// A peer that takes nothing for so long is given up.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than anything waits.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// More than any control frame.
const ROOM: usize = 160;

#[derive(Debug)]
pub(crate) struct Link<S, R: Role> {
    stream: S,
    pub(crate) ws: Connection<R>,
    /// When the connection's clock stood at 0.
    start: Instant,
    buf: Box<[u8]>,
    unsent: Range<usize>,
    /// Something was written, and the stream was not flushed since.
    unflushed: bool,
    /// Since when the peer has taken nothing.
    stuck: Option<Instant>,
    is_shut: bool,
    /// The stream takes no more, and why; what it brought before is still received.
    broken: Option<io::Error>,
}

/// Sends while a piece of a message is held.
#[derive(Debug)]
pub struct Sender<'a, S, R: Role>(pub(crate) &'a mut Link<S, R>);

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> Sender<'_, S, R> {
    /// As [`WebSocket::send`](crate::WebSocket::send).
    pub async fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> io::Result<()> {
        let encoded = self.0.encode(|ws, out| ws.send(kind, payload, last, out)).await?;
        encoded.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> Link<S, R> {
    pub(crate) fn new(stream: S, ws: Connection<R>) -> Self {
        let buf = vec![0; BUFFER].into_boxed_slice();
        let start = Instant::now();
        let (unsent, unflushed, stuck) = (0..0, false, None);
        Self { stream, ws, start, buf, unsent, unflushed, stuck, is_shut: false, broken: None }
    }

    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    fn now(&self) -> ws_core::Instant {
        let millis = self.start.elapsed().as_millis();
        ws_core::Instant::from_millis(u64::try_from(millis).unwrap_or_default())
    }

    fn put<T>(&mut self, encode: impl FnOnce(&mut Connection<R>, &mut Output<'_>) -> T) -> T {
        if self.unsent.is_empty() {
            self.unsent = 0..0;
        }
        let mut out = Output::new(self.buf.get_mut(self.unsent.end..).unwrap_or_default());
        let result = encode(&mut self.ws, &mut out);
        self.unsent.end += out.filled().len();
        result
    }

    fn has_room(&self) -> bool {
        self.unsent.is_empty() || self.buf.len() - self.unsent.end >= ROOM
    }

    fn is_settled(&self) -> bool {
        self.unsent.is_empty() && !self.unflushed
    }

    /// Repeats `encode` until it is done; waits only for room.
    pub(crate) async fn encode(
        &mut self,
        mut encode: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> io::Result<Result<(), UsageError>> {
        if self.broken.is_some() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // A closing handshake that begins now has all its time.
        self.ws.set_time(self.now());
        loop {
            while !self.has_room() {
                self.turn(None).await?;
            }
            match self.put(&mut encode) {
                Ok(true) => return Ok(Ok(())),
                Ok(false) => self.turn(None).await?,
                Err(UsageError::Closing) => return self.why_closing().await,
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Nothing more can be sent. The peer may have broken a rule right behind the piece that the caller holds: then that is
    /// the error, and the peer is told, since a caller who fails to send may not come back to receive.
    async fn why_closing(&mut self) -> io::Result<Result<(), UsageError>> {
        match self.ws.receive(&mut Input::new(&mut [])) {
            Ok(_) => Ok(Err(UsageError::Closing)),
            Err(error) => {
                let _ = self.end(&mut Inbox::new(b"")).await;
                Err(broke_a_rule(error))
            }
        }
    }

    /// Encodes what is owed, if there is room; else it is next. For a stream that takes nothing, all is forgotten; a peer
    /// that has closed before it left has said all it had to say.
    pub(crate) fn transmit(&mut self) {
        if self.broken.is_some() {
            self.unsent = 0..0;
        }
        if self.has_room() && self.ws.wants_transmit() {
            self.put(|ws, out| ws.transmit(out));
        }
        if self.broken.is_some() {
            self.unsent = 0..0;
            self.unflushed = false;
            if self.ws.close_received().is_some() {
                self.ws.receive_eof();
            }
        }
    }

    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.transmit();
        while !self.is_settled() {
            self.turn(None).await?;
            self.transmit();
        }
        Ok(())
    }

    /// Waits until the stream has taken something or, into an empty inbox, brought something; or until something is due.
    pub(crate) async fn turn(&mut self, mut inbox: Option<&mut Inbox>) -> io::Result<()> {
        if !self.is_settled() {
            self.stuck.get_or_insert_with(Instant::now);
        }
        let send = self.stuck.map(|since| since + SEND_TIMEOUT);
        // Deadlines of the protocol are judged by whoever reads: what has come counts.
        let now = self.now();
        let due = self.ws.poll_timeout().filter(|_| inbox.is_some());
        let due = due.map(|due| Instant::now() + Duration::from_millis(due.since(now).millis().into()));
        let due = send.into_iter().chain(due).min().unwrap_or_else(|| Instant::now() + LONG);
        let moved = poll_fn(|cx| self.poll(cx, inbox.as_deref_mut()));
        match timeout_at(due, moved).await {
            Ok(result) => result,
            Err(_) if send.is_some_and(|send| send <= Instant::now()) => Err(ErrorKind::TimedOut.into()),
            Err(_) => {
                self.ws.handle_timeout(self.now());
                Ok(())
            }
        }
    }

    /// Writes and reads, each once. Ready: something has moved, and is noted.
    fn poll(&mut self, cx: &mut Context<'_>, inbox: Option<&mut Inbox>) -> Poll<io::Result<()>> {
        let mut moved = false;
        let stream = &mut self.stream;
        if !self.unsent.is_empty() {
            let bytes = self.buf.get(self.unsent.clone()).unwrap_or_default();
            match Pin::new(&mut *stream).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => {
                    self.unsent.start += n;
                    self.unflushed = true;
                    moved = true;
                }
                Poll::Ready(Err(error)) if inbox.is_some() && is_gone(&error) => {
                    self.broken = Some(error);
                    self.transmit();
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        } else if self.unflushed && Pin::new(&mut *stream).poll_flush(cx)?.is_ready() {
            self.unflushed = false;
            moved = true;
        }
        if moved {
            self.stuck = None;
        }
        let now = self.now();
        if let Some(inbox) = inbox
            && let Poll::Ready(n) = inbox.poll_fill(&mut self.stream, cx, now)?
        {
            if n == 0 {
                self.ws.receive_eof()
            } else {
                self.ws.set_time(now)
            }
            moved = true;
        }
        if moved { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Writes what is left, ends our direction, then reads and forgets until the peer ends its own or is given up.
    pub(crate) async fn end(&mut self, inbox: &mut Inbox) -> io::Result<()> {
        while self.ws.timed_out().is_none() {
            self.transmit();
            let is_open = self.ws.ready_state() != ReadyState::Closed;
            if self.is_settled() {
                if !self.is_shut {
                    let result = self.stream.shutdown().await;
                    self.is_shut = true;
                    if result.is_err() {
                        self.ws.receive_eof(); // the peer is gone: there is nobody to tell
                    }
                    continue;
                }
                if !is_open {
                    break;
                }
            }
            inbox.clear();
            if let Some(then) = inbox.drained() {
                self.ws.handle_timeout(then);
            }
            self.turn(is_open.then_some(&mut *inbox)).await?;
        }
        inbox.clear();
        Ok(())
    }

    /// How the connection ended, once it has.
    pub(crate) fn ending(&mut self) -> io::Result<()> {
        match self.ws.timed_out() {
            _ if self.ws.was_clean() => Ok(()),
            Some(_) => Err(ErrorKind::TimedOut.into()),
            None => Err(self.broken.take().unwrap_or_else(|| ErrorKind::UnexpectedEof.into())),
        }
    }
}

pub(crate) fn broke_a_rule(error: PeerError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
}
