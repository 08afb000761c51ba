//! All that listeners listen to: [`Hub`], the ring for all with the sessions; and what one of them has not been given yet,
//! [`News`].

use super::ring::Hint;
use super::{Cursor, Event, EventRing, Lookup, RingView, SendError, Seq, Session, SessionKey, Sessions};
use crate::connection::Message;
use crate::error::CapacityError;

/// The ring of events for all, and up to `N` sessions: what all connections of a server share.
///
/// # Memory
///
/// That of [`EventRing`] and [`Sessions`].
///
/// ```
/// use ws_core::transport::{EventRing, Hub, Next, Seq, Sessions};
/// use ws_core::{Duration, Message};
/// let (mut shared, mut own) = ([0; 4096], [0; 4 * 1024]);
/// let ring = EventRing::new(&mut shared, Seq::new(100)); // better: a random number
/// let mut hub = Hub::new(ring, Sessions::<4>::new(&mut own, Duration::from_secs(30)));
/// let listener = hub.now(); // a cursor: all that a listener without a session is
/// hub.publish(Message::Text("to all"))?;
/// assert!(matches!(hub.news(None).next(listener), Next::Shared(event) if event.bytes == b"to all"));
/// # Ok::<_, ws_core::CapacityError>(())
/// ```
#[derive(Debug)]
pub struct Hub<'m, const N: usize> {
    ring: EventRing<'m>,
    sessions: Sessions<'m, N>,
}

impl<'m, const N: usize> Hub<'m, N> {
    /// A hub of both.
    pub const fn new(ring: EventRing<'m>, sessions: Sessions<'m, N>) -> Self {
        Self { ring, sessions }
    }

    /// Sends `message` to all, and returns its number. Wake the connections that listen: [`has_news`](Self::has_news).
    ///
    /// # Errors
    ///
    /// It is longer than the ring: see [`EventRing::publish`].
    pub fn publish(&mut self, message: Message<'_>) -> Result<Seq, CapacityError> {
        self.ring.publish(message)
    }

    /// Sends `message` to one session, and returns its number among those.
    ///
    /// # Errors
    ///
    /// See [`Session::send`]; [`SendError::NoSession`] if it has ended.
    pub fn send(&mut self, to: SessionKey, message: Message<'_>) -> Result<Seq, SendError> {
        self.sessions.get_mut(to).ok_or(SendError::NoSession)?.send(message)
    }

    /// What a listener is given: the events for all, and those of its session if it has one.
    pub fn news(&self, session: Option<SessionKey>) -> News<'_> {
        News::new(&self.ring, session.and_then(|key| self.sessions.get(key)))
    }

    /// There is something to write for who has come to `cursor`.
    pub fn has_news(&self, session: Option<SessionKey>, cursor: Cursor) -> bool {
        self.news(session).is_behind(cursor)
    }

    /// Where a new listener begins that wants what comes from now on.
    pub const fn now(&self) -> Cursor {
        Cursor { shared: self.ring.view().newest(), own: Seq::new(0) }
    }

    /// Where a new listener begins that wants all that there is.
    pub const fn oldest(&self) -> Cursor {
        Cursor { shared: self.ring.view().before_oldest(), own: Seq::new(0) }
    }

    /// The events for all.
    pub const fn ring(&self) -> &EventRing<'m> {
        &self.ring
    }

    /// The sessions.
    pub const fn sessions(&self) -> &Sessions<'m, N> {
        &self.sessions
    }

    /// The sessions, to be changed.
    pub const fn sessions_mut(&mut self) -> &mut Sessions<'m, N> {
        &mut self.sessions
    }
}

/// Where messages go out, whatever the sizes of the [`Hub`] behind it.
pub trait Outlet {
    /// As [`Hub::publish`].
    ///
    /// # Errors
    ///
    /// As there.
    fn publish(&mut self, message: Message<'_>) -> Result<Seq, CapacityError>;

    /// As [`Hub::send`].
    ///
    /// # Errors
    ///
    /// As there.
    fn send(&mut self, to: SessionKey, message: Message<'_>) -> Result<Seq, SendError>;
}

impl<const N: usize> Outlet for Hub<'_, N> {
    fn publish(&mut self, message: Message<'_>) -> Result<Seq, CapacityError> {
        Hub::publish(self, message)
    }

    fn send(&mut self, to: SessionKey, message: Message<'_>) -> Result<Seq, SendError> {
        Hub::send(self, to, message)
    }
}

/// All that a listener may be given: events for all, and its session's own.
#[derive(Clone, Copy, Debug)]
pub struct News<'r> {
    shared: RingView<'r>,
    own: Option<RingView<'r>>,
}

/// What a listener is to be given next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'r> {
    /// An event of its session.
    Own(Event<'r>),
    /// An event for all.
    Shared(Event<'r>),
    /// Nothing: it has come to the end.
    Nothing,
    /// Events behind its cursor have left. Tell it so, and go on from this cursor, with the oldest that there are.
    Reset(Cursor),
}

impl<'r> News<'r> {
    /// The events of `ring`, and those of `session`: for tables of sessions that are not [`Sessions`].
    pub fn new(ring: &'r EventRing<'_>, session: Option<&'r Session<'_>>) -> Self {
        Self { shared: ring.view(), own: session.map(|session| session.ring().view()) }
    }

    /// What comes behind `cursor`. The session's own events go first.
    pub fn next(&self, cursor: Cursor) -> Next<'r> {
        self.next_near(cursor, &mut { Hint::NONE })
    }

    pub(crate) fn next_near(&self, cursor: Cursor, hint: &mut Hint) -> Next<'r> {
        let mut oldest = cursor;
        let own = self.own(cursor);
        if let Lookup::Found(event) = own {
            return Next::Own(event);
        }
        if own == Lookup::Gone {
            oldest.own = self.own.map_or(Seq::new(0), |own| own.before_oldest());
        }
        match self.shared(cursor, hint) {
            Lookup::Gone => oldest.shared = self.shared.before_oldest(),
            Lookup::Found(event) if own == Lookup::NotYet => return Next::Shared(event),
            Lookup::NotYet if own == Lookup::NotYet => return Next::Nothing,
            _ => {}
        }
        Next::Reset(oldest)
    }

    /// There is something behind `cursor`.
    pub fn is_behind(&self, cursor: Cursor) -> bool {
        self.next(cursor) != Next::Nothing
    }

    /// The next of the events for all; there may be many, so `hint` says where the one before lay.
    pub(crate) fn shared(&self, cursor: Cursor, hint: &mut Hint) -> Lookup<'r> {
        self.shared.get_near(cursor.shared.next(), hint)
    }

    /// The next of the session's own. Without a session there is never one.
    pub(crate) fn own(&self, cursor: Cursor) -> Lookup<'r> {
        self.own.map_or(Lookup::NotYet, |own| own.get(cursor.own.next()))
    }
}
