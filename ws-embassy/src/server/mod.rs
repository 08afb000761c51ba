//! A server on a fixed pool of sockets: [`Server`]. Each socket has a task, which accepts, reads one request after the other, and
//! answers each by its path as the application's [`Service`] says: with a WebSocket, a page, events by any technique ([`Push`]), or a
//! refusal.
//!
//! embassy-net has no backlog: a client is accepted only while a socket listens. So some sockets are never held for long: when all
//! others are, they still serve pages, and answer 503 to whoever wants one more WebSocket. And when none listens, a client
//! that has nothing to ask, or does not come to the end of its request, is sent away, as browsers keep connections for later and open
//! others ahead of need; one that is done and does not close is not waited for. The order is that of a
//! [`Budget`].
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
mod push;
mod requests;
mod visits;

pub use answer::{Answer, Page, Service};
pub use push::{Push, PushPoint};
pub use ws_core::http::exchange::Settings as HttpSettings;
pub use ws_core::http::{Content, Hosts, Request};

use crate::apart::apart;
use crate::clock::now;
use crate::codec::Halves;
use crate::compression::{Codec, Plain};
use crate::link::with;
use crate::log::info;
use crate::open::{Reply, write};
use crate::transport::WriteHalf;
use crate::{CloseCode, Error, Options, OriginPolicy, ReadyState, WebSocket, tcp};
use core::cell::{Cell, RefCell, RefMut};
use core::fmt;
use core::future::poll_fn;
use core::pin::pin;
use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Instant, Timer, with_deadline};
use push::Following;
use requests::Head;
use ws_core::Output;
use ws_core::handshake::server as handshake;
use ws_core::http::{Exchange, Response};
use ws_core::transport::{Asked, Budget, Use, Visit, websocket};

/// Answers on a port, from as many sockets as there are calls of [`run`](Self::run).
///
/// # Memory
///
/// The settings, and 4 words for each of [`SOCKETS_MAX`]. Each socket: see [`Memory`].
pub struct Server<'a, C = Plain> {
    settings: Settings<'a>,
    /// What WebSockets take in turn.
    compression: &'a [RefCell<C>],
    /// What the sockets are used for.
    budget: RefCell<Budget<SOCKETS_MAX>>,
    /// How many sockets there are.
    sockets: Cell<usize>,
}

/// Sockets that a server has at most.
pub const SOCKETS_MAX: usize = 12;

/// How a server is to behave.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings<'a> {
    /// The port to listen on; not 0.
    pub port: u16,
    /// Further fields of requests that the application reads, in lower case: `cookie`, `authorization`. They need room in
    /// [`Memory`].
    pub fields: &'a [&'a str],
    /// How many sockets may be held for long at once, by WebSockets, streams and polls that wait; the last one only by a
    /// WebSocket. Fewer than sockets by two, so that pages are served and further clients told.
    pub held: usize,
    /// Which pages may open a WebSocket.
    pub origin: OriginPolicy<'a>,
    /// Under which names the server is known.
    pub hosts: Hosts<'a>,
    /// Limits and deadlines of requests.
    pub http: HttpSettings,
    /// Limits and deadlines of WebSockets, and by when a client has to take what it is sent.
    pub options: Options,
}

impl Settings<'_> {
    /// Port 80, all but two of `sockets` to be held; for pages of this server alone, by its address. A connection is kept for 2
    /// seconds behind a request, bodies have 16 KiB.
    pub const fn for_sockets(sockets: usize) -> Self {
        Self {
            port: 80,
            fields: &[],
            held: sockets.saturating_sub(2),
            origin: OriginPolicy::SameOrigin,
            hosts: Hosts::Addresses(&[]),
            http: HttpSettings {
                body: 16 * 1024,
                idle_timeout: ws_core::Duration::from_secs(2),
                ..HttpSettings::DEFAULT
            },
            options: Options::DEFAULT,
        }
    }
}

/// What one socket works in.
///
/// How to size it: `RX` and `TX` are what TCP may have in flight each way, see [`tcp::split`]. `BUF` keeps the head of a request,
/// 512 bytes for browsers without cookies; then it is lent to the application, for its messages. Where messages come by POST, their
/// pieces are put together in a quarter of it, beside the head.
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
/// How often it is looked at whether others can come in.
const LOOK: Duration = Duration::from_millis(250);
/// What a client is told to wait for a free WebSocket, in seconds.
const RETRY_AFTER: &str = "5";

impl<'a> Server<'a> {
    /// A server that nobody runs yet, and that compresses no messages.
    pub const fn new(settings: Settings<'a>) -> Self {
        let budget = RefCell::new(Budget::new(settings.held));
        Self { settings, compression: &[], budget, sockets: Cell::new(0) }
    }

    /// The same, which compresses messages (RFC 7692) of as many WebSockets at once as there are of these, if their clients offer
    /// it on [terms](crate::compression::Compression::terms) that go with the memory lent. The others' messages are sent as they are.
    pub const fn with_compression<C: Codec>(self, compression: &'a [RefCell<C>]) -> Server<'a, C> {
        Server { settings: self.settings, compression, budget: self.budget, sockets: self.sockets }
    }
}

impl<C: Codec> Server<'_, C> {
    /// How many WebSockets there are.
    pub fn open(&self) -> usize {
        with(&self.budget, |budget| budget.count(Use::WebSocket)).unwrap_or(0)
    }

    /// Serves one client after the other on a socket of its own. Call it once for each socket, each in a task, at most [`SOCKETS_MAX`]
    /// times. It begins before there is a link, and survives the loss of it.
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
        let place = self.sockets.get();
        self.sockets.set(place.saturating_add(1));
        loop {
            let head_time = crate::clock::duration(self.settings.options.handshake_timeout);
            self.enter(place, Use::Listening);
            let is_accepted = tcp::accept(&mut socket, self.settings.port, head_time).await;
            self.enter(place, Use::Silent);
            if !is_accepted {
                self.enter(place, Use::Closing);
                Timer::after(LINGER).await; // it will not do better at once
                continue;
            }
            let mut codec = None;
            let answered = {
                let mut answer = pin!(self.answer(place, &mut socket, buf, service, &mut codec));
                poll_fn(|cx| apart(answer.as_mut(), cx)).await
            };
            let linger = if matches!(answered, Ok(Answered::GivenUp)) { Duration::MIN } else { LINGER };
            let result = match answered {
                Ok(Answered::Open(route)) => {
                    let (reader, writer) = tcp::split(&mut socket);
                    let halves = codec.as_deref_mut().map_or(Halves::PLAIN, C::halves);
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
                Ok(Answered::Follow(following)) => {
                    let (reader, writer) = tcp::split(&mut socket);
                    let mut ws = WebSocket::server(reader, writer, &self.settings.options, Halves::PLAIN);
                    let mut follow = pin!(following.run(&mut ws, buf, service));
                    poll_fn(|cx| apart(follow.as_mut(), cx)).await
                }
                Ok(Answered::Told | Answered::GivenUp) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                info!("a client was lost: {}", error);
            }
            drop(codec);
            self.enter(place, Use::Closing);
            if let Either::Second(()) = select(tcp::close(&mut socket, linger), self.crowded(place)).await {
                tcp::abort(&mut socket).await;
            }
        }
    }

    /// The requests of a client, one after the other, and their answers. If the last was 101, `codec` is what was agreed on.
    async fn answer<'s, S: Service>(
        &'s self,
        place: usize,
        socket: &mut TcpSocket<'_>,
        buf: &mut [u8],
        service: &'s S,
        codec: &mut Option<RefMut<'s, C>>,
    ) -> Result<Answered<'s, S::Route>, tcp::Error> {
        let (mut reader, mut writer) = tcp::split(socket);
        let (message, head) = buf.split_at_mut_checked(buf.len() / 4).unwrap_or_default();
        let mut exchange = Exchange::new(head, self.settings.fields, &self.settings.http, now());
        // By when the client has to have taken all that was said to it.
        let mut taken_by = Instant::MIN;
        loop {
            match select(self.read_head(place, &mut reader, &mut exchange), self.crowded(place)).await {
                Either::First(Head::Read) => {}
                Either::First(Head::Refused(response)) => {
                    self.reply(&mut writer, Reply::Respond(response), &mut taken_by).await?;
                    break;
                }
                Either::First(Head::Lost(error)) => return Err(error),
                Either::First(Head::Over) => break,
                // Browsers keep connections for later; they do without them as well.
                Either::Second(()) => return Ok(Answered::GivenUp),
            }
            self.enter(place, Use::Answering);
            let closes = match self.choose(&exchange, service) {
                Choice::Open(route, subprotocol) => {
                    let mut reply = Reply::Respond(Response::internal_server_error());
                    let opens = self.open_reply(place, &exchange, subprotocol, &mut reply);
                    if C::COMPRESSES && opens {
                        *codec = self.agree(&mut reply);
                    }
                    let closes = self.reply(&mut writer, reply, &mut taken_by).await?;
                    if opens {
                        return Ok(Answered::Open(route));
                    }
                    closes
                }
                Choice::Respond(response) => {
                    let response = exchange.respond(response);
                    self.reply(&mut writer, Reply::Respond(response), &mut taken_by).await?
                }
                Choice::Push(point, Asked::WebSocket { listening, n }) => {
                    let mut reply = Reply::Respond(Response::internal_server_error());
                    let subprotocol = Some(websocket::PROTOCOL);
                    let opens = self.open_reply(place, &exchange, subprotocol, &mut reply);
                    let following = if opens { Following::begin(point, &listening, n) } else { None };
                    if opens && following.is_none() {
                        reply = Reply::Respond(full());
                    }
                    let closes = self.reply(&mut writer, reply, &mut taken_by).await?;
                    if let Some(following) = following {
                        return Ok(Answered::Follow(following));
                    }
                    closes
                }
                Choice::Push(point, asked) => {
                    let visit = self.begin_visit(place, point, asked);
                    let end = {
                        let (reader, writer) = (&mut reader, &mut writer);
                        let visit = self.visit(place, reader, writer, &mut exchange, visit, message, service);
                        let mut visit = pin!(visit);
                        poll_fn(|cx| apart(visit.as_mut(), cx)).await
                    };
                    match end? {
                        visits::End::Answered { closes } => {
                            taken_by = visits::taken_by(&self.settings.options);
                            closes
                        }
                        visits::End::Refused(response) => {
                            self.reply(&mut writer, Reply::Respond(response), &mut taken_by).await?
                        }
                    }
                }
            };
            if !exchange.next(closes, now()) {
                break;
            }
            self.enter(place, Use::Idle);
        }
        // The end of a page may be in the ring still; what closes it has less patience with a slow client.
        let _ = with_deadline(taken_by, async { while writer.drain().await == Ok(false) {} }).await;
        Ok(Answered::Told)
    }

    /// Writes an answer. `true`: the connection is done behind it.
    async fn reply(
        &self,
        writer: &mut tcp::Writer<'_>,
        mut reply: Reply<'_>,
        taken_by: &mut Instant,
    ) -> Result<bool, tcp::Error> {
        info!("answered {}", reply.status());
        let put = &mut |out: &mut Output<'_>| reply.transmit(out);
        *taken_by = write(writer, self.settings.options.send_timeout, put).await?;
        Ok(reply.closes())
    }

    /// Returns when socket `place` has to give way, as none listens for other clients.
    async fn crowded(&self, place: usize) {
        loop {
            Timer::after(LOOK).await;
            let leaves = with(&self.budget, |budget| budget.leaves(place)).flatten();
            if leaves.is_some_and(|moment| now().has_reached(moment)) {
                return;
            }
        }
    }

    /// Says what socket `place` is used for. `false`: it cannot be, as too many are held already.
    fn enter(&self, place: usize, r#use: Use) -> bool {
        with(&self.budget, |budget| budget.enter(place, r#use, now())) == Some(true)
    }

    // Not inlined: what is weighed in them would lie on the stack of all that is awaited.

    /// What to do about a request that was read.
    #[inline(never)]
    fn choose<'h, 's: 'h, S: Service>(
        &self,
        exchange: &'h Exchange<'_>,
        service: &'s S,
    ) -> Choice<'h, 's, S::Route> {
        let request = exchange.request();
        if !self.settings.hosts.admit(request.host()) {
            return Choice::Respond(respond(403, &[TEXT], b"this server is not known by that name\n"));
        }
        let (status, Page { fields, body }) = match service.route(&request) {
            Answer::WebSocket { route, subprotocol } => return Choice::Open(route, subprotocol),
            Answer::Push(point) => return Choice::Push(point, point.asked(&request)),
            Answer::Content(content) => return Choice::Respond(content.response(&request)),
            _ if !matches!(request.method(), "GET" | "HEAD") => (405, Page { fields: &[ALLOW], body: &[] }),
            Answer::Page(page) => (200, page),
            Answer::Respond(status, page) => (status, page),
            Answer::Status(status, text) => (status, Page { fields: &[TEXT], body: text.as_bytes() }),
        };
        Choice::Respond(respond(status, fields, body))
    }

    /// Makes the reply to a request for a WebSocket. `true`: it is 101, and the socket counts as one.
    #[inline(never)]
    fn open_reply<'h>(
        &self,
        place: usize,
        exchange: &'h Exchange<'_>,
        subprotocol: Option<&'h str>,
        reply: &mut Reply<'h>,
    ) -> bool {
        let response = match handshake::accept(exchange.request(), self.settings.origin) {
            Ok(accept) if self.enter(place, Use::WebSocket) => {
                *reply = Reply::Open(accept.subprotocol_if_offered(subprotocol));
                return true;
            }
            Ok(_) => full(), // which closes: sockets are scarce
            Err(refusal) => exchange.respond(refusal.response()),
        };
        *reply = Reply::Respond(response);
        false
    }

    /// Begins a visit, if there is room for it.
    #[inline(never)]
    fn begin_visit<'p>(&self, place: usize, point: &'p dyn PushPoint, asked: Asked) -> visits::Visiting<'p> {
        let r#use = match &asked {
            Asked::Stream { .. } => Use::Stream,
            asked if asked.is_long() => Use::Poll,
            _ => Use::Answering,
        };
        let visit = if self.enter(place, r#use) { point.begin(asked) } else { Visit::full() };
        visits::Visiting::new(point, visit)
    }

    /// Agrees to compression, if it is offered and there is memory for it.
    #[inline(never)]
    fn agree(&self, reply: &mut Reply<'_>) -> Option<RefMut<'_, C>> {
        let Reply::Open(accept) = reply else { return None };
        let mut free = self.compression.iter().filter_map(|codec| codec.try_borrow_mut().ok());
        free.find_map(|mut codec| codec.agree(accept).then_some(codec))
    }
}

/// What a client has got.
enum Answered<'s, T> {
    /// A WebSocket.
    Open(T),
    /// A WebSocket for events.
    Follow(Following<'s>),
    /// Pages, or a refusal.
    Told,
    /// Nothing: it did not ask, and others could not come in.
    GivenUp,
}

/// What becomes of a request.
enum Choice<'h, 's, T> {
    Open(T, Option<&'h str>),
    Push(&'s dyn PushPoint, Asked),
    Respond(Response<'h>),
}

const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const ALLOW: (&str, &str) = ("Allow", "GET, HEAD");

fn respond<'h>(status: u16, fields: &'h [(&'h str, &'h str)], body: &'h [u8]) -> Response<'h> {
    Response::new(status, fields, body).unwrap_or(Response::internal_server_error())
}

fn full() -> Response<'static> {
    respond(503, &[("Retry-After", RETRY_AFTER), TEXT], b"all WebSockets are taken\n")
}

impl<C> fmt::Debug for Server<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("settings", &self.settings)
            .field("sockets", &self.sockets)
            .finish_non_exhaustive()
    }
}
