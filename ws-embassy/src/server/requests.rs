//! Reading the head of a request from a socket: [`Head`].

use super::Server;
use crate::clock::{now, until};
use crate::compression::Codec;
use crate::transport::ReadHalf;
use crate::{Error, tcp};
use embassy_futures::select::{Either, select};
use ws_core::Input;
use ws_core::http::exchange::Refusal;
use ws_core::http::head::HeadError;
use ws_core::http::{Exchange, Response};
use ws_core::transport::{PolicyRequest, Use};

/// What has become of a head.
pub(super) enum Head {
    Read,
    /// It is none that can be answered otherwise.
    Refused(Response<'static>),
    /// There is none: the client has no more to ask, or took too long to.
    Over,
    Lost(tcp::Error),
    /// Flash Player asks whether it may connect.
    Policy,
}

/// What was read.
enum Read {
    Http(Result<bool, Refusal>),
    Policy(Option<bool>),
}

impl<C: Codec> Server<'_, C> {
    /// Reads until there is a head.
    pub(super) async fn read_head(
        &self,
        place: usize,
        reader: &mut tcp::Reader<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Head {
        let mut policy: Option<PolicyRequest> = None;
        loop {
            let due = exchange.poll_timeout();
            let read = reader.read_with(|bytes| {
                if self.settings.policy.is_some()
                    && exchange.is_waiting()
                    && bytes.first().copied().is_some_and(PolicyRequest::is_begun_by)
                {
                    policy.get_or_insert_default();
                }
                let mut input = Input::new(bytes);
                exchange.set_time(now());
                let read = match &mut policy {
                    Some(policy) => Read::Policy(policy.receive(&mut input)),
                    None => Read::Http(exchange.receive(&mut input)),
                };
                (input.consumed(), read)
            });
            let result = match select(read, until(due)).await {
                Either::First(Ok(Some(Read::Http(result)))) => result,
                Either::First(Ok(Some(Read::Policy(Some(true))))) => return Head::Policy,
                Either::First(Ok(Some(Read::Policy(Some(false))))) => Err(Refusal::Head(HeadError::BadLine)),
                Either::First(Ok(Some(Read::Policy(None)))) => Ok(false),
                Either::First(Ok(None)) => exchange.receive_eof().map(|()| false),
                Either::First(Err(error)) => return Head::Lost(Error::Io(error)),
                Either::Second(()) => {
                    exchange.handle_timeout(now());
                    exchange.receive(&mut Input::new(&mut []))
                }
            };
            match result {
                Ok(true) => return Head::Read,
                Ok(false) if exchange.is_waiting() => {}
                Ok(false) => _ = self.enter(place, Use::Reading),
                Err(refusal) => return exchange.refuse(refusal).map_or(Head::Over, Head::Refused),
            }
        }
    }
}
