//! Server-Sent Events (WHATWG HTML 9.2): the writer, [`Sse`], here; for devices that listen, the reader is in
//! `event_stream.rs`.
//!
//! How it works: the page makes an `EventSource`, which sends a GET and reads a response that never ends, of type
//! `text/event-stream`. An event is a few lines and an empty one. When the connection breaks, the browser comes back by itself and says in
//! `Last-Event-ID` which event it had last. A response of 204 tells it to stay away for good.
//!
//! What it costs: a socket a listener, for as long as it listens, and one of the six connections that a browser opens to a server over
//! HTTP/1.1. About 20 bytes an event beside its own. What the client has to say goes another way, by POST.
//!
//! When to use it: whenever all goes one way, from the server to the page; and as the first thing to fall back on where WebSocket does not get
//! through. It carries text alone: binary goes in Base64, a third longer. Proxies that hold responses back break it.

use super::Cursor;
use super::event::{Control, Item, put_cursor, put_item};
use super::stream::{Format, sealed::Writes};
use crate::frame::Kind;
use crate::http::pieces::Pieces;
use crate::time::Duration;

/// The format of an event stream; see [`Stream`](super::Stream). Each event carries its `id:`.
///
/// # Memory
///
/// 2 words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sse {
    /// How the data of events is written.
    pub style: SseStyle,
    /// How long the client waits before it comes back; Firefox waits for half a second at least. [`Duration::ZERO`]: as long as it likes.
    pub retry: Duration,
    /// Bytes of a comment that is sent first, for proxies and clients that show nothing before so many have come.
    pub padding: u16,
}

/// What stands in `data:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SseStyle {
    /// The message itself, for an `EventSource` and its `onmessage`. A binary one has the type `b64`, and is in Base64;
    /// what the transport has to say has the type `control`. Each line of a text becomes a line of data, so the client
    /// sees CR and CRLF as LF (9.2.6): what has to come as it is goes as binary, or in the other style. A sign of life is a comment.
    Plain,
    /// An event in JSON, as in all other techniques, of the type `message`: for a client that speaks several of them.
    Json,
}

impl Sse {
    /// Messages as they are, 2 seconds before the client comes back, no padding.
    pub const PLAIN: Self = Self { style: SseStyle::Plain, retry: Duration::from_secs(2), padding: 0 };
    /// Messages in JSON, otherwise the same.
    pub const JSON: Self = Self { style: SseStyle::Json, ..Self::PLAIN };
    /// `Content-Type` of the response; it is UTF-8 whatever it says.
    pub const CONTENT_TYPE: &'static str = "text/event-stream";
}

impl Format for Sse {
    fn content_type(&self) -> &'static str {
        Self::CONTENT_TYPE
    }
}

impl Writes for Sse {
    /// The browser keeps nothing of it.
    fn limit(&self) -> u32 {
        u32::MAX
    }

    fn put_begin(&self, pieces: &mut Pieces<'_, '_>) {
        if self.padding > 0 {
            pieces.put(b":").put_spaces(self.padding.into()).put(b"\n\n");
        }
        if self.retry != Duration::ZERO {
            pieces.put(b"retry: ").put_number(self.retry.millis()).put(b"\n\n");
        }
    }

    fn put_item(&self, pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>) {
        if self.style == SseStyle::Plain && matches!(item, Item::Control(Control::Ping)) {
            pieces.put(b":\n\n");
            return;
        }
        // On each event: blocks of an id alone are passed over by Firefox.
        pieces.put(b"id: ");
        put_cursor(pieces, id);
        pieces.put(b"\n");
        match item {
            Item::Event(event) if self.style == SseStyle::Plain => match event.kind {
                Kind::Text => put_lines(pieces, event.bytes),
                Kind::Binary => {
                    pieces.put(b"event: b64\ndata: ").put_base64(event.bytes).put(b"\n\n");
                }
            },
            _ => {
                if self.style == SseStyle::Plain {
                    pieces.put(b"event: control\n");
                }
                pieces.put(b"data: ");
                put_item(pieces, id, item);
                pieces.put(b"\n\n");
            }
        }
    }
}

/// Each line of `text` as a line of data, whichever way it ends; then the end of the event.
fn put_lines(pieces: &mut Pieces<'_, '_>, text: &[u8]) {
    let mut rest = text;
    loop {
        let len = rest.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        pieces.put(b"data: ").put(line).put(b"\n");
        rest = match behind {
            [b'\r', b'\n', behind @ ..] | [_, behind @ ..] => behind,
            [] => break,
        };
    }
    pieces.put(b"\n");
}
