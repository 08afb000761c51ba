//! The two halves in two tasks, and a peer that reads nothing, or late: everything ends in the time that its own deadline
//! sets, whichever half holds the transport.

use embassy_futures::join::{join, join3};
use embassy_time::{Duration, Timer};
use ws_embassy::{CloseCode, Config, Error, Options, PeerError, Timeouts, UsageError, Waited};

use crate::common::frames::{BINARY, CLOSE, Frame, PING, PONG};
use crate::pipe::Pace;
use crate::side::{Line, Side, both_sides, controls, encode, frames, messages, run_at_both_times};

both_sides! {
    a_fault_is_told_when_there_is_room
    a_fault_that_cannot_be_told_ends_with_the_writer
    a_missing_pong_ends_it_though_the_writer_waits
    a_pong_behind_a_reply_that_is_in_the_way_counts
    a_close_ends_though_pings_are_in_the_way
    a_close_of_the_peer_ends_though_it_reads_nothing
}

/// What a peer may do wrong, and the code that it is told.
fn faults<S: Side>() -> [(Vec<u8>, PeerError, u16); 3] {
    let encode = |frame| encode(frame, !S::IS_CLIENT);
    let mut reserved = encode(Frame::text(""));
    reserved[0] |= 0x40;
    let unexpected = encode(Frame::new(0, ""));
    [
        (encode(Frame::new(1, [0xff])), PeerError::InvalidUtf8, 1007),
        (reserved, PeerError::ReservedBits, 1002),
        (unexpected, PeerError::NothingToContinue, 1002),
    ]
}

fn a_fault_is_told_when_there_is_room<S: Side>() {
    for (bytes, fault, code) in faults::<S>() {
        let bytes = &bytes;
        run_at_both_times(|start| async move {
            let line = Line::new(20);
            let (mut read, mut write) = ([0; 16], [0; 16]);
            let mut ws =
                line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
            let (mut reader, mut writer) = ws.split();
            let peer = async {
                let mut peer = line.peer::<S>();
                Timer::after_secs(1).await;
                peer.write(bytes).await;
                Timer::after_secs(2).await;
                while peer.receive().await.opcode != CLOSE {}
            };
            let (ended, sent, ()) = join3(reader.receive(|_| ()), writer.send_binary(&[7; 200]), peer).await;
            assert_eq!(ended, Err(Error::Peer(fault)));
            assert_eq!(sent, Err(Error::Usage(UsageError::Closing)), "in the midst of it");
            assert_eq!(start.since(), 3000);
            assert_eq!(frames::<S>(&line.to_peer.log()).last(), Some(&Frame::close(code, "")));
            assert_eq!(ws.receive(|_| ()).await, Err(Error::Peer(fault)), "and so it stays");
        });
    }
}

fn a_fault_that_cannot_be_told_ends_with_the_writer<S: Side>() {
    for (bytes, fault, _) in faults::<S>() {
        let bytes = &bytes;
        run_at_both_times(|start| async move {
            let line = Line::new(20);
            let (mut read, mut write) = ([0; 16], [0; 16]);
            let mut ws =
                line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
            let (mut reader, mut writer) = ws.split();
            let peer = async {
                Timer::after_secs(4).await;
                line.peer::<S>().write(bytes).await;
            };
            let (ended, sent, ()) = join3(reader.receive(|_| ()), writer.send_binary(&[7; 200]), peer).await;
            assert_eq!(ended, Err(Error::Peer(fault)));
            assert_eq!(sent, Err(Error::TimedOut(Waited::Send)));
            assert_eq!(start.since(), 10_000);
        });
    }
}

fn a_missing_pong_ends_it_though_the_writer_waits<S: Side>() {
    run_at_both_times(|start| async move {
        let options = Options { send_timeout: Duration::from_secs(90), ..Options::DEFAULT };
        let line = Line::new(20);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &options);
        let (mut reader, mut writer) = ws.split();
        let read = async {
            let ended = reader.receive(|_| ()).await;
            assert_eq!(start.since(), 40_000);
            ended
        };
        let (ended, sent) = join(read, writer.send_binary(&[7; 200])).await;
        assert_eq!(ended, Err(Error::TimedOut(Waited::Pong)));
        assert!(sent.is_err());
    });
}

/// The Pong came in time, but behind two Pings: the reply to the first has no room, so the second is not read yet. When the
/// peer takes something at last, past the deadline, the reader is woken, and has to read before it judges.
fn a_pong_behind_a_reply_that_is_in_the_way_counts<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(64);
        let (mut read, mut write) = ([0; 64], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let (mut reader, mut writer) = ws.split();
        let write = async {
            Timer::after_secs(33).await; // behind the heartbeat
            writer.send_binary(&[7; 500]).await
        };
        let peer = async {
            let mut peer = line.peer::<S>();
            let beat = peer.receive().await;
            assert_eq!((beat.opcode, start.since()), (PING, 30_000));
            Timer::after_secs(6).await;
            for frame in [Frame::new(PING, "1"), Frame::new(PING, "2"), Frame::new(PONG, beat.payload)] {
                peer.send(frame).await;
            }
            peer.send(Frame::text("!")).await;
            Timer::after_millis(5500).await;
            assert!(start.since() > 40_000, "by when the Pong has to be there");
            let mut frames = Vec::new();
            while controls(&frames).len() < 2 || frames.iter().all(|frame| frame.opcode >= 8 || !frame.fin) {
                frames.push(peer.receive().await);
            }
            assert_eq!(messages(&frames), [(BINARY, vec![7; 500])]);
            assert_eq!(controls(&frames), [Frame::new(PONG, "1"), Frame::new(PONG, "2")]);
        };
        let read = async { assert_eq!(reader.receive(|_| ()).await, Ok(Some(()))) };
        assert_eq!(join3(read, write, peer).await.1, Ok(()));
        assert_eq!(start.since(), 41_500);
    });
}

/// Behind our Close the peer may still ask; whether it takes the answers or not, it has 5 s to close.
fn a_close_ends_though_pings_are_in_the_way<S: Side>() {
    run_at_both_times(|start| async move {
        let line = Line::new(20);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &Options::DEFAULT);
        let ping = encode(Frame::new(PING, "are you there?"), !S::IS_CLIENT);
        line.to_us.put(&ping.repeat(1000));
        let ended = ws.close(CloseCode::NORMAL, "").await;
        assert!(matches!(ended, Err(Error::TimedOut(_))), "{ended:?}");
        assert_eq!(start.since(), 5000);
    });
}

fn a_close_of_the_peer_ends_though_it_reads_nothing<S: Side>() {
    run_at_both_times(|start| async move {
        let timeouts = Timeouts { close: ws_core::Duration::from_secs(3), ..Timeouts::DEFAULT };
        let options = Options { config: Config::DEFAULT.with_timeouts(timeouts), ..Options::DEFAULT };
        let line = Line::new(0);
        let (mut read, mut write) = ([0; 16], [0; 16]);
        let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &options);
        line.to_us.put(&encode(Frame::close(1000, ""), !S::IS_CLIENT));
        let ended = ws.receive(|_| ()).await;
        assert!(matches!(ended, Err(Error::TimedOut(_))), "{ended:?}");
        assert!(start.since() <= 10_000);
    });
}
