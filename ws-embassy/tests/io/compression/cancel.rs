//! Futures that are dropped while messages are compressed: no byte is lost, no frame torn, each message comes once, whole and
//! in order. As `../cancel.rs` without compression.

use embassy_futures::join::join;
use ws_embassy::{Client, Kind, Options, Server};

use super::{Memory, Sent, inflated, noise, prose};
use crate::cancel::{
    Received, buffers, by_echo, by_read, by_read_message, by_receive, converse, drop_everywhere, flush_all,
    send_all, talk,
};
use crate::common::deflate::deflated;
use crate::common::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT};
use crate::cut::{Cut, When};
use crate::pipe::Pace;
use crate::side::{Line, Seeded, Side, Ws, both_sides, controls, encode, frames_any, run};

both_sides! { receive read read_one_byte read_message send echo send_binary_is_not_torn }

fn receive<S: Side>() {
    sweep::<S, _>(by_receive, is_received);
}

fn read<S: Side>() {
    sweep::<S, _>(by_read::<S, 7>, is_received);
}

fn read_one_byte<S: Side>() {
    sweep::<S, _>(by_read::<S, 1>, is_received);
}

fn read_message<S: Side>() {
    sweep::<S, _>(by_read_message::<S, 300>, is_received);
}

fn send<S: Side>() {
    sweep::<S, _>(by_send, |(), written| {
        let sent = inflated(written.to_vec(), false);
        assert_eq!(sent.iter().map(Sent::is).collect::<Vec<_>>(), outgoing());
        assert!(sent.iter().all(|message| message.compressed.is_some()), "each was sent in two calls");
    });
}

fn echo<S: Side>() {
    sweep::<S, _>(by_echo, |(), written| {
        assert_eq!(inflated(written.to_vec(), false).iter().map(Sent::is).collect::<Vec<_>>(), came());
        assert_eq!(controls(written), answers());
    });
}

fn text() -> String {
    prose(60)
}

/// What the peer sends: messages whole and in fragments, Pings between them, plain ones too, and its Close.
fn incoming() -> Vec<Frame> {
    let text = deflated(text());
    let (begin, rest) = text.split_at(text.len() / 3);
    let (middle, end) = rest.split_at(rest.len() / 2);
    vec![
        Frame::new(TEXT, deflated("hello")).compressed(),
        Frame::new(PING, "a"),
        Frame::new(TEXT, begin).more().compressed(),
        Frame::new(PING, "b"),
        Frame::new(PING, "c"),
        Frame::new(0, middle).more(),
        Frame::new(0, end),
        Frame::binary(deflated([0; 300])).compressed(),
        Frame::text("plain"),
        Frame::binary(deflated([])).compressed(),
        Frame::new(PONG, "nobody asked"),
        Frame::binary(deflated(noise(20))).compressed(),
        Frame::close(1000, "done"),
    ]
}

fn came() -> Vec<(u8, Vec<u8>)> {
    let text = (TEXT, text().into_bytes());
    let (zeros, noise) = ((BINARY, vec![0; 300]), (BINARY, noise(20)));
    vec![(TEXT, b"hello".into()), text, zeros, (TEXT, b"plain".into()), (BINARY, vec![]), noise]
}

/// What is owed for it.
fn answers() -> Vec<Frame> {
    let pong = |payload: &str| Frame::new(PONG, payload);
    vec![pong("a"), pong("b"), pong("c"), Frame::close(1000, "")]
}

fn outgoing() -> Vec<(u8, Vec<u8>)> {
    let (zeros, noise) = ((BINARY, vec![0; 300]), (BINARY, noise(60)));
    vec![(TEXT, text().into()), (BINARY, vec![]), (BINARY, vec![1]), zeros, (TEXT, b"hello".into()), noise]
}

fn sweep<S: Side, T>(session: impl AsyncFn(&mut Ws<'_, S>, &Cut) -> T, check: impl Fn(T, &[Frame])) {
    drop_everywhere(&[(13, 24), (512, 512)], |sizes, paces, when| {
        let (cut, line, mut memory) = (Cut::new(when), Line::new(usize::MAX), Memory::new());
        for frame in incoming() {
            line.to_us.put(&encode(frame, !S::IS_CLIENT));
        }
        let (mut codec, (mut read, mut write)) = (memory.begun::<S>(), buffers(sizes));
        let output = run(async {
            let options = &Options::DEFAULT;
            let mut ws = line.open_with::<S>(paces, (&mut read, &mut write), options, &mut codec);
            session(&mut ws, &cut).await
        });
        check(output, &frames_any::<S>(&line.to_peer.log()));
        cut
    });
}

fn is_received(received: Received, written: &[Frame]) {
    assert_eq!(received.open, None);
    assert_eq!(received.messages, came());
    assert_eq!(written, answers());
}

/// Each message in two pieces.
async fn by_send<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) {
    for (opcode, message) in outgoing() {
        let kind = if opcode == TEXT { Kind::Text } else { Kind::Binary };
        let (a, b) = message.split_at(message.len() / 3);
        for (mut rest, last) in [(a, false), (b, true)] {
            send_all(ws, cut, kind, &mut rest, last).await;
        }
    }
    flush_all(ws, cut).await;
}

/// Not cancel-safe, but what was sent is the beginning of the message, and it can be finished.
fn send_binary_is_not_torn<S: Side>() {
    let message = [&prose(400).into_bytes()[..], &noise(200)].concat();
    let mut lens = Vec::new();
    for n in 1.. {
        let (line, mut memory, cut) = (Line::new(usize::MAX), Memory::new(), Cut::new(When::At(n)));
        let mut codec = memory.begun::<S>();
        let was_dropped = run(async {
            let (mut read, mut write) = ([0; 16], [0; 24]);
            let paces = (Pace::Byte, Pace::Byte);
            let mut ws = line.open_with::<S>(paces, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
            let sent = cut.run(ws.send_binary(&message)).await;
            if sent.is_none() {
                match ws.send(Kind::Binary, &mut &[][..], true).await {
                    Ok(()) => ws.flush().await.expect("open"),
                    other => panic!("{other:?}"),
                }
            }
            ws.send_text("behind it").await.expect("open");
            sent.is_none()
        });
        let mut sent = inflated(frames_any::<S>(&line.to_peer.log()), false);
        assert_eq!(sent.pop().expect("the last").is(), (TEXT, b"behind it".to_vec()));
        let [begun, ..] = &sent[..] else { panic!("nothing was sent") };
        assert!(message.starts_with(&begun.message), "dropped at {n}");
        // At the very end it may have been done.
        assert!(sent.len() == 1 || (begun.message == message && sent[1].message.is_empty()));
        lens.push(begun.message.len());
        if !was_dropped {
            break;
        }
    }
    assert!(lens.len() > 100, "{} await points are no test", lens.len());
    assert!(lens[0] < message.len() && lens.is_sorted() && lens.last() == Some(&message.len()));
}

/// Two ends of ours, each with a task that reads and one that writes, over a pipe of a few bytes; all futures of all four are
/// dropped again and again. Each message may refer to those before it, so that nothing that was lost could be missed.
#[test]
fn both_halves_at_once() {
    for seed in 0..20 {
        let line = Line::new(5 + seed as usize * 7);
        let paces = |n| (Pace::Any(seed + n), Pace::Any(seed + n + 1));
        let cuts: [_; 4] = std::array::from_fn(|n| Cut::new(When::Any(seed * 10 + n as u64)));
        let [(mut ra, mut wa), (mut rb, mut wb)] = [buffers((9, 16)), buffers((1 + seed as usize, 40))];
        let (mut one, mut other) = (Memory::new(), Memory::new());
        let mut one = one.begun_with_takeover::<Server>();
        let mut other = other.begun_with_takeover::<Client<Seeded>>();
        run(async {
            let options = &Options::DEFAULT;
            let mut server = line.open_with::<Server>(paces(1), (&mut ra, &mut wa), options, &mut one);
            let mirror = line.mirror();
            let mut client =
                mirror.open_with::<Client<Seeded>>(paces(3), (&mut rb, &mut wb), options, &mut other);
            let [a, b, c, d] = &cuts;
            join(
                converse(&mut server, (a, b), seed, None),
                converse(&mut client, (c, d), seed + 50, Some(())),
            )
            .await;
        });
        let server = frames_any::<Server>(&line.to_peer.log());
        let client = frames_any::<Client<Seeded>>(&line.to_us.log());
        for (frames, seed) in [(server, seed), (client, seed + 50)] {
            let closes = frames.iter().filter(|frame| frame.opcode == CLOSE);
            assert_eq!(closes.collect::<Vec<_>>(), [&Frame::close(1000, "")]);
            let sent = inflated(frames, true);
            assert_eq!(sent.iter().map(Sent::is).collect::<Vec<_>>(), talk(seed));
            assert!(sent.iter().any(|message| message.compressed.is_some()));
        }
        assert!(cuts.iter().all(|cut| cut.drops() > 5));
    }
}
