//! The closing handshake (RFC 6455 7.1), as a table.
//!
//! | our Close | peer's Close | state | may send | may receive | what is next |
//! | --- | --- | --- | --- | --- | --- |
//! | no | no | Open | yes | yes | |
//! | owed | no | Closing | no | no, it failed | transmit; shut down |
//! | owed | yes | Closing | no | no | transmit; shut down (server) or await the end (client) |
//! | sent | no | Closing | Pongs alone | yes, until the peer's Close | await the peer's Close |
//! | sent | no, it failed | Closing | no | no | shut down |
//! | sent | yes | Closing | no | no | shut down (server) or await the end (client) |
//! | any | any | Closed, at the transport's end | no | no | drop the transport |
//!
//! To shut down is to end one's own direction of the transport (FIN), then to read and forget until the peer's end or
//! the deadline: closing a TCP socket with unread input resets it, and may take the Close frame along.

use super::{Connection, Engine, Role};
use crate::frame::CloseCode;

/// How far a connection is, in the words of the WHATWG WebSockets standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadyState {
    /// The opening handshake is not finished. A [`Connection`] is never in it; adapters are.
    Connecting,
    /// Messages go both ways.
    Open,
    /// The closing handshake has begun, or the peer broke a rule.
    Closing,
    /// The transport has ended, or was given up.
    Closed,
}

/// How far our Close frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(super) enum Sent {
    No,
    Owed,
    Yes,
}

impl<R: Role> Connection<R> {
    /// How far the connection is.
    pub fn ready_state(&self) -> ReadyState {
        self.engine.ready_state()
    }

    /// Both Close frames have gone over: nothing was lost. Otherwise the connection ends with what the WHATWG
    /// standard calls code 1006.
    pub fn was_clean(&self) -> bool {
        self.engine.close_received && self.engine.close_sent == Sent::Yes
    }

    /// The code of the peer's Close: `None` before it came, `Some(None)` if it had none (RFC 6455 7.1.5 calls that
    /// 1005).
    pub fn close_received(&self) -> Option<Option<CloseCode>> {
        self.engine.close_received.then_some(self.engine.peer_code)
    }

    /// The code of our Close: `None` before it was sent or owed, `Some(None)` if it has none.
    pub fn close_sent(&self) -> Option<Option<CloseCode>> {
        (self.engine.close_sent != Sent::No).then_some(self.engine.our_code)
    }

    /// The reason in the peer's Close, up to 123 bytes; empty before it came (RFC 6455 7.1.6).
    pub fn close_reason(&self) -> &str {
        match self.control() {
            [_, _, reason @ ..] if self.engine.close_received => {
                core::str::from_utf8(reason).unwrap_or_default()
            }
            _ => "",
        }
    }

    /// The transport has ended: the peer's FIN or RST. Call it once no more input will come; what is owed may still be
    /// transmitted if the other direction is open.
    pub fn receive_eof(&mut self) {
        self.engine.eof = true;
    }

    /// End this direction of the transport (FIN), then read and forget until the peer ends the other or
    /// [`timed_out`](Self::timed_out): the server once both Close frames have gone over, since it is to close TCP
    /// first (RFC 6455 7.1.1); either role behind an error, or at the peer's end.
    pub fn wants_shutdown(&self) -> bool {
        self.engine.wants_shutdown(R::MASKS)
    }

    /// The peer is to end the connection, and [`Timeouts::close`](crate::Timeouts::close) runs.
    pub fn close_expected(&self) -> bool {
        !self.engine.may_send() && !self.engine.eof
    }
}

impl Engine {
    #[inline(never)]
    pub(super) fn ready_state(&self) -> ReadyState {
        if self.eof || self.timed_out().is_some() {
            ReadyState::Closed
        } else if self.may_send() {
            ReadyState::Open
        } else {
            ReadyState::Closing
        }
    }

    fn wants_shutdown(&self, is_client: bool) -> bool {
        !self.wants_transmit()
            && (self.eof
                || (self.close_sent == Sent::Yes
                    && (self.is_failed() || (self.close_received && !is_client))))
    }

    /// No Close was sent or is owed, and the transport has not ended.
    #[inline]
    pub(super) fn may_send(&self) -> bool {
        self.close_sent == Sent::No && !self.eof
    }

    /// The peer's Close came: it is answered with its own code, unless ours was first (RFC 6455 5.5.1).
    pub(super) fn receive_close(&mut self, code: Option<CloseCode>) {
        self.close_received = true;
        self.peer_code = code;
        self.owe_close(code);
    }

    pub(super) fn owe_close(&mut self, code: Option<CloseCode>) {
        if self.close_sent == Sent::No {
            self.begin_close(code, Sent::Owed);
        }
    }

    pub(super) fn begin_close(&mut self, code: Option<CloseCode>, sent: Sent) {
        self.our_code = code;
        self.close_sent = sent;
        self.heard = self.now;
        if self.control != Some(super::sender::Control::Ping) {
            self.ping_owed = false;
        }
    }
}
