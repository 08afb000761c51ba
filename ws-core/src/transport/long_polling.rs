//! Long polling, also Comet: [`LongPoll`], a poll that waits for something to answer.
//!
//! How it works: as [short polling](super::short_polling), with `wait=` and a time in milliseconds in the query: the server answers
//! when there is something, or when the time is over, and the page asks again at once.
//!
//! What it costs: a socket a listener nearly all of the time, and a request and a head, some 600 bytes, for each answer: little where events are
//! rare, much where they come many a second, though those that come together are answered together. Behind an answer the next event waits
//! for the next request: a round trip.
//!
//! When to use it: where proxies hold back all that streams. It gets through nearly everything, as each response is whole; keep the time
//! below that after which proxies give up, which is a minute for many.

use super::{Cursor, News};
use crate::time::{Duration, Instant};

/// A poll that is not answered yet.
///
/// When [`is_due`](Self::is_due), make a [`PollBody`](super::PollBody) of [`cursor`](Self::cursor) and send it: 204 if it is empty.
///
/// # Memory
///
/// 4 words.
///
/// ```
/// use ws_core::transport::{EventRing, LongPoll, News, Seq};
/// use ws_core::{Duration, Instant, Message};
/// let mut memory = [0; 256];
/// let mut ring = EventRing::new(&mut memory, Seq::new(0));
/// let now = Instant::from_millis(0);
/// let poll = LongPoll::new(Default::default(), Duration::from_secs(20), now);
/// assert!(!poll.is_due(&News::new(&ring, None), now));
/// ring.publish(Message::Text("hello"))?;
/// assert!(poll.is_due(&News::new(&ring, None), now));
/// # Ok::<_, ws_core::CapacityError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LongPoll {
    cursor: Cursor,
    until: Instant,
    is_hurried: bool,
}

impl LongPoll {
    /// The longest time that a poll waits, whatever it asks for: 50 seconds, as proxies wait for 60.
    pub const WAIT_MAX: Duration = Duration::from_secs(50);

    /// A poll of a client that has come to `cursor`, which waits for `wait`, or for [`WAIT_MAX`](Self::WAIT_MAX) if that is less.
    pub fn new(cursor: Cursor, wait: Duration, now: Instant) -> Self {
        Self { cursor, until: now.after(wait.min(Self::WAIT_MAX)), is_hurried: false }
    }

    /// The time in `wait=`: milliseconds, in digits. `None`: it is no time.
    pub fn parse_wait(text: &str) -> Option<Duration> {
        super::Seq::parse(text).map(|millis| Duration::from_millis(millis.get()))
    }

    /// What the client has come to.
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Answer now: there is something behind the cursor, or the time is over, or it is in somebody's way.
    pub fn is_due(&self, news: &News<'_>, now: Instant) -> bool {
        self.is_hurried || now.has_reached(self.until) || news.is_behind(self.cursor)
    }

    /// When the time is over.
    pub const fn poll_timeout(&self) -> Instant {
        self.until
    }

    /// Makes it due. Call it when further bytes come in behind the poll on the same connection: there is another request behind it,
    /// such as a POST that a proxy has put there, and it would wait for as long. Or when another poll of the same session comes: of two, the
    /// client has given up the first.
    pub const fn hurry(&mut self) {
        self.is_hurried = true;
    }
}
