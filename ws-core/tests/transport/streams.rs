//! What each technique writes, byte for byte and at every size of output.

use crate::Dice;
use crate::cases::thin;
use proptest::prelude::*;
use std::fmt::Debug;
use ws_core::transport::{
    AnyFormat, Callback, Cursor, EventRing, Format, HtmlStream, Images, Lost, Multipart, News, Part,
    Progress, Seq, Session, Sid, Sse, Stream, XhrStream,
};
use ws_core::{CloseCode, Duration, Instant, Message, Output, UsageError};

const SID: &str = "AAAAAAAAAAAAAAAAAAAAAAAA";

pub(crate) fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(crate) fn cursor(text: &str) -> Cursor {
    Cursor::parse(text).expect("a cursor")
}

pub(crate) fn sid() -> Sid {
    Sid::parse(SID).expect("a name")
}

/// Writes all that there is, through an output of `size` bytes.
pub(crate) fn drain<F: Format>(
    stream: &mut Stream<F>,
    news: &News<'_>,
    size: usize,
) -> Result<(Vec<u8>, Progress), Lost> {
    let (mut buf, mut written) = (vec![0; size], Vec::new());
    let mut out = Output::new(&mut buf);
    loop {
        let progress = stream.transmit(news, at(0), &mut out)?;
        written.extend_from_slice(out.filled());
        if progress != Progress::Full {
            return Ok((written, progress));
        }
        assert!(stream.wants_transmit(news), "what is begun is to be finished");
        assert_eq!(out.space(), 0, "it is full only when it is");
        out.clear();
    }
}

/// The same script through each size of output: open, an event for all, two of the session's own, an ack, a ping, a close.
fn is_written_as<F: Format + Copy + Debug>(format: F, expected: &str) {
    let (mut shared, mut own) = ([0; 256], [0; 256]);
    let mut ring = EventRing::new(&mut shared, Seq::new(16));
    ring.publish(Message::Text("a\r\n\"</b")).expect("it fits");
    let mut session = Session::new(sid(), &mut own, at(0));
    session.send(Message::Binary(b"\xff\xfe")).expect("it fits");
    session.send(Message::Text("")).expect("it fits");
    let news = News::new(&ring, Some(&session));
    for size in thin(if cfg!(miri) { 5 } else { 1 }..expected.len() + 2, 60) {
        let mut stream =
            Stream::new(format, cursor("16"), Duration::from_secs(25), at(0)).with_session(sid());
        assert!(stream.wants_transmit(&news));
        stream.acknowledge(Seq::new(9));
        let (mut written, progress) = drain(&mut stream, &news, size).expect("nothing leaves");
        assert_eq!(progress, Progress::Idle);
        assert!(!stream.wants_transmit(&news));
        assert_eq!(stream.cursor(), cursor("17.2"));
        stream.handle_timeout(at(24_999));
        assert!(!stream.wants_transmit(&news));
        stream.handle_timeout(stream.poll_timeout().expect("pings"));
        assert!(stream.wants_transmit(&news));
        written.extend(drain(&mut stream, &news, size).expect("nothing leaves").0);
        stream.close(CloseCode::GOING_AWAY, "down");
        assert!(stream.wants_transmit(&news));
        stream.close(CloseCode::NORMAL, "the first counts");
        let (rest, progress) = drain(&mut stream, &news, size).expect("nothing leaves");
        written.extend(rest);
        assert_eq!(progress, Progress::Ended);
        assert_eq!(String::from_utf8(written).as_deref(), Ok(expected), "{format:?} in {size} bytes");
        assert!(!stream.wants_transmit(&news) && stream.poll_timeout().is_none());
        assert_eq!(drain(&mut stream, &news, size), Ok((vec![], Progress::Ended)));
    }
}

/// The events of that script in JSON.
const EVENTS: [&str; 7] = [
    r#"{"id":"16","open":{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA","ping":25000}}"#,
    r#"{"ack":9}"#,
    r#"{"id":"16.1","b64":"//4="}"#,
    r#"{"id":"16.2","data":""}"#,
    r#"{"id":"17.2","data":"a\r\n\"<\/b"}"#,
    r#"{"ping":1}"#,
    r#"{"close":[1001,"down"]}"#,
];

#[test]
fn xhr_streaming_is_an_event_a_line() {
    let lines: String = EVENTS.iter().map(|event| format!("{event}\n")).collect();
    is_written_as(XhrStream::default(), &lines);
    is_written_as(XhrStream { padding: 70 }, &format!("{}\n{lines}", " ".repeat(70)));
    is_written_as(AnyFormat::Xhr(XhrStream::default()), &lines);
}

#[test]
fn html_streaming_is_a_script_an_event() {
    let callback = Callback::parse("p.on").expect("a name");
    let scripts: String =
        EVENTS.iter().map(|event| format!("<script>parent.p.on({event})</script>\n")).collect();
    let head = "<!DOCTYPE html><meta charset=utf-8><body>";
    is_written_as(HtmlStream { callback, padding: 0 }, &format!("{head}\n{scripts}"));
    let padded = HtmlStream { callback, padding: 33 };
    is_written_as(AnyFormat::Html(padded), &format!("{head}{}\n{scripts}", " ".repeat(33)));
}

#[test]
fn multipart_has_a_boundary_in_front_and_behind_each_part() {
    let parts: String = EVENTS
        .iter()
        .map(|event| {
            let len = event.len();
            format!("Content-Type: application/json\r\nContent-Length: {len}\r\n\r\n{event}\r\n--frame\r\n")
        })
        .collect();
    is_written_as(Multipart, &format!("--frame\r\n{parts}"));
    is_written_as(AnyFormat::Multipart(Multipart), &format!("--frame\r\n{parts}"));
    assert!(Multipart.content_type().ends_with("; boundary=frame"), "without its dashes");
}

#[test]
fn sse_has_an_id_on_each_event_and_a_line_for_each_line() {
    let [open, ack, _, _, _, _, close] = EVENTS;
    let plain = format!(
        "retry: 2000\n\n\
        id: 16\nevent: control\ndata: {open}\n\n\
        id: 16\nevent: control\ndata: {ack}\n\n\
        id: 16.1\nevent: b64\ndata: //4=\n\n\
        id: 16.2\ndata: \n\n\
        id: 17.2\ndata: a\ndata: \"</b\n\n\
        :\n\n\
        id: 17.2\nevent: control\ndata: {close}\n\n"
    );
    is_written_as(Sse::PLAIN, &plain);
    is_written_as(AnyFormat::Sse(Sse::PLAIN), &plain);
    let ids = ["16", "16", "16.1", "16.2", "17.2", "17.2", "17.2"];
    let json: String =
        ids.iter().zip(EVENTS).map(|(id, event)| format!("id: {id}\ndata: {event}\n\n")).collect();
    is_written_as(Sse { retry: Duration::ZERO, ..Sse::JSON }, &json);
    let padded = Sse { padding: 40, ..Sse::JSON };
    is_written_as(padded, &format!(":{}\n\nretry: 2000\n\n{json}", " ".repeat(40)));
}

#[test]
fn it_wants_to_write_what_it_has_begun() {
    let (mut shared, mut own) = ([0; 64], [0; 64]);
    let ring = EventRing::new(&mut shared, Seq::new(0));
    let mut session = Session::new(sid(), &mut own, at(0));
    let mut stream = Stream::new(XhrStream::default(), cursor("0"), Duration::ZERO, at(0));
    let (_, progress) = drain(&mut stream, &News::new(&ring, Some(&session)), 64).expect("nothing leaves");
    assert_eq!(progress, Progress::Idle);
    session.send(Message::Text(&"x".repeat(40))).expect("it fits");
    let mut buf = [0; 20];
    let progress = stream.transmit(&News::new(&ring, Some(&session)), at(0), &mut Output::new(&mut buf));
    assert_eq!(progress, Ok(Progress::Full));
    assert!(stream.wants_transmit(&News::new(&ring, None)), "its session has ended: the event has not");
    assert_eq!(drain(&mut stream, &News::new(&ring, None), 64), Err(Lost));
}

#[test]
fn each_technique_says_what_it_is_and_that_nobody_may_keep_it() {
    assert_eq!(Sse::PLAIN.content_type(), "text/event-stream");
    assert_eq!(XhrStream::default().content_type(), "text/plain; charset=utf-8");
    let callback = Callback::parse("f").expect("a name");
    let html = HtmlStream { callback, padding: 0 };
    assert_eq!(html.content_type(), "text/html; charset=utf-8");
    for format in [AnyFormat::Sse(Sse::JSON), AnyFormat::Html(html), AnyFormat::Multipart(Multipart)] {
        assert!(!format.content_type().is_empty());
    }
    assert_eq!(AnyFormat::Html(html).content_type(), html.content_type());
    let fields = <Sse as Format>::FIELDS;
    assert!(ws_core::http::Response::new(200, fields, b"").is_ok(), "they may stand in a head");
    assert!(fields.contains(&("X-Content-Type-Options", "nosniff")));
}

#[test]
#[cfg_attr(miri, ignore = "a limit of many kilobytes")]
fn what_the_browser_keeps_ends_at_its_limit_between_two_events() {
    let mut memory = vec![0; 300 << 10];
    let mut ring = EventRing::new(&mut memory, Seq::new(0));
    let text = "x".repeat(1000);
    for _ in 0..250 {
        ring.publish(Message::Text(&text)).expect("it fits");
    }
    let news = News::new(&ring, None);
    for (format, limit) in [
        (AnyFormat::Xhr(XhrStream::default()), Some(XhrStream::LIMIT)),
        (AnyFormat::Multipart(Multipart), Some(Multipart::LIMIT)),
        (AnyFormat::Sse(Sse::JSON), None),
    ] {
        for size in [100, 1500, 400_000] {
            let mut stream = Stream::new(format, Cursor::default(), Duration::ZERO, at(0));
            let (written, progress) = drain(&mut stream, &news, size).expect("nothing leaves");
            let events = stream.cursor().shared.get();
            match limit {
                Some(limit) => {
                    assert_eq!(progress, Progress::Ended);
                    assert!((limit as usize..limit as usize + 1200).contains(&written.len()));
                    assert!(written.ends_with(b"}\n") || written.ends_with(b"}\r\n--frame\r\n"));
                    assert!(events < 250 && news.is_behind(stream.cursor()), "the rest is for the next");
                }
                None => assert_eq!((progress, events), (Progress::Idle, 250)),
            }
            let found = written.windows(4).filter(|four| four == b"xxx\"").count();
            assert_eq!(found as u32, events);
        }
        // Who is told that all is over does not come back for the rest.
        let mut stream = Stream::new(format, Cursor::default(), Duration::ZERO, at(0));
        stream.close(CloseCode::NORMAL, "bye");
        let (written, progress) = drain(&mut stream, &news, 1500).expect("nothing leaves");
        assert_eq!((progress, stream.cursor().shared.get()), (Progress::Ended, 250));
        let end = String::from_utf8_lossy(&written[written.len() - 100..]).into_owned();
        assert!(end.contains("\"close\":[1000,\"bye\"]"), "{end}");
    }
}

#[test]
fn an_event_that_leaves_half_written_ends_the_stream_and_one_not_begun_is_a_reset() {
    for written in 0..60 {
        let mut memory = [0; 40];
        let mut ring = EventRing::new(&mut memory, Seq::new(0));
        ring.publish(Message::Text("first, of 30 bytes in the ring")).expect("it fits");
        let mut stream = Stream::new(XhrStream::default(), Cursor::default(), Duration::ZERO, at(0));
        let open = "{\"id\":\"0\",\"open\":{\"ping\":0}}\n";
        let mut buf = vec![0; open.len() + written];
        let mut out = Output::new(&mut buf);
        let progress = stream.transmit(&News::new(&ring, None), at(0), &mut out);
        let event = "{\"id\":\"1\",\"data\":\"first, of 30 bytes in the ring\"}\n";
        let is_whole = written >= event.len();
        assert_eq!(progress, Ok(if is_whole { Progress::Idle } else { Progress::Full }));
        ring.publish(Message::Text("second, which pushes it out")).expect("it fits");
        let rest = drain(&mut stream, &News::new(&ring, None), 500);
        let second = "{\"id\":\"2\",\"data\":\"second, which pushes it out\"}\n";
        let expected = match written {
            0 => Ok(format!("{{\"id\":\"1\",\"reset\":1}}\n{second}")),
            _ if is_whole => Ok(second.to_owned()),
            _ => Err(Lost),
        };
        let rest = rest.map(|(bytes, _)| String::from_utf8(bytes).expect("UTF-8"));
        assert_eq!(rest, expected, "{written} bytes were out");
        if rest.is_err() {
            assert_eq!(drain(&mut stream, &News::new(&ring, None), 500), Err(Lost), "and it stays so");
        }
    }
}

/// Also where nothing else is to be said; and each time, as the client may not have read the last.
#[test]
fn an_ack_goes_out_by_itself() {
    let mut memory = [0; 64];
    let ring = EventRing::new(&mut memory, Seq::new(0));
    let news = News::new(&ring, None);
    let mut stream = Stream::new(XhrStream::default(), Cursor::default(), Duration::ZERO, at(0));
    assert!(drain(&mut stream, &news, 100).is_ok(), "it opens");
    for _ in 0..2 {
        assert!(!stream.wants_transmit(&news));
        stream.acknowledge(Seq::new(9));
        assert!(stream.wants_transmit(&news));
        assert_eq!(drain(&mut stream, &news, 100), Ok((b"{\"ack\":9}\n".to_vec(), Progress::Idle)));
    }
}

/// A session that ends takes its events with it.
#[test]
fn an_event_of_a_session_that_ends_half_written_ends_the_stream() {
    let (mut shared, mut own) = ([0; 64], [0; 64]);
    let ring = EventRing::new(&mut shared, Seq::new(0));
    let mut session = Session::new(sid(), &mut own, at(0));
    session.send(Message::Text("its own")).expect("it fits");
    let mut stream = Stream::new(XhrStream::default(), Cursor::default(), Duration::ZERO, at(0));
    let open = "{\"id\":\"0\",\"open\":{\"ping\":0}}\n";
    let mut buf = vec![0; open.len() + 1];
    let progress = stream.transmit(&News::new(&ring, Some(&session)), at(0), &mut Output::new(&mut buf));
    assert_eq!(progress, Ok(Progress::Full));
    assert_eq!(drain(&mut stream, &News::new(&ring, None), 500), Err(Lost));
}

/// What is begun is finished as it was, though something comes that would have gone first.
#[test]
fn what_comes_meanwhile_waits_for_what_is_begun() {
    let full = r#"{"id":"1","data":"for all"}"#;
    for written in 1..=full.len() {
        let (mut shared, mut own) = ([0; 64], [0; 64]);
        let mut ring = EventRing::new(&mut shared, Seq::new(0));
        let mut session = Session::new(sid(), &mut own, at(0));
        ring.publish(Message::Text("for all")).expect("it fits");
        let mut stream = Stream::new(XhrStream::default(), Cursor::default(), Duration::ZERO, at(0));
        let open = "{\"id\":\"0\",\"open\":{\"ping\":0}}\n";
        let mut buf = vec![0; open.len() + written];
        let mut out = Output::new(&mut buf);
        let progress = stream.transmit(&News::new(&ring, Some(&session)), at(0), &mut out);
        assert_eq!(progress, Ok(Progress::Full));
        let mut all = out.filled().to_vec();
        session.send(Message::Text("own")).expect("it fits");
        stream.acknowledge(Seq::new(3));
        all.extend(drain(&mut stream, &News::new(&ring, Some(&session)), 7).expect("nothing leaves").0);
        let expected = format!("{open}{full}\n{{\"ack\":3}}\n{{\"id\":\"1.1\",\"data\":\"own\"}}\n");
        assert_eq!(String::from_utf8(all), Ok(expected));
    }
}

#[test]
fn an_ack_that_grows_while_it_is_written_is_said_again() {
    let mut ring = EventRing::new(&mut [], Seq::new(0));
    ring.clear(Seq::new(0));
    let news = News::new(&ring, None);
    let mut stream = Stream::new(XhrStream::default(), Cursor::default(), Duration::ZERO, at(0));
    assert_eq!(drain(&mut stream, &news, 100).expect("nothing leaves").1, Progress::Idle);
    stream.acknowledge(Seq::new(9));
    let mut buf = [0; 8];
    let mut out = Output::new(&mut buf);
    assert_eq!(stream.transmit(&news, at(0), &mut out), Ok(Progress::Full));
    stream.acknowledge(Seq::new(10));
    let rest = drain(&mut stream, &news, 100).expect("nothing leaves").0;
    assert_eq!([out.filled(), &rest].concat(), b"{\"ack\":9}\n{\"ack\":10}\n");
}

#[test]
fn a_sign_of_life_is_due_when_nothing_else_was_said() {
    let mut memory = [0; 64];
    let mut ring = EventRing::new(&mut memory, Seq::new(0));
    let mut stream = Stream::new(Sse::PLAIN, Cursor::default(), Duration::from_secs(15), at(0));
    let mut buf = [0; 200];
    let mut out = Output::new(&mut buf);
    let mut write = |stream: &mut Stream<Sse>, ring: &EventRing<'_>, now| {
        out.clear();
        assert_eq!(stream.transmit(&News::new(ring, None), at(now), &mut out), Ok(Progress::Idle));
        out.filled().len()
    };
    write(&mut stream, &ring, 1000);
    assert_eq!(stream.poll_timeout(), Some(at(16_000)));
    ring.publish(Message::Text("x")).expect("it fits");
    write(&mut stream, &ring, 9000);
    assert_eq!(stream.poll_timeout(), Some(at(24_000)), "counted from then on");
    stream.handle_timeout(at(24_000));
    assert_eq!(stream.poll_timeout(), None, "it is owed already");
    ring.publish(Message::Text("y")).expect("it fits");
    assert!(write(&mut stream, &ring, 25_000) > 3);
    assert_eq!(write(&mut stream, &ring, 25_000), 0, "the event was sign enough");
    assert_eq!(stream.poll_timeout(), Some(at(40_000)));
    stream.handle_timeout(at(40_000));
    assert_eq!(write(&mut stream, &ring, 40_000), 3);
    let stream = Stream::new(Sse::PLAIN, Cursor::default(), Duration::ZERO, at(0));
    assert_eq!(stream.poll_timeout(), None);
}

#[test]
fn images_go_out_whole_at_every_size_of_output() {
    let images = Images::new(&mut Dice(5));
    let boundary = images.content_type().strip_prefix("multipart/x-mixed-replace; boundary=").expect("that");
    assert_eq!(boundary.len(), 24);
    assert_ne!(Images::new(&mut Dice(6)).content_type(), images.content_type());
    let parts = [("image/jpeg", b"\xff\xd8--frame" as &[u8]), ("text/plain", b""), ("image/png", &[0; 50])];
    let mut expected = format!("--{boundary}\r\n").into_bytes();
    for (kind, body) in parts {
        expected.extend(format!("Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len()).bytes());
        expected.extend_from_slice(body);
        expected.extend(format!("\r\n--{boundary}\r\n").bytes());
    }
    for size in thin(1..expected.len() + 2, 60) {
        let (mut images, mut written, mut buf) = (images.clone(), Vec::new(), vec![0; size]);
        let mut out = Output::new(&mut buf);
        for (kind, body) in parts {
            let part = Part::new(kind, body).expect("valid");
            while !images.transmit(&part, &mut out) {
                written.extend_from_slice(out.filled());
                out.clear();
            }
        }
        written.extend_from_slice(out.filled());
        assert_eq!(written, expected);
    }
    assert_eq!(Part::new("image/png\r\nX: y", b"").err(), Some(UsageError::BadField));
}

#[test]
fn a_function_has_a_name_of_few_characters() {
    for good in ["f", "_", "$", "jQuery.cb_1", "a.b.$c", "A9", &"x".repeat(64)] {
        assert_eq!(Callback::parse(good).expect("a name").as_str(), good);
    }
    let bad = "|1a|.a|a b|a(|a)|a;|a[0]|a-b|é|a\n|<script>|a'|a\"|a%41|a/|/**/|a\0|a=b";
    for bad in bad.split('|').chain([&"x".repeat(65)[..]]) {
        assert_eq!(Callback::parse(bad), None, "{bad:?}");
    }
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    /// One stream for all of the life of a ring, which is now ahead of it, now forgets all and begins again, even with the same
    /// numbers: each event that it writes is the one that was published under its number.
    #[test]
    fn a_stream_that_stays_sees_what_was_published(
        size in 60..400usize,
        turns in prop::collection::vec((0..12usize, 1..200usize, prop::option::weighted(0.1, 0..20u32)), 1..40),
    ) {
        let mut memory = vec![0; size];
        let mut ring = EventRing::new(&mut memory, Seq::new(0));
        let mut stream = Stream::new(XhrStream::default(), Cursor::default(), Duration::ZERO, at(0));
        let (mut count, mut published) = (0, std::collections::HashMap::new());
        for (events, size, restart) in turns {
            if let Some(last) = restart {
                ring.clear(Seq::new(last));
                published.clear();
            }
            for _ in 0..events {
                count += 1;
                let text = format!("{count}{}", "x".repeat(count % 37));
                let seq = ring.publish(Message::Text(&text)).expect("it fits");
                published.insert(seq.get(), text);
            }
            let before = stream.cursor();
            let (written, _) = drain(&mut stream, &News::new(&ring, None), size).expect("nothing leaves");
            let mut expected: Vec<u32> = (1..=ring.view().len())
                .map(|n| ring.view().before_oldest().steps_from(Seq::new(0)) + n)
                .collect();
            let written = String::from_utf8(written).expect("UTF-8");
            let is_reset = written.contains("\"reset\"");
            if !is_reset {
                expected.retain(|n| Seq::new(*n).is_after(before.shared));
            }
            let lines: Vec<&str> = written.lines().filter(|line| line.contains("\"data\"")).collect();
            let expected: Vec<String> =
                expected.iter().map(|n| format!("{{\"id\":\"{n}\",\"data\":\"{}\"}}", published[n])).collect();
            prop_assert_eq!(lines, expected);
            prop_assert_eq!(stream.cursor().shared, ring.view().newest());
        }
    }
}
