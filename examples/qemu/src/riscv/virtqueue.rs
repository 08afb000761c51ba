//! A split virtqueue (virtio 1.2, 2.7) with a buffer behind each descriptor: memory that the program and a device share.
//! All access to it is here; which device it is, is none of this file's business.
//!
//! The device is not trusted: an entry of its ring that names no buffer in its hands is skipped.

#![expect(unsafe_code, reason = "memory shared with a device")]

use core::ptr::{NonNull, addr_of, addr_of_mut, read_volatile, write_volatile};
use riscv::asm::fence;
use static_cell::ConstStaticCell;

/// Buffers of a queue; a power of two, and no more than there are bits in [`Virtqueue::lent`].
pub(super) const LEN: usize = 16;

/// Bytes of a buffer: the longest frame behind the header of its own that each has.
pub(super) const BUFFER: usize = 1536;

/// A queue: the program's side of it.
pub(super) struct Virtqueue {
    shared: NonNull<Shared>,
    /// Who writes into the buffers.
    writer: Writer,
    /// Entries put into the ring of available buffers.
    given: u16,
    /// Entries seen in the ring of used ones.
    taken: u16,
    /// Bit n: buffer n is in the device's hands.
    lent: u16,
}

/// Who writes into the buffers of a queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Program,
    Device,
}

/// What the device has to be told of where a queue lies.
pub(super) struct Addresses {
    pub(super) descriptors: u32,
    pub(super) available: u32,
    pub(super) used: u32,
}

impl Virtqueue {
    /// A queue over `memory`. No buffer is in the device's hands yet.
    pub(super) fn new(memory: &'static Memory, writer: Writer) -> Option<Self> {
        let shared = NonNull::from(memory.0.try_take()?);
        Some(Self { shared, writer, given: 0, taken: 0, lent: 0 })
    }

    pub(super) fn addresses(&self) -> Addresses {
        let shared = self.shared.as_ptr();
        // SAFETY: `shared` points to memory of its type; no reference to it is made.
        unsafe {
            Addresses {
                descriptors: addr_of!((*shared).descriptors) as usize as u32,
                available: addr_of!((*shared).available) as usize as u32,
                used: addr_of!((*shared).used) as usize as u32,
            }
        }
    }

    /// A buffer that is in the program's hands; `None`: the device has all.
    pub(super) fn free(&self) -> Option<usize> {
        let id = self.lent.trailing_ones() as usize;
        (id < LEN).then_some(id)
    }

    /// Buffer `id`; `None`: there is none, or the device has it.
    pub(super) fn buffer(&mut self, id: usize) -> Option<&mut [u8; BUFFER]> {
        if id >= LEN || self.lent & 1 << id != 0 {
            return None;
        }
        let shared = self.shared.as_ptr();
        // SAFETY: the buffer exists, and the device does not touch what it was not given or has given back; `self` is
        // borrowed for as long as the reference lives, so that it is not given meanwhile.
        Some(unsafe { &mut *addr_of_mut!((*shared).buffers[id]) })
    }

    /// Puts the first `len` bytes of buffer `id` into the device's hands. Tell the device then, unless it wants none of
    /// that: see [`wants_notice`](Self::wants_notice).
    pub(super) fn give(&mut self, id: usize, len: usize) {
        if id >= LEN || self.lent & 1 << id != 0 {
            return;
        }
        self.lent |= 1 << id;
        let shared = self.shared.as_ptr();
        let place = usize::from(self.given) % LEN;
        self.given = self.given.wrapping_add(1);
        // SAFETY: `id` and `place` are below `LEN`. The device reads a descriptor and an entry only once the index says
        // that they are there, which is what the fences are for.
        unsafe {
            let descriptor = Descriptor {
                address: addr_of!((*shared).buffers[id]) as usize as u64,
                len: len.min(BUFFER) as u32,
                flags: if self.writer == Writer::Device { DEVICE_WRITES } else { 0 },
                next: 0,
            };
            write_volatile(addr_of_mut!((*shared).descriptors[id]), descriptor);
            write_volatile(addr_of_mut!((*shared).available.ring[place]), id as u16);
            fence();
            write_volatile(addr_of_mut!((*shared).available.index), self.given);
            fence();
        }
    }

    /// The device wants to be told of buffers given.
    pub(super) fn wants_notice(&self) -> bool {
        let shared = self.shared.as_ptr();
        // SAFETY: the field exists, and the device writes it whole.
        unsafe { read_volatile(addr_of!((*shared).used.flags)) & NO_NOTICE == 0 }
    }

    /// Asks for an interrupt when the device has used a buffer, or for none. It may come all the same.
    pub(super) fn set_interrupt(&mut self, wanted: bool) {
        let shared = self.shared.as_ptr();
        // SAFETY: the field exists, and the device only reads it. What is looked at next is looked at behind the fence.
        unsafe {
            write_volatile(addr_of_mut!((*shared).available.flags), if wanted { 0 } else { NO_NOTICE })
        };
        fence();
    }

    /// Takes back the next buffer that the device has used: its number, and how many bytes the device wrote into it, at
    /// most [`BUFFER`].
    pub(super) fn take(&mut self) -> Option<(usize, usize)> {
        let shared = self.shared.as_ptr();
        for _ in 0..LEN {
            // SAFETY: the field exists, and the device writes it whole.
            if unsafe { read_volatile(addr_of!((*shared).used.index)) } == self.taken {
                return None;
            }
            fence(); // the entry, and the buffer it names, are read behind the index
            let place = usize::from(self.taken) % LEN;
            self.taken = self.taken.wrapping_add(1);
            // SAFETY: `place` is below `LEN`, and the device writes no entry that it has announced.
            let Used { id, len } = unsafe { read_volatile(addr_of!((*shared).used.ring[place])) };
            let (id, len) = (id as usize, len as usize);
            if id < LEN && self.lent & 1 << id != 0 {
                self.lent &= !(1 << id);
                return Some((id, len.min(BUFFER)));
            }
        }
        None
    }
}

/// Memory of a queue, about 25 KiB: keep it in a static.
pub(super) struct Memory(ConstStaticCell<Shared>);

impl Memory {
    pub(super) const fn new() -> Self {
        const UNUSED: Descriptor = Descriptor { address: 0, len: 0, flags: 0, next: 0 };
        Self(ConstStaticCell::new(Shared {
            descriptors: [UNUSED; LEN],
            available: AvailableRing { flags: 0, index: 0, ring: [0; LEN] },
            used: UsedRing { flags: 0, index: 0, ring: [Used { id: 0, len: 0 }; LEN] },
            buffers: [[0; BUFFER]; LEN],
        }))
    }
}

/// As the device knows it: the first three parts by what virtio says, the buffers by their descriptors.
#[repr(C, align(16))]
struct Shared {
    descriptors: [Descriptor; LEN],
    available: AvailableRing,
    used: UsedRing,
    buffers: [[u8; BUFFER]; LEN],
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Descriptor {
    address: u64,
    len: u32,
    flags: u16,
    next: u16,
}

#[repr(C)]
struct AvailableRing {
    flags: u16,
    index: u16,
    ring: [u16; LEN],
}

#[repr(C, align(4))]
struct UsedRing {
    flags: u16,
    index: u16,
    ring: [Used; LEN],
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Used {
    id: u32,
    len: u32,
}

/// In the flags of a descriptor.
const DEVICE_WRITES: u16 = 2;

/// In the flags of either ring: who writes it wants no notice from the other side.
const NO_NOTICE: u16 = 1;
