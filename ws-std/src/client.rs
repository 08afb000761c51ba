//! Opening a connection: [`connect`]; with more to say, [`Connect`]; over a stream of your own, [`Connect::over`] or
//! [`handshake`].

use crate::body::Body;
use crate::buffers::{Inbox, Outbox};
use crate::clock::{Clock, Deadline};
use crate::compression::written;
use crate::dial::dial;
use crate::socket::Agreed;
use crate::{Error, Options, OsSeeded, Refused, Transport, WebSocket, opening};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;
use url::{Position, Url};
use ws_core::handshake::client::{self, Handshake, Request};
use ws_core::{Client, Connection};

/// How long the body of a refusal is waited for.
const BODY: Duration = Duration::from_secs(1);

/// Opens `url`, such as `ws://example.com/chat`, with [`Options::DEFAULT`] and nothing else said. See [`Connect::open`].
///
/// # Errors
///
/// As [`Connect::open`].
pub fn connect(url: &str) -> Result<WebSocket<TcpStream, Client<OsSeeded>>, Error> {
    Connect::new(url).open()
}

/// A connection to be opened, and what to say to the server.
///
/// ```no_run
/// # fn main() -> Result<(), ws_std::Error> {
/// let ws = ws_std::Connect::new("ws://[::1]:9001/chat")
///     .subprotocols(&["chat.v2", "chat.v1"])
///     .fields(&[("Authorization", "Bearer abc")])
///     .open()?;
/// assert!(ws.protocol().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "`open` opens the connection"]
pub struct Connect<'a> {
    url: &'a str,
    origin: Option<&'a str>,
    subprotocols: &'a [&'a str],
    fields: &'a [(&'a str, &'a str)],
    further: &'a [&'a str],
    options: Options,
}

impl<'a> Connect<'a> {
    /// A connection to `url`. The port is 80 if the URL has none.
    pub const fn new(url: &'a str) -> Self {
        Self { url, origin: None, subprotocols: &[], fields: &[], further: &[], options: Options::DEFAULT }
    }

    /// The `Origin` field: the page in whose name a browser asks. Other programs need none.
    pub const fn origin(self, origin: &'a str) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// The subprotocols that are spoken, those preferred first.
    pub const fn subprotocols(self, names: &'a [&'a str]) -> Self {
        Self { subprotocols: names, ..self }
    }

    /// Further fields of the request, such as `Authorization`.
    pub const fn fields(self, fields: &'a [(&'a str, &'a str)]) -> Self {
        Self { fields, ..self }
    }

    /// Fields of the server's response to keep, names in lower case, such as `set-cookie`: see [`WebSocket::fields`] and
    /// [`Refused::fields`].
    pub const fn further(self, names: &'a [&'a str]) -> Self {
        Self { further: names, ..self }
    }

    /// Memory, limits, deadlines and compression.
    pub const fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Opens the connection: asks for the host's addresses, connects to the one that answers first, IPv6 or IPv4, and
    /// does the opening handshake. All but the question to the name service is over within
    /// [`Options::handshake_timeout`].
    ///
    /// # Errors
    ///
    /// [`Error::Url`], [`Error::TlsNeeded`] before anything is sent; [`Error::Io`] if no address answers;
    /// then as [`over`](Self::over).
    pub fn open(self) -> Result<WebSocket<TcpStream, Client<OsSeeded>>, Error> {
        let place = Place::of(self.url)?;
        if place.is_secure {
            return Err(Error::TlsNeeded);
        }
        let addresses = (place.name.as_str(), place.port).to_socket_addrs().map_err(Error::Io)?;
        let deadline = Deadline::within(self.options.handshake_timeout);
        let stream = dial(addresses.collect(), deadline)?;
        self.handshake(stream, &place, deadline)
    }

    /// Does the opening handshake over a stream that is connected already, such as TLS to the host of a `wss://` URL, as
    /// [`Plain(tls)`](crate::Plain). The URL says what to ask for, nothing is connected.
    ///
    /// # Errors
    ///
    /// [`Error::Url`]; [`Error::Refused`] with what the server said instead; [`Error::Handshake`] if its answer is not
    /// acceptable; [`Error::TimedOut`] after [`Options::handshake_timeout`]; [`Error::Usage`] if something to be sent may
    /// not go on the wire; [`Error::Lost`], [`Error::Io`].
    pub fn over<S: Transport>(self, stream: S) -> Result<WebSocket<S, Client<OsSeeded>>, Error> {
        let place = Place::of(self.url)?;
        let deadline = Deadline::within(self.options.handshake_timeout);
        self.handshake(stream, &place, deadline)
    }

    fn handshake<S: Transport>(
        self,
        stream: S,
        place: &Place,
        deadline: Deadline,
    ) -> Result<WebSocket<S, Client<OsSeeded>>, Error> {
        let request = Request {
            host: &place.host,
            target: &place.target,
            origin: self.origin,
            subprotocols: self.subprotocols,
            fields: self.fields,
        };
        handshake_until(stream, request, self.further, &self.options, deadline)
    }
}

/// Does the opening handshake over a stream that is connected already, for a `request` made by hand. See
/// [`Connect::over`] for one made from a URL. A stream that does not wait is asked again and again until it is done.
///
/// # Errors
///
/// As [`Connect::over`], without those of a URL.
pub fn handshake<S: Transport>(
    stream: S,
    request: Request<'_>,
    options: &Options,
) -> Result<WebSocket<S, Client<OsSeeded>>, Error> {
    handshake_until(stream, request, &[], options, Deadline::within(options.handshake_timeout))
}

fn handshake_until<S: Transport>(
    mut stream: S,
    request: Request<'_>,
    further: &[&str],
    options: &Options,
    deadline: Deadline,
) -> Result<WebSocket<S, Client<OsSeeded>>, Error> {
    let mut entropy = OsSeeded::new()?;
    let mut store = vec![0; options.head_buffer];
    let clock = Clock::start();
    let mut handshake = Handshake::new(request, &mut entropy, &mut store, further, clock.now())?;
    if let Some(compression) = &options.compression {
        handshake = handshake.with_compression(compression.terms());
    }
    stream.set_nodelay()?;
    let mut outbox = Outbox::new(options.write_buffer, options.send_timeout);
    opening::write(&mut stream, &mut outbox, deadline, |out| handshake.transmit(out))?;
    let mut inbox = Inbox::new(options.read_buffer);
    loop {
        opening::read(&mut stream, &mut inbox, deadline)?;
        match inbox.decode(|input| handshake.receive(input)) {
            Ok(true) => break,
            Ok(false) => {}
            Err(client::Error::Refused { status }) => {
                let fields = kept(&handshake, &[&OF_INTEREST, further]);
                let body = body(&handshake, &mut stream, &mut inbox, deadline);
                return Err(Error::Refused(Box::new(Refused { status, fields, body })));
            }
            Err(error) => return Err(Error::Handshake(error)),
        }
    }
    let protocol = handshake.protocol().map(str::to_owned);
    let agreement = handshake.compression();
    let extensions = agreement.as_ref().map_or_else(String::new, written);
    let agreed = Agreed { protocol, extensions, fields: kept(&handshake, &[further]) };
    let compression = options.begin_compression(agreement)?;
    let ws = Connection::client(options.config, entropy, clock.now());
    Ok(WebSocket::new(stream, ws, clock, (inbox, outbox), compression, agreed))
}

/// Fields that tell why a connection was refused.
const OF_INTEREST: [&str; 5] =
    ["content-type", "content-length", "location", "retry-after", "www-authenticate"];

fn kept(handshake: &Handshake<'_>, names: &[&[&str]]) -> Vec<(String, String)> {
    let fields = handshake.response().fields();
    let kept = fields.filter(|(name, _)| names.iter().any(|names| names.contains(name)));
    kept.map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned())).collect()
}

/// As much of a response's body as comes soon and fits the buffer.
fn body<S: Transport>(
    handshake: &Handshake<'_>,
    stream: &mut S,
    inbox: &mut Inbox,
    deadline: Deadline,
) -> Vec<u8> {
    let mut body = Body::new(handshake.response(), inbox.capacity());
    let deadline = deadline.or_within(BODY);
    loop {
        inbox.decode(|input| body.take(input));
        inbox.clear();
        if body.is_done() || opening::read(stream, inbox, deadline).is_err() {
            return body.into_bytes();
        }
    }
}

/// What a URL says, in the forms that are needed.
struct Place {
    /// Only TLS will do.
    is_secure: bool,
    /// Name or address to ask for, without brackets.
    name: String,
    port: u16,
    /// For the `Host` field.
    host: String,
    /// Path and query.
    target: String,
}

impl Place {
    fn of(url: &str) -> Result<Self, Error> {
        let url = Url::parse(url).map_err(|_| Error::Url("this is no URL"))?;
        let is_secure = match url.scheme() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(Error::Url("the scheme has to be ws or wss")),
        };
        if url.fragment().is_some() {
            return Err(Error::Url("a WebSocket's URL has no fragment: write # as %23 (RFC 6455 3)"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Url("a WebSocket's URL has no user: send an Authorization field"));
        }
        let host = url.host_str().ok_or(Error::Url("the URL has no host"))?;
        Ok(Self {
            is_secure,
            name: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            host: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            target: url[Position::BeforePath..Position::AfterQuery].to_owned(),
        })
    }
}
