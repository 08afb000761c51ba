"""What the peers in this directory send, and the scenario with compression as their clients do it: `run_compressed`. Both are
those of ../rust/src/lib.rs and ../rust/src/compressed.rs."""

import json

OFFERED = ["interop.v2", "interop.v1"]
SPOKEN = "interop.v1"
FRAGMENT = 64 << 10
PATTERN = bytes(n % 251 for n in range(1 << 20))
UNICODE = "\0\x7f\x80\u07ff\u0800\ud7ff\ue000\ufeff\ufffe\uffff\U00010000\U0010ffff Grüße κόσμε 日本 👩\u200d🚀"
CLIENT_CLOSE = (4002, "tschüß ✓")
SERVER_CLOSE = (4001, "до свидания ✓")
SERIES = 32


def fragments(payload=PATTERN):
    return [payload[at : at + FRAGMENT] for at in range(0, len(payload), FRAGMENT)]


def parameters(extension):
    """Those of one such as `permessage-deflate; server_max_window_bits=9`."""
    split = (param.strip().partition("=") for param in extension.split(";")[1:])
    return {name: int(value) if value else True for name, _, value in split}


async def run_compressed(connect, cases):
    """`connect(url, extension)` gives { send(message or list of fragments), recv(), close(code, reason) -> code }."""
    for n, (extension, url) in enumerate(zip(cases[::2], cases[1::2], strict=True)):
        try:
            await run_one(await connect(url, extension))
            print("ok", n, flush=True)
        except Exception as error:
            print(f"FAILED {n}: {error!r:.300}", flush=True)


async def run_one(ws):
    async def echoes(message, send=None):
        await ws.send(message if send is None else send)
        await receives(message)

    async def receives(message):
        got = await ws.recv()
        assert got == message, f"got {got!r:.80}, not {message!r:.80}"

    for message in messages():
        await echoes(message)
    large = telemetry(1 << 20).encode()
    await echoes(large, send=fragments(large))
    await echoes(PATTERN, send="please fragment")
    series = [line(n) for n in range(SERIES)]
    for message in series:
        await ws.send(message)
    for message in series:
        await receives(message)
    code = await ws.close(*CLIENT_CLOSE)
    assert code == CLIENT_CLOSE[0], f"closed with {code}"


def messages():
    """Empty ones, the shortest, those around what our side compresses from, and such as are or are not worth compressing."""
    large, small = telemetry(1 << 20), telemetry(10_000)
    return ["", b"", "x", "a" * 63, "a" * 64, small, UNICODE * 50, noise(64 << 10), noise(12_000) * 2, large]


def telemetry(count):
    """So many bytes of such JSON as a device sends."""
    lines, size = [], 0
    while size < count:
        lines.append(line(len(lines)) + "\n")
        size += len(lines[-1])
    return "".join(lines)[:count]


def line(n):
    told = {"sensor": "kitchen", "seq": n, "temperature": 20 + n % 7 + n % 10 / 10, "humidity": 40 + n % 23, "battery": "ok"}
    return json.dumps(told, separators=(",", ":"))


def noise(length):
    """Bytes without a pattern; always the same."""
    state, out = 1, bytearray()
    for _ in range(length):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return bytes(out)
