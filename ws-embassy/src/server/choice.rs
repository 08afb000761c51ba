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
use ws_core::transport::{Asked, Listening, Seq, Use, Visit, websocket};

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
    Push(&'s dyn PushPoint),
    Respond,
}

impl<C: Codec> Server<'_, C> {
    /// What to do about a request that was read, and the reply to be sent first, unless it is a visit. If that is 101, `codec` is
    /// what was agreed on. `room`: bytes of a message that can be put together.
    ///
    /// What comes of it is put where it stays: of what is returned, each function on the way would keep a copy.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "each is lent from somebody else")]
    pub(super) fn choose<'h, 's: 'h, S: Service>(
        &'s self,
        place: usize,
        exchange: &'h Exchange<'_>,
        room: usize,
        service: &'s S,
        codec: &mut Option<RefMut<'s, C>>,
        reply: &mut Reply<'h>,
        step: &mut Step<'s, S::Route>,
    ) {
        match self.weigh(exchange, service, reply) {
            Choice::Respond => {}
            Choice::Open(route, subprotocol) => {
                if self.make_reply(place, exchange, subprotocol, reply) {
                    if C::COMPRESSES {
                        *codec = self.agree(reply);
                    }
                    *step = Step::Open(route);
                }
            }
            Choice::Push(point) => {
                let Some((listening, n)) = listening_of(point, exchange) else {
                    return self.begin_visit(place, point, exchange, room, step);
                };
                if self.make_reply(place, exchange, Some(websocket::PROTOCOL), reply)
                    && !put_following(point, &listening, n, step)
                {
                    self.enter(place, Use::Answering); // it counts as none
                    *reply = Reply::Respond(full());
                }
            }
        }
    }

    /// What is asked for; if that is a page, the reply.
    #[inline(never)]
    fn weigh<'h, 's: 'h, S: Service>(
        &self,
        exchange: &'h Exchange<'_>,
        service: &'s S,
        reply: &mut Reply<'h>,
    ) -> Choice<'h, 's, S::Route> {
        let request = exchange.request();
        if !self.settings.hosts.admit(request.host()) {
            let response = respond(403, &[TEXT], b"this server is not known by that name\n");
            *reply = Reply::Respond(exchange.respond(response));
            return Choice::Respond;
        }
        let (status, Page { fields, body }) = match service.route(&request) {
            Answer::WebSocket { route, subprotocol } => return Choice::Open(route, subprotocol),
            Answer::Push(point) => return Choice::Push(point),
            Answer::Content(content) => {
                *reply = Reply::Respond(exchange.respond(content.response(&request)));
                return Choice::Respond;
            }
            _ if !matches!(request.method(), "GET" | "HEAD") => (405, Page { fields: &[ALLOW], body: &[] }),
            Answer::Page(page) => (200, page),
            Answer::Respond(status, page) => (status, page),
            Answer::Status(status, text) => (status, Page { fields: &[TEXT], body: text.as_bytes() }),
        };
        *reply = Reply::Respond(exchange.respond(respond(status, fields, body)));
        Choice::Respond
    }

    /// Makes the reply to a request for a WebSocket: 101, and the socket counts as one, so `true`; or why not.
    #[inline(never)]
    fn make_reply<'h>(
        &self,
        place: usize,
        exchange: &'h Exchange<'_>,
        subprotocol: Option<&'h str>,
        reply: &mut Reply<'h>,
    ) -> bool {
        *reply = Reply::Respond(match handshake::accept(exchange.request(), self.settings.origin) {
            Ok(accept) if self.enter(place, Use::WebSocket) => {
                *reply = Reply::Open(accept.subprotocol_if_offered(subprotocol));
                return true;
            }
            Ok(_) => full(), // which closes: sockets are scarce
            Err(refusal) => exchange.respond(refusal.response()),
        });
        false
    }

    /// Begins a visit, if there is room for it.
    fn begin_visit<'s, T>(
        &self,
        place: usize,
        point: &'s dyn PushPoint,
        exchange: &Exchange<'_>,
        room: usize,
        step: &mut Step<'s, T>,
    ) {
        put_visit(point, step);
        if self.enter(place, use_of(point, exchange))
            && let Step::Visit(visiting) = step
        {
            visiting.begin(exchange, room);
        }
    }

    /// Agrees to compression, if it is offered and there is memory for it.
    #[inline(never)]
    fn agree(&self, reply: &mut Reply<'_>) -> Option<RefMut<'_, C>> {
        let Reply::Open(accept) = reply else { return None };
        let mut free = self.compression.iter().filter_map(|codec| codec.try_borrow_mut().ok());
        free.find_map(|mut codec| codec.agree(accept).then_some(codec))
    }
}

/// From where and as whom a WebSocket is to follow; `None`: something else is asked for.
#[inline(never)]
fn listening_of(point: &dyn PushPoint, exchange: &Exchange<'_>) -> Option<(Listening, Seq)> {
    match point.asked(&exchange.request()) {
        Asked::WebSocket { listening, n } => Some((listening, n)),
        _ => None,
    }
}

/// Begins to follow. `false`: all sessions are taken.
#[inline(never)]
fn put_following<'s, T>(
    point: &'s dyn PushPoint,
    listening: &Listening,
    n: Seq,
    step: &mut Step<'s, T>,
) -> bool {
    let following = Following::begin(point, listening, n);
    let is_begun = following.is_some();
    *step = following.map_or(Step::Told, Step::Follow);
    is_begun
}

/// A visit that has not begun.
#[inline(never)]
fn put_visit<'s, T>(point: &'s dyn PushPoint, step: &mut Step<'s, T>) {
    *step = Step::Visit(Visiting::new(point, Visit::full()));
}

/// What the socket of a visit is used for.
#[inline(never)]
fn use_of(point: &dyn PushPoint, exchange: &Exchange<'_>) -> Use {
    match point.asked(&exchange.request()) {
        Asked::Stream { .. } => Use::Stream,
        asked if asked.is_long() => Use::Poll,
        _ => Use::Answering,
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
