//! What the tests share: [`Ws`], a connection of either role; [`Driver`], which feeds it and drains it; frames as the
//! peer writes them, and a decoder, independent of the library's, for the frames that were sent.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

pub(crate) mod cases;
mod rng;
pub(crate) mod tables;
mod wire;
mod ws;

pub(crate) use cases::{few, thin};
pub(crate) use rng::Rng;
pub(crate) use wire::{Frame, LENGTHS, decode, decode_one, incoming, key_of, script};
pub(crate) use ws::{ENDS, End, FREE, TestKeys, Ws, at, ms};

use ws_core::{CloseCode, Config, Event, Input, Instant, Kind, Output, PeerError};

/// What came out of `receive`. Pieces of a message that follow each other are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Data(Kind, Vec<u8>, Last),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Failed(PeerError),
}

/// Whether the message ended with the piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    No,
    Yes,
}

/// A whole message.
pub(crate) fn text(s: &str) -> Seen {
    Seen::Data(Kind::Text, s.into(), Last::Yes)
}

/// A whole message.
pub(crate) fn binary(b: &[u8]) -> Seen {
    Seen::Data(Kind::Binary, b.into(), Last::Yes)
}

/// A part of a text, the end of which was not seen.
pub(crate) fn part_of_text(b: &[u8]) -> Seen {
    Seen::Data(Kind::Text, b.into(), Last::No)
}

/// Feeds a connection, takes down what it says, writes what it owes; checks with each call what holds for all input.
pub(crate) struct Driver {
    pub(crate) end: End,
    pub(crate) ws: Ws,
    /// Size of the output lent to `transmit`.
    pub(crate) out: usize,
    pub(crate) seen: Vec<Seen>,
    pub(crate) sent: Vec<u8>,
    in_message: bool,
    remaining: u64,
}

impl Driver {
    pub(crate) fn new(end: End) -> Self {
        Self::with(end, FREE)
    }

    pub(crate) fn with(end: End, config: Config) -> Self {
        Self::starting(end, config, at(0))
    }

    pub(crate) fn starting(end: End, config: Config, now: Instant) -> Self {
        let ws = Ws::new(end, config, now);
        Self { end, ws, out: 256, seen: Vec::new(), sent: Vec::new(), in_message: false, remaining: 0 }
    }

    /// Receives `piece` and transmits what is owed for it.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> &mut Self {
        self.receive(piece);
        self.flush();
        self
    }

    /// A frame of the peer's.
    pub(crate) fn frame(&mut self, b0: u8, payload: &[u8]) -> &mut Self {
        self.feed(&incoming(self.end, b0, payload))
    }

    /// Receives `piece`; transmits only what is in the way of it.
    pub(crate) fn receive(&mut self, piece: &[u8]) {
        let mut buf = piece.to_vec();
        let mut input = Input::new(&mut buf);
        let failed = self.failed();
        for _ in 0..2 * piece.len() + 4 {
            let before = input.rest().len();
            match self.ws.receive(&mut input) {
                Ok(None) if input.is_empty() => return,
                Ok(None) => {
                    assert!(
                        self.ws.wants_transmit(),
                        "stuck with {before} bytes left, and nothing to transmit"
                    );
                    self.flush();
                }
                Ok(Some(event)) => {
                    assert_eq!(failed, None, "{event:?} behind an error");
                    assert!(!matches!(self.seen.last(), Some(Seen::Close(..))), "{event:?} behind a Close");
                    self.note(event);
                }
                Err(error) => {
                    match self.failed() {
                        None => self.seen.push(Seen::Failed(error)),
                        Some(first) => assert_eq!(error, first, "the error is not to change"),
                    }
                    if input.is_empty() {
                        return;
                    }
                }
            }
        }
        panic!("more than 2 * {} + 4 steps", piece.len());
    }

    fn note(&mut self, event: Event<'_>) {
        let control = self.ws.control().to_vec();
        let seen = match event {
            Event::Data(data) => {
                assert_eq!(data.first, !self.in_message, "`first` says if a piece came before");
                if self.remaining != 0 {
                    assert_eq!(
                        self.remaining,
                        data.remaining + data.payload.len() as u64,
                        "`remaining` counts down"
                    );
                }
                assert!(!data.last || data.remaining == 0, "the last piece leaves nothing to come");
                self.remaining = data.remaining;
                self.in_message = !data.last;
                let last = if data.last { Last::Yes } else { Last::No };
                if let Some(Seen::Data(kind, bytes, open @ Last::No)) = self.seen.last_mut()
                    && !data.first
                {
                    assert_eq!(*kind, data.kind, "all pieces of a message are of a kind");
                    bytes.extend_from_slice(data.payload);
                    *open = last;
                    return;
                }
                Seen::Data(data.kind, data.payload.to_vec(), last)
            }
            Event::Ping => Seen::Ping(control),
            Event::Pong => Seen::Pong(control),
            Event::Close(code) => Seen::Close(code.map(CloseCode::get), self.ws.close_reason().into()),
            event => panic!("{event:?} is not known to the tests"),
        };
        self.seen.push(seen);
    }

    /// The error that was seen.
    pub(crate) fn failed(&self) -> Option<PeerError> {
        self.seen.iter().find_map(|seen| if let Seen::Failed(error) = seen { Some(*error) } else { None })
    }

    /// Transmits all that is owed, in outputs of the size set.
    pub(crate) fn flush(&mut self) {
        if !self.ws.wants_transmit() {
            return;
        }
        let mut buf = vec![0; self.out];
        let before = self.sent.len();
        while self.ws.wants_transmit() {
            assert!(self.sent.len() < before + 160, "more than a Pong, a Ping and a Close");
            let mut out = Output::new(&mut buf);
            let n = self.ws.transmit(&mut out);
            assert_eq!(n, out.filled().len());
            assert!(n > 0, "wants to transmit and does not");
            self.sent.extend_from_slice(out.filled());
        }
    }

    /// Sends a whole message through outputs of the size set.
    pub(crate) fn send(&mut self, kind: Kind, payload: &[u8], last: bool) {
        let mut rest = payload;
        self.drain(|ws, out| ws.send(kind, &mut rest, last, out).unwrap());
    }

    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        let code = (code != 0).then(|| CloseCode::new(code).unwrap());
        self.drain(|ws, out| ws.close(code, reason, out).unwrap());
    }

    /// Repeats a call until it is done, each time with an empty output.
    pub(crate) fn drain(&mut self, mut call: impl FnMut(&mut Ws, &mut Output<'_>) -> bool) {
        let mut buf = vec![0; self.out];
        for _ in 0..1_000_000 {
            let mut out = Output::new(&mut buf);
            let done = call(&mut self.ws, &mut out);
            self.sent.extend_from_slice(out.filled());
            if done {
                return;
            }
            assert!(!out.is_empty(), "asks for an empty output again and again");
        }
        panic!("does not end");
    }

    /// The frames sent so far.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        decode(self.end, &self.sent)
    }

    /// The frames sent so far, without their keys: first byte and payload.
    pub(crate) fn replies(&self) -> Vec<(u8, Vec<u8>)> {
        self.frames().into_iter().map(|frame| (frame.b0, frame.payload)).collect()
    }
}

/// What an end sees of `script`, given as a whole, and what it sends.
pub(crate) fn run(end: End, config: Config, script: &[u8]) -> Driver {
    let mut driver = Driver::with(end, config);
    driver.feed(script);
    driver
}
