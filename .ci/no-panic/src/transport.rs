//! Push transports: the events and who listens to them, all techniques, what clients say, and the codings under them.

use ws_core::bytes::{base64, json::Escaped, percent};
use ws_core::transport::{
    AckBody, AnyFormat, Callback, Control, Cursor, EventRing, EventStream, Format, HtmlStream, Hub, Images,
    Inbox, LongPoll, Lookup, Multipart, News, Next, Part, PolicyFile, PolicyRequest, PollBody, RingView, Seq,
    Session, SessionKey, Sessions, Sid, Sse, Stream, StreamEvent, Upstream, UpstreamError, WebSocketStream,
    XhrStream,
};
use ws_core::{CloseCode, Config, Connection, Input, Message, MessageBuffer, Output};

use crate::connection::{duration, now};
use crate::{Random, any, keep, maybe, read, say, show, text, write};

pub fn probe() {
    codings();
    numbers();
    events();
    upstream();
    event_stream();
    flash();
    images();
}

fn codings() {
    let (mut a, mut b) = ([0; 64], [0; 64]);
    for piece in Escaped::new(read(&mut a)) {
        write(piece);
    }
    base64::encode(read(&mut a), read(&mut b));
    base64::encode_url(read(&mut a), read(&mut b));
    keep(base64::encoded_len(any()));
    keep(base64::decode(read(&mut a)));
    let mut decoder = if maybe() { percent::PercentDecoder::new() } else { percent::PercentDecoder::form() };
    match decoder.decode(read(&mut a)) {
        Ok(bytes) => write(bytes),
        Err(error) => say(error),
    }
    keep(decoder.is_complete());
    keep(percent::parameter(text(&mut a), text(&mut b)));
}

fn seq() -> Seq {
    Seq::new(any() as u32)
}

fn numbers() {
    let mut buf = [0; 64];
    keep((Seq::parse(text(&mut buf)), seq().next().get(), seq().previous(), seq().is_after(seq())));
    keep((seq().steps_from(seq()), Cursor::parse(text(&mut buf)), Callback::parse(text(&mut buf))));
    say(seq());
    say(Cursor { shared: seq(), own: seq() });
    show((seq(), Cursor { shared: seq(), own: seq() }, Sid::new(&mut Random)));
    keep(Sid::parse(text(&mut buf)).is_some_and(|sid| sid == Sid::new(&mut Random)));
}

fn message(buf: &mut [u8]) -> Message<'_> {
    if maybe() { Message::Text(text(buf)) } else { Message::Binary(read(buf)) }
}

/// As much of it as nobody foresees.
fn lend(memory: &mut [u8]) -> &mut [u8] {
    memory.get_mut(..any()).unwrap_or_default()
}

fn events() {
    let (mut shared, mut own, mut one, mut buf) = ([0; 1024], [0; 1024], [0; 256], [0; 256]);
    let mut session = Session::new(Sid::new(&mut Random), lend(&mut one), now());
    let sessions = Sessions::<4>::new(lend(&mut own), duration());
    let mut ring = EventRing::new(lend(&mut shared), seq());
    keep(ring.publish(message(&mut buf)));
    ring.clear(seq());
    view(ring.view());
    drive(&mut session);
    listen(&News::new(&ring, Some(&session)), Some(*session.sid()));
    let mut hub = Hub::new(ring, sessions);
    while maybe() {
        if let Err(error) = hub.publish(message(&mut buf)) {
            say(error);
        }
        let key = find(&mut hub);
        keep(hub.has_news(key, Cursor { shared: seq(), own: seq() }));
        listen(&hub.news(key), None);
        keep((hub.now(), hub.oldest()));
        view(hub.ring().view());
        show(&hub);
    }
}

fn find(hub: &mut Hub<'_, 4>) -> Option<SessionKey> {
    let mut buf = [0; 256];
    let sessions = hub.sessions_mut();
    sessions.handle_timeout(now());
    keep(sessions.poll_timeout());
    sessions.keys().for_each(keep);
    let found = Sid::parse(text(&mut buf)).and_then(|sid| sessions.find(&sid));
    let key = found.or_else(|| sessions.open(now(), &mut Random))?;
    if let Some(session) = sessions.get_mut(key) {
        drive(session);
    }
    keep(sessions.get(key).map(Session::left));
    keep(hub.sessions().get(key).map(Session::turn));
    let sessions = hub.sessions_mut();
    if maybe() {
        sessions.close(key);
    }
    if let Err(error) = hub.send(key, message(&mut buf)) {
        say(error);
        show(error);
    }
    Some(key)
}

fn drive(session: &mut Session<'_>) {
    let mut buf = [0; 256];
    keep((session.listen(), session.turn()));
    session.attach();
    session.detach(now());
    if let Err(error) = session.send(message(&mut buf)) {
        say(error);
    }
    session.take(seq());
    keep((session.left(), session.inbox().received(), session.inbox_mut().accept(seq())));
    write(session.sid().as_bytes());
    view(session.ring().view());
    show(&session);
}

fn view(view: RingView<'_>) {
    keep((view.len(), view.is_empty(), view.longest(), view.before_oldest(), view.newest()));
    keep(view.has_room_behind(any(), seq()));
    if let Lookup::Found(event) = view.get(seq()) {
        keep(event.message());
    }
    show(view);
}

/// Every way to listen.
fn listen(news: &News<'_>, sid: Option<Sid>) {
    let mut buf = [0; 64];
    let cursor = Cursor { shared: seq(), own: seq() };
    keep(news.is_behind(cursor));
    match news.next(cursor) {
        Next::Own(event) | Next::Shared(event) => write(event.bytes),
        Next::Reset(oldest) => keep(oldest),
        Next::Nothing => {}
    }
    show(news);
    let Some(callback) = Callback::parse(text(&mut buf)) else { return };
    write(callback.as_str().as_bytes());
    keep(callback.is_plain());
    let sse =
        Sse { padding: any() as u16, retry: duration(), ..if maybe() { Sse::PLAIN } else { Sse::JSON } };
    let html = HtmlStream { callback, padding: any() as u16 };
    let xhr = XhrStream { padding: any() as u16 };
    match any() {
        0 => stream(sse, cursor, sid, news),
        1 => stream(html, cursor, sid, news),
        2 => stream(xhr, cursor, sid, news),
        3 => stream(Multipart, cursor, sid, news),
        _ => {
            let formats = [
                AnyFormat::Sse(sse),
                AnyFormat::Html(html),
                AnyFormat::Xhr(xhr),
                AnyFormat::Multipart(Multipart),
            ];
            if let Some(format) = formats.get(any()) {
                stream(*format, cursor, sid, news);
            }
        }
    }
    poll(news, cursor, callback, sid);
    websocket(news, cursor, sid);
}

fn stream<F: Format + core::fmt::Debug>(format: F, cursor: Cursor, sid: Option<Sid>, news: &News<'_>) {
    let mut buf = [0; 256];
    let mut out = Output::new(&mut buf);
    let mut stream = Stream::new(format, cursor, duration(), now());
    if let Some(sid) = sid {
        stream = stream.with_session(sid);
    }
    write(stream.format().content_type().as_bytes());
    while maybe() {
        match stream.transmit(news, now(), &mut out) {
            Ok(progress) => show(progress),
            Err(error) => say(error),
        }
        flush(&mut out);
        stream.acknowledge(seq());
        stream.close(CloseCode::NORMAL, if maybe() { "a" } else { "b\"" });
        keep((stream.cursor(), stream.wants_transmit(news), stream.poll_timeout()));
        stream.handle_timeout(now());
    }
    show(stream);
}

fn poll(news: &News<'_>, cursor: Cursor, callback: Callback, sid: Option<Sid>) {
    let (mut buf, mut wait) = ([0; 256], [0; 64]);
    let mut out = Output::new(&mut buf);
    let mut long = LongPoll::new(cursor, LongPoll::parse_wait(text(&mut wait)).unwrap_or_default(), now());
    if maybe() {
        long.hurry();
    }
    keep((long.is_due(news, now()), long.poll_timeout()));
    show(&long);
    let mut body = PollBody::new(news, long.cursor(), any());
    if maybe() {
        body = body.with_open(news, Control::Open { sid, ping: duration() });
    }
    if maybe() {
        let reason = if maybe() { "a" } else { "b\"" };
        body = body.with_close(news, Control::Close { code: CloseCode::NORMAL, reason });
    }
    if maybe() {
        body = body.with_callback(news, callback);
    }
    keep((body.len(), body.is_empty(), body.next()));
    keep(body.is_script());
    write(body.content_type().as_bytes());
    while let Ok(false) = body.transmit(news, &mut out) {
        flush(&mut out);
    }
    show(body);
    let mut ack = AckBody::new(seq(), maybe().then_some(callback));
    keep(ack.len());
    write(ack.content_type().as_bytes());
    while !ack.transmit(&mut out) {
        flush(&mut out);
    }
    show(ack);
}

fn websocket(news: &News<'_>, cursor: Cursor, sid: Option<Sid>) {
    let mut buf = [0; 256];
    let mut out = Output::new(&mut buf);
    let mut ws = Connection::server(Config::DEFAULT, now());
    let mut stream = WebSocketStream::new(cursor, duration(), now());
    if let Some(sid) = sid {
        stream = stream.with_session(sid);
    }
    while maybe() {
        match stream.transmit(&mut ws, news, now(), &mut out) {
            Ok(progress) => keep(progress),
            Err(error) => say(error),
        }
        flush(&mut out);
        stream.acknowledge(seq());
        stream.handle_timeout(now());
        keep((stream.cursor(), stream.wants_transmit(news), stream.poll_timeout()));
    }
    show(stream);
}

fn upstream() {
    let (mut bytes, mut memory) = ([0; 256], [0; 256]);
    let (mut inbox, mut message) = (Inbox::new(), MessageBuffer::new(&mut memory));
    let mut upstream = match Upstream::new(&mut inbox, seq(), any() as u32) {
        Ok(upstream) => upstream,
        Err(error) => return told(error),
    };
    while maybe() {
        let mut input = Input::new(read(&mut bytes));
        match upstream.receive(&mut input, &mut inbox) {
            Ok(Some(data)) => keep(message.push(data)),
            Ok(None) => {}
            Err(error) => told(error),
        }
    }
    keep((upstream.finish(&inbox), inbox.received()));
    show((&upstream, &inbox));
}

fn told(error: UpstreamError) {
    keep((error.status(), error.reason()));
    say(error);
    show(error);
}

fn event_stream() {
    let (mut bytes, mut memory) = ([0; 256], [0; 256]);
    let mut stream = EventStream::new(lend(&mut memory));
    while maybe() {
        match stream.receive(&mut Input::new(read(&mut bytes))) {
            Ok(Some(event)) => {
                let StreamEvent { event: kind, data, id, .. } = event;
                write(kind.as_bytes());
                write(data.as_bytes());
                write(id.as_bytes());
            }
            Ok(None) => {}
            Err(error) => say(error),
        }
        write(stream.last_event_id().as_bytes());
        keep(stream.retry());
        if maybe() {
            stream.restart();
        }
    }
}

fn flash() {
    let (mut bytes, mut ports, mut buf) = ([0; 256], [0; 16], [0; 64]);
    let mut request = PolicyRequest::new();
    keep(PolicyRequest::is_begun_by(any() as u8));
    while request.receive(&mut Input::new(read(&mut bytes))).is_none() {}
    show(request);
    let mut out = Output::new(&mut buf);
    match PolicyFile::new(text(&mut bytes), text(&mut ports)) {
        Ok(mut file) => {
            while !file.transmit(&mut out) {
                flush(&mut out);
            }
        }
        Err(error) => say(error),
    }
}

fn images() {
    let (mut kind, mut body, mut buf) = ([0; 64], [0; 64], [0; 64]);
    let mut out = Output::new(&mut buf);
    let mut images = Images::new(&mut Random);
    write(images.content_type().as_bytes());
    match Part::new(text(&mut kind), read(&mut body)) {
        Ok(part) => {
            while !images.transmit(&part, &mut out) {
                flush(&mut out);
            }
        }
        Err(error) => say(error),
    }
}

fn flush(out: &mut Output<'_>) {
    write(out.filled());
    out.clear();
}
