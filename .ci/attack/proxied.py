"""What is tried through nginx, as the README sets it up, on a server behind it: pages of other sites, upgrades that the server refuses and the
proxy might take for done, requests in which the two might see different ends, lines within lines."""

import contextlib
import re

import wire
from process import start_proxy
from row import Row
from server import Server
from wire import UPGRADE, WebSocket, head

TAB = ("Sec-WebSocket-Protocol", "demo.v1")
INNER = b"GET /push.js HTTP/1.1\r\nHost: localhost\r\n\r\n"  # what would be answered if it was taken for a request

QUIET = 2  # seconds without a word behind an answer, after which a connection counts as kept

FOREIGN = (
    "http://evil.example", "https://evil.example", "http://localhost.evil.example", "http://evil-localhost", "http://localhost:81",
    "http://localhost@evil.example", "null", "", "file://", "http://localhost, http://evil.example", "http://localhost/",
)  # fmt: skip


def run(program, full):
    with Server(program, "proxied") as server, contextlib.ExitStack() as stack:
        port = start_proxy(stack, "nginx", server.port)
        for title, goal, body in (
            ("pages of other sites", f"{len(FOREIGN) * 3} of them refused", cross_site),
            ("upgrades that the server refuses", "no tunnel behind any answer; the server ends its side", refused_upgrades),
            ("requests with two ends", "each refused once, and ended by the server; what is inside is not answered", two_ends),
            ("line breaks in values", "no field of theirs in an answer", line_breaks),
            ("bytes of a script's choice, not masked", "refused with 1002, and not passed on", unmasked),
        ):
            try:
                figure, is_met = body(port, server), True
            except AssertionError as error:
                figure, is_met = str(error), False
            yield Row(title, f"{program} behind nginx", goal, figure, is_met)
        with WebSocket(port, "/ws", [TAB, ("Origin", "http://localhost")]) as ws:
            ws.receive()
            ws.close()
        server.assert_well()


def ask(port, data):
    """All that comes back for these bytes, and whether the connection was ended then: the server that has ended it has said so at once, a proxy
    that keeps it says nothing."""
    with wire.connect(port) as sock:  # who waits long for an answer
        wire.send(sock, data)
        said = b""
        try:
            while piece := sock.recv(65536):
                said += piece
                sock.settimeout(QUIET)
        except TimeoutError:
            return said, False
        except ConnectionResetError:
            pass
        return said, True


def statuses(said):
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", said, re.M)]


def cross_site(port, server):
    """Through the proxy as well as without it, for both WebSockets and events."""
    count = 0
    for origin in FOREIGN:
        for path, protocol in (("/ws", "demo.v1"), ("/feed", "feed.v1"), ("/push?s=&n=1", "push.v1")):
            for at in (port, server.port):
                said, _ = ask(at, head(path, fields=[*UPGRADE, ("Sec-WebSocket-Protocol", protocol), ("Origin", origin)]))
                assert statuses(said) and statuses(said)[0] in (400, 403), f"{path} from {origin!r}: {said[:80]!r}"
            count += 1
    for foreign_host in ("evil.example", "localhost.evil.example"):  # a name that was made to point here
        said, _ = ask(port, head("/ws", host=foreign_host, fields=[*UPGRADE, TAB, ("Origin", f"http://{foreign_host}")]))
        assert statuses(said)[0] == 421, f"as {foreign_host}: {said[:80]!r}"
    return f"{count}, and 2 by another name of this host"


def refused_upgrades(port, server):
    """Behind the refusal comes another request on the same connection: a proxy that has made a tunnel passes it on as it is, to whatever it
    asks for. It must be the proxy's to read, and to answer by itself."""
    changes = {
        "another version": ("Sec-WebSocket-Version", "1337"), "no version": ("Sec-WebSocket-Version", ""),
        "no key": ("Sec-WebSocket-Key", ""), "a short key": ("Sec-WebSocket-Key", "AAAA"),
        "another protocol": ("Upgrade", "h2c"), "no upgrade": ("Upgrade", ""),
    }  # fmt: skip
    for what, (name, value) in changes.items():
        fields = [field for field in UPGRADE if field[0] != name] + ([(name, value)] if value else [])
        request = head("/ws", fields=[*fields, TAB, ("Origin", "http://localhost")])
        marked = b"GET /push.js HTTP/1.1\r\nHost: tunnel.example\r\n\r\n"
        said, _ = ask(port, request + marked)
        assert statuses(said) and 101 not in statuses(said), f"{what}: {said[:80]!r}"
        direct, is_ended = ask(server.port, request + marked)
        assert len(statuses(direct)) == 1 and statuses(direct)[0] >= 400, f"{what}: the server answers {statuses(direct)}"
        assert is_ended, f"{what}: the server goes on reading"
    return f"{len(changes)} kinds, one answer to each, and the end"


def two_ends(port, server):
    """Directly too: what the proxy refuses never comes to the server."""
    size = len(INNER)
    bad = {
        "both lengths": f"Content-Length: {size}\r\nTransfer-Encoding: chunked\r\n",
        "two lengths": f"Content-Length: 0\r\nContent-Length: {size}\r\n",
        "a list of lengths": f"Content-Length: 0, {size}\r\n",
        "a sign": "Content-Length: +0\r\n",
        "less than nothing": "Content-Length: -1\r\n",
        "hexadecimal": "Content-Length: 0x0\r\n",
        "2^64 - 1": "Content-Length: 18446744073709551615\r\n",
        "2^64": "Content-Length: 18446744073709551616\r\n",
        "coded twice": "Transfer-Encoding: chunked, chunked\r\n",
        "coded otherwise": "Transfer-Encoding: xchunked\r\n",
        "identity": "Transfer-Encoding: chunked, identity\r\n",
        "a space before the colon": f"Content-Length : {size}\r\n",
        "a folded line": "Transfer-Encoding:\r\n chunked\r\n",
        "a tab in the coding": "Transfer-Encoding: \x0bchunked\r\n",
        "bare line feeds": f"X: y\nContent-Length: {size}\r\n",
        "a bare carriage return": f"X: y\rContent-Length: {size}\r\n",
        "a chunk with a sign": "Transfer-Encoding: chunked\r\n\r\n+0\r\n",
        "a chunk of 2^64": "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
        "a chunk without its end": "Transfer-Encoding: chunked\r\n\r\n1\r\nxy0\r\n",
    }
    for what, lines in bad.items():
        for at, method, path in ((port, "POST", "/push?s=&n=1"), (server.port, "POST", "/push?s=&n=1"), (server.port, "GET", "/ws")):
            upgrade = "".join(f"{name}: {text}\r\n" for name, text in [*UPGRADE, TAB, ("Origin", "http://localhost")]) if method == "GET" else ""
            said, is_ended = ask(at, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}{lines}\r\n".encode("latin-1") + INNER)
            got = statuses(said)
            assert len(got) == 1 and got[0] >= 400, f"{what}: {method} {path} is answered with {got}"
            assert is_ended or at == port, f"{what}: the server goes on reading behind {method} {path}"
            assert b"PushSocket" not in said, f"{what}: what is inside is answered"
    return f"{len(bad)} kinds, {3 * len(bad)} requests"


def line_breaks(port, server):
    """In all that could come back in an answer: targets, names, subprotocols, functions of JSONP, keys, origins."""
    tries, own = 0, ("Origin", "http://localhost")
    breaks = [f"{brk}X-Evil:%20y" for brk in ("%0d%0a", "%0a", "%0d", "%E5%98%8D%E5%98%8A")] + [f"{brk}X-Evil: y" for brk in "\r\x00\x0b"]
    for brk in breaks:
        for request in (
            head(f"/push?callback=f{brk}".replace(" ", "%20")), head(f"/push?s={brk}".replace(" ", "%20")), head(f"/{brk}".replace(" ", "%20")),
            head("/ws", fields=[*UPGRADE, ("Sec-WebSocket-Protocol", f"demo.v1{brk}"), own]),
            head("/ws", fields=[*UPGRADE, TAB, ("Origin", f"http://localhost{brk}")]),
            head("/ws", fields=[*UPGRADE[:2], ("Sec-WebSocket-Key", f"dGhlIHNhbXBsZSBub25jZQ=={brk}"), UPGRADE[3], TAB, own]),
            head("/push?as=sse", fields=[("Last-Event-ID", f"1{brk}"), ("Connection", "close")]),
        ):
            for at in (port, server.port):
                said = ask_head(at, request)
                assert statuses(said), f"no answer to {request[:80]!r}"
                assert not re.search(rb"^x-evil", said, re.M | re.I), f"{request[:80]!r}: {said[:200]!r}"
                assert b"evil:" not in said.lower(), f"{request[:80]!r} comes back: {said[:200]!r}"
                tries += 1
    return f"{tries} requests"


def ask_head(port, request):
    with wire.connect(port) as sock:
        wire.send(sock, request)
        sock.settimeout(2)
        said = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while b"\r\n\r\n" not in said and (piece := sock.recv(65536)):
                said += piece
        return said


def unmasked(port, server):
    """What a script might want on the wire as it is, for a proxy to take for a request: in a frame without a mask, and in the place of a frame.
    That our own client masks with keys that nobody can guess is tested where it is."""
    tries = (b"\x81" + bytes([len(INNER)]) + INNER, INNER)
    for said in tries:
        with WebSocket(port, "/ws", [TAB, ("Origin", "http://localhost")]) as ws:
            ws.receive()
            ws.sock.sendall(said)
            while (answer := ws.receive())[0] != wire.CLOSE:
                assert INNER not in answer[1], "it is taken"
            assert answer[1][:2] == b"\x03\xea", f"closed with {answer[1]!r}"
    return f"{len(tries)} ways, each closed with 1002"
