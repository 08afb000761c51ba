//! What a [`Deflater`] is lent: [`Memory`], and [`Buffers`] that own it.

use core::fmt;

use super::block::Work;
use super::{Deflater, Effort};
use crate::deflate::{WINDOW_MAX, WINDOW_MIN};

/// Cells of the table of heads.
const HEADS_MIN: usize = 16;
const HEADS_MAX: usize = 32_768;

/// Bytes for the tokens of a block; more than this are never full.
const TOKENS_MIN: usize = 64;
const TOKENS_MAX: usize = (u16::MAX as usize).saturating_add(1);

/// The parts of the memory lent to a [`Deflater`], for who has them in a place of their own; else [`Buffers`] are at hand.
/// What is in them does not matter.
#[derive(Debug)]
pub struct Memory<'m> {
    /// The history. How to size it: `2^bits` bytes for the window bits agreed on with the peer, 8 to 15. Any other size
    /// from 256 to 32,768 bytes will do as well, if it is not larger than that.
    pub window: &'m mut [u8],
    /// Where each hash was seen last. How to size it: empty, and then the whole window is searched for each match, which
    /// needs the least memory and finds the best ones, but takes thousands of instructions a byte; or a power of two
    /// from 16 to 32,768, of which a quarter to a half of the window is a good one.
    pub heads: &'m mut [u16],
    /// Where the hash of each byte of the window was seen before. How to size it: empty if `heads` is, else as long as
    /// `window`.
    pub links: &'m mut [u16],
    /// What the codes of a block are made of.
    pub work: &'m mut Work,
    /// The literals and matches of a block, which ends when it is full. How to size it: 64 to 65,536 bytes. A block should be
    /// worth its codes, which take some 60 bytes of output: from 700 bytes on it is. Twice as much as the window, or as the
    /// longest message, is as good as any more.
    pub tokens: &'m mut [u8],
}

impl Memory<'_> {
    pub(super) const fn check(&self) -> Result<(), SizeError> {
        check(self.window.len(), self.heads.len(), self.links.len(), self.tokens.len())
    }
}

const fn check(window: usize, heads: usize, links: usize, tokens: usize) -> Result<(), SizeError> {
    if window < WINDOW_MIN || window > WINDOW_MAX {
        return Err(SizeError::Window);
    }
    if heads != 0 && (!heads.is_power_of_two() || heads < HEADS_MIN || heads > HEADS_MAX) {
        return Err(SizeError::Heads);
    }
    if links != if heads == 0 { 0 } else { window } {
        return Err(SizeError::Links);
    }
    if tokens < TOKENS_MIN || tokens > TOKENS_MAX {
        return Err(SizeError::Tokens);
    }
    Ok(())
}

/// The part of the [`Memory`] lent to a [`Deflater`] whose size it cannot work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SizeError {
    /// [`Memory::window`].
    Window,
    /// [`Memory::heads`].
    Heads,
    /// [`Memory::links`].
    Links,
    /// [`Memory::tokens`].
    Tokens,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "the window has less than 256 or more than 32768 bytes",
            Self::Heads => "the number of heads is not a power of two from 16 to 32768, and not 0",
            Self::Links => {
                "there is not a link for each byte of the window, or there are links without heads"
            }
            Self::Tokens => "the tokens have less than 64 or more than 65536 bytes",
        })
    }
}

impl core::error::Error for SizeError {}

/// The memory of a [`Deflater`], in one piece that can be a `static`, or a field, or on the stack. Sizes as in [`Memory`];
/// those that do not fit do not compile.
///
/// ```
/// use ws_core::deflate::{Buffers, Effort};
/// let mut buffers = Buffers::<512, 0, 0, 736>::new();
/// let mut deflater = buffers.deflater(Effort::SMALL);
/// ```
///
/// ```compile_fail
/// let buffers = ws_core::deflate::Buffers::<512, 100, 512, 704>::new(); // 100 is no power of two
/// ```
///
/// # Memory
///
/// `WINDOW + 2 * HEADS + 2 * LINKS + TOKENS` bytes, and 678 for [`Work`]. With the [`Deflater`] itself it is 112 bytes more
/// where pointers have 32 bits, as counted here, and 184 where they have 64.
///
/// JSON is a feed of telemetry in messages of 200 to 2,000 bytes; what they compress to in all, with context takeover and
/// without, where pointers have 64 bits: others find other matches where there are many heads, and differ by a tenth of a
/// percent or two.
///
/// | `Buffers` | [`Effort`] | bytes in all | JSON | without takeover |
/// | --- | --- | ---: | ---: | ---: |
/// | `<256, 0, 0, 512>` | `SMALL` | 1558 | 33.6 % | 44.4 % |
/// | `<512, 0, 0, 736>` | `SMALL` | 2038 | 29.7 % | 43.8 % |
/// | `<1024, 0, 0, 2048>` | `SMALL` | 3862 | 25.5 % | 43.7 % |
/// | `<512, 128, 512, 1024>` | `QUICK` | 3606 | 30.0 % | 43.8 % |
/// | `<1024, 256, 1024, 1024>` | `QUICK` | 5398 | 26.0 % | 43.7 % |
/// | `<4096, 1024, 4096, 4096>` | `QUICK` | 19222 | 22.1 % | 43.7 % |
/// | `<4096, 1024, 4096, 4096>` | `NORMAL` | 19222 | 20.6 % | 43.7 % |
/// | `<32768, 4096, 32768, 16384>` | `NORMAL` | 123670 | 18.3 % | 43.8 % |
/// | `<32768, 16384, 32768, 49152>` | `NORMAL` | 181014 | 18.2 % | 43.8 % |
pub struct Buffers<const WINDOW: usize, const HEADS: usize, const LINKS: usize, const TOKENS: usize> {
    heads: [u16; HEADS],
    links: [u16; LINKS],
    work: Work,
    window: [u8; WINDOW],
    tokens: [u8; TOKENS],
}

impl<const WINDOW: usize, const HEADS: usize, const LINKS: usize, const TOKENS: usize>
    Buffers<WINDOW, HEADS, LINKS, TOKENS>
{
    const FIT: () =
        assert!(check(WINDOW, HEADS, LINKS, TOKENS).is_ok(), "see `Memory` for the sizes that fit");

    /// All zero, so that a `static` of it takes no flash.
    pub const fn new() -> Self {
        const { Self::FIT };
        Self {
            heads: [0; HEADS],
            links: [0; LINKS],
            work: Work::new(),
            window: [0; WINDOW],
            tokens: [0; TOKENS],
        }
    }

    /// A deflater without history that borrows all of it.
    pub fn deflater(&mut self, effort: Effort) -> Deflater<'_> {
        Deflater::over(self.memory(), effort)
    }

    /// The parts, to lend them to a [`DeflatingSender`](crate::connection::DeflatingSender).
    pub const fn memory(&mut self) -> Memory<'_> {
        Memory {
            window: &mut self.window,
            heads: &mut self.heads,
            links: &mut self.links,
            work: &mut self.work,
            tokens: &mut self.tokens,
        }
    }
}

impl<const WINDOW: usize, const HEADS: usize, const LINKS: usize, const TOKENS: usize> Default
    for Buffers<WINDOW, HEADS, LINKS, TOKENS>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const WINDOW: usize, const HEADS: usize, const LINKS: usize, const TOKENS: usize> fmt::Debug
    for Buffers<WINDOW, HEADS, LINKS, TOKENS>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffers<{WINDOW}, {HEADS}, {LINKS}, {TOKENS}>")
    }
}
