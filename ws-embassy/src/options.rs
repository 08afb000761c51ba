//! What a connection is made with: [`Options`].

use embassy_time::Duration;
use ws_core::{Config, Limits, handshake};

/// Limits and deadlines of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options {
    /// Limits and timeouts of the protocol.
    pub config: Config,
    /// The opening handshake has to be done within this time, as a whole; [`ws_core::Duration::ZERO`]: no limit.
    pub handshake_timeout: ws_core::Duration,
    /// A peer that takes nothing of what is sent for this long is given up. Over [`tcp`](crate::tcp) it has to take 16 bytes in that
    /// time; over [`io`](crate::io) the transport has to take what the writer's buffer holds, and to end a flush, for which some wait
    /// until the peer has all. What counts is how long writes wait, not what passes between them.
    pub send_timeout: Duration,
}

impl Options {
    /// Messages of any length, as they are read in pieces, and as many fragments as the longest has of 256 bytes; a heartbeat
    /// each 30 s; 10 s for the handshake, and 10 s for a peer to take something.
    pub const DEFAULT: Self = Self {
        config: Config::DEFAULT.with_limits(Limits {
            message: u32::MAX,
            fragments: u32::MAX / 256,
            ..Limits::DEFAULT
        }),
        handshake_timeout: handshake::TIMEOUT,
        send_timeout: Duration::from_secs(10),
    };

    /// The same with messages of up to `bytes`: the size of the buffer that whole messages are read into.
    #[must_use]
    pub const fn with_message_limit(mut self, bytes: usize) -> Self {
        self.config.limits.message = Limits::for_message(bytes).message;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}
