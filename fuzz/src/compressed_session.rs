//! A client and a server talk over permessage-deflate, on any terms, in messages of any bytes and fragments of any size, plain ones and
//! control frames between them, over a pipe that cuts them anywhere: each gets what the other sent. In one talk of ten a byte of the pipe
//! is flipped. What was delivered before it is what was sent; behind it anything may be, but an error has its code and its Close, and
//! nothing comes behind it.

mod end;

use std::cell::RefCell;

use arbitrary::{Arbitrary, Unstructured};
use ws_core::connection::Compression;
use ws_core::deflate::negotiate::{Agreement, Terms};
use ws_core::deflate::{Deflater, Effort, Fast, Inflater, Layout, Memory, Small, Work};
use ws_core::{Config, Connection, Entropy, Instant, Kind, Limits, Role, Timeouts};

use crate::common::{Cuts, Guarded, Part, Rng};
use end::{End, Pipe, Sent};

/// Bytes of all messages.
const MOST: usize = 700;
const NOW: Instant = Instant::from_millis(0);

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    server: Side,
    client: Side,
    /// Messages shorter than this are sent as they are.
    threshold: u8,
    acts: Vec<Act<'a>>,
}

/// What one side has memory for, and wants.
#[derive(Arbitrary, Debug)]
struct Side {
    inflate: u8,
    deflate: u8,
    takeover: bool,
    peer_takeover: bool,
}

impl Side {
    fn terms(&self) -> Terms {
        let terms = Terms::new(8 + self.inflate % 8, 8 + self.deflate % 8);
        let terms = if self.takeover { terms.with_takeover() } else { terms };
        if self.peer_takeover { terms } else { terms.without_peer_takeover() }
    }
}

/// What a side does.
#[derive(Arbitrary, Debug)]
struct Act<'a> {
    to_server: bool,
    what: What<'a>,
}

#[derive(Arbitrary, Debug)]
enum What<'a> {
    Message(Vec<Part<'a>>),
    /// In pieces of up to so many bytes, written to outputs of so many, with Pings between them.
    Pieces {
        parts: Vec<Part<'a>>,
        most: u8,
        room: u16,
        pings: u8,
    },
    /// Not compressed, whatever its length.
    Plain(Vec<Part<'a>>),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
}

/// Masking keys.
struct Keys(Rng);

impl Entropy for Keys {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.next() as u8);
    }
}

/// The memory of one side.
struct Room {
    window: Guarded<u8>,
    small: Small,
    fast: Box<Fast>,
    history: Guarded<u8>,
    heads: Guarded<u16>,
    links: Guarded<u16>,
    tokens: Guarded<u8>,
    work: Work,
}

impl Room {
    fn new() -> Self {
        Self {
            window: Guarded::new(32_768 + Fast::SLACK, 0xca),
            small: Small::new(),
            fast: Box::new(Fast::new()),
            history: Guarded::new(32_768, 0xca),
            heads: Guarded::new(256, 0xcaca),
            links: Guarded::new(32_768, 0xcaca),
            tokens: Guarded::new(1024, 0xca),
            work: Work::new(),
        }
    }

    /// With windows of just the length that was agreed on.
    fn small(&mut self, agreement: &Agreement, threshold: usize) -> Compression<'_, Small> {
        let Self { window, small, history, heads, links, tokens, work, .. } = self;
        *small = Small::new();
        let inflater = Inflater::new(window.lend(agreement.inflate.window(), 0xab), small).expect("a window");
        let (window, heads, tokens) =
            (agreement.deflate.window(), heads.lend(64, 0xabab), tokens.lend(300, 0xab));
        let (window, links) = (history.lend(window, 0xab), links.lend(window, 0xabab));
        *work = Work::new();
        begun(inflater, Memory { window, heads, links, work, tokens }, agreement, threshold)
    }

    fn fast(&mut self, agreement: &Agreement, threshold: usize) -> Compression<'_, Fast> {
        let Self { window, fast, history, heads, links, tokens, work, .. } = self;
        **fast = Fast::new();
        let window = window.lend(agreement.inflate.window() + Fast::SLACK, 0xab);
        let inflater = Inflater::new(window, &mut **fast).expect("a window");
        let (window, heads, tokens) =
            (agreement.deflate.window(), heads.lend(256, 0xabab), tokens.lend(1024, 0xab));
        let (window, links) = (history.lend(window, 0xab), links.lend(window, 0xabab));
        *work = Work::new();
        begun(inflater, Memory { window, heads, links, work, tokens }, agreement, threshold)
    }

    fn assert_intact(&self) {
        self.window.assert_intact();
        self.history.assert_intact();
        self.heads.assert_intact();
        self.links.assert_intact();
        self.tokens.assert_intact();
    }
}

fn begun<'m, L: Layout>(
    inflater: Inflater<'m, L>,
    memory: Memory<'m>,
    agreement: &Agreement,
    threshold: usize,
) -> Compression<'m, L> {
    let deflater = Deflater::new(memory, Effort::QUICK).expect("sizes that fit");
    let mut compression = Compression::new(inflater, deflater).with_threshold(threshold);
    compression.begin(agreement).expect("a window just large enough");
    compression
}

struct Rooms {
    server: Room,
    client: Room,
    pipe: Pipe,
}

thread_local! {
    static ROOMS: RefCell<Rooms> =
        RefCell::new(Rooms { server: Room::new(), client: Room::new(), pipe: Pipe::new() });
}

/// The bytes are a talk: what is agreed on, and what the two say.
pub fn check(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut rng = Rng::of(data);
    let Some((server, client)) = agree(case.server.terms(), case.client.terms()) else { return };
    let is_limited = rng.below(8) == 0;
    let message = if is_limited { rng.below(300) as u32 } else { 1 << 20 };
    let limits = Limits { message, fragments: u32::MAX, empty_fragments: u8::MAX };
    let config = Config::DEFAULT.with_limits(limits).with_timeouts(Timeouts::OFF);
    let flip = match rng.below(10) {
        0 => {
            let most = [20, 200, 2000][rng.below(3)];
            Some((rng.below(most), 1u8 << rng.below(8)))
        }
        _ => None,
    };
    ROOMS.with_borrow_mut(|rooms| {
        let Rooms { server: here, client: there, pipe } = rooms;
        let lent = [usize::MAX, usize::MAX, 1, 300][rng.below(4)];
        pipe.begin(flip, Cuts::of(data), lent);
        let keys = Keys(rng.clone());
        let ends = (Connection::server(config, NOW), Connection::client(config, keys, NOW));
        let threshold = case.threshold.into();
        if rng.below(2) == 0 {
            let server = End::new(ends.0, here.small(&server, threshold));
            case.talk(server, End::new(ends.1, there.fast(&client, threshold)), pipe, &mut rng);
        } else {
            let server = End::new(ends.0, here.fast(&server, threshold));
            case.talk(server, End::new(ends.1, there.small(&client, threshold)), pipe, &mut rng);
        }
        here.assert_intact();
        there.assert_intact();
    });
}

/// What a server and a client with these terms agree on, first the server's view. A client that has not said it can do with 8 bits
/// says so, if that is what it takes.
fn agree(server: Terms, client: Terms) -> Option<(Agreement, Agreement)> {
    let value = |(name, bits): (&'static str, Option<u8>)| (name, bits.map(|bits| Some(bits.into())));
    let least = |(name, bits)| (name, if name == "client_max_window_bits" { Some(Some(8)) } else { bits });
    let offer = client.offer();
    let there = server.accept(offer.iter().map(value));
    let there = there.or_else(|_| server.accept(offer.iter().map(value).map(least))).ok()?;
    Some((there, client.confirm(there.answer.iter().map(value)).expect("an answer that will do")))
}

impl Case<'_> {
    fn talk<A: Layout, B: Layout, S: Role, C: Role>(
        &self,
        mut server: End<'_, S, A>,
        mut client: End<'_, C, B>,
        pipe: &mut Pipe,
        rng: &mut Rng,
    ) {
        let mut most = MOST;
        for act in self.acts.iter().take(20) {
            let goes_on = if act.to_server {
                act.what.act(&mut client, &mut server, pipe, &mut most, rng)
            } else {
                act.what.act(&mut server, &mut client, pipe, &mut most, rng)
            };
            if !goes_on {
                return;
            }
        }
        if !pipe.is_damaged() {
            server.assert_done();
            client.assert_done();
        }
    }
}

impl What<'_> {
    /// Says it, and hears it at the other end; `false` if the talk is over.
    fn act<R: Role, L: Layout, Q: Role, M: Layout>(
        &self,
        from: &mut End<'_, R, L>,
        to: &mut End<'_, Q, M>,
        pipe: &mut Pipe,
        most: &mut usize,
        rng: &mut Rng,
    ) -> bool {
        let mut message = |parts: &[Part<'_>]| {
            let plain = Part::message(parts, *most);
            *most -= plain.len();
            // At times it is none.
            let is_text = rng.below(2) == 0 && (rng.below(8) == 0 || core::str::from_utf8(&plain).is_ok());
            (if is_text { Kind::Text } else { Kind::Binary }, plain)
        };
        match self {
            Self::Message(parts) => {
                let (kind, plain) = message(parts);
                from.send(kind, &plain, true, 4096, pipe);
                to.expect(Sent { kind, plain });
            }
            Self::Pieces { parts, most, room, pings } => {
                let (kind, plain) = message(parts);
                let (mut rest, size) = (&plain[..], usize::from(*most) + 1);
                loop {
                    let (piece, behind) = rest.split_at(rest.len().min(1 + rng.below(size)));
                    rest = behind;
                    // As small as may be, and larger.
                    from.send(kind, piece, rest.is_empty(), 9 + usize::from(*room) % 600, pipe);
                    if rng.below(256) < usize::from(*pings) / 4 {
                        from.ping(&plain[..plain.len().min(5)], pipe);
                        to.expect_ping(&plain[..plain.len().min(5)]);
                    }
                    if rest.is_empty() {
                        break;
                    }
                }
                to.expect(Sent { kind, plain });
            }
            Self::Plain(parts) => {
                let (kind, plain) = message(parts);
                from.send_plain(kind, &plain, pipe);
                to.expect(Sent { kind, plain });
            }
            Self::Ping(payload) => {
                let payload = &payload[..payload.len().min(125)];
                from.ping(payload, pipe);
                to.expect_ping(payload);
            }
            Self::Pong(payload) => {
                let payload = &payload[..payload.len().min(125)];
                from.pong(payload, pipe);
                to.expect_pong(payload);
            }
        }
        pipe.carry(from, to)
    }
}
