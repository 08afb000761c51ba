//! An open WebSocket: [`Connection`]. What comes behind the opening handshake, whoever made that.
//!
//! | file | what |
//! | --- | --- |
//! | `config.rs` | limits and timeouts, and why their defaults are what they are |
//! | `role.rs` | server and client as types |
//! | `receiver.rs` | bytes in, events out |
//! | `sender.rs` | messages in, frames out; the control frames that are owed |
//! | `compression/` | messages compressed and inflated on their way |
//! | `closing.rs` | the closing handshake, as a table |
//! | `keepalive.rs` | heartbeat and deadlines |
//! | `message.rs` | whole messages in lent memory |

mod closing;
mod compression;
mod config;
mod keepalive;
mod message;
#[cfg(test)]
#[path = "../../tests/model/mod.rs"]
mod model;
mod receiver;
mod role;
mod sender;

pub use closing::ReadyState;
pub use compression::{Compression, CompressionBuffers, DeflatingSender, InflatingReceiver};
pub use config::{Config, Limits, Timeouts};
pub use keepalive::TimedOut;
pub use message::{Message, MessageBuffer};
pub use receiver::{Data, Event};
pub use role::{Client, Role, Server};

use crate::bytes::utf8::Utf8;
use crate::entropy::Entropy;
use crate::frame::{CONTROL_MAX, CloseCode, Kind};
use crate::time::{Duration, Instant};

/// One end of an open WebSocket: decodes what was read, encodes what is to be written, and knows what it owes.
///
/// It owns no socket, no buffer and no clock. Whoever drives it does this, for as long as the transport lives:
///
/// 1. read into a buffer; say what time it is with [`set_time`](Self::set_time);
/// 2. call [`receive`](Self::receive) until the input is empty, and use each event while it is lent;
/// 3. [`send`](Self::send) what there is to say; before a [`close`](Self::close) or a [`fail`](Self::fail), say what time
///    it is;
/// 4. call [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) asks for it;
/// 5. [`transmit`](Self::transmit) what the connection owes, and write the output out;
/// 6. shut the transport down when [`wants_shutdown`](Self::wants_shutdown), and drop it when
///    [`timed_out`](Self::timed_out) or at its end, which [`receive_eof`](Self::receive_eof) is told.
///
/// # Memory
///
/// At most 224 bytes for a server, whatever is sent or received; 125 of them are the payload of one control frame.
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub struct Connection<R: Role> {
    role: R,
    engine: Engine,
}

/// All but the role, so that an image with both roles has one copy of the code that works on it.
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
struct Engine {
    config: Config,

    // receiver.rs
    phase: receiver::Phase,
    /// Of the message being received: its kind, whether a piece was delivered, what it may still hold.
    message: Option<Kind>,
    first: bool,
    compressed: bool,
    utf8: Utf8,
    room: u32,
    fragments: u32,
    empty_fragments: u8,
    /// Payload of the latest control frame; if that was a Ping, it is also the Pong.
    slot: [u8; CONTROL_MAX],
    slot_len: u8,

    // sender.rs
    /// How the message began that `send` or `begin` is inside of: its opcode, and RSV1 if it is compressed; 0: there is none.
    sending: u8,
    /// Payload that `begin` promised and that was not written yet.
    frame_left: u64,
    /// The control frame that is going out, and how many of its bytes have.
    control: Option<sender::Control>,
    control_at: u8,
    pong_owed: bool,
    ping_owed: bool,

    // closing.rs
    close_sent: closing::Sent,
    close_received: bool,
    our_code: Option<CloseCode>,
    peer_code: Option<CloseCode>,
    eof: bool,

    // keepalive.rs
    now: Instant,
    /// When bytes came last; once closing, when that began.
    heard: Instant,
    /// When the latest heartbeat Ping was due.
    beat: Instant,
    round_trip: Duration,
    heartbeat: keepalive::State,
}

impl Connection<Server> {
    /// A server's end (RFC 6455 4.2.2: from the last byte of its 101 response on). `now`: see [`Instant`].
    pub const fn server(config: Config, now: Instant) -> Self {
        Self::new(Server::NEW, config, now)
    }
}

impl<E: Entropy> Connection<Client<E>> {
    /// A client's end (RFC 6455 4.1: from the last byte of the 101 response on). `entropy` makes the masking keys;
    /// `now`: see [`Instant`].
    pub const fn client(config: Config, entropy: E, now: Instant) -> Self {
        Self::new(Client::new(entropy), config, now)
    }
}

impl<R: Role> Connection<R> {
    const fn new(role: R, config: Config, now: Instant) -> Self {
        Self { role, engine: Engine::new(config, now) }
    }

    /// What it was made with.
    pub const fn config(&self) -> &Config {
        &self.engine.config
    }
}

impl Engine {
    #[inline(never)] // else it is put together on the stack, and copied
    const fn new(config: Config, now: Instant) -> Self {
        Self {
            config,
            phase: receiver::Phase::NewFrame,
            message: None,
            first: false,
            compressed: false,
            utf8: Utf8::START,
            room: 0,
            fragments: 0,
            empty_fragments: 0,
            slot: [0; CONTROL_MAX],
            slot_len: 0,
            sending: 0,
            frame_left: 0,
            control: None,
            control_at: 0,
            pong_owed: false,
            ping_owed: false,
            close_sent: closing::Sent::No,
            close_received: false,
            our_code: None,
            peer_code: None,
            eof: false,
            now,
            heard: now,
            beat: now,
            round_trip: Duration::ZERO,
            heartbeat: keepalive::State::START,
        }
    }
}

impl<R: Role> core::fmt::Debug for Connection<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("ready_state", &self.ready_state())
            .field("buffered_amount", &self.buffered_amount())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<R: Role> defmt::Format for Connection<R> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Connection({}, owes {} B)", self.ready_state(), self.buffered_amount());
    }
}
