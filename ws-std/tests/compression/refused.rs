//! What may not come.

use crate::common::frames::{BINARY, RSV1, TEXT, frame};
use crate::common::script::{Plan, Script};
use crate::common::{OFFER, REQUEST, bomb, request};
use crate::{MIB, OPTIONS, said, serve};
use ws_std::{Error, Options, PeerError};

/// What a server that has read `frames` up to their error says of them, and the code of its Close; read whole and in pieces.
fn refused(request: &[u8], frames: &[u8], options: &Options) -> (PeerError, u16) {
    let mut outcome = None;
    for is_whole in [true, false] {
        for read in [1, usize::MAX] {
            let script = Script::new(Plan { read, ..Plan::SMOOTH }, [request, frames].concat());
            let mut ws = serve(script.clone(), options).unwrap();
            let result = loop {
                let read = match is_whole {
                    true => ws.read().map(|message| message.is_some()),
                    false => ws.read_chunk().map(|chunk| chunk.is_some()),
                };
                match read {
                    Ok(more) => assert!(more, "it was refused"),
                    Err(Error::Peer(error)) => break error,
                    Err(error) => panic!("{error}"),
                }
            };
            let close = said(&script, false).1.expect("a Close");
            let found = (result, u16::from_be_bytes([close[0], close[1]]));
            assert_eq!(*outcome.get_or_insert(found), found);
        }
    }
    outcome.unwrap()
}

#[test]
fn what_cannot_be_inflated_is_1007() {
    for payload in
        [&b"\x06"[..], b"\xf2\x48\xcd\xc9\xc9", b"\x02\x07\x00", b"\xf2\x48\xcd\xc9\xc9\x07\x00\xff"]
    {
        let frames = frame(true, BINARY | RSV1, payload);
        assert_eq!(refused(&request(OFFER), &frames, &OPTIONS), (PeerError::BadCompression, 1007));
    }
    let text = frame(true, TEXT | RSV1, b"\0\x02\0\xfd\xffa\xff\0");
    assert_eq!(refused(&request(OFFER), &text, &OPTIONS), (PeerError::InvalidUtf8, 1007));
}

#[test]
fn a_compressed_message_without_an_agreement_is_1002() {
    let hello = frame(true, TEXT | RSV1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    for (request, options) in [
        (REQUEST.to_vec(), OPTIONS),
        (request(OFFER), Options::DEFAULT),
        (REQUEST.to_vec(), Options::DEFAULT),
    ] {
        assert_eq!(refused(&request, &hello, &options), (PeerError::ReservedBits, 1002));
    }
    // With one, nowhere but where a message begins.
    let frames = [frame(true, 0x02 | RSV1, b"\xf2\x48\xcd"), frame(true, 0x80 | RSV1, b"\xc9\xc9\x07\x00")];
    assert_eq!(refused(&request(OFFER), &frames.concat(), &OPTIONS), (PeerError::ReservedBits, 1002));
}

#[test]
fn a_bomb_is_1009() {
    let frames = frame(true, BINARY | RSV1, &bomb(40_000)); // 10 MiB in 64 KiB
    for limit in [100, 8 * 1024, MIB] {
        let options = OPTIONS.with_message_limit(limit);
        assert_eq!(refused(&request(OFFER), &frames, &options), (PeerError::MessageTooBig, 1009));
    }
}

/// The limit counts what a message inflates to, at its very byte.
#[test]
fn a_message_of_the_limit_is_taken() {
    let len = 1 + 258 * 20;
    for (limit, is_taken) in [(len, true), (len - 1, false)] {
        let script =
            Script::new(Plan::SMOOTH, [request(OFFER), frame(true, BINARY | RSV1, &bomb(20))].concat());
        let mut ws = serve(script, &OPTIONS.with_message_limit(limit)).unwrap();
        match ws.read() {
            Ok(message) => assert!(is_taken && message.unwrap().as_bytes() == vec![b'a'; len]),
            Err(error) => assert!(!is_taken && matches!(error, Error::Peer(PeerError::MessageTooBig))),
        }
    }
}
