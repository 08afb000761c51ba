//! Who is let in, and who gives way, beside a plain list of the same.

use crate::server::at;
use proptest::prelude::*;
use std::cmp::Reverse;
use ws_core::transport::{Budget, Use};
use ws_core::{Duration, Instant};

const USES: [Use; 9] = [
    Use::Listening,
    Use::Idle,
    Use::Silent,
    Use::Closing,
    Use::Reading,
    Use::Poll,
    Use::Answering,
    Use::Stream,
    Use::WebSocket,
];

fn is_long(r#use: Use) -> bool {
    matches!(r#use, Use::Poll | Use::Stream | Use::WebSocket)
}

/// How long it may be so, in milliseconds.
fn patience(r#use: Use) -> Option<u64> {
    match r#use {
        Use::Idle => Some(0),
        Use::Silent | Use::Closing | Use::Reading | Use::Poll => Some(1000),
        Use::Listening | Use::Answering | Use::Stream | Use::WebSocket => None,
    }
}

#[test]
fn the_last_of_those_that_may_be_held_is_for_a_websocket() {
    let mut budget = Budget::<6>::new(4);
    for place in 0..3 {
        let kind = if place == 1 { Use::Poll } else { Use::Stream };
        assert!(budget.enter(place, kind, at(0)));
    }
    assert!(!budget.enter(3, Use::Stream, at(0)) && !budget.enter(3, Use::Poll, at(0)));
    assert_eq!(budget.count(Use::Answering), 3, "nothing has changed");
    let uses = [Use::Stream, Use::Poll, Use::Stream, Use::Answering, Use::Answering, Use::Answering];
    assert_eq!((0..7).map_while(|place| budget.use_of(place)).collect::<Vec<_>>(), uses);
    assert!(budget.enter(0, Use::Poll, at(0)), "in its own place");
    assert!(budget.enter(3, Use::WebSocket, at(0)));
    assert!(!budget.enter(4, Use::WebSocket, at(0)) && !budget.enter(4, Use::Stream, at(0)));
    assert!(budget.enter(4, Use::Answering, at(0)), "a 503, or a page");
    // WebSockets may hold all of them; then no stream comes in.
    assert!(budget.enter(0, Use::Idle, at(0)) && budget.enter(4, Use::WebSocket, at(0)));
    assert!(!budget.enter(0, Use::Stream, at(0)));
    for held in 0..2 {
        let mut budget = Budget::<6>::new(held);
        assert!(!budget.enter(0, Use::Stream, at(0)), "the only one is for a WebSocket");
        assert_eq!(budget.enter(0, Use::WebSocket, at(0)), held == 1);
    }
}

#[test]
fn what_is_worth_least_goes_first() {
    let mut budget = Budget::<6>::new(4);
    for (place, kind) in
        [Use::Poll, Use::Reading, Use::Silent, Use::Idle, Use::Stream, Use::Answering].into_iter().enumerate()
    {
        assert!(budget.enter(place, kind, at(5000)));
    }
    let leaves = |budget: &Budget<6>| (0..6).map(|place| budget.leaves(place)).collect::<Vec<_>>();
    assert_eq!(leaves(&budget), [None, None, None, Some(at(5000)), None, None]);
    assert!(budget.enter(3, Use::Answering, at(5000)));
    assert_eq!(leaves(&budget), [None, None, Some(at(6000)), None, None, None]);
    assert!(budget.enter(2, Use::Poll, at(5000)));
    assert_eq!(leaves(&budget), [None, Some(at(6000)), None, None, None, None]);
    assert!(budget.enter(1, Use::Stream, at(5000)) || budget.enter(1, Use::WebSocket, at(5000)));
    assert_eq!(leaves(&budget), [None, None, Some(at(6000)), None, None, None], "the later socket");
    assert!(budget.enter(5, Use::Listening, at(6000)));
    assert_eq!(leaves(&budget), [None; 6], "while one listens, nobody has to");
}

#[test]
fn a_place_that_is_none_is_never_let_in() {
    let mut budget = Budget::<2>::new(2);
    for place in [2, 3, usize::MAX] {
        for kind in USES {
            assert!(!budget.enter(place, kind, at(0)));
        }
        assert_eq!((budget.leaves(place), budget.use_of(place)), (None, None));
    }
    assert!(budget.enter(1, Use::Idle, at(0)));
    assert_eq!((budget.use_of(0), budget.use_of(1)), (Some(Use::Answering), Some(Use::Idle)));
    assert!(budget.enter(1, Use::Answering, at(0)));
    assert_eq!(budget.count(Use::Answering), 2);
    let mut none = Budget::<0>::new(9);
    assert!(!none.enter(0, Use::Idle, at(0)) && none.leaves(0).is_none());
}

/// Three moments, each more than half of the tick behind the one before: none of them may wait for another for ever.
#[test]
fn one_gives_way_however_far_apart_the_moments_are() {
    const DAY: u64 = 24 * 3600 * 1000;
    let mut budget = Budget::<3>::new(2);
    for (place, day) in [0, 16, 32].into_iter().enumerate() {
        assert!(budget.enter(place, Use::Idle, at(day * DAY)));
    }
    let now = at(32 * DAY);
    let leaves: Vec<_> = (0..3).map(|place| budget.leaves(place)).collect();
    assert_eq!(leaves, [Some(now), None, None], "the oldest, and at once");
    assert!(leaves[0].is_some_and(|end| now.has_reached(end)));
}

proptest! {
    #![proptest_config(crate::cases::cases(512))]

    /// Random uses of six sockets, over at most 40 days.
    #[test]
    fn any_uses(
        held in 0..7usize,
        acts in prop::collection::vec((0..7usize, 0..9usize, prop_oneof![9 => 0..1500u64, 1 => 0..80_000_000u64]), 0..40),
    ) {
        let mut budget = Budget::<6>::new(held);
        let (mut model, mut now) = ([(Use::Answering, 0u64); 6], 0);
        for (place, kind, pause) in acts {
            now += pause;
            let kind = USES[kind];
            let others = |is: &dyn Fn(Use) -> bool| {
                model.iter().enumerate().filter(|(other, (kind, _))| *other != place && is(*kind)).count()
            };
            let streams = others(&|kind| matches!(kind, Use::Poll | Use::Stream));
            let is_let_in = match kind {
                _ if place >= 6 => false,
                Use::WebSocket => others(&is_long) < held,
                Use::Poll | Use::Stream => others(&is_long) < held && streams + 1 < held,
                _ => true,
            };
            prop_assert_eq!(budget.enter(place, kind, at(now)), is_let_in);
            if is_let_in {
                model[place] = (kind, now);
            }
            let count = |is: &dyn Fn(Use) -> bool| model.iter().filter(|(kind, _)| is(*kind)).count();
            prop_assert!(count(&is_long) <= held);
            prop_assert!(count(&|kind| matches!(kind, Use::Poll | Use::Stream)) <= held.saturating_sub(1));
            for kind in USES {
                prop_assert_eq!(budget.count(kind), count(&|other| other == kind));
            }
            let first = model
                .iter()
                .enumerate()
                .filter_map(|(place, (kind, since))| Some((since + patience(*kind)?, *kind, Reverse(place))))
                .min()
                .filter(|_| count(&|kind| kind == Use::Listening) == 0);
            let leaves: Vec<Option<Instant>> = (0..6).map(|place| budget.leaves(place)).collect();
            for (place, leaves) in leaves.iter().enumerate() {
                let expected = first.filter(|(.., Reverse(first))| *first == place);
                prop_assert_eq!(leaves.is_some(), expected.is_some(), "{:?} in {:?}", place, model);
                if let (Some(leaves), Some((end, ..))) = (leaves, expected) {
                    let is_far = now + 1000 - end > u64::from(Duration::MAX.millis());
                    prop_assert_eq!(*leaves, at(if is_far { now } else { end }));
                    prop_assert_eq!(at(now).has_reached(*leaves), now >= end);
                }
            }
        }
    }
}
