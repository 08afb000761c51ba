//! A client on a socket, from its first request to the end: requests that are answered one after the other, and WebSockets behind them.
//! What the answers are is decided in [`choice`](super::choice).

use super::choice::Step;
use super::push::Following;
use super::requests::Head;
use super::visits::{self, Visited};
use super::{Server, Service};
use crate::apart::apart;
use crate::clock::now;
use crate::codec::Halves;
use crate::compression::Codec;
use crate::log::info;
use crate::open::{Reply, write};
use crate::transport::WriteHalf;
use crate::{CloseCode, Error, ReadyState, WebSocket, tcp};
use core::cell::RefMut;
use core::future::poll_fn;
use core::pin::pin;
use embassy_futures::select::{Either, select};
use embassy_net::tcp::TcpSocket;
use embassy_time::{Instant, with_deadline};
use ws_core::Output;
use ws_core::http::{Exchange, Response};
use ws_core::transport::Use;

/// What a client has got.
pub(super) enum Told<T> {
    /// A WebSocket.
    Open(T),
    /// All that it asked for.
    All,
    /// Nothing more, as others could not come in.
    GivenUp,
}

impl<C: Codec> Server<'_, C> {
    /// All that a client asks for but a WebSocket of the application's. Apart from what comes behind that, so that none of it takes room
    /// beside the application's future. If a WebSocket is open, `codec` is what was agreed on for it.
    pub(super) async fn tell<'s, S: Service>(
        &'s self,
        place: usize,
        socket: &mut TcpSocket<'_>,
        buf: &mut [u8],
        service: &'s S,
        codec: &mut Option<RefMut<'s, C>>,
    ) -> Result<Told<S::Route>, tcp::Error> {
        let mut following = None;
        let told = {
            let mut answer = pin!(self.answer(place, socket, buf, service, codec, &mut following));
            poll_fn(|cx| apart(answer.as_mut(), cx)).await
        };
        let Some(following) = &mut following else { return told };
        tcp::trust(socket);
        let (reader, writer) = tcp::split(socket);
        let mut ws = WebSocket::server(reader, writer, &self.settings.options, Halves::PLAIN);
        let mut follow = pin!(following.run(&mut ws, buf, service));
        poll_fn(|cx| apart(follow.as_mut(), cx)).await?;
        Ok(Told::All)
    }

    /// A WebSocket of the application's, to its end.
    pub(super) async fn talk<S: Service>(
        &self,
        route: S::Route,
        socket: &mut TcpSocket<'_>,
        buf: &mut [u8],
        service: &S,
        codec: Option<&mut C>,
    ) -> Result<(), tcp::Error> {
        tcp::trust(socket);
        let (reader, writer) = tcp::split(socket);
        let halves = codec.map_or(Halves::PLAIN, C::halves);
        let mut ws = WebSocket::server(reader, writer, &self.settings.options, halves);
        let served = {
            let mut serve = pin!(service.serve(route, &mut ws, buf));
            poll_fn(|cx| apart(serve.as_mut(), cx)).await
        };
        let code = match served {
            Ok(()) => CloseCode::NORMAL,
            Err(Error::Usage(_)) => CloseCode::INTERNAL_ERROR, // the application's slip; the client is there
            Err(_) => return served,
        };
        // Closing, it may owe its Close still: to the peer's, or what is left of its own.
        if ws.ready_state() != ReadyState::Closed { ws.close(code, "").await.and(served) } else { served }
    }

    /// The requests of a client, one after the other, and their answers. If the last was 101, `codec` is what was agreed on, or
    /// `following` is what listens.
    async fn answer<'s, S: Service>(
        &'s self,
        place: usize,
        socket: &mut TcpSocket<'_>,
        buf: &mut [u8],
        service: &'s S,
        codec: &mut Option<RefMut<'s, C>>,
        following: &mut Option<Following<'s>>,
    ) -> Result<Told<S::Route>, tcp::Error> {
        let (mut reader, mut writer) = tcp::split(socket);
        let (message, head) = buf.split_at_mut_checked(buf.len() / super::MESSAGE_PART).unwrap_or_default();
        let mut exchange = Exchange::new(head, self.settings.fields, &self.settings.http, now());
        // By when the client has to have taken all that was said to it.
        let mut taken_by = Instant::MIN;
        loop {
            let head = {
                let mut head = pin!(self.read_head(place, &mut reader, &mut exchange));
                select(poll_fn(|cx| apart(head.as_mut(), cx)), self.crowded(place)).await
            };
            match head {
                Either::First(Head::Read) => {}
                Either::First(Head::Refused(response)) => {
                    self.reply(&mut writer, &mut Reply::Respond(response), &mut taken_by).await?;
                    break;
                }
                Either::First(Head::Lost(error)) => return Err(error),
                Either::First(Head::Over) => break,
                Either::First(Head::Policy) => {
                    if let Some(mut policy) = self.settings.policy.clone() {
                        let put = &mut |out: &mut Output<'_>| policy.transmit(out);
                        taken_by = write(&mut writer, self.settings.options.send_timeout, put).await?;
                    }
                    break;
                }
                // Browsers keep connections for later; they do without them as well. But what was answered they are to get.
                Either::Second(()) if writer.is_drained() => return Ok(Told::GivenUp),
                Either::Second(()) => break,
            }
            self.enter(place, Use::Answering);
            let mut step = Step::Told;
            let mut closes = {
                let mut reply = Reply::Respond(Response::internal_server_error());
                self.choose(place, &exchange, message.len(), service, codec, &mut reply, &mut step);
                if !matches!(step, Step::Visit(_)) {
                    self.reply(&mut writer, &mut reply, &mut taken_by).await?;
                }
                reply.closes()
            };
            match &mut step {
                Step::Told => {}
                Step::Open(_) => {
                    let Step::Open(route) = step else { break };
                    return Ok(Told::Open(route));
                }
                Step::Follow(_) => {
                    if let Step::Follow(begun) = step {
                        *following = Some(begun);
                    }
                    return Ok(Told::All);
                }
                Step::Visit(visiting) => {
                    let ended = {
                        let (reader, writer) = (&mut reader, &mut writer);
                        let visit =
                            self.visit(place, reader, writer, &mut exchange, visiting, message, service);
                        let mut visit = pin!(visit);
                        poll_fn(|cx| apart(visit.as_mut(), cx)).await
                    };
                    taken_by = visits::taken_by(&self.settings.options);
                    match ended? {
                        Visited::Answered => closes = visiting.closes(),
                        Visited::GivenUp => return Ok(Told::GivenUp),
                        Visited::Refused(response) => {
                            let mut reply = Reply::Respond(response);
                            self.reply(&mut writer, &mut reply, &mut taken_by).await?;
                            break;
                        }
                    }
                }
            }
            if !exchange.next(closes, now()) {
                break;
            }
            self.enter(place, Use::Idle);
        }
        self.enter(place, Use::Answering); // nobody waits behind it for a place
        // The end of a page may be in the ring still; what closes it has less patience with a slow client.
        let _ = with_deadline(taken_by, async { while writer.drain().await == Ok(false) {} }).await;
        Ok(Told::All)
    }

    /// Writes an answer.
    async fn reply(
        &self,
        writer: &mut tcp::Writer<'_>,
        reply: &mut Reply<'_>,
        taken_by: &mut Instant,
    ) -> Result<(), tcp::Error> {
        info!("answered {}", reply.status());
        let put = &mut |out: &mut Output<'_>| reply.transmit(out);
        let mut written = pin!(write(writer, self.settings.options.send_timeout, put));
        *taken_by = poll_fn(|cx| apart(written.as_mut(), cx)).await?;
        Ok(())
    }
}
