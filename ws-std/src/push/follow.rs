//! A WebSocket that is told of events: [`Requests::follow`]. One thread reads, and takes the client's messages; another
//! waits for news, and writes.

use super::visit::LOOK;
use super::{Endpoint, Push, Receive, Shared};
use crate::clock::Clock;
use crate::http::{Requests, not_asked};
use crate::waiting::MOMENT;
use crate::{Answer, CloseCode, Error, Options, Reader, Transport, UsageError, Writer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use ws_core::Server;
use ws_core::transport::websocket::{PROTOCOL, TAKEN_OVER};
use ws_core::transport::{
    Listener, Listening, Progress, Rejection, Seq, UpstreamError, WebSocketError, WebSocketStream,
};

impl<S: Transport + Send> Requests<'_, S> {
    /// Answers with a WebSocket, `other` being another handle of its stream, and talks until it is closed.
    pub(super) fn follow<'m, const N: usize>(
        &mut self,
        other: S,
        push: &Push<'m, N>,
        endpoint: &Endpoint<'_>,
        listening: &Listening,
        n: Seq,
        receive: &mut Receive<'_, 'm, N>,
    ) -> Result<(), Error> {
        let Some(following) = Following::begin(push, listening) else { return self.come_back() };
        let message = usize::try_from(endpoint.message).unwrap_or(usize::MAX);
        let options = Options { compression: None, ..self.options.socket }.with_message_limit(message);
        let answer = Answer::accept(endpoint.cors.origins).subprotocol(PROTOCOL).options(options);
        let Some(ws) = self.open(answer)? else { return Err(not_asked()) };
        let (reader, writer) = ws.split(other);
        following.talk(reader, writer, endpoint, n, receive)
    }

    /// Answers that there is no place now.
    pub(super) fn come_back(&mut self) -> Result<(), Error> {
        let full = Rejection::Full;
        let fields = [("Content-Type", "text/plain"), ("Retry-After", Rejection::RETRY_AFTER)];
        self.respond(full.status(), &fields, full.reason().as_bytes())
    }
}

/// A listener over a WebSocket, which ends when it is dropped: at whatever end of its connection, or of the application's code.
struct Following<'p, 'm, const N: usize> {
    push: &'p Push<'m, N>,
    listener: Listener,
    /// The latest message of the client that it has not been told of yet.
    ack: Mutex<Option<Seq>>,
    /// Nobody reads any more.
    is_over: AtomicBool,
}

impl<const N: usize> Drop for Following<'_, '_, N> {
    fn drop(&mut self) {
        let now = self.push.now();
        self.listener.end(&mut self.push.lock().hub, now);
    }
}

/// Ends the other thread, whyever this one ends.
struct Over<'f, 'p, 'm, const N: usize>(&'f Following<'p, 'm, N>);

impl<const N: usize> Drop for Over<'_, '_, '_, N> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Release);
        self.0.push.change(|_| {});
    }
}

impl<'p, 'm, const N: usize> Following<'p, 'm, N> {
    /// `None`: all sessions are taken.
    fn begin(push: &'p Push<'m, N>, listening: &Listening) -> Option<Self> {
        // A listener that was there before has to stop.
        let begun = |Shared { hub, entropy, .. }: &mut Shared<'m, N>| {
            Listener::begin(listening, hub, push.now(), entropy)
        };
        let listener = push.change(begun)?;
        Some(Self { push, listener, ack: Mutex::new(None), is_over: AtomicBool::new(false) })
    }

    fn talk<S: Transport + Send>(
        &self,
        mut reader: Reader<S, Server>,
        mut writer: Writer<S, Server>,
        endpoint: &Endpoint<'_>,
        n: Seq,
        receive: &mut Receive<'_, 'm, N>,
    ) -> Result<(), Error> {
        let mut stream = WebSocketStream::new(self.listener.cursor(), endpoint.ping, self.push.now());
        if let Some(sid) = self.listener.sid(&self.push.lock().hub) {
            stream = stream.with_session(sid);
        }
        thread::scope(|scope| {
            let telling = thread::Builder::new().spawn_scoped(scope, move || {
                if let Err(error) = self.tell(&mut writer, stream) {
                    // Who reads finds out that it is over. A connection that is closing goes on to its end.
                    if !matches!(error, Error::Usage(UsageError::Closing)) {
                        writer.give_up();
                    }
                }
            });
            if let Err(error) = telling {
                // The system has no thread to give now.
                reader.fail(CloseCode::TRY_AGAIN_LATER);
                let _ = reader.read();
                return Err(Error::Io(error));
            }
            let _over = Over(self);
            self.listen(&mut reader, n, receive)
        })
    }

    /// Takes messages until the connection is closed.
    fn listen<S: Transport>(
        &self,
        reader: &mut Reader<S, Server>,
        mut n: Seq,
        receive: &mut Receive<'_, 'm, N>,
    ) -> Result<(), Error> {
        let session = self.listener.session();
        loop {
            let message = match reader.read() {
                Ok(Some(message)) => message,
                Ok(None) => break,
                // A stream that does not wait.
                Err(Error::WouldBlock) => {
                    thread::sleep(MOMENT);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let accepted = self.push.change(|Shared { hub, .. }| {
                let accepted = self.listener.accept(hub, n);
                if accepted == Ok(true) {
                    receive(hub, session, message);
                }
                accepted
            });
            match accepted {
                Ok(_) => {}
                // It is over: who tells closes.
                Err(UpstreamError::Superseded) => continue,
                Err(_) => {
                    reader.fail(CloseCode::POLICY_VIOLATION); // messages before it are missing
                    continue;
                }
            }
            if session.is_some() {
                *self.ack.lock().unwrap_or_else(PoisonError::into_inner) = Some(n);
                self.push.change(|_| {});
            }
            n = n.next();
        }
        if reader.close_received() == Some(Some(CloseCode::NORMAL)) {
            self.push.change(|Shared { hub, .. }| {
                if let (Some(true), Some(session)) = (self.listener.is_current(hub), session) {
                    hub.sessions_mut().close(session);
                }
            });
        }
        Ok(())
    }

    /// Writes events until the connection is over, or is not to be listened on any more.
    fn tell<S: Transport>(
        &self,
        writer: &mut Writer<S, Server>,
        mut stream: WebSocketStream,
    ) -> Result<(), Error> {
        let Self { push, listener, .. } = self;
        while !self.is_over.load(Ordering::Acquire) {
            let (is_current, seen) = {
                let shared = push.lock();
                (listener.is_current(&shared.hub), shared.version)
            };
            match is_current {
                Some(true) => {}
                Some(false) => return writer.close(TAKEN_OVER, "another connection took over"),
                None => return writer.close(CloseCode::NORMAL, ""),
            }
            if let Some(seq) = self.ack.lock().unwrap_or_else(PoisonError::into_inner).take() {
                stream.acknowledge(seq);
            }
            let mut is_lost = false;
            writer.put(|ws, out| {
                let mut shared = push.lock();
                let hub = &mut shared.hub;
                let progress = stream.transmit(ws, &hub.news(listener.session()), push.now(), out);
                listener.take(hub, stream.cursor());
                match progress {
                    Ok(progress) => Ok(progress != Progress::Full),
                    Err(WebSocketError::Usage(error)) => Err(error),
                    Err(_) => {
                        is_lost = true;
                        Ok(true)
                    }
                }
            })?;
            if is_lost {
                return Err(Error::Lost);
            }
            let due = stream.poll_timeout().map_or(LOOK, |moment| Clock::shared().until(moment));
            if !self.is_over.load(Ordering::Acquire) {
                push.wait(seen, due.min(LOOK));
            }
            stream.handle_timeout(push.now());
        }
        Ok(())
    }
}
