//! The other end of a TCP connection: a socket of the stack, a few ways to read, and WebSocket frames on it.
//! It obeys no rule of WebSocket by itself: what it sends is up to the test.

use std::fmt;

use embassy_net::tcp::{ConnectError, Error, State, TcpSocket};
use embedded_io_async::Write as _;

use super::frames::{self, Frame};
use super::network::Host;

/// Octets of each TCP buffer, unless told otherwise.
const BUFFER: usize = 4096;

/// One end of a TCP connection.
///
/// Dropped, it vanishes without a word: the other end learns of it when it next sends. [`close`](Self::close) and
/// [`abort`](Self::abort) say goodbye.
pub(crate) struct Peer {
    pub(crate) socket: TcpSocket<'static>,
    /// Read and not yet asked for.
    surplus: Vec<u8>,
}

/// Why there is nothing more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The other end has said that it sends no more.
    Closed,
    /// Reset by the other end, or given up.
    Reset,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the peer sends no more",
            Self::Reset => "the connection is gone",
        })
    }
}

impl std::error::Error for Ended {}

impl From<Error> for Ended {
    fn from(Error::ConnectionReset: Error) -> Self {
        Self::Reset
    }
}

impl Peer {
    /// Not connected yet; `receive` and `send` are the sizes of the TCP buffers, in octets.
    pub(crate) fn new(host: &Host, receive: usize, send: usize) -> Self {
        let [receive, send] = [receive, send].map(|size| Box::leak(vec![0; size].into_boxed_slice()));
        let mut socket = TcpSocket::new(host.stack, receive, send);
        // The tests count what the library sends; the peer must not wait to fill its segments.
        socket.set_nagle_enabled(false);
        Self { socket, surplus: Vec::new() }
    }

    pub(crate) async fn connect(host: &Host, to: &Host, port: u16) -> Result<Self, ConnectError> {
        let mut peer = Self::new(host, BUFFER, BUFFER);
        peer.socket.connect((to.address, port)).await?;
        Ok(peer)
    }

    /// Waits for one connection.
    pub(crate) async fn accept(host: &Host, port: u16) -> Self {
        let mut peer = Self::new(host, BUFFER, BUFFER);
        peer.socket.accept(port).await.expect("a new socket listens");
        peer
    }

    /// The local port.
    ///
    /// # Panics
    ///
    /// If it has none.
    pub(crate) fn port(&self) -> u16 {
        self.socket.local_endpoint().expect("a connection").port
    }

    /// Into the send buffer; see [`flush`](Self::flush).
    pub(crate) async fn write_all(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Ended> {
        Ok(self.socket.write_all(bytes.as_ref()).await?)
    }

    /// Until all is acknowledged.
    pub(crate) async fn flush(&mut self) -> Result<(), Ended> {
        Ok(self.socket.flush().await?)
    }

    /// What has arrived, at least one octet.
    pub(crate) async fn read(&mut self) -> Result<Vec<u8>, Ended> {
        if self.surplus.is_empty() {
            self.fill().await?;
        }
        Ok(std::mem::take(&mut self.surplus))
    }

    pub(crate) async fn read_exact(&mut self, length: usize) -> Result<Vec<u8>, Ended> {
        while self.surplus.len() < length {
            self.fill().await?;
        }
        Ok(self.take(length))
    }

    /// Up to and with `end`.
    pub(crate) async fn read_until(&mut self, end: &[u8]) -> Result<Vec<u8>, Ended> {
        loop {
            if let Some(at) = self.surplus.windows(end.len()).position(|window| window == end) {
                return Ok(self.take(at + end.len()));
            }
            self.fill().await?;
        }
    }

    /// Until the other end sends no more.
    pub(crate) async fn read_to_end(&mut self) -> Result<Vec<u8>, Ended> {
        loop {
            match self.fill().await {
                Ok(()) => {}
                Err(Ended::Closed) => return Ok(std::mem::take(&mut self.surplus)),
                Err(reset) => return Err(reset),
            }
        }
    }

    /// The head of an HTTP request or response, with the empty line.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    pub(crate) async fn read_head(&mut self) -> Result<String, Ended> {
        Ok(String::from_utf8(self.read_until(b"\r\n\r\n").await?).expect("a head in UTF-8"))
    }

    /// Asks for a WebSocket and returns the head of the answer, whatever it says.
    pub(crate) async fn request(&mut self, path: &str, headers: &str) -> Result<String, Ended> {
        let host = self.socket.remote_endpoint().expect("a connection").to_string();
        self.write_all(frames::request(&host, path, headers)).await?;
        self.read_head().await
    }

    /// Opens a WebSocket.
    ///
    /// # Panics
    ///
    /// If it is refused, or accepted with the wrong value.
    pub(crate) async fn open(&mut self, path: &str) -> Result<String, Ended> {
        let head = self.request(path, "").await?;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(frames::header(&head, "Sec-WebSocket-Accept"), Some(frames::ACCEPT), "{head}");
        Ok(head)
    }

    /// Accepts the WebSocket that the other end asks for, and returns the head of its request.
    pub(crate) async fn answer(&mut self) -> Result<String, Ended> {
        let head = self.read_head().await?;
        self.write_all(frames::response(&head, "")).await?;
        Ok(head)
    }

    /// A connection on which a WebSocket is open.
    ///
    /// # Panics
    ///
    /// If any of it fails.
    pub(crate) async fn websocket(host: &Host, to: &Host, port: u16, path: &str) -> Self {
        let mut peer = Self::connect(host, to, port).await.expect("a listening host");
        peer.open(path).await.expect("an answer");
        peer
    }

    pub(crate) async fn send(&mut self, frame: &Frame) -> Result<(), Ended> {
        self.write_all(frame.encode()).await
    }

    pub(crate) async fn receive(&mut self) -> Result<Frame, Ended> {
        self.receive_by(Frame::decode).await
    }

    /// The same of an end that may compress.
    pub(crate) async fn receive_any(&mut self) -> Result<Frame, Ended> {
        self.receive_by(Frame::decode_any).await
    }

    /// The frames of a message that may be compressed, as one.
    ///
    /// # Panics
    ///
    /// If there are others between, or fragments are out of order.
    pub(crate) async fn receive_message(&mut self) -> Result<Frame, Ended> {
        let mut message = self.receive_any().await?;
        assert!(matches!(message.opcode, 1 | 2), "no message begins: {message:?}");
        while !message.fin {
            let frame = self.receive_any().await?;
            assert_eq!((frame.opcode, frame.rsv1), (0, false), "no message goes on: {frame:?}");
            message.fin = frame.fin;
            message.payload.extend(frame.payload);
        }
        Ok(message)
    }

    async fn receive_by(&mut self, decode: impl Fn(&[u8]) -> Option<(Frame, usize)>) -> Result<Frame, Ended> {
        loop {
            if let Some((frame, length)) = decode(&self.surplus) {
                self.take(length);
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    /// Sends no more, the rest of what was written excepted; reading goes on.
    pub(crate) fn half_close(&mut self) {
        self.socket.close();
    }

    /// Both directions in order: sends no more, reads and discards until the other end says the same.
    pub(crate) async fn close(&mut self) -> Result<(), Ended> {
        self.socket.close();
        self.read_to_end().await?;
        self.flush().await
    }

    /// Sends a reset.
    pub(crate) async fn abort(&mut self) {
        self.socket.abort();
        // Ends with an error whether the reset has left or not: the connection is no more.
        let _ = self.socket.flush().await;
    }

    pub(crate) fn state(&self) -> State {
        self.socket.state()
    }

    async fn fill(&mut self) -> Result<(), Ended> {
        let mut octets = [0; 2048];
        match self.socket.read(&mut octets).await? {
            0 => Err(Ended::Closed),
            length => {
                self.surplus.extend_from_slice(&octets[..length]);
                Ok(())
            }
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.surplus.drain(..length).collect()
    }
}
