//! embassy-net's TCP: [`split`] makes the two halves of a socket, which decode where TCP has received and encode where TCP
//! sends from; [`close`] ends a connection in good order.
//!
//! All calls to embassy-net's sockets stand in this file, so that a new release of it changes no other.

use crate::transport::{ROOM_MIN, ReadHalf, WriteHalf};
use core::future::poll_fn;
use core::mem::replace;
use core::pin::pin;
use core::task::{Context, Poll, ready};
use embassy_futures::poll_once;
use embassy_net::tcp::{ConnectError, Error as TcpError, State, TcpReader, TcpSocket, TcpWriter};
use embassy_net::{IpAddress, Stack};
use embassy_time::{Duration, Instant, Timer, with_deadline};

/// A WebSocket over embassy-net.
pub type WebSocket<'a, R> = crate::WebSocket<'a, Reader<'a>, Writer<'a>, R>;

/// What can go wrong over embassy-net.
pub type Error = crate::Error<TcpError>;

/// The halves of a connected socket.
///
/// How to size its buffers: both hold what is under way. The one to receive into bounds what the peer may have in flight,
/// 1 to 4 KiB; the one to send from, the same. Messages of any size pass through either.
pub fn split<'a>(socket: &'a mut TcpSocket<'_>) -> (Reader<'a>, Writer<'a>) {
    socket.set_nagle_enabled(false); // a small frame is not to wait for the peer's acknowledgement of the one before
    let (reader, writer) = socket.split();
    (Reader(reader), Writer { inner: writer, stage: Stage::EMPTY, untaken: 0 })
}

/// The reading half: frames are decoded in the socket's own buffer.
pub struct Reader<'a>(TcpReader<'a>);

impl ReadHalf for Reader<'_> {
    type Error = TcpError;

    async fn read_with<O>(&mut self, f: impl FnOnce(&mut [u8]) -> (usize, O)) -> Result<Option<O>, TcpError> {
        match self.0.read_with(f).await {
            Ok(result) => Ok(Some(result)),
            Err(error) => self.end(error).map(|()| None),
        }
    }
}

impl Reader<'_> {
    /// A FIN looks like a reset where it is read; a plain read tells them apart, and waits for nothing.
    #[inline(never)] // else it would lie on the stack of all that is decoded
    fn end(&mut self, error: TcpError) -> Result<(), TcpError> {
        match poll_once(self.0.read(&mut [0])) {
            Poll::Ready(Ok(0)) => Ok(()),
            _ => Err(error),
        }
    }
}

/// The writing half: frames are encoded in the socket's own buffer. That is a ring, and the room before its end may be too
/// small for a frame: then one is put together beside it.
pub struct Writer<'a> {
    inner: TcpWriter<'a>,
    stage: Stage,
    /// What would be on its way still if the peer had taken nothing since [`has_taken`](WriteHalf::has_taken) was asked.
    untaken: usize,
}

impl Writer<'_> {
    /// The peer has all that was written.
    pub(crate) fn is_drained(&self) -> bool {
        self.on_its_way() == 0
    }

    /// How much the peer does not have yet.
    fn on_its_way(&self) -> usize {
        self.inner.send_queue().saturating_add(self.stage.unsent().len())
    }

    fn unstage(&mut self) -> impl Future<Output = Result<(), TcpError>> {
        poll_fn(|cx| self.poll_unstage(cx))
    }

    #[inline(never)] // else it would lie on the stack of all that is encoded
    fn poll_unstage(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TcpError>> {
        while !self.stage.unsent().is_empty() {
            let n = ready!(pin!(self.inner.write(self.stage.unsent())).poll(cx))?;
            self.stage.advance(n);
        }
        Poll::Ready(Ok(()))
    }
}

impl WriteHalf for Writer<'_> {
    type Error = TcpError;

    async fn write_with<O>(&mut self, f: impl FnOnce(&mut [u8]) -> (usize, O)) -> Result<O, TcpError> {
        self.unstage().await?;
        let Self { inner, stage, untaken } = self;
        let f = |room: &mut [u8]| {
            let (filled, result) = f(room);
            *untaken = untaken.saturating_add(filled);
            (filled, result)
        };
        inner
            .write_with(|room| {
                if room.len() >= ROOM_MIN {
                    return f(room);
                }
                let (filled, result) = f(&mut stage.bytes);
                stage.set_filled(filled);
                let n = stage.unsent().len().min(room.len());
                for (to, from) in room.iter_mut().zip(stage.unsent()) {
                    *to = *from;
                }
                stage.advance(n);
                (n, result)
            })
            .await
    }

    /// TCP sends by itself what it has been given.
    fn flush(&mut self) -> impl Future<Output = Result<(), TcpError>> {
        self.unstage()
    }

    async fn drain(&mut self) -> Result<bool, TcpError> {
        self.unstage().await?;
        let queued = self.inner.send_queue();
        poll_fn(|cx| {
            let flushed = pin!(self.inner.flush()).poll(cx);
            match flushed {
                // An empty ring begins anew, with all of its room in one piece.
                Poll::Ready(done) => Poll::Ready(done.map(|()| true)),
                Poll::Pending if self.inner.send_queue() < queued => Poll::Ready(Ok(false)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn has_taken(&mut self) -> bool {
        let left = self.on_its_way();
        left < replace(&mut self.untaken, left) || left == 0
    }
}

/// What was put together beside the ring, and waits for room in it. Its places are bytes, as the future of each socket holds one.
struct Stage {
    bytes: [u8; ROOM_MIN],
    from: u8,
    to: u8,
}

impl Stage {
    const EMPTY: Self = Self { bytes: [0; ROOM_MIN], from: 0, to: 0 };

    fn set_filled(&mut self, n: usize) {
        (self.from, self.to) = (0, u8::try_from(n.min(ROOM_MIN)).unwrap_or(0));
    }

    fn unsent(&self) -> &[u8] {
        self.bytes.get(self.from.into()..self.to.into()).unwrap_or(&[])
    }

    /// The first `n` bytes of it are done with.
    fn advance(&mut self, n: usize) {
        let n = u8::try_from(n).unwrap_or(u8::MAX);
        self.from = self.from.saturating_add(n).min(self.to);
    }
}

/// How long nothing may come from a client of HTTP, not even what TCP answers by itself. A stream is told a little now and then,
/// which TCP would send again for half an hour.
const OUT_OF_REACH: Duration = Duration::from_secs(30);

/// How often TCP asks it whether it is there, where nothing else is said.
const PROBE: Duration = Duration::from_secs(10);

/// Waits for a client. One that has begun a connection is given up if it does not finish that within `timeout`, for which TCP
/// has no deadline of its own; from then on it may be silent, but not out of reach. `false`: the socket cannot listen.
pub(crate) async fn accept(socket: &mut TcpSocket<'_>, port: u16, timeout: Duration) -> bool {
    socket.set_timeout((timeout.as_ticks() != 0).then_some(timeout));
    socket.set_keep_alive(Some(PROBE)); // here, since behind the handshake the first would leave at once
    match socket.accept(port).await {
        Ok(()) => {
            socket.set_timeout(Some(OUT_OF_REACH));
            true
        }
        Err(_) => {
            socket.abort();
            false
        }
    }
}

/// Leaves it to who speaks over the connection whether the other end is there: a WebSocket has its heartbeat, which says more than
/// a reset does.
pub(crate) fn trust(socket: &mut TcpSocket<'_>) {
    socket.set_timeout(None);
    socket.set_keep_alive(None);
}

/// There is a link, and an address.
pub(crate) fn is_online(stack: Stack<'_>) -> bool {
    stack.is_link_up() && stack.is_config_up()
}

/// The first address that name servers give for `name`. Cancel-safe: dropped, the question is forgotten.
#[cfg(feature = "dns")]
pub(crate) async fn resolve(stack: Stack<'_>, name: &str) -> Option<IpAddress> {
    let addresses = stack.dns_query(name, embassy_net::dns::DnsQueryType::A).await.ok()?;
    addresses.first().copied()
}

/// Connects. Not cancel-safe: dropped, or behind an error, the socket has to be [`abort`]ed.
pub(crate) async fn connect(
    socket: &mut TcpSocket<'_>,
    address: IpAddress,
    port: u16,
) -> Result<(), ConnectError> {
    socket.connect((address, port)).await
}

/// How long the other end is given to end the connection first. Whoever does has to remember it for a while (RFC 9293 3.6.1,
/// TIME-WAIT), and others have more room for that.
const COURTESY: Duration = Duration::from_millis(100);

/// How long the last segment, an acknowledgement or a reset, is given to leave.
const LEAVE: Duration = Duration::from_millis(20);

/// Ends a connection: waits a moment for the peer's FIN, sends ours, forgets what still comes, and waits at most `limit` until
/// both directions are done. Then it is reset. Afterwards the socket can be used again at once.
///
/// Not cancel-safe in what the peer sees: dropped, the connection stays as it is, to be closed by another call.
pub async fn close(socket: &mut TcpSocket<'_>, limit: Duration) {
    let start = Instant::now();
    for limit in [limit.min(COURTESY), limit] {
        // Reads until the peer's FIN, or a reset; if neither comes, our FIN is the first. Then waits until that has arrived.
        let by = start.saturating_add(limit);
        let discard = async { while socket.read_with(|bytes| (bytes.len(), ())).await.is_ok() {} };
        let _ = with_deadline(by, discard).await;
        socket.close(); // once more does nothing
        let _ = with_deadline(by, socket.flush()).await;
    }
    if !matches!(socket.state(), State::Closed | State::TimeWait) {
        socket.abort();
    }
    Timer::after(LEAVE).await;
}

/// Resets a connection, at once; awaited, it lets the reset leave. Then the socket can be used again.
pub fn abort(socket: &mut TcpSocket<'_>) -> impl Future<Output = ()> + use<> {
    socket.abort();
    // With the link down it cannot leave; then the peer learns it from the answer to whatever it sends.
    Timer::after(LEAVE)
}
