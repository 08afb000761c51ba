//! Where events are pushed from: [`Push`], which listeners on all sockets share; and a WebSocket that follows it, [`Following`].

use super::Service;
use crate::clock::{now, until};
use crate::link::{State, with};
use crate::{CloseCode, Error, Message, MessageBuffer, Server, UsageError, tcp};
use core::cell::{Cell, RefCell};
use core::future::{pending, poll_fn};
use core::task::{Context, Poll};
use embassy_futures::select::{Either, select};
use embassy_sync::waitqueue::MultiWakerRegistration;
use ws_core::error::CapacityError;
use ws_core::http::Request;
use ws_core::http::exchange::{Exchange, Refusal};
use ws_core::transport::websocket::TAKEN_OVER;
use ws_core::transport::{
    Asked, Endpoint, Hub, Listener, Listening, Lost, Outlet, Progress, SendError, Seq, SessionKey,
    UpstreamError, Visit, WebSocketError, WebSocketStream,
};
use ws_core::{Connection, Data, Entropy, Input, Output};

/// Events for listeners on all sockets of a server, by whichever technique each of them asks for: a [`Hub`], and who waits for it.
///
/// Answer with [`Answer::Push`](super::Answer::Push) on its path. Messages of clients come to [`Service::receive`].
///
/// # Memory
///
/// That of the hub, of the endpoint, and 20 words.
pub struct Push<'m, const N: usize, E> {
    endpoint: Endpoint<'m>,
    shared: RefCell<Shared<'m, N, E>>,
    /// Counts what listeners want to know of.
    version: Cell<u32>,
    wakers: RefCell<MultiWakerRegistration<{ super::SOCKETS_MAX }>>,
}

struct Shared<'m, const N: usize, E> {
    hub: Hub<'m, N>,
    entropy: E,
}

impl<'m, const N: usize, E: Entropy> Push<'m, N, E> {
    /// Events out of `hub`, for whom `endpoint` lets listen. `entropy` makes the names of sessions: from it depends that nobody
    /// guesses one.
    pub const fn new(endpoint: Endpoint<'m>, hub: Hub<'m, N>, entropy: E) -> Self {
        let shared = RefCell::new(Shared { hub, entropy });
        let wakers = RefCell::new(MultiWakerRegistration::new());
        Self { endpoint, shared, version: Cell::new(0), wakers }
    }

    /// Sends `message` to all who listen.
    ///
    /// # Errors
    ///
    /// It is longer than the ring of events. In [`Service::receive`], always: there is an outlet for that.
    pub fn publish(&self, message: Message<'_>) -> Result<Seq, CapacityError> {
        self.with(|hub| hub.publish(message)).unwrap_or(Err(CapacityError))
    }

    /// Sends `message` to one session.
    ///
    /// # Errors
    ///
    /// As [`Hub::send`]. In [`Service::receive`], [`SendError::Full`]: there is an outlet for that.
    pub fn send(&self, to: SessionKey, message: Message<'_>) -> Result<Seq, SendError> {
        self.with(|hub| hub.send(to, message)).unwrap_or(Err(SendError::Full))
    }

    /// Lends the hub; then wakes who listens. `None` in [`Service::receive`].
    pub fn with<O>(&self, f: impl FnOnce(&mut Hub<'m, N>) -> O) -> Option<O> {
        let output = self.shared.try_borrow_mut().ok().map(|mut shared| f(&mut shared.hub));
        self.wake();
        output
    }
}

impl<const N: usize, E> Push<'_, N, E> {
    #[inline(never)]
    fn wake(&self) {
        self.version.set(self.version.get().wrapping_add(1));
        with(&self.wakers, MultiWakerRegistration::wake);
    }
}

/// A [`Push`], whatever its sizes.
pub trait PushPoint: sealed::Point {}

impl<const N: usize, E: Entropy> PushPoint for Push<'_, N, E> {}

/// Takes messages of clients, in pieces.
pub(super) type Take<'t> = dyn FnMut(&mut dyn Outlet, SessionKey, Data<'_>) + 't;

pub(super) mod sealed {
    use super::*;

    /// What sockets ask of a [`Push`]; nothing of it waits.
    pub trait Point {
        fn asked(&self, request: &Request<'_>) -> Asked;
        /// Bytes that a message of a client may have, by whatever technique, where there is memory for so many.
        fn message_limit(&self, room: usize) -> usize;
        /// `room`: bytes of a message that can be put together.
        fn begin(&self, asked: Asked, room: usize) -> Visit;
        fn receive(
            &self,
            visit: &mut Visit,
            exchange: &mut Exchange<'_>,
            input: &mut Input<'_>,
            take: &mut Take<'_>,
        ) -> Result<bool, Refusal>;
        fn transmit(
            &self,
            visit: &mut Visit,
            exchange: &Exchange<'_>,
            out: &mut Output<'_>,
        ) -> Result<Progress, Lost>;
        fn end(&self, visit: &mut Visit);

        fn listen(&self, listening: &Listening) -> Option<(Listener, WebSocketStream)>;
        fn is_current(&self, listener: &Listener) -> Option<bool>;
        fn accept(&self, listener: &Listener, n: Seq) -> Result<bool, UpstreamError>;
        fn lend(&self, f: &mut dyn FnMut(&mut dyn Outlet));
        fn follow(
            &self,
            listener: &Listener,
            stream: &mut WebSocketStream,
            ws: &mut Connection<Server>,
            out: &mut Output<'_>,
        ) -> Result<Progress, WebSocketError>;
        fn leave(&self, listener: &mut Listener, is_over: bool);

        /// Changes whenever there may be something to write.
        fn version(&self) -> u32;
        fn poll_changed(&self, seen: u32, cx: &mut Context<'_>) -> Poll<()>;
    }
}

impl<const N: usize, E: Entropy> sealed::Point for Push<'_, N, E> {
    fn asked(&self, request: &Request<'_>) -> Asked {
        self.endpoint.asked(request)
    }

    fn message_limit(&self, room: usize) -> usize {
        usize::try_from(self.endpoint.message).unwrap_or(usize::MAX).min(room)
    }

    fn begin(&self, asked: Asked, room: usize) -> Visit {
        // What cannot be put together must not count as received.
        let message = u32::try_from(self.message_limit(room)).unwrap_or(u32::MAX);
        let endpoint = Endpoint { message, ..self.endpoint };
        let visit = with(&self.shared, |shared| {
            Visit::new(&endpoint, asked, &mut shared.hub, now(), &mut shared.entropy)
        });
        self.wake(); // a listener before it may have to stop
        visit.unwrap_or(Visit::full())
    }

    fn receive(
        &self,
        visit: &mut Visit,
        exchange: &mut Exchange<'_>,
        input: &mut Input<'_>,
        take: &mut Take<'_>,
    ) -> Result<bool, Refusal> {
        let mut deliver = |hub: &mut Hub<'_, N>, from: SessionKey, data: Data<'_>| take(hub, from, data);
        let result =
            with(&self.shared, |shared| visit.receive(exchange, input, &mut shared.hub, &mut deliver));
        self.wake();
        result.unwrap_or(Err(Refusal::Over))
    }

    fn transmit(
        &self,
        visit: &mut Visit,
        exchange: &Exchange<'_>,
        out: &mut Output<'_>,
    ) -> Result<Progress, Lost> {
        let result = with(&self.shared, |shared| {
            visit.transmit(&self.endpoint, exchange, &mut shared.hub, now(), out)
        });
        result.unwrap_or(Err(Lost))
    }

    fn end(&self, visit: &mut Visit) {
        with(&self.shared, |shared| visit.end(&mut shared.hub, now()));
    }

    fn listen(&self, listening: &Listening) -> Option<(Listener, WebSocketStream)> {
        let begun = with(&self.shared, |shared| {
            let Shared { hub, entropy } = shared;
            let listener = Listener::begin(listening, hub, now(), entropy)?;
            let mut stream = WebSocketStream::new(listener.cursor(), self.endpoint.ping, now());
            if let Some(sid) = listener.sid(hub) {
                stream = stream.with_session(sid);
            }
            Some((listener, stream))
        });
        self.wake();
        begun.flatten()
    }

    fn is_current(&self, listener: &Listener) -> Option<bool> {
        with(&self.shared, |shared| listener.is_current(&shared.hub)).flatten()
    }

    fn accept(&self, listener: &Listener, n: Seq) -> Result<bool, UpstreamError> {
        with(&self.shared, |shared| listener.accept(&mut shared.hub, n)).unwrap_or(Ok(false))
    }

    fn lend(&self, f: &mut dyn FnMut(&mut dyn Outlet)) {
        with(&self.shared, |shared| f(&mut shared.hub));
        self.wake();
    }

    fn follow(
        &self,
        listener: &Listener,
        stream: &mut WebSocketStream,
        ws: &mut Connection<Server>,
        out: &mut Output<'_>,
    ) -> Result<Progress, WebSocketError> {
        let result = with(&self.shared, |shared| {
            let progress = stream.transmit(ws, &shared.hub.news(listener.session()), now(), out)?;
            listener.take(&mut shared.hub, stream.cursor());
            Ok(progress)
        });
        result.unwrap_or(Err(WebSocketError::Lost))
    }

    fn leave(&self, listener: &mut Listener, is_over: bool) {
        with(&self.shared, |shared| {
            let is_over = is_over && listener.is_current(&shared.hub) == Some(true);
            if let Some(session) = listener.session().filter(|_| is_over) {
                shared.hub.sessions_mut().close(session);
            }
            listener.end(&mut shared.hub, now());
        });
        self.wake();
    }

    fn version(&self) -> u32 {
        self.version.get()
    }

    fn poll_changed(&self, seen: u32, cx: &mut Context<'_>) -> Poll<()> {
        if self.version.get() != seen {
            return Poll::Ready(());
        }
        with(&self.wakers, |wakers| wakers.register(cx.waker()));
        Poll::Pending
    }
}

/// Waits until there may be something new since `seen`.
pub(super) fn changed(point: &dyn PushPoint, seen: u32) -> impl Future<Output = ()> {
    poll_fn(move |cx| point.poll_changed(seen, cx))
}

/// A WebSocket that follows a [`Push`].
pub(super) struct Following<'p> {
    point: &'p dyn PushPoint,
    listener: Listener,
    stream: RefCell<WebSocketStream>,
    /// The number of the next message that comes.
    n: Seq,
}

/// Why a WebSocket stops to follow.
enum Stop {
    /// It is closed.
    Closed,
    /// Another connection listens for the same session.
    Replaced,
    /// Its session is over.
    Over,
    /// The client's messages do not follow each other.
    Gap,
}

impl<'p> Following<'p> {
    /// `None`: all sessions are taken.
    pub(super) fn begin(point: &'p dyn PushPoint, listening: &Listening, n: Seq) -> Option<Self> {
        let (listener, stream) = point.listen(listening)?;
        Some(Self { point, listener, stream: RefCell::new(stream), n })
    }

    /// Talks until one of both has closed.
    pub(super) async fn run<S: Service>(
        &mut self,
        ws: &mut tcp::WebSocket<'_, Server>,
        buf: &mut [u8],
        service: &S,
    ) -> Result<(), tcp::Error> {
        let Self { point, listener, stream, n } = self;
        let (point, listener, stream) = (*point, &*listener, &*stream);
        // No more than by POST, so that a client that falls back to it can send again what it has sent.
        let limit = point.message_limit(buf.len() / super::MESSAGE_PART);
        let mut buffer = MessageBuffer::new(buf.get_mut(..limit).unwrap_or_default());
        let stop = {
            let (mut reader, writer) = ws.split();
            let listen = async {
                while let Some(message) = reader.read_message(&mut buffer).await? {
                    let is_new = match point.accept(listener, *n) {
                        Ok(is_new) => is_new,
                        Err(UpstreamError::Superseded) => return Ok(Stop::Over),
                        Err(_) => return Ok(Stop::Gap),
                    };
                    if listener.session().is_some() {
                        with(stream, |stream| stream.acknowledge(*n));
                    }
                    // For one that came before, too: this wakes who tells of the ack.
                    point.lend(&mut |outlet| {
                        if is_new {
                            service.receive(outlet, listener.session(), message);
                        }
                    });
                    *n = n.next();
                }
                Ok::<_, tcp::Error>(Stop::Closed)
            };
            let tell = async {
                loop {
                    let seen = point.version();
                    match point.is_current(listener) {
                        Some(true) => {}
                        Some(false) => return Ok(Stop::Replaced),
                        None => return Ok(Stop::Over),
                    }
                    let mut is_lost = false;
                    let put = &mut |state: &mut State<'_, Server>, out: &mut Output<'_>| {
                        let progress =
                            with(stream, |stream| point.follow(listener, stream, &mut state.ws, out));
                        match progress {
                            Some(Ok(Progress::Full)) => Ok(false),
                            Some(Ok(_)) => Ok(true),
                            Some(Err(WebSocketError::Usage(error))) => Err(error),
                            _ => {
                                is_lost = true;
                                Ok(true)
                            }
                        }
                    };
                    match writer.link.put(put).await {
                        Ok(()) if is_lost => return Err(Error::Lost),
                        Ok(()) => {}
                        Err(Error::Usage(UsageError::Closing)) => pending().await, // who reads sees the end
                        Err(error) => return Err(error),
                    }
                    let due = with(stream, |stream| stream.poll_timeout()).flatten();
                    if let Either::Second(()) = select(changed(point, seen), until(due)).await {
                        with(stream, |stream| stream.handle_timeout(now()));
                    }
                }
            };
            match select(listen, tell).await {
                Either::First(stop) | Either::Second(stop) => stop?,
            }
        };
        match stop {
            Stop::Closed => Ok(()),
            Stop::Replaced => ws.close(TAKEN_OVER, "another connection took over").await,
            Stop::Over => ws.close(CloseCode::NORMAL, "").await,
            Stop::Gap => ws.close(CloseCode::POLICY_VIOLATION, "messages are missing").await,
        }?;
        if ws.close_received() == Some(Some(CloseCode::NORMAL)) && matches!(stop, Stop::Closed) {
            point.leave(&mut self.listener, true);
        }
        Ok(())
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.point.leave(&mut self.listener, false);
    }
}

impl<const N: usize, E> core::fmt::Debug for Push<'_, N, E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Push").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
