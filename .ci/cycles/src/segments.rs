//! The calls that one segment of 1,460 bytes can make long: each call of ours is measured by itself. What a peer may send
//! is chosen to be as much work as it can be.

use core::hint::black_box;

use ws_core::{Config, Connection, Event, Input, Instant, MessageBuffer, Output};

use crate::host::{fail, label, measured};
use crate::wire::{Aligned, Content, READ, Wire, fill};

pub fn run() {
    frames();
    whole_messages();
}

const BINARY: u8 = 0x82;
const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

fn frames() {
    let mut payload = [0; READ];
    for (name, b0, content) in [
        ("one binary message", BINARY, Content::Binary),
        ("one text, ASCII", TEXT, Content::Ascii),
        ("one text, characters of 4 bytes", TEXT, Content::Wide),
    ] {
        fill(&mut payload, content);
        segment(name, |wire| wire.put_frame(b0, &payload[..READ - 8]));
    }
    segment("one text, wrong in its last byte", |wire| {
        payload[READ - 9] = 0xff;
        wire.put_frame(TEXT, &payload[..READ - 8]);
    });
    for (name, b0, len) in [
        ("binary messages of 1 byte", BINARY, 1),
        ("texts of 1 byte", TEXT, 1),
        ("messages without payload", BINARY, 0),
        ("pings without payload", PING, 0),
        ("pings of 125 bytes", PING, 125),
        ("pongs without payload", PONG, 0),
    ] {
        segment(name, |wire| {
            while wire.bytes().len() + 6 + len <= READ {
                wire.put_frame(b0, &[b'a'; 125][..len]);
            }
        });
    }
    segment("fragments of 1 byte", |wire| {
        wire.put_frame(0x02, b"a");
        while wire.bytes().len() + 7 <= READ {
            wire.put_frame(0x00, b"a");
        }
    });
}

/// Receives a segment, whole, in each of the four positions that it can have in memory, and answers what is owed.
fn segment(name: &str, mut write: impl FnMut(&mut Wire<'_>)) {
    let mut bytes = [0; READ];
    let mut wire = Wire::new(&mut bytes);
    write(&mut wire);
    let len = wire.bytes().len();
    let mut rx = Aligned([0; READ + 3]);
    for offset in 0..4 {
        let rx = &mut rx.0[offset..][..len];
        rx.copy_from_slice(&bytes[..len]);
        label(format_args!("segment|{name}|{offset}|{len}"));
        receive(rx);
    }
}

fn receive(rx: &mut [u8]) {
    let mut tx = [0; READ];
    let mut ws = Connection::server(Config::DEFAULT, Instant::from_millis(0));
    let mut out = Output::new(&mut tx);
    let mut input = Input::new(rx);
    while !input.is_empty() || ws.wants_transmit() {
        match measured(|| ws.receive(&mut input)) {
            Ok(Some(Event::Data(data))) => drop(black_box(data)),
            Ok(_) => {}
            Err(_) => {
                input.take_rest();
            }
        }
        if ws.wants_transmit() {
            measured(|| ws.transmit(&mut out));
            out.clear();
        }
    }
}

/// The piece that completes the longest message: it is looked at as a whole once more.
fn whole_messages() {
    let mut store = [0; 16 * 1024];
    let mut payload = [0; READ];
    fill(&mut payload, Content::Wide);
    let mut messages = MessageBuffer::new(&mut store);
    let mut ws = Connection::server(Config::DEFAULT, Instant::from_millis(0));
    let mut bytes = [0; READ];
    label(format_args!("segment|the last piece of a text of 16 KiB, put together|0|{READ}"));
    let mut left = 16 * 1024;
    while left != 0 {
        let now = left.min(READ - 8);
        left -= now;
        let mut wire = Wire::new(&mut bytes);
        let b0 = if left + now == 16 * 1024 { 0x01 } else { 0x00 } | if left == 0 { 0x80 } else { 0 };
        wire.put_frame(b0, &payload[..now]);
        let len = wire.bytes().len();
        let Ok(Some(Event::Data(data))) = ws.receive(&mut Input::new(&mut bytes[..len])) else { fail() };
        measured(|| _ = black_box(messages.push(data)));
    }
}
