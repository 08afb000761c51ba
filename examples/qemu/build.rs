//! Puts the memory layout of the machine where the linker finds it, and names the scripts to link with.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let layout = match env::var("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "arm" => "src/arm/memory.x",
        "riscv32" => "src/riscv/memory.x",
        other => {
            return Err(format!(
                "no machine with {other}: take --target thumbv6m-none-eabi or riscv32imc-unknown-none-elf"
            )
            .into());
        }
    };
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy(layout, out.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={layout}");
    Ok(())
}
