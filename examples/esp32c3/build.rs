//! Names the linker scripts, and checks the credentials that the image is built with. What lies where in memory is
//! esp-hal's to say.

use std::env;

fn main() {
    // esp-hal's sections, with the functions of the chip's ROM and of the radio; defmt's strings, which stay out of the
    // flash. esp-hal's script comes last: it closes what the others open.
    for argument in ["-Tdefmt.x", "-Tlinkall.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    credentials();
}

/// What the radio would refuse at its start is said here.
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
