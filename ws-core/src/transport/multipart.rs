//! Multipart streaming (`multipart/x-mixed-replace`): [`Multipart`] for events, [`Images`] for pictures.
//!
//! How it works: one response of many parts, each with a head of its own, of which each takes the place of the one before. In an `<img>` that is
//! a film. Parts with text were read by `XMLHttpRequest` of old Firefox; today a page reads them from `fetch` or
//! from a growing `responseText`, and cuts at the boundary.
//!
//! What it costs: a socket a listener, one of six connections of the browser, 80 bytes an event. Text ends behind 128 KiB, as
//! the page keeps it; images go on.
//!
//! When to use it: for pictures of a camera or a plot that is drawn anew, without a line of script. For text there are better ways.
//! Chromium shows a picture only when the next one begins: send the last one again when there was none for a while.

use super::Cursor;
use super::event::{Item, put_item};
use super::stream::{Format, sealed::Writes};
use crate::bytes::Output;
use crate::bytes::ascii::is_field_value;
use crate::entropy::Entropy;
use crate::error::UsageError;
use crate::http::pieces::Pieces;
use crate::transport::Sid;

/// The format of events in parts, each an event in JSON; see [`Stream`](super::Stream). No event can hold the boundary, as it
/// holds no line break.
///
/// # Memory
///
/// None.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Multipart;

impl Multipart {
    /// `Content-Type` of the response.
    pub const CONTENT_TYPE: &'static str = "multipart/x-mixed-replace; boundary=frame";
    /// Bytes behind which the response ends.
    pub const LIMIT: u32 = 128 << 10;
}

impl Format for Multipart {
    fn content_type(&self) -> &'static str {
        Self::CONTENT_TYPE
    }
}

impl Writes for Multipart {
    fn limit(&self) -> u32 {
        Self::LIMIT
    }

    /// Some readers take a part for begun only behind a boundary, the first part too.
    fn put_begin(&self, pieces: &mut Pieces<'_, '_>) {
        pieces.put(b"--frame\r\n");
    }

    /// The boundary stands right behind the part: it tells the reader that the part is whole.
    fn put_item(&self, pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>) {
        let len = Pieces::measure(|pieces| put_item(pieces, id, item));
        pieces.put(b"Content-Type: application/json\r\nContent-Length: ").put_decimal(len).put(b"\r\n\r\n");
        put_item(pieces, id, item);
        pieces.put(b"\r\n--frame\r\n");
    }
}

/// Writes the body of a response of pictures, or of anything else, one after the other: each is lent while it is written.
///
/// The boundary is drawn at random, so that nobody who supplies pictures can put another part into one.
///
/// # Memory
///
/// About 17 words.
///
/// ```
/// use ws_core::{Output, transport::{Images, Part}};
/// # struct Dice; impl ws_core::Entropy for Dice { fn fill(&mut self, bytes: &mut [u8]) { bytes.fill(4); } }
/// let mut images = Images::new(&mut Dice);
/// // the head of the response says `Content-Type: ` and `images.content_type()`
/// let part = Part::new("image/jpeg", b"...")?;
/// let mut buf = [0; 256];
/// let mut out = Output::new(&mut buf);
/// while !images.transmit(&part, &mut out) {
///     // write `out.filled()` to the transport
///     out.clear();
/// }
/// # Ok::<_, ws_core::UsageError>(())
/// ```
#[derive(Clone)]
pub struct Images {
    content_type: [u8; TYPE.len() + SID_LEN],
    is_begun: bool,
    at: usize,
}

const TYPE: &[u8; 36] = b"multipart/x-mixed-replace; boundary=";
use super::session::SID_LEN;

/// A part of a response of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    content_type: &'a str,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    /// A part of the type `content_type`.
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`]: a type that may not stand in a head.
    pub fn new(content_type: &'a str, body: &'a [u8]) -> Result<Self, UsageError> {
        if !is_field_value(content_type.as_bytes()) {
            return Err(UsageError::BadField);
        }
        Ok(Self { content_type, body })
    }
}

impl Images {
    /// A response with a new boundary.
    pub fn new(entropy: &mut impl Entropy) -> Self {
        let mut content_type = [b'-'; TYPE.len() + SID_LEN];
        let random = Sid::new(entropy);
        for (to, from) in content_type.iter_mut().zip(TYPE.iter().chain(random.as_bytes())) {
            *to = *from;
        }
        Self { content_type, is_begun: false, at: 0 }
    }

    /// The value of `Content-Type` of the response.
    pub fn content_type(&self) -> &str {
        core::str::from_utf8(&self.content_type).unwrap_or_default()
    }

    /// Writes as much of `part` as fits. `true`: all of it is in `out`. `false`: write `out` out, clear it and call again with the same
    /// part.
    #[must_use = "`false` asks to be called again"]
    pub fn transmit(&mut self, part: &Part<'_>, out: &mut Output<'_>) -> bool {
        let boundary = self.content_type.get(TYPE.len()..).unwrap_or(&[]);
        let mut pieces = Pieces::new(&mut self.at, out);
        if !self.is_begun {
            pieces.put(b"--").put(boundary).put(b"\r\n");
        }
        pieces.put(b"Content-Type: ").put(part.content_type.as_bytes());
        pieces.put(b"\r\nContent-Length: ").put_decimal(part.body.len()).put(b"\r\n\r\n").put(part.body);
        pieces.put(b"\r\n--").put(boundary).put(b"\r\n");
        let is_done = pieces.is_done();
        if is_done {
            (self.at, self.is_begun) = (0, true);
        }
        is_done
    }
}

impl core::fmt::Debug for Images {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Images").field("content_type", &self.content_type()).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Images {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Images({=str})", self.content_type());
    }
}
