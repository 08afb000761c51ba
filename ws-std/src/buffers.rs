//! What was read and not decoded ([`Inbox`]), what was encoded and not written ([`Outbox`]): both survive any
//! interruption of the stream.

use crate::{Error, Waited};
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

    /// Where in the buffer a piece lies that was lent from it: for taking it up again when the loop that found it is
    /// left.
    pub(crate) fn place_of(&self, start: usize, len: usize) -> Range<usize> {
        let from = start.wrapping_sub(self.buf.as_ptr().addr());
        from..from.saturating_add(len)
    }

    pub(crate) fn at(&mut self, place: Range<usize>) -> &mut [u8] {
        self.buf.get_mut(place).unwrap_or_default()
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

/// Bytes that were encoded and wait to be written.
#[derive(Debug)]
pub(crate) struct Outbox {
    buf: Box<[u8]>,
    waiting: Range<usize>,
    /// How long the stream was told to wait in a write.
    timeout: Duration,
}

impl Outbox {
    pub(crate) fn new(size: usize, timeout: Duration) -> Self {
        Self { buf: vec![0; size.max(256)].into_boxed_slice(), waiting: 0..0, timeout }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Forgets what waits: there is nobody to take it.
    pub(crate) fn clear(&mut self) {
        self.waiting = 0..0;
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
    /// [`Error::TimedOut`] if the stream has waited in vain; [`Error::WouldBlock`] if it does not wait; [`Error::Io`].
    pub(crate) fn flush(&mut self, stream: &mut impl Write) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            let begun = Instant::now();
            self.write_some(stream).map_err(|error| match Error::from(error) {
                Error::WouldBlock if !self.timeout.is_zero() && begun.elapsed() >= self.timeout => {
                    Error::TimedOut(Waited::Send)
                }
                error => error,
            })?;
        }
        Ok(stream.flush()?)
    }

    /// Writes once, as much as the stream takes.
    pub(crate) fn write_some(&mut self, stream: &mut impl Write) -> io::Result<()> {
        match stream.write(self.buf.get(self.waiting.clone()).unwrap_or_default()) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(n) => {
                self.waiting.start = self.waiting.start.saturating_add(n).min(self.waiting.end);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }
}
