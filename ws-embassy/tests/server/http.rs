//! Requests, good and bad, and their answers.

use embassy_time::Timer;

use crate::common::frames::{self, Frame};
use crate::common::peer::Ended;
use crate::{Bench, PAGE, converse, end, leave, parts};
use ws_embassy::server::{Hosts, Settings};

/// The status that each request is answered with, on one server; then it is as it was.
fn assert_statuses(seed: u64, settings: Settings<'static>, requests: &[(&str, u16)]) {
    let bench = Bench::on(crate::Net::new(seed), settings);
    bench.net.run(async {
        for (request, status) in requests {
            let answer = bench.ask(request).await.unwrap_or_else(|ended| panic!("{ended}: {request}"));
            assert_eq!(parts(&answer).0, *status, "{request}\n{answer}");
        }
        assert!(bench.resets() == (0, 0), "an answer may be lost behind a reset");
        Timer::after_millis(500).await;
        bench.assert_recovered().await;
    });
}

const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn pages_and_statuses() {
    assert_statuses(
        1,
        Settings::for_sockets(crate::SOCKETS),
        &[
            ("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", 200),
            ("GET /?with=query HTTP/1.1\r\nHost: 10.0.0.2:80\r\n\r\n", 200),
            ("GET http://10.0.0.2/ HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", 200),
            ("GET / HTTP/1.0\r\nHost: 10.0.0.2\r\n\r\n", 200),
            ("GET /nothing HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", 404),
            ("GET /teapot HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", 418),
            ("GET /../page HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", 404),
        ],
    );
}

#[test]
fn no_method_but_get_and_head() {
    let bench = Bench::new(2);
    bench.net.run(async {
        for path in ["/", "/nothing", "/teapot", "/echo"] {
            for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
                let request =
                    format!("{method} {path} HTTP/1.1\r\nHost: 10.0.0.2\r\nContent-Length: 0\r\n\r\n");
                let answer = bench.ask(&request).await.unwrap();
                assert_eq!(parts(&answer).0, 405, "{request}");
                // All that are allowed have to be named (RFC 9110 15.5.6), and a WebSocket is opened by GET alone.
                let allow = if path == "/echo" { "GET" } else { "GET, HEAD" };
                assert_eq!(frames::header(&answer, "Allow"), Some(allow), "{request}");
            }
        }
        // A body that nobody reads does not cost the client the answer.
        let request =
            format!("POST / HTTP/1.1\r\nHost: 10.0.0.2\r\nContent-Length: 2000\r\n\r\n{}", "x".repeat(2000));
        assert_eq!(parts(&bench.ask(&request).await.unwrap()).0, 405);
    });
    assert_eq!(bench.resets(), (0, 0));
}

#[test]
fn the_answer_to_head_has_the_head_alone() {
    let bench = Bench::new(3);
    bench.net.run(async {
        for (path, host, status) in [
            ("/page", "10.0.0.2", 200),
            ("/nothing", "10.0.0.2", 404),
            ("/teapot", "10.0.0.2", 418),
            ("/secret", "10.0.0.2", 401),
            ("/page", "evil.example", 403),
        ] {
            let request = |method| format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let got = bench.ask(request("GET")).await.unwrap();
            let (told, body) = parts(&got);
            assert!(told == status && !body.is_empty(), "{got}");
            // Its length and all, but no body (RFC 9110 9.3.2): the same for what is refused.
            let head = &got[..got.len() - body.len()];
            assert_eq!(bench.ask(request("HEAD")).await.unwrap(), head);
        }
        let answer = bench.ask("HEAD /echo HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
        assert_eq!(parts(&answer), (405, ""));
    });
}

#[test]
fn fields_that_are_asked_for_are_read_and_answered_by_others() {
    for (fields, welcome) in [(&["authorization"][..], 200), (&[], 401)] {
        let settings = Settings { fields, ..Settings::for_sockets(crate::SOCKETS) };
        let bench = Bench::on(crate::Net::new(15), settings);
        bench.net.run(async {
            let secret = async |field: &str| {
                bench.ask(format!("GET /secret HTTP/1.1\r\nHost: 10.0.0.2\r\n{field}\r\n")).await.unwrap()
            };
            for wrong in ["", "Authorization: Bearer mustard\r\n", "X-Authorization: Bearer sesame\r\n"] {
                let answer = secret(wrong).await;
                assert_eq!(parts(&answer), (401, "who are you?\n"));
                assert_eq!(frames::header(&answer, "WWW-Authenticate"), Some("Bearer"));
            }
            let answer = secret("Authorization: Bearer sesame\r\n").await;
            assert_eq!(parts(&answer).0, welcome, "{answer}");
        });
    }
}

#[test]
fn a_page_larger_than_the_ring_arrives_whole() {
    let bench = Bench::new(4);
    bench.net.set_conditions(crate::common::Conditions { loss: 20, ..Default::default() });
    bench.net.run(async {
        for _ in 0..5 {
            let answer = bench.get("/page").await.unwrap();
            let (status, body) = parts(&answer);
            assert_eq!(status, 200);
            assert!(body.as_bytes() == PAGE, "{} octets, not those of the page", body.len());
        }
    });
    assert!(bench.net.sent(&bench.host).lost > 0);
}

#[test]
fn strange_names_are_not_answered() {
    let named =
        Settings { hosts: Hosts::Addresses(&["device.local"]), ..Settings::for_sockets(crate::SOCKETS) };
    assert_statuses(
        5,
        named,
        &[
            ("GET / HTTP/1.1\r\nHost: device.local\r\n\r\n", 200),
            ("GET / HTTP/1.1\r\nHost: Device.Local:80\r\n\r\n", 200),
            ("GET / HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n", 200),
            ("GET / HTTP/1.1\r\nHost: [fe80::1]:80\r\n\r\n", 200),
            ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
            ("GET / HTTP/1.1\r\nHost: device.local.evil.example\r\n\r\n", 403),
            // The target names the host, and is what counts (RFC 9112 3.2.2).
            ("GET http://evil.example/ HTTP/1.1\r\nHost: device.local\r\n\r\n", 403),
            ("GET / HTTP/1.0\r\n\r\n", 403),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: device.local/\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: device.local\r\nHost: device.local\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: device.local\r\nHost: evil.example\r\n\r\n", 400),
        ],
    );
}

#[test]
fn any_name_will_do_where_any_is_let_in() {
    let open = Settings { hosts: Hosts::Any, ..Settings::for_sockets(crate::SOCKETS) };
    assert_statuses(
        6,
        open,
        &[
            ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),
            ("GET / HTTP/1.0\r\n\r\n", 200),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            (
                "GET /echo HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                400,
            ),
        ],
    );
}

#[test]
fn a_handshake_is_as_the_rfc_wants_it_or_refused() {
    let with = |line: &str| format!("GET /echo HTTP/1.1\r\nHost: 10.0.0.2\r\n{line}\r\n");
    let requests = [
        (with(""), 426),
        (with(&HANDSHAKE.replace("Upgrade: websocket", "Upgrade: h2c")), 426),
        (with(&HANDSHAKE.replace("13", "8")), 426),
        (with(&HANDSHAKE.replace("==", "")), 400),
        (with(&HANDSHAKE.replace("Sec-WebSocket-Key", "X-Key")), 400),
        (with(&format!("{HANDSHAKE}Sec-WebSocket-Protocol: a b\r\n")), 400),
        (with(&format!("{HANDSHAKE}Origin: http://evil.example\r\n")), 403),
        (with(&format!("{HANDSHAKE}Origin: null\r\n")), 403),
        (with(&format!("{HANDSHAKE}Origin: http://10.0.0.2:8080\r\n")), 403),
        (with(HANDSHAKE).replace("10.0.0.2", "evil.example"), 403),
        (with(HANDSHAKE).replace("1.1", "1.0"), 505),
    ];
    let requests: Vec<_> = requests.iter().map(|(request, status)| (request.as_str(), *status)).collect();
    assert_statuses(7, Settings::for_sockets(crate::SOCKETS), &requests);
}

#[test]
fn a_refused_version_is_told_the_one_spoken() {
    let bench = Bench::new(8);
    bench.net.run(async {
        let handshake = HANDSHAKE.replace("13", "8");
        let answer =
            bench.ask(format!("GET /echo HTTP/1.1\r\nHost: 10.0.0.2\r\n{handshake}\r\n")).await.unwrap();
        assert_eq!(frames::header(&answer, "Sec-WebSocket-Version"), Some("13"), "{answer}");
    });
}

#[test]
fn a_page_of_this_server_is_let_in_and_agrees_on_a_subprotocol() {
    let bench = Bench::new(9);
    bench.net.run(async {
        for (fields, agreed) in [
            ("Origin: http://10.0.0.2:80\r\nSec-WebSocket-Protocol: other, chat.v1\r\n", Some("chat.v1")),
            ("Origin: http://10.0.0.2\r\nSec-WebSocket-Protocol: other\r\n", None),
            ("", None),
        ] {
            let mut peer = bench.connect().await;
            let head = peer.request("/echo?query", fields).await.unwrap();
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            assert_eq!(frames::header(&head, "Sec-WebSocket-Protocol"), agreed);
            assert_eq!(frames::header(&head, "Sec-WebSocket-Extensions"), None);
            converse(&mut peer).await.unwrap();
            leave(peer).await;
        }
    });
}

#[test]
fn frames_right_behind_the_request_are_not_lost() {
    let bench = Bench::new(10);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let request = frames::request("10.0.0.2", "/echo", "");
        let frame = Frame::text("already").masked().encode();
        peer.write_all([request.as_bytes(), &frame].concat()).await.unwrap();
        assert!(peer.read_head().await.unwrap().starts_with("HTTP/1.1 101 "));
        assert_eq!(peer.receive().await, Ok(Frame::text("already")));
        leave(peer).await;
    });
}

#[test]
fn what_is_no_request_is_refused() {
    let bench = Bench::new(11);
    // The beginning of what a browser says to https.
    let hello =
        [&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03][..], &[0x5a; 506]].concat();
    let garbage: Vec<u8> = (0..400u16).map(|at| (at * 7 + 3) as u8 | 0x80).collect();
    bench.net.run(async {
        for request in [&hello[..], &garbage, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"] {
            let answer = bench.ask(request).await.unwrap();
            assert_eq!(parts(&answer).0, 400, "{request:?}\n{answer}");
        }
        for (request, status) in [
            ("GET / HTTP/2.0\r\n\r\n", 505),
            ("\r\n\r\nG", 408), // they may stand before a request, RFC 9112 2.2
            ("GET / HTTP/1.1\r\nHost: 10.0.0.2\nX: y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n folded\r\n\r\n", 400),
        ] {
            assert_eq!(parts(&bench.ask(request).await.unwrap()).0, status, "{request}");
        }
        Timer::after_millis(500).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn a_head_that_is_too_large_is_refused_while_it_comes() {
    let bench = Bench::new(12);
    bench.net.run(async {
        let long =
            |field: &str| format!("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n{field}: {}\r\n\r\n", "x".repeat(600));
        // What is not kept takes no room in the store.
        assert_eq!(parts(&bench.ask(long("Cookie")).await.unwrap()).0, 200);
        assert_eq!(parts(&bench.ask(long("Sec-WebSocket-Protocol")).await.unwrap()).0, 431);
        let target = format!("GET /{} HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n", "x".repeat(600));
        assert_eq!(parts(&bench.ask(target).await.unwrap()).0, 414);
        let fields = format!("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n{}\r\n", "X: y\r\n".repeat(1000));
        assert_eq!(parts(&bench.ask(fields).await.unwrap()).0, 431);
        // Without an end, too; and the client gets to read why.
        let mut peer = bench.connect().await;
        peer.write_all("GET / HTTP/1.1\r\n").await.unwrap();
        let refused = loop {
            if peer
                .write_all("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(10))
                .await
                .is_err()
            {
                break Err(Ended::Reset);
            }
            if peer.socket.can_recv() {
                break peer.read_head().await;
            }
        };
        assert!(refused.is_ok_and(|head| head.starts_with("HTTP/1.1 431 ")));
        let _ = end(peer).await;
        Timer::after_millis(3000).await;
        bench.assert_recovered().await;
    });
}

#[test]
fn requests_on_a_connection_are_answered_in_order() {
    let bench = Bench::new(13);
    bench.net.run(async {
        let get = |path, fields| format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.2\r\n{fields}\r\n");
        // All at once; behind the one that asks for the end, nothing is answered.
        let requests =
            [get("/", ""), get("/nothing", ""), get("/teapot", "Connection: close\r\n"), get("/", "")];
        let answers = bench.ask(requests.concat()).await.unwrap();
        let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["200", "404", "418"]);
        // One behind the other, and a WebSocket at the end.
        let mut peer = bench.connect().await;
        for _ in 0..3 {
            peer.write_all(get("/", "")).await.unwrap();
            let head = peer.read_head().await.unwrap();
            assert_eq!(frames::header(&head, "Connection"), None, "{head}");
            assert_eq!(peer.read_exact(6).await.unwrap(), b"hello\n");
            Timer::after_millis(1900).await;
        }
        peer.open("/echo").await.unwrap();
        converse(&mut peer).await.unwrap();
        leave(peer).await;
        // Whoever asks no more is let go.
        let mut peer = bench.connect().await;
        peer.write_all(get("/", "")).await.unwrap();
        let (answer, took) = crate::timed(peer.read_to_end()).await;
        assert!(answer.unwrap().ends_with(b"hello\n"));
        assert!((2000..2500).contains(&took.as_millis()), "{took:?}");
        end(peer).await.unwrap();
    });
    assert_eq!(bench.resets(), (0, 0));
}

#[test]
fn a_request_may_come_octet_by_octet() {
    let bench = Bench::new(14);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        for octet in frames::request("10.0.0.2", "/echo", "").bytes() {
            peer.write_all([octet]).await.unwrap();
            Timer::after_millis(5).await;
        }
        assert!(peer.read_head().await.unwrap().starts_with("HTTP/1.1 101 "));
        leave(peer).await;
    });
}
