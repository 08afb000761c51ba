//! Which pages may connect: [`OriginPolicy`] (RFC 6455 10.2, RFC 6454).

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
        let Some(origin) = origin else { return true };
        match self {
            Self::Any => true,
            Self::SameOrigin => Parts::of(origin).is_some_and(|origin| {
                let (name, port) = split_port(host);
                // A host without a port means the default of whichever scheme the page has.
                let port = if port.is_empty() { default_port(origin.scheme) } else { port };
                let is_web = ["http", "https"].iter().any(|web| origin.scheme.eq_ignore_ascii_case(web));
                is_web && origin.host.eq_ignore_ascii_case(name) && origin.port == port
            }),
            Self::List(list) => list.iter().any(|allowed| match (Parts::of(allowed), Parts::of(origin)) {
                (Some(a), Some(b)) => {
                    a.scheme.eq_ignore_ascii_case(b.scheme)
                        && a.host.eq_ignore_ascii_case(b.host)
                        && a.port == b.port
                }
                _ => *allowed == origin,
            }),
        }
    }
}

struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: &'a str,
}

impl<'a> Parts<'a> {
    fn of(origin: &'a str) -> Option<Self> {
        let (scheme, rest) = origin.split_once("://")?;
        let (host, port) = split_port(rest);
        if host.is_empty() || rest.contains(['/', '?', '#', '@', ' ']) {
            return None;
        }
        Some(Self { scheme, host, port: if port.is_empty() { default_port(scheme) } else { port } })
    }
}

/// Host and port; an IPv6 address keeps its brackets.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

fn default_port(scheme: &str) -> &'static str {
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss") { "443" } else { "80" }
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
