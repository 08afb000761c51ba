//! The search for matches in the history (RFC 1951 4): by chains of equal hashes, or through the whole window. What is
//! done with a match is decided elsewhere.

use super::Effort;
use super::history::History;

/// Lengths that a match can have (RFC 1951 3.2.5).
pub(super) const LENGTH_MIN: usize = 3;
pub(super) const LENGTH_MAX: usize = 258;

/// Three bytes from farther away take more bits than as literals.
const FAR: usize = 4096;

/// From this length on, something longer is looked for with a quarter of the effort.
const GOOD: usize = 8;

/// After so many literals a match is looked for with half of the effort, after twice as many with a quarter, and so on;
/// at last with a 16th.
#[cfg(target_pointer_width = "64")]
const MISSES: u8 = 16;
#[cfg(target_pointer_width = "64")]
const HALVINGS_MAX: u8 = 4;

/// Bytes that are in the history already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) length: u16,
    pub(super) distance: u16,
}

impl Match {
    /// No match.
    pub(super) const NONE: Self = Self { length: 0, distance: 0 };
}

/// The literals since the latest match. On hosts only, where there is room for the code: what was compressed before, as a
/// PDF, takes half of the time so at [`Effort::NORMAL`], and becomes 0.1 % longer; pictures without compression 0.2 %.
#[derive(Clone, Copy)]
pub(super) struct Misses {
    #[cfg(target_pointer_width = "64")]
    literals: u8,
}

impl Misses {
    pub(super) const NONE: Self = Self {
        #[cfg(target_pointer_width = "64")]
        literals: 0,
    };

    /// One more.
    #[inline]
    pub(super) fn push(&mut self) {
        #[cfg(target_pointer_width = "64")]
        {
            self.literals = self.literals.saturating_add(1);
        }
    }

    /// What is left of the effort: never nothing, so that a match can be found again.
    #[inline]
    pub(super) fn reduce(self, effort: Effort) -> Effort {
        #[cfg(target_pointer_width = "64")]
        let effort = {
            let halvings = (self.literals / MISSES).min(HALVINGS_MAX);
            Effort { chain: effort.chain.div_ceil(1u16.wrapping_shl(halvings.into())), ..effort }
        };
        effort
    }
}

/// The longest match of what `input` begins with, if it is longer than `least`; of equal ones the nearest.
///
/// The work is bounded by [`Effort::chain`] comparisons, each of at most 258 bytes; without a table, by one look at each
/// byte of the window more.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(super) fn find(history: &History<'_>, input: &[u8], least: usize, effort: &Effort) -> Match {
    let input = input.get(..LENGTH_MAX).unwrap_or(input);
    let chain = if least >= GOOD { effort.chain.div_ceil(4) } else { effort.chain };
    let mut search = Search {
        history,
        input,
        found: Match::NONE,
        best: least.max(LENGTH_MIN.wrapping_sub(1)),
        nice: usize::from(effort.nice).min(input.len()),
        left: chain,
    };
    if search.best < input.len() {
        if history.has_table() {
            search.follow();
        } else {
            search.scan();
        }
    }
    search.found
}

struct Search<'s> {
    history: &'s History<'s>,
    input: &'s [u8],
    found: Match,
    /// The length that is to be exceeded; below that of `input` while the search goes on.
    best: usize,
    /// The length that is enough.
    nice: usize,
    /// Comparisons that may still be made.
    left: u16,
}

impl Search<'_> {
    /// Tries those with an equal hash, the nearest first.
    #[inline]
    fn follow(&mut self) {
        let bytes = match *self.input {
            [a, b, c, d, ..] => [a, b, c, d],
            [a, b, c] => [a, b, c, 0],
            _ => return,
        };
        let (three, mut distance) = self.history.candidates(bytes);
        if self.best < LENGTH_MIN
            && let Some(distance) = three
            && (1..=self.history.len()).contains(&distance)
        {
            if self.is_enough(distance, self.history.index(distance)) {
                return;
            }
            self.left = self.left.saturating_sub(1);
        }
        let mut last = 0;
        // What leads back to newer bytes is of a time that was overwritten.
        while distance > last && distance <= self.history.len() && self.left > 0 {
            let index = self.history.index(distance);
            if self.is_enough(distance, index) {
                return;
            }
            self.left = self.left.wrapping_sub(1);
            last = distance;
            distance = self.history.next_candidate(index);
        }
    }

    /// Tries all of the window that has the first two bytes, the nearest first.
    #[inline]
    fn scan(&mut self) {
        let [first, second, ..] = *self.input else { return };
        let (newer, older) = self.history.parts();
        // The byte behind the one looked at; behind the newest it is the input.
        let mut next = first;
        let mut nearer = 0usize;
        for part in [newer, older] {
            let unknown = nearer.wrapping_add(part.len()).saturating_sub(self.history.len());
            let mut part = part.get(unknown..).unwrap_or_default();
            let farthest = nearer.wrapping_add(part.len());
            while let Some((byte, rest)) = part.split_last() {
                if *byte == first && next == second {
                    let distance = farthest.wrapping_sub(rest.len());
                    if self.is_enough(distance, self.history.index(distance)) || self.left <= 1 {
                        return;
                    }
                    self.left = self.left.wrapping_sub(1);
                }
                (part, next) = (rest, *byte);
            }
            nearer = farthest;
        }
    }

    /// Keeps the match at `distance`, which is at `index`, if it is the best so far; `true` if there is no need of a better.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    fn is_enough(&mut self, distance: usize, index: usize) -> bool {
        let length = self.length(distance, index);
        if length <= self.best || (length == LENGTH_MIN && distance > FAR) {
            return false;
        }
        self.best = length;
        self.found = Match { length: length as u16, distance: distance as u16 };
        length >= self.nice
    }

    /// Its length; or something that is too short, if one look shows that it will be.
    #[inline(always)]
    fn length(&self, distance: usize, index: usize) -> usize {
        #[cfg(target_pointer_width = "64")]
        if distance >= self.input.len()
            && let Some(source) = self.history.window().get(index..index.wrapping_add(self.input.len()))
        {
            // Most are of one piece.
            let end = |bytes: &[u8]| {
                bytes.get(self.best.wrapping_sub(1)..).and_then(|end| end.first_chunk::<2>().copied())
            };
            return if end(source) == end(self.input) { common(source, self.input) } else { 0 };
        }
        let there = match self.best.checked_sub(distance) {
            Some(nth) => self.input.get(nth).copied(),
            None => Some(self.history.byte(distance.wrapping_sub(self.best))),
        };
        if there == self.input.get(self.best).copied() { self.whole_length(distance, index) } else { 0 }
    }

    /// The source is in the window up to its end, then from its beginning on, and then it is the input itself.
    fn whole_length(&self, distance: usize, index: usize) -> usize {
        let (window, in_window) = (self.history.window(), self.input.get(..distance).unwrap_or(self.input));
        let first = window.get(index..).unwrap_or_default();
        let mut length = common(first, in_window);
        if length == first.len() {
            length = length.wrapping_add(common(window, in_window.get(length..).unwrap_or_default()));
        }
        if length == distance {
            length = length.wrapping_add(common(self.input, self.input.get(length..).unwrap_or_default()));
        }
        length
    }
}

/// How many bytes both begin with.
#[cfg_attr(target_pointer_width = "64", inline(always))]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn common(a: &[u8], b: &[u8]) -> usize {
    #[cfg(target_pointer_width = "64")]
    {
        let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        let mut length = 0usize;
        for (a, b) in a_words.iter().zip(b_words) {
            let unequal = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            if unequal != 0 {
                return length.wrapping_add((unequal.trailing_zeros() >> 3) as usize);
            }
            length = length.wrapping_add(8);
        }
        if a_words.len() == b_words.len() {
            return length.wrapping_add(common_bytes(a_rest, b_rest));
        }
    }
    common_bytes(a, b)
}

#[inline]
fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    let mut length = 0usize;
    for (a, b) in a.iter().zip(b) {
        if a != b {
            break;
        }
        length = length.wrapping_add(1);
    }
    length
}
