//! The two halves of a WebSocket, for two tasks: [`Reader`] and [`Writer`]. A [`WebSocket`](crate::WebSocket) is both at
//! once, and does all it does through them.

use crate::apart::apart;
use crate::clock::{now, until};
use crate::codec::{Inflate, Receive};
use crate::link::{Link, State, with};
use crate::transport::{ReadHalf, WriteHalf};
use crate::{Error, Plain};
use core::cell::RefCell;
use core::future::{pending, poll_fn};
use core::pin::pin;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_futures::yield_now;
use ws_core::{
    CloseCode, Data, Event, Input, Kind, Message, MessageBuffer, PeerError, ReadyState, Role, UsageError,
};

/// A piece of a message, in the memory that it was read into.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Chunk<'b> {
    /// Text or binary; the same for all pieces of a message.
    pub kind: Kind,
    /// The bytes of this piece; may be empty, and text may be cut inside a character.
    pub payload: &'b mut [u8],
    /// No piece of the message came before.
    pub first: bool,
    /// No piece of the message follows.
    pub last: bool,
    /// Bytes of the same frame that are still to come.
    pub remaining: u64,
}

/// The half that reads. Keep it reading: that answers Pings, sends the heartbeat and judges the deadlines. While the other
/// half waits for room, data is still received.
pub struct Reader<'a, 'c, Rd, Wr, R: Role> {
    pub(crate) inbound: &'a mut Inbound<'c, Rd, R>,
    pub(crate) link: &'a Link<'c, Wr, R>,
}

/// What only that half has.
pub(crate) struct Inbound<'c, Rd, R: Role> {
    pub(crate) reader: Rd,
    /// Messages may be compressed.
    pub(crate) inflating: Option<&'c mut dyn Inflate<R>>,
}

/// What one look at the input brought.
pub(crate) enum Found {
    /// A piece of a message, which was taken.
    Data,
    /// All that has come is decoded.
    Nothing,
    /// A reply is in the way of the next frame.
    Blocked,
}

impl<Rd, Wr, R> Reader<'_, '_, Rd, Wr, R>
where
    Rd: ReadHalf,
    Wr: WriteHalf<Error = Rd::Error>,
    R: Role,
{
    /// Waits for the next piece of a message (RFC 6455 6.2), and lends it to `f` where it was received: no copy is made.
    /// `None`: both ends have closed; close the transport.
    ///
    /// Over TCP, `f` is called inside the network stack: do not use a socket or the stack in it.
    ///
    /// Cancel-safe: a future that is dropped has lost nothing, and `f` was not called.
    ///
    /// # Errors
    ///
    /// [`Error::Peer`], [`Error::Lost`], [`Error::TimedOut`], [`Error::Io`]. Each ends the connection: close the transport.
    /// Later calls fail too.
    pub fn receive<O>(
        &mut self,
        f: impl FnOnce(Data<'_>) -> O,
    ) -> impl Future<Output = Result<Option<O>, Error<Rd::Error>>> {
        receive(self.inbound, self.link, f)
    }

    /// Waits for the next piece of a message (RFC 6455 6.2), up to the size of `buf`, and copies it there. `None`: both ends
    /// have closed; close the transport.
    ///
    /// Cancel-safe: a future that is dropped has lost nothing.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive); [`UsageError::OutputTooSmall`] if `buf` is empty.
    pub fn read<'b>(
        &mut self,
        buf: &'b mut [u8],
    ) -> impl Future<Output = Result<Option<Chunk<'b>>, Error<Rd::Error>>> {
        read(self.inbound, self.link, buf)
    }

    /// Waits for a whole message (RFC 6455 6.2), which `buffer` then lends. `None`: both ends have closed; close the
    /// transport.
    ///
    /// A message that does not fit is answered with 1009, and ends the connection: see
    /// [`Options::with_message_limit`](crate::Options::with_message_limit).
    ///
    /// Cancel-safe, with the same `buffer`: what has come of a message stays there.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn read_message<'m>(
        &mut self,
        buffer: &'m mut MessageBuffer<'_>,
    ) -> impl Future<Output = Result<Option<Message<'m>>, Error<Rd::Error>>> {
        read_message(self.inbound, self.link, buffer)
    }
}

// What reads is written once, for `Reader` and for `WebSocket`; that these only hand out its futures makes each smaller by a
// state, and by a frame of the stack.

pub(crate) async fn receive<Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, R: Role, O>(
    inbound: &mut Inbound<'_, Rd, R>,
    link: &Link<'_, Wr, R>,
    f: impl FnOnce(Data<'_>) -> O,
) -> Result<Option<O>, Error<Rd::Error>> {
    let (mut f, mut output) = (Some(f), None);
    receive_up_to(inbound, link, usize::MAX, &mut |data| output = f.take().map(|f| f(data))).await?;
    Ok(output)
}

pub(crate) async fn read<'b, Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, R: Role>(
    inbound: &mut Inbound<'_, Rd, R>,
    link: &Link<'_, Wr, R>,
    buf: &'b mut [u8],
) -> Result<Option<Chunk<'b>>, Error<Rd::Error>> {
    if buf.is_empty() {
        return Err(UsageError::OutputTooSmall.into());
    }
    let (limit, mut chunk) = (buf.len(), None);
    let take = &mut |data: Data<'_>| {
        for (to, from) in buf.iter_mut().zip(data.payload.iter()) {
            *to = *from;
        }
        let Data { kind, payload, first, last, remaining, .. } = data;
        chunk = Some((kind, payload.len(), first, last, remaining));
    };
    receive_up_to(inbound, link, limit, take).await?;
    Ok(chunk.map(|(kind, len, first, last, remaining)| {
        let payload = buf.get_mut(..len).unwrap_or_default();
        Chunk { kind, payload, first, last, remaining }
    }))
}

pub(crate) async fn read_message<'m, Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, R: Role>(
    inbound: &mut Inbound<'_, Rd, R>,
    link: &Link<'_, Wr, R>,
    buffer: &'m mut MessageBuffer<'_>,
) -> Result<Option<Message<'m>>, Error<Rd::Error>> {
    loop {
        let mut stored = Ok(false);
        if !receive_up_to(inbound, link, usize::MAX, &mut |data| stored = buffer.store(data)).await? {
            return Ok(None);
        }
        match stored {
            Ok(true) => return Ok(buffer.message()),
            Ok(false) => {}
            Err(_) => refuse_long_message(link),
        }
    }
}

#[inline(never)] // nor are the others that are called between two awaits: there, little stack is to be in use
fn refuse_long_message<Wr: WriteHalf, R: Role>(link: &Link<'_, Wr, R>) {
    link.with(|state| {
        state.ws.set_time(now());
        state.ws.fail(CloseCode::MESSAGE_TOO_BIG);
        state.fault = Some(PeerError::MessageTooBig);
    });
}

/// Of the pieces, at most `limit` bytes at once. Not generic: there is one copy of it for all that reads. `false`: both
/// ends have closed, and `take` was not called.
pub(crate) async fn receive_up_to<Rd: ReadHalf, Wr: WriteHalf<Error = Rd::Error>, R: Role>(
    inbound: &mut Inbound<'_, Rd, R>,
    link: &Link<'_, Wr, R>,
    limit: usize,
    take: &mut Take<'_>,
) -> Result<bool, Error<Rd::Error>> {
    let mut is_blocked = false;
    loop {
        let Ahead { owes, reads, outcome, due } = look_ahead(link, &mut is_blocked);
        if !owes && let Some(outcome) = outcome {
            return outcome.map(|()| false);
        }
        let news = {
            let transmit = async { if owes { link.transmit().await } else { pending().await } };
            let mut read = pin!(async {
                if !reads {
                    return pending().await;
                }
                let inflated = inbound.inflating.as_ref().and_then(|codec| codec.wants_receive(&link.state));
                if inflated == Some(true) {
                    yield_now().await; // a few bytes may become a long message: others have their turn
                }
                let Inbound { reader, inflating } = &mut *inbound;
                let mut decode = |bytes: &mut [u8]| match inflating {
                    Some(inflating) => inflating.decode(&link.state, bytes, limit, take),
                    None => decode_by(&mut Plain, &link.state, bytes, limit, take),
                };
                if inflated.is_some() {
                    return Ok(Some(decode(&mut []).1));
                }
                reader.read_with(decode).await
            });
            let read = poll_fn(|cx| apart(read.as_mut(), cx)); // what is decoded lies on top of it
            let wake = select(until(due), link.changed.wait());
            select3(transmit, read, wake).await
        };
        if let Some(result) = judge(link, news, outcome, &mut is_blocked) {
            return result;
        }
    }
}

/// What is to be waited for next.
struct Ahead<E> {
    /// There is something to say, and somebody to hear it.
    owes: bool,
    reads: bool,
    /// How the connection has ended, if it has.
    outcome: Option<Result<(), Error<E>>>,
    due: Option<ws_core::Instant>,
}

#[inline(never)]
fn look_ahead<Wr: WriteHalf, R: Role>(link: &Link<'_, Wr, R>, is_blocked: &mut bool) -> Ahead<Wr::Error> {
    link.changed.reset();
    let outcome = outcome_of(link);
    // What is still to be said is said first, if there is somebody to hear it.
    let owes = link.owes() && !matches!(outcome, Some(Err(Error::TimedOut(_))));
    // A deadline is judged when there is nothing to read: what it waits for may be in the transport, in several pieces, or
    // behind what is blocked. But nobody talks for ever once closing.
    let due = link.with(|state| {
        *is_blocked &= state.ws.wants_transmit();
        state.ws.poll_timeout().filter(|_| !*is_blocked || state.ws.close_expected())
    });
    Ahead { owes, reads: !*is_blocked && outcome.is_none(), outcome, due: due.flatten() }
}

/// What has come of it: something that was sent, something that was read, or a moment.
type News<E> = Either3<Result<(), Error<E>>, Result<Option<Found>, E>, Either<(), ()>>;

/// `None`: there is more to wait for.
#[inline(never)]
fn judge<Wr: WriteHalf, R: Role>(
    link: &Link<'_, Wr, R>,
    news: News<Wr::Error>,
    outcome: Option<Result<(), Error<Wr::Error>>>,
    is_blocked: &mut bool,
) -> Option<Result<bool, Error<Wr::Error>>> {
    match news {
        // If it could not be said, that is not the news.
        Either3::First(sent) => outcome.and_then(Result::err).or(sent.err()).map(Err),
        Either3::Second(Ok(Some(Found::Data))) => Some(Ok(true)),
        Either3::Second(Ok(Some(Found::Blocked))) => {
            *is_blocked = true;
            None
        }
        Either3::Second(Err(error)) => {
            let is_lost = link.with(|state| {
                // Once closing, a reset is an end like another.
                let is_lost = state.ws.ready_state() == ReadyState::Open;
                state.ws.receive_eof();
                state.broken |= is_lost; // what is owed has nobody to hear it
                is_lost
            });
            (is_lost == Some(true)).then_some(Err(Error::Io(error)))
        }
        Either3::Second(Ok(None)) => {
            link.with(|state| state.ws.receive_eof());
            None
        }
        Either3::Second(Ok(Some(Found::Nothing))) => {
            link.with(handle_close_timeout);
            None
        }
        // That which is waited for may be behind what is blocked still.
        Either3::Third(_) if *is_blocked => {
            link.with(handle_close_timeout);
            None
        }
        Either3::Third(_) => {
            link.with(|state| state.ws.handle_timeout(now()));
            None
        }
    }
}

/// How the connection has ended, if it has.
fn outcome_of<Wr: WriteHalf, R: Role>(link: &Link<'_, Wr, R>) -> Option<Result<(), Error<Wr::Error>>> {
    let outcome = link.with(|state| {
        let ws = &state.ws;
        if let Some(fault) = state.fault {
            Some(Err(Error::Peer(fault)))
        } else if ws.close_received().is_some() && ws.close_sent().is_some() {
            Some(Ok(()))
        } else if let Some(which) = ws.timed_out() {
            Some(Err(which.into()))
        } else if ws.ready_state() == ReadyState::Closed {
            Some(Err(Error::Lost))
        } else {
            None
        }
    });
    outcome.flatten()
}

/// Judges by when the peer has to have closed.
fn handle_close_timeout<R: Role>(state: &mut State<'_, R>) {
    if state.ws.close_expected() {
        state.ws.handle_timeout(now());
    }
}

/// Takes a piece of a message.
pub(crate) type Take<'f> = dyn FnMut(Data<'_>) + 'f;

/// Decodes up to the next piece of a message, and gives that to `take`. Generic, so that a WebSocket without compression has none
/// of it on its stack.
#[inline(never)]
pub(crate) fn decode_by<R: Role>(
    receiver: &mut impl Receive<R>,
    state: &RefCell<State<'_, R>>,
    bytes: &mut [u8],
    limit: usize,
    take: &mut Take<'_>,
) -> (usize, Found) {
    let end = limit.min(bytes.len());
    let mut input = Input::new(bytes.get_mut(..end).unwrap_or_default());
    with(state, |state| state.ws.set_time(now()));
    while let Some(result) = with(state, |state| receiver.receive_up_to(&mut state.ws, &mut input, limit)) {
        match result {
            Ok(Some(Event::Data(data))) => {
                with(state, handle_close_timeout); // there may always be more of it
                take(data); // which may use the other half: the state is not lent any more
                return (input.consumed(), Found::Data);
            }
            Ok(Some(_)) => {} // a control frame: what it asks for is owed already
            Ok(None) if input.is_empty() => break,
            Ok(None) => return (input.consumed(), Found::Blocked),
            Err(error) => {
                with(state, |state| state.fault = Some(error));
                input.take_rest();
                break;
            }
        }
    }
    (input.consumed(), Found::Nothing)
}

/// The half that writes. Several may be made of one WebSocket, one behind the other: they take turns, a message each.
pub struct Writer<'a, 'c, Wr, R: Role> {
    pub(crate) link: &'a Link<'c, Wr, R>,
}

impl<Wr: WriteHalf, R: Role> Writer<'_, '_, Wr, R> {
    /// Sends a piece of a message (RFC 6455 6.1), the last one if `last` is set: moves `payload` past what was taken, and waits only while
    /// there is no room for the rest. What was taken leaves at the latest with the next [`flush`](Self::flush), or when the
    /// other half is next asked to read.
    ///
    /// Cancel-safe: a call that was dropped is made again, with what is left of `payload`. No frame is ever torn.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] as [`ws_core::Connection::send`]; [`Error::TimedOut`] if the peer takes nothing, and [`Error::Io`]:
    /// each of these two ends the connection, and later calls fail with [`Error::Lost`].
    pub fn send(
        &mut self,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
    ) -> impl Future<Output = Result<(), Error<Wr::Error>>> {
        self.link.send(kind, payload, last)
    }

    /// Sends a text message (RFC 6455 5.6), and flushes.
    ///
    /// Not cancel-safe: dropped, it has sent nobody knows how much of the message, and the cut may be inside a character. No
    /// frame is torn, but the message has to be finished with [`send`](Self::send), or the connection closed.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, text: &str) -> impl Future<Output = Result<(), Error<Wr::Error>>> {
        self.link.send_whole(Kind::Text, text.as_bytes())
    }

    /// Sends a binary message (RFC 6455 5.6), and flushes. Not cancel-safe, as [`send_text`](Self::send_text).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Error<Wr::Error>>> {
        self.link.send_whole(Kind::Binary, bytes)
    }

    /// Waits until all that was sent is on its way, and what is owed with it. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`], [`Error::Io`] and [`Error::Lost`] as [`send`](Self::send).
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error<Wr::Error>>> {
        self.link.transmit()
    }

    /// Sends a Ping of one's own (RFC 6455 5.5.2), with up to 125 bytes of payload; the heartbeat needs none. Cancel-safe: dropped, it has
    /// sent the whole Ping or nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn ping(&mut self, payload: &[u8]) -> impl Future<Output = Result<(), Error<Wr::Error>>> {
        self.link.ping(payload)
    }

    /// Begins the closing handshake (RFC 6455 7.1.2): sends a Close with `code` and a reason of up to 123 bytes. The other half reads on, until
    /// the peer has closed too. Cancel-safe: dropped, it has sent the whole Close or nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send): [`Error::Usage`] if the closing handshake has begun already.
    pub fn close(
        &mut self,
        code: CloseCode,
        reason: &str,
    ) -> impl Future<Output = Result<(), Error<Wr::Error>>> {
        self.link.close(code, reason)
    }
}
