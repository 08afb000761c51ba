//! Scripted faults: cables, links, single frames, resets, peers that do not read.

use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::common::capture::{Fate, SYN};
use crate::common::peer::Ended;
use crate::common::{Net, Peer, Verdict, clock};
use crate::{PORT, converse, echo};

#[test]
fn a_link_that_is_down_is_known_and_the_connection_outlives_it() {
    let net = Net::new(1);
    let (client, server) = echo(&net);
    net.run(async {
        let mut peer = converse(&client, &server, 10_000).await;
        client.link_down();
        client.stack.wait_link_down().await;
        peer.write_all("in vain, at first").await.unwrap();
        Timer::after_secs(5).await;
        assert_eq!(peer.socket.recv_queue(), 0);
        client.link_up();
        client.stack.wait_link_up().await;
        assert_eq!(peer.read_exact(17).await.unwrap(), b"in vain, at first");
        peer.close().await.unwrap();
    });
    assert!(net.sent(&client).lost > 0);
}

#[test]
fn a_cut_cable_is_noticed_by_the_timeout_alone() {
    let net = Net::new(2);
    let (client, server) = echo(&net);
    net.run(async {
        let mut peer = converse(&client, &server, 10_000).await;
        peer.socket.set_timeout(Some(Duration::from_secs(600)));
        server.cut();
        let cut = Instant::now();
        peer.write_all("into the void").await.unwrap();
        assert!(client.stack.is_link_up() && server.stack.is_link_up());
        assert_eq!(peer.read().await, Err(Ended::Reset));
        let after = cut.elapsed();
        assert!(after >= Duration::from_secs(599) && after < Duration::from_secs(661), "{after:?}");
    });
}

#[test]
fn a_mended_cable_carries_on() {
    let net = Net::new(3);
    let (client, server) = echo(&net);
    net.run(async {
        let mut peer = converse(&client, &server, 10_000).await;
        server.cut();
        peer.write_all("late").await.unwrap();
        assert!(with_timeout(Duration::from_secs(30), peer.read()).await.is_err());
        server.mend();
        assert_eq!(peer.read_exact(4).await.unwrap(), b"late");
    });
}

#[test]
fn the_nth_segment_is_lost_once_and_sent_again() {
    let net = Net::new(4);
    let (client, server) = echo(&net);
    net.run(async {
        let mut peer = converse(&client, &server, 1).await;
        net.clear_capture();
        net.drop_nth_data(&client, 2);
        for _ in 0..4 {
            peer.write_all("octets").await.unwrap();
            peer.read_exact(6).await.unwrap();
        }
    });
    let sent = net.sent(&client);
    assert_eq!((sent.lost, sent.payload), (1, 5 * 6));
}

#[test]
fn a_script_sees_each_frame_and_decides() {
    let net = Net::new(5);
    let (client, server) = echo(&net);
    // The first SYN never arrives, the second late.
    let mut seen = 0;
    net.script(move |frame| match frame.segment {
        Some(segment) if segment.has(SYN) && frame.from == 0 => {
            seen += 1;
            if seen == 1 { Verdict::Drop } else { Verdict::Delay(Duration::from_millis(300)) }
        }
        _ => Verdict::Pass,
    });
    let took = net.run(async {
        converse(&client, &server, 1).await;
        Instant::now()
    });
    assert_eq!((net.sent(&client).syn, net.sent(&client).lost), (2, 1));
    assert!(took.as_millis() >= 1300 && took.as_millis() < 1400, "{took:?}");
}

#[test]
fn a_forged_reset_ends_the_connection_of_who_gets_it() {
    let net = Net::new(6);
    let (client, server) = echo(&net);
    net.run(async {
        let mut peer = converse(&client, &server, 10_000).await;
        net.inject_reset(&client, peer.port());
        assert_eq!(peer.read().await, Err(Ended::Reset));
        // The server still has the connection, and is told apart.
        Timer::after_secs(1).await;
        net.inject_reset(&server, PORT);
        Timer::after_secs(1).await;
        converse(&client, &server, 10_000).await;
    });
    assert_eq!((net.sent(&server).rst, net.sent(&client).rst), (0, 0), "neither sent one itself");
    let forged = net.capture().into_iter().filter(|record| record.fate == Fate::Forged);
    assert_eq!(forged.map(|record| record.from).collect::<Vec<_>>(), [server.number, client.number]);
}

#[test]
fn an_abort_is_a_reset() {
    let net = Net::new(7);
    let (client, server) = echo(&net);
    net.run(async {
        converse(&client, &server, 10_000).await.abort().await;
        Timer::after_secs(1).await;
        converse(&client, &server, 10_000).await.close().await.unwrap();
    });
    assert_eq!((net.sent(&client).rst, net.sent(&client).fin), (1, 1));
}

#[test]
fn a_peer_that_vanished_answers_with_a_reset() {
    let net = Net::new(8);
    let (client, server) = (net.host(), net.host());
    net.run(async {
        let accepted = net.spawn({
            let server = server.clone();
            async move { Peer::accept(&server, PORT).await }
        });
        let mut peer = Peer::connect(&client, &server, PORT).await.unwrap();
        drop(accepted.await);
        Timer::after_secs(1).await;
        assert_eq!(net.sent(&server).rst, 0, "without a word");
        peer.write_all("anyone there?").await.unwrap();
        assert_eq!(peer.read().await, Err(Ended::Reset));
    });
    assert_eq!(net.sent(&server).rst, 1);
}

#[test]
fn nobody_listens() {
    let net = Net::new(9);
    let (client, server) = (net.host(), net.host());
    let refused = net.run(Peer::connect(&client, &server, PORT)).err();
    assert_eq!(refused, Some(embassy_net::tcp::ConnectError::ConnectionReset));
}

#[test]
fn a_peer_that_does_not_read_closes_its_window() {
    let net = Net::new(10);
    let (client, server) = (net.host(), net.host());
    net.run(async {
        let accepted = net.spawn({
            let server = server.clone();
            async move { Peer::accept(&server, PORT).await }
        });
        let mut peer = Peer::connect(&client, &server, PORT).await.unwrap();
        let mut idle = accepted.await;
        // Two buffers of 4,096 octets take it in, and no more.
        peer.write_all([7; 8192]).await.unwrap();
        let blocked = with_timeout(Duration::from_secs(600), peer.write_all("x"));
        assert!(blocked.await.is_err());
        assert!(net.sent(&server).zero_window > 0, "{:?}", net.sent(&server));
        assert_eq!(idle.read_exact(8192).await.unwrap(), [7; 8192]);
        peer.write_all("y").await.unwrap();
        assert_eq!(idle.read_exact(1).await.unwrap(), b"y");
    });
}

#[test]
fn a_half_closed_connection_still_carries_the_other_way() {
    let net = Net::new(11);
    let (client, server) = (net.host(), net.host());
    net.run(async {
        let accepted = net.spawn({
            let server = server.clone();
            async move { Peer::accept(&server, PORT).await }
        });
        let mut peer = Peer::connect(&client, &server, PORT).await.unwrap();
        let mut other = accepted.await;
        peer.half_close();
        assert_eq!(other.read().await, Err(Ended::Closed));
        other.write_all("still here").await.unwrap();
        assert_eq!(peer.read_exact(10).await.unwrap(), b"still here");
        other.close().await.unwrap();
        assert_eq!(peer.read().await, Err(Ended::Closed));
    });
    assert_eq!((net.sent(&client).fin, net.sent(&server).fin), (1, 1));
}

/// Strikes the first segment with payload of host 0.
fn strike(net: &Net, verdict: Verdict) {
    let mut is_struck = false;
    net.script(move |frame| {
        let is_first = frame.from == 0 && frame.payload() > 0 && !is_struck;
        is_struck |= is_first;
        if is_first { verdict } else { Verdict::Pass }
    });
}

#[test]
fn what_is_cut_or_damaged_is_sent_again() {
    for verdict in
        [Verdict::Cut(0), Verdict::Cut(13), Verdict::Cut(50), Verdict::Damage(20), Verdict::Damage(60)]
    {
        let net = Net::new(12);
        let (client, server) = echo(&net);
        strike(&net, verdict);
        net.run(converse(&client, &server, 1000));
        assert!(clock::seconds() > 1.0, "{verdict:?}");
        assert_eq!(net.capture().iter().filter(|record| record.fate == Fate::Damaged).count(), 1);
    }
}

#[test]
fn what_is_altered_arrives() {
    for (text, expected) in [("octets", "octetw"), ("octet", "octep")] {
        let net = Net::new(13);
        let (client, server) = echo(&net);
        strike(&net, Verdict::Alter(usize::MAX));
        net.run(async {
            let mut peer = Peer::connect(&client, &server, PORT).await.unwrap();
            peer.write_all(text).await.unwrap();
            assert_eq!(peer.read_exact(text.len()).await.unwrap(), expected.as_bytes());
        });
    }
}

#[test]
fn a_reset_behind_a_segment_is_obeyed() {
    let net = Net::new(14);
    let (client, server) = echo(&net);
    strike(&net, Verdict::Reset);
    net.run(async {
        let mut peer = Peer::connect(&client, &server, PORT).await.unwrap();
        peer.write_all("hello").await.unwrap();
        // The server has no such connection any more, and says so when it is spoken to.
        Timer::after_secs(1).await;
        let _ = peer.write_all("still there?").await;
        assert_eq!(peer.read_exact(100).await, Err(Ended::Reset));
    });
    assert_eq!(net.sent(&client).rst, 0);
}
