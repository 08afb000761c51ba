//! Writing a response: [`Response`], with a body of known length. One that has no end yet is a [`Stream`](super::Stream).

use super::pieces::Pieces;
use super::{Version, field};
use crate::bytes::Output;
use crate::error::UsageError;

/// A response with a body of known length: a refusal, or a page. It says `Connection: close`, so close behind it; unless it
/// is [persistent](Self::persistent).
///
/// # Memory
///
/// About 12 words, and what the caller lends: fields and body.
///
/// ```
/// use ws_core::{Output, http::Response};
/// let mut response = Response::new(404, &[("Content-Type", "text/plain")], b"nothing here\n")?;
/// let mut buf = [0; 256];
/// let mut out = Output::new(&mut buf);
/// while !response.transmit(&mut out) {
///     // write `out.filled()` to the transport
///     out.clear();
/// }
/// # assert!(out.filled().starts_with(b"HTTP/1.1 404 Not Found\r\n"));
/// # Ok::<_, ws_core::UsageError>(())
/// ```
#[derive(Clone)]
pub struct Response<'a> {
    status: u16,
    /// Looked up by who makes it, so that the phrases of other statuses are not linked.
    reason: &'static [u8],
    /// Lines of fields of our own, each with its line break.
    lines: &'static str,
    fields: &'a [(&'a str, &'a str)],
    further: &'a [(&'a str, &'a str)],
    body: &'a [u8],
    is_head: bool,
    closes: bool,
    at: usize,
}

impl<'a> Response<'a> {
    /// A response with `status` (200 to 599), `fields` and `body`. `Content-Length` and `Connection` are added. The body
    /// of 204 and 304 stays unsent.
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`]: a status out of range, a name that is no token, a value with a line break or another
    /// control byte in it, or a field that is added anyway.
    pub fn new(status: u16, fields: &'a [(&'a str, &'a str)], body: &'a [u8]) -> Result<Self, UsageError> {
        if !(200..=599).contains(&status) || !may_be_sent(fields) {
            return Err(UsageError::BadField);
        }
        Ok(Self { fields, ..Self::fixed(status, phrase_of(status), "", "") }.with_body(body))
    }

    const fn with_body(self, body: &'a [u8]) -> Self {
        Self { body, ..self }
    }

    /// Adds a second list of fields, such as those of [`Cors`](super::Cors); it takes the place of one added before.
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`], as [`new`](Self::new).
    pub fn with_fields(self, further: &'a [(&'a str, &'a str)]) -> Result<Self, UsageError> {
        if may_be_sent(further) { Ok(Self { further, ..self }) } else { Err(UsageError::BadField) }
    }

    /// Leaves the connection open for the next request of a client that speaks `version` and asked for that (RFC 9112 9.3).
    /// Refusals that the library makes close it all the same: see [`closes`](Self::closes).
    #[must_use]
    pub const fn persistent(mut self, version: Version) -> Self {
        if self.lines.is_empty() {
            self.closes = false;
            if matches!(version, Version::Http10) {
                self.lines = "Connection: keep-alive\r\n";
            }
        }
        self
    }

    /// 500: for when the answer that was meant is not a valid one.
    pub const fn internal_server_error() -> Self {
        Self::fixed(500, b"Internal Server Error", "Content-Type: text/plain\r\n", "no valid answer\n")
    }

    /// A response of which nothing has to be checked, with `lines` of fields.
    pub(crate) const fn fixed(
        status: u16,
        reason: &'static [u8],
        lines: &'static str,
        body: &'static str,
    ) -> Self {
        Self {
            status,
            reason,
            lines,
            fields: &[],
            further: &[],
            body: body.as_bytes(),
            is_head: false,
            closes: true,
            at: 0,
        }
    }

    /// The answer to a HEAD request: the same head, and no body (RFC 9110 9.3.2).
    #[must_use]
    pub const fn for_head(self) -> Self {
        Self { is_head: true, ..self }
    }

    /// Goes on where a response that was made the same way came to.
    pub(crate) const fn resumed(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Bytes that are out.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The connection is to be closed behind it.
    pub const fn closes(&self) -> bool {
        self.closes
    }

    /// Writes as much as fits. `true`: all is in `out`. `false`: write `out` out, clear it and call again.
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        let mut pieces = Pieces::new(&mut self.at, out);
        pieces.put(b"HTTP/1.1 ").put_decimal(self.status.into());
        // One text, cut: less code than two.
        let line = b"\r\nConnection: close\r\n";
        let len = if self.closes { line.len() } else { 2 };
        pieces.put(b" ").put(self.reason).put(line.get(..len).unwrap_or(line));
        // These two have neither a body nor a length (RFC 9110 8.6, 15.3.5, 15.4.5).
        let is_empty = matches!(self.status, 204 | 304);
        if !is_empty {
            pieces.put(b"Content-Length: ").put_decimal(self.body.len()).put(b"\r\n");
        }
        pieces.put(self.lines.as_bytes()).put_fields(self.fields).put_fields(self.further).put(b"\r\n");
        if !self.is_head && !is_empty {
            pieces.put(self.body);
        }
        pieces.is_done()
    }
}

impl core::fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (status, fields) = (self.status, super::Names(self.fields));
        f.debug_struct("Response").field("status", &status).field("fields", &fields).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Response<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Response({})", self.status);
    }
}

/// Lines of a status in two bytes, and what people expect behind it; here those with which handshakes are refused. A table of
/// pointers, and even more a `match`, would take twice as much.
pub(crate) const REFUSALS: &[u8] = b"\
    \x01\x90Bad Request\n\
    \x01\x93Forbidden\n\
    \x01\x95Method Not Allowed\n\
    \x01\x98Request Timeout\n\
    \x01\x9eURI Too Long\n\
    \x01\xaaUpgrade Required\n\
    \x01\xafRequest Header Fields Too Large\n\
    \x01\xf9HTTP Version Not Supported\n";

/// Further ones.
const OTHERS: &[u8] = b"\
    \x00\xc8OK\n\
    \x00\xc9Created\n\
    \x00\xcaAccepted\n\
    \x00\xccNo Content\n\
    \x01\x2dMoved Permanently\n\
    \x01\x2eFound\n\
    \x01\x2fSee Other\n\
    \x01\x30Not Modified\n\
    \x01\x33Temporary Redirect\n\
    \x01\x34Permanent Redirect\n\
    \x01\x91Unauthorized\n\
    \x01\x94Not Found\n\
    \x01\x96Not Acceptable\n\
    \x01\x99Conflict\n\
    \x01\x9aGone\n\
    \x01\x9bLength Required\n\
    \x01\x9dContent Too Large\n\
    \x01\x9fUnsupported Media Type\n\
    \x01\xa1Expectation Failed\n\
    \x01\xa5Misdirected Request\n\
    \x01\xadToo Many Requests\n\
    \x01\xf4Internal Server Error\n\
    \x01\xf5Not Implemented\n\
    \x01\xf7Service Unavailable\n";

/// The phrase behind any status that is known here.
pub(crate) fn phrase_of(status: u16) -> &'static [u8] {
    match phrase(OTHERS, status) {
        [] => phrase(REFUSALS, status),
        reason => reason,
    }
}

/// A caller's fields can go on the wire, and none of them is added anyway.
pub(crate) fn may_be_sent(fields: &[(&str, &str)]) -> bool {
    let ours = [field::CONNECTION, field::CONTENT_LENGTH, field::TRANSFER_ENCODING];
    let is_ours = |name: &str| ours.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    super::are_fields(fields) && !fields.iter().any(|(name, _)| is_ours(name))
}

/// The phrase behind a status, out of such lines; it means nothing to programs, and may be empty (RFC 9112 4).
#[inline(never)]
pub(crate) const fn phrase(mut lines: &'static [u8], status: u16) -> &'static [u8] {
    while let [high, low, rest @ ..] = lines {
        let (mut len, mut tail) = (0usize, rest);
        while let [byte, behind @ ..] = tail {
            tail = behind;
            if *byte == b'\n' {
                break;
            }
            len = len.saturating_add(1);
        }
        if u16::from_be_bytes([*high, *low]) == status
            && let Some((phrase, _)) = rest.split_at_checked(len)
        {
            return phrase;
        }
        lines = tail;
    }
    b""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phrase_is_that_of_its_status() {
        let of = |status| Response::new(status, &[], b"").map(|response| response.reason);
        for (status, reason) in [
            (200, "OK"),
            (201, "Created"),
            (202, "Accepted"),
            (204, "No Content"),
            (301, "Moved Permanently"),
            (302, "Found"),
            (303, "See Other"),
            (304, "Not Modified"),
            (307, "Temporary Redirect"),
            (308, "Permanent Redirect"),
            (400, "Bad Request"),
            (401, "Unauthorized"),
            (403, "Forbidden"),
            (404, "Not Found"),
            (405, "Method Not Allowed"),
            (406, "Not Acceptable"),
            (408, "Request Timeout"),
            (409, "Conflict"),
            (410, "Gone"),
            (411, "Length Required"),
            (413, "Content Too Large"),
            (414, "URI Too Long"),
            (415, "Unsupported Media Type"),
            (417, "Expectation Failed"),
            (421, "Misdirected Request"),
            (426, "Upgrade Required"),
            (429, "Too Many Requests"),
            (431, "Request Header Fields Too Large"),
            (500, "Internal Server Error"),
            (501, "Not Implemented"),
            (503, "Service Unavailable"),
            (505, "HTTP Version Not Supported"),
            (299, ""),
        ] {
            assert_eq!(of(status), Ok(reason.as_bytes()), "{status}");
        }
    }
}
