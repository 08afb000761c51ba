//! The client's side (RFC 6455 4.1): writes the request and checks the response with [`Handshake`].

use super::{Deadline, compression, field, key};
use crate::bytes::{Input, Output, ascii};
use crate::deflate::negotiate::{Agreement, Declined, Terms};
use crate::entropy::Entropy;
use crate::error::UsageError;
use crate::http::Names;
use crate::http::Version;
use crate::http::head::{self, Fields, HeadError, HeadLimits, HeadReader, Wanted};
use crate::http::pieces::Pieces;
use crate::http::target::{is_authority, measure};
use crate::time::{Duration, Instant};

/// What to ask for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Host and, unless it is the scheme's default, port: `example.com:8080`, `[::1]`.
    pub host: &'a str,
    /// Path and query, percent-encoded: `/chat?room=1`.
    pub target: &'a str,
    /// The page that asks; a browser has to say (RFC 6455 4.1), another client may.
    pub origin: Option<&'a str>,
    /// Subprotocols that are spoken, those preferred first.
    pub subprotocols: &'a [&'a str],
    /// Further fields, such as `Authorization`.
    pub fields: &'a [(&'a str, &'a str)],
}

impl<'a> Request<'a> {
    /// A request for `target` on `host`, and nothing else.
    pub const fn new(host: &'a str, target: &'a str) -> Self {
        Self { host, target, origin: None, subprotocols: &[], fields: &[] }
    }

    /// Nothing in it can break the request.
    fn check(&self) -> Result<(), UsageError> {
        let host = is_authority(self.host.as_bytes());
        let target = measure(self.target.as_bytes()) == Ok((0, 0));
        let origin = self.origin.is_none_or(|o| !o.is_empty() && o.bytes().all(|b| b.is_ascii_graphic()));
        let mut others = self.subprotocols;
        let mut protocols = true;
        while let [name, rest @ ..] = others {
            protocols &= ascii::is_token(name.as_bytes()) && !rest.contains(name);
            others = rest;
        }
        if host && target && origin && protocols && field::are_extra(self.fields) {
            Ok(())
        } else {
            Err(UsageError::BadField)
        }
    }
}

/// Writes a request, reads the response and checks it.
///
/// # Memory
///
/// About 40 words, and the store for the response's head; how to size it: see [`HeadReader`].
pub struct Handshake<'s> {
    request: Request<'s>,
    compression: Option<compression::Offer>,
    key: [u8; key::KEY_LEN],
    at: usize,
    reader: HeadReader<'s>,
    outcome: Option<Result<(), Error>>,
    deadline: Deadline,
}

impl<'s> Handshake<'s> {
    const SINGLE: [&'static str; 3] = [field::ACCEPT, field::PROTOCOL, field::CONTENT_LENGTH];
    const REPEATED: [&'static str; 8] = [
        field::CONNECTION,
        field::UPGRADE,
        field::EXTENSIONS,
        field::TRANSFER_ENCODING,
        "content-type",
        "location",
        "retry-after",
        "www-authenticate",
    ];

    /// A handshake over a lent store. `entropy` makes the key; `further`: names, in lower case, of fields of the
    /// response that the application wants to read; `now`: when the transport was opened, see [`Instant`].
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`]: something in `request` may not go on the wire.
    pub fn new(
        request: Request<'s>,
        entropy: &mut impl Entropy,
        store: &'s mut [u8],
        further: &'s [&'s str],
        now: Instant,
    ) -> Result<Self, UsageError> {
        request.check()?;
        let wanted = Wanted { single: &Self::SINGLE, repeated: &Self::REPEATED, further };
        let reader = HeadReader::response(store, wanted, HeadLimits::DEFAULT);
        let key = key::new_key(entropy);
        let deadline = Deadline::from(now);
        Ok(Self { request, compression: None, key, at: 0, reader, outcome: None, deadline })
    }

    /// The same, and offers compression (RFC 7692 5.1). What the server agrees on, [`compression`](Self::compression), has to
    /// be given to the connection.
    #[must_use]
    pub const fn with_compression(mut self, terms: Terms) -> Self {
        self.compression = Some(compression::Offer::new(terms));
        self
    }

    /// The same, with other limits on the response's head.
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
        if self.outcome.is_some() { None } else { self.deadline.poll() }
    }

    /// Says what time it is. Calls at any time do no harm. Once the deadline has passed, [`receive`](Self::receive) fails
    /// with [`Error::TimedOut`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.deadline.handle(now);
    }

    /// Writes as much of the request as fits. `true`: all is in `out`. `false`: write `out` out, clear it and call
    /// again.
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        let request = &self.request;
        let mut pieces = Pieces::new(&mut self.at, out);
        pieces.put(b"GET ").put(request.target.as_bytes()).put(b" HTTP/1.1\r\n");
        pieces.put_field("Host", request.host.as_bytes());
        pieces.put(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
        pieces.put_field("Sec-WebSocket-Key", &self.key);
        if let Some(origin) = request.origin {
            pieces.put_field("Origin", origin.as_bytes());
        }
        if let [first, others @ ..] = request.subprotocols {
            pieces.put(b"Sec-WebSocket-Protocol: ").put(first.as_bytes());
            for name in others {
                pieces.put(b", ").put(name.as_bytes());
            }
            pieces.put(b"\r\n");
        }
        if let Some(offer) = &self.compression {
            offer.put(&mut pieces);
        }
        pieces.put_fields(request.fields).put(b"\r\n");
        pieces.is_done()
    }

    /// Reads on. `true`: the connection is open; what is left in `input` is the beginning of its frames, for a
    /// [`Connection::client`](crate::Connection::client). `false`: read more.
    ///
    /// # Errors
    ///
    /// Why it is not open: close the transport. Behind [`Error::Refused`], what is left in `input` is the beginning of
    /// the response's body; of a head too long to be kept, the status alone is known. Redirects are reported, not followed.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Result<bool, Error> {
        if let Some(outcome) = self.outcome {
            return outcome.map(|()| true);
        }
        if self.deadline.passed {
            return Err(Error::TimedOut);
        }
        let outcome = loop {
            match self.reader.receive(input) {
                Ok(false) => return Ok(false),
                Err(error) => break Err(self.refused(error).unwrap_or(error.into())),
                // Interim responses may come first (RFC 9110 15.2); they count towards the limits.
                Ok(true) if matches!(self.response().status(), 100 | 102..=199) => self.reader.restart(),
                Ok(true) => break self.check(),
            }
        };
        self.outcome = Some(outcome);
        outcome.map(|()| true)
    }

    /// The server's response. Empty before its head was read.
    pub fn response(&self) -> Response<'_> {
        let line = match self.outcome {
            Some(Err(Error::Refused { .. })) => self.reader.kept_line(),
            _ => self.reader.line(),
        };
        Response { line, fields: self.reader.fields() }
    }

    /// The subprotocol that the server agreed on; `None` before [`receive`](Self::receive) was `true`, and if there is
    /// none.
    pub fn protocol(&self) -> Option<&str> {
        self.reader.fields().first(field::PROTOCOL).filter(|_| matches!(self.outcome, Some(Ok(()))))
    }

    /// The compression agreed on, which has to be given to the connection; `None` before [`receive`](Self::receive) was
    /// `true`, and if there is none.
    pub fn compression(&self) -> Option<Agreement> {
        self.compression.as_ref()?.agreement.filter(|_| matches!(self.outcome, Some(Ok(()))))
    }

    /// The status of a refusal whose head is too long to be kept.
    fn refused(&self, error: HeadError) -> Option<Error> {
        let (_, status, _) = head::status_line(self.reader.kept_line()).ok()?;
        let is_long = matches!(error, HeadError::LongHead | HeadError::ManyFields);
        (is_long && status >= 200).then_some(Error::Refused { status })
    }

    /// RFC 6455 4.1, what the client must do with the response.
    fn check(&mut self) -> Result<(), Error> {
        let (version, status, _) = head::status_line(self.reader.line())?;
        if status != 101 {
            return Err(Error::Refused { status });
        }
        let fields = self.reader.fields();
        // The response, unlike the request, may name nothing beside it.
        let mut upgrades = fields;
        let upgrade = upgrades.next_of(field::UPGRADE.as_bytes()).unwrap_or(&[]);
        if version < Version::Http11
            || !upgrade.eq_ignore_ascii_case(b"websocket")
            || upgrades.next_of(field::UPGRADE.as_bytes()).is_some()
        {
            return Err(Error::Upgrade);
        }
        if !fields.has_word(field::CONNECTION, b"upgrade") {
            return Err(Error::Connection);
        }
        if fields.find(field::ACCEPT) != Some(&key::accept(&self.key)) {
            return Err(Error::Accept);
        }
        match &mut self.compression {
            Some(offer) => offer.confirm(fields)?,
            None if fields.find(field::EXTENSIONS).is_some() => return Err(Error::Extension),
            None => {}
        }
        if fields
            .find(field::PROTOCOL)
            .is_some_and(|agreed| !self.request.subprotocols.iter().any(|name| name.as_bytes() == agreed))
        {
            return Err(Error::Subprotocol);
        }
        if fields.find(field::TRANSFER_ENCODING).is_some()
            || fields.find(field::CONTENT_LENGTH).is_some_and(|len| len != b"0")
        {
            return Err(Error::Body);
        }
        Ok(())
    }
}

/// Without the values of the fields, which may be secret.
impl core::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Request")
            .field("host", &self.host)
            .field("target", &self.target)
            .field("origin", &self.origin)
            .field("subprotocols", &self.subprotocols)
            .field("fields", &Names(self.fields))
            .finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Request<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Request({}, {}, {} fields)", self.host, self.target, self.fields.len());
    }
}

/// Without the key.
impl core::fmt::Debug for Handshake<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Handshake")
            .field("request", &self.request)
            .field("reader", &self.reader)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Handshake<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Handshake({})", self.reader);
    }
}

/// What a server answers.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Response<'a> {
    line: &'a [u8],
    fields: Fields<'a>,
}

impl<'a> Response<'a> {
    /// The status; 0 before it was read.
    pub fn status(&self) -> u16 {
        head::status_line(self.line).map_or(0, |(_, status, _)| status)
    }

    /// The phrase behind the status; it may be empty, and means nothing to programs.
    pub fn reason(&self) -> &'a str {
        head::status_line(self.line).map_or("", |(_, _, reason)| ascii::text(reason))
    }

    /// The fields kept: those of the handshake, `Content-Type`, `Content-Length`, `Location`, `Retry-After`,
    /// `WWW-Authenticate`, and those that the application wants.
    pub fn fields(&self) -> Fields<'a> {
        self.fields
    }

    /// The first field of that name (in lower case).
    pub fn field(&self, name: &str) -> Option<&'a str> {
        self.fields.first(name)
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The response is malformed or too large.
    Head(HeadError),
    /// The server answered with another status than 101.
    Refused {
        /// The status.
        status: u16,
    },
    /// 101 in HTTP/1.0, or without `Upgrade: websocket`.
    Upgrade,
    /// 101 without `Connection: Upgrade`.
    Connection,
    /// 101 with no accept value, or that of another key: this is no WebSocket server, or a cache answered.
    Accept,
    /// 101 with an extension that was not offered, or with several.
    Extension,
    /// 101 with compression that is not what was offered.
    Compression(Declined),
    /// 101 with a subprotocol that was not offered.
    Subprotocol,
    /// 101 with a body.
    Body,
    /// The response did not come in time.
    TimedOut,
}

impl From<HeadError> for Error {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Head(error) => return error.fmt(f),
            Self::Refused { status } => return write!(f, "the server refused, with status {status}"),
            Self::Upgrade => "the server's 101 does not upgrade to WebSocket over HTTP/1.1",
            Self::Connection => "the server's 101 lacks Connection: Upgrade",
            Self::Accept => {
                "the server's accept value does not match the key: it did not read this handshake"
            }
            Self::Extension => "the server chose an extension that was not offered",
            Self::Compression(Declined::Window) => "the server does not keep to the window asked for",
            Self::Compression(Declined::Takeover) => {
                "the server keeps its context between messages, which it was asked not to"
            }
            Self::Compression(_) => "the server chose compression that was not offered",
            Self::Subprotocol => "the server chose a subprotocol that was not offered",
            Self::Body => "the server's 101 has a body",
            Self::TimedOut => "the server did not answer in time",
        })
    }
}

impl core::error::Error for Error {}
