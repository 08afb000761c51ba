"""Programs that run while a pair talks: `Process`; and the proxies between them: `start_proxy`."""

import os
import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import install
from install import HERE, Trouble, free_port, is_open

# Seconds.
START_TIME = 20


class Process:
    """A program whose lines are kept, and that ends with the block."""

    def __init__(self, args):
        self.args = [str(arg) for arg in args]
        self.said = []

    def __enter__(self):
        self.process = subprocess.Popen(
            self.args,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)

    def read(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))

    def wait(self, seconds):
        """Returns its exit status, or "late"."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return "late"
        self.reader.join(5)
        return status

    def wait_for(self, pattern, seconds, count=1):
        """Waits for so many lines that begin so; None if they do not come. With a program that ends meanwhile, that is
        trouble."""

        def find():
            found = [match for line in list(self.said) if (match := re.match(pattern, line))]
            return found[:count] if len(found) >= count else None

        return self.wait_until(find, seconds)

    def wait_until(self, is_so, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := is_so():
                return answer
            if self.process.poll() is not None:
                self.reader.join(5)
                raise Trouble(f"`{' '.join(self.args)}` ended: {' '.join(self.said)}")
            time.sleep(0.02)
        return None

    def ports(self, count):
        """Where the server listens, as it says."""
        listening = self.wait_for(r"listening (\d+)", START_TIME, count)
        if not listening:
            raise Trouble("the server does not listen")
        return [int(match[1]) for match in listening]


def run_to_end(args, seconds):
    """Runs a client; returns why each check that it reports failed, or None."""
    with Process(args) as process:
        status = process.wait(seconds)
        lines = process.said
    told = {}
    for line in lines:
        if match := re.fullmatch(r"ok (.+)", line):
            told[match[1]] = None
        elif match := re.fullmatch(r"FAILED ([^:]+): (.*)", line):
            told[match[1]] = match[2]
        else:
            told["said"] = line
    if status:
        told["exit status"] = "it was not done in time" if status == "late" else str(status)
    return told


def start_proxy(stack, proxy, server_port):
    """Returns the port it listens on."""
    temp = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interop-")))
    port = free_port()
    name = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[proxy]
    config = (HERE / name).read_text().replace("LISTEN_PORT", str(port)).replace("SERVER_PORT", str(server_port))
    (temp / name).write_text(config)
    if proxy == "nginx":
        # What a system has around it, moved into the directory; runs as whoever starts this.
        paths = "".join(f"{kind}_temp_path {temp}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (temp / "main.conf").write_text(
            f"daemon off; pid {temp}/pid; error_log stderr; worker_processes 1;\n"
            f"events {{ }}\nhttp {{ access_log off; {paths} include {temp}/{name}; }}\n"
        )
        args = [install.program("nginx"), "-e", "stderr", "-c", temp / "main.conf"]
    else:
        args = [install.program("haproxy"), "-db", "-q", "-f", temp / name]
    process = stack.enter_context(Process(args))
    if not process.wait_until(lambda: is_open(port), START_TIME):
        raise Trouble(f"{proxy} does not listen")
    return port
