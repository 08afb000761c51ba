//! The clock of `embassy-time`: SysTick, a thousand times a second.

use core::cell::{Cell, RefCell};
use core::task::Waker;
use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// Starts it; the core runs at `hz`.
pub(super) fn start(syst: &mut SYST, hz: u32) {
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(hz / 1000 - 1);
    syst.clear_current();
    syst.enable_interrupt();
    syst.enable_counter();
}

struct Clock {
    millis: Mutex<Cell<u64>>,
    /// When the next task is to be woken.
    next: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    millis: Mutex::new(Cell::new(0)),
    next: Mutex::new(Cell::new(u64::MAX)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.millis.borrow(cs).get())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let mut queue = self.queue.borrow_ref_mut(cs);
            if queue.schedule_wake(at, waker) {
                self.next.borrow(cs).set(queue.next_expiration(self.millis.borrow(cs).get()));
            }
        });
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let now = CLOCK.millis.borrow(cs).get() + 1;
        CLOCK.millis.borrow(cs).set(now);
        if now >= CLOCK.next.borrow(cs).get() {
            CLOCK.next.borrow(cs).set(CLOCK.queue.borrow_ref_mut(cs).next_expiration(now));
        }
    });
}
