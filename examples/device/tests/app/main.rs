//! The application over the real network stack, with a board that is made up: what browsers get of it. `page`: the page;
//! `live`: the state, and the switch of the LED; `feed`: the same as events; here: the echo, and all at once.
//! How a server treats its clients is tested with ws-embassy.

#[path = "../../../../ws-embassy/tests/common/mod.rs"]
mod common;

mod feed;
mod live;
mod page;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::frames::{self, Frame, PING, PONG};
use common::peer::Ended;
use common::{Host, Net, Peer};
use device::{
    Board, Compression, CompressionBuffers, Device, Memory, PORT, Push, PushMemory, Random, SOCKETS,
    WEBSOCKETS,
};
use embassy_time::{Instant, Timer};

/// What a test sees of the board, and does to it.
#[derive(Clone, Default)]
struct Lab {
    /// Hundredths of a degree Celsius.
    temperature: Rc<Cell<i32>>,
    /// All that the LED was set to, and when.
    led: Rc<RefCell<Vec<(bool, Instant)>>>,
}

impl Board for Lab {
    async fn set_led(&mut self, on: bool) {
        self.led.borrow_mut().push((on, Instant::now()));
    }

    async fn temperature(&mut self) -> i32 {
        self.temperature.get()
    }
}

impl Lab {
    fn is_lit(&self) -> bool {
        self.led.borrow().last().is_some_and(|(on, _)| *on)
    }
}

/// One for each WebSocket.
fn compressions() -> &'static [Compression] {
    let one = |_| device::compression(Box::leak(Box::new(CompressionBuffers::new())));
    Vec::leak((0..WEBSOCKETS).map(one).collect())
}

/// Bytes that anybody can predict: for tests alone.
fn push() -> Push {
    device::push(Box::leak(Box::new(PushMemory::new())), Random(|bytes| bytes.fill(7)))
}

/// A device and a host for its browsers.
struct Bench {
    net: Net,
    browsers: Host,
    host: Host,
    lab: Lab,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let net = Net::new(seed);
        let (browsers, host) = (net.host(), net.host());
        let (device, lab) = (&*Box::leak(Box::new(Device::new(compressions(), push()))), Lab::default());
        lab.temperature.set(2345);
        for _ in 0..SOCKETS {
            let stack = host.stack;
            net.spawn(async move { device.serve(stack, Box::leak(Box::new(Memory::new()))).await });
        }
        let board = lab.clone();
        net.spawn(async move { device.run_board(board).await });
        Self { net, browsers, host, lab }
    }

    async fn connect(&self) -> Peer {
        Peer::connect(&self.browsers, &self.host, PORT).await.expect("a socket listens")
    }

    /// A browser that watches, as the page does.
    async fn watch(&self) -> Peer {
        let mut peer = self.connect().await;
        let fields = "Origin: http://10.0.0.2\r\nSec-WebSocket-Protocol: live.v1\r\n";
        let head = peer.request("/live", fields).await.expect("an answer");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(frames::header(&head, "Sec-WebSocket-Protocol"), Some("live.v1"), "{head}");
        peer
    }
}

/// The closing handshake, begun by the browser, whatever comes before the answer.
async fn leave(mut peer: Peer) {
    peer.send(&Frame::close(1001, "").masked()).await.expect("an open connection");
    while peer.receive().await.expect("the answer").close_code() != Some(1001) {}
    peer.close().await.expect("an orderly end");
    Timer::after_millis(20).await; // for the last acknowledgement
}

/// The next frame that is no Ping; Pings are answered, as a browser does.
async fn receive(peer: &mut Peer) -> Result<Frame, Ended> {
    loop {
        let frame = peer.receive().await?;
        if frame.opcode != PING {
            return Ok(frame);
        }
        peer.send(&Frame::new(PONG, frame.payload).masked()).await?;
    }
}

#[test]
fn the_echo_sends_back_messages_of_any_length() {
    let bench = Bench::new(1);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        peer.open("/echo").await.unwrap();
        for length in [0, 1, 125, 126, 511, 512, 513, 4096] {
            let payload: Vec<u8> = (0..length).map(|at| (at * 7 % 251) as u8).collect();
            peer.send(&Frame::binary(payload.clone()).masked()).await.unwrap();
            let mut came = Vec::new();
            loop {
                let frame = peer.receive().await.unwrap();
                came.extend(frame.payload);
                if frame.fin {
                    break;
                }
            }
            assert!(came == payload, "{length} octets");
        }
        leave(peer).await;
    });
}

#[test]
fn pages_and_watchers_and_echoes_go_beside_one_another() {
    let bench = Bench::new(2);
    bench.net.run(async {
        let mut watchers = [bench.watch().await, bench.watch().await, bench.watch().await];
        let mut echo = bench.connect().await;
        echo.open("/echo").await.unwrap();
        for _ in 0..20 {
            for watcher in &mut watchers {
                receive(watcher).await.unwrap();
            }
            echo.send(&Frame::text("still there?").masked()).await.unwrap();
            assert_eq!(receive(&mut echo).await, Ok(Frame::text("still there?")));
            let mut visitor = bench.connect().await;
            visitor.write_all("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").await.unwrap();
            assert!(visitor.read_head().await.unwrap().starts_with("HTTP/1.1 200 "));
            visitor.close().await.unwrap();
            // One more WebSocket there is not.
            let mut late = bench.connect().await;
            assert!(late.request("/live", "").await.unwrap().starts_with("HTTP/1.1 503 "));
            late.close().await.unwrap();
        }
    });
}

#[test]
fn two_hours_of_watching_and_of_browsers_that_come_and_go() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let mut faithful = bench.watch().await;
        for round in 1..=24 {
            for _ in 0..WEBSOCKETS - 1 {
                let mut guest = bench.watch().await;
                receive(&mut guest).await.unwrap();
                leave(guest).await;
            }
            let end = Instant::from_secs(round * 5 * 60);
            while Instant::now() < end {
                receive(&mut faithful).await.unwrap();
            }
        }
        leave(faithful).await;
    });
}
