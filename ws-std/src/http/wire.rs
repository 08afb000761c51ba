//! The stream below a connection of HTTP: [`Wire`]. What is read and written means nothing here.

use crate::buffers::{Inbox, Outbox, Patience};
use crate::clock::{Clock, Deadline};
use crate::waiting::{Got, MOMENT, ReadTimer, is_end};
use crate::{Error, Options, Transport, Waited, opening};
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use ws_core::Output;
use ws_core::http::Exchange;

/// How long a client is waited for to end its side, if nobody said how long.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A stream, what was read and not decoded, and what was encoded and not written.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    timer: ReadTimer,
    timeout: Duration,
    /// By when the client has to have taken what was written, at a byte a millisecond since the latest pause; and then it has
    /// the timeout besides.
    taken_by: Instant,
    /// Since when there has been nothing to be written.
    rests_since: Instant,
    linger: Duration,
}

impl<S: Transport> Wire<S> {
    pub(crate) fn new(stream: S, options: &Options) -> Self {
        let close = Duration::from_millis(options.config.timeouts.close.millis().into());
        Self {
            stream,
            inbox: Inbox::new(options.read_buffer),
            outbox: Outbox::new(options.write_buffer, options.send_timeout),
            clock: Clock::shared(),
            timer: ReadTimer::new(),
            timeout: options.send_timeout,
            taken_by: Instant::now(),
            rests_since: Instant::now(),
            linger: if close.is_zero() { LAST_WORDS } else { close },
        }
    }

    /// Reads on for `exchange`, until its next deadline at most, and tells it what came. Once it has failed it does not wait to
    /// be read for: it says so when it is asked to receive.
    pub(crate) fn fill(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Error> {
        let (now, due) = (self.clock.now(), exchange.poll_timeout());
        if due.is_some_and(|moment| now.has_reached(moment)) {
            exchange.handle_timeout(now); // bytes that always come put nothing off
            return Ok(());
        }
        let wait = due.map(|moment| self.clock.until(moment));
        let got = match self.timer.read(&mut self.stream, &mut self.inbox, wait, self.clock) {
            // A stream that does not wait.
            Err(Error::WouldBlock) => {
                thread::sleep(MOMENT);
                Got::Nothing
            }
            Err(error) if is_end(&error) => Got::End,
            result => result?,
        };
        match got {
            Got::Bytes => exchange.set_time(self.clock.now()),
            Got::Nothing => exchange.handle_timeout(self.clock.now()),
            // What it is worth, it says itself.
            Got::End => _ = exchange.receive_eof(),
        }
        Ok(())
    }

    /// Looks whether something has come, or the end, without waiting; and for nothing else, if the stream cannot do that.
    pub(crate) fn look(&mut self) -> Result<Got, Error> {
        if self.stream.set_nonblocking(true).is_err() {
            return Ok(Got::Nothing);
        }
        let read = self.inbox.fill(&mut self.stream);
        self.stream.set_nonblocking(false)?;
        match read.map_err(Error::from) {
            Ok(0) => Ok(Got::End),
            Ok(_) => Ok(Got::Bytes),
            Err(Error::WouldBlock) => Ok(Got::Nothing),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(Got::Nothing),
            Err(error) if is_end(&error) => Ok(Got::End),
            Err(error) => Err(error),
        }
    }

    /// Writes what `encode` writes, until it says that it is done.
    pub(crate) fn write(&mut self, mut encode: impl FnMut(&mut Output<'_>) -> bool) -> Result<(), Error> {
        loop {
            let done = self.outbox.encode(&mut encode);
            self.flush()?;
            if done {
                return Ok(());
            }
        }
    }

    /// Writes all that is encoded. A client that takes a byte now and then would hold its thread as one that takes none.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let is_late = begun.checked_duration_since(self.taken_by).is_some_and(|late| late > self.timeout);
        if is_late && !self.timeout.is_zero() {
            return Err(Error::TimedOut(Waited::Send));
        }
        let time = Duration::from_millis(self.outbox.len() as u64);
        self.outbox.flush(&mut self.stream, Patience::Insist)?;
        // What the system took at once for the client gives it no more time later.
        self.taken_by = self.taken_by.min(begun).checked_add(time).unwrap_or(begun);
        self.rests_since = Instant::now();
        Ok(())
    }

    /// There was nothing to be written until now.
    pub(crate) fn pause(&mut self) {
        self.taken_by = Instant::now();
    }

    /// The same inside of an answer: the client has had as much time as that to make up for what it is behind, and no more.
    pub(crate) fn go_on(&mut self) {
        let now = Instant::now();
        let rested = now.saturating_duration_since(self.rests_since);
        let made_up = self.taken_by.checked_add(rested.saturating_mul(2));
        self.taken_by = made_up.map_or(now, |taken_by| taken_by.min(now));
        self.rests_since = now;
    }

    /// Behind the last answer: gives the client time to read it, and to end its side first.
    pub(crate) fn end(mut self) {
        opening::linger(&mut self.stream, &mut self.inbox, Deadline::within(self.linger));
    }

    /// Another handle of the stream.
    pub(crate) fn other(&self) -> io::Result<S> {
        self.stream.try_clone()
    }
}
