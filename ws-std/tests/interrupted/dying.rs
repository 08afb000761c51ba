//! The conversation over a stream that dies, breaks in one direction, or takes no more.

use crate::common::REQUEST;
use crate::common::frames::{Frame, PING, TEXT, decode, frame, said};
use crate::common::script::{Fault, Plan, Script};
use crate::conversation::{Seen, WHOLE, Way, each, expected, script, talk};
use crate::{ENDS, End, OPTIONS, accept, connect, kept};
use std::io::ErrorKind;
use std::time::Duration;
use ws_std::{Error, Event, Kind, Message, Options, Transport, Waited, WebSocket};

/// What was read before is right, what was said before is right up to the frame that was cut, and the call that could
/// not be done says so.
#[test]
fn a_stream_may_die_at_any_call() {
    each(|end, way, smooth| {
        let script = script(end, Plan::SMOOTH);
        talk(end, way, &script, &mut Vec::new()).unwrap();
        let last = script.calls();
        for k in 0..last {
            let faults = [
                Fault::Dead(k, ErrorKind::ConnectionReset),
                Fault::Dead(k, ErrorKind::BrokenPipe),
                Fault::Dead(k, ErrorKind::PermissionDenied),
                Fault::Empty(k),
            ];
            for fault in faults {
                let (result, seen) = run(end, way, Plan::SMOOTH.with(fault));
                let at = format!("{end:?} {way:?} {fault:?} of {last}: {result:?}");
                assert!(is_beginning(&seen.read, &smooth.read), "{at}");
                assert!(smooth.said.starts_with(&seen.said), "{at}");
                match result {
                    Ok(()) => assert_eq!(seen, *smooth, "{at}"),
                    Err(Error::Io(_) | Error::Lost) => {}
                    Err(error) => panic!("{at}: {error}"),
                }
            }
        }
    });
}

#[test]
fn what_came_before_the_stream_broke_is_read() {
    for end in ENDS {
        let smooth = script(end, Plan::SMOOTH);
        listen(end, &smooth, &mut Vec::new()).unwrap();
        let all = smooth.output().len();
        for k in (all - smooth.frames().len())..all {
            let script = script(end, Plan::SMOOTH.with(Fault::NoWrites(k, ErrorKind::BrokenPipe)));
            let mut read = Vec::new();
            let result = listen(end, &script, &mut read);
            assert!(matches!(result, Ok(())), "the peer has closed: {end:?} {k}: {result:?}");
            assert_eq!(read, expected(Way::Whole).read, "{end:?} {k}");
        }
    }
}

#[test]
fn a_stream_that_broke_without_a_close_says_how() {
    for end in ENDS {
        let mut input = vec![];
        for (b0, payload) in [(TEXT, b"one".as_slice()), (PING, b"?"), (TEXT, b"two")] {
            input.extend(frame(end == End::Server, b0, payload));
        }
        let smooth = script(end, Plan::SMOOTH);
        listen(end, &smooth, &mut Vec::new()).unwrap();
        let head = smooth.output().len() - smooth.frames().len();
        let plan = Plan::SMOOTH.with(Fault::NoWrites(head, ErrorKind::BrokenPipe));
        let script = match end {
            End::Client => Script::server(plan, input),
            End::Server => Script::new(plan, [REQUEST, &input].concat()),
        };
        let mut read = Vec::new();
        let result = listen(end, &script, &mut read);
        assert_eq!(read, [(TEXT, b"one".to_vec()), (TEXT, b"two".to_vec())], "{end:?}");
        assert!(
            matches!(&result, Err(Error::Io(error)) if error.kind() == ErrorKind::BrokenPipe),
            "{end:?}: {result:?}"
        );
    }
}

/// What the writer has encoded is thrown away by the reader that finds the stream broken: the writer is told, before the end and
/// behind it.
#[test]
fn a_writer_whose_words_were_thrown_away_is_told() {
    let smooth = Script::new(Plan::SMOOTH, REQUEST.to_vec());
    drop(accept(&smooth, OPTIONS).unwrap());
    let broken = Fault::NoWrites(smooth.output().len(), ErrorKind::BrokenPipe);
    let plan = Plan { read: 1, ..Plan::SMOOTH.with(broken) };
    let script = Script::new(plan, [REQUEST, &frame(true, TEXT, b"one")].concat());
    let (mut reader, mut writer) = accept(&script, OPTIONS).unwrap().split(script.clone());
    writer.feed(Kind::Text, &mut &b"x"[..], true).unwrap();
    assert_eq!(reader.read().unwrap(), Some(Message::Text("one")));
    let flushed = writer.flush();
    assert!(is_broken(&flushed), "{flushed:?}");
    let ended = reader.read().map(drop);
    assert!(is_broken(&ended), "{ended:?}");
    let flushed = writer.flush();
    assert!(is_broken(&flushed), "{flushed:?}");
}

fn is_broken(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Io(error)) if error.kind() == ErrorKind::BrokenPipe)
}

/// A call that sends a whole message does not say how far it came, so it may not end half-way and be made again. A peer
/// that takes nothing ends it all the same.
#[test]
fn a_whole_message_is_sent_or_the_peer_is_given_up() {
    let options = Options { send_timeout: Duration::from_millis(100), ..OPTIONS };
    for end in ENDS {
        let smooth = script(end, Plan::SMOOTH);
        listen(end, &smooth, &mut Vec::new()).unwrap();
        let head = smooth.output().len() - smooth.frames().len();
        for is_split in [false, true] {
            let script = script(end, Plan::SMOOTH.with(Fault::NoWrites(head + 300, ErrorKind::WouldBlock)));
            let result = match end {
                End::Client => insist(connect(&script, options).unwrap(), is_split, &script),
                End::Server => insist(accept(&script, options).unwrap(), is_split, &script),
            };
            assert!(matches!(result, Err(Error::TimedOut(Waited::Send))), "{end:?} {is_split}: {result:?}");
            assert_eq!(script.frames().len(), 300, "what the peer took");
        }
    }
}

fn insist<R: ws_core::Role>(
    mut ws: WebSocket<Script, R>,
    is_split: bool,
    script: &Script,
) -> Result<(), Error> {
    match is_split {
        false => ws.send_binary(&WHOLE),
        true => ws.split(script.clone()).1.send_binary(&WHOLE),
    }
}

/// `some` messages are the first of `all`; the last one may be cut.
fn is_beginning(some: &[Frame], all: &[Frame]) -> bool {
    let Some(((b0, cut), whole)) = some.split_last() else { return true };
    all.starts_with(whole)
        && all.get(whole.len()).is_some_and(|(all_b0, all)| b0 == all_b0 && all.starts_with(cut))
}

/// Runs a conversation that may be cut.
fn run(end: End, way: Way, plan: Plan) -> (Result<(), Error>, Seen) {
    let script = script(end, plan);
    let mut read = Vec::new();
    let result = talk(end, way, &script, &mut read);
    let (frames, _) = decode(end == End::Client, &script.frames());
    let clean = result.is_ok();
    (result, Seen { read, said: said(frames), clean })
}

/// Only reads; leaves as soon as the peer has closed or gone.
fn listen(end: End, script: &Script, read: &mut Vec<Frame>) -> Result<(), Error> {
    fn all<S: Transport, R: ws_core::Role>(
        mut ws: WebSocket<S, R>,
        read: &mut Vec<Frame>,
    ) -> Result<(), Error> {
        while let Some(event) = ws.read_event()? {
            if let Event::Message(message) = event {
                read.push(kept(message));
            }
        }
        assert!(ws.was_clean());
        Ok(())
    }
    match end {
        End::Client => all(connect(script, OPTIONS)?, read),
        End::Server => all(accept(script, OPTIONS)?, read),
    }
}
