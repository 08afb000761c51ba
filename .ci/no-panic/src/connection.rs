//! Frames, messages, closing, heartbeat: [`ws_core::Connection`] in both roles.

use ws_core::connection::Role;
use ws_core::frame::{CloseCode, encode_header};
use ws_core::{
    Config, Connection, Duration, Event, Input, Instant, Kind, Limits, MessageBuffer, Output, Timeouts,
};

use crate::{Random, any, keep, maybe, read, say, text, write};

pub fn probe() {
    let mut server = Connection::server(config(), now());
    drive(&mut server);
    keep(server.payload_written(any() as u64));
    let mut client = Connection::client(config(), Random, now());
    drive(&mut client);
    if let Ok(header) = encode_header(kind(), any() as u64) {
        write(header.as_bytes());
    }
}

fn drive<R: Role>(ws: &mut Connection<R>) {
    let (mut rx, mut tx, mut memory) = ([0; 256], [0; 256], [0; 256]);
    let mut out = Output::new(&mut tx);
    let mut message = MessageBuffer::new(&mut memory);
    while maybe() {
        let mut input = Input::new(read(&mut rx));
        while !input.is_empty() {
            receive(ws, &mut input, &mut message, &mut out);
        }
        keep((input.consumed(), input.rest().len(), input.take_rest().len()));
        send(ws, &mut out);
        time(ws);
        write(out.filled());
        keep((out.is_empty(), out.space(), out.capacity(), out.put(read(&mut rx))));
        out.clear();
    }
}

fn receive<R: Role>(
    ws: &mut Connection<R>,
    input: &mut Input<'_>,
    message: &mut MessageBuffer<'_>,
    out: &mut Output<'_>,
) {
    match ws.receive(input) {
        Ok(Some(Event::Data(data))) if maybe() => {
            match message.store(data) {
                Ok(done) => keep(done),
                Err(error) => say(error),
            }
            if let Some(whole) = message.message() {
                write(whole.as_bytes());
            }
        }
        Ok(Some(Event::Data(data))) => {
            let mut rest: &[u8] = data.payload;
            while let Ok(false) = ws.send(data.kind, &mut rest, data.last, out) {
                write(out.filled());
                out.clear();
            }
            match message.push(data) {
                Ok(Some(whole)) => {
                    keep(whole.kind());
                    write(whole.as_bytes());
                    if let ws_core::Message::Text(text) = whole {
                        keep(text.len());
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    say(error);
                    ws.fail(CloseCode::MESSAGE_TOO_BIG);
                }
            }
        }
        Ok(Some(Event::Ping | Event::Pong)) => write(ws.control()),
        Ok(Some(Event::Close(code))) => {
            keep(code);
            write(ws.close_reason().as_bytes());
        }
        Err(error) => {
            keep(error.close_code().map(CloseCode::get));
            say(error);
        }
        Ok(_) => {}
    }
}

fn send<R: Role>(ws: &mut Connection<R>, out: &mut Output<'_>) {
    let mut buf = [0; 256];
    keep(ws.transmit(out));
    let mut payload: &[u8] = read(&mut buf);
    match ws.begin(kind(), any() as u64, maybe(), out) {
        Ok(true) => keep(ws.payload(&mut payload, out)),
        Ok(false) => {}
        Err(error) => say(error),
    }
    keep(ws.ping(read(&mut buf), out));
    keep(ws.pong(read(&mut buf), out));
    let code = if maybe() { CloseCode::new(any() as u16) } else { None };
    if maybe() {
        keep(ws.close(code, text(&mut buf), out));
    }
    if let Some(code) = code {
        ws.fail(code);
        say(code);
    }
    keep((ws.wants_transmit(), ws.is_sendable(), ws.buffered_amount()));
}

fn time<R: Role>(ws: &mut Connection<R>) {
    ws.set_time(now());
    let moment = now().after(duration());
    keep((moment.millis(), moment.since(now()).millis(), moment.has_reached(now())));
    keep(Duration::from_secs(any() as u32).millis());
    ws.handle_timeout(now());
    keep((ws.poll_timeout(), ws.timed_out(), ws.round_trip()));
    keep((ws.ready_state(), ws.was_clean(), ws.close_received(), ws.close_sent()));
    if maybe() {
        ws.receive_eof();
    }
    keep((ws.wants_shutdown(), ws.close_expected()));
    keep(*ws.config());
    keep(now().since(now()).millis());
    say(format_args!("{ws:?}"));
}

pub fn kind() -> Kind {
    if maybe() { Kind::Text } else { Kind::Binary }
}

pub fn now() -> Instant {
    Instant::from_millis(any() as u64)
}

pub fn duration() -> Duration {
    if maybe() { Duration::from_millis(any() as u32) } else { Duration::from_secs(any() as u32) }
}

pub fn config() -> Config {
    let limits = Limits { message: any() as u32, fragments: any() as u32, empty_fragments: any() as u8 };
    let limits = if maybe() { Limits::for_message(any()) } else { limits };
    let timeouts = Timeouts { ping: duration(), pong: duration(), idle: duration(), close: duration() };
    Config::DEFAULT.with_limits(limits).with_timeouts(timeouts)
}
