//! [`Wire`]: a stream without a socket, for any number of threads, on which one call fails. Its peer is a list of [`Turn`]s: what it
//! waits for, and what it does then.

use crate::common::frames::frame;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ws_core::deflate::negotiate::Terms;
use ws_core::handshake::{OriginPolicy, server::Handshake};
use ws_core::{Input, Output};
use ws_std::Transport;

/// Which call fails, counted from 0 over calls of all kinds; and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) how: How,
    /// How many calls in a row.
    pub(crate) times: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Kind(ErrorKind),
    /// As the system says it.
    System(i32),
    /// Nothing is read, as if the peer had ended its direction; nothing is written.
    Zero,
    /// One byte is read or written.
    Short,
}

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
    Flush,
    /// Whatever else there is of a stream.
    Setting,
}

/// The peer: when its stream has said this, behind what it waited for before, it does that.
pub(crate) type Turn = (&'static str, Act);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// `SID` and `NEXT` stand for what the stream has said last of both.
    Say(&'static str),
    /// A frame.
    Frame(u8, &'static [u8]),
    /// Accepts the opening handshake, and sends these frames.
    Accept(&'static [(u8, &'static [u8])]),
    /// Something happens elsewhere.
    Elsewhere(Event),
    /// Ends its direction.
    End,
}

/// What a peer can let happen elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Publish(&'static str),
    /// The session of the stream is over.
    EndSession,
}

/// Lets something happen; with what the stream has said.
pub(crate) type Elsewhere<'w> = Box<dyn FnMut(Event, &str) + Send + 'w>;

/// What streams say of a peer that is gone.
const GONE: [ErrorKind; 4] = [
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::BrokenPipe,
    ErrorKind::UnexpectedEof,
];

/// A call that is made this often does not come to an end.
const CALLS_MAX: usize = 20_000;
/// Nor does one that waits so long.
const WAIT_MAX: Duration = Duration::from_secs(4);

/// The stream; a clone is another handle of the same.
pub(crate) struct Wire<'w>(Arc<Shared<'w>>);

struct Shared<'w> {
    state: Mutex<State<'w>>,
    changed: Condvar,
}

struct State<'w> {
    fault: Option<Fault>,
    turns: &'static [Turn],
    /// How much of what was said the peer has answered.
    heard: usize,
    elsewhere: Elsewhere<'w>,
    input: Vec<u8>,
    at: usize,
    is_ended: bool,
    output: Vec<u8>,
    calls: usize,
    faults: Vec<Call>,
    /// A write has said that the peer is gone.
    is_broken: bool,
    /// Writes behind that.
    vain: usize,
    timeout: Option<Duration>,
    is_nonblocking: bool,
}

/// What is left of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) output: Vec<u8>,
    pub(crate) calls: usize,
    /// The calls that failed.
    pub(crate) faults: Vec<Call>,
    /// Writes behind one that has said that the peer is gone.
    pub(crate) vain: usize,
    /// Handles that are still held.
    pub(crate) handles: usize,
    /// The peer has done all that it wanted to.
    pub(crate) is_done: bool,
}

impl<'w> Wire<'w> {
    pub(crate) fn new(turns: &'static [Turn], fault: Option<Fault>, elsewhere: Elsewhere<'w>) -> Self {
        let mut state = State {
            fault,
            turns,
            heard: 0,
            elsewhere,
            input: Vec::new(),
            at: 0,
            is_ended: false,
            output: Vec::new(),
            calls: 0,
            faults: Vec::new(),
            is_broken: false,
            vain: 0,
            timeout: None,
            is_nonblocking: false,
        };
        state.listen();
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// Another handle.
    pub(crate) fn another(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub(crate) fn left(&self) -> Left {
        let state = self.state();
        Left {
            output: state.output.clone(),
            calls: state.calls,
            faults: state.faults.clone(),
            vain: state.vain,
            handles: Arc::strong_count(&self.0) - 1,
            is_done: state.turns.is_empty(),
        }
    }

    /// A write has said that the peer is gone.
    pub(crate) fn is_broken(&self) -> bool {
        self.state().is_broken
    }

    /// Waits until all of `text` was said.
    pub(crate) fn wait_for(&self, text: &str) {
        let state = self.state();
        let missing = |state: &mut State<'_>| find(&state.output, text).is_none();
        let (state, waited) =
            self.0.changed.wait_timeout_while(state, WAIT_MAX, missing).expect("the peer's turn");
        assert!(!waited.timed_out(), "{text} was not said: {}", String::from_utf8_lossy(&state.output));
    }

    fn state(&self) -> MutexGuard<'_, State<'w>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; `Some`: it fails.
    fn call(&self, call: Call) -> (MutexGuard<'_, State<'w>>, Option<How>) {
        let mut state = self.state();
        let how = state.call(call);
        if how.is_some() {
            self.0.changed.notify_all(); // the other thread may be told no better
        }
        (state, how)
    }

    fn set(&self, set: impl FnOnce(&mut State<'w>)) -> io::Result<()> {
        let (mut state, how) = self.call(Call::Setting);
        match how {
            Some(how) => Err(how.error()),
            None => {
                set(&mut state);
                Ok(())
            }
        }
    }
}

impl How {
    /// Settings are never not ready.
    fn is_of_settings(self) -> bool {
        use ErrorKind::{TimedOut, WouldBlock};
        !matches!(self, Self::Zero | Self::Short | Self::Kind(WouldBlock | TimedOut))
    }

    fn error(self) -> io::Error {
        match self {
            Self::Kind(kind) => kind.into(),
            Self::System(number) => io::Error::from_raw_os_error(number),
            Self::Zero | Self::Short => unreachable!("no error"),
        }
    }
}

impl State<'_> {
    /// Counts a call; `Some`: it fails.
    fn call(&mut self, call: Call) -> Option<How> {
        let number = self.calls;
        self.calls += 1;
        assert!(self.calls < CALLS_MAX, "this never ends: {:?}", self.fault);
        let is_write = matches!(call, Call::Write | Call::Flush);
        self.vain += usize::from(is_write && self.is_broken);
        let Fault { at, how, times } = self.fault.filter(|fault| number >= fault.at)?;
        if number - at >= times || (call == Call::Setting && !how.is_of_settings()) {
            return None;
        }
        self.faults.push(call);
        if let How::Kind(kind) = how
            && GONE.contains(&kind)
        {
            // No stream that has said so waits for the peer.
            (self.is_ended, self.turns) = (true, &[]);
            self.is_broken |= is_write;
        }
        Some(how)
    }

    /// Lets the peer answer what was said.
    fn listen(&mut self) {
        while let [(awaited, act), rest @ ..] = self.turns {
            let Some(at) = find(&self.output[self.heard..], awaited) else { return };
            self.heard += at + awaited.len();
            self.turns = rest;
            let said = String::from_utf8_lossy(&self.output).into_owned();
            match act {
                Act::Say(text) => {
                    let text = ["SID", "NEXT"].iter().fold((*text).to_owned(), |text, name| {
                        text.replace(name, &last(&said, &name.to_lowercase()).unwrap_or_default())
                    });
                    self.input.extend(text.into_bytes());
                }
                Act::Frame(b0, payload) => self.input.extend(frame(true, *b0, payload)),
                Act::Accept(frames) => self.accept(frames),
                Act::Elsewhere(event) => (self.elsewhere)(*event, &said),
                Act::End => self.is_ended = true,
            }
        }
    }

    fn accept(&mut self, frames: &[(u8, &[u8])]) {
        let (mut store, mut request, mut buf) = ([0; 1024], self.output.clone(), [0; 1024]);
        let mut handshake = Handshake::new(&mut store, &[], ws_core::Instant::from_millis(0));
        assert_eq!(handshake.receive(&mut Input::new(&mut request)), Ok(true));
        let mut accept = handshake.accept(OriginPolicy::Any).unwrap();
        let _ = accept.compress_if_offered(&Terms::new(15, 15));
        let mut out = Output::new(&mut buf);
        assert!(accept.transmit(&mut out));
        self.input.extend_from_slice(out.filled());
        self.input.extend(frames.iter().flat_map(|(b0, payload)| frame(false, *b0, payload)));
    }
}

/// The text of the last member of that name, if all of it was said.
pub(crate) fn last(said: &str, name: &str) -> Option<String> {
    let begin = format!("\"{name}\":\"");
    let (at, _) = said.rmatch_indices(&begin).find(|(at, _)| said[at + begin.len()..].contains('"'))?;
    said[at + begin.len()..].split('"').next().map(str::to_owned)
}

fn find(said: &[u8], text: &str) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    said.windows(text.len()).position(|window| window == text.as_bytes())
}

impl Read for Wire<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (mut state, how) = self.call(Call::Read);
        let mut most = buf.len();
        match how {
            None => {}
            Some(How::Zero) => return Ok(0),
            Some(How::Short) => most = most.min(1),
            Some(how) => return Err(how.error()),
        }
        let begun = Instant::now();
        // A peer does not wait for ever for what could not be set up.
        let is_impatient = state.faults.contains(&Call::Setting);
        while state.at == state.input.len() && !state.is_ended && !is_impatient {
            let time = if state.is_nonblocking { Duration::ZERO } else { state.timeout.unwrap_or(WAIT_MAX) };
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() {
                assert!(begun.elapsed() < WAIT_MAX, "nobody ends this read: {:?}", state.fault);
                return Err(ErrorKind::WouldBlock.into());
            }
            state = self.0.changed.wait_timeout(state, left).unwrap().0;
        }
        let n = most.min(state.input.len() - state.at);
        buf[..n].copy_from_slice(&state.input[state.at..][..n]);
        state.at += n;
        Ok(n)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (mut state, how) = self.call(Call::Write);
        let most = match how {
            None => bytes.len(),
            Some(How::Zero) => 0,
            Some(How::Short) => bytes.len().min(1),
            Some(how) => return Err(how.error()),
        };
        state.output.extend_from_slice(&bytes[..most]);
        state.listen();
        self.0.changed.notify_all();
        Ok(most)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.call(Call::Flush).1 {
            Some(How::Zero | How::Short) | None => Ok(()),
            Some(how) => Err(how.error()),
        }
    }
}

impl Transport for Wire<'_> {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.set(|state| state.timeout = time)
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        self.set(|_| ())
    }

    fn set_nodelay(&self) -> io::Result<()> {
        self.set(|_| ())
    }

    /// The peer ends its direction too.
    fn shutdown_write(&self) -> io::Result<()> {
        self.set(|state| state.is_ended = true)?;
        self.0.changed.notify_all();
        Ok(())
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.set(|state| state.is_nonblocking = nonblocking)
    }

    fn try_clone(&self) -> io::Result<Self> {
        self.set(|_| ()).map(|()| self.another())
    }
}
