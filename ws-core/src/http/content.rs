//! Content that lies ready, in flash for instance: [`Content`] answers GET and HEAD, says 304 to who has it already, and is
//! sent gzip'd to who takes that (RFC 9110 8.8.3, 12.5.3, 13.1.2).

use super::{Fields, Request, Response, field};
use crate::bytes::ascii::{self, trim};

/// A page, a script, a picture, and how to serve it.
///
/// ```
/// use ws_core::http::Content;
/// # const GZIPPED: &[u8] = b"\x1f\x8b";
/// static PAGE: Content<'static> = Content::gzip("text/html; charset=utf-8", "\"2f5a\"", GZIPPED);
/// // let response = PAGE.response(&request).persistent(request.version());
/// ```
///
/// # Memory
///
/// 24 words, best in a `static`; nothing is copied.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    /// `Content-Encoding`, `Content-Type`, `Cache-Control`, `ETag` and `Vary`: every answer has some that stand side by side.
    fields: [(&'a str, &'a str); 5],
    plain: Option<&'a [u8]>,
    gzip: Option<&'a [u8]>,
}

impl<'a> Content<'a> {
    /// Content that is sent as it is. `etag` tells this state of it from others, in quotes: `"2f5a"`, such as a hash or a
    /// number of the build.
    pub const fn plain(content_type: &'a str, etag: &'a str, body: &'a [u8]) -> Self {
        Self::new(content_type, etag, Some(body), None)
    }

    /// Content that was compressed when the image was built. It goes gzip'd to all: all browsers take that, and a server may
    /// send it to who does not (RFC 9110 12.5.3); curl needs `--compressed`. For those too: [`both`](Self::both).
    pub const fn gzip(content_type: &'a str, etag: &'a str, gzipped: &'a [u8]) -> Self {
        Self::new(content_type, etag, None, Some(gzipped))
    }

    /// Content in both forms. `etag` has to be a weak one, `W/"2f5a"`: the forms are not the same bytes (RFC 9110 8.8.3.3).
    pub const fn both(content_type: &'a str, etag: &'a str, body: &'a [u8], gzipped: &'a [u8]) -> Self {
        Self::new(content_type, etag, Some(body), Some(gzipped))
    }

    const fn new(
        content_type: &'a str,
        etag: &'a str,
        plain: Option<&'a [u8]>,
        gzip: Option<&'a [u8]>,
    ) -> Self {
        let fields = [
            ("Content-Encoding", "gzip"),
            ("Content-Type", content_type),
            ("Cache-Control", "no-cache"),
            ("ETag", etag),
            ("Vary", "Accept-Encoding"),
        ];
        Self { fields, plain, gzip }
    }

    /// The same, with another `Cache-Control` than `no-cache`, by which a browser asks each time whether it is new.
    #[must_use]
    pub const fn cached(mut self, cache_control: &'a str) -> Self {
        let [encoding, content_type, (name, _), etag, vary] = self.fields;
        self.fields = [encoding, content_type, (name, cache_control), etag, vary];
        self
    }

    /// The answer to `request`: 200, or 304 if the client has it already; 405 if the method is neither GET nor HEAD. 500, if
    /// a text given with the content may not stand in a head, or `etag` is none.
    pub fn response(&self, request: &Request<'_>) -> Response<'_> {
        let is_head = request.method() == "HEAD";
        let [_, _, _, (_, etag), _] = self.fields;
        let response = if !is_head && request.method() != "GET" {
            Response::new(405, &[("Allow", "GET, HEAD")], b"")
        } else if !is_etag(etag) || (self.plain.is_some() && self.gzip.is_some() && !is_weak(etag)) {
            return Response::internal_server_error();
        } else {
            // There is a choice only if there are both.
            let end = if self.plain.is_some() && self.gzip.is_some() { 5 } else { 4 };
            let (begin, body) = match (self.plain, self.gzip) {
                (Some(plain), None) => (1, plain),
                (Some(plain), Some(_)) if !takes_gzip(request.fields()) => (1, plain),
                (_, gzip) => (0, gzip.unwrap_or_default()),
            };
            if has_state(request.fields(), etag.as_bytes()) {
                Response::new(304, self.fields.get(2..end).unwrap_or_default(), b"")
            } else {
                Response::new(200, self.fields.get(begin..end).unwrap_or_default(), body)
            }
        };
        let response = response.unwrap_or(Response::internal_server_error());
        if is_head { response.for_head() } else { response }
    }
}

/// Without the bytes of the body.
impl core::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Content").field("fields", &self.fields).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Content<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Content({})", self.fields);
    }
}

/// An entity tag: quoted, with or without the mark of a weak one (RFC 9110 8.8.3).
fn is_etag(text: &str) -> bool {
    let etag = text.as_bytes();
    matches!(next_etag(&mut { etag }), Some(found) if found == strong(etag)) && !etag.ends_with(b" ")
}

fn is_weak(etag: &str) -> bool {
    etag.starts_with("W/")
}

/// The tag without the mark of a weak one: so they are compared (RFC 9110 8.8.3.2).
fn strong(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

/// The client has the content in the state `etag`, or in any (RFC 9110 13.1.2).
fn has_state(mut fields: Fields<'_>, etag: &[u8]) -> bool {
    while let Some(mut line) = fields.next_of(field::IF_NONE_MATCH.as_bytes()) {
        if trim(line) == b"*" {
            return true;
        }
        while let Some(known) = next_etag(&mut line) {
            if known == strong(etag) {
                return true;
            }
        }
    }
    false
}

/// The next tag of a list, without the mark of a weak one. There may be commas inside it. `None`: there is none, or the list
/// is not well-formed.
fn next_etag<'a>(list: &mut &'a [u8]) -> Option<&'a [u8]> {
    while let [b',' | b' ' | b'\t', rest @ ..] = list {
        *list = rest;
    }
    let etag = strong(list);
    let text = etag.strip_prefix(b"\"")?;
    let end = text.iter().position(|b| *b == b'"' || *b == b' ' || ascii::is_control(*b) || *b == b'\t')?;
    let (found, rest) = etag.split_at_checked(end.saturating_add(2))?;
    *list = match trim(rest) {
        [] => &[],
        rest @ [b',', ..] => rest,
        _ => return None,
    };
    found.ends_with(b"\"").then_some(found)
}

/// The client says that it takes gzip (RFC 9110 12.5.3): by its name, or else by the star.
fn takes_gzip(mut fields: Fields<'_>) -> bool {
    let (mut gzip, mut any) = (None, None);
    while let Some(line) = fields.next_of(field::ACCEPT_ENCODING.as_bytes()) {
        for element in ascii::list(line) {
            let (coding, weight) = ascii::split_once(element, b';').unwrap_or((element, b"q=1"));
            let coding = trim(coding);
            if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
                gzip = Some(is_wanted(weight));
            } else if coding == b"*" {
                any = Some(is_wanted(weight));
            }
        }
    }
    gzip.or(any).unwrap_or(false)
}

/// The weight is one, and above 0 (RFC 9110 12.4.2).
fn is_wanted(weight: &[u8]) -> bool {
    let [b'q' | b'Q', b'=', value @ ..] = trim(weight) else { return false };
    match value {
        [b'1'] => true,
        [b'1', b'.', rest @ ..] => rest.iter().all(|b| *b == b'0'),
        [b'0', b'.', rest @ ..] => {
            rest.iter().all(u8::is_ascii_digit) && rest.iter().any(|digit| *digit != b'0')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_of_nothing_refuses() {
        for (weight, wanted) in [
            ("q=1", true),
            (" Q=1.000", true),
            ("q=0.001", true),
            ("q=0.5 ", true),
            ("q=0", false),
            ("q=0.", false),
            ("q=0.000", false),
            ("q=", false),
            ("q=2", false),
            ("q=-1", false),
            ("q=1.5", false),
            ("q=0.x", false),
            ("level=1", false),
            ("", false),
        ] {
            assert_eq!(is_wanted(weight.as_bytes()), wanted, "{weight:?}");
        }
    }

    #[test]
    fn tags_are_quoted() {
        for good in ["\"\"", "\"a\"", "W/\"a\"", "\"a,b\"", "\"é!\""] {
            assert!(is_etag(good), "{good}");
        }
        for bad in ["", "a", "\"", "\"a", "a\"", "w/\"a\"", "\"a\"b\"", "\"a\", \"b\"", "\"a b\"", "\"a\" "] {
            assert!(!is_etag(bad), "{bad:?}");
        }
    }
}
