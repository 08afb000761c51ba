//! One end: a connection, the application above it, and what an adapter does around it, one small step at a time. What has to
//! hold of a step alone is checked here, where it is made.

use super::pair::{Action, Pipe};
use crate::connection::{Connection, Role};
use crate::{CloseCode, Event, Input, Instant, Kind, Output, PeerError, ReadyState, TimedOut};
use std::vec;
use std::vec::Vec;

/// What an end may do besides closing once, and what may happen to what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Setup {
    pub(super) says: u8,
    /// Fragments that something follows: a message that it says, or begins a frame of, then ends there.
    pub(super) fragments: u8,
    /// Frames that are begun, and whose payload goes out only once what came before is flushed.
    pub(super) frames: u8,
    pub(super) pings: u8,
    /// Heartbeats; none: the timer is off.
    pub(super) beats: u8,
    /// The idle timer is on.
    pub(super) idles: bool,
    /// It may refuse what comes.
    pub(super) fails: bool,
    /// It may break a rule.
    pub(super) lies: bool,
    /// The transport may break.
    pub(super) cuts: bool,
    /// A way of the transport, on which little has room, may take nothing any more. Whoever drives an end gives that up where no
    /// timer of the connection runs.
    pub(super) stalls: bool,
    /// What goes out and what comes in may be cut behind any byte.
    pub(super) cuts_bytes: bool,
}

/// How the peer's side of the conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    Nothing,
    Close(Option<CloseCode>),
    Error(PeerError),
}

/// How long a transport that takes nothing is waited for, in milliseconds.
pub(super) const STALL: u32 = 10_000;

/// Bytes that wait to be flushed, at most: two frames and something more.
const TX_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct End<R: Role> {
    pub(super) ws: Connection<R>,
    is_client: bool,
    /// Its application's own, so that codes are not confused.
    code: CloseCode,
    left: Setup,
    may_close: bool,
    /// By its own clock.
    now: u32,
    /// Encoded and not flushed.
    tx: Vec<u8>,
    /// Read and not decoded: a reply is in the way.
    held: Vec<u8>,
    /// Its pieces of messages, and the peer's.
    pub(super) said: u8,
    pub(super) heard: u8,
    /// The peer's message is not at its end.
    hears_more: bool,
    /// Of the frame that was begun there is no payload yet.
    is_in_frame: bool,
    seen: Seen,
    /// Its Close answers nothing.
    was_first: bool,
    sent: Frames,
    received: Frames,
    has_shut_down: bool,
    has_ended: bool,
    has_given_up: bool,
    pub(super) broken: Option<&'static str>,
}

/// What can be said of an end in a state.
pub(super) struct Facts {
    pub(super) close_sent: Option<Option<CloseCode>>,
    pub(super) close_received: Option<Option<CloseCode>>,
    /// All of its Close was encoded, and all of the peer's was decoded, by what the bytes say.
    pub(super) close_is_out: bool,
    pub(super) close_is_in: bool,
    pub(super) was_clean: bool,
    pub(super) was_first: bool,
    pub(super) seen: Seen,
    pub(super) is_stuck: bool,
    pub(super) is_in_frame: bool,
    pub(super) has_given_up: bool,
    pub(super) timed_out: Option<TimedOut>,
    pub(super) is_done: bool,
}

impl<R: Role> End<R> {
    pub(super) fn new(ws: Connection<R>, is_client: bool, setup: Setup) -> Self {
        Self {
            ws,
            is_client,
            code: if is_client { CloseCode::NORMAL } else { CloseCode::GOING_AWAY },
            left: setup,
            may_close: true,
            now: 0,
            tx: Vec::new(),
            held: Vec::new(),
            said: 0,
            heard: 0,
            hears_more: false,
            is_in_frame: false,
            seen: Seen::Nothing,
            was_first: false,
            sent: Frames::default(),
            received: Frames::default(),
            has_shut_down: false,
            has_ended: false,
            has_given_up: false,
            broken: None,
        }
    }

    /// Does it if it can be done now; `false`: it cannot.
    pub(super) fn act(&mut self, action: Action, inbound: &mut Pipe, outbound: &mut Pipe) -> bool {
        if self.is_done() {
            return false;
        }
        match action {
            Action::Say => self.left.says > 0 && self.say(true),
            Action::Fragment => self.left.fragments > 0 && self.say(false),
            Action::Begin => self.left.frames > 0 && self.begin(),
            Action::Payload => self.is_in_frame && self.tx.is_empty() && self.payload(),
            Action::Ping => self.left.pings > 0 && self.ping(),
            Action::Close => self.may_close && self.close(),
            Action::Fail => core::mem::take(&mut self.left.fails) && self.fail(),
            Action::Lie => core::mem::take(&mut self.left.lies) && self.lie(),
            Action::TransmitAll => self.transmit(TX_MAX),
            // Behind the header of a Close, as a server sends it, and behind one byte of the other headers.
            Action::TransmitSome => self.left.cuts_bytes && self.transmit(2),
            Action::Flush => !self.tx.is_empty() && outbound.write(&mut self.tx),
            Action::ReceiveByte if !self.left.cuts_bytes => false,
            Action::ReceiveAll | Action::ReceiveByte => {
                let most = if action == Action::ReceiveByte { 1 } else { usize::MAX };
                let bytes =
                    if self.held.is_empty() { inbound.read(most) } else { core::mem::take(&mut self.held) };
                !bytes.is_empty() && self.receive(bytes)
            }
            Action::ReadEnd => {
                let is_there = inbound.is_at_end() && self.held.is_empty() && !self.has_ended;
                if is_there {
                    self.has_ended = true;
                    self.ws.receive_eof();
                }
                is_there
            }
            Action::ShutDown => {
                let shuts_down = self.shuts_down();
                if shuts_down {
                    // RFC 6455 7.1.1.
                    let goes_second = self.has_ended || matches!(self.seen, Seen::Error(_));
                    self.hold(
                        !self.is_client || goes_second,
                        "in peace, the server ends the transport first",
                    );
                    self.has_shut_down = true;
                    outbound.shut_down();
                }
                shuts_down
            }
            Action::Timer => self.wake(inbound, outbound),
            Action::Cut(_) => false, // not by an end
        }
    }

    fn say(&mut self, last: bool) -> bool {
        let text = [letter(self.said, last)];
        let done = self.with_output(TX_MAX, |ws, out| ws.send(Kind::Text, &mut &text[..], last, out));
        if done == Ok(true) {
            *(if last { &mut self.left.says } else { &mut self.left.fragments }) -= 1;
            self.said += 1;
        }
        done.is_ok()
    }

    fn begin(&mut self) -> bool {
        let done = self.with_output(TX_MAX, |ws, out| ws.begin(Kind::Text, 1, true, out));
        if done == Ok(true) {
            self.left.frames -= 1;
            self.is_in_frame = true;
        }
        done.is_ok()
    }

    fn payload(&mut self) -> bool {
        let text = [letter(self.said, true)];
        let done = self.with_output(TX_MAX, |ws, out| ws.payload(&mut &text[..], out));
        self.hold(done == Ok(true), "a frame takes the payload that was promised");
        self.is_in_frame = false;
        self.said += 1;
        true
    }

    fn ping(&mut self) -> bool {
        let done = self.with_output(TX_MAX, |ws, out| ws.ping(b"p", out));
        self.left.pings -= u8::from(done == Ok(true));
        done.is_ok()
    }

    /// Closes, whether it may still or not.
    pub(super) fn close(&mut self) -> bool {
        let code = self.code;
        let done = self.with_output(TX_MAX, |ws, out| ws.close(Some(code), "", out));
        if done == Ok(true) {
            self.may_close = false;
            self.was_first = true;
        }
        done.is_ok()
    }

    fn fail(&mut self) -> bool {
        if self.ws.close_sent().is_none() {
            self.was_first = true;
            if self.seen == Seen::Nothing {
                self.seen = Seen::Error(PeerError::Refused);
            }
        }
        self.ws.fail(CloseCode::INTERNAL_ERROR);
        true
    }

    /// Sends a frame with an opcode that has no meaning.
    fn lie(&mut self) -> bool {
        let frame: &[u8] = if self.is_client { &[0x83, 0x80, 0, 0, 0, 0] } else { &[0x83, 0] };
        let fits = self.sent.part.is_empty() && !self.has_shut_down && self.tx.len() + frame.len() <= TX_MAX;
        if fits {
            self.tx.extend(frame);
        }
        fits
    }

    fn transmit(&mut self, most: usize) -> bool {
        self.ws.wants_transmit() && self.with_output(most, |ws, out| ws.transmit(out)) != 0
    }

    fn receive(&mut self, mut bytes: Vec<u8>) -> bool {
        let read = bytes.clone();
        let mut input = Input::new(&mut bytes);
        for _ in 0..2 * read.len() + 4 {
            let (before, ours) = (input.consumed(), self.ws.close_sent());
            let result = self.ws.receive(&mut input);
            if self.seen == Seen::Nothing && result.is_ok() {
                self.received
                    .push(&read[before..input.consumed()])
                    .expect("the peer was looked at when it sent");
            }
            match result {
                Ok(None) if input.is_empty() => return true,
                Ok(None) => {
                    self.held = input.rest().to_vec();
                    self.hold(self.ws.wants_transmit(), "input is left, and no reply is in the way of it");
                    return true;
                }
                Ok(Some(event)) => self.hear(&event, ours),
                Err(error) => {
                    let code = error.close_code();
                    match self.seen {
                        Seen::Nothing => {
                            self.seen = Seen::Error(error);
                            let owed = ours.or(Some(code));
                            self.hold(self.ws.close_sent() == owed, "an error is told with its own code");
                        }
                        seen => self.hold(seen == Seen::Error(error), "an error behind the end"),
                    }
                    if input.is_empty() {
                        return true;
                    }
                }
            }
        }
        self.hold(false, "a call too many");
        true
    }

    /// `ours`: the Close of this end before.
    fn hear(&mut self, event: &Event<'_>, ours: Option<Option<CloseCode>>) {
        self.hold(self.seen == Seen::Nothing, "an event behind a Close or an error");
        match event {
            Event::Data(data) => {
                let is_next = data.payload == [letter(self.heard, data.last)];
                self.hold(is_next && data.first != self.hears_more, "messages come whole, and in order");
                self.heard += 1;
                self.hears_more = !data.last;
            }
            Event::Close(code) => {
                self.seen = Seen::Close(*code);
                self.hold(
                    self.ws.close_sent() == ours.or(Some(*code)),
                    "a Close is answered with its own code",
                );
            }
            Event::Ping | Event::Pong => {}
        }
    }

    /// The next timer fires: this end's clock goes there.
    fn wake(&mut self, inbound: &mut Pipe, outbound: &mut Pipe) -> bool {
        let Some(moment) = self.ws.poll_timeout() else {
            let gives_up = self.left.stalls && !self.tx.is_empty() && outbound.is_full();
            if gives_up {
                self.now += STALL;
                self.give_up(inbound, outbound);
            }
            return gives_up;
        };
        self.hold(moment.has_reached(Instant::from_millis(self.now.into())), "a timer in the past");
        self.now = moment.millis();
        self.ws.handle_timeout(moment);
        if self.ws.timed_out().is_some() {
            self.give_up(inbound, outbound);
            return true;
        }
        self.hold(self.ws.wants_transmit(), "a timer that does nothing");
        let may_beat = self.left.beats > 0;
        self.left.beats = self.left.beats.saturating_sub(1);
        may_beat
    }

    fn give_up(&mut self, inbound: &mut Pipe, outbound: &mut Pipe) {
        self.has_given_up = true;
        inbound.abandon();
        outbound.shut_down();
    }

    /// Lends an output with room for `most` bytes behind what is there already.
    fn with_output<T>(
        &mut self,
        most: usize,
        call: impl FnOnce(&mut Connection<R>, &mut Output<'_>) -> T,
    ) -> T {
        let before = self.tx.len();
        let mut buf = vec![0; TX_MAX.min(before + most)];
        let mut out = Output::new(&mut buf);
        out.put(&self.tx);
        let result = call(&mut self.ws, &mut out);
        if let Err(what) = self.sent.push(&out.filled()[before..]) {
            self.broken = Some(what);
        }
        self.tx = out.filled().to_vec();
        result
    }

    fn hold(&mut self, holds: bool, what: &'static str) {
        if !holds {
            self.broken = Some(what);
        }
    }

    /// May beat as often as it wants to.
    pub(super) fn never_tire(&mut self) {
        self.left.beats = u8::MAX;
    }

    pub(super) const fn now(&self) -> u32 {
        self.now
    }

    pub(super) fn is_open(&self) -> bool {
        self.ws.ready_state() == ReadyState::Open
    }

    pub(super) const fn is_done(&self) -> bool {
        self.has_given_up || (self.has_shut_down && self.has_ended)
    }

    fn shuts_down(&self) -> bool {
        self.ws.wants_shutdown() && self.tx.is_empty() && !self.has_shut_down
    }

    pub(super) fn facts(&self, inbound: &Pipe) -> Facts {
        let has_to_read = !inbound.is_empty() || (inbound.is_at_end() && !self.has_ended);
        let has_to_do =
            !self.tx.is_empty() || self.is_in_frame || self.ws.wants_transmit() || self.shuts_down();
        let may_wait = self.is_done() || self.is_open() || self.ws.poll_timeout().is_some();
        Facts {
            close_sent: self.ws.close_sent(),
            close_received: self.ws.close_received(),
            close_is_out: self.sent.has_close,
            close_is_in: self.received.has_close,
            was_clean: self.ws.was_clean(),
            was_first: self.was_first,
            seen: self.seen,
            is_stuck: !(has_to_read || has_to_do || may_wait),
            is_in_frame: self.is_in_frame,
            has_given_up: self.has_given_up,
            timed_out: self.ws.timed_out(),
            is_done: self.is_done(),
        }
    }
}

/// The payload of a piece: the peer knows from it which one it is, and whether the message ends there.
const fn letter(nth: u8, last: bool) -> u8 {
    nth + if last { b'a' } else { b'A' }
}

/// Frames in a stream of bytes, told apart without the library. They are all short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Frames {
    /// What has come of the next one.
    part: Vec<u8>,
    has_close: bool,
}

impl Frames {
    fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        self.part.extend(bytes);
        while let [b0, b1, ..] = self.part[..] {
            let head = if b1 & 0x80 != 0 { 6 } else { 2 };
            let len = head + usize::from(b1 & 0x7f);
            if self.part.len() < len {
                break;
            }
            let opcode = b0 & 15;
            // RFC 6455 5.5.1. A Ping is answered until the peer's Close.
            if self.has_close && opcode != 10 {
                return Err("a frame behind a Close");
            }
            self.has_close |= opcode == 8;
            self.part.drain(..len);
        }
        Ok(())
    }
}
