//! The opening handshake of a server: [`accept`].

use crate::{SEND_TIMEOUT, WebSocket};
use std::io::{self, ErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::time::{Duration, Instant, timeout, timeout_at};
use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::handshake::{OriginPolicy, TIMEOUT};
use ws_core::{Config, Connection, Input, Output, Server};

/// Does the opening handshake, on any path, within [`TIMEOUT`]. Errors are those of the stream, `UnexpectedEof`, and
/// `InvalidData` with a [`Refusal`] inside: the client was told why.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    config: Config,
    origin: OriginPolicy<'_>,
) -> io::Result<WebSocket<S, Server>> {
    let deadline = Instant::now() + Duration::from_millis(TIMEOUT.millis().into());
    let start = ws_core::Instant::from_millis(0);
    let (mut store, mut rx, mut answer) = (vec![0; 4096], vec![0; 16 * 1024], [0; 512]);
    let mut handshake = Handshake::new(&mut store, &[], start);
    let accepted = loop {
        let n = match timeout_at(deadline, stream.read(&mut rx)).await {
            Ok(Ok(0)) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read?,
            Err(_) => break Err(Refusal::TimedOut),
        };
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        match handshake.receive(&mut input) {
            Ok(true) => break handshake.accept(origin).map(|accept| (accept, input.consumed()..n)),
            Ok(false) => {}
            Err(refusal) => break Err(refusal),
        }
    };
    let mut out = Output::new(&mut answer); // has room for either
    match &accepted {
        Ok((accept, _)) => accept.clone().transmit(&mut out),
        Err(refusal) => refusal.response().transmit(&mut out),
    };
    timeout(SEND_TIMEOUT, stream.write_all(out.filled())).await??;
    timeout(SEND_TIMEOUT, stream.flush()).await??;
    match accepted {
        Ok((_, unread)) => Ok(WebSocket::new(stream, Connection::server(config, start), rx.into(), unread)),
        Err(refusal) => {
            // Closing with input unread would take the answer back: for a second, it is read and forgotten.
            stream.shutdown().await?;
            let _ = timeout(Duration::from_secs(1), copy(&mut stream, &mut sink())).await;
            Err(io::Error::new(ErrorKind::InvalidData, refusal))
        }
    }
}
