//! Echo client: connects, sends every message back as it comes, until the server closes. Its exit status is 0 after a
//! clean close, 1 otherwise.
//!
//! `cargo run --release -p echo --bin echo-client -- ws://127.0.0.1:9001`

use std::env;
use std::process::ExitCode;
use ws_std::{Connect, Error};

fn main() -> ExitCode {
    let Some(url) = env::args().nth(1).filter(|arg| !arg.starts_with('-')) else {
        eprintln!("usage: echo-client URL");
        return ExitCode::FAILURE;
    };
    match echo(&url) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{url}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn echo(url: &str) -> Result<(), Error> {
    let mut ws = Connect::new(url).options(echo::OPTIONS).open()?;
    while let Some((chunk, mut sender)) = ws.receive()? {
        sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?;
    }
    Ok(())
}
