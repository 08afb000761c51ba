//! Every deadline of the protocol, to the millisecond: by a clock that begins at zero, and by one whose 32 bits of
//! milliseconds wrap 10 s after the beginning.

use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer, with_timeout};
use ws_core::handshake::client::{Error as Refused, Request};
use ws_core::handshake::server::Refusal;
use ws_embassy::{
    CloseCode, Config, Error, Options, OriginPolicy, Plain, Server, Timeouts, Waited, accept, connect, io,
};

use crate::common::frames::{self, Frame, PING, PONG};
use crate::pipe::{Pace, Pipe};
use crate::side::{Line, Seeded, Side, both_sides, controls, encode, frames, run_at_both_times};

both_sides! {
    a_heartbeat_that_is_answered_goes_on
    a_heartbeat_that_is_not_answered_ends_it
    a_pong_counts_though_it_is_read_late
    nothing_from_the_peer
    a_silent_peer_does_not_close
    a_peer_that_talks_on_does_not_close
    a_peer_that_talks_without_end_does_not_close
    a_close_of_the_writer_is_judged_while_the_reader_waits
    a_close_that_came_in_time_is_read_late
}

const OFF: Options = Options { config: Config::DEFAULT.with_timeouts(Timeouts::OFF), ..Options::DEFAULT };

#[test]
fn a_request_that_drips_has_one_deadline() {
    run_at_both_times(|start| async move {
        let (rx, tx) = (Pipe::holding(frames::request("host", "/", "").as_bytes()), Pipe::new(usize::MAX));
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let reader = io::Reader::new(rx.source(Pace::Drip(990)), &mut read);
        let writer = io::Writer::new(tx.sink(Pace::Ready), &mut write);
        let result = accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut store, Plain).await;
        assert_eq!(result.err(), Some(Error::Refusal(Refusal::TimedOut)));
        assert_eq!(start.since(), 10_000);
        assert!(tx.log().starts_with(b"HTTP/1.1 408 "));
        assert!(tx.log().ends_with(b"timed out"));
    });
}

#[test]
fn a_request_that_does_not_come_has_a_deadline() {
    run_at_both_times(|start| async move {
        let options = Options { handshake_timeout: ws_core::Duration::from_millis(1234), ..Options::DEFAULT };
        let (rx, tx) = (Pipe::new(9), Pipe::new(usize::MAX));
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let reader = io::Reader::new(rx.source(Pace::Ready), &mut read);
        let writer = io::Writer::new(tx.sink(Pace::Ready), &mut write);
        let result = accept(reader, writer, &options, OriginPolicy::Any, &mut store, Plain).await;
        assert_eq!(result.err(), Some(Error::Refusal(Refusal::TimedOut)));
        assert_eq!(start.since(), 1234);
    });
}

#[test]
fn a_response_that_drips_has_one_deadline() {
    run_at_both_times(|start| async move {
        let (rx, tx) = (Pipe::holding(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(9)), Pipe::new(usize::MAX));
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let reader = io::Reader::new(rx.source(Pace::Drip(300)), &mut read);
        let writer = io::Writer::new(tx.sink(Pace::Ready), &mut write);
        let request = Request::new("host", "/");
        let result =
            connect(reader, writer, &Options::DEFAULT, request, Seeded::new(), &mut store, Plain).await;
        assert_eq!(result.err(), Some(Error::Handshake(Refused::TimedOut)));
        assert_eq!(start.since(), 10_000);
    });
}

#[test]
fn without_a_limit_a_request_may_take_a_day() {
    run_at_both_times(|start| async move {
        let options = Options { handshake_timeout: ws_core::Duration::ZERO, ..Options::DEFAULT };
        let request = frames::request("host", "/", "");
        let (rx, tx) = (Pipe::holding(request.as_bytes()), Pipe::new(usize::MAX));
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let reader = io::Reader::new(rx.source(Pace::Drip(600_000)), &mut read);
        let writer = io::Writer::new(tx.sink(Pace::Ready), &mut write);
        accept(reader, writer, &options, OriginPolicy::Any, &mut store, Plain).await.expect("no limit");
        assert_eq!(start.since(), 600_000 * request.len() as u64);
    });
}

fn a_heartbeat_that_is_answered_goes_on<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let peer = async {
            let mut peer = line.peer::<S>();
            for n in 1..=10 {
                let ping = peer.receive().await;
                assert_eq!((ping.opcode, start.since()), (PING, n * 30_000));
                Timer::after_millis(250).await;
                peer.send(Frame::new(PONG, ping.payload)).await;
            }
            peer.send(Frame::close(1000, "")).await;
        };
        let (ended, ()) = join(ws.receive(|_| ()), peer).await;
        assert_eq!(ended, Ok(None));
        assert_eq!(ws.round_trip(), Some(ws_core::Duration::from_millis(250)));
    });
}

fn a_heartbeat_that_is_not_answered_ends_it<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 64], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let peer = async {
            let mut peer = line.peer::<S>();
            assert_eq!((peer.receive().await.opcode, start.since()), (PING, 30_000));
            // That of another Ping is none, and neither is data.
            peer.send(Frame::new(PONG, [1, 2, 3, 4])).await;
            peer.send(Frame::text("still here")).await;
        };
        let (received, ()) = join(ws.receive(|data| data.payload.len()), peer).await;
        assert_eq!(received, Ok(Some(10)));
        let late = Err(Error::TimedOut(Waited::Pong));
        assert_eq!(ws.receive(|_| ()).await, late);
        assert_eq!(start.since(), 40_000);
        assert_eq!(ws.receive(|_| ()).await, late, "and so it stays");
        assert_eq!(start.since(), 40_000);
    });
}

fn a_pong_counts_though_it_is_read_late<S: Side>() {
    for (pace, size) in [(Pace::Ready, 64), (Pace::Ready, 1), (Pace::Byte, 64), (Pace::Any(3), 9)] {
        run_at_both_times(|start| async move {
            let line = Line::new(64);
            let (mut read, mut write) = (vec![0; size], [0; 16]);
            let mut ws = line.open::<S>((pace, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
            let mut peer = line.peer::<S>();
            let beats = with_timeout(Duration::from_secs(31), ws.receive(|_| ()));
            let (_, ping) = join(beats, peer.receive()).await;
            peer.send(Frame::new(PING, "1")).await;
            peer.send(Frame::new(PONG, ping.payload)).await;
            peer.send(Frame::text("h")).await;
            Timer::after_secs(60).await; // busy with something else
            assert_eq!(ws.receive(|_| ()).await, Ok(Some(())));
            assert_eq!((start.since(), peer.receive().await), (91_000, Frame::new(PONG, "1")));
            let beats = with_timeout(Duration::from_secs(1), ws.receive(|_| ()));
            assert_eq!(join(beats, peer.receive()).await.1.opcode, PING, "the next one is overdue");
        });
    }
}

fn nothing_from_the_peer<S: Side>() {
    run_at_both_times(|start| async move {
        let timeouts = Timeouts { idle: ws_core::Duration::from_secs(60), ..Timeouts::OFF };
        let options = Options { config: Config::DEFAULT.with_timeouts(timeouts), ..Options::DEFAULT };
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &options);
        let peer = async {
            Timer::after_secs(59).await;
            line.peer::<S>().send(Frame::text("")).await;
        };
        assert_eq!(join(ws.receive(|_| ()), peer).await.0, Ok(Some(())));
        let late = Err(Error::TimedOut(Waited::Idle));
        assert_eq!(ws.receive(|_| ()).await, late);
        assert_eq!(start.since(), 59_000 + 60_000);
        assert_eq!(ws.receive(|_| ()).await, late, "and so it stays");
    });
}

fn a_silent_peer_does_not_close<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        Timer::after_secs(8).await;
        let late = Err(Error::TimedOut(Waited::Close));
        assert_eq!(ws.close(CloseCode::NORMAL, "bye").await, late);
        assert_eq!(start.since(), 13_000);
        assert_eq!(ws.close(CloseCode::NORMAL, "bye").await, late, "and so it stays");
        assert_eq!(frames::<S>(&line.to_peer.log()), [Frame::close(1000, "bye")]);
    });
}

/// Something each 100 ms: data, and Pings that have to be answered.
fn a_peer_that_talks_on_does_not_close<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(usize::MAX);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let peer = async {
            let mut peer = line.peer::<S>();
            loop {
                peer.send(Frame::text("and another thing")).await;
                peer.send(Frame::new(PING, "")).await;
                Timer::after_millis(100).await;
            }
        };
        let close = ws.close(CloseCode::NORMAL, "");
        let Either::First(result) = select(close, peer).await;
        assert_eq!(result, Err(Error::TimedOut(Waited::Close)));
        assert_eq!(start.since(), 5000);
        assert!(controls(&frames::<S>(&line.to_peer.log())).len() > 40, "the Pings were answered meanwhile");
    });
}

/// There is always something to read, and reading is all that this end gets to do.
fn a_peer_that_talks_without_end_does_not_close<S: Side>() {
    for (frame, size) in [("1", 7), ("1", 3), ("a longer message", 64), ("a longer message", 512)] {
        run_at_both_times(|start| async move {
            let line = Line::new(64);
            line.to_us.put(&encode(Frame::text(frame), !S::IS_CLIENT).repeat(9000));
            let (mut read, mut write) = (vec![0; size], [0; 16]);
            let mut ws =
                line.open::<S>((Pace::Busy(10), Pace::Ready), (&mut read, &mut write), &OFF_BUT_CLOSE);
            assert_eq!(ws.close(CloseCode::NORMAL, "").await, Err(Error::TimedOut(Waited::Close)));
            assert!((5000..5020).contains(&start.since()), "after {} ms, by reads of {size}", start.since());
        });
    }
}

const OFF_BUT_CLOSE: Options = Options {
    config: Config::DEFAULT
        .with_timeouts(Timeouts { close: ws_core::Duration::from_secs(5), ..Timeouts::OFF }),
    ..Options::DEFAULT
};

fn a_close_of_the_writer_is_judged_while_the_reader_waits<S: Side>() {
    for options in [&Options::DEFAULT, &OFF_BUT_CLOSE] {
        run_at_both_times(|start| async move {
            let line = Line::new(64);
            let (mut read, mut write) = ([0; 16], [0; 16]);
            let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), options);
            let (mut reader, mut writer) = ws.split();
            let write = async {
                Timer::after_secs(7).await;
                writer.close(CloseCode::NORMAL, "").await
            };
            let (ended, closed) = join(reader.receive(|_| ()), write).await;
            assert_eq!(closed, Ok(()));
            assert_eq!(ended, Err(Error::TimedOut(Waited::Close)));
            assert_eq!(start.since(), 12_000);
        });
    }
}

/// As a Pong is: what came in time counts.
fn a_close_that_came_in_time_is_read_late<S: Side>() {
    run_at_both_times(|_| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        ws.split().1.close(CloseCode::NORMAL, "").await.expect("room");
        line.peer::<S>().send(Frame::close(1000, "")).await;
        Timer::after_secs(60).await;
        assert_eq!(ws.receive(|_| ()).await, Ok(None));
        assert!(ws.was_clean());
    });
}

#[test]
fn without_timeouts_nothing_ends() {
    run_at_both_times(|start| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<Server>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &OFF);
        let peer = async {
            Timer::after_secs(50 * 24 * 3600).await;
            line.peer::<Server>().send(Frame::text("")).await;
        };
        assert_eq!(join(ws.receive(|_| ()), peer).await.0, Ok(Some(())));
        assert_eq!(start.since(), 50 * 24 * 3_600_000);
        assert!(line.to_peer.log().is_empty());
    });
}
