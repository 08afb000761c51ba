//! From the head of a request to the technique it asks for: [`Endpoint`], what a path of a server allows, and [`Asked`],
//! what it is to do. Nothing is done here; that is what a [`Visit`](super::Visit) is for.

use super::{
    AnyFormat, Callback, Cursor, HtmlStream, LongPoll, Multipart, PollBody, Seq, Sid, Sse, XhrStream,
};
use crate::bytes::percent::parameter;
use crate::http::target::split_scheme;
use crate::http::{Cors, OriginPolicy, Request, field, is_preflight};
use crate::time::Duration;

/// A path at which events are pushed: who may listen, and how.
///
/// ```
/// use ws_core::http::OriginPolicy;
/// use ws_core::transport::Endpoint;
/// const EVENTS: Endpoint<'static> = Endpoint { message: 1024, ..Endpoint::new(OriginPolicy::SameOrigin) };
/// ```
///
/// # Memory
///
/// 14 words, best in a `static`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Endpoint<'a> {
    /// Which pages may listen and send. Others are refused with 403, whatever the technique.
    pub cors: Cors<'a>,
    /// Scripts may ask (JSONP). Off unless it is needed: [the file of it](Callback) says why. The request has to have a `Referer` of
    /// the same host.
    pub jsonp: bool,
    /// A stream says something after so long a silence. [`Duration::ZERO`]: never; then a client that is gone may be noticed only by the
    /// next event.
    pub ping: Duration,
    /// Bytes that a message of a client may have: 413 above.
    pub message: u32,
    /// Bytes of events in one answer to a poll; one event goes in any case.
    pub poll: usize,
    /// Bytes of nothing in front of a stream, for proxies that hold back the first ones.
    pub padding: u16,
}

impl<'a> Endpoint<'a> {
    /// For such pages: without JSONP, a sign of life each 15 seconds, messages of 4 KiB, answers of 16 KiB.
    pub const fn new(origins: OriginPolicy<'a>) -> Self {
        Self {
            cors: Cors::new(origins),
            jsonp: false,
            ping: Duration::from_secs(15),
            message: 4096,
            poll: PollBody::LIMIT,
            padding: 0,
        }
    }

    /// What `request` asks for. Whether the host is known, and the path is this one, was seen before.
    pub fn asked(&self, request: &Request<'_>) -> Asked {
        match self.parse(request) {
            Ok(asked) => asked,
            Err(rejection) => Asked::Reject(rejection),
        }
    }

    /// It comes from a page that is not let in, though without an `Origin`: as pictures, frames and scripts are asked for. Let in, any
    /// page of the world could take places.
    fn is_strangers(&self, request: &Request<'_>) -> bool {
        if self.cors.origins == OriginPolicy::Any || request.fields().find(field::ORIGIN).is_some() {
            return false; // that was looked at
        }
        match (page_of(request), request.field("sec-fetch-site")) {
            (Some(page), _) => !self.cors.origins.allows(Some(page), request.host().unwrap_or_default()),
            (None, site) => matches!(site, Some("cross-site" | "same-site")),
        }
    }

    fn parse(&self, request: &Request<'_>) -> Result<Asked, Rejection> {
        let query = request.target().query.unwrap_or_default();
        let value = |name| parameter(query, name);
        if is_preflight(request) {
            return Ok(Asked::Preflight);
        }
        if !self.cors.admits(request) || self.is_strangers(request) {
            return Err(Rejection::Origin);
        }
        let n = || value("n").map(|n| Seq::parse(n).ok_or(Rejection::BadQuery));
        let send = |callback| {
            let sid = value("s").and_then(Sid::parse).ok_or(Rejection::NoSession)?;
            let n = n().unwrap_or(Err(Rejection::BadQuery))?;
            let is_last = value("close") == Some("1");
            Ok(Asked::Send(Sending { sid, n, is_last, callback }))
        };
        // HEAD is to change nothing (RFC 9110 9.2.1): it takes no session, sends nothing and does not wait.
        let is_get = match request.method() {
            "GET" => true,
            "HEAD" => false,
            "POST" => return send(None),
            _ => return Err(Rejection::Method),
        };
        let wish = if is_get { wish(value("s")) } else { SessionWish::None };
        let listening = Listening { since: since(request, query), wish };
        if is_get && request.is_upgrade() {
            let n = n().unwrap_or(Ok(Seq::new(1)))?;
            return Ok(Asked::WebSocket { listening, n });
        }
        let callback = || value("callback").map(|name| Callback::parse(name).ok_or(Rejection::BadCallback));
        let padding = self.padding;
        let format = match value("as") {
            Some("sse") => AnyFormat::Sse(Sse { padding, ..Sse::JSON }),
            Some("events") => AnyFormat::Sse(Sse { padding, ..Sse::PLAIN }),
            Some("xhr") => AnyFormat::Xhr(XhrStream { padding }),
            Some("multipart") => AnyFormat::Multipart(Multipart),
            Some("html") => {
                let callback = value("callback").and_then(Callback::parse).filter(Callback::is_plain);
                let callback = callback.ok_or(Rejection::BadCallback)?;
                AnyFormat::Html(HtmlStream { callback, padding })
            }
            Some(_) => return Err(Rejection::BadQuery),
            None => {
                let callback = callback().transpose()?;
                if callback.is_some() && !(self.jsonp && comes_from_own_page(request)) {
                    return Err(Rejection::Jsonp);
                }
                if is_get && callback.is_some() && value("d").is_some() {
                    return send(callback);
                }
                let wait = match value("wait") {
                    Some(text) => LongPoll::parse_wait(text).ok_or(Rejection::BadQuery)?,
                    None => Duration::ZERO,
                };
                let wait = if is_get { wait } else { Duration::ZERO };
                return Ok(Asked::Poll { listening, wait, callback });
            }
        };
        Ok(Asked::Stream { listening, format })
    }
}

/// What a request asks of an [`Endpoint`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Asked {
    /// Nothing that can be had: the answer says so.
    Reject(Rejection),
    /// Whether a page may ask at all.
    Preflight,
    /// A WebSocket. Its handshake is [`accept`](crate::handshake::server::accept)'s, with [`PROTOCOL`](super::websocket::PROTOCOL);
    /// then begin a [`Listener`](super::Listener).
    WebSocket {
        /// From where, and as whom.
        listening: Listening,
        /// The number of the first message that the client sends.
        n: Seq,
    },
    /// A response that does not end.
    Stream {
        /// From where, and as whom.
        listening: Listening,
        /// In which form.
        format: AnyFormat,
    },
    /// What has come since.
    Poll {
        /// From where, and as whom.
        listening: Listening,
        /// How long to wait for something.
        wait: Duration,
        /// JSONP: the function to call with it.
        callback: Option<Callback>,
    },
    /// To take messages: of a body, or of the query.
    Send(Sending),
}

impl Asked {
    /// The answer holds its socket for long: ask the [`Budget`](super::Budget) first.
    pub const fn is_long(&self) -> bool {
        match self {
            Self::WebSocket { .. } | Self::Stream { .. } => true,
            Self::Poll { wait, .. } => wait.millis() > 0,
            Self::Reject(_) | Self::Preflight | Self::Send(_) => false,
        }
    }
}

/// From where on, and as whom, a client wants to listen.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Listening {
    /// What the client has come to. `None`: it wants what comes from now on.
    pub since: Option<Cursor>,
    /// As whom.
    pub wish: SessionWish,
}

/// As whom a client wants to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SessionWish {
    /// As anybody: it is told what all are told.
    None,
    /// As a client with a name, which it has not got yet.
    New,
    /// As this one; as a new one if that has ended.
    Known(Sid),
}

/// Messages that a client sends beside the technique it listens by.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sending {
    /// Its session.
    pub sid: Sid,
    /// The number of the first.
    pub n: Seq,
    /// The session ends behind them.
    pub is_last: bool,
    /// JSONP: they are in `d=`, and the answer calls this.
    pub callback: Option<Callback>,
}

/// Why an endpoint does not do what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Rejection {
    /// Of this server's pages none asked: 403.
    Origin,
    /// JSONP is off, or the page is not one of this host: 403.
    Jsonp,
    /// A parameter that means nothing: 400.
    BadQuery,
    /// No name of a function, or with [`HtmlStream`] one that has a dot: 400.
    BadCallback,
    /// No such session: 404. The client listens anew, and gets another.
    NoSession,
    /// Neither GET, HEAD, POST nor OPTIONS: 405.
    Method,
    /// All sockets that may be held, or all sessions, are taken: 503. The client comes back a little later.
    Full,
}

impl Rejection {
    /// Seconds after which whoever found no place ([`Full`](Self::Full)) may come back, for the field `Retry-After` (RFC 9110 10.2.3).
    pub const RETRY_AFTER: &'static str = "2";

    /// The status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadQuery | Self::BadCallback => 400,
            Self::Origin | Self::Jsonp => 403,
            Self::NoSession => 404,
            Self::Method => 405,
            Self::Full => 503,
        }
    }

    /// What is wrong, in words of our own: nothing of the request.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Origin => "origin refused\n",
            Self::Jsonp => "scripts may not ask here\n",
            Self::BadQuery => "bad parameter\n",
            Self::BadCallback => "bad name of a function\n",
            Self::NoSession => "no such session\n",
            Self::Method => "method not allowed\n",
            Self::Full => "all places are taken\n",
        }
    }
}

impl core::fmt::Display for Rejection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason().trim_ascii_end())
    }
}

impl core::error::Error for Rejection {}

/// What the client has come to: by the browser, which knows better, or by the page. Anything else means nothing, as it may be left from
/// another server.
fn since(request: &Request<'_>, query: &str) -> Option<Cursor> {
    let last = request.field("last-event-id").and_then(Cursor::parse);
    last.or_else(|| parameter(query, "since").and_then(Cursor::parse))
}

fn wish(sid: Option<&str>) -> SessionWish {
    match sid {
        None => SessionWish::None,
        Some(sid) => Sid::parse(sid).map_or(SessionWish::New, SessionWish::Known),
    }
}

/// The page that holds the script is of the same host: all that tells it from a page of somebody else, as browsers send no `Origin`
/// with scripts.
fn comes_from_own_page(request: &Request<'_>) -> bool {
    let page = page_of(request);
    page.is_some() && OriginPolicy::SameOrigin.allows(page, request.host().unwrap_or_default())
}

/// The origin of the page that `Referer` names. If that is none, it is nobody's.
fn page_of<'a>(request: &Request<'a>) -> Option<&'a str> {
    let page = request.field("referer")?;
    let Some((_, rest)) = split_scheme(page.as_bytes()) else { return Some("") };
    let authority = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
    page.get(..page.len().saturating_sub(rest.len()).saturating_add(authority))
}
