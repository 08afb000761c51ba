//! From bytes read to pieces of messages ([`decode`], [`Chunk`]) and to whole ones ([`Incoming`], [`Event`],
//! [`OwnedMessage`]).

use crate::Error;
use crate::buffers::Inbox;
use std::ops::Range;
use ws_core::{Connection, Data, Kind, Message, PeerError, Role};

/// A piece of a message, lent by [`WebSocket::read_chunk`](crate::WebSocket::read_chunk).
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk<'a> {
    /// Text or binary; the same for all pieces of a message.
    pub kind: Kind,
    /// The bytes of this piece; may be empty, and text may be cut inside a character.
    pub payload: &'a mut [u8],
    /// No piece of the message came before.
    pub first: bool,
    /// No piece of the message follows.
    pub last: bool,
    /// Bytes of the same frame that are still to come.
    pub remaining: u64,
}

/// What [`WebSocket::read_event`](crate::WebSocket::read_event) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A whole message.
    Message(Message<'a>),
    /// A Ping, which is answered without being told.
    Ping,
    /// A Pong: the heartbeat's, after which [`round_trip`](crate::WebSocket::round_trip) is a new one, or that to a Ping
    /// of one's own.
    Pong,
}

/// A whole message that can be kept, or sent to another thread.
///
/// ```
/// use ws_std::{Message, OwnedMessage};
///
/// let kept = OwnedMessage::from(Message::Text("hello"));
/// assert_eq!(kept.as_message(), Message::Text("hello"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnedMessage {
    /// Text.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

impl OwnedMessage {
    /// The message, lent again.
    pub fn as_message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl From<Message<'_>> for OwnedMessage {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
        }
    }
}

/// A piece of a message that lies in the inbox: where, since a borrow cannot outlive the loop that finds it.
pub(crate) struct Found {
    kind: Kind,
    first: bool,
    last: bool,
    remaining: u64,
    place: Range<usize>,
}

impl Found {
    fn lend(self, inbox: &mut Inbox) -> Chunk<'_> {
        let Self { kind, first, last, remaining, place } = self;
        Chunk { kind, payload: inbox.at(place), first, last, remaining }
    }
}

/// What was decoded.
pub(crate) enum Decoded {
    Chunk(Found),
    Ping,
    Pong,
}

/// Decodes up to the next piece of a message, Ping or Pong. `None`: the inbox is empty, or a reply is in the way.
pub(crate) fn decode<R: Role>(
    ws: &mut Connection<R>,
    inbox: &mut Inbox,
) -> Result<Option<Decoded>, PeerError> {
    let base = inbox.base();
    inbox.decode(|input| {
        loop {
            return Ok(Some(match ws.receive(input)? {
                Some(ws_core::Event::Data(data)) => {
                    let from = data.payload.as_ptr().addr().wrapping_sub(base);
                    let place = from..from.saturating_add(data.payload.len());
                    let Data { kind, first, last, remaining, .. } = data;
                    Decoded::Chunk(Found { kind, first, last, remaining, place })
                }
                Some(ws_core::Event::Ping) => Decoded::Ping,
                Some(ws_core::Event::Pong) => Decoded::Pong,
                Some(_) => continue, // a Close: the connection knows
                None => return Ok(None),
            }));
        }
    })
}

/// What was read, and the message being put together of it. How more is found is up to who has it: `find` decodes what
/// is in the inbox, and reads.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) inbox: Inbox,
    assembly: Assembly,
}

impl Incoming {
    pub(crate) fn new(inbox: Inbox, limit: u32) -> Self {
        Self { inbox, assembly: Assembly::up_to(limit) }
    }

    /// The next whole message.
    pub(crate) fn read(
        &mut self,
        mut find: impl FnMut(&mut Inbox) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Message<'_>>, Error> {
        loop {
            let Some(found) = self.find_chunk(&mut find)? else { return Ok(None) };
            if self.assembly.add(&mut self.inbox, &found) {
                return Ok(Some(self.assembly.lend(&mut self.inbox, found)));
            }
        }
    }

    /// The next whole message, Ping or Pong.
    pub(crate) fn read_event(
        &mut self,
        mut find: impl FnMut(&mut Inbox) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Event<'_>>, Error> {
        loop {
            match find(&mut self.inbox)? {
                None => return Ok(None),
                Some(Decoded::Ping) => return Ok(Some(Event::Ping)),
                Some(Decoded::Pong) => return Ok(Some(Event::Pong)),
                Some(Decoded::Chunk(found)) if self.assembly.add(&mut self.inbox, &found) => {
                    return Ok(Some(Event::Message(self.assembly.lend(&mut self.inbox, found))));
                }
                Some(Decoded::Chunk(_)) => {}
            }
        }
    }

    /// The next piece of a message.
    pub(crate) fn read_chunk(
        &mut self,
        find: impl FnMut(&mut Inbox) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Chunk<'_>>, Error> {
        let found = self.find_chunk(find)?;
        self.assembly.forget();
        Ok(found.map(|found| found.lend(&mut self.inbox)))
    }

    fn find_chunk(
        &mut self,
        mut find: impl FnMut(&mut Inbox) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Found>, Error> {
        loop {
            match find(&mut self.inbox)? {
                None => return Ok(None),
                Some(Decoded::Chunk(found)) => return Ok(Some(found)),
                Some(Decoded::Ping | Decoded::Pong) => {}
            }
        }
    }
}

/// A message being put together. One that came in a piece is lent from the inbox, and costs nothing here.
#[derive(Debug)]
struct Assembly {
    bytes: Vec<u8>,
    /// `bytes` is the beginning of the message that is coming in.
    is_begun: bool,
    limit: usize,
}

impl Assembly {
    const SMALL: usize = 8 * 1024;

    fn up_to(limit: u32) -> Self {
        Self { bytes: Vec::new(), is_begun: false, limit: usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    /// Takes a piece; `true`: the message is whole. A piece without its beginning is passed over.
    fn add(&mut self, inbox: &mut Inbox, found: &Found) -> bool {
        if found.first {
            self.bytes.clear();
            self.is_begun = true;
        }
        if !self.is_begun {
            return false;
        }
        if !(found.first && found.last) {
            let piece = inbox.at(found.place.clone());
            self.make_room(piece.len());
            self.bytes.extend_from_slice(piece);
        }
        self.is_begun = !found.last;
        found.last
    }

    /// Pieces of the message go elsewhere.
    fn forget(&mut self) {
        self.is_begun = false;
    }

    /// The message whose last piece was found.
    fn lend<'a>(&'a self, inbox: &'a mut Inbox, found: Found) -> Message<'a> {
        let bytes = if found.first { &*inbox.at(found.place) } else { &self.bytes };
        match found.kind {
            Kind::Text => {
                // The connection has checked it byte by byte.
                let text = std::str::from_utf8(bytes);
                debug_assert!(text.is_ok());
                Message::Text(text.unwrap_or_default())
            }
            Kind::Binary => Message::Binary(bytes),
        }
    }

    /// Twice what there is, but never beyond the limit. A small limit is gone to at once, when an eighth of it has come:
    /// to grow in steps would take both buffers, the old and the new one, which is more.
    fn make_room(&mut self, more: usize) {
        let needed = self.bytes.len().saturating_add(more);
        if needed > self.bytes.capacity() {
            let is_small = self.limit <= Self::SMALL && needed > self.limit / 8;
            let target = if is_small { self.limit } else { self.bytes.capacity().saturating_mul(2) };
            let target = target.min(self.limit).max(needed);
            self.bytes.reserve_exact(target.saturating_sub(self.bytes.len()));
        }
    }
}
