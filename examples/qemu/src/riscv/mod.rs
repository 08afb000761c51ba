//! QEMU's `virt`: one 32-bit RISC-V core, of which the program uses what an ESP32-C3 has, with a virtio network device.

#![expect(unsafe_code, reason = "registers, exceptions")]

mod plic;
mod time;
mod virtio_net;
mod virtqueue;

use crate::log::log;
use riscv::interrupt::Interrupt;
use riscv::register::{mcause, mie, mtval};
use riscv_rt::{TrapFrame, core_interrupt};
use semihosting::process;
use virtio_net::VirtioNet;

pub(crate) const NAME: &str = "virt, RV32IMC";

/// The driver of its network.
pub(crate) type Network = VirtioNet;

/// Starts the clock and the network device.
pub(crate) fn start() -> Network {
    time::start();
    let (network, irq) = VirtioNet::start().unwrap();
    plic::enable(irq);
    // SAFETY: the drivers are ready for their interrupts, and no critical section is made of these masks.
    unsafe {
        mie::set_mtimer();
        mie::set_mext();
        riscv::interrupt::enable();
    }
    network
}

/// Waits for an interrupt, which may be masked.
pub(crate) fn sleep() {
    riscv::asm::wfi();
}

#[core_interrupt(Interrupt::MachineTimer)]
fn on_timer() {
    time::on_interrupt();
}

#[core_interrupt(Interrupt::MachineExternal)]
fn on_external() {
    plic::serve(virtio_net::on_interrupt);
}

// SAFETY: the name and the signature are those that riscv-rt asks for; it never returns to what failed.
#[unsafe(export_name = "ExceptionHandler")]
fn on_exception(frame: &TrapFrame) -> ! {
    let (cause, address) = (mcause::read().code(), mtval::read());
    let at = riscv::register::mepc::read();
    log!("exception {cause} at {at:#010x} about {address:#010x}, called from {:#010x}", frame.ra);
    process::exit(2)
}
