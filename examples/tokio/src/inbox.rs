//! What was read and not decoded: [`Inbox`].

use crate::BUFFER;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use ws_core::{Connection, Event, Input, Instant, Kind, PeerError, Role};

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

/// A piece that was found, and where it lies.
pub(crate) struct Found {
    kind: Kind,
    place: Range<usize>,
    last: bool,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    buf: Box<[u8]>,
    waiting: Range<usize>,
    /// Reads in a row that filled the buffer, so that more may wait in the stream.
    full: u32,
    /// When the latest read was done, until deadlines are judged by it.
    read_at: Option<Instant>,
}

impl Inbox {
    pub(crate) fn new(read: &[u8]) -> Self {
        let mut buf = vec![0; BUFFER.max(read.len())].into_boxed_slice();
        let n = read.len();
        buf.iter_mut().zip(read).for_each(|(to, from)| *to = *from);
        Self { buf, waiting: 0..n, full: 0, read_at: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting = 0..0;
    }

    /// Decodes up to the next piece of a message. `None`: all is decoded, or a reply is in the way.
    pub(crate) fn decode<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Found>, PeerError> {
        let start = self.buf.as_ptr().addr();
        let mut input = Input::new(self.buf.get_mut(self.waiting.clone()).unwrap_or_default());
        let found = loop {
            match ws.receive(&mut input) {
                Ok(Some(Event::Data(data))) => {
                    let from = data.payload.as_ptr().addr().wrapping_sub(start);
                    let place = from..from.saturating_add(data.payload.len());
                    break Ok(Some(Found { kind: data.kind, place, last: data.last }));
                }
                Ok(Some(_)) => {} // a control frame: what it asks for is owed already
                Ok(None) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        self.waiting.start += input.consumed();
        found
    }

    pub(crate) fn lend(&mut self, found: Found) -> Chunk<'_> {
        let payload = self.buf.get_mut(found.place).unwrap_or_default();
        Chunk { kind: found.kind, payload, last: found.last }
    }

    /// By when all that had come was read and decoded, once for each read: deadlines up to then can be judged. A caller who
    /// was away since finds the Pong in the stream, maybe behind much else.
    pub(crate) fn drained(&mut self) -> Option<Instant> {
        let is_drained = self.is_empty() && (self.full == 0 || self.full > 256);
        self.read_at.take_if(|_| is_drained)
    }

    /// Reads once, if all was decoded. Ready with 0: the peer has ended its direction.
    pub(crate) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(&mut self.buf);
        ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
        let n = buf.filled().len();
        self.full = if buf.remaining() == 0 { self.full.saturating_add(1) } else { 0 };
        self.waiting = 0..n;
        self.read_at = Some(now);
        Poll::Ready(Ok(n))
    }
}
