//! A WebSocket on the command line: what is typed goes out, what comes is shown. `cat --help` says the rest.
//!
//! `args.rs` reads the arguments, `open.rs` makes the connection, `talk.rs` carries messages both ways over it,
//! `harmless.rs` keeps the peer from the terminal. What is said about the connection goes to standard error, so that
//! standard output holds the messages alone.

mod args;
mod harmless;
mod open;
mod talk;

use args::{Args, Asked, Peer};
use harmless::Harmless;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args_os()) {
        Ok(Asked::Run(args)) => args,
        Ok(Asked::Help) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("cat: {error}\nTry --help.");
            return ExitCode::from(args::USAGE);
        }
    };
    let result = match &args.peer {
        Peer::Url(url) => open::connect(url, &args).and_then(|ws| talk::talk(ws, &args)),
        Peer::Listen(address) => open::accept(address, &args).and_then(|ws| talk::talk(ws, &args)),
    };
    match result {
        Ok(ending) => ending.report(),
        Err(trouble) => {
            eprintln!("cat: {}", Harmless(&trouble)); // the peer's words may be in it
            ExitCode::FAILURE
        }
    }
}
