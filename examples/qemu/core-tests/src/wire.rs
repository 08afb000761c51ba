//! Frames as bytes, without the library; and what all tests need: an end under test, keys, a tape of what happened.

use heapless::Vec;
use ws_core::{
    Client, Config, Connection, Entropy, Event, Input, Instant, Kind, Limits, Output, PeerError, Server,
    Timeouts,
};

/// Room for a frame with all that belongs to it.
pub(crate) type Bytes = Vec<u8, 640>;

/// No timers, no limits: what is tested is something else.
pub(crate) const FREE: Config = Config {
    limits: Limits { message: u32::MAX, fragments: u32::MAX, empty_fragments: u8::MAX },
    timeouts: Timeouts::OFF,
};

/// The beginning of all time.
pub(crate) const START: Instant = Instant::from_millis(0);

/// Keys for tests, and for nothing else: anybody can predict them.
pub(crate) struct TestKeys(pub(crate) u32);

impl Entropy for TestKeys {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (self.0 >> 24) as u8;
        }
    }
}

pub(crate) fn server() -> Connection<Server> {
    Connection::server(FREE, START)
}

pub(crate) fn client() -> Connection<Client<TestKeys>> {
    Connection::client(FREE, TestKeys(1), START)
}

/// Who sent a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Client,
    Server,
}

/// The masking key of the frames of [`push_frame`].
pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Appends a frame, masked if a client sends it.
pub(crate) fn push_frame<const N: usize>(to: &mut Vec<u8, N>, from: From, b0: u8, payload: &[u8]) {
    let mask = if from == From::Client { 0x80 } else { 0 };
    to.push(b0).unwrap();
    match payload.len() {
        n @ 0..=125 => to.push(mask | n as u8).unwrap(),
        n => {
            to.push(mask | 126).unwrap();
            to.extend_from_slice(&(n as u16).to_be_bytes()).unwrap();
        }
    }
    if mask == 0 {
        to.extend_from_slice(payload).unwrap();
    } else {
        to.extend_from_slice(&KEY).unwrap();
        to.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

pub(crate) fn frame(from: From, b0: u8, payload: &[u8]) -> Bytes {
    let mut bytes = Bytes::new();
    push_frame(&mut bytes, from, b0, payload);
    bytes
}

/// Some bytes of which no two neighbours are alike.
pub(crate) fn pattern(len: usize) -> Bytes {
    (0..len).map(|i| (i * 7 + i / 64) as u8).collect()
}

/// What an end saw: a letter for each event, with what came along; pieces of a message that follow each other are one.
/// `t` and `b` begin text and binary, `.` ends it, `p` and `q` are Ping and Pong, `c` is a Close.
#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) seen: Bytes,
    pub(crate) failed: Option<PeerError>,
    /// What the end sent by itself.
    pub(crate) sent: Bytes,
}

impl Tape {
    /// Has `ws` receive `piece`, and transmit what it owes through outputs of `size` bytes.
    pub(crate) fn feed<R: ws_core::Role>(&mut self, ws: &mut Connection<R>, piece: &[u8], size: usize) {
        let mut copy: Bytes = Vec::from_slice(piece).unwrap();
        let mut input = Input::new(&mut copy);
        let mut buf = [0; 64];
        loop {
            match ws.receive(&mut input) {
                Ok(Some(event)) => self.note(ws, &event),
                Ok(None) => {}
                Err(error) => self.failed = Some(error),
            }
            while ws.wants_transmit() {
                let mut out = Output::new(&mut buf[..size]);
                ws.transmit(&mut out);
                self.sent.extend_from_slice(out.filled()).unwrap();
            }
            if input.is_empty() || self.failed.is_some() {
                return;
            }
        }
    }

    fn note<R: ws_core::Role>(&mut self, ws: &Connection<R>, event: &Event<'_>) {
        match event {
            Event::Data(data) => {
                if data.first {
                    self.put(if data.kind == Kind::Text { b"t" } else { b"b" });
                }
                self.put(data.payload);
                if data.last {
                    self.put(b".");
                }
            }
            Event::Ping => self.put_with(b"p", ws.control()),
            Event::Pong => self.put_with(b"q", ws.control()),
            Event::Close(_) => self.put_with(b"c", ws.control()),
            _ => self.put(b"?"),
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.seen.extend_from_slice(bytes).unwrap();
    }

    fn put_with(&mut self, letter: &[u8], bytes: &[u8]) {
        self.put(letter);
        self.put(bytes);
    }
}
