//! [`Wire`]: a transport in memory on which one call fails. Its peer is a list of [`Turn`]s: what it waits for, and what it does then.

use std::cell::{Ref, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};

use crate::common::clock;
use crate::common::frames::{self, Frame};

/// Which call fails, and how. Calls of all kinds are counted from 0; a future that has to be polled again has called again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) how: How,
    /// How many calls in a row.
    pub(crate) times: usize,
}

pub(crate) const FOR_EVER: usize = usize::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Kind(ErrorKind),
    /// Nothing is read, as if the peer had ended its direction; nothing is written, which takes a millisecond.
    Zero,
    /// One byte is read or written.
    Short,
    /// Not ready, and awake at once.
    NotYet,
    /// Not ready, and nobody is ever woken.
    Never,
    /// The same for all further calls of the same direction, reading or writing, and for no other.
    Stuck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
    Flush,
}

/// When the peer has got that far, behind the turn before, it does this.
pub(crate) type Turn = (Until, Act);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Now,
    /// A whole head of HTTP.
    Head,
    /// So many whole messages.
    Messages(usize),
    /// A control frame with this opcode.
    Control(u8),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Say(&'static str),
    /// A frame: its first byte, and its payload.
    Frame(u8, &'static [u8]),
    /// Accepts the opening handshake, with these fields.
    Accept(&'static str),
    /// Ends its direction.
    End,
}

/// The transport; a clone is the same.
#[derive(Clone)]
pub(crate) struct Wire(Rc<RefCell<State>>);

pub(crate) struct State {
    faults: Vec<Fault>,
    /// Reading and writing: it has failed for good, or is never ready again.
    is_dead: [bool; 2],
    is_stuck: [bool; 2],
    turns: &'static [Turn],
    /// The peer is a client.
    masks: bool,
    input: Vec<u8>,
    at: usize,
    is_ended: bool,
    reader: Option<Waker>,
    pub(crate) output: Vec<u8>,
    pub(crate) calls: usize,
    /// The calls that failed.
    pub(crate) failed: Vec<Call>,
    /// Calls of a direction that had failed for good.
    pub(crate) vain: Vec<Call>,
}

impl Wire {
    pub(crate) fn new(turns: &'static [Turn], masks: bool, faults: &[Fault]) -> Self {
        let (is_dead, is_stuck, input, output, failed, vain) = Default::default();
        let mut state = State {
            faults: faults.to_vec(),
            is_dead,
            is_stuck,
            turns,
            masks,
            input,
            at: 0,
            is_ended: false,
            reader: None,
            output,
            calls: 0,
            failed,
            vain,
        };
        state.listen();
        Self(Rc::new(RefCell::new(state)))
    }

    pub(crate) fn state(&self) -> Ref<'_, State> {
        self.0.borrow()
    }

    /// Whoever else has it.
    pub(crate) fn handles(&self) -> usize {
        Rc::strong_count(&self.0) - 1
    }

    fn poll(
        &self,
        call: Call,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut State, usize) -> Option<usize>,
    ) -> Poll<Result<usize, ErrorKind>> {
        let mut state = self.0.borrow_mut();
        let most = match state.call(call) {
            None => usize::MAX,
            Some(How::Short) => 1,
            Some(How::Kind(kind)) => return Poll::Ready(Err(kind)),
            Some(How::Zero) => {
                drop(state);
                if call == Call::Write {
                    clock::pass(1);
                }
                return Poll::Ready(Ok(0));
            }
            Some(How::NotYet) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(How::Never | How::Stuck) => return Poll::Pending,
        };
        match act(&mut state, most) {
            Some(n) => Poll::Ready(Ok(n)),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl State {
    /// The peer has done all that it wanted to.
    pub(crate) fn is_done(&self) -> bool {
        self.turns.is_empty()
    }

    /// Counts a call; `Some`: it fails.
    fn call(&mut self, call: Call) -> Option<How> {
        let (number, direction) = (self.calls, usize::from(call != Call::Read));
        self.calls += 1;
        if self.is_dead[direction] {
            self.vain.push(call);
        }
        let is_struck = |fault: &&Fault| number.checked_sub(fault.at).is_some_and(|n| n < fault.times);
        let how = match self.faults.iter().find(is_struck) {
            _ if self.is_stuck[direction] => How::Stuck,
            Some(fault) => fault.how,
            None => return None,
        };
        match how {
            How::Zero | How::Short if call == Call::Flush => return None,
            How::Stuck => self.is_stuck[direction] = true,
            How::Zero if call == Call::Read => self.is_dead[direction] = true,
            How::Kind(_) => self.is_dead[direction] = true,
            _ => {}
        }
        self.failed.push(call);
        Some(how)
    }

    /// Lets the peer answer what was said.
    fn listen(&mut self) {
        while let [(until, act), rest @ ..] = self.turns {
            if !self.has_reached(*until) {
                return;
            }
            self.turns = rest;
            match act {
                Act::Say(text) => self.input.extend(text.as_bytes()),
                Act::Frame(first, payload) => self.input.extend(frame(*first, payload, self.masks)),
                Act::Accept(fields) => {
                    let request = String::from_utf8(self.output.clone()).expect("a request");
                    self.input.extend(frames::response(&request, fields).into_bytes());
                }
                Act::End => self.is_ended = true,
            }
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn has_reached(&self, until: Until) -> bool {
        let (head, said) = split(&self.output);
        let (frames, _) = frames_of(said);
        match until {
            Until::Now => true,
            Until::Head => head.ends_with(b"\r\n\r\n"),
            Until::Messages(count) => {
                frames.iter().filter(|frame| frame.fin && frame.opcode < 8).count() >= count
            }
            Until::Control(opcode) => frames.iter().any(|frame| frame.opcode == opcode),
        }
    }
}

fn frame(first: u8, payload: &[u8], masks: bool) -> Vec<u8> {
    let mut frame = Frame::new(first & 0x0f, payload);
    (frame.fin, frame.rsv1) = (first & 0x80 != 0, first & 0x40 != 0);
    if masks { frame.masked().encode() } else { frame.encode() }
}

/// A head, as far as it goes, and the frames behind it: behind a refusal there are none.
pub(crate) fn split(output: &[u8]) -> (&[u8], &[u8]) {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").map_or(output.len(), |at| at + 4);
    let (head, rest) = output.split_at(end);
    if head.starts_with(b"HTTP/1.1 101 ") || head.starts_with(b"GET ") { (head, rest) } else { (head, &[]) }
}

/// The whole frames, and how many bytes there are of one that is not.
pub(crate) fn frames_of(mut bytes: &[u8]) -> (Vec<Frame>, usize) {
    let mut frames = Vec::new();
    while let Some((frame, len)) = Frame::decode_any(bytes) {
        frames.push(frame);
        bytes = &bytes[len..];
    }
    (frames, bytes.len())
}

impl ErrorType for Wire {
    type Error = ErrorKind;
}

impl Read for Wire {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| {
            self.poll(Call::Read, cx, |state, most| {
                let n = most.min(buf.len()).min(state.input.len() - state.at);
                if n == 0 && !state.is_ended {
                    return None;
                }
                buf[..n].copy_from_slice(&state.input[state.at..][..n]);
                state.at += n;
                Some(n)
            })
        })
        .await
    }
}

impl Write for Wire {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| {
            self.poll(Call::Write, cx, |state, most| {
                let n = most.min(buf.len());
                state.output.extend_from_slice(&buf[..n]);
                state.listen();
                Some(n)
            })
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        poll_fn(|cx| self.poll(Call::Flush, cx, |_, _| Some(0))).await.map(|_| ())
    }
}
