//! Echo client: connects, sends every message back as it comes, until the server closes. Its exit status is 0 after a
//! clean close, 1 otherwise.
//!
//! `cargo run --release -p echo --bin echo-client -- ws://127.0.0.1:9001`; `--compress` before it offers compression,
//! and `--quick` takes less time for it.

use std::env;
use std::process::ExitCode;
use ws_std::{Connect, Error, Options};

fn main() -> ExitCode {
    let args = echo::parse(env::args().skip(1), ["--compress", "--quick"]);
    let args = args.as_ref().map(|(flags, others)| (*flags, others.as_slice()));
    let Some(([is_compressed, is_quick], [url])) = args else {
        eprintln!("usage: echo-client [--compress] [--quick] URL");
        return ExitCode::FAILURE;
    };
    match echo(url, echo::options(is_compressed, is_quick)) {
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
