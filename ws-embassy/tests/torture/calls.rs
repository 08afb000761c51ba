//! Each call of a transport fails, in turn and in every way: what holds of each fault.

use std::sync::atomic::{AtomicUsize, Ordering};

use embassy_time::Duration;
use embedded_io_async::ErrorKind;
use ws_embassy::{Error, Waited, ws_core};

use crate::common::frames::PING;
use crate::common::random::Random;
use crate::in_threads;
use crate::stage::{Outcome, Scene, run};
use crate::talks::SCENES;
use crate::wire::{Call, FOR_EVER, Fault, How};

/// All that a transport of `embedded-io` can say.
const KINDS: [ErrorKind; 18] = [
    ErrorKind::Other,
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::ConnectionRefused,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::NotConnected,
    ErrorKind::AddrInUse,
    ErrorKind::AddrNotAvailable,
    ErrorKind::BrokenPipe,
    ErrorKind::AlreadyExists,
    ErrorKind::InvalidInput,
    ErrorKind::InvalidData,
    ErrorKind::TimedOut,
    ErrorKind::Interrupted,
    ErrorKind::Unsupported,
    ErrorKind::OutOfMemory,
    ErrorKind::WriteZero,
];

#[test]
fn without_faults_each_conversation_comes_to_its_end() {
    for scene in SCENES {
        let smooth = run(scene, &[]);
        println!("{}: {} calls", scene.name, smooth.calls);
        assert_eq!(smooth.result, Ok(()), "{}: {smooth:?}", scene.name);
        assert!(smooth.is_done && smooth.calls > 4, "{}: {smooth:?}", scene.name);
        assert_eq!(smooth.took, Duration::MIN, "{}", scene.name);
    }
}

#[test]
fn what_is_no_failure_changes_nothing() {
    let hows = [(How::NotYet, 1), (How::NotYet, 3), (How::Short, 1), (How::Short, FOR_EVER), (How::Zero, 1)];
    torture("transient", each(&hows), |faults, outcome, smooth| {
        if faults[0].how == How::Zero && outcome.failed == [Call::Read] {
            return is_lost(outcome, smooth); // the peer has ended its direction
        }
        assert_eq!(outcome.result, Ok(()));
        assert_eq!(outcome.heard, smooth.heard);
        assert_eq!(outcome.said, smooth.said);
        assert_eq!(outcome.controls, smooth.controls);
        assert!(outcome.is_done && !outcome.is_torn && outcome.took < Duration::from_millis(10));
    });
}

#[test]
fn what_fails_ends_it_at_once_and_in_words() {
    let hows = KINDS.map(How::Kind);
    let hows: Vec<_> = hows.into_iter().flat_map(|how| [(how, 1), (how, FOR_EVER)]).collect();
    torture("errors", each(&hows), |faults, outcome, smooth| {
        is_lost(outcome, smooth);
        if let (Err(Error::Io(kind)), How::Kind(failed)) = (outcome.result, faults[0].how) {
            assert_eq!(kind, failed);
        }
    });
}

fn is_lost(outcome: &Outcome, smooth: &Outcome) {
    is_beginning(outcome, smooth);
    assert!(smooth.controls.starts_with(&outcome.controls));
    assert!(matches!(outcome.result, Ok(()) | Err(Error::Io(_) | Error::Lost)));
    assert_eq!(outcome.took, Duration::MIN);
}

/// Deadlines end it.
#[test]
fn who_is_never_ready_again_is_given_up() {
    let hows = [(How::Never, 1), (How::Never, FOR_EVER), (How::Stuck, 1), (How::Zero, FOR_EVER)];
    torture("never ready", each(&hows), |_, outcome, smooth| {
        is_beginning(outcome, smooth);
        is_in_time(outcome);
    });
}

/// Two at once, by chance: a reply that cannot be written while a read fails, a transport that is short of breath and then dies.
#[test]
fn two_faults_end_it_too() {
    let pairs = |scene: usize, calls: usize| {
        let mut random = Random::new(scene as u64);
        let mut fault = move || {
            let how = match random.below(6) {
                0 => How::Kind(KINDS[random.below(KINDS.len() as u64) as usize]),
                1 => How::Zero,
                2 => How::Short,
                3 => How::NotYet,
                4 => How::Never,
                _ => How::Stuck,
            };
            let times = if how == How::NotYet { 1 } else { [1, 2, FOR_EVER][random.below(3) as usize] };
            Fault { at: random.below(calls as u64) as usize, how, times }
        };
        (0..400).map(|_| vec![fault(), fault()]).collect()
    };
    torture("two faults", pairs, |_, outcome, smooth| {
        is_beginning(outcome, smooth);
        assert!(outcome.took <= Duration::from_secs(50)); // the heartbeat, twice a while for others
    });
}

/// What it came to is one deadline, or two: that of the opening handshake, and that of telling so; the heartbeat, and that of sending it.
fn is_in_time(outcome: &Outcome) {
    use ws_core::handshake::{client, server};
    let most = match outcome.result {
        Err(Error::TimedOut(Waited::Pong | Waited::Send)) => 40,
        Ok(()) => 30,
        Err(
            Error::Lost
            | Error::TimedOut(Waited::Close)
            | Error::Handshake(client::Error::TimedOut)
            | Error::Refusal(server::Refusal::TimedOut),
        ) => 10,
        _ => panic!("no deadline"),
    };
    assert!(outcome.took <= Duration::from_secs(most) + Duration::from_millis(10)); // who takes nothing takes time
}

/// What was handed out, and what was said, are beginnings of what they would have been; but for heartbeats, answers to what was not read,
/// and an apology.
fn is_beginning(outcome: &Outcome, smooth: &Outcome) {
    assert!(smooth.heard.starts_with(&outcome.heard));
    assert!(smooth.said.starts_with(&outcome.said));
    assert!(smooth.head.starts_with(&outcome.head) || outcome.head.starts_with("HTTP/1.1 408 "));
    let is_heartbeat = |(opcode, payload): &(u8, Vec<u8>)| *opcode == PING && payload != b"mine";
    let mut rest = smooth.controls.iter();
    let is_in_order = |control| is_heartbeat(control) || rest.any(|expected| expected == control);
    assert!(outcome.controls.iter().all(is_in_order));
}

/// Each fault at each call.
fn each(hows: &[(How, usize)]) -> impl Fn(usize, usize) -> Vec<Vec<Fault>> {
    |_, calls| {
        let at_each = |&(how, times)| (0..calls).map(move |at| vec![Fault { at, how, times }]);
        hows.iter().flat_map(at_each).collect()
    }
}

/// Runs each conversation with all faults that `faults` makes of its number and how many calls it has, and checks what comes of it.
fn torture(
    name: &str,
    faults: impl Fn(usize, usize) -> Vec<Vec<Fault>>,
    check: impl Fn(&[Fault], &Outcome, &Outcome) + Sync,
) {
    let smooth: Vec<_> = SCENES.iter().map(|scene| run(scene, &[])).collect();
    let mut jobs: Vec<(&Scene, Vec<Fault>, &Outcome)> = Vec::new();
    for (number, smooth) in smooth.iter().enumerate() {
        jobs.extend(faults(number, smooth.calls).into_iter().map(|faults| (&SCENES[number], faults, smooth)));
    }
    let struck = AtomicUsize::new(0);
    in_threads(
        jobs,
        |(scene, faults, _)| format!("{} {faults:?}: {:?}", scene.name, run(scene, faults)),
        |(scene, faults, smooth)| {
            let outcome = run(scene, faults);
            if !outcome.failed.is_empty() {
                struck.fetch_add(1, Ordering::Relaxed);
                check(faults, &outcome, smooth);
            }
        },
    );
    let struck = struck.into_inner();
    println!("{name}: {struck} runs");
    assert!(struck > 1000, "hardly any call has failed: {struck}");
}
