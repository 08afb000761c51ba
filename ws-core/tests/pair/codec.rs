//! Compression of one end: [`Room`] is the memory, [`Codec`] works in it once a handshake has agreed on it.

use super::common::Ws;
use super::{Chance, Rng};
use ws_core::connection::Compression;
use ws_core::deflate::negotiate::{Agreement, Terms};
use ws_core::deflate::{Buffers, Effort, Inflater, Small};
use ws_core::{Event, Input, Kind, Output, PeerError, UsageError};

/// Memory that is lent to one end. What stands in it at first is nobody's business.
pub(crate) struct Room {
    window: Vec<u8>,
    tables: Small,
    buffers: Box<Buffers<1024, 256, 1024, 1024>>,
}

impl Room {
    /// For a window of some size to inflate in.
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let window = vec![0xaa; chance.pick(&[512, 256, 1024, 4096])];
        Self { window, tables: Small::new(), buffers: Box::new(Buffers::new()) }
    }

    /// What can be agreed on.
    pub(crate) fn codec(&mut self, chance: &mut Chance) -> Codec<'_> {
        let effort = chance.pick(&[Effort::SMALL, Effort::QUICK, Effort::NORMAL]);
        let inflater = Inflater::new(&mut self.window, &mut self.tables).expect("a window");
        let mut compression = Compression::new(inflater, self.buffers.deflater(effort));
        if chance.one_in(2) {
            compression = compression.with_takeover();
        }
        if chance.one_in(2) {
            compression = compression.without_peer_takeover();
        }
        compression = compression.with_threshold(chance.pick(&[0, 16, 64]));
        Codec { compression, most: chance.pick(&[usize::MAX, 1, 10, 100]) }
    }
}

pub(crate) struct Codec<'m> {
    compression: Compression<'m, Small>,
    /// Bytes of a compressed message that are lent at once, at most.
    most: usize,
}

impl Codec<'_> {
    /// Bytes of output that it needs to go on: the head of a frame, and one more byte at least.
    pub(crate) const fn least_output(is_client: bool) -> usize {
        if is_client { 9 } else { 5 }
    }

    pub(crate) fn terms(&self) -> Terms {
        *self.compression.terms()
    }

    pub(crate) fn begin(&mut self, agreement: &Agreement) {
        self.compression.begin(agreement).expect("no more than the terms");
    }

    pub(crate) fn receive<'a, 'b: 'a>(
        &'a mut self,
        ws: &mut Ws,
        input: &mut Input<'b>,
    ) -> Result<Option<Event<'a>>, PeerError> {
        match ws {
            Ws::Server(ws) => self.compression.receive_up_to(ws, input, self.most),
            Ws::Client(ws) => self.compression.receive_up_to(ws, input, self.most),
        }
    }

    pub(crate) fn wants_receive(&self) -> bool {
        self.compression.wants_receive()
    }

    pub(crate) fn send(
        &mut self,
        ws: &mut Ws,
        kind: Kind,
        rest: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        match ws {
            Ws::Server(ws) => self.compression.send(ws, kind, rest, last, out),
            Ws::Client(ws) => self.compression.send(ws, kind, rest, last, out),
        }
    }
}

/// A payload that compresses to some extent: now and then it says again what it has said.
pub(crate) fn repeat_some(bytes: &mut [u8], rng: &mut Rng) {
    let mut at = 8;
    while at < bytes.len() {
        let (from, n) = (rng.below(at), rng.below(40));
        for i in 0..n.min(bytes.len() - at) {
            bytes[at + i] = bytes[from + i];
        }
        at += n + rng.below(20) + 1;
    }
}
