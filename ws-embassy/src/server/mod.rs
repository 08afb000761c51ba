//! A server on a fixed pool of sockets: [`Server`]. Each socket has a task, which accepts, reads one request, and answers it
//! by its path as the application's [`Service`] says: with a WebSocket, a page, or a refusal.
//!
//! embassy-net has no backlog: a client is accepted only while a socket listens. So some sockets never become WebSockets:
//! when all others are, they still serve pages, and answer 503 to whoever wants one more WebSocket. And when none listens, a
//! client that does not come to the end of its request is sent away, as browsers open connections ahead of need, and one that is
//! done and does not close is not waited for.
//!
//! ```
//! use embassy_net::Stack;
//! use ws_embassy::server::{Answer, Memory, Page, Request, Server, Service, Settings};
//! use ws_embassy::{Server as Role, tcp};
//!
//! struct App;
//!
//! impl Service for App {
//!     type Route = ();
//!
//!     fn route(&self, request: &Request<'_>) -> Answer<'_, ()> {
//!         match request.target().path {
//!             "/" => Answer::Page(Page { fields: &[("Content-Type", "text/html")], body: b"<h1>hello</h1>" }),
//!             "/echo" => Answer::WebSocket { route: (), subprotocol: None },
//!             _ => Answer::NOT_FOUND,
//!         }
//!     }
//!
//!     async fn serve(&self, _: (), ws: &mut tcp::WebSocket<'_, Role>, buf: &mut [u8]) -> Result<(), tcp::Error> {
//!         while let Some(chunk) = ws.read(buf).await? {
//!             ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
//!             ws.flush().await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! // One of, say, four tasks, each with a memory of its own, which all share the server and the application.
//! async fn task(server: &Server<'_>, stack: Stack<'_>, memory: &mut Memory<2048, 2048, 512>) -> ! {
//!     server.run(stack, memory, &App).await
//! }
//!
//! // The one server, to be shared: put it in a `StaticCell`. A `const` would be another server each time it is named.
//! let server = Server::new(Settings::for_sockets(4));
//! ```

mod answer;

pub use answer::{Answer, Page, Service};
pub use ws_core::http::{Hosts, Request};

use crate::apart::apart;
use crate::clock::{duration, now};
use crate::codec::Halves;
use crate::compression::{Codec, Plain};
use crate::log::info;
use crate::open::{Reply, read_request, write};
use crate::transport::WriteHalf;
use crate::{CloseCode, Error, Options, OriginPolicy, ReadyState, WebSocket, tcp};
use core::cell::{Cell, RefCell, RefMut};
use core::fmt;
use core::future::poll_fn;
use core::pin::pin;
use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer, with_deadline};
use ws_core::Output;
use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::http::Response;

/// Answers on a port, from as many sockets as there are calls of [`run`](Self::run).
///
/// # Memory
///
/// The settings, and four words. Each socket: see [`Memory`].
pub struct Server<'a, C = Plain> {
    settings: Settings<'a>,
    /// What WebSockets take in turn.
    compression: &'a [RefCell<C>],
    /// How many WebSockets there are.
    open: Cell<usize>,
    /// How many sockets wait for a client.
    listening: Cell<usize>,
}

/// How a server is to behave.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings<'a> {
    /// The port to listen on; not 0.
    pub port: u16,
    /// Further fields of requests that the application reads, in lower case: `cookie`, `authorization`. They need room in
    /// [`Memory`].
    pub fields: &'a [&'a str],
    /// How many WebSockets there may be at once. Fewer than sockets by two, so that pages are served and further clients told.
    pub websockets: usize,
    /// Which pages may open a WebSocket.
    pub origin: OriginPolicy<'a>,
    /// Under which names the server is known.
    pub hosts: Hosts<'a>,
    /// Limits and deadlines.
    pub options: Options,
}

impl Settings<'_> {
    /// Port 80, WebSockets on all but two of `sockets`; for pages of this server alone, by its address.
    pub const fn for_sockets(sockets: usize) -> Self {
        Self {
            port: 80,
            fields: &[],
            websockets: sockets.saturating_sub(2),
            origin: OriginPolicy::SameOrigin,
            hosts: Hosts::Addresses(&[]),
            options: Options::DEFAULT,
        }
    }
}

/// What one socket works in.
///
/// How to size it: `RX` and `TX` are what TCP may have in flight each way, see [`tcp::split`]. `BUF` keeps the head of a request,
/// 512 bytes for browsers without cookies; then it is lent to the application, for its messages.
pub struct Memory<const RX: usize, const TX: usize, const BUF: usize> {
    rx: [u8; RX],
    tx: [u8; TX],
    buf: [u8; BUF],
}

impl<const RX: usize, const TX: usize, const BUF: usize> Memory<RX, TX, BUF> {
    /// To be put in a `static`.
    pub const fn new() -> Self {
        Self { rx: [0; RX], tx: [0; TX], buf: [0; BUF] }
    }
}

impl<const RX: usize, const TX: usize, const BUF: usize> Default for Memory<RX, TX, BUF> {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a client is given to end a connection that is done: enough for a segment to be lost twice, and sent again after a
/// second, then two.
const LINGER: Duration = Duration::from_secs(4);
/// How long the head of a request may take, or the end of a connection, when others cannot come in; and how often that is
/// looked at.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(250);
/// What a client is told to wait for a free WebSocket, in seconds.
const RETRY_AFTER: &str = "5";

impl<'a> Server<'a> {
    /// A server that nobody runs yet, and that compresses no messages.
    pub const fn new(settings: Settings<'a>) -> Self {
        Self { settings, compression: &[], open: Cell::new(0), listening: Cell::new(0) }
    }

    /// The same, which compresses messages (RFC 7692) of as many WebSockets at once as there are of these, if their clients offer
    /// it on [terms](crate::compression::Compression::terms) that go with the memory lent. The others' messages are sent as they are.
    pub const fn with_compression<C: Codec>(self, compression: &'a [RefCell<C>]) -> Server<'a, C> {
        Server { settings: self.settings, compression, open: self.open, listening: self.listening }
    }
}

impl<C: Codec> Server<'_, C> {
    /// How many WebSockets there are.
    pub fn open(&self) -> usize {
        self.open.get()
    }

    /// Serves one client after the other on a socket of its own. Call it once for each socket, each in a task. It begins before
    /// there is a link, and survives the loss of it.
    ///
    /// Cancel-safe in that dropping it drops the client that is served; nothing else is lost.
    pub async fn run<S: Service, const RX: usize, const TX: usize, const BUF: usize>(
        &self,
        stack: Stack<'_>,
        memory: &mut Memory<RX, TX, BUF>,
        service: &S,
    ) -> ! {
        let Memory { rx, tx, buf } = memory;
        let mut socket = TcpSocket::new(stack, rx, tx);
        loop {
            let head_time = duration(self.settings.options.handshake_timeout);
            let listening = Counted::new(&self.listening);
            let is_accepted = tcp::accept(&mut socket, self.settings.port, head_time).await;
            drop(listening);
            if !is_accepted {
                Timer::after(LINGER).await; // it will not do better at once
                continue;
            }
            let since = now();
            let mut seat: Option<Seat<'_, C>> = None;
            let answered = {
                let mut answer = pin!(self.answer(&mut socket, buf, service, since, &mut seat));
                poll_fn(|cx| apart(answer.as_mut(), cx)).await
            };
            let linger = if matches!(answered, Ok(Answered::GivenUp)) { Duration::MIN } else { LINGER };
            let result = match answered {
                Ok(Answered::Open(route)) => {
                    let (reader, writer) = tcp::split(&mut socket);
                    let codec = seat.as_mut().and_then(|seat| seat.codec.as_deref_mut());
                    let halves = codec.map_or(Halves::PLAIN, C::halves);
                    let mut ws = WebSocket::server(reader, writer, &self.settings.options, halves);
                    let served = {
                        let mut serve = pin!(service.serve(route, &mut ws, buf));
                        poll_fn(|cx| apart(serve.as_mut(), cx)).await
                    };
                    let code = match served {
                        Ok(()) => Some(CloseCode::NORMAL),
                        Err(Error::Usage(_)) => Some(CloseCode::INTERNAL_ERROR), // the application's slip; the client is there
                        Err(_) => None,
                    };
                    match code {
                        Some(code) if ws.ready_state() == ReadyState::Open => {
                            ws.close(code, "").await.and(served)
                        }
                        _ => served,
                    }
                }
                Ok(Answered::Told | Answered::GivenUp) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                info!("a client was lost: {}", error);
            }
            if let Either::Second(()) = select(tcp::close(&mut socket, linger), self.crowded()).await {
                tcp::abort(&mut socket).await;
            }
            drop(seat); // only now can the socket listen again
        }
    }

    /// One request, of a client that came at `since`, and its answer. If that was 101, `seat` is taken.
    async fn answer<'s, S: Service>(
        &'s self,
        socket: &mut TcpSocket<'_>,
        buf: &mut [u8],
        service: &S,
        since: ws_core::Instant,
        seat: &mut Option<Seat<'s, C>>,
    ) -> Result<Answered<S::Route>, tcp::Error> {
        let options = &self.settings.options;
        let (mut reader, mut writer) = tcp::split(socket);
        let mut handshake =
            Handshake::new(buf, self.settings.fields, since).with_timeout(options.handshake_timeout);
        let choice = match select(read_request(&mut reader, &mut handshake), self.crowded()).await {
            Either::First(Ok(())) => self.choose(&handshake, service),
            Either::First(Err(Error::Refusal(refusal))) => Choice::Refuse(refusal),
            Either::First(Err(error)) => return Err(error),
            // Browsers open connections that they may need later; they do without them as well.
            Either::Second(()) => return Ok(Answered::GivenUp),
        };
        let mut reply = Reply::Respond(Response::internal_server_error());
        let route = self.decide(&handshake, choice, seat, &mut reply);
        if C::COMPRESSES
            && let Some(seat) = seat
        {
            seat.codec = self.agree(&mut reply);
        }
        info!("answered {}", reply.status());
        let put = &mut |out: &mut Output<'_>| reply.transmit(out);
        let taken_by = write(&mut writer, options.send_timeout, put).await?;
        if route.is_none() {
            // The end of a page is in the ring still; what closes it has less patience with a slow client.
            let _ = with_deadline(taken_by, async { while writer.drain().await == Ok(false) {} }).await;
        }
        Ok(route.map_or(Answered::Told, Answered::Open))
    }

    /// Returns when a client that asks for nothing, or is done, has to give way, as no socket listens for others; at the earliest
    /// after [`PATIENCE`].
    async fn crowded(&self) {
        Timer::after(PATIENCE).await;
        while self.listening.get() != 0 {
            Timer::after(LOOK).await;
        }
    }

    // Not inlined: what is weighed in them would lie on the stack of all that is awaited.

    /// What to do about a request that was read.
    #[inline(never)]
    fn choose<'h, S: Service>(&self, handshake: &'h Handshake<'_>, service: &'h S) -> Choice<'h, S::Route> {
        let request = handshake.request();
        match self.weigh(&request, service) {
            Choice::Respond(response) if request.method() == "HEAD" => Choice::Respond(response.for_head()),
            choice => choice,
        }
    }

    fn weigh<'h, S: Service>(&self, request: &Request<'_>, service: &'h S) -> Choice<'h, S::Route> {
        if !self.settings.hosts.admit(request.host()) {
            return Choice::Respond(respond(403, &[TEXT], b"this server is not known by that name\n"));
        }
        let (status, Page { fields, body }) = match service.route(request) {
            Answer::WebSocket { route, subprotocol } => return Choice::Open(route, subprotocol),
            _ if !matches!(request.method(), "GET" | "HEAD") => (405, Page { fields: &[ALLOW], body: &[] }),
            Answer::Page(page) => (200, page),
            Answer::Respond(status, page) => (status, page),
            Answer::Status(status, text) => (status, Page { fields: &[TEXT], body: text.as_bytes() }),
        };
        Choice::Respond(respond(status, fields, body))
    }

    /// Makes the reply. With a route: it is 101, and `seat` is taken.
    #[inline(never)]
    fn decide<'s, 'h, T>(
        &'s self,
        handshake: &'h Handshake<'_>,
        choice: Choice<'h, T>,
        seat: &mut Option<Seat<'s, C>>,
        reply: &mut Reply<'h>,
    ) -> Option<T> {
        let response = match choice {
            Choice::Open(route, subprotocol) => match handshake.accept(self.settings.origin) {
                Ok(accept) if self.open.get() < self.settings.websockets => {
                    *seat = Some(Seat { codec: None, _open: Counted::new(&self.open) });
                    *reply = Reply::Open(accept.subprotocol_if_offered(subprotocol));
                    return Some(route);
                }
                Ok(_) => {
                    let fields = &[("Retry-After", RETRY_AFTER), TEXT];
                    respond(503, fields, b"all WebSockets are taken\n")
                }
                Err(refusal) => refusal.response(),
            },
            Choice::Respond(response) => response,
            Choice::Refuse(refusal) => refusal.response(),
        };
        *reply = Reply::Respond(response);
        None
    }

    /// Agrees to compression, if it is offered and there is memory for it.
    #[inline(never)]
    fn agree(&self, reply: &mut Reply<'_>) -> Option<RefMut<'_, C>> {
        let Reply::Open(accept) = reply else { return None };
        let mut free = self.compression.iter().filter_map(|codec| codec.try_borrow_mut().ok());
        free.find_map(|mut codec| codec.agree(accept).then_some(codec))
    }
}

/// That a WebSocket is open, and what it has been lent for that.
struct Seat<'a, C> {
    codec: Option<RefMut<'a, C>>,
    _open: Counted<'a>,
}

/// What a client has got.
enum Answered<T> {
    /// A WebSocket.
    Open(T),
    /// A page, or a refusal.
    Told,
    /// Nothing: it did not ask, and others could not come in.
    GivenUp,
}

/// What becomes of a request.
enum Choice<'h, T> {
    Open(T, Option<&'h str>),
    Respond(Response<'h>),
    Refuse(Refusal),
}

const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const ALLOW: (&str, &str) = ("Allow", "GET, HEAD");

fn respond<'h>(status: u16, fields: &'h [(&'h str, &'h str)], body: &'h [u8]) -> Response<'h> {
    Response::new(status, fields, body).unwrap_or(Response::internal_server_error())
}

/// One of those that are counted, until it is dropped.
struct Counted<'a>(&'a Cell<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get().saturating_add(1));
        Self(count)
    }
}

impl Drop for Counted<'_> {
    #[inline(never)]
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl<C> fmt::Debug for Server<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("settings", &self.settings)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}
