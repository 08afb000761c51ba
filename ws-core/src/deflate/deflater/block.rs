//! A block while it is collected: its tokens, how often each symbol is in them, and, once it is full, which kind of block is
//! the shortest and with which codes (RFC 1951 3.2.3). How it is written is in `emit`.

use super::codes::{self, FREQUENCY_MAX};
use super::search::{LENGTH_MIN, Match};
use crate::deflate::huffman::{
    CODE_LENGTHS, CODE_MAX, DISTANCES, END_OF_BLOCK, LITERALS, ORDER, fixed_length,
};

/// What the codes of a block are made of: a cell for each symbol.
///
/// # Memory
///
/// 678 bytes.
#[derive(Debug)]
pub struct Work {
    /// Literals and lengths, then distances.
    cells: [u16; LITERALS + DISTANCES],
    /// The code in which code lengths are sent.
    lengths: [u16; CODE_LENGTHS],
}

impl Work {
    /// All zero.
    pub const fn new() -> Self {
        Self { cells: [0; LITERALS + DISTANCES], lengths: [0; CODE_LENGTHS] }
    }

    fn parts(&mut self) -> (&mut [u16], &mut [u16]) {
        self.cells.split_at_mut_checked(LITERALS).unwrap_or_default()
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest code of the code-length code (RFC 1951 3.2.7).
const LENGTH_CODE_MAX: u8 = 7;

/// The most that a token takes: a byte for eight flags, and a match. Or two literals: the second may follow unasked, if the
/// message ends.
const TOKEN_BYTES: usize = 4;

/// In the fixed code: the most bits of a literal and of a match (RFC 1951 3.2.6), and those of the end of a block.
const FIXED_LITERAL_MAX: u32 = 9;
const FIXED_MATCH_MAX: u32 = 8 + 5 + 5 + 13;
const FIXED_END: u32 = 7;

/// Bits that open a block (RFC 1951 3.2.3).
pub(super) const HEADER: u8 = 3;

/// The kinds of blocks, with their bits (RFC 1951 3.2.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Stored = 0,
    Fixed = 1,
    Dynamic = 2,
}

pub(super) struct Block<'m> {
    /// One byte with flags for eight tokens, the first in its lowest bit: 0 for a literal, one byte, and 1 for a match, its
    /// length less 3 and its distance less 1 in three.
    tokens: &'m mut [u8],
    work: &'m mut Work,
    /// Where the next token goes, or comes from.
    at: usize,
    flags_at: usize,
    /// Flags of the tokens to come, below a bit that marks their end.
    flags: u16,
    /// Tokens; of a block that is being written, those to come.
    count: u16,
    /// Bytes that they stand for.
    pub(super) len: u32,
    /// Bits of all tokens in the fixed code, and the extra bits among them.
    fixed: u32,
    extra: u32,
    pub(super) kind: BlockKind,
    /// How many lengths are sent of each code (RFC 1951 3.2.7).
    pub(super) literals: u16,
    pub(super) distances: u16,
    pub(super) lengths: u8,
}

impl<'m> Block<'m> {
    /// Of memory that was checked.
    pub(super) fn new(tokens: &'m mut [u8], work: &'m mut Work) -> Self {
        let mut block = Self {
            tokens,
            work,
            at: 0,
            flags_at: 0,
            flags: 0,
            count: 0,
            len: 0,
            fixed: 0,
            extra: 0,
            kind: BlockKind::Fixed,
            literals: 0,
            distances: 0,
            lengths: 0,
        };
        block.clear();
        block
    }

    /// Begins the next one.
    pub(super) fn clear(&mut self) {
        self.work.cells = [0; LITERALS + DISTANCES];
        (self.at, self.count, self.len, self.fixed, self.extra) = (0, 0, 0, 0, 0);
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Room for one more token. `stored`: the bytes there can be in a stored block.
    ///
    /// A block may be longer than that, since it is not going to be stored; but if there is nothing to be gained by codes, it
    /// ends in time.
    #[inline]
    pub(super) fn has_room(&self, token: Match, stored: usize) -> bool {
        let (bytes, bits) = match token.distance {
            0 => (1, FIXED_LITERAL_MAX),
            _ => (token.length.into(), FIXED_MATCH_MAX),
        };
        let bytes = self.len.wrapping_add(bytes);
        self.at.wrapping_add(TOKEN_BYTES) <= self.tokens.len()
            && (bytes <= stored as u32 || self.fixed.wrapping_add(bits) <= bytes.wrapping_mul(8))
    }

    /// Adds a literal.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    pub(super) fn push_literal(&mut self, byte: u8) {
        self.push_flag(0);
        self.put(byte);
        self.fixed = self.fixed.wrapping_add(fixed_length(byte.into()).into());
        self.len = self.len.wrapping_add(1);
        self.count_symbol(byte.into());
    }

    /// Adds a match.
    pub(super) fn push_match(&mut self, Match { length, distance }: Match) {
        self.push_flag(1);
        self.put(length.wrapping_sub(LENGTH_MIN as u16) as u8);
        let [low, high] = distance.wrapping_sub(1).to_le_bytes();
        self.put(low);
        self.put(high);
        self.len = self.len.wrapping_add(length.into());
        let (length, distance) = (codes::length(length), codes::distance(distance));
        let symbol = END_OF_BLOCK.wrapping_add(1).wrapping_add(length.symbol);
        let extra = length.extra.wrapping_add(distance.extra);
        self.extra = self.extra.wrapping_add(extra.into());
        self.fixed = self.fixed.wrapping_add(extra.wrapping_add(fixed_length(symbol)).wrapping_add(5).into());
        self.count_symbol(symbol.into());
        self.count_symbol(LITERALS.wrapping_add(distance.symbol.into()));
    }

    #[inline]
    fn push_flag(&mut self, flag: u8) {
        if self.count & 7 == 0 {
            self.flags_at = self.at;
            self.put(0);
        }
        if let Some(flags) = self.tokens.get_mut(self.flags_at) {
            *flags |= flag.wrapping_shl((self.count & 7).into());
        }
        self.count = self.count.wrapping_add(1);
    }

    #[inline]
    fn put(&mut self, byte: u8) {
        if let Some(to) = self.tokens.get_mut(self.at) {
            *to = byte;
        }
        self.at = self.at.wrapping_add(1);
    }

    #[inline]
    fn count_symbol(&mut self, cell: usize) {
        if let Some(count) = self.work.cells.get_mut(cell) {
            *count = count.wrapping_add(1);
        }
    }

    /// The next token, a literal if its distance is 0; `None` behind the last one.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Match> {
        self.count = self.count.checked_sub(1)?;
        if self.flags <= 1 {
            self.flags = u16::from(self.take()) | 0x100;
        }
        let is_match = self.flags & 1 != 0;
        self.flags >>= 1;
        let first = u16::from(self.take());
        if !is_match {
            return Some(Match { length: first, distance: 0 });
        }
        let distance = u16::from_le_bytes([self.take(), self.take()]).wrapping_add(1);
        Some(Match { length: first.wrapping_add(LENGTH_MIN as u16), distance })
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn take(&mut self) -> u8 {
        let byte = self.tokens.get(self.at).copied().unwrap_or_default();
        self.at = self.at.wrapping_add(1);
        byte
    }

    /// Decides what kind of block it will be, and makes the codes.
    ///
    /// `can_store`: its bytes are still there. `open`: a fixed block is, which another fixed one just goes on with, and any
    /// other kind has to end. `bits` were written behind the last whole byte.
    #[inline(never)]
    pub(super) fn plan(&mut self, can_store: bool, open: bool, bits: u8) {
        let end = if open { FIXED_END } else { 0 };
        let padding = u32::from(bits).wrapping_add(end).wrapping_add(HEADER.into()).wrapping_neg() & 7;
        let stored = match can_store {
            true => self.len.wrapping_mul(8).wrapping_add(32).wrapping_add(padding),
            false => u32::MAX.wrapping_sub(end), // more than anything
        };
        let fixed = if open { 0 } else { FIXED_END }.wrapping_add(self.fixed);
        let dynamic = self.plan_dynamic(stored.min(fixed.saturating_sub(end)));
        let least = stored.min(dynamic).wrapping_add(end);
        (self.at, self.flags) = (0, 0);
        self.kind = if fixed <= least {
            self.set_fixed_codes();
            BlockKind::Fixed
        } else if stored < dynamic {
            BlockKind::Stored
        } else {
            BlockKind::Dynamic
        };
    }

    /// Makes the lengths of the codes of a dynamic block (RFC 1951 3.2.7); tells its bits behind the header, or more than
    /// anything if they are more than `most`.
    fn plan_dynamic(&mut self, most: u32) -> u32 {
        self.count_symbol(END_OF_BLOCK.into());
        let is_too_much = self.work.cells.iter().any(|count| *count > FREQUENCY_MAX);
        if is_too_much {
            for count in &mut self.work.cells {
                *count = count.div_ceil(8).min(FREQUENCY_MAX);
            }
        }
        let (literals, distances) = self.work.parts();
        codes::assign_lengths(literals, CODE_MAX as u8);
        codes::assign_lengths(distances, CODE_MAX as u8);
        let mut bits = codes::cost(&self.work.cells);
        if is_too_much {
            bits = bits.wrapping_mul(8);
        }
        let (literals, distances) = self.work.parts();
        self.literals = used(literals);
        self.distances = used(distances);
        bits = bits.wrapping_add(self.extra);
        // The code lengths are to come.
        if bits >= most { u32::MAX } else { bits.wrapping_add(self.plan_lengths()) }
    }

    /// Makes the code in which the code lengths are sent; tells the bits of all that is sent in it and before it.
    fn plan_lengths(&mut self) -> u32 {
        self.work.lengths = [0; CODE_LENGTHS];
        let (mut at, mut bits) = (0, 0u32);
        while let Some(run) = self.run(at) {
            bits = bits.wrapping_add(run.extra.into());
            if let Some(count) = self.work.lengths.get_mut(usize::from(run.symbol)) {
                *count = count.wrapping_add(1);
            }
            at = at.wrapping_add(run.length);
        }
        codes::assign_lengths(&mut self.work.lengths, LENGTH_CODE_MAX);
        bits = bits.wrapping_add(codes::cost(&self.work.lengths));
        codes::assign_codes(&mut self.work.lengths);
        let sent = |nth: &u8| codes::log2(self.length_code(*nth)) != 0;
        let last = ORDER.iter().rposition(sent).unwrap_or_default();
        self.lengths = (last as u8).wrapping_add(1); // 5 at least: a code has a length above 0
        bits.wrapping_add(14).wrapping_add(u32::from(self.lengths).wrapping_mul(3))
    }

    /// The codes of a fixed block (RFC 1951 3.2.6).
    fn set_fixed_codes(&mut self) {
        let (literals, distances) = self.work.parts();
        for (symbol, cell) in (0..LITERALS as u16).zip(literals.iter_mut()) {
            *cell = codes::cell_of(fixed_length(symbol));
        }
        distances.fill(codes::cell_of(5));
        self.assign_codes();
    }

    /// Makes the codes by which tokens are sent, of their lengths, which then are [sent](Self::run) no more.
    pub(super) fn assign_codes(&mut self) {
        let (literals, distances) = self.work.parts();
        codes::assign_codes(literals);
        codes::assign_codes(distances);
    }

    /// What stands for the code lengths from the `at`-th on, those of the distances behind those of the literals (RFC 1951
    /// 3.2.7); `None` behind the last.
    pub(super) fn run(&self, at: u16) -> Option<Run> {
        let left = self.literals.wrapping_add(self.distances).checked_sub(at).filter(|left| *left != 0)?;
        let code_length = self.code_length(at);
        let is_repeated = at > 0 && self.code_length(at.wrapping_sub(1)) == code_length;
        let most = match code_length {
            0 => 138,
            _ if is_repeated => 6,
            _ => 1,
        };
        let most = left.min(most);
        let mut length = 1u16;
        while length < most && self.code_length(at.wrapping_add(length)) == code_length {
            length = length.wrapping_add(1);
        }
        let (symbol, extra, first) = match (code_length, length) {
            (_, ..3) => return Some(Run { symbol: code_length, extra: 0, value: 0, length: 1 }),
            (0, 11..) => (18, 7, 11),
            (0, _) => (17, 3, 3),
            _ => (16, 2, 3),
        };
        Some(Run { symbol, extra, value: length.wrapping_sub(first) as u8, length })
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn code_length(&self, at: u16) -> u8 {
        let cell = match at.checked_sub(self.literals) {
            Some(distance) => usize::from(distance).wrapping_add(LITERALS),
            None => at.into(),
        };
        codes::length_of(self.code(cell))
    }

    /// The code of a literal or length; behind all of them, of a distance.
    #[inline]
    pub(super) fn code(&self, cell: usize) -> u16 {
        self.work.cells.get(cell).copied().unwrap_or_default()
    }

    /// The code of a symbol of the code-length code.
    #[inline]
    pub(super) fn length_code(&self, symbol: u8) -> u16 {
        self.work.lengths.get(usize::from(symbol)).copied().unwrap_or_default()
    }
}

/// Code lengths as one symbol.
pub(super) struct Run {
    pub(super) symbol: u8,
    pub(super) extra: u8,
    pub(super) value: u8,
    /// How many they are.
    pub(super) length: u16,
}

/// How many of the cells there are up to the last that is not empty.
fn used(cells: &[u16]) -> u16 {
    cells.iter().rposition(|cell| *cell != 0).map_or(0, |last| (last as u16).wrapping_add(1))
}
