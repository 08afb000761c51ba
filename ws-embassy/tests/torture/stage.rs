//! One run of a conversation over a [`Wire`]: what it stands on, as a server or a client, and what is left of it.

use std::fmt;
use std::pin::Pin;

use embassy_time::{Duration, Instant};
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use ws_core::Role;
use ws_core::connection::CompressionBuffers;
use ws_core::deflate::Effort;
use ws_core::handshake::client::Request;
use ws_embassy::{
    Client, CloseCode, Entropy, Error, Kind, MessageBuffer, Options, OriginPolicy, Plain, Server, WebSocket,
    accept, connect, io,
};

use crate::common::clock;
use crate::common::deflate::{Inflater, inflated_so_far};
use crate::common::random::Random;
use crate::common::run::Executor;
use crate::wire::{Call, Fault, Turn, Wire, frames_of, split};

pub(crate) type Failure = Error<ErrorKind>;

/// Messages, byte by byte, so that a beginning can be compared.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard(Vec<Token>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Begin(u8),
    Byte(u8),
    End,
}

impl Heard {
    pub(crate) fn piece(&mut self, kind: Kind, payload: &[u8], first: bool, last: bool) {
        let opcode = if kind == Kind::Text { 1 } else { 2 };
        self.0.extend(first.then_some(Token::Begin(opcode)));
        self.0.extend(payload.iter().copied().map(Token::Byte));
        self.0.extend(last.then_some(Token::End));
    }

    pub(crate) fn starts_with(&self, beginning: &Self) -> bool {
        self.0.starts_with(&beginning.0)
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|token| match token {
            Token::Begin(opcode) => write!(f, "{opcode}<"),
            Token::Byte(byte) => write!(f, "{}", byte.escape_ascii()),
            Token::End => write!(f, ">"),
        })
    }
}

/// A conversation.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// What the peer does.
    pub(crate) turns: &'static [Turn],
    pub(crate) is_client: bool,
    pub(crate) play: for<'p> fn(Wire, &'p mut Heard) -> Play<'p>,
}

pub(crate) type Play<'p> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'p>>;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<(), Failure>,
    pub(crate) heard: Heard,
    /// The messages that were sent, as far as they go, inflated; and the control frames.
    pub(crate) said: Heard,
    pub(crate) controls: Vec<(u8, Vec<u8>)>,
    pub(crate) head: String,
    /// A frame is cut at the end of what was sent.
    pub(crate) is_torn: bool,
    pub(crate) took: Duration,
    pub(crate) calls: usize,
    pub(crate) failed: Vec<Call>,
    pub(crate) is_done: bool,
}

/// Longer than any deadline, and than all of them together.
const TIME_MAX: Duration = Duration::from_secs(120);

pub(crate) fn run(scene: &Scene, faults: &[Fault]) -> Outcome {
    let _clock = clock::take();
    let executor = Executor::new();
    executor.set_limit(TIME_MAX);
    let wire = Wire::new(scene.turns, !scene.is_client, faults);
    let mut heard = Heard::default();
    let result = executor.run((scene.play)(wire.clone(), &mut heard));
    let took = Instant::now() - Instant::from_ticks(0);
    assert_eq!(wire.handles(), 0, "somebody still holds the transport");
    let state = wire.state();
    assert_eq!(state.vain, [], "calls of what had failed already");
    let (head, bytes) = split(&state.output);
    let (frames, rest) = frames_of(bytes);
    let mut outcome = Outcome {
        result,
        heard,
        said: Heard::default(),
        controls: Vec::new(),
        head: String::from_utf8_lossy(head).into_owned(),
        is_torn: rest > 0,
        took,
        calls: state.calls,
        failed: state.failed.clone(),
        is_done: state.is_done(),
    };
    let (mut message, mut is_compressed, mut opcode) = (Vec::new(), false, 0);
    for frame in frames {
        assert_eq!(frame.mask.is_some(), scene.is_client, "a client masks, a server does not");
        if frame.opcode >= 8 {
            outcome.controls.push((frame.opcode, frame.payload));
            continue;
        }
        assert_eq!(frame.opcode == 0, opcode != 0, "a message begins where another ends: {frame:?}");
        if opcode == 0 {
            (message, is_compressed, opcode) = (Vec::new(), frame.rsv1, frame.opcode);
        }
        message.extend(frame.payload);
        if frame.fin {
            let whole = if is_compressed { Inflater::new(false).inflate(&message) } else { message };
            outcome.said.piece(kind(opcode), &whole, true, true);
            (message, opcode) = (Vec::new(), 0);
        }
    }
    if opcode != 0 {
        let part = if is_compressed { inflated_so_far(&message) } else { message };
        outcome.said.piece(kind(opcode), &part, true, false);
    }
    outcome
}

const fn kind(opcode: u8) -> Kind {
    if opcode == 1 { Kind::Text } else { Kind::Binary }
}

/// One half of a transport of two, or of one piece.
pub(crate) enum End<'d> {
    Own(Wire),
    Half(io::Half<'d, Wire>),
}

impl ErrorType for End<'_> {
    type Error = ErrorKind;
}

impl Read for End<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        match self {
            Self::Own(wire) => wire.read(buf).await,
            Self::Half(half) => half.read(buf).await,
        }
    }
}

impl Write for End<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        match self {
            Self::Own(wire) => wire.write(buf).await,
            Self::Half(half) => half.write(buf).await,
        }
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        match self {
            Self::Own(wire) => wire.flush().await,
            Self::Half(half) => half.flush().await,
        }
    }
}

pub(crate) type Ws<'b, R> = WebSocket<'b, io::Reader<'b, End<'b>>, io::Writer<'b, End<'b>>, R>;

/// How the ends are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Plain,
    Deflated,
    /// Of one piece.
    Duplex,
}

type Memory = CompressionBuffers<512, 512, 128, 512, 1024>;

/// So small that there are many calls.
struct Room {
    read: [u8; 48],
    write: [u8; 48],
    head: [u8; 512],
}

impl Room {
    const fn new() -> Self {
        Self { read: [0; 48], write: [0; 48], head: [0; 512] }
    }
}

pub(crate) struct Seeded(Random);

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.next() as u8);
    }
}

pub(crate) async fn as_server(
    wire: Wire,
    heard: &mut Heard,
    shape: Shape,
    talk: impl AsyncFnOnce(&mut Ws<'_, Server>, &mut Heard) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let duplex = io::Duplex::new(wire.clone());
    let (mut room, mut memory) = (Room::new(), Memory::new());
    let mut compression = memory.compression(Effort::QUICK);
    let (rx, tx) = ends(&wire, &duplex, shape);
    let (reader, writer) = (io::Reader::new(rx, &mut room.read), io::Writer::new(tx, &mut room.write));
    let (options, origin) = (&Options::DEFAULT, OriginPolicy::SameOrigin);
    let mut ws = match shape {
        Shape::Deflated => accept(reader, writer, options, origin, &mut room.head, &mut compression).await?,
        _ => accept(reader, writer, options, origin, &mut room.head, Plain).await?,
    };
    let result = talk(&mut ws, heard).await;
    assert_over(&mut ws, &wire, result).await
}

pub(crate) async fn as_client(
    wire: Wire,
    heard: &mut Heard,
    shape: Shape,
    talk: impl AsyncFnOnce(&mut Ws<'_, Client<Seeded>>, &mut Heard) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let duplex = io::Duplex::new(wire.clone());
    let (mut room, mut memory) = (Room::new(), Memory::new());
    let mut compression = memory.compression(Effort::QUICK);
    let (rx, tx) = ends(&wire, &duplex, shape);
    let (reader, writer) = (io::Reader::new(rx, &mut room.read), io::Writer::new(tx, &mut room.write));
    let (options, entropy) = (&Options::DEFAULT, Seeded(Random::new(7)));
    let request = Request::new("host", "/");
    let (mut ws, _) = match shape {
        Shape::Deflated => {
            connect(reader, writer, options, request, entropy, &mut room.head, &mut compression).await?
        }
        _ => connect(reader, writer, options, request, entropy, &mut room.head, Plain).await?,
    };
    let result = talk(&mut ws, heard).await;
    assert_over(&mut ws, &wire, result).await
}

fn ends<'d>(wire: &Wire, duplex: &'d io::Duplex<Wire>, shape: Shape) -> (End<'d>, End<'d>) {
    if shape == Shape::Duplex {
        let (rx, tx) = duplex.halves();
        return (End::Half(rx), End::Half(tx));
    }
    (End::Own(wire.clone()), End::Own(wire.clone()))
}

/// What has ended has ended: whatever is called fails, and the transport is not called any more.
async fn assert_over<R: Role>(
    ws: &mut Ws<'_, R>,
    wire: &Wire,
    result: Result<(), Failure>,
) -> Result<(), Failure> {
    let calls = wire.state().calls;
    for _ in 0..if result.is_err() { 2 } else { 0 } {
        assert!(ws.receive(|_| ()).await.is_err(), "behind {result:?}");
        assert!(ws.read(&mut [0]).await.is_err(), "behind {result:?}");
        assert!(ws.read_message(&mut MessageBuffer::new(&mut [0])).await.is_err(), "behind {result:?}");
        assert!(ws.send(Kind::Text, &mut &b"x"[..], true).await.is_err(), "behind {result:?}");
        assert!(ws.send_text("x").await.is_err(), "behind {result:?}");
        assert!(ws.ping(b"").await.is_err(), "behind {result:?}");
        assert!(ws.close(CloseCode::NORMAL, "").await.is_err(), "behind {result:?}");
        // There may be nothing to flush, and a half to flush it that has not failed.
        if !matches!(result, Err(Error::Lost | Error::TimedOut(_))) {
            assert_eq!(ws.flush().await, Err(Error::Lost), "behind {result:?}");
        }
    }
    if result.is_err() {
        assert_eq!(wire.state().calls, calls, "called again behind {result:?}");
    }
    result
}
