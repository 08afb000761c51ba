//! The window as a ring: what is inflated is written into it, lent out of it, and read again by matches. Knows bytes and
//! distances, no codes.

use core::cell::Cell;

/// Where output goes and history is.
pub struct Window<'w> {
    bytes: &'w mut [u8],
    /// Where the next byte goes.
    at: usize,
    /// The farthest distance that this window serves.
    reach: usize,
    /// All of it was written since the last reset.
    full: bool,
}

impl<'w> Window<'w> {
    /// `None` if there is nothing but `slack`, the bytes that a loop may write past its end.
    pub(super) fn new(bytes: &'w mut [u8], slack: usize) -> Option<Self> {
        let reach = bytes.len().checked_sub(slack).filter(|reach| *reach != 0)?;
        Some(Self { bytes, at: 0, reach, full: false })
    }

    /// The same of more bytes than that.
    pub(super) fn over(bytes: &'w mut [u8], slack: usize) -> Self {
        let reach = bytes.len().wrapping_sub(slack);
        Self { bytes, at: 0, reach, full: false }
    }

    /// Forgets the history.
    pub(super) fn reset(&mut self) {
        (self.at, self.full) = (0, false);
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Makes room for at least one byte; tells where output begins.
    #[inline]
    pub(super) fn begin(&mut self) -> usize {
        if self.at >= self.bytes.len() {
            (self.at, self.full) = (0, true);
        }
        self.at
    }

    /// What was written since [`begin`](Self::begin) returned `start`.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &[u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// How far back the history goes.
    #[inline]
    pub(super) fn history(&self) -> usize {
        if self.full { self.reach } else { self.reach.min(self.at) }
    }

    #[inline]
    pub(super) fn put(&mut self, byte: u8) {
        if let Some(to) = self.bytes.get_mut(self.at) {
            *to = byte;
            self.at = self.at.wrapping_add(1);
        }
    }

    /// Writes bytes of a stored block, up to `end`; tells how many.
    pub(super) fn put_all(&mut self, bytes: &[u8], end: usize) -> usize {
        let room = self.bytes.get_mut(self.at..end).unwrap_or_default();
        let n = crate::bytes::copy(room, bytes);
        self.at = self.at.wrapping_add(n);
        n
    }

    /// Repeats up to `length` bytes from `distance` back, which [`history`](Self::history) has; tells how many: fewer where
    /// `end` is, or the end of the ring between them and those before.
    pub(super) fn repeat(&mut self, distance: usize, length: usize, end: usize) -> usize {
        let room = self.bytes.len();
        let from = match self.at.checked_sub(distance) {
            Some(from) => from,
            None => self.at.wrapping_add(room).wrapping_sub(distance),
        };
        // What is written may be read again in the same match: both have to be the same memory, and the order counts.
        let bytes = Cell::from_mut(&mut *self.bytes).as_slice_of_cells();
        let from = bytes.get(from..).unwrap_or_default();
        let to = bytes.get(self.at..end).unwrap_or_default();
        let n = length.min(from.len()).min(to.len());
        for (to, from) in to.iter().zip(from).take(n) {
            to.set(from.get());
        }
        self.at = self.at.wrapping_add(n);
        n
    }

    /// For a loop that writes by itself: the ring, where it writes, how far back it may reach, and all ones if the ring was
    /// full before: else no farther than to its beginning.
    #[inline]
    pub(super) fn parts(&mut self) -> (&mut [u8], usize, usize, usize) {
        let full = if self.full { usize::MAX } else { 0 };
        (self.bytes, self.at, self.reach, full)
    }

    #[inline]
    pub(super) fn set_at(&mut self, at: usize) {
        self.at = at;
    }
}
