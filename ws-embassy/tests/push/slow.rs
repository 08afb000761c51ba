//! A hundred of each kind of client that dawdles, in rounds over the sockets that there are: none holds one past its deadline, others are
//! served meanwhile, and no session stays attached.

use embassy_time::{Duration, Instant, Timer, with_timeout};

use embassy_net::tcp::State;

use crate::client::{ALL, As, Event, Listener, post};
use crate::common::Peer;
use crate::{Bench, SOCKETS, endpoint, settings, status};
use ws_embassy::ws_core::{self, transport::Endpoint};

const CLIENTS: usize = 100;

/// What becomes of `CLIENTS` such clients, who come six at a time and stay until they are sent away. `deadline`: how long one may hold
/// its socket where others wait, and where none does.
fn assert_bounded(
    bench: &Bench,
    begin: impl AsyncFn(&Bench, usize) -> Peer,
    drip: Option<&str>,
    crowded: Duration,
    alone: Duration,
) {
    bench.net.run(async {
        let mut number = 0;
        let mut longest = Duration::MIN;
        while number < CLIENTS {
            let mut peers = Vec::new();
            for _ in 0..SOCKETS.min(CLIENTS - number) {
                peers.push((begin(bench, number).await, Instant::now()));
                number += 1;
            }
            let took = bench.assert_serves().await;
            assert!(took <= crowded, "behind {number}: {took:?}");
            // Nobody else comes now: each is sent away in its time.
            for (peer, start) in &mut peers {
                while !matches!(with_timeout(Duration::from_millis(500), peer.read()).await, Ok(Err(_))) {
                    if let Some(drip) = drip {
                        let _ = peer.write_all(drip).await;
                    }
                    assert!(
                        start.elapsed() < alone + Duration::from_secs(1),
                        "{number}: {:?}",
                        start.elapsed()
                    );
                }
                longest = longest.max(start.elapsed());
            }
        }
        assert!(longest > Duration::from_secs(1), "they dawdled: {longest:?}");
        Timer::after_secs(30).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn silent_sockets() {
    let bench = Bench::new(1);
    assert_bounded(
        &bench,
        async |bench, _| bench.connect().await,
        None,
        Duration::from_secs(2),
        Duration::from_secs(11),
    );
}

#[test]
fn slow_heads() {
    let bench = Bench::new(2);
    let begin = async |bench: &Bench, _| bench.send("GET /events?as=sse HTTP/1.1\r\nHo").await;
    // Each byte of it says that the client is at work; the head has ten seconds all the same.
    assert_bounded(&bench, begin, Some("s"), Duration::from_secs(2), Duration::from_secs(15));
}

#[test]
fn slow_bodies() {
    let bench = Bench::new(3);
    let sid = bench.net.run(async {
        let mut listener = Listener::new(As::Poll, Some(""));
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        listener.sid.unwrap()
    });
    let begin = async |bench: &Bench, number: usize| {
        // The session ends while nobody has sent it a whole message, unless somebody is attached.
        let request = post(&sid, 1, &format!("t150:{}", "x".repeat(150)), "");
        let cut = request.len() - 150 + number;
        bench.send(&request[..cut.min(request.len() - 20)]).await
    };
    assert_bounded(&bench, begin, None, Duration::from_secs(2), Duration::from_secs(35));
    assert!(bench.got.borrow().is_empty());
}

#[test]
fn stalled_readers_of_pages() {
    let bench = Bench::new(4);
    let begin = async |bench: &Bench, _| {
        let mut peer = Peer::new(&bench.clients, 512, 512);
        while peer.socket.connect((bench.host.address, crate::PORT)).await.is_err() {
            peer.socket.abort();
            Timer::after_millis(50).await;
        }
        peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
        peer
    };
    bench.net.run(async {
        for round in 0..CLIENTS.div_ceil(SOCKETS) {
            let mut peers = Vec::new();
            for _ in 0..SOCKETS {
                peers.push(begin(&bench, round).await);
            }
            // Ten seconds for the next byte, four for an orderly end.
            let took = bench.assert_serves().await;
            assert!(took <= Duration::from_secs(15), "{took:?}");
        }
        Timer::after_secs(30).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn stalled_readers_of_events() {
    let bench = Bench::new(5);
    bench.net.run(async {
        let techniques = ["as=sse&s=", "as=xhr", "as=multipart&s=", "as=html&callback=fn", "as=events&s="];
        for number in 0..CLIENTS {
            let mut peer = Peer::new(&bench.clients, 512, 512);
            let path = format!("/events?{}", techniques[number % techniques.len()]);
            peer.socket.connect((bench.host.address, crate::PORT)).await.expect("a socket listens");
            peer.write_all(format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")).await.unwrap();
            let head = peer.read_head().await.unwrap();
            let start = Instant::now();
            if status(&head) == 503 {
                // Sessions live on for their time.
                Timer::after_secs(crate::LIFETIME).await;
                continue;
            }
            // It reads no more, and events go on and on: others are told of them, and pages served.
            loop {
                bench.publish(&"x".repeat(300));
                Timer::after_millis(100).await;
                if number % 10 == 0 {
                    assert!(bench.assert_serves().await < Duration::from_secs(1));
                }
                if peer.state() == State::Closed {
                    break; // by a reset
                }
                assert!(start.elapsed() < Duration::from_secs(16), "{path}: {:?}", start.elapsed());
            }
        }
        Timer::after_secs(30).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn stalled_readers_over_websockets() {
    let bench = Bench::new(6);
    bench.net.run(async {
        for _ in 0..CLIENTS {
            let mut peer = Peer::new(&bench.clients, 512, 512);
            peer.socket.connect((bench.host.address, crate::PORT)).await.expect("a socket listens");
            let head = peer.request("/events", "Sec-WebSocket-Protocol: push.v1\r\n").await.unwrap();
            assert_eq!(status(&head), 101, "{head}");
            let start = Instant::now();
            while bench.server.open() > 0 {
                bench.publish(&"x".repeat(300));
                Timer::after_millis(100).await;
                assert!(start.elapsed() < Duration::from_secs(16), "{:?}", start.elapsed());
            }
        }
        Timer::after_secs(10).await;
        bench.assert_recovered().await;
    });
}

/// What it is told waits in the socket's memory, and is little: only that nothing is acknowledged shows that it is gone.
#[test]
fn listeners_that_are_out_of_reach_are_given_up_in_time() {
    for by in ALL {
        let bench = Bench::new(7);
        bench.net.run(async {
            let mut listener = Listener::new(by, Some(""));
            assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
            if by.is_poll() {
                // The next one waits, as long as it asks for.
                let _ = with_timeout(Duration::from_millis(500), listener.next(&bench)).await;
            }
            bench.clients.cut();
            Timer::after_secs(45).await;
            drop(listener);
            bench.clients.mend();
            bench.assert_recovered().await;
        });
    }
}

/// Who is there answers by TCP, for as long as there is nothing to be told.
#[test]
fn listeners_that_are_there_may_be_told_nothing_for_long() {
    let endpoint = Endpoint { ping: ws_core::Duration::from_secs(500), ..endpoint() };
    let bench = Bench::of(8, settings(), endpoint);
    bench.net.run(async {
        let mut stream = Listener::new(As::Sse, None);
        assert!(matches!(stream.next(&bench).await, Ok(Event::Open(None))));
        let mut poll = bench.send("GET /events?wait=50000&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await;
        let start = Instant::now();
        assert_eq!(status(&poll.read_head().await.expect("an answer")), 204);
        assert!(start.elapsed() >= Duration::from_secs(50), "{:?}", start.elapsed());
        Timer::after_secs(400).await;
        bench.publish("at last");
        assert_eq!(stream.message(&bench).await.as_deref(), Ok(&b"at last"[..]));
    });
}
