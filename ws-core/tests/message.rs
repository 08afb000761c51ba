//! Whole messages in lent memory: what `MessageBuffer` gives out, at and around the size of its buffer, and that what is
//! too long is refused before it comes.

mod common;

use common::{Driver, ENDS, End, FREE, Seen, TestKeys, at, incoming, script, thin};
use ws_core::{
    CapacityError, CloseCode, Connection, Event, Input, Kind, Limits, Message, MessageBuffer, PeerError, Role,
};

/// A message that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whole {
    Text(String),
    Binary(Vec<u8>),
    TooLong,
}

fn text(s: &str) -> Whole {
    Whole::Text(s.into())
}

fn binary(bytes: &[u8]) -> Whole {
    Whole::Binary(bytes.to_vec())
}

/// What comes out of a buffer of `size` bytes, if `bytes` come in pieces of `piece`; then how the connection ended. The
/// buffer lies between canaries.
fn collect(
    end: End,
    limits: Limits,
    size: usize,
    bytes: &[u8],
    piece: usize,
) -> (Vec<Whole>, Option<PeerError>) {
    let config = FREE.with_limits(limits);
    match end {
        End::Server => collect_with(Connection::server(config, at(0)), size, bytes, piece),
        End::Client => {
            collect_with(Connection::client(config, TestKeys::default(), at(0)), size, bytes, piece)
        }
    }
}

fn collect_with<R: Role>(
    mut ws: Connection<R>,
    size: usize,
    bytes: &[u8],
    piece: usize,
) -> (Vec<Whole>, Option<PeerError>) {
    let mut memory = vec![0xca; size + 32];
    let (front, rest) = memory.split_at_mut(16);
    let (lent, back) = rest.split_at_mut(size);
    let mut buffer = MessageBuffer::new(lent);
    let mut whole = Vec::new();
    let mut error = None;
    for read in bytes.chunks(piece) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        while !input.is_empty() {
            match ws.receive(&mut input) {
                Ok(Some(Event::Data(data))) => match buffer.push(data) {
                    Ok(Some(Message::Text(s))) => whole.push(text(s)),
                    Ok(Some(Message::Binary(b))) => whole.push(binary(b)),
                    Ok(None) => {}
                    Err(CapacityError) => {
                        whole.push(Whole::TooLong);
                        ws.fail(CloseCode::MESSAGE_TOO_BIG);
                    }
                },
                Ok(_) => {
                    let mut buf = [0; 131];
                    ws.transmit(&mut ws_core::Output::new(&mut buf));
                }
                Err(e) => error = Some(e),
            }
        }
    }
    assert!(front.iter().chain(back.iter()).all(|byte| *byte == 0xca), "written beside the buffer");
    if whole.contains(&Whole::TooLong) {
        assert_eq!(ws.close_sent(), Some(Some(CloseCode::MESSAGE_TOO_BIG)));
    }
    (whole, error)
}

#[test]
fn messages_come_out_whole_whatever_their_fragments_and_reads() {
    let accents = "κόσμε 你好 😀";
    let (a, b) = accents.as_bytes().split_at(5); // inside a character
    for end in ENDS {
        let frames: [(u8, &[u8]); 12] = [
            (0x81, accents.as_bytes()),
            (0x01, a),
            (0x89, b"between"),
            (0x80, b),
            (0x82, b""),
            (0x01, b""),
            (0x80, b""),
            (0x02, b"\xff"),
            (0x00, b""),
            (0x00, b"\xfe"),
            (0x80, b""),
            (0x81, b"x"),
        ];
        let bytes = script(end, &frames);
        let expected = [text(accents), text(accents), binary(b""), text(""), binary(b"\xff\xfe"), text("x")];
        for piece in thin(1..=bytes.len(), 30) {
            let (whole, error) = collect(end, FREE.limits, 64, &bytes, piece);
            assert_eq!((&whole[..], error), (&expected[..], None), "{end:?}, pieces of {piece}");
        }
    }
}

#[test]
fn a_message_kind_and_its_bytes() {
    assert_eq!(Message::Text("é").kind(), Kind::Text);
    assert_eq!(Message::Text("é").as_bytes(), b"\xc3\xa9");
    assert_eq!(Message::Binary(b"\xff").kind(), Kind::Binary);
    assert_eq!(Message::Binary(b"\xff").as_bytes(), b"\xff");
}

/// With the limit set as advised, nothing that does not fit ever reaches the buffer.
#[test]
fn at_the_limit_it_fits_and_above_it_is_refused_with_1009() {
    const SIZE: usize = 20;
    for end in ENDS {
        for len in [SIZE - 1, SIZE, SIZE + 1] {
            let body = vec![b'm'; len];
            let (head, tail) = body.split_at(11);
            for frames in [&[(0x82, &body[..])][..], &[(0x02, head), (0x80, tail)]] {
                for piece in [1, 3, 1000] {
                    let bytes = script(end, frames);
                    let got = collect(end, Limits::for_message(SIZE), SIZE, &bytes, piece);
                    let expected = if len > SIZE {
                        (vec![], Some(PeerError::MessageTooBig))
                    } else {
                        (vec![binary(&body)], None)
                    };
                    assert_eq!(got, expected, "{end:?}: {len} bytes in {} frames", frames.len());
                }
            }
        }
    }
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_header_alone() {
    for end in ENDS {
        let mut driver = Driver::with(end, FREE.with_limits(Limits::for_message(20)));
        let frame = incoming(end, 0x81, &[b'm'; 21]);
        driver.feed(&frame[..frame.len() - 21]);
        assert_eq!(driver.seen, [Seen::Failed(PeerError::MessageTooBig)]);
        assert_eq!(driver.replies(), [(0x88, b"\x03\xf1".to_vec())]);
    }
}

/// Without a limit the buffer itself refuses, as soon as the header of the frame in question is known.
#[test]
fn what_does_not_fit_is_refused_by_the_buffer() {
    const SIZE: usize = 20;
    for end in ENDS {
        for len in [SIZE - 1, SIZE, SIZE + 1] {
            let body = vec![b'm'; len];
            let (head, tail) = body.split_at(11);
            for piece in [1, 3, 14] {
                for frames in [&[(0x82, &body[..])][..], &[(0x02, head), (0x80, tail)]] {
                    let bytes = script(end, frames);
                    let got = collect(end, FREE.limits, SIZE, &bytes, piece);
                    let expected = if len > SIZE { Whole::TooLong } else { binary(&body) };
                    assert_eq!(got.0, [expected], "{end:?}: {len} bytes, {} frames, {piece}", frames.len());
                }
            }
        }
    }
}

#[test]
fn a_declared_gibibyte_is_refused_with_its_first_byte() {
    for end in ENDS {
        let key: &[u8] = if end == End::Server { &[0x80 | 127] } else { &[127] };
        let mut bytes = [&[0x82], key, &(1u64 << 30).to_be_bytes()].concat();
        bytes.extend(vec![0; end.peer().key_len() + 1]);
        let expected = (vec![Whole::TooLong], None);
        assert_eq!(collect(end, FREE.limits, 1000, &bytes, 1), expected);
        assert_eq!(collect(end, FREE.limits, 1000, &bytes, 100), expected);
    }
}

/// It is lent out of the input, without a copy: so it needs no room.
#[test]
fn a_message_in_one_piece_may_be_longer_than_the_buffer() {
    for end in ENDS {
        let body = "é".repeat(500);
        let bytes = script(end, &[(0x81, body.as_bytes()), (0x81, b"small")]);
        for size in [0, 3] {
            let (whole, error) = collect(end, FREE.limits, size, &bytes, bytes.len());
            assert_eq!((&whole[..], error), (&[text(&body), text("small")][..], None));
        }
    }
}

#[test]
fn a_buffer_of_nothing_takes_empty_messages() {
    for end in ENDS {
        let bytes = script(end, &[(0x01, b""), (0x80, b""), (0x82, b""), (0x02, b""), (0x80, b"x")]);
        let (whole, error) = collect(end, FREE.limits, 0, &bytes, 1);
        assert_eq!((&whole[..], error), (&[text(""), binary(b""), Whole::TooLong][..], None));
    }
}

/// `fail` says why, once; what comes behind it is not looked at.
#[test]
fn after_a_refusal_nothing_is_received() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.receive(&incoming(end, 0x01, b"begun"));
        driver.ws.fail(CloseCode::MESSAGE_TOO_BIG);
        driver.ws.fail(CloseCode::INTERNAL_ERROR);
        driver.frame(0x80, b"end").frame(0x89, b"ping").frame(0x88, b"");
        assert_eq!(driver.seen[1..], [Seen::Failed(PeerError::Refused)]);
        assert_eq!(driver.replies(), [(0x88, b"\x03\xf1".to_vec())]);
        assert!(driver.ws.wants_shutdown() && !driver.ws.was_clean());
    }
}

/// A message that its connection left unfinished leaves nothing behind for the next.
#[test]
fn each_message_begins_with_an_empty_buffer() {
    let mut lent = [0; 8];
    let mut buffer = MessageBuffer::new(&mut lent);
    let mut push = |ws: &mut Connection<_>, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        match ws.receive(&mut Input::new(&mut bytes)) {
            Ok(Some(Event::Data(data))) => buffer.push(data).unwrap().map(|m| m.as_bytes().to_vec()),
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..3 {
        let mut ws = Connection::server(FREE, at(0));
        assert_eq!(push(&mut ws, &incoming(End::Server, 0x02, b"abcdef")), None);
        let mut ws = Connection::server(FREE, at(0));
        assert_eq!(push(&mut ws, &incoming(End::Server, 0x02, b"1234")), None);
        assert_eq!(push(&mut ws, &incoming(End::Server, 0x80, b"5678")).unwrap(), b"12345678");
    }
}

/// The rest of a message that did not fit is no message, and the next one is whole.
#[test]
fn what_is_left_of_a_refused_message_is_not_given_out() {
    for b0 in [0x01, 0x02] {
        let mut ws = Connection::server(FREE, at(0));
        let frames: [(u8, &[u8]); 4] =
            [(b0, b"abc\xc3"), (0, b"\xa9XXXXXXX"), (0x80, b"ef"), (b0 | 0x80, b"next")];
        let mut bytes = script(End::Server, &frames);
        let mut input = Input::new(&mut bytes);
        let mut memory = [0; 6];
        let mut buffer = MessageBuffer::new(&mut memory);
        let mut seen = Vec::new();
        while let Ok(Some(Event::Data(data))) = ws.receive(&mut input) {
            seen.push(buffer.push(data).map(|message| message.map(|message| message.as_bytes().to_vec())));
        }
        assert_eq!(seen, [Ok(None), Err(CapacityError), Err(CapacityError), Ok(Some(b"next".to_vec()))]);
    }
}

#[test]
fn what_was_stored_is_there_once_it_is_whole_and_until_more_comes() {
    let mut ws = Connection::server(FREE, at(0));
    let mut bytes = script(End::Server, &[(0x01, b"ab"), (0x80, b"c"), (0x02, b"d")]);
    let mut input = Input::new(&mut bytes);
    let mut memory = [0; 8];
    let mut buffer = MessageBuffer::new(&mut memory);
    assert_eq!(buffer.message(), None);
    for expected in [None, Some(Message::Text("abc")), None] {
        let Ok(Some(Event::Data(data))) = ws.receive(&mut input) else { panic!("a piece") };
        assert_eq!(buffer.store(data), Ok(expected.is_some()));
        assert_eq!(buffer.message(), expected);
    }
}

/// A message of which a piece went elsewhere is none, and nothing of an earlier one comes with it.
#[test]
fn a_message_without_its_beginning_is_passed_over() {
    let frames: [(u8, &[u8]); 6] =
        [(0x02, b"\xff"), (0x80, b"\xff"), (0x01, b"ef"), (0x80, b"gh"), (0x01, b"ij"), (0x80, b"kl")];
    let mut ws = Connection::server(FREE, at(0));
    let mut bytes = script(End::Server, &frames);
    let mut input = Input::new(&mut bytes);
    let mut memory = [0; 16];
    let mut buffer = MessageBuffer::new(&mut memory);
    let mut seen = Vec::new();
    for n in 0.. {
        let Ok(Some(Event::Data(data))) = ws.receive(&mut input) else { break };
        if n != 2 {
            seen.push(buffer.push(data).map(|message| message.map(|message| message.as_bytes().to_vec())));
        }
    }
    let whole = |bytes: &[u8]| Ok(Some(bytes.to_vec()));
    assert_eq!(seen, [Ok(None), whole(b"\xff\xff"), Ok(None), Ok(None), whole(b"ijkl")]);
}
