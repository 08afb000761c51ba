//! The opening handshake over a stream that is not ready, or takes and brings little: the answer is the same, and what came
//! behind the request is handed on.
//!
//! Nothing is dropped here: `accept` has the stream, and to drop it is to hang up.

mod common;

use common::frames::{BINARY, CLOSE, Frame, PING, PONG, TEXT, decode, frame};
use common::{Pause, Plan, REQUEST, SMOOTH, Script, with_timers};
use std::io::ErrorKind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tokio_echo::accept;
use ws_core::handshake::{OriginPolicy, server::Refusal};
use ws_core::{Config, Kind};

/// The head of the answer.
const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[test]
fn an_accepted_request_is_answered_whole_and_what_came_behind_it_is_read() {
    let expected = vec![(TEXT, b"glued".to_vec()), (BINARY, vec![7; 300])];
    everywhere(&[REQUEST, &behind()].concat(), ACCEPTED.len() + 20, |stream| {
        let mut read: Vec<Frame> = Vec::new();
        finish(async {
            let mut ws = accept(&mut *stream, Config::DEFAULT, OriginPolicy::SameOrigin).await.unwrap();
            let mut whole = Vec::new();
            while let Some((chunk, _)) = ws.receive().await.unwrap() {
                whole.extend_from_slice(chunk.payload);
                if chunk.last {
                    let b0 = if chunk.kind == Kind::Text { TEXT } else { BINARY };
                    read.push((b0, std::mem::take(&mut whole)));
                }
            }
            assert!(ws.sender.ws.was_clean());
        });
        assert!(read == expected, "{read:?}");
        let frames = stream.output.strip_prefix(ACCEPTED.as_bytes()).expect("the answer, once");
        assert_eq!(decode(false, frames), (vec![(PONG, b"?".to_vec()), (CLOSE, vec![3, 232])], 0));
    });
}

#[test]
fn a_refused_request_is_answered_whole_and_what_came_behind_it_is_forgotten() {
    let good = std::str::from_utf8(REQUEST).unwrap();
    for (request, refusal) in [
        (good.replace("Host: h\r\n", "Host: h\r\nOrigin: http://elsewhere\r\n"), Refusal::Origin),
        (good.replace("Version: 13", "Version: 8"), Refusal::WebSocketVersion),
        (good.replace("Host: h\r\n", ""), Refusal::NoHost),
    ] {
        let status_line = format!("HTTP/1.1 {} ", refusal.status());
        let refuse = |stream: &mut Script| {
            let accepted = finish(accept(&mut *stream, Config::DEFAULT, OriginPolicy::SameOrigin));
            let error = accepted.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            let inside = error.get_ref().and_then(|inside| inside.downcast_ref());
            assert_eq!(inside, Some(&refusal));
            std::mem::take(&mut stream.output)
        };
        let input = [request.as_bytes(), &behind()].concat();
        let smooth = with_timers(|| refuse(&mut Script::new(SMOOTH, input.clone())));
        assert!(smooth.starts_with(status_line.as_bytes()));
        assert!(smooth.ends_with(format!("\r\n\r\n{refusal}").as_bytes()));
        everywhere(&input, smooth.len(), |stream| assert_eq!(refuse(stream), smooth));
    }
}

fn behind() -> Vec<u8> {
    let frames: [(u8, &[u8]); 4] = [(TEXT, b"glued"), (PING, b"?"), (BINARY, &[7; 300]), (CLOSE, &[3, 232])];
    frames.iter().flat_map(|(b0, payload)| frame(true, *b0, payload)).collect()
}

/// Runs with reads and writes of every size, and with the stream not ready before each byte of `input` and of `written`
/// ones. Each run reads all, and ends our direction.
fn everywhere(input: &[u8], written: usize, mut run: impl FnMut(&mut Script)) {
    let sizes =
        (1..=input.len()).flat_map(|size| [Pause::Never, Pause::Each].map(|pause| Plan { size, pause }));
    let reads = (0..=input.len()).map(Pause::Read);
    let pauses = reads.chain((0..written).map(Pause::Write)).map(|pause| Plan { pause, ..SMOOTH });
    with_timers(|| {
        for plan in [SMOOTH].into_iter().chain(sizes).chain(pauses) {
            let told = format!("{plan:?}");
            let mut stream = Script::new(plan, input.to_vec());
            run(&mut stream);
            assert_eq!(stream.at, input.len(), "{told}");
            assert!(stream.is_shut, "{told}");
        }
    });
}

/// Polls until it is done, without a runtime to wait for.
fn finish<T>(call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    for _ in 0..100_000 {
        if let Poll::Ready(done) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
    panic!("this never ends");
}
