//! What can go wrong, whose fault it is and what to do: [`Error`].

use core::fmt;
use ws_core::handshake::{client, server};
use ws_core::{PeerError, TimedOut, UsageError};

/// Why a call did not do what it should. `E` is the transport's own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The transport failed. The connection is lost.
    Io(E),
    /// Something took too long. The connection is lost: drop the transport.
    TimedOut(Waited),
    /// The peer broke a rule. It was told so; the connection is closed.
    Peer(PeerError),
    /// The call is not possible now. Nothing happened.
    Usage(UsageError),
    /// The transport ended before the closing handshake (the WHATWG standard calls it 1006), or failed in an earlier call.
    Lost,
    /// The client's request was refused; it was told so.
    Refusal(server::Refusal),
    /// The server refused, or its answer is not acceptable.
    Handshake(client::Error),
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Waited {
    /// The Pong to a heartbeat's Ping.
    Pong,
    /// Anything at all from the peer.
    Idle,
    /// The peer's part of the closing handshake.
    Close,
    /// The peer to take what is sent.
    Send,
}

impl<E> From<UsageError> for Error<E> {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl<E> From<TimedOut> for Error<E> {
    fn from(which: TimedOut) -> Self {
        Self::TimedOut(match which {
            TimedOut::Pong => Waited::Pong,
            TimedOut::Idle => Waited::Idle,
            TimedOut::Close => Waited::Close,
        })
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the transport failed: {error:?}"),
            Self::TimedOut(Waited::Pong) => f.write_str("the peer did not answer a Ping: it is gone"),
            Self::TimedOut(Waited::Idle) => f.write_str("nothing came from the peer for too long"),
            Self::TimedOut(Waited::Close) => f.write_str("the peer did not finish the closing handshake"),
            Self::TimedOut(Waited::Send) => f.write_str("the peer takes nothing: it is stuck or gone"),
            Self::Peer(error) => error.fmt(f),
            Self::Usage(error) => error.fmt(f),
            Self::Lost => f.write_str("the connection was lost: the peer left without closing"),
            Self::Refusal(refusal) => write!(f, "refused with status {}: {refusal}", refusal.status()),
            Self::Handshake(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}
