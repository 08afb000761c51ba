//! Echo server: sends every message back as it comes, piece by piece, without ever holding a whole one. Any path, any
//! origin: it tells nobody anything that they did not say.
//!
//! `cargo run --release -p echo --bin echo-server -- 127.0.0.1:9001`

use std::net::{TcpListener, TcpStream};
use std::{env, io, thread};
use ws_std::{Answer, Error, OriginPolicy, accept_with};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = echo(stream) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
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
