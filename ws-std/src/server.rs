//! Accepting a connection: [`accept`]; with a look at the request first, [`accept_with`].

use crate::buffers::{Inbox, Outbox};
use crate::clock::{Clock, Deadline};
use crate::compression::written;
use crate::socket::Agreed;
use crate::{Error, Options, Transport, Waited, WebSocket, opening};
use std::borrow::Cow;
use std::time::Duration;
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::server::{self, Handshake, Refusal, Request};
use ws_core::http::Response;
use ws_core::{Connection, Server, UsageError};

/// How long a client that was too late is waited for to take the answer.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Does the opening handshake on a stream that was accepted, with [`Options::DEFAULT`], on any path and without a
/// subprotocol. Over TLS, hand in [`Plain(tls)`](crate::Plain). Do it in the connection's own thread: it
/// may take [`Options::handshake_timeout`].
///
/// # Errors
///
/// [`Error::Refusal`] if the request was refused, which the client was told; [`Error::TimedOut`], [`Error::Lost`],
/// [`Error::Io`].
pub fn accept<S: Transport>(stream: S, origin: OriginPolicy<'_>) -> Result<WebSocket<S, Server>, Error> {
    // There is a connection: the answer is never another.
    accept_with(stream, &Options::DEFAULT, &[], |_| Answer::accept(origin))?.ok_or(Error::Lost)
}

/// Does the opening handshake as `decide` says, which sees the request: its path, its subprotocols, its fields. The
/// fields named in `further` (in lower case, such as `cookie`) are kept beside those of the handshake. `options` are those of
/// the handshake, and of the WebSocket unless the answer has [its own](Answer::options).
///
/// `None`: another response was given; the connection is done. A stream that does not wait is asked again and again
/// until the handshake is done.
///
/// ```no_run
/// # fn main() -> Result<(), ws_std::Error> {
/// # let stream = std::net::TcpStream::connect("")?;
/// use ws_std::{Answer, Options, OriginPolicy, accept_with};
///
/// let ws = accept_with(stream, &Options::DEFAULT, &[], |request| match request.target().path {
///     "/chat" => Answer::accept(OriginPolicy::SameOrigin),
///     "/" => Answer::page("text/html", b"<h1>hello</h1>"),
///     _ => Answer::respond(404, b"nothing here\n"),
/// })?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`accept`]; [`Error::Usage`] if the answer may not go on the wire: the client is told 500.
pub fn accept_with<'a, S: Transport>(
    mut stream: S,
    options: &Options,
    further: &[&str],
    decide: impl FnOnce(Request<'_>) -> Answer<'a>,
) -> Result<Option<WebSocket<S, Server>>, Error> {
    let deadline = Deadline::within(options.handshake_timeout);
    let inbox = Inbox::new(options.read_buffer);
    let outbox = Outbox::new(options.write_buffer, options.send_timeout);
    let mut buffers = Buffers::over(inbox, outbox, deadline, options);
    let mut store = vec![0; options.head_buffer];
    let clock = Clock::start();
    let mut handshake = Handshake::new(&mut store, further, clock.now());
    stream.set_nodelay()?;
    loop {
        match opening::read(&mut stream, &mut buffers.inbox, deadline) {
            Err(late @ Error::TimedOut(Waited::Handshake)) => {
                buffers.deadline = Deadline::within(LAST_WORDS);
                return buffers.refuse(&mut stream, Refusal::TimedOut, late);
            }
            result => result?,
        }
        match buffers.inbox.decode(|input| handshake.receive(input)) {
            Ok(true) => break,
            Ok(false) => {}
            Err(refusal) => return buffers.refuse(&mut stream, refusal, Error::Refusal(refusal)),
        }
    }
    let request = handshake.request();
    open(stream, buffers, request, decide(request), options, clock)
}

/// Answers `request`, whoever has read it, as was decided. `options`: unless the answer has its own.
pub(crate) fn open<S: Transport>(
    mut stream: S,
    mut buffers: Buffers,
    request: Request<'_>,
    answer: Answer<'_>,
    options: &Options,
    clock: Clock,
) -> Result<Option<WebSocket<S, Server>>, Error> {
    let (subprotocol, fields, origin, chosen) = match answer.0 {
        Choice::Accept { subprotocol, fields, origin, options } => (subprotocol, fields, origin, options),
        Choice::Respond { status, fields, body } => {
            let fields = borrowed(&fields);
            let response = match Response::new(status, &fields, &body) {
                Ok(response) if request.method() == "HEAD" => response.for_head(),
                Ok(response) => response,
                Err(error) => return buffers.fail(&mut stream, error),
            };
            buffers.end(&mut stream, response)?;
            return Ok(None);
        }
    };
    let options = chosen.as_ref().unwrap_or(options);
    let fields = borrowed(&fields);
    let accept = match server::accept(request, origin) {
        Ok(accept) => accept,
        Err(refusal) => return buffers.refuse(&mut stream, refusal, Error::Refusal(refusal)),
    };
    let named = match &subprotocol {
        Some(name) => accept.subprotocol(name),
        None => Ok(accept),
    };
    let mut accept = match named.and_then(|accept| accept.fields(&fields)) {
        Ok(accept) => accept,
        Err(error) => return buffers.fail(&mut stream, error),
    };
    let compression = options.compression.as_ref();
    let agreement = compression.and_then(|compression| accept.compress_if_offered(&compression.terms()));
    opening::write(&mut stream, &mut buffers.outbox, buffers.deadline, |out| accept.transmit(out))?;
    let extensions = agreement.as_ref().map_or_else(String::new, written);
    let agreed = Agreed { protocol: subprotocol, extensions, ..Agreed::default() };
    let inbox = buffers.inbox.resized(options.read_buffer);
    let outbox = buffers.outbox.resized(options.write_buffer, options.send_timeout);
    let compression = options.begin_compression(agreement)?;
    let ws = Connection::server(options.config, clock.now());
    Ok(Some(WebSocket::new(stream, ws, clock, (inbox, outbox), compression, agreed)))
}

/// What to answer to a request; made by the function that is given to [`accept_with`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Answer<'a>(Choice<'a>);

#[derive(Clone, Debug)]
enum Choice<'a> {
    Accept {
        origin: OriginPolicy<'a>,
        subprotocol: Option<String>,
        fields: Vec<(String, String)>,
        options: Option<Options>,
    },
    Respond {
        status: u16,
        fields: Vec<(String, String)>,
        body: Cow<'a, [u8]>,
    },
}

impl<'a> Answer<'a> {
    /// Opens the WebSocket, if the request is a correct one and comes from a page that `origin` lets in.
    pub const fn accept(origin: OriginPolicy<'a>) -> Self {
        Self(Choice::Accept { origin, subprotocol: None, fields: Vec::new(), options: None })
    }

    /// Refuses the request, or answers one for something else, with `status` and a body of plain text, if it is not
    /// empty. For another type than that, add a `Content-Type` with [`field`](Self::field).
    pub fn respond(status: u16, text: impl Into<Cow<'a, [u8]>>) -> Self {
        let body = text.into();
        // 204 and 304 have none (RFC 9110 15.3.5, 15.4.5).
        let has_body = !body.is_empty() && !matches!(status, 204 | 304);
        let answer = Self(Choice::Respond { status, fields: Vec::new(), body });
        if has_body { answer.field("Content-Type", "text/plain; charset=utf-8") } else { answer }
    }

    /// Answers a request for a page with 200.
    pub fn page(content_type: &str, body: impl Into<Cow<'a, [u8]>>) -> Self {
        let fields = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self(Choice::Respond { status: 200, fields, body: body.into() })
    }

    /// Agrees on a subprotocol, which has to be one of those offered.
    pub fn subprotocol(mut self, name: &str) -> Self {
        if let Choice::Accept { subprotocol, .. } = &mut self.0 {
            *subprotocol = Some(name.to_owned());
        }
        self
    }

    /// Memory, limits, deadlines and compression of the WebSocket that is opened, in place of those that were given to
    /// [`accept_with`]. The request was read by then, so `head_buffer` and `handshake_timeout` are those given there. What came
    /// behind the request is kept, even if `read_buffer` is less.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), ws_std::Error> {
    /// # let stream = std::net::TcpStream::connect("")?;
    /// use ws_std::{Answer, Compression, Options, OriginPolicy, accept_with};
    ///
    /// const FEED: Options = Options::DEFAULT.with_compression(Compression::DEFAULT);
    ///
    /// let ws = accept_with(stream, &Options::DEFAULT, &[], |request| match request.target().path {
    ///     "/feed" => Answer::accept(OriginPolicy::SameOrigin).options(FEED), // compressed, if the client offers it
    ///     _ => Answer::accept(OriginPolicy::SameOrigin),
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn options(mut self, new: Options) -> Self {
        if let Choice::Accept { options, .. } = &mut self.0 {
            *options = Some(new);
        }
        self
    }

    /// Adds a field to the response, such as `Set-Cookie` or `Location`. A `Content-Type` takes the place of the one
    /// before.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        let (Choice::Accept { fields, .. } | Choice::Respond { fields, .. }) = &mut self.0;
        if name.eq_ignore_ascii_case("Content-Type") {
            fields.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Type"));
        }
        fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The buffers and the deadline of one request and its response.
pub(crate) struct Buffers {
    inbox: Inbox,
    outbox: Outbox,
    deadline: Deadline,
    linger: Duration,
}

impl Buffers {
    /// What is in them stays.
    pub(crate) fn over(inbox: Inbox, outbox: Outbox, deadline: Deadline, options: &Options) -> Self {
        let linger = Duration::from_millis(options.config.timeouts.close.millis().into());
        Self { inbox, outbox, deadline, linger }
    }

    /// Answers and ends the connection, the peer having read the answer.
    fn end<S: Transport>(&mut self, stream: &mut S, mut response: Response<'_>) -> Result<(), Error> {
        opening::write(stream, &mut self.outbox, self.deadline, |out| response.transmit(out))?;
        opening::linger(stream, &mut self.inbox, self.deadline.or_within(self.linger));
        Ok(())
    }

    /// Answers with a refusal. That the client cannot be told does not change why.
    fn refuse<S: Transport, T>(
        &mut self,
        stream: &mut S,
        refusal: Refusal,
        error: Error,
    ) -> Result<T, Error> {
        let _ = self.end(stream, refusal.response());
        Err(error)
    }

    /// The answer that was decided on cannot be given.
    fn fail<S: Transport, T>(&mut self, stream: &mut S, error: UsageError) -> Result<T, Error> {
        if let Ok(response) = Response::new(500, &[], b"") {
            let _ = self.end(stream, response);
        }
        Err(error.into())
    }
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
