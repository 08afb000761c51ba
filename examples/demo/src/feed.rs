//! A feed of telemetry, from its first sample to its last: [`run`]. It has a WebSocket of its own, so that nothing else is
//! counted, and it is what this demo compresses. The other WebSocket, in `session.rs`, is left plain: pictures and random bytes
//! get no shorter, strangers talk on it, and the fragments that it shows would be those of what is deflated.

use crate::counted::Counted;
use crate::messages::{FeedMessage, Sent};
use crate::telemetry::Telemetry;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use ws_std::{CloseCode, Compression, Error, Options, Server, Transport, WebSocket, Writer};

/// What page and server have agreed to say; the server alone says it.
pub(crate) const SUBPROTOCOL: &str = "feed.v1";

/// More are sent away: each costs two threads and the memory of [`COMPRESSION`].
const FEEDS_MAX: usize = 64;
const PERIOD: Duration = Duration::from_millis(200);

/// A sample is some 600 bytes and much like the one before it: a window of 4 KiB holds enough of them. References to earlier
/// samples are fine, since no secret is in them, nor anything that a stranger has said. To inflate, Firefox cannot be held to
/// less than 32 KiB. That makes 59 KB for each visitor; with 32 KiB both ways, it would be 163 KB.
const COMPRESSION: Compression = Compression::new(15, 12).with_takeover();

/// Options of the feed that this query asks for. To `/feed?compression=off` the answer agrees on no compression, whatever the
/// browser offers.
pub(crate) fn options(query: Option<&str>) -> Options {
    match query {
        Some("compression=off") => Options::DEFAULT,
        _ => Options::DEFAULT.with_compression(COMPRESSION),
    }
}

/// How many feeds there are.
#[derive(Debug, Default)]
pub(crate) struct Feeds(AtomicUsize);

/// A feed's place among the others.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl Feeds {
    /// `None`: there are too many.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        let more = |feeds| (feeds < FEEDS_MAX).then_some(feeds + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Place(&self.0))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Feeds a page until it is gone. `offered` are the extensions in its request.
pub(crate) fn run(ws: WebSocket<Counted, Server>, offered: &str) -> Result<(), Error> {
    let other = ws.stream().try_clone()?;
    let written = other.written();
    let agreed = ws.extensions().to_owned();
    let (mut reader, writer) = ws.split(other);
    let (alive, ended) = mpsc::channel::<()>();
    let (opened, mut tally) =
        (FeedMessage::Opened { offered, agreed: &agreed }, Tally::new(writer, &written));
    thread::scope(|scope| {
        let telling = thread::Builder::new()
            .spawn_scoped(scope, move || tally.say(&opened).and_then(|()| tell_samples(&mut tally, &ended)));
        telling.map_err(Error::Io)?;
        // It answers Pings and the page's Close; there is nothing else to be said here.
        let result = loop {
            match reader.read() {
                Ok(None) => break Ok(()),
                Ok(Some(_)) => reader.fail(CloseCode::POLICY_VIOLATION),
                Err(error) => break Err(error),
            }
        };
        drop(alive); // ends the other thread
        result
    })
}

/// Its error is that of the connection: the thread that reads finds out too, and why.
fn tell_samples(tally: &mut Tally<'_>, ended: &Receiver<()>) -> Result<(), Error> {
    let (begun, mut telemetry) = (Instant::now(), Telemetry::default());
    loop {
        let time = begun.elapsed().as_millis() as f64 / 1000.0;
        let sample = FeedMessage::Sample { before: tally.sent(), time, sensors: &telemetry.next() };
        tally.say(&sample)?;
        if ended.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
    }
}

/// Writes, and counts what is said and what goes over the wire for it.
struct Tally<'a> {
    writer: Writer<Counted, Server>,
    written: &'a AtomicU64,
    /// Bytes written before the first message: the response of the handshake.
    head: u64,
    messages: u64,
    payload: u64,
}

impl<'a> Tally<'a> {
    fn new(writer: Writer<Counted, Server>, written: &'a AtomicU64) -> Self {
        Self { writer, written, head: written.load(Ordering::Relaxed), messages: 0, payload: 0 }
    }

    /// Returns when the socket has taken all of it.
    fn say(&mut self, message: &FeedMessage<'_>) -> Result<(), Error> {
        let text = message.to_json();
        self.writer.send_text(&text)?;
        self.messages += 1;
        self.payload += text.len() as u64;
        Ok(())
    }

    /// Exact, at the only time at which it can be: between two messages, when all that was said is written. The next message
    /// tells it, and cannot count itself, whose length depends on what it tells and on how well that is compressed. So each
    /// tells of those before it; the figures are payload like all else, and are told of in the one after.
    fn sent(&self) -> Sent {
        let wire = self.written.load(Ordering::Relaxed) - self.head;
        Sent { messages: self.messages, payload: self.payload, wire }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_costs_what_is_said() {
        assert!(COMPRESSION.memory() < 59_000, "{}", COMPRESSION.memory());
    }

    #[test]
    fn a_place_is_free_again_when_its_feed_is_gone() {
        let feeds = Feeds::default();
        let mut places: Vec<_> = std::iter::from_fn(|| feeds.enter()).collect();
        assert_eq!(places.len(), FEEDS_MAX);
        places.pop();
        places.push(feeds.enter().expect("one has left"));
        assert!(feeds.enter().is_none());
    }
}
