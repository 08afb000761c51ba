//! Each response of the corpus gives what its index says, however it is cut.

use crate::cases::thin;
use crate::corpus::{Case, cases};
use crate::{SAMPLE_KEY, START, SampleNonce, written};
use ws_core::Input;
use ws_core::handshake::client::{Error, Handshake, Request};

/// What a response gave.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    outcome: Result<Option<String>, Error>,
    status: u16,
    location: Option<String>,
    authenticate: Option<String>,
    rest: Vec<u8>,
}

const REQUEST: Request<'static> =
    Request { subprotocols: &["chat", "superchat"], ..Request::new("example.com", "/chat") };

fn give<'c>(pieces: impl Iterator<Item = &'c [u8]>) -> Given {
    let mut store = [0xaa; 4096];
    let mut handshake = Handshake::new(REQUEST, &mut SampleNonce, &mut store, &[], START).expect("a request");
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
                assert_eq!(handshake.response().status(), 0, "half a response was handed out");
                assert_eq!(handshake.response().fields().count(), 0, "half a response was handed out");
                assert_eq!(handshake.protocol(), None);
            }
            buf.fill(0xee);
        } else {
            rest.extend_from_slice(piece);
        }
    }
    assert_ne!(read, Ok(false), "the head has no end");
    assert_eq!(handshake.receive(&mut Input::new(&mut [b'x'])), read, "the outcome stands");
    assert_eq!(handshake.poll_timeout(), None, "a timer runs behind the outcome");
    let response = handshake.response();
    Given {
        outcome: read.map(|_| handshake.protocol().map(String::from)),
        status: response.status(),
        location: response.field("location").map(String::from),
        authenticate: response.field("www-authenticate").map(String::from),
        rest,
    }
}

fn judge(case: &Case, given: &Given) {
    let name = &case.name;
    let (verdict, _) = case.verdict();
    case.only(1, &["protocol", "rest", "location", "www-authenticate"]);
    if verdict == "open" {
        assert_eq!(given.outcome, Ok(case.value("protocol")), "{name}");
        assert_eq!(given.status, 101, "{name}");
    } else {
        let error = given.outcome.as_ref().expect_err(name);
        assert_eq!(format!("{error:?}").replace(' ', ""), verdict, "{name}");
        assert_ne!(error.to_string(), "");
        assert!(!matches!(error, Error::Refused { status } if *status != given.status), "{name}");
    }
    // Behind a head that was not kept whole, nobody knows what is left.
    let is_whole = !matches!(given.outcome, Err(Error::Head(_))) && name != "size-long-location";
    if is_whole {
        assert_eq!(given.rest.len(), case.number("rest"), "{name}: bytes behind the head");
        assert_eq!(given.location, case.value("location"), "{name}");
        let begins = |given: &str| given.starts_with(&case.value("www-authenticate").unwrap_or("?".into()));
        assert!(given.authenticate.as_deref().is_none_or(begins), "{name}");
        assert_eq!(given.authenticate.is_some(), case.value("www-authenticate").is_some(), "{name}");
    }
    assert!(case.bytes.ends_with(&given.rest), "{name}: the rest is not the end of the input");
}

#[test]
fn each_response_gives_what_the_index_says() {
    let cases = cases("responses");
    assert!(cfg!(miri) || cases.len() > 100, "the corpus is not whole");
    for case in cases {
        judge(&case, &give([&case.bytes[..]].into_iter()));
    }
}

#[test]
fn each_response_gives_the_same_however_it_is_cut() {
    for case in thin(cases("responses"), 20) {
        let expected = give([&case.bytes[..]].into_iter());
        let used = case.bytes.len() - expected.rest.len();
        for cut in case.cuts(used) {
            let (first, second) = case.bytes.split_at(cut);
            assert_eq!(give([first, second].into_iter()), expected, "{}, cut at {cut}", case.name);
        }
        assert_eq!(give(case.bytes.chunks(1)), expected, "{}, byte by byte", case.name);
        let with_empty_reads = case.bytes.chunks(5).flat_map(|piece| [&[][..], piece]);
        assert_eq!(give(with_empty_reads), expected, "{}", case.name);
    }
}

/// RFC 9112 4: it may be empty, and is for people alone.
#[test]
fn the_phrase_behind_a_status_is_what_the_server_says() {
    for (line, phrase) in [
        ("HTTP/1.1 404 Not Found", "Not Found"),
        ("HTTP/1.1 404 ", ""),
        ("HTTP/1.1 404 gone  fishing", "gone  fishing"),
        ("HTTP/1.1 404 caf\u{e9}", "caf??"),
    ] {
        let mut store = [0; 256];
        let mut handshake =
            Handshake::new(REQUEST, &mut SampleNonce, &mut store, &[], START).expect("a request");
        assert_eq!(handshake.response().reason(), "", "nothing has come");
        let mut bytes = format!("{line}\r\n\r\n").into_bytes();
        assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Err(Error::Refused { status: 404 }));
        assert_eq!(handshake.response().reason(), phrase);
    }
}

/// RFC 6455 4.1: what a request must hold, each once.
#[test]
fn a_request_is_the_same_in_outputs_of_any_size() {
    let request = Request {
        origin: Some("http://example.com"),
        fields: &[("Authorization", "Bearer a.b"), ("Cookie", "a=b; c=\u{e9}")],
        ..REQUEST
    };
    let expected = format!(
        "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {SAMPLE_KEY}\r\nOrigin: http://example.com\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\nAuthorization: Bearer a.b\r\nCookie: a=b; c=\u{e9}\r\n\r\n"
    );
    for size in thin(1..=expected.len() + 1, 10) {
        let mut store = [0; 64];
        let mut handshake =
            Handshake::new(request, &mut SampleNonce, &mut store, &[], START).expect("a request");
        let bytes = written(size, |out| handshake.transmit(out));
        assert_eq!(String::from_utf8(bytes).expect("text"), expected, "{size} bytes");
        let mut again = [0; 8];
        let mut out = ws_core::Output::new(&mut again);
        assert!(handshake.transmit(&mut out) && out.is_empty(), "a request is sent once");
    }
}

#[test]
fn a_refusal_tells_its_phrase() {
    for (line, reason) in
        [("HTTP/1.1 403 Not for you", "Not for you"), ("HTTP/1.1 403 ", ""), ("HTTP/1.1 403", "")]
    {
        let mut store = [0; 512];
        let mut handshake =
            Handshake::new(REQUEST, &mut SampleNonce, &mut store, &[], START).expect("a request");
        assert_eq!(handshake.response().reason(), "", "before it was read");
        let mut bytes = format!("{line}\r\n\r\n").into_bytes();
        handshake.receive(&mut Input::new(&mut bytes)).expect_err("it is no 101");
        assert_eq!(handshake.response().reason(), reason);
    }
}
