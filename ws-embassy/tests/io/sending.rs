//! How long a peer may take nothing of what is sent ([`Options::send_timeout`]).

use embassy_futures::join::join;
use embassy_time::{Duration, Timer, with_timeout};
use embedded_io_async::Read as _;
use ws_core::handshake::client::Request;
use ws_embassy::{CloseCode, Error, Kind, Options, OriginPolicy, Plain, Waited, accept, connect, io};

use crate::common::frames::{self, Frame, PING};
use crate::pipe::{Pace, Pipe};
use crate::side::{Line, Seeded, Side, both_sides, frames, messages, run, run_at_both_times};

both_sides! {
    a_peer_that_takes_nothing_is_given_up
    calls_made_again_do_not_put_it_off
    time_between_calls_does_not_count
    a_peer_that_was_idle_is_not_given_up
    a_peer_that_takes_a_little_is_not_given_up
    a_limit_may_be_as_long_as_there_is
    a_buffer_is_taken_in_time
    a_flush_that_does_not_end_is_given_up
    a_flush_that_ends_is_something_taken
    what_is_written_at_once_says_nothing_of_the_peer
    a_pong_that_is_not_taken_ends_it
}

const LATE: Error<embedded_io_async::ErrorKind> = Error::TimedOut(Waited::Send);

fn a_peer_that_takes_nothing_is_given_up<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(10);
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        assert_eq!(ws.send_binary(&[0; 100]).await, Err(LATE));
        assert_eq!(start.since(), 10_000);
        // Nothing is tried a second time.
        line.to_peer.set_capacity(usize::MAX);
        assert_eq!(ws.send_binary(b"").await, Err(Error::Lost));
        assert_eq!(ws.flush().await, Err(Error::Lost));
        assert_eq!(ws.ping(b"").await, Err(Error::Lost));
        assert_eq!(ws.receive(|_| ()).await, Err(Error::Lost));
        assert_eq!(ws.close(CloseCode::NORMAL, "").await, Err(Error::Lost));
        assert_eq!(start.since(), 10_000);
        assert_eq!(line.to_peer.log().len(), 10);
    });
}

fn calls_made_again_do_not_put_it_off<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(usize::MAX);
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        ws.send_binary(b"hello").await.expect("room");
        line.to_peer.set_capacity(0);
        let (bytes, second) = ([0; 100], Duration::from_secs(1));
        let mut rest = &bytes[..];
        let result = loop {
            if let Ok(result) = with_timeout(second, ws.send(Kind::Binary, &mut rest, true)).await {
                break result;
            }
        };
        assert_eq!((result, start.since()), (Err(LATE), 10_000));
    });
}

/// What counts is how long writes have waited, and that goes on where it was.
fn time_between_calls_does_not_count<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(10);
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        ws.send(Kind::Binary, &mut &[0; 9][..], true).await.expect("room in the buffer");
        for _ in 0..9 {
            assert!(with_timeout(Duration::from_secs(1), ws.flush()).await.is_err());
            Timer::after_secs(100).await;
        }
        assert_eq!(start.since(), 909_000);
        assert_eq!(ws.flush().await, Err(LATE));
        assert_eq!(start.since(), 910_000);
    });
}

fn a_peer_that_was_idle_is_not_given_up<S: Side>() {
    run_at_both_times(|_| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Byte), (&mut read, &mut write), &Options::DEFAULT);
        for _ in 0..3 {
            ws.send_binary(b"hello").await.expect("in time");
            Timer::after_secs(100).await;
        }
        // Dropped while there is no room; in the meantime the peer makes some.
        line.to_peer.set_capacity(0);
        ws.send(Kind::Binary, &mut &b"hello"[..], true).await.expect("room in the buffer");
        assert!(with_timeout(Duration::from_secs(2), ws.flush()).await.is_err());
        line.to_peer.set_capacity(usize::MAX);
        Timer::after_secs(100).await;
        ws.flush().await.expect("in time");
        assert_eq!(messages(&frames::<S>(&line.to_peer.log())).len(), 4);
    });
}

fn a_peer_that_takes_a_little_is_not_given_up<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(1);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let mut source = line.to_peer.source(Pace::Drip(600));
        let (bytes, mut received) = ([0; 99], 0);
        let take = async {
            while let Ok(Ok(n)) = with_timeout(Duration::from_secs(1), source.read(&mut [0])).await {
                received += n;
            }
        };
        let (sent, ()) = join(ws.send_binary(&bytes), take).await;
        assert_eq!(sent, Ok(()));
        assert_eq!(received, line.to_peer.log().len());
        assert!(start.since() > 60_000);
    });
}

fn a_limit_may_be_as_long_as_there_is<S: Side>() {
    run_at_both_times(|start| async move {
        let options = Options { send_timeout: Duration::MAX, ..Options::DEFAULT };
        let line = Line::new(10);
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &options);
        let send = with_timeout(Duration::from_secs(1_000_000), ws.send_binary(&[0; 100]));
        assert!(send.await.is_err(), "it waits on");
        assert_eq!(start.since(), 1_000_000_000);
        line.to_peer.set_capacity(usize::MAX);
        ws.close(CloseCode::NORMAL, "").await.expect_err("no Close comes");
        let (rx, tx) = (Pipe::holding(frames::request("host", "/", "").as_bytes()), Pipe::new(usize::MAX));
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let reader = io::Reader::new(rx.source(Pace::Ready), &mut read);
        let writer = io::Writer::new(tx.sink(Pace::Ready), &mut write);
        accept(reader, writer, &options, OriginPolicy::Any, &mut store, Plain).await.expect("a request");
    });
}

/// What is in an [`io::Writer`]'s buffer goes as a whole.
fn a_buffer_is_taken_in_time<S: Side>() {
    for (millis, in_time) in [(9, true), (12, false)] {
        run_at_both_times(|start| async move {
            let line = Line::new(usize::MAX);
            let (mut read, mut write) = ([0; 16], [0; 1000]);
            let mut ws =
                line.open::<S>((Pace::Ready, Pace::Drip(millis)), (&mut read, &mut write), &Options::DEFAULT);
            let sent = ws.send_binary(&[0; 980]).await;
            assert_eq!(sent, if in_time { Ok(()) } else { Err(LATE) });
            assert!(start.since() <= 10_000);
        });
    }
}

fn a_flush_that_does_not_end_is_given_up<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(usize::MAX);
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let mut ws =
            line.open::<S>((Pace::Ready, Pace::Late(6000)), (&mut read, &mut write), &Options::DEFAULT);
        // Six seconds to write, six to flush.
        assert_eq!(ws.send_binary(b"hello").await, Err(LATE));
        assert_eq!(start.since(), 10_000);
    });
}

/// Of what comes behind it, none of the time counts that it took; and it is the same in one call and in two.
fn a_flush_that_ends_is_something_taken<S: Side>() {
    for (millis, in_time) in [(4000, true), (6000, false)] {
        run_at_both_times(|start| async move {
            let line = Line::new(usize::MAX);
            let (mut read, mut write) = ([0; 16], [0; 32]);
            let pace = (Pace::Ready, Pace::Late(millis));
            let mut ws = line.open::<S>(pace, (&mut read, &mut write), &Options::DEFAULT);
            ws.send(Kind::Binary, &mut &b"hello"[..], true).await.expect("room in the buffer");
            // The write ends, and the flush begins.
            assert!(with_timeout(Duration::from_secs(7), ws.flush()).await.is_err());
            if !in_time {
                assert_eq!((ws.flush().await, start.since()), (Err(LATE), 10_000));
                return;
            }
            assert_eq!((ws.flush().await, start.since()), (Ok(()), 8_000));
            line.to_peer.set_capacity(0);
            assert_eq!((ws.send_binary(b"hello").await, start.since()), (Err(LATE), 18_000));
        });
    }
}

/// There is room for them, but nothing arrives.
fn what_is_written_at_once_says_nothing_of_the_peer<S: Side>() {
    for length in [0, 100] {
        run_at_both_times(|start| async move {
            let line = Line::new(usize::MAX);
            let (mut read, mut write) = ([0; 16], [0; 32]);
            let pace = (Pace::Ready, Pace::Unflushed);
            let mut ws = line.open::<S>(pace, (&mut read, &mut write), &Options::DEFAULT);
            let result = loop {
                let send = with_timeout(Duration::from_secs(1), ws.send_binary(&[0; 100][..length]));
                if let Ok(result) = send.await {
                    break result;
                }
            };
            assert_eq!((result, start.since()), (Err(LATE), 10_000));
        });
    }
}

fn a_pong_that_is_not_taken_ends_it<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line { to_us: Pipe::new(usize::MAX), to_peer: Pipe::new(3) };
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let mut peer = line.peer::<S>();
        for _ in 0..10_000 {
            peer.send(Frame::new(PING, "are you there?")).await;
        }
        assert_eq!(ws.receive(|_| ()).await, Err(LATE));
        assert_eq!(start.since(), 10_000);
        assert!(line.to_us.len() > 9990 * 16, "nothing more is read than can be answered");
    });
}

#[test]
fn an_answer_to_a_request_that_is_not_taken() {
    run_at_both_times(|start| async move {
        for request in [frames::request("host", "/", ""), String::from("garbage\r\n\r\n")] {
            let begin = start.since();
            let (rx, tx) = (Pipe::holding(request.as_bytes()), Pipe::new(10));
            let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
            let reader = io::Reader::new(rx.source(Pace::Ready), &mut read);
            let writer = io::Writer::new(tx.sink(Pace::Ready), &mut write);
            let result =
                accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut store, Plain).await;
            assert_eq!(result.err(), Some(LATE));
            assert_eq!(start.since() - begin, 10_000);
        }
    });
}

#[test]
fn a_request_that_is_not_taken() {
    run(async {
        let (rx, tx) = (Pipe::new(10), Pipe::new(10));
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let reader = io::Reader::new(rx.source(Pace::Ready), &mut read);
        let writer = io::Writer::new(tx.sink(Pace::Ready), &mut write);
        let options = Options { send_timeout: Duration::from_millis(77), ..Options::DEFAULT };
        let request = Request::new("host", "/");
        let result = connect(reader, writer, &options, request, Seeded::new(), &mut store, Plain).await;
        assert_eq!(result.err(), Some(LATE));
        assert_eq!(embassy_time::Instant::now().as_millis(), 77);
    });
}
