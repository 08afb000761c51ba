//! A block as bits (RFC 1951 3.1.1, 3.2.3): step by step, so that output may end behind any byte.

use super::block::{Block, BlockKind, HEADER};
use super::codes;
use super::history::History;
use crate::deflate::huffman::{END_OF_BLOCK, LITERALS, ORDER};

/// As wide as a register.
#[cfg(target_pointer_width = "64")]
type Hold = u64;
#[cfg(not(target_pointer_width = "64"))]
type Hold = u32;

/// The most bits of a step: a code and what is behind it, or half of a stored block's lengths.
const STEP_MAX: u8 = 24;

/// Bits that go out later, the first in the lowest place.
pub(super) struct Bits {
    hold: Hold,
    count: u8,
}

impl Bits {
    pub(super) const NONE: Self = Self { hold: 0, count: 0 };

    /// How many were written behind the last whole byte.
    pub(super) fn behind_byte(&self) -> u8 {
        self.count & 7
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    fn put(&mut self, value: u16, count: u8) {
        self.hold |= Hold::from(value).wrapping_shl(self.count.into());
        self.count = self.count.wrapping_add(count);
    }

    /// Puts a code of its cell: without the bit that marks its length.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn put_code(&mut self, cell: u16) {
        let count = codes::log2(cell);
        self.put(cell ^ 1u16.wrapping_shl(count.into()), count);
    }

    /// Puts the header of a stored block, and zeros up to the next byte.
    fn put_stored_header(&mut self) {
        let padding = self.count.wrapping_add(HEADER).wrapping_neg() & 7;
        self.put(0, HEADER.wrapping_add(padding));
    }

    /// Moves whole bytes to the front of `out`, until fewer than `enough` bits are left; `false` if `out` is full before.
    #[inline]
    fn drain(&mut self, out: &mut Cursor<'_>, enough: u8) -> bool {
        if self.count < enough {
            return true;
        }
        #[cfg(target_pointer_width = "64")]
        if let Some(room) = out.room().first_chunk_mut() {
            *room = self.hold.to_le_bytes();
            let bytes = self.count >> 3;
            out.written = out.written.wrapping_add(bytes.into());
            self.hold = self.hold.wrapping_shr((bytes << 3).into());
            self.count &= 7;
            return true;
        }
        while self.count >= enough {
            let Some(to) = out.room().first_mut() else { return false };
            *to = self.hold as u8;
            out.written = out.written.wrapping_add(1);
            self.hold >>= 8;
            self.count = self.count.wrapping_sub(8);
        }
        true
    }
}

/// Where the bytes go.
pub(super) struct Cursor<'o> {
    out: &'o mut [u8],
    pub(super) written: usize,
}

impl<'o> Cursor<'o> {
    pub(super) fn new(out: &'o mut [u8]) -> Self {
        Self { out, written: 0 }
    }

    #[inline]
    fn room(&mut self) -> &mut [u8] {
        self.out.get_mut(self.written..).unwrap_or_default()
    }
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing: the block is still being collected.
    Idle,
    /// The end of the fixed block that is open.
    CloseFixed,
    Header,
    StoredLength,
    StoredComplement,
    StoredBytes,
    /// How many code lengths there are (RFC 1951 3.2.7).
    Counts,
    /// Those of the code-length code.
    LengthCode,
    CodeLengths,
    Tokens,
    /// The distance of the match whose length was sent, and its extra bits.
    Distance,
    DistanceExtra,
    End,
    /// The end of the message.
    Flush,
    Pad,
    /// Bytes that are held.
    Rest,
}

/// How far the writing of a block is.
pub(super) struct Emitter {
    pub(super) bits: Bits,
    pub(super) phase: Phase,
    /// A fixed block was not ended: the next one, if it is fixed, is part of it.
    pub(super) is_open: bool,
    /// The message ends behind this block.
    pub(super) is_last: bool,
    /// Which code length is next.
    at: u16,
    distance: u16,
}

impl Emitter {
    pub(super) const NEW: Self =
        Self { bits: Bits::NONE, phase: Phase::Idle, is_open: false, is_last: false, at: 0, distance: 0 };

    /// Begins with a block that was planned.
    pub(super) fn begin(&mut self, block: &Block<'_>) {
        self.at = 0;
        self.phase = match (self.is_open, block.kind) {
            (true, BlockKind::Fixed) => Phase::Tokens,
            (true, _) => Phase::CloseFixed,
            (false, _) => Phase::Header,
        };
    }

    /// Goes on writing; `true` once all is written.
    ///
    /// `later`: the latest byte is of the next block.
    pub(super) fn run(
        &mut self,
        block: &mut Block<'_>,
        history: &History<'_>,
        later: bool,
        out: &mut Cursor<'_>,
    ) -> bool {
        const ENOUGH: u8 = (Hold::BITS as u8).wrapping_sub(STEP_MAX) & !7;
        while self.phase != Phase::Idle {
            if !self.bits.drain(out, if self.phase == Phase::Rest { 8 } else { ENOUGH }) {
                return false;
            }
            self.phase = self.step(block, history, later);
        }
        true
    }

    /// Puts the bits of a phase; tells the next one.
    #[inline]
    fn step(&mut self, block: &mut Block<'_>, history: &History<'_>, later: bool) -> Phase {
        match self.phase {
            Phase::Idle | Phase::Rest => return Phase::Idle,
            Phase::CloseFixed => {
                self.close();
                return Phase::Header;
            }
            Phase::Header => return self.header(block.kind),
            Phase::StoredLength => {
                self.bits.put(block.len as u16, 16);
                return Phase::StoredComplement;
            }
            Phase::StoredComplement => {
                self.bits.put(!block.len as u16, 16);
                return Phase::StoredBytes;
            }
            Phase::StoredBytes if block.len == 0 => return Phase::End,
            Phase::StoredBytes => {
                self.bits.put(history.byte((block.len as usize).wrapping_add(later.into())).into(), 8);
                block.len = block.len.wrapping_sub(1);
            }
            Phase::Counts => {
                let (literals, distances) =
                    (block.literals.wrapping_sub(257), block.distances.wrapping_sub(1));
                let lengths = u16::from(block.lengths).wrapping_sub(4);
                self.bits.put(literals | distances << 5 | lengths << 10, 14);
                return Phase::LengthCode;
            }
            Phase::LengthCode if self.at >= u16::from(block.lengths) => {
                self.at = 0;
                return Phase::CodeLengths;
            }
            Phase::LengthCode => {
                let symbol = ORDER.get(usize::from(self.at)).copied().unwrap_or_default();
                self.bits.put(codes::log2(block.length_code(symbol)).into(), 3);
                self.at = self.at.wrapping_add(1);
            }
            Phase::CodeLengths => {
                let Some(run) = block.run(self.at) else {
                    block.assign_codes();
                    return Phase::Tokens;
                };
                self.bits.put_code(block.length_code(run.symbol));
                self.bits.put(run.value.into(), run.extra);
                self.at = self.at.wrapping_add(run.length);
            }
            Phase::Tokens => return self.token(block),
            Phase::Distance => {
                let symbol = usize::from(codes::distance(self.distance).symbol);
                self.bits.put_code(block.code(LITERALS.wrapping_add(symbol)));
                return Phase::DistanceExtra;
            }
            Phase::DistanceExtra => {
                let distance = codes::distance(self.distance);
                self.bits.put(distance.value, distance.extra);
                return Phase::Tokens;
            }
            Phase::End => return self.end(block),
            Phase::Flush => {
                self.close();
                return Phase::Pad;
            }
            Phase::Pad => {
                // An empty stored block, of which the lengths are not sent (RFC 7692 7.2.1).
                self.bits.put_stored_header();
                return Phase::Rest;
            }
        }
        self.phase
    }

    #[inline]
    fn header(&mut self, kind: BlockKind) -> Phase {
        if kind == BlockKind::Stored {
            self.bits.put_stored_header();
            return Phase::StoredLength;
        }
        self.bits.put((kind as u16) << 1, HEADER);
        if kind == BlockKind::Fixed { Phase::Tokens } else { Phase::Counts }
    }

    /// Puts a literal or a length.
    #[inline]
    fn token(&mut self, block: &mut Block<'_>) -> Phase {
        let Some(token) = block.pop() else { return Phase::End };
        if token.distance == 0 {
            self.bits.put_code(block.code(token.length.into()));
            return Phase::Tokens;
        }
        let length = codes::length(token.length);
        let symbol = END_OF_BLOCK.wrapping_add(1).wrapping_add(length.symbol);
        self.bits.put_code(block.code(symbol.into()));
        self.bits.put(length.value, length.extra);
        self.distance = token.distance;
        Phase::Distance
    }

    #[inline]
    fn end(&mut self, block: &mut Block<'_>) -> Phase {
        match block.kind {
            BlockKind::Stored => {}
            BlockKind::Fixed => self.is_open = true,
            BlockKind::Dynamic => self.bits.put_code(block.code(END_OF_BLOCK.into())),
        }
        block.clear();
        if self.is_last { Phase::Flush } else { Phase::Idle }
    }

    /// Ends the fixed block, if there is one.
    fn close(&mut self) {
        if self.is_open {
            self.bits.put(0, 7); // the code of its end
            self.is_open = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_behind_the_last_byte_are_counted() {
        let mut bits = Bits::NONE;
        for count in 0..=30 {
            assert_eq!(bits.behind_byte(), count % 8);
            bits.put(1, 1);
        }
    }
}
