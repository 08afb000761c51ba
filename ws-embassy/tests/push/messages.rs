//! Messages that are too long, or come in pieces: none is delivered in part, and none is told to have come that has not.

use embassy_time::{Duration, Instant, Timer};

use crate::client::{As, Event, Listener, post};
use crate::common::frames::{CONTINUATION, Frame};
use crate::{Bench, MESSAGE_MAX, endpoint, settings, status};
use ws_embassy::ws_core::transport::Endpoint;

async fn begin(bench: &Bench, by: As) -> (Listener, String) {
    let mut listener = Listener::new(by, Some(""));
    assert!(matches!(listener.next(bench).await, Ok(Event::Open(Some(_)))));
    let sid = listener.sid.clone().expect("a session");
    (listener, sid)
}

fn record(length: usize) -> String {
    format!("t{length}:{}", "x".repeat(length))
}

#[test]
fn what_cannot_be_put_together_is_refused_and_does_not_count() {
    let bench = Bench::new(1);
    bench.net.run(async {
        let (mut listener, sid) = begin(&bench, As::Xhr).await;
        for (n, length, code) in [
            (1, MESSAGE_MAX, 200),
            (2, MESSAGE_MAX + 1, 413),
            (2, 1024, 413),
            (2, 1025, 413),
            (2, MESSAGE_MAX, 200),
        ] {
            let answer = bench.ask(post(&sid, n, &record(length), "")).await.unwrap();
            assert_eq!(status(&answer), code, "{length}: {answer}");
            if code == 200 {
                assert_eq!(listener.message(&bench).await.unwrap().len(), length);
            }
        }
        // What came before the long one has come, and the client learns so.
        let answer =
            bench.ask(post(&sid, 3, &format!("t2:hi{}", record(MESSAGE_MAX + 1)), "")).await.unwrap();
        assert_eq!(status(&answer), 413, "{answer}");
        let answer = bench.ask(post(&sid, 3, "", "")).await.unwrap();
        assert!(answer.ends_with("{\"ack\":3}"), "{answer}");
        listener.peer.take().unwrap().abort().await;
    });
    let lengths: Vec<_> = bench.got.borrow().iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(lengths, [MESSAGE_MAX, MESSAGE_MAX, 2]);
}

#[test]
fn the_limit_of_the_endpoint_counts_where_it_is_less() {
    let bench = Bench::of(2, settings(), Endpoint { message: 10, ..endpoint() });
    bench.net.run(async {
        let (mut listener, sid) = begin(&bench, As::Sse).await;
        assert_eq!(status(&bench.ask(post(&sid, 1, &record(10), "")).await.unwrap()), 200);
        assert_eq!(status(&bench.ask(post(&sid, 2, &record(11), "")).await.unwrap()), 413);
        listener.peer.take().unwrap().abort().await;
    });
    assert_eq!(bench.got.borrow().len(), 1);
}

#[test]
fn a_body_above_the_limit_of_the_server_is_refused() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let (mut listener, sid) = begin(&bench, As::Sse).await;
        // More than 16 KiB, in messages that are short enough; told ahead, or not.
        let records = record(100).repeat(200);
        let answer = bench.ask(post(&sid, 1, &records, "")).await.unwrap();
        assert_eq!(status(&answer), 413, "{answer}");
        assert!(bench.got.borrow().is_empty());
        listener.peer.take().unwrap().abort().await;
    });
}

#[test]
fn a_message_that_does_not_end_is_delivered_by_the_request_that_repeats_it() {
    let bench = Bench::new(4);
    bench.net.run(async {
        let (mut listener, sid) = begin(&bench, As::Events).await;
        let request = post(&sid, 1, "t3:onet8:two, too", "");
        let body = request.len() - "t3:onet8:two, too".len();
        // Cut everywhere in the body: what is whole counts.
        for split in body..request.len() {
            let mut peer = bench.send(&request[..split]).await;
            peer.flush().await.unwrap();
            Timer::after_millis(5).await;
            peer.abort().await;
        }
        assert_eq!(*bench.got.borrow(), [(true, b"one".to_vec())]);
        let answer = bench.ask(&request).await.unwrap();
        assert!(answer.ends_with("{\"ack\":2}"), "{answer}");
        for expected in ["one", "two, too"] {
            assert_eq!(listener.message(&bench).await.unwrap(), expected.as_bytes());
        }
        // The end of the client's side in the middle of a body.
        let mut peer = bench.send(post(&sid, 3, "t5:hello", "").replace("t5:hello", "t5:he")).await;
        peer.half_close();
        let answer = String::from_utf8(peer.read_to_end().await.unwrap()).unwrap();
        assert_eq!(status(&answer), 400, "{answer}");
        peer.abort().await;
        listener.peer.take().unwrap().abort().await;
        Timer::after_secs(1).await;
        assert_eq!(bench.sessions(), (1, 0));
        bench.assert_recovered().await;
    });
    assert_eq!(bench.got.borrow().len(), 2);
}

#[test]
fn a_post_behind_another_takes_its_place() {
    let bench = Bench::new(5);
    bench.net.run(async {
        let (mut listener, sid) = begin(&bench, As::Sse).await;
        let request = post(&sid, 1, "t5:helloworld", "");
        let (begin, rest) = request.split_at(request.len() - 7);
        let mut early = bench.send(begin).await;
        Timer::after_millis(50).await;
        let answer = bench.ask(post(&sid, 1, "t5:hello", "")).await.unwrap();
        assert!(answer.ends_with("{\"ack\":1}"), "{answer}");
        early.write_all(rest).await.unwrap();
        let answer = String::from_utf8(early.read_to_end().await.unwrap()).unwrap();
        assert_eq!(status(&answer), 409, "{answer}");
        crate::end(early).await.unwrap();
        listener.peer.take().unwrap().abort().await;
    });
    assert_eq!(*bench.got.borrow(), [(true, b"hello".to_vec())]);
}

/// Nothing else happens that the ack could go with.
#[test]
fn a_message_that_comes_again_over_a_websocket_is_acknowledged_at_once() {
    let bench = Bench::new(7);
    bench.net.run(async {
        let (mut listener, _) = begin(&bench, As::WebSocket).await;
        listener.peer.as_mut().unwrap().send(&Frame::text("hello").masked()).await.unwrap();
        assert_eq!(listener.next(&bench).await, Ok(Event::Ack(1)));
        assert_eq!(listener.next(&bench).await, Ok(Event::Message(b"hello".to_vec())));
        listener.peer.take().unwrap().abort().await;
        assert!(matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))));
        let begun = Instant::now();
        listener.peer.as_mut().unwrap().send(&Frame::text("hello").masked()).await.unwrap();
        assert_eq!(listener.next(&bench).await, Ok(Event::Ack(1)));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        listener.peer.take().unwrap().abort().await;
    });
    assert_eq!(bench.got.borrow().len(), 1);
}

/// Else what was sent over a WebSocket, and got no answer, could not be sent again where only POST is left.
#[test]
fn a_message_may_be_as_long_over_a_websocket_as_by_post() {
    let bench = Bench::new(6);
    bench.net.run(async {
        let (mut listener, sid) = begin(&bench, As::WebSocket).await;
        let peer = listener.peer.as_mut().unwrap();
        peer.send(&Frame::text(&"x".repeat(MESSAGE_MAX)).masked()).await.unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::text("{\"ack\":1}")));
        assert_eq!(
            peer.receive().await.unwrap().payload.len(),
            r#"{"id":"16.1","data":""}"#.len() + MESSAGE_MAX
        );
        // In fragments, so that nobody knows before it has come.
        peer.send(&Frame::text(&"x".repeat(MESSAGE_MAX)).masked().more()).await.unwrap();
        peer.send(&Frame::new(CONTINUATION, "x").masked()).await.unwrap();
        assert_eq!(peer.receive().await.unwrap().close_code(), Some(1009));
        peer.abort().await;
        Timer::after_secs(1).await;
        let answer = bench
            .ask(post(&sid, 2, &format!("t{}:{}", MESSAGE_MAX + 1, "x".repeat(MESSAGE_MAX + 1)), ""))
            .await
            .unwrap();
        assert_eq!(status(&answer), 413, "{answer}");
        let answer = bench
            .ask(post(&sid, 2, &format!("t{MESSAGE_MAX}:{}", "x".repeat(MESSAGE_MAX)), ""))
            .await
            .unwrap();
        assert!(answer.ends_with("{\"ack\":2}"), "{answer}");
        assert_eq!(bench.sessions(), (1, 0));
    });
    assert_eq!(bench.got.borrow().len(), 2);
}
