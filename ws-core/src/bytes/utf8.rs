//! UTF-8 checked in pieces: [`Utf8`] stands between two bytes of a text and accepts the next ones (RFC 3629).

/// ASCII runs of this length are skipped in text that is not all ASCII.
const PART: usize = 64;

/// Where a UTF-8 decoder stands between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) struct Utf8(u8);

impl Utf8 {
    pub(crate) const START: Self = Self(0);

    /// Nothing is missing: the text may end here.
    #[inline]
    pub(crate) const fn is_complete(self) -> bool {
        self.0 == 0
    }

    /// Feeds `text`; `Some` is the index of the first byte that no valid text could have there.
    #[inline(never)] // out of the way of ASCII
    pub(crate) fn check(&mut self, text: &[u8]) -> Option<usize> {
        let mut at = 0usize;
        for part in text.chunks(PART) {
            if !(self.is_complete() && part.is_ascii())
                && let Some(i) = self.feed(part)
            {
                return Some(at.saturating_add(i));
            }
            at = at.saturating_add(PART);
        }
        None
    }

    #[inline]
    #[cfg_attr(
        target_pointer_width = "64",
        expect(clippy::indexing_slicing, reason = "a table of 256 by a byte: cannot be out of bounds")
    )]
    fn feed(&mut self, part: &[u8]) -> Option<usize> {
        #[cfg(target_pointer_width = "64")]
        {
            let start = u64::from(self.0) * 6;
            let end = part.iter().fold(start, |s, b| STEPS[usize::from(*b)] >> (s & 63));
            let end = (end & 63) as u8 / 6;
            if end != BAD {
                self.0 = end;
                return None;
            } // else look for the byte
        }
        part.iter().position(|b| {
            self.0 = step(self.0, *b);
            self.0 == BAD
        })
    }
}

/// The state no byte leads out of.
const BAD: u8 = 8;

/// The decoder, RFC 3629's table. States 1 to 3 await that many continuation bytes; 4 to 7 await the second byte
/// after E0, ED, F0 and F4, whose range is narrower.
const fn step(state: u8, byte: u8) -> u8 {
    match (state, byte) {
        (0, 0..=0x7f) => 0,
        (0, 0xc2..=0xdf) => 1,
        (0, 0xe0) => 4,
        (0, 0xed) => 5,
        (0, 0xe1..=0xef) => 2,
        (0, 0xf0) => 6,
        (0, 0xf1..=0xf3) => 3,
        (0, 0xf4) => 7,
        (2, 0x80..=0xbf) | (4, 0xa0..=0xbf) | (5, 0x80..=0x9f) => 1,
        (3, 0x80..=0xbf) | (6, 0x90..=0xbf) | (7, 0x80..=0x8f) => 2,
        (1, 0x80..=0xbf) => 0,
        _ => BAD,
    }
}

/// [`step`] for all states at once, six bits each: the next state is a load that depends on the byte alone, and
/// a shift. A chain of those runs at about a cycle a byte, whatever the text. Worth its 2 KiB where caches are.
#[cfg(target_pointer_width = "64")]
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static STEPS: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut state = 0;
        while state <= BAD {
            table[byte] |= (step(state, byte as u8) as u64 * 6) << (state * 6);
            state += 1;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::thin;

    /// The index of the first byte that cannot be, and whether the text may end: by the standard library.
    fn oracle(text: &[u8]) -> (Option<usize>, bool) {
        let bad = (0..text.len())
            .find(|n| core::str::from_utf8(&text[..=*n]).is_err_and(|e| e.error_len().is_some()));
        (bad, core::str::from_utf8(text).is_ok())
    }

    fn agrees(text: &[u8]) {
        let mut state = Utf8::START;
        let bad = state.check(text);
        assert_eq!((bad, bad.is_none() && state.is_complete()), oracle(text), "{text:x?}");
    }

    #[test]
    fn every_string_of_up_to_two_bytes_and_every_lead_with_edges() {
        const EDGES: [u8; 15] =
            [0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf4, 0xff];
        agrees(b"");
        for a in thin(0..=255, 11) {
            agrees(&[a]);
            for b in thin(0..=255, 101) {
                agrees(&[a, b]);
                for c in EDGES {
                    agrees(&[a, b, c]);
                }
            }
            for b in thin(EDGES, 5) {
                for c in thin(EDGES, 5) {
                    for d in EDGES {
                        agrees(&[a, b, c, d]);
                    }
                }
            }
        }
    }

    /// A text that leads to each state.
    const BEFORE: [&[u8]; BAD as usize] =
        [b"", b"\xc3", b"\xe1", b"\xf1", b"\xe0", b"\xed", b"\xf0", b"\xf4"];

    /// Each state is reached, none but those is, and out of each one all bytes lead where the standard library says.
    #[test]
    fn every_byte_in_every_state() {
        for (state, before) in (0..BAD).zip(BEFORE) {
            let mut reached = Utf8::START;
            assert_eq!((reached.check(before), reached), (None, Utf8(state)), "{before:x?}");
            for byte in thin(0..=255, 31) {
                agrees(&[before, &[byte]].concat());
                // What comes behind it tells states apart that would take the same bytes next.
                let behind = BEFORE.iter().flat_map(|text| [&text[..], b"\x80", b"\x90", b"\xa0"]);
                for behind in thin(behind, 2) {
                    for last in [&b"a"[..], b"\x80", b"\x80\x80"] {
                        agrees(&[before, &[byte], behind, last].concat());
                    }
                }
                let next = step(state, byte);
                assert!(next <= BAD);
                #[cfg(target_pointer_width = "64")]
                assert_eq!(STEPS[usize::from(byte)] >> (state * 6) & 63, u64::from(next) * 6);
            }
        }
        assert!((0..=255).all(|byte| step(BAD, byte) == BAD));
    }

    #[test]
    fn the_index_is_right_behind_parts_of_ascii() {
        for n in [0, 1, 63, 64, 65, 128, 500] {
            let mut text = vec![b'a'; n];
            text.extend("é😀".bytes());
            text.extend([0xff, b'b']);
            agrees(&text);
            for cut in thin(0..text.len(), 40) {
                let mut state = Utf8::START;
                let (a, b) = text.split_at(cut);
                let bad = state.check(a).or_else(|| state.check(b).map(|i| i + cut));
                assert_eq!(bad, Some(n + 6));
            }
        }
    }
}
