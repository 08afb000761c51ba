//! Which pages may ask, or connect: [`OriginPolicy`] (RFC 6455 10.2, RFC 6454).

use super::target::{Scheme, split_scheme};

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

    pub(crate) fn admits(&self, origin: Option<&[u8]>, host: &[u8]) -> bool {
        let Some(origin) = origin else { return true };
        match self {
            Self::Any => true,
            Self::SameOrigin => match split_scheme(origin) {
                // A host without a port means the default of whichever scheme the page has.
                Some((scheme @ (Scheme::Http | Scheme::Https), authority)) => {
                    let authority = scheme.strip_default_port(authority);
                    authority.eq_ignore_ascii_case(scheme.strip_default_port(host)) && !authority.is_empty()
                }
                _ => false,
            },
            Self::List(list) => list.iter().any(|allowed| {
                without_default_port(allowed.as_bytes()).eq_ignore_ascii_case(without_default_port(origin))
            }),
        }
    }
}

fn without_default_port(origin: &[u8]) -> &[u8] {
    split_scheme(origin).map_or(origin, |(scheme, _)| scheme.strip_default_port(origin))
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
        assert!(allows("http://good.example", "good.example:"), "no port behind the colon: the default");
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
        assert!(!allows("http://", ""), "nobody is no origin");
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
