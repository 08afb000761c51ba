//! Under which names a server is known: [`Hosts`].

/// Which values of the `Host` field are answered.
///
/// A page of a stranger can point a name of its own at the address of a device in its visitor's network; to the browser, both
/// are then the same origin (DNS rebinding). Only the name gives it away, so a device should answer to its own alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Hosts<'a> {
    /// Any name, and none.
    Any,
    /// Addresses, which no name server can point elsewhere, and these names, without a port.
    Addresses(&'a [&'a str]),
}

impl Hosts<'_> {
    /// A request for this `host`, perhaps with a port, is answered.
    pub fn admit(&self, host: Option<&str>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Addresses(_), None) => false,
            (Self::Addresses(names), Some(host)) => {
                let name = without_port(host.as_bytes());
                is_address(name) || names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
            }
        }
    }
}

fn without_port(host: &[u8]) -> &[u8] {
    match host.iter().rposition(|b| !b.is_ascii_digit()) {
        Some(at) if host.get(at) == Some(&b':') => host.get(..at).unwrap_or_default(),
        _ => host,
    }
}

/// An IPv4 address, or an IPv6 address in brackets. No more is seen than it takes to be no name: none has brackets, and none
/// ends in a number.
fn is_address(name: &[u8]) -> bool {
    if let [b'[', name @ .., b']'] = name {
        return name.contains(&b':')
            && name.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    }
    let (mut dots, mut digits) = (0u8, 0u8);
    for b in name {
        match b {
            b'0'..=b'9' if digits < 3 => digits = digits.saturating_add(1),
            b'.' if digits > 0 => (dots, digits) = (dots.saturating_add(1), 0),
            _ => return false,
        }
    }
    dots == 3 && digits > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_known_names_are_admitted() {
        let hosts = Hosts::Addresses(&["device.local"]);
        for host in
            ["192.168.4.1", "192.168.4.1:8080", "[fe80::1]", "[::1]:80", "device.local", "DEVICE.local:80"]
        {
            assert!(hosts.admit(Some(host)), "{host}");
        }
        for host in [
            "evil.example",
            "192.168.4.1.evil.example",
            "device.local.evil.example",
            "",
            ":80",
            "fe80::1",
            "1.2.3",
            ".1.2.3",
            "1..2.3",
            "0x7f.1",
            "[::1",
            "[evil.example]",
            "[face]",
            "1.2.3.1000",
            "1.2.3.4.5",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "1.2.3.+4",
            "device.local:80:80",
        ] {
            assert!(!hosts.admit(Some(host)), "{host}");
        }
        assert!(!hosts.admit(None));
        assert!(Hosts::Any.admit(None) && Hosts::Any.admit(Some("evil.example")));
    }
}
