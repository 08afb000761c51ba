//! A server as an application would write it: [`Host`].

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use ws_std::http::{Content, Hosts, HttpOptions, PolicyFile, Requests};
use ws_std::push::{Endpoint, Hub, Push, SessionKey};
use ws_std::{Answer, Error, Message, Options, OriginPolicy, OwnedMessage};

pub(crate) const SESSIONS: usize = 128;
/// Bytes of a note, at most.
pub(crate) const NOTE_MAX: usize = 60_000;

/// A test that waits for this has failed.
pub(crate) const TOO_LONG: Duration = Duration::from_secs(60);

pub(crate) static EVENTS: Endpoint<'static> = Endpoint::new(OriginPolicy::SameOrigin);
/// Messages of no bytes are all that it takes.
pub(crate) static MUTE: Endpoint<'static> = Endpoint { message: 0, ..EVENTS };
pub(crate) static SCRIPTS: Endpoint<'static> = Endpoint { jsonp: true, ..EVENTS };
static PAGE: Content<'static> = Content::plain("text/html", "\"1\"", b"<h1>hello</h1>");
/// More than the sockets of both ends hold.
pub(crate) static LARGE: [u8; 24 << 20] = [b'x'; 24 << 20];

/// How a connection has ended, and what it asked for last.
pub(crate) type Ended = (Result<(), Error>, String);

/// What was heard, and from which session.
type Heard = Arc<Mutex<Vec<(Option<SessionKey>, OwnedMessage)>>>;

/// Listens until it is dropped.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) push: Arc<Push<'static, SESSIONS>>,
    /// All messages of clients, as they came.
    pub(crate) heard: Heard,
    ended: Receiver<Ended>,
    is_over: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

pub(crate) fn options() -> HttpOptions<'static> {
    let mut options = HttpOptions::new(Hosts::Addresses(&["localhost"]));
    // Clients of the tests do not end their side.
    options.socket.config.timeouts.close = ws_core::Duration::from_millis(300);
    options
}

impl Host {
    pub(crate) fn start() -> Self {
        Self::with(options())
    }

    pub(crate) fn with(options: HttpOptions<'static>) -> Self {
        Self::over(options, 256 << 10)
    }

    /// With a ring of so many bytes.
    pub(crate) fn over(options: HttpOptions<'static>, ring: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let push = Arc::new(Push::with_memory(ring, 8 << 10, TOO_LONG).unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let app = App { options, push: Arc::clone(&push), heard: Arc::clone(&heard) };
        let over = Arc::clone(&is_over);
        let listening = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let (app, end) = (app.clone(), end.clone());
                thread::spawn(move || {
                    let mut path = String::new();
                    let served = catch_unwind(AssertUnwindSafe(|| app.serve(stream, &mut path)));
                    let result = served.unwrap_or_else(|_| Err(Error::Io(io::Error::other("panicked"))));
                    let _ = end.send((result, path));
                });
            }
        });
        Self { address, push, heard, ended, is_over, listening: Some(listening) }
    }

    /// Waits for the end of a connection.
    pub(crate) fn ended(&self) -> Ended {
        self.ended.recv_timeout(TOO_LONG).expect("no connection has ended")
    }

    /// Those that have ended by now.
    pub(crate) fn ended_by_now(&self) -> impl Iterator<Item = Ended> {
        self.ended.try_iter()
    }

    pub(crate) fn publish(&self, text: &str) {
        self.push.publish(Message::Text(text)).unwrap();
    }

    /// Sessions to which somebody is attached.
    pub(crate) fn attached(&self) -> usize {
        self.push.with(|hub| {
            hub.sessions().keys().filter(|key| hub.sessions().get(*key).unwrap().left().is_none()).count()
        })
    }

    /// Waits until somebody listens for a session.
    pub(crate) fn wait_for_listener(&self) {
        let begun = Instant::now();
        while self.attached() == 0 {
            assert!(begun.elapsed() < TOO_LONG, "nobody listens");
            thread::yield_now();
        }
    }

    /// Texts of clients, as they came.
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |(_, message): &(_, OwnedMessage)| match message {
            OwnedMessage::Text(text) => text.clone(),
            OwnedMessage::Binary(bytes) => format!("{bytes:?}"),
        };
        self.heard.lock().unwrap().iter().map(text).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

#[derive(Clone)]
struct App {
    options: HttpOptions<'static>,
    push: Arc<Push<'static, SESSIONS>>,
    heard: Heard,
}

impl App {
    fn serve(&self, stream: TcpStream, path: &mut String) -> Result<(), Error> {
        let mut client = Requests::new(stream, self.options.clone())?;
        while let Some(request) = client.read()? {
            request.target().path.clone_into(path);
            match (request.method(), request.target().path) {
                (_, "/events") => client.push(&self.push, &EVENTS, self.hear())?,
                (_, "/scripts") => client.push(&self.push, &SCRIPTS, self.hear())?,
                (_, "/mute") => client.push(&self.push, &MUTE, self.hear())?,
                (_, "/broken") => client.push(&self.push, &EVENTS, |_, _, _| panic!("as it is meant to"))?,
                (_, "/page") => client.content(&PAGE)?,
                (_, "/large") => client.respond(200, &[], &LARGE)?,
                ("POST", "/note") => {
                    let note = client.body(NOTE_MAX)?;
                    client.respond(200, &[("Content-Type", "text/plain")], &note)?;
                }
                ("POST", "/blind") => client.respond(200, &[], b"not read")?,
                (_, "/parts") => {
                    let mut body = client.stream(200, &[("Content-Type", "text/plain")])?;
                    for part in ["one ", "two ", "three"] {
                        Write::write_all(&mut body, part.as_bytes())?;
                    }
                    body.finish()?;
                }
                (_, "/cut") => {
                    let mut body = client.stream(200, &[])?;
                    Write::write_all(&mut body, b"one")?;
                }
                (_, "/silent") => {}
                (_, "/bad") => {
                    let result = client.respond(200, &[("a", "b\r\nc: d")], b"");
                    assert!(matches!(result, Err(Error::Usage(_))), "{result:?}");
                }
                (_, "/echo") => {
                    let answer = Answer::accept(OriginPolicy::SameOrigin);
                    let Some(mut ws) = client.accept(answer)? else { return Ok(()) };
                    while let Some(message) = ws.read()? {
                        let message = OwnedMessage::from(message);
                        ws.send_binary(message.as_message().as_bytes())?;
                    }
                    return Ok(());
                }
                _ => client.respond(404, &[], b"nothing here\n")?,
            }
        }
        Ok(())
    }

    /// Keeps what it hears, and says it back to the session; or ends that.
    fn hear(&self) -> impl FnMut(&mut Hub<'static, SESSIONS>, Option<SessionKey>, Message<'_>) {
        |hub, from, message| {
            self.heard.lock().unwrap().push((from, message.into()));
            match (from, message) {
                (Some(from), Message::Text("enough")) => hub.sessions_mut().close(from),
                (Some(from), Message::Text(text)) if text.starts_with("say") => {
                    hub.send(from, Message::Text(&format!("echo:{text}"))).unwrap();
                }
                _ => {}
            }
        }
    }
}

/// Deadlines of `millis`, and clients that are not waited for long.
pub(crate) fn hasty(millis: u32) -> HttpOptions<'static> {
    let mut options = options();
    let time = ws_core::Duration::from_millis(millis);
    options.requests.first_timeout = time;
    options.requests.head_timeout = time;
    options.requests.body_timeout = time;
    options.requests.idle_timeout = time;
    options.socket.config.timeouts.close = time;
    options.socket = Options { send_timeout: Duration::from_millis(millis.into()), ..options.socket };
    options
}

pub(crate) fn with_policy() -> HttpOptions<'static> {
    HttpOptions { policy: Some(PolicyFile::new("example.com", "80,8080").unwrap()), ..options() }
}
