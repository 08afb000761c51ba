//! [`Rules`]: what a head of HTTP is, said straight (RFC 9112 2 to 5): line by line over bytes that are all there, so that cuts
//! cannot matter to it, and with the byte that shows what is wrong. What a request or a response means is not decided here.

use ws_core::http::{HeadError, HeadLimits, Version};

use super::host::is_authority;

/// Which heads there are.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'r> {
    pub(crate) is_request: bool,
    /// Fields that may stand once.
    pub(crate) single: &'r [&'r str],
    pub(crate) limits: HeadLimits,
}

/// What bytes begin with.
#[derive(Debug)]
pub(crate) enum Verdict<'d> {
    Head(Head<'d>),
    /// No head, as so many bytes show.
    Refused {
        error: HeadError,
        len: usize,
        /// The first line, if that was one; else nothing.
        line: &'d [u8],
    },
    /// What may become one.
    More,
}

/// A head.
#[derive(Debug)]
pub(crate) struct Head<'d> {
    pub(crate) line: &'d [u8],
    /// Names as they came, values without the white space around them.
    pub(crate) fields: Vec<(&'d [u8], &'d [u8])>,
    /// Bytes in all.
    pub(crate) len: usize,
}

/// Empty lines before a request: some clients send one behind a body (RFC 9112 2.2); more are none.
const EMPTY_LINES: usize = 4;

impl Rules<'_> {
    pub(crate) fn read<'d>(&self, data: &'d [u8]) -> Verdict<'d> {
        let mut head = Head { line: &[], fields: Vec::new(), len: 0 };
        let (mut at, mut empty) = (0, 0);
        loop {
            let rest = &data[at..];
            let len = rest.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(rest.len());
            let (text, behind) = rest.split_at(len);
            let is_first = head.line.is_empty();
            // Both: how many bytes of the rest it takes to see it.
            let offence = if is_first { self.in_first(text) } else { self.in_field(text, &head) };
            let offence = offence.or(match behind {
                [] | [b'\r'] | [b'\r', b'\n', ..] => None,
                [b'\r', ..] => Some((len + 2, HeadError::BareLineBreak)),
                _ => Some((len + 1, HeadError::BareLineBreak)),
            });
            let end = behind.starts_with(b"\r\n").then_some(len + 2);
            let offence = offence.or(end.and_then(|end| {
                let error = if is_first { self.first(text, empty) } else { field(text) }?;
                Some((end, error))
            }));
            let seen = offence.map_or(end.unwrap_or(rest.len()), |(seen, _)| seen);
            if at + seen > self.limits.bytes {
                let error = self.too_long(is_first);
                return Verdict::Refused { error, len: self.limits.bytes + 1, line: head.line };
            }
            if let Some((seen, error)) = offence {
                return Verdict::Refused { error, len: at + seen, line: head.line };
            }
            let Some(end) = end else { return Verdict::More };
            at += end;
            match (is_first, text) {
                (true, []) => empty += 1,
                (true, _) => head.line = text,
                (false, []) => return Verdict::Head(Head { len: at, ..head }),
                (false, _) => {
                    let colon = text.iter().position(|b| *b == b':').unwrap();
                    head.fields.push((&text[..colon], trim(&text[colon + 1..])));
                }
            }
        }
    }

    fn too_long(&self, is_first: bool) -> HeadError {
        if is_first && self.is_request { HeadError::LongLine } else { HeadError::LongHead }
    }

    /// The first byte that cannot stand in a first line.
    fn in_first(&self, text: &[u8]) -> Option<(usize, HeadError)> {
        // The phrase of a response may hold anything that is visible; what is in front of it has a form.
        let may_stand = |b: u8| matches!(b, b' '..=b'~') || (!self.is_request && (b == b'\t' || b >= 0x80));
        let at = text.iter().position(|b| !may_stand(*b))?;
        Some((at + 1, if is_control(text[at]) { HeadError::ControlByte } else { HeadError::BadLine }))
    }

    /// The first byte that cannot stand in a field.
    fn in_field(&self, text: &[u8], head: &Head<'_>) -> Option<(usize, HeadError)> {
        match text {
            [] => return None,
            [b' ' | b'\t', ..] => return Some((1, HeadError::FoldedLine)),
            [first, ..] if is_token_byte(*first) && head.fields.len() >= self.limits.fields => {
                return Some((1, HeadError::ManyFields));
            }
            _ => {}
        }
        let len = text.iter().position(|b| !is_token_byte(*b))?;
        let (name, value) = (&text[..len], &text[len + 1..]);
        match text[len] {
            b':' if len > 0 => {}
            byte if is_control(byte) => return Some((len + 1, HeadError::ControlByte)),
            _ => return Some((len + 1, HeadError::BadName)),
        }
        if is_one_of(name, self.single) && head.all(name).next().is_some() {
            return Some((len + 1, HeadError::DuplicateField));
        }
        let at = value.iter().position(|b| is_control(*b))?;
        Some((len + 1 + at + 1, HeadError::ControlByte))
    }

    /// What is wrong with a first line, behind so many empty ones.
    fn first(&self, text: &[u8], empty: usize) -> Option<HeadError> {
        match (text, self.is_request) {
            ([], true) => (empty == EMPTY_LINES).then_some(HeadError::BadLine),
            (_, true) => request_line(text),
            (_, false) => status_line(text),
        }
    }
}

/// What is wrong with the line of a field, or the empty one, when it has ended.
fn field(text: &[u8]) -> Option<HeadError> {
    (!text.is_empty() && !text.contains(&b':')).then_some(HeadError::BadName)
}

/// Three words with a space between (RFC 9112 3).
fn request_line(text: &[u8]) -> Option<HeadError> {
    let mut words = text.split(|b| *b == b' ');
    let words = [words.next(), words.next(), words.next(), words.next()];
    let [Some(method), Some(target), Some(version), None] = words else { return Some(HeadError::BadLine) };
    if !is_token(method) || target.is_empty() {
        return Some(HeadError::BadLine);
    }
    bad_version(version).or((!is_target(target)).then_some(HeadError::BadTarget))
}

/// A version, three digits and, unless nothing follows at all, a phrase (RFC 9112 4).
fn status_line(text: &[u8]) -> Option<HeadError> {
    let mut words = text.splitn(3, |b| *b == b' ');
    let (Some(version), Some(status)) = (words.next(), words.next()) else { return Some(HeadError::BadLine) };
    let is_status = status.len() == 3 && status.iter().all(u8::is_ascii_digit) && status[0] != b'0';
    bad_version(version).or((!is_status).then_some(HeadError::BadLine))
}

fn bad_version(text: &[u8]) -> Option<HeadError> {
    match text {
        [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', b'0'..=b'9'] => {
            (*major != b'1').then_some(HeadError::BadVersion)
        }
        _ => Some(HeadError::BadLine),
    }
}

/// The origin form or the absolute form, with what a URI may hold, and no fragment (RFC 9112 3.2).
fn is_target(target: &[u8]) -> bool {
    let is_visible = target.iter().all(|b| matches!(b, b'!'..=b'~') && *b != b'#');
    is_visible && (target[0] == b'/' || authority(target).is_some_and(is_authority))
}

/// What an absolute target says about its server.
fn authority(target: &[u8]) -> Option<&[u8]> {
    let colon = target.iter().position(|b| *b == b':')?;
    let (scheme, rest) = target.split_at(colon);
    let rest = rest.strip_prefix(b"://")?;
    let is_known = is_one_of(scheme, &["http", "https", "ws", "wss"]);
    is_known.then(|| rest.split(|b| matches!(b, b'/' | b'?')).next().unwrap())
}

impl<'d> Head<'d> {
    pub(crate) fn method(&self) -> &'d [u8] {
        self.line.split(|b| *b == b' ').next().unwrap()
    }

    pub(crate) fn target(&self) -> &'d [u8] {
        self.line.split(|b| *b == b' ').nth(1).unwrap()
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        std::str::from_utf8(self.target()).unwrap().parse().unwrap()
    }

    /// It begins the line of a response, whose reason may end like another, and ends that of a request.
    pub(crate) fn version(&self) -> Version {
        let is_response = self.line.starts_with(b"HTTP/");
        let is_old =
            if is_response { self.line.starts_with(b"HTTP/1.0") } else { self.line.ends_with(b"HTTP/1.0") };
        if is_old { Version::Http10 } else { Version::Http11 }
    }

    /// The values of the fields of that name.
    pub(crate) fn all<'n>(&self, name: &'n [u8]) -> impl Iterator<Item = &'d [u8]> + use<'_, 'd, 'n> {
        let fields = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| *value)
    }

    pub(crate) fn first(&self, name: &str) -> Option<&'d [u8]> {
        self.all(name.as_bytes()).next()
    }

    /// The elements of a list that may stand on several lines (RFC 9110 5.6.1).
    pub(crate) fn elements<'n>(&self, name: &'n str) -> impl Iterator<Item = &'d [u8]> + use<'_, 'd, 'n> {
        let lines = self.all(name.as_bytes());
        lines.flat_map(|line| line.split(|b| *b == b',').map(trim)).filter(|element| !element.is_empty())
    }

    pub(crate) fn has_word(&self, name: &str, word: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Host and port that the target names.
    pub(crate) fn authority(&self) -> Option<&'d [u8]> {
        authority(self.target()).filter(|_| self.target()[0] != b'/')
    }

    /// Since HTTP/1.1 a request names its host (RFC 9112 3.2).
    pub(crate) fn has_host(&self) -> bool {
        self.first("host").map_or(self.version() == Version::Http10, is_authority)
    }
}

/// A name that is wanted is no longer than 64 bytes.
pub(crate) fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(name))
}

/// RFC 9110 5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

// A table, as the fuzzer counts comparisons, and would find nothing in these.
static TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");

/// Letters, digits and these.
pub(super) const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token_byte(*b))
}

/// RFC 9110 5.5.
pub(crate) fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// Without the optional white space around it (RFC 9110 5.6.3).
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t');
    let start = text.iter().position(|b| !is_space(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !is_space(b)).map_or(start, |last| last + 1);
    &text[start..end]
}
