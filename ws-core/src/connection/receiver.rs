//! Bytes in, events out: [`Connection::receive`].

use super::{Connection, Engine, Role};
use crate::bytes::{Input, copy_short};
use crate::error::PeerError;
use crate::frame::header::{self, HEADER_MAX, Header};
use crate::frame::mask::{advance, unmask, unmask_text};
use crate::frame::{CloseCode, Kind, close, opcode};

/// What [`Connection::receive`] found. It borrows the buffer that was read into, not the connection.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'b> {
    /// A piece of a message.
    Data(Data<'b>),
    /// A Ping; [`Connection::control`] is its payload. The Pong is owed already, unless the peer has ended its direction:
    /// transmit it.
    Ping,
    /// A Pong; [`Connection::control`] is its payload. Those of the heartbeat are reported too.
    Pong,
    /// The peer's Close, with its code if it gave one; [`Connection::close_reason`] is its reason. The answer is owed
    /// already: transmit it, then shut down when [`Connection::wants_shutdown`]. Nothing that comes behind it is looked
    /// at.
    Close(Option<CloseCode>),
}

/// A piece of a data message, unmasked where it was read to.
///
/// A piece may end anywhere, inside a character too. What has come of a text is valid so far, and the whole is valid
/// when `last` is set.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Data<'b> {
    /// Text or binary; the same for all pieces of a message.
    pub kind: Kind,
    /// The bytes of this piece; may be empty.
    pub payload: &'b [u8],
    /// No piece of the message came before.
    pub first: bool,
    /// No piece of the message follows.
    pub last: bool,
    /// Bytes of the same frame that are still to come.
    pub remaining: u64,
}

/// What the next byte of input is.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
pub(super) enum Phase {
    /// The first of a frame.
    NewFrame,
    /// Of a header, of which these bytes came before.
    Header { bytes: [u8; HEADER_MAX], have: u8 },
    /// Of a data frame's payload.
    Data { left: u64, key: u32, fin: bool },
    /// Of a control frame's payload.
    Control { left: u8, key: u32, opcode: u8 },
    /// Behind the peer's Close: of no interest.
    Closed,
    /// Behind an error: of no interest.
    Failed(PeerError),
}

impl<R: Role> Connection<R> {
    /// Decodes the next event of `input`.
    ///
    /// `Ok(None)`: the input is empty, read more; or, if it is not empty, a reply is in the way of the next control
    /// frame: [`transmit`](Self::transmit) and call again, or finish the frame begun with [`begin`](Self::begin), which is
    /// in the way of the reply. Work is bounded by the length of the input.
    ///
    /// # Errors
    ///
    /// What the peer did wrong. All that was valid before it has been delivered, whichever way the input was cut. The
    /// Close frame for it is owed: transmit it and shut down. Each further call returns the same error.
    #[inline(always)]
    pub fn receive<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<Event<'b>>, PeerError> {
        self.engine.receive(!R::MASKS, false, input)
    }

    /// Payload of the latest Ping, Pong or Close, 0 to 125 bytes; valid until the next [`receive`](Self::receive), which may
    /// begin to gather another.
    pub fn control(&self) -> &[u8] {
        self.engine.control()
    }

    /// Refuses what the peer sent, with `code`: [`UNSUPPORTED_DATA`](CloseCode::UNSUPPORTED_DATA),
    /// [`MESSAGE_TOO_BIG`](CloseCode::MESSAGE_TOO_BIG), [`INTERNAL_ERROR`](CloseCode::INTERNAL_ERROR) or one of the
    /// application's own (RFC 6455 7.1.7).
    ///
    /// The Close frame is owed now, and nothing more is received. [`Timeouts::close`](crate::Timeouts::close) is counted
    /// from the time that was told last: so [`set_time`](Self::set_time) before. To close in peace, use
    /// [`close`](Self::close). Does nothing if the closing handshake has begun already.
    pub fn fail(&mut self, code: CloseCode) {
        self.engine.fail(code);
    }
}

/// `masked`: the peer masks its frames, as a client does (RFC 6455 5.1). `compression`: it may compress its messages.
impl Engine {
    #[inline(always)]
    pub(super) fn receive<'b>(
        &mut self,
        masked: bool,
        compression: bool,
        input: &mut Input<'b>,
    ) -> Result<Option<Event<'b>>, PeerError> {
        if cfg!(target_pointer_width = "64")
            && let Some((kind, header, len, key)) = self.whole_message(masked, input.rest())
        {
            self.heard = self.now;
            input.take(header);
            if let Some(valid) = self.unmask(masked, kind, input.front_mut(len), key, true) {
                return self.bad_text(input.take(valid), true, len as u64);
            }
            let payload = input.take(len);
            return Ok(Some(Event::Data(Data { kind, payload, first: true, last: true, remaining: 0 })));
        }
        self.receive_any(masked, compression, input)
    }

    /// The common case: a message in one frame that lies in the input whole, within the limits. It leaves no trace in
    /// the connection, and becomes part of the caller's loop: so it is cheap. What it says no to, `receive_any`
    /// decides. Left out of small cores, where size counts first.
    ///
    /// Returns the lengths of the header and the payload, and the masking key.
    #[inline(always)]
    fn whole_message(&self, masked: bool, input: &[u8]) -> Option<(Kind, usize, usize, u32)> {
        if !(matches!(self.phase, Phase::NewFrame) && self.message.is_none() && self.may_send()) {
            return None;
        }
        let (kind, b1, rest) = match input {
            [0x81, b1, rest @ ..] => (Kind::Text, *b1, rest),
            [0x82, b1, rest @ ..] => (Kind::Binary, *b1, rest),
            _ => return None,
        };
        let b1 = if masked { b1 ^ 0x80 } else { b1 };
        let (header, len, rest) = match (b1, rest) {
            (0..=125, rest) => (2usize, usize::from(b1), rest),
            (126, [a, b, rest @ ..]) => (4, usize::from(u16::from_be_bytes([*a, *b])), rest),
            _ => return None,
        };
        if header == 4 && len < 126 {
            return None;
        }
        let (header, key, rest) = if masked {
            let (key, rest) = rest.split_first_chunk::<4>()?;
            (header.wrapping_add(4), u32::from_le_bytes(*key), rest)
        } else {
            (header, 0, rest)
        };
        let limits = &self.config.limits;
        (len <= rest.len() && len as u32 <= limits.message && limits.fragments != 0)
            .then_some((kind, header, len, key))
    }

    /// Every case.
    #[inline(never)]
    fn receive_any<'b>(
        &mut self,
        masked: bool,
        compression: bool,
        input: &mut Input<'b>,
    ) -> Result<Option<Event<'b>>, PeerError> {
        if !input.is_empty() && self.may_send() {
            self.heard = self.now;
        }
        if let Phase::NewFrame | Phase::Header { .. } = self.phase {
            match self.receive_header(masked, compression, input) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => return Err(self.violation(error)),
            }
        }
        match self.phase {
            // Left to who can inflate it.
            Phase::Data { .. } if self.compressed => Ok(None),
            Phase::Data { left, .. } => self.receive_data(masked, input, left),
            Phase::Control { .. } => self.receive_control(masked, input),
            Phase::Failed(error) => {
                input.take_rest();
                Err(self.violation(error))
            }
            Phase::NewFrame | Phase::Header { .. } | Phase::Closed => {
                input.take_rest();
                Ok(None)
            }
        }
    }

    /// Begins the next frame; `false`: not yet.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less stack for what comes behind it
    fn receive_header(
        &mut self,
        masked: bool,
        compression: bool,
        input: &mut Input<'_>,
    ) -> Result<bool, PeerError> {
        let Some(header) = self.next_header(masked, compression, input)? else { return Ok(false) };
        // The slot still holds a Pong. Memory stays bounded, and so that the caller comes back, so does what is left of the
        // input: this header.
        if header.opcode >= opcode::CLOSE && self.pong_owed {
            return Ok(false);
        }
        input.take(header.used);
        self.begin_frame(&header)?;
        Ok(true)
    }

    pub(super) fn control(&self) -> &[u8] {
        self.slot.get(..usize::from(self.slot_len)).unwrap_or(&[])
    }

    /// The header at the front of the input; its `used` is how many of the input's bytes are its own. One that lies
    /// there whole is decoded where it lies; of one that comes in pieces, the bytes gather in the connection.
    #[inline]
    fn next_header(
        &mut self,
        masked: bool,
        compression: bool,
        input: &mut Input<'_>,
    ) -> Result<Option<Header>, PeerError> {
        while !input.is_empty() {
            let mut before = 0;
            let bytes = match &mut self.phase {
                Phase::Header { bytes, have } => {
                    before = usize::from(*have);
                    let mut have = before;
                    for (to, from) in bytes.iter_mut().skip(before).zip(input.rest()) {
                        *to = *from;
                        have = have.saturating_add(1);
                    }
                    bytes.get(..have).unwrap_or(&[])
                }
                _ => input.rest(),
            };
            if let Some(header) = header::parse(bytes, masked, self.message.is_some(), compression)? {
                return Ok(Some(Header { used: header.used.saturating_sub(before), ..header }));
            }
            let gathered = bytes.len() as u8;
            match &mut self.phase {
                Phase::Header { have, .. } => {
                    *have = gathered;
                    input.take_rest();
                }
                phase => *phase = Phase::Header { bytes: [0; HEADER_MAX], have: 0 },
            }
        }
        Ok(None)
    }

    /// Applies every limit that the header tells of.
    #[inline]
    fn begin_frame(&mut self, header: &Header) -> Result<(), PeerError> {
        let Header { fin, compressed, opcode, len, key, .. } = *header;
        if opcode >= opcode::CLOSE {
            self.slot_len = 0;
            self.phase = Phase::Control { left: len as u8, key, opcode };
            return Ok(());
        }
        let limits = &self.config.limits;
        if opcode != opcode::CONTINUATION {
            self.message = Some(if opcode == opcode::TEXT { Kind::Text } else { Kind::Binary });
            self.first = true;
            self.compressed = compressed;
            self.room = limits.message;
            self.fragments = limits.fragments;
            self.empty_fragments = limits.empty_fragments;
        }
        // Of a compressed message, what it inflates to is counted.
        if limits.message != u32::MAX && !self.compressed {
            let len = u32::try_from(len).map_err(|_| PeerError::MessageTooBig)?;
            self.room = self.room.checked_sub(len).ok_or(PeerError::MessageTooBig)?;
        }
        self.fragments = self.fragments.checked_sub(1).ok_or(PeerError::TooManyFragments)?;
        if len != 0 {
            self.empty_fragments = limits.empty_fragments;
        } else if !fin {
            self.empty_fragments = self.empty_fragments.checked_sub(1).ok_or(PeerError::TooManyFragments)?;
        }
        self.phase = Phase::Data { left: len, key, fin };
        Ok(())
    }

    #[inline]
    fn receive_data<'b>(
        &mut self,
        masked: bool,
        input: &mut Input<'b>,
        left: u64,
    ) -> Result<Option<Event<'b>>, PeerError> {
        if input.is_empty() && left != 0 {
            return Ok(None);
        }
        match self.unmask_front(masked, input) {
            Some(valid) => self.bad_piece(input, valid),
            None => self.take_piece(input),
        }
    }

    /// Unmasks the piece at the front of the input; `Some`: only so many bytes of it are valid.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // as above
    fn unmask_front(&mut self, masked: bool, input: &mut Input<'_>) -> Option<usize> {
        let Phase::Data { left, key, fin } = self.phase else { return None };
        let front = input.front_mut(usize::try_from(left).unwrap_or(usize::MAX));
        let last = fin && left == front.len() as u64;
        self.unmask(masked, self.message.unwrap_or(Kind::Binary), front, key, last)
    }

    /// Of the piece at the front of the input, only so many bytes are `valid`.
    #[cold]
    fn bad_piece<'b>(&mut self, input: &mut Input<'b>, valid: usize) -> Result<Option<Event<'b>>, PeerError> {
        let Phase::Data { left, .. } = self.phase else { return Ok(None) };
        self.bad_text(input.take(valid), self.first, left)
    }

    /// Takes the piece at the front of the input, which is valid.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // as above
    fn take_piece<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<Event<'b>>, PeerError> {
        let Phase::Data { left, key, fin } = self.phase else { return Ok(None) };
        let payload = input.take(usize::try_from(left).unwrap_or(usize::MAX));
        let remaining = left.saturating_sub(payload.len() as u64);
        let last = remaining == 0 && fin;
        self.phase = if remaining == 0 {
            Phase::NewFrame
        } else {
            Phase::Data { left: remaining, key: advance(key, payload.len()), fin }
        };
        let kind = self.message.unwrap_or(Kind::Binary);
        if last {
            self.message = None;
        }
        let first = core::mem::replace(&mut self.first, false);
        Ok(Some(Event::Data(Data { kind, payload, first, last, remaining })))
    }

    /// Unmasks payload, and checks it if it is text; `Some`: only so many bytes of it are valid. Where a message ends
    /// inside a character, it is its last byte that is wrong.
    #[inline(always)]
    fn unmask(
        &mut self,
        masked: bool,
        kind: Kind,
        payload: &mut [u8],
        key: u32,
        last: bool,
    ) -> Option<usize> {
        if kind == Kind::Text {
            let bad =
                if masked { unmask_text(&mut self.utf8, payload, key) } else { self.utf8.check(payload) };
            return bad.or((last && !self.utf8.is_complete()).then(|| payload.len().saturating_sub(1)));
        }
        if masked {
            unmask::<false>(payload, key);
        }
        None
    }

    /// Delivers what is valid of a text; what is not stays in the input, for the next call to fail at (RFC 6455 8.1). Until
    /// then the connection is open, so that what is delivered can be answered.
    #[cold]
    fn bad_text<'b>(
        &mut self,
        payload: &'b [u8],
        first: bool,
        left: u64,
    ) -> Result<Option<Event<'b>>, PeerError> {
        if payload.is_empty() {
            return Err(self.violation(PeerError::InvalidUtf8));
        }
        self.phase = Phase::Failed(PeerError::InvalidUtf8);
        let remaining = left.saturating_sub(payload.len() as u64);
        Ok(Some(Event::Data(Data { kind: Kind::Text, payload, first, last: false, remaining })))
    }

    #[inline(never)]
    fn receive_control<'b>(
        &mut self,
        masked: bool,
        input: &mut Input<'_>,
    ) -> Result<Option<Event<'b>>, PeerError> {
        let Phase::Control { left, key, opcode } = self.phase else { return Ok(None) };
        let part = input.take(usize::from(left));
        let n = part.len();
        if masked {
            unmask::<false>(part, key);
        }
        let have = usize::from(self.slot_len);
        copy_short(self.slot.get_mut(have..).unwrap_or_default(), part);
        self.slot_len = self.slot_len.saturating_add(n as u8);
        let left = left.saturating_sub(n as u8);
        if left != 0 {
            self.phase = Phase::Control { left, key: advance(key, n), opcode };
            return Ok(None);
        }
        self.phase = Phase::NewFrame;
        Ok(Some(match opcode {
            opcode::PING => {
                self.pong_owed = !self.eof; // behind our Close too, until the peer's (RFC 6455 5.5.2)
                Event::Ping
            }
            opcode::PONG => {
                self.receive_pong();
                Event::Pong
            }
            _ => {
                let code = close::parse(self.control()).map_err(|error| self.violation(error))?;
                self.phase = Phase::Closed;
                self.receive_close(code);
                Event::Close(code)
            }
        }))
    }

    #[cold]
    pub(super) fn violation(&mut self, error: PeerError) -> PeerError {
        self.phase = Phase::Failed(error);
        self.owe_close(error.close_code()); // a refusal owes its own already
        error
    }

    fn fail(&mut self, code: CloseCode) {
        if self.may_send() {
            self.phase = Phase::Failed(PeerError::Refused);
            self.owe_close(Some(code));
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instant, Limits, Server};

    #[test]
    fn a_limit_of_no_fragments_refuses_every_message() {
        let limits = Limits { fragments: 0, ..Limits::DEFAULT };
        for cut in 0..8 {
            let mut ws: Connection<Server> =
                Connection::server(Config::DEFAULT.with_limits(limits), Instant::from_millis(0));
            let mut wire = *b"\x82\x82\0\0\0\0hi";
            let (a, b) = wire.split_at_mut(cut);
            let (a, b) = (ws.receive(&mut Input::new(a)), ws.receive(&mut Input::new(b)));
            assert_eq!(a.and(b), Err(PeerError::TooManyFragments), "cut at {cut}");
        }
    }
}
