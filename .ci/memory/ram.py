"""Whose the RAM is: static memory of an image, and what one more connection costs."""

import collections

Static = collections.namedtuple("Static", "total buffers compression tasks serving application radio sockets other kept")
Sizes = collections.namedtuple("Sizes", "calls values")

SECTIONS = (".data", ".bss", ".uninit")


def sizes(image):
    """What the crate `calls` says: of each call the size of its future and the function that polls it; and further sizes."""
    calls = {image.text(name, length): (size, poll & ~1) for name, length, size, poll in image.table("CALLS", 4)}
    values = {image.text(name, length): size for name, length, size in image.table("SIZES", 3)}
    return Sizes(calls, values)


def static(image, values):
    total = image.size_of(*SECTIONS)
    buffers = values["sockets"] * (values["rx"] + values["tx"] + values["buf"])
    tasks = image.size_of_symbols(r"::POOL$")
    serving = image.size_of_symbols(r"::serve::POOL$")
    radio = image.size_of_symbols(r"^pico_w::radio::state")
    sockets = image.size_of_symbols(r"::RESOURCES$")
    compression = values["compressed"] * (values["compression buffers"] + values["compression"])
    # The server, and what it pushes.
    application = image.size_of_symbols(r"::(DEVICE|PUSH)$")
    other = total - buffers - compression - tasks - application - radio - sockets
    kept = buffers + serving + application + radio + sockets
    return Static(total, buffers, compression, tasks, serving, application, radio, sockets, other, kept)


def stack_space(image):
    """From the end of the variables to the end of the RAM."""
    end = max(s.address + s.size for s in image.sections if s.is_loaded and s.name in SECTIONS and s.size)
    return image.address_of("_stack_start") - end


def connection(sizes):
    """What ws-embassy keeps of an open WebSocket in the future of `server::run`, the application's own future apart."""
    around, alone = sizes.calls["server::run, around 4 KiB"][0], sizes.calls["an application of 4 KiB"][0]
    return around - alone
