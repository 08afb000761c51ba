//! A response whose end is not known when it begins: [`Stream`] is its head, [`Chunks`] its body (RFC 9112 7.1). Nothing is
//! kept of what is sent.

use super::pieces::Pieces;
use super::response::{may_be_sent, phrase_of};
use super::{Names, Version};
use crate::bytes::Output;
use crate::error::UsageError;

/// The head of a response without a length. What follows it is written by [`chunks`](Self::chunks).
///
/// ```
/// use ws_core::{Output, http::{Stream, Version}};
/// let mut head = Stream::new(200, &[("Content-Type", "text/plain")], Version::Http11)?.persistent();
/// let mut body = head.chunks();
/// let mut buf = [0; 256];
/// let mut out = Output::new(&mut buf);
/// while !head.transmit(&mut out) {
///     out.clear(); // written to the transport, as in the loops below
/// }
/// let mut news: &[u8] = b"news"; // as often as there are some
/// while !body.send(&mut news, &mut out)? {
///     out.clear();
/// }
/// while !body.finish(&mut out) {
///     out.clear();
/// }
/// # assert_eq!(
/// #     out.filled(),
/// #     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n0004\r\nnews\r\n0\r\n\r\n"
/// # );
/// # Ok::<_, ws_core::UsageError>(())
/// ```
///
/// # Memory
///
/// About 11 words, and the fields that the caller lends.
#[derive(Clone)]
pub struct Stream<'a> {
    status: u16,
    reason: &'static [u8],
    fields: &'a [(&'a str, &'a str)],
    further: &'a [(&'a str, &'a str)],
    /// What tells where the body ends.
    end: End,
    is_head: bool,
    /// The connection is to stay open, if the body can end without it.
    is_persistent: bool,
    /// The client has to be told so.
    is_old: bool,
    at: usize,
}

/// What tells the client where the body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    LastChunk,
    Length(usize),
    Connection,
}

impl<'a> Stream<'a> {
    /// A response with `status` and `fields` to a request of `version`: in chunks since HTTP/1.1, before it to the end of the
    /// connection.
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`]: a status out of 200 to 599, or one that has no body, which are 204, 205 and 304; a name that
    /// is no token, a value with a line break or another control byte in it, or a field that is added anyway.
    pub fn new(status: u16, fields: &'a [(&'a str, &'a str)], version: Version) -> Result<Self, UsageError> {
        let has_body = (200..=599).contains(&status) && !matches!(status, 204 | 205 | 304);
        if !has_body || !may_be_sent(fields) {
            return Err(UsageError::BadField);
        }
        Ok(Self {
            status,
            reason: phrase_of(status),
            fields,
            further: &[],
            end: if version >= Version::Http11 { End::LastChunk } else { End::Connection },
            is_head: false,
            is_persistent: false,
            is_old: version < Version::Http11,
            at: 0,
        })
    }

    /// A response whose body has `len` bytes after all, but does not lie ready: it goes as it is, and the connection can stay open for
    /// a client of any version. Send so many, no more and no less.
    #[must_use]
    pub const fn with_length(self, len: usize) -> Self {
        Self { end: End::Length(len), ..self }
    }

    /// Goes on where a head that was made the same way came to.
    pub(crate) const fn resumed(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Bytes of the head that are out.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// Adds a second list of fields, such as those of [`Cors`](super::Cors).
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`], as [`new`](Self::new).
    pub fn with_fields(self, further: &'a [(&'a str, &'a str)]) -> Result<Self, UsageError> {
        if may_be_sent(further) { Ok(Self { further, ..self }) } else { Err(UsageError::BadField) }
    }

    /// The answer to a HEAD request: the same head, and no body (RFC 9110 9.3.2).
    #[must_use]
    pub const fn for_head(self) -> Self {
        Self { is_head: true, ..self }
    }

    /// Leaves the connection open for the next request, if the body can end without it.
    #[must_use]
    pub const fn persistent(self) -> Self {
        Self { is_persistent: true, ..self }
    }

    /// The connection is to be closed behind the body.
    pub const fn closes(&self) -> bool {
        !self.is_persistent || matches!(self.end, End::Connection)
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The writer of the body, for when the head is out.
    pub const fn chunks(&self) -> Chunks {
        let mode = match self.end {
            _ if self.is_head => Mode::Nothing,
            End::LastChunk => Mode::Chunked,
            End::Length(_) | End::Connection => Mode::Plain,
        };
        Chunks { mode, at: 0 }
    }

    /// Writes as much as fits. `true`: all is in `out`. `false`: write `out` out, clear it and call again.
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        let closes = self.closes();
        let mut pieces = Pieces::new(&mut self.at, out);
        pieces.put(b"HTTP/1.1 ").put_decimal(self.status.into()).put(b" ").put(self.reason).put(b"\r\n");
        if closes {
            pieces.put(b"Connection: close\r\n");
        } else if self.is_old {
            pieces.put(b"Connection: keep-alive\r\n");
        }
        match self.end {
            End::LastChunk => _ = pieces.put(b"Transfer-Encoding: chunked\r\n"),
            End::Length(len) => _ = pieces.put(b"Content-Length: ").put_decimal(len).put(b"\r\n"),
            End::Connection => {}
        }
        pieces.put_fields(self.fields).put_fields(self.further).put(b"\r\n");
        pieces.is_done()
    }
}

/// Without the values of the fields, which may be secret.
impl core::fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (status, fields) = (self.status, Names(self.fields));
        f.debug_struct("Stream").field("status", &status).field("fields", &fields).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Stream<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Stream({})", self.status);
    }
}

/// Writes the body of a [`Stream`]: the caller's bytes, each time with their length before them.
///
/// How to size the output: a chunk needs 8 bytes beside its data, so 9 at least. A chunk carries at most 65,535.
///
/// # Memory
///
/// 2 words.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chunks {
    mode: Mode,
    at: usize,
}

/// How the bytes go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Mode {
    Chunked,
    /// As they are.
    Plain,
    /// There is no body, as the request was HEAD.
    Nothing,
}

impl Chunks {
    /// Sends as much of `data` as fits, as a chunk, and moves it on. `true`: all of it is in `out`. `false`: write `out` out,
    /// clear it and call again.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputTooSmall`]: not even an empty `out` has 9 bytes.
    pub fn send(&mut self, data: &mut &[u8], out: &mut Output<'_>) -> Result<bool, UsageError> {
        if self.mode == Mode::Nothing {
            *data = &[];
        }
        if data.is_empty() {
            return Ok(true); // which is no reason to ask for room
        }
        self.write(out, &mut |out| {
            let n = out.put(data);
            *data = data.get(n..).unwrap_or_default();
            data.is_empty()
        })
    }

    /// Sends what `put` writes, as a chunk: for bytes that are made where they go out. `put` says of itself what is said
    /// here: `true`, all is in the output that it got; `false`, call again with room. What it writes nothing for is no
    /// chunk, and it may not be called at all.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputTooSmall`]: not even an empty `out` has 9 bytes.
    pub fn write(
        &mut self,
        out: &mut Output<'_>,
        put: &mut dyn FnMut(&mut Output<'_>) -> bool,
    ) -> Result<bool, UsageError> {
        match self.mode {
            Mode::Nothing => return Ok(true),
            Mode::Plain => return Ok(put(out)),
            Mode::Chunked => {}
        }
        // The size goes in front of what will have been written, so it has a place of its own, zeros included.
        let room = out.space().saturating_sub(OVERHEAD).min(CHUNK_MAX);
        let Some((size, rest)) = out.spare_mut().split_first_chunk_mut().filter(|_| room != 0) else {
            return if out.is_empty() { Err(UsageError::OutputTooSmall) } else { Ok(false) };
        };
        let mut part = Output::new(rest.get_mut(..room).unwrap_or_default());
        let done = put(&mut part);
        let len = part.filled().len();
        if len != 0 {
            *size = size_line(len);
            out.fill(len.saturating_add(size_line(0).len()));
            out.put(b"\r\n");
        }
        Ok(done)
    }

    /// Ends the body. `true`: the end is in `out`, or is that of the connection: see [`Stream::closes`]. `false`: write `out`
    /// out, clear it and call again.
    pub fn finish(&mut self, out: &mut Output<'_>) -> bool {
        self.mode != Mode::Chunked || Pieces::new(&mut self.at, out).put(b"0\r\n\r\n").is_done()
    }
}

/// Bytes of a chunk beside its data.
const OVERHEAD: usize = 8;
/// What four digits can say.
const CHUNK_MAX: usize = 0xffff;

/// The size of a chunk and its line break.
const fn size_line(len: usize) -> [u8; 6] {
    [digit(len >> 12), digit(len >> 8), digit(len >> 4), digit(len), b'\r', b'\n']
}

/// The last digit of `n` in hexadecimal.
const fn digit(n: usize) -> u8 {
    match (n & 15) as u8 {
        n @ 0..=9 => b'0'.wrapping_add(n),
        n => b'a'.wrapping_sub(10).wrapping_add(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_is_written_as_it_is_read() {
        for len in crate::cases::thin(0..=CHUNK_MAX, 509) {
            let line = size_line(len);
            let digits = std::str::from_utf8(&line[..4]).unwrap();
            assert_eq!(usize::from_str_radix(digits, 16), Ok(len));
            assert_eq!(&line[4..], b"\r\n");
        }
    }
}
