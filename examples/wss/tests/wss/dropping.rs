//! Futures that are dropped in the middle of a record: no byte is lost, and none comes twice.

use crate::block_on;
use crate::server::{ALONE, Authority, echo, listen, start};
use embassy_futures::{poll_once, yield_now};
use embassy_time::Duration;
use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{ErrorType, Read, Write};
use embedded_tls::NoClock;
use rand_core::OsRng;
use std::task::Poll;
use tokio::net::TcpStream;
use ws_embassy::ws_core::handshake::client::Request;
use ws_embassy::{Kind, Options, Plain, Timeouts, connect, io};
use wss::host::{Dice, TlsWebSocket};
use wss::tls::{Memory, Receiver, Sender, Tls};
use wss::{Trust, host};

/// A transport that takes and gives one byte at a time, and lets others go first.
struct Drip<T>(T);

impl<T: ErrorType> ErrorType for Drip<T> {
    type Error = T::Error;
}

impl<T: Read> Read for Drip<T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, T::Error> {
        yield_now().await;
        self.0.read(&mut buf[..1]).await
    }
}

impl<T: Write> Write for Drip<T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, T::Error> {
        yield_now().await;
        self.0.write(&bytes[..bytes.len().min(1)]).await
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        self.0.flush().await
    }
}

/// Polls a future of each call once, drops it, and calls again, until one is ready.
async fn insist<O>(mut call: impl AsyncFnMut() -> O) -> (O, usize) {
    let mut drops = 0;
    loop {
        if let Poll::Ready(output) = poll_once(call()) {
            return (output, drops);
        }
        drops += 1;
        yield_now().await;
    }
}

/// Talks over TLS on such a transport, with records as short as the server can make them or as long as the memory holds.
fn drip<const READ: usize>(fragment: Option<usize>, message: usize) {
    let authority = Authority::new();
    let mut config = authority.issue("localhost").config(ALONE);
    config.max_fragment_size = fragment;
    let (port, server) = start(config, echo);
    let session = async |rx: Receiver<'_>, tx: Sender<'_>| {
        let (mut head, mut read, mut write) = ([0; 512], [0; 64], [0; 64]);
        let (reader, writer) = (io::Reader::new(rx, &mut read), io::Writer::new(tx, &mut write));
        let request = Request::new("localhost", "/");
        let (mut ws, _) =
            connect(reader, writer, &Options::DEFAULT, request, Dice, &mut head, Plain).await.unwrap();
        let sent: Vec<u8> = (0..message).map(|at| at as u8).collect();
        let mut rest = &sent[..];
        let mut drops = 0;
        loop {
            let (result, dropped) = insist(async || ws.send(Kind::Binary, &mut rest, true).await).await;
            result.unwrap();
            drops += dropped;
            if rest.is_empty() {
                break;
            }
        }
        let (result, dropped) = insist(async || ws.flush().await).await;
        result.unwrap();
        drops += dropped;
        assert!(drops > message / 2, "{drops} calls were dropped while sending");
        let (mut back, mut drops) = (Vec::new(), 0);
        while back.len() < message {
            let mut buf = [0; 50];
            let (read, dropped) =
                insist(async || ws.read(&mut buf).await.map(|chunk| chunk.unwrap().payload.len())).await;
            back.extend_from_slice(&buf[..read.unwrap()]);
            drops += dropped;
        }
        assert_eq!(back, sent);
        assert!(drops > message / 2, "{drops} calls were dropped while receiving");
        let (result, _) = insist(async || ws.close(ws_embassy::CloseCode::NORMAL, "").await).await;
        result.unwrap();
    };
    block_on(async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (reader, writer) = stream.into_split();
        let (reader, writer) = (Drip(FromTokio::new(reader)), Drip(FromTokio::new(writer)));
        let mut memory = Memory::<READ, 640>::new();
        Tls::new("localhost", Trust::Issuer(&authority.der))
            .run::<NoClock, _, _, _>(reader, writer, OsRng, &mut memory, session)
            .await
            .unwrap();
    });
    server.join().unwrap().unwrap();
}

#[test]
fn calls_that_are_dropped_inside_a_record_lose_nothing() {
    drip::<16_640>(None, 3000);
}

#[test]
fn short_records_need_little_memory() {
    // As long as the server's certificate, 4 KiB, and what is said of the size of a record.
    drip::<1280>(Some(1024), 3000);
    drip::<4352>(Some(4096), 6000);
}

#[test]
fn heartbeats_that_fire_while_a_record_is_on_its_way_lose_nothing() {
    let authority = Authority::new();
    let (port, server) = start(authority.issue("localhost").config(ALONE), echo);
    // A Ping each millisecond, so that every wait is broken off again and again.
    let timeouts = Timeouts { ping: ws_embassy::ws_core::Duration::from_millis(1), ..Timeouts::DEFAULT };
    let config = Options::DEFAULT.config.with_timeouts(timeouts);
    let options = Options { config, ..Options::DEFAULT };
    let session = async |ws: &mut TlsWebSocket<'_, '_>| {
        let mut rounds = 0;
        while rounds < 100 || ws.round_trip().is_none() {
            let text = format!("message {rounds}");
            ws.send_text(&text).await?;
            let mut buf = [0; 64];
            let mut back = Vec::new();
            while let Some(chunk) = ws.read(&mut buf).await? {
                back.extend_from_slice(chunk.payload);
                if chunk.last {
                    break;
                }
            }
            assert_eq!(back, text.as_bytes());
            rounds += 1;
        }
        ws.close(ws_embassy::CloseCode::NORMAL, "").await
    };
    block_on(host::run(
        &format!("wss://localhost:{port}/"),
        Trust::Issuer(&authority.der),
        &options,
        Plain,
        session,
    ))
    .unwrap();
    server.join().unwrap().unwrap();
}

#[test]
fn a_server_that_says_nothing_is_left_in_time() {
    let (port, stream) = listen();
    let silent = std::thread::spawn(move || std::io::Read::read_to_end(&mut stream(), &mut Vec::new()));
    block_on(async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (reader, writer) = stream.into_split();
        let tls =
            Tls { handshake_timeout: Duration::from_millis(50), ..Tls::new("localhost", Trust::Anybody) };
        let mut memory = Memory::<1280, 640>::new();
        let (reader, writer) = (FromTokio::new(reader), FromTokio::new(writer));
        let session = async |_: Receiver<'_>, _: Sender<'_>| ();
        let result = tls.run::<NoClock, _, _, _>(reader, writer, OsRng, &mut memory, session).await;
        assert_eq!(result.unwrap_err().to_string(), "the TLS handshake took too long");
    });
    assert!(silent.join().unwrap().is_ok());
}
