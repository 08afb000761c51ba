//! A client that outlives its connections: [`Session`], and a table of them, [`Sessions`].
//!
//! A session has a name that nobody can guess, a ring of the events that are for it alone, and the number of the last message that came
//! from it. Connections come and go above it: each attaches for as long as it lives. What the events look like on the wire is not known
//! here.

use super::upstream::Inbox;
use super::{EventRing, Seq};
use crate::bytes::base64::encode_url;
use crate::connection::Message;
use crate::entropy::Entropy;
use crate::time::{Duration, Instant};

/// Bytes of a session's name, in text.
pub const SID_LEN: usize = 24;

/// The name of a session: 18 random bytes in 24 characters of Base64 for URLs. Who knows it can speak as that client, so keep it out of
/// logs: `Debug` shows none of it.
#[derive(Clone, Copy)]
pub struct Sid([u8; SID_LEN]);

impl Sid {
    /// A new name.
    pub fn new(entropy: &mut impl Entropy) -> Self {
        let (mut bytes, mut text) = ([0; 18], [0; SID_LEN]);
        entropy.fill(&mut bytes);
        encode_url(&bytes, &mut text);
        Self(text)
    }

    /// The name in `text`; `None`: it can be none, by its length or its characters.
    pub fn parse(text: &str) -> Option<Self> {
        let is_url = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        text.as_bytes().try_into().ok().filter(|text: &[u8; SID_LEN]| text.iter().all(is_url)).map(Self)
    }

    /// The text.
    pub const fn as_bytes(&self) -> &[u8; SID_LEN] {
        &self.0
    }
}

impl PartialEq for Sid {
    /// Takes the same time wherever they differ, so that nobody finds a name out letter by letter.
    fn eq(&self, other: &Self) -> bool {
        let differing = self.0.iter().zip(&other.0).fold(0, |bits, (a, b)| bits | (a ^ b));
        core::hint::black_box(differing) == 0
    }
}

impl Eq for Sid {}

impl core::fmt::Debug for Sid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sid(..)")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Sid {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Sid(..)");
    }
}

/// Why a message cannot be sent to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// There is no such session any more.
    NoSession,
    /// It would push out messages that the client was not given yet: try later, or give the client up.
    Full,
    /// It is longer than the session's memory.
    TooLarge,
}

impl core::fmt::Display for SendError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoSession => "the session is over",
            Self::Full => "the client has not taken what was sent before",
            Self::TooLarge => "the message is longer than the session's memory",
        })
    }
}

impl core::error::Error for SendError {}

/// One client, whichever connections it comes over.
///
/// How to size the memory: what is sent to this client alone in the time that it may be away, and
/// [`RECORD_HEAD`](super::RECORD_HEAD) bytes for each message.
///
/// # Memory
///
/// What is lent, and 22 words.
pub struct Session<'m> {
    sid: Sid,
    ring: EventRing<'m>,
    taken: Seq,
    inbox: Inbox,
    /// Counts those that listened: only the latest may go on.
    turn: u16,
    /// How many connections are attached.
    attached: u16,
    /// One was, at some time; and another behind it or beside it, so the client knows its name.
    is_visited: bool,
    is_known: bool,
    /// Since when there are none.
    left: Instant,
}

impl<'m> Session<'m> {
    /// A session with the name `sid`, to which nobody is attached from `now` on.
    pub const fn new(sid: Sid, memory: &'m mut [u8], now: Instant) -> Self {
        let ring = EventRing::new(memory, Seq::new(0));
        Self {
            sid,
            ring,
            taken: Seq::new(0),
            inbox: Inbox::new(),
            turn: 0,
            attached: 0,
            is_visited: false,
            is_known: false,
            left: now,
        }
    }

    /// Its name.
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// What was sent to it alone.
    pub const fn ring(&self) -> &EventRing<'m> {
        &self.ring
    }

    /// What came from it: lend it to [`Upstream::receive`](super::Upstream::receive).
    pub const fn inbox_mut(&mut self) -> &mut Inbox {
        &mut self.inbox
    }

    /// What came from it.
    pub const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Adds a message for this client alone.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLarge`]; [`SendError::Full`] until the client has [taken](Self::take) what is in the way. Nothing was
    /// done.
    pub fn send(&mut self, message: Message<'_>) -> Result<Seq, SendError> {
        let len = message.as_bytes().len();
        let view = self.ring.view();
        if view.longest().is_none_or(|longest| len > longest) {
            return Err(SendError::TooLarge);
        }
        if !view.has_room_behind(len, self.taken) {
            return Err(SendError::Full);
        }
        self.ring.publish(message).map_err(|_| SendError::TooLarge)
    }

    /// The client was given its own events up to `seq`: they stay for when it asks again, until there is need of their room.
    /// Call it with what a client says that it has come to, and with [`cursor`](super::Stream::cursor) of a stream behind
    /// each write. A number that is none of this session's is passed over, and so is an earlier one.
    pub fn take(&mut self, seq: Seq) {
        let newest = self.ring.view().newest();
        if seq.is_after(self.taken) && !seq.is_after(newest) {
            self.taken = seq;
        }
    }

    /// A connection begins to listen, and takes the place of the one that did so before: a client has given up the first of two.
    /// Returns the number of its [turn](Self::turn).
    pub const fn listen(&mut self) -> u16 {
        self.turn = self.turn.wrapping_add(1);
        self.turn
    }

    /// Whose turn it is to listen.
    pub const fn turn(&self) -> u16 {
        self.turn
    }

    /// A connection is there; [`detach`](Self::detach) when it ends.
    pub const fn attach(&mut self) {
        self.attached = self.attached.saturating_add(1);
        self.is_known |= self.is_visited;
        self.is_visited = true;
    }

    /// Somebody was there, who has not come back and has said nothing: its name may never have got through.
    fn is_nobodys(&self) -> bool {
        self.is_visited && !self.is_known && self.inbox.received() == Seq::new(0)
    }

    /// A connection has ended.
    pub const fn detach(&mut self, now: Instant) {
        self.attached = self.attached.saturating_sub(1);
        self.left = now;
    }

    /// Since when no connection is there; `None`: one is.
    pub const fn left(&self) -> Option<Instant> {
        if self.attached == 0 { Some(self.left) } else { None }
    }
}

impl core::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (ring, attached) = (&self.ring, self.attached);
        f.debug_struct("Session").field("ring", ring).field("attached", &attached).finish_non_exhaustive()
    }
}

/// Which session of a table is meant; one that has ended is never mistaken for one that came into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SessionKey {
    place: usize,
    generation: u32,
}

/// At most `N` sessions, in memory that is lent to them in equal parts.
///
/// A session ends when no connection was attached to it for the lifetime; what it was is then forgotten.
///
/// How to size the memory: `N` times what [`Session`] says.
///
/// # Memory
///
/// What is lent, and `N` times 24 words, and one.
///
/// ```
/// use ws_core::transport::{Sessions, Sid};
/// use ws_core::{Duration, Instant};
/// # struct Dice; impl ws_core::Entropy for Dice { fn fill(&mut self, bytes: &mut [u8]) { bytes.fill(4); } }
/// let mut memory = [0; 4 * 256];
/// let mut sessions = Sessions::<4>::new(&mut memory, Duration::from_secs(30));
/// let now = Instant::from_millis(0);
/// let key = sessions.open(now, &mut Dice).expect("room");
/// let sid = *sessions.get(key).expect("open").sid();
/// assert_eq!(sessions.find(&sid), Some(key));
/// sessions.handle_timeout(now.after(Duration::from_secs(30)));
/// assert_eq!(sessions.find(&sid), None);
/// ```
#[derive(Debug)]
pub struct Sessions<'m, const N: usize> {
    places: [Place<'m>; N],
    lifetime: Duration,
}

#[derive(Debug)]
struct Place<'m> {
    session: Session<'m>,
    generation: u32,
    is_taken: bool,
}

impl<'m, const N: usize> Sessions<'m, N> {
    /// An empty table over `memory`, whose sessions live for `lifetime` behind their last connection.
    pub fn new(memory: &'m mut [u8], lifetime: Duration) -> Self {
        let each = memory.len().checked_div(N).unwrap_or(0);
        let mut rest = memory;
        let places = core::array::from_fn(|_| {
            let (own, behind) = core::mem::take(&mut rest).split_at_mut_checked(each).unwrap_or_default();
            rest = behind;
            let session = Session::new(Sid([0; SID_LEN]), own, Instant::default());
            Place { session, generation: 0, is_taken: false }
        });
        Self { places, lifetime }
    }

    /// Begins a session with a new name, to which nothing is attached yet. Where there is no other place, it takes that of a session whose
    /// client is gone and has not come back, nor said anything yet: mostly, one to which its name never got through. `None`: all places
    /// are taken; answer 503.
    pub fn open(&mut self, now: Instant, entropy: &mut impl Entropy) -> Option<SessionKey> {
        let sid = Sid::new(entropy);
        if self.find(&sid).is_some() {
            return None; // In 2¹⁴⁴ cases one, if the source is what it should be.
        }
        let at = self.free_place()?;
        let place = self.places.get_mut(at)?;
        if place.is_taken {
            place.end();
        }
        let session = &mut place.session;
        session.sid = sid;
        session.ring.clear(Seq::new(0));
        session.taken = Seq::new(0);
        session.inbox = Inbox::new();
        session.attached = 0;
        (session.is_visited, session.is_known) = (false, false);
        session.left = now;
        place.is_taken = true;
        Some(SessionKey { place: at, generation: place.generation })
    }

    /// The place that can best be done without.
    fn free_place(&self) -> Option<usize> {
        let mut best: Option<(usize, Instant)> = None;
        for (at, place) in (0..N).zip(&self.places) {
            if !place.is_taken {
                return Some(at);
            }
            let Some(left) = place.session.left().filter(|_| place.session.is_nobodys()) else { continue };
            if best.is_none_or(|(_, first)| first != left && first.has_reached(left)) {
                best = Some((at, left));
            }
        }
        best.map(|(at, _)| at)
    }

    /// The session with this name. Takes the same time whether and where there is one.
    pub fn find(&self, sid: &Sid) -> Option<SessionKey> {
        let mut found = None;
        for (at, place) in (0..N).zip(&self.places) {
            if (place.session.sid == *sid) & place.is_taken {
                found = Some(SessionKey { place: at, generation: place.generation });
            }
        }
        found
    }

    /// The session `key`; `None`: it has ended.
    pub fn get(&self, key: SessionKey) -> Option<&Session<'m>> {
        let place = self.places.get(key.place)?;
        (place.is_taken && place.generation == key.generation).then_some(&place.session)
    }

    /// The session `key`, to be changed; `None`: it has ended.
    pub fn get_mut(&mut self, key: SessionKey) -> Option<&mut Session<'m>> {
        let place = self.places.get_mut(key.place)?;
        (place.is_taken && place.generation == key.generation).then_some(&mut place.session)
    }

    /// Ends the session `key`: what was sent to it is forgotten, and its name means nothing any more.
    pub fn close(&mut self, key: SessionKey) {
        if self.get(key).is_some()
            && let Some(place) = self.places.get_mut(key.place)
        {
            place.end();
        }
    }

    /// All sessions that there are.
    pub fn keys(&self) -> impl Iterator<Item = SessionKey> {
        let taken = (0..N).zip(&self.places).filter(|(_, place)| place.is_taken);
        taken.map(|(at, place)| SessionKey { place: at, generation: place.generation })
    }

    /// When the next session ends, if nobody attaches to it: call [`handle_timeout`](Self::handle_timeout) then.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.places.iter().filter_map(|place| place.ends(self.lifetime));
        ends.reduce(|first, other| if first.has_reached(other) { other } else { first })
    }

    /// Ends all sessions whose time is over. At any other time it does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let latest = now.after(self.lifetime);
        for place in &mut self.places {
            // Where nobody has asked for weeks, the clock has come around: it was left at a moment that is to come.
            let left = place.session.left;
            let is_over = |end| now.has_reached(end) || !(now.has_reached(left) || latest.has_reached(left));
            if place.ends(self.lifetime).is_some_and(is_over) {
                place.end();
            }
        }
    }
}

impl Place<'_> {
    fn ends(&self, lifetime: Duration) -> Option<Instant> {
        self.session.left().filter(|_| self.is_taken).map(|left| left.after(lifetime))
    }

    fn end(&mut self) {
        self.is_taken = false;
        self.generation = self.generation.wrapping_add(1);
        self.session.sid = Sid([0; SID_LEN]);
    }
}
