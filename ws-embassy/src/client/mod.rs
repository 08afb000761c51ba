//! A client over embassy-net that comes back: [`Client`]. It waits for the network, finds the host, connects, opens the
//! WebSocket, hands it over, closes it in good order, and after a while ([`Backoff`]) begins anew. TLS is not here: see
//! [`io`](crate::io), and the example `wss`.
//!
//! ```
//! use ws_embassy::client::{Client, Event, Memory, Session, Url};
//! # use embassy_net::Stack;
//! use ws_embassy::Plain;
//! # use ws_embassy::Entropy;
//!
//! # async fn task(stack: Stack<'_>, mut entropy: impl Entropy, memory: &mut Memory<1024, 1024, 512>) -> Result<(), ws_embassy::client::UrlError> {
//! let url = Url::parse("ws://10.0.0.1:8080/feed")?;
//! let client = Client::new(url).on_event(&|event| {
//!     if let Event::Failed(error) = event { /* tell somebody */ }
//! });
//! client
//!     .run(stack, memory, &mut entropy, Plain, async |session: &mut Session<'_, _>| {
//!         session.ws.send_text("hello").await?;
//!         while let Some(chunk) = session.ws.read(session.buf).await? { /* what the server says */ }
//!         Ok(()) // the server has closed; connect again
//!     })
//!     .await
//! # }
//! ```

mod backoff;
mod error;
mod url;

pub use backoff::Backoff;
pub use error::{Error, Step};
pub use url::{Host, Url, UrlError};

use crate::apart::apart;
use crate::clock::{now, until};
use crate::codec::{self, Halves};
use crate::compression::{Codec, CodecFor};
use crate::log::info;
use crate::open::{Agreed, ask, begin};
use crate::{CloseCode, Config, Options, ReadyState, Timeouts, tcp};
use core::cell::Cell;
use core::future::poll_fn;
use core::pin::pin;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_net::tcp::{ConnectError, TcpSocket};
use embassy_net::{IpAddress, Stack};
use embassy_time::{Duration, Instant, Timer};
use ws_core::Entropy;
use ws_core::handshake::client::{self as handshake, Request};

/// Opens WebSockets to one server.
///
/// # Memory
///
/// About 150 bytes on a 32-bit processor; a `const` will do. Each connection: see [`Memory`].
#[derive(Clone, Copy)]
#[must_use = "`run` or `open` connects"]
pub struct Client<'a> {
    url: Url<'a>,
    origin: Option<&'a str>,
    subprotocols: &'a [&'a str],
    fields: &'a [(&'a str, &'a str)],
    options: Options,
    backoff: Backoff,
    on_event: &'a dyn Fn(Event),
}

/// A connection that is open.
pub struct Session<'s, E: Entropy> {
    /// It is closed behind the session, if the session did not.
    pub ws: tcp::WebSocket<'s, ws_core::Client<&'s mut E>>,
    /// The subprotocol that the server agreed on, of those offered.
    pub subprotocol: Option<&'s str>,
    /// Memory for messages: that which kept the head of the response.
    pub buf: &'s mut [u8],
}

/// What a client that [runs](Client::run) comes across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// There is no network, or it was lost while waiting: it is waited for.
    Offline,
    /// A WebSocket was opened: the session begins.
    Opened,
    /// No WebSocket was opened.
    Failed(Error),
    /// The session is over: what it returned, or how closing went; [`Lost`](crate::Error::Lost) if the network is gone.
    Ended(Result<(), tcp::Error>),
    /// The next attempt comes after this time.
    Waiting(Duration),
}

/// What one connection works in.
///
/// How to size it: `RX` and `TX` are what TCP may have in flight each way, see [`tcp::split`]. `HEAD` keeps the head of the
/// response, 512 bytes; then it is lent to the session, for its messages.
pub struct Memory<const RX: usize, const TX: usize, const HEAD: usize> {
    rx: [u8; RX],
    tx: [u8; TX],
    head: [u8; HEAD],
}

impl<const RX: usize, const TX: usize, const HEAD: usize> Memory<RX, TX, HEAD> {
    /// To be put in a `static`.
    pub const fn new() -> Self {
        Self { rx: [0; RX], tx: [0; TX], head: [0; HEAD] }
    }
}

impl<const RX: usize, const TX: usize, const HEAD: usize> Default for Memory<RX, TX, HEAD> {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a server is given to end a connection that is done.
const LINGER: Duration = Duration::from_secs(2);
/// No server is left alone for longer, whatever it asks for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// How long there may be no network before a connection is given up.
const GONE: Duration = Duration::from_secs(5);
/// How often the network is looked for. embassy-net wakes one task when it comes, and that may be another.
const LOOK: Duration = Duration::from_millis(250);

impl<'a> Client<'a> {
    /// A client for `url`, with [`Options::DEFAULT`] and [`Backoff::DEFAULT`].
    pub const fn new(url: Url<'a>) -> Self {
        Self {
            url,
            origin: None,
            subprotocols: &[],
            fields: &[],
            options: Options::DEFAULT,
            backoff: Backoff::DEFAULT,
            on_event: &|_| (),
        }
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

    /// Limits and deadlines. The one for the handshake holds for all of it, finding the host and connecting included.
    pub const fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// How long to wait before connecting again.
    pub const fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// Whom [`run`](Self::run) tells what it comes across; it is logged anyway, with the feature `defmt`. What captures
    /// something has to be bound by a `let` of its own first, so that it lives as long as the client.
    pub const fn on_event(self, tell: &'a dyn Fn(Event)) -> Self {
        Self { on_event: tell, ..self }
    }

    /// Keeps a connection to the server: waits until there is a network, opens a WebSocket, lets `talk` use it, closes it, and
    /// connects again, for ever. `codec` says whether compression is offered; `entropy` makes keys, masks and waits.
    ///
    /// When `talk` returns, or fails, the WebSocket is closed if it is open, and TCP behind it; only a connection that is lost
    /// is reset. A server that is gone is found by the heartbeat ([`Timeouts`]) while `talk` reads, and by
    /// [`Options::send_timeout`] while it writes. When the network is gone for 5 s, `talk` is dropped at the await where it
    /// stands: a new connection is sooner at work than TCP, which by then tries ever more seldom.
    ///
    /// Behind each connection and each failure the client waits, the longer the oftener it failed, and for as long as a
    /// refusal with 429 or 503 asks for; when the network was lost meanwhile and is back, for the first wait again.
    ///
    /// Takes one socket of the stack, for good.
    ///
    /// Dropped, it drops `talk`, and leaves the server to find out.
    pub async fn run<E: Entropy, C: Codec, const RX: usize, const TX: usize, const HEAD: usize>(
        &self,
        stack: Stack<'_>,
        memory: &mut Memory<RX, TX, HEAD>,
        entropy: &mut E,
        mut codec: C,
        mut talk: impl AsyncFnMut(&mut Session<'_, E>) -> Result<(), tcp::Error>,
    ) -> ! {
        let Memory { rx, tx, head } = memory;
        let mut socket = TcpSocket::new(stack, rx, tx);
        let mut failures = 0u32;
        self.rest(stack, entropy, &mut failures, Instant::MIN, Duration::MIN).await;
        loop {
            let started = {
                let mut start = pin!(self.start(stack, &mut socket, entropy, head, codec.lend()));
                poll_fn(|cx| apart(start.as_mut(), cx)).await
            };
            // What the server asks for.
            let earliest = match started {
                Ok(agreed) => {
                    self.tell(Event::Opened);
                    let opened = Instant::now();
                    let mut place = None;
                    let session =
                        self.session(&mut place, &mut socket, &mut *entropy, head, agreed, &mut codec);
                    let mut result = match select(talk(session), gone(stack)).await {
                        Either::First(result) => result,
                        Either::Second(()) => Err(crate::Error::Lost),
                    };
                    if opened.elapsed() >= self.backoff.steady {
                        failures = 0;
                    }
                    if is_closable(&result) && session.ws.ready_state() != ReadyState::Closed {
                        let closed = session.ws.close(CloseCode::NORMAL, "").await;
                        result = result.and(closed);
                    }
                    self.tell(Event::Ended(result));
                    match result {
                        Err(crate::Error::TimedOut(_) | crate::Error::Io(_)) => tcp::abort(&mut socket).await,
                        _ if !tcp::is_online(stack) => tcp::abort(&mut socket).await,
                        _ => tcp::close(&mut socket, LINGER).await,
                    }
                    Instant::MIN
                }
                Err(error) => {
                    self.tell(Event::Failed(error));
                    let time = match error {
                        Error::Refused { status: 429 | 503, retry_after: Some(time) } => {
                            time.min(RETRY_AFTER_MAX)
                        }
                        _ => Duration::MIN,
                    };
                    let earliest = Instant::now().saturating_add(time);
                    match error {
                        Error::Connect(_) | Error::TimedOut(_) => tcp::abort(&mut socket).await,
                        _ => tcp::close(&mut socket, LINGER).await,
                    }
                    earliest
                }
            };
            let delay = self.backoff.delay(failures, entropy);
            failures = failures.saturating_add(1);
            self.rest(stack, entropy, &mut failures, earliest, delay).await;
        }
    }

    /// Waits before an attempt: for the network, for `delay`, and until what a server has asked for, `earliest`, which holds whatever
    /// becomes of the network. When that was lost, and is back, nothing has failed yet.
    async fn rest(
        &self,
        stack: Stack<'_>,
        entropy: &mut impl Entropy,
        failures: &mut u32,
        earliest: Instant,
        mut delay: Duration,
    ) {
        while self.wait(stack, earliest.max(Instant::now()).saturating_add(delay)).await {
            *failures = 0;
            delay = self.backoff.delay(0, entropy);
        }
    }

    /// Opens one WebSocket on `socket`, which must not be in use. `head` keeps the head of the response meanwhile, 512 bytes do;
    /// `codec` says whether compression is offered.
    ///
    /// Not cancel-safe: dropped, or behind an error, the socket has to be [closed](tcp::close).
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn open<'s, E: Entropy + 's, C: CodecFor<'s>>(
        &self,
        stack: Stack<'_>,
        socket: &'s mut TcpSocket<'_>,
        mut entropy: E,
        head: &mut [u8],
        mut codec: C,
    ) -> Result<(tcp::WebSocket<'s, ws_core::Client<E>>, Option<&'a str>), Error> {
        let started = {
            let mut start = pin!(self.start(stack, socket, &mut entropy, head, codec.lend()));
            poll_fn(|cx| apart(start.as_mut(), cx)).await
        };
        self.opened(socket, entropy, started, codec)
    }

    /// All up to the end of the opening handshake, in time. Returns what was agreed on.
    async fn start(
        &self,
        stack: Stack<'_>,
        socket: &mut TcpSocket<'_>,
        entropy: &mut impl Entropy,
        head: &mut [u8],
        mut codec: impl codec::Codec,
    ) -> Result<Agreed<'a>, Error> {
        let step = Cell::new(Step::Resolve);
        let steps = async {
            let address = self.resolve(stack).await?;
            step.set(Step::Connect);
            {
                let mut connect = pin!(tcp::connect(socket, address, self.url.port()));
                poll_fn(|cx| apart(connect.as_mut(), cx)).await.map_err(Error::Connect)?;
            }
            step.set(Step::Handshake);
            self.shake_hands(socket, entropy, head, codec.lend()).await
        };
        let time = self.options.handshake_timeout;
        let due = (time != ws_core::Duration::ZERO).then(|| now().after(time));
        // A network that is lost, and back, takes with it what was on its way: begun anew is sooner done.
        match select3(steps, until(due), lost(stack)).await {
            Either3::First(result) => result,
            Either3::Second(()) => Err(Error::TimedOut(step.get())),
            Either3::Third(()) => Err(Error::Connect(ConnectError::NoRoute)),
        }
    }

    async fn resolve(&self, stack: Stack<'_>) -> Result<IpAddress, Error> {
        match self.url.host() {
            Host::Address(address) => Ok(IpAddress::Ipv4(address)),
            #[cfg(feature = "dns")]
            Host::Name(name) => tcp::resolve(stack, name).await.ok_or(Error::NoAddress),
            #[cfg(not(feature = "dns"))]
            Host::Name(_) => {
                let _ = stack;
                Err(Error::DnsNeeded)
            }
        }
    }

    async fn shake_hands(
        &self,
        socket: &mut TcpSocket<'_>,
        entropy: &mut impl Entropy,
        head: &mut [u8],
        mut codec: impl codec::Codec,
    ) -> Result<Agreed<'a>, Error> {
        let request = Request {
            host: self.url.authority(),
            target: self.url.target(),
            origin: self.origin,
            subprotocols: self.subprotocols,
            fields: self.fields,
        };
        let (mut reader, mut writer) = tcp::split(socket);
        // The deadline is that of the whole.
        let mut place = None;
        let handshake = begin(&mut place, request, entropy, head, ws_core::Duration::ZERO, &codec)
            .map_err(|error| Error::Open(error.into()))?;
        match ask(&mut reader, &mut writer, &self.options, handshake, self.subprotocols).await {
            Ok(subprotocol) => Ok(Agreed { subprotocol, compressed: codec.confirm(handshake) }),
            Err(crate::Error::Handshake(handshake::Error::Refused { status })) => {
                let retry_after = handshake.response().field("retry-after").and_then(seconds);
                Err(Error::Refused { status, retry_after })
            }
            Err(error) => Err(Error::Open(error)),
        }
    }

    fn websocket<'s, E: Entropy>(
        &self,
        socket: &'s mut TcpSocket<'_>,
        entropy: E,
        config: Config,
        halves: Halves<'s, ws_core::Client<E>>,
    ) -> tcp::WebSocket<'s, ws_core::Client<E>> {
        let (reader, writer) = tcp::split(socket);
        crate::WebSocket::client(reader, writer, entropy, config, self.options.send_timeout, halves)
    }

    // Not inlined: what these make would lie on the stack of all that is awaited later.

    #[inline(never)]
    fn opened<'s, E: Entropy + 's, C: CodecFor<'s>>(
        &self,
        socket: &'s mut TcpSocket<'_>,
        entropy: E,
        started: Result<Agreed<'a>, Error>,
        codec: C,
    ) -> Result<(tcp::WebSocket<'s, ws_core::Client<E>>, Option<&'a str>), Error> {
        let Agreed { subprotocol, compressed } = started?;
        let halves = if compressed { codec.into_halves() } else { Halves::PLAIN };
        Ok((self.websocket(socket, entropy, self.options.config, halves), subprotocol))
    }

    #[inline(never)]
    fn session<'p, 's, E: Entropy, C: Codec>(
        &self,
        place: &'p mut Option<Session<'s, E>>,
        socket: &'s mut TcpSocket<'_>,
        entropy: &'s mut E,
        buf: &'s mut [u8],
        Agreed { subprotocol, compressed }: Agreed<'s>,
        codec: &'s mut C,
    ) -> &'p mut Session<'s, E> {
        let halves = if compressed { codec.halves() } else { Halves::PLAIN };
        let ws = self.websocket(socket, entropy, self.bounded(), halves);
        place.insert(Session { ws, subprotocol, buf })
    }

    /// The protocol's limits, with one on closing: what waits for ever does not come back.
    fn bounded(&self) -> Config {
        let config = self.options.config;
        let timeouts = config.timeouts;
        if timeouts.close != ws_core::Duration::ZERO {
            return config;
        }
        config.with_timeouts(Timeouts { close: Timeouts::DEFAULT.close, ..timeouts })
    }

    /// Waits until `by`; if there is no network, until there is: `true`, and that may be before.
    async fn wait(&self, stack: Stack<'_>, by: Instant) -> bool {
        let delay = by.saturating_duration_since(Instant::now());
        if delay != Duration::MIN {
            self.tell(Event::Waiting(delay));
        }
        let mut was_lost = false;
        loop {
            let is_online = tcp::is_online(stack);
            if is_online && (was_lost || by <= Instant::now()) {
                return was_lost;
            }
            if !is_online && !was_lost {
                self.tell(Event::Offline);
                was_lost = true;
            }
            let look = Instant::now().saturating_add(LOOK);
            Timer::at(if was_lost { look } else { look.min(by) }).await;
        }
    }

    fn tell(&self, event: Event) {
        info!("client: {}", event);
        (self.on_event)(event);
    }
}

/// Behind such a session there may be somebody to close with.
fn is_closable(result: &Result<(), tcp::Error>) -> bool {
    use crate::Error::{Io, Lost, Peer, TimedOut};
    !matches!(result, Err(Io(_) | TimedOut(_) | Lost | Peer(_)))
}

/// Waits until there is no network any more.
async fn lost(stack: Stack<'_>) {
    let mut was_online = false;
    loop {
        let is_online = tcp::is_online(stack);
        if was_online && !is_online {
            return;
        }
        was_online = is_online;
        Timer::after(LOOK).await;
    }
}

/// Waits until there has been no network for a while.
async fn gone(stack: Stack<'_>) {
    let mut since = None;
    loop {
        since = if tcp::is_online(stack) { None } else { since.or(Some(Instant::now())) };
        if since.is_some_and(|since: Instant| since.elapsed() >= GONE) {
            return;
        }
        Timer::after(LOOK).await;
    }
}

/// `Retry-After` in seconds; a date is of no use without a calendar.
fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // Longer than can be said is long enough.
    digits.then(|| Duration::from_secs(text.parse::<u32>().unwrap_or(u32::MAX).into()))
}

impl core::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Without the fields, which may be secret.
        f.debug_struct("Client")
            .field("url", &self.url)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
