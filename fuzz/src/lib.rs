//! What must hold of `ws-core` for any bytes at all: one module a target, each with a function `check` that takes bytes
//! and panics if something does not hold. `cargo fuzz` looks for such bytes; `cargo test` replays those kept in `seeds/`.
//! How to run one and how to add one is in `README.md`.
//!
//! What the checks share lives in `common`; no check calls another.

pub mod accept_key;
pub mod client_response;
mod common;
pub mod compressed_session;
pub mod deflate;
pub mod event_stream;
pub mod extension_params;
pub mod frames_client;
pub mod frames_compressed;
pub mod frames_server;
pub mod frames_vs_tungstenite;
pub mod handshake_linear;
pub mod handshake_vs_httparse;
pub mod http_exchange;
pub mod inflate;
pub mod inflate_made;
pub mod lossy_pair;
pub mod mask;
pub mod roundtrip;
pub mod sse;
pub mod utf8;
pub mod visit;

/// A target: its name, which is that of its binary, its module and its folder of seeds, and its check.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Panics if something does not hold for these bytes.
    pub check: fn(&[u8]),
}

macro_rules! targets {
    ($($name:ident,)*) => {
        /// All targets, by name.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), check: $name::check },)*];
    };
}

targets! {
    accept_key,
    client_response,
    compressed_session,
    deflate,
    event_stream,
    extension_params,
    frames_client,
    frames_compressed,
    frames_server,
    frames_vs_tungstenite,
    handshake_linear,
    handshake_vs_httparse,
    http_exchange,
    inflate,
    inflate_made,
    lossy_pair,
    mask,
    roundtrip,
    sse,
    utf8,
    visit,
}

/// The whole of a target's binary: under `cargo fuzz` it is driven by libFuzzer; run as it is, it checks the files that it
/// is given, so that what was found can be looked at with any Rust.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name::check(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            $crate::check_files($crate::$name::check, std::env::args_os().skip(1))
        }
    };
}

/// Checks the contents of the files.
///
/// # Errors
///
/// A file that cannot be read.
pub fn check_files(
    check: fn(&[u8]),
    files: impl Iterator<Item = impl AsRef<std::path::Path>>,
) -> std::io::Result<()> {
    for file in files {
        println!("{}", file.as_ref().display());
        check(&std::fs::read(file)?);
    }
    Ok(())
}
