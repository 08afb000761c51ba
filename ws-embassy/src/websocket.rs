//! An open WebSocket: [`WebSocket`].

use crate::apart::apart;
use crate::clock::now;
use crate::codec::Halves;
use crate::compression::CodecFor;
use crate::link::Link;
use crate::split::{self, Chunk, Inbound, Reader, Writer};
use crate::transport::{ReadHalf, WriteHalf};
use crate::{Error, Options};
use core::future::poll_fn;
use core::pin::pin;
use ws_core::frame::CONTROL_MAX;
use ws_core::{
    Client, CloseCode, Config, Connection, Data, Duration, Entropy, Kind, Message, MessageBuffer, ReadyState,
    Role, Server, UsageError,
};

/// An open WebSocket over the two halves of a transport: those of [`tcp`](crate::tcp), or of [`io`](crate::io). Opened by
/// [`accept`](crate::accept), [`connect`](crate::connect), a [`server`](crate::server) or a [`client`](crate::client).
///
/// Keep it reading: [`read`](Self::read) answers Pings, sends the heartbeat, and judges the deadlines. Dropping it leaves the
/// transport as it is; [`into_halves`](Self::into_halves) gives it back.
///
/// # Memory
///
/// The state of the protocol, 224 bytes for a server; about 60 bytes more; and the halves.
pub struct WebSocket<'c, Rd, Wr, R: Role> {
    inbound: Inbound<'c, Rd, R>,
    link: Link<'c, Wr, R>,
}

impl<'c, Rd, Wr, R> WebSocket<'c, Rd, Wr, R>
where
    Rd: ReadHalf,
    Wr: WriteHalf<Error = Rd::Error>,
    R: Role,
{
    /// A WebSocket behind an opening handshake that was made elsewhere, over halves from which nothing beyond the handshake
    /// was taken. `codec`: [`Plain`](crate::compression::Plain), or a [`Compression`](crate::compression::Compression) that the
    /// handshake agreed on, and that has [begun](crate::compression::Compression::begin).
    pub fn new(
        reader: Rd,
        writer: Wr,
        connection: Connection<R>,
        options: &Options,
        codec: impl CodecFor<'c>,
    ) -> Self {
        Self::over(reader, writer, connection, options.send_timeout, codec.into_halves())
    }

    fn over(
        reader: Rd,
        writer: Wr,
        connection: Connection<R>,
        send_timeout: embassy_time::Duration,
        Halves { inflating, deflating }: Halves<'c, R>,
    ) -> Self {
        Self {
            inbound: Inbound { reader, inflating },
            link: Link::new(connection, writer, send_timeout, deflating),
        }
    }

    /// Its two halves, for two tasks. While one waits the other can work, and Pings are answered whichever of them works.
    pub fn split(&mut self) -> (Reader<'_, 'c, Rd, Wr, R>, Writer<'_, 'c, Wr, R>) {
        (Reader { inbound: &mut self.inbound, link: &self.link }, Writer { link: &self.link })
    }

    /// The halves of the transport, for whoever closes it. What was sent and not flushed may be lost.
    pub fn into_halves(self) -> (Rd, Wr) {
        (self.inbound.reader, self.link.into_writer())
    }

    /// See [`Reader::receive`]. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn receive<O>(
        &mut self,
        f: impl FnOnce(Data<'_>) -> O,
    ) -> impl Future<Output = Result<Option<O>, Error<Rd::Error>>> {
        split::receive(&mut self.inbound, &self.link, f)
    }

    /// See [`Reader::read`]. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read<'b>(
        &mut self,
        buf: &'b mut [u8],
    ) -> impl Future<Output = Result<Option<Chunk<'b>>, Error<Rd::Error>>> {
        split::read(&mut self.inbound, &self.link, buf)
    }

    /// See [`Reader::read_message`]. Cancel-safe, with the same buffer.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_message<'m>(
        &mut self,
        buffer: &'m mut MessageBuffer<'_>,
    ) -> impl Future<Output = Result<Option<Message<'m>>, Error<Rd::Error>>> {
        split::read_message(&mut self.inbound, &self.link, buffer)
    }

    /// See [`Writer::send`]. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send(
        &mut self,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
    ) -> impl Future<Output = Result<(), Error<Rd::Error>>> {
        self.link.send(kind, payload, last)
    }

    /// See [`Writer::send_text`]. Not cancel-safe.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_text(&mut self, text: &str) -> impl Future<Output = Result<(), Error<Rd::Error>>> {
        self.link.send_whole(Kind::Text, text.as_bytes())
    }

    /// See [`Writer::send_binary`]. Not cancel-safe.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_binary(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Error<Rd::Error>>> {
        self.link.send_whole(Kind::Binary, bytes)
    }

    /// See [`Writer::flush`]. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error<Rd::Error>>> {
        self.link.transmit()
    }

    /// See [`Writer::ping`]. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ping(&mut self, payload: &[u8]) -> impl Future<Output = Result<(), Error<Rd::Error>>> {
        self.link.ping(payload)
    }

    /// Closes, forgets what still comes, and waits until the peer has closed too. Then close the transport.
    ///
    /// Cancel-safe: a call that was dropped is made again.
    ///
    /// # Errors
    ///
    /// As [`Reader::receive`]: [`Error::TimedOut`] if the peer does not close, and so on.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<Rd::Error>> {
        let closed = {
            // Apart: what it needs is not needed any more while the peer's Close is waited for.
            let mut close = pin!(self.link.close(code, reason));
            poll_fn(|cx| apart(close.as_mut(), cx)).await
        };
        match closed {
            Ok(()) | Err(Error::Usage(UsageError::Closing)) => {}
            Err(error) => return Err(error),
        }
        while split::receive_up_to(&mut self.inbound, &self.link, usize::MAX, &mut |_| ()).await? {}
        Ok(())
    }

    /// How far the connection is, in the words of the WHATWG standard.
    pub fn ready_state(&self) -> ReadyState {
        self.link.with(|state| state.ws.ready_state()).unwrap_or(ReadyState::Closed)
    }

    /// Both Close frames have gone over: nothing was lost.
    pub fn was_clean(&self) -> bool {
        self.link.with(|state| state.ws.was_clean()).unwrap_or(false)
    }

    /// The code of the peer's Close: `None` before it came, `Some(None)` if it had none.
    pub fn close_received(&self) -> Option<Option<CloseCode>> {
        self.link.with(|state| state.ws.close_received()).flatten()
    }

    /// Lends `f` the reason in the peer's Close (RFC 6455 5.5.1), up to 123 bytes of it; empty before it came.
    pub fn close_reason<O>(&self, f: impl FnOnce(&str) -> O) -> O {
        let mut bytes = [0; CONTROL_MAX];
        let len = self.link.with(|state| {
            let reason = state.ws.close_reason().as_bytes();
            for (to, from) in bytes.iter_mut().zip(reason) {
                *to = *from;
            }
            reason.len()
        });
        // A copy, as `f` may ask the WebSocket for more.
        let reason = bytes.get(..len.unwrap_or(0)).unwrap_or_default();
        f(core::str::from_utf8(reason).unwrap_or_default())
    }

    /// Both ends agreed to compress messages (RFC 7692).
    pub const fn is_compressed(&self) -> bool {
        self.inbound.inflating.is_some()
    }

    /// How long the latest heartbeat took to come back; `None` before the first one did.
    pub fn round_trip(&self) -> Option<Duration> {
        self.link.with(|state| state.ws.round_trip()).flatten()
    }
}

impl<'c, Rd, Wr> WebSocket<'c, Rd, Wr, Server>
where
    Rd: ReadHalf,
    Wr: WriteHalf<Error = Rd::Error>,
{
    /// Behind the opening handshake of a server. Not inlined: what it is made of would lie on the stack of all that is awaited
    /// later.
    #[inline(never)]
    pub(crate) fn server(reader: Rd, writer: Wr, options: &Options, halves: Halves<'c, Server>) -> Self {
        let connection = Connection::server(options.config, now());
        Self::over(reader, writer, connection, options.send_timeout, halves)
    }
}

impl<'c, Rd, Wr, E> WebSocket<'c, Rd, Wr, Client<E>>
where
    Rd: ReadHalf,
    Wr: WriteHalf<Error = Rd::Error>,
    E: Entropy,
{
    /// Behind the opening handshake of a client.
    pub(crate) fn client(
        reader: Rd,
        writer: Wr,
        entropy: E,
        config: Config,
        send_timeout: embassy_time::Duration,
        halves: Halves<'c, Client<E>>,
    ) -> Self {
        let connection = Connection::client(config, entropy, now());
        Self::over(reader, writer, connection, send_timeout, halves)
    }
}
