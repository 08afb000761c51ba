//! Heads at, below and above each limit, in stores of any size; and that the work is linear: each byte is taken once, in
//! the call that brings it, and is not kept unless somebody wants it.

use crate::cases::{few, thin};
use crate::{SAMPLE_KEY, START, SampleNonce, written};
use ws_core::Input;
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::client;
use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::http::{HeadError, HeadLimits};

const LINE: &str = "GET /chat?room=1 HTTP/1.1\r\n";

/// A request with `extra` lines behind its own five fields.
fn request(extra: &str) -> Vec<u8> {
    format!(
        "{LINE}Host: example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: {SAMPLE_KEY}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    )
    .into_bytes()
}

/// Reads `bytes` in one piece. The answer's bytes, or the refusal.
fn give(bytes: &[u8], store: usize, limits: HeadLimits) -> Result<Vec<u8>, Refusal> {
    let mut store = vec![0; store];
    let mut handshake = Handshake::new(&mut store, &["cookie"], START).with_limits(limits);
    let mut bytes = bytes.to_vec();
    assert!(handshake.receive(&mut Input::new(&mut bytes))?, "the head has no end");
    let mut accept = handshake.accept(OriginPolicy::Any)?;
    Ok(written(4096, |out| accept.transmit(out)))
}

/// 431, or 414 where the request line alone is too long (RFC 6585 5, RFC 9110 15.5.15).
#[test]
fn a_head_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let head = request("X-A: b\r\nCookie: c\r\n");
    let accepted = give(&head, 4096, HeadLimits::DEFAULT);
    assert!(accepted.is_ok());
    for bytes in thin(0..=head.len() + 2, 40) {
        let given = give(&head, 4096, HeadLimits { bytes, fields: 100 });
        if bytes < LINE.len() {
            assert_eq!(given, Err(Refusal::Head(HeadError::LongLine)), "{bytes}");
            assert_eq!(HeadError::LongLine.status(), 414);
        } else if bytes < head.len() {
            assert_eq!(given, Err(Refusal::Head(HeadError::LongHead)), "{bytes}");
            assert_eq!(HeadError::LongHead.status(), 431);
        } else {
            assert_eq!(given, accepted, "{bytes}");
        }
    }
}

#[test]
fn a_head_may_have_as_many_fields_as_the_limit_and_not_one_more() {
    for fields in 0..12 {
        let head = request(&"a:\r\n".repeat(3));
        let given = give(&head, 4096, HeadLimits { bytes: 8192, fields });
        if fields < 8 {
            assert_eq!(given, Err(Refusal::Head(HeadError::ManyFields)), "{fields}");
            assert_eq!(HeadError::ManyFields.status(), 431);
        } else {
            assert!(given.is_ok(), "{fields}");
        }
    }
}

/// A limit without an end is no overflow.
#[test]
fn limits_may_be_the_largest_numbers() {
    let limits = HeadLimits { bytes: usize::MAX, fields: usize::MAX };
    assert!(give(&request(&"a: b\r\n".repeat(few(5000, 300))), 512, limits).is_ok());
}

/// A store too small refuses; never does it change what is understood.
#[test]
fn a_request_in_stores_of_any_size_is_refused_or_the_same() {
    let long_name = format!("{}: b\r\n", "x".repeat(200));
    for extra in [
        "",
        "Cookie: a=b\r\nCookie: c=d   \r\nX-Other: not wanted\r\n",
        "Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://example.com\r\n",
        &long_name,
        &format!("Cookie: {}\r\n", "y".repeat(2500)),
    ] {
        let head = request(extra);
        let accepted = give(&head, 9000, HeadLimits::DEFAULT).expect("room enough");
        let mut needed = None;
        for store in thin(0..=4096, 700) {
            match give(&head, store, HeadLimits::DEFAULT) {
                Ok(answer) => {
                    assert_eq!(answer, accepted, "{store}");
                    needed.get_or_insert(store);
                }
                Err(refusal) => {
                    assert_eq!(needed, None, "a store of {store} is too small, a smaller one was not");
                    let line = LINE.len() - 2;
                    let error = if store < line { HeadError::LongLine } else { HeadError::LongHead };
                    assert_eq!(refusal, Refusal::Head(error), "{store}");
                }
            }
        }
        let is_enough = needed.is_some_and(|needed| needed <= head.len() + 64);
        assert!(cfg!(miri) || is_enough, "{needed:?} of {}", head.len());
    }
}

/// The client too fails cleanly in a store of any size, whatever comes behind the head.
#[test]
fn a_response_in_stores_of_any_size_is_refused_or_the_same() {
    let open = format!(
        "HTTP/1.1 101 Switching Protocols\r\nServer: a server\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n\u{1}",
        crate::SAMPLE_ACCEPT
    );
    let redirect =
        format!("HTTP/1.1 302 Found\r\nLocation: http://other.example/{}\r\n\r\n", "x".repeat(1500));
    let missing = format!("HTTP/1.1 404 Not Found\r\nContent-Length: 2000\r\n\r\n{}", "x".repeat(2000));
    let interim = format!("HTTP/1.1 103 Early Hints\r\nLocation: {}\r\n\r\n{open}", "x".repeat(700));
    for (bytes, expected) in [
        (open, Ok(true)),
        (redirect, Err(client::Error::Refused { status: 302 })),
        (missing, Err(client::Error::Refused { status: 404 })),
        (interim, Ok(true)),
    ] {
        let mut needed = None;
        for size in thin(0..=4096, 700) {
            let mut store = vec![0; size];
            let request = client::Request::new("example.com", "/");
            let mut handshake = client::Handshake::new(request, &mut SampleNonce, &mut store, &[], START)
                .expect("a good request");
            let mut bytes = bytes.clone().into_bytes();
            let outcome = handshake.receive(&mut Input::new(&mut bytes));
            if outcome == expected {
                needed.get_or_insert(size);
            } else {
                assert_eq!(outcome, Err(client::Error::Head(HeadError::LongHead)), "{size}");
                assert_eq!(needed, None, "{size}");
            }
        }
        assert!(cfg!(miri) || needed.is_some(), "4 KiB are too small");
    }
}

/// A head of 64 KiB, a byte a read: each call takes its byte and lets go of it. The store holds what is wanted and no
/// more, so there is nothing that could be looked at twice.
#[test]
fn each_byte_of_a_head_is_taken_once_and_kept_only_if_wanted() {
    const FIELDS: usize = few(800, 20);
    let fields: String = (0..FIELDS).map(|n| format!("X-{n}: {}\r\n", "y".repeat(70))).collect();
    let head = request(&fields);
    assert!(head.len() > FIELDS * 78);
    let mut store = [0; 400];
    let mut handshake = Handshake::new(&mut store, &[], START)
        .with_limits(HeadLimits { bytes: head.len(), fields: FIELDS + 5 });
    for (at, byte) in head.iter().enumerate() {
        let mut buf = [*byte];
        let mut input = Input::new(&mut buf);
        let done = handshake.receive(&mut input).expect("a good head");
        assert_eq!(input.consumed(), 1, "at {at}");
        assert_eq!(done, at + 1 == head.len(), "at {at}");
        buf.fill(0xee);
    }
    assert!(handshake.accept(OriginPolicy::Any).is_ok());
    // Behind the head nothing is taken, however often it is offered.
    for _ in 0..3 {
        let mut buf = *b"\x81\x80";
        let mut input = Input::new(&mut buf);
        assert_eq!((handshake.receive(&mut input), input.consumed()), (Ok(true), 0));
    }
}

/// One value of 60 KB passes through a small store when nobody wants it, and is refused at once when somebody does.
#[test]
fn a_long_value_is_held_by_the_store_alone() {
    const LONG: usize = few(60 * 1024, 2000);
    let value = "z".repeat(LONG);
    let limits = HeadLimits { bytes: 1 << 20, fields: 100 };
    assert!(give(&request(&format!("X-A: {value}\r\n")), 400, limits).is_ok());
    assert!(give(&request(&format!("X-A:{}\r\n", " ".repeat(LONG))), 400, limits).is_ok());
    let refused = Err(Refusal::Head(HeadError::LongHead));
    assert_eq!(give(&request(&format!("Cookie: {value}\r\n")), 400, limits), refused);
    let mut store = [0; 400];
    let mut handshake = Handshake::new(&mut store, &["cookie"], START).with_limits(limits);
    let mut head = request(&format!("Cookie: {value}\r\n"));
    let mut input = Input::new(&mut head);
    assert!(handshake.receive(&mut input).is_err());
    assert!(input.consumed() <= 400 + 200, "read on for {} bytes", input.consumed());
}

/// RFC 9112 2.2 lets a server pass over an empty line before the request; it is to be no place to wait in.
#[test]
fn four_empty_lines_may_stand_before_a_request() {
    let limits = HeadLimits::DEFAULT;
    let behind = |n: usize| give(&["\r\n".repeat(n).into_bytes(), request("")].concat(), 1024, limits);
    assert_eq!(behind(4), behind(0));
    assert_eq!(behind(5), Err(Refusal::Head(HeadError::BadLine)));
}

/// A refusal too long to be kept is one all the same, and says its status.
#[test]
fn a_refusal_too_long_to_be_kept_has_a_status() {
    let refusal = format!("HTTP/1.1 302 Found\r\nLocation: /{}\r\n\r\n", "x".repeat(500));
    let long = format!("HTTP/1.1 101 Yes\r\nUpgrade: {}\r\n\r\n", "x".repeat(500));
    for (bytes, expected) in [
        (&refusal, client::Error::Refused { status: 302 }),
        (&long, client::Error::Head(HeadError::LongHead)),
    ] {
        let mut store = [0; 100];
        let request = client::Request::new("example.com", "/");
        let mut handshake =
            client::Handshake::new(request, &mut SampleNonce, &mut store, &[], START).unwrap();
        let mut bytes = bytes.clone().into_bytes();
        assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Err(expected));
    }
    let mut store = [0; 100];
    let limits = HeadLimits { bytes: 1000, fields: 0 };
    let request = client::Request::new("example.com", "/");
    let handshake = client::Handshake::new(request, &mut SampleNonce, &mut store, &[], START).unwrap();
    let mut handshake = handshake.with_limits(limits);
    let mut bytes = *b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n";
    let refused = Err(client::Error::Refused { status: 503 });
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), refused);
}
