//! Hands the linker its scripts: `memory.x` from here, `link.x` from cortex-m-rt. Not in a configuration file, because
//! `RUSTFLAGS` in the environment would replace it. And compresses what is to be inflated,
//! and puts down what is to be deflated.

#[path = "../bench/src/telemetry.rs"]
mod telemetry;

use std::path::Path;

use flate2::{Compress, Compression, FlushCompress};

/// Bytes of JSON.
const TOTAL: usize = 16 * 1024;

fn main() {
    println!("cargo::rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=../bench/src/telemetry.rs");
    let out = std::env::var_os("OUT_DIR").expect("a folder");
    std::fs::write(Path::new(&out).join("messages"), messages()).expect("it can be written");
    std::fs::write(Path::new(&out).join("plain"), plain()).expect("it can be written");
}

/// Messages of JSON as zlib sends them with a window of 512 bytes and context takeover: each with its length, and with that of
/// what it inflates to, before it.
fn messages() -> Vec<u8> {
    let mut zlib = Compress::new_with_window_bits(Compression::new(6), false, 9);
    let mut file = Vec::new();
    for plain in telemetry::messages(TOTAL) {
        let mut message = Vec::with_capacity(plain.len() + 100);
        zlib.compress_vec(&plain, &mut message, FlushCompress::Sync).expect("it compresses");
        message.truncate(message.len() - 4);
        for len in [message.len(), plain.len()] {
            file.extend_from_slice(&(len as u16).to_le_bytes());
        }
        file.extend_from_slice(&message);
    }
    file
}

/// The same messages before that, each with its length.
fn plain() -> Vec<u8> {
    let messages = telemetry::messages(TOTAL);
    messages.iter().flat_map(|plain| [&(plain.len() as u16).to_le_bytes(), &plain[..]].concat()).collect()
}
