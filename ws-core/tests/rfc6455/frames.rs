//! What the tests of open connections share: all that an end can send, and a peer that breaks a rule. No test lives
//! here.

use crate::common::{Driver, End, FREE, Seen, at, ms};
use ws_core::{Kind, PeerError, Timeouts};

/// An end that has sent one of each: text, binary, fragments, a frame in pieces, Ping, Pong, the answer to a Ping, a
/// heartbeat and a Close.
pub(crate) fn everything(end: End) -> Driver {
    let timeouts = Timeouts { ping: ms(1000), ..Timeouts::OFF };
    let mut driver = Driver::with(end, FREE.with_timeouts(timeouts));
    driver.send(Kind::Text, "h\u{e9}llo".as_bytes(), true);
    driver.send(Kind::Binary, &[7; 200], true);
    driver.send(Kind::Binary, b"", true);
    driver.send(Kind::Text, b"one ", false);
    driver.drain(|ws, out| ws.ping(b"p", out).unwrap());
    driver.send(Kind::Text, b"two", true);
    driver.drain(|ws, out| ws.begin(Kind::Binary, 300, true, out).unwrap());
    let mut rest = &[9; 300][..];
    driver.drain(|ws, out| ws.payload(&mut rest, out).unwrap());
    driver.drain(|ws, out| ws.pong(b"unasked", out).unwrap());
    driver.frame(0x89, b"asked");
    driver.ws.handle_timeout(at(1000));
    driver.flush();
    driver.close(1000, "bye");
    driver
}

/// An end that gets `bytes`, which break a rule: it fails with `error`, delivers none of them, answers with a Close of
/// `code`, and then wants the transport shut down.
#[track_caller]
pub(crate) fn fails(end: End, bytes: &[u8], error: PeerError, code: u16) {
    fails_behind(Driver::new(end), bytes, error, code);
}

#[track_caller]
pub(crate) fn fails_behind(mut driver: Driver, bytes: &[u8], error: PeerError, code: u16) {
    let seen = driver.seen.len();
    driver.feed(bytes);
    assert_eq!(driver.seen[seen..], [Seen::Failed(error)], "{:?} {bytes:x?}", driver.end);
    assert_eq!(driver.replies().last(), Some(&(0x88, code.to_be_bytes().to_vec())));
    assert!(driver.ws.wants_shutdown());
}
