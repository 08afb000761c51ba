//! What a connection runs over: [`Transport`], and [`Plain`] for streams that only read and write. How they are
//! waited for is in `waiting.rs`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A stream of bytes in both directions, and what deadlines and an orderly close need beside `Read` and `Write`: a
/// [`TcpStream`] or, on Unix, a `UnixStream`. For any other stream, such as TLS, there is [`Plain`].
///
/// A stream that says [`WouldBlock`](io::ErrorKind::WouldBlock) interrupts any call with
/// [`Error::WouldBlock`](crate::Error::WouldBlock), but for opening and for sending a whole message; calling
/// again goes on where it stopped.
pub trait Transport: Read + Write {
    /// Lets reads wait at most `time`, for ever if `None`, and say `WouldBlock` or `TimedOut` then.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        let _ = time;
        Ok(())
    }

    /// Lets writes wait at most `time`, for ever if `None`, and say `WouldBlock` or `TimedOut` then. Without it, a
    /// peer that does not read is never given up, and the reader of [`split`](crate::WebSocket::split) may be kept from
    /// reading by it.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        let _ = time;
        Ok(())
    }

    /// Sends each write at once.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    fn set_nodelay(&self) -> io::Result<()> {
        Ok(())
    }

    /// Ends the direction that is written to (FIN).
    ///
    /// # Errors
    ///
    /// Those of the stream; `Unsupported` if it cannot do this. Then the peer's end is not waited for: it would come only
    /// once the stream is dropped.
    fn shutdown_write(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Lets reads and writes never wait, or wait as before.
    ///
    /// # Errors
    ///
    /// Those of the stream; `Unsupported` if it cannot do this. Then a client that is gone while it waits for
    /// [events](crate::Push) is missed only once something is written to it.
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let _ = nonblocking;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Another handle of the same stream.
    ///
    /// # Errors
    ///
    /// Those of the stream; `Unsupported` if there is no such thing. Then [events](crate::Push) do not go over WebSockets.
    fn try_clone(&self) -> io::Result<Self>
    where
        Self: Sized,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Any stream that reads and writes as a [`Transport`]: TLS over a socket, a `Box` of a trait object, a pipe.
///
/// ```no_run
/// # fn open<Tls: std::io::Read + std::io::Write>(tls: Tls) -> Result<(), ws_std::Error> {
/// use ws_std::{Connect, Plain};
///
/// let mut ws = Connect::new("wss://example.com/chat").over(Plain(tls))?;
/// # ws.send_text("hello")
/// # }
/// ```
///
/// Such a stream cannot be told how long to wait. A call that reads goes on until the peer says something, and one that
/// writes until it takes something: no deadline ends them, and no heartbeat is sent meanwhile. To have deadlines and
/// heartbeat, set the timeouts of the socket below, about a second: calls that read then end with
/// [`Error::WouldBlock`](crate::Error::WouldBlock) now and then, have looked at the clock, and are made again.
///
/// Its end is not waited for either: drop the connection soon after its last call. What was sent last may be lost with a
/// peer that was still sending.
///
/// [`split`](crate::WebSocket::split) needs two handles of the same stream, which TLS does not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain<S>(pub S);

impl<S: Read> Read for Plain<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<S: Write> Write for Plain<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Read + Write> Transport for Plain<S> {}

impl Transport for TcpStream {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        TcpStream::set_read_timeout(self, time)
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        TcpStream::set_write_timeout(self, time)
    }

    fn set_nodelay(&self) -> io::Result<()> {
        TcpStream::set_nodelay(self, true)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        TcpStream::set_nonblocking(self, nonblocking)
    }

    fn try_clone(&self) -> io::Result<Self> {
        TcpStream::try_clone(self)
    }
}

#[cfg(unix)]
impl Transport for UnixStream {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        UnixStream::set_read_timeout(self, time)
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        UnixStream::set_write_timeout(self, time)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        UnixStream::set_nonblocking(self, nonblocking)
    }

    fn try_clone(&self) -> io::Result<Self> {
        UnixStream::try_clone(self)
    }
}
