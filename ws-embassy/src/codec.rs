//! What stands behind [`compression`](crate::compression): how each kind of codec takes part in a handshake, and what it gives to the
//! two halves of a WebSocket.

use crate::compression::{Compression, Plain};
use crate::link::{State, with};
use crate::split::{Found, Take, decode_by};
use core::cell::RefCell;
use core::mem;
use ws_core::connection::{DeflatingSender, InflatingReceiver};
use ws_core::deflate::Layout;
use ws_core::handshake::{client, server};
use ws_core::{Connection, Event, Input, Kind, Output, PeerError, Role, UsageError};

pub trait Codec {
    /// `false`: it never does anything.
    const COMPRESSES: bool;

    /// Lent on: as large as it has to be.
    type Lent<'x>: Codec
    where
        Self: 'x;

    fn lend(&mut self) -> Self::Lent<'_>;

    /// Agrees to what a client offers, if it will do; `true`: and has begun.
    fn agree(&mut self, accept: &mut server::Accept<'_>) -> bool;

    /// Offers it to a server.
    fn offer<'h>(&self, handshake: client::Handshake<'h>) -> client::Handshake<'h>;

    /// `true`: the server agrees, and it has begun.
    fn confirm(&mut self, handshake: &client::Handshake<'_>) -> bool;

    /// For the WebSocket behind such a handshake.
    fn halves<R: Role>(&mut self) -> Halves<'_, R>;
}

pub trait CodecFor<'c>: Codec {
    /// The same, for as long as it is lent.
    fn into_halves<R: Role>(self) -> Halves<'c, R>;
}

impl<'c> CodecFor<'c> for Plain {
    fn into_halves<R: Role>(self) -> Halves<'c, R> {
        Halves::PLAIN
    }
}

impl<'c, L: Layout> CodecFor<'c> for &'c mut Compression<'_, L> {
    fn into_halves<R: Role>(self) -> Halves<'c, R> {
        self.halves()
    }
}

impl<'m, L: Layout> Codec for &mut Compression<'m, L> {
    const COMPRESSES: bool = true;

    type Lent<'x>
        = &'x mut Compression<'m, L>
    where
        Self: 'x;

    fn lend(&mut self) -> &mut Compression<'m, L> {
        self
    }

    fn agree(&mut self, accept: &mut server::Accept<'_>) -> bool {
        (**self).agree(accept)
    }

    fn offer<'h>(&self, handshake: client::Handshake<'h>) -> client::Handshake<'h> {
        (**self).offer(handshake)
    }

    fn confirm(&mut self, handshake: &client::Handshake<'_>) -> bool {
        (**self).confirm(handshake)
    }

    fn halves<R: Role>(&mut self) -> Halves<'_, R> {
        (**self).halves()
    }
}

impl Codec for Plain {
    const COMPRESSES: bool = false;

    type Lent<'x> = Self;

    fn lend(&mut self) -> Self {
        Self
    }

    #[inline]
    fn agree(&mut self, _: &mut server::Accept<'_>) -> bool {
        false
    }

    #[inline]
    fn offer<'h>(&self, handshake: client::Handshake<'h>) -> client::Handshake<'h> {
        handshake
    }

    #[inline]
    fn confirm(&mut self, _: &client::Handshake<'_>) -> bool {
        false
    }

    #[inline]
    fn halves<R: Role>(&mut self) -> Halves<'_, R> {
        Halves::PLAIN
    }
}

impl<'m, L: Layout> Codec for Compression<'m, L> {
    const COMPRESSES: bool = true;

    type Lent<'x>
        = &'x mut Compression<'m, L>
    where
        Self: 'x;

    fn lend(&mut self) -> &mut Self {
        self
    }

    fn agree(&mut self, accept: &mut server::Accept<'_>) -> bool {
        let agreement = accept.compress_if_offered(self.terms());
        agreement.is_some_and(|agreement| self.begin(&agreement).is_ok())
    }

    fn offer<'h>(&self, handshake: client::Handshake<'h>) -> client::Handshake<'h> {
        handshake.with_compression(*self.terms())
    }

    fn confirm(&mut self, handshake: &client::Handshake<'_>) -> bool {
        handshake.compression().is_some_and(|agreement| self.begin(&agreement).is_ok())
    }

    fn halves<R: Role>(&mut self) -> Halves<'_, R> {
        let (inflating, deflating) = self.split();
        Halves { inflating: Some(inflating), deflating: Some(deflating) }
    }
}

/// What the two halves of a WebSocket use, if messages are compressed. Behind `dyn`, so that what has none links nothing, and what
/// serves both kinds has its code once.
pub struct Halves<'c, R: Role> {
    pub(crate) inflating: Option<&'c mut dyn Inflate<R>>,
    pub(crate) deflating: Option<&'c mut dyn Deflate<R>>,
}

impl<R: Role> Halves<'_, R> {
    pub(crate) const PLAIN: Self = Self { inflating: None, deflating: None };
}

/// What receives: a connection as it is, or one behind an [`InflatingReceiver`].
pub(crate) trait Receive<R: Role> {
    /// As [`InflatingReceiver::receive_up_to`].
    fn receive_up_to<'a, 'b: 'a>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
        limit: usize,
    ) -> Result<Option<Event<'a>>, PeerError>;
}

impl<R: Role> Receive<R> for Plain {
    #[inline]
    fn receive_up_to<'a, 'b: 'a>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
        _: usize,
    ) -> Result<Option<Event<'a>>, PeerError> {
        ws.receive(input)
    }
}

impl<L: Layout, R: Role> Receive<R> for InflatingReceiver<'_, L> {
    #[inline]
    fn receive_up_to<'a, 'b: 'a>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
        limit: usize,
    ) -> Result<Option<Event<'a>>, PeerError> {
        Self::receive_up_to(self, ws, input, limit)
    }
}

/// An [`InflatingReceiver`], of any layout.
pub(crate) trait Inflate<R: Role> {
    /// As [`decode_by`] it.
    fn decode(
        &mut self,
        state: &RefCell<State<'_, R>>,
        bytes: &mut [u8],
        limit: usize,
        take: &mut Take<'_>,
    ) -> (usize, Found);

    /// There may be more of a message to lend, though no more comes: `Some`. With `true`, it was not put off for others yet; with
    /// `false` it was, whether or not who did is still there.
    fn wants_receive(&self, state: &RefCell<State<'_, R>>) -> Option<bool>;
}

impl<L: Layout, R: Role> Inflate<R> for InflatingReceiver<'_, L> {
    fn decode(
        &mut self,
        state: &RefCell<State<'_, R>>,
        bytes: &mut [u8],
        limit: usize,
        take: &mut Take<'_>,
    ) -> (usize, Found) {
        with(state, |state| state.put_off = false);
        decode_by(self, state, bytes, limit, take)
    }

    fn wants_receive(&self, state: &RefCell<State<'_, R>>) -> Option<bool> {
        let put_off = || with(state, |state| !mem::replace(&mut state.put_off, true)) == Some(true);
        Self::wants_receive(self).then(put_off)
    }
}

/// A [`DeflatingSender`], which not every image links.
pub(crate) trait Deflate<R: Role> {
    fn send(
        &mut self,
        ws: &mut Connection<R>,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError>;
}

/// Bytes that are compressed at once; other tasks run behind each piece. A match does not reach from one into the next, so larger
/// ones make shorter messages.
const PIECE: usize = 512;

impl<R: Role> Deflate<R> for DeflatingSender<'_> {
    fn send(
        &mut self,
        ws: &mut Connection<R>,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        let most = if last && self.sends_plain(ws, payload.len()) { payload.len() } else { PIECE };
        let (mut piece, later) = payload.split_at_checked(most).unwrap_or((payload, &[]));
        let len = piece.len();
        let is_done = Self::send(self, ws, kind, &mut piece, last && later.is_empty(), out)?;
        *payload = payload.get(len.saturating_sub(piece.len())..).unwrap_or_default();
        Ok(is_done && later.is_empty())
    }
}
