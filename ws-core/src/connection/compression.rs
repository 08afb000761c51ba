//! Compressed messages over a connection (RFC 7692 6): [`Compression`], which goes between it and who drives it. Who does not
//! compress links nothing of this. What stands in a compressed message is `deflate`'s; which frames are legal, `frame`'s.

use super::receiver::Phase;
use super::{Connection, Data, Engine, Event, Role};
use crate::bytes::{Input, Output};
use crate::deflate::negotiate::Agreement;
use crate::deflate::{Deflater, Effort, InflateError, Inflater, Layout, Memory, SizeError};
use crate::error::{PeerError, UsageError};
use crate::frame::Kind;
use crate::frame::mask::{advance, unmask};

/// How much of the input is unmasked at once, before it is known how much of it can be inflated.
const AHEAD: usize = 1024;

/// permessage-deflate on one connection, behind a handshake that agreed on it: used in place of
/// [`Connection::receive`] and [`Connection::send`], with the connection given to each call. All else is asked of the connection
/// itself.
///
/// ```
/// use ws_core::connection::Compression;
/// use ws_core::deflate::{Buffers, Effort, Small, negotiate::Terms};
/// use ws_core::{Config, Connection, Event, Input, Instant, Output, Server};
///
/// // With 512 bytes of window each way; `agreement` is the handshake's.
/// # let agreement = Terms::new(9, 9).accept([("client_max_window_bits", None)].into_iter()).unwrap();
/// let (mut window, mut tables, mut buffers) = ([0; 512], Small::new(), Buffers::<512, 0, 0, 736>::new());
/// let mut compression =
///     Compression::new(&agreement, &mut window, &mut tables, buffers.memory(), Effort::SMALL)?;
/// let mut ws = Connection::<Server>::server(Config::DEFAULT, Instant::from_millis(0));
///
/// // "Hello", as in RFC 7692 7.2.3.1, but masked with zeros.
/// let mut read = *b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
/// let mut input = Input::new(&mut read);
/// while let Some(event) = compression.receive(&mut ws, &mut input)? {
///     let Event::Data(data) = event else { continue };
///     assert_eq!((data.payload, data.last), (&b"Hello"[..], true)); // lent until the next call
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory
///
/// What is lent, and about 60 words. The formulas stand at [`Inflater`] and [`Buffers`](crate::deflate::Buffers).
pub struct Compression<'m, L: Layout> {
    inflater: Inflater<'m, L>,
    deflater: Deflater<'m>,
    /// The peer, and we, may refer to earlier messages.
    peer_takeover: bool,
    takeover: bool,
    threshold: usize,

    incoming: Incoming,
    /// What the message that comes in may still have.
    room: u32,
    /// What is wrong with it, once what is right was lent.
    fault: Option<PeerError>,
    outgoing: Outgoing,
}

/// How far the compressed message that comes in was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Incoming {
    No,
    Begun,
    /// All of it was taken, and not all lent.
    Taken(Kind),
}

/// What is done with the message that goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outgoing {
    Plain,
    /// It is compressed, and no frame of it was put.
    First,
    Compressed,
}

/// A piece that can be lent: its bytes are the inflater's.
struct Piece {
    kind: Kind,
    len: usize,
    first: bool,
    last: bool,
}

impl<'m, L: Layout> Compression<'m, L> {
    /// Messages shorter than this are sent as they are, unless set otherwise: hardly any gets shorter by itself, and each costs
    /// time.
    pub const THRESHOLD: usize = 64;

    /// Over memory for both directions. `window`: at least [`Direction::window`](crate::deflate::negotiate::Direction::window) of
    /// what was agreed on for `inflate`, and [`Layout::SLACK`] more; of `memory`, no more is used than was agreed on.
    ///
    /// # Errors
    ///
    /// [`SizeError::Window`] if `window` is too short, and what [`Memory`] is refused for.
    pub fn new(
        agreement: &Agreement,
        window: &'m mut [u8],
        tables: &'m mut L,
        memory: Memory<'m>,
        effort: Effort,
    ) -> Result<Self, SizeError> {
        if window.len() < agreement.inflate.window().saturating_add(L::SLACK) {
            return Err(SizeError::Window);
        }
        let memory = memory.with_window_bits(agreement.deflate.window_bits);
        Ok(Self {
            inflater: Inflater::new(window, tables).ok_or(SizeError::Window)?,
            deflater: Deflater::new(memory, effort)?,
            peer_takeover: agreement.inflate.takeover,
            takeover: agreement.deflate.takeover,
            threshold: Self::THRESHOLD,
            incoming: Incoming::No,
            room: 0,
            fault: None,
            outgoing: Outgoing::Plain,
        })
    }

    /// The same, with messages shorter than `bytes` sent as they are. With context takeover, 16 may be better than
    /// [`THRESHOLD`](Self::THRESHOLD). A message that is sent in several calls is compressed whatever its length.
    #[must_use]
    pub const fn with_threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
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
    pub fn receive<'a, 'b: 'a, R: Role>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
    ) -> Result<Option<Event<'a>>, PeerError> {
        let engine = &mut ws.engine;
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
            match self.inflate(engine, !R::MASKS, input)? {
                Some(piece) => break piece,
                None if input.is_empty() && !self.wants_receive() => return Ok(None),
                None => {}
            }
        };
        let payload = self.inflater.lent().get(..len).unwrap_or_default();
        Ok(Some(Event::Data(Data { kind, payload, first, last, remaining: 0 })))
    }

    /// There may be more of a message to lend, though the input is empty: [`receive`](Self::receive) again before more is read.
    pub fn wants_receive(&self) -> bool {
        matches!(self.incoming, Incoming::Taken(_)) || self.fault.is_some()
    }

    /// One step further in a compressed message; `None`: it has come to nothing that could be lent.
    fn inflate(
        &mut self,
        engine: &mut Engine,
        masked: bool,
        input: &mut Input<'_>,
    ) -> Result<Option<Piece>, PeerError> {
        let (done, kind) = match self.incoming {
            Incoming::Taken(kind) => (self.inflater.advance(&mut &[][..], true, self.max_out()), kind),
            _ => match self.inflate_front(engine, masked, input) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
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
    ) -> Option<(Result<bool, InflateError>, Kind)> {
        let Phase::Data { left, key, fin } = engine.phase else { return None };
        if input.is_empty() && left != 0 {
            return None;
        }
        if self.incoming == Incoming::No {
            self.incoming = Incoming::Begun;
            self.room = engine.config.limits.message;
            if !self.peer_takeover {
                self.inflater.reset();
            }
        }
        let front = input.front_mut(usize::try_from(left).unwrap_or(usize::MAX).min(AHEAD));
        if masked {
            unmask::<false>(front, key);
        }
        let len = front.len();
        let mut rest: &[u8] = front;
        let done = self.inflater.advance(&mut rest, fin && len as u64 == left, self.max_out());
        let used = len.saturating_sub(rest.len());
        if masked && used < len {
            // As if it had not been looked at.
            let rest = input.front_mut(len).get_mut(used..).unwrap_or_default();
            unmask::<false>(rest, advance(key, used));
        }
        input.take(used);
        let kind = engine.message.unwrap_or(Kind::Binary);
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

    /// One byte more than there may be, to be seen if there is.
    fn max_out(&self) -> usize {
        usize::try_from(self.room).unwrap_or(usize::MAX).saturating_add(1)
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
        self.incoming = Incoming::No;
        engine.violation(fault)
    }

    /// As [`Connection::send`], and compresses, unless the message is whole and shorter than the threshold.
    ///
    /// What was taken of a message may stay in the deflater until more of it, or its end, comes: there is no flush in the
    /// middle of one. Work is bounded by the bytes taken and written; see [`Deflater::deflate`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`]; but `out` has to hold 5 bytes (server) or 9.
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn send<R: Role>(
        &mut self,
        ws: &mut Connection<R>,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        let is_new = ws.engine.sending.is_none();
        if is_new && last && payload.len() < self.threshold {
            self.outgoing = Outgoing::Plain;
        } else if is_new {
            self.outgoing = Outgoing::First;
        }
        if self.outgoing == Outgoing::Plain {
            return ws.send(kind, payload, last, out);
        }
        if !ws.begin_compressed(kind, out)? {
            return Ok(false);
        }
        if is_new && !self.takeover {
            self.deflater.reset();
        }
        let head = Connection::<R>::COMPRESSED_HEAD;
        let most = head.saturating_add(0xffff); // the longest that its header can tell
        let room = out.spare_mut();
        let end = room.len().min(most);
        let room = room.get_mut(head..end).unwrap_or_default();
        let progress = self.deflater.deflate(payload, room, last);
        let is_last = progress.done && last;
        if progress.written != 0 || is_last {
            let is_first = self.outgoing == Outgoing::First;
            self.outgoing = Outgoing::Compressed;
            ws.put_compressed(kind, progress.written, is_first, is_last, out);
        }
        Ok(progress.done)
    }
}

impl Engine {
    /// The input is that of a compressed message.
    fn is_in_compressed(&self) -> bool {
        self.compressed && matches!(self.phase, Phase::Data { .. })
    }
}

impl<L: Layout> core::fmt::Debug for Compression<'_, L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Compression({:?}, {:?})", self.inflater, self.deflater)
    }
}

#[cfg(feature = "defmt")]
impl<L: Layout> defmt::Format for Compression<'_, L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Compression({}, {})", self.inflater, self.deflater);
    }
}
