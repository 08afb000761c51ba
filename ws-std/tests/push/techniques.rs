//! Each technique from its request to its last byte, and what is refused.

use super::flash::UPGRADE;
use super::host::{Host, TOO_LONG};
use super::listener::{ALL, Listener, Place, Technique, value};
use super::raw::{Raw, has_status};
use crate::common::frames::{self, BINARY, CLOSE, TEXT, close_body, frame};
use std::time::Instant;
use ws_std::Message;

#[test]
fn each_technique_wakes_at_once_and_keeps_the_order() {
    for technique in ALL {
        let host = Host::start();
        let mut place = Place::default();
        let mut listener = Listener::begin(&host, technique, &place);
        let open = listener.next(&mut place).unwrap();
        assert!(open.contains("\"open\":{\"sid\":\""), "{technique:?}: {open}");
        let begun = Instant::now();
        for n in 0..50 {
            host.publish(&format!("news {n}"));
            assert_eq!(listener.data(&mut place), Some(format!("news {n}")), "{technique:?}");
        }
        // At the latest look for the end of a connection it would be 50 seconds.
        assert!(begun.elapsed() < TOO_LONG, "{technique:?}: {:?}", begun.elapsed());
        assert!(host.attached() <= 1);
    }
}

#[test]
fn an_event_stream_is_read_byte_for_byte() {
    let host = Host::start();
    let newest = host.push.with(|hub| hub.now().shared.get());
    let ids: Vec<_> = (0..4).map(|n| newest.wrapping_add(n)).collect();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events?as=sse", "Origin: http://localhost\r\n", "");
    let head = raw.head();
    has_status(&head, 200);
    for field in ["Content-Type: text/event-stream", "Cache-Control: no-store", "Transfer-Encoding: chunked"]
    {
        assert!(head.contains(field), "{head}");
    }
    let open = raw.chunk();
    assert!(
        open.ends_with(&format!("id: {0}\ndata: {{\"id\":\"{0}\",\"open\":{{\"ping\":15000}}}}\n\n", ids[0])),
        "{open}"
    );
    host.publish("a \"b\"");
    assert_eq!(
        raw.chunk(),
        format!("id: {0}\ndata: {{\"id\":\"{0}\",\"data\":\"a \\\"b\\\"\"}}\n\n", ids[1])
    );
    host.push.publish(Message::Binary(&[1, 2, 255])).unwrap();
    assert_eq!(raw.chunk(), format!("id: {0}\ndata: {{\"id\":\"{0}\",\"b64\":\"AQL/\"}}\n\n", ids[2]));

    let mut raw = Raw::connect(&host);
    raw.ask("GET /events?as=events", &format!("Last-Event-ID: {}\r\n", ids[0]), "");
    raw.head();
    let said = raw.until(&format!("id: {}\nevent: b64\ndata: AQL/\n\n", ids[2]));
    assert!(said.contains(&format!("id: {}\ndata: a \"b\"\n\n", ids[1])), "{said}");
}

#[test]
fn a_stream_to_an_old_client_ends_with_its_connection() {
    let host = Host::start();
    let mut raw = Raw::asking(&host, "GET /events?as=xhr HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let head = raw.head();
    assert!(head.contains("Connection: close") && !head.contains("chunked"), "{head}");
    raw.until("\"ping\":15000}}\n");
    host.publish("one");
    raw.until("\"data\":\"one\"}\n");
}

#[test]
fn polls_answer_what_there_is_or_wait_for_it() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events", "", "");
    let (_, body) = raw.response();
    let next = value(&body, "next").unwrap();
    raw.ask(&format!("GET /events?since={next}"), "", "");
    has_status(&raw.response().0, 204);
    raw.ask(&format!("GET /events?since={next}&wait=100"), "", "");
    has_status(&raw.response().0, 204);
    raw.ask(&format!("GET /events?since={next}&wait=20000"), "", "");
    host.publish("one");
    let (_, body) = raw.response();
    assert!(body.contains("\"data\":\"one\""), "{body}");
    raw.ask(
        &format!("GET /scripts?since={next}&wait=20000&callback=a.b"),
        "Referer: http://localhost/page\r\n",
        "",
    );
    let (head, body) = raw.response();
    assert!(head.contains("text/javascript") && head.contains("nosniff"), "{head}");
    assert!(body.starts_with("/**/a.b({\"next\":\"") && body.ends_with("});"), "{body}");
}

#[test]
fn a_poll_makes_way_for_what_comes_behind_it() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events", "", "");
    let next = value(&raw.response().1, "next").unwrap();
    let poll = format!("GET /events?since={next}&wait=20000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw.write([&poll[..], "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat().as_bytes());
    has_status(&raw.response().0, 204);
    assert_eq!(raw.response().1, "<h1>hello</h1>");
    // It may come later.
    raw.write(poll.as_bytes());
    raw.ask("GET /page", "", "");
    has_status(&raw.response().0, 204);
    assert_eq!(raw.response().1, "<h1>hello</h1>");
}

#[test]
fn messages_come_by_post_once_each() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events?s=", "", "");
    let sid = value(&raw.response().1, "sid").unwrap();
    for (n, body, status, answer) in [
        (1, "t5:hellob3:abc", 200, "{\"ack\":2}"),
        (1, "t5:hellob3:abct3:one", 200, "{\"ack\":3}"),
        (9, "t5:hello", 409, ""),
        (4, "nonsense", 400, ""),
    ] {
        let mut raw = Raw::connect(&host);
        raw.ask(&format!("POST /events?s={sid}&n={n}"), "Expect: 100-continue\r\n", body);
        let mut response = raw.response();
        if response.0.contains(" 100 ") {
            response = raw.response();
        }
        has_status(&response.0, status);
        assert!(answer.is_empty() || response.1 == answer, "{response:?}");
    }
    assert_eq!(host.texts(), ["hello", "[97, 98, 99]", "one"]);
    let mut raw = Raw::connect(&host);
    raw.ask(&format!("POST /events?s={sid}&n=4"), "", &format!("t5000:{}", "x".repeat(5000)));
    has_status(&raw.response().0, 413);
    raw = Raw::connect(&host);
    raw.ask(&format!("POST /events?s={}&n=4", "x".repeat(24)), "", "t1:x");
    has_status(&raw.response().0, 404);
    raw = Raw::connect(&host);
    raw.ask(
        &format!("GET /scripts?s={sid}&n=4&d=t5%3Aworld&callback=f"),
        "Referer: http://localhost/page\r\n",
        "",
    );
    assert_eq!(raw.response().1, "/**/f({\"ack\":4});");
    assert_eq!(host.texts().last().unwrap(), "world");
    assert_eq!(host.attached(), 0);
}

/// Where nothing is taken but the end of a session, that is.
#[test]
fn an_endpoint_for_messages_of_no_bytes_answers() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /mute?s=", "", "");
    let sid = value(&raw.response().1, "sid").unwrap();
    raw.ask(&format!("POST /mute?s={sid}&n=1"), "", "t1:x");
    has_status(&raw.response().0, 413);
    let mut raw = Raw::connect(&host);
    raw.ask(&format!("POST /mute?s={sid}&n=1"), "", "t0:");
    assert_eq!(raw.response().1, "{\"ack\":1}");
    raw.ask(&format!("POST /mute?s={sid}&n=2&close=1"), "Content-Length: 0\r\n", "");
    let (head, body) = raw.response();
    has_status(&head, 200);
    assert_eq!(body, "{\"ack\":1}");
    assert_eq!(host.push.with(|hub| hub.sessions().keys().count()), 0);
    assert_eq!(host.texts(), [""]);
}

#[test]
fn a_websocket_carries_both_ways() {
    let host = Host::start();
    let mut place = Place::default();
    let mut listener = Listener::begin(&host, Technique::WebSocket, &place);
    listener.next(&mut place).unwrap();
    listener.say("say hello");
    let mut heard = [listener.next(&mut place).unwrap(), listener.next(&mut place).unwrap()];
    heard.sort(); // an ack and an echo, in whichever order
    assert!(heard[0] == "{\"ack\":1}" && heard[1].contains("\"data\":\"echo:say hello\""), "{heard:?}");
    host.push.publish(Message::Binary(b"\0\xff")).unwrap();
    let (b0, payload) = loop {
        let mut rest = &listener.raw.read[..];
        if let Some(frame) = frames::take(false, &mut rest) {
            break frame;
        }
        assert!(listener.raw.fill());
    };
    assert_eq!(b0, BINARY);
    assert!(payload.ends_with(b"\0\0\xff"), "{payload:?}");
    // A message of more than the endpoint takes.
    listener.raw.read.clear();
    listener.say(&"x".repeat(4097));
    let mut all = Vec::new();
    while listener.raw.fill() {}
    all.extend(frames::decode(false, &listener.raw.read).0);
    assert!(matches!(&all[..], [.., (CLOSE, body)] if body.starts_with(&1009u16.to_be_bytes())), "{all:?}");
}

#[test]
fn a_websocket_without_a_session_is_heard_by_all_the_same() {
    let host = Host::start();
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events", &format!("{UPGRADE}Sec-WebSocket-Protocol: push.v1\r\n"), "");
    has_status(&raw.head(), 101);
    raw.write(&frame(true, TEXT, b"hello"));
    raw.write(&frame(true, CLOSE, &close_body(1000, "")));
    while raw.fill() {}
    host.ended().0.unwrap();
    let heard = host.heard.lock().unwrap();
    assert!(matches!(&heard[..], [(None, message)] if message.as_message() == Message::Text("hello")));
}

#[test]
fn strangers_get_nothing() {
    let host = Host::start();
    let elsewhere = "Origin: http://elsewhere.example\r\n";
    for (line, further, status) in [
        ("GET /events?as=sse", elsewhere, 403),
        ("GET /events?s=", elsewhere, 403),
        ("POST /events?s=&n=1", elsewhere, 403),
        (
            "OPTIONS /events",
            "Origin: http://elsewhere.example\r\nAccess-Control-Request-Method: POST\r\n",
            403,
        ),
        ("GET /events?callback=f", "Referer: http://localhost/page\r\n", 403),
        ("GET /scripts?callback=f", "", 403),
        ("GET /scripts?callback=f", "Referer: http://elsewhere.example/\r\n", 403),
        ("GET /scripts?callback=f(1)", "Referer: http://localhost/page\r\n", 400),
        ("GET /events?as=carrier-pigeon", "", 400),
        ("DELETE /events", "", 405),
        ("GET /events", UPGRADE, 400), // without the subprotocol
    ] {
        let mut raw = Raw::connect(&host);
        raw.ask(line, further, "");
        let (head, body) = raw.response();
        has_status(&head, status);
        assert!(!head.contains("elsewhere") && !body.contains("elsewhere"), "{head}{body}");
    }
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events?s=", &format!("{elsewhere}{UPGRADE}Sec-WebSocket-Protocol: push.v1\r\n"), "");
    has_status(&raw.response().0, 403);
    assert_eq!(host.push.with(|hub| hub.sessions().keys().count()), 0);
}
