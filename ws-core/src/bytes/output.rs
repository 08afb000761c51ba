//! [`Output`]: a place to encode into.

use super::copy;
use core::cell::Cell;

/// A place the caller lends to write into; [`filled`](Self::filled) is what must go to the transport, after
/// which [`clear`](Self::clear) makes the room free again.
///
/// How to size the buffer: a server needs at least 3 bytes for a frame that carries anything, a client 7; what
/// does not fit goes out in more frames. A few kilobytes make a good write.
#[derive(Debug)]
pub struct Output<'o> {
    buf: &'o mut [u8],
    len: usize,
}

impl<'o> Output<'o> {
    /// An empty output over `buf`.
    #[inline]
    pub fn new(buf: &'o mut [u8]) -> Self {
        Self { buf, len: 0 }
    }

    /// The bytes written so far.
    #[inline]
    pub fn filled(&self) -> &[u8] {
        self.buf.get(..self.len).unwrap_or(&[])
    }

    /// Nothing was written since [`clear`](Self::clear).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that still fit.
    #[inline]
    pub fn space(&self) -> usize {
        self.buf.len().saturating_sub(self.len)
    }

    /// Bytes that fit in all.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// Forgets what was written: it has gone to the transport.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Writes as much of `bytes` as fits and says how much: for bytes of the caller's own, such as the body behind
    /// a response head.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        let n = copy(self.buf.get_mut(self.len..).unwrap_or_default(), bytes);
        self.len = self.len.saturating_add(n);
        n
    }

    /// Writes a few bytes, masked with `key`, as far as they fit: one by one and without a call, as the stack may be deep
    /// already.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn put_few(&mut self, bytes: &[u8], mut key: u32) {
        for byte in bytes {
            self.put_one(byte ^ key as u8);
            key = key.rotate_right(8);
        }
    }

    /// Writes a byte; `false`: there is no room for it.
    #[inline]
    pub(crate) fn put_one(&mut self, byte: u8) -> bool {
        let Some(to) = self.buf.get_mut(self.len) else { return false };
        *to = byte;
        self.len = self.len.saturating_add(1);
        true
    }

    /// Writes two bytes, if there is room for them: what most headers are, and cheaper than a copy.
    #[inline]
    pub(crate) fn put_two(&mut self, a: u8, b: u8) {
        if let Some([x, y, ..]) = self.buf.get_mut(self.len..) {
            (*x, *y) = (a, b);
            self.len = self.len.saturating_add(2);
        }
    }

    /// The room behind what was written.
    pub(crate) fn spare_mut(&mut self) -> &mut [u8] {
        self.buf.get_mut(self.len..).unwrap_or_default()
    }

    /// Moves `len` bytes of the room, not many, to a place before theirs in it.
    pub(crate) fn move_spare(&mut self, from: usize, to: usize, len: usize) {
        let room = Cell::from_mut(self.spare_mut()).as_slice_of_cells();
        let (from, to) = (room.get(from..).unwrap_or_default(), room.get(to..).unwrap_or_default());
        for (from, to) in from.iter().zip(to).take(len) {
            to.set(from.get());
        }
    }

    /// Counts `n` bytes of the room as written.
    pub(crate) fn fill(&mut self, n: usize) {
        self.len = self.len.saturating_add(n).min(self.buf.len());
    }

    /// The last `n` bytes written, to be masked in place.
    #[inline]
    pub(crate) fn tail_mut(&mut self, n: usize) -> &mut [u8] {
        self.buf.get_mut(self.len.saturating_sub(n)..self.len).unwrap_or_default()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Output<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Output({} of {} B filled)", self.len, self.buf.len());
    }
}
