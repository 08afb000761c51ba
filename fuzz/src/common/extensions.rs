//! `Sec-WebSocket-Extensions`, said straight (RFC 6455 9.1): a line is split at its commas, its semicolons and its equals signs,
//! which is right because what is quoted has to be a token too, and no token holds one. What the parameters of compression mean
//! (RFC 7692 7.1) is judged here as well.

use std::borrow::Cow;

use super::head::{is_token, trim};

/// An extension and its parameters, with the values as they are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension<'l> {
    pub(crate) name: &'l [u8],
    pub(crate) params: Vec<Param<'l>>,
}

/// A name, and a value if there is one.
pub(crate) type Param<'l> = (&'l [u8], Option<Cow<'l, [u8]>>);

/// All extensions of a line; `None`: it does not follow the grammar.
pub(crate) fn parse(line: &[u8]) -> Option<Vec<Extension<'_>>> {
    let elements = line.split(|b| *b == b',').map(trim).filter(|element| !element.is_empty());
    elements.map(extension).collect()
}

/// All extensions of a field's lines; `None`: one does not follow the grammar, or the field stands and has none.
pub(crate) fn parse_all<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Option<Vec<Extension<'l>>> {
    let lines: Vec<_> = lines.map(parse).collect::<Option<_>>()?;
    let stands = !lines.is_empty();
    let all = lines.concat();
    (!stands || !all.is_empty()).then_some(all)
}

fn extension(text: &[u8]) -> Option<Extension<'_>> {
    let mut parts = text.split(|b| *b == b';').map(trim);
    let name = parts.next().filter(|name| is_token(name))?;
    let params = parts.map(param).collect::<Option<_>>()?;
    Some(Extension { name, params })
}

fn param(text: &[u8]) -> Option<Param<'_>> {
    match text.iter().position(|b| *b == b'=') {
        None => is_token(text).then_some((text, None)),
        Some(at) => {
            let name = trim(&text[..at]);
            let value = value(trim(&text[at + 1..]))?;
            (is_token(name) && is_token(&value)).then_some((name, Some(value)))
        }
    }
}

fn value(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(quoted) = text.strip_prefix(b"\"") else { return Some(Cow::Borrowed(text)) };
    let mut bytes = quoted.strip_suffix(b"\"")?.iter();
    let mut value = Vec::new();
    while let Some(byte) = bytes.next() {
        value.push(if *byte == b'\\' { *bytes.next()? } else { *byte });
    }
    Some(Cow::Owned(value))
}

/// The four parameters of compression: of a window, its bits, and 0 where it stands without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compression {
    pub(crate) server_no_takeover: bool,
    pub(crate) client_no_takeover: bool,
    pub(crate) server_bits: Option<u8>,
    pub(crate) client_bits: Option<u8>,
}

/// `None`: one is unknown, stands twice, or has a value that it cannot have (RFC 7692 7.1).
pub(crate) fn compression(extension: &Extension<'_>) -> Option<Compression> {
    let mut read = Compression::default();
    for (name, value) in &extension.params {
        let was = match *name {
            b"server_no_context_takeover" => std::mem::replace(&mut read.server_no_takeover, true),
            b"client_no_context_takeover" => std::mem::replace(&mut read.client_no_takeover, true),
            b"server_max_window_bits" => read.server_bits.replace(bits(value.as_deref())?).is_some(),
            b"client_max_window_bits" => read.client_bits.replace(bits(value.as_deref())?).is_some(),
            _ => return None,
        };
        if was || (name.ends_with(b"_takeover") && value.is_some()) {
            return None;
        }
    }
    Some(read)
}

fn bits(value: Option<&[u8]>) -> Option<u8> {
    const BITS: [&[u8]; 8] = [b"8", b"9", b"10", b"11", b"12", b"13", b"14", b"15"];
    match value {
        None => Some(0),
        Some(value) => BITS.iter().position(|bits| *bits == value).map(|at| at as u8 + 8),
    }
}
