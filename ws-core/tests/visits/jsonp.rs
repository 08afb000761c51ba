//! Messages in the query of a script: percent-encoded, looked at in pieces.

use crate::cases::thin;
use crate::server::{OPEN, Server, ask, get, script};
use proptest::prelude::*;
use ws_core::transport::Endpoint;

/// What a script is told that says `d`, and the messages that came.
fn say(d: &str) -> (String, Vec<String>) {
    let mut server = Server::new(OPEN);
    let (_, sid) = server.session();
    let (said, _) = ask(&mut server, &script(&format!("s={sid}&n=1&callback=fn&d={d}")));
    (said, server.texts().into_iter().map(str::to_owned).collect())
}

/// Each byte in its place, or as an escape.
fn encoded(bytes: &[u8], is_escaped: impl Fn(usize) -> bool) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b':';
    let one = |(at, b): (usize, &u8)| {
        if is_plain(*b) && !is_escaped(at) { char::from(*b).to_string() } else { format!("%{b:02x}") }
    };
    bytes.iter().enumerate().map(one).collect()
}

/// Pieces have 64 bytes, so somewhere a piece ends at each place of an escape, and of a character.
#[test]
fn an_escape_may_be_cut_anywhere() {
    for before in thin(0..140, 47) {
        let text = format!("{}\u{20ac}+ %&\r\n\u{1f600}", "x".repeat(before));
        let record = format!("t{}:{text}t1:y", text.len());
        for every in [1, 2, 3, 1000] {
            let (said, came) = say(&encoded(record.as_bytes(), |at| at % every == 0));
            assert!(said.ends_with("\r\n\r\n/**/fn({\"ack\":2});"), "{said}");
            assert_eq!(came, [text.as_str(), "y"]);
        }
        // Upper case means the same.
        let (_, came) = say(&encoded(record.as_bytes(), |_| false)
            .to_uppercase()
            .replace('T', "t")
            .replace('X', "x")
            .replace('Y', "y"));
        assert_eq!(came, [text.as_str(), "y"]);
    }
}

#[test]
fn a_bad_escape_is_refused_wherever_it_stands() {
    for before in thin(0..140, 47) {
        for bad in thin(["%", "%4", "%x1", "%1x", "%%", "%u0041", "%\u{2b}1"], 3) {
            let (said, came) = say(&format!("t1:at150:{}{bad}", "x".repeat(before)));
            assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{bad}: {said}");
            assert!(said.ends_with("\r\n\r\na bad escape\n"), "{bad}: {said}");
            // What stands before it may have come; what is begun has not.
            assert!(came.is_empty() || came == ["a"], "{before} {bad} {came:?}");
        }
    }
}

#[test]
fn a_plus_is_a_plus() {
    assert_eq!(say("t3:1+1").1, ["1+1"]);
}

#[test]
fn what_is_no_list_of_records_is_refused_as_in_a_body() {
    for (d, status, ack) in [
        ("x1:a", "400 Bad Request", None),
        ("t1:at", "400 Bad Request", None),
        ("t5:abcd", "400 Bad Request", None),
        ("t1:%ff", "400 Bad Request", None),
        ("t4097:", "413 Content Too Large", None),
        ("", "200 OK", Some(0)),
        ("t0:", "200 OK", Some(1)),
        ("t1:ab1:b", "200 OK", Some(2)),
    ] {
        let (said, _) = say(d);
        assert!(said.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{d}: {said}");
        if let Some(ack) = ack {
            assert!(said.ends_with(&format!("\r\n\r\n/**/fn({{\"ack\":{ack}}});")), "{d}: {said}");
        }
    }
}

#[test]
fn a_message_may_be_longer_than_a_piece_and_as_long_as_the_limit() {
    let limited = Endpoint { message: 300, ..OPEN };
    for len in thin([63, 64, 65, 128, 299, 300, 301], 3) {
        let mut server = Server::new(limited);
        let (_, sid) = server.session();
        let text = "x".repeat(len);
        let (said, _) = ask(&mut server, &script(&format!("s={sid}&n=1&callback=fn&d=t{len}:{text}")));
        let fits = len <= 300;
        assert!(said.starts_with(if fits { "HTTP/1.1 200 " } else { "HTTP/1.1 413 " }), "{said}");
        assert_eq!(server.texts(), if fits { vec![text.as_str()] } else { vec![] });
    }
}

#[test]
fn without_a_function_to_call_nothing_is_sent() {
    let mut server = Server::new(OPEN);
    let (_, sid) = server.session();
    let (said, _) = ask(&mut server, &get(&format!("s={sid}&n=1&d=t1:x&since=16")));
    assert!(said.starts_with("HTTP/1.1 204 "), "a poll: {said}");
    assert!(server.got.is_empty());
}

#[test]
fn messages_count_once_and_none_is_left_out() {
    let mut server = Server::new(OPEN);
    let (_, sid) = server.session();
    for (n, d, status, ack) in [
        (2, "t1:b", 409, 0),
        (1, "t1:at1:b", 200, 2),
        (1, "t1:at1:bt1:c", 200, 3),
        (2, "t1:b", 200, 3),
        (5, "t1:e", 409, 0),
        (4, "t1:d", 200, 4),
    ] {
        let (said, _) = ask(&mut server, &script(&format!("s={sid}&n={n}&callback=fn&d={d}")));
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{n} {d}: {said}");
        if status == 200 {
            assert!(said.ends_with(&format!("{{\"ack\":{ack}}});")), "{n} {d}: {said}");
        }
    }
    assert_eq!(server.texts(), ["a", "b", "c", "d"]);
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    /// Any texts, escaped anyhow.
    #[test]
    fn any_messages(texts in prop::collection::vec(".{0,40}", 0..8), escaped in any::<u64>()) {
        let records: String = texts.iter().map(|text| format!("t{}:{text}", text.len())).collect();
        let (said, came) = say(&encoded(records.as_bytes(), |at| escaped >> (at % 64) & 1 == 1));
        let ack = format!("/**/fn({{\"ack\":{}}});", texts.len());
        prop_assert!(said.ends_with(&ack), "{}", said);
        prop_assert_eq!(came, texts);
    }
}
