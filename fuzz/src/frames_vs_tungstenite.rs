//! Any bytes are the same messages to an end of ours as to one of tungstenite's, up to the first Close; they are answered with
//! the same Pongs and the same code of a Close. What one refuses so does the other, and for the same reason, but for this:
//!
//! | what | tungstenite | ours | who is right |
//! | --- | --- | --- | --- |
//! | a frame that breaks a rule | refused once it is whole | at the byte that shows it | both: RFC 6455 7.1.7 says not when |
//! | a length not in its shortest form | taken | 1002 | ours: RFC 6455 5.2 allows the shortest alone |
//! | so too of a control frame | taken | 1002, as too long | ours: its length cannot need a long form (RFC 6455 5.5) |
//! | a length with its top bit set | 1009 | 1002 | ours: RFC 6455 5.2 has that bit zero |
//! | a header that breaks a rule, of a frame above the limit | 1009 | 1002 | both: it has two faults |
//! | a Close with a bad code, and a reason that is not UTF-8 | 1007 | 1002 | both: it has two faults |
//! | a Close with 1014 | answered with 1002 | with 1014 | ours: IANA has registered it since (RFC 6455 11.7) |
//! | the reason of a Close | sent back | not sent back | both: RFC 6455 5.5.1 asks for the code alone |
//! | more than 15 empty fragments in a row | taken | 1008 | both: RFC 6455 10.4 leaves limits to who sets them |
//!
//! Where tungstenite goes on, ours is asked twice more: it waits behind the frame before, and refuses what its bytes show.

use std::io::{self, ErrorKind, Read, Write};

use tungstenite::Error;
use tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig, WebSocketContext};
use ws_core::{Config, Connection, Event, Input, Instant, Kind, Limits, Output, PeerError};

use crate::common::{FREE, Frame, Frames, Keys, Rng, What};

/// The bytes are what the peer has sent: to a server, if the first frame is masked.
pub fn check(data: &[u8]) {
    let choice = Rng::of(data).next() >> 32;
    // Once in a while, to the other.
    let is_server = data.get(1).is_some_and(|b1| b1 & 0x80 != 0) != (choice & 15 == 0);
    let limit = [2000, 2000, 126, 20][(choice >> 4) as usize % 4];
    let limits = Limits { message: limit as u32, empty_fragments: EMPTY_FRAGMENTS, ..FREE.limits };
    let config = FREE.with_limits(limits);
    if is_server {
        compare(data, config, Role::Server, &|config| Connection::server(config, START));
    } else {
        compare(data, config, Role::Client, &|config| Connection::client(config, Keys(0), START));
    }
}

const START: Instant = Instant::from_millis(0);

/// So few that short inputs have more.
const EMPTY_FRAGMENTS: u8 = 15;

/// What ours has said, which is as it should be.
fn compare<R: ws_core::Role>(
    data: &[u8],
    config: Config,
    role: Role,
    new: &impl Fn(Config) -> Connection<R>,
) -> Ours {
    let mut theirs = Theirs::new(data, config.limits.message as usize, role);
    let Told { messages, end } = theirs.read();
    let ours = Ours::read(data, new(config), &messages);
    let equally = ours.told == messages.len();
    let taken = Taken::first(data);
    match (&ours.end, end) {
        (End::Refused(error), _)
            if let Some(taken) = &taken
                && *error == taken.error =>
        {
            let before = compare(&data[..taken.start], config, role, new);
            assert!(matches!(before.end, End::Waiting), "{error}, but of a frame before: {:?}", before.end);
            let shown = Ours::read(&data[..taken.shown], new(config), &messages);
            assert!(
                matches!(shown.end, End::Refused(shown) if shown == *error),
                "{error}, but {:?}",
                shown.end
            );
            assert_eq!((ours.told, &ours.sent), (shown.told, &shown.sent), "{error}, but of a frame behind");
            assert_eq!(ours.told, before.told);
            let close = ours.sent.strip_prefix(&before.sent[..]).expect("the same Pongs");
            answers_are_the_same(close, &[], role == Role::Client);
            return ours;
        }
        (End::Waiting, End::Waiting) => {
            assert!(equally, "{messages:?}");
            assert!(taken.is_none(), "taken too: {taken:?}");
        }
        (End::Closed((code, reason)), End::Closed(frame)) => {
            assert!(equally, "{messages:?}");
            let (their_code, their_reason) =
                frame.map_or((None, String::new()), |f| (Some(u16::from(f.code)), f.reason.as_str().into()));
            assert!(
                (their_code, &their_reason) == (*code, reason)
                    || (their_code, *code) == (Some(1002), Some(1014))
            );
        }
        (End::Refused(error), End::Refused(code)) => {
            assert!(equally, "{error} but {messages:?}");
            assert_reason(*error, code);
        }
        // The answer to it, which is compared below, says that it was none.
        (End::Refused(PeerError::BadClose), End::Closed(_)) => assert!(equally),
        (End::Refused(error), End::Waiting) => {
            assert!(equally, "{error} but {messages:?}");
            if let Some(missing) = missing(data) {
                theirs.pipe.input = &ZEROS[..missing.min(ZEROS.len())];
                match theirs.read() {
                    Told { messages, end: End::Refused(code) } if messages.is_empty() => {
                        assert_reason(*error, code)
                    }
                    told => panic!("{error}, which is {told:?} once it is whole"),
                }
            }
        }
        (ours, theirs) => panic!("{ours:?} but {theirs:?}"),
    }
    answers_are_the_same(&ours.sent, &theirs.pipe.output, role == Role::Client);
    ours
}

/// How reading ended: all is read, or an error, or a Close.
#[derive(Debug)]
enum End<E, C> {
    Waiting,
    Refused(E),
    Closed(C),
}

fn assert_reason(error: PeerError, theirs: u16) {
    let ours = error.close_code().map_or(0, |code| code.get());
    let has_two_faults = match theirs {
        1009 => ours == 1002 && error != PeerError::BadClose,
        1007 => error == PeerError::BadClose,
        _ => false,
    };
    assert!(ours == theirs || has_two_faults, "{error}, so {ours}, but {theirs}");
}

/// What tungstenite says.
struct Theirs<'d> {
    context: WebSocketContext,
    pipe: Pipe<'d>,
}

#[derive(Debug)]
struct Told {
    messages: Vec<Message>,
    end: End<u16, Option<CloseFrame>>,
}

impl<'d> Theirs<'d> {
    fn new(data: &'d [u8], limit: usize, role: Role) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(512)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit.max(125))); // it goes for control frames too
        let pipe = Pipe { input: data, output: Vec::with_capacity(128) };
        Self { context: WebSocketContext::new(role, Some(config)), pipe }
    }

    fn read(&mut self) -> Told {
        let mut messages = Vec::with_capacity(8);
        let end = loop {
            match self.context.read(&mut self.pipe) {
                Ok(Message::Close(frame)) => {
                    // It says that it is closed, which is so.
                    let _ = self.context.flush(&mut self.pipe);
                    break End::Closed(frame);
                }
                Ok(message) => messages.push(message),
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break End::Waiting,
                Err(Error::Utf8(_)) => break End::Refused(1007),
                Err(Error::Capacity(_)) => break End::Refused(1009),
                Err(Error::Protocol(_)) => break End::Refused(1002),
                Err(error) => panic!("{error}"),
            }
        };
        Told { messages, end }
    }
}

/// What was read, and what is yet to be.
struct Pipe<'d> {
    input: &'d [u8],
    output: Vec<u8>,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { self.input.read(buf) }
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What ours says.
struct Ours {
    /// How many messages.
    told: usize,
    end: End<PeerError, (Option<u16>, String)>,
    sent: Vec<u8>,
}

impl Ours {
    /// Panics at the first message that is not the next of `theirs`.
    fn read<R: ws_core::Role>(data: &[u8], mut ws: Connection<R>, theirs: &[Message]) -> Self {
        let mut lent = data.to_vec();
        let mut input = Input::new(&mut lent);
        let mut ours = Self { told: 0, end: End::Waiting, sent: Vec::with_capacity(128) };
        let mut message = Vec::new();
        loop {
            match ws.receive(&mut input) {
                Ok(None) => break,
                Ok(Some(Event::Data(data))) if data.first && data.last => {
                    ours.tell(What::Data(data.kind), data.payload, theirs);
                }
                Ok(Some(Event::Data(data))) => {
                    message.extend_from_slice(data.payload);
                    if data.last {
                        ours.tell(What::Data(data.kind), &message, theirs);
                        message.clear();
                    }
                }
                Ok(Some(Event::Ping)) => ours.tell(What::Ping, ws.control(), theirs),
                Ok(Some(Event::Pong)) => ours.tell(What::Pong, ws.control(), theirs),
                Ok(Some(Event::Close(code))) => {
                    ours.end = End::Closed((code.map(|code| code.get()), ws.close_reason().into()));
                    break;
                }
                Ok(Some(event)) => panic!("{event:?}"),
                Err(error) => {
                    ours.end = End::Refused(error);
                    break;
                }
            }
            ours.transmit(&mut ws);
        }
        ours.transmit(&mut ws);
        ours
    }

    fn tell(&mut self, what: What, body: &[u8], theirs: &[Message]) {
        let is_same = match (theirs.get(self.told), what) {
            (Some(Message::Text(text)), What::Data(Kind::Text)) => text.as_bytes() == body,
            (Some(Message::Binary(bytes)), What::Data(Kind::Binary))
            | (Some(Message::Ping(bytes)), What::Ping)
            | (Some(Message::Pong(bytes)), What::Pong) => bytes == body,
            _ => false,
        };
        assert!(is_same, "{what:?} {body:?} but {:?}", theirs.get(self.told));
        self.told += 1;
    }

    fn transmit<R: ws_core::Role>(&mut self, ws: &mut Connection<R>) {
        if ws.wants_transmit() {
            let mut room = [0; 160];
            let mut out = Output::new(&mut room);
            ws.transmit(&mut out);
            self.sent.extend_from_slice(out.filled());
        }
    }
}

/// The same Pongs, and then, if tungstenite has answered a Close, the same code. Ours sends a Close behind an error too.
fn answers_are_the_same(ours: &[u8], theirs: &[u8], is_client: bool) {
    let code = |frame: &Frame<'_>| frame.payload().first_chunk().copied().map(u16::from_be_bytes);
    let mut theirs = Frames::new(is_client, theirs);
    for ours in Frames::new(is_client, ours) {
        match theirs.next() {
            Some(theirs) if theirs.b0 == 0x88 && ours.b0 == 0x88 => {
                let codes = (code(&ours), code(&theirs));
                assert!(codes.0 == codes.1 || codes == (Some(1014), Some(1002)), "{codes:?}");
            }
            Some(theirs) => assert!(theirs.b0 == ours.b0 && theirs.payload() == ours.payload()),
            None => assert_eq!(ours.b0, 0x88, "a Pong alone"),
        }
    }
    assert_eq!(theirs.left(), 0, "an answer more");
}

/// No frame within the limit lacks more than that; tungstenite refuses others once it has all of their header.
const ZEROS: [u8; 2100] = [0; 2100];

/// How many bytes the last frame lacks; `None`: that is not known yet.
fn missing(mut data: &[u8]) -> Option<usize> {
    loop {
        let (_, size) = extent(data)?;
        match data.get(size..) {
            Some(rest) => data = rest,
            None => return Some(size - data.len()),
        }
    }
}

/// A frame that tungstenite takes (or refuses for its size alone), and ours must not.
#[derive(Debug)]
struct Taken {
    error: PeerError,
    /// Where it begins, and the end of the bytes that show what is wrong with it.
    start: usize,
    shown: usize,
}

impl Taken {
    /// The first one, if all frames before it are in order.
    fn first(data: &[u8]) -> Option<Self> {
        let (mut start, mut empty) = (0, 0);
        loop {
            let frame = data.get(start..)?;
            let found = |error, len: usize| Some(Self { error, start, shown: start + len });
            if let [_, 0x7f | 0xff, 0x80..=0xff, ..] = frame
                && frame[0] & 8 == 0
            {
                return found(PeerError::BadLength, 3);
            }
            let (len, size) = extent(frame)?;
            let (b0, form) = (frame[0], frame[1] & 0x7f);
            let is_bad = (form == 126 && len < 126) || (form == 127 && (len <= 0xffff || len >> 63 != 0));
            match form {
                126.. if b0 & 8 != 0 => return if is_bad { found(PeerError::LongControl, 2) } else { None },
                126.. if is_bad => return found(PeerError::BadLength, if form == 126 { 4 } else { 10 }),
                _ => {}
            }
            if b0 & 8 == 0 {
                empty = match (b0 & 0x0f, len, b0 & 0x80) {
                    (_, 1.., _) | (1.., 0, 0x80) => 0,
                    (1.., 0, _) => 1,
                    (0, 0, fin) => empty + u8::from(fin == 0),
                };
                if empty > EMPTY_FRAGMENTS {
                    return frame.get(..size).and_then(|_| found(PeerError::TooManyFragments, size));
                }
            }
            start += size;
        }
    }
}

/// The length in the header at the front, and the size of the frame; `None`: not enough of it is there.
fn extent(data: &[u8]) -> Option<(u64, usize)> {
    let b1 = *data.get(1)?;
    let (len, head) = match b1 & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*data.get(2..)?.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*data.get(2..)?.first_chunk()?), 10),
        len => (u64::from(len), 2),
    };
    let key = if b1 & 0x80 == 0 { 0 } else { 4 };
    Some((len, usize::try_from(len).ok()?.checked_add(head + key)?))
}
