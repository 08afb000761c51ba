//! tungstenite as a peer. `interop-tungstenite server`: listens and says where; `interop-tungstenite client URL`: checks.
//! It speaks no permessage-deflate; as a client it offers it all the same, to have it declined.

use interop_peers::{Client, Command, FRAGMENT, OFFERED, Payload, SPOKEN, pattern, run_client};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Response;
use tungstenite::handshake::server::{Request, Response as Answer};
use tungstenite::http::HeaderValue;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Error, Message, WebSocket, accept_hdr, connect};

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server"] => serve(),
        ["client", url] => run_client::<Theirs>(url, "permessage-deflate"),
        _ => panic!("usage: interop-tungstenite server | client URL"),
    }
}

fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("listening {}", listener.local_addr().unwrap().port());
    for stream in listener.incoming() {
        thread::spawn(move || {
            if let Err(error) = serve_one(stream.unwrap()) {
                println!("error {error}");
            }
        });
    }
}

fn serve_one(stream: TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    let mut ws = accept_hdr(stream, |request: &Request, mut answer: Answer| {
        let offered = request.headers().get("sec-websocket-protocol");
        if offered.is_some_and(|line| line.to_str().unwrap().split(',').any(|name| name.trim() == SPOKEN)) {
            answer.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SPOKEN));
        }
        Ok(answer)
    })
    .map_err(|error| error.to_string())?;
    loop {
        let message = match ws.read() {
            Err(Error::ConnectionClosed) => return Ok(()),
            message => message?,
        };
        match message {
            Message::Text(text) => match Command::parse(&text) {
                None => ws.send(Message::Text(text))?,
                Some(Command::Ping) => {
                    let answer = if pong(&mut ws)? { "pong" } else { "not yet" };
                    ws.send(Message::text(answer))?;
                }
                Some(Command::Fragment) => send_fragments(&mut ws, &pattern())?,
                Some(Command::Close(code, reason)) => {
                    ws.close(Some(CloseFrame { code: code.into(), reason: reason.into() }))?;
                }
            },
            Message::Binary(bytes) => ws.send(Message::Binary(bytes))?,
            Message::Close(Some(frame)) => println!("closed {} {}", u16::from(frame.code), frame.reason),
            Message::Close(None) => println!("closed 1005 "),
            _ => {}
        }
    }
}

fn pong<S: Read + Write>(ws: &mut WebSocket<S>) -> Result<bool, Error> {
    ws.send(Message::Ping("interop".into()))?;
    loop {
        match ws.read()? {
            Message::Pong(payload) => return Ok(payload == "interop"),
            Message::Ping(_) => {}
            _ => return Ok(false),
        }
    }
}

fn send_fragments<S: Read + Write>(ws: &mut WebSocket<S>, bytes: &[u8]) -> Result<(), Error> {
    let count = bytes.chunks(FRAGMENT).count();
    for (n, piece) in bytes.chunks(FRAGMENT).enumerate() {
        let kind = if n == 0 { Data::Binary } else { Data::Continue };
        ws.send(Message::Frame(Frame::message(piece.to_vec(), OpCode::Data(kind), n + 1 == count)))?;
    }
    Ok(())
}

struct Theirs {
    ws: WebSocket<MaybeTlsStream<TcpStream>>,
    response: Response,
}

impl Theirs {
    fn header(&self, name: &str) -> String {
        self.response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    }
}

impl Client for Theirs {
    fn connect(url: &str, extension: &str) -> Result<Self, String> {
        let mut request = url.into_client_request().map_err(words)?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", OFFERED.join(", ").parse().unwrap());
        headers.insert("sec-websocket-extensions", extension.parse().unwrap());
        let (ws, response) = connect(request).map_err(words)?;
        Ok(Self { ws, response })
    }

    fn protocol(&self) -> String {
        self.header("sec-websocket-protocol")
    }

    fn extensions(&self) -> String {
        self.header("sec-websocket-extensions")
    }

    fn send(&mut self, payload: &Payload) -> Result<(), String> {
        let message = match payload {
            Payload::Text(text) => Message::text(text),
            Payload::Binary(bytes) => Message::binary(bytes.clone()),
        };
        self.ws.send(message).map_err(words)
    }

    fn send_fragments(&mut self, bytes: &[u8]) -> Result<(), String> {
        send_fragments(&mut self.ws, bytes).map_err(words)
    }

    fn read(&mut self) -> Result<Payload, String> {
        loop {
            match self.ws.read().map_err(words)? {
                Message::Text(text) => return Ok(Payload::Text(text.as_str().to_owned())),
                Message::Binary(bytes) => return Ok(Payload::Binary(bytes.to_vec())),
                Message::Close(_) => return Err("closed".into()),
                _ => {}
            }
        }
    }

    fn ping(&mut self) -> Result<(), String> {
        if pong(&mut self.ws).map_err(words)? { Ok(()) } else { Err("no Pong to this Ping".into()) }
    }

    fn close(mut self, code: u16, reason: &str) -> Result<(u16, String), String> {
        self.ws.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).map_err(words)?;
        self.read_close()
    }

    /// The library reports a Close once the closing handshake is done, then the end of the transport.
    fn read_close(mut self) -> Result<(u16, String), String> {
        let mut received = None;
        loop {
            match self.ws.read() {
                Ok(Message::Close(frame)) => received = frame,
                Ok(_) => {}
                Err(Error::ConnectionClosed) => break,
                Err(error) => return Err(words(error)),
            }
        }
        let frame = received.ok_or("no Close with a code came")?;
        Ok((frame.code.into(), frame.reason.as_str().to_owned()))
    }
}

fn words(error: Error) -> String {
    error.to_string()
}
