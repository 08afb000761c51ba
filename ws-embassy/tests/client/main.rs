//! Tests of `ws_embassy::client` over the real network stack, in virtual time.
//!
//! | file | what |
//! | --- | --- |
//! | `opening.rs` | one WebSocket, opened or not, and why |
//! | `returning.rs` | sessions that end, and how long the client waits before the next |
//! | `links.rs` | the network lost in every state, and back |
//! | `compression.rs` | compression, offered on each connection anew |
//! | `sizes.rs` | of futures and of memory |
//!
//! The server here is made of plain frames, without the library.

#[path = "../common/mod.rs"]
mod common;

mod compression;
mod links;
mod opening;
mod returning;
mod sizes;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use common::frames::{self, CLOSE, Frame, PING, PONG};
use common::random::Random;
use common::run::{Spawner, Task};
use common::{Host, Net, Peer};
use embassy_time::{Duration, Instant};
use ws_embassy::client::{Client, Event, Memory, Session, Url};
use ws_embassy::compression::Codec;
use ws_embassy::{Entropy, Plain, tcp};

/// Where the servers of these tests listen.
const PORT: u16 = 1234;

/// The server's URL: it is the second host of every test.
const URL: &str = "ws://10.0.0.2:1234/chat";

fn client(url: &str) -> Client<'_> {
    Client::new(Url::parse(url).expect("a URL"))
}

/// Chance for keys, masks and waits.
struct Dice(Random);

impl Dice {
    const fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }
}

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.next() as u8);
    }
}

/// What a client told, and when; and how many echoes its sessions heard.
#[derive(Clone, Default)]
struct Diary(Rc<Entries>);

#[derive(Default)]
struct Entries {
    events: RefCell<Vec<(Instant, Event)>>,
    echoes: Cell<usize>,
    readers: RefCell<Vec<Waker>>,
}

impl Diary {
    fn events(&self) -> Vec<Event> {
        self.0.events.borrow().iter().map(|(_, event)| *event).collect()
    }

    /// The waits so far.
    fn waits(&self) -> Vec<Duration> {
        let wait = |event| if let Event::Waiting(time) = event { Some(time) } else { None };
        self.events().into_iter().filter_map(wait).collect()
    }

    fn count(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.0.events.borrow().iter().filter(|(_, event)| what(event)).count()
    }

    fn opened(&self) -> usize {
        self.count(|event| *event == Event::Opened)
    }

    fn write(&self, event: Event) {
        self.0.events.borrow_mut().push((Instant::now(), event));
        self.wake();
    }

    fn hear(&self) {
        self.0.echoes.set(self.0.echoes.get() + 1);
        self.wake();
    }

    fn echoes(&self) -> usize {
        self.0.echoes.get()
    }

    fn wake(&self) {
        self.0.readers.borrow_mut().drain(..).for_each(Waker::wake);
    }

    /// Waits until something written makes it true.
    async fn read<O>(&self, mut found: impl FnMut() -> Option<O>) -> O {
        poll_fn(|cx| {
            found().map_or_else(
                || {
                    self.0.readers.borrow_mut().push(cx.waker().clone());
                    Poll::Pending
                },
                Poll::Ready,
            )
        })
        .await
    }

    /// Waits until `what` was told `count` times, and says when.
    async fn until(&self, count: usize, what: impl Fn(&Event) -> bool) -> Instant {
        let nth = || {
            let events = self.0.events.borrow();
            events.iter().filter(|(_, event)| what(event)).nth(count - 1).map(|(at, _)| *at)
        };
        self.read(nth).await
    }

    /// Waits for one more echo.
    async fn until_heard(&self) {
        let before = self.echoes();
        self.read(|| (self.echoes() > before).then_some(())).await;
    }
}

/// Runs `client` on `host`, in a task.
fn start(
    net: &Net,
    host: &Host,
    client: Client<'static>,
    seed: u64,
    talk: impl AsyncFnMut(&mut Session<'_, Dice>) -> Result<(), tcp::Error> + 'static,
) -> (Diary, Task<()>) {
    let diary = Diary::default();
    let task = start_with(net, host, client, seed, &diary, Plain, talk);
    (diary, task)
}

/// The same with a diary that the sessions know.
fn start_with(
    net: &Net,
    host: &Host,
    client: Client<'static>,
    seed: u64,
    diary: &Diary,
    codec: impl Codec + 'static,
    mut talk: impl AsyncFnMut(&mut Session<'_, Dice>) -> Result<(), tcp::Error> + 'static,
) -> Task<()> {
    let (told, stack) = (diary.clone(), host.stack);
    // Leaked: as on a board, it is there for good.
    let client = client.on_event(Box::leak(Box::new(move |event| told.write(event))));
    net.spawn(async move {
        let mut memory = Memory::<1024, 1024, 512>::new();
        client.run(stack, &mut memory, &mut Dice::new(seed), codec, &mut talk).await
    })
}

/// A session that says hello, waits for the echo, and listens until the server closes.
async fn hello(session: &mut Session<'_, Dice>) -> Result<(), tcp::Error> {
    session.ws.send_text("hello").await?;
    while session.ws.read(session.buf).await?.is_some() {}
    Ok(())
}

/// Echoes on every connection to [`PORT`] of `host`, any number of them.
fn serve(net: &Net, host: &Host) {
    // Several listen: one of them may be busy with a connection that never comes about.
    for _ in 0..4 {
        net.spawner().spawn_background(accept(host.clone(), net.spawner()));
    }
}

async fn accept(host: Host, spawner: Spawner) {
    loop {
        let peer = Peer::accept(&host, PORT).await;
        spawner.spawn_background(echo(peer));
    }
}

/// One WebSocket, to its end.
async fn echo(mut peer: Peer) {
    if peer.answer().await.is_err() {
        return peer.abort().await;
    }
    while let Ok(frame) = peer.receive().await {
        let answer = match frame.opcode {
            PING => Frame::new(PONG, frame.payload),
            PONG => continue,
            _ => Frame { mask: None, ..frame },
        };
        let is_close = answer.opcode == CLOSE;
        if peer.send(&answer).await.is_err() {
            break;
        }
        if is_close {
            let _ = peer.close().await;
            return;
        }
    }
    peer.abort().await;
}

/// Two hosts: the client's, and the server's.
fn hosts(net: &Net) -> (Host, Host) {
    (net.host(), net.host())
}

/// The lines of a response that refuses.
fn refusal(status: &str, fields: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n{fields}\r\n")
}

/// Takes the next connection, reads the request and answers it so; returns the request.
async fn answer_with(host: &Host, response: impl FnOnce(&str) -> String) -> (Peer, String) {
    let mut peer = Peer::accept(host, PORT).await;
    let head = peer.read_head().await.expect("a request");
    peer.write_all(response(&head)).await.expect("an open connection");
    (peer, head)
}

/// What accepts a WebSocket.
fn accepting(fields: &str) -> impl FnOnce(&str) -> String {
    move |head| frames::response(head, fields)
}
