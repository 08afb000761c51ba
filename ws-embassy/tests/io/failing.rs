//! Transports that fail: every way, in every state. The call that meets it says how; and whatever failed once does not come
//! back to life.

use embassy_futures::poll_once;
use embedded_io_async::ErrorKind;
use ws_core::handshake::client::Request;
use ws_embassy::{
    CloseCode, Error, Kind, MessageBuffer, Options, OriginPolicy, Plain, ReadyState, UsageError, Waited,
    accept, connect, io,
};

use crate::common::frames::{self, Frame, PING};
use crate::pipe::{Failing, Fault, Pace, Pipe};
use crate::side::{Line, Seeded, Side, Ws, both_sides, encode, frames, run};

both_sides! {
    a_read_fails
    a_read_fails_though_a_reply_is_owed
    a_read_fails_behind_our_close
    a_read_fails_behind_both
    the_transport_ends
    the_transport_ends_at_every_byte
    a_write_fails
    a_reply_cannot_be_written
    a_flush_fails
    a_write_takes_nothing
    a_close_cannot_be_written
    a_close_that_answers_cannot_be_written
    an_empty_buffer_is_refused
    a_frame_without_room_is_refused
}

const RESET: ErrorKind = ErrorKind::ConnectionReset;

/// A WebSocket, what was put in front of it, and how to let its two directions fail.
fn with<S: Side>(input: &[Frame], test: impl AsyncFn(&mut Ws<'_, S>, &Line, &Fault, &Fault)) {
    run(async {
        let line = Line::new(usize::MAX);
        input.iter().for_each(|frame| line.to_us.put(&encode(frame.clone(), !S::IS_CLIENT)));
        let (mut read, mut write) = ([0; 32], [0; 32]);
        let source = line.to_us.source(Pace::Ready);
        // Time passes while something fails again and again.
        let sink = line.to_peer.sink(Pace::Busy(1));
        let (reads, writes) = (source.fault.clone(), sink.fault.clone());
        let (reader, writer) = (io::Reader::new(source, &mut read), io::Writer::new(sink, &mut write));
        let options = Options::DEFAULT;
        let mut ws: Ws<'_, S> =
            ws_embassy::WebSocket::new(reader, writer, S::connection(&options), &options, Plain);
        test(&mut ws, &line, &reads, &writes).await;
    });
}

/// The connection is over, for every call; nothing more is written.
async fn is_over<S: Side>(
    ws: &mut Ws<'_, S>,
    line: &Line,
    of_send: Error<ErrorKind>,
    of_read: Error<ErrorKind>,
) {
    let written = line.to_peer.log().len();
    for _ in 0..2 {
        assert_eq!(ws.receive(|_| ()).await, Err(of_read));
        assert_eq!(ws.read(&mut [0]).await.map(|_| ()), Err(of_read));
        assert_eq!(ws.read_message(&mut MessageBuffer::new(&mut [0])).await, Err(of_read));
        assert_eq!(ws.send(Kind::Text, &mut &b"x"[..], true).await, Err(of_send));
        assert_eq!(ws.send_text("x").await, Err(of_send));
        assert_eq!(ws.ping(b"").await, Err(of_send));
        assert_eq!(ws.split().1.close(CloseCode::NORMAL, "").await, Err(of_send));
        assert_eq!(ws.close(CloseCode::NORMAL, "").await, Err(of_read));
    }
    assert_eq!(ws.ready_state(), ReadyState::Closed);
    assert_eq!(line.to_peer.log().len(), written);
}

const CLOSED: Error<ErrorKind> = Error::Usage(UsageError::Closing);

fn a_read_fails<S: Side>() {
    with::<S>(&[Frame::text("hello")], async |ws, line, reads, _| {
        assert_eq!(ws.receive(|data| data.payload.len()).await, Ok(Some(5)));
        reads.set(Failing::Once(RESET));
        line.to_us.put(&encode(Frame::text("never read"), !S::IS_CLIENT));
        assert_eq!(ws.receive(|_| ()).await, Err(Error::Io(RESET)));
        is_over(ws, line, Error::Lost, Error::Lost).await;
    });
}

/// What is owed has nobody to hear it, whoever writes next.
fn a_read_fails_though_a_reply_is_owed<S: Side>() {
    with::<S>(&[Frame::new(PING, "1")], async |ws, line, reads, _| {
        line.to_peer.set_capacity(0);
        assert!(poll_once(ws.receive(|_| ())).is_pending(), "the Pong has no room");
        reads.set(Failing::Once(RESET));
        assert_eq!(ws.receive(|_| ()).await, Err(Error::Io(RESET)));
        line.to_peer.set_capacity(usize::MAX);
        is_over(ws, line, Error::Lost, Error::Lost).await;
        assert_eq!(ws.flush().await, Err(Error::Lost));
        assert_eq!(line.to_peer.log(), []);
    });
}

fn a_read_fails_behind_our_close<S: Side>() {
    with::<S>(&[], async |ws, line, reads, _| {
        ws.split().1.close(CloseCode::NORMAL, "").await.expect("open");
        reads.set(Failing::Once(RESET));
        assert_eq!(ws.receive(|_| ()).await, Err(Error::Lost));
        is_over(ws, line, CLOSED, Error::Lost).await;
    });
}

fn a_read_fails_behind_both<S: Side>() {
    with::<S>(&[Frame::close(1000, "")], async |ws, _, reads, writes| {
        assert_eq!(ws.receive(|_| ()).await, Ok(None));
        reads.set(Failing::Always(RESET));
        writes.set(Failing::Always(RESET));
        for _ in 0..2 {
            assert_eq!(ws.receive(|_| ()).await, Ok(None), "all was said");
            assert_eq!(ws.close(CloseCode::NORMAL, "").await, Ok(()));
        }
    });
}

fn the_transport_ends<S: Side>() {
    for closes in [false, true] {
        with::<S>(&[Frame::text("hello"), Frame::new(PING, "1")], async |ws, line, _, _| {
            line.to_us.end();
            assert_eq!(ws.receive(|data| data.payload.len()).await, Ok(Some(5)));
            if closes {
                ws.split().1.close(CloseCode::NORMAL, "").await.expect("open");
            }
            assert_eq!(ws.receive(|_| ()).await, Err(Error::Lost));
            is_over(ws, line, CLOSED, Error::Lost).await;
        });
    }
}

fn the_transport_ends_at_every_byte<S: Side>() {
    let bytes: Vec<u8> = [Frame::binary([1; 200]), Frame::text("hello"), Frame::close(1000, "bye")]
        .into_iter()
        .flat_map(|frame| encode(frame, !S::IS_CLIENT))
        .collect();
    for end in 0..=bytes.len() {
        with::<S>(&[], async |ws, line, _, _| {
            line.to_us.put(&bytes[..end]);
            line.to_us.end();
            let ended = loop {
                match ws.receive(|_| ()).await {
                    Ok(Some(())) => {}
                    ended => break ended,
                }
            };
            assert_eq!(
                ended,
                if end < bytes.len() { Err(Error::Lost) } else { Ok(None) },
                "after {end} bytes"
            );
            assert_eq!(ws.receive(|_| ()).await, ended, "and so it stays");
        });
    }
}

fn a_write_fails<S: Side>() {
    for failing in [Failing::Once(RESET), Failing::Always(RESET)] {
        with::<S>(&[Frame::text("never read")], async |ws, line, _, writes| {
            ws.send_text("hello").await.expect("open");
            writes.set(failing);
            assert_eq!(ws.send_binary(&[0; 100]).await, Err(Error::Io(RESET)));
            is_over(ws, line, Error::Lost, Error::Lost).await;
            assert_eq!(ws.flush().await, Err(Error::Lost));
            assert_eq!(frames::<S>(&line.to_peer.log()), [Frame::text("hello")]);
        });
        with::<S>(&[], async |ws, line, _, writes| {
            writes.set(failing);
            ws.send(Kind::Text, &mut &b"fits"[..], true).await.expect("room in the buffer");
            assert_eq!(ws.flush().await, Err(Error::Io(RESET)));
            is_over(ws, line, Error::Lost, Error::Lost).await;
        });
        with::<S>(&[], async |ws, line, _, writes| {
            writes.set(failing);
            assert_eq!(ws.ping(b"there?").await, Err(Error::Io(RESET)));
            is_over(ws, line, Error::Lost, Error::Lost).await;
        });
    }
}

fn a_reply_cannot_be_written<S: Side>() {
    for failing in [Failing::Once(RESET), Failing::Always(RESET), Failing::Flush(RESET)] {
        with::<S>(&[Frame::new(PING, "1")], async |ws, line, _, writes| {
            writes.set(failing);
            assert_eq!(ws.receive(|_| ()).await, Err(Error::Io(RESET)));
            is_over(ws, line, Error::Lost, Error::Lost).await;
        });
    }
}

fn a_flush_fails<S: Side>() {
    with::<S>(&[], async |ws, line, _, writes| {
        writes.set(Failing::Flush(RESET));
        ws.send(Kind::Text, &mut &b"hello"[..], true).await.expect("no flush");
        assert_eq!(ws.flush().await, Err(Error::Io(RESET)));
        writes.set(Failing::Never);
        is_over(ws, line, Error::Lost, Error::Lost).await;
    });
}

/// A transport must not do that; it is one that takes nothing, then.
fn a_write_takes_nothing<S: Side>() {
    with::<S>(&[], async |ws, line, _, writes| {
        writes.set(Failing::Zero);
        assert_eq!(ws.send_text("hello").await, Err(Error::TimedOut(Waited::Send)));
        assert_eq!(embassy_time::Instant::now().as_secs(), 10);
        is_over(ws, line, Error::Lost, Error::Lost).await;
    });
}

fn a_close_cannot_be_written<S: Side>() {
    for failing in [Failing::Once(RESET), Failing::Flush(RESET)] {
        with::<S>(&[Frame::close(1000, "")], async |ws, line, _, writes| {
            writes.set(failing);
            assert_eq!(ws.close(CloseCode::NORMAL, "bye").await, Err(Error::Io(RESET)));
            is_over(ws, line, Error::Lost, Error::Lost).await;
        });
    }
}

fn a_close_that_answers_cannot_be_written<S: Side>() {
    with::<S>(&[Frame::close(1000, "")], async |ws, line, _, writes| {
        writes.set(Failing::Once(RESET));
        assert_eq!(ws.receive(|_| ()).await, Err(Error::Io(RESET)));
        is_over(ws, line, Error::Lost, Error::Lost).await;
    });
    // Nor can that of a fault, but the fault is the news.
    with::<S>(&[Frame::new(0, "")], async |ws, _, _, writes| {
        writes.set(Failing::Once(RESET));
        for _ in 0..2 {
            let fault = ws_embassy::PeerError::NothingToContinue;
            assert_eq!(ws.receive(|_| ()).await, Err(Error::Peer(fault)));
        }
    });
}

fn an_empty_buffer_is_refused<S: Side>() {
    with::<S>(&[Frame::text("hello")], async |ws, _, _, _| {
        assert_eq!(ws.read(&mut []).await, Err(Error::Usage(UsageError::OutputTooSmall)));
        assert_eq!(ws.receive(|data| data.payload.len()).await, Ok(Some(5)), "nothing happened");
    });
}

/// The write buffer has 32 bytes.
fn a_frame_without_room_is_refused<S: Side>() {
    let head = if S::IS_CLIENT { 6 } else { 2 };
    with::<S>(&[Frame::close(1000, "")], async |ws, line, _, _| {
        ws.send(Kind::Text, &mut &b"in the way"[..], true).await.expect("room");
        let too_small = Err(Error::Usage(UsageError::OutputTooSmall));
        assert_eq!(ws.ping(&vec![b'p'; 33 - head]).await, too_small);
        assert_eq!(ws.close(CloseCode::NORMAL, &"r".repeat(31 - head)).await, too_small);
        assert_eq!(ws.ping(&[0; 126]).await, Err(Error::Usage(UsageError::LongControl)));
        ws.ping(&vec![b'p'; 32 - head]).await.expect("exactly as much");
        ws.close(CloseCode::NORMAL, &"r".repeat(30 - head)).await.expect("exactly as much");
        assert_eq!(frames::<S>(&line.to_peer.log()).len(), 3);
    });
}

#[test]
fn a_handshake_over_a_transport_that_fails() {
    let request = frames::request("host", "/", "");
    for (reads, writes, expected) in [
        (Failing::Once(RESET), Failing::Never, Error::Io(RESET)),
        (Failing::Never, Failing::Once(RESET), Error::Io(RESET)),
        (Failing::Never, Failing::Flush(RESET), Error::Io(RESET)),
        (Failing::Never, Failing::Zero, Error::TimedOut(Waited::Send)),
    ] {
        for request in [&request, "garbage\r\n\r\n"] {
            let (rx, tx) = (Pipe::holding(request.as_bytes()), Pipe::new(usize::MAX));
            let (source, sink) = (rx.source(Pace::Ready), tx.sink(Pace::Busy(1)));
            source.fault.set(reads);
            sink.fault.set(writes);
            let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
            let (reader, writer) = (io::Reader::new(source, &mut read), io::Writer::new(sink, &mut write));
            let result = run(accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut store, Plain));
            assert_eq!(result.err(), Some(expected));
        }
        let (rx, tx) = (Pipe::new(9), Pipe::new(usize::MAX));
        let (source, sink) = (rx.source(Pace::Ready), tx.sink(Pace::Busy(1)));
        source.fault.set(reads);
        sink.fault.set(writes);
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let (reader, writer) = (io::Reader::new(source, &mut read), io::Writer::new(sink, &mut write));
        let request = Request::new("host", "/");
        let result =
            run(connect(reader, writer, &Options::DEFAULT, request, Seeded::new(), &mut store, Plain));
        assert_eq!(result.err(), Some(expected));
    }
}
