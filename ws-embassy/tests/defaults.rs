//! Every default of `ws-embassy` is in the table of `SECURITY.md`, with its reason, as it is in the code. Structures are taken apart
//! field by field, so that a new one does not compile until it is in the table.

#[path = "../../ws-core/tests/common/defaults.rs"]
mod defaults;

use defaults::{assert_table, millis, number, own};
use ws_core::http::HeadLimits;
use ws_embassy::client::Backoff;
use ws_embassy::server::{Hosts, HttpSettings, SOCKETS_MAX, Settings};
use ws_embassy::{Limits, Options, OriginPolicy, Timeouts};

#[test]
fn the_table_of_defaults_is_that_of_the_code() {
    let Options { config, handshake_timeout, send_timeout } = Options::DEFAULT;
    let Limits { message, fragments, empty_fragments } = config.limits;
    assert_eq!(message, u32::MAX);
    assert_eq!(config.timeouts, Timeouts::DEFAULT, "its rows are those of the core");
    let Backoff { first, max, steady } = Backoff::DEFAULT;
    let Settings { port, fields, held, origin, hosts, policy, http, options } = Settings::for_sockets(10);
    assert_eq!((fields, origin), (&[][..], OriginPolicy::SameOrigin));
    assert!(matches!(hosts, Hosts::Addresses([])) && policy.is_none());
    assert_eq!(options, Options::DEFAULT, "as above");
    let HttpSettings { body, idle_timeout, .. } = http;
    let rest = HttpSettings { body, idle_timeout, ..HttpSettings::DEFAULT };
    assert_eq!((http, http.head), (rest, HeadLimits::DEFAULT), "its other rows are those of the core");
    assert_table([
        ("Options::DEFAULT.config.limits.message", "none".into()),
        ("Options::DEFAULT.config.limits.fragments", number(fragments)),
        ("Options::DEFAULT.config.limits.empty_fragments", number(empty_fragments)),
        ("Options::DEFAULT.handshake_timeout", millis(handshake_timeout.millis())),
        ("Options::DEFAULT.send_timeout", millis(send_timeout.as_millis())),
        ("Settings::for_sockets: port", port.to_string()),
        ("Settings::for_sockets: held", format!("all but {}", 10 - held)),
        ("Settings::for_sockets: origin", "same origin".into()),
        ("Settings::for_sockets: hosts", "by address".into()),
        ("Settings::for_sockets: http.body", defaults::bytes(body)),
        ("Settings::for_sockets: http.idle_timeout", millis(idle_timeout.millis())),
        (
            "server/choice.rs: RETRY_AFTER",
            format!("{} s", own("server/choice.rs", "RETRY_AFTER").trim_matches('"')),
        ),
        ("SOCKETS_MAX", number(SOCKETS_MAX as u64)),
        ("Backoff::DEFAULT.first", millis(first.as_millis())),
        ("Backoff::DEFAULT.max", millis(max.as_millis())),
        ("Backoff::DEFAULT.steady", millis(steady.as_millis())),
    ]);
}
