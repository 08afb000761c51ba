//! The opening handshake over any transport: [`accept`] and [`connect`]. Over embassy-net, [`server`](crate::server) and
//! [`client`](crate::client) do more.

use crate::clock::{now, until};
use crate::transport::{ReadHalf, WriteHalf};
use crate::{Error, Options, Waited, WebSocket};
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, with_deadline};
use ws_core::handshake::server::Refusal;
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::{Client, Connection, Entropy, Input, Output, Server};

/// Does the opening handshake of a server, on any path and without a subprotocol. `store` keeps the request's head meanwhile;
/// how to size it: see [`HeadReader`](ws_core::http::head::HeadReader).
///
/// Not cancel-safe: dropped, the handshake is lost; close the transport.
///
/// # Errors
///
/// [`Error::Refusal`] if the request was refused, which the client was told; [`Error::Lost`], [`Error::TimedOut`],
/// [`Error::Io`]. Close the transport.
pub async fn accept<Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>>(
    mut reader: Rd,
    mut writer: Wr,
    options: &Options,
    origin: OriginPolicy<'_>,
    store: &mut [u8],
) -> Result<WebSocket<Rd, Wr, Server>, Error<Rd::Error>> {
    let mut handshake = server::Handshake::new(store, &[], now()).with_timeout(options.handshake_timeout);
    let refusal = match read_request(&mut reader, &mut handshake).await {
        Ok(()) => match handshake.accept(origin) {
            Ok(mut accept) => {
                write(&mut writer, options.send_timeout, |out| accept.transmit(out)).await?;
                let connection = Connection::server(options.config, now());
                return Ok(WebSocket::new(reader, writer, connection, options));
            }
            Err(refusal) => refusal,
        },
        Err(Error::Refusal(refusal)) => refusal,
        Err(error) => return Err(error),
    };
    let mut response = refusal.response();
    write(&mut writer, options.send_timeout, |out| response.transmit(out)).await?;
    Err(Error::Refusal(refusal))
}

/// Does the opening handshake of a client. `entropy` makes the key and the masks; `store` keeps the response's head meanwhile,
/// 512 bytes do.
///
/// Not cancel-safe: dropped, the handshake is lost; close the transport.
///
/// # Errors
///
/// [`Error::Handshake`] if there is no WebSocket, [`Error::Usage`] if something in `request` may not go on the wire;
/// [`Error::Lost`], [`Error::TimedOut`], [`Error::Io`]. Close the transport.
pub async fn connect<Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, E: Entropy>(
    mut reader: Rd,
    mut writer: Wr,
    options: &Options,
    request: client::Request<'_>,
    mut entropy: E,
    store: &mut [u8],
) -> Result<WebSocket<Rd, Wr, Client<E>>, Error<Rd::Error>> {
    let mut handshake = client::Handshake::new(request, &mut entropy, store, &[], now())?
        .with_timeout(options.handshake_timeout);
    ask(&mut reader, &mut writer, options, &mut handshake).await?;
    let connection = Connection::client(options.config, entropy, now());
    Ok(WebSocket::new(reader, writer, connection, options))
}

/// Writes a request, and reads the response's head.
pub(crate) async fn ask<Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>>(
    reader: &mut Rd,
    writer: &mut Wr,
    options: &Options,
    handshake: &mut client::Handshake<'_>,
) -> Result<(), Error<Rd::Error>> {
    write(writer, options.send_timeout, |out| handshake.transmit(out)).await?;
    let due = handshake.poll_timeout(); // once it has passed, the handshake forgets it
    loop {
        let read = reader.read_with(|bytes| {
            let mut input = Input::new(bytes);
            let result = handshake.receive(&mut input);
            (input.consumed(), result)
        });
        match select(read, until(due)).await {
            Either::First(Ok(Some(Ok(true)))) => return Ok(()),
            Either::First(Ok(Some(Ok(false)))) => handshake.handle_timeout(now()),
            Either::First(Ok(Some(Err(error)))) => return Err(Error::Handshake(error)),
            Either::First(Ok(None)) => return Err(Error::Lost),
            Either::First(Err(error)) => return Err(Error::Io(error)),
            Either::Second(()) => return Err(Error::Handshake(client::Error::TimedOut)),
        }
    }
}

/// Reads a request's head. [`Error::Refusal`]: the client has to be told.
pub(crate) async fn read_request<Rd: ReadHalf>(
    reader: &mut Rd,
    handshake: &mut server::Handshake<'_>,
) -> Result<(), Error<Rd::Error>> {
    let due = handshake.poll_timeout(); // once it has passed, the handshake forgets it
    loop {
        let read = reader.read_with(|bytes| {
            let mut input = Input::new(bytes);
            let result = handshake.receive(&mut input);
            (input.consumed(), result)
        });
        match select(read, until(due)).await {
            Either::First(Ok(Some(Ok(true)))) => return Ok(()),
            // One deadline for the whole, however the bytes drip.
            Either::First(Ok(Some(Ok(false)))) => handshake.handle_timeout(now()),
            Either::First(Ok(Some(Err(refusal)))) => return Err(Error::Refusal(refusal)),
            Either::First(Ok(None)) => return Err(Error::Lost),
            Either::First(Err(error)) => return Err(Error::Io(error)),
            Either::Second(()) => return Err(Error::Refusal(Refusal::TimedOut)),
        }
    }
}

/// Repeats `put` until it is done, and flushes. A peer that takes nothing for `timeout` is given up, and so is one that takes
/// less than a byte a millisecond on the whole, beyond `timeout`: it could hold a page for hours. Returns by when all is taken
/// at that rate.
pub(crate) async fn write<Wr: WriteHalf>(
    writer: &mut Wr,
    timeout: Duration,
    mut put: impl FnMut(&mut Output<'_>) -> bool,
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
        taken_by = taken_by.checked_add(Duration::from_millis(filled as u64)).unwrap_or(Instant::MAX);
    }
    with_deadline(patience(Instant::now()), writer.flush()).await.map_err(late)?.map_err(Error::Io)?;
    Ok(taken_by)
}
