//! A peer that is refused: it is told why, once and in whole, behind what was sent before; the caller is told once it is.

use crate::common::REQUEST;
use crate::common::frames::{CLOSE, Frame, PING, TEXT, close_body, decode, frame, said};
use crate::common::script::{Plan, Script};
use crate::{ENDS, End, OPTIONS, accept, again, connect, everywhere, kept};
use ws_core::Role;
use ws_std::{CloseCode, Error, Kind, PeerError, UsageError, WebSocket};

/// Who fails the connection.
#[derive(Clone, Copy, Debug)]
enum By {
    Whole,
    /// The sender that is lent beside a piece.
    Sender,
    /// The reader of a split.
    Reader,
}

const CODE: CloseCode = CloseCode::POLICY_VIOLATION;

/// Leaves no room for a Close in the buffer.
const FED: [u8; 200] = [b'f'; 200];

#[test]
fn a_refused_peer_is_told_in_whole_and_then_the_caller() {
    for end in ENDS {
        for by in [By::Whole, By::Sender, By::Reader] {
            let (seen, _) = everywhere((end, by), |plan| run(end, by, plan));
            assert_eq!(seen, [(TEXT, FED.to_vec()), (CLOSE, close_body(1008, ""))], "{end:?} {by:?}");
        }
    }
}

/// More than a buffer of what nobody wants behind what is refused, a Ping and a Close among it.
fn incoming(end: End) -> Vec<u8> {
    let frames: [(u8, &[u8]); 5] =
        [(TEXT, b"fine"), (TEXT, b"bad"), (0x02, &[9; 300]), (PING, b"?"), (CLOSE, &[3, 232])];
    frames.iter().flat_map(|(b0, payload)| frame(end == End::Server, *b0, payload)).collect()
}

fn run(end: End, by: By, plan: Plan) -> (Vec<Frame>, Script) {
    let script = match end {
        End::Client => Script::server(plan, incoming(end)),
        End::Server => Script::new(plan, [REQUEST, &incoming(end)].concat()),
    };
    match end {
        End::Client => refuse(connect(&script, OPTIONS).unwrap(), by, &script),
        End::Server => refuse(accept(&script, OPTIONS).unwrap(), by, &script),
    }
    let (frames, torn) = decode(end == End::Client, &script.frames());
    assert_eq!((torn, script.shutdowns()), (0, 1), "{end:?} {by:?} {plan:?}");
    assert!(script.is_drained(), "what still came was taken: {end:?} {by:?} {plan:?}");
    (said(frames), script)
}

fn refuse<R: Role>(mut ws: WebSocket<Script, R>, by: By, script: &Script) {
    assert_eq!(again(|| Ok(kept(ws.read()?.unwrap()))).unwrap(), (TEXT, b"fine".to_vec()));
    let mut rest: &[u8] = &FED;
    match by {
        By::Whole => {
            assert_eq!(again(|| Ok(kept(ws.read()?.unwrap()))).unwrap(), (TEXT, b"bad".to_vec()));
            again(|| ws.feed(Kind::Text, &mut rest, true)).unwrap();
            ws.fail(CODE);
        }
        By::Sender => loop {
            let mut last = false;
            again(|| {
                let (chunk, mut sender) = ws.receive()?.unwrap();
                last = chunk.last;
                if last {
                    again(|| sender.feed(Kind::Text, &mut rest, true))?;
                    sender.fail(CODE);
                }
                Ok(())
            })
            .unwrap();
            if last {
                break;
            }
        },
        By::Reader => return refuse_split(ws, script),
    }
    for _ in 0..2 {
        let told = again(|| ws.read_event().map(|_| ()));
        assert!(matches!(told, Err(Error::Peer(PeerError::Refused))), "{told:?}");
    }
    assert_eq!(ws.close_sent(), Some(Some(CODE)));
    assert_eq!(ws.buffered_amount(), 0);
    let sent = ws.send_text("more");
    assert!(matches!(sent, Err(Error::Usage(UsageError::Closing))), "{sent:?}");
}

fn refuse_split<R: Role>(ws: WebSocket<Script, R>, script: &Script) {
    let (mut reader, mut writer) = ws.split(script.clone());
    assert_eq!(again(|| Ok(kept(reader.read()?.unwrap()))).unwrap(), (TEXT, b"bad".to_vec()));
    let mut rest: &[u8] = &FED;
    again(|| writer.feed(Kind::Text, &mut rest, true)).unwrap();
    reader.fail(CODE);
    for _ in 0..2 {
        let told = again(|| reader.read_event().map(|_| ()));
        assert!(matches!(told, Err(Error::Peer(PeerError::Refused))), "{told:?}");
    }
    assert_eq!(reader.close_sent(), Some(Some(CODE)));
    assert_eq!(writer.buffered_amount(), 0);
    let sent = writer.send_text("more");
    assert!(matches!(sent, Err(Error::Usage(UsageError::Closing))), "{sent:?}");
}
