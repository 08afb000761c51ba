"""HTTP and WebSocket over plain sockets, as little as the tests of boards need, so that a test can stop at any byte. Not
here: what is tested."""

import contextlib
import os
import random
import socket
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
# Seconds for what should come at once. Long, as a frame that is lost on the way costs seconds: the network behind an
# emulated board waits 6 before it sends a SYN again, and a radio driver whose queue is full loses some.
PATIENCE = 30


class Refused(Exception):
    """No socket was free: the connection was reset or closed before one byte of an answer."""


class Busy(Exception):
    """503."""


class Gone(Exception):
    """The connection ended where more had to come."""


def connect(port, receive_buffer=None):
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", port))
    return sock


def reset(sock):
    """Ends a connection by RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def head(path, method="GET", host="localhost", fields=()):
    lines = [f"{method} {path} HTTP/1.1"]
    if host:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


UPGRADE = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
]


class Response:
    """The head of one, read to its end, and not a byte more."""

    def __init__(self, sock):
        data = b""
        try:
            while not data.endswith(b"\r\n\r\n"):
                byte = sock.recv(1)
                if not byte:
                    raise Gone(f"after {data!r}") if data else Refused("closed without an answer")
                data += byte
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Gone(f"{error} after {data!r}") if data else Refused(str(error))
        status, *fields = data.decode("latin-1").rstrip().split("\r\n")
        self.status = int(status.split()[1])
        self.fields = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}


def ask(port, request, body=True):
    """One request; gives the response, with its body if it has one, and sees the connection end behind it."""
    with connect(port) as sock:
        send(sock, request)
        response = Response(sock)
        response.body = read_all(sock) if body else b""
        return response


def send(sock, data):
    try:
        sock.sendall(data)
    except (ConnectionResetError, BrokenPipeError) as error:
        raise Refused(str(error)) from None


def read_all(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def page(port):
    response = ask(port, head("/", fields=[("Connection", "close")]))
    assert response.status == 200, f"status {response.status}"
    assert len(response.body) == int(response.fields["content-length"]), f"{len(response.body)} bytes of the page"
    return response


def retry(attempt, limit=PATIENCE):
    """Tries again while no socket or no WebSocket is free. Gives the result, and how often it was told to wait."""
    end = time.monotonic() + limit
    waits = 0
    while True:
        try:
            return attempt(), waits
        except (Refused, Busy):
            if time.monotonic() > end:
                raise
        waits += 1
        time.sleep(random.uniform(0.005, 0.02))


class WebSocket:
    """A client's. Answers no ping unless told to by `receive`."""

    def __init__(self, port, path="/echo", fields=(), receive_buffer=None):
        self.sock = connect(port, receive_buffer)
        try:
            send(self.sock, head(path, fields=[*UPGRADE, *fields]))
            response = Response(self.sock)
            self.fields = response.fields
            if response.status == 503:
                assert "retry-after" in response.fields, "503 without Retry-After"
                raise Busy()
            assert response.status == 101, f"status {response.status}"
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, payload, kind=TEXT):
        self.sock.sendall(frame(payload, kind))

    def receive(self):
        """The next message, whole, its pings answered; (CLOSE, payload) at the end."""
        message = b""
        kind = None
        while True:
            first, payload = self.receive_frame()
            opcode = first & 15
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                return CLOSE, payload
            elif opcode != PONG:
                kind = opcode or kind
                message += payload
                if first & 128:
                    return kind, message

    def receive_frame(self):
        first, length = self.exactly(2)
        assert length < 128, "a masked frame from a server"
        if length > 125:
            length = int.from_bytes(self.exactly(2 if length == 126 else 8), "big")
        return first, self.exactly(length)

    def exactly(self, count):
        pieces = []
        while count:
            piece = self.sock.recv(min(count, 1 << 18))
            if not piece:
                raise Gone("the end, in a frame or without a close")
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def echo(self, payload, kind=TEXT):
        """Sends a message and sees it come back."""
        self.send(payload, kind)
        answer = self.receive()
        assert answer == (kind, payload), f"{len(payload)} bytes came back as {answer[1][:40]!r}, {len(answer[1])} bytes"

    def close(self, server_first=False):
        """The closing handshake; then the end of TCP, ours at once, or the server's."""
        self.send(struct.pack("!H", 1000), CLOSE)
        while (answer := self.receive())[0] != CLOSE:
            pass
        assert answer[1] == struct.pack("!H", 1000), f"closed with {answer[1]!r}"
        if server_first:
            assert self.sock.recv(1) == b"", "bytes behind the close"
        self.sock.close()


def frame(payload, kind=TEXT, fin=True):
    mask = os.urandom(4)
    length = len(payload)
    if length < 126:
        size = bytes([128 | length])
    else:
        size = struct.pack("!BH", 254, length) if length < 65536 else struct.pack("!BQ", 255, length)
    words = -(-length // 4)
    masked = int.from_bytes(payload.ljust(4 * words, b"\0"), "big") ^ int.from_bytes(mask * words, "big")
    return bytes([kind | (128 if fin else 0)]) + size + mask + masked.to_bytes(4 * words, "big")[:length]


@contextlib.contextmanager
def sockets(port, count, path="/echo"):
    """So many WebSockets at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(WebSocket(port, path)) for _ in range(count)]
