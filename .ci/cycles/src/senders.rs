//! Ways to encode a message: one for each crate, and the bare copy. Each writes one frame of a server, unmasked, into an output
//! with room for it.

pub trait Sender {
    fn new() -> Self;

    /// Tells how many bytes it wrote.
    fn send(&mut self, payload: &[u8], out: &mut [u8]) -> usize;
}

/// A copy without a header, to a whole word: what nothing that writes into the output can be much faster than. Not an
/// encoder.
pub struct BareCopy;

impl Sender for BareCopy {
    fn new() -> Self {
        Self
    }

    #[inline(never)]
    fn send(&mut self, payload: &[u8], out: &mut [u8]) -> usize {
        out[..payload.len()].copy_from_slice(payload);
        payload.len()
    }
}

pub struct Ours(ws_core::Connection<ws_core::Server>);

impl Sender for Ours {
    fn new() -> Self {
        Self(ws_core::Connection::server(ws_core::Config::DEFAULT, ws_core::Instant::from_millis(0)))
    }

    #[inline(never)]
    fn send(&mut self, payload: &[u8], out: &mut [u8]) -> usize {
        let mut out = ws_core::Output::new(out);
        let mut rest = payload;
        match self.0.send(ws_core::Kind::Binary, &mut rest, true, &mut out) {
            Ok(true) => out.filled().len(),
            _ => crate::host::fail(),
        }
    }
}

pub struct EmbeddedWebsocket(embedded_websocket::WebSocketServer);

impl Sender for EmbeddedWebsocket {
    fn new() -> Self {
        let mut ws = embedded_websocket::WebSocketServer::new_server();
        ws.state = embedded_websocket::WebSocketState::Open;
        Self(ws)
    }

    #[inline(never)]
    fn send(&mut self, payload: &[u8], out: &mut [u8]) -> usize {
        let kind = embedded_websocket::WebSocketSendMessageType::Binary;
        match self.0.write(kind, true, payload, out) {
            Ok(n) => n,
            Err(_) => crate::host::fail(),
        }
    }
}

/// It writes the header, its caller the payload.
pub struct EdgeWs;

impl Sender for EdgeWs {
    fn new() -> Self {
        Self
    }

    #[inline(never)]
    fn send(&mut self, payload: &[u8], out: &mut [u8]) -> usize {
        use edge_ws::{FrameHeader, FrameType};
        let frame_type = FrameType::Binary(false);
        let header = FrameHeader { frame_type, payload_len: payload.len() as u64, mask_key: None };
        match header.serialize(out) {
            Ok(head) => {
                out[head..][..payload.len()].copy_from_slice(payload);
                head + payload.len()
            }
            Err(_) => crate::host::fail(),
        }
    }
}
