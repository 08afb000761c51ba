//! [`Log`]: what one end of a pair has said and heard, and what must hold of two of them.

use super::pair::Say;
use ws_core::{CloseCode, Event, Kind, PeerError};

pub(crate) type Payload = (Kind, Vec<u8>);

#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Messages begun, the last perhaps only in part; pings, and pongs that nobody asked for.
    pub(crate) sent: Vec<Payload>,
    pub(crate) pings_sent: Vec<Vec<u8>>,
    pub(crate) pongs_sent: Vec<Vec<u8>>,
    /// The closing handshake had begun before all was said.
    pub(crate) was_cut_short: bool,

    pub(crate) heard: Vec<Payload>,
    pub(crate) unfinished: Option<Payload>,
    pub(crate) pings: Vec<Vec<u8>>,
    pub(crate) pongs: Vec<Vec<u8>>,
    pub(crate) close: Option<(Option<u16>, String)>,
    pub(crate) error: Option<PeerError>,
}

impl Log {
    pub(crate) fn said(&mut self, say: &Say) {
        match say {
            Say::Message(kind, pieces) => self.sent.push((*kind, pieces.concat())),
            Say::Frame(kind, payload) => self.sent.push((*kind, payload.clone())),
            Say::Ping(body) => self.pings_sent.push(body.clone()),
            Say::Pong(body) => self.pongs_sent.push(body.clone()),
            Say::Close(..) => {}
        }
    }

    pub(crate) fn note(&mut self, event: Event<'_>, control: &[u8], reason: &str) {
        assert_eq!(self.error, None, "{event:?} behind an error");
        assert_eq!(self.close, None, "{event:?} behind a Close");
        match event {
            Event::Data(data) => {
                assert_eq!(data.first, self.unfinished.is_none(), "`first` says if a piece came before");
                let (kind, mut bytes) = self.unfinished.take().unwrap_or((data.kind, Vec::new()));
                assert_eq!(kind, data.kind, "all pieces of a message are of a kind");
                bytes.extend_from_slice(data.payload);
                if data.last {
                    assert!(kind == Kind::Binary || core::str::from_utf8(&bytes).is_ok());
                    self.heard.push((kind, bytes));
                } else {
                    self.unfinished = Some((kind, bytes));
                }
            }
            Event::Ping => self.pings.push(control.to_vec()),
            Event::Pong => self.pongs.push(control.to_vec()),
            Event::Close(code) => self.close = Some((code.map(CloseCode::get), reason.into())),
            event => panic!("{event:?} is not known to the tests"),
        }
    }

    pub(crate) fn fail(&mut self, error: PeerError) {
        assert!(self.error.is_none_or(|first| first == error), "the error is not to change");
        self.error = Some(error);
    }

    /// What was heard is what `peer` sent: in order, intact, nothing twice, nothing left out before the end.
    pub(crate) fn is_prefix_of(&self, peer: &Self) {
        assert!(peer.sent.starts_with(&self.heard), "other messages than were sent, or in another order");
        if let Some((kind, part)) = &self.unfinished {
            let (sent_kind, sent) = &peer.sent[self.heard.len()];
            assert!(
                kind == sent_kind && sent.starts_with(part),
                "the part of a message is not its beginning"
            );
        }
        let of_application: Vec<_> = self.pings.iter().filter(|body| !is_heartbeat(body)).cloned().collect();
        assert!(peer.pings_sent.starts_with(&of_application), "other pings than were sent");
        let unasked: Vec<_> = self.pongs.iter().filter(|body| is_unasked(body)).cloned().collect();
        assert!(peer.pongs_sent.starts_with(&unasked), "other pongs than were sent");
        // Each ping is answered once, in order, with its own body (RFC 6455 5.5.3).
        assert!(peer.pings.starts_with(&self.answers()), "a pong that answers no ping, or another");
    }

    /// The pongs to pings.
    pub(crate) fn answers(&self) -> Vec<Vec<u8>> {
        self.pongs.iter().filter(|body| !is_unasked(body)).cloned().collect()
    }
}

/// Applications send no ping or pong of four bytes.
fn is_heartbeat(body: &[u8]) -> bool {
    body.len() == 4
}

/// A pong that nobody asked for begins with a `u`, and no ping of an application does.
fn is_unasked(body: &[u8]) -> bool {
    !is_heartbeat(body) && body.first() == Some(&b'u')
}
