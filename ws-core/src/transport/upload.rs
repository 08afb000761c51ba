//! The way in, from a request to messages: [`Upload`], by the body of a POST or by the query of a script. What records look like is
//! [`Upstream`]'s; who may send was seen before.

use super::route::{Rejection, Sending};
use super::{AckBody, Callback, Hub, SessionKey, Upstream};
use crate::bytes::Input;
use crate::bytes::percent::{PercentDecoder, parameter};
use crate::connection::Data;
use crate::http::exchange::{Exchange, Refusal};
use crate::time::Instant;

/// Takes messages that came, in pieces: with the hub, to answer through, and the session that they are from.
pub type Deliver<'d, 'm, const N: usize> = dyn FnMut(&mut Hub<'m, N>, SessionKey, Data<'_>) + 'd;

/// What is wrong with messages: the status, and words.
type Refused = (u16, &'static str);

/// Messages on their way in.
pub(crate) struct Upload {
    upstream: Upstream,
    session: SessionKey,
    is_last: bool,
    callback: Option<Callback>,
}

/// Bytes of a query that are looked at together.
const PIECE: usize = 64;

impl Upload {
    pub(crate) fn begin<const N: usize>(
        sending: &Sending,
        limit: u32,
        hub: &mut Hub<'_, N>,
    ) -> Result<Self, Refused> {
        let Sending { sid, n, is_last, callback } = *sending;
        let none = (Rejection::NoSession.status(), Rejection::NoSession.reason());
        let sessions = hub.sessions_mut();
        let key = sessions.find(&sid).ok_or(none)?;
        let session = sessions.get_mut(key).ok_or(none)?;
        let upstream = Upstream::new(session.inbox_mut(), n, limit).map_err(told)?;
        session.attach();
        Ok(Self { upstream, session: key, is_last, callback })
    }

    /// Reads on. `None`: there is more to come. Else the answer, or why there is none.
    pub(crate) fn receive<'m, const N: usize>(
        &mut self,
        exchange: &mut Exchange<'_>,
        input: &mut Input<'_>,
        hub: &mut Hub<'m, N>,
        deliver: &mut Deliver<'_, 'm, N>,
    ) -> Result<Option<Result<AckBody, Refused>>, Refusal> {
        if self.callback.is_some() {
            let query = exchange.request().target().query.unwrap_or_default();
            return Ok(Some(self.take_query(query, hub, deliver).and_then(|()| self.finish(hub))));
        }
        while let Some(piece) = exchange.receive_body(input)? {
            if let Err(refused) = self.take(piece, hub, deliver) {
                return Ok(Some(Err(refused)));
            }
        }
        Ok(exchange.is_body_done().then(|| self.finish(hub)))
    }

    /// The request is over, whether all came or not.
    pub(crate) fn end<const N: usize>(&self, hub: &mut Hub<'_, N>, now: Instant) {
        if let Some(session) = hub.sessions_mut().get_mut(self.session) {
            session.detach(now);
        }
    }

    fn take<'m, const N: usize>(
        &mut self,
        piece: &mut [u8],
        hub: &mut Hub<'m, N>,
        deliver: &mut Deliver<'_, 'm, N>,
    ) -> Result<(), Refused> {
        let mut input = Input::new(piece);
        loop {
            let session = hub.sessions_mut().get_mut(self.session).ok_or(OVER)?;
            let data = self.upstream.receive(&mut input, session.inbox_mut()).map_err(told)?;
            let Some(data) = data else { return Ok(()) };
            deliver(hub, self.session, data);
        }
    }

    fn take_query<'m, const N: usize>(
        &mut self,
        query: &str,
        hub: &mut Hub<'m, N>,
        deliver: &mut Deliver<'_, 'm, N>,
    ) -> Result<(), Refused> {
        let mut rest = parameter(query, "d").unwrap_or_default().as_bytes();
        let mut decoder = PercentDecoder::new();
        while !rest.is_empty() {
            let mut piece = [0; PIECE];
            let n = crate::bytes::copy(&mut piece, rest);
            rest = rest.get(n..).unwrap_or_default();
            let piece = piece.get_mut(..n).unwrap_or_default();
            self.take(decoder.decode(piece).map_err(|_| BAD_ESCAPE)?, hub, deliver)?;
        }
        if decoder.is_complete() { Ok(()) } else { Err(BAD_ESCAPE) }
    }

    /// All has come.
    fn finish<const N: usize>(&self, hub: &mut Hub<'_, N>) -> Result<AckBody, Refused> {
        let inbox = hub.sessions().get(self.session).ok_or(OVER)?.inbox();
        self.upstream.finish(inbox).map_err(told)?;
        let body = AckBody::new(inbox.received(), self.callback);
        if self.is_last {
            hub.sessions_mut().close(self.session);
        }
        Ok(body)
    }
}

const OVER: Refused = (404, "the session is over\n");
const BAD_ESCAPE: Refused = (400, "a bad escape\n");

fn told(error: super::UpstreamError) -> Refused {
    (error.status(), error.reason())
}
