//! What time it is, in the core's words.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Counts milliseconds from its making; in unit tests from 49.7 days before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(origin())
    }

    /// The clock of all connections that share something: sessions live longer than these.
    pub(crate) fn shared() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        Self(*START.get_or_init(origin))
    }

    pub(crate) fn now(&self) -> ws_core::Instant {
        let millis = self.0.elapsed().as_millis();
        ws_core::Instant::from_millis(u64::try_from(millis).unwrap_or_default())
    }

    /// How long to wait for `moment`: at least a millisecond, so that a timeout of a socket is never "none", and one
    /// more, so that the moment has come when it ends.
    pub(crate) fn until(&self, moment: ws_core::Instant) -> Duration {
        Duration::from_millis(u64::from(moment.since(self.now()).millis()).saturating_add(1))
    }
}

#[cfg(not(all(test, target_os = "linux")))]
fn origin() -> Instant {
    Instant::now()
}

/// How many milliseconds before the core's tick of 32 bits wraps the clocks of unit tests start: what these open lives across that.
#[cfg(all(test, target_os = "linux"))]
const TO_WRAP: u64 = 500;

/// Elsewhere than on Linux a moment before the start of the machine may not exist.
#[cfg(all(test, target_os = "linux"))]
fn origin() -> Instant {
    Instant::now().checked_sub(Duration::from_millis((1 << 32) - TO_WRAP)).expect("a moment")
}

/// One moment by which all of something has to be done, or never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

/// The deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

impl Deadline {
    /// `time` from now. Never, if `time` is zero or longer than the clock counts.
    pub(crate) fn within(time: Duration) -> Self {
        Self(if time.is_zero() { None } else { Instant::now().checked_add(time) })
    }

    /// What is left; `None`: there is no end to it.
    pub(crate) fn left(&self) -> Result<Option<Duration>, Late> {
        match self.0 {
            Some(moment) => {
                let left = moment.checked_duration_since(Instant::now());
                left.filter(|left| !left.is_zero()).map(Some).ok_or(Late)
            }
            None => Ok(None),
        }
    }

    /// The earlier of this one and `time` from now.
    pub(crate) fn or_within(self, time: Duration) -> Self {
        Self([self.0, Self::within(time).0].into_iter().flatten().min())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::http::{Hosts, HttpOptions, Requests};
    use crate::push::{Endpoint, Push};
    use crate::{Answer, Error, Options, OriginPolicy, Waited, accept_with};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    /// In milliseconds.
    const PONG: u32 = 2000;

    #[test]
    fn a_moment_across_the_wrap_of_the_tick_is_as_far_away_as_any_other() {
        let ten = Duration::from_secs(10);
        let start = Instant::now().checked_sub(Duration::from_millis(1 << 32) - ten).expect("a moment");
        let clock = Clock(start);
        let before = clock.now();
        let moment = before.after(ws_core::Duration::from_secs(3600));
        assert!(moment.millis() < before.millis(), "it lies across");
        let wait = clock.until(moment);
        assert!(wait > ten && wait <= Duration::from_secs(3601), "{wait:?}");
    }

    #[test]
    fn who_answers_each_ping_is_kept_across_the_wrap() {
        given_up_after(Duration::from_millis(TO_WRAP));
    }

    #[test]
    fn who_answers_no_more_before_the_wrap_is_given_up_behind_it() {
        let took = given_up_after(Duration::from_millis(TO_WRAP / 2));
        assert!(took.as_millis() > u128::from(PONG / 10 * 9), "{took:?}");
    }

    /// A client that answers each Ping until so long after the handshake, for which the server's clock had started: how long it
    /// is kept then.
    fn given_up_after(time: Duration) -> Duration {
        const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let mut options = Options::DEFAULT;
        options.config.timeouts.ping = ws_core::Duration::from_millis(20);
        options.config.timeouts.pong = ws_core::Duration::from_millis(PONG);
        let (mut client, stream) = connected();
        thread::scope(|scope| {
            let server = scope.spawn(move || {
                let opened = accept_with(stream, &options, &[], |_| Answer::accept(OriginPolicy::SameOrigin));
                let mut ws = opened.expect("a handshake").expect("a WebSocket");
                ws.read().map(drop)
            });
            client.write_all(REQUEST.as_bytes()).expect("a request");
            head(&mut client);
            let opened = Instant::now();
            let mut answered = opened;
            while opened.elapsed() < time {
                let mut ping = [0; 6];
                client.read_exact(&mut ping).expect("a Ping");
                assert_eq!(ping[..2], [0x89, 4]);
                client.write_all(&[&[0x8a, 0x84, 0, 0, 0, 0], &ping[2..]].concat()).expect("a Pong");
                answered = Instant::now();
            }
            client.read_to_end(&mut Vec::new()).expect("an end");
            let end = server.join().expect("an end");
            assert!(matches!(end, Err(Error::TimedOut(Waited::Pong))), "{end:?}");
            answered.elapsed()
        })
    }

    /// In one test, for HTTP and push share a clock, which starts with what is first.
    #[test]
    fn requests_and_polls_that_wait_across_the_wrap_end_when_they_should() {
        let wait = Duration::from_millis(1500);
        let push = Push::<1>::with_memory(1024, 256, wait).expect("randomness");
        let mut options = HttpOptions::new(Hosts::Any);
        options.requests.idle_timeout = ws_core::Duration::from_millis(1500);
        let serve = |stream| -> Result<(), Error> {
            let mut requests = Requests::new(stream, options.clone())?;
            while requests.read()?.is_some() {
                requests.push(&push, &Endpoint::new(OriginPolicy::Any), |_, _, _| {})?;
            }
            Ok(())
        };
        let (before, begun) = (push.now(), Instant::now());
        let ((mut idle, one), (mut poll, other)) = (connected(), connected());
        thread::scope(|scope| {
            let servers = [one, other].map(|stream| scope.spawn(|| serve(stream)));
            idle.write_all(b"GET /?since=1 HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
            let since = push.with(|hub| hub.now().shared.get());
            write!(poll, "GET /?since={since}&wait=1500 HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
            let answer = head(&mut poll);
            let waited = begun.elapsed();
            assert!(answer.starts_with("HTTP/1.1 204 ") && waited > wait * 9 / 10, "{waited:?}: {answer}");
            idle.read_to_end(&mut Vec::new()).expect("an end");
            let waited = begun.elapsed();
            assert!(waited > wait * 9 / 10, "{waited:?}");
            assert!(push.now().millis() < before.millis(), "it was across the wrap");
            drop((idle, poll));
            for server in servers {
                server.join().expect("no panic").expect("an end that is none of the peer's");
            }
        });
    }

    /// A client, and the server's side of it.
    fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a server");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let (stream, _) = listener.accept().expect("a client");
        (client, stream)
    }

    fn head(client: &mut TcpStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).expect("a response");
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("text")
    }
}
