//! The two halves of a WebSocket in two tasks, with a peer that takes what it is sent.

use embassy_futures::join::{join, join3};
use embassy_futures::yield_now;
use embassy_time::Timer;
use ws_embassy::{
    Client, CloseCode, Error, Kind, Options, Reader, ReadyState, Server, UsageError, Writer, io,
};

use crate::cancel::buffers;
use crate::common::frames::{BINARY, CLOSE, Frame, PING, PONG};
use crate::cut::{Cut, When};
use crate::pipe::{Pace, Sink, Source};
use crate::side::{Line, Seeded, Side, both_sides, controls, frames, messages, run};

both_sides! {
    a_ping_is_answered_while_the_writer_is_idle
    a_ping_is_answered_while_the_writer_waits_for_room
    a_pong_leaves_though_the_writer_is_dropped
    data_is_received_while_the_writer_waits_for_room
    data_is_received_between_pings_while_the_writer_is_in_one_long_call
    a_flood_of_pings_is_answered
    the_writer_closes
    the_peer_closes
    the_peer_closes_while_the_writer_waits_for_room
    a_message_of_the_writer_is_flushed_by_the_reader
}

const ALL: usize = 1 << 20;
const MESSAGE: usize = 1 << 13;

fn octet(at: usize) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}

/// A megabyte each way at once, between two ends of ours, through a pipe that holds less than a frame.
#[test]
fn full_duplex() {
    for (capacity, size, pace) in [(64, 256, Pace::Ready), (13, 64, Pace::Ready), (300, 128, Pace::Any(5))] {
        let line = Line::new(capacity);
        let mirror = line.mirror();
        let [(mut ra, mut wa), (mut rb, mut wb)] = [buffers((size, size)), buffers((size, size + 7))];
        run(async {
            let mut a = line.open::<Server>((pace, pace), (&mut ra, &mut wa), &Options::DEFAULT);
            let mut b = mirror.open::<Client<Seeded>>((pace, pace), (&mut rb, &mut wb), &Options::DEFAULT);
            let ((mut from_b, mut to_b), (mut from_a, mut to_a)) = (a.split(), b.split());
            join(
                join(write_all(&mut to_b), read_all(&mut from_b)),
                join(write_all(&mut to_a), read_all(&mut from_a)),
            )
            .await;
        });
        assert_eq!(messages(&frames::<Server>(&line.to_peer.log())).len(), ALL / MESSAGE);
        assert_eq!(messages(&frames::<Client<Seeded>>(&line.to_us.log())).len(), ALL / MESSAGE);
    }
}

async fn write_all<S: Side>(writer: &mut Writer<'_, '_, io::Writer<'_, Sink>, S>) {
    for from in (0..ALL).step_by(MESSAGE) {
        let message: Vec<u8> = (from..from + MESSAGE).map(octet).collect();
        writer.send_binary(&message).await.expect("an open connection");
        if from % (8 * MESSAGE) == 0 {
            writer.ping(b"!").await.expect("an open connection");
        }
    }
}

async fn read_all<S: Side>(reader: &mut Reader<'_, '_, io::Reader<'_, Source>, io::Writer<'_, Sink>, S>) {
    let (mut at, mut last) = (0, true);
    while at < ALL || !last {
        let received = reader.receive(|data| {
            assert!(data.payload.iter().enumerate().all(|(i, octet_read)| *octet_read == octet(at + i)));
            (data.payload.len(), data.last)
        });
        let (n, is_last) = received.await.expect("an open connection").expect("no Close");
        (at, last) = (at + n, is_last);
    }
    assert_eq!(at, ALL);
}

fn a_ping_is_answered_while_the_writer_is_idle<S: Side>() {
    run(async {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Byte, Pace::Byte), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, _writer) = ws.split();
        let peer = async {
            let mut peer = line.peer::<S>();
            peer.send(Frame::new(PING, "there?")).await;
            assert_eq!(peer.receive().await, Frame::new(PONG, "there?"));
            peer.send(Frame::text("!")).await;
        };
        assert_eq!(join(reader.receive(|_| ()), peer).await.0, Ok(Some(())));
    });
}

fn a_ping_is_answered_while_the_writer_waits_for_room<S: Side>() {
    run(async {
        let line = Line::new(20);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let peer = async {
            let mut peer = line.peer::<S>();
            Timer::after_secs(1).await;
            assert_eq!(line.to_peer.len(), 20, "the writer waits");
            peer.send(Frame::new(PING, "there?")).await;
            Timer::after_secs(1).await;
            let mut frames = Vec::new();
            while frames.last().is_none_or(|frame: &Frame| frame.opcode >= 8 || !frame.fin) {
                frames.push(peer.receive().await);
            }
            assert_eq!(messages(&frames), [(BINARY, vec![7; 200])]);
            assert_eq!(controls(&frames), [Frame::new(PONG, "there?")], "inside the message");
            // What was in the pipe and in the buffer is before it, no more.
            let ahead: usize =
                frames.iter().take_while(|frame| frame.opcode < 8).map(|f| f.encode().len()).sum();
            assert!(ahead <= 20 + 16, "{ahead} bytes ahead");
            peer.send(Frame::text("!")).await;
        };
        let (received, sent, ()) = join3(reader.receive(|_| ()), writer.send_binary(&[7; 200]), peer).await;
        assert_eq!((received, sent), (Ok(Some(())), Ok(())));
    });
}

fn a_pong_leaves_though_the_writer_is_dropped<S: Side>() {
    for n in 1..60 {
        let line = Line::new(20);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        run(async {
            let mut ws = line.open::<S>((Pace::Byte, Pace::Byte), (&mut read, &mut write), &Options::DEFAULT);
            let (mut reader, mut writer) = ws.split();
            let peer = async {
                let mut peer = line.peer::<S>();
                peer.send(Frame::new(PING, "there?")).await;
                while peer.receive().await != Frame::new(PONG, "there?") {}
                line.to_peer.set_capacity(usize::MAX);
                peer.send(Frame::text("!")).await;
            };
            let cut = Cut::new(When::At(n));
            let send = async {
                assert_eq!(cut.run(writer.send_binary(&[7; 200])).await, None, "dropped in the midst of it");
            };
            assert_eq!(join3(send, reader.receive(|_| ()), peer).await.1, Ok(Some(())));
            // The message can still be finished.
            writer.send(Kind::Binary, &mut &b""[..], true).await.expect("an open connection");
            writer.flush().await.expect("an open connection");
        });
        assert_eq!(messages(&frames::<S>(&line.to_peer.log())).len(), 1, "no frame is torn");
    }
}

fn data_is_received_while_the_writer_waits_for_room<S: Side>() {
    run(async {
        let line = Line::new(20);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let read = async {
            for _ in 0..100 {
                while !reader.receive(|data| data.last).await.expect("open").expect("no Close") {}
            }
            line.to_peer.set_capacity(usize::MAX); // now the writer may go on
        };
        let peer = async {
            let mut peer = line.peer::<S>();
            peer.send(Frame::new(PING, "owed all the time")).await;
            for _ in 0..100 {
                peer.send(Frame::text("hello, hello")).await;
            }
        };
        assert_eq!(join3(read, writer.send_binary(&[7; 200]), peer).await.1, Ok(()));
    });
}

/// The reply to the first Ping is in the way of the second, but it leaves with the writer's next frame: the reader goes on
/// then, and not when the writer's call ends.
fn data_is_received_between_pings_while_the_writer_is_in_one_long_call<S: Side>() {
    run(async {
        let line = Line::new(20);
        let (mut read, mut write) = ([0; 64], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let read = async {
            for _ in 0..20 {
                reader.receive(|_| ()).await.expect("open").expect("no Close");
            }
            true
        };
        let peer = async {
            let mut peer = line.peer::<S>();
            let mut drained = 0;
            for _ in 0..20 {
                for frame in [Frame::new(PING, "1"), Frame::new(PING, "2"), Frame::text("hello")] {
                    peer.send(frame).await;
                }
                // Takes a little each time, of what the writer has to say.
                for _ in 0..8 {
                    drained += peer.receive().await.payload.len();
                }
            }
            yield_now().await;
            assert!(drained < 5000);
            drained
        };
        let both = join(read, peer);
        match embassy_futures::select::select(both, writer.send_binary(&[7; 5000])).await {
            embassy_futures::select::Either::First((read, _)) => assert!(read),
            embassy_futures::select::Either::Second(_) => panic!("the call ended before all was read"),
        }
    });
}

fn a_flood_of_pings_is_answered<S: Side>() {
    run(async {
        let line = Line::new(40);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Any(1), Pace::Any(2)), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let mut floods = line.peer::<S>();
        let mut hears = line.peer::<S>();
        let ask = async {
            for n in 0..1000_u16 {
                floods.send(Frame::new(PING, n.to_be_bytes())).await;
            }
        };
        let hear = async {
            let mut frames = Vec::new();
            while controls(&frames).len() < 1000 {
                frames.push(hears.receive().await);
            }
            for (n, pong) in controls(&frames).into_iter().enumerate() {
                assert_eq!(pong, Frame::new(PONG, (n as u16).to_be_bytes()), "each is answered, in order");
            }
            hears.send(Frame::text("enough")).await;
        };
        let write = async {
            for _ in 0..50 {
                writer.send_text("meanwhile, something else").await.expect("open");
            }
        };
        let (received, ..) = join3(reader.receive(|_| ()), join(ask, write), hear).await;
        assert_eq!(received, Ok(Some(())));
    });
}

fn the_writer_closes<S: Side>() {
    run(async {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Byte), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let write = async {
            Timer::after_secs(1).await;
            writer.close(CloseCode::GOING_AWAY, "").await.expect("open");
            let closing = Err(Error::Usage(UsageError::Closing));
            assert_eq!(writer.send_text("too late").await, closing);
            assert_eq!(writer.ping(b"").await, closing);
            assert_eq!(writer.close(CloseCode::NORMAL, "").await, closing);
            assert_eq!(writer.flush().await, Ok(()));
        };
        let peer = async {
            let mut peer = line.peer::<S>();
            assert_eq!(peer.receive().await, Frame::close(1001, ""));
            peer.send(Frame::text("last words")).await;
            peer.send(Frame::close(1001, "")).await;
            peer
        };
        let read = async {
            let mut words = 0;
            while let Some(n) = reader.receive(|data| data.payload.len()).await.expect("open") {
                words += n;
            }
            words
        };
        let (words, (), _) = join3(read, write, peer).await;
        assert_eq!(words, 10);
        assert!(ws.was_clean());
        assert_eq!(ws.receive(|_| ()).await, Ok(None), "and so it stays");
        assert_eq!(frames::<S>(&line.to_peer.log()).len(), 1);
    });
}

fn the_peer_closes<S: Side>() {
    run(async {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Byte, Pace::Byte), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let peer = async {
            let mut peer = line.peer::<S>();
            peer.send(Frame::close(4321, "enough")).await;
            assert_eq!(peer.receive().await, Frame::close(4321, ""));
        };
        assert_eq!(join(reader.receive(|_| ()), peer).await.0, Ok(None));
        assert_eq!(writer.send_text("too late").await, Err(Error::Usage(UsageError::Closing)));
        assert_eq!(ws.close_received(), Some(CloseCode::new(4321)));
        // Whoever is lent the reason may ask for more.
        assert_eq!(
            ws.close_reason(|reason| (reason.to_owned(), ws.was_clean())),
            (String::from("enough"), true)
        );
        assert_eq!((ws.was_clean(), ws.ready_state()), (true, ReadyState::Closing));
        assert_eq!(ws.close(CloseCode::NORMAL, "").await, Ok(()));
    });
}

fn the_peer_closes_while_the_writer_waits_for_room<S: Side>() {
    run(async {
        let line = Line::new(20);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let peer = async {
            let mut peer = line.peer::<S>();
            Timer::after_secs(1).await;
            peer.send(Frame::close(1000, "")).await;
            Timer::after_secs(1).await;
            while peer.receive().await.opcode != CLOSE {}
        };
        let (ended, sent, ()) = join3(reader.receive(|_| ()), writer.send_binary(&[7; 200]), peer).await;
        assert_eq!((ended, sent), (Ok(None), Err(Error::Usage(UsageError::Closing))));
        assert!(ws.was_clean());
        assert_eq!(controls(&frames::<S>(&line.to_peer.log())), [Frame::close(1000, "")]);
    });
}

fn a_message_of_the_writer_is_flushed_by_the_reader<S: Side>() {
    run(async {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 64]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        ws.send(Kind::Text, &mut &b"hello"[..], true).await.expect("room");
        assert_eq!(line.to_peer.len(), 0, "it gathers");
        let peer = async {
            let mut peer = line.peer::<S>();
            assert_eq!(peer.receive().await, Frame::text("hello"));
            peer.send(Frame::text("!")).await;
        };
        assert_eq!(join(ws.receive(|_| ()), peer).await.0, Ok(Some(())));
    });
}
