"""The emulated Pico W: its attacks are suites of `.ci/boards/run`, whose figures are taken over. Its clock lags where the host has other things to
do, so its deadlines have a wide upper bound here."""

import re
import subprocess
import sys

import abuse
import network
import wire
from machine import ROOT, start
from row import Row

SUITES = ("abuse", "network")


def between(limits):
    return f"{limits[0]} to {limits[1]} s"


# What is demanded of each check, by a part of what it says; the first that fits. Any answer that comes later than the last fails its check.
GOALS = {
    ": an echo works at once:": f"a WebSocket within {abuse.ECHO_TIME} s; each answer within {wire.PATIENCE} s",
    "all sockets are free again:": f"within {wire.PATIENCE} s",
    "no more memory:": f"{abuse.STACK_SLACK} bytes more of the stack at most; all else is static",
    "slow and silent clients:": f"given up after {between(abuse.HEAD_TIME)} (head), {between(abuse.SEND_TIME)} (echo not read), "
    f"{between(abuse.PING_TIME)} (no Pong)",
    "the access point is lost and back:": f"noticed within {network.LOSS_TIME} s, all well {network.BACK_TIME} s after it is back",
    "a wrong password": "each attempt within 60 s",
    "of the frames lost:": f"all comes back within {network.LOSSY_TIME} s",
    "": f"each answer within {wire.PATIENCE} s",
}


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
                goal = next(goal for part, goal in GOALS.items() if part in said)
                yield Row(what, program, goal, figure, verdict != "FAIL")
    assert process.wait() == 0 and count, f"`{' '.join(map(str, args[1:]))}` failed"
