//! Ways to decode what was read: one for each crate. Each is given what the reads return, one after
//! the other, and shows every piece of payload to a [`Sink`].
//!
//! What a read returns lies in memory already: how it came there is counted for nobody. What a crate leaves over, which is
//! the beginning of a header, is moved to where the next read goes, and that is counted.

use core::hint::black_box;

use crate::wire::{Aligned, READ};

/// Where payload goes, in pieces.
pub trait Sink {
    fn piece(&mut self, payload: &[u8], last: bool);
}

/// The payload is there to be used; nobody does.
pub struct Seen;

impl Sink for Seen {
    #[inline(always)]
    fn piece(&mut self, payload: &[u8], last: bool) {
        black_box((payload.as_ptr(), payload.len(), last));
    }
}

pub trait Receiver {
    fn new() -> Self;

    /// Decodes what a read put behind `kept` bytes at the front of `read`; tells how many bytes, now at its front again, are
    /// to be kept for the next.
    fn receive(&mut self, read: &mut [u8], sink: &mut impl Sink) -> usize;
}

pub struct Ours(ws_core::Connection<ws_core::Server>);

impl Receiver for Ours {
    fn new() -> Self {
        Self(ws_core::Connection::server(ws_core::Config::DEFAULT, ws_core::Instant::from_millis(0)))
    }

    #[inline(never)]
    fn receive(&mut self, read: &mut [u8], sink: &mut impl Sink) -> usize {
        let mut input = ws_core::Input::new(read);
        while !input.is_empty() {
            match self.0.receive(&mut input) {
                Ok(Some(ws_core::Event::Data(data))) => sink.piece(data.payload, data.last),
                Ok(_) => {}
                Err(_) => crate::host::fail(),
            }
        }
        0
    }
}

pub struct EmbeddedWebsocket {
    ws: embedded_websocket::WebSocketServer,
    to: Aligned<READ>,
}

impl Receiver for EmbeddedWebsocket {
    fn new() -> Self {
        let mut ws = embedded_websocket::WebSocketServer::new_server();
        ws.state = embedded_websocket::WebSocketState::Open;
        Self { ws, to: Aligned([0; READ]) }
    }

    #[inline(never)]
    fn receive(&mut self, read: &mut [u8], sink: &mut impl Sink) -> usize {
        let mut at = 0;
        while at < read.len() {
            match self.ws.read(&read[at..], &mut self.to.0) {
                Ok(frame) => {
                    at += frame.len_from;
                    sink.piece(&self.to.0[..frame.len_to], frame.end_of_message);
                }
                Err(embedded_websocket::Error::ReadFrameIncomplete) => break,
                Err(_) => crate::host::fail(),
            }
        }
        read.copy_within(at.., 0);
        read.len() - at
    }
}

pub struct EdgeWs(Option<(edge_ws::FrameHeader, usize)>);

impl Receiver for EdgeWs {
    fn new() -> Self {
        Self(None)
    }

    #[inline(never)]
    fn receive(&mut self, read: &mut [u8], sink: &mut impl Sink) -> usize {
        let mut at = 0;
        while at < read.len() {
            let (header, done) = match self.0.take() {
                Some(frame) => frame,
                None => match edge_ws::FrameHeader::deserialize(&read[at..]) {
                    Ok((header, used)) => {
                        at += used;
                        (header, 0)
                    }
                    Err(edge_ws::Error::Incomplete(_)) => break,
                    Err(_) => crate::host::fail(),
                },
            };
            let left = header.payload_len as usize - done;
            let n = left.min(read.len() - at);
            let payload = &mut read[at..][..n];
            header.mask(payload, done);
            sink.piece(payload, n == left);
            at += n;
            if n < left {
                self.0 = Some((header, done + n));
            }
        }
        read.copy_within(at.., 0);
        read.len() - at
    }
}
