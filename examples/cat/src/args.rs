//! The arguments: [`Args`], [`HELP`].

use lexopt::prelude::*;
use std::ffi::OsString;
use ws_std::CloseCode;

/// The exit status for arguments that make no sense.
pub(crate) const USAGE: u8 = 2;

pub(crate) const HELP: &str = "\
A WebSocket on the command line: what is typed goes out, what comes is shown.

usage: cat [OPTIONS] URL
       cat [OPTIONS] --listen ADDRESS

Each line of standard input is sent as a text message; each message that comes is
written to standard output, text with a line break behind it. At the end of the
input the connection is closed; what comes before the peer has closed too is still
shown. What happens to the connection is told on standard error.

  -b, --binary             Send standard input as binary: what is typed line by line,
                           a file or a pipe as one message, in fragments as it comes.
                           Without this, input that is not UTF-8 is an error.
  -l, --listen ADDRESS     Be a server on ADDRESS, such as 127.0.0.1:9001 (port 0: any
                           free one) for one client, then end. Says on standard error
                           where it listens.
  -p, --subprotocol NAME   Offer this subprotocol; repeat it, those preferred first.
                           With --listen: the first of these that the client offers.
  -H, --header 'N: V'      Send this header field with the request, or as a server with
                           the response; repeat it.
  -o, --origin ORIGIN      As a client: the page in whose name to ask. As a server: let
                           in only pages of this origin; without it, of this host.
      --ping SECS          Ping every SECS seconds and show how long each Pong took; a
                           peer that does not answer within SECS is given up.
  -c, --close CODE[:TEXT]  Close with this code and reason at the end of the input: 1000
                           to 1003, 1007 to 1014 or 3000 to 4999; 1000 unless given.
  -m, --max-message BYTES  Refuse messages above this size: 16777216 unless given.
      --compress           Offer compression of messages (permessage-deflate); as a
                           server, agree to it. What was agreed on is told. A pipe sent
                           with --binary then goes out only as there is a block of it.
  -h, --help               Show this.

Binary messages that come are shown in hexadecimal, a message a line, on a terminal;
else they are written as they are, with nothing between them. Control characters that
come are shown as \\u{1b} and the like on a terminal and on standard error.

exit status: 0  both sides have closed, the peer with 1000, 1001, without a code, or
                with that of --close in answer to it
             1  anything else: refused, lost, or closed with another code, which is
                told on standard error
             2  the arguments make no sense

examples:
  cat ws://127.0.0.1:9001/chat
  cat --subprotocol chat.v2 --header 'Authorization: Bearer abc' ws://example.com/chat
  echo hello | cat ws://127.0.0.1:9001
  cat --binary ws://127.0.0.1:9001/upload < picture.png
  cat --ping 5 ws://127.0.0.1:9001
  cat --listen 127.0.0.1:9001 --close 4000:bye
";

/// What is asked for.
pub(crate) enum Asked {
    Help,
    Run(Args),
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) peer: Peer,
    pub(crate) binary: bool,
    pub(crate) subprotocols: Vec<String>,
    /// Names and values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) origin: Option<String>,
    /// Seconds.
    pub(crate) ping: Option<u32>,
    pub(crate) close: (CloseCode, String),
    /// Bytes.
    pub(crate) max_message: usize,
    pub(crate) compress: bool,
}

#[derive(Debug)]
pub(crate) enum Peer {
    Url(String),
    Listen(String),
}

impl Args {
    /// Takes all arguments, the program's name first.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, lexopt::Error> {
        let mut parser = lexopt::Parser::from_iter(args);
        let (mut url, mut listen) = (None, None);
        let mut args = Self {
            peer: Peer::Url(String::new()),
            binary: false,
            subprotocols: Vec::new(),
            headers: Vec::new(),
            origin: None,
            ping: None,
            close: (CloseCode::NORMAL, String::new()),
            max_message: 16 << 20,
            compress: false,
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Short('h') | Long("help") => return Ok(Asked::Help),
                Short('b') | Long("binary") => args.binary = true,
                Short('l') | Long("listen") => listen = Some(parser.value()?.string()?),
                Short('p') | Long("subprotocol") => args.subprotocols.push(parser.value()?.string()?),
                Short('H') | Long("header") => args.headers.push(parser.value()?.parse_with(header)?),
                Short('o') | Long("origin") => args.origin = Some(parser.value()?.string()?),
                Long("ping") => args.ping = Some(parser.value()?.parse_with(seconds)?),
                Short('c') | Long("close") => args.close = parser.value()?.parse_with(close)?,
                Short('m') | Long("max-message") => args.max_message = parser.value()?.parse()?,
                Long("compress") => args.compress = true,
                Value(value) if url.is_none() => url = Some(value.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        args.peer = match (url, listen) {
            (Some(url), None) => Peer::Url(url),
            (None, Some(address)) => Peer::Listen(address),
            (None, None) => return Err("a URL is needed, such as ws://127.0.0.1:9001, or --listen".into()),
            (Some(_), Some(_)) => return Err("a URL or --listen, not both".into()),
        };
        Ok(Asked::Run(args))
    }
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("it has to be 'Name: value'")?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn seconds(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().filter(|secs| *secs > 0).ok_or("it has to be whole seconds, at least 1")
}

fn close(text: &str) -> Result<(CloseCode, String), &'static str> {
    let (code, reason) = text.split_once(':').unwrap_or((text, ""));
    let code = code.parse().ok().and_then(CloseCode::new);
    let code = code.ok_or("the code has to be 1000 to 1003, 1007 to 1014 or 3000 to 4999")?;
    // A Close has 125 bytes at most, of which the code takes 2 (RFC 6455 5.5).
    if reason.len() > 123 {
        return Err("the reason may have 123 bytes at most");
    }
    Ok((code, reason.to_owned()))
}
