//! The layout for hosts: for each code a table of its first bits, whose cells hold all that there is to know of a symbol,
//! and behind it in the same array tables for what is longer.

use super::bits::Bits;
use super::blocks::{Stop, Symbol};
use super::cells::{
    CODE_LENGTH_SYMBOLS, Codes, DISTANCE_CELLS, DISTANCE_SYMBOLS, END, FIXED, LITERAL, LITERAL_CELLS,
    LITERAL_SYMBOLS, SPECIAL, code_bits, look_up, range,
};
use super::table::build;
use super::window::Window;
use super::{Layout, sealed};
use crate::deflate::InflateError;
use crate::deflate::huffman::{CODE_LENGTHS, DISTANCES, LITERALS, Range};

/// Bits that the first tables are looked up by; more were not faster.
pub(super) const LITERAL_BITS: u32 = 9;
const DISTANCE_BITS: u32 = 8;
pub(super) const LITERAL_MASK: u32 = (1 << LITERAL_BITS) - 1;
pub(super) const DISTANCE_MASK: u32 = (1 << DISTANCE_BITS) - 1;
const CODE_LENGTH_BITS: u32 = 7;
const CODE_LENGTH_MASK: u32 = (1 << CODE_LENGTH_BITS) - 1;

/// Tables for an [`Inflater`](super::Inflater) that is to be fast: for hosts.
///
/// # Memory
///
/// 6,468 bytes; and 32 bytes of window beyond the distance that is to be served.
pub struct Fast {
    codes: Codes,
    /// Lengths of codes, while a dynamic block begins.
    lengths: [u8; LITERALS + DISTANCES],
    /// The codes are the fixed ones, which have their own tables.
    fixed: bool,
}

impl Fast {
    /// Tables that nothing was built in.
    pub const fn new() -> Self {
        Self {
            codes: Codes { literals: [0; LITERAL_CELLS], distances: [0; DISTANCE_CELLS] },
            lengths: [0; LITERALS + DISTANCES],
            fixed: false,
        }
    }

    #[inline]
    pub(super) fn codes(&self) -> &Codes {
        if self.fixed { &FIXED } else { &self.codes }
    }
}

impl Default for Fast {
    fn default() -> Self {
        Self::new()
    }
}

impl Layout for Fast {
    /// Matches are copied in steps of 32 bytes, which may go past their end; what is there is history out of reach.
    const SLACK: usize = 32;
}

impl sealed::Tables for Fast {
    #[inline]
    fn set_code_length(&mut self, at: u16, length: u8) {
        if let Some(to) = self.lengths.get_mut(usize::from(at)) {
            *to = length;
        }
    }

    #[inline]
    fn code_length(&self, at: u16) -> u8 {
        self.lengths.get(usize::from(at)).copied().unwrap_or_default()
    }

    fn build_code_length_code(&mut self) -> Result<(), InflateError> {
        self.fixed = false;
        let lengths = self.lengths.get(..CODE_LENGTHS).unwrap_or_default();
        build(lengths, &mut self.codes.distances, CODE_LENGTH_BITS, &CODE_LENGTH_SYMBOLS, false)
    }

    fn build(&mut self, literals: u16, distances: u16) -> Result<(), InflateError> {
        let (literals, rest) = self.lengths.split_at_checked(literals.into()).unwrap_or_default();
        let distances = rest.get(..distances.into()).unwrap_or_default();
        build(distances, &mut self.codes.distances, DISTANCE_BITS, &DISTANCE_SYMBOLS, true)?;
        build(literals, &mut self.codes.literals, LITERAL_BITS, &LITERAL_SYMBOLS, true)
    }

    #[inline]
    fn fix(&mut self) -> bool {
        self.fixed = true;
        false
    }

    #[inline]
    fn next_code_length(&self, bits: &mut Bits) -> Result<Option<u8>, InflateError> {
        let (cell, _) = look_up(&self.codes.distances, CODE_LENGTH_MASK, bits.peek());
        Ok(bits.drop(code_bits(cell)).map(|()| (cell >> 16) as u8))
    }

    #[inline]
    fn next_symbol(&self, bits: &mut Bits) -> Result<Option<Symbol>, InflateError> {
        let codes = self.codes();
        let (cell, first) = look_up(&codes.literals, LITERAL_MASK, bits.peek());
        if bits.drop(first.wrapping_add(code_bits(cell))).is_none() {
            return Ok(None);
        }
        if cell & LITERAL != 0 {
            Ok(Some(Symbol::Literal((cell >> 16) as u8)))
        } else if cell & SPECIAL == 0 {
            Ok(Some(Symbol::Length(range(cell))))
        } else if cell & END != 0 {
            Ok(Some(Symbol::EndOfBlock))
        } else {
            Err(InflateError::Data)
        }
    }

    #[inline]
    fn next_distance(&self, bits: &mut Bits) -> Result<Option<Range>, InflateError> {
        let codes = self.codes();
        let (cell, first) = look_up(&codes.distances, DISTANCE_MASK, bits.peek());
        if bits.drop(first.wrapping_add(code_bits(cell))).is_none() {
            return Ok(None);
        }
        if cell & SPECIAL == 0 { Ok(Some(range(cell))) } else { Err(InflateError::Data) }
    }

    #[inline]
    fn quick(&self, window: &mut Window<'_>, bits: &mut Bits, input: &mut &[u8], end: usize) -> Stop {
        super::quick::run(self.codes(), window, bits, input, end)
    }
}
