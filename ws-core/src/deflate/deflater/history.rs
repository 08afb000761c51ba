//! The bytes that a match may refer to: a ring that the caller lends, and where in it which hash was seen. It holds no byte
//! that is still to be compressed, so all of it is history. Searching it is in `search`.
//!
//! Positions have 16 bits and go round. What the table says of a position that was overwritten, or forgotten, needs
//! no clearing: whoever searches compares the bytes.

use super::codes;

/// On hosts and from so many heads on, half of them are for the latest place of three bytes, and chains are of four: they
/// are shorter, and all of them are worth a look. With few heads, the few chains had better be all of three.
#[cfg(target_pointer_width = "64")]
const HEADS_FOR_BOTH: usize = 2048;

/// Bytes that enter the table together.
const HASHED: usize = 4;

pub(super) struct History<'m> {
    window: &'m mut [u8],
    heads: &'m mut [u16],
    links: &'m mut [u16],
    /// Where in the window the next byte goes.
    at: usize,
    /// How far back it is known.
    len: usize,
    /// How far back it may be known: what a peer agreed on may be less than there is memory for.
    reach: usize,
    /// Of the next byte.
    position: u16,
    /// How far a product is shifted to be a hash.
    shift: u8,
    /// How many of the latest bytes are not in the table yet, for want of those behind them.
    behind: u8,
}

impl<'m> History<'m> {
    /// Of memory that was checked.
    pub(super) fn new(window: &'m mut [u8], heads: &'m mut [u16], links: &'m mut [u16]) -> Self {
        let reach = window.len();
        let mut history =
            Self { window, heads, links, at: 0, len: 0, reach, position: 0, shift: 0, behind: 0 };
        let chained = history.heads.len().wrapping_sub(history.first_chain());
        history.shift = 32u8.wrapping_sub(codes::log2(chained as u16));
        history
    }

    /// The first head of the chains; those below it are for three bytes.
    #[inline]
    fn first_chain(&self) -> usize {
        #[cfg(target_pointer_width = "64")]
        if self.heads.len() >= HEADS_FOR_BOTH {
            return self.heads.len() / 2;
        }
        0
    }

    /// Forgets everything. Bytes that are entered in the table later on are too far back by then.
    pub(super) fn reset(&mut self) {
        self.len = 0;
    }

    /// The same for another peer, and from now on nothing is known that is farther back than `2^bits` bytes.
    pub(super) fn restart(&mut self, bits: u8) {
        self.reset();
        self.behind = 0;
        self.reach = self.window.len().min(1usize.checked_shl(bits.into()).unwrap_or(usize::MAX));
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that there may be.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.window.len()
    }

    #[inline]
    pub(super) fn has_table(&self) -> bool {
        !self.heads.is_empty()
    }

    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        self.window
    }

    /// The window, cut where the next byte goes: the newer bytes, and the older ones.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        self.window.split_at_checked(self.at).unwrap_or_default()
    }

    /// Where the byte `distance` back is.
    #[inline]
    pub(super) fn index(&self, distance: usize) -> usize {
        match self.at.checked_sub(distance) {
            Some(index) => index,
            None => self.at.wrapping_add(self.window.len()).wrapping_sub(distance),
        }
    }

    /// The byte `distance` back.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    pub(super) fn byte(&self, distance: usize) -> u8 {
        self.window.get(self.index(distance)).copied().unwrap_or_default()
    }

    /// How far back the same three bytes as these were latest, if there are heads for that; and how far the first of the
    /// chain.
    #[inline]
    pub(super) fn candidates(&self, bytes: [u8; HASHED]) -> (Option<usize>, usize) {
        let (three, chain) = self.slots(bytes);
        let distance = |slot| self.distance(self.heads.get(slot).copied().unwrap_or_default());
        (three.map(distance), distance(chain))
    }

    /// How far back is what the chain has behind the byte at `index`.
    #[inline]
    pub(super) fn next_candidate(&self, index: usize) -> usize {
        self.distance(self.links.get(index).copied().unwrap_or_default())
    }

    #[inline]
    fn distance(&self, position: u16) -> usize {
        self.position.wrapping_sub(position).into()
    }

    /// Where the table has three bytes and the chain of four, or only the chain of three.
    #[inline]
    fn slots(&self, bytes: [u8; HASHED]) -> (Option<usize>, usize) {
        let four = u32::from_le_bytes(bytes);
        let three = self.hash(four.wrapping_shl(8));
        match self.first_chain() {
            0 => (None, three),
            first => (Some(three), first.wrapping_add(self.hash(four))),
        }
    }

    /// The highest bits of a product with the golden ratio.
    #[inline]
    fn hash(&self, bytes: u32) -> usize {
        bytes.wrapping_mul(0x9e37_79b1).wrapping_shr(self.shift.into()) as usize
    }

    /// Moves a byte from the front of `input` into the history. Where that is a new piece, [`catch_up`](Self::catch_up) comes
    /// first.
    #[inline]
    pub(super) fn consume(&mut self, input: &mut &[u8]) {
        let Some((&byte, rest)) = input.split_first() else { return };
        match input.first_chunk() {
            Some(bytes) if self.behind == 0 => self.insert(*bytes, 0),
            _ => self.behind = self.behind.wrapping_add(1),
        }
        *input = rest;
        if let Some(to) = self.window.get_mut(self.at) {
            *to = byte;
        }
        self.at = self.at.wrapping_add(1);
        if self.at >= self.window.len() {
            self.at = 0;
        }
        self.position = self.position.wrapping_add(1);
        if self.len < self.reach {
            self.len = self.len.wrapping_add(1);
        }
    }

    /// Enters the latest bytes of an earlier piece of input, as far as those behind them are known now.
    pub(super) fn catch_up(&mut self, input: &[u8]) {
        while self.behind > 0 && usize::from(self.behind).saturating_add(input.len()) >= HASHED {
            let behind = usize::from(self.behind);
            let bytes = core::array::from_fn(|nth| match behind.checked_sub(nth) {
                Some(distance @ 1..) => self.byte(distance),
                _ => input.get(nth.wrapping_sub(behind)).copied().unwrap_or_default(),
            });
            self.insert(bytes, behind);
            self.behind = self.behind.wrapping_sub(1);
        }
    }

    /// Enters the byte `distance` back, or with 0 the next one, which these begin with.
    #[inline]
    fn insert(&mut self, bytes: [u8; HASHED], distance: usize) {
        let position = self.position.wrapping_sub(distance as u16);
        let (three, chain) = self.slots(bytes);
        let index = self.index(distance);
        if let Some(head) = three.and_then(|slot| self.heads.get_mut(slot)) {
            *head = position;
        }
        if let Some(head) = self.heads.get_mut(chain)
            && let Some(link) = self.links.get_mut(index)
        {
            *link = *head;
            *head = position;
        }
    }
}
