//! What the two halves of a WebSocket share: the protocol's state and the writing half of the transport.
//!
//! The state is borrowed only between two awaits. The writing half is behind a lock, which whoever writes holds while it
//! waits for room; so a Pong that the reader owes leaves with what the writer sends, or by the reader's own hand.

use crate::clock::now;
use crate::transport::WriteHalf;
use crate::{Error, Waited};
use core::cell::RefCell;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::{Mutex, MutexGuard};
use embassy_time::{Duration, Instant, with_deadline};
use ws_core::{Connection, Output, PeerError, Role, UsageError};

pub(crate) struct Link<Wr, R: Role> {
    state: RefCell<State<R>>,
    writer: Mutex<NoopRawMutex, Wr>,
}

pub(crate) struct State<R: Role> {
    pub(crate) ws: Connection<R>,
    /// What the peer did wrong, from then on.
    pub(crate) fault: Option<PeerError>,
    /// Something was encoded and not flushed.
    unflushed: bool,
    send_timeout: Duration,
    /// When a peer that takes nothing is given up, while a write waits. Kept here, so that calls made again do not put it off.
    send_by: Option<Instant>,
}

pub(crate) type Guard<'a, Wr> = MutexGuard<'a, NoopRawMutex, Wr>;

impl<Wr: WriteHalf, R: Role> Link<Wr, R> {
    pub(crate) fn new(ws: Connection<R>, writer: Wr, send_timeout: Duration) -> Self {
        let state = State { ws, fault: None, unflushed: false, send_timeout, send_by: None };
        Self { state: RefCell::new(state), writer: Mutex::new(writer) }
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
        while self.with(|state| state.ws.wants_transmit()) == Some(true) {
            let transmit = |ws: &mut Connection<R>, out: &mut Output<'_>| {
                ws.transmit(out);
                Ok(true)
            };
            self.encode(&mut writer, transmit).await??;
        }
        self.flush(&mut writer).await
    }

    /// Repeats `put` until it is done: `true`. What it puts in one call leaves as a whole, or not at all.
    pub(crate) async fn put(
        &self,
        writer: &mut Guard<'_, Wr>,
        mut put: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), Error<Wr::Error>> {
        let mut is_drained = false;
        loop {
            match self.encode(writer, &mut put).await? {
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

    /// Waits for room, and lets `encode` fill it.
    async fn encode(
        &self,
        writer: &mut Guard<'_, Wr>,
        encode: impl FnOnce(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<Result<bool, UsageError>, Error<Wr::Error>> {
        self.in_time(writer.write_with(|room| {
            let mut out = Output::new(room);
            let result = self.with(|state| {
                state.ws.set_time(now());
                let result = encode(&mut state.ws, &mut out);
                state.unflushed |= !out.is_empty();
                result
            });
            (out.filled().len(), result.unwrap_or(Err(UsageError::UnfinishedFrame)))
        }))
        .await
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
        let by = self.with(|state| {
            let from_now = Instant::now().checked_add(state.send_timeout).unwrap_or(Instant::MAX);
            *state.send_by.get_or_insert(from_now)
        });
        let result = with_deadline(by.unwrap_or(Instant::MAX), write).await;
        self.with(|state| state.send_by = None);
        result.map_err(|_| Error::TimedOut(Waited::Send))?.map_err(Error::Io)
    }
}
