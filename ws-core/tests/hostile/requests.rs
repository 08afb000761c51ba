//! Requests that two servers would read in two ways, that want to be said back, or that cost more than they bring.

use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::http::{Hosts, OriginPolicy, Response};
use ws_core::transport::{Endpoint, EventRing, Hub, Progress, Seq, Sessions, Visit};
use ws_core::{Duration, Entropy, Input, Instant, Output};

struct Dice;

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
}

const ENDPOINT: Endpoint<'static> = Endpoint { jsonp: true, ..Endpoint::new(OriginPolicy::SameOrigin) };

/// What a server that reads `bytes` whole says to the first request in them, body and all; or why nothing.
fn ask(bytes: &str) -> Result<String, Refusal> {
    let now = Instant::from_millis(0);
    let (mut store, mut shared, mut own) = ([0; 2048], [0; 1024], [0; 1024]);
    let mut rx = bytes.as_bytes().to_vec();
    let mut input = Input::new(&mut rx);
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, now);
    let sessions = Sessions::<2>::new(&mut own, Duration::from_secs(30));
    let mut hub = Hub::new(EventRing::new(&mut shared, Seq::new(16)), sessions);
    if !exchange.receive(&mut input)? {
        return Err(exchange.receive_eof().expect_err("no request is whole"));
    }
    let asked = ENDPOINT.asked(&exchange.request());
    let mut visit = Visit::new(&ENDPOINT, asked, &mut hub, now, &mut Dice);
    while !visit.receive(&mut exchange, &mut input, &mut hub, &mut |_, _, _| {})? {
        exchange.receive_eof()?;
    }
    while let Some(_piece) = exchange.receive_body(&mut input)? {}
    let (mut tx, mut answer) = ([0; 512], Vec::new());
    let mut out = Output::new(&mut tx);
    loop {
        let progress = visit.transmit(&ENDPOINT, &exchange, &mut hub, now, &mut out).expect("nothing leaves");
        answer.extend_from_slice(out.filled());
        out.clear();
        if progress != Progress::Full {
            return Ok(String::from_utf8(answer).expect("text"));
        }
    }
}

fn status(answer: &Result<String, Refusal>) -> Option<u16> {
    match answer {
        Ok(answer) => answer.get(9..12).and_then(|status| status.parse().ok()),
        Err(refusal) => refusal.status(),
    }
}

#[test]
fn lengths_that_others_read_otherwise_are_refused() {
    for (fields, expected) in [
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: 0x5\r\n", 400),
        ("Content-Length: 5,5\r\n", 400),
        ("Content-Length: 5 5\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Content-Length: 18446744073709551615\r\n", 413),
        ("Content-Length: 18446744073709551616\r\n", 413),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", 400),
        ("Transfer-Encoding: xchunked\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding:\x0bchunked\r\n", 400),
        (" Transfer-Encoding: chunked\r\n", 400),
        ("X: y\nTransfer-Encoding: chunked\r\n", 400),
    ] {
        let answer = ask(&format!("POST /?s=x HTTP/1.1\r\nHost: h\r\n{fields}\r\n0\r\n\r\nGET /smuggled"));
        assert_eq!(status(&answer), Some(expected), "{fields}: {answer:?}");
        assert!(answer.is_err(), "the connection ends: {fields}");
    }
    let old = ask("POST /?s=x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(status(&old), Some(400), "{old:?}");
}

#[test]
fn sizes_of_chunks_that_others_read_otherwise_are_refused() {
    for chunk in [
        "+5",
        "-1",
        "0x5",
        " 5",
        "5 ",
        "",
        "g",
        "5\n",
        "5;a\nb",
        "5;\r",
        "10000000000000000",
        "ffffffffffffffff",
    ] {
        let head = "POST /?s=x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = ask(&format!("{head}{chunk}\r\nhello\r\n0\r\n\r\n"));
        assert!(matches!(status(&answer), Some(400 | 413)) && answer.is_err(), "{chunk:?}: {answer:?}");
    }
}

#[test]
fn what_a_request_says_is_not_said_back() {
    let mark = "zq%22%3E%3Cscript%3Ezq";
    for target in [
        format!("/{mark}"),
        format!("/?as={mark}"),
        format!("/?since={mark}"),
        format!("/?s={mark}"),
        format!("/?wait={mark}"),
        format!("/?callback={mark}"),
        format!("/?as=html&callback={mark}"),
        format!("/?callback=fn&d={mark}&s={mark}&n=1"),
    ] {
        for fields in [String::new(), format!("Origin: http://{mark}\r\nReferer: http://{mark}/\r\n")] {
            let answer =
                ask(&format!("GET {target} HTTP/1.1\r\nHost: h\r\nLast-Event-ID: {mark}\r\n{fields}\r\n"));
            let answer = answer.expect("an answer");
            assert!(!answer.contains("zq"), "{target}: {answer}");
            assert!(answer.contains("X-Content-Type-Options: nosniff\r\n"), "{answer}");
        }
    }
}

#[test]
fn no_line_break_gets_into_a_head() {
    for evil in ["a\r\nSet-Cookie: a=b", "a\nb", "a\rb", "a\0b"] {
        assert!(Response::new(200, &[("X", evil)], b"").is_err());
        assert!(Response::new(200, &[(evil, "x")], b"").is_err());
    }
    // Percent-encoded, it is not decoded; and no origin that is let in can hold one.
    let answer =
        ask("GET /?callback=a%0d%0aSet-Cookie:a HTTP/1.1\r\nHost: h\r\nReferer: http://h/\r\n\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && !answer.contains("Set-Cookie"), "{answer}");
}

#[test]
fn a_function_is_a_name_and_nothing_else() {
    let ask = |name: &str| {
        ask(&format!("GET /?callback={name} HTTP/1.1\r\nHost: h\r\nReferer: http://h/\r\n\r\n")).unwrap()
    };
    let answer = ask("CWSMIKI0hCD0Up0IZUnnnnnnnn");
    assert!(answer.contains("\r\n\r\n/**/CWSMIKI0"), "a name of letters does not stand first: {answer}");
    for name in ["alert(1)", "a;b", "a%28", "<script>", "1a", "", "a-b", &"a".repeat(65)] {
        let answer = ask(name);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer}");
    }
}

#[test]
fn a_script_of_another_page_gets_nothing() {
    for referer in [
        "",
        "Referer: http://evil/\r\n",
        "Referer: http://h.evil/\r\n",
        "Referer: h\r\n",
        "Referer: //h/\r\n",
    ] {
        let answer = ask(&format!("GET /?callback=fn HTTP/1.1\r\nHost: h\r\n{referer}\r\n")).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{referer}: {answer}");
    }
}

#[test]
fn a_page_of_another_server_is_refused_whatever_it_asks() {
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/?as=sse"),
        ("GET", "/?as=xhr"),
        ("GET", "/?as=multipart"),
        ("GET", "/?as=html&callback=fn"),
        ("GET", "/?callback=fn"),
        ("POST", "/?s=AAAAAAAAAAAAAAAAAAAAAAAA&n=1"),
        ("OPTIONS", "/"),
    ] {
        for origin in ["http://evil", "http://h.evil", "null", "https://h:8443"] {
            let fields = "Access-Control-Request-Method: GET\r\nContent-Length: 0\r\n";
            let answer =
                ask(&format!("{method} {target} HTTP/1.1\r\nHost: h\r\nOrigin: {origin}\r\n{fields}\r\n"));
            let answer = answer.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 403 "), "{method} {target} {origin}: {answer}");
            assert!(!answer.contains("Access-Control-Allow-Origin"), "{answer}");
        }
    }
}

#[test]
fn a_name_that_anybody_can_point_here_is_not_ours() {
    let hosts = Hosts::Addresses(&["device.local"]);
    for evil in
        ["evil.example", "10.0.0.2.evil.example", "device.local.evil", "127.0.0.1.nip.io", "0x7f000001", ""]
    {
        assert!(!hosts.admit(Some(evil)), "{evil}");
    }
    assert!(
        hosts.admit(Some("10.0.0.2:8080"))
            && hosts.admit(Some("[fe80::1]"))
            && hosts.admit(Some("device.local"))
    );
}

#[test]
fn a_body_too_large_is_refused_before_it_comes() {
    let answer = ask("POST /?s=x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
    assert_eq!(status(&answer), Some(413), "{answer:?}");
}

#[test]
fn names_of_what_every_object_has_mean_nothing() {
    for name in ["constructor", "__proto__", "toString", "hasOwnProperty", "undefined"] {
        let answer = ask(&format!("GET /?as={name} HTTP/1.1\r\nHost: h\r\n\r\n")).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer}");
    }
}

#[test]
fn a_request_has_one_deadline_however_it_drips() {
    let (mut store, mut at) = ([0; 512], 0);
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, Instant::from_millis(0));
    let refused = loop {
        at += 500;
        exchange.set_time(Instant::from_millis(at));
        exchange.handle_timeout(Instant::from_millis(at));
        if let Err(refusal) = exchange.receive(&mut Input::new(&mut [b'G'])) {
            break refusal;
        }
    };
    assert_eq!((refused, at), (Refusal::TimedOut, 10_500));
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, Instant::from_millis(0));
    let mut head = *b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n";
    assert_eq!(exchange.receive(&mut Input::new(&mut head)), Ok(true));
    at = 0;
    let refused = loop {
        at += 500;
        exchange.set_time(Instant::from_millis(at));
        exchange.handle_timeout(Instant::from_millis(at));
        if let Err(refusal) = exchange.receive_body(&mut Input::new(&mut [b'x'])) {
            break refusal;
        }
    };
    assert_eq!((refused, at), (Refusal::TimedOut, 30_000));
}
