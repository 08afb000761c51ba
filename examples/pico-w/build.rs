//! Hands the linker the memory map and the scripts of the crates that bring some; checks the credentials.

use std::{env, fs, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::copy("memory.x", out.join("memory.x")).expect("the memory map lies beside this file");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed=memory.x");
    for argument in ["--nmagic", "-Tlink.x", "-Tlink-rp.x", "-Tdefmt.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    credentials();
}

/// What the radio would refuse, or its driver panic at, is said here.
fn credentials() {
    for name in ["WIFI_NETWORK", "WIFI_PASSWORD"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if env::var("WIFI_NETWORK").is_ok_and(|name| !(1..=32).contains(&name.len())) {
        println!(
            "cargo::error=WIFI_NETWORK has 1 to 32 bytes; unset it for an access point of the board's own"
        );
    }
    if env::var("WIFI_PASSWORD").is_ok_and(|password| !(8..=63).contains(&password.len())) {
        println!("cargo::error=WIFI_PASSWORD has 8 to 63 bytes; unset it for an open network");
    }
}
