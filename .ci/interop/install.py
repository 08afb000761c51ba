"""Puts in place what the peers and the proxies need: `install`. Where things are, and which ports are free."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / ".ci" / "out" / "interop"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", OUT / "target")).resolve()

OURS = TARGET / "release/interop-ours"
TUNGSTENITE = TARGET / "release/interop-tungstenite"
PYTHON = OUT / "venv/bin/python"
NODE = "node"
GORILLA = OUT / "gorilla"

# Seconds for one command.
TIME = 600


class Trouble(Exception):
    """Something cannot be run; says why and what to do."""


def install(names):
    """Installs what the peers and proxies of these names need, and builds ours."""
    OUT.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    command("cargo", "build", "--release", "--locked", "--quiet", cwd=HERE / "peers/rust", env=env)
    if names & {"websockets", "wsproto"}:
        install_python()
    if names & {"ws", "faye", "undici", "node"}:
        need("node", "npm", what="Node 20.10 or later: see https://nodejs.org")
        command("npm", "ci", "--no-audit", "--no-fund", "--silent", cwd=HERE / "peers/node")
    if "java" in names and not has_jdk():
        apt("default-jdk-headless")
    if "nginx" in names and not program("nginx"):
        apt("nginx-light")
    if "haproxy" in names and not program("haproxy"):
        apt("haproxy")
    if "gorilla" in names:
        install_gorilla()


def install_python():
    """Makes the virtual environment, unless the one that is there was made from the same requirements."""
    requirements = HERE / "peers/python/requirements.txt"
    stamp = OUT / "venv/requirements.txt"
    if stamp.exists() and stamp.read_bytes() == requirements.read_bytes():
        return
    shutil.rmtree(OUT / "venv", ignore_errors=True)
    if subprocess.run([sys.executable, "-c", "import ensurepip"], stderr=subprocess.DEVNULL).returncode:
        apt("python3-venv")
    command(sys.executable, "-m", "venv", OUT / "venv")
    command(PYTHON, "-m", "pip", "install", "-q", "-r", requirements)
    shutil.copy(requirements, stamp)


def install_gorilla():
    """Builds that peer with the library as Debian packages it."""
    library = Path("/usr/share/gocode")
    if not shutil.which("go"):
        apt("golang-go")
    if not (library / "src/github.com/gorilla/websocket").exists():
        apt("golang-github-gorilla-websocket-dev")
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(library), "GOCACHE": str(OUT / "go"), "GOFLAGS": ""}
    command("go", "build", "-o", GORILLA, HERE / "peers/go/gorilla.go", env=env)


def node_has_websocket():
    """Node has a WebSocket of its own: since 22, and before behind a flag."""
    if not shutil.which(NODE):
        return False
    asked = [NODE, "--experimental-websocket", "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
    return subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0


def has_jdk():
    """A runtime without the compiler cannot run a source file."""
    if not shutil.which("java"):
        return False
    modules = subprocess.run(["java", "--list-modules"], capture_output=True, text=True).stdout
    return "jdk.compiler" in modules


def program(name):
    """Where it is; daemons lie where not every user looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def apt(package):
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    need("apt-get", *sudo[:1], what=f"`{package}` by hand: this is no Debian, or there is no sudo")
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends", package]
    with services_off(sudo):
        if subprocess.run([*sudo, *install], capture_output=True, timeout=TIME).returncode:
            command(*sudo, "apt-get", "update", "-q")
            command(*sudo, *install)


@contextlib.contextmanager
def services_off(sudo):
    """Lets Debian start no daemon that is installed meanwhile."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    subprocess.run([*sudo, "tee", policy], input=b"#!/bin/sh\nexit 101\n", stdout=subprocess.DEVNULL, check=True)
    try:
        command(*sudo, "chmod", "755", policy)
        yield
    finally:
        command(*sudo, "rm", policy)


def need(*programs, what):
    for name in programs:
        if not shutil.which(name):
            raise Trouble(f"`{name}` is missing. Install {what}")


def command(*args, **how):
    args = [str(arg) for arg in args]
    try:
        done = subprocess.run(args, timeout=TIME, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)
    except FileNotFoundError:
        raise Trouble(f"`{args[0]}` is missing") from None
    except subprocess.TimeoutExpired:
        raise Trouble(f"`{' '.join(args)}` took more than {TIME} s") from None
    if done.returncode:
        raise Trouble(f"`{' '.join(args)}` failed:\n{done.stdout.decode(errors='replace')}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
