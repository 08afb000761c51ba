//! The calls of ws-embassy, and sizes, in two tables that `run` reads out of the linked file: [`CALLS`] and [`SIZES`]. Each
//! future is that of the call alone, as it lies in a task that awaits it.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::hint::black_box;
use core::panic::PanicInfo;
use core::pin::Pin;
use core::sync::atomic::AtomicPtr;
use core::task::{Context, Poll};
use embassy_net::tcp::TcpSocket;
use embassy_net::{Stack, StackResources};
use embassy_time::Duration;
use ws_embassy::server::{self, Answer, Request, Service};
use ws_embassy::{
    Client, CloseCode, Data, Entropy, Kind, MessageBuffer, Options, OriginPolicy, Server, client, tcp,
};

/// Each call with messages as they are, or compressed.
#[cfg(not(feature = "compression"))]
mod codec {
    pub type Pooled = ws_embassy::Plain;
    pub type Codec = ws_embassy::Plain;
}
#[cfg(feature = "compression")]
mod codec {
    use ws_embassy::compression::Compression;
    use ws_embassy::ws_core::deflate::Small;

    pub type Pooled = Compression<'static, Small>;
    pub type Codec = &'static mut Pooled;
}
use codec::{Codec, Pooled};

/// A table starts with this word, so that it is found to be whole.
const MAGIC: usize = 0x5a17_ab1e;

/// A call: its name, the size of its future, and the function that polls it.
#[repr(C)]
pub struct Call {
    name: &'static str,
    size: usize,
    poll: AtomicPtr<()>,
}

/// Of a function that makes the future: which is all that has to be known of it.
const fn call<A, F: Future>(name: &'static str, _: fn(A) -> F) -> Call {
    let poll: fn(Pin<&mut F>, &mut Context<'_>) -> Poll<F::Output> = F::poll;
    Call { name, size: size_of::<F>(), poll: AtomicPtr::new(poll as *mut ()) }
}

/// A size: its name, and bytes.
#[repr(C)]
pub struct Size {
    name: &'static str,
    bytes: usize,
}

#[repr(C)]
pub struct Table<T, const N: usize> {
    magic: usize,
    len: usize,
    rows: [T; N],
}

const fn table<T, const N: usize>(rows: [T; N]) -> Table<T, N> {
    Table { magic: MAGIC, len: N, rows }
}

use ws_embassy::ws_core::Role;

type WebSocket<R> = &'static mut tcp::WebSocket<'static, R>;
type Socket = TcpSocket<'static>;
type Memory = server::Memory<1024, 1024, 512>;

#[expect(unsafe_code, reason = "a name to be found by")]
#[unsafe(no_mangle)]
pub static CALLS: Table<Call, 26> = table([
    call("receive", receive::<Server>),
    call("read", read::<Server>),
    call("read_message", read_message::<Server>),
    call("send", send::<Server>),
    call("send_text", send_text::<Server>),
    call("send_binary", send_binary::<Server>),
    call("flush", flush::<Server>),
    call("ping", ping::<Server>),
    call("close", close::<Server>),
    call("receive, client", receive::<Client<Random>>),
    call("read, client", read::<Client<Random>>),
    call("read_message, client", read_message::<Client<Random>>),
    call("send, client", send::<Client<Random>>),
    call("send_text, client", send_text::<Client<Random>>),
    call("send_binary, client", send_binary::<Client<Random>>),
    call("flush, client", flush::<Client<Random>>),
    call("ping, client", ping::<Client<Random>>),
    call("close, client", close::<Client<Random>>),
    call("accept", accept),
    call("connect", connect),
    call("client::open", open),
    call("client::run", run_client),
    call("server::run", run_server),
    call("tcp::close", close_tcp),
    call("server::run, around 4 KiB", run_large),
    call("an application of 4 KiB", large),
]);

const DEVICE: [usize; 3] = buffers(&device::Memory::new());

#[expect(unsafe_code, reason = "a name to be found by")]
#[unsafe(no_mangle)]
pub static SIZES: Table<Size, 13> = table([
    Size { name: "sockets", bytes: device::SOCKETS },
    Size { name: "sessions", bytes: device::SESSIONS },
    Size { name: "rx", bytes: DEVICE[0] },
    Size { name: "tx", bytes: DEVICE[1] },
    Size { name: "buf", bytes: DEVICE[2] },
    Size { name: "tcp socket", bytes: size_of::<StackResources<2>>() - size_of::<StackResources<1>>() },
    Size { name: "tcp handle", bytes: size_of::<Socket>() },
    Size { name: "WebSocket<Server>", bytes: size_of::<tcp::WebSocket<'static, Server>>() },
    Size { name: "WebSocket<Client>", bytes: size_of::<tcp::WebSocket<'static, Client<Random>>>() },
    Size { name: "server::Server", bytes: size_of::<server::Server<'static>>() },
    Size { name: "compressed", bytes: device::WEBSOCKETS },
    Size { name: "compression buffers", bytes: size_of::<device::CompressionBuffers>() },
    Size { name: "compression", bytes: size_of::<device::Compression>() },
]);

const fn buffers<const RX: usize, const TX: usize, const BUF: usize>(
    _: &server::Memory<RX, TX, BUF>,
) -> [usize; 3] {
    [RX, TX, BUF]
}

fn receive<R: Role>(ws: WebSocket<R>) -> impl Future {
    ws.receive(|data: Data<'_>| data.payload.len())
}

fn read<R: Role>((ws, buf): (WebSocket<R>, &'static mut [u8])) -> impl Future {
    ws.read(buf)
}

fn read_message<R: Role>((ws, buffer): (WebSocket<R>, &'static mut MessageBuffer<'static>)) -> impl Future {
    ws.read_message(buffer)
}

fn send<R: Role>((ws, payload): (WebSocket<R>, &'static mut &'static [u8])) -> impl Future {
    ws.send(Kind::Binary, payload, true)
}

fn send_text<R: Role>((ws, text): (WebSocket<R>, &'static str)) -> impl Future {
    ws.send_text(text)
}

fn send_binary<R: Role>((ws, bytes): (WebSocket<R>, &'static [u8])) -> impl Future {
    ws.send_binary(bytes)
}

fn flush<R: Role>(ws: WebSocket<R>) -> impl Future {
    ws.flush()
}

fn ping<R: Role>((ws, payload): (WebSocket<R>, &'static [u8])) -> impl Future {
    ws.ping(payload)
}

fn close<R: Role>((ws, reason): (WebSocket<R>, &'static str)) -> impl Future {
    ws.close(CloseCode::NORMAL, reason)
}

fn accept(
    (reader, writer, store, codec): (tcp::Reader<'static>, tcp::Writer<'static>, &'static mut [u8], Codec),
) -> impl Future {
    ws_embassy::accept(reader, writer, &Options::DEFAULT, OriginPolicy::SameOrigin, store, codec)
}

struct Connecting {
    reader: tcp::Reader<'static>,
    writer: tcp::Writer<'static>,
    request: ws_embassy::ws_core::handshake::client::Request<'static>,
    store: &'static mut [u8],
    codec: Codec,
}

fn connect(Connecting { reader, writer, request, store, codec }: Connecting) -> impl Future {
    ws_embassy::connect(reader, writer, &Options::DEFAULT, request, Random, store, codec)
}

type Caller = &'static client::Client<'static>;

fn open(
    (client, stack, socket, head, codec): (
        Caller,
        Stack<'static>,
        &'static mut Socket,
        &'static mut [u8],
        Codec,
    ),
) -> impl Future {
    client.open(stack, socket, Random, head, codec)
}

type ClientMemory = &'static mut client::Memory<1024, 1024, 512>;

/// With a session that does nothing: what is measured is what goes on around one.
fn run_client(
    (client, stack, memory, random, codec): (
        Caller,
        Stack<'static>,
        ClientMemory,
        &'static mut Random,
        Codec,
    ),
) -> impl Future {
    client.run(stack, memory, random, codec, async |_: &mut client::Session<'_, Random>| Ok(()))
}

/// With an application that does nothing.
fn run_server(
    (server, stack, memory): (&'static server::Server<'static, Pooled>, Stack<'static>, &'static mut Memory),
) -> impl Future {
    server.run(stack, memory, &Nothing)
}

fn close_tcp(socket: &'static mut Socket) -> impl Future {
    tcp::close(socket, Duration::from_secs(1))
}

/// With an application whose future is larger than any other part of that of the server.
fn run_large(
    (server, stack, memory): (&'static server::Server<'static, Pooled>, Stack<'static>, &'static mut Memory),
) -> impl Future {
    server.run(stack, memory, &Large)
}

fn large((ws, buf): (&'static mut tcp::WebSocket<'static, Server>, &'static mut [u8])) -> impl Future {
    Large.serve((), ws, buf)
}

struct Large;

impl Service for Large {
    type Route = ();

    fn route(&self, _: &Request<'_>) -> Answer<'_, ()> {
        Answer::WebSocket { route: (), subprotocol: None }
    }

    async fn serve(
        &self,
        (): (),
        ws: &mut tcp::WebSocket<'_, Server>,
        buf: &mut [u8],
    ) -> Result<(), tcp::Error> {
        let kept = black_box([0u8; 4096]);
        ws.flush().await?;
        black_box((kept, buf));
        Ok(())
    }
}

struct Nothing;

impl Service for Nothing {
    type Route = ();

    fn route(&self, _: &Request<'_>) -> Answer<'_, ()> {
        Answer::WebSocket { route: (), subprotocol: None }
    }

    async fn serve(
        &self,
        (): (),
        _: &mut tcp::WebSocket<'_, Server>,
        _: &mut [u8],
    ) -> Result<(), tcp::Error> {
        Ok(())
    }
}

/// Randomness that takes no memory.
struct Random;

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(4);
    }
}

/// Never called: the file is not run. It takes what a panic says, so that places in the source are linked as in an image
/// that logs them.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    black_box(info);
    loop {}
}
