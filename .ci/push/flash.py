"""The suite `flash`: what Flash Player did on the way to a WebSocket, over raw TCP. It asks the port whether it may connect, and gets the
policy file; then it connects to the same port, and speaks RFC 6455. No browser has run Flash since 2021."""

import json

from raw import Raw

REQUEST = b"<policy-file-request/>\0"


def policy(port):
    return (
        '<?xml version="1.0"?><!DOCTYPE cross-domain-policy SYSTEM "http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd">'
        f'<cross-domain-policy><allow-access-from domain="localhost" to-ports="{port}"/></cross-domain-policy>\0'
    ).encode()


def run(check, port):
    check("the request for a policy gets the file, byte for byte, and the end of the connection", ask, port, [REQUEST])
    check("the same in single bytes", ask, port, [REQUEST[at : at + 1] for at in range(len(REQUEST))])
    check("what begins like it and is something else gets 400", refused, port)
    check("a WebSocket on the same port: what is said comes back", echo, port)


def ask(port, pieces):
    with Raw(port) as raw:
        for piece in pieces:
            raw.send(piece)
        came = raw.rest()
        assert came == policy(port), came
        return f"{len(came)} bytes"


def refused(port):
    with Raw(port) as raw:
        raw.send(b"<policy-file-request/>\n")
        came = raw.rest()
        assert came.startswith(b"HTTP/1.1 400 "), came


def echo(port):
    with Raw(port) as raw:
        status, fields = raw.upgrade("/push?s=&n=1", "push.v1")
        assert status == 101 and fields["sec-websocket-protocol"] == "push.v1", (status, fields)
        raw.send_frame(1, "grüß dich".encode())
        news = 0
        while True:
            opcode, payload = raw.frame()
            event = json.loads(payload) if opcode == 1 else {}
            if event.get("data") == "echo:grüß dich":
                break
            news += "data" in event
        raw.send_frame(8, (1000).to_bytes(2, "big"))
        while (frame := raw.frame())[0] != 8:
            pass
        assert frame[1] == (1000).to_bytes(2, "big"), frame
        assert raw.rest() == b""
        return f"with {news} messages for all before it"
