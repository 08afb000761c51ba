//! The ASCII grammar that the fields of HTTP are made of: tokens, lists, optional white space (RFC 9110 5.6).

/// A byte that a token may hold (RFC 9110 5.6.2).
pub fn is_token_byte(byte: u8) -> bool {
    let bits = TOKEN_BYTES.get(usize::from(byte >> 5)).unwrap_or(&0);
    bits >> (byte & 31) & 1 != 0
}

/// A bit for each byte of ASCII: a quarter of the code that ranges take.
const TOKEN_BYTES: [u32; 4] = [0, 0x03ff_6cfa, 0xc7ff_fffe, 0x57ff_ffff];

/// `text` is a token: not empty, and no byte in it that would have to be quoted.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token_byte(*b))
}

/// A byte that no field may hold, and no other part of a head but line breaks: all control bytes but the tab
/// (RFC 9110 5.5).
pub const fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// `text` may be the value of a field: no control byte but the tab, no space at either end (RFC 9110 5.5). So it can hold
/// no line break.
pub fn is_field_value(text: &[u8]) -> bool {
    !text.iter().any(|b| is_control(*b)) && trim(text).len() == text.len()
}

/// `text` without the optional white space around it (RFC 9110 5.6.3).
pub const fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Both sides of the first `separator`; `None`: there is none.
#[inline(never)]
pub fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == separator)?;
    let (head, tail) = text.split_at_checked(at)?;
    Some((head, tail.split_first()?.1))
}

/// The same of text, for a `separator` of ASCII: what `str` has for it links a panic.
pub(crate) fn split_text_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.as_bytes().iter().position(|b| *b == separator)?;
    let (head, tail) = text.split_at_checked(at)?;
    tail.get(1..).map(|tail| (head, tail))
}

/// `ascii` as text: for what a grammar was checked of that holds nothing but ASCII. Empty if there is anything else.
pub(crate) fn text(ascii: &[u8]) -> &str {
    core::str::from_utf8(ascii).unwrap_or_default()
}

/// The elements of a comma-separated list, trimmed, the empty ones left out (RFC 9110 5.6.1). For lists without quoted
/// strings.
pub fn list(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    core::iter::from_fn(move || next_element(&mut rest))
}

#[inline(never)]
fn next_element<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    while !rest.is_empty() {
        let (element, later) = split_once(rest, b',').unwrap_or((rest, &[]));
        *rest = later;
        let element = trim(element);
        if !element.is_empty() {
            return Some(element);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_hold_no_delimiters() {
        let delimiters = b"\"(),/:;<=>?@[\\]{}";
        for byte in 0..=255u8 {
            let expected = (0x21..0x7f).contains(&byte) && !delimiters.contains(&byte);
            assert_eq!(is_token_byte(byte), expected, "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn lists_are_trimmed_and_skip_nothing_else() {
        assert_eq!(list(b" , a,\tb c ,,d").collect::<Vec<_>>(), [&b"a"[..], b"b c", b"d"]);
    }

    #[test]
    fn a_field_value_holds_no_line_break() {
        assert!(is_field_value(b"a\tb c") && is_field_value(b"") && is_field_value("é".as_bytes()));
        for bad in ["a\r", "a\nb", "\0", " a", "a ", "\x7f"] {
            assert!(!is_field_value(bad.as_bytes()), "{bad:?}");
        }
    }
}
