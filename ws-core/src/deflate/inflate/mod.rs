//! The decompressor: [`Inflater`]. What it is asked lives here; the blocks of a stream are read in `blocks`, bits and
//! window are beside it, and how a symbol is looked up is decided by the layout: `small` or `fast`.

mod bits;
mod blocks;
mod cells;
mod fast;
mod quick;
mod small;
mod table;
mod window;

use bits::Bits;
use blocks::{Block, State};
pub use fast::Fast;
pub use small::Small;
use window::Window;

use super::{InflateError, TAIL};

/// How the codes of a block are kept: [`Small`] or [`Fast`]. Cannot be implemented elsewhere.
pub trait Layout: sealed::Tables {
    /// Bytes that the window needs beyond the distance it is to serve.
    const SLACK: usize;
}

pub(crate) mod sealed {
    use super::InflateError;
    use super::bits::Bits;
    use super::blocks::{Stop, Symbol};
    use super::window::Window;
    use crate::deflate::huffman::Range;

    /// What the two layouts do each in its own way. Codes are built of lengths, which are put down one by one, in the
    /// order of their symbols, those of the distances behind those of literals and lengths.
    pub trait Tables {
        fn set_code_length(&mut self, at: u16, length: u8);

        fn code_length(&self, at: u16) -> u8;

        /// Builds the code-length code of the first 19 lengths.
        fn build_code_length_code(&mut self) -> Result<(), InflateError>;

        /// Builds the codes of a dynamic block: for so many literals and lengths, and for so many distances.
        fn build(&mut self, literals: u16, distances: u16) -> Result<(), InflateError>;

        /// Makes the fixed codes current; `true` if they had to be built.
        fn fix(&mut self) -> bool;

        /// The next symbol of the code-length code; `None` if bits are missing, and then none is taken.
        fn next_code_length(&self, bits: &mut Bits) -> Result<Option<u8>, InflateError>;

        /// The next literal, length or end; as above. A length's extra bits are not taken.
        fn next_symbol(&self, bits: &mut Bits) -> Result<Option<Symbol>, InflateError>;

        /// The next distance; as above. Its extra bits are not taken.
        fn next_distance(&self, bits: &mut Bits) -> Result<Option<Range>, InflateError>;

        /// Goes through symbols while that can be done faster than one by one.
        #[inline]
        fn quick(&self, _: &mut Window<'_>, _: &mut Bits, _: &mut &[u8], _end: usize) -> Stop {
            Stop::Edge
        }
    }
}

/// Inflates the messages of one direction of a connection, one after the other.
///
/// Output is written into the window that the caller lends, and lent out of it again until the next call: nothing is
/// copied, and no other output buffer is needed. For each piece of a message's payload:
///
/// ```
/// # use ws_core::deflate::{InflateError, Inflater, Small};
/// # fn main() -> Result<(), InflateError> {
/// let (mut window, mut tables) = ([0; 512], Small::new());
/// let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
/// let mut text = Vec::new();
/// for mut piece in [&[0xf2, 0x48, 0xcd][..], &[0xc9, 0xc9, 0x07, 0x00]] {
///     while !piece.is_empty() {
///         text.extend_from_slice(inflater.inflate(&mut piece, 4096)?);
///     }
/// }
/// while let Some(bytes) = inflater.finish(4096)? {
///     text.extend_from_slice(bytes); // the end of the message
/// }
/// assert_eq!(text, b"Hello");
/// # Ok(())
/// # }
/// ```
///
/// How to size the window: `2^bits` bytes for the window bits agreed on with the peer, 8 to 15, and [`Layout::SLACK`]
/// more (0 or 32); a larger one does no harm. Without an agreement it is 32,768 bytes (RFC 7692 7.1.2). A smaller one works
/// until the peer uses a distance that it does not serve.
///
/// How to bound a message: give as `max_out` what it may still have, plus 1. If that one comes, it is too big, and the
/// byte is all of the excess there is.
///
/// # Memory
///
/// The window, the tables, and at most 14 words.
pub struct Inflater<'w, L: Layout> {
    tables: &'w mut L,
    window: Window<'w>,
    bits: Bits,
    block: Block,
    /// How much of the removed tail was fed.
    tail: u8,
    /// Where in the window the output of the latest call begins.
    start: usize,
}

impl<'w, L: Layout> Inflater<'w, L> {
    /// An inflater without history. What was in `window` and `tables` does not matter. `None` if the window is not longer
    /// than [`Layout::SLACK`].
    pub fn new(window: &'w mut [u8], tables: &'w mut L) -> Option<Self> {
        let window = Window::new(window, L::SLACK)?;
        Some(Self { tables, window, bits: Bits::NONE, block: Block::NONE, tail: 0, start: 0 })
    }

    /// Over a window that is long enough.
    pub(crate) fn over(window: &'w mut [u8], tables: &'w mut L) -> Self {
        let window = Window::over(window, L::SLACK);
        Self { tables, window, bits: Bits::NONE, block: Block::NONE, tail: 0, start: 0 }
    }

    /// Takes bytes of a message off the front of `input`, and lends what they inflate to: at most `max_out` bytes, of which
    /// 0 counts as 1.
    ///
    /// Call it until `input` is empty; the slice lent may be empty before that. What a last byte stands for may be
    /// more than was lent then: it comes with the next bytes, by [`finish`](Self::finish), or by further calls with an
    /// empty `input`, until they lend nothing.
    ///
    /// The work of a call is bounded by the bytes taken, the bytes lent and the tables of one block.
    ///
    /// # Errors
    ///
    /// What is wrong with the stream, once all that is right before it was lent. Each further call fails alike, until
    /// [`reset`](Self::reset).
    pub fn inflate(&mut self, input: &mut &[u8], max_out: usize) -> Result<&[u8], InflateError> {
        self.step(input, max_out)?;
        Ok(self.lent())
    }

    /// Ends a message, once all its bytes were taken: lends what is left of it, at most `max_out` bytes a call, of which 0
    /// counts as 1. `None`: that was all of it, and the next message may begin.
    ///
    /// The tail that the sender removed is not to be fed by the caller (RFC 7692 7.2.2). A message that ends with a
    /// final block needs none, nor does one from which nothing was removed (7.2.3.4, 7.2.3.5).
    ///
    /// # Errors
    ///
    /// As [`inflate`](Self::inflate), and [`InflateError::Truncated`] if the message ends inside a block.
    pub fn finish(&mut self, max_out: usize) -> Result<Option<&[u8]>, InflateError> {
        let done = self.advance(&mut &[][..], true, max_out)?;
        Ok(if done && self.lent().is_empty() { None } else { Some(self.lent()) })
    }

    /// The two in one: goes on with a message, which ends with `input` if `last` is set; `true`: all of it was lent. What this
    /// call lends is [`lent`](Self::lent).
    pub(crate) fn advance(
        &mut self,
        input: &mut &[u8],
        last: bool,
        max_out: usize,
    ) -> Result<bool, InflateError> {
        self.step(input, max_out)?;
        let end = self.end(max_out);
        let is_failed = |block: &Block| matches!(block.state, State::Failed);
        while last && input.is_empty() && self.window.at() < end && !is_failed(&self.block) {
            if self.is_complete() {
                self.tail = 0;
                return Ok(true);
            }
            let mut rest = TAIL.get(usize::from(self.tail)..).unwrap_or_default();
            // A block that is held comes before the tail, and there may be no need of a tail behind it.
            let is_held = self.holds_block();
            let from = if is_held { &mut *input } else { &mut rest };
            let result =
                if from.is_empty() && !is_held { Err(InflateError::Truncated) } else { self.run(from, end) };
            self.tail = TAIL.len().wrapping_sub(rest.len()) as u8;
            self.wait_with(result)?;
        }
        Ok(false)
    }

    /// What the latest call lends.
    pub(crate) fn lent(&self) -> &[u8] {
        self.window.since(self.start)
    }

    /// Forgets the history, as is due before each message without context takeover (RFC 7692 7.1.1), and any error. Takes
    /// no time: nothing is cleared.
    pub fn reset(&mut self) {
        self.window.reset();
        (self.bits, self.block, self.tail, self.start) = (Bits::NONE, Block::NONE, 0, 0);
    }

    /// The latest call lent as much as it might: there may be more.
    pub(crate) fn is_full(&self, max_out: usize) -> bool {
        self.window.at() >= self.end(max_out)
    }

    /// What was taken comes to more, without any further input: to a block behind the one whose tables this call has built, or to an
    /// error.
    pub(crate) fn holds_more(&self) -> bool {
        matches!(self.block.state, State::Failed) || self.holds_block()
    }

    /// The header of a further block was taken.
    fn holds_block(&self) -> bool {
        matches!(self.block.state, State::Header) && self.bits.count() >= 3
    }

    /// The farthest distance that the window serves.
    pub(crate) fn reach(&self) -> usize {
        self.window.reach()
    }

    /// The message can end here: a block has ended, at the end of a byte, and of the tail there was all or nothing.
    fn is_complete(&self) -> bool {
        matches!(self.block.state, State::Header)
            && self.bits.count() == 0
            && (self.tail == 0 || usize::from(self.tail) == TAIL.len())
    }

    /// Goes on with the stream.
    fn step(&mut self, input: &mut &[u8], max_out: usize) -> Result<(), InflateError> {
        self.start = self.window.begin();
        let result = self.run(input, self.end(max_out));
        self.wait_with(result)
    }

    /// Up to where in the window a call may write.
    fn end(&self, max_out: usize) -> usize {
        self.start.saturating_add(max_out.max(1)).min(self.window.len())
    }

    /// An error waits until what is right before it was lent.
    fn wait_with(&mut self, result: Result<(), InflateError>) -> Result<(), InflateError> {
        let Err(error) = result else { return Ok(()) };
        self.block.fail(error);
        if self.lent().is_empty() { Err(error) } else { Ok(()) }
    }
}

impl<L: Layout> core::fmt::Debug for Inflater<'_, L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Inflater({} of {} B)", self.window.history(), self.window.len())
    }
}

#[cfg(feature = "defmt")]
impl<L: Layout> defmt::Format for Inflater<'_, L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Inflater({} of {} B)", self.window.history(), self.window.len());
    }
}
