//! A few bytes that become many: all is lent, in order and before more is read; others have their turn meanwhile.

use std::cell::Cell;
use std::task::Poll;

use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_futures::{poll_once, yield_now};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use ws_embassy::{CloseCode, Error, Kind, Options};

use super::{Memory, inflated, prose};
use crate::common::deflate::{bomb, deflated, inflated_so_far};
use crate::common::frames::{BINARY, Frame, PING, PONG, TEXT};
use crate::pipe::Pace;
use crate::side::{Line, Side, Ws, both_sides, encode, frames_any, run};

both_sides! {
    others_have_their_turn_while_a_few_bytes_become_many
    others_have_their_turn_while_many_bytes_become_few
    all_of_a_fragment_is_lent_before_the_next_comes
    a_ping_between_fragments_is_answered_before_the_next_comes
    what_is_owed_leaves_while_a_message_is_lent
    a_message_comes_to_its_end_though_each_future_is_polled_once
    a_close_behind_a_message_that_is_lent_comes_behind_it
    what_is_still_to_be_lent_is_forgotten_when_we_close
    what_has_come_before_the_end_of_the_transport_is_lent
    a_message_is_sent_on_while_it_is_lent
}

const READY: (Pace, Pace) = (Pace::Ready, Pace::Ready);

/// 400 matches in 653 bytes.
const LONG: usize = 1 + 258 * 400;

/// What others do meanwhile: count their turns.
async fn count(turns: &Cell<usize>) {
    loop {
        yield_now().await;
        turns.set(turns.get() + 1);
    }
}

fn others_have_their_turn_while_a_few_bytes_become_many<S: Side>() {
    let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
    line.to_us.put(&encode(Frame::binary(bomb(400)).compressed(), !S::IS_CLIENT));
    let (mut codec, turns) = (memory.begun::<S>(), Cell::new(0));
    let (mut read, mut write) = ([0; 2048], [0; 16]); // all of the frame is there at once
    let options = Options::DEFAULT.with_message_limit(LONG);
    let lent = run(async {
        let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &options, &mut codec);
        let reads = async {
            let (mut lent, mut len) = (0, 0);
            while len < LONG {
                len += ws.receive(|data| data.payload.len()).await.expect("open").expect("no Close");
                lent += 1;
                // What is left of a match, and what comes behind it, may be two pieces.
                assert!(2 * turns.get() + 2 >= lent, "{lent} pieces in {} turns of others", turns.get());
            }
            lent
        };
        let Either::First(lent) = select(reads, count(&turns)).await else { panic!("it counts for ever") };
        lent
    });
    assert!(lent >= LONG / 512, "{lent} pieces");
}

fn others_have_their_turn_while_many_bytes_become_few<S: Side>() {
    let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
    let (mut codec, turns) = (memory.begun::<S>(), Cell::new(0));
    let (mut read, mut write) = ([0; 16], [0; 2048]); // all that is written fits
    run(async {
        let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
        let send = ws.send_binary(&[0; LONG]);
        assert!(matches!(select(send, count(&turns)).await, Either::First(Ok(()))));
    });
    let written = line.to_peer.log();
    assert!(written.len() < 2048);
    let [sent] = &inflated(frames_any::<S>(&written), false)[..] else { panic!("one message") };
    assert_eq!(sent.is(), (BINARY, vec![0; LONG]));
    assert!(turns.get() >= LONG / 512 - 2, "{} turns of others in {LONG} bytes", turns.get());
}

/// Reads so many bytes of a message, or up to its end, which is said.
async fn read_some<S: Side>(ws: &mut Ws<'_, S>, size: usize, message: &mut Vec<u8>, len: usize) -> bool {
    let mut buf = vec![0; size];
    while message.len() < len {
        let chunk = ws.read(&mut buf).await.expect("open").expect("no Close");
        assert_eq!(chunk.first, message.is_empty());
        message.extend_from_slice(chunk.payload);
        if chunk.last {
            return true;
        }
    }
    false
}

fn all_of_a_fragment_is_lent_before_the_next_comes<S: Side>() {
    let message = [&[0; 3000][..], prose(100).as_bytes(), &[1; 700]].concat();
    let payload = deflated(&message);
    let mut many = 0;
    for at in 0..=payload.len() {
        let (first, rest) = payload.split_at(at);
        let held = inflated_so_far(first);
        many += usize::from(held.len() > at + 1000);
        for (size, sizes) in [(100, (2048, 16)), (7, (1, 16)), (4000, (4000, 64)), (1, (30, 30))] {
            if size == 1 && at % 16 != 0 {
                continue; // takes its time
            }
            let (line, mut memory, go_on) = (Line::new(usize::MAX), Memory::new(), Signal::new());
            let mut codec = memory.begun::<S>();
            run(async {
                let (mut read, mut write) = crate::cancel::buffers(sizes);
                let options = Options::DEFAULT;
                let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &options, &mut codec);
                let peer = async {
                    let mut peer = line.peer::<S>();
                    peer.send(Frame::binary(first).more().compressed()).await;
                    Signal::<NoopRawMutex, ()>::wait(&go_on).await;
                    peer.send(Frame::new(0, rest)).await;
                };
                let reads = async {
                    let mut received = Vec::new();
                    assert!(!read_some(&mut ws, size, &mut received, held.len()).await);
                    assert!(received == held, "cut at {at}");
                    go_on.signal(());
                    assert!(read_some(&mut ws, size, &mut received, usize::MAX).await);
                    assert!(received == message, "cut at {at}");
                };
                join(reads, peer).await;
            });
        }
    }
    assert!(many > 5, "{many} cuts behind which there is much to lend");
}

fn a_ping_between_fragments_is_answered_before_the_next_comes<S: Side>() {
    let payload = bomb(12);
    for at in [0, 1, 3, 4, 5, 10, payload.len() - 1, payload.len()] {
        for size in [1, 7, 100, 4000] {
            let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
            let mut codec = memory.begun::<S>();
            run(async {
                let (mut read, mut write) = ([0; 300], [0; 16]);
                let options = Options::DEFAULT;
                let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &options, &mut codec);
                let peer = async {
                    let mut peer = line.peer::<S>();
                    peer.send(Frame::binary(&payload[..at]).more().compressed()).await;
                    for n in ["1", "2", "3"] {
                        peer.send(Frame::new(PING, n)).await;
                    }
                    for n in ["1", "2", "3"] {
                        assert_eq!(peer.receive().await, Frame::new(PONG, n));
                    }
                    peer.send(Frame::new(0, &payload[at..])).await;
                };
                let mut received = Vec::new();
                assert!(join(read_some(&mut ws, size, &mut received, usize::MAX), peer).await.0);
                assert!(received == [b'a'; 1 + 258 * 12], "cut at {at}, by {size}");
            });
        }
    }
}

/// Whoever takes his time with each piece of a message does not keep the peer waiting for a Pong, nor for what was sent.
fn what_is_owed_leaves_while_a_message_is_lent<S: Side>() {
    let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
    line.to_us.put(&encode(Frame::new(PING, "there?"), !S::IS_CLIENT));
    line.to_us.put(&encode(Frame::binary(bomb(10)).compressed(), !S::IS_CLIENT));
    let mut codec = memory.begun::<S>();
    run(async {
        let (mut read, mut write) = ([0; 300], [0; 64]);
        let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
        let mut received = Vec::new();
        read_some(&mut ws, 1, &mut received, 3).await;
        assert_eq!(frames_any::<S>(&line.to_peer.log()), [Frame::new(PONG, "there?")]);
        ws.send(Kind::Text, &mut &b"not flushed"[..], true).await.expect("open");
        assert_eq!(frames_any::<S>(&line.to_peer.log()).len(), 1, "it is in the buffer");
        read_some(&mut ws, 1, &mut received, 5).await;
        assert_eq!(frames_any::<S>(&line.to_peer.log())[1..], [Frame::text("not flushed")]);
        read_some(&mut ws, 100, &mut received, usize::MAX).await;
        assert!(received == [b'a'; 1 + 258 * 10]);
    });
}

/// As a task does that has other things to do and looks at each of them once.
fn a_message_comes_to_its_end_though_each_future_is_polled_once<S: Side>() {
    // With room for what is owed, and without.
    for capacity in [usize::MAX, 0] {
        let (line, mut memory) = (Line::new(capacity), Memory::new());
        line.to_us.put(&encode(Frame::new(PING, "there?"), !S::IS_CLIENT));
        line.to_us.put(&encode(Frame::binary(bomb(10)).compressed(), !S::IS_CLIENT));
        let mut codec = memory.begun::<S>();
        run(async {
            let (mut read, mut write, mut buf) = ([0; 300], [0; 64], [0; 100]);
            let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
            let (mut polls, mut len) = (0, 0);
            while len < 1 + 258 * 10 {
                if let Poll::Ready(chunk) = poll_once(ws.read(&mut buf)) {
                    len += chunk.expect("open").expect("no Close").payload.len();
                }
                polls += 1;
                assert!(polls < 200, "{len} bytes in {polls} polls");
            }
        });
    }
}

fn a_close_behind_a_message_that_is_lent_comes_behind_it<S: Side>() {
    for size in [1, 7, 100, 4000] {
        let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
        line.to_us.put(&encode(Frame::new(TEXT, bomb(20)).compressed(), !S::IS_CLIENT));
        line.to_us.put(&encode(Frame::close(1001, "away"), !S::IS_CLIENT));
        line.to_us.end();
        let mut codec = memory.begun::<S>();
        run(async {
            let (mut read, mut write) = ([0; 300], [0; 16]);
            let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
            let (mut buf, mut len) = (vec![0; size], 0);
            while let Some(chunk) = ws.read(&mut buf).await.expect("open") {
                assert_eq!(chunk.kind, Kind::Text);
                len += chunk.payload.len();
                assert_eq!(ws.close_received(), None, "after {len} bytes");
                assert!(line.to_peer.log().is_empty());
            }
            assert_eq!(len, 1 + 258 * 20);
            assert_eq!(ws.close_received(), Some(Some(CloseCode::GOING_AWAY)));
            assert!(ws.was_clean());
        });
        assert_eq!(frames_any::<S>(&line.to_peer.log()), [Frame::close(1001, "")]);
    }
}

fn what_is_still_to_be_lent_is_forgotten_when_we_close<S: Side>() {
    let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
    let mut codec = memory.begun::<S>();
    run(async {
        let (mut read, mut write) = ([0; 300], [0; 16]);
        let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
        let peer = async {
            let mut peer = line.peer::<S>();
            peer.send(Frame::binary(bomb(20)).more().compressed()).await;
            assert_eq!(peer.receive().await, Frame::close(1000, ""));
            peer.send(Frame::new(0, [])).await;
            peer.send(Frame::binary(bomb(20)).compressed()).await;
            peer.send(Frame::close(1000, "")).await;
        };
        let close = async {
            let mut received = Vec::new();
            read_some(&mut ws, 10, &mut received, 300).await;
            ws.close(CloseCode::NORMAL, "").await
        };
        assert_eq!(join(close, peer).await.0, Ok(()));
        assert!(ws.was_clean());
    });
}

fn what_has_come_before_the_end_of_the_transport_is_lent<S: Side>() {
    for is_whole in [true, false] {
        let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
        let frame = Frame::binary(bomb(20)).compressed();
        line.to_us.put(&encode(if is_whole { frame } else { frame.more() }, !S::IS_CLIENT));
        line.to_us.end();
        let mut codec = memory.begun::<S>();
        run(async {
            let (mut read, mut write) = ([0; 300], [0; 16]);
            let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
            let mut received = Vec::new();
            assert_eq!(read_some(&mut ws, 7, &mut received, 1 + 258 * 20).await, is_whole);
            assert!(received == [b'a'; 1 + 258 * 20]);
            assert_eq!(ws.receive(|_| ()).await, Err(Error::Lost));
        });
    }
}

/// By one task with one WebSocket, as an echo does.
fn a_message_is_sent_on_while_it_is_lent<S: Side>() {
    let (line, mut memory) = (Line::new(usize::MAX), Memory::new());
    let prose = prose(3000);
    line.to_us.put(&encode(Frame::new(TEXT, deflated(&prose)).compressed(), !S::IS_CLIENT));
    line.to_us.put(&encode(Frame::binary(bomb(30)).compressed(), !S::IS_CLIENT));
    line.to_us.put(&encode(Frame::close(1000, ""), !S::IS_CLIENT));
    let mut codec = memory.begun::<S>();
    run(async {
        let (mut read, mut write, mut buf) = ([0; 40], [0; 32], [0; 64]);
        let mut ws = line.open_with::<S>(READY, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
        while let Some(chunk) = ws.read(&mut buf).await.expect("open") {
            ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await.expect("open");
        }
    });
    let mut frames = frames_any::<S>(&line.to_peer.log());
    assert_eq!(frames.pop(), Some(Frame::close(1000, "")));
    let [text, binary] = &inflated(frames, false)[..] else { panic!("two messages") };
    assert_eq!(text.is(), (TEXT, prose.into_bytes()));
    assert_eq!(binary.is(), (BINARY, vec![b'a'; 1 + 258 * 30]));
}
