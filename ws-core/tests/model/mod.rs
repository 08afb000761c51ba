//! The closing handshake explored: a client and a server, which are the library's own, joined by two short queues, in every
//! order in which anything can happen. What an end does is in `end.rs`, what lies between them and what can happen is in
//! `pair.rs`; here is what has to hold in each state that is reached, and how far the search goes.
//!
//! It is a part of the library's unit tests, though it lies among the others: for there, and nowhere else, a connection can be
//! copied and compared with all that is in it (`cfg_attr(test, ..)` in `src/connection`). So two states are the same only if
//! nothing whatever can tell them apart, and none is missed because it looks like another. What the library reports would
//! not do: it does not show where in a header it is, for one.
//!
//! What makes the search finite: each application says little and closes once, each end has a clock of its own that stands
//! still but for its timers, keys do not change, and the transport breaks once.
//!
//! Inside a frame that was begun nothing else can go out, no heartbeat either, and so no timer of the connection may run. That such
//! an end does not wait for ever is for whoever drives it to see to, as both adapters do: here it gives up a transport that takes
//! nothing, in a while, wherever no other timer runs.
//!
//! `cargo test` searches a small part, in a second or two. More, and how many states there are, in some ten seconds:
//! `cargo test --release -p ws-core --lib model -- --nocapture --test-threads 1`; with `MODEL=whole` in front, all that is told
//! here at once, in some minutes.

mod end;
mod pair;

use crate::connection::TimedOut;
use end::{Seen, Setup};
use pair::{Action, Cut, Pair, Who};
use stateright::{Checker, Model, Property};
use std::println;
use std::vec::Vec;

/// A search: what the two ends may do.
struct Search {
    setup: Setup,
}

/// How far the searches go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Small,
    Medium,
    Whole,
}

fn size() -> Size {
    match std::env::var_os("MODEL") {
        Some(word) if word == "medium" => Size::Medium,
        Some(word) if word == "whole" => Size::Whole,
        Some(word) => panic!("MODEL is `medium`, `whole` or not there, not {word:?}"),
        None if cfg!(debug_assertions) => Size::Small,
        None => Size::Medium,
    }
}

/// What an end may do in each search; those below add to it.
const LEAST: Setup = Setup {
    says: 0,
    fragments: 0,
    frames: 0,
    pings: 0,
    beats: 0,
    idles: false,
    fails: false,
    lies: false,
    cuts: false,
    stalls: false,
    cuts_bytes: false,
};

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_with_messages_under_way() {
    let says = if size() == Size::Small { 1 } else { 2 };
    search("messages", Setup { says, cuts: true, cuts_bytes: size() == Size::Whole, ..LEAST });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_frames_cut_anywhere() {
    let is_small = size() == Size::Small;
    search("bytes", Setup { says: if is_small { 0 } else { 1 }, cuts: !is_small, cuts_bytes: true, ..LEAST });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_between_pings() {
    let is_small = size() == Size::Small;
    search("pings", Setup { pings: 1, cuts: !is_small, cuts_bytes: size() == Size::Whole, ..LEAST });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_between_heartbeats() {
    let beats = if size() == Size::Whole { 2 } else { 1 };
    search("heartbeats", Setup { beats, cuts: size() != Size::Small, ..LEAST });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_in_idle_time() {
    let says = if size() == Size::Medium { 0 } else { 1 };
    let is_small = size() == Size::Small;
    search("idle", Setup { says, beats: u8::from(!is_small), idles: true, cuts: !is_small, ..LEAST });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_inside_messages() {
    let pings = u8::from(size() == Size::Whole);
    search("fragments", Setup { says: 1, fragments: 1, pings, cuts: size() == Size::Medium, ..LEAST });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_inside_frames() {
    let says = u8::from(size() != Size::Small);
    let fragments = u8::from(size() == Size::Whole);
    search("frames", Setup { says, fragments, frames: 1, stalls: true, ..LEAST });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states, each a pair of connections")]
fn closing_by_force() {
    let is_whole = size() == Size::Whole;
    search(
        "refusals",
        Setup { fails: size() != Size::Small, lies: true, cuts: is_whole, cuts_bytes: is_whole, ..LEAST },
    );
}

fn search(name: &str, setup: Setup) {
    let begun = std::time::Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = Search { setup }.checker().threads(threads).spawn_bfs().join();
    checker.assert_properties();
    println!(
        "{name}: {} states, {} steps between them, the farthest {} from the beginning, in {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f32(),
    );
}

impl Model for Search {
    type State = Pair;
    type Action = (Who, Action);

    fn init_states(&self) -> Vec<Pair> {
        [Pair::new(self.setup)].into()
    }

    fn actions(&self, _: &Pair, actions: &mut Vec<Self::Action>) {
        for who in [Who::Server, Who::Client] {
            actions.extend(Action::ALL.into_iter().map(|action| (who, action)));
        }
    }

    fn next_state(&self, pair: &Pair, (who, action): Self::Action) -> Option<Pair> {
        let mut next = pair.clone();
        (next.act(who, action) && next != *pair).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        type Rule = Property<Search>;
        let mut properties: Vec<Rule> = [
            // Nothing is delivered behind a Close or an error; messages come in order; a Close is answered with its own
            // code, and nothing but Pongs goes out behind one; no call takes more than its steps.
            Rule::always("every step keeps the rules", |_, pair| pair.broken().is_none()),
            Rule::always("codes arrive as they were sent", |_, pair| {
                pair.each(|facts, peer| facts.close_received.is_none_or(|code| peer.close_sent == Some(code)))
            }),
            Rule::always("it was clean if and only if both Close frames have gone over", |_, pair| {
                pair.each(|facts, _| facts.was_clean == (facts.close_is_out && facts.close_is_in))
            }),
            Rule::always("no end waits for what never comes", |_, pair| {
                pair.each(|facts, _| !facts.is_stuck)
            }),
            Rule::always("an end that hears nothing any more ends in time", |_, pair| pair.ends_in_silence()),
            Rule::always("if all arrives, both ends end at once, and heard all that was said", |_, pair| {
                pair.ends_well()
            }),
            Rule::sometimes("both were clean", |_, pair| {
                pair.each(|facts, _| facts.was_clean && facts.is_done && !facts.has_given_up)
            }),
            Rule::sometimes("both closed at once", |_, pair| {
                pair.each(|facts, _| facts.was_clean && facts.was_first)
            }),
            Rule::sometimes("one has given up", |_, pair| !pair.each(|facts, _| !facts.has_given_up)),
        ]
        .into();
        if self.setup.lies {
            properties.push(Rule::sometimes("one has refused the other", |_, pair| {
                !pair.each(|facts, _| !matches!(facts.seen, Seen::Error(_)))
            }));
        }
        if self.setup.idles {
            properties.push(Rule::sometimes("one heard nothing for too long", |_, pair| {
                !pair.each(|facts, _| facts.timed_out != Some(TimedOut::Idle))
            }));
        }
        // The peer has to have said something before, for the other to be in the way of its frame.
        if self.setup.stalls && self.setup.frames > 0 && self.setup.says > 0 {
            properties.push(Rule::sometimes("both gave up inside frames that nobody took", |_, pair| {
                pair.each(|facts, _| facts.has_given_up && facts.is_in_frame)
            }));
        }
        if self.setup.cuts {
            properties.push(Rule::sometimes("a Close was lost", |_, pair| {
                pair.cut == Some(Cut::Silence)
                    && pair.each(|facts, _| facts.close_is_out && facts.is_done && !facts.was_clean)
            }));
        }
        properties
    }
}
