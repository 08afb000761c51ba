//! Messages both ways over an open connection: [`talk`].

use crate::args::Args;
use crate::harmless::Harmless;
use crate::open::Trouble;
use std::io::{self, BufRead, IsTerminal, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use ws_std::{CloseCode, Error, Event, Kind, Message, Reader, Role, WebSocket, Writer};

/// How a connection ended in which both sides have closed.
pub(crate) struct Ending {
    code: Option<CloseCode>,
    reason: String,
    /// The peer's code is the answer to ours.
    by_us: bool,
}

/// Sends standard input and shows what comes, until both sides have closed. The two go on side by side: whoever waits
/// for the one does not keep the other from coming.
pub(crate) fn talk<R>(ws: WebSocket<TcpStream, R>, args: &Args) -> Result<Ending, Trouble>
where
    R: Role + Send + 'static,
{
    let (mut reader, mut writer) = ws.try_split().map_err(|error| error.to_string())?;
    let (binary, (code, reason)) = (args.binary, args.close.clone());
    let by_us = Arc::new(AtomicBool::new(false));
    let closing = by_us.clone();
    // It may wait for input for ever, so nobody waits for it: the process ends without it.
    thread::spawn(move || {
        let (code, reason) = match send_all(&mut writer, binary) {
            Ok(()) => (code, reason),
            Err(Stopped::Input(error)) => {
                eprintln!("cat: standard input: {error}");
                (CloseCode::INTERNAL_ERROR, String::new())
            }
            Err(Stopped::Connection) => return, // the reader says why
        };
        // Before the Close, whose answer ends the reader; its error is that the peer was first, or is gone.
        closing.store(true, Ordering::SeqCst);
        if writer.close(code, &reason).is_err() {
            closing.store(false, Ordering::SeqCst);
        }
    });
    show_all(&mut reader, args.ping.is_some())?;
    let (code, by_us) = (reader.close_received().flatten(), by_us.load(Ordering::SeqCst));
    Ok(Ending { code, reason: reader.close_reason(), by_us: by_us && code == Some(args.close.0) })
}

/// Why not all of the input was sent.
enum Stopped {
    Input(io::Error),
    Connection,
}

fn send_all<R: Role>(writer: &mut Writer<TcpStream, R>, binary: bool) -> Result<(), Stopped> {
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut input = stdin.lock();
    if binary && !is_terminal {
        return send_whole(writer, &mut input);
    }
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes).map_err(Stopped::Input)? > 0 {
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let sent = if binary { writer.send_binary(line) } else { writer.send_text(text(line)?) };
        sent.map_err(stopped)?;
        bytes.clear();
    }
    Ok(())
}

/// Sends all of the input as one message, in fragments as it comes: it need not fit into memory.
fn send_whole<R: Role>(writer: &mut Writer<TcpStream, R>, input: &mut impl BufRead) -> Result<(), Stopped> {
    let mut begun = false;
    loop {
        let mut piece = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result.map_err(Stopped::Input)?,
        };
        let (n, last) = (piece.len(), piece.is_empty());
        // No input at all is no message, not an empty one.
        if begun || !last {
            writer.send(Kind::Binary, &mut piece, last).map_err(stopped)?;
            begun = true;
        }
        if last {
            return Ok(());
        }
        input.consume(n);
    }
}

fn text(line: &[u8]) -> Result<&str, Stopped> {
    let no_text = || Stopped::Input(io::Error::other("this is not UTF-8; --binary sends any bytes"));
    std::str::from_utf8(line).map_err(|_| no_text())
}

fn stopped(error: Error) -> Stopped {
    // The reader finds out most of it too, but not that the peer takes nothing.
    if let Error::TimedOut(_) = error {
        eprintln!("cat: {error}");
    }
    Stopped::Connection
}

fn show_all<R: Role>(reader: &mut Reader<TcpStream, R>, shows_pings: bool) -> Result<(), Trouble> {
    while let Some(event) = reader.read_event().map_err(|error| error.to_string())? {
        match event {
            Event::Message(message) => {
                let mut out = io::stdout().lock();
                let is_terminal = out.is_terminal();
                show(&mut out, is_terminal, message).map_err(|error| format!("standard output: {error}"))?;
            }
            Event::Pong if shows_pings => {
                if let Some(time) = reader.round_trip() {
                    eprintln!("ping: {} ms", time.as_millis());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn show(out: &mut impl Write, is_terminal: bool, message: Message<'_>) -> io::Result<()> {
    match message {
        Message::Text(text) if is_terminal => writeln!(out, "{}", Harmless(text))?,
        Message::Text(text) => writeln!(out, "{text}")?,
        Message::Binary(bytes) if is_terminal => writeln!(out, "{}", hex(bytes))?,
        Message::Binary(bytes) => out.write_all(bytes)?,
    }
    out.flush()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

impl Ending {
    /// Says how it ended, and gives the exit status for it.
    pub(crate) fn report(&self) -> ExitCode {
        let reason =
            if self.reason.is_empty() { String::new() } else { format!(": {}", Harmless(&self.reason)) };
        match self.code {
            None => eprintln!("closed without a code"),
            Some(code) => eprintln!("closed with {code}{reason}"),
        }
        match self.code {
            _ if self.by_us => ExitCode::SUCCESS,
            None | Some(CloseCode::NORMAL | CloseCode::GOING_AWAY) => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters_and_a_pipe_every_byte() {
        let text = Message::Text("\u{1b}[2Jgone\ttab");
        let binary = Message::Binary(b"\x1b[2J");
        for (is_terminal, message, shown) in [
            (true, text, "\\u{1b}[2Jgone\ttab\n"),
            (false, text, "\u{1b}[2Jgone\ttab\n"),
            (true, binary, "1b 5b 32 4a\n"),
            (false, binary, "\u{1b}[2J"),
        ] {
            let mut out = Vec::new();
            show(&mut out, is_terminal, message).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), shown, "{is_terminal} {message:?}");
        }
    }
}
