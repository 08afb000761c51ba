//! As `segments.rs`, of the opening handshake: heads of 1,460 bytes that come in one read, and all that is asked about them.

use core::hint::black_box;

use ws_core::entropy::Entropy;
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::{Input, Instant, Output};

use crate::host::{fail, label, measured};
use crate::wire::{READ, Wire};

/// Room for whatever is kept of a head.
const STORE: usize = 2 * READ;

pub fn run() {
    request("a cookie", 1, |wire| {
        wire.put(b"Cookie: ");
        while wire.bytes().len() < READ - 4 {
            wire.put(b"c");
        }
        wire.put(b"\r\n");
    });
    request("a long path", READ - 151, |_| {});
    request("a list of subprotocols", 1, |wire| list(wire, b"Sec-WebSocket-Protocol: ", b"a,"));
    request("a list of extensions", 1, |wire| list(wire, b"Sec-WebSocket-Extensions: ", b"a;b,"));
    request("a list of connection options", 1, |wire| list(wire, b"Connection: ", b"a,"));
    request("fields that are not wanted", 1, |wire| lines(wire, b"sec-websocket-extensiom:\r\n"));
    request("fields that are wanted", 1, |wire| lines(wire, b"Connection:\r\n"));
    request("long names that are wanted", 1, |wire| lines(wire, b"Sec-WebSocket-Protocol:a\r\n"));
    response("a cookie", |wire| list(wire, b"Set-Cookie: ", b"c"));
    response("a list of connection options", |wire| list(wire, b"Connection: ", b"a,"));
    response("fields that are not wanted", |wire| lines(wire, b"www-authenticatd:\r\n"));
    response("fields that are wanted", |wire| lines(wire, b"Content-Type:\r\n"));
    response("long names that are wanted", |wire| lines(wire, b"WWW-Authenticate:\r\n"));
    interim();
}

fn list(wire: &mut Wire<'_>, name: &[u8], element: &[u8]) {
    wire.put(name);
    while wire.bytes().len() + element.len() + 5 <= READ {
        wire.put(element);
    }
    wire.put(b"a\r\n");
}

/// As many as the limits let in.
fn lines(wire: &mut Wire<'_>, line: &[u8]) {
    for _ in 0..94 {
        if wire.bytes().len() + line.len() + 2 <= READ {
            wire.put(line);
        }
    }
}

/// The fields of a request.
pub const REQUEST: &[u8] = b"Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// Reads a request that comes in one segment, checks it and answers it.
fn request(name: &str, target: usize, fields: impl FnOnce(&mut Wire<'_>)) {
    let (mut bytes, mut store, mut tx) = ([0; READ], [0; STORE], [0; 512]);
    let mut wire = Wire::new(&mut bytes);
    wire.put(b"GET ");
    wire.put(&[b'/'; READ][..target]);
    wire.put(b" HTTP/1.1\r\n");
    wire.put(REQUEST);
    fields(&mut wire);
    wire.put(b"\r\n");
    let len = wire.bytes().len();
    label(format_args!("head|request: {name}|0|{len}"));
    let mut handshake = server::Handshake::new(&mut store, &[], Instant::from_millis(0));
    let mut input = Input::new(&mut bytes[..len]);
    if measured(|| handshake.receive(&mut input)) != Ok(true) {
        fail();
    }
    let request = handshake.request();
    measured(|| black_box(request.target()));
    measured(|| black_box(request.is_upgrade()));
    measured(|| black_box(request.host()));
    let Ok(accept) = measured(|| handshake.accept(OriginPolicy::Any)) else { fail() };
    let mut accept = measured(|| accept.clone().subprotocol("none")).unwrap_or(accept);
    let mut out = Output::new(&mut tx);
    if !measured(|| accept.transmit(&mut out)) {
        fail();
    }
}

/// Reads a response that comes in one segment, and checks it.
fn response(name: &str, fields: impl FnOnce(&mut Wire<'_>)) {
    let (mut bytes, mut store, mut tx) = ([0; READ], [0; STORE], [0; 512]);
    let mut wire = Wire::new(&mut bytes);
    wire.put(b"HTTP/1.1 101 Switching Protocols\r\n");
    wire.put(RESPONSE);
    fields(&mut wire);
    wire.put(b"\r\n");
    let len = wire.bytes().len();
    label(format_args!("head|response: {name}|0|{len}"));
    let mut out = Output::new(&mut tx);
    let Ok(mut handshake) = measured(|| client(&mut store)) else { fail() };
    measured(|| handshake.transmit(&mut out));
    let mut input = Input::new(&mut bytes[..len]);
    if measured(|| handshake.receive(&mut input)) != Ok(true) {
        fail();
    }
    measured(|| _ = black_box(handshake.protocol()));
}

/// Interim responses, which are read in one call.
fn interim() {
    let (mut bytes, mut store) = ([0; READ], [0; STORE]);
    let mut wire = Wire::new(&mut bytes);
    while wire.bytes().len() + 16 <= READ {
        wire.put(b"HTTP/1.1 100\r\n\r\n");
    }
    let len = wire.bytes().len();
    label(format_args!("head|response: many that are interim|0|{len}"));
    let Ok(mut handshake) = client(&mut store) else { fail() };
    let mut input = Input::new(&mut bytes[..len]);
    if measured(|| handshake.receive(&mut input)) != Ok(false) {
        fail();
    }
}

/// The fields of a response; the accept value is that of a key of zeros.
pub const RESPONSE: &[u8] = b"Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n";

/// The handshake of a client whose key is all zeros.
pub fn client(store: &mut [u8]) -> Result<client::Handshake<'_>, ws_core::UsageError> {
    let request = client::Request::new("h", "/");
    client::Handshake::new(request, &mut Zeros, store, &[], Instant::from_millis(0))
}

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
