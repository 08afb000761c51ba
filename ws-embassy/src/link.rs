//! What the two halves of a WebSocket share: the protocol's state and the writing half of the transport.
//!
//! The state is borrowed only between two awaits. The writing half is behind a lock, which whoever writes holds while it
//! waits for room; so a Pong that the reader owes leaves with what the writer sends, or by the reader's own hand.

use crate::clock::now;
use crate::transport::WriteHalf;
use crate::{Error, Waited};
use core::cell::{Cell, RefCell};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::{Mutex, MutexGuard};
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, with_deadline};
use ws_core::{Connection, Output, PeerError, Role, UsageError};

pub(crate) struct Link<Wr, R: Role> {
    state: RefCell<State<R>>,
    writer: Mutex<NoopRawMutex, Wr>,
    /// For the reader: a reply has left, or there is another deadline.
    pub(crate) changed: Signal<NoopRawMutex, ()>,
    send_timeout: Duration,
    /// How long writes have waited since the peer last took something. Kept here, so that calls made again do not put off
    /// that it is given up.
    waited: Cell<Duration>,
}

pub(crate) struct State<R: Role> {
    pub(crate) ws: Connection<R>,
    /// What the peer did wrong, from then on.
    pub(crate) fault: Option<PeerError>,
    /// Something was encoded and not flushed.
    unflushed: bool,
    /// A write has failed. Nobody knows what of it has left, so nothing follows it.
    broken: bool,
}

pub(crate) type Guard<'a, Wr> = MutexGuard<'a, NoopRawMutex, Wr>;

impl<Wr: WriteHalf, R: Role> Link<Wr, R> {
    pub(crate) fn new(ws: Connection<R>, writer: Wr, send_timeout: Duration) -> Self {
        Self {
            state: RefCell::new(State { ws, fault: None, unflushed: false, broken: false }),
            writer: Mutex::new(writer),
            changed: Signal::new(),
            send_timeout,
            waited: Cell::new(Duration::MIN),
        }
    }

    pub(crate) fn into_writer(self) -> Wr {
        self.writer.into_inner()
    }

    /// There is something to write.
    pub(crate) fn owes(&self) -> bool {
        self.with(|state| state.ws.wants_transmit() || state.unflushed).unwrap_or(false)
    }

    /// Lends the state. Nothing of the caller's runs meanwhile, so it is never lent already, and this is `Some`; a cell that
    /// panics otherwise would be a panic in every image.
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut State<R>) -> O) -> Option<O> {
        let state = self.state.try_borrow_mut();
        debug_assert!(state.is_ok());
        state.ok().map(|mut state| f(&mut state))
    }

    pub(crate) async fn lock(&self) -> Guard<'_, Wr> {
        self.writer.lock().await
    }

    /// Writes what the connection owes, and sees that all is on its way.
    pub(crate) async fn transmit(&self) -> Result<(), Error<Wr::Error>> {
        let mut writer = self.lock().await;
        if self.with(|state| state.ws.wants_transmit()) == Some(true) {
            self.put(&mut writer, &mut |ws, out| {
                ws.transmit(out);
                Ok(!ws.wants_transmit())
            })
            .await?;
        }
        self.flush(&mut writer).await
    }

    /// Repeats `put` until it is done: `true`. What it puts in one call leaves as a whole, or not at all.
    pub(crate) async fn put(
        &self,
        writer: &mut Guard<'_, Wr>,
        put: &mut Put<'_, R>,
    ) -> Result<(), Error<Wr::Error>> {
        let mut is_drained = false;
        loop {
            let write = writer.write_with(|room| {
                let mut out = Output::new(room);
                let result = self.encode(&mut out, put);
                (out.filled().len(), result)
            });
            match self.in_time(write).await? {
                Ok(true) => return Ok(()),
                Ok(false) => is_drained = false,
                // There may be more room than there was.
                Err(UsageError::OutputTooSmall) if !is_drained => {
                    self.in_time(writer.drain()).await?;
                    is_drained = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Lets `put` fill the room that there is.
    fn encode(&self, out: &mut Output<'_>, put: &mut Put<'_, R>) -> Result<bool, UsageError> {
        let result = self.with(|state| {
            state.ws.set_time(now());
            let before = (state.ws.wants_transmit(), state.ws.ready_state());
            let result = put(&mut state.ws, out);
            if (state.ws.wants_transmit(), state.ws.ready_state()) != before {
                self.changed.signal(());
            }
            state.unflushed |= !out.is_empty();
            result
        });
        result.unwrap_or(Err(UsageError::UnfinishedFrame))
    }

    pub(crate) async fn flush(&self, writer: &mut Guard<'_, Wr>) -> Result<(), Error<Wr::Error>> {
        self.in_time(writer.flush()).await?;
        self.with(|state| state.unflushed = false);
        Ok(())
    }

    /// Waits for a write, as long as the peer has for it.
    async fn in_time<O>(
        &self,
        write: impl Future<Output = Result<O, Wr::Error>>,
    ) -> Result<O, Error<Wr::Error>> {
        let (wait, by) = self.begin()?;
        let result = with_deadline(by, write).await;
        drop(wait);
        let error = match result {
            Ok(Ok(output)) => {
                self.waited.set(Duration::MIN);
                return Ok(output);
            }
            Ok(Err(error)) => Error::Io(error),
            Err(_) => Error::TimedOut(Waited::Send),
        };
        self.fail();
        Err(error)
    }

    /// The beginning of a write, and the latest end of it.
    fn begin(&self) -> Result<(Wait<'_>, Instant), Error<Wr::Error>> {
        if self.with(|state| state.broken) == Some(true) {
            return Err(Error::Lost);
        }
        let wait = Wait { total: &self.waited, since: Instant::now() };
        let left = self.send_timeout.checked_sub(self.waited.get()).unwrap_or(Duration::MIN);
        let by = wait.since.checked_add(left).unwrap_or(Instant::MAX);
        Ok((wait, by))
    }

    /// A write has failed.
    fn fail(&self) {
        self.with(|state| {
            state.broken = true;
            state.ws.receive_eof();
        });
        self.changed.signal(());
    }
}

/// Puts frames into the room that there is. Not generic: all that is written goes through one copy of the code that waits
/// and writes, which is most of it.
pub(crate) type Put<'p, R> = dyn FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError> + 'p;

/// Counts how long a write waits, also one whose future is dropped.
struct Wait<'a> {
    total: &'a Cell<Duration>,
    since: Instant,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let waited = Instant::now().saturating_duration_since(self.since);
        self.total.set(self.total.get().checked_add(waited).unwrap_or(Duration::MAX));
    }
}
