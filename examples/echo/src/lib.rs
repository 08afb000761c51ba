//! What the programs of this package share: how large a message they take, and what they are told.

use ws_std::{Compression, Config, Effort, Limits, Options};

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

/// The same with compression or without; `is_quick`: with less work for it, which makes messages somewhat longer.
pub const fn options(is_compressed: bool, is_quick: bool) -> Options {
    let effort = if is_quick { Effort::QUICK } else { Effort::NORMAL };
    if is_compressed { OPTIONS.with_compression(Compression::DEFAULT.with_effort(effort)) } else { OPTIONS }
}

/// Parts a program's arguments from `flags`: which of these are among them, and the others. `None`: there is another flag.
pub fn parse<const N: usize>(
    args: impl Iterator<Item = String>,
    flags: [&str; N],
) -> Option<([bool; N], Vec<String>)> {
    let (found, others): (Vec<_>, Vec<_>) = args.partition(|arg| arg.starts_with('-'));
    let is_known = found.iter().all(|arg| flags.contains(&arg.as_str()));
    is_known.then(|| (flags.map(|flag| found.iter().any(|arg| arg == flag)), others))
}
