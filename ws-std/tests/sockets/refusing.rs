//! Requests that do not become a WebSocket: pages, refusals, redirects, and what both ends are told.

use crate::common::REQUEST;
use crate::peer::{Raw, accept_next, listen, soon};
use std::thread;
use std::time::{Duration, Instant};
use ws_core::handshake::server::Refusal;
use ws_std::{Answer, Connect, Error, Options, OriginPolicy, Refused, Waited, accept, accept_with, connect};

/// One request, answered as a small site would; the whole response.
fn ask(request: &[u8]) -> (String, Result<bool, Error>) {
    let (listener, _) = listen();
    let mut raw = Raw::client(&listener);
    raw.write(request);
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let (stream, _) = listener.accept().unwrap();
            let opened = accept_with(stream, &Options::DEFAULT, &[], |request| match request.target().path {
                "/chat" => Answer::accept(OriginPolicy::SameOrigin),
                "/" => Answer::page("text/html", b"<h1>hello</h1>"),
                "/broken" => Answer::page("text/html\r\nX: y", b""),
                "/moved" => Answer::respond(308, b"").field("Location", "/chat"),
                "/subprotocol" => Answer::accept(OriginPolicy::Any).subprotocol("never offered"),
                "/nothing" => Answer::respond(204, b"so this stays here"),
                "/json" => Answer::respond(409, b"{}").field("content-type", "application/json"),
                _ => Answer::respond(404, b"nothing here\n"),
            });
            opened.map(|ws| ws.is_some())
        });
        let response = soon(|| String::from_utf8(raw.read_all()).unwrap());
        drop(raw);
        (response, serving.join().unwrap())
    })
}

#[test]
fn a_page() {
    let (response, opened) = ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("\r\nContent-Type: text/html\r\n"), "{response}");
    assert!(response.contains("\r\nContent-Length: 14\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n<h1>hello</h1>"), "{response}");
    assert!(matches!(opened, Ok(false)));
}

#[test]
fn the_head_of_a_page() {
    let (response, opened) = ask(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(response.contains("\r\nContent-Length: 14\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n"), "{response}");
    assert!(matches!(opened, Ok(false)));
}

#[test]
fn a_path_that_is_not_there() {
    let upgrade = String::from_utf8(REQUEST.to_vec()).unwrap().replace("/chat", "/nowhere");
    for request in [upgrade.as_bytes(), b"GET /nowhere?a HTTP/1.1\r\nHost: h\r\n\r\n"] {
        let (response, opened) = ask(request);
        assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
        assert!(response.ends_with("\r\n\r\nnothing here\n"), "{response}");
        assert!(matches!(opened, Ok(false)));
    }
}

#[test]
fn one_type_of_content_or_none() {
    let cases = [
        ("/nowhere", Some("text/plain; charset=utf-8")),
        ("/json", Some("application/json")),
        ("/moved", None),
        ("/nothing", None),
    ];
    for (path, expected) in cases {
        let (response, _) = ask(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
        let fields = response.lines().filter_map(|line| line.split_once(": "));
        let types = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        assert_eq!(types.map(|(_, value)| value).collect::<Vec<_>>(), Vec::from_iter(expected), "{response}");
    }
}

#[test]
fn answers_that_may_not_go_out_become_500() {
    let upgrade = String::from_utf8(REQUEST.to_vec()).unwrap();
    for path in ["/broken", "/subprotocol"] {
        let (response, opened) = ask(upgrade.replace("/chat", path).as_bytes());
        assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
        assert!(matches!(opened, Err(Error::Usage(_))), "{opened:?}");
    }
}

#[test]
fn requests_that_are_refused() {
    let good = String::from_utf8(REQUEST.to_vec()).unwrap();
    let without =
        |line: &str| good.split_inclusive("\r\n").filter(|l| !l.starts_with(line)).collect::<String>();
    let cases = [
        (without("Upgrade"), 426, Refusal::NoUpgrade),
        (without("Sec-WebSocket-Key"), 400, Refusal::Key),
        (without("Host"), 400, Refusal::NoHost),
        (good.replace("Version: 13", "Version: 8"), 426, Refusal::WebSocketVersion),
        (good.replace("GET", "PUT"), 405, Refusal::Method),
        (good.replace("Host: h\r\n", "Host: h\r\nOrigin: http://evil\r\n"), 403, Refusal::Origin),
    ];
    for (request, status, refusal) in cases {
        let (response, opened) = ask(request.as_bytes());
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{refusal:?}: {response}");
        assert!(matches!(&opened, Err(Error::Refusal(it)) if *it == refusal), "{refusal:?}: {opened:?}");
    }
}

/// Closing with input unread would reset the connection, and take the answer along.
#[test]
fn the_answer_arrives_though_much_was_not_read() {
    let head = String::from_utf8(REQUEST.to_vec()).unwrap().replace("/chat", "/nowhere");
    let request = [head.as_bytes(), &[b'x'; 100_000]].concat();
    let (response, _) = ask(&request);
    assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
}

#[test]
fn a_client_that_leaves_before_its_answer_is_still_refused() {
    let (listener, _) = listen();
    let mut raw = Raw::client(&listener);
    raw.write(b"NONSENSE\r\n\r\n");
    drop(raw);
    let error = accept_next(&listener, &Options::DEFAULT).unwrap_err();
    assert!(matches!(error, Error::Refusal(Refusal::Head(_))), "{error:?}");
}

#[test]
fn a_client_that_says_nothing_or_drips_gets_408() {
    let options = Options { handshake_timeout: Duration::from_millis(150), ..Options::DEFAULT };
    for is_dripping in [false, true] {
        let (listener, _) = listen();
        let mut raw = Raw::client(&listener);
        thread::scope(|scope| {
            let accepting = scope.spawn(|| accept_next(&listener, &options).map(drop));
            if is_dripping {
                raw.write(b"GET /");
                raw.stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                // The pace is that of a read in vain; the end is that of the server.
                while raw.read_some().is_err() {
                    raw.write(b"x");
                }
                raw.stream.set_read_timeout(Some(crate::peer::TOO_LONG)).unwrap();
            }
            let response = soon(|| String::from_utf8(raw.read_all()).unwrap());
            assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
            drop(raw);
            let error = soon(|| accepting.join().unwrap().unwrap_err());
            assert!(matches!(error, Error::TimedOut(Waited::Handshake)), "{error:?}");
        });
    }
}

#[test]
fn a_client_that_leaves_is_lost() {
    let (listener, _) = listen();
    let mut raw = Raw::client(&listener);
    raw.write(b"GET /chat HTTP/1.1\r\nHost:");
    drop(raw);
    let error = accept(listener.accept().unwrap().0, OriginPolicy::Any).unwrap_err();
    assert!(matches!(error, Error::Lost), "{error:?}");
}

/// What a client is told by a server that answers `response`.
fn told(response: &[u8], further: &[&str]) -> Error {
    let (listener, url) = listen();
    thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write;
            let (mut stream, _) = listener.accept().unwrap();
            // Not a byte of the request is left unread, or the end is a reset.
            let mut request = [0; 2048];
            let mut have = 0;
            while !request[..have].ends_with(b"\r\n\r\n") {
                have += std::io::Read::read(&mut stream, &mut request[have..]).unwrap();
            }
            stream.write_all(response).unwrap();
        });
        soon(|| Connect::new(&url).further(further).open().unwrap_err())
    })
}

#[test]
fn a_refusal_brings_what_the_server_said() {
    let error = told(
        b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"a\"\r\nX-Why: tired\r\nX-Not: asked for\r\n\
        Content-Type: text/plain\r\nRetry-After: 5\r\nContent-Length: 6\r\n\r\nGo on!and more",
        &["x-why"],
    );
    let Error::Refused(refused) = error else { panic!("{error:?}") };
    let fields = [
        ("www-authenticate", "Basic realm=\"a\""),
        ("x-why", "tired"),
        ("content-type", "text/plain"),
        ("retry-after", "5"),
        ("content-length", "6"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    assert_eq!(*refused, Refused { status: 401, fields, body: b"Go on!".to_vec() });
}

#[test]
fn a_long_body_is_cut_to_the_buffer() {
    let body = [b'b'; 10_000];
    let error = told(&[b"HTTP/1.1 503 Busy\r\n\r\n".as_slice(), &body].concat(), &[]);
    let Error::Refused(refused) = error else { panic!("{error:?}") };
    assert_eq!((refused.status, refused.body.len()), (503, Options::DEFAULT.read_buffer));
}

/// What a client keeps of the body of a refusal by a server that does not leave: before the second is over that a body may
/// take.
fn kept(status: u16, head: &str, body: &[u8]) -> String {
    let (listener, url) = listen();
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let (mut raw, _) = Raw::unanswered(&listener);
            raw.write(&[format!("HTTP/1.1 {status} No\r\n{head}\r\n").as_bytes(), body].concat());
            raw
        });
        let begun = Instant::now();
        let Err(Error::Refused(refused)) = connect(&url) else { panic!("it was refused") };
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(1), "{head}: {took:?}");
        drop(serving.join().unwrap());
        assert_eq!(refused.status, status);
        String::from_utf8(refused.body).unwrap()
    })
}

/// RFC 9112 6.3
#[test]
fn a_body_ends_where_it_says() {
    let chunked = "Transfer-Encoding: Chunked\r\n";
    let all = [
        kept(403, chunked, b"5\r\nhello\r\n00B ; a=\"b\"\r\n, all here!\r\n0\r\n\r\n"),
        kept(
            403,
            &format!("Content-Length: 900\r\n{chunked}"),
            b"2\r\nhi\r\n0;last\r\nSome: trailer\r\n\r\n",
        ),
        kept(403, chunked, b"0\r\n\r\n"),
        kept(204, "", b""),
        kept(304, "Content-Length: 900\r\n", b""),
        kept(403, "Content-Length: 0\r\n", b""),
    ];
    assert_eq!(all, ["hello, all here!", "hi", "", "", "", ""]);
}

#[test]
fn chunks_that_are_none_end_the_body() {
    for bad in [
        "",
        "\r\n",
        "x\r\n",
        ";\r\nabc",
        "-1\r\nabc",
        "3\nabc",
        "3\r\r\nabc",
        "3\r\nabcd\r\n",
        "3;\0\r\nabc",
        "123456789\r\nabc",
    ] {
        let body = format!("2\r\nok\r\n{bad}");
        let error =
            told(format!("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes(), &[]);
        let Error::Refused(refused) = error else { panic!("{error:?}") };
        let expected = if bad.contains("abcd") { "okabc" } else { "ok" };
        assert_eq!(String::from_utf8_lossy(&refused.body), expected, "{bad:?}");
    }
}

#[test]
fn a_long_chunk_is_cut_to_the_buffer() {
    let head = "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n";
    let error = told(&[head.as_bytes(), &[b'b'; 10_000]].concat(), &[]);
    let Error::Refused(refused) = error else { panic!("{error:?}") };
    assert_eq!(refused.body, [b'b'; Options::DEFAULT.read_buffer]);
}

#[test]
fn a_redirect_is_reported_and_not_followed() {
    let (elsewhere, url) = listen();
    let response = format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n");
    let error = told(response.as_bytes(), &[]);
    assert!(error.to_string().contains(&url), "{error}");
    let Error::Refused(refused) = error else { panic!("{error:?}") };
    assert_eq!((refused.status, &refused.fields[0].1), (302, &url));
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err(), "nobody went there");
}

#[test]
fn what_is_no_handshake_is_not_taken_for_one() {
    for response in [
        "HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
    ] {
        let error = told(response.as_bytes(), &[]);
        assert!(matches!(error, Error::Handshake(_)), "{response}: {error:?}");
    }
    let error = told(b"SSH-2.0-OpenSSH\r\n\r\n", &[]).to_string();
    assert!(error.contains("no WebSocket server") && error.ends_with(": bad first line"), "{error}");
    let long = format!("HTTP/1.1 101 Ok\r\nLocation: {}\r\n\r\n", "x".repeat(5000));
    let error = told(long.as_bytes(), &[]).to_string();
    assert!(error.contains("head_buffer"), "{error}");
    let error = told(b"", &[]);
    assert!(matches!(error, Error::Lost), "{error:?}");
}

#[test]
fn the_library_refuses_the_library() {
    let (listener, url) = listen();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (stream, _) = listener.accept().unwrap();
            let opened = accept_with(stream, &Options::DEFAULT, &[], |_| {
                Answer::respond(429, "not so fast\n".as_bytes()).field("Retry-After", "3")
            });
            assert!(opened.unwrap().is_none());
        });
        let Err(Error::Refused(refused)) = connect(&url) else { panic!("it was refused") };
        assert_eq!((refused.status, refused.body.as_slice()), (429, b"not so fast\n".as_slice()));
        assert!(refused.fields.contains(&("retry-after".into(), "3".into())));
    });
}
