//! What clients send by POST: every split, every fault, repeats and gaps; beside a list of messages.

use crate::cases::thin;
use proptest::prelude::*;
use ws_core::transport::{AckBody, Callback, Inbox, Seq, Upstream, UpstreamError};
use ws_core::{Input, Kind, MessageBuffer, Output};

/// What one request brought: whole messages, bytes of one that has no end, and how it ended.
#[derive(Debug, Default, PartialEq)]
struct Got {
    messages: Vec<(Kind, Vec<u8>)>,
    rest: Vec<u8>,
    error: Option<UpstreamError>,
}

fn post(inbox: &mut Inbox, n: u32, body: &[u8], cuts: &[usize]) -> Got {
    let mut got = Got::default();
    let mut upstream = match Upstream::new(inbox, Seq::new(n), 1000) {
        Ok(upstream) => upstream,
        Err(error) => return Got { error: Some(error), ..got },
    };
    let mut at = 0;
    for cut in cuts.iter().copied().chain([body.len()]) {
        let mut piece = body[at..cut].to_vec();
        at = cut;
        let mut input = Input::new(&mut piece);
        loop {
            match upstream.receive(&mut input, inbox) {
                Ok(Some(data)) => {
                    assert_eq!(data.first, got.rest.is_empty(), "of {body:?}");
                    assert!(data.last || !data.payload.is_empty());
                    got.rest.extend_from_slice(data.payload);
                    if data.last {
                        assert_eq!(data.remaining, 0);
                        got.messages.push((data.kind, std::mem::take(&mut got.rest)));
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(upstream.receive(&mut input, inbox), Err(error), "for ever");
                    assert_eq!(upstream.finish(inbox), Err(error));
                    return Got { error: Some(error), ..got };
                }
            }
        }
        assert!(input.is_empty());
    }
    got.error = upstream.finish(inbox).err();
    got
}

fn at_every_split(received: u32, n: u32, body: &[u8]) -> Got {
    let inbox = |received| {
        let mut inbox = Inbox::new();
        (1..=received).for_each(|n| assert_eq!(inbox.accept(Seq::new(n)), Ok(true)));
        inbox
    };
    let mut whole = inbox(received);
    let got = post(&mut whole, n, body, &[]);
    for first in 0..=body.len() {
        for second in first..=body.len() {
            let mut split = inbox(received);
            assert_eq!(post(&mut split, n, body, &[first, second]), got, "{body:?} at {first}, {second}");
            assert_eq!(split.received(), whole.received());
        }
    }
    let bytewise: Vec<_> = (0..body.len()).collect();
    assert_eq!(post(&mut inbox(received), n, body, &bytewise), got);
    got
}

fn text(text: &str) -> (Kind, Vec<u8>) {
    (Kind::Text, text.into())
}

fn binary(bytes: &[u8]) -> (Kind, Vec<u8>) {
    (Kind::Binary, bytes.into())
}

#[test]
fn records_come_out_at_every_split() {
    let body =
        [b"t5:hello" as &[u8], b"b3:x\0\xff", b"t0:", "t7:€b1x!".as_bytes(), b"b0:", b"t2:t1"].concat();
    let got = at_every_split(0, 1, &body);
    let messages = vec![text("hello"), binary(b"x\0\xff"), text(""), text("€b1x!"), binary(b""), text("t1")];
    assert_eq!(got, Got { messages, ..Got::default() });
    assert_eq!(at_every_split(0, 1, b""), Got::default());
}

#[test]
fn what_is_no_record_is_refused_behind_what_was_one() {
    for bad in [
        "x", "T1:a", "t:", "t", "t01:a", "t00:", "t-1:a", "t+1:a", "t 1:a", "t1 :a", "t1", "t1:", "t1:a ",
        "t1:a\n", "\n", "c1:a", "tt1:a", "t1;a", ":", "1:a", "t1a",
    ] {
        let body = format!("t2:ok{bad}");
        let got = at_every_split(0, 1, body.as_bytes());
        let is_begun = matches!(bad, "t" | "t1" | "t1:");
        let error = if is_begun { UpstreamError::Truncated } else { UpstreamError::BadRecord };
        assert_eq!(got.error, Some(error), "{bad:?}");
        assert_eq!(got.messages[0], text("ok"));
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn a_length_above_the_limit_is_refused_by_its_digits() {
    for bad in ["t1001:", "t9999999999:", "b99999999999999999999999:", "t4294967296:", "t4294967297:"] {
        assert_eq!(at_every_split(0, 1, bad.as_bytes()).error, Some(UpstreamError::TooLong), "{bad}");
    }
    assert_eq!(UpstreamError::TooLong.status(), 413);
    // Where anything is allowed that can be counted.
    for (length, is_counted) in [("4294967295", true), ("4294967296", false), ("42949672950", false)] {
        let mut inbox = Inbox::new();
        let mut upstream = Upstream::new(&mut inbox, Seq::new(1), u32::MAX).expect("no gap");
        let mut bytes = format!("b{length}:x").into_bytes();
        let data = upstream.receive(&mut Input::new(&mut bytes), &mut inbox);
        assert_eq!(data.is_ok_and(|data| data.is_some_and(|data| data.remaining == 0xffff_fffe)), is_counted);
    }
    let body = format!("t1000:{}", "x".repeat(1000));
    assert_eq!(post(&mut Inbox::new(), 1, body.as_bytes(), &[500]).error, None);
}

#[test]
fn text_is_utf8_up_to_the_byte_that_is_not() {
    for (bad, valid) in [
        (b"t4:ab\xffc" as &[u8], b"ab" as &[u8]),
        (b"t2:\xc3\x28", b"\xc3"),
        (b"t3:a\xe2\x82", b"a\xe2\x82"),
        (b"t1:\xff", b""),
        (b"t3:\xed\xa0\x80", b"\xed"),
    ] {
        let got = at_every_split(0, 1, bad);
        assert_eq!((got.error, &got.rest[..]), (Some(UpstreamError::InvalidUtf8), valid), "{bad:x?}");
        assert_eq!(got.messages, []);
    }
    assert_eq!(at_every_split(0, 1, b"b2:\xc3\x28").error, None);
}

#[test]
fn what_comes_twice_counts_once() {
    let body = b"t1:ab1:bt1:c";
    let all = vec![text("a"), binary(b"b"), text("c")];
    let got = at_every_split(2, 1, body);
    assert_eq!(got, Got { messages: all[2..].to_vec(), ..Got::default() });
    let got = at_every_split(3, 1, body);
    assert_eq!(got, Got::default());
    let got = at_every_split(3, 4, body);
    assert_eq!(got.messages, all);
    assert_eq!(at_every_split(3, 5, body).error, Some(UpstreamError::Gap));
    assert_eq!(UpstreamError::Gap.status(), 409);
}

#[test]
fn a_message_cut_off_comes_whole_with_the_next_request() {
    let body = b"t1:at4:long";
    for cut in thin(0..body.len(), 10) {
        let mut inbox = Inbox::new();
        let mut memory = [0; 16];
        let mut buffer = MessageBuffer::new(&mut memory);
        let mut seen = Vec::new();
        for part in [&body[..cut], body] {
            let mut upstream = Upstream::new(&mut inbox, Seq::new(1), 100).expect("no gap");
            let mut part = part.to_vec();
            for mut byte in part.iter_mut().map(std::slice::from_mut) {
                let mut input = Input::new(std::mem::take(&mut byte));
                while let Some(data) = upstream.receive(&mut input, &mut inbox).expect("valid") {
                    if let Some(message) = buffer.push(data).expect("it fits") {
                        seen.push(message.as_bytes().to_vec());
                    }
                }
            }
        }
        assert_eq!(seen, [b"a".to_vec(), b"long".to_vec()], "cut at {cut}");
        assert_eq!(inbox.received(), Seq::new(2));
    }
}

#[test]
fn of_two_requests_at_a_time_the_later_goes_on() {
    let mut inbox = Inbox::new();
    let mut first = Upstream::new(&mut inbox, Seq::new(1), 100).expect("no gap");
    let mut bytes = *b"t1:at1";
    assert!(first.receive(&mut Input::new(&mut bytes), &mut inbox).expect("valid").is_some());
    let mut second = Upstream::new(&mut inbox, Seq::new(1), 100).expect("no gap");
    let mut rest = *b":b";
    let refused = first.receive(&mut Input::new(&mut rest), &mut inbox);
    assert_eq!(refused, Err(UpstreamError::Superseded));
    assert_eq!(first.finish(&inbox), Err(UpstreamError::Superseded));
    let mut again = *b"t1:at1:b";
    let mut input = Input::new(&mut again);
    let data = second.receive(&mut input, &mut inbox).expect("valid").expect("the second");
    assert_eq!(data.payload, b"b");
    assert_eq!(inbox.received(), Seq::new(2));
}

#[test]
fn messages_of_a_websocket_are_counted_alike() {
    let mut inbox = Inbox::new();
    assert_eq!(inbox.accept(Seq::new(1)), Ok(true));
    assert_eq!(inbox.accept(Seq::new(1)), Ok(false));
    assert_eq!(inbox.accept(Seq::new(3)), Err(UpstreamError::Gap));
    assert_eq!(inbox.accept(Seq::new(2)), Ok(true));
    assert_eq!(inbox.received(), Seq::new(2));
}

#[test]
fn the_answer_is_the_number_at_every_size_of_output() {
    let callback = Callback::parse("push.ack");
    for (callback, expected) in
        [(None, "{\"ack\":4294967295}"), (callback, "/**/push.ack({\"ack\":4294967295});")]
    {
        for size in thin(1..40, 10) {
            let mut body = AckBody::new(Seq::new(u32::MAX), callback);
            assert_eq!(body.len(), expected.len());
            assert_eq!(body.content_type().starts_with("text/javascript"), callback.is_some());
            let (mut buf, mut written) = (vec![0; size], Vec::new());
            let mut out = Output::new(&mut buf);
            while !body.transmit(&mut out) {
                written.extend_from_slice(out.filled());
                out.clear();
            }
            written.extend_from_slice(out.filled());
            assert_eq!(String::from_utf8(written).as_deref(), Ok(expected));
        }
    }
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    /// A client that sends its messages again and again, each time cut off somewhere, has each of them count once and in order.
    #[test]
    fn any_cuts_and_repeats(
        messages in prop::collection::vec((any::<bool>(), "[a-zé€]{0,12}"), 1..12),
        tries in prop::collection::vec((0..200usize, 0..200usize), 0..12),
    ) {
        let record = |(is_text, text): &(bool, String)| {
            format!("{}{}:{text}", if *is_text { 't' } else { 'b' }, text.len())
        };
        let mut inbox = Inbox::new();
        let mut seen = Vec::new();
        for (cut, split) in tries.into_iter().chain([(usize::MAX, 3)]) {
            // From any number that was acknowledged, not the last alone.
            let from = (inbox.received().get() as usize).saturating_sub(split % 3).min(messages.len() - 1);
            let body: String = messages[from..].iter().map(record).collect();
            let body = &body.as_bytes()[..cut.min(body.len())];
            let got = post(&mut inbox, from as u32 + 1, body, &[split.min(body.len())]);
            prop_assert!(matches!(got.error, None | Some(UpstreamError::Truncated)));
            seen.extend(got.messages);
        }
        let expected: Vec<_> = messages
            .iter()
            .map(|(is_text, text)| (if *is_text { Kind::Text } else { Kind::Binary }, text.clone().into_bytes()))
            .collect();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn any_bytes_end_the_same_however_they_are_cut(
        body in prop::collection::vec(prop_oneof![Just(b't'), Just(b'b'), Just(b':'), b'0'..=b'3', any::<u8>()], 0..24),
        cuts in prop::collection::vec(0..24usize, 0..6),
    ) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        cuts.sort_unstable();
        let (mut whole, mut split) = (Inbox::new(), Inbox::new());
        prop_assert_eq!(post(&mut whole, 1, &body, &[]), post(&mut split, 1, &body, &cuts));
        prop_assert_eq!(whole.received(), split.received());
    }
}
