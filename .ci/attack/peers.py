#!/usr/bin/env python3
"""Peers in a process of their own, so that those that attack and those that behave do not wait for each other in one interpreter:

    peers.py NAME PORT [ARGUMENT...]

Each prints what it saw as one line of JSON, at its end or before it waits to be ended. What they are is in the functions of these
names below; who starts them judges them."""

import contextlib
import gc
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
import zlib

sys.dont_write_bytecode = True
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "boards"))
import wire
from wire import BINARY, CLOSE, PING, PONG, UPGRADE, WebSocket, frame, head

MASK = bytes(4)  # the peer's own matter
BATCH = 4096  # frames of a flood that are sent at once
SLOW_TIME = 60  # seconds at most, behind the last connection
ENDS = ("close", "wait", "reset", "in a head", "in a frame", "at once")
EXTENSION = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")


# --- Who behaves -----------------------------------------------------------------------------------------------------


def echo(port, seconds):
    """Sends a message now and then, and waits for it to come back. Seconds that each took."""
    with WebSocket(port) as ws:
        payload = os.urandom(64)
        return timed(seconds, 0.002, lambda: ws.echo(payload, BINARY))


def connect(port, seconds, path):
    """Connects and opens a WebSocket, or gets a page, now and then. Seconds until the answer was there."""
    request = head(path, fields=UPGRADE if path == "/" else [("Connection", "close")])

    def once():
        with wire.connect(port) as sock:
            sock.sendall(request)
            assert sock.recv(12) in (b"HTTP/1.1 101", b"HTTP/1.1 200"), "no answer"

    return timed(seconds, 0.01, once)


def timed(seconds, pause, once):
    took = []
    end = time.monotonic() + seconds
    gc.disable()
    while time.monotonic() < end:
        begun = time.monotonic()
        once()
        took.append(time.monotonic() - begun)
        time.sleep(pause)
    took.sort()
    return {"count": len(took), "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100], "most": took[-1]}


def hold(host, port):
    """Opens a WebSocket, says on which port, and answers pings for ever."""
    sock = socket.create_connection((host, port))
    sock.sendall(head("/", fields=UPGRADE))
    assert wire.Response(sock).status == 101
    print(sock.getsockname()[1], flush=True)
    while data := sock.recv(4096):
        if data[0] == 0x80 | PING:
            sock.sendall(frame(data[2:], PONG))


# --- Many ------------------------------------------------------------------------------------------------------------


def slow(port, count, pace):
    """So many that send a byte of a request each second, `pace` more of them in a second, and never close. Seconds from the connection until
    the server said that it is over; `refused`: those that found nobody."""
    request = head("/", fields=[*UPGRADE, ("X-Slow", 200 * "y")])
    poll = select.epoll()
    socks, since, sent, ended, refused = {}, {}, {}, [], 0
    turn = begun = time.monotonic()
    while len(ended) + refused < count and time.monotonic() < begun + count / pace + SLOW_TIME:
        while len(socks) + len(ended) + refused < min(count, (time.monotonic() - begun) * pace):
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((f"127.0.0.{2 + len(socks) % 4}", 0))  # each of these addresses has ports of its own
            sock.connect_ex(("127.0.0.1", port))
            socks[sock.fileno()] = sock
            poll.register(sock, select.EPOLLOUT)
        if time.monotonic() >= turn:
            turn += 1
            for fd, at in sent.items():
                with contextlib.suppress(OSError):  # its end is seen below
                    socks[fd].send(request[at : at + 1])
                    sent[fd] = at + 1
        for fd, event in poll.poll(0.02, count):
            if fd in since:
                poll.unregister(fd)
                del sent[fd]
                ended.append((time.monotonic() - since[fd], socks.pop(fd)))
            elif event & select.EPOLLOUT and not event & select.EPOLLERR:
                since[fd], sent[fd] = time.monotonic(), socks[fd].send(request[:1])
                poll.modify(fd, select.EPOLLIN)
            else:
                refused += 1
                socks.pop(fd).close()
    took = sorted(seconds for seconds, _ in ended)
    print(json.dumps({"ended": len(took), "refused": refused, "first": took[0], "p50": took[len(took) // 2], "last": took[-1]}), flush=True)
    signal.pause()


def churn(port, count, seed):
    """So many connections one after the other, that end in all the ways in turn."""
    rng = random.Random(seed)
    for at in range(count):
        how = ENDS[at % len(ENDS)]
        if how in ("in a head", "at once"):
            sock = wire.connect(port)
            sock.sendall(head("/", fields=UPGRADE)[: rng.randrange(1, 60) if how == "in a head" else 0])
            sock.close()
            continue
        ws = WebSocket(port, "/" if port_is_echo else "/ws", () if port_is_echo else TAB)
        if how in ("close", "wait"):
            ws.close(server_first=how == "wait")
        elif how == "reset":
            wire.reset(ws.sock)
        else:
            ws.sock.sendall(frame(bytes(200))[: rng.randrange(1, 200)])
            ws.sock.close()
    return {"count": count}


TAB = [("Origin", "http://localhost"), ("Sec-WebSocket-Protocol", "demo.v1")]
port_is_echo = True


def churn_tabs(port, count, seed):
    """The same of the demo's tabs."""
    global port_is_echo
    port_is_echo = False
    return churn(port, count, seed)


# --- Floods ----------------------------------------------------------------------------------------------------------


def small(first, payload=b""):
    """A frame whose masking key is zero."""
    return bytes([first, 0x80 | len(payload)]) + MASK + payload


# What begins, what comes again and again, and how many bytes come back for each.
FLOODS = {
    "messages": (b"", small(0x82, b"x"), 3),
    "pings": (b"", small(0x89), 2),
    "pongs": (b"", small(0x8A), 0),
    "fragments": (small(0x02, b"x"), small(0x00, b"x"), None),
    "empty fragments": (small(0x02, b"x"), small(0x00), None),
}


def flood(port, kind, count, seconds):
    """So many frames of a kind and more of them until the time is over, on as many connections as that takes. The code of the server's Close,
    if that came; what came back, where that is known beforehand, has to be all."""
    end, sent, codes, begun = time.monotonic() + seconds, 0, set(), time.monotonic()
    while sent < count or time.monotonic() < end:
        frames, code = flood_once(port, kind, BATCH * (count // BATCH + 1))
        sent += frames
        codes.add(code)
    return {"frames": sent, "codes": sorted(map(str, codes)), "seconds": time.monotonic() - begun}


def flood_once(port, kind, count):
    begin, again, comes_back = FLOODS[kind]
    with WebSocket(port) as ws:
        sock = ws.sock
        sock.setblocking(False)
        batch = again * BATCH
        left, rest, received = count // BATCH, begin, b""
        heard = sent = 0
        tail, tail_sent = small(0x88, struct.pack("!H", 1000)), False
        deadline = time.monotonic() + wire.PATIENCE
        while True:
            if not rest and left:
                rest, left = batch, left - 1
            if not rest and not tail_sent:
                rest, tail_sent = tail, True
            readable, writable, _ = select.select([sock], [sock] if rest else [], [], deadline - time.monotonic())
            assert readable or writable, "the server is stuck"
            if writable:
                try:
                    n = sock.send(rest)
                    sent, rest = sent + n, rest[n:]
                except (BrokenPipeError, ConnectionResetError):
                    rest, left, tail_sent = b"", 0, True
            if readable:
                try:
                    data = sock.recv(1 << 20)
                except ConnectionResetError:
                    data = b""
                if not data:
                    break
                heard += len(data)
                received = (received + data)[-4:]
                deadline = time.monotonic() + wire.PATIENCE
        assert received[:2] == b"\x88\x02", f"no Close at the end, but {received!r}"
        code = struct.unpack("!H", received[2:])[0]
        if comes_back is not None:
            assert heard == count * comes_back + 4, f"{heard} bytes came back for {count} frames of the kind {kind}"
        return sent // len(again), code


def bombs(port, path, subprotocol, count, mebibytes):
    """Messages of so many zeros, compressed, each on a connection of its own; what comes back is read. The bytes on the wire, and the codes of
    the server's Close."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush(zlib.Z_SYNC_FLUSH)
    payload = body.removesuffix(b"\0\0\xff\xff")
    packed = bytearray(frame(payload, BINARY))
    packed[0] |= 0x40
    codes, sent = set(), 0
    fields = [EXTENSION, ("Origin", "http://localhost"), *([("Sec-WebSocket-Protocol", subprotocol)] if subprotocol else [])]
    for _ in range(count):
        with WebSocket(port, path, fields) as ws:
            assert "permessage-deflate" in ws.fields.get("sec-websocket-extensions", ""), "not compressed"
            sent += bomb(ws, packed, codes)
    return {"bytes": sent, "ratio": (mebibytes << 20) / len(payload), "codes": sorted(codes)}


def bomb(ws, rest, codes):
    """Writes and reads at once, as what comes back is to be taken."""
    ws.sock.settimeout(wire.PATIENCE)
    sent, received = 0, b""
    while True:
        readable, writable, _ = select.select([ws.sock], [ws.sock] if rest else [], [], wire.PATIENCE)
        if writable:
            try:
                n = ws.sock.send(rest[: 1 << 14])
                sent, rest = sent + n, rest[n:]
            except OSError:
                rest = b""
        if readable:
            try:
                data = ws.sock.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                break
            received += data
        assert readable or writable, "the server is stuck"
    codes.add(close_code(received))
    return sent


def close_code(received):
    """Of the Close behind whatever frames; None without one."""
    at = 0
    while at + 2 <= len(received):
        size, start = received[at + 1], at + 2
        if size > 125:
            wide = 2 if size == 126 else 8
            size, start = int.from_bytes(received[start : start + wide], "big"), start + wide
        if received[at] & 15 == CLOSE:
            return struct.unpack("!H", received[start : start + 2])[0]
        at = start + size
    return None


def value(arg):
    for kind in (int, float):
        try:
            return kind(arg)
        except ValueError:
            pass
    return arg


PEERS = {peer.__name__: peer for peer in (echo, connect, hold, slow, churn, churn_tabs, flood, bombs)}

if __name__ == "__main__":
    name, *args = sys.argv[1:]
    print(json.dumps(PEERS[name](*map(value, args))), flush=True)
