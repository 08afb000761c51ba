//! The opening handshake from both sides, and what of HTTP it is made of.

use ws_core::bytes::ascii;
use ws_core::deflate::negotiate::Terms;
use ws_core::handshake::{OriginPolicy, client, extensions, server};
use ws_core::http::head::{HeadReader, Wanted};
use ws_core::http::{Fields, HeadLimits, Response, Target};
use ws_core::{Input, Output};

use crate::connection::{duration, now};
use crate::{Random, any, keep, maybe, read, say, text, write};

pub fn probe() {
    serve();
    connect();
    grammar();
    heads();
}

fn serve() {
    let (mut rx, mut tx, mut store, mut names) = ([0; 256], [0; 256], [0; 256], [0; 256]);
    let (mut name, mut value, mut protocol, mut other) = ([0; 256], [0; 256], [0; 256], [0; 256]);
    let mut out = Output::new(&mut tx);
    let further = [text(&mut names)];
    let limits = HeadLimits { bytes: any(), fields: any() };
    let mut handshake = server::Handshake::new(&mut store, &further, now());
    if maybe() {
        handshake = handshake.with_limits(limits);
    }
    if maybe() {
        handshake = handshake.with_timeout(duration());
    }
    loop {
        handshake.handle_timeout(now());
        keep(handshake.poll_timeout());
        match handshake.receive(&mut Input::new(read(&mut rx))) {
            Ok(true) => break,
            Ok(false) => {}
            Err(refusal) => return refuse(refusal, &mut out),
        }
    }
    let request = handshake.request();
    keep((request.method(), request.is_upgrade(), request.host(), request.origin()));
    keep(request.target());
    fields(request.fields(), request.field(text(&mut rx)));
    request.subprotocols().for_each(keep);
    request.extensions().for_each(offers);
    keep(request.compression(&terms()));
    let extra = [(text(&mut name), text(&mut value))];
    let listed = [text(&mut rx)];
    let policy = match any() {
        0 => OriginPolicy::Any,
        1 => OriginPolicy::SameOrigin,
        _ => OriginPolicy::List(&listed),
    };
    let accept = match handshake.accept(policy) {
        Ok(accept) => accept,
        Err(refusal) => return refuse(refusal, &mut out),
    };
    let accept = accept.subprotocol_if_offered(maybe().then(|| text(&mut other)));
    let Ok(accept) = accept.subprotocol(text(&mut protocol)) else { return };
    let Ok(mut accept) = accept.fields(&extra) else { return };
    keep(accept.protocol());
    keep(accept.compress_if_offered(&terms()));
    keep(accept.compression());
    while !accept.transmit(&mut out) {
        write(out.filled());
        out.clear();
    }
    match Response::new(any() as u16, &extra, read(&mut rx)) {
        Ok(response) => respond(if maybe() { response.for_head() } else { response }, &mut out),
        Err(error) => say(error),
    }
}

fn refuse(refusal: server::Refusal, out: &mut Output<'_>) {
    keep((refusal.status(), refusal.reason()));
    say(refusal);
    respond(refusal.response(), out);
}

fn respond(mut response: Response<'_>, out: &mut Output<'_>) {
    keep(response.status());
    while !response.transmit(out) {
        write(out.filled());
        out.clear();
    }
}

fn connect() {
    let (mut rx, mut tx, mut store, mut names) = ([0; 256], [0; 256], [0; 256], [0; 256]);
    let (mut host, mut target, mut origin, mut protocol) = ([0; 256], [0; 256], [0; 256], [0; 256]);
    let (mut name, mut value) = ([0; 256], [0; 256]);
    let mut out = Output::new(&mut tx);
    let subprotocols = [text(&mut protocol), "b"];
    let extra = [(text(&mut name), text(&mut value))];
    let further = [text(&mut names)];
    let mut request = client::Request::new(text(&mut host), text(&mut target));
    request.origin = maybe().then(|| text(&mut origin));
    request.subprotocols = &subprotocols;
    request.fields = &extra;
    let mut handshake = match client::Handshake::new(request, &mut Random, &mut store, &further, now()) {
        Ok(handshake) => handshake,
        Err(error) => return say(error),
    };
    if maybe() {
        handshake = handshake.with_timeout(duration());
    }
    if maybe() {
        handshake = handshake.with_limits(HeadLimits { bytes: any(), fields: any() });
    }
    if maybe() {
        handshake = handshake.with_compression(terms());
    }
    while !handshake.transmit(&mut out) {
        write(out.filled());
        out.clear();
    }
    loop {
        handshake.handle_timeout(now());
        keep(handshake.poll_timeout());
        match handshake.receive(&mut Input::new(read(&mut rx))) {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => return say(error),
        }
    }
    keep((handshake.protocol(), handshake.compression()));
    let response = handshake.response();
    keep((response.status(), response.reason()));
    fields(response.fields(), response.field(text(&mut rx)));
}

fn fields(mut fields: Fields<'_>, one: Option<&str>) {
    keep(one);
    keep(fields.first("x"));
    fields.all("x").for_each(keep);
    keep(fields.next());
}

fn offers(line: &str) {
    for offer in extensions::offers(line) {
        match offer {
            Ok(offer) => {
                keep(offer.name);
                for param in offer.params() {
                    keep((param.name, param.value == param.value));
                    if let Some(value) = param.value {
                        keep((value.decimal(), value == *line));
                        value.bytes().for_each(keep);
                    }
                }
            }
            Err(error) => say(error),
        }
    }
}

fn heads() {
    let (mut rx, mut store, mut names) = ([0; 256], [0; 256], [0; 256]);
    let names = [text(&mut names)];
    let wanted = Wanted { single: &names, repeated: &names, further: &names };
    let limits = HeadLimits { bytes: any(), fields: any() };
    let mut reader = match maybe() {
        true => HeadReader::request(&mut store, wanted, limits),
        false => HeadReader::response(&mut store, wanted, limits),
    };
    while maybe() {
        match reader.receive(&mut Input::new(read(&mut rx))) {
            Ok(done) => keep((done, reader.is_done())),
            Err(error) => say(error),
        }
        write(reader.line());
        fields(reader.fields(), None);
        reader.set_limits(limits);
        reader.restart();
    }
}

fn grammar() {
    let mut buf = [0; 256];
    let text = text(&mut buf);
    let bytes = text.as_bytes();
    keep((ascii::is_token(bytes), ascii::is_field_value(bytes), ascii::trim(bytes)));
    keep((
        ascii::is_token_byte(any() as u8),
        ascii::is_control(any() as u8),
        ascii::split_once(bytes, any() as u8),
    ));
    keep(OriginPolicy::List(&[text]).allows(maybe().then_some(text), text));
    ascii::list(bytes).for_each(keep);
    match Target::parse(text) {
        Ok(target) => keep((target.authority, target.path, target.query)),
        Err(error) => {
            keep((error.status(), error.reason()));
            say(error);
        }
    }
}

fn terms() -> Terms {
    let terms = Terms::new(any() as u8, any() as u8);
    if maybe() { terms.with_takeover() } else { terms.without_peer_takeover() }
}
