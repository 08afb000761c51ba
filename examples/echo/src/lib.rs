//! What the programs of this package share: how large a message they take.

use ws_std::{Config, Limits, Options};

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
