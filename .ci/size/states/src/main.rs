//! Prints what one connection of a server takes, in bytes, on this machine.

use std::mem::size_of;

fn main() {
    use websocket_sans_io::{WebsocketFrameDecoder, WebsocketFrameEncoder};
    let states = [
        ("websocket-sans-io", size_of::<WebsocketFrameDecoder>() + size_of::<WebsocketFrameEncoder>()),
        ("embedded-websocket", size_of::<embedded_websocket::WebSocketServer>()),
        ("ws-framer", size_of::<ws_framer::WsRxFramer<'_>>() + size_of::<ws_framer::WsTxFramer<'_>>()),
        ("websocketz", size_of::<websocketz::WebSocket<'_, (), ()>>()),
        ("ws-net", size_of::<ws_net::Connection>()),
        ("ours", size_of::<ws_core::Connection<ws_core::Server>>()),
    ];
    for (name, bytes) in states {
        println!("{name} {bytes}");
    }
}
