//! Calls that are not possible now: each is refused with the error that says why, and nothing has happened. Neither the
//! state nor the output nor the payload has changed, no masking key was drawn, and what follows is as if the call had
//! never been made.

mod common;

use common::{Driver, ENDS, End, FREE, Ws, at, incoming, ms};
use ws_core::{CloseCode, Kind, Output, Timeouts, UsageError};

type Setup = fn(&mut Driver);
type Call = fn(&mut Ws, &mut Output<'_>) -> Result<bool, UsageError>;

/// `send` and `begin` with a payload that is not to move.
fn send(
    ws: &mut Ws,
    kind: Kind,
    payload: &[u8],
    last: bool,
    out: &mut Output<'_>,
) -> Result<bool, UsageError> {
    let mut rest = payload;
    let result = ws.send(kind, &mut rest, last, out);
    assert!(result.is_ok() || rest == payload, "the payload has moved");
    result
}

fn payload(ws: &mut Ws, payload: &[u8], out: &mut Output<'_>) -> Result<bool, UsageError> {
    let mut rest = payload;
    let result = ws.payload(&mut rest, out);
    assert!(result.is_ok() || rest == payload, "the payload has moved");
    result
}

/// All that can be asked of a connection.
fn state(ws: &Ws) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        (ws.ready_state(), ws.buffered_amount(), ws.is_sendable(), ws.wants_transmit(), ws.wants_shutdown()),
        (ws.close_sent(), ws.close_received(), ws.was_clean(), ws.close_expected()),
        (ws.poll_timeout(), ws.timed_out(), ws.control().to_vec()),
    )
}

/// A life that goes on: every call in turn, whatever comes of it.
fn go_on(driver: &mut Driver) -> Vec<Result<bool, UsageError>> {
    let mut results = Vec::new();
    let left = driver.ws.buffered_amount() as usize;
    let mut buf = [0; 300];
    let mut step = |driver: &mut Driver,
                    call: &dyn Fn(&mut Ws, &mut Output<'_>) -> Result<bool, UsageError>| {
        let mut out = Output::new(&mut buf);
        results.push(call(&mut driver.ws, &mut out));
        driver.sent.extend_from_slice(out.filled());
    };
    step(driver, &|ws, out| payload(ws, &vec![7; left], out));
    step(driver, &|ws, out| send(ws, Kind::Text, b"text", true, out));
    step(driver, &|ws, out| send(ws, Kind::Binary, b"binary", true, out));
    step(driver, &|ws, out| ws.ping(b"ping", out));
    driver.frame(0x89, b"pong");
    step(driver, &|ws, out| ws.close(Some(CloseCode::NORMAL), "bye", out));
    driver.frame(0x88, b"\x03\xe8");
    results
}

fn is_refused(setup: Setup, call: Call, capacity: fn(End) -> usize, error: UsageError) {
    for end in ENDS {
        let config = FREE.with_timeouts(Timeouts { ping: ms(1000), pong: ms(500), ..Timeouts::OFF });
        let [mut refused, mut other] = [0; 2].map(|_| Driver::with(end, config));
        setup(&mut refused);
        setup(&mut other);
        let before = state(&refused.ws);
        let mut buf = vec![0; capacity(end)];
        let mut out = Output::new(&mut buf);
        let put = out.put(b"earlier");
        assert_eq!(call(&mut refused.ws, &mut out), Err(error), "{end:?}");
        assert_eq!(out.filled(), &b"earlier"[..put], "{end:?}: the output has changed");
        assert_eq!(state(&refused.ws), before, "{end:?}: the state has changed");
        assert_eq!(go_on(&mut refused), go_on(&mut other), "{end:?}");
        assert_eq!(refused.sent, other.sent, "{end:?}: other bytes, or another masking key");
        assert_eq!(refused.seen, other.seen);
    }
}

const ROOMY: fn(End) -> usize = |_| 200;

/// Every call that sends something.
const CALLS: [Call; 6] = [
    |ws, out| send(ws, Kind::Text, b"x", true, out),
    |ws, out| send(ws, Kind::Text, b"", false, out),
    |ws, out| ws.begin(Kind::Text, 1, true, out),
    |ws, out| ws.ping(b"x", out),
    |ws, out| ws.pong(b"", out),
    |ws, out| ws.close(Some(CloseCode::NORMAL), "again", out),
];

#[test]
fn nothing_is_sent_once_the_closing_handshake_has_begun() {
    let setups: [Setup; 6] = [
        |driver| driver.close(1000, "bye"),
        |driver| driver.receive(&incoming(driver.end, 0x88, b"")), // the answer is owed
        |driver| _ = driver.frame(0x88, b"\x03\xe8"),              // the answer is sent
        |driver| driver.receive(&[0xff]),
        |driver| driver.ws.fail(CloseCode::UNSUPPORTED_DATA),
        |driver| driver.ws.receive_eof(),
    ];
    for setup in setups {
        CALLS.iter().for_each(|call| is_refused(setup, *call, ROOMY, UsageError::Closing));
    }
}

#[test]
fn nothing_is_sent_to_a_peer_that_was_given_up() {
    let setup: Setup = |driver| {
        driver.ws.handle_timeout(at(1000));
        driver.flush();
        driver.ws.handle_timeout(at(1500));
        assert!(driver.ws.timed_out().is_some());
    };
    CALLS.iter().for_each(|call| is_refused(setup, *call, ROOMY, UsageError::Closing));
}

#[test]
fn a_message_of_the_other_kind_waits_for_the_end_of_the_first() {
    let begun: [Setup; 2] = [
        |driver| driver.send(Kind::Text, b"begun", false),
        |driver| {
            driver.drain(|ws, out| ws.begin(Kind::Text, 2, false, out).unwrap());
            driver.drain(|ws, out| payload(ws, b"ab", out).unwrap());
        },
    ];
    for setup in begun {
        let error = UsageError::UnfinishedMessage;
        is_refused(setup, |ws, out| send(ws, Kind::Binary, b"other", true, out), ROOMY, error);
        is_refused(setup, |ws, out| send(ws, Kind::Binary, b"", false, out), ROOMY, error);
        is_refused(setup, |ws, out| ws.begin(Kind::Binary, 0, true, out), ROOMY, error);
    }
}

#[test]
fn nothing_is_sent_inside_a_frame_but_its_payload() {
    let begun: [Setup; 2] = [
        |driver| driver.drain(|ws, out| ws.begin(Kind::Text, 5, true, out).unwrap()),
        |driver| {
            driver.drain(|ws, out| ws.begin(Kind::Text, 5, false, out).unwrap());
            driver.drain(|ws, out| payload(ws, b"1234", out).unwrap());
        },
    ];
    for setup in begun {
        CALLS.iter().for_each(|call| is_refused(setup, *call, ROOMY, UsageError::UnfinishedFrame));
    }
}

#[test]
fn no_more_payload_than_was_promised() {
    let error = UsageError::TooMuchPayload;
    is_refused(|_| {}, |ws, out| payload(ws, b"x", out), ROOMY, error);
    let begun: Setup = |driver| driver.drain(|ws, out| ws.begin(Kind::Text, 5, true, out).unwrap());
    is_refused(begun, |ws, out| payload(ws, b"123456", out), ROOMY, error);
    is_refused(begun, |ws, out| payload(ws, b"123456", out), |_| 0, error);
    is_refused(|_| {}, |ws, out| ws.begin(Kind::Text, 1 << 63, true, out), ROOMY, error);
    is_refused(|_| {}, |ws, out| ws.begin(Kind::Text, u64::MAX, true, out), ROOMY, error);
}

#[test]
fn an_output_that_can_never_hold_the_frame() {
    let error = UsageError::OutputTooSmall;
    is_refused(|_| {}, |ws, out| send(ws, Kind::Text, b"x", true, out), |end| 2 + end.key_len(), error);
    is_refused(|_| {}, |ws, out| send(ws, Kind::Text, b"x", true, out), |_| 0, error);
    is_refused(|_| {}, |ws, out| ws.begin(Kind::Text, 1, true, out), |end| 9 + end.key_len(), error);
    is_refused(|_| {}, |ws, out| ws.ping(b"ping", out), |end| 5 + end.key_len(), error);
    is_refused(|_| {}, |ws, out| ws.pong(b"", out), |end| 1 + end.key_len(), error);
    let close: Call = |ws, out| ws.close(Some(CloseCode::NORMAL), "bye", out);
    is_refused(|_| {}, close, |end| 6 + end.key_len(), error);
}

/// RFC 6455 5.5, 5.5.1.
#[test]
fn control_payloads_have_at_most_125_bytes_and_reasons_a_code() {
    let error = UsageError::LongControl;
    is_refused(|_| {}, |ws, out| ws.ping(&[0; 126], out), ROOMY, error);
    is_refused(|_| {}, |ws, out| ws.pong(&[0; 1000], out), ROOMY, error);
    is_refused(|_| {}, |ws, out| ws.close(None, "no code", out), ROOMY, error);
    let long: Call = |ws, out| ws.close(Some(CloseCode::NORMAL), &"r".repeat(124), out);
    is_refused(|_| {}, long, ROOMY, error);
}

/// While a reply is owed, a refusal leaves it owed.
#[test]
fn a_refused_call_does_not_transmit_what_is_owed() {
    let owing: Setup = |driver| driver.receive(&incoming(driver.end, 0x89, b"owed"));
    is_refused(owing, |ws, out| ws.ping(&[0; 126], out), ROOMY, UsageError::LongControl);
    is_refused(owing, |ws, out| ws.begin(Kind::Text, u64::MAX, true, out), ROOMY, UsageError::TooMuchPayload);
    is_refused(owing, |ws, out| ws.begin(Kind::Text, 1, true, out), |_| 3, UsageError::OutputTooSmall);
}
