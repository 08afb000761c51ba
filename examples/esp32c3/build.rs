//! Names the linker scripts. What lies where in memory is esp-hal's to say.

fn main() {
    // esp-hal's sections, with the functions of the chip's ROM and of the radio; defmt's strings, which stay out of the
    // flash. esp-hal's script comes last: it closes what the others open.
    for argument in ["-Tdefmt.x", "-Tlinkall.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
