//! The stream below: [`Waking`].

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use ws_std::Transport;

/// A socket that wakes its reader after each read: it says `WouldBlock` once, when what was read has been decoded. A Pong
/// is no message and would wake nobody.
#[derive(Debug)]
pub(crate) struct Waking {
    stream: TcpStream,
    wake: bool,
    /// Once closing, nobody is to be kept from waiting for the peer.
    closing: Cell<bool>,
}

impl Waking {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, wake: false, closing: Cell::new(false) }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        self.stream.try_clone().map(Self::new)
    }
}

impl Read for Waking {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.wake) && !self.closing.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = self.stream.read(buf)?;
        self.wake = n > 0;
        Ok(n)
    }
}

impl Write for Waking {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Transport for Waking {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(time)
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(time)
    }

    fn set_nodelay(&self) -> io::Result<()> {
        self.stream.set_nodelay(true)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.closing.set(true);
        Transport::shutdown_write(&self.stream)
    }
}
