//! The limits on messages and their fragments, to the byte and to the fragment, whichever call reads (see `ws_core::Limits`).

use ws_embassy::{Client, Error, Limits, MessageBuffer, Options, PeerError, Server};

use crate::common::frames::{BINARY, CONTINUATION, Frame};
use crate::pipe::Pace;
use crate::side::{Line, Seeded, Side, encode, frames, run};

const LIMITS: Limits = Limits { message: 1000, fragments: 5, empty_fragments: 2 };

/// Reads all that comes, and says how it ended.
#[derive(Clone, Copy, Debug)]
enum Call {
    Receive,
    Read,
    ReadMessage,
    Reader,
}

/// A message of fragments of these lengths, whose last one is not its end if there `is_more` to come.
fn message(lengths: &[usize], is_more: bool) -> Vec<Frame> {
    let last = lengths.len() - 1;
    let fragment = |(at, len): (usize, &usize)| {
        let frame = Frame::new(if at == 0 { BINARY } else { CONTINUATION }, vec![b'x'; *len]);
        if at < last || is_more { frame.more() } else { frame }
    };
    lengths.iter().enumerate().map(fragment).collect()
}

#[test]
fn each_limit_holds_whichever_call_reads() {
    of_either::<Server>();
    of_either::<Client<Seeded>>();
}

fn of_either<S: Side>() {
    let fit = [message(&[1000], false), message(&[200; 5], false), message(&[1, 0, 0, 999], false)];
    let exceed = [
        (message(&[1001], false), PeerError::MessageTooBig, 1009),
        (message(&[999, 2], false), PeerError::MessageTooBig, 1009),
        (message(&[1, 1, 1, 1, 1, 1], false), PeerError::TooManyFragments, 1008),
        (message(&[1, 0, 0, 0], true), PeerError::TooManyFragments, 1008),
    ];
    for call in [Call::Receive, Call::Read, Call::ReadMessage, Call::Reader] {
        for (over, fault, code) in &exceed {
            let sent = [fit.concat(), over.clone()].concat();
            let (ended, answered) = run(conversation::<S>(call, sent));
            assert_eq!(
                (ended, answered),
                (Err(Error::Peer(*fault)), vec![Frame::close(*code, "")]),
                "{call:?}"
            );
        }
        let (ended, answered) =
            run(conversation::<S>(call, [fit.concat(), vec![Frame::close(1000, "")]].concat()));
        assert_eq!((ended, answered), (Ok(()), vec![Frame::close(1000, "")]), "{call:?}");
    }
}

/// How the call ended that read these frames, and what was answered.
async fn conversation<S: Side>(
    call: Call,
    sent: Vec<Frame>,
) -> (Result<(), Error<embedded_io_async::ErrorKind>>, Vec<Frame>) {
    let options = Options {
        config: ws_embassy::Config { limits: LIMITS, ..Options::DEFAULT.config },
        ..Options::DEFAULT
    };
    let line = Line::new(usize::MAX);
    for frame in sent {
        line.to_us.put(&encode(frame, !S::IS_CLIENT));
    }
    line.to_us.end();
    let (mut read, mut write) = ([0; 64], [0; 64]);
    let mut ws = line.open::<S>((Pace::Ready, Pace::Ready), (&mut read, &mut write), &options);
    let mut memory = [0; 2000];
    let mut buffer = MessageBuffer::new(&mut memory);
    let ended = loop {
        let has_come = match call {
            Call::Receive => ws.receive(|_| ()).await.map(|data| data.is_some()),
            Call::Read => ws.read(&mut [0; 100]).await.map(|chunk| chunk.is_some()),
            Call::ReadMessage => ws.read_message(&mut buffer).await.map(|message| message.is_some()),
            Call::Reader => ws.split().0.receive(|_| ()).await.map(|data| data.is_some()),
        };
        match has_come {
            Ok(true) => {}
            end => break end.map(|_| ()),
        }
    };
    (ended, frames::<S>(&line.to_peer.log()))
}
