//! Where to connect to: [`Url`]. Nothing is connected here.

use core::fmt;
use embassy_net::Ipv4Address;

/// A WebSocket's URL (RFC 6455 3), taken apart: `ws://host:port/path?query`.
///
/// ```
/// use ws_embassy::client::Url;
///
/// // Checked when the program is built.
/// const URL: Url<'_> = match Url::parse("ws://10.0.0.1:8080/chat?room=1") {
///     Ok(url) => url,
///     Err(_) => panic!("this is no URL"),
/// };
/// assert_eq!((URL.port(), URL.target()), (8080, "/chat?room=1"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Url<'a> {
    host: Host<'a>,
    port: u16,
    authority: &'a str,
    target: &'a str,
}

/// The host in a [`Url`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Host<'a> {
    /// It is reached at once.
    Address(Ipv4Address),
    /// Name servers are asked for its address; needs the feature `dns`.
    Name(&'a str),
}

impl<'a> Url<'a> {
    /// Takes `url` apart. The port is 80 if there is none, the path `/`. The scheme is `ws`, the host an IPv4 address or a
    /// name.
    ///
    /// # Errors
    ///
    /// What there is in it that cannot be used.
    pub const fn parse(url: &'a str) -> Result<Self, UrlError> {
        let (scheme, rest) = match split(url, find(url.as_bytes(), b":")) {
            (scheme, [b':', b'/', b'/', ..]) => (scheme, skip(url, scheme.len().saturating_add(3))),
            _ => return Err(UrlError::Scheme),
        };
        if scheme.as_bytes().eq_ignore_ascii_case(b"wss") {
            return Err(UrlError::TlsNeeded);
        }
        if !scheme.as_bytes().eq_ignore_ascii_case(b"ws") {
            return Err(UrlError::Scheme);
        }
        let (authority, target) = halves(rest, find(rest.as_bytes(), b"/?#"));
        let (target, target_error) = check_target(target);
        let (name, port_text) = halves(authority, find(authority.as_bytes(), b":"));
        if contains(authority, b'@') {
            return Err(UrlError::User);
        }
        if let [b'[', ..] = authority.as_bytes() {
            return Err(UrlError::Ipv6);
        }
        let port = match port_text.as_bytes() {
            [] => Some(80),
            [_, digits @ ..] => decimal(digits, 65_535),
        };
        match (parse_host(name), port, target_error) {
            (None, ..) => Err(UrlError::Host),
            (_, None | Some(0), _) => Err(UrlError::Port),
            (_, _, Some(error)) => Err(error),
            (Some(host), Some(port), None) => {
                // The scheme's own port is left out of the Host field (RFC 6455 4.1).
                let authority = if port == 80 { name } else { authority };
                Ok(Self { host, port: port as u16, authority, target })
            }
        }
    }

    /// The host.
    pub const fn host(&self) -> Host<'a> {
        self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and, unless it is 80, port, as the `Host` field says them.
    pub const fn authority(&self) -> &'a str {
        self.authority
    }

    /// Path and query.
    pub const fn target(&self) -> &'a str {
        self.target
    }
}

/// Why a text is no [`Url`] that can be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is neither `ws` nor `wss`, or there is none.
    Scheme,
    /// The scheme is `wss`. Bring TLS: [`io`](crate::io) over a TLS connection, as the example `wss` does.
    TlsNeeded,
    /// The host is missing, or neither an IPv4 address nor a name.
    Host,
    /// The host is an IPv6 address.
    Ipv6,
    /// The port is no number from 1 to 65535.
    Port,
    /// There is a user; send an `Authorization` field instead.
    User,
    /// There is a fragment; write `#` as `%23` (RFC 6455 3).
    Fragment,
    /// There is a query and no path; write `/?`.
    QueryWithoutPath,
    /// A character that has to be percent-encoded.
    Character,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URL has to begin with ws://",
            Self::TlsNeeded => "wss:// needs TLS: bring a TLS connection, and use ws_embassy::io over it (see the example wss)",
            Self::Host => "the URL's host is neither an IPv4 address nor a name",
            Self::Ipv6 => "the URL's host is an IPv6 address: only IPv4 is supported",
            Self::Port => "the URL's port is not a number from 1 to 65535",
            Self::User => "a WebSocket's URL has no user: send an Authorization field",
            Self::Fragment => "a WebSocket's URL has no fragment: write # as %23 (RFC 6455 3)",
            Self::QueryWithoutPath => "the URL has a query without a path: write /? instead of ?",
            Self::Character => "the URL has a character that has to be percent-encoded",
        })
    }
}

impl core::error::Error for UrlError {}

const fn check_target(target: &str) -> (&str, Option<UrlError>) {
    let error = match target.as_bytes() {
        [] => return ("/", None),
        _ if contains(target, b'#') => Some(UrlError::Fragment),
        [b'?', ..] => Some(UrlError::QueryWithoutPath),
        mut bytes => loop {
            match bytes {
                [] => break None,
                [b'!'..=b'~', rest @ ..] => bytes = rest,
                _ => break Some(UrlError::Character),
            }
        },
    };
    (target, error)
}

/// What ends in a number is an address, or nothing.
const fn parse_host(name: &str) -> Option<Host<'_>> {
    let mut bytes = name.as_bytes();
    let mut label = 0u8;
    while let [first, rest @ ..] = bytes {
        label = match first {
            b'.' if label == 0 => return None,
            b'.' => 0,
            b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' if label < 63 => label.saturating_add(1),
            _ => return None,
        };
        bytes = rest;
    }
    match name.as_bytes() {
        [] => None,
        _ if is_number(last_label(name)) => match parse_address(name) {
            Some(address) => Some(Host::Address(address)),
            None => None,
        },
        _ if name.len() > 253 => None,
        _ => Some(Host::Name(name)),
    }
}

const fn last_label(name: &str) -> &[u8] {
    let mut label = name.as_bytes();
    let mut bytes = label;
    while let [first, rest @ ..] = bytes {
        if *first == b'.' && !rest.is_empty() {
            label = rest;
        }
        bytes = rest;
    }
    label
}

/// Digits, and perhaps the dot behind a name.
const fn is_number(label: &[u8]) -> bool {
    let ([digits @ .., b'.'] | digits) = label;
    let mut rest = digits;
    while let [b'0'..=b'9', others @ ..] = rest {
        rest = others;
    }
    !digits.is_empty() && rest.is_empty()
}

/// Four numbers, none with a zero before it: some would read that as octal.
const fn parse_address(text: &str) -> Option<Ipv4Address> {
    let mut rest = text;
    let mut address = 0u32;
    let mut parts = 0u8;
    loop {
        let (part, behind) = halves(rest, find(rest.as_bytes(), b"."));
        match (part.as_bytes(), decimal(part.as_bytes(), 255)) {
            ([b'0', _, ..], _) | (_, None) => return None,
            (_, Some(number)) => address = (address << 8) | number,
        }
        parts = parts.saturating_add(1);
        match (parts, behind.as_bytes()) {
            (4, []) => return Some(Ipv4Address::from_bits(address)),
            (4, _) | (_, []) => return None,
            _ => rest = skip(behind, 1),
        }
    }
}

/// A number up to `max`, of digits alone.
const fn decimal(mut digits: &[u8], max: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    let mut number = 0u32;
    while let [digit @ b'0'..=b'9', rest @ ..] = digits {
        number = number.saturating_mul(10).saturating_add(digit.wrapping_sub(b'0') as u32);
        if number > max {
            return None;
        }
        digits = rest;
    }
    if digits.is_empty() { Some(number) } else { None }
}

const fn contains(text: &str, byte: u8) -> bool {
    find(text.as_bytes(), &[byte]) < text.len()
}

/// Where the first byte stands that is one of `any`; the end if none is.
const fn find(mut bytes: &[u8], any: &[u8]) -> usize {
    let mut at = 0usize;
    while let [first, rest @ ..] = bytes {
        let mut wanted = any;
        while let [one, others @ ..] = wanted {
            if *one == *first {
                return at;
            }
            wanted = others;
        }
        at = at.saturating_add(1);
        bytes = rest;
    }
    at
}

/// What stands before `at`, and from there on.
const fn halves(text: &str, at: usize) -> (&str, &str) {
    match text.split_at_checked(at) {
        Some(halves) => halves,
        None => (text, ""),
    }
}

const fn split(text: &str, at: usize) -> (&str, &[u8]) {
    let (before, behind) = halves(text, at);
    (before, behind.as_bytes())
}

const fn skip(text: &str, count: usize) -> &str {
    halves(text, count).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let address = |octets| Host::Address(Ipv4Address::from_octets(octets));
        let cases = [
            ("ws://h", Host::Name("h"), 80, "h", "/"),
            ("WS://H/", Host::Name("H"), 80, "H", "/"),
            ("ws://a.example:80/x", Host::Name("a.example"), 80, "a.example", "/x"),
            (
                "ws://a_b-1.example.:8080/x?y=z?",
                Host::Name("a_b-1.example."),
                8080,
                "a_b-1.example.:8080",
                "/x?y=z?",
            ),
            ("ws://10.0.0.1/?q", address([10, 0, 0, 1]), 80, "10.0.0.1", "/?q"),
            (
                "ws://255.255.255.255:65535//a:b@c",
                address([255; 4]),
                65_535,
                "255.255.255.255:65535",
                "//a:b@c",
            ),
            ("ws://1.2.3.4a/", Host::Name("1.2.3.4a"), 80, "1.2.3.4a", "/"),
            ("ws://0.0.0.0:0080", address([0; 4]), 80, "0.0.0.0", "/"),
        ];
        for (text, host, port, authority, target) in cases {
            assert_eq!(Url::parse(text), Ok(Url { host, port, authority, target }), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_reason() {
        let cases: [(UrlError, &[&str]); 9] = [
            (
                UrlError::Scheme,
                &["", "h", "ws:", "ws:/h", "ws//h", "http://h", "wsx://h", "://h", " ws://h", "w\u{e9}://h"],
            ),
            (UrlError::TlsNeeded, &["wss://h", "WSS://h:443/"]),
            (
                UrlError::Host,
                &[
                    "ws://",
                    "ws:///x",
                    "ws://:80",
                    "ws://a..b",
                    "ws://.a",
                    "ws://a b",
                    "ws://\u{e9}",
                    "ws://a%41",
                    "ws://1",
                    "ws://1.2.3",
                    "ws://1.2.3.256",
                    "ws://1.2.3.4.5",
                    "ws://01.2.3.4",
                    "ws://1.2.3.",
                    "ws://a.1",
                    "ws://99999999999",
                    "ws://a\\b",
                    "ws://a\0",
                ],
            ),
            (UrlError::Ipv6, &["ws://[::1]", "ws://[::1]:80/x"]),
            (
                UrlError::Port,
                &[
                    "ws://h:",
                    "ws://h:0",
                    "ws://h:65536",
                    "ws://h:8x",
                    "ws://h:-1",
                    "ws://h:80:80",
                    "ws://h:99999999999",
                ],
            ),
            (UrlError::User, &["ws://u@h", "ws://u:p@h/", "ws://@h"]),
            (UrlError::Fragment, &["ws://h#", "ws://h/#f", "ws://h/?q#f", "ws://h?q#f"]),
            (UrlError::QueryWithoutPath, &["ws://h?", "ws://h:81?q"]),
            (UrlError::Character, &["ws://h/ ", "ws://h/\u{e9}", "ws://h/a\r\nb", "ws://h/\u{7f}"]),
        ];
        for (error, texts) in cases {
            for text in texts {
                assert_eq!(Url::parse(text), Err(error), "{text:?}");
            }
        }
    }

    #[test]
    fn names_have_their_lengths() {
        let label = "a".repeat(63);
        let long = [&*label, &*label, &*label, &label[..61]].join(".");
        assert_eq!(long.len(), 253);
        assert!(parse_host(&long).is_some());
        assert_eq!(parse_host(&format!("{long}a")), None);
        assert_eq!(parse_host(&format!("{label}a")), None);
    }
}
