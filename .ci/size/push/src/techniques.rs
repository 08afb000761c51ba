//! The techniques over HTTP, and what stands without it: Flash's policy file, and a client that listens.

use crate::http::Connection;
use crate::hub::{Events, Listener};
use crate::{PING, flush, now};
use ws_core::bytes::percent::PercentDecoder;
use ws_core::transport::{
    AckBody, AnyFormat, Callback, Control, EventStream, Format, HtmlStream, LongPoll, Multipart, PolicyFile,
    PolicyRequest, PollBody, Progress, Seq, Sse, Stream, Upstream, XhrStream,
};
use ws_core::{Input, Output};

/// Short polling; JSONP with `callback`.
pub fn poll(mut connection: Connection<'_, '_, '_>, events: &mut Events, callback: Option<Callback>) -> bool {
    let Some(listener) = events.attach(&connection) else { return connection.refuse(503) };
    answer_poll(connection, events, &listener, callback)
}

/// Long polling.
pub fn long_poll(
    mut connection: Connection<'_, '_, '_>,
    events: &mut Events,
    callback: Option<Callback>,
) -> bool {
    let Some(listener) = events.attach(&connection) else { return connection.refuse(503) };
    let wait = connection.parameter("wait").and_then(LongPoll::parse_wait).unwrap_or_default();
    let poll = LongPoll::new(listener.cursor, wait, now());
    while events.wait(&listener) && !poll.is_due(&events.news(&listener), now()) {}
    answer_poll(connection, events, &listener, callback)
}

fn answer_poll(
    mut connection: Connection<'_, '_, '_>,
    events: &mut Events,
    listener: &Listener,
    callback: Option<Callback>,
) -> bool {
    let news = events.news(listener);
    let mut body = PollBody::new(&news, listener.cursor, PollBody::LIMIT);
    if listener.sid.is_some() {
        body = body.with_open(&news, Control::Open { sid: listener.sid, ping: PING });
    }
    if let Some(callback) = callback {
        body = body.with_callback(&news, callback);
    }
    let closes = if body.is_empty() && callback.is_none() {
        connection.refuse(204)
    } else {
        let mut is_lost = false;
        let closes = connection.answer(body.content_type(), PollBody::FIELDS, &mut |out| {
            body.transmit(&news, out).unwrap_or_else(|_| {
                is_lost = true;
                true
            })
        });
        closes || is_lost
    };
    events.detach(listener);
    closes
}

/// A stream in a format, until it ends or the client does.
pub fn stream<F: Format>(mut connection: Connection<'_, '_, '_>, events: &mut Events, format: F) -> bool {
    let Some(listener) = events.attach(&connection) else { return connection.refuse(503) };
    let mut stream = Stream::new(format, listener.cursor, PING, now());
    if let Some(sid) = listener.sid {
        stream = stream.with_session(sid);
    }
    let content_type = stream.format().content_type();
    let closes = connection.answer(content_type, F::FIELDS, &mut |out| {
        loop {
            match stream.transmit(&events.news(&listener), now(), out) {
                Ok(Progress::Full) => return false,
                Ok(Progress::Ended) | Err(_) => return true,
                Ok(Progress::Idle) => {}
            }
            if !events.wait(&listener) {
                return true;
            }
            stream.handle_timeout(now());
        }
    });
    events.detach(&listener);
    closes
}

/// Messages of a client, in the body of a POST; or in the query, for JSONP.
pub fn acknowledge(
    mut connection: Connection<'_, '_, '_>,
    events: &mut Events,
    callback: Option<Callback>,
) -> bool {
    let n = connection.parameter("n").and_then(Seq::parse).unwrap_or_default();
    let Some(key) = events.attach(&connection).and_then(|listener| listener.key) else {
        return connection.refuse(404);
    };
    let Some(session) = events.hub.sessions_mut().get_mut(key) else { return connection.refuse(404) };
    let inbox = session.inbox_mut();
    let mut upstream = match Upstream::new(inbox, n, 1024) {
        Ok(upstream) => upstream,
        Err(error) => return connection.refuse(error.status()),
    };
    let mut read = |bytes: &mut [u8]| {
        let mut input = Input::new(bytes);
        while let Some(data) = upstream.receive(&mut input, inbox)? {
            transport::write(data.payload);
        }
        Ok(())
    };
    let mut done = Ok(());
    if callback.is_some() {
        let data = connection.parameter("d").unwrap_or_default();
        let memory = transport::memory().get_mut(..data.len()).unwrap_or_default();
        memory.iter_mut().zip(data.bytes()).for_each(|(to, from)| *to = from);
        match PercentDecoder::form().decode(memory) {
            Ok(bytes) => done = read(bytes),
            Err(_) => return connection.refuse(400),
        }
    } else {
        while let Ok(Some(piece)) = connection.exchange.receive_body(connection.input)
            && done.is_ok()
        {
            done = read(piece);
        }
    }
    if let Err(error) = done.and_then(|()| upstream.finish(inbox)) {
        return connection.refuse(error.status());
    }
    let mut ack = AckBody::new(inbox.received(), callback);
    session.detach(now());
    connection.answer(ack.content_type(), PollBody::FIELDS, &mut |out| ack.transmit(out))
}

/// Whichever is asked for, but a WebSocket.
pub fn any(mut connection: Connection<'_, '_, '_>, events: &mut Events) -> bool {
    let callback = connection.parameter("callback").and_then(Callback::parse);
    if connection.request().method() == "POST" || connection.parameter("d").is_some() {
        return acknowledge(connection, events, callback);
    }
    let format = match connection.parameter("as") {
        Some("sse") => AnyFormat::Sse(Sse::JSON),
        Some("events") => AnyFormat::Sse(Sse::PLAIN),
        Some("xhr") => AnyFormat::Xhr(XhrStream { padding: 0 }),
        Some("multipart") => AnyFormat::Multipart(Multipart),
        Some("html") => match callback {
            Some(callback) => AnyFormat::Html(HtmlStream { callback, padding: 0 }),
            None => return connection.refuse(400),
        },
        _ => return long_poll(connection, events, callback),
    };
    stream(connection, events, format)
}

/// Flash's policy file: a server of nothing else.
pub fn policy() {
    let mut out = Output::new(transport::memory());
    let (rx, mut request) = (transport::memory(), PolicyRequest::new());
    loop {
        let n = transport::read(rx);
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        match request.receive(&mut input) {
            Some(true) => break,
            None if n != 0 => {}
            _ => return,
        }
    }
    if let Ok(mut file) = PolicyFile::new("example.com", "80") {
        while !file.transmit(&mut out) {
            flush(&mut out);
        }
        flush(&mut out);
    }
}

/// The client's side of SSE: the parser of an event stream, behind a head that somebody else has read.
pub fn listen_to_events() {
    let (rx, mut stream) = (transport::memory(), EventStream::new(transport::memory()));
    loop {
        let n = transport::read(rx);
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        if n == 0 {
            transport::write(stream.last_event_id().as_bytes());
            if stream.retry().is_none() {
                return;
            }
            stream.restart();
        }
        while let Ok(Some(event)) = stream.receive(&mut input) {
            transport::write(event.event.as_bytes());
            transport::write(event.data.as_bytes());
        }
    }
}
