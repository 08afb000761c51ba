//! A [`WebSocket`] over tokio, on `ws-core` alone: the code to copy into a program, and to change.
//!
//! # Cancel safety
//!
//! Every call may be dropped at any await and made again, in `select!` or otherwise, and loses nothing. That is because
//! there is nothing in the futures to lose:
//!
//! - what was read and not decoded, what was encoded and not written, and how far both are, lies in the connection;
//! - one poll of the stream ends with its result noted there, before anything else is awaited;
//! - [`send`](WebSocket::send) moves the caller's slice past what was taken, and once all is taken it waits for nothing
//!   more: a call that was dropped has to be made again, with what is left, and one that returned has not;
//! - each deadline is a moment that is kept in the connection. A timer made for one wait is made again for the next, with
//!   the same moment, so that dropping a call does not put it off.
//!
//! [`accept`] takes the stream itself: who drops that drops the connection.

#![forbid(unsafe_code)]

mod inbox;
mod link;
mod opening;

pub use inbox::Chunk;
pub use link::Sender;
pub use opening::accept;

use inbox::Inbox;
use link::{Link, broke_a_rule};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use ws_core::{CloseCode, Connection, Kind, Role, UsageError};

/// Bytes read, and bytes written, at once.
const BUFFER: usize = 16 * 1024;

/// An open WebSocket over `S`. Keep receiving: that answers Pings, sends the heartbeat, and writes what was sent.
///
/// Errors are those of the stream, and: `InvalidData`, the peer broke a rule (a `PeerError` is inside, the peer was
/// told); `TimedOut`; `UnexpectedEof`, the peer left without closing; `InvalidInput`, the call is not possible now, and
/// nothing happened.
#[derive(Debug)]
pub struct WebSocket<S, R: Role> {
    link: Link<S, R>,
    inbox: Inbox,
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> WebSocket<S, R> {
    /// A WebSocket behind its opening handshake. `read`: what was read behind that.
    pub fn new(stream: S, ws: Connection<R>, read: &[u8]) -> Self {
        Self { link: Link::new(stream, ws), inbox: Inbox::new(read) }
    }

    /// Waits for the next piece of a message, and lends it, with a sender beside it. `None`: both ends have closed.
    pub async fn receive(&mut self) -> io::Result<Option<(Chunk<'_>, Sender<'_, S, R>)>> {
        let Self { link, inbox } = self;
        loop {
            match inbox.decode(&mut link.ws) {
                Ok(Some(found)) => return Ok(Some((inbox.lend(found), Sender(link)))),
                Ok(None) => {}
                Err(error) => {
                    let _ = link.end(inbox).await; // it broke the rule, whether it can be told or not
                    return Err(broke_a_rule(error));
                }
            }
            if let Some(then) = inbox.drained() {
                link.ws.handle_timeout(then);
            }
            link.transmit();
            if link.ws.wants_shutdown() || link.ws.timed_out().is_some() {
                link.end(inbox).await?;
                return link.ending().map(|()| None);
            }
            // What is in the way of decoding on is written first; else reading and writing go on side by side.
            let inbox = if inbox.is_empty() { Some(&mut *inbox) } else { None };
            link.turn(inbox).await?;
        }
    }

    /// Sends a piece of a message, the last one if `last` is set: moves `payload` past what was taken, and waits only while
    /// there is no room for the rest. What was taken goes out with the next [`flush`](Self::flush) or
    /// [`receive`](Self::receive).
    pub async fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> io::Result<()> {
        Sender(&mut self.link).send(kind, payload, last).await
    }

    /// Waits until all that was sent is written.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.link.flush().await
    }

    /// Closes, forgets what still comes, and waits until the peer has closed too.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> io::Result<()> {
        match self.link.encode(|ws, out| ws.close(Some(code), reason, out)).await? {
            Ok(()) | Err(UsageError::Closing) => {}
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidInput, error)),
        }
        while self.receive().await?.is_some() {}
        Ok(())
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        self.link.stream()
    }

    /// The protocol's state: codes, reasons, round trip.
    pub fn state(&self) -> &Connection<R> {
        &self.link.ws
    }
}
