//! WebSocket (RFC 6455) for client and server: `no_std`, no heap, no I/O.
//!
//! The bytes of a connection are read and written by the caller, into buffers of the caller's; this crate says what they
//! mean. Events lend pieces of the buffer that was read into. Nothing is allocated, nothing is copied that need not be,
//! and nothing that a peer sends can make it panic.
//!
//! ```text
//!  bytes ──► http ──► handshake        the opening handshake: one HTTP request, one response
//!    │
//!    ├─────► frame ──► connection      the WebSocket behind it: frames, messages, closing, heartbeat
//!    │                     │
//!    │                     └─► transport   the same events by SSE, streaming, polling, JSONP, WebSocket
//!    │
//!    └─────► deflate                   messages compressed (RFC 7692), in lent memory
//! ```
//!
//! | you want | take |
//! | --- | --- |
//! | to open a connection | [`handshake::server`] or [`handshake::client`] |
//! | to talk over it | [`Connection`] |
//! | whole messages | [`MessageBuffer`] |
//! | to write one message to many peers | [`frame::encode_header`] |
//! | to serve pages besides, request by request | [`http::Exchange`] |
//! | to push to pages that WebSocket does not reach | [`transport`] |
//! | sockets | the crate `ws-std`, which drives all this |
//! | to know what attacks there are, and which test meets each | [`attacks`] |
//!
//! # An echo server
//!
//! Behind the handshake, whatever the transport is:
//!
//! ```
//! use ws_core::{Config, Connection, Event, Input, Instant, Output, PeerError, Server};
//! # use std::io::{self, Read, Write};
//!
//! fn echo(io: &mut (impl Read + Write)) -> io::Result<()> {
//!     let (mut rx, mut tx) = ([0; 2048], [0; 2048]);
//!     let mut out = Output::new(&mut tx);
//!     let mut ws = Connection::server(Config::DEFAULT, Instant::from_millis(0));
//!     while !ws.wants_shutdown() {
//!         let n = io.read(&mut rx)?; // any number of bytes will do
//!         if n == 0 {
//!             ws.receive_eof();
//!         }
//!         let mut input = Input::new(&mut rx[..n]);
//!         while !input.is_empty() || ws.wants_transmit() {
//!             if let Ok(Some(Event::Data(data))) = ws.receive(&mut input) {
//!                 let mut rest: &[u8] = data.payload; // unmasked in place; borrows rx, not ws
//!                 while !ws.send(data.kind, &mut rest, data.last, &mut out).map_err(io::Error::other)? {
//!                     io.write_all(out.filled())?; // full: the rest waits
//!                     out.clear();
//!                 }
//!             }
//!             ws.transmit(&mut out); // the Pong or the Close that `receive` left owing
//!             io.write_all(out.filled())?;
//!             out.clear();
//!         }
//!     }
//!     Ok(())
//! }
//! # let mut script = io::Cursor::new(b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0".to_vec());
//! # struct Io(io::Cursor<Vec<u8>>, Vec<u8>);
//! # impl Read for Io { fn read(&mut self, b: &mut [u8]) -> io::Result<usize> { self.0.read(b) } }
//! # impl Write for Io { fn write(&mut self, b: &[u8]) -> io::Result<usize> { self.1.write(b) } fn flush(&mut self) -> io::Result<()> { Ok(()) } }
//! # script.set_position(0);
//! # let mut io = Io(script, Vec::new());
//! # echo(&mut io).unwrap();
//! # assert_eq!(io.1, b"\x81\x02hi\x88\x00");
//! ```
//!
//! # Features
//!
//! `defmt`: `Format` on every public type. `words`: faster unmasking and copying on cores without unaligned loads.
//! `small`: 2.5 KB less code, by a slower hash and an own Base64 in the opening handshake.
//! Features add; they change nothing.

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

#[cfg(doc)]
#[doc = include_str!("../ATTACKS.md")]
pub mod attacks {}
pub mod bytes;
#[cfg(test)]
#[path = "../tests/common/cases.rs"]
mod cases;
pub mod connection;
pub mod deflate;
pub mod entropy;
pub mod error;
pub mod frame;
pub mod handshake;
pub mod http;
pub mod time;
pub mod transport;

pub use bytes::{Input, Output};
pub use connection::{
    Client, Config, Connection, Data, Event, Limits, Message, MessageBuffer, ReadyState, Role, Server,
    TimedOut, Timeouts,
};
pub use entropy::Entropy;
pub use error::{CapacityError, PeerError, UsageError};
pub use frame::{CloseCode, Kind};
pub use time::{Duration, Instant};
