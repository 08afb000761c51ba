"""What the suites need, looked for and installed; what is there already is left as it is. Not here: what the machines' own
scripts look after themselves (the emulator's packages, the decoder of its log).

    python3 .ci/boards/tools.py qemu-arm     what a machine needs: pico-w, qemu-arm, qemu-riscv; several at once too
    python3 .ci/boards/tools.py binutils     what takes images for Arm apart
    python3 .ci/boards/tools.py browsers     Chromium, Firefox, and what drives them"""

import filecmp
import os
import re
import shutil
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from machine import ROOT, Trouble

TARGETS = {"pico-w": "thumbv6m-none-eabi", "qemu-arm": "thumbv6m-none-eabi", "qemu-riscv": "riscv32imc-unknown-none-elf"}
# The emulated Pico W takes its network from QEMU.
QEMU = {"pico-w": "qemu-system-arm", "qemu-arm": "qemu-system-arm", "qemu-riscv": "qemu-system-riscv32"}
PACKAGES = {"qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc"}
BINUTILS = ("binutils-arm-none-eabi", "arm-none-eabi-objdump")  # package, program
BACKPORTS = "deb http://deb.debian.org/debian bookworm-backports main"
INSTALL_TIME = 600  # seconds


def main():
    names = set(sys.argv[1:])
    if not names or names - TARGETS.keys() - {"binutils", "browsers"}:
        sys.exit(__doc__)
    try:
        if "binutils" in names:
            install_binutils()
        install(names & TARGETS.keys(), suites=names & {"browsers"})
    except Trouble as trouble:
        sys.exit(f"tools: {trouble}")


def install(machines, suites):
    for target in sorted({TARGETS[name] for name in machines}):
        command("rustup", "target", "add", target)
    for program in sorted({QEMU[name] for name in machines}):
        if not shutil.which(program):
            install_qemu(program)
        expect_new(program)
    if "browsers" in suites:
        install_browsers()


def install_qemu(program):
    package = PACKAGES[program]
    print(f"installing {package}", flush=True)
    try:
        apt(package)
    except Trouble:
        # Debian 12 with one of QEMU's packages from its backports has to take the others from there too.
        root("sh", "-c", f"echo '{BACKPORTS}' >/etc/apt/sources.list.d/bookworm-backports.list")
        apt("-t", "bookworm-backports", package)
    expect(program, package)


def expect_new(program):
    """Of 7.2, since which it has a network that a program can stand in for."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"version (\d+)\.(\d+)", said)
    if not version or tuple(map(int, version.groups())) < (7, 2):
        raise Trouble(f"{program} has to be of version 7.2 or newer, and is not: {said.splitlines()[:1]}")


def install_binutils():
    package, program = BINUTILS
    if not shutil.which(program):
        print(f"installing {package}", flush=True)
        apt(package)
        expect(program, package)


def expect(program, package):
    if not shutil.which(program):
        raise Trouble(f"{package} is installed, but there is no {program}")


def browsers():
    """Where they are, for the environment of their driver."""
    names = {"CHROMIUM": ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
             "FIREFOX": ["firefox-esr", "firefox"]}
    found = {name: next(filter(None, map(shutil.which, which)), None) for name, which in names.items()}
    return {name: path for name, path in found.items() if path}


def install_browsers():
    packages = {"CHROMIUM": "chromium", "FIREFOX": "firefox-esr"}
    if missing := [package for name, package in packages.items() if name not in browsers()]:
        print(f"installing {' '.join(missing)}", flush=True)
        apt(*missing)
        if packages.keys() - browsers().keys():
            raise Trouble(f"not there, though installed: {' '.join(missing)}")
    # Installed already, from this very lock file? Then there is nothing to fetch.
    folder = ROOT / ".ci" / "browsers"
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / "installed-lock.json"
    if not (stamp.exists() and filecmp.cmp(lock, stamp, shallow=False)):
        print("installing the browsers' driver", flush=True)
        command("npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error")
        shutil.copy(lock, stamp)


def apt(*what):
    root("apt-get", "update", "-q")
    root("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y", "--no-install-recommends", *what)


def root(*args):
    command(*([] if os.geteuid() == 0 else ["sudo", "-n"]), *args)


def command(*args):
    args = [str(arg) for arg in args]
    try:
        done = subprocess.run(args, timeout=INSTALL_TIME, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise Trouble(f"`{' '.join(args)}` took more than {INSTALL_TIME} s") from None
    except FileNotFoundError:
        raise Trouble(f"`{args[0]}` is not installed") from None
    if done.returncode:
        raise Trouble(f"`{' '.join(args)}` failed:\n{done.stdout.decode(errors='replace')}")


def after(seconds, act):
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer


if __name__ == "__main__":
    main()
