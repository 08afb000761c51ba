"""A server under attack: started, looked at from outside, ended. What it holds, and for how long, the system says: a client that is attacking
does not see all of it."""

import contextlib
import os
import re
import time
from pathlib import Path

import diag
from machine import ROOT, Trouble, end, start

OUT = ROOT / ".ci" / "out" / "attack"
# Seconds.
START_TIME = 20
LOOK = 0.05  # between two looks at a connection

ROOM = {"echo-server": 256 << 10, "demo": 512 << 10}  # bytes of a connection: buffers, and twice the message that is put together
SLACK = 1 << 20  # bytes of memory that come and go: what the allocator keeps for the next one

CLOSE_WAIT = "08"  # as the kernel counts states


class Server:
    """`echo-server` or `demo` on a port of its own. `with` ends it."""

    def __init__(self, program, why, host="127.0.0.1"):
        self.program, self.host = program, host
        self.log = OUT / f"{program} {why}.log"

    def __enter__(self):
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        with open(self.log, "wb") as file:
            self.process = start([target / "release" / self.program, f"{self.host}:0"], file)
        self.pid = self.process.pid
        until = time.monotonic() + START_TIME
        while not (match := re.search(rf"{re.escape(self.host)}:(\d+)", self.said())):
            if time.monotonic() > until:
                raise Trouble(f"{self.program} does not say where it listens, but {self.said()!r}")
            time.sleep(0.01)
        self.port = int(match[1])
        return self

    def __exit__(self, *_):
        end(self.process)

    def said(self):
        return self.log.read_text(errors="replace")

    def assert_well(self):
        assert self.process.poll() is None, f"{self.program} has ended: {self.said()[-300:]!r}"
        assert "panicked" not in self.said(), self.said()[-300:]

    def connections(self):
        """How many the program has open."""
        return len(self.sockets()) - 1

    def sockets(self):
        """The numbers of those that the program has open."""
        found = set()
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found |= set(re.findall(r"^socket:\[(\d+)\]$", os.readlink(f"/proc/{self.pid}/fd/{fd}")))
        return found

    def close_wait(self):
        with open("/proc/net/tcp") as table:
            lines = [line.split() for line in table]
        return sum(line[1].endswith(f":{self.port:04X}") and line[3] == CLOSE_WAIT for line in lines)

    def memory(self):
        """Bytes of its own that are in memory, not counting the stacks and code that the system maps in: what it has allocated and touched."""
        return self.status("RssAnon")

    def status(self, field):
        return int(re.search(rf"{field}:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())[1]) * 1024

    def forget_peak(self):
        """From here on `peak` counts."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        self.before_peak = self.status("VmRSS")

    def peak(self):
        """The most memory that it had at once since then, in bytes above what it had then. Nothing is missed: the system keeps count."""
        return self.status("VmHWM") - self.before_peak

    def processor_time(self):
        """Seconds, of all its threads, those that have ended among them."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def level(self):
        """Descriptors and threads."""
        return tuple(len(os.listdir(f"/proc/{self.pid}/{what}")) for what in ("fd", "task"))

    def settle(self, level, limit):
        """Waits until there are no more of both than `level`; gives the seconds that took."""
        begun = time.monotonic()
        while any(now > then for now, then in zip(self.level(), level)):
            assert time.monotonic() < begun + limit, f"{self.level()} descriptors and threads after {limit} s, {level} before"
            time.sleep(0.01)
        return time.monotonic() - begun


class Watch:
    """Sees when the server lets go of a connection, by the port of its client."""

    def __init__(self, server, port, peer="127.0.0.1"):
        self.server, self.ends = server, (server.host, server.port, peer, port)
        until = time.monotonic() + START_TIME
        while not (found := diag.look(*self.ends)) or not found[0]:  # not accepted yet
            assert time.monotonic() < until, "the server does not hold it"
            time.sleep(LOOK)
        self.inode = str(found[0])

    def untaken(self):
        """Bytes that the client has not taken."""
        return (diag.look(*self.ends) or (0, 0))[1]

    def gone(self, limit):
        """The moment at which the server has let go of it."""
        until = time.monotonic() + limit
        while self.inode in self.server.sockets():
            assert time.monotonic() < until, f"held for {limit} s and longer"
            time.sleep(LOOK)
        return time.monotonic()

    def follow(self, limit):
        """The same, and the last moment at which the client took something, or had something to take."""
        until = time.monotonic() + limit
        last, moved = None, time.monotonic()
        while self.inode in self.server.sockets():
            assert time.monotonic() < until, f"held for {limit} s and longer"
            if (untaken := self.untaken()) != last:
                last, moved = untaken, time.monotonic()
            time.sleep(LOOK)
        return time.monotonic(), moved
