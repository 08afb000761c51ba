"""Attacks that are much of something: slow peers, bombs, connections. Each has the machine to itself, since others are timed
meanwhile."""

import json
import time
from contextlib import ExitStack

from peers import ENDS
from row import Row, mib, ms
from server import SLACK, Server
from worker import Worker, run

CONNECT_WELL = 0.100

HEAD_DEADLINE = 10
HEAD_LATE = 1
LINGER = 5  # seconds that a server waits for the other end of what it has ended, at most
BUSY = 1  # seconds that a machine with other work may add to those of the server
SETTLE = 15

BOMB_MEBIBYTES = 32  # twice the echo server's limit
BOMB_LIMIT = {"echo-server": 16 << 20, "demo": 8 << 10}  # bytes of a message, at which a bomb is refused
BOMB_CPU = 8e-6  # seconds of processor time for a byte on the wire, of which a thousand are made, and sent back: three times what it takes here
BOMB_CONNECTION = 1e-3  # and for the connection that each comes on
BOMB_ROOM = 3 << 20  # bytes of memory above what there was: the connection, its windows, and those of the one before, which is being ended
BOMB_RATIO = 1000

# Bytes: the allocator of the system keeps up to 128 KiB in each of eight heaps a processor, and more threads at once than before find new ones.
CHURN_SLACK = 2 << 20


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


# --- Bombs -----------------------------------------------------------------------------------------------------------


def bombs(program, full):
    count = 500 if full else 30
    path, subprotocol = ("/", "") if program == "echo-server" else ("/feed", "feed.v1")
    with Server(program, "bombs") as server:
        run("bombs", server.port, path, subprotocol, 3, BOMB_MEBIBYTES)
        level, before, busy = server.level(), server.memory(), server.processor_time()
        server.forget_peak()
        told = run("bombs", server.port, path, subprotocol, count, BOMB_MEBIBYTES)
        peak = server.peak()
        server.settle(level, SETTLE)
        busy, grown = server.processor_time() - busy, server.memory() - before
        server.assert_well()
    inflated = BOMB_LIMIT[program] / told["ratio"]  # bytes on the wire of each, up to the limit
    cost, limit = busy / count, BOMB_CPU * inflated + BOMB_CONNECTION
    assert told["ratio"] > BOMB_RATIO, f"only {told['ratio']:.0f}:1"
    yield Row(f"{count} bombs of {told['ratio']:.0f}:1, {BOMB_MEBIBYTES} MiB each", program,
              f"refused with 1009; {mib(BOMB_ROOM)} of memory at its highest, {mib(SLACK)} behind them",
              f"{', '.join(map(str, told['codes']))}; {mib(peak)}, {mib(grown)}", told["codes"] == [1009] and peak <= BOMB_ROOM and grown <= SLACK)
    yield Row("their work", program, f"below {ms(limit)} of processor time for each, connection included",
              f"{ms(cost)}, for {inflated:,.0f} bytes on the wire up to the limit", cost < limit)


# --- Connections -----------------------------------------------------------------------------------------------------


def churn(program, full):
    count, lanes = 1_000_000 if full else 12_000, 2
    with Server(program, "churn") as server:

        def come_and_go(count):
            begun = time.monotonic()
            with ExitStack() as stack:
                workers = [stack.enter_context(Worker("churn", server.port, program, count // lanes, seed)) for seed in range(lanes)]
                for worker in workers:
                    worker.told(7200)
            return time.monotonic() - begun

        come_and_go(6_000)  # as many at once as later: what is kept for the next is no leak
        time.sleep(LINGER + 1)
        level, before = server.level(), server.memory()
        took = come_and_go(count)
        settled = server.settle(level, SETTLE)
        waiting, grown, after = server.close_wait(), server.memory() - before, server.level()
        server.assert_well()
    yield Row(f"{count:,} connections opened, and ended in {len(ENDS)} ways", program,
              f"no more descriptors and threads, CLOSE_WAIT 0, {mib(CHURN_SLACK)} of memory",
              f"{after[0]} and {after[1]}, {settled:.1f} s later; {waiting}; {mib(grown)}; {count / took:,.0f} a second",
              after <= level and not waiting and grown <= CHURN_SLACK)
