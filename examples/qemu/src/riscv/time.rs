//! The clock of `embassy-time`: the machine timer (CLINT), which counts ten million times a second.

#![expect(unsafe_code, reason = "registers")]

use core::cell::RefCell;
use core::ptr::{read_volatile, write_volatile};
use core::task::Waker;
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// Starts it: nobody is to be woken yet.
pub(super) fn start() {
    set_alarm(u64::MAX);
}

pub(super) fn on_interrupt() {
    critical_section::with(|cs| {
        set_alarm(CLOCK.queue.borrow_ref_mut(cs).next_expiration(CLOCK.now()));
    });
}

struct Clock {
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock { queue: Mutex::new(RefCell::new(Queue::new())) });

impl Driver for Clock {
    fn now(&self) -> u64 {
        loop {
            let high = read(MTIME + 4);
            let low = read(MTIME);
            // Else the low half ran over between the two.
            if high == read(MTIME + 4) {
                return u64::from(high) << 32 | u64::from(low);
            }
        }
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let mut queue = self.queue.borrow_ref_mut(cs);
            if queue.schedule_wake(at, waker) {
                set_alarm(queue.next_expiration(self.now()));
            }
        });
    }
}

/// The timer interrupts from `at` on, until it is set later.
fn set_alarm(at: u64) {
    write(MTIMECMP + 4, u32::MAX); // so that no half of the old and the new moment is ever in the past
    write(MTIMECMP, at as u32);
    write(MTIMECMP + 4, (at >> 32) as u32);
}

/// Where the machine has the time, and the moment of the next interrupt of hart 0.
const MTIME: usize = 0x0200_bff8;
const MTIMECMP: usize = 0x0200_4000;

fn read(register: usize) -> u32 {
    // SAFETY: the machine has an aligned register there, and reading it touches no memory of the program's.
    unsafe { read_volatile(register as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: as above; what is written decides about the timer's interrupt alone.
    unsafe { write_volatile(register as *mut u32, value) }
}
