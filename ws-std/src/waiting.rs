//! Waiting for a stream: a read that ends when a deadline comes ([`ReadTimer`]), and the last reads of a connection
//! ([`linger`]). What is written when is in `link.rs`.

use crate::buffers::Inbox;
use crate::clock::Deadline;
use crate::{Error, Transport};
use std::io;
use std::time::{Duration, Instant};

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Bytes,
    /// The peer has ended its direction.
    End,
    /// The time is up, or nearly: look at the deadlines.
    Nothing,
}

/// So many reads in a row may fill the buffer before deadlines are judged all the same.
const FULL_READS_MAX: u32 = 256;

/// Reads with a limit on the wait. The stream's own timeout is set only when it has to change: one system call less for
/// most reads.
#[derive(Debug)]
pub(crate) struct ReadTimer {
    /// What the stream was told last, if it was told anything.
    set: Option<Option<Duration>>,
    /// Reads in a row that filled the buffer, so that more may wait in the stream.
    full: u32,
}

impl ReadTimer {
    pub(crate) const fn new() -> Self {
        Self { set: None, full: 0 }
    }

    /// All that had come by the latest read was read by it, so deadlines can be judged: a caller who was away for long
    /// finds the Pong in the stream, maybe behind much else.
    pub(crate) fn is_drained(&self) -> bool {
        self.full == 0 || self.full >= FULL_READS_MAX
    }

    /// Reads once, for at most `wait`, or as long as it takes. May return [`Got::Nothing`] before the time is up, when
    /// half of it is over.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`] from a stream that does not wait; [`Error::Io`].
    pub(crate) fn read<S: Transport>(
        &mut self,
        stream: &mut S,
        inbox: &mut Inbox,
        wait: Option<Duration>,
    ) -> Result<Got, Error> {
        if !self.serves(wait) {
            stream.set_read_timeout(wait)?;
            self.set = Some(wait);
        }
        let begun = Instant::now();
        let read = inbox.fill(stream);
        self.full = match read {
            Ok(n) if n == inbox.capacity() => self.full.saturating_add(1),
            _ => 0,
        };
        match read {
            Ok(0) => Ok(Got::End),
            Ok(_) => Ok(Got::Bytes),
            Err(error) => match (Error::from(error), self.set.flatten()) {
                // It has waited: this is the timeout that was set.
                (Error::WouldBlock, Some(set)) if begun.elapsed().saturating_mul(2) >= set => {
                    Ok(Got::Nothing)
                }
                (error, _) => Err(error),
            },
        }
    }

    /// The timeout that is set comes neither after `wait` nor long before it.
    fn serves(&self, wait: Option<Duration>) -> bool {
        match (self.set, wait) {
            (Some(Some(set)), Some(wait)) => set <= wait && set.saturating_mul(2) >= wait,
            (Some(None), None) => true,
            _ => false,
        }
    }
}

/// The ways in which a peer that has closed in peace may leave.
pub(crate) fn is_end(error: &Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error, Error::Io(error) if matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe))
}

/// Ends our direction, then reads and forgets until the peer's end or the deadline: closing with unread input would
/// reset the connection, and may take our last words along.
pub(crate) fn linger<S: Transport>(stream: &mut S, inbox: &mut Inbox, deadline: Deadline) {
    if stream.shutdown_write().is_err() {
        return;
    }
    while let Some(left) = deadline.left() {
        inbox.clear();
        if stream.set_read_timeout(Some(left)).is_err() || !matches!(inbox.fill(stream), Ok(1..)) {
            break;
        }
    }
    inbox.clear();
}
