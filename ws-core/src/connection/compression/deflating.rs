//! Compressed messages out: [`DeflatingSender`].

use super::super::{Connection, Role};
use crate::bytes::Output;
use crate::deflate::negotiate::Agreement;
use crate::deflate::{Deflater, bits_of};
use crate::error::UsageError;
use crate::frame::Kind;
use crate::frame::header::RSV1;

/// The sending half of [`Compression`](super::Compression): used in place of [`Connection::send`].
///
/// # Memory
///
/// What is lent, and 3 words beside the [`Deflater`]. The formula stands at [`Buffers`](crate::deflate::Buffers).
pub struct DeflatingSender<'m> {
    deflater: Deflater<'m>,
    /// We may refer to earlier messages.
    takeover: bool,
    threshold: usize,
    outgoing: Outgoing,
}

/// What is done with the message that goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outgoing {
    Plain,
    /// It is compressed, and no frame of it was put.
    First,
    Compressed,
}

impl<'m> DeflatingSender<'m> {
    /// Messages shorter than this are sent as they are, unless set otherwise: hardly any gets shorter by itself, and each costs
    /// time.
    pub const THRESHOLD: usize = 64;

    /// For the connections to come, each of which is to [begin](Self::begin).
    pub const fn new(deflater: Deflater<'m>) -> Self {
        Self { deflater, takeover: false, threshold: Self::THRESHOLD, outgoing: Outgoing::Plain }
    }

    /// For a connection whose handshake has agreed on this: to be called before its first message. Of a larger window than was
    /// agreed on, the rest is not used.
    pub fn begin(&mut self, agreement: &Agreement) {
        self.deflater.restart(agreement.deflate.window_bits);
        (self.takeover, self.outgoing) = (agreement.deflate.takeover, Outgoing::Plain);
    }

    /// The window that there is memory for, in bits: at most what may be agreed on.
    pub fn window_bits(&self) -> u8 {
        bits_of(self.deflater.window())
    }

    /// The same, with messages shorter than `bytes` sent as they are. With context takeover, 16 may be better than
    /// [`THRESHOLD`](Self::THRESHOLD). A message that is sent in several calls is compressed whatever its length.
    #[must_use]
    pub const fn with_threshold(mut self, bytes: usize) -> Self {
        self.set_threshold(bytes);
        self
    }

    pub(super) const fn set_threshold(&mut self, bytes: usize) {
        self.threshold = bytes;
    }

    /// A message of `len` bytes that begins now is sent as it is. For who passes a whole one on in pieces, each by a call of its own:
    /// such a message has to be one call.
    pub fn sends_plain<R: Role>(&self, ws: &Connection<R>, len: usize) -> bool {
        ws.engine.sending == 0 && len < self.threshold
    }

    /// As [`Connection::send`], and compresses, unless the message is whole and shorter than the threshold. A first piece begins the
    /// message even if it is empty.
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
        let is_new = ws.engine.sending == 0;
        if is_new {
            let is_plain = last && self.sends_plain(ws, payload.len());
            self.outgoing = if is_plain { Outgoing::Plain } else { Outgoing::First };
        } else if ws.engine.sending & RSV1 == 0 {
            self.outgoing = Outgoing::Plain;
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

impl core::fmt::Debug for DeflatingSender<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.deflater.fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for DeflatingSender<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", self.deflater);
    }
}
