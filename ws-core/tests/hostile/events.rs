//! Event streams: what an application says is data, whatever it is made of, and begins no field, no event and no comment
//! (WHATWG HTML 9.2.6). Judged line by line, without our own reader.

use super::common::thin;
use ws_core::transport::{
    AnyFormat, Cursor, EventRing, Format, Multipart, News, Progress, Seq, Session, Sid, Sse, Stream,
    XhrStream,
};
use ws_core::{CloseCode, Duration, Instant, Message, Output};

const LINE_BREAKS: [&str; 6] = ["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"];

/// What a stranger would have said in another's name.
const FORGED: [&str; 7] = [
    "data: forged",
    "event: control",
    "id: 9999",
    "retry: 1",
    ": forged",
    "--frame\r\nContent-Type: text/html",
    "{\"id\":\"9999\",\"data\":\"forged\"}",
];

fn sid() -> Sid {
    Sid::parse("AAAAAAAAAAAAAAAAAAAAAAAA").expect("a name")
}

/// A stream of `format` that says `text` to all and to a session, and ends. The reason of an end is a constant.
fn said<F: Format>(format: F, text: &str) -> String {
    let (mut shared, mut own) = ([0; 512], [0; 512]);
    let now = Instant::from_millis(0);
    let mut ring = EventRing::new(&mut shared, Seq::new(16));
    ring.publish(Message::Text(text)).expect("it fits");
    let mut session = Session::new(sid(), &mut own, now);
    session.send(Message::Text(text)).expect("it fits");
    let news = News::new(&ring, Some(&session));
    let from = Cursor::parse("16").expect("a cursor");
    let mut stream = Stream::new(format, from, Duration::ZERO, now).with_session(sid());
    stream.close(CloseCode::GOING_AWAY, "down");
    let (mut buf, mut written) = ([0; 4096], Vec::new());
    let mut out = Output::new(&mut buf);
    while stream.transmit(&news, now, &mut out).expect("nothing leaves") != Progress::Ended {
        written.extend_from_slice(out.filled());
        out.clear();
    }
    written.extend_from_slice(out.filled());
    String::from_utf8(written).expect("text")
}

/// Whether this is the stream that says `data`, line by line in the plain style, and nothing else, however its lines end.
fn judge(stream: &str, data: Option<&[&str]>, what: &str) {
    let lines = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = lines.strip_suffix("\n\n").expect("the last event is whole").split("\n\n");
    assert_eq!(events.next(), Some("retry: 2000"));
    let mut ids = Vec::new();
    for event in events {
        let mut lines: Vec<&str> = event.split('\n').collect();
        ids.push(lines.remove(0));
        if data.is_some() && lines.first() == Some(&"event: control") {
            assert_eq!(lines.len(), 2, "{what:?} has become {event:?}");
            lines.remove(0);
        }
        let said: Option<Vec<&str>> = lines.iter().map(|line| line.strip_prefix("data: ")).collect();
        let said = said.unwrap_or_else(|| panic!("{what:?} has become {event:?}"));
        let is_json = said.len() == 1 && said[0].starts_with('{') && said[0].ends_with('}');
        assert!(is_json || data == Some(&said), "{what:?} has become {event:?}");
    }
    assert_eq!(
        ids,
        ["id: 16", "id: 16.1", "id: 17.1", "id: 17.1"],
        "the opening, two messages, the end: {what:?}"
    );
}

/// Each of these behind each of those.
fn forgeries() -> impl Iterator<Item = (&'static str, &'static str)> {
    LINE_BREAKS.into_iter().flat_map(|line_break| FORGED.map(|forged| (line_break, forged)))
}

#[test]
fn no_text_begins_a_field_or_an_event() {
    for (line_break, forged) in thin(forgeries(), 2) {
        for around in ["", "a", "\u{feff}", "\0", "\u{2028}"] {
            let text = format!("{around}{line_break}{forged}{line_break}{around}");
            // Each of its lines is a line of data, as it is.
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            let data: Vec<&str> = lines.split('\n').collect();
            judge(&said(Sse::PLAIN, &text), Some(&data), &text);
            // In JSON it is in one, and no byte in it ends a line.
            judge(&said(Sse::JSON, &text), None, &text);
        }
    }
}

/// Where an event is a line, or a part, the same: four of them, whatever they say.
#[test]
fn no_text_ends_a_line_of_json() {
    for (line_break, forged) in thin(forgeries(), 2) {
        let text = format!("a{line_break}{forged}{line_break}b");
        for line in said(XhrStream::default(), &text).lines() {
            assert!(line.starts_with('{') && line.ends_with('}') && !line.contains('\r'), "{line:?}");
        }
        let lines = said(AnyFormat::Xhr(XhrStream::default()), &text);
        assert_eq!(lines.matches('\n').count(), 4, "{lines}");
        let parts = said(Multipart, &text);
        assert_eq!(parts.matches("\r\n--frame\r\n").count(), 4, "{parts}");
    }
}
