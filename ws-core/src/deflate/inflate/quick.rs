//! The fast layout's loop over symbols, for as long as input and window leave room: bits in a register of 64, no state
//! between two symbols, and copies in steps of 32 bytes.

use super::Layout;
use super::bits::Bits;
use super::blocks::Stop;
use super::cells::{Cell, Codes, END, FURTHER, LITERAL, SPECIAL, cell_at, further};
use super::fast::{DISTANCE_MASK, Fast, LITERAL_BITS, LITERAL_MASK};
use super::window::Window;

/// A copy goes in steps of so many bytes, the last of which may go past its end; more than the literals of a turn. The window
/// has as many beyond its reach.
const STEP: usize = Fast::SLACK;

/// Bits that a turn needs before its distance: two literals, which are in the first table, and a length with its extra bits.
const TURN_BITS: u32 = 2 * LITERAL_BITS + 15 + 5;
/// Bits of a distance and its extra bits.
const MATCH_BITS: u32 = 15 + 13;

/// Goes through symbols until the block ends, or too little input, or too little room in front of `end`, is left.
#[inline(never)]
pub(super) fn run(
    codes: &Codes,
    window: &mut Window<'_>,
    held: &mut Bits,
    input: &mut &[u8],
    end: usize,
) -> Stop {
    let (ring, mut at, reach, full) = window.parts();
    // What there is of a lap before: a distance from before the first one ends up nowhere.
    let lap = ring.len() & full;
    // Where the last turn may begin, and the last match end.
    let Some(last) = end.checked_sub(STEP).filter(|last| at <= *last) else { return Stop::Edge };
    let (mut bits, mut count) = held.load();
    let (whole, mut rest) = (*input, *input);

    /// Fills the register: up to 56 bits at least, where there is input for them. A branch depends on the end of the input
    /// alone. Of `count` only the lower 6 bits count: cells are taken off as they are.
    macro_rules! refill {
        () => {
            if let Some(word) = rest.first_chunk() {
                bits |= u64::from_le_bytes(*word).wrapping_shl(count);
                rest = rest.get((63u32.wrapping_sub(count) >> 3) as usize & 7..).unwrap_or_default();
                count |= 56;
            } else {
                let n = (63u32.wrapping_sub(count) >> 3 & 7).min(rest.len() as u32);
                bits |= last_word(rest).wrapping_shl(count);
                rest = rest.get(n as usize..).unwrap_or_default();
                count = count.wrapping_add(n << 3);
            }
        };
    }
    macro_rules! drop {
        ($cell:expr) => {
            bits = bits.wrapping_shr($cell);
            count = count.wrapping_sub($cell);
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

    // Looked up as soon as there are bits for it.
    let next = |bits: u64| cell_at(&codes.literals, bits as u32 & LITERAL_MASK);
    refill!();
    let mut cell = next(bits);
    let stop = loop {
        if at > last || count & 63 < TURN_BITS {
            break Stop::Edge;
        }
        if cell & LITERAL != 0 {
            put!(cell);
            cell = next(bits);
            if cell & LITERAL != 0 {
                put!(cell);
                cell = next(bits);
                if cell & LITERAL != 0 {
                    put!(cell);
                    refill!();
                    cell = next(bits);
                    continue;
                }
            }
        }
        if cell & SPECIAL != 0 {
            if cell & FURTHER != 0 {
                drop!(cell);
                cell = cell_at(&codes.literals, further(cell, bits as u32));
                if cell & LITERAL != 0 {
                    put!(cell);
                    refill!();
                    cell = next(bits);
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

        // Seldom: after two literals, or long codes.
        if count & 63 < MATCH_BITS {
            refill!();
            if count & 63 < MATCH_BITS {
                break Stop::Length(length as u16);
            }
        }
        cell = cell_at(&codes.distances, bits as u32 & DISTANCE_MASK);
        if cell & SPECIAL != 0 {
            if cell & FURTHER != 0 {
                drop!(cell);
                cell = cell_at(&codes.distances, further(cell, bits as u32));
            }
            if cell & SPECIAL != 0 {
                break Stop::Bad;
            }
        }
        let distance = value(cell, bits);
        drop!(cell);

        // In a ring just as large as the window, half of the far matches begin in the lap before: no branch depends on it. What a
        // copy reads must not go past the ring either, which has a step more than its reach.
        let to = at.wrapping_add(length);
        let back = usize::from(distance > at).wrapping_neg() & lap;
        let from = at.wrapping_sub(distance).wrapping_add(back);
        if distance > reach || to > last || from > reach.wrapping_sub(length) {
            break Stop::Match(length as u16, distance as u16);
        }
        // The next symbol is looked up while this is copied.
        refill!();
        cell = next(bits);
        repeat(ring, at, from, to, distance);
        at = to;
    };

    // Whole bytes go back, as far as they were taken here.
    let taken = whole.len().wrapping_sub(rest.len());
    let count = count & 63;
    let back = taken.min((count >> 3) as usize);
    *input = whole.get(taken.wrapping_sub(back)..).unwrap_or_default();
    held.store(bits, count.wrapping_sub((back as u32) << 3));
    window.set_at(at);
    stop
}

/// The input's last bytes, fewer than 8.
#[cold]
#[inline(never)]
fn last_word(rest: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, byte) in word.iter_mut().zip(rest) {
        *to = *byte;
    }
    u64::from_le_bytes(word)
}

/// The length or distance: the first one of the symbol, and its extra bits.
#[inline(always)]
fn value(cell: Cell, bits: u64) -> usize {
    let used = bits & 1u64.wrapping_shl(cell).wrapping_sub(1);
    ((cell >> 16) as usize).wrapping_add(used.wrapping_shr(cell >> 8) as usize)
}

/// Copies from `from` to `at..to`, and up to 31 bytes further.
#[inline(always)]
fn repeat(ring: &mut [u8], mut at: usize, mut from: usize, to: usize, distance: usize) {
    if distance >= STEP {
        step::<STEP>(ring, at, from);
        while to.wrapping_sub(at) > STEP {
            (at, from) = (at.wrapping_add(STEP), from.wrapping_add(STEP));
            step::<STEP>(ring, at, from);
        }
    } else {
        near(ring, at, from, to, distance);
    }
}

/// The same over short distances, where a step would read what it has yet to write. Not inlined: the loop over symbols needs
/// the registers.
#[inline(never)]
fn near(ring: &mut [u8], mut at: usize, mut from: usize, to: usize, distance: usize) {
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
        while at < to {
            if let Some(target) = ring.get_mut(at..).and_then(|target| target.first_chunk_mut()) {
                *target = [byte; STEP];
            }
            at = at.wrapping_add(STEP);
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
    // Taken out of the ring before the target is looked for: so it stays in registers.
    let Some(source) = ring.get(from..).and_then(|source| source.first_chunk::<N>()) else { return };
    let source = *source;
    if let Some(target) = ring.get_mut(at..).and_then(|target| target.first_chunk_mut::<N>()) {
        *target = source;
    }
}
