//! A stream with a gate before its writes, and a reader that waits for ever: which half of a split connection writes what
//! the other could not.

use crate::common::REQUEST;
use crate::common::frames::{BINARY, PING, PONG, frame, take};
use crate::peer::{TOO_LONG, ms, options};
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;
use ws_core::handshake::server::Request;
use ws_std::{
    Answer, Error, Halves, Kind, Options, OriginPolicy, Server, Transport, Waited, accept, accept_with,
};

/// As long as nobody waits who has something to do.
const PAUSE: Duration = Duration::from_millis(200);

/// What both handles of the stream share.
struct Shared {
    input: Mutex<Receiver<Vec<u8>>>,
    output: Mutex<Sender<Vec<u8>>>,
    /// Told at the beginning of each read, and of each write that finds the gate closed.
    reads: Mutex<Sender<()>>,
    stuck: Mutex<Sender<()>>,
    is_open: Mutex<bool>,
    opened: Condvar,
}

#[derive(Clone)]
struct Gated(Arc<Shared>);

impl Read for Gated {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let _ = self.0.reads.lock().unwrap().send(());
        // No timeout: only bytes end it.
        let Ok(bytes) = self.0.input.lock().unwrap().recv() else { return Ok(0) };
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut is_open = self.0.is_open.lock().unwrap();
        if !*is_open {
            let _ = self.0.stuck.lock().unwrap().send(());
        }
        while !*is_open {
            is_open = self.0.opened.wait(is_open).unwrap();
        }
        let _ = self.0.output.lock().unwrap().send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Gated {}

impl Gated {
    fn set_open(&self, is_open: bool) {
        *self.0.is_open.lock().unwrap() = is_open;
        self.0.opened.notify_all();
    }
}

/// The test's ends of a stream.
struct Ends {
    input: Sender<Vec<u8>>,
    output: Receiver<Vec<u8>>,
    reads: Receiver<()>,
    stuck: Receiver<()>,
}

/// An open WebSocket, its gate open, and nobody who reads or writes.
fn open() -> (Gated, Ends, Halves<Gated, Server>) {
    open_with(&Options::DEFAULT)
}

fn open_with(options: &Options) -> (Gated, Ends, Halves<Gated, Server>) {
    let (input, from_test) = channel();
    let (to_test, output) = channel();
    let (read, reads) = channel();
    let (is_stuck, stuck) = channel();
    let gated = Gated(Arc::new(Shared {
        input: Mutex::new(from_test),
        output: Mutex::new(to_test),
        reads: Mutex::new(read),
        stuck: Mutex::new(is_stuck),
        is_open: Mutex::new(true),
        opened: Condvar::new(),
    }));
    input.send(REQUEST.to_vec()).unwrap();
    let answer = |_: Request<'_>| Answer::accept(OriginPolicy::SameOrigin);
    let ws = accept_with(gated.clone(), options, &[], answer).unwrap().unwrap();
    while !output.recv_timeout(TOO_LONG).unwrap().ends_with(b"\r\n\r\n") {}
    while reads.try_recv().is_ok() {}
    let halves = ws.split(gated.clone());
    (gated, Ends { input, output, reads, stuck }, halves)
}

/// The first `count` frames that come out.
fn frames(output: &Receiver<Vec<u8>>, count: usize) -> Vec<(u8, Vec<u8>)> {
    let (mut bytes, mut frames) = (Vec::new(), Vec::new());
    while frames.len() < count {
        bytes.extend(output.recv_timeout(TOO_LONG).unwrap());
        let mut rest = bytes.as_slice();
        frames = std::iter::from_fn(|| take(false, &mut rest)).collect();
    }
    frames
}

/// A Ping comes while the writer is stuck in a write. The reader cannot answer it, and goes on to wait for what comes next:
/// nothing will. So the Pong has to leave with the writer, once that is done.
#[test]
fn what_the_reader_cannot_write_the_writer_does() {
    let (gated, ends, (mut reader, mut writer)) = open();
    gated.set_open(false);
    thread::scope(|scope| {
        scope.spawn(move || assert!(reader.read().is_err(), "the end comes without a Close"));
        ends.reads.recv_timeout(TOO_LONG).unwrap();
        let sent = scope.spawn(move || writer.send_binary(b"stuck").unwrap());
        ends.stuck.recv_timeout(TOO_LONG).unwrap();
        ends.input.send(frame(true, PING, b"answer me")).unwrap();
        ends.reads.recv_timeout(TOO_LONG).unwrap(); // the Ping is received, and the reader waits again
        gated.set_open(true);
        sent.join().unwrap();
        assert_eq!(frames(&ends.output, 2), [(BINARY, b"stuck".to_vec()), (PONG, b"answer me".to_vec())]);
        drop(ends.input); // ends the reader
    });
}

/// The same, and the peer has said all that it had to say: its end is read once, not again and again until the writer is done.
#[test]
fn a_reader_does_not_spin_behind_the_end_while_the_writer_is_stuck() {
    let (gated, ends, (mut reader, mut writer)) = open();
    gated.set_open(false);
    thread::scope(|scope| {
        let read = scope.spawn(move || reader.read().map(drop));
        ends.reads.recv_timeout(TOO_LONG).unwrap();
        let sent = scope.spawn(move || writer.send_binary(b"stuck").unwrap());
        ends.stuck.recv_timeout(TOO_LONG).unwrap();
        ends.input.send(frame(true, PING, b"answer me")).unwrap();
        ends.reads.recv_timeout(TOO_LONG).unwrap();
        drop(ends.input);
        // Who spins makes so many reads in no time.
        let reads = (0..50).take_while(|_| ends.reads.recv_timeout(PAUSE).is_ok()).count();
        gated.set_open(true);
        sent.join().unwrap();
        assert_eq!(frames(&ends.output, 2), [(BINARY, b"stuck".to_vec()), (PONG, b"answer me".to_vec())]);
        assert!(matches!(read.join().unwrap(), Err(Error::Lost)));
        assert!(reads < 50, "it reads the end again and again");
    });
}

/// Pings come while the writer is stuck for good. Once one waits for its Pong the next is not read, nor is anything else: deadlines
/// pass all the same.
#[test]
fn who_takes_nothing_and_asks_again_and_again_is_given_up() {
    let mut options = options(|timeouts| {
        timeouts.ping = ms(50);
        timeouts.pong = ms(50);
    });
    options.send_timeout = Duration::ZERO;
    let (gated, ends, (mut reader, mut writer)) = open_with(&options);
    gated.set_open(false);
    thread::scope(|scope| {
        let (end, ended) = channel();
        scope.spawn(move || end.send(reader.read().map(drop)).unwrap());
        let sent = scope.spawn(move || _ = writer.send_binary(b"stuck"));
        ends.stuck.recv_timeout(TOO_LONG).unwrap();
        ends.input.send(frame(true, PING, b"answer me").repeat(3)).unwrap();
        let end = ended.recv_timeout(TOO_LONG);
        gated.set_open(true);
        drop(ends.input);
        assert!(matches!(end, Ok(Err(Error::TimedOut(Waited::Pong)))), "{end:?}");
        sent.join().unwrap();
    });
}

/// A stream that does not wait, takes nothing once it is full, and whose peer has ended its direction.
struct Full {
    input: io::Cursor<Vec<u8>>,
    reads: Rc<Cell<usize>>,
    is_full: Rc<Cell<bool>>,
}

impl Read for Full {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reads.set(self.reads.get() + 1);
        self.input.read(buf)
    }
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_full.get() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Full {}

/// Who does not wait is told so, and not kept until the peer takes what it is owed.
#[test]
fn a_stream_that_does_not_wait_is_not_asked_for_its_end_again_and_again() {
    let input = io::Cursor::new([REQUEST, &frame(true, PING, b"answer me")].concat());
    let (reads, is_full) = (Rc::<Cell<usize>>::default(), Rc::<Cell<bool>>::default());
    let full = Full { input, reads: reads.clone(), is_full: is_full.clone() };
    let mut ws = accept(full, OriginPolicy::SameOrigin).unwrap();
    is_full.set(true);
    // There is no room for the Pong either.
    assert!(matches!(ws.feed(Kind::Binary, &mut &[7; 5000][..], true), Err(Error::WouldBlock)));
    for _ in 0..3 {
        assert!(matches!(ws.read(), Err(Error::WouldBlock)));
    }
    assert!(reads.get() < 5, "{reads:?}");
    is_full.set(false);
    assert!(matches!(ws.read(), Err(Error::Lost)));
}
