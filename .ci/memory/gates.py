"""What no image may hold: an allocator, and a panic of ours."""

import collections
import re

from graph import RESUMED
from origin import LIBRARIES, STANDARD, owner, package

# Of the compiler's interface to allocators, and of what is built on it.
ALLOCATOR = re.compile(r"__rust_(de|re)?alloc|__rg_|__rdl_|(?<![0-9a-z_])5alloc(?![a-z_])|\balloc::")


def allocators(elf):
    """Symbols of an allocator, or of `alloc`; names are those of the file, in which each part has its length before it."""
    return sorted({name for name, _, _ in elf.raw_symbols() if ALLOCATOR.search(name)})


Location = collections.namedtuple("Location", "file line column")
Panics = collections.namedtuple("Panics", "ours resumed others")


def panics(graph, root):
    """Panics of ours; the places where the compiler has put one into an async function, for who polls it when it is done; how
    many each other package has.

    A panic is told apart by the place in the source that it is handed, if that is not in `core`; else by the innermost
    function that is not of `core` where the place is loaded, and where the panic is called."""
    found = Panics(set(), set(), collections.Counter())
    places = locations(graph.image)
    for place in places.values():
        who = package(place.file)
        if who in LIBRARIES:
            begun = is_async(root, place)
            (found.resumed if begun else found.ours).add(f"{short(place.file)}:{place.line}")
        elif who != STANDARD:
            found.others[who] += 1
    for address, value in graph.image.literals():
        if value in places and package(places[value].file) == STANDARD:
            blame(found, graph.image.frames.get(address, ()), places[value].file.rpartition("/")[2])
    for caller, callees in graph.calls.items():
        for callee in filter(graph.is_panic, () if graph.is_panic(caller) else callees):
            for site in callees[callee]:
                frames = graph.image.frames.get(site, ())
                # Calls that several places share have no line.
                if not RESUMED.search(graph.name(callee)) and all(frame.line.isdigit() for frame in frames[:1]):
                    blame(found, frames, graph.name(callee), counts=False)
    return found


def blame(found, frames, what, counts=True):
    who = owner(frames)
    if who in LIBRARIES:
        frame = next(frame for frame in frames if package(frame.file) == who)
        name = f"{short(frame.file)}:{frame.line}"
        if name not in found.resumed:
            found.ours.add(f"{name}: {what}")
    else:
        found.others[who] += counts


def short(file):
    return file[re.search(r"ws-(core|embassy)/src/", file).start() :] if "/src/" in file else file


def locations(image):
    """Places in the source (`core::panic::Location`) among the constants, by their addresses."""
    section = image.section(".rodata")
    found = {}
    for address in range(section.address & ~3, section.address + section.size - 15, 4):
        text, length, line, column = (image.word(address + 4 * i) for i in range(4))
        if 4 < length < 400 and 0 < line < 1_000_000 and 0 < column < 10_000:
            file = image.at(text, length)
            if len(file) == length and re.fullmatch(rb"[ -~]+\.rs", file):
                found[address] = Location(file.decode(), line, column)
    return found


def is_async(root, place):
    """The place is the body of an async function or block: where it begins, not where something in it fails."""
    lines = (root / short(place.file)).read_text().splitlines()
    at = lines[place.line - 1][place.column - 1 :]
    return at.startswith(("{", "async"))
