//! Frames against the examples of RFC 6455 5.7, a WebSocket between two peers, names.

use embassy_net::dns::DnsQueryType;
use embassy_net::{IpAddress, Ipv4Address};

use crate::PORT;
use crate::common::frames::{self, Frame, PING, PONG};
use crate::common::{Net, Peer, dns};

#[test]
fn frames_are_those_of_the_examples() {
    let hello = Frame::text("Hello");
    assert_eq!(hello.encode(), [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(hello.clone().masked().encode(), masked);
    assert_eq!(Frame::text("Hel").more().encode(), [0x01, 0x03, 0x48, 0x65, 0x6c]);
    assert_eq!(Frame::new(frames::CONTINUATION, "lo").encode(), [0x80, 0x02, 0x6c, 0x6f]);
    assert_eq!(Frame::new(PING, "Hello").encode()[..2], [0x89, 0x05]);
    assert_eq!(Frame::binary([0; 256]).encode()[..4], [0x82, 0x7e, 0x01, 0x00]);
    assert_eq!(Frame::binary([0; 65_536]).encode()[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(Frame::close(1001, "bye").encode(), [0x88, 0x05, 0x03, 0xe9, 0x62, 0x79, 0x65]);
}

#[test]
fn frames_read_are_the_frames_written() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
        let plain = Frame::binary((0..length).map(|at| at as u8).collect::<Vec<_>>());
        for frame in [plain.clone(), plain.clone().masked(), plain.more()] {
            let bytes = frame.encode();
            assert_eq!(Frame::decode(&bytes), Some((frame.clone(), bytes.len())));
            assert_eq!(Frame::decode(&bytes[..bytes.len() - 1]), None);
            assert_eq!(Frame::decode(&[&bytes, &b"next"[..]].concat()), Some((frame, bytes.len())));
        }
    }
    assert_eq!(Frame::close(1001, "bye").close_code(), Some(1001));
    assert_eq!(Frame::new(frames::CLOSE, []).close_code(), None);
}

#[test]
#[should_panic = "fit a shorter length"]
fn a_length_that_is_not_the_shortest_fails_the_test() {
    Frame::decode(&[0x82, 0x7e, 0, 125]);
}

#[test]
#[should_panic = "no extension was agreed on"]
fn a_reserved_bit_fails_the_test() {
    Frame::decode(&[0xc2, 0]);
}

#[test]
fn the_accept_value_is_that_of_the_example() {
    assert_eq!(frames::accept(frames::KEY), frames::ACCEPT);
}

#[test]
fn two_peers_open_a_websocket_and_talk() {
    let net = Net::new(1);
    let (client, server) = (net.host(), net.host());
    let served = net.spawn({
        let server = server.clone();
        async move {
            let mut peer = Peer::accept(&server, PORT).await;
            let head = peer.answer().await.unwrap();
            let ping = peer.receive().await.unwrap();
            peer.send(&Frame::new(PONG, ping.payload)).await.unwrap();
            assert_eq!(peer.receive().await.unwrap().close_code(), Some(1000));
            peer.send(&Frame::close(1000, "")).await.unwrap();
            peer.close().await.unwrap();
            head
        }
    });
    let head = net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/chat").await;
        peer.send(&Frame::new(PING, "now").masked()).await.unwrap();
        assert_eq!(peer.receive().await.unwrap(), Frame::new(PONG, "now"));
        peer.send(&Frame::close(1000, "").masked()).await.unwrap();
        assert_eq!(peer.receive().await.unwrap(), Frame::close(1000, ""));
        peer.close().await.unwrap();
        served.await
    });
    assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
    assert_eq!(frames::header(&head, "host"), Some("10.0.0.2:1234"));
}

#[test]
fn names_are_resolved() {
    let net = Net::new(1);
    let (client, server) = (net.host(), net.host());
    client.resolve_by(&[&server]);
    net.spawn(dns::serve(server, vec![("device.example", Ipv4Address::new(10, 0, 0, 9))]));
    net.run(async {
        let known = client.stack.dns_query("device.example", DnsQueryType::A).await.unwrap();
        assert_eq!(known[..], [IpAddress::v4(10, 0, 0, 9)]);
        let unknown = client.stack.dns_query("nobody.example", DnsQueryType::A).await;
        assert_eq!(unknown, Err(embassy_net::dns::Error::Failed));
    });
}
