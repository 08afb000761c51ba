//! The state as events: what all ways to push them to a browser carry, and what comes back over them.

use crate::Device;
use core::fmt::Write;
use embassy_time::Instant;
use heapless::String;
use ws_embassy::server;
use ws_embassy::ws_core::transport::{Endpoint, EventRing, Hub, Outlet, Seq, SessionKey, Sessions};
use ws_embassy::ws_core::{Duration, Entropy};
use ws_embassy::{Message, OriginPolicy};

/// Clients that outlive their connections, at most.
pub const SESSIONS: usize = 4;

/// Bytes of events for all: those of some seconds, for who comes back.
const SHARED: usize = 4096;
/// Bytes of what is sent to one session.
const OWN: usize = 512;
/// How long a session lives behind its last connection: long enough to come back, and no longer, as there are few.
const LIFETIME: Duration = Duration::from_secs(15);

/// Events by every technique.
pub type Push = server::Push<'static, SESSIONS, Random>;

/// What events are kept in.
pub struct PushMemory {
    shared: [u8; SHARED],
    own: [u8; SESSIONS * OWN],
}

impl PushMemory {
    /// To be put in a `static`.
    pub const fn new() -> Self {
        Self { shared: [0; SHARED], own: [0; SESSIONS * OWN] }
    }
}

impl Default for PushMemory {
    fn default() -> Self {
        Self::new()
    }
}

/// The board's source of what nobody can guess.
#[derive(Clone, Copy)]
pub struct Random(pub fn(&mut [u8]));

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        (self.0)(bytes);
    }
}

/// Events in `memory`, for pages of this device alone. Scripts may ask too (JSONP), as there is nothing secret in what they get, and its page
/// compares all techniques.
pub fn push(memory: &'static mut PushMemory, mut random: Random) -> Push {
    let PushMemory { shared, own } = memory;
    // Else a client of the device before it was switched off and on would go on somewhere in the middle.
    let mut first = [0; 4];
    random.fill(&mut first);
    let ring = EventRing::new(shared, Seq::new(u32::from_le_bytes(first)));
    let hub = Hub::new(ring, Sessions::new(own, LIFETIME));
    // A page takes a silence of one and a half times `ping`, and 5 seconds, for the end: what it missed meanwhile has to be here yet.
    let ping = Duration::from_secs(4);
    let endpoint =
        Endpoint { jsonp: true, message: 128, poll: 2048, ping, ..Endpoint::new(OriginPolicy::SameOrigin) };
    server::Push::new(endpoint, hub, random)
}

impl Device {
    /// Tells all who listen: `{"n":17,"at":12345,"temperature":23.45,"led":true}`. `n` counts up by one, `at` is in milliseconds.
    pub(crate) fn publish(&self, n: u32, temperature: i32, led: bool) {
        let (sign, size) = (if temperature < 0 { "-" } else { "" }, temperature.unsigned_abs());
        let (whole, hundredths) = (size / 100, size % 100);
        let at = Instant::now().as_millis();
        let mut text: String<96> = String::new();
        // The longest there can be fits, here and in the ring.
        let _ =
            write!(text, r#"{{"n":{n},"at":{at},"temperature":{sign}{whole}.{hundredths:02},"led":{led}}}"#);
        let _ = self.push.publish(Message::Text(&text));
    }

    /// Obeys, and sends back what it is told.
    pub(crate) fn hear(&self, outlet: &mut dyn Outlet, from: Option<SessionKey>, message: Message<'_>) {
        if let Some(led) = crate::live::parse(message) {
            self.live.wish(led);
        }
        if let Some(session) = from {
            // A client that sends more than it takes loses the rest.
            let _ = outlet.send(session, message);
        }
    }
}
