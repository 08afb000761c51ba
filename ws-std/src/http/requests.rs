//! The requests of a connection, one after the other: [`Requests`].

use super::HttpOptions;
use super::stream::BodyWriter;
use super::wire::Wire;
use crate::clock::Deadline;
use crate::server::{Answer, Buffers, open};
use crate::{Error, Transport, WebSocket};
use self_cell::{MutBorrow, self_cell};
use std::{fmt, io};
use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::http::{Content, HeadError, Request, Response};
use ws_core::transport::PolicyRequest;
use ws_core::{Input, Server, UsageError};

/// The server's side of a connection that speaks HTTP: gives one request after the other, each of which is answered before the
/// next is read. Do it in the connection's own thread.
///
/// What takes too long, or cannot be understood, is told its status here, and so is `100 Continue`. A client that asks ahead
/// of the answers is answered in order. The stream has to wait for reads and writes; over TLS, hand in
/// [`Plain(tls)`](crate::Plain), with the timeouts of the socket below set.
///
/// # Memory
///
/// See [`HttpOptions`]; beside its buffers some 800 bytes.
pub struct Requests<'o, S> {
    /// `None`: the connection is over, or has become a WebSocket.
    pub(crate) wire: Option<Wire<S>>,
    pub(crate) exchange: ExchangeCell<'o>,
    pub(crate) options: HttpOptions<'o>,
    pub(crate) answered: Answered,
}

/// How far the answer to the latest request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// There was none yet, nor a byte of one.
    Nothing,
    /// A request is being read.
    Reading,
    /// It waits for its answer.
    NotYet,
    /// The answer is out, and says whether the connection closes behind it.
    Whole { closes: bool },
}

pub(crate) struct Kept<'o> {
    store: MutBorrow<Box<[u8]>>,
    settings: Settings,
    further: &'o [&'o str],
}

self_cell! {
    pub(crate) struct ExchangeCell<'o> {
        owner: Kept<'o>,
        #[covariant]
        dependent: Exchange,
    }
}

impl<'o, S: Transport> Requests<'o, S> {
    /// The requests of a stream that was accepted just now.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn new(stream: S, options: HttpOptions<'o>) -> Result<Self, Error> {
        stream.set_nodelay()?;
        let wire = Wire::new(stream, &options.socket);
        let store = MutBorrow::new(vec![0; options.socket.head_buffer].into_boxed_slice());
        let kept = Kept { store, settings: options.requests, further: options.further };
        let exchange = ExchangeCell::new(kept, |kept| {
            Exchange::new(kept.store.borrow_mut(), kept.further, &kept.settings, wire.clock.now())
        });
        Ok(Self { wire: Some(wire), exchange, options, answered: Answered::Nothing })
    }

    /// Waits for the next request. Its body, if it has one, [is still to be read](Self::body). `None`: the connection is
    /// over, because the client or an answer said so, nothing was asked for too long, the request was for another host, or a
    /// Flash Player asked for its policy.
    ///
    /// A request that was left without an answer is answered with 500.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if what came is no request, too large or too slow, which the client was told; [`Error::TimedOut`] if
    /// it took nothing of that; [`Error::Io`].
    pub fn read(&mut self) -> Result<Option<Request<'_>>, Error> {
        if self.wire.is_none() {
            return Ok(None);
        }
        match self.answered {
            Answered::Reading => {}
            Answered::Nothing => {
                if self.is_policy_asked_for()? {
                    self.end();
                    return Ok(None);
                }
                self.answered = Answered::Reading;
            }
            Answered::NotYet => self.answer(Response::internal_server_error())?,
            Answered::Whole { .. } => {}
        }
        if let Answered::Whole { closes } = self.answered {
            self.answered = Answered::Reading;
            let Some(wire) = &self.wire else { return Ok(None) };
            let now = wire.clock.now();
            if !self.exchange.with_dependent_mut(|_, exchange| exchange.next(closes, now)) {
                self.end();
                return Ok(None);
            }
        }
        let Some(wire) = &mut self.wire else { return Ok(None) };
        let read = self.exchange.with_dependent_mut(|_, exchange| read_head(wire, exchange));
        match self.kept(read)? {
            Ok(()) => {}
            Err(Refusal::Over) => {
                self.end();
                return Ok(None);
            }
            Err(refusal) => return self.refuse(refusal),
        }
        self.answered = Answered::NotYet;
        if !self.options.hosts.admit(self.request().host()) {
            let fields = [("Content-Type", "text/plain")];
            let mut response = Response::new(421, &fields, b"not known by this name\n")?;
            if self.request().method() == "HEAD" {
                response = response.for_head();
            }
            let written = wire_of(&mut self.wire).and_then(|wire| {
                wire.pause();
                wire.write(|out| response.transmit(out))
            });
            self.kept(written)?;
            self.end();
            return Ok(None);
        }
        Ok(Some(self.request()))
    }

    /// The request that was read last.
    pub fn request(&self) -> Request<'_> {
        self.exchange.borrow_dependent().request()
    }

    /// Reads the body of the request, of at most `limit` bytes; a client that waits for `100 Continue` gets it. Without this, a
    /// request that has a body is the last one.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if it is longer, malformed or too slow, which the client was told; [`Error::Io`].
    pub fn body(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let Some(wire) = self.wire.as_mut().filter(|_| self.answered == Answered::NotYet) else {
            return Err(not_asked());
        };
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let read = self.exchange.with_dependent_mut(|_, exchange| read_body(wire, exchange, limit));
        match self.kept(read)? {
            Ok(bytes) => Ok(bytes),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Answers with `status` (200 to 599), `fields` and `body`. To HEAD the body is not sent.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if this may not go on the wire: the client is told 500. [`Error::TimedOut`] if the client took nothing,
    /// [`Error::Io`]: the connection is over.
    pub fn respond(&mut self, status: u16, fields: &[(&str, &str)], body: &[u8]) -> Result<(), Error> {
        match Response::new(status, fields, body) {
            Ok(response) => self.answer(response),
            Err(error) => self.fail(error),
        }
    }

    /// Answers with content that lies ready; with 304, if the client has it already.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    pub fn content(&mut self, content: &Content<'_>) -> Result<(), Error> {
        let written = match self.asked() {
            Some((wire, exchange)) => put(wire, exchange, content.response(&exchange.request())),
            None => Err(not_asked()),
        };
        self.written(written)
    }

    /// Answers with a response of the core's, such as one with [fields for pages of others](ws_core::http::Cors).
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    pub fn answer(&mut self, response: Response<'_>) -> Result<(), Error> {
        let written = match self.asked() {
            Some((wire, exchange)) => put(wire, exchange, response),
            None => Err(not_asked()),
        };
        self.written(written)
    }

    /// Answers with a body whose length is not known yet; write it, then [finish](BodyWriter::finish).
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    pub fn stream(&mut self, status: u16, fields: &[(&str, &str)]) -> Result<BodyWriter<'_, S>, Error> {
        let begun = match self.asked() {
            Some((wire, exchange)) => match exchange.stream(status, fields) {
                Ok(mut head) => {
                    wire.pause();
                    let (closes, chunks) = (head.closes(), head.chunks());
                    wire.write(|out| head.transmit(out)).map(|()| (closes, chunks))
                }
                Err(error) => return self.fail(error),
            },
            None => Err(not_asked()),
        };
        let (closes, chunks) = self.kept(begun)?;
        // Until it is finished, the connection is good for nothing else.
        self.answered = Answered::Whole { closes: true };
        let wire = self.wire.as_mut().ok_or(Error::Lost)?;
        Ok(BodyWriter::new(wire, chunks, closes, &mut self.answered))
    }

    /// Answers as [`accept_with`](crate::accept_with) does, with a WebSocket if the answer is one. `None`: the answer was
    /// another, and the connection is done.
    ///
    /// # Errors
    ///
    /// As [`accept_with`](crate::accept_with).
    pub fn accept(mut self, answer: Answer<'_>) -> Result<Option<WebSocket<S, Server>>, Error> {
        self.open(answer)
    }

    /// The same; the connection is then the WebSocket's.
    pub(crate) fn open(&mut self, answer: Answer<'_>) -> Result<Option<WebSocket<S, Server>>, Error> {
        let wire = self.wire.take().filter(|_| self.answered == Answered::NotYet).ok_or_else(not_asked)?;
        let Wire { stream, inbox, outbox, clock, .. } = wire;
        let options = self.options.socket;
        let deadline = Deadline::within(options.handshake_timeout);
        let buffers = Buffers::over(inbox, outbox, deadline, &options);
        open(stream, buffers, self.request(), answer, &options, clock)
    }

    /// The stream below; `None`: the connection is over.
    pub fn get_ref(&self) -> Option<&S> {
        self.wire.as_ref().map(|wire| &wire.stream)
    }

    /// The connection, if there is a request that waits for its answer.
    fn asked(&mut self) -> Option<(&mut Wire<S>, &Exchange<'_>)> {
        let wire = self.wire.as_mut().filter(|_| self.answered == Answered::NotYet)?;
        Some((wire, self.exchange.borrow_dependent()))
    }

    fn written(&mut self, written: Result<bool, Error>) -> Result<(), Error> {
        let closes = self.kept(written)?;
        self.answered = Answered::Whole { closes };
        Ok(())
    }

    /// What failed on the wire has failed for good.
    pub(crate) fn kept<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            self.wire = None;
        }
        result
    }

    /// The answer that was meant cannot be given.
    fn fail<T>(&mut self, error: UsageError) -> Result<T, Error> {
        self.answer(Response::internal_server_error())?;
        Err(error.into())
    }

    /// Tells the client why there is no further request. That it cannot be told does not change why.
    pub(crate) fn refuse<T>(&mut self, refusal: Refusal) -> Result<T, Error> {
        let response = self.exchange.borrow_dependent().refuse(refusal);
        if let (Some(wire), Some(mut response)) = (&mut self.wire, response) {
            wire.pause();
            let _ = wire.write(|out| response.transmit(out));
        }
        self.end();
        Err(Error::Request(refusal))
    }

    fn end(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.end();
        }
    }

    /// A Flash Player asks whether it may connect, and is told (see [`ws_core::transport::flash`]).
    fn is_policy_asked_for(&mut self) -> Result<bool, Error> {
        let Some(mut policy) = self.options.policy.clone() else { return Ok(false) };
        let Some(wire) = &mut self.wire else { return Ok(false) };
        let asked = self.exchange.with_dependent_mut(|_, exchange| read_policy_request(wire, exchange));
        match self.kept(asked)? {
            Ok(false) => Ok(false),
            Ok(true) => {
                let written = match &mut self.wire {
                    Some(wire) => {
                        wire.pause();
                        wire.write(|out| policy.transmit(out))
                    }
                    None => Ok(()),
                };
                self.kept(written).map(|()| true)
            }
            Err(refusal) => self.refuse(refusal),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Requests<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wire, answered, .. } = self;
        f.debug_struct("Requests").field("wire", wire).field("answered", answered).finish_non_exhaustive()
    }
}

fn wire_of<S>(wire: &mut Option<Wire<S>>) -> Result<&mut Wire<S>, Error> {
    wire.as_mut().ok_or(Error::Lost)
}

pub(crate) fn not_asked() -> Error {
    io::Error::new(io::ErrorKind::NotConnected, "no request waits for an answer").into()
}

fn read_head<S: Transport>(
    wire: &mut Wire<S>,
    exchange: &mut Exchange<'_>,
) -> Result<Result<(), Refusal>, Error> {
    loop {
        match wire.inbox.decode(|input| exchange.receive(input)) {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => wire.fill(exchange)?,
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
}

fn read_body<S: Transport>(
    wire: &mut Wire<S>,
    exchange: &mut Exchange<'_>,
    limit: u64,
) -> Result<Result<Vec<u8>, Refusal>, Error> {
    let mut bytes = Vec::new();
    if let Err(refusal) = exchange.limit_body(limit) {
        return Ok(Err(refusal));
    }
    loop {
        match wire.inbox.decode(|input| exchange.receive_body(input)) {
            Ok(Some(piece)) => {
                bytes.extend_from_slice(piece);
                continue;
            }
            Ok(None) => {}
            Err(refusal) => return Ok(Err(refusal)),
        }
        if exchange.is_body_done() {
            return Ok(Ok(bytes));
        }
        if exchange.wants_transmit() {
            wire.pause();
            wire.write(|out| exchange.transmit(out))?;
        }
        wire.fill(exchange)?;
    }
}

/// Reads a request for a policy, if the first byte begins one; within the deadline for the first byte.
fn read_policy_request<S: Transport>(
    wire: &mut Wire<S>,
    exchange: &mut Exchange<'_>,
) -> Result<Result<bool, Refusal>, Error> {
    let mut request = PolicyRequest::new();
    let mut is_begun = false;
    loop {
        match wire.inbox.waiting().first() {
            Some(first) if !is_begun && !PolicyRequest::is_begun_by(*first) => return Ok(Ok(false)),
            Some(_) => is_begun = true,
            None => {}
        }
        match wire.inbox.decode(|input| request.receive(input)) {
            Some(true) => return Ok(Ok(true)),
            Some(false) => return Ok(Err(Refusal::Head(HeadError::BadLine))),
            None => wire.fill(exchange)?,
        }
        if exchange.receive(&mut Input::new(&mut [])).is_err() {
            return Ok(Ok(false)); // the client is gone, or was too slow: who reads a head finds out
        }
    }
}

/// Writes a response. Returns whether the connection closes behind it.
fn put<S: Transport>(
    wire: &mut Wire<S>,
    exchange: &Exchange<'_>,
    response: Response<'_>,
) -> Result<bool, Error> {
    let mut response = exchange.respond(response);
    wire.pause();
    wire.write(|out| response.transmit(out))?;
    Ok(response.closes())
}
