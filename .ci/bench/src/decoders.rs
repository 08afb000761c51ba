//! The rows: one way for each crate to decode the stream, its fastest with what is on by default.
//!
//! Each decodes one pass over the stream for each [`Decoder::pass`] and shows every piece of payload to a [`Sink`].

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::stream::{Buffer, READ, Reads};

/// Where payload goes, in pieces.
pub trait Sink {
    fn piece(&mut self, payload: &[u8], last: bool);
}

pub trait Decoder {
    fn new(reads: Reads, messages: u64) -> Self;
    fn pass(&mut self, sink: &mut impl Sink);
}

/// Copies in and XORs by words, headers too: what nothing that unmasks can be faster than. Not a decoder.
pub struct Limit {
    reads: Reads,
    rx: Box<Buffer>,
}

impl Decoder for Limit {
    fn new(reads: Reads, _: u64) -> Self {
        Self { reads, rx: Buffer::new() }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        const KEY: u64 = 0x37fa_213d_37fa_213d;
        loop {
            let n = self.reads.read(&mut self.rx.0);
            let (words, tail) = self.rx.0[..n].as_chunks_mut::<8>();
            for word in words {
                *word = (u64::from_le_bytes(*word) ^ KEY).to_le_bytes();
            }
            for (b, k) in tail.iter_mut().zip(KEY.to_le_bytes()) {
                *b ^= k;
            }
            sink.piece(&self.rx.0[..n], false);
            if self.reads.at_end() {
                return;
            }
        }
    }
}

pub struct Ours {
    reads: Reads,
    rx: Box<Buffer>,
    ws: ws_core::Connection<ws_core::Server>,
}

impl Decoder for Ours {
    fn new(reads: Reads, _: u64) -> Self {
        let limits = ws_core::Limits::for_message(1 << 20);
        let config = ws_core::Config::DEFAULT.with_limits(limits);
        let ws = ws_core::Connection::server(config, ws_core::Instant::from_millis(0));
        Self { reads, rx: Buffer::new(), ws }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        loop {
            let n = self.reads.read(&mut self.rx.0);
            let mut input = ws_core::Input::new(&mut self.rx.0[..n]);
            while !input.is_empty() {
                match self.ws.receive(&mut input) {
                    Ok(Some(ws_core::Event::Data(data))) => sink.piece(data.payload, data.last),
                    Ok(_) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            if self.reads.at_end() {
                return;
            }
        }
    }
}

pub struct WebsocketSansIo {
    reads: Reads,
    rx: Box<Buffer>,
    decoder: websocket_sans_io::WebsocketFrameDecoder,
}

impl Decoder for WebsocketSansIo {
    fn new(reads: Reads, _: u64) -> Self {
        Self { reads, rx: Buffer::new(), decoder: Default::default() }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        use websocket_sans_io::WebsocketFrameEvent::{End, PayloadChunk, Start};
        loop {
            let n = self.reads.read(&mut self.rx.0);
            let mut data = &mut self.rx.0[..n];
            loop {
                let Ok(result) = self.decoder.add_data(data);
                let (chunk, rest) = data.split_at_mut(result.consumed_bytes);
                data = rest;
                match result.event {
                    Some(PayloadChunk { .. }) => sink.piece(chunk, false),
                    Some(End { frame_info, .. }) => sink.piece(&[], frame_info.fin),
                    Some(Start { .. }) => {}
                    None if result.consumed_bytes == 0 => break,
                    None => {}
                }
            }
            if self.reads.at_end() {
                return;
            }
        }
    }
}

pub struct EmbeddedWebsocket {
    reads: Reads,
    rx: Box<Buffer>,
    to: Box<Buffer>,
    ws: embedded_websocket::WebSocketServer,
}

impl Decoder for EmbeddedWebsocket {
    fn new(reads: Reads, _: u64) -> Self {
        let mut ws = embedded_websocket::WebSocketServer::new_server();
        ws.state = embedded_websocket::WebSocketState::Open;
        Self { reads, rx: Buffer::new(), to: Buffer::new(), ws }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        let mut kept = 0;
        loop {
            let n = kept + self.reads.read(&mut self.rx.0[kept..]);
            let mut at = 0;
            while at < n {
                match self.ws.read(&self.rx.0[at..n], &mut self.to.0) {
                    Ok(frame) => {
                        at += frame.len_from;
                        sink.piece(&self.to.0[..frame.len_to], frame.end_of_message);
                    }
                    Err(embedded_websocket::Error::ReadFrameIncomplete) => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
            self.rx.0.copy_within(at..n, 0); // a header cut by the end of the read
            kept = n - at;
            if self.reads.at_end() {
                return;
            }
        }
    }
}

pub struct EdgeWs {
    reads: Reads,
    rx: Box<Buffer>,
    frame: Option<(edge_ws::FrameHeader, usize)>,
}

impl Decoder for EdgeWs {
    fn new(reads: Reads, _: u64) -> Self {
        Self { reads, rx: Buffer::new(), frame: None }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        let mut kept = 0;
        loop {
            let n = kept + self.reads.read(&mut self.rx.0[kept..]);
            let mut data = &mut self.rx.0[..n];
            while !data.is_empty() {
                let (header, done) = match self.frame.take() {
                    Some(frame) => frame,
                    None => match edge_ws::FrameHeader::deserialize(data) {
                        Ok((header, used)) => {
                            data = &mut data[used..];
                            (header, 0)
                        }
                        Err(edge_ws::Error::Incomplete(_)) => break,
                        Err(error) => panic!("{error:?}"),
                    },
                };
                let left = header.payload_len as usize - done;
                let (payload, rest) = data.split_at_mut(left.min(data.len()));
                // The key is turned here: at an offset that the compiler knows, it vectorises the loop.
                let key = header.mask_key.map(|key| key.rotate_left((done as u32 & 3) * 8));
                edge_ws::FrameHeader::mask_with(payload, key, 0);
                sink.piece(payload, payload.len() == left);
                if payload.len() < left {
                    self.frame = Some((header, done + payload.len()));
                }
                data = rest;
            }
            kept = data.len();
            self.rx.0.copy_within(n - kept..n, 0); // a header cut by the end of the read
            if self.reads.at_end() {
                return;
            }
        }
    }
}

pub struct SockudoWs {
    reads: Reads,
    rx: bytes::BytesMut,
    messages: Vec<sockudo_ws::Message>,
    protocol: sockudo_ws::protocol::Protocol,
}

impl Decoder for SockudoWs {
    fn new(reads: Reads, _: u64) -> Self {
        let protocol = sockudo_ws::protocol::Protocol::new(sockudo_ws::Role::Server, 2 << 20, 2 << 20);
        Self { reads, rx: bytes::BytesMut::with_capacity(4 * READ), messages: Vec::new(), protocol }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        loop {
            self.rx.extend_from_slice(self.reads.next(READ));
            self.protocol.process_into(&mut self.rx, &mut self.messages).expect("valid frames");
            for message in self.messages.drain(..) {
                sink.piece(message.as_bytes(), true);
            }
            if self.reads.at_end() {
                return;
            }
        }
    }
}

pub struct Fastwebsockets {
    messages: u64,
    ws: fastwebsockets::WebSocket<Reads>,
}

impl Decoder for Fastwebsockets {
    fn new(reads: Reads, messages: u64) -> Self {
        Self { messages, ws: fastwebsockets::WebSocket::after_handshake(reads, fastwebsockets::Role::Server) }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        let pass = async {
            for _ in 0..self.messages {
                let frame = self.ws.read_frame().await.expect("valid frames");
                sink.piece(&frame.payload, frame.fin);
            }
        };
        // Reads and writes in memory are always ready.
        assert!(pin!(pass).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}

pub struct Tungstenite {
    messages: u64,
    ws: tungstenite::WebSocket<Reads>,
}

impl Decoder for Tungstenite {
    fn new(reads: Reads, messages: u64) -> Self {
        let role = tungstenite::protocol::Role::Server;
        Self { messages, ws: tungstenite::WebSocket::from_raw_socket(reads, role, None) }
    }

    fn pass(&mut self, sink: &mut impl Sink) {
        for _ in 0..self.messages {
            match self.ws.read().expect("valid frames") {
                tungstenite::Message::Binary(payload) => sink.piece(&payload, true),
                tungstenite::Message::Text(text) => sink.piece(text.as_bytes(), true),
                other => panic!("{other:?}"),
            }
        }
    }
}

impl std::io::Read for Reads {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        Ok(Reads::read(self, buf))
    }
}

/// Nothing is written: no Ping and no Close is received.
impl std::io::Write for Reads {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tokio::io::AsyncRead for Reads {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        buf.put_slice(self.next(buf.remaining()));
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Reads {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
