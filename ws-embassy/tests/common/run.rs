//! The executor: polls what is awake, in the order of spawning; when nothing is, moves the clock to the next timer.
//! A test that can never end fails with the reason instead: nothing left to wait for, too much virtual time, or a task
//! that wakes itself for ever.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use embassy_time::{Duration, Instant};

use super::clock;

/// Virtual time that one [`Executor::run`] may take unless told otherwise.
const LIMIT: Duration = Duration::from_secs(10 * 3600);
/// Rounds within one virtual second after which a test is called stuck: the busiest here needs some ten thousand.
const BUSY: u32 = 2_000_000;

/// Runs a future, and beside it the tasks spawned here.
pub(crate) struct Executor {
    slots: RefCell<Vec<Slot>>,
    spawner: Spawner,
    limit: Cell<Duration>,
}

impl Executor {
    pub(crate) fn new() -> Self {
        Self { slots: RefCell::default(), spawner: Spawner::default(), limit: Cell::new(LIMIT) }
    }

    /// For tasks that spawn tasks.
    pub(crate) fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// The virtual time that each [`run`](Self::run) may take from now on.
    pub(crate) fn set_limit(&self, limit: Duration) {
        self.limit.set(limit);
    }

    /// Polls `future` to its end. Tasks that have not ended by then rest until the next call.
    ///
    /// # Panics
    ///
    /// If it cannot end, see the module; and when a task panics.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let awake = Arc::new(Flag::raised());
        let waker = Waker::from(awake.clone());
        let until = Instant::now() + self.limit.get();
        let (mut second, mut rounds) = (Instant::now().as_secs(), 0);
        loop {
            let mut progress = awake.lower();
            if progress && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            progress |= self.turn();
            if !progress && !clock::advance() {
                panic!("{} no timer and no wake is left: {}", self.moment(), self.waiting());
            }
            let now = Instant::now();
            assert!(now <= until, "{} too late: {}", self.moment(), self.waiting());
            if now.as_secs() != second {
                (second, rounds) = (now.as_secs(), 0);
            }
            rounds += 1;
            assert!(rounds < BUSY, "{} something wakes itself for ever: {}", self.moment(), self.waiting());
        }
    }

    /// Polls every task that is awake, once; false if none was.
    fn turn(&self) -> bool {
        let mut slots = self.slots.borrow_mut();
        slots.append(&mut self.spawner.0.borrow_mut());
        slots.retain(|slot| !slot.cancelled.get());
        let mut progress = false;
        slots.retain_mut(|slot| {
            if slot.cancelled.get() || !slot.awake.lower() {
                return true;
            }
            progress = true;
            slot.future.as_mut().poll(&mut Context::from_waker(&Waker::from(slot.awake.clone()))).is_pending()
        });
        progress
    }

    fn moment(&self) -> String {
        format!("at {:.6} s of virtual time:", clock::seconds())
    }

    fn waiting(&self) -> String {
        let slots = self.slots.borrow();
        let places: Vec<_> =
            slots.iter().filter(|slot| !slot.background).map(|slot| slot.place.to_string()).collect();
        match places.as_slice() {
            [] => String::from("only the test itself waits"),
            places => format!("the test waits, and the tasks spawned at {}", places.join(", ")),
        }
    }
}

/// Spawns tasks, from within tasks too.
#[derive(Clone, Default)]
pub(crate) struct Spawner(Rc<RefCell<Vec<Slot>>>);

impl Spawner {
    /// Starts a task. It goes on when the handle is dropped.
    #[track_caller]
    pub(crate) fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        let shared = Rc::new(Shared { output: Cell::new(None), waiter: Cell::new(None) });
        let cancelled = Rc::<Cell<bool>>::default();
        let task = Task { shared: shared.clone(), cancelled: cancelled.clone() };
        self.push(false, cancelled, async move {
            shared.output.set(Some(future.await));
            if let Some(waker) = shared.waiter.take() {
                waker.wake();
            }
        });
        task
    }

    /// Starts what never ends and explains nothing when a test is stuck.
    #[track_caller]
    pub(crate) fn spawn_background(&self, future: impl Future<Output = ()> + 'static) {
        self.push(true, Rc::default(), future);
    }

    #[track_caller]
    fn push(&self, background: bool, cancelled: Rc<Cell<bool>>, future: impl Future<Output = ()> + 'static) {
        let (place, awake) = (Location::caller(), Arc::new(Flag::raised()));
        self.0.borrow_mut().push(Slot { place, background, cancelled, awake, future: Box::pin(future) });
    }
}

/// A handle of a task: a future of its output.
pub(crate) struct Task<T> {
    shared: Rc<Shared<T>>,
    cancelled: Rc<Cell<bool>>,
}

struct Shared<T> {
    output: Cell<Option<T>>,
    waiter: Cell<Option<Waker>>,
}

impl<T> Task<T> {
    /// Drops the task's future at the await where it stands, before anything else is polled again.
    pub(crate) fn cancel(self) {
        self.cancelled.set(true);
    }

    /// Whether the task has ended, its output not yet taken.
    pub(crate) fn is_finished(&self) -> bool {
        let output = self.shared.output.take();
        let finished = output.is_some();
        self.shared.output.set(output);
        finished
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.shared.output.take() {
            Some(output) => Poll::Ready(output),
            None => {
                self.shared.waiter.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

struct Slot {
    place: &'static Location<'static>,
    background: bool,
    cancelled: Rc<Cell<bool>>,
    awake: Arc<Flag>,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

/// Whether a task is to be polled.
struct Flag(AtomicBool);

impl Flag {
    const fn raised() -> Self {
        Self(AtomicBool::new(true))
    }

    fn lower(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
