"""The suite `slow`: clients that are in no hurry, 100 of each kind at once: heads that come byte by byte, bodies that do, readers that take
nothing, sockets that say nothing. Each is ended by its deadline, and who behaves is served meanwhile.

Whether the server holds a connection, the system says: a client that takes nothing does not see its end."""

import contextlib
import time

import curl
from raw import Raw

COUNT = 100
SESSIONS = 25  # among which the bodies are; of one session, the latest body counts
ROOM = 4096  # bytes that the system keeps for a reader that takes nothing
ASKED = 99  # answers that it asks for: much more than fits anywhere on the way
BEAT = 0.25  # seconds between two bytes

# Seconds: what the demo's server gives each, and how much more is no fault on a busy machine. A reader has the time for what the system took
# from the server at once, besides.
DEADLINES = {"silent": 10, "head": 10, "body": 30, "reader": 15}
LATE = 5
WELL = 2  # seconds in which who behaves has to be served

ESTABLISHED, CLOSE_WAIT = 1, 8  # as the kernel counts them


def run(check, port):
    with contextlib.ExitStack() as stack:
        sessions = [curl.session(port)[0] for _ in range(SESSIONS)]
        open_all = lambda **how: [stack.enter_context(Raw(port, **how)) for _ in range(COUNT)]
        kinds = {"silent": open_all(), "head": open_all(), "body": open_all(), "reader": open_all(room=ROOM)}
        for at, raw in enumerate(kinds["body"]):
            raw.send(f"POST /push?s={sessions[at % SESSIONS]}&n=1 HTTP/1.1\nHost: HOST\nContent-Length: 1000\n\n")
        for raw in kinds["head"]:
            raw.send("GET /push.js HTTP/1.1\nX-Slow: ")
        for raw in kinds["reader"]:
            raw.send("GET /push.js HTTP/1.1\nHost: HOST\n\n" * ASKED)
        ends = {}
        check(f"{4 * COUNT} of them are there at once, and who behaves is served within {WELL} s", watch, port, kinds, ends)
        for kind, raws in kinds.items():
            check(f"{COUNT} of the kind `{kind}`: each is ended by its deadline", judge, kind, [ends.get(raw) for raw in raws])
        check("behind them nothing is left", lambda: f"served within {served(port) * 1000:.0f} ms")


def watch(port, kinds, ends):
    """Fills in `ends`: when the server gave up each."""
    ports = {raw.sock.getsockname()[1]: raw for raws in kinds.values() for raw in raws}
    begun = time.monotonic()
    while missing := len(ports.keys() - held_by_server(port)):
        assert time.monotonic() < begun + WELL, f"{missing} connections are not held"
    for raw in kinds["body"]:
        raw.send(b"t990:")  # a message of so many bytes; whose session has another body by now, is refused
    waits = []
    while len(ends) < len(ports) and time.monotonic() - begun < max(DEADLINES.values()) + LATE + WELL:
        beat = time.monotonic()
        held = held_by_server(port) & ports.keys()
        for number in ports.keys() - held:
            ends.setdefault(ports[number], beat - begun)
        for raw in kinds["head"] + kinds["body"]:
            if raw not in ends:
                with contextlib.suppress(OSError):
                    raw.send(b"x")
        waits.append(served(port))
        time.sleep(max(0, beat + BEAT - time.monotonic()))
    assert max(waits) < WELL, f"a client had to wait {max(waits):.1f} s"
    return f"{len(waits)} times, within {max(waits) * 1000:.0f} ms"


def judge(kind, ends):
    left = ends.count(None)
    assert not left, f"{left} are held yet"
    first, last, limit = min(ends), max(ends), DEADLINES[kind] + LATE
    assert last < limit, f"the last one after {last:.1f} s; {limit} s at most"
    return f"between {first:.1f} s and {last:.1f} s"


def served(port):
    """Asks for a file and for news; gives the seconds that took."""
    begun = time.monotonic()
    with Raw(port, limit=WELL) as raw:
        raw.send("GET /push.js HTTP/1.1\nHost: HOST\n\nGET /push?wait=1000 HTTP/1.1\nHost: HOST\nConnection: close\n\n")
        assert raw.response()[0] == 200
        status, _, body = raw.response()
        assert status == 200 and curl.events(body)[0], (status, body)
    return time.monotonic() - begun


def held_by_server(port):
    """The ports of the clients whose connections the server has not closed."""
    held = set()
    with open("/proc/net/tcp") as table:
        for line in list(table)[1:]:
            _, local, remote, state, *_ = line.split()
            if int(local.split(":")[1], 16) == port and int(state, 16) in (ESTABLISHED, CLOSE_WAIT):
                held.add(int(remote.split(":")[1], 16))
    return held
