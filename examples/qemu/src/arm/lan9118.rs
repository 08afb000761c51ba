//! Driver of the LAN9118 Ethernet controller, as the emulator models it: frames go word by word through two FIFOs.

#![expect(unsafe_code, reason = "registers")]

use bytemuck::cast_slice_mut;
use core::cell::RefCell;
use core::ptr::{read_volatile, write_volatile};
use core::task::Context;
use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use critical_section::Mutex;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::WakerRegistration;

/// Its interrupt.
pub(super) const IRQ: i16 = 13;

/// The longest frame, without its check sequence.
const MTU: usize = 1514;

/// The check sequence (FCS) at the end of a received frame.
const FCS_LEN: usize = 4;

/// Words that hold a frame and its check sequence.
const WORDS: usize = (MTU + FCS_LEN).div_ceil(4);

/// Who waits for a frame.
static WAKER: Mutex<RefCell<WakerRegistration>> = Mutex::new(RefCell::new(WakerRegistration::new()));

/// The controller, and room for a frame in each direction: about 3 KiB, so keep it in a static.
pub(crate) struct Lan9118 {
    mac: [u8; 6],
    received: [u32; WORDS],
    sent: [u32; WORDS],
}

impl Lan9118 {
    pub(super) const fn new() -> Self {
        Self { mac: [0; 6], received: [0; WORDS], sent: [0; WORDS] }
    }

    /// Resets the controller, asks for its address and lets frames in.
    pub(super) fn start(&mut self) {
        Register::HwCfg.write(1); // soft reset
        while Register::HwCfg.read() & 1 != 0 {}
        Register::HwCfg.write(5 << 16 | 1 << 20); // 5 KiB for frames to send; the second bit has to be set
        let [a, b, c, d] = read_mac(MAC_ADDRL).to_le_bytes();
        let [e, f, ..] = read_mac(MAC_ADDRH).to_le_bytes();
        self.mac = [a, b, c, d, e, f];
        write_mac(MAC_CR, 1 << 3 | 1 << 2 | 1 << 20); // transmitter, receiver, full duplex
        Register::TxCfg.write(1 << 1 | 1 << 2); // on; a full FIFO of statuses stops nothing
        Register::FifoInt.write(0); // any frame interrupts
        Register::IntSts.write(u32::MAX);
        Register::IntEn.write(FRAME_HAS_COME);
        Register::IrqCfg.write(1 << 8 | 1 << 4 | 1); // on, active high, push-pull
        // SAFETY: no critical section is made of this interrupt's mask.
        unsafe { NVIC::unmask(Irq) };
    }
}

/// Wakes the driver's task. The interrupt stays off until the task has taken all frames.
pub(super) fn on_interrupt() {
    Register::IntEn.write(0);
    Register::IntSts.write(FRAME_HAS_COME);
    critical_section::with(|cs| WAKER.borrow_ref_mut(cs).wake());
}

impl Driver for Lan9118 {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'_>, Sending<'_>)> {
        critical_section::with(|cs| WAKER.borrow_ref_mut(cs).register(cx.waker()));
        if !has_room() {
            cx.waker().wake_by_ref();
            return None;
        }
        let len = loop {
            if frames_waiting() == 0 {
                Register::IntSts.write(FRAME_HAS_COME);
                Register::IntEn.write(FRAME_HAS_COME);
                // One may have come before the interrupt was on.
                if frames_waiting() == 0 {
                    return None;
                }
            }
            if let Some(len) = read_frame(&mut self.received) {
                break len;
            }
        };
        let bytes: &mut [u8] = cast_slice_mut(&mut self.received);
        Some((Received(bytes.get_mut(..len)?), Sending(&mut self.sent)))
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<Sending<'_>> {
        if has_room() {
            return Some(Sending(&mut self.sent));
        }
        // The emulator sends at once, so this is never for long.
        cx.waker().wake_by_ref();
        None
    }

    fn link_state(&mut self, _cx: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.mac)
    }
}

/// A frame that has come.
pub(crate) struct Received<'a>(&'a mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame to send.
pub(crate) struct Sending<'a>(&'a mut [u32; WORDS]);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let bytes: &mut [u8] = cast_slice_mut(self.0);
        let result = f(&mut bytes[..len]); // the stack keeps to the MTU
        Register::TxData.write(1 << 13 | 1 << 12 | len as u32); // first and last piece of the frame
        Register::TxData.write(len as u32);
        for word in &self.0[..len.div_ceil(4)] {
            Register::TxData.write(*word);
        }
        while Register::TxFifoInf.read() >> 16 & 0xff != 0 {
            Register::TxSts.read(); // a status for each frame, of no interest
        }
        result
    }
}

/// The longest frame and its two command words fit into the FIFO.
fn has_room() -> bool {
    Register::TxFifoInf.read() & 0xffff >= (MTU + 16) as u32
}

fn frames_waiting() -> u32 {
    Register::RxFifoInf.read() >> 16 & 0xff
}

/// Takes the next frame out of the FIFO; `None`: it is damaged or does not fit, and dropped. Returns its length without
/// the check sequence.
fn read_frame(into: &mut [u32; WORDS]) -> Option<usize> {
    let status = Register::RxSts.read();
    let len = (status >> 16 & 0x3fff) as usize;
    for i in 0..len.div_ceil(4) {
        let word = Register::RxData.read(); // also those that find no room have to leave the FIFO
        if let Some(place) = into.get_mut(i) {
            *place = word;
        }
    }
    let is_damaged = status & 1 << 15 != 0;
    len.checked_sub(FCS_LEN).filter(|len| !is_damaged && (14..=MTU).contains(len))
}

/// "RX status FIFO level" in IntSts and IntEn.
const FRAME_HAS_COME: u32 = 1 << 3;

/// Registers, by their distance from the first.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Register {
    RxData = 0x00,
    TxData = 0x20,
    RxSts = 0x40,
    TxSts = 0x48,
    IrqCfg = 0x54,
    IntSts = 0x58,
    IntEn = 0x5c,
    FifoInt = 0x68,
    TxCfg = 0x70,
    HwCfg = 0x74,
    RxFifoInf = 0x7c,
    TxFifoInf = 0x80,
    MacCsrCmd = 0xa4,
    MacCsrData = 0xa8,
}

impl Register {
    /// Where the machine has the first register.
    const BASE: usize = 0x4020_0000;

    fn read(self) -> u32 {
        // SAFETY: the machine has an aligned register there, and reading it touches no memory of the program's.
        unsafe { read_volatile((Self::BASE + self as usize) as *const u32) }
    }

    fn write(self, value: u32) {
        // SAFETY: as above; the controller has no access to memory, so no value can make it write there.
        unsafe { write_volatile((Self::BASE + self as usize) as *mut u32, value) }
    }
}

/// Registers behind the registers, of the part that speaks Ethernet.
const MAC_CR: u32 = 1;
const MAC_ADDRH: u32 = 2;
const MAC_ADDRL: u32 = 3;

fn write_mac(register: u32, value: u32) {
    Register::MacCsrData.write(value);
    Register::MacCsrCmd.write(1 << 31 | register);
    while Register::MacCsrCmd.read() & 1 << 31 != 0 {}
}

fn read_mac(register: u32) -> u32 {
    Register::MacCsrCmd.write(1 << 31 | 1 << 30 | register);
    while Register::MacCsrCmd.read() & 1 << 31 != 0 {}
    Register::MacCsrData.read()
}

#[derive(Clone, Copy)]
struct Irq;

// SAFETY: the number is that of the machine's Ethernet interrupt, and never changes.
unsafe impl InterruptNumber for Irq {
    fn number(self) -> u16 {
        IRQ as u16
    }
}
