"""Listens between two ends of a WebSocket: `Tap` passes bytes on and keeps them, `read` makes messages of them. What is
compressed is inflated with zlib, in the window that was agreed on: a third opinion on what went over the wire."""

import contextlib
import socket
import threading
import zlib
from dataclasses import dataclass, field

# Seconds that either end may be silent.
SILENCE = 60
CLOSE = 8


class Tap:
    """Takes one connection to its port, and makes one to the other. Lives as long as the block."""

    def __init__(self, port):
        self.to = port
        self.bytes = {"client": [], "server": []}
        self.ended = {}

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(SILENCE)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def run(self):
        with contextlib.suppress(OSError):
            client, _ = self.listener.accept()
            with client, socket.create_connection(("127.0.0.1", self.to)) as server:
                other = threading.Thread(target=self.pass_on, args=("server", server, client), daemon=True)
                other.start()
                self.pass_on("client", client, server)
                other.join()

    def pass_on(self, sender, source, sink):
        for end in source, sink:
            end.settimeout(SILENCE)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while data := source.recv(1 << 16):
                self.bytes[sender].append(data)
                sink.sendall(data)
            self.ended[sender] = "ended"
            sink.shutdown(socket.SHUT_WR)
        except OSError as error:
            # The other end may be gone when the Closes were exchanged.
            self.ended.setdefault(sender, str(error))

    def wait(self, seconds):
        """Until both ends have ended."""
        self.thread.join(seconds)

    def head(self, sender):
        return b"".join(self.bytes[sender]).partition(b"\r\n\r\n")[0]

    def body(self, sender):
        return b"".join(self.bytes[sender]).partition(b"\r\n\r\n")[2]

    def extensions(self, sender):
        """The fields in which extensions are offered or agreed on."""
        fields = (line.partition(":") for line in self.head(sender).decode("latin-1").split("\r\n")[1:])
        return ", ".join(value.strip() for name, _, value in fields if name.lower() == "sec-websocket-extensions")


@dataclass
class Message:
    text: bool
    compressed: bool
    frames: int = 0
    wire: bytearray = field(default_factory=bytearray)  # without headers and masks
    payload: bytes = b""


@dataclass
class Stream:
    """What one end has sent."""

    messages: list
    close: bytes | None


class Broken(Exception):
    """What went over the wire breaks a rule; says which."""


def read(body, window_bits=None, takeover=False):
    """Makes a `Stream` of what follows the handshake. Without `window_bits` nothing may be compressed."""
    messages, message, inflater = [], None, None
    for final, rsv, opcode, payload in frames(body):
        if rsv & 3 or rsv and (opcode not in (1, 2) or not window_bits):
            raise Broken(f"reserved bits {rsv:03b} in a frame with opcode {opcode}")
        if opcode == CLOSE:
            return Stream(messages, payload)
        if opcode > CLOSE:
            continue
        if (opcode == 0) != (message is not None):
            raise Broken("a continuation of nothing, or none where there was to be one")
        message = message or Message(opcode == 1, rsv == 4)
        message.frames += 1
        message.wire += payload
        if final:
            message.payload = message.wire
            if message.compressed:
                if inflater is None or not takeover:
                    inflater = zlib.decompressobj(-window_bits)
                message.payload = inflate(inflater, message.wire)
            messages.append(message)
            message = None
    return Stream(messages, None)


def frames(body):
    at = 0
    while at < len(body):
        first, second = body[at], body[at + 1]
        at += 2
        length = second & 127
        if more := {126: 2, 127: 8}.get(length):
            length = int.from_bytes(body[at : at + more], "big")
            at += more
        key = None
        if second & 128:
            key = body[at : at + 4]
            at += 4
        payload = body[at : at + length]
        if len(payload) < length:
            raise Broken("ends within a frame")
        at += length
        yield first >> 7, first >> 4 & 7, first & 15, unmasked(payload, key) if key else payload
        if first & 15 == CLOSE and at < len(body):
            raise Broken("something follows the Close")


def unmasked(payload, key):
    mask = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(len(payload), "big")


def inflate(inflater, wire):
    """In small pieces, so that zlib has little more than its window to refer to."""
    out, rest = [], bytes(wire) + b"\0\0\xff\xff"
    try:
        while rest:
            out.append(inflater.decompress(rest, 256))
            if not out[-1]:
                break
            rest = inflater.unconsumed_tail
    except zlib.error as error:
        raise Broken(f"does not inflate: {error}") from None
    return b"".join(out)
