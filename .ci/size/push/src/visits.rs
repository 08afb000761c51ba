//! All techniques as a server has them that tells them apart by the core: an endpoint, and a visit for each request.

use crate::hub::Events;
use crate::{Random, flush, now};
use ws_core::http::OriginPolicy;
use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::transport::{Asked, Endpoint, Progress, Visit};
use ws_core::{Input, Output};

const ENDPOINT: Endpoint<'static> = Endpoint { jsonp: true, ..Endpoint::new(OriginPolicy::SameOrigin) };

/// Serves a connection, request by request; what asks for a WebSocket is told to come otherwise.
pub fn serve_visits() {
    let mut events = Events::new();
    let (rx, mut out) = (transport::memory(), Output::new(transport::memory()));
    let mut exchange = Exchange::new(transport::memory(), &[], &Settings::DEFAULT, now());
    loop {
        exchange.handle_timeout(now());
        let n = transport::read(rx);
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        let mut done =
            if n == 0 { exchange.receive_eof().map(|()| true) } else { exchange.receive(&mut input) };
        while done == Ok(true) {
            let asked = ENDPOINT.asked(&exchange.request());
            let visited = visit(asked, &mut exchange, &mut input, &mut events, &mut out);
            let next = visited.map(|closes| exchange.next(closes, now()));
            match next {
                Ok(true) => done = exchange.receive(&mut input),
                Ok(false) => return,
                Err(refusal) => done = Err(refusal),
            }
        }
        if let Err(refusal) = done {
            if let Some(mut response) = refusal.response() {
                while !response.transmit(&mut out) {
                    flush(&mut out);
                }
                flush(&mut out);
            }
            return;
        }
    }
}

/// `true`: the connection closes.
fn visit(
    asked: Asked,
    exchange: &mut Exchange<'_>,
    input: &mut Input<'_>,
    events: &mut Events,
    out: &mut Output<'_>,
) -> Result<bool, Refusal> {
    let mut visit = Visit::new(&ENDPOINT, asked, &mut events.hub, now(), &mut Random);
    let rx = transport::memory();
    let mut deliver = |_: &mut _, _, data: ws_core::Data<'_>| transport::write(data.payload);
    let mut done = visit.receive(exchange, input, &mut events.hub, &mut deliver);
    while done == Ok(false) {
        if exchange.wants_transmit() {
            while !exchange.transmit(out) {
                flush(out);
            }
            flush(out);
        }
        let n = transport::read(rx);
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        done = match n {
            0 => exchange.receive_eof().map(|()| true),
            _ => visit.receive(exchange, &mut input, &mut events.hub, &mut deliver),
        };
    }
    let mut is_lost = false;
    while done == Ok(true) {
        visit.handle_timeout(now());
        match visit.transmit(&ENDPOINT, exchange, &mut events.hub, now(), out) {
            Ok(Progress::Full) => flush(out),
            Ok(Progress::Idle) => {
                flush(out);
                is_lost = !events.happen(visit.session());
            }
            Ok(Progress::Ended) => break,
            Err(_) => is_lost = true,
        }
        if is_lost {
            break;
        }
    }
    flush(out);
    visit.end(&mut events.hub, now());
    done.map(|_| visit.closes() || is_lost)
}
