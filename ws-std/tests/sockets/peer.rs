//! The other ends: [`pair`], both ends the library's; [`Raw`], bytes by hand.

use crate::common::REQUEST;
use crate::common::frames::{self, Frame};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};
use ws_core::handshake::{OriginPolicy, server::Handshake};
use ws_core::{Input, Output};
use ws_std::{Answer, Client, Connect, Error, Options, OsSeeded, Server, Timeouts, WebSocket, accept_with};

pub(crate) type ClientSocket = WebSocket<TcpStream, Client<OsSeeded>>;
pub(crate) type ServerSocket = WebSocket<TcpStream, Server>;

/// A test that waits for this has failed.
pub(crate) const TOO_LONG: Duration = Duration::from_secs(8);

pub(crate) fn ms(millis: u32) -> ws_core::Duration {
    ws_core::Duration::from_millis(millis)
}

/// Deadlines out of the way, but for what a test sets.
pub(crate) fn options(set: impl FnOnce(&mut Timeouts)) -> Options {
    let mut options = Options::DEFAULT;
    set(&mut options.config.timeouts);
    options
}

/// Asserts that `call` returns soon.
pub(crate) fn soon<T>(call: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = call();
    let took = begun.elapsed();
    assert!(took < TOO_LONG, "took {took:?}");
    result
}

pub(crate) fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/chat", listener.local_addr().unwrap());
    (listener, url)
}

pub(crate) fn accept_next(listener: &TcpListener, options: &Options) -> Result<ServerSocket, Error> {
    let (stream, _) = listener.accept().unwrap();
    let opened = accept_with(stream, options, &[], |_| Answer::accept(OriginPolicy::SameOrigin))?;
    Ok(opened.expect("it was accepted"))
}

/// Both ends of a connection.
pub(crate) fn pair(client: &Options, server: &Options) -> (ClientSocket, ServerSocket) {
    let (listener, url) = listen();
    thread::scope(|scope| {
        let accepting = scope.spawn(|| accept_next(&listener, server).unwrap());
        let client = Connect::new(&url).options(*client).open().unwrap();
        (client, accepting.join().unwrap())
    })
}

/// A peer that reads and writes bytes, and gives up rather than to hang.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
    is_client: bool,
}

impl Raw {
    fn new(stream: TcpStream, is_client: bool) -> Self {
        stream.set_read_timeout(Some(TOO_LONG)).unwrap();
        stream.set_write_timeout(Some(TOO_LONG)).unwrap();
        Self { stream, read: Vec::new(), is_client }
    }

    /// A client that has said nothing yet.
    pub(crate) fn client(listener: &TcpListener) -> Self {
        Self::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap(), true)
    }

    /// A client, with the server that has accepted it.
    pub(crate) fn with_server(options: &Options) -> (Self, ServerSocket) {
        let (listener, _) = listen();
        thread::scope(|scope| {
            let accepting = scope.spawn(|| accept_next(&listener, options).unwrap());
            let mut raw = Self::client(&listener);
            raw.write(REQUEST);
            assert!(raw.read_head().starts_with("HTTP/1.1 101 "));
            (raw, accepting.join().unwrap())
        })
    }

    /// A server, with the client that it has accepted.
    pub(crate) fn with_client(options: &Options) -> (Self, ClientSocket) {
        let (listener, url) = listen();
        thread::scope(|scope| {
            let accepting = scope.spawn(|| Self::server(&listener, b""));
            let client = Connect::new(&url).options(*options).open().unwrap();
            (accepting.join().unwrap(), client)
        })
    }

    /// A server that has read the request of the next client, and has not answered.
    pub(crate) fn unanswered(listener: &TcpListener) -> (Self, Vec<u8>) {
        let mut raw = Self::new(listener.accept().unwrap().0, false);
        let request = raw.read_head().into_bytes();
        (raw, request)
    }

    /// A server that has accepted the next client, and has said `glued` in the same breath.
    pub(crate) fn server(listener: &TcpListener, glued: &[u8]) -> Self {
        let (mut raw, mut request) = Self::unanswered(listener);
        let (mut store, mut buf) = ([0; 1024], [0; 1024]);
        let mut handshake = Handshake::new(&mut store, &[], ws_core::Instant::from_millis(0));
        assert_eq!(handshake.receive(&mut Input::new(&mut request)), Ok(true));
        let mut out = Output::new(&mut buf);
        assert!(handshake.accept(OriginPolicy::Any).unwrap().transmit(&mut out));
        raw.write(&[out.filled(), glued].concat());
        raw
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, b0: u8, payload: &[u8]) {
        self.write(&frames::frame(self.is_client, b0, payload));
    }

    /// Reads a head, up to its empty line.
    pub(crate) fn read_head(&mut self) -> String {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            assert_ne!(self.read_some().unwrap(), 0, "the head is cut short");
        };
        String::from_utf8(self.read.drain(..end).collect()).unwrap()
    }

    /// Reads the next frame; `None`: the other end has ended its direction.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            let mut rest = self.read.as_slice();
            if let Some(frame) = frames::take(!self.is_client, &mut rest) {
                let taken = self.read.len() - rest.len();
                self.read.drain(..taken);
                return Some(frame);
            }
            if self.read_some().unwrap() == 0 {
                assert!(self.read.is_empty(), "a frame is cut short");
                return None;
            }
        }
    }

    /// Reads to the end of the stream.
    pub(crate) fn read_all(&mut self) -> Vec<u8> {
        self.stream.read_to_end(&mut self.read).unwrap();
        std::mem::take(&mut self.read)
    }

    pub(crate) fn read_some(&mut self) -> io::Result<usize> {
        let mut buf = [0; 16 * 1024];
        let n = self.stream.read(&mut buf)?;
        self.read.extend_from_slice(&buf[..n]);
        Ok(n)
    }
}

/// Writes until the stream takes no more: the peer does not read.
pub(crate) fn fill(ws: &mut ServerSocket) -> usize {
    ws.stream().set_nonblocking(true).unwrap();
    let mut taken = 0;
    loop {
        let payload = [0x5a; 4096];
        let mut rest = payload.as_slice();
        let result = ws.feed(ws_std::Kind::Binary, &mut rest, false);
        taken += payload.len() - rest.len();
        match result {
            Ok(()) => {}
            Err(Error::WouldBlock) => break,
            Err(error) => panic!("{error}"),
        }
    }
    ws.stream().set_nonblocking(false).unwrap();
    taken
}
