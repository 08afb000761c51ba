//! Compressed messages in: [`InflatingReceiver`].

use super::super::receiver::Phase;
use super::super::{Connection, Data, Engine, Event, Role};
use crate::bytes::Input;
use crate::deflate::negotiate::Agreement;
use crate::deflate::{InflateError, Inflater, Layout, SizeError, bits_of};
use crate::error::PeerError;
use crate::frame::Kind;
use crate::frame::mask::{advance, unmask};

/// How much of the input is unmasked at once, before it is known how much of it can be inflated.
const AHEAD: usize = 1024;

/// The receiving half of [`Compression`](super::Compression): used in place of [`Connection::receive`].
///
/// # Memory
///
/// What is lent, and about 20 words. The formula stands at [`Inflater`].
pub struct InflatingReceiver<'m, L: Layout> {
    inflater: Inflater<'m, L>,
    /// The peer may refer to earlier messages.
    takeover: bool,
    incoming: Incoming,
    /// What the message that comes in may still have.
    room: u32,
    /// What is wrong with it, once what is right was lent.
    fault: Option<PeerError>,
    /// What was taken of it may stand for more than was lent.
    more: bool,
    /// How much of what was inflated last is lent.
    len: usize,
}

/// How far the compressed message that comes in was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Incoming {
    No,
    Begun,
    /// All of it was taken, and not all lent.
    Taken(Kind),
}

/// A piece that can be lent: its bytes are the inflater's.
struct Piece {
    kind: Kind,
    len: usize,
    first: bool,
    last: bool,
}

impl<'m, L: Layout> InflatingReceiver<'m, L> {
    /// For the connections to come, each of which is to [begin](Self::begin).
    pub const fn new(inflater: Inflater<'m, L>) -> Self {
        Self { inflater, takeover: false, incoming: Incoming::No, room: 0, fault: None, more: false, len: 0 }
    }

    /// For a connection whose handshake has agreed on this: to be called before its first message.
    ///
    /// # Errors
    ///
    /// [`SizeError::Window`] if the window is shorter than what was agreed on: than [`window_bits`](Self::window_bits) says.
    pub fn begin(&mut self, agreement: &Agreement) -> Result<(), SizeError> {
        if agreement.inflate.window_bits > self.window_bits() {
            return Err(SizeError::Window);
        }
        self.inflater.reset();
        self.takeover = agreement.inflate.takeover;
        (self.incoming, self.fault, self.more, self.len) = (Incoming::No, None, false, 0);
        Ok(())
    }

    /// The window that there is memory for, in bits: at most what may be agreed on.
    pub fn window_bits(&self) -> u8 {
        bits_of(self.inflater.reach())
    }

    /// As [`Connection::receive`], and inflates. A piece is lent until the next call; of a compressed message it has at most
    /// the length of the window, and its [`remaining`](Data::remaining) is 0, as nobody knows it.
    ///
    /// Call it until it returns `Ok(None)`, not until the input is empty: a byte may stand for several pieces. Work is bounded
    /// by the bytes taken and lent.
    ///
    /// # Errors
    ///
    /// As [`Connection::receive`]; [`PeerError::BadCompression`]. [`Limits::message`](crate::Limits::message) counts what a
    /// message inflates to, and what exceeds it is not inflated.
    #[inline]
    pub fn receive<'a, 'b: 'a, R: Role>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
    ) -> Result<Option<Event<'a>>, PeerError> {
        self.receive_up_to(ws, input, usize::MAX)
    }

    /// As [`receive`](Self::receive), and of a compressed message a piece has at most `limit` bytes, of which 0 counts as 1: for who
    /// has no more room for a copy. What is not compressed is bounded by the input.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn receive_up_to<'a, 'b: 'a, R: Role>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
        limit: usize,
    ) -> Result<Option<Event<'a>>, PeerError> {
        let engine = &mut ws.engine;
        self.len = 0;
        if engine.is_failed() {
            (self.incoming, self.fault, self.more) = (Incoming::No, None, false);
        }
        if let Some(fault) = self.fault.take() {
            return Err(self.fail(engine, fault));
        }
        let Piece { kind, len, first, last } = loop {
            if !self.wants_receive() {
                if let Some(event) = engine.receive(!R::MASKS, true, input)? {
                    return Ok(Some(event));
                }
                if !engine.is_in_compressed() {
                    return Ok(None);
                }
            }
            match self.inflate(engine, !R::MASKS, input, limit)? {
                Some(piece) => break piece,
                None if input.is_empty() && !self.wants_receive() => return Ok(None),
                None => {}
            }
        };
        self.len = len;
        Ok(Some(Event::Data(Data { kind, payload: self.lent(), first, last, remaining: 0 })))
    }

    /// The payload that the latest [`receive`](Self::receive) lent, once more, if it was inflated; else empty.
    pub fn lent(&self) -> &[u8] {
        self.inflater.lent().get(..self.len).unwrap_or_default()
    }

    /// There may be more of a message to lend, though the input is empty: [`receive`](Self::receive) again before more is read.
    pub fn wants_receive(&self) -> bool {
        matches!(self.incoming, Incoming::Taken(_)) || self.more || self.fault.is_some()
    }

    /// One step further in a compressed message; `None`: it has come to nothing that could be lent.
    fn inflate(
        &mut self,
        engine: &mut Engine,
        masked: bool,
        input: &mut Input<'_>,
        limit: usize,
    ) -> Result<Option<Piece>, PeerError> {
        let nothing = &mut &[][..];
        let (done, kind) = match self.incoming {
            Incoming::Taken(kind) => (self.inflater.advance(nothing, true, self.max_out(limit)), kind),
            Incoming::Begun if self.more => {
                (self.inflater.advance(nothing, false, self.max_out(limit)), kind_of(engine))
            }
            _ => match self.inflate_front(engine, masked, input, limit) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        self.more = self.inflater.is_full(self.max_out(limit)) || self.inflater.holds_more();
        let Ok(done) = done else { return Err(self.fail(engine, PeerError::BadCompression)) };
        if done {
            self.incoming = Incoming::No;
        }
        let (len, last) = self.judge(engine, kind, done);
        if len != 0 || last {
            let first = core::mem::replace(&mut engine.first, false);
            return Ok(Some(Piece { kind, len, first, last }));
        }
        match self.fault.take() {
            Some(fault) => Err(self.fail(engine, fault)),
            None => Ok(None),
        }
    }

    /// Inflates what is at the front of the input, and takes it; `None`: there is nothing. Otherwise whether the message is done,
    /// and what it is.
    fn inflate_front(
        &mut self,
        engine: &mut Engine,
        masked: bool,
        input: &mut Input<'_>,
        limit: usize,
    ) -> Option<(Result<bool, InflateError>, Kind)> {
        let Phase::Data { left, key, fin } = engine.phase else { return None };
        if input.is_empty() && left != 0 {
            return None;
        }
        if self.incoming == Incoming::No {
            self.incoming = Incoming::Begun;
            self.room = engine.config.limits.message;
            if !self.takeover {
                self.inflater.reset();
            }
        }
        let max_out = self.max_out(limit);
        let front = input.front_mut(usize::try_from(left).unwrap_or(usize::MAX).min(AHEAD).min(max_out));
        if masked {
            unmask::<false>(front, key);
        }
        let len = front.len();
        let mut rest: &[u8] = front;
        let done = self.inflater.advance(&mut rest, fin && len as u64 == left, max_out);
        let used = len.saturating_sub(rest.len());
        if masked && used < len {
            // As if it had not been looked at.
            let rest = input.front_mut(len).get_mut(used..).unwrap_or_default();
            unmask::<false>(rest, advance(key, used));
        }
        input.take(used);
        let kind = kind_of(engine);
        let left = left.saturating_sub(used as u64);
        engine.phase = match left {
            0 => Phase::NewFrame,
            _ => Phase::Data { left, key: advance(key, used), fin },
        };
        if left == 0 && fin {
            (engine.message, engine.compressed) = (None, false);
            self.incoming = Incoming::Taken(kind);
        }
        Some((done, kind))
    }

    /// Of the message, one byte more than there may be, to be seen if there is.
    fn max_out(&self, limit: usize) -> usize {
        usize::try_from(self.room).unwrap_or(usize::MAX).saturating_add(1).min(limit.max(1))
    }

    /// How much of what was inflated is right, and whether it is the end of the message. What is wrong behind it is the fault.
    fn judge(&mut self, engine: &mut Engine, kind: Kind, done: bool) -> (usize, bool) {
        let bytes = self.inflater.lent();
        let mut len = bytes.len();
        if engine.config.limits.message != u32::MAX {
            match u32::try_from(len).ok().and_then(|len| self.room.checked_sub(len)) {
                Some(room) => self.room = room,
                None => {
                    self.fault = Some(PeerError::MessageTooBig);
                    len = len.min(usize::try_from(self.room).unwrap_or(usize::MAX));
                }
            }
        }
        if kind == Kind::Text {
            let valid = engine.utf8.check(bytes.get(..len).unwrap_or_default());
            if let Some(valid) = valid {
                self.fault = Some(PeerError::InvalidUtf8);
                len = valid;
            } else if done && self.fault.is_none() && !engine.utf8.is_complete() {
                self.fault = Some(PeerError::InvalidUtf8); // it ends inside a character
            }
        }
        (len, done && self.fault.is_none())
    }

    fn fail(&mut self, engine: &mut Engine, fault: PeerError) -> PeerError {
        (self.incoming, self.more) = (Incoming::No, false);
        engine.violation(fault)
    }
}

/// The kind of the message that comes in.
fn kind_of(engine: &Engine) -> Kind {
    engine.message.unwrap_or(Kind::Binary)
}

impl Engine {
    /// The input is that of a compressed message.
    fn is_in_compressed(&self) -> bool {
        self.compressed && matches!(self.phase, Phase::Data { .. })
    }
}

impl<L: Layout> core::fmt::Debug for InflatingReceiver<'_, L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.inflater.fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl<L: Layout> defmt::Format for InflatingReceiver<'_, L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", self.inflater);
    }
}
