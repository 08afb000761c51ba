//! What was read and not decoded ([`Inbox`]), what was encoded and not written ([`Outbox`]): both survive any
//! interruption of the stream.

use crate::clock::Deadline;
use crate::waiting::{Again, Told};
use crate::{Error, Transport, Waited};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::time::{Duration, Instant};
use ws_core::{Input, Output};

/// More than the longest control frame, which has 2 bytes, 4 of masking key and 125 of payload.
const ROOM: usize = 160;

/// Bytes that were read and wait to be decoded.
#[derive(Debug)]
pub(crate) struct Inbox {
    buf: Box<[u8]>,
    waiting: Range<usize>,
}

impl Inbox {
    pub(crate) fn new(size: usize) -> Self {
        Self { buf: vec![0; size.max(1)].into_boxed_slice(), waiting: 0..0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The same with another buffer, in which what waits has room.
    pub(crate) fn resized(self, size: usize) -> Self {
        let waiting = self.waiting();
        let size = size.max(waiting.len()).max(1);
        if size == self.capacity() {
            return self;
        }
        let mut buf = Vec::with_capacity(size);
        buf.extend_from_slice(waiting);
        buf.resize(size, 0);
        Self { waiting: 0..waiting.len(), buf: buf.into_boxed_slice() }
    }

    /// Reads once, when everything has been decoded; 0 is the end of the stream.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> io::Result<usize> {
        debug_assert!(self.is_empty());
        loop {
            match stream.read(&mut self.buf) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => {
                    let n = result?;
                    self.waiting = 0..n.min(self.buf.len());
                    return Ok(n);
                }
            }
        }
    }

    /// Lets `decode` take bytes off the front. Returns what it returns.
    pub(crate) fn decode<'b, T>(&'b mut self, decode: impl FnOnce(&mut Input<'b>) -> T) -> T {
        let mut input = Input::new(self.buf.get_mut(self.waiting.clone()).unwrap_or_default());
        let result = decode(&mut input);
        self.waiting.start = self.waiting.start.saturating_add(input.consumed());
        result
    }

    /// The address of the buffer. A piece that was lent from it is found again by its own when the loop that found it is
    /// left, which no borrow outlives.
    pub(crate) fn base(&self) -> usize {
        self.buf.as_ptr().addr()
    }

    pub(crate) fn at(&self, place: Range<usize>) -> &[u8] {
        self.buf.get(place).unwrap_or_default()
    }

    /// How much is read at once, at most.
    pub(crate) fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.buf.get(self.waiting.clone()).unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting = 0..0;
    }
}

/// How long a write may wait for the peer to take something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// As long as [`Options::send_timeout`](crate::Options::send_timeout).
    Send,
    /// So long, but not beyond the end of the closing handshake.
    Close(Deadline),
    /// As [`Send`](Self::Send), and a stream that does not wait is asked again until then.
    Insist,
    /// Hardly: the caller has something else to do, and comes back.
    Little,
}

/// The shortest wait that a socket can be told.
const LITTLE: Duration = Duration::from_millis(1);

/// Bytes that were encoded and wait to be written.
#[derive(Debug)]
pub(crate) struct Outbox {
    buf: Box<[u8]>,
    waiting: Range<usize>,
    /// Something was written, and the stream was not flushed since.
    unflushed: bool,
    /// How long a peer may take nothing; zero: for ever.
    timeout: Duration,
    /// Since when it has taken nothing.
    stuck: Option<Instant>,
    told: Told,
}

impl Outbox {
    const MIN: usize = 256;

    pub(crate) fn new(size: usize, timeout: Duration) -> Self {
        Self {
            buf: vec![0; size.max(Self::MIN)].into_boxed_slice(),
            waiting: 0..0,
            unflushed: false,
            timeout,
            stuck: None,
            told: Told::NOTHING,
        }
    }

    /// The same with another buffer and timeout, once all is written.
    pub(crate) fn resized(self, size: usize, timeout: Duration) -> Self {
        debug_assert!(self.is_settled());
        if size.max(Self::MIN) == self.buf.len() {
            Self { timeout, ..self }
        } else {
            Self::new(size, timeout)
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// All was written, and taken by what is below the stream.
    pub(crate) fn is_settled(&self) -> bool {
        self.waiting.is_empty() && !self.unflushed
    }

    /// Forgets what waits: there is nobody to take it.
    pub(crate) fn clear(&mut self) {
        self.waiting = 0..0;
        self.unflushed = false;
    }

    /// Lets `encode` write behind what waits.
    pub(crate) fn encode<T>(&mut self, encode: impl FnOnce(&mut Output<'_>) -> T) -> T {
        if self.waiting.is_empty() {
            self.waiting = 0..0;
        }
        let mut out = Output::new(self.buf.get_mut(self.waiting.end..).unwrap_or_default());
        let result = encode(&mut out);
        self.waiting.end = self.waiting.end.saturating_add(out.filled().len());
        result
    }

    /// Any control frame fits, and a data frame worth its header.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.is_empty() || self.buf.len().saturating_sub(self.waiting.end) >= ROOM
    }

    /// Writes all that waits; what is not written when the stream fails goes on waiting.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the stream has waited in vain; [`Error::WouldBlock`] if it does not wait, or only a
    /// little as it was told, but never if we [`Insist`](Patience::Insist); [`Error::Io`].
    pub(crate) fn flush<S: Transport>(&mut self, stream: &mut S, patience: Patience) -> Result<(), Error> {
        let mut again = Again::default();
        while !self.is_settled() {
            let limit = match patience {
                Patience::Send | Patience::Insist => (!self.timeout.is_zero()).then_some(self.timeout),
                Patience::Close(by) => by.or_within(self.timeout).left().map_err(|_| CLOSE_LATE)?,
                Patience::Little => Some(LITTLE),
            };
            self.told.tell(limit, |time| stream.set_write_timeout(time))?;
            let begun = Instant::now();
            match self.write_some(stream) {
                Ok(()) => (self.stuck, again) = (None, Again::default()),
                Err(error) => {
                    let error = self.judge(error.into(), begun, limit, patience);
                    match patience {
                        Patience::Insist => again.unless_failed(error)?,
                        _ => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }

    /// What a failed write means.
    fn judge(&mut self, error: Error, begun: Instant, limit: Option<Duration>, patience: Patience) -> Error {
        if !matches!(error, Error::WouldBlock) {
            return error;
        }
        let stuck = *self.stuck.get_or_insert(begun);
        // A clock that ticks coarsely ends a wait early, so half of it counts; a stream that does not wait is judged by
        // the time since it took something.
        let has_waited = limit.is_some_and(|limit| begun.elapsed().saturating_mul(2) >= limit);
        let is_stuck = !self.timeout.is_zero() && stuck.elapsed() >= self.timeout;
        match patience {
            Patience::Send | Patience::Insist if has_waited => SEND_LATE,
            Patience::Close(by)
                if has_waited && by.left().is_ok_and(|left| left.is_none_or(|left| left > LITTLE)) =>
            {
                SEND_LATE
            }
            Patience::Close(_) if has_waited => CLOSE_LATE,
            _ if is_stuck => SEND_LATE,
            _ => error,
        }
    }

    /// Writes once, as much as the stream takes; flushes the stream if all is written.
    pub(crate) fn write_some(&mut self, stream: &mut impl Write) -> io::Result<()> {
        let result = if self.waiting.is_empty() {
            stream.flush().map(|()| self.unflushed = false)
        } else {
            match stream.write(self.buf.get(self.waiting.clone()).unwrap_or_default()) {
                Ok(0) => Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.waiting.start = self.waiting.start.saturating_add(n).min(self.waiting.end);
                    self.unflushed = true;
                    Ok(())
                }
                Err(error) => Err(error),
            }
        };
        match result {
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }
}

const SEND_LATE: Error = Error::TimedOut(Waited::Send);
const CLOSE_LATE: Error = Error::TimedOut(Waited::Close);
