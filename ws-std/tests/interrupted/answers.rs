//! A server that answers without opening: the response arrives whole, and what the client still sends is taken, so that
//! closing does not take the response back.

use crate::common::REQUEST;
use crate::common::script::{Plan, Script};
use crate::{OPTIONS, everywhere};
use ws_std::ws_core::handshake::server::Refusal;
use ws_std::{Answer, Error, OriginPolicy, UsageError, accept_with};

/// Longer than any buffer.
const PAGE: [u8; 600] = [b'p'; 600];

/// What the client goes on sending.
const MORE: [u8; 450] = [b'm'; 450];

/// What came of a request, beside the response.
#[derive(Debug, PartialEq)]
enum Came {
    Answered,
    Refused(Refusal),
    Unusable(UsageError),
}

#[test]
fn an_answer_arrives_whole() {
    let page = String::from_utf8(PAGE.to_vec()).unwrap();
    for (request, status, body) in [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "200 OK", page.as_str()),
        ("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "200 OK", ""),
        ("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n", "404 Not Found", "nothing here\n"),
        ("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", "204 No Content", ""),
    ] {
        check(request, &Came::Answered, status, body);
    }
}

#[test]
fn a_refusal_arrives_whole() {
    let good = std::str::from_utf8(REQUEST).unwrap();
    let told = |refusal: Refusal, request: &str, status| {
        check(request, &Came::Refused(refusal), status, &refusal.to_string());
    };
    let foreign = good.replace("Host: h\r\n", "Host: h\r\nOrigin: http://elsewhere\r\n");
    told(Refusal::Origin, &foreign, "403 Forbidden");
    let old = good.replace("Version: 13", "Version: 8");
    told(Refusal::WebSocketVersion, &old, "426 Upgrade Required");
    let malformed = good.replace("Host: h\r\n", "Host: h\r\nno field\r\n");
    let (came, _) = everywhere(&malformed, |plan| serve(malformed.as_bytes(), plan));
    assert!(matches!(came, (Came::Refused(Refusal::Head(_)), ..)), "{came:?}");
    assert!(came.1.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{came:?}");
}

#[test]
fn an_answer_that_cannot_be_given_is_an_error_that_arrives_whole() {
    let request = "GET /broken HTTP/1.1\r\nHost: h\r\n\r\n";
    let ((came, response), _) = everywhere(request, |plan| serve(request.as_bytes(), plan));
    assert!(matches!(came, Came::Unusable(_)), "{came:?}");
    assert!(response.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{response}");
}

fn check(request: &str, expected: &Came, status: &str, body: &str) {
    let ((came, response), _) = everywhere(request, |plan| serve(request.as_bytes(), plan));
    assert_eq!(came, *expected, "{request}");
    let (head, rest) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
    assert_eq!(rest, body, "{request}");
}

/// What came of it, and the response.
fn serve(request: &[u8], plan: Plan) -> ((Came, String), Script) {
    let script = Script::new(plan, [request, &MORE].concat());
    let opened = accept_with(script.clone(), &OPTIONS, &[], |request| match request.target().path {
        "/" => Answer::page("text/html", &PAGE),
        "/nothing" => Answer::respond(204, b""),
        "/broken" => Answer::page("text/html\r\nX: y", b""),
        "/chat" => Answer::accept(OriginPolicy::SameOrigin),
        _ => Answer::respond(404, b"nothing here\n"),
    });
    let came = match opened {
        Ok(None) => Came::Answered,
        Err(Error::Refusal(refusal)) => Came::Refused(refusal),
        Err(Error::Usage(error)) => Came::Unusable(error),
        other => panic!("{plan:?}: {other:?}"),
    };
    let response = String::from_utf8(script.output()).unwrap();
    assert_eq!(script.shutdowns(), 1, "{plan:?}");
    assert!(script.is_drained(), "{plan:?}");
    ((came, response), script)
}
