"""A server under attack: started, looked at from outside, ended. What it holds, and for how long, the system says: a client that is attacking
does not see all of it."""

import contextlib
import os
import re
import threading
import time
from pathlib import Path

from machine import ROOT, Trouble, end, start

OUT = ROOT / ".ci" / "out" / "attack"
# Seconds.
START_TIME = 20
LOOK = 0.05  # between two looks at a connection

CLOSE_WAIT = 8  # as the kernel counts states


class Server:
    """`echo-server` or `demo` on a port of its own. `with` ends it."""

    def __init__(self, program, why, host="127.0.0.1"):
        self.program, self.host = program, host
        self.log = OUT / f"{program} {why}.log"
        self.lock, self.looked, self.seen = threading.Lock(), 0, {}  # many look at once

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
        """Those that the system has for the program: by the port of the client, the number of the socket, and how many bytes the client has not
        taken. The system may leave one out while others come and go: see `sockets`."""
        with self.lock:
            if time.monotonic() > self.looked + LOOK:
                self.looked = time.monotonic()
                self.seen = {int(remote[-4:], 16): (inode, int(queues[:8], 16)) for _, remote, _, queues, inode in self.table() if inode != "0"}
            return self.seen

    def sockets(self):
        """The numbers of those that the program has open."""
        found = set()
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.add(os.readlink(f"/proc/{self.pid}/fd/{fd}").removeprefix("socket:[").removesuffix("]"))
        return found

    def close_wait(self):
        return sum(int(state, 16) == CLOSE_WAIT for _, _, state, _, _ in self.table())

    def table(self):
        suffix = f":{self.port:04X}"
        with open("/proc/net/tcp", buffering=1 << 20) as file:
            for line in file:
                fields = line.split()
                if fields[1].endswith(suffix):
                    yield fields[1], fields[2], fields[3], fields[4], fields[9]

    def memory(self):
        """Bytes of its own that are in memory, not counting the stacks and code that the system maps in: what it has allocated and touched."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) * 1024

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

    def __init__(self, server, port):
        self.server, self.port = server, port
        until = time.monotonic() + START_TIME
        while port not in server.connections():
            assert time.monotonic() < until, "the server does not hold it"
            time.sleep(LOOK)
        self.inode = server.connections()[port][0]

    def waits(self):
        """Bytes that the client has not taken; None while that is not to be seen."""
        return self.server.connections().get(self.port, (None, None))[1]

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
            if (waits := self.waits()) not in (None, last):
                last, moved = waits, time.monotonic()
            time.sleep(LOOK)
        return time.monotonic(), moved
