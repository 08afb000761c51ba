//! Sessions that end in every way, and how long the client then waits.

use std::cell::Cell;
use std::rc::Rc;

use embassy_net::tcp as net_tcp;
use embassy_time::{Duration, Instant, Timer};
use ws_embassy::client::{Backoff, Error, Event, Session, Step};
use ws_embassy::{Config, Options, PeerError, Timeouts, UsageError, Waited, tcp};

use crate::common::frames::Frame;
use crate::common::{Net, Peer};
use crate::{Dice, PORT, URL, accepting, answer_with, client, hello, hosts, refusal, serve, start};

const MINUTE: Duration = Duration::from_secs(60);

/// The longest wait behind so many failures, by [`Backoff::DEFAULT`].
fn span(failures: usize) -> Duration {
    Duration::from_secs((1 << failures.min(6)).min(60))
}

const fn is_failure(event: &Event) -> bool {
    matches!(event, Event::Failed(_))
}

#[test]
fn a_server_that_closes_is_opened_again() {
    let net = Net::new(1);
    let (host, server) = hosts(&net);
    let (diary, _) = start(&net, &host, client(URL), 1, hello);
    net.run(async {
        for _ in 0..3 {
            let (mut peer, _) = answer_with(&server, accepting("")).await;
            assert_eq!(peer.receive().await.unwrap().payload, b"hello");
            peer.send(&Frame::close(1001, "away")).await.unwrap();
            assert_eq!(peer.receive().await.unwrap().close_code(), Some(1001));
            peer.close().await.unwrap();
            diary.until(diary.opened(), |event| *event == Event::Ended(Ok(()))).await;
        }
    });
    assert_eq!((net.sent(&host).rst, net.sent(&server).rst), (0, 0));
    assert_eq!(diary.opened(), 3);
    let wait = Event::Waiting(diary.waits()[0]);
    assert_eq!(diary.events()[..4], [Event::Opened, Event::Ended(Ok(())), wait, Event::Opened]);
}

#[test]
fn a_session_that_returns_is_closed_in_order() {
    let net = Net::new(2);
    let (host, server) = hosts(&net);
    // It returns in the middle of a message from the server, and gives an error of its own.
    let (diary, _) = start(&net, &host, client(URL), 1, async |session: &mut Session<'_, Dice>| {
        session.ws.send_text("hello").await?;
        let first = session.ws.read(session.buf).await?.expect("an echo");
        assert!(!first.last);
        Err(UsageError::UnfinishedMessage.into())
    });
    net.run(async {
        let (mut peer, _) = answer_with(&server, accepting("")).await;
        assert_eq!(peer.receive().await.unwrap().payload, b"hello");
        peer.send(&Frame::text("begun, ").more()).await.unwrap();
        assert_eq!(peer.receive().await.unwrap().close_code(), Some(1000));
        peer.send(&Frame::close(1000, "")).await.unwrap();
        peer.close().await.unwrap();
        let ended = Event::Ended(Err(UsageError::UnfinishedMessage.into()));
        diary.until(1, |event| *event == ended).await;
    });
    assert_eq!((net.sent(&host).rst, net.sent(&server).rst), (0, 0));
    assert_eq!((net.sent(&host).fin, net.sent(&server).fin), (1, 1));
}

#[test]
fn a_server_that_does_not_close_is_left_in_time() {
    // With the default deadline, and with none: nothing is waited for without end.
    for timeouts in [Timeouts::DEFAULT, Timeouts::OFF] {
        let net = Net::new(3);
        let (host, server) = hosts(&net);
        let options = Options { config: Config::DEFAULT.with_timeouts(timeouts), ..Options::DEFAULT };
        let client = client(URL).options(options);
        let (diary, _) = start(&net, &host, client, 1, async |_: &mut Session<'_, Dice>| Ok(()));
        net.run(async {
            let (mut peer, _) = answer_with(&server, accepting("")).await;
            assert_eq!(peer.receive().await.unwrap().close_code(), Some(1000));
            let opened = diary.until(1, |event| *event == Event::Opened).await;
            let ended = Event::Ended(Err(tcp::Error::TimedOut(Waited::Close)));
            assert_eq!((diary.until(1, |event| *event == ended).await - opened).as_secs(), 5);
            assert!(peer.read().await.is_err(), "a reset");
        });
        assert_eq!(net.sent(&host).rst, 1);
    }
}

#[test]
fn what_the_server_does_wrong_is_told_to_it_and_to_the_application() {
    let net = Net::new(4);
    let (host, server) = hosts(&net);
    let (diary, _) = start(&net, &host, client(URL), 1, hello);
    net.run(async {
        let (mut peer, _) = answer_with(&server, accepting("")).await;
        peer.receive().await.unwrap();
        peer.send(&Frame::text("masked").masked()).await.unwrap();
        assert_eq!(peer.receive().await.unwrap().close_code(), Some(1002));
        peer.close().await.unwrap();
        let ended = Event::Ended(Err(tcp::Error::Peer(PeerError::MaskedFrame)));
        diary.until(1, |event| *event == ended).await;
    });
    assert_eq!(net.sent(&host).rst, 0);
}

#[test]
fn connections_that_are_lost_are_found_out() {
    // Reset; ended without a Close; vanished, so that the next Ping is answered by a reset.
    for case in 0..3 {
        let net = Net::new(5);
        let (host, server) = hosts(&net);
        let (diary, _) = start(&net, &host, client(URL), 1, hello);
        net.run(async {
            let (mut peer, _) = answer_with(&server, accepting("")).await;
            peer.receive().await.unwrap();
            let expected = match case {
                0 => {
                    peer.abort().await;
                    tcp::Error::Io(net_tcp::Error::ConnectionReset)
                }
                1 => {
                    peer.close().await.unwrap();
                    tcp::Error::Lost
                }
                _ => {
                    Timer::after_secs(1).await; // all is acknowledged
                    drop(peer);
                    tcp::Error::Io(net_tcp::Error::ConnectionReset)
                }
            };
            serve(&net, &server);
            let ended = diary.until(1, |event| *event == Event::Ended(Err(expected))).await;
            assert_eq!(ended.as_secs() >= 30, case == 2, "{ended}");
            diary.until(2, |event| *event == Event::Opened).await;
        });
    }
}

#[test]
fn a_cut_cable_is_found_by_the_heartbeat_and_the_client_is_back_behind_it() {
    let net = Net::new(6);
    let (host, server) = hosts(&net);
    serve(&net, &server);
    let (diary, _) = start(&net, &host, client(URL), 1, hello);
    net.run(async {
        let opened = diary.until(1, |event| *event == Event::Opened).await;
        Timer::at(opened + Duration::from_secs(100)).await;
        server.cut();
        let ended = Event::Ended(Err(tcp::Error::TimedOut(Waited::Pong)));
        let ended = diary.until(1, |event| *event == ended).await;
        // Pings go out each 30 s, and each has 10 s to be answered.
        assert_eq!((ended - opened).as_secs(), 130);
        diary.until(4, is_failure).await;
        server.mend();
        let mended = Instant::now();
        let back = diary.until(2, |event| *event == Event::Opened).await - mended;
        // An attempt under way succeeds with the next SYN; or a wait comes first.
        assert!(back <= span(4) + Duration::from_secs(10), "{back}");
    });
    // The connection of a minute and more counts for success.
    assert!(diary.waits()[0] <= span(0), "{:?}", diary.waits());
}

#[test]
fn a_server_that_takes_nothing_is_given_up() {
    let net = Net::new(7);
    let (host, server) = hosts(&net);
    let (diary, _) = start(&net, &host, client(URL), 1, async |session: &mut Session<'_, Dice>| {
        loop {
            session.ws.send_binary(&[0; 100]).await?;
        }
    });
    net.run(async {
        let (peer, _) = answer_with(&server, accepting("")).await;
        let opened = diary.until(1, |event| *event == Event::Opened).await;
        let ended = Event::Ended(Err(tcp::Error::TimedOut(Waited::Send)));
        assert_eq!((diary.until(1, |event| *event == ended).await - opened).as_secs(), 10);
        drop(peer);
    });
}

#[test]
fn waits_grow_are_random_and_have_an_end() {
    let mut all = Vec::new();
    for seed in 0..4 {
        let net = Net::new(8);
        let (host, _server) = hosts(&net);
        let (diary, _) = start(&net, &host, client(URL), seed, hello);
        net.run(diary.until(60, is_failure));
        let waits = diary.waits();
        for (failures, wait) in waits.iter().enumerate() {
            assert!(*wait <= span(failures), "{failures}: {wait}");
        }
        // Any part of 60 s: half of it in the mean, as good as never little.
        let late = &waits[8..];
        let mean = late.iter().map(|wait| wait.as_secs()).sum::<u64>() / late.len() as u64;
        assert!((20..40).contains(&mean), "{mean} {waits:?}");
        assert!(late.iter().any(|wait| *wait < Duration::from_secs(15)));
        assert!(late.iter().any(|wait| *wait > Duration::from_secs(45)));
        let failed = Event::Failed(Error::Connect(net_tcp::ConnectError::ConnectionReset));
        assert_eq!(diary.count(|event| *event == failed), 60);
        all.push(waits);
    }
    // Devices that lost the same server at once do not come back at once.
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn the_waits_are_as_they_were_asked_for() {
    let net = Net::new(9);
    let (host, _server) = hosts(&net);
    let backoff = Backoff { first: Duration::from_secs(8), max: Duration::from_secs(16), steady: MINUTE };
    let (diary, _) = start(&net, &host, client(URL).backoff(backoff), 1, hello);
    net.run(diary.until(50, is_failure));
    let waits = diary.waits();
    assert!(waits[0] <= Duration::from_secs(8) && waits.iter().all(|wait| *wait <= Duration::from_secs(16)));
    assert!(waits.iter().any(|wait| *wait > Duration::from_secs(12)), "{waits:?}");
}

#[test]
fn only_a_connection_that_lasts_makes_the_waits_short_again() {
    for (lasts, is_steady) in [(5, false), (61, true)] {
        let net = Net::new(10);
        let (host, server) = hosts(&net);
        let quiet = Options { config: Config::DEFAULT.with_timeouts(Timeouts::OFF), ..Options::DEFAULT };
        let (diary, _) = start(&net, &host, client(URL).options(quiet), 1, hello);
        net.run(async {
            // Each lasts as long, and then is closed by the server.
            for _ in 0..24 {
                let (mut peer, _) = answer_with(&server, accepting("")).await;
                peer.receive().await.unwrap();
                Timer::after_secs(lasts).await;
                peer.send(&Frame::close(1000, "")).await.unwrap();
                let _ = peer.close().await;
            }
            diary.until(24, |event| matches!(event, Event::Ended(_))).await;
        });
        let longest = diary.waits().into_iter().max().unwrap();
        assert_eq!(longest <= span(0), is_steady, "{:?}", diary.waits());
    }
}

#[test]
fn a_server_that_asks_for_time_is_given_it() {
    let cases = [
        ("503 Busy", "120", 120),
        ("429 Slow down", "7", 7),
        ("503 Busy", "99999999999", 3600),
        ("404 Not Found", "120", 0),
    ];
    for (line, seconds, at_least) in cases {
        let net = Net::new(11);
        let (host, server) = hosts(&net);
        let (diary, _) = start(&net, &host, client(URL), 1, hello);
        net.run(async {
            let fields = format!("Retry-After: {seconds}\r\n");
            let (mut peer, _) = answer_with(&server, |_| refusal(line, &fields)).await;
            peer.close().await.unwrap();
            let failed = diary.until(1, is_failure).await;
            let (_peer, _) = answer_with(&server, accepting("")).await;
            let opened = diary.until(1, |event| *event == Event::Opened).await;
            let waited = (opened - failed).as_secs();
            assert!((at_least..=at_least + 2).contains(&waited), "{line} {seconds}: {waited}");
        });
    }
}

#[test]
fn a_network_that_comes_back_does_not_undo_what_the_server_asked_for() {
    let net = Net::new(12);
    let (host, server) = hosts(&net);
    let (diary, _) = start(&net, &host, client(URL), 1, hello);
    net.run(async {
        let (mut peer, _) = answer_with(&server, |_| refusal("503 Busy", "Retry-After: 120\r\n")).await;
        peer.close().await.unwrap();
        let failed = diary.until(1, is_failure).await;
        Timer::after_secs(10).await;
        host.link_down();
        Timer::after_secs(10).await;
        host.link_up();
        let (_peer, _) = answer_with(&server, accepting("")).await;
        let opened = diary.until(1, |event| *event == Event::Opened).await;
        assert!((opened - failed).as_secs() >= 120, "{}", opened - failed);
    });
}

#[test]
fn a_silent_server_costs_one_deadline_an_attempt() {
    let net = Net::new(13);
    let (host, server) = hosts(&net);
    let options =
        Options { handshake_timeout: ws_embassy::ws_core::Duration::from_secs(3), ..Options::DEFAULT };
    let (diary, _) = start(&net, &host, client(URL).options(options), 1, hello);
    net.run(async {
        let connections = Rc::new(Cell::new(0));
        for n in 1..=5 {
            let mut peer = Peer::accept(&server, PORT).await;
            while peer.read().await.is_ok() {}
            connections.set(n);
        }
        assert_eq!(connections.get(), 5, "each was reset");
    });
    let failed = Event::Failed(Error::TimedOut(Step::Handshake));
    assert_eq!(diary.count(|event| *event == failed), 5);
}

#[test]
fn a_thousand_sessions_leave_nothing_behind() {
    let net = Net::new(14);
    let (host, server) = hosts(&net);
    serve(&net, &server);
    let backoff = Backoff { max: Duration::from_millis(10), ..Backoff::DEFAULT };
    let talked = Rc::new(Cell::new(0));
    let counter = talked.clone();
    let (diary, _) =
        start(&net, &host, client(URL).backoff(backoff), 1, async move |session: &mut Session<'_, Dice>| {
            session.ws.send_text("hello").await?;
            let chunk = session.ws.read(session.buf).await?.expect("an echo");
            assert_eq!(chunk.payload, b"hello");
            counter.set(counter.get() + 1);
            Ok(())
        });
    net.run(diary.until(1000, |event| matches!(event, Event::Ended(_))));
    assert_eq!((talked.get(), diary.count(|event| *event == Event::Ended(Ok(())))), (1000, 1000));
    assert_eq!((net.sent(&host).rst, net.sent(&server).rst, diary.count(is_failure)), (0, 0, 0));
    // One socket all along: the others of the stack are free.
    let free = crate::common::network::SOCKETS - 2; // the resolver's, and the client's
    let sockets: Vec<_> = (0..free).map(|_| Peer::new(&host, 16, 16)).collect();
    assert_eq!(sockets.len(), free);
}

#[test]
fn a_client_that_is_dropped_gives_its_socket_back() {
    let net = Net::new(15);
    let (host, server) = hosts(&net);
    net.run(async {
        // Its server sees the end.
        let (diary, task) = start(&net, &host, client(URL), 1, hello);
        let mut peer = Peer::accept(&server, PORT).await;
        task.cancel();
        while peer.read().await.is_ok() {}
        drop((peer, diary));
        for _ in 0..100 {
            let (diary, task) = start(&net, &host, client(URL), 1, hello);
            diary.until(1, is_failure).await;
            task.cancel();
            Timer::after_millis(1).await;
        }
    });
}

#[test]
fn a_session_is_dropped_when_the_network_is_gone_and_not_before() {
    let net = Net::new(16);
    let (host, server) = hosts(&net);
    serve(&net, &server);
    let (diary, _) = start(&net, &host, client(URL), 1, hello);
    net.run(async {
        let opened = diary.until(1, |event| *event == Event::Opened).await;
        // Several losses, none long enough.
        for _ in 0..3 {
            host.link_down();
            Timer::after_millis(4500).await;
            host.link_up();
            Timer::after_millis(500).await;
        }
        assert_eq!(diary.events(), [Event::Opened]);
        host.link_down();
        let lost = diary.until(1, |event| *event == Event::Ended(Err(tcp::Error::Lost))).await;
        assert!((20_000..=20_500).contains(&(lost - opened).as_millis()), "{}", lost - opened);
        diary.until(1, |event| *event == Event::Offline).await;
    });
}
