//! Both roles, so that one test serves for both; and [`Peer`], the other end, made of plain frames.

use embassy_time::Instant;
use embedded_io_async::{Read as _, Write as _};
use ws_core::{Connection, Role};
use ws_embassy::compression::CodecFor;
use ws_embassy::{Client, Entropy, Options, Plain, Server, WebSocket, io};

use crate::common::clock;
use crate::common::frames::Frame;
use crate::common::random::Random;
use crate::common::run::Executor;
use crate::pipe::{Pace, Pipe, Sink, Source};

/// A WebSocket over a transport in memory.
pub(crate) type Ws<'b, S> = WebSocket<'b, io::Reader<'b, Source>, io::Writer<'b, Sink>, S>;

/// Chance from a seed. Good enough for tests, and for nothing else.
pub(crate) struct Seeded(Random);

impl Seeded {
    pub(crate) const fn new() -> Self {
        Self(Random::new(7))
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.next() as u8);
    }
}

pub(crate) trait Side: Role + Sized {
    const IS_CLIENT: bool;
    fn connection(options: &Options) -> Connection<Self>;
}

impl Side for Server {
    const IS_CLIENT: bool = false;
    fn connection(options: &Options) -> Connection<Self> {
        Connection::server(options.config, now())
    }
}

impl Side for Client<Seeded> {
    const IS_CLIENT: bool = true;
    fn connection(options: &Options) -> Connection<Self> {
        Connection::client(options.config, Seeded::new(), now())
    }
}

fn now() -> ws_core::Instant {
    ws_core::Instant::from_millis(Instant::now().as_millis())
}

/// Runs a test for both roles.
macro_rules! both_sides {
    ($($name:ident)*) => {
        mod server {
            $(#[test] fn $name() { super::$name::<ws_embassy::Server>(); })*
        }
        mod client {
            $(#[test] fn $name() { super::$name::<ws_embassy::Client<crate::side::Seeded>>(); })*
        }
    };
}
pub(crate) use both_sides;

/// The two directions of a transport.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) to_us: Pipe,
    pub(crate) to_peer: Pipe,
}

impl Line {
    /// With room for so many bytes each way.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { to_us: Pipe::new(capacity), to_peer: Pipe::new(capacity) }
    }

    /// Our end, open.
    pub(crate) fn open<'b, S: Side>(
        &self,
        paces: (Pace, Pace),
        (read, write): (&'b mut [u8], &'b mut [u8]),
        options: &Options,
    ) -> Ws<'b, S> {
        self.open_with(paces, (read, write), options, Plain)
    }

    /// The same, behind a handshake that agreed on what the codec has begun.
    pub(crate) fn open_with<'b, S: Side>(
        &self,
        paces: (Pace, Pace),
        (read, write): (&'b mut [u8], &'b mut [u8]),
        options: &Options,
        codec: impl CodecFor<'b>,
    ) -> Ws<'b, S> {
        let reader = io::Reader::new(self.to_us.source(paces.0), read);
        let writer = io::Writer::new(self.to_peer.sink(paces.1), write);
        WebSocket::new(reader, writer, S::connection(options), options, codec)
    }

    /// The same line, as the other end sees it.
    pub(crate) fn mirror(&self) -> Self {
        Self { to_us: self.to_peer.clone(), to_peer: self.to_us.clone() }
    }

    /// The other end, of a peer whose other end is an `S`.
    pub(crate) fn peer<S: Side>(&self) -> Peer {
        Peer {
            source: self.to_peer.source(Pace::Ready),
            sink: self.to_us.sink(Pace::Ready),
            surplus: Vec::new(),
            masks: !S::IS_CLIENT,
        }
    }
}

/// A peer that obeys no rule by itself: what it sends is up to the test.
pub(crate) struct Peer {
    source: Source,
    sink: Sink,
    surplus: Vec<u8>,
    masks: bool,
}

impl Peer {
    /// Sends a frame as this peer's role has to.
    pub(crate) async fn send(&mut self, frame: Frame) {
        self.write(&encode(frame, self.masks)).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.sink.write_all(bytes).await.expect("a pipe takes all");
    }

    /// Waits for a frame, whole.
    pub(crate) async fn receive(&mut self) -> Frame {
        self.receive_or_end().await.expect("a frame before the end")
    }

    /// The same; `None` at the end of the transport.
    pub(crate) async fn receive_or_end(&mut self) -> Option<Frame> {
        loop {
            if let Some((mut frame, n)) = Frame::decode(&self.surplus) {
                self.surplus.drain(..n);
                assert_eq!(frame.mask.take().is_some(), !self.masks, "a client masks, a server does not");
                return Some(frame);
            }
            let mut buf = [0; 512];
            let n = self.source.read(&mut buf).await.expect("a pipe gives all");
            if n == 0 {
                assert!(self.surplus.is_empty(), "a torn frame at the end");
                return None;
            }
            self.surplus.extend(&buf[..n]);
        }
    }
}

/// The bytes of a frame, as one who masks sends it, or as one who does not.
pub(crate) fn encode(frame: Frame, masks: bool) -> Vec<u8> {
    if masks { frame.masked().encode() } else { frame.encode() }
}

/// All frames that an `S` has written, down to the last byte.
///
/// # Panics
///
/// If one is torn, or masked as it must not be.
pub(crate) fn frames<S: Side>(bytes: &[u8]) -> Vec<Frame> {
    let frames = frames_any::<S>(bytes);
    assert!(frames.iter().all(|frame| !frame.rsv1), "no compression was agreed on");
    frames
}

/// The same of an `S` that may compress.
pub(crate) fn frames_any<S: Side>(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (mut frame, n) = Frame::decode_any(bytes).expect("no frame is torn");
        assert_eq!(frame.mask.take().is_some(), S::IS_CLIENT, "a client masks, a server does not");
        frames.push(frame);
        bytes = &bytes[n..];
    }
    frames
}

/// The messages among frames: opcode and payload; control frames may stand anywhere.
///
/// # Panics
///
/// If the fragments are out of order (RFC 6455 5.4), or one is missing at the end.
pub(crate) fn messages(frames: &[Frame]) -> Vec<(u8, Vec<u8>)> {
    let (mut messages, mut open) = (Vec::new(), None);
    for frame in frames.iter().filter(|frame| frame.opcode < 8) {
        let (opcode, mut payload) = match (open.take(), frame.opcode) {
            (Some(begun), 0) => begun,
            (None, opcode @ 1..) => (opcode, Vec::new()),
            (begun, opcode) => panic!("opcode {opcode} behind {begun:?}"),
        };
        payload.extend(&frame.payload);
        if frame.fin {
            messages.push((opcode, payload));
        } else {
            open = Some((opcode, payload));
        }
    }
    assert_eq!(open, None, "an unfinished message");
    messages
}

/// The control frames among frames.
pub(crate) fn controls(frames: &[Frame]) -> Vec<Frame> {
    frames.iter().filter(|frame| frame.opcode >= 8).cloned().collect()
}

/// Runs `future` with a virtual clock of its own, from zero on.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let _clock = clock::take();
    Executor::new().run(future)
}

/// Runs the same by a clock that begins at zero, and by one that wraps 10 s after the beginning: `ws-core` keeps 32 bits of
/// milliseconds. `since` of the argument is the time since the beginning, in milliseconds.
pub(crate) fn run_at_both_times<F: Future<Output = ()>>(future: impl Fn(Start) -> F) {
    let wrap = Instant::from_millis((1 << 32) - 10_000);
    for start in [Instant::from_ticks(0), wrap] {
        let _clock = clock::take();
        let executor = Executor::new();
        executor.set_limit(embassy_time::Duration::from_secs(100 * 24 * 3600));
        executor.run(embassy_time::Timer::at(start));
        executor.run(future(Start(Instant::now())));
    }
}

/// When a test began.
#[derive(Clone, Copy)]
pub(crate) struct Start(Instant);

impl Start {
    /// Milliseconds since then.
    pub(crate) fn since(self) -> u64 {
        (Instant::now() - self.0).as_millis()
    }
}
