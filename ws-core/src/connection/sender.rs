//! Messages in, frames out: [`Connection::send`] and [`Connection::begin`]; and the control frames that are owed,
//! which [`Connection::transmit`] writes.

use super::{Connection, Engine, ReadyState, Role, Server, closing::Sent};
use crate::bytes::Output;
use crate::error::UsageError;
use crate::frame::header::{self, RSV1, opcode_of};
use crate::frame::mask::{advance, unmask};
use crate::frame::{CONTROL_MAX, CloseCode, Kind, opcode};

/// A control frame that is going out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(super) enum Control {
    Pong,
    Ping,
    Close,
}

const FIN: u8 = 0x80;

impl<R: Role> Connection<R> {
    /// The MASK bit of what is sent.
    const MASK: u8 = if R::MASKS { 0x80 } else { 0 };
    const KEY_LEN: usize = if R::MASKS { 4 } else { 0 };

    /// Encodes a frame with as much of `payload` as fits into `out`, and moves `payload` past it.
    ///
    /// `true`: all of `payload` is in `out`. `false`: `out` is full; write it out, [`clear`](Output::clear) it and
    /// call again with the same arguments. What the connection owes goes first, and each call ends on the boundary
    /// of a frame, so a Pong is never stuck behind a long message.
    ///
    /// `last`: the message ends with `payload`. A long message may be sent in any number of calls with `last` unset
    /// and a final one with it set. Text has to be UTF-8 as a whole; pieces may be cut anywhere (RFC 6455 5.6).
    ///
    /// # Errors
    ///
    /// [`UsageError::Closing`] once the closing handshake has begun; [`UsageError::UnfinishedMessage`] if `kind` is not
    /// that of the message begun, or it is compressed; [`UsageError::UnfinishedFrame`] inside [`begin`](Self::begin);
    /// [`UsageError::OutputTooSmall`] if `out` holds less than 3 bytes (server) or 7 (client).
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn send(
        &mut self,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        self.engine.check_sendable(opcode_of(kind))?;
        let least = const { if R::MASKS { 7 } else { 3 } };
        if out.capacity() < least {
            return Err(UsageError::OutputTooSmall);
        }
        if payload.is_empty() && !last {
            return Ok(true);
        }
        if !self.make_room(least, out) {
            return Ok(false);
        }
        let n = fitting(payload.len(), out.space().saturating_sub(Self::KEY_LEN));
        let (now, later) = payload.split_at_checked(n).unwrap_or_default();
        let last = last && later.is_empty();
        self.put_header(kind, n as u64, last, out);
        self.put_payload(now, out);
        *payload = later;
        Ok(later.is_empty())
    }

    /// Encodes the header of one data frame with `len` bytes of payload, which [`payload`](Self::payload) then takes
    /// in pieces: for a large message in a single frame.
    ///
    /// `false`: `out` is full; write it out, clear it and call again. Until the payload is sent, nothing else can
    /// be, not even a Pong or a heartbeat: prefer [`send`](Self::send) for what takes long to produce, and give up a transport that
    /// takes nothing for long, as no deadline here does. A client has all of the payload
    /// fixed by then: who could still change it, and sees the bytes sent, would choose what goes on the wire
    /// (RFC 6455 10.3).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); the output must hold 10 bytes (server) or 14 (client), and `len` be below 2⁶³
    /// ([`UsageError::TooMuchPayload`]).
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn begin(
        &mut self,
        kind: Kind,
        len: u64,
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        self.engine.check_sendable(opcode_of(kind))?;
        let least = 10usize.saturating_add(Self::KEY_LEN);
        if out.capacity() < least {
            return Err(UsageError::OutputTooSmall);
        }
        if len >> 63 != 0 {
            return Err(UsageError::TooMuchPayload);
        }
        if !self.make_room(least, out) {
            return Ok(false);
        }
        self.put_header(kind, len, last, out);
        self.engine.frame_left = len;
        Ok(true)
    }

    /// Encodes as much of `payload` as fits, and moves it on: the payload of the frame that [`begin`](Self::begin)
    /// began. `true`: all of `payload` is in `out`. `false`: write `out` out, clear it and call again.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMuchPayload`] if the frame was begun with less.
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn payload(&mut self, payload: &mut &[u8], out: &mut Output<'_>) -> Result<bool, UsageError> {
        if payload.len() as u64 > self.engine.frame_left {
            return Err(UsageError::TooMuchPayload);
        }
        let n = payload.len().min(out.space());
        let (now, later) = payload.split_at_checked(n).unwrap_or_default();
        self.put_payload(now, out);
        self.engine.frame_left = self.engine.frame_left.saturating_sub(n as u64);
        *payload = later;
        Ok(later.is_empty())
    }

    /// Sends a Ping with up to 125 bytes of `payload` (RFC 6455 5.5.2). The heartbeat sends its own; see
    /// [`Timeouts`](crate::Timeouts). `false`: write `out` out, clear it and call again.
    ///
    /// Wait for its Pong before the next one. Each Ping is answered, and an end whose output is full reads no further until its answer is out:
    /// where both ends send more Pings than buffers and transport hold, neither gets on, and the heartbeat gives the connection up.
    ///
    /// # Errors
    ///
    /// [`UsageError::LongControl`], [`UsageError::Closing`], [`UsageError::UnfinishedFrame`]; or
    /// [`UsageError::OutputTooSmall`] if `out` can never hold the frame, which is the payload and 2 bytes (server) or 6.
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn ping(&mut self, payload: &[u8], out: &mut Output<'_>) -> Result<bool, UsageError> {
        self.put_control(opcode::PING, &[], payload, out)
    }

    /// Sends a Pong that nobody asked for (RFC 6455 5.5.3); those asked for are sent without being told. Otherwise
    /// as [`ping`](Self::ping).
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn pong(&mut self, payload: &[u8], out: &mut Output<'_>) -> Result<bool, UsageError> {
        self.put_control(opcode::PONG, &[], payload, out)
    }

    /// Begins the closing handshake (RFC 6455 7.1.2): sends a Close with `code` and, if there is one, a `reason` of
    /// up to 123 bytes, which people may read in a log.
    ///
    /// `false`: write `out` out, clear it and call again. After `true` nothing more can be sent; Pings are still
    /// answered. Go on receiving: the peer may finish a message before it answers, for as long as
    /// [`Timeouts::close`](crate::Timeouts::close), counted from the time that was told last: so
    /// [`set_time`](Self::set_time) before.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping); a reason without a code is [`UsageError::LongControl`].
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        let done = match code {
            Some(code) => {
                self.put_control(opcode::CLOSE, &code.get().to_be_bytes(), reason.as_bytes(), out)?
            }
            None if !reason.is_empty() => return Err(UsageError::LongControl),
            None => self.put_control(opcode::CLOSE, &[], &[], out)?,
        };
        if done {
            self.engine.begin_close(code, Sent::Yes);
        }
        Ok(done)
    }

    /// Writes what the connection owes: the Pong to a Ping, the heartbeat's Ping, the Close that answers or fails.
    /// Returns how many bytes it wrote; may stop anywhere, even inside a frame, and goes on at the next call.
    ///
    /// Writes nothing inside a frame that [`begin`](Self::begin) began.
    pub fn transmit(&mut self, out: &mut Output<'_>) -> usize {
        let before = out.space();
        while self.wants_transmit() {
            if self.engine.begin_control() {
                self.role.new_key();
            }
            if !self.engine.put_control_from(R::MASKS, self.role.key(), out) {
                break;
            }
        }
        before.saturating_sub(out.space())
    }

    /// There is something for [`transmit`](Self::transmit) to write now.
    #[inline]
    pub fn wants_transmit(&self) -> bool {
        self.engine.wants_transmit()
    }

    /// A new message may be sent now: no closing handshake, no message and no frame is begun, nothing is owed.
    pub fn is_sendable(&self) -> bool {
        self.ready_state() == ReadyState::Open
            && self.engine.sending == 0
            && self.engine.frame_left == 0
            && !self.wants_transmit()
    }

    /// Bytes that are yet to be written: what [`transmit`](Self::transmit) owes, and payload promised to
    /// [`begin`](Self::begin). What has been encoded into an output is the caller's to count.
    pub fn buffered_amount(&self) -> u64 {
        self.engine.buffered_amount(Self::KEY_LEN)
    }

    /// Writes what is owed; `true`: that is done, and there is room for `least` bytes more.
    #[inline]
    fn make_room(&mut self, least: usize, out: &mut Output<'_>) -> bool {
        if self.wants_transmit() {
            self.transmit(out);
            if self.wants_transmit() {
                return false;
            }
        }
        out.space() >= least
    }

    /// There is room for the header: the caller has seen to it.
    fn put_header(&mut self, kind: Kind, len: u64, last: bool, out: &mut Output<'_>) {
        let opcode = if self.engine.sending != 0 { opcode::CONTINUATION } else { opcode_of(kind) };
        let fin = if last { FIN } else { 0 };
        match len {
            0..=125 => out.put_two(fin | opcode, Self::MASK | len as u8),
            _ => _ = out.put(header::encode(fin | opcode, len, Self::MASK).as_bytes()),
        }
        self.put_key(out);
        self.engine.sending = if last { 0 } else { opcode_of(kind) };
    }

    /// Bytes kept free in front of compressed payload: for the longer of two headers.
    pub(super) const COMPRESSED_HEAD: usize = 4usize.saturating_add(Self::KEY_LEN);

    /// There is room for a frame of compressed payload, in a message that is begun with this if it was not; `false`: not yet.
    pub(super) fn begin_compressed(&mut self, kind: Kind, out: &mut Output<'_>) -> Result<bool, UsageError> {
        self.engine.check_sendable(RSV1 | opcode_of(kind))?;
        let least = Self::COMPRESSED_HEAD.saturating_add(1);
        if out.capacity() < least {
            return Err(UsageError::OutputTooSmall);
        }
        if !self.make_room(least, out) {
            return Ok(false);
        }
        self.engine.sending = RSV1 | opcode_of(kind);
        Ok(true)
    }

    /// Makes a frame of the `len` bytes of payload that lie [`COMPRESSED_HEAD`](Self::COMPRESSED_HEAD) bytes behind what `out`
    /// is filled with.
    pub(super) fn put_compressed(
        &mut self,
        kind: Kind,
        len: usize,
        is_first: bool,
        is_last: bool,
        out: &mut Output<'_>,
    ) {
        if len <= 125 {
            out.move_spare(Self::COMPRESSED_HEAD, Self::KEY_LEN.saturating_add(2), len);
        }
        let opcode = if is_first { RSV1 | opcode_of(kind) } else { opcode::CONTINUATION };
        let fin = if is_last { FIN } else { 0 };
        out.put(header::encode(fin | opcode, len as u64, Self::MASK).as_bytes());
        self.put_key(out);
        out.fill(len);
        if R::MASKS {
            unmask::<false>(out.tail_mut(len), self.role.key());
        }
        self.engine.sending = if is_last { 0 } else { RSV1 | opcode_of(kind) };
    }

    fn put_key(&mut self, out: &mut Output<'_>) {
        if R::MASKS {
            let key = self.role.new_key();
            out.put_few(&key.to_le_bytes(), 0);
        }
    }

    fn put_payload(&mut self, payload: &[u8], out: &mut Output<'_>) {
        let n = out.put(payload);
        if R::MASKS {
            let key = self.role.key();
            unmask::<false>(out.tail_mut(n), key);
            self.role.set_key(advance(key, n));
        }
    }

    /// A control frame of the caller's, whole.
    fn put_control(
        &mut self,
        opcode: u8,
        a: &[u8],
        b: &[u8],
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        let len = a.len().saturating_add(b.len());
        if len > CONTROL_MAX {
            return Err(UsageError::LongControl);
        }
        if self.ready_state() != ReadyState::Open {
            return Err(UsageError::Closing);
        }
        if self.engine.frame_left != 0 {
            return Err(UsageError::UnfinishedFrame);
        }
        let frame = len.saturating_add(2).saturating_add(Self::KEY_LEN);
        if out.capacity() < frame {
            return Err(UsageError::OutputTooSmall);
        }
        if !self.make_room(frame, out) {
            return Ok(false);
        }
        out.put_two(FIN | opcode, Self::MASK | len as u8);
        self.put_key(out);
        let key = self.role.key();
        out.put_few(a, key);
        out.put_few(b, advance(key, a.len()));
        Ok(true)
    }
}

/// How many of `len` bytes of payload go into the next frame, if `space` is what there is for them and the header, the
/// masking key apart.
fn fitting(len: usize, space: usize) -> usize {
    let behind = |head: usize| len.min(space.saturating_sub(head));
    match behind(2) {
        n @ 0..=125 => n,
        _ if behind(4) <= 0xffff => behind(4).max(125),
        _ => behind(10).max(0xffff),
    }
}

impl Engine {
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    pub(super) fn wants_transmit(&self) -> bool {
        self.frame_left == 0 && (self.pong_owed || self.ping_owed || self.close_sent == Sent::Owed)
    }

    fn buffered_amount(&self, key_len: usize) -> u64 {
        let head = key_len.saturating_add(2);
        let owed = [
            (self.pong_owed, usize::from(self.slot_len)),
            (self.ping_owed, 4),
            (self.close_sent == Sent::Owed, if self.our_code.is_some() { 2 } else { 0 }),
        ];
        let mut bytes = 0usize;
        for (is_owed, len) in owed {
            if is_owed {
                bytes = bytes.saturating_add(head).saturating_add(len);
            }
        }
        let bytes = bytes.saturating_sub(usize::from(self.control_at));
        self.frame_left.saturating_add(bytes as u64)
    }

    /// `begun`: how the message begins, or has begun. It is gone on with as one that is compressed, or as one that is not (RFC 7692 6.1).
    fn check_sendable(&self, begun: u8) -> Result<(), UsageError> {
        if self.ready_state() != ReadyState::Open {
            return Err(UsageError::Closing);
        }
        if self.sending != 0 && self.sending != begun {
            return Err(UsageError::UnfinishedMessage);
        }
        if self.frame_left != 0 {
            return Err(UsageError::UnfinishedFrame);
        }
        Ok(())
    }

    /// Chooses the control frame to write next, unless one is begun: a Pong, else a Ping, else a Close. `true`: it has
    /// been chosen now, and needs a masking key.
    fn begin_control(&mut self) -> bool {
        if self.control.is_some() {
            return false;
        }
        self.control = Some(if self.pong_owed {
            Control::Pong
        } else if self.ping_owed {
            Control::Ping
        } else {
            Control::Close
        });
        self.control_at = 0;
        true
    }

    /// Writes the bytes of the control frame from `control_at` on; `true`: all are written. `key` masks the first of its
    /// payload.
    fn put_control_from(&mut self, masks: bool, key: u32, out: &mut Output<'_>) -> bool {
        let (mut body, code);
        let (opcode, payload): (u8, &[u8]) = match self.control {
            Some(Control::Pong) => (opcode::PONG, self.control()),
            Some(Control::Ping) => {
                body = self.ping_body();
                (opcode::PING, &mut body)
            }
            _ => {
                code = self.our_code.map(|code| code.get().to_be_bytes());
                (opcode::CLOSE, code.as_ref().map_or(&[], |code| code))
            }
        };
        let [k0, k1, k2, k3] = key.to_le_bytes();
        let (mask, head) = if masks { (0x80, 6) } else { (0, 2) };
        let bytes = [FIN | opcode, mask | payload.len() as u8, k0, k1, k2, k3];
        let head = bytes.get(..head).unwrap_or(&[]);
        // One by one: there are few, and the stack may be deep already, so no call is made for them.
        let mut at = usize::from(self.control_at);
        loop {
            let i = at.saturating_sub(head.len());
            let byte = match (head.get(at), payload.get(i)) {
                (Some(byte), _) => *byte,
                (None, Some(byte)) => byte ^ advance(key, i) as u8,
                (None, None) => break,
            };
            if !out.put_one(byte) {
                self.control_at = at as u8;
                return false;
            }
            at = at.saturating_add(1);
        }
        self.control_at = 0;
        match self.control.take() {
            Some(Control::Pong) => self.pong_owed = false,
            Some(Control::Ping) => self.ping_owed = false,
            _ => self.close_sent = Sent::Yes,
        }
        true
    }
}

impl Connection<Server> {
    /// The caller wrote `n` bytes of the payload that [`begin`](Self::begin) promised to the transport itself, behind
    /// all that was encoded before: for one payload lent to many peers, or a vectored write.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMuchPayload`] if the frame lacks less than that.
    pub fn payload_written(&mut self, n: u64) -> Result<(), UsageError> {
        self.engine.frame_left = self.engine.frame_left.checked_sub(n).ok_or(UsageError::TooMuchPayload)?;
        Ok(())
    }
}
