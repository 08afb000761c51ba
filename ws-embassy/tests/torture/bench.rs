//! A server on a few sockets, a host for its clients, and another that sees to it that all is free again: [`Bench`]. A client follows a list of
//! [`Step`]s.

use std::cell::RefCell;

use embassy_time::{Duration, Timer};
use ws_core::connection::{Compression, CompressionBuffers};
use ws_core::deflate::{Effort, Small};
use ws_core::transport::{Endpoint, EventRing, Hub, Outlet, PolicyFile, Seq, SessionKey, Sessions, Sid};
use ws_embassy::server::{Answer, Memory, Page, Push, Request, Server, Service, Settings};
use ws_embassy::{Entropy, Message, OriginPolicy, Server as Role, tcp};

use crate::common::frames::{Frame, TEXT};
use crate::common::peer::Ended;
use crate::common::random::Random;
use crate::common::{Host, Net, Peer};

const SOCKETS: usize = 4;
/// Sockets that may be WebSockets; one less may be streams.
const HELD: usize = SOCKETS - 2;
const SESSIONS: usize = 2;
const PORT: u16 = 80;

/// More than a socket has in flight.
static PAGE: [u8; 5000] = [b'x'; 5000];

struct Dice(Random);

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.next() as u8);
    }
}

type Events = Push<'static, SESSIONS, Dice>;
type Codec = Compression<'static, Small>;

struct App {
    push: &'static Events,
}

#[derive(Clone, Copy)]
enum Route {
    Echo,
    /// Talks and does not listen, until that fails.
    Flood,
    /// Says one thing, and closes.
    Bye,
}

impl Service for App {
    type Route = Route;

    fn route(&self, request: &Request<'_>) -> Answer<'_, Route> {
        let page = |body| Answer::Page(Page { fields: &[("Content-Type", "text/plain")], body });
        let websocket = |route| Answer::WebSocket { route, subprotocol: None };
        match request.target().path {
            "/" => page(b"hello\n"),
            "/page" => page(&PAGE),
            "/events" => Answer::Push(self.push),
            "/echo" => websocket(Route::Echo),
            "/flood" => websocket(Route::Flood),
            "/bye" => websocket(Route::Bye),
            _ => Answer::NOT_FOUND,
        }
    }

    async fn serve(
        &self,
        route: Route,
        ws: &mut tcp::WebSocket<'_, Role>,
        buf: &mut [u8],
    ) -> Result<(), tcp::Error> {
        match route {
            Route::Echo => {
                while let Some(chunk) = ws.read(buf).await? {
                    ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
                    ws.flush().await?;
                }
                Ok(())
            }
            Route::Flood => loop {
                ws.send_binary(&PAGE[..1000]).await?;
            },
            Route::Bye => ws.send_text("bye").await,
        }
    }

    /// Sends back what a session says.
    fn receive(&self, outlet: &mut dyn Outlet, from: Option<SessionKey>, message: Message<'_>) {
        if let Some(session) = from {
            let _ = outlet.send(session, message);
        }
    }
}

/// What a client does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// `SID` and `NEXT` stand for what the server has said last of both.
    Say(&'static str),
    /// A frame: its first byte, and its payload.
    Frame(u8, &'static [u8]),
    /// Waits until this has come, behind what was waited for before.
    Await(&'static [u8]),
    /// Waits for so many more bytes.
    Skip(usize),
    /// The server tells all.
    Publish(&'static str),
    /// The session is over.
    EndSession,
    /// Waits for the end of what comes.
    Rest,
    /// Goes without a word.
    Leave,
}

pub(crate) struct Bench {
    pub(crate) net: Net,
    pub(crate) clients: Host,
    others: Host,
    pub(crate) host: Host,
    server: &'static Server<'static, Codec>,
    codecs: &'static [RefCell<Codec>],
    push: &'static Events,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let net = Net::new(1);
        net.set_limit(Duration::from_secs(3600));
        let (clients, others, host) = (net.host(), net.host(), net.host());
        let buffers = Box::leak(Box::new(CompressionBuffers::<512, 512, 128, 512, 1024>::new()));
        let codecs = &*Box::leak(Box::new([RefCell::new(buffers.compression(Effort::QUICK))]));
        let policy = Some(PolicyFile::new("10.0.0.3", "80").expect("a domain and a port"));
        let settings = Settings { policy, ..Settings::for_sockets(SOCKETS) };
        let server = &*Box::leak(Box::new(Server::new(settings).with_compression(codecs)));
        let (shared, own) = (Box::leak(Box::new([0; 1024])), Box::leak(Box::new([0; SESSIONS * 512])));
        let lifetime = ws_core::Duration::from_secs(30);
        let hub = Hub::new(EventRing::new(shared, Seq::new(16)), Sessions::new(own, lifetime));
        let endpoint = Endpoint { jsonp: true, message: 1024, ..Endpoint::new(OriginPolicy::SameOrigin) };
        let push = &*Box::leak(Box::new(Push::new(endpoint, hub, Dice(Random::new(1)))));
        for _ in 0..SOCKETS {
            let stack = host.stack;
            net.spawn(async move {
                let memory: &mut Memory<1460, 1460, 768> = Box::leak(Box::default());
                server.run(stack, memory, &App { push }).await
            });
        }
        Self { net, clients, others, host, server, codecs, push }
    }

    /// A client of the server. What came to it is put into `heard`.
    pub(crate) async fn play(&self, steps: &[Step], heard: &mut Vec<u8>) -> Result<(), Ended> {
        let Ok(mut peer) = Peer::connect(&self.clients, &self.host, PORT).await else {
            return Err(Ended::Reset);
        };
        let mut at = 0;
        for step in steps {
            match *step {
                Step::Say(text) => {
                    let text = ["SID", "NEXT"].iter().fold(text.to_owned(), |text, name| {
                        text.replace(name, &last(heard, &name.to_lowercase()).unwrap_or_default())
                    });
                    peer.write_all(text).await?;
                }
                Step::Frame(first, payload) => {
                    let mut frame = Frame::new(first & 0x0f, payload).masked();
                    (frame.fin, frame.rsv1) = (first & 0x80 != 0, first & 0x40 != 0);
                    peer.send(&frame).await?;
                }
                Step::Await(bytes) => {
                    at += loop {
                        let found = heard[at..].windows(bytes.len()).position(|window| window == bytes);
                        match found {
                            Some(found) => break found + bytes.len(),
                            None => heard.extend(peer.read().await?),
                        }
                    }
                }
                Step::Skip(count) => {
                    at += count;
                    while heard.len() < at {
                        heard.extend(peer.read().await?);
                    }
                }
                Step::Publish(text) => {
                    self.push.publish(Message::Text(text)).expect("room in the ring");
                }
                Step::EndSession => {
                    let sid = last(heard, "sid").and_then(|sid| Sid::parse(&sid));
                    self.push.with(|hub| {
                        let key = sid.and_then(|sid| hub.sessions().find(&sid));
                        key.map(|key| hub.sessions_mut().close(key))
                    });
                }
                Step::Rest => heard.extend(peer.read_to_end().await?),
                Step::Leave => {
                    peer.abort().await;
                    return Ok(());
                }
            }
        }
        peer.close().await?;
        Timer::after_millis(20).await; // the last acknowledgement leaves
        Ok(())
    }

    /// Every socket listens, and nothing is held: seen from another host.
    pub(crate) async fn assert_recovered(&self) {
        assert_eq!(self.server.open(), 0, "a WebSocket is still counted");
        assert!(self.codecs.iter().all(|codec| codec.try_borrow_mut().is_ok()), "compression is still taken");
        let is_attached = |hub: &mut Hub<'_, SESSIONS>| {
            let all: Vec<_> = hub.sessions().keys().collect();
            all.iter().any(|key| hub.sessions().get(*key).is_some_and(|session| session.left().is_none()))
        };
        assert_eq!(self.push.with(is_attached), Some(false), "a session is still attached");
        let mut peers = Vec::new();
        for number in 0..SOCKETS {
            let peer = Peer::connect(&self.others, &self.host, PORT).await;
            peers.push(peer.unwrap_or_else(|_| panic!("socket {number} of {SOCKETS} does not listen")));
        }
        assert!(Peer::connect(&self.others, &self.host, PORT).await.is_err(), "one more than there are");
        for (number, peer) in peers.iter_mut().enumerate() {
            let head = peer.request("/echo", "").await.expect("an answer");
            let status = if number < HELD { "HTTP/1.1 101 " } else { "HTTP/1.1 503 " };
            assert!(head.starts_with(status), "{number}: {head}");
        }
        for peer in &mut peers[..HELD] {
            peer.send(&Frame::new(TEXT, "still there?").masked()).await.expect("open");
            assert_eq!(peer.receive().await, Ok(Frame::text("still there?")));
        }
        for mut peer in peers {
            peer.abort().await;
        }
    }
}

/// The text of the last member of that name, if all of it was said.
fn last(said: &[u8], name: &str) -> Option<String> {
    let (said, begin) = (String::from_utf8_lossy(said), format!("\"{name}\":\""));
    let (at, _) = said.rmatch_indices(&begin).find(|(at, _)| said[at + begin.len()..].contains('"'))?;
    said[at + begin.len()..].split('"').next().map(str::to_owned)
}
