//! Frames at the edge of the rules, each by the name of the rule: what is taken, what is refused and with which code.
//! Where a cut could matter, at every cut.

mod common;

use common::{Driver, ENDS, End, FREE, Last, Seen, binary, few, incoming, part_of_text, script, text, thin};
use ws_core::{CloseCode, Kind, Limits, PeerError, UsageError};

fn mask(end: End) -> u8 {
    if end == End::Server { 0x80 } else { 0 }
}

/// A header that declares `len` in eight bytes, towards `end`.
fn long_header(end: End, b0: u8, len: u64) -> Vec<u8> {
    let key: &[u8] = if end == End::Server { &[1, 2, 3, 4] } else { &[] };
    [&[b0, mask(end) | 127], &len.to_be_bytes()[..], key].concat()
}

/// `bytes`, one by one: refused with `error`, and with its code in the Close, at exactly the byte `at`.
fn refused_at(end: End, bytes: &[u8], at: usize, error: PeerError) {
    let mut driver = Driver::new(end);
    for (n, byte) in bytes.iter().enumerate() {
        driver.feed(&[*byte]);
        let failed = (n >= at).then_some(error);
        assert_eq!(driver.failed(), failed, "{end:?}: byte {n} of {bytes:x?}");
    }
    let code = error.close_code().unwrap().get().to_be_bytes().to_vec();
    assert_eq!(driver.replies().last(), Some(&(0x88, code)));
    assert_eq!(common::run(end, FREE, bytes).seen, driver.seen, "the same as a whole");
}

#[test]
fn a_fragment_may_be_cut_at_every_byte() {
    for end in ENDS {
        let bytes = script(end, &[(0x01, "añb".as_bytes()), (0x80, b"!")]);
        for cut in thin(0..=bytes.len(), 5) {
            let mut driver = Driver::new(end);
            driver.feed(&bytes[..cut]).feed(&bytes[cut..]);
            assert_eq!(driver.seen, [text("añb!")], "{end:?} cut at {cut}");
        }
    }
}

#[test]
fn a_ping_inside_a_fragmented_message_may_be_cut_at_every_byte() {
    for end in ENDS {
        let bytes = script(end, &[(0x01, b"ab"), (0x89, b"ping"), (0x80, b"cd")]);
        for cut in thin(0..=bytes.len(), 5) {
            let mut driver = Driver::new(end);
            driver.feed(&bytes[..cut]).feed(&bytes[cut..]);
            let rest = Seen::Data(Kind::Text, b"cd".to_vec(), Last::Yes);
            assert_eq!(driver.seen, [part_of_text(b"ab"), Seen::Ping(b"ping".to_vec()), rest]);
            assert_eq!(driver.replies(), [(0x8a, b"ping".to_vec())], "{end:?} cut at {cut}");
        }
    }
}

/// RFC 6455 5.5.2: a Ping is answered until a Close has come.
#[test]
fn a_ping_behind_our_close_is_answered_and_one_behind_the_peers_is_not() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.close(1000, "");
        driver.frame(0x89, b"late").frame(0x88, b"\x03\xe8").frame(0x89, b"too late");
        assert_eq!(driver.seen, [Seen::Ping(b"late".to_vec()), Seen::Close(Some(1000), String::new())]);
        assert_eq!(driver.replies(), [(0x88, b"\x03\xe8".to_vec()), (0x8a, b"late".to_vec())]);
        assert!(driver.ws.was_clean());
    }
}

/// RFC 6455 1.4, 7.1.1: what the peer sends before it has seen our Close still arrives.
#[test]
fn data_behind_our_close_arrives_and_behind_the_peers_does_not() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.close(1001, "going");
        driver.frame(0x81, b"still here").frame(0x88, b"").frame(0x81, b"no more");
        assert_eq!(driver.seen, [text("still here"), Seen::Close(None, String::new())]);
        assert_eq!(driver.replies(), [(0x88, b"\x03\xe9going".to_vec())]);
    }
}

/// RFC 6455 5.2: the top bit of the long form is zero.
#[test]
fn lengths_with_the_top_bit_are_refused_at_their_first_byte() {
    for end in ENDS {
        for len in [u64::MAX, 1 << 63, u64::MAX - 13, (1 << 63) + 1] {
            refused_at(end, &long_header(end, 0x82, len), 2, PeerError::BadLength);
        }
    }
}

#[test]
fn the_longest_length_there_is_can_be_streamed() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.feed(&long_header(end, 0x82, (1 << 63) - 1)).feed(&[0; 100]);
        assert_eq!(driver.failed(), None);
        assert!(
            matches!(&driver.seen[..], [Seen::Data(Kind::Binary, bytes, Last::No)] if bytes.len() == 100)
        );
    }
}

#[test]
fn frames_around_every_change_of_form_are_taken_and_sent() {
    for end in ENDS {
        for len in thin([0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537], 4) {
            let body: Vec<u8> = (0..len).map(|n: usize| (n % 251) as u8).collect();
            assert_eq!(common::run(end, FREE, &incoming(end, 0x82, &body)).seen, [binary(&body)]);
            let mut driver = Driver::new(end);
            driver.out = len + 14;
            driver.send(Kind::Binary, &body, true);
            // The decoder of the tests refuses a length that is not minimal.
            assert_eq!(driver.replies(), [(0x82, body)]);
        }
    }
}

/// RFC 6455 5.2: the shortest form is the only one.
#[test]
fn lengths_that_are_not_minimal_are_refused_with_their_last_byte() {
    for end in ENDS {
        for len in [0u16, 1, 125] {
            let [hi, lo] = len.to_be_bytes();
            refused_at(end, &[0x82, mask(end) | 126, hi, lo, 0, 0, 0, 0], 3, PeerError::BadLength);
        }
        for len in [0, 125, 126, 65_535] {
            refused_at(end, &long_header(end, 0x82, len), 9, PeerError::BadLength);
        }
    }
}

/// RFC 6455 5.5: 125 bytes, two of them the code.
#[test]
fn a_close_reason_has_at_most_123_bytes() {
    for end in ENDS {
        let longest = [b"\x03\xe8", &[b'r'; 123][..]].concat();
        let driver = common::run(end, FREE, &incoming(end, 0x88, &longest));
        assert_eq!(driver.seen, [Seen::Close(Some(1000), "r".repeat(123))]);
        let too_long = [b"\x03\xe8", &[b'r'; 200][..]].concat();
        refused_at(end, &incoming(end, 0x88, &too_long), 1, PeerError::LongControl);

        let mut driver = Driver::new(end);
        let mut buf = [0; 256];
        let mut out = ws_core::Output::new(&mut buf);
        for len in [124, 200] {
            let result = driver.ws.close(Some(CloseCode::NORMAL), &"r".repeat(len), &mut out);
            assert_eq!(result, Err(UsageError::LongControl));
        }
        assert!(out.is_empty());
        driver.close(1000, &"r".repeat(123));
        assert_eq!(driver.replies(), [(0x88, longest)]);
    }
}

/// RFC 6455 7.4, and the registry of its codes: the whole range, and no code can be made that is not to be sent.
/// The code of what the application refused is the one that it has given.
#[test]
fn a_refusal_of_the_application_has_no_code_of_its_own() {
    assert_eq!(PeerError::Refused.close_code(), None);
}

#[test]
fn close_codes_that_may_stand_in_a_frame() {
    let may = |code: u16| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    for (code, legal) in [
        (999, false),
        (1004, false),
        (1005, false),
        (1006, false),
        (1012, true),
        (1013, true),
        (1014, true),
        (1015, false),
        (1016, false),
        (2999, false),
        (3000, true),
        (4999, true),
        (5000, false),
    ] {
        assert_eq!(may(code), legal, "{code}");
    }
    for end in ENDS {
        for code in thin(0..=u16::MAX, 997) {
            assert_eq!(CloseCode::new(code).is_some(), may(code), "{code}");
            let mut driver = Driver::new(end);
            driver.frame(0x88, &code.to_be_bytes());
            let (seen, answer) = if may(code) {
                (Seen::Close(Some(code), String::new()), code)
            } else {
                (Seen::Failed(PeerError::BadClose), 1002)
            };
            assert_eq!(driver.seen, [seen]);
            assert_eq!(driver.replies(), [(0x88, answer.to_be_bytes().to_vec())]);
        }
    }
}

/// RFC 6455 5.5.1: a code has two bytes.
#[test]
fn a_close_payload_of_one_byte_is_refused() {
    for end in ENDS {
        let bytes = incoming(end, 0x88, b"\x03");
        refused_at(end, &bytes, bytes.len() - 1, PeerError::BadClose);
    }
}

#[test]
fn an_empty_close_is_answered_by_an_empty_close() {
    for end in ENDS {
        let driver = common::run(end, FREE, &incoming(end, 0x88, b""));
        assert_eq!(driver.seen, [Seen::Close(None, String::new())]);
        assert_eq!(driver.replies(), [(0x88, vec![])]);
        assert_eq!(driver.ws.close_received(), Some(None));
    }
}

/// RFC 6455 8.1: with the first byte that no text could have, however much of the frame is missing.
#[test]
fn text_fails_at_its_first_bad_byte_inside_a_part_of_a_frame() {
    for end in ENDS {
        let head = incoming(end, 0x81, &[0; 0]).len();
        let bytes = incoming(end, 0x81, b"\xff and then nothing wrong");
        refused_at(end, &bytes, head, PeerError::InvalidUtf8);
        let bytes = incoming(end, 0x81, b"fine, then\xc3(");
        refused_at(end, &bytes, head + 11, PeerError::InvalidUtf8);
        // Of a frame of 2^40 bytes.
        let mut bytes = long_header(end, 0x81, 1 << 40);
        let key = if end == End::Server { 1 } else { 0 };
        bytes.push(0xf5 ^ key);
        refused_at(end, &bytes, bytes.len() - 1, PeerError::InvalidUtf8);
    }
}

/// RFC 6455 5.1, from the second byte on, before a byte of payload.
#[test]
fn the_direction_of_masking_is_enforced() {
    for end in ENDS {
        let error = match end {
            End::Server => PeerError::UnmaskedFrame,
            End::Client => PeerError::MaskedFrame,
        };
        for b0 in [0x81, 0x02, 0x88, 0x89, 0x8a] {
            for payload in [&b""[..], b"x", &[b'x'; few(70_000, 300)]] {
                if b0 & 8 == 0 || payload.len() < 126 {
                    let mut bytes = incoming(end.peer(), b0, payload);
                    bytes.truncate(20);
                    refused_at(end, &bytes, 1, error);
                }
            }
        }
    }
}

/// RFC 6455 5.2, 5.4, 5.5: the first byte is enough.
#[test]
fn first_bytes_without_a_meaning_are_refused_at_once() {
    for end in ENDS {
        for b0 in thin(0..=u8::MAX, 17) {
            let (fin, opcode) = (b0 & 0x80 != 0, b0 & 0x0f);
            let error = match opcode {
                _ if b0 & 0x70 != 0 => PeerError::ReservedBits,
                3..=7 | 11..=15 => PeerError::ReservedOpcode,
                0 => PeerError::NothingToContinue,
                8..=10 if !fin => PeerError::FragmentedControl,
                _ => {
                    assert_eq!(common::run(end, FREE, &[b0]).failed(), None);
                    continue;
                }
            };
            refused_at(end, &[b0], 0, error);
            refused_at(end, &incoming(end, b0, b"payload"), 0, error);
        }
    }
}

/// RFC 6455 5.4.
#[test]
fn a_message_inside_a_message_is_refused_at_its_first_byte() {
    for end in ENDS {
        for b0 in [0x81, 0x01, 0x82, 0x02] {
            let open = incoming(end, 0x01, b"open");
            let bytes = [&open[..], &incoming(end, b0, b"another")].concat();
            refused_at(end, &bytes, open.len(), PeerError::MessageInMessage);
        }
    }
}

/// RFC 6455 5.5.
#[test]
fn control_frames_of_more_than_125_bytes_are_refused_at_their_length() {
    for end in ENDS {
        for b0 in [0x88, 0x89, 0x8a] {
            refused_at(end, &incoming(end, b0, &[0; 126]), 1, PeerError::LongControl);
            refused_at(end, &[b0, mask(end) | 127, 0, 0], 1, PeerError::LongControl);
            refused_at(end, &[b0, mask(end) | 126, 0, 1], 1, PeerError::LongControl);
        }
    }
}

/// RFC 6455 7.4.1: 1009 by the header alone.
#[test]
fn a_message_over_the_limit_is_refused_before_its_bytes_come() {
    for end in ENDS {
        let config = FREE.with_limits(Limits::for_message(1000));
        let refused = |bytes: &[u8]| {
            let mut driver = Driver::with(end, config);
            driver.feed(bytes);
            assert_eq!(driver.seen.last(), Some(&Seen::Failed(PeerError::MessageTooBig)));
            assert_eq!(driver.replies(), [(0x88, 1009u16.to_be_bytes().to_vec())]);
        };
        let key = vec![9; end.peer().key_len()];
        refused(&[&[0x82, mask(end) | 126, 0x03, 0xe9], &key[..]].concat()); // 1001
        for len in [1 << 16, 1 << 30, 1 << 32, (1 << 32) + 1, (1 << 63) - 1] {
            refused(&long_header(end, 0x82, len));
            refused(&[incoming(end, 0x02, &[0; 999]), long_header(end, 0x80, len)].concat());
        }
        let two = &[(0x02, &[0; 999][..]), (0x80, &[0; 1])];
        assert_eq!(common::run(end, config, &script(end, two)).seen, [binary(&[0; 1000])]);
    }
}
