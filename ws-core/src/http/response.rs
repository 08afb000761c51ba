//! Writing a response: [`Response`], with a body of known length and the connection closed behind it.

use super::pieces::Pieces;
use crate::bytes::Output;
use crate::error::UsageError;

/// A response that ends the connection: a refusal, or a page. It says `Connection: close`, so close behind it.
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
    body: &'a [u8],
    is_head: bool,
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
        let ours = ["connection", "content-length", "transfer-encoding"];
        let is_ours = |name: &str| ours.iter().any(|ours| name.eq_ignore_ascii_case(ours));
        if !(200..=599).contains(&status)
            || !super::are_fields(fields)
            || fields.iter().any(|(name, _)| is_ours(name))
        {
            return Err(UsageError::BadField);
        }
        let reason = match phrase(OTHERS, status) {
            [] => phrase(REFUSALS, status),
            reason => reason,
        };
        Ok(Self { status, reason, lines: "", fields, body, is_head: false, at: 0 })
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
        Self { status, reason, lines, fields: &[], body: body.as_bytes(), is_head: false, at: 0 }
    }

    /// The answer to a HEAD request: the same head, and no body (RFC 9110 9.3.2).
    #[must_use]
    pub const fn for_head(self) -> Self {
        Self { is_head: true, ..self }
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Writes as much as fits. `true`: all is in `out`. `false`: write `out` out, clear it and call again.
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        let mut pieces = Pieces::new(&mut self.at, out);
        pieces.put(b"HTTP/1.1 ").put_decimal(self.status.into());
        pieces.put(b" ").put(self.reason).put(b"\r\nConnection: close\r\n");
        // These two have neither a body nor a length (RFC 9110 8.6, 15.3.5, 15.4.5).
        let is_empty = matches!(self.status, 204 | 304);
        if !is_empty {
            pieces.put(b"Content-Length: ").put_decimal(self.body.len()).put(b"\r\n");
        }
        pieces.put(self.lines.as_bytes()).put_fields(self.fields).put(b"\r\n");
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
    \x00\xccNo Content\n\
    \x01\x2dMoved Permanently\n\
    \x01\x2eFound\n\
    \x01\x30Not Modified\n\
    \x01\x34Permanent Redirect\n\
    \x01\x91Unauthorized\n\
    \x01\x94Not Found\n\
    \x01\x9dContent Too Large\n\
    \x01\xadToo Many Requests\n\
    \x01\xf4Internal Server Error\n\
    \x01\xf7Service Unavailable\n";

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
            (204, "No Content"),
            (301, "Moved Permanently"),
            (302, "Found"),
            (304, "Not Modified"),
            (308, "Permanent Redirect"),
            (400, "Bad Request"),
            (401, "Unauthorized"),
            (403, "Forbidden"),
            (404, "Not Found"),
            (405, "Method Not Allowed"),
            (408, "Request Timeout"),
            (413, "Content Too Large"),
            (414, "URI Too Long"),
            (426, "Upgrade Required"),
            (429, "Too Many Requests"),
            (431, "Request Header Fields Too Large"),
            (500, "Internal Server Error"),
            (503, "Service Unavailable"),
            (505, "HTTP Version Not Supported"),
            (299, ""),
        ] {
            assert_eq!(of(status), Ok(reason.as_bytes()), "{status}");
        }
    }
}
