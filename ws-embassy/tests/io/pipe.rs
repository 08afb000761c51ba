//! One direction of a transport in memory: [`Pipe`], with its two ends [`Source`] and [`Sink`], how they drag their feet
//! ([`Pace`]) and how they fail ([`Fault`]). No WebSocket here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use embassy_time::{Duration, Instant, Timer};
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};

use crate::common::clock::pass;
use crate::common::random::Random;

/// Bytes on their way, at most `capacity` of them.
#[derive(Clone)]
pub(crate) struct Pipe(Rc<RefCell<State>>);

struct State {
    bytes: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    /// All that was ever written.
    log: Vec<u8>,
    wakers: Vec<Waker>,
}

impl Pipe {
    pub(crate) fn new(capacity: usize) -> Self {
        let (bytes, log, wakers) = Default::default();
        Self(Rc::new(RefCell::new(State { bytes, capacity, ended: false, log, wakers })))
    }

    /// One that holds `bytes` and takes any number more.
    pub(crate) fn holding(bytes: &[u8]) -> Self {
        let pipe = Self::new(usize::MAX);
        pipe.put(bytes);
        pipe
    }

    /// Writes whatever the capacity.
    pub(crate) fn put(&self, bytes: &[u8]) {
        let mut state = self.0.borrow_mut();
        state.bytes.extend(bytes);
        state.log.extend(bytes);
        state.wake();
    }

    /// The end of this direction, as a FIN.
    pub(crate) fn end(&self) {
        let mut state = self.0.borrow_mut();
        state.ended = true;
        state.wake();
    }

    /// How much room there is from now on.
    pub(crate) fn set_capacity(&self, capacity: usize) {
        let mut state = self.0.borrow_mut();
        state.capacity = capacity;
        state.wake();
    }

    /// All that was ever written.
    pub(crate) fn log(&self) -> Vec<u8> {
        self.0.borrow().log.clone()
    }

    /// Bytes written and not read.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().bytes.len()
    }

    pub(crate) fn source(&self, pace: Pace) -> Source {
        Source { pipe: self.clone(), gait: Gait::new(pace), fault: Fault::default() }
    }

    pub(crate) fn sink(&self, pace: Pace) -> Sink {
        let flush = if matches!(pace, Pace::Unflushed) { Pace::Late(u64::MAX >> 20) } else { pace };
        Sink { pipe: self.clone(), gait: Gait::new(pace), flush: Gait::new(flush), fault: Fault::default() }
    }
}

impl State {
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

/// How an end of a pipe does what it is asked. It remembers how far it is when the future that asked is dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// At once, as much as there is.
    Ready,
    /// One byte at a time, and at first, each time, not ready.
    Byte,
    /// Perhaps not ready, perhaps a few bytes, from this seed.
    Any(u64),
    /// After so many milliseconds, as much as there is.
    Late(u64),
    /// Always ready, but the whole board is so many milliseconds busy with it.
    Busy(u64),
    /// Each time after so many milliseconds, one byte.
    Drip(u64),
    /// At once, but a flush does not end: for one that waits until the peer has all.
    Unflushed,
}

struct Gait {
    pace: Pace,
    random: Random,
    held: bool,
    due: Option<Instant>,
}

impl Gait {
    fn new(pace: Pace) -> Self {
        let seed = if let Pace::Any(seed) = pace { seed } else { 0 };
        Self { pace, random: Random::new(seed), held: false, due: None }
    }

    /// How many bytes may go now.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let (limit, delay) = match self.pace {
            Pace::Ready | Pace::Unflushed => return Poll::Ready(usize::MAX),
            Pace::Busy(millis) => {
                pass(millis);
                return Poll::Ready(usize::MAX);
            }
            Pace::Byte => return self.hold(true, cx).map(|()| 1),
            Pace::Any(_) => {
                let hold = self.random.chance(500);
                return self.hold(hold, cx).map(|()| 1 + self.random.below(40) as usize);
            }
            Pace::Late(millis) => (usize::MAX, millis),
            Pace::Drip(millis) => (1, millis),
        };
        let due = *self.due.get_or_insert(Instant::now() + Duration::from_millis(delay));
        if Instant::now() < due {
            let _ = pin!(Timer::at(due)).poll(cx); // asks to be woken
            return Poll::Pending;
        }
        self.due = None;
        Poll::Ready(limit)
    }

    fn hold(&mut self, hold: bool, cx: &mut Context<'_>) -> Poll<()> {
        self.held = hold && !self.held;
        if self.held {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// A handle to let one end fail, from now on or once.
#[derive(Clone, Default)]
pub(crate) struct Fault(Rc<Cell<Failing>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Failing {
    #[default]
    Never,
    Always(ErrorKind),
    /// Once, then all is well again.
    Once(ErrorKind),
    /// A flush alone.
    Flush(ErrorKind),
    /// Takes nothing and says so, which a writer must not do.
    Zero,
}

impl Fault {
    pub(crate) fn set(&self, failing: Failing) {
        self.0.set(failing);
    }

    fn check(&self) -> Result<(), ErrorKind> {
        match self.0.get() {
            Failing::Always(kind) => Err(kind),
            Failing::Once(kind) => {
                self.0.set(Failing::Never);
                Err(kind)
            }
            _ => Ok(()),
        }
    }
}

/// Where bytes come out.
pub(crate) struct Source {
    pipe: Pipe,
    gait: Gait,
    pub(crate) fault: Fault,
}

impl ErrorType for Source {
    type Error = ErrorKind;
}

impl Read for Source {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| {
            let limit = std::task::ready!(self.gait.poll(cx));
            self.fault.check()?;
            let mut state = self.pipe.0.borrow_mut();
            let n = state.bytes.len().min(buf.len()).min(limit);
            if n == 0 && !state.ended && !buf.is_empty() {
                state.wakers.push(cx.waker().clone());
                return Poll::Pending;
            }
            for (to, from) in buf.iter_mut().zip(state.bytes.drain(..n)) {
                *to = from;
            }
            state.wake();
            Poll::Ready(Ok(n))
        })
        .await
    }
}

/// Where bytes go in.
pub(crate) struct Sink {
    pipe: Pipe,
    gait: Gait,
    flush: Gait,
    pub(crate) fault: Fault,
}

impl ErrorType for Sink {
    type Error = ErrorKind;
}

impl Write for Sink {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| {
            let limit = std::task::ready!(self.gait.poll(cx));
            self.fault.check()?;
            if self.fault.0.get() == Failing::Zero {
                return Poll::Ready(Ok(0));
            }
            let mut state = self.pipe.0.borrow_mut();
            let room = state.capacity.saturating_sub(state.bytes.len());
            let n = room.min(buf.len()).min(limit);
            if n == 0 {
                state.wakers.push(cx.waker().clone());
                return Poll::Pending;
            }
            state.bytes.extend(&buf[..n]);
            state.log.extend(&buf[..n]);
            state.wake();
            Poll::Ready(Ok(n))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        poll_fn(|cx| {
            std::task::ready!(self.flush.poll(cx));
            self.fault.check()?;
            match self.fault.0.get() {
                Failing::Flush(kind) => Poll::Ready(Err(kind)),
                _ => Poll::Ready(Ok(())),
            }
        })
        .await
    }
}
