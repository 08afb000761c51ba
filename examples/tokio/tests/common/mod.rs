//! What the tests share: [`Script`], a stream that is ready when it is told to be, and a clock that stands still.

#![allow(dead_code, reason = "each test file uses a part")]

#[path = "../../../../ws-std/tests/common/frames.rs"]
pub(crate) mod frames;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Where the stream is not ready, once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    Never,
    Read(usize),
    Write(usize),
    /// Before each read, write, flush and shutdown.
    Each,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Bytes that a read brings and a write takes, at most.
    pub(crate) size: usize,
    pub(crate) pause: Pause,
}

pub(crate) const SMOOTH: Plan = Plan { size: usize::MAX, pause: Pause::Never };

#[derive(Debug)]
pub(crate) struct Script {
    plan: Plan,
    pub(crate) input: Vec<u8>,
    pub(crate) at: usize,
    pub(crate) output: Vec<u8>,
    has_paused: bool,
    pub(crate) is_shut: bool,
}

impl Script {
    pub(crate) fn new(plan: Plan, input: Vec<u8>) -> Self {
        Self { plan, input, at: 0, output: Vec::new(), has_paused: false, is_shut: false }
    }

    /// How many of `most` bytes may go over now; `None`: not ready.
    fn ready(&mut self, cx: &Context<'_>, before: Option<usize>, most: usize) -> Option<usize> {
        let is_due = match self.plan.pause {
            Pause::Each => {
                self.has_paused = !self.has_paused;
                self.has_paused
            }
            _ => before == Some(0) && !std::mem::replace(&mut self.has_paused, before == Some(0)),
        };
        if is_due {
            cx.waker().wake_by_ref();
            return None;
        }
        Some(before.filter(|n| *n > 0).unwrap_or(most).min(most).min(self.plan.size))
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = if let Pause::Read(k) = self.plan.pause { k.checked_sub(self.at) } else { None };
        let most = buf.remaining().min(self.input.len() - self.at);
        let Some(n) = self.ready(cx, before, most) else { return Poll::Pending };
        buf.put_slice(&self.input[self.at..][..n]);
        self.at += n;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let at = self.output.len();
        let before = if let Pause::Write(k) = self.plan.pause { k.checked_sub(at) } else { None };
        let Some(n) = self.ready(cx, before, bytes.len()) else { return Poll::Pending };
        assert!(!self.is_shut);
        self.output.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ready(cx, None, 0).map_or(Poll::Pending, |_| Poll::Ready(Ok(())))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ready(cx, None, 0).is_none() {
            return Poll::Pending;
        }
        self.is_shut = true;
        Poll::Ready(Ok(()))
    }
}

/// A runtime for its clock, which stands still.
pub(crate) fn with_timers<T>(test: impl FnOnce() -> T) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let _entered = runtime.enter();
    test()
}
