//! Each request of the corpus gives what its index says, however it is cut, and gets the same answer in outputs of any
//! size.

use crate::cases::thin;
use crate::corpus::{Case, case, cases};
use crate::{SAMPLE_ACCEPT, START, written};
use std::collections::HashSet;
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::extensions;
use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::http::Response;
use ws_core::{Input, Output};

const LIST: OriginPolicy<'static> = OriginPolicy::List(&["http://example.com", "https://good.example"]);

/// What a request gave.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    outcome: Result<Asked, Refusal>,
    /// The answer's bytes.
    answer: Vec<u8>,
    /// Bytes left in the input.
    rest: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    path: String,
    host: Option<String>,
    origin: Option<String>,
    protocols: Vec<String>,
    extensions: usize,
}

/// Reads `bytes` in `pieces`; agrees on the first subprotocol offered; writes into outputs of `size` bytes.
fn give<'c>(pieces: impl Iterator<Item = &'c [u8]>, policy: OriginPolicy<'_>, size: usize) -> Given {
    let mut store = [0xaa; 9000];
    let mut handshake = Handshake::new(&mut store, &["cookie"], START);
    let mut rest = Vec::new();
    let mut read = Ok(false);
    for piece in pieces {
        if read == Ok(false) {
            let mut buf = piece.to_vec();
            let mut input = Input::new(&mut buf);
            read = handshake.receive(&mut input);
            assert!(read != Ok(false) || input.is_empty(), "more is asked for, while input is left");
            rest.extend_from_slice(input.rest());
            if read == Ok(false) {
                assert_eq!(handshake.request().method(), "", "half a request was handed out");
                assert!(handshake.accept(OriginPolicy::Any).is_err(), "half a request was accepted");
            }
            // The memory lent for one call may be used for something else behind it.
            buf.fill(0xee);
        } else {
            rest.extend_from_slice(piece);
        }
    }
    if let Err(refusal) = read {
        assert_eq!(handshake.receive(&mut Input::new(&mut [b'x'])), Err(refusal), "the refusal stands");
        assert!(handshake.accept(OriginPolicy::Any).is_err(), "what was refused was accepted");
    }
    let refuse = |refusal: Refusal, rest| {
        let mut response = refusal.response();
        let answer = written(size, |out| response.transmit(out));
        Given { outcome: Err(refusal), answer, rest }
    };
    match read {
        Err(refusal) => return refuse(refusal, rest),
        Ok(complete) => assert!(complete, "the head has no end"),
    }
    let request = handshake.request();
    match handshake.accept(policy) {
        Err(refusal) => refuse(refusal, rest),
        Ok(mut accept) => {
            if let Some(first) = request.subprotocols().next() {
                accept = accept.subprotocol(first).expect("it was offered");
            }
            assert!(request.is_upgrade() && request.method() == "GET");
            let asked = Asked {
                path: [Some(request.target().path), request.target().query]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("?"),
                host: request.host().map(String::from),
                origin: request.origin().map(String::from),
                protocols: request.subprotocols().map(String::from).collect(),
                extensions: request.extensions().flat_map(extensions::offers).filter(Result::is_ok).count(),
            };
            let answer = written(size, |out| accept.transmit(out));
            Given { outcome: Ok(asked), answer, rest }
        }
    }
}

fn whole(case: &Case, policy: OriginPolicy<'_>) -> Given {
    give([&case.bytes[..]].into_iter(), policy, 4096)
}

/// The line of the index says what came.
fn judge(case: &Case, given: &Given) {
    let name = &case.name;
    let (verdict, refusal) = case.verdict();
    if verdict == "accept" {
        case.only(
            1,
            &["path", "host", "origin", "protocols", "extensions", "accept", "rest", "same", "list"],
        );
        let protocols = case.value("protocols").map(|list| list.split(',').map(String::from).collect());
        let expected = Asked {
            path: case.value("path").expect("a path"),
            host: case.value("host").or_else(|| Some("example.com".into())),
            origin: case.value("origin"),
            protocols: protocols.unwrap_or_default(),
            extensions: case.number("extensions"),
        };
        let mut answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".to_string();
        if let Some(first) = expected.protocols.first() {
            answer += &format!("Sec-WebSocket-Protocol: {first}\r\n");
        }
        let accept = case.value("accept").unwrap_or_else(|| SAMPLE_ACCEPT.into());
        answer += &format!("Sec-WebSocket-Accept: {accept}\r\n\r\n");
        assert_eq!(given.outcome, Ok(expected), "{name}");
        assert_eq!(String::from_utf8_lossy(&given.answer), answer, "{name}");
    } else {
        case.only(2, &["rest"]);
        let given_refusal = given.outcome.as_ref().expect_err(name);
        assert_eq!(
            format!("{} {given_refusal:?}", given_refusal.status()),
            format!("{verdict} {refusal}"),
            "{name}"
        );
        judge_refusal(*given_refusal, &given.answer);
    }
    // Behind a malformed head nobody knows what is what.
    if !matches!(given.outcome, Err(Refusal::Head(_))) {
        assert_eq!(given.rest.len(), case.number("rest"), "{name}: bytes behind the head");
    }
    assert!(case.bytes.ends_with(&given.rest), "{name}: the rest is not the end of the input");
}

/// A refusal is one whole response, with a length, behind which the connection ends.
fn judge_refusal(refusal: Refusal, answer: &[u8]) {
    let text = std::str::from_utf8(answer).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    // RFC 9110 15, RFC 6585 5.
    let phrase = match refusal.status() {
        400 => "Bad Request",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        status => panic!("{status} for {refusal:?}"),
    };
    assert_eq!(lines.next(), Some(&*format!("HTTP/1.1 {} {phrase}", refusal.status())));
    let fields: Vec<_> = lines
        .map(|line| line.split_once(": ").expect("a field"))
        .map(|(n, v)| (n.to_lowercase(), v))
        .collect();
    let all = |name: &str| fields.iter().filter(|(n, _)| n == name).map(|(_, v)| *v).collect::<Vec<_>>();
    assert!(all("connection").contains(&"close"), "{text}");
    assert_eq!(all("content-length"), [body.len().to_string()], "{text}");
    assert!(all("transfer-encoding").is_empty() && all("sec-websocket-accept").is_empty(), "{text}");
    // 405 may answer HEAD, the answer to which has no body (RFC 9110 9.3.2).
    assert_eq!(body, if refusal.status() == 405 { "" } else { refusal.reason() });
    match refusal.status() {
        // RFC 9110 15.5.22, 7.8; RFC 6455 4.4.
        426 => {
            assert_eq!(all("upgrade"), ["websocket"]);
            assert_eq!(all("connection"), ["close", "Upgrade"]);
            assert_eq!(all("sec-websocket-version"), ["13"]);
        }
        405 => assert_eq!(all("allow"), ["GET"]),
        _ => assert!(all("upgrade").is_empty(), "{text}"),
    }
}

#[test]
fn each_request_gets_what_the_index_says() {
    let cases = cases("requests");
    assert!(cfg!(miri) || cases.len() > 300, "the corpus is not whole");
    for case in cases {
        judge(&case, &whole(&case, OriginPolicy::Any));
    }
}

#[test]
fn each_request_gets_the_same_however_it_is_cut() {
    for case in thin(cases("requests"), 1) {
        let expected = whole(&case, OriginPolicy::Any);
        let used = case.bytes.len() - expected.rest.len();
        for cut in case.cuts(used) {
            let (first, second) = case.bytes.split_at(cut);
            let given = give([first, second].into_iter(), OriginPolicy::Any, 4096);
            assert_eq!(given, expected, "{}, cut at {cut}", case.name);
        }
        let given = give(case.bytes.chunks(1), OriginPolicy::Any, 4096);
        assert_eq!(given, expected, "{}, byte by byte", case.name);
        let with_empty_reads = case.bytes.chunks(7).flat_map(|piece| [&[][..], piece]);
        assert_eq!(give(with_empty_reads, OriginPolicy::Any, 4096), expected, "{}", case.name);
    }
}

#[test]
fn each_answer_is_the_same_in_outputs_of_any_size() {
    for case in thin(cases("requests"), 1) {
        let expected = whole(&case, OriginPolicy::Any);
        for size in thin(1..=expected.answer.len() + 1, 80) {
            if case.bytes.len() < 1000 || size < 4 {
                let given = give([&case.bytes[..]].into_iter(), OriginPolicy::Any, size);
                assert_eq!(given.answer, expected.answer, "{}, {size} bytes", case.name);
            }
        }
    }
}

/// Each refusal says in words of its own what was wrong, and is a whole response, one out of time included.
#[test]
fn each_refusal_has_words_of_its_own() {
    let outcomes = cases("requests").into_iter().map(|case| whole(&case, OriginPolicy::SameOrigin).outcome);
    let refusals: HashSet<_> = outcomes.filter_map(Result::err).chain([Refusal::TimedOut]).collect();
    assert!(cfg!(miri) || refusals.len() > 15, "the corpus is not whole");
    let words: HashSet<_> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), refusals.len());
    for refusal in refusals {
        assert!(!refusal.reason().is_empty() && refusal.reason() == refusal.to_string());
        let mut response = refusal.response();
        assert_eq!(response.status(), refusal.status());
        judge_refusal(refusal, &written(64, |out| response.transmit(out)));
    }
}

/// The application reads the fields it asked for, each line of them, and no others.
#[test]
fn fields_wanted_can_be_read() {
    let mut bytes = b"GET / HTTP/1.1\r\nHost: h\r\nCookie:  a=b \r\nX-Other: c\r\ncookie: d=e\r\n\
        X-Bytes: \xff\r\n\r\n"
        .to_vec();
    let mut store = [0; 256];
    let mut handshake = Handshake::new(&mut store, &["cookie", "x-bytes"], START);
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    let request = handshake.request();
    assert_eq!(request.field("cookie"), Some("a=b"));
    assert_eq!(request.fields().all("cookie").collect::<Vec<_>>(), ["a=b", "d=e"]);
    assert_eq!(
        (request.field("x-other"), request.field("x-bytes"), request.field("Cookie")),
        (None, None, None)
    );
    let fields: Vec<_> = request.fields().collect();
    let expected: [(&str, &[u8]); 4] =
        [("host", b"h"), ("cookie", b"a=b"), ("cookie", b"d=e"), ("x-bytes", b"\xff")];
    assert_eq!(fields, expected);
    assert_eq!((request.method(), request.target().path, request.is_upgrade()), ("GET", "/", false));
}

/// In HTTP/1.0 the Upgrade field means nothing (RFC 9110 7.8).
#[test]
fn http_1_0_asks_for_no_upgrade() {
    for (name, expected) in [("http-1.0", false), ("http-1.2", true), ("sample-of-rfc6455", true)] {
        let mut case = case("requests", name);
        let mut store = [0; 512];
        let mut handshake = Handshake::new(&mut store, &[], START);
        assert_eq!(handshake.receive(&mut Input::new(&mut case.bytes)), Ok(true));
        assert_eq!(handshake.request().is_upgrade(), expected, "{name}");
    }
}

#[test]
fn an_output_without_room_gets_nothing() {
    let mut out = Output::new(&mut []);
    assert!(!Refusal::Key.response().transmit(&mut out));
    assert!(!Response::new(404, &[], b"").expect("a status").transmit(&mut out));
}

/// RFC 6455 4.2.2, 10.2.
#[test]
fn each_policy_lets_in_the_pages_that_the_index_says() {
    let mut refused = 0;
    for case in cases("requests") {
        let any = whole(&case, OriginPolicy::Any);
        for (key, policy) in [("same", OriginPolicy::SameOrigin), ("list", LIST)] {
            let given = whole(&case, policy);
            let is_out = any.outcome.is_ok() && case.value(key).is_some_and(|value| value == "out");
            if is_out {
                assert_eq!(given.outcome, Err(Refusal::Origin), "{}: {key}", case.name);
                assert!(given.answer.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
                judge_refusal(Refusal::Origin, &given.answer);
                assert_eq!(given.rest, any.rest);
                refused += 1;
            } else {
                assert_eq!(given, any, "{}: {key}", case.name);
            }
        }
    }
    assert!(cfg!(miri) || refused > 40, "the corpus is not whole");
}

/// A subprotocol that was not offered is not agreed on (RFC 6455 4.2.2); case counts.
#[test]
fn only_what_was_offered_is_agreed_on() {
    let case = case("requests", "protocol-two-lines");
    let mut store = [0; 1024];
    let mut handshake = Handshake::new(&mut store, &[], START);
    let mut bytes = case.bytes.clone();
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    let accept = || handshake.accept(OriginPolicy::Any).expect("a good request");
    for name in ["chat", "superchat", "v2.example"] {
        assert_eq!(accept().subprotocol(name).expect("offered").protocol(), Some(name));
        assert_eq!(accept().subprotocol_if_offered(Some(name)).protocol(), Some(name));
    }
    for name in ["", "Chat", "cha", "chat, superchat", "superchat, v2.example", "v2", "chat\r\nX: y"] {
        assert!(accept().subprotocol(name).is_err(), "{name:?}");
        assert_eq!(accept().subprotocol_if_offered(Some(name)).protocol(), None, "{name:?}");
    }
    assert_eq!(accept().protocol(), None);
}
