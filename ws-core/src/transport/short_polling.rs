//! Short polling: [`PollBody`], the answer to a poll, which [long polling](super::LongPoll) and JSONP give too.
//!
//! How it works: the page asks every few seconds, `GET E?since=17`, and gets what has come since: 200 and
//! `{"next":"17.4","events":[…]}`, or 204 when there is nothing. It asks next with `since=` what `next` said.
//!
//! What it costs: a request and a head of a response each time, some 600 bytes, whether there is anything or not; and an event is late by half
//! the time between two polls. No socket stays open in between, unless the browser keeps it.
//!
//! When to use it: for many pages on a device of few sockets that show something that is seldom urgent; and where a proxy cuts
//! off whatever does not answer at once.

use super::event::{Control, Item, put_cursor, put_item};
use super::ring::Hint;
use super::{Callback, Cursor, Event, Lookup, Lost, News, Next};
use crate::bytes::Output;
use crate::http::pieces::Pieces;

/// The body of an answer to a poll: measured when it is made, for `Content-Length`, and written into any room.
///
/// It holds no event, but which ones are to go out. If one of them leaves the ring before it is out, the answer cannot be finished.
///
/// # Memory
///
/// 45 words, of which 17 are for the name of a function.
///
/// ```
/// use ws_core::transport::{Cursor, EventRing, News, PollBody, Seq};
/// use ws_core::{Message, Output};
/// let (mut memory, mut buf) = ([0; 256], [0; 256]);
/// let mut ring = EventRing::new(&mut memory, Seq::new(16));
/// ring.publish(Message::Text("hello"))?;
/// let news = News::new(&ring, None);
/// let mut body = PollBody::new(&news, Cursor::parse("16").expect("one"), PollBody::LIMIT);
/// assert!(!body.is_empty(), "else: 204");
/// let mut out = Output::new(&mut buf);
/// assert_eq!(body.transmit(&news, &mut out), Ok(true));
/// assert_eq!(out.filled(), br#"{"next":"17","events":[{"id":"17","data":"hello"}]}"#);
/// assert_eq!(out.filled().len(), body.len());
/// # Ok::<_, ws_core::CapacityError>(())
/// ```
#[derive(Clone)]
pub struct PollBody {
    /// Where the first event stands that is in it.
    from: Cursor,
    /// Where the last one does.
    to: Cursor,
    is_reset: bool,
    open: Option<Control>,
    close: Option<Control>,
    callback: Option<Callback>,
    len: usize,
    at: Place,
}

/// Where the writer is: in which part, at which of its bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    part: Part,
    byte: usize,
    hint: Hint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    Open,
    Reset,
    /// The event behind this cursor.
    Event(Cursor),
    Close,
    Tail,
    Done,
}

impl PollBody {
    /// `Content-Type` of the answer, unless a function is to be called: [`Callback::CONTENT_TYPE`].
    pub const CONTENT_TYPE: &'static str = "application/json";

    /// Further fields of the answer: nobody may store it, or take it for anything else than it says.
    pub const FIELDS: &'static [(&'static str, &'static str)] =
        &[("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")];

    /// A good limit for the length of an answer, in bytes.
    pub const LIMIT: usize = 16 << 10;

    /// The answer to a client that has come to `since`: all that `news` has behind it, as far as `limit` bytes of events go; and one event
    /// in any case, so that the client gets on. The others are for the next poll.
    pub fn new(news: &News<'_>, since: Cursor, limit: usize) -> Self {
        let mut body = Self::unmeasured(news, since, limit);
        body.measure(news);
        body
    }

    /// The same with all that the functions below add, measured once.
    pub(super) fn complete(
        news: &News<'_>,
        since: Cursor,
        limit: usize,
        open: Option<Control>,
        close: Option<Control>,
        callback: Option<Callback>,
    ) -> Self {
        let mut body = Self::unmeasured(news, since, limit);
        (body.open, body.close, body.callback) = (open, close, callback);
        body.measure(news);
        body
    }

    /// Which events are in it; how long it becomes is [measured](Self::measure) once all else is. Not inlined, so that what it looks
    /// up with does not lie below that.
    #[inline(never)]
    fn unmeasured(news: &News<'_>, since: Cursor, limit: usize) -> Self {
        let at = Place { part: Part::Head, byte: 0, hint: Hint::NONE };
        let (from, to) = (since, since);
        let mut body =
            Self { from, to, is_reset: false, open: None, close: None, callback: None, len: 0, at };
        if let Next::Reset(oldest) = news.next(since) {
            (body.from, body.to, body.is_reset) = (oldest, oldest, true);
        }
        let (mut len, mut hint) = (0usize, Hint::NONE);
        loop {
            let (id, event) = match news.next_near(body.to, &mut hint) {
                Next::Own(event) => (own(body.to), event),
                Next::Shared(event) => (shared(body.to), event),
                Next::Nothing | Next::Reset(_) => break,
            };
            let more = Pieces::measure(|pieces| put_item(pieces, id, Item::Event(event))).saturating_add(1);
            len = len.saturating_add(more);
            if len > limit && body.to != body.from {
                break;
            }
            body.to = id;
        }
        body
    }

    /// The same with [`Control::Open`] in front: the first answer that a session gets.
    #[must_use]
    pub fn with_open(mut self, news: &News<'_>, open: Control) -> Self {
        self.open = Some(open);
        self.measure(news);
        self
    }

    /// The same with [`Control::Close`] at the end: the last answer that a session gets.
    #[must_use]
    pub fn with_close(mut self, news: &News<'_>, close: Control) -> Self {
        self.close = Some(close);
        self.measure(news);
        self
    }

    /// The same as a script that calls a function: `/**/fn(…);`.
    #[must_use]
    pub fn with_callback(mut self, news: &News<'_>, callback: Callback) -> Self {
        self.callback = Some(callback);
        self.measure(news);
        self
    }

    /// There is nothing in it: answer 204, or, where a function waits to be called, 200 all the same.
    pub fn is_empty(&self) -> bool {
        self.from == self.to && !self.is_reset && self.open.is_none() && self.close.is_none()
    }

    /// A function is to be called with it.
    pub const fn is_script(&self) -> bool {
        self.callback.is_some()
    }

    /// The length of the body in bytes.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// What the client has come to with it, once all is out.
    pub const fn next(&self) -> Cursor {
        self.to
    }

    /// The value of `Content-Type`.
    pub const fn content_type(&self) -> &'static str {
        if self.callback.is_some() { Callback::CONTENT_TYPE } else { Self::CONTENT_TYPE }
    }

    /// Writes as much as fits. `true`: all is in `out`. `false`: write `out` out, clear it and call again. `news` is that of the
    /// same listener each time.
    ///
    /// # Errors
    ///
    /// [`Lost`]: end the connection, by a reset, as the length was told.
    #[must_use = "`Ok(false)` asks to be called again"]
    pub fn transmit(&mut self, news: &News<'_>, out: &mut Output<'_>) -> Result<bool, Lost> {
        while self.at.part != Part::Done {
            let Place { part, mut byte, mut hint } = self.at;
            let mut pieces = Pieces::new(&mut byte, out);
            let next = self.put_part(news, part, &mut hint, &mut pieces)?;
            let is_done = pieces.is_done();
            if !is_done {
                self.at = Place { part, byte, hint };
                return Ok(false);
            }
            self.at = Place { part: next, byte: 0, hint };
        }
        Ok(true)
    }

    fn measure(&mut self, news: &News<'_>) {
        let (mut part, mut hint) = (Part::Head, Hint::NONE);
        self.len = Pieces::measure(|pieces| {
            while part != Part::Done {
                // What was just looked up is still there.
                part = self.put_part(news, part, &mut hint, pieces).unwrap_or(Part::Done);
            }
        });
    }

    /// Writes a part, and says which one comes behind it.
    fn put_part(
        &self,
        news: &News<'_>,
        part: Part,
        hint: &mut Hint,
        pieces: &mut Pieces<'_, '_>,
    ) -> Result<Part, Lost> {
        let (id, item, next) = match part {
            Part::Head => {
                if let Some(callback) = &self.callback {
                    pieces.put(b"/**/").put(callback.as_bytes()).put(b"(");
                }
                pieces.put(b"{\"next\":\"");
                put_cursor(pieces, self.to);
                pieces.put(b"\",\"events\":[");
                return Ok(Part::Open);
            }
            Part::Open => (self.from, self.open.map(Item::Control), Part::Reset),
            Part::Reset => {
                let reset = self.is_reset.then_some(Item::Control(Control::Reset));
                (self.from, reset, Part::Event(self.from))
            }
            Part::Event(before) => match self.event(news, before, hint)? {
                Some((id, event)) => (id, Some(Item::Event(event)), Part::Event(id)),
                None => (self.to, None, Part::Close),
            },
            Part::Close => (self.to, self.close.map(Item::Control), Part::Tail),
            Part::Tail => {
                pieces.put(if self.callback.is_some() { b"]});" } else { b"]}" });
                return Ok(Part::Done);
            }
            Part::Done => return Ok(Part::Done),
        };
        if let Some(item) = item {
            if !self.is_first(part) {
                pieces.put(b",");
            }
            put_item(pieces, id, item);
        }
        Ok(next)
    }

    /// Nothing stands in the list before this part.
    fn is_first(&self, part: Part) -> bool {
        let behind_open = self.open.is_none();
        let behind_reset = behind_open && !self.is_reset;
        match part {
            Part::Reset => behind_open,
            Part::Event(before) => behind_reset && before == self.from,
            Part::Close => behind_reset && self.from == self.to,
            _ => true,
        }
    }

    /// The event behind `before`, if it is one of this answer's: first the session's own, then those for all, whatever else has
    /// come meanwhile.
    fn event<'r>(
        &self,
        news: &News<'r>,
        before: Cursor,
        hint: &mut Hint,
    ) -> Result<Option<(Cursor, Event<'r>)>, Lost> {
        let (id, found) = if before.own != self.to.own {
            (own(before), news.own(before))
        } else if before.shared != self.to.shared {
            (shared(before), news.shared(before, hint))
        } else {
            return Ok(None);
        };
        let Lookup::Found(event) = found else { return Err(Lost) };
        Ok(Some((id, event)))
    }
}

fn own(cursor: Cursor) -> Cursor {
    Cursor { own: cursor.own.next(), ..cursor }
}

fn shared(cursor: Cursor) -> Cursor {
    Cursor { shared: cursor.shared.next(), ..cursor }
}

impl core::fmt::Debug for PollBody {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (from, to, len) = (&self.from, &self.to, &self.len);
        let mut text = f.debug_struct("PollBody");
        text.field("from", from).field("to", to).field("len", len).finish_non_exhaustive()
    }
}
