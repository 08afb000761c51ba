"""The suite `network`: the emulated Wi-Fi fails as Wi-Fi does, and the board gets over it. The emulator is told what to do
while it runs; see its control.mjs."""

import contextlib
import os
import time

import abuse
import wire
from machine import Machine
from wire import BINARY, WebSocket

OUTAGE = 3  # seconds
LOSS_TIME = 10  # within which the loss is noticed
BACK_TIME = 15  # within which all has to be well again: the pauses between attempts to join grow to 4 s meanwhile
LOSS = 0.01
LOSSY_CYCLES = 200
LOSSY_BYTES = 256 * 1024
LOSSY_TIME = 120  # with loss TCP recovers by its timeouts


def run(report, machine):
    report.check("a wrong password is reported, and joining tried again", wrong_password, report.out)
    report.check("the access point is lost and back", outage, machine)
    report.check("an echo works at once", lambda: echo(machine.port, b"back"))
    machine.control(f"loss {LOSS}")
    try:
        report.check(f"{LOSSY_CYCLES} times connect, echo, close with 1 % of the frames lost", lossy_cycles, machine)
        report.check(f"{LOSSY_BYTES >> 10} KiB come back with 1 % of the frames lost", lossy_bulk, machine)
    finally:
        machine.control("loss 0")
    report.check("an echo works at once when no more are", lambda: echo(machine.port, b"well"))
    report.check("without credentials the board opens a network of its own", own_network, report.out)


def wrong_password(out):
    with Machine("pico-w", out, ["--password", "another"], log="wrong-password.log") as board:
        board.wait_for(r"wifi: joining emunet", 600)  # the image is built by now, as a rule
        board.wait_for(r"wifi: cannot join emunet", 60)
        board.wait_for(r"wifi: joining emunet", 60, times=3)
        pauses = [text for _, text in board.lines if "next attempt in" in text]
        assert board.control("link?")["link"] == "down", "it joined"
        return "; ".join(pause.split("wifi: ")[-1] for pause in pauses)


def own_network(out):
    """The image that people flash first."""
    with Machine("pico-w", out, ["--own-network"], log="own-network.log") as board:
        board.wait_until_up()
        board.control("dhcp")
        lent = board.wait_for(r"wifi: lent (192\.168\.4\.\d+)", 10)[1]
        wire.retry(lambda: wire.page(board.port))
        return f"it lends {lent}, the page is there, an echo takes {echo(board.port, b'own')}"


def outage(machine):
    """The network stack gives up its connections with the link. Who was connected is told so when the link is back, and all
    sockets serve again."""
    port = machine.port
    with contextlib.ExitStack() as stack:
        echoes, live = [stack.enter_context(wire.retry(lambda: WebSocket(port, path))[0]) for path in ("/echo", "/live")]
        echoes.echo(b"before")
        live.receive()
        seen = len(machine.lines)
        machine.control("droplink")
        machine.wait_for(r"wifi: lost emunet", LOSS_TIME, since=seen)
        machine.wait_for(r"wifi: cannot join emunet", 30, since=seen)
        time.sleep(OUTAGE)  # how long it lasts
        seen = len(machine.lines)
        machine.control("restorelink")
        begun = time.monotonic()
        machine.wait_for(r"wifi: open http://", BACK_TIME, since=seen)
        joined = time.monotonic() - begun
        wire.retry(lambda: wire.page(port), limit=BACK_TIME)
        page = time.monotonic() - begun
        for ws in (echoes, live):
            expect_end(ws)
        abuse.all_free(port)
        free = time.monotonic() - begun
    assert free <= BACK_TIME, f"all sockets were free only {free:.1f} s after the access point was back"
    return f"joined {joined:.1f} s, the page there {page:.1f} s, all sockets free {free:.1f} s after it was back"


def expect_end(ws):
    try:
        ws.send(b"is anybody there?")
        while ws.receive()[0] != wire.CLOSE:
            pass
    except (wire.Gone, ConnectionResetError, BrokenPipeError):
        return
    raise AssertionError("a connection from before was closed in good order")


def echo(port, payload):
    begun = time.monotonic()
    ws, _ = wire.retry(lambda: WebSocket(port))
    with ws:
        ws.echo(payload)
        ws.close()
    return f"{1000 * (time.monotonic() - begun):.0f} ms"


def lossy_cycles(machine):
    begun = time.monotonic()
    before = machine.control("stats")["lost"]
    waits = 0
    for number in range(LOSSY_CYCLES):
        ws, waited = wire.retry(lambda: WebSocket(machine.port), limit=30)
        waits += waited
        with ws:
            ws.sock.settimeout(30)
            ws.echo(f"cycle {number}".encode() * 20)
            ws.close()
        assert time.monotonic() - begun < LOSSY_TIME, f"only {number + 1} in {LOSSY_TIME} s"
    return f"{time.monotonic() - begun:.1f} s, {lost_since(machine, before)} frames lost, told to wait {waits} times"


def lossy_bulk(machine):
    begun = time.monotonic()
    before = machine.control("stats")["lost"]
    data = os.urandom(LOSSY_BYTES)
    with wire.retry(lambda: WebSocket(machine.port), limit=30)[0] as ws:
        ws.sock.settimeout(LOSSY_TIME)
        ws.echo(data, BINARY)
        ws.close()
    return f"{time.monotonic() - begun:.1f} s, {lost_since(machine, before)} frames lost"


def lost_since(machine, before):
    lost = machine.control("stats")["lost"] - before
    assert lost, "no frame was lost"
    return lost
