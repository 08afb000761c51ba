//! Virtual time, one clock for each thread: the tests of one file run in parallel threads, and embassy-time knows one
//! driver for the whole process. The clock stands still while anything can be done; then [`advance`] takes it to the
//! next timer. So ten minutes of waiting cost no more than the work done in them.

use std::cell::RefCell;
use std::future::Future;
use std::task::{Context, Waker};

use embassy_time::{Duration, Instant, Timer};
use embassy_time_driver::{Driver, time_driver_impl};

/// The driver that embassy-time finds; its state is in [`CLOCK`].
struct VirtualClock;

time_driver_impl!(static DRIVER: VirtualClock = VirtualClock);

impl Driver for VirtualClock {
    fn now(&self) -> u64 {
        CLOCK.with_borrow(|clock| clock.now)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        CLOCK.with_borrow_mut(|clock| clock.schedule(at, waker));
    }
}

thread_local! {
    static CLOCK: RefCell<Clock> = const { RefCell::new(Clock { now: 0, taken: false, timers: Vec::new() }) };
}

struct Clock {
    /// Ticks since the clock was taken.
    now: u64,
    /// Whether a network lives on this thread; a second one would share its time.
    taken: bool,
    /// At most one for each waker.
    timers: Vec<(u64, Waker)>,
}

impl Clock {
    /// One timer for each task is enough: it polls all it waits for when it wakes, and each then asks anew.
    fn schedule(&mut self, at: u64, waker: &Waker) {
        match self.timers.iter_mut().find(|(_, other)| other.will_wake(waker)) {
            Some((earliest, _)) => *earliest = at.min(*earliest),
            None => self.timers.push((at, waker.clone())),
        }
    }
}

/// The clock of this thread, set to zero, until this is dropped.
pub(crate) struct Lease(());

/// Takes the clock of this thread and sets it to zero.
pub(crate) fn take() -> Lease {
    CLOCK.with_borrow_mut(|clock| {
        assert!(!clock.taken, "one network at a time on a thread: drop the first");
        *clock = Clock { now: 0, taken: true, timers: Vec::new() };
    });
    Lease(())
}

impl Drop for Lease {
    fn drop(&mut self) {
        CLOCK.with_borrow_mut(|clock| {
            clock.taken = false;
            clock.timers.clear();
        });
    }
}

/// Moves the clock to the earliest timer and wakes all that are due; false if there is none.
///
/// A timer in the past takes one tick all the same: on a real processor time passes too, and a task that
/// asks for "now" again and again must not stop the clock.
pub(crate) fn advance() -> bool {
    let due = CLOCK.with_borrow_mut(|clock| {
        let earliest = clock.timers.iter().map(|(at, _)| *at).min()?;
        clock.now = earliest.max(clock.now + 1);
        let now = clock.now;
        Some(clock.timers.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>())
    });
    // Woken after the borrow: a waker may do anything.
    due.into_iter().flatten().map(|(_, waker)| waker.wake()).count() > 0
}

/// Lets time pass while nothing else can run: whoever is polled keeps the board busy for so long.
pub(crate) fn pass(millis: u64) {
    let end = Instant::now() + Duration::from_millis(millis);
    let mut timer = Box::pin(Timer::at(end));
    while timer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        advance();
    }
}

/// Seconds for messages to the reader of a failed test.
pub(crate) fn seconds() -> f64 {
    Instant::now().as_micros() as f64 / 1e6
}
