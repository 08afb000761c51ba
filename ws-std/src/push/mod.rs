//! Events to browsers, by whichever way gets through: [`Push`] holds them for all connections, and
//! [`Requests::push`](crate::http::Requests::push) gives them to one. The techniques are the core's, see
//! [`ws_core::transport`]; here they wait for news, each in the thread of its connection.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! use std::net::TcpListener;
//! use std::{sync::Arc, thread, time::Duration};
//! use ws_std::http::{Hosts, HttpOptions, Requests};
//! use ws_std::push::{Endpoint, Push};
//! use ws_std::{Error, Message, OriginPolicy};
//!
//! static EVENTS: Endpoint<'static> = Endpoint::new(OriginPolicy::SameOrigin);
//! // 64 KiB of events for all; up to 100 sessions, each with 4 KiB of its own, that live 30 seconds without a connection.
//! let push = Arc::new(Push::<100>::with_memory(64 << 10, 4 << 10, Duration::from_secs(30))?);
//! let listener = TcpListener::bind("127.0.0.1:9001")?;
//! for stream in listener.incoming() {
//!     let Ok(stream) = stream else {
//!         thread::sleep(Duration::from_millis(100)); // out of descriptors, most likely: they come back
//!         continue;
//!     };
//!     push.publish(Message::Text("somebody has come"))?;
//!     let push = Arc::clone(&push);
//!     thread::spawn(move || -> Result<(), Error> {
//!         let mut client = Requests::new(stream, HttpOptions::new(Hosts::Addresses(&["localhost"])))?;
//!         while let Some(request) = client.read()? {
//!             match request.target().path {
//!                 "/events" => client.push(&push, &EVENTS, |hub, _from, message| {
//!                     let _ = hub.publish(message); // what one says, all hear
//!                 })?,
//!                 _ => client.respond(404, &[], b"")?,
//!             }
//!         }
//!         Ok(())
//!     });
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | here | the hub that threads share |
//! | `visit.rs` | one request for events, and its answer |
//! | `follow.rs` | a WebSocket that is told of events |

mod follow;
mod visit;

pub use ws_core::transport::{Endpoint, Hub, SendError, Seq, SessionKey};

use crate::OsSeeded;
use crate::clock::Clock;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};
use ws_core::error::CapacityError;
use ws_core::transport::{EventRing, Sessions};
use ws_core::{Entropy, Message};

/// Events for listeners on any number of connections, and up to `N` sessions: a [`Hub`] that threads share, and what wakes those
/// that wait for it.
///
/// # Memory
///
/// That of the hub, and some 400 bytes.
pub struct Push<'m, const N: usize> {
    shared: Mutex<Shared<'m, N>>,
    /// Something has changed that listeners may want to know of.
    news: Condvar,
    clock: Clock,
}

/// Takes whole messages of clients, with the hub to answer through.
type Receive<'r, 'm, const N: usize> = dyn FnMut(&mut Hub<'m, N>, Option<SessionKey>, Message<'_>) + 'r;

struct Shared<'m, const N: usize> {
    hub: Hub<'m, N>,
    /// Makes the names of sessions.
    entropy: OsSeeded,
    /// Counts the changes.
    version: u64,
}

impl<const N: usize> Push<'static, N> {
    /// A hub over memory of its own, which is not given back: `ring` bytes of events for all, and `own` for each of `N` sessions,
    /// which live for `lifetime` behind their last connection. How to size both: see [`EventRing`] and
    /// [`Session`](ws_core::transport::Session).
    ///
    /// # Errors
    ///
    /// The operating system has no randomness to give.
    pub fn with_memory(ring: usize, own: usize, lifetime: Duration) -> io::Result<Self> {
        let lifetime = u32::try_from(lifetime.as_millis()).unwrap_or(u32::MAX);
        let sessions = Sessions::new(
            Vec::leak(vec![0; own.saturating_mul(N)]),
            ws_core::Duration::from_millis(lifetime),
        );
        // Numbers of another run mean nothing to this one, so it does not begin where that one may have been.
        let mut first = [0; 4];
        OsSeeded::new()?.fill(&mut first);
        let ring = EventRing::new(Vec::leak(vec![0; ring]), Seq::new(u32::from_ne_bytes(first)));
        Self::new(Hub::new(ring, sessions))
    }
}

impl<'m, const N: usize> Push<'m, N> {
    /// Events out of `hub`. Its time is [`now`](Self::now).
    ///
    /// # Errors
    ///
    /// The operating system has no randomness to give.
    pub fn new(hub: Hub<'m, N>) -> io::Result<Self> {
        let shared = Mutex::new(Shared { hub, entropy: OsSeeded::new()?, version: 0 });
        Ok(Self { shared, news: Condvar::new(), clock: Clock::shared() })
    }

    /// Sends `message` to all, and returns its number. Never where the hub is lent already: in [`with`](Self::with), and where
    /// messages of clients are received.
    ///
    /// # Errors
    ///
    /// It is longer than the ring: see [`EventRing::publish`].
    pub fn publish(&self, message: Message<'_>) -> io::Result<Seq> {
        let too_long = |CapacityError| io::Error::new(io::ErrorKind::InvalidInput, "longer than the ring");
        self.with(|hub| hub.publish(message)).map_err(too_long)
    }

    /// Sends `message` to one session, and returns its number among those. Never where the hub is lent already.
    ///
    /// # Errors
    ///
    /// As [`Hub::send`].
    pub fn send(&self, to: SessionKey, message: Message<'_>) -> Result<Seq, SendError> {
        self.with(|hub| hub.send(to, message))
    }

    /// Lends the hub, whose sessions of which the time is over have ended; then wakes all who listen. It is locked for as long, and
    /// locking it again inside waits for ever.
    pub fn with<O>(&self, f: impl FnOnce(&mut Hub<'m, N>) -> O) -> O {
        let now = self.now();
        self.change(|shared| {
            shared.hub.sessions_mut().handle_timeout(now);
            f(&mut shared.hub)
        })
    }

    /// The time of the hub.
    pub fn now(&self) -> ws_core::Instant {
        self.clock.now()
    }

    fn change<O>(&self, f: impl FnOnce(&mut Shared<'m, N>) -> O) -> O {
        let mut shared = self.lock();
        let output = f(&mut shared);
        shared.version = shared.version.wrapping_add(1);
        drop(shared);
        self.news.notify_all();
        output
    }

    /// Lends the hub to who changes nothing that others wait for.
    fn lock(&self) -> MutexGuard<'_, Shared<'m, N>> {
        // Where an application's code failed, the hub is as the core left it.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something has changed since `seen`, or for so long.
    fn wait(&self, seen: u64, time: Duration) {
        let shared = self.lock();
        drop(self.news.wait_timeout_while(shared, time, |shared| shared.version == seen));
    }
}

impl<const N: usize> fmt::Debug for Push<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push").field("sessions", &N).finish_non_exhaustive()
    }
}
