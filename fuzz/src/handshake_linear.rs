//! Each byte of a head is taken once, in the call that brings it, and none behind the head or behind what is wrong with it. At any
//! limits, in memory of any size: what is too long is refused on the first byte too many, with 414 if that is in the request line,
//! else 431, and 400 for what is no head; a store smaller than [`HeadReader`] asks for refuses, and never changes what is
//! understood. Of requests of either kind, and of a client's response with what comes before it.
//!
//! So there are as many calls as pieces. What a call does is not seen here: one that went over all of the store each time would
//! pass. How many instructions a byte takes, in heads of up to 8 KiB that come byte by byte, is counted by `.ci/cycles`.
//!
//! [`HeadReader`]: ws_core::http::head::HeadReader

use ws_core::handshake::client::{self, Error};
use ws_core::handshake::server::{self, Handshake};
use ws_core::http::exchange::{self, Exchange, Settings};
use ws_core::http::{HeadError, HeadLimits};
use ws_core::{Entropy, Instant};

use crate::common::Cuts;
use crate::common::fields::*;
use crate::common::head::{Rules, Verdict, is_one_of};
use crate::common::io::read;

const START: Instant = Instant::from_millis(0);

/// Two bytes: how long a head may be; one: how many fields it may have; two: how large the store is; one: who reads. Then the head.
pub fn check(data: &[u8]) {
    let Some(([b0, b1, fields, s0, s1, who], data)) = data.split_first_chunk() else { return };
    let limits = HeadLimits {
        bytes: usize::from(u16::from_be_bytes([*b0, *b1])) % 700,
        fields: usize::from(*fields) % 24,
    };
    let store = usize::from(u16::from_be_bytes([*s0, *s1])) % 1024;
    match who % 3 {
        0 => web_socket(data, limits, store),
        1 => page(data, limits, store),
        _ => response(data, limits, store),
    }
}

/// What is to come, and at least how large a store for that to come.
struct Expected<E> {
    end: Result<bool, E>,
    taken: usize,
    store: usize,
}

fn web_socket(data: &[u8], limits: HeadLimits, store: usize) {
    let rules = Rules { is_request: true, single: &SINGLE, limits };
    let mut store = vec![0xaa; store];
    let needed = needed(data, &[&SINGLE[..], &REPEATED, &["x"]]);
    let (end, taken) = match rules.read(data) {
        Verdict::More => (Ok(false), data.len()),
        Verdict::Refused { error, len, .. } => (Err(server::Refusal::Head(error)), len),
        Verdict::Head(head) if head.has_host() => (Ok(true), head.len),
        Verdict::Head(head) => (Err(server::Refusal::NoHost), head.len),
    };
    let room = store.len();
    let mut handshake = Handshake::new(&mut store, &["x"], START).with_limits(limits);
    let came = read(data, Cuts::of(data), |input| handshake.receive(input));
    if let Err(refusal) = came.0 {
        let is_head = matches!(refusal, server::Refusal::Head(error) if status(error) == refusal.status());
        assert!(is_head || refusal.status() == 400);
    }
    let too_long = |refusal| match refusal {
        server::Refusal::Head(error) => is_too_long(error),
        _ => false,
    };
    agree(came, &Expected { end, taken, store: needed }, room, too_long);
}

/// Of a server of pages, without what its requests say about their bodies, which is another target's matter.
fn page(data: &[u8], limits: HeadLimits, store: usize) {
    let rules = Rules { is_request: true, single: &SINGLE_OF_PAGES, limits };
    let mut store = vec![0xaa; store];
    let needed = needed(data, &[&SINGLE_OF_PAGES[..], &REPEATED_OF_PAGES, &["x"]]);
    let (end, taken) = match rules.read(data) {
        Verdict::More => (Ok(false), data.len()),
        Verdict::Refused { error, len, .. } => (Err(exchange::Refusal::Head(error)), len),
        Verdict::Head(head) if head.has_host() => (Ok(true), head.len),
        Verdict::Head(head) => (Err(exchange::Refusal::NoHost), head.len),
    };
    let room = store.len();
    let settings = Settings { head: limits, ..Settings::DEFAULT };
    let mut exchange = Exchange::new(&mut store, &["x"], &settings, START);
    let mut came = read(data, Cuts::of(data), |input| exchange.receive(input));
    if let Err(refusal) = came.0 {
        match refusal {
            exchange::Refusal::Head(error) => assert_eq!(refusal.status(), Some(status(error))),
            exchange::Refusal::NoHost => assert_eq!(refusal.status(), Some(400)),
            _ => came.0 = Ok(true),
        }
    }
    let too_long = |refusal| match refusal {
        exchange::Refusal::Head(error) => is_too_long(error),
        _ => false,
    };
    agree(came, &Expected { end, taken, store: needed }, room, too_long);
}

/// A client's: interim responses come before the one that counts, and count towards the limits.
fn response(data: &[u8], limits: HeadLimits, store: usize) {
    let mut store = vec![0xaa; store];
    let expected = expected_response(data, limits);
    let room = store.len();
    let request = client::Request::new("h", "/");
    let handshake = client::Handshake::new(request, &mut Zeros, &mut store, &["x"], START);
    let mut handshake = handshake.unwrap().with_limits(limits);
    let came = read(data, Cuts::of(data), |input| handshake.receive(input));
    let status = handshake.response().status();
    let came = match came {
        // What is in it, and so whether this opens the connection, is another target's matter.
        (Err(Error::Head(_) | Error::Refused { .. }) | Ok(false), _) => came,
        (_, taken) => (Err(Error::Refused { status: 101 }), taken),
    };
    let known = if let Err(Error::Refused { status }) = came.0 { status } else { 0 };
    assert_eq!(status, known);
    let too_long = |error| match error {
        Error::Head(error) => is_too_long(error),
        // So much is known of a response whose head is too long.
        Error::Refused { status } => status >= 200,
        _ => false,
    };
    agree(came, &expected, room, too_long);
}

fn expected_response(data: &[u8], limits: HeadLimits) -> Expected<Error> {
    let (mut at, mut fields) = (0, 0);
    let store = needed(data, &[&SINGLE_OF_RESPONSES[..], &REPEATED_OF_RESPONSES, &["x"]]);
    loop {
        let left = HeadLimits { bytes: limits.bytes - at, fields: limits.fields - fields };
        let rules = Rules { is_request: false, single: &SINGLE_OF_RESPONSES, limits: left };
        let (end, taken) = match rules.read(&data[at..]) {
            Verdict::More => (Ok(false), data.len()),
            Verdict::Head(head) if matches!(head.status(), 100 | 102..=199) => {
                (at, fields) = (at + head.len, fields + head.fields.len());
                continue;
            }
            Verdict::Head(head) => (Err(Error::Refused { status: head.status() }), at + head.len),
            Verdict::Refused { error, len, line } => {
                let status: u16 =
                    line.get(9..12).map_or(0, |digits| std::str::from_utf8(digits).unwrap().parse().unwrap());
                let is_long = is_too_long(error) || error == HeadError::ManyFields;
                let is_known = is_long && status >= 200;
                (Err(if is_known { Error::Refused { status } } else { Error::Head(error) }), at + len)
            }
        };
        return Expected { end, taken, store };
    }
}

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// With the store that is asked for: what is to come. With less, that, or that it is too long, as soon or sooner.
fn agree<E: Copy + PartialEq + std::fmt::Debug>(
    came: (Result<bool, E>, usize),
    expected: &Expected<E>,
    room: usize,
    too_long: impl Fn(E) -> bool,
) {
    let is_same = came == (expected.end, expected.taken);
    let is_small = room < expected.store;
    let is_too_long = came.0.err().is_some_and(too_long) && came.1 <= expected.taken;
    assert!(
        is_same || (is_small && is_too_long),
        "{came:?} in a store of {room}, but {:?} after {}, which needs {}",
        expected.end,
        expected.taken,
        expected.store
    );
}

/// The store that `HeadReader` asks for: the first line, and of each field wanted its name, its value and two bytes; 64 to spare.
fn needed(data: &[u8], wanted: &[&[&str]]) -> usize {
    let (mut most, mut kept) = (0, 0);
    for line in data.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let name = line.split(|b| *b == b':').next().unwrap();
        match (kept, line) {
            (_, []) => kept = 0, // there may be another head behind this one
            (0, _) => kept = line.len(),
            _ if wanted.iter().any(|wanted| is_one_of(name, wanted)) => kept += line.len() + 1,
            _ => {}
        }
        most = most.max(kept);
    }
    most + 64
}

/// RFC 6585 5, RFC 9110 15.5.15, 15.6.6.
fn status(error: HeadError) -> u16 {
    match error {
        HeadError::LongLine => 414,
        HeadError::LongHead | HeadError::ManyFields => 431,
        HeadError::BadVersion => 505,
        _ => 400,
    }
}

fn is_too_long(error: HeadError) -> bool {
    matches!(error, HeadError::LongLine | HeadError::LongHead)
}
