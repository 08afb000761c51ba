//! What a request asks for: [`Target`] (RFC 9112 3.2).

use super::HeadError;

/// A request target in origin form (`/path?query`) or absolute form (`http://host/path?query`). The other two, for
/// proxies and for OPTIONS on a whole server, are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Target<'a> {
    /// Host and port of the absolute form; it takes the place of the `Host` field (RFC 9112 3.2.2).
    pub authority: Option<&'a str>,
    /// The path, as it came: percent-encoded, beginning with a slash.
    pub path: &'a str,
    /// What stands behind the question mark, as it came.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Takes a target apart.
    ///
    /// # Errors
    ///
    /// [`HeadError::BadTarget`]: another form, a fragment, or a byte that is not visible ASCII.
    pub fn parse(target: &'a str) -> Result<Self, HeadError> {
        if !target.bytes().all(|b| b.is_ascii_graphic()) || target.contains('#') {
            return Err(HeadError::BadTarget);
        }
        let (authority, rest) = if target.starts_with('/') {
            (None, target)
        } else {
            let (scheme, rest) = target.split_once("://").ok_or(HeadError::BadTarget)?;
            if !["http", "https", "ws", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
                return Err(HeadError::BadTarget);
            }
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at_checked(end).unwrap_or_default();
            if !is_authority(authority) {
                return Err(HeadError::BadTarget);
            }
            (Some(authority), rest)
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Ok(Self { authority, path: if path.is_empty() { "/" } else { path }, query })
    }
}

/// `text` is a host, and a port if it likes (RFC 9110 7.2, RFC 3986 3.2.2). What stands between the brackets of an IP
/// address is left to whoever connects to it.
pub(crate) fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host_byte = |b: u8| {
        b.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&b) || (b == b':' && address.is_some())
    };
    let name = address.unwrap_or(host);
    !name.is_empty() && name.bytes().all(is_host_byte) && port.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for good in
            ["h", "h:80", "h:", "a_b.example", "127.0.0.1:8080", "[::1]", "[::1]:443", "xn--a.example"]
        {
            assert!(is_authority(good), "{good}");
        }
        for bad in ["", ":80", "[]", "[]:80", "h:8x", "a:b:80", "::1", "[::1", "::1]", "[::1]x", "[::1]:x"] {
            assert!(!is_authority(bad), "{bad}");
        }
        for bad in ["a b", "a,b", "u@h", "h/", "h?q", "h#f", "h\\", "\u{e9}", "[[::1]]", "h\t", "h\0"] {
            assert!(!is_authority(bad), "{bad:?}");
        }
    }

    #[test]
    fn two_forms_are_served() {
        let parse = |text| Target::parse(text).map(|t| (t.authority, t.path, t.query));
        assert_eq!(parse("/"), Ok((None, "/", None)));
        assert_eq!(parse("/a/b?c=d?e"), Ok((None, "/a/b", Some("c=d?e"))));
        assert_eq!(parse("//x?"), Ok((None, "//x", Some(""))));
        assert_eq!(parse("HTTP://h:80/a?b"), Ok((Some("h:80"), "/a", Some("b"))));
        assert_eq!(parse("ws://h?q"), Ok((Some("h"), "/", Some("q"))));
        for bad in [
            "",
            "*",
            "h:443",
            "a/b",
            "/a#b",
            "/\u{e9}",
            "ftp://h/",
            "http:///a",
            "http://u@h/",
            "http://h:x/",
        ] {
            assert_eq!(parse(bad), Err(HeadError::BadTarget), "{bad}");
        }
    }
}
