//! Tasks of sockets that are dropped wherever they wait: nothing stays attached, nothing is counted, and another task takes their place.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use embassy_time::{Duration, Timer, with_timeout};

use crate::client::post;
use crate::common::Peer;
use crate::common::frames::{self, Frame};
use crate::{App, BUF, Bench, Memory, PORT, SOCKETS, Settings, endpoint, settings};

/// Runs a socket's task for `polls` polls, then drops it.
fn add_mortal(bench: &Bench, polls: usize) -> Rc<Cell<usize>> {
    let left = Rc::new(Cell::new(polls));
    let (stack, server, push, got) = (bench.host.stack, bench.server, bench.push, bench.got.clone());
    let count = left.clone();
    bench.net.spawn(async move {
        let memory: &mut Memory<2920, 2920, BUF> = Box::leak(Box::default());
        let app = App { push, got };
        let mut run = pin!(server.run(stack, memory, &app));
        poll_fn(|cx| {
            count.set(count.get() - 1);
            let Poll::Pending = run.as_mut().poll(cx);
            if count.get() == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    left
}

/// What a client does in the time that the task lives.
async fn talk(bench: &Bench, how: &str) {
    let Ok(mut peer) = Peer::connect(&bench.clients, &bench.host, PORT).await else { return };
    let open = |bench: &Bench| bench.push.with(|hub| hub.sessions().keys().count()).unwrap_or(0);
    let request = match how {
        "websocket" => frames::request("10.0.0.2", "/events?s=", "Sec-WebSocket-Protocol: push.v1\r\n"),
        "post" => {
            let get = "GET /events?s= HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n";
            let _ = peer.write_all(get).await;
            if peer.read_until(b"\"sid\":\"").await.is_err() {
                return;
            }
            let Ok(sid) = peer.read_exact(24).await else { return };
            post(&String::from_utf8(sid).unwrap(), 1, "t5:hello", "")
        }
        query => format!("GET /events?{query} HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n"),
    };
    // In pieces, so that the task waits in each of its places.
    for piece in request.as_bytes().chunks(40) {
        if peer.write_all(piece).await.is_err() {
            return;
        }
        Timer::after_millis(10).await;
    }
    if how == "websocket" {
        let _ = peer.send(&Frame::text("hello").masked()).await;
    }
    for _ in 0..3 {
        bench.publish("event");
        Timer::after_millis(100).await;
    }
    assert!(open(bench) <= 2);
    peer.abort().await;
}

#[test]
fn nothing_stays_of_a_task_that_was_dropped() {
    for how in ["as=sse&s=", "as=xhr&s=", "wait=150&s=&since=16", "post", "websocket"] {
        let mut polls = 1;
        loop {
            let bench = Bench::without_sockets(polls as u64, settings(), endpoint());
            let left = add_mortal(&bench, polls);
            bench.net.run(async {
                let _ = with_timeout(Duration::from_secs(5), talk(&bench, how)).await;
                // If nothing else wakes it any more, it goes now.
                while left.get() > 0 && left.get() < polls && bench.sessions().1 > 0 {
                    Timer::after_millis(250).await;
                }
            });
            if left.get() > 0 {
                break; // it lived to the end of the conversation
            }
            bench.net.run(async {
                Timer::after_millis(10).await;
                assert_eq!(bench.sessions().1, 0, "{how}: behind {polls} polls");
                assert_eq!(bench.server.open(), 0, "{how}: behind {polls} polls");
                // Others take its place, with all that there was.
                for _ in 0..SOCKETS {
                    bench.add_socket();
                }
                Timer::after_millis(10).await;
                bench.assert_recovered().await;
            });
            polls += 1;
        }
        assert!(polls > 5, "{how}: it ended behind {polls} polls");
    }
}

#[test]
fn tasks_that_come_and_go_take_no_more_places_than_there_are() {
    let bench = Bench::of(1, Settings::for_sockets(SOCKETS), endpoint());
    bench.net.run(async {
        for _ in 0..10 {
            let mut peer = bench.send("GET /events?as=xhr&s= HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await;
            peer.read_head().await.unwrap();
            for task in bench.tasks.take() {
                task.cancel();
            }
            Timer::after_secs(31).await;
            assert_eq!(bench.sessions().1, 0);
            for _ in 0..SOCKETS {
                bench.add_socket();
            }
            Timer::after_millis(10).await;
            bench.assert_recovered().await;
        }
    });
}
