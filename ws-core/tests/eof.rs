//! Behind the end of the transport, wherever it comes; and what is told before anything came.

mod common;

use common::{Driver, ENDS, End, at, incoming, ms};
use ws_core::{Config, Kind, Limits, ReadyState, TimedOut, Timeouts};

#[test]
fn the_end_inside_a_frame_begun_is_an_end() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.drain(|ws, out| ws.begin(Kind::Binary, 100, true, out).unwrap());
        driver.ws.receive_eof();
        assert_eq!(driver.ws.ready_state(), ReadyState::Closed);
        assert!(driver.ws.wants_shutdown(), "{end:?}: nobody would ever end it");
        assert!(!driver.ws.was_clean());
    }
}

#[test]
fn nothing_is_owed_for_what_is_received_behind_the_end() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.ws.receive_eof();
        driver.receive(&incoming(end, 0x89, b"left over"));
        assert!(!driver.ws.wants_transmit());
        assert_eq!(driver.ws.buffered_amount(), 0);
        assert!(driver.ws.wants_shutdown());
    }
}

#[test]
fn what_is_in_a_ping_is_no_reason() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.frame(0x89, b"\x03\xe8not a reason");
        assert_eq!(driver.ws.close_reason(), "");
        driver.frame(0x88, b"\x03\xe8bye");
        assert_eq!(driver.ws.close_reason(), "bye");
    }
}

/// Of two deadlines that passed while nobody looked, the heartbeat's is told, and stays.
#[test]
fn one_deadline_is_told() {
    let timeouts = Timeouts { ping: ms(1000), pong: ms(500), idle: ms(2000), ..Timeouts::OFF };
    for end in ENDS {
        let mut driver = Driver::with(end, Config::DEFAULT.with_timeouts(timeouts));
        driver.ws.handle_timeout(at(1000));
        driver.flush();
        driver.ws.handle_timeout(at(9000));
        assert_eq!(driver.ws.timed_out(), Some(TimedOut::Pong));
        driver.ws.handle_timeout(at(10_000));
        assert_eq!(driver.ws.timed_out(), Some(TimedOut::Pong));
    }
}

#[test]
fn the_largest_limit_is_none() {
    assert_eq!(Limits::for_message(usize::MAX).message, u32::MAX);
    assert_eq!(Limits::for_message(u32::MAX as usize).message, u32::MAX);
    #[cfg(target_pointer_width = "64")]
    assert_eq!(Limits::for_message(1 << 32).message, u32::MAX);
    assert_eq!(Limits::for_message(7).message, 7);
    let mut driver = Driver::with(End::Server, Config::DEFAULT.with_limits(Limits::for_message(usize::MAX)));
    driver.feed(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1]);
    assert_eq!(driver.failed(), None);
}
