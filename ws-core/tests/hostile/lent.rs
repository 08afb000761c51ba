//! An end that compresses, in memory that is looked at: [`Room`] is lent to it, [`Talk`] is a connection over that, [`Stream`]
//! writes what a peer may have compressed, bit by bit.

use super::common::{End, FREE, Last, Seen, Ws, at, decode, incoming};
use ws_core::connection::Compression;
use ws_core::deflate::negotiate::{Agreement, Terms};
use ws_core::deflate::{Buffers, Effort, Fast, Inflater, Layout, Small};
use ws_core::{CloseCode, Config, Event, Input, Kind, Output, PeerError};

/// What stands in a window before anything is inflated.
const UNWRITTEN: u8 = 0xaa;
/// What stands beside all that is lent.
const GUARD: [u8; 64] = [0xca; 64];

/// Who is attacked, and what was agreed on with the peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) end: End,
    pub(super) is_fast: bool,
    /// Of the window that the end inflates in.
    pub(super) bits: u8,
    /// Whether the peer may refer to earlier messages.
    pub(super) takeover: bool,
}

/// Both roles, in both layouts.
pub(super) fn setups(bits: u8, takeover: bool) -> impl Iterator<Item = Setup> {
    let each = [(End::Server, false), (End::Server, true), (End::Client, false), (End::Client, true)];
    // Under Miri both ends and both layouts, and not every pair of them.
    let each = each.into_iter().filter(|(end, is_fast)| !cfg!(miri) || *is_fast == (*end == End::Client));
    each.map(move |(end, is_fast)| Setup { end, is_fast, bits, takeover })
}

impl Setup {
    pub(super) fn window(self) -> usize {
        1 << self.bits
    }

    pub(super) fn slack(self) -> usize {
        if self.is_fast { Fast::SLACK } else { Small::SLACK }
    }

    /// On the terms that are the default, except for the peer's takeover.
    fn agreement(self) -> Agreement {
        self.agreement_sending(false, true)
    }

    /// With the end's own takeover asked for or not, which the peer grants or not.
    fn agreement_sending(self, takeover: bool, is_granted: bool) -> Agreement {
        let terms = Terms::new(self.bits, 10);
        let terms = if self.takeover { terms } else { terms.without_peer_takeover() };
        let terms = if takeover { terms.with_takeover() } else { terms };
        let bits = Some(Some(self.bits.into()));
        let (said, flags) = match self.end {
            End::Server => {
                ("client_max_window_bits", [(!is_granted, "server_no_context_takeover"), (false, "")])
            }
            End::Client => {
                let own = (!self.takeover, "server_no_context_takeover");
                ("server_max_window_bits", [(!is_granted, "client_no_context_takeover"), own])
            }
        };
        let flags = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| (name, None));
        let params = [(said, bits)].into_iter().chain(flags);
        let agreed = if self.end == End::Server { terms.accept(params) } else { terms.confirm(params) };
        let agreed = agreed.expect("terms that will do");
        assert_eq!((agreed.inflate.window(), agreed.inflate.takeover), (self.window(), self.takeover));
        agreed
    }

    /// A frame of the peer's.
    pub(super) fn frame(self, b0: u8, payload: &[u8]) -> Vec<u8> {
        incoming(self.end, b0, payload)
    }

    /// What is seen of `wire` by an end without history, in reads of `size`.
    pub(super) fn seen(self, config: Config, wire: &[u8], size: usize) -> Vec<Seen> {
        let mut room = Room::new(self);
        let mut talk = room.talk(config);
        wire.chunks(size).for_each(|piece| talk.receive(piece));
        talk.seen
    }
}

/// Memory that is lent to one connection after the other. Whatever happens, nothing beside it is written.
pub(super) struct Room {
    setup: Setup,
    /// The window between two guards.
    window: Vec<u8>,
    small: Small,
    fast: Fast,
    buffers: Box<Buffers<1024, 256, 1024, 1024>>,
}

impl Room {
    /// With a window that is just large enough.
    pub(super) fn new(setup: Setup) -> Self {
        let window = [&GUARD[..], &vec![UNWRITTEN; setup.window() + setup.slack()], &GUARD].concat();
        Self { setup, window, small: Small::new(), fast: Fast::new(), buffers: Box::new(Buffers::new()) }
    }

    /// A connection that has agreed on the setup.
    pub(super) fn talk(&mut self, config: Config) -> Talk<'_> {
        let Self { setup, window, small, fast, buffers } = self;
        let end = window.len() - GUARD.len();
        let window = &mut window[GUARD.len()..end];
        let deflater = buffers.deflater(Effort::QUICK);
        let lent = if setup.is_fast {
            Lent::Fast(Compression::new(Inflater::new(window, fast).expect("a window"), deflater))
        } else {
            Lent::Small(Compression::new(Inflater::new(window, small).expect("a window"), deflater))
        };
        let ws = Ws::new(setup.end, config, at(0));
        let mut talk = Talk {
            setup: *setup,
            ws,
            memory: lent,
            limit: usize::MAX,
            seen: vec![],
            sent: vec![],
            calls: 0,
            taken: 0,
            lent: 0,
        };
        talk.begin(&setup.agreement());
        talk
    }

    /// One that has agreed on its own takeover too, if it was asked for and granted.
    pub(super) fn talk_sending(&mut self, takeover: bool, is_granted: bool) -> Talk<'_> {
        let mut talk = self.talk(FREE);
        talk.next_connection_sending(takeover, is_granted);
        talk
    }

    /// How much of the window was written, up to the last byte that was.
    pub(super) fn written(&self) -> usize {
        let window = &self.window[GUARD.len()..self.window.len() - GUARD.len()];
        window.iter().rposition(|byte| *byte != UNWRITTEN).map_or(0, |last| last + 1)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let is_intact = self.window.starts_with(&GUARD) && self.window.ends_with(&GUARD);
            assert!(is_intact, "written beside the window, {:?}", self.setup);
        }
    }
}

enum Lent<'m> {
    Small(Compression<'m, Small>),
    Fast(Compression<'m, Fast>),
}

/// A connection, and all that it says.
pub(super) struct Talk<'m> {
    pub(super) setup: Setup,
    pub(super) ws: Ws,
    memory: Lent<'m>,
    /// The most that a call may lend.
    pub(super) limit: usize,
    pub(super) seen: Vec<Seen>,
    sent: Vec<u8>,
    /// How often it was asked, until the first error.
    pub(super) calls: usize,
    /// Bytes that it took, until then.
    pub(super) taken: usize,
    /// Bytes of messages that it lent.
    pub(super) lent: usize,
}

macro_rules! forward {
    ($talk:ident, $ws:ident, $memory:ident => $call:expr) => {
        match (&mut $talk.ws, &mut $talk.memory) {
            (Ws::Server($ws), Lent::Small($memory)) => $call,
            (Ws::Server($ws), Lent::Fast($memory)) => $call,
            (Ws::Client($ws), Lent::Small($memory)) => $call,
            (Ws::Client($ws), Lent::Fast($memory)) => $call,
        }
    };
}

impl Talk<'_> {
    pub(super) fn begin(&mut self, agreement: &Agreement) {
        match &mut self.memory {
            Lent::Small(memory) => memory.begin(agreement),
            Lent::Fast(memory) => memory.begin(agreement),
        }
        .expect("a window just large enough");
    }

    /// Another connection, by the same compression over the same memory.
    pub(super) fn next_connection(&mut self, config: Config) {
        self.ws = Ws::new(self.setup.end, config, at(0));
        self.begin(&self.setup.agreement());
        self.seen.clear();
        self.sent.clear();
    }

    /// The same, with the end's own takeover.
    pub(super) fn next_connection_sending(&mut self, takeover: bool, is_granted: bool) {
        self.next_connection(FREE);
        self.begin(&self.setup.agreement_sending(takeover, is_granted));
    }

    /// Receives `piece`, and transmits what is in the way of it, and what is owed. What holds for all input is checked.
    pub(super) fn receive(&mut self, piece: &[u8]) {
        let mut read = [&GUARD[..], piece, &GUARD].concat();
        let end = read.len() - GUARD.len();
        let mut input = Input::new(&mut read[GUARD.len()..end]);
        let mut is_idle = false;
        loop {
            let (before, limit) = (input.rest().len(), self.limit);
            let result = forward!(self, ws, memory => {
                let seen = memory.receive_up_to(ws, &mut input, limit).map(|event| event.map(owned));
                let (receiver, _) = memory.split();
                seen.map(|seen| seen.map(|seen| (seen, receiver.lent().to_vec())))
            });
            let took = before - input.rest().len();
            if self.failed().is_none() {
                (self.calls, self.taken) = (self.calls + 1, self.taken + took);
                assert!(input.rest() == &piece[input.consumed()..], "what is not taken is as it came");
            }
            match result {
                Ok(Some((event, inflated))) => {
                    assert_eq!(self.failed(), None, "{event:?} behind an error");
                    assert!(
                        inflated.len() <= self.limit.max(1).min(self.setup.window() + self.setup.slack())
                    );
                    self.note(event, &inflated);
                    is_idle = false;
                }
                Ok(None) if input.is_empty() => break,
                Ok(None) => {
                    assert!(self.ws.wants_transmit() || took != 0 || !is_idle, "{before} bytes, and stuck");
                    is_idle = true;
                    self.flush();
                }
                Err(error) => {
                    match self.failed() {
                        None => self.seen.push(Seen::Failed(error)),
                        Some(first) => assert_eq!(error, first, "the error is not to change"),
                    }
                    if input.is_empty() {
                        break;
                    }
                }
            }
        }
        assert!(!forward!(self, _ws, memory => memory.wants_receive()), "it said that there was no more");
        assert!(read.starts_with(&GUARD) && read.ends_with(&GUARD), "written beside the input");
        self.flush();
    }

    fn note(&mut self, event: (Seen, bool), inflated: &[u8]) {
        let (event, is_first) = event;
        if let Seen::Data(kind, payload, last) = event {
            assert!(inflated.is_empty() || inflated == payload, "it is lent until the next call");
            self.lent += payload.len();
            match self.seen.last_mut() {
                Some(Seen::Data(before, whole, open @ Last::No)) if !is_first => {
                    assert_eq!(*before, kind);
                    whole.extend(payload);
                    *open = last;
                }
                _ => self.seen.push(Seen::Data(kind, payload, last)),
            }
        } else {
            let control = self.ws.control().to_vec();
            self.seen.push(match event {
                Seen::Ping(_) => Seen::Ping(control),
                Seen::Pong(_) => Seen::Pong(control),
                other => other,
            });
        }
    }

    pub(super) fn failed(&self) -> Option<PeerError> {
        self.seen.iter().find_map(|seen| if let Seen::Failed(error) = seen { Some(*error) } else { None })
    }

    /// The bytes of the message that is not whole.
    pub(super) fn part(&self) -> &[u8] {
        let part = self.seen.iter().find_map(|seen| match seen {
            Seen::Data(_, part, Last::No) => Some(&part[..]),
            _ => None,
        });
        part.unwrap_or_default()
    }

    fn flush(&mut self) {
        let mut buf = [0; 256];
        while self.ws.wants_transmit() {
            let mut out = Output::new(&mut buf);
            assert_ne!(self.ws.transmit(&mut out), 0);
            self.sent.extend_from_slice(out.filled());
        }
    }

    /// It has failed with this error, and has said so to the peer, with this code, and nothing behind that.
    pub(super) fn assert_failed(&self, error: PeerError, code: CloseCode) {
        let case = self.setup;
        assert_eq!((self.failed(), self.seen.last()), (Some(error), Some(&Seen::Failed(error))), "{case:?}");
        let last = decode(self.setup.end, &self.sent).pop().expect("a Close");
        assert_eq!((last.b0, &last.payload[..]), (0x88, &code.get().to_be_bytes()[..]), "{case:?}");
    }

    /// Sends a message whatever its length, compressed: the frames, unmasked.
    pub(super) fn send(&mut self, message: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut buf = vec![0; 2 * message.len() + 64];
        let mut out = Output::new(&mut buf);
        // In two calls, so that it is not taken for too short.
        let parts = [(message, false), (&[], true)];
        for (mut rest, last) in parts {
            let done = forward!(self, ws, memory => memory.send(ws, Kind::Binary, &mut rest, last, &mut out));
            assert_eq!(done, Ok(true));
        }
        let frames = decode(self.setup.end, out.filled());
        frames.into_iter().map(|frame| (frame.b0, frame.payload)).collect()
    }
}

/// An event that can be kept, and whether it is the first of a message. Control frames are empty.
fn owned(event: Event<'_>) -> (Seen, bool) {
    match event {
        Event::Data(data) => {
            let last = if data.last { Last::Yes } else { Last::No };
            (Seen::Data(data.kind, data.payload.to_vec(), last), data.first)
        }
        Event::Ping => (Seen::Ping(vec![]), true),
        Event::Pong => (Seen::Pong(vec![]), true),
        Event::Close(code) => (Seen::Close(code.map(CloseCode::get), String::new()), true),
        event => panic!("{event:?} is not known to the tests"),
    }
}

/// Bits, the lowest first (RFC 1951 3.1.1).
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) bytes: Vec<u8>,
    count: usize,
}

/// Lengths that the code-length code of [`Stream::counts`] has, each of 3 bits.
const LENGTHS: [u32; 8] = [0, 1, 2, 3, 15, 16, 17, 18];

impl Stream {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), count: 0 }
    }

    pub(super) fn bits(mut self, value: u32, n: u32) -> Self {
        for i in 0..n {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().expect("a byte") |= ((value >> i & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
        self
    }

    /// A code, which begins with its highest bit.
    pub(super) fn code(self, code: u32, n: u32) -> Self {
        self.bits(code.reverse_bits() >> (32 - n), n)
    }

    /// The header and the two lengths of a stored block.
    pub(super) fn stored_head(self, len: u32, complement: u32) -> Self {
        let mut this = self.bits(0, 3);
        this.count = this.bytes.len() * 8;
        this.bits(len, 16).bits(complement, 16)
    }

    pub(super) fn stored(self, text: &[u8]) -> Self {
        let mut this = self.stored_head(text.len() as u32, !(text.len() as u32));
        this.bytes.extend_from_slice(text);
        this.count = this.bytes.len() * 8;
        this
    }

    /// A block of the fixed code, open, with literals of ASCII.
    pub(super) fn fixed(self, text: &[u8]) -> Self {
        text.iter().fold(self.bits(2, 3), |this, byte| this.code(0x30 + u32::from(*byte), 8))
    }

    /// A match in a block of the fixed code: of 3 to 10 bytes, or 258.
    pub(super) fn matched(self, length: u32, distance: u32) -> Self {
        let this = match length {
            3..=10 => self.code(length - 2, 7),
            258 => self.code(0xc5, 8),
            _ => panic!("length {length}"),
        };
        // RFC 1951 3.2.5: two distances share each number of extra bits.
        let back = distance - 1;
        let extra = if back < 4 { 0 } else { back.ilog2() - 1 };
        this.code(2 * extra + (back >> extra), 5).bits(back & ((1 << extra) - 1), extra)
    }

    /// The end of a block of the fixed code.
    pub(super) fn closed(self) -> Self {
        self.code(0, 7)
    }

    /// The header of a dynamic block up to the lengths of its codes.
    pub(super) fn counts(self, literals: u32, distances: u32) -> Self {
        let this = self.bits(4, 3).bits(literals - 257, 5).bits(distances - 1, 5).bits(15, 4);
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        order.iter().fold(this, |this, symbol| this.bits(if LENGTHS.contains(symbol) { 3 } else { 0 }, 3))
    }

    /// The length of a code, or a repetition.
    pub(super) fn length(self, symbol: u32) -> Self {
        let code = LENGTHS.iter().position(|length| *length == symbol).expect("a length that has a code");
        self.code(code as u32, 3)
    }

    /// A dynamic block up to its symbols, by the lengths of its codes.
    pub(super) fn dynamic(self, literals: &[u32], distances: &[u32]) -> Self {
        let this = self.counts(literals.len() as u32, distances.len() as u32);
        literals.iter().chain(distances).fold(this, |this, length| this.length(*length))
    }

    /// The end of a message: an empty stored block without its tail.
    pub(super) fn end(self) -> Vec<u8> {
        self.bits(0, 3).bytes
    }
}

/// So many lengths of codes, zero but for these.
pub(super) fn lengths(count: usize, some: &[(usize, u32)]) -> Vec<u32> {
    let mut lengths = vec![0; count];
    some.iter().for_each(|(symbol, length)| lengths[*symbol] = *length);
    lengths
}
