//! Each call of a stream fails, in turn and in every way, under each kind of conversation: nothing panics and nothing goes on for ever;
//! who called is told in a typed error, or all ended well; the stream is given up, and no session stays taken; what was handed out is
//! whole; another connection of the same hub goes on being served. And what is no failure, a call that is interrupted, or not ready, or
//! does a part of what it should, changes nothing at all.
//!
//! | file | what |
//! | --- | --- |
//! | `wire.rs` | the stream, on which one call fails, and its peer |
//! | `stage.rs` | one run of a conversation, and what is left of it; the other connection |
//! | `websocket.rs`, `http.rs`, `push.rs` | the conversations |
//! | here | which faults there are, and what holds of each |
//!
//! Not here: streams that fail at a byte rather than at a call, and callers that call again, in `../interrupted`; real sockets of a
//! real system, in `.ci/torture`.

#[path = "../common/mod.rs"]
mod common;

mod http;
mod push;
mod stage;
mod websocket;
mod wire;

use stage::{Outcome, Scene, run};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use wire::{Call, Fault, How};
use ws_std::{Error, Waited};

/// Calls that come beyond those of a run without faults: two threads do not always make as many.
const FURTHER: usize = 8;

const FOR_EVER: usize = usize::MAX;

/// Numbers of errors on Linux: too many descriptors, no memory, and a peer that the system has given up.
const SYSTEM: [i32; 3] = [24, 12, 110];

fn scenes() -> impl Iterator<Item = &'static Scene> {
    [websocket::SCENES, http::SCENES, push::SCENES].into_iter().flatten()
}

#[test]
fn without_faults_each_conversation_comes_to_its_end() {
    for scene in scenes() {
        let smooth = run(scene, None, false);
        println!("{}: {} calls", scene.name, smooth.left.calls);
        assert!(
            matches!(smooth.result, Ok(())),
            "{}: {:?} {:?} {}",
            scene.name,
            smooth.result,
            smooth.heard,
            smooth.text()
        );
        assert!(
            smooth.left.is_done,
            "{}: {:?} {:?} {}",
            scene.name,
            smooth.result,
            smooth.heard,
            smooth.text()
        );
        assert!(
            smooth.left.calls > 5,
            "{}: {:?} {:?} {}",
            scene.name,
            smooth.result,
            smooth.heard,
            smooth.text()
        );
        let again = run(scene, None, false);
        assert_eq!((again.said, again.heard), (smooth.said, smooth.heard), "{}", scene.name);
    }
}

#[test]
fn what_is_no_failure_changes_nothing() {
    let hows = [
        (How::Kind(ErrorKind::Interrupted), 1),
        (How::Kind(ErrorKind::Interrupted), 3),
        (How::Kind(ErrorKind::WouldBlock), 1),
        (How::Kind(ErrorKind::TimedOut), 1),
        (How::Short, 1),
        (How::Short, FOR_EVER),
    ];
    torture("transient", &hows, false, 4, |at, outcome, smooth| {
        let left = &outcome.left;
        if !left.faults.contains(&Call::Setting) {
            assert!(outcome.result.is_ok(), "{at}: {:?}", outcome.result);
            assert_eq!(outcome.heard, smooth.heard, "{at}");
            assert!(outcome.said == smooth.said, "{at}: {}", outcome.text());
            assert!(left.is_done, "{at}");
        } else {
            is_typed_and_cut(at, outcome, smooth);
        }
    });
}

#[test]
fn what_fails_once_ends_in_peace_or_in_words() {
    let kinds = [
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
        ErrorKind::ConnectionAborted,
        ErrorKind::OutOfMemory,
        ErrorKind::UnexpectedEof,
    ];
    let hows = kinds.map(How::Kind).into_iter().chain(SYSTEM.map(How::System)).chain([How::Zero]);
    let hows: Vec<_> = hows.map(|how| (how, 1)).collect();
    torture("once", &hows, false, 4, is_typed_and_cut);
}

#[test]
fn what_fails_for_good_ends_in_peace_or_in_words() {
    let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::OutOfMemory];
    let mut hows = kinds.map(|kind| (How::Kind(kind), FOR_EVER)).to_vec();
    hows.push((How::Zero, FOR_EVER));
    torture("for good", &hows, false, 4, is_typed_and_cut);
}

/// Deadlines end it.
#[test]
fn a_stream_that_is_never_ready_again_is_given_up() {
    let hows = [(How::Kind(ErrorKind::WouldBlock), FOR_EVER), (How::Kind(ErrorKind::TimedOut), FOR_EVER)];
    torture("never ready", &hows, true, 24, |at, outcome, smooth| {
        is_typed(at, outcome);
        is_beginning(at, outcome, smooth);
    });
}

/// A WebSocket of events needs another handle of its stream: where the system has none now it may have one later, where there is no such
/// thing there is no such WebSocket.
#[test]
fn without_another_handle_events_come_later_or_otherwise() {
    let scene = scenes().find(|scene| scene.name == "push.v1").unwrap();
    let calls = run(scene, None, false).left.calls;
    for (how, expected) in
        [(How::System(24), "HTTP/1.1 503 "), (How::Kind(ErrorKind::Unsupported), "HTTP/1.1 400 ")]
    {
        let outcomes = (0..calls).map(|at| run(scene, Some(Fault { at, how, times: 1 }), false));
        let answers: Vec<_> = outcomes
            .map(|outcome| outcome.text())
            .filter(|text| !text.starts_with("HTTP/1.1 101 "))
            .collect();
        let is_expected = |text: &String| text.is_empty() || text.starts_with(expected);
        assert!(answers.iter().all(is_expected), "{answers:?}");
        assert!(answers.iter().any(|text| text.starts_with(expected)), "{answers:?}");
    }
}

/// Runs each conversation with each fault at each call, in so many threads, and checks what comes of it.
fn torture(
    name: &str,
    hows: &[(How, usize)],
    is_hasty: bool,
    threads: usize,
    check: impl Fn(&str, &Outcome, &Outcome) + Sync,
) {
    let mut jobs = Vec::new();
    for scene in scenes() {
        let smooth = run(scene, None, false);
        for &(how, times) in hows {
            jobs.extend((0..smooth.left.calls + FURTHER).map(|at| (scene, Fault { at, how, times })));
        }
        jobs.reverse();
    }
    let smooth: Vec<_> = scenes().map(|scene| (scene.name, run(scene, None, false))).collect();
    let (jobs, faults) = (Mutex::new(jobs), AtomicUsize::new(0));
    let work = || {
        loop {
            let Some((scene, fault)) = jobs.lock().unwrap().pop() else { return };
            let at = format!("{} {fault:?}", scene.name);
            let (_, smooth) = smooth.iter().find(|(name, _)| *name == scene.name).unwrap();
            let checked = catch_unwind(AssertUnwindSafe(|| {
                let outcome = run(scene, Some(fault), is_hasty);
                if !outcome.left.faults.is_empty() {
                    faults.fetch_add(1, Ordering::Relaxed);
                }
                check(&at, &outcome, smooth);
            }));
            if let Err(panic) = checked {
                jobs.lock().unwrap().clear(); // one is enough
                eprintln!("at {at}");
                resume_unwind(panic);
            }
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let faults = faults.into_inner();
    println!("{name}: {faults} faults");
    assert!(faults > 1000, "hardly any call has failed: {faults}");
}

fn is_typed_and_cut(at: &str, outcome: &Outcome, smooth: &Outcome) {
    is_typed(at, outcome);
    is_beginning(at, outcome, smooth);
    let said = &outcome.said;
    assert!(smooth.said.starts_with(said) || outcome.has_apologised(smooth), "{at}: {}", outcome.text());
}

/// Who called was told what went wrong, and is not to call again.
fn is_typed(at: &str, outcome: &Outcome) {
    match &outcome.result {
        Ok(()) | Err(Error::Io(_) | Error::Lost | Error::Request(_)) => {}
        Err(Error::TimedOut(
            Waited::Handshake | Waited::Pong | Waited::Idle | Waited::Close | Waited::Send,
        )) => {}
        Err(error) => panic!("{at}: {error:?}"),
    }
}

/// What was handed out is whole, and in order.
fn is_beginning(at: &str, outcome: &Outcome, smooth: &Outcome) {
    assert!(smooth.heard.starts_with(&outcome.heard), "{at}: {:?}", outcome.heard);
}
