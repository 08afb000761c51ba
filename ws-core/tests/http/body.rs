//! Bodies: what tells where one ends, and what is taken out of that.

use crate::at_every_split;
use crate::cases::thin;
use proptest::prelude::*;
use ws_core::handshake::server::Handshake;
use ws_core::http::head::{HeadReader, Wanted};
use ws_core::http::{BodyError, BodyReader, Framing, HeadLimits, Version};
use ws_core::{Input, Instant};

/// What a reader gave, and what it left.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    body: Vec<u8>,
    end: Result<bool, BodyError>,
    rest: Vec<u8>,
}

/// Reads pieces, and then the end of the connection if `eof` says so.
fn give(framing: Framing, limit: u64, pieces: &[&[u8]], eof: bool) -> Given {
    let mut reader = match BodyReader::new(framing, limit) {
        Ok(reader) => reader,
        Err(error) => return Given { body: Vec::new(), end: Err(error), rest: pieces.concat() },
    };
    let mut given = Given { body: Vec::new(), end: Ok(false), rest: Vec::new() };
    for piece in pieces {
        let mut buf = piece.to_vec();
        let mut input = Input::new(&mut buf);
        loop {
            match reader.receive(&mut input) {
                Ok(Some(data)) => {
                    assert!(!data.is_empty(), "an empty piece");
                    given.body.extend_from_slice(data);
                }
                Ok(None) => {
                    assert!(input.is_empty() || reader.is_done(), "asks for more with input left");
                    break;
                }
                Err(error) => {
                    given.end = Err(error);
                    assert_eq!(reader.receive(&mut input), Err(error), "the error stands");
                    assert_eq!(reader.receive_eof(), Err(error), "the error stands");
                    break;
                }
            }
        }
        given.rest.extend_from_slice(input.rest());
    }
    if eof && given.end.is_ok() {
        given.end = reader.receive_eof().map(|()| true);
    }
    if given.end == Ok(false) {
        given.end = Ok(reader.is_done());
    }
    given
}

/// At every split.
fn gives(framing: Framing, limit: u64, script: &[u8]) -> Given {
    at_every_split(script, |pieces| give(framing, limit, pieces, false))
}

fn whole(body: &str, rest: &str) -> Given {
    Given { body: body.into(), end: Ok(true), rest: rest.into() }
}

#[test]
fn chunks_are_taken_out_and_trailers_skipped() {
    let chunked = |script: &str| gives(Framing::Chunked, 64, script.as_bytes());
    for (script, body, rest) in [
        ("0\r\n\r\n", "", ""),
        ("0\r\n\r\nGET / HTTP/1.1\r\n", "", "GET / HTTP/1.1\r\n"),
        ("5\r\nhello\r\n0\r\n\r\nx", "hello", "x"),
        ("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc", ""),
        ("A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789", ""),
        ("0000000000000005\r\n\r\n\r\n\n\r\n0\r\n\r\n", "\r\n\r\n\n", ""),
        ("2;a\r\nok\r\n0;b=c\r\n\r\n", "ok", ""),
        ("2 ;a=\"b; \u{e9}\";c\r\nok\r\n0\t \t;\r\n\r\n", "ok", ""),
        ("2\r\nok\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nnext", "ok", "next"),
        ("2\r\nok\r\n0\r\nContent-Length: 900\r\n\r\n", "ok", ""),
    ] {
        assert_eq!(chunked(script), whole(body, rest), "{script:?}");
    }
}

/// Hostile inputs: each is refused on the byte that shows what it is, and what came before it is lent.
#[test]
fn what_others_may_read_otherwise_is_no_chunk() {
    use BodyError::{BadChunk, LongExtension, LongTrailer, TooLong};
    let long = |n: usize| "x".repeat(n);
    let scripts = [
        ("", "", None),
        ("5\r\nhel", "hel", None),
        ("\r\n", "", Some(BadChunk)),
        ("\n", "", Some(BadChunk)),
        ("+5\r\nhello\r\n", "", Some(BadChunk)),
        ("-1\r\n", "", Some(BadChunk)),
        ("0x5\r\nhello\r\n", "", Some(BadChunk)),
        (" 5\r\nhello\r\n", "", Some(BadChunk)),
        ("5 \r\nhello\r\n", "", Some(BadChunk)),
        ("5 5\r\nhello\r\n", "", Some(BadChunk)),
        ("5\nhello\n0\n\n", "", Some(BadChunk)),
        ("5\rhello", "", Some(BadChunk)),
        ("5\r\r\nhello", "", Some(BadChunk)),
        (";a\r\n", "", Some(BadChunk)),
        ("g\r\n", "", Some(BadChunk)),
        ("5_0\r\n", "", Some(BadChunk)),
        ("5.\r\n", "", Some(BadChunk)),
        ("\u{ff15}\r\n", "", Some(BadChunk)),
        ("00000000000000005\r\n", "", Some(BadChunk)),
        ("10000000000000005\r\n", "", Some(BadChunk)),
        ("5;a\nGET / HTTP/1.1\r\n", "", Some(BadChunk)),
        ("5;a\rb\r\nhello", "", Some(BadChunk)),
        ("5;\0\r\nhello", "", Some(BadChunk)),
        ("5\r\nhello0\r\n\r\n", "hello", Some(BadChunk)),
        ("5\r\nhello\n0\r\n\r\n", "hello", Some(BadChunk)),
        ("5\r\nhello\rx", "hello", Some(BadChunk)),
        ("5\r\nhello\r\n\r\n", "hello", Some(BadChunk)),
        ("0\r\n\n", "", Some(BadChunk)),
        ("0\r\n\rx", "", Some(BadChunk)),
        ("0\r\n folded: x\r\n\r\n", "", Some(BadChunk)),
        ("0\r\n: x\r\n\r\n", "", Some(BadChunk)),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", "", Some(BadChunk)),
        ("0\r\nX : y\r\n\r\n", "", Some(BadChunk)),
        ("0\r\nX: y\n\r\n", "", Some(BadChunk)),
        ("0\r\nX: \0\r\n\r\n", "", Some(BadChunk)),
        ("41\r\n", "", Some(TooLong)),
        ("3f\r\n", "", None),
        ("1\r\na\r\n40\r\n", "a", Some(TooLong)),
        ("ffffffffffffffff\r\n", "", Some(TooLong)),
        ("FFFFFFFFFFFFFFFE\r\n", "", Some(TooLong)),
        ("8000000000000000\r\n", "", Some(TooLong)),
        (&format!("1;{}", long(1024)), "", Some(LongExtension)),
        (&format!("1{}", " ".repeat(1025)), "", Some(LongExtension)),
        (&format!("0\r\n{}", long(4097)), "", Some(LongTrailer)),
        (&format!("0\r\nX:{}", long(4095)), "", Some(LongTrailer)),
    ];
    for (script, body, error) in thin(scripts, 1) {
        let run = |pieces: &[&[u8]]| {
            let Given { body, end, .. } = give(Framing::Chunked, 64, pieces, false);
            (String::from_utf8(body).unwrap(), end)
        };
        let came = at_every_split(script.as_bytes(), run);
        let end = error.map_or(Ok(false), Err);
        assert_eq!(came, (body.to_owned(), end), "{:?}", script.get(..60).unwrap_or(script));
    }
}

/// Extensions and trailers are bounded for the body, not for the chunk.
#[test]
fn many_small_extensions_are_one_long_one() {
    let chunks = |n: usize| format!("{}0\r\n\r\n", "1;abc\r\nx\r\n".repeat(n));
    let end = |n| give(Framing::Chunked, 1 << 20, &[chunks(n).as_bytes()], false).end;
    assert_eq!(end(256), Ok(true));
    assert_eq!(end(257), Err(BodyError::LongExtension));
    // Counted apart: extensions leave room for trailers.
    let both = format!("1;{}\r\nx\r\n0\r\nX:{}\r\n\r\n", "e".repeat(1023), "t".repeat(4094));
    assert_eq!(give(Framing::Chunked, 1, &[both.as_bytes()], false).end, Ok(true));
}

#[test]
fn a_length_is_a_length() {
    let length = |length, script: &[u8]| gives(Framing::Length(length), 10, script);
    assert_eq!(length(0, b"next"), whole("", "next"));
    assert_eq!(length(5, b"hello"), whole("hello", ""));
    assert_eq!(length(5, b"helloGET /"), whole("hello", "GET /"));
    assert_eq!(length(10, b"hello").end, Ok(false));
    assert_eq!(length(11, b"x").end, Err(BodyError::TooLong), "at once");
    assert_eq!(gives(Framing::Length(u64::MAX), u64::MAX, b"x").end, Ok(false));
}

#[test]
fn the_end_of_the_connection_ends_what_it_frames() {
    let end = |framing, script: &[u8]| {
        let given = at_every_split(script, |pieces| give(framing, 5, pieces, true));
        (String::from_utf8(given.body).unwrap(), given.end)
    };
    let ok = |body: &str| (body.to_owned(), Ok(true));
    let err = |body: &str, error| (body.to_owned(), Err(error));
    assert_eq!(end(Framing::Close, b""), ok(""));
    assert_eq!(end(Framing::Close, b"hello"), ok("hello"));
    assert_eq!(end(Framing::Close, b"hello!"), err("hello", BodyError::TooLong));
    assert_eq!(end(Framing::Length(5), b"hello"), ok("hello"));
    assert_eq!(end(Framing::Length(5), b"hell"), err("hell", BodyError::Incomplete));
    for cut in ["", "1", "1;", "1\r", "1\r\n", "0\r\n", "0\r\n\r", "0\r\nX: y\r\n"] {
        assert_eq!(end(Framing::Chunked, cut.as_bytes()), err("", BodyError::Incomplete), "{cut:?}");
    }
    assert_eq!(end(Framing::Chunked, b"1\r\na"), err("a", BodyError::Incomplete));
    assert_eq!(end(Framing::Chunked, b"1\r\na\r\n0\r\n\r\n"), ok("a"));
}

/// How the body of a request with these fields is framed.
fn framing(line: &str, fields: &str) -> Result<Framing, BodyError> {
    let mut head = format!("{line}\r\nHost: h\r\n{fields}\r\n").into_bytes();
    let mut store = [0; 1024];
    let mut handshake = Handshake::new(&mut store, &[], Instant::from_millis(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut head)), Ok(true), "{fields:?}");
    Framing::of_request(&handshake.request())
}

/// RFC 9112 6.3, and what was read otherwise by one server or the other.
#[test]
fn a_request_says_in_one_way_how_long_it_is() {
    use BodyError::{BadCoding, BadLength, LengthRequired, TooLong, TwoFramings, UnknownCoding};
    for (fields, expected) in [
        ("", Ok(Framing::Length(0))),
        ("Content-Length: 0\r\n", Ok(Framing::Length(0))),
        ("Content-Length: 17\r\n", Ok(Framing::Length(17))),
        ("content-length:\t017 \r\n", Ok(Framing::Length(17))),
        ("Content-Length: 18446744073709551615\r\n", Ok(Framing::Length(u64::MAX))),
        ("Content-Length: 18446744073709551616\r\n", Err(TooLong)),
        ("Content-Length: +5\r\n", Err(BadLength)),
        ("Content-Length: -5\r\n", Err(BadLength)),
        ("Content-Length: 5, 5\r\n", Err(BadLength)),
        ("Content-Length: 5 5\r\n", Err(BadLength)),
        ("Content-Length: 0x5\r\n", Err(BadLength)),
        ("Content-Length: 5;\r\n", Err(BadLength)),
        ("Content-Length:\r\n", Err(BadLength)),
        ("Content-Length: five\r\n", Err(BadLength)),
        ("Content-Length: \u{665}\r\n", Err(BadLength)),
        ("Transfer-Encoding: chunked\r\n", Ok(Framing::Chunked)),
        ("transfer-encoding:\tCHUNKED ,\r\n", Ok(Framing::Chunked)),
        ("Transfer-Encoding: gzip, chunked\r\n", Err(UnknownCoding)),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Err(UnknownCoding)),
        ("Transfer-Encoding: identity, chunked\r\n", Err(UnknownCoding)),
        ("Transfer-Encoding: x=\", chunked\r\n", Err(UnknownCoding)),
        ("Transfer-Encoding: gzip\r\n", Err(BadCoding)),
        ("Transfer-Encoding: identity\r\n", Err(BadCoding)),
        ("Transfer-Encoding: chunked, gzip\r\n", Err(BadCoding)),
        ("Transfer-Encoding: chunked, chunked\r\n", Err(BadCoding)),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(BadCoding)),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Err(BadCoding)),
        ("Transfer-Encoding: chunked;q=1\r\n", Err(BadCoding)),
        ("Transfer-Encoding: \"chunked\"\r\n", Err(BadCoding)),
        ("Transfer-Encoding: xchunked\r\n", Err(BadCoding)),
        ("Transfer-Encoding: chunked\u{85}\r\n", Err(BadCoding)),
        ("Transfer-Encoding: chun\u{212a}ed\r\n", Err(BadCoding)),
        ("Transfer-Encoding:\r\n", Err(BadCoding)),
        ("Transfer-Encoding: ,\r\n", Err(BadCoding)),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Err(TwoFramings)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", Err(TwoFramings)),
        ("Transfer-Encoding: chunked\r\nContent-Length:\r\n", Err(TwoFramings)),
        ("Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n", Err(UnknownCoding)),
    ] {
        for method in ["GET", "POST", "HEAD", "OPTIONS"] {
            assert_eq!(framing(&format!("{method} / HTTP/1.1"), fields), expected, "{method} {fields:?}");
        }
    }
    // Before there were chunks.
    assert_eq!(framing("GET / HTTP/1.0", ""), Ok(Framing::Length(0)));
    assert_eq!(framing("POST / HTTP/1.0", ""), Err(LengthRequired));
    assert_eq!(framing("POST / HTTP/1.0", "Content-Length: 5\r\n"), Ok(Framing::Length(5)));
    assert_eq!(framing("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"), Err(BadCoding));
}

#[test]
fn a_response_may_end_with_the_connection() {
    let of = |version, status, is_head, fields: &str| {
        let mut head = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n").into_bytes();
        let mut store = [0; 256];
        let mut handshake = Handshake::new(&mut store, &[], Instant::from_millis(0));
        assert_eq!(handshake.receive(&mut Input::new(&mut head)), Ok(true));
        Framing::of_response(handshake.request().fields(), version, status, is_head)
    };
    let (length, chunked) = ("Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n");
    for version in [Version::Http10, Version::Http11] {
        assert_eq!(of(version, 200, false, ""), Ok(Framing::Close));
        assert_eq!(of(version, 404, false, length), Ok(Framing::Length(7)));
        for status in [100, 101, 199, 204, 304] {
            assert_eq!(of(version, status, false, length), Ok(Framing::Length(0)), "{status}");
            assert_eq!(of(version, status, false, chunked), Ok(Framing::Length(0)), "{status}");
        }
        for fields in ["", length, chunked] {
            assert_eq!(of(version, 200, true, fields), Ok(Framing::Length(0)), "the answer to HEAD");
        }
    }
    assert_eq!(of(Version::Http11, 200, false, chunked), Ok(Framing::Chunked));
    assert_eq!(of(Version::Http10, 200, false, chunked), Err(BodyError::BadCoding));
    let both = format!("{length}{chunked}");
    assert_eq!(of(Version::Http11, 200, false, &both), Err(BodyError::TwoFramings));
}

/// Whoever read the head, and whatever may stand twice in it: two servers would read two lengths (RFC 9112 6.3).
#[test]
fn two_lengths_are_none() {
    let mut store = [0; 256];
    let wanted = Wanted { single: &[], repeated: &[], further: &["content-length"] };
    for (fields, framing) in [
        ("Content-Length: 5\r\n", Ok(Framing::Length(5))),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", Err(BodyError::BadLength)),
        ("Content-Length: 5\r\nA: b\r\nContent-Length: 6\r\n", Err(BodyError::BadLength)),
    ] {
        let mut reader = HeadReader::response(&mut store, wanted, HeadLimits::DEFAULT);
        let mut head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes();
        assert_eq!(reader.receive(&mut Input::new(&mut head)), Ok(true));
        assert_eq!(Framing::of_response(reader.fields(), Version::Http11, 200, false), framing, "{fields}");
    }
}

#[test]
fn each_error_has_its_status() {
    use BodyError::*;
    for (status, errors) in [
        (400, &[BadLength, TwoFramings, BadCoding, BadChunk, LongExtension, Incomplete][..]),
        (411, &[LengthRequired]),
        (413, &[TooLong]),
        (431, &[LongTrailer]),
        (501, &[UnknownCoding]),
    ] {
        for error in errors {
            assert_eq!(error.status(), status, "{error}");
        }
    }
}

/// A body in chunks of any sizes, with extensions and trailers.
fn chunks() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let chunk = (prop::collection::vec(any::<u8>(), 1..40), any::<bool>(), 0..3usize);
    (prop::collection::vec(chunk, 0..8), any::<bool>()).prop_map(|(chunks, trailer)| {
        let (mut body, mut wire) = (Vec::new(), Vec::new());
        for (data, extension, zeros) in chunks {
            let extension = if extension { ";a=\"b\"" } else { "" };
            let size = format!("{}{:X}{extension}\r\n", "0".repeat(zeros), data.len());
            wire.extend_from_slice(size.as_bytes());
            wire.extend_from_slice(&data);
            wire.extend_from_slice(b"\r\n");
            body.extend_from_slice(&data);
        }
        wire.extend_from_slice(if trailer { b"0\r\nX: y\r\n\r\n" } else { b"0\r\n\r\n" });
        (body, wire)
    })
}

proptest! {
    #![proptest_config(crate::cases::cases(300))]

    #[test]
    fn whatever_is_chunked_comes_back(
        (body, wire) in chunks(),
        rest in prop::collection::vec(any::<u8>(), 0..10),
        cuts in prop::collection::vec(1..30usize, 1..10),
    ) {
        let script = [wire, rest.clone()].concat();
        let (mut left, mut pieces) = (&script[..], Vec::new());
        for cut in cuts.iter().cycle() {
            let (piece, tail) = left.split_at(left.len().min(*cut));
            pieces.push(piece);
            left = tail;
            if left.is_empty() {
                break;
            }
        }
        let expected = Given { body: body.clone(), end: Ok(true), rest };
        prop_assert_eq!(give(Framing::Chunked, body.len() as u64, &pieces, false), expected);
        if let Some(limit) = (body.len() as u64).checked_sub(1) {
            prop_assert_eq!(give(Framing::Chunked, limit, &pieces, false).end, Err(BodyError::TooLong));
        }
    }

    /// Any bytes, at any split, say the same.
    #[test]
    fn anything_reads_the_same_however_it_is_cut(script in "[0-2fF;: a\r\n]{0,40}", cut in 0..40usize) {
        let (script, cut) = (script.as_bytes(), cut.min(script.len()));
        let whole = give(Framing::Chunked, 20, &[script], true);
        let cut = give(Framing::Chunked, 20, &[&script[..cut], &script[cut..]], true);
        prop_assert_eq!((cut.body, cut.end), (whole.body, whole.end));
    }
}
