//! Echo client: connects, sends every message back as it comes, until the server closes. Its exit status is 0 after a
//! clean close, 1 otherwise.
//!
//! `cargo run --release -p echo --bin echo-client -- ws://127.0.0.1:9001`; `--compress` before it offers compression.

use std::env;
use std::process::ExitCode;
use ws_std::{Connect, Error, Options};

fn main() -> ExitCode {
    let args = echo::parse(env::args().skip(1), "--compress");
    let Some((is_compressed, [url])) = args.as_ref().map(|(flag, others)| (*flag, others.as_slice())) else {
        eprintln!("usage: echo-client [--compress] URL");
        return ExitCode::FAILURE;
    };
    match echo(url, echo::options(is_compressed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{url}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn echo(url: &str, options: Options) -> Result<(), Error> {
    let mut ws = Connect::new(url).options(options).open()?;
    while let Some((chunk, mut sender)) = ws.receive()? {
        sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?;
    }
    Ok(())
}
