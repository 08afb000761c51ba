//! The deadline of the opening handshake, on both sides, by a virtual clock: one for the whole of it, from tick 0 on and
//! from 10 s before the 32-bit tick wraps. Those of an open connection are in `keepalive.rs`.

mod common;

use common::{TestKeys, at, ms};
use ws_core::handshake::client::{self, Request};
use ws_core::handshake::server::{self, Refusal};
use ws_core::handshake::{OriginPolicy, TIMEOUT};
use ws_core::{Duration, Input, Output};

/// When tests begin.
const STARTS: [u64; 2] = [0, (1 << 32) - 10_000];

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn server_receives(handshake: &mut server::Handshake<'_>, bytes: &[u8]) -> Result<bool, Refusal> {
    handshake.receive(&mut Input::new(&mut bytes.to_vec()))
}

#[test]
fn a_server_refuses_a_request_that_takes_too_long() {
    for start in STARTS {
        let mut store = [0; 512];
        let mut handshake = server::Handshake::new(&mut store, &[], at(start));
        assert_eq!(TIMEOUT, ms(10_000));
        assert_eq!(handshake.poll_timeout(), Some(at(start + 10_000)));
        // A byte now and then puts nothing off.
        for (n, byte) in (0..20).zip(REQUEST) {
            handshake.handle_timeout(at(start + n * 500));
            assert_eq!(server_receives(&mut handshake, &[*byte]), Ok(false));
            assert_eq!(handshake.poll_timeout(), Some(at(start + 10_000)));
        }
        handshake.handle_timeout(at(start + 9999));
        assert_eq!(server_receives(&mut handshake, &REQUEST[20..21]), Ok(false));
        handshake.handle_timeout(at(start + 10_000));
        assert_eq!(handshake.poll_timeout(), None);
        let mut rest = REQUEST[21..].to_vec();
        let mut input = Input::new(&mut rest);
        assert_eq!(handshake.receive(&mut input), Err(Refusal::TimedOut));
        assert_eq!(input.consumed(), 0, "not even if the rest is there now");
        assert_eq!(handshake.accept(OriginPolicy::Any).err(), Some(Refusal::TimedOut));
        handshake.handle_timeout(at(start + 10_001));
        assert_eq!(handshake.receive(&mut input), Err(Refusal::TimedOut));
    }
}

#[test]
fn a_request_too_late_is_answered_with_408() {
    let mut response = Refusal::TimedOut.response();
    let mut buf = [0; 512];
    let mut out = Output::new(&mut buf);
    assert!(response.transmit(&mut out));
    let text = core::str::from_utf8(out.filled()).unwrap();
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("\r\nConnection: close\r\n"), "{text}");
}

#[test]
fn a_server_must_accept_in_time_too() {
    for start in STARTS {
        let mut store = [0; 512];
        let mut handshake =
            server::Handshake::new(&mut store, &[], at(start)).with_timeout(Duration::from_secs(2));
        assert_eq!(handshake.poll_timeout(), Some(at(start + 2000)));
        assert_eq!(server_receives(&mut handshake, REQUEST), Ok(true));
        handshake.handle_timeout(at(start + 1999));
        handshake.handle_timeout(at(start + 1999));
        assert!(handshake.accept(OriginPolicy::Any).is_ok());
        handshake.handle_timeout(at(start + 2000));
        assert_eq!(handshake.accept(OriginPolicy::Any).err(), Some(Refusal::TimedOut));
    }
}

#[test]
fn without_a_limit_a_server_waits() {
    let mut store = [0; 512];
    let mut handshake = server::Handshake::new(&mut store, &[], at(0)).with_timeout(Duration::ZERO);
    for byte in REQUEST {
        assert_eq!(handshake.poll_timeout(), None);
        handshake.handle_timeout(at(1 << 30));
        assert!(server_receives(&mut handshake, &[*byte]).is_ok());
    }
    assert!(handshake.accept(OriginPolicy::Any).is_ok());
}

/// A client's handshake with a key of its own, and the server's response to it.
fn client_and_response<'s>(store: &'s mut [u8], start: u64) -> (client::Handshake<'s>, Vec<u8>) {
    let request = Request::new("h", "/");
    let mut handshake =
        client::Handshake::new(request, &mut TestKeys::default(), store, &[], at(start)).unwrap();
    let (mut asked, mut answered) = ([0; 512], [0; 512]);
    let mut out = Output::new(&mut asked);
    assert!(handshake.transmit(&mut out));
    let mut their_store = [0; 512];
    let mut theirs = server::Handshake::new(&mut their_store, &[], at(0));
    assert_eq!(server_receives(&mut theirs, out.filled()), Ok(true));
    let mut accept = theirs.accept(OriginPolicy::Any).unwrap();
    let mut out = Output::new(&mut answered);
    assert!(accept.transmit(&mut out));
    (handshake, out.filled().to_vec())
}

#[test]
fn a_client_gives_up_a_response_that_takes_too_long() {
    for start in STARTS {
        let mut store = [0; 512];
        let (mut handshake, response) = client_and_response(&mut store, start);
        assert_eq!(handshake.poll_timeout(), Some(at(start + 10_000)));
        for (n, byte) in (0..20).zip(&response) {
            handshake.handle_timeout(at(start + n * 500));
            assert_eq!(handshake.receive(&mut Input::new(&mut [*byte])), Ok(false));
            assert_eq!(handshake.poll_timeout(), Some(at(start + 10_000)));
        }
        handshake.handle_timeout(at(start + 9999));
        handshake.handle_timeout(at(start + 10_000));
        let mut rest = response[20..].to_vec();
        let mut input = Input::new(&mut rest);
        assert_eq!(handshake.receive(&mut input), Err(client::Error::TimedOut));
        assert_eq!(input.consumed(), 0);
        assert_eq!((handshake.poll_timeout(), handshake.protocol()), (None, None));
    }
}

#[test]
fn a_response_in_time_stays_one() {
    for start in STARTS {
        let mut store = [0; 512];
        let (handshake, mut response) = client_and_response(&mut store, start);
        let mut handshake = handshake.with_timeout(Duration::from_secs(60));
        assert_eq!(handshake.poll_timeout(), Some(at(start + 60_000)));
        handshake.handle_timeout(at(start + 59_999));
        assert_eq!(handshake.receive(&mut Input::new(&mut response)), Ok(true));
        assert_eq!(handshake.poll_timeout(), None, "nothing is waited for any more");
        handshake.handle_timeout(at(start + 60_000));
        assert_eq!(handshake.receive(&mut Input::new(&mut [])), Ok(true));
        let mut store = [0; 512];
        let (handshake, mut response) = client_and_response(&mut store, start);
        let mut handshake = handshake.with_timeout(Duration::ZERO);
        assert_eq!(handshake.poll_timeout(), None);
        handshake.handle_timeout(at(start + (1 << 30)));
        assert_eq!(handshake.receive(&mut Input::new(&mut response)), Ok(true));
    }
}
