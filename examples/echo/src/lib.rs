//! What the programs of this package share: how large a message they take, and what they are told.

use ws_std::{Compression, Config, Limits, Options};

/// Messages of 16 MiB in 65,536 fragments and an empty one that ends them, as the conformance suite sends them; buffers
/// that make few system calls.
pub const OPTIONS: Options = Options {
    config: Config::DEFAULT.with_limits(Limits {
        message: 16 << 20,
        fragments: (1 << 16) + 1,
        empty_fragments: u8::MAX,
    }),
    read_buffer: 64 << 10,
    write_buffer: 64 << 10,
    ..Options::DEFAULT
};

/// The same with compression or without.
pub const fn options(is_compressed: bool) -> Options {
    if is_compressed { OPTIONS.with_compression(Compression::DEFAULT) } else { OPTIONS }
}

/// Parts a program's arguments from `flag`: whether it is among them, and the others. `None`: there is another flag.
pub fn parse(args: impl Iterator<Item = String>, flag: &str) -> Option<(bool, Vec<String>)> {
    let (flags, others): (Vec<_>, Vec<_>) = args.partition(|arg| arg.starts_with('-'));
    flags.iter().all(|found| found == flag).then_some((!flags.is_empty(), others))
}
