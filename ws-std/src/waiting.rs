//! Waiting for a stream: a read that ends when a deadline comes ([`ReadTimer`]), one that never waits ([`Again`]), and
//! the last reads of a connection ([`linger`]). What is written when is in `link.rs`.

use crate::buffers::Inbox;
use crate::clock::Clock;
use crate::{Error, Transport};
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use ws_core::{Connection, ReadyState, Role};

/// How long a reader waits at most while something waits to be written, and each half of a connection for what the other does.
pub(crate) const SHORT_NAP: Duration = Duration::from_millis(20);

/// How long a stream that never blocks is left alone.
pub(crate) const MOMENT: Duration = Duration::from_millis(1);

/// Up to this, timers are exact enough.
const EXACT: Duration = Duration::from_millis(200);

/// What a stream is told to wait, where `wait` is what is left. Systems count long waits in coarse steps and round them up: Linux by
/// an eighth at most, 30 s to 32. So a long wait is cut short, and the caller waits anew for what is left of it.
pub(crate) fn cut(wait: Duration) -> Duration {
    if wait > EXACT { wait.saturating_sub(wait.checked_div(8).unwrap_or_default()) } else { wait }
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Bytes,
    /// The peer has ended its direction.
    End,
    /// The time is up, or nearly: look at the deadlines.
    Nothing,
}

/// The timeout that a stream was told last, so that it is told again only when it has to change: one system call less
/// for most reads and writes.
#[derive(Debug)]
pub(crate) struct Told(Option<Option<Duration>>);

impl Told {
    pub(crate) const NOTHING: Self = Self(None);

    pub(crate) fn tell(
        &mut self,
        time: Option<Duration>,
        set: impl FnOnce(Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.0 != Some(time) {
            set(time)?;
            self.0 = Some(time);
        }
        Ok(())
    }
}

/// A stream that never blocks has no way to wait but to be asked again: often at first, then now and then.
#[derive(Debug, Default)]
pub(crate) struct Again(u32);

impl Again {
    const OFTEN: u32 = 32;

    /// Lets a moment pass.
    ///
    /// # Errors
    ///
    /// Any but [`Error::WouldBlock`].
    pub(crate) fn unless_failed(&mut self, error: Error) -> Result<(), Error> {
        let Error::WouldBlock = error else { return Err(error) };
        if self.0 < Self::OFTEN {
            self.0 = self.0.saturating_add(1);
            thread::yield_now();
        } else {
            thread::sleep(MOMENT);
        }
        Ok(())
    }
}

/// So many reads in a row may fill the buffer before deadlines are judged all the same.
const FULL_READS_MAX: u32 = 256;

/// Reads with a limit on the wait.
#[derive(Debug)]
pub(crate) struct ReadTimer {
    told: Told,
    /// Reads in a row that filled the buffer, so that more may wait in the stream.
    full: u32,
    /// When the latest read was done, until deadlines are judged by it.
    read_at: Option<ws_core::Instant>,
}

impl ReadTimer {
    pub(crate) const fn new() -> Self {
        Self { told: Told::NOTHING, full: 0, read_at: None }
    }

    /// By when all that had come was read, once for each read, so that deadlines up to then can be judged. Not by now: a
    /// caller who was away since finds the Pong in the stream, maybe behind much else.
    pub(crate) fn drained(&mut self) -> Option<ws_core::Instant> {
        let is_drained = self.full == 0 || self.full >= FULL_READS_MAX;
        self.read_at.take_if(|_| is_drained)
    }

    /// Reads once, for at most `wait`, or as long as it takes. May return [`Got::Nothing`] before the time is up: when a
    /// fifth of it is over, or a signal came.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`] from a stream that does not wait; [`Error::Io`].
    pub(crate) fn read<S: Transport>(
        &mut self,
        stream: &mut S,
        inbox: &mut Inbox,
        wait: Option<Duration>,
        clock: Clock,
    ) -> Result<Got, Error> {
        let wait = wait.map(cut);
        // What the stream was told serves if it comes neither after `wait` nor long before it.
        let set = match (self.told.0, wait) {
            (Some(Some(set)), Some(wait)) if set <= wait && set.saturating_mul(2) >= wait => Some(set),
            _ => wait,
        };
        self.told.tell(set, |time| stream.set_read_timeout(time))?;
        let begun = Instant::now();
        let read = inbox.fill(stream);
        self.read_at = Some(clock.now());
        self.full = match read {
            Ok(n) if n == inbox.capacity() => self.full.saturating_add(1),
            _ => 0,
        };
        match read {
            Ok(0) => Ok(Got::End),
            Ok(_) => Ok(Got::Bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Got::Nothing),
            Err(error) => match (Error::from(error), set) {
                // It has waited: this is the timeout that was set.
                (Error::WouldBlock, Some(set)) if begun.elapsed().saturating_mul(2) >= set => {
                    Ok(Got::Nothing)
                }
                (error, _) => Err(error),
            },
        }
    }
}

/// The ways in which a peer may leave, beside a proper end; the last one is that of TLS.
pub(crate) fn is_end(error: &Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, Error::Io(error)
        if matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof))
}

/// Gives access to a connection that may be behind a lock, which is then not held while the stream is waited for.
pub(crate) trait Access<R: Role> {
    fn with<T>(&mut self, look: impl FnOnce(&mut Connection<R>) -> T) -> T;
}

impl<R: Role> Access<R> for &mut Connection<R> {
    fn with<T>(&mut self, look: impl FnOnce(&mut Connection<R>) -> T) -> T {
        look(self)
    }
}

/// Behind the end of our direction: reads and forgets until the peer's end, or until the connection gives it up. Closing
/// with unread input would reset the connection, and may take our last words along.
///
/// # Errors
///
/// [`Error::WouldBlock`] from a stream that does not wait: call again.
pub(crate) fn linger<S: Transport, R: Role>(
    mut ws: impl Access<R>,
    stream: &mut S,
    inbox: &mut Inbox,
    timer: &mut ReadTimer,
    clock: Clock,
) -> Result<(), Error> {
    inbox.clear();
    while ws.with(|ws| ws.ready_state()) != ReadyState::Closed {
        let wait = ws.with(|ws| ws.poll_timeout()).map(|moment| clock.until(moment));
        let got = timer.read(stream, inbox, wait, clock);
        inbox.clear();
        match &got {
            Ok(Got::Bytes | Got::Nothing) | Err(Error::WouldBlock) => {
                ws.with(|ws| ws.handle_timeout(clock.now()));
            }
            Ok(Got::End) | Err(_) => ws.with(|ws| ws.receive_eof()),
        }
        if matches!(got, Err(Error::WouldBlock)) && ws.with(|ws| ws.ready_state()) != ReadyState::Closed {
            return Err(Error::WouldBlock);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::io::{Read, Write};

    /// Says what it was told, and that nothing has come.
    #[derive(Default)]
    struct Told(RefCell<Vec<Duration>>);

    impl Read for Told {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    impl Write for Told {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Transport for Told {
        fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
            self.0.borrow_mut().extend(time);
            Ok(())
        }
    }

    /// As Linux does with what its timers count coarsely: up to the next of steps that are not quite an eighth of it.
    fn rounded_up(told: Duration) -> Duration {
        told + told * 8 / 63
    }

    #[test]
    fn a_wait_that_is_rounded_up_does_not_end_late() {
        let (mut inbox, clock) = (Inbox::new(1), Clock::start());
        let (mut stream, mut timer) = (Told::default(), ReadTimer::new());
        // What was told for one wait serves another, or does not.
        for (left, times) in
            [(30_000, 1), (40_000, 1), (29_000, 2), (3_600_000, 3), (10_000, 4), (9_900, 5), (300, 6)]
        {
            let left = Duration::from_millis(left);
            let _ = timer.read(&mut stream, &mut inbox, Some(left), clock);
            let all = stream.0.borrow();
            let told = all[all.len() - 1];
            assert!(rounded_up(told) <= left && told >= left * 2 / 5, "{told:?} of {left:?}");
            assert_eq!(all.len(), times, "{left:?}");
        }
    }

    #[test]
    fn a_long_wait_takes_few_waits() {
        let mut left = Duration::from_secs(3600);
        let mut waits = 0;
        while !left.is_zero() {
            left -= cut(left);
            waits += 1;
        }
        assert!(waits <= 7, "{waits}");
    }
}
