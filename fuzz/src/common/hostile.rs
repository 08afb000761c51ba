//! [`check`]: any bytes at all mean the same to an end, however they are cut; for a server and for a client. What an end sends
//! for what it was told is in [`sends_what_it_owes`].

use ws_core::{CloseCode, Config, Connection, Duration, Kind, Limits, Role, Timeouts};

use super::{Act, FREE, Frames, How, Reading, Rng, What};

/// What ends are made with, at times.
const CONFIGS: [Config; 6] = [
    FREE,
    Config::DEFAULT,
    limits(100, 4, 2),
    limits(4, 3, 1),
    limits(0, 1, 0),
    limits(u32::MAX, 0, 0), // no message at all
];

const fn limits(message: u32, fragments: u32, empty_fragments: u8) -> Config {
    FREE.with_limits(Limits { message, fragments, empty_fragments })
}

/// All timers, so short that what is waited here makes them run out.
const SHORT: Timeouts = Timeouts {
    ping: Duration::from_millis(10),
    pong: Duration::from_millis(5),
    idle: Duration::from_millis(30),
    close: Duration::from_millis(8),
};

/// Gives the bytes to two ends, to one a byte at a time, and to the other in pieces; both do the same in between.
pub(crate) fn check<R: Role>(data: &[u8], is_client: bool, new: impl Fn(Config) -> Connection<R>) {
    let mut rng = Rng::of(data);
    let mut choice = rng.next() >> 8; // the cuts are made of the low bits
    let mut pick = |n: u64| {
        let picked = choice % n;
        choice /= n;
        picked as usize
    };
    let mut config = CONFIGS[pick(8).saturating_sub(2)]; // without limits, most goes on longest
    if pick(2) == 0 {
        config.timeouts = SHORT;
    }
    let mut acts = [0; 2].map(|_| (pick(data.len() as u64 + 1), act(pick(16), pick(64))));
    acts.sort_by_key(|(place, _)| *place);

    let single = Reading::new(new(config), How::BYTES, data.len()).run(data, &acts);
    let pieces = Reading::new(new(config), How::of(data, rng), data.len()).run(data, &acts);
    single.assert_same(&pieces);
    sends_what_it_owes(&single, is_client);
}

fn act(which: usize, size: usize) -> Act {
    match which {
        0..=5 => Act::Wait(size as u32),
        6 => Act::Ping,
        7 => Act::Close(CloseCode::GOING_AWAY),
        8 => Act::Fail(CloseCode::UNSUPPORTED_DATA),
        9 | 10 => Act::Begin(if size.is_multiple_of(2) { Kind::Text } else { Kind::Binary }, size as u8),
        _ => Act::Nothing,
    }
}

/// A Pong for each Ping, with its payload (RFC 6455 5.5.3); at most one Close, and behind it Pongs alone (5.5.1).
pub(crate) fn sends_what_it_owes<R: Role>(end: &Reading<R>, is_client: bool) {
    let mut pings = end.log.iter().filter(|(what, _)| *what == What::Ping).map(|(_, body)| body);
    let mut close: Option<Option<[u8; 2]>> = None;
    for frame in Frames::new(is_client, &end.sent) {
        match frame.b0 {
            0x8a => {
                let ping = pings.next().expect("a Pong that answers nothing");
                assert_eq!(frame.payload(), ping, "{frame:?} answers something else");
                continue;
            }
            0x88 => {
                assert_eq!(close, None, "a second Close");
                let payload = frame.payload();
                assert_ne!(payload.len(), 1, "a code has two bytes");
                close = Some(payload.first_chunk().copied());
                continue;
            }
            0x81 | 0x82 | 0x89 => {}
            _ => panic!("{frame:?} was never asked for"),
        }
        assert_eq!(close, None, "{frame:?} behind a Close");
    }
    assert_eq!(pings.next(), None, "a Ping was not answered");
    assert_eq!(close, end.close_sent().map(|code| code.map(|code| code.get().to_be_bytes())));
    if let Some(code) = end.error().and_then(ws_core::PeerError::close_code) {
        // Unless a Close of the application's went out before.
        let ours = CloseCode::GOING_AWAY.get().to_be_bytes();
        assert!(close.flatten().is_some_and(|sent| sent == code.get().to_be_bytes() || sent == ours));
    }
}
