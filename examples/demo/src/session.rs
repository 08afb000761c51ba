//! One tab, from its first message to its last: [`run`]. Two threads: this one reads and answers; another writes what
//! the room has to say. Whichever of them writes holds the [`Pen`].

use crate::counted::Counted;
use crate::mailbox::{Mailbox, Note};
use crate::messages::{Closing, Command, ECHO, FRAME, Reply};
use crate::room::{Pace, Room, Seat};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;
use ws_std::ws_core::Duration;
use ws_std::{
    CloseCode, Config, Error, Kind, Limits, Message, Options, Reader, Server, Timeouts, Transport,
    UsageError, WebSocket, Writer,
};

/// What the page and this server have agreed to say.
pub(crate) const SUBPROTOCOL: &str = "demo.v1";

/// 1 MiB, and the byte that says what it is. One byte more is answered with 1009.
const MESSAGE_MAX: usize = (1 << 20) + 1;
/// What others have to take may be less.
const PICTURE_MAX: usize = 256 << 10;
const CHAT_MAX: usize = 1000;
const FRAGMENTS_MAX: usize = 1000;

/// A heartbeat each second, so that there is something to plot; buffers that make few system calls. Nothing
/// is compressed here: see `feed.rs`.
pub(crate) const OPTIONS: Options = Options {
    config: Config::DEFAULT
        .with_limits(Limits::for_message(MESSAGE_MAX))
        .with_timeouts(Timeouts { ping: Duration::from_secs(1), ..Timeouts::DEFAULT }),
    read_buffer: 64 << 10,
    write_buffer: 64 << 10,
    ..Options::DEFAULT
};

/// Talks with a tab until it is gone.
pub(crate) fn run(mut ws: WebSocket<Counted, Server>, room: &Room) -> Result<(), Error> {
    let Some(seat) = room.join() else {
        return ws.close(CloseCode::TRY_AGAIN_LATER, "the room is full");
    };
    let mut closing =
        Closing { tab: seat.tab, by_server: false, code: None, reason: String::new(), clean: false };
    let result = converse(ws, room, &seat, &mut closing);
    if let Err(error) = &result {
        closing.reason = match error {
            // Without the code it was answered with, which the page shows beside the reason.
            Error::Peer(error) => error.to_string(),
            error => error.to_string(),
        };
    }
    room.leave(closing);
    result
}

fn converse(
    mut ws: WebSocket<Counted, Server>,
    room: &Room,
    seat: &Seat,
    closing: &mut Closing,
) -> Result<(), Error> {
    ws.send_text(&Reply::Welcome { tab: seat.tab, closings: &seat.closings }.to_json())?;
    let other = ws.stream().try_clone()?;
    let (mut reader, writer) = ws.split(other);
    let pen = Pen { writer: Mutex::new(writer), has_closed: AtomicBool::new(false) };
    thread::scope(|scope| {
        let forwarding = thread::Builder::new().spawn_scoped(scope, || forward(&seat.mailbox, &pen));
        forwarding.map_err(Error::Io)?;
        let result = listen(&mut reader, &pen, room, seat.tab);
        seat.mailbox.close(); // ends the other thread
        let theirs = reader.close_received();
        closing.by_server = pen.has_closed.load(Ordering::Relaxed);
        closing.code = theirs.flatten().map(CloseCode::get);
        closing.reason = reader.close_reason();
        closing.clean = reader.was_clean();
        if let Err(Error::Peer(error)) = &result {
            closing.by_server = true;
            closing.code = error.close_code().map(CloseCode::get);
        }
        result
    })
}

/// Reads and answers until the closing handshake is done. While an answer is being written nothing is read: TCP slows
/// down a tab that asks faster than it listens, so its echoes need no queue. The same slows down one that floods all others with words, which
/// would fill their mailboxes and end their connections.
fn listen(reader: &mut Reader<Counted, Server>, pen: &Pen, room: &Room, tab: u32) -> Result<(), Error> {
    let mut pace = Pace::of_tab();
    while let Some(message) = reader.read()? {
        let command = match message {
            Message::Text(text) => serde_json::from_str(text).ok(),
            Message::Binary([FRAME, picture @ ..]) if picture.len() <= PICTURE_MAX => {
                room.show(tab, picture);
                pen.say(&Reply::Taken)?;
                continue;
            }
            Message::Binary(bytes @ [ECHO, ..]) => {
                pen.write(|writer| writer.send_binary(bytes))?;
                continue;
            }
            Message::Binary(_) => None,
        };
        match command {
            Some(Command::Echo { text }) => pen.say(&Reply::Echo { text: &text })?,
            Some(Command::Story { fragments }) => tell_story(pen, fragments.clamp(1, FRAGMENTS_MAX))?,
            Some(Command::Ping { at }) => {
                let heartbeat = reader.round_trip().map(|time| time.as_millis() as u64);
                pen.say(&Reply::Pong { at, heartbeat })?;
            }
            Some(Command::Chat { text }) if text.len() <= CHAT_MAX => {
                thread::sleep(room.wait(&mut pace, Instant::now()));
                room.say(&Reply::Chat { tab, text: &text });
            }
            Some(Command::Chat { .. }) => pen.say(&Reply::Error { text: "this is too long to pass on" })?,
            Some(Command::Close { code, reason }) => match CloseCode::new(code) {
                Some(code) => pen.close(code, &reason)?,
                None => pen.say(&Reply::Error { text: "this code may not stand in a Close frame" })?,
            },
            None => pen.close(CloseCode::POLICY_VIOLATION, "not a command of demo.v1")?,
        }
    }
    Ok(())
}

/// One message of unknown length, as it were: each piece goes out as a fragment of its own (RFC 6455 5.4), and may end
/// inside a character. The page gets it whole. Pings and Pongs fit between; other messages do not, so the pen is held.
fn tell_story(pen: &Pen, fragments: usize) -> Result<(), Error> {
    let text: String = (1..=fragments).map(|n| format!("piece {n} of {fragments} \u{2713}\n")).collect();
    let text = Reply::Story { fragments, text: &text }.to_json();
    let cut = |n: usize| n * text.len() / fragments;
    pen.write(|writer| {
        (1..=fragments).try_for_each(|n| {
            let mut piece = &text.as_bytes()[cut(n - 1)..cut(n)];
            writer.send(Kind::Text, &mut piece, n == fragments)
        })
    })
}

/// Writes what the room has to say, as fast as the tab takes it. Only this tab waits here.
fn forward(mailbox: &Mailbox, pen: &Pen) {
    while let Some(note) = mailbox.take() {
        let written = match note {
            Note::Text(text) => pen.write(|writer| writer.send_text(&text)),
            Note::Frame(frame) => pen.write(|writer| writer.send_binary(&frame)),
            Note::Overrun => pen.close(CloseCode::TRY_AGAIN_LATER, "this tab does not read"),
        };
        if written.is_err() {
            return; // the thread that reads finds the end of the connection, and why
        }
    }
}

/// The writing half, for both threads.
struct Pen {
    writer: Mutex<Writer<Counted, Server>>,
    /// We have begun the closing handshake.
    has_closed: AtomicBool,
}

impl Pen {
    fn say(&self, reply: &Reply<'_>) -> Result<(), Error> {
        self.write(|writer| writer.send_text(&reply.to_json()))
    }

    fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        match self.lock().close(code, reason) {
            Ok(()) => self.has_closed.store(true, Ordering::Relaxed),
            Err(Error::Usage(UsageError::Closing)) => {}
            Err(Error::Usage(UsageError::LongControl)) => {
                return self.say(&Reply::Error { text: "a reason has at most 123 bytes" });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Once closing, there is nothing more to say: whoever reads goes on to the end.
    fn write(
        &self,
        write: impl FnOnce(&mut Writer<Counted, Server>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match write(&mut self.lock()) {
            Err(Error::Usage(UsageError::Closing)) => Ok(()),
            result => result,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Writer<Counted, Server>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
