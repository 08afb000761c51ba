//! A transport that is read and written through one object ([`io::Duplex`]), as most TLS connections are: one task does all
//! that a WebSocket does.

use embassy_futures::join::join;
use embassy_time::Timer;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use ws_embassy::{CloseCode, Error, Options, OriginPolicy, Plain, Waited, WebSocket, accept, io};

use crate::common::frames::{self, BINARY, Frame, PING, PONG, TEXT};
use crate::cut::{Cut, When};
use crate::pipe::{Pace, Pipe, Sink, Source};
use crate::side::{Line, Side, both_sides, controls, encode, frames, messages, run, run_at_both_times};

both_sides! {
    an_echo_is_whole_wherever_its_futures_are_dropped
    a_ping_is_answered_and_a_heartbeat_sent_while_a_read_waits
    a_missing_pong_ends_it
    closing_gives_the_transport_back
}

struct Both {
    source: Source,
    sink: Sink,
}

impl Both {
    fn of(line: &Line, pace: Pace) -> Self {
        Self { source: line.to_us.source(pace), sink: line.to_peer.sink(pace) }
    }
}

impl ErrorType for Both {
    type Error = ErrorKind;
}

impl Read for Both {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        self.source.read(buf).await
    }
}

impl Write for Both {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.sink.write(buf).await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.sink.flush().await
    }
}

type Ws<'a, S> = WebSocket<'a, io::Reader<'a, io::Half<'a, Both>>, io::Writer<'a, io::Half<'a, Both>>, S>;

fn open<'a, S: Side>(duplex: &'a io::Duplex<Both>, read: &'a mut [u8], write: &'a mut [u8]) -> Ws<'a, S> {
    let (rx, tx) = duplex.halves();
    let (reader, writer) = (io::Reader::new(rx, read), io::Writer::new(tx, write));
    WebSocket::new(reader, writer, S::connection(&Options::DEFAULT), &Options::DEFAULT, Plain)
}

fn an_echo_is_whole_wherever_its_futures_are_dropped<S: Side>() {
    let sent = [
        Frame::text("hello"),
        Frame::new(PING, "1"),
        Frame::new(PING, "2"),
        Frame::new(BINARY, [1; 40]).more(),
        Frame::new(0, [1; 30]),
        Frame::close(1000, ""),
    ];
    for n in 1.. {
        let cut = Cut::new(When::At(n));
        let line = Line::new(usize::MAX);
        sent.iter().for_each(|frame| line.to_us.put(&encode(frame.clone(), !S::IS_CLIENT)));
        run(async {
            let (mut read, mut write, mut buf) = ([0; 11], [0; 16], [0; 20]);
            let duplex = io::Duplex::new(Both::of(&line, Pace::Byte));
            let mut ws = open::<S>(&duplex, &mut read, &mut write);
            loop {
                let Some(chunk) = cut.run(ws.read(&mut buf)).await else { continue };
                let Some(chunk) = chunk.expect("no error") else { break };
                let mut rest = &*chunk.payload;
                while cut.run(ws.send(chunk.kind, &mut rest, chunk.last)).await.map(Result::unwrap).is_none()
                {
                }
                while cut.run(ws.flush()).await.map(Result::unwrap).is_none() {}
            }
        });
        let written = frames::<S>(&line.to_peer.log());
        assert_eq!(messages(&written), [(TEXT, b"hello".to_vec()), (BINARY, vec![1; 70])]);
        assert_eq!(
            controls(&written),
            [Frame::new(PONG, "1"), Frame::new(PONG, "2"), Frame::close(1000, "")]
        );
        if cut.drops() == 0 {
            assert!(n > 100, "{n} await points are no test");
            break;
        }
    }
}

fn a_ping_is_answered_and_a_heartbeat_sent_while_a_read_waits<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let duplex = io::Duplex::new(Both::of(&line, Pace::Ready));
        let mut ws = open::<S>(&duplex, &mut read, &mut write);
        let peer = async {
            let mut peer = line.peer::<S>();
            Timer::after_secs(20).await;
            peer.send(Frame::new(PING, "there?")).await;
            assert_eq!(peer.receive().await, Frame::new(PONG, "there?"));
            assert_eq!(start.since(), 20_000);
            let ping = peer.receive().await;
            assert_eq!((ping.opcode, start.since()), (PING, 30_000));
            peer.send(Frame::new(PONG, ping.payload)).await;
            Timer::after_secs(15).await;
            peer.send(Frame::text("!")).await;
        };
        assert_eq!(join(ws.receive(|_| ()), peer).await.0, Ok(Some(())));
        assert_eq!(start.since(), 45_000);
    });
}

fn a_missing_pong_ends_it<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let duplex = io::Duplex::new(Both::of(&line, Pace::Ready));
        let mut ws = open::<S>(&duplex, &mut read, &mut write);
        assert_eq!(ws.receive(|_| ()).await, Err(Error::TimedOut(Waited::Pong)));
        assert_eq!(start.since(), 40_000);
    });
}

fn closing_gives_the_transport_back<S: Side>() {
    run(async {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let duplex = io::Duplex::new(Both::of(&line, Pace::Byte));
        let mut ws = open::<S>(&duplex, &mut read, &mut write);
        let peer = async {
            let mut peer = line.peer::<S>();
            assert_eq!(peer.receive().await, Frame::close(1001, ""));
            peer.send(Frame::text("last words")).await;
            peer.send(Frame::close(1001, "")).await;
            peer.write(b"and something else").await;
        };
        assert_eq!(join(ws.close(CloseCode::GOING_AWAY, ""), peer).await.0, Ok(()));
        assert!(ws.was_clean());
        let (_, _) = ws.into_halves();
        let mut both = duplex.into_inner();
        both.write_all(b"close notify").await.expect("an open transport");
        assert!(line.to_peer.log().ends_with(b"close notify"));
    });
}

#[test]
fn a_handshake_over_one_object() {
    run(async {
        let line = Line { to_us: Pipe::new(usize::MAX), to_peer: Pipe::new(usize::MAX) };
        line.to_us.put(frames::request("host", "/", "").as_bytes());
        line.to_us.put(&Frame::text("hello").masked().encode());
        let (mut read, mut write, mut store) = ([0; 100], [0; 16], [0; 400]);
        let duplex = io::Duplex::new(Both::of(&line, Pace::Byte));
        let (rx, tx) = duplex.halves();
        let (reader, writer) = (io::Reader::new(rx, &mut read), io::Writer::new(tx, &mut write));
        let mut ws = accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut store, Plain)
            .await
            .expect("a request");
        let mut buf = [0; 5];
        let mut text = Vec::new();
        while text.len() < 5 {
            text.extend_from_slice(ws.read(&mut buf).await.expect("open").expect("no Close").payload);
        }
        assert_eq!(text, b"hello");
    });
}
