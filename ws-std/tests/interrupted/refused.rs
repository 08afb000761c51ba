//! A client that is refused: status, fields and body are the same, however the response comes.

use crate::common::script::{Plan, Script};
use crate::{OPTIONS, everywhere};
use ws_std::client::handshake;
use ws_std::ws_core::handshake::client::Request;
use ws_std::{Connect, Error, Refused};

const BODY: &str = "you are not on the list, and this is why: it is full";

#[test]
fn a_body_of_known_length() {
    let response =
        format!("HTTP/1.1 403 Forbidden\r\nX-Why: full\r\nContent-Length: 52\r\n\r\n{BODY}trailing");
    let fields = [("x-why", "full"), ("content-length", "52")];
    check(&response, &fields, BODY);
}

#[test]
fn a_body_in_chunks() {
    let (a, b) = BODY.split_at(26);
    let response = format!(
        "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nX-Why: full\r\n\r\n\
        1a;x=y\r\n{a}\r\n1A\r\n{b}\r\n0\r\nTrailer: t\r\n\r\n"
    );
    check(&response, &[("x-why", "full")], BODY);
}

#[test]
fn a_body_up_to_the_end_of_the_stream() {
    let response = format!("HTTP/1.0 403 Forbidden\r\nX-Why: full\r\n\r\n{BODY}");
    check(&response, &[("x-why", "full")], BODY);
}

/// It is cut to the buffer, wherever the reads cut it.
#[test]
fn a_body_longer_than_the_buffer() {
    let long = "b".repeat(450);
    for (field, body) in [
        ("Content-Length: 450", long.clone()),
        (
            "Transfer-Encoding: chunked",
            format!("c0\r\n{}\r\n102\r\n{}\r\n0\r\n\r\n", &long[..192], &long[192..]),
        ),
    ] {
        let response = format!("HTTP/1.1 403 Forbidden\r\nX-Why: full\r\n{field}\r\n\r\n{body}");
        let with_length = [("x-why", "full"), ("content-length", "450")];
        let fields = if field.starts_with("Content") { &with_length[..] } else { &with_length[..1] };
        check(&response, fields, &long[..OPTIONS.read_buffer]);
    }
}

fn check(response: &str, fields: &[(&str, &str)], body: &str) {
    let (refused, _) = everywhere(response, |plan| over(response, plan));
    let fields = fields.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let expected = Refused { status: 403, fields: fields.collect(), body: body.into() };
    assert_eq!(refused, expected);
    // The same by hand, without further fields.
    let (refused, _) = everywhere(response, |plan| by_hand(response, plan));
    let fields = expected.fields.into_iter().filter(|(name, _)| name != "x-why");
    assert_eq!(refused, Refused { fields: fields.collect(), ..expected });
}

fn over(response: &str, plan: Plan) -> (Refused, Script) {
    let script = Script::answering(plan, response.into());
    let opened = Connect::new("ws://h/chat").further(&["x-why"]).options(OPTIONS).over(script.clone());
    (refused(opened, plan), script)
}

fn by_hand(response: &str, plan: Plan) -> (Refused, Script) {
    let script = Script::answering(plan, response.into());
    let request = Request::new("h", "/chat");
    (refused(handshake(script.clone(), request, &OPTIONS), plan), script)
}

fn refused<T>(opened: Result<T, Error>, plan: Plan) -> Refused {
    match opened {
        Err(Error::Refused(refused)) => *refused,
        Err(error) => panic!("{plan:?}: {error}"),
        Ok(_) => panic!("{plan:?}: it opened"),
    }
}
