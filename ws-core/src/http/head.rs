//! Reading the head of a request or of a response, in pieces of any size: [`HeadReader`].
//!
//! Each byte is looked at once. Fields that nobody wants are skipped and never stored. What RFC 9112 leaves to the
//! recipient's mercy is refused: bare CR and LF, folded lines, spaces before a colon, control bytes.

use crate::bytes::{Input, ascii};

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HeadLimits {
    /// Bytes in all; 431 above, or 414 if the request line alone exceeds it.
    pub bytes: usize,
    /// Fields; 431 above.
    pub fields: usize,
}

impl HeadLimits {
    /// 8 KiB, 100 fields: what browsers send with large cookies passes.
    pub const DEFAULT: Self = Self { bytes: 8 * 1024, fields: 100 };
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// HTTP/1.0, or what counts as HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1, and the minor versions above it, which mean the same to us (RFC 9110 2.5).
    Http11,
}

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HeadError {
    /// The first line is no request line or status line (RFC 9112 3, 4).
    BadLine,
    /// The major version is not 1, or it is HTTP/1.0 where more is needed (RFC 9110 2.5).
    BadVersion,
    /// The request target has a form that is not served here, or holds a fragment (RFC 9112 3.2).
    BadTarget,
    /// A CR without LF, or an LF without CR (RFC 9112 2.2).
    BareLineBreak,
    /// A line that continues the one before (RFC 9112 5.2).
    FoldedLine,
    /// A field without a name, with a name that is no token, or with a space before its colon (RFC 9112 5.1).
    BadName,
    /// A control byte (RFC 9110 5.5).
    ControlByte,
    /// A field that may stand once stands twice.
    DuplicateField,
    /// The request line is too long.
    LongLine,
    /// The head is too long, or the memory lent for it too small.
    LongHead,
    /// Too many fields.
    ManyFields,
}

impl HeadError {
    /// The status of the response that the error deserves: 400, 414, 431 or 505.
    pub const fn status(self) -> u16 {
        match self {
            Self::LongLine => 414,
            Self::LongHead | Self::ManyFields => 431,
            Self::BadVersion => 505,
            _ => 400,
        }
    }

    /// What is wrong, in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BadLine => "the first line is malformed",
            Self::BadVersion => "only HTTP/1.1 is spoken here",
            Self::BadTarget => "the request target is malformed",
            Self::BareLineBreak => "a line does not end with CR LF",
            Self::FoldedLine => "a field is folded over lines",
            Self::BadName => "the name of a field is malformed",
            Self::ControlByte => "a control byte in the head",
            Self::DuplicateField => "a field that may stand once stands twice",
            Self::LongLine => "the request target is too long",
            Self::LongHead => "the head is too long",
            Self::ManyFields => "too many fields",
        }
    }
}

impl core::fmt::Display for HeadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for HeadError {}

/// The names of the fields to keep, in lower case.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Wanted<'s> {
    /// May stand once.
    pub single: &'s [&'s str],
    /// May stand on several lines.
    pub repeated: &'s [&'s str],
    /// Further ones, of the application; may stand on several lines.
    pub further: &'s [&'s str],
}

/// Names longer than this are not compared with those wanted.
const NAME_MAX: usize = 64;
/// Empty lines that may stand before a request (RFC 9112 2.2).
const EMPTY_LINES_MAX: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first line.
    Start,
    StartCr,
    Line,
    LineCr,
    /// Behind a line of the head.
    Field,
    Name,
    /// Before a value, in its white space.
    Space,
    Value,
    ValueCr,
    /// In the empty line at the end.
    EndCr,
    Done,
    Failed(HeadError),
}

/// Reads one head. The first line and the fields wanted are kept in memory that the caller lends.
///
/// How to size the store: the longest request line or status line, for each field wanted its name, its value and two
/// bytes, and 64 bytes to spare; 1 KiB does for browsers without cookies. A store too small is answered with 431.
#[derive(Debug)]
pub struct HeadReader<'s> {
    store: &'s mut [u8],
    /// Bytes of `store` in use, and of those the first line.
    len: usize,
    line: usize,
    /// Where the field that is being read begins in `store`.
    field: usize,
    wanted: Wanted<'s>,
    limits: HeadLimits,
    is_request: bool,
    /// Of the head so far.
    bytes: usize,
    fields: usize,
    empty_lines: u8,
    /// The field that is being read is not wanted.
    skip: bool,
    state: State,
}

impl<'s> HeadReader<'s> {
    /// A reader of a request's head.
    pub const fn request(store: &'s mut [u8], wanted: Wanted<'s>, limits: HeadLimits) -> Self {
        Self::new(store, wanted, limits, true)
    }

    /// A reader of a response's head.
    pub const fn response(store: &'s mut [u8], wanted: Wanted<'s>, limits: HeadLimits) -> Self {
        Self::new(store, wanted, limits, false)
    }

    const fn new(store: &'s mut [u8], wanted: Wanted<'s>, limits: HeadLimits, is_request: bool) -> Self {
        Self {
            store,
            len: 0,
            line: 0,
            field: 0,
            wanted,
            limits,
            is_request,
            bytes: 0,
            fields: 0,
            empty_lines: 0,
            skip: false,
            state: State::Start,
        }
    }

    /// Sets other limits.
    pub const fn set_limits(&mut self, limits: HeadLimits) {
        self.limits = limits;
    }

    /// Reads on. `true`: the head is complete, and what is left in `input` is behind it. `false`: the input is empty,
    /// read more.
    ///
    /// # Errors
    ///
    /// What is wrong with the head; each further call says the same.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Result<bool, HeadError> {
        let mut used = 0usize;
        for byte in input.rest() {
            if matches!(self.state, State::Done | State::Failed(_)) {
                break;
            }
            used = used.saturating_add(1);
            if let Err(error) = self.step(*byte) {
                self.state = State::Failed(error);
            }
        }
        input.take(used);
        match self.state {
            State::Failed(error) => Err(error),
            state => Ok(state == State::Done),
        }
    }

    /// Begins anew, for the head behind an interim response. What was read goes on to count towards the limits.
    pub fn restart(&mut self) {
        (self.len, self.line, self.field) = (0, 0, 0);
        (self.skip, self.state) = (false, State::Start);
    }

    /// The head is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The first line, without its line break; empty before the head is complete, so that nobody takes half a head, or
    /// one that was refused, for a whole one.
    pub fn line(&self) -> &str {
        if self.is_done() { self.kept_line() } else { "" }
    }

    /// The fields that were kept; none before the head is complete.
    pub fn fields(&self) -> Fields<'_> {
        if self.is_done() { self.kept_fields() } else { Fields { rest: &[] } }
    }

    fn kept_line(&self) -> &str {
        self.store.get(..self.line).and_then(|line| core::str::from_utf8(line).ok()).unwrap_or_default()
    }

    fn kept_fields(&self) -> Fields<'_> {
        Fields { rest: self.store.get(self.line..self.field).unwrap_or(&[]) }
    }

    fn step(&mut self, byte: u8) -> Result<(), HeadError> {
        self.bytes = self.bytes.saturating_add(1);
        if self.bytes > self.limits.bytes {
            return Err(self.too_long());
        }
        self.state = match (self.state, byte) {
            (State::Start, b'\r') => State::StartCr,
            (State::StartCr, b'\n') => {
                self.empty_lines = self.empty_lines.saturating_add(1);
                if self.empty_lines > EMPTY_LINES_MAX || !self.is_request {
                    return Err(HeadError::BadLine);
                }
                State::Start
            }
            (State::Line, b'\r') => State::LineCr,
            (State::LineCr, b'\n') => {
                self.line = self.len;
                self.field = self.len;
                self.check_line()?;
                State::Field
            }
            (State::Field, b'\r') => State::EndCr,
            (State::EndCr, b'\n') => State::Done,
            (State::Space | State::Value, b'\r') => State::ValueCr,
            (State::ValueCr, b'\n') => {
                self.end_field()?;
                State::Field
            }
            (State::StartCr | State::LineCr | State::ValueCr | State::EndCr, _) | (_, b'\r' | b'\n') => {
                return Err(HeadError::BareLineBreak);
            }
            (State::Start | State::Line, b' '..=b'~') => {
                self.keep(byte)?;
                State::Line
            }
            // A reason phrase may hold more than ASCII (RFC 9112 4); anywhere else, the mark breaks the line.
            (State::Line, b'\t' | 0x80..) if !self.is_request => {
                self.keep(b'?')?;
                State::Line
            }
            (State::Start | State::Line, b'\t' | 0x80..) => return Err(HeadError::BadLine),
            (State::Field, b' ' | b'\t') => return Err(HeadError::FoldedLine),
            (State::Field, byte) if ascii::is_token_byte(byte) => {
                self.fields = self.fields.saturating_add(1);
                if self.fields > self.limits.fields {
                    return Err(HeadError::ManyFields);
                }
                (self.len, self.skip) = (self.field, false);
                self.keep(byte.to_ascii_lowercase())?;
                State::Name
            }
            (State::Name, b':') => {
                self.end_name()?;
                State::Space
            }
            (State::Name, byte) if ascii::is_token_byte(byte) => {
                if self.len.saturating_sub(self.field) >= NAME_MAX {
                    self.skip = true;
                    self.len = self.field;
                }
                self.keep(byte.to_ascii_lowercase())?;
                State::Name
            }
            (State::Field | State::Name, 0..b' ' | 0x7f) => return Err(HeadError::ControlByte),
            (State::Field | State::Name, _) => return Err(HeadError::BadName),
            (State::Space, b' ' | b'\t') => State::Space,
            (State::Space | State::Value, b'\t' | b' '..=b'~' | 0x80..) => {
                self.keep(byte)?;
                State::Value
            }
            (State::Start | State::Line | State::Space | State::Value, _) => {
                return Err(HeadError::ControlByte);
            }
            (state @ (State::Done | State::Failed(_)), _) => state,
        };
        Ok(())
    }

    fn keep(&mut self, byte: u8) -> Result<(), HeadError> {
        if self.skip {
            return Ok(());
        }
        let Some(place) = self.store.get_mut(self.len) else { return Err(self.too_long()) };
        *place = byte;
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    fn too_long(&self) -> HeadError {
        match self.state {
            State::Start | State::StartCr | State::Line | State::LineCr if self.is_request => {
                HeadError::LongLine
            }
            _ => HeadError::LongHead,
        }
    }

    fn check_line(&self) -> Result<(), HeadError> {
        if self.is_request {
            let (_, target, _) = request_line(self.kept_line())?;
            super::Target::parse(target).map(|_| ())
        } else {
            status_line(self.kept_line()).map(|_| ())
        }
    }

    fn end_name(&mut self) -> Result<(), HeadError> {
        let name = self.store.get(self.field..self.len).unwrap_or(&[]);
        let is_in = |names: &[&str]| names.iter().any(|wanted| wanted.as_bytes() == name);
        let single = is_in(self.wanted.single);
        if self.skip || !(single || is_in(self.wanted.repeated) || is_in(self.wanted.further)) {
            self.skip = true;
            return Ok(());
        }
        if single && self.kept_fields().any(|(kept, _)| kept.as_bytes() == name) {
            return Err(HeadError::DuplicateField);
        }
        self.keep(b':')
    }

    /// Ends the value: without the white space behind it, and with the line break that [`Fields`] looks for.
    fn end_field(&mut self) -> Result<(), HeadError> {
        if self.skip {
            self.len = self.field;
            return Ok(());
        }
        while let Some(b' ' | b'\t') = self.len.checked_sub(1).and_then(|last| self.store.get(last)) {
            self.len = self.len.saturating_sub(1);
        }
        self.keep(b'\n')?;
        self.field = self.len;
        Ok(())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for HeadReader<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        // Not what was kept: it may hold secrets.
        defmt::write!(f, "HeadReader({} B, {} fields read)", self.bytes, self.fields);
    }
}

/// Method, target and version of a request line (RFC 9112 3).
pub(crate) fn request_line(line: &str) -> Result<(&str, &str, Version), HeadError> {
    let mut parts = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HeadError::BadLine);
    };
    if !ascii::is_token(method) || target.is_empty() {
        return Err(HeadError::BadLine);
    }
    Ok((method, target, version_of(version)?))
}

/// Version, status and reason of a status line (RFC 9112 4).
pub(crate) fn status_line(line: &str) -> Result<(Version, u16, &str), HeadError> {
    let (version, rest) = line.split_once(' ').ok_or(HeadError::BadLine)?;
    let version = version_of(version)?;
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    match (status.len(), ascii::decimal(status)) {
        (3, Some(status @ 100..=999)) => Ok((version, status as u16, reason)),
        _ => Err(HeadError::BadLine),
    }
}

fn version_of(text: &str) -> Result<Version, HeadError> {
    match text.as_bytes() {
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(HeadError::BadVersion)
        }
        _ => Err(HeadError::BadLine),
    }
}

/// The fields that were kept, in order: names in lower case, and values as they came, without the white space around
/// them.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The first field of that name (in lower case), if its value is UTF-8.
    pub fn first(self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// All fields of that name (in lower case) whose value is UTF-8.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.filter(move |(kept, _)| *kept == name).filter_map(|(_, value)| core::str::from_utf8(value).ok())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.rest.iter().position(|b| *b == b'\n')?;
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or(&[]);
        let colon = line.iter().position(|b| *b == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((core::str::from_utf8(name).unwrap_or_default(), value.get(1..).unwrap_or(&[])))
    }
}
