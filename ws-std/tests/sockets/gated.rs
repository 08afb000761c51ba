//! A stream with a gate before its writes, and a reader that waits for ever: which half of a split connection writes what
//! the other could not.

use crate::common::REQUEST;
use crate::common::frames::{BINARY, PING, PONG, frame, take};
use crate::peer::TOO_LONG;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use ws_std::{OriginPolicy, Transport, accept};

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

/// A Ping comes while the writer is stuck in a write. The reader cannot answer it, and goes on to wait for what comes next:
/// nothing will. So the Pong has to leave with the writer, once that is done.
#[test]
fn what_the_reader_cannot_write_the_writer_does() {
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
    let ws = accept(gated.clone(), OriginPolicy::SameOrigin).unwrap();
    while !output.recv_timeout(TOO_LONG).unwrap().ends_with(b"\r\n\r\n") {}
    while reads.try_recv().is_ok() {}
    let (mut reader, mut writer) = ws.split(gated.clone());
    gated.set_open(false);
    thread::scope(|scope| {
        scope.spawn(move || assert!(reader.read().is_err(), "the end comes without a Close"));
        reads.recv_timeout(TOO_LONG).unwrap();
        let sent = scope.spawn(move || writer.send_binary(b"stuck").unwrap());
        stuck.recv_timeout(TOO_LONG).unwrap();
        input.send(frame(true, PING, b"answer me")).unwrap();
        reads.recv_timeout(TOO_LONG).unwrap(); // the Ping is received, and the reader waits again
        gated.set_open(true);
        sent.join().unwrap();
        let mut bytes = Vec::new();
        let mut frames = Vec::new();
        while frames.len() < 2 {
            bytes.extend(output.recv_timeout(TOO_LONG).unwrap());
            let mut rest = bytes.as_slice();
            frames = std::iter::from_fn(|| take(false, &mut rest)).collect();
        }
        assert_eq!(frames, [(BINARY, b"stuck".to_vec()), (PONG, b"answer me".to_vec())]);
        drop(input); // ends the reader
    });
}
