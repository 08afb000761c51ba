//! Bytes on their way from one future to another of the same task: [`Pipe`]. Nothing here knows of TLS records.
//!
//! Every wait can be dropped, and nothing is lost: what was written lies in the pipe.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::Poll;
use embassy_sync::waitqueue::WakerRegistration;
use embedded_tls::TlsError;

/// A ring of one reader and one writer.
pub(crate) struct Pipe<const N: usize>(RefCell<State<N>>);

struct State<const N: usize> {
    buf: [u8; N],
    from: usize,
    len: usize,
    /// What was written is not yet with the peer's TCP.
    is_unflushed: bool,
    end: Option<End>,
    reader: WakerRegistration,
    writer: WakerRegistration,
}

/// Nothing is written any more.
#[derive(Clone, Copy)]
enum End {
    Closed,
    Failed(TlsError),
}

impl<const N: usize> Pipe<N> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(State {
            buf: [0; N],
            from: 0,
            len: 0,
            is_unflushed: false,
            end: None,
            reader: WakerRegistration::new(),
            writer: WakerRegistration::new(),
        }))
    }

    /// Waits for bytes, and copies them; they stay until [`take`](Self::take) is called. 0: the end.
    pub(crate) async fn peek(&self, out: &mut [u8]) -> Result<usize, TlsError> {
        poll_fn(|cx| {
            let state = &mut *self.0.borrow_mut();
            let (behind, front) = state.buf.split_at(state.from);
            let bytes = front.iter().chain(behind).take(state.len);
            let count = out.iter_mut().zip(bytes).map(|(to, from)| *to = *from).count();
            match state.end {
                _ if count > 0 || out.is_empty() => Poll::Ready(Ok(count)),
                Some(End::Closed) => Poll::Ready(Ok(0)),
                Some(End::Failed(error)) => Poll::Ready(Err(error)),
                None => {
                    state.reader.register(cx.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The first `count` bytes are done with.
    pub(crate) fn take(&self, count: usize) {
        let state = &mut *self.0.borrow_mut();
        let count = count.min(state.len);
        state.from = (state.from + count) % N;
        state.len -= count;
        state.writer.wake();
    }

    /// Waits for bytes, and takes them.
    pub(crate) async fn read(&self, out: &mut [u8]) -> Result<usize, TlsError> {
        let count = self.peek(out).await?;
        self.take(count);
        Ok(count)
    }

    /// Waits for room, and fills it with as many bytes as fit.
    pub(crate) async fn write(&self, bytes: &[u8]) -> Result<usize, TlsError> {
        poll_fn(|cx| {
            let state = &mut *self.0.borrow_mut();
            match state.end {
                Some(End::Closed) => return Poll::Ready(Err(TlsError::ConnectionClosed)),
                Some(End::Failed(error)) => return Poll::Ready(Err(error)),
                None => {}
            }
            if state.len == N && !bytes.is_empty() {
                state.writer.register(cx.waker());
                return Poll::Pending;
            }
            let (behind, front) = state.buf.split_at_mut(state.from);
            let room = front.iter_mut().chain(behind).skip(state.len);
            let count = room.zip(bytes).map(|(to, from)| *to = *from).count();
            state.len += count;
            state.is_unflushed |= count > 0;
            state.reader.wake();
            Poll::Ready(Ok(count))
        })
        .await
    }

    /// Waits until the reader says that all is [flushed](Self::flushed).
    pub(crate) async fn flush(&self) -> Result<(), TlsError> {
        poll_fn(|cx| {
            let state = &mut *self.0.borrow_mut();
            match state.end {
                _ if !state.is_unflushed => Poll::Ready(Ok(())),
                Some(End::Failed(error)) => Poll::Ready(Err(error)),
                _ => {
                    state.writer.register(cx.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The reader has passed on all that it took. What was written meanwhile is still to come.
    pub(crate) fn flushed(&self) {
        let state = &mut *self.0.borrow_mut();
        state.is_unflushed = state.len > 0;
        state.writer.wake();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().len == 0
    }

    /// Nothing is written any more: the reader gets what is there, then the end.
    pub(crate) fn close(&self) {
        self.end(End::Closed);
    }

    /// The same, and both sides are told why.
    pub(crate) fn fail(&self, error: TlsError) {
        self.end(End::Failed(error));
    }

    fn end(&self, end: End) {
        let state = &mut *self.0.borrow_mut();
        state.end.get_or_insert(end);
        state.reader.wake();
        state.writer.wake();
    }
}
