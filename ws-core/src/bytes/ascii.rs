//! The ASCII grammar that the fields of HTTP are made of: tokens, lists, optional white space, numbers (RFC 9110 5.6).

/// A byte that a token may hold (RFC 9110 5.6.2).
pub const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        || byte.is_ascii_alphanumeric()
}

/// `text` is a token: not empty, and no byte in it that would have to be quoted.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// `text` may be the value of a field: no control byte but the tab, no space at either end (RFC 9110 5.5). So it can hold
/// no line break.
pub fn is_field_value(text: &str) -> bool {
    text.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f)) && trim(text) == text
}

/// `text` without the optional white space around it (RFC 9110 5.6.3).
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The elements of a comma-separated list, trimmed, the empty ones left out (RFC 9110 5.6.1). For lists without quoted
/// strings.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(trim).filter(|element| !element.is_empty())
}

/// The number that `text` is, if it is nothing but digits and fits.
pub fn decimal(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0u64, |n, b| {
        let digit = b.is_ascii_digit().then(|| b.wrapping_sub(b'0'))?;
        n.checked_mul(10)?.checked_add(u64::from(digit))
    })
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
        assert!(!is_token(""));
    }

    #[test]
    fn lists_are_trimmed_and_skip_nothing_else() {
        assert_eq!(list(" , a,\tb c ,,d").collect::<Vec<_>>(), ["a", "b c", "d"]);
    }

    #[test]
    fn numbers_are_digits_alone() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "+5", "-1", "0x1", "1 ", "18446744073709551616"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_field_value_holds_no_line_break() {
        assert!(is_field_value("a\tb c") && is_field_value("") && is_field_value("é"));
        for bad in ["a\r", "a\nb", "\0", " a", "a ", "\x7f"] {
            assert!(!is_field_value(bad), "{bad:?}");
        }
    }
}
