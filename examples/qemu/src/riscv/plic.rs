//! The interrupt controller (PLIC): which interrupts reach the core, and which one came.

#![expect(unsafe_code, reason = "registers")]

use core::ptr::{read_volatile, write_volatile};

/// Lets interrupt `irq` through to hart 0 in machine mode.
pub(super) fn enable(irq: u32) {
    write(PRIORITY + 4 * irq as usize, 1);
    write(ENABLE + 4 * (irq / 32) as usize, 1 << (irq % 32));
    write(THRESHOLD, 0);
}

/// Takes the interrupt that came, has it handled, and lets the next one in.
pub(super) fn serve(handle: impl FnOnce()) {
    let irq = read(CLAIM);
    if irq != 0 {
        handle();
        write(CLAIM, irq);
    }
}

const PRIORITY: usize = 0;
const ENABLE: usize = 0x2000;
const THRESHOLD: usize = 0x20_0000;
const CLAIM: usize = 0x20_0004;

/// Where the machine has the controller.
const BASE: usize = 0x0c00_0000;

fn read(register: usize) -> u32 {
    // SAFETY: the machine has an aligned register there, and reading it touches no memory of the program's.
    unsafe { read_volatile((BASE + register) as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: as above; what is written decides about interrupts alone.
    unsafe { write_volatile((BASE + register) as *mut u32, value) }
}
