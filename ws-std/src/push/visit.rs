//! One request for events, from its head to the end of its answer: [`Requests::push`].

use super::{Endpoint, Hub, Push, Receive, SessionKey, Shared};
use crate::http::wire::Wire;
use crate::http::{Answered, Requests, not_asked};
use crate::waiting::Got;
use crate::{Error, Transport};
use std::io;
use std::time::{Duration, Instant};
use ws_core::http::exchange::{Exchange, Refusal};
use ws_core::transport::websocket::PROTOCOL;
use ws_core::transport::{Asked, Lost, Progress, Visit};
use ws_core::{Data, Message, MessageBuffer};

/// How often is looked whether a client is still there that nothing is written to.
pub(super) const LOOK: Duration = Duration::from_secs(1);

impl<S: Transport + Send> Requests<'_, S> {
    /// Gives the client events out of `push`, by the technique that it asks for at `endpoint`, for as long as that takes; takes messages
    /// that it sends; or refuses what it may not have. A WebSocket of the subprotocol `push.v1` takes a second thread, and is the last
    /// request of its connection.
    ///
    /// `receive` gets each whole message of the client once, and from which session it is: only a WebSocket needs none. It
    /// gets the hub, locked, to answer through; [`Push::publish`] inside of it would wait for ever.
    ///
    /// A client that reads so slowly that an event is gone before all of it is out gets the end of the connection inside of its body:
    /// what is missing then, it asks for anew. It is no reset where it could be taken for one, since `std` has none to offer: the last chunk is
    /// missing, or the end of the last line.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the messages of the client cannot be read, which it was told; [`Error::TimedOut`] if it takes
    /// nothing; [`Error::Lost`] if it is gone, or read too slowly; what a [`Reader`](crate::Reader) says; [`Error::Io`]. In all cases it is
    /// attached to its session no more.
    pub fn push<'m, const N: usize>(
        &mut self,
        push: &Push<'m, N>,
        endpoint: &Endpoint<'_>,
        mut receive: impl FnMut(&mut Hub<'m, N>, Option<SessionKey>, Message<'_>),
    ) -> Result<(), Error> {
        let asked = endpoint.asked(&self.request());
        let Some(wire) = self.wire.as_mut().filter(|_| self.answered == Answered::NotYet) else {
            return Err(not_asked());
        };
        if let Asked::WebSocket { listening, n } = &asked
            && self.exchange.borrow_dependent().request().subprotocols().any(|name| name == PROTOCOL)
        {
            match wire.other() {
                Ok(other) => return self.follow(other, push, endpoint, listening, *n, &mut receive),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {} // there is no WebSocket over it
                Err(_) => return self.come_back(), // the system has no handle to give now
            }
        }
        let visited = self
            .exchange
            .with_dependent_mut(|_, exchange| visit(wire, exchange, push, endpoint, asked, &mut receive));
        match self.kept(visited)? {
            Ok(closes) => {
                self.answered = Answered::Whole { closes };
                Ok(())
            }
            Err(refusal) => self.refuse(refusal),
        }
    }
}

/// A visit, which ends when it is dropped: at whatever end of its connection, or of the application's code.
struct Visiting<'p, 'm, const N: usize> {
    push: &'p Push<'m, N>,
    visit: Visit,
}

impl<const N: usize> Drop for Visiting<'_, '_, N> {
    fn drop(&mut self) {
        let now = self.push.now();
        self.visit.end(&mut self.push.lock().hub, now);
    }
}

/// Takes what a client sends, and gives it what it is to be given. Returns whether the connection closes behind it.
fn visit<'m, S: Transport, const N: usize>(
    wire: &mut Wire<S>,
    exchange: &mut Exchange<'_>,
    push: &Push<'m, N>,
    endpoint: &Endpoint<'_>,
    asked: Asked,
    receive: &mut Receive<'_, 'm, N>,
) -> Result<Result<bool, Refusal>, Error> {
    let sends = matches!(asked, Asked::Send(_));
    // A listener that was there before may have to stop.
    let visit =
        push.change(|Shared { hub, entropy, .. }| Visit::new(endpoint, asked, hub, push.now(), entropy));
    let mut visiting = Visiting { push, visit };
    if sends && let Err(refusal) = take_messages(wire, exchange, &mut visiting, endpoint.message, receive)? {
        return Ok(Err(refusal));
    }
    give_events(wire, exchange, &mut visiting, endpoint)?;
    Ok(Ok(visiting.visit.closes()))
}

/// Reads messages of at most `room` bytes each.
fn take_messages<'m, S: Transport, const N: usize>(
    wire: &mut Wire<S>,
    exchange: &mut Exchange<'_>,
    visiting: &mut Visiting<'_, 'm, N>,
    room: u32,
    receive: &mut Receive<'_, 'm, N>,
) -> Result<Result<(), Refusal>, Error> {
    let mut memory = vec![0; usize::try_from(room).unwrap_or(usize::MAX)];
    let mut buffer = MessageBuffer::new(&mut memory);
    let mut deliver = |hub: &mut Hub<'m, N>, from: SessionKey, data: Data<'_>| {
        if buffer.store(data) == Ok(true)
            && let Some(message) = buffer.message()
        {
            receive(hub, Some(from), message);
        }
    };
    let Visiting { push, visit } = visiting;
    loop {
        exchange.set_time(push.now());
        let received = push.change(|shared| {
            wire.inbox.decode(|input| visit.receive(exchange, input, &mut shared.hub, &mut deliver))
        });
        match received {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => {}
            Err(refusal) => return Ok(Err(refusal)),
        }
        if exchange.wants_transmit() {
            wire.pause();
            wire.write(|out| exchange.transmit(out))?;
        }
        wire.fill(exchange)?;
    }
}

/// Writes what there is, and waits for what there will be, until the answer has an end.
fn give_events<S: Transport, const N: usize>(
    wire: &mut Wire<S>,
    exchange: &Exchange<'_>,
    visiting: &mut Visiting<'_, '_, N>,
    endpoint: &Endpoint<'_>,
) -> Result<(), Error> {
    let Visiting { push, visit } = visiting;
    let (mut looked, mut is_hurried, mut is_gone) = (Instant::now(), false, false);
    wire.pause();
    loop {
        let (progress, seen) = {
            let mut shared = push.lock();
            let (hub, now) = (&mut shared.hub, push.now());
            let progress = wire.outbox.encode(|out| visit.transmit(endpoint, exchange, hub, now, out));
            (progress.map_err(|Lost| Error::Lost)?, shared.version)
        };
        wire.flush()?;
        match progress {
            Progress::Full => continue,
            Progress::Ended => return Ok(()),
            Progress::Idle => {}
        }
        if !is_hurried && (is_gone || !wire.inbox.is_empty()) {
            // Another request waits, or the client waits for nothing but this answer: a poll has to make way, a stream does not.
            is_hurried = true;
            visit.hurry();
            continue;
        }
        if is_gone {
            return Err(Error::Lost);
        }
        let due = visit.poll_timeout().map_or(LOOK, |moment| wire.clock.until(moment));
        push.wait(seen, due.min(LOOK.saturating_sub(looked.elapsed())));
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            // Behind what waits to be read nothing can be seen.
            is_gone = wire.inbox.is_empty() && wire.look()? == Got::End;
        }
        visit.handle_timeout(push.now());
        wire.go_on();
    }
}
