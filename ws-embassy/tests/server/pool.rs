//! More clients than sockets; orderly ends; a thousand clients, one after the other.

use embassy_time::{Duration, Instant, Timer};

use crate::common::Conditions;
use crate::common::capture::{FIN, Record};
use crate::common::frames::{self, Frame};
use crate::{Bench, PORT, SOCKETS, WEBSOCKETS, converse, end, leave, parts, timed};
use ws_embassy::{Error, UsageError};

#[test]
fn two_sockets_are_kept_for_pages_and_refusals() {
    let bench = Bench::new(1);
    bench.net.run(async {
        let mut seated = Vec::new();
        for number in 0..SOCKETS + 5 {
            let mut peer = bench.connect().await;
            let head = peer.request("/echo", "").await.unwrap();
            if number < WEBSOCKETS {
                assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
                seated.push(peer);
            } else {
                assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
                let wait = frames::header(&head, "Retry-After").expect("when to come back");
                assert!(wait.parse::<u32>().unwrap() > 0, "{head}");
                peer.read_to_end().await.unwrap();
                end(peer).await.unwrap();
                assert_eq!(parts(&bench.get("/").await.unwrap()), (200, "hello\n"));
            }
            assert_eq!(bench.server.open(), seated.len());
        }
        for peer in &mut seated {
            converse(peer).await.unwrap();
        }
        // One leaves, one gets in.
        leave(seated.remove(1)).await;
        Timer::after_millis(50).await;
        assert_eq!(bench.server.open(), WEBSOCKETS - 1);
        let mut peer = bench.connect().await;
        peer.open("/echo").await.unwrap();
        seated.push(peer);
        assert_eq!(bench.server.open(), WEBSOCKETS);
        for mut peer in seated {
            converse(&mut peer).await.unwrap();
            leave(peer).await;
        }
        Timer::after_millis(50).await;
        bench.assert_recovered().await;
    });
}

/// Its Close comes while all room for an answer is taken: what is sent next fails by that, and the session ends. The answer goes out still.
#[test]
fn a_close_is_answered_though_the_session_ends_first() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let mut peer = bench.websocket("/both").await;
        Timer::after_secs(2).await; // all buffers fill
        peer.send(&Frame::close(1000, "").masked()).await.unwrap();
        let end = loop {
            match peer.receive().await {
                Ok(frame) if frame == Frame::close(1000, "") => break Ok(()),
                Ok(_) => {}
                Err(ended) => break Err(ended),
            }
        };
        assert_eq!(end, Ok(()), "no Close");
        peer.abort().await;
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn more_clients_than_sockets_at_once_are_all_served_in_the_end() {
    let bench = std::rc::Rc::new(Bench::new(2));
    let clients: Vec<_> = (0..SOCKETS + 5)
        .map(|_| {
            let theirs = bench.clone();
            bench.net.spawn(async move {
                let mut peer = theirs.websocket("/echo").await;
                converse(&mut peer).await.unwrap();
                Timer::after_secs(1).await;
                converse(&mut peer).await.unwrap();
                leave(peer).await;
            })
        })
        .collect();
    bench.net.run(async {
        let (_, took) = timed(async {
            for client in clients {
                client.await;
            }
        })
        .await;
        assert!(took < Duration::from_secs(10), "{took:?}");
        Timer::after_millis(200).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_thousand_clients_one_after_the_other_leave_no_trace() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let (_, took) = timed(async {
            for _ in 0..1000 {
                let mut peer = bench.connect().await;
                peer.open("/echo").await.unwrap();
                converse(&mut peer).await.unwrap();
                leave(peer).await;
            }
        })
        .await;
        // Were each socket to remember its last client for the 10 s of TIME-WAIT, that were half an hour.
        assert!(took < Duration::from_secs(100), "{took:?}");
        Timer::after_millis(100).await;
    });
    let (clients, host) = (bench.net.sent(&bench.clients), bench.net.sent(&bench.host));
    assert_eq!((clients.syn, host.syn), (1000, 1000), "each was accepted at once");
    assert_eq!((clients.fin, host.fin), (1000, 1000));
    assert_eq!(bench.resets(), (0, 0));
    assert!(bench.log.borrow().iter().all(Result::is_ok));
    bench.net.run(bench.assert_recovered());
}

#[test]
fn a_thousand_clients_that_never_end_tcp_first_leave_no_trace_either() {
    let bench = Bench::new(4);
    bench.net.run(async {
        let (_, took) = timed(async {
            for _ in 0..1000 {
                let mut peer = bench.connect().await;
                peer.open("/echo").await.unwrap();
                peer.send(&Frame::close(1000, "").masked()).await.unwrap();
                assert_eq!(peer.receive().await, Ok(Frame::close(1000, "")));
                peer.read_to_end().await.unwrap();
                end(peer).await.unwrap();
            }
        })
        .await;
        assert!(took < Duration::from_secs(500), "{took:?}");
        Timer::after_millis(100).await;
    });
    assert_eq!((bench.net.sent(&bench.clients).fin, bench.net.sent(&bench.host).fin), (1000, 1000));
    assert_eq!(bench.resets(), (0, 0));
    bench.net.run(bench.assert_recovered());
}

#[test]
fn three_hundred_clients_come_and_go_though_one_frame_in_a_hundred_is_lost() {
    let bench = Bench::new(11);
    bench.net.set_conditions(Conditions { loss: 10, ..Conditions::default() });
    bench.net.run(async {
        for _ in 0..300 {
            let mut peer = bench.websocket("/echo").await;
            converse(&mut peer).await.unwrap();
            leave(peer).await;
        }
        bench.net.calm();
        Timer::after_secs(20).await;
        assert!(bench.log.borrow().iter().all(Result::is_ok), "each closed in good order");
        bench.assert_recovered().await;
    });
    assert!(bench.net.sent(&bench.host).lost > 10);
}

/// Who ends what first.
#[test]
fn an_orderly_end_resets_nothing_whoever_begins_it() {
    for (seed, path) in [(5, "/bye"), (6, "/echo")] {
        for client_ends_tcp in [true, false] {
            let bench = Bench::new(seed);
            bench.net.run(async {
                let mut peer = bench.websocket(path).await;
                if path == "/bye" {
                    assert_eq!(peer.receive().await, Ok(Frame::close(1000, "")));
                    peer.send(&Frame::close(1000, "").masked()).await.unwrap();
                } else {
                    peer.send(&Frame::close(1000, "").masked()).await.unwrap();
                    assert_eq!(peer.receive().await, Ok(Frame::close(1000, "")));
                }
                if !client_ends_tcp {
                    peer.read_to_end().await.unwrap();
                }
                end(peer).await.unwrap();
                Timer::after_secs(5).await;
            });
            assert_eq!(bench.resets(), (0, 0), "{path}");
            let fins = fins(&bench.net.capture());
            let first = if client_ends_tcp { bench.clients.number } else { bench.host.number };
            assert_eq!(fins.iter().map(|(from, _)| *from).collect::<Vec<_>>(), [first, 1 - first], "{path}");
            bench.net.run(bench.assert_recovered());
        }
    }
}

/// The client is there, and did nothing wrong: it is not left without a word.
#[test]
fn a_slip_of_the_application_is_told_by_a_close() {
    let bench = Bench::new(13);
    bench.net.run(async {
        let mut peer = bench.websocket("/slip").await;
        assert_eq!(peer.receive().await, Ok(Frame::close(1011, "")));
        peer.send(&Frame::close(1011, "").masked()).await.unwrap();
        end(peer).await.unwrap();
        assert_eq!(*bench.log.borrow(), [Err(Error::Usage(UsageError::LongControl))]);
        Timer::after_secs(1).await;
        assert_eq!(bench.resets(), (0, 0));
        bench.assert_recovered().await;
    });
}

#[test]
fn a_page_ends_without_a_reset_whoever_ends_it() {
    for client_ends_tcp in [true, false] {
        let bench = Bench::new(7);
        bench.net.run(async {
            let mut peer = bench.connect().await;
            peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
            peer.read_head().await.unwrap();
            peer.read_exact(crate::PAGE.len()).await.unwrap();
            if !client_ends_tcp {
                assert!(peer.read_to_end().await.unwrap().is_empty());
            }
            end(peer).await.unwrap();
            Timer::after_secs(5).await;
        });
        assert_eq!(bench.resets(), (0, 0));
        let first = if client_ends_tcp { bench.clients.number } else { bench.host.number };
        assert_eq!(fins(&bench.net.capture()).first().map(|(from, _)| *from), Some(first));
    }
}

#[test]
fn a_client_is_let_end_tcp_first_but_not_waited_for() {
    let bench = Bench::new(8);
    let closed = bench.net.run(async {
        let mut peer = bench.websocket("/echo").await;
        peer.send(&Frame::close(1000, "").masked()).await.unwrap();
        peer.receive().await.unwrap();
        let closed = Instant::now();
        peer.read_to_end().await.unwrap();
        end(peer).await.unwrap();
        closed
    });
    let [(from, at), ..] = fins(&bench.net.capture())[..] else { panic!("nobody ended it") };
    assert_eq!(from, bench.host.number);
    let wait = at - closed;
    assert!(wait > Duration::from_millis(50) && wait < Duration::from_millis(500), "{wait:?}");
}

#[test]
fn a_seat_is_taken_by_a_websocket_alone() {
    let bench = Bench::new(9);
    bench.net.run(async {
        // Connected and silent; asking for pages; refused: none of them is a WebSocket.
        let mut idle = Vec::new();
        for _ in 0..SOCKETS - 1 {
            idle.push(bench.connect().await);
        }
        assert_eq!(bench.server.open(), 0);
        assert_eq!(parts(&bench.get("/").await.unwrap()).0, 200);
        assert_eq!(parts(&bench.get("/echo").await.unwrap()).0, 426);
        for peer in &mut idle[..WEBSOCKETS] {
            peer.open("/echo").await.unwrap();
        }
        assert_eq!(bench.server.open(), WEBSOCKETS);
        let head = idle[WEBSOCKETS].request("/echo", "").await.unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    });
}

#[test]
fn a_bad_handshake_is_told_so_even_when_all_is_taken() {
    let bench = Bench::new(10);
    bench.net.run(async {
        let mut seated = Vec::new();
        for _ in 0..WEBSOCKETS {
            seated.push(bench.websocket("/echo").await);
        }
        let mut peer = bench.connect().await;
        let head = peer.request("/echo", "Origin: http://evil.example\r\n").await.unwrap();
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        assert_eq!(parts(&bench.get("/echo").await.unwrap()).0, 426);
        assert_eq!(bench.server.open(), WEBSOCKETS);
    });
}

/// Who sent the FINs of port 80, and when.
fn fins(records: &[Record]) -> Vec<(usize, Instant)> {
    let is_fin = |record: &&Record| {
        record.segment.is_some_and(|segment| {
            segment.has(FIN) && (segment.source.1 == PORT || segment.destination.1 == PORT)
        })
    };
    records.iter().filter(is_fin).map(|record| (record.from, record.at)).collect()
}
