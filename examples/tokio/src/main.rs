//! Echo server: sends every message back as it comes, piece by piece. Ctrl-C closes every connection in peace.
//!
//! `cargo run --release -p tokio-echo -- 127.0.0.1:9001`

use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};
use tokio::net::{TcpListener, TcpStream};
use tokio::{select, signal::ctrl_c, sync::watch, task::JoinSet, time::sleep};
use ws_core::{CloseCode, Config, Limits, handshake::OriginPolicy};

/// What a conformance suite sends: messages of 16 MiB, in as many fragments as it likes.
const LIMITS: Limits = Limits { message: 16 << 20, fragments: u32::MAX, empty_fragments: u8::MAX };

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    if address.starts_with('-') {
        eprintln!("usage: tokio-echo [ADDRESS]");
        return ExitCode::FAILURE;
    }
    let listener = match listen(&address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {address}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let result = loop {
        select! {
            stream = accept(&listener) => {
                connections.spawn(echo(stream, stopping.clone()));
            }
            Some(done) = connections.join_next() => if let Ok(Err(error)) = done { eprintln!("{error}") },
            result = ctrl_c() => break result,
        }
    };
    drop(stop); // each connection sees it
    while connections.join_next().await.is_some() {}
    if let Err(error) = result {
        eprintln!("cannot wait for Ctrl-C: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    Ok(listener)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => eprintln!("no connection accepted: {error}"),
        }
        sleep(Duration::from_millis(100)).await; // out of descriptors, most likely: they come back
    }
}

async fn echo(stream: TcpStream, mut stopping: watch::Receiver<()>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let config = Config::DEFAULT.with_limits(LIMITS);
    let mut ws = tokio_echo::accept(stream, config, OriginPolicy::Any).await?;
    loop {
        select! { // whichever is dropped halfway: nothing is in it
            received = ws.receive() => {
                let Some((chunk, sender)) = received? else { return Ok(()) };
                sender.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
            }
            _ = stopping.changed() => return ws.close(CloseCode::GOING_AWAY, "").await,
        }
    }
}
