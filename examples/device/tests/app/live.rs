//! `/live`, subprotocol `live.v1`: the state each half second, and the switch of the LED.

use embassy_futures::select::select;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::common::Peer;
use crate::common::deflate::{Inflater, OFFER};
use crate::common::frames::{self, Frame};
use crate::common::peer::Ended;
use crate::{Bench, PORT, WEBSOCKETS, leave, receive};

/// One state, as the page reads it.
#[derive(Clone, Debug, PartialEq)]
struct State {
    temperature: String,
    led: bool,
    uptime: u64,
    watching: usize,
}

/// The next state that comes; in fragments, where the device's ring was full.
async fn state(peer: &mut Peer) -> Result<State, Ended> {
    let (mut text, mut expected) = (Vec::new(), frames::TEXT);
    loop {
        let frame = receive(peer).await?;
        assert_eq!(frame.opcode, expected, "{frame:?}");
        text.extend(frame.payload);
        if frame.fin {
            return Ok(parse(&String::from_utf8(text).expect("text")));
        }
        expected = frames::CONTINUATION;
    }
}

/// JSON of exactly the four fields that the page knows.
fn parse(text: &str) -> State {
    let inner =
        text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_else(|| panic!("{text}"));
    let fields: Vec<_> = inner.split(',').map(|field| field.split_once(':').expect("a field")).collect();
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [r#""temperature""#, r#""led""#, r#""uptime""#, r#""watching""#], "{text}");
    let value = |at: usize| fields[at].1;
    assert!(value(0).parse::<f64>().is_ok(), "{text}");
    State {
        temperature: value(0).to_owned(),
        led: value(1).parse().expect("a boolean"),
        uptime: value(2).parse().expect("a number"),
        watching: value(3).parse().expect("a number"),
    }
}

/// The states until one has the LED so.
async fn state_with_led(peer: &mut Peer, led: bool) -> State {
    loop {
        let state = state(peer).await.expect("an open connection");
        if state.led == led {
            return state;
        }
    }
}

async fn switch(peer: &mut Peer, led: bool) {
    peer.send(&Frame::text(&format!(r#"{{"led":{led}}}"#)).masked()).await.expect("an open connection");
}

#[test]
fn a_browser_sees_the_state_at_once_and_then_each_half_second() {
    let bench = Bench::new(1);
    bench.net.run(async {
        Timer::after_millis(10_200).await;
        let mut peer = bench.watch().await;
        let first = state(&mut peer).await.unwrap();
        assert_eq!(
            (first.temperature.as_str(), first.led, first.uptime, first.watching),
            ("23.45", false, 10, 1)
        );
        assert!(Instant::now() < Instant::from_millis(10_300), "{:?}", Instant::now());
        for number in 1..=20 {
            bench.lab.temperature.set(2345 + number as i32);
            let state = state(&mut peer).await.unwrap();
            assert_eq!(state.temperature, format!("23.{}", 45 + number));
            let (at, due) = (Instant::now().as_millis(), 10_000 + 500 * number);
            assert!(at >= due && at < due + 20, "{at} ms, due at {due} ms");
        }
        leave(peer).await;
    });
}

#[test]
fn temperatures_are_hundredths_of_a_degree() {
    let bench = Bench::new(2);
    bench.net.run(async {
        let mut peer = bench.watch().await;
        state(&mut peer).await.unwrap();
        for (hundredths, text) in [
            (0, "0.00"),
            (5, "0.05"),
            (-5, "-0.05"),
            (-100, "-1.00"),
            (-2345, "-23.45"),
            (10_000, "100.00"),
            (i32::MAX, "21474836.47"),
            (i32::MIN, "-21474836.48"),
        ] {
            bench.lab.temperature.set(hundredths);
            assert_eq!(state(&mut peer).await.unwrap().temperature, text);
        }
        leave(peer).await;
    });
}

#[test]
fn one_browser_switches_the_led_and_all_see_it() {
    let bench = Bench::new(3);
    bench.net.run(async {
        let (mut one, mut other) = (bench.watch().await, bench.watch().await);
        assert!(!state_with_led(&mut one, false).await.led && !state_with_led(&mut other, false).await.led);
        for led in [true, false, true] {
            Timer::after_millis(50).await;
            let asked = Instant::now();
            switch(&mut one, led).await;
            state_with_led(&mut one, led).await;
            state_with_led(&mut other, led).await;
            assert_eq!(bench.lab.is_lit(), led);
            // At once, not with the next temperature.
            assert!(asked.elapsed() < Duration::from_millis(50), "{:?}", asked.elapsed());
        }
        switch(&mut other, false).await;
        assert!(!state_with_led(&mut one, false).await.led);
        assert!(!bench.lab.is_lit());
        leave(one).await;
        leave(other).await;
    });
}

/// Nor does it change anything to ask for what is.
#[test]
fn who_switches_without_a_pause_keeps_nobody_from_the_temperature() {
    let bench = Bench::new(9);
    bench.net.run(async {
        let (mut one, mut other) = (bench.watch().await, bench.watch().await);
        bench.lab.temperature.set(2500);
        let asks = async {
            loop {
                switch(&mut one, true).await;
                Timer::after_millis(5).await;
            }
        };
        let told = async { while state(&mut other).await.expect("a state").temperature != "25.00" {} };
        let both = select(told, asks);
        with_timeout(Duration::from_secs(2), both).await.expect("the temperature");
        assert_eq!(bench.lab.led.borrow().iter().map(|(on, _)| *on).collect::<Vec<_>>(), [false, true]);
        one.abort().await;
        leave(other).await;
    });
}

#[test]
fn the_led_is_off_at_first_and_outlives_who_switched_it() {
    let bench = Bench::new(4);
    bench.net.run(async {
        let mut peer = bench.watch().await;
        assert_eq!(bench.lab.led.borrow().iter().map(|(on, _)| *on).collect::<Vec<_>>(), [false]);
        switch(&mut peer, true).await;
        state_with_led(&mut peer, true).await;
        leave(peer).await;
        Timer::after_secs(60).await;
        let mut next = bench.watch().await;
        assert!(state(&mut next).await.unwrap().led && bench.lab.is_lit());
        leave(next).await;
    });
}

#[test]
fn a_command_may_have_spaces_and_come_in_fragments() {
    let bench = Bench::new(5);
    bench.net.run(async {
        let mut peer = bench.watch().await;
        peer.send(&Frame::text("{ \"led\" : true }\n").masked()).await.unwrap();
        state_with_led(&mut peer, true).await;
        peer.send(&Frame::text("{\"led\":").more().masked()).await.unwrap();
        peer.send(&Frame::new(frames::PING, "between").masked()).await.unwrap();
        peer.send(&Frame::new(frames::CONTINUATION, "false}").masked()).await.unwrap();
        let mut pong = false;
        loop {
            let frame = receive(&mut peer).await.unwrap();
            pong |= frame == Frame::new(frames::PONG, "between");
            if frame.opcode == frames::TEXT && !parse(&String::from_utf8(frame.payload).unwrap()).led {
                break;
            }
        }
        assert!(pong && !bench.lab.is_lit());
        leave(peer).await;
    });
}

#[test]
fn many_commands_at_once_end_with_the_last() {
    let bench = Bench::new(6);
    bench.net.run(async {
        let (mut one, mut other) = (bench.watch().await, bench.watch().await);
        for number in 0..101 {
            switch(&mut one, number % 2 == 0).await;
        }
        Timer::after_millis(100).await;
        assert!(bench.lab.is_lit());
        let seen = Instant::now();
        while seen.elapsed() < Duration::from_secs(2) {
            state(&mut other).await.unwrap();
        }
        assert!(state(&mut other).await.unwrap().led);
        leave(one).await;
        leave(other).await;
    });
}

/// The code that the device closes with, behind `frames`; the LED has not changed.
fn refused(frames: &[Frame]) -> Option<u16> {
    let bench = Bench::new(7);
    bench.net.run(async {
        let (mut bystander, mut peer) = (bench.watch().await, bench.watch().await);
        for frame in frames {
            peer.send(frame).await.unwrap();
        }
        let code = loop {
            let frame = receive(&mut peer).await.unwrap();
            if frame.opcode == frames::CLOSE {
                break frame.close_code();
            }
        };
        peer.send(&Frame::close(code.unwrap(), "").masked()).await.unwrap();
        peer.close().await.unwrap();
        Timer::after_millis(200).await;
        assert_eq!(bench.lab.led.borrow().len(), 1, "the LED was set");
        while state(&mut bystander).await.unwrap().watching > 1 {}
        leave(bystander).await;
        assert_eq!((bench.net.sent(&bench.host).rst, bench.net.sent(&bench.browsers).rst), (0, 0));
        code
    })
}

#[test]
fn what_is_no_command_is_answered_with_1008() {
    for text in ["", "{}", "on", r#"{"led":1}"#, r#"{"led":true}{"led":true}"#, r#"{"LED":true}"#, "null"] {
        assert_eq!(refused(&[Frame::text(text).masked()]), Some(1008), "{text}");
    }
    assert_eq!(refused(&[Frame::binary(r#"{"led":true}"#).masked()]), Some(1008));
    let most = format!(r#"{{"led":tru{}}}"#, "e".repeat(500));
    assert_eq!(refused(&[Frame::text(&most).masked()]), Some(1008));
}

#[test]
fn a_message_that_is_too_long_is_answered_with_1009() {
    let long = "x".repeat(900);
    assert_eq!(refused(&[Frame::text(&long).masked()]), Some(1009));
    assert_eq!(refused(&[Frame::binary([0; 2000]).masked()]), Some(1009));
    let halves =
        [Frame::text(&long[..450]).more().masked(), Frame::new(frames::CONTINUATION, &long[..450]).masked()];
    assert_eq!(refused(&halves), Some(1009));
}

#[test]
fn what_breaks_the_protocol_is_answered_in_its_words() {
    assert_eq!(refused(&[Frame::text("unmasked")]), Some(1002));
    assert_eq!(refused(&[Frame::new(frames::TEXT, [0xff]).masked()]), Some(1007));
}

#[test]
fn there_may_be_as_many_watchers_as_websockets_and_all_are_counted() {
    let bench = Bench::new(8);
    bench.net.run(async {
        let mut watchers = Vec::new();
        for number in 1..=WEBSOCKETS {
            watchers.push(bench.watch().await);
            for watcher in &mut watchers {
                while state(watcher).await.unwrap().watching != number {}
            }
        }
        let mut late = bench.connect().await;
        assert!(late.request("/live", "").await.unwrap().starts_with("HTTP/1.1 503 "));
        late.close().await.unwrap();
        leave(watchers.remove(0)).await;
        for watcher in &mut watchers {
            while state(watcher).await.unwrap().watching != WEBSOCKETS - 1 {}
        }
        watchers.push(bench.watch().await);
        for watcher in &mut watchers {
            while state(watcher).await.unwrap().watching != WEBSOCKETS {}
        }
        for watcher in watchers {
            leave(watcher).await;
        }
    });
}

#[test]
fn a_watcher_that_reads_late_has_missed_some_and_gets_the_latest() {
    let bench = Bench::new(9);
    bench.net.run(async {
        let mut prompt = bench.watch().await;
        let mut late = Peer::new(&bench.browsers, 512, 1024);
        late.socket.connect((bench.host.address, PORT)).await.unwrap();
        late.open("/live").await.unwrap();
        // What it does not read fills its window and the device's ring; from then on states are missed.
        let mut number = 0;
        while Instant::now() < Instant::from_secs(35) {
            number += 1;
            bench.lab.temperature.set(number);
            state(&mut prompt).await.unwrap();
        }
        assert!(bench.net.sent(&bench.browsers).zero_window > 0, "it could take all");
        let mut seen = Vec::new();
        let last = format!("0.{number:02}");
        while seen.last() != Some(&last) {
            seen.push(state(&mut late).await.expect("it is kept").temperature);
        }
        assert!(seen.len() + 5 <= number as usize, "{} of {number} states", seen.len());
        leave(late).await;
        leave(prompt).await;
    });
}

#[test]
fn a_watcher_that_never_reads_is_given_up_and_others_see_all() {
    let bench = Bench::new(10);
    bench.net.run(async {
        let stuck = bench.watch().await;
        let mut other = bench.watch().await;
        let mut last = Instant::now();
        let mut alone = false;
        while Instant::now() < Instant::from_secs(180) {
            alone = state(&mut other).await.unwrap().watching == 1;
            assert!(last.elapsed() < Duration::from_millis(600), "{:?}", last.elapsed());
            last = Instant::now();
        }
        assert!(alone, "it still counts");
        drop(stuck);
        leave(other).await;
    });
}

#[test]
fn the_states_are_compressed_for_whoever_keeps_to_a_small_window() {
    let bench = Bench::new(12);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let head = peer.request("/live", OFFER).await.unwrap();
        let agreed = frames::header(&head, "Sec-WebSocket-Extensions");
        assert_eq!(agreed, Some("permessage-deflate; client_max_window_bits=9"), "{head}");
        let (mut inflater, mut wire, mut payload) = (Inflater::new(true), 0, 0);
        for number in 0..20 {
            bench.lab.temperature.set(2345 + number);
            let message = peer.receive_message().await.unwrap();
            assert!(message.rsv1 && message.opcode == frames::TEXT, "{message:?}");
            let text = String::from_utf8(inflater.inflate(&message.payload)).unwrap();
            assert!(!parse(&text).led, "{text}");
            wire += message.payload.len();
            payload += text.len();
        }
        assert!(wire * 3 < payload, "{wire} bytes for {payload}");
        // Commands may be compressed too; this one is too short to be worth it.
        switch(&mut peer, true).await;
        while {
            let message = peer.receive_message().await.unwrap();
            !parse(&String::from_utf8(inflater.inflate(&message.payload)).unwrap()).led
        } {}
        leave(peer).await;

        // A peer that cannot be told to is not compressed for.
        let mut peer = bench.connect().await;
        let head = peer.request("/live", "Sec-WebSocket-Extensions: permessage-deflate\r\n").await.unwrap();
        assert_eq!(frames::header(&head, "Sec-WebSocket-Extensions"), None, "{head}");
        state(&mut peer).await.unwrap();
        leave(peer).await;
    });
}

#[test]
fn a_client_that_speaks_no_subprotocol_is_served_all_the_same() {
    let bench = Bench::new(11);
    bench.net.run(async {
        let mut peer = bench.connect().await;
        let head = peer.open("/live").await.unwrap();
        assert_eq!(frames::header(&head, "Sec-WebSocket-Protocol"), None);
        state(&mut peer).await.unwrap();
        leave(peer).await;
    });
}

#[test]
fn watchers_outlive_a_link_that_is_away_for_a_while() {
    let bench = Bench::new(12);
    bench.net.run(async {
        let mut peer = bench.watch().await;
        state(&mut peer).await.unwrap();
        bench.host.link_down();
        Timer::after_secs(5).await;
        bench.host.link_up();
        bench.lab.temperature.set(100);
        while state(&mut peer).await.unwrap().temperature != "1.00" {}
        leave(peer).await;
    });
}
