//! What a client checks, and what a server is asked to do, whichever library is below: [`run_client`], [`Command`]. What it
//! does with compression is in [`compressed`]. The libraries are in `bin/`; the same scenarios in other languages are in the
//! directories beside this one.

pub mod compressed;

/// The subprotocol that both sides speak, and the one that only the client would.
pub const OFFERED: [&str; 2] = ["interop.v2", "interop.v1"];
pub const SPOKEN: &str = "interop.v1";

/// The size of large messages, and of the fragments of one.
pub const LARGE: usize = 1 << 20;
pub const FRAGMENT: usize = 64 << 10;

/// Characters of every length, at the borders of each, and some that libraries may take for special.
pub const UNICODE: &str = "\u{0}\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{feff}\u{fffe}\u{ffff}\u{10000}\u{10ffff} Grüße κόσμε 日本 👩\u{200d}🚀";

/// A close that stands for the client's, and one for the server's.
pub const CLIENT_CLOSE: (u16, &str) = (4002, "tschüß ✓");
pub const SERVER_CLOSE: (u16, &str) = (4001, "до свидания ✓");

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    Text(String),
    Binary(Vec<u8>),
}

/// Bytes that no shift and no cut leaves the same.
pub fn pattern() -> Vec<u8> {
    (0..LARGE).map(|n| (n % 251) as u8).collect()
}

/// What a client may ask a server for, in a text message. Anything else is echoed.
pub enum Command<'a> {
    /// Send [`pattern`] in fragments.
    Fragment,
    /// Say "pong" if a Ping was answered on this connection, else "not yet".
    Ping,
    /// Close with this code and reason.
    Close(u16, &'a str),
}

impl<'a> Command<'a> {
    pub fn parse(text: &'a str) -> Option<Self> {
        let asked = text.strip_prefix("please ")?;
        match asked.split_once(' ') {
            None if asked == "fragment" => Some(Self::Fragment),
            None if asked == "ping" => Some(Self::Ping),
            Some(("close", rest)) => {
                let (code, reason) = rest.split_once(' ')?;
                Some(Self::Close(code.parse().ok()?, reason))
            }
            _ => None,
        }
    }
}

/// A client's connection, as a library makes it.
pub trait Client: Sized {
    /// Offers `extension`, which is what may stand in `Sec-WebSocket-Extensions`; nothing if it is empty.
    fn connect(url: &str, extension: &str) -> Result<Self, String>;
    fn protocol(&self) -> String;
    fn extensions(&self) -> String;
    fn send(&mut self, payload: &Payload) -> Result<(), String>;
    fn send_fragments(&mut self, bytes: &[u8]) -> Result<(), String>;
    fn read(&mut self) -> Result<Payload, String>;
    /// Sends a Ping and waits for the Pong.
    fn ping(&mut self) -> Result<(), String>;
    /// Closes; returns what the server's Close held.
    fn close(self, code: u16, reason: &str) -> Result<(u16, String), String>;
    /// Waits for the server's Close; returns what it held.
    fn read_close(self) -> Result<(u16, String), String>;
}

/// Does all checks and prints a line for each.
pub fn run_client<C: Client>(url: &str, extension: &str) {
    let mut ws = match C::connect(url, extension) {
        Ok(ws) => ws,
        Err(error) => return println!("FAILED connect: {error}"),
    };
    let (protocol, extensions) = (ws.protocol(), ws.extensions());
    report("subprotocol", equal(&protocol.as_str(), &SPOKEN));
    report("no extension", equal(&extensions.as_str(), &""));
    report("text", echoes(&mut ws, Payload::Text("hello".into())));
    report("unicode", echoes(&mut ws, Payload::Text(UNICODE.into())));
    report("binary", echoes(&mut ws, Payload::Binary((0..=255).collect())));
    let empty = echoes(&mut ws, Payload::Text(String::new()));
    report("empty", empty.and_then(|()| echoes(&mut ws, Payload::Binary(Vec::new()))));
    report("1 MiB binary", echoes(&mut ws, Payload::Binary(pattern())));
    report("1 MiB text", echoes(&mut ws, Payload::Text("é".repeat(LARGE / 2))));
    let sent = ws.send_fragments(&pattern());
    report("fragments sent", sent.and_then(|()| equal(&ws.read()?, &Payload::Binary(pattern()))));
    report(
        "fragments received",
        ask(&mut ws, "fragment").and_then(|got| equal(&got, &Payload::Binary(pattern()))),
    );
    report("ping sent", ws.ping());
    report("ping received", until_pong(&mut ws));
    let (code, reason) = CLIENT_CLOSE;
    report("close by client", ws.close(code, reason).and_then(|(echoed, _)| equal(&echoed, &code)));
    report("close by server", closed_by_server::<C>(url, extension));
}

fn report(name: &str, result: Result<(), String>) {
    match result {
        Ok(()) => println!("ok {name}"),
        Err(why) => println!("FAILED {name}: {why}"),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(got: &T, wanted: &T) -> Result<(), String> {
    let short = |value: &T| format!("{value:?}").chars().take(80).collect::<String>();
    if got == wanted { Ok(()) } else { Err(format!("got {}, not {}", short(got), short(wanted))) }
}

fn echoes<C: Client>(ws: &mut C, payload: Payload) -> Result<(), String> {
    ws.send(&payload)?;
    equal(&ws.read()?, &payload)
}

fn ask<C: Client>(ws: &mut C, what: &str) -> Result<Payload, String> {
    ws.send(&Payload::Text(format!("please {what}")))?;
    ws.read()
}

/// The server may need some time to have its Ping answered; the whole run is bounded by who started it.
fn until_pong<C: Client>(ws: &mut C) -> Result<(), String> {
    loop {
        match ask(ws, "ping")? {
            Payload::Text(text) if text == "not yet" => {}
            got => return equal(&got, &Payload::Text("pong".into())),
        }
    }
}

fn closed_by_server<C: Client>(url: &str, extension: &str) -> Result<(), String> {
    let (code, reason) = SERVER_CLOSE;
    let mut ws = C::connect(url, extension)?;
    ws.send(&Payload::Text(format!("please close {code} {reason}")))?;
    equal(&ws.read_close()?, &(code, reason.to_owned()))
}
