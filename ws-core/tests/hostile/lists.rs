//! Heads and lists that cost whoever reads them again and again: at the front with each read, or from each of their elements.
//! They have a megabyte here: each byte once takes no time, and work that grows with their square takes minutes as tests are built. How many
//! instructions a byte takes, `.ci/cycles` counts.

use std::time::{Duration, Instant};

use super::common::{TestKeys, at, few};
use ws_core::Input;
use ws_core::deflate::negotiate::Terms;
use ws_core::handshake::server::Refusal;
use ws_core::handshake::{OriginPolicy, client, extensions, server};
use ws_core::http::HeadLimits;

/// Less where every step is looked at, which is not to take hours either.
const MEGABYTE: usize = few(1 << 20, 1 << 8);

/// No machine is so slow that it needs this for a few of these.
const AGES: Duration = Duration::from_secs(40);

const LIMITS: HeadLimits = HeadLimits { bytes: 64 * MEGABYTE, fields: usize::MAX };

fn request(extra: &str) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    )
    .into_bytes()
}

/// What is made of a request with `extra` fields, in reads of `size` bytes: how many subprotocols and extensions it asks for,
/// all of them looked at, and whether it is let in.
fn asked(extra: &str, size: usize) -> Result<(usize, usize), Refusal> {
    let begun = Instant::now();
    let mut bytes = request(extra);
    let mut store = vec![0; bytes.len() + 64];
    let mut handshake = server::Handshake::new(&mut store, &[], at(0)).with_limits(LIMITS);
    let mut result = Ok(false);
    for piece in bytes.chunks_mut(size) {
        result = handshake.receive(&mut Input::new(piece));
        assert!(begun.elapsed() < AGES, "its reads take longer and longer");
    }
    assert_eq!(result, Ok(true));
    let request = handshake.request();
    let protocols = request.subprotocols().count();
    let offers = request.extensions().flat_map(extensions::offers).flatten();
    let params = offers.map(|offer| offer.params().count()).sum();
    let result = handshake.accept(OriginPolicy::Any).map(|mut accept| {
        accept.compress_if_offered(&Terms::new(15, 15));
        accept.subprotocol_if_offered(Some("none")).protocol().is_none()
    });
    assert!(begun.elapsed() < AGES, "{:?} for {} bytes", begun.elapsed(), bytes.len());
    result.map(|is_without| {
        assert!(is_without, "it was not offered");
        (protocols, params)
    })
}

/// A field that nobody wants, a byte at a time: what came before is not looked at again with each read.
#[test]
fn a_head_of_megabytes_is_read_once() {
    let long = format!("X: {}\r\n", "a".repeat(MEGABYTE));
    let many = "X: a\r\n".repeat(MEGABYTE / 4);
    for extra in [long, many] {
        assert_eq!(asked(&extra, 1), Ok((0, 0)));
    }
    // One that is wanted: it is looked at when it is whole.
    let wanted = format!("Sec-WebSocket-Protocol: {}\r\n", "a".repeat(MEGABYTE));
    assert_eq!(asked(&wanted, 1), Ok((1, 0)));
}

/// What asks for more than one look: spaces that a delimiter may or may not end, strings that may or may not be closed, and
/// elements each of which could be compared with all others.
#[test]
fn lists_of_megabytes_are_read_once() {
    let protocols = |list: &str| asked(&format!("Sec-WebSocket-Protocol: {list}\r\n"), MEGABYTE);
    let spaces = " ".repeat(MEGABYTE);
    assert_eq!(protocols(&format!("b{spaces}x")), Err(Refusal::Grammar));
    assert_eq!(protocols(&format!("b{spaces}, x")), Ok((2, 0)));
    assert_eq!(protocols(&format!("{}x", "b, ".repeat(MEGABYTE / 4))), Ok((MEGABYTE / 4 + 1, 0)));
    assert_eq!(protocols(&format!("{}x", ",".repeat(MEGABYTE))), Ok((1, 0)));
    let extensions = |list: &str| asked(&format!("Sec-WebSocket-Extensions: {list}\r\n"), MEGABYTE);
    for unclosed in ["\\x".repeat(MEGABYTE / 2), "\\\"".repeat(MEGABYTE / 2), "x".repeat(MEGABYTE)] {
        assert_eq!(extensions(&format!("a; b=\"{unclosed}")), Err(Refusal::Grammar));
    }
    assert_eq!(extensions(&format!("a{}", "; b=\"".repeat(MEGABYTE / 4))), Err(Refusal::Grammar));
    assert_eq!(extensions(&format!("a{spaces}b")), Err(Refusal::Grammar));
    assert_eq!(
        extensions(&format!("permessage-deflate{}", "; b=1".repeat(MEGABYTE / 4))),
        Ok((0, MEGABYTE / 4))
    );
    let offers = "permessage-deflate; server_max_window_bits=7, ".repeat(MEGABYTE / 8);
    assert_eq!(extensions(&format!("{offers}x")), Ok((0, MEGABYTE / 8)));
}

/// The other way round: what a server says costs a client no more.
#[test]
fn answers_of_megabytes_are_read_once() {
    let begun = Instant::now();
    let pairs = "\\x".repeat(MEGABYTE / 2);
    let response = format!(
        "HTTP/1.1 101 -\r\nX: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: a; b=\"{pairs}\r\n\r\n",
        "a".repeat(MEGABYTE)
    );
    let mut bytes = response.into_bytes();
    let mut store = vec![0; 8 * MEGABYTE];
    let asked = client::Request::new("h", "/");
    let handshake = client::Handshake::new(asked, &mut TestKeys::default(), &mut store, &[], at(0));
    let mut handshake = handshake.expect("a request").with_limits(LIMITS);
    let result = bytes.chunks_mut(1).map(|byte| handshake.receive(&mut Input::new(byte)));
    assert!(result.last().is_some_and(|last| last.is_err()), "it was not offered");
    assert!(begun.elapsed() < AGES, "{:?}", begun.elapsed());
}
