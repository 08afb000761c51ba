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

FOREIGN = (
    "http://evil.example", "https://evil.example", "http://localhost.evil.example", "http://evil-localhost", "http://localhost:81",
    "http://localhost@evil.example", "null", "", "file://", "http://localhost, http://evil.example", "http://localhost/",
)  # fmt: skip


def run(program, full):
    with Server(program, "proxied") as server, contextlib.ExitStack() as stack:
        port = start_proxy(stack, "nginx", server.port)
        for title, goal, body in (
            ("pages of other sites", f"{len(FOREIGN) * 3} of them refused", cross_site),
            ("upgrades that the server refuses", "no tunnel behind any answer", refused_upgrades),
            ("requests with two ends", "one answer each, none to what is inside", two_ends),
            ("line breaks in values", "no field of theirs in an answer", line_breaks),
            ("a script that chooses its bytes", "they are never on the wire as they are", chosen_bytes),
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
    """All that comes back for these bytes, and whether the connection was ended; what is not, is after a while."""
    with wire.connect(port) as sock:
        wire.send(sock, data)
        sock.settimeout(1)
        said = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while piece := sock.recv(65536):
                said += piece
        return said


def statuses(said):
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", said, re.M)]


def cross_site(port, server):
    """Through the proxy as well as without it, for both WebSockets and events."""
    count = 0
    for origin in FOREIGN:
        for path, protocol in (("/ws", "demo.v1"), ("/feed", "feed.v1"), ("/push?s=&n=1", "push.v1")):
            for at in (port, server.port):
                said = ask(at, head(path, fields=[*UPGRADE, ("Sec-WebSocket-Protocol", protocol), ("Origin", origin)]))
                assert statuses(said) and statuses(said)[0] in (400, 403), f"{path} from {origin!r}: {said[:80]!r}"
            count += 1
    for foreign_host in ("evil.example", "localhost.evil.example"):  # a name that was made to point here
        said = ask(port, head("/ws", host=foreign_host, fields=[*UPGRADE, TAB, ("Origin", f"http://{foreign_host}")]))
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
        said = ask(port, request + marked)
        assert 101 not in statuses(said), f"{what}: {said[:80]!r}"
        direct = ask(server.port, request + marked)
        assert len(statuses(direct)) == 1 and statuses(direct)[0] >= 400, f"{what}: the server answers {statuses(direct)}"
    return f"{len(changes)} kinds; the server itself closes behind each"


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
            said = ask(at, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}{lines}\r\n".encode("latin-1") + INNER)
            got = statuses(said)
            assert len(got) <= 1 and 101 not in got, f"{what}: {method} {path} is answered with {got}"
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


def chosen_bytes(port, server):
    """A page makes the server say what a proxy in front of it could take for an answer, or a request: a frame comes before each, and one that the
    client has not masked is refused. That our own client masks with keys that nobody can guess is tested where it is."""
    with WebSocket(port, "/ws", [TAB, ("Origin", "http://localhost")]) as ws:
        ws.receive()
        ws.sock.sendall(b"\x81" + bytes([len(INNER)]) + INNER)  # not masked
        while (answer := ws.receive())[0] != wire.CLOSE:
            assert INNER not in answer[1], "it is taken"
        assert answer[1][:2] == b"\x03\xea", f"closed with {answer[1]!r}"
    with WebSocket(port, "/ws", [TAB, ("Origin", "http://localhost")]) as ws:
        ws.receive()
        ws.sock.sendall(INNER)
        with contextlib.suppress(wire.Gone, ConnectionResetError):
            while (answer := ws.receive())[0] != wire.CLOSE:
                pass
            assert answer[1][:2] == b"\x03\xea", f"closed with {answer[1]!r}"
    return "2 ways, each closed with 1002"
