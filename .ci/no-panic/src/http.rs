//! HTTP as a server speaks it: connections of many requests, bodies, answers of all kinds.

use ws_core::handshake::server;
use ws_core::http::exchange::{Exchange, Refusal, Settings};
use ws_core::http::{
    BodyError, BodyReader, Chunks, Content, Cors, Framing, HeadLimits, Hosts, OriginPolicy, Request,
    Response, Stream, Version,
};
use ws_core::{Input, Output};

use crate::connection::{duration, now};
use crate::{any, keep, maybe, read, say, text, write};

pub fn probe() {
    serve();
    bodies();
    streams();
}

fn serve() {
    let (mut rx, mut tx, mut store, mut names) = ([0; 256], [0; 256], [0; 256], [0; 256]);
    let mut out = Output::new(&mut tx);
    let further = [text(&mut names)];
    let settings = Settings {
        head: HeadLimits { bytes: any(), fields: any() },
        body: any() as u64,
        requests: any() as u16,
        first_timeout: duration(),
        head_timeout: duration(),
        body_timeout: duration(),
        idle_timeout: duration(),
    };
    let mut exchange = Exchange::new(&mut store, &further, &settings, now());
    loop {
        exchange.set_time(now());
        keep((exchange.is_waiting(), exchange.now()));
        exchange.handle_timeout(now());
        keep(exchange.poll_timeout());
        let mut input = Input::new(read(&mut rx));
        if input.is_empty()
            && let Err(refusal) = exchange.receive_eof()
        {
            return refuse(&exchange, refusal, &mut out);
        }
        let done = exchange.receive(&mut input).and_then(|done| {
            exchange.limit_body(any() as u64)?;
            while let Some(piece) = exchange.receive_body(&mut input)? {
                write(piece);
            }
            Ok(done && exchange.is_body_done())
        });
        if exchange.wants_transmit() {
            while !exchange.transmit(&mut out) {
                flush(&mut out);
            }
        }
        let closes = match done {
            Ok(true) => answer(&exchange, &mut out),
            Ok(false) => continue,
            Err(refusal) => return refuse(&exchange, refusal, &mut out),
        };
        if !exchange.next(closes, now()) {
            return;
        }
    }
}

fn refuse(exchange: &Exchange<'_>, refusal: Refusal, out: &mut Output<'_>) {
    keep((refusal.status(), refusal.reason()));
    say(refusal);
    for response in [refusal.response(), exchange.refuse(refusal)].into_iter().flatten() {
        respond(response, out);
    }
}

/// Answers in one of all ways.
fn answer(exchange: &Exchange<'_>, out: &mut Output<'_>) -> bool {
    let (mut a, mut b, mut c, mut d, mut e) = ([0; 64], [0; 64], [0; 64], [0; 64], [0; 64]);
    let (mut one, mut other, mut f) = ([0; 64], [0; 64], [0; 64]);
    let request = exchange.request();
    keep((request.method(), request.version(), request.origin(), exchange.persists()));
    keep((request.target(), request.host(), request.field(text(&mut a))));
    keep(server::accept(request, policy(&[text(&mut a)])));
    keep(Hosts::Addresses(&[text(&mut a)]).admit(request.host()));
    let listed = [text(&mut c)];
    let cors = Cors {
        origins: policy(&listed),
        credentials: maybe(),
        methods: text(&mut a),
        headers: text(&mut b),
        max_age: text(&mut e),
    };
    let cors = if maybe() { Cors::new(policy(&listed)) } else { cors };
    keep(cors.admits(&request));
    let (preflight, fields) = (cors.preflight(&request), cors.fields(&request));
    if let Some(preflight) = preflight {
        let preflight = preflight.with(text(&mut f), "yes");
        return respond(exchange.respond(preflight.response()), out);
    }
    if maybe() {
        return respond(Response::internal_server_error().persistent(request.version()), out);
    }
    if maybe() {
        return respond(exchange.respond(Response::internal_server_error()), out);
    }
    if maybe() {
        let Ok(stream) = exchange.stream(any() as u16, fields.as_slice()) else { return true };
        return begin(stream, out);
    }
    let content = content(text(&mut one), text(&mut other), read(&mut d));
    match content.response(&request).with_fields(fields.as_slice()) {
        Ok(response) => respond(exchange.respond(response), out),
        Err(error) => {
            say(error);
            true
        }
    }
}

fn policy<'a>(listed: &'a [&'a str]) -> OriginPolicy<'a> {
    match any() {
        0 => OriginPolicy::Any,
        1 => OriginPolicy::SameOrigin,
        _ => OriginPolicy::List(listed),
    }
}

fn content<'a>(content_type: &'a str, etag: &'a str, body: &'a [u8]) -> Content<'a> {
    let content = match any() {
        0 => Content::plain(content_type, etag, body),
        1 => Content::gzip(content_type, etag, body),
        _ => Content::both(content_type, etag, body, body),
    };
    if maybe() { content.cached(etag) } else { content }
}

fn respond(mut response: Response<'_>, out: &mut Output<'_>) -> bool {
    while !response.transmit(out) {
        flush(out);
    }
    response.closes()
}

fn streams() {
    let (mut tx, mut name, mut value) = ([0; 64], [0; 64], [0; 64]);
    let mut out = Output::new(&mut tx);
    let fields = [(text(&mut name), text(&mut value))];
    let version = if maybe() { Version::Http10 } else { Version::Http11 };
    let Ok(mut stream) = Stream::new(any() as u16, &fields, version) else { return };
    if maybe() {
        stream = stream.for_head();
    }
    if maybe() {
        stream = stream.persistent();
    }
    if maybe() {
        stream = stream.with_length(any());
    }
    match stream.with_fields(&fields) {
        Ok(stream) => keep(begin(stream, &mut out)),
        Err(error) => say(error),
    }
}

fn begin(mut stream: Stream<'_>, out: &mut Output<'_>) -> bool {
    keep(stream.status());
    while !stream.transmit(out) {
        flush(out);
    }
    send(stream.chunks(), out);
    stream.closes()
}

fn send(mut chunks: Chunks, out: &mut Output<'_>) {
    let mut buf = [0; 64];
    let mut data: &[u8] = read(&mut buf);
    while let Ok(false) = chunks.send(&mut data, out) {
        flush(out);
    }
    while let Ok(false) = chunks.write(out, &mut |out| out.put(&[any() as u8]) != any()) {
        flush(out);
    }
    while !chunks.finish(out) {
        flush(out);
    }
}

fn flush(out: &mut Output<'_>) {
    write(out.filled());
    out.clear();
}

fn bodies() {
    let mut store = [0; 256];
    let mut handshake = server::Handshake::new(&mut store, &[], now());
    keep(handshake.receive(&mut Input::new(&mut [any() as u8])));
    match framing(&handshake.request()).and_then(|framing| BodyReader::new(framing, any() as u64)) {
        Ok(reader) => take(reader),
        Err(error) => told(error),
    }
}

fn framing(request: &Request<'_>) -> Result<Framing, BodyError> {
    match any() {
        0 => Framing::of_request(request),
        1 => Framing::of_response(request.fields(), request.version(), any() as u16, maybe()),
        2 => Ok(Framing::Length(any() as u64)),
        _ => Ok(Framing::Close),
    }
}

fn take(mut reader: BodyReader) {
    let mut rx = [0; 64];
    while !reader.is_done() {
        let mut input = Input::new(read(&mut rx));
        if input.is_empty() {
            keep(reader.receive_eof());
        }
        loop {
            match reader.receive(&mut input) {
                Ok(Some(piece)) => write(piece),
                Ok(None) => break,
                Err(error) => return told(error),
            }
        }
    }
}

fn told(error: BodyError) {
    keep((error.status(), error.reason()));
    say(error);
}
