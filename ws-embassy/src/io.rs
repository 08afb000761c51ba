//! Any transport of `embedded-io-async`: [`Reader`] and [`Writer`] over its two halves, each with a buffer that the caller
//! lends; [`Duplex`] for a transport that cannot be taken apart, such as most TLS connections.
//!
//! ```
//! use ws_embassy::{Options, OriginPolicy, Plain, accept, io};
//! # use embedded_io_async::{ErrorKind, Read, Write};
//! # async fn run(rx: impl Read<Error = ErrorKind>, tx: impl Write<Error = ErrorKind>) -> Result<(), ws_embassy::Error<ErrorKind>> {
//! let (mut head, mut read, mut write) = ([0; 1024], [0; 512], [0; 512]);
//! let (reader, writer) = (io::Reader::new(rx, &mut read), io::Writer::new(tx, &mut write));
//! let mut ws = accept(reader, writer, &Options::DEFAULT, OriginPolicy::SameOrigin, &mut head, Plain).await?;
//! let mut buf = [0; 128];
//! while let Some(chunk) = ws.read(&mut buf).await? {
//!     ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
//!     ws.flush().await?;
//! }
//! # Ok(())
//! # }
//! ```

use crate::transport::{ROOM_MIN, ReadHalf, WriteHalf};
use core::future::poll_fn;
use core::mem::take;
use core::pin::pin;
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embedded_io_async::{ErrorType, Read, Write};

/// The reading half over an `embedded-io-async` reader.
///
/// How to size the buffer: any size from one byte on will do; what it holds is read at once.
///
/// # Memory
///
/// The buffer, and 4 words.
#[derive(Debug)]
pub struct Reader<'b, T> {
    inner: T,
    buf: &'b mut [u8],
    unread: Span,
}

impl<'b, T: Read> Reader<'b, T> {
    /// Reads from `inner` through `buf`. A read of `inner` must be cancel-safe: dropped, it has taken nothing.
    pub fn new(inner: T, buf: &'b mut [u8]) -> Self {
        Self { inner, buf, unread: Span::EMPTY }
    }
}

impl<T: Read> ReadHalf for Reader<'_, T> {
    type Error = T::Error;

    async fn read_with<O>(&mut self, f: impl FnOnce(&mut [u8]) -> (usize, O)) -> Result<Option<O>, T::Error> {
        if self.unread.is_empty() {
            let n = self.inner.read(self.buf).await?;
            self.unread = Span { from: 0, to: n.min(self.buf.len()) };
            if n == 0 {
                return Ok(None);
            }
        }
        let (taken, result) = f(self.unread.of_mut(self.buf));
        self.unread.advance(taken);
        Ok(Some(result))
    }
}

/// The writing half over an `embedded-io-async` writer. What is encoded gathers in the buffer, and is written by
/// [`flush`](WriteHalf::flush), or when the buffer is full.
///
/// How to size the buffer: at least [`ROOM_MIN`] bytes; a longer payload than fits goes out in several frames. A Close with
/// a reason or a Ping of one's own needs room for the whole frame, at most 131 bytes.
///
/// # Memory
///
/// The buffer, and 5 words.
#[derive(Debug)]
pub struct Writer<'b, T> {
    inner: T,
    buf: &'b mut [u8],
    unsent: Span,
    /// A write had to wait.
    has_waited: bool,
    /// It did, and has ended; or a flush has.
    has_taken: bool,
}

impl<'b, T: Write> Writer<'b, T> {
    /// Writes to `inner` through `buf`. A write to `inner` must be cancel-safe: dropped, it has written nothing.
    pub fn new(inner: T, buf: &'b mut [u8]) -> Self {
        Self { inner, buf, unsent: Span::EMPTY, has_waited: false, has_taken: false }
    }

    async fn write(&mut self) -> Result<(), T::Error> {
        while !self.unsent.is_empty() {
            let mut write = pin!(self.inner.write(self.unsent.of(self.buf)));
            let n = poll_fn(|cx| {
                let result = write.as_mut().poll(cx);
                self.has_waited |= result.is_pending();
                result
            })
            .await?;
            self.unsent.advance(n);
            if n == 0 {
                self.has_waited = true;
                yield_now().await; // the deadline ends it
            }
        }
        self.unsent = Span::EMPTY;
        Ok(())
    }
}

impl<T: Write> WriteHalf for Writer<'_, T> {
    type Error = T::Error;

    async fn write_with<O>(&mut self, f: impl FnOnce(&mut [u8]) -> (usize, O)) -> Result<O, T::Error> {
        if self.buf.len().saturating_sub(self.unsent.to) < ROOM_MIN {
            self.write().await?;
            self.has_taken |= take(&mut self.has_waited); // what took no time says nothing of the peer
        }
        let (filled, result) = f(self.buf.get_mut(self.unsent.to..).unwrap_or_default());
        self.unsent.to = self.unsent.to.saturating_add(filled).min(self.buf.len());
        Ok(result)
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        self.write().await?;
        self.inner.flush().await?;
        (self.has_waited, self.has_taken) = (false, true);
        Ok(())
    }

    async fn drain(&mut self) -> Result<bool, T::Error> {
        self.write().await?;
        self.has_taken |= take(&mut self.has_waited);
        Ok(true)
    }

    fn has_taken(&mut self) -> bool {
        take(&mut self.has_taken)
    }
}

/// A transport that is read and written through one object, taken apart by a lock: while one half waits, the other waits
/// for it.
///
/// So a [`WebSocket`](crate::WebSocket) over it writes, then reads, which is all that one task needs. Do not
/// [`split`](crate::WebSocket::split) it for two tasks: the one that writes would wait until the peer says something.
///
/// # Memory
///
/// That of the transport, and a lock of 4 words.
pub struct Duplex<T>(Mutex<NoopRawMutex, T>);

impl<T> Duplex<T> {
    /// Takes a transport.
    pub const fn new(transport: T) -> Self {
        Self(Mutex::new(transport))
    }

    /// Its two halves, to make a [`Reader`] and a [`Writer`] of.
    pub fn halves(&self) -> (Half<'_, T>, Half<'_, T>) {
        (Half(&self.0), Half(&self.0))
    }

    /// The transport, to close it.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

/// One half of a [`Duplex`].
pub struct Half<'a, T>(&'a Mutex<NoopRawMutex, T>);

impl<T: ErrorType> ErrorType for Half<'_, T> {
    type Error = T::Error;
}

impl<T: Read> Read for Half<'_, T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, T::Error> {
        self.0.lock().await.read(buf).await
    }
}

impl<T: Write> Write for Half<'_, T> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, T::Error> {
        self.0.lock().await.write(buf).await
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        self.0.lock().await.flush().await
    }
}

/// A place in a buffer where bytes wait: a range that never leaves it.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    from: usize,
    to: usize,
}

impl Span {
    const EMPTY: Self = Self { from: 0, to: 0 };

    fn is_empty(self) -> bool {
        self.from >= self.to
    }

    fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.from..self.to).unwrap_or(&[])
    }

    fn of_mut(self, buf: &mut [u8]) -> &mut [u8] {
        buf.get_mut(self.from..self.to).unwrap_or_default()
    }

    /// The first `n` bytes of it are done with.
    fn advance(&mut self, n: usize) {
        self.from = self.from.saturating_add(n).min(self.to);
    }
}
