//! Events over a WebSocket: [`WebSocketStream`], and the subprotocol [`PROTOCOL`].
//!
//! How it works: behind the opening handshake both sides send whenever they like. An event is a message: text and controls in JSON, as
//! in all other techniques; binary as it is, behind its id and a NUL. What the client sends are its messages, nothing around them, the first
//! with the number that `n=` in the query said, so that it can repeat over any technique what got no ack over another.
//!
//! What it costs: a socket a listener. 2 or 4 bytes an event beside its own and its JSON, and no head of HTTP ever again.
//!
//! When to use it: first. All other techniques are for where it does not get through.

use super::event::{Item, put_cursor, put_item};
use super::stream::{Feed, Lost, Pick, Progress};
use super::{Cursor, News, Seq, Sid};
use crate::bytes::Output;
use crate::connection::{Connection, Server};
use crate::error::UsageError;
use crate::frame::{CloseCode, Kind};
use crate::http::pieces::Pieces;
use crate::time::{Duration, Instant};

/// The subprotocol (RFC 6455 1.9) of these messages.
pub const PROTOCOL: &str = "push.v1";

/// What a WebSocket is closed with whose session another connection listens for by now: one of the codes that applications may choose
/// (RFC 6455 7.4.2). If the session is over, it is 1000.
pub const TAKEN_OVER: CloseCode = match CloseCode::new(4000) {
    Some(code) => code,
    None => CloseCode::NORMAL,
};

/// Why nothing can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WebSocketError {
    /// See [`Lost`].
    Lost,
    /// The connection refused the frame: it is closing, or a message of another kind is not finished.
    Usage(UsageError),
}

impl core::fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Lost => Lost.fmt(f),
            Self::Usage(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WebSocketError {}

impl From<UsageError> for WebSocketError {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<Lost> for WebSocketError {
    fn from(Lost: Lost) -> Self {
        Self::Lost
    }
}

/// Writes events as messages of a WebSocket, each in one frame. The rest of the connection is the caller's: receive, answer, close. To end the
/// session, close the WebSocket with the code.
///
/// # Memory
///
/// 24 words.
#[derive(Clone, Debug)]
pub struct WebSocketStream {
    feed: Feed,
    /// The header of the frame is out.
    is_framed: bool,
    at: usize,
}

impl WebSocketStream {
    /// Events for a listener who has come to `cursor`. `ping` is for clients that see no Ping frames, as pages do not: after so
    /// long without anything else they are sent `{"ping":1}`.
    pub const fn new(cursor: Cursor, ping: Duration, now: Instant) -> Self {
        Self { feed: Feed::new(cursor, ping, now), is_framed: false, at: 0 }
    }

    /// The same for a listener that has a session, which is named in what comes first.
    #[must_use]
    pub fn with_session(mut self, sid: Sid) -> Self {
        self.feed.sid = Some(sid);
        self
    }

    /// Writes as much as fits of what `news` has for this listener, through `ws`, which then may owe nothing else in between: the
    /// frame of an event has a known length. Never [`Progress::Ended`].
    ///
    /// # Errors
    ///
    /// [`WebSocketError::Lost`]: end the connection without a Close, as it is inside a frame. [`WebSocketError::Usage`]: what
    /// [`Connection::begin`] says; the output has to hold 10 bytes.
    pub fn transmit(
        &mut self,
        ws: &mut Connection<Server>,
        news: &News<'_>,
        now: Instant,
        out: &mut Output<'_>,
    ) -> Result<Progress, WebSocketError> {
        loop {
            let Some(pick) = self.feed.pick(news, self.is_framed, false) else {
                return Ok(Progress::Idle);
            };
            let (id, item) = self.feed.item(pick, news)?;
            if !self.is_framed {
                let kind = match item {
                    Item::Event(event) => event.kind,
                    Item::Control(_) => Kind::Text,
                };
                let len = Pieces::measure(|pieces| put_message(pieces, id, item));
                if !ws.begin(kind, len as u64, true, out)? {
                    return Ok(Progress::Full);
                }
                self.is_framed = true;
            }
            let before = self.at;
            let mut pieces = Pieces::new(&mut self.at, out);
            put_message(&mut pieces, id, item);
            let is_done = pieces.is_done();
            ws.payload_written(self.at.saturating_sub(before) as u64)?;
            self.feed.heard = now;
            if !is_done {
                return Ok(Progress::Full);
            }
            self.is_framed = false;
            self.at = 0;
            self.feed.finish(pick);
            debug_assert!(pick != Pick::Close, "closed by frames");
        }
    }

    /// What the client has been given whole.
    pub const fn cursor(&self) -> Cursor {
        self.feed.cursor
    }

    /// There is something to write.
    pub fn wants_transmit(&self, news: &News<'_>) -> bool {
        self.is_framed || self.feed.is_owed() || news.is_behind(self.feed.cursor)
    }

    /// Tells the client that its messages up to `seq` have come.
    pub fn acknowledge(&mut self, seq: Seq) {
        self.feed.ack = Some(seq);
    }

    /// When the next sign of life is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.feed.poll_timeout()
    }

    /// At the time of [`poll_timeout`](Self::poll_timeout), makes a sign of life owed: transmit. At any other time it does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.feed.handle_timeout(now);
    }
}

fn put_message(pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>) {
    match item {
        Item::Event(event) if event.kind == Kind::Binary => {
            put_cursor(pieces, id);
            pieces.put(b"\0").put(event.bytes);
        }
        _ => put_item(pieces, id, item),
    }
}
