//! `wss://` without a heap: `ws_embassy::io` over `embedded-tls`, which speaks TLS 1.3.
//!
//! What a board takes over from here is [`tls`] with `pipe` and `verify`, which know neither `std` nor an operating system:
//! the two halves of embassy-net's `TcpSocket::split` are all that they want of it. [`host`] stands in for the board: sockets,
//! a clock, randomness.
//!
//! # What TLS costs
//!
//! On a Cortex-M0+, optimised for size:
//!
//! | RAM of one connection | bytes |
//! | --- | --- |
//! | a record to receive | 16,640; if the server is told to send shorter ones, as long as those, and 256 more, but no less than its certificate needs |
//! | a record to send | 640 and more: the client's hello has to fit |
//! | keys, hashes, the two pumps and their pipes: the future of [`Tls::run`](tls::Tls::run) | 5.7 KiB, beside the session's own |
//! | stack, during the handshake | about 30 KiB, most of it to read the certificate |
//!
//! A server of one's own is best told to send records of at most 4 KiB: that saves 12 KiB for each connection. Most of the work
//! is in the handshake too, and takes a small processor seconds; so keep a connection, and give the handshake time.

#![forbid(unsafe_code)]

pub mod host;
mod pipe;
pub mod tls;
mod verify;

pub use verify::Trust;
