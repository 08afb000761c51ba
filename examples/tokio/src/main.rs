//! Echo server: sends every message back as it comes, piece by piece. Ctrl-C closes every connection in peace.
//!
//! `cargo run --release -p tokio-echo -- 127.0.0.1:9001`

use std::{env, io};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_echo::accept;
use ws_core::handshake::OriginPolicy;
use ws_core::{CloseCode, Config, Limits};

/// Messages of 16 MiB in 65,536 fragments and an empty one that ends them, as a conformance suite sends them.
const CONFIG: Config = Config::DEFAULT.with_limits(Limits {
    message: 16 << 20,
    fragments: (1 << 16) + 1,
    empty_fragments: u8::MAX,
});

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    loop {
        select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let stopping = stopping.clone();
                connections.spawn(async move {
                    if let Err(error) = echo(stream, stopping).await {
                        eprintln!("{error}");
                    }
                });
            }
            Some(_) = connections.join_next() => {} // one is done
            result = tokio::signal::ctrl_c() => break result?,
        }
    }
    drop(stop); // each connection sees it
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn echo(stream: TcpStream, mut stopping: watch::Receiver<()>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut ws = accept(stream, CONFIG, OriginPolicy::Any).await?;
    loop {
        // Either may be dropped halfway: nothing is in them.
        select! {
            received = ws.receive() => {
                let Some((chunk, mut sender)) = received? else { return Ok(()) };
                sender.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
            }
            _ = stopping.changed() => return ws.close(CloseCode::GOING_AWAY, "").await,
        }
    }
}
