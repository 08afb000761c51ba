//! [`Input`]: bytes that were read, and are being decoded.

/// Bytes just read from the transport; they go away from the front as they are decoded.
///
/// What is decoded is handed out with the lifetime of the *buffer*, so an event, the rest of the input and the
/// connection can all be used at the same time.
///
/// How to size the buffer: any size works, one byte included. A few kilobytes make a good read; nothing has to fit
/// into it whole.
#[derive(Debug)]
pub struct Input<'b> {
    rest: &'b mut [u8],
    len: usize,
}

impl<'b> Input<'b> {
    /// The bytes of one read. They are decoded in place: payload is unmasked where it lies.
    #[inline]
    pub fn new(bytes: &'b mut [u8]) -> Self {
        let len = bytes.len();
        Self { rest: bytes, len }
    }

    /// Everything was decoded: time to read again.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes have been decoded since [`new`](Self::new).
    #[inline]
    pub fn consumed(&self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    /// What has not been decoded yet.
    #[inline]
    pub fn rest(&self) -> &[u8] {
        self.rest
    }

    /// Takes out all that has not been decoded, with the buffer's lifetime: for bytes that belong to another
    /// protocol.
    #[inline]
    pub fn take_rest(&mut self) -> &'b mut [u8] {
        core::mem::take(&mut self.rest)
    }

    /// The first `n` bytes, to be changed where they lie; all of them if there are fewer.
    #[inline]
    pub(crate) fn front_mut(&mut self, n: usize) -> &mut [u8] {
        let n = n.min(self.rest.len());
        self.rest.get_mut(..n).unwrap_or_default()
    }

    /// Takes `n` bytes off the front; all of them if there are fewer.
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> &'b mut [u8] {
        let rest = self.take_rest();
        let n = n.min(rest.len());
        let (head, tail) = rest.split_at_mut_checked(n).unwrap_or_default();
        self.rest = tail;
        head
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Input<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Input({} of {} B left)", self.rest.len(), self.len);
    }
}
