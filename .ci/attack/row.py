"""What was found: `Row`, and the tables made of them."""

import datetime
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass


@dataclass
class Row:
    attack: str
    target: str  # whom it was tried on
    goal: str
    figure: str
    is_met: bool


def ms(seconds):
    return f"{1000 * seconds:.1f} ms"


def mib(count):
    return f"{count / (1 << 20):+.1f} MiB"


HEADS = ("attack", "on", "goal", "figure", "")


def cells(row):
    return row.attack, row.target, row.goal, row.figure, "ok" if row.is_met else "MISSED"


def text(rows):
    table = [HEADS, *map(cells, rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(HEADS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table)


def markdown(rows):
    """Above the table what was run, and of what commit."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=os.path.dirname(__file__), capture_output=True, text=True).stdout.strip()
    model = re.search(r"model name\s*: (.+)", open("/proc/cpuinfo").read())
    lines = [f"`.ci/attack/run {' '.join(arg for arg in sys.argv[1:] if arg.startswith('--'))} FILE` at {commit} on {datetime.date.today()};"
             f" {model[1] if model else 'an unknown processor'}, {os.cpu_count()} cores.", ""]
    lines += ["| attack | on | goal | figure | |", "| --- | --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {' | '.join(cells(row))} |" for row in rows])


def as_json(rows):
    return json.dumps([asdict(row) for row in rows], indent=1)
