"""Attacks that mostly wait: peers that say nothing, are stopped or cut off, do not read, do not close, say too much. They take hardly any time
of the machine, so they run beside all others; each server is their own. Moments are those of the server: when it let go."""

import concurrent.futures
import contextlib
import os
import re
import signal
import struct
import subprocess
import time

import wire
from row import Row, mib
from server import ROOM, SLACK, Server, Watch
from wire import BINARY, CLOSE, PING, PONG, TEXT, WebSocket, frame
from worker import Worker, run

# Seconds: what the servers grant, and how much more is no fault of theirs where a machine has other things to do.
PING_TIME = {"echo-server": 30, "demo": 1}
PONG_TIME = 10
SEND_TIME = 10
SEND_LATE = 2  # when it took something is not exactly known
CLOSE_TIME = 5
BUSY = 1

CONTINUATION = 0
COUNT = 10  # of each kind
STREAMS = 100
TAB = [("Origin", "http://localhost"), ("Sec-WebSocket-Protocol", "demo.v1")]


def open_one(server, receive_buffer=None):
    """A WebSocket, of a tab where it is the demo's."""
    is_demo = server.program == "demo"
    return WebSocket(server.port, "/ws" if is_demo else "/", TAB if is_demo else (), receive_buffer)


def watch(server, ws):
    return Watch(server, ws.sock.getsockname()[1])


def together(body, *args):
    """So many times the same at once; their results in order of size."""
    with concurrent.futures.ThreadPoolExecutor(COUNT) as pool:
        return sorted(each.result() for each in [pool.submit(body, *args) for _ in range(COUNT)])


def span(moments):
    return f"{moments[0]:.2f} to {moments[-1]:.2f} s"


# --- Silent, stopped, cut off ----------------------------------------------------------------------------------------


def silent(program, full):
    """Opens a WebSocket and never says anything."""
    ping, gone = PING_TIME[program], PING_TIME[program] + PONG_TIME
    with Server(program, "silent") as server:
        met = together(silent_one, server)
        server.assert_well()
    pings, ends = sorted(first for _, first, _ in met), sorted(end for *_, end in met)
    # The server's time begins with its answer, which comes later than the request, and earlier than it is read.
    is_early = any(opening + first < ping - 0.1 or opening + end < gone - 0.1 for opening, first, end in met)
    yield Row(f"{COUNT} peers silent since the upgrade", program, f"a Ping at {ping} s + {BUSY} s", span(pings),
              not is_early and pings[-1] <= ping + BUSY)
    yield Row("the same", program, f"given up at {gone} s + {BUSY} s", span(ends), not is_early and ends[-1] <= gone + BUSY)


def silent_one(server):
    """Seconds from the request to the answer, and from there to the Ping and to the end."""
    asked = time.monotonic()
    with open_one(server) as ws:
        begun = time.monotonic()
        ws.sock.settimeout(60)
        while ws.receive_frame()[0] != 0x80 | PING:
            pass
        pinged = time.monotonic()
        return begun - asked, pinged - begun, watch(server, ws).gone(60) - begun


def half_open(program, full):
    """Peers that are there no more without a word: a process that is stopped, and a machine whose cable is cut."""
    gone = PING_TIME[program] + PONG_TIME
    goal = f"noticed within {gone} s + {BUSY} s"
    with Server(program, "stopped") as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        cut = pool.submit(cut_off, program)
        ends = together(stopped_one, server)
        server.assert_well()
        yield Row(f"{COUNT} peers whose process is stopped", program, goal, span(ends), ends[-1] <= gone + BUSY)
        try:
            yield Row("a peer whose cable is cut", program, goal, f"{cut.result():.2f} s", cut.result() <= gone + BUSY)
        except (PermissionError, FileNotFoundError, subprocess.CalledProcessError) as error:
            yield Row("a peer whose cable is cut", program, goal, f"not tried: no network of its own to be had ({error})", False)


def stopped_one(server):
    with Worker("hold", server.host, server.port, server.program) as peer:
        port = int(peer.line())
        os.killpg(peer.process.pid, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            return Watch(server, port).gone(90) - begun
        finally:
            os.killpg(peer.process.pid, signal.SIGCONT)


def cut_off(program):
    """A network of two machines, of which one is in a namespace. Seconds until the cut is noticed."""
    space = f"attack-{program}-{os.getpid()}"
    here, there = (f"{end}{program[0]}{os.getpid()}" for end in "ab")
    ours, theirs = (f"198.{18 + (program == 'demo')}.{os.getpid() % 250}.{host}" for host in (1, 2))
    if os.geteuid():
        raise PermissionError("not root")
    try:
        for line in (f"netns add {space}", f"link add {here} type veth peer name {there} netns {space}",
                     f"addr add {ours}/24 dev {here}", f"link set {here} up",
                     f"-n {space} addr add {theirs}/24 dev {there}", f"-n {space} link set {there} up"):
            subprocess.run(["ip", *line.split()], check=True, capture_output=True)
        with Server(program, "cut off", host=ours) as server:
            with Worker("hold", server.host, server.port, program, within=("ip", "netns", "exec", space)) as peer:
                watched = Watch(server, int(peer.line()), theirs)
                subprocess.run(["ip", "-n", space, "link", "set", there, "down"], check=True)
                begun = time.monotonic()
                took = watched.gone(90) - begun
                server.assert_well()
                return took
    finally:
        subprocess.run(["ip", "link", "del", here], capture_output=True)
        subprocess.run(["ip", "netns", "del", space], capture_output=True)


# --- Who does not read -----------------------------------------------------------------------------------------------


def unread(program, full):
    """Asks for much and reads nothing of it."""
    payloads = {
        "messages": frame((b"E" if program == "demo" else b"") + os.urandom(1 << 16), BINARY),
        "pings": 1000 * frame(bytes(100), PING),
    }
    for kind, data in payloads.items():
        with Server(program, f"unread {kind}") as server:
            run("connect", server.port, 0.5, "/" if program == "echo-server" else "/push.js")
            before = server.memory()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                most = pool.submit(highest, server)
                ends = together(unread_one, server, data)
            grown = most.result() - before
            server.assert_well()
        # What the system can squeeze into the peer's buffer is seen here, and helps no write of the server's.
        yield Row(f"{COUNT} peers that send {kind} and read nothing", program, f"given up {SEND_TIME} s + {SEND_LATE} s after they took something",
                  span(ends), SEND_TIME / 2 <= ends[0] and ends[-1] <= SEND_TIME + SEND_LATE)
        yield Row("their memory", program, f"{ROOM[program] >> 10} KiB of each at most, and {mib(SLACK)}", f"{grown / COUNT / 1024:.0f} KiB of each",
                  grown <= COUNT * ROOM[program] + SLACK)


def highest(server, seconds=8):
    end, most = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        most = max(most, server.memory())
        time.sleep(0.05)
    return most


def unread_one(server, data):
    with open_one(server, receive_buffer=4096) as ws:
        follow = watch(server, ws)
        ws.sock.settimeout(0.3)
        rest = data
        try:
            while True:
                rest = rest[ws.sock.send(rest) :] or data
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass  # nothing more fits anywhere
        gone, moved = follow.follow(60)
        return gone - moved


# --- Who does not close ----------------------------------------------------------------------------------------------


def closing(program, full):
    """The server is to close, for whatever reason, and the peer does not let it."""
    with Server(program, "closing") as server:
        reasons = {"asked to": ask_for_close, "a broken rule": break_rule} if program == "demo" else {"a broken rule": break_rule}
        kinds = [(why, begin, how) for why, begin in reasons.items() for how in STUBBORN]
        if program == "demo":
            kinds.append(("its own Close", send_close, "reads nothing"))
            kinds.append(("a broken rule", break_rule, "reads nothing"))
        with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
            ends = [(pool.submit(stubborn, server, begin, how), why, how) for why, begin, how in kinds]
        took = sorted((end.result(), f"{why}, then {how}") for end, why, how in ends)
        server.assert_well()
    yield Row(f"{len(kinds)} ways not to let a server close", program, f"let go within {CLOSE_TIME} s + {BUSY} s",
              f"{took[0][0]:.2f} to {took[-1][0]:.2f} s ({took[-1][1]})", took[-1][0] <= CLOSE_TIME + BUSY)


def ask_for_close(ws):
    ws.send(b'{"type":"close","code":1000,"reason":""}')


def break_rule(ws):
    ws.sock.sendall(frame(b"", 3))


def send_close(ws):
    ws.send(struct.pack("!H", 1000), CLOSE)


# What the peer goes on to send, each tenth of a second.
STUBBORN = {
    "nothing": lambda at: b"",
    "messages": lambda at: frame(b'{"type":"ping","at":1}'),
    "pings": lambda at: frame(b"x", PING),
    "pongs": lambda at: frame(b"x", PONG),
    "a message without an end": lambda at: frame(b"x", CONTINUATION if at else TEXT, fin=False),
    "a frame byte by byte": lambda at: b"x" if at else frame(bytes(1000))[:8],
    "rubbish": lambda at: os.urandom(1000),
}


def stubborn(server, begin, how):
    """Seconds until the server lets go."""
    with open_one(server, receive_buffer=4096) as ws:
        follow = watch(server, ws)
        if how == "reads nothing":
            fill(server, follow)
        begin(ws)
        begun = time.monotonic()
        ws.sock.settimeout(0.2)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            gone = pool.submit(follow.gone, 60)
            at = 0
            while not gone.done():
                try:
                    ws.sock.sendall(STUBBORN[how](at) if how in STUBBORN else b"")
                except OSError:
                    pass  # nobody takes it any more
                at += 1
                time.sleep(0.1)
            return gone.result() - begun


def fill(server, follow):
    """Another tab draws, until the server waits for this one, which takes nothing of it: in a thread that is not the one that reads from it."""
    picture = frame(b"F" + os.urandom(200_000), BINARY)
    with open_one(server) as painter:
        painter.sock.settimeout(5)
        full = since = 0
        while full < 1 << 20 or since < 20:
            painter.sock.sendall(picture)
            painter.sock.recv(1 << 20)
            untaken = follow.untaken()
            full, since = max(full, untaken), since + 1 if untaken <= full else 0
            time.sleep(0.02)


# --- Who says too much -----------------------------------------------------------------------------------------------


def words(program, full):
    """Tabs that say more to all others than these can hear, or come again and again to say it; one of them reads, and has its echo."""
    with Server(program, "words") as server, contextlib.ExitStack() as stack:
        tabs = [stack.enter_context(open_one(server)) for _ in range(COUNT)]
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(2 * COUNT))
        end = time.monotonic() + WORDS_TIME
        for tab in tabs:
            pool.submit(forget, tab, end)
        heard, closed, sent = while_they_speak(server, pool, speak, [(tab, at, end) for at, tab in enumerate(tabs)], end)
    yield Row(f"{COUNT} tabs that say all they can to all", program, "who reads stays, and misses nothing",
              f"{heard} words heard, {sent:,} written; closed: {closed or 'no'}", not closed and heard > COUNT)
    with Server(program, "words") as server, concurrent.futures.ThreadPoolExecutor(COUNT) as pool:
        end = time.monotonic() + WORDS_TIME
        heard, closed, came = while_they_speak(server, pool, come_and_speak, [(server, at, end) for at in range(COUNT)], end)
    yield Row(f"{COUNT} tabs that come, say {AT_ONCE} words and go, again and again", program, "who reads stays, and misses nothing",
              f"{heard} words heard, {came:,} times come; closed: {closed or 'no'}", not closed and heard > COUNT)


def while_they_speak(server, pool, speaks, each, end):
    """How many words a tab hears meanwhile, what the server's Close said if one came, and the sum of what the others did."""
    with open_one(server, receive_buffer=4096) as reader:
        speaking = [pool.submit(speaks, *one) for one in each]
        heard, closed = hear(reader, end)
    did = sum(one.result() for one in speaking)
    server.assert_well()
    last = {}
    for who, number in heard:
        assert number == last.get(who, -1) + 1, f"word {number} of {who} behind {last.get(who)}"
        last[who] = number
    return len(heard), closed, did


WORDS_TIME = 5
NAP = 0.2
AT_ONCE = 8  # words that the demo lets a tab say without a pause


def speak(ws, at, end):
    """Words written in the time, most of which nobody has taken from the system yet."""
    number, rest = 0, b""
    ws.sock.settimeout(0.2)
    while time.monotonic() < end:
        if not rest:
            rest = b"".join(word(at, n) for n in range(number, number + 100))
            number += 100
        with contextlib.suppress(TimeoutError):
            rest = rest[ws.sock.send(rest) :]
    return number


def come_and_speak(server, at, end):
    """How often it came."""
    times = 0
    while time.monotonic() < end:
        with contextlib.suppress(OSError), open_one(server) as ws:
            ws.sock.sendall(b"".join(word(at + COUNT * times, n) for n in range(AT_ONCE)))
            times += 1
    return times


def word(who, number):
    return frame(b'{"type":"chat","text":"%d %d"}' % (who, number))


def forget(ws, end):
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                ws.sock.recv(1 << 16)


def hear(ws, end):
    """The words in their order, and what the server's Close said, if one came. It does something else half of the time."""
    heard, busy_at = [], 0
    while time.monotonic() < end:
        if time.monotonic() > busy_at:
            time.sleep(NAP)
            busy_at = time.monotonic() + NAP
        kind, said = ws.receive()
        if kind == CLOSE:
            return heard, said[2:].decode()
        if match := re.search(rb'"text":"(\d+) (\d+)"', said):
            heard.append((int(match[1]), int(match[2])))
    return heard, None


# --- Streams ---------------------------------------------------------------------------------------------------------


def streams(program, full):
    """Listens to events by each technique that never ends, and does not read them, while others listen too."""
    with Server(program, "streams") as server:
        asked = [wire.head(f"/push?as={technique}&callback=f") for technique in ("sse", "xhr", "html", "multipart")]
        alone = listen(server, 3)
        level = server.level()
        socks = [wire.connect(server.port, 4096) for _ in range(STREAMS)]
        for at, sock in enumerate(socks):
            sock.sendall(asked[at % len(asked)])
        time.sleep(2)
        held, before = server.connections(), server.memory()
        beside = listen(server, 20)
        grown = server.memory() - before
        for sock in socks:
            sock.close()
        left = server.settle(level, 15)
        server.assert_well()
    yield Row(f"{STREAMS} streams of events that nobody reads", program, f"all held; {mib(SLACK)} of memory", f"{held}; {mib(grown)}",
              grown <= SLACK and held >= STREAMS)
    yield Row("meanwhile, one who listens", program, f"no event later than {STREAM_LATE * 1000:.0f} ms behind the one before",
              f"{beside * 1000:.0f} ms; alone {alone * 1000:.0f} ms", beside <= STREAM_LATE)
    yield Row("once they are gone", program, f"let go within {LOOK} s + {BUSY} s", f"{left:.1f} s", left <= LOOK + BUSY)


LOOK = 1  # second between two looks whether a client is there
STREAM_LATE = 0.5  # seconds; there is an event each 50 ms


def listen(server, seconds):
    """The longest time without an event."""
    with wire.connect(server.port) as sock:
        sock.sendall(wire.head("/push?as=sse"))
        wire.Response(sock)
        end, most, last = time.monotonic() + seconds, 0, time.monotonic()
        while (now := time.monotonic()) < end:
            assert sock.recv(65536), "the stream has ended"
            most, last = max(most, now - last), now
        return most
