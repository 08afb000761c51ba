//! HTML streaming, the forever iframe: [`HtmlStream`].
//!
//! How it works: the page has a hidden `<iframe>` whose document never ends. Each event is a `<script>` in it, which runs as soon
//! as it has come, and calls a function of the page around it: `parent.fn({…})`. It needs no API at all, which is why it came first.
//!
//! What it costs: a socket a listener, one of six connections of the browser, and 40 bytes an event. The document
//! grows, so it ends behind 128 KiB; the page sees `load` of the frame, and sets its address anew, with `since=`. Until then the browser
//! shows the page as loading, and keeps each script unless the page takes it away.
//!
//! When to use it: where nothing else that streams gets through. Frame and page have to be of the same origin; a page of
//! another cannot be called this way, by the rules of browsers.
//!
//! What is done here against misuse: the name has no dot. Opened as a window of its own, the document is its own `parent`, and
//! with `opener.led.click` for a name a page of another site would have that method called in a page of this one.

use super::event::{Item, put_item};
use super::stream::{Format, sealed::Writes};
use super::{Callback, Cursor};
use crate::http::pieces::Pieces;

/// The format of an HTML stream; see [`Stream`](super::Stream).
///
/// # Memory
///
/// 68 bytes: the name of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HtmlStream {
    /// The function of the page around it that is called with each event. [`Endpoint::asked`](super::Endpoint::asked) takes none with a dot;
    /// who takes it from a request by hand has to refuse what is not [plain](Callback::is_plain), too.
    pub callback: Callback,
    /// Spaces that are sent first. No browser needs them today; some waited for 1024 bytes.
    pub padding: u16,
}

impl HtmlStream {
    /// `Content-Type` of the response.
    pub const CONTENT_TYPE: &'static str = "text/html; charset=utf-8";
    /// Bytes behind which the response ends.
    pub const LIMIT: u32 = 128 << 10;
}

impl Format for HtmlStream {
    fn content_type(&self) -> &'static str {
        Self::CONTENT_TYPE
    }
}

impl Writes for HtmlStream {
    fn limit(&self) -> u32 {
        Self::LIMIT
    }

    fn put_begin(&self, pieces: &mut Pieces<'_, '_>) {
        pieces.put(b"<!DOCTYPE html><meta charset=utf-8><body>").put_spaces(self.padding.into()).put(b"\n");
    }

    fn put_item(&self, pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>) {
        pieces.put(b"<script>parent.").put(self.callback.as_bytes()).put(b"(");
        put_item(pieces, id, item);
        pieces.put(b")</script>\n");
    }
}
