//! What pages of other servers may read: [`Cors`], the fields by which a browser is told (WHATWG Fetch 3.2).
//!
//! They do not keep anybody out. A simple request, which is a GET, or a POST of a form or of plain text, is sent before a
//! browser looks at any of them: what changes something has to [be refused](Cors::admits). Nor do they say anything of
//! WebSockets, for which the [`OriginPolicy`] alone counts.

use super::{OriginPolicy, Request, Response, field};

/// Which pages of other servers may read the answers, and what they may ask.
///
/// # Memory
///
/// About 10 words, best in a `static`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cors<'a> {
    /// The pages. [`Any`](OriginPolicy::Any) is told as `*`, with which no browser sends or shows anything that depends on
    /// who the user is.
    pub origins: OriginPolicy<'a>,
    /// Cookies and other credentials go along. Not with [`Any`](OriginPolicy::Any).
    pub credentials: bool,
    /// The methods that pages may use, such as `GET, POST`.
    pub methods: &'a str,
    /// The fields that pages may set besides the ones that all may, such as `Content-Type, Last-Event-ID`; empty: none.
    pub headers: &'a str,
    /// How long the browser may remember that, in seconds: `600`.
    pub max_age: &'a str,
}

impl<'a> Cors<'a> {
    /// GET and POST with the usual fields, without credentials, for ten minutes.
    pub const fn new(origins: OriginPolicy<'a>) -> Self {
        Self {
            origins,
            credentials: false,
            methods: "GET, POST",
            headers: "Content-Type, Last-Event-ID",
            max_age: "600",
        }
    }

    /// The request comes from a page that is let in, or from no page. Answer others with 403, before anything is done.
    pub fn admits(&self, request: &Request<'_>) -> bool {
        // One that is no text is there all the same.
        let origin = request.fields().find(field::ORIGIN);
        self.origins.admits(origin, request.host().unwrap_or_default().as_bytes())
    }

    /// The fields for the answer to `request`, errors included: without them the page does not even see the status. Give them
    /// to [`Response::with_fields`] or [`Stream::with_fields`](super::Stream::with_fields).
    pub fn fields(&self, request: &Request<'a>) -> CorsFields<'a> {
        let page = self.page(request);
        self.told(page, "Origin")
    }

    /// The answer to the question whether a page may ask what it is about to ask (WHATWG Fetch 3.2.2): 204, or 403 for pages
    /// that are not let in. `None`: `request` is no such question.
    pub fn preflight(&self, request: &Request<'a>) -> Option<CorsFields<'a>> {
        if !is_preflight(request) {
            return None;
        }
        let page = self.page(request);
        let mut fields =
            self.told(page, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
        if page == Page::Other {
            fields.status = 403;
            fields.put("Content-Type", "text/plain");
        } else {
            fields.put("Access-Control-Allow-Methods", self.methods);
            if !self.headers.is_empty() {
                fields.put("Access-Control-Allow-Headers", self.headers);
            }
            fields.put("Access-Control-Max-Age", self.max_age);
        }
        Some(fields)
    }

    /// Who asks. It is found out before there are fields to lie on the stack below it.
    fn page(&self, request: &Request<'a>) -> Page<'a> {
        if self.origins == OriginPolicy::Any {
            return Page::Any;
        }
        request.origin().filter(|_| self.admits(request)).map_or(Page::Other, Page::Admitted)
    }

    /// What `page` is told. Not inlined, so that the fields lie on the stack once, behind what looks at the request.
    #[inline(never)]
    fn told(&self, page: Page<'a>, vary: &'a str) -> CorsFields<'a> {
        let mut fields = CorsFields { fields: [("", ""); 6], len: 0, status: 204 };
        if page != Page::Any {
            // Caches have to know that the answer depends on the page, also where it is none.
            fields.put("Vary", vary);
        }
        match page {
            Page::Any => fields.put("Access-Control-Allow-Origin", "*"),
            Page::Other => {}
            Page::Admitted(origin) => {
                fields.put("Access-Control-Allow-Origin", origin);
                if self.credentials {
                    fields.put("Access-Control-Allow-Credentials", "true");
                }
            }
        }
        fields
    }
}

/// Who asks, as far as it is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page<'a> {
    /// Whoever it is.
    Any,
    /// Of this origin.
    Admitted(&'a str),
    /// No page, or none that is let in.
    Other,
}

/// A page asks whether it may ask.
pub(crate) fn is_preflight(request: &Request<'_>) -> bool {
    request.method() == "OPTIONS"
        && request.fields().find(field::ORIGIN).is_some()
        && request.fields().find(field::ACCESS_CONTROL_REQUEST_METHOD).is_some()
}

/// The fields that [`Cors`] adds to a response, or answers with.
///
/// # Memory
///
/// 26 words, on the stack for as long as the response is.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CorsFields<'a> {
    fields: [(&'a str, &'a str); 6],
    len: usize,
    status: u16,
}

impl<'a> CorsFields<'a> {
    /// The fields.
    pub fn as_slice(&self) -> &[(&'a str, &'a str)] {
        self.fields.get(..self.len).unwrap_or_default()
    }

    /// Those of [`Cors::fields`], with one field more; for more than one there is no room, and none beside those of a preflight.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.put(name, value);
        self
    }

    /// The answer to a [preflight](Cors::preflight).
    pub fn response(&self) -> Response<'_> {
        let body: &[u8] = if self.status == 403 { b"origin refused\n" } else { b"" };
        Response::new(self.status, self.as_slice(), body).unwrap_or(Response::internal_server_error())
    }

    fn put(&mut self, name: &'a str, value: &'a str) {
        if let Some(place) = self.fields.get_mut(self.len) {
            *place = (name, value);
            self.len = self.len.saturating_add(1);
        }
    }
}
