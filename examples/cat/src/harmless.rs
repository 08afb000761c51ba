//! What the peer says, made fit for a terminal: [`Harmless`].

use std::fmt::{self, Display, Formatter, Write};

/// Shows text with its control characters escaped, such as `\u{1b}`: a terminal would obey them. Tabs and line breaks
/// stay.
pub(crate) struct Harmless<'a>(pub(crate) &'a str);

impl Display for Harmless<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        while let Some(char) = rest.next() {
            match char {
                '\t' | '\n' => f.write_char(char)?,
                // Half of a line break. Alone it would let the line be written over.
                '\r' if rest.as_str().starts_with('\n') => f.write_char(char)?,
                _ if char.is_control() => write!(f, "{}", char.escape_unicode())?,
                _ => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        for (text, shown) in [
            ("", ""),
            ("Grüße, \t\"€\" \\ 𝕎\n\r\n", "Grüße, \t\"€\" \\ 𝕎\n\r\n"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("safe\rover", "safe\\u{d}over"),
            ("\r\r\n\r", "\\u{d}\r\n\\u{d}"),
            ("\0\u{7}\u{8}\u{7f}", "\\u{0}\\u{7}\\u{8}\\u{7f}"),
            ("\u{9b}2J\u{9f}\u{a0}", "\\u{9b}2J\\u{9f}\u{a0}"),
        ] {
            assert_eq!(Harmless(text).to_string(), shown, "{text:?}");
        }
    }
}
