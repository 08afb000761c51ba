//! Messages, both ways.

use crate::wire::{Bytes, FREE, From, KEY, START, Tape, client, frame, pattern, push_frame, server};
use crate::{Outcome, check};
use heapless::Vec;
use ws_core::{
    CapacityError, Connection, Event, Input, Kind, Limits, Message, MessageBuffer, Output, PeerError, Role,
};

/// Lengths of payloads: around a word, around the edges of the header, and one of several outputs.
const LENGTHS: [usize; 15] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 124, 125, 126, 127, 300];

/// A server that sends back what it gets, for all ways to cut what it reads and what it writes.
pub(crate) fn echo() -> Outcome {
    for (kind, b0) in [(Kind::Binary, 0x82), (Kind::Text, 0x81)] {
        for len in LENGTHS {
            let payload: Bytes = pattern(len).iter().map(|byte| byte & 0x7f).collect();
            let bytes = frame(From::Client, b0, &payload);
            for piece in [1, 2, 3, 5, 7, 16, 640] {
                for size in [3, 4, 5, 9, 64, 512] {
                    let mut ws = server();
                    let mut sent = Vec::<u8, 1600>::new();
                    for read in bytes.chunks(piece) {
                        check!(send_back(&mut ws, read, size, &mut sent));
                    }
                    check!(is_message(&sent, kind, &payload));
                }
            }
        }
    }
    Ok(())
}

/// Has `ws` receive `read` and send it back through outputs of `size` bytes; false: something went wrong.
fn send_back<R: Role, const N: usize>(
    ws: &mut Connection<R>,
    read: &[u8],
    size: usize,
    sent: &mut Vec<u8, N>,
) -> bool {
    let mut buf = [0; 512];
    let mut copy: Bytes = Vec::from_slice(read).unwrap();
    let mut input = Input::new(&mut copy);
    while !input.is_empty() {
        match ws.receive(&mut input) {
            Ok(Some(Event::Data(data))) => {
                let mut rest: &[u8] = data.payload;
                loop {
                    let mut out = Output::new(&mut buf[..size]);
                    let done = ws.send(data.kind, &mut rest, data.last, &mut out);
                    sent.extend_from_slice(out.filled()).unwrap();
                    match done {
                        Ok(true) => break,
                        Ok(false) => {}
                        Err(_) => return false,
                    }
                }
            }
            Ok(None) => {}
            _ => return false,
        }
    }
    true
}

/// What a server sent is one message of this kind, in any number of frames.
fn is_message(mut sent: &[u8], kind: Kind, payload: &[u8]) -> bool {
    let mut opcode = if kind == Kind::Text { 1 } else { 2 };
    let mut rest = payload;
    loop {
        let (b0, len, behind) = match sent {
            [b0, 126, a, b, behind @ ..] => (*b0, usize::from(u16::from_be_bytes([*a, *b])), behind),
            [b0, len @ 0..=125, behind @ ..] => (*b0, usize::from(*len), behind),
            _ => return false,
        };
        if b0 & 0x7f != opcode || behind.len() < len || rest.len() < len || behind[..len] != rest[..len] {
            return false;
        }
        (sent, rest, opcode) = (&behind[len..], &rest[len..], 0);
        if b0 & 0x80 != 0 {
            return sent.is_empty() && rest.is_empty();
        }
    }
}

/// What begins at the start of a word.
#[repr(align(4))]
struct Aligned([u8; 96]);

/// Payloads that begin at every place of a word, cut at every place of the key.
pub(crate) fn alignments() -> Outcome {
    for kind in [0x81, 0x82] {
        for len in 0..40 {
            let payload: Bytes = pattern(len).iter().map(|byte| byte & 0x7f).collect();
            let bytes = frame(From::Client, kind, &payload);
            for offset in 0..4 {
                for cut in 0..=bytes.len() {
                    let (mut ws, mut seen) = (server(), Bytes::new());
                    let (a, b) = bytes.split_at(cut);
                    for read in [a, b] {
                        let mut memory = Aligned([0; 96]);
                        let place = &mut memory.0[offset..offset + read.len()];
                        place.copy_from_slice(read);
                        let mut input = Input::new(place);
                        while let Ok(Some(Event::Data(data))) = ws.receive(&mut input) {
                            seen.extend_from_slice(data.payload).unwrap();
                        }
                        check!(input.is_empty());
                    }
                    check!(seen == payload);
                }
            }
        }
    }
    Ok(())
}

/// Payloads from every place of a word to every other, plain and masked; no byte beside them changes.
pub(crate) fn copies() -> Outcome {
    for len in 0..44 {
        for (from, to) in (0..16).map(|both| (both / 4, both % 4)) {
            let mut source = Aligned([0; 96]);
            source.0[from..from + len].copy_from_slice(&pattern(len));
            let payload = &source.0[from..from + len];

            let mut memory = Aligned([0xaa; 96]);
            let mut out = Output::new(&mut memory.0);
            out.put(&[0x55; 3][..to]);
            check!(server().send(Kind::Binary, &mut &*payload, true, &mut out) == Ok(true));
            check!(out.filled().len() == to + 2 + len && out.filled()[..to] == [0x55; 3][..to]);
            check!(is_message(&out.filled()[to..], Kind::Binary, payload));
            check!(memory.0[to + 2 + len..].iter().all(|byte| *byte == 0xaa));

            let mut memory = Aligned([0xaa; 96]);
            let mut out = Output::new(&mut memory.0);
            out.put(&[0x55; 3][..to]);
            check!(client().send(Kind::Binary, &mut &*payload, true, &mut out) == Ok(true));
            check!(out.filled().len() == to + 6 + len && out.filled()[..to] == [0x55; 3][..to]);
            let (header, masked) = out.filled()[to..].split_at(6);
            check!(header[..2] == [0x82, 0x80 | len as u8]);
            let key = &header[2..];
            check!(
                masked
                    .iter()
                    .zip(key.iter().cycle())
                    .map(|(byte, key)| byte ^ key)
                    .eq(payload.iter().copied())
            );
            check!(memory.0[to + 6 + len..].iter().all(|byte| *byte == 0xaa));
        }
    }
    Ok(())
}

/// Characters of one to four bytes, and the longest runs of ASCII that words find.
const TEXT: &str =
    "kalt, 21 °C; 寒い 🌡 — and a tail of ASCII that is longer than any word; ÿ߿ࠀ\u{ffff}\u{10000}\u{10ffff}";

pub(crate) fn text() -> Outcome {
    for from in [From::Client, From::Server] {
        let bytes = frame(from, 0x81, TEXT.as_bytes());
        for cut in 0..=bytes.len() {
            let mut tape = Tape::default();
            let (a, b) = bytes.split_at(cut);
            match from {
                From::Client => {
                    let mut ws = server();
                    tape.feed(&mut ws, a, 64);
                    tape.feed(&mut ws, b, 64);
                }
                From::Server => {
                    let mut ws = client();
                    tape.feed(&mut ws, a, 64);
                    tape.feed(&mut ws, b, 64);
                }
            }
            check!(tape.failed.is_none());
            check!(tape.seen.strip_prefix(b"t").and_then(|s| s.strip_suffix(b".")) == Some(TEXT.as_bytes()));
        }
    }
    Ok(())
}

/// A byte that fits nowhere, in every place: what came before it is delivered, and no more.
pub(crate) fn bad_text() -> Outcome {
    for at in 0..TEXT.len() {
        let mut payload: Bytes = Vec::from_slice(TEXT.as_bytes()).unwrap();
        payload[at] = 0xff;
        let bytes = frame(From::Client, 0x81, &payload);
        for cut in [0, 1, 3, 6, 7, at, at + 6, at + 7] {
            let (mut ws, mut tape) = (server(), Tape::default());
            let (a, b) = bytes.split_at(cut);
            tape.feed(&mut ws, a, 64);
            tape.feed(&mut ws, b, 64);
            check!(tape.failed == Some(PeerError::InvalidUtf8));
            let seen: &[u8] = tape.seen.strip_prefix(b"t").unwrap_or(&tape.seen);
            check!(seen == &TEXT.as_bytes()[..at]);
            check!(tape.sent == b"\x88\x02\x03\xef");
        }
    }
    Ok(())
}

pub(crate) fn fragments() -> Outcome {
    let mut script = Bytes::new();
    for (b0, payload) in
        [(0x01, &b"one "[..]), (0x00, b""), (0x89, b"ping"), (0x00, b"two "), (0x80, b"three")]
    {
        push_frame(&mut script, From::Client, b0, payload);
    }
    for cut in 0..=script.len() {
        for size in [1, 2, 6, 64] {
            let (mut ws, mut tape) = (server(), Tape::default());
            let (a, b) = script.split_at(cut);
            tape.feed(&mut ws, a, size);
            tape.feed(&mut ws, b, size);
            check!(tape.failed.is_none());
            check!(tape.seen == b"tone ppingtwo three.");
            check!(tape.sent == b"\x8a\x04ping");
        }
    }
    Ok(())
}

/// A length of 64 bits, and a message longer than all memory.
pub(crate) fn large() -> Outcome {
    const LEN: usize = 70_000;
    let byte = |i: usize| ((i * 31) >> 3) as u8;
    let mut ws = server();
    let mut header = *b"\x82\xff\0\0\0\0\0\0\0\0\x37\xfa\x21\x3d";
    header[2..10].copy_from_slice(&(LEN as u64).to_be_bytes());
    check!(ws.receive(&mut Input::new(&mut header)) == Ok(None));
    let (mut came, mut chunk) = (0, [0; 64]);
    for at in (0..LEN).step_by(64) {
        let n = (LEN - at).min(64);
        for (i, place) in (at..).zip(&mut chunk[..n]) {
            *place = byte(i) ^ KEY[i % 4];
        }
        let mut input = Input::new(&mut chunk[..n]);
        while !input.is_empty() {
            let event = ws.receive(&mut input);
            check!(matches!(event, Ok(Some(Event::Data(_)))));
            let Ok(Some(Event::Data(data))) = event else { continue };
            check!(data.payload.iter().zip(came..).all(|(seen, i)| *seen == byte(i)));
            check!(data.first == (came == 0));
            came += data.payload.len();
            check!(data.remaining == (LEN - came) as u64 && data.last == (came == LEN));
        }
    }
    check!(came == LEN);
    Ok(())
}

pub(crate) fn buffer() -> Outcome {
    let mut memory = [0; 12];
    let mut buffer = MessageBuffer::new(&mut memory);
    let config = FREE.with_limits(Limits::for_message(20));
    let mut ws = Connection::server(config, START);
    let mut script = Bytes::new();
    push_frame(&mut script, From::Client, 0x01, b"hello, ");
    push_frame(&mut script, From::Client, 0x80, b"world");
    push_frame(&mut script, From::Client, 0x02, b"thirteen");
    push_frame(&mut script, From::Client, 0x80, b"bytes");
    push_frame(&mut script, From::Client, 0x82, &[0; 21]);
    let mut input = Input::new(&mut script);
    let (mut whole, mut refused, mut failed) = (0, 0, None);
    while failed.is_none() && !input.is_empty() {
        match ws.receive(&mut input) {
            Ok(Some(Event::Data(data))) => match buffer.push(data) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    check!(message == Message::Text("hello, world"));
                    whole += 1;
                }
                Err(CapacityError) => refused += 1,
            },
            Err(error) => failed = Some(error),
            event => check!(event == Ok(None)),
        }
    }
    check!(whole == 1 && refused == 1);
    check!(failed == Some(PeerError::MessageTooBig));
    Ok(())
}

/// A client's frames are masked by fresh keys, and a server understands them; and back.
pub(crate) fn pair() -> Outcome {
    for size in [7, 8, 13, 64] {
        for len in LENGTHS {
            let (mut server, mut client) = (server(), client());
            let payload = pattern(len);
            let (mut rest, mut back) = (&payload[..], Vec::<u8, 1600>::new());
            let mut frames = 0;
            loop {
                let mut buf = [0; 64];
                let mut out = Output::new(&mut buf[..size]);
                let done = client.send(Kind::Binary, &mut rest, true, &mut out);
                frames += 1;
                check!(done.is_ok() && out.filled()[1] & 0x80 != 0);
                check!(send_back(&mut server, out.filled(), 5, &mut back));
                if done == Ok(true) {
                    break;
                }
            }
            check!(frames == len.div_ceil(size - 6).max(1));
            let mut tape = Tape::default();
            for read in back.chunks(11) {
                tape.feed(&mut client, read, 64);
            }
            check!(tape.failed.is_none());
            check!(tape.seen.strip_prefix(b"b").and_then(|s| s.strip_suffix(b".")) == Some(&payload[..]));
        }
    }
    Ok(())
}
