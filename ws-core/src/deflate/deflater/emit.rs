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

    #[inline]
    fn put(&mut self, value: u16, count: u8) {
        self.hold |= Hold::from(value).wrapping_shl(self.count.into());
        self.count = self.count.wrapping_add(count);
    }

    /// Puts a code of its cell: without the bit that marks its length.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
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
    /// `later`: how many of the latest bytes are of the next block.
    pub(super) fn run(
        &mut self,
        block: &mut Block<'_>,
        history: &History<'_>,
        later: usize,
        out: &mut Cursor<'_>,
    ) -> bool {
        const ENOUGH: u8 = (Hold::BITS as u8).wrapping_sub(STEP_MAX) & !7;
        while self.phase != Phase::Idle {
            if !self.bits.drain(out, ENOUGH) {
                return false;
            }
            match self.phase {
                Phase::Rest => {
                    if !self.bits.drain(out, 8) {
                        return false;
                    }
                    self.phase = Phase::Idle;
                }
                Phase::Tokens | Phase::Distance | Phase::DistanceExtra => self.token(block),
                Phase::StoredLength | Phase::StoredComplement | Phase::StoredBytes => {
                    self.stored(block, history, later);
                }
                Phase::Counts | Phase::LengthCode | Phase::CodeLengths => self.code_lengths(block),
                _ => self.frame(block),
            }
        }
        true
    }

    /// A step of what is around a block.
    #[inline]
    fn frame(&mut self, block: &mut Block<'_>) {
        match self.phase {
            Phase::CloseFixed => {
                self.close();
                self.phase = Phase::Header;
            }
            Phase::Header if block.kind == BlockKind::Stored => {
                self.bits.put_stored_header();
                self.phase = Phase::StoredLength;
            }
            Phase::Header => {
                self.bits.put((block.kind as u16) << 1, HEADER);
                self.phase = if block.kind == BlockKind::Fixed { Phase::Tokens } else { Phase::Counts };
            }
            Phase::End => {
                match block.kind {
                    BlockKind::Stored => {}
                    BlockKind::Fixed => self.is_open = true,
                    BlockKind::Dynamic => self.bits.put_code(block.code(END_OF_BLOCK.into())),
                }
                block.clear();
                self.phase = if self.is_last { Phase::Flush } else { Phase::Idle };
            }
            Phase::Flush => {
                self.close();
                self.phase = Phase::Pad;
            }
            _ => {
                // An empty stored block, of which the lengths are not sent (RFC 7692 7.2.1).
                self.bits.put_stored_header();
                self.phase = Phase::Rest;
            }
        }
    }

    /// Ends the fixed block, if there is one.
    fn close(&mut self) {
        if self.is_open {
            self.bits.put(0, 7); // the code of its end
            self.is_open = false;
        }
    }

    /// A step of a stored block (RFC 1951 3.2.4).
    #[inline]
    fn stored(&mut self, block: &mut Block<'_>, history: &History<'_>, later: usize) {
        match self.phase {
            Phase::StoredLength => {
                self.bits.put(block.len as u16, 16);
                self.phase = Phase::StoredComplement;
            }
            Phase::StoredComplement => {
                self.bits.put(!block.len as u16, 16);
                self.phase = Phase::StoredBytes;
            }
            _ if block.len == 0 => self.phase = Phase::End,
            _ => {
                self.bits.put(history.byte((block.len as usize).wrapping_add(later)).into(), 8);
                block.len = block.len.wrapping_sub(1);
            }
        }
    }

    /// A step of the codes of a dynamic block (RFC 1951 3.2.7).
    #[inline]
    fn code_lengths(&mut self, block: &Block<'_>) {
        match self.phase {
            Phase::Counts => {
                let (literals, distances) =
                    (block.literals.wrapping_sub(257), block.distances.wrapping_sub(1));
                let lengths = u16::from(block.lengths).wrapping_sub(4);
                self.bits.put(literals | distances << 5 | lengths << 10, 14);
                self.phase = Phase::LengthCode;
            }
            Phase::LengthCode if self.at < block.lengths.into() => {
                let symbol = ORDER.get(usize::from(self.at)).copied().unwrap_or_default();
                self.bits.put(codes::log2(block.length_code(symbol)).into(), 3);
                self.at = self.at.wrapping_add(1);
            }
            Phase::LengthCode => (self.at, self.phase) = (0, Phase::CodeLengths),
            _ => match block.run(self.at) {
                Some(run) => {
                    self.bits.put_code(block.length_code(run.symbol));
                    self.bits.put(run.value.into(), run.extra);
                    self.at = self.at.wrapping_add(run.length());
                }
                None => self.phase = Phase::Tokens,
            },
        }
    }

    /// A step of the tokens: a literal, a length, a distance, or its extra bits.
    #[inline]
    fn token(&mut self, block: &mut Block<'_>) {
        match self.phase {
            Phase::Tokens => match block.pop() {
                None => self.phase = Phase::End,
                Some(literal) if literal.distance == 0 => {
                    self.bits.put_code(block.code(literal.length.into()))
                }
                Some(found) => {
                    let length = codes::length(found.length);
                    let symbol = END_OF_BLOCK.wrapping_add(1).wrapping_add(length.symbol);
                    self.bits.put_code(block.code(symbol.into()));
                    self.bits.put(length.value, length.extra);
                    (self.distance, self.phase) = (found.distance, Phase::Distance);
                }
            },
            Phase::Distance => {
                let symbol = usize::from(codes::distance(self.distance).symbol);
                self.bits.put_code(block.code(LITERALS.wrapping_add(symbol)));
                self.phase = Phase::DistanceExtra;
            }
            _ => {
                let distance = codes::distance(self.distance);
                self.bits.put(distance.value, distance.extra);
                self.phase = Phase::Tokens;
            }
        }
    }
}
