//! Messages: many, large, larger than memory; and peers that do not take them.

use crate::common::frames::{CLOSE, PING, PONG, TEXT, close_body, frame, said};
use crate::peer::{Raw, fill, options, pair, soon};
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;
use ws_std::{
    Error, Event, Kind, Limits, Message, Options, OwnedMessage, PeerError, Role, Waited, WebSocket,
};

const MIB: usize = 1 << 20;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect()
}

#[test]
fn messages_of_all_sizes_go_there_and_back() {
    let options = Options::DEFAULT.with_message_limit(16 * MIB);
    let sizes = [0, 1, 125, 126, 2000, 65_535, 65_536, MIB, 16 * MIB];
    let (mut client, mut server) = pair(&options, &options);
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some(message) = server.read().unwrap() {
                match OwnedMessage::from(message) {
                    OwnedMessage::Text(text) => server.send_text(&text).unwrap(),
                    OwnedMessage::Binary(bytes) => server.send_binary(&bytes).unwrap(),
                }
            }
        });
        for size in sizes {
            let sent = bytes(size);
            client.send_binary(&sent).unwrap();
            assert!(client.read().unwrap() == Some(Message::Binary(&sent)), "{size} bytes came back wrong");
        }
        let text = "\u{e9}\u{20ac}\u{1f600}".repeat(10_000);
        client.send_text(&text).unwrap();
        assert!(client.read().unwrap() == Some(Message::Text(&text)));
        client.close(ws_std::CloseCode::NORMAL, "").unwrap();
    });
}

#[test]
fn messages_larger_than_memory_stream_both_ways() {
    let options = Options::DEFAULT.with_message_limit(usize::MAX);
    let (mut client, mut server) = pair(&options, &options);
    let piece = bytes(10_000);
    let pieces = 1600;
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = client.message_writer(Kind::Binary);
            for _ in 0..4 {
                writer.write_all(&piece).unwrap();
            }
            writer.finish().unwrap();
            let mut all = 0;
            while let Some(chunk) = client.read_chunk().unwrap() {
                assert!(
                    chunk.payload.iter().eq(piece
                        .iter()
                        .cycle()
                        .skip(all % piece.len())
                        .take(chunk.payload.len()))
                );
                all += chunk.payload.len();
                if chunk.last {
                    break;
                }
            }
            assert_eq!(all, 4 * piece.len());
            client.close(ws_std::CloseCode::NORMAL, "").unwrap();
        });
        while let Some((chunk, mut sender)) = server.receive().unwrap() {
            sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last).unwrap();
        }
    });
    // And in one frame that is far longer than any buffer.
    let (mut raw, mut server) = Raw::with_server(&options);
    thread::scope(|scope| {
        scope.spawn(|| {
            let len = (piece.len() * pieces) as u64;
            raw.write(&crate::common::frames::header(true, 0x82, len));
            raw.write(&[0; 4]); // a key that changes nothing
            for _ in 0..pieces {
                raw.write(&piece);
            }
        });
        let mut left = piece.len() * pieces;
        loop {
            let chunk = server.read_chunk().unwrap().unwrap();
            assert_eq!(chunk.first, left == piece.len() * pieces);
            left -= chunk.payload.len();
            assert_eq!(chunk.remaining, left as u64);
            if chunk.last {
                break;
            }
        }
        assert_eq!(left, 0);
    });
}

#[test]
fn many_messages_in_one_read_are_echoed_in_order() {
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    let sent: Vec<Vec<u8>> = (0..500).map(|n| format!("message {n}").into_bytes()).collect();
    thread::scope(|scope| {
        let echo = scope.spawn(move || -> Result<(), Error> {
            while let Some((chunk, mut sender)) = ws.receive()? {
                sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?;
            }
            Ok(())
        });
        raw.write(&sent.iter().flat_map(|message| frame(true, TEXT, message)).collect::<Vec<_>>());
        let mut frames = Vec::new();
        while frames.iter().filter(|(b0, _)| b0 & 0x80 != 0).count() < sent.len() {
            frames.push(raw.next().unwrap()); // what came in two reads goes back in two frames
        }
        let echoed = said(frames);
        assert!(
            echoed.iter().map(|(b0, message)| (*b0, message)).eq(sent.iter().map(|message| (TEXT, message)))
        );
        drop(raw);
        assert!(matches!(echo.join().unwrap(), Err(Error::Lost)));
    });
}

/// A limit holds at its very byte, and the peer is told 1009.
#[test]
fn limits_on_messages_hold() {
    for (size, is_taken) in [(999, true), (1000, true), (1001, false)] {
        let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT.with_message_limit(1000));
        raw.send(0x82, &vec![1; size]);
        thread::scope(|scope| {
            scope.spawn(move || match ws.read() {
                Ok(message) => assert!(is_taken && message.is_some_and(|m| m.as_bytes().len() == size)),
                Err(error) => {
                    assert!(!is_taken && matches!(error, Error::Peer(PeerError::MessageTooBig)), "{error:?}");
                }
            });
            if !is_taken {
                assert_eq!(raw.next(), Some((0x88, 1009u16.to_be_bytes().to_vec())));
            }
            drop(raw);
        });
    }
    for (fragments, is_taken) in [(3, true), (4, false)] {
        let mut options = Options::DEFAULT;
        options.config.limits.fragments = 3;
        let (mut raw, mut ws) = Raw::with_server(&options);
        for n in 1..=fragments {
            let (fin, opcode) = (if n == fragments { 0x80 } else { 0 }, if n == 1 { 2 } else { 0 });
            raw.send(fin | opcode, b"x");
        }
        drop(raw);
        match ws.read() {
            Ok(message) => assert!(is_taken && message == Some(Message::Binary(b"xxx"))),
            Err(error) => assert!(!is_taken && matches!(error, Error::Peer(PeerError::TooManyFragments))),
        }
    }
}

/// First bytes and payloads of frames.
type Sent<'a> = &'a [(u8, &'a [u8])];

/// Each limit reaches the decoder, whichever call asks it, on both ends, in one thread and in two.
#[test]
fn each_limit_holds_whichever_call_reads() {
    let mut options = Options::DEFAULT;
    options.config.limits = Limits { message: 10, fragments: 5, empty_fragments: 2 };
    let fragments = [&[(0x02, &b"x"[..])], [(0x00, &b"y"[..])].repeat(5).as_slice()].concat();
    let empty = [&[(0x02, &b"x"[..])], [(0x00, &b""[..])].repeat(3).as_slice()].concat();
    let (one, two) = ([0; 11], [0; 6]);
    let cases: [(Sent<'_>, PeerError, u16); 4] = [
        (&[(0x82, &one)], PeerError::MessageTooBig, 1009),
        (&[(0x02, &two), (0x80, &two)], PeerError::MessageTooBig, 1009),
        (&fragments, PeerError::TooManyFragments, 1008),
        (&empty, PeerError::TooManyFragments, 1008),
    ];
    for (frames, error, code) in cases {
        for call in 0..5 {
            let (raw, ws) = Raw::with_server(&options);
            is_refused(raw, ws, call, frames, error, code);
            let (raw, ws) = Raw::with_client(&options);
            is_refused(raw, ws, call, frames, error, code);
        }
    }
}

fn is_refused<R: Role + Send>(
    mut raw: Raw,
    mut ws: WebSocket<TcpStream, R>,
    call: usize,
    frames: Sent<'_>,
    expected: PeerError,
    code: u16,
) {
    for (b0, payload) in frames {
        raw.send(*b0, payload);
    }
    thread::scope(|scope| {
        scope.spawn(move || {
            let error = loop {
                let goes_on = match call {
                    0 => ws.read().map(|message| message.is_some()),
                    1 => ws.read_chunk().map(|chunk| chunk.is_some()),
                    2 => ws.read_event().map(|event| event.is_some()),
                    3 => ws.receive().map(|received| received.is_some()),
                    _ => break ws.try_split().unwrap().0.read().map(drop).unwrap_err(),
                };
                assert!(goes_on.as_ref().is_ok_and(|goes_on| *goes_on) || goes_on.is_err(), "{call}");
                if let Err(error) = goes_on {
                    break error;
                }
            };
            assert!(matches!(error, Error::Peer(error) if error == expected), "{call}: {error:?}");
        });
        assert_eq!(raw.next(), Some((CLOSE, code.to_be_bytes().to_vec())), "{call}");
        drop(raw);
    });
}

#[test]
fn a_peer_that_never_reads_is_given_up() {
    let options = Options { send_timeout: Duration::from_millis(100), ..Options::DEFAULT };
    let (raw, mut ws) = Raw::with_server(&options);
    let huge = vec![0; 64 * MIB];
    let mut rest = huge.as_slice();
    let error = soon(|| ws.send(Kind::Binary, &mut rest, true).unwrap_err());
    assert!(matches!(error, Error::TimedOut(Waited::Send)), "{error:?}");
    assert!(!rest.is_empty());
    assert!(ws.buffered_amount() <= options.write_buffer as u64, "no more waits than was allowed");
    drop(raw);
}

/// It is told to come back, and given up all the same in the end.
#[test]
fn a_peer_that_never_reads_is_given_up_by_a_stream_that_does_not_wait() {
    let options = Options { send_timeout: Duration::from_millis(100), ..Options::DEFAULT };
    let (raw, mut ws) = Raw::with_server(&options);
    fill(&mut ws);
    ws.stream().set_nonblocking(true).unwrap();
    let error = soon(|| {
        loop {
            // The system may find room yet for what seemed too much.
            match ws.feed(Kind::Binary, &mut &[0; 4096][..], false) {
                Ok(()) | Err(Error::WouldBlock) => {}
                Err(error) => break error,
            }
        }
    });
    assert!(matches!(error, Error::TimedOut(Waited::Send)), "{error:?}");
    drop(raw);
}

/// One Pong waits at most; the rest of the flood waits in the peer's own buffers.
#[test]
fn a_flood_of_pings_from_a_peer_that_never_reads_costs_nothing() {
    let options = Options { send_timeout: Duration::from_millis(100), ..Options::DEFAULT };
    let (mut raw, mut ws) = Raw::with_server(&options);
    thread::scope(|scope| {
        scope.spawn(move || {
            let pings = frame(true, PING, &[7; 125]).repeat(1000);
            while raw.stream.write_all(&pings).is_ok() {}
        });
        let error = soon(|| ws.read().map(drop).unwrap_err());
        assert!(matches!(error, Error::TimedOut(Waited::Send)), "{error:?}");
        assert!(ws.buffered_amount() <= options.write_buffer as u64 + 127);
        drop(ws);
    });
}

/// Both send more than all buffers between them hold, and neither waits: reading goes on while writing cannot.
#[test]
fn two_ends_that_do_not_wait_do_not_wait_for_each_other() {
    let options = options(|_| {}).with_message_limit(usize::MAX);
    let (mut client, mut server) = pair(&options, &options);
    client.stream().set_nonblocking(true).unwrap();
    server.stream().set_nonblocking(true).unwrap();
    let all = bytes(6 * MIB);
    let (mut to_server, mut to_client) = (all.as_slice(), all.as_slice());
    let (mut at_server, mut at_client) = (0, 0);
    /// `true`: it may be called again.
    fn ready(result: Result<(), Error>) -> bool {
        match result {
            Ok(()) => true,
            Err(Error::WouldBlock) => false,
            Err(error) => panic!("{error}"),
        }
    }
    soon(|| {
        while at_server < all.len() || at_client < all.len() {
            // Each writes as much as it can before it reads.
            while !to_server.is_empty() && ready(client.send(Kind::Binary, &mut to_server, true)) {}
            while !to_client.is_empty() && ready(server.send(Kind::Binary, &mut to_client, true)) {}
            while at_server < all.len()
                && ready(server.read_chunk().map(|chunk| {
                    let chunk = chunk.unwrap();
                    assert!(all[at_server..].starts_with(chunk.payload));
                    at_server += chunk.payload.len();
                }))
            {}
            while at_client < all.len()
                && ready(client.read_chunk().map(|chunk| {
                    let chunk = chunk.unwrap();
                    assert!(all[at_client..].starts_with(chunk.payload));
                    at_client += chunk.payload.len();
                }))
            {}
        }
    });
}

#[test]
fn pings_and_pongs_are_seen_by_who_asks() {
    let frames = [
        frame(true, PING, b"are you there?"),
        frame(true, TEXT, b"hello"),
        frame(true, PONG, b"unasked"),
        frame(true, CLOSE, &close_body(1000, "")),
    ];
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    raw.write(&frames.concat());
    assert_eq!(ws.read_event().unwrap(), Some(Event::Ping));
    assert_eq!(ws.control(), b"are you there?");
    assert_eq!(ws.read_event().unwrap(), Some(Event::Message(Message::Text("hello"))));
    assert_eq!(ws.read_event().unwrap(), Some(Event::Pong));
    assert_eq!(ws.control(), b"unasked");
    thread::scope(|scope| {
        scope.spawn(move || while raw.next().is_some() {});
        assert_eq!(ws.read_event().unwrap(), None);
    });

    let (mut raw, ws) = Raw::with_server(&Options::DEFAULT);
    let (mut reader, _writer) = ws.try_split().unwrap();
    raw.write(&frames.concat());
    assert_eq!(reader.read_event().unwrap(), Some(Event::Ping));
    assert_eq!(reader.control(), b"are you there?");
    assert_eq!(reader.read_event().unwrap(), Some(Event::Message(Message::Text("hello"))));
    assert_eq!(reader.read_event().unwrap(), Some(Event::Pong));
    thread::scope(|scope| {
        scope.spawn(move || while raw.next().is_some() {});
        assert_eq!(reader.read_event().unwrap(), None);
    });
}

/// Whole messages and pieces may be asked for in turns: what is left of a message in pieces is no message, and nothing of
/// an earlier one comes with it.
#[test]
fn a_message_of_which_a_piece_was_lent_is_passed_over() {
    let frames = [
        frame(true, 0x02, b"\xff"),
        frame(true, 0x80, b"\xff"),
        frame(true, 0x01, b"ef"),
        frame(true, 0x80, b"gh"),
        frame(true, 0x01, b"ij"),
        frame(true, 0x80, b"kl"),
        frame(true, 0x01, b"mn"),
        frame(true, 0x00, b"op"),
        frame(true, 0x80, b"qr"),
        frame(true, TEXT, b"end"),
    ];
    let (mut raw, mut ws) = Raw::with_server(&Options::DEFAULT);
    raw.write(&frames.concat());
    assert_eq!(ws.read().unwrap(), Some(Message::Binary(b"\xff\xff")));
    assert_eq!(ws.read_chunk().unwrap().unwrap().payload, b"ef");
    assert_eq!(ws.read().unwrap(), Some(Message::Text("ijkl")));
    assert_eq!(ws.receive().unwrap().unwrap().0.payload, b"mn");
    assert_eq!(ws.read_event().unwrap(), Some(Event::Message(Message::Text("end"))));
}
