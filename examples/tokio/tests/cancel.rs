//! Every call, dropped at every await: nothing is lost, nothing comes twice, and no frame is torn.
//!
//! A conversation runs over a scripted stream that is not ready before any byte it likes. Each future is polled once and
//! dropped; the call is then made again. What was read, and what was said, has to be that of a smooth run.

#[path = "../../../ws-std/tests/common/frames.rs"]
mod frames;

use frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT, close_body, decode, frame, said};
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::{Instant, sleep};
use tokio_echo::{WebSocket, accept};
use ws_core::handshake::OriginPolicy;
use ws_core::{CloseCode, Config, Connection, Kind, ReadyState, Server};

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Where the stream is not ready, once.
#[derive(Clone, Copy, Debug)]
enum Pause {
    Never,
    Read(usize),
    Write(usize),
    /// Before each read, write, flush and shutdown.
    Each,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Bytes that a read brings and a write takes, at most.
    size: usize,
    pause: Pause,
}

const SMOOTH: Plan = Plan { size: usize::MAX, pause: Pause::Never };

#[derive(Debug)]
struct Script {
    plan: Plan,
    input: Vec<u8>,
    at: usize,
    output: Vec<u8>,
    has_paused: bool,
    is_shut: bool,
}

impl Script {
    fn new(plan: Plan, input: Vec<u8>) -> Self {
        Self { plan, input, at: 0, output: Vec::new(), has_paused: false, is_shut: false }
    }

    /// How many of `most` bytes may go over now; `None`: not ready.
    fn ready(&mut self, cx: &Context<'_>, before: Option<usize>, most: usize) -> Option<usize> {
        let is_due = match self.plan.pause {
            Pause::Each => {
                self.has_paused = !self.has_paused;
                self.has_paused
            }
            _ => before == Some(0) && !std::mem::replace(&mut self.has_paused, before == Some(0)),
        };
        if is_due {
            cx.waker().wake_by_ref();
            return None;
        }
        Some(before.filter(|n| *n > 0).unwrap_or(most).min(most).min(self.plan.size))
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = if let Pause::Read(k) = self.plan.pause { k.checked_sub(self.at) } else { None };
        let most = buf.remaining().min(self.input.len() - self.at);
        let Some(n) = self.ready(cx, before, most) else { return Poll::Pending };
        buf.put_slice(&self.input[self.at..][..n]);
        self.at += n;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let at = self.output.len();
        let before = if let Pause::Write(k) = self.plan.pause { k.checked_sub(at) } else { None };
        let Some(n) = self.ready(cx, before, bytes.len()) else { return Poll::Pending };
        assert!(!self.is_shut);
        self.output.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ready(cx, None, 0).map_or(Poll::Pending, |_| Poll::Ready(Ok(())))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ready(cx, None, 0).is_none() {
            return Poll::Pending;
        }
        self.is_shut = true;
        Poll::Ready(Ok(()))
    }
}

/// Makes the call again and again, polls it once each time, and drops it.
macro_rules! dropping {
    ($call:expr) => {{
        let mut drops = 0;
        loop {
            let polled = pin!($call).poll(&mut Context::from_waker(Waker::noop()));
            match polled {
                Poll::Ready(result) => break result,
                Poll::Pending => drops += 1,
            }
            assert!(drops < 100_000, "this never ends");
        }
    }};
}

/// What was read, and what was said.
type Seen = (Vec<Frame>, Vec<Frame>);

/// What the peer says: all kinds of frames, in all kinds of pieces.
fn incoming() -> Vec<u8> {
    let frames: [(u8, &[u8]); 8] = [
        (0x01, b"h\xc3"),
        (PING, b"p1"),
        (0x80, b"\xa9"),
        (BINARY, &[7; 130]),
        (PING, b"p2"),
        (PING, &[3; 125]), // its Pong has to wait for the other
        (TEXT, b"third"),
        (CLOSE, &[3, 232, b'b', b'y', b'e']),
    ];
    frames.iter().flat_map(|(b0, payload)| frame(true, *b0, payload)).collect()
}

/// Larger than the buffer.
fn long() -> Vec<u8> {
    vec![b'l'; 20_000]
}

fn run(plan: Plan) -> Seen {
    let stream = Script::new(plan, incoming());
    let ws = Connection::server(Config::DEFAULT, ws_core::Instant::from_millis(0));
    let mut ws = WebSocket::new(stream, ws, b"");
    let mut read = Vec::new();
    for _ in 0..2 {
        read.push(message(&mut ws));
    }
    let long = long();
    let mut rest = long.as_slice();
    dropping!(ws.send(Kind::Text, &mut rest, true)).unwrap();
    let mut rest: &[u8] = b"";
    dropping!(ws.send(Kind::Binary, &mut rest, true)).unwrap();
    dropping!(ws.flush()).unwrap();
    // An echo, piece by piece.
    let mut echoed = (TEXT, Vec::new());
    loop {
        let (kind, piece, last) = {
            let (chunk, mut sender) = dropping!(ws.receive()).unwrap().unwrap();
            let mut rest: &[u8] = chunk.payload;
            dropping!(sender.send(chunk.kind, &mut rest, chunk.last)).unwrap();
            assert!(rest.is_empty());
            (chunk.kind, chunk.payload.to_vec(), chunk.last)
        };
        assert_eq!(kind, Kind::Text);
        echoed.1.extend(piece);
        if last {
            break;
        }
    }
    read.push(echoed);
    dropping!(ws.close(CloseCode::NORMAL, "done")).unwrap();
    assert!(ws.state().was_clean());
    assert_eq!(ws.state().close_reason(), "bye");
    assert_eq!(ws.state().ready_state(), ReadyState::Closed);
    assert!(dropping!(ws.receive()).unwrap().is_none(), "the end stays the end");
    assert!(ws.stream().is_shut);
    let (frames, torn) = decode(false, &ws.stream().output);
    assert_eq!(torn, 0);
    (read, said(frames))
}

/// The next whole message.
fn message(ws: &mut WebSocket<Script, Server>) -> Frame {
    let mut whole = Vec::new();
    loop {
        let (chunk, _) = dropping!(ws.receive()).unwrap().unwrap();
        whole.extend_from_slice(chunk.payload);
        if chunk.last {
            return (if chunk.kind == Kind::Text { TEXT } else { BINARY }, whole);
        }
    }
}

/// A runtime for its clock, which stands still.
fn with_timers<T>(test: impl FnOnce() -> T) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let _entered = runtime.enter();
    test()
}

fn expected() -> Seen {
    let read = vec![(TEXT, "h\u{e9}".into()), (BINARY, vec![7; 130]), (TEXT, b"third".to_vec())];
    let said = vec![
        (PONG, b"p1".to_vec()),
        (TEXT, long()),
        (BINARY, vec![]),
        (PONG, b"p2".to_vec()),
        (PONG, vec![3; 125]),
        (TEXT, b"third".to_vec()),
        (CLOSE, close_body(1000, "done")),
    ];
    (read, said)
}

#[test]
fn dropped_anywhere_nothing_is_lost() {
    with_timers(|| {
        assert_eq!(run(SMOOTH), expected());
        let written: usize = 20_400; // about: the longest message, and some
        let pauses = (0..=incoming().len()).map(Pause::Read);
        let pauses = pauses
            .chain((0..written).filter(|k| k % 97 == 0 || !(150..20_000).contains(k)).map(Pause::Write));
        for pause in pauses {
            let plan = Plan { pause, ..SMOOTH };
            assert!(run(plan) == expected(), "{plan:?}");
        }
    });
}

#[test]
fn dropped_everywhere_nothing_is_lost() {
    with_timers(|| {
        for size in [1, 2, 7, 1000, usize::MAX] {
            for pause in [Pause::Never, Pause::Each] {
                let plan = Plan { size, pause };
                assert!(run(plan) == expected(), "{plan:?}");
            }
        }
    });
}

async fn open() -> (DuplexStream, WebSocket<DuplexStream, Server>) {
    let (mut peer, stream) = tokio::io::duplex(1024);
    peer.write_all(&[REQUEST, &frame(true, TEXT, b"glued")].concat()).await.unwrap();
    let ws = accept(stream, Config::DEFAULT, OriginPolicy::SameOrigin).await.unwrap();
    (peer, ws)
}

/// Each wait is shorter than any deadline, and each is dropped: the deadlines come all the same.
#[tokio::test(start_paused = true)]
async fn deadlines_are_not_put_off_by_dropping() {
    let (_peer, mut ws) = open().await;
    assert_eq!(ws.receive().await.unwrap().unwrap().0.payload, b"glued");
    let begun = Instant::now();
    let error = loop {
        tokio::select! {
            received = ws.receive() => break received.map(drop).unwrap_err(),
            () = sleep(Duration::from_secs(1)) => {}
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(begun.elapsed().as_secs(), 40, "a Ping after 30 s, 10 s for its Pong");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_given_up_though_calls_are_dropped() {
    let (_peer, mut ws) = open().await;
    let long = vec![0; 100_000];
    let mut rest = long.as_slice();
    let begun = Instant::now();
    let error = loop {
        tokio::select! {
            sent = ws.send(Kind::Binary, &mut rest, true) => break sent.unwrap_err(),
            () = sleep(Duration::from_secs(3)) => {}
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(rest.len() > 50_000, "no more was taken than there is room for");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_closes_is_left() {
    let (_peer, mut ws) = open().await;
    let begun = Instant::now();
    let error = ws.close(CloseCode::NORMAL, "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_leaves_is_lost() {
    let (peer, mut ws) = open().await;
    assert_eq!(ws.receive().await.unwrap().unwrap().0.payload, b"glued");
    drop(peer);
    assert_eq!(ws.receive().await.map(drop).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

/// What it said before it left comes first, though it takes no answer.
#[tokio::test(start_paused = true)]
async fn a_peer_may_leave_right_behind_its_close() {
    let (mut peer, mut ws) = open().await;
    peer.write_all(&frame(true, CLOSE, &close_body(1001, "gone"))).await.unwrap();
    drop(peer);
    assert_eq!(ws.receive().await.unwrap().unwrap().0.payload, b"glued");
    let mut rest: &[u8] = b"into the void";
    ws.send(Kind::Text, &mut rest, true).await.unwrap();
    assert!(ws.receive().await.unwrap().is_none());
    assert_eq!(ws.state().close_reason(), "gone");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_a_rule_is_told() {
    let (mut peer, mut ws) = open().await;
    peer.write_all(&frame(true, 0x83, b"bad")).await.unwrap();
    assert_eq!(ws.receive().await.unwrap().unwrap().0.payload, b"glued");
    let begun = Instant::now();
    let error = ws.receive().await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(begun.elapsed().as_secs() <= 5, "the peer does not leave, and has so long to");
    drop(ws);
    let mut all = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut peer, &mut all).await.unwrap();
    assert!(all.ends_with(&frame(false, CLOSE, &close_body(1002, ""))));
}

/// What came before the offending byte is lent first. Who then fails to send learns why, and the peer does too.
#[tokio::test(start_paused = true)]
async fn a_broken_rule_behind_the_piece_that_is_held_is_the_error() {
    let (mut peer, mut ws) = open().await;
    peer.write_all(&frame(true, TEXT, b"good\xff")).await.unwrap();
    assert_eq!(ws.receive().await.unwrap().unwrap().0.payload, b"glued");
    let (chunk, mut sender) = ws.receive().await.unwrap().unwrap();
    assert_eq!(chunk.payload, b"good");
    let error = sender.send(chunk.kind, &mut &*chunk.payload, chunk.last).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    drop(ws);
    let mut all = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut peer, &mut all).await.unwrap();
    assert!(all.ends_with(&frame(false, CLOSE, &close_body(1007, ""))));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_drips_is_refused_at_the_deadline() {
    let (mut peer, stream) = tokio::io::duplex(1024);
    let dripping = tokio::spawn(async move {
        let (mut reading, mut writing) = tokio::io::split(&mut peer);
        let mut all = Vec::new();
        tokio::select! {
            _ = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut all) => {}
            () = async {
                while writing.write_all(b"x").await.is_ok() {
                    sleep(Duration::from_millis(100)).await;
                }
            } => {}
        }
        String::from_utf8(all).unwrap()
    });
    let begun = Instant::now();
    let error = accept(stream, Config::DEFAULT, OriginPolicy::Any).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!((10..=11).contains(&begun.elapsed().as_secs()));
    assert!(dripping.await.unwrap().starts_with("HTTP/1.1 408 "));
}
