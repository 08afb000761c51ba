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
mod choice;
mod conversation;
mod push;
mod requests;
mod visits;

pub use answer::{Answer, Page, Service};
pub use push::{Push, PushPoint};
pub use ws_core::http::exchange::Settings as HttpSettings;
pub use ws_core::http::{Content, Hosts, Request};

use crate::apart::apart;
use crate::clock::now;
use crate::compression::{Codec, Plain};
use crate::link::with;
use crate::log::info;
use crate::{Options, OriginPolicy, tcp};
use conversation::Told;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::future::poll_fn;
use core::pin::pin;
use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Instant, Timer};
use ws_core::transport::{Budget, PolicyFile, Use};

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
    /// Which places of it are taken, a bit each.
    places: Cell<u16>,
    /// When the last client gave way.
    given_way: Cell<Instant>,
}

/// Sockets that a server has at most.
pub const SOCKETS_MAX: usize = 12;

/// How a server is to behave.
#[derive(Clone, Debug)]
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
    /// The answer to Flash Player, which asks on the same port whether it may connect; no browser runs it any more. `None`: it is
    /// answered as what it is, no request.
    pub policy: Option<PolicyFile<'a>>,
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
            policy: None,
            http: HttpSettings {
                body: 16 * 1024,
                idle_timeout: ws_core::Duration::from_secs(2),
                ..HttpSettings::DEFAULT
            },
            options: Options::DEFAULT,
        }
    }
}

/// Which part of the memory a message to a [`Push`] may take.
const MESSAGE_PART: usize = 4;

/// What one socket works in.
///
/// How to size it: `RX` and `TX` are what TCP may have in flight each way, see [`tcp::split`]. `BUF` keeps the head of a request,
/// 512 bytes for browsers without cookies; then it is lent to the application, for its messages. Messages to a [`Push`] are put together
/// in a quarter of it, beside the head of the request that they may come by.
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
/// How long a client that gives way is given: enough to see our end and to end its side, as browsers do at once.
const FAREWELL: Duration = Duration::from_millis(250);
/// How often it is looked at whether others can come in.
const LOOK: Duration = Duration::from_millis(250);
/// How long a client that says nothing is waited for, when others cannot come in.
const PATIENCE: Duration = crate::clock::duration(Budget::<SOCKETS_MAX>::PATIENCE);
/// From one that gives way to the next: its socket listens by then.
const TURN: Duration = Duration::from_millis(500);

impl<'a> Server<'a> {
    /// A server that nobody runs yet, and that compresses no messages.
    pub const fn new(settings: Settings<'a>) -> Self {
        let budget = RefCell::new(Budget::new(settings.held));
        Self { settings, compression: &[], budget, places: Cell::new(0), given_way: Cell::new(Instant::MIN) }
    }

    /// The same, which compresses messages (RFC 7692) of as many WebSockets at once as there are of these, if their clients offer
    /// it on [terms](crate::compression::Compression::terms) that go with the memory lent. The others' messages are sent as they are.
    pub const fn with_compression<C: Codec>(self, compression: &'a [RefCell<C>]) -> Server<'a, C> {
        let Self { settings, budget, places, given_way, .. } = self;
        Server { settings, compression, budget, places, given_way }
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
        let taken = Place::take(self);
        let place = taken.number;
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
            let told = {
                let mut tell = pin!(self.tell(place, &mut socket, buf, service, &mut codec));
                poll_fn(|cx| apart(tell.as_mut(), cx)).await
            };
            let linger = match told {
                // Nothing was said, so nothing is lost.
                Ok(Told::GivenUp) if self.used_as(place) == Some(Use::Silent) => Duration::MIN,
                Ok(Told::GivenUp) => FAREWELL,
                _ => LINGER,
            };
            let result = match told {
                Ok(Told::Open(route)) => {
                    let codec = codec.as_deref_mut();
                    let mut talk = pin!(self.talk(route, &mut socket, buf, service, codec));
                    poll_fn(|cx| apart(talk.as_mut(), cx)).await
                }
                Ok(Told::All | Told::GivenUp) => Ok(()),
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

    /// Returns when socket `place` has to give way, as none listens for other clients.
    async fn crowded(&self, place: usize) {
        let since = Instant::now();
        loop {
            Timer::after(LOOK).await;
            if self.gives_way(place, since) {
                return;
            }
        }
    }

    /// One at a time, as others would seem to have to go until its socket listens. But those that say nothing go together: where they are
    /// many, and come again, one socket would be theirs again at once.
    #[inline(never)]
    fn gives_way(&self, place: usize, since: Instant) -> bool {
        let is_due = with(&self.budget, |budget| match budget.use_of(place) {
            Some(Use::Silent) => budget.count(Use::Listening) == 0 && since.elapsed() >= PATIENCE,
            _ => {
                budget.leaves(place).is_some_and(|moment| now().has_reached(moment))
                    && self.given_way.get().elapsed() >= TURN
            }
        });
        let is_due = is_due == Some(true);
        if is_due {
            self.given_way.set(Instant::now());
        }
        is_due
    }

    fn used_as(&self, place: usize) -> Option<Use> {
        with(&self.budget, |budget| budget.use_of(place)).flatten()
    }

    /// Says what socket `place` is used for. `false`: it cannot be, as too many are held already.
    fn enter(&self, place: usize, r#use: Use) -> bool {
        with(&self.budget, |budget| budget.enter(place, r#use, now())) == Some(true)
    }
}

/// The place of a socket in the budget of its server. Dropped with the task of the socket, it is free for another's.
struct Place<'s> {
    budget: &'s RefCell<Budget<SOCKETS_MAX>>,
    places: &'s Cell<u16>,
    number: usize,
}

impl<'s> Place<'s> {
    fn take<C>(server: &'s Server<'_, C>) -> Self {
        let (budget, places) = (&server.budget, &server.places);
        let number = places.get().trailing_ones();
        places.set(places.get() | bit(number));
        Self { budget, places, number: number as usize }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // It waits for nobody, and counts as nothing.
        with(self.budget, |budget| budget.enter(self.number, Use::Answering, now()));
        self.places.set(self.places.get() & !bit(self.number as u32));
    }
}

/// None, past the last one there is.
fn bit(number: u32) -> u16 {
    1u16.checked_shl(number).unwrap_or(0)
}

impl<C> fmt::Debug for Server<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("settings", &self.settings)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}
