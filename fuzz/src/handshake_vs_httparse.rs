//! Bytes as the head of a request, read for a WebSocket alone (`handshake::server`) and as one of many (`http::Exchange`),
//! compared with what `httparse` makes of them and with the rules for heads in `common::head`:
//!
//! - what httparse refuses is refused;
//! - what both take has the same method, target, version, fields and length;
//! - what is refused that httparse takes breaks a rule that it does not have: see `STRICTER`;
//! - the answer is 101 if nothing is wrong with the request (RFC 6455 4.2.1), else a refusal that names something that is;
//! - bytes behind the head are left alone, and the cuts do not matter.

use ws_core::handshake::server::{Accept, Handshake, Refusal, accept};
use ws_core::http::exchange::{self, Exchange, Settings};
use ws_core::http::{HeadError, HeadLimits, OriginPolicy, Request, Response, Version};
use ws_core::{Input, Instant};

use crate::common::fields::{REPEATED, SINGLE, SINGLE_OF_PAGES};
use crate::common::head::{Head, Rules, Verdict, is_control, is_one_of, is_token};
use crate::common::io::{read, written};
use crate::common::{Cuts, Rng, accept as key, extensions, host};

/// Whether the bytes up to the one that we refuse are of that kind.
type IsOf = fn(&[u8], HeadLimits) -> bool;

/// Where httparse takes more, what bytes those are, and who is right.
const STRICTER: &[(HeadError, IsOf, &str)] = &[
    (
        HeadError::BadLine,
        |seen, _| seen.iter().all(|b| is_line_break(*b)) || seen.last().is_some_and(|b| *b >= 0x80),
        "it skips any number of empty lines, and takes targets in UTF-8 (RFC 9112 2.2, RFC 3986 2)",
    ),
    (
        HeadError::BadTarget,
        |seen, _| {
            let target = seen.split(|b| *b == b' ').nth(1).unwrap_or_default();
            !target.starts_with(b"/") || target.contains(&b'#')
        },
        "it looks into no target: neither form nor fragment is its matter (RFC 9112 3.2)",
    ),
    (
        HeadError::BareLineBreak,
        |seen, _| seen.ends_with(b"\n") && !seen.ends_with(b"\r\n"),
        "it takes LF for a line break, which RFC 9112 2.2 allows, and others do not do",
    ),
    (
        HeadError::DuplicateField,
        |seen, _| {
            let mut lines = seen.split(|b| *b == b'\n').rev();
            let name = lines.next().and_then(|line| line.strip_suffix(b":")).unwrap_or_default();
            let is_there =
                |line: &[u8]| line.split(|b| *b == b':').next().unwrap().eq_ignore_ascii_case(name);
            is_one_of(name, &SINGLE) && lines.any(is_there)
        },
        "it does not know what fields mean (RFC 9112 3.2, 6.3, RFC 6455 11.3)",
    ),
    (
        HeadError::ManyFields,
        |seen, limits| {
            let lines = seen.split(|b| *b == b'\n').filter(|line| line.contains(&b':'));
            lines.count() >= limits.fields
        },
        "its limit is the caller's, and higher here",
    ),
    (HeadError::LongLine, |seen, limits| seen.len() == limits.bytes + 1, "it has no limit"),
    (HeadError::LongHead, |seen, limits| seen.len() == limits.bytes + 1, "it has no limit"),
];

/// What an application wants besides.
const FURTHER: [&str; 2] = ["cookie", "x"];

const START: Instant = Instant::from_millis(0);
const PAGES: [&str; 2] = ["http://example.com", "https://h:8443"];

/// The bytes are what a client sends.
pub fn check(data: &[u8]) {
    let rng = &mut Rng::of(data);
    let limits = match rng.below(8) {
        0 => HeadLimits { bytes: rng.below(400), fields: rng.below(8) },
        _ => HeadLimits::DEFAULT,
    };
    let rules = Rules { is_request: true, single: &SINGLE, limits };
    let verdict = rules.read(data);
    compare(data, &rules, &verdict);

    let policy = [OriginPolicy::Any, OriginPolicy::SameOrigin, OriginPolicy::List(&PAGES)][rng.below(3)];
    let size = 1 + rng.below(300);
    let mut store = [0xaa; 4096];
    let mut handshake = Handshake::new(&mut store, &FURTHER, START).with_limits(limits);
    let came = read(data, Cuts::of(data), |input| handshake.receive(input));
    match verdict {
        Verdict::More => {
            assert_eq!(came, (Ok(false), data.len()));
            assert_eq!(handshake.request().method(), "", "half a request is shown");
            assert!(handshake.accept(policy).is_err(), "half a request is accepted");
        }
        Verdict::Refused { error, len, .. } => {
            assert_eq!(came, (Err(Refusal::Head(error)), len));
            assert_eq!(handshake.request().method(), "", "what was refused is shown");
            assert!(handshake.accept(policy).is_err(), "what was refused is accepted");
            is_refusal(size, Refusal::Head(error));
        }
        Verdict::Head(head) => {
            let wanted: [&[_]; 3] = [&SINGLE, &REPEATED, &FURTHER];
            let fields = handshake.request().fields().map(|(name, value)| (name.as_bytes(), value));
            same_fields(&head, &wanted.concat(), fields);
            if head.has_host() {
                assert_eq!(came, (Ok(true), head.len));
                same_request(&head, handshake.request());
            } else {
                assert_eq!(came, (Err(Refusal::NoHost), head.len));
            }
            answer(&head, policy, size, handshake.accept(policy));
            // Now and then: it is quicker so.
            if rng.below(2) == 0 {
                in_exchange(data, limits, policy, size, &head);
            }
        }
    }
}

/// httparse says the same, or does not have the rule.
fn compare(data: &[u8], rules: &Rules<'_>, verdict: &Verdict<'_>) {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut other = httparse::Request::new(&mut fields);
    let mut said = other.parse(data);
    // A minor version above 1 means the same as 1 (RFC 9110 2.5); it takes none.
    let patched = if said == Err(httparse::Error::Version) { with_version_1(data) } else { None };
    if let Some(patched) = &patched {
        fields = [httparse::EMPTY_HEADER; 128];
        other = httparse::Request::new(&mut fields);
        said = other.parse(patched);
    }
    match (said, verdict) {
        (Ok(httparse::Status::Complete(len)), Verdict::Head(head)) => {
            assert_eq!(len, head.len);
            assert_eq!(other.method.map(str::as_bytes), Some(head.method()));
            assert_eq!(other.path.map(str::as_bytes), Some(head.target()));
            assert_eq!(other.version, Some(u8::from(head.version() == Version::Http11)));
            let fields = other.headers.iter().map(|field| (field.name.as_bytes(), field.value));
            assert!(fields.eq(head.fields.iter().copied()), "{:?}", head.fields);
        }
        (Ok(httparse::Status::Partial), Verdict::More) | (Err(_), Verdict::Refused { .. }) => {}
        (Ok(_), Verdict::Refused { error, len, .. }) => {
            let applies =
                |(rule, is_of, _): &(_, IsOf, _)| rule == error && is_of(&data[..*len], rules.limits);
            assert!(STRICTER.iter().any(applies), "httparse takes it, and we do not: {error}");
        }
        // It sees at once what takes us a line: so the line is ended.
        (Err(error), Verdict::More) => {
            let end: &[u8] = if data.ends_with(b"\r") { b"\n\r\n" } else { b"\r\n\r\n" };
            let whole = [data, end].concat();
            let verdict = rules.read(&whole);
            assert!(matches!(verdict, Verdict::Refused { .. }), "httparse refuses it: {error}; {verdict:?}");
        }
        (said, verdict) => panic!("httparse says {said:?}, and we {verdict:?}"),
    }
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn with_version_1(data: &[u8]) -> Option<Vec<u8>> {
    let start = data.iter().position(|b| !is_line_break(*b))?;
    let len = data[start..].iter().position(|b| is_control(*b)).unwrap_or(data.len() - start);
    let line = &data[start..start + len];
    let digit = line.last().filter(|digit| matches!(digit, b'2'..=b'9'))?;
    line.strip_suffix(&[*digit])?.ends_with(b" HTTP/1.").then(|| {
        let mut patched = data.to_vec();
        patched[start + len - 1] = b'1';
        patched
    })
}

/// Those wanted are kept as they came, in order, and no others.
fn same_fields<'f>(head: &Head<'_>, wanted: &[&str], kept: impl Iterator<Item = (&'f [u8], &'f [u8])>) {
    let mut expected = head.fields.iter().filter(|(name, _)| is_one_of(name, wanted));
    let is_right = head.has_host();
    for (name, value) in kept {
        let (other, expected) = expected.next().expect("a field too many");
        assert!(name == other.to_ascii_lowercase() && value == *expected);
    }
    assert!(expected.next().is_none() || !is_right, "a field is lost");
}

fn same_request(head: &Head<'_>, request: Request<'_>) {
    assert_eq!(request.method().as_bytes(), head.method());
    assert_eq!(request.version(), head.version());
    let target = request.target();
    let authority = target.authority.map(str::as_bytes);
    assert_eq!(authority, head.authority());
    let text = std::str::from_utf8(head.target()).unwrap();
    let behind = text.split_once("://").filter(|_| authority.is_some()).map_or(text, |(_, behind)| behind);
    let behind = &behind[authority.map_or(0, <[u8]>::len)..];
    let (path, query) = behind.split_once('?').map_or((behind, None), |(path, query)| (path, Some(query)));
    assert_eq!((target.path, target.query), (if path.is_empty() { "/" } else { path }, query));
    let host = head.authority().or(head.first("host").filter(|host| host.is_ascii()));
    assert_eq!(request.host().map(str::as_bytes), host);
    let is_upgrade = head.version() == Version::Http11 && head.has_word("upgrade", "websocket");
    assert_eq!(request.is_upgrade(), is_upgrade);
}

/// What RFC 6455 4.2.1 and 4.2.2 ask of a request.
fn faults(head: &Head<'_>, policy: OriginPolicy<'_>) -> Vec<Refusal> {
    let mut faults = Vec::new();
    let mut ask = |is_right: bool, otherwise| {
        if !is_right {
            faults.push(otherwise);
        }
    };
    ask(head.version() == Version::Http11, Refusal::Head(HeadError::BadVersion));
    let has_host = head.first("host").is_some_and(host::is_authority);
    ask(has_host, Refusal::NoHost);
    ask(head.method() == b"GET", Refusal::Method);
    let upgrades = head.has_word("upgrade", "websocket") && head.has_word("connection", "upgrade");
    ask(upgrades, Refusal::NoUpgrade);
    ask(head.first("sec-websocket-version") == Some(b"13"), Refusal::WebSocketVersion);
    ask(head.first("sec-websocket-key").is_some_and(key::is_key), Refusal::Key);
    let length = head.first("content-length").is_none_or(|length| length == b"0");
    ask(length && head.first("transfer-encoding").is_none(), Refusal::Body);
    let protocols: Vec<_> = head.elements("sec-websocket-protocol").collect();
    let names = protocols.iter().all(|name| is_token(name));
    let some = !protocols.is_empty() || head.first("sec-websocket-protocol").is_none();
    let offers = extensions::parse_all(head.all(b"sec-websocket-extensions")).is_some();
    ask(names && some && offers, Refusal::Grammar);
    let to = head.authority().or(head.first("host")).unwrap_or_default();
    ask(head.first("origin").is_none_or(|origin| admits(policy, origin, to)), Refusal::Origin);
    faults
}

fn admits(policy: OriginPolicy<'_>, origin: &[u8], to: &[u8]) -> bool {
    match policy {
        OriginPolicy::Any => true,
        OriginPolicy::SameOrigin => host::is_same(origin, to),
        // A port that is the scheme's may stand or not.
        OriginPolicy::List(_) => {
            let origin = origin.to_ascii_lowercase();
            let of_80 =
                [&b""[..], b":", b":80"].iter().any(|port| origin == [b"http://example.com", *port].concat());
            of_80
                || origin == b"https://h:8443"
                || origin == b"https://h:8443:"
                || origin == b"https://h:8443:443"
        }
    }
}

fn answer(head: &Head<'_>, policy: OriginPolicy<'_>, size: usize, given: Result<Accept<'_>, Refusal>) {
    let faults = faults(head, policy);
    match given {
        Err(refusal) if !head.has_host() => assert!(matches!(refusal, Refusal::NoHost | Refusal::Head(_))),
        Err(refusal) => {
            assert!(faults.contains(&refusal), "{refusal:?}, but wrong is {faults:?}");
            is_refusal(size, refusal);
        }
        Ok(accept) => {
            assert!(faults.is_empty(), "accepted, but {faults:?}");
            let protocol = head.elements("sec-websocket-protocol").next();
            let protocol = protocol.map(|name| std::str::from_utf8(name).unwrap());
            let mut accept = match protocol {
                Some(name) => accept.subprotocol(name).expect("it was offered"),
                None => accept,
            };
            let line = protocol.map_or(String::new(), |name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
            let value = key::accept(head.first("sec-websocket-key").unwrap());
            let expected = [
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
                line.as_bytes(),
                b"Sec-WebSocket-Accept: ",
                &value,
                b"\r\n\r\n",
            ];
            assert!(written(size, |out| accept.transmit(out)) == expected.concat());
        }
    }
}

/// A refusal is a whole response behind which the connection ends, and no 101.
fn is_refusal(size: usize, refusal: Refusal) {
    let mut response: Response<'static> = refusal.response();
    assert!(response.closes() && response.status() == refusal.status());
    let text = written(size, |out| response.transmit(out));
    let text = std::str::from_utf8(&text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 4") || head.starts_with("HTTP/1.1 505 "), "{head}");
    assert_eq!(head[9..12].parse(), Ok(refusal.status()));
    assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
    let length = head.split_once("\r\nContent-Length: ").unwrap().1.split("\r\n").next().unwrap();
    assert_eq!(length.parse(), Ok(body.len()));
}

/// The same head as one of the requests of a connection: it is refused for more, and means the same.
fn in_exchange(data: &[u8], limits: HeadLimits, policy: OriginPolicy<'_>, size: usize, head: &Head<'_>) {
    let rules = Rules { is_request: true, single: &SINGLE_OF_PAGES, limits };
    let mut store = [0xaa; 4096];
    let settings = Settings { head: limits, ..Settings::DEFAULT };
    let mut exchange = Exchange::new(&mut store, &FURTHER, &settings, START);
    let came = read(data, Cuts::of(data), |input| exchange.receive(input));
    match (came, rules.read(data)) {
        ((Ok(true), len), Verdict::Head(_)) => {
            assert_eq!(len, head.len);
            same_request(head, exchange.request());
            answer(head, policy, size, accept(exchange.request(), policy));
        }
        ((Err(exchange::Refusal::Head(came)), _), Verdict::Refused { error, .. }) => assert_eq!(came, error),
        // What its fields say of its body is another target's matter.
        ((Err(_), len), Verdict::Head(_)) => {
            assert_eq!(len, head.len);
            let about_body = ["content-length", "transfer-encoding", "expect"];
            let is_told = about_body.iter().any(|name| head.first(name).is_some());
            assert!(!head.has_host() || is_told || head.version() == Version::Http10);
        }
        (came, verdict) => panic!("{came:?}, {verdict:?}"),
    }
    assert!(exchange.receive(&mut Input::new(&mut [])).is_ok() == came.0.is_ok());
}
