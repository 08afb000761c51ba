//! [`Log`]: what an end was told, or is to be told. Two ends that were told the same have equal logs, whatever the pieces in
//! which it came.

use ws_core::Kind;

/// What there is to be told, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    entries: Vec<Entry>,
    /// The payloads, one behind the other.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    what: What,
    /// Nothing more of it comes: so for all but messages, or parts of messages, that something else interrupts.
    is_whole: bool,
    /// Where its payload ends in `bytes`.
    end: usize,
    /// How many bytes had been read, or written, by then.
    at: usize,
}

/// What was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A message, or the part of it up to where something else came.
    Data(Kind),
    Ping,
    Pong,
    /// Its payload holds the code.
    Close,
}

impl Log {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { entries: Vec::with_capacity(16), bytes: Vec::with_capacity(bytes) }
    }

    /// A piece of a message. Pieces that follow each other are one.
    pub(crate) fn piece(&mut self, kind: Kind, payload: &[u8], is_first: bool, is_last: bool, at: usize) {
        self.bytes.extend_from_slice(payload);
        let end = self.bytes.len();
        let what = What::Data(kind);
        match self.entries.last_mut() {
            Some(entry) if !is_first && !entry.is_whole => {
                assert_eq!(entry.what, what, "all pieces of a message are of a kind");
                *entry = Entry { what, is_whole: is_last, end, at };
            }
            _ => self.entries.push(Entry { what, is_whole: is_last, end, at }),
        }
    }

    /// A control frame.
    pub(crate) fn control(&mut self, what: What, payload: &[u8], at: usize) {
        self.bytes.extend_from_slice(payload);
        self.entries.push(Entry { what, is_whole: true, end: self.bytes.len(), at });
    }

    /// What there is, and its payload.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (What, &[u8])> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let payload = &self.bytes[start..entry.end];
            start = entry.end;
            (entry.what, payload)
        })
    }

    /// Panics unless `other` begins with all of this that was told by the time `at` bytes were read.
    pub(crate) fn assert_begins(&self, other: &Self, at: usize) {
        let mut entries = &self.entries[..self.entries.partition_point(|entry| entry.at <= at)];
        // A part of a message may be gone on with there.
        if let [before @ .., Entry { is_whole: false, .. }] = entries {
            entries = before;
        }
        let end = entries.last().map_or(0, |entry| entry.end);
        assert!(
            other.entries.starts_with(entries) && other.bytes.starts_with(&self.bytes[..end]),
            "{other:?}\ndoes not begin with what came in the first {at} bytes of\n{self:?}"
        );
    }
}
