"""The machines: how each is started, spoken to, and ended. Not here: what is tested on them.

Each is a script of `examples/`, which builds its image first; it says `open http://127.0.0.1:PORT/` when the firmware can
be reached, and then the firmware's log."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# The longest that building all of an image may take, on a slow machine without anything built, and starting it.
START_TIME = 600

# The slowest first. The others can do with what it leaves of the host's time.
SCRIPTS = {
    "pico-w": ["examples/pico-w/emulate", "0"],
    "qemu-arm": ["nice", "examples/qemu/run", "arm", "0"],
    "qemu-riscv": ["nice", "examples/qemu/run", "riscv", "0"],
}

processes = set()  # all that was started and has not been seen to end
lock = threading.Lock()
is_over = False  # nothing is to be started any more
scratch = tempfile.TemporaryDirectory(prefix="boards-")


class Trouble(Exception):
    """Nothing could be tested; says why."""


def start(args, log, **how):
    """A process in a group of its own, so that all of it can be ended. A binary file or PIPE takes what it says."""
    with lock:
        if is_over:
            raise Trouble("ended")
        process = subprocess.Popen([str(arg) for arg in args], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   cwd=ROOT, start_new_session=True, **how)
        processes.add(process)
        return process


def end(process, patience=10):
    """Asks it to end, then makes it, and whoever is left of its group."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
    processes.discard(process)


def end_all():
    global is_over
    with lock:
        is_over = True
    scratch.cleanup()
    for process in list(processes):
        end(process, patience=5)


class Machine:
    """One run of a machine. `with` ends it."""

    def __init__(self, name, out, options=(), log="machine.log"):
        self.name = name
        self.log = out / log
        self.options = list(options)
        self.lines = []  # (time, text)
        self.news = threading.Condition()
        self.dir = None
        self.port = None

    def __enter__(self):
        args = [*SCRIPTS[self.name], *self.options]
        self.dir = tempfile.mkdtemp(dir=scratch.name)
        if self.name == "pico-w":
            args += ["--control", f"{self.dir}/control"]
        # RUSTFLAGS would go before the settings that images have of their own.
        env = {name: value for name, value in os.environ.items() if name != "RUSTFLAGS"}
        self.process = start(args, subprocess.PIPE, env=env)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        end(self.process)
        self.reader.join(5)

    def read(self):
        with open(self.log, "wb") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                with self.news:
                    self.lines.append((time.monotonic(), line.decode(errors="replace").rstrip()))
                    self.news.notify_all()
        with self.news:
            self.lines.append((time.monotonic(), "(the end of the log)"))
            self.news.notify_all()

    def wait_for(self, pattern, limit, since=0, times=1):
        """The match of a line of the log, from the line `since` on; the last of `times`."""
        end = time.monotonic() + limit
        seen = since
        with self.news:
            while True:
                while seen < len(self.lines):
                    text = self.lines[seen][1]
                    seen += 1
                    if match := re.search(pattern, text):
                        times -= 1
                        if not times:
                            return match
                if self.lines and self.lines[-1][1] == "(the end of the log)":
                    said = "\n".join(text for _, text in self.lines[-12:-1])
                    raise Trouble(f"{self.name} ended; see {self.log}, which ends:\n{said}")
                if not self.news.wait(max(0, end - time.monotonic())):
                    raise Trouble(f"{self.name} did not say {pattern!r} within {limit} s; see {self.log}")

    def wait_until_up(self):
        self.port = int(self.wait_for(r"open http://127\.0\.0\.1:(\d+)/", START_TIME)[1])

    @property
    def is_alive(self):
        return self.process.poll() is None

    @property
    def has_control(self):
        return self.name == "pico-w"

    def control(self, command):
        """One command to the emulator, see its control.mjs; gives the answer."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(f"{self.dir}/control")
            sock.sendall(command.encode() + b"\n")
            answer = json.loads(sock.makefile().readline())
        assert answer.pop("ok"), f"{command}: {answer}"
        return answer
