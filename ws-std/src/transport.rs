//! What a connection runs over: [`Transport`]. How it is waited for is in `waiting.rs`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// A stream of bytes in both directions: a [`TcpStream`], or TLS over one.
///
/// The methods beside `Read` and `Write` are what deadlines and an orderly close need. A stream that has none of it
/// implements the trait with an empty body, and loses just these:
///
/// ```
/// # struct Tls;
/// # impl std::io::Read for Tls { fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> { Ok(0) } }
/// # impl std::io::Write for Tls { fn write(&mut self, b: &[u8]) -> std::io::Result<usize> { Ok(b.len()) } fn flush(&mut self) -> std::io::Result<()> { Ok(()) } }
/// impl ws_std::Transport for Tls {}
/// ```
///
/// A stream that says [`WouldBlock`](io::ErrorKind::WouldBlock) interrupts any call with
/// [`Error::WouldBlock`](crate::Error::WouldBlock); calling again goes on where it stopped.
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
    /// Those of the stream.
    fn shutdown_write(&self) -> io::Result<()> {
        Ok(())
    }
}

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
}
