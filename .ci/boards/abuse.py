"""The suite `abuse`: clients as they should not be, and many of them. After each the board has to be as before: an echo
works at once, all of its sockets are free, its memory has not grown."""

import collections
import concurrent.futures
import contextlib
import gzip
import os
import select
import socket
import struct
import threading
import time

import compression
import small_frames
import wire
from wire import BINARY, Busy, Gone, Refused, WebSocket, ask, head

SOCKETS = 6  # of the firmware
WEBSOCKETS = 4  # that it lets be open at once
CYCLES = 1000
ABRUPT = 100
CHURN = 3600  # seconds of it, with `--full`

# Seconds. The clock of an emulated board never leads, but lags when the host has other things to do.
HEAD_TIME = (9, 45)  # 10 is what is granted for a head
SEND_TIME = (9, 60)  # 10 for a peer that takes nothing, and 2 to be rid of it
PING_TIME = (38, 120)  # a ping after 30, 10 for its answer
ECHO_TIME = 5

STACK_SLACK = 256  # bytes: an interrupt can come at any depth, its frame and no more


def run(report, machine):
    port = machine.port
    report.check("a page, and what is no page", answers, port)
    ram = Ram(machine)
    report.check("each of what follows once, to see how much stack it takes", ram.begin, warm_up, port)
    churn = [(f"{CHURN} s of connections that come and go", lambda port: come_and_go(port, report.note))]
    for name, test in [
        (f"{CYCLES} times connect, echo, close", cycles),
        (f"{ABRUPT} abrupt ends", abrupt_ends),
        (f"{SOCKETS + 5} clients on {SOCKETS} sockets", too_many),
        ("silent clients on all sockets", silent_everywhere),
        ("pages that nobody reads", unread_pages),
        ("slow and silent clients", slow),
        (f"a flood of {small_frames.COUNT} pings", small_frames.pings),
        (f"a flood of {small_frames.COUNT} fragments", small_frames.fragments),
        ("a message that would become a megabyte", compression.bomb),
        *(churn if report.args.full else []),
    ]:
        report.check(name, test, port)
        report.check(f"{name}: an echo works at once", echo_now, port)
        report.check(f"{name}: all sockets are free again", all_free, port)
        if machine.has_control:
            report.check(f"{name}: no more memory", ram.same)
    if not machine.has_control:
        report.note("memory is not looked at: this machine has no way to; there is no heap, see the Pico W's stack")
    report.check("the machine runs on", lambda: assert_alive(machine))


def assert_alive(machine):
    assert machine.is_alive, "it ended"


# --- What is checked behind each -------------------------------------------------------------------------------------


def echo_now(port):
    begun = time.monotonic()
    ws, waits = wire.retry(lambda: WebSocket(port), limit=ECHO_TIME)
    with ws:
        ws.echo("Grüß dich, 𝕎".encode())
        ws.close()
    return f"{1000 * (time.monotonic() - begun):.0f} ms, told to wait {waits} times"


def all_free(port):
    """As many WebSockets as there may be, one connection that says nothing yet, and the page over the last socket."""
    begun = time.monotonic()
    _, waits = wire.retry(lambda: occupy_all(port))
    return f"within {1000 * (time.monotonic() - begun):.0f} ms, {waits + 1} looks"


def occupy_all(port):
    with wire.sockets(port, WEBSOCKETS) as all:
        with wire.connect(port) as silent:
            wire.send(silent, head("/")[:-2])
            wire.page(port)
            wire.send(silent, b"\r\n")
            response = wire.Response(silent)
            assert response.status == 200, f"status {response.status} of what was silent"
            wire.read_all(silent)
        for ws in all:
            ws.echo(b"still here")
            ws.close()


class Ram:
    """The high-water mark of the stack; all else in the firmware's memory is static."""

    def __init__(self, machine):
        self.machine = machine
        self.before = None

    def begin(self, *warm_up):
        """Takes the mark once every path was walked."""
        warm_up[0](*warm_up[1:])
        if self.machine.has_control:
            self.before = self.machine.control("ram")
            return f"{self.before['stackUsed']} bytes"

    def same(self):
        # There is no heap: what can grow is the stack.
        now = self.machine.control("ram")
        grown = now["stackUsed"] - self.before["stackUsed"]
        assert grown <= STACK_SLACK, f"the stack grew by {grown} bytes to {now['stackUsed']}"
        stack = f"{now['stackUsed']} of {now['stackSize']} of the stack"
        return f"{now['static']} bytes static, {stack}, {grown} more than before"


def warm_up(port):
    for end in ENDS:
        end_abruptly(port, *end)
    wire.retry(lambda: occupy_all(port))
    too_many(port)
    small_frames.pings(port, small_frames.AHEAD)
    small_frames.fragments(port, small_frames.AHEAD)
    compression.bomb(port)


# --- Answers ---------------------------------------------------------------------------------------------------------


def answers(port):
    response = wire.page(port)
    assert b"<html" in gzip.decompress(response.body), "no page"
    response = ask(port, head("/", "HEAD"))
    assert (response.status, response.body) == (200, b""), f"HEAD: {response.status}, {len(response.body)} bytes"
    upgrade = wire.UPGRADE
    own, foreign = [("Origin", "http://localhost")], [("Origin", "http://evil.example")]
    older = [field if field[0] != "Sec-WebSocket-Version" else (field[0], "8") for field in upgrade]
    table = [
        ("another path", head("/else"), 404),
        ("POST", head("/", "POST", fields=[("Content-Length", "0")]), 405),
        ("an unknown host", head("/", host="evil.example"), 403),
        ("an unknown host's WebSocket", head("/live", host="evil.example", fields=upgrade), 403),
        ("a foreign origin", head("/live", fields=[*upgrade, *foreign]), 403),
        ("a foreign origin that echoes", head("/echo", fields=[*upgrade, *foreign]), 403),
        ("no upgrade", head("/live"), 426),
        ("an older version", head("/echo", fields=older), 426),
        ("a target too long", head("/" + 600 * "x"), 414),
        ("no HTTP", b"\x16\x03\x01\x00\xf0\x01\r\n\r\n", 400),
    ]
    for what, request, status in table:
        response, _ = wire.retry(lambda: ask(port, request))
        assert response.status == status, f"{what}: {response.status} instead of {status}"
    with wire.retry(lambda: WebSocket(port, "/live", [*own, ("Sec-WebSocket-Protocol", "live.v1")]))[0] as ws:
        assert ws.fields.get("sec-websocket-protocol") == "live.v1", "no subprotocol"
        kind, state = ws.receive()
        assert kind == wire.TEXT and state.startswith(b'{"temperature":'), state
        ws.close()
    return f"{len(table) + 3} answers"


# --- Many clients, and rude ones -------------------------------------------------------------------------------------


def cycles(port):
    """Each tenth client waits for the server to end TCP; the others do so first, as their close was answered."""
    begun = time.monotonic()

    def client(numbers):
        waits = 0
        for number in numbers:
            ws, waited = wire.retry(lambda: WebSocket(port))
            waits += waited
            with ws:
                ws.echo(f"cycle {number}".encode() * (1 + number % 7))
                ws.close(server_first=number % 10 == 0)
        return waits

    # So many that none has to wait for a WebSocket whose last one is being closed.
    waits = sum(together(client, [range(first, CYCLES, 3) for first in range(3)]))
    took = time.monotonic() - begun
    return f"{took:.1f} s, {1000 * took / CYCLES:.1f} ms each, told to wait {waits} times"


STAGES = ["before the head", "in the head", "behind the 101", "in a frame", "in the close"]
ENDS = [(stage, how) for stage in STAGES for how in ("RST", "FIN")]


def abrupt_ends(port):
    for number in range(ABRUPT):
        end_abruptly(port, *ENDS[number % len(ENDS)])
    return f"{ABRUPT // len(ENDS)} each of RST and FIN {', '.join(STAGES)}"


def end_abruptly(port, stage, how):
    sock, _ = wire.retry(lambda: until_stage(port, stage))
    if how == "RST":
        wire.reset(sock)
    else:
        sock.close()


def until_stage(port, stage):
    if stage not in STAGES[:2]:
        sock = WebSocket(port).sock
    else:
        sock = wire.connect(port)
    if stage == "in the head":
        wire.send(sock, head("/echo", fields=wire.UPGRADE)[:60])
    elif stage == "in a frame":
        wire.send(sock, wire.frame(b"only half of this is sent" * 40)[:500])
    elif stage == "in the close":
        wire.send(sock, wire.frame(struct.pack("!H", 1000), wire.CLOSE))
    return sock


def too_many(port):
    """All at once: as many as there may be are let in, the others are told so or find no socket; pages are served meanwhile;
    then all get their turn."""
    count = SOCKETS + 5
    start = threading.Barrier(count)
    leave = threading.Event()
    lock = threading.Lock()
    seen = collections.Counter()
    inside = []

    def client(number):
        start.wait()
        while True:
            try:
                ws = WebSocket(port)
                break
            except (Busy, Refused) as answer:
                with lock:
                    seen[type(answer)] += 1
            leave.wait(0.05)  # before it tries again
        with ws:
            with lock:
                inside.append(number)
            leave.wait(3 * wire.PATIENCE)
            ws.echo(f"client {number}".encode())
            ws.close()

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        clients = [pool.submit(client, number) for number in range(count)]
        try:
            wait_until(lambda: len(inside) >= WEBSOCKETS)
            # The others go on asking, so now and then a page finds no socket.
            pages = sum(wire.retry(lambda: wire.page(port))[1] for _ in range(10))
            first = len(inside)
            told, nothing = seen[Busy], seen[Refused]
        finally:
            leave.set()
        for each in clients:
            each.result()
    assert first == WEBSOCKETS, f"{first} open at once"
    assert told, "nobody was told that all WebSockets are taken"
    assert len(inside) == count, f"only {len(inside)} served"
    return (f"{first} let in; 10 pages meanwhile, {pages} retries; the others were told 503 {told} times "
            f"and found no socket {nothing} times; then all {count} were served")


def come_and_go(port, tell):
    """Those above in turn, for as long as it takes to run out of what is lost a little at a time."""
    begun, told, rounds = time.monotonic(), 0, 0
    while (passed := time.monotonic() - begun) < CHURN:
        cycles(port)
        abrupt_ends(port)
        too_many(port)
        rounds += 1
        if passed >= told + 300:
            told = passed
            tell(f"{rounds} rounds of {CYCLES + ABRUPT} connections in {passed:.0f} s")
    return f"{rounds * (CYCLES + ABRUPT)} connections, and {rounds} times more clients than sockets"


def wait_until(is_so):
    end = time.monotonic() + wire.PATIENCE
    while not is_so():
        assert time.monotonic() < end, "not so in time"
        time.sleep(0.01)


# --- Slow clients ----------------------------------------------------------------------------------------------------


def silent_everywhere(port):
    """As browsers do, who open connections ahead of need, but without end: as many as there are sockets, and another for
    each that is sent away. They have to give way to who has something to say."""
    stop = threading.Event()
    sent_away = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(stay_silent, port, stop, sent_away)
        try:
            took, waits = [], 0
            end = time.monotonic() + wire.PATIENCE
            while len(took) < 10 or len(sent_away) < 2 * SOCKETS:
                begun = time.monotonic()
                assert begun < end, f"{len(took)} pages, and only {len(sent_away)} silent ones sent away"
                waits += wire.retry(lambda: wire.page(port))[1]
                took.append(time.monotonic() - begun)
        finally:
            stop.set()
        crowd.result()
    return f"{len(took)} pages, each within {max(took):.1f} s, {waits} retries; {len(sent_away)} silent ones sent away"


def stay_silent(port, stop, sent_away):
    silent = []
    try:
        while not stop.is_set():
            silent += [wire.connect(port) for _ in range(SOCKETS - len(silent))]
            for sock in select.select(silent, [], [], 0.05)[0]:
                silent.remove(sock)
                sock.close()
                sent_away.append(sock)
    finally:
        for sock in silent:
            sock.close()


def unread_pages(port):
    """On every socket a page that is not read. The network behind an emulated board takes all of it in, so what is missing
    is the end of the connection, for which the server waits a while."""
    with contextlib.ExitStack() as stack:
        for _ in range(SOCKETS):
            stack.enter_context(wire.retry(lambda: unread_page(port))[0])
        begun = time.monotonic()
        _, waits = wire.retry(lambda: wire.page(port))
        return f"{SOCKETS} of them, and a page that is read {time.monotonic() - begun:.1f} s later, {waits} retries"


def unread_page(port):
    sock = wire.connect(port, receive_buffer=1024)
    wire.send(sock, head("/"))
    try:
        if not sock.recv(1, socket.MSG_PEEK):
            raise Refused()
    except (Refused, ConnectionResetError):
        sock.close()
        raise Refused() from None
    return sock


def slow(port):
    """All at once; over the sockets that are left pages are served meanwhile."""
    tests = [slow_head, silent, stalled_echo, deaf_live]
    # A client that finds no socket, as the last test's are still being closed, comes again; so does a silent one that was
    # sent away as all others were taken.
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pages = pool.submit(pages_meanwhile, port, stop)
        try:
            said = together(lambda test: wire.retry(lambda: named(test, port), limit=2 * HEAD_TIME[1])[0], tests)
        finally:
            stop.set()
        return "; ".join([*said, f"{pages.result()} pages meanwhile"])


def named(test, port):
    try:
        return test(port)
    except Refused:
        raise
    except Exception as error:
        raise AssertionError(f"{test.__name__}: {type(error).__name__}: {error}") from error


def slow_head(port):
    with wire.connect(port) as sock:
        begun = time.monotonic()
        sock.settimeout(1)
        for byte in head("/", fields=[("X", "y" * 80)]):
            wire.send(sock, bytes([byte]))
            try:
                sock.recv(1, socket.MSG_PEEK)  # is there an answer?
                break
            except TimeoutError:
                continue
            except ConnectionResetError as error:
                raise Refused(str(error)) from None
        expect_408(sock)
        return timed("a slow head: 408", begun, HEAD_TIME)


def silent(port):
    with wire.connect(port) as sock:
        begun = time.monotonic()
        sock.settimeout(HEAD_TIME[1])
        # It has asked for nothing, so it is told nothing.
        try:
            said = sock.recv(1)
        except ConnectionResetError as error:
            raise Refused(str(error)) from None
        assert said == b"", f"told {said}"
        if time.monotonic() < begun + HEAD_TIME[0]:
            raise Refused("sent away, as others could not come in")
        return timed("a silent client: let go", begun, HEAD_TIME)


def expect_408(sock):
    response = wire.Response(sock)
    assert response.status == 408, f"status {response.status}"


def stalled_echo(port):
    """Sends and reads nothing: first every buffer on the way is filled, by fits and starts, then the server gives it up."""
    with wire.retry(lambda: WebSocket(port, receive_buffer=2048))[0] as ws:
        ws.sock.settimeout(0.5)
        data = rest = wire.frame(os.urandom(4096), BINARY)
        moved, stalled, sent = time.monotonic(), None, 0
        try:
            while time.monotonic() < (stalled or moved) + SEND_TIME[1]:
                try:
                    n = ws.sock.send(rest)
                    sent += 0 if stalled else n
                    rest = rest[n:] or data
                    moved = time.monotonic()  # in the end because the server takes, and forgets, what is still under way
                except TimeoutError:
                    if not stalled and time.monotonic() > moved + SEND_TIME[0] / 2:
                        stalled = moved
        except (ConnectionResetError, BrokenPipeError):
            assert stalled, "reset before it stalled"
            return timed(f"an echo that is not read ({sent >> 10} KiB under way): given up", stalled, SEND_TIME)
        raise AssertionError("a client that reads nothing is not given up")


def deaf_live(port):
    """Reads, but answers no ping."""
    with wire.retry(lambda: WebSocket(port, "/live"))[0] as ws:
        begun = time.monotonic()
        ws.sock.settimeout(wire.PATIENCE)
        try:
            while ws.receive_frame()[0] & 15 != wire.CLOSE:
                assert time.monotonic() < begun + PING_TIME[1], "not given up"
        except (Gone, ConnectionResetError):
            pass
        return timed("no pong: given up", begun, PING_TIME)


def pages_meanwhile(port, stop):
    count = 0
    while not stop.wait(1):
        wire.retry(lambda: wire.page(port))
        count += 1
    return count


def timed(what, begun, limits):
    took = time.monotonic() - begun
    assert limits[0] <= took <= limits[1], f"{what} after {took:.1f} s, not {limits[0]} to {limits[1]}"
    return f"{what} after {took:.1f} s"


def together(work, items):
    """All at once; the first that failed fails all."""
    with concurrent.futures.ThreadPoolExecutor(len(items)) as pool:
        return [done.result() for done in [pool.submit(work, item) for item in items]]
