//! The opening handshake (RFC 6455 1.3, 4): one request, one response, and the same connection speaks WebSocket.
//!
//! [`server`] and [`client`] are the two sides. [`OriginPolicy`] decides which pages may connect, [`extensions`] is the
//! grammar of what the two sides offer each other, and `compression.rs` the one thing that they do.

pub mod client;
mod compression;
pub mod extensions;
pub(crate) mod key;
pub mod server;
#[cfg(any(test, feature = "small"))]
mod sha1;

pub use crate::http::OriginPolicy;

use crate::time::{Duration, Instant};

/// How long the whole handshake may take, unless another time is set: 10 seconds.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// One deadline for the whole of a handshake, not one for each read: else a byte now and then would hold a socket for
/// ever.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    start: Instant,
    timeout: Duration,
    passed: bool,
}

impl Deadline {
    const fn from(start: Instant) -> Self {
        Self { start, timeout: TIMEOUT, passed: false }
    }

    fn poll(&self) -> Option<Instant> {
        (self.timeout != Duration::ZERO && !self.passed).then(|| self.start.after(self.timeout))
    }

    fn handle(&mut self, now: Instant) {
        self.passed |= self.poll().is_some_and(|moment| now.has_reached(moment));
    }
}

/// The names of the fields, in lower case.
mod field {
    pub(super) use crate::http::field::{
        CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING, UPGRADE,
    };

    pub(super) const ACCEPT: &str = "sec-websocket-accept";
    pub(super) const EXTENSIONS: &str = "sec-websocket-extensions";
    pub(super) const KEY: &str = "sec-websocket-key";
    pub(super) const PROTOCOL: &str = "sec-websocket-protocol";
    pub(super) const VERSION: &str = "sec-websocket-version";

    /// Fields that the handshake writes itself, or that have no place in it.
    const OURS: [&str; 11] = [
        ACCEPT,
        CONNECTION,
        CONTENT_LENGTH,
        EXTENSIONS,
        HOST,
        KEY,
        ORIGIN,
        PROTOCOL,
        TRANSFER_ENCODING,
        UPGRADE,
        VERSION,
    ];

    /// The caller's own fields can go on the wire beside those of the handshake.
    pub(super) fn are_extra(fields: &[(&str, &str)]) -> bool {
        let is_ours = |name: &str| OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours));
        crate::http::are_fields(fields) && !fields.iter().any(|(name, _)| is_ours(name))
    }
}
