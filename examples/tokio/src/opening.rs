//! The opening handshake of a server: [`accept`].

use crate::WebSocket;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, Instant, timeout_at};
use ws_core::handshake::server::{Handshake, Refusal};
use ws_core::handshake::{OriginPolicy, TIMEOUT};
use ws_core::{Config, Connection, Input, Instant as Tick, Output, Server};

/// A client that is refused has this long to read why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Does the opening handshake, on any path, within [`TIMEOUT`] as a whole. Dropping it drops the connection.
///
/// # Errors
///
/// `InvalidData` with a `Refusal` inside: the client was told why; `UnexpectedEof`; those of the stream.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    config: Config,
    origin: OriginPolicy<'_>,
) -> io::Result<WebSocket<S, Server>> {
    let deadline = Instant::now() + Duration::from_millis(TIMEOUT.millis().into());
    let (mut store, mut buf) = (vec![0; 4096], vec![0; 4096]);
    let mut handshake = Handshake::new(&mut store, &[], Tick::from_millis(0));
    let read = loop {
        let read = match timeout_at(deadline, stream.read(&mut buf)).await {
            Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => buf.get_mut(..read?).unwrap_or_default(),
            Err(_) => return refuse(stream, Refusal::TimedOut).await,
        };
        let mut input = Input::new(read);
        match handshake.receive(&mut input) {
            Ok(true) => break input.take_rest().to_vec(), // frames may have come with the request
            Ok(false) => {}
            Err(refusal) => return refuse(stream, refusal).await,
        }
    };
    let mut accept = match handshake.accept(origin) {
        Ok(accept) => accept,
        Err(refusal) => return refuse(stream, refusal).await,
    };
    let mut out = Output::new(&mut buf);
    loop {
        let done = accept.transmit(&mut out);
        timeout_at(deadline, stream.write_all(out.filled())).await??;
        out.clear();
        if done {
            break;
        }
    }
    stream.flush().await?;
    Ok(WebSocket::new(stream, Connection::server(config, Tick::from_millis(0)), &read))
}

/// Answers with a refusal; then reads and forgets for a while, since closing with input unread would take it back.
async fn refuse<S: AsyncRead + AsyncWrite + Unpin, T>(mut stream: S, refusal: Refusal) -> io::Result<T> {
    let mut buf = [0; 512];
    let mut out = Output::new(&mut buf);
    let mut response = refusal.response();
    let last_words = async {
        loop {
            let done = response.transmit(&mut out);
            stream.write_all(out.filled()).await?;
            out.clear();
            if done {
                break;
            }
        }
        stream.shutdown().await?;
        let mut rest = [0; 512];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout_at(Instant::now() + LAST_WORDS, last_words).await;
    Err(io::Error::new(io::ErrorKind::InvalidData, refusal))
}
