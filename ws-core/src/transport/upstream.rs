//! What a client says where it has no WebSocket: [`Upstream`], which reads the messages of a POST.
//!
//! The body of `POST E?s=sid&n=7` is a list of records, each a type, `t` for text or `b` for binary, its length in bytes in decimal
//! digits, a colon, and so many bytes: `t5:hellob3:xyz`. The first is the client's message number 7, the next 8, and so on from 1 for
//! the first message of a session. The answer is `{"ack":8}`, the number of the last message that has come. A client that gets none sends the same
//! again, from the same number, until it does: what came before is passed over.
//!
//! Text has to be UTF-8. Lengths have no sign and no leading zero. A body may be empty: that is a question for the number.

use super::event::{Control, Item, put_item};
use super::{Callback, Cursor, Seq};
use crate::bytes::utf8::Utf8;
use crate::bytes::{Input, Output};
use crate::connection::Data;
use crate::frame::Kind;
use crate::http::pieces::Pieces;

/// What has come from a client: kept in its [`Session`](super::Session), as it outlives the requests.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    received: Seq,
    /// Counts the requests that brought messages: only the latest may go on.
    turn: u16,
}

impl Inbox {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self { received: Seq::new(0), turn: 0 }
    }

    /// The number of the last message that has come whole; 0: none has.
    pub const fn received(&self) -> Seq {
        self.received
    }

    /// A message came over a WebSocket, where each is whole and none is sent twice by one connection: `n` is its number.
    /// `Ok(false)`: it has come before, pass it over.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Gap`]: a message is missing before it.
    pub fn accept(&mut self, n: Seq) -> Result<bool, UpstreamError> {
        if n.is_after(self.received.next()) {
            return Err(UpstreamError::Gap);
        }
        let is_new = n == self.received.next();
        if is_new {
            self.received = n;
        }
        Ok(is_new)
    }
}

/// What is wrong with a body. Answer with its [status](Self::status) and close; nothing of the body is read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpstreamError {
    /// No record begins like this.
    BadRecord,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A message longer than the limit.
    TooLong,
    /// The body ended inside a record.
    Truncated,
    /// Messages are missing between the last that came and this one.
    Gap,
    /// Another request of the same session came behind this one, and took its place.
    Superseded,
}

impl UpstreamError {
    /// The status of the response.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRecord | Self::InvalidUtf8 | Self::Truncated => 400,
            Self::Gap | Self::Superseded => 409,
            Self::TooLong => 413,
        }
    }

    /// What is wrong, in words: for the body of the response.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BadRecord => "the client sent something that is no record",
            Self::InvalidUtf8 => "the client sent text that is not UTF-8",
            Self::TooLong => "the client sent a message above the limit",
            Self::Truncated => "the body ended inside a record",
            Self::Gap => "messages of the client are missing",
            Self::Superseded => "the client sent another request instead of this one",
        }
    }
}

impl core::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for UpstreamError {}

/// Reads the messages of one request, in any pieces, and lends them where they lie; [`MessageBuffer`](crate::MessageBuffer)
/// puts long ones together.
///
/// # Memory
///
/// 6 words.
///
/// ```
/// use ws_core::Input;
/// use ws_core::transport::{Inbox, Seq, Upstream};
/// let mut inbox = Inbox::new(); // in a session
/// let mut body = *b"t5:hellob3:xyz";
/// let mut upstream = Upstream::new(&mut inbox, Seq::new(1), 1024)?;
/// let mut input = Input::new(&mut body);
/// while let Some(data) = upstream.receive(&mut input, &mut inbox)? {
///     assert!(data.payload == b"hello" || data.payload == b"xyz");
/// }
/// upstream.finish(&inbox)?; // at the end of the body
/// assert_eq!(inbox.received(), Seq::new(2));
/// # Ok::<_, ws_core::transport::UpstreamError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Upstream {
    state: State,
    /// The number of the record that is being read, or comes next.
    number: Seq,
    limit: u32,
    turn: u16,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Type,
    Length { kind: Kind, len: Option<u32> },
    Payload { kind: Kind, left: u32, is_first: bool, utf8: Utf8 },
    Failed(UpstreamError),
}

impl Upstream {
    /// `Content-Type` of the request, so that a browser sends it to another origin without asking first. It is not looked at.
    pub const CONTENT_TYPE: &'static str = "text/plain;charset=UTF-8";

    /// Begins to read a request whose first message has the number `n`, of messages of at most `limit` bytes. Another one of the same
    /// session that is still being read is given up.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Gap`]: messages before it are missing.
    pub fn new(inbox: &mut Inbox, n: Seq, limit: u32) -> Result<Self, UpstreamError> {
        if n.is_after(inbox.received.next()) {
            return Err(UpstreamError::Gap);
        }
        inbox.turn = inbox.turn.wrapping_add(1);
        Ok(Self { state: State::Type, number: n, limit, turn: inbox.turn })
    }

    /// Reads the next piece of a message that has not come before. `None`: the input is empty. `inbox` is that of the same session each
    /// time; a message counts as received with its last piece, so do with that what has to be done before the next call.
    ///
    /// # Errors
    ///
    /// What is wrong; and again in each further call. What was valid before it has been lent.
    pub fn receive<'b>(
        &mut self,
        input: &mut Input<'b>,
        inbox: &mut Inbox,
    ) -> Result<Option<Data<'b>>, UpstreamError> {
        self.check(inbox)?;
        let result = self.step(input, inbox);
        if let Err(error) = result {
            self.state = State::Failed(error);
        }
        result
    }

    /// The body is at its end.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Truncated`] inside a record, which does not count; or the error that came before.
    pub fn finish(&self, inbox: &Inbox) -> Result<(), UpstreamError> {
        self.check(inbox)?;
        if matches!(self.state, State::Type) { Ok(()) } else { Err(UpstreamError::Truncated) }
    }

    fn check(&self, inbox: &Inbox) -> Result<(), UpstreamError> {
        match self.state {
            State::Failed(error) => Err(error),
            _ if self.turn != inbox.turn => Err(UpstreamError::Superseded),
            _ => Ok(()),
        }
    }

    fn step<'b>(
        &mut self,
        input: &mut Input<'b>,
        inbox: &mut Inbox,
    ) -> Result<Option<Data<'b>>, UpstreamError> {
        while let Some(byte) = input.rest().first().copied() {
            match self.state {
                State::Type => {
                    let kind = match byte {
                        b't' => Kind::Text,
                        b'b' => Kind::Binary,
                        _ => return Err(UpstreamError::BadRecord),
                    };
                    self.state = State::Length { kind, len: None };
                    input.take(1);
                }
                State::Length { kind, len } => {
                    let len = match (byte, len) {
                        (b':', Some(left)) => {
                            input.take(1);
                            self.state = State::Payload { kind, left, is_first: true, utf8: Utf8::START };
                            if left == 0
                                && let Some(data) = self.payload(input, inbox)?
                            {
                                return Ok(Some(data));
                            }
                            continue;
                        }
                        (b'0'..=b'9', None) => u32::from(byte & 15),
                        // Nothing stands behind a zero.
                        (b'0'..=b'9', Some(len @ 1..)) => {
                            let longer =
                                len.checked_mul(10).and_then(|len| len.checked_add(u32::from(byte & 15)));
                            longer.ok_or(UpstreamError::TooLong)?
                        }
                        _ => return Err(UpstreamError::BadRecord),
                    };
                    if len > self.limit {
                        return Err(UpstreamError::TooLong);
                    }
                    let len = Some(len);
                    self.state = State::Length { kind, len };
                    input.take(1);
                }
                State::Payload { .. } => {
                    if let Some(data) = self.payload(input, inbox)? {
                        return Ok(Some(data));
                    }
                }
                State::Failed(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The piece of the message that is in `input`; `None`: it came before.
    fn payload<'b>(
        &mut self,
        input: &mut Input<'b>,
        inbox: &mut Inbox,
    ) -> Result<Option<Data<'b>>, UpstreamError> {
        let State::Payload { kind, left, is_first, mut utf8 } = self.state else { return Ok(None) };
        let available =
            input.rest().get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(input.rest());
        // What is valid is lent up to the byte that is not, however the input was cut.
        let bad = if kind == Kind::Text { utf8.check(available) } else { None };
        let valid = bad.unwrap_or(available.len());
        let payload: &'b [u8] = input.take(valid);
        let remaining = left.saturating_sub(payload.len() as u32);
        let last = remaining == 0 && utf8.is_complete();
        if bad.is_some() || (remaining == 0 && !last) {
            if payload.is_empty() {
                return Err(UpstreamError::InvalidUtf8);
            }
            self.state = State::Failed(UpstreamError::InvalidUtf8);
        }
        let number = self.number;
        if last {
            self.state = State::Type;
            self.number = number.next();
        } else if remaining != 0 && bad.is_none() {
            self.state = State::Payload { kind, left: remaining, is_first: false, utf8 };
        }
        if !number.is_after(inbox.received) {
            return Ok(None);
        }
        if last {
            inbox.received = number;
        }
        Ok(Some(Data { kind, payload, first: is_first, last, remaining: remaining.into() }))
    }
}

/// The body of the answer to a request that brought messages: `{"ack":8}`, or a script that calls a function with it.
///
/// # Memory
///
/// 19 words, of which 17 are for the name of a function.
#[derive(Clone, Debug)]
pub struct AckBody {
    ack: Seq,
    callback: Option<Callback>,
    at: usize,
}

impl AckBody {
    /// An answer that says `ack`: [`Inbox::received`].
    pub const fn new(ack: Seq, callback: Option<Callback>) -> Self {
        Self { ack, callback, at: 0 }
    }

    /// The value of `Content-Type`. The further fields are those of [`PollBody::FIELDS`](super::PollBody::FIELDS).
    pub const fn content_type(&self) -> &'static str {
        if self.callback.is_some() { Callback::CONTENT_TYPE } else { super::PollBody::CONTENT_TYPE }
    }

    /// The length of the body in bytes; it is never empty.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        Pieces::measure(|pieces| self.put(pieces))
    }

    /// Writes as much as fits. `true`: all is in `out`. `false`: write `out` out, clear it and call again.
    #[must_use = "`false` asks to be called again"]
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        let mut at = self.at;
        let mut pieces = Pieces::new(&mut at, out);
        self.put(&mut pieces);
        let is_done = pieces.is_done();
        self.at = at;
        is_done
    }

    fn put(&self, pieces: &mut Pieces<'_, '_>) {
        if let Some(callback) = &self.callback {
            pieces.put(b"/**/").put(callback.as_bytes()).put(b"(");
        }
        put_item(pieces, Cursor::default(), Item::Control(Control::Ack(self.ack)));
        if self.callback.is_some() {
            pieces.put(b");");
        }
    }
}
