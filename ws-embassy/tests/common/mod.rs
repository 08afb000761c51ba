//! What the tests over the real network stack share. Several hosts live in one process and one thread, each with its own
//! embassy-net stack, on an in-memory Ethernet; time is virtual. Nothing sleeps, no port of the machine is used, and the
//! same seed gives the same frames at the same instants.
//!
//! ```ignore
//! let net = Net::new(1);
//! let (server, client) = (net.host(), net.host());
//! net.spawn({ let server = server.clone(); async move { /* serve on server.stack */ } });
//! net.run(async { let mut peer = Peer::connect(&client, &server, 80).await?; /* ... */ });
//! ```
//!
//! - [`network`]: the hosts, the Ethernet, and all that can go wrong on it.
//! - [`capture`]: what was seen on the Ethernet, for assertions.
//! - [`run`]: the executor; [`clock`]: the virtual time.
//! - [`peer`]: the other end of a TCP connection, byte by byte; [`frames`]: WebSocket frames, written and read without
//!   the library, so that a mistake of the library cannot hide in both; [`deflate`]: compressed messages, likewise.
//! - [`dns`]: a name server.
//!
//! Nothing here knows ws-core or ws-embassy.

#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

pub(crate) mod capture;
pub(crate) mod clock;
pub(crate) mod deflate;
pub(crate) mod dns;
mod forge;
pub(crate) mod frames;
pub(crate) mod network;
pub(crate) mod peer;
pub(crate) mod random;
pub(crate) mod run;

pub(crate) use frames::Frame;
pub(crate) use network::{Conditions, Host, Net, Verdict};
pub(crate) use peer::Peer;
