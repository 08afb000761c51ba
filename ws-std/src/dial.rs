//! Connecting to a host that has several addresses: [`dial`] takes the one that answers first (RFC 8305).

use crate::Error;
use crate::clock::Deadline;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long one address may take before the next is tried beside it (RFC 8305 5).
const STAGGER: Duration = Duration::from_millis(250);

/// A long wait.
const LONG: Duration = Duration::from_secs(60);

/// Connects to the address that answers first; each has a head start over the next.
pub(crate) fn dial(addresses: Vec<SocketAddr>, deadline: Deadline) -> Result<TcpStream, Error> {
    let connect = |address: &SocketAddr, left: Option<Duration>| match left {
        Some(left) => TcpStream::connect_timeout(address, left),
        None => TcpStream::connect(address),
    };
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    if let [address] = *addresses {
        let result = connect(&address, deadline.left()?);
        deadline.left()?;
        return result.map_err(Error::Io);
    }
    let (answer, answers) = mpsc::channel();
    let mut addresses = in_turns(addresses).into_iter();
    let mut running = 0u32;
    loop {
        let left = deadline.left()?;
        if let Some(address) = addresses.next() {
            let answer = answer.clone();
            // A connection that comes too late is closed: nobody is there to take it.
            let connecting = thread::Builder::new().spawn(move || answer.send(connect(&address, left)));
            connecting.map_err(Error::Io)?; // "not now" is no word of a stream
            running = running.saturating_add(1);
        } else if running == 0 {
            return Err(Error::Io(failure));
        }
        // Without a deadline and another address, look up now and then all the same.
        let last = left.unwrap_or(LONG);
        let patience = if addresses.len() == 0 { last } else { last.min(STAGGER) };
        match answers.recv_timeout(patience) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                running = running.saturating_sub(1);
                failure = error;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// The families in turns, beginning with the one that the system prefers (RFC 8305 4).
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let six_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut a, mut b): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == six_first);
    let mut turns = Vec::with_capacity(a.len().saturating_add(b.len()));
    let (mut a, mut b) = (a.drain(..), b.drain(..));
    loop {
        let before = turns.len();
        turns.extend(a.next());
        turns.extend(b.next());
        if turns.len() == before {
            return turns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn within_seconds() -> Deadline {
        Deadline::within(Duration::from_secs(20))
    }

    /// An address that nobody listens on: that of a client's end, which is nobody else's meanwhile.
    fn refusing(listener: &TcpListener) -> (TcpStream, SocketAddr) {
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let address = stream.local_addr().unwrap();
        (stream, address)
    }

    #[test]
    fn the_families_take_turns() {
        let addresses = |text: &str| text.split(' ').map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let turns = in_turns(addresses("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1"));
        assert_eq!(turns, addresses("[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1"));
        let turns = in_turns(addresses("1.1.1.1:1 [::1]:1 [::2]:1"));
        assert_eq!(turns, addresses("1.1.1.1:1 [::1]:1 [::2]:1"));
        assert_eq!(in_turns(Vec::new()), []);
    }

    #[test]
    fn an_address_that_refuses_is_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let (_held, bad) = refusing(&listener);
        let stream = dial(vec![bad, bad, good], within_seconds()).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        for addresses in [vec![bad], vec![bad, bad]] {
            let error = dial(addresses, within_seconds()).unwrap_err();
            assert!(
                matches!(&error, Error::Io(e) if e.kind() == io::ErrorKind::ConnectionRefused),
                "{error}"
            );
        }
        let error = dial(Vec::new(), within_seconds()).unwrap_err();
        assert!(matches!(&error, Error::Io(e) if e.kind() == io::ErrorKind::NotFound), "{error}");
    }

    /// One that does not answer, since nobody takes the connections that wait there already, does not hold up the next.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_address_that_does_not_answer_is_overtaken() {
        let full = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = full.local_addr().unwrap();
        let mut waiting = Vec::new();
        let mut silences = 0;
        while silences < 3 {
            match TcpStream::connect_timeout(&silent, Duration::from_millis(200)) {
                Ok(stream) => waiting.push(stream),
                Err(_) => silences += 1,
            }
            assert!(waiting.len() < 10_000, "the queue has no end");
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let stream = dial(vec![silent, good], within_seconds()).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        let error = dial(vec![silent, silent], Deadline::within(Duration::from_millis(400))).unwrap_err();
        assert!(matches!(error, Error::TimedOut(crate::Waited::Handshake)), "{error}");
    }
}
