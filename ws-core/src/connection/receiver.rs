//! Bytes in, events out: [`Connection::receive`].

use super::{Connection, Role};
use crate::bytes::{Input, copy};
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
    /// A Ping; [`Connection::control`] is its payload. The Pong is owed already: transmit it.
    Ping,
    /// A Pong; [`Connection::control`] is its payload. Those of the heartbeat are reported too.
    Pong,
    /// The peer's Close, with its code if it gave one; [`Connection::close_reason`] is its reason. The answer is owed
    /// already: transmit it, then shut down. Nothing that comes behind it is looked at.
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
    pub payload: &'b mut [u8],
    /// No piece of the message came before.
    pub first: bool,
    /// No piece of the message follows.
    pub last: bool,
    /// Bytes of the same frame that are still to come.
    pub remaining: u64,
}

/// What the next byte of input is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Of a header, of which these bytes came before.
    Header { bytes: [u8; HEADER_MAX - 1], have: u8 },
    /// Of a data frame's payload.
    Data { left: u64, key: u32, fin: bool },
    /// Of a control frame's payload.
    Control { left: u8, key: u32, opcode: u8 },
    /// Behind the peer's Close: of no interest.
    Closed,
    /// Behind an error: of no interest.
    Failed(PeerError),
}

impl Phase {
    pub(super) const START: Self = Self::Header { bytes: [0; HEADER_MAX - 1], have: 0 };
}

impl<R: Role> Connection<R> {
    /// Decodes the next event of `input`.
    ///
    /// `Ok(None)`: the input is empty, read more; or, if it is not empty, a reply is in the way of the next control
    /// frame: [`transmit`](Self::transmit) and call again. Work is bounded by the length of the input.
    ///
    /// # Errors
    ///
    /// What the peer did wrong. All that was valid before it has been delivered, whichever way the input was cut. The
    /// Close frame for it is owed: transmit it and shut down. Each further call returns the same error.
    #[inline]
    pub fn receive<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<Event<'b>>, PeerError> {
        if !input.is_empty() && self.may_send() {
            self.heard = self.now;
        }
        if let Phase::Header { bytes, have } = self.phase {
            let header = if have == 0 {
                header::parse(input.rest(), !R::MASKS, self.message.is_some())
            } else {
                Ok(None)
            };
            let header = match header {
                Ok(Some(header)) => Some(header),
                Ok(None) => match self.gather_header(bytes, have, input) {
                    Ok(header) => header,
                    Err(error) => return Err(self.violation(error)),
                },
                Err(error) => return Err(self.violation(error)),
            };
            let Some(header) = header else { return Ok(None) };
            // The slot still holds a Pong. Memory stays bounded, and so that the caller comes back, so does what is
            // left of the input: this header.
            if header.opcode >= opcode::CLOSE && self.pong_is_pending() {
                return Ok(None);
            }
            input.take(header.used);
            if let Err(error) = self.begin_frame(&header) {
                return Err(self.violation(error));
            }
        }
        match self.phase {
            Phase::Data { left, key, fin } => self.receive_data(input, left, key, fin),
            Phase::Control { left, key, opcode } => match self.receive_control(input, left, key, opcode) {
                Ok(event) => Ok(event),
                Err(error) => Err(self.violation(error)),
            },
            Phase::Failed(error) => {
                input.take_rest();
                Err(error)
            }
            Phase::Header { .. } | Phase::Closed => {
                input.take_rest();
                Ok(None)
            }
        }
    }

    /// Payload of the latest Ping, Pong or Close, 0 to 125 bytes; valid until the next [`receive`](Self::receive).
    pub fn control(&self) -> &[u8] {
        self.slot.get(..usize::from(self.slot_len)).unwrap_or(&[])
    }

    /// A header that came in pieces: its bytes gather in the connection. `used` is how many of the input's are its own.
    #[cold]
    fn gather_header(
        &mut self,
        bytes: [u8; HEADER_MAX - 1],
        have: u8,
        input: &mut Input<'_>,
    ) -> Result<Option<Header>, PeerError> {
        // All the input that fits is looked at; `used` tells how much of it the header took.
        let mut all = [0; HEADER_MAX];
        let have = usize::from(have);
        copy(&mut all, bytes.get(..have).unwrap_or(&[]));
        let n = copy(all.get_mut(have..).unwrap_or_default(), input.rest());
        let got = have.saturating_add(n);
        let header = header::parse(all.get(..got).unwrap_or(&[]), !R::MASKS, self.message.is_some())?;
        Ok(match header {
            Some(header) => Some(Header { used: header.used.saturating_sub(have), ..header }),
            None => {
                let mut bytes = [0; HEADER_MAX - 1];
                copy(&mut bytes, &all);
                self.phase = Phase::Header { bytes, have: got as u8 };
                input.take(n);
                None
            }
        })
    }

    /// Applies every limit that the header tells of.
    #[inline]
    fn begin_frame(&mut self, header: &Header) -> Result<(), PeerError> {
        let Header { fin, opcode, len, key, .. } = *header;
        if opcode >= opcode::CLOSE {
            self.slot_len = 0;
            self.phase = Phase::Control { left: len as u8, key, opcode };
            return Ok(());
        }
        let limits = &self.config.limits;
        if opcode != opcode::CONTINUATION {
            self.message = Some(if opcode == opcode::TEXT { Kind::Text } else { Kind::Binary });
            self.first = true;
            self.room = limits.message;
            self.fragments = limits.fragments;
            self.empty_fragments = limits.empty_fragments;
        }
        if limits.message != u32::MAX {
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
        input: &mut Input<'b>,
        left: u64,
        key: u32,
        fin: bool,
    ) -> Result<Option<Event<'b>>, PeerError> {
        if input.is_empty() && left != 0 {
            return Ok(None);
        }
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(input.rest().len());
        let mut payload = input.take(n);
        let mut remaining = left.saturating_sub(n as u64);
        let mut last = remaining == 0 && fin;
        let kind = self.message.unwrap_or(Kind::Binary);
        self.phase = if remaining == 0 {
            Phase::START
        } else {
            Phase::Data { left: remaining, key: advance(key, n), fin }
        };
        if kind == Kind::Text {
            let bad =
                if R::MASKS { self.utf8.check(payload) } else { unmask_text(&mut self.utf8, payload, key) };
            if let Some(valid) = bad.or((last && !self.utf8.is_complete()).then_some(n)) {
                let error = self.violation(PeerError::InvalidUtf8);
                if valid == 0 {
                    return Err(error);
                }
                payload = payload.split_at_mut_checked(valid).unwrap_or_default().0;
                remaining = left.saturating_sub(valid as u64);
                last = false;
            }
        } else if !R::MASKS {
            unmask::<false>(payload, key);
        }
        if last {
            self.message = None;
        }
        let first = core::mem::replace(&mut self.first, false);
        Ok(Some(Event::Data(Data { kind, payload, first, last, remaining })))
    }

    #[inline(never)]
    fn receive_control<'b>(
        &mut self,
        input: &mut Input<'_>,
        left: u8,
        key: u32,
        opcode: u8,
    ) -> Result<Option<Event<'b>>, PeerError> {
        let part = input.take(usize::from(left));
        let n = part.len();
        unmask::<false>(part, key);
        let have = usize::from(self.slot_len);
        copy(self.slot.get_mut(have..).unwrap_or_default(), part);
        self.slot_len = self.slot_len.saturating_add(n as u8);
        let left = left.saturating_sub(n as u8);
        if left != 0 {
            self.phase = Phase::Control { left, key: advance(key, n), opcode };
            return Ok(None);
        }
        self.phase = Phase::START;
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
                let code = close::parse(self.control())?;
                self.phase = Phase::Closed;
                self.receive_close(code);
                Event::Close(code)
            }
        }))
    }

    #[cold]
    fn violation(&mut self, error: PeerError) -> PeerError {
        self.phase = Phase::Failed(error);
        self.owe_close(Some(error.close_code()));
        error
    }

    /// Refuses what the peer sent, with `code`: [`UNSUPPORTED_DATA`](CloseCode::UNSUPPORTED_DATA),
    /// [`MESSAGE_TOO_BIG`](CloseCode::MESSAGE_TOO_BIG), [`INTERNAL_ERROR`](CloseCode::INTERNAL_ERROR) or one of the
    /// application's own (RFC 6455 7.1.7).
    ///
    /// The Close frame is owed now, and nothing more is received. To close in peace, use
    /// [`close`](Self::close). Does nothing if the closing handshake has begun already.
    pub fn fail(&mut self, code: CloseCode) {
        if self.may_send() {
            self.phase = Phase::Failed(PeerError::Refused);
            self.owe_close(Some(code));
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed(_))
    }
}
