//! The server's side (RFC 6455 4.2): reads the request with [`Handshake`], and answers with [`Accept`] or
//! [`Refusal`]. A request that an [`Exchange`](crate::http::exchange::Exchange) read is answered by [`accept`] alone.
//!
//! ```
//! use ws_core::{Input, Instant, Output, handshake::{OriginPolicy, server::Handshake}};
//!
//! let mut store = [0; 1024];
//! let mut handshake = Handshake::new(&mut store, &[], Instant::from_millis(0));
//! # let mut read = *b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//! # Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
//! let mut input = Input::new(&mut read); // of each read, until `true`
//! assert!(handshake.receive(&mut input)?);
//! assert_eq!(handshake.request().target().path, "/chat"); // else: Response::new(404, ..)
//!
//! let mut accept = handshake.accept(OriginPolicy::SameOrigin)?;
//! let mut buf = [0; 256];
//! let mut out = Output::new(&mut buf);
//! while !accept.transmit(&mut out) {
//!     out.clear(); // written to the transport
//! }
//! // From here on the input, with what is left in it, belongs to a `Connection::server`.
//! # assert!(out.filled().ends_with(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
//! # Ok::<_, ws_core::handshake::server::Refusal>(())
//! ```

pub use crate::http::Request;

use super::extensions::are_offers;
use super::{Deadline, OriginPolicy, compression, field, key};
use crate::bytes::ascii::{self, text};
use crate::bytes::{Input, Output};
use crate::deflate::negotiate::{Agreement, Declined, Terms};
use crate::error::UsageError;
use crate::http::head::{self, Fields, HeadError, HeadLimits, HeadReader, Wanted};
use crate::http::pieces::Pieces;
use crate::http::response::{REFUSALS, phrase};
use crate::http::target::is_authority;
use crate::http::{Names, Response, Version};
use crate::time::{Duration, Instant};

/// Reads a client's request and checks it.
///
/// # Memory
///
/// About 22 words, and the store; how to size it: see [`HeadReader`].
#[derive(Debug)]
pub struct Handshake<'s> {
    reader: HeadReader<'s>,
    deadline: Deadline,
}

impl<'s> Handshake<'s> {
    const SINGLE: [&'static str; 5] =
        [field::HOST, field::KEY, field::VERSION, field::ORIGIN, field::CONTENT_LENGTH];
    const REPEATED: [&'static str; 5] =
        [field::CONNECTION, field::UPGRADE, field::PROTOCOL, field::EXTENSIONS, field::TRANSFER_ENCODING];

    /// A handshake over a lent store. `further`: names, in lower case, of fields that the application wants to read,
    /// such as `cookie` or `authorization`. `now`: when the transport was accepted; see [`Instant`].
    pub const fn new(store: &'s mut [u8], further: &'s [&'s str], now: Instant) -> Self {
        let wanted = Wanted { single: &Self::SINGLE, repeated: &Self::REPEATED, further };
        let reader = HeadReader::request(store, wanted, HeadLimits::DEFAULT);
        Self { reader, deadline: Deadline::from(now) }
    }

    /// The same, with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: HeadLimits) -> Self {
        self.reader.set_limits(limits);
        self
    }

    /// The same, with another time than [`TIMEOUT`](super::TIMEOUT) for the whole; [`Duration::ZERO`]: no limit.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.deadline.timeout = timeout;
        self
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called at the latest; `None`: no timer runs.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.poll()
    }

    /// Says what time it is. Calls at any time do no harm. Once the deadline has passed, [`receive`](Self::receive) and
    /// [`accept`](Self::accept) refuse with [`Refusal::TimedOut`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.deadline.handle(now);
    }

    /// Reads on. `true`: the request is complete; look at it, then [`accept`](Self::accept) it or answer otherwise. What
    /// is left in `input` comes behind it. `false`: read more.
    ///
    /// # Errors
    ///
    /// The request is none: transmit the refusal's [`response`](Refusal::response) and close.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Result<bool, Refusal> {
        if self.deadline.passed {
            return Err(Refusal::TimedOut);
        }
        let is_complete = self.reader.receive(input)?;
        if is_complete && !self.request().has_valid_host() {
            return Err(Refusal::NoHost);
        }
        Ok(is_complete)
    }

    /// What has been asked for. Before [`receive`](Self::receive) was `true` it has no method and no fields, and `/` as its
    /// path: ask then, not before.
    pub fn request(&self) -> Request<'_> {
        Request::new(&self.reader)
    }

    /// Checks all that RFC 6455 4.2.1 asks of a request, and that `origin` lets it in: [`accept`], within the deadline.
    ///
    /// # Errors
    ///
    /// What is missing: transmit the refusal's [`response`](Refusal::response) and close.
    pub fn accept(&self, origin: OriginPolicy<'_>) -> Result<Accept<'_>, Refusal> {
        if self.deadline.passed {
            return Err(Refusal::TimedOut);
        }
        accept(self.request(), origin)
    }
}

/// Checks all that RFC 6455 4.2.1 asks of a request, whoever read it, and that `origin` lets it in.
///
/// # Errors
///
/// What is missing: transmit the refusal's [`response`](Refusal::response) and close.
pub fn accept<'a>(request: Request<'a>, origin: OriginPolicy<'_>) -> Result<Accept<'a>, Refusal> {
    let head::RequestLine { method, authority, version, .. } = head::request_line(request.line())?;
    let fields = request.fields();
    if version < Version::Http11 {
        return Err(Refusal::Head(HeadError::BadVersion));
    }
    let host = fields.find(field::HOST).filter(|host| is_authority(host)).ok_or(Refusal::NoHost)?;
    if method != b"GET" {
        return Err(Refusal::Method);
    }
    if !fields.has_word(field::UPGRADE, b"websocket") || !fields.has_word(field::CONNECTION, b"upgrade") {
        return Err(Refusal::NoUpgrade);
    }
    if fields.find(field::VERSION) != Some(b"13") {
        return Err(Refusal::WebSocketVersion);
    }
    let key = fields.find(field::KEY).and_then(key::check_key).ok_or(Refusal::Key)?;
    if fields.find(field::TRANSFER_ENCODING).is_some()
        || fields.find(field::CONTENT_LENGTH).is_some_and(|len| len != b"0")
    {
        return Err(Refusal::Body);
    }
    if !are_tokens(fields) || !are_offers(fields) {
        return Err(Refusal::Grammar);
    }
    if !origin.admits(fields.find(field::ORIGIN), authority.unwrap_or(host)) {
        return Err(Refusal::Origin);
    }
    Ok(Accept { accept: key::accept(key), request, subprotocol: None, compression: None, fields: &[], at: 0 })
}

/// All subprotocols are tokens, and there is one if the field stands at all (RFC 6455 4.3).
fn are_tokens(mut fields: Fields<'_>) -> bool {
    let (mut stands, mut has_element) = (false, false);
    while let Some(line) = fields.next_of(field::PROTOCOL.as_bytes()) {
        stands = true;
        for element in ascii::list(line) {
            has_element = true;
            if !ascii::is_token(element) {
                return false;
            }
        }
    }
    has_element || !stands
}

#[cfg(feature = "defmt")]
impl defmt::Format for Handshake<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Handshake({})", self.reader);
    }
}

/// What a request says to a WebSocket server.
impl<'a> Request<'a> {
    /// It asks to change to WebSocket; else it is an ordinary request, perhaps for a page.
    pub fn is_upgrade(&self) -> bool {
        // In HTTP/1.0 the field means nothing (RFC 9110 7.8).
        self.version() >= Version::Http11 && self.fields().has_word(field::UPGRADE, b"websocket")
    }

    /// The subprotocols offered, those preferred first (RFC 6455 11.3.4).
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.fields().all(field::PROTOCOL).flat_map(|line| ascii::list(line.as_bytes())).map(text)
    }

    /// What of the compression that is offered goes with `terms` (RFC 7692 5.1): the first offer that does.
    ///
    /// # Errors
    ///
    /// Why the last offer does not; `None`: there is none.
    pub fn compression(&self, terms: &Terms) -> Result<Agreement, Option<Declined>> {
        compression::choose(self.fields(), terms)
    }

    /// The lines of extension offers; [`offers`](super::extensions::offers) takes them apart.
    pub fn extensions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.fields().all(field::EXTENSIONS)
    }
}

/// The answer that makes the connection a WebSocket: 101 (RFC 6455 4.2.2). Once transmitted, the bytes in both
/// directions belong to a [`Connection::server`](crate::Connection::server).
///
/// # Memory
///
/// 16 words, and the fields that the caller lends.
#[derive(Clone)]
pub struct Accept<'a> {
    accept: [u8; key::ACCEPT_LEN],
    request: Request<'a>,
    subprotocol: Option<&'a str>,
    compression: Option<compression::Answer>,
    fields: &'a [(&'a str, &'a str)],
    at: usize,
}

impl<'a> Accept<'a> {
    /// Agrees on a subprotocol out of [`Request::subprotocols`]. Without it none is spoken, which the client may refuse.
    ///
    /// # Errors
    ///
    /// [`UsageError::NotOffered`].
    pub fn subprotocol(self, name: &str) -> Result<Self, UsageError> {
        let subprotocol = Some(self.offered(name).ok_or(UsageError::NotOffered)?);
        Ok(Self { subprotocol, ..self })
    }

    /// Agrees on a subprotocol if there is one to agree on, and it was offered.
    #[must_use]
    pub fn subprotocol_if_offered(mut self, name: Option<&str>) -> Self {
        self.subprotocol = name.and_then(|name| self.offered(name));
        self
    }

    #[inline(never)]
    fn offered(&self, name: &str) -> Option<&'a str> {
        let mut fields = self.request.fields();
        while let Some(line) = fields.next_of(field::PROTOCOL.as_bytes()) {
            if let Some(offered) = ascii::list(line).find(|offered| *offered == name.as_bytes()) {
                return Some(text(offered));
            }
        }
        None
    }

    /// Agrees on compression, if the client offers some that goes with `terms` (RFC 7692 5.1). What is returned is what was agreed
    /// on, as [`compression`](Self::compression) does later; it has to be given to the connection.
    pub fn compress_if_offered(&mut self, terms: &Terms) -> Option<Agreement> {
        self.compression = self.request.compression(terms).ok().map(compression::Answer::new);
        self.compression()
    }

    /// Adds fields, such as `Set-Cookie`.
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`]: a name that is no token, a value with a line break or another control byte in it, or a
    /// field of the handshake's own.
    pub fn fields(self, fields: &'a [(&'a str, &'a str)]) -> Result<Self, UsageError> {
        if field::are_extra(fields) { Ok(Self { fields, ..self }) } else { Err(UsageError::BadField) }
    }

    /// The subprotocol agreed on.
    pub fn protocol(&self) -> Option<&'a str> {
        self.subprotocol
    }

    /// The compression agreed on.
    pub fn compression(&self) -> Option<Agreement> {
        self.compression.map(|answer| answer.agreement)
    }

    /// Writes as much as fits. `true`: all is in `out`. `false`: write `out` out, clear it and call again.
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        let mut pieces = Pieces::new(&mut self.at, out);
        pieces.put(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        if let Some(name) = self.subprotocol {
            pieces.put_field("Sec-WebSocket-Protocol", name.as_bytes());
        }
        if let Some(answer) = &self.compression {
            answer.put(&mut pieces);
        }
        pieces.put_fields(self.fields).put_field("Sec-WebSocket-Accept", &self.accept).put(b"\r\n");
        pieces.is_done()
    }
}

/// Without the values of the fields, which may be secret.
impl core::fmt::Debug for Accept<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Accept")
            .field("subprotocol", &self.subprotocol)
            .field("compression", &self.compression())
            .field("fields", &Names(self.fields))
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Accept<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Accept({}, {} fields)", self.subprotocol, self.fields.len());
    }
}

/// Why a request is refused. Transmit the [`response`](Self::response), then close: a proxy that took the refusal for
/// an upgrade must find no open connection behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// The head is malformed or too large: 400, 414, 431 or 505.
    Head(HeadError),
    /// HTTP/1.1 without a `Host` field, or one that names no host: 400 (RFC 6455 4.2.1, RFC 9112 3.2).
    NoHost,
    /// The method is not GET: 405.
    Method,
    /// No upgrade to WebSocket is asked for: 426 (RFC 9110 15.5.22).
    NoUpgrade,
    /// A version other than 13: 426, with the version spoken (RFC 6455 4.2.2, 4.4).
    WebSocketVersion,
    /// No key, or one that is not 16 bytes in Base64: 400.
    Key,
    /// The request has a body: 400.
    Body,
    /// A list of subprotocols or extensions is malformed: 400 (RFC 6455 9.1).
    Grammar,
    /// The page is not let in: 403 (RFC 6455 10.2).
    Origin,
    /// The request did not come in time: 408.
    TimedOut,
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl Refusal {
    /// The status of the response.
    pub const fn status(self) -> u16 {
        match self {
            Self::Head(error) => error.status(),
            Self::NoHost | Self::Key | Self::Body | Self::Grammar => 400,
            Self::Origin => 403,
            Self::Method => 405,
            Self::TimedOut => 408,
            Self::NoUpgrade | Self::WebSocketVersion => 426,
        }
    }

    /// What is wrong, in words: the body of the response.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Head(error) => error.reason(),
            Self::NoHost => "no valid Host",
            Self::Method => "not GET",
            Self::NoUpgrade => "WebSocket only",
            Self::WebSocketVersion => "version 13 only",
            Self::Key => "bad Sec-WebSocket-Key",
            Self::Body => "body not allowed",
            Self::Grammar => "bad list",
            Self::Origin => "origin refused",
            Self::TimedOut => "timed out",
        }
    }

    /// The response: the status, the fields that go with it and, but for 405, the reason as text.
    pub const fn response(self) -> Response<'static> {
        let status = self.status();
        let lines = match self {
            Self::Method => "Allow: GET\r\n",
            Self::NoUpgrade | Self::WebSocketVersion => {
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Type: text/plain\r\n"
            }
            _ => "Content-Type: text/plain\r\n",
        };
        // No body where the method may be HEAD, which takes none (RFC 9110 9.3.2); what is wrong with one in another way, too, is told all the
        // same, and the connection closes.
        let text = if matches!(self, Self::Method) { "" } else { self.reason() };
        Response::fixed(status, phrase(REFUSALS, status), lines, text)
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for Refusal {}
