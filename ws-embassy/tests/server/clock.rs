//! Deadlines while the tick of 32 bits wraps, after 49.7 days.

use embassy_time::{Duration, Instant, Timer};

use crate::common::Net;
use crate::common::frames::{self, Frame, PING, PONG};
use crate::{Bench, SOCKETS, converse, leave, parts, timed};
use ws_embassy::server::Settings;
use ws_embassy::{Error, Waited};

const SECOND: Duration = Duration::from_secs(1);
const WRAP: Instant = Instant::from_millis(1 << 32);

/// A server that is started 10 s before the tick wraps.
fn late(seed: u64) -> Bench {
    let net = Net::new(seed);
    net.set_limit(Duration::from_secs(60 * 86_400));
    net.run(Timer::at(WRAP - SECOND * 10));
    Bench::on(net, Settings::for_sockets(SOCKETS))
}

#[test]
fn the_heartbeat_goes_on() {
    let bench = late(1);
    bench.net.run(async {
        let mut peer = bench.websocket("/echo").await;
        let start = Instant::now();
        assert!(start < WRAP);
        for beat in 1..=4 {
            let ping = peer.receive().await.unwrap();
            assert_eq!(ping.opcode, PING);
            let took = start.elapsed();
            assert!(took >= SECOND * 30 * beat && took < SECOND * (30 * beat + 1), "{took:?}");
            peer.send(&Frame::new(PONG, ping.payload).masked()).await.unwrap();
            converse(&mut peer).await.unwrap();
        }
        assert!(Instant::now() > WRAP);
        leave(peer).await;
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_dead_peer_is_found() {
    let bench = late(2);
    bench.net.run(async {
        let _mute = bench.websocket("/echo").await;
        let start = Instant::now();
        while bench.server.open() > 0 {
            Timer::after_millis(100).await;
        }
        let took = start.elapsed();
        assert!(took >= SECOND * 40 && took <= SECOND * 45, "{took:?}");
        assert_eq!(*bench.log.borrow(), [Err(Error::TimedOut(Waited::Pong))]);
    });
}

#[test]
fn a_request_has_ten_seconds() {
    let bench = late(3);
    bench.net.run(async {
        Timer::after_secs(5).await;
        let mut peer = bench.connect().await;
        peer.write_all("GET / HT").await.unwrap();
        let (head, took) = timed(peer.read_head()).await;
        assert!(head.unwrap().starts_with("HTTP/1.1 408 "));
        assert!(took > SECOND * 9 && took < SECOND * 11, "{took:?}");
        assert!(Instant::now() > WRAP);
    });
}

#[test]
fn a_request_in_time_is_answered() {
    let bench = late(4);
    bench.net.run(async {
        Timer::at(WRAP - SECOND * 2).await;
        let mut peer = bench.connect().await;
        let request = frames::request("10.0.0.2", "/echo", "");
        peer.write_all(&request[..20]).await.unwrap();
        Timer::at(WRAP + SECOND * 2).await;
        peer.write_all(&request[20..]).await.unwrap();
        assert!(peer.read_head().await.unwrap().starts_with("HTTP/1.1 101 "));
        converse(&mut peer).await.unwrap();
        leave(peer).await;
    });
}

#[test]
fn who_takes_nothing_is_given_up() {
    let bench = late(5);
    bench.net.run(async {
        Timer::after_secs(5).await;
        let _stuck = bench.websocket("/flood").await;
        let start = Instant::now();
        while bench.server.open() > 0 {
            assert_eq!(parts(&bench.get("/").await.unwrap()).0, 200);
            Timer::after_millis(100).await;
        }
        assert!(start.elapsed() >= SECOND * 10 && start.elapsed() <= SECOND * 15, "{:?}", start.elapsed());
        assert_eq!(*bench.log.borrow(), [Err(Error::TimedOut(Waited::Send))]);
    });
}

#[test]
fn clients_come_and_go_as_before() {
    let bench = late(6);
    bench.net.run(async {
        while Instant::now() < WRAP + SECOND * 10 {
            let mut peer = bench.connect().await;
            peer.open("/echo").await.unwrap();
            converse(&mut peer).await.unwrap();
            leave(peer).await;
        }
        Timer::after_secs(1).await;
        bench.assert_recovered().await;
    });
    assert_eq!(bench.resets().1, 1, "for the one client too many at the end");
}
