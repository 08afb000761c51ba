//! What a connection is made with: [`Options`].

use crate::Error;
use crate::compression::{Compression, Deflating, Inflating};
use std::io;
use std::time::Duration;
use ws_core::deflate::negotiate::Agreement;
use ws_core::{Config, Limits, handshake};

/// Memory, limits and deadlines of one connection.
///
/// The buffers are `read_buffer` and `write_buffer` bytes for as long as the connection lives, and `head_buffer` bytes
/// during the opening handshake. A message that came in pieces takes up to `config.limits.message` more, as its bytes
/// come; above 8 KiB, while that buffer grows, the smaller one before it too. It is kept for the next message. What compression
/// takes stands at [`Compression`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Limits and timeouts of the protocol. `limits.message` is also how far the buffer of [`read`] may grow.
    ///
    /// [`read`]: crate::WebSocket::read
    pub config: Config,
    /// Bytes read at once, at least 1.
    pub read_buffer: usize,
    /// Bytes encoded before they are written, at least 256. Larger payloads go out in several frames, of which some peers
    /// take only so many in a message.
    pub write_buffer: usize,
    /// Bytes of the opening handshake that are kept: the first line and the fields of interest.
    pub head_buffer: usize,
    /// The opening handshake has to be done within this time, as a whole; zero: no limit.
    pub handshake_timeout: Duration,
    /// A peer that takes nothing of what is sent for this long is given up; zero: never. It gets less once closing: what
    /// is left of `config.timeouts.close`. It is all that ends a call that writes: the deadlines of the peer's silence
    /// (`config.timeouts.pong`, `idle`) are judged by calls that read.
    pub send_timeout: Duration,
    /// Messages may be compressed, if the peer agrees; `None`: they are not. A server that is to compress what some requests
    /// ask for and not what others do says so for each: [`Answer::options`](crate::Answer::options).
    pub compression: Option<Compression>,
}

impl Options {
    /// At most 16 KiB in all: 4 KiB to read, 2 KiB to write, messages of up to 8 KiB. 10 s for the handshake, 10 s for
    /// a write. No compression.
    pub const DEFAULT: Self = Self {
        config: Config::DEFAULT.with_limits(Limits::for_message(8 * 1024)),
        read_buffer: 4 * 1024,
        write_buffer: 2 * 1024,
        head_buffer: 4 * 1024,
        handshake_timeout: Duration::from_millis(handshake::TIMEOUT.millis() as u64),
        send_timeout: Duration::from_secs(10),
        compression: None,
    };

    /// The same with messages of up to `bytes`; `usize::MAX`: no limit. A longer message may come in more fragments: one
    /// for each 256 bytes, so that a peer with small buffers can send it.
    #[must_use]
    pub const fn with_message_limit(mut self, bytes: usize) -> Self {
        let limits = Limits::for_message(bytes);
        let fragments = limits.message / 256;
        self.config.limits.message = limits.message;
        if fragments > self.config.limits.fragments {
            self.config.limits.fragments = fragments;
        }
        self
    }

    /// The same with compression, if the peer agrees.
    #[must_use]
    pub const fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// What works as was agreed on, if something was.
    pub(crate) fn begin_compression(
        &self,
        agreement: Option<Agreement>,
    ) -> Result<Option<(Inflating, Deflating)>, Error> {
        let (Some(compression), Some(agreement)) = (self.compression, agreement) else { return Ok(None) };
        // The sizes fit, as they are taken from what was agreed on.
        compression.begin(&agreement).map(Some).map_err(|error| Error::Io(io::Error::other(error)))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}
