//! A system call that a signal interrupts is made again; deadlines pass all the same, however often that happens.

use crate::common::REQUEST;
use std::cell::Cell;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use ws_std::http::{Hosts, HttpOptions, Requests};
use ws_std::{Answer, Error, Kind, Options, OriginPolicy, Server, Transport, Waited, WebSocket, accept_with};

const SHORT: Duration = Duration::from_millis(50);
/// A test that waits for this has failed.
const TOO_LONG: Duration = Duration::from_secs(8);

/// A peer that says `input` and no more, and takes nothing once it is `stuck`: signals interrupt what waits for it.
#[derive(Clone, Debug)]
struct Signals {
    input: Cursor<&'static [u8]>,
    is_stuck: Rc<Cell<bool>>,
    begun: Instant,
}

impl Signals {
    fn new(input: &'static [u8]) -> Self {
        Self { input: Cursor::new(input), is_stuck: Rc::default(), begun: Instant::now() }
    }

    fn open(&self, options: &Options) -> Result<WebSocket<Self, Server>, Error> {
        let opened = accept_with(self.clone(), options, &[], |_| Answer::accept(OriginPolicy::SameOrigin))?;
        Ok(opened.expect("it was accepted"))
    }

    fn interrupt<T>(&self) -> io::Result<T> {
        assert!(self.begun.elapsed() < TOO_LONG, "no deadline ends it");
        Err(ErrorKind::Interrupted.into())
    }
}

impl Read for Signals {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buf)? {
            0 => self.interrupt(),
            n => Ok(n),
        }
    }
}

impl Write for Signals {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_stuck.get() { self.interrupt() } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Signals {}

#[test]
fn who_takes_nothing_is_given_up() {
    let options = Options { send_timeout: SHORT, ..Options::DEFAULT };
    let stream = Signals::new(REQUEST);
    for is_whole in [false, true] {
        stream.is_stuck.set(false);
        let mut ws = stream.open(&options).unwrap();
        stream.is_stuck.set(true);
        let result = match is_whole {
            false => ws.send(Kind::Text, &mut &b"x"[..], true),
            true => ws.send_text("x"),
        };
        assert!(matches!(result, Err(Error::TimedOut(Waited::Send))), "{result:?}");
    }
}

#[test]
fn who_says_nothing_is_given_up() {
    let options = Options { handshake_timeout: SHORT, ..Options::DEFAULT };
    let result = Signals::new(b"GET ").open(&options);
    assert!(matches!(result, Err(Error::TimedOut(Waited::Handshake))), "{result:?}");

    let mut options = Options::DEFAULT;
    options.config.timeouts.ping = ms(20);
    options.config.timeouts.pong = ms(20);
    let stream = Signals::new(REQUEST);
    let result = stream.open(&options).unwrap().read().map(drop);
    assert!(matches!(result, Err(Error::TimedOut(Waited::Pong))), "{result:?}");
    let result = stream.open(&options).unwrap().split(stream.clone()).0.read().map(drop);
    assert!(matches!(result, Err(Error::TimedOut(Waited::Pong))), "{result:?}");

    let mut options = HttpOptions::new(Hosts::Any);
    options.requests.first_timeout = ms(20);
    let mut requests = Requests::new(Signals::new(b""), options).unwrap();
    assert!(matches!(requests.read(), Ok(None)));
}

fn ms(millis: u32) -> ws_core::Duration {
    ws_core::Duration::from_millis(millis)
}
