//! One WebSocket over a socket of the real network stack: decoded where TCP received it, encoded where TCP sends from, in
//! rings of any size. `sizes`: payloads against rings. `closing`: codes, reasons and limits. `weather`: frames lost, doubled,
//! late; windows that close. Not here: the pool of the server, which is in `tests/server`.

#[path = "../common/mod.rs"]
mod common;

mod closing;
mod sizes;
mod weather;

use common::frames::{self, BINARY, CONTINUATION, Frame, TEXT};
use common::run::Task;
use common::{Host, Net, Peer};
use embassy_futures::join::join;
use embassy_net::tcp::TcpSocket;
use embassy_time::Duration;
use embedded_io_async::Write as _;
use ws_embassy::{Kind, Options, OriginPolicy, Plain, Server, accept, tcp};

const PORT: u16 = 80;

/// Without a heartbeat, for tests that last longer than a peer may leave it unanswered.
const QUIET: Options = {
    let mut options = Options::DEFAULT;
    options.config.timeouts.ping = ws_embassy::ws_core::Duration::ZERO;
    options
};

/// Accepts one WebSocket on a socket with rings of so many bytes, serves it with `serve`, and ends TCP in good order.
fn serve_one<O: 'static>(
    net: &Net,
    host: &Host,
    rings: (usize, usize),
    options: Options,
    serve: impl AsyncFnOnce(&mut tcp::WebSocket<'_, Server>) -> O + 'static,
) -> Task<O> {
    let stack = host.stack;
    net.spawn(async move {
        let (mut receive, mut send) = (vec![0; rings.0], vec![0; rings.1]);
        let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
        socket.accept(PORT).await.expect("a new socket listens");
        let (reader, writer) = tcp::split(&mut socket);
        let mut head = [0; 512];
        let mut ws = accept(reader, writer, &options, OriginPolicy::SameOrigin, &mut head, Plain)
            .await
            .expect("a request");
        let output = serve(&mut ws).await;
        tcp::close(&mut socket, Duration::from_secs(10)).await;
        output
    })
}

/// Sends back what it gets, by way of a buffer of `size` bytes, until the end.
async fn echo(ws: &mut tcp::WebSocket<'_, Server>, size: usize) -> Result<(), tcp::Error> {
    let mut buf = vec![0; size];
    while let Some(chunk) = ws.read(&mut buf).await? {
        ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
    }
    Ok(())
}

/// Sends `octets` and reads frames meanwhile, until `is_done` says so of all that have come. For a peer that has read no more
/// than it asked for.
async fn exchange(peer: &mut Peer, octets: &[u8], mut is_done: impl FnMut(&[Frame]) -> bool) -> Vec<Frame> {
    let (mut reader, mut writer) = peer.socket.split();
    let send = async { writer.write_all(octets).await.expect("an open connection") };
    let receive = async {
        let (mut came, mut frames, mut buffer) = (Vec::new(), Vec::new(), vec![0; 4096]);
        while !is_done(&frames) {
            let length = reader.read(&mut buffer).await.expect("an open connection");
            assert_ne!(length, 0, "ended behind {} frames", frames.len());
            came.extend_from_slice(&buffer[..length]);
            let mut at = 0;
            while let Some((frame, length)) = Frame::decode(&came[at..]) {
                assert_eq!(frame.mask, None, "a server does not mask (RFC 6455 5.1)");
                frames.push(frame);
                at += length;
            }
            came.drain(..at);
        }
        assert!(came.is_empty(), "part of a frame that nobody expects");
        frames
    };
    join(send, receive).await.1
}

/// Opcodes and payloads.
type Messages = Vec<(u8, Vec<u8>)>;

/// Messages and control frames, in order; the fragments of a message put together. A control frame between them stands before it.
fn messages(frames: &[Frame]) -> Messages {
    let (mut whole, mut begun): (Vec<_>, Option<(u8, Vec<u8>)>) = (Vec::new(), None);
    for frame in frames {
        let (opcode, payload) = match (frame.opcode, begun.take()) {
            (TEXT | BINARY, None) => (frame.opcode, frame.payload.clone()),
            (CONTINUATION, Some((opcode, payload))) => (opcode, [&payload[..], &frame.payload].concat()),
            (8.., unfinished) => {
                begun = unfinished;
                assert!(frame.fin && frame.payload.len() <= 125, "{frame:?}");
                whole.push((frame.opcode, frame.payload.clone()));
                continue;
            }
            (_, begun) => panic!("{frame:?} behind {begun:?}"),
        };
        if frame.fin {
            whole.push((opcode, payload));
        } else {
            begun = Some((opcode, payload));
        }
    }
    whole
}

/// Whether so many whole messages have come.
fn messages_are(number: usize) -> impl FnMut(&[Frame]) -> bool {
    move |frames| frames.iter().filter(|frame| frame.fin && frame.opcode < 8).count() == number
}

/// A payload that does not repeat with the size of any ring, and is text.
fn payload(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| b' ' + ((at * 31 + at / 97 + seed * 7) % 95) as u8).collect()
}

/// Ends both protocols, and says how the server saw that.
async fn leave<O>(mut peer: Peer, served: Task<O>) -> O {
    peer.send(&Frame::close(1000, "").masked()).await.expect("an open connection");
    assert_eq!(peer.receive().await, Ok(Frame::close(1000, "")));
    peer.close().await.expect("an orderly end");
    served.await
}

fn resets(net: &Net, hosts: [&Host; 2]) -> usize {
    hosts.iter().map(|host| net.sent(host).rst).sum()
}

const fn opcode(kind: Kind) -> u8 {
    match kind {
        Kind::Text => frames::TEXT,
        Kind::Binary => frames::BINARY,
    }
}
