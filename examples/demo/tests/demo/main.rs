//! The demo as a program, without a browser: its page, its commands, and two tabs of it that hear each other. What a
//! browser makes of the page is checked by `.ci/browsers/run`.

mod feed;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use ws_std::{Client, CloseCode, Compression, Connect, Error, Message, Options, OsSeeded, WebSocket};

/// The program, listening on a port of its own. It is ended with the test, or when a test takes too long: then whoever
/// waits for it hears of it.
struct Demo {
    address: SocketAddr,
    child: Arc<Mutex<Child>>,
    _alive: Sender<()>,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demo starts");
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let address =
            said.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
        let address = address.parse().expect(address);
        let child = Arc::new(Mutex::new(child));
        let (alive, ended) = mpsc::channel();
        let watched = Arc::clone(&child);
        thread::spawn(move || {
            if ended.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = watched.lock().unwrap().kill();
            }
        });
        Self { address, child, _alive: alive }
    }

    /// The whole response to a request with these lines.
    fn ask(&self, lines: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "{lines}\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    /// A tab, and its number.
    fn tab(&self) -> (Tab, String) {
        let ws = Connect::new(&format!("ws://{}/ws", self.address))
            .origin(&format!("http://{}", self.address))
            .subprotocols(&["demo.v2", "demo.v1"])
            .options(Options::DEFAULT.with_message_limit(2 << 20))
            .open()
            .expect("a tab opens");
        assert_eq!(ws.protocol(), Some("demo.v1"));
        let mut tab = Tab(ws);
        let welcome = tab.hear("welcome");
        let number: String =
            welcome.split("\"tab\":").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
        (tab, number)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

struct Tab(WebSocket<TcpStream, Client<OsSeeded>>);

impl Tab {
    fn say(&mut self, json: &str) {
        self.0.send_text(json).unwrap();
    }

    /// The next text message of this type.
    fn hear(&mut self, kind: &str) -> String {
        let begin = format!("{{\"type\":\"{kind}\"");
        loop {
            match self.0.read().unwrap().expect("the server does not close") {
                Message::Text(text) if text.starts_with(&begin) => return text.to_owned(),
                _ => {}
            }
        }
    }

    /// The next binary message.
    fn see(&mut self) -> Vec<u8> {
        loop {
            if let Message::Binary(bytes) = self.0.read().unwrap().expect("the server does not close") {
                return bytes.to_owned();
            }
        }
    }

    /// Reads to the end: the server's code and reason.
    fn end(&mut self) -> (Option<u16>, String) {
        while self.0.read().unwrap().is_some() {}
        assert!(self.0.was_clean());
        (self.0.close_received().unwrap().map(CloseCode::get), self.0.close_reason().to_owned())
    }
}

fn is_response(response: &str, status: &str, kind: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
    assert!(response.contains(&format!("\r\nContent-Type: {kind}")), "{response}");
}

#[test]
fn the_page_and_its_files_are_served() {
    let demo = Demo::start();
    let page = demo.ask("GET / HTTP/1.1");
    is_response(&page, "200", "text/html");
    assert!(page.contains("\r\nContent-Security-Policy: default-src 'none'"));
    assert!(page.trim_end().ends_with("</html>"));
    // Every script of the page, down to those that only other scripts name.
    let scripts = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
    let names = scripts.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names: Vec<_> = names.filter(|name| name.ends_with(".js")).collect();
    assert!(names.iter().any(|name| name == "demo.js"), "{names:?}");
    for name in names {
        is_response(&demo.ask(&format!("GET /{name} HTTP/1.1")), "200", "text/javascript");
    }
    is_response(&demo.ask("GET /push.js HTTP/1.1"), "200", "text/javascript");
    is_response(&demo.ask("GET /demo.css HTTP/1.1"), "200", "text/css");
    is_response(&demo.ask("GET /favicon.ico HTTP/1.1"), "200", "image/svg+xml");
    assert!(demo.ask("HEAD / HTTP/1.1").ends_with("\r\n\r\n"), "a head has no body");
    is_response(&demo.ask("GET /nowhere HTTP/1.1"), "404", "text/plain");
    is_response(&demo.ask("POST / HTTP/1.1"), "405", "text/plain");
    for path in ["/ws", "/feed"] {
        let response = demo.ask(&format!("GET {path} HTTP/1.1"));
        assert!(response.starts_with("HTTP/1.1 426"), "no WebSocket was asked for: {response}");
    }
}

#[test]
fn another_page_and_another_subprotocol_are_refused() {
    let demo = Demo::start();
    let status = |connect: Connect<'_>| match connect.open() {
        Err(Error::Refused(refused)) => refused.status,
        other => panic!("{other:?}"),
    };
    for (path, name, other) in [("/ws", "demo.v1", "feed.v1"), ("/feed", "feed.v1", "demo.v1")] {
        let url = format!("ws://{}{path}", demo.address);
        assert_eq!(status(Connect::new(&url).subprotocols(&[name]).origin("http://elsewhere.example")), 403);
        assert_eq!(status(Connect::new(&url).subprotocols(&[other])), 400);
        assert_eq!(status(Connect::new(&url)), 400);
    }
}

#[test]
fn what_is_sent_comes_back() {
    let demo = Demo::start();
    let (mut tab, _) = demo.tab();
    tab.say(r#"{"type":"echo","text":"grüße \u0000 \"x\""}"#);
    assert_eq!(tab.hear("echo"), r#"{"type":"echo","text":"grüße \u0000 \"x\""}"#);
    let mut bytes: Vec<u8> = (0..(1 << 20) + 1).map(|n: u32| (n * 31 + (n >> 9)) as u8).collect();
    bytes[0] = b'E';
    tab.0.send_binary(&bytes).unwrap();
    assert!(tab.see() == bytes);
    tab.say(r#"{"type":"ping","at":17.5}"#);
    assert!(tab.hear("pong").contains(r#""at":17.5"#));
}

#[test]
fn the_heartbeat_is_measured() {
    let demo = Demo::start();
    let (mut tab, _) = demo.tab();
    loop {
        tab.say(r#"{"type":"ping","at":0}"#);
        if !tab.hear("pong").contains("\"heartbeat\":null") {
            break;
        }
    }
}

#[test]
fn a_story_has_as_many_fragments_as_asked_for() {
    let demo = Demo::start();
    let (mut tab, _) = demo.tab();
    tab.hear("tabs");
    for fragments in [1, 7, 1000] {
        tab.say(&format!(r#"{{"type":"story","fragments":{fragments}}}"#));
        let (mut text, mut pieces) = (Vec::new(), 0);
        loop {
            // A fragment may be read in several pieces: only its last one has nothing behind it.
            let chunk = tab.0.read_chunk().unwrap().unwrap();
            text.extend_from_slice(chunk.payload);
            pieces += usize::from(chunk.remaining == 0);
            if chunk.last {
                break;
            }
        }
        assert_eq!(pieces, fragments);
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(&format!("piece {fragments} of {fragments} \u{2713}")), "{text}");
    }
}

#[test]
fn tabs_talk_and_see_what_others_draw() {
    let demo = Demo::start();
    let (mut one, first) = demo.tab();
    let (mut two, second) = demo.tab();
    let both = format!(r#"{{"type":"tabs","tabs":[{first},{second}]}}"#);
    while one.hear("tabs") != both {}
    while two.hear("tabs") != both {}
    one.say(r#"{"type":"chat","text":"hello"}"#);
    let said = format!(r#"{{"type":"chat","tab":{first},"text":"hello"}}"#);
    assert_eq!([one.hear("chat"), two.hear("chat")], [said.clone(), said]);
    one.0.send_binary(b"Fpicture").unwrap();
    let number = first.parse::<u32>().unwrap().to_be_bytes();
    assert_eq!(two.see(), [b"F", &number[..], b"picture"].concat());
    one.hear("taken");
    one.0.send_binary(b"E").unwrap();
    assert_eq!(one.see(), b"E", "its own picture does not come back to a tab");
}

#[test]
fn a_tab_that_sleeps_costs_little_and_stalls_nobody() {
    let demo = Demo::start();
    let (_sleeper, _) = demo.tab();
    let (mut one, _) = demo.tab();
    let (mut two, _) = demo.tab();
    let mut picture = vec![b'F'; 250 << 10];
    for n in 1..=200 {
        *picture.last_mut().unwrap() = n;
        one.0.send_binary(&picture).unwrap();
        one.hear("taken");
    }
    while two.see().last() != Some(&200) {}
    // 50 MB were sent to each. What the sleeper has not taken is one picture, beside what the system holds for it.
    #[cfg(target_os = "linux")]
    {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", demo.child.lock().unwrap().id())).unwrap();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let most: u32 = most.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(most < 20_000, "{most} kB");
    }
}

/// Who floods the others with words is slowed down; they hear all of them, and stay.
#[test]
fn a_flood_of_words_ends_nobody() {
    let demo = Demo::start();
    let (mut one, _) = demo.tab();
    let (two, second) = demo.tab();
    let flooding = two.0.stream().try_clone().unwrap();
    let (mut reader, mut writer) = two.0.split(flooding);
    thread::spawn(move || while let Ok(Some(_)) = reader.read() {});
    thread::spawn(move || {
        (0..5000).all(|n| writer.send_text(&format!(r#"{{"type":"chat","text":"{n}"}}"#)).is_ok())
    });
    for n in 0..50 {
        assert_eq!(one.hear("chat"), format!(r#"{{"type":"chat","tab":{second},"text":"{n}"}}"#));
    }
}

#[test]
fn either_side_closes_with_code_and_reason() {
    let demo = Demo::start();
    let (mut witness, _) = demo.tab();
    let (mut tab, number) = demo.tab();
    tab.say(r#"{"type":"close","code":1005,"reason":""}"#);
    tab.hear("error");
    tab.say(r#"{"type":"close","code":4001,"reason":"see you"}"#);
    assert_eq!(tab.end(), (Some(4001), "see you".to_owned()));
    let closed = witness.hear("closed");
    assert!(closed.contains(&format!(r#""tab":{number},"by_server":true,"code":4001"#)), "{closed}");

    let (mut tab, number) = demo.tab();
    tab.0.close(CloseCode::new(3000).unwrap(), "going").unwrap();
    let closed = witness.hear("closed");
    let expected = format!(r#""tab":{number},"by_server":false,"code":3000,"reason":"going","clean":true"#);
    assert!(closed.contains(&expected), "{closed}");

    // Who comes later hears of it too.
    let ws = Connect::new(&format!("ws://{}/ws", demo.address)).subprotocols(&["demo.v1"]).open().unwrap();
    assert!(Tab(ws).hear("welcome").contains(&expected));
}

const COMPRESSED: Options = Options::DEFAULT.with_compression(Compression::DEFAULT);

/// Byte by byte; while its first line comes, others are answered.
#[test]
fn a_request_in_tiny_pieces_gets_what_it_asks_for() {
    let demo = Demo::start();
    for (target, protocol, is_compressed) in
        [("/feed", "feed.v1", true), ("/feed?compression=off", "feed.v1", false), ("/ws", "demo.v1", false)]
    {
        let line = format!("GET {target} HTTP/1.1\r\n");
        let request = format!(
            "{line}Host: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
            demo.address
        );
        let mut stream = TcpStream::connect(demo.address).unwrap();
        stream.set_nodelay(true).unwrap();
        for (at, byte) in request.bytes().enumerate() {
            stream.write_all(&[byte]).unwrap();
            if at < line.len() {
                demo.ask("HEAD /favicon.ico HTTP/1.1");
            }
        }
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        assert_eq!(lines.next().as_deref(), Some("HTTP/1.1 101 Switching Protocols"));
        let fields: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let agreed =
            fields.iter().any(|field| field.starts_with("Sec-WebSocket-Extensions: permessage-deflate"));
        assert_eq!(agreed, is_compressed, "{target}: {fields:?}");
    }
}

/// After the time that a head has, 10 s, and no more; whatever it has begun to ask for. Who has asked for nothing is told
/// nothing.
#[test]
fn a_connection_that_stays_silent_is_let_go() {
    let demo = Demo::start();
    let begun = Instant::now();
    let streams = ["", "GET /fe", "GET /feed HTTP/1.1\r\n"].map(|begin| {
        let mut stream = TcpStream::connect(demo.address).unwrap();
        stream.write_all(begin.as_bytes()).unwrap();
        (begin, stream)
    });
    for (begin, mut stream) in streams {
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        if begin.is_empty() {
            assert_eq!(response, "");
        } else {
            is_response(&response, "408", "text/plain");
        }
    }
    let took = begun.elapsed();
    assert!((9..15).contains(&took.as_secs()), "{took:?}");
}

/// Numbered news, 20 times a second, on one connection that is kept: by polls, and by a stream; and an echo of what was said between.
#[test]
fn news_come_by_polls_and_streams_and_what_is_said_comes_back() {
    let demo = Demo::start();
    let mut stream = BufReader::new(TcpStream::connect(demo.address).unwrap());
    let mut ask = |line: &str, body: &str| {
        let (host, length) = (demo.address, body.len());
        let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
        stream.get_mut().write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.expect(&head).parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    };
    let begun = ask("GET /push?s=&wait=20000", "");
    let sid = begun["events"][0]["open"]["sid"].as_str().unwrap().to_owned();
    let mut next = begun["next"].as_str().unwrap().to_owned();
    let post = format!("POST /push?s={sid}&n=1");
    assert_eq!(ask(&post, "t5:hello"), serde_json::json!({"ack": 1}));
    let (mut numbers, mut echoes) = (Vec::new(), Vec::new());
    while numbers.len() < 10 {
        let polled = ask(&format!("GET /push?s={sid}&wait=20000&since={next}"), "");
        next = polled["next"].as_str().unwrap().to_owned();
        for event in polled["events"].as_array().unwrap() {
            let data = event["data"].as_str().unwrap();
            match serde_json::from_str::<serde_json::Value>(data) {
                Ok(item) => numbers.push(item["n"].as_u64().unwrap()),
                Err(_) => echoes.push(data.to_owned()),
            }
        }
    }
    assert_eq!(echoes, ["echo:hello"]);
    write!(stream.get_mut(), "GET /push?as=sse&s={sid}&since={next} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    for line in stream.lines().map(Result::unwrap) {
        if let Some((_, item)) = line.split_once("\"data\":\"{\\\"n\\\":") {
            numbers.push(item.split(',').next().unwrap().parse().unwrap());
        }
        if numbers.len() >= 20 {
            break;
        }
    }
    let all: Vec<_> = (numbers[0]..).take(numbers.len()).collect();
    assert_eq!(numbers, all);
}

#[test]
fn a_page_that_came_by_a_strange_name_is_told_nothing() {
    let demo = Demo::start();
    let mut stream = TcpStream::connect(demo.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    is_response(&response, "421", "text/plain");
}

#[test]
fn a_feed_that_is_spoken_to_ends() {
    let demo = Demo::start();
    let url = format!("ws://{}/feed", demo.address);
    let mut tab = Tab(Connect::new(&url).subprotocols(&["feed.v1"]).open().unwrap());
    tab.say("hello");
    assert_eq!(tab.end().0, Some(1008));
}

#[test]
fn what_is_no_command_ends_the_connection() {
    let demo = Demo::start();
    for wrong in ["hello", r#"{"type":"dance"}"#, r#"{"type":"chat"}"#] {
        let (mut tab, _) = demo.tab();
        tab.say(wrong);
        assert_eq!(tab.end().0, Some(1008), "{wrong}");
    }
    let (mut tab, _) = demo.tab();
    tab.0.send_binary(&[b'E'; (1 << 20) + 2]).unwrap();
    assert_eq!(tab.end().0, Some(1009));
}

#[test]
fn what_keeps_it_from_starting_is_told_in_words() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let why = format!("cannot listen on {address}: ");
    for (arg, told) in [(address.as_str(), why.as_str()), ("--help", "usage: demo [ADDRESS]")] {
        let run = Command::new(env!("CARGO_BIN_EXE_demo")).arg(arg).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{arg}");
        assert!(said.starts_with(told), "{arg}: {said}");
    }
}
