//! Every call, dropped at every await: nothing is lost, nothing comes twice, and no frame is torn.
//!
//! A conversation runs over a scripted stream that is not ready before any byte it likes. Each future is polled once and
//! dropped; the call is then made again. What was read, and what was said, has to be that of a smooth run.

mod common;

use common::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT, close_body, decode, frame, said};
use common::{Pause, Plan, REQUEST, SMOOTH, Script, with_timers};
use std::io::ErrorKind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_echo::{WebSocket, accept};
use ws_core::handshake::OriginPolicy;
use ws_core::{CloseCode, Config, Connection, Kind, ReadyState, Server};

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

/// Bytes of each buffer; much of what follows is longer.
const BUFFER: usize = 200;

/// What the peer says: all kinds of frames, in all kinds of pieces.
fn incoming() -> Vec<u8> {
    let frames: [(u8, &[u8]); 9] = [
        (0x01, b"h\xc3"),
        (PING, b"p1"),
        (0x80, b"\xa9"),
        (BINARY, &[7; 130]),
        (PING, b"p2"),
        (PING, &[3; 125]), // its Pong has to wait for the other
        (TEXT, b"third"),
        (BINARY, &[9; 300]), // nobody reads it
        (CLOSE, &[3, 232, b'b', b'y', b'e']),
    ];
    frames.iter().flat_map(|(b0, payload)| frame(true, *b0, payload)).collect()
}

fn long() -> Vec<u8> {
    (0..700).map(|i| b'a' + (i % 23) as u8).collect()
}

fn run(plan: Plan) -> Seen {
    let mut stream = Script::new(plan, incoming());
    let ws = Connection::server(Config::DEFAULT, ws_core::Instant::from_millis(0));
    let mut ws = WebSocket::new(&mut stream, ws, vec![0; BUFFER].into(), 0..0);
    let mut read = Vec::new();
    for _ in 0..2 {
        read.push(message(&mut ws));
    }
    let long = long();
    let mut rest = long.as_slice();
    dropping!(ws.sender.send(Kind::Text, &mut rest, true)).unwrap();
    let mut rest: &[u8] = b"";
    dropping!(ws.sender.send(Kind::Binary, &mut rest, true)).unwrap();
    dropping!(ws.sender.flush()).unwrap();
    // An echo, piece by piece.
    let mut echoed = (TEXT, Vec::new());
    loop {
        let (chunk, sender) = dropping!(ws.receive()).unwrap().unwrap();
        assert_eq!(chunk.kind, Kind::Text);
        let mut rest: &[u8] = chunk.payload;
        dropping!(sender.send(chunk.kind, &mut rest, chunk.last)).unwrap();
        assert!(rest.is_empty());
        echoed.1.extend_from_slice(chunk.payload);
        if chunk.last {
            break;
        }
    }
    read.push(echoed);
    dropping!(ws.close(CloseCode::NORMAL, "done")).unwrap();
    assert!(ws.sender.ws.was_clean());
    assert_eq!(ws.sender.ws.close_reason(), "bye");
    assert_eq!(ws.sender.ws.ready_state(), ReadyState::Closed);
    assert!(dropping!(ws.receive()).unwrap().is_none(), "the end stays the end");
    assert!(stream.is_shut);
    assert_eq!(stream.at, stream.input.len());
    let (frames, torn) = decode(false, &stream.output);
    assert_eq!(torn, 0);
    (read, said(frames))
}

/// The next whole message.
fn message(ws: &mut WebSocket<&mut Script, Server>) -> Frame {
    let mut whole = Vec::new();
    loop {
        let (chunk, _) = dropping!(ws.receive()).unwrap().unwrap();
        whole.extend_from_slice(chunk.payload);
        if chunk.last {
            return (if chunk.kind == Kind::Text { TEXT } else { BINARY }, whole);
        }
    }
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
fn dropped_before_any_byte_nothing_is_lost() {
    with_timers(|| {
        assert_eq!(run(SMOOTH), expected());
        let written = 1200; // not less than is written in all
        let reads = (0..=incoming().len()).map(Pause::Read);
        for pause in reads.chain((0..written).map(Pause::Write)) {
            let plan = Plan { pause, ..SMOOTH };
            assert!(run(plan) == expected(), "{plan:?}");
        }
    });
}

#[test]
fn dropped_at_every_await_nothing_is_lost() {
    with_timers(|| {
        for size in (1..=BUFFER).chain([usize::MAX]) {
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
    let mut rest = long.as_slice(); // what is left of it, however often the call is made
    let begun = Instant::now();
    let error = loop {
        tokio::select! {
            sent = ws.sender.send(Kind::Binary, &mut rest, true) => break sent.unwrap_err(),
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

/// A Pong that came in time counts, though nobody looked for it then, and though it lies behind more than one read.
#[tokio::test(start_paused = true)]
async fn a_caller_may_be_away_for_long() {
    let (mut peer, stream) = tokio::io::duplex(1024);
    let ws = Connection::server(Config::DEFAULT, ws_core::Instant::from_millis(0));
    let mut ws = WebSocket::new(stream, ws, vec![0; 16].into(), 0..0);
    let waiting = timeout(Duration::from_secs(31), ws.receive()).await;
    assert!(waiting.is_err(), "a Ping goes out, and nothing comes");
    let mut ping = [0; 6];
    peer.read_exact(&mut ping).await.unwrap();
    assert_eq!(ping[0], PING);
    peer.write_all(&[frame(true, TEXT, &[b'x'; 100]), frame(true, PONG, &ping[2..])].concat()).await.unwrap();
    sleep(Duration::from_secs(1000)).await;
    while !ws.receive().await.unwrap().unwrap().0.last {}
    let waiting = timeout(Duration::from_secs(9), ws.receive()).await;
    assert!(waiting.is_err(), "it goes on");
    assert!(ws.sender.ws.round_trip().is_some());
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
    peer.read_to_end(&mut all).await.unwrap();
    assert!(all.ends_with(&frame(false, CLOSE, &close_body(1002, ""))));
}

/// What came before the offending byte is lent first, and may be answered.
#[tokio::test(start_paused = true)]
async fn a_valid_piece_before_a_broken_rule_is_echoed() {
    let (mut peer, mut ws) = open().await;
    peer.write_all(&frame(true, TEXT, b"good\xff")).await.unwrap();
    assert_eq!(ws.receive().await.unwrap().unwrap().0.payload, b"glued");
    let (chunk, sender) = ws.receive().await.unwrap().unwrap();
    assert_eq!((&*chunk.payload, chunk.last), (&b"good"[..], false));
    sender.send(chunk.kind, &mut &*chunk.payload, chunk.last).await.unwrap();
    assert_eq!(ws.receive().await.map(drop).unwrap_err().kind(), ErrorKind::InvalidData);
    drop(ws);
    let mut all = Vec::new();
    peer.read_to_end(&mut all).await.unwrap();
    assert!(
        all.ends_with(&[frame(false, 0x01, b"good"), frame(false, CLOSE, &close_body(1007, ""))].concat())
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_drips_is_refused_at_the_deadline() {
    let (mut peer, stream) = tokio::io::duplex(1024);
    let dripping = tokio::spawn(async move {
        let (mut reading, mut writing) = tokio::io::split(&mut peer);
        let mut all = Vec::new();
        tokio::select! {
            _ = reading.read_to_end(&mut all) => {}
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
