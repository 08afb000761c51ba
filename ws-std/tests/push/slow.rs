//! Clients that hold on to a server and ask for little: none stays beyond its deadline, and others are served meanwhile.

use super::flash::UPGRADE;
#[cfg(target_os = "linux")]
use super::host::{EVENTS, options};
use super::host::{Host, NOTE_MAX, TOO_LONG, hasty};
use super::raw::{Raw, has_status};
use std::io::Write;
use std::time::{Duration, Instant};
use ws_std::{Error, Message};

const CLIENTS: usize = 100;

/// Many times what [`hasty`] grants here, and less than what is granted by default for a head, a body, or silence.
const SOON: Duration = Duration::from_secs(8);

/// Serves others until all clients have ended, which has to be `soon`; in between, `meanwhile`. Returns how they did.
fn outlast(host: &Host, soon: Duration, mut meanwhile: impl FnMut()) -> Vec<Result<(), Error>> {
    let (mut ended, begun) = (Vec::new(), Instant::now());
    while ended.len() < CLIENTS {
        assert!(begun.elapsed() < soon, "{} have ended", ended.len());
        meanwhile();
        let asked = Instant::now();
        let mut other = Raw::connect(host);
        other.ask("GET /page", "Connection: close\r\n", "");
        has_status(&other.rest(), 200);
        assert!(asked.elapsed() < Duration::from_secs(5));
        ended.extend(host.ended_by_now().filter(|(_, path)| path != "/page").map(|(result, _)| result));
    }
    assert_eq!(host.attached(), 0);
    ended
}

/// Opens all, and says a further byte for each now and then.
fn drip(host: &Host, begin: impl Fn(usize) -> String) -> Vec<String> {
    let mut clients: Vec<_> = (0..CLIENTS).map(|n| Raw::asking(host, &begin(n))).collect();
    let mut said = Instant::now();
    let ended = outlast(host, SOON, || {
        if said.elapsed() > Duration::from_millis(20) {
            said = Instant::now();
            for client in &mut clients {
                let _ = client.stream.write(b"x");
            }
        }
    });
    assert!(ended.iter().all(|result| matches!(result, Err(Error::Request(_)))), "{ended:?}");
    clients.iter_mut().map(Raw::rest).collect()
}

#[test]
fn a_hundred_slow_heads_are_ended_by_their_deadline() {
    let host = Host::with(hasty(300));
    for said in drip(&host, |_| "GET /page HTTP/1.1\r\nX: ".to_owned()) {
        // What comes behind the end of its patience resets the connection, and may take the answer along.
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408 "), "{said}");
    }
}

#[test]
fn a_hundred_slow_bodies_are_ended_by_their_deadline() {
    let host = Host::with(hasty(300));
    let mut raw = Raw::connect(&host);
    raw.ask("GET /events?s=", "", "");
    let (_, body) = raw.response();
    let sid = &body.split("\"sid\":\"").nth(1).unwrap()[..24];
    drop(raw);
    host.ended().0.unwrap();
    let said = drip(&host, |n| match n {
        // Of the POSTs of one session the last counts.
        0 => format!(
            "POST /events?s={sid}&n=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nt4000:"
        ),
        _ => format!("POST /note HTTP/1.1\r\nHost: localhost\r\nContent-Length: {NOTE_MAX}\r\n\r\n"),
    });
    for said in said {
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408 "), "{said}");
    }
    assert_eq!(host.push.with(|hub| hub.sessions().keys().count()), 1);
}

#[test]
fn a_hundred_silent_sockets_are_let_go_without_a_word() {
    let host = Host::with(hasty(300));
    let clients: Vec<_> = (0..CLIENTS).map(|_| Raw::connect(&host)).collect();
    let ended = outlast(&host, SOON, || ());
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    for mut client in clients {
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn a_hundred_stalled_readers_are_given_up() {
    let host = Host::over(hasty(300), 64 << 10);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let push = format!("{UPGRADE}Sec-WebSocket-Protocol: push.v1\r\n");
            let (path, further) = [("/large", ""), ("/events?as=sse&s=", ""), ("/events?s=", &push)][n % 3];
            Raw::asking(&host, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{further}\r\n"))
        })
        .collect();
    let news = "x".repeat(15 << 10);
    // What they do not read fills the buffers of the system first.
    let ended = outlast(&host, TOO_LONG, || _ = host.push.publish(Message::Text(&news)).unwrap());
    let is_given_up = |result: &_| matches!(result, Err(Error::TimedOut(_) | Error::Lost));
    assert!(ended.iter().all(is_given_up), "{ended:?}");
    drop(clients);
}

/// Processor time of the thread that asks, in ticks of 10 ms.
#[cfg(target_os = "linux")]
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// Bytes behind the request cannot be read while its answer goes on; who waits for them to go would wait without a pause.
#[cfg(target_os = "linux")]
#[test]
fn a_stream_with_a_byte_behind_it_takes_no_time() {
    use std::{net::TcpListener, thread};
    use ws_std::http::Requests;
    use ws_std::push::{Endpoint, Push};

    let endpoint = Endpoint { ping: ws_core::Duration::from_secs(1), ..EVENTS };
    let push = Push::<1>::with_memory(1024, 1024, TOO_LONG).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let mut client = Requests::new(listener.accept().unwrap().0, options()).unwrap();
            assert!(client.read().unwrap().is_some());
            let before = ticks();
            client.push(&push, &endpoint, |_, _, _| {}).unwrap();
            ticks() - before
        });
        let mut raw = Raw::to(address);
        raw.write(b"GET /events?as=xhr&s= HTTP/1.1\r\nHost: localhost\r\n\r\nG");
        for _ in 0..3 {
            raw.until("{\"ping\":1}\n");
        }
        push.with(|hub| {
            let session = hub.sessions().keys().next().unwrap();
            hub.sessions_mut().close(session);
        });
        raw.until("{\"close\":[1000,\"\"]}\n");
        let ticks = serving.join().unwrap();
        assert!(ticks < 20, "{ticks} ticks");
    });
}
