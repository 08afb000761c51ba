//! What the image says to the emulator: marks around what is measured, lines of text, and the end. The only unsafe code
//! here.

use core::arch::asm;
use core::fmt::Write;

/// What the emulator measures from here on is to be known by `label`.
pub fn label(label: core::fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LINE_MAX], len: 0 };
    if line.write_fmt(label).is_err() {
        fail();
    }
    let _ = line.write_str("\n"); // there is room for it, and for the zero behind it
    semihost(SYS_WRITE0, line.bytes.as_ptr() as usize);
}

/// Measures `what`: cycles and instructions between two marks. Memory is as the source says at either, so nothing is moved
/// out or in.
#[inline(always)]
pub fn measured<T>(what: impl FnOnce() -> T) -> T {
    mark(BEGIN);
    let result = what();
    mark(END);
    result
}

pub fn succeed() -> ! {
    exit(APPLICATION_EXIT)
}

pub fn fail() -> ! {
    exit(RUN_TIME_ERROR)
}

const BEGIN: u32 = 1;
const END: u32 = 2;

#[inline(always)]
fn mark(which: u32) {
    // SAFETY: the emulator takes note of r0 and goes on behind the instruction; no register and no memory is changed.
    unsafe { asm!("bkpt 0xcc", in("r0") which, options(nostack, preserves_flags)) };
}

// Arm's semihosting, as far as it is used here.
const SYS_WRITE0: usize = 0x04;
const SYS_EXIT: usize = 0x18;
const APPLICATION_EXIT: usize = 0x20026;
const RUN_TIME_ERROR: usize = 0x20023;

fn semihost(operation: usize, parameter: usize) {
    // SAFETY: a call that is answered in r0; what `parameter` points to is only read.
    unsafe {
        asm!("bkpt 0xab", inlateout("r0") operation => _, in("r1") parameter, options(nostack, preserves_flags));
    }
}

fn exit(reason: usize) -> ! {
    semihost(SYS_EXIT, reason);
    loop {
        core::hint::spin_loop();
    }
}

const LINE_MAX: usize = 96;

/// A line of text with a zero behind it.
struct Line {
    bytes: [u8; LINE_MAX],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.len + text.len();
        if end > LINE_MAX - 2 && text != "\n" {
            return Err(core::fmt::Error);
        }
        self.bytes[self.len..end].copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if let Some(place) = info.location() {
        label(format_args!("panic {}:{}", place.file().rsplit('/').next().unwrap_or_default(), place.line()));
    }
    fail()
}
