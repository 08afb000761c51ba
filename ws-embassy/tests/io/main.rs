//! Tests of `ws_embassy::io`: WebSockets over any transport of `embedded-io-async`, here one in memory.
//!
//! | file | what |
//! | --- | --- |
//! | `cancel.rs` | futures that are dropped, at every await point |
//! | `unsafe_to_drop.rs` | the same with those that are not cancel-safe: no frame is torn all the same |
//! | `halves.rs` | the two halves in two tasks: full duplex, Pings, closing, faults |
//! | `stuck.rs` | the two halves, and a peer that reads nothing, or little |
//! | `deadlines.rs` | every timeout, at the millisecond, by a virtual clock that also wraps |
//! | `sending.rs` | how long a peer may take nothing |
//! | `roomless.rs` | a write buffer of no bytes |
//! | `limits.rs` | limits on messages, whichever call reads |
//! | `opening.rs` | accept and connect, whole and refused, at every split |
//! | `duplex.rs` | a transport of one piece |
//! | `failing.rs` | transports that fail |
//! | `compression/` | compressed messages, and how they are agreed on |
//! | `sizes.rs` | of futures and of the WebSocket |
//!
//! What they stand on: `pipe.rs`, the transport and its paces; `side.rs`, both roles, and the peer, which is made of plain
//! frames; `cut.rs`, how a future is dropped. Frames, clock and executor are those of `../common`. Nothing here opens a socket.

#[path = "../common"]
#[allow(dead_code, reason = "written for the tests over the network stack; a part is used here")]
mod common {
    pub(crate) mod clock;
    pub(crate) mod deflate;
    pub(crate) mod frames;
    pub(crate) mod random;
    pub(crate) mod run;
}

mod cancel;
mod compression;
mod cut;
mod deadlines;
mod duplex;
mod failing;
mod halves;
mod limits;
mod opening;
mod pipe;
mod roomless;
mod sending;
mod side;
mod sizes;
mod stuck;
mod unsafe_to_drop;
