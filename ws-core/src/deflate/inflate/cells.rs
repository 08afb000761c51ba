//! The cells of the fast layout's tables: what each symbol has in its, the tables of the fixed codes, which are made when
//! this is compiled, and how a code is looked up.

use crate::deflate::huffman::{self, CODE_LENGTHS, DISTANCES, END_OF_BLOCK, LITERALS, Range};

/// In bits 0 to 5 how many bits are used in all, by the code and the extra bits behind it; in bits 8 to 11 how many of them
/// are the code; in the upper half the literal, or the first length or distance. Of a further table: where it begins in
/// the upper half, how many bits it is looked up by in bits 8 to 11, how many the first table took in bits 0 to 5.
pub(super) type Cell = u32;

pub(super) const LITERAL: Cell = 1 << 15;
/// Neither literal nor length: the end of a block, a further table, or no symbol.
pub(super) const SPECIAL: Cell = 1 << 14;
/// With [`SPECIAL`]: a further table.
pub(super) const FURTHER: Cell = 1 << 13;
/// With [`SPECIAL`]: the end of a block.
pub(super) const END: Cell = 1 << 12;

/// The most cells that complete codes of at most 15 bits need are 852, behind a first table of 9 bits, and 402, behind one
/// of 8; rounded up, so that an index can be masked.
pub(super) const LITERAL_CELLS: usize = 1024;
pub(super) const DISTANCE_CELLS: usize = 512;

/// What a symbol has in its cell before the length of its code is added.
pub(super) static LITERAL_SYMBOLS: [Cell; LITERALS] = {
    let mut cells = [0; LITERALS];
    let (mut rest, mut symbol): (&mut [Cell], _) = (&mut cells, 0);
    while let [cell, behind @ ..] = rest {
        (*cell, rest, symbol) = (literal(symbol), behind, symbol + 1);
    }
    cells
};

pub(super) static DISTANCE_SYMBOLS: [Cell; DISTANCES] = {
    let mut cells = [0; DISTANCES];
    let (mut rest, mut symbol): (&mut [Cell], _) = (&mut cells, 0);
    while let [cell, behind @ ..] = rest {
        (*cell, rest, symbol) = (of(huffman::distance(symbol)), behind, symbol + 1);
    }
    cells
};

pub(super) static CODE_LENGTH_SYMBOLS: [Cell; CODE_LENGTHS] = {
    let mut cells = [0; CODE_LENGTHS];
    let (mut rest, mut symbol): (&mut [Cell], _) = (&mut cells, 0);
    while let [cell, behind @ ..] = rest {
        (*cell, rest, symbol) = (symbol << 16, behind, symbol + 1);
    }
    cells
};

/// The fixed codes (RFC 1951 3.2.6), to be looked up by 9 and by 5 bits.
const FIXED_LITERALS: [Cell; LITERAL_CELLS] = {
    let mut cells = [0; LITERAL_CELLS];
    let (mut rest, mut bits): (&mut [Cell], u32) = (&mut cells, 0);
    while let [cell, behind @ ..] = rest {
        let code = bits.reverse_bits();
        let (symbol, length) = match code >> 23 {
            0..0x60 => (256 + (code >> 25), 7),
            0x60..0x180 => ((code >> 24) - 0x30, 8),
            0x180..0x190 => (280 + (code >> 24) - 0xc0, 8),
            nine => (144 + nine - 0x190, 9),
        };
        (*cell, rest, bits) = (with_code(literal(symbol as u16), length), behind, bits + 1);
    }
    cells
};

const FIXED_DISTANCES: [Cell; DISTANCE_CELLS] = {
    let mut cells = [0; DISTANCE_CELLS];
    let (mut rest, mut bits): (&mut [Cell], u32) = (&mut cells, 0);
    while let [cell, behind @ ..] = rest {
        let symbol = bits.reverse_bits() >> 27;
        (*cell, rest, bits) = (with_code(of(huffman::distance(symbol as u16)), 5), behind, bits + 1);
    }
    cells
};

/// Both tables of a block.
pub(super) struct Codes {
    pub(super) literals: [Cell; LITERAL_CELLS],
    pub(super) distances: [Cell; DISTANCE_CELLS],
}

pub(super) static FIXED: Codes = Codes { literals: FIXED_LITERALS, distances: FIXED_DISTANCES };

const fn literal(symbol: u16) -> Cell {
    match symbol {
        0..END_OF_BLOCK => LITERAL | (symbol as u32) << 16,
        END_OF_BLOCK => SPECIAL | END,
        _ => of(huffman::length(symbol.wrapping_sub(257))),
    }
}

const fn of(range: Option<Range>) -> Cell {
    match range {
        Some(Range { base, extra }) => (base as u32) << 16 | extra as u32,
        None => SPECIAL,
    }
}

/// The cell of a symbol with a code of `length` bits, or of what is left of it in a further table.
#[inline]
pub(super) const fn with_code(symbol: Cell, length: u32) -> Cell {
    symbol.wrapping_add(length | length << 8)
}

/// The bits of the code alone.
#[inline]
pub(super) const fn code_bits(cell: Cell) -> u32 {
    cell >> 8 & 15
}

/// What a length or distance leaves to its extra bits.
#[inline]
pub(super) const fn range(cell: Cell) -> Range {
    Range { base: (cell >> 16) as u16, extra: (cell & 63).wrapping_sub(code_bits(cell)) as u8 }
}

/// The cell of the next code, and how many bits the first table took if it is not in there.
#[inline]
pub(super) fn look_up<const N: usize>(table: &[Cell; N], mask: u32, bits: u32) -> (Cell, u32) {
    let cell = cell_at(table, bits & mask);
    if cell & FURTHER == 0 {
        return (cell, 0);
    }
    let first = cell & 63;
    (cell_at(table, further(cell, bits.wrapping_shr(first))), first)
}

/// Where the cell is, in the further table of `cell`, once the bits that the first table took are gone.
#[inline]
pub(super) const fn further(cell: Cell, bits: u32) -> u32 {
    let mask = 1u32.wrapping_shl(code_bits(cell)).wrapping_sub(1);
    (cell >> 16).wrapping_add(bits & mask)
}

#[inline]
pub(super) fn cell_at<const N: usize>(table: &[Cell; N], at: u32) -> Cell {
    table.get(at as usize & N.wrapping_sub(1)).copied().unwrap_or_default()
}
