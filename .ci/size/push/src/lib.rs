//! The push transports, each as a server that knows no other: [`serve`] reads requests, a technique answers them. Below them
//! are what all of them share, each in an image of its own too: HTTP alone, and HTTP with the ring, the hub and sessions.

#![no_std]

mod http;
mod hub;
mod techniques;
mod visits;
mod websocket;

pub use http::{Connection, hello, serve};
pub use hub::{Events, Listener, has_news};
pub use techniques::{acknowledge, any, listen_to_events, long_poll, policy, poll, stream};
pub use visits::serve_visits;
pub use websocket::{echo_frames, push_frames};

use ws_core::{Duration, Entropy, Instant, Output};

/// A number that nobody foresees.
fn number() -> u32 {
    let mut bytes = [0; 4];
    transport::random(&mut bytes);
    u32::from_le_bytes(bytes)
}

fn now() -> Instant {
    Instant::from_millis(number().into())
}

const PING: Duration = Duration::from_secs(15);

fn flush(out: &mut Output<'_>) {
    transport::write(out.filled());
    out.clear();
}

struct Random;

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        transport::random(bytes);
    }
}
