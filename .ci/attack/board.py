"""The emulated Pico W: its attacks are suites of `.ci/boards/run`, whose figures are taken over."""

import re
import subprocess
import sys

from machine import ROOT, start
from row import Row

SUITES = ("abuse", "network")


def run(program, full):
    args = [sys.executable, ROOT / ".ci/boards/run", program, *(word for suite in SUITES for word in ("--only", suite))]
    process = start(args, subprocess.PIPE)
    count = 0
    for line in process.stdout:
        if match := re.match(rf"{program} ({'|'.join(SUITES)}): (ok  |FAIL) (.+)", line.decode(errors="replace").rstrip()):
            _, verdict, said = match.groups()
            what, _, figure = said.partition(": ")
            if verdict == "FAIL" or figure:  # others have none
                count += 1
                yield Row(what, program, "passes", figure, verdict != "FAIL")
    assert process.wait() == 0 and count, f"`{' '.join(map(str, args[1:]))}` failed"
