//! What two endpoints offer each other beyond the protocol: the grammar of `Sec-WebSocket-Extensions` (RFC 6455 9.1).
//!
//! A field holds a list of offers, each a name and parameters with or without a value, which may be quoted. What the
//! names mean is decided elsewhere.

use super::field;
use crate::bytes::ascii::{is_token_byte, split_once, text, trim};
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

/// The offers of one line of the field, in order of preference; nothing but an error if one of them does not follow the
/// grammar.
pub fn offers(line: &str) -> impl Iterator<Item = Result<Offer<'_>, GrammarError>> {
    let (error, mut rest) = match check(line.as_bytes()) {
        Some(_) => (None, Some(line.as_bytes())),
        None => (Some(Err(GrammarError)), None),
    };
    let offers = core::iter::from_fn(move || {
        loop {
            let (element, later) = split(rest?, b',');
            rest = later;
            let (name, params) = split_once(element, b';').unwrap_or((element, &[]));
            if !trim(name).is_empty() {
                return Some(Ok(Offer { name: text(trim(name)), params: text(params) }));
            }
        }
    });
    error.into_iter().chain(offers)
}

/// All lines of the field follow the grammar, and hold an offer if they stand at all (RFC 6455 9.1).
pub(super) fn are_offers(mut fields: Fields<'_>) -> bool {
    let (mut stands, mut has_offer) = (false, false);
    while let Some(line) = fields.next_of(field::EXTENSIONS.as_bytes()) {
        stands = true;
        match check(line) {
            Some(is_offer) => has_offer |= is_offer,
            None => return false,
        }
    }
    has_offer || !stands
}

/// `None`: the line does not follow the grammar. `Some(false)`: it holds commas alone.
fn check(line: &[u8]) -> Option<bool> {
    let mut has_offer = false;
    let mut rest = trim(line);
    loop {
        match rest {
            [] => return Some(has_offer),
            [b',', later @ ..] => rest = trim(later),
            _ => {
                rest = behind_token(rest)?;
                has_offer = true;
                while let [b';', param @ ..] = rest {
                    rest = behind_token(trim(param))?;
                    if let [b'=', value @ ..] = rest {
                        rest = behind_value(trim(value))?;
                    }
                }
                if !matches!(rest, [] | [b',', ..]) {
                    return None;
                }
            }
        }
    }
}

/// What stands behind the token and the white space that `text` begins with.
fn behind_token(text: &[u8]) -> Option<&[u8]> {
    match text {
        [first, rest @ ..] if is_token_byte(*first) => {
            let len = rest.iter().position(|b| !is_token_byte(*b)).unwrap_or(rest.len());
            rest.get(len..).map(trim)
        }
        _ => None,
    }
}

/// The same for a value. Quoted or not, what it says is a token (RFC 6455 9.1).
fn behind_value(text: &[u8]) -> Option<&[u8]> {
    let [b'"', quoted @ ..] = text else { return behind_token(text) };
    let (mut rest, mut is_empty) = (quoted, true);
    loop {
        rest = match rest {
            [b'"', later @ ..] if !is_empty => return Some(trim(later)),
            [b'\\', byte, later @ ..] | [byte, later @ ..] if is_token_byte(*byte) => later,
            _ => return None,
        };
        is_empty = false;
    }
}

impl<'a> Offer<'a> {
    /// Its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = Param<'a>> {
        let mut rest = (!self.params.is_empty()).then_some(self.params.as_bytes());
        core::iter::from_fn(move || {
            let (param, later) = split(rest?, b';');
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

/// Splits a line that was checked at the first `separator`. It is never inside a quoted string: what is quoted is a token.
fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    split_once(text, separator).map_or((text, None), |(head, tail)| (head, Some(tail)))
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

    /// However they were written.
    #[test]
    fn values_are_compared_by_what_they_say() {
        let of = |text: &'static str| Value::of(text.as_bytes());
        assert!(of("ab") == of("\"ab\"") && of(r#""a\b""#) == of("ab") && of("ab") == *"ab");
        for other in ["a", "abc", "aB", "ba"] {
            assert!(of("ab") != of(other) && of("ab") != *other, "{other}");
        }
    }

    #[test]
    fn a_value_is_what_it_says_quoted_or_not() {
        let value = |text: &'static str| Value::of(text.as_bytes());
        assert_eq!(value("ab"), value(r#""a\b""#));
        assert_eq!(value(r#""ab""#), *"ab");
        for other in ["a", "abc", "ac"] {
            assert_ne!(value("ab"), value(other));
            assert_ne!(value("ab"), *other);
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
