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
    ///
    /// # Errors
    ///
    /// Those of the stream; behind [`Interrupted`](ErrorKind::Interrupted), look at the deadlines and read again.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> io::Result<usize> {
        debug_assert!(self.is_empty());
        let n = stream.read(&mut self.buf)?;
        self.waiting = 0..n.min(self.buf.len());
        Ok(n)
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
            Self { timeout, told: Told::NOTHING, ..self } // who wrote the handshake has told the stream something else
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
    /// [`Error::TimedOut`] if the peer has taken nothing for too long, in this call and those before; [`Error::WouldBlock`]
    /// if the stream does not wait, or only a little as it was told, but never if we [`Insist`](Patience::Insist);
    /// [`Error::Io`].
    pub(crate) fn flush<S: Transport>(&mut self, stream: &mut S, patience: Patience) -> Result<(), Error> {
        let mut again = Again::default();
        while !self.is_settled() {
            let limit = self.limit(patience)?;
            self.told.tell(limit, |time| stream.set_write_timeout(time))?;
            let begun = Instant::now();
            let error = match self.write_some(stream) {
                Ok(()) => {
                    (self.stuck, again) = (None, Again::default());
                    continue;
                }
                Err(error) => error,
            };
            let is_signal = error.kind() == ErrorKind::Interrupted;
            let error = if is_signal { Error::WouldBlock } else { Error::from(error) };
            if !matches!(error, Error::WouldBlock) {
                return Err(error);
            }
            let stuck = *self.stuck.get_or_insert(begun);
            if !self.timeout.is_zero() && stuck.elapsed() >= self.timeout {
                return Err(SEND_LATE);
            }
            // A signal ends a wait early, and says nothing of the peer.
            if is_signal && !(matches!(patience, Patience::Little) && stuck.elapsed() >= LITTLE) {
                continue;
            }
            // A clock that ticks coarsely ends a wait early, so half of it counts.
            let has_waited = limit.is_some_and(|limit| begun.elapsed().saturating_mul(2) >= limit);
            match patience {
                Patience::Send | Patience::Close(_) if has_waited => {}
                Patience::Insist => again.unless_failed(error)?,
                _ => return Err(error),
            }
        }
        Ok(())
    }

    /// How long the next write may wait. A write that waits tells of what it wrote only when it ends, and not when the peer took
    /// the last of it; so it ends often, that this is known nearly enough.
    fn limit(&self, patience: Patience) -> Result<Option<Duration>, Error> {
        let send = (!self.timeout.is_zero()).then(|| {
            let stuck = self.stuck.map_or(Duration::ZERO, |since| since.elapsed());
            self.timeout
                .checked_div(32)
                .unwrap_or_default()
                .min(self.timeout.saturating_sub(stuck))
                .max(LITTLE)
        });
        Ok(match patience {
            Patience::Send | Patience::Insist => send,
            Patience::Close(by) => by.left().map_err(|_| CLOSE_LATE)?.into_iter().chain(send).min(),
            Patience::Little => Some(LITTLE),
        })
    }

    /// Writes once, as much as the stream takes; flushes the stream if all is written.
    ///
    /// # Errors
    ///
    /// Those of the stream; behind [`Interrupted`](ErrorKind::Interrupted), write again.
    pub(crate) fn write_some(&mut self, stream: &mut impl Write) -> io::Result<()> {
        if self.waiting.is_empty() {
            return stream.flush().map(|()| self.unflushed = false);
        }
        match stream.write(self.buf.get(self.waiting.clone()).unwrap_or_default()) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(n) => {
                self.waiting.start = self.waiting.start.saturating_add(n).min(self.waiting.end);
                self.unflushed = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

const SEND_LATE: Error = Error::TimedOut(Waited::Send);
const CLOSE_LATE: Error = Error::TimedOut(Waited::Close);

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::thread;

    /// Waits as long as it was told, then takes a byte as long as it may, and nothing behind.
    struct Reluctant {
        takes: usize,
        told: Cell<Duration>,
        waited: Duration,
    }

    impl Reluctant {
        fn new(takes: usize) -> Self {
            Self { takes, told: Cell::default(), waited: Duration::ZERO }
        }
    }

    impl Read for Reluctant {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }

    impl Write for Reluctant {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            thread::sleep(self.told.get());
            self.waited += self.told.get();
            match self.takes.checked_sub(1) {
                Some(rest) => {
                    self.takes = rest;
                    Ok(1)
                }
                None => Err(ErrorKind::WouldBlock.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Transport for Reluctant {
        fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
            self.told.set(time.expect("a limit"));
            Ok(())
        }
    }

    fn timeout() -> Duration {
        Duration::from_millis(320)
    }

    fn outbox() -> Outbox {
        let mut outbox = Outbox::new(0, timeout());
        outbox.encode(|out| ws_core::http::Response::internal_server_error().transmit(out));
        outbox
    }

    fn is_late(result: Result<(), Error>) -> bool {
        matches!(result, Err(Error::TimedOut(Waited::Send)))
    }

    /// A system tells of a part that was taken only when the time for the whole is over.
    #[test]
    fn a_part_that_was_taken_gives_hardly_more_time() {
        for patience in [Patience::Send, Patience::Insist] {
            let (mut outbox, mut stream) = (outbox(), Reluctant::new(1));
            assert!(is_late(outbox.flush(&mut stream, patience)));
            assert!(stream.waited <= timeout() * 9 / 8 + LITTLE * 2, "{:?}", stream.waited);
        }
    }

    #[test]
    fn who_takes_a_little_again_and_again_has_all_the_time() {
        let (mut outbox, mut stream) = (outbox(), Reluctant::new(20));
        let before = outbox.len();
        assert!(is_late(outbox.flush(&mut stream, Patience::Send)));
        assert_eq!(outbox.len(), before - 20);
    }

    /// Who has called in vain, and writes once more before it leaves, does not wait as long again.
    #[test]
    fn the_time_is_that_of_all_calls() {
        let (mut outbox, mut stream) = (outbox(), Reluctant::new(0));
        for _ in 0..3 {
            assert!(matches!(outbox.flush(&mut stream, Patience::Little), Err(Error::WouldBlock)));
        }
        for _ in 0..3 {
            assert!(is_late(outbox.flush(&mut stream, Patience::Send)));
            assert!(is_late(outbox.flush(&mut stream, Patience::Close(Deadline::within(timeout())))));
        }
        assert!(stream.waited <= timeout() + LITTLE * 9, "{:?}", stream.waited);
    }
}
