//! What two endpoints offer each other beyond the protocol: the grammar of `Sec-WebSocket-Extensions` (RFC 6455 9.1).
//!
//! A field holds a list of offers, each a name and parameters with or without a value, which may be quoted. What the
//! names mean is decided elsewhere.

use crate::bytes::ascii::{is_token, is_token_byte, split_once, text, trim};
use crate::http::Fields;

/// The field does not follow the grammar. The handshake fails for it (RFC 6455 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GrammarError;

impl core::fmt::Display for GrammarError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a list of extensions is malformed")
    }
}

impl core::error::Error for GrammarError {}

/// One extension, offered or agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Offer<'a> {
    /// Its registered name, such as `permessage-deflate`; compared with its case.
    pub name: &'a str,
    params: &'a str,
}

/// A parameter of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Param<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, if it has one.
    pub value: Option<Value<'a>>,
}

/// The value of a parameter: a token, written as it is or quoted.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Value<'a> {
    /// Without the quotes, but with the backslashes.
    raw: &'a str,
}

/// The offers of one line of the field, in order of preference; the first that does not follow the grammar is an error,
/// and the last item. Each byte is looked at a fixed number of times.
pub fn offers(line: &str) -> impl Iterator<Item = Result<Offer<'_>, GrammarError>> {
    let mut rest = Some(line.as_bytes());
    core::iter::from_fn(move || {
        let element = next_element(&mut rest)?;
        let offer =
            element.and_then(|element| if is_offer(element) { Ok(element) } else { Err(GrammarError) });
        if offer.is_err() {
            rest = None;
        }
        Some(offer.map(|element| {
            let (name, params) = split_once(element, b';').unwrap_or((element, &[]));
            Offer { name: text(trim(name)), params: text(params) }
        }))
    })
}

/// All lines of the field `name` are elements of which each `is_element`, and have one if they stand at all.
pub(super) fn is_list(mut fields: Fields<'_>, name: &str, is_element: fn(&[u8]) -> bool) -> bool {
    let (mut stands, mut has_element) = (false, false);
    while let Some(line) = fields.next_of(name.as_bytes()) {
        stands = true;
        let mut rest = Some(line);
        while let Some(element) = next_element(&mut rest) {
            has_element = true;
            if !element.is_ok_and(is_element) {
                return false;
            }
        }
    }
    has_element || !stands
}

/// The next element of a list that is not empty, trimmed.
fn next_element<'a>(rest: &mut Option<&'a [u8]>) -> Option<Result<&'a [u8], GrammarError>> {
    while let Some(list) = *rest {
        let Ok((element, later)) = split_unquoted(list, b',') else { return Some(Err(GrammarError)) };
        *rest = later;
        let element = trim(element);
        if !element.is_empty() {
            return Some(Ok(element));
        }
    }
    None
}

/// A name, and parameters that follow the grammar.
pub(super) fn is_offer(element: &[u8]) -> bool {
    let (name, mut rest) = match split_once(element, b';') {
        Some((name, params)) => (name, Some(params)),
        None => (element, None),
    };
    while let Some(params) = rest {
        let Ok((param, later)) = split_unquoted(params, b';') else { return false };
        rest = later;
        let (name, value) = split_once(param, b'=').unwrap_or((param, b"-"));
        if !is_token(trim(name)) || !is_value(trim(value)) {
            return false;
        }
    }
    is_token(trim(name))
}

/// Quoted or not, what it says is a token (RFC 6455 9.1); so a backslash is never part of it.
fn is_value(value: &[u8]) -> bool {
    match value {
        [b'"', raw @ .., b'"'] => unescaped(raw).next().is_some() && unescaped(raw).all(is_token_byte),
        _ => is_token(value),
    }
}

impl<'a> Offer<'a> {
    /// Its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = Param<'a>> {
        let mut rest = (!self.params.is_empty()).then_some(self.params.as_bytes());
        core::iter::from_fn(move || {
            let (param, later) = split_unquoted(rest?, b';').ok()?;
            rest = later;
            let (name, value) = match split_once(param, b'=') {
                Some((name, value)) => (name, Some(Value::of(trim(value)))),
                None => (param, None),
            };
            Some(Param { name: text(trim(name)), value })
        })
    }
}

impl<'a> Value<'a> {
    fn of(value: &'a [u8]) -> Self {
        match value {
            [b'"', raw @ .., b'"'] => Self { raw: text(raw) },
            raw => Self { raw: text(raw) },
        }
    }

    /// Its bytes, without quotes and backslashes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        unescaped(self.raw.as_bytes())
    }

    /// The number that it is: digits alone, and no zero in front of others.
    pub fn decimal(&self) -> Option<u32> {
        let mut number = None;
        for byte in self.bytes() {
            if number == Some(0) || !byte.is_ascii_digit() {
                return None;
            }
            let digit = u32::from(byte.wrapping_sub(b'0'));
            number = Some(number.unwrap_or(0u32).checked_mul(10)?.checked_add(digit)?);
        }
        number
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Value<'_> {}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

/// What a quoted string says.
fn unescaped(raw: &[u8]) -> impl Iterator<Item = u8> {
    let mut raw = raw.iter().copied();
    core::iter::from_fn(move || match raw.next()? {
        b'\\' => raw.next(),
        byte => Some(byte),
    })
}

/// Splits at the first `separator` that is not inside a quoted string.
fn split_unquoted(text: &[u8], separator: u8) -> Result<(&[u8], Option<&[u8]>), GrammarError> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match *byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            byte if byte == separator && !quoted => {
                let (head, tail) = text.split_at_checked(at).ok_or(GrammarError)?;
                return Ok((head, tail.get(1..)));
            }
            _ => {}
        }
    }
    if quoted { Err(GrammarError) } else { Ok((text, None)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(line: &str) -> Result<Vec<String>, GrammarError> {
        offers(line)
            .map(|offer| {
                let mut text = offer?.name.to_string();
                for param in offer?.params() {
                    text += &format!("; {}", param.name);
                    if let Some(value) = param.value {
                        text += &format!("={}", String::from_utf8(value.bytes().collect()).unwrap());
                    }
                }
                Ok(text)
            })
            .collect()
    }

    #[test]
    fn offers_have_names_and_parameters() {
        assert_eq!(all("foo").unwrap(), ["foo"]);
        assert_eq!(all(" , foo ; a;b = 2 ,, bar;x=\"y\"").unwrap(), ["foo; a; b=2", "bar; x=y"]);
        assert_eq!(all(r#"foo; a="1\0""#).unwrap(), ["foo; a=10"]);
        assert_eq!(all("constructor; __proto__=1").unwrap(), ["constructor; __proto__=1"]);
    }

    #[test]
    fn what_breaks_the_grammar_is_refused() {
        for bad in [
            "a b",
            "foo;",
            "foo; =1",
            "foo; a=",
            "foo; a=\"",
            "foo; a=\"b",
            r#"foo; a="b\"#,
            r#"foo; a="b\""#,
            "foo; a=\"\"",
            "foo; a=\"b c\"",
            "foo; a=\"b,c\"",
            "foo; a=\"b\"c",
            "foo; a=b\"c\"",
            "\"foo\"",
            "foo; a=b c",
            "foo; a=é",
            "foo;; a",
            r"foo; a=b\c",
        ] {
            assert_eq!(all(bad), Err(GrammarError), "{bad}");
        }
    }

    #[test]
    fn numbers_have_one_form() {
        let number = |text: &'static str| Value::of(text.as_bytes()).decimal();
        assert_eq!(number("15"), Some(15));
        assert_eq!(number("\"8\""), Some(8));
        assert_eq!(number("0"), Some(0));
        for bad in ["08", "+8", "8.", "x", "4294967296"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
