//! The body of a request or of a response, as it comes: [`Framing`] says what tells where it ends, [`BodyReader`] takes it
//! out of that (RFC 9112 6, 7). What is in it is no matter of this file, nor how long it is waited for.
//!
//! Two readers that disagree on where a body ends take a part of it for the next request, and whoever wrote it for the
//! client. So there is one way to say it, and all that others might read otherwise is refused.

use super::{Fields, Request, Version, field};
use crate::bytes::{Input, ascii};

/// What tells where a body ends (RFC 9112 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Framing {
    /// So many bytes; 0: there is none.
    Length(u64),
    /// Pieces, each with its length before it; the last is empty (RFC 9112 7.1).
    Chunked,
    /// The end of the connection. Only responses end so.
    Close,
}

impl Framing {
    /// How the body of `request` is framed; without a word about it there is none.
    ///
    /// # Errors
    ///
    /// The fields are contradictory or not understood: answer with the error's [status](BodyError::status), and close.
    pub fn of_request(request: &Request<'_>) -> Result<Self, BodyError> {
        let fields = request.fields();
        match Self::of_fields(fields, request.version())? {
            Some(framing) => Ok(framing),
            // Before HTTP/1.1 there was no other way to say that there is no body (RFC 1945 8.3).
            None if request.version() < Version::Http11 && matches!(request.method(), "POST" | "PUT") => {
                Err(BodyError::LengthRequired)
            }
            None => Ok(Self::Length(0)),
        }
    }

    /// How the body of a response is framed, by its head: `fields` with `content-length` and `transfer-encoding` among those
    /// kept, `version` and `status`. `is_head`: the request was HEAD, to which there is never a body.
    ///
    /// # Errors
    ///
    /// The fields are contradictory or not understood: nobody can tell where the body ends.
    pub fn of_response(
        fields: Fields<'_>,
        version: Version,
        status: u16,
        is_head: bool,
    ) -> Result<Self, BodyError> {
        if is_head || matches!(status, 100..=199 | 204 | 304) {
            return Ok(Self::Length(0)); // whatever the fields say
        }
        Ok(Self::of_fields(fields, version)?.unwrap_or(Self::Close))
    }

    /// `None`: the fields say nothing.
    fn of_fields(fields: Fields<'_>, version: Version) -> Result<Option<Self>, BodyError> {
        let mut lines = fields;
        let length = lines.next_of(field::CONTENT_LENGTH.as_bytes());
        if length.is_some() && lines.next_of(field::CONTENT_LENGTH.as_bytes()).is_some() {
            return Err(BodyError::BadLength);
        }
        match (is_chunked(fields)?, length) {
            (true, Some(_)) => Err(BodyError::TwoFramings),
            // A proxy that speaks HTTP/1.0 would not see it (RFC 9112 6.1).
            (true, None) if version < Version::Http11 => Err(BodyError::BadCoding),
            (true, None) => Ok(Some(Self::Chunked)),
            (false, Some(length)) => decimal(length).map(|length| Some(Self::Length(length))),
            (false, None) => Ok(None),
        }
    }
}

/// The body comes in chunks. Other codings are not spoken here (RFC 9112 7).
fn is_chunked(mut fields: Fields<'_>) -> Result<bool, BodyError> {
    let (mut stands, mut others, mut chunked) = (false, false, false);
    while let Some(line) = fields.next_of(field::TRANSFER_ENCODING.as_bytes()) {
        stands = true;
        for coding in ascii::list(line) {
            if chunked {
                return Err(BodyError::BadCoding); // it comes last, and once
            }
            chunked = coding.eq_ignore_ascii_case(b"chunked");
            others |= !chunked;
        }
    }
    match (stands, chunked) {
        (true, false) => Err(BodyError::BadCoding),
        (_, true) if others => Err(BodyError::UnknownCoding),
        (_, chunked) => Ok(chunked),
    }
}

/// Digits alone: no sign, no list, no space (RFC 9110 8.6).
fn decimal(digits: &[u8]) -> Result<u64, BodyError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(BodyError::BadLength);
    }
    let number = digits.iter().try_fold(0u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    });
    number.ok_or(BodyError::TooLong)
}

/// What is wrong with a body. It cannot be told what comes behind it: close behind the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BodyError {
    /// A `Content-Length` that is no number, or two of them (RFC 9112 6.3).
    BadLength,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 6.1).
    TwoFramings,
    /// A `Transfer-Encoding` that does not end in `chunked`, has it twice, or stands in HTTP/1.0 (RFC 9112 6.1, 6.3).
    BadCoding,
    /// A transfer coding besides `chunked` (RFC 9112 6.1).
    UnknownCoding,
    /// HTTP/1.0 says by `Content-Length` alone how long the body of a request is (RFC 1945 8.3).
    LengthRequired,
    /// Longer than the limit.
    TooLong,
    /// No chunk, or no trailer, where one should be; a CR or LF alone (RFC 9112 7.1).
    BadChunk,
    /// More than [`EXTENSIONS_MAX`](BodyReader::EXTENSIONS_MAX) bytes of chunk extensions.
    LongExtension,
    /// More than [`TRAILERS_MAX`](BodyReader::TRAILERS_MAX) bytes of trailers.
    LongTrailer,
    /// The connection ended before the body.
    Incomplete,
}

impl BodyError {
    /// The status of the response that the error deserves: 400, 411, 413, 431 or 501.
    pub const fn status(self) -> u16 {
        match self {
            Self::LengthRequired => 411,
            Self::TooLong => 413,
            Self::LongTrailer => 431,
            Self::UnknownCoding => 501,
            _ => 400,
        }
    }

    /// What is wrong, in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BadLength => "bad Content-Length",
            Self::TwoFramings => "both Content-Length and Transfer-Encoding",
            Self::BadCoding => "bad Transfer-Encoding",
            Self::UnknownCoding => "unknown transfer coding",
            Self::LengthRequired => "no Content-Length",
            Self::TooLong => "body too long",
            Self::BadChunk => "bad chunk",
            Self::LongExtension => "chunk extensions too long",
            Self::LongTrailer => "trailers too long",
            Self::Incomplete => "body cut off",
        }
    }
}

impl core::fmt::Display for BodyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for BodyError {}

/// A place in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum State {
    /// In a body of known length.
    Length,
    /// In a body that ends with the connection.
    Close,
    /// In the size of a chunk, behind so many digits.
    Size(u8),
    /// In white space behind the size, which only an extension may follow.
    Gap,
    Extension,
    /// Before the LF behind the size.
    SizeEnd,
    Data,
    /// Before the CR and the LF behind the data.
    DataEnd,
    DataLineEnd,
    /// At the beginning of a line behind the last chunk.
    Trailer,
    /// In the name of a trailer.
    Name,
    Value,
    /// Before the LF of a trailer, and of the empty line that ends the body.
    ValueEnd,
    LastEnd,
    Done,
    Failed(BodyError),
}

/// Takes a body out of its framing, and lends it piece by piece where it lies. Trailers and chunk extensions are checked and
/// skipped.
///
/// ```
/// use ws_core::{Input, http::body::{BodyReader, Framing}};
/// let mut reader = BodyReader::new(Framing::Chunked, 1024)?;
/// let mut read = *b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\nGET / ";
/// let mut input = Input::new(&mut read); // of each read, until the body is done
/// let mut body = String::new();
/// while let Some(piece) = reader.receive(&mut input)? {
///     body += core::str::from_utf8(piece)?;
/// }
/// assert!(reader.is_done() && body == "hello, world");
/// assert_eq!(input.rest(), b"GET / ");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory
///
/// 24 bytes. Nothing of the body is kept.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BodyReader {
    /// Of the chunk, or of the body if its length is known; and what the limit leaves for all that is not counted there.
    left: u64,
    room: u64,
    /// Bytes of extensions, later of trailers.
    skipped: u16,
    state: State,
}

impl BodyReader {
    /// Bytes that all chunk extensions of a body may have; nobody needs any.
    pub const EXTENSIONS_MAX: u16 = 1024;
    /// Bytes that all trailers may have.
    pub const TRAILERS_MAX: u16 = 4096;
    /// Digits of a size that can be told.
    const DIGITS_MAX: u8 = 16;

    /// Of what has no body.
    pub(crate) const NOTHING: Self = Self { left: 0, room: 0, skipped: 0, state: State::Done };

    /// A reader of a body of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLong`]: the body says so itself. Do not wait for it.
    pub const fn new(framing: Framing, limit: u64) -> Result<Self, BodyError> {
        let (left, state) = match framing {
            Framing::Length(0) => (0, State::Done),
            Framing::Length(length) if length > limit => return Err(BodyError::TooLong),
            Framing::Length(length) => (length, State::Length),
            Framing::Chunked => (0, State::Size(0)),
            Framing::Close => (limit, State::Close),
        };
        Ok(Self { left, room: limit, skipped: 0, state })
    }

    /// Reads on: the next piece, never an empty one. `None`: the input is empty, read more; or the body [is
    /// done](Self::is_done), and what is left in `input` is behind it.
    ///
    /// # Errors
    ///
    /// The body is none; each further call says the same. What came before was lent.
    pub fn receive<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<&'b mut [u8]>, BodyError> {
        loop {
            match (self.state, input.rest()) {
                (State::Failed(error), _) => return Err(error),
                (State::Done, _) | (_, []) => return Ok(None),
                (State::Close, _) if self.left == 0 => return Err(self.fail(BodyError::TooLong)),
                (State::Length | State::Close | State::Data, _) => return Ok(Some(self.take(input))),
                (_, [byte, ..]) => {
                    let next = self.behind(*byte);
                    input.take(1);
                    match next {
                        Ok(state) => self.state = state,
                        Err(error) => return Err(self.fail(error)),
                    }
                }
            }
        }
    }

    /// The connection ended, from the peer's side. For a body that is framed so, that is its end.
    ///
    /// # Errors
    ///
    /// [`BodyError::Incomplete`]: there should have been more.
    pub const fn receive_eof(&mut self) -> Result<(), BodyError> {
        match self.state {
            State::Done => Ok(()),
            State::Close => {
                self.state = State::Done;
                Ok(())
            }
            State::Failed(error) => Err(error),
            _ => Err(self.fail(BodyError::Incomplete)),
        }
    }

    /// All of the body was lent, and its framing read to the end.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Lowers the limit of a request's body, before anything was read. None ends with the connection.
    pub(crate) fn limit(&mut self, limit: u64) -> Result<(), BodyError> {
        self.room = self.room.min(limit);
        match self.state {
            State::Length if self.left > limit => Err(self.fail(BodyError::TooLong)),
            _ => Ok(()),
        }
    }

    const fn fail(&mut self, error: BodyError) -> BodyError {
        self.state = State::Failed(error);
        error
    }

    /// As much data as lies there.
    fn take<'b>(&mut self, input: &mut Input<'b>) -> &'b mut [u8] {
        let piece = input.take(usize::try_from(self.left).unwrap_or(usize::MAX));
        // A `usize` has at most 64 bits here.
        self.left = self.left.saturating_sub(piece.len() as u64);
        if self.left == 0 {
            self.state = match self.state {
                State::Data => State::DataEnd,
                State::Length => State::Done,
                state => state,
            };
        }
        piece
    }

    /// The place behind `byte`, which is none of the data.
    fn behind(&mut self, byte: u8) -> Result<State, BodyError> {
        Ok(match (self.state, byte) {
            (State::Size(digits), _) if byte.is_ascii_hexdigit() => {
                if digits >= Self::DIGITS_MAX {
                    return Err(BodyError::BadChunk);
                }
                self.left = self.left << 4 | u64::from(hex(byte));
                State::Size(digits.saturating_add(1))
            }
            (State::Size(1..) | State::Extension, b'\r') => State::SizeEnd,
            (State::Size(1..) | State::Gap, b';') => self.skip(State::Extension)?,
            (State::Size(1..) | State::Gap, b' ' | b'\t') => self.skip(State::Gap)?,
            (State::Extension, _) if !ascii::is_control(byte) => self.skip(State::Extension)?,
            (State::SizeEnd, b'\n') if self.left == 0 => {
                self.skipped = 0;
                State::Trailer
            }
            (State::SizeEnd, b'\n') => {
                self.room = self.room.checked_sub(self.left).ok_or(BodyError::TooLong)?;
                State::Data
            }
            (State::DataEnd, b'\r') => State::DataLineEnd,
            (State::DataLineEnd, b'\n') => State::Size(0),
            (State::Trailer, b'\r') => State::LastEnd,
            (State::Name, b':') => self.skip(State::Value)?,
            (State::Trailer | State::Name, _) if ascii::is_token_byte(byte) => self.skip(State::Name)?,
            (State::Value, b'\r') => State::ValueEnd,
            (State::Value, _) if !ascii::is_control(byte) => self.skip(State::Value)?,
            (State::ValueEnd, b'\n') => State::Trailer,
            (State::LastEnd, b'\n') => State::Done,
            _ => return Err(BodyError::BadChunk),
        })
    }

    /// Counts a byte that nobody needs.
    fn skip(&mut self, next: State) -> Result<State, BodyError> {
        let (max, error) = match next {
            State::Name | State::Value => (Self::TRAILERS_MAX, BodyError::LongTrailer),
            _ => (Self::EXTENSIONS_MAX, BodyError::LongExtension),
        };
        self.skipped = self.skipped.saturating_add(1);
        if self.skipped > max { Err(error) } else { Ok(next) }
    }
}

/// The value of a hexadecimal digit.
const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit.wrapping_sub(b'0'),
        _ => (digit | 0x20).wrapping_sub(b'a').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_digits_and_nothing_else() {
        for (digits, length) in
            [("0", 0), ("7", 7), ("007", 7), ("18446744073709551615", u64::MAX), ("1048576", 1 << 20)]
        {
            assert_eq!(decimal(digits.as_bytes()), Ok(length), "{digits}");
        }
        for digits in ["", "+5", "-5", "5 ", "5,5", "5, 5", "0x5", "5.0", "1e3", "٥", "5\u{a0}"] {
            assert_eq!(decimal(digits.as_bytes()), Err(BodyError::BadLength), "{digits:?}");
        }
        for digits in ["18446744073709551616", "99999999999999999999999999"] {
            assert_eq!(decimal(digits.as_bytes()), Err(BodyError::TooLong), "{digits}");
        }
    }

    /// Of either kind of a request's body, and whichever limit came first.
    #[test]
    fn a_limit_can_only_be_lowered() {
        for framing in [Framing::Length(5), Framing::Chunked] {
            for (first, second, fits) in [(5, 5, true), (5, 9, true), (5, 4, false), (9, 4, false)] {
                let mut bytes =
                    if framing == Framing::Chunked { b"5\r\nhello".to_vec() } else { b"hello".to_vec() };
                let mut input = Input::new(&mut bytes);
                let mut reader = BodyReader::new(framing, first).expect("it fits so far");
                let mut end = reader.limit(second);
                while end.is_ok() && !input.is_empty() {
                    end = reader.receive(&mut input).map(|_| ());
                }
                assert_eq!(
                    end,
                    if fits { Ok(()) } else { Err(BodyError::TooLong) },
                    "{framing:?}: {first}, {second}"
                );
            }
        }
    }

    #[test]
    fn hexadecimal_digits_have_their_values() {
        for digit in 0..16u8 {
            for text in [format!("{digit:x}"), format!("{digit:X}")] {
                assert_eq!(hex(text.as_bytes()[0]), digit);
            }
        }
    }
}
