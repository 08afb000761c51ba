//! A page and a WebSocket on one port: open it in two tabs, side by side. This file listens and routes; what one tab
//! says and hears is in `session.rs`, what the tabs hear of each other in `room.rs`, the words in `messages.rs`.
//!
//! `cargo run -p demo`, or `cargo run -p demo -- 127.0.0.1:0` to listen elsewhere.

mod messages;
mod room;
mod session;

use room::Room;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io, thread};
use ws_std::{Answer, Error, OriginPolicy, accept_with};

/// The page's own files and its own WebSocket; nothing from elsewhere, nothing written into the page.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                              connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn main() -> ExitCode {
    let address = env::args().nth(1);
    if address.as_ref().is_some_and(|arg| arg.starts_with('-')) {
        eprintln!("usage: demo [ADDRESS]");
        return ExitCode::FAILURE;
    }
    match listen(address.as_deref()) {
        Ok(listener) => serve_all(&listener),
        Err(error) => {
            eprintln!("cannot listen on {}: {error}", address.as_deref().unwrap_or("127.0.0.1"));
            ExitCode::FAILURE
        }
    }
}

/// Where the user says; else on port 8080, or on any other if somebody is there already.
fn listen(address: Option<&str>) -> io::Result<TcpListener> {
    let listener = match address {
        Some(address) => TcpListener::bind(address)?,
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).or_else(|error| {
            println!("port 8080 is not to be had ({error}): taking another");
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        })?,
    };
    println!("open {} in two tabs, side by side", url(listener.local_addr()?));
    Ok(listener)
}

fn serve_all(listener: &TcpListener) -> ! {
    let room = Arc::new(Room::default());
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let room = Arc::clone(&room);
                thread::spawn(move || {
                    if let Err(error) = serve(stream, &room) {
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

/// What to type into a browser on this machine.
fn url(mut address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(_) if address.ip().is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(_) if address.ip().is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}/")
}

/// One connection: a file of the page, or a tab's WebSocket for as long as it lives.
fn serve(stream: TcpStream, room: &Room) -> Result<(), Error> {
    let ws = accept_with(stream, &session::OPTIONS, &[], |request| {
        match (request.method(), request.target().path) {
            ("GET", "/ws") if request.is_upgrade() => {
                if request.subprotocols().any(|name| name == session::SUBPROTOCOL) {
                    Answer::accept(OriginPolicy::SameOrigin).subprotocol(session::SUBPROTOCOL)
                } else {
                    Answer::respond(400, format!("speak {} here\n", session::SUBPROTOCOL).into_bytes())
                }
            }
            // Refused with what is missing.
            (_, "/ws") => Answer::accept(OriginPolicy::SameOrigin),
            ("GET" | "HEAD", path) => file(path),
            _ => Answer::respond(405, b"GET or HEAD\n").field("Allow", "GET, HEAD"),
        }
    })?;
    ws.map_or(Ok(()), |ws| session::run(ws, room))
}

fn file(path: &str) -> Answer<'static> {
    let (kind, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page/index.html")),
        "/demo.css" => ("text/css; charset=utf-8", include_str!("../page/demo.css")),
        "/demo.js" => ("text/javascript; charset=utf-8", include_str!("../page/demo.js")),
        "/favicon.ico" | "/favicon.svg" => ("image/svg+xml", include_str!("../page/favicon.svg")),
        _ => return Answer::respond(404, b"nothing here\n"),
    };
    Answer::page(kind, text.as_bytes())
        .field("Content-Security-Policy", CONTENT_POLICY)
        .field("X-Content-Type-Options", "nosniff")
        .field("Cache-Control", "no-store")
}
