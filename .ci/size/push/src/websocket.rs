//! A WebSocket behind the same HTTP: its frames alone, and events over it.

use crate::http::Connection;
use crate::hub::Events;
use crate::{PING, flush, now};
use ws_core::handshake::server;
use ws_core::http::OriginPolicy;
use ws_core::transport::{Seq, WebSocketStream, websocket};
use ws_core::{Config, Event, Input, Output, Server};

type Ws = ws_core::Connection<Server>;

/// Echoes frames until the connection ends.
pub fn echo_frames(mut connection: Connection<'_, '_, '_>) -> bool {
    let Some(mut ws) = open(&mut connection) else { return true };
    let (rx, out) = (transport::memory(), connection.out);
    receive(&mut ws, connection.input, &mut |_| {}, out);
    while !ws.wants_shutdown() {
        let n = transport::read(rx);
        if n == 0 {
            ws.receive_eof();
        }
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        receive(&mut ws, &mut input, &mut |_| {}, out);
    }
    true
}

/// Sends events, and takes the client's messages, until the connection ends.
pub fn push_frames(mut connection: Connection<'_, '_, '_>, events: &mut Events) -> bool {
    let Some(listener) = events.attach(&connection) else { return connection.refuse(503) };
    let mut n = connection.parameter("n").and_then(Seq::parse).unwrap_or_default();
    let Some(mut ws) = open(&mut connection) else { return true };
    let (rx, out) = (transport::memory(), connection.out);
    let mut stream = WebSocketStream::new(listener.cursor, PING, now());
    if let Some(sid) = listener.sid {
        stream = stream.with_session(sid);
    }
    while !ws.wants_shutdown() && events.wait(&listener) {
        let read = transport::read(rx);
        if read == 0 {
            ws.receive_eof();
        }
        let mut input = Input::new(rx.get_mut(..read).unwrap_or_default());
        receive(
            &mut ws,
            &mut input,
            &mut |last| {
                let session = listener.key.and_then(|key| events.hub.sessions_mut().get_mut(key));
                if last
                    && let Some(session) = session
                    && session.inbox_mut().accept(n).is_ok()
                {
                    n = n.next();
                    stream.acknowledge(session.inbox().received());
                }
            },
            out,
        );
        stream.handle_timeout(now());
        if stream.transmit(&mut ws, &events.news(&listener), now(), out).is_err() {
            break;
        }
        flush(out);
    }
    events.detach(&listener);
    true
}

/// Answers the opening handshake.
fn open(connection: &mut Connection<'_, '_, '_>) -> Option<Ws> {
    let request = connection.exchange.request();
    match server::accept(request, OriginPolicy::SameOrigin)
        .map(|accept| accept.subprotocol(websocket::PROTOCOL))
    {
        Ok(Ok(mut accept)) => {
            while !accept.transmit(connection.out) {
                flush(connection.out);
            }
            Some(ws_core::Connection::server(Config::DEFAULT, now()))
        }
        Ok(Err(_)) => None,
        Err(refusal) => {
            let mut response = refusal.response();
            while !response.transmit(connection.out) {
                flush(connection.out);
            }
            None
        }
    }
}

/// Receives, and echoes; `ended` is told of each piece of a message whether it is the last.
fn receive(ws: &mut Ws, input: &mut Input<'_>, ended: &mut dyn FnMut(bool), out: &mut Output<'_>) {
    while !input.is_empty() || ws.wants_transmit() {
        if let Ok(Some(Event::Data(data))) = ws.receive(input) {
            ended(data.last);
            let mut rest: &[u8] = data.payload;
            while let Ok(false) = ws.send(data.kind, &mut rest, data.last, out) {
                flush(out);
            }
        }
        ws.transmit(out);
        flush(out);
    }
}
