//! Clients that vanish: in every phase, in every manner. Not one socket is lost to them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::common::frames::{self, Frame};
use crate::common::peer::Ended;
use crate::common::{Conditions, Peer, Verdict};
use crate::{Bench, WEBSOCKETS, converse, end, leave, parts};
use ws_embassy::{Error, Waited};

const SECOND: Duration = Duration::from_secs(1);

/// How far a client gets before it vanishes.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Connected,
    InTheHead,
    /// The request is sent, and 101 on its way.
    Asked,
    Open,
    /// Behind the first octets of a frame's header.
    InTheHeader,
    InTheFrame,
    /// Behind a whole frame that begins a message.
    InTheMessage,
    /// The echo of a long message is on its way.
    Echoed,
    /// Flooded, and not reading.
    Flooded,
    /// Behind its Close.
    Closed,
    /// Behind the server's Close.
    ServerClosed,
    /// Behind a page's first octets.
    InThePage,
}

const PHASES: [Phase; 12] = [
    Phase::Connected,
    Phase::InTheHead,
    Phase::Asked,
    Phase::Open,
    Phase::InTheHeader,
    Phase::InTheFrame,
    Phase::InTheMessage,
    Phase::Echoed,
    Phase::Flooded,
    Phase::Closed,
    Phase::ServerClosed,
    Phase::InThePage,
];

/// In which manner.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Reset,
    /// Without a word, but its host says so when it is asked.
    Forgotten,
    /// Without a word, for ever.
    Silent,
    /// FIN, without a Close; it still reads.
    Fin,
}

const MANNERS: [Manner; 4] = [Manner::Reset, Manner::Forgotten, Manner::Silent, Manner::Fin];

/// The ports of clients that nothing comes from or gets to.
type Dead = Rc<RefCell<BTreeSet<u16>>>;

fn bury(bench: &Bench) -> Dead {
    let dead = Dead::default();
    let theirs = dead.clone();
    bench.net.script(move |frame| match frame.segment {
        Some(segment)
            if [segment.source.1, segment.destination.1]
                .iter()
                .any(|port| theirs.borrow().contains(port)) =>
        {
            Verdict::Drop
        }
        _ => Verdict::Pass,
    });
    dead
}

/// A client that has got as far as `phase`.
async fn get_to(bench: &Bench, phase: Phase) -> Result<Peer, Ended> {
    let peer = match phase {
        Phase::Connected => bench.connect().await,
        Phase::InTheHead => {
            let mut peer = bench.connect().await;
            peer.write_all("GET /echo HTTP/1.1\r\nHo").await?;
            peer
        }
        Phase::Asked => {
            let mut peer = bench.connect().await;
            peer.write_all(frames::request("10.0.0.2", "/echo", "")).await?;
            peer
        }
        Phase::InThePage => {
            let mut peer = bench.connect().await;
            peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await?;
            peer.read_exact(1000).await?;
            peer
        }
        Phase::ServerClosed => {
            let mut peer = bench.websocket("/bye").await;
            peer.receive().await?;
            peer
        }
        Phase::Flooded => {
            let mut peer = bench.websocket("/flood").await;
            peer.receive().await?;
            peer
        }
        Phase::Open
        | Phase::InTheHeader
        | Phase::InTheFrame
        | Phase::InTheMessage
        | Phase::Echoed
        | Phase::Closed => {
            let mut peer = bench.websocket("/echo").await;
            let frame = Frame::binary([7; 3000]).masked().encode();
            match phase {
                Phase::InTheHeader => peer.write_all(&frame[..3]).await?,
                Phase::InTheFrame => peer.write_all(&frame[..1000]).await?,
                Phase::InTheMessage => peer.send(&Frame::text("half").more().masked()).await?,
                Phase::Echoed => peer.write_all(&frame).await?,
                Phase::Closed => peer.send(&Frame::close(1000, "").masked()).await?,
                _ => converse(&mut peer).await?,
            }
            peer
        }
    };
    Ok(peer)
}

async fn vanish(mut peer: Peer, manner: Manner, dead: &Dead) {
    match manner {
        Manner::Reset => peer.abort().await,
        Manner::Forgotten => drop(peer),
        Manner::Silent => {
            dead.borrow_mut().insert(peer.port());
        }
        Manner::Fin => {
            // The server ends it, or is at its end already; but for one that talks and listens to nothing.
            let _ = with_timeout(SECOND, end(peer)).await;
        }
    }
}

#[test]
fn a_hundred_clients_vanish_and_no_socket_is_lost() {
    let bench = Bench::new(1);
    let dead = bury(&bench);
    let mut vanished = 0;
    bench.net.run(async {
        for pause in [0, 7, 300] {
            for phase in PHASES {
                for manner in MANNERS {
                    let peer = get_to(&bench, phase).await.unwrap_or_else(|end| panic!("{phase:?}: {end}"));
                    // Its last words may have arrived, or be on their way.
                    Timer::after_millis(pause).await;
                    vanish(peer, manner, &dead).await;
                    vanished += 1;
                    assert!(bench.server.open() <= WEBSOCKETS);
                }
            }
        }
        Timer::after_secs(60).await;
        bench.assert_recovered().await;
    });
    assert_eq!(vanished, 144);
}

/// The same while frames are lost, doubled and late, so that what a client says last arrives in part, twice, or never.
#[test]
fn a_hundred_clients_vanish_in_bad_weather_and_no_socket_is_lost() {
    for seed in 20..23 {
        let bench = Bench::new(seed);
        let dead = bury(&bench);
        bench.net.set_conditions(Conditions {
            loss: 30,
            duplication: 30,
            reordering: 50,
            ..Default::default()
        });
        bench.net.run(async {
            for phase in PHASES {
                for manner in MANNERS {
                    // Some are given up by the server before they get so far.
                    if let Ok(peer) = get_to(&bench, phase).await {
                        vanish(peer, manner, &dead).await;
                    }
                    assert!(bench.server.open() <= WEBSOCKETS);
                }
            }
            bench.net.set_conditions(Conditions::default());
            Timer::after_secs(60).await;
            bench.assert_recovered().await;
        });
        assert!(bench.net.sent(&bench.host).lost > 10);
    }
}

/// Each alone, so that one which frees the socket late is named.
#[test]
fn every_phase_and_manner_frees_the_socket_in_time() {
    for phase in PHASES {
        for manner in MANNERS {
            let bench = Bench::new(2);
            let dead = bury(&bench);
            bench.net.run(async {
                let peer = get_to(&bench, phase).await.unwrap_or_else(|end| panic!("{phase:?}: {end}"));
                vanish(peer, manner, &dead).await;
                let start = Instant::now();
                Timer::after_millis(1).await;
                while bench.server.open() > 0 && start.elapsed() < SECOND * 100 {
                    Timer::after_millis(100).await;
                }
                let took = start.elapsed();
                // A heartbeat and its answer, or 10 s for a write; then 4 s to end it. A host that says so is believed.
                let most = match manner {
                    Manner::Silent => SECOND * 45,
                    Manner::Forgotten => SECOND * 35,
                    Manner::Reset | Manner::Fin => SECOND * 2,
                };
                assert!(took <= most, "{phase:?} {manner:?}: {took:?}");
                Timer::after_secs(16).await;
                bench.assert_recovered().await;
            });
        }
    }
}

#[test]
fn a_cut_cable_is_found_by_the_heartbeat() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let mut peers = Vec::new();
        for _ in 0..WEBSOCKETS {
            peers.push(bench.websocket("/echo").await);
        }
        let start = Instant::now();
        bench.clients.cut();
        while bench.server.open() > 0 {
            Timer::after_millis(100).await;
        }
        let took = start.elapsed();
        assert!(took > SECOND * 39 && took < SECOND * 45, "{took:?}");
        assert_eq!(*bench.log.borrow(), [Err(Error::TimedOut(Waited::Pong)); WEBSOCKETS]);
        drop(peers);
        bench.clients.mend();
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_link_that_is_lost_and_found_does_not_cost_the_connections() {
    let bench = Bench::new(4);
    bench.net.run(async {
        let mut peer = bench.websocket("/echo").await;
        bench.host.link_down();
        peer.send(&Frame::text("meanwhile").masked()).await.unwrap();
        Timer::after_secs(8).await;
        bench.host.link_up();
        assert_eq!(peer.receive().await, Ok(Frame::text("meanwhile")));
        converse(&mut peer).await.unwrap();
        leave(peer).await;
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_link_that_stays_away_frees_the_sockets_and_serves_again_when_it_is_back() {
    let bench = Bench::new(5);
    bench.net.run(async {
        let mut peers = Vec::new();
        for _ in 0..WEBSOCKETS {
            peers.push(bench.websocket("/echo").await);
        }
        bench.host.link_down();
        Timer::after_secs(60).await;
        assert_eq!(bench.server.open(), 0);
        bench.host.link_up();
        Timer::after_secs(5).await;
        for mut peer in peers {
            // The server may have had no way to tell them; then they learn it when they speak.
            let _ = peer.send(&Frame::text("hello?").masked()).await;
            while let Ok(frame) = peer.receive().await {
                assert_eq!(frame.opcode, frames::PING);
            }
        }
        bench.assert_recovered().await;
    });
}

#[test]
fn the_server_may_start_before_there_is_a_link() {
    let bench = Bench::new(6);
    bench.host.link_down();
    bench.net.run(async {
        Timer::after_secs(100).await;
        bench.host.link_up();
        assert_eq!(parts(&bench.get("/").await.unwrap()).0, 200);
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn forged_resets_in_the_middle_are_survived() {
    let bench = Bench::new(7);
    bench.net.run(async {
        for _ in 0..10 {
            let mut peer = bench.websocket("/echo").await;
            peer.write_all(&Frame::binary([7; 3000]).masked().encode()[..1000]).await.unwrap();
            Timer::after_millis(50).await;
            bench.net.inject_reset(&bench.host, crate::PORT);
            Timer::after_millis(50).await;
            assert_eq!(bench.server.open(), 0);
        }
        assert!(
            bench.log.borrow().iter().all(|end| matches!(end, Err(Error::Io(_)))),
            "{:?}",
            bench.log.borrow()
        );
        bench.assert_recovered().await;
    });
}

#[test]
fn half_closed_behind_its_last_frames_a_client_gets_all_it_asked_for() {
    let bench = Bench::new(8);
    bench.net.run(async {
        let mut peer = bench.websocket("/echo").await;
        for number in 0..20 {
            peer.send(&Frame::text(&format!("{number}")).masked()).await.unwrap();
        }
        peer.half_close();
        for number in 0..20 {
            assert_eq!(peer.receive().await, Ok(Frame::text(&format!("{number}"))));
        }
        // The other end had no Close from this one, and nothing more to say.
        assert_eq!(peer.read_to_end().await, Ok(Vec::new()));
        assert_eq!(*bench.log.borrow(), [Err(Error::Lost)]);
        Timer::after_millis(100).await;
        assert_eq!(bench.resets(), (0, 0));
        bench.assert_recovered().await;
    });
}

#[test]
fn half_closed_behind_its_close_a_client_gets_the_answer() {
    let bench = Bench::new(9);
    bench.net.run(async {
        let mut peer = bench.websocket("/echo").await;
        peer.send(&Frame::text("last").masked()).await.unwrap();
        peer.send(&Frame::close(1001, "bye").masked()).await.unwrap();
        peer.half_close();
        assert_eq!(peer.receive().await, Ok(Frame::text("last")));
        assert_eq!(peer.receive().await.unwrap().close_code(), Some(1001));
        assert_eq!(peer.read_to_end().await, Ok(Vec::new()));
        assert_eq!(*bench.log.borrow(), [Ok(())]);
        Timer::after_millis(100).await;
        assert_eq!(bench.resets(), (0, 0));
    });
}

#[test]
fn half_closed_behind_its_request_a_client_gets_the_page() {
    let bench = Bench::new(10);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        peer.write_all("GET /page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
        peer.half_close();
        let answer = String::from_utf8(peer.read_to_end().await.unwrap()).unwrap();
        assert_eq!(parts(&answer).0, 200);
        Timer::after_millis(100).await;
        assert_eq!(bench.resets(), (0, 0));
    });
}
