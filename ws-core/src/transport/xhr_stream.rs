//! XHR streaming: [`XhrStream`].
//!
//! How it works: the page sends an `XMLHttpRequest` or a `fetch`, and reads the response while it comes in: an event in
//! JSON a line, each ended by LF. An empty line is to be passed over. When the response ends, the page sends the next one, with
//! `since=` and the id of the last event.
//!
//! What it costs: a socket a listener, and one of six connections of the browser. An `XMLHttpRequest` keeps all of the response
//! in memory, so it ends behind 64 KiB, and each time a request and a head go over the wire, some 600 bytes.
//!
//! When to use it: where SSE does not get through, or where the page has to see the status of a refusal, or send a
//! field with the request, which an `EventSource` does not do. With `fetch`, binary events cost Base64 all the same.

use super::Cursor;
use super::event::{Item, put_item};
use super::stream::{Format, sealed::Writes};
use crate::http::pieces::Pieces;

/// The format of an XHR stream; see [`Stream`](super::Stream).
///
/// # Memory
///
/// A word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct XhrStream {
    /// Spaces that are sent first, for proxies and clients that show nothing before so many bytes have come: 2048 were
    /// enough for the browsers that did so.
    pub padding: u16,
}

impl XhrStream {
    /// `Content-Type` of the response. Of this type browsers show what has come so far without guessing at it.
    pub const CONTENT_TYPE: &'static str = "text/plain; charset=utf-8";
    /// Bytes behind which the response ends.
    pub const LIMIT: u32 = 64 << 10;
}

impl Format for XhrStream {
    fn content_type(&self) -> &'static str {
        Self::CONTENT_TYPE
    }
}

impl Writes for XhrStream {
    fn limit(&self) -> u32 {
        Self::LIMIT
    }

    fn put_begin(&self, pieces: &mut Pieces<'_, '_>) {
        if self.padding > 0 {
            pieces.put_spaces(self.padding.into()).put(b"\n");
        }
    }

    fn put_item(&self, pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>) {
        put_item(pieces, id, item);
        pieces.put(b"\n");
    }
}
