//! Requests to an endpoint: what is asked for, visits, listeners, and the budget of sockets.

use ws_core::http::exchange::{Exchange, Settings};
use ws_core::http::{Cors, OriginPolicy};
use ws_core::transport::{
    Asked, Budget, Endpoint, EventRing, Hub, Listener, Listening, Outlet, Rejection, Seq, SessionKey,
    Sessions, Use, Visit,
};
use ws_core::{Data, Input, Message, Output};

use crate::connection::{duration, now};
use crate::{Random, any, keep, maybe, read, say, show, text, write};

pub fn probe() {
    budget();
    serve();
}

fn budget() {
    let mut budget = Budget::<12>::new(any());
    while maybe() {
        let r#use = match any() {
            0 => Use::Listening,
            1 => Use::Idle,
            2 => Use::Silent,
            3 => Use::Closing,
            4 => Use::Reading,
            5 => Use::Poll,
            6 => Use::Answering,
            7 => Use::Stream,
            _ => Use::WebSocket,
        };
        keep((
            budget.enter(any(), r#use, now()),
            budget.leaves(any()),
            budget.count(r#use),
            budget.use_of(any()),
        ));
    }
}

fn serve() {
    let (mut shared, mut own, mut store, mut rx, mut tx) =
        ([0; 1024], [0; 1024], [0; 256], [0; 256], [0; 256]);
    let (mut name, mut other) = ([0; 64], [0; 64]);
    let listed = [text(&mut name)];
    let origins = if maybe() { OriginPolicy::SameOrigin } else { OriginPolicy::List(&listed) };
    let cors = Cors { credentials: maybe(), headers: text(&mut other), ..Cors::new(origins) };
    let endpoint = Endpoint {
        cors,
        jsonp: maybe(),
        ping: duration(),
        message: any() as u32,
        poll: any(),
        padding: any() as u16,
    };
    let endpoint = if maybe() { Endpoint::new(origins) } else { endpoint };
    let ring = EventRing::new(shared.get_mut(..any()).unwrap_or_default(), Seq::new(any() as u32));
    let mut hub = Hub::new(ring, Sessions::<4>::new(own.get_mut(..any()).unwrap_or_default(), duration()));
    let mut out = Output::new(&mut tx);
    let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, now());
    while maybe() {
        let mut input = Input::new(read(&mut rx));
        if exchange.receive(&mut input) != Ok(true) {
            continue;
        }
        let asked = endpoint.asked(&exchange.request());
        keep(asked.is_long());
        if let Asked::WebSocket { listening, .. } = asked {
            listen(&listening, &mut hub);
            continue;
        }
        if let Asked::Reject(rejection) = asked {
            tell(rejection);
        }
        let mut visit =
            if maybe() { Visit::new(&endpoint, asked, &mut hub, now(), &mut Random) } else { Visit::full() };
        let closes = answer(&endpoint, &mut visit, &mut exchange, &mut input, &mut hub, &mut out);
        keep(exchange.next(closes, now()));
    }
}

fn answer(
    endpoint: &Endpoint<'_>,
    visit: &mut Visit,
    exchange: &mut Exchange<'_>,
    input: &mut Input<'_>,
    hub: &mut Hub<'_, 4>,
    out: &mut Output<'_>,
) -> bool {
    match visit.receive(exchange, input, hub, &mut deliver) {
        Ok(done) => keep(done),
        Err(refusal) => say(refusal),
    }
    while maybe() {
        match visit.transmit(endpoint, exchange, hub, now(), out) {
            Ok(progress) => keep(progress),
            Err(error) => say(error),
        }
        write(out.filled());
        out.clear();
        keep((visit.poll_timeout(), visit.session()));
        visit.handle_timeout(now());
        if maybe() {
            visit.hurry();
        }
        keep(hub.publish(Message::Binary(&[any() as u8])));
    }
    visit.end(hub, now());
    show(&*visit);
    visit.closes()
}

/// Answers through the hub.
fn deliver(hub: &mut Hub<'_, 4>, from: SessionKey, data: Data<'_>) {
    let outlet: &mut dyn Outlet = hub;
    keep(outlet.publish(Message::Binary(data.payload)));
    keep(outlet.send(from, Message::Binary(data.payload)));
}

fn listen(listening: &Listening, hub: &mut Hub<'_, 4>) {
    let Some(mut listener) = Listener::begin(listening, hub, now(), &mut Random) else { return };
    keep((listener.session(), listener.cursor(), listener.is_new(), listener.is_current(hub)));
    if let Some(sid) = listener.sid(hub) {
        write(sid.as_bytes());
    }
    listener.take(hub, listener.cursor());
    keep(listener.accept(hub, Seq::new(any() as u32)));
    listener.end(hub, now());
    show(listener);
}

fn tell(rejection: Rejection) {
    keep((rejection.status(), rejection.reason()));
    say(rejection);
    show(rejection);
}
