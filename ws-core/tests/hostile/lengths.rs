//! Lengths that lie, and integers that could wrap.

use super::common::{self, Driver, ENDS, End, FREE, LENGTHS, Last, Seen, binary, few, incoming, thin};
use ws_core::{Input, Kind, Limits, PeerError};

/// The header of a frame whose length is in eight bytes, and a little of what could be payload.
fn declaring(end: End, b0: u8, len: u64) -> Vec<u8> {
    let mask = if end == End::Server { 0x80 } else { 0 };
    let key = &[0x0d, 0xf0, 0xad, 0x0b][..end.peer().key_len()];
    [&[b0, mask | 127], &len.to_be_bytes()[..], key, b"payload"].concat()
}

fn error_of(end: End, limits: Limits, bytes: &[u8]) -> Option<PeerError> {
    common::run(end, FREE.with_limits(limits), bytes).failed()
}

#[test]
fn the_longest_lengths_do_not_overflow() {
    for end in ENDS {
        for back in thin(0..32, 8) {
            for b0 in [0x82, 0x02] {
                let bytes = declaring(end, b0, u64::MAX - back);
                assert_eq!(error_of(end, FREE.limits, &bytes), Some(PeerError::BadLength));
                let bytes = declaring(end, b0, (u64::MAX >> 1) - back);
                assert_eq!(error_of(end, Limits::DEFAULT, &bytes), Some(PeerError::MessageTooBig));
                assert_eq!(error_of(end, FREE.limits, &bytes), None, "it is streamed");
            }
            let bytes = declaring(end, 0x83, u64::MAX - back);
            assert_eq!(error_of(end, FREE.limits, &bytes), Some(PeerError::ReservedOpcode));
        }
    }
}

#[test]
fn a_long_run_of_ones_is_refused_at_once() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        driver.feed(&[0xff]);
        assert_eq!(driver.failed(), Some(PeerError::ReservedBits));
        driver.feed(&[0xff; 10_000]);
        assert_eq!(driver.seen.len(), 1);
        let length = [&[0x82, if end == End::Server { 0xff } else { 0x7f }][..], &[0xff; 10_000]].concat();
        assert_eq!(error_of(end, FREE.limits, &length), Some(PeerError::BadLength));
    }
}

#[test]
fn a_bad_first_byte_is_refused_before_its_length() {
    let bytes = b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xeb\x0e\x8f";
    for end in ENDS {
        for n in 1..=bytes.len() {
            assert_eq!(error_of(end, FREE.limits, &bytes[..n]), Some(PeerError::FragmentedControl));
        }
    }
}

#[test]
fn huge_fragments_do_not_wrap_the_limit() {
    for end in ENDS {
        for limit in [1, 1000, u32::MAX - 1] {
            let limits = Limits { message: limit, ..FREE.limits };
            for len in [u64::from(limit) + 1, (1 << 32) - 1, 1 << 32, 1 << 62, (1 << 63) - 1] {
                if len > u64::from(limit) {
                    let first = incoming(end, 0x02, b"x");
                    let bytes = [&first[..], &declaring(end, 0x00, len.max(0x1_0000))].concat();
                    assert_eq!(
                        error_of(end, limits, &bytes),
                        Some(PeerError::MessageTooBig),
                        "{limit} {len}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_top_bit_of_a_length_is_refused() {
    for end in ENDS {
        for len in [1 << 63, (1 << 63) | 1, (1 << 63) | 0x1_0000, u64::MAX] {
            let bytes = declaring(end, 0x82, len);
            // Its first byte is enough.
            assert_eq!(error_of(end, FREE.limits, &bytes[..2]), None);
            assert_eq!(error_of(end, FREE.limits, &bytes[..3]), Some(PeerError::BadLength));
            assert_eq!(error_of(end, FREE.limits, &bytes), Some(PeerError::BadLength));
        }
    }
}

#[test]
fn a_client_survives_every_length_of_a_server() {
    let end = End::Client;
    for len in thin((0..64).flat_map(|bit| [(1u64 << bit).wrapping_sub(1), 1 << bit, (1 << bit) + 1]), 13) {
        for b0 in [0x81, 0x82, 0x02, 0x89] {
            let error = error_of(end, Limits::DEFAULT, &declaring(end, b0, len));
            let expected = match len {
                _ if b0 == 0x89 => PeerError::LongControl,
                0..=0xffff | 0x8000_0000_0000_0000.. => PeerError::BadLength,
                _ => PeerError::MessageTooBig,
            };
            assert_eq!(error, Some(expected), "{len:#x}");
        }
    }
}

#[test]
fn lengths_are_not_signed() {
    for end in ENDS {
        // A length with one byte of 0x80 at each place: as a signed shift it would be negative.
        for place in 1..6 {
            let len = 0x80u64 << (8 * (7 - place));
            let bytes = declaring(end, 0x82, len);
            let mut driver = Driver::new(end);
            let mut buf = bytes.clone();
            let mut input = Input::new(&mut buf);
            let event = driver.ws.receive(&mut input).unwrap().unwrap();
            let ws_core::Event::Data(data) = event else { panic!("{event:?}") };
            assert_eq!(data.remaining, len - data.payload.len() as u64);
        }
    }
}

#[test]
fn lengths_just_below_the_wrap_are_refused() {
    for end in ENDS {
        for less in 0..16 {
            let mut bytes = declaring(end, 0x82, u64::MAX - less);
            let before = bytes.clone();
            let mut driver = Driver::new(end);
            assert_eq!(driver.ws.receive(&mut Input::new(&mut bytes)), Err(PeerError::BadLength));
            assert_eq!(bytes, before, "nothing was unmasked");
        }
    }
}

#[test]
fn only_what_has_come_is_unmasked() {
    for len in [0x1_0000, 1 << 32, (1 << 63) - 1] {
        for have in thin(0..40, 8) {
            let head = &declaring(End::Server, 0x82, len)[..14];
            let mut memory = [head, &[0xca; 100]].concat();
            let mut driver = Driver::new(End::Server);
            let mut input = Input::new(&mut memory[..14 + have]);
            driver.ws.receive(&mut input).unwrap();
            assert!(input.is_empty());
            assert!(memory[14..14 + have].iter().all(|byte| *byte != 0xca), "unmasked");
            assert!(memory[14 + have..].iter().all(|byte| *byte == 0xca), "not lent, and not touched");
        }
    }
}

#[test]
fn the_largest_length_and_one_are_not_zero() {
    for end in ENDS {
        for fin in [0x80, 0] {
            let bytes = declaring(end, fin | 2, u64::MAX);
            assert_eq!(common::run(end, FREE, &bytes).seen, [Seen::Failed(PeerError::BadLength)]);
        }
    }
}

#[test]
fn a_small_fragment_before_a_huge_one() {
    for end in ENDS {
        for len in LENGTHS.into_iter().filter(|len| *len > 0xffff) {
            let bytes = [incoming(end, 0x02, b"small"), declaring(end, 0x80, len)].concat();
            let error = if len >> 63 == 0 { PeerError::MessageTooBig } else { PeerError::BadLength };
            let run = common::run(end, FREE.with_limits(Limits::DEFAULT), &bytes);
            assert_eq!(
                run.seen,
                [Seen::Data(Kind::Binary, b"small".to_vec(), Last::No), Seen::Failed(error)]
            );
        }
    }
}

/// The rules of RFC 6455 5, as a table: what is wrong first, in the order in which the bytes come.
fn verdict(end: End, in_message: bool, b0: u8, b1: u8, extended: u64) -> Option<PeerError> {
    let (opcode, fin) = (b0 & 0x0f, b0 & 0x80 != 0);
    let (len7, is_masked) = (b1 & 0x7f, b1 & 0x80 != 0);
    let is_control = opcode >= 8;
    Some(match opcode {
        _ if b0 & 0x70 != 0 => PeerError::ReservedBits,
        3..=7 | 11.. => PeerError::ReservedOpcode,
        0 if !in_message => PeerError::NothingToContinue,
        1 | 2 if in_message => PeerError::MessageInMessage,
        _ if is_control && !fin => PeerError::FragmentedControl,
        _ if is_masked && end == End::Client => PeerError::MaskedFrame,
        _ if !is_masked && end == End::Server => PeerError::UnmaskedFrame,
        _ if is_control && len7 > 125 => PeerError::LongControl,
        _ if len7 == 126 && extended < 126 => PeerError::BadLength,
        _ if len7 == 127 && !(0x1_0000..1 << 63).contains(&extended) => PeerError::BadLength,
        _ => return None,
    })
}

#[test]
fn every_header_has_the_verdict_of_the_table() {
    for end in ENDS {
        for open in [None, Some(0x01), Some(0x02)] {
            let begun = open.map(|b0| incoming(end, b0, b"a")).unwrap_or_default();
            for [b0, b1] in thin(0..=u16::MAX, 1009).map(u16::to_be_bytes) {
                let lengths: &[u64] = match b1 & 0x7f {
                    126 => &LENGTHS[..6],
                    127 => &LENGTHS,
                    _ => &[0],
                };
                for &extended in lengths {
                    let mut bytes = [&begun[..], &[b0, b1]].concat();
                    match b1 & 0x7f {
                        126 => bytes.extend((extended as u16).to_be_bytes()),
                        127 => bytes.extend(extended.to_be_bytes()),
                        _ => {}
                    }
                    bytes.extend(&[0; 4][..end.peer().key_len()]);
                    let mut ws = common::Ws::new(end, FREE, common::at(0));
                    let mut input = Input::new(&mut bytes);
                    let mut error = None;
                    while !input.is_empty() && error.is_none() {
                        error = ws.receive(&mut input).err();
                    }
                    let expected = verdict(end, open.is_some(), b0, b1, extended);
                    assert_eq!(error, expected, "{end:?} {open:?} {b0:02x} {b1:02x} {extended:#x}");
                }
            }
        }
    }
}

#[test]
fn fragments_of_all_lengths_add_up() {
    for end in ENDS {
        let mut bytes = Vec::new();
        let mut all = Vec::new();
        let lens = [0, 1, 125, 126, 0xffff, 0x1_0000, 0, 127, 3];
        let lens = lens.into_iter().filter(|len| *len <= few(0x1_0000, 1000));
        for (n, len) in lens.enumerate() {
            let body = vec![n as u8; len];
            bytes.extend(incoming(end, if n == 0 { 0x02 } else { 0x00 }, &body));
            all.extend(body);
        }
        bytes.extend(incoming(end, 0x80, b"end"));
        all.extend(b"end");
        let mut driver = Driver::new(end);
        bytes.chunks(8192).for_each(|piece| _ = driver.feed(piece));
        assert!(driver.seen == [binary(&all)]);
    }
}

/// Drafts before the protocol framed text between 0x00 and 0xff, and lengths in bytes with their top bit set.
#[test]
fn no_draft_is_spoken() {
    for end in ENDS {
        assert_eq!(error_of(end, FREE.limits, b"\x00text\xff"), Some(PeerError::NothingToContinue));
        let mut driver = Driver::new(end);
        for byte in [0x80].into_iter().chain([0xff; 1000]) {
            driver.feed(&[byte]);
            assert_eq!(driver.seen, [Seen::Failed(PeerError::NothingToContinue)]);
        }
    }
}

#[test]
fn each_form_of_the_length_is_sent_up_to_its_last_value() {
    for end in ENDS {
        let forms = [(0, 0), (125, 125), (126, 126), (0xffff, 126), (0x1_0000, 127)];
        for (len, form) in forms.into_iter().take(few(5, 3)) {
            let mut driver = Driver::new(end);
            driver.out = len + 14;
            driver.send(Kind::Binary, &vec![1; len], true);
            assert_eq!(driver.sent[1] & 0x7f, form);
            assert_eq!(driver.frames().len(), 1);
            assert!(common::run(end.peer(), FREE, &driver.sent).seen == [binary(&vec![1; len])]);
        }
    }
}

#[test]
fn a_length_in_a_longer_form_is_refused() {
    for end in ENDS {
        let mask = if end == End::Server { 0x80 } else { 0 };
        for len in thin(0..126u8, 25) {
            let bytes = [0x82, mask | 126, 0, len, 0, 0, 0, 0];
            assert_eq!(error_of(end, FREE.limits, &bytes), Some(PeerError::BadLength));
            assert_eq!(
                error_of(end, FREE.limits, &declaring(end, 0x82, u64::from(len))),
                Some(PeerError::BadLength)
            );
        }
        for len in [126, 1000, 0xffff] {
            assert_eq!(error_of(end, FREE.limits, &declaring(end, 0x82, len)), Some(PeerError::BadLength));
        }
    }
}
