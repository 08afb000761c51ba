//! The opening handshake over any transport: [`accept`] and [`connect`]. Over embassy-net, [`server`](crate::server) and
//! [`client`](crate::client) do more.

use crate::apart::apart;
use crate::clock::{now, until};
use crate::codec::{self, Halves};
use crate::compression::CodecFor;
use crate::transport::{ReadHalf, WriteHalf};
use crate::{Error, Options, Waited, WebSocket};
use core::future::poll_fn;
use core::pin::pin;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, with_deadline};
use ws_core::handshake::server::Refusal;
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::http::Response;
use ws_core::{Client, Entropy, Input, Output, Server, UsageError};

/// Does the opening handshake of a server, on any path and without a subprotocol. `store` keeps the request's head meanwhile;
/// how to size it: see [`HeadReader`](ws_core::http::head::HeadReader). `codec` says whether compression is agreed to.
///
/// To choose, by the path or out of the subprotocols that the client speaks, let a [`Handshake`](server::Handshake) read the
/// request, and make a [`WebSocket::new`] behind it.
///
/// Not cancel-safe: dropped, the handshake is lost; close the transport.
///
/// # Errors
///
/// [`Error::Refusal`] if the request was refused, which the client was told; [`Error::Lost`], [`Error::TimedOut`],
/// [`Error::Io`]. Close the transport.
pub async fn accept<'c, Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, C: CodecFor<'c>>(
    mut reader: Rd,
    mut writer: Wr,
    options: &Options,
    origin: OriginPolicy<'_>,
    store: &mut [u8],
    mut codec: C,
) -> Result<WebSocket<'c, Rd, Wr, Server>, Error<Rd::Error>> {
    let done = {
        let mut answer = pin!(answer(&mut reader, &mut writer, options, origin, store, codec.lend()));
        poll_fn(|cx| apart(answer.as_mut(), cx)).await
    };
    // Not inlined, and all of what is returned: else it would lie on this stack, below all that was awaited.
    #[inline(never)]
    fn opened<'c, Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, C: CodecFor<'c>, E>(
        done: Result<bool, E>,
        reader: Rd,
        writer: Wr,
        options: &Options,
        codec: C,
    ) -> Result<WebSocket<'c, Rd, Wr, Server>, E> {
        let halves = if done? { codec.into_halves() } else { Halves::PLAIN };
        Ok(WebSocket::server(reader, writer, options, halves))
    }
    opened(done, reader, writer, options, codec)
}

/// The handshake of [`accept`]. Returns whether messages are compressed.
async fn answer<Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, C: codec::Codec>(
    reader: &mut Rd,
    writer: &mut Wr,
    options: &Options,
    origin: OriginPolicy<'_>,
    store: &mut [u8],
    mut codec: C,
) -> Result<bool, Error<Rd::Error>> {
    let mut handshake = server::Handshake::new(store, &[], now()).with_timeout(options.handshake_timeout);
    let accepted = match read_request(reader, &mut handshake).await {
        Ok(()) => handshake.accept(origin),
        Err(Error::Refusal(refusal)) => Err(refusal),
        Err(error) => return Err(error),
    };
    let (mut reply, outcome) = match accepted {
        Ok(mut accept) => {
            let compressed = codec.agree(&mut accept);
            (Reply::Open(accept), Ok(compressed))
        }
        Err(refusal) => (Reply::Respond(refusal.response()), Err(Error::Refusal(refusal))),
    };
    write(writer, options.send_timeout, &mut |out| reply.transmit(out)).await?;
    outcome
}

/// What is said to a request.
pub(crate) enum Reply<'h> {
    Open(server::Accept<'h>),
    Respond(Response<'h>),
}

impl Reply<'_> {
    pub(crate) fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        match self {
            Self::Open(accept) => accept.transmit(out),
            Self::Respond(response) => response.transmit(out),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Open(_) => 101,
            Self::Respond(response) => response.status(),
        }
    }

    /// No other request may follow on the connection.
    pub(crate) fn closes(&self) -> bool {
        match self {
            Self::Open(_) => false,
            Self::Respond(response) => response.closes(),
        }
    }
}

/// Does the opening handshake of a client. `entropy` makes the key and the masks; `store` keeps the response's head meanwhile,
/// 512 bytes do. `codec` says whether compression is offered.
///
/// Not cancel-safe: dropped, the handshake is lost; close the transport.
///
/// # Errors
///
/// [`Error::Handshake`] if there is no WebSocket, [`Error::Usage`] if something in `request` may not go on the wire;
/// [`Error::Lost`], [`Error::TimedOut`], [`Error::Io`]. Close the transport.
pub async fn connect<
    'r,
    'c,
    Rd: ReadHalf,
    Wr: WriteHalf<Error = Rd::Error>,
    E: Entropy + 'c,
    C: CodecFor<'c>,
>(
    mut reader: Rd,
    mut writer: Wr,
    options: &Options,
    request: client::Request<'r>,
    mut entropy: E,
    store: &mut [u8],
    mut codec: C,
) -> Result<Connected<'r, 'c, Rd, Wr, E>, Error<Rd::Error>> {
    let done = {
        let mut ask =
            pin!(ask_for(&mut reader, &mut writer, options, &request, &mut entropy, store, codec.lend()));
        poll_fn(|cx| apart(ask.as_mut(), cx)).await
    };
    #[inline(never)] // as above
    fn opened<'r, 'c, Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, E: Entropy + 'c, C: CodecFor<'c>, F>(
        done: Result<Agreed<'r>, F>,
        reader: Rd,
        writer: Wr,
        entropy: E,
        options: &Options,
        codec: C,
    ) -> Result<Connected<'r, 'c, Rd, Wr, E>, F> {
        let Agreed { subprotocol, compressed } = done?;
        let halves = if compressed { codec.into_halves() } else { Halves::PLAIN };
        let Options { config, send_timeout, .. } = *options;
        Ok((WebSocket::client(reader, writer, entropy, config, send_timeout, halves), subprotocol))
    }
    opened(done, reader, writer, entropy, options, codec)
}

/// A client's WebSocket, and the subprotocol agreed on.
pub type Connected<'r, 'c, Rd, Wr, E> = (WebSocket<'c, Rd, Wr, Client<E>>, Option<&'r str>);

/// What a client and a server agree on.
#[derive(Clone, Copy)]
pub(crate) struct Agreed<'r> {
    pub(crate) subprotocol: Option<&'r str>,
    pub(crate) compressed: bool,
}

/// The handshake of [`connect`].
async fn ask_for<'r, Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, C: codec::Codec>(
    reader: &mut Rd,
    writer: &mut Wr,
    options: &Options,
    request: &client::Request<'r>,
    entropy: &mut impl Entropy,
    store: &mut [u8],
    mut codec: C,
) -> Result<Agreed<'r>, Error<Rd::Error>> {
    let mut place = None;
    let handshake = begin(&mut place, *request, entropy, store, options.handshake_timeout, &codec)?;
    let subprotocol = ask(reader, writer, options, handshake, request.subprotocols).await?;
    Ok(Agreed { subprotocol, compressed: codec.confirm(handshake) })
}

/// Puts a handshake with its deadline into `place`. Not inlined: what it is made of would lie on the stack of all that is
/// awaited later.
#[inline(never)]
pub(crate) fn begin<'p, 's>(
    place: &'p mut Option<client::Handshake<'s>>,
    request: client::Request<'s>,
    entropy: &mut impl Entropy,
    store: &'s mut [u8],
    timeout: ws_core::Duration,
    codec: &impl codec::Codec,
) -> Result<&'p mut client::Handshake<'s>, UsageError> {
    let handshake = client::Handshake::new(request, entropy, store, &[], now())?.with_timeout(timeout);
    Ok(place.insert(codec.offer(handshake)))
}

/// Writes a request, and reads the response's head. Returns which of the subprotocols offered was agreed on.
pub(crate) async fn ask<'r, Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>>(
    reader: &mut Rd,
    writer: &mut Wr,
    options: &Options,
    handshake: &mut client::Handshake<'_>,
    offered: &[&'r str],
) -> Result<Option<&'r str>, Error<Rd::Error>> {
    write(writer, options.send_timeout, &mut |out| handshake.transmit(out)).await?;
    let late = Error::Handshake(client::Error::TimedOut);
    let due = handshake.poll_timeout();
    read_head(reader, due, late, |input| handshake.receive(input).map_err(Error::Handshake)).await?;
    let agreed = handshake.protocol();
    Ok(offered.iter().copied().find(|name| Some(*name) == agreed))
}

/// Reads a request's head. [`Error::Refusal`]: the client has to be told.
pub(crate) async fn read_request<Rd: ReadHalf>(
    reader: &mut Rd,
    handshake: &mut server::Handshake<'_>,
) -> Result<(), Error<Rd::Error>> {
    let late = Error::Refusal(Refusal::TimedOut);
    let due = handshake.poll_timeout();
    read_head(reader, due, late, |input| handshake.receive(input).map_err(Error::Refusal)).await
}

/// Lets `receive` read until it has read all. It is too `late` when `due` has passed, by one deadline for the whole, however the
/// bytes drip; what has come by then counts.
async fn read_head<Rd: ReadHalf>(
    reader: &mut Rd,
    due: Option<ws_core::Instant>,
    late: Error<Rd::Error>,
    mut receive: impl FnMut(&mut Input<'_>) -> Result<bool, Error<Rd::Error>>,
) -> Result<(), Error<Rd::Error>> {
    loop {
        let read = reader.read_with(|bytes| {
            let mut input = Input::new(bytes);
            let result = receive(&mut input);
            (input.consumed(), result)
        });
        match select(read, until(due)).await {
            Either::First(Ok(Some(Ok(false)))) => {}
            Either::First(Ok(Some(result))) => return result.map(|_| ()),
            Either::First(Ok(None)) => return Err(Error::Lost),
            Either::First(Err(error)) => return Err(Error::Io(error)),
            Either::Second(()) => return Err(late),
        }
    }
}

/// Repeats `put` until it is done, and flushes. A peer that takes nothing for `timeout` is given up, and so is one that takes
/// less than a byte a millisecond on the whole, beyond `timeout`: it could hold a page for hours. Returns by when all is taken
/// at that rate.
pub(crate) async fn write<Wr: WriteHalf>(
    writer: &mut Wr,
    timeout: Duration,
    put: &mut dyn FnMut(&mut Output<'_>) -> bool,
) -> Result<Instant, Error<Wr::Error>> {
    let late = |_| Error::TimedOut(Waited::Send);
    let (mut taken_by, mut is_done) = (Instant::now(), false);
    let patience = |moment: Instant| moment.checked_add(timeout).unwrap_or(Instant::MAX);
    while !is_done {
        let write = writer.write_with(|room| {
            let mut out = Output::new(room);
            let is_done = put(&mut out);
            let filled = out.filled().len();
            (filled, (filled, is_done))
        });
        let filled;
        let by = patience(taken_by.min(Instant::now()));
        (filled, is_done) = with_deadline(by, write).await.map_err(late)?.map_err(Error::Io)?;
        if filled == 0 && !is_done {
            return Err(Error::Usage(UsageError::OutputTooSmall));
        }
        taken_by = taken_by.checked_add(Duration::from_millis(filled as u64)).unwrap_or(Instant::MAX);
    }
    with_deadline(patience(Instant::now()), writer.flush()).await.map_err(late)?.map_err(Error::Io)?;
    Ok(taken_by)
}
