//! The layout for microcontrollers: codes as counts and sorted symbols, which are walked bit by bit, and for literals and
//! lengths a table of the first 8 bits, which spares most of them the walk.

use super::bits::Bits;
use super::blocks::Symbol;
use super::{Layout, sealed};
use crate::deflate::InflateError;
use crate::deflate::huffman::{self, CODE_LENGTHS, CODE_MAX, DISTANCES, END_OF_BLOCK, LITERALS, Range};

/// The lengths of the fixed codes (RFC 1951 3.2.6), each up to a symbol; those of distances behind those of literals.
const FIXED_LENGTHS: [(u16, u8); 5] = [(144, 8), (256, 9), (280, 7), (288, 8), (320, 5)];

/// Bits that the table is looked up by.
const FIRST: usize = 8;
const FIRST_LEN: usize = 1 << FIRST;

/// Tables for an [`Inflater`](super::Inflater) that is to be small: for microcontrollers.
///
/// # Memory
///
/// 1,150 bytes; the window may have any size, and all of it is history.
pub struct Small {
    /// How many symbols have a code of 1 bit, 2 bits, ... in each code; all codes are complete.
    counts: [Counts; 2],
    /// The symbols in the order of their codes, of both codes in one cell: [`Code`] tells where.
    symbols: [u16; LITERALS],
    /// The symbol whose code the index begins with, and behind it in four bits the length of that; 0: a longer one. While
    /// a dynamic block begins, lengths of codes are here, two in a cell.
    first: [u16; FIRST_LEN],
    /// The codes are the fixed ones.
    fixed: bool,
}

type Counts = [u16; CODE_MAX];

#[derive(Clone, Copy)]
enum Code {
    /// In the lower 9 bits of a cell.
    Literals,
    /// In the bits above. For lack of any distances, it holds the code-length code before.
    Distances,
}

/// Stands in an incomplete code where no symbol is: the highest that a cell can hold of each.
const NO_SYMBOL: u16 = !0;

impl Small {
    /// Tables that nothing was built in.
    pub const fn new() -> Self {
        Self { counts: [[0; CODE_MAX]; 2], symbols: [0; LITERALS], first: [0; FIRST_LEN], fixed: false }
    }

    /// Builds the code of the `n` lengths at `from` (RFC 1951 3.2.2). With `lone`, one code of one bit or none at all will
    /// do, as zlib has it (RFC 1951 3.2.7 for distances).
    #[inline(never)]
    fn sort(&mut self, code: Code, from: u16, n: u16, lone: bool) -> Result<(), InflateError> {
        let mut counts = [0u16; CODE_MAX];
        for at in from..from.wrapping_add(n) {
            let length = sealed::Tables::code_length(self, at);
            if let Some(count) = counts.get_mut(usize::from(length).wrapping_sub(1)) {
                *count = count.wrapping_add(1);
            }
        }
        // Where the next symbol with a code of that length goes.
        let mut next = [0u16; CODE_MAX];
        let (mut left, mut all) = (1i32, 0u16);
        for (count, next) in counts.iter().zip(&mut next) {
            *next = all;
            all = all.wrapping_add(*count);
            left = left.wrapping_add(left).wrapping_sub((*count).into());
            if left < 0 {
                return Err(InflateError::Data);
            }
        }
        if left > 0 {
            let [one, ..] = &mut counts;
            if !lone || all != *one {
                return Err(InflateError::Data);
            }
            *one = 2;
            self.place(code, 0, NO_SYMBOL);
            self.place(code, 1, NO_SYMBOL);
        }
        for symbol in 0..n {
            let length = sealed::Tables::code_length(self, from.wrapping_add(symbol));
            if let Some(next) = next.get_mut(usize::from(length).wrapping_sub(1)) {
                let at = *next;
                *next = at.wrapping_add(1);
                self.place(code, at, symbol);
            }
        }
        if let Some(place) = self.counts.get_mut(code as usize) {
            *place = counts;
        }
        Ok(())
    }

    #[inline(never)]
    fn place(&mut self, code: Code, at: u16, symbol: u16) {
        if let Some(cell) = self.symbols.get_mut(usize::from(at)) {
            *cell = match code {
                Code::Literals => *cell & !511 | symbol & 511,
                Code::Distances => *cell & 511 | symbol << 9,
            };
        }
    }

    #[inline]
    fn next_of_distances(&self, bits: &mut Bits) -> Option<u16> {
        let [_, counts] = &self.counts;
        walk(counts, bits).and_then(|at| self.symbols.get(at)).map(|cell| cell >> 9)
    }

    /// Turns the lengths into the table of the first bits.
    fn build_first(&mut self) {
        self.first = [0; FIRST_LEN];
        let [counts, _] = &self.counts;
        let mut symbols = self.symbols.iter();
        let (mut code, mut length) = (0u32, 0u32);
        for count in counts.iter().take(FIRST) {
            code = code.wrapping_add(code);
            length = length.wrapping_add(1);
            for symbol in symbols.by_ref().take((*count).into()) {
                let mut at = code.reverse_bits().wrapping_shr(u32::BITS.wrapping_sub(length)) as usize;
                while let Some(first) = self.first.get_mut(at) {
                    *first = symbol << 4 & 511 << 4 | length as u16;
                    at = at.wrapping_add(1usize.wrapping_shl(length));
                }
                code = code.wrapping_add(1);
            }
        }
    }
}

/// Takes the next code of those with these `counts`; tells where its symbol is, `None` if bits are missing.
#[inline(never)]
fn walk(counts: &Counts, bits: &mut Bits) -> Option<usize> {
    let (mut hold, mut length) = (bits.peek(), 0u32);
    // Of the codes of so many bits: how far behind the first the one at hand is, and where the first has its symbol.
    let (mut behind, mut symbols) = (0u32, 0u32);
    for count in counts {
        let count = u32::from(*count);
        behind = behind.wrapping_add(behind) | hold & 1;
        hold >>= 1;
        length = length.wrapping_add(1);
        if behind < count {
            bits.drop(length)?;
            return Some(symbols.wrapping_add(behind) as usize);
        }
        behind = behind.wrapping_sub(count);
        symbols = symbols.wrapping_add(count);
    }
    None
}

impl Default for Small {
    fn default() -> Self {
        Self::new()
    }
}

impl Layout for Small {
    const SLACK: usize = 0;
}

impl sealed::Tables for Small {
    #[inline(never)]
    fn set_code_length(&mut self, at: u16, length: u8) {
        self.fixed = false; // from the first one on, for a message may end before any code is built of them
        if let Some(cell) = self.first.get_mut(usize::from(at) & (FIRST_LEN - 1)) {
            *cell = if usize::from(at) < FIRST_LEN { length.into() } else { *cell | u16::from(length) << 8 };
        }
    }

    #[inline(never)]
    fn code_length(&self, at: u16) -> u8 {
        let cell = self.first.get(usize::from(at) & (FIRST_LEN - 1)).copied().unwrap_or_default();
        if usize::from(at) < FIRST_LEN { cell as u8 } else { (cell >> 8) as u8 }
    }

    fn build_code_length_code(&mut self) -> Result<(), InflateError> {
        self.sort(Code::Distances, 0, CODE_LENGTHS as u16, false)
    }

    #[inline(never)]
    fn build(&mut self, literals: u16, distances: u16) -> Result<(), InflateError> {
        self.sort(Code::Distances, literals, distances, true)?;
        self.sort(Code::Literals, 0, literals, true)?;
        self.build_first();
        Ok(())
    }

    fn fix(&mut self) -> bool {
        if self.fixed {
            return false;
        }
        let mut at = 0u16;
        for (end, length) in FIXED_LENGTHS {
            while at < end {
                self.set_code_length(at, length);
                at = at.wrapping_add(1);
            }
        }
        // Complete: it cannot fail.
        self.fixed = self.build(LITERALS as u16, DISTANCES as u16).is_ok();
        true
    }

    #[inline]
    fn next_code_length(&self, bits: &mut Bits) -> Result<Option<u8>, InflateError> {
        Ok(self.next_of_distances(bits).map(|symbol| symbol as u8))
    }

    #[inline]
    fn next_symbol(&self, bits: &mut Bits) -> Result<Option<Symbol>, InflateError> {
        let first = self.first.get(bits.peek() as usize & (FIRST_LEN - 1)).copied().unwrap_or_default();
        let symbol = if first != 0 {
            bits.drop((first & 15).into()).map(|()| first >> 4)
        } else {
            let [counts, _] = &self.counts;
            walk(counts, bits).and_then(|at| self.symbols.get(at)).map(|cell| cell & 511)
        };
        let Some(symbol) = symbol else { return Ok(None) };
        Ok(Some(match symbol.checked_sub(END_OF_BLOCK) {
            None => Symbol::Literal(symbol as u8),
            Some(0) => Symbol::EndOfBlock,
            Some(n) => Symbol::Length(huffman::length(n.wrapping_sub(1)).ok_or(InflateError::Data)?),
        }))
    }

    #[inline]
    fn next_distance(&self, bits: &mut Bits) -> Result<Option<Range>, InflateError> {
        let Some(symbol) = self.next_of_distances(bits) else { return Ok(None) };
        huffman::distance(symbol).map(Some).ok_or(InflateError::Data)
    }
}
