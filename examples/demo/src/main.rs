//! A page and a WebSocket on one port: open it in two tabs, side by side. This file listens and routes; what one tab
//! says and hears is in `session.rs`, what the tabs hear of each other in `room.rs`, the words in `messages.rs`. A second
//! WebSocket, in `feed.rs`, is compressed if the page wants it to be: `telemetry.rs` makes up what it says, and `counted.rs`
//! counts what that takes.
//!
//! `cargo run -p demo`, or `cargo run -p demo -- 127.0.0.1:0` to listen elsewhere.

mod counted;
mod feed;
mod messages;
mod room;
mod session;
mod telemetry;

use counted::Counted;
use feed::Feeds;
use room::Room;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io, thread};
use ws_std::ws_core::handshake::server::Request;
use ws_std::{Answer, Error, Options, OriginPolicy, accept_with};

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

/// What all connections share.
#[derive(Default)]
struct Demo {
    room: Room,
    feeds: Feeds,
}

fn serve_all(listener: &TcpListener) -> ! {
    let demo = Arc::new(Demo::default());
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let demo = Arc::clone(&demo);
                thread::spawn(move || {
                    if let Err(error) = serve(stream, &demo) {
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

/// One connection: a file of the page, or a WebSocket of a tab for as long as it lives.
fn serve(stream: TcpStream, demo: &Demo) -> Result<(), Error> {
    let (mut offered, mut place) = (String::new(), None);
    let ws = accept_with(Counted::new(stream), &Options::DEFAULT, &[], |request| {
        let target = request.target();
        match (request.method(), target.path) {
            ("GET", "/ws") if request.is_upgrade() => {
                speak(request, session::SUBPROTOCOL).options(session::OPTIONS)
            }
            ("GET", "/feed") if request.is_upgrade() => {
                offered = request.extensions().collect::<Vec<_>>().join(", ");
                place = demo.feeds.enter();
                match place {
                    Some(_) => speak(request, feed::SUBPROTOCOL).options(feed::options(target.query)),
                    None => Answer::respond(503, b"there are too many feeds\n"),
                }
            }
            // Refused with what is missing.
            (_, "/ws" | "/feed") => Answer::accept(OriginPolicy::SameOrigin),
            ("GET" | "HEAD", path) => file(path),
            _ => Answer::respond(405, b"GET or HEAD\n").field("Allow", "GET, HEAD"),
        }
    })?;
    match ws {
        None => Ok(()),
        Some(ws) if ws.protocol() == Some(feed::SUBPROTOCOL) => feed::run(ws, &offered),
        Some(ws) => session::run(ws, &demo.room),
    }
}

fn speak(request: Request<'_>, subprotocol: &str) -> Answer<'static> {
    if request.subprotocols().any(|name| name == subprotocol) {
        Answer::accept(OriginPolicy::SameOrigin).subprotocol(subprotocol)
    } else {
        Answer::respond(400, format!("speak {subprotocol} here\n").into_bytes())
    }
}

fn file(path: &str) -> Answer<'static> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let (kind, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page/index.html")),
        "/demo.css" => ("text/css; charset=utf-8", include_str!("../page/demo.css")),
        "/demo.js" => (SCRIPT, include_str!("../page/demo.js")),
        "/connection.js" => (SCRIPT, include_str!("../page/connection.js")),
        "/echo.js" => (SCRIPT, include_str!("../page/echo.js")),
        "/story.js" => (SCRIPT, include_str!("../page/story.js")),
        "/trips.js" => (SCRIPT, include_str!("../page/trips.js")),
        "/feed.js" => (SCRIPT, include_str!("../page/feed.js")),
        "/closings.js" => (SCRIPT, include_str!("../page/closings.js")),
        "/chat.js" => (SCRIPT, include_str!("../page/chat.js")),
        "/canvas.js" => (SCRIPT, include_str!("../page/canvas.js")),
        "/screens.js" => (SCRIPT, include_str!("../page/screens.js")),
        "/plot.js" => (SCRIPT, include_str!("../page/plot.js")),
        "/rate.js" => (SCRIPT, include_str!("../page/rate.js")),
        "/dom.js" => (SCRIPT, include_str!("../page/dom.js")),
        "/favicon.ico" | "/favicon.svg" => ("image/svg+xml", include_str!("../page/favicon.svg")),
        _ => return Answer::respond(404, b"nothing here\n"),
    };
    Answer::page(kind, text.as_bytes())
        .field("Content-Security-Policy", CONTENT_POLICY)
        .field("X-Content-Type-Options", "nosniff")
        .field("Cache-Control", "no-store")
}
