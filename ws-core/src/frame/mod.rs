//! Frames (RFC 6455 5): their [`header`], the masking of their payload, and the codes of the closing frame
//! ([`close`]). No state of a connection lives here, and nothing of HTTP.

pub mod close;
pub mod header;
pub(crate) mod mask;

pub use close::CloseCode;
pub use header::{EncodedHeader, encode_header};

/// What a data message holds (RFC 6455 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// UTF-8 text, opcode 1.
    Text,
    /// Any bytes, opcode 2.
    Binary,
}

pub(crate) mod opcode {
    //! RFC 6455 5.2, 11.8.
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;
}

/// The longest payload of a control frame, in bytes (RFC 6455 5.5).
pub const CONTROL_MAX: usize = 125;
