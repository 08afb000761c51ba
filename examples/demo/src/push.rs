//! The same news for all who listen, by whichever technique gets through to them, and an echo of what each of them says: [`News`].
//! What the techniques are is in `ws_core::transport`, the page's side of them in its `client.js`, which is `/push.js` here.

use serde::Serialize;
use std::io;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use ws_std::http::Requests;
use ws_std::push::{Endpoint, Hub, Push, SessionKey};
use ws_std::{Error, Message, OriginPolicy, Transport};

/// Pages of this server alone may listen and speak. Scripts may ask too (JSONP), so that this technique is to be seen beside the others:
/// there is nothing here that a stranger's page may not know. Elsewhere leave it off. As there is news all the time, a page may take a
/// connection that is silent for dead soon.
static ENDPOINT: Endpoint<'static> = Endpoint {
    jsonp: true,
    ping: ws_std::ws_core::Duration::from_secs(5),
    ..Endpoint::new(OriginPolicy::SameOrigin)
};

/// Pages that are here at once; more are told to come back.
const SESSIONS: usize = 64;
/// News of a minute: 1,200, of some 100 bytes with what the ring adds.
const RING: usize = 128 << 10;
/// Echoes that a page may have missed: four of the longest.
const OWN: usize = 20 << 10;
/// How long a page may be away and miss nothing.
const LIFETIME: Duration = Duration::from_secs(30);
const PERIOD: Duration = Duration::from_millis(50);

/// Stands in front of what comes back, so that a page tells it from the news.
const ECHO: &str = "echo:";

/// `{"n":17,"time":0.85,"at":1767225600000}`.
#[derive(Debug, Serialize)]
struct Item {
    /// Counts up by one from 1: what is missing or comes twice is seen by it.
    n: u64,
    /// Seconds since the first.
    time: f64,
    /// Milliseconds since 1970, by the server's clock.
    at: u64,
}

/// The news, and who listens.
#[derive(Debug)]
pub(crate) struct News(Push<'static, SESSIONS>);

impl News {
    pub(crate) fn new() -> io::Result<Self> {
        Push::with_memory(RING, OWN, LIFETIME).map(Self)
    }

    /// Says something 20 times a second, whether anybody listens or not.
    pub(crate) fn tell(&self) -> ! {
        let begun = Instant::now();
        for n in 1.. {
            let time = begun.elapsed().as_millis() as f64 / 1000.0;
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let item = Item { n, time, at: at.as_millis() as u64 };
            let text = serde_json::to_string(&item).unwrap_or_default();
            // It is much shorter than the ring.
            let _ = self.0.publish(Message::Text(&text));
            thread::sleep((begun + PERIOD * n as u32).saturating_duration_since(Instant::now()));
        }
        unreachable!("more news than there are numbers")
    }

    /// Answers one request for news, or one that says something.
    pub(crate) fn serve<S: Transport + Send>(&self, client: &mut Requests<'_, S>) -> Result<(), Error> {
        client.push(&self.0, &ENDPOINT, echo)
    }
}

/// What a page says comes back to its session. One that does not listen meanwhile may say more than there is room for: that is lost, as it
/// would be with any server that does not wait.
fn echo(hub: &mut Hub<'static, SESSIONS>, from: Option<SessionKey>, message: Message<'_>) {
    let Some(from) = from else { return };
    let _ = match message {
        Message::Text(text) => hub.send(from, Message::Text(&format!("{ECHO}{text}"))),
        Message::Binary(bytes) => hub.send(from, Message::Binary(&[ECHO.as_bytes(), bytes].concat())),
    };
}
