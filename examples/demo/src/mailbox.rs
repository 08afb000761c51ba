//! What waits for one tab: a [`Mailbox`] of [`Note`]s, which is bounded. Putting something in never waits, and takes no longer the
//! more there is.

use crate::room::{CLOSINGS_MAX, TABS_MAX, WORDS_AT_ONCE};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Words that wait for one tab: twice what all may say at once, so that some time is left to begin reading. There are too many only for a
/// tab that does not read.
const WORDS_MAX: usize = 2 * TABS_MAX * WORDS_AT_ONCE as usize;

/// A message for a tab.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    Text(Arc<str>),
    /// What another tab draws.
    Frame(Arc<[u8]>),
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
    tabs: Option<Arc<str>>,
    closed: VecDeque<Arc<str>>,
    words: VecDeque<Arc<str>>,
    /// One of each tab.
    frames: VecDeque<(u32, Arc<[u8]>)>,
    /// Whose turn it is: none of the four keeps the others waiting, however often it is renewed.
    turn: u8,
    is_overrun: bool,
    is_closed: bool,
}

impl Mailbox {
    /// Waits for the next note; `None`: there will be no other.
    pub(crate) fn take(&self) -> Option<Note> {
        let mut waiting = self.lock();
        loop {
            match waiting.next() {
                Some(note) => return Some(note),
                None if waiting.is_closed => return None,
                None => waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// A word. One too many ends the connection, since words are not to be lost.
    pub(crate) fn post_word(&self, text: Arc<str>) {
        self.post(|waiting| {
            if waiting.words.len() < WORDS_MAX {
                waiting.words.push_back(text);
            } else {
                *waiting = Waiting { is_overrun: true, is_closed: true, ..Waiting::default() };
            }
        });
    }

    /// Who is here, in the place of what was said of that before.
    pub(crate) fn post_tabs(&self, text: Arc<str>) {
        self.post(|waiting| waiting.tabs = Some(text));
    }

    /// How a tab has left; who is slow is told of the last ones.
    pub(crate) fn post_closed(&self, tab: u32, text: Arc<str>) {
        self.post(|waiting| {
            waiting.frames.retain(|(of, _)| *of != tab);
            waiting.closed.truncate(CLOSINGS_MAX - 1);
            waiting.closed.push_front(text);
        });
    }

    /// What that tab draws, in the place of an older picture of it: who is slow misses some, but never the last.
    pub(crate) fn post_frame(&self, tab: u32, frame: Arc<[u8]>) {
        self.post(|waiting| match waiting.frames.iter_mut().find(|(of, _)| *of == tab) {
            Some((_, older)) => *older = frame,
            None => waiting.frames.push_back((tab, frame)),
        });
    }

    /// Whatever waits is dropped.
    pub(crate) fn close(&self) {
        *self.lock() = Waiting { is_closed: true, ..Waiting::default() };
        self.changed.notify_one();
    }

    fn post(&self, post: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.lock();
        if !waiting.is_closed {
            post(&mut waiting);
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn next(&mut self) -> Option<Note> {
        if std::mem::take(&mut self.is_overrun) {
            return Some(Note::Overrun);
        }
        (0..4).find_map(|_| {
            let turn = self.turn;
            self.turn = (turn + 1) % 4;
            match turn {
                0 => self.tabs.take().map(Note::Text),
                1 => self.closed.pop_back().map(Note::Text),
                2 => self.words.pop_front().map(Note::Text),
                _ => self.frames.pop_front().map(|(_, frame)| Note::Frame(frame)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that waits, texts and pictures.
    fn drain(mailbox: &Mailbox) -> (Vec<String>, Vec<Arc<[u8]>>) {
        let (mut texts, mut frames) = (Vec::new(), Vec::new());
        mailbox.lock().is_closed = true;
        while let Some(note) = mailbox.take() {
            match note {
                Note::Text(text) => texts.push(String::from(&*text)),
                Note::Frame(frame) => frames.push(frame),
                Note::Overrun => panic!("there was room"),
            }
        }
        (texts, frames)
    }

    #[test]
    fn a_tab_that_sleeps_misses_pictures_but_no_words() {
        let mailbox = Mailbox::default();
        for n in 0..10 {
            mailbox.post_frame(1, [1, n].into());
            mailbox.post_word(n.to_string().into());
            mailbox.post_frame(2, [2, n].into());
        }
        let words: Vec<_> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(drain(&mailbox), (words, vec![[1, 9].into(), [2, 9].into()]));
    }

    #[test]
    fn nothing_keeps_the_rest_waiting() {
        let mailbox = Mailbox::default();
        for n in 0..3 {
            mailbox.post_word(format!("word {n}").into());
        }
        mailbox.post_frame(0, [0].into());
        let (mut words, mut frames) = (0, 0);
        for n in 0..12 {
            mailbox.post_tabs("here".into());
            mailbox.post_closed(100 + n, "gone".into());
            match mailbox.take() {
                Some(Note::Text(text)) if text.starts_with("word") => words += 1,
                Some(Note::Frame(_)) => frames += 1,
                _ => {}
            }
        }
        assert_eq!((words, frames), (3, 1));
    }

    #[test]
    fn a_tab_that_never_reads_is_given_up() {
        let mailbox = Mailbox::default();
        for _ in 0..=WORDS_MAX {
            mailbox.post_word("word".into());
        }
        mailbox.post_word("too late".into());
        assert!(matches!(mailbox.take(), Some(Note::Overrun)));
        assert!(mailbox.take().is_none());
    }

    #[test]
    fn who_comes_and_goes_takes_the_place_of_nobodys_words() {
        let mailbox = Mailbox::default();
        mailbox.post_word("first".into());
        for n in 0..10 * WORDS_MAX as u32 {
            mailbox.post_tabs(format!("here: {n}").into());
            mailbox.post_frame(n, [0].into());
            mailbox.post_closed(n, format!("gone: {n}").into());
        }
        mailbox.post_word("second".into());
        let last = 10 * WORDS_MAX - 1;
        let (texts, frames) = drain(&mailbox);
        let told = |kind: &str| -> Vec<_> { texts.iter().filter(|text| text.starts_with(kind)).collect() };
        let closed: Vec<_> = (last + 1 - CLOSINGS_MAX..=last).map(|n| format!("gone: {n}")).collect();
        assert!(told("gone").into_iter().eq(&closed), "{texts:?}");
        assert_eq!(told("here"), [&format!("here: {last}")]);
        assert!(texts.iter().filter(|text| !text.contains(':')).eq(["first", "second"]), "{texts:?}");
        assert_eq!((texts.len(), frames.len()), (CLOSINGS_MAX + 3, 0));
    }
}
