//! What the two halves of a WebSocket share: the protocol's state and the writing half of the transport.
//!
//! The state is borrowed only between two awaits. The writing half is behind a lock, which whoever writes holds while it
//! waits for room; so a Pong that the reader owes leaves with what the writer sends, or by the reader's own hand.

use crate::apart::apart;
use crate::clock::now;
use crate::codec::Deflate;
use crate::transport::WriteHalf;
use crate::{Error, Waited};
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::pin::pin;
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, TimeoutError, with_deadline};
use ws_core::{CloseCode, Connection, Kind, Output, PeerError, Role, UsageError};

pub(crate) struct Link<'c, Wr, R: Role> {
    pub(crate) state: RefCell<State<'c, R>>,
    writer: Mutex<NoopRawMutex, Wr>,
    /// For the reader: a reply has left, or there is another deadline.
    pub(crate) changed: Signal<NoopRawMutex, ()>,
    send_timeout: Duration,
    /// Something was encoded and not flushed.
    unflushed: Cell<bool>,
    /// How long writes have taken since the peer was last known to have taken something. Kept here, so that calls made again do not
    /// put off that it is given up.
    waited: Cell<Duration>,
}

pub(crate) struct State<'c, R: Role> {
    pub(crate) ws: Connection<R>,
    /// Messages are compressed.
    deflating: Option<&'c mut dyn Deflate<R>>,
    /// What the peer did wrong, from then on.
    pub(crate) fault: Option<PeerError>,
    /// The next piece of a message that was inflated was put off once.
    pub(crate) put_off: bool,
    /// A write has failed, and nobody knows what of it has left; or a read has. Nothing is written any more.
    pub(crate) broken: bool,
}

impl<'c, Wr: WriteHalf, R: Role> Link<'c, Wr, R> {
    pub(crate) fn new(
        ws: Connection<R>,
        writer: Wr,
        send_timeout: Duration,
        deflating: Option<&'c mut dyn Deflate<R>>,
    ) -> Self {
        Self {
            state: RefCell::new(State { ws, deflating, fault: None, put_off: false, broken: false }),
            writer: Mutex::new(writer),
            changed: Signal::new(),
            send_timeout,
            unflushed: Cell::new(false),
            waited: Cell::new(Duration::MIN),
        }
    }

    pub(crate) fn into_writer(self) -> Wr {
        self.writer.into_inner()
    }

    /// There is something to write.
    pub(crate) fn owes(&self) -> bool {
        self.unflushed.get() || self.wants_transmit()
    }

    /// Lends the state; see [`with`].
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut State<'c, R>) -> O) -> Option<O> {
        with(&self.state, f)
    }

    /// Writes what the connection owes, and sees that all is on its way.
    pub(crate) fn transmit(&self) -> impl Future<Output = Result<(), Error<Wr::Error>>> {
        self.write(None, true)
    }

    pub(crate) async fn send(
        &self,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
    ) -> Result<(), Error<Wr::Error>> {
        self.write(Some(&mut |state, out| state.send(kind, payload, last, out)), false).await
    }

    pub(crate) async fn send_whole(&self, kind: Kind, mut payload: &[u8]) -> Result<(), Error<Wr::Error>> {
        self.write(Some(&mut |state, out| state.send(kind, &mut payload, true, out)), true).await
    }

    pub(crate) async fn ping(&self, payload: &[u8]) -> Result<(), Error<Wr::Error>> {
        self.write(Some(&mut |state, out| state.ws.ping(payload, out)), true).await
    }

    pub(crate) async fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error<Wr::Error>> {
        self.write(Some(&mut |state, out| state.ws.close(Some(code), reason, out)), true).await
    }

    /// Lets `put` write messages of its own making, until it says `true`, and flushes. Not cancel-safe: a frame may be half out.
    pub(crate) async fn put(&self, put: &mut Put<'_, R>) -> Result<(), Error<Wr::Error>> {
        self.write(Some(put), true).await
    }

    /// Repeats `put` until it is done: `true`. What it puts in one call leaves as a whole, or not at all. `None`: puts what the
    /// connection owes. With `flush`, sees that all is on its way too.
    ///
    /// All that is written goes through this one future, which is why it is not generic, and not several.
    async fn write(&self, mut put: Option<&mut Put<'_, R>>, flush: bool) -> Result<(), Error<Wr::Error>> {
        let mut writer = self.writer.lock().await;
        let (mut step, mut is_drained) = (Step::Put, false);
        loop {
            if matches!(step, Step::Put) && put.is_none() && !self.wants_transmit() {
                step = Step::Flush;
            }
            if writer.has_taken() {
                self.waited.set(Duration::MIN);
            }
            let Some(by) = self.deadline() else { return Err(Error::Lost) };
            let wait = Wait { total: &self.waited, since: Instant::now() };
            let write = async {
                match step {
                    Step::Put => {
                        let encode = |room: &mut [u8]| {
                            let mut out = Output::new(room);
                            let result = self.encode(&mut out, put.as_deref_mut());
                            (out.filled().len(), result)
                        };
                        // Apart: what is encoded lies on top of it, and beside the rest of this function.
                        let mut write = pin!(writer.write_with(encode));
                        poll_fn(|cx| apart(write.as_mut(), cx)).await
                    }
                    Step::Drain => writer.drain().await.map(Ok),
                    Step::Flush => writer.flush().await.map(|()| Ok(true)),
                }
            };
            let result = with_deadline(by, write).await;
            drop(wait);
            step = match (step, self.judge(result)?) {
                (Step::Flush, _) => {
                    self.unflushed.set(false);
                    return Ok(());
                }
                (Step::Drain, drained) => {
                    is_drained = drained == Ok(true);
                    Step::Put
                }
                (Step::Put, Ok(true)) if flush => Step::Flush,
                (Step::Put, Ok(true)) => return Ok(()),
                (Step::Put, Ok(false)) => {
                    yield_now().await; // there may be room still: others had no turn
                    is_drained = false;
                    Step::Put
                }
                // There may be more room than there was.
                (Step::Put, Err(UsageError::OutputTooSmall)) if !is_drained => Step::Drain,
                (Step::Put, Err(error)) => return Err(error.into()),
            };
        }
    }

    #[inline(never)]
    fn wants_transmit(&self) -> bool {
        self.with(|state| state.ws.wants_transmit()) == Some(true)
    }

    /// Lets `put` fill the room that there is.
    #[inline(never)]
    fn encode(&self, out: &mut Output<'_>, put: Option<&mut Put<'_, R>>) -> Result<bool, UsageError> {
        let result = self.with(|state| {
            state.ws.set_time(now());
            let before = (state.ws.wants_transmit(), state.ws.ready_state());
            let result = match put {
                Some(put) => put(state, out),
                None => {
                    let ws = &mut state.ws;
                    let is_stuck = ws.transmit(out) == 0;
                    let is_done = !ws.wants_transmit();
                    if is_stuck && !is_done { Err(UsageError::OutputTooSmall) } else { Ok(is_done) }
                }
            };
            if (state.ws.wants_transmit(), state.ws.ready_state()) != before {
                self.changed.signal(());
            }
            result
        });
        if !out.is_empty() {
            self.unflushed.set(true);
        }
        result.unwrap_or(Err(UsageError::UnfinishedFrame))
    }

    /// By when the peer has to take what is written now; `None` if nothing can be written any more.
    #[inline(never)]
    fn deadline(&self) -> Option<Instant> {
        if self.with(|state| state.broken) == Some(true) {
            return None;
        }
        let left = self.send_timeout.checked_sub(self.waited.get()).unwrap_or(Duration::MIN);
        Some(Instant::now().checked_add(left).unwrap_or(Instant::MAX))
    }

    /// What a write has come to.
    #[inline(never)]
    fn judge<O>(&self, result: Result<Result<O, Wr::Error>, TimeoutError>) -> Result<O, Error<Wr::Error>> {
        let error = match result {
            Ok(Ok(output)) => return Ok(output),
            Ok(Err(error)) => Error::Io(error),
            Err(TimeoutError) => Error::TimedOut(Waited::Send),
        };
        self.with(|state| {
            state.broken = true;
            state.ws.receive_eof();
        });
        self.changed.signal(());
        Err(error)
    }
}

/// Lends a state. Nothing of the caller's runs meanwhile, so it is never lent already, and this is `Some`; a cell that
/// panics otherwise would be a panic in every image.
pub(crate) fn with<S, O>(state: &RefCell<S>, f: impl FnOnce(&mut S) -> O) -> Option<O> {
    let state = state.try_borrow_mut();
    debug_assert!(state.is_ok());
    state.ok().map(|mut state| f(&mut state))
}

/// Puts frames into the room that there is.
pub(crate) type Put<'p, R> = dyn FnMut(&mut State<'_, R>, &mut Output<'_>) -> Result<bool, UsageError> + 'p;

impl<R: Role> State<'_, R> {
    fn send(
        &mut self,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        match &mut self.deflating {
            Some(deflating) => deflating.send(&mut self.ws, kind, payload, last, out),
            None => self.ws.send(kind, payload, last, out),
        }
    }
}

/// What a write is about.
#[derive(Clone, Copy)]
enum Step {
    Put,
    /// To make room.
    Drain,
    Flush,
}

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
