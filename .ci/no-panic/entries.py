#!/usr/bin/env python3
"""What of the public interface of `ws-core` the image does not call: nothing, or it fails.

    .ci/no-panic/entries.py

The interface is what rustdoc knows of it: functions and methods, those of the library's own traits, and what is written by
hand for the traits of `core`, such as `Display` and `Iterator`. What the image calls is read in what the compiler makes of its
source before anything is inlined, so that a name alone does not do: it has to be that type's. What is derived, and constants
and fields, hold no code of ours.

Both are asked for in formats that are not promised, by the compiler that is in use. If one changes, nothing is found, and that
fails too."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / ".ci/no-panic/Cargo.toml"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / ".ci/no-panic/target"))
THUMB = "thumbv6m-none-eabi"

# Not to be called, and why.
SHOWS_TEXT = "shows text in quotes: what `core` has for that holds panics"
NOT_CALLED = {
    "ws_core::Entropy::fill": "the application's own",
    "ws_core::Client::as::Debug::fmt": "nobody outside holds a role",
    "ws_core::handshake::client::Request::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::handshake::client::Handshake::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::handshake::server::Accept::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::http::Content::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::http::Fields::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::http::Response::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::http::Stream::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::transport::EventStream::as::Debug::fmt": SHOWS_TEXT,
    "ws_core::transport::Images::as::Debug::fmt": SHOWS_TEXT,
}


def main():
    entries = interface(document())
    called = calls(compiled())
    missing = sorted(name for name, forms in entries.items() if not forms & called and name not in NOT_CALLED)
    for name in missing:
        print(f"not called by the image: {name}")
    stale = sorted(name for name in NOT_CALLED if name not in entries or entries[name] & called)
    for name in stale:
        print(f"no reason any more to leave out {name}")
    print(f"{len(entries)} public entries; not called: {len(missing)}, and {len(NOT_CALLED)} for a reason")
    # Far fewer than there are: then it was not looked at.
    sys.exit(1 if missing or stale or len(entries) < 300 else 0)


def run(*command):
    # The image is linked as `run` links it: what it calls of the outside is nowhere.
    flags = "-C link-arg=--unresolved-symbols=ignore-all"
    environment = os.environ | {"RUSTC_BOOTSTRAP": "1", "CARGO_TARGET_DIR": str(TARGET), "RUSTFLAGS": flags}
    subprocess.run(command, env=environment, check=True)


def document():
    options = ("-Z", "unstable-options", "--output-format", "json")
    manifest = str(ROOT / "ws-core/Cargo.toml")
    run("cargo", "rustdoc", "--quiet", "--locked", "--lib", "--manifest-path", manifest, "--", *options)
    return json.loads((TARGET / "doc/ws_core.json").read_text())


def compiled():
    """What the compiler makes of the source of the image, with the whole path of each name."""
    built = TARGET / THUMB / "debug/deps"
    for old in built.glob("whole-*.mir"):
        old.unlink()
    options = ("--emit=mir", "-Z", "trim-diagnostic-paths=no")
    manifest = ("--manifest-path", str(IMAGE), "--target", THUMB)
    IMAGE.parent.joinpath("src/main.rs").touch()  # else there is nothing to do
    run("cargo", "rustc", "--quiet", "--locked", *manifest, "--bin", "whole", "--", *options)
    (text,) = (path.read_text() for path in built.glob("whole-*.mir"))
    return text


class Interface:
    """All paths by which each item can be named from outside."""

    def __init__(self, document):
        self.index = document["index"]
        self.paths = {}
        self.walk(document["root"], ("ws_core",))

    def walk(self, item, path):
        entry = self.index.get(str(item))
        if entry is None or path in self.paths.get(item, ()):
            return
        self.paths.setdefault(item, set()).add(path)
        kind, inner = next(iter(entry["inner"].items()))
        for member in inner.get("items", ()) if kind == "module" else ():
            self.step(member, path)

    def step(self, member, path):
        entry = self.index.get(str(member))
        if entry is None or entry["visibility"] != "public":
            return
        used = entry["inner"].get("use")
        if used is None:
            self.walk(member, (*path, entry["name"]))
        elif used["is_glob"]:
            for further in self.index[str(used["id"])]["inner"]["module"]["items"]:
                self.step(further, path)
        else:
            self.walk(used["id"], (*path, used["name"]))


def interface(document):
    """Of each entry, by the name it is reported under, all forms that a call of it may have."""
    found = Interface(document)
    entries = {}

    def add(paths, *name):
        forms = {"::".join((*path, *name)) for path in paths}
        entries[min(forms, key=lambda form: (len(form), form))] = forms

    for item, paths in found.paths.items():
        entry = found.index[str(item)]
        kind, inner = next(iter(entry["inner"].items()))
        if kind == "function":
            add(paths)
        elif kind == "trait":
            for member in inner["items"]:
                method = found.index[str(member)]
                if "function" in method["inner"]:
                    add(paths, method["name"])
        elif kind in ("struct", "enum"):
            for block in (found.index[str(each)] for each in inner["impls"] if str(each) in found.index):
                target = block["inner"]["impl"]["for"].get("resolved_path", {})
                if target.get("id") == item:
                    add_block(block, found, paths, add)
    return entries


def add_block(block, found, paths, add):
    implemented = block["inner"]["impl"]
    trait = implemented["trait"]
    is_derived = any("automatically_derived" in str(attribute) for attribute in block["attrs"])
    if is_derived or implemented["is_synthetic"] or implemented["blanket_impl"]:
        return
    for member in implemented["items"]:
        method = found.index.get(str(member))
        if method is None or "function" not in method["inner"]:
            continue
        if trait is None:
            if method["visibility"] == "public":
                add(paths, method["name"])
        elif found.index.get(str(trait["id"])) is None:  # of `core`
            add(paths, "as", trait["path"].rpartition("::")[2], method["name"])


FORMATS = {"say": "Display", "new_display": "Display", "show": "Debug", "new_debug": "Debug"}


def calls(text):
    """Every path in `text` that begins with the library, and every call of a trait's method on a type of its."""
    found = set()
    text = text.replace("->", "  ")
    for begin in re.finditer(r"\bws_core::", text):
        path, end = parse(text, begin.start())
        name = "::".join(path)
        found.add(name)
        if method := re.match(r">::(\w+)", text[end : end + 80]):
            found.add(f"{name}::{method[1]}")  # <.. as ws_core::Trait>::method
        if text.startswith(" as ", end):
            trait, end = parse(text, end + 4)
            if method := re.match(r">::(\w+)", text[end : end + 80]):
                found.add("::".join((name, "as", trait[-1], method[1])))
    # What is written with a format says so by the type of what is written.
    for call in re.finditer(r"\b(say|show|new_display|new_debug)::<", text):
        inside = text[call.end() : close(text, call.end() - 1)]
        for begin in re.finditer(r"\bws_core::", inside):
            path, _ = parse(inside, begin.start())
            found.add("::".join((*path, "as", FORMATS[call[1]], "fmt")))
    return found


def parse(text, at):
    """The names of the path that begins there, without what is in angle brackets, and where it ends."""
    names = []
    while name := re.compile(r"\w+").match(text, at):
        names.append(name[0])
        at = name.end()
        if text.startswith("<", at):
            at = close(text, at)
        while text.startswith("::<", at):
            at = close(text, at + 2)
        if not text.startswith("::", at):
            break
        at += 2
    return names, at


def close(text, at):
    """Behind the bracket that closes the one there."""
    depth = 0
    for at in range(at, len(text)):
        depth += {"<": 1, ">": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


main()
