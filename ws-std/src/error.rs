//! What can go wrong, whose fault it is and what to do: [`Error`].

use std::{fmt, io};
use ws_core::handshake::{client, server};
use ws_core::http::{HeadError, exchange};
use ws_core::{PeerError, TimedOut, UsageError};

/// Why a call did not do what it should.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The transport failed. The connection is lost.
    Io(io::Error),
    /// The transport is not ready, and nothing is lost: call again.
    WouldBlock,
    /// Something took too long. The connection is lost.
    TimedOut(Waited),
    /// The peer broke a rule. It was told so; the connection is closed.
    Peer(PeerError),
    /// The call is not possible now. Nothing happened.
    Usage(UsageError),
    /// The transport ended before the closing handshake (the WHATWG standard calls it 1006).
    Lost,
    /// The URL cannot be opened; says why.
    Url(&'static str),
    /// `wss://` needs TLS, which this crate does not bring: make the TLS connection yourself, then call
    /// [`Connect::over`](crate::Connect::over) with it, as [`Plain`](crate::Plain).
    TlsNeeded,
    /// The server answered with another status than 101. Boxed: it holds what the server said.
    Refused(Box<Refused>),
    /// The server's 101 is not acceptable.
    Handshake(client::Error),
    /// The client's request was refused; it was told so.
    Refusal(server::Refusal),
    /// What came over a connection of HTTP is no request, is too large or came too slowly; the client was told so.
    Request(exchange::Refusal),
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waited {
    /// The opening handshake.
    Handshake,
    /// The Pong to a heartbeat's Ping.
    Pong,
    /// Anything at all from the peer.
    Idle,
    /// The peer's part of the closing handshake.
    Close,
    /// The peer to take what is sent.
    Send,
}

/// What a server answered instead of 101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The fields of interest, names in lower case: `location`, `retry-after`, `www-authenticate`, `content-type`,
    /// `content-length`, and those of [`Connect::further`](crate::Connect::further).
    pub fields: Vec<(String, String)>,
    /// The beginning of the body, out of its chunks: what came within a second and fitted the read buffer.
    pub body: Vec<u8>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                write!(f, "nobody listens there: is the server up, and the port right? ({error})")
            }
            Self::Io(error) => write!(f, "the transport failed: {error}"),
            Self::WouldBlock => f.write_str("the transport is not ready: call again, nothing is lost"),
            Self::TimedOut(Waited::Handshake) => f.write_str("the opening handshake took too long"),
            Self::TimedOut(Waited::Pong) => f.write_str("the peer did not answer a Ping: it is gone"),
            Self::TimedOut(Waited::Idle) => f.write_str("nothing came from the peer for too long"),
            Self::TimedOut(Waited::Send) => f.write_str("the peer takes nothing: it is stuck or gone"),
            Self::TimedOut(Waited::Close) => f.write_str("the peer did not finish the closing handshake"),
            Self::Peer(error) => match error.close_code() {
                Some(code) => write!(f, "{error} (answered with close code {code})"),
                None => write!(f, "{error}"),
            },
            Self::Usage(error) => write!(f, "{error}"),
            Self::Lost => f.write_str("the connection was lost: the peer left without closing"),
            Self::Url(why) => write!(f, "{why}; an example: ws://127.0.0.1:9001/path"),
            Self::TlsNeeded => f.write_str(
                "wss:// needs TLS: connect it yourself and hand it to Connect::over as Plain(tls)",
            ),
            Self::Refused(refused) => {
                write!(f, "the server refused the connection with status {}", refused.status)?;
                match refused.fields.iter().find(|(name, _)| name == "location") {
                    Some((_, place)) => write!(f, "; it points to {place}, which is not followed"),
                    None => Ok(()),
                }
            }
            Self::Handshake(client::Error::Head(HeadError::LongHead)) => {
                f.write_str("the server's answer is too long: Options::head_buffer may have to be larger")
            }
            Self::Handshake(client::Error::Head(error)) => {
                write!(f, "what answered is no WebSocket server, or answered nonsense: {error}")
            }
            Self::Handshake(error) => write!(f, "{error}"),
            Self::Refusal(refusal) => write!(f, "refused with status {}: {refusal}", refusal.status()),
            Self::Request(refusal) => match refusal.status() {
                Some(status) => write!(f, "refused with status {status}: {refusal}"),
                None => write!(f, "{refusal}"),
            },
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Peer(error) => Some(error),
            Self::Usage(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::Refusal(refusal) => Some(refusal),
            Self::Request(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        // What writes a body or a message as `io::Write` can say it no other way than in an error of its own.
        let error = match error.downcast() {
            Ok(own) => return own,
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::WouldBlock,
            // The end of a wait, as Windows and other streams call it; elsewhere a system says so when it has given the
            // peer up.
            io::ErrorKind::TimedOut if cfg!(windows) || error.raw_os_error().is_none() => Self::WouldBlock,
            _ => Self::Io(error),
        }
    }
}

impl From<UsageError> for Error {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<TimedOut> for Error {
    fn from(which: TimedOut) -> Self {
        Self::TimedOut(match which {
            TimedOut::Pong => Waited::Pong,
            TimedOut::Idle => Waited::Idle,
            TimedOut::Close => Waited::Close,
        })
    }
}
