//! From bytes read to pieces of messages ([`decode`], [`Chunk`]) and to whole ones ([`Incoming`], [`Event`],
//! [`OwnedMessage`]).

use crate::Error;
use crate::buffers::Inbox;
use crate::compression::Inflating;
use std::ops::{ControlFlow, Range};
use ws_core::{Connection, Data, Kind, Message, PeerError, Role};

/// A piece of a message, lent by [`WebSocket::read_chunk`](crate::WebSocket::read_chunk).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk<'a> {
    /// Text or binary; the same for all pieces of a message.
    pub kind: Kind,
    /// The bytes of this piece; may be empty, and text may be cut inside a character.
    pub payload: &'a [u8],
    /// No piece of the message came before.
    pub first: bool,
    /// No piece of the message follows.
    pub last: bool,
    /// Bytes of the same frame that are still to come; 0 of a compressed message, as nobody knows what they inflate to.
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

/// What was read, and what it is inflated with, if that was agreed on.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) inbox: Inbox,
    inflating: Option<Inflating>,
}

/// A piece of a message: where it lies, since a borrow cannot outlive the loop that finds it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    kind: Kind,
    first: bool,
    last: bool,
    remaining: u64,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Inbox(Range<usize>),
    /// What was inflated last.
    Inflated,
}

impl Decoder {
    fn payload(&self, found: &Found) -> &[u8] {
        match (&found.place, &self.inflating) {
            (Place::Inbox(place), _) => self.inbox.at(place.clone()),
            (Place::Inflated, Some(inflating)) => inflating.lent(),
            (Place::Inflated, None) => &[],
        }
    }
}

/// What was decoded.
pub(crate) enum Decoded {
    Chunk(Found),
    Ping,
    Pong,
}

/// Decodes up to the next piece of a message, Ping or Pong. `None`: there is nothing more in the inbox, or a reply is in the
/// way.
pub(crate) fn decode<R: Role>(
    ws: &mut Connection<R>,
    decoder: &mut Decoder,
) -> Result<Option<Decoded>, PeerError> {
    let Decoder { inbox, inflating } = decoder;
    let (base, capacity) = (inbox.base(), inbox.capacity());
    let look = |event: Option<ws_core::Event<'_>>| look(event, base, capacity);
    inbox.decode(|input| {
        loop {
            let seen = match inflating {
                Some(inflating) => inflating.receive(ws, input, look)?,
                None => look(ws.receive(input)?),
            };
            if let ControlFlow::Break(decoded) = seen {
                return Ok(decoded);
            }
        }
    })
}

/// What an event is to who reads messages. Its payload lies in the inbox, at the address `base`, or else was inflated.
fn look(event: Option<ws_core::Event<'_>>, base: usize, capacity: usize) -> ControlFlow<Option<Decoded>> {
    ControlFlow::Break(match event {
        Some(ws_core::Event::Data(data)) => {
            let Data { kind, payload, first, last, remaining, .. } = data;
            let from = payload.as_ptr().addr().wrapping_sub(base);
            let place = match from < capacity || payload.is_empty() {
                true => Place::Inbox(from..from.saturating_add(payload.len())),
                false => Place::Inflated,
            };
            Some(Decoded::Chunk(Found { kind, first, last, remaining, place }))
        }
        Some(ws_core::Event::Ping) => Some(Decoded::Ping),
        Some(ws_core::Event::Pong) => Some(Decoded::Pong),
        Some(_) => return ControlFlow::Continue(()), // a Close: the connection knows
        None => None,
    })
}

/// What was read, and the message being put together of it. How more is found is up to who has it: `find` decodes what
/// is in the inbox, and reads.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) decoder: Decoder,
    assembly: Assembly,
}

impl Incoming {
    pub(crate) fn new(inbox: Inbox, inflating: Option<Inflating>, limit: u32) -> Self {
        Self { decoder: Decoder { inbox, inflating }, assembly: Assembly::up_to(limit) }
    }

    /// The next whole message.
    pub(crate) fn read(
        &mut self,
        mut find: impl FnMut(&mut Decoder) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Message<'_>>, Error> {
        loop {
            let Some(found) = self.find_chunk(&mut find)? else { return Ok(None) };
            if self.assembly.add(&self.decoder, &found) {
                return Ok(Some(self.assembly.lend(&self.decoder, &found)));
            }
        }
    }

    /// The next whole message, Ping or Pong.
    pub(crate) fn read_event(
        &mut self,
        mut find: impl FnMut(&mut Decoder) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Event<'_>>, Error> {
        loop {
            match find(&mut self.decoder)? {
                None => return Ok(None),
                Some(Decoded::Ping) => return Ok(Some(Event::Ping)),
                Some(Decoded::Pong) => return Ok(Some(Event::Pong)),
                Some(Decoded::Chunk(found)) if self.assembly.add(&self.decoder, &found) => {
                    return Ok(Some(Event::Message(self.assembly.lend(&self.decoder, &found))));
                }
                Some(Decoded::Chunk(_)) => {}
            }
        }
    }

    /// The next piece of a message.
    pub(crate) fn read_chunk(
        &mut self,
        find: impl FnMut(&mut Decoder) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Chunk<'_>>, Error> {
        let found = self.find_chunk(find)?;
        self.assembly.forget();
        Ok(found.map(|found| {
            let payload = self.decoder.payload(&found);
            let Found { kind, first, last, remaining, .. } = found;
            Chunk { kind, payload, first, last, remaining }
        }))
    }

    fn find_chunk(
        &mut self,
        mut find: impl FnMut(&mut Decoder) -> Result<Option<Decoded>, Error>,
    ) -> Result<Option<Found>, Error> {
        loop {
            match find(&mut self.decoder)? {
                None => return Ok(None),
                Some(Decoded::Chunk(found)) => return Ok(Some(found)),
                Some(Decoded::Ping | Decoded::Pong) => {}
            }
        }
    }
}

/// A message being put together. One that came in a piece is lent from where it is, and costs nothing here.
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
    fn add(&mut self, decoder: &Decoder, found: &Found) -> bool {
        if found.first {
            self.bytes.clear();
            self.is_begun = true;
        }
        if !self.is_begun {
            return false;
        }
        if !(found.first && found.last) {
            let piece = decoder.payload(found);
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
    fn lend<'a>(&'a self, decoder: &'a Decoder, found: &Found) -> Message<'a> {
        let bytes = if found.first { decoder.payload(found) } else { &self.bytes };
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
