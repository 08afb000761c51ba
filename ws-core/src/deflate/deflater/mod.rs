//! The compressor: [`Deflater`]. What it is asked lives here, and which matches are taken; the history and the search in it,
//! the block that is collected, its codes and the writing of it are beside it.

mod block;
mod codes;
mod emit;
mod history;
mod memory;
mod search;

use core::fmt;

use block::Block;
pub use block::Work;
use emit::{Cursor, Emitter, Phase};
use history::History;
pub use memory::{Buffers, Memory, SizeError};
use search::{LENGTH_MIN, Match, Misses};

/// How much work is done to find matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Effort {
    /// Places that are compared for each byte, at most, each up to 258 bytes: the bound of the work. Hosts compare fewer where
    /// nothing was found for some time.
    pub chain: u16,
    /// A match this long is taken, shorter ones only if there is none longer at the next byte.
    pub lazy: u16,
    /// A match this long ends the search for one.
    pub nice: u16,
}

impl Effort {
    /// For little memory, where all of the window is searched: takes time.
    pub const SMALL: Self = Self { chain: 32, lazy: 32, nice: 258 };

    /// For microcontrollers with [heads](Memory::heads) to search by.
    pub const QUICK: Self = Self { chain: 8, lazy: 32, nice: 128 };

    /// For hosts.
    pub const NORMAL: Self = Self { chain: 64, lazy: 32, nice: 258 };
}

impl Default for Effort {
    fn default() -> Self {
        Self::NORMAL
    }
}

/// How far a call of [`Deflater::deflate`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "says what of the output was written"]
pub struct Progress {
    /// Bytes written to the front of the output. Those behind them may have been overwritten too.
    pub written: usize,
    /// All of the input was taken, and at the end of a message all of it was written. Otherwise there was not enough room.
    pub done: bool,
}

/// Compresses the messages of one direction of a connection, one after the other.
///
/// The bytes of a message are given in pieces of any size and not kept but in the history; what they compress to is written
/// to outputs of any size, 1 byte too:
///
/// ```
/// # use ws_core::deflate::{Buffers, Effort};
/// let mut buffers = Buffers::<512, 0, 0, 736>::new();
/// let mut deflater = buffers.deflater(Effort::SMALL);
/// let (mut out, mut message) = ([0; 16], Vec::new());
/// for (mut piece, end) in [(&b"Hel"[..], false), (b"lo", true)] {
///     loop {
///         let progress = deflater.deflate(&mut piece, &mut out, end);
///         message.extend_from_slice(&out[..progress.written]);
///         if progress.done {
///             break;
///         }
///     }
/// }
/// assert_eq!(message, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
/// ```
///
/// What is written is the payload of a message as RFC 7692 7.2.1 has it, its tail removed. It is at most 0.6 % and 8 bytes
/// longer than what was given, if window and tokens have 1,024 bytes or more: what does not compress is stored, in blocks
/// of about nine tenths of the smaller of the two, which take 5 bytes more each.
///
/// A match does not reach from one piece of input into the next, so larger pieces compress better: JSON in pieces of 256
/// bytes becomes 2 % longer than in whole messages, in pieces of 64 bytes by an eighth.
///
/// # Security
///
/// A length tells an observer of the connection how much of a message was in the history. Where that holds secrets and
/// somebody else has a say in what is sent after them, [`reset`](Self::reset) before each message, which is to say
/// without context takeover; and do not compress the two in one message.
///
/// # Memory
///
/// What is lent, and 112 bytes where pointers have 32 bits, or 184. The formula, and what each size is good for, stand at
/// [`Buffers`].
pub struct Deflater<'m> {
    history: History<'m>,
    block: Block<'m>,
    emitter: Emitter,
    effort: Effort,
    /// The latest byte of the history, of which it is not known yet what it will be: the beginning of this match, or a
    /// literal.
    held: Option<Match>,
    misses: Misses,
}

impl<'m> Deflater<'m> {
    /// A deflater without history.
    ///
    /// # Errors
    ///
    /// The part of the memory whose size does not fit; see [`Memory`].
    pub fn new(memory: Memory<'m>, effort: Effort) -> Result<Self, SizeError> {
        memory.check()?;
        Ok(Self::over(memory, effort))
    }

    /// Of memory that was checked.
    fn over(memory: Memory<'m>, effort: Effort) -> Self {
        Self {
            history: History::new(memory.window, memory.heads, memory.links),
            block: Block::new(memory.tokens, memory.work),
            emitter: Emitter::NEW,
            effort,
            held: None,
            misses: Misses::NONE,
        }
    }

    /// Forgets the history, as is due before each message without context takeover (RFC 7692 7.1.1). Takes no time: nothing
    /// is cleared. To be called between two messages.
    pub fn reset(&mut self) {
        self.history.reset();
        self.misses = Misses::NONE;
    }

    /// Begins anew for another peer: forgets the history and a message that is unfinished, and refers from now on to nothing
    /// farther back than `2^bits` bytes, 8 to 15, or the window that was lent, if that is less.
    pub fn restart(&mut self, bits: u8) {
        self.history.restart(bits);
        self.block.clear();
        (self.emitter, self.held, self.misses) = (Emitter::NEW, None, Misses::NONE);
    }

    /// Bytes of the window that was lent.
    pub(crate) fn window(&self) -> usize {
        self.history.capacity()
    }

    /// Takes bytes of a message off the front of `input`, and writes to the front of `out` what is ready; `end`: nothing of the
    /// message comes behind `input`.
    ///
    /// Until the [`Progress`] is done, write to another `out`, with what is left of the `input`, to which more may have been
    /// added. Once it is done, go on with the next piece of the message; behind its end, with the next message. A piece is
    /// not written until there is a block full of them, or the end.
    ///
    /// The work of a call is bounded by the bytes taken, for each of which [`Effort`] says how much is compared, and the
    /// bytes written, and the codes of the blocks among them, each a walk of some dozen rounds through 320 symbols. What one
    /// call can take is not bounded otherwise: give it pieces of the size that there is time for.
    pub fn deflate(&mut self, input: &mut &[u8], out: &mut [u8], end: bool) -> Progress {
        let mut out = Cursor::new(out);
        let done = loop {
            if !self.emitter.run(&mut self.block, &self.history, self.held.is_some(), &mut out) {
                break false;
            }
            if core::mem::take(&mut self.emitter.is_last) {
                break true;
            }
            if self.collect(input) {
                if !end {
                    break true;
                }
                self.settle();
                self.emitter.is_last = true;
                if self.block.is_empty() {
                    self.emitter.phase = Phase::Flush;
                    continue;
                }
            }
            let later = u32::from(self.held.is_some());
            let can_store = self.block.len.wrapping_add(later) <= self.history.capacity() as u32;
            self.block.plan(can_store, self.emitter.is_open, self.emitter.bits.behind_byte());
            self.emitter.begin(&self.block);
        };
        Progress { written: out.written, done }
    }

    /// Makes tokens of the input; `false` if the block is full before the input is empty.
    ///
    /// A match is taken only if there is no longer one at the next byte: lazy matching (RFC 1951 4).
    fn collect(&mut self, input: &mut &[u8]) -> bool {
        self.history.catch_up(input);
        while !input.is_empty() {
            let held = self.held.unwrap_or(Match::NONE);
            let found = match held.length >= self.effort.lazy.max(LENGTH_MIN as u16) {
                true => Match::NONE,
                false => {
                    let effort = self.misses.reduce(self.effort);
                    search::find(&self.history, input, held.length.into(), &effort)
                }
            };
            // As long as the input that it was found in; and if that was taken away, then shorter.
            let length = usize::from(held.length).min(input.len().wrapping_add(1));
            let held = Match { length: length as u16, ..held };
            let is_match = length >= LENGTH_MIN && found.length <= held.length;
            let token = if is_match { held } else { Match::NONE };
            if !self.block.has_room(token, self.history.capacity().wrapping_sub(1)) {
                return false;
            }
            if is_match {
                self.block.push_match(held);
                (self.held, self.misses) = (None, Misses::NONE);
                for _ in 1..length {
                    self.history.consume(input);
                }
            } else {
                self.settle();
                self.history.consume(input);
                self.held = Some(found);
            }
        }
        true
    }

    /// The byte that is held becomes a literal.
    fn settle(&mut self) {
        if self.held.take().is_some() {
            self.block.push_literal(self.history.byte(1));
            self.misses.push();
        }
    }
}

impl fmt::Debug for Deflater<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deflater({} of {} B)", self.history.len(), self.history.capacity())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Deflater<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Deflater({} of {} B)", self.history.len(), self.history.capacity());
    }
}
