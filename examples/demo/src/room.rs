//! The tabs that are open, and what they hear of each other: [`Room`]. Telling never waits: what a tab does not take in
//! time stays in its [`Mailbox`]. Who writes it to the socket is in `session.rs`.

use crate::mailbox::Mailbox;
use crate::messages::{Closing, FRAME, Reply};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// More tabs are sent away: each costs two threads.
pub(crate) const TABS_MAX: usize = 64;
/// Closings that are told to those who come later, or read late.
pub(crate) const CLOSINGS_MAX: usize = 8;
/// Words that a tab may say without a pause, and the pause for each of the others. All tabs together say no more than as many that stay
/// could, so that who comes again and again says no more.
pub(crate) const WORDS_AT_ONCE: u32 = 8;
const WORD_PERIOD: Duration = Duration::from_millis(50);
/// All tabs.
#[derive(Debug)]
pub(crate) struct Room(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    latest: u32,
    pace: Pace,
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
    pub(crate) fn new() -> Self {
        let tabs = TABS_MAX as u32;
        let pace = Pace::new(WORD_PERIOD / tabs, WORDS_AT_ONCE * tabs);
        Self(Mutex::new(Inner { latest: 0, pace, tabs: BTreeMap::new(), closings: VecDeque::new() }))
    }

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
        let text: Arc<str> = Reply::Closed(&closing).to_json().into();
        for mailbox in inner.tabs.values() {
            mailbox.post_closed(closing.tab, Arc::clone(&text));
        }
        inner.tell_who_is_here();
        inner.closings.truncate(CLOSINGS_MAX - 1);
        inner.closings.push_front(closing);
    }

    /// How long a tab has to wait before its next word is said, which is counted.
    pub(crate) fn wait(&self, own: &mut Pace, now: Instant) -> Duration {
        own.wait(now).max(lock(&self.0).pace.wait(now))
    }

    /// Says a word to all tabs, the one that speaks among them: so all see the same order.
    pub(crate) fn say(&self, word: &Reply<'_>) {
        let text: Arc<str> = word.to_json().into();
        for mailbox in lock(&self.0).tabs.values() {
            mailbox.post_word(Arc::clone(&text));
        }
    }

    /// Shows the other tabs a picture of this one's canvas.
    pub(crate) fn show(&self, tab: u32, picture: &[u8]) {
        // One copy, which all mailboxes share.
        let frame: Arc<[u8]> = [&[FRAME], &tab.to_be_bytes()[..], picture].concat().into();
        for (_, mailbox) in lock(&self.0).tabs.iter().filter(|(other, _)| **other != tab) {
            mailbox.post_frame(tab, Arc::clone(&frame));
        }
    }
}

impl Inner {
    fn tell_who_is_here(&self) {
        let tabs: Vec<u32> = self.tabs.keys().copied().collect();
        let text: Arc<str> = Reply::Tabs { tabs: &tabs }.to_json().into();
        for mailbox in self.tabs.values() {
            mailbox.post_tabs(Arc::clone(&text));
        }
    }
}

/// How fast one tab, or all of them, may speak, so that nobody has to hear more than fits in a mailbox.
#[derive(Debug)]
pub(crate) struct Pace {
    /// When the next word would be said if none were said at once.
    next: Instant,
    period: Duration,
    at_once: u32,
}

impl Pace {
    /// Of one tab.
    pub(crate) fn of_tab() -> Self {
        Self::new(WORD_PERIOD, WORDS_AT_ONCE)
    }

    fn new(period: Duration, at_once: u32) -> Self {
        Self { next: Instant::now(), period, at_once }
    }

    /// How long to wait before the next word is said, which it counts.
    fn wait(&mut self, now: Instant) -> Duration {
        self.next = self.next.max(now) + self.period;
        self.next.saturating_duration_since(now + self.period * self.at_once)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_a_pause_are_slowed_down() {
        let (mut pace, mut now) = (Pace::of_tab(), Instant::now());
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
    fn who_comes_again_and_again_says_no_more_than_those_who_stay() {
        let (room, now) = (Room::new(), Instant::now());
        let at_once = (0..1000).filter(|_| room.wait(&mut Pace::of_tab(), now).is_zero()).count();
        assert_eq!(at_once, TABS_MAX * WORDS_AT_ONCE as usize);
    }

    #[test]
    fn a_full_room_sends_away() {
        let room = Room::new();
        let seats: Vec<_> = std::iter::from_fn(|| room.join()).collect();
        assert_eq!(seats.len(), TABS_MAX);
        let tab = seats[0].tab;
        room.leave(Closing { tab, by_server: false, code: None, reason: String::new(), clean: true });
        let seat = room.join().expect("one has left");
        assert_eq!(seat.closings[0].tab, tab);
    }
}
