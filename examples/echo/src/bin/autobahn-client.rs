//! The client under test of a conformance suite that plays the server: asks it how many cases there are, runs each of
//! them as an echo, and has it write the report. A case that ends in an error is for the suite to judge.
//!
//! `cargo run --release -p echo --bin autobahn-client -- ws://127.0.0.1:9002 AGENT`; `--compress` before it offers compression,
//! without which the suite leaves out what it knows about that, and `--quick` takes less time for it.

use std::env;
use std::process::ExitCode;
use ws_std::{Connect, Error, Message, Options};

fn main() -> ExitCode {
    let args = echo::parse(env::args().skip(1), ["--compress", "--quick"]);
    let args = args.as_ref().map(|(flags, others)| (*flags, others.as_slice()));
    let Some(([is_compressed, is_quick], [url, agent])) = args else {
        eprintln!("usage: autobahn-client [--compress] [--quick] URL AGENT");
        return ExitCode::FAILURE;
    };
    match run_all(url, agent, echo::options(is_compressed, is_quick)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{url}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_all(url: &str, agent: &str, options: Options) -> Result<(), Box<dyn std::error::Error>> {
    // Nothing done is no success.
    let count =
        case_count(url)?.filter(|count| *count > 0).ok_or("the suite does not say how many cases it has")?;
    for case in 1..=count {
        if let Err(error) = echo(&format!("{url}/runCase?case={case}&agent={agent}"), options) {
            eprintln!("case {case} of {count}: {error}");
        }
    }
    Ok(echo(&format!("{url}/updateReports?agent={agent}"), options)?)
}

fn case_count(url: &str) -> Result<Option<u32>, Error> {
    let mut ws = Connect::new(&format!("{url}/getCaseCount")).open()?;
    let mut count = None;
    while let Some(message) = ws.read()? {
        if let Message::Text(text) = message {
            count = text.parse().ok();
        }
    }
    Ok(count)
}

fn echo(url: &str, options: Options) -> Result<(), Error> {
    let mut ws = Connect::new(url).options(options).open()?;
    while let Some((chunk, mut sender)) = ws.receive()? {
        sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?;
    }
    Ok(())
}
