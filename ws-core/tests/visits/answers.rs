//! Each technique, byte for byte.

use crate::server::{Link, OPEN, Server, State, ask, at, get, post, script};
use ws_core::http::{Cors, OriginPolicy};
use ws_core::transport::{Asked, Endpoint, Progress, Visit};

/// The fields behind those of the length; `more` ones; and the type.
fn head(first: &str, fields: &str, content_type: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{first}{fields}{VARY}Content-Type: {content_type}\r\n\r\n")
}

const VARY: &str = "Vary: Origin\r\n";
const STREAM: &str =
    "Cache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n";
const POLL: &str = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const CLOSE: &str = "Connection: close\r\n";
const KEEP: &str = "Connection: keep-alive\r\n";

const OPENED: &str = r#"{"id":"16","open":{"ping":15000}}"#;
const HELLO: &str = r#"{"id":"17","data":"hello"}"#;

/// Query, type and body of each stream that was told one event.
fn streams() -> [(&'static str, &'static str, String); 5] {
    let part = |event: &str| {
        let len = event.len();
        format!("Content-Type: application/json\r\nContent-Length: {len}\r\n\r\n{event}\r\n--frame\r\n")
    };
    [
        (
            "as=sse&since=16",
            "text/event-stream",
            format!("retry: 2000\n\nid: 16\ndata: {OPENED}\n\nid: 17\ndata: {HELLO}\n\n"),
        ),
        (
            "as=events&since=16",
            "text/event-stream",
            format!("retry: 2000\n\nid: 16\nevent: control\ndata: {OPENED}\n\nid: 17\ndata: hello\n\n"),
        ),
        ("as=xhr&since=16", "text/plain; charset=utf-8", format!("{OPENED}\n{HELLO}\n")),
        (
            "as=html&callback=fn&since=16",
            "text/html; charset=utf-8",
            format!(
                "<!DOCTYPE html><meta charset=utf-8><body>\n<script>parent.fn({OPENED})</script>\n\
                 <script>parent.fn({HELLO})</script>\n"
            ),
        ),
        (
            "as=multipart&since=16",
            "multipart/x-mixed-replace; boundary=frame",
            format!("--frame\r\n{}{}", part(OPENED), part(HELLO)),
        ),
    ]
}

/// Query, type and body of each poll.
fn polls() -> [(&'static str, &'static str, String); 3] {
    let body = format!(r#"{{"next":"17","events":[{HELLO}]}}"#);
    [
        ("since=16", "application/json", body.clone()),
        ("since=16&wait=20000", "application/json", body.clone()),
        ("since=16&callback=fn", "text/javascript; charset=utf-8", format!("/**/fn({body});")),
    ]
}

fn server() -> Server {
    let mut server = Server::new(OPEN);
    server.publish("hello");
    server
}

/// The same request in another version, with further fields.
fn as_of(request: &str, version: &str, fields: &str) -> String {
    request.replace(" HTTP/1.1\r\n", &format!(" HTTP/{version}\r\n{fields}"))
}

#[test]
fn a_stream_goes_on_and_on() {
    for (query, content_type, body) in streams() {
        let (said, mut link) = ask(&mut server(), &get(query));
        let chunk = format!("{:04x}\r\n{body}\r\n", body.len());
        assert_eq!(said, head(CHUNKED, STREAM, content_type) + &chunk, "{query}");
        assert_eq!(link.state, State::Idle);
        link.turn(&mut server());
        assert_eq!(link.text(), "");
        let last = as_of(&get(query), "1.1", CLOSE);
        let (said, _) = ask(&mut server(), &last);
        assert_eq!(said, head(&format!("{CLOSE}{CHUNKED}"), STREAM, content_type) + &chunk, "{query}");
    }
}

#[test]
fn the_padding_of_the_endpoint_goes_in_front() {
    for (query, _, _) in streams().iter().filter(|(query, ..)| !query.starts_with("as=multipart")) {
        let mut server = Server::new(Endpoint { padding: 50, ..OPEN });
        let (said, _) = ask(&mut server, &get(query));
        assert!(said.contains(&" ".repeat(50)), "{query}: {said}");
    }
}

/// It has no chunks, so the connection ends with it, whatever the client wishes.
/// Not the name of a session either: who knows that reads what is for it.
#[test]
fn a_log_shows_nothing_of_what_is_said() {
    let mut server = server();
    let (key, sid) = server.session();
    server.hub.send(key, ws_core::Message::Text("s3cret")).expect("it fits");
    server.publish("s3cret too");
    let mut link = Link::new(200); // an event is half out
    link.feed(&mut server, get(&format!("as=sse&since=17&s={sid}")).as_bytes());
    let shown = link.shown();
    assert!(
        shown.starts_with("Visit { ") && !shown.contains("s3cret") && !shown.contains(&sid[..8]),
        "{shown}"
    );
}

#[test]
fn a_stream_over_http_1_0_ends_with_its_connection() {
    for (query, content_type, body) in streams() {
        for fields in ["", KEEP] {
            let mut server = server();
            let (said, mut link) = ask(&mut server, &as_of(&get(query), "1.0", fields));
            assert_eq!(said, head(CLOSE, STREAM, content_type) + &body, "{query}");
            assert_eq!(link.state, State::Idle);
            link.cut(&mut server);
        }
        // A session that ends ends it.
        let mut server = server();
        let (key, sid) = server.session();
        let request = get(&format!("{query}&s={sid}"));
        let (_, mut link) = ask(&mut server, &as_of(&request, "1.0", KEEP));
        server.hub.sessions_mut().close(key);
        link.turn(&mut server);
        assert!(link.text().contains(r#"{"close":[1000,""]}"#), "{query}");
        assert_eq!(link.state, State::Closed, "{query}");
    }
}

#[test]
fn a_poll_has_a_length() {
    for (query, content_type, body) in polls() {
        let len = format!("Content-Length: {}\r\n", body.len());
        for (version, fields, first, state) in [
            ("1.1", "", len.clone(), State::Open),
            ("1.1", CLOSE, format!("{CLOSE}{len}"), State::Closed),
            ("1.0", "", format!("{CLOSE}{len}"), State::Closed),
            ("1.0", KEEP, format!("{KEEP}{len}"), State::Open),
        ] {
            let (said, link) = ask(&mut server(), &as_of(&script(query), version, fields));
            assert_eq!(said, head(&first, POLL, content_type) + &body, "{query} {version} {fields}");
            assert_eq!(link.state, state, "{query} {version} {fields}");
        }
    }
}

/// 204 has neither a length nor a body, so what comes behind it is the next answer.
#[test]
fn a_poll_without_news_is_204_and_keeps_the_connection() {
    let nothing = format!("HTTP/1.1 204 No Content\r\n{POLL}{VARY}\r\n");
    let mut server = server();
    let (said, mut link) = ask(&mut server, &get("since=17").repeat(3));
    assert_eq!(said, nothing.repeat(3));
    assert_eq!(link.state, State::Open);
    link.feed(&mut server, get("since=17&wait=20000").as_bytes());
    assert_eq!((link.text(), link.state), ("", State::Idle));
    assert_eq!(link.poll_timeout(), Some(crate::server::at(20_000)));
    server.wait(19_999);
    link.turn(&mut server);
    assert_eq!((link.text(), link.state), ("", State::Idle));
    server.wait(1);
    link.turn(&mut server);
    assert_eq!((link.take(), link.state), (nothing, State::Open));
    // A script that does not come would be an error.
    let (said, _) = ask(&mut server, &script("since=17&callback=fn"));
    assert!(said.ends_with("\r\n\r\n/**/fn({\"next\":\"17\",\"events\":[]});"), "{said}");
}

#[test]
fn messages_are_acknowledged() {
    let mut server = server();
    let (_, sid) = server.session();
    let (said, link) = ask(&mut server, &post(&format!("s={sid}&n=1"), "t5:hellot0:t2:\u{e9}"));
    let length = "Content-Length: 9\r\n";
    assert_eq!(said, head(length, POLL, "application/json") + "{\"ack\":3}");
    assert_eq!((server.texts(), link.state), (vec!["hello", "", "\u{e9}"], State::Open));
    let (said, _) = ask(&mut server, &script(&format!("s={sid}&n=4&callback=fn&d=t1:x")));
    let length = "Content-Length: 18\r\n";
    assert_eq!(said, head(length, POLL, "text/javascript; charset=utf-8") + "/**/fn({\"ack\":4});");
    // Only a question.
    let (said, _) = ask(&mut server, &post(&format!("s={sid}&n=5"), ""));
    assert!(said.ends_with("\r\n\r\n{\"ack\":4}"), "{said}");
}

/// The head of a GET, and nothing behind it: no body, no session, no message, no wait (RFC 9110 9.3.2).
#[test]
fn head_is_told_what_get_would_be_and_changes_nothing() {
    let all: Vec<_> = streams().into_iter().chain(polls()).map(|(query, ..)| query).collect();
    for query in all {
        let head = script(query).replacen("GET", "HEAD", 1);
        let (said, link) = ask(&mut server(), &head);
        let (whole, _) = ask(&mut server(), &script(query));
        let (expected, _) = whole.split_once("\r\n\r\n").expect("a head");
        assert_eq!(said, format!("{expected}\r\n\r\n"), "{query}");
        assert_eq!(link.state, State::Open, "{query}");
        let (said, link) = ask(&mut server(), &as_of(&head, "1.0", ""));
        assert!(said.starts_with("HTTP/1.1 200 OK\r\nConnection: close\r\n") && said.ends_with("\r\n\r\n"));
        assert_eq!(link.state, State::Closed);
    }
    let mut server = server();
    let (key, sid) = server.session();
    let (_, mut listener) = ask(&mut server, &get(&format!("as=sse&since=17&s={sid}")));
    for query in [
        "as=sse&s=".to_owned(),
        format!("as=xhr&s={sid}&since=17"),
        format!("s={sid}&since=17&wait=20000"),
        format!("s={sid}&since=17&callback=fn&n=1&d=t1:x&close=1"),
    ] {
        let (said, link) = ask(&mut server, &script(&query).replacen("GET", "HEAD", 1));
        assert!(said.starts_with("HTTP/1.1 20") && said.ends_with("\r\n\r\n"), "{said}");
        assert_eq!((link.state, server.only()), (State::Open, key));
    }
    assert!(server.got.is_empty());
    listener.turn(&mut server);
    assert_eq!(listener.state, State::Idle, "it listens still");
}

#[test]
fn a_page_of_another_server_may_ask_if_it_is_listed() {
    const LISTED: Endpoint<'static> =
        Endpoint { jsonp: true, ..Endpoint::new(OriginPolicy::List(&["http://good.example", "null"])) };
    let asks = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n";
    let options =
        |origin: &str| format!("OPTIONS /events?s= HTTP/1.1\r\nHost: h\r\nOrigin: {origin}\r\n{asks}\r\n");
    let vary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";
    for origin in ["http://good.example", "null"] {
        // It has said who it is: what else the browser tells of it counts no more.
        let fields = "Origin: http://good.example\r\nSec-Fetch-Site: cross-site\r\n";
        let (said, _) = ask(&mut Server::new(LISTED), &as_of(&get("as=sse&since=16"), "1.1", fields));
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
        let mut server = Server::new(LISTED);
        let (said, link) = ask(&mut server, &options(origin));
        assert_eq!(
            said,
            format!(
                "HTTP/1.1 204 No Content\r\n{vary}Access-Control-Allow-Origin: {origin}\r\n\
                 Access-Control-Allow-Methods: GET, POST\r\n\
                 Access-Control-Allow-Headers: Content-Type, Last-Event-ID\r\nAccess-Control-Max-Age: 600\r\n\r\n"
            )
        );
        assert_eq!((link.state, server.count()), (State::Open, 0));
        for (request, status) in [
            (get("as=sse&since=16"), "200 OK"),
            (get("since=16"), "204 No Content"),
            (get("as=no"), "400 Bad Request"),
            (post("s=x&n=1", ""), "404 Not Found"),
        ] {
            let (said, _) = ask(&mut server, &as_of(&request, "1.1", &format!("Origin: {origin}\r\n")));
            assert!(said.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{said}");
            let allows = format!("\r\nVary: Origin\r\nAccess-Control-Allow-Origin: {origin}\r\n");
            assert!(said.contains(&allows), "a page sees errors too: {said}");
        }
    }
    let mut server = Server::new(LISTED);
    let (said, _) = ask(&mut server, &options("http://evil.example"));
    let refused = "Content-Type: text/plain\r\n\r\norigin refused\n";
    assert_eq!(said, format!("HTTP/1.1 403 Forbidden\r\nContent-Length: 15\r\n{vary}{refused}"));
    let any = Endpoint { cors: Cors::new(OriginPolicy::Any), ..OPEN };
    let (said, _) = ask(&mut Server::new(any), &as_of(&get("since=16"), "1.1", "Origin: http://x\r\n"));
    assert_eq!(said, format!("HTTP/1.1 204 No Content\r\n{POLL}Access-Control-Allow-Origin: *\r\n\r\n"));
}

#[test]
fn what_the_browser_says_of_the_last_event_counts_more() {
    for (query, last, from) in [
        ("since=16", "", "16"),
        ("since=16", "Last-Event-ID: 17\r\n", "17"),
        ("since=18", "Last-Event-ID: 17\r\n", "17"),
        ("since=17", "Last-Event-ID: x\r\n", "17"),
        ("since=17", "Last-Event-ID: 16.\r\n", "17"),
        ("since=17.9", "", "17"), // of a session, which it does not have
        ("", "Last-Event-ID: 16\r\n", "16"),
        ("", "", "18"),
        ("since=", "", "18"),
        ("since=1x", "", "18"),
        ("since=99999999999", "", "18"),
    ] {
        let mut server = server();
        server.publish("two");
        let (said, _) = ask(&mut server, &as_of(&get(&format!("as=xhr&{query}")), "1.1", last));
        assert!(said.contains(&format!("{{\"id\":\"{from}\",\"open\"")), "{query} {last}: {said}");
        assert_eq!(said.contains("hello"), from == "16", "{query} {last}: {said}");
        assert_eq!(said.contains("two"), from != "18", "{query} {last}: {said}");
    }
    // Behind what has never been, as of another life of the server: it is told so.
    let (said, _) = ask(&mut server(), &get("as=xhr&since=99"));
    assert!(said.contains("{\"id\":\"16\",\"reset\":1}\n{\"id\":\"17\",\"data\":\"hello\"}\n"), "{said}");
    let (said, _) = ask(&mut server(), &get("since=99"));
    assert!(said.ends_with(r#"{"next":"17","events":[{"id":"16","reset":1},{"id":"17","data":"hello"}]}"#));
}

/// Who knows nothing yet is told where it stands, and is not kept waiting.
#[test]
fn the_first_poll_is_answered_at_once() {
    for query in ["wait=20000", "", "since=&wait=20000"] {
        let (said, link) = ask(&mut server(), &get(query));
        assert!(said.ends_with(r#"{"next":"17","events":[{"id":"17","open":{"ping":0}}]}"#), "{said}");
        assert_eq!(link.state, State::Open);
    }
    let mut server = server();
    let (said, _) = ask(&mut server, &get("s=&wait=20000&since=16"));
    let sid = server.sid(server.only());
    let open = format!(r#"{{"id":"16","open":{{"sid":"{sid}","ping":0}}}},{HELLO}"#);
    assert!(said.ends_with(&format!(r#"{{"next":"17","events":[{open}]}}"#)), "{said}");
}

/// As every answer is to HEAD, though this one is known before the request is looked at.
#[test]
fn who_finds_all_places_taken_is_told_as_it_asked() {
    let mut server = server();
    for (method, body) in [("GET", "all places are taken\n"), ("HEAD", "")] {
        let mut bytes = get("as=sse").replacen("GET", method, 1).into_bytes();
        let mut store = [0; 512];
        let settings = ws_core::http::exchange::Settings::DEFAULT;
        let mut exchange = ws_core::http::Exchange::new(&mut store, &[], &settings, server.now());
        assert_eq!(exchange.receive(&mut ws_core::Input::new(&mut bytes)), Ok(true));
        let (mut visit, mut tx) = (Visit::full(), [0; 500]);
        let mut out = ws_core::Output::new(&mut tx);
        let progress = visit.transmit(&OPEN, &exchange, &mut server.hub, at(0), &mut out);
        assert_eq!((progress, visit.closes()), (Ok(Progress::Ended), true));
        let said = str::from_utf8(out.filled()).expect("text");
        assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("Content-Length: 21\r\n"), "{said}");
        assert!(said.ends_with(&format!("\r\n\r\n{body}")), "{said}");
    }
}

#[test]
fn what_is_no_visit_is_said_to_be_none() {
    let mut server = server();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let (said, _) = ask(&mut server, &as_of(&get("s=&n=1"), "1.1", upgrade));
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    assert_eq!(server.count(), 0);
    assert!(Visit::full().session().is_none() && Visit::full().poll_timeout().is_none());
    let long = [true, true, true, false, false, false];
    let requests = [
        as_of(&get(""), "1.1", upgrade),
        get("as=sse"),
        get("wait=1"),
        get("wait=0"),
        get("as=no"),
        post(&format!("s={}&n=1", "A".repeat(24)), ""),
    ];
    for (request, long) in requests.iter().zip(long) {
        let mut bytes = request.clone().into_bytes();
        let mut store = [0; 512];
        let settings = ws_core::http::exchange::Settings::DEFAULT;
        let mut exchange = ws_core::http::Exchange::new(&mut store, &[], &settings, server.now());
        assert_eq!(exchange.receive(&mut ws_core::Input::new(&mut bytes)), Ok(true));
        let asked: Asked = OPEN.asked(&exchange.request());
        assert_eq!(asked.is_long(), long, "{request}");
    }
}

#[test]
fn who_asks_for_the_head_of_a_full_house_gets_no_body() {
    for (method, has_body) in [("GET", true), ("HEAD", false)] {
        let mut server = server();
        let mut bytes = get("as=sse").replacen("GET", method, 1).into_bytes();
        let mut store = [0; 512];
        let settings = ws_core::http::exchange::Settings::DEFAULT;
        let mut exchange = ws_core::http::Exchange::new(&mut store, &[], &settings, server.now());
        assert_eq!(exchange.receive(&mut ws_core::Input::new(&mut bytes)), Ok(true));
        let (now, mut tx) = (server.now(), [0; 512]);
        let mut out = ws_core::Output::new(&mut tx);
        let progress = Visit::full().transmit(&OPEN, &exchange, &mut server.hub, now, &mut out);
        assert_eq!(progress, Ok(ws_core::transport::Progress::Ended));
        let said = String::from_utf8(out.filled().to_vec()).unwrap();
        assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("Content-Length: 21\r\n"), "{said}");
        assert_eq!(said.ends_with("\r\n\r\n"), !has_body, "{said}");
    }
}
