//! One request after the other on a connection: in order, with and without bodies, from clients old and new.

use super::host::{Host, hasty};
use super::raw::{Raw, has_status, length};
use std::net::Shutdown;

#[test]
fn requests_are_answered_on_one_connection_in_order() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    for _ in 0..3 {
        raw.ask("GET /page", "", "");
        let (head, body) = raw.response();
        has_status(&head, 200);
        assert_eq!(body, "<h1>hello</h1>");
        raw.ask("POST /note", "", "a note");
        assert_eq!(raw.response().1, "a note");
    }
    // All at once, and each byte of the answers in its turn.
    let get = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post = "POST /note HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let parts = "GET /parts HTTP/1.1\r\nHost: localhost\r\n\r\n";
    raw.write([get, post, parts, post, get].concat().as_bytes());
    let bodies: Vec<_> = (0..5).map(|_| raw.response().1).collect();
    assert_eq!(bodies, ["<h1>hello</h1>", "abcde", "one two three", "abcde", "<h1>hello</h1>"]);
    raw.ask("GET /page", "Connection: close\r\n", "");
    let rest = raw.rest();
    assert!(rest.contains("\r\nConnection: close\r\n") && rest.ends_with("<h1>hello</h1>"), "{rest}");
    assert!(host.ended().0.is_ok());
}

#[test]
fn a_client_of_http_1_0_is_served() {
    let host = Host::start();
    let mut raw = Raw::asking(&host, "GET /page HTTP/1.0\r\n\r\n");
    assert!(raw.rest().starts_with("HTTP/1.1 421 "), "it does not say which host it means");
    let mut raw =
        Raw::asking(&host, "GET /page HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
    let (head, _) = raw.response();
    assert!(head.contains("\r\nConnection: keep-alive\r\n"), "{head}");
    raw.write(b"GET /parts HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let rest = raw.rest();
    assert!(rest.ends_with("\r\n\r\none two three") && !rest.contains("chunked"), "{rest}");
}

#[test]
fn who_waits_for_100_gets_it_where_the_body_is_read() {
    let host = Host::start();
    let expect = "Expect: 100-continue\r\nContent-Length: 4\r\n";
    let mut raw = Raw::connect(&host);
    raw.ask("POST /note", expect, "");
    assert_eq!(raw.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    raw.write(b"note");
    let (head, body) = raw.response();
    has_status(&head, 200);
    assert_eq!(body, "note");
    // Where it is not read, the answer comes at once, and the connection ends, as nobody knows whether the body comes.
    raw.ask("POST /blind", expect, "");
    let rest = raw.rest();
    assert!(rest.starts_with("HTTP/1.1 200 ") && rest.contains("Connection: close"), "{rest}");
    let mut raw = Raw::connect(&host);
    raw.ask("POST /note", "Expect: 100-continue\r\nContent-Length: 60001\r\n", "");
    has_status(&raw.rest(), 413);
    let mut raw = Raw::connect(&host);
    raw.ask("POST /note", "Expect: coffee\r\n", "x");
    has_status(&raw.rest(), 417);
}

#[test]
fn a_head_is_the_same_without_its_body() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    for (path, has_length) in
        [("/page", true), ("/parts", false), ("/events?as=sse", false), ("/large", true)]
    {
        raw.ask(&format!("HEAD {path}"), "", "");
        let head = raw.head();
        has_status(&head, 200);
        assert_eq!(length(&head).is_some(), has_length, "{head}");
    }
    raw.ask("GET /page", "", "");
    assert_eq!(raw.response().1, "<h1>hello</h1>");
}

#[test]
fn what_lies_ready_is_not_sent_to_who_has_it() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /page", "If-None-Match: \"1\"\r\n", "");
    has_status(&raw.head(), 304);
    raw.ask("GET /page", "", "");
    has_status(&raw.response().0, 200);
}

#[test]
fn refusals_have_their_status_and_arrive_whole() {
    let host = Host::start();
    let long = "x".repeat(20_000);
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/2.0\r\nHost: localhost\r\n\r\n".to_owned(), 505),
        (format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {long}\r\n\r\n"), 431),
        ("POST /note HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60001\r\n\r\n".to_owned() + &long, 413),
        ("POST /note HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n".to_owned(), 400),
        (
            "POST /note HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n".to_owned(),
            400,
        ),
    ] {
        let mut raw = Raw::asking(&host, &request);
        let rest = raw.rest();
        has_status(&rest, status);
        let (head, body) = rest.split_once("\r\n\r\n").unwrap();
        assert_eq!(length(&format!("{head}\r\n")), Some(body.len()), "{rest}");
    }
}

#[test]
fn a_foreign_host_is_refused_before_anything_else() {
    let host = Host::start();
    for target in ["/page", "/events?as=sse", "/events?s=", "http://evil.example/page"] {
        let name = if target.starts_with('/') { "evil.example" } else { "localhost" };
        let mut raw = Raw::asking(&host, &format!("GET {target} HTTP/1.1\r\nHost: {name}\r\n\r\n"));
        let rest = raw.rest();
        has_status(&rest, 421);
        assert!(rest.contains("\r\nConnection: close\r\n"), "{rest}");
    }
    assert_eq!(host.push.with(|hub| hub.sessions().keys().count()), 0);
}

#[test]
fn an_application_that_errs_harms_nobody() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /silent", "", "");
    has_status(&raw.response().0, 500);
    let mut raw = Raw::connect(&host);
    raw.ask("GET /bad", "", "");
    has_status(&raw.response().0, 500);
    let mut raw = Raw::connect(&host);
    raw.ask("GET /cut", "", "");
    let rest = raw.rest();
    assert!(rest.contains("chunked") && rest.ends_with("one\r\n"), "no last chunk: {rest}");
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answers() {
    let host = Host::start();
    let get = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut raw = Raw::asking(&host, &[get, get].concat());
    raw.stream.shutdown(Shutdown::Write).unwrap();
    let rest = raw.rest();
    assert_eq!(rest.matches("<h1>hello</h1>").count(), 2, "{rest}");
    assert!(host.ended().0.is_ok());
}

#[test]
fn an_idle_connection_is_let_go_without_a_word() {
    let host = Host::with(hasty(100));
    let mut raw = Raw::connect(&host);
    raw.ask("GET /page", "", "");
    raw.response();
    assert_eq!(raw.rest(), "");
    assert!(host.ended().0.is_ok());
}
