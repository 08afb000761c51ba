//! One deadline for the whole of a handshake: bytes that trickle in do not move it.

use crate::{START, SampleNonce};
use ws_core::handshake::server::Refusal;
use ws_core::handshake::{OriginPolicy, TIMEOUT, client, server};
use ws_core::{Duration, Input, Instant};

const HEAD: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n";

#[test]
fn a_trickling_request_does_not_move_its_deadline() {
    let mut store = [0; 1024];
    let mut handshake = server::Handshake::new(&mut store, &[], START);
    assert_eq!(handshake.poll_timeout(), Some(START.after(TIMEOUT)));
    for (second, byte) in (0..).zip(HEAD) {
        let now = Instant::from_millis(second * 1000);
        handshake.handle_timeout(now);
        let received = handshake.receive(&mut Input::new(&mut [*byte]));
        if second < 10 {
            assert_eq!(received, Ok(false), "second {second}");
            assert_eq!(handshake.poll_timeout(), Some(START.after(TIMEOUT)));
        } else {
            assert_eq!(received, Err(Refusal::TimedOut), "second {second}");
            assert_eq!(handshake.poll_timeout(), None);
            assert_eq!(handshake.accept(OriginPolicy::Any).err(), Some(Refusal::TimedOut));
        }
    }
    assert_eq!(Refusal::TimedOut.status(), 408);
}

#[test]
fn a_trickling_response_does_not_move_its_deadline() {
    let mut store = [0; 1024];
    let request = client::Request::new("example.com", "/");
    let mut handshake = client::Handshake::new(request, &mut SampleNonce, &mut store, &[], START)
        .expect("a request")
        .with_timeout(Duration::from_millis(2500));
    for (second, byte) in (0..).zip(b"HTTP/1.1 101 ") {
        handshake.handle_timeout(Instant::from_millis(second * 1000));
        let expected = if second < 3 { Ok(false) } else { Err(client::Error::TimedOut) };
        assert_eq!(handshake.receive(&mut Input::new(&mut [*byte])), expected, "second {second}");
        let timer = (second < 3).then(|| Instant::from_millis(2500));
        assert_eq!(handshake.poll_timeout(), timer);
    }
}

/// An outcome that stands is not replaced when the time is up.
#[test]
fn a_deadline_changes_no_outcome() {
    let mut store = [0; 1024];
    let request = client::Request::new("example.com", "/");
    let mut handshake =
        client::Handshake::new(request, &mut SampleNonce, &mut store, &[], START).expect("a request");
    let mut bytes = *b"HTTP/1.1 503 Busy\r\n\r\n";
    let refused = Err(client::Error::Refused { status: 503 });
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), refused);
    handshake.handle_timeout(START.after(TIMEOUT));
    assert_eq!(handshake.receive(&mut Input::new(&mut [])), refused);
}

#[test]
fn no_time_set_is_no_limit() {
    let mut store = [0; 1024];
    let mut handshake = server::Handshake::new(&mut store, &[], START).with_timeout(Duration::ZERO);
    assert_eq!(handshake.poll_timeout(), None);
    handshake.handle_timeout(Instant::from_millis(1 << 30));
    assert_eq!(handshake.receive(&mut Input::new(&mut [b'G'])), Ok(false));
}
