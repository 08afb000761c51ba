"""Whose code it is: the package that a source file belongs to."""

import functools
import re

# The two libraries, and what they alone bring along.
LIBRARIES = ("ws-core", "ws-embassy")
BROUGHT = ("sha1_smol", "base64ct")
OURS = frozenset(LIBRARIES + BROUGHT)
# Rust's own: always somebody's tool.
STANDARD = "core"

PLACES = (
    (re.compile(r"/(ws-core|ws-embassy)/src/"), None),
    (re.compile(r"/examples/device/"), "device"),
    (re.compile(r"/examples/(?:pico-w|qemu)/"), "board"),
    (re.compile(r"/memory/calls/"), "calls"),
    (re.compile(r"/registry/src/[^/]+/(.+?)-\d[^/]*/"), None),
    (re.compile(r"^/rustc/|/rustlib/src/|^(?:core|alloc|compiler_builtins)\."), STANDARD),
)


@functools.cache
def package(file):
    for pattern, name in PLACES:
        match = pattern.search(file)
        if match:
            return name or match[1]
    return STANDARD  # what the linker and the compiler add has no file


def owner(frames):
    """Who is to blame for an instruction: the innermost function that is not Rust's own. `STANDARD` if all are."""
    return next((name for name in map(package, (frame.file for frame in frames)) if name != STANDARD), STANDARD)
