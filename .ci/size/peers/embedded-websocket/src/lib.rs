//! The echo loop over `embedded-websocket`.

#![no_std]

use embedded_websocket::{
    Error, WebSocketReceiveMessageType as Received, WebSocketSendMessageType as Sent, WebSocketServer,
    WebSocketState, read_http_header,
};

pub fn frames() {
    let mut ws = WebSocketServer::new_server();
    ws.state = WebSocketState::Open;
    echo(&mut ws);
}

pub fn server() {
    let (rx, tx) = (transport::memory(), transport::memory());
    let mut have = 0;
    loop {
        let n = transport::read(rx.get_mut(have..).unwrap_or_default());
        if n == 0 {
            return;
        }
        have += n;
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(rx.get(..have).unwrap_or_default()) {
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(_)) => {
                let fields = request.headers.iter().map(|field| (field.name, field.value));
                let Ok(Some(context)) = read_http_header(fields) else { break };
                let mut ws = WebSocketServer::new_server();
                let Ok(n) = ws.server_accept(&context.sec_websocket_key, None, tx) else { break };
                transport::write(tx.get(..n).unwrap_or_default());
                return echo(&mut ws);
            }
            Err(_) => break,
        }
    }
    transport::write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
}

fn echo(ws: &mut WebSocketServer) {
    let (rx, tx, payload) = (transport::memory(), transport::memory(), transport::memory());
    let mut have = 0;
    loop {
        let n = transport::read(rx.get_mut(have..).unwrap_or_default());
        if n == 0 {
            return;
        }
        let mut from = rx.get(..have + n).unwrap_or_default();
        while !from.is_empty() {
            let result = match ws.read(from, payload) {
                Ok(result) => result,
                Err(Error::ReadFrameIncomplete) => break,
                Err(_) => return,
            };
            from = from.get(result.len_from..).unwrap_or_default();
            let kind = match result.message_type {
                Received::Text => Sent::Text,
                Received::Binary => Sent::Binary,
                Received::Ping => Sent::Pong,
                Received::Pong => continue,
                Received::CloseMustReply => Sent::CloseReply,
                Received::CloseCompleted => return,
            };
            let data = payload.get(..result.len_to).unwrap_or_default();
            let Ok(n) = ws.write(kind, result.end_of_message, data, tx) else { return };
            transport::write(tx.get(..n).unwrap_or_default());
            if kind == Sent::CloseReply {
                return;
            }
        }
        // The beginning of a header goes to the front, to be read again with its rest.
        let mut head = [0; 16];
        have = from.len().min(head.len());
        head[..have].copy_from_slice(&from[..have]);
        rx[..have].copy_from_slice(&head[..have]);
    }
}
