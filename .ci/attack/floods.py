"""Floods: frames that cost a peer nothing, as many as it can send, from one who stays within the limits and from one who does not. Another's echo
is timed beside each, so each has the machine to itself."""

from peers import FRAGMENTS
from row import Row, mib, ms
from server import ROOM, SLACK, Server
from worker import Worker, run

KINDS = ("pings", "pongs", "fragments", "empty fragments")
COUNT = 1_000_000
FLOOD_TIME = 3  # seconds at least, for enough echoes to be timed meanwhile
CONNECTIONS = 3  # at once: the flood, the one before it, which is being ended, and the echo
# An echo takes a tenth of a millisecond where nothing else is to be done, and some turns of the scheduler where more programs want a core than
# there are: so it is compared with one beside a client that behaves and says as much. Below this it is well in any case.
ECHO_WELL = 0.010
ECHO_TIMES = 2

CLOSE_TIME = 5  # seconds that the server reads on behind its Close
BUSY = 1
SETTLE = 15


def floods(program, full):
    with Server(program, "floods") as server:
        for kind in KINDS:
            run("flood", server.port, program, kind, 20_000, 0)
        idle = run("echo", server.port, program, FLOOD_TIME)["p99"]
        level = server.level()
        beside(server, "flood", "messages", COUNT, FLOOD_TIME)  # whatever this machine does the first time
        honest = Honest(idle, beside(server, "flood", "messages", COUNT, FLOOD_TIME)[1]["p99"])
        for kind in KINDS:
            attack = ("flood", kind, COUNT, FLOOD_TIME)
            (told, echo), is_flat, memory = measured(server, level, *attack)
            longest = FRAGMENTS[program][kind == "empty fragments"]
            where = {"fragments": f", {longest:,} a message", "empty fragments": f", {longest} in a row"}.get(kind, "")
            yield Row(f"{COUNT:,} {kind} and more{where}", program, f"each taken, closed with 1000; {memory_goal(program)}",
                      f"{', '.join(told['codes'])}; {memory}; {told['frames'] / 1e6:.1f} million in {told['seconds']:.1f} s",
                      is_flat and told["codes"] == ["1000"])
            yield honest.row(server, echo, attack)
        for kind in KINDS[2:]:
            attack = ("endless", kind, 2 * CLOSE_TIME)
            (told, echo), is_flat, memory = measured(server, level, *attack)
            limit = FRAGMENTS[program][kind == "empty fragments"]
            yield Row(f"a message of {kind} that does not end", program, f"{limit:,} taken, the next answered with 1008",
                      f"{told['taken']:,} taken; {told['code']}", (told["taken"], told["code"]) == (limit, 1008))
            yield Row("more of them behind its Close", program, f"let go {CLOSE_TIME} s + {BUSY} s later; {memory_goal(program)}",
                      f"{told['seconds']:.1f} s; {memory}; {told['behind'] / 1e6:.1f} million sent", is_flat and told["seconds"] <= CLOSE_TIME + BUSY)
            yield honest.row(server, echo, attack)
        server.assert_well()


def memory_goal(program):
    return f"{mib(limit_of(program))} of memory at its highest, {mib(SLACK)} behind it"


def limit_of(program):
    return CONNECTIONS * ROOM[program] + SLACK


def measured(server, level, *attack):
    """What was told; whether memory kept to its goal, and in words."""
    before = server.memory()
    server.forget_peak()
    told = beside(server, *attack)
    peak = server.peak()
    server.settle(level, SETTLE)
    grown = server.memory() - before
    return told, peak <= limit_of(server.program) and grown <= SLACK, f"{mib(peak)}, {mib(grown)}"


def beside(server, name, *args):
    """A flood, and one who echoes beside it."""
    with Worker(name, server.port, server.program, *args) as flood:
        with Worker("echo", server.port, server.program, FLOOD_TIME - 1) as honest:
            return flood.told(), honest.told()


class Honest:
    """Who echoes beside a flood, held against an echo beside as many messages."""

    def __init__(self, idle, baseline):
        self.limit = max(ECHO_WELL, ECHO_TIMES * baseline)
        self.goal = f"p99 below {ms(self.limit)}: {ECHO_TIMES} times that beside as many messages, at least {ms(ECHO_WELL)}"
        self.known = f"; beside as many messages {ms(baseline)}, alone {ms(idle)}"

    def row(self, server, echo, attack):
        took = echo["p99"]
        figure = ms(took)
        if took > self.limit:  # noise comes once
            took = beside(server, *attack)[1]["p99"]
            figure += f", missed; then {ms(took)}"
        return Row("meanwhile, another's echo", server.program, self.goal, figure + self.known, took <= self.limit)
