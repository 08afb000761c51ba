//! Sessions: who listens for one, how long it lives, and how it ends.

use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::client::{ALL, As, Event, Listener, post};
use crate::common::frames::Frame;
use crate::{Bench, Ended, LIFETIME, SESSIONS, status};

/// A listener that has been given a session.
async fn begin(bench: &Bench, by: As) -> Listener {
    let mut listener = Listener::new(by, Some(""));
    match listener.next(bench).await {
        Ok(Event::Open(Some(_))) => listener,
        other => panic!("{by:?}: {other:?}"),
    }
}

/// The same session, over another connection.
fn again(listener: &Listener, by: As) -> Listener {
    let mut other = Listener::new(by, listener.sid.as_deref());
    other.since = listener.since.clone();
    other
}

#[test]
fn of_two_listeners_the_later_one_counts() {
    let bench = Bench::new(1);
    bench.net.run(async {
        for first in ALL.into_iter().filter(|by| *by != As::Poll) {
            for second in [As::Sse, As::LongPoll, As::WebSocket] {
                let mut early = begin(&bench, first).await;
                let mut waiting = again(&early, second);
                let begun = Instant::now();
                let told = async {
                    if first.is_poll() {
                        // The first answer told the session; now it waits.
                        early.connect(&bench).await.unwrap();
                        assert!(begun.elapsed() < Duration::from_secs(1), "{first:?}");
                        early.peer.take().unwrap().abort().await;
                    } else {
                        assert_eq!(
                            early.next(&bench).await,
                            Err(Ended::Closed),
                            "{first:?} behind {second:?}"
                        );
                        assert!(begun.elapsed() < Duration::from_secs(1), "{first:?}");
                        early.peer.take().unwrap().abort().await;
                    }
                };
                let listen = async {
                    Timer::after_millis(300).await;
                    if second == As::LongPoll {
                        Timer::after_millis(1).await;
                    }
                    waiting.message(&bench).await.unwrap()
                };
                let publish = async {
                    Timer::after_millis(600).await;
                    bench.publish("to the later one");
                };
                let ((), message, ()) = embassy_futures::join::join3(told, listen, publish).await;
                assert_eq!(message, b"to the later one", "{first:?}, {second:?}");
                assert_eq!(
                    bench.sessions(),
                    (1, 1).min((1, usize::from(second != As::LongPoll))),
                    "{first:?}, {second:?}"
                );
                if let Some(mut peer) = waiting.peer.take() {
                    peer.abort().await;
                }
                Timer::after_millis(200).await;
                let answer = bench.ask(post(early.sid.as_deref().unwrap(), 1, "", "&close=1")).await.unwrap();
                assert_eq!(status(&answer), 200, "{answer}");
                assert_eq!(bench.sessions(), (0, 0));
            }
        }
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_session_lives_for_its_time() {
    let bench = Bench::new(2);
    bench.net.run(async {
        for (seconds, lives) in [(LIFETIME - 2, true), (LIFETIME + 2, false)] {
            for by in ALL {
                let mut listener = begin(&bench, by).await;
                let sid = listener.sid.clone();
                if let Some(mut peer) = listener.peer.take() {
                    peer.abort().await;
                }
                Timer::after_secs(seconds).await;
                if lives {
                    // What was said to it meanwhile has waited.
                    let answer = bench.ask(post(sid.as_deref().unwrap(), 1, "t4:wait", "")).await.unwrap();
                    assert_eq!(status(&answer), 200, "{by:?}: {answer}");
                    assert_eq!(listener.message(&bench).await.unwrap(), b"wait", "{by:?}");
                    assert_eq!(listener.sid, sid, "{by:?}");
                } else {
                    let answer = bench.ask(post(sid.as_deref().unwrap(), 1, "t4:wait", "")).await.unwrap();
                    assert_eq!(status(&answer), 404, "{by:?}: {answer}");
                    assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))), "{by:?}");
                    assert!(listener.sid != sid, "{by:?}: it is another one");
                }
                if let Some(mut peer) = listener.peer.take() {
                    peer.abort().await;
                }
                let sid = listener.sid.as_deref().unwrap();
                assert_eq!(status(&bench.ask(post(sid, 1, "", "&close=1")).await.unwrap()), 200);
                assert_eq!(bench.sessions().0, 0, "{by:?}");
            }
        }
    });
}

#[test]
fn a_session_lives_for_as_long_as_somebody_listens() {
    let bench = Bench::new(3);
    bench.net.run(async {
        for by in [As::Xhr, As::LongPoll, As::WebSocket] {
            let mut listener = begin(&bench, by).await;
            let sid = listener.sid.clone();
            let silence = with_timeout(Duration::from_secs(LIFETIME * 4), listener.message(&bench)).await;
            assert!(silence.is_err(), "{by:?}: {silence:?}");
            bench.publish("still there?");
            assert_eq!(listener.message(&bench).await.unwrap(), b"still there?", "{by:?}");
            assert_eq!((listener.sid, bench.sessions().0), (sid.clone(), 1), "{by:?}");
            if let Some(mut peer) = listener.peer.take() {
                peer.abort().await;
            }
            assert_eq!(status(&bench.ask(post(&sid.unwrap(), 1, "", "&close=1")).await.unwrap()), 200);
        }
    });
}

#[test]
fn close_ends_it_behind_the_messages_and_tells_who_listens() {
    let bench = Bench::new(4);
    bench.net.run(async {
        for by in ALL.into_iter().filter(|by| !matches!(by, As::Poll | As::LongPoll | As::Jsonp)) {
            let mut listener = begin(&bench, by).await;
            let sid = listener.sid.clone().unwrap();
            let answer = bench.ask(post(&sid, 1, "t3:byet0:", "&close=1")).await.unwrap();
            assert!(answer.ends_with("{\"ack\":2}"), "{answer}");
            let last = loop {
                match listener.next(&bench).await {
                    Ok(Event::Ack(_) | Event::Message(_)) => {}
                    other => break other,
                }
            };
            let expected = if by == As::WebSocket { Err(Ended::Closed) } else { Ok(Event::Close) };
            assert_eq!(last, expected, "{by:?}");
            assert_eq!(bench.sessions(), (0, 0), "{by:?}");
            let answer = bench.ask(post(&sid, 1, "t0:", "")).await.unwrap();
            assert_eq!(status(&answer), 404, "{answer}");
            listener.peer.take().unwrap().abort().await;
        }
        // A poll that waits is told so at once.
        let mut listener = begin(&bench, As::LongPoll).await;
        let sid = listener.sid.clone().unwrap();
        let wait = async { listener.next(&bench).await };
        let close = async {
            Timer::after_secs(1).await;
            bench.ask(post(&sid, 1, "", "&close=1")).await.unwrap()
        };
        let start = Instant::now();
        let (told, _) = embassy_futures::join::join(wait, close).await;
        assert_eq!(told, Ok(Event::Close));
        assert!(start.elapsed() < Duration::from_secs(2));
        drop(listener);
        let count = bench.got.borrow().iter().filter(|(_, bytes)| bytes == b"bye").count();
        assert_eq!(count, ALL.len() - 3);
        Timer::after_secs(10).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_websocket_ends_its_session_by_1000_alone() {
    let bench = Bench::new(5);
    bench.net.run(async {
        for (close, lives) in [
            (Frame::close(1000, ""), false),
            (Frame::close(1000, "done"), false),
            (Frame::close(1001, ""), true),
            (Frame::new(crate::frames::CLOSE, ""), true),
            (Frame::close(4000, ""), true),
        ] {
            let mut listener = begin(&bench, As::WebSocket).await;
            let peer = listener.peer.as_mut().unwrap();
            peer.send(&close.clone().masked()).await.unwrap();
            let echo = peer.receive().await.unwrap();
            assert_eq!(echo.close_code(), close.close_code());
            let mut peer = listener.peer.take().unwrap();
            peer.close().await.unwrap();
            Timer::after_millis(300).await;
            assert_eq!(bench.sessions(), (usize::from(lives), 0), "{close:?}");
            if lives {
                Timer::after_secs(LIFETIME + 1).await;
                let mut other = begin(&bench, As::Poll).await;
                assert_eq!(bench.sessions().0, 1, "the other has come into its place");
                let sid = other.sid.take().unwrap();
                assert_eq!(status(&bench.ask(post(&sid, 1, "", "&close=1")).await.unwrap()), 200);
            }
        }
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn messages_over_a_websocket_may_not_leave_a_gap() {
    let bench = Bench::new(6);
    bench.net.run(async {
        let mut listener = Listener::new(As::WebSocket, Some(""));
        listener.n = 3;
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        let peer = listener.peer.as_mut().unwrap();
        peer.send(&Frame::text("one and two are missing").masked()).await.unwrap();
        assert_eq!(peer.receive().await.unwrap().close_code(), Some(1008));
        peer.abort().await;
        Timer::after_secs(1).await;
        assert_eq!(bench.sessions(), (1, 0));
        assert!(bench.got.borrow().is_empty());
    });
}

/// The session ended in good order, whatever its client says before it knows.
#[test]
fn a_message_behind_the_end_of_its_session_is_no_gap() {
    let bench = Bench::new(8);
    bench.net.run(async {
        for is_end_first in [false, true] {
            // Both come to the server in one moment; that of the connection that was there first is looked at first.
            let early = if is_end_first { Some(bench.connect().await) } else { None };
            let mut listener = begin(&bench, As::WebSocket).await;
            let mut other = if let Some(early) = early { early } else { bench.connect().await };
            let end = post(listener.sid.as_deref().unwrap(), 1, "", "&close=1");
            let (begin, last) = end.split_at(end.len() - 1);
            other.write_all(begin).await.unwrap();
            Timer::after_millis(50).await;
            let peer = listener.peer.as_mut().unwrap();
            other.write_all(last).await.unwrap();
            peer.send(&Frame::text("hello").masked()).await.unwrap();
            let code = loop {
                if let Some(code) = peer.receive().await.unwrap().close_code() {
                    break code;
                }
            };
            assert_eq!(code, 1000, "{is_end_first}");
            peer.abort().await;
            other.abort().await;
        }
    });
    assert_eq!(*bench.got.borrow(), [(true, b"hello".to_vec())], "only what came before the end");
}

#[test]
fn more_sessions_than_places_have_to_wait() {
    let bench = Bench::new(7);
    bench.net.run(async {
        let mut sids = Vec::new();
        for _ in 0..SESSIONS {
            let mut listener = begin(&bench, As::Poll).await;
            sids.push(listener.sid.take().unwrap());
            listener.peer.take().unwrap().abort().await;
        }
        // One whose client has never said a word makes room; those that know their names do not.
        for sid in &sids {
            assert_eq!(status(&bench.ask(post(sid, 1, "", "")).await.unwrap()), 200);
        }
        for path in ["as=sse&s=", "s=", "wait=1000&s="] {
            let answer =
                bench.ask(format!("GET /events?{path} HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")).await.unwrap();
            assert_eq!(status(&answer), 503, "{answer}");
            assert!(crate::frames::header(&answer, "Retry-After").is_some(), "{answer}");
        }
        let mut peer = bench.connect().await;
        let head = peer.request("/events?s=", "Sec-WebSocket-Protocol: push.v1\r\n").await.unwrap();
        assert_eq!((status(&head), bench.server.open()), (503, 0), "{head}");
        peer.abort().await;
        // Who wants none, or has one, is not kept waiting.
        let mut listener = Listener::new(As::Sse, None);
        assert_eq!(listener.next(&bench).await, Ok(Event::Open(None)));
        listener.peer.take().unwrap().abort().await;
        assert_eq!(status(&bench.ask(post(&sids[0], 1, "", "&close=1")).await.unwrap()), 200);
        let mut listener = begin(&bench, As::Sse).await;
        listener.peer.take().unwrap().abort().await;
        Timer::after_secs(1).await;
        assert_eq!(bench.sessions(), (SESSIONS, 0));
        bench.assert_recovered().await;
    });
}
