//! The echo server as a program: how it starts, and that it goes on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

const SERVER: &str = env!("CARGO_BIN_EXE_tokio-echo");

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
    let address = said.next().expect("a line").expect("text").replace("listening on ws://", "");
    let connect = |_| TcpStream::connect(&address).expect("it listens");
    let peers: Vec<_> = (0..64).map(connect).collect();
    let stderr = BufReader::new(server.0.stderr.take().expect("a pipe"));
    let mut complaints = stderr.lines().map_while(Result::ok);
    assert!(complaints.any(|line| line.starts_with("no connection accepted: ")));
    drop(peers);
    thread::spawn(move || complaints.count()); // a full pipe would stop the server
    let mut stream = connect(64);
    let request = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 101");
}

#[test]
fn what_keeps_it_from_starting_is_told_in_words() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let why = format!("cannot listen on {address}: ");
    for (arg, told) in [(address.as_str(), why.as_str()), ("--help", "usage: tokio-echo [ADDRESS]")] {
        let run = Command::new(SERVER).arg(arg).stdin(Stdio::null()).output().expect("the program starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{arg}");
        assert!(said.starts_with(told), "{arg}: {said}");
    }
}
