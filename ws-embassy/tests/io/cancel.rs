//! What says that it is cancel-safe is dropped at every await point, once and again and again, and made again: no byte is
//! lost, no frame torn, each message comes once, whole and in order.

use std::cell::RefCell;

use embassy_futures::join::join;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use ws_embassy::{Client, CloseCode, Error, Kind, Message, MessageBuffer, Options, Server, UsageError};

use crate::common::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT};
use crate::common::random::Random;
use crate::cut::{Cut, When};
use crate::pipe::Pace;
use crate::side::{Line, Seeded, Side, Ws, both_sides, controls, encode, frames, messages, run};

both_sides! {
    receive read read_one_byte read_message send ping ping_made_again close_of_the_writer close echo
}

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
    sweep::<S, _>(by_read_message::<S, 130>, is_received);
}

fn send<S: Side>() {
    sweep::<S, _>(by_send, |(), _, written| assert_eq!(messages(written), outgoing()));
}

fn ping<S: Side>() {
    sweep::<S, _>(by_ping, |sent, _, written| {
        let mut pings = controls(written).into_iter().peekable();
        for payload in PINGS {
            let came = pings.next_if_eq(&Frame::new(PING, payload)).is_some();
            assert!(came || !sent.contains(&payload), "{payload:?} was sent and did not come");
        }
        assert_eq!(pings.next(), None);
        assert_eq!(messages(written), [(BINARY, b"begun, ended".to_vec())]);
    });
}

fn ping_made_again<S: Side>() {
    sweep::<S, _>(by_ping_again, |(), cut, written| {
        let mut pings = controls(written);
        let all = pings.len() as u64;
        pings.dedup();
        assert_eq!(pings, PINGS.map(|payload| Frame::new(PING, payload)));
        assert!(all - pings.len() as u64 <= cut.drops(), "at most one more for each that was dropped");
    });
}

fn close_of_the_writer<S: Side>() {
    sweep::<S, _>(by_close_of_the_writer, is_closed_by_us);
}

fn close<S: Side>() {
    sweep::<S, _>(by_close, is_closed_by_us);
}

fn echo<S: Side>() {
    sweep::<S, _>(by_echo, |(), _, written| {
        assert_eq!(messages(written), messages(&incoming()));
        assert_eq!(controls(written), answers());
    });
}

/// What the peer sends: messages whole and in fragments, Pings between them and in a row, and its Close.
fn incoming() -> Vec<Frame> {
    let text = "h\u{e9}llo \u{20ac} \u{1f600}".as_bytes();
    vec![
        Frame::text("hello"),
        Frame::new(PING, "a"),
        Frame::new(TEXT, &text[..2]).more(),
        Frame::new(PING, "b"),
        Frame::new(PING, "c"),
        Frame::new(0, &text[2..]),
        Frame::binary(bytes(130)),
        Frame::binary([]),
        Frame::new(PONG, "nobody asked"),
        Frame::binary(bytes(9)),
        Frame::close(1000, "done"),
    ]
}

/// What is owed for it.
fn answers() -> Vec<Frame> {
    let pong = |payload: &str| Frame::new(PONG, payload);
    vec![pong("a"), pong("b"), pong("c"), Frame::close(1000, "")]
}

fn outgoing() -> Vec<(u8, Vec<u8>)> {
    let binary = |n| (BINARY, bytes(n));
    vec![(TEXT, b"hello".into()), binary(0), binary(1), (TEXT, "\u{20ac}".repeat(9).into()), binary(140)]
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + n) as u8).collect()
}

/// Runs a session over every kind of transport, with every kind of drop, and checks what came out and what was written.
fn sweep<S: Side, T>(session: impl AsyncFn(&mut Ws<'_, S>, &Cut) -> T, check: impl Fn(T, &Cut, &[Frame])) {
    let once = |sizes, paces, when| {
        let cut = Cut::new(when);
        let line = Line::new(usize::MAX);
        for frame in incoming() {
            line.to_us.put(&encode(frame, !S::IS_CLIENT));
        }
        let (mut read, mut write) = buffers(sizes);
        let output = run(async {
            let mut ws = line.open::<S>(paces, (&mut read, &mut write), &Options::DEFAULT);
            session(&mut ws, &cut).await
        });
        check(output, &cut, &frames::<S>(&line.to_peer.log()));
        cut
    };
    drop_everywhere(&[(1, 16), (2, 17), (13, 24), (64, 131), (512, 512)], once);
}

/// Runs a session with every kind of drop. `once` runs it with buffers of these sizes, at these paces.
pub(crate) fn drop_everywhere(
    all_sizes: &[(usize, usize)],
    once: impl Fn((usize, usize), (Pace, Pace), When) -> Cut,
) {
    for sizes in [(1, 16), (64, 21)] {
        let waits = once(sizes, (Pace::Byte, Pace::Byte), When::Never).waits();
        assert!(waits > 20, "{waits} await points are no test");
        for n in 1..=waits {
            assert_eq!(once(sizes, (Pace::Byte, Pace::Byte), When::At(n)).drops(), 1, "at {n} of {waits}");
        }
    }
    for &sizes in all_sizes {
        for seed in 0..20 {
            for when in [When::Any(seed), When::Each(seed + 1)] {
                once(sizes, (Pace::Any(seed), Pace::Any(seed + 100)), when);
            }
        }
        for millis in 1..=15 {
            let cut = once(sizes, (Pace::Late(5), Pace::Late(7)), When::Timer(millis));
            assert!(millis >= 5 || cut.drops() > 0, "a timer of {millis} ms drops nothing");
        }
    }
}

pub(crate) fn buffers((read, write): (usize, usize)) -> (Vec<u8>, Vec<u8>) {
    (vec![0; read], vec![0; write])
}

/// What a session received: whole messages, put together from their pieces.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) messages: Vec<(u8, Vec<u8>)>,
    pub(crate) open: Option<(u8, Vec<u8>)>,
    pieces: usize,
}

impl Received {
    pub(crate) fn push(&mut self, kind: Kind, (first, last): (bool, bool), payload: &[u8]) {
        assert_eq!(first, self.open.is_none(), "a piece is the first, or belongs to the one before");
        let message = self.open.get_or_insert_with(|| (opcode(kind), Vec::new()));
        assert_eq!(message.0, opcode(kind));
        message.1.extend(payload);
        self.pieces += 1;
        if last {
            self.messages.extend(self.open.take());
        }
    }
}

pub(crate) fn opcode(kind: Kind) -> u8 {
    if kind == Kind::Text { TEXT } else { BINARY }
}

fn is_received(received: Received, _: &Cut, written: &[Frame]) {
    assert_eq!(received.open, None);
    assert_eq!(received.messages, messages(&incoming()));
    assert_eq!(written, answers());
}

pub(crate) async fn by_receive<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) -> Received {
    let received = RefCell::new(Received::default());
    let mut given = 0;
    loop {
        let receive = ws.receive(|data| {
            received.borrow_mut().push(data.kind, (data.first, data.last), data.payload);
        });
        match cut.run(receive).await {
            None => {}
            Some(Ok(Some(()))) => given += 1,
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
        }
        assert_eq!(received.borrow().pieces, given, "a future that is dropped has not called");
    }
    assert!(ws.was_clean());
    received.into_inner()
}

pub(crate) async fn by_read<S: Side, const N: usize>(ws: &mut Ws<'_, S>, cut: &Cut) -> Received {
    let mut received = Received::default();
    let mut buf = [0; N];
    loop {
        let Some(chunk) = cut.run(ws.read(&mut buf)).await else { continue };
        let Some(chunk) = chunk.expect("no error") else { break };
        received.push(chunk.kind, (chunk.first, chunk.last), chunk.payload);
    }
    received
}

pub(crate) async fn by_read_message<S: Side, const N: usize>(ws: &mut Ws<'_, S>, cut: &Cut) -> Received {
    let mut received = Received::default();
    let mut memory = [0; N];
    let mut buffer = MessageBuffer::new(&mut memory);
    loop {
        let Some(message) = cut.run(ws.read_message(&mut buffer)).await else { continue };
        match message.expect("no error") {
            Some(Message::Text(text)) => received.push(Kind::Text, (true, true), text.as_bytes()),
            Some(Message::Binary(bytes)) => received.push(Kind::Binary, (true, true), bytes),
            None => return received,
        }
    }
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

pub(crate) async fn send_all<S: Side>(
    ws: &mut Ws<'_, S>,
    cut: &Cut,
    kind: Kind,
    rest: &mut &[u8],
    last: bool,
) {
    loop {
        if let Some(result) = cut.run(ws.send(kind, rest, last)).await {
            result.expect("no error");
            return assert!(rest.is_empty());
        }
    }
}

pub(crate) async fn flush_all<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) {
    loop {
        if let Some(result) = cut.run(ws.flush()).await {
            return result.expect("no error");
        }
    }
}

/// The longest fits a write buffer of 16 bytes, as a client.
const PINGS: [&str; 4] = ["", "a", "0123456789", "b"];

/// Pings inside a message. Returns which of them were not dropped.
async fn by_ping<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) -> Vec<&'static str> {
    send_all(ws, cut, Kind::Binary, &mut &b"begun"[..], false).await;
    let mut sent = Vec::new();
    for payload in PINGS {
        if let Some(result) = cut.run(ws.ping(payload.as_bytes())).await {
            result.expect("no error");
            sent.push(payload);
        }
    }
    send_all(ws, cut, Kind::Binary, &mut &b", ended"[..], true).await;
    flush_all(ws, cut).await;
    sent
}

/// Again at most three times: each time it is another one, and a timer may be too short for any.
async fn by_ping_again<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) {
    'pings: for payload in PINGS {
        for _ in 0..3 {
            if let Some(result) = cut.run(ws.ping(payload.as_bytes())).await {
                result.expect("no error");
                continue 'pings;
            }
        }
        ws.ping(payload.as_bytes()).await.expect("no error");
    }
    flush_all(ws, cut).await;
}

fn is_closed_by_us((): (), _: &Cut, written: &[Frame]) {
    let mut expected = answers();
    expected.insert(0, Frame::close(1000, "bye"));
    expected.pop();
    assert_eq!(written, expected, "one Close; and Pings are answered behind it");
}

async fn by_close_of_the_writer<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) {
    loop {
        match cut.run(ws.split().1.close(CloseCode::NORMAL, "bye")).await {
            None => {}
            Some(Ok(()) | Err(Error::Usage(UsageError::Closing))) => break,
            Some(Err(error)) => panic!("{error}"),
        }
    }
    by_receive(ws, cut).await;
}

async fn by_close<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) {
    while cut.run(ws.close(CloseCode::NORMAL, "bye")).await.map(|result| result.expect("no error")).is_none()
    {
    }
    assert!(ws.was_clean());
}

pub(crate) async fn by_echo<S: Side>(ws: &mut Ws<'_, S>, cut: &Cut) {
    let mut buf = [0; 50];
    loop {
        let Some(chunk) = cut.run(ws.read(&mut buf)).await else { continue };
        let Some(chunk) = chunk.expect("no error") else { break };
        send_all(ws, cut, chunk.kind, &mut &*chunk.payload, chunk.last).await;
        flush_all(ws, cut).await;
    }
}

/// Two ends of ours, each with a task that reads and one that writes, over a pipe of a few bytes; all futures of all four are
/// dropped again and again.
#[test]
fn both_halves_at_once() {
    for seed in 0..30 {
        let line = Line::new(5 + seed as usize * 7);
        let mirror = line.mirror();
        let paces = |n| (Pace::Any(seed + n), Pace::Any(seed + n + 1));
        let cuts: [_; 4] = std::array::from_fn(|n| Cut::new(When::Any(seed * 10 + n as u64)));
        let [(mut ra, mut wa), (mut rb, mut wb)] = [buffers((9, 16)), buffers((1 + seed as usize, 40))];
        run(async {
            let mut server = line.open::<Server>(paces(1), (&mut ra, &mut wa), &Options::DEFAULT);
            let mut client = mirror.open::<Client<Seeded>>(paces(3), (&mut rb, &mut wb), &Options::DEFAULT);
            let [a, b, c, d] = &cuts;
            join(
                converse(&mut server, (a, b), seed, None),
                converse(&mut client, (c, d), seed + 50, Some(())),
            )
            .await;
        });
        let (server, client) =
            (frames::<Server>(&line.to_peer.log()), frames::<Client<Seeded>>(&line.to_us.log()));
        for (frames, seed) in [(&server, seed), (&client, seed + 50)] {
            assert_eq!(messages(frames), talk(seed));
            let closes = frames.iter().filter(|frame| frame.opcode == CLOSE);
            assert_eq!(closes.collect::<Vec<_>>(), [&Frame::close(1000, "")]);
        }
        assert!(cuts.iter().all(|cut| cut.drops() > 10));
    }
}

/// What one of the two says.
pub(crate) fn talk(seed: u64) -> Vec<(u8, Vec<u8>)> {
    let mut random = Random::new(seed);
    (0..30).map(|_| (BINARY, bytes(random.below(200) as usize))).collect()
}

/// Says what it has to say, Pings between, and hears what the other one (whose seed is 50 away) has to say. The client closes
/// when it has heard all.
pub(crate) async fn converse<S: Side>(
    ws: &mut Ws<'_, S>,
    (a, b): (&Cut, &Cut),
    seed: u64,
    closes: Option<()>,
) {
    let (mut reader, mut writer) = ws.split();
    let expected = talk(if closes.is_some() { seed - 50 } else { seed + 50 });
    let all_heard = Signal::<NoopRawMutex, ()>::new();
    let read = async {
        let (mut received, mut buf) = (Received::default(), [0; 30]);
        loop {
            let Some(chunk) = a.run(reader.read(&mut buf)).await else { continue };
            let Some(chunk) = chunk.expect("no error") else { break };
            received.push(chunk.kind, (chunk.first, chunk.last), chunk.payload);
            if received.messages.len() == expected.len() {
                all_heard.signal(());
            }
        }
        assert_eq!(received.messages, expected);
    };
    let write = async {
        for (i, (_, message)) in talk(seed).into_iter().enumerate() {
            let mut rest = &message[..];
            while b
                .run(writer.send(Kind::Binary, &mut rest, true))
                .await
                .map(|r| r.expect("no error"))
                .is_none()
            {}
            if i % 3 == 0 {
                b.run(writer.ping(b"here?")).await.unwrap_or(Ok(())).expect("no error");
            }
            while b.run(writer.flush()).await.map(|r| r.expect("no error")).is_none() {}
        }
        if closes.is_some() {
            all_heard.wait().await;
            writer.close(CloseCode::NORMAL, "").await.expect("no error");
        }
    };
    join(read, write).await;
}
