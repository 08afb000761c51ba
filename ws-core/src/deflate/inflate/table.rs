//! Builds the tables of the fast layout out of code lengths.

use super::cells::{Cell, FURTHER, SPECIAL, with_code};
use crate::deflate::InflateError;
use crate::deflate::huffman::CODE_MAX;

/// Builds a table of the code with these `lengths` (RFC 1951 3.2.2), whose symbols have these `cells`; the first table is
/// looked up with `bits` bits. With `lone`, one code of one bit or none at all will do,
/// as zlib has it (RFC 1951 3.2.7 for distances).
pub(super) fn build<const N: usize>(
    lengths: &[u8],
    table: &mut [Cell; N],
    bits: u32,
    cells: &[Cell],
    lone: bool,
) -> Result<(), InflateError> {
    let mut counts = [0u16; CODE_MAX + 1];
    for length in lengths {
        if let Some(count) = counts.get_mut(usize::from(length & 15)) {
            *count = count.wrapping_add(1);
        }
    }
    let count_of = |length: u32| counts.get(length as usize & CODE_MAX).copied().unwrap_or_default();
    // Where the next symbol with a code of that length goes.
    let mut next = [0u16; CODE_MAX + 1];
    let (mut left, mut all, mut longest, mut shortest) = (1i32, 0u16, 0u32, 0u32);
    for length in 1..=CODE_MAX as u32 {
        let count = count_of(length);
        if let Some(next) = next.get_mut(length as usize & CODE_MAX) {
            *next = all;
        }
        all = all.wrapping_add(count);
        left = left.wrapping_add(left).wrapping_sub(count.into());
        if left < 0 {
            return Err(InflateError::Data);
        }
        if count > 0 {
            longest = length;
            if shortest == 0 {
                shortest = length;
            }
        }
    }
    if left > 0 {
        if !lone || longest > 1 {
            return Err(InflateError::Data);
        }
        let symbol = lengths.iter().position(|length| *length == 1);
        let lone = symbol.and_then(|symbol| cells.get(symbol)).copied().unwrap_or(SPECIAL);
        let (pairs, _) = table.as_chunks_mut();
        for pair in pairs.iter_mut().take(1usize.wrapping_shl(bits.wrapping_sub(1))) {
            *pair = [with_code(lone, 1), with_code(SPECIAL, 1)];
        }
        return Ok(());
    }
    // The symbols in the order of their codes.
    let (mut sorted, mut symbol) = ([0u16; SORTED], 0u16);
    for length in lengths {
        if *length != 0
            && let Some(next) = next.get_mut(usize::from(length & 15))
        {
            if let Some(to) = sorted.get_mut(usize::from(*next) & (SORTED - 1)) {
                *to = symbol;
            }
            *next = next.wrapping_add(1);
        }
        symbol = symbol.wrapping_add(1);
    }
    let mut sorted = sorted.iter();
    let mut next_cell = |code_bits| {
        let cell = sorted.next().and_then(|symbol| cells.get(usize::from(*symbol)));
        with_code(cell.copied().unwrap_or(SPECIAL), code_bits)
    };

    // The first table: as large as the shortest codes need it, then doubled for each further bit.
    let mut code = 0;
    for length in shortest..=bits {
        for _ in 0..count_of(length) {
            set(table, code, next_cell(length));
            code = next_code(code, length);
        }
        if length < bits
            && let Some((table, double)) = table.split_at_mut_checked(1usize.wrapping_shl(length))
        {
            for (to, from) in double.iter_mut().zip(table) {
                *to = *from;
            }
        }
    }

    // The further tables, one for each beginning that longer codes share, and as large as they need it.
    let mask = 1u32.wrapping_shl(bits).wrapping_sub(1);
    let (mut beginning, mut at, mut free, mut width) = (u32::MAX, 0u32, mask.wrapping_add(1), 0u32);
    for length in bits.wrapping_add(1)..=longest {
        let own = length.wrapping_sub(bits);
        for done in 0..count_of(length) {
            if code & mask != beginning {
                beginning = code & mask;
                width = own;
                let here = i32::from(count_of(length)).wrapping_sub(done.into());
                let mut room = 1i32.wrapping_shl(width).wrapping_sub(here);
                while room > 0 && bits.wrapping_add(width) < longest {
                    width = width.wrapping_add(1);
                    let longer = count_of(bits.wrapping_add(width));
                    room = room.wrapping_add(room).wrapping_sub(longer.into());
                }
                at = free;
                free = free.wrapping_add(1u32.wrapping_shl(width));
                debug_assert!(free as usize <= N, "more cells than any code needs");
                set(table, beginning, SPECIAL | FURTHER | at << 16 | width << 8 | bits);
            }
            let cell = next_cell(own);
            let mut slot = code.wrapping_shr(bits);
            while slot < 1u32.wrapping_shl(width) {
                set(table, at.wrapping_add(slot), cell);
                slot = slot.wrapping_add(1u32.wrapping_shl(own));
            }
            code = next_code(code, length);
        }
    }
    Ok(())
}

/// At least as many as there are symbols; so that an index can be masked.
const SORTED: usize = 512;

#[inline]
fn set<const N: usize>(table: &mut [Cell; N], at: u32, cell: Cell) {
    if let Some(to) = table.get_mut(at as usize & N.wrapping_sub(1)) {
        *to = cell;
    }
}

/// The next code of `length` bits, with its bits reversed, as they stand in the stream; 0 behind the last one.
#[inline]
const fn next_code(code: u32, length: u32) -> u32 {
    // One is added to the mirrored number: the ones at its end go, and the zero beside them becomes one.
    let ones = (!code.wrapping_shl(32u32.wrapping_sub(length))).leading_zeros();
    if ones >= length {
        return 0;
    }
    let bit = 1u32.wrapping_shl(length.wrapping_sub(1).wrapping_sub(ones));
    code & bit.wrapping_sub(1) | bit
}
