//! Real sockets on the loopback, on ports that the system picks. Nothing here waits for a time to pass and hopes; where a
//! deadline is the subject, it is short, and only the latest moment is asserted.

#[path = "../common/mod.rs"]
mod common;

mod closing;
mod gated;
mod heartbeat;
mod opening;
mod peer;
mod refusing;
mod split;
mod streams;
mod traffic;
