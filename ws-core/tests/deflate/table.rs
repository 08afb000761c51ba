//! The table of settings in the documentation: the memory of each, and how small it makes messages. For hosts alone: others find
//! other matches where there are many heads.

use std::fmt::Write;
use std::path::Path;

use super::settings::HANDLE;
use super::{Whole, deflate, telemetry};
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/deflate/deflater/memory.rs");
    let text = std::fs::read_to_string(&path).expect("a source").replace("\r\n", "\n");
    let (before, rest) = text.split_once("/// | --- | --- | ---: | ---: | ---: |\n").expect("a table");
    let rows: String = rest.split_inclusive('\n').take_while(|line| line.starts_with("/// |")).collect();
    if std::env::var_os("UPDATE_TABLES").is_some() {
        let behind = &rest[rows.len()..];
        let text = format!("{before}/// | --- | --- | ---: | ---: | ---: |\n{table}{behind}");
        std::fs::write(&path, text).expect("it can be written");
    } else {
        assert!(
            rows == table,
            "{} has\n{rows}and should have\n{table}(UPDATE_TABLES=1 writes it)",
            path.display()
        );
    }
}

/// The size of the feed in percent, with context takeover and without.
fn compress(deflater: &mut Deflater<'_>) -> [f64; 2] {
    let messages = telemetry::messages(256 * 1024);
    let plain: usize = messages.iter().map(Vec::len).sum();
    [false, true].map(|resets| {
        let mut written = 0;
        for message in &messages {
            if resets {
                deflater.reset();
            }
            written += deflate(deflater, message, &mut Whole).len();
        }
        100.0 * written as f64 / plain as f64
    })
}
