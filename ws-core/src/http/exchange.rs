//! The server's side of a connection that speaks HTTP/1: [`Exchange`]. One request after the other is read and answered, in
//! order, each within its limits and deadlines (RFC 9112 9.3). What the answer is, and how it is written, is not decided here.
//!
//! ```
//! use ws_core::http::exchange::{Exchange, Settings};
//! use ws_core::{Input, Instant, Output, http::Response};
//!
//! # const BYTES: &[u8] = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.0\r\n\r\n";
//! # let (mut rx, mut tx, mut answers) = (BYTES.to_vec(), [0; 256], 0);
//! let mut store = [0; 1024];
//! let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, Instant::from_millis(0));
//! let mut out = Output::new(&mut tx);
//! let mut input = Input::new(&mut rx); // of each read: what is not consumed stays in it
//! while exchange.receive(&mut input)? { // else: read more, or receive_eof
//!     let is_known = exchange.request().target().path == "/a";
//!     while let Some(_piece) = exchange.receive_body(&mut input)? {} // until `is_body_done`
//!     let response = if is_known { Response::new(204, &[], b"") } else { Response::new(404, &[], b"") };
//!     let mut response = exchange.respond(response?);
//!     while !response.transmit(&mut out) {
//!         out.clear(); // written to the transport
//!     }
//! #   answers += 1;
//!     let closes = response.closes();
//!     if !exchange.next(closes, Instant::from_millis(5)) {
//!         break; // close
//!     }
//! }
//! # assert!(answers == 2 && input.is_empty());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use super::body::{BodyError, BodyReader, Framing};
use super::head::{HeadError, HeadLimits, HeadReader, Wanted};
use super::pieces::Pieces;
use super::response::phrase_of;
use super::{Request, Response, Stream, Version, field};
use crate::bytes::{Input, Output, ascii};
use crate::error::UsageError;
use crate::time::{Duration, Instant};

/// Limits and deadlines of an [`Exchange`]. [`Duration::ZERO`] is no deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// How large a head may be: 414 or 431 above.
    pub head: HeadLimits,
    /// Bytes that a body may have, whatever is asked for: 413 above. Routes may [allow less](Exchange::limit_body).
    pub body: u64,
    /// Requests on one connection. The last answer says that it closes.
    pub requests: u16,
    /// From the beginning to the first byte. Browsers open connections ahead of need; they are closed without a word.
    pub first_timeout: Duration,
    /// From the first byte of a head to its last: 408 behind it.
    pub head_timeout: Duration,
    /// From the head to the end of the body: 408 behind it.
    pub body_timeout: Duration,
    /// From an answer to the first byte of the next request: closed without a word.
    pub idle_timeout: Duration,
}

impl Settings {
    /// Heads as [`HeadLimits::DEFAULT`], bodies of 64 KiB, 100 requests; 10 seconds for the first byte and for a head, 30 for a
    /// body, 15 between requests.
    pub const DEFAULT: Self = Self {
        head: HeadLimits::DEFAULT,
        body: 64 * 1024,
        requests: 100,
        first_timeout: Duration::from_secs(10),
        head_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(15),
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Where the exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Phase {
    /// Nothing has come of a request.
    Waiting,
    Head,
    /// The head was read; the body, if there is one, is read by whoever wants it.
    Request,
    Failed(Refusal),
}

/// One connection of a server: reads requests, and says what their answers need to know.
///
/// What a client sends ahead of its time stays in the input, and TCP makes it wait. A body that nobody reads to its end is not
/// thrown away, as that could take for ever: the connection closes behind the answer.
///
/// For a WebSocket, hand the [request](Self::request) to [`accept`](crate::handshake::server::accept), and forget the exchange:
/// what is left in the input belongs to the [`Connection`](crate::Connection).
///
/// # Memory
///
/// About 32 words, and the store; how to size it: see [`HeadReader`]. Kept are, beside the fields asked for, those of the
/// handshake, `Host`, `Origin`, `Referer`, `Sec-Fetch-Site`, `Content-Type`, `Last-Event-ID`, and those that [`Content`](super::Content),
/// [`Cors`](super::Cors) and this type itself look at.
#[derive(Debug)]
pub struct Exchange<'s> {
    reader: HeadReader<'s>,
    body: BodyReader,
    settings: &'s Settings,
    phase: Phase,
    now: Instant,
    /// Since when the phase lasts.
    since: Instant,
    /// Heads read.
    requests: u16,
    /// The client waits for 100 before it sends the body; and it is to be told.
    expects: bool,
    owes_continue: bool,
    /// Of it, bytes that are out.
    at: usize,
}

impl<'s> Exchange<'s> {
    const SINGLE: [&'static str; 10] = [
        field::HOST,
        field::ORIGIN,
        field::CONTENT_LENGTH,
        "content-type",
        "referer",
        "sec-fetch-site",
        "last-event-id",
        field::ACCESS_CONTROL_REQUEST_METHOD,
        // What the handshake of a WebSocket is checked by.
        "sec-websocket-key",
        "sec-websocket-version",
    ];
    const REPEATED: [&'static str; 8] = [
        field::CONNECTION,
        field::TRANSFER_ENCODING,
        field::EXPECT,
        field::ACCEPT_ENCODING,
        field::IF_NONE_MATCH,
        field::UPGRADE,
        "sec-websocket-protocol",
        "sec-websocket-extensions",
    ];

    /// The exchange on a connection that was accepted at `now`, over a lent store. `further`: names, in lower case, of fields
    /// that the application wants to read besides.
    pub const fn new(
        store: &'s mut [u8],
        further: &'s [&'s str],
        settings: &'s Settings,
        now: Instant,
    ) -> Self {
        let wanted = Wanted { single: &Self::SINGLE, repeated: &Self::REPEATED, further };
        Self {
            reader: HeadReader::request(store, wanted, settings.head),
            body: BodyReader::NOTHING,
            settings,
            phase: Phase::Waiting,
            now,
            since: now,
            requests: 0,
            expects: false,
            owes_continue: false,
            at: 0,
        }
    }

    /// Says what time it is, before something is received: the deadlines of a head and of a body begin with their bytes.
    pub const fn set_time(&mut self, now: Instant) {
        self.now = now;
    }

    /// What time it is, as far as was said.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Nothing has come of a request, or of a next one.
    pub fn is_waiting(&self) -> bool {
        self.phase == Phase::Waiting
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called at the latest; `None`: no timer runs. None does while
    /// an answer is made and written, once the body was read.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let Settings { first_timeout, head_timeout, body_timeout, idle_timeout, .. } = *self.settings;
        let timeout = match self.phase {
            Phase::Waiting if self.requests == 0 => first_timeout,
            Phase::Waiting => idle_timeout,
            Phase::Head => head_timeout,
            Phase::Request if !self.body.is_done() => body_timeout,
            Phase::Request | Phase::Failed(_) => Duration::ZERO,
        };
        (timeout != Duration::ZERO).then(|| self.since.after(timeout))
    }

    /// Says what time it is. Calls at any time do no harm. Once a deadline has passed, what is received is refused with
    /// [`Refusal::TimedOut`] or, where nothing was asked, [`Refusal::Over`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if self.poll_timeout().is_some_and(|moment| now.has_reached(moment)) {
            let is_idle = self.phase == Phase::Waiting;
            self.phase = Phase::Failed(if is_idle { Refusal::Over } else { Refusal::TimedOut });
        }
    }

    /// Reads on. `true`: the head of a request is complete. Look at it, read its [body](Self::receive_body), answer it, then
    /// go on to the [next](Self::next); until then nothing is consumed here. `false`: the input is empty, read more.
    ///
    /// # Errors
    ///
    /// There will be no further request: transmit what [`refuse`](Self::refuse) makes of it, if anything, and close.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Result<bool, Refusal> {
        match self.phase {
            Phase::Failed(refusal) => return Err(refusal),
            Phase::Request => return Ok(true),
            Phase::Waiting | Phase::Head => {}
        }
        match self.reader.receive(input) {
            Ok(true) => match self.begin() {
                Ok(()) => Ok(true),
                Err(refusal) => Err(self.fail(refusal)),
            },
            Ok(false) => {
                // Empty lines before a request are none of it.
                if self.phase == Phase::Waiting && self.reader.has_begun() {
                    (self.phase, self.since) = (Phase::Head, self.now);
                }
                Ok(false)
            }
            Err(error) => Err(self.fail(Refusal::Head(error))),
        }
    }

    /// The head is complete: is this a request that can be answered, and where does it end?
    fn begin(&mut self) -> Result<(), Refusal> {
        let request = Request::new(&self.reader);
        if !request.has_valid_host() {
            return Err(Refusal::NoHost);
        }
        let framing = Framing::of_request(&request).map_err(Refusal::Body)?;
        let expects = request.version() >= Version::Http11 && expects_continue(request)?;
        self.body = BodyReader::new(framing, self.settings.body).map_err(Refusal::Body)?;
        self.expects = expects && !self.body.is_done();
        (self.owes_continue, self.at) = (false, 0);
        self.requests = self.requests.saturating_add(1);
        (self.phase, self.since) = (Phase::Request, self.now);
        Ok(())
    }

    fn fail(&mut self, refusal: Refusal) -> Refusal {
        self.phase = Phase::Failed(refusal);
        refusal
    }

    /// What has been asked for. Before [`receive`](Self::receive) was `true` it has no method and no fields, and `/` as its
    /// path.
    pub fn request(&self) -> Request<'_> {
        Request::new(&self.reader)
    }

    /// Allows the body at most `limit` bytes, and not more than [`Settings::body`]. To be called before any of it was read.
    ///
    /// # Errors
    ///
    /// The client said already that it is longer: as [`receive`](Self::receive).
    pub fn limit_body(&mut self, limit: u64) -> Result<(), Refusal> {
        match self.phase {
            Phase::Failed(refusal) => Err(refusal),
            _ => self.body.limit(limit).map_err(|error| self.fail(Refusal::Body(error))),
        }
    }

    /// Reads the body on: its next piece. `None`: it [is done](Self::is_body_done); or the input is empty: transmit if that
    /// [is wanted](Self::wants_transmit), then read more. Before there is a request: `None`.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive). What came before was lent.
    pub fn receive_body<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<&'b mut [u8]>, Refusal> {
        match self.phase {
            Phase::Failed(refusal) => return Err(refusal),
            Phase::Waiting | Phase::Head => return Ok(None),
            Phase::Request => {}
        }
        if self.expects {
            if input.is_empty() {
                self.owes_continue = true;
                return Ok(None);
            }
            // It did not wait, and need not be told (RFC 9110 10.1.1); unless that has begun.
            self.expects = false;
            self.owes_continue &= self.at != 0;
        }
        self.body.receive(input).map_err(|error| self.fail(Refusal::Body(error)))
    }

    /// All of the body was read, or there is none.
    pub fn is_body_done(&self) -> bool {
        self.body.is_done()
    }

    /// The client ended its side of the connection.
    ///
    /// # Errors
    ///
    /// It did so before, or in the middle of, a request: as [`receive`](Self::receive). If it only waits for its answer, that
    /// is none.
    pub fn receive_eof(&mut self) -> Result<(), Refusal> {
        match self.phase {
            Phase::Failed(refusal) => Err(refusal),
            Phase::Waiting | Phase::Head => Err(self.fail(Refusal::Over)),
            Phase::Request => self.body.receive_eof().map_err(|error| self.fail(Refusal::Body(error))),
        }
    }

    /// The client waits to be told to send its body: [`transmit`](Self::transmit).
    pub const fn wants_transmit(&self) -> bool {
        self.owes_continue
    }

    /// Writes as much as fits of what is owed to a client that waits: `100 Continue` (RFC 9110 10.1.1). `true`: all is in `out`,
    /// or there was nothing. `false`: write `out` out, clear it and call again.
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        if self.owes_continue {
            let done = Pieces::new(&mut self.at, out).put(b"HTTP/1.1 100 Continue\r\n\r\n").is_done();
            self.owes_continue = !done;
            self.expects &= !done;
        }
        !self.owes_continue
    }

    /// The connection can go on behind the answer, as far as can be said now: the client wants that, the body was read, and
    /// the last request that is allowed was not yet made.
    pub fn persists(&self) -> bool {
        let request = self.request();
        let says = |word| request.fields().has_word(field::CONNECTION, word);
        self.phase == Phase::Request
            && self.body.is_done()
            && self.requests < self.settings.requests
            && !says(b"close")
            && (request.version() >= Version::Http11 || says(b"keep-alive"))
    }

    /// The same response, as the request needs it: without its body if it was HEAD, and the connection stays open if that
    /// [is possible](Self::persists). If [`transmit`](Self::transmit) was begun, end that first. Behind the response:
    /// [`next`](Self::next).
    pub fn respond<'r>(&self, response: Response<'r>) -> Response<'r> {
        let request = self.request();
        let response = if request.method() == "HEAD" { response.for_head() } else { response };
        if self.persists() { response.persistent(request.version()) } else { response }
    }

    /// The response that tells why there will be no further request, as this one needs it: without the reason if it was HEAD. `None`:
    /// there is nobody to tell. Transmit it and close.
    pub fn refuse(&self, refusal: Refusal) -> Option<Response<'static>> {
        let response = refusal.response()?;
        Some(if self.request().line().starts_with(b"HEAD ") { response.for_head() } else { response })
    }

    /// A response without a length, as the request needs it: in chunks, or to the end of the connection.
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`], as [`Stream::new`].
    pub fn stream<'r>(
        &self,
        status: u16,
        fields: &'r [(&'r str, &'r str)],
    ) -> Result<Stream<'r>, UsageError> {
        let request = self.request();
        let stream = Stream::new(status, fields, request.version())?;
        let stream = if request.method() == "HEAD" { stream.for_head() } else { stream };
        Ok(if self.persists() { stream.persistent() } else { stream })
    }

    /// The answer is out: goes on to the next request. `closes`: what the [response](Response::closes) or the
    /// [stream](Stream::closes) said. `false`: close; give the client a moment to read, and to close first.
    #[must_use]
    pub fn next(&mut self, closes: bool, now: Instant) -> bool {
        self.now = now;
        if closes || !self.persists() {
            self.phase = Phase::Failed(Refusal::Over);
            return false;
        }
        self.reader.reset();
        (self.phase, self.since) = (Phase::Waiting, now);
        true
    }
}

/// The only expectation there is (RFC 9110 10.1.1).
fn expects_continue(request: Request<'_>) -> Result<bool, Refusal> {
    let (mut fields, mut expects) = (request.fields(), false);
    while let Some(line) = fields.next_of(field::EXPECT.as_bytes()) {
        for expectation in ascii::list(line) {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(Refusal::Expectation);
            }
            expects = true;
        }
    }
    Ok(expects)
}

#[cfg(feature = "defmt")]
impl defmt::Format for Exchange<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Exchange({}, {} requests)", self.phase, self.requests);
    }
}

/// Why there is no further request on a connection. Transmit the [`response`](Self::response), if there is one, and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// The head is malformed or too large: 400, 414, 431 or 505.
    Head(HeadError),
    /// HTTP/1.1 without a `Host` field, or one that names no host: 400 (RFC 9112 3.2).
    NoHost,
    /// The body is malformed or too large, or nobody can tell where it ends: 400, 411, 413, 431 or 501.
    Body(BodyError),
    /// Something is expected that nobody knows: 417 (RFC 9110 10.1.1).
    Expectation,
    /// The request did not come in time: 408.
    TimedOut,
    /// Nothing was asked, and nothing is to be said: the connection is done, or was idle for too long.
    Over,
}

impl Refusal {
    /// The status of the response; `None`: there is nobody to tell.
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Head(error) => Some(error.status()),
            Self::NoHost => Some(400),
            Self::Body(error) => Some(error.status()),
            Self::Expectation => Some(417),
            Self::TimedOut => Some(408),
            Self::Over => None,
        }
    }

    /// What is wrong, in words: the body of the response.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Head(error) => error.reason(),
            Self::NoHost => "no valid Host",
            Self::Body(error) => error.reason(),
            Self::Expectation => "unknown expectation",
            Self::TimedOut => "timed out",
            Self::Over => "connection over",
        }
    }

    /// The response: the status, and the reason as text. It closes. [`Exchange::refuse`] knows whether that may be said.
    pub fn response(self) -> Option<Response<'static>> {
        let status = self.status()?;
        Some(Response::fixed(status, phrase_of(status), "Content-Type: text/plain\r\n", self.reason()))
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for Refusal {}
