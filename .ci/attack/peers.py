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
from wire import BINARY, CLOSE, PING, PONG, TEXT, UPGRADE, WebSocket, frame, head

MASK = bytes(4)  # the peer's own matter
BATCH = 4096  # frames of a flood that are sent at once
SEND_BUFFER = 1 << 16  # bytes: behind those that wait is the answer to the server's Ping
SLOW_TIME = 60  # seconds at most, behind the last connection
ENDS = ("close", "wait", "reset", "in a head", "in a frame", "at once")
EXTENSION = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")


# --- Who behaves -----------------------------------------------------------------------------------------------------


TAB = [("Origin", "http://localhost"), ("Sec-WebSocket-Protocol", "demo.v1")]


def open_one(port, program):
    """A WebSocket, of a tab where it is the demo's."""
    if program == "echo-server":
        return WebSocket(port, "/")
    ws = WebSocket(port, "/ws", TAB)
    ws.receive()  # the demo speaks first
    return ws


def echo(port, program, seconds):
    """Sends a message now and then, and waits for it to come back. Seconds that each took."""
    payload = b"E" + os.urandom(64)
    with open_one(port, program) as ws:

        def once():
            ws.send(payload, BINARY)
            while (said := ws.receive()) != (BINARY, payload):
                assert said[0] == TEXT, "something else came back"  # of other tabs

        return timed(seconds, 0.002, once)


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


def hold(host, port, program):
    """Opens a WebSocket, says on which port, and answers pings for ever."""
    sock, heard = socket.create_connection((host, port)), Heard(b"")
    sock.sendall(head("/", fields=UPGRADE) if program == "echo-server" else head("/ws", fields=[*UPGRADE, *TAB]))
    assert wire.Response(sock).status == 101
    print(sock.getsockname()[1], flush=True)
    while heard.take(sock):
        sock.sendall(heard.answers())


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


def churn(port, program, count, seed):
    """So many connections one after the other, that end in all the ways in turn."""
    rng = random.Random(seed)
    for at in range(count):
        how = ENDS[at % len(ENDS)]
        if how in ("in a head", "at once"):
            sock = wire.connect(port)
            sock.sendall(head("/", fields=UPGRADE)[: rng.randrange(1, 60) if how == "in a head" else 0])
            sock.close()
            continue
        ws = WebSocket(port, "/") if program == "echo-server" else WebSocket(port, "/ws", TAB)
        if how in ("close", "wait"):
            ws.close(server_first=how == "wait")
        elif how == "reset":
            wire.reset(ws.sock)
        else:
            ws.sock.sendall(frame(bytes(200))[: rng.randrange(1, 200)])
            ws.sock.close()
    return {"count": count}


# --- Floods ----------------------------------------------------------------------------------------------------------


def small(first, payload=b""):
    """A frame whose masking key is zero."""
    return bytes([first, 0x80 | len(payload)]) + MASK + payload


# Of a message, and empty ones in a row: the last that the server takes.
FRAGMENTS = {"echo-server": (65_537, 255), "demo": (1_024, 16)}


def flood_of(kind, program):
    """What comes again and again, in how many frames; how many bytes of messages and how many Pongs come back for that; and as what, where that
    is always the same."""
    fragments, empty = FRAGMENTS[program]
    return {
        "messages": (small(0x82, b"E"), 1, 1, 0, b"\x82\x01E"),
        "pings": (small(0x89), 1, 0, 1, b"\x8a\0"),
        "pongs": (small(0x8A), 1, 0, 0, b""),
        "fragments": (small(0x02, b"E") + (fragments - 2) * small(0x00, b"x") + small(0x80, b"x"), fragments, fragments, 0, b"\0\x01x"),
        "empty fragments": (small(0x02, b"E") + empty * small(0x00) + small(0x80, b"x"), empty + 2, 2, 0, b""),
    }[kind]


def flood(port, program, kind, count, seconds):
    """So many frames of a kind, all of which the server takes, and more of them until the time is over, on as many connections as that takes.
    What comes back has to be all. The codes of the server's Close."""
    end, sent, codes, begun = time.monotonic() + seconds, 0, set(), time.monotonic()
    while sent < count or time.monotonic() < end:
        frames, code = flood_once(port, program, kind, count)
        sent += frames
        codes.add(code)
    return {"frames": sent, "codes": sorted(map(str, codes)), "seconds": time.monotonic() - begun}


def flood_once(port, program, kind, count):
    unit, frames, data, pongs, usual = flood_of(kind, program)
    units = -(-BATCH // frames)  # in a batch
    batches = -(-count // (units * frames))
    with open_one(port, program) as ws:
        sock, heard = ws.sock, Heard(usual)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.setblocking(False)
        left, rest = batches, b""
        tail = small(0x88, struct.pack("!H", 1000))
        while True:
            if not rest and left:
                rest, left = heard.answers() + units * unit, left - 1
            elif not rest:
                rest, tail = tail, b""
            readable, writable, _ = select.select([sock], [sock] if rest else [], [], wire.PATIENCE)
            assert readable or writable, "the server is stuck"
            if writable:
                try:
                    rest = rest[sock.send(rest) :]
                except (BrokenPipeError, ConnectionResetError):
                    rest, left, tail = b"", 0, b""
            if readable and not heard.take(sock):
                break
        sent = batches * units
        expected = (sent * data, sent * pongs)
        assert (heard.data, heard.pongs) == expected or heard.code != 1000, f"{heard.data} bytes and {heard.pongs} Pongs, not {expected}"
        return sent * frames, heard.code


def endless(port, program, kind, seconds):
    """A message of fragments that does not end. How many of them the server takes: a Ping behind each of the last says so. Then, behind its Close,
    more of them for so long, or until they find nobody."""
    again, most = small(0x00, b"" if kind == "empty fragments" else b"x"), FRAGMENTS[program][kind == "empty fragments"]
    taken = most - 3
    with open_one(port, program) as ws:
        heard = Heard(b"\0\x01x")
        ws.sock.sendall(small(0x02, b"E") + (taken - (kind == "fragments")) * again)
        while heard.code is None and taken < most + 3:
            pongs = heard.pongs
            ws.sock.sendall(again + small(0x89))
            while heard.pongs == pongs and heard.code is None:
                assert heard.take(ws.sock), "an end without a Close"
            taken += heard.pongs > pongs
        begun, behind = time.monotonic(), 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() < begun + seconds:
                behind += ws.sock.send(BATCH * again) // len(again)
        return {"taken": taken, "code": heard.code, "behind": behind, "seconds": time.monotonic() - begun}


class Heard:
    """What a server says, counted: bytes of messages, Pongs, the code of its Close. `usual` is the frame that comes most often."""

    def __init__(self, usual):
        self.usual, self.rest, self.owed = usual, b"", b""
        self.data = self.pongs = 0
        self.code = None

    def answers(self):
        """Pongs to its Pings since then."""
        owed, self.owed = self.owed, b""
        return owed

    def take(self, sock):
        """Reads once; whether there was something."""
        try:
            more = sock.recv(1 << 20)
        except ConnectionResetError:
            more = b""
        data, at = self.rest + more, 0
        times = len(data) // len(self.usual) if self.usual else 0
        if times and data.startswith(times * self.usual):  # quicker than one by one
            at = times * len(self.usual)
            self.count(self.usual[0], self.usual[2:], times)
        while at + 2 <= len(data):
            size, start = data[at + 1], at + 2
            if size > 125:
                wide = 2 if size == 126 else 8
                size, start = int.from_bytes(data[start : start + wide], "big"), start + wide
            if start + size > len(data):
                break
            self.count(data[at], data[start : start + size])
            at = start + size
        self.rest = data[at:]
        return bool(more)

    def count(self, first, payload, times=1):
        opcode = first & 15
        if opcode == PING:
            self.owed += small(0x80 | PONG, payload)
        elif opcode == PONG:
            self.pongs += times
        elif opcode == CLOSE:
            self.code = struct.unpack("!H", payload[:2])[0]
        elif opcode != TEXT:  # by which the demo tells a tab of others
            self.data += times * len(payload)


def bombs(port, path, subprotocol, count, mebibytes):
    """Messages of so many zeros, compressed, each on a connection of its own; what comes back is read. How much shorter they are on the wire, and
    the codes of the server's Close."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush(zlib.Z_SYNC_FLUSH)
    payload = body.removesuffix(b"\0\0\xff\xff")
    packed = bytearray(frame(payload, BINARY))
    packed[0] |= 0x40
    codes = set()
    fields = [EXTENSION, ("Origin", "http://localhost"), *([("Sec-WebSocket-Protocol", subprotocol)] if subprotocol else [])]
    for _ in range(count):
        with WebSocket(port, path, fields) as ws:
            assert "permessage-deflate" in ws.fields.get("sec-websocket-extensions", ""), "not compressed"
            codes.add(bomb(ws, packed))
    return {"ratio": (mebibytes << 20) / len(payload), "codes": sorted(codes)}


def bomb(ws, rest):
    """Writes and reads at once, as what comes back is to be taken. The code of the Close."""
    heard = Heard(b"")
    while True:
        readable, writable, _ = select.select([ws.sock], [ws.sock] if rest else [], [], wire.PATIENCE)
        assert readable or writable, "the server is stuck"
        if writable:
            try:
                rest = rest[ws.sock.send(rest[: 1 << 14]) :]
            except OSError:
                rest = b""
        if readable and not heard.take(ws.sock):
            return heard.code


def value(arg):
    for kind in (int, float):
        try:
            return kind(arg)
        except ValueError:
            pass
    return arg


PEERS = {peer.__name__: peer for peer in (echo, connect, hold, slow, churn, flood, endless, bombs)}

if __name__ == "__main__":
    name, *args = sys.argv[1:]
    print(json.dumps(PEERS[name](*map(value, args))), flush=True)
