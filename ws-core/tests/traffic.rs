//! Random traffic, both ways. What one end encodes, the other decodes to the same, through reads and outputs of any size;
//! random bytes, and valid traffic with errors in it, mean the same however they are cut, and cost a bounded number of
//! steps (which the `Driver` counts).

mod common;

use common::cases::cases;
use common::{Driver, ENDS, End, FREE, Last, Rng, Seen, incoming};
use proptest::prelude::*;
use ws_core::{Config, Kind, Limits};

/// What an application sends.
#[derive(Clone, Debug)]
enum Item {
    /// A message in pieces; between them, pings and pongs.
    Message(Kind, Vec<(Vec<u8>, Option<Control>)>),
    Control(Control),
}

#[derive(Clone, Debug)]
enum Control {
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn control() -> impl Strategy<Value = Control> {
    let body = || prop_oneof![prop::collection::vec(any::<u8>(), 0..9), Just(vec![0xa5; 125])];
    prop_oneof![body().prop_map(Control::Ping), body().prop_map(Control::Pong)]
}

/// A payload, and where to cut it.
fn payload() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let len = prop_oneof![4 => 0..20usize, 2 => 100..150usize, 1 => 1000..2000usize];
    prop_oneof![
        len.clone().prop_flat_map(|n| prop::collection::vec(any::<u8>(), n)).prop_map(|b| (Kind::Binary, b)),
        len.prop_flat_map(|n| prop::collection::vec(any::<char>(), n))
            .prop_map(|text| (Kind::Text, text.into_iter().collect::<String>().into_bytes())),
        "[ -~]{0,300}".prop_map(|text| (Kind::Text, text.into_bytes())),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let cuts = prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(control())), 0..5);
    let message = (payload(), cuts).prop_map(|((kind, payload), cuts)| {
        let mut cuts: Vec<_> =
            cuts.into_iter().map(|(at, then)| (at.index(payload.len() + 1), then)).collect();
        cuts.sort_by_key(|(at, _)| *at);
        let mut from = 0;
        let mut pieces = Vec::new();
        for (at, then) in cuts {
            pieces.push((payload[from..at].to_vec(), then));
            from = at;
        }
        pieces.push((payload[from..].to_vec(), None));
        Item::Message(kind, pieces)
    });
    prop_oneof![3 => message, 1 => control().prop_map(Item::Control)]
}

/// How bytes are cut and what is lent: all of it out of one seed.
fn feed_in_random_pieces(driver: &mut Driver, mut bytes: &[u8], seed: u64) {
    let mut rng = Rng(seed);
    let largest = rng.pick(&[1, 3, 20, 200, 5000]);
    driver.out = rng.pick(&[1, 2, 7, 50, 200]);
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at((1 + rng.below(largest)).min(bytes.len()));
        driver.receive(piece);
        if rng.one_in(2) {
            driver.flush();
        }
        bytes = rest;
    }
    driver.flush();
}

/// What the peer must see: as `Driver` takes it down, so pieces that follow each other are one.
fn expected(items: &[Item]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let see = |seen: &mut Vec<Seen>, control: &Control| {
        seen.push(match control {
            Control::Ping(body) => Seen::Ping(body.clone()),
            Control::Pong(body) => Seen::Pong(body.clone()),
        });
    };
    for item in items {
        match item {
            Item::Control(control) => see(&mut seen, control),
            Item::Message(kind, pieces) => {
                let mut begun = false;
                for (n, (piece, then)) in pieces.iter().enumerate() {
                    let is_last = n + 1 == pieces.len();
                    let last = if is_last { Last::Yes } else { Last::No };
                    // `send` makes no frame of nothing but the last.
                    if !piece.is_empty() || is_last {
                        match seen.last_mut() {
                            Some(Seen::Data(_, bytes, open @ Last::No)) if begun => {
                                bytes.extend_from_slice(piece);
                                *open = last;
                            }
                            _ => seen.push(Seen::Data(*kind, piece.clone(), last)),
                        }
                        begun = true;
                    }
                    then.iter().for_each(|control| see(&mut seen, control));
                }
            }
        }
    }
    seen
}

fn send(driver: &mut Driver, items: &[Item]) {
    let send_control = |driver: &mut Driver, control: &Control| match control {
        Control::Ping(body) => driver.drain(|ws, out| ws.ping(body, out).unwrap()),
        Control::Pong(body) => driver.drain(|ws, out| ws.pong(body, out).unwrap()),
    };
    for item in items {
        match item {
            Item::Control(control) => send_control(driver, control),
            Item::Message(kind, pieces) => {
                for (n, (piece, then)) in pieces.iter().enumerate() {
                    driver.send(*kind, piece, n + 1 == pieces.len());
                    then.iter().for_each(|control| send_control(driver, control));
                }
            }
        }
    }
}

/// Frames with any header, most of them right, towards `end`.
fn frames(end: End) -> impl Strategy<Value = Vec<u8>> {
    let b0 = prop_oneof![
        8 => prop::sample::select(vec![0x81u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    let body = prop_oneof![
        4 => "[a-zé你😀]{0,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(any::<u8>(), 120..140),
        1 => Just(b"\x03\xe8bye".to_vec()),
    ];
    prop::collection::vec((b0, body), 0..8)
        .prop_map(move |frames| frames.iter().flat_map(|(b0, body)| incoming(end, *b0, body)).collect())
}

const TIGHT: Config = Config { limits: Limits { message: 100, fragments: 4, empty_fragments: 2 }, ..FREE };

/// As a whole, byte by byte and in random pieces: the same events, the same errors, the same replies.
fn means_the_same_at_every_cut(end: End, bytes: &[u8], seed: u64) -> Result<(), TestCaseError> {
    for config in [FREE, TIGHT] {
        let whole = common::run(end, config, bytes);
        let mut single = Driver::with(end, config);
        bytes.iter().for_each(|byte| single.receive(&[*byte]));
        single.flush();
        let mut random = Driver::with(end, config);
        feed_in_random_pieces(&mut random, bytes, seed);
        prop_assert_eq!(&single.seen, &whole.seen, "byte by byte");
        prop_assert_eq!(&single.sent, &whole.sent, "byte by byte");
        prop_assert_eq!(&random.seen, &whole.seen, "in pieces");
        prop_assert_eq!(&random.sent, &whole.sent, "in pieces");
        prop_assert_eq!(single.ws.buffered_amount(), 0);
        prop_assert_eq!(single.ws.close_sent(), whole.ws.close_sent());
        prop_assert_eq!(single.ws.was_clean(), whole.ws.was_clean());
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_is_encoded_is_decoded_to_the_same(
        items in prop::collection::vec(item(), 0..6),
        out in prop_oneof![7..20usize, 20..300usize, Just(70_000)],
        seed in any::<u64>(),
    ) {
        for end in ENDS {
            let mut sender = Driver::new(end);
            // A control frame of the caller's goes out whole: 125 bytes, a header and a key.
            let control = items.iter().any(|item| match item {
                Item::Control(_) => true,
                Item::Message(_, pieces) => pieces.iter().any(|(_, then)| then.is_some()),
            });
            sender.out = if control { out.max(131) } else { out };
            send(&mut sender, &items);
            let mut receiver = Driver::new(end.peer());
            feed_in_random_pieces(&mut receiver, &sender.sent, seed);
            prop_assert_eq!(&receiver.seen, &expected(&items));
            // Each ping is answered with its body, and the answers come back as they left.
            let pings: Vec<_> = receiver.seen.iter().filter_map(|seen| match seen {
                Seen::Ping(body) => Some(Seen::Pong(body.clone())),
                _ => None,
            }).collect();
            sender.feed(&receiver.sent);
            prop_assert_eq!(&sender.seen, &pings);
        }
    }

    #[test]
    fn random_bytes_mean_the_same_at_every_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        seed in any::<u64>(),
    ) {
        for end in ENDS {
            means_the_same_at_every_cut(end, &bytes, seed)?;
        }
    }

    #[test]
    fn random_frames_mean_the_same_at_every_cut(
        (end, bytes) in prop::sample::select(&ENDS[..]).prop_flat_map(|end| (Just(end), frames(end))),
        seed in any::<u64>(),
    ) {
        means_the_same_at_every_cut(end, &bytes, seed)?;
    }

    #[test]
    fn valid_traffic_with_flipped_bits_means_the_same_at_every_cut(
        items in prop::collection::vec(item(), 1..4),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..4),
        seed in any::<u64>(),
    ) {
        for end in ENDS {
            let mut sender = Driver::new(end.peer());
            sender.out = 400;
            send(&mut sender, &items);
            sender.close(1000, "bye");
            let mut bytes = std::mem::take(&mut sender.sent);
            for (at, flip) in &flips {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
            means_the_same_at_every_cut(end, &bytes, seed)?;
        }
    }

    /// Before the first error, what is wrong further on changes nothing.
    #[test]
    fn what_comes_before_an_error_is_delivered(
        items in prop::collection::vec(item(), 0..4),
        rest in prop::collection::vec(any::<u8>(), 0..50),
        seed in any::<u64>(),
    ) {
        for end in ENDS {
            let mut sender = Driver::new(end.peer());
            sender.out = 500;
            send(&mut sender, &items);
            let mut bytes = std::mem::take(&mut sender.sent);
            bytes.push(0xff); // every reserved bit
            bytes.extend(&rest);
            let mut receiver = Driver::new(end);
            feed_in_random_pieces(&mut receiver, &bytes, seed);
            let mut expected = expected(&items);
            expected.push(Seen::Failed(ws_core::PeerError::ReservedBits));
            prop_assert_eq!(&receiver.seen, &expected);
        }
    }
}
