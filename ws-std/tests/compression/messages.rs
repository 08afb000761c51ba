//! Messages there and back.

use crate::common::script::{Plan, Script};
use crate::common::{OFFER, request};
use crate::{Chance, OPTIONS, pair, said, serve, with};
use std::io::Write;
use std::thread;
use ws_std::{CloseCode, Compression, Effort, Kind, Message, OwnedMessage};

const SIZES: [usize; 12] = [0, 1, 63, 64, 65, 125, 126, 1000, 4096, 32_768, 32_769, 100_000];

#[test]
fn messages_of_all_sizes_go_there_and_back() {
    let small = Compression::new(9, 8).with_effort(Effort::QUICK).with_threshold(0);
    let large = Compression::DEFAULT.with_takeover();
    for (client, server) in [
        (Compression::DEFAULT, Compression::DEFAULT),
        (large, large),
        (small.with_takeover(), Compression::new(12, 11)),
        (large, small.without_peer_takeover()),
    ] {
        let (mut client, mut server) = pair(&with(client), &with(server));
        assert!(client.extensions().starts_with("permessage-deflate"));
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut by_pieces = false;
                // A message whole, and the next by its pieces, each sent on while it is lent.
                loop {
                    if !by_pieces {
                        match server.read().unwrap().map(OwnedMessage::from) {
                            None => break,
                            Some(OwnedMessage::Text(text)) => server.send_text(&text).unwrap(),
                            Some(OwnedMessage::Binary(bytes)) => server.send_binary(&bytes).unwrap(),
                        }
                    } else {
                        loop {
                            let Some((chunk, mut sender)) = server.receive().unwrap() else { return };
                            sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last).unwrap();
                            if chunk.last {
                                break;
                            }
                        }
                    }
                    by_pieces = !by_pieces;
                }
            });
            let chance = &mut Chance(1);
            for size in SIZES {
                let text = chance.text(size);
                client.send_text(&text).unwrap();
                assert!(client.read().unwrap() == Some(Message::Text(&text)), "{size} bytes came back wrong");
                let noise = chance.noise(size / 2);
                client.send_binary(&noise).unwrap();
                assert!(client.read().unwrap() == Some(Message::Binary(&noise)), "{size} bytes of noise");
                // In pieces, by a writer, and lent in pieces.
                let mut writer = client.message_writer(Kind::Text);
                let mut rest = text.as_bytes();
                while !rest.is_empty() {
                    let (piece, later) = rest.split_at((1 + chance.below(5000)).min(rest.len()));
                    writer.write_all(piece).unwrap();
                    rest = later;
                }
                writer.finish().unwrap();
                let (mut back, mut done) = (Vec::new(), false);
                while !done {
                    let chunk = client.read_chunk().unwrap().unwrap();
                    assert_eq!((chunk.kind, chunk.first), (Kind::Text, back.is_empty()));
                    back.extend_from_slice(chunk.payload);
                    done = chunk.last;
                }
                assert!(back == text.as_bytes(), "{size} bytes in pieces");
            }
            client.close(CloseCode::NORMAL, "").unwrap();
        });
    }
}

/// Both directions at once and full, each half in a thread.
#[test]
fn a_reader_and_a_writer_have_a_half_each() {
    let options = with(Compression::DEFAULT.with_takeover());
    let (client, mut server) = pair(&options, &options);
    let (mut reader, mut writer) = client.try_split().unwrap();
    let chance = &mut Chance(2);
    let messages: Vec<Vec<u8>> =
        (0..8).flat_map(|n| [chance.text(n * 15_000).into_bytes(), chance.noise(n * 15_000)]).collect();
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some((chunk, mut sender)) = server.receive().unwrap() {
                sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last).unwrap();
            }
        });
        let sending = scope.spawn(|| {
            for message in &messages {
                writer.send_binary(message).unwrap();
                writer.ping(b"in between").unwrap();
            }
            writer
        });
        for message in &messages {
            assert!(reader.read().unwrap() == Some(Message::Binary(message)));
        }
        sending.join().unwrap().close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(reader.read().unwrap(), None);
    });
    assert!(reader.was_clean());
}

/// What a server makes of the same message three times over, on the wire.
fn lengths(offer: &str, compression: Compression, message: &str) -> Vec<Option<usize>> {
    let takeover = compression == compression.with_takeover() && !offer.contains("server_no");
    let script = Script::new(Plan::SMOOTH, request(offer));
    let mut ws = serve(script.clone(), &with(compression)).unwrap();
    ws.send_text(message).unwrap();
    // The history goes along when the connection is taken apart.
    let (_reader, mut writer) = ws.split(script.clone());
    for _ in 0..2 {
        writer.send_text(message).unwrap();
    }
    let (messages, _) = said(&script, takeover);
    assert!(messages.iter().all(|(bytes, _)| bytes == message.as_bytes()));
    messages.into_iter().map(|(_, len)| len).collect()
}

#[test]
fn messages_get_shorter_and_with_takeover_much_shorter() {
    let message = Chance(3).text(2000);
    let [Some(first), Some(second), Some(third)] = lengths(OFFER, Compression::DEFAULT, &message)[..] else {
        panic!("not compressed");
    };
    assert!(first < 900 && (second, third) == (first, first), "{first}, {second}, {third}");
    let takeover = Compression::DEFAULT.with_takeover();
    let again = lengths(OFFER, takeover, &message);
    assert_eq!(again[0], Some(first));
    assert!(again[1].unwrap() < 40 && again[2].unwrap() < 40, "{again:?}");
    // The client has the last word.
    let ruled_out = lengths("permessage-deflate; server_no_context_takeover", takeover, &message);
    assert_eq!(ruled_out, [Some(first); 3]);
}

#[test]
fn short_messages_are_sent_as_they_are() {
    let text = "a".repeat(63);
    assert_eq!(lengths(OFFER, Compression::DEFAULT, &text), [None; 3]);
    assert_eq!(lengths(OFFER, Compression::DEFAULT.with_threshold(64), &text), [None; 3]);
    assert!(lengths(OFFER, Compression::DEFAULT.with_threshold(63), &text).iter().all(Option::is_some));
    assert!(lengths(OFFER, Compression::DEFAULT, &"a".repeat(64)).iter().all(Option::is_some));
    // Longer than what is compressed at once.
    let high = Compression::DEFAULT.with_threshold(40_000);
    assert_eq!(lengths(OFFER, high, &"a".repeat(39_999)), [None; 3]);
    assert!(lengths(OFFER, high, &"a".repeat(40_000)).iter().all(Option::is_some));
}

/// Nothing is compressed where nothing was agreed on, whatever the options say.
#[test]
fn without_an_agreement_nothing_is_compressed() {
    let script = Script::new(Plan::SMOOTH, crate::common::REQUEST.to_vec());
    let mut ws = serve(script.clone(), &OPTIONS).unwrap();
    let text = "a".repeat(1000);
    ws.send_text(&text).unwrap();
    assert_eq!(said(&script, false), (vec![(text.into_bytes(), None)], None));
}
