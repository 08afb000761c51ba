//! Random talk of a client and a server, over pipes that cut it anywhere.

use super::{CONFIG, Room, START, Seen, agree, receive};
use crate::cases::cases;
use proptest::prelude::*;
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

/// What a server sees of a client's `bytes`, in pieces of `size`.
fn seen_by<L: Layout>(compression: &mut Compression<'_, L>, bytes: &[u8], size: usize) -> Seen {
    let (mut ws, mut seen) = (Connection::<Server>::server(CONFIG, START), Seen::default());
    for piece in bytes.chunks(size) {
        receive(&mut ws, compression, &mut piece.to_vec(), &mut seen);
    }
    seen
}

/// What one end says.
#[derive(Clone, Debug)]
struct Said {
    to_server: bool,
    message: (Kind, Vec<u8>),
}

const WORDS: &[&str] =
    &["temperature", "humidity", "\u{e9}t\u{e9}", "{\"id\":", "}", "1", "23", " ", "\u{1f980}"];

fn said() -> impl Strategy<Value = Said> {
    let text = prop_oneof![0..4usize, 0..40usize, 0..600usize]
        .prop_flat_map(|len| prop::collection::vec(prop::sample::select(WORDS), len))
        .prop_map(|words| words.concat().into_bytes());
    let noise = prop::collection::vec(any::<u8>(), 0..300);
    let message = prop_oneof![
        text.clone().prop_map(|text| (Kind::Text, text)),
        text.prop_map(|text| (Kind::Binary, text)),
        noise.prop_map(|noise| (Kind::Binary, noise)),
    ];
    (any::<bool>(), message).prop_map(|(to_server, message)| Said { to_server, message })
}

fn terms() -> impl Strategy<Value = Terms> {
    (8..16u8, 8..16u8, any::<bool>(), any::<bool>()).prop_map(
        |(inflate, deflate, takeover, peer_takeover)| {
            let terms = Terms::new(inflate, deflate);
            let terms = if takeover { terms.with_takeover() } else { terms };
            if peer_takeover { terms } else { terms.without_peer_takeover() }
        },
    )
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn both_ends_see_what_was_sent(
        server_terms in terms(),
        client_terms in terms(),
        threshold in prop::sample::select(vec![0, 1, 64]),
        talk in prop::collection::vec(said(), 0..12),
        seed in any::<u64>(),
    ) {
        let chance = &mut Keys(seed);
        let (here, there) = agree(server_terms, client_terms);
        let (mut a, mut b) = (Room::new(), Room::new());
        let mut server =
            (Connection::<Server>::server(CONFIG, START), a.small(&here).with_threshold(threshold));
        let mut client =
            (Connection::client(CONFIG, Keys(seed), START), b.fast(&there).with_threshold(threshold));
        for Said { to_server, message } in talk {
            let (mut wire, mut seen) = (Vec::new(), Seen::default());
            let pings = if to_server {
                send(&mut client.0, &mut client.1, &message, chance, &mut wire)
            } else {
                send(&mut server.0, &mut server.1, &message, chance, &mut wire)
            };
            let mut rest = &mut wire[..];
            while !rest.is_empty() {
                let most = [1, 2, 50, 5000][chance.below(4)];
                let (piece, later) = rest.split_at_mut((1 + chance.below(most)).min(rest.len()));
                if to_server {
                    receive(&mut server.0, &mut server.1, piece, &mut seen);
                } else {
                    receive(&mut client.0, &mut client.1, piece, &mut seen);
                }
                rest = later;
            }
            let all = Seen { messages: vec![message], pings, ..Seen::default() };
            prop_assert_eq!(seen, all);
            // The Pongs are of no interest here.
            let mut scratch = [0; 64];
            server.0.transmit(&mut Output::new(&mut scratch));
            client.0.transmit(&mut Output::new(&mut scratch));
        }
    }
}

proptest! {
    #![proptest_config(cases(800))]

    /// Whatever is wrong: nothing comes behind that, and nothing before is lost.
    #[test]
    fn what_is_damaged_is_seen_the_same_however_it_is_cut(
        server_terms in terms(),
        client_terms in terms(),
        talk in prop::collection::vec(said(), 1..4),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..4),
        is_fast in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let (here, there) = agree(server_terms, client_terms);
        let (mut a, mut b) = (Room::new(), Room::new());
        let mut client = (Connection::client(CONFIG, Keys(seed), START), b.fast(&there).with_threshold(0));
        let mut wire = Vec::new();
        for Said { message, .. } in &talk {
            send(&mut client.0, &mut client.1, message, &mut Keys(seed), &mut wire);
        }
        for (at, bit) in flips {
            let at = at.index(wire.len());
            wire[at] ^= 1 << bit;
        }
        let mut whole = None;
        for size in [wire.len(), 1, 2, 7, 100] {
            let seen = if is_fast {
                seen_by(&mut a.fast(&here), &wire, size)
            } else {
                seen_by(&mut a.small(&here), &wire, size)
            };
            prop_assert_eq!(whole.get_or_insert_with(|| seen.clone()), &seen, "in pieces of {}", size);
        }
    }
}
