"""Attacks that are much of something: slow peers, floods, bombs, connections. Each has the machine to itself, since others are timed
meanwhile."""

import json
import time
from contextlib import ExitStack

from row import Row
from server import Server
from worker import Worker, run

FLOODS = {  # and the code of the Close that the server has to answer with
    "pings": "1000",
    "pongs": "1000",
    "fragments": "1008",
    "empty fragments": "1008",
}
FLOOD_TIME = 3  # seconds at least, for enough echoes to be timed meanwhile
# An echo takes a tenth of a millisecond where nothing else is to be done, and some turns of the scheduler where more programs want a core than
# there are: so it is compared with one beside a client that behaves and says as much. Below this it is well in any case.
ECHO_WELL = 0.010
ECHO_TIMES = 2
CONNECT_WELL = 0.100
SLACK = 1 << 20  # bytes of memory that come and go: what the allocator keeps for the next one

HEAD_DEADLINE = 10
HEAD_LATE = 1
LINGER = 5  # seconds that a server waits for the other end of what it has ended, at most
BUSY = 1  # seconds that a machine with other work may add to those of the server
SETTLE = 15

BOMB_MEBIBYTES = 32  # twice the echo server's limit
BOMB_CPU = 20e-6  # seconds of processor time for a byte on the wire, of which a thousand are made, and sent back
BOMB_RATIO = 1000


def ms(seconds):
    return f"{1000 * seconds:.1f} ms"


def mib(count):
    return f"{count / (1 << 20):+.1f} MiB"


# --- Slow peers ------------------------------------------------------------------------------------------------------


def slowloris(program, full):
    count, pace = (15_000, 2_000) if full else (3_000, 1_000)
    path = "/" if program == "echo-server" else "/push.js"
    with Server(program, "slow") as server:
        run("connect", server.port, 1, path)
        level = server.level()
        seconds = HEAD_DEADLINE + count / pace
        with Worker("slow", server.port, count, pace) as slow:
            time.sleep(1)
            honest = run("connect", server.port, seconds - 1, path)
            told = json.loads(slow.line())
            rest = server.settle(level, LINGER + SETTLE)
        server.assert_well()
    assert told["ended"] == count, f"{told['refused']} found nobody, and only {told['ended']} were ended"
    in_time = HEAD_DEADLINE - HEAD_LATE <= told["first"] and told["last"] <= HEAD_DEADLINE + HEAD_LATE
    yield Row(f"{count:,} peers that send a byte a second", program, f"each ended at {HEAD_DEADLINE} s ± {HEAD_LATE} s",
              f"{told['first']:.2f} to {told['last']:.2f} s; half by {told['p50']:.2f} s", in_time)
    yield Row("meanwhile, a client that behaves", program, f"p99 of connect and answer below {ms(CONNECT_WELL)}",
              f"{ms(honest['p99'])}; half {ms(honest['p50'])}, {honest['count']} times", honest["p99"] < CONNECT_WELL)
    yield Row("the same, which do not close", program, f"let go within {LINGER} s + {BUSY} s more", f"{rest:.1f} s", rest <= LINGER + BUSY)


# --- Floods ----------------------------------------------------------------------------------------------------------


def floods(program, full):
    """All of them; `program` is the echo server, which passes on what others are to measure."""
    count = 1_000_000
    with Server(program, "floods") as server:
        for kind in FLOODS:
            run("flood", server.port, kind, 20_000, 0)
        idle = run("echo", server.port, FLOOD_TIME)["p99"]
        level = server.level()
        beside(server, "messages", count)  # whatever this machine does the first time
        baseline = beside(server, "messages", count)[1]["p99"]
        limit = max(ECHO_WELL, ECHO_TIMES * baseline)
        goal = f"p99 below {ms(limit)}: {ECHO_TIMES} times that beside as many messages; alone {ms(idle)}"
        for kind, code in FLOODS.items():
            before = server.memory()
            told, honest = beside(server, kind, count)
            server.settle(level, SETTLE)
            grown = server.memory() - before
            title = f"{count:,} {kind} and more"
            yield Row(title, program, f"memory as before; closed with {code}", f"{mib(grown)}; {', '.join(told['codes'])}; "
                      f"{told['frames'] / 1e6:.1f} million in {told['seconds']:.1f} s", grown <= SLACK and told["codes"] == [code])
            figure = ms(honest["p99"])
            if honest["p99"] > limit:  # noise comes once
                _, honest = beside(server, kind, count)
                figure += f", missed; then {ms(honest['p99'])}"
            yield Row("meanwhile, another's echo", program, goal, figure, honest["p99"] <= limit)
        server.assert_well()


def beside(server, kind, count):
    """A flood, and one who echoes beside it."""
    with Worker("flood", server.port, kind, count, FLOOD_TIME) as flood:
        with Worker("echo", server.port, FLOOD_TIME - 1) as honest:
            return flood.told(), honest.told()


# --- Bombs -----------------------------------------------------------------------------------------------------------


def bombs(program, full):
    count = 500 if full else 30
    path, subprotocol = ("/", "") if program == "echo-server" else ("/feed", "feed.v1")
    with Server(program, "bombs") as server:
        run("bombs", server.port, path, subprotocol, 3, BOMB_MEBIBYTES)
        level, before, busy = server.level(), server.memory(), server.processor_time()
        told = run("bombs", server.port, path, subprotocol, count, BOMB_MEBIBYTES)
        server.settle(level, SETTLE)
        busy, grown = server.processor_time() - busy, server.memory() - before
        server.assert_well()
    cost = busy / told["bytes"]
    assert told["ratio"] > BOMB_RATIO, f"only {told['ratio']:.0f}:1"
    yield Row(f"{count} bombs of {told['ratio']:.0f}:1, {BOMB_MEBIBYTES} MiB each", program, "refused with 1009; memory as before",
              f"{told['codes']}; {mib(grown)}".replace("[", "").replace("]", ""), told["codes"] == [1009] and grown <= SLACK)
    yield Row("their work", program, f"below {BOMB_CPU * 1e6:.0f} µs of processor time for a byte on the wire",
              f"{cost * 1e6:.1f} µs, {told['bytes'] / count / 1024:.0f} KiB taken of each", cost < BOMB_CPU)


# --- Connections -----------------------------------------------------------------------------------------------------


def churn(program, full):
    count = 1_000_000 if full else 12_000
    kind = "churn" if program == "echo-server" else "churn_tabs"
    lanes = 2
    with Server(program, "churn") as server:
        run(kind, server.port, 2_000, 0)
        time.sleep(LINGER + 1)
        level, before, begun = server.level(), server.memory(), time.monotonic()
        with ExitStack() as stack:
            workers = [stack.enter_context(Worker(kind, server.port, count // lanes, seed)) for seed in range(lanes)]
            for worker in workers:
                worker.told(7200)
        took = time.monotonic() - begun
        settled = server.settle(level, SETTLE)
        waiting, grown, after = server.close_wait(), server.memory() - before, server.level()
        server.assert_well()
    yield Row(f"{count:,} connections opened, and ended in 6 ways", program, "descriptors and threads as before, CLOSE_WAIT 0, memory as before",
              f"{after[0]} and {after[1]}, {settled:.1f} s later; {waiting}; {mib(grown)}; {count / took:,.0f} a second",
              after <= level and not waiting and grown <= 2 * SLACK)
