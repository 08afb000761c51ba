//! One type for all formats of streams: [`AnyFormat`], for servers that learn from the request which one it is to be.

use super::event::Item;
use super::stream::{Format, sealed::Writes};
use super::{Cursor, HtmlStream, Multipart, Sse, XhrStream};
use crate::http::pieces::Pieces;

/// Any of the formats of a [`Stream`](super::Stream). One loop then serves them all; and all of them are linked.
///
/// # Memory
///
/// That of the largest, [`HtmlStream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AnyFormat {
    /// Server-Sent Events.
    Sse(Sse),
    /// A line for each event.
    Xhr(XhrStream),
    /// A script for each event.
    Html(HtmlStream),
    /// A part for each event.
    Multipart(Multipart),
}

impl Format for AnyFormat {
    fn content_type(&self) -> &'static str {
        match self {
            Self::Sse(format) => format.content_type(),
            Self::Xhr(format) => format.content_type(),
            Self::Html(format) => format.content_type(),
            Self::Multipart(format) => format.content_type(),
        }
    }
}

impl Writes for AnyFormat {
    fn limit(&self) -> u32 {
        match self {
            Self::Sse(format) => format.limit(),
            Self::Xhr(format) => format.limit(),
            Self::Html(format) => format.limit(),
            Self::Multipart(format) => format.limit(),
        }
    }

    fn put_begin(&self, pieces: &mut Pieces<'_, '_>) {
        match self {
            Self::Sse(format) => format.put_begin(pieces),
            Self::Xhr(format) => format.put_begin(pieces),
            Self::Html(format) => format.put_begin(pieces),
            Self::Multipart(format) => format.put_begin(pieces),
        }
    }

    fn put_item(&self, pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>) {
        match self {
            Self::Sse(format) => format.put_item(pieces, id, item),
            Self::Xhr(format) => format.put_item(pieces, id, item),
            Self::Html(format) => format.put_item(pieces, id, item),
            Self::Multipart(format) => format.put_item(pieces, id, item),
        }
    }
}
