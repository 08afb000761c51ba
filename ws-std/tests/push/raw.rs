//! The other end of HTTP, by hand: [`Raw`].

use super::host::{Host, TOO_LONG};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A client that writes bytes, reads responses, and gives up rather than to hang.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    pub(crate) read: Vec<u8>,
}

impl Raw {
    pub(crate) fn connect(host: &Host) -> Self {
        Self::to(host.address)
    }

    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TOO_LONG)).unwrap();
        stream.set_write_timeout(Some(TOO_LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// One that has written this.
    pub(crate) fn asking(host: &Host, bytes: &str) -> Self {
        let mut raw = Self::connect(host);
        raw.write(bytes.as_bytes());
        raw
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// A request of HTTP/1.1, with these further lines, each with its end.
    pub(crate) fn ask(&mut self, line: &str, further: &str, body: &str) {
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.write(format!("{line} HTTP/1.1\r\nHost: localhost\r\n{length}{further}\r\n{body}").as_bytes());
    }

    /// Reads more. `false`: there is no more, orderly or not.
    pub(crate) fn fill(&mut self) -> bool {
        let mut buf = [0; 4096];
        match self.stream.read(&mut buf) {
            Ok(n) => {
                self.read.extend_from_slice(&buf[..n]);
                n > 0
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes all up to the end of the next `end`.
    pub(crate) fn until(&mut self, end: &str) -> String {
        loop {
            let found = self.read.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                return String::from_utf8(self.read.drain(..at + end.len()).collect()).unwrap();
            }
            assert!(self.fill(), "ended at {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    pub(crate) fn take(&mut self, len: usize) -> Vec<u8> {
        while self.read.len() < len {
            assert!(self.fill(), "ended at {:?}", String::from_utf8_lossy(&self.read));
        }
        self.read.drain(..len).collect()
    }

    /// Takes the head of a response.
    pub(crate) fn head(&mut self) -> String {
        self.until("\r\n\r\n")
    }

    /// Takes a chunk; an empty one is the last.
    pub(crate) fn chunk(&mut self) -> String {
        let size = self.until("\r\n");
        let size = usize::from_str_radix(size.trim_end(), 16).expect(&size);
        let chunk = self.take(size);
        assert_eq!(self.take(2), b"\r\n");
        String::from_utf8(chunk).unwrap()
    }

    /// Takes a response whose end is told: status line and fields, and the body.
    pub(crate) fn response(&mut self) -> (String, String) {
        let head = self.head();
        if head.contains("Transfer-Encoding: chunked") {
            let mut body = String::new();
            loop {
                let chunk = self.chunk();
                if chunk.is_empty() {
                    return (head, body);
                }
                body += &chunk;
            }
        }
        let len = length(&head).unwrap_or(0);
        let body = self.take(len);
        (head, String::from_utf8(body).unwrap())
    }

    /// All that is left, to the end of the connection.
    pub(crate) fn rest(&mut self) -> String {
        while self.fill() {}
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }
}

pub(crate) fn length(head: &str) -> Option<usize> {
    let (_, rest) = head.split_once("Content-Length: ")?;
    rest.split("\r\n").next()?.parse().ok()
}

pub(crate) fn has_status(head: &str, status: u16) {
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
}
