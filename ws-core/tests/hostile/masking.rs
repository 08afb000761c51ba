//! Masking keys (RFC 6455 5.3, 10.3), and intermediaries that misread a handshake.

use std::collections::HashSet;
use std::marker::PhantomData;

use super::common::{Driver, End, FREE, TestKeys, at, decode, few, incoming, thin};
use ws_core::handshake::client::{Error, Handshake, Request};
use ws_core::handshake::{OriginPolicy, server};
use ws_core::{Client, Connection, Entropy, Input, Kind, Output, Role, Server};

/// Counts how often it is asked.
#[derive(Default)]
struct Counted {
    keys: TestKeys,
    asked: usize,
    last: [u8; 4],
}

impl Entropy for Counted {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.asked += 1;
        self.keys.fill(bytes);
        self.last.copy_from_slice(bytes);
    }
}

#[test]
fn a_server_never_masks_and_a_client_always_does() {
    for end in [End::Server, End::Client] {
        let mut driver = Driver::new(end);
        driver.send(Kind::Text, b"text", true);
        driver.send(Kind::Binary, b"", true);
        driver.drain(|ws, out| ws.ping(b"", out).unwrap());
        driver.frame(0x89, b"pong");
        driver.close(1000, "");
        // The decoder of the tests checks the bit of each frame.
        assert_eq!(driver.frames().len(), 5);
        assert!(driver.frames().iter().all(|frame| (frame.key == [0; 4]) == (end == End::Server)));
    }
}

#[test]
fn each_frame_has_a_key_of_its_own() {
    let mut driver = Driver::new(End::Client);
    driver.out = 140;
    for _ in 0..few(1000, 30) {
        driver.send(Kind::Binary, b"the same payload", true);
        driver.send(Kind::Text, b"fragment", false);
        driver.send(Kind::Text, b"", true);
        driver.drain(|ws, out| ws.ping(b"ping", out).unwrap());
        driver.frame(0x89, b"pong");
    }
    driver.send(Kind::Binary, &[0; 1000], true); // in many frames
    driver.close(1000, "");
    let frames = driver.frames();
    let keys: HashSet<_> = frames.iter().map(|frame| frame.key).collect();
    assert!(frames.len() > few(5008, 100));
    assert_eq!(keys.len(), frames.len());
}

/// One key is asked for with each frame, when its payload is known and not before.
#[test]
fn keys_come_from_the_callers_entropy() {
    let mut entropy = Counted::default();
    let mut sent = Vec::new();
    let mut frames = 0;
    for n in 0..100usize {
        // The generator outlives the connection; its `&mut` serves as well.
        let asked = entropy.asked;
        let mut ws = Connection::client(FREE, &mut entropy, at(0));
        let mut buf = [0; 64];
        let mut out = Output::new(&mut buf);
        let mut ping = incoming(End::Client, 0x89, b"?");
        assert!(ws.receive(&mut Input::new(&mut ping)).is_ok());
        ws.transmit(&mut out);
        let payload = vec![n as u8; n % 20];
        assert_eq!(ws.send(Kind::Binary, &mut &payload[..], true, &mut out), Ok(true));
        let written = decode(End::Client, out.filled());
        frames += written.len();
        sent.extend(written.iter().map(|frame| frame.key));
        assert_eq!(entropy.asked, asked + 2, "one for the Pong, one for the message");
        assert_eq!(sent.last(), Some(&entropy.last), "what was drawn last is on the wire");
    }
    assert_eq!((frames, sent.into_iter().collect::<HashSet<_>>().len()), (200, 200));
    // Nothing is drawn in advance, or for a call that is refused, or for one that finds no room.
    let asked = entropy.asked;
    let mut ws = Connection::client(FREE, &mut entropy, at(0));
    let mut buf = [0; 7];
    let mut out = Output::new(&mut buf);
    out.put(b"full");
    assert_eq!(ws.send(Kind::Binary, &mut &b"x"[..], true, &mut out), Ok(false));
    assert!(ws.ping(&[0; 126], &mut out).is_err());
    assert_eq!(entropy.asked, asked);
}

/// Whether a type can be the role of a connection: asked of the compiler, which prefers the first constant where its
/// bound holds.
struct Asked<R>(PhantomData<R>);

impl<R: Role> Asked<R> {
    const IS_ROLE: bool = true;
}

trait Otherwise {
    const IS_ROLE: bool = false;
}

impl<R> Otherwise for Asked<R> {}

/// A client without a source of keys does not compile: there is no default to fall back on.
#[test]
fn no_client_without_entropy() {
    struct NoEntropy;
    const { assert!(!Asked::<Client<NoEntropy>>::IS_ROLE && !Asked::<Client<()>>::IS_ROLE) };
    const { assert!(Asked::<Client<TestKeys>>::IS_ROLE && Asked::<Client<&mut TestKeys>>::IS_ROLE) };
    const { assert!(Asked::<Server>::IS_ROLE, "a server needs none") };
}

fn exchange<'s>(store: &'s mut [u8]) -> (Handshake<'s>, String) {
    let request = Request::new("h", "/");
    let mut client = Handshake::new(request, &mut TestKeys::default(), store, &[], at(0)).unwrap();
    let mut buf = [0; 512];
    let mut out = Output::new(&mut buf);
    assert!(client.transmit(&mut out));
    let mut sent = out.filled().to_vec();
    let mut store = [0; 512];
    let mut server = server::Handshake::new(&mut store, &[], at(0));
    assert_eq!(server.receive(&mut Input::new(&mut sent)), Ok(true));
    let mut out = Output::new(&mut buf);
    assert!(server.accept(OriginPolicy::Any).unwrap().transmit(&mut out));
    let answer = String::from_utf8(out.filled().to_vec()).unwrap();
    (client, answer)
}

#[test]
fn a_client_masks_and_checks_the_accept_value() {
    let accept_at = exchange(&mut [0; 512]).1.find("Accept: ").unwrap() + "Accept: ".len();
    for n in thin(0..28, 1) {
        let mut store = [0; 512];
        let (mut client, answer) = exchange(&mut store);
        let mut bytes = answer.into_bytes();
        let byte = &mut bytes[accept_at + n];
        *byte = if *byte == b'A' { b'B' } else { b'A' };
        assert_eq!(client.receive(&mut Input::new(&mut bytes)), Err(Error::Accept), "character {n}");
    }
    let mut store = [0; 512];
    let (mut client, answer) = exchange(&mut store);
    assert_eq!(client.receive(&mut Input::new(&mut answer.into_bytes())), Ok(true));
    let mut driver = Driver::new(End::Client);
    driver.send(Kind::Text, b"in the clear", true);
    assert!(!driver.sent.windows(5).any(|bytes| bytes == b"clear"));
}

/// A script that could write a request of its choice onto the wire could fill a proxy's cache with it.
#[test]
fn the_payload_does_not_choose_the_wire() {
    let request = b"GET /script.js HTTP/1.1\r\nHost: victim\r\n\r\n";
    let mut driver = Driver::new(End::Client);
    let mut seen = HashSet::new();
    for size in [20, 60, 256] {
        driver.out = size;
        for _ in 0..few(500, 20) {
            driver.sent.clear();
            driver.send(Kind::Binary, request, true);
            driver.drain(|ws, out| ws.begin(Kind::Binary, request.len() as u64, true, out).unwrap());
            let mut rest = &request[..];
            driver.drain(|ws, out| ws.payload(&mut rest, out).unwrap());
            assert!(!driver.sent.windows(4).any(|bytes| bytes == b"GET " || bytes == b"HTTP"));
            assert!(seen.insert(driver.sent.clone()), "the same payload gave the same bytes");
        }
    }
}

#[test]
fn another_version_is_refused_and_the_connection_closed() {
    for version in ["0", "8", "12", "14", "1337", "013", "13, 8", "", "x"] {
        let mut request = format!(
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: {version}\r\n\r\n"
        )
        .into_bytes();
        let mut store = [0; 512];
        let mut server = server::Handshake::new(&mut store, &[], at(0));
        assert_eq!(server.receive(&mut Input::new(&mut request)), Ok(true));
        let refusal = server.accept(OriginPolicy::Any).unwrap_err();
        let mut buf = [0; 512];
        let mut out = Output::new(&mut buf);
        assert!(refusal.response().transmit(&mut out));
        let answer = core::str::from_utf8(out.filled()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 426 ") && !answer.contains(" 101 "), "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"));
        assert!(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"));
    }
}
