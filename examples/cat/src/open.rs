//! The opening handshake, as client ([`connect`]) and as server ([`accept`]).

use crate::args::Args;
use crate::harmless::Harmless;
use std::fmt::Display;
use std::io;
use std::net::{TcpListener, TcpStream};
use ws_std::ws_core::Duration;
use ws_std::{
    Answer, Client, Compression, Config, Connect, Error, Limits, Options, OriginPolicy, OsSeeded, Server,
    Timeouts, WebSocket, accept_with,
};

/// Why there is no connection, and what to do.
pub(crate) type Trouble = String;

/// Opens `url`.
pub(crate) fn connect(url: &str, args: &Args) -> Result<WebSocket<TcpStream, Client<OsSeeded>>, Trouble> {
    let subprotocols: Vec<&str> = args.subprotocols.iter().map(String::as_str).collect();
    let headers: Vec<(&str, &str)> =
        args.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut request = Connect::new(url).subprotocols(&subprotocols).fields(&headers).options(options(args));
    if let Some(origin) = &args.origin {
        request = request.origin(origin);
    }
    let ws = request.open().map_err(|error| match &error {
        Error::TlsNeeded => format!(
            "{url}: TLS is not spoken yet. A ws:// URL is needed, such as that behind a proxy which does the TLS"
        ),
        Error::Io(io) if io.kind() == io::ErrorKind::ConnectionRefused => {
            with(url, "nobody listens there: is the server up, the port right?")
        }
        Error::Refused(refused) => {
            let body = String::from_utf8_lossy(&refused.body);
            format!("{url}: {error}\n{}", body.trim_end()).trim_end().to_owned()
        }
        Error::Usage(_) => format!("{url}: a --header, --subprotocol or --origin cannot be sent: {error}"),
        _ => with(url, error),
    })?;
    opened(ws.protocol(), ws.extensions());
    Ok(ws)
}

/// Listens on `address` until a client has opened a WebSocket. Whoever fails to is told and forgotten.
pub(crate) fn accept(address: &str, args: &Args) -> Result<WebSocket<TcpStream, Server>, Trouble> {
    let failed = |error| format!("cannot listen on {address}: {error}; an example: --listen 127.0.0.1:9001");
    let listener = TcpListener::bind(address).map_err(failed)?;
    eprintln!("listening on ws://{}", listener.local_addr().map_err(failed)?);
    loop {
        let (stream, from) = listener.accept().map_err(failed)?;
        match accept_one(stream, args) {
            Ok(Some(ws)) => {
                opened(ws.protocol(), ws.extensions());
                return Ok(ws);
            }
            Ok(None) => {}
            Err(error @ Error::Usage(_)) => return Err(format!("a --header cannot be sent: {error}")),
            Err(error) => eprintln!("{from}: {}", Harmless(&error.to_string())),
        }
    }
}

fn accept_one(stream: TcpStream, args: &Args) -> Result<Option<WebSocket<TcpStream, Server>>, Error> {
    let list: Vec<&str> = args.origin.iter().map(String::as_str).collect();
    let origin = if list.is_empty() { OriginPolicy::SameOrigin } else { OriginPolicy::List(&list) };
    accept_with(stream, &options(args), &[], |request| {
        let is_offered = |name: &&String| request.subprotocols().any(|offered| offered == name.as_str());
        let mut answer = Answer::accept(origin);
        if let Some(name) = args.subprotocols.iter().find(is_offered) {
            answer = answer.subprotocol(name);
        }
        args.headers.iter().fold(answer, |answer, (name, value)| answer.field(name, value))
    })
}

fn options(args: &Args) -> Options {
    let message = u32::try_from(args.max_message).unwrap_or(u32::MAX);
    let mut timeouts = Timeouts::DEFAULT;
    if let Some(secs) = args.ping {
        (timeouts.ping, timeouts.pong) = (Duration::from_secs(secs), Duration::from_secs(secs));
    }
    let limits = Limits { message, fragments: u32::MAX, ..Limits::DEFAULT };
    Options {
        config: Config::DEFAULT.with_limits(limits).with_timeouts(timeouts),
        read_buffer: 64 << 10,
        write_buffer: 64 << 10,
        compression: args.compress.then_some(Compression::DEFAULT),
        ..Options::DEFAULT
    }
}

/// Tells what was agreed on: names that were ours first.
fn opened(protocol: Option<&str>, extensions: &str) {
    let mut told = "open".to_owned();
    if let Some(name) = protocol {
        told.push_str(&format!(", subprotocol {name}"));
    }
    if !extensions.is_empty() {
        told.push_str(&format!(", extension {extensions}"));
    }
    eprintln!("{told}");
}

fn with(url: &str, what: impl Display) -> Trouble {
    format!("{url}: {what}")
}
