//! Bad weather on the Ethernet: frames lost, doubled, late, and all of it; windows that close; cables and links.

use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::common::frames::{BINARY, CLOSE, Frame, PING, PONG};
use crate::common::{Conditions, Net, Peer};
use crate::{Messages, PORT, QUIET, echo, exchange, leave, messages, messages_are, payload, serve_one};
use ws_embassy::transport::{ROOM_MIN, WriteHalf};
use ws_embassy::{CloseCode, Error, Kind, Options, Server, Waited, tcp};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

/// Messages of many sizes there and back.
fn talk(seed: u64, conditions: Conditions, ring: usize, number: usize) -> Net {
    let net = Net::new(seed);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (ring, ring), QUIET, async |ws| echo(ws, 512).await);
    let sent: Vec<_> = (0..number).map(|number| (BINARY, payload(number * 37 % 1500, number))).collect();
    let octets: Vec<u8> =
        sent.iter().flat_map(|(_, payload)| Frame::binary(payload.clone()).masked().encode()).collect();
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        net.set_conditions(conditions);
        let frames = exchange(&mut peer, &octets, messages_are(sent.len())).await;
        assert!(messages(&frames) == sent, "seed {seed}, ring of {ring}");
        net.calm();
        Timer::after_secs(3).await;
        assert_eq!(leave(peer, served).await, Ok(()));
    });
    net
}

#[test]
fn nothing_is_lost_whatever_the_weather() {
    for seed in 1..=5 {
        for ring in [100, 1460, 2920] {
            talk(seed, Conditions { loss: 30, ..Conditions::default() }, ring, 60);
            talk(seed, Conditions { reordering: 100, ..Conditions::default() }, ring, 60);
            talk(seed, Conditions { duplication: 100, ..Conditions::default() }, ring, 60);
            let all = Conditions { loss: 10, reordering: 50, duplication: 50, ..Conditions::default() };
            talk(seed, all, ring, 60);
        }
    }
}

#[test]
fn a_long_session_outlives_one_frame_in_a_hundred_lost() {
    let net = talk(6, Conditions { loss: 10, ..Conditions::default() }, 2920, 2000);
    let lost =
        net.capture().iter().filter(|record| record.fate == crate::common::capture::Fate::Lost).count();
    assert!(lost > 20, "{lost} frames lost");
}

#[test]
fn the_heartbeat_outlives_an_hour_with_one_frame_in_a_hundred_lost() {
    let net = Net::new(7);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| echo(ws, 512).await);
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        net.set_conditions(Conditions { loss: 10, ..Conditions::default() });
        let start = Instant::now();
        let mut beats = 0;
        while start.elapsed() < SECOND * 3600 {
            let ping = peer.receive().await.unwrap();
            assert_eq!(ping.opcode, PING);
            peer.send(&Frame::new(PONG, ping.payload).masked()).await.unwrap();
            beats += 1;
        }
        assert_eq!(beats, 120);
        net.calm();
        Timer::after_secs(3).await;
        assert_eq!(leave(peer, served).await, Ok(()));
    });
}

#[test]
fn a_peer_that_never_reads_is_given_up_after_the_send_timeout() {
    let net = Net::new(8);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| {
        let start = Instant::now();
        loop {
            if let Err(error) = ws.send_binary(&[7; 500]).await {
                break (error, start.elapsed(), ws.send_binary(b"more").await);
            }
        }
    });
    net.run(async {
        let _stuck = Peer::websocket(&client, &server, PORT, "/").await;
        let (error, took, later) = served.await;
        assert_eq!(error, Error::TimedOut(Waited::Send));
        assert!(took >= SECOND * 10 && took < SECOND * 11, "{took:?}");
        assert!(later.is_err(), "the connection is lost");
    });
    assert!(net.sent(&client).zero_window > 0);
}

/// Whatever a caller with less patience does meanwhile, and though there is room, if too little for a Ping.
#[test]
fn calls_made_again_do_not_put_off_that_it_is_given_up() {
    for calls in [
        "a ping",
        "a close",
        "data, and a flush",
        "a ping, and a piece of nothing",
        "a ping, and a short one",
    ] {
        let net = Net::new(8);
        let (client, server) = (net.host(), net.host());
        let served = serve_one(&net, &server, (512, 8192), QUIET, async move |ws| {
            let (bytes, long) = ([7; 100], "for an update, ".repeat(7));
            ws.send(Kind::Binary, &mut &[7; 7000][..], true).await.expect("room in the ring");
            Timer::after_secs(1).await; // the peer has what it takes
            while with_timeout(MOMENT, ws.ping(&bytes)).await.is_ok() {}
            let start = Instant::now();
            loop {
                let call = async {
                    match calls {
                        "a close" => ws.split().1.close(CloseCode::GOING_AWAY, &long).await,
                        "data, and a flush" => ws.send(Kind::Binary, &mut &bytes[..], true).await,
                        _ => ws.ping(&bytes).await,
                    }
                };
                if let Ok(Err(error)) = with_timeout(SECOND, call).await {
                    break (error, start.elapsed());
                }
                let second = async {
                    match calls {
                        "data, and a flush" => ws.flush().await,
                        "a ping, and a piece of nothing" => ws.send(Kind::Binary, &mut &[][..], false).await,
                        "a ping, and a short one" => ws.ping(b"").await,
                        _ => Ok(()),
                    }
                };
                assert!(second.await.is_ok(), "{calls}");
                assert!(start.elapsed() < SECOND * 60, "{calls}");
            }
        });
        net.run(async {
            let mut peer = Peer::new(&client, 1024, 512);
            peer.socket.connect((server.address, PORT)).await.unwrap();
            peer.open("/").await.unwrap();
            let (error, took) = served.await;
            assert_eq!(error, Error::TimedOut(Waited::Send), "{calls}");
            assert!(took >= SECOND * 9 && took <= SECOND * 11, "{calls}: {took:?}");
        });
    }
}

/// What the writing half says of the peer, asked by hand.
#[test]
fn what_arrives_is_taken_and_nothing_is_as_good() {
    let net = Net::new(15);
    let (client, server) = (net.host(), net.host());
    let served = net.spawn({
        let stack = server.stack;
        async move {
            let (mut receive, mut send) = ([0; 64], [0; 64]);
            let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
            socket.accept(PORT).await.expect("a new socket listens");
            let (_, mut writer) = tcp::split(&mut socket);
            assert!(writer.has_taken() && writer.has_taken(), "nothing is on its way");
            for length in [ROOM_MIN, 60 - ROOM_MIN] {
                writer.write_with(|_| (length, ())).await.expect("room");
                assert!(!writer.has_taken(), "it had no time to arrive");
            }
            writer.write_with(|room| (room.len(), ())).await.expect("room, in part beside the ring");
            assert!(!writer.has_taken());
            Timer::after_secs(1).await;
            assert!(writer.has_taken(), "what was in the ring");
            assert!(!writer.has_taken(), "once");
            writer.flush().await.expect("the rest, into the ring");
            assert!(!writer.has_taken(), "it had no time to arrive");
            Timer::after_secs(1).await;
            assert!(writer.has_taken() && writer.has_taken());
        }
    });
    net.run(async {
        let mut peer = Peer::new(&client, 1024, 512);
        peer.socket.connect((server.address, PORT)).await.unwrap();
        served.await;
    });
}

/// What a peer gets that reads a KiB each 4 s, behind `ahead` octets that fill a ring of 8 KiB to that degree; and how it went.
/// All of the ring takes such a peer longer than the 10 s that one is given who takes nothing; but it takes something.
fn to_a_slow_peer(
    ahead: usize,
    say: impl AsyncFnOnce(&mut tcp::WebSocket<'_, Server>) -> Result<(), tcp::Error> + 'static,
) -> (Messages, Result<(), tcp::Error>) {
    let net = Net::new(13);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (512, 8192), QUIET, async move |ws| {
        ws.send(Kind::Binary, &mut &payload(ahead, 0)[..], true).await?;
        Timer::after_secs(1).await;
        let said = say(ws).await;
        Timer::after_secs(60).await; // the end of TCP has less patience
        said
    });
    net.run(async {
        let mut peer = Peer::new(&client, 1024, 512);
        peer.socket.connect((server.address, PORT)).await.unwrap();
        peer.open("/").await.unwrap();
        let (mut came, mut frames) = (Vec::new(), Vec::new());
        // Until the server ends TCP.
        loop {
            Timer::after_secs(4).await;
            let Ok(octets) = peer.read().await else { break };
            came.extend(octets);
            while let Some((frame, length)) = Frame::decode(&came) {
                frames.push(frame);
                came.drain(..length);
            }
        }
        let _ = peer.close().await;
        (messages(&frames), served.await)
    })
}

#[test]
fn a_slow_peer_gets_a_ping() {
    for ahead in (7800..8190).step_by(20) {
        let (came, went) = to_a_slow_peer(ahead, async |ws| ws.ping(&[1; 100]).await);
        assert_eq!(went, Ok(()), "behind {ahead} octets");
        assert!(came == [(BINARY, payload(ahead, 0)), (PING, vec![1; 100])], "behind {ahead} octets");
    }
}

/// Also from a caller who has only ever two seconds for it, between which the peer takes what it takes.
#[test]
fn a_slow_peer_gets_a_ping_in_several_calls() {
    for ahead in (7800..8190).step_by(20) {
        let (came, went) = to_a_slow_peer(ahead, async |ws| {
            loop {
                if let Ok(result) = with_timeout(SECOND * 2, ws.ping(&[1; 100])).await {
                    break result;
                }
                Timer::after_secs(2).await;
            }
        });
        assert_eq!(went, Ok(()), "behind {ahead} octets");
        assert!(came == [(BINARY, payload(ahead, 0)), (PING, vec![1; 100])], "behind {ahead} octets");
    }
}

/// Behind a ring that is full. What a peer takes of it may be too little room for a Ping, where the ring ends, and counts all the same.
#[test]
fn a_slow_peer_gets_pings_wherever_the_ring_is_full() {
    let net = Net::new(14);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (512, 2048), QUIET, async |ws| {
        for _ in 0..100 {
            let filled = with_timeout(MOMENT, ws.send(Kind::Binary, &mut &[0; 3000][..], false)).await;
            assert!(filled.is_err(), "all of the ring");
            ws.ping(&[1; 100]).await?;
        }
        Ok::<_, tcp::Error>(())
    });
    net.run(async {
        let mut peer = Peer::new(&client, 777, 512);
        peer.socket.connect((server.address, PORT)).await.unwrap();
        peer.open("/").await.unwrap();
        while !served.is_finished() {
            Timer::after_secs(7).await;
            while with_timeout(MOMENT, peer.read()).await.is_ok_and(|octets| octets.is_ok()) {}
        }
        assert_eq!(served.await, Ok(()));
    });
}

#[test]
fn a_slow_peer_gets_a_close_with_a_reason() {
    const REASON: &str = "going for an update";
    for ahead in (7800..8190).step_by(5) {
        let (came, went) =
            to_a_slow_peer(ahead, async |ws| ws.split().1.close(CloseCode::GOING_AWAY, REASON).await);
        assert_eq!(went, Ok(()), "behind {ahead} octets");
        let close = (CLOSE, Frame::close(1001, REASON).payload);
        assert!(came == [(BINARY, payload(ahead, 0)), close], "behind {ahead} octets");
    }
}

#[test]
fn a_slow_peer_gets_data() {
    for ahead in (7800..8190).step_by(20) {
        let (came, went) = to_a_slow_peer(ahead, async |ws| ws.send_binary(&payload(20_000, 1)).await);
        assert_eq!(went, Ok(()), "behind {ahead} octets");
        assert!(came == [(BINARY, payload(ahead, 0)), (BINARY, payload(20_000, 1))], "behind {ahead} octets");
    }
}

#[test]
fn a_window_that_closes_for_a_while_costs_nothing() {
    let net = Net::new(9);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), QUIET, async |ws| echo(ws, 512).await);
    net.run(async {
        let mut peer = Peer::new(&client, 1460, 30_000);
        peer.socket.connect((server.address, PORT)).await.unwrap();
        peer.open("/").await.unwrap();
        for _ in 0..5 {
            peer.send(&Frame::binary(payload(20_000, 0)).masked()).await.unwrap();
            Timer::after_secs(8).await; // all rings are full by now
            let frames = exchange(&mut peer, &[], messages_are(1)).await;
            assert!(messages(&frames) == [(BINARY, payload(20_000, 0))]);
        }
        assert!(net.sent(&client).zero_window > 0);
        assert_eq!(leave(peer, served).await, Ok(()));
    });
}

#[test]
fn a_connection_outlives_a_cable_that_is_loose_and_a_link_that_is_away_for_a_while() {
    let net = Net::new(10);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), QUIET, async |ws| echo(ws, 512).await);
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        for host in [&client, &server] {
            host.cut();
            peer.send(&Frame::text("in the dark").masked()).await.unwrap();
            Timer::after_secs(5).await;
            host.mend();
            assert_eq!(peer.receive().await, Ok(Frame::text("in the dark")));
            host.link_down();
            peer.send(&Frame::text("unlinked").masked()).await.unwrap();
            Timer::after_secs(5).await;
            host.link_up();
            assert_eq!(peer.receive().await, Ok(Frame::text("unlinked")));
        }
        assert_eq!(leave(peer, served).await, Ok(()));
    });
}

#[test]
fn a_cut_cable_is_found_by_the_heartbeat() {
    let net = Net::new(11);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| {
        let start = Instant::now();
        (echo(ws, 512).await, start.elapsed())
    });
    net.run(async {
        let _peer = Peer::websocket(&client, &server, PORT, "/").await;
        client.cut();
        let (ended, took) = served.await;
        assert_eq!(ended, Err(Error::TimedOut(Waited::Pong)));
        assert!(took >= SECOND * 40 - Duration::from_millis(50) && took < SECOND * 41, "{took:?}");
    });
}

#[test]
fn half_closed_behind_its_last_frame_a_peer_gets_all_of_the_answer() {
    for ring in [64, 1460] {
        for size in [0, 1, 100, 1460, 20_000] {
            let net = Net::new(12);
            let (client, server) = (net.host(), net.host());
            let served =
                serve_one(&net, &server, (ring, ring), Options::DEFAULT, async |ws| echo(ws, 512).await);
            net.run(async {
                let mut peer = Peer::new(&client, 4096, 30_000);
                peer.socket.connect((server.address, PORT)).await.unwrap();
                peer.open("/").await.unwrap();
                peer.send(&Frame::binary(payload(size, 0)).masked()).await.unwrap();
                peer.half_close();
                let frames = exchange(&mut peer, &[], messages_are(1)).await;
                assert!(messages(&frames) == [(BINARY, payload(size, 0))], "{size} octets, ring of {ring}");
                assert_eq!(served.await, Err(Error::Lost));
                peer.close().await.unwrap();
            });
            assert_eq!(crate::resets(&net, [&client, &server]), 0);
        }
    }
}
