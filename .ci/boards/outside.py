"""The suites `autobahn` and `browsers`: programs that use the board from outside. What they check is in `.ci/autobahn` and
`browser.mjs`; here is which of it, and what the board's pin did meanwhile."""

import os
import re
import subprocess

import machine
import tools
from machine import ROOT, Trouble

CORE = "1-7,10"
# Of group 9, what a machine does in a minute or two; the echo passes messages of any length, so that time is the bound.
# 9.1 and 9.2 send whole messages of 64 KiB, 256 KiB, 1, 4, 8 and 16 MiB; 9.3 and 9.4 4 MiB in fragments of 64 bytes and
# more; 9.5 and 9.6 1 MiB in pieces of TCP of 64 bytes and more; 9.7 and 9.8 a thousand small ones each.
UP_TO_1_MIB = "9.1.1,9.1.2,9.1.3,9.2.1,9.2.2,9.2.3"
LIMITS = {
    "pico-w": (UP_TO_1_MIB + ",9.7,9.8", "messages up to 1 MiB, and a thousand small ones"),
    "qemu-arm": (UP_TO_1_MIB + ",9.5,9.6,9.7,9.8", "messages up to 1 MiB, in pieces too, and a thousand small ones"),
    "qemu-riscv": (UP_TO_1_MIB + ",9.5,9.6,9.7,9.8", "messages up to 1 MiB, in pieces too, and a thousand small ones"),
}
# Groups 12 and 13 compress. Of the thousand messages in each of their cases, two at least are sent, or so many octets of them.
OCTETS = 32768
# What a machine does of them in two or three minutes: of each part, which are five kinds of data and seven ways to agree, all
# sizes up to 128 KiB, or those up to 16 KiB.
PARTS = [f"12.{part}" for part in range(1, 6)] + [f"13.{part}" for part in range(1, 8)]
UP_TO_16_KIB = ",".join(f"{part}.{case}" for part in PARTS for case in [1, 2, 3, 4, 5, 6, 7, 11, 12])
COMPRESSION = {
    "pico-w": (UP_TO_16_KIB, "messages up to 16 KiB"),
    "qemu-arm": ("12-13", "messages up to 128 KiB"),
    "qemu-riscv": ("12-13", "messages up to 128 KiB"),
}
SUITE_TIME = 600  # seconds
FULL_TIME = 3600


def autobahn(report, board):
    full = report.args.full
    limits, words = ("9", "messages up to 16 MiB") if full else LIMITS[board.name]
    report.note(f"group 9: {words}")
    compression, words = ("12-13", "messages up to 128 KiB") if full else COMPRESSION[board.name]
    report.note(f"groups 12 and 13: {words}, two at least or {OCTETS} octets of them a case")
    limit = FULL_TIME if full else SUITE_TIME
    for cases, out, more in [
        (CORE, "autobahn", []),
        (limits, "autobahn-limits", []),
        (compression, "autobahn-compression", ["--octets", OCTETS]),
    ]:
        follow(report, limit + 60, [
            ".ci/autobahn/run", "--url", f"ws://127.0.0.1:{board.port}/echo", "--name", board.name, "--cases", cases,
            "--time", limit, "--out", report.out / out, *more,
        ])


def browsers(report, board):
    begun = len(board.lines)
    shown = []  # what the browsers saw the LED do
    env = {**os.environ, **tools.browsers()}
    follow(report, 300, ["node", ".ci/boards/browser.mjs", f"http://127.0.0.1:{board.port}/", report.out / "screenshots"],
           lambda line: shown.extend(re.findall(r"^LED (on|off) ", line)), env=env)
    if board.has_control:
        report.check("the emulated pin did what the browsers showed", compare_pin, board, begun, shown)


def compare_pin(board, begun, shown):
    pin = [match[1] for _, line in board.lines[begun:] if (match := re.search(r"^\[emu\] led (on|off)", line))]
    assert shown, "the browsers showed nothing"
    assert pin == shown, f"pin {' '.join(pin)}; browsers {' '.join(shown)}"
    is_on = board.control("led?")["led"]
    assert is_on == (shown[-1] == "on"), f"at the end the pin is {is_on}"
    return f"{len(pin)} times: {' '.join(pin)}"


def follow(report, limit, args, look=lambda line: None, env=None):
    """Runs a program that says `N passed, N failed` at its end; takes its lines over, and its sums."""
    process = machine.start(args, subprocess.PIPE, env=env)
    try:
        # To end it when it is late, whatever it does.
        timer = tools.after(limit, process.kill)
        sums = None
        for line in process.stdout:
            line = line.decode(errors="replace").rstrip()
            if match := re.fullmatch(r"(\d+) passed, (\d+) failed", line):
                sums = int(match[1]), int(match[2])
            else:
                report.say(line)
                look(line)
        status = process.wait()
        timer.cancel()
    finally:
        machine.end(process)
    if not sums:
        late = f", after {limit} s" if status < 0 else ""
        raise Trouble(f"{args[0]} ended with status {status} and said no sums{late}")
    if status == 0 and sums[1]:
        raise Trouble(f"{args[0]} ended with status 0, though {sums[1]} failed")
    report.passed += sums[0]
    report.failed += sums[1]
