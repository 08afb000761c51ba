//! Why there is no connection: [`Error`].

use crate::tcp;
use core::fmt;
use embassy_net::tcp::ConnectError;
use embassy_time::Duration;

/// Why [`open`](super::Client::open) did not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The host is a name, and the feature `dns` is off.
    DnsNeeded,
    /// No name server gave an address for the host.
    NoAddress,
    /// There is no TCP connection.
    Connect(ConnectError),
    /// The server answered with another status than 101.
    Refused {
        /// The status.
        status: u16,
        /// How long the server wants to be left alone, if it says that in seconds (RFC 9110 10.2.3).
        retry_after: Option<Duration>,
    },
    /// The opening handshake failed otherwise.
    Open(tcp::Error),
    /// It took too long, and was then at this.
    TimedOut(Step),
}

/// A step on the way to an open WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Step {
    /// Asking name servers for the host's address.
    Resolve,
    /// Connecting by TCP.
    Connect,
    /// The opening handshake.
    Handshake,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DnsNeeded => {
                f.write_str("the host is a name: turn on the feature dns, or give its address")
            }
            Self::NoAddress => f.write_str("no name server knows an address of the host"),
            Self::Connect(ConnectError::ConnectionReset) => f.write_str("nobody listens at the host's port"),
            Self::Connect(ConnectError::NoRoute) => f.write_str("there is no way to the host"),
            Self::Connect(ConnectError::InvalidState) => f.write_str("the socket is in use: close it first"),
            Self::Connect(error) => write!(f, "the host cannot be connected to: {error:?}"),
            Self::Refused { status, retry_after: Some(time) } => {
                write!(f, "the server refused, with status {status}, for {} s", time.as_secs())
            }
            Self::Refused { status, retry_after: None } => {
                write!(f, "the server refused, with status {status}")
            }
            Self::Open(error) => error.fmt(f),
            Self::TimedOut(Step::Resolve) => f.write_str("no name server answered in time"),
            Self::TimedOut(Step::Connect) => f.write_str("the host did not answer in time"),
            Self::TimedOut(Step::Handshake) => f.write_str("the server did not finish the handshake in time"),
        }
    }
}

impl core::error::Error for Error {}
