//! Echo server: sends every message back as it comes, piece by piece, without ever holding a whole one. Any path, any
//! origin: it tells nobody anything that they did not say. Messages are compressed if the client offers it.
//!
//! `cargo run --release -p echo --bin echo-server -- 127.0.0.1:9001`; `--no-compression` before it leaves them as they
//! are, `--quick` takes less time to compress them.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fmt, io, thread};
use ws_std::{Answer, Error, Options, OriginPolicy, accept_with};

fn main() -> ExitCode {
    let args = echo::parse(env::args().skip(1), ["--no-compression", "--quick"]);
    let Some(([is_plain, is_quick], addresses)) = args else {
        eprintln!("usage: echo-server [--no-compression] [--quick] [ADDRESS]");
        return ExitCode::FAILURE;
    };
    let address = addresses.first().map_or("127.0.0.1:9001", String::as_str);
    match listen(address) {
        Ok(listener) => serve(&listener, echo::options(!is_plain, is_quick)),
        Err(error) => {
            eprintln!("cannot listen on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    Ok(listener)
}

fn serve(listener: &TcpListener, options: Options) -> ! {
    loop {
        let begun = listener.accept().and_then(|(stream, _)| {
            thread::Builder::new().spawn(move || {
                if let Err(error) = echo(stream, &options) {
                    complain(&error);
                }
            })
        });
        if let Err(error) = begun {
            complain(&format_args!("no connection accepted: {error}"));
            thread::sleep(Duration::from_millis(100)); // out of descriptors or threads, most likely: they come back
        }
    }
}

/// Nobody may read it any more: no reason to stop.
fn complain(what: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

fn echo(stream: TcpStream, options: &Options) -> Result<(), Error> {
    let opened = accept_with(stream, options, &[], |_| Answer::accept(OriginPolicy::Any))?;
    let Some(mut ws) = opened else { return Ok(()) };
    while let Some((chunk, mut sender)) = ws.receive()? {
        // What was fed goes out when the next read has to wait: one write for all that one read brought.
        sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?;
    }
    Ok(())
}
