//! Reading the head of a request from a socket: [`Head`].

use super::Server;
use crate::clock::{now, until};
use crate::compression::Codec;
use crate::transport::ReadHalf;
use crate::{Error, tcp};
use embassy_futures::select::{Either, select};
use ws_core::Input;
use ws_core::http::exchange::Refusal;
use ws_core::http::{Exchange, Response};
use ws_core::transport::Use;

/// What has become of a head.
pub(super) enum Head {
    Read,
    /// It is none that can be answered otherwise.
    Refused(Response<'static>),
    /// There is none: the client has no more to ask, or took too long to.
    Over,
    Lost(tcp::Error),
}

impl<C: Codec> Server<'_, C> {
    /// Reads until there is a head.
    pub(super) async fn read_head(
        &self,
        place: usize,
        reader: &mut tcp::Reader<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Head {
        loop {
            let due = exchange.poll_timeout();
            let read = reader.read_with(|bytes| {
                let mut input = Input::new(bytes);
                exchange.set_time(now());
                let result = exchange.receive(&mut input);
                (input.consumed(), result)
            });
            let result = match select(read, until(due)).await {
                Either::First(Ok(Some(result))) => result,
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
                Err(refusal) => return told(refusal),
            }
        }
    }
}

/// What is said to a client whose request is refused.
pub(super) fn told(refusal: Refusal) -> Head {
    refusal.response().map_or(Head::Over, Head::Refused)
}
