"""Starts `peers.py`, and takes what it says."""

import json
import subprocess
import sys
from pathlib import Path

from machine import end, start

PEERS = Path(__file__).resolve().parent / "peers.py"


class Worker:
    """A peer of this name. `with` ends it. `within` runs it elsewhere: in a network of its own, for one."""

    def __init__(self, name, *args, within=()):
        self.name = name
        self.process = start([*within, sys.executable, PEERS, name, *args], subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)
        self.process.stdout.close()

    def line(self):
        return self.process.stdout.readline().decode()

    def told(self, limit=600):
        """What it has seen, once it is done."""
        said, _ = self.process.communicate(timeout=limit)
        lines = said.decode(errors="replace").splitlines()
        assert self.process.returncode == 0, f"the peer `{self.name}` failed: {lines[-1] if lines else 'without a word'}"
        return json.loads(lines[-1])


def run(name, *args):
    with Worker(name, *args) as worker:
        return worker.told()
