//! Our library as a peer. `interop-ours server`: listens and says where; `interop-ours client URL`: checks. An EXTENSION is what
//! it may agree on, such as `permessage-deflate; server_max_window_bits=9`: as a server it listens once for each that is named;
//! as a client it may be named after the URL. `interop-ours compressed EXTENSION URL...`: the scenario with compression.

use interop_peers::{Client, Command, FRAGMENT, OFFERED, Payload, SPOKEN, compressed, pattern, run_client};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};
use ws_core::{Duration, Role};
use ws_std::{
    Answer, CloseCode, Compression, Config, Connect, Error, Kind, Limits, Message, Options, OriginPolicy,
    Timeouts, WebSocket, accept_with,
};

/// A heartbeat that is heard during the checks, and room for a fragment in one frame.
const OPTIONS: Options = Options {
    config: Config::DEFAULT
        .with_limits(Limits { message: 1 << 20, ..Limits::DEFAULT })
        .with_timeouts(Timeouts { ping: Duration::from_millis(50), ..Timeouts::DEFAULT }),
    read_buffer: 64 << 10,
    write_buffer: 2 * FRAGMENT,
    ..Options::DEFAULT
};

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server"] => serve(&[""]),
        ["server", ref extensions @ ..] => serve(extensions),
        ["client", url] => run_client::<Ours>(url, ""),
        ["client", url, extension] => run_client::<Ours>(url, extension),
        ["compressed", ref cases @ ..] => compressed::run_client::<Ours>(cases),
        _ => panic!(
            "usage: interop-ours server [EXTENSION...] | client URL [EXTENSION] | compressed EXTENSION URL..."
        ),
    }
}

/// With one listener for each of the extensions.
fn serve(extensions: &[&str]) {
    thread::scope(|scope| {
        for extension in extensions {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            println!("listening {}", listener.local_addr().unwrap().port());
            scope.spawn(move || {
                let options = options(extension, "client", "server");
                for stream in listener.incoming() {
                    thread::spawn(move || {
                        if let Err(error) = serve_one(stream.unwrap(), &options) {
                            println!("error {error}");
                        }
                    });
                }
            });
        }
    });
}

/// With the compression that these parameters speak of, to inflate what `peer` sends and to deflate what `own` sends.
fn options(extension: &str, peer: &str, own: &str) -> Options {
    let has = |name: String| extension.split(';').any(|param| param.trim() == name);
    let bits = |name: String| {
        let value = extension.split(';').find_map(|param| param.trim().strip_prefix(&name));
        value.map_or(15, |bits| bits.parse().unwrap())
    };
    if extension.is_empty() {
        return OPTIONS;
    }
    let (inflate, deflate) =
        (bits(format!("{peer}_max_window_bits=")), bits(format!("{own}_max_window_bits=")));
    let mut compression = Compression::new(inflate, deflate);
    if !has(format!("{own}_no_context_takeover")) {
        compression = compression.with_takeover();
    }
    if has(format!("{peer}_no_context_takeover")) {
        compression = compression.without_peer_takeover();
    }
    OPTIONS.with_compression(compression)
}

fn serve_one(stream: TcpStream, options: &Options) -> Result<(), Error> {
    let opened = accept_with(stream, options, &[], |request| {
        for line in request.extensions() {
            println!("offered {line}");
        }
        let answer = Answer::accept(OriginPolicy::Any);
        if request.subprotocols().any(|name| name == SPOKEN) { answer.subprotocol(SPOKEN) } else { answer }
    })?;
    let Some(mut ws) = opened else { return Ok(()) };
    loop {
        let was_answered = ws.round_trip().is_some();
        let Some(message) = ws.read()? else { break };
        let payload = owned(&message);
        let Payload::Text(text) = &payload else {
            send(&mut ws, &payload)?;
            continue;
        };
        match Command::parse(text) {
            None => send(&mut ws, &payload)?,
            Some(Command::Ping) => ws.send_text(if was_answered { "pong" } else { "not yet" })?,
            Some(Command::Fragment) => send_fragments(&mut ws, &pattern())?,
            Some(Command::Close(code, reason)) => ws.begin_close(CloseCode::new(code), reason)?,
        }
    }
    let code = ws.close_received().flatten().map_or(1005, CloseCode::get);
    println!("closed {code} {}", ws.close_reason());
    Ok(())
}

fn owned(message: &Message<'_>) -> Payload {
    match message {
        Message::Text(text) => Payload::Text((*text).to_owned()),
        Message::Binary(bytes) => Payload::Binary(bytes.to_vec()),
    }
}

fn send<R: Role>(ws: &mut WebSocket<TcpStream, R>, payload: &Payload) -> Result<(), Error> {
    match payload {
        Payload::Text(text) => ws.send_text(text),
        Payload::Binary(bytes) => ws.send_binary(bytes),
    }
}

fn send_fragments<R: Role>(ws: &mut WebSocket<TcpStream, R>, bytes: &[u8]) -> Result<(), Error> {
    for mut piece in bytes.chunks(FRAGMENT) {
        ws.send(Kind::Binary, &mut piece, false)?;
    }
    ws.send(Kind::Binary, &mut &[][..], true)
}

struct Ours(WebSocket<TcpStream, ws_std::Client<ws_std::OsSeeded>>);

impl Client for Ours {
    fn connect(url: &str, extension: &str) -> Result<Self, String> {
        let options = options(extension, "server", "client");
        Connect::new(url).subprotocols(&OFFERED).options(options).open().map(Self).map_err(words)
    }

    fn protocol(&self) -> String {
        self.0.protocol().unwrap_or_default().to_owned()
    }

    fn extensions(&self) -> String {
        self.0.extensions().to_owned()
    }

    fn send(&mut self, payload: &Payload) -> Result<(), String> {
        send(&mut self.0, payload).map_err(words)
    }

    fn send_fragments(&mut self, bytes: &[u8]) -> Result<(), String> {
        send_fragments(&mut self.0, bytes).map_err(words)
    }

    fn read(&mut self) -> Result<Payload, String> {
        self.0.read().map_err(words)?.as_ref().map(owned).ok_or("closed".into())
    }

    /// The Pong to the heartbeat's Ping is heard while messages go to and fro.
    fn ping(&mut self) -> Result<(), String> {
        while self.0.round_trip().is_none() {
            self.send(&Payload::Text("?".into()))?;
            self.read()?;
        }
        Ok(())
    }

    fn close(mut self, code: u16, reason: &str) -> Result<(u16, String), String> {
        self.0.begin_close(CloseCode::new(code), reason).map_err(words)?;
        self.read_close()
    }

    fn read_close(mut self) -> Result<(u16, String), String> {
        while self.0.read().map_err(words)?.is_some() {}
        let code = self.0.close_received().flatten().map_or(1005, CloseCode::get);
        if self.0.was_clean() {
            Ok((code, self.0.close_reason().to_owned()))
        } else {
            Err("not clean".into())
        }
    }
}

fn words(error: Error) -> String {
    error.to_string()
}
