//! Messages of any bytes, deflated with any effort, in memory of any size, in pieces of any size and to outputs of any size: zlib inflates
//! them to the same, and ours does in a window no longer than was agreed on; each is at most as much longer than the bytes as the
//! documentation says; the sizes of outputs change nothing; nothing beside the memory lent is written.

use std::cell::RefCell;

use arbitrary::{Arbitrary, Unstructured};
use flate2::{Decompress, FlushDecompress};
use ws_core::deflate::{Deflater, Effort, Fast, Inflater, Layout, Memory, Small, TAIL, Work};

use crate::common::{Guarded, Part, Rng};

/// Bytes of all messages, now and then many, and few if all of the window is searched: it is a matter of time.
const MOST: usize = 500;
const MANY: usize = 10_000;
const FEW: usize = 150;
/// Of the window if all of it is searched.
const SEARCHED: usize = 512;

/// What is deflated, and how.
#[derive(Arbitrary, Debug)]
struct Case<'a> {
    /// 256 bytes and up.
    window: u16,
    is_power: bool,
    /// None, or a power of two.
    heads: u8,
    tokens: u16,
    chain: u8,
    lazy: u8,
    nice: u8,
    /// Less than there is memory for.
    restart: Option<u8>,
    takeover: bool,
    is_long: u8,
    piece: Size,
    room: Size,
    messages: Vec<Vec<Part<'a>>>,
}

/// How much is given, or may be written, at once.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Whole,
    Same(u8),
    Below(u8),
    BelowMany(u16),
}

impl Size {
    fn next(self, rng: &mut Rng) -> usize {
        match self {
            Self::Whole => 70_000,
            Self::Same(size) => usize::from(size).max(1),
            // None at all too, but not for ever.
            Self::Below(size) => rng.below(usize::from(size) + 2),
            Self::BelowMany(size) => rng.below(usize::from(size) + 2),
        }
    }
}

struct Lent {
    window: Guarded<u8>,
    heads: Guarded<u16>,
    links: Guarded<u16>,
    tokens: Guarded<u8>,
    work: Work,
    inflate: Guarded<u8>,
    small: Small,
    fast: Box<Fast>,
    out: Vec<u8>,
}

thread_local! {
    static LENT: RefCell<Lent> = RefCell::new(Lent {
        window: Guarded::new(32_768, 0xca),
        heads: Guarded::new(32_768, 0xcaca),
        links: Guarded::new(32_768, 0xcaca),
        tokens: Guarded::new(65_536, 0xca),
        work: Work::new(),
        inflate: Guarded::new(32_768 + Fast::SLACK, 0xca),
        small: Small::new(),
        fast: Box::new(Fast::new()),
        out: vec![0; 70_000],
    });
}

/// The bytes are messages, the memory they are deflated in, and how.
pub fn check(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else { return };
    LENT.with_borrow_mut(|lent| case.check(&Rng::of(data), lent));
}

impl Case<'_> {
    fn window(&self) -> usize {
        let window = if self.is_power {
            1 << (8 + self.window % 8)
        } else {
            256 + usize::from(self.window) % (32_768 - 255)
        };
        window.min(if self.heads() == 0 { SEARCHED } else { 32_768 })
    }

    fn heads(&self) -> usize {
        if self.heads.is_multiple_of(8) { 0 } else { 16 << (self.heads % 12) }
    }

    fn most(&self, rng: &Rng) -> usize {
        match self.is_long {
            _ if self.heads() == 0 => FEW,
            // The fuzzer prefers what goes far, which would take nearly all of the time.
            77 if rng.clone().below(16) == 0 => MANY,
            _ => MOST,
        }
    }

    fn tokens(&self) -> usize {
        match self.tokens {
            0..64 => 64 + usize::from(self.tokens),
            tokens => tokens.into(),
        }
    }

    fn effort(&self) -> Effort {
        // Up to the longest match, and beyond.
        Effort {
            chain: u16::from(self.chain) % if self.is_long == 77 { 6 } else { 18 },
            lazy: u16::from(self.lazy) * 2,
            nice: u16::from(self.nice) * 2,
        }
    }

    /// How far back anything may refer.
    fn reach(&self) -> usize {
        self.restart.map_or(self.window(), |bits| self.window().min(1 << bits.clamp(8, 15)))
    }

    fn check(&self, rng: &Rng, lent: &mut Lent) {
        let mut most = self.most(rng);
        let messages = self.messages.iter().take(6).map(|parts| {
            let message = Part::message(parts, most);
            most -= message.len();
            message
        });
        let messages: Vec<_> = messages.collect();
        let deflated = self.deflate(&messages, self.room, rng, lent);
        self.inflate_with_zlib(&messages, &deflated);
        if rng.clone().below(2) == 0 {
            lent.small = Small::new();
            self.inflate(&messages, &deflated, &mut lent.inflate, &mut lent.small);
        } else {
            *lent.fast = Fast::new();
            self.inflate(&messages, &deflated, &mut lent.inflate, &mut *lent.fast);
        }
        if rng.clone().below(4) == 0 {
            // The same pieces of input come from another state of chance, unless they are whole.
            if matches!(self.piece, Size::Whole | Size::Same(_)) {
                let whole = self.deflate(&messages, Size::Whole, rng, lent);
                assert!(whole == deflated, "the sizes of outputs change nothing, {self:?}");
            }
        }
    }

    fn deflate(&self, messages: &[Vec<u8>], room: Size, rng: &Rng, lent: &mut Lent) -> Vec<Vec<u8>> {
        let Lent { window, heads, links, tokens, work, out, .. } = lent;
        let (size, count) = (self.window(), self.heads());
        *work = Work::new();
        let memory = Memory {
            window: window.lend(size, 0xab),
            heads: heads.lend(count, 0xabab),
            links: links.lend(if count == 0 { 0 } else { size }, 0xabab),
            work,
            tokens: tokens.lend(self.tokens(), 0xab),
        };
        let mut deflater = Deflater::new(memory, self.effort()).expect("sizes that fit");
        if let Some(bits) = self.restart {
            // Behind a message that was not ended.
            let _ = deflater.deflate(&mut &b"unfinished, unfinished"[..], &mut out[..9], false);
            deflater.restart(bits);
        }
        let mut rng = rng.clone();
        let deflated = messages.iter().map(|message| {
            if !self.takeover {
                deflater.reset();
            }
            let deflated = self.message(message, room, &mut rng, &mut deflater, out);
            let most = self.bound(message.len());
            assert!(deflated.len() <= most, "{} bytes, {most} at most, {self:?}", deflated.len());
            deflated
        });
        let deflated = deflated.collect();
        window.assert_intact();
        heads.assert_intact();
        links.assert_intact();
        tokens.assert_intact();
        deflated
    }

    fn message(
        &self,
        message: &[u8],
        room: Size,
        rng: &mut Rng,
        deflater: &mut Deflater<'_>,
        out: &mut [u8],
    ) -> Vec<u8> {
        let (mut deflated, mut rest) = (Vec::with_capacity(message.len() / 2), message);
        let (mut size, mut is_same) = (0, false);
        loop {
            // What is left of a piece comes again, with more behind it, or less.
            if !is_same {
                size = self.piece.next(rng).min(rest.len());
            }
            let (mut piece, room) = (&rest[..size], room.next(rng));
            let end = size == rest.len();
            let progress = deflater.deflate(&mut piece, &mut out[..room], end);
            deflated.extend_from_slice(&out[..progress.written]);
            let taken = size - piece.len();
            (rest, size) = (&rest[taken..], piece.len());
            if progress.done {
                assert!(piece.is_empty(), "all of the input was taken, {self:?}");
                if end {
                    return deflated;
                }
            } else {
                let moved = progress.written > 0 || taken > 0 || room == 0;
                assert!(
                    moved,
                    "a call that is not done takes a byte, or writes one, or has no room, {self:?}"
                );
            }
            is_same = !progress.done && matches!(self.piece, Size::Whole | Size::Same(_));
        }
    }

    /// What the documentation of the deflater says.
    fn bound(&self, len: usize) -> usize {
        let (window, tokens) = (self.reach(), self.tokens());
        // Stored blocks of nine tenths of the smaller of the two, each with 5 bytes more, and what is around them.
        let block = (window.min(tokens) - 8) * 22 / 25;
        let most = len + len.div_ceil(block) * 5 + 3;
        if window >= 1024 && tokens >= 1024 { most.min(len + len * 6 / 1000 + 8) } else { most }
    }

    fn inflate_with_zlib(&self, messages: &[Vec<u8>], deflated: &[Vec<u8>]) {
        let mut zlib = Decompress::new(false);
        for (message, deflated) in messages.iter().zip(deflated) {
            assert!(!deflated.is_empty(), "an empty message is one byte (RFC 7692 7.2.3.6), {self:?}");
            assert!(!deflated.ends_with(&TAIL), "the tail is removed, {self:?}");
            let whole = [&deflated[..], &TAIL].concat();
            let mut out = Vec::with_capacity(message.len() + 64);
            let before = zlib.total_in();
            let result = zlib.decompress_vec(&whole, &mut out, FlushDecompress::Sync);
            assert!(result.is_ok(), "{result:?}, {self:?}");
            assert_eq!(zlib.total_in() - before, whole.len() as u64, "zlib takes all of it, {self:?}");
            assert!(out == *message, "zlib, {self:?}");
            if !self.takeover {
                zlib.reset(false);
            }
        }
    }

    /// In a window that has just the length agreed on.
    fn inflate<L: Layout>(
        &self,
        messages: &[Vec<u8>],
        deflated: &[Vec<u8>],
        window: &mut Guarded<u8>,
        tables: &mut L,
    ) {
        let mut inflater =
            Inflater::new(window.lend(self.reach() + L::SLACK, 0xab), tables).expect("a window");
        for (message, deflated) in messages.iter().zip(deflated) {
            if !self.takeover {
                inflater.reset();
            }
            let (mut rest, mut out) = (&deflated[..], Vec::with_capacity(message.len()));
            while !rest.is_empty() {
                let lent = inflater.inflate(&mut rest, usize::MAX);
                out.extend_from_slice(lent.unwrap_or_else(|error| panic!("{error}, {self:?}")));
            }
            while let Some(lent) =
                inflater.finish(usize::MAX).unwrap_or_else(|error| panic!("{error}, {self:?}"))
            {
                out.extend_from_slice(lent);
            }
            assert!(out == *message, "ours, {self:?}");
        }
        window.assert_intact();
    }
}
