//! Memory for compression that fewer WebSockets have than there may be: who gets it, that it is given back, and that it holds
//! nothing of the one before. Our own messages refer to those before them, so that a trace would be seen in their length.

use std::cell::RefCell;

use embassy_time::Timer;
use ws_core::connection::{Compression, CompressionBuffers};
use ws_core::deflate::{Effort, Small};
use ws_embassy::server::{Server, Settings};

use crate::common::deflate::{Inflater, OFFER, bomb, deflated, reference};
use crate::common::frames::{BINARY, Frame, TEXT, header};
use crate::common::{Conditions, Net, Peer};
use crate::{Bench, SOCKETS, WEBSOCKETS, converse, end, leave};

type Pool = Bench<Compression<'static, Small>>;

/// For half of the WebSockets.
const POOL: usize = WEBSOCKETS / 2;

const ANSWER: &str = "permessage-deflate; client_max_window_bits=9";

/// Long enough to be compressed.
const SAID: &str = "how much wood would a woodchuck chuck if a woodchuck could chuck wood, and all that";

fn pool(seed: u64) -> Pool {
    let memory = || {
        let buffers = Box::leak(Box::new(CompressionBuffers::<512, 512, 128, 512, 1024>::new()));
        RefCell::new(buffers.compression(Effort::QUICK).with_takeover())
    };
    let compression = Box::leak(Box::new(std::array::from_fn::<_, POOL, _>(|_| memory())));
    Bench::of(Net::new(seed), Server::new(Settings::for_sockets(SOCKETS)).with_compression(compression))
}

impl Pool {
    /// A WebSocket of a client that offers compression; whether that was agreed to.
    async fn offer(&self, path: &str) -> (Peer, bool) {
        let mut peer = self.connect().await;
        let head = peer.request(path, OFFER).await.expect("an answer");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let field = header(&head, "Sec-WebSocket-Extensions");
        assert!(field.is_none_or(|field| field == ANSWER), "{head}");
        (peer, field.is_some())
    }

    async fn compressing(&self, path: &str) -> Peer {
        let (peer, is_compressed) = self.offer(path).await;
        assert!(is_compressed, "there is memory for it");
        peer
    }

    /// Until so many WebSockets are left.
    async fn until_open(&self, count: usize) {
        while self.server.open() != count {
            Timer::after_millis(20).await;
        }
    }

    /// There is memory for as many as at the start, and no more.
    async fn assert_free(&self) {
        self.until_open(0).await;
        let mut peers = Vec::new();
        for n in 0..WEBSOCKETS {
            let (mut peer, is_compressed) = self.offer("/echo").await;
            assert_eq!(is_compressed, n < POOL, "client {n}");
            if is_compressed {
                echo(&mut peer, &mut Inflater::new(true)).await;
            } else {
                converse(&mut peer).await.expect("an echo");
            }
            peers.push(peer);
        }
        for peer in peers {
            leave(peer).await;
        }
        self.until_open(0).await;
    }
}

/// Sends a compressed message, and hears it again; the payload that it then had.
async fn echo(peer: &mut Peer, inflater: &mut Inflater) -> Vec<u8> {
    peer.send(&Frame::new(TEXT, deflated(SAID)).compressed().masked()).await.expect("open");
    let echo = peer.receive_message().await.expect("an echo");
    assert!(echo.rsv1 && echo.opcode == TEXT);
    assert_eq!(inflater.inflate(&echo.payload), SAID.as_bytes());
    echo.payload
}

#[test]
fn the_first_get_it_and_the_others_are_plain() {
    let bench = pool(1);
    bench.net.run(async {
        let mut peers = Vec::new();
        for n in 0..WEBSOCKETS {
            let (peer, is_compressed) = bench.offer("/echo").await;
            assert_eq!(is_compressed, n < POOL);
            peers.push((peer, Inflater::new(true)));
        }
        // All at once, so that each has a window of its own.
        for _ in 0..3 {
            for (peer, inflater) in &mut peers[..POOL] {
                echo(peer, inflater).await;
            }
            for (peer, _) in &mut peers[POOL..] {
                peer.send(&Frame::text(SAID).masked()).await.unwrap();
                assert_eq!(peer.receive().await, Ok(Frame::text(SAID)));
            }
        }
        let (mut plain, _) = peers.pop().unwrap();
        plain.send(&Frame::new(TEXT, deflated(SAID)).compressed().masked()).await.unwrap();
        assert_eq!(plain.receive().await.unwrap().close_code(), Some(1002));
        end(plain).await.unwrap();
        for (peer, _) in peers {
            leave(peer).await;
        }
        bench.assert_free().await;
    });
}

#[test]
fn who_does_not_offer_what_will_do_takes_none() {
    let bench = pool(2);
    bench.net.run(async {
        for offer in ["", "permessage-deflate", "permessage-deflate; client_max_window_bits=99"] {
            let mut peers = Vec::new();
            for _ in 0..WEBSOCKETS - 1 {
                let mut peer = bench.connect().await;
                let field = format!("Sec-WebSocket-Extensions: {offer}\r\n");
                let head = peer.request("/echo", if offer.is_empty() { "" } else { &field }).await.unwrap();
                assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
                assert_eq!(header(&head, "Sec-WebSocket-Extensions"), None);
                peers.push(peer);
            }
            let mut peer = bench.compressing("/echo").await;
            echo(&mut peer, &mut Inflater::new(true)).await;
            leave(peer).await;
            for mut peer in peers {
                converse(&mut peer).await.unwrap();
                leave(peer).await;
            }
        }
        bench.assert_free().await;
    });
}

/// Memory of different sizes: who cannot do with the first gets another.
#[test]
fn each_gets_memory_that_will_do() {
    let (small, large) = (
        Box::leak(Box::new(CompressionBuffers::<512, 512, 128, 512, 1024>::new())).compression(Effort::QUICK),
        Box::leak(Box::new(CompressionBuffers::<32768, 512, 128, 512, 1024>::new()))
            .compression(Effort::QUICK),
    );
    let pool = Box::leak(Box::new([RefCell::new(small), RefCell::new(large)]));
    let server = Server::new(Settings::for_sockets(SOCKETS)).with_compression(&*pool);
    let bench: Pool = Bench::of(Net::new(7), server);
    bench.net.run(async {
        let open = async |offer: &str| {
            let mut peer = bench.connect().await;
            let field = format!("Sec-WebSocket-Extensions: {offer}\r\n");
            let head = peer.request("/echo", &field).await.expect("an answer");
            (peer, header(&head, "Sec-WebSocket-Extensions").map(str::to_owned))
        };
        let (any, agreed) = open("permessage-deflate").await;
        assert_eq!(agreed.as_deref(), Some("permessage-deflate; server_no_context_takeover"));
        let (limited, agreed) = open("permessage-deflate; client_max_window_bits").await;
        let answer = "permessage-deflate; server_no_context_takeover; client_max_window_bits=9";
        assert_eq!(agreed.as_deref(), Some(answer));
        leave(any).await;
        leave(limited).await;
    });
}

/// How a client leaves that has compressed.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    InOrder,
    Reset,
    /// A part of a message was sent, and so it was sent back.
    InTheMessage,
    /// A part of a frame.
    InTheFrame,
    /// Nothing of what the server says is read.
    Flooded,
    /// By a fault of its own.
    Refused,
    /// Without a word; it is found out by the heartbeat.
    Silent,
}

const LEAVING: [Leaving; 7] = [
    Leaving::InOrder,
    Leaving::Reset,
    Leaving::InTheMessage,
    Leaving::InTheFrame,
    Leaving::Flooded,
    Leaving::Refused,
    Leaving::Silent,
];

/// A client of memory that nobody else has just now. Returns what its first message and its second were sent back as.
async fn come_and_go(bench: &Pool, leaving: Leaving) -> [Vec<u8>; 2] {
    let (mut peer, mut inflater) = (bench.compressing("/echo").await, Inflater::new(true));
    let echoes = [echo(&mut peer, &mut inflater).await, echo(&mut peer, &mut inflater).await];
    match leaving {
        Leaving::InOrder => {
            leave(peer).await;
            return echoes;
        }
        Leaving::Reset => {}
        Leaving::InTheMessage => {
            // What it stands for is longer than what the server reads at once.
            peer.send(&Frame::new(BINARY, bomb(20)).more().compressed().masked()).await.unwrap();
            Timer::after_millis(100).await;
        }
        Leaving::InTheFrame => {
            let frame = Frame::new(BINARY, bomb(200)).compressed().masked().encode();
            peer.write_all(&frame[..frame.len() / 2]).await.unwrap();
            Timer::after_millis(100).await;
        }
        Leaving::Flooded => {
            // By one more, which takes the other memory, and leaves alike.
            let mut flooded = bench.compressing("/flood").await;
            Timer::after_secs(1).await;
            flooded.abort().await;
        }
        Leaving::Refused => {
            peer.send(&Frame::new(BINARY, [0x06]).compressed().masked()).await.unwrap();
            assert_eq!(peer.receive().await.unwrap().close_code(), Some(1007));
        }
        Leaving::Silent => {
            drop(peer);
            return echoes;
        }
    }
    peer.abort().await;
    echoes
}

#[test]
fn it_is_given_back_however_a_client_leaves() {
    let bench = pool(3);
    bench.net.run(async {
        for leaving in LEAVING {
            for _ in 0..POOL + 1 {
                come_and_go(&bench, leaving).await;
                bench.until_open(0).await;
            }
            bench.assert_free().await;
        }
    });
}

#[test]
fn it_holds_nothing_of_the_client_before() {
    let bench = pool(4);
    bench.net.run(async {
        let [first, second] = come_and_go(&bench, Leaving::InOrder).await;
        assert!(second.len() < first.len() / 2, "{} and {}: no trace of history", first.len(), second.len());
        for leaving in LEAVING {
            bench.until_open(0).await;
            let echoes = come_and_go(&bench, leaving).await;
            assert_eq!(echoes, [first.clone(), second.clone()], "before {leaving:?}");
            bench.until_open(0).await;
            // One that asks for the last bytes of who was there before is refused.
            for distance in 1..=4 {
                let mut peer = bench.compressing("/echo").await;
                peer.send(&Frame::new(BINARY, reference(distance)).compressed().masked()).await.unwrap();
                assert_eq!(peer.receive().await.unwrap().close_code(), Some(1007), "behind {leaving:?}");
                end(peer).await.unwrap();
                bench.until_open(0).await;
            }
        }
    });
}

#[test]
fn a_client_takes_it_over_at_once_while_others_go_on() {
    let bench = pool(5);
    bench.net.run(async {
        let (mut stays, mut inflater) = (bench.compressing("/echo").await, Inflater::new(true));
        let first = echo(&mut stays, &mut inflater).await;
        for _ in 0..5 {
            let mut peer = bench.compressing("/echo").await;
            let (mut late, is_compressed) = bench.offer("/echo").await;
            assert!(!is_compressed);
            assert_eq!(echo(&mut peer, &mut Inflater::new(true)).await, first);
            echo(&mut stays, &mut inflater).await;
            converse(&mut late).await.unwrap();
            leave(peer).await;
            leave(late).await;
            bench.until_open(1).await;
        }
        leave(stays).await;
        bench.assert_free().await;
    });
}

#[test]
fn a_request_that_is_refused_takes_none() {
    let bench = pool(6);
    bench.net.run(async {
        let origin = format!("{OFFER}Origin: http://evil.example\r\n");
        let version = format!("{OFFER}Sec-WebSocket-Version: 8\r\n");
        let refuse = async |path: &str, fields: &str, status: &str| {
            let mut peer = bench.connect().await;
            let head = peer.request(path, fields).await.unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert_eq!(header(&head, "Sec-WebSocket-Extensions"), None);
            peer // it is there still
        };
        // While these are there still, so that one that took it would have it.
        let mut peers = Vec::new();
        for (path, fields, status) in [
            ("/echo", &*origin, "403"),
            ("/echo", &version, "400"),
            ("/nowhere", OFFER, "404"),
            ("/", OFFER, "200"),
        ] {
            peers.push(refuse(path, fields, status).await);
            let compressing = [bench.compressing("/echo").await, bench.compressing("/echo").await];
            for peer in compressing {
                leave(peer).await;
            }
            end(peers.pop().unwrap()).await.unwrap();
        }
        // Known by another name.
        let mut peer = bench.connect().await;
        let request = crate::frames::request("evil.example", "/echo", OFFER);
        peer.write_all(request).await.unwrap();
        assert!(peer.read_head().await.unwrap().starts_with("HTTP/1.1 403 "));
        let others = [bench.compressing("/echo").await, bench.compressing("/echo").await];
        for other in others {
            leave(other).await;
        }
        end(peer).await.unwrap();
        // All WebSockets are taken, and memory is free.
        let mut seated = Vec::new();
        for _ in 0..WEBSOCKETS {
            seated.push(bench.websocket("/echo").await);
        }
        for _ in 0..POOL + 1 {
            end(refuse("/echo", OFFER, "503").await).await.unwrap();
        }
        let full = refuse("/echo", OFFER, "503").await;
        for n in 0..POOL {
            leave(seated.pop().unwrap()).await;
            bench.until_open(WEBSOCKETS - 1).await;
            let mut peer = bench.compressing("/echo").await;
            echo(&mut peer, &mut Inflater::new(true)).await;
            seated.insert(n, peer);
        }
        drop(full);
        for peer in seated {
            leave(peer).await;
        }
        bench.assert_free().await;
    });
}

#[test]
fn a_hundred_clients_come_and_go_though_frames_are_lost() {
    let bench = pool(7);
    bench.net.set_conditions(Conditions { loss: 10, ..Conditions::default() });
    bench.net.run(async {
        let mut first = None;
        for n in 0..100 {
            bench.until_open(0).await;
            let echoes = come_and_go(&bench, LEAVING[n % 3]).await;
            assert_eq!(*first.get_or_insert(echoes.clone()), echoes, "client {n}");
        }
        bench.net.calm();
        bench.assert_free().await;
    });
    assert!(bench.net.sent(&bench.host).lost > 5);
}

#[test]
fn a_server_without_any_agrees_to_none() {
    let bench = Bench::new(8);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let head = peer.request("/echo", OFFER).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(header(&head, "Sec-WebSocket-Extensions"), None);
        converse(&mut peer).await.unwrap();
        leave(peer).await;
    });
}
