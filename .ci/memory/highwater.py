"""How deep the stack of an image truly gets: it runs on QEMU's Cortex-M machine, clients use all of the application, and then the
RAM that the stack may grow into is looked through for the lowest byte that was written to. The machine's RAM begins as zeros,
so what the stack left as zeros at its very end is not seen."""

import base64
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile

import ram

DEADLINE = 60


def measured(image):
    """Bytes of stack that were in use; `None` without QEMU."""
    if not shutil.which("qemu-system-arm"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        monitor = os.path.join(folder, "monitor")
        machine = subprocess.Popen(
            ["qemu-system-arm", "-M", "mps2-an385", "-display", "none", "-serial", "none", "-kernel", image.path]
            + ["-semihosting-config", "enable=on,target=native", "-net", "nic,model=lan9118,netdev=net"]
            + ["-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:0-:80", "-monitor", f"unix:{monitor},server=on,wait=off"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for_address(machine)
            console = Console(monitor)
            use(int(re.search(r"HOST_FORWARD\S*\s+\d+\s+127\.0\.0\.1\s+(\d+)", console.ask("info usernet"))[1]))
            space = ram.stack_space(image)
            top = image.address_of("_stack_start")
            dump = pathlib.Path(folder, "stack")
            console.ask(f'pmemsave {top - space:#x} {space:#x} "{dump}"')
            written = dump.read_bytes()
        finally:
            machine.kill()
            machine.wait()
            machine.stdout.close()
    return len(written.lstrip(b"\0"))


def wait_for_address(machine):
    for line in machine.stdout:
        if b" up at " in line:
            return
    raise SystemExit("the machine ended before it had an address")


class Console:
    """QEMU's monitor."""

    PROMPT = b"(qemu) "

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(path)
        self._read()

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\n")
        return self._read()

    def _read(self):
        text = b""
        while not text.endswith(self.PROMPT):
            text += self.socket.recv(65536)
        return text.decode(errors="replace")


def use(port):
    """The page, requests of all kinds, both WebSockets: text and binary, in fragments, with Pings, closed by either side."""
    page = ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    if not page.startswith(b"HTTP/1.1 200 OK\r\n"):
        raise SystemExit(f"no page: {page[:80]}")
    for request in (b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x.example\r\n\r\n", b"\0\r\n\r\n"):
        ask(port, request)
    lives = [Client(port, b"/live", b"Sec-WebSocket-Protocol: chat, live.v1\r\n") for _ in range(3)]
    for live in lives:
        live.send(0x81, b'{"led":true}')
    echo = Client(port, b"/echo")
    for kind, payload in ((0x81, "é€𐍈".encode() * 999), (0x82, os.urandom(20_000)), (0x02, b"a"), (0x89, b"p" * 125), (0x80, b"b")):
        echo.send(kind, payload)
    echo.until(0x8A)
    lives[0].send(0x81, b"not a command")
    lives[1].send(0xC1, b"not allowed")
    for client in (*lives[:2],):
        client.until(0x88)
    for client in (lives[2], echo):
        client.send(0x88, struct.pack(">H", 1000))
        client.until(0x88)


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


class Client:
    """A WebSocket client just good enough for this."""

    def __init__(self, port, path, fields=b""):
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(
            b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (path, fields, key)
        )
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self._fill()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise SystemExit(f"no WebSocket: {head}")

    def send(self, first, payload):
        key, n = os.urandom(4), len(payload)
        length = struct.pack(">B", 0x80 | n) if n < 126 else struct.pack(">BH", 0xFE, n)
        masked = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(bytes([first]) + length + key + masked)

    def until(self, first):
        """Reads frames up to one that begins with this byte."""
        while True:
            begin, n = self._take(2)
            if n > 125:
                n = int.from_bytes(self._take(2 if n == 126 else 8), "big")
            self._take(n)
            if begin == first:
                return

    def _take(self, n):
        while len(self.bytes) < n:
            self._fill()
        taken, self.bytes = self.bytes[:n], self.bytes[n:]
        return taken

    def _fill(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise SystemExit("the machine ended the connection too early")
        self.bytes += piece
