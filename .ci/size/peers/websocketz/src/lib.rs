//! The echo loop over `websocketz`.

#![no_std]

use core::convert::Infallible;

use transport::futures::{Io, block_on};
use websocketz::options::AcceptOptions;
use websocketz::{Message, WebSocket, next, send};

pub fn frames() {
    let (rx, tx, fragments) = (transport::memory(), transport::memory(), transport::memory());
    block_on(echo(WebSocket::server(Io, NoRandom, rx, tx, fragments)));
}

pub fn server() {
    let (rx, tx, fragments) = (transport::memory(), transport::memory(), transport::memory());
    block_on(async {
        let options = AcceptOptions::default();
        if let Ok(ws) = WebSocket::accept::<16>(options, Io, NoRandom, rx, tx, fragments).await {
            echo(ws).await;
        }
    });
}

async fn echo(mut ws: WebSocket<'_, Io, NoRandom>) {
    // It answers Pings and Closes itself.
    while let Some(Ok(message)) = next!(ws) {
        let done = match message {
            Message::Text(_) | Message::Binary(_) => send!(ws, message),
            _ => Ok(()),
        };
        if done.is_err() {
            return;
        }
    }
}

/// A server masks nothing.
struct NoRandom;

impl rand_core::TryRng for NoRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        Ok(())
    }
}
