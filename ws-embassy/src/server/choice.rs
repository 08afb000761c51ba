//! What to do about a request: [`Step`]. Nothing is waited for here, and nothing of it is inlined into what waits: what is weighed would lie on
//! the stack of all that is awaited.

use super::push::Following;
use super::visits::Visiting;
use super::{Answer, Page, PushPoint, Server, Service};
use crate::compression::Codec;
use crate::open::Reply;
use core::cell::RefMut;
use ws_core::handshake::server as handshake;
use ws_core::http::{Exchange, Response};
use ws_core::transport::{Asked, Use, Visit, websocket};

/// What a client is told to wait for a free WebSocket, in seconds.
const RETRY_AFTER: &str = "5";

/// What comes behind the reply to a request.
pub(super) enum Step<'s, T> {
    /// Nothing.
    Told,
    /// A WebSocket.
    Open(T),
    /// A WebSocket for events.
    Follow(Following<'s>),
    /// Whatever the technique gives: in the reply's place.
    Visit(Visiting<'s>),
}

/// What is asked for.
enum Choice<'h, 's, T> {
    Open(T, Option<&'h str>),
    Push(&'s dyn PushPoint, Asked),
    Respond(Response<'h>),
}

impl<C: Codec> Server<'_, C> {
    /// What to do about a request that was read, and the reply to be sent first, unless it is a visit. If that is 101, `codec` is
    /// what was agreed on. `room`: bytes of a message that can be put together.
    #[inline(never)]
    pub(super) fn choose<'h, 's: 'h, S: Service>(
        &'s self,
        place: usize,
        exchange: &'h Exchange<'_>,
        room: usize,
        service: &'s S,
        codec: &mut Option<RefMut<'s, C>>,
        reply: &mut Reply<'h>,
    ) -> Step<'s, S::Route> {
        let response = match self.weigh(exchange, service) {
            Choice::Respond(response) => exchange.respond(response),
            Choice::Open(route, subprotocol) => match self.open_reply(place, exchange, subprotocol) {
                Ok(accept) => {
                    *reply = Reply::Open(accept);
                    if C::COMPRESSES {
                        *codec = self.agree(reply);
                    }
                    return Step::Open(route);
                }
                Err(response) => response,
            },
            Choice::Push(point, Asked::WebSocket { listening, n }) => {
                match self.open_reply(place, exchange, Some(websocket::PROTOCOL)) {
                    Ok(accept) => match Following::begin(point, &listening, n) {
                        Some(following) => {
                            *reply = Reply::Open(accept);
                            return Step::Follow(following);
                        }
                        None => {
                            self.enter(place, Use::Answering); // it counts as none
                            full()
                        }
                    },
                    Err(response) => response,
                }
            }
            Choice::Push(point, asked) => return Step::Visit(self.begin_visit(place, point, asked, room)),
        };
        *reply = Reply::Respond(response);
        Step::Told
    }

    fn weigh<'h, 's: 'h, S: Service>(
        &self,
        exchange: &'h Exchange<'_>,
        service: &'s S,
    ) -> Choice<'h, 's, S::Route> {
        let request = exchange.request();
        if !self.settings.hosts.admit(request.host()) {
            return Choice::Respond(respond(403, &[TEXT], b"this server is not known by that name\n"));
        }
        let (status, Page { fields, body }) = match service.route(&request) {
            Answer::WebSocket { route, subprotocol } => return Choice::Open(route, subprotocol),
            Answer::Push(point) => return Choice::Push(point, point.asked(&request)),
            Answer::Content(content) => return Choice::Respond(content.response(&request)),
            _ if !matches!(request.method(), "GET" | "HEAD") => (405, Page { fields: &[ALLOW], body: &[] }),
            Answer::Page(page) => (200, page),
            Answer::Respond(status, page) => (status, page),
            Answer::Status(status, text) => (status, Page { fields: &[TEXT], body: text.as_bytes() }),
        };
        Choice::Respond(respond(status, fields, body))
    }

    /// The reply to a request for a WebSocket: 101, and the socket counts as one; or why not.
    #[inline(never)]
    fn open_reply<'h>(
        &self,
        place: usize,
        exchange: &'h Exchange<'_>,
        subprotocol: Option<&'h str>,
    ) -> Result<handshake::Accept<'h>, Response<'h>> {
        match handshake::accept(exchange.request(), self.settings.origin) {
            Ok(accept) if self.enter(place, Use::WebSocket) => Ok(accept.subprotocol_if_offered(subprotocol)),
            Ok(_) => Err(full()), // which closes: sockets are scarce
            Err(refusal) => Err(exchange.respond(refusal.response())),
        }
    }

    /// Begins a visit, if there is room for it.
    #[inline(never)]
    fn begin_visit<'p>(
        &self,
        place: usize,
        point: &'p dyn PushPoint,
        asked: Asked,
        room: usize,
    ) -> Visiting<'p> {
        let r#use = match &asked {
            Asked::Stream { .. } => Use::Stream,
            asked if asked.is_long() => Use::Poll,
            _ => Use::Answering,
        };
        let visit = if self.enter(place, r#use) { point.begin(asked, room) } else { Visit::full() };
        Visiting::new(point, visit)
    }

    /// Agrees to compression, if it is offered and there is memory for it.
    #[inline(never)]
    fn agree(&self, reply: &mut Reply<'_>) -> Option<RefMut<'_, C>> {
        let Reply::Open(accept) = reply else { return None };
        let mut free = self.compression.iter().filter_map(|codec| codec.try_borrow_mut().ok());
        free.find_map(|mut codec| codec.agree(accept).then_some(codec))
    }
}

const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const ALLOW: (&str, &str) = ("Allow", "GET, HEAD");

fn respond<'h>(status: u16, fields: &'h [(&'h str, &'h str)], body: &'h [u8]) -> Response<'h> {
    Response::new(status, fields, body).unwrap_or(Response::internal_server_error())
}

fn full() -> Response<'static> {
    respond(503, &[("Retry-After", RETRY_AFTER), TEXT], b"all WebSockets are taken\n")
}
