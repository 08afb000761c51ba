//! A page and a WebSocket on one port: open it in two tabs, side by side. This file listens and routes; what one tab
//! says and hears is in `session.rs`, what the tabs hear of each other in `room.rs` and `mailbox.rs`, the words in
//! `messages.rs`. A second WebSocket, in `feed.rs`, is compressed if the page wants it to be: `telemetry.rs` makes up what
//! it says, and `counted.rs` counts what that takes. News by all techniques there are is in `push.rs`, pictures one after the
//! other in `camera.rs`.
//!
//! `cargo run -p demo`, or `cargo run -p demo -- 127.0.0.1:0` to listen elsewhere.

mod camera;
mod counted;
mod feed;
mod mailbox;
mod messages;
mod push;
mod room;
mod session;
mod telemetry;

use counted::Counted;
use feed::Feeds;
use push::News;
use room::Room;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::{env, fmt, io, thread};
use ws_std::http::{Content, Hosts, HttpOptions, PolicyFile, Requests};
use ws_std::ws_core::handshake::server::Request;
use ws_std::ws_core::transport;
use ws_std::{Answer, Error, OriginPolicy};

/// The page's own files and its own WebSocket; nothing from elsewhere, nothing written into the page.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                              connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Addresses, and the name of this machine to itself: a page that comes by another name is not from here.
const HOSTS: Hosts<'static> = Hosts::Addresses(&["localhost"]);
const TEXT: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Tells this state of the script of the transports from others.
static ETAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    transport::CLIENT.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
});

fn main() -> ExitCode {
    let address = env::args().nth(1);
    if address.as_ref().is_some_and(|arg| arg.starts_with('-')) {
        eprintln!("usage: demo [ADDRESS]");
        return ExitCode::FAILURE;
    }
    let news = match News::new() {
        Ok(news) => news,
        Err(error) => {
            eprintln!("this system has no random numbers: {error}");
            return ExitCode::FAILURE;
        }
    };
    match listen(address.as_deref()) {
        Ok(listener) => serve_all(&listener, Demo { room: Room::new(), feeds: Feeds::default(), news }),
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
struct Demo {
    room: Room,
    feeds: Feeds,
    news: News,
}

fn serve_all(listener: &TcpListener, demo: Demo) -> ! {
    let demo = Arc::new(demo);
    let teller = Arc::clone(&demo);
    thread::spawn(move || teller.news.tell());
    loop {
        let begun = listener.accept().and_then(|(stream, _)| {
            let demo = Arc::clone(&demo);
            thread::Builder::new().spawn(move || {
                if let Err(error) = serve(stream, &demo) {
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

/// What to type into a browser on this machine.
fn url(mut address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(_) if address.ip().is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(_) if address.ip().is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}/")
}

/// One connection: files of the page, news, and at last perhaps a WebSocket of a tab for as long as it lives.
fn serve(stream: TcpStream, demo: &Demo) -> Result<(), Error> {
    // A Flash file of this host may connect to this port: no browser runs one today.
    let port = stream.local_addr()?.port().to_string();
    let options =
        HttpOptions { policy: Some(PolicyFile::new("localhost", &port)?), ..HttpOptions::new(HOSTS) };
    let mut client = Requests::new(Counted::new(stream), options)?;
    while let Some(request) = client.read()? {
        match (request.method(), request.target().path) {
            ("GET", "/ws") if request.is_upgrade() => {
                let answer = speak(request, session::SUBPROTOCOL).options(session::OPTIONS);
                let Some(ws) = client.accept(answer)? else { return Ok(()) };
                return session::run(ws, &demo.room);
            }
            ("GET", "/feed") if request.is_upgrade() => {
                let offered = request.extensions().collect::<Vec<_>>().join(", ");
                let options = feed::options(request.target().query);
                let Some(_place) = demo.feeds.enter() else {
                    client.respond(503, &[TEXT], b"there are too many feeds\n")?;
                    continue;
                };
                let answer = speak(request, feed::SUBPROTOCOL).options(options);
                let Some(ws) = client.accept(answer)? else { return Ok(()) };
                return feed::run(ws, &offered);
            }
            // Refused with what is missing.
            (_, "/ws" | "/feed") => {
                return client.accept(Answer::accept(OriginPolicy::SameOrigin)).map(|_| ());
            }
            (_, "/push") => demo.news.serve(&mut client)?,
            ("GET", "/camera") => camera::serve(&mut client)?,
            ("GET" | "HEAD", "/push.js") => {
                client.content(&Content::plain(SCRIPT, &ETAG, transport::CLIENT.as_bytes()))?;
            }
            ("GET" | "HEAD", path) => match file(path) {
                Some((kind, text)) => client.respond(200, &page_fields(kind), text.as_bytes())?,
                None => client.respond(404, &[TEXT], b"nothing here\n")?,
            },
            _ => client.respond(405, &[TEXT, ("Allow", "GET, HEAD")], b"GET or HEAD\n")?,
        }
    }
    Ok(())
}

fn speak(request: Request<'_>, subprotocol: &str) -> Answer<'static> {
    if request.subprotocols().any(|name| name == subprotocol) {
        Answer::accept(OriginPolicy::SameOrigin).subprotocol(subprotocol)
    } else {
        Answer::respond(400, format!("speak {subprotocol} here\n").into_bytes())
    }
}

/// A file: its type, and what is in it.
fn file(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page/index.html")),
        "/transports" | "/transports.html" => {
            ("text/html; charset=utf-8", include_str!("../page/transports.html"))
        }
        "/transports.css" => ("text/css; charset=utf-8", include_str!("../page/transports.css")),
        "/transports.js" => (SCRIPT, include_str!("../page/transports.js")),
        "/lane.js" => (SCRIPT, include_str!("../page/lane.js")),
        "/clock.js" => (SCRIPT, include_str!("../page/clock.js")),
        "/turns.js" => (SCRIPT, include_str!("../page/turns.js")),
        "/wire.js" => (SCRIPT, include_str!("../page/wire.js")),
        "/strip.js" => (SCRIPT, include_str!("../page/strip.js")),
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
        _ => return None,
    })
}

const fn page_fields(kind: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("Content-Type", kind),
        ("Content-Security-Policy", CONTENT_POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ]
}
