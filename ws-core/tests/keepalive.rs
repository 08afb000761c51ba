//! Heartbeat and deadlines of an open connection, by a virtual clock: from tick 0 on, and from 10 s before the 32-bit
//! tick wraps. Those of the opening handshake are in `deadlines.rs`.

mod common;

use common::{Driver, ENDS, End, FREE, Rng, Seen, at, few, incoming, ms};
use ws_core::{Duration, Event, Input, Instant, Kind, Output, ReadyState, TimedOut, Timeouts};

/// When tests begin.
const STARTS: [u64; 2] = [0, (1 << 32) - 10_000];

/// Both roles, from both starts.
fn everywhere() -> impl Iterator<Item = (End, u64)> {
    ENDS.into_iter().flat_map(|end| STARTS.map(|start| (end, start)))
}

/// A connection, and a clock that counts from its start.
struct Timed {
    driver: Driver,
    start: u64,
}

impl Timed {
    fn new(end: End, start: u64, timeouts: Timeouts) -> Self {
        Self { driver: Driver::starting(end, FREE.with_timeouts(timeouts), at(start)), start }
    }

    fn t(&self, millis: u64) -> Instant {
        at(self.start + millis)
    }

    /// Says that it is `millis`, and transmits what is due.
    fn tick(&mut self, millis: u64) {
        let now = self.t(millis);
        self.driver.ws.handle_timeout(now);
        self.driver.flush();
    }

    #[track_caller]
    fn polls(&self, millis: u64) {
        assert_eq!(self.driver.ws.poll_timeout(), Some(self.t(millis)));
    }

    /// How many Pings went out, and the payload of the last.
    fn pings(&self) -> (usize, Vec<u8>) {
        let pings = self.driver.replies().into_iter().filter(|(b0, _)| *b0 == 0x89);
        let bodies: Vec<_> = pings.map(|(_, payload)| payload).collect();
        (bodies.len(), bodies.last().cloned().unwrap_or_default())
    }

    /// The peer answers the last Ping.
    fn pong(&mut self) {
        let (_, body) = self.pings();
        self.driver.frame(0x8a, &body);
    }

    #[track_caller]
    fn is_given_up(&self, why: TimedOut) {
        assert_eq!(self.driver.ws.timed_out(), Some(why));
        assert_eq!(self.driver.ws.ready_state(), ReadyState::Closed);
        assert_eq!(self.driver.ws.poll_timeout(), None);
    }

    #[track_caller]
    fn is_alive(&self) {
        assert_eq!(self.driver.ws.timed_out(), None);
        assert_ne!(self.driver.ws.ready_state(), ReadyState::Closed);
    }
}

const PING: Timeouts = Timeouts { ping: ms(3000), pong: ms(1000), idle: Duration::ZERO, close: ms(5000) };

#[test]
fn a_ping_goes_out_at_each_interval() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        for n in 1..=10 {
            timed.polls(n * 3000);
            timed.tick(n * 3000 - 1);
            assert_eq!(timed.pings().0 as u64, n - 1);
            timed.tick(n * 3000);
            assert_eq!(timed.pings().0 as u64, n);
            timed.polls(n * 3000 + 1000);
            timed.tick(n * 3000 + 500);
            timed.pong();
        }
        timed.is_alive();
    }
}

#[test]
fn a_peer_without_a_pong_is_given_up() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        timed.tick(3000);
        timed.tick(3999);
        timed.driver.frame(0x82, b"data is no Pong");
        timed.is_alive();
        timed.tick(4000);
        timed.is_given_up(TimedOut::Pong);
        timed.pong();
        timed.tick(9000);
        timed.is_given_up(TimedOut::Pong);
    }
}

#[test]
fn a_pong_with_another_payload_does_not_count() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        timed.tick(3000);
        let (_, body) = timed.pings();
        assert_eq!(body.len(), 4);
        let longer = [&body[..], b"\0"].concat();
        let other: Vec<u8> = body.iter().map(|b| !b).collect();
        for wrong in [&b""[..], &body[..3], &longer, &other, b"unasked"] {
            timed.driver.frame(0x8a, wrong);
        }
        assert_eq!(timed.driver.seen.len(), 5, "they are told all the same");
        assert_eq!(timed.driver.ws.round_trip(), None);
        timed.polls(4000);
        timed.tick(4000);
        timed.is_given_up(TimedOut::Pong);
    }
}

#[test]
fn a_pong_before_its_ping_does_not_count() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        let body = ((start + 3000) as u32).to_be_bytes();
        timed.driver.frame(0x8a, &body);
        let now = timed.t(3000);
        timed.driver.ws.handle_timeout(now);
        timed.driver.receive(&incoming(end, 0x8a, &body)); // the Ping is owed, and not out yet
        timed.driver.flush();
        assert_eq!(timed.pings(), (1, body.to_vec()));
        assert_eq!(timed.driver.ws.round_trip(), None);
        timed.tick(4000);
        timed.is_given_up(TimedOut::Pong);
    }
}

#[test]
fn a_pong_to_an_earlier_ping_does_not_count() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, Timeouts { pong: Duration::ZERO, ..PING });
        timed.tick(3000);
        let (_, first) = timed.pings();
        timed.tick(6000);
        timed.tick(6100);
        timed.driver.frame(0x8a, &first);
        assert_eq!(timed.driver.ws.round_trip(), None);
        timed.pong();
        assert_eq!(timed.driver.ws.round_trip(), Some(ms(100)));
        timed.is_alive();
    }
}

#[test]
fn a_pong_may_come_up_to_the_deadline() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        timed.tick(3000);
        timed.tick(3999);
        timed.pong();
        timed.tick(4000);
        timed.is_alive();
        timed.polls(6000);
        // And what came while the caller was away counts, however late it is received.
        timed.tick(6000);
        let late = timed.t(60_000);
        timed.driver.ws.set_time(late);
        timed.pong();
        timed.tick(60_000);
        timed.is_alive();
        assert_eq!(timed.driver.ws.round_trip(), Some(ms(54_000)));
    }
}

#[test]
fn the_round_trip_is_that_of_the_latest_heartbeat() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        assert_eq!(timed.driver.ws.round_trip(), None);
        for (n, trip) in [(1, 0), (2, 1), (3, 250), (4, 999), (5, 7)] {
            timed.tick(n * 3000);
            timed.tick(n * 3000 + trip);
            timed.pong();
            assert_eq!(timed.driver.ws.round_trip(), Some(ms(trip as u32)));
            timed.pong();
            assert_eq!(timed.driver.ws.round_trip(), Some(ms(trip as u32)), "an answer counts once");
        }
    }
}

#[test]
fn pings_of_the_application_are_not_heartbeats() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        timed.driver.drain(|ws, out| ws.ping(b"mine", out).unwrap());
        timed.polls(3000);
        timed.driver.frame(0x8a, b"mine");
        assert_eq!(timed.driver.seen, [Seen::Pong(b"mine".to_vec())]);
        assert_eq!(timed.driver.ws.round_trip(), None);
        timed.polls(3000);
    }
}

/// Nobody transmits: a peer that takes nothing is as good as gone.
#[test]
fn a_heartbeat_that_does_not_go_out_is_missed_too() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        let (due, late) = (timed.t(3000), timed.t(4000));
        timed.driver.ws.handle_timeout(due);
        assert!(timed.driver.ws.wants_transmit());
        timed.polls(4000);
        timed.driver.ws.handle_timeout(late);
        timed.is_given_up(TimedOut::Pong);
    }
}

/// Inside a frame that was begun no Ping can go out, so none is missed.
#[test]
fn a_heartbeat_waits_for_the_end_of_a_frame_begun() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        timed.driver.drain(|ws, out| ws.begin(Kind::Binary, 10, true, out).unwrap());
        assert_eq!(timed.driver.ws.poll_timeout(), None);
        let late = timed.t(60_000);
        timed.driver.ws.handle_timeout(late);
        assert_eq!(timed.driver.ws.timed_out(), None);
        assert!(!timed.driver.ws.wants_transmit());
        let mut payload = &[7; 10][..];
        timed.driver.drain(|ws, out| ws.payload(&mut payload, out).unwrap());
        assert!(timed.driver.ws.poll_timeout().is_some_and(|due| late.has_reached(due)), "due at once");
        timed.driver.ws.handle_timeout(late);
        assert!(timed.driver.ws.wants_transmit());
        timed.polls(61_000);
    }
}

/// Nor can the Pong to a Ping of the peer's, behind which the one that is awaited may have come.
#[test]
fn a_pong_counts_behind_a_ping_that_is_answered_after_the_frame_begun() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        timed.tick(3000);
        let (_, body) = timed.pings();
        let ws = &mut timed.driver.ws;
        let (mut buf, mut payload) = ([0; 64], &[7; 10][..]);
        assert_eq!(ws.begin(Kind::Binary, 10, true, &mut Output::new(&mut buf)), Ok(true));
        let mut wire = [incoming(end, 0x89, b"x"), incoming(end, 0x8a, &body)].concat();
        let mut input = Input::new(&mut wire);
        assert_eq!((ws.receive(&mut input), ws.receive(&mut input)), (Ok(Some(Event::Ping)), Ok(None)));
        assert_eq!(ws.poll_timeout(), None);
        ws.handle_timeout(at(start + 60_000));
        assert_eq!(ws.timed_out(), None);
        assert_eq!(ws.payload(&mut payload, &mut Output::new(&mut buf)), Ok(true));
        ws.transmit(&mut Output::new(&mut buf));
        assert_eq!(ws.receive(&mut input), Ok(Some(Event::Pong)));
        assert_eq!(ws.round_trip(), Some(ms(57_000)));
        timed.tick(60_000);
        timed.is_alive();
    }
}

#[test]
fn only_bytes_from_the_peer_put_the_idle_deadline_off() {
    for (end, start) in everywhere() {
        let idle = Timeouts { idle: ms(4000), ..Timeouts::OFF };
        let mut timed = Timed::new(end, start, idle);
        timed.polls(4000);
        let mut now = 0;
        let long = incoming(end, 0x82, &[7; 200]);
        for piece in [&incoming(end, 0x8a, b"")[..], &incoming(end, 0x89, b"x"), &long[..1], &long[1..]] {
            now += 3999;
            timed.tick(now);
            timed.driver.feed(piece);
            timed.polls(now + 4000);
        }
        now += 3000;
        timed.tick(now);
        timed.driver.send(Kind::Text, b"what we send does not count", true);
        timed.driver.receive(b"");
        timed.polls(now + 1000);
        timed.tick(now + 999);
        timed.is_alive();
        timed.tick(now + 1000);
        timed.is_given_up(TimedOut::Idle);
    }
}

#[test]
fn the_earlier_of_two_deadlines_is_asked_for() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, Timeouts { idle: ms(3500), ..PING });
        timed.polls(3000);
        timed.tick(3000);
        timed.polls(3500);
        timed.driver.feed(&incoming(end, 0x82, b"x")[..1]);
        timed.polls(4000);
        timed.tick(4000);
        timed.is_given_up(TimedOut::Pong);
        let mut timed = Timed::new(end, start, Timeouts { idle: ms(3500), ..PING });
        timed.tick(3000);
        timed.tick(3500);
        timed.is_given_up(TimedOut::Idle);
    }
}

#[test]
fn closing_has_its_own_deadline_and_no_other() {
    for (end, start) in everywhere() {
        for who in 0..3 {
            let mut timed = Timed::new(end, start, Timeouts { idle: ms(8000), ..PING });
            timed.tick(3000);
            timed.tick(3500);
            match who {
                0 => timed.driver.close(1000, ""),
                1 => _ = timed.driver.frame(0x88, b"\x03\xe8"),
                _ => _ = timed.driver.frame(0x83, b""),
            }
            assert_eq!(timed.driver.ws.ready_state(), ReadyState::Closing);
            timed.polls(8500);
            timed.tick(8499);
            timed.is_alive();
            assert_eq!(timed.pings().0, 1, "no heartbeat any more");
            timed.tick(8500);
            timed.is_given_up(TimedOut::Close);
        }
        let mut timed = Timed::new(end, start, PING);
        timed.driver.close(1000, "");
        timed.driver.ws.receive_eof();
        assert_eq!(timed.driver.ws.poll_timeout(), None, "the end of the transport ends it");
        timed.tick(50_000);
        assert_eq!(timed.driver.ws.timed_out(), None);
    }
}

#[test]
fn a_heartbeat_that_was_due_is_dropped_at_a_close() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, PING);
        let due = timed.t(3000);
        timed.driver.ws.handle_timeout(due);
        timed.driver.frame(0x88, b"\x03\xe8");
        assert_eq!(timed.driver.replies(), [(0x88, b"\x03\xe8".to_vec())]);
        // One of which a part is out already goes out whole.
        let mut timed = Timed::new(end, start, PING);
        timed.driver.ws.handle_timeout(due);
        let mut buf = [0; 1];
        let mut out = Output::new(&mut buf);
        assert_eq!(timed.driver.ws.transmit(&mut out), 1);
        timed.driver.sent.extend(out.filled());
        timed.driver.receive(&incoming(end, 0x88, b"\x03\xe8"));
        let both = 2 * (2 + end.key_len()) + 4 + 2;
        assert_eq!(timed.driver.ws.buffered_amount(), both as u64 - 1);
        timed.driver.flush();
        let opcodes: Vec<_> = timed.driver.replies().iter().map(|(b0, _)| *b0).collect();
        assert_eq!(opcodes, [0x89, 0x88]);
    }
}

#[test]
fn a_heartbeat_that_is_half_out_is_not_overtaken_by_the_next() {
    for (end, start) in everywhere() {
        let mut timed = Timed::new(end, start, Timeouts { pong: Duration::ZERO, ..PING });
        let (due, next) = (timed.t(3000), timed.t(6000));
        timed.driver.ws.handle_timeout(due);
        let mut buf = [0; 10];
        let mut out = Output::new(&mut buf[..4 + end.key_len()]);
        assert_eq!(timed.driver.ws.transmit(&mut out), 4 + end.key_len());
        timed.driver.sent.extend(out.filled());
        assert_eq!(timed.driver.ws.poll_timeout(), None, "it is out first");
        timed.driver.ws.handle_timeout(next);
        timed.driver.flush();
        assert_eq!(timed.pings(), (1, due.millis().to_be_bytes().to_vec()));
        timed.polls(6000);
    }
}

#[test]
fn what_is_switched_off_never_happens() {
    for (end, start) in everywhere() {
        for timeouts in [Timeouts::OFF, Timeouts { pong: ms(1), ..Timeouts::OFF }] {
            let mut timed = Timed::new(end, start, timeouts);
            for n in 0..200 {
                assert_eq!(timed.driver.ws.poll_timeout(), None);
                timed.tick(n * 10_000_000);
            }
            timed.driver.close(1000, "");
            timed.tick(2_001_000_000);
            assert_eq!(timed.driver.ws.poll_timeout(), None);
            timed.is_alive();
            assert_eq!(timed.driver.replies().len(), 1, "the Close and nothing else");
        }
        let mut timed = Timed::new(end, start, Timeouts { pong: Duration::ZERO, ..PING });
        (1..20).for_each(|n| timed.tick(n * 3000));
        timed.is_alive();
        assert_eq!(timed.pings().0, 19, "Pings without a deadline for their Pongs");
    }
}

#[test]
fn the_longest_times_do_not_pass_early() {
    for (end, start) in everywhere() {
        let longest = Timeouts { ping: Duration::MAX, idle: Duration::MAX, ..PING };
        let mut timed = Timed::new(end, start, longest);
        let last = u64::from(Duration::MAX.millis());
        timed.polls(last);
        for now in [1, last / 2, last - 1] {
            timed.tick(now);
            timed.is_alive();
            assert_eq!(timed.pings().0, 0);
        }
        // What is due already comes before them.
        let mut timed = Timed::new(end, start, Timeouts { idle: Duration::MAX, ..PING });
        timed.driver.ws.set_time(at(start + 3010));
        timed.driver.receive(&incoming(end, 0x82, b"x"));
        timed.polls(3000);
    }
}

/// Something happens to a connection, by chance; the same for the same number.
fn happen(timed: &mut Timed, choice: usize) {
    match choice {
        0 => timed.pong(),
        1 => _ = timed.driver.frame(0x8a, b"unasked"),
        2 => _ = timed.driver.frame(0x89, b"ping"),
        3 => _ = timed.driver.frame(0x82, b"data"),
        4 if timed.driver.ws.is_sendable() => timed.driver.send(Kind::Text, b"x", true),
        5 if timed.driver.ws.is_sendable() => timed.driver.close(1000, ""),
        6 => _ = timed.driver.frame(0x88, b"\x03\xe8"),
        _ => {}
    }
}

#[test]
fn calls_that_nobody_asked_for_change_nothing() {
    let timeouts = Timeouts { ping: ms(3000), pong: ms(2500), idle: ms(7000), close: ms(2000) };
    for round in 0..few(400, 2) {
        let (end, start) = everywhere().nth(round % 4).unwrap();
        let mut rng = Rng(round as u64);
        let (mut calm, mut restless) = (Timed::new(end, start, timeouts), Timed::new(end, start, timeouts));
        for now in (0..30_000).step_by(100) {
            restless.tick(now);
            restless.tick(now);
            let is_due = calm.driver.ws.poll_timeout().is_some_and(|moment| calm.t(now).has_reached(moment));
            let choice = if rng.one_in(8) { rng.below(if now < 15_000 { 5 } else { 7 }) } else { 9 };
            if is_due {
                calm.tick(now);
            } else if choice < 9 {
                let moment = calm.t(now);
                calm.driver.ws.set_time(moment);
            }
            // A frame behind the end is of no interest, and `Driver` allows none behind an error.
            if calm.driver.ws.timed_out().is_none() {
                happen(&mut calm, choice);
                happen(&mut restless, choice);
            }
            let of = |timed: &Timed| {
                let ws = &timed.driver.ws;
                (ws.poll_timeout(), ws.timed_out(), ws.round_trip(), ws.ready_state())
            };
            assert_eq!(of(&calm), of(&restless), "round {round} at {now}");
        }
        assert_eq!(calm.driver.sent, restless.driver.sent, "round {round}");
    }
}

#[test]
fn what_is_asked_for_lies_ahead() {
    let mut rng = Rng(3);
    for round in 0..few(400, 2) {
        let (end, start) = everywhere().nth(round % 4).unwrap();
        let time =
            |rng: &mut Rng| if rng.one_in(4) { Duration::ZERO } else { ms(1 + rng.below(5000) as u32) };
        let timeouts = Timeouts {
            ping: time(&mut rng),
            pong: time(&mut rng),
            idle: time(&mut rng),
            close: time(&mut rng),
        };
        let mut timed = Timed::new(end, start, timeouts);
        let mut now = 0;
        for _ in 0..100 {
            now += rng.below(2000) as u64;
            let moment = timed.t(now);
            timed.driver.ws.handle_timeout(moment);
            let ahead =
                |timed: &Timed| timed.driver.ws.poll_timeout().is_none_or(|next| !moment.has_reached(next));
            assert!(ahead(&timed), "{timeouts:?}: a call at {now} left something due");
            if !rng.one_in(4) {
                timed.driver.flush();
            }
            happen(&mut timed, rng.below(9));
        }
    }
}
