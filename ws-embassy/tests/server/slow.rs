//! Clients that dawdle: each is given up in time, and others are served meanwhile.

use embassy_time::{Duration, Instant, Timer};

use crate::common::capture::{ACK, SYN};
use crate::common::frames::Frame;
use crate::common::peer::Ended;
use crate::common::{Peer, Verdict};
use crate::{Bench, PAGE, PORT, SOCKETS, WEBSOCKETS, converse, end, leave, parts, timed};
use ws_embassy::{Error, Waited};

const SECOND: Duration = Duration::from_secs(1);

/// 10 s, and what delays it a little.
fn is_ten_seconds(took: Duration) -> bool {
    took >= SECOND * 10 - Duration::from_millis(50) && took <= SECOND * 11
}

#[test]
fn a_head_has_ten_seconds_however_it_drips() {
    let bench = Bench::new(1);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let start = Instant::now();
        let answer = loop {
            peer.write_all("G").await.unwrap();
            if let Ok(answer) = embassy_time::with_timeout(SECOND, peer.read_head()).await {
                break answer.unwrap();
            }
        };
        let took = start.elapsed();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(is_ten_seconds(took), "{took:?}");
        peer.read_to_end().await.unwrap();
        end(peer).await.unwrap();
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_head_that_stops_at_the_very_deadline_is_told_so_too() {
    let bench = Bench::new(13);
    bench.net.run(async {
        for step in 0..60 {
            let mut peer = bench.connect().await;
            peer.write_all("G").await.unwrap();
            Timer::after(Duration::from_micros(9_990_000 + step * 250)).await;
            let _ = peer.write_all("E").await;
            let (head, took) = timed(peer.read_head()).await;
            assert!(head.is_ok_and(|head| head.starts_with("HTTP/1.1 408 ")), "step {step}");
            assert!(took < SECOND, "step {step}: {took:?}");
            end(peer).await.unwrap();
        }
    });
}

#[test]
fn a_client_that_says_nothing_is_let_go_after_ten_seconds() {
    let bench = Bench::new(2);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let (answer, took) = timed(peer.read_to_end()).await;
        assert_eq!(answer, Ok(vec![]), "it asked for nothing");
        assert!(is_ten_seconds(took), "{took:?}");
        end(peer).await.unwrap();
        Timer::after_secs(1).await;
    });
    assert_eq!(bench.resets(), (0, 0));
    bench.net.run(bench.assert_recovered());
}

#[test]
fn clients_that_do_not_ask_make_room_for_one_that_does() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let mut peers = Vec::new();
        for number in 0..SOCKETS {
            let mut peer = bench.connect().await;
            // Half of them say nothing, the others little.
            if number % 2 == 1 {
                peer.write_all("G").await.unwrap();
            }
            peers.push(peer);
        }
        assert!(Peer::connect(&bench.clients, &bench.host, PORT).await.is_err());
        let (answer, took) = timed(bench.get("/")).await;
        assert_eq!(parts(&answer.unwrap()).0, 200);
        assert!(took > SECOND / 2 && took < SECOND * 2, "{took:?}");
        Timer::after_secs(5).await;
        drop(peers);
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn clients_that_are_done_and_do_not_close_make_room_as_well() {
    let bench = Bench::new(17);
    bench.net.run(async {
        let mut peers = Vec::new();
        for _ in 0..SOCKETS {
            let mut peer = bench.connect().await;
            peer.write_all("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\r\n").await.unwrap();
            peer.read_to_end().await.unwrap();
            peers.push(peer);
        }
        assert!(Peer::connect(&bench.clients, &bench.host, PORT).await.is_err());
        let (answer, took) = timed(bench.get("/")).await;
        assert_eq!(parts(&answer.unwrap()).0, 200);
        assert!(took > SECOND / 4 && took < SECOND * 2, "{took:?}");
        drop(peers);
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn clients_that_begin_tcp_and_never_finish_are_forgotten() {
    let bench = Bench::new(4);
    // The last part of TCP's handshake, and all behind it, gets lost.
    let clients = bench.clients.number;
    bench.net.script(move |frame| match frame.segment {
        Some(segment) if frame.from == clients && segment.has(ACK) && !segment.has(SYN) => Verdict::Drop,
        _ => Verdict::Pass,
    });
    bench.net.run(async {
        let mut half = Vec::new();
        for _ in 0..SOCKETS {
            half.push(Peer::connect(&bench.clients, &bench.host, PORT).await.expect("its side is open"));
        }
        assert!(Peer::connect(&bench.clients, &bench.host, PORT).await.is_err(), "all sockets are taken");
        bench.net.calm();
        // Their segments are gone for good, and so are they.
        drop(half);
        let (answer, took) = timed(bench.get("/")).await;
        assert_eq!(parts(&answer.unwrap()).0, 200);
        assert!(took <= SECOND * 11, "{took:?}");
        Timer::after_secs(15).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn clients_that_begin_tcp_and_vanish_are_forgotten() {
    let bench = Bench::new(5);
    // Nobody is there to reset what the server sends.
    let clients = bench.clients.number;
    bench.net.script(move |frame| match frame.segment {
        Some(segment) if frame.from == clients && !segment.has(SYN) => Verdict::Drop,
        _ => Verdict::Pass,
    });
    bench.net.run(async {
        for _ in 0..SOCKETS {
            drop(Peer::connect(&bench.clients, &bench.host, PORT).await.expect("its side is open"));
        }
        let start = Instant::now();
        while Peer::connect(&bench.clients, &bench.host, PORT).await.is_err() {
            Timer::after_millis(100).await;
        }
        assert!(start.elapsed() <= SECOND * 11, "{:?}", start.elapsed());
        bench.net.calm();
        Timer::after_secs(30).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn who_stops_reading_a_page_is_given_up() {
    let bench = Bench::new(6);
    bench.net.run(async {
        let mut peers = Vec::new();
        for _ in 0..SOCKETS {
            let mut peer = bench.connect().await;
            peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
            peers.push(peer);
        }
        let (answer, took) = timed(bench.get("/")).await;
        assert_eq!(parts(&answer.unwrap()).0, 200);
        // 10 s for the next octets, 4 s for an orderly end.
        assert!(took <= SECOND * 15, "{took:?}");
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
        for mut peer in peers {
            assert_eq!(peer.read_to_end().await, Err(Ended::Reset));
        }
    });
}

#[test]
fn who_reads_a_page_in_sips_cannot_keep_the_socket() {
    let bench = Bench::new(7);
    bench.net.run(async {
        // 64 octets a second, for a page of 20,000.
        let mut peer = Peer::new(&bench.clients, 1024, 1024);
        peer.socket.connect((bench.host.address, PORT)).await.unwrap();
        peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
        let start = Instant::now();
        while matches!(peer.socket.read(&mut [0; 512]).await, Ok(1..)) {
            Timer::after_secs(8).await;
            assert!(start.elapsed() < SECOND * 60, "{:?} for a page", start.elapsed());
        }
        bench.assert_recovered().await;
    });
}

#[test]
fn who_reads_a_page_slowly_but_steadily_gets_it() {
    let bench = Bench::new(14);
    bench.net.run(async {
        let mut peer = Peer::new(&bench.clients, 1024, 1024);
        peer.socket.connect((bench.host.address, PORT)).await.unwrap();
        peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
        let mut octets = Vec::new();
        loop {
            let mut read = [0; 512];
            let length = peer.socket.read(&mut read).await.unwrap();
            octets.extend(&read[..length]);
            if length == 0 {
                break;
            }
            Timer::after_millis(400).await;
        }
        assert!(octets.ends_with(&PAGE), "{} octets", octets.len());
        end(peer).await.unwrap();
    });
    assert_eq!(bench.resets(), (0, 0));
}

#[test]
fn a_cable_that_is_loose_for_a_moment_costs_no_end_of_a_page() {
    // However much of the page has gone over by then, the last octets and the FIN included.
    for read in [0, 10_000, 17_000, 19_000, PAGE.len()] {
        let bench = Bench::new(15);
        bench.net.run(async {
            let mut peer = bench.connect().await;
            peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
            peer.read_head().await.unwrap();
            peer.read_exact(read).await.unwrap();
            bench.host.cut();
            Timer::after_millis(2500).await;
            bench.host.mend();
            let rest = peer.read_to_end().await.unwrap_or_else(|end| panic!("{end} behind {read} octets"));
            assert!(rest == PAGE[read..], "{} octets behind {read}", rest.len());
            end(peer).await.unwrap();
            Timer::after_secs(15).await;
        });
        assert_eq!(bench.resets(), (0, 0), "behind {read} octets");
        bench.net.run(bench.assert_recovered());
    }
}

#[test]
fn a_cable_that_is_loose_for_a_moment_costs_no_answer_to_a_close() {
    let bench = Bench::new(16);
    bench.net.run(async {
        for pause in 0..20 {
            let mut peer = bench.websocket("/echo").await;
            peer.send(&Frame::close(1000, "").masked()).await.unwrap();
            Timer::after_micros(pause * 250).await;
            bench.clients.cut(); // what is on its way there is lost too
            Timer::after_millis(2500).await;
            bench.clients.mend();
            assert_eq!(
                peer.receive().await,
                Ok(Frame::close(1000, "")),
                "cut after {pause} quarters of a ms"
            );
            let _ = end(peer).await; // nothing is lost if that takes too long
        }
        Timer::after_secs(15).await;
    });
    bench.net.run(bench.assert_recovered());
}

#[test]
fn who_never_reads_a_websocket_is_given_up_and_others_are_served_meanwhile() {
    let bench = Bench::new(8);
    bench.net.run(async {
        let mut other = bench.websocket("/echo").await;
        let stuck = bench.websocket("/flood").await;
        let start = Instant::now();
        while bench.server.open() == 2 {
            converse(&mut other).await.unwrap();
            assert_eq!(parts(&bench.get("/").await.unwrap()).0, 200);
            Timer::after_millis(100).await;
        }
        assert!(start.elapsed() >= SECOND * 10 && start.elapsed() <= SECOND * 15, "{:?}", start.elapsed());
        assert_eq!(*bench.log.borrow(), [Err(Error::TimedOut(Waited::Send))]);
        assert!(bench.net.sent(&bench.clients).zero_window > 0);
        leave(other).await;
        drop(stuck);
        Timer::after_secs(1).await;
        Timer::after_secs(5).await; // its connection ends
        bench.assert_recovered().await;
    });
}

#[test]
fn stuck_readers_on_all_websockets_are_given_up() {
    let bench = Bench::new(9);
    bench.net.run(async {
        let mut stuck = Vec::new();
        for _ in 0..WEBSOCKETS {
            let mut peer = bench.websocket("/echo").await;
            // More than all buffers hold: the echo gets stuck, then what comes in.
            let mut sent = 0;
            while sent < 100_000 {
                let chunk = Frame::binary([7; 500]).masked().encode();
                match embassy_time::with_timeout(SECOND, peer.write_all(&chunk)).await {
                    Ok(written) => written.unwrap(),
                    Err(_) => break,
                }
                sent += chunk.len();
            }
            assert!(sent < 100_000, "nothing holds it");
            stuck.push(peer);
        }
        assert_eq!(bench.server.open(), WEBSOCKETS);
        let (peer, took) = timed(bench.websocket("/echo")).await;
        assert!(took <= SECOND * 15, "{took:?}");
        leave(peer).await;
        Timer::after_secs(15).await;
        let stuck =
            bench.log.borrow().iter().filter(|end| **end == Err(Error::TimedOut(Waited::Send))).count();
        assert_eq!((stuck, bench.log.borrow().len()), (WEBSOCKETS, WEBSOCKETS + 1));
        bench.assert_recovered().await;
    });
}

#[test]
fn who_dawdles_but_reads_is_kept() {
    let bench = Bench::new(10);
    bench.net.run(async {
        let mut peer = bench.websocket("/flood").await;
        let mut octets = Vec::new();
        for _ in 0..20 {
            Timer::after_secs(8).await;
            for _ in 0..6 {
                octets.extend(peer.receive().await.unwrap().payload);
            }
        }
        assert!(octets.chunks(1000).all(|message| PAGE.starts_with(message)));
        assert_eq!(bench.server.open(), 1);
    });
}

#[test]
fn who_does_not_answer_a_close_is_given_up() {
    let bench = Bench::new(11);
    bench.net.run(async {
        let mut peer = bench.websocket("/bye").await;
        let start = Instant::now();
        assert_eq!(peer.receive().await, Ok(Frame::close(1000, "")));
        // TCP is ended all the same, in good order as far as that goes.
        let end = peer.read().await;
        assert!(start.elapsed() <= SECOND * 15, "{:?}", start.elapsed());
        assert_eq!(end, Err(Ended::Closed));
        Timer::after_secs(5).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn who_answers_pings_stays_for_an_hour_and_who_does_not_is_found() {
    let bench = Bench::new(12);
    bench.net.run(async {
        let mut faithful = bench.websocket("/echo").await;
        let mut mute = bench.websocket("/echo").await;
        let start = Instant::now();
        while start.elapsed() < SECOND * 3600 {
            let ping = faithful.receive().await.unwrap();
            assert_eq!(ping.opcode, crate::common::frames::PING);
            faithful.send(&Frame::new(crate::common::frames::PONG, ping.payload).masked()).await.unwrap();
            if start.elapsed() > SECOND * 50 {
                assert_eq!(bench.server.open(), 1);
            }
        }
        assert_eq!(mute.receive().await.unwrap().opcode, crate::common::frames::PING);
        assert!(mute.receive().await.is_err());
        assert_eq!(*bench.log.borrow(), [Err(Error::TimedOut(Waited::Pong))]);
        leave(faithful).await;
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}
