//! [`compare`]: a stream through the inflater, in either layout, cut anywhere, and through zlib: the same bytes, up to the most that a
//! message may have, and the same verdict; every call makes progress, nothing beside the memory lent is written, nothing behind an error is
//! lent.
//!
//! What is different from zlib, and meant to be:
//!
//! | | ours | zlib | who is right |
//! | --- | --- | --- | --- |
//! | behind a final block | goes on with the next block, with the history of all | is at its end | RFC 7692 7.2.3.4, 7.2.3.5: blocks may follow in a message, and messages do. Here zlib is begun anew there, and told the history |
//! | a message that ends inside of a block, with its tail | is an error | waits | RFC 7692 7.2.2: what is not whole is not a message |
//! | a message that ends where a block does, and a byte, and lacks the header of the empty one, as if its tail had not been removed | is whole | waits for the lengths of a stored block once the tail has come | RFC 7692 7.2.1 has senders remove the tail, so both may be; nothing else can be meant |
//! | a code-length code without a single code | is an error at once | at the first code that lacks a symbol, or the end of the block's header | the same verdict, but earlier: no code lengths can follow (RFC 1951 3.2.7) |
//! | a distance beyond a window of less than 15 bits | is an error | is served: its port has one window | RFC 7692 7.1.2.1, 7.1.2.2: what is farther back need not be kept. Here the stream is read once more, for its distances |

use std::cell::RefCell;

use ws_core::deflate::{Fast, InflateError, Inflater, Layout, Small, TAIL};

use super::zlib::{End, Zlib};
use super::{Cuts, Guarded, Rng};

/// The most that is inflated of a message: more than the largest window, and it goes round.
const MOST: usize = 70_000;
/// What is in a window that was not written.
const UNWRITTEN: u8 = 0xaa;
const GUARD: u8 = 0xca;

struct Memory {
    window: Guarded<u8>,
    small: Small,
    fast: Box<Fast>,
    out: Vec<u8>,
    zlib: Zlib,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::new(Memory {
        window: Guarded::new(32_768 + Fast::SLACK, GUARD),
        small: Small::new(),
        fast: Box::new(Fast::new()),
        out: Vec::with_capacity(2 * MOST),
        zlib: Zlib::new(2 * MOST + 64),
    });
}

/// Compares what the two make of the payload of a message, which is at times sent twice.
pub(crate) fn compare(data: &[u8]) {
    let mut rng = Rng::of(data);
    let setup = Setup {
        is_fast: rng.below(2) == 0,
        bits: 8 + rng.below(8) as u8,
        messages: if rng.below(4) == 0 { 2 } else { 1 },
        limit: match rng.below(32) {
            0 => MOST - 1,
            n => [0, 1, 100, 300, 1000, 2000, 3000, 4000][n % 8],
        },
        most: [1, 7, 300, usize::MAX, usize::MAX, usize::MAX][rng.below(6)],
        cuts: Cuts::of(data),
    };
    MEMORY.with_borrow_mut(|memory| setup.check(data, memory));
}

/// How a message ended.
type Verdict = Result<Whole, InflateError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    Yes,
    /// It is longer than the limit.
    No,
}

#[derive(Debug)]
struct Setup {
    is_fast: bool,
    /// Of the window.
    bits: u8,
    /// How often the message is sent, with takeover.
    messages: usize,
    /// What a message may inflate to.
    limit: usize,
    /// What one call may lend.
    most: usize,
    cuts: Cuts,
}

impl Setup {
    fn check(&self, data: &[u8], memory: &mut Memory) {
        let Memory { window, small, fast, out, zlib } = memory;
        out.clear();
        let verdicts = if self.is_fast {
            **fast = Fast::new();
            self.inflate(data, window, &mut **fast, out)
        } else {
            *small = Small::new();
            self.inflate(data, window, small, out)
        };
        // The stream of all messages up to the one that is judged, and what it comes to.
        let (mut stream, mut start) = (Vec::with_capacity(2 * data.len() + 64), 0);
        for (len, verdict) in verdicts {
            stream.extend_from_slice(data);
            if self.judge(&stream, &out[..start + len], verdict, start + self.limit + 1, zlib) {
                stream.extend_from_slice(&TAIL);
            }
            start += len;
        }
    }

    /// What the messages come to, each with the number of its bytes in `out`; none behind one that is not whole.
    fn inflate<L: Layout>(
        &self,
        data: &[u8],
        memory: &mut Guarded<u8>,
        tables: &mut L,
        out: &mut Vec<u8>,
    ) -> Vec<(usize, Verdict)> {
        let mut verdicts = Vec::with_capacity(2);
        let window = memory.lend((1 << self.bits) + L::SLACK, UNWRITTEN);
        let mut inflater = Inflater::new(window, tables).expect("a window");
        for _ in 0..self.messages {
            let start = out.len();
            let verdict = self.message(data, &mut inflater, out);
            verdicts.push((out.len() - start, verdict));
            if verdict != Ok(Whole::Yes) {
                break;
            }
        }
        // It is as good as new, whatever happened to it.
        inflater.reset();
        let mut hello: &[u8] = b"\x00\x05\x00\xfa\xffHello\x00";
        let lent = inflater.inflate(&mut hello, usize::MAX);
        assert!(lent == Ok(b"Hello") && hello.is_empty(), "{lent:?}, {self:?}");
        memory.assert_intact();
        // What does not fit the limit does not exist, but for one byte, and what a step of a copy goes too far.
        let behind = memory.lent().get(out.len().max(5) + L::SLACK..).unwrap_or_default();
        let behind = &behind[..behind.len().min(300)];
        assert!(behind == &[UNWRITTEN; 300][..behind.len()], "written behind the output, {self:?}");
        verdicts
    }

    fn message<L: Layout>(&self, data: &[u8], inflater: &mut Inflater<'_, L>, out: &mut Vec<u8>) -> Verdict {
        let mut room = self.limit + 1;
        let (mut rest, mut cuts) = (data, self.cuts.clone());
        let (mut calls, mut pieces) = (0, 0);
        let mut step = |bytes: &[u8], taken: usize, most: usize, room: &mut usize, idle: &mut usize| {
            assert!(bytes.len() <= most, "{} bytes are more than {most}, {self:?}", bytes.len());
            out.extend_from_slice(bytes);
            *room -= bytes.len();
            *idle = if bytes.is_empty() && taken == 0 { *idle + 1 } else { 0 };
        };
        let verdict = 'end: {
            while !rest.is_empty() {
                let mut piece = cuts.next(&mut rest);
                pieces += 1;
                let mut idle = 0;
                while !piece.is_empty() {
                    let (before, most) = (piece.len(), self.most.min(room));
                    calls += 1;
                    match inflater.inflate(&mut piece, most) {
                        Ok(bytes) => step(bytes, before - piece.len(), most, &mut room, &mut idle),
                        Err(error) => break 'end Err(error),
                    }
                    if room == 0 {
                        break 'end Ok(Whole::No);
                    }
                    assert!(idle < 2, "a call takes a byte, or lends one, or the next does, {self:?}");
                }
            }
            let mut idle = 0;
            loop {
                let most = self.most.min(room);
                calls += 1;
                match inflater.finish(most) {
                    Ok(Some(bytes)) => step(bytes, 0, most, &mut room, &mut idle),
                    Ok(None) => break 'end Ok(Whole::Yes),
                    Err(error) => break 'end Err(error),
                }
                if room == 0 {
                    break 'end Ok(Whole::No);
                }
                assert!(idle < 4, "the end of a message comes, {self:?}");
            }
        };
        if let Err(error) = verdict {
            assert_eq!(inflater.inflate(&mut &data[..], 9), Err(error), "once is for all, {self:?}");
            assert_eq!(inflater.finish(9), Err(error), "once is for all, {self:?}");
        }
        // Beside those that lend all they may, calls end with a piece, at the end of the window, and before a second set of tables,
        // which takes 2 bytes at least.
        let lent = self.limit + 1 - room;
        let bound = 2 * pieces + lent / self.most + lent / (1 << self.bits) + data.len() / 2 + 8;
        assert!(calls <= bound, "{calls} calls, {bound} at most, {self:?}");
        verdict
    }

    /// Compares with zlib what a stream without its tail came to; tells whether it needed the tail.
    fn judge(&self, stream: &[u8], out: &[u8], verdict: Verdict, limit: usize, zlib: &mut Zlib) -> bool {
        let end = zlib.inflate(stream, limit, self.bits);
        if end != End::Pending {
            self.agree(out, verdict, zlib.out(), end);
            return false;
        }
        if zlib.is_between_blocks(stream, limit) {
            zlib.inflate(stream, limit, self.bits);
            self.agree(out, verdict, zlib.out(), End::Final);
            return false;
        }
        let with_tail = [stream, &TAIL].concat();
        let end = zlib.inflate(&with_tail, limit, self.bits);
        if end != End::Pending {
            self.agree(out, verdict, zlib.out(), end);
        } else if matches!(verdict, Err(InflateError::Truncated) | Ok(Whole::Yes)) {
            self.agree(out, Ok(Whole::Yes), zlib.out(), End::Final);
            let is_whole = zlib.is_between_blocks(&with_tail, limit);
            assert_eq!(verdict.is_ok(), is_whole, "{self:?}");
        } else {
            // A code-length code without a single code: refused by zlib too, whatever comes.
            for more in [0, 0xff] {
                let end = zlib.inflate(&[&with_tail[..], &[more; 48]].concat(), limit, self.bits);
                self.agree(out, verdict, zlib.out(), end);
            }
        }
        true
    }

    /// The output is the same, and the verdict.
    fn agree(&self, out: &[u8], verdict: Verdict, expected: &[u8], end: End) {
        let same = out.iter().zip(expected).take_while(|(a, b)| a == b).count();
        let lens = (out.len(), expected.len());
        assert!(out == expected, "{verdict:?}, {end:?}: {lens:?} bytes, the first {same} alike, {self:?}");
        let expected = match end {
            End::Full => Ok(Whole::No),
            End::Final => Ok(Whole::Yes),
            End::Data => Err(InflateError::Data),
            End::Distance => Err(InflateError::Distance),
            End::Refused if verdict == Err(InflateError::Distance) => verdict,
            End::Refused => Err(InflateError::Data),
            End::Pending => Err(InflateError::Truncated),
        };
        assert_eq!(verdict, expected, "{self:?}");
    }
}
