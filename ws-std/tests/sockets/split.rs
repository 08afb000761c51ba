//! One connection in two threads.

use crate::common::frames::{BINARY, CLOSE, PING, PONG, TEXT, close_body, frame, header};
use crate::peer::{Raw, TOO_LONG, fill, ms, options, pair, soon};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use ws_std::{CloseCode, Error, Kind, Message, Options, PeerError, ReadyState, UsageError, Waited};

const MIB: usize = 1 << 20;

#[test]
fn a_pong_leaves_while_the_writer_is_idle() {
    let (mut raw, ws) = Raw::with_server(&Options::DEFAULT);
    let (mut reader, mut writer) = ws.try_split().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(reader.read().unwrap(), Some(Message::Text("hello")));
            assert_eq!(reader.read().unwrap(), None);
        });
        raw.send(PING, b"1");
        assert_eq!(raw.next(), Some((PONG, b"1".to_vec())));
        raw.send(TEXT, b"hello");
        writer.send_text("good day").unwrap();
        assert_eq!(raw.next(), Some((TEXT, b"good day".to_vec())));
        writer.ping(b"2").unwrap();
        assert_eq!(raw.next(), Some((PING, b"2".to_vec())));
        raw.send(CLOSE, &close_body(1000, ""));
        assert_eq!(raw.next(), Some((CLOSE, close_body(1000, ""))));
        assert_eq!(raw.next(), None);
        drop(raw);
    });
    assert!(matches!(writer.send_text("late"), Err(Error::Usage(UsageError::Closing))));
    assert_eq!(writer.ready_state(), ReadyState::Closed);
}

#[test]
fn each_half_goes_on_without_the_other() {
    let (mut raw, ws) = Raw::with_server(&Options::DEFAULT);
    let (mut reader, writer) = ws.try_split().unwrap();
    drop(writer);
    raw.send(PING, b"1");
    raw.send(TEXT, b"hello");
    assert_eq!(reader.read().unwrap(), Some(Message::Text("hello")));
    raw.send(TEXT, b"again");
    assert_eq!(reader.read().unwrap(), Some(Message::Text("again")));
    assert_eq!(raw.next(), Some((PONG, b"1".to_vec())));
    drop(reader);
    assert_eq!(raw.next(), None, "both are gone");

    let (mut raw, ws) = Raw::with_server(&Options::DEFAULT);
    let (reader, mut writer) = ws.try_split().unwrap();
    drop(reader);
    raw.send(PING, b"1");
    writer.send_text("nobody answers").unwrap();
    assert_eq!(raw.next(), Some((TEXT, b"nobody answers".to_vec())));
    drop(raw);
}

/// The peer echoes in one thread, so it reads only as fast as it is read.
#[test]
fn both_directions_may_be_full_at_once() {
    let options = Options::DEFAULT.with_message_limit(usize::MAX);
    let (client, mut server) = pair(&options, &options);
    let (mut reader, mut writer) = client.try_split().unwrap();
    let message: Vec<u8> = (0..MIB).map(|n| (n ^ (n >> 8)) as u8).collect();
    let count = 12;
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some((chunk, mut sender)) = server.receive().unwrap() {
                sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last).unwrap();
            }
        });
        let sending = scope.spawn(|| {
            for _ in 0..count {
                writer.send_binary(&message).unwrap();
                writer.ping(b"in between").unwrap();
            }
            writer
        });
        soon(|| {
            for _ in 0..count {
                assert!(reader.read().unwrap() == Some(Message::Binary(&message)));
            }
        });
        sending.join().unwrap().close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(soon(|| reader.read().unwrap()), None);
    });
    assert!(reader.was_clean());
}

/// A Pong that cannot leave is no reason to stop reading: the peer may read only once it is rid of what it has to say.
#[test]
fn a_pong_that_cannot_leave_does_not_stop_the_reader() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT.with_message_limit(usize::MAX));
    let filled = fill(&mut ws);
    let (mut reader, mut writer) = ws.try_split().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            raw.send(PING, b"in the way");
            raw.write(&header(true, BINARY, 16 * MIB as u64));
            raw.write(&[0; 4]);
            for _ in 0..16 {
                raw.write(&[0; MIB]);
            }
            // Now it reads.
            let mut got = 0;
            loop {
                match raw.next().unwrap() {
                    (PONG, payload) => break assert_eq!(payload, b"in the way"),
                    (b0, payload) => {
                        assert!(b0 & 0x0f <= 2);
                        got += payload.len();
                    }
                }
            }
            assert_eq!(got, filled);
            assert_eq!(raw.next(), Some((0x80, b"the end".to_vec())));
            drop(raw);
        });
        let mut got = 0;
        soon(|| {
            while got < 16 * MIB {
                got += reader.read_chunk().unwrap().unwrap().payload.len();
            }
        });
        let reading = scope.spawn(move || assert!(matches!(reader.read(), Err(Error::Lost))));
        while writer.buffered_amount() > 0 {
            writer.flush().unwrap();
        }
        writer.send(Kind::Binary, &mut &b"the end"[..], true).unwrap();
        reading.join().unwrap();
    });
}

#[test]
fn a_close_from_the_writer_ends_the_reader() {
    let (client, mut server) = pair(&Options::DEFAULT, &Options::DEFAULT);
    let (mut reader, mut writer) = client.try_split().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(soon(|| reader.read().unwrap()), None);
            assert!(reader.was_clean());
            assert_eq!(reader.close_sent(), Some(Some(CloseCode::GOING_AWAY)));
        });
        scope.spawn(|| {
            assert_eq!(server.read().unwrap(), None);
            assert_eq!(server.close_reason(), "see you");
        });
        writer.close(CloseCode::GOING_AWAY, "see you").unwrap();
        assert!(matches!(writer.close(CloseCode::NORMAL, ""), Err(Error::Usage(UsageError::Closing))));
    });
}

#[test]
fn a_close_from_the_writer_that_is_not_answered_ends_the_reader_too() {
    let (raw, ws) = Raw::with_server(&options(|timeouts| timeouts.close = ms(100)));
    let (mut reader, mut writer) = ws.try_split().unwrap();
    thread::scope(|scope| {
        let reading = scope.spawn(|| reader.read().map(drop));
        writer.begin_close(None, "").unwrap();
        let error = soon(|| reading.join().unwrap().unwrap_err());
        assert!(matches!(error, Error::TimedOut(Waited::Close)), "{error:?}");
    });
    drop(raw);
}

/// The reader finds the peer gone while the writer waits for it, which must not take for ever.
#[test]
fn a_writer_that_waits_is_woken_when_the_peer_is_given_up() {
    let mut options = options(|timeouts| {
        timeouts.ping = ms(50);
        timeouts.pong = ms(50);
    });
    options.send_timeout = Duration::ZERO;
    let (raw, ws) = Raw::with_server(&options);
    let (mut reader, mut writer) = ws.try_split().unwrap();
    thread::scope(|scope| {
        let writing = scope.spawn(move || writer.send_binary(&vec![0; 64 * MIB]));
        let error = soon(|| reader.read().map(drop).unwrap_err());
        assert!(matches!(error, Error::TimedOut(Waited::Pong)), "{error:?}");
        let error = soon(|| writing.join().unwrap().unwrap_err());
        assert!(matches!(error, Error::Io(_) | Error::Usage(UsageError::Closing)), "{error:?}");
    });
    drop(raw);
}

/// The same for a peer that breaks a rule, and takes not even the Close for it.
#[test]
fn a_writer_that_waits_is_woken_when_the_peer_broke_a_rule() {
    let mut options = options(|timeouts| timeouts.close = ms(100));
    options.send_timeout = Duration::ZERO;
    let (mut raw, ws) = Raw::with_server(&options);
    let (mut reader, mut writer) = ws.try_split().unwrap();
    thread::scope(|scope| {
        let writing = scope.spawn(move || writer.send_binary(&vec![0; 64 * MIB]));
        raw.send(0x83, b"bad");
        let error = soon(|| reader.read().map(drop).unwrap_err());
        assert!(matches!(error, Error::Peer(PeerError::ReservedOpcode)), "{error:?}");
        assert!(soon(|| writing.join().unwrap()).is_err());
    });
    drop(raw);
}

/// Three Pings in one read, while the writer is in a long message: their Pongs go between its frames, and the reader does
/// not wait for the end of it.
#[test]
fn pongs_go_between_the_frames_of_a_long_message() {
    let (mut raw, ws) = Raw::with_server(&Options::DEFAULT);
    let (mut reader, mut writer) = ws.try_split().unwrap();
    let (all_seen, seen) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            // The message goes on until its reader has seen all Pongs.
            let begun = Instant::now();
            loop {
                writer.send(Kind::Binary, &mut &[0; 200_000][..], false).unwrap();
                if seen.try_recv().is_ok() || begun.elapsed() > TOO_LONG {
                    break;
                }
            }
            writer.send(Kind::Binary, &mut &b"the end"[..], true).unwrap();
        });
        scope.spawn(move || {
            assert_eq!(reader.read().unwrap(), Some(Message::Text("through")));
            assert!(matches!(reader.read(), Err(Error::Lost)));
        });
        let pings = [b"1", b"2", b"3"].map(|n| frame(true, PING, n)).concat();
        raw.write(&[pings, frame(true, TEXT, b"through")].concat());
        let mut pongs = Vec::new();
        while pongs.len() < 3 {
            match raw.next().unwrap() {
                (PONG, payload) => pongs.push(payload[0]),
                (b0, _) => assert_eq!(b0 & 0x80, 0, "the message has ended"),
            }
        }
        assert_eq!(pongs, b"123");
        all_seen.send(()).unwrap();
        while raw.next().unwrap() != (0x80, b"the end".to_vec()) {}
        drop(raw);
    });
}

/// The peer closes while one thread sends as fast as it can and another reads: one Close leaves, and nothing behind it. Whichever
/// thread wrote it, TCP ends right behind it, not when the reader looks the next time.
#[test]
fn nothing_leaves_behind_a_close_though_another_thread_sends() {
    let more = "more".repeat(400); // so that few frames fill what TCP holds
    let mut between = Duration::ZERO;
    for round in 0..20 {
        let (mut raw, ws) = Raw::with_server(&Options::DEFAULT);
        let (mut reader, mut writer) = ws.try_split().unwrap();
        thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let error = loop {
                    if let Err(error) = writer.send_text(&more).and_then(|()| writer.ping(b"?")) {
                        break error;
                    }
                };
                assert!(writer.send_text("late").is_err() && writer.ping(b"late").is_err(), "it stays so");
                error
            });
            let reading = scope.spawn(move || {
                assert_eq!(reader.read().unwrap(), None);
                assert!(reader.was_clean());
            });
            for _ in 0..round {
                assert!(matches!(raw.next(), Some((TEXT | PING, _))));
            }
            raw.send(CLOSE, &close_body(1000, ""));
            let (mut last, mut closed) = (None, Instant::now());
            while let Some(frame) = raw.next() {
                assert_ne!(last, Some(CLOSE), "{frame:?} behind the Close");
                (last, closed) = (Some(frame.0), Instant::now());
            }
            between += closed.elapsed();
            assert_eq!(last, Some(CLOSE));
            let error = soon(|| sending.join().unwrap());
            assert!(matches!(error, Error::Usage(UsageError::Closing)), "{error:?}");
            drop(raw);
            soon(|| reading.join().unwrap());
        });
    }
    assert!(between < Duration::from_secs(4), "{between:?} from a Close to the end, in all");
}
