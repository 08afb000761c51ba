//! The opening handshake, of both sides.

use crate::wire::{Bytes, From, START, Tape, TestKeys, client, push_frame, server};
use crate::{Outcome, check};
use heapless::Vec;
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::client::{self, Request};
use ws_core::handshake::server::{self, Refusal};
use ws_core::{Input, Output};

/// The request of RFC 6455 1.3, in short.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// All that `call` writes, through outputs of `size` bytes.
fn written(size: usize, mut call: impl FnMut(&mut Output<'_>) -> bool) -> Bytes {
    let (mut all, mut buf) = (Bytes::new(), [0; 512]);
    loop {
        let mut out = Output::new(&mut buf[..size]);
        let done = call(&mut out);
        all.extend_from_slice(out.filled()).unwrap();
        if done {
            return all;
        }
    }
}

pub(crate) fn sample() -> Outcome {
    let mut store = [0; 512];
    let mut bytes: Bytes = Vec::from_slice(REQUEST).unwrap();
    let mut handshake = server::Handshake::new(&mut store, &[], START);
    check!(handshake.receive(&mut Input::new(&mut bytes)) == Ok(true));
    check!(handshake.request().target().path == "/chat");
    check!(handshake.request().origin() == Some("http://example.com"));
    check!(handshake.accept(OriginPolicy::SameOrigin).err() == Some(Refusal::Origin));
    let accept = handshake.accept(OriginPolicy::List(&["http://example.com"]));
    let mut accept = accept.unwrap().subprotocol("chat").unwrap();
    check!(written(512, |out| accept.transmit(out)) == RESPONSE);
    Ok(())
}

/// Request, response and the frames right behind either, cut in two anywhere.
pub(crate) fn splits() -> Outcome {
    let subprotocols = ["superchat", "chat"];
    let asked = Request { subprotocols: &subprotocols, ..Request::new("board:80", "/live?a=b") };
    let mut request = Bytes::new();
    let mut response = Bytes::new();
    for cut in 0.. {
        let (mut server_store, mut client_store) = ([0; 512], [0; 512]);
        let mut ours =
            client::Handshake::new(asked, &mut TestKeys(7), &mut client_store, &[], START).unwrap();
        request.clear();
        request.extend_from_slice(&written(512, |out| ours.transmit(out))).unwrap();
        push_frame(&mut request, From::Client, 0x81, b"first");

        let mut theirs = server::Handshake::new(&mut server_store, &[], START);
        let (mut ws, mut tape, mut is_open) = (server(), Tape::default(), false);
        let (a, b) = request.split_at(cut.min(request.len()));
        for piece in [a, b] {
            let mut copy: Bytes = Vec::from_slice(piece).unwrap();
            let mut input = Input::new(&mut copy);
            if !is_open {
                let result = theirs.receive(&mut input);
                check!(result.is_ok());
                is_open = result == Ok(true);
            }
            if is_open {
                tape.feed(&mut ws, input.take_rest(), 64);
            }
        }
        check!(is_open && tape.seen == b"tfirst.");
        let mut accept = theirs.accept(OriginPolicy::SameOrigin).unwrap().subprotocol("chat").unwrap();
        response.clear();
        response.extend_from_slice(&written(512, |out| accept.transmit(out))).unwrap();
        push_frame(&mut response, From::Server, 0x82, b"second");

        let (mut ws, mut tape, mut is_open) = (client(), Tape::default(), false);
        let (a, b) = response.split_at(cut.min(response.len()));
        for piece in [a, b] {
            let mut copy: Bytes = Vec::from_slice(piece).unwrap();
            let mut input = Input::new(&mut copy);
            if !is_open {
                let result = ours.receive(&mut input);
                check!(result.is_ok());
                is_open = result == Ok(true);
            }
            if is_open {
                tape.feed(&mut ws, input.take_rest(), 64);
            }
        }
        check!(is_open && tape.seen == b"bsecond.");
        check!(ours.protocol() == Some("chat"));
        if cut > request.len().max(response.len()) {
            break;
        }
    }
    Ok(())
}

pub(crate) fn outputs() -> Outcome {
    let mut stores = ([0; 512], [0; 512]);
    let mut first =
        client::Handshake::new(Request::new("h", "/"), &mut TestKeys(7), &mut stores.0, &[], START).unwrap();
    let whole = written(512, |out| first.transmit(out));
    for size in 1..200 {
        let mut again =
            client::Handshake::new(Request::new("h", "/"), &mut TestKeys(7), &mut stores.1, &[], START)
                .unwrap();
        check!(written(size, |out| again.transmit(out)) == whole);
    }
    let mut bytes: Bytes = Vec::from_slice(REQUEST).unwrap();
    let mut handshake = server::Handshake::new(&mut stores.0, &[], START);
    check!(handshake.receive(&mut Input::new(&mut bytes)) == Ok(true));
    for size in 1..200 {
        let mut accept = handshake.accept(OriginPolicy::Any).unwrap().subprotocol("chat").unwrap();
        check!(written(size, |out| accept.transmit(out)) == RESPONSE);
    }
    Ok(())
}

/// A request with one thing changed, and the status that it deserves.
const REFUSED: [(&str, &str, u16); 9] = [
    ("GET /chat", "POST /chat", 405),
    ("HTTP/1.1", "HTTP/1.0", 505),
    ("Host:", "Most:", 400),
    ("Upgrade: websocket", "Upgrade: h2c", 426),
    ("Version: 13", "Version: 12", 426),
    ("Sec-WebSocket-Key", "Sec-WebSocket-Lock", 400),
    ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", 400),
    ("Origin: http://example.com", "Origin: http://elsewhere.example", 403),
    ("chat, superchat", "chat, super chat", 400),
];

pub(crate) fn refused() -> Outcome {
    let text = core::str::from_utf8(REQUEST).unwrap();
    for (from, to, status) in REFUSED {
        let mut bytes = Bytes::new();
        let (before, behind) = text.split_once(from).unwrap();
        for part in [before, to, behind] {
            bytes.extend_from_slice(part.as_bytes()).unwrap();
        }
        let mut store = [0; 512];
        let mut handshake = server::Handshake::new(&mut store, &[], START);
        let refusal = match handshake.receive(&mut Input::new(&mut bytes)) {
            Ok(done) => {
                check!(done);
                handshake.accept(OriginPolicy::List(&["http://example.com"])).err()
            }
            Err(refusal) => Some(refusal),
        };
        check!(refusal.map(Refusal::status) == Some(status));
    }
    Ok(())
}

pub(crate) fn wrong_accept() -> Outcome {
    let mut store = [0; 512];
    let mut handshake =
        client::Handshake::new(Request::new("h", "/"), &mut TestKeys(7), &mut store, &[], START).unwrap();
    written(512, |out| handshake.transmit(out));
    let mut bytes: Bytes = Vec::from_slice(RESPONSE).unwrap(); // to another key
    check!(handshake.receive(&mut Input::new(&mut bytes)) == Err(client::Error::Accept));
    Ok(())
}
