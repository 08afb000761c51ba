//! Hosts and pages, said straight: what may stand in `Host` (RFC 9110 7.2), and whether an `Origin` is the same as a host
//! (RFC 6454).

use super::head::table;

static HOST: [bool; 256] = table(b"-._~%!$&'()*+;=");

/// A host and, if it likes, a port; no user (RFC 3986 3.2). A comma could join two of them, so there is none.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let may_stand = |b: &u8| HOST[usize::from(*b)];
    let (host, port) = match text.strip_prefix(b"[") {
        Some(rest) => {
            let Some(end) = rest.iter().position(|b| *b == b']') else { return false };
            let (host, port) = (&rest[..end], &rest[end + 1..]);
            if !host.iter().all(|b| *b == b':' || may_stand(b)) {
                return false;
            }
            (host, port)
        }
        None => {
            let (host, port) = text.split_at(text.iter().position(|b| *b == b':').unwrap_or(text.len()));
            if !host.iter().all(may_stand) {
                return false;
            }
            (host, port)
        }
    };
    let is_port = port.is_empty() || (port[0] == b':' && port[1..].iter().all(u8::is_ascii_digit));
    !host.is_empty() && is_port
}

/// The page came over http or https from this host and port; a port that is left out is the scheme's.
pub(crate) fn is_same(origin: &[u8], host: &[u8]) -> bool {
    let lower = origin.to_ascii_lowercase();
    let (rest, port) = match (lower.strip_prefix(b"http://"), lower.strip_prefix(b"https://")) {
        (Some(rest), _) => (rest, ":80"),
        (_, Some(rest)) => (rest, ":443"),
        _ => return false,
    };
    let without = |authority: &[u8]| {
        let end = authority.strip_suffix(b":").or(authority.strip_suffix(port.as_bytes()));
        end.unwrap_or(authority).to_vec()
    };
    !without(rest).is_empty() && without(rest) == without(&host.to_ascii_lowercase())
}
