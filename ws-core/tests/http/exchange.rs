//! Connections with request after request: what is read and answered, and when it ends.

use crate::cases::thin;
use crate::{at, at_every_split};
use proptest::prelude::*;
use ws_core::handshake::{OriginPolicy, server};
use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::http::{BodyError, Content, HeadError, HeadLimits, Response};
use ws_core::{Input, Output};

/// What a server saw and said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// Method, path and body of each request that was read to its end.
    asked: Vec<String>,
    pub(crate) said: String,
    /// Why it ended; `None`: it would read on.
    end: Option<Refusal>,
    /// Bytes that were not looked at.
    rest: usize,
}

/// Serves what comes in `pieces`, and then the end of the client's side if `eof` says so. Each request is answered by what
/// was asked.
pub(crate) fn serve(settings: &Settings, pieces: &[&[u8]], size: usize, eof: bool) -> Served {
    let mut store = [0xaa; 1024];
    let mut exchange = Exchange::new(&mut store, &[], settings, at(0));
    let (mut waiting, mut body, mut asked, mut said) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut end = None;
    let mut tx = vec![0; size];
    let mut out = Output::new(&mut tx);
    let mut write = |transmit: &mut dyn FnMut(&mut Output<'_>) -> bool| {
        while !transmit(&mut out) {
            assert_eq!(out.space(), 0, "an output is not full");
            said.extend_from_slice(out.filled());
            out.clear();
        }
        said.extend_from_slice(out.filled());
        out.clear();
    };
    for piece in pieces {
        waiting.extend_from_slice(piece);
        let mut input = Input::new(&mut waiting);
        end = end.or(loop {
            match exchange.receive(&mut input) {
                Ok(false) => {
                    assert!(input.is_empty(), "asks for more with input left");
                    break None;
                }
                Ok(true) => {}
                Err(refusal) => break Some(refusal),
            }
            let before = input.consumed();
            assert_eq!(exchange.receive(&mut input), Ok(true), "it stands");
            assert_eq!(input.consumed(), before, "and nothing is taken");
            match exchange.receive_body(&mut input) {
                Ok(Some(piece)) => body.extend_from_slice(piece),
                Ok(None) if !exchange.is_body_done() => {
                    assert!(input.is_empty(), "asks for more with input left");
                    break None;
                }
                Ok(None) => {
                    let request = exchange.request();
                    let text = String::from_utf8_lossy(&body);
                    asked.push(format!("{} {} {text}", request.method(), request.target().path));
                    let mut response = exchange.respond(Response::new(200, &[], &body).unwrap());
                    write(&mut |out| response.transmit(out));
                    let closes = response.closes();
                    body.clear();
                    if !exchange.next(closes, at(1)) {
                        break Some(Refusal::Over);
                    }
                    assert_eq!(exchange.request().method(), "", "a request is over with its answer");
                }
                Err(refusal) => break Some(refusal),
            }
        });
        let consumed = input.consumed();
        waiting.drain(..consumed);
    }
    if eof && end.is_none() {
        end = exchange.receive_eof().err();
    }
    if let Some(refusal) = end {
        assert_eq!(exchange.receive(&mut Input::new(&mut [b'x'])), Err(refusal), "it stands");
        assert_eq!(exchange.receive_body(&mut Input::new(&mut [b'x'])), Err(refusal), "it stands");
        assert!(!exchange.persists() && !exchange.next(false, at(2)));
        assert_eq!(exchange.poll_timeout(), None);
        if let Some(mut response) = refusal.response() {
            assert!(response.closes());
            write(&mut |out| response.transmit(out));
        }
    }
    Served { asked, said: String::from_utf8(said).unwrap(), end, rest: waiting.len() }
}

/// At every split of what comes, and every size of output.
fn serves(script: &str) -> Served {
    serves_with(&Settings::DEFAULT, script)
}

fn serves_with(settings: &Settings, script: &str) -> Served {
    let served = at_every_split(script.as_bytes(), |pieces| serve(settings, pieces, 512, false));
    for size in thin(1..80, 25) {
        assert_eq!(serve(settings, &[script.as_bytes()], size, false), served, "in outputs of {size}");
    }
    served
}

pub(crate) fn ok(connection: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{connection}Content-Length: {}\r\n\r\n{body}", body.len())
}

const CLOSE: &str = "Connection: close\r\n";
const KEEP: &str = "Connection: keep-alive\r\n";

/// A client that sends ahead is answered in order, and its bytes stay where they are until then.
#[test]
fn requests_are_answered_in_order() {
    let script = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\
                  \r\n\r\nPUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n\
                  GET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /e HTTP/1.1\r\n";
    let served = serves(script);
    assert_eq!(served.asked, ["GET /a ", "POST /b hello", "PUT /c hi", "GET /d "]);
    assert_eq!(served.said, [ok("", ""), ok("", "hello"), ok("", "hi"), ok(CLOSE, "")].concat());
    assert_eq!((served.end, served.rest), (Some(Refusal::Over), "GET /e HTTP/1.1\r\n".len()));
}

#[test]
fn a_connection_goes_on_if_the_client_wants_that() {
    for (version, connection, says) in [
        ("1.1", "", ""),
        ("1.1", "Connection: keep-alive\r\n", ""),
        ("1.1", "Connection: Upgrade\r\n", ""),
        ("1.9", "", ""),
        ("1.1", "Connection: close\r\n", CLOSE),
        ("1.1", "Connection: x, CLOSE ,y\r\n", CLOSE),
        ("1.1", "Connection: x\r\nConnection: close\r\n", CLOSE),
        ("1.1", "Connection: keep-alive, close\r\n", CLOSE),
        ("1.1", "Connection: enclosed\r\n", ""),
        ("1.0", "", CLOSE),
        ("1.0", "Connection: close\r\n", CLOSE),
        ("1.0", "Connection: Keep-Alive\r\n", KEEP),
        ("1.0", "Connection: keep-alive, close\r\n", CLOSE),
        ("1.0", "Connection: x\r\n", CLOSE),
    ] {
        let served = serves(&format!("GET / HTTP/{version}\r\nHost: h\r\n{connection}\r\n"));
        let one = match says {
            KEEP => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n".to_owned(),
            says => ok(says, ""),
        };
        assert_eq!(served.said, one, "{version} {connection:?}");
        assert_eq!(served.end.is_some(), says == CLOSE, "{version} {connection:?}");
    }
    let old = "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(serves(&old.repeat(3)).asked.len(), 3, "no Host is needed");
}

#[test]
fn the_last_request_that_is_allowed_is_told() {
    let settings = Settings { requests: 3, ..Settings::DEFAULT };
    let served = serves_with(&settings, &"GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(5));
    assert_eq!(served.said, [ok("", ""), ok("", ""), ok(CLOSE, "")].concat());
    assert_eq!((served.end, served.rest), (Some(Refusal::Over), 54));
    let hundred =
        serve(&Settings::DEFAULT, &["GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(101).as_bytes()], 512, false);
    assert_eq!((hundred.asked.len(), hundred.end), (100, Some(Refusal::Over)));
}

/// What a proxy before us might read otherwise ends the connection; what stands behind it is never looked at.
#[test]
fn what_cannot_be_told_apart_is_refused() {
    use BodyError::{BadChunk, BadCoding, BadLength, LengthRequired, TooLong, TwoFramings, UnknownCoding};
    let evil = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n";
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let scripts = [
        (post(&format!("Content-Length: 5\r\n{chunked}")), Refusal::Body(TwoFramings)),
        (post("Content-Length: 5\r\nContent-Length: 6\r\n"), Refusal::Head(HeadError::DuplicateField)),
        (post("Content-Length: 5\r\nContent-Length: 5\r\n"), Refusal::Head(HeadError::DuplicateField)),
        (post("Content-Length: +5\r\n"), Refusal::Body(BadLength)),
        (post("Content-Length: -1\r\n"), Refusal::Body(BadLength)),
        (post("Content-Length: 18446744073709551616\r\n"), Refusal::Body(TooLong)),
        (post("Content-Length: 65537\r\n"), Refusal::Body(TooLong)),
        (post("Content-Length : 5\r\n"), Refusal::Head(HeadError::BadName)),
        (post("Content-Length:\r\n 5\r\n"), Refusal::Head(HeadError::FoldedLine)),
        (post("Content-Length: 5\n"), Refusal::Head(HeadError::BareLineBreak)),
        (post("Transfer-Encoding : chunked\r\n"), Refusal::Head(HeadError::BadName)),
        (post("Transfer-Encoding:\u{b}chunked\r\n"), Refusal::Head(HeadError::ControlByte)),
        (post(&chunked.repeat(2)), Refusal::Body(BadCoding)),
        (post("Transfer-Encoding: chunked, identity\r\n"), Refusal::Body(BadCoding)),
        (post("Transfer-Encoding: gzip, chunked\r\n"), Refusal::Body(UnknownCoding)),
        (post(&format!("{chunked}\r\n+5\r\nhello")), Refusal::Body(BadChunk)),
        (post(&format!("{chunked}\r\n5\r\nhello\n")), Refusal::Body(BadChunk)),
        (post(&format!("{chunked}\r\n10001\r\n")), Refusal::Body(TooLong)),
        (format!("POST / HTTP/1.0\r\n{chunked}\r\n"), Refusal::Body(BadCoding)),
        ("POST / HTTP/1.0\r\n\r\n".into(), Refusal::Body(LengthRequired)),
        ("GET / HTTP/1.1\r\n\r\n".into(), Refusal::NoHost),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".into(), Refusal::NoHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into(), Refusal::Head(HeadError::DuplicateField)),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n".into(), Refusal::Head(HeadError::BadVersion)),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), Refusal::Head(HeadError::BadVersion)),
        ("\x16\x03\x01\x02\0".into(), Refusal::Head(HeadError::ControlByte)),
        (post("Expect: 200-ok\r\n"), Refusal::Expectation),
        (post("Expect: 100-continue, x\r\n"), Refusal::Expectation),
    ];
    for (script, refusal) in thin(scripts, 1) {
        let served = serves(&format!("{script}{evil}"));
        assert_eq!((served.asked.len(), served.end), (0, Some(refusal)), "{script:?}");
        let line = format!("HTTP/1.1 {} ", refusal.status().unwrap());
        assert!(served.said.starts_with(&line), "{script:?}: {}", served.said);
        assert!(
            served.said.contains(CLOSE) && served.said.ends_with(&format!("\r\n\r\n{}", refusal.reason()))
        );
        assert!(!served.said.contains("evil"), "nothing is reflected");
        // The same behind a request that is answered.
        let served =
            serve(&Settings::DEFAULT, &[format!("{}{script}{evil}", post("")).as_bytes()], 512, false);
        assert_eq!((served.asked.len(), served.end), (1, Some(refusal)), "{script:?}");
    }
}

#[test]
fn limits_count_anew_for_each_request() {
    let settings = Settings { head: HeadLimits { bytes: 200, fields: 4 }, body: 8, ..Settings::DEFAULT };
    let fit = "POST / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\nContent-Length: 8\r\n\r\n12345678";
    assert_eq!(serves_with(&settings, &fit.repeat(4)).asked.len(), 4);
    for (bad, refusal) in [
        (fit.replace("C: d", "C: d\r\nE: f"), Refusal::Head(HeadError::ManyFields)),
        (fit.replace("C: d", &"x".repeat(200)), Refusal::Head(HeadError::LongHead)),
        (fit.replace("/ ", &format!("/{} ", "x".repeat(200))), Refusal::Head(HeadError::LongLine)),
        (fit.replace(": 8", ": 9"), Refusal::Body(BodyError::TooLong)),
        (fit.replace("Content-Length: 8", "Transfer-Encoding: chunked"), Refusal::Body(BodyError::TooLong)),
    ] {
        let bad = bad.replace("\r\n\r\n12345678", "\r\n\r\n9\r\n123456789");
        let served = serve(&settings, &[format!("{fit}{bad}").as_bytes()], 512, false);
        assert_eq!((served.asked.len(), served.end), (1, Some(refusal)), "{bad}");
    }
}

#[test]
fn a_client_may_end_its_side() {
    let eof = |script: &str| {
        let served = at_every_split(script.as_bytes(), |p| serve(&Settings::DEFAULT, p, 512, true));
        (served.asked.len(), served.end)
    };
    let post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(eof(""), (0, Some(Refusal::Over)));
    assert_eq!(eof(post), (1, Some(Refusal::Over)));
    assert_eq!(eof(&post[..20]), (0, Some(Refusal::Over)));
    assert_eq!(eof(&post[..post.len() - 1]), (0, Some(Refusal::Body(BodyError::Incomplete))));
    // While it waits for an answer, that is none.
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    let mut bytes = *b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(exchange.receive(&mut Input::new(&mut bytes)), Ok(true));
    assert_eq!(exchange.receive_eof(), Ok(()));
    assert!(exchange.persists() && exchange.next(false, at(0)));
    assert_eq!(exchange.receive_eof(), Err(Refusal::Over));
}

#[test]
fn what_was_refused_stays_so_and_only_what_has_not_begun_waits() {
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    assert!(exchange.is_waiting());
    let feed =
        |exchange: &mut Exchange<'_>, bytes: &[u8]| exchange.receive(&mut Input::new(&mut bytes.to_vec()));
    assert_eq!(feed(&mut exchange, b"\r\n"), Ok(false));
    assert!(exchange.is_waiting(), "an empty line in front is nothing");
    assert_eq!(feed(&mut exchange, b"G"), Ok(false));
    assert!(!exchange.is_waiting());
    assert_eq!(feed(&mut exchange, b"ET / HTTP/1.1\r\nHost: h\r\n\r\n"), Ok(true));
    assert!(!exchange.is_waiting() && exchange.next(false, at(0)) && exchange.is_waiting());
    let refusal = Refusal::Head(HeadError::BadLine);
    assert_eq!(feed(&mut exchange, b"?\r\n"), Err(refusal));
    assert!(!exchange.is_waiting());
    assert_eq!(feed(&mut exchange, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"), Err(refusal));
    assert_eq!(exchange.limit_body(1), Err(refusal));
    assert_eq!(exchange.receive_body(&mut Input::new(&mut [b'x'])), Err(refusal));
    assert_eq!(exchange.receive_eof(), Err(refusal));
}

/// A body that nobody read is not taken for a request.
#[test]
fn an_unread_body_ends_the_connection() {
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    let mut bytes =
        *b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 27\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut input = Input::new(&mut bytes);
    assert_eq!(exchange.receive(&mut input), Ok(true));
    assert!(!exchange.is_body_done() && !exchange.persists());
    let response = exchange.respond(Response::new(404, &[], b"").unwrap());
    assert!(response.closes());
    assert!(!exchange.next(response.closes(), at(0)));
    assert!(!exchange.next(false, at(0)), "nor if that is claimed");
    assert_eq!(exchange.receive(&mut input), Err(Refusal::Over));
}

#[test]
fn a_route_may_allow_less() {
    let new = |fields: &str, limit: u64, body: &str| {
        let mut store = [0; 256];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
        let mut bytes = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n{body}").into_bytes();
        let mut input = Input::new(&mut bytes);
        assert_eq!(exchange.receive(&mut input), Ok(true));
        exchange.limit_body(limit)?;
        while exchange.receive_body(&mut input)?.is_some() {}
        Ok(exchange.is_body_done())
    };
    let long = Err(Refusal::Body(BodyError::TooLong));
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    assert_eq!(new(length, 5, "hello"), Ok(true));
    assert_eq!(new(length, 4, ""), long, "at once");
    assert_eq!(new(chunked, 5, "5\r\nhello\r\n0\r\n\r\n"), Ok(true));
    assert_eq!(new(chunked, 5, "5\r\nhello\r\n1\r\n"), long);
    assert_eq!(new(chunked, u64::MAX, "10001\r\n"), long, "it can only be less");
    assert_eq!(new("", 0, ""), Ok(true));
}

/// A name that is longer than any that is asked for takes no room.
#[test]
fn a_name_may_be_longer_than_the_store() {
    let mut store = [0; 96];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    let head = format!("GET / HTTP/1.1\r\nHost: h\r\nX-{}: b\r\n\r\n", "a".repeat(200));
    assert_eq!(exchange.receive(&mut Input::new(&mut head.into_bytes())), Ok(true));
    assert_eq!(exchange.request().host(), Some("h"));
}

#[test]
fn it_waits_until_the_first_byte_of_a_request() {
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    assert!(exchange.is_waiting());
    assert_eq!(exchange.receive(&mut Input::new(&mut b"\r\n".to_vec())), Ok(false));
    assert!(exchange.is_waiting(), "an empty line in front of a request is nothing of it");
    assert_eq!(exchange.receive(&mut Input::new(&mut b"G".to_vec())), Ok(false));
    assert!(!exchange.is_waiting());
}

#[test]
fn what_was_refused_stays_so_whatever_a_route_allows() {
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    let refused = exchange.receive(&mut Input::new(&mut b"no request\r\n\r\n".to_vec())).map(|_| ());
    assert!(refused.is_err());
    assert_eq!(exchange.limit_body(u64::MAX), refused);
}

#[test]
fn head_gets_heads() {
    let mut store = [0; 256];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    let mut bytes = *b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(exchange.receive(&mut Input::new(&mut bytes)), Ok(true));
    const PAGE: Content<'_> = Content::plain("text/plain", "\"1\"", b"hello");
    for response in [PAGE.response(&exchange.request()), Response::new(200, &[], b"hello").unwrap()] {
        let mut response = exchange.respond(response);
        let text = crate::written(512, |out| response.transmit(out));
        assert!(text.ends_with(b"\r\n\r\n") && !response.closes());
    }
    let stream = exchange.stream(206, &[]).unwrap();
    assert!(!stream.closes() && stream.status() == 206);
    // A server may write a body as if there were one.
    let (mut chunks, mut buf) = (stream.chunks(), [0; 64]);
    let mut out = Output::new(&mut buf);
    assert_eq!(chunks.send(&mut &b"unsent"[..], &mut out), Ok(true));
    assert_eq!(chunks.write(&mut out, &mut |_| unreachable!("it is not asked for")), Ok(true));
    assert!(chunks.finish(&mut out) && out.is_empty());
    // Nor is there a word on why it is refused, once it is known to be one.
    for (fields, status) in
        [("", 400), ("Host: h\r\nExpect: x\r\n", 417), ("Host: h\r\nContent-Length: 99999\r\n", 413)]
    {
        for method in ["HEAD", "GET"] {
            let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
            let mut bytes = format!("{method} / HTTP/1.1\r\n{fields}\r\n").into_bytes();
            let refusal = exchange.receive(&mut Input::new(&mut bytes)).unwrap_err();
            let mut response = exchange.refuse(refusal).unwrap();
            let text = crate::written(512, |out| response.transmit(out));
            assert_eq!((response.status(), response.closes()), (status, true));
            assert_eq!(text.ends_with(b"\r\n\r\n"), method == "HEAD");
        }
    }
}

#[test]
fn streams_end_as_the_client_can_tell() {
    for (line, chunked, closes) in [
        ("GET / HTTP/1.1\r\n", true, false),
        ("GET / HTTP/1.1\r\nConnection: close\r\n", true, true),
        ("GET / HTTP/1.0\r\n", false, true),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n", false, true),
    ] {
        let mut store = [0; 256];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
        let mut bytes = format!("{line}Host: h\r\n\r\n").into_bytes();
        assert_eq!(exchange.receive(&mut Input::new(&mut bytes)), Ok(true));
        let mut stream = exchange.stream(200, &[("A", "b")]).unwrap();
        assert_eq!(stream.closes(), closes, "{line}");
        let head = String::from_utf8(crate::written(99, |out| stream.transmit(out))).unwrap();
        assert_eq!(head.contains("chunked"), chunked, "{line}");
        assert_eq!(head.contains("Connection: close"), closes, "{line}");
        assert_eq!(exchange.next(stream.closes(), at(0)), !closes, "{line}");
    }
}

/// A WebSocket may be asked for on a connection that served pages before.
#[test]
fn a_websocket_is_one_of_the_answers() {
    let mut bytes = *b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /ws HTTP/1.1\r\nHost: h\r\nOrigin: http://h\r\nUpgrade: websocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n\x81\x80";
    let mut store = [0; 512];
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
    let mut input = Input::new(&mut bytes);
    assert_eq!(exchange.receive(&mut input), Ok(true));
    let refused = server::accept(exchange.request(), OriginPolicy::SameOrigin).err();
    assert_eq!(refused, Some(server::Refusal::NoUpgrade));
    assert!(exchange.next(false, at(0)));
    assert_eq!(exchange.receive(&mut input), Ok(true));
    assert_eq!(exchange.receive_body(&mut input), Ok(None));
    let request = exchange.request();
    assert!(request.is_upgrade() && exchange.persists());
    let other = OriginPolicy::List(&["http://other"]);
    assert_eq!(server::accept(request, other).err(), Some(server::Refusal::Origin));
    let accept = server::accept(request, OriginPolicy::SameOrigin).unwrap();
    let mut accept = accept.subprotocol("chat").unwrap();
    let answer = String::from_utf8(crate::written(100, |out| accept.transmit(out))).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(request.extensions().collect::<Vec<_>>(), ["permessage-deflate"]);
    assert_eq!(input.rest(), b"\x81\x80", "belongs to the WebSocket");
}

proptest! {
    #![proptest_config(crate::cases::cases(300))]

    /// Whatever comes, cut in any way: the same is seen and said, and it is never stuck.
    #[test]
    fn anything_reads_the_same_however_it_is_cut(
        parts in prop::collection::vec(prop::sample::select(&[
            "GET / HTTP/1.1\r\n", "POST /p HTTP/1.1\r\n", "GET / HTTP/1.0\r\n", "Host: h\r\n", "Connection: close\r\n",
            "Connection: keep-alive\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "\r\n", "abc",
            "3\r\nabc\r\n", "0\r\n\r\n", "\n", "\r", " ", "\0",
        ][..]), 0..24),
        cuts in prop::collection::vec(1..40usize, 1..6),
        size in 1..100usize,
    ) {
        let script = parts.concat().into_bytes();
        let (mut left, mut pieces) = (&script[..], Vec::new());
        for cut in cuts.iter().cycle() {
            let (piece, tail) = left.split_at(left.len().min(*cut));
            pieces.push(piece);
            left = tail;
            if left.is_empty() {
                break;
            }
        }
        let whole = serve(&Settings::DEFAULT, &[&script], 512, true);
        prop_assert_eq!(serve(&Settings::DEFAULT, &pieces, size, true), whole);
    }
}
