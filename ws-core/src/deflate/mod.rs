//! DEFLATE (RFC 1951) as permessage-deflate (RFC 7692) uses it, in memory that the caller lends. No frame, no negotiation
//! and no connection lives here: what comes in and what goes out is the payload of messages.

mod deflater;
mod huffman;
mod inflate;
pub mod negotiate;

use core::fmt;

pub use deflater::{Buffers, Deflater, Effort, Memory, Progress, SizeError, Work};
pub use inflate::{Fast, Inflater, Layout, Small};

/// The end of the empty stored block that ends a flush: its two lengths. Each message has it, and none is sent with it
/// (RFC 7692 7.2.1, 7.2.2).
pub const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The windows that the extension knows, in bytes (RFC 7692 7.1.2).
pub(crate) const WINDOW_MIN: usize = 256;
const WINDOW_MAX: usize = 32_768;

/// The bits of the largest of them that a window has room for, which is not shorter than the smallest.
pub(crate) fn bits_of(window: usize) -> u8 {
    window.min(WINDOW_MAX).checked_ilog2().unwrap_or(0) as u8 // at most 15
}

/// Why a compressed message was refused. Final: what was inflated before it is right, and nothing comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum InflateError {
    /// A block, a code or a symbol that RFC 1951 does not know (3.2.3 to 3.2.7).
    Data,
    /// A distance that reaches before the first byte of the history, or out of the window (RFC 1951 3.2.5; RFC 7692 7.1.2).
    Distance,
    /// The message ended inside a block (RFC 7692 7.2.2).
    Truncated,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Data => "the peer sent a message that is not DEFLATE data",
            Self::Distance => "the peer sent a distance that reaches out of the window",
            Self::Truncated => "the peer ended a compressed message inside a block",
        })
    }
}

impl core::error::Error for InflateError {}
