//! The programs of this package, as their users start them. What they make of the protocol is for the conformance suite
//! to say: `.ci/autobahn/run`.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use ws_std::{
    Answer, CloseCode, Compression, Connect, Effort, Message, Options, OriginPolicy, accept, accept_with,
};

const SERVER: &str = env!("CARGO_BIN_EXE_echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_echo-client");
const CONFORMANCE: &str = env!("CARGO_BIN_EXE_autobahn-client");

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } =
        Command::new(program).args(args).stdin(Stdio::null()).output().expect("the program starts");
    (status.code(), String::from_utf8(stderr).expect("text"))
}

/// Peers can use up the descriptors; when they are gone, the server is there again.
#[cfg(unix)]
#[test]
fn a_server_without_descriptors_goes_on() {
    let limited = ["-c", "ulimit -n 32; exec \"$0\" 127.0.0.1:0", SERVER];
    let mut command = Command::new("sh");
    command.args(limited).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Running(command.spawn().expect("the server starts"));
    let mut said = BufReader::new(server.0.stdout.take().expect("a pipe")).lines();
    let url = said.next().expect("a line").expect("text").replace("listening on ", "");
    let address = url.replace("ws://", "");
    let connect = |_| std::net::TcpStream::connect(&address).expect("it listens");
    let peers: Vec<_> = (0..64).map(connect).collect();
    let stderr = BufReader::new(server.0.stderr.take().expect("a pipe"));
    let mut complaints = stderr.lines().map_while(Result::ok);
    let mut wait = || assert!(complaints.any(|line| line.starts_with("no connection accepted: ")));
    wait();
    let begun = Instant::now();
    (0..3).for_each(|_| wait());
    // There is always somebody to be accepted: a server that tried at once, and again, would do nothing else.
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    drop(peers);
    thread::spawn(move || complaints.count()); // a full pipe would stop the server
    let mut ws = ws_std::connect(&url).expect("the server goes on");
    ws.send_text("still there").expect("it listens");
    assert_eq!(ws.read().expect("an echo"), Some(Message::Text("still there")));
}

const COMPRESSED: Options = Options::DEFAULT.with_compression(Compression::DEFAULT);

#[test]
fn the_server_compresses_unless_told_otherwise() {
    for (args, is_compressed) in [
        (&["127.0.0.1:0"][..], true),
        (&["--quick", "127.0.0.1:0"], true),
        (&["--no-compression", "127.0.0.1:0"], false),
        (&["--no-compression", "--quick", "127.0.0.1:0"], false),
    ] {
        let mut command = Command::new(SERVER);
        let mut server =
            Running(command.args(args).stdout(Stdio::piped()).spawn().expect("the server starts"));
        let mut said = BufReader::new(server.0.stdout.take().expect("a pipe")).lines();
        let url = said.next().expect("a line").expect("text").replace("listening on ", "");
        let mut ws = Connect::new(&url).options(COMPRESSED).open().expect("it listens");
        assert_eq!(ws.extensions().is_empty(), !is_compressed, "{}", ws.extensions());
        let text = "again and ".repeat(200);
        ws.send_text(&text).expect("it reads");
        assert_eq!(ws.read().expect("an echo"), Some(Message::Text(&text)));
        ws.close(CloseCode::NORMAL, "").expect("it answers");
    }
}

#[test]
fn the_client_compresses_if_told_to() {
    for (flags, is_compressed) in
        [(&[][..], false), (&["--quick"], false), (&["--compress"], true), (&["--quick", "--compress"], true)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let opened = accept_with(stream, &COMPRESSED, &[], |_| Answer::accept(OriginPolicy::Any));
            let mut ws = opened.expect("its request").expect("it was accepted");
            assert_eq!(ws.extensions().is_empty(), !is_compressed, "{}", ws.extensions());
            let text = "again and ".repeat(200);
            ws.send_text(&text).expect("it reads");
            assert_eq!(ws.read().expect("an echo"), Some(Message::Text(&text)));
            ws.close(CloseCode::NORMAL, "").expect("it answers");
        });
        assert_eq!(run(CLIENT, &[flags, &[&url]].concat()), (Some(0), String::new()));
        server.join().expect("no panic");
    }
}

#[test]
fn less_work_is_another_effort_and_nothing_else() {
    let quick = Compression::DEFAULT.with_effort(Effort::QUICK);
    assert_eq!(echo::options(true, true).compression, Some(quick));
    assert_eq!(echo::options(true, false).compression, Some(Compression::DEFAULT));
    assert_eq!(echo::options(false, true).compression, None);
}

#[test]
fn an_address_that_is_taken_is_told_in_words() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let (status, said) = run(SERVER, &[&address]);
    assert_eq!(status, Some(1));
    assert!(said.starts_with(&format!("cannot listen on {address}: ")), "{said}");
}

#[test]
fn arguments_that_make_no_sense_bring_the_usage() {
    for (program, args) in [
        (SERVER, &["--help"][..]),
        (CLIENT, &["--help"]),
        (CLIENT, &[]),
        (SERVER, &["--compress"]),
        (CLIENT, &["--compress"]),
        (CLIENT, &["--no-compression", "ws://127.0.0.1:1"]),
        (CONFORMANCE, &["--help", "agent"]),
        (CONFORMANCE, &["ws://127.0.0.1:1"]),
    ] {
        let (status, said) = run(program, args);
        assert_eq!(status, Some(1), "{program} {args:?}");
        assert!(said.starts_with("usage: "), "{program} {args:?}: {said}");
    }
}

#[test]
fn a_suite_that_has_no_cases_fails() {
    for told in [None, Some(""), Some("many"), Some("0")] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        let suite = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut ws = accept(stream, OriginPolicy::Any).expect("its request");
            if let Some(told) = told {
                ws.send_text(told).expect("it listens");
            }
            ws.close(CloseCode::NORMAL, "").expect("it answers");
        });
        let (status, said) = run(CONFORMANCE, &[&url, "agent"]);
        suite.join().expect("no panic");
        assert_eq!(status, Some(1), "{told:?}");
        assert!(said.contains("how many cases"), "{told:?}: {said}");
    }
}
