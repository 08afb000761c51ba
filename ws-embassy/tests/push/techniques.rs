//! Each technique, byte by byte: the request, the head of the answer, the events in it; and Flash.

use crate::client::{As, Event, Listener, body, post};
use crate::common::frames::{self, Frame};
use crate::{Bench, Peer, end};
use ws_embassy::Message;

/// Asks without a session, from event 16 on, with a text, a binary message and a text to come. Returns the head, and `length` bytes of the
/// body.
async fn stream(bench: &Bench, query: &str, length: usize) -> (String, String) {
    let mut peer =
        bench.send(format!("GET /events?{query}&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")).await;
    let head = peer.read_head().await.expect("an answer");
    bench.publish("hello");
    bench.push.publish(Message::Binary(&[1, 2, 255])).unwrap();
    bench.publish("a\"b</c");
    let body = body(&mut peer, length).await;
    peer.abort().await;
    (head, body)
}

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n\
                           X-Content-Type-Options: nosniff\r\n";

async fn assert_stream(bench: &Bench, query: &str, content_type: &str, expected: &str) {
    let (head, body) = stream(bench, query, expected.len()).await;
    assert_eq!(body, expected);
    assert!(head.starts_with(STREAM_HEAD), "{head}");
    assert_eq!(frames::header(&head, "Content-Type"), Some(content_type));
}

const OPEN: &str = r#"{"id":"16","open":{"ping":15000}}"#;
const TEXT: &str = r#"{"id":"17","data":"hello"}"#;
const BINARY: &str = r#"{"id":"18","b64":"AQL/"}"#;
const QUOTED: &str = r#"{"id":"19","data":"a\"b<\/c"}"#;

#[test]
fn event_streams_in_json() {
    let bench = Bench::new(1);
    let expected = format!(
        "retry: 2000\n\nid: 16\ndata: {OPEN}\n\nid: 17\ndata: {TEXT}\n\nid: 18\ndata: {BINARY}\n\nid: 19\ndata: {QUOTED}\n\n"
    );
    bench.net.run(assert_stream(&bench, "as=sse", "text/event-stream", &expected));
}

#[test]
fn event_streams_of_plain_messages() {
    let bench = Bench::new(2);
    let expected = format!(
        "retry: 2000\n\nid: 16\nevent: control\ndata: {OPEN}\n\nid: 17\ndata: hello\n\nid: 18\nevent: b64\ndata: AQL/\n\n\
         id: 19\ndata: a\"b</c\n\n"
    );
    bench.net.run(assert_stream(&bench, "as=events", "text/event-stream", &expected));
}

#[test]
fn xhr_streaming() {
    let bench = Bench::new(3);
    let expected = format!("{OPEN}\n{TEXT}\n{BINARY}\n{QUOTED}\n");
    bench.net.run(async {
        let (head, body) = stream(&bench, "as=xhr", expected.len()).await;
        assert_eq!(body, expected);
        assert!(head.starts_with(STREAM_HEAD), "{head}");
    });
}

#[test]
fn html_streaming() {
    let bench = Bench::new(4);
    bench.net.run(async {
        let tail = format!(
            "<script>parent.fn({OPEN})</script><script>parent.fn({TEXT})</script><script>parent.fn({BINARY})</script>\
             <script>parent.fn({QUOTED})</script>"
        );
        let mut peer = bench
            .send("GET /events?as=html&callback=fn&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")
            .await;
        let head = peer.read_head().await.unwrap();
        assert_eq!(frames::header(&head, "Content-Type"), Some("text/html; charset=utf-8"), "{head}");
        bench.publish("hello");
        bench.push.publish(Message::Binary(&[1, 2, 255])).unwrap();
        bench.publish("a\"b</c");
        let mut text = String::new();
        while !text.contains(&tail) {
            text += &body(&mut peer, 1).await.replace(">\n", ">");
            assert!(text.len() < 4096, "{text}");
        }
        peer.abort().await;
    });
}

#[test]
fn multipart() {
    let bench = Bench::new(5);
    let part = |json: &str| {
        format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}\r\n--frame\r\n",
            json.len()
        )
    };
    let expected = format!("--frame\r\n{}{}{}{}", part(OPEN), part(TEXT), part(BINARY), part(QUOTED));
    let content_type = "multipart/x-mixed-replace; boundary=frame";
    bench.net.run(assert_stream(&bench, "as=multipart", content_type, &expected));
}

#[test]
fn polls_that_do_not_wait() {
    let bench = Bench::new(6);
    bench.net.run(async {
        let poll = async |since: &str| {
            bench
                .ask(format!("GET /events{since} HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\r\n"))
                .await
                .unwrap()
        };
        let first = poll("").await;
        assert!(first.ends_with("\r\n\r\n{\"next\":\"16\",\"events\":[{\"id\":\"16\",\"open\":{\"ping\":0}}]}"), "{first}");
        let none = poll("?since=16").await;
        assert!(none.starts_with("HTTP/1.1 204 ") && none.ends_with("\r\n\r\n"), "{none}");
        bench.publish("hello");
        bench.publish("again");
        let answer = poll("?since=16").await;
        let body = r#"{"next":"18","events":[{"id":"17","data":"hello"},{"id":"18","data":"again"}]}"#;
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
        assert_eq!(frames::header(&answer, "Content-Length"), Some(body.len().to_string().as_str()));
        assert_eq!(frames::header(&answer, "Content-Type"), Some("application/json"));
        assert_eq!(frames::header(&answer, "Cache-Control"), Some("no-store"));
        // What the browser says counts more.
        let request =
            "GET /events?since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\nLast-Event-ID: 17\r\nConnection: close\r\n\r\n";
        let answer = bench.ask(request).await.unwrap();
        assert!(answer.ends_with(r#"{"next":"18","events":[{"id":"18","data":"again"}]}"#), "{answer}");
    });
    assert_eq!(bench.sessions(), (0, 0));
}

#[test]
fn polls_that_wait() {
    let bench = Bench::new(7);
    bench.net.run(async {
        let request = "GET /events?wait=20000&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n";
        let mut peer = bench.send(request).await;
        let early = embassy_time::with_timeout(embassy_time::Duration::from_secs(5), peer.read()).await;
        assert!(early.is_err(), "{early:?}");
        bench.publish("hello");
        let head = peer.read_head().await.unwrap();
        let length = frames::header(&head, "Content-Length").unwrap().parse().unwrap();
        let body = peer.read_exact(length).await.unwrap();
        assert_eq!(body, br#"{"next":"17","events":[{"id":"17","data":"hello"}]}"#);
        // On the same connection, until its time is over.
        peer.write_all(request.replace("=16", "=17").replace("20000", "3000")).await.unwrap();
        let start = embassy_time::Instant::now();
        assert!(peer.read_head().await.unwrap().starts_with("HTTP/1.1 204 "));
        let took = start.elapsed().as_millis();
        assert!((3000..3500).contains(&took), "{took}");
        end(peer).await.unwrap();
    });
}

#[test]
fn scripts() {
    let bench = Bench::new(8);
    bench.net.run(async {
        let ask = async |query: &str, referer: &str| {
            let fields = format!("Host: 10.0.0.2\r\n{referer}Connection: close\r\n");
            bench.ask(format!("GET /events?{query} HTTP/1.1\r\n{fields}\r\n")).await.unwrap()
        };
        const OWN: &str = "Referer: http://10.0.0.2/page\r\n";
        let answer = ask("since=16&callback=fn", OWN).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "a function waits to be called: {answer}");
        assert!(answer.ends_with("\r\n\r\n/**/fn({\"next\":\"16\",\"events\":[]});"), "{answer}");
        bench.publish("hello");
        let answer = ask("since=16&callback=fn", OWN).await;
        let body = "/**/fn({\"next\":\"17\",\"events\":[{\"id\":\"17\",\"data\":\"hello\"}]});";
        assert!(answer.ends_with(body), "{answer}");
        assert_eq!(frames::header(&answer, "X-Content-Type-Options"), Some("nosniff"));
        for (query, referer, code) in [
            ("since=16&callback=fn", "", 403),
            ("since=16&callback=fn", "Referer: http://evil.example/10.0.0.2\r\n", 403),
            ("since=16&callback=a(b", OWN, 400),
        ] {
            let answer = ask(query, referer).await;
            assert_eq!(crate::status(&answer), code, "{answer}");
            assert!(!answer.contains("a(b"), "nothing of the request comes back");
        }
        // Messages, in the query.
        let mut listener = Listener::new(As::Jsonp, Some(""));
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        let sid = listener.sid.clone().unwrap();
        let answer = ask(&format!("s={sid}&n=1&d=t5%3Ahellot1%3A%C3%A4&callback=fn"), OWN).await;
        assert_eq!(crate::status(&answer), 400, "the second is no text: {answer}");
        let answer = ask(&format!("s={sid}&n=2&d=t2%3A%C3%A4&callback=fn"), OWN).await;
        assert!(answer.ends_with("\r\n\r\n/**/fn({\"ack\":2});"), "{answer}");
        assert_eq!(listener.message(&bench).await.unwrap(), b"hello");
        assert_eq!(listener.message(&bench).await.unwrap(), "ä".as_bytes());
    });
    assert_eq!(*bench.got.borrow(), [(true, b"hello".to_vec()), (true, "ä".as_bytes().to_vec())]);
}

#[test]
fn messages_by_post() {
    let bench = Bench::new(9);
    bench.net.run(async {
        let mut listener = Listener::new(As::Sse, Some(""));
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        let sid = listener.sid.clone().unwrap();
        let answer = bench.ask(post(&sid, 1, "t5:hellob3:xyz", "")).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n{\"ack\":2}"), "{answer}");
        // Once more, and one more; then one that leaves a gap.
        let answer = bench.ask(post(&sid, 2, "b3:xyzt0:", "")).await.unwrap();
        assert!(answer.ends_with("\r\n\r\n{\"ack\":3}"), "{answer}");
        assert_eq!(crate::status(&bench.ask(post(&sid, 5, "t0:", "")).await.unwrap()), 409);
        assert_eq!(crate::status(&bench.ask(post(&sid, 4, "x0:", "")).await.unwrap()), 400);
        assert_eq!(crate::status(&bench.ask(post(&"A".repeat(24), 1, "t0:", "")).await.unwrap()), 404);
        // In chunks, cut anywhere, on a connection that goes on.
        let mut peer = bench.connect().await;
        let head = format!(
            "POST /events?s={sid}&n=4 HTTP/1.1\r\nHost: 10.0.0.2\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        for piece in [&head, "3\r\nt6:", "\r\n", "4;x=y\r\nchun", "\r\n2\r\nks", "\r\n0\r", "\n\r\n"] {
            peer.write_all(piece).await.unwrap();
            crate::Timer::after_millis(30).await;
        }
        let head = peer.read_head().await.unwrap();
        assert_eq!(frames::header(&head, "Connection"), None, "{head}");
        assert_eq!(peer.read_exact(9).await.unwrap(), b"{\"ack\":4}");
        peer.write_all(post(&sid, 5, "", "")).await.unwrap();
        assert!(peer.read_to_end().await.unwrap().ends_with(b"{\"ack\":4}"), "a question for the number");
        for expected in ["hello", "xyz", "", "chunks"] {
            assert_eq!(listener.message(&bench).await.unwrap(), expected.as_bytes());
        }
        assert_eq!(bench.sessions(), (1, 1));
    });
    let got: Vec<_> = bench.got.borrow().iter().map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(got, [&b"hello"[..], b"xyz", b"", b"chunks"]);
}

#[test]
fn websockets() {
    let bench = Bench::new(10);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let head =
            peer.request("/events?s=&since=16&n=1", "Sec-WebSocket-Protocol: x, push.v1\r\n").await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(frames::header(&head, "Sec-WebSocket-Protocol"), Some("push.v1"));
        let open = String::from_utf8(peer.receive().await.unwrap().payload).unwrap();
        assert!(
            open.starts_with(r#"{"id":"16","open":{"sid":""#) && open.ends_with(r#"","ping":15000}}"#),
            "{open}"
        );
        bench.publish("hello");
        assert_eq!(peer.receive().await, Ok(Frame::text(TEXT)));
        bench.push.publish(Message::Binary(&[1, 2, 255])).unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::binary(*b"18\0\x01\x02\xff")));
        // Messages, one of them in fragments, with a Ping between.
        peer.send(&Frame::text("one").masked()).await.unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::text(r#"{"ack":1}"#)));
        assert_eq!(peer.receive().await, Ok(Frame::text(r#"{"id":"18.1","data":"one"}"#)));
        peer.send(&Frame::binary([3]).masked().more()).await.unwrap();
        peer.send(&Frame::new(frames::PING, "p").masked()).await.unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::new(frames::PONG, "p")));
        peer.send(&Frame::new(frames::CONTINUATION, [4]).masked()).await.unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::text(r#"{"ack":2}"#)));
        assert_eq!(peer.receive().await, Ok(Frame::binary(*b"18.2\0\x03\x04")));
        assert_eq!((bench.server.open(), bench.sessions()), (1, (1, 1)));
        // A sign of life each 15 seconds.
        assert_eq!(peer.receive().await, Ok(Frame::text(r#"{"ping":1}"#)));
        peer.abort().await;
        crate::Timer::after_secs(1).await;
        assert_eq!((bench.server.open(), bench.sessions()), (0, (1, 0)));
    });
    assert_eq!(*bench.got.borrow(), [(true, b"one".to_vec()), (true, vec![3, 4])]);
}

#[test]
fn websockets_without_a_session() {
    let bench = Bench::new(11);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let head = peer.request("/events", "Sec-WebSocket-Protocol: push.v1\r\n").await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(peer.receive().await, Ok(Frame::text(OPEN)));
        peer.send(&Frame::text("who am I?").masked()).await.unwrap();
        bench.publish("hello");
        assert_eq!(peer.receive().await, Ok(Frame::text(TEXT)), "no ack for who has no number");
        peer.send(&Frame::close(1000, "").masked()).await.unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::close(1000, "")));
        end(peer).await.unwrap();
    });
    assert_eq!(*bench.got.borrow(), [(false, b"who am I?".to_vec())]);
    bench.net.run(bench.assert_recovered());
}

const POLICY: &[u8] = b"<?xml version=\"1.0\"?><!DOCTYPE cross-domain-policy SYSTEM \
    \"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\"><cross-domain-policy>\
    <allow-access-from domain=\"10.0.0.2\" to-ports=\"80\"/></cross-domain-policy>\0";

#[test]
fn flash_asks_for_a_policy_and_opens_a_websocket_behind_it() {
    let bench = Bench::new(12);
    bench.net.run(async {
        let request = b"<policy-file-request/>\0";
        // However it is cut.
        for split in 0..request.len() {
            let mut peer = bench.connect().await;
            peer.write_all(&request[..split]).await.unwrap();
            if split > 0 {
                crate::Timer::after_millis(5).await;
            }
            peer.write_all(&request[split..]).await.unwrap();
            assert_eq!(peer.read_to_end().await.unwrap(), POLICY, "{split}");
            end(peer).await.unwrap();
        }
        // What only begins like it, or stops in the middle.
        let answer = bench.ask(b"<policy-file-request>\0").await.unwrap();
        assert_eq!(crate::status(&answer), 400);
        let mut peer = bench.send(b"<policy").await;
        peer.half_close();
        assert_eq!(peer.read_to_end().await.unwrap(), b"");
        end(peer).await.unwrap();
        let mut peer = Peer::websocket(&bench.clients, &bench.host, crate::PORT, "/echo").await;
        peer.send(&Frame::text("a Flash file").masked()).await.unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::text("a Flash file")));
        peer.abort().await;
        crate::Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn without_a_policy_flash_is_no_request() {
    let bench = Bench::of(13, crate::Settings::for_sockets(crate::SOCKETS), crate::endpoint());
    bench.net.run(async {
        let answer = bench.ask(b"<policy-file-request/>\0").await.unwrap();
        assert_eq!(crate::status(&answer), 400);
    });
}
