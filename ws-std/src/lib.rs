//! WebSocket client and server on `std` sockets: blocking, with the memory you choose. The protocol is
//! [`ws_core`]; this crate reads, writes, looks at the clock and closes.
//!
//! # A client
//!
//! ```no_run
//! # fn main() -> Result<(), ws_std::Error> {
//! use ws_std::Message;
//!
//! let mut ws = ws_std::connect("ws://127.0.0.1:9001/chat")?;
//! ws.send_text("hello")?;
//! while let Some(message) = ws.read()? {
//!     match message {
//!         Message::Text(text) => println!("{text}"),
//!         Message::Binary(bytes) => println!("{} bytes", bytes.len()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A server
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! use std::{net::TcpListener, thread, time::Duration};
//! use ws_std::OriginPolicy;
//!
//! let listener = TcpListener::bind("127.0.0.1:9001")?;
//! for stream in listener.incoming() {
//!     let Ok(stream) = stream else {
//!         thread::sleep(Duration::from_millis(100)); // out of descriptors, most likely: they come back
//!         continue;
//!     };
//!     thread::spawn(move || -> Result<(), ws_std::Error> {
//!         let mut ws = ws_std::accept(stream, OriginPolicy::SameOrigin)?;
//!         while let Some((chunk, mut sender)) = ws.receive()? {
//!             sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?; // an echo
//!         }
//!         Ok(())
//!     });
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Pages, and events by other ways
//!
//! [`http`] serves a connection request by request: pages, bodies, and WebSockets on the same port. [`push`] gives events to browsers
//! by whichever technique gets through: WebSocket, server-sent events, streams, long and short polling, JSONP.
//!
//! # Memory
//!
//! A connection takes two buffers and, while a message is put together, a third one: 4 KiB, 2 KiB and at most
//! 8 KiB by default ([`Options`]). The third grows with the bytes that came, never with those that a peer declares.
//!
//! # Compression
//!
//! permessage-deflate is off unless [`Options::compression`] says otherwise: it takes 30 to 160 KiB a connection with windows
//! of 4 to 32 KiB, and a connection on which it is not agreed takes none of it. See [`Compression`].
//!
//! # TLS
//!
//! `wss://` is not opened yet. Make the TLS connection yourself, and hand it to [`Connect::over`] or [`accept`] as
//! `Plain(tls)`; [`Plain`] says what works without a socket's timeouts, and what does not.

#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

mod body;
mod buffers;
pub mod client;
mod clock;
mod compression;
mod dial;
mod entropy;
mod error;
pub mod http;
mod incoming;
mod link;
mod opening;
mod options;
pub mod push;
pub mod server;
mod socket;
mod split;
mod transport;
mod waiting;

pub use client::{Connect, connect};
pub use compression::Compression;
pub use entropy::OsSeeded;
pub use error::{Error, Refused, Waited};
pub use incoming::{Chunk, Event, OwnedMessage};
pub use link::{MessageWriter, Sender};
pub use options::Options;
pub use push::Push;
pub use server::{Answer, accept, accept_with};
pub use socket::{Received, WebSocket};
pub use split::{Halves, Reader, Writer};
pub use transport::{Plain, Transport};
pub use ws_core;
pub use ws_core::deflate::Effort;
pub use ws_core::handshake::OriginPolicy;
pub use ws_core::{
    Client, CloseCode, Config, Kind, Limits, Message, PeerError, ReadyState, Role, Server, Timeouts,
    UsageError,
};
