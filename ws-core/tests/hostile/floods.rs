//! Floods, and memory: what a connection holds is one struct of fixed size, so what is shown here is that it goes on
//! working, says stop at its limits, and loses nothing.

use super::common::{self, Driver, ENDS, End, FREE, Last, Seen, TestKeys, Ws, at, few, incoming, thin};
use ws_core::{Client, Connection, Event, Input, Kind, Limits, Output, PeerError, Server};

/// No part of a connection is outside of it: there is no allocator in the crate.
const _: () =
    assert!(size_of::<Connection<Server>>() <= 256 && size_of::<Connection<Client<TestKeys>>>() <= 256);

const MILLION: usize = few(1_000_000, 2000);

/// Feeds `block` again and again, and counts the events until the first error.
fn flood(ws: &mut Ws, block: &[u8], times: usize) -> (usize, Option<PeerError>) {
    let mut events = 0;
    let mut reply = [0; 131];
    for _ in 0..times {
        let mut read = block.to_vec();
        let mut input = Input::new(&mut read);
        while !input.is_empty() {
            match ws.receive(&mut input) {
                Ok(Some(_)) => events += 1,
                Ok(None) => _ = ws.transmit(&mut Output::new(&mut reply)),
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}

#[test]
fn a_declared_gibibyte_costs_nothing() {
    for end in ENDS {
        let mask = if end == End::Server { 0x80 } else { 0 };
        let head =
            [&[0x82, mask | 127], &(1u64 << 30).to_be_bytes()[..], &[0; 4][..end.peer().key_len()]].concat();
        let mut driver = Driver::with(end, FREE.with_limits(Limits::DEFAULT));
        driver.feed(&head);
        assert_eq!(driver.seen, [Seen::Failed(PeerError::MessageTooBig)], "by its header");
        // Without a limit it is streamed, through whatever is lent.
        let mut ws = Ws::new(end, FREE, at(0));
        assert_eq!(flood(&mut ws, &head, 1), (0, None));
        assert_eq!(flood(&mut ws, &[0x5a; 4096], MILLION / 1000), (MILLION / 1000, None));
    }
}

#[test]
fn each_limit_holds_exactly() {
    for end in ENDS {
        let limits = Limits { message: 10, fragments: 5, empty_fragments: 3 };
        let run = |frames: &[(u8, &[u8])]| {
            common::run(end, FREE.with_limits(limits), &common::script(end, frames)).failed()
        };
        let message = |len: usize| vec![b'm'; len];
        let fragments =
            |n: usize| [&[(0x02, &b"a"[..])][..], &vec![(0x00, &b"b"[..]); n - 2], &[(0x80, b"c")]].concat();
        let empty = |n: usize| [&[(0x02, &b"a"[..])][..], &vec![(0x00, &b""[..]); n]].concat();
        // One below, at, and one above.
        for len in 9..=11 {
            let error = (len > 10).then_some(PeerError::MessageTooBig);
            assert_eq!(run(&[(0x82, &message(len))]), error);
            assert_eq!(run(&[(0x02, &message(4)), (0x80, &message(len - 4))]), error);
        }
        for n in 4..=6 {
            assert_eq!(run(&fragments(n)), (n > 5).then_some(PeerError::TooManyFragments), "{n} fragments");
        }
        for n in 2..=4 {
            assert_eq!(run(&empty(n)), (n > 3).then_some(PeerError::TooManyFragments), "{n} empty ones");
        }
        // Each message starts anew.
        assert_eq!(run(&[(0x82, &message(10)), (0x82, &message(10))]), None);
        assert_eq!(run(&[fragments(5), fragments(5)].concat()), None);
    }
}

#[test]
fn a_message_without_an_end_is_closed_by_the_limit() {
    for end in ENDS {
        let mut ws = Ws::new(end, FREE.with_limits(Limits { fragments: u32::MAX, ..Limits::DEFAULT }), at(0));
        assert_eq!(flood(&mut ws, &incoming(end, 0x01, &[b'a'; 100]), 1), (1, None));
        let more = incoming(end, 0x00, &[b'a'; 100]);
        assert_eq!(flood(&mut ws, &more, MILLION), (162, Some(PeerError::MessageTooBig)));
        assert_eq!(ws.close_sent().flatten().map(|code| code.get()), Some(1009));
    }
}

#[test]
fn a_million_one_byte_fragments() {
    let end = End::Server;
    let begin = incoming(end, 0x02, b"1");
    let block = incoming(end, 0x00, b"2").repeat(1000);
    // By default the connection is closed at the limit.
    let mut ws = Ws::new(end, FREE.with_limits(Limits::DEFAULT), at(0));
    assert_eq!(flood(&mut ws, &begin, 1), (1, None));
    assert_eq!(flood(&mut ws, &block, MILLION / 1000), (1023, Some(PeerError::TooManyFragments)));
    assert_eq!(ws.close_sent().flatten().map(|code| code.get()), Some(1008));
    // Without a limit they pass, and still nothing is kept.
    let mut ws = Ws::new(end, FREE, at(0));
    assert_eq!(flood(&mut ws, &begin, 1), (1, None));
    assert_eq!(flood(&mut ws, &block, MILLION / 1000), (MILLION, None));
}

#[test]
fn a_million_empty_fragments() {
    for end in ENDS {
        let block = incoming(end, 0x00, b"").repeat(1000);
        let mut ws = Ws::new(end, FREE.with_limits(Limits::DEFAULT), at(0));
        assert_eq!(flood(&mut ws, &incoming(end, 0x01, b""), 1), (1, None));
        assert_eq!(flood(&mut ws, &block, MILLION / 1000), (15, Some(PeerError::TooManyFragments)));
        // One byte now and then does not help: then it is the fragments that are counted.
        let block = [incoming(end, 0x00, b"").repeat(16), incoming(end, 0x00, b"x")].concat();
        let mut ws = Ws::new(end, FREE.with_limits(Limits::DEFAULT), at(0));
        assert_eq!(flood(&mut ws, &incoming(end, 0x01, b"x"), 1), (1, None));
        assert_eq!(flood(&mut ws, &block, MILLION), (1023, Some(PeerError::TooManyFragments)));
    }
}

#[test]
fn output_never_exceeds_what_is_lent() {
    for end in ENDS {
        let mut ws = Ws::new(end, FREE, at(0));
        let mut memory = [0xca; 128];
        let mut out = Output::new(&mut memory[32..96]);
        let message = [7; 1000];
        let mut rest = &message[..];
        for _ in 0..few(1000, 10) {
            assert_eq!(ws.send(Kind::Binary, &mut rest, true, &mut out), Ok(false), "says it is full");
            assert_eq!(ws.ping(b"ping", &mut out), Ok(false));
            assert_eq!(ws.close(None, "", &mut out), Ok(false));
            assert_eq!(out.filled().len(), 64);
        }
        assert_eq!(rest.len(), 1000 - (64 - 2 - end.key_len()), "the rest waits, with the caller");
        assert_eq!(ws.buffered_amount(), 0);
        assert!(memory[..32].iter().chain(&memory[96..]).all(|byte| *byte == 0xca));
    }
}

#[test]
fn a_million_pongs_cost_nothing() {
    let end = End::Server;
    let block = incoming(end, 0x8a, &[b'p'; 5]).repeat(1000);
    let mut ws = Ws::new(end, FREE, at(0));
    assert_eq!(flood(&mut ws, &block, MILLION / 1000), (MILLION, None));
    assert!(!ws.wants_transmit() && ws.is_sendable());
}

/// One reply is held; while nobody takes it, what comes behind it stays in the input, and nothing is lost.
#[test]
fn a_million_pings_leave_one_reply() {
    for end in ENDS {
        let mut ws = Ws::new(end, FREE, at(0));
        let ping = incoming(end, 0x89, b"12345");
        let mut read = ping.repeat(MILLION / 4);
        let len = read.len();
        let mut input = Input::new(&mut read);
        assert_eq!(ws.receive(&mut input), Ok(Some(Event::Ping)));
        for _ in 0..few(1000, 10) {
            assert_eq!(ws.receive(&mut input), Ok(None));
            assert_eq!(ws.transmit(&mut Output::new(&mut [])), 0);
            assert_eq!(input.consumed(), ping.len());
            assert_eq!(ws.buffered_amount() as usize, 2 + end.key_len() + 5);
        }
        // Now somebody reads: every ping is answered.
        let mut pings = 1;
        let mut pongs = 0;
        let mut buf = [0; 11];
        while !input.is_empty() || ws.wants_transmit() {
            let mut out = Output::new(&mut buf);
            pongs += usize::from(ws.transmit(&mut out) != 0);
            pings += usize::from(ws.receive(&mut input).unwrap().is_some());
        }
        assert_eq!((pings, pongs, input.consumed()), (MILLION / 4, MILLION / 4, len));
    }
}

#[test]
fn a_reserved_opcode_is_refused_before_its_payload() {
    for end in ENDS {
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            for fin in [0, 0x80] {
                let mut driver = Driver::new(end);
                driver.feed(&[fin | opcode]);
                assert_eq!(driver.seen, [Seen::Failed(PeerError::ReservedOpcode)]);
                driver.feed(&[0xff; 10_000]);
                assert_eq!((driver.seen.len(), driver.replies().len()), (1, 1));
            }
        }
    }
}

/// A Pong that found no room leaves as soon as there is some, without another read.
#[test]
fn a_pong_waits_for_room() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.receive(&incoming(end, 0x89, b"hello?"));
        for _ in 0..10 {
            assert_eq!(driver.ws.transmit(&mut Output::new(&mut [])), 0);
            assert!(driver.ws.wants_transmit());
        }
        driver.out = 1;
        driver.flush();
        assert_eq!(driver.replies(), [(0x8a, b"hello?".to_vec())]);
    }
}

#[test]
fn a_pong_leaves_inside_a_large_message() {
    for end in ENDS {
        let message = vec![0x6d; few(1 << 20, 1 << 14)];
        let mut rest = &message[..];
        let mut driver = Driver::new(end);
        let mut buf = vec![0; 1024];
        let mut chunks = 0;
        loop {
            if chunks == 5 {
                driver.receive(&incoming(end, 0x89, b"still there?"));
            }
            let mut out = Output::new(&mut buf);
            let done = driver.ws.send(Kind::Binary, &mut rest, true, &mut out).unwrap();
            driver.sent.extend_from_slice(out.filled());
            chunks += 1;
            if done {
                break;
            }
        }
        let frames = driver.frames();
        let at = frames.iter().position(|frame| frame.b0 == 0x8a).unwrap();
        assert_eq!(
            at,
            5,
            "it went out with the next write, not behind the message of {} frames",
            frames.len()
        );
        let peer = common::run(end.peer(), FREE, &driver.sent);
        let [Seen::Data(_, head, Last::No), Seen::Pong(_), Seen::Data(_, tail, Last::Yes)] = &peer.seen[..]
        else {
            panic!("not a message with a Pong in it")
        };
        assert!([&head[..], tail].concat() == message);
    }
}

#[test]
fn a_reply_holds_nothing_of_an_earlier_one() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.frame(0x89, &[b's'; 125]).frame(0x89, b"abc").frame(0x89, b"");
        driver.frame(0x88, b"\x03\xe8");
        assert_eq!(
            driver.replies(),
            [(0x8a, vec![b's'; 125]), (0x8a, b"abc".to_vec()), (0x8a, vec![]), (0x88, b"\x03\xe8".to_vec())]
        );
        assert_eq!(driver.seen[3], Seen::Close(Some(1000), String::new()));
    }
}

/// Canaries around all that is lent: the input, the output and the memory of messages.
#[test]
fn buffers_are_not_written_beside_what_is_lent() {
    const CANARY: u8 = 0xca;
    for end in ENDS {
        let frames = common::script(end, &[(0x01, b"ab"), (0x89, b"ping"), (0x80, b"cd"), (0x82, &[9; 30])]);
        for size in thin(1..=frames.len(), 20) {
            let mut ws = Ws::new(end, FREE, at(0));
            let (mut lent, mut written) = ([CANARY; 64], [CANARY; 64]);
            let mut message = ws_core::MessageBuffer::new(&mut lent[16..48]);
            let mut messages = Vec::new();
            for piece in frames.chunks(size) {
                let mut memory = [&[CANARY; 16], piece, &[CANARY; 16]].concat();
                let mut input = Input::new(&mut memory[16..16 + piece.len()]);
                let mut steps = 0;
                while !input.is_empty() || steps == 0 {
                    steps += 1;
                    if let Some(Event::Data(data)) = ws.receive(&mut input).unwrap() {
                        messages.extend(message.push(data).unwrap().map(|m| m.as_bytes().to_vec()));
                    }
                    assert_eq!(
                        input.rest(),
                        &piece[input.consumed()..],
                        "what is not decoded has not changed"
                    );
                    let mut out = Output::new(&mut written[16..26]);
                    ws.transmit(&mut out);
                }
                assert!(memory[..16].iter().chain(&memory[16 + piece.len()..]).all(|byte| *byte == CANARY));
            }
            assert_eq!(messages, [b"abcd".to_vec(), vec![9; 30]]);
            for memory in [lent, written] {
                assert!(memory[..16].iter().chain(&memory[48..]).all(|byte| *byte == CANARY));
            }
            assert!(written[26..].iter().all(|byte| *byte == CANARY));
        }
    }
}
