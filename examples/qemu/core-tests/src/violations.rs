//! What a peer must not send: a table.

use crate::wire::{Bytes, FREE, From, START, Tape, TestKeys};
use crate::{Outcome, check};
use heapless::Vec;
use ws_core::{Connection, Limits, PeerError};

/// Who sends it, the bytes, what is seen before the error, the error, and the code in the Close.
type Violation = (From, &'static [u8], &'static [u8], PeerError, u16);

const TABLE: &[Violation] = &[
    // Reserved bits and opcodes (RFC 6455 5.2).
    (From::Server, b"\xc1\x00", b"", PeerError::ReservedBits, 1002),
    (From::Server, b"\xa2\x00", b"", PeerError::ReservedBits, 1002),
    (From::Server, b"\x99\x00", b"", PeerError::ReservedBits, 1002),
    (From::Server, b"\x83\x00", b"", PeerError::ReservedOpcode, 1002),
    (From::Server, b"\x87\x00", b"", PeerError::ReservedOpcode, 1002),
    (From::Server, b"\x8b\x00", b"", PeerError::ReservedOpcode, 1002),
    (From::Server, b"\x8f\x00", b"", PeerError::ReservedOpcode, 1002),
    // Masks (5.1).
    (From::Client, b"\x81\x02hi", b"", PeerError::UnmaskedFrame, 1002),
    (From::Server, b"\x81\x82\0\0\0\0hi", b"", PeerError::MaskedFrame, 1002),
    // Control frames (5.5).
    (From::Server, b"\x09\x00", b"", PeerError::FragmentedControl, 1002),
    (From::Server, b"\x08\x00", b"", PeerError::FragmentedControl, 1002),
    (From::Server, b"\x89\x7e\x00\x7e", b"", PeerError::LongControl, 1002),
    (From::Server, b"\x88\x7f\0\0\0\0\0\x01\0\0", b"", PeerError::LongControl, 1002),
    // Fragments (5.4).
    (From::Server, b"\x80\x01x", b"", PeerError::NothingToContinue, 1002),
    (From::Server, b"\x81\x01x\x80\x01y", b"tx.", PeerError::NothingToContinue, 1002),
    (From::Server, b"\x01\x01x\x81\x01y", b"tx", PeerError::MessageInMessage, 1002),
    (From::Server, b"\x02\x01x\x89\x00\x02\x01y", b"bxp", PeerError::MessageInMessage, 1002),
    // Lengths (5.2).
    (From::Server, b"\x82\x7e\x00\x7d", b"", PeerError::BadLength, 1002),
    (From::Server, b"\x82\x7f\0\0\0\0\0\0\xff\xff", b"", PeerError::BadLength, 1002),
    (From::Server, b"\x82\x7f\x80\0\0\0\0\0\0\0", b"", PeerError::BadLength, 1002),
    // Close frames (5.5.1, 7.4).
    (From::Server, b"\x88\x01\x03", b"", PeerError::BadClose, 1002),
    (From::Server, b"\x88\x02\x03\xed", b"", PeerError::BadClose, 1002),
    (From::Server, b"\x88\x03\x03\xe8\xff", b"", PeerError::InvalidUtf8, 1007),
    // Text (8.1).
    (From::Server, b"\x81\x03ab\xc0", b"tab", PeerError::InvalidUtf8, 1007),
    (From::Server, b"\x81\x04a\xed\xa0\x80", b"ta\xed", PeerError::InvalidUtf8, 1007),
    (From::Server, b"\x81\x02a\xc3", b"ta", PeerError::InvalidUtf8, 1007),
    (From::Server, b"\x01\x02a\xc3\x80\x01b", b"ta\xc3", PeerError::InvalidUtf8, 1007),
    // Limits of the test's own: 40 bytes, 3 fragments (10.4).
    (From::Server, b"\x82\x29", b"", PeerError::MessageTooBig, 1009),
    (From::Server, b"\x02\x01x\x80\x28", b"bx", PeerError::MessageTooBig, 1009),
    (From::Server, b"\x02\x01a\x00\x01b\x00\x01c\x00\x01d", b"babc", PeerError::TooManyFragments, 1008),
];

pub(crate) fn all() -> Outcome {
    let limits = Limits { message: 40, fragments: 3, empty_fragments: 3 };
    let config = FREE.with_limits(limits);
    for (from, bytes, seen, error, code) in TABLE {
        // And a frame behind it, which nobody may see.
        let mut script: Bytes = Vec::from_slice(bytes).unwrap();
        script.extend_from_slice(b"\x89\x80\0\0\0\0").unwrap();
        for cut in 0..=script.len() {
            let mut tape = Tape::default();
            let (a, b) = script.split_at(cut);
            let (mut server, mut client) =
                (Connection::server(config, START), Connection::client(config, TestKeys(1), START));
            for piece in [a, b] {
                match from {
                    From::Client => tape.feed(&mut server, piece, 64),
                    From::Server => tape.feed(&mut client, piece, 64),
                }
            }
            check!(tape.failed == Some(*error));
            check!(tape.seen == *seen);
            let close = match (from, &tape.sent[..]) {
                (From::Client, [.., 0x88, 2, hi, lo]) => [*hi, *lo],
                (From::Server, [.., 0x88, 0x82, k0, k1, _, _, hi, lo]) => [hi ^ k0, lo ^ k1],
                _ => [0; 2],
            };
            check!(close == code.to_be_bytes());
        }
    }
    Ok(())
}
