//! [`Reading`]: an end that reads some bytes, in pieces of any size, and transmits what it owes, in outputs of any size and not
//! always at once. It checks with each call what holds for all bytes.

use core::ops::Range;

use ws_core::{CloseCode, Connection, Event, Input, Instant, Kind, Output, PeerError, Role, UsageError};

use super::{Cuts, Log, Rng, What};

/// Bytes around what is lent, which stay as they are.
const CANARY: [u8; 8] = [0xc5; 8];

/// The largest output lent, which holds all that can be owed at once: a Pong, a Ping and a Close.
const MOST: usize = 160;

/// In which pieces input comes, and what is lent for output.
#[derive(Clone, Debug)]
pub(crate) struct How {
    pub(crate) cuts: Cuts,
    /// The size of the outputs: 1 to 160.
    pub(crate) out: usize,
    /// Says when something is transmitted without being in the way; `None`: as soon as it is owed.
    pub(crate) lazy: Option<Rng>,
}

impl How {
    /// A byte at a time, all that is owed with each.
    pub(crate) const BYTES: Self = Self { cuts: Cuts::Bytes, out: MOST, lazy: None };

    /// Another way for these bytes.
    pub(crate) fn of(data: &[u8], mut rng: Rng) -> Self {
        let out = if rng.below(2) == 0 { 1 + rng.below(12) } else { MOST };
        Self { cuts: Cuts::of(data), out, lazy: Some(rng) }
    }
}

/// What the application does between two reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Nothing,
    /// So many milliseconds pass.
    Wait(u32),
    /// A frame is begun, and goes on when it is in the way of something, or at the end.
    Begin(Kind, u8),
    Ping,
    Close(CloseCode),
    Fail(CloseCode),
}

/// An end, and what it has been told and has sent so far.
pub(crate) struct Reading<R: Role> {
    ws: Connection<R>,
    how: How,
    now: u64,
    pub(crate) log: Log,
    pub(crate) sent: Vec<u8>,
    /// The error, and the place of the piece that showed it.
    failed: Option<(PeerError, Range<usize>)>,
    /// What the application was told for its acts.
    said: Vec<Result<bool, UsageError>>,
    /// Payload that a frame begun lacks.
    begun: u8,
    is_closed: bool,
    in_message: bool,
    remaining: u64,
}

impl<R: Role> Reading<R> {
    pub(crate) fn new(ws: Connection<R>, how: How, len: usize) -> Self {
        Self {
            ws,
            how,
            now: 0,
            log: Log::with_capacity(len),
            sent: Vec::with_capacity(MOST),
            failed: None,
            said: Vec::new(),
            begun: 0,
            is_closed: false,
            in_message: false,
            remaining: 0,
        }
    }

    /// Reads all of `data`, and acts at the places given, which are in order.
    pub(crate) fn run(mut self, data: &[u8], acts: &[(usize, Act)]) -> Self {
        let mut lent = Vec::with_capacity(data.len() + 2 * CANARY.len());
        lent.extend_from_slice(&CANARY);
        lent.extend_from_slice(data);
        lent.extend_from_slice(&CANARY);
        let mut at = 0;
        for &(place, act) in acts {
            self.read(data, &mut lent, at..place);
            at = place;
            self.act(act);
        }
        self.read(data, &mut lent, at..data.len());
        self.finish_frame();
        self.flush();
        assert!(lent.starts_with(&CANARY) && lent.ends_with(&CANARY), "only what is lent is written to");
        self
    }

    fn read(&mut self, data: &[u8], lent: &mut [u8], place: Range<usize>) {
        let mut at = place.start;
        while at != place.end {
            let mut rest = &data[at..place.end];
            // Behind an error or a Close all is the same, so it need not take long.
            let is_over = self.failed.is_some() || self.is_closed;
            let piece = if is_over { core::mem::take(&mut rest) } else { self.how.cuts.next(&mut rest) };
            let start = CANARY.len() + at;
            self.receive(piece, &mut lent[start..start + piece.len()], at);
            at += piece.len();
            match &mut self.how.lazy {
                None => self.flush(),
                Some(rng) => match rng.next() >> 32 & 3 {
                    0 => self.flush(),
                    1 => self.transmit(),
                    _ => {}
                },
            }
        }
    }

    /// Receives the piece at `at`; transmits only what is in the way of it.
    fn receive(&mut self, piece: &[u8], lent: &mut [u8], at: usize) {
        let mut input = Input::new(lent);
        for _ in 0..2 * piece.len() + 4 {
            let before = input.consumed();
            match self.ws.receive(&mut input) {
                Ok(None) if input.is_empty() => return,
                Ok(None) => {
                    assert_eq!(input.rest(), &piece[input.consumed()..], "what waits is left as it is");
                    if self.begun == 0 {
                        assert!(self.ws.wants_transmit(), "stuck, and nothing to transmit");
                    }
                    self.finish_frame();
                    self.flush();
                }
                Ok(Some(event)) => {
                    assert_eq!(self.failed, None, "{event:?} behind an error");
                    assert!(!self.is_closed, "{event:?} behind a Close");
                    self.note(event, at + before..at + input.consumed());
                }
                Err(error) => {
                    assert!(!self.is_closed, "{error} behind a Close");
                    match &self.failed {
                        None => self.failed = Some((error, at..at + piece.len())),
                        Some((first, _)) => assert_eq!(*first, error, "the error is not to change"),
                    }
                    if input.is_empty() {
                        return;
                    }
                }
            }
        }
        panic!("more than 2 * {} + 4 steps", piece.len());
    }

    fn note(&mut self, event: Event<'_>, place: Range<usize>) {
        let what = match event {
            Event::Data(data) => {
                let len = data.payload.len() as u64;
                assert_eq!(data.first, !self.in_message, "`first` says if a piece came before");
                if self.remaining != 0 {
                    assert_eq!(self.remaining, data.remaining + len, "`remaining` counts down");
                }
                assert!(!data.last || data.remaining == 0, "the last piece leaves nothing to come");
                assert!(len as usize <= place.len(), "no more comes out than went in");
                self.remaining = data.remaining;
                self.in_message = !data.last;
                return self.log.piece(data.kind, data.payload, data.first, data.last, place.end);
            }
            Event::Ping => What::Ping,
            Event::Pong => What::Pong,
            Event::Close(code) => {
                let body = self.ws.control();
                assert_eq!(code.map(|code| code.get().to_be_bytes()).as_ref(), body.first_chunk());
                assert_eq!(self.ws.close_reason().as_bytes(), body.get(2..).unwrap_or_default());
                self.is_closed = true;
                What::Close
            }
            event => panic!("{event:?} is not known here"),
        };
        self.log.control(what, self.ws.control(), place.end);
    }

    /// All that is owed goes out first, so that the act finds the same whichever way the input was cut.
    fn act(&mut self, act: Act) {
        self.finish_frame();
        self.flush();
        let mut room = [0; MOST];
        let mut out = Output::new(&mut room);
        let said = match act {
            Act::Nothing => return,
            Act::Wait(millis) => {
                self.now += u64::from(millis);
                self.ws.handle_timeout(Instant::from_millis(self.now));
                return self.flush();
            }
            Act::Fail(code) => {
                // The peer's fault or ours: there is one error, and it comes with the next read.
                self.ws.fail(code);
                return self.flush();
            }
            Act::Begin(kind, len) => {
                let said = self.ws.begin(kind, u64::from(len), true, &mut out);
                if said == Ok(true) {
                    self.begun = len;
                }
                said
            }
            Act::Ping => self.ws.ping(b"?", &mut out),
            Act::Close(code) => self.ws.close(Some(code), "done", &mut out),
        };
        self.sent.extend_from_slice(out.filled());
        self.said.push(said);
    }

    fn finish_frame(&mut self) {
        if self.begun != 0 {
            let mut room = [0; 255];
            let mut out = Output::new(&mut room);
            let body = [self.begun; 255];
            let said = self.ws.payload(&mut &body[..usize::from(self.begun)], &mut out);
            assert_eq!(said, Ok(true));
            self.sent.extend_from_slice(out.filled());
            self.begun = 0;
        }
    }

    /// Transmits what is owed.
    fn flush(&mut self) {
        let before = self.sent.len();
        while self.ws.wants_transmit() {
            self.transmit();
            assert!(self.sent.len() <= before + MOST, "more than a Pong, a Ping and a Close");
        }
    }

    /// Transmits as much as one output takes.
    fn transmit(&mut self) {
        let wanted = self.ws.wants_transmit();
        let mut room = [CANARY[0]; MOST + 2 * CANARY.len()];
        let lent = CANARY.len()..CANARY.len() + self.how.out;
        let mut out = Output::new(&mut room[lent.clone()]);
        let n = self.ws.transmit(&mut out);
        assert_eq!(n, out.filled().len());
        assert_eq!(n != 0, wanted, "transmits if and only if it wants to");
        self.sent.extend_from_slice(out.filled());
        assert!(room.starts_with(&CANARY) && room[lent.end..].starts_with(&CANARY));
    }

    /// Panics if this, which read a byte at a time, has come to anything else than `other`, which read the same otherwise.
    pub(crate) fn assert_same(&self, other: &Self) {
        let how = &other.how;
        assert_eq!(self.log, other.log, "{how:?}");
        assert_eq!(self.sent, other.sent, "{how:?}");
        match (&self.failed, &other.failed) {
            (None, None) => {}
            (Some((error, place)), Some((other, piece))) => {
                assert_eq!(error, other, "{how:?}");
                assert!(
                    piece.start <= place.start && place.end <= piece.end,
                    "{error} at {place:?}, but {piece:?} {how:?}"
                );
            }
            (error, other) => panic!("{error:?} and {other:?} {how:?}"),
        }
        assert_eq!(self.said, other.said, "{how:?}");
        let state = |ws: &Connection<R>| {
            (
                (ws.ready_state(), ws.close_sent(), ws.close_received(), ws.was_clean()),
                (ws.wants_shutdown(), ws.close_expected(), ws.is_sendable(), ws.buffered_amount()),
                (ws.poll_timeout(), ws.timed_out(), ws.round_trip()),
            )
        };
        assert_eq!(state(&self.ws), state(&other.ws), "{how:?}");
        assert_eq!(self.ws.control(), other.ws.control(), "{how:?}");
        assert_eq!(self.ws.buffered_amount(), 0, "all was transmitted");
    }

    /// The error that was seen.
    pub(crate) fn error(&self) -> Option<PeerError> {
        self.failed.as_ref().map(|(error, _)| *error)
    }

    /// The code of the Close that was sent.
    pub(crate) fn close_sent(&self) -> Option<Option<CloseCode>> {
        self.ws.close_sent()
    }
}
