//! The blocks of a stream (RFC 1951 3.2.3 to 3.2.7), one step after the other: the same for both layouts. What a code is
//! made of and how it is looked up is the layout's.

use super::{Inflater, Layout};
use crate::deflate::InflateError;
use crate::deflate::huffman::{END_OF_BLOCK, ORDER, Range};

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The three bits that begin a block; a message may end here.
    Header,
    StoredLengths,
    Stored,
    /// How many lengths a dynamic block sends.
    Counts,
    CodeLengthLengths,
    CodeLengths,
    Symbol,
    LengthExtra,
    Distance,
    DistanceExtra,
    /// Bytes of a match, out of the history.
    Match,
    /// Nothing: see [`Block::error`].
    Failed,
}

/// Where in a block the stream is.
pub(super) struct Block {
    pub(super) state: State,
    /// What was wrong, once something was.
    error: InflateError,
    /// BFINAL was set.
    last: bool,
    /// Extra bits that are awaited behind a length or a distance.
    extra: u8,
    /// Bytes left of a stored block or of a match; in a dynamic header the repeat symbol whose bits are awaited, or 0.
    length: u16,
    distance: u16,
    /// Of a dynamic header: HLIT, HDIST and HCLEN as numbers of lengths, and the next one.
    literals: u16,
    distances: u16,
    code_lengths: u16,
    at: u16,
}

impl Block {
    pub(super) const NONE: Self = Self {
        state: State::Header,
        error: InflateError::Data,
        last: false,
        extra: 0,
        length: 0,
        distance: 0,
        literals: 0,
        distances: 0,
        code_lengths: 0,
        at: 0,
    };
}

impl Block {
    pub(super) fn fail(&mut self, error: InflateError) -> InflateError {
        (self.state, self.error) = (State::Failed, error);
        error
    }
}

/// A symbol of a block.
pub enum Symbol {
    Literal(u8),
    EndOfBlock,
    Length(Range),
}

/// Why a quick loop ended.
pub enum Stop {
    /// Too little input or room.
    Edge,
    EndOfBlock,
    /// A length, and too little input for its distance.
    Length(u16),
    /// A match that is to be copied with care, if there is such a distance.
    Match(u16, u16),
    Bad,
}

impl<L: Layout> Inflater<'_, L> {
    /// Goes on until input or room ends, or a second block needs new tables.
    pub(super) fn run(&mut self, input: &mut &[u8], end: usize) -> Result<(), InflateError> {
        let start = self.window.at();
        let mut built = false;
        loop {
            // The bytes of a stored block need not become bits.
            if self.block.state != State::Stored {
                self.bits.refill(input);
            }
            match self.block.state {
                State::Failed => return Err(self.block.error),
                State::Header => {
                    // What one call works must not depend on how many tables fit into a read. But a call that had no
                    // input, and lends nothing, says that nothing is held any more.
                    if built && !(input.is_empty() && self.window.at() == start) {
                        return Ok(());
                    }
                    let Some(header) = self.bits.take(3) else { return Ok(()) };
                    self.block.last = header & 1 != 0;
                    self.block.state = match header >> 1 {
                        0 => {
                            self.bits.align();
                            State::StoredLengths
                        }
                        1 => {
                            built |= self.tables.fix();
                            State::Symbol
                        }
                        2 => State::Counts,
                        _ => return Err(InflateError::Data),
                    };
                }
                State::StoredLengths => {
                    let Some(lengths) = self.bits.take_lengths() else { return Ok(()) };
                    self.block.length = lengths as u16;
                    if lengths as u16 != !(lengths >> 16) as u16 {
                        return Err(InflateError::Data);
                    }
                    self.block.state = State::Stored;
                }
                State::Stored => {
                    if self.block.length == 0 {
                        self.end_block();
                    } else if self.window.at() >= end || !self.stored(input, end) {
                        return Ok(());
                    }
                }
                State::Counts => {
                    let Some(counts) = self.bits.take(14) else { return Ok(()) };
                    self.block.literals = (counts & 31).wrapping_add(257);
                    self.block.distances = (counts >> 5 & 31).wrapping_add(1);
                    self.block.code_lengths = (counts >> 10).wrapping_add(4);
                    if self.block.literals > 286 || self.block.distances > 30 {
                        return Err(InflateError::Data);
                    }
                    self.block.at = 0;
                    self.block.state = State::CodeLengthLengths;
                }
                State::CodeLengthLengths => {
                    let Some(symbol) = ORDER.get(usize::from(self.block.at)) else {
                        self.tables.build_code_length_code()?;
                        (self.block.at, self.block.length) = (0, 0);
                        self.block.state = State::CodeLengths;
                        continue;
                    };
                    // Those that are not sent are 0.
                    let bits = if self.block.at < self.block.code_lengths { 3 } else { 0 };
                    let Some(length) = self.bits.take(bits) else { return Ok(()) };
                    self.tables.set_code_length((*symbol).into(), length as u8);
                    self.block.at = self.block.at.wrapping_add(1);
                }
                State::CodeLengths => {
                    if !self.code_lengths(input)? {
                        return Ok(());
                    }
                    // Without it, the block could not end.
                    if self.tables.code_length(END_OF_BLOCK) == 0 {
                        return Err(InflateError::Data);
                    }
                    self.tables.build(self.block.literals, self.block.distances)?;
                    built = true;
                    self.block.state = State::Symbol;
                }
                State::Symbol => {
                    if !self.symbols(input, end)? {
                        return Ok(());
                    }
                }
                State::LengthExtra => {
                    let Some(more) = self.bits.take(self.block.extra.into()) else { return Ok(()) };
                    self.block.length = self.block.length.wrapping_add(more);
                    self.block.state = State::Distance;
                }
                State::Distance => {
                    let Some(Range { base, extra }) = self.tables.next_distance(&mut self.bits)? else {
                        return Ok(());
                    };
                    (self.block.distance, self.block.extra) = (base, extra);
                    self.block.state = State::DistanceExtra;
                }
                State::DistanceExtra => {
                    let Some(more) = self.bits.take(self.block.extra.into()) else { return Ok(()) };
                    self.begin_match(self.block.distance.wrapping_add(more))?;
                }
                State::Match => {
                    let (distance, length) = (self.block.distance.into(), self.block.length.into());
                    let done = self.window.repeat(distance, length, end);
                    self.block.length = self.block.length.wrapping_sub(done as u16);
                    if self.block.length == 0 {
                        self.block.state = State::Symbol;
                    } else if self.window.at() >= end {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads symbols up to one that is no literal; `false` if bits or room are missing.
    #[inline]
    fn symbols(&mut self, input: &mut &[u8], end: usize) -> Result<bool, InflateError> {
        loop {
            match self.tables.quick(&mut self.window, &mut self.bits, input, end) {
                Stop::Edge => {}
                Stop::EndOfBlock => {
                    self.end_block();
                    return Ok(true);
                }
                Stop::Length(length) => {
                    self.block.length = length;
                    self.block.state = State::Distance;
                    return Ok(true);
                }
                Stop::Match(length, distance) => {
                    self.block.length = length;
                    self.begin_match(distance)?;
                    return Ok(true);
                }
                Stop::Bad => return Err(InflateError::Data),
            }
            if self.window.at() >= end {
                return Ok(false);
            }
            self.bits.refill(input);
            match self.tables.next_symbol(&mut self.bits)? {
                None => return Ok(false),
                Some(Symbol::Literal(byte)) => self.window.put(byte),
                Some(Symbol::EndOfBlock) => {
                    self.end_block();
                    return Ok(true);
                }
                Some(Symbol::Length(Range { base, extra })) => {
                    (self.block.length, self.block.extra) = (base, extra);
                    self.block.state = State::LengthExtra;
                    return Ok(true);
                }
            }
        }
    }

    fn end_block(&mut self) {
        self.block.state = State::Header;
        if self.block.last {
            // The next message begins with the next byte (RFC 7692 7.2.3.5).
            self.bits.align();
        }
    }

    fn begin_match(&mut self, distance: u16) -> Result<(), InflateError> {
        if usize::from(distance) > self.window.history() {
            return Err(InflateError::Distance);
        }
        self.block.distance = distance;
        self.block.state = State::Match;
        Ok(())
    }

    /// Writes bytes of a stored block, first those that are held; `false` if there are none.
    fn stored(&mut self, input: &mut &[u8], end: usize) -> bool {
        let n = match self.bits.take(8) {
            Some(byte) => {
                self.window.put(byte as u8);
                1
            }
            None => {
                let bytes = input.get(..usize::from(self.block.length)).unwrap_or(input);
                let n = self.window.put_all(bytes, end);
                *input = input.get(n..).unwrap_or_default();
                n
            }
        };
        self.block.length = self.block.length.wrapping_sub(n as u16);
        n != 0
    }

    /// Reads the code lengths of a dynamic block (RFC 1951 3.2.7); `false` if bits are missing.
    fn code_lengths(&mut self, input: &mut &[u8]) -> Result<bool, InflateError> {
        let all = self.block.literals.wrapping_add(self.block.distances);
        while self.block.at < all {
            self.bits.refill(input);
            if self.block.length == 0 {
                match self.tables.next_code_length(&mut self.bits)? {
                    None => return Ok(false),
                    Some(length @ 0..16) => {
                        self.tables.set_code_length(self.block.at, length);
                        self.block.at = self.block.at.wrapping_add(1);
                        continue;
                    }
                    Some(repeat) => self.block.length = repeat.into(),
                }
            }
            let (extra, base, length) = match (self.block.length, self.block.at.checked_sub(1)) {
                (16, None) => return Err(InflateError::Data),
                (16, Some(before)) => (2, 3, self.tables.code_length(before)),
                (17, _) => (3, 3, 0),
                _ => (7, 11, 0),
            };
            let Some(more) = self.bits.take(extra) else { return Ok(false) };
            let to = self.block.at.wrapping_add(base).wrapping_add(more);
            if to > all {
                return Err(InflateError::Data);
            }
            while self.block.at < to {
                self.tables.set_code_length(self.block.at, length);
                self.block.at = self.block.at.wrapping_add(1);
            }
            self.block.length = 0;
        }
        Ok(true)
    }
}
