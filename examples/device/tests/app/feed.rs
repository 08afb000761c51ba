//! The state as events, and what comes back over them. How each technique is served is tested with ws-embassy.

use embassy_time::Timer;

use crate::{Bench, frames};

/// The head and body of the answer to a request on a connection of its own.
async fn ask(bench: &Bench, method: &str, target: &str, body: &str) -> (String, String) {
    let mut peer = bench.connect().await;
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    peer.write_all(head + body).await.unwrap();
    let head = peer.read_head().await.unwrap();
    let body = peer.read_to_end().await.unwrap();
    peer.close().await.unwrap();
    Timer::after_millis(20).await;
    (head, String::from_utf8(body).expect("text"))
}

/// What stands behind `"name":"` in JSON.
fn text<'j>(json: &'j str, name: &str) -> &'j str {
    let (_, rest) = json.split_once(&format!("\"{name}\":\"")).unwrap_or_else(|| panic!("no {name}: {json}"));
    rest.split('"').next().unwrap_or_default()
}

#[test]
fn events_count_up_and_tell_the_state() {
    let bench = Bench::new(1);
    bench.lab.temperature.set(-1234);
    bench.net.run(async {
        let (_, first) = ask(&bench, "GET", "/push", "").await;
        let since = text(&first, "next").to_owned();
        Timer::after_secs(3).await;
        let (_, body) = ask(&bench, "GET", &format!("/push?since={since}&wait=1000"), "").await;
        let events: Vec<_> = body.split("\"data\":\"").skip(1).collect();
        assert!((10..=14).contains(&events.len()), "four a second: {body}");
        let number = |event: &str| -> u32 { event[7..event.find(',').unwrap()].parse().expect("a number") };
        for pair in events.windows(2) {
            assert!(pair[0].starts_with("{\\\"n\\\":"), "{}", pair[0]);
            assert_eq!(number(pair[1]), number(pair[0]) + 1);
        }
        assert!(events.last().unwrap().contains("\\\"temperature\\\":-12.34,\\\"led\\\":false}"), "{body}");
    });
}

#[test]
fn a_command_is_obeyed_and_comes_back() {
    let bench = Bench::new(2);
    bench.net.run(async {
        let (_, open) = ask(&bench, "GET", "/push?s=", "").await;
        let (sid, since) = (text(&open, "sid").to_owned(), text(&open, "next").to_owned());
        let send = format!("/push?s={sid}&n=1");
        let (head, ack) = ask(&bench, "POST", &send, "t12:{\"led\":true}t5:hello").await;
        assert_eq!((&head[9..12], ack.as_str()), ("200", "{\"ack\":2}"));
        assert!(bench.lab.is_lit());
        let (_, body) = ask(&bench, "GET", &format!("/push?s={sid}&since={since}"), "").await;
        assert!(body.contains(".1\",\"data\":\"{\\\"led\\\":true}\""), "{body}");
        assert!(body.contains(".2\",\"data\":\"hello\""), "{body}");
        assert!(body.contains("\\\"led\\\":true}\"}]}"), "all see it: {body}");
        let (head, _) =
            ask(&bench, "POST", &format!("/push?s={sid}&n=3"), &format!("t200:{}", "x".repeat(200))).await;
        assert_eq!(&head[9..12], "413");
    });
}

#[test]
fn scripts_of_other_pages_get_nothing() {
    let bench = Bench::new(3);
    bench.net.run(async {
        for (referer, status) in [
            ("", "403"),
            ("Referer: http://evil.example/\r\n", "403"),
            ("Referer: http://10.0.0.2/transports\r\n", "200"),
        ] {
            let mut peer = bench.connect().await;
            let fields = format!("Host: 10.0.0.2\r\n{referer}Connection: close\r\n\r\n");
            peer.write_all(format!("GET /push?callback=fn HTTP/1.1\r\n{fields}")).await.unwrap();
            let head = peer.read_head().await.unwrap();
            assert_eq!(&head[9..12], status, "{referer}");
            assert_eq!(frames::header(&head, "X-Content-Type-Options"), Some("nosniff"));
            let _ = peer.read_to_end().await;
            peer.close().await.unwrap();
            Timer::after_millis(20).await;
        }
    });
}
