//! Bytes arrive whole and in order, whatever the Ethernet does to the frames; and the same seed does the same.

use embassy_time::{Duration, Instant, Timer};

use crate::common::capture::{Fate, Record};
use crate::common::{Conditions, Net, Verdict};
use crate::{converse, echo};

const MEGABYTE: usize = 1_000_000;

#[test]
fn four_megabytes_come_back() {
    let net = Net::new(1);
    let (client, server) = echo(&net);
    net.run(async { converse(&client, &server, 4 * MEGABYTE).await });
    let (sent, answered) = (net.sent(&client), net.sent(&server));
    assert_eq!((sent.payload, answered.payload), (4 * MEGABYTE, 4 * MEGABYTE), "nothing is sent twice");
    assert_eq!((sent.syn, answered.syn, sent.rst + answered.rst), (1, 1, 0));
}

#[test]
fn four_megabytes_come_back_though_every_50th_frame_is_lost() {
    let net = Net::new(2);
    let (client, server) = echo(&net);
    net.drop_every(50);
    net.run(async { converse(&client, &server, 4 * MEGABYTE).await });
    let sent = net.sent(&client);
    assert!(sent.lost >= sent.frames / 50, "{sent:?}");
    assert!(sent.payload > 4 * MEGABYTE, "what was lost is sent again: {sent:?}");
}

#[test]
fn octets_keep_their_order_when_frames_do_not() {
    let net = Net::new(3);
    let (client, server) = echo(&net);
    net.set_conditions(Conditions { reordering: 100, duplication: 50, ..Conditions::default() });
    net.run(async { converse(&client, &server, MEGABYTE).await });
    let fates = |fate| net.capture().iter().filter(|record| record.fate == fate).count();
    assert!(fates(Fate::Delayed) > 50, "{} frames delayed", fates(Fate::Delayed));
    assert!(fates(Fate::Duplicated) > 25, "{} frames duplicated", fates(Fate::Duplicated));
    assert_eq!(fates(Fate::Lost), 0);
}

#[test]
fn the_same_seed_makes_the_same_frames() {
    assert_eq!(stormy(7), stormy(7));
}

#[test]
fn another_seed_makes_other_frames() {
    // Not because of other ports and sequence numbers only.
    let fates = |seed| stormy(seed).iter().take(100).map(|record| record.fate).collect::<Vec<_>>();
    assert_ne!(fates(7), fates(8));
}

/// The frames of a short conversation in bad weather.
fn stormy(seed: u64) -> Vec<Record> {
    let net = Net::new(seed);
    let (client, server) = echo(&net);
    net.set_conditions(Conditions { loss: 20, duplication: 20, reordering: 20, ..Conditions::default() });
    net.run(async { converse(&client, &server, 200_000).await });
    let records = net.capture();
    assert!(records.iter().any(|record| record.fate == Fate::Lost));
    records
}

#[test]
fn a_frame_held_back_is_overtaken() {
    let net = Net::new(6);
    let (client, server) = echo(&net);
    net.set_conditions(Conditions { reordering: 100, ..Conditions::default() });
    net.run(async { converse(&client, &server, 100_000).await });
    // The server says again and again what it waits for: three times, and the client sends it once more.
    assert!(net.sent(&client).payload > 100_000, "{:?}", net.sent(&client));
    assert_eq!(net.sent(&client).lost + net.sent(&server).lost, 0);
}

#[test]
fn a_duplicate_arrives_and_is_acknowledged_again() {
    let answers = |verdict| {
        let net = Net::new(5);
        let (client, server) = echo(&net);
        net.run(async {
            let mut peer = converse(&client, &server, 1).await;
            net.clear_capture();
            net.script(
                move |frame| if frame.payload() > 0 && frame.from == 0 { verdict } else { Verdict::Pass },
            );
            peer.write_all("once").await.unwrap();
            assert_eq!(peer.read_exact(4).await.unwrap(), b"once");
            Timer::after_secs(1).await;
            assert_eq!(peer.socket.recv_queue(), 0);
        });
        net.sent(&server).segments
    };
    assert_eq!(answers(Verdict::Duplicate), answers(Verdict::Pass) + 1);
}

#[test]
fn latency_is_the_time_of_a_round_trip() {
    let net = Net::new(4);
    let (client, server) = echo(&net);
    net.set_conditions(Conditions { latency: Duration::from_millis(100), ..Conditions::default() });
    let took = net.run(async {
        let start = Instant::now();
        let mut peer = converse(&client, &server, 1).await; // finds the neighbour, connects, echoes
        let connected = Instant::now();
        peer.write_all("x").await.unwrap();
        peer.read_exact(1).await.unwrap();
        assert!(connected - start >= Duration::from_millis(600), "{:?}", connected - start);
        connected.elapsed()
    });
    assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(201), "{took:?}");
}
