//! The program against itself, over loopback: what goes in at one end comes out at the other, and both say how it ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};

/// A running program, its ends of the pipes at hand. It is killed if a test fails.
struct Cat {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Cat {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cat"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { stdin: child.stdin.take(), stdout, stderr, child }
    }

    /// Starts a server, and returns the URL it says.
    fn listen(args: &[&str]) -> (Self, String) {
        let mut cat = Self::start(&[&["--listen", "127.0.0.1:0"], args].concat());
        let said = cat.says();
        let url = said.strip_prefix("listening on ").unwrap().to_owned();
        (cat, url)
    }

    fn connect(url: &str, args: &[&str]) -> Self {
        Self::start(&[args, &[url]].concat())
    }

    /// May fail if the program has ended.
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.stdin.as_mut().unwrap().write_all(bytes);
    }

    /// The next line on standard output.
    fn shows(&mut self) -> String {
        line(&mut self.stdout)
    }

    /// The next line on standard error.
    fn says(&mut self) -> String {
        line(&mut self.stderr)
    }

    /// Ends its input and waits for its end.
    fn end(mut self) -> Ended {
        self.stdin = None;
        self.join()
    }

    fn join(mut self) -> Ended {
        let (mut shown, mut said) = (Vec::new(), String::new());
        self.stdout.read_to_end(&mut shown).unwrap();
        self.stderr.read_to_string(&mut said).unwrap();
        Ended { shown, said, status: self.child.wait().unwrap().code() }
    }
}

impl Drop for Cat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Ended {
    shown: Vec<u8>,
    said: String,
    status: Option<i32>,
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end_matches('\n').to_owned()
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cat")).args(args).stdin(Stdio::null()).output().unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn lines_go_both_ways_as_text() {
    let (mut server, url) = Cat::listen(&[]);
    let mut client = Cat::connect(&url, &[]);
    client.write("Grüße\r\n\nlast".as_bytes());
    server.write("from the server\n".as_bytes());
    assert_eq!(server.shows(), "Grüße");
    assert_eq!(server.shows(), "");
    assert_eq!(client.shows(), "from the server");
    let client = client.end();
    assert_eq!((client.status, client.said.as_str()), (Some(0), "open\nclosed with 1000\n"));
    // The server's input is still open: it ends all the same.
    let stdin = server.stdin.take();
    let server = server.join();
    drop(stdin);
    assert_eq!((server.status, words(&server.shown).as_str()), (Some(0), "last\n"));
    assert_eq!(server.said, "open\nclosed with 1000\n");
}

#[test]
fn binary_input_arrives_as_it_is() {
    let (mut server, url) = Cat::listen(&["--binary"]);
    let stdin = server.stdin.take();
    let sent: Vec<u8> = (0..1 << 20).map(|n| (n % 251) as u8).collect();
    let mut client = Cat::connect(&url, &["--binary"]);
    let client = std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            client.write(&sent);
            client.end()
        });
        let server = server.join();
        assert!(server.shown == sent, "{} bytes arrived", server.shown.len());
        assert_eq!(server.status, Some(0));
        client.join().unwrap()
    });
    assert_eq!(client.status, Some(0));
    drop(stdin);
}

#[test]
fn input_that_is_no_text_is_an_error_without_binary() {
    let (mut server, url) = Cat::listen(&[]);
    let _stdin = server.stdin.take();
    let mut client = Cat::connect(&url, &[]);
    client.write(b"\xff\n");
    let client = client.end();
    assert_eq!(client.status, Some(1));
    assert!(client.said.contains("--binary"), "{}", client.said);
    assert!(server.join().said.contains("closed with 1011"));
}

#[test]
fn no_input_is_no_message() {
    for args in [&[][..], &["--binary"]] {
        let (mut server, url) = Cat::listen(&[]);
        let _stdin = server.stdin.take();
        assert_eq!(Cat::connect(&url, args).end().status, Some(0));
        assert_eq!(server.join().shown, b"", "a text message would show as a line");
    }
}

#[test]
fn a_message_above_the_limit_is_refused() {
    let (mut server, url) = Cat::listen(&["--max-message", "3"]);
    let _stdin = server.stdin.take();
    let mut client = Cat::connect(&url, &[]);
    client.write(b"abc\nabcd\n");
    assert_eq!(server.shows(), "abc");
    let client = client.join();
    assert_eq!(client.status, Some(1));
    assert!(client.said.contains("closed with 1009"), "{}", client.said);
    let server = server.join();
    assert_eq!((server.status, server.shown.as_slice()), (Some(1), &b""[..]));
    assert!(server.said.contains("above the limit"), "{}", server.said);
}

#[test]
fn the_servers_first_subprotocol_that_is_offered_is_spoken() {
    let (mut server, url) = Cat::listen(&["-p", "x", "-p", "b", "--subprotocol", "a"]);
    let client = Cat::connect(&url, &["--subprotocol", "a", "--subprotocol", "b"]).end();
    assert_eq!(client.said, "open, subprotocol b\nclosed with 1000\n");
    assert_eq!(server.says(), "open, subprotocol b");
}

#[test]
fn messages_are_compressed_if_both_are_told_to() {
    let text = "again and ".repeat(1000);
    for (of_server, of_client) in [(true, true), (true, false), (false, true)] {
        let flag = |is_set| if is_set { &["--compress"][..] } else { &[] };
        let (mut server, url) = Cat::listen(flag(of_server));
        let _stdin = server.stdin.take();
        let mut client = Cat::connect(&url, flag(of_client));
        client.write(format!("{text}\n").as_bytes());
        assert_eq!(server.shows(), text);
        let agreed = match (of_server, of_client) {
            (true, true) => "open, extension permessage-deflate; server_no_context_takeover",
            _ => "open",
        };
        for said in [client.end().said, server.join().said] {
            let (open, closed) = said.split_once('\n').unwrap();
            assert!(open.starts_with(agreed) && (agreed != "open" || open == "open"), "{said}");
            assert_eq!(closed, "closed with 1000\n");
        }
    }
}

#[test]
fn compression_is_offered_only_by_a_client_that_is_told_to() {
    for args in [&["--compress"][..], &[]] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Cat::connect(&format!("ws://{}", listener.local_addr().unwrap()), args);
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(&stream);
        let head: Vec<String> =
            std::iter::from_fn(|| Some(line(&mut request)).filter(|line| line != "\r")).collect();
        let offers: Vec<_> =
            head.iter().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: ")).collect();
        assert_eq!(offers.len(), args.len(), "{head:?}");
        assert!(offers.iter().all(|offer| offer.starts_with("permessage-deflate")), "{offers:?}");
        stream.write_all(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n").unwrap();
        assert_eq!(client.join().status, Some(1));
    }
}

#[test]
fn the_code_and_the_reason_of_a_close_are_told_and_fail() {
    let (mut server, url) = Cat::listen(&[]);
    let _stdin = server.stdin.take();
    let client = Cat::connect(&url, &["--close", "4001:so: bye"]).end();
    assert_eq!((client.status, client.said.as_str()), (Some(0), "open\nclosed with 4001\n"));
    let server = server.join();
    assert_eq!((server.status, server.said.as_str()), (Some(1), "open\nclosed with 4001: so: bye\n"));
}

#[test]
fn going_away_is_no_failure() {
    let (server, url) = Cat::listen(&["--close", "1001"]);
    let mut client = Cat::connect(&url, &[]);
    let _stdin = client.stdin.take();
    assert_eq!(client.says(), "open");
    assert_eq!(server.end().status, Some(0));
    let client = client.join();
    assert_eq!((client.status, client.said.as_str()), (Some(0), "closed with 1001\n"));
}

#[test]
fn pings_are_shown() {
    let (mut server, url) = Cat::listen(&["--ping", "1"]);
    let client = Cat::connect(&url, &[]);
    assert_eq!(server.says(), "open");
    for _ in 0..2 {
        let said = server.says();
        assert!(said.starts_with("ping: ") && said.ends_with(" ms"), "{said}");
    }
    assert_eq!(client.end().status, Some(0));
    assert_eq!(server.end().status, Some(0));
}

#[test]
fn headers_go_out_and_a_refusal_shows_status_and_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/path?q=1", listener.local_addr().unwrap());
    let client =
        Cat::connect(&url, &["-H", "X-One: a b", "--header", "x-two:c", "--origin", "http://o.example"]);
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = BufReader::new(&stream);
    let head: Vec<String> =
        std::iter::from_fn(|| Some(line(&mut request)).filter(|line| line.trim_end() != "")).collect();
    assert_eq!(head[0], "GET /path?q=1 HTTP/1.1\r");
    for field in ["X-One: a b\r", "x-two: c\r", "Origin: http://o.example\r"] {
        assert!(head.iter().any(|line| line == field), "{field} in {head:?}");
    }
    let body = "try again later";
    write!(stream, "HTTP/1.1 503 Busy\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let client = client.join();
    assert_eq!(client.status, Some(1));
    assert!(client.said.contains("503") && client.said.contains(body), "{}", client.said);
}

#[test]
fn control_characters_of_the_peer_are_told_escaped_and_piped_as_they_are() {
    let (mut server, url) = Cat::listen(&["--close", "4000:\u{1b}[2J\u{9b}m"]);
    let mut client = Cat::connect(&url, &[]);
    let _stdin = client.stdin.take();
    server.write(b"\x1b[2J\r\x07\n");
    assert_eq!(client.shows(), "\u{1b}[2J\r\u{7}");
    assert_eq!(server.end().status, Some(0));
    assert_eq!(client.join().said, "open\nclosed with 4000: \\u{1b}[2J\\u{9b}m\n");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Cat::connect(&format!("ws://{}", listener.local_addr().unwrap()), &[]);
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = BufReader::new(&stream);
    while line(&mut request) != "\r" {}
    stream.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 12\r\n\r\n<p>\r\nno \x1b[2J").unwrap();
    let said = client.join().said;
    assert!(said.ends_with("<p>\r\nno \\u{1b}[2J\n"), "{said:?}");
}

#[test]
fn pages_of_other_origins_are_kept_out() {
    let (mut server, url) = Cat::listen(&["--origin", "https://good.example"]);
    let refused = Cat::connect(&url, &["--origin", "https://evil.example"]).end();
    assert_eq!(refused.status, Some(1));
    assert!(refused.said.contains("403"), "{}", refused.said);
    assert!(server.says().contains("403"));
    // It goes on listening.
    assert_eq!(Cat::connect(&url, &["--origin", "https://good.example"]).end().status, Some(0));
    assert_eq!(server.says(), "open");
}

#[test]
fn a_connection_that_is_lost_fails() {
    let (mut server, url) = Cat::listen(&[]);
    let mut client = Cat::connect(&url, &[]);
    let _stdin = client.stdin.take();
    assert_eq!(client.says(), "open");
    server.child.kill().unwrap();
    let client = client.join();
    assert_eq!(client.status, Some(1));
    assert!(client.said.starts_with("cat: "), "{}", client.said);
}

#[test]
fn help_lists_the_options_and_examples() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = words(&help.stdout);
    for part in [
        "usage:",
        "examples:",
        "exit status:",
        "--binary",
        "--listen",
        "--subprotocol",
        "--header",
        "--origin",
        "--ping",
        "--close",
        "--max-message",
        "--compress",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn arguments_that_make_no_sense_are_told() {
    for (args, told) in [
        (&[][..], "a URL is needed"),
        (&["ws://h", "--listen", "127.0.0.1:0"], "not both"),
        (&["ws://h", "ws://i"], "unexpected argument"),
        (&["--loud", "ws://h"], "--loud"),
        (&["--close", "1005", "ws://h"], "1000 to 1003"),
        (&["--ping", "0", "ws://h"], "at least 1"),
        (&["--header", "x", "ws://h"], "Name: value"),
        (&["--max-message", "much", "ws://h"], "much"),
    ] {
        let run = run(args);
        assert_eq!(run.status.code(), Some(2), "{args:?}");
        assert!(words(&run.stderr).contains(told), "{args:?}: {}", words(&run.stderr));
        assert_eq!(words(&run.stdout), "");
    }
}

#[test]
fn urls_that_cannot_be_opened_are_told_what_to_do() {
    for (url, told) in [
        ("wss://example.com/x", "TLS is not spoken yet. A ws:// URL is needed"),
        ("example.com", "an example: ws://"),
        ("ftp://example.com", "an example: ws://"),
    ] {
        let run = run(&[url]);
        assert_eq!(run.status.code(), Some(1), "{url}");
        assert!(words(&run.stderr).contains(told), "{url}: {}", words(&run.stderr));
    }
}

#[test]
fn a_port_that_nobody_listens_on_is_told() {
    // The client's end of a connection has a port that nobody else can have, and does not listen.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let run = run(&[&format!("ws://{}", stream.local_addr().unwrap())]);
    assert_eq!(run.status.code(), Some(1));
    assert!(words(&run.stderr).contains("is the server up"), "{}", words(&run.stderr));
}
