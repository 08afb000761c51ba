//! The server on its pool of sockets, over the real network stack: what its clients see, and that each socket is free again
//! whatever they do. `http`: requests and their answers. `pool`: more clients than sockets, and orderly ends. `abrupt`:
//! clients that vanish. `slow`: clients that dawdle. `clock`: the same while the tick wraps. `compression`: the memory for it,
//! which WebSockets take in turn.
//! Not here: what goes over one WebSocket, which is in `tests/tcp`.

#[path = "../common/mod.rs"]
mod common;

mod abrupt;
mod clock;
mod compression;
mod http;
mod pool;
mod slow;

use std::cell::RefCell;
use std::rc::Rc;

use common::frames::{self, Frame};
use common::peer::Ended;
use common::{Host, Net, Peer};
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer};
use ws_embassy::compression::Codec;
use ws_embassy::server::{Answer, Memory, Page, Request, Server, Service, Settings};
use ws_embassy::{Plain, Server as Role, tcp};

/// Sockets of the server; two of them never become WebSockets.
const SOCKETS: usize = 6;
const WEBSOCKETS: usize = SOCKETS - 2;
const PORT: u16 = 80;

/// Several times what a socket may have in flight.
static PAGE: [u8; 20_000] = {
    let (mut page, mut at) = ([0; 20_000], 0);
    while at < page.len() {
        page[at] = b'a' + (at % 23) as u8;
        at += 1;
    }
    page
};

/// How each WebSocket ended, in order.
type Log = Rc<RefCell<Vec<Result<(), tcp::Error>>>>;

struct App {
    log: Log,
}

#[derive(Clone, Copy)]
enum Route {
    /// Sends back what it gets.
    Echo,
    /// Talks first and lists to nothing, until that fails.
    Flood,
    /// The same, but listens as well.
    Both,
    /// Leaves at once.
    Bye,
    /// Asks for what cannot be sent.
    Slip,
}

impl Service for App {
    type Route = Route;

    fn route(&self, request: &Request<'_>) -> Answer<'_, Route> {
        let websocket = |route| Answer::WebSocket { route, subprotocol: Some("chat.v1") };
        match request.target().path {
            "/" => Answer::Page(Page { fields: &[("Content-Type", "text/plain")], body: b"hello\n" }),
            "/page" => Answer::Page(Page { fields: &[("Content-Type", "text/plain")], body: &PAGE }),
            "/teapot" => Answer::Status(418, "short and stout\n"),
            "/echo" => websocket(Route::Echo),
            "/flood" => websocket(Route::Flood),
            "/both" => websocket(Route::Both),
            "/bye" => websocket(Route::Bye),
            "/slip" => websocket(Route::Slip),
            "/secret" => match request.field("authorization") {
                Some("Bearer sesame") => Answer::Page(Page { fields: &[], body: b"gold\n" }),
                _ => {
                    let fields = &[("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")];
                    Answer::Respond(401, Page { fields, body: b"who are you?\n" })
                }
            },
            _ => Answer::NOT_FOUND,
        }
    }

    async fn serve(
        &self,
        route: Route,
        ws: &mut tcp::WebSocket<'_, Role>,
        buf: &mut [u8],
    ) -> Result<(), tcp::Error> {
        let result = match route {
            Route::Echo => echo(ws, buf).await,
            Route::Flood => loop {
                if let Err(error) = ws.send_binary(&PAGE[..1000]).await {
                    break Err(error);
                }
            },
            Route::Both => {
                let (mut reader, mut writer) = ws.split();
                let listen = async {
                    while reader.read(buf).await?.is_some() {}
                    Ok(())
                };
                let talk = async {
                    loop {
                        writer.send_binary(&PAGE[..1000]).await?;
                    }
                };
                match select(listen, talk).await {
                    Either::First(result) | Either::Second(result) => result,
                }
            }
            Route::Bye => Ok(()),
            Route::Slip => ws.ping(&[0; 126]).await,
        };
        self.log.borrow_mut().push(result);
        result
    }
}

async fn echo(ws: &mut tcp::WebSocket<'_, Role>, buf: &mut [u8]) -> Result<(), tcp::Error> {
    while let Some(chunk) = ws.read(buf).await? {
        ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
        ws.flush().await?;
    }
    Ok(())
}

/// A server and a host for its clients.
struct Bench<C: 'static = Plain> {
    net: Net,
    clients: Host,
    host: Host,
    server: &'static Server<'static, C>,
    log: Log,
}

impl Bench {
    fn new(seed: u64) -> Self {
        Self::on(Net::new(seed), Settings::for_sockets(SOCKETS))
    }

    fn on(net: Net, settings: Settings<'static>) -> Self {
        Self::of(net, Server::new(settings))
    }
}

impl<C: Codec + 'static> Bench<C> {
    fn of(net: Net, server: Server<'static, C>) -> Self {
        net.set_limit(Duration::from_secs(2 * 3600));
        let (clients, host) = (net.host(), net.host());
        let (server, log) = (&*Box::leak(Box::new(server)), Log::default());
        for _ in 0..SOCKETS {
            let (stack, log) = (host.stack, log.clone());
            net.spawn(async move {
                let memory: &mut Memory<2920, 2920, 512> = Box::leak(Box::default());
                server.run(stack, memory, &App { log }).await
            });
        }
        Self { net, clients, host, server, log }
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

    /// A WebSocket; a client that is told to come back does.
    async fn websocket(&self, path: &str) -> Peer {
        loop {
            let mut peer = self.connect().await;
            match peer.request(path, "").await {
                Ok(head) if head.starts_with("HTTP/1.1 101 ") => return peer,
                Ok(head) => assert!(head.starts_with("HTTP/1.1 503 "), "{head}"),
                Err(_) => {} // it was accepted only to be refused
            }
            let _ = end(peer).await;
            Timer::after_millis(50).await;
        }
    }

    /// All that is answered to `request`, until the server ends the connection: at the latest when nothing else is asked.
    async fn ask(&self, request: impl AsRef<[u8]>) -> Result<String, Ended> {
        let mut peer = self.connect().await;
        peer.write_all(request).await?;
        let answer = peer.read_to_end().await?;
        end(peer).await?;
        Ok(String::from_utf8(answer).expect("text"))
    }

    async fn get(&self, path: &str) -> Result<String, Ended> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.2\r\nConnection: close\r\n\r\n")).await
    }

    /// Every socket listens, and can do whatever it could at the start.
    async fn assert_recovered(&self) {
        assert_eq!(self.server.open(), 0, "a WebSocket is still counted");
        let mut peers = Vec::new();
        for number in 0..SOCKETS {
            let peer = Peer::connect(&self.clients, &self.host, PORT).await;
            peers.push(peer.unwrap_or_else(|_| panic!("socket {number} of {SOCKETS} does not listen")));
        }
        assert!(
            Peer::connect(&self.clients, &self.host, PORT).await.is_err(),
            "one socket more than there are"
        );
        for peer in &mut peers[..WEBSOCKETS] {
            peer.open("/echo").await.expect("an answer");
            converse(peer).await.expect("an echo");
        }
        assert_eq!(self.server.open(), WEBSOCKETS);
        for peer in &mut peers[WEBSOCKETS..] {
            let head = peer.request("/echo", "").await.expect("an answer");
            assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
            peer.read_to_end().await.expect("an orderly end");
        }
        for mut peer in peers {
            let _ = peer.send(&Frame::close(1000, "").masked()).await;
            end(peer).await.expect("an orderly end");
        }
        Timer::after_millis(100).await;
        assert_eq!(self.server.open(), 0);
    }

    /// Resets, of either side.
    fn resets(&self) -> (usize, usize) {
        (self.net.sent(&self.clients).rst, self.net.sent(&self.host).rst)
    }
}

/// A message there and back.
async fn converse(peer: &mut Peer) -> Result<(), Ended> {
    peer.send(&Frame::text("still there?").masked()).await?;
    assert_eq!(peer.receive().await?, Frame::text("still there?"));
    Ok(())
}

/// The closing handshake of both protocols, begun by the client.
async fn leave(mut peer: Peer) {
    peer.send(&Frame::close(1000, "").masked()).await.expect("an open connection");
    assert_eq!(peer.receive().await, Ok(Frame::close(1000, "")));
    end(peer).await.expect("an orderly end");
}

/// Ends TCP in good order, the last acknowledgement included, which a socket that is dropped at once would not send.
async fn end(mut peer: Peer) -> Result<(), Ended> {
    peer.close().await?;
    Timer::after_millis(20).await;
    Ok(())
}

/// Waits for `future`, and says how long that took.
async fn timed<O>(future: impl Future<Output = O>) -> (O, Duration) {
    let start = Instant::now();
    let output = future.await;
    (output, start.elapsed())
}

/// The status and the body of a response, its length checked.
fn parts(response: &str) -> (u16, &str) {
    let (head, body) = response.split_once("\r\n\r\n").expect("a whole head");
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect("a status line");
    let length = frames::header(head, "Content-Length").expect("a length");
    assert_eq!(length.parse(), Ok(body.len()), "{head}");
    (status.parse().expect("a number"), body)
}
