//! The reader of event streams: the rules of WHATWG HTML 9.2.6, at every split, beside a plain reader of whole streams.

use crate::cases::thin;
use crate::streams::{at, cursor, drain};
use proptest::prelude::*;
use ws_core::transport::{
    Cursor, EventRing, EventStream, EventStreamError, ID_MAX, News, Seq, Sse, Stream, TYPE_MAX,
};
use ws_core::{Duration, Input, Message};

type Seen = Vec<Result<(String, String, String), EventStreamError>>;

/// All events of `text`, cut where `cuts` says; the id and the time in the end.
fn read(size: usize, text: &[u8], cuts: &[usize]) -> (Seen, String, Option<Duration>) {
    let mut memory = vec![0; size];
    let mut stream = EventStream::new(&mut memory);
    let (mut seen, mut at) = (Vec::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let mut piece = text[at..cut].to_vec();
        at = cut;
        let mut input = Input::new(&mut piece);
        loop {
            match stream.receive(&mut input) {
                Ok(Some(e)) => seen.push(Ok((e.event.to_owned(), e.data.to_owned(), e.id.to_owned()))),
                Ok(None) => break,
                Err(error) => seen.push(Err(error)),
            }
        }
        assert!(input.is_empty());
    }
    (seen, stream.last_event_id().to_owned(), stream.retry())
}

fn at_every_split(text: &[u8]) -> (Seen, String, Option<Duration>) {
    let whole = read(200, text, &[]);
    for first in thin(0..=text.len(), 10) {
        for second in thin(first..=text.len(), 10) {
            assert_eq!(read(200, text, &[first, second]), whole, "{text:x?} at {first} and {second}");
        }
    }
    whole
}

/// The data of all events, each of the type `message` and without an id.
fn data(text: &str) -> Vec<String> {
    let (seen, id, _) = at_every_split(text.as_bytes());
    assert_eq!(id, "");
    let plain = |event: Result<(String, String, String), _>| {
        let (event, data, id) = event.expect("an event");
        assert_eq!((&event[..], &id[..]), ("message", ""));
        data
    };
    seen.into_iter().map(plain).collect()
}

#[test]
fn lines_end_with_lf_cr_or_both() {
    assert_eq!(data("data: a\n\ndata: b\r\rdata: c\r\n\r\n"), ["a", "b", "c"]);
    assert_eq!(data("data: a\r\ndata: b\r\n\ndata: c\n\r\ndata: d\r\n\r"), ["a\nb", "c", "d"]);
    assert_eq!(data("data:x\n\r"), ["x"], "LF, then CR: two ends");
    assert_eq!(data("\n\n\r\r\n"), [""; 0]);
}

#[test]
fn one_space_behind_the_colon_is_no_data() {
    assert_eq!(data("data:a\n\ndata: a\n\ndata:  a\n\ndata: \n\ndata:\ta\n\n"), ["a", "a", " a", "", "\ta"]);
    assert_eq!(data("data: a:b: c\n\ndata::\n\n"), ["a:b: c", ":"]);
}

#[test]
fn a_field_without_a_colon_is_one_without_a_value() {
    assert_eq!(data("data\n\ndata\ndata\n\ndata:\ndata: x\ndata\n\n"), ["", "\n", "\nx\n"]);
}

#[test]
fn an_event_without_data_is_none_and_so_is_one_without_an_end() {
    assert_eq!(data("event: x\n\nretry: 1\n\n: c\n\nfoo: bar\n\ndata: a\n\n"), ["a"]);
    assert_eq!(data("data: a\n\ndata: b\n"), ["a"]);
    assert_eq!(data("data: a\n\ndata: b"), ["a"]);
}

#[test]
fn names_are_compared_whole_and_as_they_are() {
    assert_eq!(data("Data: a\ndatas: b\ndat: c\n data: d\ndata : e\n:data: f\nx\ndata: g\n\n"), ["g"]);
}

#[test]
fn one_mark_at_the_start_is_passed_over() {
    assert_eq!(data("\u{feff}data: a\n\n\u{feff}data: b\n\ndata: c\n\n"), ["a", "c"]);
    assert_eq!(data("\u{feff}\u{feff}data: a\n\ndata: b\n\n"), ["b"]);
    assert_eq!(data("\u{feff}\ndata: b\n\n"), ["b"]);
    let (seen, ..) = at_every_split(b"\xef\xbbdata: a\n\ndata: b\n\n");
    assert_eq!(seen.len(), 1, "a part of a mark is none");
    let (seen, ..) = at_every_split(b"\xef\xbb\ndata: b\n\n");
    assert_eq!(seen.len(), 1);
}

#[test]
fn types_are_those_of_their_event_alone() {
    let (seen, ..) = at_every_split(
        b"event: a\nevent: b\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\nevent: x\n\ndata: 4\n\n",
    );
    let types: Vec<_> = seen.iter().map(|event| event.as_ref().expect("an event").0.as_str()).collect();
    assert_eq!(types, ["b", "message", "message", "message"]);
}

#[test]
fn an_id_stays_until_the_next_one_and_none_has_a_nul() {
    let text = b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid: 3\x004\ndata: d\n\nid\ndata: e\n\nid: 5\ndata: f\n";
    let (seen, last, _) = at_every_split(text);
    let ids: Vec<_> = seen.iter().map(|event| event.as_ref().expect("an event").2.as_str()).collect();
    assert_eq!(ids, ["1", "1", "2", "2", ""]);
    assert_eq!(last, "", "an event that never ended has no id");
    let (_, last, _) = at_every_split(b"id: good\nid: b\0ad\ndata: x\n\n");
    assert_eq!(last, "good");
    let (_, last, _) = at_every_split(b"id: good\nid: b\xffad\ndata: x\n\n");
    assert_eq!(last, "good", "nor what is no text");
}

#[test]
fn retry_is_digits_and_nothing_else() {
    let retry = |text: &str| at_every_split(text.as_bytes()).2;
    assert_eq!(retry("retry: 2500\n"), Some(Duration::from_millis(2500)));
    assert_eq!(
        retry("retry: 7\nretry: x\nretry: 1.5\nretry:\nretry\nretry: -1\nretry: 8 \n"),
        Some(Duration::from_millis(7))
    );
    assert_eq!(retry("retry: 99999999999\n"), Some(Duration::MAX));
    assert_eq!(retry("retry: 5"), None, "no end of the line");
    assert_eq!(retry("retry: \n"), None);
}

#[test]
fn what_is_too_long_is_passed_over_and_the_next_event_is_read() {
    let long = "x".repeat(300);
    let texts = [
        format!("data: {long}\n\n"),
        format!("data: {}\ndata: {}\n\n", &long[..100], &long[..100]),
        format!("data: y\nevent: {}\n\n", &long[..TYPE_MAX + 1]),
        format!("data: y\nid: {}\n\n", &long[..ID_MAX + 1]),
    ];
    for text in texts {
        let text = format!("id: 1\ndata: a\n\n{text}data: b\n\n");
        for cut in thin(0..text.len(), 10) {
            let (seen, last, _) = read(200, text.as_bytes(), &[cut]);
            assert_eq!(seen.len(), 3);
            assert_eq!(seen[1], Err(EventStreamError::TooLong));
            assert_eq!(seen[2], Ok(("message".into(), "b".into(), "1".into())));
            assert_eq!(last, "1");
        }
    }
    // A later line takes the place of one that is too long, and an id that is none is not read however long it is.
    let (event, id) = (&long[..TYPE_MAX + 1], &long[..ID_MAX + 1]);
    for (lines, event, id) in [
        (format!("event: {event}\nevent: a\n"), "a", ""),
        (format!("id: {id}\nid: 2\n"), "message", "2"),
        (format!("id: {id}\0\n"), "message", ""),
    ] {
        let text = format!("{lines}data: y\n\n");
        for cut in thin(0..text.len(), 10) {
            assert_eq!(read(200, text.as_bytes(), &[cut]).0, [Ok((event.into(), "y".into(), id.into()))]);
        }
    }
    // What just fits.
    let text = format!("data: {}\nevent: {}\nid: {}\n\n", &long[..199], &long[..TYPE_MAX], &long[..ID_MAX]);
    let (seen, ..) = read(200, text.as_bytes(), &[]);
    assert_eq!(seen, [Ok((long[..TYPE_MAX].into(), long[..199].into(), long[..ID_MAX].into()))]);
    assert_eq!(read(0, b"data\n\nid: 7\n\n", &[]).0, [Err(EventStreamError::TooLong)]);
}

/// Nothing is passed over where there would have been no event.
#[test]
fn what_is_too_long_and_has_no_data_is_not_told() {
    let long = "x".repeat(TYPE_MAX.max(ID_MAX) + 1);
    for field in ["event", "id"] {
        let text = format!("{field}: {long}\n\ndata: b\n\n");
        let (seen, ..) = at_every_split(text.as_bytes());
        assert_eq!(seen, [Ok(("message".into(), "b".into(), String::new()))]);
    }
}

#[test]
fn what_is_no_text_is_passed_over() {
    let (seen, ..) = at_every_split(b"data: \xff\n\ndata: a\n\nevent: \xc3\ndata: b\n\ndata: c\n\n");
    let bad = Err(EventStreamError::InvalidUtf8);
    let good = |data: &str| Ok(("message".to_owned(), data.to_owned(), String::new()));
    assert_eq!(seen, [bad.clone(), good("a"), bad, good("c")]);
}

#[test]
fn a_stream_that_is_opened_again_goes_on_behind_its_id() {
    let mut memory = [0; 64];
    let mut stream = EventStream::new(&mut memory);
    let mut text = *b"\xef\xbb\xbfretry: 9\nid: 1\ndata: a\n\nevent: x\nid: 2\ndata: lost";
    let mut input = Input::new(&mut text);
    assert!(stream.receive(&mut input).expect("valid").is_some());
    assert_eq!(stream.receive(&mut input), Ok(None));
    stream.restart();
    assert_eq!((stream.last_event_id(), stream.retry()), ("1", Some(Duration::from_millis(9))));
    let mut text = *b"\xef\xbb\xbfdata: b\n\n";
    let mut input = Input::new(&mut text);
    let event = stream.receive(&mut input).expect("valid").expect("an event");
    assert_eq!((event.event, event.data, event.id), ("message", "b", "1"));
}

/// Cuts a whole stream into lines and does as the standard says, step by step.
fn plain(text: &str) -> Vec<(String, String, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let (mut seen, mut data, mut event, mut id) = (Vec::new(), String::new(), String::new(), String::new());
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // without an end
    for line in lines {
        if line.is_empty() {
            let event = std::mem::take(&mut event);
            let data = std::mem::take(&mut data);
            if let Some(data) = data.strip_suffix('\n') {
                let event = if event.is_empty() { "message".to_owned() } else { event };
                seen.push((event, data.to_owned(), id.clone()));
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => data = data + value + "\n",
            "event" => value.clone_into(&mut event),
            "id" if !value.contains('\0') => value.clone_into(&mut id),
            _ => {}
        }
    }
    seen
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn any_stream_reads_as_the_standard_says(
        parts in prop::collection::vec(prop::sample::select(vec![
            "data", "event", "id", "retry", ":", ": ", "a", "é", "\n", "\n\n", "\r", "\r\n", "\r\n\r\n", "\0", "\u{feff}", " ", "data: x\n", "1",
        ]), 0..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = parts.concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let (seen, ..) = read(4096, text.as_bytes(), &cuts);
        let expected: Seen = plain(&text).into_iter().map(Ok).collect();
        // Types and ids that are longer than is kept are another matter.
        prop_assume!(!expected.iter().flatten().any(|(event, _, id)| event.len() > TYPE_MAX || id.len() > ID_MAX));
        prop_assert_eq!(seen, expected);
    }

    /// What the writer writes, the reader reads: every message, but for the ends of its lines.
    #[test]
    fn what_is_written_is_read(
        texts in prop::collection::vec("[a :\r\n\0é]{0,12}", 1..10),
        size in 1..200usize,
        cut: prop::sample::Index,
    ) {
        let mut memory = vec![0; 1024];
        let mut ring = EventRing::new(&mut memory, Seq::new(u32::MAX - 4));
        for text in &texts {
            ring.publish(Message::Text(text)).expect("it fits");
        }
        let start = Cursor { shared: Seq::new(u32::MAX - 4), own: Seq::new(0) };
        let mut stream = Stream::new(Sse::PLAIN, start, Duration::ZERO, at(0));
        let (written, _) = drain(&mut stream, &News::new(&ring, None), size).expect("nothing leaves");
        let (seen, last, retry) = read(1024, &written, &[cut.index(written.len())]);
        prop_assert_eq!(retry, Some(Duration::from_secs(2)));
        prop_assert_eq!(cursor(&last), stream.cursor());
        let seen: Vec<_> = seen.into_iter().map(|event| event.expect("an event")).collect();
        prop_assert_eq!(&seen[0].0, "control");
        let data: Vec<_> = seen[1..].iter().map(|(_, data, _)| data.clone()).collect();
        let lines: Vec<_> = texts.iter().map(|text| text.replace("\r\n", "\n").replace('\r', "\n")).collect();
        prop_assert_eq!(data, lines);
    }
}
