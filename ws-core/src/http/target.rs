//! What a request asks for: [`Target`] (RFC 9112 3.2).

use super::HeadError;
use crate::bytes::ascii::split_once;

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
        let (authority, path) = measure(target.as_bytes())?;
        let (before, rest) = target.split_at_checked(path).unwrap_or_default();
        let query = rest.as_bytes().iter().position(|b| *b == b'?').unwrap_or(rest.len());
        let (path, query) = rest.split_at_checked(query).unwrap_or_default();
        Ok(Self {
            authority: before.get(authority..).filter(|authority| !authority.is_empty()),
            path: if path.is_empty() { "/" } else { path },
            query: query.get(1..),
        })
    }
}

/// Checks `target`, and says where in it its authority begins and its path; both at 0 where it has no authority.
pub(crate) fn measure(target: &[u8]) -> Result<(usize, usize), HeadError> {
    if target.iter().any(|b| !b.is_ascii_graphic() || *b == b'#') {
        return Err(HeadError::BadTarget);
    }
    if let [b'/', ..] = target {
        return Ok((0, 0));
    }
    let (_, rest) = split_scheme(target).ok_or(HeadError::BadTarget)?;
    let len = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
    if !rest.get(..len).is_some_and(is_authority) {
        return Err(HeadError::BadTarget);
    }
    let start = target.len().saturating_sub(rest.len());
    Ok((start, start.saturating_add(len)))
}

/// The schemes that lead to a server of HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    Ws,
    Wss,
}

impl Scheme {
    const ALL: [(&'static [u8], Self); 4] =
        [(b"http://", Self::Http), (b"https://", Self::Https), (b"ws://", Self::Ws), (b"wss://", Self::Wss)];

    /// `authority` without the port, if that is the scheme's default.
    pub(crate) fn strip_default_port(self, authority: &[u8]) -> &[u8] {
        let port: &[u8] = if matches!(self, Self::Https | Self::Wss) { b":443" } else { b":80" };
        match authority {
            [authority @ .., b':'] => authority,
            _ => authority.strip_suffix(port).unwrap_or(authority),
        }
    }
}

/// The scheme that `text` begins with, and what stands behind its two slashes.
pub(crate) fn split_scheme(text: &[u8]) -> Option<(Scheme, &[u8])> {
    Scheme::ALL.iter().find_map(|(prefix, scheme)| {
        let (front, rest) = text.split_at_checked(prefix.len())?;
        front.eq_ignore_ascii_case(prefix).then_some((*scheme, rest))
    })
}

/// `text` is a host, and a port if it likes (RFC 9110 7.2, RFC 3986 3.2.2). What stands between the brackets of an IP
/// address is left to whoever connects to it.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let (host, port, is_address) = match text {
        [b'[', rest @ ..] => match split_once(rest, b']') {
            Some((address, port)) => (address, port, true),
            None => return false,
        },
        _ => {
            let end = text.iter().position(|b| *b == b':').unwrap_or(text.len());
            let (host, port) = text.split_at_checked(end).unwrap_or_default();
            (host, port, false)
        }
    };
    let is_host_byte = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&'..=b'+' | b';' | b'=')
            || (b == b':' && is_address)
    };
    let is_port = match port {
        [] => true,
        [colon, digits @ ..] => *colon == b':' && digits.iter().all(u8::is_ascii_digit),
    };
    is_port && !host.is_empty() && host.iter().all(|b| is_host_byte(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for good in
            ["h", "h:80", "h:", "a_b.example", "127.0.0.1:8080", "[::1]", "[::1]:443", "xn--a.example"]
        {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in ["", ":80", "[]", "[]:80", "h:8x", "a:b:80", "::1", "[::1", "::1]", "[::1]x", "[::1]:x"] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
        for bad in ["a b", "a,b", "u@h", "h/", "h?q", "h#f", "h\\", "\u{e9}", "[[::1]]", "h\t", "h\0"] {
            assert!(!is_authority(bad.as_bytes()), "{bad:?}");
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
