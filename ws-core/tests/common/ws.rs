//! [`Ws`]: a connection of either role, so that one test serves both; and what it is made with.

use ws_core::{
    Client, CloseCode, Config, Connection, Duration, Entropy, Event, Input, Instant, Kind, Limits, Output,
    PeerError, ReadyState, Server, TimedOut, Timeouts, UsageError,
};

/// Which role the end under test plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Server,
    Client,
}

pub(crate) const ENDS: [End; 2] = [End::Server, End::Client];

impl End {
    pub(crate) fn peer(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }

    /// Bytes of masking key in what this end sends.
    pub(crate) fn key_len(self) -> usize {
        if self == Self::Client { 4 } else { 0 }
    }
}

/// Keys for tests, and for nothing else: anybody can predict them. No two of the first 2³² are the same.
#[derive(Debug, Default)]
pub(crate) struct TestKeys(u32);

impl Entropy for TestKeys {
    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(4) {
            self.0 = self.0.wrapping_add(1);
            let key = self.0.wrapping_mul(0x9e37_79b1).to_be_bytes();
            part.copy_from_slice(&key[..part.len()]);
        }
    }
}

/// No timers, no limits: what is tested is something else.
pub(crate) const FREE: Config = Config {
    limits: Limits { message: u32::MAX, fragments: u32::MAX, empty_fragments: u8::MAX },
    timeouts: Timeouts::OFF,
};

/// A moment, in milliseconds.
pub(crate) const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A length of time, in milliseconds.
pub(crate) const fn ms(millis: u32) -> Duration {
    Duration::from_millis(millis)
}

/// A connection of either role.
#[derive(Debug)]
pub(crate) enum Ws {
    Server(Connection<Server>),
    Client(Connection<Client<TestKeys>>),
}

impl Ws {
    pub(crate) fn new(end: End, config: Config, now: Instant) -> Self {
        match end {
            End::Server => Self::Server(Connection::server(config, now)),
            End::Client => Self::Client(Connection::client(config, TestKeys::default(), now)),
        }
    }
}

macro_rules! forward {
    ($($name:ident(&$($mut:ident)? $(, $arg:ident: $kind:ty)*) -> $result:ty;)*) => {
        impl Ws {
            $(pub(crate) fn $name(self: &$($mut)? Self $(, $arg: $kind)*) -> $result {
                match self {
                    Self::Server(ws) => ws.$name($($arg),*),
                    Self::Client(ws) => ws.$name($($arg),*),
                }
            })*
        }
    };
}

forward! {
    close(&mut, code: Option<CloseCode>, reason: &str, out: &mut Output<'_>) -> Result<bool, UsageError>;
    begin(&mut, kind: Kind, len: u64, last: bool, out: &mut Output<'_>) -> Result<bool, UsageError>;
    send(&mut, kind: Kind, rest: &mut &[u8], last: bool, out: &mut Output<'_>) -> Result<bool, UsageError>;
    payload(&mut, rest: &mut &[u8], out: &mut Output<'_>) -> Result<bool, UsageError>;
    ping(&mut, payload: &[u8], out: &mut Output<'_>) -> Result<bool, UsageError>;
    pong(&mut, payload: &[u8], out: &mut Output<'_>) -> Result<bool, UsageError>;
    transmit(&mut, out: &mut Output<'_>) -> usize;
    fail(&mut, code: CloseCode) -> ();
    receive_eof(&mut) -> ();
    handle_timeout(&mut, now: Instant) -> ();
    set_time(&mut, now: Instant) -> ();
    wants_transmit(&) -> bool;
    wants_shutdown(&) -> bool;
    close_expected(&) -> bool;
    is_sendable(&) -> bool;
    was_clean(&) -> bool;
    ready_state(&) -> ReadyState;
    buffered_amount(&) -> u64;
    close_sent(&) -> Option<Option<CloseCode>>;
    close_received(&) -> Option<Option<CloseCode>>;
    poll_timeout(&) -> Option<Instant>;
    timed_out(&) -> Option<TimedOut>;
    round_trip(&) -> Option<Duration>;
}

impl Ws {
    pub(crate) fn receive<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<Event<'b>>, PeerError> {
        match self {
            Self::Server(ws) => ws.receive(input),
            Self::Client(ws) => ws.receive(input),
        }
    }

    pub(crate) fn control(&self) -> &[u8] {
        match self {
            Self::Server(ws) => ws.control(),
            Self::Client(ws) => ws.control(),
        }
    }

    pub(crate) fn close_reason(&self) -> &str {
        match self {
            Self::Server(ws) => ws.close_reason(),
            Self::Client(ws) => ws.close_reason(),
        }
    }
}
