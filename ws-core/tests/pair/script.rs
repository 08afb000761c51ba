//! What the two ends say to each other, when, and out of buffers of what size.

use super::codec::{Codec, repeat_some};
use super::pair::{Peer, SERVER, Say};
use super::{Chance, Rng};
use ws_core::Kind;

/// Small buffers of all sizes, as much as the role allows.
pub(crate) fn lend_buffers(peer: &mut Peer<'_>, end: usize, chance: &mut Chance) {
    peer.rx_size = chance.pick(&[1, 2, 7, 100, 1 << 16]);
    let least = match (peer.codec.is_some(), end == SERVER) {
        (true, is_server) => Codec::least_output(!is_server),
        (false, true) => 3,
        (false, false) => 7,
    };
    peer.tx_size = chance.pick(&[least, least + 1, least + 7, 140, 4096]);
}

fn random_bytes(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| rng.next() as u8).collect()
}

fn random_payload(chance: &mut Chance, longest: usize) -> (Kind, Vec<u8>) {
    let len = chance.below_one_of(&[1, 4, 40, 130, longest]);
    let is_binary = chance.one_in(2);
    let mut rng = chance.filler();
    if is_binary {
        let mut bytes = random_bytes(&mut rng, len);
        if rng.one_in(2) {
            repeat_some(&mut bytes, &mut rng);
        }
        return (Kind::Binary, bytes);
    }
    const ALPHABET: [char; 12] =
        ['a', 'Z', ' ', '9', 'é', '你', '😀', '\u{0}', '\u{7ff}', '\u{ffff}', '\u{10ffff}', 'e'];
    let text: String = (0..len).map(|_| rng.pick(&ALPHABET)).collect();
    (Kind::Text, text.into_bytes())
}

/// Says `n` things, up to `gap` milliseconds apart; returns the moment of the last.
pub(crate) fn write_script(
    peer: &mut Peer<'_>,
    end: usize,
    chance: &mut Chance,
    start: u64,
    n: usize,
    gap: usize,
) -> u64 {
    let mut when = start;
    let frame_head = if end == SERVER { 2 } else { 6 };
    for _ in 0..n {
        when += chance.below(gap) as u64;
        let say = match chance.below(8) {
            kind @ 0..=1 => {
                let len = chance.below(125).min(peer.tx_size - frame_head);
                let len = if len == 4 { 3 } else { len }; // four bytes are a heartbeat's
                let len = if peer.pings { len } else { len.max(1) }; // an empty one cannot be told from an answer
                let mut body = random_bytes(&mut chance.filler(), len);
                let (first, is_ping) =
                    if peer.pings && (kind == 0 || len == 0) { (b'p', true) } else { (b'u', false) };
                body.iter_mut().take(1).for_each(|byte| *byte = first);
                if is_ping { Say::Ping(body) } else { Say::Pong(body) }
            }
            2 if peer.tx_size >= frame_head + 8 => {
                let (kind, payload) = random_payload(chance, peer.longest);
                Say::Frame(kind, payload)
            }
            _ => {
                let (kind, mut rest) = random_payload(chance, peer.longest);
                let mut pieces = Vec::new();
                while !rest.is_empty() && chance.one_in(2) {
                    let later = rest.split_off(chance.below(rest.len() + 1));
                    pieces.push(std::mem::replace(&mut rest, later));
                }
                pieces.push(rest);
                Say::Message(kind, pieces)
            }
        };
        peer.say(when, say);
    }
    when
}

pub(crate) fn random_close(peer: &Peer<'_>, end: usize, chance: &mut Chance) -> Say {
    let codes = [1000, 1001, 1003, 1008, 1011, 1014, 3000, 4999];
    let frame_head = if end == SERVER { 2 } else { 6 };
    let room = (peer.tx_size - frame_head).min(125);
    if room < 2 || chance.one_in(5) {
        return Say::Close(None, String::new());
    }
    Say::Close(Some(chance.pick(&codes)), "r".repeat(chance.below(room - 1)))
}
