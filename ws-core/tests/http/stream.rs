//! Responses whose end is not known when they begin.

use crate::cases::{few, thin};
use crate::{at_every_size, written};
use ws_core::http::{BodyReader, Chunks, Framing, Stream, Version};
use ws_core::{Input, Output, UsageError};

const FIELDS: &[(&str, &str)] = &[("Content-Type", "text/event-stream")];

fn stream(version: Version) -> Stream<'static> {
    Stream::new(200, FIELDS, version).unwrap()
}

fn head(stream: &Stream<'_>) -> String {
    at_every_size(1, || stream.clone(), |stream, out| stream.transmit(out))
}

#[test]
fn it_tells_its_status() {
    assert_eq!(stream(Version::Http11).status(), 200);
    assert_eq!(Stream::new(404, FIELDS, Version::Http10).unwrap().status(), 404);
}

/// All of `parts`, each a chunk or more, in outputs of `size`, and the end.
fn body(mut chunks: Chunks, parts: &[&[u8]], size: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buf = vec![0; size];
    let mut out = Output::new(&mut buf);
    for part in parts {
        let mut rest = *part;
        let mut calls = 0;
        while !chunks.send(&mut rest, &mut out).unwrap() {
            all.extend_from_slice(out.filled());
            out.clear();
            calls += 1;
            assert!(calls <= part.len() + 1, "no progress");
        }
        assert!(rest.is_empty());
    }
    while !chunks.finish(&mut out) {
        all.extend_from_slice(out.filled());
        out.clear();
    }
    all.extend_from_slice(out.filled());
    all
}

/// Read as a client does.
fn read(mut wire: Vec<u8>) -> Vec<u8> {
    let mut reader = BodyReader::new(Framing::Chunked, 1 << 20).unwrap();
    let (mut input, mut body) = (Input::new(&mut wire), Vec::new());
    while let Some(piece) = reader.receive(&mut input).expect("chunks") {
        body.extend_from_slice(piece);
    }
    assert!(reader.is_done() && input.is_empty());
    body
}

#[test]
fn the_head_says_how_the_body_ends() {
    let (line, kind) = ("HTTP/1.1 200 OK\r\n", "Content-Type: text/event-stream\r\n\r\n");
    let (close, chunked) = ("Connection: close\r\n", "Transfer-Encoding: chunked\r\n");
    let new = stream(Version::Http11);
    assert!(new.closes());
    assert_eq!(head(&new), format!("{line}{close}{chunked}{kind}"));
    let persistent = new.clone().persistent();
    assert!(!persistent.closes());
    assert_eq!(head(&persistent), format!("{line}{chunked}{kind}"));
    for old in [stream(Version::Http10), stream(Version::Http10).persistent()] {
        assert!(old.closes());
        assert_eq!(head(&old), format!("{line}{close}{kind}"), "no chunks before HTTP/1.1");
    }
    // HEAD: the same head, in any order of calls.
    for new in [new.clone().for_head().persistent(), new.persistent().for_head()] {
        assert!(!new.closes());
        assert_eq!(head(&new), head(&persistent));
        assert_eq!(body(new.chunks(), &[b"unsent"], 1), b"");
    }
    assert!(stream(Version::Http10).for_head().persistent().closes());
}

#[test]
fn what_may_not_stand_in_a_head_is_refused() {
    for status in [100, 199, 204, 205, 304, 600] {
        assert_eq!(Stream::new(status, &[], Version::Http11).err(), Some(UsageError::BadField), "{status}");
    }
    for bad in [("A", "b\r\nc"), ("A\n", "b"), ("Transfer-Encoding", "gzip"), ("Content-Length", "1")] {
        assert_eq!(Stream::new(200, &[bad], Version::Http11).err(), Some(UsageError::BadField), "{bad:?}");
        let with = stream(Version::Http11).with_fields(&[bad]).err();
        assert_eq!(with, Some(UsageError::BadField), "{bad:?}");
    }
    let with = stream(Version::Http11).with_fields(&[("A", "b")]).unwrap();
    assert!(head(&with).ends_with("\r\nContent-Type: text/event-stream\r\nA: b\r\n\r\n"));
}

#[test]
fn chunks_come_back_whatever_room_there_was() {
    let parts: [&[u8]; 5] = [b"a", b"hello, world", b"", b"0\r\n\r\n", &[7; 300]];
    let chunks = stream(Version::Http11).chunks();
    assert_eq!(body(chunks.clone(), &parts[..2], 400), b"0001\r\na\r\n000c\r\nhello, world\r\n0\r\n\r\n");
    for size in thin(9..400, 100) {
        assert_eq!(read(body(chunks.clone(), &parts, size)), parts.concat(), "{size}");
    }
    assert_eq!(body(chunks, &[], 1), b"0\r\n\r\n");
    let close = stream(Version::Http10).chunks();
    for size in thin(1..400, 100) {
        assert_eq!(body(close.clone(), &parts, size), parts.concat(), "as they are, to the end");
    }
}

#[test]
fn the_end_is_written_at_every_size() {
    let end = at_every_size(1, || stream(Version::Http11).chunks(), Chunks::finish);
    assert_eq!(end, "0\r\n\r\n");
}

#[test]
fn an_output_needs_nine_bytes() {
    for size in 0..12 {
        for filled in 0..=size {
            let mut buf = vec![0; size];
            let mut out = Output::new(&mut buf);
            out.put(&vec![b'x'; filled]);
            let (mut chunks, mut rest) = (stream(Version::Http11).chunks(), &b"ab"[..]);
            let sent = chunks.send(&mut rest, &mut out);
            match size - filled {
                0..9 if filled == 0 => assert_eq!((sent, rest.len()), (Err(UsageError::OutputTooSmall), 2)),
                0..9 => assert_eq!((sent, rest.len(), out.filled().len()), (Ok(false), 2, filled)),
                9 => assert_eq!((sent, rest.len()), (Ok(false), 1)),
                _ => assert_eq!((sent, rest.len()), (Ok(true), 0)),
            }
        }
    }
}

/// A chunk says its size in four digits.
#[test]
fn a_large_output_holds_chunks_of_64_kib() {
    let data = vec![b'd'; 70_000];
    let wire = body(stream(Version::Http11).chunks(), &[&data], 200_000);
    assert!(wire.starts_with(b"ffff\r\n"));
    assert_eq!(read(wire), data);
}

/// What is made where it goes out may be nothing: that is no chunk, as an empty one would be the end.
#[test]
fn nothing_is_no_chunk() {
    let mut chunks = stream(Version::Http11).chunks();
    let mut buf = [0; 64];
    let mut out = Output::new(&mut buf);
    assert_eq!(chunks.write(&mut out, &mut |_| true), Ok(true));
    assert_eq!(chunks.write(&mut out, &mut |_| false), Ok(false));
    assert_eq!(chunks.send(&mut &b""[..], &mut Output::new(&mut [])), Ok(true));
    assert!(out.is_empty());
    let put = &mut |out: &mut Output<'_>| {
        out.put(b"id: 1\n");
        out.put(b"data: x\n\n");
        true
    };
    assert_eq!(chunks.write(&mut out, put), Ok(true));
    assert_eq!(out.filled(), b"000f\r\nid: 1\ndata: x\n\n\r\n");
}

/// Encoders that resume do so inside of chunks as outside of them.
#[test]
fn encoders_resume_in_chunks() {
    let inner = || stream(Version::Http11); // any encoder would do
    let expected = head(&inner()).into_bytes();
    for size in thin(9..200, 100) {
        let (mut encoder, mut chunks, mut done) = (inner(), inner().chunks(), false);
        let wire = written_loosely(size, |out| {
            if !done {
                done = chunks.write(out, &mut |out| encoder.transmit(out)).unwrap();
            }
            done && chunks.finish(out)
        });
        assert_eq!(read(wire), expected, "{size}");
    }
    assert_eq!(written(9, |out| inner().chunks().finish(out)), b"0\r\n\r\n");
}

/// As [`written`], for what may leave a few bytes of an output unused.
fn written_loosely(size: usize, mut transmit: impl FnMut(&mut Output<'_>) -> bool) -> Vec<u8> {
    let mut all = Vec::new();
    for _ in 0..few(10_000, 100) {
        let mut buf = vec![0; size];
        let mut out = Output::new(&mut buf);
        let done = transmit(&mut out);
        all.extend_from_slice(out.filled());
        if done {
            return all;
        }
    }
    panic!("writes for ever");
}
