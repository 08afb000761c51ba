//! HTTP under the techniques: a connection, request by request, and answers in chunks. No event.

use crate::{flush, now};
use ws_core::http::exchange::{Exchange, Settings};
use ws_core::http::{Request, Response};
use ws_core::{Input, Output};

/// A connection whose request was read.
pub struct Connection<'c, 's, 'b> {
    pub exchange: &'c mut Exchange<'s>,
    pub input: &'c mut Input<'b>,
    pub out: &'c mut Output<'static>,
}

impl<'s> Connection<'_, 's, '_> {
    pub fn request(&self) -> Request<'_> {
        self.exchange.request()
    }

    /// The value of a parameter in the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        ws_core::bytes::percent::parameter(self.request().target().query.unwrap_or_default(), name)
    }

    /// Answers without a body. `true`: the connection closes.
    pub fn refuse(&mut self, status: u16) -> bool {
        Response::new(status, &[], b"")
            .is_ok_and(|response| respond(self.exchange.respond(response), self.out))
    }

    /// Answers with what `put` writes, which says whether that is all. `true`: the connection closes.
    pub fn answer(
        &mut self,
        content_type: &str,
        fields: &[(&str, &str)],
        put: &mut dyn FnMut(&mut Output<'_>) -> bool,
    ) -> bool {
        let content_type = [("Content-Type", content_type)];
        let stream = self.exchange.stream(200, fields).and_then(|stream| stream.with_fields(&content_type));
        let Ok(mut head) = stream else { return true };
        while !head.transmit(self.out) {
            flush(self.out);
        }
        let mut chunks = head.chunks();
        while let Ok(false) = chunks.write(self.out, put) {
            flush(self.out);
        }
        while !chunks.finish(self.out) {
            flush(self.out);
        }
        flush(self.out);
        head.closes()
    }
}

/// Reads requests, as long as the connection persists; `answer` says whether it closes.
pub fn serve(answer: &mut dyn FnMut(Connection<'_, '_, '_>) -> bool) {
    let rx = transport::memory();
    let mut out = Output::new(transport::memory());
    let mut exchange = Exchange::new(transport::memory(), &[], &Settings::DEFAULT, now());
    loop {
        exchange.handle_timeout(now());
        let n = transport::read(rx);
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        let mut done =
            if n == 0 { exchange.receive_eof().map(|()| true) } else { exchange.receive(&mut input) };
        while done == Ok(true) {
            let connection = Connection { exchange: &mut exchange, input: &mut input, out: &mut out };
            let closes = answer(connection);
            if !exchange.next(closes, now()) {
                return;
            }
            done = exchange.receive(&mut input);
        }
        if let Err(refusal) = done {
            if let Some(response) = refusal.response() {
                respond(response, &mut out);
            }
            return;
        }
    }
}

/// Answers with what there always is.
pub fn hello(mut connection: Connection<'_, '_, '_>) -> bool {
    let mut rest: &[u8] = b"hello";
    connection.answer("text/plain", &[], &mut |out| {
        rest = rest.get(out.put(rest)..).unwrap_or_default();
        rest.is_empty()
    })
}

fn respond(mut response: Response<'_>, out: &mut Output<'_>) -> bool {
    while !response.transmit(out) {
        flush(out);
    }
    flush(out);
    response.closes()
}
