//! Where the body of a request ends, said straight (RFC 9112 6, 7), over bytes that are all there.

use ws_core::http::{BodyError, BodyReader, Version};

use crate::common::head::{Head, is_control, is_token_byte};

/// How the fields of a request say where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// RFC 9112 6.3, and nothing that two might read in two ways.
pub(super) fn framing(head: &Head<'_>) -> Result<Framing, BodyError> {
    let codings: Vec<_> = head.elements("transfer-encoding").map(<[u8]>::to_ascii_lowercase).collect();
    let length = head.first("content-length");
    let chunked = codings.iter().filter(|coding| *coding == b"chunked").count();
    let is_old = head.version() == Version::Http10;
    if head.first("transfer-encoding").is_some() {
        if chunked != 1 || codings.last().unwrap() != b"chunked" {
            return Err(BodyError::BadCoding);
        }
        return match length {
            _ if codings.len() > 1 => Err(BodyError::UnknownCoding),
            Some(_) => Err(BodyError::TwoFramings),
            None if is_old => Err(BodyError::BadCoding),
            None => Ok(Framing::Chunked),
        };
    }
    match length {
        Some(digits) if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) => {
            Err(BodyError::BadLength)
        }
        Some(digits) => {
            let length = std::str::from_utf8(digits).unwrap().parse().map_err(|_| BodyError::TooLong)?;
            Ok(Framing::Length(length))
        }
        None if is_old && matches!(head.method(), b"POST" | b"PUT") => Err(BodyError::LengthRequired),
        None => Ok(Framing::Length(0)),
    }
}

/// What a body came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It ended behind so many bytes.
    Done(usize),
    Bad(BodyError),
    More,
}

/// The body at the front of `data`, of a length that is within the limit.
pub(super) fn of_length(length: u64, data: &[u8]) -> (&[u8], End) {
    match usize::try_from(length).ok().and_then(|length| data.get(..length)) {
        Some(body) => (body, End::Done(body.len())),
        None => (data, End::More),
    }
}

/// The body in the chunks at the front of `data`, at most `limit` bytes.
pub(super) fn of_chunks(limit: u64, data: &[u8]) -> (Vec<u8>, End) {
    let (mut body, mut at, mut room, mut extensions) = (Vec::new(), 0, limit, 0);
    loop {
        let (size, len) = match size_line(&data[at..], &mut extensions) {
            Ok(Some(size)) => size,
            Ok(None) => return (body, End::More),
            Err(error) => return (body, End::Bad(error)),
        };
        at += len;
        if size == 0 {
            let end = match trailers(&data[at..]) {
                Ok(Some(len)) => End::Done(at + len),
                Ok(None) => End::More,
                Err(error) => End::Bad(error),
            };
            return (body, end);
        }
        let Some(left) = room.checked_sub(size) else { return (body, End::Bad(BodyError::TooLong)) };
        room = left;
        let (piece, end) = of_length(size, &data[at..]);
        body.extend_from_slice(piece);
        at += piece.len();
        match (end, &data[at..]) {
            (End::Done(_), [b'\r', b'\n', ..]) => at += 2,
            (End::More, _) | (_, [] | [b'\r']) => return (body, End::More),
            _ => return (body, End::Bad(BodyError::BadChunk)),
        }
    }
}

/// One to sixteen hexadecimal digits, extensions, a line break: the size, and how long the line is.
fn size_line(data: &[u8], extensions: &mut usize) -> Result<Option<(u64, usize)>, BodyError> {
    let len = data.iter().position(|b| is_control(*b)).unwrap_or(data.len());
    let (text, end) = data.split_at(len);
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    if digits > 16 || (digits == 0 && !data.is_empty()) {
        return Err(BodyError::BadChunk);
    }
    let (digits, behind) = text.split_at(digits);
    let gap = behind.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    // What may stand behind white space is a semicolon.
    let is_bad = behind.get(gap).is_some_and(|b| *b != b';');
    *extensions += if is_bad { gap } else { behind.len() };
    if *extensions > usize::from(BodyReader::EXTENSIONS_MAX) {
        return Err(BodyError::LongExtension);
    }
    let is_cut_short = gap > 0 && gap == behind.len();
    match end {
        _ if is_bad => Err(BodyError::BadChunk),
        [] => Ok(None),
        _ if is_cut_short => Err(BodyError::BadChunk),
        [b'\r'] => Ok(None),
        [b'\r', b'\n', ..] => {
            let size = u64::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
            Ok(Some((size, len + 2)))
        }
        _ => Err(BodyError::BadChunk),
    }
}

/// Fields, as in a head, and an empty line: how long they are.
fn trailers(data: &[u8]) -> Result<Option<usize>, BodyError> {
    let (mut at, mut skipped) = (0, 0);
    let mut skip = |len: usize| {
        skipped += len;
        if skipped > usize::from(BodyReader::TRAILERS_MAX) { Err(BodyError::LongTrailer) } else { Ok(()) }
    };
    loop {
        match &data[at..] {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => return Ok(Some(at + 2)),
            _ => {}
        }
        let rest = &data[at..];
        let name = rest.iter().take_while(|b| is_token_byte(**b)).count();
        skip(name)?;
        match rest.get(name) {
            None => return Ok(None),
            Some(b':') if name > 0 => skip(1)?,
            Some(_) => return Err(BodyError::BadChunk),
        }
        let value = rest[name + 1..].iter().take_while(|b| !is_control(**b)).count();
        skip(value)?;
        let len = name + 1 + value;
        match &rest[len..] {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => at += len + 2,
            _ => return Err(BodyError::BadChunk),
        }
    }
}
