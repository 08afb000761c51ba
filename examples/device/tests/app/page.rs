//! The page: compressed, with a policy that lets it do what it does and nothing else; and who does not get it.

use std::io::Read;

use base64ct::{Base64, Encoding};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::Bench;
use crate::common::frames;

/// The head and the body of the answer to a request.
fn ask(request: &str) -> (String, Vec<u8>) {
    let bench = Bench::new(1);
    let answer = bench.net.run(async {
        let mut peer = bench.connect().await;
        peer.write_all(request).await.unwrap();
        let head = peer.read_head().await.unwrap();
        let body = peer.read_to_end().await.unwrap();
        peer.close().await.unwrap();
        (head, body)
    });
    assert_eq!(bench.net.sent(&bench.host).rst, 0);
    answer
}

fn page(path: &str) -> (String, String) {
    let (head, body) = ask(&format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n"));
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(frames::header(&head, "Content-Encoding"), Some("gzip"));
    assert_eq!(frames::header(&head, "Content-Length"), Some(body.len().to_string().as_str()));
    let mut page = String::new();
    GzDecoder::new(&body[..]).read_to_string(&mut page).expect("whole, and text");
    (head, page)
}

/// What is between `from` and `to`.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

#[test]
fn the_page_is_one_file_that_loads_nothing_else() {
    let (head, page) = page("/");
    assert_eq!(frames::header(&head, "Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(frames::header(&head, "X-Content-Type-Options"), Some("nosniff"));
    let start = page.trim_start().to_ascii_lowercase();
    assert!(start.starts_with("<!doctype html>"), "{start:.40}");
    assert!(!page.contains("src=") && !page.contains("@import"));
    assert!(page.contains("/live") && page.contains("live.v1") && page.contains("/echo"));
}

#[test]
fn the_policy_allows_the_style_and_the_script_that_are_in_the_page() {
    for (path, script) in [("/", "<script>"), ("/transports", "<script type=\"module\">")] {
        let (head, page) = page(path);
        let policy = frames::header(&head, "Content-Security-Policy").expect("a policy");
        for (directive, begin, end) in
            [("style-src", "<style>", "</style>"), ("script-src", script, "</script>")]
        {
            let hash = Base64::encode_string(&Sha256::digest(between(&page, begin, end)));
            assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{policy}");
            assert_eq!(page.matches(begin).count(), 1, "{path}: {begin}");
        }
        for rule in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn the_page_of_transports_needs_the_client_and_nothing_else() {
    let (_, page) = page("/transports");
    let loaded: Vec<_> = page.split("src=\"").skip(1).map(|rest| rest.split('"').next()).collect();
    assert_eq!(loaded, [Some("/push.js")]);
    assert!(!page.contains("stylesheet") && !page.contains("import "));
    let (head, body) = ask("GET /push.js HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n");
    let mut client = String::new();
    GzDecoder::new(&body[..]).read_to_string(&mut client).expect("whole, and text");
    assert!(client.contains("class PushSocket extends EventTarget"));
    let etag = frames::header(&head, "ETag").expect("a tag");
    let again = format!("GET /push.js HTTP/1.1\r\nHost: 10.0.0.2\r\nIf-None-Match: {etag}\r\n\r\n");
    let (head, body) = ask(&again);
    assert_eq!((&head[9..12], body.len()), ("304", 0));
}

#[test]
fn each_page_has_one_path() {
    for (request, status) in [
        ("GET /index.html HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", "404"),
        ("GET /favicon.ico HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", "404"),
        ("GET /transports.html HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", "404"),
        ("POST / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", "405"),
        ("GET /live HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", "426"),
        ("GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"),
    ] {
        let (head, _) = ask(request);
        assert_eq!(&head[9..12], status, "{request}");
    }
}

#[test]
fn the_head_alone_is_that_of_the_page() {
    let (head, _) = page("/");
    assert_eq!(ask("HEAD / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n"), (head, Vec::new()));
}

#[test]
fn pages_of_strangers_open_no_websocket() {
    for path in ["/live", "/echo"] {
        let (head, _) = ask(&frames::request("10.0.0.2", path, "Origin: http://evil.example\r\n"));
        assert_eq!(&head[9..12], "403");
        let (head, _) = ask(&frames::request("evil.example", path, "Origin: http://evil.example\r\n"));
        assert_eq!(&head[9..12], "403");
    }
}
