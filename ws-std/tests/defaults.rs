//! Every default of `ws-std` is in the table of `SECURITY.md`, with its reason, as it is in the code. Structures are taken apart
//! field by field, so that a new one does not compile until it is in the table.

#[path = "../../ws-core/tests/common/defaults.rs"]
mod defaults;

use defaults::{assert_table, bytes, millis, number, on, own};
use ws_core::connection::DeflatingSender;
use ws_core::http::Hosts;
use ws_core::http::exchange::Settings;
use ws_std::http::HttpOptions;
use ws_std::{Compression, Effort, Limits, Options, Timeouts};

#[test]
fn the_table_of_defaults_is_that_of_the_code() {
    let Options {
        config,
        read_buffer,
        write_buffer,
        head_buffer,
        handshake_timeout,
        send_timeout,
        compression,
    } = Options::DEFAULT;
    let Limits { message, fragments, empty_fragments } = config.limits;
    assert_eq!(config.timeouts, Timeouts::DEFAULT, "its rows are those of the core");
    let HttpOptions { hosts: _, requests, further, socket, policy } = HttpOptions::new(Hosts::Any);
    assert_eq!((requests, socket), (Settings::DEFAULT, Options::DEFAULT), "as above, and as in the core");
    assert!(further.is_empty() && policy.is_none());
    // Its fields are its own: those of the default are told by what makes the same.
    let is_default = |other: Compression| other == Compression::DEFAULT;
    let if_default = |other, value: String| if is_default(other) { value } else { "another".into() };
    let with_effort = Compression::DEFAULT.with_effort(Effort::NORMAL);
    let with_threshold = Compression::DEFAULT.with_threshold(DeflatingSender::THRESHOLD);
    assert_table([
        ("Options::DEFAULT.config.limits.message", bytes(message)),
        ("Options::DEFAULT.config.limits.fragments", number(fragments)),
        ("Options::DEFAULT.config.limits.empty_fragments", number(empty_fragments)),
        ("Options::DEFAULT.read_buffer", bytes(read_buffer as u64)),
        ("Options::DEFAULT.write_buffer", bytes(write_buffer as u64)),
        ("Options::DEFAULT.head_buffer", bytes(head_buffer as u64)),
        ("Options::DEFAULT.handshake_timeout", millis(handshake_timeout.as_millis())),
        ("Options::DEFAULT.send_timeout", millis(send_timeout.as_millis())),
        ("Options::DEFAULT.compression", on(compression.is_some())),
        ("Compression::DEFAULT: windows", if_default(Compression::new(15, 15), bytes(1u64 << 15))),
        ("Compression::DEFAULT: takeover", on(is_default(Compression::DEFAULT.with_takeover()))),
        (
            "Compression::DEFAULT: the peer's takeover",
            on(!is_default(Compression::DEFAULT.without_peer_takeover())),
        ),
        ("Compression::DEFAULT: effort", if_default(with_effort, "NORMAL".into())),
        (
            "Compression::DEFAULT: threshold",
            if_default(with_threshold, bytes(DeflatingSender::THRESHOLD as u64)),
        ),
        ("waiting.rs: FULL_READS_MAX", own("waiting.rs", "FULL_READS_MAX")),
    ]);
}
