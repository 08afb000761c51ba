//! One WebSocket: opened over one socket, or not opened, for every reason.

use embassy_net::tcp::{ConnectError, TcpSocket};
use embassy_net::{Ipv4Address, tcp as net_tcp};
use embassy_time::{Duration, Instant, Timer};
use ws_embassy::client::{Client, Error, Step};
use ws_embassy::ws_core::handshake::client as handshake;
use ws_embassy::ws_core::{Duration as Time, UsageError};
use ws_embassy::{Client as Role, CloseCode, Options, Plain, tcp};

use crate::common::capture::SYN;
use crate::common::frames::{self, Frame, header};
use crate::common::{Host, Net, Peer, Verdict, dns};
use crate::{Dice, PORT, URL, accepting, answer_with, client, hosts, refusal, serve};

fn socket(host: &Host) -> TcpSocket<'static> {
    let [receive, send] = [1024, 1024].map(|size| Box::leak(vec![0; size].into_boxed_slice()));
    TcpSocket::new(host.stack, receive, send)
}

/// Opens once, on a socket of its own, and closes TCP. How long it took, and what came of it.
async fn open(host: &Host, client: &Client<'_>) -> (Duration, Result<(), Error>) {
    let mut socket = socket(host);
    let start = Instant::now();
    let result = client.open(host.stack, &mut socket, Dice::new(1), &mut [0; 512], Plain).await.map(|_| ());
    let took = start.elapsed();
    tcp::close(&mut socket, Duration::from_secs(1)).await;
    (took, result)
}

#[test]
fn the_request_says_what_the_client_was_told_to() {
    let net = Net::new(1);
    let (host, server) = hosts(&net);
    let fields = [("Authorization", "Bearer abc"), ("X-Id", "7")];
    let client = client("ws://10.0.0.2:1234/chat?room=1")
        .origin("http://page.example")
        .subprotocols(&["v2", "v1"])
        .fields(&fields);
    let served = net.spawn({
        let server = server.clone();
        async move {
            let (mut peer, head) = answer_with(&server, accepting("Sec-WebSocket-Protocol: v1\r\n")).await;
            // Frames may come with the response, in one segment.
            let said = peer.receive().await.unwrap();
            peer.send(&Frame::text(&"back".repeat(10))).await.unwrap();
            let close = peer.receive().await.unwrap();
            peer.send(&Frame::close(1000, "")).await.unwrap();
            peer.close().await.unwrap();
            (head, said, close.close_code())
        }
    });
    let (head, said, close) = net.run(async {
        let mut socket = socket(&host);
        let mut head = [0; 512];
        let (mut ws, protocol) =
            client.open(host.stack, &mut socket, Dice::new(1), &mut head, Plain).await.unwrap();
        assert_eq!(protocol, Some("v1"));
        ws.send_text("there").await.unwrap();
        let mut back = Vec::new();
        while back.len() < 40 {
            let mut buf = [0; 16];
            back.extend_from_slice(ws.read(&mut buf).await.unwrap().unwrap().payload);
        }
        assert_eq!(back, "back".repeat(10).as_bytes());
        ws.close(CloseCode::NORMAL, "").await.unwrap();
        tcp::close(&mut socket, Duration::from_secs(1)).await;
        served.await
    });
    assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("Host", "10.0.0.2:1234"),
        ("Origin", "http://page.example"),
        ("Sec-WebSocket-Protocol", "v2, v1"),
        ("Authorization", "Bearer abc"),
        ("X-Id", "7"),
        ("Sec-WebSocket-Version", "13"),
    ] {
        assert_eq!(header(&head, name), Some(value), "{head}");
    }
    assert_eq!((said.payload, close), (b"there".to_vec(), Some(1000)));
    assert!(said.mask.is_some_and(|mask| mask != [0; 4]));
    assert_eq!((net.sent(&host).rst, net.sent(&server).rst), (0, 0));
}

#[test]
fn frames_behind_the_response_in_its_segment_are_not_lost() {
    let net = Net::new(2);
    let (host, server) = hosts(&net);
    net.spawn(async move {
        let mut peer = Peer::accept(&server, PORT).await;
        let head = peer.read_head().await.unwrap();
        let both = [frames::response(&head, "").into_bytes(), Frame::text("at once").encode()].concat();
        peer.write_all(both).await.unwrap();
        std::future::pending::<()>().await;
    });
    net.run(async {
        let mut socket = socket(&host);
        let mut head = [0; 512];
        let (mut ws, _) =
            client(URL).open(host.stack, &mut socket, Dice::new(1), &mut head, Plain).await.unwrap();
        let mut buf = [0; 64];
        assert_eq!(ws.read(&mut buf).await.unwrap().unwrap().payload, b"at once");
    });
}

#[test]
fn hosts_are_found_by_name() {
    let net = Net::new(3);
    let (host, server) = hosts(&net);
    host.resolve_by(&[&server]);
    serve(&net, &server);
    let known =
        vec![("device.example", server.address), ("elsewhere.example", Ipv4Address::new(10, 0, 0, 9))];
    net.spawn(dns::serve(server, known));
    net.run(async {
        assert_eq!(open(&host, &client("ws://device.example:1234/")).await.1, Ok(()));
        assert_eq!(open(&host, &client("ws://nobody.example:1234/")).await.1, Err(Error::NoAddress));
        let (took, result) = open(&host, &client("ws://elsewhere.example:1234/")).await;
        assert_eq!((took.as_secs(), result), (10, Err(Error::TimedOut(Step::Connect))));
        assert_eq!(open(&host, &client("ws://DEVICE.example:1234/")).await.1, Ok(()));
    });
}

#[test]
fn names_are_not_waited_for_longer_than_the_deadline() {
    let net = Net::new(4);
    let (host, server) = hosts(&net);
    net.run(async {
        // No name server is known.
        let nobody = open(&host, &client("ws://device.example/")).await;
        assert_eq!(nobody, (Duration::MIN, Err(Error::NoAddress)));
        // A name server that is there, and silent.
        host.resolve_by(&[&server]);
        server.cut();
        let silent = open(&host, &client("ws://device.example/")).await;
        assert_eq!(silent, (Duration::from_secs(10), Err(Error::TimedOut(Step::Resolve))));
        // The question was forgotten: there is room for as many more.
        for _ in 0..20 {
            assert_eq!(open(&host, &client("ws://device.example/")).await.1, silent.1);
        }
    });
}

#[test]
fn nobody_listens() {
    let net = Net::new(5);
    let (host, _server) = hosts(&net);
    let (took, result) = net.run(open(&host, &client(URL)));
    assert_eq!(result, Err(Error::Connect(ConnectError::ConnectionReset)));
    assert!(took.as_millis() < 100, "{took:?}");
}

#[test]
fn there_is_no_way_to_the_host() {
    let net = Net::new(6);
    let (host, _server) = hosts(&net);
    net.run(async {
        let (_, result) = open(&host, &client("ws://0.0.0.0/")).await;
        assert_eq!(result, Err(Error::Connect(ConnectError::NoRoute)));
        // Elsewhere, and there is no gateway; and nobody at a neighbour's address.
        for url in ["ws://192.0.2.1/", "ws://10.0.0.200/"] {
            let result = open(&host, &client(url)).await;
            assert_eq!(result, (Duration::from_secs(10), Err(Error::TimedOut(Step::Connect))), "{url}");
        }
    });
}

#[test]
fn refusals_tell_their_status_and_how_long_they_hold() {
    let cases = [
        ("404 Not Found", "", 404, None),
        ("503 Busy", "Retry-After: 7\r\n", 503, Some(7)),
        ("503 Busy", "Retry-After: 0\r\n", 503, Some(0)),
        ("429 Slow down", "Retry-After: 4294967295\r\n", 429, Some(4_294_967_295)),
        ("503 Busy", "Retry-After: 99999999999999999999\r\n", 503, Some(4_294_967_295)),
        ("503 Busy", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 503, None),
        ("503 Busy", "Retry-After: -1\r\n", 503, None),
        ("503 Busy", "Retry-After: +1\r\n", 503, None),
        ("503 Busy", "Retry-After:\r\n", 503, None),
        ("301 Moved", "Location: ws://10.0.0.3/\r\n", 301, None),
        ("200 OK", "", 200, None),
    ];
    for (line, fields, status, seconds) in cases {
        let net = Net::new(7);
        let (host, server) = hosts(&net);
        net.spawn(async move {
            let (mut peer, _) = answer_with(&server, |_| refusal(line, fields)).await;
            peer.close().await
        });
        let (took, result) = net.run(open(&host, &client(URL)));
        let retry_after = seconds.map(Duration::from_secs);
        assert_eq!(result, Err(Error::Refused { status, retry_after }), "{line} {fields}");
        assert!(took.as_millis() < 100, "{took:?}");
    }
}

#[test]
fn one_deadline_holds_for_all_of_it() {
    // Silent from the first; silent behind a SYN that came late; behind half a response.
    for case in 0..3 {
        let net = Net::new(8);
        let (host, server) = hosts(&net);
        if case == 1 {
            net.script(|frame| match frame.segment {
                Some(segment) if segment.has(SYN) && frame.from == 0 => {
                    Verdict::Delay(Duration::from_secs(6))
                }
                _ => Verdict::Pass,
            });
        }
        net.spawn(async move {
            let mut peer = Peer::accept(&server, PORT).await;
            if case == 2 {
                peer.write_all("HTTP/1.1 101 S").await.unwrap();
            }
            while peer.read().await.is_ok() {}
        });
        let (took, result) = net.run(open(&host, &client(URL)));
        let expected = (Duration::from_secs(10), Err(Error::TimedOut(Step::Handshake)));
        assert_eq!((took, result), expected, "{case}");
    }
}

#[test]
fn a_response_that_drips_is_cut_off() {
    let net = Net::new(9);
    let (host, server) = hosts(&net);
    net.spawn(async move {
        let mut peer = Peer::accept(&server, PORT).await;
        let head = peer.read_head().await.unwrap();
        for byte in frames::response(&head, "").bytes() {
            Timer::after_millis(100).await; // done in 12 s or so
            if peer.write_all([byte]).await.is_err() {
                break;
            }
        }
    });
    let (took, result) = net.run(open(&host, &client(URL)));
    assert_eq!((took, result), (Duration::from_secs(10), Err(Error::TimedOut(Step::Handshake))));
}

#[test]
fn without_a_deadline_it_waits() {
    let net = Net::new(10);
    let (host, server) = hosts(&net);
    net.spawn(async move {
        let mut peer = Peer::accept(&server, PORT).await;
        let head = peer.read_head().await.unwrap();
        Timer::after_secs(3600).await;
        peer.write_all(frames::response(&head, "")).await.unwrap();
        peer.read().await
    });
    let patient = client(URL).options(Options { handshake_timeout: Time::ZERO, ..Options::DEFAULT });
    let (took, result) = net.run(open(&host, &patient));
    assert_eq!((took.as_secs(), result), (3600, Ok(())));
}

#[test]
fn a_server_that_leaves_during_the_handshake_is_told_apart() {
    for is_reset in [false, true] {
        let net = Net::new(11);
        let (host, server) = hosts(&net);
        net.spawn(async move {
            let mut peer = Peer::accept(&server, PORT).await;
            peer.read_head().await.unwrap();
            peer.write_all("HTTP/1.1 101 ").await.unwrap();
            peer.flush().await.unwrap();
            if is_reset { peer.abort().await } else { peer.close().await.unwrap() }
        });
        let (_, result) = net.run(open(&host, &client(URL)));
        let expected =
            if is_reset { tcp::Error::Io(net_tcp::Error::ConnectionReset) } else { tcp::Error::Lost };
        assert_eq!(result, Err(Error::Open(expected)));
    }
}

#[test]
fn an_answer_that_is_not_acceptable_is_not_accepted() {
    let net = Net::new(12);
    let (host, server) = hosts(&net);
    net.spawn(async move {
        let wrong = |head: &str| frames::response(head, "").replace("Accept: ", "Accept: A");
        let (mut peer, _) = answer_with(&server, wrong).await;
        let _ = peer.close().await;
        let (mut peer, _) = answer_with(&server, accepting("Sec-WebSocket-Protocol: v3\r\n")).await;
        let _ = peer.close().await;
    });
    net.run(async {
        let mut results = Vec::new();
        for _ in 0..2 {
            results.push(open(&host, &client(URL).subprotocols(&["v1"])).await.1);
        }
        let error = |error| Err(Error::Open(tcp::Error::Handshake(error)));
        assert_eq!(results, [error(handshake::Error::Accept), error(handshake::Error::Subprotocol)]);
    });
}

#[test]
fn what_may_not_go_on_the_wire_does_not() {
    let net = Net::new(13);
    let (host, server) = hosts(&net);
    serve(&net, &server);
    let fields = [("X-Evil", "a\r\nHost: b")];
    let (_, result) = net.run(open(&host, &client(URL).fields(&fields)));
    assert_eq!(result, Err(Error::Open(UsageError::BadField.into())));
    assert_eq!(net.sent(&host).payload, 0);
}

#[test]
fn one_socket_serves_again_and_again_behind_every_failure() {
    let net = Net::new(14);
    let (host, server) = hosts(&net);
    net.run(async {
        let mut socket = socket(&host);
        let mut attempt = async || {
            let mut head = [0; 512];
            let result = match client(URL).open(host.stack, &mut socket, Dice::new(1), &mut head, Plain).await
            {
                Ok((mut ws, _)) => {
                    ws.send_text("once more").await.unwrap();
                    let mut buf = [0; 16];
                    assert_eq!(ws.read(&mut buf).await.unwrap().unwrap().payload, b"once more");
                    Ok(())
                }
                Err(error) => Err(error),
            };
            tcp::close(&mut socket, Duration::from_secs(1)).await;
            result
        };
        for _ in 0..20 {
            assert!(matches!(attempt().await, Err(Error::Connect(_))), "nobody listens yet");
            server.cut();
            assert_eq!(attempt().await, Err(Error::TimedOut(Step::Connect)));
            server.mend();
        }
        serve(&net, &server);
        for _ in 0..20 {
            assert_eq!(attempt().await, Ok(()));
            host.cut();
            assert_eq!(attempt().await, Err(Error::TimedOut(Step::Connect)));
            host.mend();
        }
    });
}

/// The type of a WebSocket of this role can be written down.
#[expect(dead_code, reason = "compiled, no more")]
fn named(ws: tcp::WebSocket<'_, Role<Dice>>) -> tcp::WebSocket<'_, Role<Dice>> {
    ws
}
