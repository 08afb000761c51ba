//! What the tests of the opening handshake share: a request and a response that are right, ways to make them wrong, and
//! both sides of the library. No test lives here.

use crate::common::at;
use ws_core::handshake::client::{self, Error, Request};
use ws_core::handshake::server::{self, Refusal};
use ws_core::handshake::{OriginPolicy, extensions};
use ws_core::{Entropy, Input, Output, UsageError};

/// A request to which nothing can be objected.
pub(crate) const REQUEST: &[u8] = b"GET /room?n=1 HTTP/1.1\r\n\
    Host: ws.example\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

/// The response to a key of [`NONCE`].
pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    \r\n";

/// RFC 6455 1.3.
pub(crate) const NONCE: &[u8; 16] = b"the sample nonce";

/// A head without its fields of that name.
pub(crate) fn without(head: &[u8], name: &str) -> Vec<u8> {
    let is_other =
        |line: &&[u8]| !line.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()));
    head.split_inclusive(|b| *b == b'\n').filter(is_other).collect::<Vec<_>>().concat()
}

/// A head with one more line in front of its end.
pub(crate) fn with(head: &[u8], line: impl AsRef<[u8]>) -> Vec<u8> {
    [&head[..head.len() - 2], line.as_ref(), b"\r\n\r\n"].concat()
}

/// A head with this line instead of those of that name.
pub(crate) fn instead(head: &[u8], line: impl AsRef<[u8]>) -> Vec<u8> {
    let colon = line.as_ref().iter().position(|b| *b == b':').unwrap();
    with(&without(head, core::str::from_utf8(&line.as_ref()[..colon]).unwrap()), line)
}

/// A head with another first line.
pub(crate) fn begun(line: &str, head: &[u8]) -> Vec<u8> {
    let end = head.iter().position(|b| *b == b'\r').unwrap();
    [line.as_bytes(), &head[end..]].concat()
}

/// A head with its fields in the opposite order.
pub(crate) fn reversed(head: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = head.split_inclusive(|b| *b == b'\n').collect();
    let fields = 1..lines.len() - 1;
    lines[fields].reverse();
    lines.concat()
}

/// The values of the fields of that name.
pub(crate) fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
    fields.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

/// All that a call writes, through an output of a few bytes.
pub(crate) fn written(mut call: impl FnMut(&mut Output<'_>) -> bool) -> String {
    // A small one takes its time: each call looks for where the last one was.
    let (mut buf, mut all) = ([0; if cfg!(miri) { 50 } else { 7 }], Vec::new());
    loop {
        let mut out = Output::new(&mut buf);
        let done = call(&mut out);
        all.extend_from_slice(out.filled());
        if done {
            return String::from_utf8(all).unwrap();
        }
    }
}

/// A server's response to a request that it accepts, whatever the origin.
pub(crate) fn serve(head: &[u8]) -> Result<String, Refusal> {
    serve_as(head, OriginPolicy::Any, None)
}

/// A server's response to a request that it accepts, agreeing on a subprotocol.
pub(crate) fn serve_as(
    head: &[u8],
    origin: OriginPolicy<'_>,
    protocol: Option<&str>,
) -> Result<String, Refusal> {
    let (mut store, mut bytes) = ([0; 1024], head.to_vec());
    let mut input = Input::new(&mut bytes);
    let mut handshake = server::Handshake::new(&mut store, &[], at(0));
    assert!(handshake.receive(&mut input)?, "the request has no end");
    assert!(input.is_empty());
    let mut accept = handshake.accept(origin)?;
    if let Some(name) = protocol {
        accept = accept.subprotocol(name).unwrap();
    }
    Ok(written(|out| accept.transmit(out)))
}

/// A server refuses `head` with `status`; returns its response.
#[track_caller]
pub(crate) fn refused(head: &[u8], status: u16) -> String {
    refused_for(head, OriginPolicy::Any, status)
}

#[track_caller]
pub(crate) fn refused_for(head: &[u8], origin: OriginPolicy<'_>, status: u16) -> String {
    let shown = String::from_utf8_lossy(head);
    match serve_as(head, origin, None) {
        Ok(_) => panic!("accepted: {shown}"),
        Err(refusal) => {
            assert_eq!(refusal.status(), status, "{refusal}: {shown}");
            let mut response = refusal.response();
            let text = written(|out| response.transmit(out));
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
            assert!(values(&text, "Connection").contains(&"close"), "{text}");
            text
        }
    }
}

/// Gives a client the same nonce each time.
pub(crate) struct Nonce(pub(crate) [u8; 16]);

impl Entropy for Nonce {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[..bytes.len()]);
    }
}

/// What a client writes to ask.
pub(crate) fn ask(request: Request<'_>) -> Result<String, UsageError> {
    let mut store = [0; 16];
    let mut handshake = client::Handshake::new(request, &mut Nonce(*NONCE), &mut store, &[], at(0))?;
    Ok(written(|out| handshake.transmit(out)))
}

/// What a client makes of a response to its [`plain`] request: the subprotocol agreed on.
pub(crate) fn hear(response: &[u8]) -> Result<Option<String>, Error> {
    hear_to(plain(), response)
}

pub(crate) fn hear_to(request: Request<'_>, response: &[u8]) -> Result<Option<String>, Error> {
    let (mut store, mut bytes) = ([0; 1024], response.to_vec());
    let mut input = Input::new(&mut bytes);
    let mut handshake = client::Handshake::new(request, &mut Nonce(*NONCE), &mut store, &[], at(0)).unwrap();
    written(|out| handshake.transmit(out));
    let result = handshake.receive(&mut input);
    if let Err(error) = result {
        assert_eq!(handshake.protocol(), None, "{error}");
        let again = handshake.receive(&mut Input::new(&mut RESPONSE.to_vec()));
        assert_eq!(again, Err(error), "it stays failed");
    }
    assert!(result?, "the response has no end");
    Ok(handshake.protocol().map(str::to_owned))
}

/// The request of [`REQUEST`].
pub(crate) fn plain() -> Request<'static> {
    Request::new("ws.example", "/room?n=1")
}

/// The names of the extensions in a line, or that it breaks the grammar.
pub(crate) fn offers(line: &str) -> Result<Vec<&str>, extensions::GrammarError> {
    extensions::offers(line).map(|offer| offer.map(|offer| offer.name)).collect()
}
