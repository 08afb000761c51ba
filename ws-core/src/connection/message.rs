//! Whole messages in lent memory: [`MessageBuffer`]. Built on the public events alone.

use super::Data;
use crate::bytes::copy;
use crate::error::CapacityError;
use crate::frame::Kind;

/// Puts the pieces of a message together, in memory that the caller lends.
///
/// How to size the buffer: the longest message to be taken. Set [`Limits::for_message`](crate::Limits::for_message)
/// to the same size, so that a longer one is refused with 1009 by its header, before its bytes come. A message
/// that came in one piece is not copied, and may be longer than the buffer.
///
/// # Memory
///
/// The buffer, and 4 words.
pub struct MessageBuffer<'m> {
    buf: &'m mut [u8],
    len: usize,
    state: State,
}

/// What is known of the message that is coming in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing: the piece with which it began was not pushed.
    Unknown,
    /// Its beginning is in the buffer.
    Begun,
    /// It does not fit, so the rest of it is none.
    Refused,
    /// All of it is in the buffer.
    Whole(Kind),
}

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Any bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// What it holds, to send it back as it came.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl<'m> MessageBuffer<'m> {
    /// An empty buffer over `buf`.
    pub const fn new(buf: &'m mut [u8]) -> Self {
        Self { buf, len: 0, state: State::Unknown }
    }

    /// Adds a piece; `Some` is the whole message, once its last piece is in, and lent until the next call. Pieces of a
    /// message whose first piece was not pushed are passed over.
    ///
    /// # Errors
    ///
    /// The message does not fit, as the header of this piece's frame tells already. Refuse it:
    /// [`Connection::fail`](crate::Connection::fail) with
    /// [`CloseCode::MESSAGE_TOO_BIG`](crate::CloseCode::MESSAGE_TOO_BIG). Or go on: each further piece of it is refused
    /// too, and the next message begins anew.
    pub fn push<'a>(&'a mut self, data: Data<'a>) -> Result<Option<Message<'a>>, CapacityError> {
        if data.first && data.last {
            self.state = State::Unknown;
            return Ok(Some(message(data.kind, data.payload)));
        }
        Ok(if self.store(data)? { self.message() } else { None })
    }

    /// Adds a piece by copying it, whether the message came in one or not: for a transport that lends pieces no longer than for
    /// a call. `true`: it was the last one; [`message`](Self::message) is the whole. Otherwise as [`push`](Self::push).
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn store(&mut self, data: Data<'_>) -> Result<bool, CapacityError> {
        if data.first {
            (self.len, self.state) = (0, State::Begun);
        }
        if matches!(self.state, State::Unknown | State::Whole(_)) {
            return Ok(false);
        }
        let room = self.buf.get_mut(self.len..).unwrap_or_default();
        let coming = data.remaining.saturating_add(data.payload.len() as u64);
        if self.state == State::Refused || coming > room.len() as u64 {
            self.state = State::Refused;
            return Err(CapacityError);
        }
        self.len = self.len.saturating_add(copy(room, data.payload));
        if data.last {
            self.state = State::Whole(data.kind);
        }
        Ok(data.last)
    }

    /// The message that the latest [`store`](Self::store) made whole, until the next piece comes.
    pub fn message(&self) -> Option<Message<'_>> {
        match self.state {
            State::Whole(kind) => Some(message(kind, self.buf.get(..self.len).unwrap_or(&[]))),
            _ => None,
        }
    }
}

fn message(kind: Kind, bytes: &[u8]) -> Message<'_> {
    match kind {
        Kind::Text => {
            // The connection has checked it byte by byte.
            let text = core::str::from_utf8(bytes);
            debug_assert!(text.is_ok());
            Message::Text(text.unwrap_or_default())
        }
        Kind::Binary => Message::Binary(bytes),
    }
}

impl core::fmt::Debug for MessageBuffer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "MessageBuffer({} of {} B)", self.len, self.buf.len())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for MessageBuffer<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "MessageBuffer({} of {} B)", self.len, self.buf.len());
    }
}
