//! An answer that is written bit by bit: [`BodyWriter`].

use super::Answered;
use super::wire::Wire;
use crate::{Error, Transport};
use std::io;
use ws_core::http::Chunks;

/// Writes the body of an answer whose length was not known when it began; made by [`Requests::stream`](super::Requests::stream).
/// What is written goes out at once. To a HEAD request nothing goes out.
///
/// Call [`finish`](Self::finish). Without it, the client is shown that the body is not complete, if it speaks HTTP/1.1.
#[derive(Debug)]
#[must_use = "a body ends with `finish`"]
pub struct BodyWriter<'a, S> {
    wire: &'a mut Wire<S>,
    chunks: Chunks,
    closes: bool,
    answered: &'a mut Answered,
}

impl<'a, S: Transport> BodyWriter<'a, S> {
    pub(super) const fn new(
        wire: &'a mut Wire<S>,
        chunks: Chunks,
        closes: bool,
        answered: &'a mut Answered,
    ) -> Self {
        Self { wire, chunks, closes, answered }
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the client takes nothing; [`Error::Io`].
    pub fn finish(self) -> Result<(), Error> {
        let Self { wire, mut chunks, closes, answered } = self;
        wire.go_on();
        wire.write(|out| chunks.finish(out))?;
        *answered = Answered::Whole { closes };
        Ok(())
    }
}

impl<S: Transport> io::Write for BodyWriter<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        self.wire.go_on();
        loop {
            let sent = self.wire.outbox.encode(|out| self.chunks.send(&mut rest, out));
            let done = sent.map_err(io::Error::other)?;
            self.wire.flush().map_err(io_error)?;
            if done {
                return Ok(bytes.len());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::TimedOut(_) => io::Error::new(io::ErrorKind::TimedOut, error),
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::http::{Hosts, HttpOptions, PolicyFile, Requests};
    use crate::{Error, Transport};
    use std::cell::{Cell, RefCell};
    use std::io::{self, Cursor, Read, Write};
    use std::rc::Rc;
    use std::thread;
    use std::time::{Duration, Instant};

    /// Ten times what a part takes: a machine with other things to do may stand still for a while.
    fn timeout() -> Duration {
        Duration::from_secs(1)
    }

    /// More than the timeout, and a millisecond for each byte that went out before.
    fn long() -> Duration {
        timeout() + Duration::from_millis(300)
    }

    type Taken = Rc<RefCell<Vec<u8>>>;

    /// A client that asks after a while, and takes all at once, or a byte after the other.
    struct Client {
        asks: Cursor<&'static [u8]>,
        thinks: Duration,
        is_slow: Rc<Cell<bool>>,
        taken: Taken,
    }

    impl Client {
        fn asking(asks: &'static str, thinks: Duration) -> (Self, Taken) {
            let taken = Taken::default();
            let (asks, is_slow) = (Cursor::new(asks.as_bytes()), Rc::default());
            (Self { asks, thinks, is_slow, taken: Rc::clone(&taken) }, taken)
        }
    }

    impl Read for Client {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            thread::sleep(self.thinks);
            self.asks.read(buf)
        }
    }

    impl Write for Client {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let some = if self.is_slow.get() {
                thread::sleep(Duration::from_millis(10));
                &bytes[..1]
            } else {
                bytes
            };
            self.taken.borrow_mut().write(some)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Transport for Client {}

    fn options() -> HttpOptions<'static> {
        let mut options = HttpOptions::new(Hosts::Any);
        options.socket.send_timeout = timeout();
        options
    }

    /// The connection of one that has asked, what it has taken, and whether it is slow.
    fn asked() -> (Requests<'static, Client>, Taken, Rc<Cell<bool>>) {
        let (client, taken) = Client::asking("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Duration::ZERO);
        let is_slow = Rc::clone(&client.is_slow);
        let mut requests = Requests::new(client, options()).expect("a connection");
        assert!(requests.read().expect("a request").is_some());
        (requests, taken, is_slow)
    }

    #[test]
    fn a_host_may_rest_before_it_ends_a_body() {
        let (mut requests, taken, _) = asked();
        let mut body = requests.stream(200, &[]).expect("a body");
        body.write_all(b"hello").expect("a part");
        thread::sleep(long());
        let finished = body.finish();
        assert!(finished.is_ok(), "{finished:?}");
        assert!(taken.borrow().ends_with(b"5\r\nhello\r\n0\r\n\r\n"));
    }

    /// It takes each part within the timeout.
    #[test]
    fn who_takes_parts_too_slowly_is_given_up() {
        let (mut requests, _, is_slow) = asked();
        let mut body = requests.stream(200, &[]).expect("a body");
        is_slow.set(true);
        let written = (0..20).try_for_each(|_| body.write_all(b"hello"));
        assert!(matches!(&written, Err(error) if error.kind() == io::ErrorKind::TimedOut), "{written:?}");
    }

    /// Each part takes it some 80 ms longer than it should, and the host rests longer than that.
    #[test]
    fn who_is_slow_makes_up_for_it_while_the_host_rests() {
        let (mut requests, _, is_slow) = asked();
        let mut body = requests.stream(200, &[]).expect("a body");
        is_slow.set(true);
        for _ in 0..15 {
            let begun = Instant::now();
            body.write_all(b"hello").expect("a part");
            thread::sleep(begun.elapsed());
        }
    }

    #[test]
    fn a_flash_player_may_ask_late() -> Result<(), Error> {
        let (client, taken) = Client::asking("<policy-file-request/>\0", long());
        let mut options = options();
        options.policy = Some(PolicyFile::new("example.com", "80")?);
        assert!(Requests::new(client, options)?.read()?.is_none());
        assert!(taken.borrow().ends_with(b"</cross-domain-policy>\0"));
        Ok(())
    }
}
