//! Random talk of a client and a server, over pipes that cut it anywhere.

use super::{CONFIG, Room, START, Seen, agree, receive};
use ws_core::connection::Compression;
use ws_core::deflate::Layout;
use ws_core::deflate::negotiate::Terms;
use ws_core::{Connection, Entropy, Kind, Output, Role, Server};

/// Masks for tests, and the chance of the sessions.
pub(super) struct Keys(pub(super) u64);

impl Keys {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }

    fn text(&mut self) -> String {
        let len = [0, 1, 10, 100, 3000][self.below(5)];
        let words =
            ["temperature", "humidity", "\u{e9}t\u{e9}", "{\"id\":", "}", "1", "23", " ", "\u{1f980}"];
        let mut text = String::new();
        while text.len() < len {
            text += words[self.below(words.len())];
        }
        text
    }
}

impl Entropy for Keys {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.next() as u8);
    }
}

/// Sends a message in pieces, some of them with a ping behind.
fn send<R: Role, L: Layout>(
    ws: &mut Connection<R>,
    compression: &mut Compression<'_, L>,
    message: &(Kind, Vec<u8>),
    chance: &mut Keys,
    wire: &mut Vec<u8>,
) -> usize {
    let mut buf = vec![0; [9, 20, 130, 135, 1000, 5000][chance.below(6)]];
    let mut out = Output::new(&mut buf);
    let (mut rest, mut pings) = (&message.1[..], 0);
    loop {
        let n = if chance.below(2) == 0 { rest.len() } else { chance.below(rest.len() + 1) };
        let (mut piece, later) = rest.split_at(n);
        let last = later.is_empty();
        while !compression.send(ws, message.0, &mut piece, last, &mut out).unwrap() {
            wire.extend_from_slice(out.filled());
            out.clear();
        }
        if chance.below(4) == 0 {
            pings += 1;
            while !ws.ping(b"", &mut out).unwrap() {
                wire.extend_from_slice(out.filled());
                out.clear();
            }
        }
        if last {
            wire.extend_from_slice(out.filled());
            return pings;
        }
        rest = later;
    }
}

#[test]
fn both_ends_see_what_was_sent() {
    let runs = std::env::var("SESSION_RUNS").map_or(60, |runs| runs.parse().expect("a number"));
    for seed in 0..runs {
        let chance = &mut Keys(seed);
        let terms = |chance: &mut Keys| {
            let terms = Terms::new(8 + chance.below(8) as u8, 8 + chance.below(8) as u8);
            let terms = if chance.below(2) == 0 { terms.with_takeover() } else { terms };
            if chance.below(4) == 0 { terms.without_peer_takeover() } else { terms }
        };
        let (here, there) = agree(terms(chance), terms(chance));
        let (mut a, mut b) = (Room::new(), Room::new());
        let threshold = [0, 1, 64][chance.below(3)];
        let mut server =
            (Connection::<Server>::server(CONFIG, START), a.small(&here).with_threshold(threshold));
        let mut client =
            (Connection::client(CONFIG, Keys(seed), START), b.fast(&there).with_threshold(threshold));
        for _ in 0..12 {
            let kind = [Kind::Text, Kind::Binary][chance.below(2)];
            let message = (kind, chance.text().into_bytes());
            let (mut wire, mut seen) = (Vec::new(), Seen::default());
            let to_server = chance.below(2) == 0;
            let pings = match to_server {
                true => send(&mut client.0, &mut client.1, &message, chance, &mut wire),
                false => send(&mut server.0, &mut server.1, &message, chance, &mut wire),
            };
            let mut rest = &mut wire[..];
            while !rest.is_empty() {
                let most = [1, 2, 50, 5000][chance.below(4)];
                let (piece, later) = rest.split_at_mut((1 + chance.below(most)).min(rest.len()));
                match to_server {
                    true => receive(&mut server.0, &mut server.1, piece, &mut seen),
                    false => receive(&mut client.0, &mut client.1, piece, &mut seen),
                }
                rest = later;
            }
            let all = Seen { messages: vec![message], pings, ..Seen::default() };
            assert_eq!(seen, all, "seed {seed}");
            // The Pongs are of no interest here.
            let mut scratch = [0; 64];
            server.0.transmit(&mut Output::new(&mut scratch));
            client.0.transmit(&mut Output::new(&mut scratch));
        }
    }
}
