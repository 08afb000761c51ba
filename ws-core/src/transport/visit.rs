//! One request to an [`Endpoint`], from its head to the end of its answer: [`Visit`]. It ties the techniques to [`http`](crate::http); the
//! bytes come and go through whoever has the socket.

use super::event::Control;
use super::route::{Asked, Endpoint, Rejection};
use super::stream::Format;
use super::upload::{Deliver, Upload};
use super::{
    AckBody, AnyFormat, Callback, Hub, Listener, LongPoll, Lost, PollBody, Progress, SessionKey, Stream,
};
use crate::bytes::{Input, Output};
use crate::entropy::Entropy;
use crate::error::UsageError;
use crate::frame::CloseCode;
use crate::http::exchange::{Exchange, Refusal};
use crate::http::{Chunks, Cors, CorsFields, Response};
use crate::time::{Duration, Instant};

/// A request and its answer, whichever technique it is of.
///
/// ```
/// use ws_core::http::exchange::{Exchange, Settings};
/// use ws_core::http::OriginPolicy;
/// use ws_core::transport::{Endpoint, EventRing, Hub, Progress, Seq, Sessions, Visit};
/// use ws_core::{Duration, Input, Instant, Message, Output};
///
/// # struct Dice; impl ws_core::Entropy for Dice { fn fill(&mut self, bytes: &mut [u8]) { bytes.fill(4); } }
/// # let mut rx = *b"GET /events?as=sse&since=16 HTTP/1.1\r\nHost: h\r\n\r\n";
/// # let now = Instant::from_millis(0);
/// const EVENTS: Endpoint<'static> = Endpoint::new(OriginPolicy::SameOrigin);
/// let (mut shared, mut own, mut store, mut tx) = ([0; 4096], [0; 1024], [0; 512], [0; 1024]);
/// let sessions = Sessions::<4>::new(&mut own, Duration::from_secs(30));
/// let mut hub = Hub::new(EventRing::new(&mut shared, Seq::new(16)), sessions);
/// let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, now);
/// let mut input = Input::new(&mut rx);
/// assert!(exchange.receive(&mut input)?);
/// let mut visit = Visit::new(&EVENTS, EVENTS.asked(&exchange.request()), &mut hub, now, &mut Dice);
/// hub.publish(Message::Text("hello"))?;
/// while !visit.receive(&mut exchange, &mut input, &mut hub, &mut |_, _, _| {})? {
///     // read more into the input
/// }
/// let mut out = Output::new(&mut tx);
/// while visit.transmit(&EVENTS, &exchange, &mut hub, now, &mut out)? == Progress::Full {
///     out.clear(); // written to the transport
/// }
/// // Idle: wait for news, the timeout, or the end of the connection; then
/// visit.end(&mut hub, now);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory
///
/// 54 words: the largest is an answer to a poll.
pub struct Visit {
    task: Task,
    listener: Option<Listener>,
    /// Bytes of the head that are out.
    at: usize,
    /// The head is out.
    is_begun: bool,
    closes: bool,
}

enum Task {
    Reject(Rejection),
    Preflight,
    Upload(Upload),
    /// What is wrong with messages that came.
    Refuse(u16, &'static str),
    Wait(LongPoll, Option<Callback>),
    Poll(PollBody),
    Ack(AckBody),
    Stream(Stream<AnyFormat>, Option<Chunks>),
    /// All is said but the end. Whatever becomes of the session now, nothing may come between its bytes.
    Finish(Chunks),
    Done,
}

const FULL: Task = Task::Reject(Rejection::Full);

impl Visit {
    /// Begins to do what was asked. For a WebSocket, use a [`Listener`] instead; here it is told to ask for another technique.
    pub fn new<const N: usize>(
        endpoint: &Endpoint<'_>,
        asked: Asked,
        hub: &mut Hub<'_, N>,
        now: Instant,
        entropy: &mut impl Entropy,
    ) -> Self {
        hub.sessions_mut().handle_timeout(now); // nobody comes back to what is over
        let mut listener = None;
        let task = match asked {
            Asked::Reject(rejection) => Task::Reject(rejection),
            Asked::Preflight => Task::Preflight,
            Asked::WebSocket { .. } => Task::Refuse(400, "no WebSocket here\n"),
            Asked::Stream { listening, format } => {
                listener = Listener::begin(&listening, hub, now, entropy);
                listener.as_ref().map_or(FULL, |listener| {
                    let mut stream = Stream::new(format, listener.cursor(), endpoint.ping, now);
                    if let Some(sid) = listener.sid(hub) {
                        stream = stream.with_session(sid);
                    }
                    Task::Stream(stream, None)
                })
            }
            Asked::Poll { listening, wait, callback } => {
                listener = Listener::begin(&listening, hub, now, entropy);
                listener.as_ref().map_or(FULL, |listener| {
                    let wait = if listener.is_new() { Duration::ZERO } else { wait };
                    Task::Wait(LongPoll::new(listener.cursor(), wait, now), callback)
                })
            }
            Asked::Send(sending) => match Upload::begin(&sending, endpoint.message, hub) {
                Ok(upload) => Task::Upload(upload),
                Err((status, reason)) => Task::Refuse(status, reason),
            },
        };
        Self { task, listener, at: 0, is_begun: false, closes: true }
    }

    /// Says that there is no place for it: 503.
    pub const fn full() -> Self {
        Self { task: FULL, listener: None, at: 0, is_begun: false, closes: true }
    }

    /// Reads what belongs to the request. `true`: there is no more of it, [transmit](Self::transmit). `false`: transmit what
    /// the [exchange](Exchange::wants_transmit) wants to, then read more.
    ///
    /// `deliver` gets the messages that came, in pieces, each once, with the hub to answer through; a message counts as
    /// received with its last piece.
    ///
    /// # Errors
    ///
    /// The body is refused: answer so, and close.
    pub fn receive<'m, const N: usize>(
        &mut self,
        exchange: &mut Exchange<'_>,
        input: &mut Input<'_>,
        hub: &mut Hub<'m, N>,
        deliver: &mut Deliver<'_, 'm, N>,
    ) -> Result<bool, Refusal> {
        let Task::Upload(upload) = &mut self.task else { return Ok(true) };
        let Some(result) = upload.receive(exchange, input, hub, deliver)? else { return Ok(false) };
        upload.end(hub, exchange.now());
        self.task = match result {
            Ok(body) => Task::Ack(body),
            Err((status, reason)) => Task::Refuse(status, reason),
        };
        Ok(true)
    }

    /// Writes as much as fits of what there is for the client, into an output of 9 bytes or more: a smaller one holds nothing of a
    /// stream.
    ///
    /// [`Progress::Idle`]: it waits for news, for its [timeout](Self::poll_timeout), or for another listener of its session. Whether
    /// there is something, it finds out by itself: call again when any of that may be. [`Progress::Ended`]: go on with
    /// [`Exchange::next`] and [`closes`](Self::closes).
    ///
    /// # Errors
    ///
    /// [`Lost`]: reset the connection.
    pub fn transmit<const N: usize>(
        &mut self,
        endpoint: &Endpoint<'_>,
        exchange: &Exchange<'_>,
        hub: &mut Hub<'_, N>,
        now: Instant,
        out: &mut Output<'_>,
    ) -> Result<Progress, Lost> {
        match &self.task {
            // Its request has not been read yet.
            Task::Upload(_) => return Ok(Progress::Idle),
            Task::Wait(poll, callback) => {
                let is_current = self.listener.as_ref().and_then(|listener| listener.is_current(hub));
                let news = hub.news(self.session());
                if is_current == Some(true) && !poll.is_due(&news, now) {
                    return Ok(Progress::Idle);
                }
                self.task = Task::Poll(self.poll_body(endpoint, poll, *callback, hub));
            }
            _ => {}
        }
        if !self.is_begun {
            let head = Head { cors: &endpoint.cors, exchange, out, at: &mut self.at };
            let Some((closes, chunks)) = put_head(&self.task, head) else { return Ok(Progress::Full) };
            (self.is_begun, self.closes) = (true, closes);
            match (&mut self.task, chunks) {
                (Task::Stream(_, place), chunks @ Some(_)) => *place = chunks,
                (Task::Poll(_) | Task::Ack(_), Some(_)) => {}
                _ => self.task = Task::Done,
            }
        }
        let news = hub.news(self.session());
        let is_out = match &mut self.task {
            Task::Poll(body) => body.transmit(&news, out)?,
            Task::Ack(body) => body.transmit(out),
            Task::Stream(stream, Some(chunks)) => {
                let current = self.listener.as_ref().map_or(Some(true), |listener| listener.is_current(hub));
                if current.is_none() {
                    stream.close(CloseCode::NORMAL, "");
                }
                let mut progress = Ok(Progress::Ended);
                if current != Some(false) {
                    progress = Ok(Progress::Full);
                    // In less than 9 bytes nothing is written, and it stays full.
                    let _ = chunks.write(out, &mut |out| {
                        progress = stream.transmit(&news, now, out);
                        progress != Ok(Progress::Full)
                    });
                }
                let progress = progress?;
                if let Some(listener) = &self.listener {
                    listener.take(hub, stream.cursor());
                }
                if progress != Progress::Ended {
                    return Ok(progress);
                }
                self.task = Task::Finish(chunks.clone());
                true
            }
            _ => true,
        };
        let is_out = if let Task::Finish(chunks) = &mut self.task { chunks.finish(out) } else { is_out };
        if !is_out {
            return Ok(Progress::Full);
        }
        self.task = Task::Done;
        Ok(Progress::Ended)
    }

    /// When it has something to say without news: call [`handle_timeout`](Self::handle_timeout), and transmit.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.task {
            Task::Wait(poll, _) => Some(poll.poll_timeout()),
            Task::Stream(stream, _) => stream.poll_timeout(),
            _ => None,
        }
    }

    /// Says what time it is; calls at any time do no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Task::Stream(stream, _) = &mut self.task {
            stream.handle_timeout(now);
        }
    }

    /// Ends a wait: further bytes come in behind the poll, or its socket is needed.
    pub const fn hurry(&mut self) {
        if let Task::Wait(poll, _) = &mut self.task {
            poll.hurry();
        }
    }

    /// The session that listens here, if one does.
    pub fn session(&self) -> Option<SessionKey> {
        self.listener.as_ref().and_then(Listener::session)
    }

    /// The connection is to be closed behind the answer: for [`Exchange::next`].
    pub const fn closes(&self) -> bool {
        self.closes
    }

    /// The visit is over, or its connection is. Call it in any case: the session is there for as long as somebody visits.
    pub fn end<const N: usize>(&mut self, hub: &mut Hub<'_, N>, now: Instant) {
        if let Some(mut listener) = self.listener.take() {
            listener.end(hub, now);
        }
        if let Task::Upload(upload) = &self.task {
            upload.end(hub, now);
        }
        self.task = Task::Done;
    }

    /// The answer to a poll that waits no more.
    #[inline(never)]
    fn poll_body<const N: usize>(
        &self,
        endpoint: &Endpoint<'_>,
        poll: &LongPoll,
        callback: Option<Callback>,
        hub: &Hub<'_, N>,
    ) -> PollBody {
        let news = hub.news(self.session());
        let listener = self.listener.as_ref();
        let open = listener
            .filter(|listener| listener.is_new())
            .map(|listener| Control::Open { sid: listener.sid(hub), ping: Duration::ZERO });
        let is_over = listener.is_some_and(|listener| listener.is_current(hub).is_none());
        let close = is_over.then_some(Control::Close { code: CloseCode::NORMAL, reason: "" });
        PollBody::complete(&news, poll.cursor(), endpoint.poll, open, close, callback)
    }
}

impl core::fmt::Debug for Visit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (listener, is_begun) = (&self.listener, &self.is_begun);
        f.debug_struct("Visit")
            .field("listener", listener)
            .field("is_begun", is_begun)
            .finish_non_exhaustive()
    }
}

const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const NOSNIFF: (&str, &str) = ("X-Content-Type-Options", "nosniff");
const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");

/// What became of a head. `None`: the output is full. Else: whether the connection closes behind the answer, and what writes the
/// body; that is nothing if all is out.
type Put = Option<(bool, Option<Chunks>)>;

/// Writes the head, or all of an answer that has no body to speak of.
fn put_head(task: &Task, mut head: Head<'_, '_, '_>) -> Put {
    let fields: &[_] = match task {
        Task::Reject(Rejection::Full) => &[TEXT, NOSNIFF, NO_STORE, ("Retry-After", Rejection::RETRY_AFTER)],
        Task::Reject(Rejection::Method) => &[TEXT, NOSNIFF, NO_STORE, ("Allow", "GET, HEAD, POST, OPTIONS")],
        _ => &[TEXT, NOSNIFF, NO_STORE],
    };
    let stream = match task {
        Task::Preflight => return head.put_preflight(),
        Task::Reject(rejection) => return head.put_fixed(rejection.status(), fields, rejection.reason()),
        Task::Refuse(status, reason) => return head.put_fixed(*status, fields, reason),
        Task::Poll(body) if body.is_empty() && !body.is_script() => {
            return head.put_fixed(204, PollBody::FIELDS, "");
        }
        Task::Poll(body) => head.put_stream(PollBody::FIELDS, body.content_type(), Some(body.len())),
        Task::Ack(body) => head.put_stream(PollBody::FIELDS, body.content_type(), Some(body.len())),
        Task::Stream(stream, _) => head.put_stream(AnyFormat::FIELDS, stream.format().content_type(), None),
        Task::Upload(_) | Task::Wait(..) | Task::Finish(_) | Task::Done => return Some((true, None)),
    };
    // Not to happen: beside constants there is only an origin, which was read as one.
    stream.unwrap_or_else(|_| head.put_fixed(500, &[], "no valid answer\n"))
}

/// A head on its way out. It is made anew for each piece of it, so that nothing of it is kept.
struct Head<'v, 'e, 'o> {
    cors: &'v Cors<'e>,
    exchange: &'v Exchange<'v>,
    out: &'v mut Output<'o>,
    /// Bytes of it that are out.
    at: &'v mut usize,
}

// Three that are not inlined, so that their locals do not add up in one frame.
impl Head<'_, '_, '_> {
    #[inline(never)]
    fn put_preflight(&mut self) -> Put {
        let request = self.exchange.request();
        let fields = self.cors.preflight(&request);
        let response = fields.as_ref().map_or(Response::internal_server_error(), CorsFields::response);
        self.put(self.exchange.respond(response))
    }

    #[inline(never)]
    fn put_fixed(&mut self, status: u16, fields: &[(&str, &str)], body: &'static str) -> Put {
        let request = self.exchange.request();
        let further = self.cors.fields(&request);
        let response = Response::new(status, fields, body.as_bytes());
        let response = response.and_then(|response| response.with_fields(further.as_slice()));
        let response = response.unwrap_or(Response::internal_server_error());
        self.put(match status {
            // Sockets are scarce, so the client does not keep this one until it comes back.
            503 if request.method() == "HEAD" => response.for_head(),
            503 => response,
            _ => self.exchange.respond(response),
        })
    }

    fn put(&mut self, response: Response<'_>) -> Put {
        let mut response = response.resumed(*self.at);
        let done = response.transmit(self.out);
        *self.at = response.position();
        done.then(|| (response.closes(), None))
    }

    /// An error: a field may not go on the wire.
    #[inline(never)]
    fn put_stream(
        &mut self,
        fields: &[(&str, &str)],
        content_type: &str,
        len: Option<usize>,
    ) -> Result<Put, UsageError> {
        let request = self.exchange.request();
        let further = self.cors.fields(&request).with("Content-Type", content_type);
        let stream = self.exchange.stream(200, fields)?.with_fields(further.as_slice())?;
        let is_head = request.method() == "HEAD";
        let stream = if let Some(len) = len { stream.with_length(len) } else { stream };
        let mut stream = stream.resumed(*self.at);
        let done = stream.transmit(self.out);
        *self.at = stream.position();
        Ok(done.then(|| (stream.closes(), (!is_head).then(|| stream.chunks()))))
    }
}
