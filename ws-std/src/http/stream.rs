//! An answer that is written bit by bit: [`BodyWriter`].

use super::Answered;
use super::wire::Wire;
use crate::{Error, Transport};
use std::io;
use ws_core::http::Chunks;

/// Writes the body of an answer whose length was not known when it began; made by [`Requests::stream`](super::Requests::stream).
/// What is written goes out at once. To a HEAD request nothing goes out.
///
/// Call [`finish`](Self::finish). Without it, the client is shown that the body is not complete, if it speaks HTTP/1.1.
#[derive(Debug)]
#[must_use = "a body ends with `finish`"]
pub struct BodyWriter<'a, S> {
    wire: &'a mut Wire<S>,
    chunks: Chunks,
    closes: bool,
    answered: &'a mut Answered,
}

impl<'a, S: Transport> BodyWriter<'a, S> {
    pub(super) const fn new(
        wire: &'a mut Wire<S>,
        chunks: Chunks,
        closes: bool,
        answered: &'a mut Answered,
    ) -> Self {
        Self { wire, chunks, closes, answered }
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the client takes nothing; [`Error::Io`].
    pub fn finish(self) -> Result<(), Error> {
        let Self { wire, mut chunks, closes, answered } = self;
        wire.write(|out| chunks.finish(out))?;
        *answered = Answered::Whole { closes };
        Ok(())
    }
}

impl<S: Transport> io::Write for BodyWriter<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        self.wire.pause();
        loop {
            let sent = self.wire.outbox.encode(|out| self.chunks.send(&mut rest, out));
            let done = sent.map_err(io::Error::other)?;
            self.wire.flush().map_err(io_error)?;
            if done {
                return Ok(bytes.len());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::TimedOut(_) => io::Error::new(io::ErrorKind::TimedOut, error),
        error => io::Error::other(error),
    }
}
