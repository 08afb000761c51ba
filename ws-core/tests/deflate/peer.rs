//! The ends that read: zlib, and our own decompressor in both layouts.

use flate2::{Decompress, FlushDecompress};
use ws_core::deflate::{Fast, Inflater, Layout, Small, TAIL};

/// Everybody who may have to read what was written for a window of some size, kept from message to message.
pub(crate) struct Readers<'w> {
    zlib: Decompress,
    small: Inflater<'w, Small>,
    fast: Inflater<'w, Fast>,
}

/// What they work in.
pub(crate) struct Windows {
    small: (Vec<u8>, Small),
    fast: (Vec<u8>, Fast),
    bits: u8,
}

impl Windows {
    /// For a window of just so many bytes.
    pub(crate) fn new(window: usize) -> Self {
        let bits = window.next_power_of_two().trailing_zeros() as u8;
        Self {
            small: (vec![0; window], Small::new()),
            fast: (vec![0; window + Fast::SLACK], Fast::new()),
            bits: bits.max(9), // zlib has no less
        }
    }

    pub(crate) fn readers(&mut self) -> Readers<'_> {
        Readers {
            zlib: Decompress::new_with_window_bits(false, self.bits),
            small: Inflater::new(&mut self.small.0, &mut self.small.1).expect("a window"),
            fast: Inflater::new(&mut self.fast.0, &mut self.fast.1).expect("a window"),
        }
    }
}

impl Readers<'_> {
    /// Reads a message, and compares it with what was given.
    pub(crate) fn check(&mut self, message: &[u8], plain: &[u8], what: &str) {
        assert!(!message.is_empty(), "{what}: an empty message is one byte (RFC 7692 7.2.3.6)");
        assert!(!message.ends_with(&TAIL), "{what}: the tail is removed");
        let whole = [message, &TAIL].concat();
        let mut out = Vec::with_capacity(plain.len() + 64);
        let before = self.zlib.total_in();
        self.zlib.decompress_vec(&whole, &mut out, FlushDecompress::Sync).expect("zlib accepts it");
        assert_eq!(self.zlib.total_in() - before, whole.len() as u64, "{what}: zlib takes all of it");
        same(&out, plain, &format!("{what}, zlib"));
        same(&inflate(&mut self.small, message), plain, &format!("{what}, small"));
        same(&inflate(&mut self.fast, message), plain, &format!("{what}, fast"));
    }

    pub(crate) fn reset(&mut self) {
        self.zlib.reset(false);
        self.small.reset();
        self.fast.reset();
    }
}

fn inflate<L: Layout>(inflater: &mut Inflater<'_, L>, mut message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while !message.is_empty() {
        out.extend_from_slice(inflater.inflate(&mut message, usize::MAX).expect("it accepts it"));
    }
    while let Some(bytes) = inflater.finish(usize::MAX).expect("it accepts the end") {
        out.extend_from_slice(bytes);
    }
    out
}

fn same(out: &[u8], plain: &[u8], what: &str) {
    let same = out.iter().zip(plain).take_while(|(a, b)| a == b).count();
    assert!(out == plain, "{what}: {} of {} bytes, the first {same} right", out.len(), plain.len());
}
