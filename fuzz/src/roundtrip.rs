//! Whatever one end says, in frames of any size and through outputs of any size, the other end is told the same; so is a decoder
//! that owes nothing to the library, and it finds each frame masked with a fresh key, if a client sent it. What is damaged on its
//! way means the same however it is cut, and changes nothing of what came before the damage.

use arbitrary::{Arbitrary, Unstructured};
use ws_core::{
    CloseCode, Connection, Instant, Kind, Output, ReadyState, Role, Server, UsageError, frame::encode_header,
};

use crate::common::{FREE, Frames, How, Keys, Log, Reading, Rng, What, hostile};

/// The bytes are a `Script`.
pub fn check(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut rng = Rng::of(data);
    let keys = Keys(script.keys);
    let mut room = vec![0; script.room()];
    if script.is_client {
        let ws = Connection::client(FREE, keys.clone(), START);
        let mut speaker = Speaker::new(ws, 6, &mut room, &mut rng);
        speaker.say_all(&script.said, |_, _| ());
        let (log, wire) = speaker.done();
        assert_eq!(decoded(&wire, Some(keys)), log, "{script:?}");
        comes_through(data, &log, wire, rng, || Connection::server(FREE, START), false);
    } else {
        let mut speaker = Speaker::new(Connection::server(FREE, START), 2, &mut room, &mut rng);
        speaker.say_all(&script.said, Speaker::broadcast);
        let (log, wire) = speaker.done();
        assert_eq!(decoded(&wire, None), log, "{script:?}");
        comes_through(data, &log, wire, rng, || Connection::client(FREE, keys.clone(), START), true);
    }
}

const START: Instant = Instant::from_millis(0);

#[derive(Arbitrary, Debug)]
struct Script<'a> {
    is_client: bool,
    /// What masking keys are made of.
    keys: u32,
    /// What the size of the outputs is made of.
    room: u8,
    said: Vec<Say<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Say<'a> {
    Text(&'a str, Pieces),
    Binary(&'a [u8], Pieces),
    /// Bytes up to and over the edges of the forms of the length.
    Long(u8, Pieces),
    /// What a server says to many.
    Broadcast(&'a [u8]),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close(u16, &'a str),
}

/// How a message is said: in three pieces.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Pieces {
    /// Where it is cut, in 256ths.
    cuts: [u8; 2],
    /// A bit for each piece: it is begun as one frame. Another for each: a Ping follows.
    how: u8,
}

/// Lengths around the edges of their forms (RFC 6455 5.2); those behind the first four take long, and come seldom.
const LONG: [usize; 10] = [125, 126, 127, 300, 0xfffe, 0xffff, 0x1_0000, 0x1_0001, 0x1_0010, 70_000];

/// More than this on the wire takes time, and shows nothing new.
const ENOUGH: usize = 800;

impl Script<'_> {
    fn room(&self) -> usize {
        let least = if self.is_client { 7 } else { 3 };
        match usize::from(self.room) {
            n @ 0..=199 => least + n,
            n @ 200..=249 => 0xffff - 20 + n - 200 + least, // so that a frame ends around the edge of a form
            n => n * 10,
        }
    }
}

/// An end that says things, and what it has said.
struct Speaker<'o, R: Role> {
    ws: Connection<R>,
    out: Output<'o>,
    rng: &'o mut Rng,
    log: Log,
    wire: Vec<u8>,
    /// The size of a control frame, but for its payload.
    head: usize,
}

impl<'o, R: Role> Speaker<'o, R> {
    fn new(ws: Connection<R>, head: usize, room: &'o mut [u8], rng: &'o mut Rng) -> Self {
        let out = Output::new(room);
        Self { ws, out, rng, log: Log::with_capacity(256), wire: Vec::with_capacity(512), head }
    }

    fn done(mut self) -> (Log, Vec<u8>) {
        self.flush();
        (self.log, self.wire)
    }

    /// Says all, up to about `ENOUGH` bytes.
    fn say_all(&mut self, said: &[Say<'_>], broadcast: impl Fn(&mut Self, &[u8]) + Copy) {
        for say in said {
            if self.at() > ENOUGH {
                return;
            }
            self.say(say, broadcast);
        }
    }

    fn say(&mut self, say: &Say<'_>, broadcast: impl Fn(&mut Self, &[u8])) {
        match *say {
            Say::Text(text, pieces) => self.message(Kind::Text, text.as_bytes(), pieces),
            Say::Binary(bytes, pieces) => self.message(Kind::Binary, bytes, pieces),
            Say::Long(n, pieces) => {
                let takes_long = self.rng.below(64) == 0 && self.out.capacity() >= 200;
                let len = LONG[usize::from(n) % if takes_long { LONG.len() } else { 4 }];
                let body: Vec<u8> = (0..len).map(|i| (i ^ i >> 8) as u8 ^ n).collect();
                self.message(Kind::Binary, &body, pieces);
            }
            Say::Broadcast(bytes) => broadcast(self, bytes),
            Say::Ping(body) => self.control(What::Ping, body, |ws, out| ws.ping(body, out)),
            Say::Pong(body) => self.control(What::Pong, body, |ws, out| ws.pong(body, out)),
            Say::Close(code, reason) => self.close(CloseCode::new(900 + code % 4200), reason),
        }
    }

    fn message(&mut self, kind: Kind, payload: &[u8], pieces: Pieces) {
        if self.ws.ready_state() != ReadyState::Open {
            assert_eq!(
                self.put(|ws, out| ws.send(kind, &mut &*payload, true, out)),
                Err(UsageError::Closing)
            );
            return;
        }
        let mut cuts = pieces.cuts.map(|cut| (usize::from(cut) * (payload.len() + 1)) >> 8);
        cuts.sort_unstable();
        let (ab, c) = payload.split_at(cuts[1]);
        let (a, b) = ab.split_at(cuts[0]);
        let mut is_first = true;
        for (i, piece) in [a, b, c].into_iter().enumerate() {
            let is_last = i == 2;
            if pieces.how >> i & 1 == 1 && self.out.capacity() >= self.head + 8 {
                self.frame(kind, piece, is_last);
            } else {
                let mut rest = piece;
                assert_eq!(self.put(|ws, out| ws.send(kind, &mut rest, is_last, out)), Ok(()));
                assert!(rest.is_empty(), "all is said");
                if piece.is_empty() && !is_last {
                    continue; // of nothing there is no frame
                }
            }
            let at = self.at();
            self.log.piece(kind, piece, is_first, is_last, at);
            is_first = false;
            if pieces.how >> (i + 3) & 1 == 1 {
                let body = &piece[..piece.len().min(7)];
                self.control(What::Ping, body, |ws, out| ws.ping(body, out));
            }
        }
    }

    /// A piece as one frame, whose payload is given in two parts.
    fn frame(&mut self, kind: Kind, piece: &[u8], is_last: bool) {
        let len = piece.len() as u64;
        assert_eq!(self.put(|ws, out| ws.begin(kind, len, is_last, out)), Ok(()));
        let (a, b) = piece.split_at(piece.len() / 2);
        for mut part in [a, b] {
            if len != 0 && !part.is_empty() {
                assert_eq!(self.put(|ws, out| ws.ping(b"", out)), Err(UsageError::UnfinishedFrame));
            }
            assert_eq!(self.put(|ws, out| ws.payload(&mut part, out)), Ok(()));
        }
        assert_eq!(self.put(|ws, out| ws.payload(&mut &b"!"[..], out)), Err(UsageError::TooMuchPayload));
    }

    fn control(
        &mut self,
        what: What,
        body: &[u8],
        call: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) {
        let expected = if body.len() > 125 {
            Err(UsageError::LongControl)
        } else if self.ws.ready_state() != ReadyState::Open {
            Err(UsageError::Closing)
        } else if self.out.capacity() < self.head + body.len() {
            Err(UsageError::OutputTooSmall)
        } else {
            Ok(())
        };
        assert_eq!(self.put(call), expected, "{what:?}");
        if expected.is_ok() {
            let at = self.at();
            self.log.control(what, body, at);
        }
    }

    fn close(&mut self, code: Option<CloseCode>, reason: &str) {
        match code {
            None if !reason.is_empty() => {
                let refused = self.put(|ws, out| ws.close(None, reason, out));
                assert_eq!(refused, Err(UsageError::LongControl), "a reason needs a code");
            }
            None => self.control(What::Close, b"", |ws, out| ws.close(None, "", out)),
            Some(code) => {
                let body = [&code.get().to_be_bytes(), reason.as_bytes()].concat();
                self.control(What::Close, &body, |ws, out| ws.close(Some(code), reason, out));
            }
        }
    }

    /// Repeats a call until it is done. The output is often half full.
    fn put(
        &mut self,
        mut call: impl FnMut(&mut Connection<R>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), UsageError> {
        if self.rng.next() >> 62 == 0 {
            self.flush();
        }
        loop {
            let was_empty = self.out.is_empty();
            let before = self.out.filled().len();
            let done = call(&mut self.ws, &mut self.out);
            match done {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    assert!(!was_empty || !self.out.is_empty(), "asks for an empty output again");
                    self.flush();
                }
                Err(error) => {
                    assert_eq!(self.out.filled().len(), before, "refused, so nothing happened");
                    return Err(error);
                }
            }
        }
    }

    fn flush(&mut self) {
        self.wire.extend_from_slice(self.out.filled());
        self.out.clear();
    }

    /// How many bytes have been written.
    fn at(&self) -> usize {
        self.wire.len() + self.out.filled().len()
    }
}

impl Speaker<'_, Server> {
    /// The header is made apart, or by the connection; the payload goes beside it.
    fn broadcast(&mut self, payload: &[u8]) {
        let len = payload.len() as u64;
        let kind = if core::str::from_utf8(payload).is_ok() { Kind::Text } else { Kind::Binary };
        assert_eq!(self.ws.is_sendable(), self.ws.ready_state() == ReadyState::Open);
        if !self.ws.is_sendable() {
            return;
        }
        if self.out.capacity() >= 10 && self.rng.below(2) == 0 {
            assert_eq!(self.put(|ws, out| ws.begin(kind, len, true, out)), Ok(()));
            self.flush();
            assert_eq!(self.ws.payload_written(len + 1), Err(UsageError::TooMuchPayload));
            assert_eq!(self.ws.payload_written(len), Ok(()));
        } else {
            self.flush();
            self.wire.extend_from_slice(encode_header(kind, len).unwrap().as_bytes());
        }
        self.wire.extend_from_slice(payload);
        self.log.piece(kind, payload, true, true, self.wire.len());
    }
}

/// What was said, as a decoder understands it that has nothing of the library. A client takes its keys from `keys`, each once.
fn decoded(wire: &[u8], mut keys: Option<Keys>) -> Log {
    let mut log = Log::with_capacity(wire.len());
    let mut frames = Frames::new(keys.is_some(), wire);
    let mut open = None;
    while let Some(frame) = frames.next() {
        if let Some(keys) = &mut keys {
            assert_eq!(frame.key, keys.next(), "a key is used once, and then the next");
        }
        let payload = frame.payload();
        let at = wire.len() - frames.left();
        let (is_last, what) = (frame.b0 & 0x80 != 0, frame.b0 & 0x7f);
        match what {
            0..=2 => {
                let is_first = what != 0;
                let kind = match what {
                    0 => open.expect("something to continue"),
                    _ if open.is_some() => panic!("a message inside another"),
                    1 => Kind::Text,
                    _ => Kind::Binary,
                };
                open = (!is_last).then_some(kind);
                log.piece(kind, &payload, is_first, is_last, at);
            }
            _ => {
                assert!(is_last && payload.len() <= 125, "{frame:?}");
                let what = match what {
                    8 => What::Close,
                    9 => What::Ping,
                    10 => What::Pong,
                    _ => panic!("{frame:?}"),
                };
                log.control(what, &payload, at);
            }
        }
    }
    log
}

/// What was said is what the other end is told, and what is damaged means the same however it is cut.
fn comes_through<R: Role>(
    data: &[u8],
    log: &Log,
    mut wire: Vec<u8>,
    mut rng: Rng,
    other: impl Fn() -> Connection<R>,
    is_client: bool,
) {
    let how = How::of(data, rng.clone());
    let told = Reading::new(other(), how.clone(), wire.len()).run(&wire, &[]);
    assert_eq!(told.error(), None);
    assert_eq!(told.log, *log, "{how:?}");
    hostile::sends_what_it_owes(&told, is_client);
    if !wire.is_empty() && rng.below(10) == 0 {
        let at = rng.below(wire.len());
        wire[at] ^= 1 + rng.below(255) as u8;
        let single = Reading::new(other(), How::BYTES, wire.len()).run(&wire, &[]);
        let pieces = Reading::new(other(), how, wire.len()).run(&wire, &[]);
        single.assert_same(&pieces);
        log.assert_begins(&single.log, at);
        hostile::sends_what_it_owes(&single, is_client);
    }
}
