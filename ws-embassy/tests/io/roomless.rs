//! A write buffer of no bytes, which nothing fits: each call that writes says so, and none goes on for ever.

use embedded_io_async::ErrorKind;
use ws_core::handshake::client::Request;
use ws_embassy::transport::WriteHalf;
use ws_embassy::{
    CloseCode, Error, Options, OriginPolicy, PeerError, Plain, Server, UsageError, WebSocket, accept,
    connect, io,
};

use crate::common::frames::{self, Frame, PING};
use crate::pipe::{Pace, Pipe, Sink};
use crate::side::{Seeded, Side, run};

/// An [`io::Writer`] with an empty buffer. A call that asks it on and on, and waits for nothing, would stop the whole board;
/// here it ends the test.
struct Roomless<'b>(io::Writer<'b, Sink>, u32);

impl Roomless<'_> {
    fn new(tx: &Pipe) -> Self {
        Self(io::Writer::new(tx.sink(Pace::Ready), &mut []), 0)
    }
}

impl WriteHalf for Roomless<'_> {
    type Error = ErrorKind;

    async fn write_with<O>(&mut self, f: impl FnOnce(&mut [u8]) -> (usize, O)) -> Result<O, ErrorKind> {
        self.1 += 1;
        assert!(self.1 < 1000, "asked for room without end");
        self.0.write_with(f).await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.0.flush().await
    }

    async fn drain(&mut self) -> Result<bool, ErrorKind> {
        self.0.drain().await
    }

    fn has_taken(&mut self) -> bool {
        self.0.has_taken()
    }
}

const TOO_SMALL: Error<ErrorKind> = Error::Usage(UsageError::OutputTooSmall);

#[test]
fn an_empty_write_buffer_is_an_error_of_either_handshake() {
    for request in [frames::request("host", "/", ""), String::from("garbage\r\n\r\n")] {
        let (rx, tx) = (Pipe::holding(request.as_bytes()), Pipe::new(usize::MAX));
        let (mut read, mut store) = ([0; 64], [0; 400]);
        let reader = io::Reader::new(rx.source(Pace::Ready), &mut read);
        let accept =
            accept(reader, Roomless::new(&tx), &Options::DEFAULT, OriginPolicy::Any, &mut store, Plain);
        assert_eq!(run(accept).err(), Some(TOO_SMALL), "{request}");
        assert!(tx.log().is_empty());
    }
    let (rx, tx) = (Pipe::new(9), Pipe::new(usize::MAX));
    let (mut read, mut store) = ([0; 64], [0; 400]);
    let reader = io::Reader::new(rx.source(Pace::Ready), &mut read);
    let request = Request::new("host", "/");
    let connect =
        connect(reader, Roomless::new(&tx), &Options::DEFAULT, request, Seeded::new(), &mut store, Plain);
    assert_eq!(run(connect).err(), Some(TOO_SMALL));
    assert!(tx.log().is_empty());
}

/// What is owed to the peer is put there by no call of the application's: the one that waits is told.
#[test]
fn an_empty_write_buffer_is_an_error_of_what_is_sent_and_of_what_is_owed() {
    let tx = Pipe::new(usize::MAX);
    let open = |rx: &Pipe| {
        let reader = io::Reader::new(rx.source(Pace::Ready), Vec::leak(vec![0; 64]));
        WebSocket::new(
            reader,
            Roomless::new(&tx),
            Server::connection(&Options::DEFAULT),
            &Options::DEFAULT,
            Plain,
        )
    };
    let nothing = Pipe::new(9);
    assert_eq!(run(async { open(&nothing).send_text("hello").await }), Err(TOO_SMALL));
    assert_eq!(run(async { open(&nothing).ping(b"").await }), Err(TOO_SMALL));
    assert_eq!(run(async { open(&nothing).close(CloseCode::NORMAL, "").await }), Err(TOO_SMALL));
    for owed in [Frame::new(PING, "there?"), Frame::close(1000, ""), Frame::new(3, "reserved")] {
        let rx = Pipe::holding(&owed.clone().masked().encode());
        let received = run(async { open(&rx).receive(|_| ()).await });
        let expected = if owed.opcode == 3 { Error::Peer(PeerError::ReservedOpcode) } else { TOO_SMALL };
        assert_eq!(received, Err(expected), "{owed:?}");
    }
    assert!(tx.log().is_empty());
}
