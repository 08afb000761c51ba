//! Driver of a virtio network device over memory-mapped registers (virtio 1.2, 4.2 and 5.1).

#![expect(unsafe_code, reason = "registers")]

use super::virtqueue::{BUFFER, LEN, Memory, Virtqueue, Writer};
use core::cell::RefCell;
use core::ptr::{read_volatile, write_volatile};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Context;
use critical_section::Mutex;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::WakerRegistration;
use riscv::asm::fence;

/// The longest frame.
const MTU: usize = 1514;

/// What stands before each frame (virtio 1.2, 5.1.6), all zero: nothing is left to the device.
const HEADER: usize = 12;

static RECEIVING: Memory = Memory::new();
static SENDING: Memory = Memory::new();

/// Who waits for a frame, or for room to send one.
static WAKER: Mutex<RefCell<WakerRegistration>> = Mutex::new(RefCell::new(WakerRegistration::new()));

/// Where the device is, for the interrupt; 0: it is not started.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// The device.
pub(crate) struct VirtioNet {
    device: Device,
    mac: [u8; 6],
    receiving: Virtqueue,
    sending: Virtqueue,
}

impl VirtioNet {
    /// Finds the device and starts it: returns the driver and its interrupt. `None`: there is none, or not such as we know.
    pub(super) fn start() -> Option<(Self, u32)> {
        let (device, irq) = Device::find()?;
        let receiving = Virtqueue::new(&RECEIVING, Writer::Device)?;
        let sending = Virtqueue::new(&SENDING, Writer::Program)?;
        device.negotiate()?;
        device.set_queue(Queue::Receiving, &receiving)?;
        device.set_queue(Queue::Sending, &sending)?;
        STARTED.store(device.base, Ordering::SeqCst);
        device.write(
            Register::Status,
            status::ACKNOWLEDGE | status::DRIVER | status::FEATURES_OK | status::DRIVER_OK,
        );
        let mut this = Self { device, mac: device.mac(), receiving, sending };
        for id in 0..LEN {
            this.receiving.give(id, BUFFER);
        }
        this.sending.set_interrupt(false);
        device.notify(Queue::Receiving);
        Some((this, irq))
    }

    /// A buffer to send from; `None`: all are on their way, and an interrupt will tell when one is back.
    fn room(&mut self) -> Option<usize> {
        for interrupt in [false, true] {
            self.sending.set_interrupt(interrupt);
            while self.sending.take().is_some() {}
            if let Some(id) = self.sending.free() {
                return Some(id);
            }
        }
        None
    }
}

/// Wakes the driver's task.
pub(super) fn on_interrupt() {
    let base = STARTED.load(Ordering::SeqCst);
    if base != 0 {
        let device = Device { base };
        device.write(Register::InterruptAck, device.read(Register::InterruptStatus));
        critical_section::with(|cs| WAKER.borrow_ref_mut(cs).wake());
    }
}

impl Driver for VirtioNet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'_>, Sending<'_>)> {
        critical_section::with(|cs| WAKER.borrow_ref_mut(cs).register(cx.waker()));
        let room = self.room()?;
        for _ in 0..LEN {
            let (id, len) = self.receiving.take()?;
            let device = self.device;
            if (HEADER + 14..=HEADER + MTU).contains(&len) {
                let received = Received { queue: &mut self.receiving, device, id, len };
                return Some((received, Sending { queue: &mut self.sending, device, id: room }));
            }
            self.receiving.give(id, BUFFER); // no frame
            device.notify(Queue::Receiving);
        }
        None
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<Sending<'_>> {
        critical_section::with(|cs| WAKER.borrow_ref_mut(cs).register(cx.waker()));
        let id = self.room()?;
        Some(Sending { queue: &mut self.sending, device: self.device, id })
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

/// A frame that has come; its buffer goes back to the device behind it.
pub(crate) struct Received<'a> {
    queue: &'a mut Virtqueue,
    device: Device,
    id: usize,
    /// With the header, and not above [`BUFFER`].
    len: usize,
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        let buffer = self.queue.buffer(self.id).and_then(|buffer| buffer.get_mut(HEADER..self.len));
        f(buffer.unwrap_or_default())
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        self.queue.give(self.id, BUFFER);
        if self.queue.wants_notice() {
            self.device.notify(Queue::Receiving);
        }
    }
}

/// Room for a frame to send.
pub(crate) struct Sending<'a> {
    queue: &'a mut Virtqueue,
    device: Device,
    id: usize,
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let buffer = self.queue.buffer(self.id).map_or(&mut [][..], |buffer| &mut buffer[..]);
        let (header, frame) = buffer.split_at_mut(HEADER); // the buffer is free, and the stack keeps to the MTU
        header.fill(0);
        let result = f(&mut frame[..len]);
        self.queue.give(self.id, HEADER + len);
        if self.queue.wants_notice() {
            self.device.notify(Queue::Sending);
        }
        result
    }
}

/// The registers of a device.
#[derive(Clone, Copy)]
struct Device {
    /// One of the machine's places for devices.
    base: usize,
}

impl Device {
    /// The first network device, and its interrupt.
    fn find() -> Option<(Self, u32)> {
        (0..8u32).find_map(|place| {
            let device = Self { base: 0x1000_1000 + place as usize * 0x1000 };
            let is_network = device.read(Register::Magic) == u32::from_le_bytes(*b"virt")
                && device.read(Register::Version) == 2
                && device.read(Register::DeviceId) == 1;
            is_network.then_some((device, place + 1))
        })
    }

    /// Resets it and agrees on the address and on the modern interface, and on nothing else.
    fn negotiate(self) -> Option<()> {
        self.write(Register::Status, 0);
        while self.read(Register::Status) != 0 {}
        self.write(Register::Status, status::ACKNOWLEDGE);
        self.write(Register::Status, status::ACKNOWLEDGE | status::DRIVER);
        for (half, wanted) in [(0, HAS_MAC), (1, VERSION_1)] {
            self.write(Register::DeviceFeaturesSelect, half);
            if self.read(Register::DeviceFeatures) & wanted == 0 {
                return None;
            }
            self.write(Register::DriverFeaturesSelect, half);
            self.write(Register::DriverFeatures, wanted);
        }
        self.write(Register::Status, status::ACKNOWLEDGE | status::DRIVER | status::FEATURES_OK);
        (self.read(Register::Status) & status::FEATURES_OK != 0).then_some(())
    }

    fn set_queue(self, index: Queue, queue: &Virtqueue) -> Option<()> {
        self.write(Register::QueueSelect, index as u32);
        if self.read(Register::QueueReady) != 0 || (self.read(Register::QueueLenMax) as usize) < LEN {
            return None;
        }
        let addresses = queue.addresses();
        self.write(Register::QueueLen, LEN as u32);
        for (register, address) in [
            (Register::QueueDescriptors, addresses.descriptors),
            (Register::QueueAvailable, addresses.available),
            (Register::QueueUsed, addresses.used),
        ] {
            self.write(register, address);
        }
        for high in [Register::QueueDescriptorsHigh, Register::QueueAvailableHigh, Register::QueueUsedHigh] {
            self.write(high, 0);
        }
        self.write(Register::QueueReady, 1);
        Some(())
    }

    fn mac(self) -> [u8; 6] {
        let [a, b, c, d] = self.read(Register::Mac).to_le_bytes();
        let [e, f, ..] = self.read(Register::MacEnd).to_le_bytes();
        [a, b, c, d, e, f]
    }

    /// There are new buffers in a queue.
    fn notify(self, queue: Queue) {
        fence();
        self.write(Register::QueueNotify, queue as u32);
    }

    fn read(self, register: Register) -> u32 {
        // SAFETY: the machine has an aligned register there, and reading it touches no memory of the program's.
        unsafe { read_volatile((self.base + register as usize) as *const u32) }
    }

    /// The device writes to no memory but the buffers and the ring of a queue that [`set_queue`](Self::set_queue) named,
    /// which lives for ever.
    fn write(self, register: Register, value: u32) {
        // SAFETY: as above.
        unsafe { write_volatile((self.base + register as usize) as *mut u32, value) }
    }
}

#[derive(Clone, Copy)]
enum Queue {
    Receiving = 0,
    Sending = 1,
}

/// Features that the device has to offer: an address of its own, in the first 32; the modern interface, in the second.
const HAS_MAC: u32 = 1 << 5;
const VERSION_1: u32 = 1;

/// Bits of [`Register::Status`].
mod status {
    pub(super) const ACKNOWLEDGE: u32 = 1;
    pub(super) const DRIVER: u32 = 2;
    pub(super) const DRIVER_OK: u32 = 4;
    pub(super) const FEATURES_OK: u32 = 8;
}

/// Registers, by their distance from the first.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Register {
    Magic = 0x00,
    Version = 0x04,
    DeviceId = 0x08,
    DeviceFeatures = 0x10,
    DeviceFeaturesSelect = 0x14,
    DriverFeatures = 0x20,
    DriverFeaturesSelect = 0x24,
    QueueSelect = 0x30,
    QueueLenMax = 0x34,
    QueueLen = 0x38,
    QueueReady = 0x44,
    QueueNotify = 0x50,
    InterruptStatus = 0x60,
    InterruptAck = 0x64,
    Status = 0x70,
    QueueDescriptors = 0x80,
    QueueDescriptorsHigh = 0x84,
    QueueAvailable = 0x90,
    QueueAvailableHigh = 0x94,
    QueueUsed = 0xa0,
    QueueUsedHigh = 0xa4,
    Mac = 0x100,
    MacEnd = 0x104,
}
