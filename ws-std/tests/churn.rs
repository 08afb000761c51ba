//! Connections that come and go, well or badly ended, leave nothing behind: no descriptor, no thread, no socket that waits to be
//! closed. The system is asked, so this is for Linux, and one test alone in its program, whose descriptors and threads are all
//! its own. What they allocate is in `memory.rs`.
#![cfg(target_os = "linux")]

mod common;

use common::REQUEST;
use common::frames::{CLOSE, TEXT, close_body, frame, header};
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};
use ws_std::{Answer, Connect, Error, Options, OriginPolicy, accept_with};

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    Closing,
    WithoutAClose,
    InsideAFrame,
    BreakingARule,
    /// With something unread, so that TCP resets.
    ByReset,
    BeforeItsRequestIsWhole,
    WithANonsenseRequest,
}

use Leaves::{
    BeforeItsRequestIsWhole, BreakingARule, ByReset, Closing, InsideAFrame, WithANonsenseRequest,
    WithoutAClose,
};

const WAYS: [Leaves; 7] = [
    Closing,
    WithoutAClose,
    InsideAFrame,
    BreakingARule,
    ByReset,
    BeforeItsRequestIsWhole,
    WithANonsenseRequest,
];

/// A server's part: it greets, and reads until there is no more.
fn serve(stream: TcpStream) -> Result<(), Error> {
    let Some(mut ws) =
        accept_with(stream, &Options::DEFAULT, &[], |_| Answer::accept(OriginPolicy::SameOrigin))?
    else {
        return Ok(());
    };
    ws.send_text("hello")?;
    while ws.read()?.is_some() {}
    Ok(())
}

fn come_and_go(listener: &TcpListener, way: Leaves) {
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
    match way {
        BeforeItsRequestIsWhole => return stream.write_all(&REQUEST[..40]).unwrap(),
        WithANonsenseRequest => stream.write_all(b"\x16\x03\x01 this is TLS\r\n\r\n").unwrap(),
        _ => stream.write_all(REQUEST).unwrap(),
    }
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    let last = match way {
        Closing => frame(true, CLOSE, &close_body(1000, "")),
        InsideAFrame => header(true, TEXT, 5000),
        BreakingARule => frame(true, 0x83, b"bad"),
        _ => Vec::new(),
    };
    stream.write_all(&last).unwrap();
    match way {
        ByReset => {
            // The greeting is on its way, or there, and is not read.
            while stream.peek(&mut [0; 1]).unwrap() == 0 {}
        }
        WithoutAClose | InsideAFrame => stream.shutdown(Shutdown::Write).unwrap(),
        _ => {}
    }
    if !matches!(way, ByReset) {
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

fn count(directory: &str) -> usize {
    fs::read_dir(directory).unwrap().count()
}

/// Sockets of this port that wait for us to close them (CLOSE_WAIT is 8 in the system's table).
fn waiting_for_us(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let end = format!(":{port:04X}");
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.filter(|fields| fields[1].ends_with(&end) && fields[3] == "08").count()
}

/// Threads that were joined may be seen for a moment more.
fn soon(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(8), "{what}");
        thread::yield_now();
    }
}

/// Fifty clients at a time with a burst of messages each, served by the one thread that there is.
fn start_no_threads(listener: &TcpListener) {
    let threads = count("/proc/self/task");
    let mut connections = Vec::new();
    for _ in 0..50 {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(&[REQUEST, &frame(true, TEXT, b"burst").repeat(50)].concat()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let opened =
            accept_with(stream, &Options::DEFAULT, &[], |_| Answer::accept(OriginPolicy::SameOrigin));
        connections.push((client, opened.unwrap().expect("it was accepted")));
    }
    for (_, ws) in &mut connections {
        for _ in 0..50 {
            assert!(ws.read().unwrap().is_some());
            ws.send_text("echo").unwrap();
        }
        assert_eq!(count("/proc/self/task"), threads, "a client or a message has started threads");
    }
}

/// One test for all, since it counts what the whole program has.
#[test]
fn connections_that_come_and_go_leave_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/");
    start_no_threads(&listener);
    let round = |times: usize| {
        thread::scope(|scope| {
            let serving = scope.spawn(|| {
                for stream in listener.incoming().take(times * (WAYS.len() + 1)) {
                    let _ = serve(stream.unwrap());
                }
            });
            for _ in 0..times {
                for way in WAYS {
                    come_and_go(&listener, way);
                }
                // And a client of the library's, dropped where it stands.
                let mut ws = Connect::new(&url).open().unwrap();
                assert!(ws.read().unwrap().is_some());
            }
            serving.join().unwrap();
        });
    };
    round(1); // what is there once, such as the source of randomness, is there now
    let (descriptors, threads) = (count("/proc/self/fd"), count("/proc/self/task"));
    round(100);
    soon("threads are left", || count("/proc/self/task") <= threads);
    assert_eq!(count("/proc/self/fd"), descriptors, "descriptors are left");
    assert_eq!(waiting_for_us(port), 0, "sockets wait for us to close them");
}
