//! What futures and the WebSocket itself take, in a program for this machine: pointers of 8 bytes, so more than on a
//! microcontroller. `cargo test --test io sizes -- --nocapture` prints the figures.

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use ws_core::connection::CompressionBuffers;
use ws_core::deflate::Effort;
use ws_core::handshake::client::Request;
use ws_embassy::{
    CloseCode, Kind, MessageBuffer, Options, OriginPolicy, Plain, WebSocket, accept, connect, io,
};

use crate::side::{Seeded, Side, both_sides};

/// A transport that takes nothing, of memory neither.
struct Silent;

impl ErrorType for Silent {
    type Error = ErrorKind;
}

impl Read for Silent {
    async fn read(&mut self, _: &mut [u8]) -> Result<usize, ErrorKind> {
        std::future::pending().await
    }
}

impl Write for Silent {
    async fn write(&mut self, _: &[u8]) -> Result<usize, ErrorKind> {
        std::future::pending().await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        std::future::pending().await
    }
}

/// What each adapter future may take: 1,024 bytes on a microcontroller, where that is measured; a little more here.
const FUTURE_MAX: usize = 1104;

fn check(name: &str, size: usize, limit: usize) {
    println!("{size:5} B  {name}");
    assert!((1..=limit).contains(&size), "{name}: {size} bytes, not {limit}");
}

both_sides! { an_open_one }

fn an_open_one<S: Side>() {
    let _clock = crate::common::clock::take();
    let (mut read, mut write) = ([], []);
    let (reader, writer) = (io::Reader::new(Silent, &mut read), io::Writer::new(Silent, &mut write));
    let options = Options::DEFAULT;
    let mut ws = WebSocket::new(reader, writer, S::connection(&options), &options, Plain);
    let mut memory = [];
    let mut buffer = MessageBuffer::new(&mut memory);
    let role = if S::IS_CLIENT { "client" } else { "server" };
    // Of 8-byte words, and the entropy of the client: what is ours is held to 512 bytes a connection on the target.
    check(&format!("{role}: WebSocket"), size_of_val(&ws), 512);
    let check = |name: &str, size| check(&format!("{role}: {name}"), size, FUTURE_MAX);
    check("receive", size_of_val(&ws.receive(|_| ())));
    check("read", size_of_val(&ws.read(&mut [0])));
    check("read_message", size_of_val(&ws.read_message(&mut buffer)));
    check("send", size_of_val(&ws.send(Kind::Text, &mut &b""[..], true)));
    check("send_text", size_of_val(&ws.send_text("")));
    check("send_binary", size_of_val(&ws.send_binary(b"")));
    check("flush", size_of_val(&ws.flush()));
    check("ping", size_of_val(&ws.ping(b"")));
    check("close", size_of_val(&ws.close(CloseCode::NORMAL, "")));
    // With compression it is as large: what that takes is lent.
    let mut compression = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
    let mut codec = compression.compression(Effort::QUICK);
    let (mut read, mut write) = ([], []);
    let (reader, writer) = (io::Reader::new(Silent, &mut read), io::Writer::new(Silent, &mut write));
    let compressed = WebSocket::new(reader, writer, S::connection(&options), &options, &mut codec);
    assert_eq!(size_of_val(&compressed), size_of_val(&ws));
}

#[test]
fn handshakes() {
    let _clock = crate::common::clock::take();
    let (mut read, mut write, mut store) = ([], [], []);
    let (reader, writer) = (io::Reader::new(Silent, &mut read), io::Writer::new(Silent, &mut write));
    let future = accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut store, Plain);
    check("accept", size_of_val(&future), FUTURE_MAX);
    drop(future);
    let (reader, writer) = (io::Reader::new(Silent, &mut read), io::Writer::new(Silent, &mut write));
    let request = Request::new("host", "/");
    let future = connect(reader, writer, &Options::DEFAULT, request, Seeded::new(), &mut store, Plain);
    check("connect", size_of_val(&future), FUTURE_MAX);
    drop(future);
    let mut compression = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
    let mut codec = compression.compression(Effort::QUICK);
    let (reader, writer) = (io::Reader::new(Silent, &mut read), io::Writer::new(Silent, &mut write));
    let future = accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut store, &mut codec);
    check("accept with compression", size_of_val(&future), FUTURE_MAX);
    drop(future);
    let (reader, writer) = (io::Reader::new(Silent, &mut read), io::Writer::new(Silent, &mut write));
    let future = connect(reader, writer, &Options::DEFAULT, request, Seeded::new(), &mut store, &mut codec);
    check("connect with compression", size_of_val(&future), FUTURE_MAX);
}
