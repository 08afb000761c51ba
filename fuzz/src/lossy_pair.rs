//! A client and a server, joined by a transport that does its worst: the bytes decide what is said and when, how buffers,
//! limits and timeouts are, and what the transport does. Both ends come to an end, and have heard only what was said.
//!
//! The run is that of `ws-core/tests/pair`, where it is decided by a number; there is how it works, and what must hold.

// It lives there, and once.
#[path = "../../ws-core/tests/pair/chance.rs"]
#[allow(dead_code, reason = "a test decides by a number")]
mod chance;
#[path = "../../ws-core/tests/pair/codec.rs"]
mod codec;
#[path = "../../ws-core/tests/common/ws.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod common;
#[path = "../../ws-core/tests/pair/log.rs"]
mod log;
#[path = "../../ws-core/tests/pair/lossy.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod lossy;
#[path = "../../ws-core/tests/pair/opening.rs"]
mod opening;
#[path = "../../ws-core/tests/pair/pair.rs"]
mod pair;
#[path = "../../ws-core/tests/pair/pipe.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod pipe;
#[path = "../../ws-core/tests/common/rng.rs"]
mod rng;
#[path = "../../ws-core/tests/pair/script.rs"]
mod script;

use chance::Chance;
use rng::Rng;

/// The bytes are the decisions, one after the other; what they leave open follows from them.
pub fn check(data: &[u8]) {
    lossy::converse(Chance::of(data), lossy::Scale::SHORT);
}
