//! What a connection is made with: [`Limits`] on what it takes, [`Timeouts`] on how long it waits.

use crate::time::Duration;

/// Limits and timeouts of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(Hash))]
pub struct Config {
    /// What is refused.
    pub limits: Limits,
    /// How long is waited.
    pub timeouts: Timeouts,
}

impl Config {
    /// 16 KiB a message; a heartbeat every 30 s.
    pub const DEFAULT: Self = Self { limits: Limits::DEFAULT, timeouts: Timeouts::DEFAULT };

    /// These limits on what is received.
    #[must_use]
    pub const fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// These timeouts.
    #[must_use]
    pub const fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is refused, from the header of the frame that would exceed it on: not a byte of that frame is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(Hash))]
pub struct Limits {
    /// Bytes of payload in one message, in all its fragments; 1009 above. `u32::MAX`: no limit, for messages that are
    /// streamed.
    pub message: u32,
    /// Fragments in one message, 1 for an unfragmented one; 1008 above. A sender may cut a message into
    /// one-byte fragments, each of which costs work.
    pub fragments: u32,
    /// Fragments without payload in a row; 1008 above. They cost work and bring nothing.
    pub empty_fragments: u8,
}

impl Limits {
    /// 16 KiB a message, 1,024 fragments, 16 empty ones in a row.
    pub const DEFAULT: Self = Self { message: 16 * 1024, fragments: 1024, empty_fragments: 16 };

    /// The default with messages of at most `bytes`: the size of the buffer that they go into.
    pub const fn for_message(bytes: usize) -> Self {
        let message = if bytes as u64 >= u32::MAX as u64 { u32::MAX } else { bytes as u32 };
        Self { message, ..Self::DEFAULT }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long is waited. [`Duration::ZERO`] switches a timer off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(Hash))]
pub struct Timeouts {
    /// A heartbeat Ping goes out this long after the one before (RFC 6455 5.5.2). It keeps middleboxes from
    /// forgetting the connection, measures the round trip, and finds peers that are gone.
    pub ping: Duration,
    /// The Pong to it must come within this time. Needs `ping`.
    pub pong: Duration,
    /// Something must come from the peer within this time, if only a Pong. Off by default: the heartbeat sees to it.
    pub idle: Duration,
    /// From the beginning of the closing handshake, the peer has this long to finish it and to close the transport.
    pub close: Duration,
}

impl Timeouts {
    /// Ping every 30 s, Pong within 10 s, no idle timeout, 5 s to close.
    pub const DEFAULT: Self = Self {
        ping: Duration::from_secs(30),
        pong: Duration::from_secs(10),
        idle: Duration::ZERO,
        close: Duration::from_secs(5),
    };

    /// No timer runs.
    pub const OFF: Self =
        Self { ping: Duration::ZERO, pong: Duration::ZERO, idle: Duration::ZERO, close: Duration::ZERO };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}
