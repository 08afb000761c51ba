//! The fast layout's loop over symbols, for as long as input and window leave room: bits in a register of 64, no state
//! between two symbols, and copies in steps of 16 bytes.

use super::bits::Bits;
use super::blocks::Stop;
use super::cells::{Cell, END, FURTHER, LITERAL, SPECIAL, cell_at, further};
use super::fast::Codes;
use super::window::Window;

/// Bytes that a turn may write before a match.
const LITERALS: usize = 3;
/// Bytes that the last step of a copy may write too much, rounded up.
const STEP: usize = 16;

/// Bits that a turn needs before its distance: two literals, which are in the first table, and a length with its extra bits.
const TURN_BITS: u32 = 2 * 9 + 15 + 5;
/// Bits of a distance and its extra bits.
const DISTANCE_BITS: u32 = 15 + 13;

/// Goes through symbols until the block ends, or too little input, or too little room in front of `end`, is left.
#[inline(never)]
pub(super) fn run(
    codes: Codes<'_>,
    window: &mut Window<'_>,
    held: &mut Bits,
    input: &mut &[u8],
    end: usize,
) -> Stop {
    let (ring, mut at, reach, full) = window.parts();
    // Where the last turn may begin, and where a match must end.
    let Some(last) = end.checked_sub(LITERALS).filter(|last| at <= *last) else { return Stop::Edge };
    let last_to = end.saturating_sub(STEP);
    let (mut bits, mut count) = held.load();
    let (whole, mut rest) = (*input, *input);

    /// Fills the register: up to 56 bits at least, where there is input for them. A branch depends on the end of the input
    /// alone.
    macro_rules! refill {
        ($least:expr, $stop:expr) => {
            if let Some(word) = rest.first_chunk() {
                bits |= u64::from_le_bytes(*word).wrapping_shl(count);
                rest = rest.get((63u32.wrapping_sub(count) >> 3) as usize & 7..).unwrap_or_default();
                count |= 56;
            } else {
                while count < 56
                    && let Some((byte, behind)) = rest.split_first()
                {
                    bits |= u64::from(*byte).wrapping_shl(count);
                    count = count.wrapping_add(8);
                    rest = behind;
                }
                if count < $least {
                    break $stop;
                }
            }
        };
    }
    macro_rules! drop {
        ($cell:expr) => {
            bits = bits.wrapping_shr($cell & 63);
            count = count.wrapping_sub($cell & 63);
        };
    }
    macro_rules! put {
        ($cell:expr) => {
            drop!($cell);
            if let Some(to) = ring.get_mut(at) {
                *to = ($cell >> 16) as u8;
            }
            at = at.wrapping_add(1);
        };
    }

    let stop = loop {
        if at > last {
            break Stop::Edge;
        }
        refill!(TURN_BITS, Stop::Edge);
        let next = |bits: u64| cell_at(codes.literals, bits as u32 & codes.literal_mask);
        let mut cell = next(bits);
        if cell & LITERAL != 0 {
            put!(cell);
            cell = next(bits);
            if cell & LITERAL != 0 {
                put!(cell);
                cell = next(bits);
                if cell & LITERAL != 0 {
                    put!(cell);
                    continue;
                }
            }
        }
        if cell & SPECIAL != 0 {
            if cell & FURTHER != 0 {
                drop!(cell);
                cell = cell_at(codes.literals, further(cell, bits as u32));
                if cell & LITERAL != 0 {
                    put!(cell);
                    continue;
                }
            }
            if cell & SPECIAL != 0 {
                if cell & END == 0 {
                    break Stop::Bad;
                }
                drop!(cell);
                break Stop::EndOfBlock;
            }
        }
        let length = value(cell, bits);
        drop!(cell);

        refill!(DISTANCE_BITS, Stop::Length(length as u16));
        let mut cell = cell_at(codes.distances, bits as u32 & codes.distance_mask);
        if cell & SPECIAL != 0 {
            if cell & FURTHER != 0 {
                drop!(cell);
                cell = cell_at(codes.distances, further(cell, bits as u32));
            }
            if cell & SPECIAL != 0 {
                break Stop::Bad;
            }
        }
        let distance = value(cell, bits);
        drop!(cell);

        // In a ring just as large as the window, half of the far matches begin in the lap before: no branch depends on it.
        let to = at.wrapping_add(length);
        let lap = usize::from(distance > at).wrapping_neg() & ring.len();
        let from = at.wrapping_sub(distance).wrapping_add(lap);
        let source_end = from.wrapping_add(length);
        if distance > reach.min(at | full) || to > last_to || source_end > ring.len().saturating_sub(STEP) {
            break Stop::Match(length as u16, distance as u16);
        }
        repeat(ring, at, from, to, distance);
        at = to;
    };

    // Whole bytes go back, as far as they were taken here.
    let taken = whole.len().wrapping_sub(rest.len());
    let back = taken.min((count >> 3) as usize);
    *input = whole.get(taken.wrapping_sub(back)..).unwrap_or_default();
    held.store(bits, count.wrapping_sub((back as u32) << 3));
    window.set_at(at);
    stop
}

/// The length or distance: the first one of the symbol, and its extra bits.
#[inline(always)]
fn value(cell: Cell, bits: u64) -> usize {
    let used = bits & 1u64.wrapping_shl(cell & 63).wrapping_sub(1);
    ((cell >> 16) as usize).wrapping_add(used.wrapping_shr(cell >> 8 & 15) as usize)
}

/// Copies from `from` to `at..to`, and up to 15 bytes further.
#[inline(always)]
fn repeat(ring: &mut [u8], mut at: usize, mut from: usize, to: usize, distance: usize) {
    if distance >= 16 {
        loop {
            step::<16>(ring, at, from);
            (at, from) = (at.wrapping_add(16), from.wrapping_add(16));
            if at >= to {
                break;
            }
        }
    } else if distance >= 8 {
        while at < to {
            step::<8>(ring, at, from);
            (at, from) = (at.wrapping_add(8), from.wrapping_add(8));
        }
    } else if distance == 1 {
        let byte = ring.get(from).copied().unwrap_or_default();
        if let Some(run) = ring.get_mut(at..to) {
            run.fill(byte);
        }
    } else {
        while at < to {
            step::<1>(ring, at, from);
            (at, from) = (at.wrapping_add(1), from.wrapping_add(1));
        }
    }
}

#[inline(always)]
fn step<const N: usize>(ring: &mut [u8], at: usize, from: usize) {
    let source = ring.get(from..).and_then(|source| source.first_chunk::<N>()).copied();
    let target = ring.get_mut(at..).and_then(|target| target.first_chunk_mut::<N>());
    if let (Some(source), Some(target)) = (source, target) {
        *target = source;
    }
}
