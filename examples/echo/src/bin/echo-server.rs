//! Echo server: sends every message back as it comes, piece by piece, without ever holding a whole one. Any path, any
//! origin: it tells nobody anything that they did not say.
//!
//! `cargo run --release -p echo --bin echo-server -- 127.0.0.1:9001`

use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io, thread};
use ws_std::{Answer, Error, OriginPolicy, accept_with};

fn main() -> ExitCode {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    if address.starts_with('-') {
        eprintln!("usage: echo-server [ADDRESS]");
        return ExitCode::FAILURE;
    }
    match listen(&address) {
        Ok(listener) => serve(&listener),
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

fn serve(listener: &TcpListener) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                thread::spawn(move || {
                    if let Err(error) = echo(stream) {
                        eprintln!("{error}");
                    }
                });
            }
            Err(error) => {
                eprintln!("no connection accepted: {error}");
                thread::sleep(Duration::from_millis(100)); // out of descriptors, most likely: they come back
            }
        }
    }
}

fn echo(stream: TcpStream) -> Result<(), Error> {
    let opened = accept_with(stream, &echo::OPTIONS, &[], |_| Answer::accept(OriginPolicy::Any))?;
    let Some(mut ws) = opened else { return Ok(()) };
    while let Some((chunk, mut sender)) = ws.receive()? {
        // What was fed goes out when the next read has to wait: one write for all that one read brought.
        sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?;
    }
    Ok(())
}
