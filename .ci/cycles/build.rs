//! Hands the linker its scripts: `memory.x` from here, `link.x` from cortex-m-rt. Not in a configuration file, because
//! `RUSTFLAGS` in the environment would replace it.

fn main() {
    println!("cargo::rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-changed=memory.x");
}
