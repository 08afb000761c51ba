//! Errors say whose fault it is: the peer's ([`PeerError`]), the caller's ([`UsageError`]), or that memory lent was
//! too small ([`CapacityError`]). Errors of the opening handshake are beside it, in
//! [`handshake`](crate::handshake). The adapters add those of I/O.

use core::fmt;

/// The peer broke a rule. The Close frame it deserves is already owed: transmit it, then shut down. Nothing the peer
/// sends after it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PeerError {
    /// A reserved bit is set, and no extension gives it a meaning (RFC 6455 5.2).
    ReservedBits,
    /// An opcode without a meaning: 3 to 7, 11 to 15 (RFC 6455 5.2).
    ReservedOpcode,
    /// A client did not mask (RFC 6455 5.1).
    UnmaskedFrame,
    /// A server masked (RFC 6455 5.1).
    MaskedFrame,
    /// A control frame with FIN unset (RFC 6455 5.5).
    FragmentedControl,
    /// A control frame longer than 125 bytes (RFC 6455 5.5).
    LongControl,
    /// A continuation without a message to continue (RFC 6455 5.4).
    NothingToContinue,
    /// A new message before the last fragment of the one before (RFC 6455 5.4).
    MessageInMessage,
    /// A length not in its shortest form, or with its top bit set (RFC 6455 5.2).
    BadLength,
    /// A Close frame with one byte of payload, or with a code that must not be sent (RFC 6455 5.5.1, 7.4).
    BadClose,
    /// Text, or the reason of a Close frame, that is not UTF-8 (RFC 6455 8.1).
    InvalidUtf8,
    /// A message longer than [`Limits::message`](crate::Limits::message).
    MessageTooBig,
    /// More fragments than [`Limits::fragments`](crate::Limits::fragments), or more empty ones in a row than
    /// [`Limits::empty_fragments`](crate::Limits::empty_fragments).
    TooManyFragments,
    /// A compressed message that is none (RFC 1951), or refers to what is not in the window (RFC 7692 7.2.2).
    BadCompression,
    /// The application refused what came, by [`Connection::fail`](crate::Connection::fail), and with the code given there.
    Refused,
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "the peer set a reserved bit of a frame",
            Self::ReservedOpcode => "the peer used a reserved opcode",
            Self::UnmaskedFrame => "the client sent an unmasked frame",
            Self::MaskedFrame => "the server sent a masked frame",
            Self::FragmentedControl => "the peer fragmented a control frame",
            Self::LongControl => "the peer sent a control frame of more than 125 bytes",
            Self::NothingToContinue => "the peer continued a message that was not begun",
            Self::MessageInMessage => "the peer began a message inside another",
            Self::BadLength => "the peer sent a length that is not minimal or above 2^63",
            Self::BadClose => "the peer sent a Close frame with a bad payload or code",
            Self::InvalidUtf8 => "the peer sent text that is not UTF-8",
            Self::MessageTooBig => "the peer sent a message above the limit",
            Self::TooManyFragments => "the peer sent more fragments than the limit",
            Self::BadCompression => "the peer sent a compressed message that cannot be inflated",
            Self::Refused => "the application refused what the peer sent",
        })
    }
}

impl core::error::Error for PeerError {}

/// A call that is not possible now. It was refused, and nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UsageError {
    /// The closing handshake has begun: nothing more can be sent (RFC 6455 5.5.1, 7.1.6).
    Closing,
    /// A message of the other kind, or with another call, is not finished yet.
    UnfinishedMessage,
    /// The payload promised to [`begin`](crate::Connection::begin) has not been sent yet.
    UnfinishedFrame,
    /// More payload than was promised to [`begin`](crate::Connection::begin).
    TooMuchPayload,
    /// The output cannot hold the shortest frame in question, even when empty: lend a larger one.
    OutputTooSmall,
    /// A field, a target, a host or a subprotocol that may not go on the wire: it would break the head, or stands there
    /// already.
    BadField,
    /// A subprotocol that the client did not offer.
    NotOffered,
    /// A control payload of more than 125 bytes, a close reason of more than 123, or a reason without a code.
    LongControl,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "the connection is closing: nothing more can be sent",
            Self::UnfinishedMessage => "another message is not finished: send its last part first",
            Self::UnfinishedFrame => "the frame begun still lacks payload: send it first",
            Self::TooMuchPayload => "more payload than the frame was begun with",
            Self::OutputTooSmall => "the output buffer is too small for any frame: lend a larger one",
            Self::BadField => {
                "this may not stand in a head: line breaks, bad names and fields set already are refused"
            }
            Self::NotOffered => "the client did not offer this subprotocol",
            Self::LongControl => "a control payload has at most 125 bytes, a close reason 123 and a code",
        })
    }
}

impl core::error::Error for UsageError {}

/// Memory that was lent is too small for what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CapacityError;

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is longer than the buffer lent for it")
    }
}

impl core::error::Error for CapacityError {}
