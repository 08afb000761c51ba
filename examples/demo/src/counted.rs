//! A socket that counts what is written to it: [`Counted`]. Browsers do not tell a page how many bytes a message took on the
//! wire, so the server has to.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use ws_std::Transport;

/// The count is that of the socket, whichever handle of it was written to. It takes in all that TCP is given: the response of
/// the handshake, headers of frames, Pings, Pongs and Closes too; not what TCP and IP put around it.
#[derive(Debug)]
pub(crate) struct Counted {
    stream: TcpStream,
    written: Arc<AtomicU64>,
}

impl Counted {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, written: Arc::default() }
    }

    /// The count, which goes on.
    pub(crate) fn written(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.written)
    }
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.stream.write(bytes)?;
        self.written.fetch_add(taken as u64, Ordering::Relaxed);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Transport for Counted {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(time)
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(time)
    }

    fn set_nodelay(&self) -> io::Result<()> {
        Transport::set_nodelay(&self.stream)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.stream.shutdown_write()
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.stream.set_nonblocking(nonblocking)
    }

    fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, written: Arc::clone(&self.written) })
    }
}
