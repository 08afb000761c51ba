//! What goes to a client, as JSON: a message with its id, or a [`Control`]. The techniques put their own around it.

use super::session::Sid;
use super::{Cursor, Event, Seq};
use crate::connection::Message;
use crate::frame::{CloseCode, Kind};
use crate::http::pieces::Pieces;
use crate::time::Duration;

/// What a transport says about itself, between messages. The [page of the module](super) has the form of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Control {
    /// The first thing that a client gets: where it stands, which session it was given if it was given one, and how long
    /// it may be quiet before it is to be taken for dead.
    Open {
        /// The session, to be named from now on.
        sid: Option<Sid>,
        /// The time between two signs of life. [`Duration::ZERO`]: there are none.
        ping: Duration,
    },
    /// All messages of the client up to this number have come.
    Ack(Seq),
    /// A sign of life.
    Ping,
    /// Events are missing between what came before and what comes behind: they have left the ring.
    Reset,
    /// The session is over, and why.
    Close {
        /// A code as in a Close frame of a WebSocket.
        code: CloseCode,
        /// For people who read logs.
        reason: &'static str,
    },
}

/// One thing to be written.
#[derive(Clone, Copy, Debug)]
pub enum Item<'r> {
    Event(Event<'r>),
    Control(Control),
}

impl<'r> From<Message<'r>> for Event<'r> {
    fn from(message: Message<'r>) -> Self {
        Self { kind: message.kind(), bytes: message.as_bytes() }
    }
}

/// The text of a cursor.
pub(crate) fn put_cursor(pieces: &mut Pieces<'_, '_>, cursor: Cursor) {
    pieces.put_number(cursor.shared.get());
    if cursor.own != Seq::default() {
        pieces.put(b".").put_number(cursor.own.get());
    }
}

/// `item` in JSON. `id`: what the client has come to with it.
pub(crate) fn put_item(pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>) {
    match item {
        Item::Event(event) => {
            put_id(pieces, id);
            match event.kind {
                Kind::Text => pieces.put(b"\"data\":\"").put_json(event.bytes),
                Kind::Binary => pieces.put(b"\"b64\":\"").put_base64(event.bytes),
            };
            pieces.put(b"\"}");
        }
        Item::Control(Control::Open { sid, ping }) => {
            put_id(pieces, id);
            pieces.put(b"\"open\":{");
            if let Some(sid) = sid {
                pieces.put(b"\"sid\":\"").put(sid.as_bytes()).put(b"\",");
            }
            pieces.put(b"\"ping\":").put_number(ping.millis()).put(b"}}");
        }
        Item::Control(Control::Ack(seq)) => _ = pieces.put(b"{\"ack\":").put_number(seq.get()).put(b"}"),
        Item::Control(Control::Ping) => _ = pieces.put(b"{\"ping\":1}"),
        Item::Control(Control::Reset) => {
            put_id(pieces, id);
            pieces.put(b"\"reset\":1}");
        }
        Item::Control(Control::Close { code, reason }) => {
            pieces.put(b"{\"close\":[").put_number(code.get().into());
            pieces.put(b",\"").put_json(reason.as_bytes()).put(b"\"]}");
        }
    }
}

/// `{"id":"17.4",`
fn put_id(pieces: &mut Pieces<'_, '_>, id: Cursor) {
    pieces.put(b"{\"id\":\"");
    put_cursor(pieces, id);
    pieces.put(b"\",");
}
