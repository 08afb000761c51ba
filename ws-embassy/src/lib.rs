//! WebSocket (RFC 6455) on microcontrollers: client and server over embassy-net, or over any transport of
//! `embedded-io-async`. `no_std`, no heap. The protocol is [`ws_core`]; this crate waits, reads and writes.
//!
//! ```text
//!  server   client          a pool of sockets that routes;  a connection that comes back
//!     │        │
//!     └── open ┘             the opening handshake
//!          │
//!      WebSocket ── split    an open one; its two halves for two tasks
//!          │
//!      transport             what it runs on: halves that lend memory
//!       │     │
//!      tcp    io             embassy-net's sockets;  anything else
//! ```
//!
//! | you want | take |
//! | --- | --- |
//! | to serve pages and WebSockets from a device | [`server`] |
//! | a device that reports to a server | [`client`] |
//! | a serial line, TLS, a socket of your own | [`io`], with [`accept`] or [`connect`] |
//!
//! # Dropping a future
//!
//! In `select`, or behind a timeout, futures are dropped. What was read and not decoded, what was encoded and not written, lies
//! in the [`WebSocket`] and its transport, never in a future; each method says what it means to drop its own.
//!
//! # Features
//!
//! `dns`: hosts by their names. `defmt`: `Format` on all options, answers, events and errors, and logs. `small`, `words`: those of [`ws_core`]; an image
//! for a Cortex-M0+ wants both.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod apart;
pub mod client;
mod clock;
mod codec;
pub mod compression;
mod error;
pub mod io;
mod link;
mod log;
mod open;
mod options;
pub mod server;
pub mod split;
pub mod tcp;
pub mod transport;
mod websocket;

pub use compression::Plain;
pub use error::{Error, Waited};
pub use open::{Connected, accept, connect};
pub use options::Options;
pub use split::{Chunk, Reader, Writer};
pub use websocket::WebSocket;
pub use ws_core;
pub use ws_core::handshake::OriginPolicy;
pub use ws_core::{
    Client, CloseCode, Config, Data, Entropy, Kind, Limits, Message, MessageBuffer, PeerError, ReadyState,
    Server, Timeouts, UsageError,
};
