//! A client and a server talk to each other over a transport that does its worst, in virtual time. One number decides
//! everything about a run. A run that fails prints it, and `PAIR_SEED=that_number cargo test --test pair` repeats it;
//! `PAIR_RUNS=1000000 cargo test --release -p ws-core --test pair whatever` makes that many runs of the widest of them, in two
//! minutes of one core.
//!
//! What holds of every run, whatever happens to the transport: messages arrive in order and intact, or not at all; pongs
//! answer pings; nobody is accused of breaking a rule; a read costs a bounded number of steps; there is no memory but what is
//! lent; both ends come to an end.
//!
//! | file | what |
//! | --- | --- |
//! | `chance.rs` | a number, or bytes, that decide |
//! | `pipe.rs` | the transport |
//! | `pair.rs`, `opening.rs`, `codec.rs` | both ends: their conversation, the handshake before it, compression |
//! | `script.rs` | what they say |
//! | `log.rs` | what they heard, and what must hold of it |
//! | `lossy.rs` | a run of which everything is chance, the fuzzer's too |
//! | here | that run, seeded; and runs of one thing each |

mod chance;
mod codec;
#[path = "../common/mod.rs"]
mod common;
mod log;
mod lossy;
mod opening;
mod pair;
mod pipe;
mod script;

use chance::Chance;
use common::{FREE, Rng, ms};
use lossy::{HOUR, MINUTE, Outcome, PATIENT, Scale, converse, each_heard_only_what_the_other_said};
use opening::open;
use pair::{CLIENT, Pair, SERVER, Say};
use pipe::{Fault, Weather};
use script::{lend_buffers, random_close, write_script};
use ws_core::handshake::client::{Error, Request};
use ws_core::handshake::server::Refusal;
use ws_core::{Config, Kind, ReadyState, TimedOut, Timeouts};

/// Names the run in which a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat this run with PAIR_SEED={}", self.0);
        }
    }
}

/// Runs for `count` seeds, or as many as `PAIR_RUNS` says, or for the one in `PAIR_SEED`.
fn for_seeds(count: u64, run: impl Fn(u64)) {
    let variable = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let seeds = match variable("PAIR_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("PAIR_RUNS").unwrap_or(common::few(count as usize, 1) as u64),
    };
    for seed in seeds {
        let named = Seed(seed);
        run(seed);
        drop(named);
    }
}

#[test]
fn whatever_happens_both_ends_end_and_have_heard_only_what_was_said() {
    const { assert!(size_of::<Outcome>() == 6) } // all of them are told of
    let tally = std::cell::RefCell::new([0; 6]);
    let runs = std::cell::Cell::new(0);
    for_seeds(1000, |seed| {
        let outcome = converse(Chance::seeded(seed), Scale::LONG);
        let Outcome { is_opened, is_unopened, is_compressed, is_clean, is_timed_out, is_refused } = outcome;
        let all = [is_opened, is_unopened, is_compressed, is_clean, is_timed_out, is_refused];
        tally.borrow_mut().iter_mut().zip(all).for_each(|(count, is)| *count += u32::from(is));
        runs.set(runs.get() + 1);
    });
    let tally = tally.into_inner();
    println!("of {}, opened, unopened, compressed, clean, timed out, refused: {tally:?}", runs.get());
    assert!(runs.get() < 1000 || tally.iter().all(|count| count * 50 > runs.get()), "hardly any: {tally:?}");
}

/// Each inside a frame of which nothing goes out: one for a transport that fell silent, the other for that one, which cannot answer and so
/// does not read. No heartbeat can tell; it ends as the applications give up.
#[test]
fn two_ends_inside_frames_that_nobody_takes_end() {
    converse(Chance::seeded(430_385), Scale::LONG);
}

/// Each has answers in the way of what the other says, and no room for them, as neither reads on. The heartbeat ends it.
#[test]
fn two_ends_that_ping_each_other_until_all_is_full_are_given_up() {
    let weather = || Weather { window: 64, ..Weather::FINE };
    let configs = [FREE.with_timeouts(PATIENT); 2];
    for (count, are_given_up) in [(1, false), (4, true)] {
        let mut pair = Pair::new(Chance::seeded(0), 0, configs, [weather(), weather()]);
        for end in &mut pair.ends {
            end.tx_size = 140;
            (0..count).for_each(|_| end.say(0, Say::Ping(vec![b'p'; 120])));
        }
        pair.ends[SERVER].say(10 * MINUTE, Say::Close(None, String::new()));
        pair.run_until(HOUR);
        each_heard_only_what_the_other_said(&pair);
        assert!(pair.is_done());
        for end in &pair.ends {
            assert_eq!(end.ws.was_clean(), !are_given_up);
        }
        let timed_out = pair.ends.iter().any(|end| end.ws.timed_out() == Some(TimedOut::Pong));
        assert_eq!(timed_out, are_given_up);
        assert!(!are_given_up || pair.now < 2 * MINUTE);
    }
}

#[test]
fn in_fair_weather_all_arrives_and_the_close_is_clean() {
    for_seeds(600, |seed| {
        let mut chance = Chance::seeded(seed);
        let weather = [Weather::fair(&mut chance), Weather::fair(&mut chance)];
        // Every other run begins so that the tick wraps in it.
        let start = if chance.one_in(2) { 0 } else { (1 << 32) - chance.below(30_000) as u64 };
        let mut pair = Pair::new(Chance::seeded(!seed), start, [FREE.with_timeouts(PATIENT); 2], weather);
        for end in [SERVER, CLIENT] {
            lend_buffers(&mut pair.ends[end], end, &mut chance);
            let n = common::few(chance.below(12), 1);
            write_script(&mut pair.ends[end], end, &mut chance, start, n, 3000);
        }
        let closer = chance.below(2);
        let close = random_close(&pair.ends[closer], closer, &mut chance);
        pair.ends[closer].say(start + 75_000, close.clone());
        pair.run_until(start + 10 * MINUTE);

        each_heard_only_what_the_other_said(&pair);
        assert!(pair.is_done() && pair.now < start + 2 * MINUTE);
        let Say::Close(code, reason) = close else { unreachable!() };
        for (a, b) in [(SERVER, CLIENT), (CLIENT, SERVER)] {
            let (a, b) = (&pair.ends[a], &pair.ends[b]);
            assert_eq!(a.log.heard, b.log.sent);
            assert!(!a.log.was_cut_short && a.log.unfinished.is_none());
            assert_eq!(a.log.answers(), b.log.pings, "each ping has its pong");
            assert_eq!(a.log.pings.iter().filter(|body| body.len() != 4).count(), b.log.pings_sent.len());
            assert_eq!((a.ws.was_clean(), a.ws.timed_out()), (true, None));
            assert_eq!(a.ws.ready_state(), ReadyState::Closed);
            assert_eq!(a.ws.close_received().unwrap().map(ws_core::CloseCode::get), code);
        }
        // The answer carries the code back, not the reason (RFC 6455 5.5.1).
        assert_eq!(pair.ends[1 - closer].log.close, Some((code, reason)));
        assert_eq!(pair.ends[closer].log.close, Some((code, String::new())));
    });
}

/// Either end closes whenever it likes, and often both do: what was sent before the Close arrives before it.
#[test]
fn a_close_at_any_moment_is_clean_and_takes_nothing_along() {
    for_seeds(1000, |seed| {
        let mut chance = Chance::seeded(seed);
        let weather = [Weather::fair(&mut chance), Weather::fair(&mut chance)];
        let mut pair = Pair::new(Chance::seeded(!seed), 0, [FREE.with_timeouts(PATIENT); 2], weather);
        let closers = 1 + chance.below(3); // one bit for each end
        for end in [SERVER, CLIENT] {
            let peer = &mut pair.ends[end];
            lend_buffers(peer, end, &mut chance);
            let n = common::few(chance.below(6), 3);
            let when = write_script(peer, end, &mut chance, 0, n, 20);
            if closers & (1 << end) != 0 {
                let close = random_close(peer, end, &mut chance);
                peer.say(when + chance.below(20) as u64, close);
            }
        }
        pair.run_until(10 * MINUTE);

        each_heard_only_what_the_other_said(&pair);
        assert!(pair.is_done());
        for (a, b) in [(SERVER, CLIENT), (CLIENT, SERVER)] {
            let (a, b) = (&pair.ends[a], &pair.ends[b]);
            assert_eq!((a.ws.was_clean(), a.ws.timed_out()), (true, None));
            if !a.log.was_cut_short {
                assert_eq!(b.log.heard, a.log.sent, "messages before the Close arrive before it");
                assert_eq!(b.log.unfinished, None);
            }
        }
    });
}

/// One small session of everything, from a seed, with these faults on the way.
fn small_session(seed: u64, weather: [Weather; 2]) -> Pair<'static> {
    let timeouts = Timeouts { ping: ms(3000), pong: ms(1000), idle: ms(0), close: ms(2000) };
    let mut pair = Pair::new(Chance::seeded(seed), 0, [FREE.with_timeouts(timeouts); 2], weather);
    for (end, kind) in [(SERVER, Kind::Text), (CLIENT, Kind::Binary)] {
        let peer = &mut pair.ends[end];
        peer.tx_size = 20;
        peer.say(0, Say::Message(kind, vec![b"first ".to_vec(), b"message".to_vec()]));
        peer.say(10, Say::Ping(b"ping".repeat(2)));
        peer.say(4000, Say::Frame(kind, vec![b'f'; 30]));
        peer.say(4000, Say::Pong(b"unasked".to_vec()));
        if end == CLIENT {
            peer.say(5000, Say::Close(Some(1001), "bye".into()));
        }
    }
    pair.run_until(MINUTE);
    pair
}

#[test]
fn a_fault_behind_every_byte_of_a_session() {
    let fine = small_session(1, [Weather::FINE; 2]);
    assert!(fine.ends.iter().all(|end| end.ws.was_clean() && end.ws.timed_out().is_none()));
    for end in [SERVER, CLIENT] {
        let len = fine.pipes[end].written();
        assert!(len > 60, "{len}");
        for after in common::thin(0..=len, 30) {
            for fault in [Fault::End, Fault::Reset, Fault::Silence] {
                let mut weather = [Weather::FINE; 2];
                weather[end].fault = Some((after, fault));
                let pair = small_session(1, weather);
                each_heard_only_what_the_other_said(&pair);
                assert!(pair.is_done(), "{fault:?} behind byte {after}");
                if after == len {
                    assert!(pair.ends.iter().all(|end| end.ws.was_clean()));
                } else {
                    // Whoever lacks the last byte, which is that of a Close, knows it.
                    assert!(!pair.ends[1 - end].ws.was_clean(), "{fault:?} behind byte {after}");
                }
            }
        }
    }
}

/// How long an idle pair is looked at, which says something every 30 seconds.
const IDLE: u64 = common::few(6 * HOUR as usize, 4 * MINUTE as usize) as u64;

#[test]
fn the_heartbeat_keeps_an_idle_pair_alive_for_hours_and_across_the_wrap_of_the_tick() {
    for start in [0, (1 << 32) - 10_000, (1 << 32) - IDLE / 2] {
        let config = Config::DEFAULT.with_timeouts(Timeouts { idle: ms(60_000), ..Timeouts::DEFAULT });
        let weather = Weather { delay: (40, 0), ..Weather::FINE };
        let mut pair = Pair::new(Chance::seeded(start), start, [config; 2], [weather.clone(), weather]);
        pair.run_until(start + IDLE);
        for end in &pair.ends {
            assert_eq!((end.ws.ready_state(), end.ws.timed_out()), (ReadyState::Open, None));
            let (pings, most) = (end.log.pings.len(), IDLE as usize / 30_000);
            assert!((most - 1..=most).contains(&pings), "{pings} pings");
            assert_eq!(end.ws.round_trip(), Some(ms(80)));
        }
        let close = pair.now + 1;
        pair.ends[SERVER].say(close, Say::Close(Some(1000), String::new()));
        pair.run_until(close + MINUTE);
        assert!(pair.ends.iter().all(|end| end.is_done && end.ws.was_clean()));
    }
}

/// The peer has vanished, and no FIN tells so: found within one interval and one deadline.
#[test]
fn a_silent_transport_is_found_by_the_heartbeat() {
    for start in [0, (1 << 32) - 35_000] {
        let mut pair = Pair::new(Chance::seeded(7), start, [Config::DEFAULT; 2], [Weather::FINE; 2]);
        pair.run_until(start + 31_000);
        assert_eq!(pair.ends[SERVER].log.answers().len(), 1);
        for pipe in &mut pair.pipes {
            pipe.fall_silent();
        }
        pair.run_until(start + 75_000);
        for end in &pair.ends {
            assert_eq!(end.ws.timed_out(), Some(TimedOut::Pong));
            assert!(end.is_done);
        }
        assert_eq!(pair.now, start + 70_000, "the second Ping is due at 60 s, its Pong 10 s later");
    }
}

/// A peer that reads nothing takes no memory beyond the buffers that are lent, and is given up.
#[test]
fn a_peer_that_reads_nothing_is_given_up() {
    for_seeds(40, |seed| {
        let mut chance = Chance::seeded(seed);
        let weather = Weather { window: 100, ..Weather::FINE };
        let weather = [weather.clone(), weather];
        let deaf = chance.below(2);
        let mut configs = [FREE.with_timeouts(Timeouts::DEFAULT); 2];
        configs[deaf].timeouts.ping = ms(300_000);
        let mut pair = Pair::new(Chance::seeded(!seed), 0, configs, weather);
        pair.ends[deaf].deaf_from = Some(0);
        for end in [SERVER, CLIENT] {
            lend_buffers(&mut pair.ends[end], end, &mut chance);
            pair.ends[end].say(0, Say::Message(Kind::Binary, vec![vec![7; common::few(2000, 150)]]));
        }
        pair.run_until(40_000);
        let hearing = &pair.ends[1 - deaf];
        assert_eq!((hearing.ws.timed_out(), hearing.is_done), (Some(TimedOut::Pong), true));
        assert!(hearing.tx.len() <= hearing.tx_size);
        pair.run_until(HOUR);
        each_heard_only_what_the_other_said(&pair);
        assert!(pair.is_done());
    });
}

#[test]
fn a_whole_session_from_the_opening_handshake_to_the_close() {
    for_seeds(300, |seed| {
        let mut chance = Chance::seeded(seed);
        let weather = [Weather::fair(&mut chance), Weather::fair(&mut chance)];
        let start = if chance.one_in(2) { 0 } else { (1 << 32) - chance.below(5000) as u64 };
        let mut pair = Pair::new(Chance::seeded(!seed), start, [FREE.with_timeouts(PATIENT); 2], weather);
        for end in [SERVER, CLIENT] {
            lend_buffers(&mut pair.ends[end], end, &mut chance);
            // From the first moment on: a server's frames follow its response in the same segment.
            let n = common::few(1 + chance.below(4), 1);
            write_script(&mut pair.ends[end], end, &mut chance, start, n, 10);
        }
        pair.ends[CLIENT].say(start + MINUTE, Say::Close(None, String::new()));
        let protocol = chance.pick(&["chat", "superchat"]);
        let request = Request {
            origin: Some("http://h:80"),
            subprotocols: &["chat", "superchat"],
            ..Request::new("h", "/a?b")
        };
        let opened = open(&mut pair, request, Some(protocol));
        assert_eq!(opened.server, Some(Ok(Some(protocol.into()))));
        assert_eq!(opened.client, Some(Ok(Some(protocol.into()))));
        pair.run_until(start + HOUR);

        each_heard_only_what_the_other_said(&pair);
        for (a, b) in [(SERVER, CLIENT), (CLIENT, SERVER)] {
            assert_eq!(pair.ends[a].log.heard, pair.ends[b].log.sent);
            assert!(pair.ends[a].is_done && pair.ends[a].ws.was_clean());
        }
    });
}

/// A transport that dies in the opening handshake: both ends give it up at their deadline, not later.
#[test]
fn a_handshake_that_falls_silent_ends_at_its_deadline() {
    for after in common::thin(0..400, 100) {
        for (silent, end) in [([true, false], SERVER), ([false, true], CLIENT)] {
            let weather = silent
                .map(|silent| Weather { fault: silent.then_some((after, Fault::Silence)), ..Weather::FINE });
            let config = FREE.with_timeouts(PATIENT);
            let mut pair = Pair::new(Chance::seeded(after), 0, [config; 2], weather);
            let opened = open(&mut pair, Request::new("h", "/"), None);
            if opened.client == Some(Ok(None)) {
                assert_eq!(opened.server, Some(Ok(None)), "a client opens only what a server has accepted");
                assert!(pair.now < 100);
                continue;
            }
            assert_eq!(opened.client, Some(Err(Error::TimedOut)));
            match end {
                SERVER => assert_eq!(opened.server, Some(Ok(None)), "the request came, the response did not"),
                _ => assert_eq!(opened.server, Some(Err(Refusal::TimedOut))),
            }
            assert_eq!(pair.now, 10_000);
        }
    }
}
