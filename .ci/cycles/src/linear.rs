//! Heads that come a byte at a time, and of each kind longer ones: if a byte of those takes more instructions, something goes back
//! over what came before it. What makes a head long comes first, and behind it what is looked for.

use core::hint::black_box;

use ws_core::handshake::{OriginPolicy, server};
use ws_core::http::HeadLimits;
use ws_core::{Input, Instant};

use crate::heads::{REQUEST, RESPONSE, client};
use crate::host::{fail, label, measured};
use crate::wire::Wire;

/// What any head takes, whatever its length, is in the shortest too: so it is in no difference of two.
const LENGTHS: [usize; 3] = [1024, 4096, 8192];
const LONGEST: usize = 8192;
const LIMITS: HeadLimits = HeadLimits { bytes: LONGEST, fields: LONGEST };
/// Room to keep all of a head.
const STORE: usize = LONGEST + 64;

/// A name; how the head begins, what is repeated in it, and what ends that.
type Kind = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

const REQUESTS: [Kind; 7] = [
    ("a long path", b"GET /", b"p", b" HTTP/1.1\r\n"),
    ("a cookie", b"GET / HTTP/1.1\r\nCookie: ", b"c", b"\r\n"),
    ("fields that are not wanted", b"GET / HTTP/1.1\r\n", b"sec-websocket-extensiom:\r\n", b""),
    ("fields that are wanted", b"GET / HTTP/1.1\r\n", b"Connection:\r\n", b""),
    ("a list of subprotocols", b"GET / HTTP/1.1\r\nSec-WebSocket-Protocol: ", b"a,", b"a\r\n"),
    ("a list of extensions", b"GET / HTTP/1.1\r\nSec-WebSocket-Extensions: ", b"a;b,", b"a\r\n"),
    ("a list of connection options", b"GET / HTTP/1.1\r\nConnection: ", b"a,", b"a\r\n"),
];

const RESPONSES: [Kind; 6] = [
    ("a long reason", b"HTTP/1.1 101 ", b"r", b"\r\n"),
    ("a cookie", b"HTTP/1.1 101 \r\nSet-Cookie: ", b"c", b"\r\n"),
    ("fields that are not wanted", b"HTTP/1.1 101 \r\n", b"www-authenticatd:\r\n", b""),
    ("fields that are wanted", b"HTTP/1.1 101 \r\n", b"WWW-Authenticate:\r\n", b""),
    ("a list of connection options", b"HTTP/1.1 101 \r\nConnection: ", b"a,", b"a\r\n"),
    ("many that are interim", b"", b"HTTP/1.1 100\r\n\r\n", b"HTTP/1.1 101 \r\n"),
];

pub fn run() {
    let (mut bytes, mut store) = ([0; LONGEST], [0; STORE]);
    for len in LENGTHS {
        for kind in REQUESTS {
            let head = write(&mut bytes[..len], kind, REQUEST);
            label(format_args!("linear|request: {}|{len}|{}", kind.0, head.len()));
            let new = server::Handshake::new(&mut store, &[], Instant::from_millis(0));
            let mut handshake = new.with_limits(LIMITS);
            byte_by_byte(head, |input| handshake.receive(input));
            let Ok(accept) = measured(|| handshake.accept(OriginPolicy::Any)) else { fail() };
            measured(|| _ = black_box(accept.subprotocol("none")));
        }
        for kind in RESPONSES {
            let head = write(&mut bytes[..len], kind, RESPONSE);
            label(format_args!("linear|response: {}|{len}|{}", kind.0, head.len()));
            let Ok(new) = client(&mut store) else { fail() };
            let mut handshake = new.with_limits(LIMITS);
            byte_by_byte(head, |input| handshake.receive(input));
        }
    }
}

/// A head that fills `bytes`, as nearly as it can.
fn write<'b>(bytes: &'b mut [u8], (_, begin, repeated, end): Kind, fields: &[u8]) -> &'b mut [u8] {
    let room = bytes.len() - end.len() - fields.len() - 2;
    let mut wire = Wire::new(bytes);
    wire.put(begin);
    while wire.bytes().len() + repeated.len() <= room {
        wire.put(repeated);
    }
    wire.put(end);
    wire.put(fields);
    wire.put(b"\r\n");
    let len = wire.bytes().len();
    &mut bytes[..len]
}

/// The last byte completes the head, and no other does.
fn byte_by_byte<E: PartialEq>(head: &mut [u8], mut receive: impl FnMut(&mut Input<'_>) -> Result<bool, E>) {
    let last = head.len() - 1;
    for (at, byte) in head.chunks_mut(1).enumerate() {
        let mut input = Input::new(byte);
        if measured(|| receive(&mut input)) != Ok(at == last) {
            fail();
        }
    }
}
