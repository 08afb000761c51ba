"""HTTP/1 and WebSocket by hand over a TCP connection, for clients that do what no library does: `Raw`."""

import base64
import os
import socket


class Raw:
    """A connection to a port of this machine. `with` ends it."""

    def __init__(self, port, limit=10, room=None):
        self.sock = socket.socket()
        if room:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)  # before the connection, whose window it bounds
        self.sock.settimeout(limit)
        self.sock.connect(("127.0.0.1", port))
        self.host = f"127.0.0.1:{port}"
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.replace("HOST", self.host).replace("\n", "\r\n").encode())

    def more(self):
        """Reads on; false at the end of the connection."""
        data = self.sock.recv(65536)
        self.bytes += data
        return bool(data)

    def rest(self):
        """All that comes until the end of the connection."""
        while self.more():
            pass
        data, self.bytes = self.bytes, b""
        return data

    def take(self, size):
        while len(self.bytes) < size:
            assert self.more(), f"it ends behind {self.bytes!r}"
        data, self.bytes = self.bytes[:size], self.bytes[size:]
        return data

    def until(self, mark):
        while mark not in self.bytes:
            assert self.more(), f"it ends behind {self.bytes!r}"
        return self.take(self.bytes.index(mark) + len(mark))

    def head(self):
        """The status and the fields of the next response, names in lower case."""
        line, *lines = self.until(b"\r\n\r\n").decode("latin-1").rstrip("\r\n").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(line.split(" ")[1]), fields

    def response(self, is_head=False):
        """Status, fields and body of the next response; one without a length goes to the end of the connection."""
        status, fields = self.head()
        if is_head or status in (204, 304) or status < 200:
            return status, fields, b""
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.until(b"\r\n"), 16):
                body += self.take(size)
                self.until(b"\r\n")
            self.until(b"\r\n")
            return status, fields, body
        if "content-length" in fields:
            return status, fields, self.take(int(fields["content-length"]))
        return status, fields, self.rest()

    def upgrade(self, path, subprotocol=None):
        key = base64.b64encode(os.urandom(16)).decode()
        more = f"Sec-WebSocket-Protocol: {subprotocol}\n" if subprotocol else ""
        self.send(f"GET {path} HTTP/1.1\nHost: HOST\nConnection: Upgrade\nUpgrade: websocket\nOrigin: http://HOST\n"
                  f"Sec-WebSocket-Version: 13\nSec-WebSocket-Key: {key}\n{more}\n")
        return self.head()

    def send_frame(self, opcode, payload):
        assert len(payload) < 126
        mask = os.urandom(4)
        self.send(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def frame(self):
        """Opcode and payload of the next frame."""
        first, size = self.take(2)
        assert first & 0x70 == 0 and size < 128, f"frame {first:02x} {size:02x}"
        if size == 126:
            size = int.from_bytes(self.take(2), "big")
        return first & 15, self.take(size)
