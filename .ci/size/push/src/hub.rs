//! What is listened to: the hub, what an application does with it, and where a request says that a listener stands.

use crate::http::Connection;
use crate::{Random, now, number};
use ws_core::transport::{Cursor, EventRing, Hub, News, Seq, SessionKey, Sessions, Sid};
use ws_core::{Duration, Message};

/// The hub, with an application that publishes what it reads.
pub struct Events {
    pub hub: Hub<'static, 4>,
    bytes: &'static mut [u8],
}

impl Events {
    pub fn new() -> Self {
        let ring = EventRing::new(transport::memory(), Seq::new(number()));
        let sessions = Sessions::new(transport::memory(), Duration::from_secs(30));
        Self { hub: Hub::new(ring, sessions), bytes: transport::memory() }
    }

    /// Time goes by: something happens, for all or for one. `false`: the connection has ended.
    pub fn wait(&mut self, listener: &Listener) -> bool {
        let goes_on = self.happen(listener.key);
        if let Some(session) = listener.key.and_then(|key| self.hub.sessions_mut().get_mut(key)) {
            session.take(listener.cursor.own);
        }
        goes_on
    }

    /// The same, and nobody says how far the listener has come.
    pub fn happen(&mut self, session: Option<SessionKey>) -> bool {
        let n = transport::read(self.bytes);
        let message = Message::Binary(self.bytes.get(..n).unwrap_or_default());
        let sent = match session {
            Some(key) if number() == 0 => self.hub.send(key, message).is_ok(),
            _ => self.hub.publish(message).is_ok(),
        };
        self.hub.sessions_mut().handle_timeout(now());
        sent && n != 0
    }

    /// The listener of a request, attached to its session. `None`: there is no place for one.
    pub fn attach(&mut self, connection: &Connection<'_, '_, '_>) -> Option<Listener> {
        let last = connection.request().field("last-event-id").or(connection.parameter("since"));
        let cursor = last.and_then(Cursor::parse).unwrap_or(self.hub.now());
        let Some(sid) = connection.parameter("s") else {
            return Some(Listener { key: None, sid: None, cursor });
        };
        let sessions = self.hub.sessions_mut();
        let found = Sid::parse(sid).and_then(|sid| sessions.find(&sid));
        let key = found.or_else(|| sessions.open(now(), &mut Random))?;
        let session = sessions.get_mut(key)?;
        session.attach();
        Some(Listener { key: Some(key), sid: Some(*session.sid()), cursor })
    }

    pub fn detach(&mut self, listener: &Listener) {
        if let Some(session) = listener.key.and_then(|key| self.hub.sessions_mut().get_mut(key)) {
            session.detach(now());
        }
    }

    pub fn news(&self, listener: &Listener) -> News<'_> {
        self.hub.news(listener.key)
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

/// Who listens.
pub struct Listener {
    pub key: Option<SessionKey>,
    pub sid: Option<Sid>,
    pub cursor: Cursor,
}

/// Answers when there is news, and says no more of it: all that there is below a technique.
pub fn has_news(mut connection: Connection<'_, '_, '_>, events: &mut Events) -> bool {
    let Some(listener) = events.attach(&connection) else { return connection.refuse(503) };
    while events.wait(&listener) && !events.news(&listener).is_behind(listener.cursor) {}
    events.detach(&listener);
    crate::hello(connection)
}
