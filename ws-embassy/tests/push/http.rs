//! What is HTTP about requests for events: whom they are refused, what comes behind them, and clients that are old or careful.

use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::client::{As, Event, Listener, body, chunk, post};
use crate::common::frames::header;
use crate::{Bench, end, status};

#[test]
fn strange_hosts_and_pages_are_refused_whatever_the_technique() {
    let bench = Bench::new(1);
    bench.net.run(async {
        for query in
            ["as=sse", "as=events", "as=xhr", "as=html&callback=fn", "as=multipart", "s=", "wait=1000"]
        {
            for (fields, code) in [
                ("Host: evil.example\r\n", 403),
                ("Host: 10.0.0.2\r\nOrigin: http://evil.example\r\n", 403),
                ("Host: 10.0.0.2\r\nOrigin: null\r\n", 403),
            ] {
                let answer = bench
                    .ask(format!("GET /events?{query} HTTP/1.1\r\n{fields}Connection: close\r\n\r\n"))
                    .await
                    .unwrap();
                assert_eq!(status(&answer), code, "{query}: {answer}");
                assert!(header(&answer, "Access-Control-Allow-Origin").is_none(), "{answer}");
                assert!(!answer.contains("evil"), "{answer}");
            }
        }
        for (fields, code) in [
            ("Host: evil.example\r\n", 403),
            ("Host: 10.0.0.2\r\nOrigin: http://evil.example\r\n", 403),
            ("Host: 10.0.0.2\r\nOrigin: http://10.0.0.2\r\n", 101),
        ] {
            let mut peer = bench.connect().await;
            let handshake =
                crate::frames::request("10.0.0.2", "/events?s=", "Sec-WebSocket-Protocol: push.v1\r\n");
            peer.write_all(handshake.replace("Host: 10.0.0.2\r\n", fields)).await.unwrap();
            assert_eq!(status(&peer.read_head().await.unwrap()), code, "{fields}");
            peer.abort().await;
        }
        for (method, further, code) in [
            ("POST", "Origin: http://evil.example\r\n", 403),
            ("OPTIONS", "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n", 403),
            ("PUT", "", 405),
        ] {
            let request = format!(
                "{method} /events?s=&n=1 HTTP/1.1\r\nHost: 10.0.0.2\r\n{further}Content-Length: 0\r\n\r\n"
            );
            let answer = bench
                .ask(request.replace("Content-Length", "Connection: close\r\nContent-Length"))
                .await
                .unwrap();
            assert_eq!(status(&answer), code, "{method}: {answer}");
        }
        Timer::after_secs(1).await;
        assert_eq!(bench.sessions(), (1, 0), "the one that was let in");
        bench.assert_recovered().await;
    });
}

#[test]
fn own_pages_are_told_that_they_may_read() {
    let bench = Bench::new(2);
    bench.net.run(async {
        let own = "Host: 10.0.0.2\r\nOrigin: http://10.0.0.2\r\nConnection: close\r\n";
        let answer = bench.ask(format!("GET /events HTTP/1.1\r\n{own}\r\n")).await.unwrap();
        assert_eq!(header(&answer, "Access-Control-Allow-Origin"), Some("http://10.0.0.2"), "{answer}");
        assert_eq!(header(&answer, "Access-Control-Allow-Credentials"), None, "{answer}");
        let answer = bench
            .ask(format!("OPTIONS /events HTTP/1.1\r\n{own}Access-Control-Request-Method: POST\r\n\r\n"))
            .await
            .unwrap();
        assert_eq!(status(&answer), 204, "{answer}");
        assert!(
            header(&answer, "Access-Control-Allow-Methods").is_some_and(|all| all.contains("POST")),
            "{answer}"
        );
    });
}

#[test]
fn who_expects_to_be_told_is_told_to_go_on() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let mut listener = Listener::new(As::Sse, Some(""));
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        let sid = listener.sid.clone().unwrap();
        let request = post(&sid, 1, "t5:hello", "").replace("Connection: close", "Expect: 100-continue");
        let (head, records) = request.split_at(request.len() - 8);
        let mut peer = bench.send(head).await;
        assert_eq!(peer.read_head().await.unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
        peer.write_all(records).await.unwrap();
        assert_eq!(status(&peer.read_head().await.unwrap()), 200);
        assert_eq!(peer.read_exact(9).await.unwrap(), b"{\"ack\":1}");
        // Who does not wait need not be told; the same connection.
        peer.write_all(request.replace("n=1", "n=2")).await.unwrap();
        let mut code = status(&peer.read_head().await.unwrap());
        if code == 100 {
            code = status(&peer.read_head().await.unwrap()); // it may be, and passes over that
        }
        assert_eq!(code, 200);
        assert_eq!(peer.read_exact(9).await.unwrap(), b"{\"ack\":2}");
        // What will be refused is refused at once, and something else is not expected.
        for (from, to, code) in [
            (sid.as_str(), "A".repeat(24).as_str(), 404),
            ("n=1", "n=9", 409),
            ("Content-Length: 8", "Content-Length: 80000", 413),
            ("100-continue", "200-ok", 417),
        ] {
            let mut peer = bench.send(head.replace(from, to)).await;
            assert_eq!(status(&peer.read_head().await.unwrap()), code, "{to}");
            peer.read_to_end().await.unwrap();
            end(peer).await.unwrap();
        }
        end(peer).await.unwrap();
        listener.peer.take().unwrap().abort().await;
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_poll_is_answered_when_another_request_comes_in_behind_it() {
    let bench = Bench::new(4);
    bench.net.run(async {
        let poll = "GET /events?wait=20000&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n";
        let page = "GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n";
        for pause in [0, 100] {
            let mut peer = bench.connect().await;
            let start = Instant::now();
            if pause == 0 {
                peer.write_all([poll, page, poll, poll, page].concat()).await.unwrap();
            } else {
                for request in [poll, page, poll, poll, page] {
                    peer.write_all(request).await.unwrap();
                    Timer::after_millis(pause).await;
                }
            }
            let mut codes = Vec::new();
            for _ in 0..5 {
                let head = peer.read_head().await.unwrap();
                codes.push(status(&head));
                if codes.ends_with(&[200]) {
                    assert_eq!(peer.read_exact(6).await.unwrap(), b"hello\n");
                }
            }
            assert_eq!(codes, [204, 200, 204, 204, 200], "in order");
            assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
            end(peer).await.unwrap();
        }
        // A POST of the same session that a proxy puts behind its poll.
        let mut listener = Listener::new(As::LongPoll, Some(""));
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        let (sid, mut peer) = (listener.sid.take().unwrap(), listener.peer.take().unwrap());
        let poll = format!("GET /events?wait=20000&s={sid}&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n");
        peer.write_all(poll + &post(&sid, 1, "t2:hi", "")).await.unwrap();
        assert_eq!(status(&peer.read_head().await.unwrap()), 204);
        assert!(peer.read_to_end().await.unwrap().ends_with(b"{\"ack\":1}"));
        end(peer).await.unwrap();
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_stream_goes_on_whatever_comes_in_behind_it() {
    let bench = Bench::new(5);
    bench.net.run(async {
        let stream = "GET /events?as=xhr&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n";
        let mut peer = bench.send([stream, "GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n"].concat()).await;
        peer.read_head().await.unwrap();
        chunk(&mut peer).await.unwrap();
        assert!(with_timeout(Duration::from_secs(10), peer.read()).await.is_err());
        bench.publish("hello");
        let line = "{\"id\":\"17\",\"data\":\"hello\"}\n";
        assert_eq!(body(&mut peer, line.len()).await, line);
        peer.abort().await;
        // Nothing follows a client that has ended its side, and the stream ends with it.
        let mut peer = bench.send(stream).await;
        peer.read_head().await.unwrap();
        peer.half_close();
        assert!(with_timeout(Duration::from_secs(2), peer.read_to_end()).await.is_ok());
        end(peer).await.unwrap();
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn old_clients_get_streams_to_the_end_of_the_connection() {
    let bench = Bench::new(6);
    bench.net.run(async {
        let mut peer = bench.send("GET /events?as=sse&since=16 HTTP/1.0\r\nHost: 10.0.0.2\r\n\r\n").await;
        let head = peer.read_head().await.unwrap();
        assert!(
            header(&head, "Transfer-Encoding").is_none() && header(&head, "Content-Length").is_none(),
            "{head}"
        );
        assert_eq!(header(&head, "Connection"), Some("close"), "{head}");
        bench.publish("hello");
        let expected = b"id: 17\ndata: {\"id\":\"17\",\"data\":\"hello\"}\n\n";
        assert!(peer.read_until(expected).await.unwrap().starts_with(b"retry: "));
        peer.abort().await;
        let mut listener = Listener::new(As::Poll, Some(""));
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        let sid = listener.sid.clone().unwrap();
        let request = post(&sid, 1, "t5:hello", "").replace("HTTP/1.1", "HTTP/1.0");
        let answer = bench.ask(request.replace("Connection: close\r\n", "")).await.unwrap();
        assert!(answer.ends_with("\r\n\r\n{\"ack\":1}"), "{answer}");
        // Kept, if it asks for that.
        let poll = "GET /events?since=17 HTTP/1.0\r\nHost: 10.0.0.2\r\nConnection: keep-alive\r\n\r\n";
        let mut peer = bench.send([poll, poll].concat()).await;
        for _ in 0..2 {
            let head = peer.read_head().await.unwrap();
            assert_eq!((status(&head), header(&head, "Connection")), (204, Some("keep-alive")), "{head}");
        }
        end(peer).await.unwrap();
    });
}

#[test]
fn head_changes_nothing() {
    let bench = Bench::new(7);
    bench.net.run(async {
        for query in ["as=sse&s=", "as=xhr", "s=", "wait=20000&since=16", "as=multipart&s="] {
            let start = Instant::now();
            let request =
                format!("HEAD /events?{query} HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\r\n");
            let answer = bench.ask(request).await.unwrap();
            assert!(
                matches!(status(&answer), 200 | 204) && answer.ends_with("\r\n\r\n"),
                "{query}: {answer}"
            );
            assert!(start.elapsed() < Duration::from_secs(1), "{query}");
        }
        assert_eq!(bench.sessions(), (0, 0));
        bench.assert_recovered().await;
    });
}
