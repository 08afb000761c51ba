"""The stack of `ws-core` alone: of the image of `.ci/no-panic`, which calls each public entry. Linked without what inlines across
crates, so that entries have frames of their own; those of a line or two have none anywhere, and what they call is here."""

import collections
import os
import pathlib
import re
import subprocess

from image import Image
from images import ROOT, TARGET, THUMB
from report import Report
from stack import Depths

# Bytes, by module. `Fast` is the layout for hosts, and builds its tables on the stack.
FAST = "inflating, in the layout for hosts"
MOST = {
    "connection": 512,
    "connection, compressed": 1024,
    "deflate": 1024,
    FAST: 3 * 1024,
    "handshake": 512,
    "http": 640,
    "transport": 1024,
    "bytes, frame, time": 512,
}
SHOWN = 4


def check(report):
    depths = Depths(Image(build()))
    names = depths.image.names
    texts = {f for f, name in names.items() if "core::fmt::" in name}
    circles = [names[f] for f in depths.cycles if f not in texts]
    report.hold(f"nothing is recursive in the core but what writes text: {circles}", not circles)
    report.hold("what writes text is, so it was looked at", texts & set(depths.cycles))
    through = sorted({names[site.function] for _, site in depths.graph.indirect if site.function not in texts})
    unknown = [names[site.function] for site in depths.graph.unresolved() if site.function not in texts]
    report.hold(f"where each call through a pointer leads is known: {unknown}", not unknown)

    modules = collections.defaultdict(list)
    for function in names.keys() - texts:
        if module := module_of(names[function]):
            modules[module].append((depths.deepest(function)[0], short(names[function])))
    rows = []
    for module, most in MOST.items():
        found = sorted(modules[module], reverse=True) or [(0, "")]
        rows.append((module, len(found), found[0][0], most, ", ".join(f"{name} {size}" for size, name in found[:SHOWN])))
        report.bound(f"stack of {found[0][1]}", found[0][0], most, least=8)
    report.table("Stack of ws-core alone, bytes", rows, "module", "functions", "deepest", "bound", "")
    print(f"\n{len(through)} functions of it call through a pointer, beside those that write text: {', '.join(map(short, through))}")


def module_of(symbol):
    path = re.match(r"<*ws_core::(\w+)(?:::(\w+))?", symbol)
    if not path:
        return None
    if path[1] in ("connection", "deflate") and re.search(r"\bFast\b|deflate::inflate::(fast|quick)|table::build::<512>", symbol):
        return FAST
    if path[1] == "connection" and path[2] == "compression":
        return "connection, compressed"
    return path[1] if path[1] in MOST else "bytes, frame, time"


def short(symbol):
    """Without paths and parameters of types."""
    symbol = re.sub(r"\b[a-z_0-9]+::(?=[A-Za-z_])", "", symbol)
    return re.sub(r"^<(.*)>(?=::\w+)", r"\1", symbol)


def build():
    flags = "-Z emit-stack-sizes -C link-arg=--unresolved-symbols=ignore-all"
    profile = {"OPT_LEVEL": "s", "LTO": "off", "DEBUG": "2"}
    environment = dict(os.environ, RUSTC_BOOTSTRAP="1", RUSTFLAGS=flags, CARGO_TARGET_DIR=str(TARGET / "core"))
    environment.pop("CARGO_ENCODED_RUSTFLAGS", None)
    environment.update({f"CARGO_PROFILE_RELEASE_{name}": value for name, value in profile.items()})
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--target", THUMB, "--features", "small"]
    if subprocess.run(command, cwd=ROOT / ".ci/no-panic", env=environment).returncode:
        raise SystemExit("the image that calls each entry of ws-core was not built")
    return pathlib.Path(TARGET / "core" / THUMB / "release/whole")


if __name__ == "__main__":
    alone = Report()
    check(alone)
    raise SystemExit(not alone.verdict())
