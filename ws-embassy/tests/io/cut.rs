//! How futures are dropped: [`Cut`].

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;

use embassy_time::{Duration, with_timeout};

use crate::common::random::Random;

/// Drops the futures of a session where they wait.
pub(crate) struct Cut {
    when: When,
    /// Polls in the whole session that were not ready.
    waits: Cell<u64>,
    drops: Cell<u64>,
    random: RefCell<Random>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Never,
    /// Once, where the session waits for the n-th time, counted from 1.
    At(u64),
    /// Each time that the session has waited n times more.
    Each(u64),
    /// Each time that it waits, perhaps; from this seed.
    Any(u64),
    /// By a timer of so many milliseconds about each call.
    Timer(u64),
}

impl Cut {
    pub(crate) fn new(when: When) -> Self {
        let seed = if let When::Any(seed) = when { seed } else { 0 };
        let random = RefCell::new(Random::new(seed));
        Self { when, waits: Cell::new(0), drops: Cell::new(0), random }
    }

    /// How many futures were dropped.
    pub(crate) fn drops(&self) -> u64 {
        self.drops.get()
    }

    /// How often the session waited.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.get()
    }

    /// The output of `future`, or `None` if it was dropped.
    pub(crate) async fn run<F: Future>(&self, future: F) -> Option<F::Output> {
        let output = if let When::Timer(millis) = self.when {
            with_timeout(Duration::from_millis(millis), future).await.ok()
        } else {
            let mut future = Box::pin(future);
            poll_fn(|cx| match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.is_now() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await
        };
        if output.is_none() {
            self.drops.set(self.drops.get() + 1);
            assert!(self.drops.get() < 100_000, "calls are dropped, made again, and never get on");
        }
        output
    }

    fn is_now(&self) -> bool {
        self.waits.set(self.waits.get() + 1);
        match self.when {
            When::At(n) => self.waits.get() == n,
            When::Each(n) => self.waits.get().is_multiple_of(n),
            When::Any(_) => self.random.borrow_mut().chance(400),
            When::Never | When::Timer(_) => false,
        }
    }
}
