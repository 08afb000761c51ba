//! The bits that were taken off the input and are not used yet. A step takes all the bits it needs or none, so that what
//! is held is all there is to remember between two pieces of input.

/// As wide as a register. It is filled up to at least so many bits.
#[cfg(target_pointer_width = "64")]
type Hold = u64;
#[cfg(target_pointer_width = "64")]
const FILLED: u32 = 56;
#[cfg(not(target_pointer_width = "64"))]
type Hold = u32;
#[cfg(not(target_pointer_width = "64"))]
const FILLED: u32 = 25;

/// The lowest 32 bits.
#[cfg(target_pointer_width = "64")]
const fn word(hold: Hold) -> u32 {
    hold as u32
}
#[cfg(not(target_pointer_width = "64"))]
const fn word(hold: Hold) -> u32 {
    hold
}

/// Bits in the order of RFC 1951 3.1.1: the next one is the lowest. Those above `count` are zero.
pub struct Bits {
    hold: Hold,
    count: u32,
}

impl Bits {
    pub(super) const NONE: Self = Self { hold: 0, count: 0 };

    /// Takes whole bytes off `input` while they fit: afterwards it is empty, or at least 25 bits are held.
    #[cfg(target_pointer_width = "64")]
    #[inline]
    pub(super) fn refill(&mut self, input: &mut &[u8]) {
        if let Some(word) = input.first_chunk() {
            // Bits of a byte that does not fit are put there too, and cut off again: no branch depends on the count.
            self.hold |= Hold::from_le_bytes(*word).wrapping_shl(self.count);
            let taken = 63u32.wrapping_sub(self.count) >> 3;
            *input = input.get(taken as usize..).unwrap_or_default();
            self.count |= FILLED;
            self.hold &= low(self.count);
        } else {
            self.refill_by_bytes(input);
        }
    }

    /// The same for cores that cannot load an unaligned word; most symbols need no more than is there.
    #[cfg(not(target_pointer_width = "64"))]
    #[inline]
    pub(super) fn refill(&mut self, input: &mut &[u8]) {
        if self.count < FILLED {
            self.refill_by_bytes(input);
        }
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    fn refill_by_bytes(&mut self, input: &mut &[u8]) {
        while self.count < FILLED
            && let Some((byte, rest)) = input.split_first()
        {
            *input = rest;
            self.hold |= Hold::from(*byte).wrapping_shl(self.count);
            self.count = self.count.wrapping_add(8);
        }
    }

    /// The next bits, zeros behind the last one held.
    #[inline]
    pub(super) const fn peek(&self) -> u32 {
        word(self.hold)
    }

    #[inline]
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Takes `n` bits, at most 16; `None` if there are fewer, and then none is taken.
    #[inline]
    pub(super) fn take(&mut self, n: u32) -> Option<u16> {
        let bits = self.hold & low(n);
        self.drop(n)?;
        Some(bits as u16)
    }

    /// Takes `n` bits that were looked at, at most 31.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    #[cfg_attr(target_pointer_width = "64", inline)]
    pub(super) fn drop(&mut self, n: u32) -> Option<()> {
        self.count = self.count.checked_sub(n)?;
        self.hold = self.hold.wrapping_shr(n);
        Some(())
    }

    /// Drops what is left of a byte (RFC 1951 3.2.4).
    pub(super) fn align(&mut self) {
        self.drop(self.count & 7);
    }

    /// Takes the two lengths of a stored block, behind [`align`](Self::align).
    pub(super) fn take_lengths(&mut self) -> Option<u32> {
        let lengths = word(self.hold);
        self.count = self.count.checked_sub(32)?;
        self.hold = self.hold.checked_shr(32).unwrap_or(0);
        Some(lengths)
    }

    /// For a loop that keeps the bits in registers of its own: 64 at least.
    #[inline]
    pub(super) fn load(&self) -> (u64, u32) {
        #[cfg(target_pointer_width = "64")]
        let hold = self.hold;
        #[cfg(not(target_pointer_width = "64"))]
        let hold = self.hold.into();
        (hold, self.count)
    }

    /// What that loop leaves: `count` bits, no more than fit.
    #[inline]
    pub(super) fn store(&mut self, hold: u64, count: u32) {
        self.hold = hold as Hold & Hold::MAX.checked_shr(Hold::BITS.wrapping_sub(count)).unwrap_or(0);
        self.count = count;
    }
}

/// `n` ones, fewer than a register has bits.
#[inline]
const fn low(n: u32) -> Hold {
    (1 as Hold).wrapping_shl(n).wrapping_sub(1)
}
