//! The closing handshake (RFC 6455 7) as a table: in each state, what each event leads to, for both roles; and what may
//! stand in a Close frame. Walked pair by pair, and at random.

mod common;

use Event::*;
use State::*;
use common::{Driver, ENDS, End, FREE, Rng, Seen, at, binary, few, incoming, ms, script, text, thin};
use std::collections::VecDeque;
use ws_core::{CloseCode, Kind, Output, PeerError, ReadyState, TimedOut, Timeouts, UsageError};

/// How far the closing handshake is. Our Close is owed, sent or neither; the peer's has come, never will, or neither;
/// the transport has ended or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Open,
    /// We failed the connection, or owe the answer to the peer's Close.
    OwedFailed,
    OwedAnswer,
    /// Ours is out, and theirs awaited.
    Sent,
    SentFailed,
    Both,
    /// The same behind the end of the transport.
    EndOpen,
    EndOwedFailed,
    EndOwedAnswer,
    EndSent,
    EndSentFailed,
    EndBoth,
    /// The deadline has passed.
    GivenUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Close,
    Fail,
    Transmit,
    Eof,
    /// The time for closing passes.
    Wait,
    PeerClose,
    /// Without a code.
    PeerEmpty,
    PeerData,
    PeerPing,
    /// The peer breaks a rule.
    PeerWrong,
}

const EVENTS: [Event; 10] =
    [Close, Fail, Transmit, Eof, Wait, PeerClose, PeerEmpty, PeerData, PeerPing, PeerWrong];

/// What each event leads to, in the order of [`EVENTS`].
#[rustfmt::skip]
const TABLE: [(State, [State; 10]); 13] = [
    // state         close          fail           transmit       eof            wait           Close          empty Close    data           Ping           violation
    (Open,          [Sent,          OwedFailed,    Open,          EndOpen,       Open,          OwedAnswer,    OwedAnswer,    Open,          Open,          OwedFailed]),
    (OwedFailed,    [OwedFailed,    OwedFailed,    SentFailed,    EndOwedFailed, GivenUp,       OwedFailed,    OwedFailed,    OwedFailed,    OwedFailed,    OwedFailed]),
    (OwedAnswer,    [OwedAnswer,    OwedAnswer,    Both,          EndOwedAnswer, GivenUp,       OwedAnswer,    OwedAnswer,    OwedAnswer,    OwedAnswer,    OwedAnswer]),
    (Sent,          [Sent,          Sent,          Sent,          EndSent,       GivenUp,       Both,          Both,          Sent,          Sent,          SentFailed]),
    (SentFailed,    [SentFailed,    SentFailed,    SentFailed,    EndSentFailed, GivenUp,       SentFailed,    SentFailed,    SentFailed,    SentFailed,    SentFailed]),
    (Both,          [Both,          Both,          Both,          EndBoth,       GivenUp,       Both,          Both,          Both,          Both,          Both]),
    // Behind the end of the transport the peer does nothing.
    (EndOpen,       [EndOpen,       EndOpen,       EndOpen,       EndOpen,       EndOpen,       EndOpen,       EndOpen,       EndOpen,       EndOpen,       EndOpen]),
    (EndOwedFailed, [EndOwedFailed, EndOwedFailed, EndSentFailed, EndOwedFailed, EndOwedFailed, EndOwedFailed, EndOwedFailed, EndOwedFailed, EndOwedFailed, EndOwedFailed]),
    (EndOwedAnswer, [EndOwedAnswer, EndOwedAnswer, EndBoth,       EndOwedAnswer, EndOwedAnswer, EndOwedAnswer, EndOwedAnswer, EndOwedAnswer, EndOwedAnswer, EndOwedAnswer]),
    (EndSent,       [EndSent,       EndSent,       EndSent,       EndSent,       EndSent,       EndSent,       EndSent,       EndSent,       EndSent,       EndSent]),
    (EndSentFailed, [EndSentFailed, EndSentFailed, EndSentFailed, EndSentFailed, EndSentFailed, EndSentFailed, EndSentFailed, EndSentFailed, EndSentFailed, EndSentFailed]),
    (EndBoth,       [EndBoth,       EndBoth,       EndBoth,       EndBoth,       EndBoth,       EndBoth,       EndBoth,       EndBoth,       EndBoth,       EndBoth]),
    (GivenUp,       [GivenUp,       GivenUp,       GivenUp,       GivenUp,       GivenUp,       GivenUp,       GivenUp,       GivenUp,       GivenUp,       GivenUp]),
];

fn next(state: State, event: Event) -> State {
    let row = TABLE.iter().find(|(from, _)| *from == state).expect("each state has a row").1;
    row[EVENTS.iter().position(|e| *e == event).expect("each event has a column")]
}

impl State {
    fn ready(self) -> ReadyState {
        match self {
            Open => ReadyState::Open,
            OwedFailed | OwedAnswer | Sent | SentFailed | Both => ReadyState::Closing,
            _ => ReadyState::Closed,
        }
    }

    fn owes_close(self) -> bool {
        matches!(self, OwedFailed | OwedAnswer | EndOwedFailed | EndOwedAnswer)
    }

    /// Nothing is owed; end our direction of the transport?
    fn shuts_down(self, end: End) -> bool {
        match self {
            SentFailed | EndOpen | EndSent | EndSentFailed | EndBoth => true,
            Both => end == End::Server, // 7.1.1: the server first
            _ => false,
        }
    }

    /// Input is answered with an error.
    fn has_refused(self) -> bool {
        matches!(self, OwedFailed | SentFailed)
    }

    fn is_ended(self) -> bool {
        matches!(self, EndOpen | EndOwedFailed | EndOwedAnswer | EndSent | EndSentFailed | EndBoth)
    }
}

const CLOSE_TIME: u32 = 5000;
const OURS: u16 = 1000;
const FAILED: u16 = 1011;
const THEIRS: u16 = 4000;

/// The connection under test, and where the table says that it is.
struct Walk {
    driver: Driver,
    state: State,
    /// A Pong is owed.
    pong: bool,
    /// The codes of the two Close frames.
    ours: Option<Option<u16>>,
    theirs: Option<Option<u16>>,
    now: u64,
    path: Vec<Event>,
}

impl Walk {
    fn new(end: End) -> Self {
        let config = FREE.with_timeouts(Timeouts { close: ms(CLOSE_TIME), ..Timeouts::OFF });
        let driver = Driver::with(end, config);
        Self { driver, state: Open, pong: false, ours: None, theirs: None, now: 0, path: Vec::new() }
    }

    /// Lets `event` happen, and compares with the table.
    fn step(&mut self, event: Event) {
        let is_peers = matches!(event, PeerClose | PeerEmpty | PeerData | PeerPing | PeerWrong);
        if is_peers && (self.state.is_ended() || self.state == GivenUp) {
            return; // there is no transport that it could come from
        }
        let is_control = matches!(event, PeerClose | PeerEmpty | PeerPing);
        if is_control && self.pong && matches!(self.state, Open | Sent) {
            self.step(Transmit); // the only way for it to come in
        }
        self.path.push(event);
        let (from, seen) = (self.state, self.driver.seen.len());
        self.state = next(from, event);
        let end = self.driver.end;
        match event {
            Close => {
                let mut buf = [0; 256];
                let mut out = Output::new(&mut buf);
                let result = self.driver.ws.close(CloseCode::new(OURS), "", &mut out);
                self.driver.sent.extend(out.filled());
                if from == Open {
                    assert_eq!(result, Ok(true));
                    (self.pong, self.ours) = (false, Some(Some(OURS)));
                } else {
                    assert_eq!(result, Err(UsageError::Closing), "{:?}", self.path);
                }
            }
            Fail => {
                self.driver.ws.fail(CloseCode::INTERNAL_ERROR);
                if from == Open {
                    self.ours = Some(Some(FAILED));
                }
            }
            Transmit => {
                self.driver.flush();
                self.pong = false;
            }
            Eof => self.driver.ws.receive_eof(),
            Wait => {
                self.now += u64::from(CLOSE_TIME);
                self.driver.ws.handle_timeout(at(self.now));
            }
            PeerClose => self.receive(&incoming(end, 0x88, &THEIRS.to_be_bytes())),
            PeerEmpty => self.receive(&incoming(end, 0x88, b"")),
            PeerData => self.receive(&incoming(end, 0x82, b"data")),
            PeerPing => self.receive(&incoming(end, 0x89, b"ping")),
            PeerWrong => self.receive(&incoming(end, 0x83, b"wrong")),
        }
        let code = if event == PeerClose { Some(THEIRS) } else { None };
        let is_read = matches!(from, Open | Sent);
        let expected = match event {
            PeerClose | PeerEmpty if is_read => Some(Seen::Close(code, String::new())),
            PeerData if is_read => Some(binary(b"data")),
            PeerPing if is_read => Some(Seen::Ping(b"ping".to_vec())),
            PeerWrong if is_read => Some(Seen::Failed(PeerError::ReservedOpcode)),
            // Those behind `fail` are told once that it refused them.
            _ if is_peers && from.has_refused() && !self.driver_had_failed(seen) => {
                Some(Seen::Failed(PeerError::Refused))
            }
            _ => None,
        };
        assert_eq!(self.driver.seen[seen..], *expected.as_slice(), "{end:?} {:?}", self.path);
        match event {
            PeerClose | PeerEmpty if is_read => {
                self.theirs = Some(code);
                self.ours = self.ours.or(Some(code)); // the answer has the same code
            }
            PeerPing if is_read => self.pong = true, // 5.5.2, behind our Close too
            PeerWrong if is_read => self.ours = self.ours.or(Some(Some(1002))),
            _ => {}
        }
        self.check();
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.driver.receive(bytes);
    }

    fn driver_had_failed(&self, before: usize) -> bool {
        self.driver.seen[..before].iter().any(|seen| matches!(seen, Seen::Failed(_)))
    }

    fn check(&self) {
        let (ws, state, end) = (&self.driver.ws, self.state, self.driver.end);
        let case = || format!("{end:?} {state:?} by {:?}", self.path);
        assert_eq!(ws.ready_state(), state.ready(), "{}", case());
        assert_eq!(ws.close_sent().map(|code| code.map(CloseCode::get)), self.ours, "{}", case());
        assert_eq!(ws.close_received().map(|code| code.map(CloseCode::get)), self.theirs, "{}", case());
        assert_eq!(ws.is_sendable(), state == Open && !self.pong, "{}", case());
        if state == GivenUp {
            assert_eq!(ws.timed_out(), Some(TimedOut::Close), "{}", case());
            assert_eq!(ws.poll_timeout(), None, "{}", case());
            return;
        }
        assert_eq!(ws.timed_out(), None, "{}", case());
        let owes = state.owes_close() || self.pong;
        assert_eq!(ws.wants_transmit(), owes, "{}", case());
        assert_eq!(ws.buffered_amount() > 0, owes, "{}", case());
        assert_eq!(ws.wants_shutdown(), state.shuts_down(end) && !owes, "{}", case());
        assert_eq!(ws.close_expected(), state.ready() == ReadyState::Closing, "{}", case());
        assert_eq!(ws.was_clean(), matches!(state, Both | EndBoth), "{}", case());
        assert_eq!(ws.poll_timeout().is_some(), state.ready() == ReadyState::Closing, "{}", case());
        let closes = self.driver.replies().iter().filter(|(b0, _)| *b0 == 0x88).count();
        let sent = self.ours.is_some() && !state.owes_close();
        assert_eq!(closes, usize::from(sent), "one Close at most: {}", case());
    }
}

fn walk(end: End, path: &[Event]) -> Walk {
    let mut walk = Walk::new(end);
    path.iter().for_each(|event| walk.step(*event));
    walk
}

#[test]
fn every_event_in_every_state() {
    for end in thin(ENDS, 1) {
        let mut seen = vec![];
        let mut queue = VecDeque::from([vec![]]);
        while let Some(path) = queue.pop_front() {
            if cfg!(miri) && seen.len() == 20 {
                break; // each further one takes a second
            }
            let here = walk(end, &path);
            let place = (here.state, here.pong, here.ours, here.theirs);
            if seen.contains(&place) {
                continue;
            }
            seen.push(place);
            for event in EVENTS {
                queue.push_back([&path[..], &[event]].concat());
            }
        }
        for (state, _) in TABLE {
            assert!(cfg!(miri) || seen.iter().any(|place| place.0 == state), "{state:?} was not reached");
        }
    }
}

#[test]
fn every_walk_ends() {
    let mut rng = Rng(7);
    for round in 0..few(4000, 10) {
        let mut walk = Walk::new(ENDS[round % 2]);
        for _ in 0..rng.below(25) {
            let mut event = EVENTS[rng.below(EVENTS.len())];
            if matches!(event, Eof | Wait) && !rng.one_in(4) {
                event = PeerPing; // so that walks are not all short
            }
            walk.step(event);
        }
        let last = if walk.state == Open { Eof } else { Wait };
        walk.step(last);
        assert_eq!(walk.state.ready(), ReadyState::Closed, "{:?}", walk.path);
        // And nothing leads back.
        EVENTS.iter().for_each(|event| walk.step(*event));
        assert_eq!(walk.state.ready(), ReadyState::Closed, "{:?}", walk.path);
    }
}

#[test]
fn nothing_that_the_peer_sends_puts_the_end_off() {
    for end in ENDS {
        let mut walk = walk(end, &[Close]);
        for n in 1..few(50, 5) as u64 {
            walk.driver.ws.handle_timeout(at(n * 100));
            for event in [PeerData, PeerPing, Transmit] {
                walk.step(event);
            }
            assert_eq!(walk.driver.ws.poll_timeout(), Some(at(5000)));
        }
        walk.driver.ws.handle_timeout(at(4999));
        assert_eq!(walk.driver.ws.timed_out(), None);
        walk.step(PeerClose);
        assert_eq!(walk.driver.ws.poll_timeout(), Some(at(5000)), "nor does its Close");
        walk.driver.ws.handle_timeout(at(5000));
        assert_eq!(walk.driver.ws.timed_out(), Some(TimedOut::Close));
        assert!(walk.driver.ws.was_clean(), "but the handshake was finished");
    }
}

/// RFC 6455 7.4 and the registry behind it: 1012 to 1014 were added since.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000 | 1001 | 1002 | 1003 | 1007..=1011 | 1012..=1014 | 3000..=4999)
}

#[test]
fn every_code_in_both_directions() {
    for code in thin(0..=u16::MAX, 997) {
        let new = CloseCode::new(code);
        assert_eq!(new.map(CloseCode::get), may_be_sent(code).then_some(code), "{code}");
        for end in ENDS {
            let mut driver = Driver::new(end);
            driver.frame(0x88, &code.to_be_bytes());
            let (seen, reply) = if may_be_sent(code) {
                (Seen::Close(Some(code), String::new()), code)
            } else {
                (Seen::Failed(PeerError::BadClose), 1002)
            };
            assert_eq!(driver.seen, [seen]);
            assert_eq!(driver.replies(), [(0x88, reply.to_be_bytes().to_vec())]);
            assert_eq!(driver.ws.was_clean(), may_be_sent(code), "{code}");
            if let Some(code) = new {
                let mut driver = Driver::new(end);
                driver.close(code.get(), "");
                assert_eq!(driver.replies(), [(0x88, code.get().to_be_bytes().to_vec())]);
            }
        }
    }
}

#[test]
fn every_length_of_a_reason() {
    for end in ENDS {
        for len in thin((0..=125).rev(), 25) {
            let reason = "r".repeat(len);
            let payload = [b"\x03\xe8", reason.as_bytes()].concat();
            let (mut ours, mut theirs) = (Driver::new(end), Driver::new(end));
            theirs.frame(0x88, &payload);
            let mut buf = [0; 256];
            let mut out = Output::new(&mut buf);
            let result = ours.ws.close(Some(CloseCode::NORMAL), &reason, &mut out);
            if len <= 123 {
                assert_eq!(theirs.seen, [Seen::Close(Some(1000), reason)]);
                assert_eq!(result, Ok(true));
                ours.sent.extend(out.filled());
                assert_eq!(ours.replies(), [(0x88, payload)]);
            } else {
                assert_eq!(theirs.failed(), Some(PeerError::LongControl));
                assert_eq!((result, out.filled()), (Err(UsageError::LongControl), &b""[..]));
                assert_eq!(ours.ws.ready_state(), ReadyState::Open, "nothing happened");
            }
        }
    }
}

#[test]
fn a_payload_of_one_byte_is_refused() {
    for end in ENDS {
        for byte in thin(0..=255, 50) {
            let mut driver = Driver::new(end);
            driver.frame(0x88, &[byte]);
            assert_eq!(driver.seen, [Seen::Failed(PeerError::BadClose)]);
            assert_eq!(driver.replies(), [(0x88, b"\x03\xea".to_vec())]);
        }
    }
}

#[test]
fn a_reason_that_is_not_utf_8_is_refused_wherever_it_goes_wrong() {
    for end in ENDS {
        for bad in [&b"\xff"[..], b"\xc3", b"\xe4\xbd", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
            for before in thin(0..=123 - bad.len(), 40) {
                let payload = [b"\x03\xe8", &vec![b'r'; before][..], bad].concat();
                let bytes = incoming(end, 0x88, &payload);
                let mut driver = Driver::new(end);
                let (a, b) = bytes.split_at(before.min(bytes.len()));
                driver.feed(a).feed(b);
                assert_eq!(driver.seen, [Seen::Failed(PeerError::InvalidUtf8)], "{payload:x?}");
                assert_eq!(driver.replies(), [(0x88, b"\x03\xef".to_vec())]);
                assert_eq!((driver.ws.close_received(), driver.ws.close_reason()), (None, ""));
            }
        }
    }
}

#[test]
fn what_comes_behind_our_close_counts_until_theirs() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.frame(0x01, b"begun before, ");
        driver.close(1000, "");
        let frames: [(u8, &[u8]); 6] =
            [(0x89, b"p"), (0x80, b"ended behind"), (0x8a, b"q"), (0x82, b"x"), (0x88, b""), (0x82, b"y")];
        driver.feed(&script(end, &frames));
        assert_eq!(driver.seen.last(), Some(&Seen::Close(None, String::new())));
        assert!(driver.seen.contains(&binary(b"x")) && !driver.seen.contains(&binary(b"y")));
        let whole: Vec<u8> = driver
            .seen
            .iter()
            .filter_map(|seen| match seen {
                Seen::Data(Kind::Text, bytes, _) => Some(bytes.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(whole, b"begun before, ended behind");
        assert_eq!(driver.replies(), [(0x88, b"\x03\xe8".to_vec()), (0x8a, b"p".to_vec())]);
        assert_eq!(driver.ws.control(), b"", "it is the Close's");
    }
}

#[test]
fn nothing_behind_theirs_is_looked_at() {
    for end in ENDS {
        for (b0, payload) in [(0x81, &b"x"[..]), (0x89, b"x"), (0x83, b"x"), (0x88, b"\x03"), (0xff, b"")] {
            let mut driver = Driver::new(end);
            driver.frame(0x81, "first".as_bytes());
            driver.feed(&script(end, &[(0x88, b"\x03\xe8"), (b0, payload)])).frame(b0, payload);
            assert_eq!(driver.seen, [text("first"), Seen::Close(Some(1000), String::new())]);
            assert_eq!(driver.replies(), [(0x88, b"\x03\xe8".to_vec())]);
        }
    }
}

#[test]
fn a_close_waits_for_the_frame_begun() {
    for end in ENDS {
        for fails in [false, true] {
            let mut driver = Driver::new(end);
            driver.drain(|ws, out| ws.begin(Kind::Binary, 6, true, out).unwrap());
            let mut buf = [0; 64];
            let mut out = Output::new(&mut buf);
            let unfinished = Err(UsageError::UnfinishedFrame);
            assert_eq!(driver.ws.close(Some(CloseCode::NORMAL), "", &mut out), unfinished);
            if fails {
                driver.ws.fail(CloseCode::INTERNAL_ERROR);
            } else {
                driver.receive(&incoming(end, 0x88, b"\x03\xe8"));
            }
            for piece in [b"abc", b"def"] {
                assert!(!driver.ws.wants_transmit() && !driver.ws.wants_shutdown());
                assert_eq!(driver.ws.transmit(&mut out), 0);
                let mut rest = &piece[..];
                driver.drain(|ws, out| ws.payload(&mut rest, out).unwrap());
            }
            driver.flush();
            let code: u16 = if fails { 1011 } else { 1000 };
            let close = (0x88, code.to_be_bytes().to_vec());
            assert_eq!(driver.replies(), [(0x82, b"abcdef".to_vec()), close]);
            assert_eq!(driver.ws.wants_shutdown(), fails || end == End::Server);
        }
    }
}

#[test]
fn without_a_time_for_it_closing_waits_for_ever() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.close(1000, "");
        assert_eq!(driver.ws.poll_timeout(), None);
        driver.ws.handle_timeout(at(1 << 30));
        assert_eq!(driver.ws.ready_state(), ReadyState::Closing);
    }
}
