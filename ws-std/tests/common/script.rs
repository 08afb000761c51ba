//! [`Script`]: a stream without a socket. What comes is written down beforehand, and so is how it comes.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::rc::Rc;
use std::time::Duration;
use ws_core::deflate::negotiate::Terms;
use ws_core::handshake::{OriginPolicy, server::Handshake};
use ws_core::{Input, Instant, Output};
use ws_std::Transport;

/// How the stream behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Bytes that one read brings at most.
    pub(crate) read: usize,
    /// Bytes that one write takes at most.
    pub(crate) write: usize,
    pub(crate) fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// This happens once, before the byte of that number is read.
    Read(usize, ErrorKind),
    /// Before the byte of that number is written.
    Write(usize, ErrorKind),
    /// At the flush of that number.
    Flush(usize, ErrorKind),
    /// Each read, write and flush fails once before it is done.
    Each(ErrorKind),
    /// The call of that number and all behind it fail, whatever they are.
    Dead(usize, ErrorKind),
    /// The same, with reads and writes of nothing.
    Empty(usize),
    /// Writes fail from that byte on, and reads go on.
    NoWrites(usize, ErrorKind),
}

impl Plan {
    pub(crate) const SMOOTH: Self = Self { read: usize::MAX, write: usize::MAX, fault: Fault::None };

    pub(crate) fn with(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }
}

/// The stream; its clones are the same stream, for a look at what was written and for the other half of a split.
#[derive(Clone, Debug)]
pub(crate) struct Script(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    plan: Plan,
    input: Vec<u8>,
    at: usize,
    owed: Owed,
    /// What the server says about extensions; `None`: what the client offers goes.
    extensions: Option<String>,
    output: Vec<u8>,
    calls: usize,
    flushes: usize,
    has_failed: bool,
    shutdowns: usize,
}

/// What the peer says once it has the request.
#[derive(Debug)]
enum Owed {
    Nothing,
    /// That it accepts it, and these frames.
    Accept(Vec<u8>),
    /// This.
    Answer(Vec<u8>),
}

/// A connection that is asked this often does not come to an end.
const CALLS_MAX: usize = 200_000;

impl Script {
    /// The peer says `input`, then ends its direction.
    pub(crate) fn new(plan: Plan, input: Vec<u8>) -> Self {
        Self(Rc::new(RefCell::new(State {
            plan,
            input,
            at: 0,
            owed: Owed::Nothing,
            extensions: None,
            output: Vec::new(),
            calls: 0,
            flushes: 0,
            has_failed: false,
            shutdowns: 0,
        })))
    }

    /// The same, with room for `output` bytes to be written to it.
    pub(crate) fn with_room(plan: Plan, input: Vec<u8>, output: usize) -> Self {
        let script = Self::new(plan, input);
        script.0.borrow_mut().output.reserve(output);
        script
    }

    /// The peer is a server: it answers the handshake, says `frames`, then ends its direction.
    pub(crate) fn server(plan: Plan, frames: Vec<u8>) -> Self {
        let script = Self::new(plan, Vec::new());
        script.0.borrow_mut().owed = Owed::Accept(frames);
        script
    }

    /// The same with a field about extensions, whatever was offered.
    pub(crate) fn with_extensions(self, field: &str) -> Self {
        self.0.borrow_mut().extensions = Some(field.to_owned());
        self
    }

    /// The peer is a server that says `response`, whatever it is asked, then ends its direction.
    pub(crate) fn answering(plan: Plan, response: Vec<u8>) -> Self {
        let script = Self::new(plan, Vec::new());
        script.0.borrow_mut().owed = Owed::Answer(response);
        script
    }

    /// Another stream on which the peer says the same.
    pub(crate) fn again(&self) -> Self {
        let state = self.0.borrow();
        Self::with_room(state.plan, state.input.clone(), state.output.capacity())
    }

    /// All that was written.
    pub(crate) fn output(&self) -> Vec<u8> {
        self.0.borrow().output.clone()
    }

    /// What was written behind the head of the handshake.
    pub(crate) fn frames(&self) -> Vec<u8> {
        let output = self.output();
        let end = output.windows(4).position(|w| w == b"\r\n\r\n").map_or(output.len(), |at| at + 4);
        output[end..].to_vec()
    }

    /// Calls of any kind.
    pub(crate) fn calls(&self) -> usize {
        self.0.borrow().calls
    }

    pub(crate) fn flushes(&self) -> usize {
        self.0.borrow().flushes
    }

    pub(crate) fn shutdowns(&self) -> usize {
        self.0.borrow().shutdowns
    }

    /// All that the peer said was read.
    pub(crate) fn is_drained(&self) -> bool {
        self.0.borrow().at == self.0.borrow().input.len()
    }

    /// How many bytes were read.
    pub(crate) fn consumed(&self) -> usize {
        self.0.borrow().at
    }
}

impl State {
    /// Counts a call; `Some`: it has failed.
    fn call(&mut self) -> Option<io::Result<usize>> {
        self.calls += 1;
        assert!(self.calls < CALLS_MAX, "this never ends: {:?}", self.plan);
        match self.plan.fault {
            Fault::Dead(k, kind) if self.calls > k => Some(Err(kind.into())),
            Fault::Empty(k) if self.calls > k => Some(Ok(0)),
            _ => None,
        }
    }

    /// `Some`: this fault is due, once.
    fn once(&mut self, kind: ErrorKind) -> Option<io::Result<usize>> {
        self.has_failed = !self.has_failed;
        self.has_failed.then(|| Err(kind.into()))
    }

    /// How many of `most` bytes may go over before the fault at byte `k`; `None`: it is due now.
    fn before(&mut self, at: usize, k: usize, most: usize) -> Option<usize> {
        if self.has_failed || k < at {
            return Some(most);
        }
        if k == at {
            self.has_failed = true;
            return None;
        }
        Some(most.min(k - at))
    }

    /// The server's answer, once the request is there.
    fn respond(&mut self) {
        if !self.output.ends_with(b"\r\n\r\n") {
            return;
        }
        let frames = match mem::replace(&mut self.owed, Owed::Nothing) {
            Owed::Accept(frames) => frames,
            Owed::Answer(response) => return self.input = response,
            Owed::Nothing => return,
        };
        let (mut store, mut request, mut buf) = ([0; 1024], self.output.clone(), [0; 1024]);
        let mut handshake = Handshake::new(&mut store, &[], Instant::from_millis(0));
        assert_eq!(handshake.receive(&mut Input::new(&mut request)), Ok(true));
        let accept = handshake.accept(OriginPolicy::Any).unwrap();
        let fields = [("Set-Cookie", "a=b")];
        let mut accept = accept.fields(&fields).unwrap();
        let mut out = Output::new(&mut buf);
        self.input = match &self.extensions {
            None => {
                let _ = accept.compress_if_offered(&Terms::new(15, 15));
                assert!(accept.transmit(&mut out));
                [out.filled(), &frames].concat()
            }
            Some(field) => {
                assert!(accept.transmit(&mut out));
                let head = out.filled().strip_suffix(b"\r\n").unwrap();
                [head, b"Sec-WebSocket-Extensions: ", field.as_bytes(), b"\r\n\r\n", &frames].concat()
            }
        };
    }
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        if let Some(failure) = state.call() {
            return failure;
        }
        let mut n = buf.len().min(state.plan.read);
        match state.plan.fault {
            Fault::Each(kind) => {
                if let Some(failure) = state.once(kind) {
                    return failure;
                }
            }
            Fault::Read(k, kind) => {
                let at = state.at;
                match state.before(at, k, n) {
                    Some(most) => n = most,
                    None => return Err(kind.into()),
                }
            }
            _ => {}
        }
        let n = n.min(state.input.len() - state.at);
        buf[..n].copy_from_slice(&state.input[state.at..][..n]);
        state.at += n;
        Ok(n)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        if let Some(failure) = state.call() {
            return failure;
        }
        let mut n = bytes.len().min(state.plan.write);
        let at = state.output.len();
        match state.plan.fault {
            Fault::Each(kind) => {
                if let Some(failure) = state.once(kind) {
                    return failure;
                }
            }
            Fault::Write(k, kind) => match state.before(at, k, n) {
                Some(most) => n = most,
                None => return Err(kind.into()),
            },
            Fault::NoWrites(k, kind) if at >= k => return Err(kind.into()),
            Fault::NoWrites(k, _) => n = n.min(k - at),
            _ => {}
        }
        state.output.extend_from_slice(&bytes[..n]);
        state.respond();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        if let Some(failure) = state.call() {
            return failure.map(drop);
        }
        state.flushes += 1;
        match state.plan.fault {
            Fault::Each(kind) => state.once(kind).map_or(Ok(()), |failure| failure.map(drop)),
            Fault::Flush(k, kind) if state.flushes == k + 1 => Err(kind.into()),
            _ => Ok(()),
        }
    }
}

impl Transport for Script {
    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        self.0.borrow_mut().call().map_or(Ok(()), |failure| failure.map(drop))
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        self.0.borrow_mut().call().map_or(Ok(()), |failure| failure.map(drop))
    }

    fn set_nodelay(&self) -> io::Result<()> {
        self.0.borrow_mut().call().map_or(Ok(()), |failure| failure.map(drop))
    }

    fn shutdown_write(&self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.shutdowns += 1;
        state.call().map_or(Ok(()), |failure| failure.map(drop))
    }
}
