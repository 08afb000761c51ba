//! What the core does not forgive: it ends the run.

#![expect(unsafe_code, reason = "an exception, and a planted fault")]

use cortex_m_rt::{ExceptionFrame, exception};
use semihosting::{println, process};

// SAFETY: it never returns to what faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    println!("HardFault at {:#010x}, called from {:#010x}", frame.pc(), frame.lr());
    process::exit(102)
}

/// Reads a word that is not aligned, for the self-test of the harness.
#[cfg(feature = "planted-fault")]
pub(crate) fn read_unaligned_word() -> crate::Outcome {
    let words = [0u32; 2];
    let address = words.as_ptr() as usize + 1;
    let word: u32;
    // SAFETY: all four bytes lie in `words`, and are only read; the fault ends the program.
    unsafe { core::arch::asm!("ldr {0}, [{1}]", out(reg) word, in(reg) address, options(readonly, nostack)) };
    crate::check!(word == 0);
    Ok(())
}
