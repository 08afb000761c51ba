"""Floods of small frames, in a size that an emulated machine can do with: part of the suite `abuse`."""

import wire
from wire import BINARY, CLOSE, PING, PONG, WebSocket, frame

COUNT = 2048
EMPTY = 16  # fragments without a byte in a row, the last that the board takes
AHEAD = 32  # frames that are sent before what comes back for those before them


def pings(port, count=COUNT):
    """Each is answered."""
    with wire.retry(lambda: WebSocket(port))[0] as ws:
        for first in range(0, count, AHEAD):
            payloads = [b"%d" % number for number in range(first, first + AHEAD)]
            ws.sock.sendall(b"".join(frame(payload, PING) for payload in payloads))
            for payload in payloads:
                said = ws.receive_frame()
                assert said == (0x80 | PONG, payload), f"the answer to ping {payload.decode()} is {said}"
        ws.close()
    return f"{count} Pongs, each to its own"


def fragments(port, count=COUNT):
    """Of a byte, all in one message: they come back. Then as many empty ones as the board takes, and one more."""
    with wire.retry(lambda: WebSocket(port))[0] as ws:
        for first in range(0, count, AHEAD):
            numbers = range(first, first + AHEAD)
            ws.sock.sendall(b"".join(frame(b"x", 0 if number else BINARY, number == count - 1) for number in numbers))
            expect(ws, AHEAD)
        ws.sock.sendall(frame(b"x", BINARY, fin=False) + EMPTY * frame(b"", 0, fin=False) + frame(b"y", 0, fin=False))
        expect(ws, 2)
        ws.sock.sendall((EMPTY + 1) * frame(b"", 0, fin=False))
        kind, said = ws.receive()
        assert kind == CLOSE and said[:2] == b"\x03\xf0", f"{said!r} comes back for empty ones"
    return f"{count} come back; {EMPTY} empty ones in a row are taken, the next refused with 1008"


def expect(ws, count):
    """So many bytes of messages, in frames as the board likes."""
    while count > 0:
        first, said = ws.receive_frame()
        assert first & 15 in (0, BINARY), f"a frame that begins with {first:#x}: {said}"
        count -= len(said)
