"""Builds what is measured: the images of the boards, the crate `calls`, and variants of both out of copies of the sources."""

import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")).resolve()
COPIES = TARGET / "copies"
THUMB, RISCV = "thumbv6m-none-eabi", "riscv32imc-unknown-none-elf"

# Paths of the sources are linked, so that a panic can name its place: they are to be as long on every machine.
INSIDE = "/r"


def build(package, target=THUMB, root=ROOT, plain=False, features=None):
    """Returns the linked file. Sizes of stack frames are told by an unstable option, which changes no code; `plain`: without it,
    with all settings that the package has of its own, and where it is built by hand."""
    folder = root / package
    target_dir = folder / "target" if plain and "CARGO_TARGET_DIR" not in os.environ else TARGET
    environment = dict(os.environ, CARGO_TARGET_DIR=str(target_dir), CARGO_TERM_COLOR="never")
    # The image joins a network, as the emulated one does.
    environment.update(WIFI_NETWORK="emunet", WIFI_PASSWORD="password")
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"):
        environment.pop(name, None)
    if not plain:
        # The same flags for all, so that what they share is built once.
        roots = (ROOT, *(COPIES / name for name in ("bare", "plain", "quiet", "planted")))
        remap = [f"--remap-path-prefix={root}={INSIDE}" for root in roots]
        environment.update(RUSTC_BOOTSTRAP="1", RUSTFLAGS=" ".join(("-Z emit-stack-sizes", *remap)))
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--target", target]
    command += ["--features", features] if features else []
    if subprocess.run(command, cwd=folder, env=environment).returncode:
        raise SystemExit(f"{package} was not built for {target}")
    # Variants have the same name: each is kept where the next one does not overwrite it.
    kept = TARGET / "images" / (features or (root.name if root != ROOT else "as-is")) / target
    kept.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(shutil.copy2(target_dir / target / "release" / folder.name, kept / folder.name))


def copy(name, *packages):
    """A copy of the libraries and of some packages, to be changed. It has the same place each time, so that it is built anew
    only where it changed."""
    root = COPIES / name
    shutil.rmtree(root, ignore_errors=True)
    ignore = shutil.ignore_patterns("target", "node_modules", "emulator", "tests")
    for package in ("ws-core", "ws-embassy", "examples/device", *packages):
        shutil.copytree(ROOT / package, root / package, ignore=ignore)
    shutil.copytree(ROOT / "examples/demo/page", root / "examples/demo/page")  # a part of what the device serves
    manifest = (ROOT / "Cargo.toml").read_text()
    members = 'members = ["ws-core", "ws-embassy", "examples/device"]'
    (root / "Cargo.toml").write_text(re.sub(r"^members = .*$", members, manifest, flags=re.M))
    return root


def bare(package):
    """The same image with an application that only echoes over TCP. How the board keeps its network stays."""
    root = copy("bare", package)
    device = root / "examples/device"
    shutil.rmtree(device / "src")
    (device / "build.rs").write_text("//! There is no page.\n\nfn main() {}\n")
    shutil.copytree(HERE / "bare/src", device / "src")
    shutil.copytree(ROOT / "examples/device/src/wifi", device / "src/wifi")
    with (device / "src/lib.rs").open("a") as lib:
        lib.write('\n#[cfg(feature = "wifi")]\npub mod wifi;\n')
    return build(package, root=root)


def plain(package):
    """The same image without compression."""
    return build(package, root=uncompressed("plain", package))


def quiet(package):
    """The same image without compression, and without events by all techniques: neither their paths nor what feeds them."""
    root = uncompressed("quiet", package)
    device = root / "examples/device/src"
    shutil.copy2(HERE / "quiet/feed.rs", device / "feed.rs")
    remove(device / "lib.rs", "self.publish(")
    for path in ("/transports", "/push", "/push.js"):
        remove(device / "routes.rs", f'"{path}" => ')
    change(device / "routes.rs", "self.hear(outlet, from, message);", "_ = (outlet, from, message);")
    allow_unused(device / "lib.rs")
    return build(package, root=root)


def uncompressed(name, package):
    root = copy(name, package)
    device = root / "examples/device/src/lib.rs"
    change(device, "Server<'static, compression::Compression<'static, Small>>", "Server<'static>")
    change(device, ".with_compression(compression)", "")
    change(device, "new(compression: &", "new(_: &")
    main = root / package / "src/main.rs"
    change(main, "Device::new(compression, push", "Device::new(&[], push")
    change(main, "    let compression = COMPRESSION.init(BUFFERS.take().each_mut().map(compression));\n", "")
    allow_unused(main)
    return root


def allow_unused(root):
    """Lets a crate hold what nobody uses any more."""
    change(root, "#![no_std]\n", "#![no_std]\n#![allow(dead_code, unused_imports)]\n")


def change(file, old, new):
    """Replaces what is there once."""
    text = file.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"{file}: what is to be replaced is not there once: {old}")
    file.write_text(text.replace(old, new))


def remove(file, begin):
    """Removes the one line that begins like this."""
    lines = file.read_text().splitlines(keepends=True)
    others = [line for line in lines if not line.strip().startswith(begin)]
    if len(lines) - len(others) != 1:
        raise SystemExit(f"{file}: what is to be removed is not there once: {begin}")
    file.write_text("".join(others))


def planted(where, old, new):
    """`calls` over sources in which something was replaced."""
    root = copy("planted", ".ci/memory/calls")
    change(root / where, old, new)
    return build(".ci/memory/calls", root=root), root
