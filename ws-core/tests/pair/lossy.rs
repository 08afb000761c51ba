//! One conversation of which everything is chance: what is said and when, sizes of buffers, limits and timeouts, an opening
//! handshake or none, compression or none, and what the transport does; and what must hold of all of them. The fuzzer runs it too.

use super::Chance;
use super::codec::Room;
use super::common::{FREE, ms};
use super::opening::{Opened, open};
use super::pair::{CLIENT, Pair, SERVER};
use super::pipe::Weather;
use super::script::{lend_buffers, random_close, write_script};
use ws_core::handshake::client::{Error, Request};
use ws_core::handshake::server::Refusal;
use ws_core::{CloseCode, Config, Limits, PeerError, ReadyState, Timeouts};

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const HOUR: u64 = 60 * MINUTE;

/// Longer than any queue that fair weather can build up.
pub(crate) const PATIENT: Timeouts =
    Timeouts { ping: ms(30_000), pong: ms(60_000), idle: ms(0), close: ms(60_000) };

/// What became of a conversation, so that a test can tell that all kinds of them come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// It began with an opening handshake; that failed.
    pub(crate) is_opened: bool,
    pub(crate) is_unopened: bool,
    /// Messages were compressed.
    pub(crate) is_compressed: bool,
    /// Both ends closed as they should; an end gave up; an end refused what was more than it takes.
    pub(crate) is_clean: bool,
    pub(crate) is_timed_out: bool,
    pub(crate) is_refused: bool,
}

/// How much is said in a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Bounds of how many things an end says; one of them applies.
    says: [usize; 3],
    longest: usize,
}

impl Scale {
    pub(crate) const LONG: Self = Self { says: [2, 5, 12], longest: 700 };
    /// The bytes of a fuzzer decide most of it, and there are twice as many in a second.
    #[allow(dead_code, reason = "for the fuzzer")]
    pub(crate) const SHORT: Self = Self { says: [2, 3, 5], longest: 200 };
}

/// Runs a conversation, and panics if something does not hold.
pub(crate) fn converse(mut chance: Chance, scale: Scale) -> Outcome {
    let start = if chance.one_in(2) { 0 } else { (1 << 32) - chance.below(30_000) as u64 };
    let is_fair = chance.one_in(4);
    let weather =
        [0; 2].map(|_| if is_fair { Weather::fair(&mut chance) } else { Weather::foul(&mut chance, start) });
    // Two that ping each other faster than their answers get through may both have to stop reading: see `main.rs`.
    let is_narrow = weather.iter().any(|way| way.window < 1 << 16);
    let configs =
        [0; 2].map(|_| if is_fair { FREE.with_timeouts(PATIENT) } else { some_config(&mut chance) });
    let is_opened = chance.one_in(2);
    let compresses = is_opened && !chance.one_in(3);
    let mut rooms = [0; 2].map(|_| compresses.then(|| Room::new(&mut chance)));

    let mut pair = Pair::new(chance, start, configs, weather);
    for (end, room) in [SERVER, CLIENT].into_iter().zip(&mut rooms) {
        let (peer, chance) = (&mut pair.ends[end], &mut pair.chance);
        peer.codec = room.as_mut().map(|room| room.codec(chance));
        lend_buffers(peer, end, chance);
        peer.longest = scale.longest;
        peer.pings = end == SERVER || !(is_fair && is_narrow);
        if !is_fair && chance.one_in(8) {
            peer.deaf_from = Some(start + chance.below(20_000) as u64);
        }
        let n = chance.below_one_of(&scale.says);
        let gap = chance.pick(&[5000, 20]);
        let when = write_script(peer, end, chance, start, n, gap);
        if end == SERVER || chance.one_in(2) {
            let close = random_close(peer, end, chance);
            peer.say(when + chance.below(90_000) as u64, close);
        }
    }
    let mut outcome = Outcome { is_opened, ..Outcome::default() };
    if is_opened {
        let opened =
            open(&mut pair, Request { subprotocols: &["chat"], ..Request::new("h", "/a?b") }, Some("chat"));
        outcome.is_unopened = !judge(&opened, is_fair);
        outcome.is_compressed = pair.ends.iter().all(|end| end.codec.is_some());
    }
    pair.run_until(start + HOUR);

    assert!(pair.is_done(), "an end was still there after an hour");
    if !outcome.is_unopened {
        each_heard_only_what_the_other_said(&pair);
        assert!(pair.ends.iter().all(|end| end.ws.ready_state() == ReadyState::Closed));
        if is_fair {
            all_has_arrived(&pair);
        }
        outcome.is_clean = pair.ends.iter().all(|end| end.ws.was_clean());
        outcome.is_timed_out = pair.ends.iter().any(|end| end.ws.timed_out().is_some());
        outcome.is_refused = pair.ends.iter().any(|end| end.log.error.is_some());
    }
    outcome
}

fn some_config(chance: &mut Chance) -> Config {
    let mut time = |most: usize| ms(1000 + chance.below(most) as u32);
    let (ping, pong, idle, close) = (time(30_000), time(20_000), time(90_000), time(8000));
    let idle = if chance.one_in(2) { ms(0) } else { idle };
    let config = FREE.with_timeouts(Timeouts { ping, pong, idle, close });
    if !chance.one_in(8) {
        return config;
    }
    config.with_limits(Limits {
        message: chance.below_one_of(&[10, 100, 1000]) as u32,
        fragments: 1 + chance.below(20) as u32,
        empty_fragments: chance.below(4) as u8,
    })
}

/// Whether both ends are open. If not, it was for want of time.
fn judge(opened: &Opened, is_fair: bool) -> bool {
    let Opened { server, client } = opened;
    match (server, client) {
        (Some(Ok(server)), Some(Ok(client))) => {
            assert_eq!(server, client, "they speak different protocols");
            return true;
        }
        (Some(Err(Refusal::TimedOut)), Some(Err(Error::TimedOut))) => {}
        (Some(Ok(_)), Some(Err(Error::TimedOut))) => {}
        _ => panic!("{opened:?}"),
    }
    assert!(!is_fair, "there was time enough");
    false
}

/// Nothing but what was sent, in order and intact; and nobody is accused of what it did not do.
pub(crate) fn each_heard_only_what_the_other_said(pair: &Pair<'_>) {
    let [server, client] = &pair.ends;
    for (end, peer) in [(server, client), (client, server)] {
        end.log.is_prefix_of(&peer.log);
        let Limits { message, .. } = end.config.limits;
        assert!(end.log.heard.iter().all(|(_, bytes)| bytes.len() <= message as usize));
        match end.log.error {
            None => {}
            Some(PeerError::MessageTooBig) => {
                let (_, too_big) = &peer.log.sent[end.log.heard.len()];
                assert!(too_big.len() > message as usize, "it was not too big");
            }
            Some(PeerError::TooManyFragments) => assert_ne!(end.config.limits.fragments, u32::MAX),
            error => panic!("a peer that keeps the rules was refused: {error:?}"),
        }
        if let Some((code, _)) = &end.log.close {
            let sent = peer.ws.close_sent().expect("a Close came that was not sent");
            assert_eq!(*code, sent.map(CloseCode::get));
        }
        // A Close that is owed may have to wait for the end of a frame, which then does not come.
        assert_eq!(
            end.ws.was_clean(),
            end.log.close.is_some() && end.ws.close_sent().is_some() && end.ws.buffered_amount() == 0
        );
    }
}

/// What was said before the first Close.
fn all_has_arrived(pair: &Pair<'_>) {
    for (a, b) in [(SERVER, CLIENT), (CLIENT, SERVER)] {
        let (a, b) = (&pair.ends[a], &pair.ends[b]);
        assert_eq!((a.ws.was_clean(), a.ws.timed_out()), (true, None));
        if !a.log.was_cut_short {
            assert_eq!(b.log.heard, a.log.sent, "messages before the Close arrive before it");
            assert_eq!(b.log.unfinished, None);
        }
    }
}
