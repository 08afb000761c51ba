//! Who listens, over whatever technique: [`Listener`], from which event on, and as which session. What is written to it, and how,
//! is not known here.

use super::route::{Listening, SessionWish};
use super::{Cursor, Hub, Seq, SessionKey, Sid, UpstreamError};
use crate::entropy::Entropy;
use crate::time::Instant;

/// A listener: made when it comes, to be [ended](Self::end) when its connection does. It holds no memory of the hub.
///
/// # Memory
///
/// 6 words.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Listener {
    session: Option<SessionKey>,
    turn: u16,
    cursor: Cursor,
    is_new: bool,
}

impl Listener {
    /// Begins to listen. `None`: it wants a session, and all are taken; answer 503.
    ///
    /// A connection that listened for the same session before has to stop: it [is not current](Self::is_current) any more.
    pub fn begin<const N: usize>(
        wanted: &Listening,
        hub: &mut Hub<'_, N>,
        now: Instant,
        entropy: &mut impl Entropy,
    ) -> Option<Self> {
        let sessions = hub.sessions_mut();
        sessions.handle_timeout(now);
        let known = match wanted.wish {
            SessionWish::Known(sid) => sessions.find(&sid),
            SessionWish::None | SessionWish::New => None,
        };
        let session = match (wanted.wish, known) {
            (SessionWish::None, _) => None,
            (_, Some(key)) => Some(key),
            (_, None) => Some(sessions.open(now, entropy)?),
        };
        let mut turn = 0;
        let mut cursor = wanted.since.unwrap_or(hub.now());
        if known.is_none() {
            cursor.own = Seq::new(0); // it knows of none of a session that has just begun
        }
        if let Some(session) = session.and_then(|key| hub.sessions_mut().get_mut(key)) {
            session.attach();
            session.take(cursor.own);
            turn = session.listen();
        }
        let is_new = wanted.since.is_none() || (session.is_some() && known.is_none());
        Some(Self { session, turn, cursor, is_new })
    }

    /// Its session, if it has one.
    pub const fn session(&self) -> Option<SessionKey> {
        self.session
    }

    /// The name of it, which the client has to be told.
    pub fn sid<const N: usize>(&self, hub: &Hub<'_, N>) -> Option<Sid> {
        self.session.and_then(|key| hub.sessions().get(key)).map(|session| *session.sid())
    }

    /// Where it begins.
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// It does not know where it stands, or who it is, before it is told.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// It may go on: no later connection listens for the same session. `None`: the session has ended.
    pub fn is_current<const N: usize>(&self, hub: &Hub<'_, N>) -> Option<bool> {
        let Some(key) = self.session else { return Some(true) };
        hub.sessions().get(key).map(|session| session.turn() == self.turn)
    }

    /// It was given what stands up to `cursor`.
    pub fn take<const N: usize>(&self, hub: &mut Hub<'_, N>, cursor: Cursor) {
        if let Some(session) = self.session.and_then(|key| hub.sessions_mut().get_mut(key)) {
            session.take(cursor.own);
        }
    }

    /// A message came over a WebSocket, its number `n`: see [`Inbox::accept`](super::Inbox::accept). Without a session each is new.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Gap`]; [`UpstreamError::Superseded`] if the session has ended: who ended it said all that there was to say.
    pub fn accept<const N: usize>(&self, hub: &mut Hub<'_, N>, n: Seq) -> Result<bool, UpstreamError> {
        let Some(key) = self.session else { return Ok(true) };
        let session = hub.sessions_mut().get_mut(key).ok_or(UpstreamError::Superseded)?;
        session.inbox_mut().accept(n)
    }

    /// The connection is over; the session lives on for its time.
    pub fn end<const N: usize>(&mut self, hub: &mut Hub<'_, N>, now: Instant) {
        if let Some(session) = self.session.take().and_then(|key| hub.sessions_mut().get_mut(key)) {
            session.detach(now);
        }
    }
}
