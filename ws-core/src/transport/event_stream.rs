//! Server-Sent Events, read: [`EventStream`], for devices that listen to a server as an `EventSource` does (WHATWG HTML 9.2.5, 9.2.6).
//! What is written is in `sse.rs`. The request is the caller's, and so is the response up to its body: 200 and `text/event-stream`, or it
//! is none; 204 says to stay away.

use crate::bytes::{Input, copy};
use crate::time::Duration;

/// Bytes that the id of an event may have.
pub const ID_MAX: usize = 64;
/// Bytes that the type of an event may have.
pub const TYPE_MAX: usize = 32;

/// An event, lent until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StreamEvent<'a> {
    /// Its type; `message` if it has none.
    pub event: &'a str,
    /// Its data, lines ended by LF but the last.
    pub data: &'a str,
    /// The id of the last event that had one, this one or one before; empty: there was none. To go on behind this event later,
    /// send it as `Last-Event-ID`.
    pub id: &'a str,
}

/// Why an event was passed over. The next one is read as if nothing had been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EventStreamError {
    /// Its data does not fit into the memory, its id is longer than [`ID_MAX`] or its type than [`TYPE_MAX`].
    TooLong,
    /// It is not UTF-8. Browsers put U+FFFD in; here that is left to the caller, who knows what it is worth.
    InvalidUtf8,
}

impl core::fmt::Display for EventStreamError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the server sent an event that is too long",
            Self::InvalidUtf8 => "the server sent an event that is not UTF-8",
        })
    }
}

impl core::error::Error for EventStreamError {}

/// Reads an event stream, in any pieces.
///
/// How to size the memory: the data of the longest event, and a byte. Lines as such need none.
///
/// # Memory
///
/// What is lent, and about 270 bytes.
///
/// ```
/// use ws_core::Input;
/// use ws_core::transport::EventStream;
/// let mut memory = [0; 256];
/// let mut stream = EventStream::new(&mut memory);
/// let mut bytes = *b"retry: 500\n\nid: 17\ndata: hello\n\n";
/// let mut input = Input::new(&mut bytes);
/// let event = stream.receive(&mut input)?.expect("whole");
/// assert_eq!((event.event, event.data, event.id), ("message", "hello", "17"));
/// # Ok::<_, ws_core::transport::EventStreamError>(())
/// ```
pub struct EventStream<'m> {
    memory: &'m mut [u8],
    len: usize,
    event: Text<TYPE_MAX>,
    /// The id of the line that is being read.
    new_id: Text<ID_MAX>,
    /// The id of the latest line with one.
    next_id: Text<ID_MAX>,
    /// The id of the last event.
    id: Text<ID_MAX>,
    retry: Option<Duration>,
    state: State,
    /// The line before ended with CR: a LF is the rest of that.
    is_behind_cr: bool,
    /// The event in memory was lent.
    is_lent: bool,
    /// A line of data has come, whether or not there was room for it.
    has_data: bool,
    is_data_long: bool,
    /// The latest line with an id had one for which there is no room.
    is_id_long: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the start of the stream, inside a byte order mark.
    Mark(u8),
    /// In the name of a field: its first bytes, and how many there were.
    Name([u8; NAME_MAX], u8),
    /// Behind the colon: a space is no part of the value.
    Colon(Field),
    Value(Field),
}

/// Bytes of the longest name that means something.
const NAME_MAX: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Data,
    Event,
    Id {
        is_valid: bool,
    },
    /// The number so far, of no digits yet if it is `None`.
    Retry {
        millis: Option<u32>,
        is_valid: bool,
    },
    /// A comment, or what means nothing.
    Other,
}

const NEW_LINE: State = State::Name([0; NAME_MAX], 0);
const MARK: &[u8; 3] = b"\xef\xbb\xbf";

impl<'m> EventStream<'m> {
    /// A stream of which nothing has come.
    pub const fn new(memory: &'m mut [u8]) -> Self {
        Self {
            memory,
            len: 0,
            event: Text::new(),
            new_id: Text::new(),
            next_id: Text::new(),
            id: Text::new(),
            retry: None,
            state: State::Mark(0),
            is_behind_cr: false,
            is_lent: false,
            has_data: false,
            is_data_long: false,
            is_id_long: false,
        }
    }

    /// Reads the next event. `None`: the input is empty, read more; what has come of an event is kept.
    ///
    /// # Errors
    ///
    /// An event that was passed over; call again.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Result<Option<StreamEvent<'_>>, EventStreamError> {
        if self.is_lent {
            self.begin_event();
        }
        while !self.is_lent {
            if let State::Value(Field::Data) = self.state {
                self.take_run(input);
            }
            let [byte] = *input.take(1) else { return Ok(None) };
            if core::mem::take(&mut self.is_behind_cr) && byte == b'\n' {
                continue;
            }
            if matches!(byte, b'\r' | b'\n') {
                self.is_behind_cr = byte == b'\r';
                self.end_line();
            } else {
                self.read(byte);
            }
        }
        if self.is_data_long || self.is_id_long || self.event.is_long() {
            return Err(EventStreamError::TooLong);
        }
        let data = self.memory.get(..self.len.saturating_sub(1)).unwrap_or(&[]);
        let (Ok(data), Ok(event)) = (core::str::from_utf8(data), core::str::from_utf8(self.event.bytes()))
        else {
            return Err(EventStreamError::InvalidUtf8);
        };
        let event = if event.is_empty() { "message" } else { event };
        Ok(Some(StreamEvent { event, data, id: self.id.as_str() }))
    }

    /// The id of the last event: what to send as `Last-Event-ID` when the stream is opened again. Empty: nothing.
    pub fn last_event_id(&self) -> &str {
        self.id.as_str()
    }

    /// How long the server wants the client to wait before it opens the stream again, if it said so.
    pub const fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The stream has ended, and another is opened: an unfinished event is dropped, as it will come again; the id and the time stay.
    pub const fn restart(&mut self) {
        self.begin_event();
        self.next_id = self.id;
        self.state = State::Mark(0);
        self.is_behind_cr = false;
    }

    const fn begin_event(&mut self) {
        self.len = 0;
        self.event = Text::new();
        self.is_lent = false;
        self.has_data = false;
        self.is_data_long = false;
        self.is_id_long = false;
    }

    /// Takes data up to the end of the line or of the input, whichever is first.
    fn take_run(&mut self, input: &mut Input<'_>) {
        let rest = input.rest();
        let len = rest.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(rest.len());
        let run = input.take(len);
        self.push_data(run);
    }

    fn push_data(&mut self, data: &[u8]) {
        let n = copy(self.memory.get_mut(self.len..).unwrap_or_default(), data);
        self.len = self.len.saturating_add(n);
        self.is_data_long |= n < data.len();
    }

    /// A byte that ends no line.
    fn read(&mut self, byte: u8) {
        match self.state {
            State::Mark(have) => match MARK.get(usize::from(have)) {
                Some(expected) if *expected == byte => {
                    let have = have.saturating_add(1);
                    self.state = if usize::from(have) == MARK.len() { NEW_LINE } else { State::Mark(have) };
                }
                // A part of a mark is none: it begins a name, and one that means nothing.
                _ => {
                    self.state = State::Name([0; NAME_MAX], have);
                    self.read(byte);
                }
            },
            State::Name(name, len) if byte == b':' => {
                let name = name.get(..usize::from(len)).unwrap_or(b"?");
                self.state = State::Colon(self.begin_field(name));
            }
            State::Name(mut name, len) => {
                if let Some(to) = name.get_mut(usize::from(len)) {
                    *to = byte;
                }
                self.state = State::Name(name, len.saturating_add(1));
            }
            State::Colon(field) => {
                self.state = State::Value(field);
                if byte != b' ' {
                    self.read(byte);
                }
            }
            State::Value(field) => self.state = State::Value(self.value(field, byte)),
        }
    }

    fn begin_field(&mut self, name: &[u8]) -> Field {
        match name {
            b"data" => Field::Data,
            b"event" => {
                self.event = Text::new();
                Field::Event
            }
            b"id" => {
                self.new_id = Text::new();
                Field::Id { is_valid: true }
            }
            b"retry" => Field::Retry { millis: None, is_valid: true },
            _ => Field::Other,
        }
    }

    fn value(&mut self, field: Field, byte: u8) -> Field {
        match field {
            Field::Data => self.push_data(&[byte]),
            Field::Event => self.event.push(byte),
            Field::Id { is_valid } => {
                self.new_id.push(byte);
                return Field::Id { is_valid: is_valid && byte != 0 };
            }
            Field::Retry { millis, is_valid } => {
                let digit = byte.wrapping_sub(b'0');
                let millis = millis.unwrap_or(0).saturating_mul(10).saturating_add(digit.into());
                return Field::Retry { millis: Some(millis), is_valid: is_valid && digit <= 9 };
            }
            Field::Other => {}
        }
        field
    }

    fn end_line(&mut self) {
        let field = match self.state {
            State::Mark(0) | State::Name(_, 0) => {
                self.end_event();
                Field::Other
            }
            State::Mark(_) => Field::Other,
            State::Name(name, len) => self.begin_field(name.get(..usize::from(len)).unwrap_or(b"?")),
            State::Colon(field) | State::Value(field) => field,
        };
        self.state = NEW_LINE;
        match field {
            Field::Data => {
                self.has_data = true;
                self.push_data(b"\n");
            }
            Field::Id { is_valid: true } if self.new_id.is_long() => self.is_id_long = true,
            Field::Id { is_valid: true } if core::str::from_utf8(self.new_id.bytes()).is_ok() => {
                (self.next_id, self.is_id_long) = (self.new_id, false);
            }
            Field::Retry { millis: Some(millis), is_valid: true } => {
                self.retry = Some(Duration::from_millis(millis));
            }
            _ => {}
        }
    }

    /// An empty line: the event is whole. One without data is none, however long its type is; its id counts all the same.
    fn end_event(&mut self) {
        self.id = self.next_id;
        if self.has_data {
            self.is_lent = true;
        } else {
            self.begin_event();
        }
    }
}

/// A short text, or none that would be longer than there is room.
#[derive(Clone, Copy)]
struct Text<const N: usize> {
    bytes: [u8; N],
    /// Above `N`: it is too long.
    len: u8,
}

impl<const N: usize> Text<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    fn push(&mut self, byte: u8) {
        if let Some(to) = self.bytes.get_mut(usize::from(self.len)) {
            *to = byte;
        }
        self.len = self.len.saturating_add(1);
    }

    fn is_long(&self) -> bool {
        usize::from(self.len) > N
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(self.bytes()).unwrap_or_default()
    }
}

impl core::fmt::Debug for EventStream<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EventStream({} of {} B, id {:?})", self.len, self.memory.len(), self.last_event_id())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for EventStream<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "EventStream({} of {} B)", self.len, self.memory.len());
    }
}
