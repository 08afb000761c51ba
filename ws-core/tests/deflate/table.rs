//! The table of settings in the documentation: the memory of each, and how small it makes messages. For hosts alone: others find
//! other matches where there are many heads.

use std::fmt::Write;

use super::common::tables::assert_rows;
use super::settings::HANDLE;
use super::{Lent, Rng, Whole, deflate, few, telemetry};
use ws_core::deflate::{Buffers, Deflater, Effort, Work};

/// What is offered to choose from, with the effort that goes with it.
macro_rules! settings {
    ($($window:literal, $heads:literal, $links:literal, $tokens:literal, $effort:ident;)*) => {
        [$((
            concat!("`<", $window, ", ", $heads, ", ", $links, ", ", $tokens, ">`"),
            stringify!($effort),
            size_of::<Buffers<$window, $heads, $links, $tokens>>(),
            $window + 2 * $heads + 2 * $links + $tokens + size_of::<Work>(),
            compress(&mut Buffers::<$window, $heads, $links, $tokens>::new().deflater(Effort::$effort)),
        ),)*]
    };
}

#[test]
#[cfg_attr(miri, ignore = "a table of figures, each of a quarter of a megabyte")]
fn the_table_of_settings_is_that_of_the_documentation() {
    let settings = settings! {
        256, 0, 0, 512, SMALL;
        512, 0, 0, 736, SMALL;
        1024, 0, 0, 2048, SMALL;
        512, 128, 512, 1024, QUICK;
        1024, 256, 1024, 1024, QUICK;
        4096, 1024, 4096, 4096, QUICK;
        4096, 1024, 4096, 4096, NORMAL;
        32768, 4096, 32768, 16384, NORMAL;
        32768, 16384, 32768, 49152, NORMAL;
    };
    let mut table = String::new();
    for (name, effort, size, formula, [with, without]) in settings {
        assert_eq!(size, formula, "{name}");
        let all = size + HANDLE;
        writeln!(table, "/// | {name} | `{effort}` | {all} | {with:.1} % | {without:.1} % |").expect("text");
    }
    assert_rows("deflate/deflater/memory.rs", "/// | --- | --- | ---: | ---: | ---: |\n", &table);
}

/// The same to the byte, for as much as takes no time. Whoever makes the messages shorter writes here by how much.
#[test]
fn a_sample_becomes_as_short_as_it_did() {
    let messages = telemetry::messages(few(24 * 1024, 200));
    let settings = [
        (512, 0, 736, Effort::SMALL),
        (1024, 256, 1024, Effort::QUICK),
        (32_768, 4096, 16_384, Effort::NORMAL),
    ];
    let found = settings.map(|(window, heads, tokens, effort)| {
        let mut lent = Lent::new(window, heads, tokens);
        lengths(&mut lent.deflater(effort).expect("memory"), &messages)
    });
    if !cfg!(miri) {
        assert_eq!(found, [[7435, 10630], [6547, 10618], [4954, 10633]]);
    }
}

/// The same of what saves with each match about as much as it loses with the literals between, in blocks that end when the
/// window is full, or as soon as the fixed code is no longer worth it.
#[test]
#[cfg_attr(miri, ignore = "figures, of many bytes")]
fn what_hardly_compresses_becomes_as_short_as_it_did() {
    let rng = &mut Rng(13);
    let mut plain: Vec<u8> = (0..100).map(|_| rng.next() as u8).collect();
    while plain.len() < 12_000 {
        let from = plain.len() - 3 - rng.below(97);
        plain.extend_from_within(from..from + 3);
        plain.extend((0..rng.below(38)).map(|_| rng.next() as u8));
    }
    let found = [256, 1000].map(|window| {
        let mut lent = Lent::new(window, 0, 65_536);
        deflate(&mut lent.deflater(Effort::SMALL).expect("memory"), &plain, &mut Whole).len()
    });
    assert_eq!(found, [11_461, 11_738]);
}

/// The size of the feed in percent, with context takeover and without.
fn compress(deflater: &mut Deflater<'_>) -> [f64; 2] {
    let messages = telemetry::messages(256 * 1024);
    let plain: usize = messages.iter().map(Vec::len).sum();
    lengths(deflater, &messages).map(|written| 100.0 * written as f64 / plain as f64)
}

/// What the messages become in all, with context takeover and without.
fn lengths(deflater: &mut Deflater<'_>, messages: &[Vec<u8>]) -> [usize; 2] {
    [false, true].map(|resets| {
        let mut written = 0;
        for message in messages {
            if resets {
                deflater.reset();
            }
            written += deflate(deflater, message, &mut Whole).len();
        }
        written
    })
}
