//! A response that does not end: [`Stream`], which writes events in a [`Format`], from wherever a listener stands, into any
//! room. What one event looks like is said by each technique, in its own file.

use super::event::{Control, Item};
use super::ring::Hint;
use super::{Cursor, Lookup, News, Next, Seq, Sid};
use crate::bytes::Output;
use crate::frame::CloseCode;
use crate::http::pieces::Pieces;
use crate::time::{Duration, Instant};

/// How a technique writes what a listener is given: [`Sse`](super::Sse), [`XhrStream`](super::XhrStream),
/// [`HtmlStream`](super::HtmlStream), [`Multipart`](super::Multipart), or any of them, [`AnyFormat`](super::AnyFormat).
pub trait Format: sealed::Writes {
    /// The value of `Content-Type` of the response.
    fn content_type(&self) -> &'static str;

    /// Further fields of the response, for all techniques alike: nobody may store it, change it, hold it back or take it for
    /// anything else than it says.
    const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("Cache-Control", "no-store, no-transform"),
        ("X-Accel-Buffering", "no"),
        ("X-Content-Type-Options", "nosniff"),
    ];
}

pub(crate) mod sealed {
    use super::{Cursor, Item, Pieces};

    /// What only this crate calls, and implements.
    pub trait Writes {
        /// Bytes behind which the response ends, so that the client comes back for another: it keeps all of it in memory.
        fn limit(&self) -> u32;
        /// What stands in front of the first event.
        fn put_begin(&self, pieces: &mut Pieces<'_, '_>);
        /// An event. `id`: what the client has come to with it.
        fn put_item(&self, pieces: &mut Pieces<'_, '_>, id: Cursor, item: Item<'_>);
    }
}

/// The event that is half written has left the ring: its rest is lost, so end the connection now, by a reset if the length of
/// the response was told. The client comes back by itself, from the event before. It read too slowly, or the ring is too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lost;

impl core::fmt::Display for Lost {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an event left the ring while it was being written")
    }
}

impl core::error::Error for Lost {}

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub enum Progress {
    /// The output is full: write it out, clear it and call again.
    Full,
    /// All that there is has been written. Call again when there is news, or at the timeout.
    Idle,
    /// The stream ends here: end the response.
    Ended,
}

/// Writes the body of a response that goes on for as long as the client stays: events, as they come.
///
/// It holds no event, only how far its listener has come. Work of a call is bounded by the room in the output and by the length of
/// one event, of which the part that went out before is looked at again: so lend an output that is not much
/// smaller than the events, 1 KB or so.
///
/// # Memory
///
/// 25 words, and the format.
///
/// ```
/// use ws_core::transport::{EventRing, News, Progress, Seq, Sse, Stream};
/// use ws_core::{Duration, Instant, Message, Output};
/// let (mut memory, mut buf) = ([0; 256], [0; 256]);
/// let mut ring = EventRing::new(&mut memory, Seq::new(16));
/// let now = Instant::from_millis(0);
/// let mut stream = Stream::new(Sse::PLAIN, Default::default(), Duration::from_secs(15), now);
/// # let mut stream = Stream::new(Sse::PLAIN, ws_core::transport::Cursor::parse("16").unwrap(), Duration::from_secs(15), now);
/// ring.publish(Message::Text("hello"))?;
/// let mut out = Output::new(&mut buf);
/// while stream.transmit(&News::new(&ring, None), now, &mut out) == Ok(Progress::Full) {
///     // write `out.filled()` to the transport
///     out.clear();
/// }
/// assert!(out.filled().ends_with(b"id: 17\ndata: hello\n\n"));
/// # Ok::<_, ws_core::CapacityError>(())
/// ```
#[derive(Clone)]
pub struct Stream<F> {
    format: F,
    feed: Feed,
    is_begun: bool,
    is_ended: bool,
    /// Bytes of what is being written that are out.
    at: usize,
    /// Bytes that are out in all.
    written: u32,
}

impl<F: Format> Stream<F> {
    /// A stream for a listener who has come to `cursor`, with a sign of life whenever it was quiet for `ping`
    /// ([`Duration::ZERO`]: never).
    pub const fn new(format: F, cursor: Cursor, ping: Duration, now: Instant) -> Self {
        let feed = Feed::new(cursor, ping, now);
        Self { format, feed, is_begun: false, is_ended: false, at: 0, written: 0 }
    }

    /// The same for a listener that has a session, which is named in what comes first.
    #[must_use]
    pub fn with_session(mut self, sid: Sid) -> Self {
        self.feed.sid = Some(sid);
        self
    }

    /// The format, which says what the head of the response has to say.
    pub const fn format(&self) -> &F {
        &self.format
    }

    /// Writes as much as fits of what `news` has for this listener.
    ///
    /// # Errors
    ///
    /// [`Lost`]: end the connection.
    pub fn transmit(
        &mut self,
        news: &News<'_>,
        now: Instant,
        out: &mut Output<'_>,
    ) -> Result<Progress, Lost> {
        loop {
            if self.is_ended {
                return Ok(Progress::Ended);
            }
            if !self.is_begun {
                let mut pieces = Pieces::new(&mut self.at, out);
                self.format.put_begin(&mut pieces);
                if !pieces.is_done() {
                    return Ok(Progress::Full);
                }
                self.is_begun = true;
                self.written = core::mem::take(&mut self.at) as u32;
            }
            // One that is to be closed ends behind what there is, for its client does not come back for that.
            let is_full = self.written >= self.format.limit() && self.feed.close.is_none();
            let is_over = self.at == 0 && is_full;
            let Some(pick) = self.feed.pick(news, self.at != 0, is_over) else {
                self.is_ended = is_over;
                if is_over {
                    continue;
                }
                return Ok(Progress::Idle);
            };
            let (id, item) = self.feed.item(pick, news)?;
            let (before, mut pieces) = (out.space(), Pieces::new(&mut self.at, out));
            self.format.put_item(&mut pieces, id, item);
            let is_done = pieces.is_done();
            if out.space() != before {
                self.feed.heard = now;
            }
            if !is_done {
                return Ok(Progress::Full);
            }
            self.written = self.written.saturating_add(core::mem::take(&mut self.at) as u32);
            self.is_ended = matches!(pick, Pick::Close);
            self.feed.finish(pick);
        }
    }

    /// What the client has been given whole.
    pub const fn cursor(&self) -> Cursor {
        self.feed.cursor
    }

    /// There is something to write.
    pub fn wants_transmit(&self, news: &News<'_>) -> bool {
        !self.is_ended
            && (!self.is_begun || self.at != 0 || self.feed.is_owed() || news.is_behind(self.cursor()))
    }

    /// Tells the client that its messages up to `seq` have come.
    pub fn acknowledge(&mut self, seq: Seq) {
        self.feed.ack = Some(seq);
    }

    /// Ends the stream behind all that there is, and tells the client that its session is over. Of two calls, the first counts.
    pub fn close(&mut self, code: CloseCode, reason: &'static str) {
        self.feed.close = self.feed.close.or(Some((code, reason)));
    }

    /// When the next sign of life is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.feed.poll_timeout().filter(|_| !self.is_ended)
    }

    /// At the time of [`poll_timeout`](Self::poll_timeout), makes a sign of life owed: transmit. At any other time it does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.feed.handle_timeout(now);
    }
}

/// What a listener is given, in which order: what both a response that goes on and a WebSocket are made of.
#[derive(Clone)]
pub(crate) struct Feed {
    pub(crate) cursor: Cursor,
    pub(crate) sid: Option<Sid>,
    pub(crate) ack: Option<Seq>,
    close: Option<(CloseCode, &'static str)>,
    current: Option<Pick>,
    is_open: bool,
    is_ping_owed: bool,
    /// Where the last event for all lies.
    hint: Hint,
    ping: Duration,
    /// When the client last heard something.
    pub(crate) heard: Instant,
}

/// What is being written. It stays what it is until it is out, whatever else comes meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Open,
    Ack(Seq),
    Own,
    Shared,
    Reset(Cursor),
    Close,
    Ping,
}

impl Feed {
    pub(crate) const fn new(cursor: Cursor, ping: Duration, now: Instant) -> Self {
        Self {
            cursor,
            sid: None,
            ack: None,
            close: None,
            current: None,
            is_open: false,
            is_ping_owed: false,
            hint: Hint::NONE,
            ping,
            heard: now,
        }
    }

    /// What to write next. `is_begun`: it is half out, so it is what it was. `is_over`: no more news.
    pub(crate) fn pick(&mut self, news: &News<'_>, is_begun: bool, is_over: bool) -> Option<Pick> {
        if !is_begun {
            self.current = self.choose(news, is_over);
        }
        self.current
    }

    fn choose(&mut self, news: &News<'_>, is_over: bool) -> Option<Pick> {
        if !self.is_open {
            return Some(Pick::Open);
        }
        if let Some(seq) = self.ack {
            return Some(Pick::Ack(seq));
        }
        match news.next_near(self.cursor, &mut self.hint) {
            _ if is_over => None,
            Next::Own(_) => Some(Pick::Own),
            Next::Shared(_) => Some(Pick::Shared),
            Next::Reset(cursor) => Some(Pick::Reset(cursor)),
            Next::Nothing if self.close.is_some() => Some(Pick::Close),
            Next::Nothing => self.is_ping_owed.then_some(Pick::Ping),
        }
    }

    /// What `pick` says, and where the client stands behind it.
    pub(crate) fn item<'r>(&self, pick: Pick, news: &News<'r>) -> Result<(Cursor, Item<'r>), Lost> {
        let mut id = self.cursor;
        let control = match pick {
            Pick::Own => {
                let Lookup::Found(event) = news.own(id) else { return Err(Lost) };
                id.own = id.own.next();
                return Ok((id, Item::Event(event)));
            }
            Pick::Shared => {
                let Lookup::Found(event) = news.shared(id, &mut { self.hint }) else { return Err(Lost) };
                id.shared = id.shared.next();
                return Ok((id, Item::Event(event)));
            }
            Pick::Open => Control::Open { sid: self.sid, ping: self.ping },
            Pick::Ack(seq) => Control::Ack(seq),
            Pick::Reset(cursor) => {
                id = cursor;
                Control::Reset
            }
            Pick::Close => {
                let (code, reason) = self.close.unwrap_or((CloseCode::NORMAL, ""));
                Control::Close { code, reason }
            }
            Pick::Ping => Control::Ping,
        };
        Ok((id, Item::Control(control)))
    }

    /// `pick` is out.
    pub(crate) fn finish(&mut self, pick: Pick) {
        self.current = None;
        self.is_ping_owed = false;
        match pick {
            Pick::Open => self.is_open = true,
            Pick::Own => self.cursor.own = self.cursor.own.next(),
            Pick::Shared => self.cursor.shared = self.cursor.shared.next(),
            Pick::Reset(cursor) => self.cursor = cursor,
            Pick::Ack(seq) => self.ack = self.ack.filter(|owed| *owed != seq),
            Pick::Close | Pick::Ping => {}
        }
    }

    pub(crate) fn is_owed(&self) -> bool {
        !self.is_open || self.ack.is_some() || self.close.is_some() || self.is_ping_owed
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let is_due = self.ping != Duration::ZERO && !self.is_ping_owed;
        is_due.then(|| self.heard.after(self.ping))
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.is_ping_owed |= self.poll_timeout().is_some_and(|due| now.has_reached(due));
    }
}

impl<F: core::fmt::Debug> core::fmt::Debug for Stream<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (format, feed) = (&self.format, &self.feed);
        f.debug_struct("Stream").field("format", format).field("feed", feed).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for Feed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (cursor, current) = (&self.cursor, &self.current);
        f.debug_struct("Feed").field("cursor", cursor).field("current", current).finish_non_exhaustive()
    }
}
