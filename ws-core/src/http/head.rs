//! Reading the head of a request or of a response, in pieces of any size: [`HeadReader`].
//!
//! Each byte is looked at once. Fields that nobody wants are skipped and never stored. What RFC 9112 leaves to the
//! recipient's mercy is refused: bare CR and LF, folded lines, spaces before a colon, control bytes.

pub use super::fields::Fields;

use super::target::measure;
use crate::bytes::Input;
use crate::bytes::ascii::{self, split_once};

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
            Self::BadLine => "bad first line",
            Self::BadVersion => "only HTTP/1.1 is spoken",
            Self::BadTarget => "bad target",
            Self::BareLineBreak => "bare CR or LF",
            Self::FoldedLine => "folded field",
            Self::BadName => "bad field name",
            Self::ControlByte => "control byte",
            Self::DuplicateField => "duplicate field",
            Self::LongLine => "target too long",
            Self::LongHead => "head too long",
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

/// The names of the fields to keep, in lower case and at most 64 bytes long: others are never found.
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
    /// In the first line, or the empty ones before it.
    Line,
    /// At the beginning of a line, or in the name of a field.
    Name,
    /// Behind its colon.
    Value,
    Done,
    Failed(HeadError),
}

/// What is wrong with a first line.
type Check = fn(&[u8]) -> Result<(), HeadError>;

/// Reads one head. The first line and the fields wanted are kept in memory that the caller lends.
///
/// # Memory
///
/// About 20 words, and the store.
///
/// How to size the store: the longest request line or status line, for each field wanted its name, its value and two
/// bytes, and 64 bytes to spare; 1 KiB does for browsers without cookies. A store too small is answered with 431.
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
    /// What the first line has to be. A pointer, so that an image which reads requests links nothing about responses.
    check_line: Check,
    /// Of the head so far.
    bytes: usize,
    fields: usize,
    empty_lines: u8,
    /// The field that is being read is not wanted.
    skip: bool,
    /// The byte before was a CR.
    cr: bool,
    state: State,
}

impl<'s> HeadReader<'s> {
    /// A reader of a request's head.
    pub const fn request(store: &'s mut [u8], wanted: Wanted<'s>, limits: HeadLimits) -> Self {
        Self::new(store, wanted, limits, true, check_request_line)
    }

    /// A reader of a response's head.
    pub const fn response(store: &'s mut [u8], wanted: Wanted<'s>, limits: HeadLimits) -> Self {
        Self::new(store, wanted, limits, false, check_status_line)
    }

    const fn new(
        store: &'s mut [u8],
        wanted: Wanted<'s>,
        limits: HeadLimits,
        is_request: bool,
        check_line: Check,
    ) -> Self {
        Self {
            store,
            len: 0,
            line: 0,
            field: 0,
            wanted,
            limits,
            is_request,
            check_line,
            bytes: 0,
            fields: 0,
            empty_lines: 0,
            skip: false,
            cr: false,
            state: State::Line,
        }
    }

    /// Sets other limits, which what was read already counts towards too.
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
        (self.len, self.line, self.field, self.state) = (0, 0, 0, State::Line);
    }

    /// Begins anew, for the next request: nothing is left of the one before.
    pub(crate) fn reset(&mut self) {
        (self.bytes, self.fields, self.empty_lines) = (0, 0, 0);
        (self.skip, self.cr) = (false, false);
        self.restart();
    }

    /// More came than the empty lines that may stand before a request.
    pub(crate) fn has_begun(&self) -> bool {
        self.state != State::Line || self.len != 0
    }

    /// The head is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The first line, without its line break; empty before the head is complete, so that nobody takes half a head, or
    /// one that was refused, for a whole one.
    pub fn line(&self) -> &[u8] {
        if self.is_done() { self.kept_line() } else { &[] }
    }

    /// The fields that were kept; none before the head is complete.
    pub fn fields(&self) -> Fields<'_> {
        if self.is_done() { self.kept_fields() } else { Fields { rest: &[] } }
    }

    /// The first line, as soon as it was read: also of a head that is too long for the memory lent.
    pub(crate) fn kept_line(&self) -> &[u8] {
        self.store.get(..self.line).unwrap_or(&[])
    }

    fn kept_fields(&self) -> Fields<'_> {
        Fields { rest: self.store.get(self.line..self.field).unwrap_or(&[]) }
    }

    fn step(&mut self, byte: u8) -> Result<(), HeadError> {
        self.bytes = self.bytes.saturating_add(1);
        if self.bytes > self.limits.bytes {
            return Err(self.too_long());
        }
        match (core::mem::replace(&mut self.cr, byte == b'\r'), byte) {
            (true, b'\n') => return self.end_line(),
            (true, _) | (_, b'\n') => return Err(HeadError::BareLineBreak),
            (_, b'\r') => return Ok(()),
            _ => {}
        }
        match (self.state, byte) {
            (State::Name, byte) if ascii::is_token_byte(byte) => self.put_name(byte),
            // A line that begins with white space continues the one before.
            (State::Name, b' ' | b'\t') if self.begins_line() => Err(HeadError::FoldedLine),
            _ if ascii::is_control(byte) => Err(HeadError::ControlByte),
            (State::Line, b' '..=b'~') | (State::Value, _) => self.keep(byte),
            (State::Line, _) if self.is_request => Err(HeadError::BadLine),
            // A reason phrase may hold more than ASCII (RFC 9112 4); anywhere else, the mark breaks the line.
            (State::Line, _) => self.keep(b'?'),
            (State::Name, b':') if !self.begins_line() => self.end_name(),
            (State::Name, _) => Err(HeadError::BadName),
            (State::Done | State::Failed(_), _) => Ok(()),
        }
    }

    fn end_line(&mut self) -> Result<(), HeadError> {
        match self.state {
            State::Line if self.len == 0 => {
                self.empty_lines = self.empty_lines.saturating_add(1);
                if self.empty_lines > EMPTY_LINES_MAX || !self.is_request {
                    return Err(HeadError::BadLine);
                }
                return Ok(());
            }
            State::Line => {
                self.line = self.len;
                (self.check_line)(self.kept_line())?;
            }
            State::Name if self.begins_line() => {
                self.state = State::Done;
                return Ok(());
            }
            State::Name => return Err(HeadError::BadName),
            _ if self.skip => self.len = self.field,
            _ => self.keep(b'\n')?, // what `Fields` looks for
        }
        (self.field, self.skip, self.state) = (self.len, false, State::Name);
        Ok(())
    }

    fn begins_line(&self) -> bool {
        self.len == self.field && !self.skip
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
        if self.state == State::Line && self.is_request { HeadError::LongLine } else { HeadError::LongHead }
    }

    fn put_name(&mut self, byte: u8) -> Result<(), HeadError> {
        if self.begins_line() {
            self.fields = self.fields.saturating_add(1);
            if self.fields > self.limits.fields {
                return Err(HeadError::ManyFields);
            }
        }
        self.skip |= self.len.saturating_sub(self.field) >= NAME_MAX;
        self.keep(byte.to_ascii_lowercase())
    }

    fn end_name(&mut self) -> Result<(), HeadError> {
        self.state = State::Value;
        let name = self.store.get(self.field..self.len).unwrap_or(&[]);
        let is_in = |names: &[&str]| names.iter().any(|wanted| wanted.as_bytes() == name);
        let single = is_in(self.wanted.single);
        self.skip |= !(single || is_in(self.wanted.repeated) || is_in(self.wanted.further));
        if !self.skip && single && self.kept_fields().next_of(name).is_some() {
            return Err(HeadError::DuplicateField);
        }
        self.keep(b':')
    }
}

/// What a request line asks for.
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    /// Of the target, if it names one.
    pub(crate) authority: Option<&'a [u8]>,
    pub(crate) version: Version,
}

impl core::fmt::Debug for HeadReader<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Not what was kept: it may hold secrets.
        write!(f, "HeadReader({} B, {} fields read)", self.bytes, self.fields)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for HeadReader<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "HeadReader({} B, {} fields read)", self.bytes, self.fields);
    }
}

/// Method, target and version of a request line (RFC 9112 3).
pub(crate) fn request_line(line: &[u8]) -> Result<RequestLine<'_>, HeadError> {
    let (method, rest) = split_once(line, b' ').ok_or(HeadError::BadLine)?;
    let (target, version) = split_once(rest, b' ').ok_or(HeadError::BadLine)?;
    if !ascii::is_token(method) || target.is_empty() {
        return Err(HeadError::BadLine);
    }
    let version = version_of(version)?;
    let (authority, path) = measure(target)?;
    let authority = target.get(authority..path).filter(|authority| !authority.is_empty());
    Ok(RequestLine { method, target, authority, version })
}

fn check_request_line(line: &[u8]) -> Result<(), HeadError> {
    request_line(line).map(|_| ())
}

/// The version in a request line that was read, and checked.
pub(crate) fn version_asked(line: &[u8]) -> Version {
    if line.ends_with(b"/1.0") { Version::Http10 } else { Version::Http11 }
}

/// Version, status and reason of a status line (RFC 9112 4).
pub(crate) fn status_line(line: &[u8]) -> Result<(Version, u16, &[u8]), HeadError> {
    let (version, rest) = split_once(line, b' ').ok_or(HeadError::BadLine)?;
    let version = version_of(version)?;
    let (status, reason) = split_once(rest, b' ').unwrap_or((rest, &[]));
    match status {
        [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => {
            let number = status
                .iter()
                .fold(0u16, |n, digit| n.wrapping_mul(10).wrapping_add(u16::from(digit.wrapping_sub(b'0'))));
            Ok((version, number, reason))
        }
        _ => Err(HeadError::BadLine),
    }
}

fn check_status_line(line: &[u8]) -> Result<(), HeadError> {
    status_line(line).map(|_| ())
}

fn version_of(text: &[u8]) -> Result<Version, HeadError> {
    match text.strip_prefix(b"HTTP/") {
        Some(b"1.0") => Ok(Version::Http10),
        Some([b'1', b'.', b'1'..=b'9']) => Ok(Version::Http11),
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => Err(HeadError::BadVersion),
        _ => Err(HeadError::BadLine),
    }
}
