//! The tabs that are open, and what they hear of each other: [`Room`]. Telling never waits: what a tab does not take in
//! time stays in its [`Mailbox`], which is bounded. Who writes it to the socket is in `session.rs`.

use crate::messages::{Closing, FRAME, Reply};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// More tabs are sent away: each costs two threads.
const TABS_MAX: usize = 64;
/// Closings that are told to those who come later.
const CLOSINGS_MAX: usize = 8;
/// Words that a tab may say without a pause, and the pause for each of the others.
const WORDS_AT_ONCE: u32 = 8;
const WORD_PERIOD: Duration = Duration::from_millis(50);
/// Messages that wait for one tab: a picture of each other tab, and what all of them may say at once. So a tab has too many only if it does
/// not read.
const NOTES_MAX: usize = TABS_MAX * (1 + WORDS_AT_ONCE as usize);

/// All tabs.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    latest: u32,
    tabs: BTreeMap<u32, Arc<Mailbox>>,
    closings: VecDeque<Closing>,
}

/// What a tab gets when it joins.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) tab: u32,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) closings: Vec<Closing>,
}

impl Room {
    /// Takes a tab in and tells all of them. `None`: the room is full.
    pub(crate) fn join(&self) -> Option<Seat> {
        let mut inner = lock(&self.0);
        if inner.tabs.len() >= TABS_MAX {
            return None;
        }
        inner.latest = inner.latest.wrapping_add(1);
        let (tab, mailbox) = (inner.latest, Arc::new(Mailbox::default()));
        inner.tabs.insert(tab, Arc::clone(&mailbox));
        inner.tell_who_is_here();
        Some(Seat { tab, mailbox, closings: inner.closings.iter().cloned().collect() })
    }

    /// Lets a tab go, and tells the others how it went.
    pub(crate) fn leave(&self, closing: Closing) {
        let mut inner = lock(&self.0);
        if let Some(mailbox) = inner.tabs.remove(&closing.tab) {
            mailbox.close();
        }
        inner.tell(&Reply::Closed(&closing));
        inner.tell_who_is_here();
        inner.closings.truncate(CLOSINGS_MAX - 1);
        inner.closings.push_front(closing);
    }

    /// Tells all tabs, the one that speaks among them: so all see the same order.
    pub(crate) fn tell(&self, reply: &Reply<'_>) {
        lock(&self.0).tell(reply);
    }

    /// Shows the other tabs a picture of this one's canvas.
    pub(crate) fn show(&self, tab: u32, picture: &[u8]) {
        // One copy, which all mailboxes share.
        let frame: Arc<[u8]> = [&[FRAME], &tab.to_be_bytes()[..], picture].concat().into();
        for (_, mailbox) in lock(&self.0).tabs.iter().filter(|(other, _)| **other != tab) {
            mailbox.post(Note::Frame(tab, Arc::clone(&frame)));
        }
    }
}

impl Inner {
    fn tell(&self, reply: &Reply<'_>) {
        let text: Arc<str> = reply.to_json().into();
        for mailbox in self.tabs.values() {
            mailbox.post(Note::Text(Arc::clone(&text)));
        }
    }

    fn tell_who_is_here(&self) {
        let tabs: Vec<u32> = self.tabs.keys().copied().collect();
        self.tell(&Reply::Tabs { tabs: &tabs });
    }
}

/// How fast one tab may speak to all, so that nobody has to hear more than fits in a mailbox.
#[derive(Debug)]
pub(crate) struct Pace(Instant);

impl Pace {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    /// How long to wait before the next word is said, which it counts.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        self.0 = self.0.max(now) + WORD_PERIOD;
        self.0.saturating_duration_since(now + WORD_PERIOD * WORDS_AT_ONCE)
    }
}

/// A message for a tab.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    Text(Arc<str>),
    /// What the tab of this number draws.
    Frame(u32, Arc<[u8]>),
    /// The tab does not read, and words would be lost: nothing comes behind this.
    Overrun,
}

/// What waits for one tab.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    notes: VecDeque<Note>,
    is_closed: bool,
}

impl Mailbox {
    /// Waits for the next note; `None`: there will be no other.
    pub(crate) fn take(&self) -> Option<Note> {
        let mut waiting = lock(&self.waiting);
        loop {
            match waiting.notes.pop_front() {
                Some(note) => return Some(note),
                None if waiting.is_closed => return None,
                None => waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Never waits. A picture takes the place of an older one of the same tab: who is slow misses some, but never the
    /// last. A word too many ends the connection, since words are not to be lost.
    fn post(&self, note: Note) {
        let mut waiting = lock(&self.waiting);
        if waiting.is_closed {
            return;
        }
        let has_room = waiting.notes.len() < NOTES_MAX;
        let older = waiting.notes.iter_mut().find(|older| match (older, &note) {
            (Note::Frame(older, _), Note::Frame(tab, _)) => older == tab,
            _ => false,
        });
        match older {
            Some(older) => *older = note,
            None if has_room => waiting.notes.push_back(note),
            None => *waiting = Waiting { notes: [Note::Overrun].into(), is_closed: true },
        }
        self.changed.notify_one();
    }

    /// Whatever waits is dropped.
    pub(crate) fn close(&self) {
        *lock(&self.waiting) = Waiting { is_closed: true, ..Waiting::default() };
        self.changed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_that_sleeps_misses_pictures_but_no_words() {
        let mailbox = Mailbox::default();
        for n in 0..10 {
            mailbox.post(Note::Frame(1, Arc::from([n])));
            mailbox.post(Note::Text(Arc::from(n.to_string())));
            mailbox.post(Note::Frame(2, Arc::from([n])));
        }
        lock(&mailbox.waiting).is_closed = true;
        let (mut frames, mut words) = (Vec::new(), Vec::new());
        while let Some(note) = mailbox.take() {
            match note {
                Note::Frame(tab, frame) => frames.push((tab, frame[0])),
                Note::Text(word) => words.push(word),
                Note::Overrun => panic!("there was room"),
            }
        }
        assert_eq!((frames, words.len()), (vec![(1, 9), (2, 9)], 10));
    }

    #[test]
    fn a_tab_that_never_reads_is_given_up() {
        let mailbox = Mailbox::default();
        for _ in 0..=NOTES_MAX {
            mailbox.post(Note::Text(Arc::from("word")));
        }
        mailbox.post(Note::Text(Arc::from("too late")));
        assert!(matches!(mailbox.take(), Some(Note::Overrun)));
        assert!(mailbox.take().is_none());
    }

    #[test]
    fn words_without_a_pause_are_slowed_down() {
        let (mut pace, mut now) = (Pace::new(), Instant::now());
        for _ in 0..2 {
            assert!((0..WORDS_AT_ONCE).all(|_| pace.wait(now).is_zero()));
            for _ in 0..3 {
                let wait = pace.wait(now);
                assert_eq!(wait, WORD_PERIOD);
                now += wait;
            }
            now += WORD_PERIOD * WORDS_AT_ONCE; // who was silent may say as much again
        }
    }

    #[test]
    fn a_full_room_sends_away() {
        let room = Room::default();
        let seats: Vec<_> = std::iter::from_fn(|| room.join()).collect();
        assert_eq!(seats.len(), TABS_MAX);
        let tab = seats[0].tab;
        room.leave(Closing { tab, by_server: false, code: None, reason: String::new(), clean: true });
        let seat = room.join().expect("one has left");
        assert_eq!(seat.closings[0].tab, tab);
    }
}
