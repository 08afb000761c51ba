//! The half that writes: [`Writer`].

use super::Shared;
use crate::buffers::Patience;
use crate::link::{closing, forget, taken};
use crate::{Error, Transport, compression};
use std::sync::Arc;
use ws_core::{CloseCode, Connection, Kind, Output, ReadyState, Role, UsageError};

/// The half that writes; see [`WebSocket::split`](crate::WebSocket::split). A call ends when the peer takes nothing for
/// [`Options::send_timeout`](crate::Options::send_timeout); the peer's silence is for the [`Reader`] to judge.
/// Dropping it sends no Close and closes nothing while the reader lives: call [`close`](Self::close) before.
///
/// [`Reader`]: crate::Reader
#[derive(Debug)]
pub struct Writer<S, R: Role> {
    pub(super) shared: Arc<Shared<S, R>>,
}

impl<S: Transport, R: Role> Writer<S, R> {
    /// As [`WebSocket::send_text`](crate::WebSocket::send_text).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send_whole(Kind::Text, text.as_bytes())
    }

    /// As [`WebSocket::send_binary`](crate::WebSocket::send_binary).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send_whole(Kind::Binary, bytes)
    }

    fn send_whole(&mut self, kind: Kind, mut payload: &[u8]) -> Result<(), Error> {
        self.encode_data(Patience::Insist, kind, &mut payload, true)?;
        self.shared.transmit(&mut self.shared.outgoing(), Patience::Insist)?;
        self.shared.write_owed()
    }

    /// As [`WebSocket::send`](crate::WebSocket::send).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.encode_data(Patience::Send, kind, payload, last)?;
        taken(self.flush())
    }

    /// As [`WebSocket::feed`](crate::WebSocket::feed).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn feed(&mut self, kind: Kind, payload: &mut &[u8], last: bool) -> Result<(), Error> {
        self.encode_data(Patience::Send, kind, payload, last)
    }

    fn encode_data(
        &self,
        patience: Patience,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
    ) -> Result<(), Error> {
        self.shared.encode(patience, |shared, deflating, out| {
            compression::send(shared, deflating, kind, payload, last, out)
        })
    }

    /// Writes what `put` encodes by hand, until it says that it is done.
    pub(crate) fn put(
        &mut self,
        mut put: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), Error> {
        self.shared.encode(Patience::Insist, |shared, _, out| put(&mut shared.ws(), out))?;
        self.shared.transmit(&mut self.shared.outgoing(), Patience::Insist)?;
        self.shared.write_owed()
    }

    /// Ends the connection without a Close: nothing more is written, and the reader finds it lost.
    pub(crate) fn give_up(&mut self) {
        let mut outgoing = self.shared.outgoing();
        forget(&mut outgoing.outbox, &mut self.shared.ws());
        self.shared.ws().receive_eof();
    }

    /// As [`WebSocket::flush`](crate::WebSocket::flush).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn flush(&mut self) -> Result<(), Error> {
        let patience = self.shared.patience();
        self.shared.transmit(&mut self.shared.outgoing(), patience)?;
        self.shared.write_owed()
    }

    /// As [`WebSocket::ping`](crate::WebSocket::ping).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.shared.encode(Patience::Send, |shared, _, out| shared.ws().ping(payload, out))?;
        taken(self.flush())
    }

    /// Sends a Close and returns; the reader goes on until its `None`.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::begin_close`](crate::WebSocket::begin_close).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.begin_close(Some(code), reason)
    }

    /// As [`close`](Self::close); the code may be missing.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::begin_close`](crate::WebSocket::begin_close).
    pub fn begin_close(&mut self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        let patience = {
            let mut ws = self.shared.ws();
            ws.set_time(self.shared.clock.now());
            closing(&ws)
        };
        self.shared.encode(patience, |shared, _, out| shared.ws().close(code, reason, out))?;
        taken(self.flush())
    }

    /// How far the connection is.
    pub fn ready_state(&self) -> ReadyState {
        self.shared.ws().ready_state()
    }

    /// Bytes encoded or owed, and not yet taken by the stream.
    pub fn buffered_amount(&self) -> u64 {
        let encoded = self.shared.outgoing().outbox.len() as u64;
        self.shared.ws().buffered_amount().saturating_add(encoded)
    }
}
