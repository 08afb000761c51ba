"""The conversations of `run`: each opens what it wants, sees that it gets it, and leaves. It raises an AssertionError or an OSError where
it does not get it; a server that is failed may cut it anywhere."""

import json
import os
import re
import time
from collections import namedtuple

from raw import Raw as Connection

TIME = 3  # seconds for an answer

# The program, what to call it, and the function that talks to a port; the calls to fail, where it is too long for all of them.
Talk = namedtuple("Talk", "program name speak calls", defaults=(None,))

OPEN = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n"


class Raw(Connection):
    def __init__(self, port):
        super().__init__(port, TIME)

    def get(self, line, further=""):
        self.send(f"{line} HTTP/1.1\nHost: HOST\n{further}\n")

    def open(self, path, further=""):
        self.get(f"GET {path}", OPEN + further)
        status, fields = self.head()
        assert status == 101, f"{status} for a WebSocket"
        return fields

    def frame(self, b0, payload=b""):
        key = os.urandom(4)
        self.send(bytes([b0, 0x80 | len(payload)]) + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload)))

    def hear(self):
        """The next frame."""
        b0, b1 = self.take(2)
        size = int.from_bytes(self.take(2), "big") if b1 == 126 else b1
        return b0, self.take(size)

    def bye(self):
        """Both ends close."""
        self.frame(0x88, b"\x03\xe8")
        while True:
            b0, payload = self.hear()
            if b0 == 0x88:
                assert payload[:2] == b"\x03\xe8", payload
                return

    def ok(self):
        status, fields, body = self.response()
        assert status == 200, f"{status}: {body}"
        return body


def echo(port):
    with Raw(port) as raw:
        raw.open("/")
        raw.frame(0x81, b"hello")
        assert raw.hear() == (0x81, b"hello")
        raw.frame(0x89, b"there?")
        assert raw.hear() == (0x8A, b"there?")
        raw.frame(0x02, b"one ")
        raw.frame(0x80, b"two")
        said = b""
        while not said.endswith(b"two"):
            said += raw.hear()[1]
        assert said == b"one two", said
        raw.bye()


def compressed(port):
    with Raw(port) as raw:
        fields = raw.open("/", "Sec-WebSocket-Extensions: permessage-deflate\n")
        assert "permessage-deflate" in fields["sec-websocket-extensions"]
        raw.frame(0xC1, bytes.fromhex("f248cdc9c90700"))  # RFC 7692 7.2.3.1
        # Five bytes do not get shorter.
        assert raw.hear() == (0x81, b"Hello")
        raw.frame(0xC1, bytes.fromhex("4a4ca43d0000"))  # the letter a, 100 times, as zlib makes it
        b0, payload = raw.hear()
        assert b0 == 0xC1 and len(payload) < 20, (b0, payload)
        raw.bye()


def leave(port):
    with Raw(port) as raw:
        raw.open("/")
        raw.frame(0x01, b"unfinished")


def reserved(port):
    with Raw(port) as raw:
        raw.open("/")
        raw.frame(0x83, b"reserved")
        assert raw.hear() == (0x88, b"\x03\xea")
        raw.rest()


def pages(port):
    with Raw(port) as raw:
        raw.get("GET /")
        assert b"<html" in raw.ok()
        raw.get("HEAD /")
        assert raw.response(is_head=True)[0] == 200
        raw.get("GET /nowhere", "Connection: close\n")
        assert raw.response()[0] == 404


def other_host(port):
    with Raw(port) as raw:
        raw.send("GET / HTTP/1.1\nHost: elsewhere.example\n\n")
        assert raw.response()[0] == 421


def session(raw):
    raw.get("GET /push?s=")
    body = json.loads(raw.ok())
    return body["events"][0]["open"]["sid"], body["next"]


def stream(as_what):
    def speak(port):
        with Raw(port) as raw:
            raw.get(f"GET /push?s=&as={as_what}&callback=f")
            assert raw.head()[0] == 200
            raw.until(b'"data"' if as_what != "html" else b"data")
            raw.until(b"data")

    return speak


def long_stream(port):
    """Longer than the server goes without a look whether its client is still there."""
    end = time.monotonic() + 1.3
    with Raw(port) as raw:
        raw.get("GET /push?s=&as=sse")
        assert raw.head()[0] == 200
        while time.monotonic() < end:
            raw.until(b"data")


def polls(port):
    with Raw(port) as raw:
        sid, since = session(raw)
        raw.get(f"GET /push?s={sid}&since={since}&wait=1000")
        raw.ok()
        raw.get(f"GET /push?s={sid}&callback=f", "Referer: http://HOST/\n")
        assert raw.ok().startswith(b"/**/f(")
        bye(raw, sid, 1)


def uploads(port):
    with Raw(port) as raw:
        sid, _ = session(raw)
        raw.send(f"POST /push?s={sid}&n=1 HTTP/1.1\nHost: HOST\nContent-Length: 8\n\n")
        raw.send(b"t5:hello")
        assert raw.ok() == b'{"ack":1}'
        raw.send(f"POST /push?s={sid}&n=2 HTTP/1.1\nHost: HOST\nExpect: 100-continue\nTransfer-Encoding: chunked\n\n")
        assert raw.head()[0] == 100
        raw.send(b"8\r\nt5:hello\r\n0\r\n\r\n")
        assert raw.ok() == b'{"ack":2}'
        bye(raw, sid, 3)


def bye(raw, sid, n):
    """The session ends, so that the next client finds a place."""
    raw.send(f"POST /push?s={sid}&n={n}&close=1 HTTP/1.1\nHost: HOST\nContent-Length: 6\n\n")
    raw.send(b"t3:bye")
    raw.ok()


def push(port):
    with Raw(port) as raw:
        raw.open("/push?s=&n=1", "Sec-WebSocket-Protocol: push.v1\n")
        raw.frame(0x81, b"hello")
        said = b""
        while b'{"ack":1}' not in said or b"echo:hello" not in said:
            said += raw.hear()[1]
        raw.bye()


def tab(port):
    with Raw(port) as raw:
        raw.open("/ws", "Sec-WebSocket-Protocol: demo.v1\n")
        assert b"welcome" in raw.hear()[1]
        raw.frame(0x81, b'{"type":"echo","text":"hello"}')
        said = b""
        while not re.search(rb'"echo".*hello', said):
            said += raw.hear()[1]
        raw.bye()


def feed(port):
    with Raw(port) as raw:
        raw.open("/feed", "Sec-WebSocket-Protocol: feed.v1\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n")
        raw.hear()
        raw.hear()
        raw.bye()


def camera(port):
    with Raw(port) as raw:
        raw.get("GET /camera")
        raw.until(b"image/")
        raw.until(b"image/")


def policy(port):
    with Raw(port) as raw:
        raw.send(b"<policy-file-request/>\0")
        assert raw.rest().endswith(b"</cross-domain-policy>\0")


TALKS = (
    Talk("echo-server", "messages", echo),
    Talk("echo-server", "compressed", compressed),
    Talk("echo-server", "a client that leaves", leave),
    Talk("echo-server", "a broken rule", reserved),
    Talk("demo", "pages", pages),
    Talk("demo", "another host", other_host),
    Talk("demo", "polls", polls),
    Talk("demo", "uploads", uploads),
    Talk("demo", "server-sent events", stream("sse")),
    Talk("demo", "a long stream", long_stream, ("ioctl",)),
    Talk("demo", "HTML stream", stream("html")),
    Talk("demo", "multipart", stream("multipart")),
    Talk("demo", "push.v1", push),
    Talk("demo", "a tab", tab),
    Talk("demo", "the feed", feed),
    Talk("demo", "the camera", camera),
    Talk("demo", "Flash", policy),
)
