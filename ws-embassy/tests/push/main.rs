//! Events by every technique from the server of a device, over the real network stack, byte by byte. `techniques`: each from its request
//! to the end, and Flash. `resume`: connections that are cut, and nothing is lost. `sessions`: who listens for one, and its end.
//! `budget`: who may hold a socket, who gives way. `slow`: hundreds of clients that dawdle. `http`: what requests for events are refused
//! by, pipelining, old clients. `messages`: what is too long. `cancel`: tasks that are dropped.
//! Not here: pages and WebSockets of the application, which are in `tests/server`; formats, which are in `ws-core`.

#[path = "../common/mod.rs"]
mod common;

mod budget;
mod cancel;
mod client;
mod http;
mod messages;
mod resume;
mod sessions;
mod slow;
mod techniques;

use std::cell::RefCell;
use std::rc::Rc;

use common::frames::{self, Frame};
use common::peer::Ended;
use common::random::Random;
use common::run::Task;
use common::{Host, Net, Peer};
use embassy_time::{Duration, Instant, Timer};
use ws_embassy::server::{Answer, Memory, Page, Push, Request, Server, Service, Settings};
use ws_embassy::ws_core::transport::{
    Endpoint, EventRing, Hub, Outlet, PolicyFile, Seq, SessionKey, Sessions,
};
use ws_embassy::ws_core::{self, Entropy};
use ws_embassy::{Message, OriginPolicy, Server as Role, tcp};

const SOCKETS: usize = 6;
/// That streams and polls may hold, one more is for a WebSocket, and two are never held.
const STREAMS: usize = SOCKETS - 3;
const SESSIONS: usize = 4;
const PORT: u16 = 80;
/// How long a session lives behind its last connection, in seconds.
const LIFETIME: u64 = 30;
/// Bytes of a socket's memory for heads and messages. A quarter puts messages together.
const BUF: usize = 768;
const MESSAGE_MAX: usize = BUF / 4;

/// Names of sessions that follow from a seed.
struct Dice(Random);

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.next() as u8);
    }
}

type Events = Push<'static, SESSIONS, Dice>;
/// What came, and whether from a session.
type Got = Rc<RefCell<Vec<(bool, Vec<u8>)>>>;

struct App {
    push: &'static Events,
    got: Got,
}

/// Longer than what a socket has in flight.
static PAGE: [u8; 20_000] = [b'x'; 20_000];

impl Service for App {
    type Route = ();

    fn route(&self, request: &Request<'_>) -> Answer<'_, ()> {
        let page = |body| Answer::Page(Page { fields: &[("Content-Type", "text/plain")], body });
        match request.target().path {
            "/" => page(b"hello\n"),
            "/page" => page(&PAGE),
            "/events" => Answer::Push(self.push),
            "/echo" => Answer::WebSocket { route: (), subprotocol: None },
            _ => Answer::NOT_FOUND,
        }
    }

    async fn serve(
        &self,
        (): (),
        ws: &mut tcp::WebSocket<'_, Role>,
        buf: &mut [u8],
    ) -> Result<(), tcp::Error> {
        while let Some(chunk) = ws.read(buf).await? {
            ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
            ws.flush().await?;
        }
        Ok(())
    }

    /// Sends back what a session says.
    fn receive(&self, outlet: &mut dyn Outlet, from: Option<SessionKey>, message: Message<'_>) {
        self.got.borrow_mut().push((from.is_some(), message.as_bytes().to_vec()));
        if let Some(session) = from {
            outlet.send(session, message).expect("room for it");
        }
    }
}

/// A server of events, and a host for its clients.
struct Bench {
    net: Net,
    clients: Host,
    host: Host,
    server: &'static Server<'static>,
    push: &'static Events,
    got: Got,
    tasks: RefCell<Vec<Task<()>>>,
}

const fn endpoint() -> Endpoint<'static> {
    Endpoint { jsonp: true, message: 1024, poll: 2048, ..Endpoint::new(OriginPolicy::SameOrigin) }
}

fn settings() -> Settings<'static> {
    let policy = Some(PolicyFile::new("10.0.0.2", "80").expect("a domain and a port"));
    Settings { policy, ..Settings::for_sockets(SOCKETS) }
}

impl Bench {
    fn new(seed: u64) -> Self {
        Self::of(seed, settings(), endpoint())
    }

    fn of(seed: u64, settings: Settings<'static>, endpoint: Endpoint<'static>) -> Self {
        let bench = Self::without_sockets(seed, settings, endpoint);
        for _ in 0..SOCKETS {
            bench.add_socket();
        }
        bench
    }

    fn without_sockets(seed: u64, settings: Settings<'static>, endpoint: Endpoint<'static>) -> Self {
        let net = Net::new(seed);
        net.set_limit(Duration::from_secs(4 * 3600));
        let (clients, host) = (net.host(), net.host());
        let server = &*Box::leak(Box::new(Server::new(settings)));
        let shared = Box::leak(vec![0; 4096].into_boxed_slice());
        let own = Box::leak(vec![0; SESSIONS * 1024].into_boxed_slice());
        let hub = Hub::new(
            EventRing::new(shared, Seq::new(16)),
            Sessions::new(own, ws_core::Duration::from_secs(LIFETIME as u32)),
        );
        let push = &*Box::leak(Box::new(Push::new(endpoint, hub, Dice(Random::new(seed)))));
        Self { net, clients, host, server, push, got: Got::default(), tasks: RefCell::default() }
    }

    fn add_socket(&self) {
        let (stack, server, push, got) = (self.host.stack, self.server, self.push, self.got.clone());
        self.tasks.borrow_mut().push(self.net.spawn(async move {
            let memory: &mut Memory<2920, 2920, BUF> = Box::leak(Box::default());
            server.run(stack, memory, &App { push, got }).await
        }));
    }

    fn publish(&self, text: &str) {
        self.push.publish(Message::Text(text)).expect("room in the ring");
    }

    /// A connection. Where no socket listens just now, a client tries again, as browsers do.
    async fn connect(&self) -> Peer {
        loop {
            match Peer::connect(&self.clients, &self.host, PORT).await {
                Ok(peer) => return peer,
                Err(_) => Timer::after_millis(50).await,
            }
        }
    }

    /// A connection on which `request` was sent.
    async fn send(&self, request: impl AsRef<[u8]>) -> Peer {
        let mut peer = self.connect().await;
        peer.write_all(request).await.expect("a connection");
        peer
    }

    /// All that is answered to `request`, until the server ends the connection.
    async fn ask(&self, request: impl AsRef<[u8]>) -> Result<String, Ended> {
        let mut peer = self.connect().await;
        peer.write_all(request).await?;
        let answer = peer.read_to_end().await?;
        end(peer).await?;
        Ok(String::from_utf8(answer).expect("text"))
    }

    /// A page, as long as others do not keep it from being asked for.
    async fn assert_serves(&self) -> Duration {
        let start = Instant::now();
        loop {
            let answer = self.ask("GET / HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\r\n").await;
            match answer.as_deref() {
                Ok(answer) if answer.ends_with("\r\n\r\nhello\n") => return start.elapsed(),
                Ok("") | Err(_) => {} // it had to give way before it had asked
                Ok(answer) => panic!("{answer}"),
            }
        }
    }

    /// How many sessions there are, and to how many of them something is attached.
    fn sessions(&self) -> (usize, usize) {
        let count = |hub: &mut Hub<'_, SESSIONS>| {
            let all: Vec<_> = hub.sessions().keys().collect();
            let attached = |key: &&SessionKey| hub.sessions().get(**key).is_some_and(|s| s.left().is_none());
            (all.len(), all.iter().filter(attached).count())
        };
        self.push.with(count).expect("nobody else has it")
    }

    /// Every socket listens, none is attached to anything, and no WebSocket is counted.
    async fn assert_recovered(&self) {
        assert_eq!(self.server.open(), 0, "a WebSocket is still counted");
        assert_eq!(self.sessions().1, 0, "something is still attached");
        let mut peers = Vec::new();
        for number in 0..SOCKETS {
            let peer = Peer::connect(&self.clients, &self.host, PORT).await;
            peers.push(peer.unwrap_or_else(|_| panic!("socket {number} of {SOCKETS} does not listen")));
        }
        for (number, peer) in peers.iter_mut().enumerate() {
            peer.write_all("GET /events?as=xhr HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n")
                .await
                .expect("a connection");
            let head = peer.read_head().await.expect("an answer");
            let status = if number < STREAMS { "HTTP/1.1 200 " } else { "HTTP/1.1 503 " };
            assert!(head.starts_with(status), "{number}: {head}");
        }
        for mut peer in peers {
            peer.abort().await;
        }
        Timer::after_secs(1).await;
    }
}

/// Ends TCP in good order, the last acknowledgement included.
async fn end(mut peer: Peer) -> Result<(), Ended> {
    peer.close().await?;
    Timer::after_millis(20).await;
    Ok(())
}

fn status(head: &str) -> u16 {
    let code = head.split(' ').nth(1).expect("a status line");
    code.parse().expect("a number")
}
