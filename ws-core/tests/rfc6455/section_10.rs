//! RFC 6455 10: security. Origins and masking have their tests in sections 4 and 5.

use crate::common::{Driver, ENDS, End, FREE, Seen, at, few, incoming, run};
use crate::frames::fails_behind;
use crate::opening::{REQUEST, with};
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::http::{HeadError, HeadLimits};
use ws_core::{Input, Limits, MessageBuffer, PeerError};

#[test]
fn limits_on_messages_hold_from_the_header_on() {
    for end in ENDS {
        for limit in [0, 1, 125, 126, 70_000u32].into_iter().take(few(5, 4)) {
            let config = FREE.with_limits(Limits { message: limit, ..FREE.limits });
            let limited = || Driver::with(end, config);
            let body = vec![b'x'; limit as usize + 1];
            let mut driver = limited();
            driver.frame(0x82, &body[1..]);
            assert_eq!(driver.failed(), None);
            let mut header = incoming(end, 0x82, &body);
            header.truncate(header.len() - body.len());
            fails_behind(limited(), &header, PeerError::MessageTooBig, 1009);
            if limit > 0 {
                let mut driver = limited();
                driver.frame(0x02, &body[1..]).frame(0x00, b"");
                fails_behind(driver, &incoming(end, 0x80, b"y"), PeerError::MessageTooBig, 1009);
            }
        }
    }
}

#[test]
fn limits_on_fragments_hold() {
    for end in ENDS {
        let limits = Limits { message: 100, fragments: 5, empty_fragments: 2 };
        let mut driver = Driver::with(end, FREE.with_limits(limits));
        driver.frame(0x02, b"").frame(0x00, b"").frame(0x00, b"a").frame(0x00, b"").frame(0x80, b"");
        assert_eq!(driver.seen.len(), 1, "5 fragments, 2 empty ones in a row");
        driver.frame(0x02, b"").frame(0x00, b"");
        fails_behind(driver, &incoming(end, 0x00, b""), PeerError::TooManyFragments, 1008);
        let mut driver = Driver::with(end, FREE.with_limits(limits));
        driver.frame(0x02, b"a");
        (0..4).for_each(|_| _ = driver.frame(0x00, b"b"));
        fails_behind(driver, &incoming(end, 0x80, b"c"), PeerError::TooManyFragments, 1008);
    }
}

#[test]
fn a_message_longer_than_its_buffer_is_refused() {
    let mut bytes = incoming(End::Client, 0x02, b"abc");
    bytes.extend(incoming(End::Client, 0x80, b"de"));
    for (size, fits) in [(5, true), (4, false), (0, false)] {
        let mut ws = ws_core::Connection::client(FREE, crate::common::TestKeys::default(), at(0));
        let mut memory = vec![0; size];
        let mut buffer = MessageBuffer::new(&mut memory);
        let mut read = bytes.clone();
        let mut input = Input::new(&mut read);
        let mut whole = false;
        while let Ok(Some(ws_core::Event::Data(data))) = ws.receive(&mut input) {
            match buffer.push(data) {
                Ok(message) => whole = message.is_some_and(|message| message.as_bytes() == b"abcde"),
                Err(_) => break,
            }
        }
        assert_eq!(whole, fits, "{size}");
    }
}

#[test]
fn limits_on_the_opening_handshake_hold() {
    let run = |head: &[u8], store: usize, limits: HeadLimits| {
        let (mut store, mut bytes) = (vec![0; store], head.to_vec());
        let mut handshake = Handshake::new(&mut store, &[], at(0)).with_limits(limits);
        let received = handshake.receive(&mut Input::new(&mut bytes));
        received.map(|done| done && handshake.accept(OriginPolicy::Any).is_ok())
    };
    let limits = HeadLimits { bytes: REQUEST.len(), fields: 5 };
    assert_eq!(run(REQUEST, 1024, limits), Ok(true));
    let fewer = |limits| run(REQUEST, 1024, limits);
    let long = Err(Refusal::Head(HeadError::LongHead));
    assert_eq!(fewer(HeadLimits { bytes: REQUEST.len() - 1, ..limits }), long);
    assert_eq!(fewer(HeadLimits { fields: 4, ..limits }), Err(Refusal::Head(HeadError::ManyFields)));
    assert_eq!(fewer(HeadLimits { bytes: 10, ..limits }), Err(Refusal::Head(HeadError::LongLine)));
    assert_eq!(run(REQUEST, 10, limits), Err(Refusal::Head(HeadError::LongLine)), "nor more than the store");
    assert_eq!(run(REQUEST, 60, limits), long);
    let endless = with(REQUEST, format!("X: {}", "y".repeat(100_000)));
    assert_eq!(run(&endless, 1024, HeadLimits::DEFAULT), long);
}

#[test]
fn data_that_is_invalid_is_never_delivered() {
    for end in ENDS {
        for bad in [&b"\x83x"[..], b"\xf1x", b"\x09x", b"\x00x", b"\x80x"] {
            let driver = run(end, FREE, bad);
            assert!(matches!(driver.seen[..], [Seen::Failed(_)]), "{bad:x?}");
            assert_eq!(driver.replies(), [(0x88, b"\x03\xea".to_vec())], "and is answered with a code");
        }
    }
}
