//! QEMU's `mps2-an385`: a Cortex-M3 with a LAN9118 Ethernet controller, made as strict as the Cortex-M0+ of a Pico W.

#![expect(unsafe_code, reason = "registers, exceptions")]

mod lan9118;
mod time;

use crate::log::log;
use cortex_m::peripheral::{Peripherals, SCB};
use cortex_m_rt::{ExceptionFrame, exception};
use lan9118::Lan9118;
use semihosting::process;
use static_cell::ConstStaticCell;

pub(crate) const NAME: &str = "mps2-an385, Cortex-M3 as a Cortex-M0+";

/// The driver of its network.
pub(crate) type Network = &'static mut Lan9118;

/// The core's clock.
const HZ: u32 = 25_000_000;

/// Starts the clock and the network controller.
pub(crate) fn start() -> Network {
    static NETWORK: ConstStaticCell<Lan9118> = ConstStaticCell::new(Lan9118::new());
    let Peripherals { mut SCB, mut SYST, .. } = Peripherals::take().unwrap();
    trap_unaligned_access(&mut SCB);
    time::start(&mut SYST, HZ);
    let network = NETWORK.take();
    network.start();
    network
}

/// Waits for an interrupt, which may be masked.
pub(crate) fn sleep() {
    cortex_m::asm::dsb();
    cortex_m::asm::wfi();
}

/// A Cortex-M0+ faults on unaligned words; a Cortex-M3 does if CCR.UNALIGN_TRP is set.
fn trap_unaligned_access(scb: &mut SCB) {
    // SAFETY: the only effect of the bit is that some accesses fault.
    unsafe { scb.ccr.modify(|ccr| ccr | 1 << 3) };
}

// SAFETY: it touches no state but that of the drivers, which expect it.
#[exception]
unsafe fn DefaultHandler(irq: i16) {
    match irq {
        lan9118::IRQ => lan9118::on_interrupt(),
        _ => panic!("interrupt {irq} was never asked for"),
    }
}

// SAFETY: it never returns to what faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    log!("HardFault at {:#010x}, called from {:#010x}", frame.pc(), frame.lr());
    process::exit(2)
}
