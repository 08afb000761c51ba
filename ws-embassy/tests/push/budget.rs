//! Who may hold a socket of six, and who gives way to others.

use embassy_futures::select::select;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::client::{As, Event, Listener, chunk, post};
use crate::common::frames::{Frame, header};
use crate::common::{Peer, Verdict, peer::Ended};
use crate::{Bench, PORT, SOCKETS, STREAMS, end, status};

async fn begin(bench: &Bench, by: As) -> Listener {
    let mut listener = Listener::new(by, Some(""));
    assert!(matches!(listener.next(bench).await, Ok(Event::Open(Some(_)))), "{by:?}");
    listener
}

#[test]
fn streams_leave_sockets_for_a_websocket_and_for_pages() {
    let bench = Bench::new(1);
    bench.net.run(async {
        let mut streams = Vec::new();
        for by in [As::Sse, As::Xhr, As::Multipart] {
            streams.push(begin(&bench, by).await);
        }
        assert_eq!(streams.len(), STREAMS);
        for path in ["/events?as=sse", "/events?as=html&callback=fn&s=", "/events?wait=20000&since=16"] {
            let answer = bench.ask(format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")).await.unwrap();
            assert_eq!((status(&answer), header(&answer, "Retry-After")), (503, Some("2")), "{answer}");
            assert_eq!(header(&answer, "Connection"), Some("close"), "{answer}");
        }
        assert_eq!(bench.sessions(), (STREAMS, STREAMS), "who is refused is given no session");
        let mut socket = begin(&bench, As::WebSocket).await;
        // Another one is one too many.
        let mut peer = bench.connect().await;
        let head = peer.request("/events?s=", "Sec-WebSocket-Protocol: push.v1\r\n").await.unwrap();
        assert_eq!(status(&head), 503, "{head}");
        peer.read_to_end().await.unwrap();
        end(peer).await.unwrap();
        // Meanwhile pages, polls that do not wait, and messages.
        let sid = streams[0].sid.clone().unwrap();
        for n in 1..20 {
            assert!(bench.assert_serves().await < Duration::from_secs(1));
            let answer = bench.ask(post(&sid, n, "t2:hi", "")).await.unwrap();
            assert_eq!(status(&answer), 200, "{answer}");
            assert_eq!(streams[0].message(&bench).await.unwrap(), b"hi");
            let poll = "GET /events?since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\r\n";
            assert_eq!(status(&bench.ask(poll).await.unwrap()), 204);
        }
        bench.publish("to all");
        for listener in streams.iter_mut().chain([&mut socket]) {
            assert_eq!(listener.message(&bench).await.unwrap(), b"to all");
        }
        // One stream ends, another may begin.
        streams.pop().unwrap().peer.unwrap().abort().await;
        Timer::after_millis(100).await;
        let mut peer = bench.send("GET /events?as=sse HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await;
        assert_eq!(status(&peer.read_head().await.unwrap()), 200);
        peer.abort().await;
        for listener in streams.iter_mut().chain([&mut socket]) {
            listener.peer.take().unwrap().abort().await;
        }
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn websockets_may_hold_all_that_may_be_held() {
    let bench = Bench::new(2);
    bench.net.run(async {
        let mut sockets = Vec::new();
        for _ in 0..SOCKETS - 2 {
            sockets.push(begin(&bench, As::WebSocket).await);
        }
        let answer = bench.ask("GET /events?as=sse HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
        assert_eq!(status(&answer), 503);
        let peer = sockets[0].peer.as_mut().unwrap();
        peer.send(&Frame::close(1000, "").masked()).await.unwrap();
        assert_eq!(sockets[0].next(&bench).await, Err(Ended::Closed));
        end(sockets.remove(0).peer.unwrap()).await.unwrap();
        // WebSockets have had the one that is left for them.
        Timer::after_millis(100).await;
        let mut peer = bench.send("GET /events?as=sse HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await;
        assert_eq!(status(&peer.read_head().await.unwrap()), 200);
        peer.abort().await;
        for listener in &mut sockets {
            listener.peer.take().unwrap().abort().await;
        }
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

/// What a connection does that holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Idle,
    Silent,
    Closing,
    Reading,
    Body,
    Poll,
    Stream,
}

async fn hold(bench: &Bench, how: Holds) -> Peer {
    const PAGE: &str = "GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n";
    match how {
        Holds::Idle => {
            let mut peer = bench.send(PAGE).await;
            peer.read_head().await.unwrap();
            peer.read_exact(6).await.unwrap();
            peer
        }
        Holds::Silent => bench.connect().await,
        Holds::Closing => {
            let mut peer = bench.send(PAGE.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
            peer.read_to_end().await.unwrap();
            peer
        }
        Holds::Reading => bench.send("GET / HT").await,
        Holds::Body => {
            let mut listener = begin(bench, As::Poll).await;
            listener.peer.take().unwrap().abort().await;
            let request = post(&listener.sid.unwrap(), 1, "t5:hello", "");
            bench.send(&request[..request.len() - 3]).await
        }
        Holds::Poll => bench.send("GET /events?wait=50000&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await,
        Holds::Stream => {
            let mut peer = bench.send("GET /events?as=xhr&since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await;
            peer.read_head().await.unwrap();
            chunk(&mut peer).await.unwrap();
            peer
        }
    }
}

/// Something was read, or it has ended.
async fn is_told(peer: &mut Peer) -> bool {
    with_timeout(Duration::from_millis(1), peer.read()).await.is_ok()
}

#[test]
fn what_is_worth_least_gives_way_first() {
    for (seed, pair) in [
        [Holds::Idle, Holds::Silent],
        [Holds::Idle, Holds::Reading],
        [Holds::Idle, Holds::Closing],
        [Holds::Idle, Holds::Body],
        [Holds::Idle, Holds::Poll],
        [Holds::Silent, Holds::Closing],
        [Holds::Silent, Holds::Reading],
        [Holds::Silent, Holds::Poll],
        [Holds::Closing, Holds::Reading],
        [Holds::Reading, Holds::Poll],
        [Holds::Body, Holds::Poll],
        [Holds::Idle, Holds::Stream],
        [Holds::Poll, Holds::Stream],
    ]
    .into_iter()
    .enumerate()
    {
        let [worse, better] = pair;
        // Streams and polls hold no more than they may.
        let count = |how| if matches!(how, Holds::Stream | Holds::Poll) { 1 } else { 3 };
        let mut bench = Bench::without_sockets(10 + seed as u64, crate::settings(), crate::endpoint());
        let (most, least) = (count(better), count(worse));
        for _ in 0..most + least {
            bench.add_socket();
        }
        bench.net.set_limit(Duration::from_secs(600));
        let bench = &mut bench;
        bench.net.run(async {
            let mut kept = Vec::new();
            let mut leaving = Vec::new();
            // What idles goes at once, however long others have waited; of those that are given a second, the first.
            let order = if worse == Holds::Idle { [better, worse] } else { [worse, better] };
            for how in order {
                let list = if how == worse { &mut leaving } else { &mut kept };
                for _ in 0..count(how) {
                    list.push(hold(bench, how).await);
                }
            }
            let start = Instant::now();
            assert!(
                Peer::connect(&bench.clients, &bench.host, PORT).await.is_err(),
                "{pair:?}: a socket is free"
            );
            let took = bench.assert_serves().await;
            assert!(took < Duration::from_secs(2), "{pair:?}: {took:?}");
            let mut left = 0;
            for peer in &mut leaving {
                left += usize::from(worse == Holds::Closing || is_told(peer).await);
            }
            assert!(left > 0, "{pair:?}: none of the first has gone behind {:?}", start.elapsed());
            if better != Holds::Closing {
                for peer in &mut kept {
                    assert!(!is_told(peer).await, "{pair:?}: one of the second was sent away");
                }
            }
        });
    }
}

#[test]
fn streams_never_give_way_and_polls_are_answered_early() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let mut streams = [hold(&bench, Holds::Stream).await, hold(&bench, Holds::Stream).await];
        let mut poll = hold(&bench, Holds::Poll).await;
        let mut silent = Vec::new();
        for _ in 0..SOCKETS - STREAMS {
            silent.push(hold(&bench, Holds::Silent).await);
        }
        for _ in 0..10 {
            assert!(bench.assert_serves().await < Duration::from_secs(2));
            silent.push(bench.connect().await);
        }
        // The silent ones all go, one after the other; then the poll is told that there is nothing, and the connection kept.
        let head = with_timeout(Duration::from_secs(30), poll.read_head()).await.expect("an early answer");
        assert_eq!(status(&head.unwrap()), 204);
        Timer::after_secs(60).await;
        bench.publish("still there?");
        for peer in &mut streams {
            peer.read_until(b"still there?").await.expect("it has not given way");
            peer.abort().await;
        }
        drop(silent);
        drop(poll);
        Timer::after_secs(30).await;
        bench.assert_recovered().await;
    });
}

/// News of others wake what waits: it sees all the same that nobody can come in.
#[test]
fn a_poll_gives_way_however_often_there_is_news_for_others() {
    let bench = Bench::new(4);
    bench.net.run(async {
        let mut poll = hold(&bench, Holds::Poll).await;
        let busy = async {
            loop {
                Timer::after_millis(100).await;
                bench.push.with(|_| ()); // as by an event to a session
            }
        };
        let others = async {
            let mut silent = Vec::new();
            for _ in 0..10 {
                silent.push(bench.connect().await);
                silent.push(bench.connect().await);
            }
            let head =
                with_timeout(Duration::from_secs(30), poll.read_head()).await.expect("an early answer");
            assert_eq!(status(&head.unwrap()), 204);
        };
        select(busy, others).await;
        drop(poll);
        Timer::after_secs(30).await;
        bench.assert_recovered().await;
    });
}

/// What a client has not taken of an answer is waited for. Meanwhile it is in nobody's way: others go.
#[test]
fn who_does_not_take_its_answer_stands_before_nobody() {
    let bench = Bench::without_sockets(31, crate::settings(), crate::endpoint());
    for _ in 0..2 {
        bench.add_socket();
    }
    let far = bench.net.host();
    bench.net.run(async {
        let mut gone = Peer::connect(&far, &bench.host, PORT).await.unwrap();
        // It asks, and nobody learns what has reached it.
        let number = far.number;
        bench.net.script(move |frame| {
            if frame.from == number && frame.payload() == 0 { Verdict::Drop } else { Verdict::Pass }
        });
        gone.write_all("GET /events?since=16 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
        gone.read_head().await.unwrap();
        let mut poll = hold(&bench, Holds::Poll).await;
        let took = bench.assert_serves().await;
        assert!(took < Duration::from_secs(4), "{took:?}");
        assert_eq!(status(&poll.read_head().await.unwrap()), 204);
        gone.abort().await;
        poll.abort().await;
        bench.net.calm();
    });
}
