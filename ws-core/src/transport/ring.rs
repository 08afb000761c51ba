//! One copy of a message for any number of listeners: [`EventRing`]. Who listens is not known here; each listener keeps a
//! [`Cursor`](super::Cursor) and looks up what comes behind it.

use super::Seq;
use crate::bytes::copy;
use crate::connection::Message;
use crate::error::CapacityError;
use crate::frame::Kind;

/// The latest events, in memory that is lent, each with a number. A new one pushes out the oldest, as many as it needs
/// room.
///
/// How to size the memory: all that is published in the time that a listener may be away and still miss nothing, and
/// [`RECORD_HEAD`] bytes for each event. An event is never split around the end of the memory, so up to one more of the
/// longest may lie unused there. More than 16 MiB are of no use to a single event.
///
/// # Memory
///
/// What is lent, and 10 words.
///
/// ```
/// use ws_core::Message;
/// use ws_core::transport::{EventRing, Lookup, Seq};
/// let mut memory = [0; 64];
/// let mut ring = EventRing::new(&mut memory, Seq::new(100)); // better: a random number
/// let first = ring.publish(Message::Text("one"))?;
/// let Lookup::Found(event) = ring.view().get(first) else { panic!("gone") };
/// assert_eq!(event.message(), Message::Text("one"));
/// assert_eq!(ring.view().get(first.next()), Lookup::NotYet);
/// # Ok::<_, ws_core::CapacityError>(())
/// ```
pub struct EventRing<'m> {
    memory: &'m mut [u8],
    index: Index,
}

/// Bytes that a ring takes for an event beside the event's own.
pub const RECORD_HEAD: usize = 8;

impl<'m> EventRing<'m> {
    /// An empty ring; the event that comes first gets the number behind `last`.
    ///
    /// Draw that number at random when a server starts: then a listener that comes back to a server that was restarted in
    /// between finds that its events are gone, and is told so, instead of being given others under the same numbers.
    pub const fn new(memory: &'m mut [u8], last: Seq) -> Self {
        Self { memory, index: Index::empty(last) }
    }

    /// Adds an event and returns its number. Work is bounded by its length and the number of events that leave.
    ///
    /// # Errors
    ///
    /// It can never fit: nothing was done. An event is shorter than the memory by [`RECORD_HEAD`] at least, and than 16 MiB.
    pub fn publish(&mut self, message: Message<'_>) -> Result<Seq, CapacityError> {
        let bytes = message.as_bytes();
        let mut index = self.view().with_room(bytes.len()).ok_or(CapacityError)?;
        let kind = if message.kind() == Kind::Binary { BINARY } else { 0 };
        let place = self.memory.get_mut(index.free..).unwrap_or_default();
        if let Some((head, body)) = place.split_first_chunk_mut::<RECORD_HEAD>() {
            let [a, b, c, _] = (bytes.len() as u32).to_le_bytes();
            let [d, e, f, g] = (index.last as u32).to_le_bytes();
            *head = [a, b, c, kind, d, e, f, g];
            copy(body, bytes);
        }
        index.last = index.free;
        index.free = index.free.saturating_add(RECORD_HEAD).saturating_add(bytes.len());
        if !index.is_wrapped {
            index.end = index.free;
        }
        index.count = index.count.saturating_add(1);
        index.newest = index.newest.next();
        self.index = index;
        Ok(index.newest)
    }

    /// Forgets all events; the next one gets the number behind `last`.
    pub const fn clear(&mut self, last: Seq) {
        let life = self.index.life.wrapping_add(2);
        self.index = Index { life, ..Index::empty(last) };
    }

    /// The ring as listeners see it.
    pub const fn view(&self) -> RingView<'_> {
        RingView { memory: self.memory, index: &self.index }
    }
}

/// What is in a ring, to look events up.
#[derive(Clone, Copy)]
pub struct RingView<'r> {
    memory: &'r [u8],
    index: &'r Index,
}

/// What is under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'r> {
    /// An event.
    Found(Event<'r>),
    /// The event that will be published next.
    NotYet,
    /// Nothing any more; or nothing ever, as for a number of an earlier life of the server.
    Gone,
}

/// A message as it lies in a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Event<'r> {
    /// Text or binary.
    pub kind: Kind,
    /// Its bytes; UTF-8 where it is text.
    pub bytes: &'r [u8],
}

impl<'r> Event<'r> {
    /// The message; its text is checked once more on the way.
    pub fn message(&self) -> Message<'r> {
        match self.kind {
            Kind::Text => Message::Text(core::str::from_utf8(self.bytes).unwrap_or_default()),
            Kind::Binary => Message::Binary(self.bytes),
        }
    }
}

impl<'r> RingView<'r> {
    /// The event with the number `seq`. Work is bounded by the number of events between it and the nearer end of the ring,
    /// so it is least for those who keep up.
    pub fn get(&self, seq: Seq) -> Lookup<'r> {
        self.get_near(seq, &mut { Hint::NONE })
    }

    /// The same for one who looks up event after event: from where the last one lay, it is not far to the next.
    pub(crate) fn get_near(&self, seq: Seq, hint: &mut Hint) -> Lookup<'r> {
        let index = self.index;
        if seq == index.newest.next() {
            return Lookup::NotYet;
        }
        let behind_oldest = seq.steps_from(index.before_oldest()).wrapping_sub(1);
        if behind_oldest >= index.count {
            return Lookup::Gone;
        }
        let before_newest = index.newest.steps_from(seq);
        let behind_hint = seq.steps_from(hint.seq);
        // A record that is not nearer than the oldest has left, or comes later.
        let place = if hint.life == index.life && behind_hint <= behind_oldest.min(before_newest) {
            (0..behind_hint).try_fold(hint.at, |at, _| self.behind(index, at))
        } else if before_newest <= behind_oldest {
            (0..before_newest).try_fold(index.last, |at, _| self.record(at).map(|record| record.previous))
        } else {
            (0..behind_oldest).try_fold(index.first, |at, _| self.behind(index, at))
        };
        let found = place.and_then(|at| Some((at, self.record(at)?)));
        let Some((at, record)) = found else { return Lookup::Gone };
        *hint = Hint { seq, at, life: index.life };
        Lookup::Found(record.event)
    }

    /// The number of the latest event; before there is any, the number in front of the first.
    pub const fn newest(&self) -> Seq {
        self.index.newest
    }

    /// The number in front of the oldest event that there is: a listener that has come as far has missed nothing.
    pub const fn before_oldest(&self) -> Seq {
        self.index.before_oldest()
    }

    /// How many events there are.
    pub const fn len(&self) -> u32 {
        self.index.count
    }

    /// There is no event.
    pub const fn is_empty(&self) -> bool {
        self.index.count == 0
    }

    /// The longest message that can ever be published, in bytes; `None`: not even an empty one.
    pub fn longest(&self) -> Option<usize> {
        self.memory.len().checked_sub(RECORD_HEAD).map(|len| len.min(LEN_MAX))
    }

    /// A message of `len` bytes can be published, and all events behind the number `taken` stay.
    pub fn has_room_behind(&self, len: usize, taken: Seq) -> bool {
        self.with_room(len).is_some_and(|index| !index.before_oldest().is_after(taken))
    }

    /// The index in which so many events have left that `len` bytes fit at `free`; `None`: they never will.
    fn with_room(&self, len: usize) -> Option<Index> {
        let need = len.checked_add(RECORD_HEAD)?;
        if len > LEN_MAX || need > self.memory.len() {
            return None;
        }
        let mut index = *self.index;
        loop {
            if index.count == 0 {
                return Some(Index { life: index.life, ..Index::empty(index.newest) });
            }
            if !index.is_wrapped {
                if self.memory.len().saturating_sub(index.free) >= need {
                    return Some(index);
                }
                index.is_wrapped = true;
                index.free = 0;
            }
            if index.first.saturating_sub(index.free) >= need {
                return Some(index);
            }
            // The oldest leaves.
            let next = self.behind(&index, index.first)?;
            if next < index.first {
                index.is_wrapped = false;
                index.end = index.free;
            }
            index.first = next;
            index.count = index.count.saturating_sub(1);
        }
    }

    /// Where the record behind the one at `at` begins.
    fn behind(&self, index: &Index, at: usize) -> Option<usize> {
        let len = self.record(at)?.event.bytes.len();
        let next = at.saturating_add(RECORD_HEAD).saturating_add(len);
        Some(if index.is_wrapped && next == index.end { 0 } else { next })
    }

    fn record(&self, at: usize) -> Option<Record<'r>> {
        let ([a, b, c, kind, d, e, f, g], rest) = self.memory.get(at..)?.split_first_chunk()?;
        let kind = if *kind == BINARY { Kind::Binary } else { Kind::Text };
        let bytes = rest.get(..u32::from_le_bytes([*a, *b, *c, 0]) as usize)?;
        let previous = u32::from_le_bytes([*d, *e, *f, *g]) as usize;
        Some(Record { event: Event { kind, bytes }, previous })
    }
}

/// Length in three bytes, kind in one, place of the record in front in four; then the message.
struct Record<'r> {
    event: Event<'r>,
    previous: usize,
}

/// The longest message: what three bytes count, or a `usize` if it has fewer.
const LEN_MAX: usize = (u32::MAX >> 8) as usize;
const BINARY: u8 = 1;

/// Where an event lay when it was looked up last. Records do not move, so it still lies there if it is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hint {
    seq: Seq,
    at: usize,
    /// Of which life of the ring; 0 is of none.
    life: u32,
}

impl Hint {
    pub(crate) const NONE: Self = Self { seq: Seq::new(0), at: 0, life: 0 };
}

/// Where the records lie: from `first` on up to `free`; or, if they go around, up to `end` and then from 0 up to `free`.
#[derive(Clone, Copy)]
struct Index {
    /// The place of the oldest record.
    first: usize,
    /// The place of the latest.
    last: usize,
    free: usize,
    end: usize,
    is_wrapped: bool,
    count: u32,
    newest: Seq,
    /// Odd; another one each time that all is forgotten.
    life: u32,
}

impl Index {
    const fn empty(newest: Seq) -> Self {
        Self { first: 0, last: 0, free: 0, end: 0, is_wrapped: false, count: 0, newest, life: 1 }
    }

    const fn before_oldest(&self) -> Seq {
        Seq::new(self.newest.get().wrapping_sub(self.count))
    }
}

impl core::fmt::Debug for EventRing<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.view().fmt(f)
    }
}

impl core::fmt::Debug for RingView<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (newest, count, size) = (self.newest(), self.len(), self.memory.len());
        write!(f, "EventRing({count} up to {newest}, in {size} B)")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for EventRing<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        self.view().format(f);
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for RingView<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "EventRing({} up to {}, in {} B)", self.len(), self.newest(), self.memory.len());
    }
}
