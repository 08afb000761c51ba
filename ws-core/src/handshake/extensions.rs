//! What two endpoints offer each other beyond the protocol: the grammar of `Sec-WebSocket-Extensions` (RFC 6455 9.1).
//!
//! A field holds a list of offers, each a name and parameters with or without a value, which may be quoted. What the
//! names mean is decided elsewhere.

use crate::bytes::ascii::{is_token, is_token_byte, trim};

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
    let mut rest = Some(line);
    core::iter::from_fn(move || {
        loop {
            let (element, later) = match split_unquoted(rest?, b',') {
                Ok(split) => split,
                Err(error) => {
                    rest = None;
                    return Some(Err(error));
                }
            };
            rest = later;
            if !trim(element).is_empty() {
                let offer = Offer::parse(element);
                if offer.is_err() {
                    rest = None;
                }
                return Some(offer);
            }
        }
    })
}

impl<'a> Offer<'a> {
    fn parse(element: &'a str) -> Result<Self, GrammarError> {
        let (name, params) =
            element.split_once(';').map_or((element, None), |(name, rest)| (name, Some(rest)));
        let name = trim(name);
        if !is_token(name) {
            return Err(GrammarError);
        }
        let mut rest = params;
        while let Some(text) = rest {
            let (param, later) = split_unquoted(text, b';')?;
            Param::parse(param)?;
            rest = later;
        }
        Ok(Self { name, params: params.unwrap_or_default() })
    }

    /// Its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = Param<'a>> {
        let mut rest = (!self.params.is_empty()).then_some(self.params);
        core::iter::from_fn(move || {
            let (param, later) = split_unquoted(rest?, b';').ok()?;
            rest = later;
            Param::parse(param).ok()
        })
    }
}

impl<'a> Param<'a> {
    fn parse(text: &'a str) -> Result<Self, GrammarError> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let name = trim(name);
        let value = value.map(Value::parse).transpose()?;
        if is_token(name) { Ok(Self { name, value }) } else { Err(GrammarError) }
    }
}

impl<'a> Value<'a> {
    fn parse(text: &'a str) -> Result<Self, GrammarError> {
        let text = trim(text);
        let quoted =
            text.strip_prefix('"').map(|text| text.strip_suffix('"').ok_or(GrammarError)).transpose()?;
        let value = Self { raw: quoted.unwrap_or(text) };
        // Quoted or not, what it says is a token (RFC 6455 9.1); so a backslash is never part of it.
        let is_plain = quoted.is_some() || is_token(text);
        if is_plain && value.bytes().next().is_some() && value.bytes().all(is_token_byte) {
            Ok(value)
        } else {
            Err(GrammarError)
        }
    }

    /// Its bytes, without quotes and backslashes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        let mut raw = self.raw.bytes();
        core::iter::from_fn(move || match raw.next()? {
            b'\\' => raw.next(),
            byte => Some(byte),
        })
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

/// Splits at the first `separator` that is not inside a quoted string.
fn split_unquoted(text: &str, separator: u8) -> Result<(&str, Option<&str>), GrammarError> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
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
        let number = |text| Value::parse(text).unwrap().decimal();
        assert_eq!(number("15"), Some(15));
        assert_eq!(number("\"8\""), Some(8));
        assert_eq!(number("0"), Some(0));
        for bad in ["08", "+8", "8.", "x", "4294967296"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
