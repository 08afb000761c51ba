//! What may not come: it is told to the peer and to the application, and what was right before it is lent.

use embedded_io_async::ErrorKind;
use ws_embassy::{Error, MessageBuffer, Options, PeerError};

use super::Memory;
use crate::common::deflate::{bomb, deflated, inflated_so_far, reference};
use crate::common::frames::{BINARY, Frame, PING, TEXT};
use crate::pipe::Pace;
use crate::side::{Line, Side, both_sides, encode, frames_any, run};

both_sides! {
    a_compressed_message_without_an_agreement_is_1002
    rsv1_where_no_message_begins_is_1002
    what_cannot_be_inflated_is_1007
    text_that_is_no_utf8_is_1007
    a_bomb_is_1009_and_no_more_than_the_limit_is_lent
    a_message_of_the_limit_is_taken
    the_first_message_refers_to_nothing
}

#[derive(Clone, Copy, Debug)]
enum How {
    Read(usize),
    Whole(usize),
}

const HOW: [How; 5] = [How::Read(1), How::Read(7), How::Read(100), How::Read(4000), How::Whole(4000)];

/// What was lent of `frames`, how reading them ended, and the code of the Close that the peer was sent.
fn read<S: Side>(
    frames: &[Frame],
    how: How,
    options: &Options,
    is_agreed: bool,
) -> (Vec<u8>, Error<ErrorKind>, u16) {
    let line = Line::new(usize::MAX);
    frames.iter().for_each(|frame| line.to_us.put(&encode(frame.clone(), !S::IS_CLIENT)));
    let mut lent = Vec::new();
    let error = run(async {
        let (mut read, mut write, mut memory) = ([0; 300], [0; 16], Memory::new());
        let (paces, mut codec) = ((Pace::Ready, Pace::Ready), memory.begun::<S>());
        let mut ws = if is_agreed {
            line.open_with::<S>(paces, (&mut read, &mut write), options, &mut codec)
        } else {
            line.open::<S>(paces, (&mut read, &mut write), options)
        };
        let (mut buf, mut memory) = match how {
            How::Read(size) => (vec![0; size], Vec::new()),
            How::Whole(size) => (Vec::new(), vec![0; size]),
        };
        let mut buffer = MessageBuffer::new(&mut memory);
        let error = loop {
            let result = match how {
                How::Read(_) => ws
                    .read(&mut buf)
                    .await
                    .map(|chunk| lent.extend_from_slice(chunk.expect("no Close").payload)),
                How::Whole(_) => ws.read_message(&mut buffer).await.map(|message| {
                    lent.extend_from_slice(message.expect("no Close").as_bytes());
                }),
            };
            if let Err(error) = result {
                break error;
            }
        };
        assert_eq!(ws.receive(|_| ()).await, Err(error), "and so it stays");
        error
    });
    let written = frames_any::<S>(&line.to_peer.log());
    let [close] = &written[..] else { panic!("a Close and nothing else: {written:?}") };
    (lent, error, close.close_code().expect("a Close"))
}

/// However it is read.
fn refused<S: Side>(frames: &[Frame], options: &Options, fault: PeerError, code: u16, lent: &[u8]) {
    for how in HOW {
        let (was_lent, error, told) = read::<S>(frames, how, options, true);
        assert_eq!((error, told), (Error::Peer(fault), code), "{frames:?} by {how:?}");
        match how {
            How::Read(_) => assert_eq!(was_lent, lent, "{frames:?} by {how:?}"),
            How::Whole(_) => assert!(was_lent.is_empty(), "it is not whole"),
        }
    }
}

fn a_compressed_message_without_an_agreement_is_1002<S: Side>() {
    for how in HOW {
        let frames = [Frame::new(TEXT, deflated("Hello")).compressed()];
        let (lent, error, code) = read::<S>(&frames, how, &Options::DEFAULT, false);
        assert_eq!((error, code), (Error::Peer(PeerError::ReservedBits), 1002));
        assert!(lent.is_empty());
    }
}

fn rsv1_where_no_message_begins_is_1002<S: Side>() {
    let begin = Frame::binary(bomb(10)).more().compressed();
    let plain = Frame::binary("abc").more();
    for frames in [
        [begin.clone(), Frame::new(0, bomb(1)).compressed()],
        [begin, Frame::new(PING, "").compressed()],
        [plain.clone(), Frame::new(0, deflated("abc")).compressed()],
        [plain, Frame::close(1000, "").compressed()],
    ] {
        let lent = if frames[0].rsv1 { vec![b'a'; 1 + 258 * 10] } else { b"abc".to_vec() };
        refused::<S>(&frames, &Options::DEFAULT, PeerError::ReservedBits, 1002, &lent);
    }
}

fn what_cannot_be_inflated_is_1007<S: Side>() {
    let hello = deflated("Hello, hello, hello");
    let stored = |text: &str| {
        let len = text.len() as u8;
        [&[0, len, 0, !len, 0xff], text.as_bytes()].concat()
    };
    for payload in [
        vec![0x06],                                      // a block of type 3
        vec![0x00, 1, 0, 0, 0],                          // a length and not its complement
        hello[..hello.len() - 4].to_vec(),               // it ends inside a block
        [&*hello, &[0xff]].concat(),                     // it goes on behind one, with type 3
        [&*stored("abc"), &[0x06]].concat(),             // so does this one
        [&*bomb(3), &[0, 0, 0xff, 0xff, 0x07]].concat(), // and this one
    ] {
        // What is right is lent, up to where the tail is missed that its sender has removed.
        let lent = inflated_so_far(&[&*payload, &[0, 0, 0xff, 0xff]].concat());
        let (first, rest) = payload.split_at(payload.len() / 2);
        let fault = PeerError::BadCompression;
        let whole = [Frame::binary(&*payload).compressed()];
        refused::<S>(&whole, &Options::DEFAULT, fault, 1007, &lent);
        let fragments = [Frame::binary(first).more().compressed(), Frame::new(0, rest)];
        refused::<S>(&fragments, &Options::DEFAULT, fault, 1007, &lent);
    }
}

fn text_that_is_no_utf8_is_1007<S: Side>() {
    for (text, lent) in [(&b"abc\xff"[..], "abc"), (b"\xc3\xa9\xe2\x82", "\u{e9}"), (b"\xed\xa0\x80", "")] {
        let frame = Frame::new(TEXT, deflated(text)).compressed();
        for how in HOW {
            let (was_lent, error, code) =
                read::<S>(std::slice::from_ref(&frame), how, &Options::DEFAULT, true);
            assert_eq!((error, code), (Error::Peer(PeerError::InvalidUtf8), 1007), "{text:?}");
            // Of a character that is cut, so much as may be one.
            assert!(text.starts_with(&was_lent));
            assert!(matches!(how, How::Whole(_)) || was_lent.starts_with(lent.as_bytes()), "{text:?}");
        }
    }
}

fn a_bomb_is_1009_and_no_more_than_the_limit_is_lent<S: Side>() {
    let whole = bomb(4000); // a megabyte
    let (first, rest) = whole.split_at(1000);
    let frames = [Frame::binary(first).more().compressed(), Frame::new(0, rest)];
    for limit in [0, 1, 100, 511, 512, 513, 2000] {
        let options = Options::DEFAULT.with_message_limit(limit);
        refused::<S>(&frames, &options, PeerError::MessageTooBig, 1009, &vec![b'a'; limit]);
    }
    // What does not fit the buffer of a message, though it does the limit.
    let options = Options::DEFAULT.with_message_limit(2000);
    let frame = Frame::binary(bomb(2)).compressed();
    let (lent, error, code) = read::<S>(&[frame], How::Whole(516), &options, true);
    assert_eq!((error, code), (Error::Peer(PeerError::MessageTooBig), 1009));
    assert!(lent.is_empty());
}

fn a_message_of_the_limit_is_taken<S: Side>() {
    for (limit, is_taken) in [(1 + 258 * 9, true), (258 * 9, false)] {
        for how in HOW {
            let options = Options::DEFAULT.with_message_limit(limit);
            // The second one cannot be inflated, which ends it.
            let frames = [Frame::binary(bomb(9)).compressed(), Frame::new(TEXT, [0x06]).compressed()];
            let (lent, error, _) = read::<S>(&frames, how, &options, true);
            let fault = if is_taken { PeerError::BadCompression } else { PeerError::MessageTooBig };
            assert_eq!(error, Error::Peer(fault), "{how:?}");
            if is_taken {
                assert!(lent.starts_with(&[b'a'; 1 + 258 * 9]), "{how:?}");
            }
        }
    }
}

/// Or it would show what the memory held before.
fn the_first_message_refers_to_nothing<S: Side>() {
    for distance in 1..=4 {
        let frames = [Frame::new(BINARY, reference(distance)).compressed()];
        refused::<S>(&frames, &Options::DEFAULT, PeerError::BadCompression, 1007, b"");
    }
}
