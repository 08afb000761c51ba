//! Runs the tasks, and lets the machine sleep in between. No task is here.
//!
//! Embassy's own executor for Cortex-M sleeps by WFE, which the emulator takes for a mere hint: it would keep a
//! processor of the host busy for nothing. This one sleeps by WFI on both machines.

#![expect(unsafe_code, reason = "what embassy-executor asks of who runs it")]

use crate::machine;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

/// A task was woken since the tasks were polled last.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Calls `init`, which spawns the first tasks; then runs them for ever.
pub(crate) fn run(init: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    let executor: &raw::Executor = EXECUTOR.init(raw::Executor::new(ptr::null_mut()));
    init(executor.spawner());
    loop {
        // SAFETY: it is called here alone, so never from within itself and never by two at once.
        unsafe { executor.poll() };
        // An interrupt that comes between the look and the sleep ends the sleep, and is handled behind this section.
        critical_section::with(|_| {
            if WOKEN.load(Ordering::SeqCst) {
                WOKEN.store(false, Ordering::SeqCst);
            } else {
                machine::sleep();
            }
        });
    }
}

// SAFETY: the name and the signature are those that embassy-executor asks for, and no other crate defines it: none of its
// platforms is chosen.
#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {
    WOKEN.store(true, Ordering::SeqCst);
}
