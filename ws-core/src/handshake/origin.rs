//! Which pages may connect: [`OriginPolicy`] (RFC 6455 10.2, RFC 6454).

use crate::bytes::ascii::split_once;

/// Which pages may connect. A browser says in the `Origin` field which page asks, and sends the cookies of the *server*
/// along: without a policy, any page on the web could speak here in its visitor's name.
///
/// A request without the field does not come from a page: it passes, as any program could claim any origin. The policy
/// protects a user's browser; it authenticates nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OriginPolicy<'a> {
    /// The page came, over http or https, from the host and port that it connects to, as the `Host` field names them.
    SameOrigin,
    /// One of these: scheme, host and, unless it is the scheme's default, port, such as `https://example.com:8443`.
    /// `null` is what sandboxed pages and files send.
    List(&'a [&'a str]),
    /// Any page at all: right for public data, and where something else authenticates each message.
    Any,
}

impl OriginPolicy<'_> {
    /// A request with this `origin` may connect to `host`.
    pub fn allows(&self, origin: Option<&str>, host: &str) -> bool {
        self.admits(origin.map(str::as_bytes), host.as_bytes())
    }

    pub(super) fn admits(&self, origin: Option<&[u8]>, host: &[u8]) -> bool {
        let Some(origin) = origin else { return true };
        match self {
            Self::Any => true,
            Self::SameOrigin => parts(origin).is_some_and(|(scheme, authority)| {
                let is_web = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
                // A host without a port means the default of whichever scheme the page has.
                is_web && authority.eq_ignore_ascii_case(without_default_port(scheme, host))
            }),
            Self::List(list) => list.iter().map(|allowed| allowed.as_bytes()).any(|allowed| {
                match (parts(allowed), parts(origin)) {
                    (Some((scheme, authority)), Some(of_origin)) => {
                        scheme.eq_ignore_ascii_case(of_origin.0)
                            && authority.eq_ignore_ascii_case(of_origin.1)
                    }
                    _ => allowed == origin,
                }
            }),
        }
    }
}

/// Scheme and authority of an origin, without the port that is the scheme's default.
fn parts(origin: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = split_once(origin, b':')?;
    let authority = without_default_port(scheme, rest.strip_prefix(b"//")?);
    if authority.is_empty() { None } else { Some((scheme, authority)) }
}

fn without_default_port<'a>(scheme: &[u8], authority: &'a [u8]) -> &'a [u8] {
    let is_secure = scheme.eq_ignore_ascii_case(b"https") || scheme.eq_ignore_ascii_case(b"wss");
    let port: &[u8] = if is_secure { b":443" } else { b":80" };
    authority.strip_suffix(port).or(authority.strip_suffix(b":")).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_origin_compares_host_and_port() {
        let allows = |origin, host| OriginPolicy::SameOrigin.allows(Some(origin), host);
        assert!(allows("http://good.example", "good.example"));
        assert!(allows("http://Good.Example", "good.EXAMPLE:80"));
        assert!(allows("https://good.example", "good.example"));
        assert!(allows("https://good.example:443", "good.example"));
        assert!(allows("http://[::1]:8080", "[::1]:8080"));
        assert!(!allows("http://[::1]:8080", "[::1]"));
        assert!(!allows("http://good.example:8080", "good.example"));
        assert!(!allows("https://good.example", "good.example:80"));
        for evil in [
            "http://evil-good.example",
            "http://good.example.evil",
            "http://evil",
            "null",
            "",
            "good.example",
            "app://good.example",
        ] {
            assert!(!allows(evil, "good.example"), "{evil}");
        }
        assert!(!allows("http://good.example/", "good.example"), "an origin has no path");
        assert!(!allows("http://evil@good.example", "good.example"));
    }

    #[test]
    fn a_list_compares_scheme_too() {
        let list = OriginPolicy::List(&["https://good.example", "http://b:8080", "null"]);
        assert!(list.allows(Some("https://GOOD.example"), "x"));
        assert!(list.allows(Some("https://good.example:443"), "x"));
        assert!(list.allows(Some("http://b:8080"), "x"));
        assert!(list.allows(Some("null"), "x"));
        for evil in ["http://good.example", "https://evil-good.example", "http://b", "http://b:80801", "x"] {
            assert!(!list.allows(Some(evil), "x"), "{evil}");
        }
    }

    #[test]
    fn who_is_no_browser_passes() {
        assert!(OriginPolicy::SameOrigin.allows(None, "h"));
        assert!(OriginPolicy::List(&[]).allows(None, "h"));
        assert!(OriginPolicy::Any.allows(Some("http://anybody"), "h"));
    }
}
